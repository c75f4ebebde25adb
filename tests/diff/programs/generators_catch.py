"""Generators and coroutines that catch, in the middle of a hot loop, what a function or method in
Python has raised that they have called: their stack is hidden from the collector in a trace, and
unwinding needs it. The references of the functions are counted."""
import collections.abc
import sys


class Items:
    def __init__(self, items):
        self.items = items

    def __getitem__(self, i):
        item = self.items[i]
        return item

    def __iter__(self):
        i = 0
        try:
            while True:
                v = self[i]
                yield v
                i += 1
        except IndexError:
            return


class Sequence(collections.abc.Sequence):
    __slots__ = ("items",)

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        _, name, value = self.items[i]
        return name, value


def check(n):
    if n % 3 == 1:
        raise ValueError(n)
    return n


def deep(n):
    return check(n) + 1


def mended(ns):
    """caught with something on the stack below the call"""
    for n in ns:
        yield (n, [n, deep(n) if n % 3 != 1 else attempt(n)])


def attempt(n):
    try:
        return deep(n)
    except ValueError as e:
        return -e.args[0]


def within(ns):
    for n in ns:
        try:
            yield [n, (n, deep(n))]
        except ValueError as e:
            yield [n, e.args]
        finally:
            n = None


class Held:
    entered = left = 0

    def __enter__(self):
        Held.entered += 1
        return self

    def __exit__(self, cls, exc, tb):
        Held.left += 1
        return cls is ValueError


def held(ns):
    for n in ns:
        with Held():
            yield deep(n)


def chained(ns):
    for n in ns:
        try:
            yield from two(n)
        except ValueError:
            yield None


def two(n):
    yield n
    yield deep(n)


async def waits(n):
    try:
        return 1 + await step(n)
    except ValueError:
        return 0


async def step(n):
    return deep(n)


def run(coroutine):
    try:
        coroutine.send(None)
    except StopIteration as e:
        return e.value


FUNCTIONS = [
    Items.__iter__, Items.__getitem__, collections.abc.Sequence.__iter__, Sequence.__getitem__,
    check, deep, mended, attempt, within, held, chained, two, waits, step, Held.__exit__,
]


def pairs(ps):
    return [(name.lower(), value) for name, value in ps]


def first(ps, wanted):
    for name, value in ps:
        if name == wanted:
            return value
    return None


def main():
    before = [sys.getrefcount(f) for f in FUNCTIONS]
    total = 0
    for i in range(300):
        n = i % 5 + 3
        total += sum(Items(list(range(n))))
        for v in Items(range(n)):
            total += v
        ps = Sequence([(j, "N%d" % j, j * j) for j in range(n)])
        total += len(pairs(ps)) + (first(ps, "N3") or 0) + (first(ps, "N30") or 1)
        for a, (b, c) in mended(range(n)):
            total += a + b + c
        for a, b in within(range(n)):
            total += a + len(b)
        for a in held(range(n)):
            total += a
        for a in chained(range(n)):
            total += 7 if a is None else a
        total += run(waits(i))
    print(total, Held.entered, Held.left)
    print([sys.getrefcount(f) - b for f, b in zip(FUNCTIONS, before)], sys.exc_info())


main()
