"""The cyclic garbage collector in hot loops: order of finalizers, weak references, generations."""

from __future__ import annotations

import gc
import weakref

log = []


class Node:
    def __init__(self, n, *others):
        self.n = n
        self.others = others

    def __repr__(self):
        return f"N{self.n}"


class Loud(Node):
    def __del__(self):
        log.append(self.n)


class Phoenix(Node):
    def __del__(self):
        log.append(("back", self.n))
        kept.append(self)


class Slots:
    __slots__ = ("n", "other", "__weakref__")


def standing(generation):
    """The nodes of a generation, as they stand in its list."""
    return [o.n for o in gc.get_objects(generation) if isinstance(o, Node)]


def coroutine_of(node):
    async def coroutine():
        try:
            await Waits(node)
        finally:
            log.append(("ends", node.n))

    made = coroutine()
    made.send(None)
    return made


class Waits:
    def __init__(self, node):
        self.node = node

    def __await__(self):
        yield self.node


def knots(n):
    """Cycles of all kinds; only some have an end that is heard."""
    for i in range(n):
        a, b = Loud(i), Node(-i)
        a.b, b.a = b, a
        if i % 3 == 0:
            b.ref = weakref.ref(a, lambda ref, i=i: log.append(("inner", i)))
        if i % 3 == 1:
            refs.append(weakref.ref(b, lambda ref, i=i: log.append(("outer", i, standing(2)[:3]))))
        if i % 5 == 0:
            a.c = coroutine_of(a)
        if i % 7 == 0:
            a.p = Phoenix(i, a)
        if i % 11 == 0:
            a.g = (x for x in [a, b])
            next(a.g)
        if i % 13 == 0:
            kept.append((b, [a], {"a": a}))


# (When a full collection comes by itself depends on how much there is, modules too.)
gc.disable()
kept, refs = [], []
gc.collect()
for turn in range(4):
    knots(60)
    print(turn, gc.collect(turn % 3), [len(standing(i)) for i in range(3)])
    print(log)
    print([standing(i)[:40] for i in range(3)])
    log.clear()
    if turn == 2:
        kept.clear()
print(gc.collect(), log)
log.clear()

# What refers to what, before and after it: the order of the lists.
for generation in (0, 1, 2, 0, 1, 2):
    row = [Node(i) for i in range(12)]
    row[9].down = row[3]
    row[3].down = row[7]
    row[7].down = [row[1], (row[5], row[0])]
    row[2].up = row[11]
    row[11].up = row[10]
    kept = [row[9], row[2], row]
    del row[8], row[0]
    print(gc.collect(generation), [standing(i) for i in range(3)])

# Tuples and dicts that need no collector.
inner = tuple([1, 2])
kept = [inner, tuple([inner, 3]), tuple([tuple([4]), "x"]), tuple([[]]), {"a": (1,)}, {"b": []}, {1: (2, (3,)), (4,): 5}]
kept[4]["a"] = []
kept[4]["a"] = 1
for generation in (0, 1, 2, 2):
    gc.collect(generation)
    print([gc.is_tracked(o) for o in kept], [gc.is_tracked(o) for o in (kept[2][0], kept[1][0])])

# Chains that are only held at one end, in either direction.
for forward in (True, False):
    first = last = Slots()
    first.n = 0
    for i in range(2000):
        new = Slots()
        new.n = i
        if forward:
            last.other = new
        else:
            new.other = last
        last = new
    end = weakref.ref(last if forward else first)
    del new
    if forward:
        del last
    else:
        del first
    print(gc.collect(), end().n)
    first = last = None
    print(gc.collect(), end() is None)
print([(s["uncollectable"]) for s in gc.get_stats()], gc.callbacks, gc.garbage, gc.isenabled())
