"""Class bodies, metaclasses, __init_subclass__, __set_name__, super() and class cells."""

# ruff: noqa - odd code on purpose

import types


class Meta(type):
    @classmethod
    def __prepare__(mcls, name, bases, **kw):
        print("prepare", name, [b.__name__ for b in bases], kw)
        return {"prepared": name}

    def __new__(mcls, name, bases, ns, **kw):
        print("new", name, sorted(k for k in ns if not k.startswith("__")), kw)
        return super().__new__(mcls, name, bases, ns)

    def __init__(cls, name, bases, ns, **kw):
        print("init", name)
        super().__init__(name, bases, ns)

    def __call__(cls, *args):
        return super().__call__(*args)

    @property
    def shout(cls):
        return cls.__name__.upper()


class Base(metaclass=Meta, option=1):
    """doc of Base"""

    attribute: int = 5
    other: "str"

    def __init_subclass__(cls, tag=None, **kw):
        super().__init_subclass__(**kw)
        print("init_subclass", cls.__name__, tag)

    def hello(self):
        return f"{__class__.__name__} {type(self).__name__}"


class Child(Base, tag="t"):
    def hello(self):
        return "child of " + super().hello()

    def explicit(self):
        return super(Child, self).hello()

    @classmethod
    def make(cls):
        return super().__new__(cls)

    @staticmethod
    def cell():
        return __class__


print(Child().hello(), Child().explicit(), Child.cell().__name__, type(Child.make()).__name__)
print(Base.__annotations__, Base.__doc__, Base.__module__, Child.__qualname__, Child.shout)
print(Base.prepared, Child.prepared, Child.__mro__[1].__name__)
for _ in range(100):
    assert Child().hello() == "child of Base Child"


class Named:
    def __set_name__(self, owner, name):
        print("set_name", owner.__name__, name)
        self.name = name

    def __get__(self, obj, kind):
        return self if obj is None else ("got", self.name)


class Owner:
    field = Named()
    second = field


print(Owner().field, Owner().second)


class BadSetName:
    def __set_name__(self, owner, name):
        raise ValueError("set_name")


def attempt(function):
    try:
        return function()
    except Exception as error:
        return f"{type(error).__name__}: {error}" + (f" / {error.__cause__!r}"
                                                     if error.__cause__ else "")


def bad_set_name():
    class X:
        a = BadSetName()


def conflict():
    class A(type):
        pass

    class B(type):
        pass

    class C(metaclass=A):
        pass

    class D(metaclass=B):
        pass

    class E(C, D):
        pass


def mro_conflict():
    class A:
        pass

    class B(A):
        pass

    class C(A, B):
        pass


def bad_base():
    class X(5):
        pass


def final_base():
    class X(bool):
        pass


def unexpected_kw():
    class X(q=1):
        pass


def body_raises():
    class X:
        a = 1
        b = undefined_name


def super_no_args():
    def free():
        return super()
    return free()


def super_bad():
    class X:
        def m():
            return super()
    return X.m()


def super_deleted():
    class X:
        def m(self):
            del self
            return super()
    return X().m()


def super_wrong():
    return super(int, "x")


def bad_prepare():
    class M(type):
        @classmethod
        def __prepare__(mcls, *args):
            return 5

    class X(metaclass=M):
        pass


def classcell_lost():
    class M(type):
        def __new__(mcls, name, bases, ns):
            ns = dict(ns)
            ns.pop("__classcell__", None)
            return super().__new__(mcls, name, bases, ns)

    class X(metaclass=M):
        def m(self):
            return __class__
    return X


def metaclass_function():
    def meta(name, bases, ns, **kw):
        return (name, bases, sorted(k for k in ns if k[0] != "_"), kw)

    class X(int, metaclass=meta, k=1):
        a = 1
        b = 2
    return X


def mro_entries():
    class Alias:
        def __mro_entries__(self, bases):
            return (dict, )

    class X(Alias()):
        pass
    return X.__bases__, len(X.__orig_bases__)


for function in (bad_set_name, conflict, mro_conflict, bad_base, final_base, unexpected_kw,
                 body_raises, super_no_args, super_bad, super_deleted, super_wrong, bad_prepare,
                 classcell_lost, metaclass_function, mro_entries):
    print(function.__name__, attempt(function))

x = "global x"


def scopes():
    x = "function x"

    class A:
        y = x
        x = "class x"
        z = x

        def method(self):
            return x

        comp = [x for _ in range(1)]

        class Inner:
            inner = x

    class B:
        global x
        w = x

    class C:
        nonlocal_seen = x
        locals()["dynamic"] = 5

    return (A.y, A.z, A().method(), A.comp, A.Inner.inner, B.w, C.nonlocal_seen, C.dynamic)


print(scopes())


class Diamond:
    def who(self):
        return ["D"]


class Left(Diamond):
    def who(self):
        return ["L", *super().who()]


class Right(Diamond):
    def who(self):
        return ["R", *super().who()]


class Bottom(Left, Right):
    def who(self):
        return ["B", *super().who()]

    @property
    def prop(self):
        return super().__init__

    def comp(self):
        return [super(Bottom, self).who() for _ in range(2)]


b = Bottom()
print([b.who() for _ in range(60)][-1], b.comp(), b.prop.__name__)
Bottom.__bases__ = (Right, Left)
print(b.who(), [c.__name__ for c in Bottom.__mro__])

Made = types.new_class("Made", (Base,), {"tag": "dynamic"}, lambda ns: ns.update(q=1))
print(Made.q, Made.__mro__[1:-1])


class WithSlots:
    __slots__ = ("a", "__dict__")
    locals()["b"] = 7
    for i in range(3):
        exec(f"v{i} = {i}")
    del i


print(WithSlots.b, WithSlots.v2, hasattr(WithSlots, "i"))


def decorate(cls):
    cls.decorated = True
    return cls


@decorate
@decorate
class Decorated:
    __private = 1

    def get(self):
        return self.__private


print(Decorated.decorated, Decorated().get(), Decorated._Decorated__private)


class Generic:
    def __class_getitem__(cls, item):
        return (cls.__name__, item)


print(Generic[int, 5], [Generic[i] for i in range(50)][-1])
