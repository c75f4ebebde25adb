/* Kernels of arcsin, arccos, arctan and arctan2. */
#include "array/array_math_arc.h"

MATH_KERNEL1(ARCSIN_DD, array_d, int64_t, MATH_NEVER, math_arcsin_d, MATH_NOTHING, )
MATH_KERNEL1(ARCSIN_FF, array_f, int32_t, MATH_NEVER, math_arcsin_f, MATH_NOTHING, )
MATH_KERNEL1(ARCCOS_DD, array_d, int64_t, MATH_NEVER, math_arccos_d, MATH_NOTHING, )
MATH_KERNEL1(ARCCOS_FF, array_f, int32_t, MATH_NEVER, math_arccos_f, MATH_NOTHING, )
MATH_KERNEL1(ARCTAN_DD, array_d, int64_t, MATH_NEVER, math_arctan_d, MATH_NOTHING, )
MATH_KERNEL1(ARCTAN_FF, array_f, int32_t, MATH_NEVER, math_arctan_f, MATH_NOTHING, )
MATH_KERNEL2(ARCTAN2_DDD, array_d, int64_t, math_arctan2_strange_d, math_arctan2_d, MATH_EACH2,
             math_arctan2_all_d)
MATH_KERNEL2(ARCTAN2_FFF, array_f, int32_t, math_arctan2_strange_f, math_arctan2_f, MATH_EACH2,
             math_arctan2_all_f)
