/* e^x and e^x - 1.
 *
 * x = n ln 2 + r, |r| <= ln 2 / 2; q = e^r - 1 is a polynomial; e^x = 2^n (1 + q), by adding n to
 * the exponent; e^x - 1 = (2^n - 1) + 2^n q. n ln 2 is exact for its first part.
 */
#ifndef FS_ARRAY_MATH_EXP_H
#define FS_ARRAY_MATH_EXP_H

#include "array/array_math.h"

#define MATH_LN2_HIGH_D 0x1.62e42fefa2000p-1
#define MATH_LN2_LOW_D 0x1.9ef35793c7673p-41
#define MATH_LOG2E_D 0x1.71547652b82fep+0
#define MATH_LN2_HIGH_F 0x1.62e4p-1F
#define MATH_LN2_LOW_F 0x1.7f7d1cp-20F
#define MATH_LOG2E_F 0x1.715476p+0F

/* x less n ln 2 as its exact part and *low; n in the low bits of *shifted. */
ARRAY_INLINE double math_exp_reduce_d(double x, uint64_t *shifted, double *low)
{
    const double sum = ARRAY_MA(x, MATH_LOG2E_D, MATH_SHIFT_D), n = sum - MATH_SHIFT_D;
    *shifted = math_bits_d(sum);
    *low = n * -MATH_LN2_LOW_D;
    return ARRAY_MA(n, -MATH_LN2_HIGH_D, x);
}

/* What e^r - 1 is beyond r, |r| <= ln 2 / 2, to 2^-58. */
ARRAY_INLINE double math_exp_part_d(double r)
{
    const double p = ARRAY_P10(r, 0x1.000000000000cp-1, 0x1.5555555555561p-3, 0x1.555555554ffeep-5,
                               0x1.111111110d5cap-7, 0x1.6c16c185b65eap-10, 0x1.a01a01bb06486p-13,
                               0x1.a019966972e83p-16, 0x1.71dddf7fee6b1p-19, 0x1.28b0717b0600cp-22,
                               0x1.af85f913231cfp-26);
    return r * r * p;
}

/* e^x as 2^n (1 + q): q, and n in the low bits of *shifted. */
ARRAY_INLINE double math_exp_split_d(double x, uint64_t *shifted)
{
    double low;
    const double high = math_exp_reduce_d(x, shifted, &low), r = high + low;
    return r + math_exp_part_d(r);
}

/* |x| <= 708. */
ARRAY_INLINE double math_exp_d(double x)
{
    uint64_t n;
    const double q = math_exp_split_d(x, &n);
    return math_from_d(math_bits_d(1.0 + q) + (n << 52));
}

/* Any x: 2^n in two factors, for results that are subnormal or too large. */
ARRAY_INLINE double math_exp_all_d(double x)
{
    const double above = x < -750.0 ? -750.0 : x, within = above > 711.0 ? 711.0 : above;
    uint64_t n;
    const double e = 1.0 + math_exp_split_d(within, &n);
    const uint64_t half = math_bits_d((math_from_d(n) - MATH_SHIFT_D) * 0.5 + MATH_SHIFT_D);
    return e * math_power_of_two_d(half) *
           math_power_of_two_d(n - half + math_bits_d(MATH_SHIFT_D));
}

ARRAY_INLINE int64_t math_exp_strange_d(double x)
{
    return !(__builtin_fabs(x) <= 708.0);
}

/* e^x - 1 but for the sign of zero, |x| <= 708: what is exact first. */
ARRAY_INLINE double math_expm1_plain_d(double x)
{
    uint64_t n;
    double low;
    const double high = math_exp_reduce_d(x, &n, &low), r = high + low;
    const double scale = math_power_of_two_d(n);
    const double large = ARRAY_MA(scale, high, scale - 1);
    return ARRAY_MA(scale, low + math_exp_part_d(r), large);
}

ARRAY_INLINE double math_expm1_d(double x)
{
    return __builtin_copysign(math_expm1_plain_d(x), x);
}

ARRAY_INLINE double math_expm1_all_d(double x)
{
    const double e = math_exp_all_d(x), above = x < -700.0 ? -700.0 : x;
    const double small = math_expm1_d(above > 708.0 ? 708.0 : above);
    return x > 708.0 ? e : small;
}

/* x less n ln 2 as its exact part and *low; n in the low bits of *shifted. */
ARRAY_INLINE float math_exp_reduce_f(float x, uint32_t *shifted, float *low)
{
    const float sum = ARRAY_MA(x, MATH_LOG2E_F, MATH_SHIFT_F), n = sum - MATH_SHIFT_F;
    *shifted = math_bits_f(sum);
    *low = n * -MATH_LN2_LOW_F;
    return ARRAY_MA(n, -MATH_LN2_HIGH_F, x);
}

ARRAY_INLINE float math_exp_part_f(float r)
{
    const float p =
        ARRAY_P5(r, 0.5F, 0x1.55548ep-3F, 0x1.55545cp-5F, 0x1.123b94p-7F, 0x1.6db4cep-10F);
    return r * r * p;
}

ARRAY_INLINE float math_exp_split_f(float x, uint32_t *shifted)
{
    float low;
    const float high = math_exp_reduce_f(x, shifted, &low), r = high + low;
    return r + math_exp_part_f(r);
}

/* |x| <= 86. */
ARRAY_INLINE float math_exp_f(float x)
{
    uint32_t n;
    const float q = math_exp_split_f(x, &n);
    return math_from_f(math_bits_f(1.0F + q) + (n << 23));
}

ARRAY_INLINE float math_exp_all_f(float x)
{
    const float above = x < -105.0F ? -105.0F : x, within = above > 90.0F ? 90.0F : above;
    uint32_t n;
    const float e = 1.0F + math_exp_split_f(within, &n);
    const uint32_t half = math_bits_f((math_from_f(n) - MATH_SHIFT_F) * 0.5F + MATH_SHIFT_F);
    return e * math_power_of_two_f(half) *
           math_power_of_two_f(n - half + math_bits_f(MATH_SHIFT_F));
}

ARRAY_INLINE int32_t math_exp_strange_f(float x)
{
    return !(__builtin_fabsf(x) <= 86.0F);
}

/* e^x - 1 but for the sign of zero, |x| <= 86: what is exact first. */
ARRAY_INLINE float math_expm1_plain_f(float x)
{
    uint32_t n;
    float low;
    const float high = math_exp_reduce_f(x, &n, &low), r = high + low;
    const float scale = math_power_of_two_f(n);
    const float large = ARRAY_MA(scale, high, scale - 1);
    return ARRAY_MA(scale, low + math_exp_part_f(r), large);
}

ARRAY_INLINE float math_expm1_f(float x)
{
    return __builtin_copysignf(math_expm1_plain_f(x), x);
}

ARRAY_INLINE float math_expm1_all_f(float x)
{
    const float e = math_exp_all_f(x), above = x < -86.0F ? -86.0F : x;
    const float small = math_expm1_f(above > 86.0F ? 86.0F : above);
    return x > 86.0F ? e : small;
}

#endif
