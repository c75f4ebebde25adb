"""func(*args, **kwargs) of all kinds of iterables and mappings, in hot loops."""

import sys
import traceback


def looped(*args, base=0, **more):
    total = base
    for a in args:
        total += a
    return total, sorted(more.items())


def plain(a, b=2, c=3):
    return a, b, c


def failing(*args):
    for a in args:
        if a == 3:
            raise ValueError(a)
    return len(args)


class Mapping:
    def __init__(self, **items):
        self.items = items

    def keys(self):
        return self.items.keys()

    def __getitem__(self, key):
        return self.items[key]


class Items:
    """Tells when it goes."""

    log = []

    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter(range(self.n))

    def __del__(self):
        self.log.append(sys._getframe(1).f_code.co_name)


def generators(n):
    out = []
    for i in range(n):
        out.append(looped(*(i + k for k in range(i % 4))))
        out.append(plain(*(k for k in range(1 + i % 3))))
        out.append(max(*(k * i for k in range(3))))
    return out


def kinds(things, n):
    out = []
    for i in range(n):
        thing = things[i % len(things)]
        out.append(looped(*thing, base=i))
        out.append(looped(*thing, **{"x": i}))
        out.append(looped(*thing, **Mapping(x=i, y=2)))
        out.append(looped(**Mapping(base=i)))
    return out


def deaths(n):
    for i in range(n):
        looped(*Items(i % 3))
        plain(*Items(1), **Mapping(b=i))
    return Items.log


def errors(n):
    out = []
    for i in range(n):
        for call in (
            lambda: looped(*i),
            lambda: looped(*(), **i),
            lambda: plain(*(), **Mapping(a=1, d=i)),
            lambda: failing(*(k for k in range(i % 6))),
            lambda: failing(*[i % 4]),
            lambda: plain(*(1 // (2 - k) for k in range(i % 4))),
        ):
            try:
                out.append(call())
            except (TypeError, ValueError, ZeroDivisionError) as e:
                frames = traceback.extract_tb(e.__traceback__)
                out.append((str(e), [(f.name, f.lineno) for f in frames]))
    return out


def nested(n):
    if n == 0:
        return ()
    return nested(*(k - 1 for k in (n,))) + (n,)


def change(n):
    global plain
    out, kept = [], plain
    for i in range(n):
        if i == n // 2:
            plain = looped
        out.append(plain(*iter([i, 2])))
    plain = kept
    return out


print(generators(40))
print(kinds([(1, 2), [3, 4], {5: 6}, {7}, range(3), iter(())], 60))
print(kinds([(k for k in range(3)), (), "", b"ab"], 40))
print(deaths(40))
print(errors(40))
for _ in range(20):
    print(len(nested(8)), nested(3))
try:
    nested(sys.getrecursionlimit())
except RecursionError as e:
    print("deep", str(e)[:40])
print(change(40))
