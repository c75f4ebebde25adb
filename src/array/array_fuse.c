/* Finds runs of arithmetic in a plan, and keeps the loops that were made for them.
 *
 * How it works: steps are taken in order; a simple operation joins the group that is open, any
 * other one is put in front of it, if it neither needs what the group computes nor writes what the
 * group reads, or else the group is closed first. A closed group becomes a loop that writes only
 * those of its values that somebody reads later. Loops are found again by their group, byte for
 * byte.
 *
 * What must stay true: all of this runs with the GIL held; a loop that a plan uses is never given
 * up; without a loop (no vectors, no executable memory, too many values) the steps stay as they
 * were.
 */
#define _GNU_SOURCE
#include "array/array_fuse.h"

#include "base/base_config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    FUSE_LEAST_ITEMS = 2048,
    FUSE_TABLE = 256,
    FUSE_NOBODY = -1,
    FUSE_STREAM_BYTES = 16 << 20,
};

static struct fs_array_fuse_loop *fuse_table[FUSE_TABLE];
static bool fuse_quarantined;

/* ---- loops ---- */

static enum fs_array_fuse_level fuse_level(void)
{
    const char *wish = fs_base_config_get(FS_CONFIG_FULLSPEED_ARRAY_FUSE);
    if (fuse_quarantined || (wish != NULL && *wish == '0')) {
        return FS_ARRAY_FUSE_OFF;
    }
#ifdef __x86_64__
    return fs_array_target_uses("AVX512_SKX") ? FS_ARRAY_FUSE_AVX512
           : fs_array_target_uses("AVX2")     ? FS_ARRAY_FUSE_AVX2
                                              : FS_ARRAY_FUSE_OFF;
#else
    return FS_ARRAY_FUSE_OFF;
#endif
}

/* Machine code of a group in memory of its own. */
static void fuse_compile(struct fs_array_fuse_loop *loop, enum fs_array_fuse_level level)
{
    uint8_t code[FS_ARRAY_FUSE_CODE];
    size_t size = fs_array_fuse_emit(&loop->group, level, code);
    loop->failed = true;
    if (size == 0) {
        return;
    }
    void *page =
        mmap(NULL, FS_ARRAY_FUSE_CODE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        return;
    }
    memcpy(page, code, size);
    if (mprotect(page, FS_ARRAY_FUSE_CODE, PROT_READ | PROT_EXEC) != 0) {
        munmap(page, FS_ARRAY_FUSE_CODE);
        return;
    }
    memcpy(&loop->code, &page, sizeof page);
    loop->failed = false;
}

static void fuse_free(struct fs_array_fuse_loop *loop)
{
    if (loop->code != NULL) {
        void *page;
        memcpy(&page, &loop->code, sizeof page);
        munmap(page, FS_ARRAY_FUSE_CODE);
    }
    free(loop);
}

/* The loop of a group, made if there is none yet; NULL: there is none to be had. One use more. */
static struct fs_array_fuse_loop *fuse_loop(const struct fs_array_fuse_group *group,
                                            enum fs_array_fuse_level level)
{
    uint32_t hash = 2166136261u + (uint32_t)level;
    for (size_t i = 0; i < sizeof *group; i++) {
        hash = (hash ^ ((const unsigned char *)group)[i]) * 16777619u;
    }
    struct fs_array_fuse_loop **place = NULL;
    for (unsigned k = 0; k < 8; k++) {
        struct fs_array_fuse_loop **entry = &fuse_table[(hash + k) % FUSE_TABLE];
        if (*entry == NULL) { /* no entry is ever taken out: there is none behind this */
            place = entry;
            break;
        }
        if ((*entry)->users == 0 && place == NULL) {
            place = entry;
        }
        if (memcmp(&(*entry)->group, group, sizeof *group) == 0) {
            if ((*entry)->failed) {
                return NULL;
            }
            (*entry)->users++;
            return *entry;
        }
    }
    struct fs_array_fuse_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL) {
        return NULL;
    }
    memcpy(&loop->group, group, sizeof *group);
    fuse_compile(loop, level);
    loop->users = !loop->failed;
    if (place != NULL) {
        if (*place != NULL) {
            fuse_free(*place);
        }
        loop->kept = true;
        *place = loop;
    } else if (loop->failed) {
        fuse_free(loop);
        return NULL;
    }
    return loop->failed ? NULL : loop;
}

void fs_array_fuse_quarantine(void)
{
    fuse_quarantined = true;
}

unsigned fs_array_fuse_spoil(void)
{
    unsigned count = 0;
    for (size_t i = 0; i < FUSE_TABLE; i++) {
        uint8_t *page = NULL;
        if (fuse_table[i] != NULL) {
            memcpy(&page, &fuse_table[i]->code, sizeof page);
        }
        if (page != NULL && mprotect(page, FS_ARRAY_FUSE_CODE, PROT_READ | PROT_WRITE) == 0) {
            *page = 0xc3; /* ret */
            count += mprotect(page, FS_ARRAY_FUSE_CODE, PROT_READ | PROT_EXEC) == 0;
        }
    }
    return count;
}

void fs_array_fuse_release(struct fs_array_plan *plan)
{
    struct fs_array_step *step =
        plan->steps + plan->step_count[FS_ARRAY_ONCE] + plan->step_count[FS_ARRAY_PER_ROW];
    for (size_t i = 0; i < plan->step_count[FS_ARRAY_PER_BLOCK]; i++, step++) {
        if (step->kernel == NULL && --step->loop->users == 0 && !step->loop->kept) {
            fuse_free(step->loop);
        }
    }
}

/* ---- groups ---- */

/* What an operation is made of: one node, or two, of which the second takes up the first. */
struct fuse_meaning {
    enum fs_array_type type;
    enum fs_array_fuse_op first, second;
    bool reversed; /* the first node is the second's right operand */
};

#define FUSE_EACH(name, ...)         \
    case FS_ARRAY_OP_##name:         \
        return (struct fuse_meaning) \
        {                            \
            __VA_ARGS__              \
        }

static struct fuse_meaning fuse_meaning_of(enum fs_array_op op)
{
    switch (op) {
        FUSE_EACH(ADD_III, FS_ARRAY_INT, FS_ARRAY_FUSE_ADD);
        FUSE_EACH(ADD_LLL, FS_ARRAY_LONG, FS_ARRAY_FUSE_ADD);
        FUSE_EACH(ADD_FFF, FS_ARRAY_FLOAT, FS_ARRAY_FUSE_ADD);
        FUSE_EACH(ADD_DDD, FS_ARRAY_DOUBLE, FS_ARRAY_FUSE_ADD);
        FUSE_EACH(SUB_III, FS_ARRAY_INT, FS_ARRAY_FUSE_SUB);
        FUSE_EACH(SUB_LLL, FS_ARRAY_LONG, FS_ARRAY_FUSE_SUB);
        FUSE_EACH(SUB_FFF, FS_ARRAY_FLOAT, FS_ARRAY_FUSE_SUB);
        FUSE_EACH(SUB_DDD, FS_ARRAY_DOUBLE, FS_ARRAY_FUSE_SUB);
        FUSE_EACH(MUL_III, FS_ARRAY_INT, FS_ARRAY_FUSE_MUL);
        FUSE_EACH(MUL_LLL, FS_ARRAY_LONG, FS_ARRAY_FUSE_MUL);
        FUSE_EACH(MUL_FFF, FS_ARRAY_FLOAT, FS_ARRAY_FUSE_MUL);
        FUSE_EACH(MUL_DDD, FS_ARRAY_DOUBLE, FS_ARRAY_FUSE_MUL);
        FUSE_EACH(DIV_FFF, FS_ARRAY_FLOAT, FS_ARRAY_FUSE_DIV);
        FUSE_EACH(DIV_DDD, FS_ARRAY_DOUBLE, FS_ARRAY_FUSE_DIV);
        FUSE_EACH(NEG_FF, FS_ARRAY_FLOAT, FS_ARRAY_FUSE_NEG);
        FUSE_EACH(NEG_DD, FS_ARRAY_DOUBLE, FS_ARRAY_FUSE_NEG);
        FUSE_EACH(ABSOLUTE_FF, FS_ARRAY_FLOAT, FS_ARRAY_FUSE_ABS);
        FUSE_EACH(ABSOLUTE_DD, FS_ARRAY_DOUBLE, FS_ARRAY_FUSE_ABS);
        FUSE_EACH(SQRT_FF, FS_ARRAY_FLOAT, FS_ARRAY_FUSE_SQRT);
        FUSE_EACH(SQRT_DD, FS_ARRAY_DOUBLE, FS_ARRAY_FUSE_SQRT);
        FUSE_EACH(AND_III, FS_ARRAY_INT, FS_ARRAY_FUSE_AND);
        FUSE_EACH(AND_LLL, FS_ARRAY_LONG, FS_ARRAY_FUSE_AND);
        FUSE_EACH(OR_III, FS_ARRAY_INT, FS_ARRAY_FUSE_OR);
        FUSE_EACH(OR_LLL, FS_ARRAY_LONG, FS_ARRAY_FUSE_OR);
        FUSE_EACH(XOR_III, FS_ARRAY_INT, FS_ARRAY_FUSE_XOR);
        FUSE_EACH(XOR_LLL, FS_ARRAY_LONG, FS_ARRAY_FUSE_XOR);
        FUSE_EACH(MULADD_FFFF, FS_ARRAY_FLOAT, FS_ARRAY_FUSE_MUL, FS_ARRAY_FUSE_ADD);
        FUSE_EACH(MULADD_DDDD, FS_ARRAY_DOUBLE, FS_ARRAY_FUSE_MUL, FS_ARRAY_FUSE_ADD);
        FUSE_EACH(MULSUB_FFFF, FS_ARRAY_FLOAT, FS_ARRAY_FUSE_MUL, FS_ARRAY_FUSE_SUB);
        FUSE_EACH(MULSUB_DDDD, FS_ARRAY_DOUBLE, FS_ARRAY_FUSE_MUL, FS_ARRAY_FUSE_SUB);
        FUSE_EACH(SUBMUL_FFFF, FS_ARRAY_FLOAT, FS_ARRAY_FUSE_MUL, FS_ARRAY_FUSE_SUB, true);
        FUSE_EACH(SUBMUL_DDDD, FS_ARRAY_DOUBLE, FS_ARRAY_FUSE_MUL, FS_ARRAY_FUSE_SUB, true);
        FUSE_EACH(MAXIMUM_FFF, FS_ARRAY_FLOAT, FS_ARRAY_FUSE_MAX);
        FUSE_EACH(MAXIMUM_DDD, FS_ARRAY_DOUBLE, FS_ARRAY_FUSE_MAX);
        FUSE_EACH(MINIMUM_FFF, FS_ARRAY_FLOAT, FS_ARRAY_FUSE_MIN);
        FUSE_EACH(MINIMUM_DDD, FS_ARRAY_DOUBLE, FS_ARRAY_FUSE_MIN);
        FUSE_EACH(SUM_II, FS_ARRAY_INT, FS_ARRAY_FUSE_ADD);
        FUSE_EACH(SUM_LL, FS_ARRAY_LONG, FS_ARRAY_FUSE_ADD);
        FUSE_EACH(SUM_FF, FS_ARRAY_FLOAT, FS_ARRAY_FUSE_ADD);
        FUSE_EACH(SUM_DD, FS_ARRAY_DOUBLE, FS_ARRAY_FUSE_ADD);
        FUSE_EACH(PROD_FF, FS_ARRAY_FLOAT, FS_ARRAY_FUSE_MUL);
        FUSE_EACH(PROD_DD, FS_ARRAY_DOUBLE, FS_ARRAY_FUSE_MUL);
        FUSE_EACH(MAX_FF, FS_ARRAY_FLOAT, FS_ARRAY_FUSE_MAX);
        FUSE_EACH(MAX_DD, FS_ARRAY_DOUBLE, FS_ARRAY_FUSE_MAX);
        FUSE_EACH(MIN_FF, FS_ARRAY_FLOAT, FS_ARRAY_FUSE_MIN);
        FUSE_EACH(MIN_DD, FS_ARRAY_DOUBLE, FS_ARRAY_FUSE_MIN);
    default:
        return (struct fuse_meaning){FS_ARRAY_NONE, FS_ARRAY_FUSE_NONE, FS_ARRAY_FUSE_NONE, false};
    }
}

/* The pass over a plan's steps. */
struct fuse_pass {
    struct fs_array_plan *plan;
    enum fs_array_fuse_level level;
    struct fs_array_step *steps; /* as they were */
    size_t count;
    size_t *until;             /* of each: the last step that reads what it writes */
    struct fs_array_step *out; /* as they become, in the plan */
    size_t out_count, loop_slots;
    struct fs_array_fuse_group group; /* the open one; operands have the numbers of slots below */
    uint32_t slots[FS_ARRAY_FUSE_OPERANDS];
    size_t members[FS_ARRAY_FUSE_NODES]; /* the group's steps */
    size_t member_count;
    uint8_t values[FS_ARRAY_FUSE_NODES]; /* what each of them writes, by its node */
    uint8_t folded;                      /* the node that the group's fold takes up */
};

/* The number of the node that has the newest value of a slot; FUSE_NOBODY: memory has it. */
static int fuse_node_of(const struct fuse_pass *pass, uint32_t slot)
{
    for (size_t m = pass->member_count; m-- > 0;) {
        if (pass->steps[pass->members[m]].dst == slot) {
            return pass->values[m];
        }
    }
    return FUSE_NOBODY;
}

/* The operand that a slot is, a new one if need be; FUSE_NOBODY: there is no room. */
static int fuse_operand_of(struct fuse_pass *pass, uint32_t slot, bool scalar)
{
    for (int k = 0; k < pass->group.operands; k++) {
        if (pass->slots[k] == slot) {
            return k;
        }
    }
    if (pass->group.operands == FS_ARRAY_FUSE_OPERANDS) {
        return FUSE_NOBODY;
    }
    pass->slots[pass->group.operands] = slot;
    pass->group.scalars |= (uint32_t)scalar << pass->group.operands;
    return pass->group.operands++;
}

/* In the open group nodes are numbered from 128, as the number of operands may grow. */
enum { FUSE_NODE = 128 };

/* Takes a step into the open group; false: it does not fit. */
static bool fuse_join(struct fuse_pass *pass, size_t index, struct fuse_meaning meaning)
{
    const struct fs_array_step *step = &pass->steps[index];
    struct fs_array_fuse_group *group = &pass->group;
    if (group->nodes + 2 > FS_ARRAY_FUSE_NODES ||
        (group->nodes != 0 && group->type != (uint8_t)meaning.type)) {
        return false;
    }
    int args = fs_array_op_info[step->op].count, values[FS_ARRAY_MAX_ARGS] = {0};
    uint8_t operands = group->operands;
    uint32_t scalars = group->scalars;
    for (int a = 0; a < args; a++) {
        bool scalar = step->scalars >> a & 1;
        int node = scalar ? FUSE_NOBODY : fuse_node_of(pass, step->src[a]);
        values[a] =
            node != FUSE_NOBODY ? FUSE_NODE + node : fuse_operand_of(pass, step->src[a], scalar);
        if (values[a] == FUSE_NOBODY) {
            group->operands = operands;
            group->scalars = scalars;
            return false;
        }
    }
    int first = meaning.reversed ? 1 : 0;
    group->type = (uint8_t)meaning.type;
    group->node[group->nodes].op = (uint8_t)meaning.first;
    group->node[group->nodes].src[0] = (uint8_t)values[first];
    group->node[group->nodes].src[1] = (uint8_t)values[args > 1 ? first + 1 : first];
    group->nodes++;
    if (meaning.second != FS_ARRAY_FUSE_NONE) {
        int product = FUSE_NODE + group->nodes - 1, third = values[meaning.reversed ? 0 : 2];
        group->node[group->nodes].op = (uint8_t)meaning.second;
        group->node[group->nodes].src[0] = (uint8_t)(meaning.reversed ? third : product);
        group->node[group->nodes].src[1] = (uint8_t)(meaning.reversed ? product : third);
        group->nodes++;
    }
    pass->values[pass->member_count] = (uint8_t)(group->nodes - 1);
    pass->members[pass->member_count++] = index;
    return true;
}

/* The values of the open group that are read from step `next` on, as outputs; false: too many. */
static bool fuse_outputs(struct fuse_pass *pass, size_t next, uint32_t *slots)
{
    struct fs_array_fuse_group *group = &pass->group;
    if (group->fold != FS_ARRAY_FUSE_NONE) { /* the last step of all: nobody reads anything later */
        slots[group->outputs] = pass->plan->fold_slot;
        group->output[group->outputs++] = (uint8_t)(group->operands + pass->folded);
        return true;
    }
    for (size_t m = 0; m < pass->member_count; m++) {
        if (pass->until[pass->members[m]] < next) {
            continue;
        }
        if (group->operands + group->outputs == FS_ARRAY_FUSE_POINTERS) {
            return false;
        }
        slots[group->outputs] = pass->steps[pass->members[m]].dst;
        group->output[group->outputs++] = (uint8_t)(group->operands + pass->values[m]);
    }
    return group->outputs > 0;
}

/* Whether a group's output is so large that it would only drive other things out of the caches: it
 * is the result, of one dimension. */
static bool fuse_streams(const struct fuse_pass *pass, const uint32_t *outputs)
{
    const struct fs_array_plan *plan = pass->plan;
    const struct fs_array_layout *layout = plan->layout;
    const struct fs_array_operand *output = &layout->operands[layout->input_count];
    if (plan->flat || plan->folds || pass->group.outputs != 1 || outputs[0] != plan->result_slot ||
        output->access != FS_ARRAY_DIRECT || layout->ndim != 1 ||
        (size_t)layout->total * output->size < FUSE_STREAM_BYTES) {
        return false;
    }
    for (int i = 0; i < layout->input_count; i++) {
        if (layout->operands[i].data == output->data) {
            return false;
        }
    }
    return true;
}

/* The loop of the open group, with what it writes; NULL: there is none. `next` is the step after
 * it.
 */
static struct fs_array_fuse_loop *fuse_make(struct fuse_pass *pass, size_t next, uint32_t *outputs)
{
    struct fs_array_fuse_group *group = &pass->group;
    bool several = group->nodes + (group->fold != FS_ARRAY_FUSE_NONE) > 1; /* one is a kernel */
    if (!several || !fuse_outputs(pass, next, outputs)) {
        return NULL;
    }
    for (int i = 0; i < group->nodes; i++) {
        for (int a = 0; a < 2; a++) {
            unsigned value = group->node[i].src[a];
            group->node[i].src[a] =
                (uint8_t)(value >= FUSE_NODE ? value - FUSE_NODE + group->operands : value);
        }
    }
    group->stream = fuse_streams(pass, outputs);
    return fuse_loop(group, pass->level);
}

/* Closes the open group: a loop, or its steps one by one. `next` is the step that comes then. */
static void fuse_close(struct fuse_pass *pass, size_t next)
{
    struct fs_array_fuse_group *group = &pass->group;
    uint32_t outputs[FS_ARRAY_FUSE_POINTERS];
    struct fs_array_fuse_loop *loop = fuse_make(pass, next, outputs);
    const struct fs_array_step *fold = NULL;
    if (loop == NULL &&
        group->fold != FS_ARRAY_FUSE_NONE) { /* too much for one: without the fold */
        fold = &pass->steps[pass->members[--pass->member_count]];
        group->fold = FS_ARRAY_FUSE_NONE;
        group->outputs = 0;
        loop = fuse_make(pass, next - 1, outputs);
    }
    if (loop != NULL) {
        pass->plan->loops = true;
        pass->plan->streams |= group->stream;
        uint32_t *slots = pass->plan->loop_slots + pass->loop_slots;
        memcpy(slots, pass->slots, group->operands * sizeof *slots);
        memcpy(slots + group->operands, outputs, group->outputs * sizeof *slots);
        pass->out[pass->out_count++] =
            (struct fs_array_step){.loop = loop,
                                   .dst = (uint32_t)pass->loop_slots,
                                   .pointers = (uint8_t)(group->operands + group->outputs)};
        pass->loop_slots += (size_t)group->operands + group->outputs;
    } else {
        for (size_t m = 0; m < pass->member_count; m++) {
            pass->out[pass->out_count++] = pass->steps[pass->members[m]];
        }
    }
    if (fold != NULL) {
        pass->out[pass->out_count++] = *fold;
    }
    pass->member_count = 0;
    memset(group, 0, sizeof *group);
}

/* Takes the step that folds into the open group, if that computes what it folds. */
static bool fuse_join_fold(struct fuse_pass *pass, size_t index, struct fuse_meaning meaning)
{
    int node = fuse_node_of(pass, pass->steps[index].src[0]);
    if (node == FUSE_NOBODY || pass->group.type != (uint8_t)meaning.type) {
        return false;
    }
    pass->group.fold = (uint8_t)meaning.first;
    pass->folded = (uint8_t)node;
    pass->members[pass->member_count++] = index;
    return true;
}

/* Whether a step may run before the open group. */
static bool fuse_may_pass(const struct fuse_pass *pass, const struct fs_array_step *step)
{
    for (int a = 0; a < fs_array_op_info[step->op].count; a++) {
        if (!(step->scalars >> a & 1) && fuse_node_of(pass, step->src[a]) != FUSE_NOBODY) {
            return false;
        }
    }
    for (int k = 0; k < pass->group.operands; k++) {
        if (pass->slots[k] == step->dst) {
            return false;
        }
    }
    return fuse_node_of(pass, step->dst) == FUSE_NOBODY;
}

/* For each step: the last one that reads what it writes. */
static void fuse_liveness(struct fuse_pass *pass, size_t *last)
{
    for (size_t slot = 0; slot < pass->plan->slot_count; slot++) {
        last[slot] = 0;
    }
    last[pass->plan->folds ? pass->plan->fold_slot : pass->plan->result_slot] = pass->count;
    for (size_t i = pass->count; i-- > 0;) {
        const struct fs_array_step *step = &pass->steps[i];
        pass->until[i] = last[step->dst];
        last[step->dst] = 0;
        for (int a = 0; a < fs_array_op_info[step->op].count; a++) {
            if (!(step->scalars >> a & 1) && last[step->src[a]] == 0) {
                last[step->src[a]] = i;
            }
        }
    }
}

void fs_array_fuse(struct fs_array_plan *plan)
{
    size_t count = plan->step_count[FS_ARRAY_PER_BLOCK];
    if (count < 1 || plan->layout->total < FUSE_LEAST_ITEMS) {
        return;
    }
    struct fuse_pass pass = {.plan = plan, .level = fuse_level(), .count = count};
    if (pass.level == FS_ARRAY_FUSE_OFF) {
        return;
    }
    char *memory = malloc(count * (sizeof *pass.steps + sizeof *pass.until) +
                          plan->slot_count * sizeof(size_t));
    if (memory == NULL) {
        return;
    }
    pass.out = plan->steps + plan->step_count[FS_ARRAY_ONCE] + plan->step_count[FS_ARRAY_PER_ROW];
    pass.steps = (struct fs_array_step *)memory;
    pass.until = (size_t *)(memory + count * sizeof *pass.steps);
    memcpy(pass.steps, pass.out, count * sizeof *pass.steps);
    fuse_liveness(&pass, pass.until + count);
    for (size_t i = 0; i < count; i++) {
        const struct fs_array_step *step = &pass.steps[i];
        struct fuse_meaning meaning = fuse_meaning_of((enum fs_array_op)step->op);
        bool can = fs_array_fuse_can(pass.level, meaning.first, meaning.type) &&
                   step->scalars + 1u != 1u << fs_array_op_info[step->op].count;
        if (can && fs_array_op_folds((enum fs_array_op)step->op)) {
            can = fuse_join_fold(&pass, i, meaning);
        } else if (can) {
            if (!fuse_join(&pass, i, meaning)) {
                fuse_close(&pass, i);
                fuse_join(&pass, i, meaning);
            }
        }
        if (!can) {
            if (!fuse_may_pass(&pass, step)) {
                fuse_close(&pass, i);
            }
            pass.out[pass.out_count++] = *step;
        }
    }
    fuse_close(&pass, count);
    plan->step_count[FS_ARRAY_PER_BLOCK] = pass.out_count;
    free(memory);
}
