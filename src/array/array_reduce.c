/* Reductions: three ways to walk, for all items, along the innermost dimension, along another one.
 *
 * How it works: blocks come from array_loop.c as in any evaluation. Over all items, each chunk has
 * an accumulator. Along the innermost dimension ("rows") each row has one; a block is taken up to
 * it by the reduction's kernel, or by a loop of machine code that does the same (array_fuse.h).
 * Along another one
 * ("columns") a row of accumulators takes up row after row; short rows are repeated until they fill
 * a block, and the repetitions put together in the end. Where that gives too few pieces of work,
 * the reduced dimension is cut into parts, each with accumulators of its own, which are put
 * together in order.
 *
 * What must stay true: chunks and parts follow from shapes and program alone, so that a sum has the
 * same bits with any number of threads.
 */
#include "array/array_reduce.h"

#include <string.h>

enum {
    REDUCE_PIECE = 1 << 17, /* items of a part, about */
    REDUCE_PIECES = 32,     /* as many are enough for all threads */
    REDUCE_WIDTH = 1 << 14, /* accumulators that stay in the second cache */
    REDUCE_ROWS = 64,       /* that a part has at least: it costs as much as some of them */
    REDUCE_SHORT = 16,      /* rows that are reduced side by side */
    REDUCE_UNITS = 64,      /* sums that are put together at once */
};

static const struct fs_array_operand *reduce_output(const struct fs_array_plan *plan)
{
    return &plan->layout->operands[plan->layout->input_count];
}

static size_t reduce_ceil(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

void fs_array_reduce_arrange(struct fs_array_layout *layout)
{
    int reduced = 0;
    while (reduced < layout->ndim && !layout->reduced[reduced]) {
        reduced++;
    }
    if (reduced < 2 || reduced == layout->ndim) {
        return;
    }
    npy_intp shape = layout->shape[reduced];
    memmove(layout->shape + 2, layout->shape + 1, (size_t)(reduced - 1) * sizeof *layout->shape);
    layout->shape[1] = shape;
    for (int i = 0; i <= layout->input_count; i++) {
        npy_intp *strides = layout->operands[i].strides, stride = strides[reduced];
        memmove(strides + 2, strides + 1, (size_t)(reduced - 1) * sizeof *strides);
        strides[1] = stride;
    }
    layout->reduced[reduced] = false;
    layout->reduced[1] = true;
}

/* ---- accumulators ---- */

static void reduce_start(const struct fs_array_reduction *reduction, char *to, size_t n)
{
    fs_array_fill(to, (const char *)&reduction->start, n, reduction->size);
}

/* n values into one accumulator. */
static void reduce_one(const struct fs_array_reduction *reduction, void *to, const void *values,
                       size_t n)
{
    const void *const src[FS_ARRAY_MAX_ARGS] = {values, values, values};
    reduction->fold_one(to, src, 0, n);
}

/* n values into n accumulators. */
static void reduce_all(const struct fs_array_reduction *reduction, void *to, const void *values,
                       size_t n)
{
    const void *const src[FS_ARRAY_MAX_ARGS] = {to, values, values};
    reduction->fold_all(to, src, 0, n);
}

/* A sum of units: each has an accumulator, and these are put together by lanes, some at a time. One
 * after the other they would lose more bits. */
struct reduce_sum {
    union fs_array_value value;
    bool fresh;   /* nothing is in `value` yet */
    size_t units; /* accumulators that are not in it */
    char *sums;
};

static void reduce_begin(const struct fs_array_reduction *reduction, struct reduce_sum *sum,
                         const struct fs_array_worker *worker)
{
    sum->value = reduction->start;
    sum->fresh = true;
    sum->units = 0;
    sum->sums = worker->memory + worker->plan->worker_size;
}

static void reduce_end(const struct fs_array_reduction *reduction, struct reduce_sum *sum)
{
    if (sum->units == 1 && sum->fresh) { /* the kernel would do no more, and takes longer */
        memcpy(&sum->value, sum->sums, reduction->size);
    } else {
        reduce_one(reduction, &sum->value, sum->sums, sum->units);
    }
    sum->fresh = false;
    sum->units = 0;
}

static void reduce_unit(const struct fs_array_reduction *reduction, struct fs_array_worker *worker,
                        struct reduce_sum *sum, size_t at, size_t n)
{
    char *to = sum->sums + sum->units++ * reduction->size;
    memcpy(to, &reduction->start, reduction->size);
    if (worker->plan->folds) {
        fs_array_worker_fold(worker, to, (npy_intp)at, n);
    } else {
        reduce_one(reduction, to, fs_array_worker_block(worker, (npy_intp)at, n), n);
    }
    if (sum->units == REDUCE_UNITS) {
        reduce_end(reduction, sum);
    }
}

/* ---- over all items ---- */

static void reduce_chunk_of_all(const struct fs_array_reduction *reduction,
                                struct fs_array_worker *worker, size_t chunk)
{
    const struct fs_array_walk *walk = &reduction->walk;
    const struct fs_array_plan *plan = walk->plan;
    size_t unit = chunk * walk->per_chunk, end = unit + walk->per_chunk, block = plan->unit;
    size_t row = (size_t)plan->layout->shape[0], total = (size_t)plan->layout->total;
    struct reduce_sum sum;
    reduce_begin(reduction, &sum, worker);
    end = end < walk->unit_count ? end : walk->unit_count;
    if (!plan->flat) {
        fs_array_worker_row(worker, (npy_intp)(unit / walk->per_row));
    }
    for (size_t part = unit % walk->per_row; unit < end; unit++) {
        size_t at = plan->flat ? unit * block : part * block;
        size_t left = (plan->flat ? total : row) - at, n = left < block ? left : block;
        if (plan->flat) {
            fs_array_worker_item(worker, (npy_intp)at);
        }
        reduce_unit(reduction, worker, &sum, at, n);
        if (!plan->flat && ++part == walk->per_row && unit + 1 < end) {
            part = 0;
            fs_array_worker_next_row(worker);
        }
    }
    reduce_end(reduction, &sum);
    memcpy(reduction->partial + chunk * reduction->size, &sum.value, reduction->size);
}

/* ---- rows ---- */

/* Part of one row; the worker stands in it. */
static void reduce_row(const struct fs_array_reduction *reduction, struct fs_array_worker *worker,
                       size_t unit, size_t part)
{
    const struct fs_array_plan *plan = reduction->walk.plan;
    size_t row = (size_t)plan->layout->shape[0], end = (part + 1) * reduction->part;
    size_t at = part * reduction->part;
    struct reduce_sum sum;
    reduce_begin(reduction, &sum, worker);
    end = end < row ? end : row;
    for (; at < end; at += plan->unit) {
        size_t n = end - at < plan->unit ? end - at : plan->unit;
        reduce_unit(reduction, worker, &sum, at, n);
    }
    reduce_end(reduction, &sum);
    if (reduction->parts == 1) {
        fs_array_worker_write(worker, worker->rows[plan->layout->input_count], 0, &sum.value, 1);
    } else {
        memcpy(reduction->partial + unit * reduction->size, &sum.value, reduction->size);
    }
}

static void reduce_chunk_of_rows(const struct fs_array_reduction *reduction,
                                 struct fs_array_worker *worker, size_t chunk)
{
    const struct fs_array_walk *walk = &reduction->walk;
    size_t unit = chunk * walk->per_chunk, end = unit + walk->per_chunk;
    size_t part = unit % reduction->parts;
    end = end < walk->unit_count ? end : walk->unit_count;
    fs_array_worker_row(worker, (npy_intp)(unit / reduction->parts));
    for (; unit < end; unit++) {
        reduce_row(reduction, worker, unit, part);
        if (++part == reduction->parts && unit + 1 < end) {
            part = 0;
            fs_array_worker_next_row(worker);
        }
    }
}

/* The rows of a block, which are short, each into its accumulator. */
static void reduce_short_rows(const struct fs_array_reduction *reduction, char *sums, char *column,
                              const char *block, size_t rows)
{
    size_t row = (size_t)reduction->walk.plan->layout->shape[0], size = reduction->size;
    reduce_start(reduction, sums, rows);
    if (row > REDUCE_SHORT) {
        for (size_t r = 0; r < rows; r++) {
            reduce_one(reduction, sums + r * size, block + r * row * size, row);
        }
        return;
    }
    for (size_t k = 0; k < row; k++) {
        fs_array_gather(column, block + k * size, (ptrdiff_t)(row * size), rows, size, 0);
        reduce_all(reduction, sums, column, rows);
    }
}

/* Rows that are shorter than a block: each block is a number of whole rows. */
static void reduce_chunk_of_short_rows(const struct fs_array_reduction *reduction,
                                       struct fs_array_worker *worker, size_t chunk)
{
    const struct fs_array_walk *walk = &reduction->walk;
    const struct fs_array_plan *plan = walk->plan;
    const struct fs_array_layout *layout = plan->layout;
    const struct fs_array_operand *output = reduce_output(plan);
    size_t unit = chunk * walk->per_chunk, end = unit + walk->per_chunk, block = plan->block;
    size_t row = (size_t)layout->shape[0], total = (size_t)layout->total;
    char *sums = worker->memory + plan->worker_size;
    char *column = sums + reduction->width * reduction->size;
    end = end < walk->unit_count ? end : walk->unit_count;
    for (; unit < end; unit++) {
        size_t at = unit * block, n = total - at < block ? total - at : block, rows = n / row;
        fs_array_worker_item(worker, (npy_intp)at);
        const char *values = fs_array_worker_block(worker, (npy_intp)at, n);
        reduce_short_rows(reduction, sums, column, values, rows);
        for (size_t done = 0; done < rows;) {
            /* As many as there are in the next dimension are one move. */
            size_t left = (size_t)(layout->shape[1] - worker->index[1]);
            size_t some = rows - done < left ? rows - done : left;
            char *to = output->data;
            for (int d = 1; d < layout->ndim; d++) {
                to += worker->index[d] * output->strides[d];
            }
            fs_array_worker_write(worker, to, output->strides[1], sums + done * reduction->size,
                                  some);
            done += some;
            fs_array_worker_item(worker, (npy_intp)(at + done * row));
        }
    }
}

/* ---- columns ---- */

/* Where a unit of columns lies: the part of the reduced dimension, of the row, and all the rest. */
struct reduce_columns {
    size_t part, segment, outer;
    size_t from, end; /* of the reduced dimension */
    size_t at, width; /* of the row */
};

static struct reduce_columns reduce_columns_of(const struct fs_array_reduction *reduction,
                                               size_t unit)
{
    const struct fs_array_layout *layout = reduction->walk.plan->layout;
    size_t row = (size_t)layout->shape[0], rows = (size_t)layout->shape[1];
    size_t segments = reduction->walk.per_row;
    struct reduce_columns columns = {
        .part = unit % reduction->parts,
        .segment = unit / reduction->parts % segments,
        .outer = unit / reduction->parts / segments,
    };
    columns.from = columns.part * reduction->part;
    columns.end = columns.from + reduction->part < rows ? columns.from + reduction->part : rows;
    columns.at = columns.segment * reduction->width;
    columns.width = row - columns.at < reduction->width ? row - columns.at : reduction->width;
    return columns;
}

/* Long rows: a segment of accumulators takes up row after row. */
static void reduce_long_columns(const struct fs_array_reduction *reduction,
                                struct fs_array_worker *worker,
                                const struct reduce_columns *columns, char *sums)
{
    const struct fs_array_plan *plan = reduction->walk.plan;
    size_t rows = (size_t)plan->layout->shape[1], end = columns->at + columns->width;
    reduce_start(reduction, sums, columns->width);
    fs_array_worker_row(worker, (npy_intp)(columns->outer * rows + columns->from));
    for (size_t r = columns->from; r < columns->end; r++) {
        for (size_t at = columns->at; at < end; at += plan->unit) {
            size_t n = end - at < plan->unit ? end - at : plan->unit;
            char *to = sums + (at - columns->at) * reduction->size;
            fs_array_worker_fold(worker, to, (npy_intp)at, n);
        }
        if (r + 1 < columns->end) {
            fs_array_worker_move(worker, 1, 1);
            fs_array_worker_begin_row(worker);
        }
    }
}

/* Short rows: a block is many of them, and so are the accumulators, until the end. */
static void reduce_short_columns(const struct fs_array_reduction *reduction,
                                 struct fs_array_worker *worker,
                                 const struct reduce_columns *columns, char *sums)
{
    const struct fs_array_plan *plan = reduction->walk.plan;
    size_t row = (size_t)plan->layout->shape[0], rows = (size_t)plan->layout->shape[1];
    size_t at = (columns->outer * rows + columns->from) * row;
    size_t end = (columns->outer * rows + columns->end) * row;
    size_t wide = end - at < plan->block ? end - at : plan->block;
    reduce_start(reduction, sums, wide);
    for (; at < end; at += plan->block) {
        size_t n = end - at < plan->block ? end - at : plan->block;
        fs_array_worker_item(worker, (npy_intp)at);
        fs_array_worker_fold(worker, sums, (npy_intp)at, n);
    }
    for (size_t k = row; k < wide; k += row) {
        reduce_all(reduction, sums, sums + k * reduction->size, row);
    }
}

/* Where the output has the columns; the worker's place is lost. */
static void reduce_write_columns(const struct fs_array_reduction *reduction,
                                 struct fs_array_worker *worker,
                                 const struct reduce_columns *columns, const char *sums)
{
    const struct fs_array_plan *plan = reduction->walk.plan;
    const struct fs_array_operand *output = reduce_output(plan);
    char *to = output->data + (npy_intp)columns->at * output->strides[0];
    size_t outer = columns->outer;
    for (int d = 2; d < plan->layout->ndim; d++) {
        to += (npy_intp)(outer % (size_t)plan->layout->shape[d]) * output->strides[d];
        outer /= (size_t)plan->layout->shape[d];
    }
    for (size_t done = 0; done < columns->width; done += plan->block) {
        size_t left = columns->width - done;
        fs_array_worker_write(worker, to + (npy_intp)done * output->strides[0], output->strides[0],
                              sums + done * reduction->size,
                              left < plan->block ? left : plan->block);
    }
}

static void reduce_chunk_of_columns(const struct fs_array_reduction *reduction,
                                    struct fs_array_worker *worker, size_t chunk)
{
    const struct fs_array_walk *walk = &reduction->walk;
    size_t unit = chunk * walk->per_chunk, end = unit + walk->per_chunk;
    end = end < walk->unit_count ? end : walk->unit_count;
    for (; unit < end; unit++) {
        struct reduce_columns columns = reduce_columns_of(reduction, unit);
        bool whole = reduction->parts == 1, flat = walk->plan->flat;
        char *part = reduction->partial + unit * reduction->width * reduction->size;
        char *sums = whole || flat ? worker->memory + walk->plan->worker_size : part;
        if (flat) {
            reduce_short_columns(reduction, worker, &columns, sums);
        } else {
            reduce_long_columns(reduction, worker, &columns, sums);
        }
        if (whole) {
            reduce_write_columns(reduction, worker, &columns, sums);
        } else if (flat) {
            memcpy(part, sums, columns.width * reduction->size);
        }
    }
}

/* ---- how the walk is cut ---- */

/* Cuts the reduced dimension, of `length`, when all else comes to `units` only. */
static void reduce_parts(struct fs_array_reduction *reduction, size_t units, size_t length,
                         size_t least)
{
    size_t parts = units < REDUCE_PIECES ? reduce_ceil(REDUCE_PIECES, units) : 1;
    size_t most = length / least > 0 ? length / least : 1;
    parts = parts < most ? parts : most;
    size_t block = reduction->walk.plan->unit;
    reduction->part = reduce_ceil(length, parts);
    if (reduction->walk.plan->layout->reduced[0] && parts > 1) {
        reduction->part = reduce_ceil(reduction->part, block) * block;
    }
    reduction->parts = reduce_ceil(length, reduction->part);
    reduction->walk.unit_count = units * reduction->parts;
}

static void reduce_cut_rows(struct fs_array_reduction *reduction)
{
    const struct fs_array_plan *plan = reduction->walk.plan;
    size_t row = (size_t)plan->layout->shape[0], rows = (size_t)plan->layout->total / row;
    if (plan->flat) {
        reduction->walk.unit_count = reduce_ceil((size_t)plan->layout->total, plan->block);
        reduction->walk.per_chunk = REDUCE_PIECE / plan->block + 1;
        reduction->width = plan->block / row;
        reduction->extra = 2 * reduction->width * reduction->size;
        return;
    }
    reduce_parts(reduction, rows, row, REDUCE_PIECE / 2);
    reduction->walk.per_chunk = REDUCE_PIECE / reduction->part + 1;
    reduction->width = 1;
    reduction->extra = REDUCE_UNITS * reduction->size;
}

static void reduce_cut_columns(struct fs_array_reduction *reduction)
{
    const struct fs_array_plan *plan = reduction->walk.plan;
    const struct fs_array_layout *layout = plan->layout;
    size_t row = (size_t)layout->shape[0], rows = (size_t)layout->shape[1];
    size_t outer = (size_t)layout->total / row / rows;
    size_t segments = plan->flat ? 1 : reduce_ceil(row, REDUCE_WIDTH);
    reduction->walk.per_row = segments;
    reduction->width = plan->flat ? row : reduce_ceil(reduce_ceil(row, segments), 64) * 64;
    reduction->walk.per_row = segments = reduce_ceil(row, reduction->width);
    size_t least = REDUCE_PIECE / 4 / reduction->width + 1;
    least = least < REDUCE_ROWS ? REDUCE_ROWS : least;
    reduce_parts(reduction, outer * segments, rows, least);
    reduction->walk.per_chunk = REDUCE_PIECE / (reduction->width * reduction->part) + 1;
    reduction->extra = (plan->flat ? plan->block : reduction->width) * reduction->size;
}

void fs_array_reduce_cut(struct fs_array_reduction *reduction, const struct fs_array_plan *plan)
{
    const struct fs_array_program *program = plan->program;
    enum fs_array_reduce how = (enum fs_array_reduce)program->reduce;
    memset(reduction, 0, sizeof *reduction);
    reduction->walk.plan = plan;
    reduction->fold_one = plan->fold_one;
    reduction->fold_all = plan->kernels[fs_array_fold_op(how, plan->result_type)];
    reduction->start = plan->fold_start;
    reduction->size = plan->result_size;
    reduction->parts = 1;
    if (program->reduce_axis == FS_ARRAY_ALL_AXES || plan->layout->kept == 1) {
        fs_array_walk_cut(&reduction->walk, plan);
        reduction->width = 1;
        reduction->extra = REDUCE_UNITS * reduction->size;
        reduction->partial_size = reduction->walk.chunks * reduction->size;
        return;
    }
    if (plan->layout->reduced[0]) {
        reduce_cut_rows(reduction);
    } else {
        reduce_cut_columns(reduction);
    }
    struct fs_array_walk *walk = &reduction->walk;
    walk->chunks = reduce_ceil(walk->unit_count, walk->per_chunk);
    if (reduction->parts > 1) {
        reduction->partial_size = walk->unit_count * reduction->width * reduction->size;
    }
}

static bool reduce_is_of_all(const struct fs_array_reduction *reduction)
{
    const struct fs_array_plan *plan = reduction->walk.plan;
    return plan->program->reduce_axis == FS_ARRAY_ALL_AXES || plan->layout->kept == 1;
}

void fs_array_reduce_chunk(void *data, int number, size_t chunk)
{
    const struct fs_array_reduction *reduction = data;
    struct fs_array_worker *worker = &reduction->walk.workers[number];
    if (reduce_is_of_all(reduction)) {
        reduce_chunk_of_all(reduction, worker, chunk);
    } else if (!reduction->walk.plan->layout->reduced[0]) {
        reduce_chunk_of_columns(reduction, worker, chunk);
    } else if (reduction->walk.plan->flat) {
        reduce_chunk_of_short_rows(reduction, worker, chunk);
    } else {
        reduce_chunk_of_rows(reduction, worker, chunk);
    }
}

void fs_array_reduce_finish(struct fs_array_reduction *reduction)
{
    const struct fs_array_walk *walk = &reduction->walk;
    struct fs_array_worker *worker = &walk->workers[0];
    if (reduce_is_of_all(reduction)) {
        union fs_array_value sum = reduction->start;
        reduce_one(reduction, &sum, reduction->partial, walk->chunks);
        fs_array_worker_write(worker, reduce_output(walk->plan)->data, 0, &sum, 1);
        return;
    }
    bool columns = !walk->plan->layout->reduced[0];
    size_t one = reduction->width * reduction->size;
    for (size_t unit = 0; reduction->parts > 1 && unit < walk->unit_count;
         unit += reduction->parts) {
        char *sums = reduction->partial + unit * one;
        struct reduce_columns place = {.outer = unit / reduction->parts, .width = 1};
        if (columns) {
            place = reduce_columns_of(reduction, unit);
            for (size_t part = 1; part < reduction->parts; part++) {
                reduce_all(reduction, sums, sums + part * one, place.width);
            }
            reduce_write_columns(reduction, worker, &place, sums);
        } else {
            union fs_array_value sum = reduction->start;
            reduce_one(reduction, &sum, sums, reduction->parts);
            fs_array_worker_row(worker, (npy_intp)place.outer);
            fs_array_worker_write(worker, worker->rows[walk->plan->layout->input_count], 0, &sum,
                                  1);
        }
    }
}
