"""Builtins done on the spot, and C functions by convention: hits, odd arguments, what dies, errors."""

# ruff: noqa - odd code on purpose
import collections
import math
import re
import struct
import sys
import traceback


class Same:
    """Equal to everything with its hash."""

    def __init__(self, value):
        self.value = value

    def __hash__(self):
        return hash(self.value)

    def __eq__(self, other):
        seen.append(type(other).__name__)
        return True


class Meta(type):
    def __hash__(cls):
        return 7

    def __eq__(cls, other):
        seen.append("meta")
        return True


class Odd(metaclass=Meta):
    pass


class Loud:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        frame = sys._getframe(1)
        print("gone", self.name, frame.f_code.co_name, frame.f_lineno - frame.f_code.co_firstlineno)


class Sub(dict):
    def __missing__(self, key):
        return "missing"


class Str(str):
    def startswith(self, *args):
        return "mine"


seen = []


def say(label, call, *args):
    try:
        print(label, call(*args))
    except Exception as e:
        at = [f.lineno for f in traceback.extract_tb(e.__traceback__)]
        print(label, type(e).__name__, e, len(at))


def get(d, k):
    return d.get(k)


def get_or(d, k, other):
    return d.get(k, other)


def gets():
    wide = {1 << 40: "wide", -(1 << 40): "minus", (1 << 59) + 3: "wider", 1 << 61: "long", -1: "m1"}
    plain = {"a": 1, "b": 2, 3: "three", None: "none", int: "int", len: "len", (1, 2): "tuple",
             2.5: "float", True: "true"} | wide  # fmt: skip
    keys = ["a", "b", "z", 3, 4, None, int, str, len, id, (1, 2), 2.5, 3.5, True, 1, 1.0, False, b"a",
            1 << 40, -(1 << 40), (1 << 59) + 3, (1 << 59) + 4, 1 << 61, -1, -2, -(1 << 61), "ab"[:1]]  # fmt: skip
    for _ in range(60):
        for k in keys:
            get(plain, k), get_or(plain, k, "other")
    for k in keys:
        fresh = k + 0 if type(k) is int else k
        print(repr(k)[:20], get(plain, fresh), get_or(plain, fresh, "other"), k in plain)
    for d in (Sub(a=1), collections.OrderedDict(a=1), collections.defaultdict(list, a=1), {}):
        print(type(d).__name__, get(d, "a"), get(d, "q"), get_or(d, "q", 9), len(d))
    say("unhashable", get, plain, [])
    say("unhashable", get_or, plain, {}, 1)
    say("itself", get_or, plain, plain, plain)
    plain[Same(11)] = "same"
    print(get(plain, 11), get(plain, Same(3)), get(plain, Same("a")), get(plain, Odd), seen)
    plain[Odd] = "odd"
    print(get(plain, 7), get(plain, Odd), seen)
    key = object()
    before = sys.getrefcount(key), sys.getrefcount(plain)
    for _ in range(100):
        get_or(plain, key, key), get_or(plain, 3, key), get(plain, key), get_or({}, key, plain)
    print(before == (sys.getrefcount(key), sys.getrefcount(plain)))


def dying():
    d = {}
    for n in range(70):
        if n < 68:
            d.get(n, n)
            d.get((n,))
            id(n)
            str(n).startswith("1")
        else:
            print(d.get(Loud(f"key {n}")))
            print(d.get(n, Loud(f"default {n}")).name)
            print(d.get(Loud("both"), Loud("default")).name)
            print({n: Loud("in a dict")}.get(n).name)
            print(id(Loud("named")) > 0)
            print(str(n).startswith("6"), str(n).endswith(str(n)), (str(n) + "x").endswith("x"))


def starts(s, part):
    return s.startswith(part), s.endswith(part), "if" if s.startswith(part) else "else"


def strings():
    texts = ["", "a", "abc", "abcabc", "\xe9a", "a\xe9", "\u20aca", "a\u20ac", "\U0001f600x", "x\U0001f600"]
    for _ in range(20):
        for s in texts:
            for part in texts:
                starts(s, part)
    for s in texts:
        print(ascii(s), [int(f) + 2 * int(e) for f, e, _ in (starts(s, part) for part in texts)])
    print(starts("abc", ("x", "a")), starts(Str("abc"), "a"), "abc".startswith("b", 1), starts("ab", Str("a")))
    for part in (None, 1, ["a"], (1,), b"a"):
        say("part", starts, "abc", part)
    say("bytes", starts, b"abc", b"a")
    say("bytes", starts, b"abc", "a")
    word = "".join(["wo", "rd"])
    before = sys.getrefcount(word)
    for _ in range(100):
        starts(word, word), starts(word, "w"), starts("wordy", word)
    print(sys.getrefcount(word) - before)


def least(items):
    return min(items), max(items)


def extremes():
    nan = math.nan
    lists = [[3, 1, 2], (3.5, -1.0), [1], ["b", "a"], [2.0, 1], [True, False], [nan, 1.0], [1.0, nan],
             [1 << 70, 1], [1 << 40, 1 << 41], ["only"], {3, 1}, range(5), [[2], [1]], [0.0, -0.0], [-0.0, 0.0]]  # fmt: skip
    for _ in range(40):
        for items in lists:
            least(items)
    for items in lists:
        print(least(items))
    for items in ([], (), 3, [1, "a"], ["a", 1], [None], [None, None]):
        say("extreme", least, items)
    one, two = 1000 + len(lists), 1000.0 + len(lists)
    print(min([one, int(two)]) is one, max([two, float(one)]) is two)
    before = sys.getrefcount(one)
    for _ in range(100):
        least([one, one])
    print(sys.getrefcount(one) - before)


def varargs(s, part):
    return s.find(part), s.count(part), s.rfind(part, 1)


def conventions():
    pattern = re.compile("(a+)b")
    for _ in range(60):
        varargs("banana", "an"), pattern.match("aab"), struct.pack("<i", 3), "a-b".encode(), getattr(3, "real")
        math.hypot(3, 4), math.log(8, 2), sys.intern("abc")
    print(varargs("banana", "an"), varargs(b"banana", b"an"), pattern.match("aab").groups(), pattern.match("x"))
    print(struct.pack("<i", 3), math.log(8, 2))
    for part in (1, None):
        say("find", varargs, "banana", part)
    say("match", pattern.match, 3)
    say("match", lambda: [pattern.match() for _ in range(3)])
    say("pack", lambda: [struct.pack("<i", x) for x in (1, 2, "x")])
    say("log", lambda: [math.log(x) for x in (1, 2, 0)])
    part = object()
    before = sys.getrefcount(part)
    for _ in range(100):
        say_nothing(varargs, "banana", part)
    print(sys.getrefcount(part) - before)


def say_nothing(call, *args):
    try:
        call(*args)
    except TypeError:
        pass


def down(n, what):
    return what() if n == 0 else down(n - 1, what)


def recursion():
    d, s, pattern = {}, "abc", re.compile("b")
    depth = 1
    calls = [lambda: id(d), lambda: d.get(1), lambda: s.startswith("a"), lambda: min([1, 2]), lambda: s.find("c"),
             lambda: pattern.search(s), lambda: math.hypot(1, 2)]  # fmt: skip
    for call in calls:
        for _ in range(70):
            call()
    old = sys.getrecursionlimit()
    for k, call in enumerate(calls):
        sys.setrecursionlimit(120)
        got = []
        for n in range(100, 120):
            try:
                down(n, call)
                got.append(n)
            except RecursionError as e:
                got.append(str(e)[-22:])
        sys.setrecursionlimit(old)
        print(k, collections.Counter(got).most_common(3))


def audited():
    heard = []

    def identify(x):
        return id(x)

    for _ in range(60):
        identify(3)
    on = True
    sys.addaudithook(lambda event, args: on and event == "builtins.id" and heard.append(args))
    print(identify(heard) == id(heard), len(heard))
    on = False


gets()
dying()
strings()
extremes()
conventions()
recursion()
audited()
