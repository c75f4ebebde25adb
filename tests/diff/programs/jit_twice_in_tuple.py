"""Tuples that have one tuple twice, or in another one of theirs: it ends once."""

import gc
import sys


class Loud:
    def __init__(self, n):
        self.n = n

    def __del__(self):
        log.append(self.n)


log = []


def twice(n):
    a = None
    for t in range(n):
        for _ in range(2):
            a = (a, a)
        a = lambda: t
    return a()


def inside(n, o):
    y = None
    for i in range(n):
        x = (o, i)
        y = (x, (x, 1), x)
        z = (y, x, (y, y))
        y = None
        z = x = i
    return y, z


def loud(n):
    for i in range(n):
        x = (Loud(i), i)
        y = ((x, 1), x, [x])
        x = None
        log.append("made")
        y = None
    return y


def kept(n, o):
    kept = None
    for i in range(n):
        x = (o, i)
        kept = (x, x)
        if i % 7 == 3:
            last = kept
    return last, kept


o = object()
for _ in range(6):
    print(twice(25), inside(40, o), sys.getrefcount(o))
    print(loud(20), log[-6:], len(log))
    pair, other = kept(60, o)
    print(pair[0] is pair[1], pair[0][1], other[0][1], sys.getrefcount(o))
    del pair, other
    gc.collect()
    print(sys.getrefcount(o), sys.getrefcount(None) > 100)
