/* The C functions that traces call (ir/ir_calls.def says what each may do). */
#include "jit/jit_calls.h"

#include "jit/jit_pow.h"

#include <errno.h>
#include <float.h>
#include <math.h>

/* Whether a finite float is an odd integer. */
static bool calls_is_odd(double v)
{
    return fmod(fabs(v), 2.0) == 1.0;
}

/* v ** w of finite, non-zero v and w, by the magnitude of v, as Python does it. */
static double calls_pow_finite(double v, double w)
{
    if (v < 0.0 && floor(w) != w) {
        return Py_HUGE_VAL; /* (a complex number) */
    }
    bool negative = v < 0.0 && calls_is_odd(w);
    double base = fabs(v);
    if (base == 1.0) {
        return negative ? -1.0 : 1.0;
    }
    errno = 0;
    double result = pow(base, w);
    if (errno != 0 && result != 0.0) {
        return Py_HUGE_VAL;
    }
    return negative ? -result : result;
}

double fs_jit_float_pow(double v, double w)
{
    double sure;
    if (fs_jit_pow_is_known() && fs_jit_pow_sure(v, w, &sure)) {
        return sure;
    }
    return fs_jit_float_pow_unsure(v, w);
}

double fs_jit_float_pow_unsure(double v, double w)
{
    if (FS_LIKELY(v > 0.0 && v <= DBL_MAX && fabs(w) <= DBL_MAX)) {
        double result = pow(v, w);
        if (FS_LIKELY(result >= DBL_MIN && result <= DBL_MAX)) {
            return result; /* (no error sets errno then) */
        }
    }
    if (w == 0.0 || v == 1.0) {
        return 1.0;
    }
    if (isnan(v) || isnan(w)) {
        return isnan(v) ? v : w;
    }
    if (isinf(w)) {
        double base = fabs(v);
        return base == 1.0 ? 1.0 : (w > 0.0) == (base > 1.0) ? Py_HUGE_VAL : 0.0;
    }
    if (isinf(v)) {
        double sign = calls_is_odd(w) ? v : 1.0;
        return copysign(w > 0.0 ? Py_HUGE_VAL : 0.0, sign);
    }
    if (v == 0.0) {
        return w < 0.0 ? Py_HUGE_VAL : calls_is_odd(w) ? v : 0.0;
    }
    return calls_pow_finite(v, w);
}

double fs_jit_float_mod(double v, double w)
{
    double rest = fmod(v, w);
    if (rest == 0.0) {
        return copysign(0.0, w);
    }
    return (rest < 0.0) != (w < 0.0) ? rest + w : rest;
}

double fs_jit_float_floordiv(double v, double w)
{
    double rest = fmod(v, w);
    double quotient = (v - rest) / w;
    if (rest != 0.0 && (rest < 0.0) != (w < 0.0)) {
        quotient -= 1.0;
    }
    if (quotient == 0.0) {
        return copysign(0.0, v / w);
    }
    double whole = floor(quotient);
    return quotient - whole > 0.5 ? whole + 1.0 : whole;
}

PyObject *fs_jit_call_vector(fs_ctx *ctx FS_UNUSED, PyObject **args, Py_ssize_t n)
{
    return PyObject_Vectorcall(args[0], args + 1, (size_t)(n - 1), NULL);
}
