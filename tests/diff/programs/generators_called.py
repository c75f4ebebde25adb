"""next(g), g.send(v) and their like from Python: values, ends, errors, references, frames, depth."""

import builtins
import contextlib
import sys


class Told:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        f = sys._getframe(1)
        print("gone", self.name, f.f_code.co_name, f.f_lineno, sys.exc_info()[0])


def lines(e):
    tb, out = e.__traceback__, []
    while tb is not None:
        out.append((tb.tb_frame.f_code.co_name, tb.tb_lineno))
        tb = tb.tb_next
    return out


def count(n):
    yield from range(n)
    return "over"


def echo():
    got = "first"
    while got != "stop":
        got = yield got
    return "stopped"


async def aecho():
    class Awaited:
        def __await__(self):
            return (yield from echo())

    return await Awaited()


def nexts():
    for _ in range(4):
        g = count(2)
        print(next(g), next(g), next(g, "default"), next(g, None))
        g = count(1)
        next(g)
        for _ in range(2):
            try:
                next(g)
            except StopIteration as e:
                print(repr(e), e.value, lines(e), e.__context__)
        it = iter([1])
        out = []
        for source in (count(1), it, count(0), iter("ab"), {1: 2}.keys().__iter__()):
            out.append(next(source, "none"))
        print(out)
        try:
            next(5)
        except TypeError as e:
            print(e)
        try:
            next(count(1), 2, 3)
        except TypeError as e:
            print(e)


def one(x):
    """One call site for everything."""
    return next(x, "default")


def site():
    for x in (count(1), count(1), count(1), count(0), iter([1]), count(2), iter([]), count(3)):
        print(one(x), one(x))


def sends():
    for _ in range(4):
        g = echo()
        print(g.send(None), g.send(1), g.send(None), g.send((1, 2)), next(g))
        try:
            g.send("stop")
        except StopIteration as e:
            print(e.value, lines(e))
        try:
            g.send("again")
        except StopIteration as e:
            print(repr(e.value))
        g = echo()
        try:
            g.send(1)
        except TypeError as e:
            print(e)
        send = g.send
        print(send(None), send(5), [send(i) for i in range(3)])
        c = aecho()
        print(c.send(None), c.send(4))
        try:
            c.send("stop")
        except StopIteration as e:
            print(e.value)
        try:
            c.send(None)
        except RuntimeError as e:
            print(e)
        c = aecho()
        try:
            c.send(3)
        except TypeError as e:
            print(e)
        c.close()


def errors():
    def raises(exc):
        yield 1
        raise exc

    for _ in range(3):
        for exc in (KeyError("k"), StopIteration("s"), GeneratorExit(), RuntimeError()):
            for resume in (next, lambda g: g.send(None), lambda g: next(g, "default")):
                g = raises(exc)
                resume(g)
                try:
                    resume(g)
                except BaseException as e:
                    print(repr(e), repr(e.__cause__), lines(e))
                print(next(g, "end"))
        try:
            raise IndexError("around")
        except IndexError:
            g = raises(KeyError("inner"))
            next(g)
            try:
                next(g)
            except KeyError as e:
                print(repr(e.__context__))
            try:
                next(g)
            except StopIteration as e:
                print(repr(e.__context__))
            g = count(0)
            try:
                next(g)
            except StopIteration as e:
                print(repr(e.__context__), e.value)
        print(sys.exc_info())


def itself():
    def gen():
        yield next(me)

    def sent():
        yield me.send(None)

    for _ in range(3):
        for make in (gen, sent):
            me = make()
            try:
                next(me)
            except ValueError as e:
                print(e, lines(e))


def references():
    def holds(told):
        mine = Told("mine")
        yield 1
        yield 2

    for _ in range(3):
        print("temporary")
        print(next(holds(Told("arg"))))
        print(next(x for x in [3]), next((x for x in []), "none"))
        g = holds(Told("kept"))
        next(g)
        print("again")
        print(next(g), next(g, "end"))
        print("after")
        del g
    marker = object()

    def gives():
        while True:
            marker_ = yield marker
            del marker_

    watched = [marker, gives, next, type(gives()).send, None]
    before = [sys.getrefcount(w) for w in watched[:4]]
    for _ in range(50):
        g = gives()
        next(g)
        g.send(marker)
        g.send(None)
        next(g, marker)
        next(count(0), marker)
    del g
    print([sys.getrefcount(w) - b for w, b in zip(watched, before)])


def frames():
    def looks():
        while True:
            f = sys._getframe()
            yield f.f_back.f_code.co_name, f.f_back.f_lineno, me.gi_running, me.gi_frame is f
            del f

    kept = []

    def keeps():
        kept.append(sys._getframe())
        yield 1
        kept.append(sys._getframe().f_back)

    for _ in range(3):
        me = looks()
        print(next(me), me.send(None), next(me, 0))
        print(me.gi_frame.f_back, me.gi_frame.f_lineno)
        g = keeps()
        next(g)
        try:
            next(g)
        except StopIteration as e:
            print(lines(e))
        print([(f.f_code.co_name, f.f_lineno) for f in kept])
        kept.clear()


def depth():
    def deeper(n):
        yield n
        yield next(more(n + 1))

    def more(n):
        g = deeper(n)
        next(g)
        yield g.send(None)

    for _ in range(3):
        try:
            print(next(more(0)))
        except RecursionError as e:
            print(len(lines(e)) > 300)
    g = count(10**9)
    before = measure()
    for _ in range(5000):
        next(g)
        next(g, 1)
    e = echo()
    e.send(None)
    for i in range(5000):
        e.send(i)
    for _ in range(2000):
        with contextlib.suppress(StopIteration):
            count(0).send(None)
        next(count(0), None)
    print(measure() == before)


def measure():
    def down(n):
        nonlocal reached
        reached = n
        down(n + 1)

    reached = 0
    try:
        down(0)
    except RecursionError:
        return reached


@contextlib.contextmanager
def managed(log):
    log.append("in")
    try:
        yield "value"
    except KeyError:
        log.append("caught")
    finally:
        log.append("out")


def managers():
    for _ in range(4):
        log = []
        with managed(log) as v:
            log.append(v)
        with managed(log):
            raise KeyError
        try:
            with managed(log):
                raise IndexError
        except IndexError as e:
            log.append(lines(e)[:1])
        print(log)


def traced():
    events = []

    def tracer(frame, event, arg):
        events.append((frame.f_code.co_name, event, frame.f_lineno))
        return tracer

    def starts(how):
        yield 1
        how(tracer)
        sys._getframe().f_trace = tracer
        got = yield 2
        return got

    def profiler(frame, event, arg):
        events.append((frame.f_code.co_name, event))

    for _ in range(2):
        for how, off in ((sys.settrace, sys.settrace), (lambda t: sys.setprofile(profiler), sys.setprofile)):
            for resume in (next, lambda g: g.send(None), lambda g: next(g, "default")):
                g = starts(how)
                out = [resume(g), resume(g)]
                try:
                    out.append(resume(g))
                except StopIteration as e:
                    out.append(repr(e))
                off(None)
                print(out, events)
                events.clear()

    def inline():
        g = starts(sys.settrace)
        a = next(g)
        b = next(g)
        c = next(g, "default")
        g = starts(sys.settrace)
        d = g.send(None)
        e = g.send(None)
        return a, b, c, d, e

    for _ in range(3):
        print(inline())
        sys.settrace(None)
        print(events)
        events.clear()


def replaced():
    real = builtins.next
    g = count(100)
    out = []
    for i in range(12):
        if i == 6:
            builtins.next = lambda it, *d: ("mine", real(it, *d))
        elif i == 9:
            builtins.next = real
        out.append(next(g))
    builtins.next = real
    print(out)

    def plain(x):
        return [x]

    def gen(x):
        yield x

    made = []
    for i in range(8):
        g = gen(i)
        if i == 4:
            gen.__code__ = plain.__code__
        made.append(next(g) if i < 5 else gen(i))
    print(made)


for part in (
    nexts,
    site,
    sends,
    errors,
    itself,
    references,
    frames,
    depth,
    managers,
    traced,
    replaced,
):
    print("--", part.__name__)
    for _ in range(2):
        part()
