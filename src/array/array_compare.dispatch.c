/* Kernels that compare numbers: one byte, 0 or 1, for each. */
#include "array/array_dispatch.h"

#define COMPARE(type)                                      \
    ARRAY_INLINE array_b compare_eq_##type(type x, type y) \
    {                                                      \
        return x == y;                                     \
    }                                                      \
    ARRAY_INLINE array_b compare_ne_##type(type x, type y) \
    {                                                      \
        return x != y;                                     \
    }                                                      \
    ARRAY_INLINE array_b compare_gt_##type(type x, type y) \
    {                                                      \
        return x > y;                                      \
    }                                                      \
    ARRAY_INLINE array_b compare_ge_##type(type x, type y) \
    {                                                      \
        return x >= y;                                     \
    }

COMPARE(array_i)
COMPARE(array_l)
COMPARE(array_f)
COMPARE(array_d)

ARRAY_INLINE array_b compare_eq_b(array_b x, array_b y)
{
    return (x != 0) == (y != 0);
}

ARRAY_INLINE array_b compare_ne_b(array_b x, array_b y)
{
    return (x != 0) != (y != 0);
}

ARRAY_INLINE array_b compare_eq_c(array_c x, array_c y)
{
    return (x.re == y.re) & (x.im == y.im);
}

ARRAY_INLINE array_b compare_ne_c(array_c x, array_c y)
{
    return (x.re != y.re) | (x.im != y.im);
}

ARRAY_BINARY(EQ_BBB, array_b, array_b, array_b, compare_eq_b)
ARRAY_BINARY(EQ_BII, array_b, array_i, array_i, compare_eq_array_i)
ARRAY_BINARY(EQ_BLL, array_b, array_l, array_l, compare_eq_array_l)
ARRAY_BINARY(EQ_BFF, array_b, array_f, array_f, compare_eq_array_f)
ARRAY_BINARY(EQ_BDD, array_b, array_d, array_d, compare_eq_array_d)
ARRAY_BINARY(EQ_BCC, array_b, array_c, array_c, compare_eq_c)
ARRAY_BINARY(NE_BBB, array_b, array_b, array_b, compare_ne_b)
ARRAY_BINARY(NE_BII, array_b, array_i, array_i, compare_ne_array_i)
ARRAY_BINARY(NE_BLL, array_b, array_l, array_l, compare_ne_array_l)
ARRAY_BINARY(NE_BFF, array_b, array_f, array_f, compare_ne_array_f)
ARRAY_BINARY(NE_BDD, array_b, array_d, array_d, compare_ne_array_d)
ARRAY_BINARY(NE_BCC, array_b, array_c, array_c, compare_ne_c)
ARRAY_BINARY(GT_BII, array_b, array_i, array_i, compare_gt_array_i)
ARRAY_BINARY(GT_BLL, array_b, array_l, array_l, compare_gt_array_l)
ARRAY_BINARY(GT_BFF, array_b, array_f, array_f, compare_gt_array_f)
ARRAY_BINARY(GT_BDD, array_b, array_d, array_d, compare_gt_array_d)
ARRAY_BINARY(GE_BII, array_b, array_i, array_i, compare_ge_array_i)
ARRAY_BINARY(GE_BLL, array_b, array_l, array_l, compare_ge_array_l)
ARRAY_BINARY(GE_BFF, array_b, array_f, array_f, compare_ge_array_f)
ARRAY_BINARY(GE_BDD, array_b, array_d, array_d, compare_ge_array_d)
