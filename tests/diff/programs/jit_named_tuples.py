"""Named tuples in hot loops: fields, short tuples, subclasses, changed classes, deaths of instances."""

from __future__ import annotations

import collections
import gc
import traceback
import typing

Point = collections.namedtuple("Point", "x y z", defaults=(7,))


class Typed(typing.NamedTuple):
    a: int
    b: float = 0.5

    def total(self):
        return self.a + self.b


class Wide(Point):
    """Has a dict, a property and its own field on top."""

    @property
    def size(self):
        return self.x + self.y

    def __getattr__(self, name):
        return "no " + name


class Slots(Point):
    __slots__ = ()
    y = 5


def attempt(function, *args):
    try:
        return function(*args)
    except BaseException as error:
        frames = traceback.extract_tb(error.__traceback__)
        return type(error).__name__, str(error), [(f.name, f.lineno) for f in frames]


def fields(p, n):
    s = 0
    for _ in range(n):
        s += p.x + p.y * p.z
    return s


def made(cls, n):
    s = 0
    for i in range(n):
        p = cls(i, i + 1)
        s += p[0] + p[-1]
    return s, p


def typed(n):
    s = 0
    for i in range(n):
        t = Typed(i)
        s += t.total() + t.a
    return s, t


def unpacked(points):
    s = 0
    for x, y, z in points:
        s += x * y - z
    return s


def mixed(points):
    out = []
    for p in points:
        out.append(p.y)
    return out


def by_class(n):
    out = []
    for _ in range(n):
        out.append(Point.x)
    return all(o is Point.x for o in out), type(out[-1]).__name__


def missing(p, n):
    out = []
    for i in range(n):
        out.append(p.nothing)
    return out[-1]


def store(p, n):
    for _ in range(n):
        p.x = 1


N = 90
print(attempt(fields, Point(1, 2), N), attempt(fields, Point(1, 2.5, "t"), 3))
print(attempt(made, Point, N), attempt(made, Wide, N), attempt(made, Slots, N), attempt(typed, N))
short = tuple.__new__(Point, (1, 2))
print(attempt(fields, short, N), attempt(fields, tuple.__new__(Point, (1, 2, 3, 4)), N))
points = [Point(i, i + 1, i + 2) for i in range(N)]
print(unpacked(points), mixed(points)[-3:])
print(attempt(mixed, points + [Wide(1, 2), Slots(3, 4), short] * 9)[-9:])
print(attempt(mixed, points + [Typed(1)]), attempt(mixed, points + [tuple.__new__(Point, (1,))]))
print(by_class(N), attempt(missing, Wide(1, 2), N), attempt(missing, Point(1, 2), N))
print(attempt(store, Point(1, 2), N))

print("a class that changes")
p = Point(1, 2, 3)
print(fields(p, N))
old = Point.y
Point.y = property(lambda self: 100)
print(fields(p, N))
Point.y = old
print(fields(p, N))
Point.y = 11
print(fields(p, N))
Point.y = old

print("deaths")


class Loud:
    def __init__(self, log, i):
        self.log, self.i = log, i

    def __del__(self):
        self.log.append(self.i)


def deaths(n):
    log = []
    for i in range(n):
        p = Point(Loud(log, i), [i], (i,))
        p = None
        log.append(-i)
    return log


def cycles(n):
    for i in range(n):
        items = []
        items.append(Point(items, i))
        del items
    gc.collect()
    return any(type(o) is Point and type(o.x) is list for o in gc.get_objects())


class Final(Point):
    def __del__(self):
        Final.count += 1


Final.count = 0
print(deaths(N) == [v for i in range(N) for v in (i, -i)], cycles(N))
print(attempt(made, Final, N), Final.count)
