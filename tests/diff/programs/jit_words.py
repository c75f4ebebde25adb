"""Loops over ints of one digit, two and more in lists, attributes and boxes; lists that end."""

import copy
import gc
import random

random.seed(7)
TABLE = [random.getrandbits(32) for _ in range(256)]
SIGNED = [random.choice((-1, 1)) * random.getrandbits(random.choice((3, 29, 30, 31, 45, 59, 60)))
          for _ in range(512)]  # fmt: skip
EDGES = [0, 1, -1, 256, 257, -5, -6, 2**30 - 1, 2**30, 2**59 - 1, 2**59, 2**60 - 1]
EDGES += [-value for value in EDGES]


def rounds(words, n):
    """Words of 32 bits by way of tables, in lists that die each turn."""
    a = [0, 0, 0, 0]
    t = list(words)
    for r in range(n):
        for i in range(4):
            a[i] = TABLE[(t[i] >> 24) & 0xFF] ^ TABLE[t[(i + 1) % 4] & 0xFF] ^ r
        t = copy.copy(a)
    return t


class Count:
    def __init__(self):
        self.total = 0
        self.low = 2**30 - 50


def sums(values, n):
    """Sums in attributes: boxes that are used again, of one digit and two, either sign."""
    count = Count()
    kept = []
    for i in range(n):
        value = values[i % len(values)]
        count.total = (count.total + value) & 0x0FFF_FFFF_FFFF_FFFF
        count.low += 1
        if i % 50 == 0:
            kept.append((count.total, count.low, -count.total))
    return kept, count.total, count.low


def negated(values):
    """Ints at the edges of digits, out of boxes and into new ones."""
    out = []
    for value in values:
        out.append((-value, value ^ 1, value + 1, value - 1, ~value))
    return out


def larger(values, n):
    """What has more than two digits leaves the trace."""
    total = 1
    out = []
    for i in range(n):
        total += values[i % len(values)]
        if i % 40 == 39:
            total *= 2**20
        if total.bit_length() > 100:
            total >>= 90
        out.append(total % 1000)
    return sum(out), total


class Noisy:
    def __del__(self):
        dead.append(self.name)

    def __init__(self, name):
        self.name = name


dead = []


def ends(n):
    """Lists and tuples that die with numbers, strings, what others have, and what speaks."""
    keep = ["kept"]
    for i in range(n):
        a = [i, i * 1.5, 2**40 + i, "x" * (i % 3), None, keep]
        b = (a[0], a[1], a[2], [i], keep)
        a = [b, b] if i % 7 else [Noisy(i)]
        b = None
    a = None
    return len(dead), dead[:5], keep


print(rounds([1, 2**31, 5, 77], 300))
print(sums(SIGNED, 1500)[1:], hash(tuple(sums(SIGNED, 1500)[0])))
for _ in range(40):
    edges = negated(EDGES)
print(edges)
print(hash(tuple(map(tuple, negated(SIGNED)))))
print(larger(SIGNED, 1000))
print(ends(200))
print(gc.get_count()[0] < 2000)
