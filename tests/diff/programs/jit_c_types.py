"""Instances of types of C die in hot loops, and those of classes that have them as a base."""
import _random
import array
import collections
import datetime
import io
import itertools
import operator
import random
import re
import struct
import threading
import types
import weakref


class R(_random.Random):
    pass


class D(collections.deque):
    __slots__ = ("a",)


class S:
    __slots__ = ("a", "b", "__weakref__")


class T(S):
    pass


class E(Exception):
    pass


class I(int):
    pass


class L(list):
    __slots__ = ()


makers = [
    lambda: _random.Random(3),
    lambda: R(4),
    lambda: random.Random(5),
    lambda: D([1]),
    lambda: collections.deque([1, 2]),
    lambda: collections.OrderedDict(a=1),
    lambda: collections.defaultdict(list),
    lambda: collections.Counter("abc"),
    lambda: array.array("i", [1]),
    lambda: io.BytesIO(b"x"),
    lambda: io.StringIO("x"),
    lambda: itertools.count(),
    lambda: itertools.chain([1], [2]),
    lambda: operator.itemgetter(1),
    lambda: re.compile("a").match("a"),
    lambda: struct.Struct("i"),
    lambda: threading.Lock(),
    lambda: types.SimpleNamespace(a=1),
    lambda: datetime.datetime(2020, 1, 1),
    lambda: weakref.ref(S),
    lambda: S(),
    lambda: T(),
    lambda: E(1),
    lambda: I(5),
    lambda: L([1]),
    lambda: (x for x in [1]),
    lambda: memoryview(b"abc"),
    lambda: bytearray(b"abc"),
    lambda: slice(1, 2),
    lambda: range(3),
    lambda: {1: [2]}.items(),
    lambda: iter({1, 2}),
    lambda: reversed([1]),
    lambda: object(),
    lambda: print.__call__,
    lambda: [].append,
    lambda: S.a,
    lambda: types.MethodType(len, []),
]


def die(make):
    for i in range(12):
        x = make()
        y = (x, i)
        x = None
        z = [y, y]
        y = z = None
    return i


for make in makers:
    print(type(make()).__name__, die(make))
