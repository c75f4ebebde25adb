/* Compiler vocabulary shared by every room of the C core.
 *
 * Nothing here knows Python. Keep it free of state: macros and includes only.
 */
#ifndef FS_BASE_H
#define FS_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FS_LIKELY(x) __builtin_expect(!!(x), 1)
#define FS_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define FS_NOINLINE __attribute__((noinline))
#define FS_COLD __attribute__((noinline, cold))
#define FS_INLINE static inline __attribute__((always_inline))
#define FS_UNUSED __attribute__((unused))
#define FS_HIDDEN __attribute__((visibility("hidden")))

/* Not assert(): NDEBUG is always on. */
#ifdef FS_DEBUG
#include <stdio.h>
#include <stdlib.h>
#define FS_ASSERT(x) \
    ((x) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x), abort()))
#else
#define FS_ASSERT(x) ((void)0)
#endif

#endif
