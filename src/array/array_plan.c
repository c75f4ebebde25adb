/* From program and layout to a plan: what is done once, per row, per block, and where values live.
 *
 * How it works: each register's value has a level, how often it changes: an input that has one item
 * for all, an input that has one per row, and all others; an instruction's is the highest of its
 * operands'. Those of the lower levels are computed as single items, before the blocks that need
 * them, in slots of their own; kernels take them as scalars. So `sqrt(x)` of a single x, or what
 * depends on a row alone, costs nothing per item.
 *
 * What must stay true: slots of registers are those of the program, so a temporary that is used
 * again must not be read by a step of a later level than its own: each step of a lower level has a
 * slot of its own. Block sizes depend on the program and the shapes alone, never on threads, as the
 * order of sums depends on them.
 */
#include "array/array_fuse.h"
#include "array/array_tune.h"

#include <stdlib.h>
#include <string.h>

enum {
    PLAN_BYTES = 24 * 1024, /* of a worker's blocks together: most of the first cache */
    PLAN_BLOCK_LEAST = 256, /* items of a block */
    PLAN_BLOCK_MOST = 4096,
    PLAN_BLOCK_ONE_PASS = 1 << 15,
    PLAN_BLOCK_FOLD = 2048,
    PLAN_FINE_BYTES = 512, /* what vector math takes at once */
    PLAN_UNIT = 1 << 13,
    PLAN_CACHE_BYTES = 1 << 20,
    PLAN_SHORT_ROW = 128, /* rows shorter than this do not make blocks of their own */
    PLAN_SHORT_FOLD = 96, /* the same, of rows that are reduced */
    PLAN_LINE = 64,
};

static bool plan_is_text(enum fs_array_type type);

/* About how many nanoseconds an item takes. */
static double plan_cost(enum fs_array_op op)
{
    const struct fs_array_op_info *info = &fs_array_op_info[op];
    switch (op) {
    case FS_ARRAY_OP_MOD_III:
    case FS_ARRAY_OP_MOD_LLL:
    case FS_ARRAY_OP_MOD_FFF:
    case FS_ARRAY_OP_MOD_DDD:
    case FS_ARRAY_OP_FLOORDIV_III:
    case FS_ARRAY_OP_FLOORDIV_LLL:
    case FS_ARRAY_OP_FLOORDIV_FFF:
    case FS_ARRAY_OP_FLOORDIV_DDD:
    case FS_ARRAY_OP_FMOD_FFF:
    case FS_ARRAY_OP_FMOD_DDD:
    case FS_ARRAY_OP_POW_III:
    case FS_ARRAY_OP_POW_LLL:
        return 3;
    default:
        break;
    }
    if (info->count > 0 && plan_is_text((enum fs_array_type)info->args[0])) {
        return 5;
    }
    if (info->ulp != 0) {
        return info->result == FS_ARRAY_COMPLEX ? 10 : 2; /* a function of vector math */
    }
    return 0.2;
}

static bool plan_is_text(enum fs_array_type type)
{
    return type == FS_ARRAY_BYTES || type == FS_ARRAY_STR;
}

/* ---- how operands are read and written ---- */

/* Whether the walk's items lie one behind the other over all dimensions. */
static bool plan_is_linear(const struct fs_array_layout *layout,
                           const struct fs_array_operand *operand)
{
    npy_intp expected = (npy_intp)operand->size;
    for (int d = 0; d < layout->ndim; d++) {
        if (operand->strides[d] != expected) {
            return false;
        }
        expected *= layout->shape[d];
    }
    return true;
}

static enum fs_array_access plan_access(const struct fs_array_plan *plan,
                                        const struct fs_array_operand *operand, bool text)
{
    const struct fs_array_layout *layout = plan->layout;
    bool constant = true;
    for (int d = 1; d < layout->ndim; d++) {
        constant &= operand->strides[d] == 0;
    }
    bool plain = operand->cast == NULL && operand->swap == 0 && (operand->aligned || text);
    if (constant && operand->strides[0] == 0) {
        return FS_ARRAY_ONE;
    }
    if (!plan->flat) {
        if (operand->strides[0] == 0) {
            return FS_ARRAY_ROW;
        }
        bool near = text || operand->strides[0] == (npy_intp)operand->size;
        return plain && near ? FS_ARRAY_DIRECT : FS_ARRAY_MOVED;
    }
    if (constant && !text) {
        return FS_ARRAY_PERIODIC;
    }
    return plain && plan_is_linear(layout, operand) ? FS_ARRAY_DIRECT : FS_ARRAY_MOVED;
}

static int plan_level_of(enum fs_array_access access)
{
    return access == FS_ARRAY_ONE   ? FS_ARRAY_ONCE
           : access == FS_ARRAY_ROW ? FS_ARRAY_PER_ROW
                                    : FS_ARRAY_PER_BLOCK;
}

/* The access of all operands. An output is never a single item. */
static void plan_accesses(struct fs_array_plan *plan)
{
    struct fs_array_layout *layout = plan->layout;
    for (int i = 0; i < layout->input_count; i++) {
        bool text = plan_is_text(plan->program->types[i]);
        layout->operands[i].access = (unsigned char)plan_access(plan, &layout->operands[i], text);
    }
    struct fs_array_operand *output = &layout->operands[layout->input_count];
    bool plain = output->cast == NULL && output->swap == 0 && output->aligned;
    bool near = plan->flat ? plan_is_linear(layout, output)
                           : output->strides[0] == (npy_intp)output->size || layout->shape[0] == 1;
    output->access = plain && near ? FS_ARRAY_DIRECT : FS_ARRAY_MOVED;
}

/* ---- steps ---- */

struct plan_values {
    uint32_t *slot; /* of each register's value, as it is now */
    uint8_t *level;
    uint8_t *levels; /* of each instruction */
};

/* The level of each instruction, and how many there are of each. */
static void plan_levels(struct fs_array_plan *plan, struct plan_values *values)
{
    const struct fs_array_program *program = plan->program;
    unsigned constants = (unsigned)program->input_count + program->constant_count;
    for (unsigned r = 0; r < program->input_count; r++) {
        values->level[r] =
            (uint8_t)plan_level_of((enum fs_array_access)plan->layout->operands[r].access);
    }
    for (unsigned r = program->input_count; r < constants; r++) {
        values->level[r] = FS_ARRAY_ONCE;
    }
    for (size_t i = 0; i < program->instr_count; i++) {
        const struct fs_array_instr *instr = &program->instrs[i];
        const struct fs_array_op_info *info = &fs_array_op_info[instr->op];
        int level = FS_ARRAY_ONCE;
        for (int a = 0; a < info->count; a++) {
            int other = values->level[instr->src[a]];
            level = other > level ? other : level;
        }
        if (plan_is_text((enum fs_array_type)info->result)) {
            level = FS_ARRAY_PER_BLOCK; /* kernels of strings take single items as they are */
        }
        values->level[instr->dst] = values->levels[i] = (uint8_t)level;
        plan->step_count[level]++;
        if (level == FS_ARRAY_PER_BLOCK) {
            plan->cost += plan_cost((enum fs_array_op)instr->op);
        }
    }
}

/* The step that takes a block up to accumulators, or to one. */
static void plan_fold(struct fs_array_plan *plan, struct fs_array_step *step)
{
    enum fs_array_reduce reduce = (enum fs_array_reduce)plan->program->reduce;
    enum fs_array_op op = plan->fold_each ? fs_array_fold_op(reduce, plan->result_type)
                                          : fs_array_reduce_op(reduce, plan->result_type);
    *step = (struct fs_array_step){.kernel = plan->kernels[op],
                                   .op = (uint16_t)op,
                                   .dst = plan->fold_slot,
                                   .src = {plan->result_slot}};
    if (plan->fold_each) {
        step->src[0] = plan->fold_slot;
        step->src[1] = plan->result_slot;
        step->scalars = plan->result_scalar ? 2 : 0;
    }
    plan->step_count[FS_ARRAY_PER_BLOCK]++;
}

/* Writes the steps, level by level. */
static void plan_steps(struct fs_array_plan *plan, struct plan_values *values)
{
    const struct fs_array_program *program = plan->program;
    unsigned registers = fs_array_result(program) + 1;
    unsigned constants = (unsigned)program->input_count + program->constant_count;
    struct fs_array_step *next[FS_ARRAY_LEVELS] = {plan->steps, plan->steps + plan->step_count[0],
                                                   plan->steps + plan->step_count[0] +
                                                       plan->step_count[1]};
    uint32_t own = registers; /* slots of single items that are computed */
    for (unsigned r = 0; r < registers; r++) {
        values->slot[r] = r;
        if (r >= constants) {
            values->level[r] = FS_ARRAY_PER_BLOCK;
        }
    }
    for (size_t i = 0; i < program->instr_count; i++) {
        const struct fs_array_instr *instr = &program->instrs[i];
        const struct fs_array_op_info *info = &fs_array_op_info[instr->op];
        int level = values->levels[i];
        struct fs_array_step *step = next[level]++;
        *step = (struct fs_array_step){.kernel = plan->kernels[instr->op], .op = instr->op};
        for (int a = 0; a < info->count; a++) {
            unsigned r = instr->src[a];
            step->src[a] = values->slot[r];
            if (values->level[r] != FS_ARRAY_PER_BLOCK) {
                step->scalars |= (uint8_t)(1u << a);
            }
        }
        if (level == FS_ARRAY_PER_BLOCK) {
            step->dst = instr->dst;
        } else {
            step->scalars = 0; /* one value of each: no need to tell */
            step->dst = own++;
        }
        values->slot[instr->dst] = step->dst;
        values->level[instr->dst] = (uint8_t)level;
    }
    unsigned result =
        program->reduce != FS_ARRAY_REDUCE_NONE ? program->reduce_source : fs_array_result(program);
    plan->result_slot = values->slot[result];
    plan->result_scalar = values->level[result] != FS_ARRAY_PER_BLOCK;
    plan->folds &= plan->fold_each || !plan->result_scalar;
    if (plan->folds) {
        plan->fold_slot = own++;
        plan_fold(plan, next[FS_ARRAY_PER_BLOCK]);
    }
    plan->slot_count = own;
}

/* ---- memory of a worker ---- */

static size_t plan_reserve(struct fs_array_plan *plan, size_t size)
{
    size_t place = plan->worker_size;
    plan->worker_size += (size + PLAN_LINE - 1) / PLAN_LINE * PLAN_LINE;
    return place;
}

/* Bytes that one more item of a block needs in the first cache. */
static size_t plan_item_bytes(const struct fs_array_plan *plan)
{
    const struct fs_array_program *program = plan->program;
    const struct fs_array_layout *layout = plan->layout;
    unsigned first = (unsigned)program->input_count + program->constant_count;
    bool one = plan->folds && !plan->fold_each; /* memory is read once, and nothing is written */
    size_t bytes = 0;
    for (int i = 0; i < layout->input_count + !one; i++) {
        const struct fs_array_operand *operand = &layout->operands[i];
        if (operand->access >= (one ? FS_ARRAY_PERIODIC : FS_ARRAY_DIRECT)) {
            bytes += operand->block_size;
        }
        if (operand->access == FS_ARRAY_MOVED) {
            bytes += operand->size;
        }
    }
    for (unsigned r = first; r < first + program->temporary_count; r++) {
        if (plan->blocks[r]) {
            bytes += fs_array_type_size((enum fs_array_type)program->types[r]);
        }
    }
    return bytes > 0 ? bytes : 1;
}

/* Finds out which slots are written as blocks. */
static void plan_blocks(struct fs_array_plan *plan)
{
    const struct fs_array_step *step =
        plan->steps + plan->step_count[FS_ARRAY_ONCE] + plan->step_count[FS_ARRAY_PER_ROW];
    memset(plan->blocks, 0, plan->slot_count);
    for (size_t i = 0; i < plan->step_count[FS_ARRAY_PER_BLOCK]; i++, step++) {
        if (step->kernel != NULL) {
            plan->blocks[step->dst] = true;
        } else {
            unsigned outputs = step->loop->group.outputs;
            for (unsigned k = step->pointers - outputs; k < step->pointers; k++) {
                plan->blocks[plan->loop_slots[step->dst + k]] = true;
            }
        }
    }
}

/* Whether nothing of a block is read or written twice: then it need not stay in a cache. */
static bool plan_is_one_pass(const struct fs_array_plan *plan)
{
    const struct fs_array_layout *layout = plan->layout;
    bool reduce = plan->program->reduce != FS_ARRAY_REDUCE_NONE;
    for (int i = 0; i < layout->input_count + !reduce; i++) {
        if (layout->operands[i].access >= FS_ARRAY_PERIODIC) {
            return false;
        }
    }
    return (!reduce || plan->fold_each) && plan->step_count[FS_ARRAY_PER_BLOCK] == 1;
}

/* Items of a block, if blocks should be as short as can be, else 0: memory and vector math wait for
 * each other if they take turns, and with short blocks the processor's own prefetching goes on
 * through the latter. */
static size_t plan_fine(const struct fs_array_plan *plan)
{
    const struct fs_array_layout *layout = plan->layout;
    const struct fs_array_step *step =
        plan->steps + plan->step_count[FS_ARRAY_ONCE] + plan->step_count[FS_ARRAY_PER_ROW];
    size_t direct = 0, slow = 0;
    for (int i = 0; i <= layout->input_count; i++) {
        direct += layout->operands[i].access == FS_ARRAY_DIRECT ? layout->operands[i].size : 0;
    }
    for (size_t k = 0; k < plan->step_count[FS_ARRAY_PER_BLOCK]; k++) {
        if (step[k].kernel != NULL && plan_cost((enum fs_array_op)step[k].op) > 1) {
            slow = fs_array_type_size((enum fs_array_type)fs_array_op_info[step[k].op].result);
        }
    }
    bool worth = slow != 0 && plan->step_count[FS_ARRAY_PER_BLOCK] > 1 &&
                 direct * (size_t)layout->total > PLAN_CACHE_BYTES;
    return worth ? PLAN_FINE_BYTES / slow : 0;
}

/* Whether a unit can be several blocks: all operands are memory itself, or single items. */
static bool plan_is_lean(const struct fs_array_plan *plan)
{
    const struct fs_array_layout *layout = plan->layout;
    bool reduce = plan->program->reduce != FS_ARRAY_REDUCE_NONE;
    bool lean = !plan->flat && !plan_is_text(plan->result_type) &&
                layout->input_count <= FS_ARRAY_LEAN_INPUTS && plan->folds == reduce;
    for (int i = 0; i < layout->input_count + !reduce; i++) {
        lean &= layout->operands[i].access < FS_ARRAY_PERIODIC;
    }
    for (unsigned r = 0; r < plan->program->input_count; r++) {
        lean &= !plan_is_text((enum fs_array_type)plan->program->types[r]);
    }
    return lean;
}

/* How many items a block has. */
static void plan_block(struct fs_array_plan *plan)
{
    const struct fs_array_layout *layout = plan->layout;
    size_t items = PLAN_BYTES / plan_item_bytes(plan) / PLAN_LINE * PLAN_LINE;
    items = items < PLAN_BLOCK_LEAST ? PLAN_BLOCK_LEAST : items;
    items = items > PLAN_BLOCK_MOST ? PLAN_BLOCK_MOST : items;
    items = plan_is_one_pass(plan) ? PLAN_BLOCK_ONE_PASS : items;
    size_t row = (size_t)layout->shape[0];
    if (plan->flat) {
        items = items / row * row; /* rows are shorter than the smallest block */
    } else if (row > items) {
        size_t parts = (row + items - 1) / items; /* of about the same size */
        items = ((row + parts - 1) / parts + PLAN_LINE - 1) / PLAN_LINE * PLAN_LINE;
    } else {
        items = row;
    }
    plan->block = plan->unit = items;
    if (!plan_is_lean(plan)) {
        return;
    }
    size_t fine = plan_fine(plan);
    if (plan->folds && !plan->fold_each) {
        plan->block = plan->block < PLAN_BLOCK_FOLD ? plan->block : PLAN_BLOCK_FOLD;
    } else if (fine != 0) {
        plan->block = plan->block < fine ? plan->block : fine;
    }
    plan->unit = row < PLAN_UNIT ? row : PLAN_UNIT;
}

/* Reserves the places of slots. */
static void plan_places(struct fs_array_plan *plan)
{
    const struct fs_array_program *program = plan->program;
    const struct fs_array_layout *layout = plan->layout;
    unsigned result = fs_array_result(program);
    size_t raw = 0;
    plan->worker_size = PLAN_LINE; /* a place is never 0 */
    memset(plan->places, 0, plan->slot_count * sizeof *plan->places);
    for (unsigned r = 0; r < result; r++) {
        enum fs_array_type type = (enum fs_array_type)program->types[r];
        bool input = r < program->input_count;
        bool constant = !input && r < (unsigned)program->input_count + program->constant_count;
        size_t size = fs_array_type_size(type);
        if (input) {
            const struct fs_array_operand *operand = &layout->operands[r];
            bool block = operand->access >= FS_ARRAY_PERIODIC;
            size = block || operand->access < FS_ARRAY_DIRECT ? operand->block_size : 0;
            size *= block ? plan->block : 1;
            if (operand->cast != NULL) {
                raw = operand->size > raw ? operand->size : raw;
            }
        } else {
            size *= constant || !plan->blocks[r] ? 0 : plan->block;
        }
        size += plan_is_text(type) ? sizeof(struct fs_array_text) : 0;
        plan->places[r] = size != 0 ? plan_reserve(plan, size) : 0;
    }
    for (size_t slot = result + 1; slot < plan->slot_count - plan->folds; slot++) {
        plan->places[slot] = plan_reserve(plan, sizeof(union fs_array_value));
    }
    const struct fs_array_operand *output = &layout->operands[layout->input_count];
    plan->result_size = output->block_size;
    bool sink = output->access != FS_ARRAY_DIRECT || program->reduce != FS_ARRAY_REDUCE_NONE;
    plan->sink_place = plan_reserve(plan, sink ? plan->block * plan->result_size : 0);
    if (plan_is_text(plan->result_type)) {
        plan->places[result] = plan_reserve(plan, sizeof(struct fs_array_text));
    }
    raw = output->cast != NULL && output->size > raw ? output->size : raw;
    plan->raw_place = raw != 0 ? plan_reserve(plan, raw * plan->block) : 0;
}

/* ---- the plan ---- */

/* Has the kernels that are left chosen by what was measured, if it is worth it. */
static void plan_tune(struct fs_array_plan *plan)
{
    const enum fs_array_reduce reduce = (enum fs_array_reduce)plan->program->reduce;
    struct fs_array_step *step =
        plan->steps + plan->step_count[FS_ARRAY_ONCE] + plan->step_count[FS_ARRAY_PER_ROW];
    if (plan->layout->total < FS_ARRAY_TUNE_ITEMS) {
        return;
    }
    for (size_t i = 0; i < plan->step_count[FS_ARRAY_PER_BLOCK]; i++, step++) {
        if (step->kernel != NULL) {
            fs_array_tune((enum fs_array_op)step->op);
            step->kernel = plan->kernels[step->op];
        }
    }
    if (reduce != FS_ARRAY_REDUCE_NONE) {
        const enum fs_array_op fold = fs_array_reduce_op(reduce, plan->result_type);
        fs_array_tune(fold);
        plan->fold_one = plan->kernels[fold];
    }
    fs_array_tune_keep();
}

bool fs_array_plan_make(struct fs_array_plan *plan, const struct fs_array_program *program,
                        struct fs_array_layout *layout, const struct fs_array_way *way)
{
    size_t registers = fs_array_result(program) + 1u, instrs = program->instr_count + 1u;
    size_t slots = registers + instrs;
    size_t size = instrs * sizeof *plan->steps + slots * sizeof *plan->places +
                  (registers + 4 * instrs) * sizeof(uint32_t) + registers + instrs + slots;
    plan->memory = size > sizeof plan->room ? malloc(size) : NULL;
    if (size > sizeof plan->room && plan->memory == NULL) {
        return false;
    }
    char *at = plan->memory != NULL ? plan->memory : plan->room;
    plan->steps = (struct fs_array_step *)at;
    at += instrs * sizeof *plan->steps;
    plan->places = (size_t *)at;
    at += slots * sizeof *plan->places;
    struct plan_values values = {.slot = (uint32_t *)at};
    at += registers * sizeof(uint32_t);
    plan->loop_slots = (uint32_t *)at;
    at += 4 * instrs * sizeof(uint32_t);
    plan->blocks = (bool *)at;
    at += slots;
    values.level = (uint8_t *)at;
    values.levels = (uint8_t *)at + registers;

    plan->program = program;
    plan->layout = layout;
    plan->kernels = way->kernels;
    plan->alone = way->alone;
    plan->result_type = (enum fs_array_type)program->result_type;
    plan->flat = layout->ndim > 1 &&
                 layout->shape[0] < (layout->reduced[0] ? PLAN_SHORT_FOLD : PLAN_SHORT_ROW);
    plan->folds = program->reduce != FS_ARRAY_REDUCE_NONE &&
                  !(plan->flat && layout->reduced[0] && layout->kept != 1 &&
                    program->reduce_axis != FS_ARRAY_ALL_AXES);
    plan->loops = plan->streams = false;
    plan->fold_each = plan->folds && !layout->reduced[0];
    if (program->reduce != FS_ARRAY_REDUCE_NONE) {
        enum fs_array_reduce reduce = (enum fs_array_reduce)program->reduce;
        plan->fold_one = plan->kernels[fs_array_reduce_op(reduce, plan->result_type)];
        plan->fold_start = fs_array_reduce_start(reduce, plan->result_type);
        fs_array_fill(plan->fold_lanes, (const char *)&plan->fold_start,
                      sizeof plan->fold_lanes / fs_array_type_size(plan->result_type),
                      fs_array_type_size(plan->result_type));
    }
    plan->cost = 0.1 * (layout->input_count + 1);
    memset(plan->step_count, 0, sizeof plan->step_count);
    plan_accesses(plan);
    plan_levels(plan, &values);
    plan_steps(plan, &values);
    plan_blocks(plan);
    plan_block(plan);
    if (!plan->alone) {
        fs_array_fuse(plan);
    }
    if (plan->kernels == fs_array_kernels(false)) {
        plan_tune(plan);
    }
    plan_blocks(plan);
    if (program->reduce == FS_ARRAY_REDUCE_NONE || (plan->fold_each && !plan->flat)) {
        plan_block(
            plan); /* else the order of sums depends on blocks: the same with loops, without */
    }
    plan_places(plan);
    return true;
}

void fs_array_plan_clear(struct fs_array_plan *plan)
{
    fs_array_fuse_release(plan);
    free(plan->memory);
}
