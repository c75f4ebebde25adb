"""Numbers that other names still hold may never change under an operation in place."""

# ruff: noqa - odd code on purpose

import random
import sys

rnd = random.Random(3)
LIMITS = [0, 1, -1, 255, 256, 257, 2**29, 2**30 - 1, 2**30, 2**30 + 1, 2**45, 2**59, 2**60 - 1, 2**60,
          2**60 + 1, 2**61, 2**62 - 1, 2**62, 2**63 - 1, 2**63, 2**64, 2**89, 2**90, 10**30]
LIMITS += [-v for v in LIMITS] + [0.5, -0.0, 1e300, 2.5, 1e-300, float(2**53), -7.25, True, False]


def keep(v):
    kept.append((v, repr(v)))
    return v


def check(tag):
    bad = [(r, repr(v)) for v, r in kept if repr(v) != r]
    print(tag, len(kept), bad[:3])
    kept.clear()


def chains(a, b):
    x = a + b
    keep(x)
    y = x - a
    z = x + y - b + a - x
    keep(z)
    w = x
    x += 1
    x -= b
    keep(w)
    x = x * 2 - x
    t = (x, y, z, w)
    x = x + x
    u = -x + y * 1 - z
    keep(u)
    return t, u, x - -a, abs(a) + abs(b) - (a - b)


def closures(a, b):
    x = a + b

    def get():
        return x

    def add(n):
        nonlocal x
        x += n
        return x
    first = get()
    second = add(b)
    third = add(-b)
    return first, second, third, get(), x + 1 - 1


def defaults(a, b):
    x = a + b

    def f(y=x, *, z=a - b):
        y += z
        z += y
        return y - z
    return f(), f(), x, f.__defaults__, f.__kwdefaults__


class Box:
    total = 2**40

    def __init__(self, v):
        self.v = v + 1
        self.w = self.v

    def grow(self, n):
        self.v += n
        self.w = self.v - n
        return self.v + self.w

    @property
    def p(self):
        return self.v * 1


def attributes(a, b):
    box = Box(a)
    other = Box(b)
    other.v = box.v
    box.grow(b)
    other.total += box.v
    Box.total += 0
    return box.v, box.w, other.v, other.w, other.total, Box.total, box.p - other.p


def containers(a, b):
    s = a + b
    items = [s, s, s]
    items[0] += 1
    items[1] -= b
    d = {"k": s, "l": s}
    d["k"] += a
    d["k"] *= 1
    t = (s, s + 1)
    p, q = t
    p += q
    e = [v + 1 for v in items] + [v - 1 for v in t]
    m = {i: v + v for i, v in enumerate(items)}
    return items, d, t, p, q, e, m, s


def generators(a, b):
    def gen(n):
        while True:
            got = yield n
            n += got
            n = n - 0
    g = gen(a)
    x = next(g)
    y = g.send(b)
    z = g.send(-b)
    g.close()
    return x, y, z, sum(v + 1 for v in (x, y, z))


def loops(a, b):
    t = a
    seen = []
    for i in range(6):
        t += b
        seen.append(t)
        t = t - b + i
        t = b + t
    u = a
    while len(seen) < 9:
        u = u + 1 + b
        seen.append(u)
        u -= b
    return seen, t, u


def calls(a, b):
    def f(x, y):
        x += y
        y += x
        return x - y

    def g(*xs):
        return [x + 1 for x in xs]
    s = a + b
    return f(s, s), f(s + 1, b), f(y=s, x=s), g(s, s, s + s), s, max(s, s + 1), divmod(s, 7)


def constants(n):
    x = 1152921504606846976
    y = 1073741824
    z = 0.5
    x += n
    y += n
    z += n
    return x, y, z, 1152921504606846976, 1073741824, 0.5, 2**60, -1152921504606846976


def compare(a, b):
    s = a + b
    t = s - b
    return s < t, s == s + 0, s - s == 0, s is s, t <= a, (s + 1) > s, not (s - s), bool(s)


def globals_():
    global G
    x = G
    G += 1
    y = G
    G -= 2**33
    G += 2**33
    return x, y, G


G = 2**60
kept = []
functions = [chains, closures, defaults, attributes, containers, generators, loops, calls, compare]
constant_pool = list(constants(0)[3:])
for function in functions:
    results = []
    for _ in range(700):
        a, b = rnd.choice(LIMITS), rnd.choice(LIMITS)
        before = repr(a), repr(b)
        results.append(repr(function(a, b)))
        assert (repr(a), repr(b)) == before, (function, a, b)
    print(function.__name__, hash(tuple(results)), results[::233])
    check(function.__name__)
print([repr(constants(n)) for n in (1, -1, 2**60, 0.5, True) for _ in range(30)][::30])
print(constants(0)[3:] == tuple(constant_pool), [globals_() for _ in range(60)][-1], Box.total)
print([v for v in LIMITS])
# Small ints and interned strings must be themselves.
print(all((i + 300) - 300 is i for i in range(-5, 257)), [(-6 + 1) is -5, (256 + 1) is 257])
same = [str(i) for i in range(10)]
print([str(i) is str(i) for i in range(10)], [f"{i}" for i in range(-3, 12)], same)


def texts(i, f):
    return f"{i}", f"{i}{f}", f"{i:d}", f"{i!r}", f"{f}", str(i), repr(i), f"a{i}b{i}c", "%d" % i


for i in (0, 9, 10, -1, 99, 100, 2**30, 2**60, -2**62, True):
    for f in (0.5, 1e16, -0.0, i):
        r = [texts(i, f) for _ in range(20)][-1]
    print(r)
totals = {}
words = "the quick brown fox jumps over the lazy dog the end".split() * 40
for n, word in enumerate(words):
    totals[word] = totals.get(word, 0) + 1
    totals[len(word)] = totals.get(len(word), 2**30 - 50) + 1
    if n % 97 == 0:
        held = dict(totals)
print(totals, held["the"], held[3])
x = 2**40
y = x
for _ in range(100):
    y = y + 1
    x = y - 1
    y = x
print(x, y, sys.getsizeof(x), sys.getrefcount(2**40))
