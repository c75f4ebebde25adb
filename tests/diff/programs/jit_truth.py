"""Truth that is asked of objects in traces, and star calls with lists."""

import sys


class Sized:
    def __init__(self, n):
        self.n = n

    def __len__(self):
        if self.n == 77:
            raise ValueError("no length")
        return self.n


class Truth:
    def __init__(self, v, log):
        self.v = v
        self.log = log

    def __bool__(self):
        self.log.append(sys._getframe(1).f_lineno - sys._getframe(1).f_code.co_firstlineno)
        return self.v

    def __del__(self):
        self.log.append("dies")


class Meta(type):
    def __instancecheck__(cls, o):
        return o % 3 == 0

    def __subclasscheck__(cls, o):
        return o is int


class Odd(metaclass=Meta):
    pass


def lengths(n):
    some = [Sized(k % 3) for k in range(n)]
    a = b = 0
    for s in some:
        if s:
            a += 1
        if not s:
            b += 1
        while s:
            s.n -= 1
    return a, b


def booleans(n):
    log = []
    out = 0
    for i in range(n):
        if Truth(i % 2 == 0, log):
            out += 1
        t = Truth(i % 5 != 0, log)
        if not t:
            out += 10
        out += 1 if t and i else 2
        t = None
    return out, len(log), log[:6], log[-6:]


def errors(n):
    some = [Sized(k % 2) for k in range(n)]
    some[n - 3].n = 77
    out = 0
    try:
        for s in some:
            if s:
                out += 1
    except ValueError as e:
        return out, str(e), e.__traceback__.tb_lineno - errors.__code__.co_firstlineno


def classes(n):
    a = b = c = 0
    for i in range(n):
        if isinstance(i, Odd):
            a += 1
        if not isinstance(i, Odd):
            b += 1
        if issubclass(int if i % 2 else str, Odd):
            c += 1
        if callable(i):
            c += 100
        if hasattr(i, "real"):
            c += 1
    return a, b, c


def star(*args, **kw):
    return len(args) + len(kw)


def lists(n):
    o = object()
    out = []
    for i in range(n):
        args = [o, i]
        out.append(star(*args))
        out.append(star(*[o, i]))
        out.append(star(*args, **{"k": o}))
        out.append(star(*[]))
        out.append(max(*args[1:], 3, *[4]))
    return out[:5], out[-5:], sys.getrefcount(o)


for fn in (lengths, booleans, errors, classes, lists):
    for _ in range(3):
        result = fn(130)
    print(fn.__name__, result)
