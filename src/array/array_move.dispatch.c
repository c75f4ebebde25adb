/* Kernels that move values: copies, ones, and conjugates of what is not complex. */
#include "array/array_dispatch.h"

#define MOVE(name, type)                             \
    ARRAY_KERNEL(name)                               \
    {                                                \
        if (n == 0)                                  \
            return;                                  \
        if (scalars & 1)                             \
            ARRAY_FILL(type, *(const type *)src[0]); \
        else if (dst != src[0])                      \
            memcpy(dst, src[0], n * sizeof(type));   \
    }

MOVE(COPY_BB, array_b)
MOVE(COPY_II, array_i)
MOVE(COPY_LL, array_l)
MOVE(COPY_FF, array_f)
MOVE(COPY_DD, array_d)
MOVE(COPY_CC, array_c)
MOVE(CONJUGATE_FF, array_f)
MOVE(CONJUGATE_DD, array_d)

#define ONES(name, type, ...)          \
    ARRAY_KERNEL(name)                 \
    {                                  \
        (void)src, (void)scalars;      \
        ARRAY_FILL(type, __VA_ARGS__); \
    }

ONES(ONES_LIKE_BB, array_b, 1)
ONES(ONES_LIKE_II, array_i, 1)
ONES(ONES_LIKE_LL, array_l, 1)
ONES(ONES_LIKE_FF, array_f, 1)
ONES(ONES_LIKE_DD, array_d, 1)
ONES(ONES_LIKE_CC, array_c, (array_c){1, 0})

/* Strings: cut off or padded with zeros where the sizes differ. */
static void move_text(const struct fs_array_text *to, const struct fs_array_text *from, size_t n)
{
    const size_t size = to->size < from->size ? to->size : from->size;
    for (size_t i = 0; i < n; i++) {
        char *const item = to->items + (ptrdiff_t)i * to->step;
        memmove(item, from->items + (ptrdiff_t)i * from->step, size);
        memset(item + size, 0, to->size - size);
    }
}

ARRAY_KERNEL(COPY_SS)
{
    (void)scalars;
    move_text(dst, src[0], n);
}

ARRAY_KERNEL(COPY_UU)
{
    (void)scalars;
    move_text(dst, src[0], n);
}
