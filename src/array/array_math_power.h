/* Powers and the length of two coordinates.
 *
 * x^y = e^(y log x), with log x in two doubles (some 65 bits): t = f / (2 + f)
 * with what the quotient lost, log m = 2t + t^3 (2/3 + t^2 Q(t^2)), where all
 * but Q's part is kept twofold. float32 goes through double, which is enough
 * for it.
 */
#ifndef FS_ARRAY_MATH_POWER_H
#define FS_ARRAY_MATH_POWER_H

#include "array/array_math_log.h"

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

/* f - t d, of t that is nearly f / d. */
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

/* log(2^k (1 + f)) in two parts. */
ARRAY_INLINE double math_log_twofold_d(double f, double k, double *low)
{
    const double d = 2.0 + f, d_low = f - (d - 2.0), inverse = 1.0 / d, t = f * inverse;
    double lost, z_low, cube_low;
    const double t_low = ARRAY_MA(t, -d_low, math_remains_d(f, t, d)) * inverse;
    const double z = math_product_d(t, t, &lost);
    z_low = ARRAY_MA(2.0 * t, t_low, lost);
    const double w = z * ARRAY_P7(z, 0x1.9999999999b36p-2, 0x1.2492492457262p-2,
                                  0x1.c71c722e67644p-3, 0x1.745ce987aca47p-3, 0x1.3b1efd2ec6721p-3,
                                  0x1.0f7e4c8ea9fd1p-3, 0x1.0e521eb13ad8bp-3);
    const double p = 0x1.5555555555555p-1 + w;
    const double cube = math_product_d(z, t, &lost);
    cube_low = lost + ARRAY_MA(z_low, t, z * t_low);
    const double v = cube * p, v_low = cube_low * p;
    const double twice = 2.0 * t, sum = twice + v;
    const double sum_low = ((twice - sum) + v) + ARRAY_MA(2.0, t_low, v_low);
    const double base = k * MATH_LN2_HIGH_D, whole = base + sum;
    *low = ((base - whole) + sum) + ARRAY_MA(k, MATH_LN2_LOW_D, sum_low);
    return whole;
}

/* e^(p + low) as 2^n times the value. */
ARRAY_INLINE double math_power_exp_d(double p, double low, uint64_t *n)
{
    double part;
    const double high = math_exp_reduce_d(p, n, &part), rest = part + low, r = high + rest;
    return 1.0 + (r + math_exp_part_d(r));
}

/* y log x of a normal x > 0, in two parts. */
ARRAY_INLINE double math_power_product_d(double x, double y, double *low)
{
    double k, log_low, lost;
    const double f = math_log_split_d(x, &k), log = math_log_twofold_d(f, k, &log_low);
    const double product = math_product_d(y, log, &lost);
    *low = ARRAY_MA(y, log_low, lost);
    return product;
}

ARRAY_INLINE double math_power_d(double x, double y)
{
    double low;
    uint64_t n;
    const double p = math_power_product_d(x, y, &low), e = math_power_exp_d(p, low, &n);
    return math_from_d(math_bits_d(e) + (n << 52));
}

/* x normal and > 0, |y log x| <= 708; y small enough for a product in two
 * parts. */
ARRAY_INLINE int64_t math_power_strange_d(double x, double y)
{
    double low;
    const double p = math_power_product_d(x, y, &low);
    return !((x >= DBL_MIN) & (x <= DBL_MAX) & (__builtin_fabs(y) <= 0x1p900) &
             (__builtin_fabs(p) <= 708.0));
}

/* Is y a whole number, an odd one? */
ARRAY_INLINE int64_t math_power_whole_d(double y)
{
    return __builtin_trunc(y) == y;
}

ARRAY_INLINE int64_t math_power_odd_d(double y)
{
    const double half = 0.5 * y;
    return (__builtin_trunc(y) == y) & (__builtin_trunc(half) != half);
}

/* What C says of x^y, given the power of |x| that is right for ordinary ones.
 */
#define MATH_POWER_CHOOSE(type, letter, suffix)                                                    \
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
    }

MATH_POWER_CHOOSE(double, d, )
MATH_POWER_CHOOSE(float, f, f)

/* Any x and y. The bits of an ordinary power are those of math_power_d. */
ARRAY_INLINE double math_power_all_d(double x, double y)
{
    const double a = __builtin_fabs(x);
    const int small = a < DBL_MIN;
    double k, log_low, lost;
    const double f = math_log_split_d(small ? a * 0x1p54 : a, &k);
    const double log = math_log_twofold_d(f, small ? k - 54.0 : k, &log_low);
    const double product = math_product_d(y, log, &lost), low = ARRAY_MA(y, log_low, lost);
    const int inside = __builtin_fabs(product) < 1000.0;
    const double most = product > 0 ? 1000.0 : -1000.0, p = inside ? product : most;
    uint64_t n;
    const double e = math_power_exp_d(p, __builtin_fabs(low) <= 1.0 ? low : 0.0, &n);
    const double half_sum = (math_from_d(n) - MATH_SHIFT_D) * 0.5 + MATH_SHIFT_D;
    const uint64_t half = math_bits_d(half_sum);
    const double value =
        e * math_power_of_two_d(half) * math_power_of_two_d(n - half + math_bits_d(MATH_SHIFT_D));
    return math_power_choose_d(x, y, value, (int)math_power_whole_d(y), (int)math_power_odd_d(y));
}

/* --- float32: the same steps where there is a fused multiply-add, else by way
 * of double --- */

#if ARRAY_FUSED
/* a b, and what the product lost in *low. */
ARRAY_INLINE float math_product_f(float a, float b, float *low)
{
    const float product = a * b;
    *low = __builtin_fmaf(a, b, -product);
    return product;
}

/* log(2^k (1 + f)) in two parts. */
ARRAY_INLINE float math_log_twofold_f(float f, float k, float *low)
{
    const float d = 2.0F + f, d_low = f - (d - 2.0F), inverse = 1.0F / d, t = f * inverse;
    const float t_low = ARRAY_MA(t, -d_low, __builtin_fmaf(-t, d, f)) * inverse;
    float lost;
    const float z = math_product_f(t, t, &lost), z_low = ARRAY_MA(2.0F * t, t_low, lost);
    const float w = z * ARRAY_P3(z, 0x1.999a00p-2F, 0x1.245254p-2F, 0x1.dfaa2cp-3F);
    const float p = 0x1.555556p-1F + w;
    const float cube = math_product_f(z, t, &lost);
    const float cube_low = lost + ARRAY_MA(z_low, t, z * t_low);
    const float v = cube * p, v_low = cube_low * p;
    const float twice = 2.0F * t, sum = twice + v;
    const float sum_low = ((twice - sum) + v) + ARRAY_MA(2.0F, t_low, v_low);
    const float base = k * MATH_LN2_HIGH_F, whole = base + sum;
    *low = ((base - whole) + sum) + ARRAY_MA(k, MATH_LN2_LOW_F, sum_low);
    return whole;
}

/* e^(p + low) as 2^n times the value. */
ARRAY_INLINE float math_power_exp_f(float p, float low, uint32_t *n)
{
    float part;
    const float high = math_exp_reduce_f(p, n, &part), rest = part + low, r = high + rest;
    return 1.0F + (r + math_exp_part_f(r));
}

ARRAY_INLINE float math_power_product_f(float x, float y, float *low)
{
    float k, log_low, lost;
    const float f = math_log_split_f(x, &k), log = math_log_twofold_f(f, k, &log_low);
    const float product = math_product_f(y, log, &lost);
    *low = ARRAY_MA(y, log_low, lost);
    return product;
}

ARRAY_INLINE float math_power_f(float x, float y)
{
    float low;
    uint32_t n;
    const float p = math_power_product_f(x, y, &low), e = math_power_exp_f(p, low, &n);
    return math_from_f(math_bits_f(e) + (n << 23));
}

ARRAY_INLINE int32_t math_power_strange_f(float x, float y)
{
    float low;
    const float p = math_power_product_f(x, y, &low);
    return !((x >= FLT_MIN) & (x <= FLT_MAX) & (__builtin_fabsf(p) <= 86.0F));
}

/* |x|^y, but for what math_power_choose_f says. */
ARRAY_INLINE float math_power_size_f(float a, float y)
{
    const int small = a < FLT_MIN;
    float k, log_low, lost;
    const float f = math_log_split_f(small ? a * 0x1p25F : a, &k);
    const float log = math_log_twofold_f(f, small ? k - 25.0F : k, &log_low);
    const float product = math_product_f(y, log, &lost), low = ARRAY_MA(y, log_low, lost);
    const int inside = __builtin_fabsf(product) < 120.0F;
    const float most = product > 0 ? 120.0F : -120.0F, p = inside ? product : most;
    uint32_t n;
    const float e = math_power_exp_f(p, __builtin_fabsf(low) <= 1.0F ? low : 0.0F, &n);
    const float half_sum = (math_from_f(n) - MATH_SHIFT_F) * 0.5F + MATH_SHIFT_F;
    const uint32_t half = math_bits_f(half_sum);
    return e * math_power_of_two_f(half) *
           math_power_of_two_f(n - half + math_bits_f(MATH_SHIFT_F));
}
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
    return !((x > 0) & (x <= FLT_MAX) & (__builtin_fabsf(y) <= FLT_MAX));
}

/* |x|^y, but for what math_power_choose_f says. */
ARRAY_INLINE float math_power_size_f(float a, float y)
{
    return (float)math_power_wide_f((double)a, (double)y);
}
#endif

ARRAY_INLINE float math_power_all_f(float x, float y)
{
    const float value = math_power_size_f(__builtin_fabsf(x), y);
    const float half = 0.5F * y;
    const int whole = __builtin_truncf(y) == y, odd = whole & (__builtin_truncf(half) != half);
    return math_power_choose_f(x, y, value, whole, odd);
}

/* --- sqrt(x^2 + y^2) --- */

ARRAY_INLINE double math_hypot_d(double x, double y)
{
    return __builtin_sqrt(ARRAY_MA(x, x, y * y));
}

ARRAY_INLINE int64_t math_hypot_strange_d(double x, double y)
{
    const double a = __builtin_fabs(x), b = __builtin_fabs(y), most = a > b ? a : b;
    return !((a <= 0x1p500) & (b <= 0x1p500) & ((most >= 0x1p-400) | (most == 0)));
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
