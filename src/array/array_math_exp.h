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

/* Up to here, e^x and its 2^n are normal numbers. */
#define MATH_EXP_MOST_D 708.0
#define MATH_EXP_MOST_F 86.0F
/* From here on it is infinite, or 0. */
#define MATH_EXP_ENDLESS_D 711.0
#define MATH_EXP_ENDLESS_F 90.0F
#define MATH_EXP_NOTHING_D -750.0
#define MATH_EXP_NOTHING_F -105.0F

/* What e^r - 1 is beyond r, |r| <= ln 2 / 2, to 2^-58. */
ARRAY_INLINE double math_exp_part_d(double r)
{
    const double p = ARRAY_P10(r, 0x1.000000000000cp-1, 0x1.5555555555561p-3, 0x1.555555554ffeep-5,
                               0x1.111111110d5cap-7, 0x1.6c16c185b65eap-10, 0x1.a01a01bb06486p-13,
                               0x1.a019966972e83p-16, 0x1.71dddf7fee6b1p-19, 0x1.28b0717b0600cp-22,
                               0x1.af85f913231cfp-26);
    return r * r * p;
}

ARRAY_INLINE float math_exp_part_f(float r)
{
    const float p =
        ARRAY_P5(r, 0.5F, 0x1.55548ep-3F, 0x1.55545cp-5F, 0x1.123b94p-7F, 0x1.6db4cep-10F);
    return r * r * p;
}

#define MATH_EXP(type, letter, TYPE, suffix, bits, flags)                                      \
    /* x less n ln 2 as its exact part and *low; n in the low bits of *shifted. */             \
    ARRAY_INLINE type math_exp_reduce_##letter(type x, bits *shifted, type *low)               \
    {                                                                                          \
        const type sum = ARRAY_MA(x, MATH_LOG2E_##TYPE, MATH_SHIFT_##TYPE);                    \
        const type n = sum - MATH_SHIFT_##TYPE;                                                \
        *shifted = math_bits_##letter(sum);                                                    \
        *low = n * -MATH_LN2_LOW_##TYPE;                                                       \
        return ARRAY_MA(n, -MATH_LN2_HIGH_##TYPE, x);                                          \
    }                                                                                          \
    /* e^x as 2^n (1 + q): q, and n in the low bits of *shifted. */                            \
    ARRAY_INLINE type math_exp_split_##letter(type x, bits *shifted)                           \
    {                                                                                          \
        type low;                                                                              \
        const type high = math_exp_reduce_##letter(x, shifted, &low), r = high + low;          \
        return r + math_exp_part_##letter(r);                                                  \
    }                                                                                          \
    /* |x| <= MATH_EXP_MOST. */                                                                \
    ARRAY_INLINE type math_exp_##letter(type x)                                                \
    {                                                                                          \
        bits n;                                                                                \
        const type q = math_exp_split_##letter(x, &n);                                         \
        return math_from_##letter(math_bits_##letter(1 + q) + (n << MATH_EXPONENT_##TYPE));    \
    }                                                                                          \
    /* Any x: results that are subnormal or too large, too. */                                 \
    ARRAY_INLINE type math_exp_all_##letter(type x)                                            \
    {                                                                                          \
        const type above = x < MATH_EXP_NOTHING_##TYPE ? MATH_EXP_NOTHING_##TYPE : x;          \
        const type within = above > MATH_EXP_ENDLESS_##TYPE ? MATH_EXP_ENDLESS_##TYPE : above; \
        bits n;                                                                                \
        const type e = 1 + math_exp_split_##letter(within, &n);                                \
        return math_scale_##letter(e, n);                                                      \
    }                                                                                          \
    ARRAY_INLINE flags math_exp_strange_##letter(type x)                                       \
    {                                                                                          \
        return math_over_##letter(x, MATH_EXP_MOST_##TYPE);                                    \
    }                                                                                          \
    /* e^x - 1 but for the sign of zero, |x| <= MATH_EXP_MOST: what is exact first. */         \
    ARRAY_INLINE type math_expm1_plain_##letter(type x)                                        \
    {                                                                                          \
        bits n;                                                                                \
        type low;                                                                              \
        const type high = math_exp_reduce_##letter(x, &n, &low), r = high + low;               \
        const type scale = math_power_of_two_##letter(n);                                      \
        const type large = ARRAY_MA(scale, high, scale - 1);                                   \
        return ARRAY_MA(scale, low + math_exp_part_##letter(r), large);                        \
    }                                                                                          \
    ARRAY_INLINE type math_expm1_##letter(type x)                                              \
    {                                                                                          \
        return __builtin_copysign##suffix(math_expm1_plain_##letter(x), x);                    \
    }                                                                                          \
    /* Any x; far below 0 it is -1. */                                                         \
    ARRAY_INLINE type math_expm1_all_##letter(type x)                                          \
    {                                                                                          \
        const type most = MATH_EXP_MOST_##TYPE, e = math_exp_all_##letter(x);                  \
        const type above = x < -most ? -most : x;                                              \
        const type small = math_expm1_##letter(above > most ? most : above);                   \
        return x > most ? e : small;                                                           \
    }

MATH_EXP(double, d, D, , uint64_t, int64_t)
MATH_EXP(float, f, F, f, uint32_t, int32_t)

#endif
