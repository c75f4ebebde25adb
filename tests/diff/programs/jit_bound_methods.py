"""Bound methods that are values: kept in locals, attributes and lists, called in hot code."""

# ruff: noqa - odd code on purpose

import sys
import weakref

HOT = 300


class Box:
    def __init__(self, n):
        self.n = n
        self.add = self.plain

    def plain(self, k):
        return self.n + k

    def loops(self, k):
        t = 0
        for i in range(k % 5):
            t += self.n
        return t

    def default(self, k, extra=5, *, word="w"):
        return self.n, k, extra, word

    def star(self, *args):
        return len(args)

    def fails(self, k):
        for i in range(2):
            pass
        return [][self.n + k]

    @classmethod
    def cls(cls, k):
        return cls.__name__, k

    def __del__(self):
        gone.append(self.n)


gone = []


def one_method(box):
    add, loops = box.plain, box.loops
    t = 0
    for i in range(HOT):
        t += add(i)
        t += loops(i)
    return t


def many_objects():
    boxes = [Box(i) for i in range(7)]
    t = 0
    for i in range(HOT):
        f = boxes[i % 7].loops
        t += f(i)
        t += boxes[i % 7].add(i)
    for box in boxes:
        box.add = None
    return t


def many_methods(box):
    out = []
    methods = [box.plain, box.loops, box.star, box.default, box.cls, [].append, len]
    for i in range(HOT):
        f = methods[i * 5 // HOT]
        out.append(f(i))
    return out[:2], out[60:62], out[120:122], out[180:182], out[-2:]


def keywords(box):
    f = box.default
    for i in range(HOT):
        r = f(i), f(k=i), f(i, 1), f(i, word="x"), f(extra=i, k=2)
    return r


def last_reference():
    """The bound method alone keeps the object."""
    log = []
    for i in range(HOT):
        f = Box(i).plain
        ref = weakref.ref(f.__self__)
        f.__self__.add = None
        log.append(f(1))
        f = None
        log.append(ref() is None)
    return sum(x for x in log if x is not True), log.count(True), len(gone)


def errors(box):
    f, n = box.fails, 0
    for i in range(HOT):
        try:
            f(i)
        except IndexError as e:
            n += e.__traceback__.tb_next.tb_lasti
    return n


def counts(box):
    f = box.loops
    before = sys.getrefcount(f), sys.getrefcount(box), sys.getrefcount(Box.loops)
    for i in range(HOT):
        f(i)
    return before == (sys.getrefcount(f), sys.getrefcount(box), sys.getrefcount(Box.loops))


def changed(box):
    f, out = box.plain, []
    for i in range(HOT):
        if i == HOT - 5:
            Box.plain.__code__ = (lambda self, k: ("changed", self.n, k)).__code__
        out.append(f(i))
    return out[-7:]


box = Box(3)
for _ in range(3):
    print(one_method(box), many_objects(), many_methods(box), keywords(box))
    print(last_reference(), errors(box), counts(box))
print(changed(box))


# ---- one call of many functions ----


def make(n):
    if n % 2:
        return lambda x, n=n: ("lambda", n, x)

    def plain(x):
        for i in range(n % 3):
            x += i
        return n, x

    return plain


def dispatches(table):
    out = []
    for i in range(3 * HOT):
        f = table[i % len(table)]
        out.append(f(i))
    return out[-9:]


def through_dict(handlers, values):
    n = 0
    for v in values:
        handler = handlers.get(type(v))
        if handler is not None:
            n += handler(v)
    return n


table = [make(i) for i in range(9)]
handlers = {
    int: lambda v: v,
    str: len,
    float: lambda v: int(v * 2),
    list: lambda v: through_dict(handlers, v),
    tuple: lambda v: sum(map(through_dict, [handlers] * len(v), [[x] for x in v])),
    bytes: lambda v: v[0],
    dict: lambda v: through_dict(handlers, v.values()),
}
values = [1, "two", 3.5, [4, "five", [6.5]], (7, 8), b"9", {"k": [10, 11.5]}] * 60
for _ in range(2):
    print(dispatches(table), through_dict(handlers, values))
