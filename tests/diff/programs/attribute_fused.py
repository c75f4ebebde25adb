"""Attribute ops that run together with their neighbours, and super(), under change.

Loads and stores of locals, of globals, in augmented assignments and constructors; methods
found by super() from several classes. Each is run often and then made to be something else.
"""

# ruff: noqa - odd code on purpose

import sys
import traceback
import types

HOT = 40


def report(title, call, *args):
    """Print what a call gives or raises."""
    try:
        print(title, "->", call(*args))
    except Exception as error:
        print(title, "!!", type(error).__name__, error, getattr(error, "name", "-"))


def heat(func, *args):
    """Run a site until it is specialised."""
    for _ in range(HOT):
        try:
            func(*args)
        except Exception:
            pass


def fused():
    global Shared, shared_module

    class SharedMeta(type):
        pass

    class Shared(metaclass=SharedMeta):
        value = 1

        @staticmethod
        def sm():
            return "static"

        def plain():
            return "plain"

    shared_module = types.ModuleType("shared_module")
    shared_module.x = 1
    shared_module.f = lambda: "f"

    def use():
        return Shared.value, Shared.plain(), Shared.sm(), shared_module.x, shared_module.f()

    heat(use)
    print(use())
    Shared.value = 2
    shared_module.x = 2
    print(use())
    shared_module.f = lambda: "f2"
    Shared.plain = lambda: "plain2"
    print(use())
    heat(use)
    globals()["fused_new"] = 1
    print(use())
    heat(use)
    print(use())
    keep = shared_module
    shared_module = Shared
    report("no x", use)
    Shared.x, Shared.f = "class x", lambda: "class f"
    print(use())
    heat(use)
    print(use())
    shared_module = keep
    heat(use)
    print(use())
    keep = Shared
    del Shared
    report("no global", use)
    Shared = keep
    del shared_module.x
    report("no module x", use)
    shared_module.x = 5
    SharedMeta.value = property(lambda cls: "meta")
    print(use())
    SharedMeta.__getattribute__ = lambda cls, name: lambda: ("meta", name)
    print(use()[1:])
    Shared.__class__ = type("Plainer", (SharedMeta,), {"__getattribute__": type.__getattribute__})
    print(use())

    class Init:
        def __init__(self, a, b=2):
            self.a = a
            self.b = b
            self.c = 0
            self.d = None
            self.n = a
            self.n += 1
            self.n += self.b

        def count(self, by):
            self.n += by
            self.n -= 1
            return self.n

    class Slots:
        __slots__ = ("n", "a")

        def __init__(self, a):
            self.a = a
            self.n = 0

        count = Init.count

    made = [Init(i) for i in range(HOT)]
    print(made[-1].__dict__, made[0].count(1))
    Init.extra = 1
    made += [Init(i, b=3) for i in range(HOT)]
    print(made[-1].__dict__, [k for k in made[-1].__dict__])
    for o in (made[-1], Slots(1), made[0], Init(1.5), Slots(2)):
        heat(o.count, 2)
        report("count", o.count, 2)
    o = Init(1)
    o.__dict__
    heat(o.count, 1)
    print(o.count(1), o.__dict__)
    o.__dict__ = {"n": 5}
    heat(o.count, 2)
    print(o.count(1), o.__dict__)
    del o.n
    report("gone", o.count, 1)
    o.n = "text"
    report("type", o.count, 1)
    Init.n = property(lambda self: 100, lambda self, v: print("set n", v))
    print(Init(1).count(5))

    class Loud:
        def __init__(self, name):
            self.name = name

        def __add__(self, other):
            return Loud(self.name + "+")

        def __sub__(self, other):
            return Loud(self.name + "-")

        def __del__(self):
            frame = sys._getframe(1)
            print("del", self.name, frame.f_lineno - frame.f_code.co_firstlineno)

    del Init.n
    o = made[3]
    o.n = Loud("n")
    print(o.count(1).name)
    s = Slots(1)
    s.n = Loud("s")
    print(s.count(1).name)
    report("init", o.__init__, Loud("a"))
    o.__init__(1)
    s.__init__(Loud("a"))
    s.__init__(1)

    def unset(flag):
        if flag:
            self = made[0]
            v = 1
        self.a = v
        return self.a

    heat(unset, True)
    report("unset", unset, False)

    def half(flag):
        v = 1
        if flag:
            self = made[0]
        self.a = v

    heat(half, True)
    report("half", half, False)


def supers():
    class A:
        value = 5

        def __new__(cls, *args):
            return super().__new__(cls)

        def __init__(self, *args):
            super().__init__()
            self.args = args

        def m(self):
            return ("A", self.args)

        @classmethod
        def cm(cls):
            return ("A.cm", cls.__name__)

        @staticmethod
        def sm():
            return "A.sm"

        def __setattr__(self, name, v):
            super().__setattr__(name, v)

        def __eq__(self, other):
            return super().__eq__(other)

        __hash__ = None

    class B(A):
        def __init__(self, *args):
            super().__init__(*args, "B")

        def m(self):
            return ("B", super().m(), super(B, self).m(), super().cm(), super().sm())

        @classmethod
        def cm(cls):
            return ("B.cm", super().cm(), super(B, cls).sm(), super().m.__name__)

        def celled(self):
            return (lambda: self)() is self, super().m()

        def rebound(self, other):
            self = other
            return super().m()

        def deleted(self):
            del self
            return super().m()

        def missing(self):
            return super().nothing()

        def klass(self):
            return super().__class__(object, 1)

        def value_call(self):
            return super().value()

        def inner(self):
            return [super(B, self).m() for _ in range(2)]

        def inner_bare(self):
            return [super().m() for _ in range(2)]

    class C(B):
        def m(self):
            return ("C", super().m())

    def sites(o):
        return o.m(), o.cm(), type(o).cm(), o.celled(), o == o

    c, b = C(1), B(2)
    heat(sites, c)
    print(sites(c), sites(b))
    heat(B)
    print(B(3).args, C(4).args)
    for name in ("deleted", "missing", "klass", "value_call", "inner", "inner_bare"):
        heat(getattr(b, name))
        report(name, getattr(b, name))
    heat(b.rebound, c)
    print(b.rebound(c), c.rebound(b))
    report("rebound to a stranger", b.rebound, 5)
    A.m = lambda self: "A new"
    print(sites(c), sites(b))
    B.m = A.m
    print(sites(c))
    A.cm = 5
    report("cm", b.cm)
    C.__bases__ = (A,)
    report("bases", C.m, c)

    class Proxy:
        __class__ = B
        args = "proxied"

    report("proxy", B.celled, Proxy())
    real = super
    try:
        globals()["super"] = lambda *a: real(*a) if a else "shadowed"
        report("shadowed", b.celled)
        report("shadowed with arguments", b.inner)
    finally:
        del globals()["super"]
    print(b.celled())

    class L(list):
        def append(self, x):
            super().append(x * 2)

        def __len__(self):
            return super().__len__() + 100

    l = L()
    for i in range(HOT):
        l.append(i)
    print(len(l), list.__len__(l), l[-1])
    report("wrong self", L.append, [], 1)

    class Meta(type):
        def __call__(cls, *a):
            return super().__call__(*a), cls.__name__

        def __new__(mcls, *a):
            return super().__new__(mcls, *a)

    for i in range(HOT):
        made = Meta(f"M{i}", (), {})
    print(made())


for test in (fused, supers):
    print("==", test.__name__)
    try:
        test()
    except Exception:
        traceback.print_exc(file=sys.stdout)
