/* Kernels that fold n values into one.
 *
 * Floating point is folded in lanes: item i into lane i % LANES, then the upper half of the lanes
 * into the lower one until one is left, and that into the accumulator. The lanes are 256 bytes on
 * every target, some vectors of the width that the target has, so that the order, and with it each
 * bit, is the same everywhere. Integers may go in any order.
 *
 * Least and greatest: a NaN wins. The vectors' own minimum forgets NaN; a sum beside does not.
 */
#include "array/array_vector.h"

#define LANE_BYTES FS_ARRAY_LANE_BYTES
#define VECTORS (LANE_BYTES / ARRAY_VECTOR)

#define FOLD_INTEGER(name, type, start, step)     \
    ARRAY_KERNEL(name)                            \
    {                                             \
        const type *const a = src[0];             \
        type r = start;                           \
        (void)scalars;                            \
        ARRAY_LOOP for (size_t i = 0; i < n; i++) \
        {                                         \
            const type x = a[i];                  \
            r = step;                             \
        }                                         \
        const type x = *(const type *)dst;        \
        *(type *)dst = step;                      \
    }

FOLD_INTEGER(SUM_II, array_i, 0, r + x)
FOLD_INTEGER(SUM_LL, array_l, 0, r + x)
FOLD_INTEGER(PROD_II, array_i, 1, r *x)
FOLD_INTEGER(PROD_LL, array_l, 1, r *x)
FOLD_INTEGER(MIN_II, array_i, INT32_MAX, x < r ? x : r)
FOLD_INTEGER(MIN_LL, array_l, INT64_MAX, x < r ? x : r)
FOLD_INTEGER(MAX_II, array_i, INT32_MIN, x > r ? x : r)
FOLD_INTEGER(MAX_LL, array_l, INT64_MIN, x > r ? x : r)

/* `vector_step` of r and x, vectors; `step` of r and x, values; into lane 0 of `lanes`. `group` is
 * how many values belong together: 2 of a complex number. `vector_look` sees vector number v of the
 * values, x, and `look` each value that is left over. */
#define FOLD_LANES(type, V, start, vector_step, step, group, vector_look, look)   \
    enum { WIDTH = sizeof(V) / sizeof(type), LANES = LANE_BYTES / sizeof(type) }; \
    type lanes[LANES] __attribute__((aligned(LANE_BYTES)));                       \
    V sums[VECTORS];                                                              \
    size_t i = 0;                                                                 \
    {                                                                             \
        V first;                                                                  \
        for (size_t k = 0; k < WIDTH; k++)                                        \
            first[k] = start;                                                     \
        for (size_t v = 0; v < VECTORS; v++)                                      \
            sums[v] = first;                                                      \
    }                                                                             \
    for (; i + LANES <= items; i += LANES) {                                      \
        const V##_any *const from = (const V##_any *)(a + i);                     \
        _Pragma("GCC unroll 16") for (size_t v = 0; v < VECTORS; v++)             \
        {                                                                         \
            const V r = sums[v], x = from[v];                                     \
            vector_look;                                                          \
            sums[v] = vector_step;                                                \
        }                                                                         \
    }                                                                             \
    memcpy(lanes, sums, sizeof lanes);                                            \
    ARRAY_LOOP for (size_t lane = 0; lane < items - i; lane++)                    \
    {                                                                             \
        const type r = lanes[lane], x = a[i + lane];                              \
        look;                                                                     \
        lanes[lane] = step;                                                       \
    }                                                                             \
    memcpy(sums, lanes, sizeof lanes);                                            \
    for (size_t half = VECTORS / 2; half > 0; half /= 2)                          \
        for (size_t v = 0; v < half; v++) {                                       \
            const V r = sums[v], x = sums[v + half];                              \
            sums[v] = vector_step;                                                \
        }                                                                         \
    memcpy(lanes, sums, sizeof(V));                                               \
    for (size_t half = WIDTH / 2; half >= group; half /= 2)                       \
        for (size_t lane = 0; lane < half; lane++) {                              \
            const type r = lanes[lane], x = lanes[lane + half];                   \
            lanes[lane] = step;                                                   \
        }

/* Sums and products. A lane of a sum begins with -0.0, which leaves even -0.0 as it is. */
#define FOLD(name, type, V, start, step)                 \
    ARRAY_KERNEL(name)                                   \
    {                                                    \
        const type *const a = src[0];                    \
        const size_t items = n;                          \
        (void)scalars;                                   \
        if (n == 0)                                      \
            return;                                      \
        FOLD_LANES(type, V, start, step, step, 1, , )    \
        const type r = *(const type *)dst, x = lanes[0]; \
        *(type *)dst = step;                             \
    }

FOLD(SUM_FF, array_f, array_vf, -0.0F, r + x)
FOLD(SUM_DD, array_d, array_vd, -0.0, r + x)
FOLD(PROD_FF, array_f, array_vf, 1.0F, r *x)
FOLD(PROD_DD, array_d, array_vd, 1.0, r *x)

ARRAY_KERNEL(SUM_CC)
{
    const double *const a = src[0];
    const size_t items = 2 * n;
    double *const to = dst;
    (void)scalars;
    if (n == 0)
        return;
    FOLD_LANES(double, array_vd, -0.0, r + x, r + x, 2, , )
    to[0] += lanes[0];
    to[1] += lanes[1];
}

/* One after the other is slow only by the wait for each product: eight at a time. */
ARRAY_KERNEL(PROD_CC)
{
    enum { LANES = 8 };
    const array_c *const a = src[0];
    double re[LANES], im[LANES];
    (void)scalars;
    for (size_t lane = 0; lane < LANES && lane < n; lane++)
        re[lane] = a[lane].re, im[lane] = a[lane].im;
    for (size_t i = LANES; i < n; i += LANES) {
        const size_t some = n - i < LANES ? n - i : LANES;
        for (size_t lane = 0; lane < some; lane++) {
            const array_c x = a[i + lane];
            const double r = re[lane] * x.re - im[lane] * x.im;
            im[lane] = re[lane] * x.im + im[lane] * x.re;
            re[lane] = r;
        }
    }
    array_c *const to = dst;
    for (size_t lane = 0; lane < LANES && lane < n; lane++) {
        const double r = to->re * re[lane] - to->im * im[lane];
        to->im = to->re * im[lane] + to->im * re[lane];
        to->re = r;
    }
}

/* A NaN among the values, else the least or greatest. The sum of all, in any order, is no number
 * where one of them is not; infinities make it so, too, and then all are looked at again. */
#define FOLD_PICK(name, type, V, start, pick, operator)                                  \
    ARRAY_KERNEL(name)                                                                   \
    {                                                                                    \
        const type *const a = src[0];                                                    \
        type *const to = dst;                                                            \
        const size_t items = n;                                                          \
        V all[4] = {0};                                                                  \
        int strange = 0;                                                                 \
        (void)scalars;                                                                   \
        if (n == 0 || *to != *to)                                                        \
            return;                                                                      \
        FOLD_LANES(type, V, start, pick(x, r), x operator r ? x : r, 1, all[v % 4] += x, \
                   strange |= x != x)                                                    \
        const V sum = (all[0] + all[1]) + (all[2] + all[3]);                             \
        int again = 0;                                                                   \
        for (size_t k = 0; k < WIDTH; k++)                                               \
            again |= sum[k] != sum[k];                                                   \
        if (again)                                                                       \
            ARRAY_LOOP for (size_t k = 0; k < n; k++) strange |= a[k] != a[k];           \
        const type best = lanes[0] operator* to ? lanes[0] : * to;                       \
        *to = strange ? (type)__builtin_nan("") : best;                                  \
    }

FOLD_PICK(MIN_FF, array_f, array_vf, __builtin_inff(), array_vector_min_f, <)
FOLD_PICK(MIN_DD, array_d, array_vd, __builtin_inf(), array_vector_min_d, <)
FOLD_PICK(MAX_FF, array_f, array_vf, -__builtin_inff(), array_vector_max_f, >)
FOLD_PICK(MAX_DD, array_d, array_vd, -__builtin_inf(), array_vector_max_d, >)
