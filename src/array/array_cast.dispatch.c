/* Kernels that cast to a higher type. A truth value is its byte: 0 or 1, any other counts as 1. */
#include "array/array_dispatch.h"

#define FROM_BOOL(type)                           \
    ARRAY_INLINE type cast_bool_##type(array_b x) \
    {                                             \
        return (type)(x != 0);                    \
    }
#define FROM(from, to)                         \
    ARRAY_INLINE to cast_##from##_##to(from x) \
    {                                          \
        return (to)x;                          \
    }
#define TO_COMPLEX(from)                               \
    ARRAY_INLINE array_c cast_##from##_complex(from x) \
    {                                                  \
        return (array_c){(double)x, 0};                \
    }

FROM_BOOL(array_i)
FROM_BOOL(array_l)
FROM_BOOL(array_f)
FROM_BOOL(array_d)
FROM(array_i, array_l)
FROM(array_i, array_f)
FROM(array_i, array_d)
FROM(array_l, array_f)
FROM(array_l, array_d)
FROM(array_f, array_d)
TO_COMPLEX(array_i)
TO_COMPLEX(array_l)
TO_COMPLEX(array_f)
TO_COMPLEX(array_d)

ARRAY_INLINE array_c cast_bool_complex(array_b x)
{
    return (array_c){x != 0, 0};
}

ARRAY_UNARY(CAST_IB, array_i, array_b, cast_bool_array_i)
ARRAY_UNARY(CAST_LB, array_l, array_b, cast_bool_array_l)
ARRAY_UNARY(CAST_FB, array_f, array_b, cast_bool_array_f)
ARRAY_UNARY(CAST_DB, array_d, array_b, cast_bool_array_d)
ARRAY_UNARY(CAST_CB, array_c, array_b, cast_bool_complex)
ARRAY_UNARY(CAST_LI, array_l, array_i, cast_array_i_array_l)
ARRAY_UNARY(CAST_FI, array_f, array_i, cast_array_i_array_f)
ARRAY_UNARY(CAST_DI, array_d, array_i, cast_array_i_array_d)
ARRAY_UNARY(CAST_CI, array_c, array_i, cast_array_i_complex)
ARRAY_UNARY(CAST_FL, array_f, array_l, cast_array_l_array_f)
ARRAY_UNARY(CAST_DL, array_d, array_l, cast_array_l_array_d)
ARRAY_UNARY(CAST_CL, array_c, array_l, cast_array_l_complex)
ARRAY_UNARY(CAST_DF, array_d, array_f, cast_array_f_array_d)
ARRAY_UNARY(CAST_CF, array_c, array_f, cast_array_f_complex)
ARRAY_UNARY(CAST_CD, array_c, array_d, cast_array_d_complex)
