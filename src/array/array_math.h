/* Vector math: what its families share. Functions are written for one value, without branches, so
 * that the compiler turns a loop over them into vector code for each target.
 *
 * Accuracy rests on two things that must not be "improved": the order of operations, and ARRAY_MA,
 * which is a fused multiply-add where the target has one and a product and a sum elsewhere, and in
 * the reproducible build everywhere. Where a product must be exact for a function to be right, its
 * factors have few enough bits for both.
 *
 * Most functions are right for ordinary arguments only; a piece of the input that holds any other
 * goes through the function's other form, which is right for all and gives the same bits for the
 * ordinary ones.
 */
#ifndef FS_ARRAY_MATH_H
#define FS_ARRAY_MATH_H

#include "array/array_dispatch.h"

#if (defined(__FMA__) || defined(__ARM_FEATURE_FMA)) && !defined(FS_ARRAY_REPRODUCIBLE)
#define ARRAY_FUSED 1
#define ARRAY_MA(a, b, c) _Generic((a), float: __builtin_fmaf, double: __builtin_fma)(a, b, c)
#else
#define ARRAY_FUSED 0
#define ARRAY_MA(a, b, c) ((a) * (b) + (c))
#endif

/* Polynomials by their coefficients, the lowest first. */
#define ARRAY_P2(z, a, b) ARRAY_MA(z, b, a)
#define ARRAY_P3(z, a, ...) ARRAY_MA(z, ARRAY_P2(z, __VA_ARGS__), a)
#define ARRAY_P4(z, a, ...) ARRAY_MA(z, ARRAY_P3(z, __VA_ARGS__), a)
#define ARRAY_P5(z, a, ...) ARRAY_MA(z, ARRAY_P4(z, __VA_ARGS__), a)
#define ARRAY_P6(z, a, ...) ARRAY_MA(z, ARRAY_P5(z, __VA_ARGS__), a)
#define ARRAY_P7(z, a, ...) ARRAY_MA(z, ARRAY_P6(z, __VA_ARGS__), a)
#define ARRAY_P8(z, a, ...) ARRAY_MA(z, ARRAY_P7(z, __VA_ARGS__), a)
#define ARRAY_P9(z, a, ...) ARRAY_MA(z, ARRAY_P8(z, __VA_ARGS__), a)
#define ARRAY_P10(z, a, ...) ARRAY_MA(z, ARRAY_P9(z, __VA_ARGS__), a)
#define ARRAY_P11(z, a, ...) ARRAY_MA(z, ARRAY_P10(z, __VA_ARGS__), a)
#define ARRAY_P12(z, a, ...) ARRAY_MA(z, ARRAY_P11(z, __VA_ARGS__), a)

ARRAY_INLINE uint64_t math_bits_d(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

ARRAY_INLINE double math_from_d(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

ARRAY_INLINE uint32_t math_bits_f(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

ARRAY_INLINE float math_from_f(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Added and taken away again, it rounds to a whole number, which stands in the sum's low bits. */
#define MATH_SHIFT_D 0x1.8p52
#define MATH_SHIFT_F 0x1.8p23F

/* 2^n of the n in the low bits of a number to which MATH_SHIFT was added, for n of normal numbers.
 */
ARRAY_INLINE double math_power_of_two_d(uint64_t shifted)
{
    return math_from_d((shifted + 1023) << 52);
}

ARRAY_INLINE float math_power_of_two_f(uint32_t shifted)
{
    return math_from_f((shifted + 127) << 23);
}

/* Values that a kernel of vector math takes at once. */
#define MATH_PIECE(type) (512 / sizeof(type))

/* The piece of `src` that begins at `from`, where the loops may read MATH_PIECE values: itself, or
 * a copy where it is shorter than that (filled up with 1) or would be overwritten. */
#define MATH_OPERAND(type, p, buffer, is_scalar, from, some, shared)  \
    if (is_scalar) {                                                  \
        for (size_t i_ = 0; from == 0 && i_ < MATH_PIECE(type); i_++) \
            buffer[i_] = *p;                                          \
    } else if (some < MATH_PIECE(type)) {                             \
        for (size_t i_ = some; i_ < MATH_PIECE(type); i_++)           \
            buffer[i_] = 1;                                           \
        memcpy(buffer, p + from, some * sizeof(type));                \
    } else if (shared) {                                              \
        memcpy(buffer, p + from, sizeof buffer);                      \
    }                                                                 \
    const type *const p##_in = is_scalar || some < MATH_PIECE(type) || shared ? buffer : p + from;

/* A piece in which something is strange: all of it by a function that is right for any value, or
 * what is strange one by one. */
#define MATH_WHOLE1(type, strange, all) \
    ARRAY_LOOP for (size_t i = 0; i < MATH_PIECE(type); i++) out[i] = all(a_in[i]);
#define MATH_EACH1(type, strange, all)            \
    for (size_t i = 0; i < MATH_PIECE(type); i++) \
        if (strange(a_in[i]))                     \
            out[i] = all(a_in[i]);
#define MATH_WHOLE2(type, strange, all) \
    ARRAY_LOOP for (size_t i = 0; i < MATH_PIECE(type); i++) out[i] = all(a_in[i], b_in[i]);
#define MATH_EACH2(type, strange, all)            \
    for (size_t i = 0; i < MATH_PIECE(type); i++) \
        if (strange(a_in[i], b_in[i]))            \
            out[i] = all(a_in[i], b_in[i]);

/* A kernel of one value. `plain(x)` is right unless `strange(x)` (an integer of the value's size,
 * not 0), `all(x)` where it is; `redo` is one of the above. */
#define MATH_KERNEL1(name, type, flags, strange, plain, redo, all)      \
    ARRAY_KERNEL(name)                                                  \
    {                                                                   \
        type *const r = dst;                                            \
        const type *const a = src[0];                                   \
        type x[MATH_PIECE(type)], z[MATH_PIECE(type)];                  \
        const size_t count = scalars & 1 ? n != 0 : n;                  \
        for (size_t from = 0; from < count; from += MATH_PIECE(type)) { \
            const size_t left = count - from, some = left;              \
            MATH_OPERAND(type, a, x, 0, from, some, dst == src[0])      \
            type *const out = some < MATH_PIECE(type) ? z : r + from;   \
            flags odd = 0;                                              \
            ARRAY_LOOP for (size_t i = 0; i < MATH_PIECE(type); i++)    \
            {                                                           \
                odd |= strange(a_in[i]);                                \
                out[i] = plain(a_in[i]);                                \
            }                                                           \
            if (__builtin_expect(odd != 0, 0)) {                        \
                redo(type, strange, all)                                \
            }                                                           \
            if (some < MATH_PIECE(type))                                \
                memcpy(r + from, z, some * sizeof(type));               \
        }                                                               \
        if (scalars & 1 && n > 1)                                       \
            ARRAY_FILL(type, *r);                                       \
    }

/* A kernel of two values, likewise; `strange` and `plain` of x and y. */
#define MATH_KERNEL2(name, type, flags, strange, plain, redo, all)             \
    ARRAY_KERNEL(name)                                                         \
    {                                                                          \
        type *const r = dst;                                                   \
        const type *const a = src[0], *const b = src[1];                       \
        type x[MATH_PIECE(type)], y[MATH_PIECE(type)], z[MATH_PIECE(type)];    \
        for (size_t from = 0; from < n; from += MATH_PIECE(type)) {            \
            const size_t some = n - from;                                      \
            MATH_OPERAND(type, a, x, (scalars & 1), from, some, dst == src[0]) \
            MATH_OPERAND(type, b, y, (scalars & 2), from, some, dst == src[1]) \
            type *const out = some < MATH_PIECE(type) ? z : r + from;          \
            flags odd = 0;                                                     \
            ARRAY_LOOP for (size_t i = 0; i < MATH_PIECE(type); i++)           \
            {                                                                  \
                odd |= strange(a_in[i], b_in[i]);                              \
                out[i] = plain(a_in[i], b_in[i]);                              \
            }                                                                  \
            if (__builtin_expect(odd != 0, 0)) {                               \
                redo(type, strange, all)                                       \
            }                                                                  \
            if (some < MATH_PIECE(type))                                       \
                memcpy(r + from, z, some * sizeof(type));                      \
        }                                                                      \
    }

/* A function that needs no other form. */
#define MATH_NEVER(...) 0
#define MATH_NOTHING(...)

#endif
