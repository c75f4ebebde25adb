"""Instances whose __dict__ somebody has asked for: a dict that shares its keys with the class."""

import copy
import operator
import random


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def total(self):
        return self.x + self.y


class Hooked(Point):
    step = 1

    def total(self):
        return self.x * 2 + self.y + self.step


def asked(n, cls):
    points = [cls(i, i + 1) for i in range(n)]
    for p in points:
        p.__dict__
    s = 0
    for i, p in enumerate(points):
        s += p.x + p.total()
        if i == 70:
            p.__dict__["z"] = 5  # (the keys get another version)
        if i == 80:
            del p.__dict__["x"]
            p.x = 7
    return s


def mixed(n):
    points = [Hooked(i, i + 1) for i in range(n)]
    for i, p in enumerate(points):
        if i % 3 == 0:
            p.__dict__
        if i % 10 == 9:
            p.step = i
        if i % 17 == 16:
            p.total = lambda: -1
        if i % 23 == 22:
            p.__dict__ = {"x": 1, "y": 2}
        if i % 29 == 28:
            del p.y
    out = []
    for p in points:
        try:
            out.append(p.total())
        except AttributeError as e:
            out.append(str(e))
    return sum(x for x in out if not isinstance(x, str)), out[-35:]


def copies(n):
    first = Hooked(1, 2)
    made = [copy.copy(first) for _ in range(n)] + copy.deepcopy([first, first])
    s = 0
    for i, p in enumerate(made):
        p.x = i
        s += p.total() * p.step
    return s


class Strange(dict):
    pass


def replaced(n):
    p = Point(1, 2)
    p.__dict__
    s = 0
    for i in range(n):
        s += p.x + p.total()
        if i == n // 2:
            p.__dict__ = Strange(x=10, y=20)
        if i == n - 9:
            p.__dict__ = {"total": lambda: 1000, "x": 3}
    return s


def added_to_class(n):
    class Growing(Point):
        pass

    p = Growing(1, 2)
    p.__dict__
    s = 0
    for i in range(n):
        s += p.total()
        if i == n // 2:
            other = Growing(5, 6)
            other.total = "of another"
        if i == n // 2 + 1:
            p.total = lambda: 100
        if i == n // 2 + 4:
            del p.total
    return s


class Index:
    def __index__(self):
        return 7


def indexes(n):
    out = []
    for i in range(n):
        for v in (i, True, Index(), 1 << 80, 1.5 if i % 5 == 4 else i * 1000):
            try:
                w = operator.index(v)
                out.append((w, type(w).__name__, w is v))
            except TypeError as e:
                out.append(str(e))
    return len(out), out[-12:]


def randoms(n):
    random.seed(n)
    rng = random.Random(n)
    s = 0
    for i in range(n):
        s += random.randrange(100) + rng.randrange(1, 50, 3) + random.randint(1, 6)
        if i == 40:
            rng.__dict__["note"] = 1
    return s


for n in (3, 10, 120):
    print(n, asked(n, Point), asked(n, Hooked), mixed(n), copies(n), replaced(n))
    print(n, added_to_class(n), indexes(n), randoms(n))
