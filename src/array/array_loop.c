/* Executes a plan block by block.
 *
 * How it works: the table of slots says for each value where it is; before each block the pointers
 * of the inputs are set (memory itself, where items lie one behind the other) or their items
 * gathered, then the kernels run one after the other, on blocks that stay in the first cache. The
 * last kernel writes straight to the output where that can be.
 *
 * What must stay true: nothing here allocates, fails or knows Python: it runs without the GIL, on
 * several threads at once, each with a worker of its own; a worker never reads what another writes.
 */
#include "array/array_loop.h"
#include "array/array_fuse.h"

#include "base/base.h"

#include <string.h>

/* ---- a worker ---- */

static size_t loop_tables(const struct fs_array_plan *plan)
{
    size_t operands = (size_t)plan->layout->input_count + 1;
    size_t size = plan->slot_count * sizeof(void *) + operands * sizeof(char *) +
                  (size_t)plan->layout->ndim * sizeof(npy_intp);
    return (size + 63) / 64 * 64;
}

size_t fs_array_worker_size(const struct fs_array_plan *plan)
{
    /* A line more, so that the same blocks of two workers do not meet in the same sets of a cache.
     */
    return loop_tables(plan) + plan->worker_size + 64;
}

/* A loop that ends with a fold: it leaves the lanes of the reduction's kernel, which that folds. */
static void loop_folded(const struct fs_array_plan *plan, const struct fs_array_step *step,
                        void **pointers, size_t n)
{
    char lanes[FS_ARRAY_LANE_BYTES] __attribute__((aligned(64)));
    const void *const src[FS_ARRAY_MAX_ARGS] = {lanes};
    const size_t size = plan->result_size;
    void *sum = pointers[step->pointers - 1];
    memcpy(lanes, plan->fold_lanes, sizeof lanes);
    pointers[step->pointers - 1] = lanes;
    step->loop->code(pointers, n);
    plan->fold_one(sum, src, 0, sizeof lanes / size);
}

/* Several operations in one loop. */
static void loop_fused(struct fs_array_worker *worker, const struct fs_array_step *step, size_t n)
{
    const uint32_t *slots = worker->plan->loop_slots + step->dst;
    void *pointers[FS_ARRAY_FUSE_POINTERS];
    for (unsigned k = 0; k < step->pointers; k++) {
        pointers[k] = worker->slots[slots[k]];
    }
    if (step->loop->group.fold != FS_ARRAY_FUSE_NONE) {
        loop_folded(worker->plan, step, pointers, n);
    } else {
        step->loop->code(pointers, n);
    }
}

static void loop_run(struct fs_array_worker *worker, int level, size_t n)
{
    const struct fs_array_plan *plan = worker->plan;
    const struct fs_array_step *step = plan->steps;
    for (int l = 0; l < level; l++) {
        step += plan->step_count[l];
    }
    void *const *slots = worker->slots;
    for (const struct fs_array_step *end = step + plan->step_count[level]; step < end; step++) {
        if (step->kernel == NULL) {
            loop_fused(worker, step, n);
            continue;
        }
        const void *const src[FS_ARRAY_MAX_ARGS] = {slots[step->src[0]], slots[step->src[1]],
                                                    slots[step->src[2]]};
        step->kernel(slots[step->dst], src, step->scalars, n);
    }
}

static bool loop_is_text(const struct fs_array_plan *plan, int i)
{
    enum fs_array_type type = i < plan->layout->input_count
                                  ? (enum fs_array_type)plan->program->types[i]
                                  : plan->result_type;
    return type == FS_ARRAY_BYTES || type == FS_ARRAY_STR;
}

/* The block of an operand that has one. Behind the description, with strings. */
static char *loop_block(const struct fs_array_worker *worker, int i)
{
    char *place = worker->memory + worker->plan->places[i];
    return loop_is_text(worker->plan, i) ? place + sizeof(struct fs_array_text) : place;
}

/* n items from memory into a block: gathered, turned around, cast. */
static void loop_fetch(const struct fs_array_worker *worker, int i, char *block, const char *from,
                       npy_intp stride, size_t n)
{
    const struct fs_array_operand *operand = &worker->plan->layout->operands[i];
    if (operand->cast == NULL) {
        fs_array_gather(block, from, stride, n, operand->size, operand->swap);
        return;
    }
    const char *raw = from;
    if (stride != (npy_intp)operand->size || operand->swap != 0 || !operand->aligned) {
        char *room = worker->memory + worker->plan->raw_place;
        fs_array_gather(room, from, stride, n, operand->size, operand->swap);
        raw = room;
    }
    operand->cast(block, raw, n);
}

/* Points the slot of an input that has one item for all that follows to that item. */
static void loop_single(struct fs_array_worker *worker, int i, char *item)
{
    const struct fs_array_operand *operand = &worker->plan->layout->operands[i];
    if (loop_is_text(worker->plan, i)) {
        struct fs_array_text *text = worker->slots[i];
        *text = (struct fs_array_text){.items = item, .step = 0, .size = operand->size};
    } else if (operand->cast == NULL && operand->swap == 0 && operand->aligned) {
        worker->slots[i] = item;
    } else {
        worker->slots[i] = worker->memory + worker->plan->places[i];
        loop_fetch(worker, i, worker->slots[i], item, 0, 1);
    }
}

/* Values that never change: constants and single inputs; and what comes of them. */
static void loop_once(struct fs_array_worker *worker)
{
    const struct fs_array_plan *plan = worker->plan;
    const struct fs_array_program *program = plan->program;
    for (unsigned k = 0; k < program->constant_count; k++) {
        unsigned r = program->input_count + k;
        enum fs_array_type type = (enum fs_array_type)program->types[r];
        const union fs_array_value *value = &program->constants[k];
        if (type == FS_ARRAY_BYTES || type == FS_ARRAY_STR) {
            struct fs_array_text *text = worker->slots[r];
            *text = (struct fs_array_text){
                .items = (char *)(uintptr_t)value->s.data, .step = 0, .size = value->s.size};
        } else {
            worker->slots[r] = (void *)(uintptr_t)value;
        }
    }
    for (int i = 0; i < program->input_count; i++) {
        const struct fs_array_operand *operand = &plan->layout->operands[i];
        if (operand->access == FS_ARRAY_ONE) {
            loop_single(worker, i, operand->data);
        } else if (operand->access == FS_ARRAY_PERIODIC) {
            size_t row = (size_t)plan->layout->shape[0], item = operand->block_size;
            char *block = loop_block(worker, i);
            loop_fetch(worker, i, block, operand->data, operand->strides[0], row);
            for (size_t done = row; done + row <= plan->block; done += row) {
                memcpy(block + done * item, block, row * item);
            }
        }
    }
    loop_run(worker, FS_ARRAY_ONCE, 1);
}

void fs_array_worker_start(struct fs_array_worker *worker, const struct fs_array_plan *plan,
                           char *memory)
{
    size_t operands = (size_t)plan->layout->input_count + 1;
    worker->plan = plan;
    worker->slots = (void **)memory;
    worker->rows = (char **)(worker->slots + plan->slot_count);
    worker->index = (npy_intp *)(worker->rows + operands);
    worker->memory = memory + loop_tables(plan);
    for (size_t slot = 0; slot < plan->slot_count; slot++) {
        worker->slots[slot] = plan->places[slot] != 0 ? worker->memory + plan->places[slot] : NULL;
    }
    for (size_t i = 0; i < operands; i++) {
        worker->rows[i] = plan->layout->operands[i].data;
    }
    memset(worker->index, 0, (size_t)plan->layout->ndim * sizeof *worker->index);
    loop_once(worker);
    if (!plan->flat) {
        fs_array_worker_begin_row(worker);
    }
}

/* ---- places ---- */

void fs_array_worker_begin_row(struct fs_array_worker *worker)
{
    const struct fs_array_layout *layout = worker->plan->layout;
    for (int i = 0; i < layout->input_count; i++) {
        if (layout->operands[i].access == FS_ARRAY_ROW) {
            loop_single(worker, i, worker->rows[i]);
        }
    }
    loop_run(worker, FS_ARRAY_PER_ROW, 1);
}

void fs_array_worker_move(struct fs_array_worker *worker, int dimension, npy_intp by)
{
    const struct fs_array_layout *layout = worker->plan->layout;
    worker->index[dimension] += by;
    for (int i = 0; i <= layout->input_count; i++) {
        worker->rows[i] += by * layout->operands[i].strides[dimension];
    }
}

void fs_array_worker_row(struct fs_array_worker *worker, npy_intp row)
{
    const struct fs_array_layout *layout = worker->plan->layout;
    for (int d = 1; d < layout->ndim; d++) {
        npy_intp index = row % layout->shape[d];
        row /= layout->shape[d];
        fs_array_worker_move(worker, d, index - worker->index[d]);
    }
    fs_array_worker_begin_row(worker);
}

void fs_array_worker_next_row(struct fs_array_worker *worker)
{
    const struct fs_array_layout *layout = worker->plan->layout;
    for (int d = 1; d < layout->ndim; d++) {
        if (worker->index[d] + 1 < layout->shape[d]) {
            fs_array_worker_move(worker, d, 1);
            break;
        }
        fs_array_worker_move(worker, d, -worker->index[d]);
    }
    fs_array_worker_begin_row(worker);
}

void fs_array_worker_item(struct fs_array_worker *worker, npy_intp item)
{
    const struct fs_array_layout *layout = worker->plan->layout;
    for (int d = 0; d < layout->ndim; d++) {
        worker->index[d] = item % layout->shape[d];
        item /= layout->shape[d];
    }
}

/* ---- flat walks: items that do not lie one behind the other ---- */

/* A walk over part of an operand, row by row, from the worker's place. */
struct loop_run_of_rows {
    const struct fs_array_layout *layout;
    const struct fs_array_operand *operand;
    npy_intp index[NPY_MAXDIMS];
    char *row;
};

static void loop_rows_start(struct loop_run_of_rows *rows, const struct fs_array_worker *worker,
                            int i)
{
    rows->layout = worker->plan->layout;
    rows->operand = &rows->layout->operands[i];
    rows->row = rows->operand->data;
    for (int d = 0; d < rows->layout->ndim; d++) {
        rows->index[d] = worker->index[d];
        rows->row += d > 0 ? rows->index[d] * rows->operand->strides[d] : 0;
    }
}

/* How many items of the row are left, at most n; *item is the first. Then goes behind them. */
static size_t loop_rows_next(struct loop_run_of_rows *rows, char **item, size_t n)
{
    const struct fs_array_layout *layout = rows->layout;
    const npy_intp *strides = rows->operand->strides;
    *item = rows->row + rows->index[0] * strides[0];
    size_t left = (size_t)(layout->shape[0] - rows->index[0]);
    if (n < left) {
        rows->index[0] += (npy_intp)n;
        return n;
    }
    rows->index[0] = 0;
    for (int d = 1; d < layout->ndim; d++) {
        if (++rows->index[d] < layout->shape[d]) {
            rows->row += strides[d];
            break;
        }
        rows->row -= (layout->shape[d] - 1) * strides[d];
        rows->index[d] = 0;
    }
    return left;
}

/* Few items, without a call: rows of flat walks are short. */
FS_INLINE void loop_copy_few(char *to, npy_intp to_stride, const char *from, npy_intp from_stride,
                             size_t n, size_t size)
{
    for (size_t k = 0; k < n; k++) {
        memcpy(to + (npy_intp)k * to_stride, from + (npy_intp)k * from_stride, size);
    }
}

static void loop_gather_rows(struct loop_run_of_rows *rows, char *to, size_t n, size_t size)
{
    npy_intp stride = rows->operand->strides[0];
    for (size_t part; n > 0; n -= part, to += part * size) {
        char *item;
        part = loop_rows_next(rows, &item, n);
        switch (size) {
        case 4:
            loop_copy_few(to, 4, item, stride, part, 4);
            break;
        case 8:
            loop_copy_few(to, 8, item, stride, part, 8);
            break;
        default:
            loop_copy_few(to, (npy_intp)size, item, stride, part, size);
        }
    }
}

static void loop_fetch_flat(struct fs_array_worker *worker, int i, char *block, size_t n)
{
    const struct fs_array_operand *operand = &worker->plan->layout->operands[i];
    struct loop_run_of_rows rows;
    loop_rows_start(&rows, worker, i);
    char *to = operand->cast != NULL ? worker->memory + worker->plan->raw_place : block;
    loop_gather_rows(&rows, to, n, operand->size);
    if (operand->swap != 0) {
        fs_array_swap(to, n * operand->size, operand->swap);
    }
    if (operand->cast != NULL) {
        operand->cast(block, to, n);
    }
}

static void loop_write_flat(struct fs_array_worker *worker, const char *block, size_t n)
{
    int output = worker->plan->layout->input_count;
    const struct fs_array_operand *operand = &worker->plan->layout->operands[output];
    struct loop_run_of_rows rows;
    loop_rows_start(&rows, worker, output);
    for (size_t part; n > 0; n -= part, block += part * operand->block_size) {
        char *item;
        part = loop_rows_next(&rows, &item, n);
        fs_array_worker_write(worker, item, operand->strides[0], block, part);
    }
}

/* ---- blocks ---- */

enum { LOOP_MOVES = FS_ARRAY_LEAN_INPUTS + 1 };

/* Sets up the inputs of a block. */
static void loop_inputs(struct fs_array_worker *worker, npy_intp at, size_t n)
{
    const struct fs_array_plan *plan = worker->plan;
    const struct fs_array_layout *layout = plan->layout;
    for (int i = 0; i < layout->input_count; i++) {
        const struct fs_array_operand *operand = &layout->operands[i];
        if (operand->access < FS_ARRAY_DIRECT || operand->access == FS_ARRAY_PERIODIC) {
            continue;
        }
        npy_intp stride = plan->flat ? (npy_intp)operand->size : operand->strides[0];
        char *from = (plan->flat ? operand->data : worker->rows[i]) + at * stride;
        bool direct = operand->access == FS_ARRAY_DIRECT;
        if (!direct) {
            char *block = loop_block(worker, i);
            if (plan->flat) {
                loop_fetch_flat(worker, i, block, n);
            } else {
                loop_fetch(worker, i, block, from, stride, n);
            }
            from = block;
            stride = (npy_intp)operand->size;
        }
        if (FS_UNLIKELY(loop_is_text(plan, i))) {
            struct fs_array_text *text = worker->slots[i];
            *text = (struct fs_array_text){.items = from, .step = stride, .size = operand->size};
        } else {
            worker->slots[i] = from;
        }
    }
}

/* The items before the output's first border of 64 bytes: what goes past the caches should go there
 * line by line. */
static size_t loop_to_border(const struct fs_array_worker *worker)
{
    size_t beyond = (uintptr_t)worker->slots[worker->plan->result_slot] % 64;
    return beyond != 0 ? (64 - beyond) / worker->plan->result_size : 0;
}

/* The kernels on all items of a unit, block by block; pointers of inputs and output go along. */
static void loop_blocks(struct fs_array_worker *worker, size_t n)
{
    const struct fs_array_plan *plan = worker->plan;
    const struct fs_array_layout *layout = plan->layout;
    struct {
        uint32_t slot, size;
    } moves[LOOP_MOVES];
    unsigned count = 0;
    for (int i = 0; i < layout->input_count; i++) {
        if (layout->operands[i].access == FS_ARRAY_DIRECT) {
            moves[count].slot = (uint32_t)i;
            moves[count++].size = (uint32_t)layout->operands[i].size;
        }
    }
    if (!plan->folds || plan->fold_each) {
        moves[count].slot = plan->folds ? plan->fold_slot : plan->result_slot;
        moves[count++].size = (uint32_t)plan->result_size;
    }
    size_t part = plan->streams ? loop_to_border(worker) : 0;
    part = part != 0 ? part : plan->block;
    for (size_t done = 0; done < n; done += part, part = plan->block) {
        part = n - done < part ? n - done : part;
        loop_run(worker, FS_ARRAY_PER_BLOCK, part);
        for (unsigned k = 0; k < count; k++) {
            char **slot = (char **)&worker->slots[moves[k].slot];
            *slot += part * moves[k].size;
        }
    }
}

/* Computes the result of n items into `to`. */
static void loop_compute(struct fs_array_worker *worker, char *to, npy_intp step, size_t n)
{
    const struct fs_array_plan *plan = worker->plan;
    if (plan->result_scalar) {
        fs_array_fill(to, worker->slots[plan->result_slot], n, plan->result_size);
        return;
    }
    if (FS_UNLIKELY(loop_is_text(plan, plan->layout->input_count))) {
        struct fs_array_text *text = worker->slots[plan->result_slot];
        *text = (struct fs_array_text){.items = to, .step = step, .size = plan->result_size};
    } else {
        worker->slots[plan->result_slot] = to;
    }
    if (n > plan->block) {
        loop_blocks(worker, n);
    } else {
        loop_run(worker, FS_ARRAY_PER_BLOCK, n);
    }
}

const void *fs_array_worker_block(struct fs_array_worker *worker, npy_intp at, size_t n)
{
    const struct fs_array_plan *plan = worker->plan;
    loop_inputs(worker, at, n);
    char *sink = worker->memory + plan->sink_place;
    if (plan->program->reduce != FS_ARRAY_REDUCE_NONE && !plan->result_scalar) {
        loop_run(worker, FS_ARRAY_PER_BLOCK, n); /* to a temporary; or it is an input's block */
        return worker->slots[plan->result_slot];
    }
    loop_compute(worker, sink, (npy_intp)plan->result_size, n);
    return sink;
}

void fs_array_worker_fold(struct fs_array_worker *worker, void *sums, npy_intp at, size_t n)
{
    loop_inputs(worker, at, n);
    worker->slots[worker->plan->fold_slot] = sums;
    if (n > worker->plan->block) {
        loop_blocks(worker, n);
    } else {
        loop_run(worker, FS_ARRAY_PER_BLOCK, n);
    }
}

void fs_array_worker_write(struct fs_array_worker *worker, char *to, npy_intp stride,
                           const void *block, size_t n)
{
    const struct fs_array_plan *plan = worker->plan;
    const struct fs_array_operand *output = &plan->layout->operands[plan->layout->input_count];
    if (output->cast != NULL) {
        char *raw = worker->memory + plan->raw_place;
        output->cast(raw, block, n);
        block = raw;
    }
    fs_array_scatter(to, stride, block, n, output->size, output->swap);
}

void fs_array_worker_store(struct fs_array_worker *worker, npy_intp at, size_t n)
{
    const struct fs_array_plan *plan = worker->plan;
    int i = plan->layout->input_count;
    const struct fs_array_operand *output = &plan->layout->operands[i];
    npy_intp stride = plan->flat ? (npy_intp)output->size : output->strides[0];
    char *to = (plan->flat ? output->data : worker->rows[i]) + at * stride;
    if (output->access == FS_ARRAY_DIRECT) {
        loop_inputs(worker, at, n);
        loop_compute(worker, to, stride, n);
        return;
    }
    const void *block = fs_array_worker_block(worker, at, n);
    if (plan->flat) {
        loop_write_flat(worker, block, n);
    } else {
        fs_array_worker_write(worker, to, stride, block, n);
    }
}

/* ---- walks ---- */

enum { WALK_CHUNK_LEAST = 1 << 13, WALK_CHUNK_MOST = 1 << 17 };

/* Items of a chunk: some 50 to 100 microseconds of work, so that several threads have something to
 * do in smaller evaluations, too. The order of sums depends on it: what it depends on is program
 * and shapes alone. */
static size_t walk_chunk_items(const struct fs_array_plan *plan)
{
    size_t items = (size_t)(1e5 / plan->cost);
    return items < WALK_CHUNK_LEAST  ? WALK_CHUNK_LEAST
           : items > WALK_CHUNK_MOST ? WALK_CHUNK_MOST
                                     : items;
}

void fs_array_walk_cut(struct fs_array_walk *walk, const struct fs_array_plan *plan)
{
    const struct fs_array_layout *layout = plan->layout;
    size_t total = (size_t)layout->total, block = plan->unit, row = (size_t)layout->shape[0];
    walk->plan = plan;
    walk->per_row = (row + block - 1) / block;
    walk->unit_count = plan->flat ? (total + block - 1) / block : total / row * walk->per_row;
    size_t unit = plan->flat || row > block ? block : row;
    walk->per_chunk = walk_chunk_items(plan) / unit + 1;
    walk->chunks = (walk->unit_count + walk->per_chunk - 1) / walk->per_chunk;
}

static void walk_units(const struct fs_array_walk *walk, struct fs_array_worker *worker,
                       size_t unit, size_t end)
{
    const struct fs_array_plan *plan = walk->plan;
    size_t block = plan->unit;
    if (plan->flat) {
        size_t total = (size_t)plan->layout->total;
        for (; unit < end; unit++) {
            size_t at = unit * block;
            fs_array_worker_item(worker, (npy_intp)at);
            fs_array_worker_store(worker, (npy_intp)at, total - at < block ? total - at : block);
        }
        return;
    }
    size_t row = (size_t)plan->layout->shape[0], part = unit % walk->per_row;
    fs_array_worker_row(worker, (npy_intp)(unit / walk->per_row));
    for (; unit < end; unit++) {
        size_t at = part * block;
        fs_array_worker_store(worker, (npy_intp)at, row - at < block ? row - at : block);
        if (++part == walk->per_row && unit + 1 < end) {
            part = 0;
            fs_array_worker_next_row(worker);
        }
    }
}

void fs_array_walk_chunk(void *data, int worker, size_t chunk)
{
    const struct fs_array_walk *walk = data;
    size_t unit = chunk * walk->per_chunk, end = unit + walk->per_chunk;
    end = end < walk->unit_count ? end : walk->unit_count;
    walk_units(walk, &walk->workers[worker], unit, end);
#ifdef __x86_64__
    __builtin_ia32_sfence(); /* what went past the caches (array_fuse.c) is there for all threads */
#endif
}
