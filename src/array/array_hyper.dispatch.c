/* Kernels of the hyper family. */
#include <math.h>

#include "array/array_dispatch.h"

ARRAY_UNARY(SINH_FF, array_f, array_f, sinhf)
ARRAY_UNARY(SINH_DD, array_d, array_d, sinh)
ARRAY_UNARY(COSH_FF, array_f, array_f, coshf)
ARRAY_UNARY(COSH_DD, array_d, array_d, cosh)
ARRAY_UNARY(TANH_FF, array_f, array_f, tanhf)
ARRAY_UNARY(TANH_DD, array_d, array_d, tanh)
ARRAY_UNARY(ARCSINH_FF, array_f, array_f, asinhf)
ARRAY_UNARY(ARCSINH_DD, array_d, array_d, asinh)
ARRAY_UNARY(ARCCOSH_FF, array_f, array_f, acoshf)
ARRAY_UNARY(ARCCOSH_DD, array_d, array_d, acosh)
ARRAY_UNARY(ARCTANH_FF, array_f, array_f, atanhf)
ARRAY_UNARY(ARCTANH_DD, array_d, array_d, atanh)
