# Powers by a constant: traces make the usual ones without libm, and must give the same bits.
import math
import struct
import zlib


def squares(xs):
    out = []
    for x in xs:
        out.append((x**2, x**2.0, x**3, x**3.0, x**-1.0, x**-2, x**-2.0, x**-3.0))
    return out


def roots(xs):
    out = []
    for x in xs:
        out.append((x**0.5, x**1.5, x**-0.5, x**-1.5))
    return out


def digest(rows):
    values = [v for row in rows for v in row]
    return len(values), zlib.crc32(struct.pack("<%dd" % len(values), *values))


def numbers(n, spread):
    state = 12345
    for _ in range(n):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        fraction = 1.0 + (state >> 12) / 2.0**52
        yield math.ldexp(fraction, (state >> 3) % (2 * spread + 1) - spread)


for spread in (1, 30, 80, 300):
    xs = list(numbers(3000, spread))
    print(spread, digest(roots(xs)), digest(squares(xs)), digest(squares([-x for x in xs])))

# around powers of two, and what is exact
near = [math.ldexp(1.0, e) for e in range(-70, 70)]
near += [math.nextafter(x, 0.0) for x in near] + [math.nextafter(x, 1e300) for x in near]
near += [float(k) for k in range(1, 300)] + [float(k * k) for k in range(1, 300)]
print(digest(squares(near)), digest(roots(near)))


def one(f, x):
    try:
        return repr(f(x))
    except (OverflowError, ZeroDivisionError) as e:
        return "%s: %s" % (type(e).__name__, e)


odd = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 5e-324, -5e-324, 1e-310, 1.7e308]
odd += [-1.7e308, 2.0**-64, 2.0**64, 2.0**-63, math.nextafter(2.0**64, 0), 1e103, 1e-103, -8.0]


def each(f):
    out = []
    for x in [2.5] * 40 + odd + [2.5] * 40 + odd:
        out.append(one(f, x))
    return out


for f in (
    lambda x: x**2.0,
    lambda x: x**3.0,
    lambda x: x**-1.0,
    lambda x: x**-2.0,
    lambda x: x**-3.0,
    lambda x: x**0.5,
    lambda x: x**1.5,
    lambda x: x**-0.5,
    lambda x: x**-1.5,
):
    rows = each(f)
    print(rows[40:-40], zlib.crc32(repr(rows).encode()))


def alive(xs):
    # many numbers live over the power, which is called for now and then
    a = b = c = d = e = 0.0
    for x in xs:
        p, q, r = x + 1.0, x * 0.5, x - 3.0
        y = x**-1.5
        a, b, c, d, e = a + p * y, b + q * y, c - r * y, d + x, e + y**2
    return a, b, c, d, e


print(alive([0.25 + k * 0.37 for k in range(5000)]))
