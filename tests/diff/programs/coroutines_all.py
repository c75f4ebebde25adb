"""Coroutines, async generators, async with/for and asyncio."""

# ruff: noqa - odd code on purpose

import asyncio
import sys
import types
import warnings


class Pause:
    def __await__(self):
        got = yield "paused"
        return got


async def leaf(x):
    got = await Pause()
    return (x, got)


async def middle(n):
    results = []
    for i in range(n):
        results.append(await leaf(i))
    return results


def drive(coro, *values):
    log = []
    values = list(values)
    try:
        log.append(coro.send(None))
        while True:
            log.append(coro.send(values.pop(0) if values else None))
    except StopIteration as stop:
        return log, stop.value


for _ in range(30):
    result = drive(middle(3), 1, 2, 3)
print(result)


class Manager:
    def __init__(self, tag, swallow=False):
        self.tag, self.swallow = tag, swallow

    async def __aenter__(self):
        print("enter", self.tag)
        await Pause()
        return self.tag

    async def __aexit__(self, kind, value, tb):
        print("exit", self.tag, kind and kind.__name__, value)
        await Pause()
        return self.swallow


class Count:
    def __init__(self, n):
        self.n = n

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self.n <= 0:
            raise StopAsyncIteration
        self.n -= 1
        await Pause()
        return self.n


async def agen(n):
    try:
        for i in range(n):
            got = yield i
            if got:
                print("agen got", got)
            await Pause()
    finally:
        print("agen finally", n)


async def uses():
    async with Manager("a") as a, Manager("b", swallow=True) as b:
        print(a, b)
        raise ValueError("inside")
    async for x in Count(3):
        print("count", x)
    else:
        print("else")
    async for x in Count(3):
        if x == 1:
            break
    else:
        print("not printed")
    print([x async for x in Count(3)], {x async for x in agen(2)}, {x: 1 async for x in agen(2) if x})
    print([await leaf(i) for i in range(2)])
    print([y async for x in Count(2) for y in [x, x]])
    try:
        async with Manager("c"):
            raise KeyError("through")
    except KeyError as error:
        print("caught", error)
    gen = (await leaf(i) async for i in agen(2))
    print(type(gen).__name__, [x async for x in gen])
    return "uses done"


print(drive(uses()))


async def explicit():
    g = agen(5)
    print(await g.__anext__(), await g.asend("sent"))
    try:
        await g.athrow(ValueError("thrown"))
    except ValueError as error:
        print("thrown back", error)
    try:
        await g.__anext__()
    except StopAsyncIteration:
        print("stopped")
    g = agen(3)
    await g.__anext__()
    await g.aclose()
    print(await anext(agen(1)), await anext(agen(0), "default"))
    return aiter(g) is g


print(drive(explicit()))


@types.coroutine
def old_style(n):
    for i in range(n):
        yield i
    return "old"


async def awaits_old():
    return await old_style(3)


print(drive(awaits_old()))


async def nothing():
    return 1


bad = [5, "s", None, [1]]


async def bad_await(x):
    await x


for x in bad:
    try:
        bad_await(x).send(None)
    except TypeError as error:
        print(error)


class BadAwait:
    def __await__(self):
        return 5


class CoroAwait:
    def __await__(self):
        return nothing()


for x in (BadAwait(), CoroAwait()):
    try:
        bad_await(x).send(None)
    except TypeError as error:
        print(str(error))


async def bad_for(x):
    async for _ in x:
        pass


async def bad_with(x):
    async with x:
        pass


class BadAiter:
    def __aiter__(self):
        return 5


class BadAnext:
    def __aiter__(self):
        return self

    def __anext__(self):
        return 5


class HalfManager:
    async def __aenter__(self):
        return 1


class SyncManager:
    def __enter__(self):
        return 1

    def __exit__(self, *args):
        return None


class NotAwaitableManager:
    def __aenter__(self):
        return 5

    async def __aexit__(self, *args):
        return None


class NotAwaitableExit:
    async def __aenter__(self):
        return 5

    def __aexit__(self, *args):
        return 7


for function, x in [(bad_for, 5), (bad_for, BadAiter()), (bad_for, BadAnext()), (bad_with, 5),
                    (bad_with, HalfManager()), (bad_with, SyncManager()),
                    (bad_with, NotAwaitableManager()), (bad_with, NotAwaitableExit())]:
    try:
        function(x).send(None)
    except (TypeError, AttributeError) as error:
        print(type(error).__name__, error, repr(error.__cause__))

c = nothing()
try:
    c.send(None)
except StopIteration:
    pass
try:
    c.send(None)
except RuntimeError as error:
    print(error)
c = leaf(1)
c.send(None)
c2 = bad_await(c)
try:
    c2.send(None)
except RuntimeError as error:
    print(error)
print(c.cr_running, c.cr_await is not None, c.cr_frame.f_lineno)
c.close()

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    nothing()
    print([str(w.message) for w in caught])


async def leaky():
    await Pause()
    raise StopIteration("x")


try:
    drive(leaky())
except RuntimeError as error:
    print(error, repr(error.__cause__))


async def agen_leaky():
    yield 1
    raise StopAsyncIteration


async def run_leaky():
    async for _ in agen_leaky():
        pass


try:
    drive(run_leaky())
except RuntimeError as error:
    print(error)


async def fib(n):
    if n < 2:
        await asyncio.sleep(0)
        return n
    return await fib(n - 1) + await fib(n - 2)


async def worker(name, queue, log):
    while (item := await queue.get()) is not None:
        log.append((name, item))
        await asyncio.sleep(0)
    log.append((name, "end"))


async def main():
    queue = asyncio.Queue(2)
    log = []
    tasks = [asyncio.create_task(worker(n, queue, log)) for n in "ab"]
    for i in range(8):
        await queue.put(i)
    await queue.put(None)
    await queue.put(None)
    await asyncio.gather(*tasks)
    print(log)
    print(await fib(10))
    print(await asyncio.gather(fib(3), fib(4), leaf_fail(), return_exceptions=True))
    task = asyncio.create_task(asyncio.sleep(100))
    await asyncio.sleep(0)
    task.cancel("why")
    try:
        await task
    except asyncio.CancelledError as error:
        print("cancelled", error.args)
    try:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(10)
    except TimeoutError:
        print("timeout")
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(leaf_fail())
            group.create_task(asyncio.sleep(5))
    except* LookupError as group:
        print("group", group.exceptions)
    g = agen_async(3)
    async for x in g:
        print("broke at", x)
        break
    print(await asyncio.to_thread(sum, [1, 2, 3]))


async def leaf_fail():
    await asyncio.sleep(0)
    raise LookupError("leaf failed")


async def agen_async(n):
    try:
        for i in range(n):
            yield i
            await asyncio.sleep(0)
    finally:
        print("agen_async closed")


asyncio.run(main())


def hooks():
    log = []
    sys.set_asyncgen_hooks(firstiter=lambda g: log.append("first"),
                           finalizer=lambda g: log.append("final"))
    try:
        g = agen(3)
        try:
            g.__anext__().send(None)
        except StopIteration as stop:
            log.append(stop.value)
        del g
    finally:
        sys.set_asyncgen_hooks(None, None)
    return log


print(hooks())
