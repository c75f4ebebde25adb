/* Vector math: what its families share. Functions are written for one value, without branches, so
 * that the compiler turns a loop over them into vector code for each target.
 *
 * Accuracy rests on two things that must not be "improved": the order of operations, and ARRAY_MA,
 * which is a fused multiply-add where the target has one and a product and a sum elsewhere, and in
 * the reproducible build everywhere. Where a product must be exact for a function to be right, its
 * factors have few enough bits for both.
 *
 * Most functions are right for ordinary arguments only; a piece of the input that holds any other
 * goes through the function's other form, which is right for all and gives the same bits for the
 * ordinary ones.
 */
#ifndef FS_ARRAY_MATH_H
#define FS_ARRAY_MATH_H

#include <float.h>

#include "array/array_dispatch.h"

#if (defined(__FMA__) || defined(__ARM_FEATURE_FMA)) && !defined(FS_ARRAY_REPRODUCIBLE)
#define ARRAY_FUSED 1
#define ARRAY_MA(a, b, c) _Generic((a), float: __builtin_fmaf, double: __builtin_fma)(a, b, c)
#else
#define ARRAY_FUSED 0
#define ARRAY_MA(a, b, c) ((a) * (b) + (c))
#endif

/* Polynomials by their coefficients, the lowest first. */
#define ARRAY_P2(z, a, b) ARRAY_MA(z, b, a)
#define ARRAY_P3(z, a, ...) ARRAY_MA(z, ARRAY_P2(z, __VA_ARGS__), a)
#define ARRAY_P4(z, a, ...) ARRAY_MA(z, ARRAY_P3(z, __VA_ARGS__), a)
#define ARRAY_P5(z, a, ...) ARRAY_MA(z, ARRAY_P4(z, __VA_ARGS__), a)
#define ARRAY_P6(z, a, ...) ARRAY_MA(z, ARRAY_P5(z, __VA_ARGS__), a)
#define ARRAY_P7(z, a, ...) ARRAY_MA(z, ARRAY_P6(z, __VA_ARGS__), a)
#define ARRAY_P8(z, a, ...) ARRAY_MA(z, ARRAY_P7(z, __VA_ARGS__), a)
#define ARRAY_P9(z, a, ...) ARRAY_MA(z, ARRAY_P8(z, __VA_ARGS__), a)
#define ARRAY_P10(z, a, ...) ARRAY_MA(z, ARRAY_P9(z, __VA_ARGS__), a)
#define ARRAY_P11(z, a, ...) ARRAY_MA(z, ARRAY_P10(z, __VA_ARGS__), a)
#define ARRAY_P12(z, a, ...) ARRAY_MA(z, ARRAY_P11(z, __VA_ARGS__), a)

/* What follows stands for both types; constants of one end in D or F. */
#define MATH_EXPONENT_D 52 /* the bit at which the exponent begins */
#define MATH_EXPONENT_F 23
#define MATH_BIAS_D 1023
#define MATH_BIAS_F 127
/* Added and taken away again, it rounds to a whole number, which stands in the sum's low bits. */
#define MATH_SHIFT_D 0x1.8p52
#define MATH_SHIFT_F 0x1.8p23F

/* The least normal number and the largest finite one. */
#define MATH_LEAST_D DBL_MIN
#define MATH_LEAST_F FLT_MIN
#define MATH_MOST_D DBL_MAX
#define MATH_MOST_F FLT_MAX

/* Whether a value is strange is told by the sign bit of an integer of its size, which takes fewer
 * instructions than a comparison: bits of numbers that are not negative compare as they do, and NaN
 * are above them. */
#define MATH_BITS(type, letter, TYPE, bits, flags)                                                 \
    ARRAY_INLINE bits math_bits_##letter(type x)                                                   \
    {                                                                                              \
        bits all;                                                                                  \
        memcpy(&all, &x, sizeof all);                                                              \
        return all;                                                                                \
    }                                                                                              \
    ARRAY_INLINE type math_from_##letter(bits all)                                                 \
    {                                                                                              \
        type x;                                                                                    \
        memcpy(&x, &all, sizeof x);                                                                \
        return x;                                                                                  \
    }                                                                                              \
    /* 2^n of the n in the low bits of a number to which MATH_SHIFT was added, for n of            \
     * normal numbers. */                                                                          \
    ARRAY_INLINE type math_power_of_two_##letter(bits shifted)                                     \
    {                                                                                              \
        return math_from_##letter((shifted + MATH_BIAS_##TYPE) << MATH_EXPONENT_##TYPE);           \
    }                                                                                              \
    /* e 2^n, n likewise, of any size: in two factors, as 2^n need not be a normal number. */      \
    ARRAY_INLINE type math_scale_##letter(type e, bits shifted)                                    \
    {                                                                                              \
        const type half_sum = (math_from_##letter(shifted) - MATH_SHIFT_##TYPE) * (type)0.5;       \
        const bits half = math_bits_##letter(half_sum + MATH_SHIFT_##TYPE);                        \
        const bits rest = shifted - half + math_bits_##letter(MATH_SHIFT_##TYPE);                  \
        return e * math_power_of_two_##letter(half) * math_power_of_two_##letter(rest);            \
    }                                                                                              \
    ARRAY_INLINE flags math_size_bits_##letter(type x)                                             \
    {                                                                                              \
        return (flags)(math_bits_##letter(x) & ~((bits)1 << (8 * sizeof(bits) - 1)));              \
    }                                                                                              \
    /* |x| > most, or NaN. */                                                                      \
    ARRAY_INLINE flags math_over_##letter(type x, type most)                                       \
    {                                                                                              \
        return (flags)math_bits_##letter(most) - math_size_bits_##letter(x);                       \
    }                                                                                              \
    /* |x| < least. */                                                                             \
    ARRAY_INLINE flags math_under_##letter(type x, type least)                                     \
    {                                                                                              \
        return math_size_bits_##letter(x) - (flags)math_bits_##letter(least);                      \
    }                                                                                              \
    /* Not from least to most, both > 0. Where a difference wraps around the other is negative. */ \
    ARRAY_INLINE flags math_outside_##letter(type x, type least, type most)                        \
    {                                                                                              \
        const flags all = (flags)math_bits_##letter(x);                                            \
        return (all - (flags)math_bits_##letter(least)) | ((flags)math_bits_##letter(most) - all); \
    }

MATH_BITS(double, d, D, uint64_t, int64_t)
MATH_BITS(float, f, F, uint32_t, int32_t)

/* a b, and what the product lost in *low; |a| and |b| below 2^990. */
ARRAY_INLINE double math_product_d(double a, double b, double *low)
{
    const double product = a * b;
#if ARRAY_FUSED
    *low = __builtin_fma(a, b, -product);
#else
    const double a_wide = a * 0x8000001p0, b_wide = b * 0x8000001p0;
    const double a_high = a_wide - (a_wide - a), b_high = b_wide - (b_wide - b);
    const double a_low = a - a_high, b_low = b - b_high;
    *low = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low;
#endif
    return product;
}

/* f - t d, of t that is nearly f / d: exactly. */
ARRAY_INLINE double math_remains_d(double f, double t, double d)
{
#if ARRAY_FUSED
    return __builtin_fma(-t, d, f);
#else
    double lost;
    const double product = math_product_d(t, d, &lost);
    return (f - product) - lost;
#endif
}

/* Values that a kernel of vector math takes at once. */
#define MATH_PIECE(type) (512 / sizeof(type))

/* The last piece, where it is shorter, begins so early that it is a whole one, if there is one and
 * its values are still there: that costs less than to copy them. */
#define MATH_BACK(type, from, count, shared)                       \
    if (from != 0 && count - from < MATH_PIECE(type) && !(shared)) \
        from = count - MATH_PIECE(type);

/* The piece of `src` that begins at `from`, where the loops may read MATH_PIECE values: itself, or
 * a copy where it is shorter than that (filled up with 1) or would be overwritten. */
#define MATH_OPERAND(type, p, buffer, is_scalar, from, some, shared)  \
    if (is_scalar) {                                                  \
        for (size_t i_ = 0; from == 0 && i_ < MATH_PIECE(type); i_++) \
            buffer[i_] = *p;                                          \
    } else if (some < MATH_PIECE(type)) {                             \
        for (size_t i_ = some; i_ < MATH_PIECE(type); i_++)           \
            buffer[i_] = 1;                                           \
        memcpy(buffer, p + from, some * sizeof(type));                \
    } else if (shared) {                                              \
        memcpy(buffer, p + from, sizeof buffer);                      \
    }                                                                 \
    const type *const p##_in = is_scalar || some < MATH_PIECE(type) || shared ? buffer : p + from;

/* A piece in which something is strange: all of it by a function that is right for any value, or
 * what is strange one by one. */
#define MATH_WHOLE1(type, strange, all) \
    ARRAY_LOOP for (size_t i = 0; i < MATH_PIECE(type); i++) out[i] = all(a_in[i]);
#define MATH_EACH1(type, strange, all)            \
    for (size_t i = 0; i < MATH_PIECE(type); i++) \
        if (strange(a_in[i]) < 0)                 \
            out[i] = all(a_in[i]);
#define MATH_WHOLE2(type, strange, all) \
    ARRAY_LOOP for (size_t i = 0; i < MATH_PIECE(type); i++) out[i] = all(a_in[i], b_in[i]);
#define MATH_EACH2(type, strange, all)            \
    for (size_t i = 0; i < MATH_PIECE(type); i++) \
        if (strange(a_in[i], b_in[i]) < 0)        \
            out[i] = all(a_in[i], b_in[i]);

/* A kernel of one value. `plain(x)` is right unless `strange(x)` (of type `flags`) is negative,
 * `all(x)` where it is; `redo` is one of the above. */
#define MATH_KERNEL1(name, type, flags, strange, plain, redo, all)      \
    ARRAY_KERNEL(name)                                                  \
    {                                                                   \
        type *const r = dst;                                            \
        const type *const a = src[0];                                   \
        type x[MATH_PIECE(type)], z[MATH_PIECE(type)];                  \
        const size_t count = scalars & 1 ? n != 0 : n;                  \
        for (size_t from = 0; from < count; from += MATH_PIECE(type)) { \
            MATH_BACK(type, from, count, dst == src[0])                 \
            const size_t some = count - from;                           \
            MATH_OPERAND(type, a, x, 0, from, some, dst == src[0])      \
            type *const out = some < MATH_PIECE(type) ? z : r + from;   \
            flags odd = 0;                                              \
            ARRAY_LOOP for (size_t i = 0; i < MATH_PIECE(type); i++)    \
            {                                                           \
                odd |= strange(a_in[i]);                                \
                out[i] = plain(a_in[i]);                                \
            }                                                           \
            if (__builtin_expect(odd < 0, 0)) {                         \
                redo(type, strange, all)                                \
            }                                                           \
            if (some < MATH_PIECE(type))                                \
                memcpy(r + from, z, some * sizeof(type));               \
        }                                                               \
        if (scalars & 1 && n > 1)                                       \
            ARRAY_FILL(type, *r);                                       \
    }

/* A kernel of two values, likewise; `strange` and `plain` of x and y. */
#define MATH_KERNEL2(name, type, flags, strange, plain, redo, all)             \
    ARRAY_KERNEL(name)                                                         \
    {                                                                          \
        type *const r = dst;                                                   \
        const type *const a = src[0], *const b = src[1];                       \
        type x[MATH_PIECE(type)], y[MATH_PIECE(type)], z[MATH_PIECE(type)];    \
        for (size_t from = 0; from < n; from += MATH_PIECE(type)) {            \
            MATH_BACK(type, from, n, dst == src[0] || dst == src[1])           \
            const size_t some = n - from;                                      \
            MATH_OPERAND(type, a, x, (scalars & 1), from, some, dst == src[0]) \
            MATH_OPERAND(type, b, y, (scalars & 2), from, some, dst == src[1]) \
            type *const out = some < MATH_PIECE(type) ? z : r + from;          \
            flags odd = 0;                                                     \
            ARRAY_LOOP for (size_t i = 0; i < MATH_PIECE(type); i++)           \
            {                                                                  \
                odd |= strange(a_in[i], b_in[i]);                              \
                out[i] = plain(a_in[i], b_in[i]);                              \
            }                                                                  \
            if (__builtin_expect(odd < 0, 0)) {                                \
                redo(type, strange, all)                                       \
            }                                                                  \
            if (some < MATH_PIECE(type))                                       \
                memcpy(r + from, z, some * sizeof(type));                      \
        }                                                                      \
    }

/* A function that needs no other form. */
#define MATH_NEVER(...) 0
#define MATH_NOTHING(...)

#endif
