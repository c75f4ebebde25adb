"""Traces as text whose effect is known: run by the IR interpreter and as machine code.

How it works: a Trace writes textual IR line by line; `run` gives it to _engine._ir_run in a frame
of a function below. Numbers come out of a bytes object that slot 0 holds, so that all 64 bits of
them can be chosen. Each check_* is called in a child with the engine imported.
"""

from __future__ import annotations

import gc
import itertools
import math
import struct
import sys
import weakref
from collections.abc import Callable
from typing import Any

import fullspeed._engine as engine

BYTES_OFFSET = bytes.__basicsize__ - 1
MASK = (1 << 64) - 1
INTS = [0, 1, -1, 2, -2, 7, -7, 63, 64, 255, 1000003, -(2**31), 2**31, 2**31 - 1, 2**32, 2**40 + 5,
        2**62, 2**63 - 1, -(2**63), -(2**63) + 1]  # fmt: skip
FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 1e-310, 1e308, -1e308, 2.0**53, 2.0**63, -(2.0**63),
          9.2e18, math.inf, -math.inf, math.nan]  # fmt: skip


def make_host() -> Any:
    """The function whose frame a trace runs in: eight locals that all live on, a deep stack."""
    wide = "a"
    for _ in range(16):
        wide = f"keep({'a, ' * 25}{wide})"
    lines = [f"    keep({', '.join('abcdefgh')})"] * 200
    params = ", ".join(f"{name}=None" for name in "abcdefgh")
    space: dict[str, Any] = {"keep": lambda *args: args}
    exec("\n".join([f"def host({params}):", f"    {wide}", *lines]), space)
    return space["host"]


host = make_host()


class Trace:
    """Textual IR that is being written."""

    def __init__(self, *heads: str) -> None:
        self.lines: list[str] = []
        self.heads = [
            "frame 0: code=<host> func=- parent=-1 kind=0 base=root offset=0 ref=- call=0 depth=0",
            *heads,
        ]
        self.snaps: list[str] = []

    def __call__(self, what: str, *operands: str, snap: int = 0) -> str:
        """Add an instruction; `what` is its type and op. Its number."""
        number = f"{len(self.lines) + 1:04d}"
        self.lines.append(" ".join([number, what, *operands, *([f"snap={snap}"] if snap else [])]))
        return number

    def snap(self, *entries: str, at: int = 0, depth: int = 8) -> int:
        """Add a snapshot of the root frame and what else is given."""
        number = len(self.snaps) + 1
        parts = [f"frame 0 at {at} depth {depth}", *entries]
        self.snaps.append(f"snap {number}: " + "; ".join(parts))
        return number

    def values(self, *refs: str) -> int:
        """Add a snapshot that gives these as stack slots 8, 9, ..."""
        entries = [f"0:{8 + i} = {ref}" for i, ref in enumerate(refs)]
        return self.snap(*entries, depth=8 + len(refs))

    def text(self) -> str:
        """All of it."""
        return "\n".join([*self.heads, *self.lines, *self.snaps]) + "\n"


def run(
    texts: str | list[str],
    slots: dict[int, Any] | None = None,
    *,
    machine: bool = False,
    links: list[tuple[int, int, int]] | None = None,
    **names: Any,
) -> dict[str, Any]:
    """How the first trace leaves in a frame of `host`."""
    if isinstance(texts, str):
        texts = [texts]
    return engine._ir_run(
        host, slots or {}, texts, links or [], {"host": host, **names}, machine=machine
    )


def outs(result: dict[str, Any]) -> list[Any]:
    """The values of the snapshot's entries in order."""
    return [value for _, slot, value in result["entries"] if slot >= 0]


def same(a: Any, b: Any) -> bool:
    """Equal to the bit, but for what a NaN is made of."""
    if isinstance(a, float) and isinstance(b, float):
        return struct.pack("d", a) == struct.pack("d", b) or (a != a and b != b)
    return type(a) is type(b) and a == b


def signed(v: int) -> int:
    """The low 64 bits as a signed number."""
    v &= MASK
    return v - (1 << 64) if v >> 63 else v


def numbers(*values: float) -> bytes:
    """Ints and floats in memory, eight bytes each."""
    return b"".join(struct.pack("q" if isinstance(v, int) else "d", v) for v in values)


def load_number(t: Trace, base: str, i: int, value: float) -> str:
    """Load the i-th of numbers(...)."""
    kind = "I64 LOAD.i64[const]" if isinstance(value, int) else "F64 LOAD.f64[const]"
    return t(kind, base, f"#{BYTES_OFFSET + 8 * i}")


def literal(v: float) -> str:
    """A number as a constant of the IR."""
    if isinstance(v, int):
        return f"{v:+d}"
    return "nan:0x7ff8000000000000" if v != v else repr(v)


LEAVES = object()


def in_range(v: int) -> Any:
    """The value of an op that leaves on overflow."""
    return v if -(2**63) <= v < 2**63 else LEAVES


def fdiv(a: float, b: float) -> float:
    """IEEE division."""
    if b == 0:
        if a == 0 or a != a:
            return math.nan
        return math.copysign(math.inf, a) * math.copysign(1.0, b)
    return a / b


INT_OPS: dict[str, Callable[[int, int], Any]] = {
    "I64 ADD": lambda a, b: signed(a + b),
    "I64 SUB": lambda a, b: signed(a - b),
    "I64 MUL": lambda a, b: signed(a * b),
    "I64 ADDOV": lambda a, b: in_range(a + b),
    "I64 SUBOV": lambda a, b: in_range(a - b),
    "I64 MULOV": lambda a, b: in_range(a * b),
    "I64 DIV": lambda a, b: a // b,
    "I64 MOD": lambda a, b: a % b,
    "I64 AND": lambda a, b: a & b,
    "I64 OR": lambda a, b: a | b,
    "I64 XOR": lambda a, b: a ^ b,
    "I64 SHL": lambda a, b: signed(a << b),
    "I64 SHR": lambda a, b: a >> b,
    "I64 USHR": lambda a, b: signed((a & MASK) >> b),
    "B CMP.eq": lambda a, b: a == b,
    "B CMP.ne": lambda a, b: a != b,
    "B CMP.lt": lambda a, b: a < b,
    "B CMP.le": lambda a, b: a <= b,
    "B CMP.gt": lambda a, b: a > b,
    "B CMP.ge": lambda a, b: a >= b,
    "B CMP.ult": lambda a, b: (a & MASK) < (b & MASK),
    "B CMP.uge": lambda a, b: (a & MASK) >= (b & MASK),
    "B CMP.ule": lambda a, b: (a & MASK) <= (b & MASK),
    "B CMP.ugt": lambda a, b: (a & MASK) > (b & MASK),
}
FLOAT_OPS: dict[str, Callable[[float, float], Any]] = {
    "F64 FADD": lambda a, b: a + b,
    "F64 FSUB": lambda a, b: a - b,
    "F64 FMUL": lambda a, b: a * b,
    "F64 FDIV": fdiv,
    "B CMP.eq": lambda a, b: a == b,
    "B CMP.ne": lambda a, b: a != b,
    "B CMP.lt": lambda a, b: a < b,
    "B CMP.le": lambda a, b: a <= b,
    "B CMP.gt": lambda a, b: a > b,
    "B CMP.ge": lambda a, b: a >= b,
    "B CMP.nlt": lambda a, b: not (a < b),
    "B CMP.nle": lambda a, b: not (a <= b),
    "B CMP.ngt": lambda a, b: not (a > b),
    "B CMP.nge": lambda a, b: not (a >= b),
}
UNARY_OPS: dict[str, tuple[list[Any], Callable[[Any], Any]]] = {
    "F64 FNEG": (FLOATS, lambda a: -a),
    "F64 FABS": (FLOATS, abs),
    "F64 FSQRT": ([f for f in FLOATS if f >= 0 or f != f], math.sqrt),
    "F64 I2F": (INTS, float),
    "I64 F2I": (FLOATS, lambda a: int(a) if -(2.0**63) < a < 2.0**63 else LEAVES),
}


def pairs(op: str, values: list[Any]) -> list[tuple[Any, Any]]:
    """Operands that the op allows."""
    name = op.split()[1]
    every = [(a, b) for a in values for b in values]
    if name in ("SHL", "SHR", "USHR"):
        return [(a, b) for a in values for b in (0, 1, 5, 31, 32, 63)]
    if name in ("DIV", "MOD"):
        return [(a, b) for a, b in every if b != 0 and not (a == -(2**63) and b == -1)]
    return every


def check_one(op: str, values: tuple[Any, ...], wanted: Any, where: str, machine: bool) -> None:
    """Run one op; operand i is loaded (`where[i]` is m) or a constant (c)."""
    t = Trace()
    base = t("OBJ SLOAD", "#0")
    refs = [
        load_number(t, base, i, v) if where[i] == "m" else literal(v) for i, v in enumerate(values)
    ]
    failed = t.snap()
    guards = op.endswith("OV") or op.endswith("F2I")
    ref = t(op, *refs, snap=failed if guards else 0)
    # The operands are needed after it, too: an op must not spoil them.
    end = t("- JEXIT", snap=t.values(ref, *refs))
    result = run(t.text(), {0: numbers(*values)}, machine=machine)
    if wanted is LEAVES:
        assert result["exit"] == int(ref), (op, values, where, result)
        return
    assert result["exit"] == int(end), (op, values, where, result)
    for got, expected in zip(outs(result), (wanted, *values), strict=True):
        assert same(got, expected), (op, values, where, result, wanted)


def check_arithmetic(machine: bool) -> None:
    """Every op on numbers with every kind of operand."""
    for table, values in ((INT_OPS, INTS), (FLOAT_OPS, FLOATS)):
        for op, model in table.items():
            for n, (a, b) in enumerate(pairs(op, values)):
                wanted = model(a, b)
                check_one(op, (a, b), wanted, "mm", machine)
                if n % 3 == 0:
                    check_one(op, (a, b), wanted, "mc", machine)
                    check_one(op, (a, b), wanted, "cm", machine)
    for op, (values, unary) in UNARY_OPS.items():
        for a in values:
            check_one(op, (a,), unary(a), "m", machine)
            check_one(op, (a,), unary(a), "c", machine)


def check_guards(machine: bool) -> None:
    """GUARD holds just where CMP says true, by every condition."""
    for table, values in ((INT_OPS, INTS[:8]), (FLOAT_OPS, FLOATS)):
        for op, model in table.items():
            if not op.startswith("B CMP"):
                continue
            for a, b in pairs(op, values):
                t = Trace()
                base = t("OBJ SLOAD", "#0")
                refs = [load_number(t, base, i, v) for i, v in enumerate((a, b))]
                guard = t("- " + op.split()[1].replace("CMP", "GUARD"), *refs, snap=t.snap())
                end = t("- JEXIT", snap=t.snap())
                result = run(t.text(), {0: numbers(a, b)}, machine=machine)
                wanted = end if model(a, b) else guard
                assert result["exit"] == int(wanted), (op, a, b, result)


def check_truths(machine: bool) -> None:
    """BNOT, B2I, SELECT, comparisons of truths and objects, ADDR."""
    for a in (0, 1):
        t = Trace()
        base = t("OBJ SLOAD", "#0")
        flag = t("B CMP.ne", load_number(t, base, 0, a), "+0")
        other = t("B BNOT", flag)
        number = t("I64 B2I", flag)
        ints = t("I64 SELECT", flag, number, "+17")
        floats = t("F64 SELECT", flag, "1.5", "-2.5")
        objects = t("OBJ SELECT", other, "None", "<type int>")
        t("- GUARD.ne", flag, other, snap=t.snap())
        same_object = t("B CMP.eq", objects, "None")
        where = t("I64 ADDR", objects)
        snap = t.values(flag, other, number, ints, floats, objects, same_object, "true", where)
        t("- JEXIT", snap=snap)
        result = run(t.text(), {0: numbers(a)}, machine=machine)
        wanted = [bool(a), not a, a, 1 if a else 17, 1.5 if a else -2.5, int if a else None,
                  not a, True, id(int if a else None)]  # fmt: skip
        assert outs(result) == wanted, (a, result)


def check_memory(machine: bool) -> None:
    """Loads and stores of every width, with and without index, into a bytearray."""
    data = bytes(range(120, 200))
    forms = {"i64": "q", "i32": "i", "u32": "I", "i16": "h", "u16": "H", "i8": "b", "u8": "B",
             "f64": "d", "f32": "f"}  # fmt: skip
    for name, code in forms.items():
        kind = "F64" if name[0] == "f" else "I64"
        size = struct.calcsize(code)
        t = Trace()
        base = t("OBJ SLOAD", "#0")
        index = load_number(t, base, 0, 0)
        index = t("I64 AND", index, "+3")
        target = t("OBJ SLOAD", "#1")
        memory = t("PTR LOAD.ptr[arrayhdr]", target, "#40")
        near = t("PTR LEA", memory, "#8")
        plain = t(f"{kind} LOAD.{name}[const]", base, f"#{BYTES_OFFSET + 8}")
        indexed = t(f"{kind} LOADX.{name}[const]", base, index, f"#{BYTES_OFFSET + 16}")
        fixed = t(f"{kind} LOADX.{name}[const]", base, "+2", f"#{BYTES_OFFSET + 16}")
        t(f"- STORE.{name}[raw]", near, plain, "#0")
        t(f"- STOREX.{name}[raw]", near, index, indexed, "#16")
        t(f"- STOREX.{name}[raw]", near, "+6", fixed, "#16")
        t(f"- STORE.{name}[raw]", near, "1.5" if kind == "F64" else "-3", "#80")
        t("- JEXIT", snap=t.values(plain, indexed, fixed))
        source = numbers(data[0] & ~3 | 3) + data
        array = bytearray(128)
        result = run(t.text(), {0: source, 1: array}, machine=machine)
        wanted = [struct.unpack_from(code, source, at)[0] for at in
                  (8, 16 + 3 * size, 16 + 2 * size)]  # fmt: skip
        assert all(map(same, outs(result), wanted)), (name, result, wanted)
        model = bytearray(128)
        struct.pack_into(code, model, 8, wanted[0])
        struct.pack_into(code, model, 24 + 3 * size, wanted[1])
        struct.pack_into(code, model, 24 + 6 * size, wanted[2])
        last = 1.5 if kind == "F64" else -3
        model[88 : 88 + size] = (
            struct.pack(code, last) if kind == "F64" else struct.pack("q", -3)[:size]
        )
        assert array == model, (name, array, model)


def check_boxes(machine: bool) -> None:
    """UNBOX, BOX, GTYPE, and what they refuse."""
    ints = [0, 1, -1, -5, -6, 256, 257, 2**30 - 1, 2**30, -(2**30), 2**59, 2**60 - 1, -(2**60) + 1]
    values = [*ints, True, False, 2**60, -(2**60), 2**200, -(2**200)]
    for value, wide in itertools.product(values, ((), ("!wide",))):
        t = Trace()
        o = t("OBJ SLOAD", "#0")
        unbox = t("I64 UNBOXI", o, *wide, snap=t.snap())
        box = t("OBJ BOXI", unbox, snap=t.snap())
        end = t("- JEXIT", snap=t.snap(f"0:8 = {unbox}", f"0:9 = {box} owned", depth=10))
        result = run(t.text(), {0: value}, machine=machine)
        fits = abs(value) < 2**60
        assert result["exit"] == int(end if fits else unbox), (value, result)
        assert not fits or outs(result) == [int(value)] * 2, (value, result)
    for value, wide in itertools.product([*INTS, *ints], (False, True)):
        t = Trace()
        box = t("OBJ BOXI", literal(value), snap=t.snap())
        base = t("OBJ SLOAD", "#0")
        again = t("OBJ BOXI", load_number(t, base, 0, value), snap=t.snap())
        if wide:
            t("I64 UNBOXI", t("OBJ SLOAD", "#1"), "!wide", snap=t.snap())
        t("- JEXIT", snap=t.snap(f"0:8 = {box} owned", f"0:9 = {again} owned", depth=10))
        result = run(t.text(), {0: numbers(value), 1: 7}, machine=machine)
        assert outs(result) == [value, value], (value, result)
        assert outs(result)[1].bit_length() == value.bit_length() and -outs(result)[1] == -value
        assert -5 > value or value > 256 or outs(result)[0] is outs(result)[1], value
    for value in FLOATS:
        t = Trace()
        real = t("F64 UNBOXF", t("OBJ SLOAD", "#0"))
        box = t("OBJ BOXF", real, snap=t.snap())
        truth = t("OBJ BOXB", t("B CMP.eq", real, real))
        snap = t.snap(f"0:8 = {box} owned", f"0:9 = {truth} owned", f"0:10 = {real}", depth=11)
        t("- JEXIT", snap=snap)
        got = outs(run(t.text(), {0: value}, machine=machine))
        assert same(got[0], value) and same(got[2], value), (value, got)
        assert got[1] is (value == value)
    for value, right in ((1.5, True), (1, False), (True, False)):
        t = Trace()
        guard = t("- GTYPE", t("OBJ SLOAD", "#0"), "<type float>", snap=t.snap())
        end = t("- JEXIT", snap=t.snap())
        result = run(t.text(), {0: value}, machine=machine)
        assert result["exit"] == int(end if right else guard), (value, result)


class Plain:
    """Instances of this die quietly."""


class Shaped:
    """So do these, which all have the same attributes."""

    def __init__(self) -> None:
        self.first, self.second, self.third = 1, 2, 3


class Slotted:
    """So do these."""

    __slots__ = ("x", "y")


class Loud:
    """These do not."""

    log: list[str] = []

    def __del__(self) -> None:
        self.log.append("dead")


def plain(**values: Any) -> Plain:
    """An instance with attributes."""
    made = Plain()
    for name, value in values.items():
        setattr(made, name, value)
    return made


def slotted(x: Any) -> Slotted:
    """An instance with one slot set."""
    made = Slotted()
    made.x = x
    return made


def with_weakref() -> list[Any]:
    """An object that somebody waits for, in a list."""
    made = Plain()
    with_weakref.kept = weakref.ref(made, lambda _: Loud.log.append("ref"))  # type: ignore[attr-defined]
    return [made]


def finished(*values: Any) -> Any:
    """A generator that has come to its end."""
    made = (x for x in values)
    for _ in made:
        pass
    return made


def closure(*values: Any) -> Any:
    """A function whose cell holds something."""
    return lambda: values


def nested(depth: int) -> Any:
    """Lists in lists."""
    made: Any = []
    for _ in range(depth):
        made = [made, made]
    return made


def bound_method() -> Any:
    """A method whose object only it has."""
    return Loud().__str__


QUIET: list[tuple[Callable[[], Any], bool]] = [
    (lambda: 10**30, True),
    (lambda: float("1.25"), True),
    (lambda: "ab" * len(sys.argv), True),
    (lambda: bytes(30), True),
    (lambda: range(3, 9), True),
    (lambda: [1.5, "a" * 3, (2.5, {3: [4]})], True),
    (lambda: (Plain(), Plain()), True),
    (lambda: plain(a=1, b=[2]), True),
    (lambda: plain(a=Loud()), False),
    (lambda: slotted([1]), True),
    (lambda: slotted(Loud()), False),
    (Loud, False),
    (lambda: [Loud()], False),
    (lambda: (lambda x: (x, [x]))(Loud()), False),
    (lambda: (lambda x: (x, [x]))(Plain()), True),
    (lambda: {"a": Loud()}, False),
    (lambda: {"a": [Loud.log]}, True),
    (lambda: {Plain(), 3}, True),
    (lambda: frozenset({Loud()}), False),
    (with_weakref, False),
    (lambda: slice(1, Plain(), None), True),
    (lambda: iter([1, 2]), True),
    (lambda: iter((Loud(),)), False),
    (lambda: enumerate([1]), True),
    (lambda: zip([1], (2,)), True),
    (lambda: [].append, True),
    (bound_method, False),
    (lambda: nested(3), True),
    (lambda: nested(9), False),
    (lambda: (x for x in (1, 2)), False),
    (lambda: finished(1, 2), True),
    (lambda: finished(Loud()), True),
    (lambda: lambda: None, True),
    (lambda: closure([1], 2), True),
    (lambda: closure(Loud()), False),
    (lambda: iter({1: 2}.items()), True),
    (lambda: iter({1: Loud()}.values()), False),
    (lambda: iter("abc"), True),
]


def check_deaths(machine: bool) -> None:
    """DECREF frees what dies quietly and leaves before anything else."""
    for make, quiet in QUIET:
        t = Trace()
        base = t("OBJ SLOAD", "#0")
        dying = t("OBJ LOAD.obj[listitem]", t("PTR LOAD.ptr[listhdr]", base, "#24"), "#0")
        items = t("PTR LOAD.ptr[listhdr]", base, "#24")
        t("- STORE.obj[listitem]", items, "None", "#0")
        t("- INCREF", "None")
        drop = t("- DECREF", dying, snap=t.snap(f"0:drop = {dying} owned"))
        end = t("- JEXIT", snap=t.snap())
        gc.collect()
        holder = [make()]
        Loud.log.clear()
        before = sys.getrefcount(None)
        result = run(t.text(), {0: holder}, machine=machine)
        assert holder == [None]
        assert result["exit"] == int(end if quiet else drop), (make, quiet, result)
        assert abs(sys.getrefcount(None) - before) < 20
        assert not quiet or not Loud.log, (make, Loud.log)
        del result
    # Not the last reference, and drops that cannot be the last.
    o = Plain()
    count = sys.getrefcount(o)
    t = Trace()
    ref = t("OBJ SLOAD", "#0")
    t("- INCREF", ref)
    t("- INCREF", ref)
    t("- DECREF", ref, snap=t.snap())
    t("- DECREFNZ", ref)
    box = t("OBJ BOXI", "+123456789", snap=t.snap())
    t("- DROPBOX", box)
    t("- DROPBOX", "NULL")
    end = t("- JEXIT", snap=t.snap())
    assert run(t.text(), {0: o}, machine=machine)["exit"] == int(end)
    assert sys.getrefcount(o) == count


def check_allocations(machine: bool) -> None:
    """Tuples, lists, instances; made at once or by the exit."""
    Shaped()
    for sunk in ("", "!sunk"):
        item = Plain()
        count = sys.getrefcount(item)
        t = Trace()
        o = t("OBJ SLOAD", "#0")
        for _ in range(4):
            t("- INCREF", o)
        t("- INCREF", "None")
        number = t("I64 UNBOXI", t("OBJ SLOAD", "#1"), snap=t.snap())
        box = t("OBJ BOXI", number, sunk, snap=t.snap())
        snap = 0 if sunk else t.snap()
        pair = t("OBJ NEWTUPLE", f"({o} {box})", sunk, snap=snap)
        empty = t("OBJ NEWTUPLE", "()", sunk, snap=snap)
        row = t("OBJ NEWLIST", f"({pair} {o} None)", sunk, snap=snap)
        bare = t("OBJ NEWLIST", "()", sunk, snap=snap)
        made = t("OBJ NEWINST", "<Shaped>", f"({o} - {o})", sunk, snap=snap)
        entries = [f"0:{8 + i} = {r} owned" for i, r in enumerate((empty, row, bare, made))]
        end = t("- JEXIT", snap=t.snap(*entries, depth=12))
        result = run(t.text(), {0: item, 1: 7000}, machine=machine, Shaped=Shaped)
        assert result["exit"] == int(end), result
        got = outs(result)
        assert got[:3] == [(), [(item, 7000), item, None], []], got
        assert type(got[3]) is Shaped and got[3].__dict__ == {"first": item, "third": item}
        assert list(got[3].__dict__) == ["first", "third"]
        del got, result
        gc.collect()
        assert sys.getrefcount(item) == count


class Pair:
    """Instances whose values have found their number."""

    def __init__(self) -> None:
        self.one = self.two = self.three = None


class TwoSlots:
    """Instances without a dict."""

    __slots__ = ("one", "two")


def check_instances_again(machine: bool) -> None:
    """Bodies of dead instances are used again: counts of type, values and collector stay right."""
    for _ in range(40):
        Pair(), TwoSlots()
    item = Plain()
    for cls, args, values in ((Pair, "({0} - 0003)", {"one": item, "three": 9000}),
                              (TwoSlots, "({0} 0003)", {"one": item, "two": 9000})):  # fmt: skip
        t = Trace()
        o = t("OBJ SLOAD", "#0")
        number = t("I64 UNBOXI", t("OBJ SLOAD", "#1"), snap=t.snap())
        assert number == "0003"
        t.lines[2] = f"0003 OBJ BOXI +9000 snap={t.snap()}"
        t("- INCREF", o)
        t("- INCREF", "0003")
        first = t("OBJ NEWINST", f"<{cls.__name__}>", args.format(o), snap=t.snap())
        t("- DECREF", first, snap=t.snap())
        t("- INCREF", o)
        made = t("OBJ NEWINST", f"<{cls.__name__}>", args.format(o), snap=t.snap())
        end = t("- JEXIT", snap=t.snap(f"0:8 = {made} owned", depth=9))
        for turn in range(4):
            gc.collect()
            counts = sys.getrefcount(item), sys.getrefcount(cls)
            young = gc.get_count()[0]
            result = run(t.text(), {0: item, 1: 5}, machine=machine, **{cls.__name__: cls})
            assert result["exit"] == int(end), (cls, turn, result)
            (got,) = outs(result)
            grown = gc.get_count()[0] - young
            assert type(got) is cls and gc.is_tracked(got)
            assert {name: getattr(got, name) for name in values} == values
            assert not hasattr(got, "__dict__") or list(got.__dict__) == list(values)
            assert sys.getrefcount(cls) == counts[1] + 1
            assert sys.getrefcount(item) == counts[0] + 2  # in `got` and in `values` anew
            assert grown < 20, grown
            del got, result
            gc.collect()
            assert sys.getrefcount(item) == counts[0], (cls, turn)
            assert sys.getrefcount(cls) == counts[1]


def check_stencils(machine: bool) -> None:
    """Lists, dicts and characters: the short way, and the way aside."""
    t = Trace()
    box, key = t("OBJ SLOAD", "#0"), t("OBJ SLOAD", "#1")
    done = t("I64 CALL @list_append", f"({box} {key})", snap=t.snap())
    end = t("- JEXIT", snap=t.snap())
    for size in range(40):  # with room behind the items, and without
        items = list(range(size))
        count = sys.getrefcount(items)
        assert run(t.text(), {0: items, 1: "x"}, machine=machine)["exit"] == int(end)
        assert items == [*range(size), "x"] and sys.getrefcount(items) == count
    t = Trace()
    box = t("OBJ SLOAD", "#0")
    popped = t("OBJ CALL @list_pop", f"({box})", snap=t.snap())
    end = t("- JEXIT", snap=t.snap(f"0:8 = {popped} owned", depth=9))
    items = [*range(3000, 3020)]
    while True:
        result = run(t.text(), {0: items}, machine=machine)
        if result["exit"] != int(end):
            break
        assert outs(result) == [3000 + len(items)]
    assert result["exit"] == int(popped) and items == list(range(3000, 3000 + len(items)))
    assert len(items) < 20
    t = Trace()
    box = t("OBJ SLOAD", "#0")
    found = t("OBJ CALL @dict_find", f"({box} <key>)", snap=t.snap())
    end = t("- JEXIT", snap=t.snap(f"0:8 = {found}", depth=9))
    key = "".join(["some", " key"])
    hash(key)
    same_text = "".join(["some ", "key"])
    value = Plain()
    full = {f"n{i}": i for i in range(300)}
    split = Plain()
    split.__dict__[key] = value
    for where, there in ((({key: value}), True), ({same_text: value}, True), ({}, False),
                         ({"a": 1, key: value, "b": 2}, True), ({"a": 1}, False),
                         ({1: 2, key: value}, True), (full, False), ({**full, key: value}, True),
                         (split.__dict__, True)):  # fmt: skip
        count = sys.getrefcount(value)
        result = run(t.text(), {0: where}, machine=machine, key=key)
        assert result["exit"] == int(end if there else found), (where, result)
        if there:
            assert outs(result)[0] is value
        del result
        assert sys.getrefcount(value) == count
    t = Trace()
    text, number = t("OBJ SLOAD", "#0"), t("I64 UNBOXI", t("OBJ SLOAD", "#1"), snap=t.snap())
    one = t("OBJ CALL @str_item", f"({text} {number})", snap=t.snap())
    end = t("- JEXIT", snap=t.snap(f"0:8 = {one} owned", depth=9))
    subclass = type("Text", (str,), {})
    for string in ("plain", "caf\xe9 \xff", "\u20ac and $", "\U0001f600", "", subclass("q")):
        for at in range(-1, len(string) + 1):
            result = run(t.text(), {0: string, 1: at}, machine=machine)
            if 0 <= at < len(string):
                assert result["exit"] == int(end) and outs(result) == [string[at]], (string, at)
            else:
                assert result["exit"] == int(one), (string, at, result)
    assert done


def check_list_sums(machine: bool) -> None:
    """A list that dies hands its items over, if nobody else has it; else they are counted."""
    for take, counted in itertools.product(range(4), (False, True)):
        t = Trace()
        sides = [t("OBJ CALL @slice_of", f"({t('OBJ SLOAD', slot)} +0 +9)", snap=t.snap())
                 for slot in ("#0", "#1")]  # fmt: skip
        if counted:
            t("- INCREF", sides[0])
        made = t("OBJ CALL @list_add", f"({sides[0]} {sides[1]} +{take})", snap=t.snap())
        entries = [f"0:{8 + i} = {ref} owned" for i, ref in enumerate((made, *sides))]
        if counted:
            entries.append(f"0:drop = {sides[0]} owned")
        t("- JEXIT", snap=t.snap(*entries, depth=11))
        a, b = Plain(), Plain()
        for left, right in ([a, b, a], [b]), ([], [a]), ([b], []), ([], []):
            counts = sys.getrefcount(a), sys.getrefcount(b)
            result = run(t.text(), {0: left, 1: right}, machine=machine)
            got, *rest = outs(result)
            assert got == left + right and sys.getsizeof(got) == sys.getsizeof(left + right)
            taken = take & 1 and not counted
            assert rest == [[] if taken else left, [] if take & 2 else right], (take, rest)
            del result, got, rest
            assert (sys.getrefcount(a), sys.getrefcount(b)) == counts


KEPT: list[Any] = []


def make_due() -> None:
    """Makes so many objects that the collector is due, but does not run."""
    gc.disable()
    KEPT.extend([] for _ in range(2000))
    gc.enable()


def check_collector(machine: bool) -> None:
    """When the collector is due, allocations leave instead."""
    for what in ("NEWTUPLE", "NEWLIST", "NEWINST <Plain>"):
        t = Trace()
        for _ in range(40):
            t("- INCREF", "None")
        before = t("OBJ CALL @call_vector", f"({t('OBJ SLOAD', '#0')})", "!error", snap=t.snap())
        t("- DECREFNZ", before)
        args = "()" if "INST" in what else "(" + " ".join(["None"] * 40) + ")"
        made = t(f"OBJ {what}", args, snap=t.snap())
        end = t("- JEXIT", snap=t.snap(f"0:drop = {made} owned"))
        spare = [[] for _ in range(200)]
        result = run(t.text(), {0: lambda: None}, machine=machine, Plain=Plain)
        assert result["exit"] == int(end), result
        gc.collect()
        result = run(t.text(), {0: make_due}, machine=machine, Plain=Plain)
        assert result["exit"] == int(made), (what, result)
        KEPT.clear()
        del spare


def raiser(*args: Any) -> Any:
    """A callee that fails."""
    raise KeyError(*args)


def check_calls(machine: bool) -> None:
    """CALL: floats, objects, failures."""
    t = Trace()
    base = t("OBJ SLOAD", "#0")
    a, b = load_number(t, base, 0, 0.0), load_number(t, base, 1, 0.0)
    refs = [t(f"F64 CALL @float_{name}", f"({a} {b})") for name in ("pow", "mod", "floordiv")]
    t("- JEXIT", snap=t.values(*refs))
    values = [f for f in FLOATS if f == f]
    for x in values:
        for y in values:
            if (x < 0 and not y.is_integer()) or y == 0.0:
                continue
            try:
                power = x**y
            except (OverflowError, ZeroDivisionError):
                power = None
            got = outs(run(t.text(), {0: numbers(x, y)}, machine=machine))
            assert (power is None and math.isinf(got[0])) or same(got[0], power), (x, y, got, power)
            assert same(got[1], x % y) and same(got[2], x // y), (x, y, got)
    t = Trace()
    base, callee = t("OBJ SLOAD", "#0"), t("OBJ SLOAD", "#1")
    call = t("OBJ CALL @call_vector", f"({callee} {base} None)", "!error", snap=t.snap())
    end = t("- JEXIT", snap=t.snap(f"0:8 = {call} owned", depth=9))
    result = run(t.text(), {0: 5, 1: lambda *args: args}, machine=machine)
    assert result["exit"] == int(end) and outs(result) == [(5, None)], result
    assert result["error"] is None
    result = run(t.text(), {0: 5, 1: raiser}, machine=machine)
    assert result["exit"] == int(call) and repr(result["error"]) == "KeyError(5, None)", result


def check_pokes(machine: bool) -> None:
    """GPOKE leaves when tracing has come on; GBREAK when something is pending."""
    t = Trace()
    callee = t("OBJ SLOAD", "#1")
    call = t("OBJ CALL @call_vector", f"({callee})", "!error", snap=t.snap())
    t("- DECREF", call, snap=t.snap(f"0:drop = {call} owned"))
    poke = t("- GPOKE", snap=t.snap())
    end = t("- JEXIT", snap=t.snap())
    assert run(t.text(), {1: lambda: None}, machine=machine)["exit"] == int(end)
    result = run(t.text(), {1: lambda: sys.settrace(lambda *_: None)}, machine=machine)
    sys.settrace(None)
    assert result["exit"] == int(poke), result


def check_loops(machine: bool) -> None:
    """LOOP and PHIs, which change at once; leaving in the middle."""
    t = Trace()
    base = t("OBJ SLOAD", "#0")
    n = load_number(t, base, 0, 0)
    start = load_number(t, base, 1, 0.0)
    t("- LOOP")
    count, a, b, real = (f"{len(t.lines) + 1 + i:04d}" for i in range(4))
    next_count, next_real = f"{int(real) + 3:04d}", f"{int(real) + 4:04d}"
    t("I64 PHI", "+0", next_count)
    t("I64 PHI", "+10", b)
    t("I64 PHI", "+20", a)
    t("F64 PHI", start, next_real)
    t("- GBREAK", "!nohot", snap=t.values(count, a, b, real))
    guard = t("- GUARD.lt", count, n, snap=t.values(count, a, b, real))
    t("I64 ADDOV", count, "+1", snap=t.values(count, a, b, real))
    t("F64 FADD", real, "0.5")
    t("- JLOOP")
    for turns in (0, 1, 2, 3, 1001):
        result = run(t.text(), {0: numbers(turns, 1.0)}, machine=machine)
        wanted = [turns, 10, 20, 1.0 + turns * 0.5]
        if turns % 2:
            wanted[1:3] = 20, 10
        assert result["exit"] == int(guard) and outs(result) == wanted, (turns, result)


def check_side_traces(machine: bool) -> None:
    """A side trace that goes back into its root's loop, and one that leaves for good."""
    t = Trace()
    base = t("OBJ SLOAD", "#0")
    n = load_number(t, base, 0, 0)
    t("- LOOP")
    i, total, scale = "0004", "0005", "0006"
    t("I64 PHI", "+0", "0010")
    t("I64 PHI", "+0", "0011")
    t("F64 PHI", "1.0", scale)
    end = t("- GUARD.lt", i, n, snap=t.values(i, total, scale))
    odd = t("I64 AND", i, "+1")
    guard = t("- GUARD.eq", odd, "+0", snap=t.values(i, total, scale))
    t("I64 ADD", i, "+1")
    t("I64 ADD", total, "+100")
    t("- GBREAK", "!nohot", snap=t.values("0010", "0011", scale))
    t("- JLOOP")

    side = Trace("parent snap=2")
    si = side("I64 PLOAD", "#4")
    stotal = side("I64 PLOAD", "#5")
    sscale = side("F64 PLOAD", "#6")
    # The bound is not in the snapshot: the side trace can have it from memory only.
    bound = load_number(side, side("OBJ SLOAD", "#0"), 0, 0)
    stop = side("- GUARD.ne", si, "+9", snap=side.values(si, stotal, sscale))
    more = side("I64 ADD", si, "+1")
    much = side("I64 ADD", stotal, "+1")
    grown = side("F64 FMUL", sscale, "2.0")
    # What lives at LOOP: its PHIs, then the bound.
    side("- JTRACE", "#1", f"({more} {much} {grown} {bound})")
    texts = [t.text(), side.text()]
    run_it = lambda turns: run(  # noqa: E731
        texts, {0: numbers(turns)}, machine=machine, links=[(1, int(guard), 2)]
    )
    result = run_it(7)
    assert (result["trace"], result["exit"]) == (1, int(end)), result
    assert outs(result) == [7, 4 * 100 + 3, 8.0], result
    result = run_it(20)
    assert (result["trace"], result["exit"]) == (2, int(stop)), result
    assert outs(result) == [9, 5 * 100 + 4, 16.0], result


def inner(x: Any) -> Any:
    """A function that a trace has inlined."""
    return x


def who_calls() -> list[str]:
    """The names of the functions that run."""
    frame = sys._getframe(1)
    names = []
    while frame is not None and len(names) < 2:
        names.append(frame.f_code.co_name)
        frame = frame.f_back
    return names


def check_frames(machine: bool) -> None:
    """PUSHFRAME: the frame is there for all to see, and is gone after POPFRAME."""
    t = Trace(
        "frame 1: code=<inner> func=0001 parent=0 kind=0 base=dstack offset=0 ref=- call=2 depth=5"
    )
    t("OBJ SLOAD", "#0")
    callee = t("OBJ SLOAD", "#1")
    stack = t("PTR DSTACK")
    localsplus = 72
    t("- STORE.obj[frame]", stack, "NULL", f"#{localsplus}")
    t("- PUSHFRAME", "#1")
    # As if it had passed RESUME: frames that have not are hidden.
    position = t("PTR LEA", t("PTR LOAD.ptr[framehdr]", stack, "#56"), "#2")
    t("- STORE.ptr[framehdr]", stack, position, "#56")
    real = "frame 1 at 0 depth 1 real"
    call = t("OBJ CALL @call_vector", f"({callee})", "!error", snap=t.snap(real))
    t("- POPFRAME", "#1")
    after = t("OBJ CALL @call_vector", f"({callee})", "!error",
              snap=t.snap(f"0:drop = {call} owned"))  # fmt: skip
    t("- JEXIT", snap=t.snap(f"0:8 = {call} owned", f"0:9 = {after} owned", depth=10))
    count = sys.getrefcount(inner)
    result = run(t.text(), {0: inner, 1: who_calls}, machine=machine, inner=inner)
    assert outs(result) == [["inner", "host"], ["host", "run"]], result
    del result
    assert sys.getrefcount(inner) == count
    result = run(t.text(), {0: inner, 1: raiser}, machine=machine, inner=inner)
    assert result["exit"] == int(call) and type(result["error"]) is KeyError, result
    del result
    assert sys.getrefcount(inner) == count


def check_slots(machine: bool) -> None:
    """STORE writes through to a local of the frame; NULL constants."""
    t = Trace()
    frame = t("PTR FRAME")
    old, new = t("OBJ SLOAD", "#0"), t("OBJ SLOAD", "#1")
    t("- INCREF", new)
    t("- STORE.obj[frame]", frame, new, "#72")
    t("- DECREF", old, snap=t.snap(f"0:drop = {old} owned"))
    unbound = t("OBJ SLOAD", "#2", "!nullable")
    guard = t("- GUARD.ne", unbound, "NULL", snap=t.snap())
    end = t("- JEXIT", snap=t.snap())
    result = run(t.text(), {0: [], 1: "x"}, machine=machine)
    assert result["exit"] == int(guard) and result["locals"] == {0: "x", 1: "x"}, result
    result = run(t.text(), {0: [], 1: "x", 2: 3}, machine=machine)
    assert result["exit"] == int(end), result


def check_many_values(machine: bool) -> None:
    """More values live than there are registers."""
    for n in (10, 20, 60):
        t = Trace()
        base = t("OBJ SLOAD", "#0")
        ints = [load_number(t, base, i, 1) for i in range(n)]
        floats = [load_number(t, base, n + i, 1.0) for i in range(n)]
        sums = [t("I64 ADD", a, b) for a, b in zip(ints, reversed(ints), strict=True)]
        reals = [t("F64 FMUL", a, b) for a, b in zip(floats, reversed(floats), strict=True)]
        t("- JEXIT", snap=t.values(*ints, *floats, *sums, *reals))
        values = [i * i - 7 for i in range(n)], [i / 3 for i in range(n)]
        result = run(t.text(), {0: numbers(*values[0], *values[1])}, machine=machine)
        wanted = [*values[0], *values[1]]
        wanted += [a + b for a, b in zip(values[0], reversed(values[0]), strict=True)]
        wanted += [a * b for a, b in zip(values[1], reversed(values[1]), strict=True)]
        assert outs(result) == wanted, (n, result)


CHECKS = [
    check_arithmetic, check_guards, check_truths, check_memory, check_boxes, check_deaths,
    check_allocations, check_collector, check_calls, check_pokes, check_loops, check_side_traces,
    check_frames, check_slots, check_many_values, check_instances_again, check_stencils,
    check_list_sums,
]  # fmt: skip


def main(machine: bool, name: str) -> None:
    """Run one check."""
    engine.enable()
    globals()[name](machine)
