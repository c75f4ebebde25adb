/* Kernels of the hyperbolic functions and their inverses. */
#include "array/array_math_hyper.h"

MATH_KERNEL1(SINH_DD, array_d, int64_t, math_hyper_strange_d, math_sinh_d, MATH_WHOLE1,
             math_sinh_all_d)
MATH_KERNEL1(SINH_FF, array_f, int32_t, math_hyper_strange_f, math_sinh_f, MATH_WHOLE1,
             math_sinh_all_f)
MATH_KERNEL1(COSH_DD, array_d, int64_t, math_hyper_strange_d, math_cosh_d, MATH_WHOLE1,
             math_cosh_all_d)
MATH_KERNEL1(COSH_FF, array_f, int32_t, math_hyper_strange_f, math_cosh_f, MATH_WHOLE1,
             math_cosh_all_f)
MATH_KERNEL1(ARCSINH_DD, array_d, int64_t, math_arcsinh_strange_d, math_arcsinh_d, MATH_WHOLE1,
             math_arcsinh_all_d)
MATH_KERNEL1(ARCSINH_FF, array_f, int32_t, math_arcsinh_strange_f, math_arcsinh_f, MATH_WHOLE1,
             math_arcsinh_all_f)
MATH_KERNEL1(ARCCOSH_DD, array_d, int64_t, math_arccosh_strange_d, math_arccosh_d, MATH_WHOLE1,
             math_arccosh_all_d)
MATH_KERNEL1(ARCCOSH_FF, array_f, int32_t, math_arccosh_strange_f, math_arccosh_f, MATH_WHOLE1,
             math_arccosh_all_f)
MATH_KERNEL1(ARCTANH_DD, array_d, int64_t, math_arctanh_strange_d, math_arctanh_d, MATH_WHOLE1,
             math_arctanh_all_d)
MATH_KERNEL1(ARCTANH_FF, array_f, int32_t, math_arctanh_strange_f, math_arctanh_f, MATH_WHOLE1,
             math_arctanh_all_f)
MATH_KERNEL1(TANH_DD, array_d, int64_t, MATH_NEVER, math_tanh_d, MATH_NOTHING, )
MATH_KERNEL1(TANH_FF, array_f, int32_t, MATH_NEVER, math_tanh_f, MATH_NOTHING, )
