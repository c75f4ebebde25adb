/* Kernels of size, sign, rounding and the square root. The sign of a NaN is that NaN, that of -0.0
 * is 0.0; the size of the least integer is itself, as it wraps around. ROUND goes to even at a
 * half. */
#include "array/array_dispatch.h"

#define ROUND(letter, type)                           \
    ARRAY_INLINE type round_absolute_##letter(type x) \
    {                                                 \
        return x < 0 ? -x : x;                        \
    }                                                 \
    ARRAY_INLINE type round_sign_##letter(type x)     \
    {                                                 \
        return (type)((x > 0) - (x < 0));             \
    }
#define ROUND_REAL(letter, type, suffix)              \
    ARRAY_INLINE type round_fabs_##letter(type x)     \
    {                                                 \
        return __builtin_fabs##suffix(x);             \
    }                                                 \
    ARRAY_INLINE type round_signum_##letter(type x)   \
    {                                                 \
        const type size = x != 0 ? (type)1 : (type)0; \
        const type sign = x < 0 ? -size : size;       \
        return x != x ? x : sign;                     \
    }                                                 \
    ARRAY_INLINE type round_even_##letter(type x)     \
    {                                                 \
        return __builtin_rint##suffix(x);             \
    }                                                 \
    ARRAY_INLINE type round_ceil_##letter(type x)     \
    {                                                 \
        return __builtin_ceil##suffix(x);             \
    }                                                 \
    ARRAY_INLINE type round_floor_##letter(type x)    \
    {                                                 \
        return __builtin_floor##suffix(x);            \
    }                                                 \
    ARRAY_INLINE type round_trunc_##letter(type x)    \
    {                                                 \
        return __builtin_trunc##suffix(x);            \
    }                                                 \
    ARRAY_INLINE type round_root_##letter(type x)     \
    {                                                 \
        return __builtin_sqrt##suffix(x);             \
    }

ROUND(i, array_i)
ROUND(l, array_l)
ROUND_REAL(f, array_f, f)
ROUND_REAL(d, array_d, )

ARRAY_INLINE array_i round_same_i(array_i x)
{
    return x;
}

ARRAY_INLINE array_l round_same_l(array_l x)
{
    return x;
}

ARRAY_UNARY(ABSOLUTE_II, array_i, array_i, round_absolute_i)
ARRAY_UNARY(ABSOLUTE_LL, array_l, array_l, round_absolute_l)
ARRAY_UNARY(ABSOLUTE_FF, array_f, array_f, round_fabs_f)
ARRAY_UNARY(ABSOLUTE_DD, array_d, array_d, round_fabs_d)
ARRAY_UNARY(SIGN_II, array_i, array_i, round_sign_i)
ARRAY_UNARY(SIGN_LL, array_l, array_l, round_sign_l)
ARRAY_UNARY(SIGN_FF, array_f, array_f, round_signum_f)
ARRAY_UNARY(SIGN_DD, array_d, array_d, round_signum_d)
ARRAY_UNARY(ROUND_II, array_i, array_i, round_same_i)
ARRAY_UNARY(ROUND_LL, array_l, array_l, round_same_l)
ARRAY_UNARY(ROUND_FF, array_f, array_f, round_even_f)
ARRAY_UNARY(ROUND_DD, array_d, array_d, round_even_d)
ARRAY_UNARY(CEIL_FF, array_f, array_f, round_ceil_f)
ARRAY_UNARY(CEIL_DD, array_d, array_d, round_ceil_d)
ARRAY_UNARY(FLOOR_FF, array_f, array_f, round_floor_f)
ARRAY_UNARY(FLOOR_DD, array_d, array_d, round_floor_d)
ARRAY_UNARY(TRUNC_FF, array_f, array_f, round_trunc_f)
ARRAY_UNARY(TRUNC_DD, array_d, array_d, round_trunc_d)
ARRAY_UNARY(SQRT_FF, array_f, array_f, round_root_f)
ARRAY_UNARY(SQRT_DD, array_d, array_d, round_root_d)
