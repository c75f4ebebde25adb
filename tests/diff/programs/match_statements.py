"""match in all its forms, hot, over subjects of changing types."""

# ruff: noqa - odd code on purpose

import collections
import enum
from dataclasses import dataclass


@dataclass
class Point:
    x: int
    y: int = 0


class Named(tuple):
    pass


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Args:
    __match_args__ = ("a", "b")

    def __init__(self, a, b):
        self.a, self.b = a, b


class LazyAttr:
    __match_args__ = ("p",)

    @property
    def p(self):
        calls.append("p")
        return 42


calls = []
Nt = collections.namedtuple("Nt", "u v")


def classify(subject):
    match subject:
        case 0:
            return "zero"
        case -1 | 1:
            return "unit"
        case 3 + 4j:
            return "complex"
        case 2.5:
            return "float"
        case True:
            return "never: True == 1"
        case None:
            return "None"
        case "text" | b"bytes":
            return "text"
        case int(n) if n > 100:
            return f"big {n}"
        case int() | float() as number:
            return f"number {number}"
        case str(s):
            return f"str {s}"
        case Colour.RED:
            return "red"
        case []:
            return "empty sequence"
        case [x]:
            return f"one {x}"
        case [1, *rest]:
            return f"starts with 1, {rest}"
        case [*_, "last"]:
            return "ends with last"
        case (a, (b, *c), *_, d):
            return f"nested {a} {b} {c} {d}"
        case Point(x=0, y=0):
            return "origin"
        case Point(x, 5):
            return f"at 5: {x}"
        case Point(x=px, y=py) if px == py:
            return f"diagonal {px}"
        case Point():
            return "point"
        case Args(1, b=q):
            return f"Args {q}"
        case Args(a, b):
            return f"Args {a} {b}"
        case LazyAttr(41) | LazyAttr(42):
            return "lazy"
        case {"kind": "a", "value": v}:
            return f"a {v}"
        case {"kind": kind, **rest} if rest:
            return f"{kind} and {sorted(rest)}"
        case {"kind": [k1, k2]}:
            return f"two {k1} {k2}"
        case {}:
            return f"mapping {len(subject)}"
        case _:
            return "other"


subjects = [0, 1, -1, True, False, 2.5, 3.5, 3 + 4j, 500, 7, None, "text", b"bytes", "other", b"z",
            Colour.RED, Colour.BLUE, [], [5], [1, 2, 3], (1,), ["x", "last"], (9, (8, 7, 6), 5, 4),
            [9, "not", 5], Point(0), Point(2, 5), Point(3, 3), Point(1, 2), Args(1, 2), Args(3, 4),
            LazyAttr(), {"kind": "a", "value": 1}, {"kind": "b", "more": 2}, {"kind": [1, 2]},
            {"kind": 1}, {}, {"z": 1}, set(), range(3), range(0), Nt(1, 2), Named((5,)),
            collections.deque([1, 4]), collections.OrderedDict(kind="q", t=1), bytearray(b"q"),
            collections.defaultdict(int, kind="dd"), object, 10**30, float("nan")]
for turn in range(20):
    results = [classify(s) for s in subjects]
for s, r in zip(subjects, results):
    print(r)
print(len(calls))


def attempt(function, *args):
    try:
        return function(*args)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


class BadArgs:
    __match_args__ = ["a"]


class BadElement:
    __match_args__ = (1,)


class Few:
    __match_args__ = ("a",)
    a = 1


class Raises:
    @property
    def a(self):
        raise KeyError("property")

    @property
    def b(self):
        raise AttributeError("hidden")


def positional(subject, cls):
    match subject:
        case cls(x):
            return x
    return "no match"


def two(subject, cls):
    match subject:
        case cls(x, y):
            return x, y
    return "no match"


def keyword(subject, cls):
    match subject:
        case cls(a=x):
            return x
        case cls(b=x):
            return x
    return "no match"


def both(subject, cls):
    match subject:
        case cls(x, a=y):
            return x, y


print([attempt(positional, c(), c) for c in (BadArgs, BadElement, Few, object, Raises)])
print(attempt(two, Few(), Few), attempt(both, Few(), Few), attempt(two, 5, int))
print(attempt(keyword, Raises(), Raises), attempt(keyword, 5, Raises), attempt(positional, 5, 5))
print([attempt(positional, v, type(v)) for v in (1, 1.5, "s", b"b", [1], (1,), {1: 2}, {1}, True,
                                                 bytearray(b"x"), frozenset([1]))])


class BadLen(collections.abc.Sequence):
    def __len__(self):
        raise OSError("len")

    def __getitem__(self, i):
        return i


class BadGet(dict):
    def get(self, *args):
        raise OSError("get")

    def __missing__(self, key):
        raise AssertionError("never")


def sequence(subject):
    match subject:
        case [a, b]:
            return a, b
        case [a, *b, c]:
            return a, b, c


def mapping(subject, key="k"):
    match subject:
        case {"k": v, "k2": w, **rest}:
            return v, w, rest
        case {"k": v}:
            return v


print(attempt(sequence, BadLen()), attempt(mapping, BadGet()), attempt(mapping, {"k": 1}))
print(attempt(mapping, {"k": 1, "k2": 2, "x": 3}), attempt(mapping, collections.ChainMap({"k": 5})))
print([attempt(sequence, s) for s in ([1, 2], (1, 2, 3), "ab", b"ab", range(4), [1], {1, 2},
                                      memoryview(b"ab"), collections.deque("ab"))])


class Keys:
    A = "dup"
    B = "dup"


def duplicate(subject):
    match subject:
        case {Keys.A: 1, Keys.B: 2}:
            return "no"


print(attempt(duplicate, {"dup": 1}))


def binding(subject):
    match subject:
        case [a, 1] | [1, a]:
            result = a
        case (int(a), b) as whole if (total := sum(whole)) > 10:
            result = a, b, total
        case [Point(x=[p, *q]), {"z": (r, _)}]:
            result = p, q, r
        case _:
            result = sorted(locals())
    return result


print([binding(s) for s in ([5, 1], [1, 6], (5, 6), (2, 3), [Point([1, 2, 3]), {"z": (8, 9)}])])
for n in range(6):
    match n:
        case 0 | 1:
            continue
        case 4:
            break
    print(n)
match = case = 5
print(match, case)


def equality():
    class Eq:
        def __eq__(self, other):
            log.append(other)
            return other == "third"

    log = []
    match Eq():
        case "first":
            r = 1
        case 2:
            r = 2
        case "third":
            r = 3
    return r, log


print(equality())
print([classify(10 ** (i % 5)) for i in range(50)][-6:])
