/* Kernels of powers and hypot. */
#include "array/array_math_power.h"

/* Powers of integers wrap around, as repeated multiplication does. A negative power of an integer
 * is what is left of 1/x**-y towards zero: 1 and -1 have one, all else, zero included, gives 0. */
#define POWER_INTEGER(letter, type, unsigned_type)                                  \
    ARRAY_INLINE type power_##letter(type x, type y)                                \
    {                                                                               \
        unsigned_type r = 1, base = (unsigned_type)x;                               \
        if (y < 0)                                                                  \
            return x == 1 ? 1 : x == -1 ? (y & 1 ? -1 : 1) : 0;                     \
        for (unsigned_type left = (unsigned_type)y; left; left >>= 1, base *= base) \
            r *= left & 1 ? base : 1;                                               \
        return (type)r;                                                             \
    }

POWER_INTEGER(i, array_i, uint32_t)
POWER_INTEGER(l, array_l, uint64_t)

ARRAY_BINARY(POW_III, array_i, array_i, array_i, power_i)
ARRAY_BINARY(POW_LLL, array_l, array_l, array_l, power_l)
MATH_KERNEL2(POW_DDD, array_d, int64_t, math_power_strange_d, math_power_d, MATH_WHOLE2,
             math_power_all_d)
MATH_KERNEL2(POW_FFF, array_f, int32_t, math_power_strange_f, math_power_f, MATH_WHOLE2,
             math_power_all_f)
MATH_KERNEL2(HYPOT_DDD, array_d, int64_t, math_hypot_strange_d, math_hypot_d, MATH_WHOLE2,
             math_hypot_all_d)
MATH_KERNEL2(HYPOT_FFF, array_f, int32_t, MATH_NEVER, math_hypot_f, MATH_NOTHING, )
