/* Kernels of complex numbers: parts, conjugates, rounding, and the functions,
 * whose branch cuts, zeros with signs and infinities are those of C's own
 * (which are NumPy's, too). */
#include <complex.h>
#include <math.h>

#include "array/array_math_complex.h"

ARRAY_INLINE array_d complex_re(array_c x)
{
    return x.re;
}

ARRAY_INLINE array_d complex_im(array_c x)
{
    return x.im;
}

ARRAY_INLINE array_c complex_of(array_d re, array_d im)
{
    return (array_c){re, im};
}

ARRAY_INLINE array_c complex_conjugate(array_c x)
{
    return (array_c){x.re, -x.im};
}

ARRAY_INLINE array_c complex_round(array_c x)
{
    return (array_c){__builtin_rint(x.re), __builtin_rint(x.im)};
}

ARRAY_UNARY(REAL_DC, array_d, array_c, complex_re)
ARRAY_UNARY(IMAG_DC, array_d, array_c, complex_im)
ARRAY_BINARY(COMPLEX_CDD, array_c, array_d, array_d, complex_of)
ARRAY_UNARY(CONJUGATE_CC, array_c, array_c, complex_conjugate)
ARRAY_UNARY(ROUND_CC, array_c, array_c, complex_round)

/* C's own number of a value, and back. */
ARRAY_INLINE double complex complex_c(array_c x)
{
    return __builtin_complex(x.re, x.im);
}

ARRAY_INLINE array_c complex_from(double complex x)
{
    return (array_c){creal(x), cimag(x)};
}

#define COMPLEX_ONE(function)                        \
    static array_c complex_##function(array_c x)     \
    {                                                \
        return complex_from(function(complex_c(x))); \
    }
#define COMPLEX_C(name, function) \
    COMPLEX_ONE(function)         \
    ARRAY_UNARY(name, array_c, array_c, complex_##function)

COMPLEX_C(TAN_CC, ctan)
COMPLEX_C(ARCSIN_CC, casin)
COMPLEX_C(ARCCOS_CC, cacos)
COMPLEX_C(ARCTAN_CC, catan)
COMPLEX_C(TANH_CC, ctanh)
COMPLEX_C(ARCSINH_CC, casinh)
COMPLEX_C(ARCCOSH_CC, cacosh)
COMPLEX_C(ARCTANH_CC, catanh)
COMPLEX_ONE(csqrt)
COMPLEX_ONE(csin)
COMPLEX_ONE(ccos)
COMPLEX_ONE(csinh)
COMPLEX_ONE(ccosh)
COMPLEX_ONE(clog)
COMPLEX_ONE(cexp)

/* Vector code on the parts, each in an array of its own; what is `strange` one
 * by one. */
enum { COMPLEX_PIECE = 64 };
#define COMPLEX_PARTS(name, strange, part, slow)                                                  \
    ARRAY_KERNEL(name)                                                                            \
    {                                                                                             \
        array_c *const r = dst;                                                                   \
        const array_c *const a = src[0];                                                          \
        double re[COMPLEX_PIECE], im[COMPLEX_PIECE], u[COMPLEX_PIECE], v[COMPLEX_PIECE];          \
        const size_t count = scalars & 1 ? n != 0 : n;                                            \
        for (size_t from = 0; from < count; from += COMPLEX_PIECE) {                              \
            const size_t left = count - from, some = left < COMPLEX_PIECE ? left : COMPLEX_PIECE; \
            int64_t odd = 0;                                                                      \
            for (size_t i = some; i < COMPLEX_PIECE; i++)                                         \
                re[i] = im[i] = 1;                                                                \
            ARRAY_LOOP for (size_t i = 0; i < some; i++)                                          \
            {                                                                                     \
                re[i] = a[from + i].re;                                                           \
                im[i] = a[from + i].im;                                                           \
            }                                                                                     \
            ARRAY_LOOP for (size_t i = 0; i < COMPLEX_PIECE; i++)                                 \
            {                                                                                     \
                odd |= strange(re[i], im[i]);                                                     \
                u[i] = part##_re(re[i], im[i]);                                                   \
                v[i] = part##_im(re[i], im[i]);                                                   \
            }                                                                                     \
            for (size_t i = 0; odd < 0 && i < some; i++)                                          \
                if (strange(re[i], im[i]) < 0) {                                                  \
                    const array_c one = slow((array_c){re[i], im[i]});                            \
                    u[i] = one.re;                                                                \
                    v[i] = one.im;                                                                \
                }                                                                                 \
            ARRAY_LOOP for (size_t i = 0; i < some; i++) r[from + i] = (array_c){u[i], v[i]};     \
        }                                                                                         \
        if (scalars & 1 && n > 1)                                                                 \
            ARRAY_FILL(array_c, *r);                                                              \
    }

COMPLEX_PARTS(SQRT_CC, math_complex_strange, math_complex_sqrt, complex_csqrt)
COMPLEX_PARTS(SIN_CC, math_complex_sin_strange, math_complex_sin, complex_csin)
COMPLEX_PARTS(COS_CC, math_complex_sin_strange, math_complex_cos, complex_ccos)
COMPLEX_PARTS(SINH_CC, math_complex_exp_strange, math_complex_sinh, complex_csinh)
COMPLEX_PARTS(COSH_CC, math_complex_exp_strange, math_complex_cosh, complex_ccosh)
COMPLEX_PARTS(EXP_CC, math_complex_exp_strange, math_complex_exp, complex_cexp)
COMPLEX_PARTS(LOG_CC, math_complex_strange, math_complex_log, complex_clog)

/* The others as NumPy puts them together. */
static array_c complex_log2(array_c x)
{
    const array_c log = complex_clog(x);
    return (array_c){log.re * M_LOG2E, log.im * M_LOG2E};
}

static array_c complex_log10(array_c x)
{
    const array_c log = complex_clog(x);
    return (array_c){log.re * M_LOG10E, log.im * M_LOG10E};
}

static array_c complex_log1p(array_c x)
{
    return (array_c){log(hypot(x.re + 1, x.im)), atan2(x.im, x.re + 1)};
}

static array_c complex_expm1(array_c x)
{
    const double half = sin(x.im / 2);
    return (array_c){expm1(x.re) * cos(x.im) - 2 * half * half, exp(x.re) * sin(x.im)};
}

ARRAY_INLINE array_c complex_absolute(array_c x)
{
    return (array_c){math_hypot_all_d(x.re, x.im), 0};
}

/* x / |x|; of infinite parts the direction that they leave. */
static array_c complex_sign(array_c x)
{
    const double size = hypot(x.re, x.im);
    if (size != size)
        return (array_c){NAN, NAN};
    if (isinf(size)) {
        if (isinf(x.re) && isinf(x.im))
            return (array_c){NAN, NAN};
        return isinf(x.re) ? (array_c){x.re > 0 ? 1 : -1, 0} : (array_c){0, x.im > 0 ? 1 : -1};
    }
    return size == 0 ? (array_c){0, 0} : (array_c){x.re / size, x.im / size};
}

ARRAY_UNARY(LOG2_CC, array_c, array_c, complex_log2)
ARRAY_UNARY(LOG10_CC, array_c, array_c, complex_log10)
ARRAY_UNARY(LOG1P_CC, array_c, array_c, complex_log1p)
ARRAY_UNARY(EXPM1_CC, array_c, array_c, complex_expm1)
ARRAY_UNARY(ABSOLUTE_CC, array_c, array_c, complex_absolute)
ARRAY_UNARY(SIGN_CC, array_c, array_c, complex_sign)

ARRAY_INLINE array_c complex_times(array_c x, array_c y)
{
    return (array_c){x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re};
}

/* Powers: whole ones below 100 by multiplication, all else C's. Zero to a power
 * that is not positive and real is no number. */
static array_c complex_power(array_c x, array_c y)
{
    if (y.re == 0 && y.im == 0)
        return (array_c){1, 0};
    if (x.re == 0 && x.im == 0)
        return y.re > 0 && y.im == 0 ? (array_c){0, 0} : (array_c){NAN, NAN};
    if (y.im != 0 || !(fabs(y.re) < 100) || y.re != trunc(y.re))
        return complex_from(cpow(complex_c(x), complex_c(y)));
    if (y.re == 1)
        return x;
    array_c r = {1, 0};
    for (unsigned left = (unsigned)fabs(y.re); left; left >>= 1, x = complex_times(x, x))
        if (left & 1)
            r = complex_times(r, x);
    return y.re > 0 ? r : complex_from(1 / complex_c(r));
}

ARRAY_BINARY(POW_CCC, array_c, array_c, array_c, complex_power)
