"""Functions with *args and **kwargs, called plainly and by star calls, at hot sites that change."""

from __future__ import annotations

import gc
import sys
import traceback


def rest(*args):
    return args


def kept(a, *args):
    return a, args


def words(**kw):
    return kw


def both(a, b=5, *args, **kw):
    return a, b, args, kw


def only(*args, key=3, **kw):
    return args, key, kw


def none(a):
    return a


class Host:
    def __repr__(self):
        return "a host"

    def __str__(self):
        return "a host"

    def method(self, *args, **kw):
        return type(self).__name__, args, kw

    def __init__(self, *args, **kw):
        self.made = args, kw

    def __call__(self, *args):
        return args


def attempt(function, *args):
    try:
        return function(*args)
    except Exception as error:
        return type(error).__name__, str(error), len(traceback.extract_tb(error.__traceback__))


def one_argument(f):
    return f(1)


def three_arguments(f):
    return f(1, 2, 3)


def no_argument(f):
    return f()


def starred(f, args):
    return f(*args)


def starred_words(f, args, kw):
    return f(*args, **kw)


host = Host(7, x=8)
everything = [rest, kept, words, both, only, none, host.method, Host, host, print, len, 5]
for _ in range(6):
    for f in everything:
        if f is print and _:
            continue
        shown = [
            attempt(site, f) for site in (one_argument, three_arguments, no_argument)
        ] + [attempt(starred, f, args) for args in ((), (1,), [1, 2], "ab", 3)]
        shown += [
            attempt(starred_words, f, (1,), kw) for kw in ({}, {"key": 2}, {"b": 1}, {"a": 1}, {3: 4})
        ]
        print([repr(x)[:70] if not isinstance(x, Host) else x.made for x in shown])


# The dict and the tuple are new ones each time; the arguments have the references of stock.
first, second = words(), words()
print(first is second, rest(1) is rest(1), rest() is rest())
marker = object()


def counts(*args, **kw):
    return sys.getrefcount(marker), sys.getrefcount(args), sys.getrefcount(kw)


given = (marker,)
for _ in range(5):
    print(counts(marker), counts(*given), counts(*given, **{}))


class Dying:
    def __del__(self):
        print("dies", sys._getframe(1).f_code.co_name, sys._getframe(1).f_lineno)


def drops(*args):
    del args
    print("dropped")


def keeps(*args, **kw):
    print("kept")
    return len(args)


for _ in range(4):
    drops(Dying())
    drops(*[Dying()])
    keeps(Dying(), 2)
    keeps(*(Dying(),), **{})


def collects(*args):
    return gc.collect() >= 0, args


for _ in range(4):
    print(collects(1, [2]), starred(collects, (3,)))


# The function's code is replaced while the site is hot.
def changing(*args):
    return "star", args


def fixed(a):
    return "fixed", a


site = one_argument
for step in range(12):
    if step == 6:
        changing.__code__ = fixed.__code__
    if step == 9:
        changing.__code__ = both.__code__
    print(attempt(site, changing))


def deep(n, *args):
    return n if n == 0 else deep(n - 1, *args)


print(deep(200, 1, 2), attempt(deep, 100000)[:2])


# A collection in the middle of a call gives the function other code: the call goes on with its own.
def replaced(*args, **kw):
    return "first", len(args), kw


def other(*args):
    return "second", len(args)


class Replacing:
    def __init__(self):
        self.itself = self

    def __del__(self):
        replaced.__code__ = compile("def f(*a): return 'anew', len(a)", "anew", "exec").co_consts[0]


MANY = tuple(range(40))
gc.disable()
for step in range(40):
    Replacing()
    gc.set_threshold(1 + step % 7)
    gc.enable()
    one = replaced(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23)
    two = replaced(*MANY)
    gc.disable()
    assert one[1:2] == (23,) and two[1:2] == (40,), (one, two)
gc.set_threshold(700)
gc.enable()
gc.collect()
print(replaced(1, 2))
