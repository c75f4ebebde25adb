"""Python functions that C calls, again and again: arguments, references, depth, frames; closing generators."""

import functools
import gc
import sys


class Told:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        f = sys._getframe(1)
        print("gone", self.name, f.f_code.co_name, f.f_lineno, sys.exc_info()[0])


def where(depth=1):
    f = sys._getframe(depth)
    out = []
    while f is not None and len(out) < 4:
        out.append((f.f_code.co_name, f.f_lineno))
        f = f.f_back
    return out


def plain(x):
    return x


def shapes():
    def two(a, b):
        return a, b

    def default(a, b=5):
        return a, b

    def star(*a, **k):
        return a, k

    def kwonly(a, *, k=3):
        return a, k

    def none():
        return 7

    for f in (plain, two, default, star, kwonly, none, lambda x: x, lambda x, y: (y, x)):
        for rows in ([[1, 2, 3]], [[1, 2], [3, 4]]):
            for _ in range(2):
                try:
                    print(f.__name__, list(map(f, *rows)))
                except TypeError as e:
                    print(f.__name__, e, e.__traceback__.tb_next)

    def defaults(a, b=Told("default b"), c=[]):
        c.append(a)
        return a, b.name if isinstance(b, Told) else b, list(c)

    def generator(a, b=4):
        yield a, b

    for _ in range(3):
        print(list(map(defaults, [1, 2])), list(map(defaults, [1], [2])))
        print([list(g) for g in map(generator, [1, 2])], [list(g) for g in map(generator, [1], [2])])
    defaults.__defaults__ = (8,)
    try:
        print(list(map(defaults, [1])))
    except TypeError as e:
        print(e)
    defaults.__defaults__ = None
    try:
        print(list(map(defaults, [1])))
    except TypeError as e:
        print(e)
    p = functools.partial(two, 1)
    print([p(i) for i in range(3)], [functools.partial(two, b=2)(i) for i in range(3)])
    print(functools.reduce(two, range(4)), sorted([3, 1, 2], key=lambda v: -v))


def references():
    marker = object()
    func = lambda x, y: None
    watched = [marker, func, func.__code__]
    before = [sys.getrefcount(w) for w in watched]
    for _ in range(20):
        list(map(func, [marker] * 3, [marker] * 3))
    print([sys.getrefcount(w) - b for w, b in zip(watched, before)])


def finalizers():
    def holds(x):
        mine = Told("mine")
        return x

    for i in range(3):
        print(list(map(holds, [Told("arg") for _ in range(1)])) is not None)

    def raises(x):
        mine = Told("raised")
        raise KeyError(x)

    for i in range(3):
        try:
            list(map(raises, [1]))
        except KeyError as e:
            tb = e.__traceback__
            while tb is not None:
                print(tb.tb_frame.f_code.co_name, tb.tb_lineno)
                tb = tb.tb_next
            del tb
        print("after")


def frames():
    kept = []

    def keeps(x):
        kept.append(sys._getframe())
        return locals() if x == 2 else x

    def looks(x):
        return where(), sys._getframe().f_back.f_code.co_name

    for _ in range(2):
        print([v if isinstance(v, int) else sorted(v) for v in map(keeps, [1, 2, 3])])
        print([(f.f_lineno, f.f_locals["x"]) for f in kept])
        print(list(map(looks, [1, 2])))
        kept.clear()


def depth():
    def down(n):
        return max(map(down, [n + 1]))

    def measured():
        level = 0

        def deeper(x):
            nonlocal level
            level += 1
            return list(map(deeper, [x]))

        try:
            deeper(0)
        except RecursionError:
            return level

    for _ in range(3):
        try:
            down(0)
        except RecursionError as e:
            n, tb = 0, e.__traceback__
            while tb is not None:
                n, tb = n + 1, tb.tb_next
            print(n)
        print(measured())


def changed():
    def f(x):
        return x

    def g(x, y=2):
        return x, y

    def gen(x):
        yield x

    async def co(x):
        return x

    print(list(map(f, [1, 2])))
    f.__code__ = g.__code__
    try:
        print(list(map(f, [1, 2])))
    except TypeError as e:
        print(e)
    f.__defaults__ = (9,)
    print(list(map(f, [1, 2])))
    f.__code__ = gen.__code__
    print([type(v).__name__ for v in map(f, [1, 2], [3, 4])] if 0 else None)
    print([next(v) for v in map(gen, [1, 2, 3])], [next(v) for v in map(gen, [1, 2, 3])])
    for c in map(co, [1, 2]):
        print(c.__qualname__)
        c.close()


def slots():
    class Row:
        def __init__(self, n):
            self.n = n

        def __lt__(self, other):
            return self.n < other.n

        def __len__(self):
            return self.n

        def __iter__(self):
            yield self.n

        def __repr__(self):
            return f"<{self.n}>"

        def __hash__(self):
            return self.n

        def __eq__(self, other):
            return self.n == other.n

    rows = [Row(i * 7 % 5) for i in range(5)]
    print(sorted(rows), list(map(len, rows)), [list(r) for r in rows], len({*rows}), max(rows))
    print(rows[0] in rows, rows.index(Row(2)), {Row(1): 2}[Row(1)])


def traced():
    events = []

    def seen(x):
        return x

    list(map(seen, [1, 2]))

    def tracer(frame, event, arg):
        events.append((frame.f_code.co_name, event))
        return tracer

    sys.settrace(tracer)
    list(map(seen, [1, 2]))
    sys.settrace(None)
    print(events)
    events.clear()

    def starts(x):
        if x == 2:
            sys.settrace(tracer)
        return x

    list(map(starts, [1, 2, 3]))
    sys.settrace(None)
    print(events)
    events.clear()
    sys.setprofile(lambda f, e, a: events.append((f.f_code.co_name, e)))
    list(map(seen, [1, 2]))
    sys.setprofile(None)
    print(events)


def closing():
    def bare(told):
        mine = Told("local")
        yield 1
        yield 2

    def guarded(told):
        try:
            yield 1
        finally:
            print("finally", sys.exc_info()[0])

    def swallows():
        try:
            yield 1
        except GeneratorExit as e:
            print("caught", repr(e), e.__traceback__.tb_lineno, e.__context__)

    def outer(inner):
        yield from inner

    for make in (bare, guarded):
        for steps in (0, 1, 2):
            g = make(Told("arg"))
            for _ in range(steps):
                next(g, None)
            print(make.__name__, steps, "close")
            g.close()
            print("closed", g.gi_frame, next(g, "end"))
            g = outer(make(Told("in")))
            for _ in range(steps):
                next(g, None)
            del g
            print("deleted")
    for _ in range(2):
        g = swallows()
        next(g)
        g.close()
        try:
            raise KeyError("around")
        except KeyError:
            g = swallows()
            next(g)
            g.close()
            h = bare(None)
            next(h)
            h.close()
            k = bare(None)
            k.close()
        for started in (0, 1):
            g = bare(None)
            if started:
                next(g)
            try:
                g.throw(GeneratorExit)
            except GeneratorExit as e:
                tb, lines = e.__traceback__, []
                while tb is not None:
                    lines.append((tb.tb_frame.f_code.co_name, tb.tb_lineno))
                    tb = tb.tb_next
                print(lines, e.args)
                del tb
            try:
                g.throw(GeneratorExit("told"))
            except GeneratorExit as e:
                print(e.args)
    events = []
    g = bare(None)
    next(g)
    sys.settrace(lambda f, e, a: events.append((f.f_code.co_name, e, f.f_lineno)) or sys.gettrace())
    g.close()
    bare(None).close()
    sys.settrace(None)
    print(events)


def unread():
    for i in range(3):
        print(any(x > 2 for x in range(10)), next((x for x in range(5) if x > 3), None))
        print(sum(x for x in range(10)), "".join(c for c in "abc"), list(x for x in range(3)))
        print(dict((x, x) for x in range(3)), max((x for x in [3, 1]), default=0))
    gc.collect()


def iterated():
    """Generators that C iterates: ends, values, errors, themselves, what they handle."""

    def returns(n):
        yield from range(n)
        return ("value", n)

    def raises(exc):
        yield 1
        raise exc

    def handling():
        try:
            raise KeyError("held")
        except KeyError:
            yield sys.exc_info()[0]
            yield sys.exc_info()[0]
        yield sys.exc_info()[0]

    def told():
        mine = Told("in generator")
        yield 1

    for _ in range(3):
        g = returns(2)
        print(list(g), list(g), next(g, "end"), g.gi_frame, g.gi_running)
        step = returns(1).__next__
        print(step())
        for _ in range(2):
            try:
                step()
            except StopIteration as e:
                print(repr(e.value), e.__traceback__.tb_next)
        it = iter(returns(1))
        try:
            while True:
                next(it)
        except StopIteration as e:
            print(e.value)
        for exc in (KeyError("k"), StopIteration("s"), GeneratorExit()):
            try:
                print(list(raises(exc)))
            except BaseException as e:
                tb, lines = e.__traceback__, []
                while tb is not None:
                    lines.append((tb.tb_frame.f_code.co_name, tb.tb_lineno))
                    tb = tb.tb_next
                print(repr(e), repr(e.__cause__), lines)
        try:
            raise IndexError
        except IndexError:
            print(list(handling()), sys.exc_info()[0])
        print(list(told()))

        def itself():
            yield 1
            yield sum(me)

        me = itself()
        try:
            print(list(me))
        except ValueError as e:
            print(e)

        def looks():
            yield sys._getframe().f_back.f_code.co_name, sys._getframe().f_back.f_lineno
            yield me.gi_running, me.gi_frame.f_back.f_code.co_name

        me = looks()
        print(tuple(me))

        def deeper(n):
            yield sum(deeper(n + 1))

        try:
            sum(deeper(0))
        except RecursionError as e:
            n, tb = 0, e.__traceback__
            while tb is not None:
                n, tb = n + 1, tb.tb_next
            print(n > 480)  # cold calls of sum() count a level more in stock
    marker = object()
    before = sys.getrefcount(marker), sys.getrefcount(returns), sys.getrefcount(None)
    for _ in range(100):
        list(marker for _ in range(3))
        list(returns(3))
        any(x is marker for x in [1, marker, 2])
    print(sys.getrefcount(marker) - before[0], sys.getrefcount(returns) - before[1])
    print(abs(sys.getrefcount(None) - before[2]) < 50)


for part in (
    iterated,
    shapes,
    references,
    finalizers,
    frames,
    depth,
    changed,
    slots,
    traced,
    closing,
    unread,
):
    print("--", part.__name__)
    for _ in range(2):
        part()
