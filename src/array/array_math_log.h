/* Logarithms.
 *
 * x = 2^k m, m from sqrt(1/2) to sqrt(2), f = m - 1, s = f / (2 + f): log m = f - f^2/2 + s (f^2/2
 * + R), R a polynomial in s^2. k ln 2 is exact for its first part. log2 and log10 take log m in two
 * parts, the first of them short enough for exact products; log1p brings along what 1 + x lost.
 */
#ifndef FS_ARRAY_MATH_LOG_H
#define FS_ARRAY_MATH_LOG_H

#include "array/array_math_exp.h"

#define MATH_ROOT_HALF_D 0x3fe6a09e00000000u
#define MATH_ROOT_HALF_F 0x3f3504f3u
/* 2 to this power makes any subnormal number normal. */
#define MATH_LIFT_D 54
#define MATH_LIFT_F 25

/* m, and k in *k, of a normal x > 0: x = 2^k m, m from the number whose bits are `border` up to
 * its double. */
ARRAY_INLINE double math_log_part_d(double x, uint64_t border, double *k)
{
    const uint64_t moved = math_bits_d(x) - border;
#if defined(__AVX512DQ__)
    *k = (double)((int64_t)moved >> 52);
#else
    *k = math_from_d(((moved + 0x3ff0000000000000u) >> 52) | 0x4330000000000000u) - (0x1p52 + 1023);
#endif
    return math_from_d((moved & 0x000fffffffffffffu) + border);
}

ARRAY_INLINE float math_log_part_f(float x, uint32_t border, float *k)
{
    const uint32_t moved = math_bits_f(x) - border;
    *k = (float)((int32_t)moved >> 23);
    return math_from_f((moved & 0x007fffffu) + border);
}

/* What log(1 + f) is beyond f: s (f^2/2 + R) - f^2/2. */
ARRAY_INLINE double math_log_rest_d(double f)
{
    const double s = f / (2.0 + f), z = s * s, half_square = 0.5 * f * f;
    const double p = ARRAY_P7(z, 0x1.5555555555593p-1, 0x1.999999997f8a1p-2, 0x1.249249423e83ap-2,
                              0x1.c71c51c64f766p-3, 0x1.74664d7c49fd5p-3, 0x1.39a02e4561726p-3,
                              0x1.2f15c2cd3e6ebp-3);
    return ARRAY_MA(s, ARRAY_MA(z, p, half_square), -half_square);
}

/* log(2^k (1 + f)) + extra, of a small `extra`. */
ARRAY_INLINE double math_log_sum_d(double f, double k, double extra)
{
    const double rest = ARRAY_MA(k, MATH_LN2_LOW_D, math_log_rest_d(f) + extra);
    return ARRAY_MA(k, MATH_LN2_HIGH_D, f + rest);
}

/* f times a constant of two parts, the first of 21 bits, plus `rest` times it, as a sum of *whole
 * and what is returned. */
ARRAY_INLINE double math_log_scale_d(double f, double rest, double high, double low, double *whole)
{
#if ARRAY_FUSED
    const double constant = high + low;
    *whole = f * constant;
    const double lost = ARRAY_MA(f, constant, -*whole) + f * ((high - constant) + low);
    return ARRAY_MA(rest, constant, lost);
#else
    const double start = math_from_d(math_bits_d(f) & 0xffffffff00000000u);
    *whole = start * high;
    const double others = (f - start) + rest;
    return others * high + (start + others) * low;
#endif
}

/* k + log2(1 + f) */
ARRAY_INLINE double math_log2_sum_d(double f, double k)
{
    double whole;
    const double part =
        math_log_scale_d(f, math_log_rest_d(f), 0x1.71547p+0, 0x1.94ae0bf85ddf4p-22, &whole);
    return k + (whole + part);
}

/* k log10(2) + log10(1 + f) */
ARRAY_INLINE double math_log10_sum_d(double f, double k)
{
    double whole;
    const double part =
        math_log_scale_d(f, math_log_rest_d(f), 0x1.bcb7bp-2, 0x1.526e50e32a6abp-26, &whole);
    return ARRAY_MA(k, 0x1.34413509f6000p-2, whole + ARRAY_MA(k, 0x1.9fef311f12b36p-42, part));
}

/* --- float32: log(1 + f) is a polynomial in f --- */

/* P: log(1 + f) is f - f^2/2 + f^3 P. */
ARRAY_INLINE float math_log_rest_f(float f)
{
    const float p =
        ARRAY_P9(f, 0x1.555546p-2F, -0x1.000006p-2F, 0x1.99a4f6p-3F, -0x1.555ccep-3F,
                 0x1.23322ap-3F, -0x1.fc0770p-4F, 0x1.e72854p-4F, -0x1.df01aep-4F, 0x1.14cca8p-4F);
    return p;
}

ARRAY_INLINE float math_log_sum_f(float f, float k, float extra)
{
    const float q = ARRAY_MA(f, math_log_rest_f(f), -0.5F);
    const float rest = ARRAY_MA(f * f, q, ARRAY_MA(k, MATH_LN2_LOW_F, extra));
    return ARRAY_MA(k, MATH_LN2_HIGH_F, f + rest);
}

/* k + log2(1 + f), from a polynomial of its own: f C + f^2 Q. Where products are rounded, the
 * largest is in two parts. */
ARRAY_INLINE float math_log2_sum_f(float f, float k)
{
    const float q = ARRAY_P10(f, -0x1.715476p-1F, 0x1.ec7088p-2F, -0x1.71547ep-2F, 0x1.277ef8p-2F,
                              -0x1.ec7b66p-3F, 0x1.a41b62p-3F, -0x1.6e772ap-3F, 0x1.5f68eep-3F,
                              -0x1.5987bap-3F, 0x1.8f5652p-4F);
#if ARRAY_FUSED
    return ARRAY_MA(f, 0x1.715476p+0F, f * f * q) + k;
#else
    const float high = math_from_f(math_bits_f(f) & 0xfffff000u);
    const float part = f * f * q + f * 0x1.51d94ap-10F;
    return ARRAY_MA(f - high, 0x1.71p+0F, part) + high * 0x1.71p+0F + k;
#endif
}

/* k log10(2) + log10(1 + f), likewise. */
ARRAY_INLINE float math_log10_sum_f(float f, float k)
{
    const float q = ARRAY_P10(f, -0x1.bcb7b2p-3F, 0x1.287a68p-3F, -0x1.bcb7bcp-4F, 0x1.63d006p-4F,
                              -0x1.2880f4p-4F, 0x1.f9dbf4p-5F, -0x1.b944b8p-5F, 0x1.a723c0p-5F,
                              -0x1.a00f50p-5F, 0x1.e0d992p-6F);
    const float part = ARRAY_MA(f * f, q, k * 0x1.3509f8p-18F);
#if ARRAY_FUSED
    return ARRAY_MA(k, 0x1.344p-2F, ARRAY_MA(f, 0x1.bcb7b2p-2F, part));
#else
    const float high = math_from_f(math_bits_f(f) & 0xfffff000u);
    const float rest = ARRAY_MA(f - high, 0x1.bcp-2F, ARRAY_MA(f, 0x1.6f62a4p-11F, part));
    return ARRAY_MA(k, 0x1.344p-2F, rest + high * 0x1.bcp-2F);
#endif
}

/* --- both --- */

/* log2 and log10 of a normal x > 0, and of any. */
#define MATH_LOG_BASE(name, type, letter)                                     \
    ARRAY_INLINE type math_##name##_##letter(type x)                          \
    {                                                                         \
        type k;                                                               \
        const type f = math_log_split_##letter(x, &k);                        \
        return math_##name##_sum_##letter(f, k);                              \
    }                                                                         \
    ARRAY_INLINE type math_##name##_all_##letter(type x)                      \
    {                                                                         \
        type k;                                                               \
        const type f = math_log_split_all_##letter(x, &k);                    \
        return math_log_choose_##letter(x, math_##name##_sum_##letter(f, k)); \
    }

#define MATH_LOG(type, letter, TYPE, suffix, flags)                                  \
    /* f, and k in *k, of a normal x > 0. */                                         \
    ARRAY_INLINE type math_log_split_##letter(type x, type *k)                       \
    {                                                                                \
        return math_log_part_##letter(x, MATH_ROOT_HALF_##TYPE, k) - 1;              \
    }                                                                                \
    /* As math_log_split, with any x > 0 that is finite. */                          \
    ARRAY_INLINE type math_log_split_all_##letter(type x, type *k)                   \
    {                                                                                \
        const int small = x < MATH_LEAST_##TYPE;                                     \
        const type lift = (type)(1ull << MATH_LIFT_##TYPE);                          \
        const type f = math_log_split_##letter(small ? x * lift : x, k);             \
        *k -= small ? (type)MATH_LIFT_##TYPE : (type)0;                              \
        return f;                                                                    \
    }                                                                                \
    /* The logarithm of what has no ordinary one, or `value`. */                     \
    ARRAY_INLINE type math_log_choose_##letter(type x, type value)                   \
    {                                                                                \
        const type high = x > MATH_MOST_##TYPE ? x : value;                          \
        const type low = x == 0 ? -(type)__builtin_inf() : high;                     \
        const type real = x < 0 ? (type)__builtin_nan("") : low;                     \
        return x != x ? x : real;                                                    \
    }                                                                                \
    /* Not normal, not > 0, not finite. */                                           \
    ARRAY_INLINE flags math_log_strange_##letter(type x)                             \
    {                                                                                \
        return math_outside_##letter(x, MATH_LEAST_##TYPE, MATH_MOST_##TYPE);        \
    }                                                                                \
    ARRAY_INLINE type math_log_##letter(type x)                                      \
    {                                                                                \
        type k;                                                                      \
        const type f = math_log_split_##letter(x, &k);                               \
        return math_log_sum_##letter(f, k, (type)0);                                 \
    }                                                                                \
    ARRAY_INLINE type math_log_all_##letter(type x)                                  \
    {                                                                                \
        type k;                                                                      \
        const type f = math_log_split_all_##letter(x, &k);                           \
        return math_log_choose_##letter(x, math_log_sum_##letter(f, k, (type)0));    \
    }                                                                                \
    /* -1 < x, finite; 1 + x is never subnormal. */                                  \
    ARRAY_INLINE type math_log1p_##letter(type x)                                    \
    {                                                                                \
        const type u = 1 + x, less = x - (u - 1), more = 1 - (u - x);                \
        const type lost = (x < 1 ? less : more) / u;                                 \
        type k;                                                                      \
        const type f = math_log_split_##letter(u, &k);                               \
        return __builtin_copysign##suffix(math_log_sum_##letter(f, k, lost), x);     \
    }                                                                                \
    ARRAY_INLINE flags math_log1p_strange_##letter(type x)                           \
    {                                                                                \
        return math_log_strange_##letter(1 + x);                                     \
    }                                                                                \
    ARRAY_INLINE type math_log1p_all_##letter(type x)                                \
    {                                                                                \
        const type choice = math_log_choose_##letter(1 + x, math_log1p_##letter(x)); \
        return x != x ? x : choice;                                                  \
    }                                                                                \
    MATH_LOG_BASE(log2, type, letter)                                                \
    MATH_LOG_BASE(log10, type, letter)

MATH_LOG(double, d, D, , int64_t)
MATH_LOG(float, f, F, f, int32_t)

#endif
