"""Powers 0.5 and 2 of floats, which traces know: the same bits as libm gives."""

import math
import random

random.seed(7)


def roots(data):
    out = []
    for v in data:
        out.append((v**0.5, v**2, v**2.0, (-v) ** 2))
    return out


def check(data):
    n = 0
    for v, t in zip(data, roots(data)):
        n += t != (math.pow(v, 0.5), math.pow(v, 2), math.pow(v, 2.0), math.pow(-v, 2))
    return n


data = [random.random() * 10 ** random.randint(-12, 12) for _ in range(20000)]
data += [float(i) for i in range(1, 3000)] + [i * i * 1.0 for i in range(1, 2000)]
data += [math.nextafter(i * i * 1.0, j) for i in range(1, 900) for j in (0.0, 1e9)]
data += [random.random() * 10.0 ** random.randint(-150, 150) for _ in range(5000)]
print(check(data), hash(tuple(roots(data))))


def odd():
    out = []
    for v in [0.0, -0.0, 1e-300, 1e150, 5e-324, float("inf"), 1.0, 2.0, 4.0] * 40:
        out.append((v**0.5, v**2))
    return out


print(odd()[-9:])
