"""Random turns of loops, recorded as a recorder would, with and without the passes.

How it works: a Turn writes the IR of one turn of a loop over ints, floats, objects in locals, a
list, a bytearray and an instance, with a snapshot before every op and reference counts as the
contract of ir.h wants them. The reference runs the bare turn again and again, from what it left of
the frame; the optimised loop runs once. Both must leave at the same op with the same locals, the
same memory and the same reference counts. (fuzz_ir.py is about numbers, and machine code.)
"""

from __future__ import annotations

import math
import random
import struct
import sys
from typing import Any

import fullspeed._engine as engine
from ir_cases import Trace

LOCALS = ["n", "i", "a", "b", "x", "y", "p", "q", "data", "items", "me", "more"]
INTS, FLOATS, OBJECTS = ("a", "b"), ("x", "y"), ("p", "q")
FRAME_SLOTS = 72  # offset of the first local in a frame
PASSES = ["fold", "forward", "cse", "loop", "sink", "refs", "dce"]


class Thing:
    """What object slots hold: alive only where the loop can see it."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


class Owner:
    """An instance with a float and an object."""

    def __init__(self, x: float, z: Thing) -> None:
        self.x = x
        self.z = z


def body(n: Any, i: Any, a: Any, b: Any, x: Any, y: Any, p: Any, q: Any, data: Any, items: Any,
         me: Any, more: Any) -> Any:  # fmt: skip
    """The function whose frame the loop runs in: its stack has room for temporaries."""
    return [n, i, a, b, x, y, p, q, data, items, me, more, n, i]


def stir(items: list[Any], me: Owner) -> None:
    """What an escaping call does."""
    items[0] += 1.0
    items[4], items[5] = items[5], items[4]
    me.x *= 0.5
    me.z = items[6]
    if me.x < 1.0:
        items[6] = Thing(items[5].number + 1)


def change(fresh: list[Any], other: Any) -> None:
    """The same for a list of the trace's own."""
    fresh[0] = other


class World:
    """One set of objects for a loop to work on."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        things = [Thing(10 * k) for k in range(8)]
        self.items: list[Any] = [rng.uniform(-9, 9) for _ in range(4)]
        self.items += [rng.choice(things) for _ in range(4)]
        self.data = bytearray(struct.pack("8q", *(rng.randrange(-50, 50) for _ in range(8))))
        self.me = Owner(rng.uniform(-9, 9), rng.choice(things))
        self.locals: dict[int, Any] = dict(
            enumerate(
                [rng.randrange(12), 0, rng.randrange(100), rng.randrange(-5, 5)]
                + [rng.uniform(-9, 9), rng.uniform(-9, 9)]
                + [rng.choice(things), rng.choice(things)]
                + [self.data, self.items, self.me, rng.choice([self.items, list(self.items)])]
            )
        )
        self.more = self.locals[LOCALS.index("more")]
        self.held: list[Any] = []

    def show(self, value: Any) -> Any:
        """A value so that it can be compared between worlds."""
        if isinstance(value, Thing):
            return ("thing", value.number)
        if isinstance(value, float):
            return "nan" if math.isnan(value) else struct.pack("d", value).hex()
        if isinstance(value, tuple):
            return tuple(self.show(v) for v in value)
        return value if isinstance(value, int | bytes) else type(value).__name__

    def state(self) -> list[Any]:
        """Everything that can be seen afterwards."""
        return [
            [self.show(v) for v in [*self.items, *self.more]],
            bytes(self.data).hex(),
            self.show(self.me.x),
            self.show(self.me.z),
        ]

    def counts(self) -> list[int]:
        """Reference counts of all things that can be seen."""
        return [sys.getrefcount(thing) for thing in [*self.items, *self.more, self.me.z]]


class Turn:
    """One recorded turn."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.t = Trace()
        self.t.heads = [self.t.heads[0].replace("<host>", "<body>"), f"slots {len(LOCALS)}"]
        self.values: dict[str, str] = {}  # what locals hold: numbers unboxed, objects as such
        self.stale: set[str] = set()
        self.first: dict[str, int] = {}
        self.stack: list[tuple[str, bool]] = []  # refs of temporaries, and whether they own
        self.at = 0
        self.calls = False

    # ---- snapshots and locals ----

    def snap(self, *more: str, at: int | None = None) -> int:
        """The state as it is now."""
        t = self.t
        base = len(LOCALS)
        entries = [f"0:{LOCALS.index(k)} = {self.values[k]} stale" for k in sorted(self.stale)]
        entries += [
            f"0:{base + j} = {ref}{' owned' if owns else ''}"
            for j, (ref, owns) in enumerate(self.stack)
        ]
        where = self.at if at is None else at
        return t.snap(*entries, *more, at=where, depth=base + len(self.stack))

    def get(self, name: str) -> str:
        """The value of a local."""
        if name not in self.values:
            t, snap = self.t, self.before
            ref = t("OBJ SLOAD", f"#{LOCALS.index(name)}")
            if name in INTS or name in ("n", "i"):
                t("- GTYPE", ref, "<type int>", snap=snap)
                ref = t("I64 UNBOXI", ref, snap=snap)
            elif name in FLOATS:
                t("- GTYPE", ref, "<type float>", snap=snap)
                ref = t("F64 UNBOXF", ref)
            elif name in OBJECTS:
                t("- GTYPE", ref, "<Thing>", snap=snap)
            self.values[name] = ref
        return self.values[name]

    def set_number(self, name: str, ref: str) -> None:
        """Write an unboxed local; its old value is a number as well (checked)."""
        self.values[name] = ref
        self.stale.add(name)
        self.first.setdefault(name, len(self.t.lines) + 1)

    def drop(self, ref: str) -> None:
        """Drop a reference of the trace's own."""
        self.t("- DECREF", ref, snap=self.snap(f"0:drop = {ref}", at=self.at + 1))

    def set_object(self, name: str, ref: str) -> None:
        """Write an object (owned) to a local and its memory."""
        t = self.t
        old = self.get(name)
        t("- STORE.obj[frame]", t("PTR FRAME"), ref, f"#{FRAME_SLOTS + 8 * LOCALS.index(name)}")
        self.values[name] = ref
        self.first.setdefault(name, len(t.lines) + 1)
        self.drop(old)

    def number(self) -> str:
        """An int operand."""
        name = self.rng.choice([*INTS, "i", "n", ""])
        return self.get(name) if name else f"{self.rng.choice([0, 1, 2, 3, -1, 7, 64]):+d}"

    def real(self) -> str:
        """A float operand."""
        name = self.rng.choice([*FLOATS, *FLOATS, ""])
        return self.get(name) if name else self.rng.choice(["0.0", "1.0", "-0.0", "2.0", "0.1"])

    # ---- ops ----

    def op_int(self) -> None:
        t, rng = self.t, self.rng
        dst = rng.choice(INTS)
        self.get(dst)
        op = rng.choice(["ADDOV", "SUBOV", "MULOV", "AND", "OR", "XOR", "SHR", "DIV", "MOD"])
        left = self.number()
        if op in ("DIV", "MOD"):
            right = f"{rng.choice([1, 2, 3, -3, 8, -1]):+d}"
        elif op == "SHR":
            right = f"+{rng.choice([0, 1, 5])}"
        else:
            right = self.number()
        ref = t(f"I64 {op}", left, right, snap=self.before if op.endswith("OV") else 0)
        self.set_number(dst, t("I64 AND", ref, f"+{rng.choice([255, 2**20 - 1, 2**28 - 1])}"))

    def op_count(self) -> None:
        dst = self.rng.choice(INTS)
        step = self.rng.choice(["+1", "-1", "+5"])
        self.set_number(dst, self.t("I64 ADDOV", self.get(dst), step, snap=self.before))

    def op_float(self) -> None:
        t, rng = self.t, self.rng
        dst = rng.choice(FLOATS)
        self.get(dst)
        op = rng.choice(["FADD", "FSUB", "FMUL", "FDIV"])
        left = self.real() if rng.random() < 0.8 else t("F64 I2F", self.number())
        right = rng.choice(["2.0", "3.0", "-1.0"]) if op == "FDIV" else self.real()
        ref = t(f"F64 {op}", left, right)
        if rng.random() < 0.2:
            ref = t(f"F64 {rng.choice(['FNEG', 'FABS'])}", ref)
        self.set_number(dst, ref)

    def op_move(self) -> None:
        dst, src = self.rng.choice([INTS, INTS[::-1], FLOATS, FLOATS[::-1]])
        self.get(dst)
        self.set_number(dst, self.get(src))

    def op_guard(self) -> None:
        t, rng = self.t, self.rng
        kind = rng.random()
        cond = rng.choice(["eq", "ne", "lt", "le", "gt", "ge"])
        if kind < 0.5:
            left, right = self.get(rng.choice(INTS)), f"+{rng.choice([2**30, 2**31])}"
            cond = "lt"
        elif kind < 0.6:
            left, right = self.number(), self.number()
        elif kind < 0.8:
            left, right = self.real(), self.real()
            cond = rng.choice([cond, "nlt", "nge"])
        else:
            left, right = self.get("p"), self.get(rng.choice(["p", "q"]))
            cond = rng.choice(["eq", "ne"])
        if rng.random() < 0.5:
            t(f"- GUARD.{cond}", left, right, snap=self.before)
            return
        flag = t(f"B CMP.{cond}", left, right)
        if rng.random() < 0.5:
            t(f"- GUARD.{rng.choice(['eq', 'ne'])}", flag, "false", snap=self.before)
        elif rng.random() < 0.5:
            self.get("a")
            self.set_number("a", t("I64 B2I", t("B BNOT", flag)))
        else:
            self.set_number("b", t("I64 SELECT", flag, self.get("a"), self.get("b")))

    def op_data(self) -> None:
        t, rng = self.t, self.rng
        there = t("PTR LOAD.ptr[arrayhdr]", self.get("data"), "#40")
        where = [f"#{8 * rng.randrange(8)}"]
        index = ""
        if rng.random() < 0.4:
            index = "X"
            where = [t("I64 AND", self.get(rng.choice(INTS)), "+3"), f"#{8 * rng.randrange(4)}"]
        if rng.random() < 0.5:
            dst = rng.choice(INTS)
            self.get(dst)
            ref = t(f"I64 LOAD{index}.i64[raw]", there, *where)
            self.set_number(dst, t("I64 AND", ref, "+255"))
        elif index:
            t("- STOREX.i64[raw]", there, where[0], self.number(), where[1])
        else:
            t("- STORE.i64[raw]", there, self.number(), where[0])

    def place(self, of_objects: bool) -> tuple[str, str, str]:
        """Alias class, base and offset of a place for an object."""
        t, rng = self.t, self.rng
        if rng.random() < 0.5:
            base = t("PTR LOAD.ptr[objhdr]", self.get("me"), "#-32")
            return "attr", base, f"#{8 * of_objects}"
        base = self.list_items(rng.choice(["items", "more"]))
        return "listitem", base, f"#{8 * (rng.randrange(3) + 4 * of_objects)}"

    def op_read_float(self) -> None:
        t = self.t
        dst = self.rng.choice(FLOATS)
        self.get(dst)
        alias, base, offset = self.place(False)
        v = t(f"OBJ LOAD.obj[{alias}]", base, offset)
        t("- INCREF", v)
        self.stack.append((v, True))
        t("- GTYPE", v, "<type float>", snap=self.snap())
        ref = t("F64 UNBOXF", v)
        self.stack.pop()
        self.set_number(dst, ref)
        self.drop(v)

    def op_read_two(self) -> None:
        """A float, then another while the first is held."""
        t = self.t
        alias, base, offset = self.place(False)
        v = t(f"OBJ LOAD.obj[{alias}]", base, offset)
        t("- INCREF", v)
        self.stack.append((v, True))
        if self.rng.random() < 0.6:
            self.write_float()
        else:
            self.read_object()
        t("- GTYPE", v, "<type float>", snap=self.snap())
        ref = t("F64 UNBOXF", v)
        self.stack.pop()
        self.get("x")
        self.set_number("x", ref)
        self.drop(v)

    def write_float(self) -> None:
        t = self.t
        value = self.get(self.rng.choice(FLOATS))
        alias, base, offset = self.place(False)
        box = t("OBJ BOXF", value, snap=self.snap())
        old = t(f"OBJ LOAD.obj[{alias}]", base, offset)
        t(f"- STORE.obj[{alias}]", base, box, offset)
        self.drop(old)

    op_write_float = write_float

    def op_bump(self) -> None:
        """A float in memory gets another value."""
        t = self.t
        alias, base, offset = self.place(False)
        v = t(f"OBJ LOAD.obj[{alias}]", base, offset)
        if self.rng.random() < 0.2:
            self.stack.append((v, True))
            t("- INCREF", v)
        t("- GTYPE", v, "<type float>", snap=self.snap())
        ref = t("F64 FADD", t("F64 UNBOXF", v), self.real())
        box = t("OBJ BOXF", ref, snap=self.snap())
        t(f"- STORE.obj[{alias}]", base, box, offset)
        self.drop(v)
        if self.stack and self.stack[-1] == (v, True):
            ref = t("F64 UNBOXF", v)
            self.stack.pop()
            self.get("y")
            self.set_number("y", ref)
            self.drop(v)

    def read_object(self) -> None:
        t = self.t
        name = self.rng.choice(OBJECTS)
        self.get(name)
        alias, base, offset = self.place(True)
        v = t(f"OBJ LOAD.obj[{alias}]", base, offset)
        t("- INCREF", v)
        self.set_object(name, v)

    op_read_object = read_object

    def op_write_object(self) -> None:
        t = self.t
        v = self.get(self.rng.choice(OBJECTS))
        alias, base, offset = self.place(True)
        t("- INCREF", v)
        old = t(f"OBJ LOAD.obj[{alias}]", base, offset)
        t(f"- STORE.obj[{alias}]", base, v, offset)
        self.drop(old)

    def op_copy_object(self) -> None:
        dst, src = self.rng.sample(OBJECTS, 2)
        self.get(dst)
        v = self.get(src)
        self.t("- INCREF", v)
        self.set_object(dst, v)

    def op_call(self) -> None:
        t = self.t
        items, me = self.get("items"), self.get("me")
        r = t("OBJ CALL @call_vector", f"(<stir> {items} {me})", "!error", snap=self.before)
        t("- DECREF", r, snap=self.snap(f"0:drop = {r}", at=self.at + 1))
        t("- GPOKE", snap=self.snap(at=self.at + 1))

    def op_hold(self) -> None:
        """A virtual tuple on the stack over another op."""
        t = self.t
        v = self.get("p")
        t("- INCREF", v)
        whole = t("OBJ NEWTUPLE", f"({self.number()} {self.real()} {v})", "!sunk")
        self.stack.append((whole, True))
        self.before = self.snap()
        self.rng.choice([self.op_int, self.op_guard, self.op_write_float, self.op_read_object])()
        self.stack.pop()
        self.drop(v)

    def op_look(self) -> None:
        """An object of memory that is held over a guard."""
        t = self.t
        alias, base, offset = self.place(True)
        v = t(f"OBJ LOAD.obj[{alias}]", base, offset)
        t("- INCREF", v)
        self.stack.append((v, True))
        self.before = self.snap()
        choices = [self.op_guard, self.op_guard, self.read_object, self.op_write_object]
        self.rng.choice([*choices, self.op_call] if self.calls else choices)()
        t("- GTYPE", v, "<Thing>", snap=self.snap(at=self.at + 1))
        number = t("OBJ LOAD.obj[attr]", v, "#16")
        t("- GTYPE", number, "<type int>", snap=self.snap(at=self.at + 1))
        number = t("I64 UNBOXI", number, snap=self.snap(at=self.at + 1))
        self.get("b")
        self.stack.pop()
        self.set_number("b", number)
        self.drop(v)

    def op_list(self) -> None:
        """A list of the trace's own, which other code may get to know."""
        t, rng = self.t, self.rng
        p, q = self.get("p"), self.get("q")
        t("- INCREF", p)
        fresh = t("OBJ NEWLIST", f"({p})", snap=self.before)
        self.stack.append((fresh, True))
        there = t("PTR LOAD.ptr[listhdr]", fresh, "#24")
        if rng.random() < 0.5:
            t("- INCREF", q)
            old = t("OBJ LOAD.obj[listitem]", there, "#0")
            t("- STORE.obj[listitem]", there, q, "#0")
            self.drop(old)
        if self.calls and rng.random() < 0.7:
            other = t("OBJ LOAD.obj[listitem]", self.list_items(), "#56")
            args = f"(<change> {fresh} {other})"
            r = t("OBJ CALL @call_vector", args, "!error", snap=self.snap())
            t("- DECREF", r, snap=self.snap(f"0:drop = {r}", at=self.at + 1))
            t("- GPOKE", snap=self.snap(at=self.at + 1))
        self.before = self.snap(at=self.at + 1)
        v = t("OBJ LOAD.obj[listitem]", there, "#0")
        flag = t("B CMP.eq", v, rng.choice([p, q]))
        self.get("a")
        self.set_number("a", t("I64 B2I", flag))
        self.stack.pop()
        self.drop(fresh)

    def list_items(self, which: str = "items") -> str:
        return self.t("PTR LOAD.ptr[listhdr]", self.get(which), "#24")

    def op_box(self) -> None:
        """A box that is only looked at."""
        t = self.t
        box = t("OBJ BOXI", self.number(), snap=self.before)
        t("- INCREF", box)
        self.stack.append((box, True))
        self.before = self.snap()
        self.op_guard()
        t("- GTYPE", box, "<type int>", snap=self.snap())
        self.get("a")
        self.stack.pop()
        self.set_number("a", t("I64 UNBOXI", box, snap=0 or self.before))
        self.t("- DROPBOX", box)
        self.t("- DROPBOX", box)

    # ---- the whole ----

    def record(self) -> tuple[str, str, int]:
        """The turn to be peeled, the same to be run alone, the number of its last snapshot."""
        t, rng = self.t, self.rng
        kinds = [getattr(self, name) for name in sorted(dir(self)) if name.startswith("op_")]
        self.calls = rng.random() < 0.5
        if not self.calls:
            kinds.remove(self.op_call)
        for number in range(rng.randrange(2, 12)):
            self.at = 2 * number
            self.before = self.snap()
            if number == 0:
                t("- GUARD.lt", self.get("i"), self.get("n"), snap=self.before)
                self.set_number("i", t("I64 ADDOV", self.get("i"), "+1", snap=self.before))
            else:
                rng.choice(kinds)()
        self.at = 100
        end = self.snap()
        for name, first in self.first.items():
            stale = " stale" if name in self.stale else ""
            slot = LOCALS.index(name)
            t.heads.append(f"slot {slot}: end={self.values[name]} first={first}{stale}")
        turn = t.text()
        number = len(t.lines) + 1
        alone = turn.replace("\nsnap 1:", f"\n{number:04d} - JEXIT snap={end}\nsnap 1:", 1)
        peeled = turn.replace("\nsnap 1:", f"\n{number:04d} - GBREAK snap={end}\nsnap 1:", 1)
        return peeled, alone, end


NAMES = {"body": body, "Thing": Thing, "stir": stir, "change": change}


def leave(world: World, text: str, *, machine: bool = False) -> int:
    """Run a trace; the frame as it is then. The op where it left."""
    result = engine._ir_run(body, world.locals, [text], [], NAMES, machine=machine)
    assert result["error"] is None, result
    now = dict(result["locals"])
    held = []
    for _, slot, value in result["entries"]:
        if 0 <= slot < len(LOCALS):
            now[slot] = value
        elif slot >= len(LOCALS):
            held.append(value)
    world.locals = now
    world.held = [world.show(v) for v in held]
    return int(result["frames"][0][1])


def play_reference(world: World, alone: str) -> int:
    """The bare turn again and again."""
    at = 100
    while at == 100:
        at = leave(world, alone)
    return at


def seen(world: World, at: int) -> list[Any]:
    """What a world shows at the end."""
    shown = [at, world.held, {k: world.show(v) for k, v in sorted(world.locals.items())}]
    shown += world.state()
    world.locals = {}
    return [*shown, world.counts()]


def try_seed(seed: int, *, verbose: bool = False) -> bool:
    """One loop; whether it was peeled at all."""
    rng = random.Random(seed)
    turn = Turn(rng)
    peeled, alone, end = turn.record()
    chosen = PASSES if rng.random() < 0.7 else [p for p in PASSES if rng.random() < 0.6]
    try:
        text = engine._ir_optimize(peeled, ",".join(chosen), NAMES, end)
    except ValueError as e:
        assert "gave the trace up" in str(e), (seed, e)
        return False
    if verbose:
        print(alone, text, ",".join(chosen), sep="\n")
    for variant in range(4):
        one, two = World(seed * 3 + variant), World(seed * 3 + variant)
        wanted = seen(one, play_reference(one, alone))
        got = seen(two, leave(two, text, machine=variant % 2 == 1))
        assert got == wanted, f"seed {seed}: {wanted} wanted\n{got} got\n{alone}\n{text}"
    return True


def main(first: int, n: int) -> None:
    """Try some seeds."""
    engine.enable()
    good = sum(try_seed(seed) for seed in range(first, first + n))
    assert good > n // 2, good
    print(good, "of", n)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        engine.enable()
        try_seed(int(sys.argv[1]), verbose=True)
    else:
        main(int(sys.argv[1]), int(sys.argv[2]))
