/* Walks a plan: what a thread needs to compute blocks, and the walks that have no reduction. */
#ifndef FS_ARRAY_LOOP_H
#define FS_ARRAY_LOOP_H

#include "array/array_plan.h"

/* A place in the walk and the memory of one thread. */
struct fs_array_worker {
    const struct fs_array_plan *plan;
    char *memory;
    void **slots;    /* pointers to the values of slots */
    char **rows;     /* of each operand: the item at `index`, and 0 in the innermost dimension */
    npy_intp *index; /* of each dimension; [0] is used by flat walks only */
};

/* Bytes of a worker, memory included. */
size_t fs_array_worker_size(const struct fs_array_plan *plan);

/* Sets a worker up in so many bytes, on a border of 64, at the walk's beginning. */
void fs_array_worker_start(struct fs_array_worker *worker, const struct fs_array_plan *plan,
                           char *memory);

/* Walks by rows: goes to row number `row` of all (dimensions 1 and up), or to the next one. */
void fs_array_worker_row(struct fs_array_worker *worker, npy_intp row);
void fs_array_worker_next_row(struct fs_array_worker *worker);
/* One step in one dimension, backwards if it is negative; then the row has to be begun. */
void fs_array_worker_move(struct fs_array_worker *worker, int dimension, npy_intp by);
/* What is done once per row, after its place has changed. */
void fs_array_worker_begin_row(struct fs_array_worker *worker);

/* Flat walks: goes to an item. */
void fs_array_worker_item(struct fs_array_worker *worker, npy_intp item);

/* Computes n items from item `at` (of the row, or in a flat walk: from the worker's own place,
 * which is item `at` of all), and writes them where the output has them. */
void fs_array_worker_store(struct fs_array_worker *worker, npy_intp at, size_t n);
/* The same, but they stay in a block; returns it. */
const void *fs_array_worker_block(struct fs_array_worker *worker, npy_intp at, size_t n);
/* The same, but they are taken up to one accumulator, or to one for each item (plan->fold_each). */
void fs_array_worker_fold(struct fs_array_worker *worker, void *sums, npy_intp at, size_t n);
/* Writes n results that were computed, `stride` apart from `to`. */
void fs_array_worker_write(struct fs_array_worker *worker, char *to, npy_intp stride,
                           const void *block, size_t n);

/* A walk without a reduction, cut into chunks. */
struct fs_array_walk {
    const struct fs_array_plan *plan;
    struct fs_array_worker *workers;
    size_t chunks;
    size_t unit_count; /* blocks (flat), or parts of rows */
    size_t per_chunk;  /* units of one chunk */
    size_t per_row;    /* units of one row */
};
void fs_array_walk_cut(struct fs_array_walk *walk, const struct fs_array_plan *plan);
void fs_array_walk_chunk(void *walk, int worker, size_t chunk);

#endif
