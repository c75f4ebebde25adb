/* An evaluation of a program over memory: which dimensions it walks, how each operand lies in them,
 * and which kernels run on which blocks. No Python here but for what NumPy defines.
 *
 * array_operand.c makes a layout from arrays, array_plan.c a plan from layout and program;
 * array_loop.c and array_reduce.c execute it. All of it lives for one evaluation.
 */
#ifndef FS_ARRAY_PLAN_H
#define FS_ARRAY_PLAN_H

#include "array/array.h"
#include "array/array_convert.h"
#include "array/array_kernel.h"

/* One array in the dimensions of the walk. */
struct fs_array_operand {
    char *data;           /* the item where all indexes are 0 */
    npy_intp *strides;    /* of each dimension, in bytes, the innermost first; 0: the same item */
    size_t size;          /* of an item in memory */
    size_t block_size;    /* of an item in a block */
    fs_array_cast *cast;  /* between the two, or NULL */
    unsigned char swap;   /* bytes of a unit that is turned around, or 0 */
    bool aligned;         /* every item is, for its type */
    unsigned char access; /* enum fs_array_access, set by the plan */
};

/* How a block of an operand comes to be. */
enum fs_array_access {
    FS_ARRAY_ONE,      /* one item for the whole walk */
    FS_ARRAY_ROW,      /* one item per row (walks by rows only) */
    FS_ARRAY_DIRECT,   /* the memory itself is the block */
    FS_ARRAY_PERIODIC, /* the same block each time (flat walks only) */
    FS_ARRAY_MOVED,    /* gathered or scattered, perhaps cast */
};

/* How an evaluation is executed. */
struct fs_array_way {
    fs_array_kernel *const *kernels; /* by op */
    bool reproducible;               /* these are to give the same bits on every target */
    bool alone;                      /* on one thread, and kernel by kernel */
    bool loops;                      /* set: there were loops of machine code */
};

/* fs_array_run() in a given way: array_run.c. */
PyObject *fs_array_run_by(const struct fs_array_program *program, PyObject *const *inputs,
                          const struct fs_array_options *options, struct fs_array_way *way);

struct fs_array_layout {
    int ndim;                          /* at least 1 */
    npy_intp *shape;                   /* the innermost dimension first */
    bool *reduced;                     /* whether a dimension is reduced */
    struct fs_array_operand *operands; /* the inputs, and then the output */
    int input_count;
    npy_intp total;         /* items in the walk; 0: there is nothing to do */
    npy_intp kept;          /* items of the result */
    PyArrayObject *result;  /* what is written, a reference */
    PyArrayObject *copy_to; /* where the result is copied in the end, borrowed, or NULL */
    PyArrayObject **held;   /* per input: the array that stands for it, a reference, or NULL */
    void *memory;           /* of all of the arrays above, or NULL: room */
    char room[2048] __attribute__((aligned(16)));
};

/* Makes the layout of an evaluation: checks shapes, types and output, makes the result. False with
 * an exception set. fs_array_layout_clear() in any case. */
bool fs_array_layout_make(struct fs_array_layout *layout, const struct fs_array_program *program,
                          PyObject *const *inputs, const struct fs_array_options *options);
void fs_array_layout_clear(struct fs_array_layout *layout);

/* Do the bytes of two arrays have a range in common? */
bool fs_array_operands_meet(PyArrayObject *a, PyArrayObject *b);

struct fs_array_fuse_loop;

/* One kernel, or one loop of several operations, on one block. Operands are slots: places in a
 * worker's table of pointers. */
struct fs_array_step {
    fs_array_kernel *kernel;         /* NULL: a loop */
    struct fs_array_fuse_loop *loop; /* whose pointers are plan->loop_slots[dst] and on */
    uint32_t dst, src[FS_ARRAY_MAX_ARGS];
    uint8_t scalars;
    uint8_t pointers; /* of a loop */
    uint16_t op;
};

/* How often a step has something else to do. */
enum { FS_ARRAY_ONCE, FS_ARRAY_PER_ROW, FS_ARRAY_PER_BLOCK, FS_ARRAY_LEVELS };

/* The most inputs of a plan whose units are several blocks. */
enum { FS_ARRAY_LEAN_INPUTS = 16 };

struct fs_array_plan {
    const struct fs_array_program *program;
    struct fs_array_layout *layout;
    fs_array_kernel *const *kernels;
    bool alone;   /* one thread, no loops */
    bool flat;    /* blocks go on over ends of rows */
    size_t block; /* items of a block, at most */
    size_t unit;  /* items whose operands are set up at once: blocks, one after the other */
    double cost;  /* about how many nanoseconds an item takes */
    struct fs_array_step *steps; /* those of the first level, the second, the third */
    size_t step_count[FS_ARRAY_LEVELS];
    uint32_t *loop_slots;
    bool *blocks; /* of slots: whether blocks of them are written to the worker's memory */
    size_t slot_count;
    size_t *places;       /* of slots: offset in a worker's memory, 0: elsewhere */
    uint32_t result_slot; /* what the program comes to */
    uint32_t fold_slot;   /* where the last step of a reduction takes items up to */
    bool folds;           /* there is that step */
    bool loops;           /* there are steps of several operations */
    bool streams;         /* the last step writes past the caches */
    bool fold_each;       /* each item of a unit has an accumulator of its own; else there is one */
    fs_array_kernel *fold_one;            /* takes values up to one accumulator */
    union fs_array_value fold_start;      /* what an accumulator begins with */
    char fold_lanes[FS_ARRAY_LANE_BYTES]; /* many of them */
    bool result_scalar;                   /* as one item */
    enum fs_array_type result_type;
    size_t result_size; /* of one item, in a block */
    size_t raw_place;   /* room for a block of items as they are in memory, before a cast */
    size_t sink_place;  /* room for a block of results */
    size_t worker_size; /* of a worker's memory */
    void *memory;
    char room[4096] __attribute__((aligned(16)));
};

/* Makes the plan; false: no memory. fs_array_plan_clear() in any case after true. */
bool fs_array_plan_make(struct fs_array_plan *plan, const struct fs_array_program *program,
                        struct fs_array_layout *layout, const struct fs_array_way *way);
void fs_array_plan_clear(struct fs_array_plan *plan);

#endif
