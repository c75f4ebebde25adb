"""Branches in loops: side traces come back to the head by ways that they share."""

import sys


def bubble(n):
    x = [(i * 7919) % n for i in range(n)]
    for i in range(n):
        for j in range(n - 1 - i):
            if x[j] > x[j + 1]:
                x[j], x[j + 1] = x[j + 1], x[j]
    return x


def branchy(n):
    a = b = c = d = 0
    for i in range(n):
        h = (i * 2654435761) & 0xFFFF
        if h & 1:
            a += 1
        else:
            b += 2
        if h & 2:
            c += 1
        elif h & 4:
            d += 3
        if h & 8:
            a -= 1
        if h & 16:
            b ^= h
        if h & 32:
            c += h
    return a, b, c, d


def floats(n):
    x, y = 1.0, 0.5
    for i in range(n):
        if x > y:
            x, y = x * 0.5, y + 0.25
        else:
            x, y = x + i % 7, y * 0.75
    return x, y


def raises(items):
    total = 0
    for i in range(len(items) + 1):
        if i % 3 == 1:
            total += items[i]
        else:
            total -= items[i]
    return total


def objects(n):
    held = object()
    before = sys.getrefcount(held)
    last = None
    count = 0
    for i in range(n):
        if i & 1:
            last = held
            count += 1
        elif i & 2:
            last = (held, i)
        else:
            last = i
    del last
    return count, sys.getrefcount(held) - before


print(bubble(60) == sorted(range(60)), bubble(61)[:5])
print(branchy(3000))
print(floats(2000))
for size in (5, 400, 401, 402):
    try:
        print(raises(list(range(size))))
    except IndexError as error:
        print(error, error.__traceback__.tb_next.tb_lineno)
print(objects(999), objects(1000))
