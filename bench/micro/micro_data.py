"""Names, attributes, containers, operators, exceptions."""

from __future__ import annotations

import math

from micro import micro

GLOBAL = 1


class _Plain:
    shared = 1

    def __init__(self):
        self.a = 1
        self.b = 2


class _Slots:
    __slots__ = ("a",)

    def __init__(self):
        self.a = 1


class _Context:
    def __enter__(self):
        return self

    def __exit__(self, *details):
        return False


@micro(inner=6)
def load_global(loops):
    for _ in range(loops):
        GLOBAL
        GLOBAL
        GLOBAL
        GLOBAL
        GLOBAL
        GLOBAL


@micro(inner=6)
def load_builtin(loops):
    for _ in range(loops):
        len
        len
        len
        len
        len
        len


@micro(inner=6)
def attribute_instance(loops):
    o = _Plain()
    for _ in range(loops):
        o.a
        o.b
        o.a
        o.b
        o.a
        o.b


@micro(inner=6)
def attribute_slot(loops):
    o = _Slots()
    for _ in range(loops):
        o.a
        o.a
        o.a
        o.a
        o.a
        o.a


@micro(inner=6)
def attribute_class(loops):
    o = _Plain()
    for _ in range(loops):
        o.shared
        o.shared
        o.shared
        o.shared
        o.shared
        o.shared


@micro(inner=6)
def attribute_module(loops):
    m = math
    for _ in range(loops):
        m.pi
        m.pi
        m.pi
        m.pi
        m.pi
        m.pi


@micro(inner=6)
def attribute_store(loops):
    o = _Plain()
    for _ in range(loops):
        o.a = 1
        o.b = 2
        o.a = 3
        o.b = 4
        o.a = 5
        o.b = 6


@micro(inner=4)
def attribute_update(loops):
    o = _Plain()
    for _ in range(loops):
        o.a += 1
        o.b -= 1
        o.a += 1
        o.b -= 1


@micro(inner=4)
def attribute_two_types(loops):
    pair = (_Plain(), _Slots())
    for _ in range(loops):
        for o in pair:
            o.a
            o.a


@micro(inner=6)
def list_subscript(loops):
    x, i = [1, 2, 3], 1
    for _ in range(loops):
        x[0]
        x[i]
        x[2]
        x[i]
        x[0]
        x[-1]


@micro(inner=4)
def list_store(loops):
    x, i = [1, 2, 3], 1
    for _ in range(loops):
        x[0] = i
        x[i] = 2
        x[2] = i
        x[i] = 3


@micro(inner=4)
def dict_subscript(loops):
    d = {"a": 1, "b": 2}
    for _ in range(loops):
        d["a"]
        d["b"]
        d["a"]
        d["b"]


@micro(inner=4)
def dict_store(loops):
    d = {"a": 1, "b": 2}
    for _ in range(loops):
        d["a"] = 3
        d["b"] = 4
        d["a"] = 5
        d["b"] = 6


@micro(inner=4)
def list_append(loops):
    for _ in range(loops):
        x = []
        x.append(1)
        x.append(2)
        x.append(3)
        x.append(4)


@micro(inner=4)
def tuple_unpack(loops):
    pair = (1, 2)
    for _ in range(loops):
        a, b = pair
        b, a = pair
        a, b = b, a
        a, b = 1, 2


@micro(inner=4)
def contains(loops):
    d, t = {"a": 1}, (1, 2, 3)
    for _ in range(loops):
        "a" in d
        "b" in d
        3 in t
        4 not in t


@micro(inner=4)
def build(loops):
    a, b = 1, 2
    for _ in range(loops):
        (a, b)
        [a, b]
        {a: b}
        {a, b}


@micro(inner=4)
def slices(loops):
    x = [1, 2, 3, 4]
    for _ in range(loops):
        x[1:]
        x[:2]
        x[1:3]
        x[::2]


@micro(inner=6)
def int_arithmetic(loops):
    a, b = 1000, 7
    for _ in range(loops):
        a + b
        a - b
        a * b
        a // b
        a % b
        a & b


@micro(inner=4)
def float_arithmetic(loops):
    a, b = 1.5, 2.5
    for _ in range(loops):
        a + b
        a - b
        a * b
        a / b


@micro(inner=4)
def big_int_arithmetic(loops):
    a, b = 1 << 70, 12345678901
    for _ in range(loops):
        a + b
        a - b
        a * b
        a ^ b


@micro(inner=6)
def compare(loops):
    a, b, s = 1, 2, "x"
    for _ in range(loops):
        a < b
        a == b
        s == "y"
        a is b
        a >= b
        s != "x"


@micro(inner=3)
def truth(loops):
    a, b, c = [], "x", 0
    for _ in range(loops):
        if a:
            pass
        if b:
            pass
        if not c:
            pass


@micro(inner=3)
def strings(loops):
    a, n = "abc", 5
    for _ in range(loops):
        f"{a}-{n}"
        a + "def"
        a[1]


@micro(inner=2)
def try_without_exception(loops):
    x = 0
    for _ in range(loops):
        try:
            x = 1
        except ValueError:
            pass
        try:
            x = 2
        finally:
            x = 3
    return x


@micro(inner=1)
def raise_and_catch(loops):
    for _ in range(loops):
        try:
            raise ValueError
        except ValueError:
            pass


def _deep(n):
    if n == 0:
        raise KeyError("deep")
    _deep(n - 1)


@micro(inner=1)
def raise_through_ten_frames(loops):
    for _ in range(loops):
        try:
            _deep(10)
        except KeyError:
            pass


@micro(inner=2)
def with_statement(loops):
    c = _Context()
    for _ in range(loops):
        with c:
            pass
        with c as _x:
            pass


@micro(inner=4)
def match_statement(loops):
    values = (1, "a", [1, 2], {"k": 3})
    for _ in range(loops):
        for value in values:
            match value:
                case 1:
                    pass
                case str():
                    pass
                case [_, _]:
                    pass
                case {"k": _}:
                    pass
