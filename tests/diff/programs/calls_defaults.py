"""Calls whose last arguments come from defaults, through sites that see several callables."""

# ruff: noqa - odd code on purpose
import gc
import sys
import traceback


def none():
    return "none"


def one(a, b=2):
    return a, b


def two(a, b=2, c=3):
    return a, b, c


def exact(a, b):
    return a, b, "exact"


def only(a, *, k=5):
    return a, k


def star(a, *rest, **more):
    return a, rest, more


def gen(a, b=7):
    yield a
    yield b


class C:
    def method(self, a, b="b"):
        return type(self).__name__, a, b

    def __init__(self, a=1, b=2):
        self.ab = a, b

    def __call__(self, a, b="called"):
        return a, b


def say(label, call):
    try:
        print(label, call())
    except BaseException as e:
        print(label, type(e).__name__, e)


def through(func, *args):
    if len(args) == 1:
        return func(args[0])
    if len(args) == 2:
        return func(args[0], args[1])
    return func()


def sites():
    for _ in range(120):
        through(one, 1)
    for func in (one, two, exact, only, star, C().method, C, C(), len, str, gen):
        for n in range(3):
            say(f"{getattr(func, '__name__', 'object')} {n}", lambda: shown(func, n))


def shown(func, n):
    got = through(func, *((8, 9, 10)[:n]))
    return list(got) if type(got).__name__ == "generator" else getattr(got, "ab", got)


def redefined():
    def call():
        return [two(1), two(1, 5)]

    for _ in range(100):
        call()
    saved = two.__defaults__
    for defaults in (("x", "y"), ("p", "q", "r"), (None,), ("a", "b", "c", "d"), None, saved):
        two.__defaults__ = defaults
        say(f"defaults {defaults}", call)
        say(f"none {defaults}", lambda: two())
    code = two.__code__
    two.__code__ = exact.__code__
    say("other code", call)
    two.__code__ = (lambda a, b=1, c=2, d=3: (a, b, c, d)).__code__
    say("longer code", call)
    two.__code__ = code
    say("again", call)


def classes():
    class Made:
        def __init__(self, a, b="b", c="c"):
            self.all = a, b, c

    def make(*args):
        if len(args) == 1:
            return Made(args[0]).all
        return Made(args[0], args[1]).all

    for _ in range(80):
        make(1), make(1, 2)
    print(make(1), make(1, 2))
    init = Made.__init__
    for defaults in (("x", "y"), ("p", "q", "r", "s"), ("p", "q", "r"), ("z",), None, ("b", "c")):
        init.__defaults__ = defaults
        say(f"class {defaults}", lambda: [make(1, 2), make(1)])
    Made.__init__ = lambda self, a, b=5: setattr(self, "all", (a, b))
    say("other __init__", lambda: [make(1, 2), make(1)])
    Made.__init__ = lambda self, a, *rest, k=1: setattr(self, "all", (a, rest, k))
    say("star __init__", lambda: [make(1, 2), make(1)])
    Made.__init__ = lambda self, a, b=5: "not none"
    say("value", lambda: make(1))
    Made.__init__ = init
    for n in range(60):
        try:
            Made() if n % 2 else Made(1, 2, 3, 4)
        except TypeError as e:
            if n > 57:
                print(e)
    default = init.__defaults__[0]
    before = sys.getrefcount(default)
    for _ in range(100):
        make(1)
    print("kept", sys.getrefcount(default) - before)


def counted():
    class Thing:
        pass

    thing = Thing()

    def held(a, b=thing):
        return sys.getrefcount(thing)

    del Thing
    seen = set()
    for _ in range(200):
        seen.add(held(1))
        seen.add(held(1, None))
    print("references", sorted(seen))
    before = sys.getrefcount(thing)
    for _ in range(200):
        held(1)
    print("kept", sys.getrefcount(thing) - before)


def raised():
    def fails(a, b=0):
        return a / b

    def call(x):
        return fails(x)

    for n in range(80):
        try:
            call(n)
        except ZeroDivisionError as e:
            if n in (0, 79):
                print("".join(traceback.format_tb(e.__traceback__)[1:]))


def deep(n, acc=()):
    return acc if n == 0 else deep(n - 1)


def endless(a, b=1):
    return endless(a)


def recursion():
    print(deep(400))
    for _ in range(3):
        try:
            endless(1)
        except RecursionError as e:
            print(e)


class Loud:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("gone", self.name, sys._getframe(1).f_code.co_name)


def finalizers():
    def take(a, b=None):
        a = b
        return "taken"

    for n in range(70):
        got = take(Loud(n) if n > 67 else n)
        if n > 67:
            print(got)


sites()
redefined()
classes()
counted()
raised()
recursion()
finalizers()
gc.collect()
