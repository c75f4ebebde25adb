"""Every form of attribute access, hot enough to be specialised, then invalidated in every way.

Each site runs often with one kind of owner, then meets another: the class changed, the instance
dict appeared, a slot emptied, a metaclass or a module changed. What is seen is printed.
"""

# ruff: noqa - odd code on purpose

import gc
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


def get_x(o):
    return o.x


def set_x(o, v):
    o.x = v
    return o.x


def call_m(o):
    return o.m()


def heat(func, *args):
    """Run a site until it is specialised."""
    for _ in range(HOT):
        try:
            func(*args)
        except Exception:
            pass


def fresh(func):
    """A copy of a function with a site of its own."""
    return types.FunctionType(func.__code__.replace(), globals(), func.__name__)


class Plain:
    def __init__(self, x):
        self.x = x
        self.y = x + 1

    def m(self):
        return ("m", self.x)


class Other:
    def __init__(self):
        self.before = 0
        self.x = "other"

    def m(self):
        return "other m"


class Slotted:
    __slots__ = ("x", "m")


class DictSub(dict):
    def m(self):
        return "dict m"


def instance_values():
    get, put, call = fresh(get_x), fresh(set_x), fresh(call_m)
    p = Plain(1)
    heat(get, p)
    heat(put, p, 5)
    heat(call, p)
    print(get(p), put(p, 6), call(p), p.__dict__)
    # a dict of its own now
    print(get(p), put(p, 7), call(p), p.__dict__, vars(p) is p.__dict__)
    heat(get, p)
    heat(put, p, 8)
    heat(call, p)
    print(get(p), put(p, 9), call(p), p.__dict__)
    p.__dict__["m"] = lambda: "shadow"
    print(call(p))
    heat(call, p)
    del p.__dict__["m"]
    print(call(p))
    del p.x
    report("deleted", get, p)
    report("stored again", put, p, 10)
    print(list(p.__dict__))
    p.__dict__ = {"x": "new", "z": 1}
    print(get(p), put(p, 11), p.__dict__)
    q = Plain(3)
    del q.x
    report("deleted inline", get, q)
    q.m = lambda: "own"
    print(call(q))
    q.x = 4
    print(list(q.__dict__))
    order = [Plain(0) for _ in range(3)]
    for o in order:
        del o.x
        put(o, 1)
        put(o, 2)
    print([list(o.__dict__) for o in order], [o.__dict__ for o in order])


def class_changes():
    get, put, call = fresh(get_x), fresh(set_x), fresh(call_m)

    class Base:
        def m(self):
            return "base m"

    class Derived(Base):
        def __init__(self):
            self.x = 1

    d = Derived()
    for site, args in ((get, (d,)), (put, (d, 2)), (call, (d,))):
        heat(site, *args)
    print(get(d), put(d, 3), call(d))
    Base.m = lambda self: "new base m"
    print(call(d))
    heat(call, d)
    Derived.m = lambda self: "derived m"
    print(call(d))
    del Derived.m
    print(call(d))
    Derived.x = property(lambda self: "prop x")
    print(get(d))
    report("no setter", put, d, 4)
    heat(get, d)
    print(get(d))
    Derived.x = property(lambda self: "p2", lambda self, v: print("set", v))
    report("setter", put, d, 4)
    del Derived.x
    print(get(d))
    Derived.__getattribute__ = lambda self, name: ("hooked", name)
    print(get(d), call.__name__)
    del Derived.__getattribute__
    print(get(d))
    Derived.__setattr__ = lambda self, name, v: print("setattr", name, v)
    put(d, 5)
    del Derived.__setattr__
    put(d, 6)
    print(d.x)
    d.__class__ = Plain
    print(get(d), call(d), type(d).__name__)
    Derived.__bases__ = (Other,)
    print(call(Derived()))


def shapes():
    get, put, call = fresh(get_x), fresh(set_x), fresh(call_m)

    class A(Plain):
        pass

    class B(Plain):
        def m(self):
            return "B"

    class C(Other):
        pass

    class D(Plain):
        def __init__(self):
            self.w = 1
            super().__init__(9)

    class E:
        __slots__ = ("q", "x")

        def __init__(self):
            self.x = "slot"

        def m(self):
            return "E"

    owners = [A(1), B(2), C(), D(), E(), Other()]
    for n in range(1, len(owners) + 1):
        for _ in range(HOT):
            for o in owners[:n]:
                get(o), call(o), put(o, o.x)
        print(n, [get(o) for o in owners], [call(o) for o in owners])
    for o in owners:
        put(o, "stored")
    print([o.x for o in owners])
    B.m = lambda self: "B2"
    print([call(o) for o in owners])


def slots():
    get, put, call = fresh(get_x), fresh(set_x), fresh(call_m)
    s = Slotted()
    report("empty", get, s)
    s.x = 1
    s.m = lambda: "slot call"
    heat(get, s)
    heat(put, s, 2)
    heat(call, s)
    print(get(s), put(s, 3), call(s))
    del s.x
    report("emptied", get, s)
    print(put(s, 4))
    s.m = None
    report("not callable", call, s)
    del s.m
    report("no method", call, s)

    class Sub(Slotted):
        pass

    t = Sub()
    t.x = "sub"
    t.m = lambda: "sub m"
    heat(get, t)
    print(get(t), call(t), get(s))
    slot = Slotted.x
    Slotted.x = 5
    report("slot replaced", get, t)
    Slotted.x = slot
    print(get(t))


def class_attributes():
    class Meta(type):
        def meta_method(cls):
            return "meta"

    class K(metaclass=Meta):
        value = 1

        @classmethod
        def cm(cls, *a):
            return ("cm", cls.__name__, a)

        @staticmethod
        def sm(*a):
            return ("sm", a)

        def f(self):
            return "f"

    class L(K):
        pass

    def sites(c, o):
        return (c.value, o.value, c.cm(), o.cm(1), c.sm(2), o.sm(), c.f(o), o.f().upper(),
                c.meta_method(), c.cm.__name__, c.sm.__name__, o.sm.__name__,
                c.f is K.__dict__["f"],
                c.__name__, c.__dict__ is not None, o.f.__name__)

    site = types.FunctionType(sites.__code__, globals(), "sites", None, sites.__closure__)
    o = K()
    heat(site, K, o)
    print(site(K, o))
    print(site(L, L()))
    K.value = 2
    o.value = 3
    print(site(K, o))
    o.sm = lambda *a: "own sm"
    o.cm = lambda *a: "own cm"
    report("own", site, K, o)
    heat(site, K, o)
    Meta.value = property(lambda cls: "meta data")
    print(K.value, o.value, site(K, o)[0])
    Meta.f = 1
    print(site(K, K())[6])
    K.__dict__["sm"].__init__(lambda *a: "re-made")
    print(site(K, K())[4:6])
    K.__dict__["cm"].__init__(len)
    report("class method of a builtin", lambda: K.cm())
    report("len", site, K, K())


def class_descriptors():
    class K:
        __slots__ = ("slot", "__dict__")

        @property
        def prop(self):
            return "prop"

    class Sub(K):
        pass

    def use(c):
        return (c.prop, c.slot, c.__name__, c.__qualname__[-5:], c.__module__, c.__mro__[0].__name__,
                c.__repr__, c.__init__.__name__, c.__dictoffset__ != 0, c.__doc__,
                type(c.__dict__).__name__, c.__flags__ & 512, c.__bases__, c.__class__.__name__)

    for c in (K, Sub, K):
        heat(use, c)
        print(use(c)[2:6], use(c)[7:], use(c)[0] is K.__dict__["prop"], use(c)[1] is c.slot,
              use(c)[6] is object.__repr__)
    K.__name__ = "Renamed"
    print(use(K)[2])
    K.__module__ = "elsewhere"
    print(use(K)[4])
    K.prop = 5
    K.__repr__ = lambda self: "r"
    print(use(K)[0], use(Sub)[0], use(Sub)[6].__name__)

    class Meta(type):
        __name__ = "meta name"

        @property
        def __module__(cls):
            return "meta module"

    class M(K, metaclass=Meta):
        pass

    print(use(M)[2], use(M)[4])
    heat(use, M)
    print(use(M)[2], use(M)[4], use(K)[2])
    report("no class", use, 5)
    print(int.__repr__(5), str.upper("a"), [int.__add__(1, n) for n in range(3)])


def defaults():
    class Described:
        pass

    class K:
        x = 0
        shared = Described()
        late = Described()

    def read(o):
        return o.x, o.shared.__class__.__name__, o.late.__class__.__name__

    read = types.FunctionType(read.__code__, globals())
    a, b = K(), K()
    a.x = 1
    heat(read, a)
    heat(read, b)
    print(read(a), read(b))
    b.x = 2
    print(read(b))
    b.late = 5
    heat(read, b)
    print(read(b))
    Described.__get__ = lambda self, o, t: ["got", o is None, t.__name__]
    print(read(a), read(b))
    Described.__set__ = lambda self, o, v: print("set", v)
    print(read(a), read(b))
    b.late = 7
    del Described.__get__
    print(read(a), read(b))
    del Described.__set__
    print(read(a), read(b))


def properties():
    class K:
        def __init__(self):
            self._v = 0

        @property
        def v(self):
            return self._v

        @v.setter
        def v(self, value):
            self._v = value

        @property
        def bad(self):
            return self.missing_thing

        @property
        def gen(self):
            yield 1

        @property
        def deep(self):
            return sys._getframe().f_back.f_lineno > 0 and sys._getframe(1).f_code.co_name

    def use(o):
        o.v = o.v + 1
        return o.v

    def use_bad(o):
        return o.bad

    def use_deep(o):
        return o.deep, list(o.gen)

    use = types.FunctionType(use.__code__, globals())
    k = K()
    heat(use, k)
    print(use(k))
    heat(use_bad, k)
    report("bad", use_bad, k)
    try:
        use_bad(k)
    except AttributeError as error:
        print(error.name, error.obj is k)
        print([f.name for f in traceback.extract_tb(error.__traceback__)])
        print([tb_lasti_line(tb) for tb in walk(error.__traceback__)])
    heat(use_deep, k)
    print(use_deep(k))
    prop = K.__dict__["v"]
    prop.__init__(lambda self: "re-made", lambda self, v: None)
    print(use_safe(use, k))

    class Raises:
        @property
        def p(self):
            raise AttributeError("plain")

        @p.setter
        def p(self, v):
            raise ValueError(v)

        @property
        def named(self):
            raise AttributeError("named", name="n", obj=1)

        @property
        def recursive(self):
            return self.recursive

    r = Raises()

    def get_p(o):
        return o.p

    def set_p(o, v):
        o.p = v

    def get_named(o):
        return o.named

    def recurse(o):
        return o.recursive

    for site in (get_p, get_named):
        heat(site, r)
        try:
            site(r)
        except AttributeError as error:
            print(site.__name__, error, error.name, error.obj is r, error.obj == 1)
    heat(set_p, r, 3)
    report("set", set_p, r, 3)
    report("recursion", recurse, r)
    counts = []

    class Counted:
        @property
        def count(self):
            return sys.getrefcount(self)

        @count.setter
        def count(self, v):
            counts.append((sys.getrefcount(self), sys.getrefcount(v)))

    def count(o, v):
        o.count = v
        return o.count

    c, v = Counted(), object()
    print([count(c, v) for _ in range(HOT)][-3:], counts[0], counts[-1])
    print({*counts})


def walk(tb):
    """All entries of a traceback."""
    while tb is not None:
        yield tb
        tb = tb.tb_next


def tb_lasti_line(tb):
    """Where a traceback entry points to."""
    return tb.tb_lasti, tb.tb_lineno - tb.tb_frame.f_code.co_firstlineno


def use_safe(use, o):
    """A call whose error is its result."""
    try:
        return use(o)
    except TypeError as error:
        return str(error)


def hooks():
    class Hook:
        def __init__(self):
            self.own = 1

        def __getattr__(self, name):
            if name.startswith("no"):
                raise AttributeError(name)
            return ("hook", name)

        def m(self):
            return "hook m"

    def use(o):
        return o.own, o.thing, o.m(), o.other_method

    def missing(o):
        return o.nothing

    h = Hook()
    heat(use, h)
    print(use(h))
    heat(missing, h)
    report("missing", missing, h)
    h.thing = 5
    print(use(h))
    h.__dict__["other_method"] = 6
    print(use(h))
    Hook.thing = 7
    print(use(Hook()))
    del Hook.__getattr__
    report("gone", use, Hook())

    class All:
        def __getattribute__(self, name):
            return ("all", name)

    def every(o):
        return o.anything

    heat(every, All())
    print(every(All()))
    All.__getattr__ = lambda self, name: "late"
    print(every(All()))
    del All.__getattribute__
    print(every(All()))


def modules():
    mod = types.ModuleType("mod")
    mod.x = 1
    mod.m = lambda: "mod m"
    get, put, call = fresh(get_x), fresh(set_x), fresh(call_m)
    heat(get, mod)
    heat(call, mod)
    heat(put, mod, 2)
    print(get(mod), call(mod), put(mod, 3))
    mod.new = 1
    print(get(mod), call(mod))
    del mod.x
    report("no x", get, mod)
    mod.__getattr__ = lambda name: ("module hook", name)
    print(get(mod))
    mod.x = 4
    print(get(mod))
    mod.__dict__["__dict__"] = "shadow"

    def own_dict(o):
        return type(o.__dict__).__name__, o.__class__.__name__

    heat(own_dict, mod)
    print(own_dict(mod))
    mod.__class__ = type("Mod", (types.ModuleType,), {"x": property(lambda self: "class x")})
    print(get(mod))
    for i in range(100):
        setattr(mod, f"n{i}", i)
    print(call(mod))


def builtin_owners():
    def use(s, n, d, f):
        return (s.upper(), n.real, n.bit_length(), d.get(1), f.__name__, f.__doc__, s.__class__,
                n.numerator, f.__code__.co_name, d.__len__(), (1).__class__, None.__class__)

    d = {1: 2}
    heat(use, "a", 5, d, use)
    print(use("b", 6, d, use))
    print(use("b", True, DictSub({1: 3}), lambda: 1))

    e = DictSub()
    get, put, call = fresh(get_x), fresh(set_x), fresh(call_m)
    heat(call, e)
    print(call(e))
    e.x = 1
    heat(get, e)
    heat(put, e, 2)
    print(get(e), put(e, 3), call(e))
    e.m = lambda: "own"
    print(call(e))

    class Err(Exception):
        def m(self):
            return ("err", self.args)

    err = Err(1)
    heat(call, err)
    print(call(err))
    err.x = 1
    heat(get, err)
    print(get(err), put(err, 2), call(err))
    report("none", get, None)
    report("function", get, use)
    use.x = 1
    heat(get, use)
    print(get(use))

    class Int(int):
        def m(self):
            return self + 1

    i = Int(5)
    i.x = 2
    heat(get, i)
    heat(call, i)
    print(get(i), call(i))


def odd_keys():
    class K:
        def m(self):
            return "m"

    call, get = fresh(call_m), fresh(get_x)
    k = K()
    heat(call, k)
    name = "".join(["", "m"])
    object.__setattr__(k, name + "", lambda: "own m")
    print(call(k))
    k2 = K()
    k2.__dict__["".join(["x", ""])] = 1
    heat(get, k2)
    print(get(k2))
    k2.__dict__[5] = 6
    print(get(k2), call(k2))
    heat(get, k2)

    class Key(str):
        __slots__ = ()

        def __eq__(self, other):
            print("eq")
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    k3 = K()
    k3.__dict__[Key("m")] = lambda: "key m"
    print(call(k3))


def dict_effects():
    class K:
        pass

    put, get = fresh(set_x), fresh(get_x)
    objects = []
    for i in range(HOT):
        k = K()
        k.__dict__
        k.x = 0
        put(k, i)
        objects.append(k)
    k = objects[-1]
    print(gc.is_tracked(k.__dict__))
    put(k, [])
    print(gc.is_tracked(k.__dict__), k.__dict__)
    heat(get, k)
    print(sys.getrefcount(get(k)))

    class Loud:
        def __init__(self, name):
            self.name = name

        def __del__(self):
            print("del", self.name, hasattr(k, "x"))

    o = Plain(1)
    for i in range(HOT):
        put(o, i)
    put(o, Loud("first"))
    put(o, Loud("second"))
    put(k, Loud("dict first"))
    put(k, 1)
    put(o, 2)
    s = Slotted()
    for i in range(HOT):
        put(s, i)
    put(s, Loud("slot"))
    put(s, 1)
    dying = Other()
    dying.x = Loud("owner dies")
    heat(get, Other())
    get(dying)
    del dying
    print("end")
    v = object()
    before = sys.getrefcount(v)
    for _ in range(HOT):
        put(o, v)
        put(s, v)
        put(k, v)
        get(o), get(s), get(k)
    print(sys.getrefcount(v) - before)


def unbound():
    def f(flag):
        if flag:
            o = Plain(1)
        return o.x

    def g(flag):
        if flag:
            o = Plain(1)
        o.x = 5
        return o.m()

    for site in (f, g):
        heat(site, True)
        report(site.__name__, site, False)
        print(site(True))


def many_attributes():
    class Wide:
        def __init__(self, n):
            for i in range(n):
                setattr(self, f"a{i}", i)
            self.x = n

    get, put = fresh(get_x), fresh(set_x)
    for n in (5, 28, 29, 30, 31, 40, 5):
        w = Wide(n)
        heat(get, w)
        heat(put, w, n)
        print(n, get(w), put(w, -n), len(w.__dict__), list(w.__dict__)[-1])


for test in (instance_values, class_changes, shapes, slots, class_attributes, class_descriptors, defaults, properties,
             hooks, modules, builtin_owners, odd_keys, dict_effects, unbound, many_attributes):
    print("==", test.__name__)
    try:
        test()
    except Exception:
        traceback.print_exc(file=sys.stdout)
