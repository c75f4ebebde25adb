/* Kernels of the trig family. */
#include <math.h>

#include "array/array_dispatch.h"

ARRAY_UNARY(SIN_FF, array_f, array_f, sinf)
ARRAY_UNARY(SIN_DD, array_d, array_d, sin)
ARRAY_UNARY(COS_FF, array_f, array_f, cosf)
ARRAY_UNARY(COS_DD, array_d, array_d, cos)
ARRAY_UNARY(TAN_FF, array_f, array_f, tanf)
ARRAY_UNARY(TAN_DD, array_d, array_d, tan)
