/* Kernels: what computes one operation of array_ops.def on a block of values, and where to find it.
 * No Python and no NumPy here.
 *
 * Each kernel exists once per dispatch target (one source, array_<family>.dispatch.c, compiled with
 * each target's flags), and a second time where the ordinary one does not give the same bits on
 * every target: the reproducible table. Everything that array_ops.def calls exact (ulp 0) is the
 * same in both.
 *
 * What a kernel may rely on:
 *   - `dst` and each `src` are n values, one behind the other, aligned to the item's alignment
 * only;
 *   - bit i of `scalars`: src[i] is one value, which stands for n equal ones;
 *   - `dst` may be exactly one or more of the src that are not scalars and whose items have the
 * same size; else they do not overlap;
 *   - n may be 0. A kernel never fails, never writes beyond n, needs no GIL, keeps no state, and
 *     gives item i the same bits whatever n, the position in the block and `scalars` are.
 *
 * Strings (BYTES, STR): each such src, and dst of a COPY, points to a struct fs_array_text instead,
 * whatever `scalars` says: a step of 0 is one value.
 *
 * Reductions (SUM_*, PROD_*, MIN_*, MAX_*): dst is one accumulator, which has a value already;
 * src[0] is n values that are folded into it. `scalars` must be 0. Floating point sums and products
 * of a block have an order that depends on n alone: the same on every target.
 * A reduction along another axis, n accumulators at once, is the ordinary operation of two values
 * with dst equal to src[0]: fs_array_fold_op().
 */
#ifndef FS_ARRAY_KERNEL_H
#define FS_ARRAY_KERNEL_H

#include "array/array_program.h"

typedef void fs_array_kernel(void *dst, const void *const src[FS_ARRAY_MAX_ARGS], unsigned scalars,
                             size_t n);

/* Strings for a kernel: item i has `size` bytes at items + i * step. Of STR, size is a multiple of
 * four and items are in the machine's byte order, of any alignment. */
struct fs_array_text {
    char *items; /* only written where it is dst */
    ptrdiff_t step;
    size_t size;
};

/* One row of array_ops.def. */
struct fs_array_op_info {
    const char *name;  /* "ADD_DDD" */
    const char *numpy; /* "add"; empty where NumPy has no such thing */
    uint8_t count;     /* of arguments */
    uint8_t result;    /* enum fs_array_type */
    uint8_t args[FS_ARRAY_MAX_ARGS];
    int8_t ulp; /* 0: exact, as NumPy; -1: not stated for one operation (sums) */
};
extern const struct fs_array_op_info fs_array_op_info[FS_ARRAY_OP_COUNT];

/* Bytes of the accumulators of a reduction's kernel: item i goes to lane i modulo their number, the
 * upper half of the lanes into the lower one until one is left, and that into dst. */
enum { FS_ARRAY_LANE_BYTES = 256 };

/* Whether an op is one of the reductions, which stand at the end. */
static inline bool fs_array_op_folds(enum fs_array_op op)
{
    return op >= FS_ARRAY_OP_SUM_II;
}

/* The op that folds n values of a type into one (SUM_DD); FS_ARRAY_OP_COUNT if there is none. */
enum fs_array_op fs_array_reduce_op(enum fs_array_reduce reduce, enum fs_array_type type);
/* The op that folds n values into n accumulators: ADD_DDD for a sum; else as above. */
enum fs_array_op fs_array_fold_op(enum fs_array_reduce reduce, enum fs_array_type type);
/* What an accumulator begins with: 0 (-0.0 of floating point, which adds nothing to -0.0 either),
 * 1, the largest value, the smallest. */
union fs_array_value fs_array_reduce_start(enum fs_array_reduce reduce, enum fs_array_type type);

/* As many targets as the build options can ask for, and some. */
enum { FS_ARRAY_MOST_TARGETS = 8 };

/* The kernels of one dispatch target. */
struct fs_array_target {
    const char *name;  /* "baseline", "X86_V3", "X86_V4", and others by the build options */
    const char *needs; /* features, with spaces between; "" for the baseline */
    fs_array_kernel *const *kernels;              /* by enum fs_array_op; none is NULL */
    fs_array_kernel *const *kernels_reproducible; /* the same bits on every target */
};

/* The targets that this process may use, the least first: what was compiled, what the processor
 * and the system have, and what the environment does not switch off. At least one. */
size_t fs_array_target_count(void);
const struct fs_array_target *fs_array_target_at(size_t index);
/* All that were compiled, the least first, usable or not; NULL: there are no more. */
const struct fs_array_target *fs_array_target_compiled(size_t index);
/* Does the last of them use the feature, be it by the baseline? In NumPy's capitals. */
bool fs_array_target_uses(const char *feature);

/* The kernels in use, by enum fs_array_op: those of the last target, unless something better was
 * measured for an op (array_tune.h). */
fs_array_kernel *const *fs_array_kernels(bool reproducible);
/* Choose the kernel of one op: a target's own, unless the op is in quarantine. The GIL is held;
 * plans that are made have taken theirs. fs_array_registry_choose() does it so that reports show
 * it. */
void fs_array_kernel_use(enum fs_array_op op, const struct fs_array_target *target);
/* As fs_array_kernel_use(), for results that need not be reproducible only. */
void fs_array_kernel_prefer(enum fs_array_op op, const struct fs_array_target *target);
/* Only the baseline's kernel for this op from now on: another one was wrong. */
void fs_array_kernel_quarantine(enum fs_array_op op);
bool fs_array_kernel_quarantined(enum fs_array_op op);

/* Find the targets; the module does so when it is imported, before all else here. `has` tells of a
 * feature whether it may be used (struct fs_cpu_api). */
void fs_array_target_init(int (*has)(const char *feature));

#endif
