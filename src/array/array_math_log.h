/* Logarithms.
 *
 * x = 2^k m, m from sqrt(1/2) to sqrt(2), f = m - 1, s = f / (2 + f): log m = f - f^2/2 + s (f^2/2
 * + R), R a polynomial in s^2. k ln 2 is exact for its first part. log2 and log10 take log m in two
 * parts, the first of them short enough for exact products; log1p brings along what 1 + x lost.
 */
#ifndef FS_ARRAY_MATH_LOG_H
#define FS_ARRAY_MATH_LOG_H

#include <float.h>

#include "array/array_math_exp.h"

#define MATH_ROOT_HALF_D 0x3fe6a09e00000000u
#define MATH_ROOT_HALF_F 0x3f3504f3u

/* f, and k in *k, of a normal x > 0. */
ARRAY_INLINE double math_log_split_d(double x, double *k)
{
    const uint64_t moved = math_bits_d(x) - MATH_ROOT_HALF_D;
#if defined(__AVX512DQ__)
    *k = (double)((int64_t)moved >> 52);
#else
    *k = math_from_d(((moved + 0x3ff0000000000000u) >> 52) | 0x4330000000000000u) - (0x1p52 + 1023);
#endif
    return math_from_d((moved & 0x000fffffffffffffu) + MATH_ROOT_HALF_D) - 1.0;
}

/* The same with any x > 0 that is finite. */
ARRAY_INLINE double math_log_split_all_d(double x, double *k)
{
    const int small = x < DBL_MIN;
    const double f = math_log_split_d(small ? x * 0x1p54 : x, k);
    *k -= small ? 54.0 : 0.0;
    return f;
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

/* x normal, > 0, finite. */
ARRAY_INLINE double math_log_d(double x)
{
    double k;
    const double f = math_log_split_d(x, &k);
    return math_log_sum_d(f, k, 0.0);
}

ARRAY_INLINE int64_t math_log_strange_d(double x)
{
    return !((x >= DBL_MIN) & (x <= DBL_MAX));
}

/* The logarithm of what has no ordinary one, or `value`. */
ARRAY_INLINE double math_log_choose_d(double x, double value)
{
    const double high = x > DBL_MAX ? x : value, low = x == 0 ? -__builtin_inf() : high;
    const double real = x < 0 ? __builtin_nan("") : low;
    return x != x ? x : real;
}

ARRAY_INLINE double math_log_all_d(double x)
{
    double k;
    const double f = math_log_split_all_d(x, &k);
    return math_log_choose_d(x, math_log_sum_d(f, k, 0.0));
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

#define MATH_LOG_BASE(name)                                     \
    ARRAY_INLINE double math_##name##_d(double x)               \
    {                                                           \
        double k;                                               \
        const double f = math_log_split_d(x, &k);               \
        return math_##name##_sum_d(f, k);                       \
    }                                                           \
    ARRAY_INLINE double math_##name##_all_d(double x)           \
    {                                                           \
        double k;                                               \
        const double f = math_log_split_all_d(x, &k);           \
        return math_log_choose_d(x, math_##name##_sum_d(f, k)); \
    }

MATH_LOG_BASE(log2)
MATH_LOG_BASE(log10)

/* -1 < x, finite, x + 1 not subnormal. */
ARRAY_INLINE double math_log1p_d(double x)
{
    const double u = 1.0 + x, less = x - (u - 1.0), more = 1.0 - (u - x);
    const double lost = (x < 1.0 ? less : more) / u;
    double k;
    const double f = math_log_split_d(u, &k);
    return __builtin_copysign(math_log_sum_d(f, k, lost), x);
}

ARRAY_INLINE int64_t math_log1p_strange_d(double x)
{
    return !((x > -1.0) & (x <= DBL_MAX));
}

ARRAY_INLINE double math_log1p_all_d(double x)
{
    const double choice = math_log_choose_d(1.0 + x, math_log1p_d(x));
    return x != x ? x : choice;
}

/* --- float32: log(1 + f) is a polynomial in f --- */

ARRAY_INLINE float math_log_split_f(float x, float *k)
{
    const uint32_t moved = math_bits_f(x) + (0x3f800000u - MATH_ROOT_HALF_F);
    *k = (float)((int32_t)(moved >> 23) - 127);
    return math_from_f((moved & 0x007fffffu) + MATH_ROOT_HALF_F) - 1.0F;
}

ARRAY_INLINE float math_log_split_all_f(float x, float *k)
{
    const int small = x < FLT_MIN;
    const float f = math_log_split_f(small ? x * 0x1p25F : x, k);
    *k -= small ? 25.0F : 0.0F;
    return f;
}

/* f^3 P: what log(1 + f) is beyond f - f^2/2. */
ARRAY_INLINE float math_log_rest_f(float f)
{
    const float p =
        ARRAY_P9(f, 0x1.555546p-2F, -0x1.000006p-2F, 0x1.99a4f6p-3F, -0x1.555ccep-3F,
                 0x1.23322ap-3F, -0x1.fc0770p-4F, 0x1.e72854p-4F, -0x1.df01aep-4F, 0x1.14cca8p-4F);
    return f * f * f * p;
}

ARRAY_INLINE float math_log_sum_f(float f, float k, float extra)
{
    const float rest = math_log_rest_f(f) + ARRAY_MA(k, MATH_LN2_LOW_F, extra);
    return ARRAY_MA(k, MATH_LN2_HIGH_F, ARRAY_MA(f * f, -0.5F, rest) + f);
}

ARRAY_INLINE float math_log_f(float x)
{
    float k;
    const float f = math_log_split_f(x, &k);
    return math_log_sum_f(f, k, 0.0F);
}

ARRAY_INLINE int32_t math_log_strange_f(float x)
{
    return !((x >= FLT_MIN) & (x <= FLT_MAX));
}

ARRAY_INLINE float math_log_choose_f(float x, float value)
{
    const float high = x > FLT_MAX ? x : value, low = x == 0 ? -__builtin_inff() : high;
    const float real = x < 0 ? __builtin_nanf("") : low;
    return x != x ? x : real;
}

ARRAY_INLINE float math_log_all_f(float x)
{
    float k;
    const float f = math_log_split_all_f(x, &k);
    return math_log_choose_f(x, math_log_sum_f(f, k, 0.0F));
}

/* k + log2(1 + f): the largest product in two parts. */
ARRAY_INLINE float math_log2_sum_f(float f, float k)
{
    const float low = ARRAY_MA(f * f, -0.5F, math_log_rest_f(f));
#if ARRAY_FUSED
    return ARRAY_MA(f, 0x1.715476p+0F, ARRAY_MA(low, 0x1.715476p+0F, f * 0x1.4ae0c0p-26F)) + k;
#else
    const float part = ARRAY_MA(low, 0x1.715476p+0F, f * 0x1.51d94ap-10F);
    const float high = math_from_f(math_bits_f(f) & 0xfffff000u);
    return ARRAY_MA(f - high, 0x1.71p+0F, part) + high * 0x1.71p+0F + k;
#endif
}

/* k log10(2) + log10(1 + f) */
ARRAY_INLINE float math_log10_sum_f(float f, float k)
{
    const float low = ARRAY_MA(f * f, -0.5F, math_log_rest_f(f));
#if ARRAY_FUSED
    const float part =
        ARRAY_MA(low, 0x1.bcb7b2p-2F, ARRAY_MA(k, 0x1.3509f8p-18F, f * -0x1.5b235ep-27F));
    return ARRAY_MA(k, 0x1.344p-2F, ARRAY_MA(f, 0x1.bcb7b2p-2F, part));
#else
    const float high = math_from_f(math_bits_f(f) & 0xfffff000u), rest = low + (f - high);
    const float part =
        ARRAY_MA(rest, 0x1.bcb7b2p-2F, ARRAY_MA(k, 0x1.3509f8p-18F, high * 0x1.6f62a4p-11F));
    return ARRAY_MA(k, 0x1.344p-2F, part + high * 0x1.bcp-2F);
#endif
}

#define MATH_LOG_BASE_F(name)                                   \
    ARRAY_INLINE float math_##name##_f(float x)                 \
    {                                                           \
        float k;                                                \
        const float f = math_log_split_f(x, &k);                \
        return math_##name##_sum_f(f, k);                       \
    }                                                           \
    ARRAY_INLINE float math_##name##_all_f(float x)             \
    {                                                           \
        float k;                                                \
        const float f = math_log_split_all_f(x, &k);            \
        return math_log_choose_f(x, math_##name##_sum_f(f, k)); \
    }

MATH_LOG_BASE_F(log2)
MATH_LOG_BASE_F(log10)

ARRAY_INLINE float math_log1p_f(float x)
{
    const float u = 1.0F + x, less = x - (u - 1.0F), more = 1.0F - (u - x);
    const float lost = (x < 1.0F ? less : more) / u;
    float k;
    const float f = math_log_split_f(u, &k);
    return __builtin_copysignf(math_log_sum_f(f, k, lost), x);
}

ARRAY_INLINE int32_t math_log1p_strange_f(float x)
{
    return !((x > -1.0F) & (x <= FLT_MAX));
}

ARRAY_INLINE float math_log1p_all_f(float x)
{
    const float choice = math_log_choose_f(1.0F + x, math_log1p_f(x));
    return x != x ? x : choice;
}

#endif
