/* Kernels of the exp family. */
#include <math.h>

#include "array/array_dispatch.h"

ARRAY_UNARY(EXP_FF, array_f, array_f, expf)
ARRAY_UNARY(EXP_DD, array_d, array_d, exp)
ARRAY_UNARY(EXPM1_FF, array_f, array_f, expm1f)
ARRAY_UNARY(EXPM1_DD, array_d, array_d, expm1)
