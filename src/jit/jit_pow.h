/* Powers that are surely libm's, without libm (jit_pow.c has the reasons). */
#ifndef FS_JIT_POW_H
#define FS_JIT_POW_H

#include "base/base.h"

/* x ** w as (x ** times * sqrt(x) if root), or 1 / that. */
typedef struct {
    bool root, inverse;
    int8_t times;
} fs_pow_shape;

/* Exponents of x (the power of two) from -FS_POW_RANGE up to FS_POW_RANGE can be done. */
enum { FS_POW_RANGE = 64 };
/* What the rest is made larger by, to be sure. */
#define FS_POW_WIDER (25.0 / 24.0)
/* Of a number: its exponent. A root is sure when the rest of its square is less than this times the
 * root and its power of two: 0.48 of the last place, twice the root. */
#define FS_POW_EXPONENT ((uint64_t)0x7ff << 52)
#define FS_POW_ROOT_WITHIN (0.96 * 0x1p-52)

/* Whether w is a power that can be done. */
bool fs_jit_pow_split(double w, fs_pow_shape *shape);
/* Whether such powers may be taken for libm's here: its version and the processor say so. */
bool fs_jit_pow_is_known(void);
/* x ** w if it is sure that libm's pow gives it; only if it is known. */
bool fs_jit_pow_sure(double x, double w, double *result);

#endif
