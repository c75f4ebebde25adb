"""Objects of types of C die in hot loops; what they alone had may run code."""

import array
import datetime
import decimal
import fractions
import functools
import re
import sys
import weakref
from decimal import Decimal

log = []


class Zone(datetime.tzinfo):
    def __init__(self, i):
        self.i = i

    def utcoffset(self, when):
        return datetime.timedelta(0)

    def __del__(self):
        log.append((self.i, sys._getframe(1).f_code.co_name, sys._getframe(1).f_lineno))


class Own(Decimal):
    def __del__(self):
        log.append((str(self), sys._getframe(1).f_code.co_name))


class Slim:
    __slots__ = ()

    def __del__(self):
        log.append(sys._getframe(1).f_code.co_name)


def decimals(n):
    total = Decimal("0")
    last = None
    for i in range(n):
        a = Decimal(i) * Decimal("1.05")
        total += a.quantize(Decimal("0.01"), rounding=decimal.ROUND_HALF_UP)
        last = [a, {"t": total, a: (a, -a)}]
    return total, last


def own_decimals(n):
    total = 0
    for i in range(n):
        a = Own(i)
        total += int(a + 1)
        a = [Own(i + 1000)]
    return total


def times(n):
    out = None
    for i in range(n):
        when = datetime.datetime(2020, 1, 1 + i % 20, tzinfo=Zone(i))
        out = when.replace(hour=i % 24)
        when = {"when": out}
        day = datetime.date(2020, 1, 1) + datetime.timedelta(i)
    return out.hour, day


def slim(n):
    for i in range(n):
        s = Slim()
        t = [s]
        s = t = None
    return s, t


def mixed(n):
    text = "a1b22c333"
    seen = []
    for i in range(n):
        things = [
            re.compile("[0-9]+").search(text, i % 5),
            array.array("i", [i]),
            functools.partial(len, [i]),
            fractions.Fraction(i, 3),
            memoryview(bytes([i % 256])),
            bytearray(b"x"),
            iter([Slim()]),
            (Slim() for _ in "a"),
        ]
        gone = weakref.ref(things[1], lambda r: log.append("gone"))
        seen.append(len(things))
        things = gone if i % 2 else None
    return sum(seen)


print(decimals(200))
print(own_decimals(60), log)
log.clear()
print(times(60))
print(log)
log.clear()
print(slim(60), log)
log.clear()
print(mixed(60), log)
