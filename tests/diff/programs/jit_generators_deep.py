"""Generators that iterate over generators in traces, with collections in between: what the collector
finds in the frames of those that wait for others must be alive."""

import gc
import sys


class Node:
    def __init__(self, kind, children=()):
        self.kind = kind
        self.children = list(children)
        self.me = self  # only the collector can free it

    def walk(self):
        yield self.kind
        for child in self.children:
            for kind in child.walk():
                yield kind

    def matches(self, nodes):
        found = {}
        if nodes and self.match(nodes[0], found):
            yield 1, found

    def match(self, node, found):
        if node.kind % 3 == self.kind % 3:
            found[self.kind] = node
            return True
        return False


def matches(patterns, nodes):
    if not patterns:
        yield 0, {}
        return
    first, rest = patterns[0], patterns[1:]
    for n, found in first.matches(nodes):
        if not rest:
            yield n, found
            continue
        for m, more in matches(rest, nodes[n:]):
            both = {}
            both.update(found)
            both.update(more)
            yield n + m, both


def repeated(patterns, nodes, depth):
    if depth >= 1:
        yield 0, {}
    if depth < 3:
        for pattern in [list(patterns), patterns[:1], patterns[1:]]:
            for n, found in matches(pattern, nodes):
                for m, more in repeated(patterns, nodes[n:], depth + 1):
                    yield n + m, {**found, **more}


def tree(depth, kind=0):
    return Node(kind, [tree(depth - 1, kind * 3 + i) for i in range(2)] if depth else [])


def temporaries(n):
    """Values on the stack of a generator that waits for another."""
    for i in range(n):
        yield [i, [i], sum(k for k in inner([i], i))], str(i) + "".join(map(str, inner({i: i}, i)))


def inner(thing, i):
    for key in thing:
        for part in innermost((key, [key]), i):
            yield part


def innermost(pair, i):
    for x in pair:
        gc_now(i)
        if isinstance(x, int):
            yield Node(x).kind


def gc_now(i):
    if i % 5 == 3:
        gc.collect(0)
    if i % 11 == 7:
        gc.collect()


def held(gen, n):
    """A generator that is left halfway, and one that is in a cycle with its own frame."""
    out = []
    for value in gen:
        out.append(value)
        if len(out) == n:
            break
    return out


def knot(n):
    me = [None]

    def loop():
        own = me
        for i in range(n):
            yield i, len(own)

    me[0] = loop()
    return me[0]


junk = []


def iterators(i):
    """Each is freed when the generator is done, and something of its size takes its place."""
    things = [1, 2, 3], (4, 5), {6: 7, 8: 9}, {10}, "ab", b"cd", range(3), enumerate([1, 2])
    for thing in things:
        for x in thing:
            collect(i)
            yield x
    junk.append([bytes([k % 200]) * 15 for k in range(20)])


def pairs(i):
    """The same iterator all the time, freshly made."""
    for k, x in enumerate((i, i + 1, i + 2)):
        for y in [k, x]:
            collect(i)
            yield y
    junk.append([bytes([k % 200]) * 15 for k in range(20)])


def only_pairs(n):
    for i in range(n):
        for x in pairs(i):
            yield x


DRAINED = """
def drained(gen):
    out = []
    for value in gen:
        out.append(value)
    return out
"""


def drained(gen):
    """Iterates in a loop of its own, as list() does in C; each time a new one."""
    names = {}
    exec(DRAINED, names)
    return names["drained"](gen)


def collect(i):
    gc.collect(0)
    return len(junk[-1:])


def outer(n):
    for i in range(n):
        for x in iterators(i):
            yield i, x
        for x in pairs(i):
            yield i, x
        junk.append(("x" * (i % 40 + 1)).encode())


for thresholds in ((700, 10, 10), (1, 1, 1), (5, 2, 2)):
    gc.set_threshold(*thresholds)
    print(drained(tree(5).walk()))
    patterns = [Node(0), Node(1), Node(2)]
    nodes = [Node(i % 3) for i in range(9)]
    for _ in range(4):
        print([(n, sorted(f), [v.kind for v in f.values()]) for n, f in repeated(patterns, nodes, 0)][:8])
    print(drained(temporaries(40))[-3:])
    print([held(tree(4).walk(), k) for k in range(1, 20)][-1])
    print([held(knot(6), k) for k in range(1, 20)][-1])
    print(drained(outer(60))[-5:], drained(only_pairs(60))[-5:], len(junk))
    junk.clear()
    gc.collect()
    print(len([o for o in gc.get_objects() if type(o) is Node]), sys.getrefcount(Node) < 200)
