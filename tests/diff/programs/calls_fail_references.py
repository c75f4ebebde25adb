"""Calls of all kinds fail in hot loops: no reference is kept to what was called, or to what it was given."""

import functools
import sys


class Odd(Exception):
    pass


class Thing:
    def __init__(self, fails=False):
        self.n = [1, 2]
        if fails:
            self.loop(fails)

    def loop(self, x, *more, key=None):
        for n in self.n:
            n + 1
        return 6 - x

    @property
    def value(self):
        for n in self.n:
            pass
        raise Odd

    @classmethod
    def made(cls, x):
        for n in (1, 2):
            pass
        return 6 - x

    @staticmethod
    def plain(x):
        for n in (1, 2):
            pass
        return 6 - x

    def __call__(self, x):
        for n in self.n:
            pass
        return 6 - x

    def __add__(self, x):
        for n in self.n:
            pass
        return 6 - x

    def __getitem__(self, x):
        for n in self.n:
            pass
        return 6 - x

    def __bool__(self):
        for n in self.n:
            pass
        raise Odd

    def __iter__(self):
        for n in self.n:
            yield n
        raise Odd

    def __getattr__(self, name):
        for n in (1, 2):
            pass
        raise Odd


def looping(x, y=3, *more, key=None, **others):
    for n in (1, 2):
        pass
    return 6 - x


def few(x):
    for n in (1, 2):
        pass
    return 6 - x


def closing(x):
    def inner():
        return x

    for n in (1, 2):
        pass
    return 6 - x


def free(z):
    def inner(x):
        for n in (1, 2):
            z
        return 6 - x

    return inner


def yielding(x):
    for n in (1, 2):
        yield n
    yield 6 - x


inner = free(object())
thing = Thing()
bound = thing.loop
partial = functools.partial(few)

KINDS = {
    "function": lambda x: few(x),
    "defaults": lambda x: looping(x),
    "star": lambda x: looping(*(x, 1, 2)),
    "keywords": lambda x: looping(x, key=x, other=x),
    "cells": lambda x: closing(x),
    "free": lambda x: inner(x),
    "method": lambda x: thing.loop(x),
    "method, more": lambda x: thing.loop(x, x, key=x),
    "bound": lambda x: bound(x),
    "class": lambda x: Thing(x),
    "classmethod": lambda x: thing.made(x),
    "staticmethod": lambda x: thing.plain(x),
    "object": lambda x: thing(x),
    "partial": lambda x: partial(x),
    "operator": lambda x: thing + x,
    "subscript": lambda x: thing[x],
    "property": lambda x: x is None or thing.value,
    "truth": lambda x: not thing,
    "iteration": lambda x: [n for n in thing],
    "missing": lambda x: thing.missing,
    "generator": lambda x: list(yielding(x)),
    "unpacking": lambda x: [*yielding(x)],
    "sum": lambda x: sum(yielding(x)),
    "map": lambda x: list(map(few, (x, x))),
    "sorted": lambda x: sorted((x, x), key=few),
    "getattr": lambda x: getattr(thing, "missing"),
    "anew": lambda x: (lambda y: [6 - y for n in (1, 2)])(x),
}


def run(kind, bad, times):
    failed = 0
    for i in range(times):
        try:
            kind(bad if i % 3 else 5)
        except (TypeError, Odd):
            failed += 1
    return failed


def references(bad):
    looked_at = (looping, few, closing, inner, yielding, thing, bound, partial, Thing.loop, Thing.__init__,
                 Thing.__call__, Thing.__add__, Thing.__getitem__, Thing.made.__func__, Thing.plain, bad)  # fmt: skip
    return [sys.getrefcount(o) for o in looked_at]


def main():
    bad = Odd()
    for name, kind in KINDS.items():
        run(kind, bad, 60)
        before = references(bad)
        failed = run(kind, bad, 60)
        after = references(bad)
        print(name, failed, [b - a for a, b in zip(before, after)])


main()
