"""What traces make anew each time and end again: functions, iterators, sets of small ints, deaths of
what others have, too."""

import gc
import sys
import weakref


def functions(n):
    """What a new function says of itself; those that are kept, changed, or looked at from afar."""
    kept, out = [], []
    for i in range(n):
        k = i

        def f(a, b=2, *, c: int = 3):
            "It says what it is."
            return a + b + c + k

        def g(x):
            return x + k

        out.append(f(1) + g(1) + (lambda: k)())
        if i % 40 == 7:
            f.mark = i
            g.__defaults__ = (5,)
            kept.append((f, g, weakref.ref(g)))
    for f, g, r in kept:
        out.append((f(1), g(), g.__name__, g.__qualname__, g.__module__, f.__doc__, g.__doc__))
        out.append((f.__defaults__, f.__kwdefaults__, f.__annotations__, f.mark, f.__dict__))
        out.append((r() is g, g.__globals__ is globals(), g.__builtins__ is __builtins__.__dict__))
        out.append([c.cell_contents for c in g.__closure__])
    return out


def renamed(n):
    """The module's name, and then its builtins, change under way."""
    out = []
    was = __name__
    for i in range(n):
        if i == n // 2:
            globals()["__name__"] = "another"
        out.append((lambda: i).__module__)
    globals()["__name__"] = was
    return out.count(was), out.count("another")


def other_globals(n):
    """Functions of dicts without a name, and with builtins of their own."""
    out = []
    source = "def make():\n    return [f() for f in [lambda: len('four'), lambda: 2]], (lambda: 0)\n"
    for extra in {}, {"__builtins__": {"len": lambda s: "mine"}}, {"__name__": "third"}:
        space = dict(extra)
        exec(source, space)
        make = space["make"]
        for _ in range(n):
            values, f = make()
        out.append((values, f.__module__, "len" in f.__builtins__, len(f.__builtins__) < 5))
    return out


def ends(n):
    """Closures, and what they hold, end when they always did."""
    log = []

    class Loud:
        def __init__(self, name):
            self.name = name

        def __del__(self):
            log.append(self.name)

    for i in range(n):
        loud = Loud(i)
        f = lambda: loud
        (lambda: f)
        del f
        del loud
        log.append("-")
        for _ in [x for x in (Loud("a"), Loud("b"))]:
            pass
        log.append("+")
    return log[:14], len(log)


def iterators(n):
    out = 0
    for i in range(n):
        row = [1, 2, i]
        it = iter(row)
        out += next(it)
        row.append(4)
        out += sum(it) + len([x for x in row]) + len([x for x in (1, i)])
        row.append(5)
        out += len(list(it))
        a, *b = iter((i, 2, 3))
        out += a + b[0] + [v for v in iter(row)][-1]
    return out


def small_sets(n):
    out = []
    for i in range(n):
        k = i % 11 - 5
        s = {x * k for x in range(-9, 9)}
        t = set((x * 8) % 96 + k for x in range(14))
        u = frozenset(x - 4 for x in range(i % 9))
        s.add(k)
        s.add(True)
        s.add(-1)
        t.add(2.0)
        t.add(1 << 40)
        out.append((list(s), list(t), list(u), sys.getsizeof(s), sys.getsizeof(t), hash(u)))
        mixed = {x for x in (-1, -2, 0, False, 1.0, 1, 2**61 - 1, 2**61 - 2, -2.0, k)}
        out.append((list(mixed), [type(x).__name__ for x in mixed]))
        s.discard(k)
        s.add(k + 1)
        out.append(sorted(s))
    return out[-9:], len(set(map(repr, out)))


class Item:
    def __init__(self, name):
        self.name = name


def shared(n):
    """Dicts of lists that have the same things many times; some of them end with it."""
    items = [Item(i) for i in range(24)]
    refs, found = [], []
    for i in range(n):
        mine = [Item(-1), Item(-2)]
        table = {k: [items[j % 24] for j in range(k)] + mine for k in range(18)}
        again = (lambda: table)()
        if i % 50 == 9:
            refs.append([weakref.ref(o) for o in mine])
        found.append(len(again))
        del mine, table, again
    return sum(found), [[r() for r in row] for row in refs], {sys.getrefcount(o) for o in items}


def main():
    for _ in range(3):
        print(functions(160)[-9:])
        print(renamed(120))
        print(other_globals(60))
        print(ends(60))
        print(iterators(150))
        print(small_sets(120))
        print(shared(120))
        gc.collect()


main()
