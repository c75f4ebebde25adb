"""Comparisons of sets with all kinds of items, some of which have a say in what is equal."""

import random

random = random.Random(7)
asked = []


class Item:
    def __init__(self, n):
        self.n = n

    def __hash__(self):
        return self.n % 5

    def __eq__(self, other):
        asked.append(self.n)
        return isinstance(other, Item) and self.n == other.n


def ints(n):
    return random.choice((n, n * 2**70, -1, -2, True, 1.0))


def strs(n):
    return f"s{n}"


def mixed(n):
    return random.choice((n, f"s{n}", (n,), float(n), None, Item(n), b"x"))


def items(make, least, most):
    return [make(random.randrange(12)) for _ in range(random.randrange(least, most))]


def main():
    out = 0
    for _ in range(1500):
        make = random.choice((ints, strs, mixed))
        a = items(make, 0, 14)
        b = a[: random.randrange(len(a) + 1)] + items(make, 0, 3)
        a = random.choice((set, frozenset))(a)
        b = random.choice((set, frozenset))(b)
        if isinstance(a, set) and a and random.random() < 0.3:
            a.pop()
        out = (out * 31 + (a <= b) + 2 * (b <= a) + 4 * (a < b) + 8 * (a >= b)) % 1000003
        out = (out * 31 + (a > b) + 2 * (a == b) + 4 * (a != b)) % 1000003
    print(out, len(asked), sum(asked))


main()
