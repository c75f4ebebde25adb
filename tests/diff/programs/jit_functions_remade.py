"""Functions that are made anew each time and called at once, in loops: what is guarded is their code."""

import sys

FACTOR = 3


def generators(n):
    out = 0
    for i in range(n):
        k = i % 5
        for x in (j * k for j in range(3)):
            out += x
    return out


def comprehensions(n):
    out = []
    for i in range(n):
        k = i % 7
        out.append(sum([j + k for j in range(4)]))
        out.append(len({j % 3: k for j in range(k)}))
        out.append(len({j * k for j in range(5)}))
    return sum(out), out[-9:]


def closures(n):
    """Inner functions of one code, by other cells each time."""
    out = 0
    for i in range(n):

        def add(x):
            s = 0
            for k in range(3):
                s += x + i
            return s

        out += add(i % 4)
        out += (lambda y: y * FACTOR)(i)
    return out


def changed(n):
    """Code, defaults and keyword defaults change between making and calling."""
    out = []

    def other(x):
        t = 0
        for _ in range(2):
            t -= x
        return t

    for i in range(n):

        def f(x):
            t = 0
            for _ in range(2):
                t += x
            return t

        if i % 5 == 4:
            f.__code__ = other.__code__
        if i % 7 == 6:
            f.__defaults__ = (100,)
            out.append(f())
        try:
            out.append(f(i))
            out.append(f() if i % 11 == 10 else 0)
        except TypeError as e:
            out.append(str(e)[-20:])
    return out[-60:]


def changed_generator(n):
    out = []

    def other(k):
        yield -k

    for i in range(n):

        def gen(k):
            yield k
            yield k + i

        if i % 4 == 3:
            gen.__code__ = (
                other.__code__.replace(co_freevars=("i",)) if i % 8 == 7 else gen.__code__
            )
        if i % 6 == 5:
            gen.__defaults__ = (50,)
            out.append(list(gen()))
        for v in gen(i):
            out.append(v)
    return out[-40:]


def raising(n):
    out = []
    for i in range(n):

        def fails(x):
            for k in range(3):
                if k + x == 5:
                    raise KeyError(sys._getframe(1).f_code.co_name)
            return x

        try:
            out.append(fails(i % 6))
            out.append([10 // (k - i % 4) for k in range(2)])
        except (KeyError, ZeroDivisionError) as e:
            names = []
            tb = e.__traceback__
            while tb is not None:
                names.append(
                    (tb.tb_frame.f_code.co_name, tb.tb_lineno - raising.__code__.co_firstlineno)
                )
                tb = tb.tb_next
            out.append(names)
    return out[-20:]


class Dies:
    log = []

    def __init__(self, n):
        self.n = n

    def __del__(self):
        Dies.log.append(self.n)


def finalized(n):
    """The cell of a function that has ended goes with it."""
    for i in range(n):
        d = Dies(i)
        s = sum([d.n for _ in range(3)])
        t = sum(d.n for _ in range(2))
        Dies.log.append((s, t))
    return Dies.log[-12:]


for _ in range(2):
    print(generators(150), comprehensions(150), closures(150))
    print(changed(120))
    print(changed_generator(120))
    print(raising(120))
    print(finalized(100))
