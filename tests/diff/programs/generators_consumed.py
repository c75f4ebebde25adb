"""Builtins that take all values of a generator: any, all, sum, list."""

import gc
import sys
import traceback


def sizes():
    out = []
    for n in (0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 25, 63, 100, 300):
        made = list(x for x in range(n))
        out.append((len(made), sys.getsizeof(made), sum(made)))
    return out


def sums():
    big = 1 << 70
    out = []
    for values in (
        [],
        [1],
        [True, 2],
        list(range(300)),
        [2**29] * 9,
        [2**62] * 5,
        [-(2**63), -1],
        [big, 1, -big],
        [1, 0.5, 2],
        [0.1] * 12,
        [0.5, big, 1.5],
        [1e308, 1e308, -1e308],
        [float("nan"), 1.0],
        [-0.0, -0.0],
        [1, 2j, 3.5],
    ):
        for _ in range(4):
            r = sum(x for x in values)
        out.append((repr(r), type(r).__name__))
    return out


class Says:
    def __init__(self, truth, log):
        self.truth = truth
        self.log = log

    def __bool__(self):
        f = sys._getframe(1)
        self.log.append((self.truth, f.f_code.co_name, f.f_lineno - f.f_code.co_firstlineno))
        if self.truth is None:
            raise ArithmeticError("neither")
        return self.truth

    def __radd__(self, other):
        self.log.append(("radd", other))
        return other + 100

    __add__ = __radd__

    def __del__(self):
        self.log.append("gone")


def truths(n):
    out = []
    for k in range(n):
        out.append(any(x > 5 for x in range(k % 9)))
        out.append(all(x < 5 for x in range(k % 9)))
        out.append(any(x for x in ("", (), [], {}, 0, 0.0, None, set(), b"", k % 3)))
        out.append(all(x for x in ("a", (0,), [0], {0: 0}, 1, 0.5, object(), {0}, b"b", k % 3)))
    return out.count(True), out[-8:]


def asked():
    log = []
    out = []
    for _ in range(4):
        out.append(any(x for x in (0, Says(False, log), 0, Says(True, log), 1)))
        out.append(all(x for x in (1, Says(True, log), 2, Says(False, log), 1)))
        out.append(any(Says(False, log) for _ in range(3)))
        out.append(sum(x for x in (1, 2, Says(True, log), 3)))
        for f in (any, all):
            try:
                f(x for x in (f is all, Says(None, log), 1))
            except ArithmeticError as e:
                first = asked.__code__.co_firstlineno
                out.append([(t.name, t.lineno - first) for t in traceback.extract_tb(e.__traceback__)])
    return out, log


def errors():
    out = []

    def raises(n):
        for i in range(n):
            yield i
        raise KeyError(n)

    for f in (any, all, sum, list):
        for n in (0, 1, 12):
            try:
                f(raises(n))
                out.append("none")
            except KeyError as e:
                out.append([t.name for t in traceback.extract_tb(e.__traceback__)])
            try:
                f(x / 0 for x in range(n))
            except ZeroDivisionError as e:
                out.append([t.name for t in traceback.extract_tb(e.__traceback__)])
        g = raises(3)
        try:
            f(next(g) for _ in range(9))
        except (RuntimeError, KeyError) as e:
            out.append(repr(e))
        try:
            f(x for x in (1, "a", None))
        except TypeError as e:
            out.append(str(e))
        own = []

        def self_consumer():
            yield 1
            try:
                f(own[0])
            except ValueError as e:
                yield str(e)

        own.append(self_consumer())
        try:
            out.append(f(own[0]))
        except TypeError as e:
            out.append(str(e))
        done = raises(2)
        try:
            f(done)
        except KeyError:
            pass
        try:
            out.append(f(done))
        except KeyError as e:
            out.append(repr(e))
    return out


def where(log):
    f = sys._getframe(1)
    names = []
    while f.f_code.co_name != "main":
        names.append((f.f_code.co_name, f.f_lineno - f.f_code.co_firstlineno))
        f = f.f_back
    log.append(names)
    return True


def looked_at():
    log = []
    g = None

    def gen(n):
        for i in range(n):
            where(log)
            log.append((g.gi_running, sys.getrefcount(g), g.gi_frame.f_lineno - gen.__code__.co_firstlineno))
            yield i

    for f in (list, sum, all, any):
        g = gen(2)
        log.append(repr(f(g)))
        log.append((g.gi_frame is None, g.gi_running, sys.getrefcount(g)))
    return log


def abandoned():
    log = []

    def gen(n):
        try:
            for i in range(n):
                yield i
        finally:
            log.append((n, sys.exc_info()[0]))

    for n in range(4):
        log.append(any(gen(n)))
        log.append(all(gen(n)))
        g = gen(n)
        log.append(any(g))
        log.append([x for x in g])
        g.close()
        log.append(any(x for x in gen(n)))
    return log


def delegated():
    def inner(n):
        r = yield from range(n)
        yield r is None

    def outer(n):
        yield from inner(n)
        yield from (x * 2 for x in inner(n))

    return [f(outer(n)) for n in range(5) for f in (sum, list, any, all)]


def nested(n):
    out = 0
    for i in range(n):
        out += sum(sum(y for y in range(x)) for x in range(i % 7))
        out += len(list(list(y for y in range(x)) for x in range(i % 5)))
        out += any(all(y < x for y in range(i % 4)) for x in range(5))
    return out


def changed(n):
    """Others by these names, and others than generators there."""
    out = []
    for k in range(n):
        things = (x for x in range(5)) if k % 3 else range(5)
        out.append(sum(things))
        take = (any, all, list, sum, tuple, set, max)[k % 7]
        out.append(take(x for x in (1, 2)))
    return out


class Mine(list):
    def append(self, x):
        raise NotImplementedError


def subclasses():
    return Mine(x for x in range(3)), type(Mine(x for x in range(3))).__name__, sum((x for x in range(3)), 5)


def deep(n):
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(150)

    def down(k):
        return k if k == 0 else list(down(k - 1) for _ in range(1))

    def down_sum(k):
        return k if k == 0 else any(down_sum(k - 1) or 1 for _ in range(1))

    out = []
    try:
        for f in (down, down_sum):
            for k in (5, 20, 30, n):
                try:
                    f(k)
                    out.append(k)
                except RecursionError as e:
                    out.append(str(e)[:33])
    finally:
        sys.setrecursionlimit(limit)
    return out


def collected():
    """Collections that come while values are taken."""
    seen = []

    class Cycle:
        def __init__(self):
            self.me = self

        def __del__(self):
            seen.append(1)

    def make(n):
        for i in range(n):
            Cycle()
            if i % 50 == 49:
                gc.collect()
            yield i

    return sum(make(200)), len(list(make(200))), all(x + 1 for x in make(200)), len(seen) > 400


def main():
    for _ in range(3):
        for f in (sizes, sums, asked, errors, looked_at, abandoned, delegated, subclasses, collected):
            print(f.__name__, f())
    print(truths(60), nested(80), changed(42), deep(200))


main()
