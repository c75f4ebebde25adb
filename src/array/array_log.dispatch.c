/* Kernels of log, log2, log10 and log1p. */
#include "array/array_math_log.h"

MATH_KERNEL1(LOG_DD, array_d, int64_t, math_log_strange_d, math_log_d, MATH_WHOLE1, math_log_all_d)
MATH_KERNEL1(LOG_FF, array_f, int32_t, math_log_strange_f, math_log_f, MATH_WHOLE1, math_log_all_f)
MATH_KERNEL1(LOG2_DD, array_d, int64_t, math_log_strange_d, math_log2_d, MATH_WHOLE1,
             math_log2_all_d)
MATH_KERNEL1(LOG2_FF, array_f, int32_t, math_log_strange_f, math_log2_f, MATH_WHOLE1,
             math_log2_all_f)
MATH_KERNEL1(LOG10_DD, array_d, int64_t, math_log_strange_d, math_log10_d, MATH_WHOLE1,
             math_log10_all_d)
MATH_KERNEL1(LOG10_FF, array_f, int32_t, math_log_strange_f, math_log10_f, MATH_WHOLE1,
             math_log10_all_f)
MATH_KERNEL1(LOG1P_DD, array_d, int64_t, math_log1p_strange_d, math_log1p_d, MATH_WHOLE1,
             math_log1p_all_d)
MATH_KERNEL1(LOG1P_FF, array_f, int32_t, math_log1p_strange_f, math_log1p_f, MATH_WHOLE1,
             math_log1p_all_f)
