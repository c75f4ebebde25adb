"""Complex numbers without objects in traces, and loops whose recorded turn is the last."""

import sys


def mandelbrot(w, h):
    total = 0
    for py in range(h):
        for px in range(w):
            c = complex(px / w * 3.5 - 2.5, py / h * 2 - 1)
            z = 0j
            count = 0
            while abs(z) <= 2.0 and count < 40:
                z = z * z + c
                count += 1
            total += count
    return total, z, c


def mixed(n):
    z, out = 1 + 2j, []
    for i in range(n):
        z = -(z * 0.5 + i - 1.5 + 2 * z - (i + 0.25j))
        if abs(z) > 1000:
            z = complex(z.imag, z.real) * 1e-3
        if i % 50 == 0:
            out.append((z, z.real, z.imag, z == complex(z.real, z.imag), z.conjugate()))
    return out


def signs(n):
    seen = set()
    values = [complex(0.0, -0.0), complex(-0.0, 0.0), complex(float("inf"), 1), complex(1, 0)]
    for i in range(n):
        a, b = values[i % 4], values[i // 4 % 4]
        seen.add(repr(a * b) + repr(a + b) + repr(a - b) + repr(a + 0.0) + repr(-a) + repr(3 * b))
    return sorted(seen)


def overflows(n):
    z = 1e300 + 1e300j
    total = 0.0
    for i in range(n):
        try:
            total += abs(z * (1e8 if i == n - 2 else 1))
        except OverflowError as error:
            return total, str(error), i
    return total


def identity(n):
    kept = []
    z = 0j
    for i in range(n):
        z = z + 1
        y = z
        if i % 30 == 5:
            kept.append(z)
            kept.append(y is z)
    held = [z]
    before = sys.getrefcount(z)
    del held
    return kept, before - sys.getrefcount(z)


def changes(n):
    z = 0
    for i in range(n):
        if i == n // 4:
            z = z + 0.5
        if i == n // 2:
            z = z + 1j
        if i == n - 5:
            z = None
            break
        z = z + i
    return z


def short(n):
    total = 0
    for i in range(n):
        for j in range(i % 3):
            total += j
        k = 0
        while True:
            k += 1
            if k > i % 4:
                break
            total += k
        for item in (i, i + 1):
            if item % 5 == 4:
                break
            total += item
        else:
            total -= 1
    return total


print(mandelbrot(24, 16))
print(mixed(300))
print(signs(400))
print(overflows(300), identity(200), changes(300), changes(40), short(900))
