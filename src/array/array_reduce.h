/* Sums, products, least and greatest values: over all items or along one axis. */
#ifndef FS_ARRAY_REDUCE_H
#define FS_ARRAY_REDUCE_H

#include "array/array_loop.h"

struct fs_array_reduction {
    struct fs_array_walk walk; /* the first member: who cuts walks knows no more */
    fs_array_kernel *fold_one; /* n values into one accumulator */
    fs_array_kernel *fold_all; /* n values into n accumulators */
    union fs_array_value start;
    size_t size;         /* of an accumulator */
    size_t width;        /* accumulators of one unit, at most */
    size_t parts;        /* that the reduced dimension is cut into */
    size_t part;         /* items (columns: rows) of one */
    char *partial;       /* what the parts came to: [unit of the result][part] */
    size_t partial_size; /* bytes wanted for that */
    size_t extra;        /* bytes that a worker needs besides its own */
};

/* Puts the reduced dimension where the walk wants it; before the plan is made. */
void fs_array_reduce_arrange(struct fs_array_layout *layout);

/* How the walk is cut. It depends on shapes alone: so does the order of sums. */
void fs_array_reduce_cut(struct fs_array_reduction *reduction, const struct fs_array_plan *plan);
void fs_array_reduce_chunk(void *reduction, int worker, size_t chunk);
/* Puts parts together, when all chunks are done. */
void fs_array_reduce_finish(struct fs_array_reduction *reduction);

#endif
