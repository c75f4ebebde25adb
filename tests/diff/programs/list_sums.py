"""Sums of lists that are new, shared, kept or the same; slices that are stored; lists that end."""

import gc
import sys
import weakref


def to_front(items, at):
    items[:] = items[at : at + 1] + items[0:at] + items[at + 1 :]


def move(items, n):
    for i in range(n):
        to_front(items, i * i * 7 % len(items))
    return items


print(move([bytes([i]) for i in range(50)], 200))
print(move(list(range(1000, 1060)), 200))
print(move([[i] for i in range(20)], 100))


class Noisy:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        said.append(self.name)


said = []


def sums(n):
    """Each kind of operand; what is kept must keep its items."""
    kept, out = [1, 2.5, "x"], []
    for i in range(n):
        new = [i, i + 1] + kept
        twice = kept + kept
        both = new[1:] + twice[:2]
        same = (t := new[:2]) + [i] + t
        empty = [] + new[5:] + []
        chain = [i] + [[i]] + [(i,)] + new[:1] + kept[1:2]
        out.append((len(both), same, t, empty, chain[1:], new[0]))
        if i % 9 == 0:
            out.append(kept + out[-1:])
    return kept, out[::17], sys.getsizeof(both), sys.getsizeof(chain), sys.getsizeof(empty)


print(sums(150))


def finalizers(n):
    for i in range(n):
        a = [Noisy(i)] + [Noisy(-i)]
        b = a[:1] + [Noisy(1000 + i)] + a[1:]
        a = None
        b[:] = b[2:] + b[:2]
        b[1:2] = [i]
    return said[:7], len(said), b[1]


print(finalizers(60))
print(len(said), said[-4:])


class Sub(list):
    def __add__(self, other):
        return ("sub", list(self), other)


def mixed(values):
    """Other types than lists come by, and errors."""
    out = []
    for value in values:
        try:
            out.append([1] + value + [2])
        except TypeError as error:
            out.append(str(error))
    return out


print(mixed([[3], [], [4, 5]] * 30 + [(1,), None, Sub([7])] * 3 + [[6]])[-12:])
print([Sub([i]) + [i] for i in range(50)][-1])


def cycles(n):
    """Lists in themselves, and collections on the way."""
    refs = []
    for i in range(n):
        a = [i]
        a.append(a)
        b = a[:] + [a] + a[1:]
        refs.append(b[0] + len(b) + (b[1] is a))
        gc.get_count()
        del a, b
    return sum(refs)


print(cycles(3000))
gc.collect()


class Node:
    pass


def weak(n):
    """What dies with a sum dies when it does in stock."""
    seen = []
    for i in range(n):
        node = Node()
        ref = weakref.ref(node, lambda _, i=i: seen.append(i))
        held = [node] + [i]
        node = None
        seen.append(ref() is not None)
        held = [i] + held[1:]
        seen.append(ref() is None)
    return seen[-6:], len(seen), held


print(weak(80))
