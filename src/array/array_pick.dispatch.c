/* Kernels that pick or change signs: maximum, minimum, copysign, nextafter. Maximum and minimum are
 * NumPy's: NaN where one of the two is; of equal values, the first. */
#include "array/array_dispatch.h"

#define PICK(letter, type)                                  \
    ARRAY_INLINE type pick_maximum_##letter(type x, type y) \
    {                                                       \
        return x >= y ? x : y;                              \
    }                                                       \
    ARRAY_INLINE type pick_minimum_##letter(type x, type y) \
    {                                                       \
        return x <= y ? x : y;                              \
    }
/* With y NaN no comparison holds, which picks y. */
#define PICK_REAL(letter, type, suffix)                      \
    ARRAY_INLINE type pick_fmaximum_##letter(type x, type y) \
    {                                                        \
        return ((x >= y) | (x != x)) ? x : y;                \
    }                                                        \
    ARRAY_INLINE type pick_fminimum_##letter(type x, type y) \
    {                                                        \
        return ((x <= y) | (x != x)) ? x : y;                \
    }                                                        \
    ARRAY_INLINE type pick_copysign_##letter(type x, type y) \
    {                                                        \
        return __builtin_copysign##suffix(x, y);             \
    }

PICK(i, array_i)
PICK(l, array_l)
PICK_REAL(f, array_f, f)
PICK_REAL(d, array_d, )

/* The next value from x towards y: one step of the bits, up when that leads away from zero. */
#define PICK_NEXT(letter, type, bits_type)                                              \
    ARRAY_INLINE type pick_nextafter_##letter(type x, type y)                           \
    {                                                                                   \
        bits_type bits, sign;                                                           \
        type next, least;                                                               \
        memcpy(&bits, &x, sizeof bits);                                                 \
        memcpy(&sign, &y, sizeof sign);                                                 \
        bits += (y > x) == (x > 0) ? 1 : -1;                                            \
        memcpy(&next, &bits, sizeof next);                                              \
        sign = (bits_type)(sign >> (8 * sizeof sign - 1) << (8 * sizeof sign - 1) | 1); \
        memcpy(&least, &sign, sizeof least);                                            \
        const type step = x == 0 ? least : next;                                        \
        const type same = x == y ? y : step;                                            \
        return ((x != x) | (y != y)) ? x + y : same;                                    \
    }

PICK_NEXT(f, array_f, uint32_t)
PICK_NEXT(d, array_d, uint64_t)

ARRAY_BINARY(MAXIMUM_III, array_i, array_i, array_i, pick_maximum_i)
ARRAY_BINARY(MAXIMUM_LLL, array_l, array_l, array_l, pick_maximum_l)
ARRAY_BINARY(MAXIMUM_FFF, array_f, array_f, array_f, pick_fmaximum_f)
ARRAY_BINARY(MAXIMUM_DDD, array_d, array_d, array_d, pick_fmaximum_d)
ARRAY_BINARY(MINIMUM_III, array_i, array_i, array_i, pick_minimum_i)
ARRAY_BINARY(MINIMUM_LLL, array_l, array_l, array_l, pick_minimum_l)
ARRAY_BINARY(MINIMUM_FFF, array_f, array_f, array_f, pick_fminimum_f)
ARRAY_BINARY(MINIMUM_DDD, array_d, array_d, array_d, pick_fminimum_d)
ARRAY_BINARY(COPYSIGN_FFF, array_f, array_f, array_f, pick_copysign_f)
ARRAY_BINARY(COPYSIGN_DDD, array_d, array_d, array_d, pick_copysign_d)
ARRAY_BINARY(NEXTAFTER_FFF, array_f, array_f, array_f, pick_nextafter_f)
ARRAY_BINARY(NEXTAFTER_DDD, array_d, array_d, array_d, pick_nextafter_d)
