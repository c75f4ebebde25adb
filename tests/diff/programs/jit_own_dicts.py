"""Attributes of instances with dicts of their own: many objects of a class share a trace."""

import gc
import sys


class Node:
    kind = "class"

    def __init__(self, n):
        self.n = n
        self.total = 0
        self.peer = None

    def get(self):
        return self.n

    def add(self, k):
        self.total += k
        return self.total


class Dies:
    def __del__(self):
        print("gone", end=" ")


def nodes(count):
    made = [Node(i) for i in range(count)]
    for node in made:
        node.__dict__["extra%d" % (node.n % 3)] = node.n  # a dict of its own
    return made


def sums(made, n):
    total = 0
    for i in range(n):
        node = made[i % len(made)]
        node.total += node.get() + len(node.kind)
        node.peer = made[(i + 1) % len(made)]
        total += node.add(1) + node.peer.n
    return total, made[0].total


def shadows(made, n):
    seen = []
    for i in range(n):
        node = made[i % len(made)]
        if i == n - 20:
            node.get = lambda: -1000
        if i == n - 10:
            node.kind = "own"
        seen.append(node.get() + len(node.kind))
    return seen[-30:]


def deletes(made, n):
    total = 0
    for i in range(n):
        node = made[i % len(made)]
        if i == n - 1:
            del node.total
        node.peer = i
        total += node.total
    return total


def counts(made, n):
    held = object()
    before = sys.getrefcount(held)
    for i in range(n):
        made[i % len(made)].peer = held
    after = sys.getrefcount(held)
    for node in made:
        node.peer = None
    return after - before, sys.getrefcount(held) - before


def dying(made, n):
    for i in range(n):
        node = made[i % len(made)]
        node.peer = Dies() if i % 40 == 7 else i
    print()


def shapes(n):
    made = nodes(5)
    made[1].__dict__ = {"peer": 1, "n": 2, "total": 3}
    made[2].__dict__ = {k: 1 for k in "abcdefghijkl"} | {"n": 5, "total": 1, "peer": 0}
    made[3].__dict__[7] = "not a name"
    total = 0
    for i in range(n):
        node = made[i % 5]
        node.total += node.n
        total += node.total + node.get()
    return total


for size in (20, 600):
    made = nodes(7)
    print(sums(made, size), shadows(made, size), counts(nodes(3), size), shapes(size))
    dying(nodes(4), size)
    try:
        deletes(made, size)
    except AttributeError as error:
        print(error, error.__traceback__.tb_next.tb_lineno)


def replaced(d, keys, values):
    """Values in the place of others, of every sort, and what then dies."""
    for value in values:
        for key in keys:
            d[key] = value
    return d


class Told:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        told.append(self.name)


told = []
numbers = {i * 2**35: i for i in range(20)}
words = {f"w{i}": i for i in range(20)}
print(replaced(numbers, list(numbers), [*range(40), 2.5, "x", None]))
print(gc.is_tracked(numbers), gc.is_tracked(replaced(numbers, list(numbers), [1, [], 2] * 20)))
print(list(replaced(words, [*words, "new", "w3"], [1.5, 2**70, (1,), b"y"] * 20).items())[-3:])
print(replaced({1: 2, True: 3, 1.0: 4}, [1, 1.0, True, 2**64], list(range(30))))
replaced(words, list(words)[:3], [Told(i) for i in range(40)])
print(len(told), told[:4], told[-1], sys.getrefcount(words["w5"]) > 0)
