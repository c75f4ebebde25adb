/* Sine, cosine, tangent.
 *
 * x = m pi/2 + r + e, m even for the sine, odd for the cosine, so that one polynomial on +-pi/2
 * does: sin x = +-sin(r + e), cos x = +-sin(r + e). The tangent takes any m and two polynomials on
 * +-pi/4. m pi/2 is taken away in parts whose products are exact, up to |x| = 2^22; beyond, 2/pi is
 * multiplied by x in as many bits as it takes.
 */
#ifndef FS_ARRAY_MATH_TRIG_H
#define FS_ARRAY_MATH_TRIG_H

#include <math.h>

#include "array/array_math.h"

/* x - m pi/2 as r, and what r lacks in *e. */
ARRAY_INLINE double math_trig_reduce_d(double x, double m, double *e)
{
#if ARRAY_FUSED
    const double a = ARRAY_MA(m, -0x1.921fb54442d18p+0, x);
    const double p = m * 0x1.1a62633145c07p-54, p_low = ARRAY_MA(m, 0x1.1a62633145c07p-54, -p);
    const double r = a - p;
    *e = ARRAY_MA(m, 0x1.f1976b7ed8fbcp-110, ((a - r) - p) - p_low);
    return r;
#else
    const double a = (x - m * 0x1.921fb54p+0);
    const double p = m * 0x1.10b46118p-30, b = a - p, b_low = (a - b) - p;
    const double q = m * 0x1.313198ap-61, r = b - q;
    *e = (((b - r) - q) + b_low) - m * 0x1.701b839a25205p-92;
    return r;
#endif
}

/* sin(r + e), |r| <= pi/2. */
ARRAY_INLINE double math_sin_part_d(double r, double e)
{
    const double z = r * r;
    const double p = ARRAY_P8(z, -0x1.5555555555555p-3, 0x1.11111111110c0p-7,
                              -0x1.a01a01a014831p-13, 0x1.71de3a5283f11p-19, -0x1.ae6454c98a867p-26,
                              0x1.6123cab29385bp-33, -0x1.ae42fe1f5b49ap-41, 0x1.882641caa4f9cp-49);
    return r + ARRAY_MA(z * r, p, e);
}

/* cos(r + e), |r| <= pi/4. */
ARRAY_INLINE double math_cos_part_d(double r, double e)
{
    const double z = r * r, half = 0.5 * z, w = 1.0 - half;
    const double p =
        ARRAY_P6(z, 0x1.555555555554cp-5, -0x1.6c16c16c15162p-10, 0x1.a01a019caef0cp-16,
                 -0x1.27e4f807d39fbp-22, 0x1.1ee9ea6ac56dbp-29, -0x1.8fadcf4e0026cp-37);
    return w + (((1.0 - w) - half) + ARRAY_MA(z * z, p, -(r * e)));
}

ARRAY_INLINE int64_t math_trig_strange_d(double x)
{
    return math_over_d(x, 0x1p22);
}

/* |x| <= 2^22. */
ARRAY_INLINE double math_sin_d(double x)
{
    const double sum = ARRAY_MA(x, 0x1.45f306dc9c883p-2, MATH_SHIFT_D), k = sum - MATH_SHIFT_D;
    double e;
    const double r = math_trig_reduce_d(x, 2.0 * k, &e), value = math_sin_part_d(r, e);
    const double sine = math_from_d(math_bits_d(value) ^ math_bits_d(sum) << 63);
    return x == 0 ? x : sine;
}

ARRAY_INLINE double math_cos_d(double x)
{
    const double sum = ARRAY_MA(x, 0x1.45f306dc9c883p-2, -0.5) + MATH_SHIFT_D;
    const double k = sum - MATH_SHIFT_D;
    double e;
    const double r = math_trig_reduce_d(x, ARRAY_MA(k, 2.0, 1.0), &e);
    return math_from_d(math_bits_d(math_sin_part_d(r, e)) ^ ~math_bits_d(sum) << 63);
}

/* tan(r + e) or -1/tan(r + e). */
ARRAY_INLINE double math_tan_part_d(double r, double e, uint64_t odd)
{
    const double z = r * r;
    const double p =
        ARRAY_P6(z, -0x1.5555555555548p-3, 0x1.111111110f7b0p-7, -0x1.a01a019bf9c8fp-13,
                 0x1.71de356418091p-19, -0x1.ae5e578c5b633p-26, 0x1.5d8eea9c5ef66p-33);
    const double sine = r + ARRAY_MA(z * r, p, e), cosine = math_cos_part_d(r, e);
    return (odd ? -cosine : sine) / (odd ? sine : cosine);
}

ARRAY_INLINE double math_tan_d(double x)
{
    const double sum = ARRAY_MA(x, 0x1.45f306dc9c883p-1, MATH_SHIFT_D), m = sum - MATH_SHIFT_D;
    double e;
    const double r = math_trig_reduce_d(x, m, &e);
    const double tangent = math_tan_part_d(r, e, math_bits_d(sum) & 1);
    return x == 0 ? x : tangent;
}

/* --- any x, one by one --- */

/* m modulo 4 of a finite |x| >= 2^22, |r| <= pi/4 and e: x = mantissa 2^exponent times 2/pi, of
 * which bits that give multiples of 4 are left out, in 192 bits. */
static __attribute__((noinline, unused)) unsigned math_trig_reduce_huge(double x, double *r,
                                                                        double *e)
{
    /* 2/pi after a word of zeros. */
    static const uint64_t digits[] = {
        0,
        0xa2f9836e4e441529,
        0xfc2757d1f534ddc0,
        0xdb6295993c439041,
        0xfe5163abdebbc561,
        0xb7246e3a424dd2e0,
        0x06492eea09d1921c,
        0xfe1deb1cb129a73e,
        0xe88235f52ebb4484,
        0xe99c7026b45f7e41,
        0x3991d639835339f4,
        0x9c845f8bbdf9283b,
        0x1ff897ffde05980f,
        0xef2f118b5a0a6d1f,
        0x6d367ecf27cb09b7,
        0x4f463f669e5fea2d,
        0x7527bac7ebe5f17b,
        0x3d0739f78a5292ea,
        0x6bfb5fb11f8d5d08,
        0x56033046fc7b6bab,
        0xf0cfbc209af4361d,
    };
    const uint64_t bits = math_bits_d(x), mantissa = (bits & 0x000fffffffffffffu) | 1ull << 52;
    const int exponent = (int)(bits >> 52 & 0x7ff) - 1075;
    /* The window begins behind the bits whose products are multiples of 4. */
    const unsigned from = (unsigned)(exponent - 2 + 64), word = from / 64, shift = from % 64;
    uint64_t window[3];
    for (unsigned i = 0; i < 3; i++)
        window[i] = shift == 0 ? digits[word + i]
                               : digits[word + i] << shift | digits[word + i + 1] >> (64 - shift);
    /* The product modulo 2^192: two bits of m, 190 of the fraction. */
    const unsigned __int128 low = (unsigned __int128)mantissa * window[2];
    const unsigned __int128 middle =
        (unsigned __int128)mantissa * window[1] + (uint64_t)(low >> 64);
    const uint64_t high = mantissa * window[0] + (uint64_t)(middle >> 64);
    unsigned m = (unsigned)(high >> 62);
    const unsigned __int128 top = (unsigned __int128)high << 64 | (uint64_t)middle;
    __int128 part = (__int128)(top << 2 | (uint64_t)low >> 62);
    /* A fraction of a half or more is one below zero of the next. */
    m += part < 0;
    /* In two parts, the first of 54 bits at most, with the sign: both are exact. */
    const __int128 head = (__int128)((unsigned __int128)part >> 74 << 74);
    const double first = (double)head, second = (double)(part - head);
    const double scale = 0x1p-128, pi_half = 0x1.921fb54442d18p+0;
    const double product = first * pi_half, error = fma(first, pi_half, -product);
    *r = product * scale;
    *e = (error + (second * pi_half + first * 0x1.1a62633145c07p-54)) * scale;
    if (x < 0) {
        *r = -*r;
        *e = -*e;
        m = 0 - m;
    }
    return m & 3;
}

/* sin(x + quarters pi/2) of a large x. */
static __attribute__((noinline, unused)) double math_trig_huge_d(double x, unsigned quarters)
{
    double r, e;
    if (!(__builtin_fabs(x) <= MATH_MOST_D))
        return x - x;
    const unsigned m = math_trig_reduce_huge(x, &r, &e) + quarters;
    const double value = m & 1 ? math_cos_part_d(r, e) : math_sin_part_d(r, e);
    return m & 2 ? -value : value;
}

ARRAY_INLINE double math_sin_huge_d(double x)
{
    return math_trig_huge_d(x, 0);
}

ARRAY_INLINE double math_cos_huge_d(double x)
{
    return math_trig_huge_d(x, 1);
}

static __attribute__((noinline, unused)) double math_tan_huge_d(double x)
{
    double r, e;
    if (!(__builtin_fabs(x) <= MATH_MOST_D))
        return x - x;
    const unsigned m = math_trig_reduce_huge(x, &r, &e);
    return math_tan_part_d(r, e, m & 1);
}

/* --- float32 --- */

ARRAY_INLINE float math_trig_reduce_f(float x, float m)
{
#if ARRAY_FUSED
    const float a = ARRAY_MA(m, -0x1.921fb6p+0F, x), b = ARRAY_MA(m, 0x1.777a5cp-25F, a);
    return ARRAY_MA(m, 0x1.ee59dap-50F, b);
#else
    return (float)(((double)x - (double)m * 0x1.921fb54p+0) - (double)m * 0x1.10b4611a62633p-30);
#endif
}

ARRAY_INLINE float math_sin_part_f(float r)
{
    const float z = r * r;
    const float p = ARRAY_P5(z, -0x1.555556p-3F, 0x1.11110cp-7F, -0x1.a017d8p-13F, 0x1.717048p-19F,
                             -0x1.9a6386p-26F);
    return ARRAY_MA(z * r, p, r);
}

ARRAY_INLINE int32_t math_trig_strange_f(float x)
{
    return math_over_f(x, 0x1p13F);
}

/* |x| <= 2^13. */
ARRAY_INLINE float math_sin_f(float x)
{
    const float sum = ARRAY_MA(x, 0x1.45f306p-2F, MATH_SHIFT_F), k = sum - MATH_SHIFT_F;
    const float value = math_sin_part_f(math_trig_reduce_f(x, 2.0F * k));
    const float sine = math_from_f(math_bits_f(value) ^ math_bits_f(sum) << 31);
    return x == 0 ? x : sine;
}

ARRAY_INLINE float math_cos_f(float x)
{
    const float sum = ARRAY_MA(x, 0x1.45f306p-2F, -0.5F) + MATH_SHIFT_F, k = sum - MATH_SHIFT_F;
    const float r = math_trig_reduce_f(x, ARRAY_MA(k, 2.0F, 1.0F));
    return math_from_f(math_bits_f(math_sin_part_f(r)) ^ ~math_bits_f(sum) << 31);
}

ARRAY_INLINE float math_tan_f(float x)
{
    const float sum = ARRAY_MA(x, 0x1.45f306p-1F, MATH_SHIFT_F), m = sum - MATH_SHIFT_F;
    const float r = math_trig_reduce_f(x, m), z = r * r;
    const uint32_t odd = math_bits_f(sum) & 1;
    const float sine =
        ARRAY_MA(z * r, ARRAY_P3(z, -0x1.555546p-3F, 0x1.110736p-7F, -0x1.99421p-13F), r);
    const float c = ARRAY_P3(z, 0x1.55554ap-5F, -0x1.6c0c86p-10F, 0x1.9a00cp-16F);
    const float cosine = ARRAY_MA(z * z, c, ARRAY_MA(z, -0.5F, 1.0F));
    const float tangent = (odd ? -cosine : sine) / (odd ? sine : cosine);
    return x == 0 ? x : tangent;
}

/* What is strange in a piece, up to 2^22 by way of double, beyond one by one. */
#define MATH_TRIG_WIDE(type, strange, name)                                     \
    ARRAY_LOOP for (size_t i = 0; i < MATH_PIECE(type); i++) out[i] =           \
        strange(a_in[i]) < 0 ? (type)math_##name##_d((double)a_in[i]) : out[i]; \
    for (size_t i = 0; i < MATH_PIECE(type); i++)                               \
        if (math_trig_strange_d((double)a_in[i]) < 0)                           \
            out[i] = (type)math_##name##_huge_d((double)a_in[i]);

#endif
