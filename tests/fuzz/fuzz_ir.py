"""Random traces: the IR interpreter on one turn after the other, against passes and machine code.

How it works: a Turn is a random straight trace: locals of a frame that are unboxed at its start
and written back at its end (to the snapshot), numbers in a bytearray, floats in a list. The
reference runs it as it is, turn by turn, until a guard leaves. The same turn then goes through the
passes (all or some), straight and as a loop, and is run by the IR interpreter and, with
--machine, as machine code. Where it leaves, with what values, and what memory holds must be the
same.

What must stay true: the value of everything that can leave ends in the local `acc`, for passes may
drop what nobody needs. Every snapshot has a place (`at`) of its own, which says which one was left
by. A trace is a function of its seed.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "unit"))

# Locals of the host: a counter, ints, a float, the accumulator, a bytearray, a list of floats.
COUNT, INT_A, INT_B, REAL, ACC, BYTES, LIST = range(7)
FRAME_LOCALS = 72
ITEMS = 8
SLOT_SIZE = 8
PASSES = ["fold", "forward", "cse", "loop", "sink", "refs", "dce"]
INTS = [0, 1, -1, 2, 3, 7, -8, 60, 255, 2**31 - 1, -(2**31), 2**40, 2**59, 2**62, 2**63 - 1,
        -(2**63)]  # fmt: skip
FLOATS = ["0.0", "-0.0", "1.0", "-1.5", "3.0", "1e+300", "1e-300", "0.1", "inf"]
INT_OPS = ["ADD", "SUB", "MUL", "AND", "OR", "XOR", "SHL", "SHR", "USHR", "DIV", "MOD"]
OV_OPS = ["ADDOV", "SUBOV", "MULOV"]
CONDS = ["eq", "ne", "lt", "le", "gt", "ge"]
INT_CONDS = [*CONDS, "ult", "uge", "ule", "ugt"]
FLOAT_CONDS = [*CONDS, "nlt", "nle", "ngt", "nge"]


class Turn:
    """One random turn of a loop, as text."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.lines: list[str] = []
        self.snaps: list[str] = []
        self.places = iter(range(40, 4000, 3))
        self.ints: list[str] = []
        self.reals: list[str] = []
        self.truths: list[str] = []
        self.slots: dict[int, str] = {}  # unboxed locals that memory does not hold
        self.first: dict[int, int] = {}
        self.ends: dict[int, tuple[str, bool]] = {}
        self.loaded: dict[int, str] = {}
        self.turns = self.rng.choice([1, 2, 3, 10, 33])
        self.write()

    # -- text --

    def add(self, what: str, *operands: str, snap: int = 0) -> str:
        """Add an instruction."""
        number = f"{len(self.lines) + 1:04d}"
        self.lines.append(" ".join([number, what, *operands, *([f"snap={snap}"] if snap else [])]))
        return number

    def snap(self, *entries: str, few: bool = True) -> int:
        """Add a snapshot of the state now with some values on the stack."""
        stack = self.rng.sample(self.ints, min(len(self.ints), self.rng.randint(0, 4)))
        stack += self.rng.sample(self.reals, min(len(self.reals), self.rng.randint(0, 3)))
        stack += self.rng.sample(self.truths, min(len(self.truths), self.rng.randint(0, 1)))
        parts = [f"frame 0 at {next(self.places)} depth {8 + (len(stack) if few else 0)}"]
        parts += [f"0:{slot} = {ref} stale" for slot, ref in sorted(self.slots.items())]
        if few:
            parts += [f"0:{8 + i} = {ref}" for i, ref in enumerate(stack)]
        self.snaps.append(f"snap {len(self.snaps) + 1}: " + "; ".join([*parts, *entries]))
        return len(self.snaps)

    # -- operands --

    def int_(self) -> str:
        """Some I64."""
        if not self.ints or self.rng.random() < 0.2:
            return f"{self.rng.choice(INTS):+d}"
        return self.rng.choice(self.ints[-12:])

    def real(self) -> str:
        """Some F64."""
        if not self.reals or self.rng.random() < 0.2:
            return self.rng.choice(FLOATS)
        return self.rng.choice(self.reals[-8:])

    def truth(self) -> str:
        """Some B."""
        return self.rng.choice(self.truths) if self.truths else self.rng.choice(["true", "false"])

    def count(self, ref: str) -> str:
        """Let the accumulator see an I64, so that nobody can do without it."""
        old = self.slots[ACC] if ACC in self.slots else self.loaded[ACC]
        self.set_local(ACC, self.add("I64 ADD", self.add("I64 MUL", old, "+31"), ref))
        return ref

    # -- locals --

    def load_local(self, slot: int) -> str:
        """Read a local as the recorder does."""
        if slot not in self.loaded:
            kind, op = ("float", "F64 UNBOXF") if slot == REAL else ("int", "I64 UNBOXI")
            o = self.add("OBJ SLOAD", f"#{slot}")
            self.add("- GTYPE", o, f"<type {kind}>", snap=self.snap())
            self.loaded[slot] = self.add(op, o, snap=self.snap() if kind == "int" else 0)
            (self.reals if slot == REAL else self.ints).append(self.loaded[slot])
        return self.slots.get(slot, self.loaded[slot])

    def set_local(self, slot: int, ref: str) -> None:
        """Write a local: only the snapshots know."""
        self.slots[slot] = ref
        self.first.setdefault(slot, len(self.lines) + 1)
        self.ends[slot] = (ref, True)

    # -- steps --

    def step_int(self) -> None:
        """Integer arithmetic that cannot fail."""
        op, a, b = self.rng.choice(INT_OPS), self.int_(), self.int_()
        if op in ("SHL", "SHR", "USHR"):
            b = self.add("I64 AND", b, "+63") if self.rng.random() < 0.7 else "+7"
        if op in ("DIV", "MOD"):
            b = self.add("I64 OR", self.add("I64 AND", b, "+1023"), "+1")
        self.ints.append(self.add(f"I64 {op}", a, b))

    def step_overflow(self) -> None:
        """Integer arithmetic that may leave."""
        a, b = self.int_(), self.int_()
        if self.rng.random() < 0.7:
            a = self.add("I64 AND", a, "+65535")
        self.ints.append(
            self.count(self.add(f"I64 {self.rng.choice(OV_OPS)}", a, b, snap=self.snap()))
        )

    def step_real(self) -> None:
        """Float arithmetic."""
        op = self.rng.choice(["FADD", "FSUB", "FMUL", "FDIV", "FNEG", "FABS", "I2F"])
        if op == "I2F":
            made = self.add("F64 I2F", self.int_())
        elif op in ("FNEG", "FABS"):
            made = self.add(f"F64 {op}", self.real())
            if op == "FABS" and self.rng.random() < 0.5:
                made = self.add("F64 FSQRT", made)
        else:
            made = self.add(f"F64 {op}", self.real(), self.real())
        self.reals.append(made)

    def step_to_int(self) -> None:
        """A float becomes an int, if it can."""
        self.ints.append(self.count(self.add("I64 F2I", self.real(), snap=self.snap())))

    def compare(self) -> tuple[str, str, str]:
        """A condition and two operands."""
        if self.rng.random() < 0.4:
            return self.rng.choice(FLOAT_CONDS), self.real(), self.real()
        return self.rng.choice(INT_CONDS), self.int_(), self.int_()

    def step_compare(self) -> None:
        """A truth value, and what comes of it."""
        cond, a, b = self.compare()
        made = self.add(f"B CMP.{cond}", a, b)
        if self.rng.random() < 0.3:
            made = self.add("B BNOT", made)
        self.truths.append(made)
        kind = self.rng.random()
        if kind < 0.3:
            self.ints.append(self.add("I64 B2I", made))
        elif kind < 0.5:
            self.ints.append(self.add("I64 SELECT", self.truth(), self.int_(), self.int_()))
        elif kind < 0.7:
            self.reals.append(self.add("F64 SELECT", self.truth(), self.real(), self.real()))

    def step_guard(self) -> None:
        """A guard that holds mostly, one would hope."""
        if self.truths and self.rng.random() < 0.3:
            self.add("- GUARD.ne", self.truth(), self.rng.choice(["true", "false"]),
                     snap=self.snap())  # fmt: skip
            return
        cond, a, b = self.compare()
        if cond == "eq":
            cond = "ne"
        self.add(f"- GUARD.{cond}", a, b, snap=self.snap())

    def step_call(self) -> None:
        """A call of a C function."""
        name = self.rng.choice(["mod", "floordiv"])
        divisor = self.add("F64 FADD", self.add("F64 FABS", self.real()), "0.5")
        self.reals.append(self.add(f"F64 CALL @float_{name}", f"({self.real()} {divisor})"))

    def step_write(self) -> None:
        """A local gets another value."""
        if self.rng.random() < 0.4:
            self.load_local(REAL)
            self.set_local(REAL, self.real())
            return
        slot = self.rng.choice([INT_A, INT_B])
        self.load_local(slot)
        ref = self.int_()
        # The ends of a loop are read back as ints of 60 bits.
        self.set_local(slot, self.add("I64 SHR", ref, "+8"))

    def step_memory(self) -> None:
        """Bytes are read or written."""
        memory = self.add("PTR LOAD.ptr[arrayhdr]", self.bytes, "#40")
        name = self.rng.choice(["i64", "i32", "u32", "i16", "u16", "i8", "u8", "f64", "f32"])
        real = name[0] == "f"
        kind = "F64" if real else "I64"
        offset = f"#{self.rng.randrange(ITEMS) * SLOT_SIZE}"
        index = self.add("I64 AND", self.int_(), "+7")
        indexed = self.rng.random() < 0.5
        if self.rng.random() < 0.5:
            made = (
                self.add(f"{kind} LOADX.{name}[raw]", memory, index, offset)
                if indexed
                else self.add(f"{kind} LOAD.{name}[raw]", memory, offset)
            )
            (self.reals if real else self.ints).append(made)
            return
        value = self.real() if real else self.int_()
        if indexed:
            self.add(f"- STOREX.{name}[raw]", memory, index, value, offset)
        else:
            self.add(f"- STORE.{name}[raw]", memory, value, offset)

    def step_list(self) -> None:
        """A float of the list is read, or another one is put there."""
        items = self.add("PTR LOAD.ptr[listhdr]", self.list, "#24")
        index = self.add("I64 AND", self.int_(), "+7")
        old = self.add("OBJ LOADX.obj[listitem]", items, index, "#0")
        if self.rng.random() < 0.5:
            self.add("- GTYPE", old, "<type float>", snap=self.snap())
            self.reals.append(self.add("F64 UNBOXF", old))
            return
        box = self.add("OBJ BOXF", self.real(), snap=self.snap())
        self.add("- STOREX.obj[listitem]", items, index, box, "#0")
        self.add("- DECREF", old, snap=self.snap(f"0:drop = {old} owned"))

    def step_box(self) -> None:
        """A box that soon dies; of 60 bits, as what has more would leave, but only when unboxed."""
        box = self.add("OBJ BOXI", self.add("I64 SHR", self.int_(), "+5"), snap=self.snap())
        self.ints.append(self.add("I64 UNBOXI", box, snap=self.snap(f"0:drop = {box} owned")))
        self.count(self.ints[-1])
        self.add("- DROPBOX", box)

    def step_virtual(self) -> None:
        """An object that only an exit makes."""
        real, number = self.real(), self.int_()
        inner = self.add("OBJ NEWTUPLE", f"({real} {number})", "!sunk")
        outer = self.add("OBJ NEWLIST", f"({inner} {self.truth()} {inner})", "!sunk")
        cond, a, b = self.compare()
        cond = "ne" if cond == "eq" else cond
        self.add(f"- GUARD.{cond}", a, b, snap=self.snap(f"0:20 = {outer} owned"))

    # -- the whole --

    def write(self) -> None:
        """Write the turn."""
        number = self.load_local(COUNT)
        self.add("- GUARD.lt", number, f"+{self.turns}", snap=self.snap())
        self.load_local(ACC)
        for slot in (INT_A, INT_B, REAL):
            if self.rng.random() < 0.7:
                self.load_local(slot)
        self.bytes = self.add("OBJ SLOAD", f"#{BYTES}")
        self.add("- GTYPE", self.bytes, "<type bytearray>", snap=self.snap())
        self.list = self.add("OBJ SLOAD", f"#{LIST}")
        self.add("- GTYPE", self.list, "<type list>", snap=self.snap())
        steps = [self.step_int] * 4 + [self.step_real] * 4 + [self.step_overflow] * 3
        steps += [self.step_write] * 2 + [self.step_memory] * 3 + [self.step_list, self.step_guard]
        steps += [self.step_compare] * 2 + [self.step_to_int, self.step_call, self.step_box]
        steps += [self.step_virtual]
        for _ in range(self.rng.choice([3, 8, 20, 60])):
            self.rng.choice(steps)()
        self.set_local(ACC, self.add("I64 SHR", self.slots.get(ACC, self.loaded[ACC]), "+5"))
        self.set_local(COUNT, self.add("I64 ADDOV", number, "+1", snap=self.snap()))
        self.end = self.snap(few=False)

    def text(self, *, loop: bool) -> str:
        """All of it: as a turn that ends in an exit, or as it is when a loop was recorded."""
        head = [
            "frame 0: code=<host> func=- parent=-1 kind=0 base=root offset=0 ref=- call=0 depth=0"
        ]
        lines = list(self.lines)
        if loop:
            head.append("slots 8")
            for slot, (ref, stale) in sorted(self.ends.items()):
                head.append(f"slot {slot}: end={ref} first={self.first[slot]}"
                            + (" stale" if stale else ""))  # fmt: skip
        else:
            lines.append(f"{len(lines) + 1:04d} - JEXIT snap={self.end}")
        return "\n".join([*head, *lines, *self.snaps]) + "\n"

    def start(self) -> dict[int, Any]:
        """The locals at the start."""
        rng = random.Random(self.turns)
        values: dict[int, Any] = {COUNT: 0, ACC: 0, REAL: rng.choice([0.5, -3.25, 1e9])}
        values[INT_A], values[INT_B] = rng.randint(-100, 1000), rng.choice(INTS[:11])
        values[BYTES] = bytearray(range(3, 131))
        values[LIST] = [float(i) for i in range(ITEMS)]
        return values


def outcome(result: dict[str, Any], slots: dict[int, Any]) -> dict[str, Any]:
    """What is compared of a run."""
    values = {slot: value for slot, value in result["locals"].items() if slot not in (BYTES, LIST)}
    values |= {slot: value for _, slot, value in result["entries"] if slot >= 0}
    return {
        "at": result["frames"][0][1],
        "values": {slot: repr(value) for slot, value in sorted(values.items())},
        "bytes": plain_nans(bytes(slots[BYTES])),
        "list": repr(slots[LIST]),
    }


def plain_nans(data: bytes) -> str:
    """Bytes as text; the sign and payload of a NaN are nobody's promise."""
    import struct

    words = []
    for i in range(0, len(data), 8):
        word = data[i : i + 8]
        value = struct.unpack("d", word)[0]
        halves = struct.unpack("ff", word)
        words.append("nan" if value != value or any(h != h for h in halves) else word.hex())
    return " ".join(words)


def difference(got: dict[str, Any], wanted: dict[str, Any]) -> str:
    """What is not the same, as text."""
    if got["at"] != wanted["at"]:
        return f" leaves at {got['at']}, not {wanted['at']}"
    parts = [f" at {got['at']}"]
    for slot in sorted(got["values"].keys() | wanted["values"].keys()):
        a, b = got["values"].get(slot, "nothing"), wanted["values"].get(slot, "nothing")
        if a != b:
            parts.append(f" slot {slot} is {a}, not {b}")
    for name in ("bytes", "list"):
        if got[name] != wanted[name]:
            parts.append(f"\n{name} {got[name]}\n  not {wanted[name]}")
    return ";".join(parts)


class Checker:
    """Runs a turn in every way."""

    def __init__(self, machine: bool, verbose: bool) -> None:
        import ir_cases
        from fullspeed import _engine

        self.engine = _engine
        self.host = ir_cases.host
        self.names = {"host": self.host}
        self.machine = machine
        self.verbose = verbose
        self.given_up = 0

    def run(self, text: str, slots: dict[int, Any], machine: bool) -> dict[str, Any]:
        """Run a trace once."""
        return self.engine._ir_run(self.host, slots, [text], [], self.names, machine=machine)

    def reference(self, turn: Turn, turns: int) -> dict[str, Any]:
        """Run one turn after the other until it leaves early."""
        text, slots = turn.text(loop=False), turn.start()
        end = len(turn.lines) + 1
        for _ in range(turns):
            result = self.run(text, slots, False)
            if result["exit"] != end:
                break
            slots |= {slot: value for _, slot, value in result["entries"] if slot >= 0}
        return outcome(result, slots)

    def check(self, seed: int) -> str | None:
        """What is wrong, None: nothing."""
        turn = Turn(seed)
        rng = random.Random(seed)
        some = ",".join(name for name in PASSES if rng.random() < 0.6)
        straight, loop = turn.text(loop=False), turn.text(loop=True)
        once, often = self.reference(turn, 1), self.reference(turn, 1000)
        if self.verbose:
            print(loop, straight, sep="\n")
        ways: list[tuple[str, str, dict[str, Any], int]] = []
        if self.machine:
            ways.append(("machine", straight, once, 0))
        for passes in ("all", some):
            ways.append((f"straight, passes {passes}", straight, once, 0))
            ways.append((f"loop, passes {passes}", loop, often, turn.end))
        for name, text, wanted, end in ways:
            if "passes" in name:
                passes = name.split("passes ")[1]
                try:
                    text = self.engine._ir_optimize(text, passes, self.names, end)
                except ValueError as error:
                    if "gave the trace up" not in str(error):
                        return f"{name}: {error}"
                    self.given_up += 1
                    continue
            if self.verbose:
                print(f"-- {name}\n{text}")
            for machine in (False, True) if self.machine else (False,):
                slots = turn.start()
                got = outcome(self.run(text, slots, machine), slots)
                if got != wanted:
                    where = "machine code" if machine else "IR interpreter"
                    return f"{name}, by the {where}:{difference(got, wanted)}"
        return None


def child(args: argparse.Namespace) -> int:
    """Check seeds until the time is up; prints each before it is tried."""
    checker = Checker(args.machine, args.verbose)
    stop = time.monotonic() + args.seconds
    seed = args.seed
    found = 0
    while time.monotonic() < stop and seed < args.seed + args.count:
        print(f"seed {seed}", flush=True)
        fault = checker.check(seed)
        if fault is not None:
            print(f"FAULT seed {seed}: {fault}", flush=True)
            found += 1
        seed += 1
    print(
        f"DONE {seed - args.seed} traces, {checker.given_up} given up, {found} faults", flush=True
    )
    return 0


def main() -> int:
    """Run children until the time is up; the exit code says whether something was found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1 << 60, help="traces at most")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--machine", action="store_true", help="machine code, too")
    parser.add_argument("--verbose", action="store_true", help="show the traces")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return child(args)
    stop = time.monotonic() + args.seconds
    seed, faults = args.seed, 0
    while time.monotonic() < stop and seed < args.seed + args.count:
        command = [sys.executable, "-X", "faulthandler", __file__, "--child", f"--seed={seed}",
                   f"--count={args.seed + args.count - seed}",
                   f"--seconds={stop - time.monotonic()}"]  # fmt: skip
        command += ["--machine"] * args.machine + ["--verbose"] * args.verbose
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        out = done.stdout.splitlines()
        print("\n".join(out if args.verbose else [x for x in out if x[:5] != "seed "]))
        faults += sum(line.startswith("FAULT") for line in out)
        if done.returncode == 0:
            break
        last = [int(line[5:]) for line in out if line.startswith("seed ")][-1]
        print(f"FAULT seed {last}: the child died ({done.returncode})\n{done.stderr[-2000:]}")
        faults += 1
        seed = last + 1
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
