"""Garbage without finalizers in hot loops: what is freed while it is cleared, callbacks, counts."""

from __future__ import annotations

import gc
import io
import weakref

log = []


class Node:
    def __init__(self, n):
        self.n = n
        self.me = self


class Leaf:
    def __init__(self, n):
        self.n = n

    def __del__(self):
        log.append((self.n, gc.get_count()[1:], gc.get_objects(2)[-1] is last))


class Table(dict):
    pass


def callback(ref):
    log.append((ref() is None, sum(isinstance(o, Node) for i in range(3) for o in gc.get_objects(i))))


def knots(n):
    made = Node(n)
    made.file = io.BytesIO(b"abc")
    made.done = (x for x in ())
    list(made.done)
    made.table = Table(a=made)
    made.row = [made, (made, {n: made}), {n}]
    return made


def hold(n):
    """Garbage that alone holds something with a finalizer, through what is no container."""
    made = Node(n)
    made.view = memoryview(bytearray(4))
    made.get = Leaf(n).__init__
    return made


# (When a collection comes by itself depends on how much there is, modules too.)
gc.disable()
gc.collect()
last = [None]
gc.collect()
refs = []
for n in range(300):
    knot = knots(n)
    if n % 7 == 0:
        refs.append(weakref.ref(knot, callback))
    refs.append(weakref.ref(knot))
    if n % 11 == 0:
        knot.own = weakref.ref(knot, callback)
    if n % 50 == 49:
        del knot
        found = gc.collect(n // 50 % 3)
        print(found, gc.get_count()[1:], len(log), log[:5], sum(ref() is None for ref in refs))
        log.clear()
        if n % 100 == 99:
            refs.clear()

for n in range(40):
    hold(n)
    if n % 10 == 9:
        print(gc.collect(), [seen[:2] for seen in log])
        log.clear()

# Many, found by collections that begin by themselves.
gc.enable()
gc.set_threshold(50, 3, 3)
alive = []
for n in range(5000):
    alive.append(weakref.ref(knots(n)))
    if n % 1000 == 999:
        print(0 < sum(ref() is not None for ref in alive) < 400)
gc.set_threshold(700, 10, 10)
del alive
print(gc.collect() > 0, gc.collect(), gc.garbage)
