"""Traces that go on in generators: values, states, exceptions, frames, references."""

import gc
import sys
import traceback


def count(n, step=1):
    i = 0
    while i < n:
        yield i
        i += step


def items(seq, log=None):
    for x in seq:
        if log is not None and x % 40 == 7:
            log.append(x)
        yield x


def floats(n):
    x = 0.5
    for i in range(n):
        y = x * i
        yield y
        x = x + 0.25


def pairs(n):
    for i in range(n):
        yield i, str(i)


def two_kinds(n):
    for i in range(n):
        if i % 3:
            yield i
        else:
            yield float(i)


def sums(n):
    total = 0
    for i in count(n):
        total += i
    for x in floats(n):
        total += x
    for i, s in pairs(n):
        total += i + len(s)
    for x in two_kinds(n):
        total += x
    return total


def nested(n):
    def inner(k):
        for j in count(k):
            yield j * k

    def outer(m):
        for k in range(m):
            for v in inner(k % 5):
                yield v + 1

    total = 0
    for v in outer(n):
        total += v
    return total


def expressions(n):
    out = []
    for i in range(n):
        out.append(sum(j * i for j in range(i % 7)))
        out.append(any(j > 4 for j in range(i % 8)))
        out.append([*(j for j in range(2))])
    return out[-4:], len(out)


def abandoned(n):
    log = []

    def gen(k):
        try:
            for i in range(100):
                yield i
        finally:
            log.append(k)

    for k in range(n):
        for i in gen(k):
            if i == k % 5:
                break
    return len(log), log[:3], log[-3:]


def interleaved(n):
    g = count(n)
    out = 0
    for i in g:
        if i % 10 == 3:
            out += next(g, 0)
        out += i
    h = items(range(n))
    for a in h:
        for b in h:
            out += a * b
            if b % 5 == 0:
                break
    return out


def raising(n):
    seen = []

    def gen():
        for i in range(n):
            if i == n - 3:
                raise KeyError(i)
            yield i

    def caught():
        for i in range(n):
            try:
                if i % 4 == 1:
                    raise ValueError(i)
                yield i
            except ValueError as e:
                yield -int(str(e))

    total = 0
    try:
        for i in gen():
            total += i
    except KeyError as e:
        seen.append(str(e))
        seen.append([f.lineno - raising.__code__.co_firstlineno
                     for f in traceback.extract_tb(e.__traceback__)])
    for i in caught():
        total += i
    return total, seen


def handled(n):
    """What a generator handles is its own; what its caller handles shows in it."""

    def gen():
        for i in range(n):
            yield type(sys.exc_info()[1]).__name__

    names = {}
    for name in gen():
        names[name] = names.get(name, 0) + 1
    try:
        raise LookupError
    except LookupError:
        for name in gen():
            names[name] = names.get(name, 0) + 1
    return sorted(names.items())


def where():
    f = sys._getframe(1)
    return f.f_code.co_name, f.f_lineno - f.f_code.co_firstlineno, sorted(f.f_locals), f.f_back.f_code.co_name


def looked_at(n):
    def gen(k):
        for i in range(k):
            info = where()
            yield info

    last = None
    for info in gen(n):
        last = info
    g = gen(n)
    states = []
    for info in g:
        if len(states) < 3 or len(states) > n - 3:
            states.append((g.gi_running, g.gi_frame.f_lineno - gen.__code__.co_firstlineno,
                           sorted(g.gi_frame.f_locals), g.gi_yieldfrom))
        else:
            states.append(None)
    return last, states[0], states[-1], g.gi_frame


def self_resumed(n):
    box = []

    def gen():
        for i in range(n):
            if i == n - 2:
                try:
                    next(box[0])
                except ValueError as e:
                    yield str(e)
            yield i

    box.append(gen())
    out = None
    for out_now in box[0]:
        out = (out, out_now) if isinstance(out_now, str) else out
    return out


def references(n):
    marker = object()

    def gen(k):
        kept = marker
        other = None
        for i in range(k):
            other = kept
            yield other
        del kept

    for m in gen(n):
        pass
    del m
    g = gen(n)
    for m in g:
        if m is None:
            break
    first = sys.getrefcount(marker)
    g = gen(n)
    k = 0
    for m in g:
        k += 1
        if k == n - 1:
            break
    second = sys.getrefcount(marker)
    del g, m
    gc.collect()
    return first, second, sys.getrefcount(marker)


def blocks(n):
    def run():
        t = 0
        for i in count(n):
            for x in floats(3):
                t += x + i
        return t

    for _ in range(5):
        run()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(20):
        run()
    gc.collect()
    return abs(sys.getallocatedblocks() - before) < 60


def sent(n):
    def gen():
        got = 0
        while got is None or got < n:
            new = yield got
            got = (got or 0) + (new or 1)

    g = gen()
    total = 0
    for v in g:
        total += v
        if v % 20 == 5:
            total += g.send(3)
    return total


def stopped(n):
    def gen():
        for i in range(n):
            yield i
            if i == n - 5:
                return i

    def stops():
        for i in range(n):
            if i == n - 4:
                raise StopIteration(i)
            yield i

    total = 0
    for i in gen():
        total += i
    try:
        for i in stops():
            total += i
    except RuntimeError as e:
        total = (total, str(e), repr(e.__cause__))
    return total


def delegated(n):
    def gen(k):
        yield from count(k)
        yield from items([1, 2, 3])

    total = 0
    for v in gen(n):
        total += v
    return total


def changing(n):
    """The same loop over generators of different functions."""
    total = 0
    for k in range(n):
        for v in (count(4), items([1, 2, 3]), floats(3), iter([1, 2]))[k % 4]:
            total += v
    return total


def deep(n):
    def tower(k):
        if k == 0:
            yield from range(n)
        else:
            for v in tower(k - 1):
                yield v + 1

    return sum(v for k in range(8) for v in tower(k))


for fn in (sums, nested, expressions, abandoned, interleaved, raising, handled, looked_at,
           self_resumed, references, blocks, sent, stopped, delegated, changing, deep):
    for _ in range(3):
        result = fn(120)
    print(fn.__name__, result)
