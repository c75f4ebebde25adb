/* Kernels of the arc family. */
#include <math.h>

#include "array/array_dispatch.h"

ARRAY_UNARY(ARCSIN_FF, array_f, array_f, asinf)
ARRAY_UNARY(ARCSIN_DD, array_d, array_d, asin)
ARRAY_UNARY(ARCCOS_FF, array_f, array_f, acosf)
ARRAY_UNARY(ARCCOS_DD, array_d, array_d, acos)
ARRAY_UNARY(ARCTAN_FF, array_f, array_f, atanf)
ARRAY_UNARY(ARCTAN_DD, array_d, array_d, atan)
ARRAY_BINARY(ARCTAN2_FFF, array_f, array_f, array_f, atan2f)
ARRAY_BINARY(ARCTAN2_DDD, array_d, array_d, array_d, atan2)
