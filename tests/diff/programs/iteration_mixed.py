"""One loop over iterables of every kind in turn, changed and failing while it runs."""

# ruff: noqa - odd code on purpose
import sys
import traceback


def numbers(n):
    yield from range(n)


class Own:
    def __iter__(self):
        return iter(("own", "iterator"))


class Stepping:
    def __init__(self):
        self.left = 2

    def __iter__(self):
        return self

    def __next__(self):
        self.left -= 1
        if self.left < 0:
            raise StopIteration
        return self.left


def kinds():
    return [
        [1, 2],
        (3, 4),
        {"a": 1, "b": 2},
        numbers(3),
        range(2),
        "xy",
        {5},
        Own(),
        Stepping(),
        {"k": 1}.items(),
        {"k": 1}.values(),
        iter([7]),
        map(str, (1,)),
        zip("a", "b"),
        enumerate("e"),
        reversed([1, 2]),
        b"z",
        [],
        (),
        {},
    ]


def loop(iterable):
    out = []
    for item in iterable:
        out.append(item)
    return out


def unused(iterable):
    n = 0
    for n_, _ in iterable:
        n += 1
    return n


def comprehension(iterable):
    return [x for x in iterable]


for _ in range(15):
    got = [(loop(a), comprehension(b)) for a, b in zip(kinds(), kinds())]
print(got)
for _ in range(40):
    got = unused([(1, 2)]), unused(((1, 2), (3, 4))), unused({"ab": 1}), unused({1: 2}.items())
print(got)


def growing(container, add):
    seen = []
    try:
        for item in container:
            seen.append(item)
            if len(seen) < 4:
                add(container, len(seen) + 10)
    except RuntimeError as error:
        seen.append(str(error))
    return seen


for _ in range(12):
    got = (
        growing([1], list.append),
        growing({1: 1}, lambda d, n: d.update({n: n})),
        growing((1, 2), lambda t, n: None),
        growing({1}, set.add),
    )
print(got)


def broken(n):
    yield n
    raise ValueError(n)


class Dies:
    alive = 0

    def __init__(self):
        Dies.alive += 1

    def __del__(self):
        Dies.alive -= 1


for n in range(25):
    for iterable in ([1], (2,), broken(n), 5):
        try:
            loop(iterable)
        except (ValueError, TypeError):
            if n == 24:
                traceback.print_exc(file=sys.stdout)
for _ in range(10):
    for iterable in ([Dies() for _ in range(3)], tuple(Dies() for _ in range(3)), [Dies()]):
        for item in iterable:
            pass
print(Dies.alive)
item = iterable = None
print(Dies.alive)
shared = object()
before = sys.getrefcount(shared)
for _ in range(100):
    loop([shared]), loop((shared,)), loop({shared: 1}), loop(x for x in [shared])
print(sys.getrefcount(shared) == before)
running = None


def itself():
    try:
        for _ in running:
            pass
    except ValueError as error:
        yield str(error)


for _ in range(10):
    running = itself()
    print(loop(running), end=" ")
print()
