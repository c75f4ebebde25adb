/* Inverse sine, cosine and tangent, and the angle of two coordinates.
 *
 * Tangents: a quotient of at most tan(pi/8) by one of three formulas, a polynomial, and the angle
 * at which the formula begins. Sines above 1/2: by the root of (1 - |x|) / 2.
 */
#ifndef FS_ARRAY_MATH_ARC_H
#define FS_ARRAY_MATH_ARC_H

#include "array/array_math.h"

#define MATH_PI_HALF_D 0x1.921fb54442d18p+0
#define MATH_PI_HALF_LOW_D 0x1.1a62633145c07p-54
#define MATH_PI_HALF_F 0x1.921fb6p+0F
#define MATH_PI_HALF_LOW_F -0x1.777a5cp-25F

/* What arctan(t) is beyond t, |t| <= tan(pi/8). */
ARRAY_INLINE double math_arctan_rest_d(double t)
{
    const double z = t * t;
    return t * z *
           ARRAY_P11(z, -0x1.555555555553cp-2, 0x1.9999999995733p-3, -0x1.24924922a6528p-3,
                     0x1.c71c70e36fcc5p-4, -0x1.745cf8934355ep-4, 0x1.3b11142181ba2p-4,
                     -0x1.10eb80783efb8p-4, 0x1.df0c26fdd8890p-5, -0x1.9cc4ad1cc3f5dp-5,
                     0x1.37b21130c1edep-5, -0x1.251c9eaaf2786p-6);
}

ARRAY_INLINE float math_arctan_rest_f(float t)
{
    const float z = t * t;
    return t * z *
           ARRAY_P5(z, -0x1.55554ap-2F, 0x1.99918ep-3F, -0x1.23b48ep-3F, 0x1.b1e30cp-4F,
                    -0x1.f1bcd2p-5F);
}

/* What arcsin(s) is beyond s, as a factor of s: z = s^2 <= 1/4. */
ARRAY_INLINE double math_arcsin_rest_d(double z)
{
    return z * ARRAY_P12(z, 0x1.5555555555383p-3, 0x1.333333337007ep-4, 0x1.6db6db4173780p-5,
                         0x1.f1c72c90b3ee7p-6, 0x1.6e89ebc772b76p-6, 0x1.1c6c64e3e86fdp-6,
                         0x1.c6f361ab302e6p-7, 0x1.8f089e4d19eadp-7, 0x1.a968c83fdfa24p-8,
                         0x1.41a117b11c6e6p-6, -0x1.0c7f597d055c2p-6, 0x1.065bd151f117ap-5);
}

ARRAY_INLINE float math_arcsin_rest_f(float z)
{
    return z * ARRAY_P6(z, 0x1.55554cp-3F, 0x1.33388cp-4F, 0x1.6cac3ap-5F, 0x1.04a8aap-5F,
                        0x1.d7af4ep-7F, 0x1.33dd96p-5F);
}

#define MATH_ARC(type, letter, TYPE, suffix, flags)                                                \
    /* The angle of (side, up), both >= 0 and not strange; of (-side, up) where it is left. */     \
    ARRAY_INLINE type math_angle_##letter(type up, type side, int left)                            \
    {                                                                                              \
        const int low = up <= (type)0.41421356 * side, high = up > (type)2.4142135 * side;         \
        const type eighth = up - side, sum = up + side;                                            \
        const type over = low ? up : high ? -side : eighth, under = low ? side : high ? up : sum;  \
        const type t = over / under;                                                               \
        const type quarters = low ? (type)0 : high ? (type)1 : (type)0.5;                          \
        const type turned = left ? 2 - quarters : quarters, signed_t = left ? -t : t;              \
        const type rest =                                                                          \
            ARRAY_MA(turned, (type)MATH_PI_HALF_LOW_##TYPE, math_arctan_rest_##letter(signed_t));  \
        return turned * MATH_PI_HALF_##TYPE + (signed_t + rest);                                   \
    }                                                                                              \
    ARRAY_INLINE type math_arctan_##letter(type x)                                                 \
    {                                                                                              \
        const type a = __builtin_fabs##suffix(x);                                                  \
        return __builtin_copysign##suffix(math_angle_##letter(a, 1, 0), x);                        \
    }                                                                                              \
    ARRAY_INLINE type math_arctan2_##letter(type y, type x)                                        \
    {                                                                                              \
        const type up = __builtin_fabs##suffix(y), side = __builtin_fabs##suffix(x);               \
        return __builtin_copysign##suffix(math_angle_##letter(up, side, x < 0), y);                \
    }                                                                                              \
    ARRAY_INLINE flags math_arctan2_strange_##letter(type y, type x)                               \
    {                                                                                              \
        return math_over_##letter(y, MATH_ARC_MOST_##TYPE) |                                       \
               math_over_##letter(x, MATH_ARC_MOST_##TYPE) |                                       \
               (math_under_##letter(y, MATH_ARC_LEAST_##TYPE) &                                    \
                math_under_##letter(x, MATH_ARC_LEAST_##TYPE));                                    \
    }                                                                                              \
    /* Any coordinates: made ordinary first. Of infinite ones, the direction. */                   \
    static __attribute__((noinline, unused)) type math_arctan2_all_##letter(type y, type x)        \
    {                                                                                              \
        type up = __builtin_fabs##suffix(y), side = __builtin_fabs##suffix(x);                     \
        const int left = __builtin_signbit(x) != 0;                                                \
        if (x != x || y != y)                                                                      \
            return x + y;                                                                          \
        if (up > MATH_ARC_MOST_##TYPE || side > MATH_ARC_MOST_##TYPE) {                            \
            const int endless = __builtin_isinf(up) || __builtin_isinf(side);                      \
            up = endless ? (type)(__builtin_isinf(up) != 0) : up * MATH_ARC_LEAST_##TYPE;          \
            side = endless ? (type)(__builtin_isinf(side) != 0) : side * MATH_ARC_LEAST_##TYPE;    \
        } else if (up == 0 && side == 0) {                                                         \
            side = 1;                                                                              \
        } else if (up < MATH_ARC_LEAST_##TYPE && side < MATH_ARC_LEAST_##TYPE) {                   \
            up *= MATH_ARC_MOST_##TYPE;                                                            \
            side *= MATH_ARC_MOST_##TYPE;                                                          \
        }                                                                                          \
        return __builtin_copysign##suffix(math_angle_##letter(up, side, left), y);                 \
    }                                                                                              \
    ARRAY_INLINE type math_arcsin_##letter(type x)                                                 \
    {                                                                                              \
        const type a = __builtin_fabs##suffix(x);                                                  \
        const int low = a <= (type)0.5;                                                            \
        const type z = low ? a * a : (type)0.5 * (1 - a), s = low ? a : __builtin_sqrt##suffix(z); \
        const type rest = s * math_arcsin_rest_##letter(z);                                        \
        const type twice = 2 * s, high = (MATH_PI_HALF_##TYPE - twice) -                           \
                                         (2 * rest - (type)MATH_PI_HALF_LOW_##TYPE);               \
        return __builtin_copysign##suffix(low ? s + rest : high, x);                               \
    }                                                                                              \
    ARRAY_INLINE type math_arccos_##letter(type x)                                                 \
    {                                                                                              \
        const type a = __builtin_fabs##suffix(x);                                                  \
        const int low = a <= (type)0.5;                                                            \
        const type z = low ? a * a : (type)0.5 * (1 - a), s = low ? x : __builtin_sqrt##suffix(z); \
        const type rest = s * math_arcsin_rest_##letter(z);                                        \
        const type middle = MATH_PI_HALF_##TYPE - (s + (rest - (type)MATH_PI_HALF_LOW_##TYPE));    \
        const type twice = 2 * (s + rest);                                                         \
        const type left =                                                                          \
            2 * MATH_PI_HALF_##TYPE - (2 * s + (2 * rest - 2 * (type)MATH_PI_HALF_LOW_##TYPE));    \
        return low ? middle : x < 0 ? left : twice;                                                \
    }

/* Beyond these, sums and quotients of coordinates may leave the range. */
#define MATH_ARC_MOST_D 0x1p1000
#define MATH_ARC_LEAST_D 0x1p-900
#define MATH_ARC_MOST_F 0x1p120F
#define MATH_ARC_LEAST_F 0x1p-90F

MATH_ARC(double, d, D, , int64_t)
MATH_ARC(float, f, F, f, int32_t)

#endif
