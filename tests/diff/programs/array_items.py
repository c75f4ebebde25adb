"""Items of array.array: every type code, ends, errors, subclasses, changing types at one site."""

from __future__ import annotations

import gc
import sys
import traceback
import weakref
from array import array


def load(container, index):
    return container[index]


def store(container, index, value):
    container[index] = value


def attempt(function, *args):
    try:
        return function(*args)
    except BaseException as error:
        frames = traceback.extract_tb(error.__traceback__)
        return type(error).__name__, str(error), [(f.name, f.lineno) for f in frames]


class Sub(array):
    """Inherits the subscript in C."""


class Own(array):
    """Has its own."""

    def __getitem__(self, index):
        return "own", index

    def __setitem__(self, index, value):
        super().__setitem__(index, value * 2)


class AsFloat:
    def __float__(self):
        print("asked for a float at line", sys._getframe(1).f_lineno)
        return 9.5


class AsIndex:
    def __index__(self):
        return 1


doubles = array("d", [1.5, -2.5, 0.0, float("inf")])
for _ in range(20):
    for i in range(-4, 4):
        store(doubles, i, load(doubles, i) + 0.5)
print(doubles)
for index in (4, -5, 1 << 40, -(1 << 70), True, False, None, "x", 1.0, AsIndex(), slice(1, 3)):
    print(index if not isinstance(index, AsIndex) else "AsIndex", attempt(load, doubles, index))
    print(attempt(store, doubles, index, 2.25))
for value in (7, True, 1 << 80, 10**400, "x", None, AsFloat(), AsIndex()):
    print(attempt(store, doubles, 1, value), doubles[1])

for code in "bBhHiIlLqQf":
    numbers = array(code, [1, 2, 3, 100])
    for _ in range(10):
        for i in range(-4, 4):
            store(numbers, i, load(numbers, i))
    print(code, numbers, [load(numbers, i) for i in range(4)], attempt(store, numbers, 0, -1))
    print(attempt(store, numbers, 1, 1 << 33), attempt(store, numbers, 1, 2.5), numbers)
letters = array("u", "abc\N{GREEK SMALL LETTER ALPHA}")
print([load(letters, i) for i in range(4)], attempt(store, letters, 0, "z"), letters)

for maker in (Sub, Own, array):
    made = maker("d", [1.0, 2.0])
    for _ in range(10):
        store(made, 0, 3.5)
        load(made, 0)
    print(maker.__name__, load(made, 0), made.tolist())
for container in ([1, 2], (3, 4), "ab", b"cd", bytearray(b"ef"), {0: "d"}, doubles):
    print(attempt(load, container, 0), attempt(store, container, 0, 1.0))

# References: what a subscript borrows it gives back, and a dying array dies at once.
value = 12345.678
before = sys.getrefcount(value), sys.getrefcount(doubles)
for _ in range(50):
    store(doubles, 2, value)
    load(doubles, 2)
print(before == (sys.getrefcount(value), sys.getrefcount(doubles)))


class Watched(array):
    """Can be watched in a dict of its own, too."""


def temporary():
    for kind in (array, Watched):
        made = kind("d", [4.25])
        weakref.finalize(made, print, "gone", kind.__name__)
        del made
        print(kind("d", [8.125])[0], kind("i", [70000])[0])


temporary()
view = memoryview(doubles)
store(doubles, 0, 77.5)
print(view[0], attempt(doubles.append, 1.0))
view.release()
gc.collect()
