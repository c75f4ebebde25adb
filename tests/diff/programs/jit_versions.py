"""Loops whose variables change their types: other versions of a loop trace, and ways between them."""

import sys


def becomes_float(n, at):
    total = 0
    for i in range(n):
        if i == at:
            total = total + 0.5
        total += i
    return total


def alternates(n):
    total = 0
    for i in range(n):
        if i % 100 == 0:
            total = 0.25
        elif i % 100 == 50:
            total = 7
        total += i
    return total


def to_text(n):
    value = 0
    for i in range(n):
        if i == n // 3:
            value = 0.5
        if i == n // 2:
            value = "x"
        if i == 3 * n // 4:
            value = [i]
        if i == 4 * n // 5:
            value = (i,)
        value = value * 1
    return value


def large(n):
    value = 1
    for i in range(n):
        value = value * 3 if i % 90 else 1
    return value


def mixed(items):
    total = 0
    for x in items:
        total += x
    return total


def nested(n):
    result = []
    for i in range(n):
        x = 0 if i % 3 else 0.0
        j = 0
        while j < 40:
            x += j
            j += 1
        result.append(x)
    return result[-7:]


def fails(n):
    total = 0
    for i in range(n):
        if i == n - 1:
            total = None
        elif i == n // 2:
            total = 1.5
        total += i
    return total


def counts(n):
    held = object()
    before = sys.getrefcount(held)
    value = 0
    for i in range(n):
        if i == n // 3:
            value = held
        if i == n // 2:
            value = 0.5
        if value is not held:
            value += 1
    return value, sys.getrefcount(held) - before


for size in (10, 600, 5000):
    print(becomes_float(size, size // 2), becomes_float(size, -1), becomes_float(size, 0))
    print(alternates(size), to_text(size), large(size))
    print(mixed([1, 2.5, 3, 4.5] * size), mixed([1] * size + [0.5] * size + [True] * size))
    print(nested(size // 10), counts(size))
    try:
        fails(size)
    except TypeError as error:
        print(error, error.__traceback__.tb_next.tb_lineno)
