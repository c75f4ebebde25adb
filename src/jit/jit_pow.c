/* Powers that are surely libm's, without libm: x ** w for w = 2, 3, 0.5, 1.5 and -1, -2, -3, -0.5,
 * -1.5.
 *
 * Such a power is worked out to about a hundred bits, as the sum of a nearest number and a small
 * rest: products and roots give their exact rest by one fused multiply-add. glibc's pow
 * (since 2.28) says of its own error, in parts of the last place: 0.511 by exp, with the last
 * rounding, and 1.5 * 2^-68 of y * log(x) by the logarithm. For x within 2^-64 and 2^64
 * (FS_POW_RANGE) y * log(x) is at most 192 log(2), so its result before the last rounding is wrong
 * by less than 0.0174. Where the exact power is farther than that from the middle between two
 * numbers, pow gives the nearest. We want 0.02: a sum whose small part is made larger by 25/24 is
 * the same number still (at a power of two, too, where the numbers below are nearer to each other).
 * One in 25 is not sure, and goes to libm. A libm that always gives the nearest number does so here
 * as well.
 *
 * What is left out here (terms of 2^-100 of the value) is 2^-47 of the last place. The range keeps
 * all parts, squares of parts too, far from what is subnormal or infinite. Rounding is to nearest,
 * as everywhere in Python.
 *
 * Machine code (asm_x86_64_pow.c) does the same, step by step.
 */
#include "jit/jit_pow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#if defined(__GLIBC__)
#include <gnu/libc-version.h>
#endif

#if defined(__x86_64__)
#define POW_FMA __attribute__((target("fma")))
#else
#define POW_FMA
#endif

bool fs_jit_pow_split(double w, fs_pow_shape *shape)
{
    double size = fabs(w);
    if (w == 1.0 || !(size == 0.5 || size == 1.0 || size == 1.5 || size == 2.0 || size == 3.0)) {
        return false;
    }
    shape->root = size == 0.5 || size == 1.5;
    shape->times = (int8_t)size;
    shape->inverse = w < 0.0;
    return true;
}

/* Whether a finite x is of a size that the rest is exact for. */
static bool pow_in_range(double x, bool root)
{
    double size = root ? x : fabs(x);
    return size >= 0x1p-64 && size < 0x1p64;
}

/* A root without a division: what its square is less than x is 2 * root times what it is wrong by.
 * (A root that is a power of two is never too large, so the numbers below it do not matter.) */
POW_FMA static bool pow_sure_root(double x, double *result)
{
    double root = sqrt(x), unit;
    uint64_t bits;
    memcpy(&bits, &root, sizeof(bits));
    bits &= FS_POW_EXPONENT;
    memcpy(&unit, &bits, sizeof(unit));
    *result = root;
    return fabs(__builtin_fma(-root, root, x)) < unit * root * FS_POW_ROOT_WITHIN;
}

POW_FMA bool fs_jit_pow_sure(double x, double w, double *result)
{
    fs_pow_shape shape;
    if (!fs_jit_pow_split(w, &shape) || !pow_in_range(x, shape.root)) {
        return false;
    }
    if (w == 0.5) {
        return pow_sure_root(x, result);
    }
    double high = x, rest = 0.0;
    if (shape.root) {
        double root = sqrt(x), half = 0.5 * __builtin_fma(-root, root, x);
        if (shape.times == 1) {
            high = x * root;
            rest = __builtin_fma(half, root, __builtin_fma(x, root, -high));
        } else { /* (-0.5) */
            high = root;
            rest = half / root;
        }
    }
    for (int k = 1; k < shape.times && !shape.root; k++) {
        double product = high * x;
        rest = __builtin_fma(rest, x, __builtin_fma(high, x, -product));
        high = product;
    }
    if (shape.inverse) {
        double inverse = 1.0 / high;
        double left = __builtin_fma(-inverse, rest, __builtin_fma(-inverse, high, 1.0));
        rest = left * inverse;
        high = inverse;
    }
    double sum = high + rest;
    rest -= sum - high;
    *result = sum;
    return __builtin_fma(rest, FS_POW_WIDER, sum) == sum;
}

/* Whether libm's pow is known, the processor can do it, and both agree on some numbers. */
static bool pow_check(void)
{
#if defined(__GLIBC__) && defined(__x86_64__)
    static const double powers[] = {2.0, 3.0, 0.5, 1.5, -1.0, -2.0, -3.0, -0.5, -1.5};
    const char *version = gnu_get_libc_version();
    char *end;
    long major = strtol(version, &end, 10);
    if (!__builtin_cpu_supports("fma") || major != 2 || *end != '.' || atol(end + 1) < 28) {
        return false;
    }
    uint64_t random = 0x9e3779b97f4a7c15u;
    for (int k = 0; k < 512; k++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        double x = (double)(random >> 11) * 0x1p-53 + (double)(k % 8) * 0.125, sure;
        double w = powers[k % 9];
        if (fs_jit_pow_sure(x, w, &sure) && sure != pow(x, w)) {
            return false;
        }
    }
    return true;
#else
    return false;
#endif
}

bool fs_jit_pow_is_known(void)
{
    static int8_t known = -1; /* (under the GIL; the same in all threads and children) */
    if (FS_UNLIKELY(known < 0)) {
        known = pow_check();
    }
    return known;
}
