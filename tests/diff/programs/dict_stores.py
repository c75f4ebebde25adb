"""Stores into dicts with keys of all kinds, by op, comprehension and display: new, there, deleted before, of equal value."""

import gc
import random
import sys


class Odd:
    def __init__(self, n):
        self.n = n

    def __hash__(self):
        return self.n % 7

    def __eq__(self, other):
        return other == self.n if not isinstance(other, Odd) else other.n == self.n


class Plain:
    pass


rnd = random.Random(5)
plain = [Plain() for _ in range(40)]
number = {id(p): i for i, p in enumerate(plain)}
pool = [*range(-5, 40), *(1 << k for k in range(70)), *(-(1 << k) for k in range(0, 70, 3))]
pool += [*map(str, range(40)), *map(float, range(5)), True, False, None, int, str, list, dict, len]
pool += [(1, 2), (1,), frozenset([1]), *map(Odd, range(9)), *plain, b"x", 1.5]


def name(key):
    return number.get(id(key), -1) if isinstance(key, Plain) else getattr(key, "n", repr(key))


def mixed(steps):
    d = {}
    for _ in range(steps):
        key, v, act = rnd.choice(pool), rnd.randrange(100), rnd.randrange(10)
        if act < 5:
            d[key] = v
        elif act < 6:
            d[key] = [v]
        elif act < 8:
            yield str(d.get(key))
        elif act < 9:
            yield str(d.pop(key, None))
        else:
            yield key in d
    yield [(name(k), str(v)) for k, v in d.items()], gc.is_tracked(d), len(d), sys.getsizeof(d)


def displays(n):
    e = {k: i for i, k in enumerate(rnd.sample(pool, n))}
    yield len(e), sys.getsizeof(e), list(e.values())
    f = {}
    f.setdefault(rnd.choice(pool), [])
    f[rnd.choice(pool)] = 1
    yield len(f), gc.is_tracked(f)
    s = {str(i): i for i in range(n)}
    s["a"] = 1
    yield gc.is_tracked(s), sys.getsizeof(s)
    s[5] = 2
    s[plain[0]] = 3
    yield list(s.values()), gc.is_tracked(s), sys.getsizeof(s)


def addresses(n):
    memo = {}
    for _ in range(2):
        for p in plain[:n]:
            memo[id(p)] = memo.get(id(p), 0) + 1
    return list(memo.values()), [k == id(p) for k, p in zip(memo, plain)]


class Told:
    def __del__(self):
        print("gone")


def swapped():
    d = {1: Told(), "x": Told(), None: Told()}
    for key in (1, "x", None):
        d[key] = key
        print("stored", key)


for turn in range(150):
    print(*mixed(rnd.randrange(1, 120)), sep="\n")
    print(*displays(rnd.randrange(30)), sep="\n")
    print(addresses(turn % 40))
swapped()
