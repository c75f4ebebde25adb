/* Kernels of questions: isnan, isfinite, isinf, signbit. */
#include "array/array_dispatch.h"

#define TEST(letter, type, bits_type, suffix, largest) \
    ARRAY_INLINE array_b test_nan_##letter(type x)     \
    {                                                  \
        return x != x;                                 \
    }                                                  \
    ARRAY_INLINE array_b test_finite_##letter(type x)  \
    {                                                  \
        return __builtin_fabs##suffix(x) <= largest;   \
    }                                                  \
    ARRAY_INLINE array_b test_inf_##letter(type x)     \
    {                                                  \
        return __builtin_fabs##suffix(x) > largest;    \
    }                                                  \
    ARRAY_INLINE array_b test_sign_##letter(type x)    \
    {                                                  \
        bits_type bits;                                \
        memcpy(&bits, &x, sizeof bits);                \
        return bits < 0;                               \
    }

TEST(f, array_f, int32_t, f, __FLT_MAX__)
TEST(d, array_d, int64_t, , __DBL_MAX__)

ARRAY_INLINE array_b test_nan_c(array_c x)
{
    return (x.re != x.re) | (x.im != x.im);
}

ARRAY_INLINE array_b test_finite_c(array_c x)
{
    return test_finite_d(x.re) & test_finite_d(x.im);
}

ARRAY_INLINE array_b test_inf_c(array_c x)
{
    return test_inf_d(x.re) | test_inf_d(x.im);
}

ARRAY_UNARY(ISNAN_BF, array_b, array_f, test_nan_f)
ARRAY_UNARY(ISNAN_BD, array_b, array_d, test_nan_d)
ARRAY_UNARY(ISNAN_BC, array_b, array_c, test_nan_c)
ARRAY_UNARY(ISFINITE_BF, array_b, array_f, test_finite_f)
ARRAY_UNARY(ISFINITE_BD, array_b, array_d, test_finite_d)
ARRAY_UNARY(ISFINITE_BC, array_b, array_c, test_finite_c)
ARRAY_UNARY(ISINF_BF, array_b, array_f, test_inf_f)
ARRAY_UNARY(ISINF_BD, array_b, array_d, test_inf_d)
ARRAY_UNARY(ISINF_BC, array_b, array_c, test_inf_c)
ARRAY_UNARY(SIGNBIT_BF, array_b, array_f, test_sign_f)
ARRAY_UNARY(SIGNBIT_BD, array_b, array_d, test_sign_d)
