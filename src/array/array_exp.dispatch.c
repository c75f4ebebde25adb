/* Kernels of exp and expm1. */
#include "array/array_math_exp.h"

MATH_KERNEL1(EXP_DD, array_d, int64_t, math_exp_strange_d, math_exp_d, MATH_WHOLE1, math_exp_all_d)
MATH_KERNEL1(EXPM1_DD, array_d, int64_t, math_exp_strange_d, math_expm1_d, MATH_WHOLE1,
             math_expm1_all_d)
MATH_KERNEL1(EXP_FF, array_f, int32_t, math_exp_strange_f, math_exp_f, MATH_WHOLE1, math_exp_all_f)
MATH_KERNEL1(EXPM1_FF, array_f, int32_t, math_exp_strange_f, math_expm1_f, MATH_WHOLE1,
             math_expm1_all_f)
