"""with over managers in Python, hot, then over every other sort: who is called, bound, kept, raised."""

# ruff: noqa - odd code on purpose

import contextlib
import sys
import threading


def places(e):
    tb, lines = e.__traceback__, []
    while tb is not None:
        lines.append((tb.tb_frame.f_code.co_name, tb.tb_lineno))
        tb = tb.tb_next
    return lines


def use(m, fail=None):
    with m as got:
        if fail:
            raise fail
        return ("body", type(got).__name__)
    return "suppressed"


def attempt(f, *args):
    try:
        return f(*args)
    except BaseException as e:
        return type(e).__name__, str(e), places(e), type(e.__context__).__name__


class Plain:
    def __enter__(self):
        return self

    def __exit__(self, t, v, tb):
        self.seen = (t, v, tb is not None)


class Star(Plain):
    def __exit__(self, *args):
        self.seen = args[:2]
        return True


class Defaults(Plain):
    def __enter__(self, more=3):
        return more

    def __exit__(self, t, v=None, tb=None, extra=4, *, k=5):
        self.seen = (t, v, extra, k)


class EnterFails(Plain):
    def __enter__(self):
        raise KeyError("enter")


class ExitFails(Plain):
    def __exit__(self, t, v, tb):
        raise KeyError("exit")


class NoExit:
    def __enter__(self):
        print("never")


class NoEnter:
    def __exit__(self, *a):
        print("never")


class TooFew(Plain):
    def __exit__(self, t):
        pass


class TooMany(Plain):
    def __enter__(self, must):
        pass


class Gen(Plain):
    def __enter__(self):
        yield 1


class Static:
    @staticmethod
    def __enter__():
        return 5

    @staticmethod
    def __exit__(t, v, tb):
        return True


class Cls:
    @classmethod
    def __enter__(cls):
        return cls

    @classmethod
    def __exit__(cls, t, v, tb):
        return t is KeyError


class Slots:
    __slots__ = ("n",)

    def __enter__(self):
        self.n = 1

    def __exit__(self, *a):
        del self.n


class Descr:
    """__exit__ is a descriptor that changes the class when it is looked up."""

    def __enter__(self):
        return "old"

    @property
    def __exit__(self):
        def new_enter(self):
            return 1.5

        Descr.__enter__ = new_enter
        return lambda *a: True


class RaisingDescr:
    def __enter__(self):
        print("never")

    @property
    def __exit__(self):
        raise LookupError("exit descriptor")


class Instance:
    def __init__(self):
        self.__enter__ = lambda: print("never")

    def __enter__(self):
        return 1

    def __exit__(self, *a):
        return 0


@contextlib.contextmanager
def managed(log):
    log.append("in")
    try:
        yield log
    except ValueError:
        log.append("caught")
    finally:
        log.append("out")


MAKERS = [Plain, Star, Defaults, EnterFails, ExitFails, NoExit, NoEnter, TooFew, TooMany, Gen, Static,
          Cls, Slots, Descr, RaisingDescr, Instance, threading.Lock, lambda: managed([]), object,
          lambda: contextlib.suppress(KeyError), lambda: None]
SOURCE = open(__file__).read()
USE = SOURCE[SOURCE.index("def use(") : SOURCE.index("def attempt(")]
for warm in MAKERS:
    code = {}
    exec(compile(USE, __file__, "exec"), code)
    use = code["use"]
    for _ in range(25):
        attempt(use, warm())
    for make in MAKERS:
        for fail in (None, ValueError("v"), KeyError("k"), ValueError, KeyError):
            m = make()
            got = attempt(use, m, fail)
            seen = getattr(m, "seen", None)
            print(getattr(make, "__name__", make), got, repr(seen)[:80])


# ---- lives and references ----
class Noisy(Plain):
    def __del__(self):
        print("del", sys._getframe(1).f_code.co_name)

    def __enter__(self):
        return 7


def temporary():
    with Noisy() as n:
        print("body", n)
    print("after")


def counted():
    m = Plain()
    a = sys.getrefcount(m)
    with m:
        b = sys.getrefcount(m)
    with m as n:
        c = sys.getrefcount(m)
    del n
    return b - a, c - a, sys.getrefcount(m) - a


for _ in range(20):
    temporary()
    result = counted()
print(result)


# ---- frames as they are seen from inside ----
class Looks:
    def __enter__(self):
        f = sys._getframe()
        self.names = [f.f_code.co_name, f.f_back.f_code.co_name, f.f_back.f_lineno - FIRST]

    def __exit__(self, *a):
        f = sys._getframe()
        self.names += [f.f_code.co_name, f.f_back.f_code.co_name, f.f_back.f_lineno - FIRST]


FIRST = sys._getframe().f_lineno


def looked():
    m = Looks()
    with m:
        x = 1
        y = 2
    return m.names


for _ in range(20):
    result = looked()
print(result)


# ---- loops, nesting, leaving early ----
def early(n):
    out = []
    for i in range(n):
        with Plain() as a, Star() as b:
            if i == 3:
                continue
            if i == 7:
                break
            out.append(i)
    with Star():
        with Plain():
            raise KeyError(1)
    out.append("went on")
    return out


def deep(n):
    with Plain():
        return deep(n - 1) + 1 if n else 0


class Recursive:
    def __enter__(self):
        with self:
            pass

    def __exit__(self, *a):
        pass


for _ in range(10):
    result = early(20), deep(30)
print(result)
sys.setrecursionlimit(200)
print(attempt(use, Recursive())[0])
