"""Subscripts, slices, containment and unpacking: each form hot, then with every other operand."""

# ruff: noqa - odd code on purpose

import array
import collections
import sys


def attempt(f, *args):
    try:
        return f(*args)
    except BaseException as e:
        tb, lines = e.__traceback__, []
        while tb is not None:
            lines.append(tb.tb_lineno)
            tb = tb.tb_next
        return (type(e).__name__, str(e), lines)


class Get:
    def __getitem__(self, k):
        return ("got", k)

    def __setitem__(self, k, v):
        if v == "bad":
            raise ValueError(k)
        self.last = (k, v)
        return "ignored"

    def __delitem__(self, k):
        raise LookupError(k)

    def __contains__(self, k):
        if k == "bad":
            raise ValueError(k)
        return k

    def __len__(self):
        return 3


class GetDefault:
    def __getitem__(self, k, more=5):
        return (k, more)

    def __contains__(self, *a):
        return len(a)


class GetGen:
    def __getitem__(self, k):
        yield k


class GetStatic:
    __iter__ = None

    @staticmethod
    def __getitem__(k):
        return ("static", k)


class GetClass:
    def __class_getitem__(cls, k):
        return ("class", k)


class Missing(dict):
    def __missing__(self, k):
        return ("missing", k)


class SubList(list):
    def __getitem__(self, k):
        return "sub"


class SubPlain(list):
    pass


class Index:
    def __init__(self, i):
        self.i = i

    def __index__(self):
        return self.i


class IntSub(int):
    pass


class StrSub(str):
    def __hash__(self):
        return 12345

    def __eq__(self, o):
        return False


class EqAll:
    def __hash__(self):
        return hash("k")

    def __eq__(self, o):
        return True


class BadEq:
    def __hash__(self):
        return 1

    def __eq__(self, o):
        raise ZeroDivisionError("eq")


class BadHash:
    def __hash__(self):
        raise ZeroDivisionError("hash")


def containers():
    return {
        "list": [10, 11, 12],
        "empty": [],
        "tuple": (20, 21, 22),
        "str": "a\xe9z",
        "wide": "a\u4e2d\U0001f600",
        "bytes": b"\x00\xfe\xff",
        "bytearray": bytearray(b"abc"),
        "dict": {0: "zero", "k": 1, 1.0: "one", (1, 2): 3, -1: "neg", -2: "neg2", 1 << 70: "big"},
        "dict_str": {"k": 1, "j": 2},
        "dict_big": {i: i for i in range(2000)} | {"k": "s"},
        "dict_eq": {EqAll(): "all"},
        "dict_bad": {BadEq(): "bad"},
        "missing": Missing(),
        "default": collections.defaultdict(int),
        "ordered": collections.OrderedDict(k=1),
        "counter": collections.Counter("kkk"),
        "array": array.array("i", [7, 8, 9]),
        "range": range(5, 8),
        "memoryview": memoryview(b"xyz"),
        "deque": collections.deque([1, 2, 3]),
        "get": Get(),
        "get_default": GetDefault(),
        "get_static": GetStatic(),
        "get_class": GetClass,
        "sublist": SubList([1, 2, 3]),
        "subplain": SubPlain([1, 2, 3]),
        "set": {0, "k", 1},
        "set_big": set(range(1000)) | {"k", "q"},
        "set_eq": {EqAll()},
        "frozenset": frozenset((1, "k", frozenset())),
        "int": 5,
        "none": None,
        "type": list,
        "tuple_str": ("a", "k", "b"),
        "list_bad": [1, BadEq(), "k"],
        "tuple_nan": (float("nan"), 1.0, True),
    }


KEYS = [0, 1, 2, 3, -1, -3, -4, 256, 2**30, 2**62, 2**70, -(2**70), True, None, 1.0, "k", "kk"[:1],
        "q", "", "z", (1, 2), [], {1}, frozenset(), slice(0, 2), slice(None, None, -1), Index(1),
        IntSub(1), StrSub("k"), EqAll(), BadEq(), BadHash(), float("nan"), b"k", 97, 1999]

SOURCE = """
def get(c, k): return c[k]
def get0(c): return c[0]
def getneg(c): return c[-1]
def getk(c): return c["k"]
def deep(c, k): return (c,)[0][k]
def put(c, k): c[k] = 98
def put_bad(c, k): c[k] = "bad"
def drop(c, k): del c[k]
def inside(c, k): return k in c
def outside(c, k): return k not in c
def branch(c, k):
    if k in c: return "in"
    return "out"
def branch2(c, k):
    if k not in c: return "out"
    return "in"
def loop(c, k):
    n = 0
    while k in c:
        n += 1
        if n == 3: break
    return n
def sl(c): return c[0:2], c[:], c[1:], c[:-1], c[::2]
def augment(c, k): c[k] += 1; return c[k]
"""
TWO = ("get", "deep", "put", "put_bad", "drop", "inside", "outside", "branch", "branch2", "loop",
       "augment")
ONE = ("get0", "getneg", "getk", "sl")


def show(v):
    if isinstance(v, (Get, GetDefault, GetStatic, EqAll, BadEq, BadHash, Index)):
        return type(v).__name__
    if isinstance(v, (tuple, list)):
        return type(v)(show(x) for x in v) if type(v) in (tuple, list) else list(v)
    if isinstance(v, (set, frozenset)):
        return type(v).__name__
    return repr(v) if not isinstance(v, memoryview) else bytes(v)


WARM = [("list", 1), ("list", -1), ("tuple", 1), ("str", 1), ("wide", 1), ("bytes", 1), ("bytearray", 1),
        ("dict", 0), ("dict_str", "k"), ("dict", (1, 2)), ("range", 1), ("get", 1), ("get_default", 1),
        ("array", 1), ("missing", "k"), ("set", 1), ("frozenset", "k"), ("tuple_str", "k"),
        ("str", "z"), ("set_big", "q"), ("dict_big", 1999), ("default", "k")]
for warm, key in WARM:
    code = {}
    exec(SOURCE, code)
    for _ in range(30):
        c = containers()[warm]
        for name in TWO:
            attempt(code[name], c, key)
        for name in ONE:
            attempt(code[name], c)
    seen = []
    for name, c in containers().items():
        for f in ONE:
            seen.append(show(attempt(code[f], c)))
    for k in KEYS:
        for name, c in containers().items():
            for f in TWO:
                seen.append((f, name, show(attempt(code[f], c, k))))
            last = getattr(c, "last", None)
            seen.append(show(last))
    print(warm, key, len(seen))
    for i in range(0, len(seen), 7):
        print("  ", seen[i : i + 7])


# ---- classes that change under a hot subscript ----
def get(c, k):
    return c[k]


def put(c, k, v):
    c[k] = v


def has(c, k):
    return k in c


g = Get()
for round in range(3):
    for _ in range(30):
        result = (get(g, 1), put(g, 1, 2), has(g, 0), g.last)
    print(result)
    if round == 0:
        Get.__getitem__ = lambda self, k: ("new", k)
        Get.__setitem__ = lambda self, k, v: setattr(self, "last", "new")
        Get.__contains__ = lambda self, k: "yes"
    elif round == 1:
        Get.__getitem__.__code__ = (lambda self, k: ("code", k)).__code__
        Get.__contains__.__code__ = (lambda self, k: []).__code__
    print(get(g, 1), put(g, 1, 2), has(g, 0), g.last)
del Get.__getitem__, Get.__setitem__
print(attempt(get, g, 1), attempt(put, g, 1, 2))
Get.__contains__ = None
print(attempt(has, g, 1))


# ---- recursion through inlined methods ----
class Deep:
    def __getitem__(self, k):
        return self[k - 1] if k else 0

    def __contains__(self, k):
        return k == 0 or (k - 1) in self

    def __setitem__(self, k, v):
        if k:
            self[k - 1] = v


for _ in range(10):
    d = Deep()
    result = (d[50], 50 in d, 50 not in d, d.__setitem__(50, 1))
print(result)
sys.setrecursionlimit(300)
# Where exactly the limit is met (and so the end of the message) depends on what is warm in stock too.
print(attempt(lambda: d[1000])[0], attempt(lambda: 1000 in d)[0], attempt(d.__setitem__, 1000, 1)[0])
sys.setrecursionlimit(1000)


# ---- order of finalizers ----
class Noisy:
    def __init__(self, n):
        self.n = n

    def __del__(self):
        print("del", self.n, sys._getframe(1).f_code.co_name)


def replace(c, k):
    c[k] = Noisy("new")
    print("stored")


def temporary():
    v = [Noisy("in list")][0]
    print("taken")
    v = (Noisy("in tuple"), 1)[1]
    print("taken")
    v = {"k": Noisy("in dict")}["k"]
    print("taken")
    a, b = Noisy("a"), Noisy("b")
    a, b = [Noisy("c"), Noisy("d")]
    print("unpacked")
    x = Noisy("x") in [1, 2]
    print("looked")


for _ in range(12):
    replace([Noisy("old")], 0)
    replace({"k": Noisy("old")}, "k")
    temporary()


class Evil:
    """Empties the list that is being written to."""

    def __init__(self, target):
        self.target = target

    def __del__(self):
        self.target.clear()


def evil():
    a = [1, 2, 3]
    a[1] = Evil(a)
    a[1] = 5
    return a


for _ in range(20):
    result = evil()
print(result)


# ---- unpacking ----
def two(s):
    a, b = s
    return b, a


def three(s):
    a, b, c = s
    return c, b, a


def two_cells(s):
    a, b = s
    return lambda: (a, b)


def two_attr(s, o):
    o.x, b = s
    return o.x, b


class It:
    def __iter__(self):
        yield 1
        yield 2


class O:
    pass


ITEMS = [(1, 2), [1, 2], "ab", {1: 2, 3: 4}, (1, 2, 3), [1, 2, 3], (1,), [], It(), 5, None, b"ab",
         iter([1, 2]), range(2), range(3), "abc"]
for warm in ((1, 2), [1, 2], (1, 2, 3), "ab"):
    for _ in range(30):
        for f in (two, three, two_cells):
            attempt(f, warm)
        attempt(two_attr, warm, O())
    for s in ITEMS:
        print([show(attempt(f, s)) if f is not two_cells else attempt(lambda: two_cells(s)())
               for f in (two, three, two_cells)], attempt(two_attr, s, O()))


# ---- numbers as text, joined pieces ----
def texts(i, s):
    return f"{i}", f"{i!s}", f"{i!r}", f"{i!a}", f"{i:>4}", f"<{i}|{s}>", f"{s}{s}", f"{s}{i}", f"{''}{''}"


class Shown(int):
    def __str__(self):
        return "shown"

    def __format__(self, spec):
        return "formatted" + spec


INTS = [0, 1, -1, 9, 10, -10, 99, 255, 256, 12345, -98765, 2**30 - 1, -(2**30) + 1, 2**30, -(2**30),
        2**64, -(10**30), True, Shown(3), 1.5]
STRINGS = ["", "a", "abc" * 20, "\xe9", "\u4e2d", "\U0001f600", "a\0b", StrSub("sub")]
for _ in range(3):
    for i in INTS:
        for s in STRINGS:
            result = texts(i, s)
        print(ascii(texts(i, "\u4e2d")), ascii(result))
print(type(f"{StrSub('x')}"), f"{''}{StrSub('x')}", sys.intern(f"{7}") == "7")


# ---- stores into dicts: replaced values, tracking, order ----
def stores(d, k, v):
    d[k] = v
    return list(d.items())[-1:], len(d)


import gc

for v in (1, [], "s", (), None, Noisy("v")):
    d = {"k": 1, 2: 3}
    for k in ("k", 2, "new", 2.0, True, "k" + ""):
        print(show(stores(d, k, v)[1]), gc.is_tracked(d), [type(x).__name__ for x in d.values()])
    del d, v


class Attrs:
    def __init__(self):
        self.a = 1
        self.b = 2


def through_dict(n):
    o = Attrs()
    d = o.__dict__
    for i in range(n):
        d["a"] = i
        d["b"] = [i]
    return o.a, o.b, list(d)


for _ in range(20):
    result = through_dict(5)
    globals()["g_counter"] = _
print(result, g_counter)


# ---- displays ----
def displays(a, b):
    return (a,), (a, b), (a, b, a), (a, b, a, b, a, b), [a], [a, b], {a: b, b: a}, {"x": a, "y": b}, {a, b}


for _ in range(30):
    result = displays(1, "z")
    held = [displays(_, [_]) for _ in range(0)]
print(result[:-1], sorted(map(str, result[-1])), [gc.is_tracked(x) for x in result])
kept = [(i, str(i)) for i in range(50)]
print(kept[::7], gc.is_tracked(kept[3]), sys.getrefcount(kept[3]))
gc.collect()
print(gc.is_tracked(kept[3]))


# ---- slices without a slice object, stores into locals ----
def sliced(c, i, j):
    return c[i:j], c[:j], c[i:], c[1:-1], c[-2:], c[:]


ENDS = [0, 1, 2, 5, -1, -5, 100, -100, None, 2**31, -(2**70), True, Index(1), "x", 1.0]
for warm in ("list", "str", "bytes", "get"):
    for _ in range(10):
        attempt(sliced, containers()[warm], 0, 1)
    for name, c in containers().items():
        if name not in ("set_big", "dict_big"):
            print(name, [show(attempt(sliced, c, i, j)) for i in ENDS[:4] for j in ENDS])
            print([show(attempt(sliced, c, i, 2)) for i in ENDS])
whole = ("t", "u")
print(whole[:] is whole, b"ab"[:] == b"ab", "ab"[0:2] == "ab", [1][:] == [1])


def store_local(c, k, v):
    c[k] = v
    c[0] = v
    c[-1] = v
    return c


def store_unbound(k):
    try:
        c[k] = 1
    except UnboundLocalError as e:
        print(e)
    c = [1, 2]
    c[k] = 3
    return c


for warm in ([1, 2, 3], {0: 1, -1: 2, 1: 3}, bytearray(3), Get()):
    for _ in range(20):
        attempt(store_local, warm, 1, 5)
        result = store_unbound(0) if _ == 19 else None
    for c in ([1, 2, 3], [], {}, {1: 1}, {0: Noisy("kept"), -1: 0}, bytearray(2), (1, 2), Get(), None, "s"):
        for k in (0, 1, -1, 7, "k", None, 2**40):
            got = attempt(store_local, c, k, 5)
            print(show(got), getattr(got, "last", ""), sys.getrefcount(c) < 100)
            got = None


def rebinding():
    class Rebind:
        def __del__(self):
            nonlocal a
            a = [0, 0]

    a = [Rebind(), 1]
    i = 0
    a[i] = 5
    return a


for _ in range(20):
    result = rebinding()
print(result)
