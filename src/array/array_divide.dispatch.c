/* Kernels of division that rounds down, its remainder, and C's division of integers.
 *
 * The results are NumPy's: the remainder has the divisor's sign; an integer divided by zero is 0,
 * so is the remainder; the least integer divided by -1 is itself. NumExpr's own remainder of
 * floating point, a - floor(a/b)*b, is inexact, which this one is not.
 *
 * How floating point goes fast: trunc(a/b) is the quotient or one more, as long as it is below
 * 2^53; a - q*b is then exact, with a fused multiply-add or with the product in two parts. All else
 * (large quotients, infinities, NaN, zero divisors, products near the ends of the range) goes one
 * by one through fmod(), which is exact by definition.
 */
#include <math.h>

#include "array/array_math.h"

/* --- integers --- */

/* Divisors are inverted first, which takes no time where the divisor is one value. */

/* Towards zero, of int32, in double: quotients differ by 2^-31 of their size at least from the next
 * whole number, and an inverse that is a little too large makes whole ones no smaller. -1 goes its
 * own way for the least integer's sake. */
ARRAY_INLINE array_i divide_trunc_i(array_i x, array_i y)
{
    const int odd = (y == 0) | (y == -1);
    const double inverse = 1.0 / (double)(odd ? 1 : y) * (1.0 + 0x1p-50);
    const array_i quotient = (array_i)((double)x * inverse);
    return y == 0 ? 0 : y == -1 ? -x : quotient;
}

#if defined(__AVX512DQ__)
/* Towards zero, of int64: a quotient that is never too large and at most 2^14 too small, another
 * one of what is left, and one more where it is still one too small. */
ARRAY_INLINE array_l divide_trunc_l(array_l x, array_l y)
{
    const uint64_t a = x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
    const uint64_t b = y == 0 ? 1 : y < 0 ? 0 - (uint64_t)y : (uint64_t)y;
    const double inverse = 1.0 / (double)b * (1.0 - 0x1p-50);
    const uint64_t first = (uint64_t)((double)a * inverse);
    const uint64_t left = a - first * b;
    const uint64_t second = (uint64_t)((double)left * inverse);
    const uint64_t rest = left - second * b;
    const uint64_t q = first + second + (rest >= b);
    const array_l signed_q = (x ^ y) < 0 ? (array_l)(0 - q) : (array_l)q;
    return y == 0 ? 0 : signed_q;
}
#else
ARRAY_INLINE array_l divide_trunc_l(array_l x, array_l y)
{
    /* Small numbers divide faster. */
    if (((uint64_t)x | (uint64_t)y) >> 32 == 0)
        return y == 0 ? 0 : (array_l)((uint32_t)x / (uint32_t)y);
    return y == 0 ? 0 : y == -1 ? -x : x / y;
}
#endif

#define DIVIDE(letter, type)                                                       \
    ARRAY_INLINE type divide_floor_##letter(type x, type y)                        \
    {                                                                              \
        const type q = divide_trunc_##letter(x, y), rest = y == 0 ? 0 : x - q * y; \
        return q - ((rest != 0) & ((rest ^ y) < 0));                               \
    }                                                                              \
    ARRAY_INLINE type divide_mod_##letter(type x, type y)                          \
    {                                                                              \
        const type q = divide_trunc_##letter(x, y), rest = y == 0 ? 0 : x - q * y; \
        return rest + (((rest != 0) & ((rest ^ y) < 0)) ? y : 0);                  \
    }

DIVIDE(i, array_i)
DIVIDE(l, array_l)

ARRAY_BINARY(DIV_III, array_i, array_i, array_i, divide_trunc_i)
ARRAY_BINARY(DIV_LLL, array_l, array_l, array_l, divide_trunc_l)
ARRAY_BINARY(FLOORDIV_III, array_i, array_i, array_i, divide_floor_i)
ARRAY_BINARY(FLOORDIV_LLL, array_l, array_l, array_l, divide_floor_l)
ARRAY_BINARY(MOD_III, array_i, array_i, array_i, divide_mod_i)
ARRAY_BINARY(MOD_LLL, array_l, array_l, array_l, divide_mod_l)

/* --- floating point: from C's remainder to NumPy's results --- */

#define FROM_FMOD(letter, type, suffix)                                           \
    ARRAY_INLINE type divide_remainder_##letter(type x, type y, type mod)         \
    {                                                                             \
        (void)x;                                                                  \
        const type other = (y < 0) != (mod < 0) ? mod + y : mod;                  \
        const type zero = __builtin_copysign##suffix((type)0, y);                 \
        return y == 0 ? mod : mod == 0 ? zero : other;                            \
    }                                                                             \
    ARRAY_INLINE type divide_floored_##letter(type x, type y, type mod)           \
    {                                                                             \
        const type whole = (x - mod) / y;                                         \
        const type q = ((mod != 0) & ((y < 0) != (mod < 0))) ? whole - 1 : whole; \
        const type low = __builtin_floor##suffix(q);                              \
        const type floored = q - low > (type)0.5 ? low + 1 : low;                 \
        const type zero = __builtin_copysign##suffix((type)0, x / y);             \
        return y == 0 ? x / y : q == 0 ? zero : floored;                          \
    }

FROM_FMOD(f, array_f, f)
FROM_FMOD(d, array_d, )

/* Is the quick way wrong? A quotient below 2^50 is also what NumPy's own steps come to; one by zero
 * is not below. */
ARRAY_INLINE array_l divide_strange_d(array_d x, array_d y)
{
    const array_l large = math_over_d(x / y, 0x1.fffffffffffffp49);
#if ARRAY_FUSED
    return large | math_over_d(y, MATH_MOST_D);
#else
    return large | math_over_d(x, 0x1p959) | math_over_d(y, 0x1p959) | math_under_d(y, 0x1p-899);
#endif
}

/* The whole quotient of |x| and |y|, and what remains in *rest. */
ARRAY_INLINE double divide_whole_d(double x, double y, double *rest)
{
    const double a = __builtin_fabs(x), b = __builtin_fabs(y), q = __builtin_trunc(a / b);
    const double left = math_remains_d(a, q, b);
    *rest = left < 0 ? left + b : left;
    return left < 0 ? q - 1 : q;
}

/* Of float32 all is exact in double. */
ARRAY_INLINE array_i divide_strange_f(array_f x, array_f y)
{
    return math_over_f(x / y, 0x1.fffffep21F) | math_over_f(y, MATH_MOST_F);
}

ARRAY_INLINE float divide_whole_f(float x, float y, float *rest)
{
    const double a = __builtin_fabs((double)x), b = __builtin_fabs((double)y);
    const double q = __builtin_trunc(a / b), left = a - q * b;
    *rest = (float)(left < 0 ? left + b : left);
    return (float)(left < 0 ? q - 1 : q);
}

/* Each operation: the quick way of an ordinary pair, and any pair by C's remainder. */
#define DIVIDE_REAL(letter, type, suffix)                                                    \
    ARRAY_INLINE type divide_quick_fmod_##letter(type x, type y)                             \
    {                                                                                        \
        type rest;                                                                           \
        divide_whole_##letter(x, y, &rest);                                                  \
        return __builtin_copysign##suffix(rest, x);                                          \
    }                                                                                        \
    ARRAY_INLINE type divide_quick_mod_##letter(type x, type y)                              \
    {                                                                                        \
        return divide_remainder_##letter(x, y, divide_quick_fmod_##letter(x, y));            \
    }                                                                                        \
    ARRAY_INLINE type divide_quick_floor_##letter(type x, type y)                            \
    {                                                                                        \
        type rest;                                                                           \
        const type q = divide_whole_##letter(x, y, &rest);                                   \
        const type sign =                                                                    \
            __builtin_copysign##suffix((type)1, x) * __builtin_copysign##suffix((type)1, y); \
        const type low = ((sign < 0) & (rest != 0)) ? q + 1 : q;                             \
        return __builtin_copysign##suffix(low, sign);                                        \
    }                                                                                        \
    ARRAY_INLINE type divide_any_fmod_##letter(type x, type y)                               \
    {                                                                                        \
        return fmod##suffix(x, y);                                                           \
    }                                                                                        \
    ARRAY_INLINE type divide_any_mod_##letter(type x, type y)                                \
    {                                                                                        \
        return divide_remainder_##letter(x, y, fmod##suffix(x, y));                          \
    }                                                                                        \
    ARRAY_INLINE type divide_any_floor_##letter(type x, type y)                              \
    {                                                                                        \
        return divide_floored_##letter(x, y, fmod##suffix(x, y));                            \
    }

DIVIDE_REAL(f, array_f, f)
DIVIDE_REAL(d, array_d, )

#define KERNEL(name, operation, letter, type, flags)                                              \
    MATH_KERNEL2(name, type, flags, divide_strange_##letter, divide_quick_##operation##_##letter, \
                 MATH_EACH2, divide_any_##operation##_##letter)

KERNEL(MOD_FFF, mod, f, array_f, array_i)
KERNEL(MOD_DDD, mod, d, array_d, array_l)
KERNEL(FLOORDIV_FFF, floor, f, array_f, array_i)
KERNEL(FLOORDIV_DDD, floor, d, array_d, array_l)
KERNEL(FMOD_FFF, fmod, f, array_f, array_i)
KERNEL(FMOD_DDD, fmod, d, array_d, array_l)
