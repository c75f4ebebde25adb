"""Generators and coroutines made by a call and taken apart by their return: references, order, names."""

import gc
import sys
import types
import warnings
import weakref


class Told:
    """Says when it goes."""

    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("gone", self.name, sys._getframe(1).f_code.co_name, sys._getframe(1).f_lineno)


def drive(coro):
    try:
        while True:
            coro.send(None)
    except StopIteration as stop:
        return stop.value


async def leaf(x):
    return x


async def node(n):
    if n <= 1:
        return await leaf(n)
    return await node(n - 1) + await node(n - 2)


def counts():
    """References before and after many of them."""

    async def unit(a, b=2, *, c=3):
        return a

    def gen(a, b=2, *, c=3):
        yield a
        return b

    marker = object()
    watched = [unit, unit.__code__, gen, gen.__code__, marker, unit.__qualname__]

    async def main():
        for _ in range(50):
            await unit(marker)
            await unit(marker, 5)
            await unit(marker, c=9)
        for _ in range(50):
            for v in gen(marker):
                pass
            for v in gen(marker, c=1):
                pass

    before = [sys.getrefcount(w) for w in watched]
    drive(main())
    after = [sys.getrefcount(w) for w in watched]
    print("counts", [b - a for a, b in zip(before, after)])


def closures():
    out = []

    def maker(k):
        def free(n):
            for i in range(n):
                yield i * k

        def cells(n):
            total = 0

            def add(v):
                nonlocal total
                total += v

            for i in range(n):
                add(i)
                yield total + k

        async def aw(n):
            return n * k

        return free, cells, aw

    for k in range(20):
        free, cells, aw = maker(k)
        out.append((list(free(3)), list(cells(3)), drive(aw(4))))
        out.append([x + k for x in (y * k for y in range(3))])
    print(out)


def finalizers():
    async def holder(told):
        other = Told("other")
        return 1

    async def main():
        for i in range(4):
            print("awaiting", i)
            r = await holder(Told(f"arg{i}"))
            print("awaited", r)

    drive(main())

    def gen(told):
        yield 1
        mine = Told("mine")
        return told

    for i in range(4):
        for v in gen(Told(f"gen{i}")):
            print("value", v)
        print("loop over")


def weak():
    log = []

    async def unit():
        return 7

    async def main():
        for i in range(5):
            c = unit()
            ref = weakref.ref(c, lambda r, i=i: log.append(i))
            v = await c
            log.append((v, ref() is c, c.cr_frame, c.cr_running, c.cr_await))
            del c
            log.append(ref())

    drive(main())

    def gen():
        yield 1

    for i in range(5):
        g = gen()
        ref = weakref.ref(g, lambda r, i=i: log.append(("gen", i)))
        for _ in g:
            log.append((g.gi_running, g.gi_frame is not None))
        log.append((g.gi_frame, next(g, "end")))
        del g
        log.append(ref())
    print(log)


def reuse():
    async def unit():
        return 7

    async def main():
        for i in range(4):
            c = unit()
            await c
            try:
                await c
            except RuntimeError as e:
                print(i, e)

    drive(main())


def frames_inside():
    async def inner(n):
        f = sys._getframe()
        back = f.f_back
        return (back.f_code.co_name, back.f_lineno, f.f_lasti, sorted(f.f_locals))

    async def main():
        seen = set()
        for i in range(4):
            seen.add(str(await inner(i)))
        print(sorted(seen))

    drive(main())

    def gen():
        yield sys._getframe().f_back.f_lineno

    print([x for i in range(3) for x in gen()])
    kept = []

    async def keeps(n):
        kept.append(sys._getframe())
        return n

    async def again():
        for i in range(3):
            await keeps(i)

    drive(again())
    print([(sorted(f.f_locals), f.f_lineno) for f in kept])


def names():
    async def unit():
        return 1

    def gen():
        yield 1

    out = []
    for i in range(6):
        c, g = unit(), gen()
        out.append(
            (c.__name__, c.__qualname__, g.__name__, g.__qualname__, c.cr_code is unit.__code__)
        )
        out.append((c.cr_frame.f_lineno, g.gi_frame.f_lasti, c.cr_origin, g.gi_yieldfrom))
        c.close()
        if i == 2:
            unit.__name__ = "other"
            gen.__qualname__ = "else.where"
    print(out)


def changes():
    """The same call site, other functions."""

    def a(x):
        yield x

    def b(x):
        return [x]

    async def c(x):
        return x

    def call(f, x):
        return f(x)

    for f in (a, a, a, a, a, b, a, c, b, a, a, a, len):
        r = call(f, "x")
        print(
            type(r).__name__,
            drive(r) if isinstance(r, types.CoroutineType) else (r if r == 1 else list(r)),
        )
    for i in range(6):
        print(list(call(a, i)))
        if i == 3:
            a.__code__ = (lambda x: (x, x)).__code__
    for bad in ((), (1, 2)):
        for _ in range(3):
            try:
                c(*bad)
            except TypeError as e:
                print(e)
    for _ in range(4):
        try:
            c()
        except TypeError as e:
            print(e)


def methods():
    class K:
        def __init__(self):
            self.n = 3

        def each(self):
            for i in range(self.n):
                yield i + 0

        async def one(self, x):
            return x + self.n

        @staticmethod
        async def st(x):
            return x

        @classmethod
        def cl(cls):
            yield cls.__name__

        def __iter__(self):
            yield from self.each()

    async def main():
        k = K()
        for _ in range(5):
            print(list(k.each()), await k.one(2), await K.st(4), list(K.cl()), list(k))
        bound = k.each, k.one
        for _ in range(4):
            print(list(bound[0]()), await bound[1](1))

    drive(main())


def depth():
    async def down(n):
        return await down(n + 1)

    def gdown(n):
        yield from gdown(n + 1)

    def made(n):
        g = (x for x in [n])
        return made(n + 1)

    for f in (lambda: drive(down(0)), lambda: list(gdown(0)), lambda: made(0)):
        try:
            f()
        except RecursionError as e:
            n = 0
            tb = e.__traceback__
            while tb is not None:
                n += 1
                tb = tb.tb_next
            print(type(e).__name__, n)


def unawaited():
    async def unit():
        return 1

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for i in range(3):
            unit()
    print([str(w.message) for w in caught])
    sys.set_coroutine_origin_tracking_depth(2)
    try:
        for i in range(3):
            c = unit()
            print([(line, name) for _, line, name in c.cr_origin])
            print(drive(c))
    finally:
        sys.set_coroutine_origin_tracking_depth(0)


def collected():
    """Collections while they are made; what the collector sees."""
    old = gc.get_threshold()

    class Cycle:
        pass

    def gen(x):
        yield x

    async def unit(x):
        return x

    async def main():
        total = 0
        for i in range(300):
            c = Cycle()
            c.me = c
            c.g = gen(c)
            next(c.g)
            total += await unit(1)
        return total

    gc.collect()
    gc.set_threshold(7, 2, 2)
    try:
        print(drive(main()))
    finally:
        gc.set_threshold(*old)
    print(gc.collect() >= 0, sum(isinstance(o, Cycle) for o in gc.get_objects()))
    g = gen(1)
    c = unit(1)
    print(
        gc.is_tracked(g), gc.is_tracked(c), len(gc.get_referents(g)), g.__sizeof__(), c.__sizeof__()
    )
    c.close()
    gc.disable()
    before = gc.get_count()[0]
    many = [gen(i) for i in range(1000)]
    print(gc.get_count()[0] - before)
    for m in many:
        for _ in m:
            pass
    del m, many
    print(gc.get_count()[0] - before)
    gc.enable()


def states():
    """Exceptions handled around and inside them."""

    def gen():
        try:
            raise KeyError("inner")
        except KeyError:
            yield sys.exc_info()[0]
            return 5

    async def unit():
        try:
            raise KeyError("inner")
        except KeyError:
            return sys.exc_info()[0]

    async def fails(n):
        if n == 0:
            raise ValueError("bottom")
        await fails(n - 1)

    async def main():
        for _ in range(4):
            try:
                raise IndexError
            except IndexError:
                for v in gen():
                    print(v, sys.exc_info()[0])
                print(await unit(), sys.exc_info()[0])
            print(sys.exc_info()[0])
            try:
                await fails(3)
            except ValueError as e:
                tb, lines = e.__traceback__, []
                while tb is not None:
                    lines.append((tb.tb_frame.f_code.co_name, tb.tb_lineno, tb.tb_lasti))
                    tb = tb.tb_next
                print(lines, e.__context__)

    drive(main())

    async def stops():
        raise StopIteration(3)

    async def outer():
        for _ in range(3):
            try:
                await stops()
            except RuntimeError as e:
                print(e, repr(e.__cause__))

    drive(outer())


def traced():
    async def unit(x):
        return x

    def gen(x):
        yield x

    async def main():
        r = [await unit(i) for i in range(2)]
        return r + list(gen(1)) + [x for x in gen(2)]

    drive(main())
    events = []

    def tracer(frame, event, arg):
        events.append((frame.f_code.co_name, event, frame.f_lineno))
        return tracer

    sys.settrace(tracer)
    drive(main())
    sys.settrace(None)
    print(events)
    events.clear()
    sys.setprofile(lambda f, e, a: events.append((f.f_code.co_name, e)))
    drive(main())
    sys.setprofile(None)
    print(events)


print(drive(node(12)))
for part in (
    counts,
    closures,
    finalizers,
    weak,
    reuse,
    frames_inside,
    names,
    changes,
    methods,
    depth,
    unawaited,
    collected,
    states,
    traced,
):
    print("--", part.__name__)
    for _ in range(2):
        part()
