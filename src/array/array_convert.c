/* Items between memory as it is and blocks as kernels want them.
 *
 * How it works: a move of n items is one loop per size of item, so that the compiler knows how many
 * bytes it moves; bytes are turned around in the block, afterwards or before. Casts go from block
 * to block, one loop per pair of types.
 *
 * What must stay true: memory outside of blocks is only touched through memcpy, as it may be
 * unaligned; casts are NumPy's, bit for bit.
 */
#include "array/array_convert.h"

#include "base/base.h"

#include <string.h>

/* ---- moves ---- */

#define CONVERT_LOOPS(bytes)                                                         \
    static void convert_gather_##bytes(char *restrict dst, const char *restrict src, \
                                       ptrdiff_t stride, size_t n)                   \
    {                                                                                \
        for (size_t i = 0; i < n; i++) {                                             \
            memcpy(dst + i * bytes, src + (ptrdiff_t)i * stride, bytes);             \
        }                                                                            \
    }                                                                                \
    static void convert_scatter_##bytes(char *restrict dst, ptrdiff_t stride,        \
                                        const char *restrict src, size_t n)          \
    {                                                                                \
        for (size_t i = 0; i < n; i++) {                                             \
            memcpy(dst + (ptrdiff_t)i * stride, src + i * bytes, bytes);             \
        }                                                                            \
    }

CONVERT_LOOPS(1)
CONVERT_LOOPS(2)
CONVERT_LOOPS(4)
CONVERT_LOOPS(8)
CONVERT_LOOPS(16)

void fs_array_swap(char *block, size_t bytes, unsigned unit)
{
    for (size_t i = 0; i + unit <= bytes; i += unit) {
        uint16_t half;
        uint32_t word;
        uint64_t wide;
        switch (unit) {
        case 2:
            memcpy(&half, block + i, 2);
            half = __builtin_bswap16(half);
            memcpy(block + i, &half, 2);
            break;
        case 4:
            memcpy(&word, block + i, 4);
            word = __builtin_bswap32(word);
            memcpy(block + i, &word, 4);
            break;
        case 8:
            memcpy(&wide, block + i, 8);
            wide = __builtin_bswap64(wide);
            memcpy(block + i, &wide, 8);
            break;
        default:
            return;
        }
    }
}

void fs_array_gather(char *dst, const char *src, ptrdiff_t stride, size_t n, size_t size,
                     unsigned swap)
{
    if (stride == (ptrdiff_t)size) {
        memcpy(dst, src, n * size);
    } else if (stride == 0) {
        fs_array_fill(dst, src, n, size);
    } else {
        switch (size) {
        case 1:
            convert_gather_1(dst, src, stride, n);
            break;
        case 2:
            convert_gather_2(dst, src, stride, n);
            break;
        case 4:
            convert_gather_4(dst, src, stride, n);
            break;
        case 8:
            convert_gather_8(dst, src, stride, n);
            break;
        case 16:
            convert_gather_16(dst, src, stride, n);
            break;
        default:
            for (size_t i = 0; i < n; i++) {
                memcpy(dst + i * size, src + (ptrdiff_t)i * stride, size);
            }
        }
    }
    if (swap != 0) {
        fs_array_swap(dst, n * size, swap);
    }
}

/* The bytes of few items at a time are turned around on the way. (Strings never are: an output of
 * the other byte order is copied to in the end.) */
static void convert_scatter_swapped(char *dst, ptrdiff_t stride, const char *src, size_t n,
                                    size_t size, unsigned swap)
{
    char few[1024];
    for (size_t i = 0, part = sizeof few / size; i < n; i += part) {
        size_t count = n - i < part ? n - i : part;
        memcpy(few, src + i * size, count * size);
        fs_array_swap(few, count * size, swap);
        fs_array_scatter(dst + (ptrdiff_t)i * stride, stride, few, count, size, 0);
    }
}

void fs_array_scatter(char *dst, ptrdiff_t stride, const char *src, size_t n, size_t size,
                      unsigned swap)
{
    if (swap != 0) {
        convert_scatter_swapped(dst, stride, src, n, size, swap);
        return;
    }
    if (stride == (ptrdiff_t)size) {
        memcpy(dst, src, n * size);
        return;
    }
    switch (size) {
    case 1:
        convert_scatter_1(dst, stride, src, n);
        break;
    case 2:
        convert_scatter_2(dst, stride, src, n);
        break;
    case 4:
        convert_scatter_4(dst, stride, src, n);
        break;
    case 8:
        convert_scatter_8(dst, stride, src, n);
        break;
    case 16:
        convert_scatter_16(dst, stride, src, n);
        break;
    default:
        for (size_t i = 0; i < n; i++) {
            memcpy(dst + (ptrdiff_t)i * stride, src + i * size, size);
        }
    }
}

void fs_array_fill(char *dst, const char *item, size_t n, size_t size)
{
    switch (size) {
    case 1:
        memset(dst, *item, n);
        break;
    case 4:
        convert_gather_4(dst, item, 0, n);
        break;
    case 8:
        convert_gather_8(dst, item, 0, n);
        break;
    case 16:
        convert_gather_16(dst, item, 0, n);
        break;
    default:
        for (size_t i = 0; i < n; i++) {
            memcpy(dst + i * size, item, size);
        }
    }
}

/* ---- casts ---- */

typedef uint8_t convert_b1; /* a byte that NumPy takes as true unless it is 0 */
typedef int8_t convert_i1;
typedef int16_t convert_i2;
typedef int32_t convert_i4;
typedef int64_t convert_i8;
typedef uint8_t convert_u1;
typedef uint16_t convert_u2;
typedef uint32_t convert_u4;
typedef uint64_t convert_u8;
typedef float convert_f4;
typedef double convert_f8;
struct convert_c8 {
    float part[2];
};
struct convert_c16 {
    double part[2];
};

#define CONVERT_REAL(from, to)                                              \
    static void convert_##from##_##to(void *dst, const void *src, size_t n) \
    {                                                                       \
        convert_##to *restrict d = dst;                                     \
        const convert_##from *restrict s = src;                             \
        for (size_t i = 0; i < n; i++) {                                    \
            d[i] = (convert_##to)s[i];                                      \
        }                                                                   \
    }

#define CONVERT_FROM_BOOL(to)                                         \
    static void convert_b1_##to(void *dst, const void *src, size_t n) \
    {                                                                 \
        convert_##to *restrict d = dst;                               \
        const convert_b1 *restrict s = src;                           \
        for (size_t i = 0; i < n; i++) {                              \
            d[i] = (convert_##to)(s[i] != 0);                         \
        }                                                             \
    }

#define CONVERT_TO_COMPLEX(from, to, scalar, value)                         \
    static void convert_##from##_##to(void *dst, const void *src, size_t n) \
    {                                                                       \
        struct convert_##to *restrict d = dst;                              \
        const convert_##from *restrict s = src;                             \
        for (size_t i = 0; i < n; i++) {                                    \
            d[i].part[0] = (scalar)(value);                                 \
            d[i].part[1] = 0;                                               \
        }                                                                   \
    }

#define CONVERT_COMPLEX(from, to, scalar)                                   \
    static void convert_##from##_##to(void *dst, const void *src, size_t n) \
    {                                                                       \
        struct convert_##to *restrict d = dst;                              \
        const struct convert_##from *restrict s = src;                      \
        for (size_t i = 0; i < n; i++) {                                    \
            d[i].part[0] = (scalar)s[i].part[0];                            \
            d[i].part[1] = (scalar)s[i].part[1];                            \
        }                                                                   \
    }

/* The float that a half is. */
static float convert_half(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = (half >> 10) & 31;
    uint32_t fraction = (uint32_t)(half & 1023) << 13, bits;
    float value;
    if (exponent == 0) { /* a zero, or fraction * 2**-24 */
        value = (float)(half & 1023) * 0x1p-24f;
        memcpy(&bits, &value, sizeof bits);
        bits |= sign;
    } else {
        bits = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | fraction;
    }
    memcpy(&value, &bits, sizeof value);
    return value;
}

typedef uint16_t convert_f2;

#define CONVERT_FROM_HALF(to)                                         \
    static void convert_f2_##to(void *dst, const void *src, size_t n) \
    {                                                                 \
        convert_##to *restrict d = dst;                               \
        const uint16_t *restrict s = src;                             \
        for (size_t i = 0; i < n; i++) {                              \
            d[i] = (convert_##to)convert_half(s[i]);                  \
        }                                                             \
    }

/* A bool that is not 0 or 1 becomes 1: kernels rely on it. */
CONVERT_FROM_BOOL(i1)
CONVERT_FROM_BOOL(i2)
CONVERT_FROM_BOOL(i4)
CONVERT_FROM_BOOL(i8)
CONVERT_FROM_BOOL(f4)
CONVERT_FROM_BOOL(f8)
CONVERT_REAL(i1, i4)
CONVERT_REAL(i2, i4)
CONVERT_REAL(u1, i4)
CONVERT_REAL(u2, i4)
CONVERT_REAL(i1, i8)
CONVERT_REAL(i2, i8)
CONVERT_REAL(i4, i8)
CONVERT_REAL(u1, i8)
CONVERT_REAL(u2, i8)
CONVERT_REAL(u4, i8)
CONVERT_REAL(i1, f4)
CONVERT_REAL(i2, f4)
CONVERT_REAL(u1, f4)
CONVERT_REAL(u2, f4)
CONVERT_REAL(i1, f8)
CONVERT_REAL(i2, f8)
CONVERT_REAL(i4, f8)
CONVERT_REAL(i8, f8)
CONVERT_REAL(u1, f8)
CONVERT_REAL(u2, f8)
CONVERT_REAL(u4, f8)
CONVERT_REAL(u8, f8)
CONVERT_REAL(f4, f8)
CONVERT_FROM_HALF(f4)
CONVERT_FROM_HALF(f8)
CONVERT_TO_COMPLEX(b1, c16, double, s[i] != 0)
CONVERT_TO_COMPLEX(i1, c16, double, s[i])
CONVERT_TO_COMPLEX(i2, c16, double, s[i])
CONVERT_TO_COMPLEX(i4, c16, double, s[i])
CONVERT_TO_COMPLEX(i8, c16, double, s[i])
CONVERT_TO_COMPLEX(u1, c16, double, s[i])
CONVERT_TO_COMPLEX(u2, c16, double, s[i])
CONVERT_TO_COMPLEX(u4, c16, double, s[i])
CONVERT_TO_COMPLEX(u8, c16, double, s[i])
CONVERT_TO_COMPLEX(f2, c16, double, convert_half(s[i]))
CONVERT_TO_COMPLEX(f4, c16, double, s[i])
CONVERT_TO_COMPLEX(f8, c16, double, s[i])
CONVERT_COMPLEX(c8, c16, double)
/* Of results only. */
CONVERT_TO_COMPLEX(f4, c8, float, s[i])
CONVERT_COMPLEX(c16, c8, float)
CONVERT_REAL(f8, f4)

struct convert_row {
    char kind;
    uint8_t size;
    uint8_t type;
    fs_array_cast *cast;
};

static const struct convert_row convert_rows_in[] = {
    {'b', 1, FS_ARRAY_INT, convert_b1_i4},      {'b', 1, FS_ARRAY_LONG, convert_b1_i8},
    {'b', 1, FS_ARRAY_FLOAT, convert_b1_f4},    {'b', 1, FS_ARRAY_DOUBLE, convert_b1_f8},
    {'b', 1, FS_ARRAY_COMPLEX, convert_b1_c16}, {'i', 1, FS_ARRAY_INT, convert_i1_i4},
    {'i', 2, FS_ARRAY_INT, convert_i2_i4},      {'u', 1, FS_ARRAY_INT, convert_u1_i4},
    {'u', 2, FS_ARRAY_INT, convert_u2_i4},      {'i', 1, FS_ARRAY_LONG, convert_i1_i8},
    {'i', 2, FS_ARRAY_LONG, convert_i2_i8},     {'i', 4, FS_ARRAY_LONG, convert_i4_i8},
    {'u', 1, FS_ARRAY_LONG, convert_u1_i8},     {'u', 2, FS_ARRAY_LONG, convert_u2_i8},
    {'u', 4, FS_ARRAY_LONG, convert_u4_i8},     {'i', 1, FS_ARRAY_FLOAT, convert_i1_f4},
    {'i', 2, FS_ARRAY_FLOAT, convert_i2_f4},    {'u', 1, FS_ARRAY_FLOAT, convert_u1_f4},
    {'u', 2, FS_ARRAY_FLOAT, convert_u2_f4},    {'f', 2, FS_ARRAY_FLOAT, convert_f2_f4},
    {'i', 1, FS_ARRAY_DOUBLE, convert_i1_f8},   {'i', 2, FS_ARRAY_DOUBLE, convert_i2_f8},
    {'i', 4, FS_ARRAY_DOUBLE, convert_i4_f8},   {'i', 8, FS_ARRAY_DOUBLE, convert_i8_f8},
    {'u', 1, FS_ARRAY_DOUBLE, convert_u1_f8},   {'u', 2, FS_ARRAY_DOUBLE, convert_u2_f8},
    {'u', 4, FS_ARRAY_DOUBLE, convert_u4_f8},   {'u', 8, FS_ARRAY_DOUBLE, convert_u8_f8},
    {'f', 2, FS_ARRAY_DOUBLE, convert_f2_f8},   {'f', 4, FS_ARRAY_DOUBLE, convert_f4_f8},
    {'i', 1, FS_ARRAY_COMPLEX, convert_i1_c16}, {'i', 2, FS_ARRAY_COMPLEX, convert_i2_c16},
    {'i', 4, FS_ARRAY_COMPLEX, convert_i4_c16}, {'i', 8, FS_ARRAY_COMPLEX, convert_i8_c16},
    {'u', 1, FS_ARRAY_COMPLEX, convert_u1_c16}, {'u', 2, FS_ARRAY_COMPLEX, convert_u2_c16},
    {'u', 4, FS_ARRAY_COMPLEX, convert_u4_c16}, {'u', 8, FS_ARRAY_COMPLEX, convert_u8_c16},
    {'f', 2, FS_ARRAY_COMPLEX, convert_f2_c16}, {'f', 4, FS_ARRAY_COMPLEX, convert_f4_c16},
    {'f', 8, FS_ARRAY_COMPLEX, convert_f8_c16}, {'c', 8, FS_ARRAY_COMPLEX, convert_c8_c16},
};

static const struct convert_row convert_rows_out[] = {
    {'i', 1, FS_ARRAY_BOOL, convert_b1_i1},     {'u', 1, FS_ARRAY_BOOL, convert_b1_i1},
    {'i', 2, FS_ARRAY_BOOL, convert_b1_i2},     {'u', 2, FS_ARRAY_BOOL, convert_b1_i2},
    {'i', 4, FS_ARRAY_BOOL, convert_b1_i4},     {'u', 4, FS_ARRAY_BOOL, convert_b1_i4},
    {'i', 8, FS_ARRAY_BOOL, convert_b1_i8},     {'u', 8, FS_ARRAY_BOOL, convert_b1_i8},
    {'f', 4, FS_ARRAY_BOOL, convert_b1_f4},     {'f', 8, FS_ARRAY_BOOL, convert_b1_f8},
    {'c', 16, FS_ARRAY_BOOL, convert_b1_c16},   {'i', 8, FS_ARRAY_INT, convert_i4_i8},
    {'f', 8, FS_ARRAY_INT, convert_i4_f8},      {'c', 16, FS_ARRAY_INT, convert_i4_c16},
    {'f', 8, FS_ARRAY_LONG, convert_i8_f8},     {'c', 16, FS_ARRAY_LONG, convert_i8_c16},
    {'f', 8, FS_ARRAY_FLOAT, convert_f4_f8},    {'c', 8, FS_ARRAY_FLOAT, convert_f4_c8},
    {'c', 16, FS_ARRAY_FLOAT, convert_f4_c16},  {'f', 4, FS_ARRAY_DOUBLE, convert_f8_f4},
    {'c', 16, FS_ARRAY_DOUBLE, convert_f8_c16}, {'c', 8, FS_ARRAY_COMPLEX, convert_c16_c8},
};

static fs_array_cast *convert_find(const struct convert_row *rows, size_t count, char kind,
                                   size_t size, enum fs_array_type type)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].kind == kind && rows[i].size == size && rows[i].type == (uint8_t)type) {
            return rows[i].cast;
        }
    }
    return NULL;
}

fs_array_cast *fs_array_cast_in(char kind, size_t size, enum fs_array_type type)
{
    return convert_find(convert_rows_in, sizeof convert_rows_in / sizeof *convert_rows_in, kind,
                        size, type);
}

fs_array_cast *fs_array_cast_out(enum fs_array_type type, char kind, size_t size)
{
    return convert_find(convert_rows_out, sizeof convert_rows_out / sizeof *convert_rows_out, kind,
                        size, type);
}
