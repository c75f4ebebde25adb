"""Random traces, run by the IR interpreter and as machine code: both must leave the same way.

How it works: a Maker writes a trace op by op from values that it has so far, with more of them
alive than there are registers, guards on the way, loops with PHIs, calls and boxes. The exit, the
values of its snapshot and the locals are compared. Operands that an op does not allow (division
by 0) are kept out by ops before it.

What must stay true: a seed always makes the same trace; `main` names the seed that failed.
"""

from __future__ import annotations

import random
import sys
from typing import Any

import fullspeed._engine as engine
import ir_cases
from ir_cases import FLOATS, INTS, Trace, load_number, numbers, same

INT_BINARY = ["ADD", "SUB", "MUL", "AND", "OR", "XOR"]
INT_CHECKED = ["ADDOV", "SUBOV", "MULOV"]
FLOAT_BINARY = ["FADD", "FSUB", "FMUL", "FDIV"]
INT_CONDITIONS = ["eq", "ne", "lt", "le", "gt", "ge", "ult", "uge", "ule", "ugt"]
FLOAT_CONDITIONS = ["eq", "ne", "lt", "le", "gt", "ge", "nlt", "nle", "ngt", "nge"]
CONSTANTS = ["+0", "+1", "-1", "+2", "+127", "-128", "+128", "+2147483647", "-2147483648",
             "+2147483648", "+4611686018427387904", "-9223372036854775808"]  # fmt: skip
DIVISORS = ["+1", "+2", "+8", "+3", "-3", "+1000003", "+1099511627776", "-2"]
FLOAT_CONSTANTS = ["0.0", "-0.0", "1.5", "-2.0", "1e300", "inf", "nan:0x7ff8000000000000"]
#: The first stack slot of the host's frame, and how many a snapshot here uses.
STACK, SNAP_ROOM = 8, 50


class Maker:
    """Writes one random trace."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.t = Trace()
        self.values: dict[str, list[str]] = {"I64": [], "F64": [], "B": [], "OBJ": []}
        self.data: list[float] = []
        self.owned: list[str] = []
        self.base = self.t("OBJ SLOAD", "#0")

    def pick(self, kind: str, *, constants: bool = True) -> str:
        """Some value of a type: rather a new one, sometimes a constant."""
        have = self.values[kind]
        if constants and self.random.random() < 0.15:
            if kind == "I64":
                return self.random.choice(CONSTANTS)
            if kind == "F64":
                return self.random.choice(FLOAT_CONSTANTS)
            if kind == "B":
                return self.random.choice(["true", "false"])
        if self.random.random() < 0.5:
            return self.random.choice(have[-6:])
        return self.random.choice(have)

    def add(self, kind: str, op: str, *operands: str, snap: int = 0) -> str:
        """Write an instruction that gives a value."""
        ref = self.t(f"{kind} {op}", *operands, snap=snap)
        self.values[kind].append(ref)
        return ref

    def inputs(self, n: int) -> None:
        """Numbers from memory."""
        for kind, pool in (("I64", INTS), ("F64", FLOATS)):
            for _ in range(n):
                value = self.random.choice(pool)
                if self.random.random() < 0.5:
                    value = self.random.random()
                    value = int(value * 2000) - 1000 if kind == "I64" else value
                self.values[kind].append(load_number(self.t, self.base, len(self.data), value))
                self.data.append(value)

    def snap(self) -> int:
        """A snapshot of some of the values."""
        refs = []
        for kind in ("I64", "F64", "B"):
            have = self.values[kind]
            count = self.random.randrange(0, min(len(have), 12) + 1)
            refs += self.random.sample(have, count)
            if self.random.random() < 0.2:
                refs.append(self.pick(kind) if have else "None")
        self.random.shuffle(refs)
        entries = [f"0:{STACK + i} = {ref}" for i, ref in enumerate(refs)]
        entries += [f"0:drop = {ref} owned" for ref in self.owned]
        return self.t.snap(*entries, depth=STACK + len(refs))

    def step(self) -> None:
        """One random instruction, or the few that belong together."""
        self.random.choice(self.STEPS)(self)

    def int_binary(self) -> None:
        self.add("I64", self.random.choice(INT_BINARY), self.pick("I64"), self.pick("I64"))

    def int_checked(self) -> None:
        op = self.random.choice(INT_CHECKED)
        a, b = self.pick("I64"), self.pick("I64")
        if self.random.random() < 0.8:  # mostly small ones, that do not leave
            a = self.t("I64 SHR", a, "+40")
        self.add("I64", op, a, b if self.random.random() < 0.3 else "+7", snap=self.snap())

    def divide(self) -> None:
        op = self.random.choice(["DIV", "MOD"])
        if self.random.random() < 0.4:
            by = self.random.choice(DIVISORS)
            self.add("I64", op, self.pick("I64"), by)
            return
        by = self.t("I64 OR", self.t("I64 AND", self.pick("I64"), "+1023"), "+1")
        if self.random.random() < 0.5:
            by = self.t("I64 SUB", "-1", by)
        self.add("I64", op, self.pick("I64"), by)

    def shift(self) -> None:
        by = self.random.choice(["+0", "+1", "+31", "+63"])
        if self.random.random() < 0.5:
            by = self.t("I64 AND", self.pick("I64"), "+63")
        self.add("I64", self.random.choice(["SHL", "SHR", "USHR"]), self.pick("I64"), by)

    def float_binary(self) -> None:
        self.add("F64", self.random.choice(FLOAT_BINARY), self.pick("F64"), self.pick("F64"))

    def float_unary(self) -> None:
        self.add("F64", self.random.choice(["FNEG", "FABS", "FSQRT"]), self.pick("F64"))

    def convert(self) -> None:
        if self.random.random() < 0.7:
            self.add("F64", "I2F", self.pick("I64"))
        else:
            small = self.t("F64 FDIV", self.pick("F64"), "1e300")
            self.add("I64", "F2I", small, snap=self.snap())

    def compare(self) -> None:
        kind = self.random.choice(["I64", "F64"])
        condition = self.random.choice(INT_CONDITIONS if kind == "I64" else FLOAT_CONDITIONS)
        self.add("B", f"CMP.{condition}", self.pick(kind), self.pick(kind))

    def truth(self) -> None:
        if not self.values["B"]:
            self.compare()
        if self.random.random() < 0.5:
            self.add("B", "BNOT", self.pick("B"))
        else:
            self.add("I64", "B2I", self.pick("B"))

    def select(self) -> None:
        if not self.values["B"]:
            self.compare()
        kind = self.random.choice(["I64", "F64"])
        self.add(kind, "SELECT", self.pick("B"), self.pick(kind), self.pick(kind))

    def guard(self) -> None:
        """A guard; rarely one that fails."""
        kind = self.random.choice(["I64", "F64"])
        a = self.pick(kind)
        fails = self.random.random() < 0.06
        if kind == "I64" and not fails:
            conditions, b = ["eq", "le", "ge", "ule", "uge"], a
        elif not fails:
            a = self.t("F64 I2F", self.pick("I64"))  # never a NaN
            conditions, b = ["eq", "le", "ge", "nlt", "ngt"], a
        else:
            conditions = INT_CONDITIONS if kind == "I64" else FLOAT_CONDITIONS
            b = self.pick(kind)
        condition = self.random.choice(conditions)
        if self.random.random() < 0.5:
            self.t(f"- GUARD.{condition}", a, b, snap=self.snap())
        else:
            truth = self.t(f"B CMP.{condition}", a, b)
            sense = self.random.choice([("eq", "true"), ("ne", "false")])
            if self.random.random() < 0.3:
                self.step()
            self.t(f"- GUARD.{sense[0]}", truth, sense[1], snap=self.snap())

    def call(self) -> None:
        name = self.random.choice(["float_pow", "float_mod"])
        a = self.t("F64 FABS", self.pick("F64"))
        self.add("F64", f"CALL @{name}", f"({a} {self.random.choice(['2.0', '0.5', '3.25'])})")

    def box(self) -> None:
        """Boxes a number, takes it out again, and drops the box."""
        if self.random.random() < 0.5:
            ref = self.t("OBJ BOXF", self.pick("F64"), snap=self.snap())
            self.add("F64", "UNBOXF", ref)
        else:
            # UNBOXI leaves on what it cannot do.
            value = self.pick("I64")
            if self.random.random() < 0.9:
                value = self.t("I64 SHR", value, "+20")
            ref = self.t("OBJ BOXI", value, snap=self.snap())
            self.owned.append(ref)
            self.add("I64", "UNBOXI", ref, snap=self.snap())
            self.owned.remove(ref)
        if self.random.random() < 0.5:
            self.t("- DROPBOX", ref)
        else:
            self.owned.append(ref)
            self.t("- DECREF", ref, snap=self.snap())
            self.owned.remove(ref)

    STEPS = [*[int_binary] * 5, *[int_checked] * 3, divide, shift, *[float_binary] * 5, float_unary,
             convert, *[compare] * 2, truth, select, *[guard] * 3, call, box]  # fmt: skip

    def loop(self, length: int) -> None:
        """A loop of some turns: PHIs of all types, then the body, then a guard that ends it."""
        turns = self.random.randrange(1, 9)
        self.t("- LOOP")
        first = len(self.t.lines)
        phis = []
        for kind, n in (("I64", 8), ("F64", 8), ("B", 2)):
            for _ in range(self.random.randrange(0, n)):
                if self.values[kind]:
                    phis.append((len(self.t.lines), kind, self.pick(kind)))
                    self.t(f"{kind} PHI", phis[-1][2], "?")
        counter_at = len(self.t.lines)
        counter = self.t("I64 PHI", "+0", "?")
        for at, kind, _ in phis:
            self.values[kind].append(f"{at + 1:04d}")
        for _ in range(length):
            self.step()
        following = self.t("I64 ADD", counter, "+1")
        self.t("- GUARD.lt", following, f"+{turns}", snap=self.snap())
        self.t.lines[counter_at] = self.t.lines[counter_at].replace("?", following)
        for at, kind, _ in phis:
            self.t.lines[at] = self.t.lines[at].replace("?", self.pick(kind))
        self.t("- JLOOP")
        assert first > 0

    def end(self) -> None:
        """Leave with as much as a snapshot can have."""
        refs = [ref for kind in ("I64", "F64", "B") for ref in self.values[kind]]
        refs = self.random.sample(refs, min(len(refs), SNAP_ROOM))
        entries = [f"0:{STACK + i} = {ref}" for i, ref in enumerate(refs)]
        self.t("- JEXIT", snap=self.t.snap(*entries, depth=STACK + len(refs)))


def make(seed: int) -> Maker:
    """The trace of a seed."""
    maker = Maker(seed)
    maker.inputs(maker.random.choice([2, 5, 12, 20]))
    for _ in range(maker.random.randrange(60)):
        maker.step()
    if maker.random.random() < 0.6:
        maker.loop(maker.random.randrange(1, 60))
    else:
        maker.end()
    return maker


def equal(a: Any, b: Any) -> bool:
    """The same to the bit, also inside of lists and rows."""
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b, strict=True))
    return same(a, b)


def check(seed: int) -> str:
    """Run one seed both ways; where it left."""
    maker = make(seed)
    text = maker.t.text()
    results = []
    for machine in (False, True):
        slots = {0: numbers(*maker.data)}
        try:
            results.append(ir_cases.run(text, slots, machine=machine))
        except ValueError as error:
            raise AssertionError(f"seed {seed}: {error}\n{text}") from error
    for key in ("exit", "snap", "entries", "locals"):
        a, b = results[0][key], results[1][key]
        if key == "locals":
            a, b = list(a), list(b)
        assert equal(a, b), f"seed {seed}: {key}: {a} != {b}\n{text}"
    return str(results[0]["exit"])


def main(first: int, count: int) -> None:
    """Run seeds, many different ways out of which must be taken."""
    engine.enable()
    exits = {check(seed) for seed in range(first, first + count)}
    assert count < 50 or len(exits) > 20, exits


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
