"""Async generators: async for, asend, athrow, aclose; what can be seen of them while they run."""

import asyncio
import gc
import sys
import types
import weakref


class Told:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("gone", self.name, sys.exc_info()[0])


@types.coroutine
def pause(tag):
    got = yield tag
    return got


def drive(coro, answers=()):
    """Runs a coroutine by hand, telling what it pauses for."""
    answers = iter(answers)
    sent, seen = None, []
    try:
        while True:
            seen.append(coro.send(sent))
            sent = next(answers, None)
    except StopIteration as stop:
        return stop.value, seen


async def count(n):
    for i in range(n):
        yield i


async def pausing(n):
    for i in range(n):
        got = await pause(("p", i))
        yield i, got


async def tree(n):
    if n:
        async for v in tree(n - 1):
            yield v
        yield n
        async for v in tree(n - 1):
            yield v


def loops():
    async def main():
        out = [v async for v in count(4)]
        async for v in count(3):
            out.append(v)
        else:
            out.append("else")
        async for v in count(5):
            if v == 2:
                break
        out.append(v)
        out += [v async for v in tree(4)]
        async for _ in count(0):
            out.append("never")
        return out, {v async for v in count(3)}, {v: v async for v in count(3)}

    for _ in range(2):
        print(drive(main()))

    async def waits():
        out = []
        async for v in pausing(4):
            out.append(v)
            out.append(await pause("between"))
        return out

    for _ in range(2):
        print(drive(waits(), range(20)))


def explicit():
    async def echo():
        got = None
        while got != "stop":
            got = yield got

    async def main():
        out = []
        g = echo()
        out.append(await g.asend(None))
        for i in range(4):
            out.append(await g.asend(i))
        try:
            await g.asend("stop")
        except StopAsyncIteration as e:
            out.append(repr(e))
        try:
            await g.asend(1)
        except StopAsyncIteration as e:
            out.append(repr(e))
        g = echo()
        for first in (5, None):
            try:
                out.append(await g.asend(first))
            except TypeError as e:
                out.append(str(e))
        a = g.asend(7)
        out.append(await a)
        try:
            await a
        except RuntimeError as e:
            out.append(str(e))
        out.append(await anext(count(1)))
        out.append(await anext(count(0), "default"))
        await g.aclose()
        h = pausing(2)
        out.append(await h.asend(None))
        out.append(await h.__anext__())
        return out

    for _ in range(2):
        print(drive(main(), range(20)))


def visible():
    """ag_running, ag_await, cr_await, frames, counts, from inside and while it waits."""
    shared = {}

    async def gen(marker):
        g = shared["g"]
        f = sys._getframe()
        back = f.f_back
        yield g.ag_running, g.ag_frame is f, back.f_code.co_name, back.f_lineno, back.f_lasti
        del f, back  # a cycle, which the collector finds sooner or later
        yield sys.getrefcount(g), sys.getrefcount(marker), shared["c"].cr_await, shared["c"].cr_running
        got = await pause("inside")
        yield got, sys.getrefcount(g), g.ag_running

    async def main():
        out = []
        g = shared["g"] = gen(object())
        async for v in g:
            out.append((v, g.ag_running, g.ag_await))
        out.append((g.ag_frame, g.ag_running, sys.getrefcount(g)))
        return out

    for _ in range(3):
        c = shared["c"] = main()
        print(c.send(None))
        print(type(c.cr_await).__name__, shared["g"].ag_running, type(shared["g"].ag_await).__name__)
        print(gc.is_tracked(c.cr_await), sys.getrefcount(c.cr_await), c.cr_frame.f_lineno)
        try:
            c.send("sent")
        except StopIteration as stop:
            print(stop.value)
        shared.clear()


def errors():
    async def raises(n, exc):
        for i in range(n):
            yield i
        raise exc

    async def paused_raise(exc):
        yield 0
        await pause("x")
        raise exc

    def lines(e):
        tb, out = e.__traceback__, []
        while tb is not None:
            out.append((tb.tb_frame.f_code.co_name, tb.tb_lineno))
            tb = tb.tb_next
        return out

    async def main():
        for make in (lambda e: raises(2, e), paused_raise):
            for exc in (
                KeyError("k"),
                StopAsyncIteration(1),
                StopIteration(2),
                GeneratorExit(),
                asyncio.CancelledError(),
            ):
                out = []
                g = make(exc)
                try:
                    async for v in g:
                        out.append(v)
                except BaseException as e:
                    print(out, repr(e), repr(e.__cause__), repr(e.__context__), lines(e))
                print(g.ag_running, g.ag_frame)
                try:
                    print(await g.asend(None))
                except StopAsyncIteration as e:
                    print(repr(e), lines(e))
        g = raises(1, KeyError("again"))
        try:
            raise IndexError("around")
        except IndexError:
            try:
                async for v in g:
                    print(v, sys.exc_info()[0])
            except KeyError as e:
                print(repr(e.__context__))
            async for v in count(2):
                print(v, sys.exc_info()[0])
            print(sys.exc_info()[0])

    for _ in range(2):
        print(drive(main()))


def thrown():
    """Exceptions thrown into what waits in an async generator; closing."""

    async def careful():
        try:
            while True:
                try:
                    yield await pause("in")
                except KeyError as e:
                    yield repr(e)
        finally:
            print("finally", sys.exc_info()[0])

    async def main():
        out = []
        try:
            async for v in careful():
                out.append(v)
                if len(out) > 3:
                    raise ValueError("body")
        except ValueError:
            out.append("left")
        return out

    for _ in range(3):
        c = main()
        try:
            print(c.send(None), c.send(1))
            print(c.throw(KeyError("thrown")), c.cr_await is not None)
            print(c.send(2), c.throw(asyncio.CancelledError()))
        except BaseException as e:
            print(repr(e))
        c.close()
        c = main()
        c.send(None)
        c.close()

    async def closes():
        g = careful()
        print(await g.__anext__())
        await g.aclose()
        await g.aclose()
        try:
            print(await g.athrow(KeyError))
        except BaseException as e:
            print(repr(e))
        g = careful()
        try:
            await g.athrow(IndexError("unstarted"))
        except IndexError as e:
            print(repr(e))

    for _ in range(2):
        print(drive(closes(), range(9)))


def twice():
    """One that is running already."""
    shared = {}

    async def gen():
        yield 1
        try:
            async for v in shared["g"]:
                print("reentered", v)
        except RuntimeError as e:
            yield str(e)
        try:
            await shared["g"].asend(1)
        except RuntimeError as e:
            yield str(e)
        await pause("held")
        yield 3

    async def main():
        g = shared["g"] = gen()
        async for v in g:
            print(v)

    async def other():
        async for v in shared["g"]:
            print("other", v)

    for _ in range(2):
        c = main()
        print(c.send(None))
        for attempt in (other(), shared["g"].asend(None)):
            try:
                print(attempt.send(None))
            except RuntimeError as e:
                print(e)
        try:
            c.send(None)
        except StopIteration:
            pass
        shared.clear()


def finalizers():
    async def gen(told):
        mine = Told("local")
        yield 1
        yield 2

    async def main(n):
        k = 0
        print("-", n)
        async for v in gen(Told("arg")):
            k += 1
            print(v)
            if k == n:
                break
        print("after", n)

    for n in (1, 2, 3):
        print(drive(main(n)))
        gc.collect()

    log = []

    async def weak():
        for i in range(3):
            g = count(1)
            r = weakref.ref(g, lambda _, i=i: log.append(i))
            async for v in g:
                log.append(r() is g)
            del g
            log.append(r())

    drive(weak())
    print(log)


def hooks():
    log = []

    def first(g):
        log.append(("first", g.__name__))

    def final(g):
        log.append(("final", g.__name__))

    def broken(g):
        raise KeyError("hook")

    async def main():
        async for v in count(2):
            log.append(v)
        async for v in count(2):
            break
        return len(log)

    old = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(first, final)
    try:
        for _ in range(2):
            print(drive(main()))
            gc.collect()
        sys.set_asyncgen_hooks(broken, final)
        for _ in range(2):
            try:
                drive(main())
            except KeyError as e:
                print(e, e.__traceback__.tb_next.tb_next.tb_lineno)
    finally:
        sys.set_asyncgen_hooks(*old)
    print(log)


def counts():
    async def gen(a):
        yield a
        yield a

    async def main(marker):
        for _ in range(30):
            async for v in gen(marker):
                pass
            g = gen(marker)
            await g.asend(None)
            await g.asend(None)

    marker = object()
    watched = [marker, gen, gen.__code__, marker]
    before = [sys.getrefcount(w) for w in watched]
    drive(main(marker))
    print([sys.getrefcount(w) - b for w, b in zip(watched, before)])


def traced():
    events = []

    def tracer(frame, event, arg):
        if event != "opcode":
            events.append((frame.f_code.co_name, event, frame.f_lineno))
        return tracer

    async def main():
        out = []
        async for v in pausing(2):
            out.append(v)
        return out

    async def starts(n):
        for i in range(4):
            if i == n:
                sys.settrace(tracer)
                sys._getframe().f_trace = tracer
            yield i
            await pause("t")

    async def late(n):
        out = []
        async for v in starts(n):
            out.append(v)
        async for v in count(2):
            out.append(v)
        return out

    drive(main())
    sys.settrace(tracer)
    r = drive(main())
    sys.settrace(None)
    print(r, events)
    for n in range(4):
        events.clear()
        r = drive(late(n))
        sys.settrace(None)
        print(r, len(events), events[:12])
    events.clear()
    sys.setprofile(lambda f, e, a: events.append((f.f_code.co_name, e)))
    r = drive(main())
    sys.setprofile(None)
    print(r, events)


def deep():
    async def down(n):
        async for v in down(n + 1):
            yield v

    async def main():
        async for v in down(0):
            pass

    for _ in range(2):
        try:
            drive(main())
        except RecursionError as e:
            n, tb = 0, e.__traceback__
            while tb is not None:
                n, tb = n + 1, tb.tb_next
            print(n)


def classes():
    class Each:
        def __init__(self, n):
            self.n = n

        def __aiter__(self):
            return self

        async def __anext__(self):
            if not self.n:
                raise StopAsyncIteration
            self.n -= 1
            return self.n

    class Made:
        async def __aiter__(self):
            yield 1
            yield 2

    class Passed:
        def __init__(self, g):
            self.g = g

        def __aiter__(self):
            return self

        def __anext__(self):
            return self.g.__anext__()

    async def main():
        out = [v async for v in Each(3)]
        async for v in Made():
            out.append(v)
        async for v in Passed(pausing(2)):
            out.append(v)
        return out

    for _ in range(3):
        print(drive(main(), "abc"))


def looped():
    async def ticks(n):
        for i in range(n):
            await asyncio.sleep(0)
            yield i

    async def one(k):
        return [v async for v in ticks(k)]

    async def timed():
        try:
            async for v in ticks(10**9):
                if v == 20:
                    asyncio.current_task().cancel()
        except asyncio.CancelledError:
            return v

    async def main():
        return await asyncio.gather(*(one(k) for k in range(4)), timed())

    for _ in range(2):
        print(asyncio.run(main()))


for part in (
    loops,
    explicit,
    visible,
    errors,
    thrown,
    twice,
    finalizers,
    hooks,
    counts,
    traced,
    deep,
    classes,
    looped,
):
    print("--", part.__name__)
    for _ in range(2):
        part()
