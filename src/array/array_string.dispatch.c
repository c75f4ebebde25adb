/* Kernels that compare strings, as NumPy does: zeros at the end do not count, bytes are unsigned,
 * STR goes by code points. CONTAINS: does the first hold the second; nothing is in everything. */
#define _GNU_SOURCE
#include "array/array_dispatch.h"

/* The order of two byte strings: below, at or above 0. */
static int string_order_bytes(const char *a, size_t a_size, const char *b, size_t b_size)
{
    const size_t both = a_size < b_size ? a_size : b_size;
    const int order = memcmp(a, b, both);
    if (order != 0)
        return order;
    for (size_t i = both; i < a_size; i++)
        if (a[i] != 0)
            return 1;
    for (size_t i = both; i < b_size; i++)
        if (b[i] != 0)
            return -1;
    return 0;
}

/* A code point at any address. */
ARRAY_INLINE uint32_t string_point(const char *at)
{
    uint32_t point;
    memcpy(&point, at, sizeof point);
    return point;
}

/* The order of two strings of code points. */
static int string_order_points(const char *a, size_t a_size, const char *b, size_t b_size)
{
    const size_t most = a_size > b_size ? a_size : b_size;
    for (size_t at = 0; at < most; at += 4) {
        const uint32_t x = at < a_size ? string_point(a + at) : 0;
        const uint32_t y = at < b_size ? string_point(b + at) : 0;
        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}

/* The size without zeros at the end; `unit` is 1 or 4. */
static size_t string_length(const char *item, size_t size, size_t unit)
{
    while (size > 0 && item[size - 1] == 0)
        size--;
    return (size + unit - 1) / unit * unit;
}

/* Is b in a? `unit` is the size of a character: where it begins counts. */
static int string_holds(const char *a, size_t a_size, const char *b, size_t b_size, size_t unit)
{
    const char *const end = a + string_length(a, a_size, unit), *from = a;
    b_size = string_length(b, b_size, unit);
    if (b_size == 0)
        return 1;
    while (from < end) {
        const char *const at = memmem(from, (size_t)(end - from), b, b_size);
        if (!at)
            return 0;
        if ((size_t)(at - a) % unit == 0)
            return 1;
        from = at + 1;
    }
    return 0;
}

#define STRINGS(name, expression)                                        \
    ARRAY_KERNEL(name)                                                   \
    {                                                                    \
        const struct fs_array_text *const a = src[0], *const b = src[1]; \
        array_b *const r = dst;                                          \
        (void)scalars;                                                   \
        for (size_t i = 0; i < n; i++) {                                 \
            const char *const x = a->items + (ptrdiff_t)i * a->step;     \
            const char *const y = b->items + (ptrdiff_t)i * b->step;     \
            r[i] = (expression);                                         \
        }                                                                \
    }

STRINGS(EQ_BSS, string_order_bytes(x, a->size, y, b->size) == 0)
STRINGS(NE_BSS, string_order_bytes(x, a->size, y, b->size) != 0)
STRINGS(GT_BSS, string_order_bytes(x, a->size, y, b->size) > 0)
STRINGS(GE_BSS, string_order_bytes(x, a->size, y, b->size) >= 0)
STRINGS(EQ_BUU, string_order_points(x, a->size, y, b->size) == 0)
STRINGS(NE_BUU, string_order_points(x, a->size, y, b->size) != 0)
STRINGS(GT_BUU, string_order_points(x, a->size, y, b->size) > 0)
STRINGS(GE_BUU, string_order_points(x, a->size, y, b->size) >= 0)
STRINGS(CONTAINS_BSS, string_holds(x, a->size, y, b->size, 1))
STRINGS(CONTAINS_BUU, string_holds(x, a->size, y, b->size, 4))
