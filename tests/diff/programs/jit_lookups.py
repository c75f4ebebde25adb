"""Look-ups in dicts, sets and sequences inside traces, with keys of many kinds."""

import sys


class Plain:
    pass


class Equal:
    def __init__(self, n, log):
        self.n = n
        self.log = log

    def __eq__(self, other):
        self.log.append(("eq", self.n))
        return isinstance(other, Equal) and self.n == other.n or self.n == other

    def __hash__(self):
        self.log.append(("hash", self.n))
        return hash(self.n)


class Dying:
    def __init__(self, log):
        self.log = log

    def __del__(self):
        self.log.append("dies")


def fresh(i):
    return "".join(["k", str(i % 7)])


def gets(n):
    p, q = Plain(), Plain()
    d = {1: "one", "k1": 1, 2**40: "big", p: "plain", int: "int", None: 0, (1, 2): "pair", 2.5: "f"}
    out = []
    for i in range(n):
        out.append(d.get(i % 4))
        out.append(d.get(fresh(i), i))
        out.append(d.get(2**40 if i % 2 else 2**70))
        out.append(d.get(p if i % 3 else q, "none"))
        out.append(d.get(int) or d.get(str))
        out.append(d.get((1, i % 4)))
        out.append(d.get(True))
        out.append(d.get(2.5 if i % 2 else 1.0))
    return out[-16:], len(out)


def subscripts(n):
    d = {i: i * i for i in range(10)}
    d["k3"] = -1
    missing = 0
    total = 0
    for i in range(n):
        total += d[i % 10]
        try:
            total += d[i % 12]
        except KeyError as e:
            missing += e.args[0]
        try:
            total += d[fresh(i)]
        except KeyError as e:
            missing += len(e.args[0])
    return total, missing


def stores(n):
    log = []
    d = {}
    for i in range(n):
        d[i % 5] = Dying(log)
        d[fresh(i)] = i
        d[i] = i
        d[True] = i
        d[(i % 2,)] = i
    count = len(log)
    d.clear()
    return count, len(log), list(d)


def contains(n):
    s = {1, "k2", None, Plain}
    f = frozenset([3, 2**35])
    items = [1, 2, "x", None]
    pair = ("k3", 7)
    counts = [0] * 8
    for i in range(n):
        counts[0] += i % 3 in s
        counts[1] += fresh(i) in s
        counts[2] += (i if i % 2 else 2**35) in f
        counts[3] += i % 5 in items
        counts[4] += "x" in items
        counts[5] += fresh(i) in pair
        counts[6] += 1.0 in items
        counts[7] += Plain not in s
    return counts


def custom(n):
    log = []
    keys = [Equal(k, log) for k in range(4)]
    d = {k: k.n for k in keys}
    found = 0
    for i in range(n):
        found += d.get(keys[i % 4], 0)
        found += d.get(i % 6, 0)
        found += Equal(i % 5, log) in d
        found += i % 6 in keys
    return found, len(log), log[-5:]


def counts(n):
    o = object()
    d = {"a": o, 1: o}
    t = (o, 1)
    for i in range(n):
        x = d.get("a")
        y = d.get("b", o)
        z = d[1]
        d[1] = o
        d["a"] = z
        found = o in t
    return sys.getrefcount(o), found, x is y


def changing(n):
    """Keys of another kind come in while the loop runs."""
    d = {"a": 0}
    for i in range(n):
        if i == n // 2:
            d[5] = 5
        if i == n // 2 + 9:
            d[(1,)] = 1
        d["a"] = d["a"] + 1
        d["b"] = d.get("b", 0) + d.get(5, 1)
        if i % 17 == 3:
            d.pop("b")
    return d


class Slotted:
    __slots__ = ("m", "n")


class SlottedError(Exception):
    __slots__ = ("m",)


class Fallback:
    def __getattr__(self, name):
        if name == "m":
            return len
        raise AttributeError("no " + name)


def missing(n):
    """Methods that are not there in some turns: what the error says of them."""
    out = []
    for cls in (Slotted, SlottedError, Fallback, Plain):
        o = cls()
        for i in range(n):
            if i % 5 != 3:
                o.m = len
            elif "m" in getattr(o, "__dict__", "m"):
                del o.m
            try:
                o.m("ab")
                o.m
                o.n() if i % 7 == 5 else None
            except AttributeError as error:
                out.append((cls.__name__, i, str(error), error.name, type(error.obj).__name__))
    return out


for fn in (missing, gets, subscripts, stores, contains, custom, counts, changing):
    for _ in range(3):
        result = fn(150)
    print(fn.__name__, result)
