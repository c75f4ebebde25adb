"""Builtins that take all values of a generator: any, all, sum, list, tuple, set,
frozenset, sorted; called from loops, too."""

import gc
import sys
import traceback


def sizes():
    out = []
    for n in (0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 25, 63, 100, 300):
        made = list(x for x in range(n))
        out.append((len(made), sys.getsizeof(made), sum(made)))
        for kind in (tuple, set, frozenset, sorted):
            made = kind(x * 3 for x in range(n))
            out.append((type(made).__name__, len(made), sys.getsizeof(made), sum(made)))
    out.append(tuple(x for x in "") is tuple())
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
                out.append(
                    [(t.name, t.lineno - first) for t in traceback.extract_tb(e.__traceback__)]
                )
    return out, log


def errors():
    out = []

    def raises(n):
        for i in range(n):
            yield i
        raise KeyError(n)

    for f in (any, all, sum, list, tuple, set, frozenset, sorted, min, max):
        for n in (0, 1, 12, 40):
            try:
                f(raises(n))
                out.append("none")
            except KeyError as e:
                out.append([t.name for t in traceback.extract_tb(e.__traceback__)])
            try:
                f(x / 0 for x in range(n))
            except (ValueError, ZeroDivisionError) as e:
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
        except (KeyError, ValueError) as e:
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
            log.append(
                (
                    g.gi_running,
                    sys.getrefcount(g),
                    g.gi_frame.f_lineno - gen.__code__.co_firstlineno,
                )
            )
            yield i

    for f in (list, sum, all, any, tuple, set):
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

    return [f(outer(n)) for n in range(5) for f in (sum, list, any, all, tuple, sorted)]


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


class Key:
    """Asked by sets, who must ask as often as ever."""

    def __init__(self, n, log):
        self.n = n
        self.log = log

    def __hash__(self):
        f = sys._getframe(1)
        self.log.append(("hash", self.n, f.f_code.co_name))
        if self.n == 9:
            raise ArithmeticError("no hash")
        return hash(self.n % 4)

    def __eq__(self, other):
        self.log.append(("eq", self.n, getattr(other, "n", other)))
        return isinstance(other, Key) and self.n == other.n


def keys():
    log, out = [], []
    for values in (
        (1, 2, Key(1, log), 1, 5),
        (Key(1, log), 1, Key(5, log), "a"),
        (1, Key(9, log), 3),
        (1, [], 2),
    ):
        for kind in (set, frozenset):
            for _ in range(3):
                try:
                    made = kind(v for v in values)
                    out.append(sorted(str(getattr(v, "n", v)) for v in made))
                except (ArithmeticError, TypeError) as e:
                    out.append((str(e), e.__traceback__.tb_next is None))
    out.append([sorted(set((i % 3, str(j)) for j in range(i % 5))) for i in range(12)])
    out.append(
        sorted(
            map(
                repr,
                set(
                    v
                    for v in (
                        1,
                        1.0,
                        True,
                        None,
                        "1",
                        b"1",
                        2.5,
                        1 << 80,
                        1 << 80,
                        (1, "1"),
                        (1.0, "1"),
                    )
                ),
            )
        )
    )
    return out, log


class Odd:
    def __del__(self):
        gone.append(1)


gone = []


def from_loops(n):
    """The calls are in loops that are hot; what they are given changes now and then."""
    out = []
    for i in range(n):
        width = i % 9
        a = tuple(x + i for x in range(width))
        b = set(x % 3 for x in a)
        c = frozenset(str(x) for x in b)
        d = list((x, y) for x in b for y in range(2))
        e = sum(x * 0.5 if i % 11 == 0 else x for x in a)
        f = any(x > 10 for x in a), all(x > 3 for x in a)
        try:
            g = tuple(10 // (x - 3) for x in range(i % 6))
        except ZeroDivisionError as error:
            g = error.__traceback__.tb_next.tb_frame.f_code.co_name
        h = tuple(Odd() if x == 2 else x for x in range(i % 5))
        h = len(h), len(gone)
        out.append((len(a), len(b), len(c), len(d), e, f, g, h))
    return out[-25:], len(out)


def of_generators(n):
    """Generators that take others' values, and are taken themselves."""

    def rows(k):
        items = list(range(k))
        for i in range(k):
            yield tuple(items[j] * i for j in range(k))
            items[i % k] += 1

    out = []
    for i in range(n):
        for row in rows(i % 6):
            out.append(len(set(row[j] + j for j in range(len(row)))))
        out.append(sum(len(set(row)) for row in rows(i % 4)))
        out.append(sorted(set(r for row in rows(3) for r in tuple(x for x in row))))
        if i % 16 == 15:
            gc.collect()
    return out[-40:], len(out)


def seen_from_within(n):
    """What the collector, the stack and the generator itself show meanwhile."""
    out = []

    def watched(i):
        for k in range(i % 4):
            if k == 2:
                gc.collect()
                f = sys._getframe(1)
                out.append((f.f_code.co_name, f.f_lineno - f.f_code.co_firstlineno))
            yield k
        return i

    for i in range(n):
        made = tuple(watched(i))
        g = watched(i)
        some = set(g), sys.getrefcount(g), g.gi_frame is None
        out.append((made, some))
    return out[-20:]


class Mine(list):
    def append(self, x):
        raise NotImplementedError


def subclasses():
    return (
        Mine(x for x in range(3)),
        type(Mine(x for x in range(3))).__name__,
        sum((x for x in range(3)), 5),
    )


class Ranked:
    """Compared by code that looks around, and may fail or change things."""

    def __init__(self, rank, log):
        self.rank = rank
        self.log = log

    def __lt__(self, other):
        f = sys._getframe(1)
        self.log.append((f.f_code.co_name, f.f_lineno - f.f_code.co_firstlineno))
        if self.rank == 13 or other.rank == 13:
            raise ArithmeticError("unlucky")
        return self.rank < other.rank


def sorted_ones(n):
    out = []
    for i in range(n):
        log = []
        out.append([r.rank for r in sorted(Ranked(x * i % 11, log) for x in range(5))])
        try:
            sorted(Ranked(x + i % 9, log) for x in (3, 1, 12, 5))
        except ArithmeticError as e:
            first = sorted_ones.__code__.co_firstlineno
            names = [
                (t.name, t.lineno - first if t.name == "sorted_ones" else 0)
                for t in traceback.extract_tb(e.__traceback__)
            ]
            out.append((str(e), names))
        try:
            out.append(sorted(x for x in (1, "a", i)))
        except TypeError as e:
            out.append(str(e))
        out.append((len(log), log[:1], sorted((str(x) for x in range(i % 4)), reverse=True)))
        out.append(sorted(-x for x in range(i % 6)) + sorted((x for x in "hello"), key=ord))
    return out[-30:], len(out)


def chosen(n):
    """min and max: which of equal ones, of mixed kinds, of none; what is asked."""
    out = []
    nan = float("nan")
    for i in range(n):
        log = []
        for f in (min, max):
            out.append(f(x * i % 7 - 3 for x in range(1, 9)))
            out.append(f((x - i) * 0.5 for x in range(i % 5 + 1)))
            out.append(repr(f(x for x in (1.0, nan, 0.5, 2.0))) + repr(f(x for x in (nan, i))))
            out.append(f(x for x in (1, True, 1.0, i % 3 * 1.0)))
            out.append(type(f(x for x in (1, True, 1.0))).__name__)
            out.append(f(str(x) for x in range(i % 13 + 1)))
            out.append(f(1 << x for x in range(60, 64 + i % 4)))
            out.append(f([x, -x] for x in range(4)))
            out.append(f((x for x in range(i % 4)), default="none"))
            out.append(f((x for x in "word"), key=lambda c: -ord(c)))
            big = f(x for x in (10**20, i, -(10**20)))
            out.append(big)
            mine = [f"n{x}" for x in range(3)]
            out.append(f(x for x in mine) is mine[0 if f is min else 2])
            try:
                f(x for x in range(0))
            except ValueError as e:
                out.append(str(e))
            try:
                f(x for x in (1, "a", 2))
            except TypeError as e:
                out.append(str(e))
            try:
                out.append(f(Ranked(x + i % 9, log) for x in (3, 1, 12, 5)).rank)
            except ArithmeticError as e:
                out.append((str(e), [t.name for t in traceback.extract_tb(e.__traceback__)]))
        out.append((len(log), log[:1]))
    return out[-70:], len(out), hash(repr(out).replace("nan", "")) == 0


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
        for f in (
            sizes,
            sums,
            asked,
            errors,
            looked_at,
            abandoned,
            delegated,
            subclasses,
            collected,
            keys,
        ):
            print(f.__name__, f())
    print(sorted_ones(90), chosen(70))
    print(truths(60), nested(80), changed(42), deep(200))
    print(from_loops(150), of_generators(80), seen_from_within(120), len(gone))


main()
