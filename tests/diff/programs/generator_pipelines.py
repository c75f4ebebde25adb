"""Pipelines of many generators that pass items on in a hot loop: filters, inner loops between two
items, types that change, early ends, errors and closing in the middle of it."""

import sys
import traceback


def source(n, wrong=None):
    for i in range(n):
        if i == wrong:
            raise ValueError("item %d" % i)
        yield i


def some(values):
    for v in values:
        if v % 3:
            yield v


def twice(values):
    for v in values:
        for k in (1, 2):
            yield v * k


def counted(values):
    n = 0
    try:
        for v in values:
            n += 1
            yield v
    finally:
        print("counted", n)


def rounds(values):
    left = iter(values)
    for v in left:
        for _ in range(v % 4):
            v += 1
        while v % 5 == 0:
            v += 2
        yield v


def tagged(values):
    for v in values:
        yield ("odd" if v & 1 else "even", v)


def kept(pairs):
    for pair in pairs:
        if pair[0] == "odd":
            yield pair
        else:
            yield ("other", pair[1] / 2)


def bare(pairs):
    for tag, v in pairs:
        yield v


STAGES = [some, twice, rounds, counted, tagged, kept, bare]


def pipeline(n, stages, wrong=None):
    values = source(n, wrong)
    for stage in stages:
        values = stage(values)
    return values


def total(n, stages=STAGES, stop=None, wrong=None):
    t = 0
    for i, v in enumerate(pipeline(n, stages, wrong)):
        t += v
        if i == stop:
            break
    return t


def lines(e):
    return [(f.name, f.lineno) for f in traceback.extract_tb(e.__traceback__)]


def errors():
    for wrong in (0, 7, 700):
        try:
            print(total(900, wrong=wrong))
        except ValueError as e:
            print(e, lines(e))
    values = pipeline(900, STAGES)
    try:
        for i, v in enumerate(values):
            if i == 500:
                values.throw(KeyError("thrown"))
    except KeyError as e:
        print(i, v, lines(e), list(values))


def by_itself():
    """One in the middle is asked from elsewhere between two items."""
    middle = counted(twice(source(400)))
    last = bare(kept(tagged(rounds(middle))))
    t = 0
    for i, v in enumerate(last):
        t += v
        if i % 50 == 49:
            t += next(middle)
    middle.close()
    return t, list(last)


def of_itself():
    """A pipeline that is asked again by one of its own stages."""

    def asks(values):
        for i, v in enumerate(values):
            if i == 300:
                try:
                    next(whole)
                except ValueError as e:
                    print(e)
            yield v

    whole = bare(tagged(asks(rounds(source(400)))))
    return sum(v for v in whole)


def traced():
    seen = {}

    def look(frame, event, arg):
        key = frame.f_code.co_name, event
        seen[key] = seen.get(key, 0) + 1
        return look

    t = 0
    for i, v in enumerate(pipeline(300, STAGES)):
        t += v
        if i == 150:
            sys.settrace(look)
        if i == 160:
            sys.settrace(None)
    print(t, sorted(seen.items()))


for size in (3, 40, 400, 400, 400):
    print(size, total(size))
for stop in (0, 5, 399):
    print(stop, total(600, stop=stop))
for many in range(1, 8):
    ends = [bare] if many in (5, 6) else []
    print(many, total(500, STAGES[:many] + ends))
print(total(300, [some] * 6), total(300, [some, rounds] * 4), total(9, [twice] * 6))
errors()
print(by_itself(), of_itself())
traced()
