"""Random traces, run by the IR interpreter and as machine code: both must leave the same way.

How it works: a Maker writes a trace op by op from values that it has so far, with more of them
alive than there are registers, guards on the way, loops with PHIs, calls and boxes. The exit, the
values of its snapshot and the locals are compared. Operands that an op does not allow (division
by 0) are kept out by ops before it.

What must stay true: a seed always makes the same trace; `main` names the seed that failed.
"""

from __future__ import annotations

import random
import re
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
DIVISORS = ["+1", "+2", "+8", "+3", "-3", "+1000003", "+1099511627776", "-2", "+7", "+10", "+255",
            "+4294967297", "+9223372036854775807", "+4611686018427387905"]  # fmt: skip
FLOAT_CONSTANTS = ["0.0", "-0.0", "1.5", "-2.0", "1e300", "inf", "nan:0x7ff8000000000000"]
#: The first stack slot of the host's frame, and how many a snapshot here uses.
STACK, SNAP_ROOM = 8, 50


class Maker:
    """Writes one random trace."""

    def __init__(self, rng: random.Random, *heads: str) -> None:
        self.random = rng
        self.t = Trace(*heads)
        self.values: dict[str, list[str]] = {"I64": [], "F64": [], "B": [], "OBJ": []}
        self.data: list[float] = []
        self.base = ""  # of the numbers in memory, for guards that look at them
        self.owned: list[str] = []
        self.counter = ""  # of the loop, in its snapshots
        self.phis: list[tuple[str, str]] = []  # (number, type)
        self.snap_refs: dict[int, list[str]] = {}  # what can be inherited

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
        base = self.t("OBJ SLOAD", "#0")
        self.base = base if self.random.random() < 0.3 else ""
        for kind, pool in (("I64", INTS), ("F64", FLOATS)):
            for _ in range(n):
                value = self.random.choice(pool)
                if self.random.random() < 0.5:
                    value = self.random.random()
                    value = int(value * 2000) - 1000 if kind == "I64" else value
                self.values[kind].append(load_number(self.t, base, len(self.data), value))
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
        refs += [self.counter] if self.counter else []
        self.random.shuffle(refs)
        entries = [f"0:{STACK + i} = {ref}" for i, ref in enumerate(refs)]
        entries += [f"0:drop = {ref} owned" for ref in self.owned]
        number = self.t.snap(*entries, depth=STACK + len(refs))
        self.snap_refs[number] = [] if self.owned else [r for r in refs if r.isdigit()]
        return number

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

    def guard_memory(self) -> None:
        """A guard of a number in memory and a constant, mostly one that holds."""
        ints = [i for i, value in enumerate(self.data) if isinstance(value, int)]
        if not self.base or not ints:
            self.guard()
            return
        at = self.random.choice(ints)
        value = self.data[at]
        condition = self.random.choice(["eq", "le", "uge"])
        kind = "I64 LOAD.i64[const]"
        if self.random.random() < 0.4:
            kind, condition, value = "I64 LOAD.u32[const]", "eq", value & 0xFFFFFFFF
        if self.random.random() < 0.1:
            condition = self.random.choice(["eq", "ne", *(INT_CONDITIONS if "i64" in kind else [])])
        ref = self.t(kind, self.base, f"#{ir_cases.BYTES_OFFSET + 8 * at}")
        self.t(f"- GUARD.{condition}", ref, f"{value:+d}", snap=self.snap())
        if self.random.random() < 0.2:
            self.values["I64"].append(ref)

    def call(self) -> None:
        name = self.random.choice(["float_pow", "float_mod"])
        a = self.t("F64 FABS", self.pick("F64"))
        b = self.random.choice(["2.0", "3.0", "0.5", "1.5", "-0.5", "-1.5", "-1.0", "-3.0", "3.25"])
        self.add("F64", f"CALL @{name}", f"({a} {b})")

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
             convert, *[compare] * 2, truth, select, *[guard] * 3, guard_memory, call,
             box]  # fmt: skip

    def loop(self, length: int) -> None:
        """A loop of some turns: PHIs of all types, then the body, then a guard that ends it."""
        turns = self.random.randrange(1, 9)
        self.t("- LOOP")
        for kind, n in (("I64", 8), ("F64", 8), ("B", 2)):
            for _ in range(self.random.randrange(0, n)):
                if self.values[kind]:
                    self.phis.append((self.t(f"{kind} PHI", self.pick(kind), "?"), kind))
        self.counter = self.t("I64 PHI", "+0", "?")
        for ref, kind in self.phis:
            self.values[kind].append(ref)
        for _ in range(length):
            self.step()
        following = self.t("I64 ADD", self.counter, "+1")
        self.t("- GUARD.lt", following, f"+{turns}", snap=self.snap())
        for ref, kind in self.phis:
            self.give(ref, self.pick(kind))
        self.give(self.counter, following)
        self.phis.append((self.counter, "I64"))
        self.t("- JLOOP")

    def give(self, phi: str, value: str) -> None:
        """The value of a PHI after each turn."""
        at = int(phi) - 1
        self.t.lines[at] = self.t.lines[at].replace("?", value)

    def type_of(self, ref: str) -> str:
        """The type of an instruction."""
        return self.t.lines[int(ref) - 1].split()[1]

    def exits(self) -> list[tuple[int, int]]:
        """(instruction, snapshot) where a side trace may hang."""
        found = []
        for line in self.t.lines:
            match = re.fullmatch(r"(\d+) .* snap=(\d+)", line)
            if match and self.snap_refs.get(int(match[2])) and "JEXIT" not in line:
                found.append((int(match[1]), int(match[2])))
        return found

    def live_in(self) -> list[str] | None:
        """What the loop needs from before it, in order; None: not only numbers."""
        start = next(i for i, line in enumerate(self.t.lines) if line.endswith("LOOP"))
        # (A PHI's first operand is read before the loop.)
        text = re.sub(r"PHI \S+", "", "\n".join(self.t.lines[start + 1 :]))
        used = set(re.findall(r"snap=(\d+)", text))
        for line in self.t.snaps:
            if re.match(r"snap (\d+):", line)[1] in used:  # type: ignore[index]
                text += "\n" + line
        needed = {int(ref) for ref in re.findall(r"\b(\d{4})\b", text)}
        refs = [f"{ref:04d}" for ref in sorted(needed) if ref <= start]
        if any(self.type_of(ref) == "OBJ" for ref in refs):
            return None
        return [ref for ref, _ in sorted(self.phis)] + refs

    def end(self) -> None:
        """Leave with as much as a snapshot can have."""
        refs = [ref for kind in ("I64", "F64", "B") for ref in self.values[kind]]
        refs = self.random.sample(refs, min(len(refs), SNAP_ROOM))
        entries = [f"0:{STACK + i} = {ref}" for i, ref in enumerate(refs)]
        self.t("- JEXIT", snap=self.t.snap(*entries, depth=STACK + len(refs)))


def make_side(root: Maker, parent: Maker, snap: int, *, links: bool) -> Maker:
    """A side trace at an exit of `parent`: it inherits, works, leaves or goes on in the root."""
    rng = root.random
    side = Maker(rng, f"parent snap={snap}")
    inherited = parent.snap_refs[snap] + rng.sample(parent.snap_refs[snap], rng.randrange(2))
    for ref in inherited:
        kind = parent.type_of(ref)
        own = side.add(kind, "PLOAD", f"#{int(ref)}")
        if ref == parent.counter:
            side.counter = own
    for kind, value in (("I64", "+3"), ("F64", "0.5"), ("B", "true")):
        if not side.values[kind]:
            op = {"I64": "ADD", "F64": "FADD", "B": "SELECT true"}[kind]
            side.add(kind, op, value, value)
    for _ in range(rng.randrange(30)):
        side.step()
    live = root.live_in() if links else None
    if live is None or not side.counter or len(live) > 60:
        side.end()
        return side
    following = side.t("I64 ADD", side.counter, "+1")
    side.t("- GUARD.lt", following, "+20", snap=side.snap())
    args = [side.pick(root.type_of(ref)) for ref in live]
    args[len(root.phis) - 1] = following  # the counter is the last PHI
    side.t("- JTRACE", "#1", f"({' '.join(args)})")
    return side


def make(seed: int) -> tuple[Maker, list[Maker], list[tuple[int, int, int]]]:
    """The traces of a seed: a root, its side traces, and which exits those hang at."""
    rng = random.Random(seed)
    root = Maker(rng)
    root.inputs(rng.choice([2, 5, 12, 20]))
    for _ in range(rng.randrange(60)):
        root.step()
    loops = rng.random() < 0.6
    if loops:
        root.loop(rng.randrange(1, 60))
    else:
        root.end()
    all_traces = [root]
    links: list[tuple[int, int, int]] = []
    for _ in range(rng.choice([0, 0, 3, 12])):
        number = rng.randrange(len(all_traces))
        parent = all_traces[number]
        exits = [e for e in parent.exits() if (number + 1, e[0]) not in {x[:2] for x in links}]
        if exits:
            guard, snap = rng.choice(exits)
            all_traces.append(make_side(root, parent, snap, links=loops))
            links.append((number + 1, guard, len(all_traces)))
    return root, all_traces, links


def equal(a: Any, b: Any) -> bool:
    """The same to the bit, also inside of lists and rows."""
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b, strict=True))
    return same(a, b)


def check(seed: int) -> str:
    """Run one seed both ways; where it left."""
    root, traces, links = make(seed)
    texts = [maker.t.text() for maker in traces]
    shown = f"{links}\n" + "\n".join(texts)
    results = []
    for machine in (False, True):
        slots = {0: numbers(*root.data)}
        try:
            results.append(ir_cases.run(texts, slots, machine=machine, links=links))
        except ValueError as error:
            raise AssertionError(f"seed {seed}: {error}\n{shown}") from error
    for key in ("trace", "exit", "snap", "entries"):
        a, b = results[0][key], results[1][key]
        assert equal(a, b), f"seed {seed}: {key}: {a} != {b}\n{shown}"
    return f"{min(results[0]['trace'], 2)}/{results[0]['exit']}"


def main(first: int, count: int) -> None:
    """Run seeds, many different ways out of which must be taken."""
    engine.enable()
    exits = {check(seed) for seed in range(first, first + count)}
    assert count < 50 or len([e for e in exits if e.startswith("1")]) > 20, exits
    assert count < 50 or len([e for e in exits if e.startswith("2")]) > 20, exits


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
