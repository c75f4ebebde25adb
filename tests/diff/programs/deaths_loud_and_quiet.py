"""Instances of a class that die with something loud for a long time, then quietly, then both by turns."""

import sys

log = []


class Loud:
    def __init__(self, i):
        self.i = i

    def __del__(self):
        log.append((self.i, sys._getframe(1).f_lineno - first))


class Holder:
    def __init__(self, i, has):
        self.i = i
        self.has = has


class Slotted:
    __slots__ = ("has", "i")

    def __init__(self, i, has):
        self.i = i
        self.has = (has, i)


first = sys._getframe().f_lineno


def loop(n, cls, loud):
    total = 0
    for i in range(n):
        holder = cls(i, Loud(i) if loud(i) else [i])
        total += holder.i
        log.append(i)
        holder = None
        log.append(-i)
    return total


for cls in Holder, Slotted:
    for loud in lambda i: True, lambda i: False, lambda i: i % 3 == 0, lambda i: i % 40 == 39:
        print(loop(300, cls, loud), len(log), hash(tuple(log)))
        print(log[:8], log[-8:])
        log.clear()

for _ in range(60):
    print(loop(60, Holder, lambda i: i < 20), hash(tuple(log)))
    log.clear()
