"""Frame objects of functions that a trace has inlined, kept beyond their return, in hot loops."""

import sys

KEPT = []


def look(depth, every, i):
    if i % every == 0:
        KEPT.append(sys._getframe(depth))


def plain(i, every):
    a = i * 2
    look(1, every, i)
    b = a + 1
    return b


def outer(i, every):
    x = (i, every)
    look(2, every, i)
    y = plain(i + 1, every)
    return y + len(x)


class Thing:
    def __init__(self, i, every):
        local = i + 0.5
        look(1, every, i)
        self.v = local

    @property
    def prop(self):
        local = self.v * 2
        look(1, 3, int(self.v))
        return local

    def __add__(self, other):
        local = other * 3
        look(1, 2, other)
        return local

    def __setitem__(self, key, value):
        local = key
        look(1, 2, value)
        self.v = local


def by_calls(n, every):
    t = 0
    for i in range(n):
        t += plain(i, every) + outer(i, every)
    return t


def by_class(n, every):
    t = 0
    for i in range(n):
        o = Thing(i, every)
        t += o.prop + (o + i)
        o[i] = i
        t += o.v
    return t


def dropped(n):
    t = 0
    for i in range(n):
        look(1, 1, i)
        t += KEPT.pop().f_lineno
        t += direct(i)
    return t


def direct(i):
    local = [i]
    frame = sys._getframe()
    return len(frame.f_locals) + len(local)


def describe(frame):
    names = {k: v for k, v in frame.f_locals.items() if isinstance(v, (int, float, tuple))}
    return frame.f_code.co_name, frame.f_lineno - frame.f_code.co_firstlineno, names


def report(result):
    for frame in KEPT[:4] + KEPT[-6:]:
        print("   ", describe(frame), frame.f_back and frame.f_back.f_code.co_name)
    print(result, len(KEPT))
    KEPT.clear()


def main():
    for every in (1, 2, 7, 1000):
        report(by_calls(60, every))
        report(by_class(60, every))
    report(dropped(80))


main()
