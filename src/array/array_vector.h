/* For kernels' sources that need vectors by name: as wide as the target's registers are. Everywhere
 * else plain loops do. x86's own functions stand here only, each beside its meaning in plain C.
 */
#ifndef FS_ARRAY_VECTOR_H
#define FS_ARRAY_VECTOR_H

#include "array/array_dispatch.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define ARRAY_VECTOR 64
#elif defined(__AVX2__)
#define ARRAY_VECTOR 32
#else
#define ARRAY_VECTOR 16
#endif

typedef double array_vd __attribute__((vector_size(ARRAY_VECTOR)));
typedef float array_vf __attribute__((vector_size(ARRAY_VECTOR)));
/* The same at any address. */
typedef array_vd array_vd_any __attribute__((aligned(8), may_alias));
typedef array_vf array_vf_any __attribute__((aligned(4), may_alias));

/* x > y ? x : y and x < y ? x : y of each pair: y where one is NaN, and where both are zeros. */
#define ARRAY_VECTOR_PICK(name, type, operator)             \
    ARRAY_INLINE type name(type x, type y)                  \
    {                                                       \
        type r;                                             \
        for (size_t i = 0; i < sizeof x / sizeof x[0]; i++) \
            r[i] = x[i] operator y[i] ? x[i] : y[i];        \
        return r;                                           \
    }
#if ARRAY_VECTOR == 64
#define ARRAY_VECTOR_X86(name, type, function) \
    ARRAY_INLINE type name(type x, type y)     \
    {                                          \
        return (type)_mm512_##function(x, y);  \
    }
#elif ARRAY_VECTOR == 32
#define ARRAY_VECTOR_X86(name, type, function) \
    ARRAY_INLINE type name(type x, type y)     \
    {                                          \
        return (type)_mm256_##function(x, y);  \
    }
#elif defined(__SSE2__)
#define ARRAY_VECTOR_X86(name, type, function) \
    ARRAY_INLINE type name(type x, type y)     \
    {                                          \
        return (type)_mm_##function(x, y);     \
    }
#endif
#ifdef ARRAY_VECTOR_X86
ARRAY_VECTOR_X86(array_vector_max_d, array_vd, max_pd)
ARRAY_VECTOR_X86(array_vector_max_f, array_vf, max_ps)
ARRAY_VECTOR_X86(array_vector_min_d, array_vd, min_pd)
ARRAY_VECTOR_X86(array_vector_min_f, array_vf, min_ps)
#else
ARRAY_VECTOR_PICK(array_vector_max_d, array_vd, >)
ARRAY_VECTOR_PICK(array_vector_max_f, array_vf, >)
ARRAY_VECTOR_PICK(array_vector_min_d, array_vd, <)
ARRAY_VECTOR_PICK(array_vector_min_f, array_vf, <)
#endif

#endif
