"""Magnitudes of complex numbers compared with constants, near the limits and far from them."""

import math


def esc(pts, lim, op):
    out = []
    n = 0
    for z in pts:
        w = z * 1.0
        if op == 0:
            if abs(w) > lim:
                n += 1
        elif op == 1:
            if abs(w) >= lim:
                n += 1
        elif op == 2:
            if abs(w) < lim:
                n += 1
        else:
            if abs(w) <= lim:
                n += 1
    return n


def const(pts):
    n = m = k = 0
    t = 0.0
    for z in pts:
        w = z * z
        if abs(w) > 2.0:
            n += 1
        if abs(w + 1) <= 5.0:
            m += 1
        r = abs(z)
        if r < 1.25:
            t += r
        if not abs(z) >= 0.5:
            k += 1
        if abs(z) > 0:
            k += 3
        if abs(z) > -1.0:
            k += 3
        if abs(z) < 1e300:
            k += 5
    return n, m, k, t


pts = [
    complex(math.cos(i * 0.7) * (i % 13) * 0.31, math.sin(i * 0.7) * (i % 13) * 0.31)
    for i in range(3000)
]
near = []
for i in range(2000):
    a = i * 0.0031415926
    for r in (2.0, 1.25, 0.5, math.nextafter(2.0, 3), math.nextafter(2.0, 1), 5.0):
        near.append(complex(r * math.cos(a), r * math.sin(a)))
near += [
    complex(3, 4),
    complex(0, 2),
    complex(2, 0),
    complex(-2, 0),
    complex(0.3, 0.4),
    complex(0, -0.5),
] * 50
print(const(pts), const(near))
big = (
    pts + [complex(1e200, 1e200), complex(1e-200, 1e-200), complex(0, 0), complex(-0.0, 0.0)] * 100
)
print(const([z for z in big if abs(z) < 1e150]))
try:
    print(const(big))
except OverflowError as e:
    print(e)
for odd in (
    complex("nan"),
    complex("inf"),
    complex(1, float("nan")),
    complex(float("-inf"), float("nan")),
):
    print(const(pts[:500] + [odd, odd] + pts[500:900]))
for op in range(4):
    print(esc(near, 2.0, op), esc(near, 0.5, op), esc(pts, 1, op), esc(near, 5, op))


def mandel(n):
    t = []
    for y in range(n):
        for x in range(n):
            c = complex(-2.0 + 3.0 * x / n, -1.5 + 3.0 * y / n)
            z = 0j
            for i in range(40):
                if abs(z) > 2.0:
                    break
                z = z * z + c
            t.append((i, z))
    return hash(tuple(t))


print(mandel(30))
