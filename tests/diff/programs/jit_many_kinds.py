"""Ops that meet many classes and functions: attributes, methods, type(), getattr(), calls."""

import functools


class Slots:
    __slots__ = ("x", "y")

    def __init__(self, x):
        self.x = x

    def get(self):
        return self.x


class Plain:
    kind = "plain"

    def __init__(self, x):
        self.x = x

    def get(self):
        return self.x + 1


class Child(Plain):
    kind = "child"

    def get(self):
        return super().get() + 1


class Own(Plain):
    def __init__(self, x):
        super().__init__(x)
        self.kind = "own"
        self.get = lambda: x + 100


class Dict(Plain):
    def __init__(self, x):
        self.__dict__["x"] = x
        self.__dict__[f"odd{x % 3}"] = 1

    def get(self):
        return len(self.__dict__)


class Hook:
    kind = "hook"

    def __init__(self, x):
        self._x = x

    def __getattr__(self, name):
        if name == "x":
            return self._x * 2
        raise AttributeError(name)

    def get(self):
        return self._x - 1


class Computed:
    @property
    def x(self):
        return 7

    kind = property(lambda self: "computed")

    @classmethod
    def get(cls):
        return cls.__name__


class Cached:
    kind = "cached"

    def __init__(self, x):
        self.base = x

    @functools.cached_property
    def x(self):
        return self.base * 3

    @staticmethod
    def get():
        return "static"


class Tuple(tuple):
    kind = "tuple"
    x = 5
    get = tuple.__len__


KINDS = [Slots, Plain, Child, Own, Dict, Hook, Computed, Cached, Tuple]


def make(n):
    made = []
    for i in range(n):
        cls = KINDS[i % len(KINDS)]
        if cls is Computed:
            made.append(cls())
        elif cls is Tuple:
            made.append(cls(range(i % 4)))
        else:
            made.append(cls(i))
    return made


def attributes(objects):
    total, names = 0, []
    for o in objects:
        total += o.x
        names.append(o.__class__.__name__)
    return total, names[:12], len(names)


def defaults(objects):
    return [getattr(o, "kind", "none") for o in objects]


def methods(objects):
    out = []
    for o in objects:
        out.append(o.get())
    return out


def named(objects):
    out = []
    for o in objects:
        out.append((hasattr(o, "kind"), hasattr(o, "y"), issubclass(type(o), Plain), isinstance(o, Plain)))
    return out


TABLE = {
    int: lambda v: v + 1,
    str: lambda v: v.upper(),
    list: lambda v: len(v),
    tuple: lambda v: v[:1],
    dict: lambda v: sorted(v),
    float: lambda v: v * 2,
    bytes: lambda v: v[0],
    type(None): lambda v: "none",
}
VALUES = [1, "a", [1, 2], (3, 4), {"k": 1}, 2.5, b"x", None, {1, 2}, 10**30, True]


def dispatch(n):
    out = []
    for i in range(n):
        v = VALUES[i % len(VALUES)]
        do = TABLE.get(type(v))
        out.append(v.__class__.__name__ if do is None else do(v))
    return out


def builtins(n):
    calls = [len, repr, str, list, sorted, tuple, max, sum]
    out = []
    for i in range(n):
        out.append(calls[i % len(calls)]([i, 2]))
    return out


def stars(n):
    def a(*v):
        return v

    def b(x, y=2):
        return x, y

    def c(x, *, y=3):
        return x, y

    calls = [a, b, c, Plain, Child, len, lambda x: x, functools.partial(b, 5)]
    out = []
    for i in range(n):
        made = calls[i % len(calls)](*([i],))
        out.append(made.x if isinstance(made, Plain) else made)
    return out


def fresh_classes(n):
    total = 0
    for i in range(n):
        class C:
            def __init__(self):
                self.v = i

            def add(self, w):
                return self.v + w

        o = C()
        total += o.add(1) + len(type(o).__name__)
    return total


def raising(objects):
    """The attribute or method goes away in the middle."""
    out = []
    for i, o in enumerate(objects):
        if i % 50 == 41 and type(o) is not Tuple:
            try:
                del o.x
            except AttributeError as e:
                out.append(type(e).__name__)
        try:
            out.append(o.x)
        except AttributeError as e:
            out.append(str(e))
    return out


def changing(objects):
    """Classes change while they are looked at."""
    out = []
    for i, o in enumerate(objects):
        if i == 300:
            Plain.get = lambda self: "new"
            Slots.kind = "slots"
        if i == 400:
            Child.kind = property(lambda self: "a property now")
            Hook.get = 5
        try:
            out.append((getattr(o, "kind", None), o.get()))
        except TypeError as e:
            out.append(str(e))
    Plain.get = lambda self: self.x + 1
    del Slots.kind
    return out


objects = make(600)
for _ in range(2):
    print(attributes(objects))
    print(defaults(objects)[:20])
    print(methods(objects)[:30], sum(map(str.__len__, map(str, methods(objects)))))
    print(named(objects)[:18], sum(sum(row) for row in named(objects)))
    print(dispatch(600)[:24])
    print([v for v in builtins(600)[:24]])
    print([v if not isinstance(v, list) else v for v in stars(600)[:24]])
    print(fresh_classes(60))
for _ in range(2):
    rows = raising(make(600))
    print(rows[:45], len(rows))
rows = changing(objects)
print(rows[:10], rows[295:320], rows[395:420])
