"""Calls that get specialised, then see something else: every form, hit, miss and error.

Each site is run often enough to be specialised before what it calls changes shape.
"""

import abc
import collections
import contextlib
import enum
import fractions
import gc
import io
import sys
import traceback
import weakref

WARM = 40


def show(label, thunk):
    """Run, and print the result or the error with its traceback's lines."""
    try:
        print(label, "->", thunk())
    except BaseException as error:
        lines = [(f.name, f.lineno, f.end_lineno, f.colno, f.end_colno)
                 for f in traceback.extract_tb(error.__traceback__)]
        print(label, "!!", type(error).__name__, error, lines)


# ---- Python functions: known, changed, replaced ----

def plain(a, b):
    c = a, b
    return c


def call_site(f, *more):
    for _ in range(WARM):
        r = f(1, 2)
    return r


print(call_site(plain), call_site(lambda x, y: x - y), call_site(plain))


def other(a, b, c=7):
    return a, b, c


def swap_code():
    out = []
    for i in range(WARM * 3):
        if i == WARM:
            plain.__code__ = other.__code__
            plain.__defaults__ = (8,)
        if i == WARM * 2:
            plain.__defaults__ = (9,)
        out.append(plain(i, 2))
    return out[::13]


show("swap_code", swap_code)


def drop_defaults():
    def f(a, b=2, *, k=3):
        return a, b, k
    for i in range(WARM * 4):
        if i == WARM:
            f.__kwdefaults__["k"] = 33
        if i == WARM * 2:
            f.__kwdefaults__["zzz"] = 1
            f.__kwdefaults__["k"] = 34
        if i == WARM * 3:
            f.__kwdefaults__ = {}
        r = f(i)
        if i % WARM == WARM - 1:
            print(r)


show("drop_defaults", drop_defaults)


def defaults_gone():
    def f(a, b=2):
        return a, b
    for i in range(WARM * 2):
        if i == WARM:
            f.__defaults__ = None
        r = f(i)
    return r


show("defaults_gone", defaults_gone)


def kw_sites():
    def f(a, /, b, c=3, *, d, e=5):
        return a, b, c, d, e
    out = []
    for i in range(WARM):
        out.append(f(1, b=2, d=i))
        out.append(f(1, 2, d=i, c=9))
        out.append(f(e=1, d=2, c=3, b=4, *(5,)))
    print(out[-3:])
    for g in (f, lambda *a, **k: (a, k), f, other):
        for i in range(WARM):
            try:
                r = g(1, b=i, d=3)
            except TypeError as error:
                r = str(error)
        print(r)
    for i in range(WARM):
        try:
            f(1, a=2, d=3)
        except TypeError as error:
            r = str(error)
    print(r)
    for i in range(WARM):
        try:
            f(1, 2, b=2, d=3)
        except TypeError as error:
            r = str(error)
    print(r)


show("kw_sites", kw_sites)


def many(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r=18, s=19):
    return a + b * 2 + q * 3 + r + s


def many_sites():
    for _ in range(WARM):
        x = many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)
        y = many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, q=1, s=4)
    return x, y


show("many", many_sites)


# ---- bound methods ----

class Holder:
    def __init__(self, tag="t"):
        self.tag = tag

    def meth(self, a):
        return self.tag, a

    @classmethod
    def cm(cls, a):
        return cls.__name__, a

    @staticmethod
    def sm(a):
        return "static", a

    def __call__(self, a):
        return "called", self.tag, a


def bound_sites():
    h = Holder("h")
    bound = h.meth
    for f in (bound, h.cm, Holder.sm, h, plain.__get__(1), len, [].append, bound):
        for i in range(WARM):
            try:
                r = f([i])
            except TypeError as error:
                r = str(error)
        print(r)
    before = sys.getrefcount(h)
    for i in range(WARM):
        h.meth(i)
        bound(i)
        h.cm(i)
    print(sys.getrefcount(h) == before)
    count = 0
    for i in range(WARM):
        Holder(i).meth(i)
        count += (lambda: Holder("x").meth)()(i)[1]
    return count


show("bound", bound_sites)


# ---- C functions ----

class Len:
    def __init__(self, n):
        self.n = n

    def __len__(self):
        if isinstance(self.n, Exception):
            raise self.n
        return self.n


def c_sites():
    for v in ([1], (1, 2), "abc", {1: 2}, b"xy", {1}, range(5), Len(6), [0] * 300, Len(-1),
              Len(2**70), Len(KeyError("k")), Len("no"), 3, [1]):
        for _ in range(WARM):
            try:
                r = len(v)
            except Exception as error:
                r = repr(error)
        print(r)
    for f in (ord, chr, abs, callable, repr, id, plain, ord):
        for v in ("a", 97, "ab", None, 5.5):
            for _ in range(WARM):
                try:
                    r = f(v) if f is not id else 0
                except Exception as error:
                    r = repr(error)
            print(r, end=" ")
    print()
    for args in ((1, 2), (2, 1), (1.5, 1.5), (float("nan"), 1.0), (1.0, float("nan")), (True, 2),
                 (2**80, 1), (1, 2.5), ("a", "b"), (1, "b"), ([1], [0]), (0.0, -0.0), (-0.0, 0.0)):
        for _ in range(WARM):
            a, b = args
            try:
                lo, hi = min(a, b), max(a, b)
            except TypeError as error:
                lo = hi = str(error)
        print(lo, hi)
    out = []
    same = []
    for i in range(WARM):
        out.append(i)
        same.append(out)
        x = out.append(i)
    print(len(out), x, len(same))

    class Sub(list):
        def append(self, v):
            raise ValueError("sub")

    class Plain(list):
        pass
    for target in ([], Plain(), Sub(), [], bytearray()):
        for i in range(WARM):
            try:
                target.append(i)
            except ValueError as error:
                r = str(error)
        print(type(target).__name__, len(target))
    for target in (list(range(100)), Plain(range(100)), [1], {5}, dict.fromkeys(range(3))):
        for _ in range(WARM):
            try:
                r = target.pop()
            except Exception as error:
                r = repr(error)
        print(r, len(target))
    d = {1: 2}
    for _ in range(WARM):
        a = d.get(1), d.get(2), d.get(2, 3), d.items(), "x".join(["a", "b"]), "abc".startswith("a")
        try:
            d.get([])
        except TypeError as error:
            r = str(error)
        try:
            "x".join([1])
        except TypeError as error:
            r = r, str(error)
    print(a, r)
    for _ in range(WARM):
        try:
            next(iter(()))
        except StopIteration as error:
            r = error.args
        a = next(iter((1, 2)), 3), getattr(d, "nope", 4), sorted([3, 1]), print(end="")
        try:
            getattr(d, "nope")
        except AttributeError as error:
            r = str(error), error.name
    print(a, r)


show("c_sites", c_sites)


def types_sites():
    class Str:
        def __str__(self):
            return "str!"

    class BadStr:
        def __str__(self):
            return 5

        def __bool__(self):
            raise OverflowError("bool")

        def __int__(self):
            return 12

    values = (1, "s", 1.75, [1], Str(), BadStr(), float("inf"), b"12", "12", None, True, 2**70)
    for f in (str, tuple, int, bool, float, list, type, repr, set, str):
        for v in values:
            for _ in range(12):
                try:
                    r = f(v)
                except Exception as error:
                    r = repr(error)
            if "object at" not in str(r if not isinstance(r, (list, tuple)) else ""):
                print(f.__name__, r, end=" | ")
        print()
    for v in values:
        for _ in range(WARM):
            try:
                r = [type(v).__name__, str(v)[:4], tuple([v])[0] is v, bool(v), int(v)]
            except Exception as error:
                r = repr(error)
        print(r)


show("types", types_sites)


class Base:
    pass


class Derived(Base):
    pass


class Liar:
    @property
    def __class__(self):
        return Base


class Virtual(abc.ABC):
    pass


def isinstance_sites():
    for v, cls in ((Derived(), Base), (Base(), Derived), (1, int), (True, int), (1, str),
                   (Liar(), Base), (Liar(), Liar), (Base(), Virtual), (1, (str, int)),
                   (1, (str, (bytes, int))), (1, ()), (1, int | str), (int, type), (1, 2),
                   ([], (list, 5)), (1, (str, 5))):
        for _ in range(WARM):
            try:
                r = isinstance(v, cls)
            except TypeError as error:
                r = str(error)
        print(r, end=" ")
    print()
    out = []
    for i in range(WARM * 3):
        if i == WARM:
            Virtual.register(Base)
        if i == WARM * 2:
            Derived.__bases__ = (Liar,)
        out.append((isinstance(d, Base), isinstance(b, Virtual), isinstance(b, Derived)))
    print(out[0], out[WARM], out[-1])
    Derived.__bases__ = (Base,)
    for i in range(WARM):
        class Fresh(Base):
            pass
        r = isinstance(b, Fresh), isinstance(Fresh(), Base), isinstance(d, Fresh)
        if r != (False, True, False):
            print("wrong", r)
    changed = Base()
    for i in range(WARM):
        if i == WARM // 2:
            changed.__class__ = Liar
        r = isinstance(changed, Liar)
    print(r)


d, b = Derived(), Base()
show("isinstance", isinstance_sites)


# ---- classes ----

class Pair:
    made = 0

    def __init__(self, a, b=2, *rest, k=3):
        self.a, self.b, self.rest, self.k = a, b, rest, k

    def __repr__(self):
        return f"Pair({self.a}, {self.b}, {self.rest}, {self.k})"


class Exact:
    def __init__(self, a, b):
        self.a, self.b = a, b


class Slots:
    __slots__ = ("a", "__weakref__")

    def __init__(self, a):
        self.a = a


def class_sites():
    for _ in range(WARM):
        r = [Pair(1), Pair(1, 2), Pair(1, 2, 3), Pair(1, k=4), Pair(b=1, a=2), Exact(1, 2).b,
             Exact(b=1, a=2).b, Slots(5).a, type(Base()).__name__]
    print(r)
    for args in ((), (1,), (1, 2, 3)):
        def make(args=args):
            for _ in range(WARM):
                try:
                    r = Exact(*args) if len(args) == 2 else Exact(1) if len(args) == 1 else Exact()
                except TypeError as error:
                    r = str(error)
            return r
        print(make())
    for _ in range(WARM):
        try:
            Base(1)
        except TypeError as error:
            r = str(error)
        try:
            Exact(1, c=2)
        except TypeError as error:
            r = r, str(error)
    print(r)


show("classes", class_sites)


def class_changes():
    class C:
        def __init__(self, a):
            self.a = a
    seen = []
    for i in range(WARM * 8):
        if i == WARM:
            C.__init__ = lambda self, a: setattr(self, "a", -a)
        if i == WARM * 2:
            C.__init__.__code__ = (lambda self, a: setattr(self, "a", a * 2)).__code__
        if i == WARM * 3:
            C.__init__ = lambda self, a, b=5: setattr(self, "a", a + b)
        if i == WARM * 4:
            del C.__init__
        if i == WARM * 5:
            C.__new__ = lambda cls, a: object.__new__(cls)
        if i == WARM * 6:
            C.__new__ = lambda cls, a: a
        if i == WARM * 7:
            del C.__new__
            C.__init__ = lambda self, a: 5
        try:
            c = C(i)
            r = getattr(c, "a", type(c).__name__)
        except TypeError as error:
            r = str(error)
        if i % WARM == WARM - 1:
            seen.append(r)
    return seen


show("class_changes", class_changes)


def init_generator():
    class G:
        def __init__(self):
            yield 1

    class N:
        def __init__(self):
            self.x = 1
    for i in range(WARM * 2):
        if i == WARM:
            N.__init__.__code__ = G.__init__.__code__
        N()


show("init_generator", init_generator)


def abstract():
    class A(abc.ABC):
        @abc.abstractmethod
        def m(self):
            pass

    class B(A):
        def __init__(self, x):
            self.x = x

        def m(self):
            return self.x
    for i in range(WARM * 2):
        if i == WARM:
            B.__abstractmethods__ = frozenset({"m", "n"})
        r = B(i).m()
    return r


show("abstract", abstract)


def metaclasses():
    class Meta(type):
        pass

    class M(metaclass=Meta):
        def __init__(self, x):
            self.x = x
    for i in range(WARM * 2):
        if i == WARM:
            Meta.__call__ = lambda cls, x: ("meta", x)
        r = M(i)
    print(r)

    class Meta2(type):
        def __call__(cls, x):
            return "meta2", x

    class P(metaclass=Meta):
        def __init__(self, x):
            pass
    del Meta.__call__
    for i in range(WARM * 2):
        if i == WARM:
            P.__class__ = Meta2
        r = P(i)
    print(r)

    class Color(enum.Enum):
        RED = 1
    for _ in range(WARM):
        r = Color(1)
    return r


show("metaclasses", metaclasses)


def init_raises():
    class R:
        def __init__(self, x):
            if x > WARM:
                raise ValueError(x)
            self.x = x

        def __del__(self):
            dead.append(1)
    dead = []
    try:
        for i in range(WARM * 2):
            R(i)
    except ValueError as error:
        print(len(dead), [f.lineno - init_raises.__code__.co_firstlineno
                          for f in traceback.extract_tb(error.__traceback__)])
    gc.collect()
    return len(dead)


show("init_raises", init_raises)


def init_frames():
    class F:
        def __init__(self):
            f = sys._getframe()
            self.names = [f.f_code.co_name, f.f_back.f_code.co_name]
            self.refs = sys.getrefcount(self), sys.getrefcount(F)
            del f  # in a dict of its locals, it is a cycle that the collector finds some time
            self.locals = sorted(locals())
    for _ in range(WARM):
        o = F()
    return o.names, o.refs, o.locals


show("init_frames", init_frames)


class Error(Exception):
    def __init__(self, code, *rest):
        super().__init__(code, *rest)
        self.code = code


class MyDict(dict):
    def __init__(self, a):
        self["a"] = a


def builtin_bases():
    for _ in range(WARM):
        e = Error(5, 6)
        m = MyDict(3)
        v = ValueError("x")
    return e.args, e.code, m, v


show("builtin_bases", builtin_bases)


class Callable:
    def __init__(self, tag):
        self.tag = tag

    def __call__(self, a, b=2):
        a_was, a = a, None
        return self.tag, a_was, b


class Meta(type):
    def __call__(cls, x):
        return cls.__name__, x


class ByMeta(metaclass=Meta):
    pass


def callable_objects():
    c = Callable("c")
    for i in range(WARM * 6):
        if i == WARM * 2:
            Callable.__call__ = lambda self, a, b: ("new", a, b)
        if i == WARM * 3:
            Callable.__call__ = len
        if i == WARM * 4:
            c.__class__ = ByMeta
        if i == WARM * 5:
            c = ByMeta
        try:
            r = c(i) if i % 2 else c(i, 5)
        except TypeError as error:
            r = str(error)
        if i % WARM > WARM - 3:
            print(r)


show("callable_objects", callable_objects)


class New:
    def __new__(cls, a, b=2, **more):
        if a == "other":
            return (a, b, more)
        self = object.__new__(Newer if a == "newer" else cls)
        self.a, self.b, self.more = a, b, more
        return self

    def __repr__(self):
        return f"{type(self).__name__}({self.a}, {self.b}, {self.more})"


class Newer(New):
    def __init__(self, *args, **more):
        self.args = args, more
        if args[0] == 13 or args[-1] == "bad":
            raise ValueError(args)

    def __repr__(self):
        return super().__repr__() + repr(getattr(self, "args", None))


class NewExact:
    def __new__(cls, a):
        return object.__new__(cls) if a else None


class NewDeep:
    def __new__(cls, n):
        return object.__new__(cls) if n == 0 else NewDeep(n - 1)

    def __init__(self, n):
        self.n = n


def news():
    point = collections.namedtuple("point", "x y", defaults=[5])
    for i in range(WARM * 4):
        rows = []
        for make in (lambda: New(i), lambda: New(i, b=3, c=4), lambda: New("other", 1),
                     lambda: New("newer", 1), lambda: New("newer", b=1), lambda: Newer(i, 2),
                     lambda: Newer(a=i), lambda: New("newer", "bad"), lambda: NewExact(i % 2),
                     lambda: point(1, i), lambda: point(i), lambda: point(y=1, x=i), lambda: point(),
                     lambda: point(1, 2, 3), lambda: New(), lambda: New(a=1, q=2),
                     lambda: fractions.Fraction(i, 6), lambda: fractions.Fraction(numerator=i),
                     lambda: NewDeep(5).n):
            try:
                r = make()
                rows.append(type(r).__name__ if type(r) is NewExact else r)
            except Exception as error:
                rows.append(f"{error!r} {len(traceback.extract_tb(error.__traceback__))}")
        if i == WARM:
            New.__new__ = staticmethod(lambda cls, a="none", b="lambda", **more: (cls, a, b, more))
        if i == WARM * 2:
            New.__new__.__defaults__ = (1,)
        if i == WARM * 3:
            New.__new__ = lambda cls, *args, **more: args
        if i % WARM == WARM - 1:
            print(rows)
    old = sys.getrecursionlimit()
    sys.setrecursionlimit(200)
    try:
        for _ in range(3):
            n = 0
            try:
                while True:
                    n += 1
                    NewDeep(n)
            except RecursionError as error:
                print(n, error)
    finally:
        sys.setrecursionlimit(old)


show("news", news)


def bound_defaults():
    class K:
        def m(self, a, b=2, *, k=3):
            return a, b, k

        def s(self, *rest):
            return rest
    k = K()
    m, s = k.m, k.s
    for i in range(WARM * 3):
        if i == WARM:
            K.m.__defaults__ = (7,)
        if i == WARM * 2:
            K.m.__kwdefaults__["k"] = 9
        r = m(i), m(i, 1), s(), s(1, 2), m(i, k=2)
        if i % WARM == WARM - 1:
            print(r)


show("bound_defaults", bound_defaults)


class Note:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("gone", self.name, end="; ")


class Taker:
    def __init__(self, a, *rest, **named):
        a = rest = named = None
        print("init", end=" ")

    def __call__(self, a):
        a = None
        print("called", end=" ")


class Taker1:
    def __init__(self, a):
        a = None
        print("init1", end=" ")


def taking(a, *rest, **named):
    a = rest = named = None
    print("function", end=" ")


def lifetimes():
    """Where arguments are alive until the call is over, and where not."""
    for i in range(WARM):
        if i == WARM - 1:
            print()
        t = Taker(Note("a"), Note("b"), c=Note("c"))
        t1 = Taker1(Note("d"))
        t(Note("e"))
        taking(Note("f"), Note("g"), h=Note("h"))
        taking(*(Note("i"), Note("j")), **{"k": Note("k")})
        Taker(*(Note("l"), Note("m")), **{"n": Note("n")})
        Taker1(a=Note("o"))
    del t1
    print()


with contextlib.redirect_stdout(io.StringIO()) as heard:
    lifetimes()
print(heard.getvalue().split("\n")[-2])


def star_sites():
    def f(a, b=2, *rest, k=3, **more):
        return a, b, rest, k, sorted(more)

    def g(a, /, b, *, c):
        return a, b, c
    t = (1, 2, 3)
    for args, kwargs in (((1,), {}), ((1, 2, 3), {"k": 4}), ((1,), {"b": 5, "z": 6}), ((), {"a": 1}),
                         (t, {"a": 1}), ((), {}), ([1], {"x": 2}), ((1,), {1: 2}), (5, {}),
                         ((1, 2), {"c": 3}), ((1,), {"b": 2, "c": 3}), ((1,), {"a": 2, "c": 3})):
        for h in (f, g, Callable, dict, max, Callable("h").__call__):
            for _ in range(3):
                try:
                    r = h(*args, **kwargs)
                except Exception as error:
                    r = repr(error)
            if not isinstance(r, Callable):
                print(h.__name__, r)

    def same(*a, **k):
        return a is t, k is named
    named = {"q": 1}
    print(same(*t), same(*t, **named), len((lambda *a: a)(*())))

    class S(str):
        pass
    print(f(1, **{S("b"): 7}), f(1, **{"".join(["b", "b"]): 8}), f(1, **{"".join(["b"]): 8}))


show("star_sites", star_sites)


def depth_of(f):
    """How many levels are left below f, by its own count."""
    count = 0

    def plain_down():
        nonlocal count
        count += 1
        plain_down()

    class Down:
        def __init__(self):
            nonlocal count
            count += 1
            Down()

    class DownKw:
        def __init__(self, a=1):
            nonlocal count
            count += 1
            DownKw(a=2)

        def __call__(self, a):
            nonlocal count
            count += 1
            self(a)

        def m(self):
            nonlocal count
            count += 1
            self.m()

        def n(self, a, b=3):
            nonlocal count
            count += 1
            self.n(1)

    bound = DownKw.__new__(DownKw)

    def via_method():
        m = bound.m
        m()

    def via_star(*a):
        nonlocal count
        count += 1
        via_star(*a)

    starts = [plain_down, Down, DownKw, bound.m, lambda: bound.n(1), via_method, via_star,
              lambda: bound(1)]
    try:
        starts[f]()
    except RecursionError as error:
        return count, str(error)


def recursion():
    old = sys.getrecursionlimit()
    sys.setrecursionlimit(300)
    try:
        return [depth_of(i) for i in range(8) for _ in range(2)]
    finally:
        sys.setrecursionlimit(old)


show("recursion", recursion)


def finalizers():
    log = []

    class Noisy:
        def __init__(self, name):
            self.name = name

        def __del__(self):
            log.append(self.name)

    def take(a, b, c):
        return None

    def star(*a, **k):
        return None
    for i in range(WARM):
        del log[:]
        take(Noisy("a"), Noisy("b"), Noisy("c"))
        len([Noisy("l")])
        isinstance(Noisy("i"), int)
        max(1, 2)
        str.join("", [])
        star(Noisy("s1"), Noisy("s2"), k=Noisy("k"))
        take(a=Noisy("x"), c=Noisy("z"), b=Noisy("y"))
        hash(Noisy("h"))
        getattr(Noisy("g"), "name")
        {}.get(Noisy("d"))
        log.append(None)
    ref = weakref.ref(Noisy("w"))
    return log, ref()


show("finalizers", finalizers)


def finished_frames():
    """Where a kept frame object says that its function ended, however it was called."""
    kept = []

    def f(_=None):
        kept.append(sys._getframe())
        x = 1
        return x

    class I:
        def __init__(self):
            kept.append(sys._getframe())
            self.x = 1

        def __call__(self, a):
            kept.append(sys._getframe())
            a = 1

    for _ in range(WARM):
        del kept[:]
        f()
        f(*())
        list(map(f, [1]))
        I()
        I()(1)
        list(map(I(), [1]))
    return [(g.f_code.co_name, g.f_lineno - g.f_code.co_firstlineno, g.f_lasti) for g in kept]


show("finished_frames", finished_frames)
