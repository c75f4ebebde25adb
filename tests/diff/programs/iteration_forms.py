"""FOR_ITER over each kind of iterator, hot, then in odd states: mutated, exhausted, replaced."""

# ruff: noqa - odd code on purpose

import gc
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


def total(it):
    n = 0
    for x in it:
        n += x
    return n


def collect(it):
    out = []
    for x in it:
        out.append(x)
    return out


def pairs(it):
    out = []
    for a, b in it:
        out.append((a, b))
    return out


def same_name(it):
    for a, a in it:
        pass
    return a


def triples(it):
    out = []
    for a, b, c in it:
        out.append((c, b, a))
    return out


class Old:
    """The old protocol."""

    def __getitem__(self, i):
        if i > 5:
            raise IndexError(i)
        return i


class Stepper:
    def __init__(self, n, error=None):
        self.n, self.error = n, error

    def __iter__(self):
        return self

    def __next__(self):
        self.n -= 1
        if self.n < 0:
            raise self.error or StopIteration
        return self.n


def gen(n):
    for i in range(n):
        yield i


BIG = 1 << 29
SOURCES = {
    "range": lambda: range(10),
    "range_step": lambda: range(20, -20, -7),
    "range_edge": lambda: range(250, 262),
    "range_neg_edge": lambda: range(-8, -2),
    "range_wide": lambda: range(2**30 - 3, 2**30 + 3),
    "range_wide_neg": lambda: range(-(2**30) + 3, -(2**30) - 3, -1),
    "range_huge": lambda: range(2**62, 2**62 + 3),
    "range_end": lambda: range(2**63 - 3, 2**63 - 1),
    "range_long": lambda: range(2**70, 2**70 + 3),
    "range_empty": lambda: range(0),
    "list": lambda: [1, 2, 3],
    "tuple": lambda: (1, 2, 3),
    "dict": lambda: {1: 2, 3: 4},
    "dict_str_values": lambda: {"a": 2, "b": 4}.values(),
    "set": lambda: {1, 2, 3},
    "frozenset": lambda: frozenset((4, 5)),
    "bytes": lambda: b"abc",
    "bytearray": lambda: bytearray(b"xyz"),
    "gen": lambda: gen(4),
    "old": lambda: Old(),
    "stepper": lambda: Stepper(4),
    "map": lambda: map(abs, [-1, 2]),
    "filter": lambda: filter(None, [0, 1, 2]),
    "reversed": lambda: reversed([1, 2]),
    "iter_callable": lambda: iter(iter([1, 2, 0]).__next__, 0),
}
PAIRS = {
    "items": lambda: {"a": 1, "b": 2}.items(),
    "items_int": lambda: {1: "a", 2: "b"}.items(),
    "enumerate": lambda: enumerate("abc"),
    "enumerate_list": lambda: enumerate([5, 6, 7], 254),
    "enumerate_wide": lambda: enumerate([5, 6, 7], 2**30 - 2),
    "enumerate_end": lambda: enumerate([5, 6, 7], sys.maxsize - 1),
    "enumerate_neg": lambda: enumerate([5, 6, 7], -7),
    "enumerate_gen": lambda: enumerate(gen(3)),
    "zip": lambda: zip([1, 2, 3], (4, 5, 6)),
    "zip_uneven": lambda: zip([1, 2, 3], [4]),
    "zip_uneven2": lambda: zip([1], [4, 5]),
    "zip_strict": lambda: zip([1, 2], [4], strict=True),
    "zip_strict_ok": lambda: zip([1, 2], [4, 5], strict=True),
    "zip_gen": lambda: zip(gen(3), gen(2)),
    "zip_one": lambda: zip([1]),
    "zip_three": lambda: zip([1], [2], [3]),
    "zip_none": lambda: zip(),
    "list_of_pairs": lambda: [(1, 2), [3, 4], "ab"],
    "list_of_bad": lambda: [(1, 2), (1, 2, 3)],
    "list_of_short": lambda: [(1, 2), (1,)],
    "list_of_no": lambda: [(1, 2), 7],
    "zip_error": lambda: zip([1, 2], Stepper(1, KeyError("k"))),
    "enumerate_error": lambda: enumerate(Stepper(1, KeyError("k"))),
}
for warm in SOURCES:
    # One code object per warm form: its loop is specialised for `warm`, then meets the others.
    code = {}
    exec(
        "def collect(it):\n out = []\n for x in it:\n  out.append(x)\n return out\n"
        "def only(it):\n n = 0\n for _ in it: n += 1\n return n\n"
        "def into(it, box):\n for box[0] in it: pass\n return box\n"
        "def comp(it):\n return [x for x in it]\n",
        code,
    )
    for _ in range(40):
        for f in ("collect", "only", "comp"):
            code[f](SOURCES[warm]())
        code["into"](SOURCES[warm](), [None])
    for name, make in SOURCES.items():
        print(warm, name, attempt(code["collect"], make()), attempt(code["only"], make()),
              attempt(code["into"], make(), [None]), attempt(code["comp"], make()))
for warm in PAIRS:
    code = {}
    exec(
        "def pairs(it):\n out = []\n for a, b in it:\n  out.append((a, b))\n return out\n"
        "def keep(it):\n out = []\n for p in it:\n  out.append(p)\n return out\n"
        "def same(it):\n a = None\n for a, a in it: pass\n return a\n",
        code,
    )
    for _ in range(40):
        for f in ("pairs", "keep", "same"):
            attempt(code[f], PAIRS[warm]())
    for name, make in PAIRS.items():
        print(warm, name, attempt(code["pairs"], make()), attempt(code["same"], make()))
        got = attempt(code["keep"], make())
        print(got)

print(attempt(triples, [(1, 2, 3)] * 3 + [[4, 5, 6]]), attempt(triples, ["abc", "ab"]))
print(attempt(triples, [(1, 2, 3), (1, 2)]), same_name([(1, 2)] * 30))


# ---- numbers that somebody keeps must not change under them ----
def kept():
    seen, last = [], None
    for i in range(300, 400):
        if i % 7 == 0:
            seen.append(i)
        if i % 11 == 0:
            last = i
        j = i
    return seen, last, i, j


def kept_enumerate():
    seen = []
    for i, c in enumerate(range(1000, 1100), 990):
        if i % 9 == 0:
            seen.append(i)
        d = {i: c}
        if i % 10 == 0:
            seen.append(d)
    return seen, i, c


def rebound():
    out = []
    for i in range(1000, 1005):
        out.append(i)
        i = i * 2
        out.append(i)
        i = "s"
    return out


def nested():
    out = []
    for i in range(500, 503):
        for j in range(i, i + 3):
            k = j
            out.append(i * j + k)
    return out


def closure():
    fs = []
    for i in range(600, 605):
        fs.append(lambda: i)
    return [f() for f in fs]


for _ in range(20):
    result = (kept(), kept_enumerate(), rebound(), nested(), closure())
print(result)


# ---- changes during iteration ----
def grow_list():
    a, out = [1, 2, 3], []
    for x in a:
        out.append(x)
        if len(a) < 40:
            a.append(x + 10)
    return out


def shrink_list():
    a, out = list(range(30)), []
    for x in a:
        out.append(x)
        a.pop()
    a.extend(range(100))
    return out


def exhausted_stays():
    a = [1, 2]
    it = iter(a)
    n = 0
    for x in it:
        n += 1
    a.append(3)
    for x in it:
        n += 100
    return n


def grow_dict(d):
    out = []
    for k in d:
        out.append(k)
        d[k * 2] = 1
    return out


def swap_dict(d):
    out = []
    for k, v in d.items():
        out.append((k, v))
        del d[k]
        d[k + 100] = v
    return out


def values_of(d):
    out = []
    for v in d.values():
        out.append(v)
    return out


def holes():
    d = {i: i for i in range(20)}
    for i in range(0, 20, 3):
        del d[i]
    return [k for k in d], [v for v in d.values()], pairs(d.items())


def grow_set():
    s = {1}
    for x in s:
        s.add(x + 1000)


for _ in range(20):
    result = (grow_list(), shrink_list(), exhausted_stays(), holes(), attempt(grow_set),
              attempt(grow_dict, {1: 1, 2: 2}), attempt(swap_dict, {1: 1, 2: 2}),
              attempt(swap_dict, {i: i for i in range(40)}))
print(result)


class Plain:
    def __init__(self):
        self.a, self.b = 1, 2


for _ in range(20):
    p = Plain()
    result = (pairs(p.__dict__.items()), values_of(p.__dict__), collect(vars(p)))
    p.c = 3
    result += (pairs(p.__dict__.items()),)
print(result)


# ---- what keeps what alive ----
class Noisy:
    def __init__(self, n):
        self.n = n

    def __del__(self):
        print("del", self.n, sys._getframe(1).f_lineno - START)


START = sys._getframe().f_lineno


def lives(it):
    for i, x in it:
        print("body", i)
        x = None
        del i
    print("done")


def lives_one(it):
    for x in it:
        print("body")
        x = None
    print("done")


for _ in range(12):
    lives(enumerate(map(Noisy, range(3))))
    lives(zip(range(3), map(Noisy, range(3))))
    lives(zip(map(Noisy, "ab"), map(Noisy, "cd")))
    lives({i: Noisy(i) for i in range(2)}.items())
    lives_one(map(Noisy, range(2)))
    lives_one([Noisy(1), Noisy(2)])


def counts():
    a, b = object(), object()
    out = []
    for k, v in {a: b}.items():
        out.append((sys.getrefcount(k), sys.getrefcount(v)))
    for k, v in zip([a], [b]):
        out.append((sys.getrefcount(k), sys.getrefcount(v)))
    for k, v in enumerate([a]):
        out.append(sys.getrefcount(v))
    for k, v in [(a, b)]:
        out.append((sys.getrefcount(k), sys.getrefcount(v)))
    for k in [a]:
        out.append(sys.getrefcount(k))
    return out


for _ in range(20):
    result = counts()
print(result)


def tracked():
    d = {"a": 1, "b": [], "c": 2}
    out = []
    it = iter(d.items())
    for k, v in it:
        gc.collect(0)
    z = zip([1, [], 2], [3, 4, []])
    for k, v in z:
        gc.collect(0)
        out.append([type(x).__name__ for x in gc.get_referents(z)])
    return out


for _ in range(5):
    result = tracked()
print(result)


# ---- the pair is kept by somebody ----
def hold(it):
    kept = []
    for p in it:
        kept.append(p)
        a, b = p
    return kept


for _ in range(20):
    result = (hold({1: 2, 3: 4}.items()), hold(zip("ab", "cd")), hold(enumerate("ab")))
print(result)

# ---- loops at module and class level ----
for i in range(400, 500):
    if i == 450:
        keep_450 = i
for k, v in {"x": 1}.items():
    pass
print(i, keep_450, k, v)


class Body:
    for i in range(300, 310):
        pass
    names = [c for c in "abc"]


print(Body.i, Body.names)


def with_del():
    out = []
    for i in range(1000, 1010):
        out.append(i)
        del i
    try:
        i
    except UnboundLocalError as e:
        out.append(str(e))
    return out


for _ in range(20):
    result = with_del()
print(result)


# ---- an iterator entered again while it runs ----
def reenter():
    d = {1: 1, 2: 2, 3: 3, 4: 4}
    it = iter(d.items())
    out = []
    for k, v in it:
        out.append((k, v))
        nxt = next(it, None)
        out.append(nxt)
    e = enumerate([5, 6, 7, 8], 300)
    for k, v in e:
        nxt = next(e, None)
        out.append((k, v, nxt))
    return out


for _ in range(20):
    result = reenter()
print(result)
