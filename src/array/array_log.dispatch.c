/* Kernels of the log family. */
#include <math.h>

#include "array/array_dispatch.h"

ARRAY_UNARY(LOG_FF, array_f, array_f, logf)
ARRAY_UNARY(LOG_DD, array_d, array_d, log)
ARRAY_UNARY(LOG1P_FF, array_f, array_f, log1pf)
ARRAY_UNARY(LOG1P_DD, array_d, array_d, log1p)
ARRAY_UNARY(LOG2_FF, array_f, array_f, log2f)
ARRAY_UNARY(LOG2_DD, array_d, array_d, log2)
ARRAY_UNARY(LOG10_FF, array_f, array_f, log10f)
ARRAY_UNARY(LOG10_DD, array_d, array_d, log10)
