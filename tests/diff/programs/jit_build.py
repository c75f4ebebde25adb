"""Traces that build things: displays, functions, star calls, formats, imports, patterns, names."""

import gc
import sys


class Noisy:
    """Tells when it is hashed, compared, formatted or dies."""

    def __init__(self, n, log):
        self.n = n
        self.log = log

    def __hash__(self):
        self.log.append(("hash", self.n))
        if self.n == 37:
            raise ValueError("no hash")
        return self.n % 3

    def __eq__(self, other):
        self.log.append(("eq", self.n, other.n))
        return self.n == other.n

    def __format__(self, spec):
        return f"<{self.n}|{spec}>"

    def __del__(self):
        self.log.append(("del", self.n))


def displays(n):
    out = []
    for i in range(n):
        d = {"a": i, i: "b", 1.5: None}
        e = {"x": i, "y": -i}
        s = {i, i + 1, "z"}
        t = [*e, *s][0], (*e.values(),)
        out.append((len(d), e["y"], len(s), t[0], t[1]))
    return out[-2:], sum(x[1] for x in out)


def hashing(n):
    log = []
    for i in range(n):
        try:
            a = {Noisy(i, log): 1, Noisy(i + 3, log): 2}
            b = {Noisy(i, log), Noisy(i, log)}
            log.append((len(a), len(b)))
        except ValueError as e:
            log.append(str(e))
    return len(log), log[-30:], [x for x in log if isinstance(x, str)]


def functions(n):
    total = 0
    made = []
    for i in range(n):
        def f(x, y=i, *, z: int = 2):
            return x + y + z + i
        g = lambda v: v * i
        total += f(1) + g(2) + f(1, z=5)
        if i % 50 == 0:
            made.append(f)
    return total, [(m(1), m.__defaults__, m.__kwdefaults__, m.__annotations__, m.__qualname__) for m in made]


def comprehensions(n):
    total = 0
    for i in range(n):
        total += sum([j * i for j in range(4)])
        total += len({j for j in range(i % 5)})
        total += sum({j: i for j in range(3)}.values())
        total += any(j > 2 for j in range(i % 5))
    return total


def target(*args, **kwargs):
    return args, sorted(kwargs.items())


def plain(a, b=2, *, c=3):
    return a, b, c


def stars(n):
    out = []
    for i in range(n):
        args = (i, i + 1)
        kw = {"c": i}
        a = target(*args, **kw)
        b = plain(*args, **kw)
        c = plain(i, **kw)
        d = target(*[i], *args, x=1, **kw)
        out.append((a, b, c, d))
    bad = []
    for i in range(n):
        try:
            target(**{"c": i}, c=2)
        except TypeError as e:
            bad.append(str(e))
        try:
            plain(*(1,) * (i % 4))
        except TypeError as e:
            bad.append(str(e))
    return out[-2:], len(bad), bad[:3], bad[-1]


def formats(n):
    log = []
    out = []
    for i in range(n):
        s = str(i)
        x = i / 3
        out.append(f"{s} {s!s} {s!r} {i} {i:04d} {x:.3f} {x} {s:>6} {i!r:>5} {Noisy(i, log):q}")
    try:
        for i in range(n):
            f"{i:{'d' if i < n - 1 else 'Q'}}"
    except ValueError as e:
        out.append(str(e))
    return out[-3:], len(log)


def imports(n):
    total = 0
    for i in range(n):
        import math
        from os import path
        from sys import maxsize as m
        total += math.floor(i + 0.5) + len(path.sep) + (m > 0)
    missing = 0
    for i in range(n):
        try:
            from math import nothing_of_that_name
        except ImportError:
            missing += 1
    return total, missing


class Point:
    __match_args__ = ("x", "y")

    def __init__(self, x, y):
        self.x = x
        self.y = y


def patterns(n):
    counts = [0] * 7
    for i in range(n):
        kinds = (i, [i, i + 1], (1, 2, 3), {"k": i}, Point(i, 1), Point(1, i), "s", None)
        match kinds[i % 8]:
            case int():
                counts[0] += 1
            case [a, b]:
                counts[1] += a + b
            case [a, *rest]:
                counts[2] += len(rest)
            case {"k": v, **others}:
                counts[3] += v + len(others)
            case Point(x, 1):
                counts[4] += x
            case Point(x=1, y=q):
                counts[5] += q
            case _:
                counts[6] += 1
    return counts


def unpacks(n):
    total = 0
    for i in range(n):
        a, *b = (i, 2, 3)
        *c, d = [i, i]
        e, *f, g = [1] * (2 + i % 3)
        total += a + len(b) + len(c) + d + e + len(f) + g
    short = 0
    for i in range(n):
        try:
            a, b, *c = (1,) * (i % 4)
            short += len(c)
        except ValueError as e:
            short -= len(str(e))
    return total, short


class Slot:
    pass


def deletes(n):
    s = Slot()
    missed = 0
    for i in range(n):
        s.a = i
        if i % 3:
            del s.a
        try:
            del s.a
        except AttributeError:
            missed += 1
    return missed, vars(s)


def drops(n):
    log = []
    keep = None
    for i in range(n):
        keep = Noisy(i, log)
        if i % 2:
            keep = None
    return len(log), log[-4:]


def counts(n):
    o = object()
    f = None
    for i in range(n):
        d = {"o": o}
        s = {o}
        t = (*[o],)
        f = lambda q=o: q
        target(*(o,), **{"k": o})
    del d, s, t, f
    gc.collect()
    return sys.getrefcount(o)


total_at_module = 0
for module_index in range(400):
    total_at_module += module_index
    if module_index % 100 == 0:
        module_name = f"{module_index}"
print(total_at_module, module_index, module_name)


def set_global(n):
    global counted
    counted = 0
    for i in range(n):
        counted += 1
        counted = counted
    return counted


for fn in (displays, hashing, functions, comprehensions, stars, formats, imports, patterns, unpacks,
           deletes, drops, counts, set_global):
    for _ in range(3):
        result = fn(200)
    print(fn.__name__, result)
