"""Deaths of nested containers: shared parts, parts that are there twice, ends that run code."""

import gc
import sys
import weakref


class Plain:
    def __init__(self, *parts):
        self.parts = parts
        self.more = [parts, list(parts)]


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a, b):
        self.a = a
        self.b = b


class Loud:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        log.append(self.name)


class Weak:
    pass


log = []
shared = [[1], {"k": [2]}, Plain(3), (4.5, 1 << 80)]


def counts():
    return [sys.getrefcount(x) for x in shared]


def nested(i):
    row = [i, str(i), i * 0.5, shared[0]]
    twice = [row, row, [row, shared[1]]]
    table = {i: row, i + 1: [shared[2], shared[2]], (i, "t"): (twice, shared[3])}
    names = {"a": table, "b": [table, {}], "c": {j: [j, shared[0]] for j in range(i % 5)}}
    return len(names) + len(twice)


def with_instances(i):
    p = Plain(i, [i], shared[1])
    q = Plain(p, [p, p], {i: p})
    s = Slotted([q, i], (q, [shared[0]]))
    return s.a[1] + len(q.parts)


def with_cell(i):
    table = {i: [shared[0], i]}
    rows = [[table[k] for k in table] for _ in range(3)]
    return len(rows) + sum(len(table[k]) for k in table)


def with_loud(i):
    """Something far in has a finalizer now and then: all others must be whole when it runs."""
    far = Loud(f"loud {i}") if i % 7 == 3 else [i]
    inner = [shared[0], (far, shared[1]), {i: far}]
    return len([inner, [inner, inner], {"x": inner}])


def with_weak(i, seen):
    w = Weak()
    w.parts = [shared[0], [shared[1]]]
    if i % 11 == 5:
        seen.append(weakref.ref(w, lambda r: log.append(f"weak {i}")))
    return len([[w], {"w": (w, [w])}])


def with_cycle(i):
    a = [i, shared[0]]
    b = [a, {"a": a}]
    if i % 13 == 4:
        a.append(b)
    return len([b, a])


def deep(i):
    x = [i, shared[0]]
    for _ in range(9):
        x = [x, (x, i), {i: x}]
    return len(x)


def sets(i):
    keep = (i, "s")
    s = {i, str(i), keep, frozenset([i, keep])}
    return len([s, s, {i: s}]) + len(set(j + i for j in range(6)))


def main():
    before = counts()
    total = 0
    seen = []
    for i in range(300):
        total += nested(i) + with_instances(i) + with_cell(i) + deep(i) + sets(i)
        total += with_loud(i) + with_weak(i, seen) + with_cycle(i)
        if i % 50 == 0:
            print(i, total, len(log), log[-2:])
    gc.collect()
    print(total, len(log), log[:5], counts() == before)
    print(sum(r() is None for r in seen), len(seen))


def unpack(items):
    """Lists that end at once, with what others have and what nobody has."""
    n = 0
    for a in items:
        n += len([a, [a, a], (a, [a])][1]) + len([[], [[]], [[a], a]])
        first, (second, third) = [a, (a, [a])]
        n += first is second
        n += len(third)
    return n


def lookups():
    table = {i: str(i) for i in range(0, 40, 2)}
    large = {i * 3: i for i in range(300)}
    names = {"a": 1, "b": 2}
    n = 0
    for i in range(-5, 400):
        n += len(table.get(i, "")) + large.get(i, -1) + names.get(i, 7)
        n += (i in table) + (i in names) + large.get(True, 5) + large.get(i + (1 << 40), 3)
        if i == 200:
            del table[10]
            table[10] = "ten"
            del table[12]
    return n


main()
print(unpack([[1], "a", 2.5, None, (1, 2), {}, 10**30] * 60))
print(lookups())
