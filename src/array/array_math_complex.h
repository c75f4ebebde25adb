/* Functions of complex numbers upon those of real ones, for ordinary arguments:
 * the others go through C's own functions, whose branch cuts, zeros with signs
 * and infinities these have, too.
 */
#ifndef FS_ARRAY_MATH_COMPLEX_H
#define FS_ARRAY_MATH_COMPLEX_H

#include "array/array_math_arc.h"
#include "array/array_math_hyper.h"
#include "array/array_math_power.h"
#include "array/array_math_trig.h"

/* Not zero, and no square of a part leaves the range. */
ARRAY_INLINE int64_t math_complex_strange(double re, double im)
{
    return math_over_d(re, 0x1p500) | math_over_d(im, 0x1p500) |
           (math_under_d(re, 0x1p-400) & math_under_d(im, 0x1p-400));
}

/* e^x, sinh x and cosh x of one part, sin and cos of the other. */
ARRAY_INLINE int64_t math_complex_exp_strange(double re, double im)
{
    return math_over_d(re, 700.0) | math_over_d(im, 0x1p22);
}

ARRAY_INLINE int64_t math_complex_sin_strange(double re, double im)
{
    return math_complex_exp_strange(im, re);
}

/* The parts of a function: (a(re) b(im), sign c(re) d(im)). */
#define MATH_COMPLEX(name, a, b, sign, c, d)                           \
    ARRAY_INLINE double math_complex_##name##_re(double re, double im) \
    {                                                                  \
        return math_##a##_d(re) * math_##b##_d(im);                    \
    }                                                                  \
    ARRAY_INLINE double math_complex_##name##_im(double re, double im) \
    {                                                                  \
        return sign(math_##c##_d(re) * math_##d##_d(im));              \
    }

MATH_COMPLEX(exp, exp, cos, +, exp, sin)
MATH_COMPLEX(sin, sin, cosh, +, cos, sinh)
MATH_COMPLEX(cos, cos, cosh, -, sin, sinh)
MATH_COMPLEX(sinh, sinh, cos, +, cosh, sin)
MATH_COMPLEX(cosh, cosh, cos, +, sinh, sin)

/* The logarithm of the size: near 1 by what its square is beyond 1, which is
 * kept twofold. */
ARRAY_INLINE double math_complex_log_re(double re, double im)
{
    const double size = math_hypot_d(re, im);
    const int near = (size > 0.75) & (size < 1.5);
    double re_low, im_low;
    const double x = near ? re : 1.0, y = near ? im : 0.0;
    const double xx = math_product_d(x, x, &re_low), yy = math_product_d(y, y, &im_low);
    const double large = xx > yy ? xx : yy, small = xx > yy ? yy : xx;
    const double less = large - 1.0, sum = less + small, back = sum - less;
    const double lost = (less - (sum - back)) + (small - back);
    const double close = 0.5 * math_log1p_d(sum + (lost + (re_low + im_low)));
    return near ? close : math_log_d(size);
}

ARRAY_INLINE double math_complex_log_im(double re, double im)
{
    return math_arctan2_d(im, re);
}

ARRAY_INLINE double math_complex_sqrt_large(double re, double im)
{
    return __builtin_sqrt(0.5 * (__builtin_fabs(re) + math_hypot_d(re, im)));
}

ARRAY_INLINE double math_complex_sqrt_re(double re, double im)
{
    const double large = math_complex_sqrt_large(re, im);
    return re < 0 ? __builtin_fabs(im) / (2.0 * large) : large;
}

ARRAY_INLINE double math_complex_sqrt_im(double re, double im)
{
    const double large = math_complex_sqrt_large(re, im);
    return re < 0 ? __builtin_copysign(large, im) : im / (2.0 * large);
}

#endif
