/* Kernels of bits and truth values. Shifts are NumPy's: by more than there is leaves nothing, or
 * the sign; a negative count counts as too large. */
#include "array/array_dispatch.h"

#define BITS(type, unsigned_type)                                             \
    ARRAY_INLINE type bits_left_##type(type x, type y)                        \
    {                                                                         \
        const unsigned_type width = 8 * sizeof(type), by = (unsigned_type)y;  \
        const unsigned_type shifted = (unsigned_type)x << (by & (width - 1)); \
        return (type)(by < width ? shifted : 0);                              \
    }                                                                         \
    ARRAY_INLINE type bits_right_##type(type x, type y)                       \
    {                                                                         \
        const unsigned_type width = 8 * sizeof(type), by = (unsigned_type)y;  \
        return x >> (by < width ? by : width - 1);                            \
    }                                                                         \
    ARRAY_INLINE type bits_and_##type(type x, type y)                         \
    {                                                                         \
        return x & y;                                                         \
    }                                                                         \
    ARRAY_INLINE type bits_or_##type(type x, type y)                          \
    {                                                                         \
        return x | y;                                                         \
    }                                                                         \
    ARRAY_INLINE type bits_xor_##type(type x, type y)                         \
    {                                                                         \
        return x ^ y;                                                         \
    }                                                                         \
    ARRAY_INLINE type bits_invert_##type(type x)                              \
    {                                                                         \
        return ~x;                                                            \
    }

BITS(array_i, uint32_t)
BITS(array_l, uint64_t)

ARRAY_INLINE array_b bits_and_b(array_b x, array_b y)
{
    return (array_b)((x != 0) & (y != 0));
}

ARRAY_INLINE array_b bits_or_b(array_b x, array_b y)
{
    return (array_b)((x | y) != 0);
}

ARRAY_INLINE array_b bits_xor_b(array_b x, array_b y)
{
    return (array_b)((x != 0) ^ (y != 0));
}

ARRAY_INLINE array_b bits_invert_b(array_b x)
{
    return x == 0;
}

ARRAY_BINARY(LSHIFT_III, array_i, array_i, array_i, bits_left_array_i)
ARRAY_BINARY(LSHIFT_LLL, array_l, array_l, array_l, bits_left_array_l)
ARRAY_BINARY(RSHIFT_III, array_i, array_i, array_i, bits_right_array_i)
ARRAY_BINARY(RSHIFT_LLL, array_l, array_l, array_l, bits_right_array_l)
ARRAY_BINARY(AND_BBB, array_b, array_b, array_b, bits_and_b)
ARRAY_BINARY(AND_III, array_i, array_i, array_i, bits_and_array_i)
ARRAY_BINARY(AND_LLL, array_l, array_l, array_l, bits_and_array_l)
ARRAY_BINARY(OR_BBB, array_b, array_b, array_b, bits_or_b)
ARRAY_BINARY(OR_III, array_i, array_i, array_i, bits_or_array_i)
ARRAY_BINARY(OR_LLL, array_l, array_l, array_l, bits_or_array_l)
ARRAY_BINARY(XOR_BBB, array_b, array_b, array_b, bits_xor_b)
ARRAY_BINARY(XOR_III, array_i, array_i, array_i, bits_xor_array_i)
ARRAY_BINARY(XOR_LLL, array_l, array_l, array_l, bits_xor_array_l)
ARRAY_UNARY(INVERT_BB, array_b, array_b, bits_invert_b)
ARRAY_UNARY(INVERT_II, array_i, array_i, bits_invert_array_i)
ARRAY_UNARY(INVERT_LL, array_l, array_l, bits_invert_array_l)
