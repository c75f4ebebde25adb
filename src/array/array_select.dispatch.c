/* Kernels of where(condition, a, b). */
#include "array/array_dispatch.h"

#define CHOOSE(Y, Z)                          \
    ARRAY_LOOP for (size_t i = 0; i < n; i++) \
    {                                         \
        const T y = Y, z = Z;                 \
        r[i] = when[i] ? y : z;               \
    }
/* A condition that is one value is a copy of one side. */
#define SELECT(name, type)                            \
    ARRAY_KERNEL(name)                                \
    {                                                 \
        typedef type T;                               \
        T *const r = dst;                             \
        const array_b *const when = src[0];           \
        const T *const a = src[1], *const b = src[2]; \
        if (n == 0)                                   \
            return;                                   \
        if (scalars & 1) {                            \
            const T *const side = *when ? a : b;      \
            if (scalars & (*when ? 2 : 4))            \
                ARRAY_FILL(T, *side);                 \
            else if (dst != (const void *)side)       \
                memcpy(dst, side, n * sizeof(T));     \
            return;                                   \
        }                                             \
        const T y0 = *a, z0 = *b;                     \
        switch (scalars & 6) {                        \
        case 0:                                       \
            CHOOSE(a[i], b[i]) break;                 \
        case 2:                                       \
            CHOOSE(y0, b[i]) break;                   \
        case 4:                                       \
            CHOOSE(a[i], z0) break;                   \
        default:                                      \
            CHOOSE(y0, z0) break;                     \
        }                                             \
    }

SELECT(WHERE_IBII, array_i)
SELECT(WHERE_LBLL, array_l)
SELECT(WHERE_FBFF, array_f)
SELECT(WHERE_DBDD, array_d)
SELECT(WHERE_CBCC, array_c)
SELECT(WHERE_BBBB, array_b)
