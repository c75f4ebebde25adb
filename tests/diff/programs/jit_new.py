"""Classes with a __new__ in Python in hot loops: what it returns, when __init__ follows, and errors."""

from __future__ import annotations

import sys
import traceback


def attempt(function, *args):
    try:
        return function(*args)
    except BaseException as error:
        frames = traceback.extract_tb(error.__traceback__)
        return type(error).__name__, str(error), [(f.name, f.lineno) for f in frames]


class Plain:
    def __new__(cls, a, b=2):
        self = object.__new__(cls)
        self.a = a
        self.b = b
        return self


class Money(int):
    def __new__(cls, value, unit="x"):
        self = int.__new__(cls, value * 100)
        return self


class Pair(tuple):
    def __new__(cls, x, y):
        return tuple.__new__(cls, (x, y))

    def sum(self):
        return self[0] + self[1]


class Triple(Pair):
    def __new__(cls, x, y, z):
        return tuple.__new__(cls, [x, y, z])


class Own(Plain):
    def __init__(self, a, b=2):
        self.total = a + b


class Cached:
    made = {}

    def __new__(cls, key):
        if key in cls.made:
            return cls.made[key]
        self = super().__new__(cls)
        self.key = key
        cls.made[key] = self
        return self


class Chooser:
    def __new__(cls, i):
        if i % 10 == 9:
            return i
        if i % 10 == 8:
            return None
        if i % 10 == 7:
            return Late(i)
        self = object.__new__(cls)
        self.i = i
        return self


class Late(Chooser):
    """A subclass with an __init__: type's call runs it, on what Chooser returns as well."""

    log = []

    def __new__(cls, i):
        return object.__new__(cls)

    def __init__(self, i):
        self.log.append(i)


class Raiser:
    def __new__(cls, i):
        if i == 70:
            raise ValueError(i)
        return object.__new__(cls)


class Frames:
    def __new__(cls, i):
        self = object.__new__(cls)
        self.names = [sys._getframe(k).f_code.co_name for k in range(3)]
        return self


def plain(n):
    s = 0
    for i in range(n):
        p = Plain(i)
        s += p.a * p.b + Plain(i, 5).b
    return s, type(p).__name__


def keywords(n):
    s = 0
    for i in range(n):
        s += Plain(b=i, a=3).b + Plain(i, b=4).a
    return s


def money(n):
    s = Money(0)
    for i in range(n):
        s = Money(s + Money(i)) if i % 3 == 0 else s
        s = Money(s % 7)
    return s, type(s).__name__


def pairs(n):
    s = 0
    for i in range(n):
        p = Pair(i, i + 0.5)
        s += p.sum() + len(Triple(p[0], 2, 3))
    return s, p


def owns(n):
    s = 0
    for i in range(n):
        s += Own(i).total
    return s


def cached(n):
    seen = set()
    for i in range(n):
        c = Cached(i % 13)
        seen.add(id(c))
        if c.key != i % 13:
            return "wrong"
    return len(seen)


def chooser(n):
    counts = {}
    for i in range(n):
        name = type(Chooser(i)).__name__
        counts[name] = counts.get(name, 0) + 1
    return counts, Late.log[-3:], len(Late.log)


def raiser(n):
    for i in range(n):
        Raiser(i)
    return "end"


def frames(n):
    for i in range(n):
        f = Frames(i)
    return f.names


def wrong(n):
    for i in range(n):
        if i == 70:
            Pair(1)
        Pair(1, 2)


def changed(n):
    out = []
    for i in range(n):
        if i == 60:
            Pair.__new__ = staticmethod(lambda cls, x, y: tuple.__new__(cls, (y, x, i)))
        if i == 80:
            Pair.__init__ = lambda self, *a: out.append(a)
        out.append(tuple(Pair(i, -i)))
    return out[55:65], out[-5:]


def deep(i):
    return Deep(i + 1)


class Deep:
    depth = 0

    def __new__(cls, i):
        Deep.depth = max(Deep.depth, i)
        return deep(i)


for function in (plain, keywords, money, pairs, owns, cached, chooser, raiser, frames, wrong):
    for n in (2, 75, 130):
        print(function.__name__, n, attempt(function, n))
print(attempt(changed, 100))
for _ in range(3):
    result = attempt(deep, 0)
    print(result[0], result[1], len(result[2]) > 100)
