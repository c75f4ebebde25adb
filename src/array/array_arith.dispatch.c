/* Kernels of arithmetic: negation, + - *, / of floating point, and two of them in one pass.
 * Integers wrap around (-fwrapv). Complex division is Smith's, step by step as NumPy does it. */
#include "array/array_dispatch.h"

#define ARITH(type)                                    \
    ARRAY_INLINE type arith_neg_##type(type x)         \
    {                                                  \
        return -x;                                     \
    }                                                  \
    ARRAY_INLINE type arith_add_##type(type x, type y) \
    {                                                  \
        return x + y;                                  \
    }                                                  \
    ARRAY_INLINE type arith_sub_##type(type x, type y) \
    {                                                  \
        return x - y;                                  \
    }                                                  \
    ARRAY_INLINE type arith_mul_##type(type x, type y) \
    {                                                  \
        return x * y;                                  \
    }

ARITH(array_i)
ARITH(array_l)
ARITH(array_f)
ARITH(array_d)

ARRAY_INLINE array_f arith_div_f(array_f x, array_f y)
{
    return x / y;
}

ARRAY_INLINE array_d arith_div_d(array_d x, array_d y)
{
    return x / y;
}

ARRAY_INLINE array_c arith_neg_c(array_c x)
{
    return (array_c){-x.re, -x.im};
}

ARRAY_INLINE array_c arith_add_c(array_c x, array_c y)
{
    return (array_c){x.re + y.re, x.im + y.im};
}

ARRAY_INLINE array_c arith_sub_c(array_c x, array_c y)
{
    return (array_c){x.re - y.re, x.im - y.im};
}

/* Two sums, not a difference and a sum: of such a pair GCC 12 makes one fused instruction, though
 * it was told not to fuse. */
ARRAY_INLINE array_c arith_mul_c(array_c x, array_c y)
{
    return (array_c){x.re * y.re + (-x.im) * y.im, x.re * y.im + x.im * y.re};
}

/* Smith's way: divide by the larger part first. A divisor of zero gives what dividing both parts by
 * its size gives.
 * Both ways are one with the parts exchanged, which is a choice of values. Sums only: see above. */
ARRAY_INLINE array_c arith_div_c(array_c x, array_c y)
{
    const double re = __builtin_fabs(y.re), im = __builtin_fabs(y.im);
    const int wide = re >= im, zero = (re == 0) & (im == 0);
    const double large = wide ? y.re : y.im, small = wide ? y.im : y.re;
    const double ratio = small / large, scale = 1.0 / (large + small * ratio);
    const double re_re = wide ? x.re : x.re * ratio, re_im = wide ? x.im * ratio : x.im;
    const double im_im = wide ? x.im : x.im * ratio, im_re = wide ? -x.re * ratio : -x.re;
    const double r = (re_re + re_im) * scale, i = (im_im + im_re) * scale;
    return (array_c){zero ? x.re / re : r, zero ? x.im / re : i};
}

ARRAY_UNARY(NEG_II, array_i, array_i, arith_neg_array_i)
ARRAY_UNARY(NEG_LL, array_l, array_l, arith_neg_array_l)
ARRAY_UNARY(NEG_FF, array_f, array_f, arith_neg_array_f)
ARRAY_UNARY(NEG_DD, array_d, array_d, arith_neg_array_d)
ARRAY_UNARY(NEG_CC, array_c, array_c, arith_neg_c)

ARRAY_BINARY(ADD_III, array_i, array_i, array_i, arith_add_array_i)
ARRAY_BINARY(ADD_LLL, array_l, array_l, array_l, arith_add_array_l)
ARRAY_BINARY(ADD_FFF, array_f, array_f, array_f, arith_add_array_f)
ARRAY_BINARY(ADD_DDD, array_d, array_d, array_d, arith_add_array_d)
ARRAY_BINARY(ADD_CCC, array_c, array_c, array_c, arith_add_c)
ARRAY_BINARY(SUB_III, array_i, array_i, array_i, arith_sub_array_i)
ARRAY_BINARY(SUB_LLL, array_l, array_l, array_l, arith_sub_array_l)
ARRAY_BINARY(SUB_FFF, array_f, array_f, array_f, arith_sub_array_f)
ARRAY_BINARY(SUB_DDD, array_d, array_d, array_d, arith_sub_array_d)
ARRAY_BINARY(SUB_CCC, array_c, array_c, array_c, arith_sub_c)
ARRAY_BINARY(MUL_III, array_i, array_i, array_i, arith_mul_array_i)
ARRAY_BINARY(MUL_LLL, array_l, array_l, array_l, arith_mul_array_l)
ARRAY_BINARY(MUL_FFF, array_f, array_f, array_f, arith_mul_array_f)
ARRAY_BINARY(MUL_DDD, array_d, array_d, array_d, arith_mul_array_d)
ARRAY_BINARY(MUL_CCC, array_c, array_c, array_c, arith_mul_c)
ARRAY_BINARY(DIV_FFF, array_f, array_f, array_f, arith_div_f)
ARRAY_BINARY(DIV_DDD, array_d, array_d, array_d, arith_div_d)
ARRAY_BINARY(DIV_CCC, array_c, array_c, array_c, arith_div_c)

/* A loop over three operands, `expression` of x, y, z. */
#define LOOP3(X, Y, Z, expression)            \
    ARRAY_LOOP for (size_t i = 0; i < n; i++) \
    {                                         \
        const T x = X, y = Y, z = Z;          \
        r[i] = expression;                    \
    }
/* Two operations in one pass; scalars of each kind have a loop of their own. */
#define PASS(name, type, expression)                                     \
    ARRAY_KERNEL(name)                                                   \
    {                                                                    \
        typedef type T;                                                  \
        T *const r = dst;                                                \
        const T *const a = src[0], *const b = src[1], *const c = src[2]; \
        if (n == 0)                                                      \
            return;                                                      \
        const T x0 = *a, y0 = *b, z0 = *c;                               \
        switch (scalars & 7) {                                           \
        case 0:                                                          \
            LOOP3(a[i], b[i], c[i], expression) break;                   \
        case 1:                                                          \
            LOOP3(x0, b[i], c[i], expression) break;                     \
        case 2:                                                          \
            LOOP3(a[i], y0, c[i], expression) break;                     \
        case 3:                                                          \
            LOOP3(x0, y0, c[i], expression) break;                       \
        case 4:                                                          \
            LOOP3(a[i], b[i], z0, expression) break;                     \
        case 5:                                                          \
            LOOP3(x0, b[i], z0, expression) break;                       \
        case 6:                                                          \
            LOOP3(a[i], y0, z0, expression) break;                       \
        default:                                                         \
            LOOP3(x0, y0, z0, expression) break;                         \
        }                                                                \
    }

PASS(MULADD_FFFF, array_f, x *y + z)
PASS(MULADD_DDDD, array_d, x *y + z)
PASS(MULSUB_FFFF, array_f, x *y - z)
PASS(MULSUB_DDDD, array_d, x *y - z)
PASS(SUBMUL_FFFF, array_f, x - y * z)
PASS(SUBMUL_DDDD, array_d, x - y * z)
