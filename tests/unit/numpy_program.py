"""NumPy arrays in hot loops: items of arrays and what is done with the scalars that come out."""

import traceback
import warnings

import numpy as np

warnings.simplefilter("always")


def attempt(function, *args):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            result = function(*args)
        except BaseException as error:
            frames = traceback.extract_tb(error.__traceback__)
            result = type(error).__name__, str(error), [(f.name, f.lineno) for f in frames]
    shown = [(w.category.__name__, str(w.message), w.lineno) for w in seen]
    return type(result).__name__, result, len(shown), shown[:2]


def dot(a, b, n):
    s = 0.0
    for i in range(n):
        s += a[i] * b[i]
    return s


def last(a, n):
    item = None
    for i in range(n):
        item = a[i]
    return item


def operators(a, b, n):
    out = []
    for i in range(n):
        x, y = a[i], b[i]
        out.append((x + y, x - y, x * y, 2 * x, y * 3, x - 1.5, 0.5 - y, -x, abs(y)))
    return [[(type(v).__name__, v) for v in row] for row in out[-2:]], repr(sum(map(sum, out)))


def quotients(a, b, n):
    out = []
    for i in range(n):
        out.append(a[i] / b[i])
    return type(out[-1]).__name__, out


def powers(a, n):
    x = a[0]
    for i in range(n):
        x = x * a[i]
    return type(x).__name__, x


def integers(a, b, n):
    out = []
    for i in range(n):
        x, y = a[i], b[i]
        out.append((x & y, x | y, x ^ 5, x + y, x * y, x - 7, 9 - y, -x))
    return [[(type(v).__name__, v) for v in row] for row in out[-2:]]


def compare(a, b, n):
    counts = [0] * 6
    for i in range(n):
        x, y = a[i], b[i]
        if x < y:
            counts[0] += 1
        if x <= 3:
            counts[1] += 1
        if y > 2.5:
            counts[2] += 1
        if not x >= y:
            counts[3] += 1
        counts[4] += 1 if x == y else 2
        while x != y:
            counts[5] += 1
            break
    return counts


def kept(a, n):
    out = []
    for i in range(n):
        out.append(a[i] > 2)
    return type(out[0]).__name__, out[:5], sum(out)


def truth(a, n):
    count = 0
    for i in range(n):
        if a[i]:
            count += 1
        if not a[i] and a[n - 1]:
            count += 10
    return count


def convert(a, n):
    out = []
    for i in range(n):
        out.append((float(a[i]), int(a[i]), bool(a[i]), len(a), a[i] is a[i]))
    return [type(v).__name__ for v in out[-1]], out[-1], out[0]


def fill(a, n, value):
    for i in range(n):
        a[i] = value
    return a[0], a[n - 1]


def ramp(a, n, step):
    for i in range(n):
        a[i] = i * step
    return a[:3].tolist()


def copy(a, b, n):
    for i in range(n):
        a[i] = b[i]
    return a[:3].tolist()


def histogram(counts, keys, n):
    for i in range(n):
        counts[keys[i]] += 1
    return counts.tolist()


def listed(items, keys, n):
    s = 0
    for i in range(n):
        s += items[keys[i]]
    return s


def sweep(u, v, n, m):
    for i in range(1, n - 1):
        for j in range(1, m - 1):
            v[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])
    return float(v.sum())


def cube(a, n):
    s = 0.0
    for i in range(n):
        for j in range(n):
            s += a[i, j, 0] + a[-1, j, i]
    return s


def reshaped(a, n):
    s = 0.0
    for i in range(n):
        if i == 40:
            a.shape = (n // 2, 2)
        s = s + a[i % 3].sum()
    return s


def resized(a, n):
    s = 0.0
    for i in range(n):
        if i == 40:
            a.resize(5, refcheck=False)
        s += a[i]
    return s


def retyped(a, n):
    s = 0
    for i in range(n):
        if i == 40:
            a.dtype = np.int64
        s += a[i]
    return s


def frozen(a, n):
    for i in range(n):
        if i == 40:
            a.flags.writeable = False
        a[i] = i
    return a


def length(a, n):
    s = 0
    for _ in range(n):
        s += len(a)
    return s


class Sub(np.ndarray):
    def __getitem__(self, key):
        return "own"


N = 80
rng = np.random.default_rng(7)
floats, others = rng.random(N) * 4, rng.random(N) - 0.5
ints, more = np.arange(N) - 20, np.arange(N)[::-1] * 3
kinds = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16"]
kinds += ["float32", "float64", "bool", "complex128", "object", ">f8", ">i8", "longlong", "U3"]

print("operators")
for a, b in ((floats, others), (ints, more), (floats, ints), (ints, floats)):
    print(attempt(dot, a, b, N))
    print(attempt(operators, a, b, N))
    print(attempt(quotients, a, b, N))
    print(attempt(compare, a, b, N), attempt(compare, a, a, N))
    print(attempt(kept, a, N), attempt(truth, a, N), attempt(convert, a, N))
    print(attempt(integers, a, b, N))
print("edges")
edge = np.array([0.0, -0.0, 1e308, 1e308, -1e308, np.inf, np.nan, 5e-324, 1e-300, 1e-300, 2.0] * 8)
print(attempt(dot, edge, edge[::-1], 88), attempt(quotients, edge, edge[::-1], 88))
print(attempt(operators, edge, edge[::-1], 88), attempt(compare, edge, edge[::-1], 88))
print(attempt(powers, np.full(N, 1e-20), N), attempt(powers, np.full(N, 1e20), N))
print(attempt(powers, np.zeros(N), N), attempt(truth, edge, 88), attempt(convert, edge, 88))
big = np.array([2**62, -(2**63), 2**63 - 1, 1] * 20)
print(attempt(integers, big, big[::-1], N), attempt(dot, big, big, N))
print(attempt(quotients, big, big, N))
with np.errstate(all="raise"):
    print(attempt(powers, np.full(N, 1e-20), N), attempt(powers, np.full(N, 1e20), N))
    print(attempt(quotients, edge, edge[::-1], 88), attempt(compare, edge, edge[::-1], 88))

print("kinds")
for kind in kinds:
    a = np.arange(N).astype(kind)
    print(kind, attempt(last, a, N), attempt(dot, a, a, N))
    print(attempt(truth, a, N), attempt(kept, a, N))
    for value in (3, 2.5, 300, -1, 2**40, 2**70, 1e300, np.float64(7), np.int64(9), "x", None):
        print(kind, value, attempt(fill, a.copy(), N, value))
    print(kind, attempt(ramp, a.copy(), N, 3), attempt(ramp, a.copy(), N, 0.5))
    print(kind, attempt(copy, a.copy(), floats, N), attempt(copy, a.copy(), ints, N))

print("shapes")
grid = np.arange(240.0).reshape(12, 20)
print(attempt(sweep, grid, grid.copy(), 12, 20), attempt(sweep, grid.T, grid.T.copy(), 20, 12))
print(attempt(sweep, grid[::2, ::3], np.zeros((6, 7)), 6, 7), attempt(sweep, grid, grid, 14, 20))
print(attempt(cube, np.arange(512.0).reshape(8, 8, 8), 8), attempt(dot, grid, grid, 3))
print(attempt(dot, floats[::2], floats[::-2], N // 2), attempt(dot, floats, floats, N + 1))
odd = np.zeros(N, dtype=[("a", "i1"), ("b", "f8")])["b"]
print(attempt(ramp, odd, N, 0.5), attempt(dot, odd, odd, N))
print(attempt(histogram, np.zeros(7, dtype=int), np.arange(N) % 7, N))
print(attempt(histogram, np.zeros(7), np.arange(N) % 9, N))
print(attempt(listed, list(range(9)), ints % 9, N))
print(attempt(last, np.arange(3.0).view(Sub), 3), attempt(last, np.ma.array(floats), N))
print(attempt(length, floats, N), attempt(length, grid, N), attempt(length, np.array(3), N))

print("changes under way")
print(attempt(reshaped, np.arange(80.0), N), attempt(resized, np.arange(80.0), N))
print(attempt(retyped, np.arange(80.0), N), attempt(frozen, np.arange(80.0), N))
print(attempt(dot, memoryview(floats), floats, N), attempt(dot, list(floats), floats, N))
