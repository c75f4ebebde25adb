"""Subscripts and operators of classes in Python in traces; array.array, bytearray and bytes."""

import sys
from array import array


class Grid:
    def __init__(self, w, h):
        self.w, self.h = w, h
        self.data = array("d", [0]) * (w * h)

    def _at(self, x, y):
        if 0 <= x < self.w and 0 <= y < self.h:
            return y * self.w + x
        raise IndexError((x, y))

    def __getitem__(self, place):
        (x, y) = place
        return self.data[self._at(x, y)]

    def __setitem__(self, place, v):
        (x, y) = place
        self.data[self._at(x, y)] = v


class Vec:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, o):
        return Vec(self.x + o.x, self.y + o.y) if isinstance(o, Vec) else NotImplemented

    def __mul__(self, k):
        if k == 13:
            return NotImplemented
        return Vec(self.x * k, self.y * k)

    def __rmul__(self, k):
        return Vec(-1, -1)

    def __lt__(self, o):
        return self.x < o.x

    def __eq__(self, o):
        if o is None:
            return NotImplemented
        return self.x == o.x and self.y == o.y

    def __repr__(self):
        return f"Vec({self.x}, {self.y})"


class Left:
    def __init__(self, log):
        self.log = log

    def __getitem__(self, i):
        if i == 3:
            raise KeyError(i)
        return self.log

    def __setitem__(self, i, v):
        self.log = v
        return "ignored"

    def __del__(self):
        print("gone", end=" ")


def smooth(n, rounds):
    g = Grid(n, n)
    for y in range(n):
        for x in range(n):
            g[x, y] = x * y % 7
    for _ in range(rounds):
        for y in range(1, n - 1):
            for x in range(1, n - 1):
                g[x, y] = (g[x - 1, y] + g[x + 1, y] + g[x, y - 1] + g[x, y + 1]) * 0.25
    return sum(g.data)


def edge(n):
    g = Grid(n, 3)
    total = 0.0
    for x in range(n + 1):
        total += g[x, 1] + x
    return total


def vectors(n):
    p = Vec(0, 0.5)
    less = equal = 0
    for i in range(n):
        p = p + Vec(i, 1) * 2
        less += p < Vec(1000, 0)
        equal += p == Vec(2, 2.5)
    return p, less, equal


def declines(n, k):
    p = None
    try:
        for i in range(n):
            p = Vec(i, i) * (k if i == n - 1 else 2)
        return p + 1
    except TypeError as error:
        return p, str(error)


def compares(n):
    v, hits = Vec(1, 1), 0
    for i in range(n):
        hits += v == (None if i % 7 == 3 else v)
    return hits


def lists(n):
    counts = []
    for i in range(n):
        o = Left([i])
        o[i] = [i, i]
        counts.append(sys.getrefcount(o[0]))
        if i % 50 == 49:
            try:
                o[3]
            except KeyError as error:
                counts.append(error.__traceback__.tb_next.tb_lineno)
        del o
    return counts[-3:]


def raw(code, values, n):
    a = array(code, values)
    total = 0
    for i in range(n):
        j = i % len(a)
        total += a[j] + a[-1 - j]
        a[j] = a[-1 - j]
    return total, a


def fills(a, n, by):
    done = 0
    try:
        for i in range(n):
            a[i % len(a)] = i * by
            done += 1
            if i == 500:
                a[0] = a[1] + by
    except (OverflowError, TypeError, ValueError) as error:
        return done, type(error).__name__, str(error), error.__traceback__.tb_lineno
    return done, a[0], a[-1]


def octets(b, n):
    total = 0
    for i in range(n):
        total += b[i % len(b)] ^ b[-1 - i % len(b)]
    try:
        for i in range(n):
            total += b[i]
    except IndexError as error:
        return total, str(error)
    return total


def resized(n):
    b = bytearray(4)
    a = array("i", [1, 2])
    total = 0
    for i in range(n):
        b[i % 4] = i & 255
        if i % 100 == 0:
            b.append(7)
            a.append(i)
        total += b[-1] + a[-1] + len(b)
    return total


print(smooth(12, 6))
for n in (3, 200):
    try:
        print(edge(n))
    except IndexError as error:
        print(error, error.__traceback__.tb_next.tb_lineno)
print(vectors(300), declines(200, 13), declines(200, 3), compares(200))
print(lists(120))
for code in "bBhHiIlLqQ":
    print(raw(code, [1, 2, 3, 120], 300))
for code in "fd":
    print(raw(code, [1, 2.5, 3.1, 120], 300))
for code in "bBhHiIlLqQfd":
    print(code, fills(array(code, [0, 1, 2]), 900, 1), fills(array(code, [0, 1]), 900, -70))
    print(code, fills(array(code, [0, 1, 2]), 300, 1 << 40), fills(array(code, [0]), 300, 0.5))
print(fills(bytearray(3), 900, 1), fills(bytearray(3), 90, -1), fills(bytearray(3), 90, 0.5))
print(octets(b"hello world", 300), octets(bytearray(b"abc"), 200), resized(900))
