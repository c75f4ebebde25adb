"""Stores over live values in every order: nothing may be lost. Counts are of objects and sentinels."""

# ruff: noqa - odd code on purpose

import gc
import sys


class Thing:
    pass


def star_first(x):
    *v, v = (1, x)


def star_last(x):
    v, *v = (x, 1)


def pair(x):
    v, v = x, 1


def pair_back(x):
    v, v = 1, x


def twice(x):
    v = x
    v = 2
    v = [x]
    v = 2.5
    v = x


def swap(x):
    a, b = [x], x
    a, b = b, a
    a, b, c = b, a, [x]
    c, a, b = a, b, c
    return a


def numbers(x):
    v = 10**12
    v = v + 1
    v = x
    v = 1.5
    v = v * 2
    v = [x]
    v = 10**12 + len(v)


def loop_target(x):
    for x in [[x], (x,), x]:
        y = x
    for y, y in [(x, [x])]:
        pass


def with_target(x):
    class M:
        def __enter__(self):
            return [x]

        def __exit__(self, *a):
            return None
    with M() as v, M() as v:
        pass


def except_target(x):
    v = [x]
    try:
        raise ValueError([x])
    except ValueError as v:
        pass


def cells(x):
    v = [x]

    def inner():
        nonlocal v
        v = [v]
        v = x
        *v, v = (1, [x])
        return v
    inner()
    inner()
    return v


def args_over(a, b=1, *c, **d):
    a = b
    b = a
    c, d = d, c
    c = d = a


def nested(x):
    (a, (b, *c)), *d = ([x], ([x], x, [x])), x, [x]
    [a, b] = c
    return d


def deletes(x):
    v = [x]
    del v
    v = x
    del v
    v, w = [x], [x]
    del v, w


def chained(x):
    a = b = c = [x]
    a = b = 1
    a, b = c = ([x], x)


def walrus(x):
    if (v := [x]) and (v := x):
        v = (v := [x])


def comp(x):
    v = [[y, x] for y in ([x], x) if (v := y)]
    return [v for v in v]


def augmented(x):
    v = [x]
    v += [x]
    v *= 2
    v = (x,)
    v += (x,)
    s = "a"
    s += "b"
    s = s + "c"
    return v


def raising(x):
    v = [x]
    try:
        v, w = [x], [x], [x]
    except ValueError:
        pass
    try:
        v, *w, z = (x,)
    except ValueError:
        pass
    try:
        v = [x][5]
    except IndexError:
        pass
    try:
        v = f"{x:nope}"
    except TypeError:
        pass


def generator(x):
    def gen(y):
        y = yield [y]
        *y, y = (1, y)
        yield y
    g = gen(x)
    next(g)
    g.send([x])
    return [v for v in gen([x])]


def match_it(x):
    match [x, [x], {"k": x}]:
        case [a, [b], {"k": c, **d}]:
            a = b
            b = d
    match Thing():
        case Thing() as v:
            v = x


def class_body(x):
    class K:
        v = [x]
        v = x
        *v, v = (1, [x])
    return K.v


thing = Thing()
functions = [star_first, star_last, pair, pair_back, twice, swap, numbers, loop_target, with_target,
             except_target, cells, args_over, nested, deletes, chained, walrus, comp, augmented,
             raising, generator, match_it, class_body]
for function in functions:
    for argument in (thing, (thing, thing)):
        try:
            for _ in range(20):
                function(argument)
        except TypeError as error:
            print(function.__name__, error)
            continue
        gc.collect()
        count, objects = sys.getrefcount(thing), len(gc.get_objects())
        for _ in range(100):
            function(argument)
        gc.collect()
        lost = len(gc.get_objects()) - objects
        print(function.__name__, sys.getrefcount(thing) - count, lost if abs(lost) > 20 else "few")
