/* For the kernels' sources (array_<family>.dispatch.c) only: the name of a kernel for the target
 * that is being compiled, and the loops that most kernels are.
 *
 * The loops are plain ones, written so that GCC and clang turn them into vector code with whatever
 * the target's flags allow: no calls, no branches that depend on data, and a promise that one turn
 * does not depend on another. A result that needs care (zero divisors, NaN) is a choice between
 * values that were both computed.
 *
 * What must stay true: nothing here and in the sources may be contracted to fused multiply-adds
 * (-ffp-contract=off), so that an item has the same bits in the vector loop, in its remainder, and
 * on each target.
 */
#ifndef FS_ARRAY_DISPATCH_H
#define FS_ARRAY_DISPATCH_H

#include <string.h>

#include "array/array_kernel.h"

/* The build names the target: -DFS_ARRAY_TARGET=X86_V3. */
#ifndef FS_ARRAY_TARGET
#define FS_ARRAY_TARGET baseline
#endif

#define ARRAY_JOIN3(a, b, c) a##b##_##c
#define ARRAY_JOIN(a, b, c) ARRAY_JOIN3(a, b, c)
/* The symbol of a kernel: fs_array_X86_V3_ADD_DDD. */
#define ARRAY_SYMBOL(name) ARRAY_JOIN(fs_array_, FS_ARRAY_TARGET, name)

#define ARRAY_KERNEL(name)                                                                         \
    fs_array_kernel ARRAY_SYMBOL(name);                                                            \
    void ARRAY_SYMBOL(name)(void *dst, const void *const src[FS_ARRAY_MAX_ARGS], unsigned scalars, \
                            size_t n)

#define ARRAY_INLINE static inline __attribute__((always_inline))

/* Before a loop whose turns do not depend on each other. */
#ifdef __clang__
#define ARRAY_LOOP _Pragma("clang loop vectorize(assume_safety)")
#else
#define ARRAY_LOOP _Pragma("GCC ivdep")
#endif

/* The types by their letters. */
typedef uint8_t array_b;
typedef int32_t array_i;
typedef int64_t array_l;
typedef float array_f;
typedef double array_d;
typedef struct {
    double re, im;
} array_c;

/* Items of dst, of `size` bytes each, before a border of 64 bytes, where vectors are stored without
 * crossing one; all n where there is one already, or too few of them to matter. */
ARRAY_INLINE size_t array_to_border(const void *dst, size_t size, size_t n)
{
    const size_t beyond = (uintptr_t)dst % 64;
    return beyond == 0 || n * size < 16384 ? n : (64 - beyond) / size;
}

/* r[i] = expression of i, for all n. */
#define ARRAY_EACH(r, i, ...)                                                     \
    do {                                                                          \
        size_t from_ = 0, to_ = array_to_border(r, sizeof *r, n);                 \
        for (;;) {                                                                \
            ARRAY_LOOP for (size_t i = from_; i < to_; i++) r[i] = (__VA_ARGS__); \
            if (to_ == n)                                                         \
                break;                                                            \
            from_ = to_;                                                          \
            to_ = n;                                                              \
        }                                                                         \
    } while (0)

/* n times the same value. */
#define ARRAY_FILL(type, ...)                                     \
    do {                                                          \
        type *const r_ = dst;                                     \
        const type v_ = (__VA_ARGS__);                            \
        ARRAY_LOOP for (size_t i_ = 0; i_ < n; i_++) r_[i_] = v_; \
    } while (0)

/* A kernel of one value: `function(x)`, from T0 to TR. */
#define ARRAY_UNARY(name, TR, T0, function)             \
    ARRAY_KERNEL(name)                                  \
    {                                                   \
        const T0 *const a = src[0];                     \
        if (scalars & 1) {                              \
            ARRAY_FILL(TR, n ? function(*a) : (TR){0}); \
            return;                                     \
        }                                               \
        TR *const r = dst;                              \
        ARRAY_EACH(r, i, function(a[i]));               \
    }

/* A kernel of two values: `function(x, y)`, from T0 and T1 to TR. */
#define ARRAY_BINARY(name, TR, T0, T1, function)    \
    ARRAY_KERNEL(name)                              \
    {                                               \
        TR *const r = dst;                          \
        const T0 *const a = src[0];                 \
        const T1 *const b = src[1];                 \
        if (n == 0)                                 \
            return;                                 \
        if ((scalars & 3) == 0) {                   \
            ARRAY_EACH(r, i, function(a[i], b[i])); \
        } else if ((scalars & 3) == 1) {            \
            const T0 x = *a;                        \
            ARRAY_EACH(r, i, function(x, b[i]));    \
        } else if ((scalars & 3) == 2) {            \
            const T1 y = *b;                        \
            ARRAY_EACH(r, i, function(a[i], y));    \
        } else {                                    \
            ARRAY_FILL(TR, function(*a, *b));       \
        }                                           \
    }

#endif
