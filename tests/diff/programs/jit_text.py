"""Strings that grow in hot loops: in place where nobody else has them, and seen by others where not."""

from __future__ import annotations

import sys


def grow(n):
    s = ""
    for i in range(n):
        s += chr(97 + i % 26)
    return s


def widen(n):
    s = "e"
    for i in range(n):
        s = s + ("x" if i % 3 else "\u20ac" if i % 77 == 0 else "\xe9\xe9")
        if i % 50 == 49:
            s += "\U0001f600"
    return s


def kept(n):
    s = ""
    seen = []
    for i in range(n):
        s += "ab"
        if i % 10 == 0:
            seen.append(s)
    return [len(x) for x in seen], seen[-1], s[-5:]


def hashed(n):
    s, table = "k", {}
    for i in range(n):
        s += "y"
        if i % 4 == 0:
            table[s] = i
    return len(table), hash(s) == hash("k" + "y" * n), table.get("k" + "y" * 5)


def interned(n):
    s = sys.intern("some_name")
    out = 0
    for i in range(n):
        s += "_"
        out += s is sys.intern(s)
        s = sys.intern("some_name")
        s = s + "z"
    return out, s, sys.intern("some_name")


def callee(s, i):
    s += "q"
    s += str(i)
    return s


def through_calls(n):
    s = ""
    for i in range(n):
        s = callee("a", i) + callee(s[-3:], i)
    return s


def doubled(n):
    s = t = "x"
    for _ in range(n):
        s += s
        if len(s) > 1000:
            s = t = "x"
        t += "y"
    return s, t


def aliased(n):
    s, out = "", []
    for i in range(n):
        t = s
        s += "m"
        if t == s or len(t) + 1 != len(s):
            out.append(i)
        if i % 7 == 0:
            s = t + "n"
    return out, len(s), s[:20]


def in_generator(n):
    s = ""
    for i in range(n):
        s += "g"
        yield len(s)
        s += "hh"


def caught(n):
    s = ""
    for i in range(n):
        try:
            s += "ok" if i % 9 else None
        except TypeError as error:
            s += str(error)[:3]
    return s


class Own(str):
    def __add__(self, other):
        return Own(str(self) + other + ".")


def subclass(n):
    s = Own("")
    for _ in range(n):
        s += "c"
    return type(s).__name__, s


def empty(n):
    s, e = "w", ""
    for _ in range(n):
        s += e
        e = e + ""
    return s is "w" or s == "w", e


for function in (grow, widen, kept, hashed, interned, through_calls, doubled, aliased, caught, subclass, empty):
    for n in (3, 150, 151):
        result = function(n)
        print(function.__name__, n, repr(result)[:300])
print(list(in_generator(100))[-3:], sum(in_generator(120)))
