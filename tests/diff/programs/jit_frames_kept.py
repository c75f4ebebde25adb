"""Frame objects and dicts of locals that outlive their frames, in functions that hot loops call."""

import gc
import sys

kept, log = [], []


class Loud:
    def __init__(self, n):
        self.n = n

    def __del__(self):
        log.append(self.n)


def keeps_frame(i, x):
    y = Loud(i)
    kept.append(sys._getframe())
    return i + x


def keeps_some(i, x):
    y = Loud(i)
    if i % 7 == 3:
        kept.append(sys._getframe())
    return i + x


def looks(i, x):
    y = Loud(i)
    f = sys._getframe()
    n = f.f_lineno
    del f
    return n + x


def knot(i, x):
    f = sys._getframe()
    y = Loud(i)
    return len(f.f_code.co_varnames) + x


def callers(i, x):
    def deeper():
        return sys._getframe(1).f_locals["i"], sys._getframe(2).f_lineno > 0

    return deeper()[0] + x


def keeps_callers(i, x):
    def deeper():
        y = Loud(-i)
        kept.append(sys._getframe(1))

    deeper()
    return x


def locals_dict(i, x):
    y = Loud(i)
    d = locals()
    z = Loud(i + 10000)
    locals()
    d = None
    return i + x


def returns_locals(i, x):
    y = Loud(i)
    return len(locals()) + x


def keeps_locals(i, x):
    y = Loud(i)
    kept.append(locals())
    return i


def own_trace(i, x):
    f = sys._getframe()
    f.f_trace = lambda *args: None
    del f
    return x


def tracebacks(i, x):
    y = Loud(i)
    try:
        raise ValueError(i)
    except ValueError as error:
        kept.append(error.__traceback__ if i % 2 else error.args)
    return x


class Things:
    def __init__(self, i):
        self.i = i
        kept.append(sys._getframe())

    @property
    def prop(self):
        z = Loud("prop")
        kept.append(locals())
        return self.i

    def __add__(self, other):
        z = Loud("add")
        if other % 5 == 2:
            kept.append(sys._getframe())
        return self.i + other

    def __lt__(self, other):
        locals()
        return kept.append(sys._getframe()) is None


def things(i, x):
    t = Things(i)
    return t.prop + (t + i) + (t < t)


def numbers(i):
    y = Loud(("gen", i))
    kept.append(sys._getframe())
    yield i
    locals()
    yield i + 1


def generators(i, x):
    return sum(numbers(i)) + x


def generators_for(i, x):
    for k in numbers(i):
        x += k
    return x


def recursive(i, x):
    if i % 4 == 0:
        kept.append(sys._getframe())
        return x
    return recursive(i - 1, x) + 1


LOOP = """
def loop(f, n):
    total = 0
    for i in range(n):
        total += f(i, 1)
    return total
"""


def describe(thing):
    if type(thing).__name__ == "frame":
        back = thing.f_back
        names = {k: getattr(v, "n", v) for k, v in thing.f_locals.items() if type(v) in (int, Loud)}
        return thing.f_code.co_name, thing.f_lineno, names, back and back.f_code.co_name, thing.f_trace
    if type(thing) is dict:
        return {k: getattr(v, "n", 0) for k, v in thing.items()}
    if type(thing) is tuple:
        return thing
    return thing.tb_lineno, describe(thing.tb_frame), thing.tb_next is None


for function in (
    keeps_frame, keeps_some, looks, knot, callers, keeps_callers, locals_dict, returns_locals, keeps_locals,
    own_trace, tracebacks, things, generators, generators_for, recursive,
):  # fmt: skip
    for n in (3, 60):
        space = {}
        exec(LOOP, space)
        print(function.__name__, space["loop"](function, n))
        gc.collect()
        print(len(log), log[:8], log[-8:], len(kept))
        for thing in kept[:: max(1, len(kept) // 7)]:
            print("   ", describe(thing))
        thing = None
        kept.clear()
        gc.collect()
        print(len(log), log[:8], log[-8:])
        log.clear()
print(sys.getrefcount(Loud) < 40)
