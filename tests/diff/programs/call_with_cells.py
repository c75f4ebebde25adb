"""Functions with free variables and cells of their own, called from traces: comprehensions in
functions and methods, nested ones, closures, what they raise, what they look at."""

import gc
import sys
import traceback


def comp(xs, k):
    return [x + k for x in xs if x != k]


def nest(xs, ys):
    return [[x * y for y in ys] for x in xs]


def deep(xs, k):
    return {x: {y: (x, y, k) for y in range(x % 3)} for x in xs}


def cells_of_parameters(a, b=3):
    def g():
        return a + b

    s = 0
    for i in range(6):
        s += a + g()
        a += 1
    return s


def counter():
    n = 0

    def step(by):
        nonlocal n
        for _ in range(5):
            n += by
        return n

    return step


class Base:
    def many(self, xs):
        return [self.one(x) for x in xs]

    def one(self, x):
        return x * 2


class Derived(Base):
    def one(self, x):
        return super().one(x) + len([__class__ for _ in range(2)])


class Loud:
    def __init__(self, log, name):
        self.log, self.name = log, name

    def __del__(self):
        self.log.append(self.name)


def ends(k, log):
    keep = Loud(log, k)
    return [keep.name + x for x in range(4)]


def raises(xs, d):
    return [d // x for x in xs]


def looks(xs, secret):
    return [sorted(sys._getframe().f_locals) + [secret + x] for x in xs]


def names(xs, secret):
    return [sorted(locals()) + [sys._getframe(1).f_code.co_name, secret] for x in xs]


def unbound(flag):
    if flag:
        late = 1
    return [late + x for x in range(3)]


def recursive(n, k):
    return [recursive(n - 1, k) for _ in range(2)] if n > 0 else k


def show(call, *args):
    try:
        return call(*args)
    except Exception as e:
        frames = traceback.extract_tb(e.__traceback__)
        return type(e).__name__, str(e), [(f.name, f.lineno) for f in frames]


def loop(turns):
    total, log, step, found = 0, [], counter(), []
    for i in range(turns):
        total += sum(comp(range(i % 7), 3)) + len(nest(range(i % 4), range(3)))
        total += sum(map(sum, nest([i, 2], (3, 4)))) + cells_of_parameters(i) + step(i)
        total += len(deep(range(i % 5), i)) + sum(Derived().many([1, 2, i]))
        total += sum(Base().many([i])) + sum(ends(i, log)) + len(str(recursive(i % 3, i)))
        if i % 50 == 49:
            found.append(show(raises, [4, 2, 0, 1], i))
            found.append(show(looks, range(2), i))
            found.append(show(names, range(2), i))
            found.append(show(unbound, i % 100 == 99))
            found.append(show(comp, [1, "x"], i))
    return total, log == list(range(turns)), found


def test_forms():
    for _ in range(3):
        print(*loop(200))


def test_collections():
    """Collections at any time, and what lives on after them."""
    for threshold in 2, 3, 50:
        gc.collect()
        before = len(gc.get_objects())
        gc.set_threshold(threshold)
        total = 0
        for i in range(300):
            total += sum(map(sum, nest(range(i % 5), (1, 2)))) + cells_of_parameters(i)
        gc.set_threshold(700, 10, 10)
        gc.collect()
        print(total, abs(len(gc.get_objects()) - before) < 40)


def test_depth():
    """Too deep at the same place."""

    def down(n, k):
        return [down(n + 1, k) for _ in range(1)] if n < k else [n]

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(150)
    for k in 5, 20, 40, 200, 20:
        print(k, str(show(down, 0, k))[:60])
    sys.setrecursionlimit(limit)


test_forms()
test_collections()
test_depth()
