"""Chains of generators that hand on: what is between the first and the last while it runs, and what
becomes of it when one of them is resumed, closed or thrown into by itself."""

import sys
import traceback
import types


def leaf(n, look=None):
    for i in range(n):
        if look is not None:
            look(i)
        got = yield i
        if got is not None:
            yield ("got", got)


def link(inner):
    result = yield from inner
    return result


def deep_link(inner, pad):
    return len([pad, pad, [pad, (yield from inner)], pad])


def named(n, look):
    return link(deep_link(link(deep_link(leaf(n, look), 1)), "x"))


def chain(inner, depth):
    made = [inner]
    for k in range(depth):
        made.append(deep_link(made[-1], k) if k % 3 == 2 else link(made[-1]))
    return made


def while_running():
    made = []
    seen = []

    def look(i):
        if i in (0, 1, 7):
            f = sys._getframe(1)
            names = []
            while f.f_code.co_name != "while_running":
                names.append((f.f_code.co_name, f.f_lineno - f.f_code.co_firstlineno, f.f_lasti > 0))
                f = f.f_back
            states = [g.gi_running for g in made]
            delegates = [g.gi_yieldfrom is None for g in made]
            seen.append((names, states, delegates))
            try:
                next(made[4])
            except ValueError as e:
                seen.append(str(e))

    made.extend(chain(leaf(9, look), 8))
    total = 0
    for x in made[-1]:
        total += x
        if x == 3:
            seen.append(
                [
                    (g.gi_running, g.gi_frame.f_lineno - g.gi_code.co_firstlineno, g.gi_frame.f_lasti > 0)
                    for g in made
                ]
            )
            seen.append([g.gi_yieldfrom is made[i] for i, g in enumerate(made[1:])])
    seen.append([g.gi_frame for g in made])
    return total, seen


def one_by_itself():
    """Someone else takes a value from the middle, or ends it."""
    out = []
    for at in range(6):
        for how in ("next", "close", "throw", "send"):
            made = chain(leaf(12), 5)
            g = made[-1]
            got = [next(g), next(g)]
            m = made[at]
            try:
                if how == "next":
                    got.append(next(m))
                elif how == "close":
                    got.append(m.close())
                elif how == "send":
                    got.append(m.send("v"))
                else:
                    got.append(m.throw(KeyError("k")))
            except (KeyError, StopIteration) as e:
                got.append(repr(e))
            try:
                got.extend(x for _, x in zip(range(4), g))
            except (RuntimeError, StopIteration, TypeError) as e:
                got.append(repr(e))
            out.append((at, how, got, [x.gi_frame is None for x in made]))
    return out


def ends():
    log = []

    def noisy(inner, k):
        try:
            return (yield from inner)
        except LookupError as e:
            log.append((k, "caught", repr(e)))
            yield k
        finally:
            log.append((k, "end", sys.exc_info()[0]))

    def raises(n):
        for i in range(n):
            yield i
        raise LookupError(n)

    for k in (2, 3):
        g = noisy(link(noisy(link(raises(k)), 1)), 2)
        log.append(list(g))
    g = noisy(link(noisy(link(leaf(5)), 1)), 2)
    log.append((next(g), next(g)))
    g.close()
    g = noisy(link(noisy(link(leaf(5)), 1)), 2)
    log.append((next(g), g.throw(IndexError("i")), list(g)))
    try:
        for _ in link(link(raises(3))):
            pass
    except LookupError as e:
        log.append([(f.name, f.lineno) for f in traceback.extract_tb(e.__traceback__)])
    return log


def handled():
    """What each of them handles is its own."""

    def inner():
        for _ in range(3):
            yield repr(sys.exc_info()[1])

    def handles(g, k):
        try:
            raise ValueError(k)
        except ValueError:
            yield from g

    out = []
    for _ in range(2):
        out.extend(handles(link(handles(link(inner()), 1)), 2))
        try:
            raise OSError
        except OSError:
            out.extend(link(link(inner())))
    return out, sys.exc_info()


def too_deep():
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(220)
    out = []
    try:
        for depth in (100, *range(196, 226, 2)):
            g = chain(leaf(4), depth)[-1]
            try:
                out.append((depth, [type(x).__name__ for x in g]))
            except RecursionError as e:
                out.append((depth, str(e)))
                try:
                    out.append(next(g))
                except (StopIteration, RecursionError, RuntimeError) as e:
                    out.append(type(e).__name__)
    finally:
        sys.setrecursionlimit(limit)
    return out


@types.coroutine
def pause(v):
    return (yield v)


async def bottom(n):
    total = 0
    for i in range(n):
        total += await pause(i) or 1
    return total


async def through(c):
    return await c


async def mixed(n):
    return await through(through(through(bottom(n)))) + (await through(pause(100)) or 0)


def coroutines():
    out = []
    c = mixed(5)
    v = None
    try:
        while True:
            out.append(c.send(v))
            v = (len(out) * 3) if len(out) % 2 else None
    except StopIteration as e:
        out.append(e.value)
    c = mixed(3)
    out.append(c.send(None))
    waits = c.cr_await
    out.append((waits.__name__, waits.cr_running, waits.cr_await.__name__))
    try:
        c.throw(KeyError("k"))
    except KeyError as e:
        out.append([f.name for f in traceback.extract_tb(e.__traceback__)])
    return out


class Numbers:
    """An __iter__ that is a generator, inherited, replaced, deleted."""

    def __init__(self, *parts):
        self.parts = parts

    def __iter__(self):
        for part in self.parts:
            if isinstance(part, Numbers):
                yield from part
            else:
                yield part


class More(Numbers):
    pass


class Slots:
    __slots__ = ("n",)

    def __init__(self, n):
        self.n = n

    def __iter__(self, *, step=1):
        yield from range(0, self.n, step)


def instances():
    t = Numbers(1, More(2, More(3, Numbers(4)), 5), More())
    out = [list(t), sum(t), [*t, *Slots(3)]]
    More.__iter__ = lambda self: iter("ab")
    out.append(list(t))
    del More.__iter__
    out.append(list(t))
    kept = Numbers.__iter__
    Numbers.__iter__ = None
    try:
        list(More(1))
    except TypeError as e:
        out.append(str(e))
    Numbers.__iter__ = lambda self: 5
    try:
        for _ in More(1):
            pass
    except TypeError as e:
        out.append(str(e))

    def two(self, other):
        yield other

    Numbers.__iter__ = two
    try:
        for _ in t:
            pass
    except TypeError as e:
        out.append(str(e))
    Numbers.__iter__ = kept
    return out


def values():
    g = named(3, None)
    out = []
    try:
        while True:
            out.append(next(g))
    except StopIteration as e:
        out.append(e.value)
    g = named(4, None)
    out.append((next(g), g.send("a"), next(g), g.send("b")))
    return out


def main():
    for _ in range(3):
        for f in (while_running, one_by_itself, ends, handled, too_deep, coroutines, instances, values):
            print(f.__name__, f())


main()
