"""super() in hot loops: of instances and classes, every kind of attribute, and classes that change."""

from __future__ import annotations

import traceback


def attempt(function, *args):
    try:
        return function(*args)
    except BaseException as error:
        frames = traceback.extract_tb(error.__traceback__)
        return type(error).__name__, str(error), [(f.name, f.lineno) for f in frames]


class Base:
    kind = "base"

    def __init__(self, a=1):
        super().__init__()
        self.a = a

    def method(self, x):
        return self.a + x

    @classmethod
    def make(cls, x):
        return cls(x)

    @staticmethod
    def add(x, y):
        return x + y

    @property
    def size(self):
        return self.a * 2

    def __repr__(self):
        return f"{type(self).__name__}({self.a})"


class Left(Base):
    def method(self, x):
        return super().method(x) + 10

    @classmethod
    def make(cls, x):
        return super().make(x + 1)

    @classmethod
    def unbound(cls, self, x):
        return super().method(self, x)

    @staticmethod
    def add(x, y):
        return super(Left, Left).add(x, y) * 2

    def static(self, x):
        return super().add(x, 1)

    def of_class(self, x):
        return super().make(x)

    @property
    def size(self):
        return super().size + 1

    def name(self):
        return super().kind


class Right(Base):
    def method(self, x):
        return super(Right, self).method(x) * 3


class Both(Left, Right):
    def __init__(self, a):
        super().__init__(a)
        super(Left, self).__init__(a + 1)

    def method(self, x):
        return super().method(x) - 1

    def missing(self):
        return super().nothing()


class Items(list):
    def append(self, item):
        super().append(item)
        super().append(-item)

    def __len__(self):
        return super().__len__() + 1


class Key:
    made = 0

    def __new__(cls, *args):
        Key.made += 1
        return super().__new__(cls)

    def __init_subclass__(cls, **words):
        super().__init_subclass__(**words)
        cls.sub = True

    def __setattr__(self, name, value):
        super().__setattr__(name, value)

    def __eq__(self, other):
        return super().__eq__(other)


def instances(objects, n):
    s = 0
    for i in range(n):
        s += objects[i % len(objects)].method(i)
    return s


def kinds(n):
    out = []
    b = Both(3)
    for i in range(n):
        m = Left.make(i)
        out.append((m.a, Left.unbound(b, i), Left.add(i, 1), b.static(i), b.of_class(i).a, b.size, b.name()))
    return out[0], out[-1]


def containers(n):
    items = Items()
    for i in range(n):
        items.append(i)
    return len(items), sum(items), list(items)[:4]


def keys(n):
    k = Key()
    for i in range(n):
        k = Key(i)
        k.i = i
        if k != k or k == i:
            return "wrong"

    return k.i, Key.made


def subclasses(n):
    for i in range(n):
        cls = type("Sub", (Key,), {})
        if not cls.sub:
            return "wrong"
    return cls.__name__


def changed(n):
    b, out = Both(1), []
    for i in range(n):
        if i == 50:
            Right.method = lambda self, x: "changed"
            Left.method = lambda self, x: 5
        if i == 70:
            del Left.method
            Right.method = lambda self, x: 7
        if i == 80:
            Both.__bases__ = (Right, Left)
        out.append(attempt(b.method, i))
    return out[48:52], out[68:72], out[78:]


N = 90
print(attempt(instances, [Left(1)], N), attempt(instances, [Both(1)], N))
print(attempt(instances, [Left(1), Right(2), Both(3), Base(4)], N), Both(3))
print(attempt(kinds, N))
print(attempt(containers, N), attempt(keys, N), attempt(subclasses, N))
print([attempt(Both(1).missing) for _ in range(N)][-1])
print(attempt(changed, N))
