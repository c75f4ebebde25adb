"""Traces through yield from and await: values, ends, exceptions, frames, references."""

import gc
import sys
import traceback
import weakref


def count(n):
    i = 0
    while i < n:
        yield i
        i += 1


def through(it):
    return (yield from it)


def twice(n):
    yield from count(n)
    yield from range(n, n + 3)
    yield from [n, -n]
    yield from (str(n), "x")
    return n


def chains(n):
    total = 0
    for x in through(count(n)):
        total += x
    for x in through(through(through(range(n)))):
        total += x
    texts = 0
    for k in range(n):
        for x in twice(k % 4):
            if isinstance(x, str):
                texts += len(x)
            else:
                total += x
    return total, texts


def results(n):
    def inner(k):
        if k % 3 == 0:
            return k
        yield k
        return [k] * (k % 4)

    def outer(m):
        seen = 0
        for k in range(m):
            r = yield from inner(k)
            seen += r if isinstance(r, int) else len(r)
        return seen

    def last(m):
        value = yield from outer(m)
        yield "seen", value

    *_, end = last(n)
    return end


class Steps:
    """An iterator in Python that is sent things."""

    def __init__(self, n):
        self.n = n
        self.got = []

    def __iter__(self):
        return self

    def __next__(self):
        self.n -= 1
        if self.n < 0:
            raise StopIteration(len(self.got))
        return self.n

    def send(self, v):
        self.got.append(v)
        return next(self)


def others(n):
    def outer(k):
        r = yield from Steps(k)
        yield -r
        r = yield from zip(range(k), "abcdefgh")
        yield r
        yield from {k: 1}
        yield from {k}

    total = 0
    nones = 0
    for k in range(n):
        for x in outer(k % 6):
            if x is None:
                nones += 1
            elif isinstance(x, tuple):
                total += x[0] + ord(x[1])
            else:
                total += x
    return total, nones


def sent(n):
    def accumulate():
        total = 0
        while True:
            v = yield total
            if v is None:
                return total
            total += v

    def gather(tallies):
        while True:
            tallies.append((yield from accumulate()))

    tallies = []
    g = gather(tallies)
    next(g)
    for i in range(n):
        g.send(i)
        if i % 7 == 6:
            g.send(None)
    steps = through(Steps(n))
    out = next(steps)
    for i in range(n // 2):
        out += steps.send(i)
    return tallies, out


def thrown(n):
    log = []

    def inner(k):
        try:
            for i in range(k):
                yield i
        except KeyError as e:
            log.append(("inner", k, str(e)))
            yield -1
        finally:
            if k % 10 == 0:
                log.append(("end", k))

    def outer(k):
        try:
            yield from inner(k)
        except ValueError as e:
            log.append(("outer", k, str(e)))
            yield -2

    total = 0
    for k in range(n):
        g = outer(k)
        for i, x in enumerate(g):
            total += x
            if i == 3 and k % 9 == 4:
                total += g.throw(KeyError(k))
            elif i == 3 and k % 9 == 5:
                total += g.throw(ValueError(k))
            elif i == 3 and k % 9 == 6:
                g.close()
    return total, log


def raised(n):
    def inner(k):
        for i in range(k):
            if i == 40:
                raise LookupError(i)
            yield i

    def outer(k):
        yield from inner(k)

    total = 0
    lines = None
    for k in (5, n, 3, n):
        try:
            for x in outer(k):
                total += x
        except LookupError as e:
            first = raised.__code__.co_firstlineno
            lines = [(f.name, f.lineno - first) for f in traceback.extract_tb(e.__traceback__)]

    def stops():
        yield 1
        raise StopIteration(3)

    def over(k):
        for _ in range(k):
            yield from stops()

    try:
        for x in over(n):
            total += x
    except RuntimeError as e:
        return total, lines, str(e), repr(e.__cause__)


def where(depth):
    f = sys._getframe(1)
    names = []
    for _ in range(depth):
        names.append((f.f_code.co_name, f.f_lineno - f.f_code.co_firstlineno))
        f = f.f_back
    return names


def looked_at(n):
    states = []

    def inner(k):
        for i in range(k):
            info = where(3) if i > k - 3 or i == 5 else None
            yield i, info

    def outer(k):
        yield from inner(k)

    last = None
    g = outer(n)
    for i, info in g:
        if info is not None:
            last = info
        if i > n - 4:
            inside = g.gi_yieldfrom
            states.append((g.gi_running, inside.gi_running, g.gi_frame.f_lineno - outer.__code__.co_firstlineno,
                           inside.gi_frame.f_lineno - inner.__code__.co_firstlineno,
                           inside.gi_frame.f_lasti > 0, sorted(inside.gi_frame.f_locals)))
    return last, states, g.gi_yieldfrom


class Node:
    def __init__(self, *parts):
        self.parts = parts

    def __iter__(self):
        for part in self.parts:
            if isinstance(part, Node):
                yield from part
            else:
                yield part


def tree(depth):
    return Node(tree(depth - 1), depth, tree(depth - 1)) if depth else Node(0)


def trees(n):
    total = 0
    t = tree(4)
    flat = Node(*range(5))
    for _ in range(n):
        for x in flat:
            total += x
        for x in t:
            total = total * 3 % 1000003 + x

    def reversed_iter(self):
        yield from self.parts[::-1]

    kept = Node.__iter__
    order = []
    for k in range(n):
        if k == n // 2:
            Node.__iter__ = reversed_iter
        for x in flat:
            order.append(x)
    Node.__iter__ = kept
    return total, order[:6], order[-6:], len(order)


def myself(n):
    """A generator that comes to iterate itself."""
    made = []

    def walk(k):
        for i in range(k):
            other = made[0] if k == 0 else made[-1]
            if i == k - 1:
                other = box[0]
            try:
                for x in other:
                    yield x
                    break
            except ValueError as e:
                yield str(e)

    out = []
    box = [None]
    for k in range(n):
        made.append(count(k))
        g = walk(3)
        box[0] = g if k % 4 == 3 else count(2)
        out.extend(g)
    return out[:12], out[-12:], len(out)


class Noisy:
    def __init__(self, log, k):
        self.log = log
        self.k = k

    def __del__(self):
        f = sys._getframe(1)
        self.log.append((self.k, f.f_code.co_name, f.f_lineno - f.f_code.co_firstlineno))


def finalized(n):
    log = []

    def inner(k):
        noisy = Noisy(log, k) if k % 11 == 10 else None
        yield k
        yield noisy is None

    def outer(k):
        local = Noisy(log, -k) if k % 13 == 12 else k
        yield from inner(k)
        return local

    total = 0
    for k in range(n):
        for x in outer(k):
            total += x
    kept = []
    dead = []
    for k in range(n):
        g = outer(k)
        if k % 9 == 8:
            kept.append(g)
        if k % 10 == 9:
            weakref.finalize(g, dead.append, k)
        for x in g:
            total += x
        if k % 9 == 8:
            total += g.gi_frame is None
    del g
    gc.collect()
    return total, log, len(kept), dead, [k.gi_running for k in kept][:3]


def counted(n):
    """Reference counts within and around."""

    def inner(x):
        yield sys.getrefcount(x)
        yield x

    def outer(x):
        r = yield from inner(x)
        yield r

    thing = object()
    seen = set()
    for _ in range(n):
        for v in outer(thing):
            if isinstance(v, int):
                seen.add(v)
    return len(seen), sys.getrefcount(thing)


def defaults(n):
    def gen(a, b=2, *, c=3):
        yield a + b + c

    def plain(a, b=5):
        yield a * b

    def rest(*args, **kw):
        yield len(args) + len(kw)

    total = 0
    for i in range(n):
        for x in gen(i):
            total += x
        for x in gen(i, c=1, b=i):
            total += x
        for x in plain(b=i, a=2):
            total += x
        for x in plain(i):
            total += x
        for x in rest(i, i, k=i):
            total += x
        if i == n // 2:
            plain.__defaults__ = (7,)
    return total


def stepped(n):
    """next() and send() of generators in loops."""

    def echo():
        got = None
        while True:
            got = yield got

    def sums():
        total = 0
        while True:
            v = yield total
            total += v

    def ends(k):
        for i in range(k):
            got = yield i
            if got:
                return got
        return "over"

    g, e, s = count(n), echo(), sums()
    next(s)
    next(e)
    out = []
    total = 0
    for i in range(n + 2):
        try:
            total += next(g)
        except StopIteration as stop:
            out.append((i, stop.value))
        total += e.send(i)
        total += len(e.send("x" * (i % 4)))
        total += s.send(i)
        total += e.send(i + 0.5) > i
        total += next(e) is None
    for k in range(n):
        g = ends(k % 5)
        try:
            total += next(g)
            total += g.send(None)
            total += g.send(k % 7)
        except StopIteration as stop:
            out.append(stop.value)
    it = iter(count(n * 2))
    for a in it:
        total += a * next(it, 1)
    fresh = echo()
    for i in range(n):
        if i % 10 == 9:
            fresh = echo()
        try:
            fresh.send(i)
        except TypeError as error:
            out.append(str(error))
            next(fresh)
    return total, out.count("over"), len(out), out[:4], out[-3:]


# ---- coroutines ----


async def leaf(i):
    return i


async def branch(i):
    if i % 5 == 0:
        return await leaf(i) + 1
    return await leaf(i)


class Wait:
    def __init__(self, v):
        self.v = v

    def __await__(self):
        got = yield self.v
        return (got or 0) + 1


def run(coroutine, sends=()):
    sends = list(sends)
    yielded = []
    value = None
    try:
        while True:
            yielded.append(coroutine.send(value))
            value = sends.pop() if sends else None
    except StopIteration as e:
        return e.value, len(yielded), yielded[-3:]


async def waits(n):
    total = 0
    for i in range(n):
        total += await branch(i)
        if i % 3 == 1:
            total += await Wait(i)
    return total


async def awaited_twice(n):
    seen = []
    for i in range(n):
        c = leaf(i)
        total = await c
        if i > n - 3:
            try:
                await c
            except RuntimeError as e:
                seen.append((total, str(e)))
    return seen


async def failing(i):
    if i % 17 == 16:
        raise OSError(i)
    return await leaf(i)


async def handles(n):
    total = 0
    for i in range(n):
        try:
            total += await failing(i)
        except OSError as e:
            total -= e.args[0]
    return total


async def not_awaitable(n):
    for i in range(n):
        x = leaf(i) if i < n - 1 else i
        try:
            await x
        except TypeError as e:
            return str(e)


async def numbers(n):
    for i in range(n):
        if i % 4 == 0:
            await Wait(i)
        yield i


async def asynchronous(n):
    total = 0
    async for x in numbers(n):
        total += x
    values = [x * 2 async for x in numbers(n) if x % 3]
    return total, sum(values), {x: await leaf(x) async for x in numbers(4)}


def old_style(n):
    import types

    @types.coroutine
    def step(i):
        got = yield i
        return got

    async def main():
        total = 0
        for i in range(n):
            total += (await step(i)) or 1
        return total

    return run(main(), range(n))


def main():
    for n in (30, 90):
        print(chains(n))
        print(results(n))
        print(others(n))
        print(sent(n))
        print(thrown(n))
        print(raised(n))
        print(looked_at(n))
        print(trees(n))
        print(myself(n))
        print(finalized(n))
        print(counted(n))
        print(defaults(n))
        print(stepped(n))
        print(run(waits(n)), run(waits(n), range(100)))
        print(run(awaited_twice(n)))
        print(run(handles(n)))
        print(run(not_awaitable(n)))
        print(run(asynchronous(n)))
        print(old_style(n))
    gc.collect()


main()
