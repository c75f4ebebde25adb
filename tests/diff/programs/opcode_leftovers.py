"""Statements chosen for opcodes and jump forms that little else compiles to."""

# ruff: noqa - odd code on purpose

from __future__ import annotations

annotated: int = 5
bare: str
(annotated): float = 6
print(__annotations__)


def jumps(items, n):
    out = []
    x = n
    while x is not None:
        x = x - 1 if x > 0 else None
        out.append(x)
    y = None
    while y is None:
        y = 1 if len(out) > 2 else None
        out.append("y")
    while not out[0:0] and n:
        n -= 1
    for i in items:
        if i is None:
            continue
        if i is not None and i > 2:
            out.append(i)
    while True:
        if len(out) > 3:
            break
        out.append("pad")
    z = [i for i in items if i is not None]
    w = [i for i in items if i is None]
    v = [i for i in items if i]
    u = [i for i in items if not i]
    return out, z, w, v, u


for _ in range(30):
    r = jumps([1, None, 3, 0], 5)
print(r)


def chain(a, b, c):
    if a < b < c:
        return "asc"
    if not (a > b > c):
        return "mixed"
    while a > b > c:
        a, b = b, a
        return "desc"


print([chain(*t) for t in [(1, 2, 3), (3, 2, 1), (1, 3, 2), (2.0, 3, 4)] * 10][-4:])


def booleans(a, b, c):
    return ((a and b) or c, a or (b and c), not (a and b), not (a or b), a if b else c,
            (a or b) and (b or c), not a and not b, (a and b and c) or 0)


print([booleans(x, y, z) for x in (0, 1) for y in ("", "y") for z in (None, [1])])


def outer(cell):
    class Inside:
        value = cell
        other = [cell]

        def method(self):
            return __class__, cell
    return Inside.value, Inside.other, Inside().method()[1]


print([outer(i) for i in range(30)][-1])


class DictLocals(dict):
    def __missing__(self, k):
        raise KeyError(k)


def free_in_class(x):
    class Meta(type):
        @classmethod
        def __prepare__(m, n, b):
            return {"x": "from prepare"}

    class C(metaclass=Meta):
        y = x
    return C.y


print([free_in_class(i) for i in range(30)][-1])


def deletes():
    x = [1, 2, 3]
    d = {"a": 1}

    def inner():
        nonlocal x
        del x
    del d["a"], x[0]

    class A:
        b = 1
        del b
    inner()
    try:
        return x
    except NameError as error:
        return str(error), hasattr(A, "b")


print([deletes() for _ in range(30)][-1])


def copy_dict(**kw):
    return {**kw, "x": 1, **{"y": 2}}, [*kw, *[1]], {*kw, *"a"} - {"a"}, (*kw,)


print([copy_dict(k=1) for _ in range(30)][-1])


def constants():
    return {"a": 1, "b": 2}, [1, 2, 3], {1, 2, 3} == {3, 2, 1}, (1, "x", None), 5 in {5, 6}, ..., -1, 1j


print([constants() for _ in range(30)][-1])


def asserts(x):
    assert x, "no x"
    assert x > 1
    return x


for v in (0, 1, 2):
    try:
        print(asserts(v))
    except AssertionError as error:
        print(repr(error))


def star_everything(*args, **kw):
    def inner(*a, **k):
        return a, k
    return inner(*args), inner(**kw), inner(*args, **kw), inner(1, *args, x=1, **kw), inner(
        *args, *args), inner(*[], **{})


print([star_everything(1, 2, k=3) for _ in range(30)][-1])


def generator_kinds():
    x = yield
    while x:
        x = yield x
    return (yield from (i for i in "ab"))


g = generator_kinds()
next(g)
print([g.send(i) for i in range(1, 40)][-1], g.send(0), list(g))
lam = lambda *a, b=1, **c: (a, b, c)  # noqa: E731
print(lam(1, b=2, z=3), (lambda: (yield))().send(None))


def walrus(n):
    while (n := n - 1) > 0:
        if (m := n % 7) == 3 and (k := m * 2):
            return n, m, k


print([walrus(i) for i in range(20)][-1])


def slices(s):
    s[1:2] = s[3:]
    s[::2] = [0] * len(s[::2])
    del s[-1:]
    t = s[:]
    t[0:0] = t
    return s, t, s[..., ] if False else None


print([slices(list(range(8))) for _ in range(30)][-1])


def aug(o):
    o["k"] += 1
    o["l"] -= 1
    o["m"] *= 2
    o["n"] //= 3
    o["o"] /= 4
    o["p"] **= 2
    o["q"] %= 5
    o["r"] <<= 1
    o["s"] >>= 1
    o["t"] |= 6
    o["u"] &= 5
    o["v"] ^= 3
    return o


state = dict.fromkeys("klmnopqrstuv", 7)
for _ in range(6):
    state = aug(state)
print(state)


def long_jump(flag):
    total = 0
    for i in range(3):
        if flag:
            total += 1; total += 1; total += 1; total += 1; total += 1; total += 1  # noqa
            total += 1; total += 1; total += 1; total += 1; total += 1; total += 1  # noqa
            total += 1; total += 1; total += 1; total += 1; total += 1; total += 1  # noqa
            total += 1; total += 1; total += 1; total += 1; total += 1; total += 1  # noqa
        else:
            total -= 1
    return total


print(long_jump(True), long_jump(False))


async def async_all():
    class Iter:
        def __init__(self):
            self.n = 0

        def __aiter__(self):
            return self

        async def __anext__(self):
            self.n += 1
            if self.n > 3:
                raise StopAsyncIteration
            return self.n

        async def __aenter__(self):
            return "entered"

        async def __aexit__(self, *a):
            return True
    out = []
    async for x in Iter():
        out.append(x)
    async with Iter() as e:
        out.append(e)
        raise ValueError
    out += [x async for x in Iter()]

    async def gen():
        yield 1
        yield 2
    out += [x async for x in gen()]
    return out


for _ in range(10):
    try:
        async_all().send(None)
    except StopIteration as stop:
        r = stop.value
print(r)


def except_star():
    out = []
    try:
        raise ExceptionGroup("g", [ValueError(1), TypeError(2)])
    except* ValueError as e:
        out.append(len(e.exceptions))
    except* TypeError:
        out.append("T")
    return out


print([except_star() for _ in range(20)][-1])


def match_it(x):
    match x:
        case {"a": a, **rest}:
            return a, rest
        case [a, *b]:
            return a, b
        case complex(real=r):
            return r


print([match_it(v) for v in ({"a": 1, "b": 2}, [1, 2], 3j) * 10][-3:])
exec(compile("5\n", "<s>", "single"))
SINGLE = "x = 5\nx\n"
print(f"{annotated!r:>5}{annotated}{annotated!s}{'x'}" + "")
with open("/dev/null") as f, open("/dev/null") as h:
    pass
import os.path as osp  # noqa: E402
from os import *  # noqa: E402, F403

print(osp.sep)


def ascii_spec(v):
    return f"{v!a:>8}", f"{v!r:>8}", f"{v!s:>8}", f"{v:>8}"


print([ascii_spec("é") for _ in range(20)][-1])
exec(compile("""
def annotated_only(a: int, *b: str, c: float = 1.0, **d: bytes) -> None:
    pass
def annotated_plain(a: int) -> str:
    return "x"
print(annotated_only.__annotations__, annotated_plain.__annotations__)
""", "<annotations>", "exec", dont_inherit=True))


def only_annotation(a: int) -> str:
    def inner(b: int) -> str:
        return a + b
    return inner(1)


print(only_annotation.__annotations__, only_annotation(2))
