/* Powers and the length of two coordinates.
 *
 * x^y = e^(y log x), with log x in two parts, of doubles some 64 bits. x = 2^k m, and m becomes 1 +
 * f by one of three factors, f below 0.15: the smaller f is, the fewer terms need a second part. t
 * = f / (2 + f) with what the quotient lost; log (1 + f) = 2t + t^3 P(t^2). float32 does without
 * the quotient, and takes powers of 2, where there is a fused multiply-add; elsewhere it goes
 * through double, which is enough for it.
 */
#ifndef FS_ARRAY_MATH_POWER_H
#define FS_ARRAY_MATH_POWER_H

#include "array/array_math_log.h"

/* --- logarithms in two parts, and powers of p + low as 2^n times a value --- */

#define MATH_POWER_BORDER_D 0x3fe7800000000000u /* of m: 0.734 */
#define MATH_POWER_BORDER_F 0x3f3c0000u

/* log(2^k m) */
ARRAY_INLINE double math_power_log_d(double m, double k, double *low)
{
    const int below = m < 0.9, above = m >= 1.15;
    const double start = below ? -0x1.c8ff7c79a8000p-3 : above ? 0x1.269621134c000p-2 : 0.0;
    const double start_low = below ? -0x1.a21ac25d81ef3p-43 : above ? 0x1.b92783beb7677p-42 : 0.0;
    /* Exact, with or without fused multiply-add: m times 5/4, 1 or 3/4, less 1. */
    const double f = ARRAY_MA(m, below ? 0.25 : above ? -0.25 : 0.0, m - 1.0);
    const double inverse = 1.0 / (2.0 + f), t = f * inverse, twice = t + t;
    const double t_low = math_remains_d(f - twice, t, f) * inverse;
    double z_low, lost;
    const double z = math_product_d(t, t, &z_low);
    const double p = ARRAY_P6(z, 0x1.5555555555555p-1, 0x1.9999999999bfcp-2, 0x1.2492492367e5ep-2,
                              0x1.c71c783691274p-3, 0x1.7454f6eec334dp-3, 0x1.3fdec1a41d55bp-3);
    const double cube = math_product_d(z, t, &lost), cube_low = ARRAY_MA(z_low, t, lost);
    const double v = math_product_d(cube, p, &lost), v_low = ARRAY_MA(cube_low, p, lost);
    /* t_low takes part in the cube, too: times 2 + 3 t^2 P, nearly 2 + 2 t^2. */
    const double more = t_low + t_low, rest = ARRAY_MA(z, more, more) + v_low;
    const double sum = twice + v, sum_low = ((twice - sum) + v) + rest;
    const double base = ARRAY_MA(k, MATH_LN2_HIGH_D, start), whole = base + sum;
    *low = ((base - whole) + sum) + ARRAY_MA(k, MATH_LN2_LOW_D, sum_low + start_low);
    return whole;
}

ARRAY_INLINE double math_power_exp_d(double p, double low, uint64_t *n)
{
    double part;
    const double high = math_exp_reduce_d(p, n, &part), r = high + (part + low);
    return 1.0 + (r + math_exp_part_d(r));
}

#define MATH_POWER_FINE_D MATH_EXP_MOST_D /* up to here the power is a normal number */
#define MATH_POWER_MOST_D 1000.0          /* from here on it is infinite, or 0 */

#if ARRAY_FUSED
ARRAY_INLINE float math_product_f(float a, float b, float *low)
{
    const float product = a * b;
    *low = __builtin_fmaf(a, b, -product);
    return product;
}

/* log2(2^k m) */
ARRAY_INLINE float math_power_log_f(float m, float k, float *low)
{
    const int below = m < 0.9F, above = m >= 1.15F;
    const float start = below ? -0x1.49a8p-2F : above ? 0x1.a9p-2F : 0.0F;
    const float start_low = below ? 0x1.ed0cbap-20F : above ? -0x1.a39fbep-20F : 0.0F;
    const float f = ARRAY_MA(m, below ? 0.25F : above ? -0.25F : 0.0F, m - 1.0F), square = f * f;
    float a_lost, b_lost;
    const float a = math_product_f(f, 0x1.715476p+0F, &a_lost);
    const float a_low = ARRAY_MA(f, 0x1.4ae0c0p-26F, a_lost);
    const float b = math_product_f(a, f, &b_lost), b_low = ARRAY_MA(a_low, f, b_lost);
    const float p = ARRAY_P6(f, 0x1.ec70acp-2F, -0x1.71543ep-2F, 0x1.276430p-2F, -0x1.ecaaa0p-3F,
                             0x1.b2c7f2p-3F, -0x1.6f613cp-3F);
    const float cubic = square * f * p;
    const float two = ARRAY_MA(b, -0.5F, a), two_low = ARRAY_MA(b, -0.5F, a - two);
    const float rest = two_low + ARRAY_MA(b_low, -0.5F, a_low);
    const float sum = two + cubic, sum_low = ((two - sum) + cubic) + rest;
    const float base = k + start, whole = base + sum;
    *low = ((base - whole) + sum) + (sum_low + start_low);
    return whole;
}

/* 2^(p + low) */
ARRAY_INLINE float math_power_exp_f(float p, float low, uint32_t *n)
{
    const float sum = p + MATH_SHIFT_F, r = (p - (sum - MATH_SHIFT_F)) + low;
    *n = math_bits_f(sum);
    return ARRAY_P7(r, 1.0F, 0x1.62e430p-1F, 0x1.ebfbe0p-3F, 0x1.c6aeccp-5F, 0x1.3b29a8p-7F,
                    0x1.5f497cp-10F, 0x1.44916ap-13F);
}

#define MATH_POWER_FINE_F 125.0F
#define MATH_POWER_MOST_F 170.0F
#endif

/* --- powers of them --- */

#define MATH_POWER(type, letter, TYPE, suffix, bits, flags)                                       \
    /* y (log + log_low), in two parts. */                                                        \
    ARRAY_INLINE type math_power_times_##letter(type y, type log, type log_low, type *low)        \
    {                                                                                             \
        type lost;                                                                                \
        const type product = math_product_##letter(y, log, &lost);                                \
        *low = ARRAY_MA(y, log_low, lost);                                                        \
        return product;                                                                           \
    }                                                                                             \
    /* y log x of a normal x > 0, in two parts. */                                                \
    ARRAY_INLINE type math_power_product_##letter(type x, type y, type *low)                      \
    {                                                                                             \
        type k, log_low;                                                                          \
        const type part = math_log_part_##letter(x, MATH_POWER_BORDER_##TYPE, &k);                \
        const type log = math_power_log_##letter(part, k, &log_low);                              \
        return math_power_times_##letter(y, log, log_low, low);                                   \
    }                                                                                             \
    ARRAY_INLINE type math_power_##letter(type x, type y)                                         \
    {                                                                                             \
        type low;                                                                                 \
        bits n;                                                                                   \
        const type p = math_power_product_##letter(x, y, &low);                                   \
        const type e = math_power_exp_##letter(p, low, &n);                                       \
        return math_from_##letter(math_bits_##letter(e) + (n << MATH_EXPONENT_##TYPE));           \
    }                                                                                             \
    /* x not normal or not > 0, or the power not normal. */                                       \
    ARRAY_INLINE flags math_power_strange_##letter(type x, type y)                                \
    {                                                                                             \
        type low;                                                                                 \
        const type p = math_power_product_##letter(x, y, &low);                                   \
        return math_outside_##letter(x, MATH_LEAST_##TYPE, MATH_MOST_##TYPE) |                    \
               math_over_##letter(p + low, MATH_POWER_FINE_##TYPE);                               \
    }                                                                                             \
    /* |x|^y, but for what math_power_choose says. */                                             \
    ARRAY_INLINE type math_power_size_##letter(type a, type y)                                    \
    {                                                                                             \
        const int small = a < MATH_LEAST_##TYPE;                                                  \
        const type lift = (type)(1ull << MATH_LIFT_##TYPE);                                       \
        type k, log_low, low;                                                                     \
        const type part =                                                                         \
            math_log_part_##letter(small ? a * lift : a, MATH_POWER_BORDER_##TYPE, &k);           \
        const type lifted = small ? k - MATH_LIFT_##TYPE : k;                                     \
        const type log = math_power_log_##letter(part, lifted, &log_low);                         \
        const type product = math_power_times_##letter(y, log, log_low, &low);                    \
        const type most = product > 0 ? MATH_POWER_MOST_##TYPE : -MATH_POWER_MOST_##TYPE;         \
        const type p = __builtin_fabs##suffix(product) < MATH_POWER_MOST_##TYPE ? product : most; \
        bits n;                                                                                   \
        const type e =                                                                            \
            math_power_exp_##letter(p, __builtin_fabs##suffix(low) <= 1 ? low : (type)0, &n);     \
        return math_scale_##letter(e, n);                                                         \
    }

MATH_POWER(double, d, D, , uint64_t, int64_t)
#if ARRAY_FUSED
MATH_POWER(float, f, F, f, uint32_t, int32_t)
#else
/* |x|^y in double, to some 2^-33, clear of the ends of the range. */
ARRAY_INLINE double math_power_wide_f(double a, double y)
{
    double k;
    const double f = math_log_split_d(a, &k), s = f / (2.0 + f), z = s * s;
    const double r = ARRAY_P4(z, 0x1.555554fce85d7p-1, 0x1.999a7be98f895p-2, 0x1.243879cf1fb89p-2,
                              0x1.e305329c38c95p-3);
    const double log = ARRAY_MA(k, 0x1.62e42fefa39efp-1, ARRAY_MA(s * z, r, s + s));
    const double product = y * log, above = product < -200.0 ? -200.0 : product;
    const double p = above > 200.0 ? 200.0 : above;
    const double sum = ARRAY_MA(p, MATH_LOG2E_D, MATH_SHIFT_D), n = sum - MATH_SHIFT_D;
    const double rest = ARRAY_MA(n, -0x1.62e42fefa39efp-1, p);
    const double e = ARRAY_P7(rest, 1.0, 1.0, 0x1.000000525e40dp-1, 0x1.55548e99775eep-3,
                              0x1.55545cff9d0b2p-5, 0x1.123b933e98fb6p-7, 0x1.6db4ce5aff652p-10);
    return math_from_d(math_bits_d(e) + (math_bits_d(sum) << 52));
}

ARRAY_INLINE float math_power_f(float x, float y)
{
    return (float)math_power_wide_f((double)x, (double)y);
}

ARRAY_INLINE int32_t math_power_strange_f(float x, float y)
{
    return math_outside_f(x, 0x1p-149F, MATH_MOST_F) | math_over_f(y, MATH_MOST_F);
}

ARRAY_INLINE float math_power_size_f(float a, float y)
{
    return (float)math_power_wide_f((double)a, (double)y);
}
#endif

#define MATH_POWER_ALL(type, letter, suffix)                                                       \
    /* What C says of x^y, given the power of |x| that is right for ordinary ones. */              \
    ARRAY_INLINE type math_power_choose_##letter(type x, type y, type value, int whole, int odd)   \
    {                                                                                              \
        const type a = __builtin_fabs##suffix(x), endless = (type)__builtin_inf();                 \
        const type small = y > 0 ? (type)0 : endless, large = y > 0 ? endless : (type)0;           \
        const type of_zero = a == 0 ? small : value, of_all = a == endless ? large : of_zero;      \
        const type turned = (__builtin_copysign##suffix((type)1, x) < 0) & odd ? -of_all : of_all; \
        const int no_root = (x < 0) & (a != endless) & !whole;                                     \
        const type real = no_root ? (type)__builtin_nan("") : turned;                              \
        const type number = ((x != x) | (y != y)) ? x + y : real;                                  \
        const int lone = (__builtin_fabs##suffix(y) == endless) & (a == 1);                        \
        return ((y == 0) | (x == 1) | lone) ? (type)1 : number;                                    \
    }                                                                                              \
    /* Any x and y. The bits of an ordinary power are those of math_power. */                      \
    ARRAY_INLINE type math_power_all_##letter(type x, type y)                                      \
    {                                                                                              \
        const type value = math_power_size_##letter(__builtin_fabs##suffix(x), y);                 \
        const type half = (type)0.5 * y;                                                           \
        const int whole = __builtin_trunc##suffix(y) == y;                                         \
        const int odd = whole & (__builtin_trunc##suffix(half) != half);                           \
        return math_power_choose_##letter(x, y, value, whole, odd);                                \
    }

MATH_POWER_ALL(double, d, )
MATH_POWER_ALL(float, f, f)

/* --- sqrt(x^2 + y^2) --- */

ARRAY_INLINE double math_hypot_d(double x, double y)
{
    return __builtin_sqrt(ARRAY_MA(x, x, y * y));
}

ARRAY_INLINE int64_t math_hypot_strange_d(double x, double y)
{
    const int64_t some = math_size_bits_d(x) | math_size_bits_d(y); /* 0: both are zero */
    return math_over_d(x, 0x1p500) | math_over_d(y, 0x1p500) |
           (math_under_d(x, 0x1p-400) & math_under_d(y, 0x1p-400) & -some);
}

/* Infinite where one is, even with NaN beside. */
ARRAY_INLINE double math_hypot_all_d(double x, double y)
{
    const double a = __builtin_fabs(x), b = __builtin_fabs(y), most = a > b ? a : b;
    const double scale = most > 0x1p500 ? 0x1p-600 : most < 0x1p-400 ? 0x1p600 : 1.0;
    const double back = most > 0x1p500 ? 0x1p600 : most < 0x1p-400 ? 0x1p-600 : 1.0;
    const double length = math_hypot_d(x * scale, y * scale) * back;
    return ((a > DBL_MAX) | (b > DBL_MAX)) ? __builtin_inf() : length;
}

ARRAY_INLINE float math_hypot_f(float x, float y)
{
    const double a = (double)x, b = (double)y;
    const float length = (float)__builtin_sqrt(ARRAY_MA(a, a, b * b));
    const int endless = (__builtin_fabsf(x) > FLT_MAX) | (__builtin_fabsf(y) > FLT_MAX);
    return endless ? __builtin_inff() : length;
}

#endif
