/* Hyperbolic functions and their inverses.
 *
 * x = n ln 2 + r, c = cosh r, s = sinh r by polynomials: sinh x = c (2^n - 2^-n)/2 + s (2^n +
 * 2^-n)/2, cosh x likewise, so that nothing cancels; tanh x is (e^2x - 1) / (e^2x + 1). The
 * inverses are log1p of what is small where they are.
 */
#ifndef FS_ARRAY_MATH_HYPER_H
#define FS_ARRAY_MATH_HYPER_H

#include "array/array_math_log.h"

/* cosh r - 1, and sinh r as `high`, which is exact, and the rest; (2^n -+ 2^-n)/2. */
struct math_hyper_d {
    double c, high, s, less, more;
};
struct math_hyper_f {
    float c, high, s, less, more;
};

/* |x| <= 708. */
ARRAY_INLINE struct math_hyper_d math_hyper_split_d(double x)
{
    uint64_t n;
    double low;
    const double high = math_exp_reduce_d(x, &n, &low), r = high + low, z = r * r;
    const double up = math_power_of_two_d(n - 1), down = math_power_of_two_d(0 - n - 1);
    const double c = ARRAY_P5(z, 0x1.5555555555558p-5, 0x1.6c16c16c15036p-10, 0x1.a01a01ad6bb15p-16,
                              0x1.27e4cc3b5e3f1p-22, 0x1.1f8b9b0133ec7p-29);
    const double s = ARRAY_P5(z, 0x1.5555555555559p-3, 0x1.111111110f699p-7, 0x1.a01a01afeedcep-13,
                              0x1.71ddf8388f2cep-19, 0x1.af5ef25db2aa0p-26);
    return (struct math_hyper_d){ARRAY_MA(z * z, c, (double)0.5 * z), high, ARRAY_MA(r * z, s, low),
                                 up - down, up + down};
}

/* |x| <= 86. */
ARRAY_INLINE struct math_hyper_f math_hyper_split_f(float x)
{
    uint32_t n;
    float low;
    const float high = math_exp_reduce_f(x, &n, &low), r = high + low, z = r * r;
    const float up = math_power_of_two_f(n - 1), down = math_power_of_two_f(0 - n - 1);
    const float c = ARRAY_P2(z, 0x1.5554e6p-5F, 0x1.6d4f32p-10F);
    const float s = ARRAY_P3(z, 0x1.555556p-3F, 0x1.1110b2p-7F, 0x1.a17036p-13F);
    return (struct math_hyper_f){ARRAY_MA(z * z, c, (float)0.5 * z), high, ARRAY_MA(r * z, s, low),
                                 up - down, up + down};
}

/* e^x / 2 of x >= 0, any. */
ARRAY_INLINE double math_hyper_large_d(double x)
{
    const double within = x > 712.0 ? 712.0 : x;
    uint64_t n;
    const double e = 1.0 + math_exp_split_d(within, &n);
    return e * math_power_of_two_d(n - 512) * 0x1p511;
}

ARRAY_INLINE float math_hyper_large_f(float x)
{
    const float within = x > 91.0F ? 91.0F : x;
    uint32_t n;
    const float e = 1.0F + math_exp_split_f(within, &n);
    return e * math_power_of_two_f(n - 64) * 0x1p63F;
}

#define MATH_HYPER(type, letter, suffix, most, flat, huge, bits)                           \
    ARRAY_INLINE bits math_hyper_strange_##letter(type x)                                  \
    {                                                                                      \
        return math_over_##letter(x, (type)most);                                          \
    }                                                                                      \
    ARRAY_INLINE type math_sinh_##letter(type x)                                           \
    {                                                                                      \
        const struct math_hyper_##letter h = math_hyper_split_##letter(x);                 \
        const type large = ARRAY_MA(h.more, h.high, h.less);                               \
        const type value = large + ARRAY_MA(h.less, h.c, h.more * h.s);                    \
        return __builtin_copysign##suffix(value, x);                                       \
    }                                                                                      \
    ARRAY_INLINE type math_cosh_##letter(type x)                                           \
    {                                                                                      \
        const struct math_hyper_##letter h = math_hyper_split_##letter(x);                 \
        const type large = ARRAY_MA(h.less, h.high, h.more);                               \
        return large + ARRAY_MA(h.more, h.c, h.less * h.s);                                \
    }                                                                                      \
    ARRAY_INLINE type math_sinh_all_##letter(type x)                                       \
    {                                                                                      \
        const type a = __builtin_fabs##suffix(x);                                          \
        const type large = math_hyper_large_##letter(a);                                   \
        const type plain = math_sinh_##letter(a > (type)most ? (type)1 : a);               \
        return __builtin_copysign##suffix(a > (type)most ? large : plain, x);              \
    }                                                                                      \
    ARRAY_INLINE type math_cosh_all_##letter(type x)                                       \
    {                                                                                      \
        const type a = __builtin_fabs##suffix(x);                                          \
        const type large = math_hyper_large_##letter(a);                                   \
        const type plain = math_cosh_##letter(a > (type)most ? (type)1 : x);               \
        return a > (type)most ? large : plain;                                             \
    }                                                                                      \
    /* (e^2x - 1) / (e^2x + 1); from `flat` on it is 1. */                                 \
    ARRAY_INLINE type math_tanh_##letter(type x)                                           \
    {                                                                                      \
        const type a = __builtin_fabs##suffix(x);                                          \
        const type e = math_expm1_plain_##letter(2 * (a > (type)flat ? (type)flat : a));   \
        return __builtin_copysign##suffix(e / (e + 2), x);                                 \
    }                                                                                      \
    ARRAY_INLINE bits math_arcsinh_strange_##letter(type x)                                \
    {                                                                                      \
        return math_over_##letter(x, (type)huge);                                          \
    }                                                                                      \
    ARRAY_INLINE type math_arcsinh_##letter(type x)                                        \
    {                                                                                      \
        const type a = __builtin_fabs##suffix(x), square = a * a;                          \
        const type t = a + square / (1 + __builtin_sqrt##suffix(1 + square));              \
        return __builtin_copysign##suffix(math_log1p_##letter(t), x);                      \
    }                                                                                      \
    ARRAY_INLINE type math_arcsinh_all_##letter(type x)                                    \
    {                                                                                      \
        const type a = __builtin_fabs##suffix(x);                                          \
        const type large = math_log_all_##letter(a) + (type)0.69314718055994530942;        \
        const type plain = math_arcsinh_##letter(a > (type)huge ? (type)1 : a);            \
        return x != x ? x : __builtin_copysign##suffix(a > (type)huge ? large : plain, x); \
    }                                                                                      \
    ARRAY_INLINE bits math_arccosh_strange_##letter(type x)                                \
    {                                                                                      \
        return math_outside_##letter(x, 1, (type)huge);                                    \
    }                                                                                      \
    ARRAY_INLINE type math_arccosh_##letter(type x)                                        \
    {                                                                                      \
        const type t = x - 1;                                                              \
        return math_log1p_##letter(t + __builtin_sqrt##suffix(t * (x + 1)));               \
    }                                                                                      \
    ARRAY_INLINE type math_arccosh_all_##letter(type x)                                    \
    {                                                                                      \
        const type large = math_log_all_##letter(x) + (type)0.69314718055994530942;        \
        const type plain = math_arccosh_##letter(x > (type)huge ? (type)1 : x);            \
        const type value = x > (type)huge ? large : plain;                                 \
        return x < 1 ? (type)__builtin_nan("") : value;                                    \
    }                                                                                      \
    ARRAY_INLINE bits math_arctanh_strange_##letter(type x)                                \
    {                                                                                      \
        return ~math_under_##letter(x, 1);                                                 \
    }                                                                                      \
    ARRAY_INLINE type math_arctanh_##letter(type x)                                        \
    {                                                                                      \
        const type a = __builtin_fabs##suffix(x);                                          \
        const type value = (type)0.5 * math_log1p_##letter(2 * a / (1 - a));               \
        return __builtin_copysign##suffix(value, x);                                       \
    }                                                                                      \
    ARRAY_INLINE type math_arctanh_all_##letter(type x)                                    \
    {                                                                                      \
        const type a = __builtin_fabs##suffix(x);                                          \
        const type value = a < 1 ? math_arctanh_##letter(x) : (type)__builtin_nan("");     \
        return a == 1 ? __builtin_copysign##suffix((type)__builtin_inf(), x) : value;      \
    }

MATH_HYPER(double, d, , 708, 22, 1e150, int64_t)
MATH_HYPER(float, f, f, 86, 10, 1e18, int32_t)

#endif
