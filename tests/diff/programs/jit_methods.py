"""Methods found by super(), class- and staticmethods, methods of changed classes, in hot loops."""

import sys


class Base:
    kind = "base"

    def __init__(self, v):
        self.v = v

    def area(self):
        return self.v

    @classmethod
    def make(cls, v):
        return cls(v)

    @staticmethod
    def twice(v):
        return v * 2

    def name(self):
        return "base"


class Middle(Base):
    def __init__(self, v):
        super().__init__(v + 1)

    def area(self):
        return super().area() * 2

    def name(self):
        return "middle " + super().name()


class Last(Middle):
    def area(self):
        return super().area() + 1


def loop(cls, n):
    total = 0
    for i in range(n):
        o = cls.make(i)
        total += o.area() + cls.twice(i) + o.twice(1)
    return total, o.name()


def poly(items, n):
    out = 0
    for i in range(n):
        out += items[i % len(items)].area()
    return out


def counts(o, n):
    before = sys.getrefcount(o), sys.getrefcount(type(o))
    for _ in range(n):
        o.area()
        o.name()
        o.twice(3)
        type(o).make(1)
    return sys.getrefcount(o) - before[0], abs(sys.getrefcount(type(o)) - before[1]) < 3


for n in (1, 30, 300):
    print(loop(Base, n), loop(Middle, n), loop(Last, n))
    print(poly([Base(1), Middle(2), Last(3)], n), counts(Last(5), n))

old = Base.area
Base.area = lambda self: 1000
print(loop(Last, 50), poly([Base(1), Middle(2), Last(3)], 50))
Base.area = old
print(loop(Last, 50))
Last.__bases__ = (Base,)
print(loop(Last, 50))


def failing(n):
    lines = []
    for i in range(n):
        try:
            Middle("x").area(1)
        except TypeError as e:
            lines.append((str(e), e.__traceback__.tb_lineno))
    return lines[-1]


print(failing(40))
