/* Items between memory as it is and blocks as kernels want them: strides, byte order, casts. */
#ifndef FS_ARRAY_CONVERT_H
#define FS_ARRAY_CONVERT_H

#include "array/array_program.h"

/* From one contiguous block of n items to another, which do not overlap. */
typedef void fs_array_cast(void *dst, const void *src, size_t n);

/* The cast of items of a kind and size (NumPy's letters: b, i, u, f, c) to a register's type; NULL:
 * there is none here, or none is needed. Only casts that lose nothing by NumPy's rule "safe". */
fs_array_cast *fs_array_cast_in(char kind, size_t size, enum fs_array_type type);

/* The same from a register to an item of another kind. Those of NumPy's "same_kind" that make a
 * number of the same kind smaller are there, too. */
fs_array_cast *fs_array_cast_out(enum fs_array_type type, char kind, size_t size);

/* n items of `size` bytes, `stride` bytes apart, become a block. `swap`: the bytes of each unit of
 * so many bytes are turned around; 0: none. */
void fs_array_gather(char *dst, const char *src, ptrdiff_t stride, size_t n, size_t size,
                     unsigned swap);

/* The other way; numbers only where bytes are turned around. */
void fs_array_scatter(char *dst, ptrdiff_t stride, const char *src, size_t n, size_t size,
                      unsigned swap);

/* Turns the bytes of each unit around, in place. */
void fs_array_swap(char *block, size_t bytes, unsigned unit);

/* A block of n times the same item. */
void fs_array_fill(char *dst, const char *item, size_t n, size_t size);

#endif
