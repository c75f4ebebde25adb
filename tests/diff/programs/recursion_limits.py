"""Recursion: RecursionError exactly where stock raises it, through every kind of call; 500,000 deep."""

# ruff: noqa - odd code on purpose

import functools
import sys
import threading


def depth_of(function):
    """Say how many calls of `function` fit below the limit."""
    reached = [0]
    try:
        function(1, reached)
    except RecursionError as error:
        return reached[0], str(error)
    return reached[0], "no error"


# Calls through C count a level more in stock until their call site has specialised.
THROUGH_C = {"sort", "eval", "len", "iter", "partial"}


def rough(name, depth, text):
    """Leave out what changes in stock itself from the first turn to the second."""
    return (depth // 40, "through C") if name in THROUGH_C else (depth, text)


def plain(n, reached):
    reached[0] = n
    plain(n + 1, reached)


def keyword(n, reached):
    reached[0] = n
    keyword(n=n + 1, reached=reached)


def starred(n, reached):
    reached[0] = n
    starred(*(n + 1, reached))


def double_starred(n, reached):
    reached[0] = n
    double_starred(**{"n": n + 1, "reached": reached})


def closure(n, reached):
    def inner(n):
        reached[0] = n
        inner(n + 1)
    inner(n)


class M:
    def method(self, n, reached):
        reached[0] = n
        self.method(n + 1, reached)

    @classmethod
    def cm(cls, n, reached):
        reached[0] = n
        cls.cm(n + 1, reached)

    def __call__(self, n, reached):
        reached[0] = n
        self(n + 1, reached)


class Init:
    def __init__(self, n, reached):
        reached[0] = n
        Init(n + 1, reached)


class Prop:
    n = 0

    @property
    def prop(self):
        reached_prop[0] += 1
        return self.prop


class Getattr:
    def __getattr__(self, name):
        reached_prop[0] += 1
        return self.other


class Item:
    def __getitem__(self, key):
        reached_prop[0] += 1
        return self[key]


class Add:
    def __add__(self, other):
        reached_prop[0] += 1
        return self + other


class Eq:
    def __eq__(self, other):
        reached_prop[0] += 1
        return self == other


class Len:
    def __len__(self):
        reached_prop[0] += 1
        return len(self)


class Iter:
    def __iter__(self):
        reached_prop[0] += 1
        return iter(self)


class Contains:
    def __contains__(self, x):
        reached_prop[0] += 1
        return x in self


def gen(n, reached):
    reached[0] = n
    yield from gen(n + 1, reached)


def gen_for(n, reached):
    reached[0] = n
    for x in gen_for(n + 1, reached):
        yield x


def comp(n, reached):
    reached[0] = n
    return [comp(n + 1, reached) for _ in (1,)]


def by_sort(n, reached):
    reached[0] = n
    sorted([1], key=lambda x: by_sort(n + 1, reached))


def by_partial(n, reached):
    reached[0] = n
    functools.partial(by_partial, n + 1)(reached)


def by_eval(n, reached):
    reached[0] = n
    eval("by_eval(n + 1, reached)")


def with_try(n, reached):
    reached[0] = n
    try:
        with_try(n + 1, reached)
    finally:
        reached[0] += 0


async def coro(n, reached):
    reached[0] = n
    await coro(n + 1, reached)


sys.setrecursionlimit(300)
m = M()
kinds = {
    "plain": plain, "keyword": keyword, "starred": starred, "double_starred": double_starred,
    "closure": closure, "method": m.method, "cm": M.cm, "call": m, "init": Init,
    "gen": lambda n, r: list(gen(n, r)), "gen_for": lambda n, r: list(gen_for(n, r)), "comp": comp,
    "sort": by_sort, "partial": by_partial, "eval": by_eval, "try": with_try,
    "coro": lambda n, r: coro(n, r).send(None),
}
for turn in range(3):
    for name, function in kinds.items():
        print(name, rough(name, *depth_of(function)))
    for name, function in {
        "prop": lambda: Prop().prop, "getattr": lambda: Getattr().x, "item": lambda: Item()[0],
        "add": lambda: Add() + 1, "eq": lambda: Eq() == 1, "len": lambda: len(Len()),
        "iter": lambda: iter(Iter()), "contains": lambda: 1 in Contains(),
    }.items():
        reached_prop = [0]
        try:
            function()
        except RecursionError as error:
            print(name, rough(name, reached_prop[0], str(error)))
for limit in (60, 100, 1000, 3000):
    sys.setrecursionlimit(limit)
    print(limit, depth_of(plain), depth_of(m.method), depth_of(Init))


def catch_at_bottom(n):
    try:
        return catch_at_bottom(n + 1)
    except RecursionError:
        return n


print(catch_at_bottom(0))


def count_down(n):
    return 0 if n == 0 else 1 + count_down(n - 1)


sys.setrecursionlimit(1000)
try:
    sys.setrecursionlimit(3)
except RecursionError as error:
    print(error)
sys.setrecursionlimit(1_000_000)
print(count_down(500_000))
print(depth_of(lambda n, r: count_down(200_000)))


class Deep:
    def down(self, n):
        return n and self.down(n - 1)

    @staticmethod
    def static(n, *rest, k=0):
        return n and Deep.static(n - 1, *rest, k=k)


print(Deep().down(300_000), Deep.static(5_000, 1, 2, k=3))


def deep_raise(n):
    if n == 0:
        raise ValueError("bottom")
    deep_raise(n - 1)


try:
    deep_raise(100_000)
except ValueError as error:
    tb, length = error.__traceback__, 0
    while tb:
        length, tb = length + 1, tb.tb_next
    print(error, length)
    del error


def deep_closure(n):
    def inner(k):
        return inner(k - 1) + 1 if k else n
    return inner(n)


print(deep_closure(100_000))
results = []
threading.stack_size(64 * 1024 * 1024)
t = threading.Thread(target=lambda: results.append(count_down(100_000)))
t.start()
t.join()
print(results)
sys.setrecursionlimit(1000)
print(depth_of(plain))
