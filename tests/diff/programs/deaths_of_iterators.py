"""Iterators, bound methods and cells that die inside of hot loops, with what only they have."""


class Loud:
    """Its end is seen."""

    log = []

    def __init__(self, name):
        self.name = name

    def __del__(self):
        Loud.log.append(self.name)

    def method(self):
        return len(self.name)


def first_items(n):
    """Items iterators that are left early, with their pair."""
    total = 0
    for i in range(n):
        d = {"a": [i], "b": (i, i + 1), 3: {i}}
        for key, value in d.items():
            total += len(value)
            if key == "b":
                break
    return total


def last_reference(n):
    """The dict, or what it has, lives only by its iterator."""
    total = 0
    for i in range(n):
        for key, value in {"x": Loud(f"v{i}"), "y": 1}.items():
            if key == "y":
                total += value
    return total


def gone_meanwhile(n):
    """The pair keeps what the dict has lost."""
    total = 0
    for i in range(n):
        d = {"p": Loud(f"p{i}"), "q": Loud(f"q{i}")}
        it = iter(d.items())
        total += next(it)[1].method()
        del d
        it = None
        total += len(Loud.log)
    return total


def bound(n):
    """Bound methods that are the last to have their object."""
    total = 0
    for i in range(n):
        m = Loud(f"m{i}").method
        total += m()
        m = None
        total += len(Loud.log)
    return total


def pairs(n):
    """zip, enumerate, reversed and set iterators."""
    total = 0
    for i in range(n):
        for a, b in zip([i, [i]], ({i}, (i,))):
            total += (a is not None) + len(b)
        for k, item in enumerate([(i,), [i, i]]):
            total += k + len(item)
            if i & 1:
                break
        for item in {(i,), (i, i)}:
            total += len(item)
        for item in {"k": (i,)}.values():
            total += len(item)
    return total


def cells(n):
    """Closures that are the last to have a cell."""
    total = 0
    for i in range(n):
        held = Loud(f"c{i}")
        f = lambda: held.method()
        total += f()
        del f
        held = None
        total += len(Loud.log)
    return total


for work in (first_items, last_reference, gone_meanwhile, bound, pairs, cells):
    Loud.log.clear()
    print(work.__name__, work(700), len(Loud.log), Loud.log[:3], Loud.log[-3:])
