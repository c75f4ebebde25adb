"""Slices read backwards and slices stored into, of every kind of container, with odd bounds."""

from __future__ import annotations

import itertools
import sys
import traceback


def back(c, i, j):
    return c[i:j:-1]


def from_front(c, i):
    return c[i::-1]


def whole(c):
    return c[::-1]


def put(c, i, j, v):
    c[i:j] = v


def put_front(c, j, v):
    c[:j] = v


def put_step(c, i, j, v):
    c[i:j:-1] = v


def attempt(function, *args):
    try:
        return function(*args)
    except BaseException as error:
        frames = traceback.extract_tb(error.__traceback__)
        where = [(f.name, f.lineno, f.colno, f.end_colno) for f in frames]
        return type(error).__name__, str(error), where


class Sub(list):
    def __setitem__(self, key, value):
        print("set", key, value)
        super().__setitem__(key, value)


class Index:
    def __index__(self):
        return 2


class Noisy:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("dropped", self.name, sys._getframe(1).f_lineno)


BOUNDS = [None, 0, 1, 3, 5, 9, -1, -3, -5, -9, 1 << 40, -(1 << 70), Index()]
for _ in range(3):
    for container in ([0, 1, 2, 3, 4], (0, 1, 2, 3, 4), "abcde", b"abcde", range(5), [], ()):
        rows = []
        for i, j in itertools.product(BOUNDS, BOUNDS):
            rows.append(attempt(back, container, i, j))
        print(type(container).__name__, len(rows), rows[:12], hash(str(rows)) != 0, rows[-9:])
        print([attempt(from_front, container, i) for i in BOUNDS], whole(container))
for i, j in itertools.product(BOUNDS, BOUNDS):
    results = []
    for value in ([], [7], (8, 9), "xyz", iter([1, 2]), {5: 6}, range(3)):
        target = [0, 1, 2, 3, 4]
        attempt(put, target, i, j, value)
        results.append(target)
    print(results)
for value in (5, None, Index()):
    print(attempt(put, [1, 2], 0, 1, value), attempt(put_front, [1, 2], 1, value))
print(attempt(put, (1, 2), 0, 1, [3]), attempt(put, "ab", 0, 1, "c"), attempt(put, None, 0, 1, "c"))
print(attempt(put, [1, 2], "a", 1, [3]), attempt(put_step, [1, 2, 3], None, None, [4, 5, 6]))
print(attempt(put_step, [1, 2, 3], None, None, [4, 5]))
own = Sub([1, 2, 3])
put(own, 0, 2, [5])
buffer = bytearray(b"hello")
put(buffer, 0, 2, b"J")
print(own, buffer)
itself = [1, 2, 3]
put(itself, 1, 2, itself)
print(itself)
values = [Noisy("a"), Noisy("b"), Noisy("c")]
put(
    values,
    0,
    2,
    [],
)
print(len(values))
del values
marker = [object()]
counts = sys.getrefcount(marker)
for _ in range(30):
    target = [1, 2, 3]
    put(target, 0, 1, marker)
    back(target, None, None)
    whole((marker, 2))
del target
print(sys.getrefcount(marker) == counts)
