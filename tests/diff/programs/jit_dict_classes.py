"""Subscripts of classes below dict in hot loops: found and missing keys, methods of their own, changes."""

from __future__ import annotations

import collections
import traceback


def attempt(function, *args):
    try:
        return function(*args)
    except BaseException as error:
        frames = traceback.extract_tb(error.__traceback__)
        return type(error).__name__, str(error), [(f.name, f.lineno) for f in frames]


class Plain(dict):
    pass


class Missing(dict):
    def __missing__(self, key):
        return ("missing", key)


class Own(dict):
    def __getitem__(self, key):
        return ("own", dict.get(self, key))

    def __setitem__(self, key, value):
        super().__setitem__(key, [value])

    def __contains__(self, key):
        return key == 3


class Key:
    def __init__(self, n):
        self.n = n

    def __hash__(self):
        return hash(self.n)

    def __eq__(self, other):
        return isinstance(other, Key) and self.n == other.n


def count(d, n, m):
    for i in range(n):
        d[i % m] += 1
    return sorted(d.items())[:3], len(d)


def read(d, keys):
    out = []
    for k in keys:
        out.append(d[k])
    return out[-3:]


def write(d, n):
    for i in range(n):
        d[i % 5] = i
        d["x"] = d[i % 5]
    return list(d.items())


def contains(d, n):
    found = 0
    for i in range(n):
        if i % 9 in d:
            found += 1
        if i not in d:
            found += 100
    return found


def update(d, n):
    for i in range(n):
        d[Key(i % 4)] = i
        if d[Key(i % 4)] != i:
            return "wrong"
    return len(d)


def changed(d, cls, n):
    out = []
    for i in range(n):
        if i == 60:
            cls.__getitem__ = lambda self, key: "changed"
        if i == 75:
            del cls.__getitem__
        if i == 80:
            cls.__contains__ = lambda self, key: True
        out.append((d[i % 3], 99 in d))
    return out[58:62], out[73:77], out[-2:]


N = 100
start = {i: 0 for i in range(9)}
makers = [
    lambda: collections.defaultdict(int),
    lambda: collections.Counter(),
    lambda: Plain(start),
    lambda: Missing(start),
    lambda: Own(start),
    lambda: collections.OrderedDict(start),
    lambda: dict(start),
    lambda: collections.UserDict(start),
    lambda: collections.ChainMap({}, start),
]
for make in makers:
    print(type(make()).__name__)
    print(attempt(count, make(), N, 7), attempt(count, make(), N, 12))
    print(attempt(read, make(), [i % 9 for i in range(N)]), attempt(read, make(), [*range(9)] * 9 + [33]))
    print(attempt(write, make(), N), attempt(contains, make(), N), attempt(update, make(), N))
site = [make() for make in makers] * 12
print([attempt(read, d, [1, 2]) for d in site][-9:])


def several(dicts):
    out = []
    for d in dicts:
        d[1] = 5
        out.append(d[1])
    return out[-9:]


print(attempt(several, site))
print(attempt(changed, Plain(start), Plain, N))
