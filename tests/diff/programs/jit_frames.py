"""What frames, tracebacks and locals() show from inside of hot loops."""

import sys
import traceback


def where(depth):
    frame = sys._getframe(1)
    out = []
    while frame is not None and len(out) < depth:
        out.append((frame.f_code.co_name, frame.f_lineno, sorted(map(str, frame.f_locals.items()))))
        frame = frame.f_back
    return out


def inner(a, b):
    c = a + b
    d = (a, c)
    if a == 25:
        return where(3)
    return c


def middle(a):
    k = a * 2
    r = inner(a, k)
    return r


def outer():
    out = None
    for i in range(40):
        x = i + 0.5
        r = middle(i)
        if isinstance(r, list):
            out = r
    return out


for line in outer():
    print(line)


def fails(a):
    b = a * 2
    c = (b, a)
    if a > 30:
        return c[a]
    return c[1]


def calls(a):
    return fails(a) + 1


def raising():
    total = 0
    for i in range(50):
        total += calls(i)
    return total


try:
    raising()
except IndexError as error:
    traceback.print_exc(file=sys.stdout)
    tb = error.__traceback__
    while tb is not None:
        print(
            tb.tb_lineno, tb.tb_frame.f_code.co_name, tb.tb_lasti > 0, sorted(tb.tb_frame.f_locals)
        )
        print(
            [
                repr(v)
                for k, v in sorted(tb.tb_frame.f_locals.items())
                if isinstance(v, (int, tuple))
            ]
        )
        tb = tb.tb_next


def divide(a, b):
    return a / b


def zero():
    out = []
    for i in range(20, -3, -1):
        try:
            out.append(divide(10, i))
        except ZeroDivisionError as error:
            out.append((str(error), error.__traceback__.tb_next.tb_lineno))
    return out


print(zero())


def tries():
    out = []
    for i in range(30):
        try:
            if i % 4 == 1:
                raise ValueError(i)
            if i % 4 == 2:
                [][i]
            out.append(i)
        except ValueError as error:
            out.append(error.args)
        except IndexError:
            out.append(sys.exc_info()[0].__name__)
        finally:
            out.append("f")
    return out[-12:], sys.exc_info()


print(tries())


def look():
    seen = []
    for i in range(20):
        y = i * 2
        z = "s"
        if i > 15:
            seen.append(dict(locals(), seen=0))
        del z
    return seen


print(look())


def level(n):
    if n == 0:
        return 0
    return 1 + level(n - 1)


def deep():
    out = []
    for n in range(0, 60, 3):
        out.append(level(n))
    return out


print(deep())


def forever(n):
    return forever(n + 1)


def limits():
    out = []
    for i in range(5):
        try:
            forever(i)
        except RecursionError as error:
            out.append(str(error))
    return out


print(limits())


def count_levels(n=0):
    try:
        return count_levels(n + 1)
    except RecursionError:
        return n


print(len({count_levels() for _ in range(6)}))


def gen(n):
    for i in range(n):
        try:
            got = yield i
            if got:
                i += got
                yield ("got", i)
        finally:
            log.append(i)


log = []


def generators():
    out = []
    for k in range(6):
        for x in gen(k + 3):
            if x == 4:
                break
            out.append(x)
    g = gen(30)
    next(g)
    for i in range(10):
        out.append(g.send(5))
        next(g)
    g.close()
    out += [sum(x for x in range(i)) for i in range(20)]
    out.append([a + b for a, b in zip(gen(5), gen(6))])
    return out


print(generators(), log)


def yields(n):
    total = 0
    for i in range(n):
        total += i
        frame = sys._getframe()
        yield total, frame.f_lineno, frame.f_back.f_code.co_name


print(list(yields(12))[-1], [x for x in yields(8)][-1])


class Manager:
    def __init__(self, swallow):
        self.swallow = swallow

    def __enter__(self):
        return self

    def __exit__(self, kind, error, tb):
        log.append(kind and kind.__name__)
        return self.swallow


def withs():
    del log[:]
    for i in range(20):
        with Manager(True) as a, Manager(i % 2) as b:
            if i % 5 == 3:
                raise KeyError(i)
            if i == 17:
                break
    return log[-9:], a.swallow, b.swallow


print(withs())


def tracer(frame, event, arg):
    if event == "call":
        events.append((frame.f_code.co_name, frame.f_lineno))
    return None


events = []


def traced():
    total = 0
    for i in range(40):
        total += inner_small(i)
        if i == 20:
            sys.settrace(tracer)
        if i == 25:
            sys.settrace(None)
    return total


def inner_small(i):
    return i + 1


print(traced(), events)


def profiled():
    del events[:]
    for i in range(40):
        abs(i)
        inner_small(i)
        if i == 20:
            sys.setprofile(lambda f, e, a: events.append((f.f_code.co_name, e)))
        if i == 22:
            sys.setprofile(None)
    return events


print(profiled())
