/* Kernels of sin, cos and tan. */
#include "array/array_math_trig.h"

MATH_KERNEL1(SIN_DD, array_d, int64_t, math_trig_strange_d, math_sin_d, MATH_EACH1, math_sin_huge_d)
MATH_KERNEL1(SIN_FF, array_f, int32_t, math_trig_strange_f, math_sin_f, MATH_TRIG_WIDE, sin)
MATH_KERNEL1(COS_DD, array_d, int64_t, math_trig_strange_d, math_cos_d, MATH_EACH1, math_cos_huge_d)
MATH_KERNEL1(COS_FF, array_f, int32_t, math_trig_strange_f, math_cos_f, MATH_TRIG_WIDE, cos)
MATH_KERNEL1(TAN_DD, array_d, int64_t, math_trig_strange_d, math_tan_d, MATH_EACH1, math_tan_huge_d)
MATH_KERNEL1(TAN_FF, array_f, int32_t, math_trig_strange_f, math_tan_f, MATH_TRIG_WIDE, tan)
