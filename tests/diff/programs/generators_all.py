"""Generators: iteration, send, throw, close, return values, delegation, odd endings."""

# ruff: noqa - odd code on purpose

import gc
import inspect
import sys


def count(n):
    i = 0
    while i < n:
        got = yield i
        if got is not None:
            i = got
        i += 1
    return ("done", n)


def delegating(n):
    result = yield from count(n)
    print("result", result)
    second = yield from [7, 8]
    print("second", second)
    return 5


def total(generator):
    amount = 0
    for value in generator:
        amount += value
    return amount


print([total(count(n)) for n in range(50)])
print(list(delegating(4)))

g = count(10)
print(next(g), g.send(5), next(g), g.send(None))
try:
    g.send(20)
except StopIteration as stop:
    print("stop", stop.value, stop.args)
print(next(g, "over"), list(g))

g = count(3)
try:
    g.send(1)
except TypeError as error:
    print(error)


def catching():
    try:
        while True:
            try:
                got = yield "ready"
                print("got", got)
            except ValueError as error:
                print("caught", error, error.__context__)
                yield "after"
    finally:
        print("finally")


g = catching()
print(next(g), g.throw(ValueError("one")), next(g), g.send("x"))
print(g.throw(ValueError, "two"), next(g), g.throw(ValueError("three")))
try:
    g.throw(KeyError("out"))
except KeyError as error:
    print("KeyError", error)
print(list(g))
g = catching()
next(g)
g.close()
g.close()
g = catching()
g.close()
print("unstarted closed")
g = catching()
try:
    g.throw(OSError("unstarted"))
except OSError as error:
    print(error)


def stubborn():
    while True:
        try:
            yield 1
        except GeneratorExit:
            print("no")


g = stubborn()
next(g)
try:
    g.close()
except RuntimeError as error:
    print(error)


def stop_inside():
    yield 1
    raise StopIteration("leaks")


try:
    list(stop_inside())
except RuntimeError as error:
    print(error, repr(error.__cause__), repr(error.__context__))


def reentrant():
    yield next(holder[0])


holder = [None]
holder[0] = reentrant()
try:
    next(holder[0])
except ValueError as error:
    print(error)


def close_value():
    try:
        yield
    except GeneratorExit:
        return "returned at close"


g = close_value()
next(g)
print(g.close())


class Iterator:
    def __init__(self):
        self.n = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.n += 1
        if self.n > 3:
            raise StopIteration("it value")
        return self.n

    def send(self, value):
        print("send", value)
        return self.__next__()

    def throw(self, *args):
        print("throw", args[0] if len(args) == 1 else args[0].__name__)
        return "thrown"

    def close(self):
        print("closed")


def over_iterator():
    value = yield from Iterator()
    print("value", value)
    return value


print(list(over_iterator()))
g = over_iterator()
print(next(g), g.send(5), g.throw(KeyError("k")), g.send(None))
g.close()


class NoThrow:
    def __iter__(self):
        return iter([1, 2, 3])


def over_plain():
    yield from NoThrow()


g = over_plain()
print(next(g))
try:
    g.send(5)
except AttributeError as error:
    print(error)
g = over_plain()
next(g)
try:
    g.throw(KeyError("k"))
except KeyError as error:
    print("through", error)


def tree(depth):
    if depth:
        yield from tree(depth - 1)
        yield depth
        yield from tree(depth - 1)


print(list(tree(6)))


def states():
    yield inspect.getgeneratorstate(me[0])


me = [None]
me[0] = states()
print(inspect.getgeneratorstate(me[0]), next(me[0]), inspect.getgeneratorstate(me[0]),
      next(me[0], None), inspect.getgeneratorstate(me[0]))

g = count(5)
next(g)
print(g.gi_frame.f_locals, g.gi_frame.f_lineno, g.gi_running, g.gi_yieldfrom, g.gi_code.co_name)
print(g.__name__, g.__qualname__)
frame = g.gi_frame
del g
gc.collect()
print(frame.f_locals, frame.f_lasti > 0)
try:
    frame.clear()
    print("cleared", frame.f_locals)
except RuntimeError as error:
    print(error)

d = delegating(3)
next(d)
print(d.gi_yieldfrom.__name__)


def finalised(tag):
    try:
        yield tag
        yield tag
    finally:
        print("finalised", tag, sys.exc_info()[0])


for tag in range(5):
    g = finalised(tag)
    next(g)
for value in finalised("loop"):
    break
del g
gc.collect()


def with_exc():
    try:
        yield "a"
    except ValueError:
        yield sys.exc_info()[0].__name__
        try:
            raise KeyError
        except KeyError:
            yield sys.exc_info()[0].__name__
        yield sys.exc_info()[0].__name__
    yield sys.exc_info()[0]


try:
    raise OSError("outer")
except OSError:
    g = with_exc()
    print(next(g), g.throw(ValueError("v")), sys.exc_info()[0].__name__, next(g), next(g), next(g),
          sys.exc_info()[0].__name__)

pairs = ((i, j) for i in range(3) for j in range(i) if i + j != 2)
print(list(pairs), sum(x * x for x in range(100)), max((y for y in [3, 1]), default=None))
print([*count(3), *delegating(1)], {*count(2)}, dict(zip(count(3), count(9))))
a, *b, c = count(6)
print(a, b, c)
print(3 in count(10), 30 in count(10))
try:
    x, y = count(3)
except ValueError as error:
    print(error)


def infinite():
    a, b = 0, 1
    while True:
        yield a
        a, b = b, a + b


fib = infinite()
values = [next(fib) for _ in range(120)]
print(values[-3:])


def exception_in_middle(n):
    for i in range(n):
        if i == 70:
            1 / 0
        yield i


seen = 0
try:
    for v in exception_in_middle(100):
        seen += v
except ZeroDivisionError as error:
    tb = error.__traceback__
    print(seen, tb.tb_lineno, tb.tb_next.tb_lineno, tb.tb_next.tb_frame.f_locals)

# One loop over sources of changing kinds.
sources = [count(30), range(30), [1] * 30, (2,) * 30, "x" * 30, {1: 2, 3: 4}, {5, 6}, Iterator(),
           enumerate("abc"), zip("ab", "cd"), {1: 2}.items(), {1: 2}.values(), map(str, "ab"),
           reversed([1, 2]), iter("q"), b"ab", count(3)]
out = []
for _ in range(3):
    for source in sources:
        last = None
        for item in source:
            last = item
        out.append(last)
print(out)
