"""Comparisons of sets and loops over sets in traces; items that have a say in what is equal."""

import sys


class Item:
    log = []

    def __init__(self, n):
        self.n = n

    def __hash__(self):
        return hash(self.n)

    def __eq__(self, other):
        f = sys._getframe(1)
        Item.log.append((self.n, getattr(other, "n", other), f.f_code.co_name))
        if self.n == 13:
            raise ArithmeticError("unlucky")
        return getattr(other, "n", other) == self.n


def make(k, kind):
    return kind(i * k % 11 for i in range(k % 6))


def plain(n):
    out = []
    for k in range(n):
        a = make(k, frozenset if k % 2 else set)
        b = make(k + 1, set if k % 3 else frozenset) | {0}
        out.append((a <= b, a >= b, a < b, a > b, a == b, a != b, b <= b, b < b, a == frozenset(a)))
        c = a if k % 5 else a - {0}
        if c <= b:
            out.append(k)
        while c < b:
            c = c | {max(b - c)}
            out.append(len(c))
    return out[-60:]


def strange(n):
    out = []
    for k in range(n):
        a = {1, "x", 2.5, None, (k, "y")}
        b = frozenset({1, "x", 2.5, None, (k % 3, "y"), Item(k % 3) if k % 7 == 6 else 0})
        c = {Item(k % 3), 5} if k % 5 == 4 else {k % 3, 5}
        d = {0, 1, 2, 5} if k % 11 else {Item(0), 1, 2, 5, 13}
        try:
            out.append((a <= b, c <= d, d >= c, c == {0, 5}))
            out.append({13, 1} <= {Item(13), 1} if k % 13 == 12 else {1} < {1, 2})
        except ArithmeticError as e:
            out.append((str(e), e.__traceback__.tb_lineno - strange.__code__.co_firstlineno))
        try:
            out.append(a <= ([1] if k % 17 == 16 else b))
        except TypeError as e:
            out.append(str(e))
    return out[-50:], len(Item.log), Item.log[-12:]


def loops(n):
    out = []
    for k in range(n):
        s = set(range(k % 9))
        t = 0
        for i in s:
            t = t * 3 + i
            if i == k % 13:
                break
        for w in frozenset(("a", "b", k % 4)):
            t += len(str(w))
        out.append(t)
        try:
            for i in s:
                if i == 3 and k % 4 == 0:
                    s.add(100 + k)
                if i == 2 and k % 6 == 5:
                    s.discard(0)
        except RuntimeError as e:
            out.append((str(e), e.__traceback__.tb_lineno - loops.__code__.co_firstlineno))
        it = iter(s)
        first = next(it, None)
        out.append((first is None, it.__length_hint__(), sorted(it)))
    return out[-70:]


class Sub(set):
    def __le__(self, other):
        return "sub"

    def __iter__(self):
        return iter(("mine",))


def subclasses(n):
    out = []
    for k in range(n):
        s = Sub((1, 2)) if k % 5 == 4 else {1, 2}
        out.append(s <= {1, 2, 3})
        out.append({1} <= s)
        out.append(s == {1, 2})
        for i in s:
            out.append(i)
    return out[-30:]


for _ in range(2):
    print(plain(150))
    print(strange(150))
    print(loops(150))
    print(subclasses(100))
