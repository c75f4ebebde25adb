"""Why a trace was left, or never made, in terms of the program's source.

How it works: an exit has the IR of its guard and the place where the interpreter goes on. The
guard says what was checked (a type, a condition, an index); the bytecode at the place, with its
column positions, says which expression that was about, and the snapshot which variable.

What must stay true: a sentence says no more than is known. Where the guard could stand for several
things the sentence names the expression and stays general.
"""

import dis
import linecache
import re
from dataclasses import dataclass
from types import CodeType
from typing import Any


@dataclass(frozen=True)
class Reason:
    """A sentence, what would help ("": nothing has to), and whether it is a fault of speed."""

    text: str
    help: str = ""
    costly: bool = False


ABORT_HELP = {
    "too_long": "Less code in one turn: move rare cases into functions, split the loop.",
    "exception": "An exception ends the recording: test before, where exceptions are the rule.",
    "loop_over": "Its loop ends after a turn or two: it is tried again in another turn.",
    "inner_loop": "See the loop inside it: this one is compiled when that one is.",
    "type_unstable": "Let each variable keep one type: begin a sum of floats with 0.0, not 0.",
    "unsupported_call": "Take this call out of the loop, or write what it does in Python.",
    "unsupported_type": "Values of this type are not followed: convert them before the loop.",
    "generator": "A generator is compiled with the loop that takes its items, not by itself.",
    "too_deep": "Less deeply nested calls; a loop in place of the recursion.",
    "backend": "Shorter loops with fewer live variables.",
    "code_memory": "FULLSPEED_JIT_MEMORY gives more room for machine code.",
    "overtaken": "One turn takes long: what it calls is worth more than the loop itself.",
    "not_selected": "FULLSPEED_JIT_ONLY and FULLSPEED_JIT_SKIP say what is compiled.",
}
OP_HELP = {
    "IMPORT_NAME": "Move the import to the top of the module.",
    "IMPORT_FROM": "Move the import to the top of the module.",
    "BEFORE_WITH": "Take the with statement out of the loop.",
    "WITH_EXCEPT_START": "Take the with statement out of the loop.",
    "MAKE_FUNCTION": "Define the function, lambda or comprehension outside of the loop.",
    "YIELD_VALUE": "A generator is compiled with the loop that takes its items, not by itself.",
    "GET_YIELD_FROM_ITER": "The inner generator is compiled with the loop that takes the items.",
    "SEND": "Coroutines and `yield from` are compiled with the loop that drives them.",
    "GET_AWAITABLE": "Coroutines run in the interpreter: await less often, more at a time.",
    "GET_ANEXT": "Coroutines run in the interpreter: await less often, more at a time.",
    "STORE_NAME": "Put the loop into a function: code of modules and classes is slower.",
    "LOAD_NAME": "Put the loop into a function: code of modules and classes is slower.",
    "RAISE_VARARGS": "Raise where it is rare.",
    "LOAD_BUILD_CLASS": "Define the class outside of the loop.",
    "CALL_FUNCTION_EX": "Pass arguments by themselves, without * and **.",
}

# Of a place whose trace is not entered for a while (jit_worth.c).
RESTS = "what it does per entry does not pay for entering and leaving; it is tried again later"


def abort_words(row: dict[str, Any]) -> Reason:
    """Why a place was given up or has no trace yet; `row` is one of jit_places()."""
    why = row["why"]
    if why is None:
        return Reason("")
    text = row["why_text"]
    code, slot = row.get("stop_code"), row.get("stop_slot", -1)
    at = segment(code, slot) if code is not None and slot >= 0 else ""
    line = row.get("stop_line")
    if why in ("unsupported_op", "unsupported_call", "unsupported_type") and row.get("op"):
        text += f" ({row['op']})"
    elif why == "no_gain" and row["traces"] == 0 and row["stop_line"]:
        return Reason(
            "it mostly calls functions that are not followed; the interpreter calls them faster",
            "See why those functions are not compiled.",
        )
    elif why == "no_gain" and row["kind"] == "entry" and row["traces"] == 0:
        return Reason(
            "it is so short that entering machine code costs more than that would save "
            "(in compiled loops that call it, it is compiled)"
        )
    elif why == "no_gain":
        return Reason(
            "its trace was left more often than not before anything was done in it",
            "Loops of several turns, values of one type: see where it is left.",
            True,
        )
    elif why == "left":
        text = "the loop ended, or the function returned, before one turn was over"
    if at:
        text += f": `{at}`"
    if line and line != row["line"]:
        text += f", line {line}"
    hint = ABORT_HELP.get(why, "")
    if why == "unsupported_op":
        hint = OP_HELP.get(row.get("op") or "", "Take this out of the loop.")
    return Reason(text, hint, True)


_positions: dict[CodeType, list[tuple[Any, ...]]] = {}


def line_of(code: CodeType, slot: int) -> int:
    """The line of a slot, or of the last one before that has one; 0: none."""
    if code not in _positions:
        _positions[code] = list(code.co_positions())
    return next((p[0] for p in reversed(_positions[code][: slot + 1]) if p[0]), 0)


def segment(code: CodeType, slot: int) -> str:
    """The source of the expression that the instruction at a slot belongs to; "" if not known."""
    if code not in _positions:
        _positions[code] = list(code.co_positions())
    table = _positions[code]
    if not 0 <= slot < len(table):
        return ""
    line, end, column, end_column = table[slot]
    if line is None or end is None or column is None or end_column is None:
        return ""
    lines = linecache.getlines(code.co_filename)[line - 1 : end]
    if len(lines) != end - line + 1:
        return ""
    raw = [text.encode() for text in lines]
    raw[-1] = raw[-1][:end_column]
    raw[0] = raw[0][column:]
    text = " ".join(b" ".join(raw).decode(errors="replace").split())
    return text if len(text) <= 60 else text[:57] + "..."


class _Ops:
    """The instructions of a code object by slot."""

    _cache: dict[CodeType, "_Ops"] = {}

    def __init__(self, code: CodeType) -> None:
        """Find instructions, and the jumps that lead to each."""
        self.at = {i.offset // 2: i for i in dis.get_instructions(code)}
        self.jumps: dict[int, list[dis.Instruction]] = {}
        before: dis.Instruction | None = None
        for slot, ins in self.at.items():
            if before is not None and is_branch(before):
                self.jumps.setdefault(slot, []).append(before)
            if is_branch(ins):
                self.jumps.setdefault(ins.argval // 2, []).append(ins)
            before = ins

    def block_to(self, slot: int) -> list[dis.Instruction]:
        """The instructions of a slot's basic block up to that slot."""
        block: list[dis.Instruction] = []
        for at, ins in self.at.items():
            if at in self.jumps or ins.is_jump_target:
                block = []
            block.append(ins)
            if at >= slot:
                return block
        return []

    @classmethod
    def of(cls, code: CodeType) -> "_Ops":
        """The instructions of a code object, found once."""
        if code not in cls._cache:
            cls._cache[code] = cls(code)
        return cls._cache[code]


def lines_of(trace: dict[str, Any]) -> set[tuple[str, int]]:
    """The lines that a trace runs: those of the basic blocks that it has checks in.

    Where a check goes to the other side of a branch, the block that ends in the branch counts.
    """
    found = set()
    for code, slot in trace["slots"] or ():
        ops = _Ops.of(code)
        starts = [slot]
        if slot in ops.jumps:
            starts = [jump.offset // 2 for jump in ops.jumps[slot]]
            starts = starts if len(starts) == 1 else []
        for start in starts:
            for ins in ops.block_to(start):
                if ins.positions is not None and ins.positions.lineno is not None:
                    found.add((code.co_filename, ins.positions.lineno))
    return found


def is_branch(ins: dis.Instruction) -> bool:
    """Whether an instruction goes one of two ways."""
    return ins.opname == "FOR_ITER" or "JUMP" in ins.opname and "IF" in ins.opname


@dataclass
class _Guard:
    """A line of IR: `0020 -   GTYPE 0018 <type int> snap=5`."""

    op: str
    cond: str
    operands: list[str]
    flags: set[str]


_OPERAND = re.compile(r"<[^<>]*(?:<[^<>]*>[^<>]*)*>|\S+")


def _parse(line: str) -> _Guard:
    """Take a line of IR apart."""
    words = _OPERAND.findall(line[9:])
    name, _, cond = words[0].partition(".")
    rest = [w for w in words[1:] if not w.startswith(("!", "snap=", "#"))]
    if name == "CALL":
        cond = rest.pop(0)
    return _Guard(name, cond, rest, {w[1:] for w in words if w.startswith("!")})


class Trace:
    """The IR of a trace, by instruction."""

    def __init__(self, row: dict[str, Any]) -> None:
        """Index the text of one trace of jit_traces(ir=True)."""
        self.lines: dict[int, str] = {}
        self.snaps: dict[int, str] = {}
        for line in (row["ir"] or "").splitlines():
            if line[:4].isdigit():
                self.lines[int(line[:4])] = line
            elif line.startswith("snap "):
                number, _, rest = line[5:].partition(":")
                self.snaps[int(number)] = rest

    def guard(self, ref: int) -> _Guard | None:
        """The instruction of an exit."""
        return _parse(self.lines[ref]) if ref in self.lines else None

    def define(self, ref: str) -> _Guard | None:
        """The instruction that makes a value; None for constants."""
        return self.guard(int(ref)) if ref.isdigit() else None

    def variable(self, ref: str, exit: dict[str, Any]) -> str:
        """The name of the local variable of the exit's function that has this value, or ""."""
        code: CodeType = exit["code"]
        names = code.co_varnames + code.co_cellvars + code.co_freevars
        made = self.lines.get(int(ref), "") if ref.isdigit() else ""
        snap = self.snaps.get(exit["snap"], "")
        top = snap.partition(";")[0].count("frame ") - 1 if ";" in snap else 0
        frames = len(re.findall(r"frame \d+ at", snap))
        slot = re.search(r"SLOAD #(\d+)", made)
        if slot and frames <= 1:
            number = int(slot[1])
            return names[number] if number < len(names) else ""
        for frame, number, value in re.findall(r"(\d+):(\d+) = (\S+)", snap):
            if value == ref and int(frame) == max(frames - 1, top) and int(number) < len(names):
                return names[int(number)]
        return ""


def _type_reason(trace: Trace, guard: _Guard, exit: dict[str, Any], at: str) -> Reason:
    kind = re.sub(r"<type (.*)>", r"\1", guard.operands[1])
    kind = re.sub(r"<obj \S+ (?:type |object )?([^ ]+)>", r"\1", kind)
    name = trace.variable(guard.operands[0], exit)
    if kind.startswith("<"):
        kind = "what it was when this was compiled"
    if name:
        return Reason(
            f"the type of `{name}` is not {kind} any more" + (f" in `{at}`" if at else ""),
            f"Let `{name}` have one type here; a form for each type is made, up to four.",
            True,
        )
    return Reason(
        f"a value in `{at}` is not of type {kind} any more" if at else f"a value is not {kind}",
        "Use values of one type here; a form for each type is made, up to four.",
        True,
    )


_MEMORY = {
    "type": ("a class was changed, or the object is of another one", "Set attributes of classes "
             "before the hot code runs."),
    "func": ("another function is called, or its code or defaults were changed", "Call the same "
             "function from one place; a closure that is made anew is another function."),
    "dictval": ("a global or attribute has another value", "Hand values that change on as "
                "arguments, not as globals."),
    "dicthdr": ("names of a module, class or object were added or removed", "Set all attributes in "
                "__init__, always in one order."),
    "objhdr": ("an object keeps its attributes in another way", "Set all attributes in __init__; "
               "do not use __dict__ of hot objects."),
    "attr": ("an attribute is not set, or has another value", "Set all attributes in __init__."),
    "cell": ("a variable of an outer function has another value", ""),
}  # fmt: skip


# Functions that decline (ir_calls.def): what that means.
_CALLS = {
    "str_item": "the index is out of range",
    "list_pop": "the list is empty",
    "dict_get_str": "the key is not there",
    "dict_swap_str": "the key is new",
    "dict_has_str": "the key is no str",
    "list_append": "the list has to grow, and there is no memory",
}


def _memory_of(trace: Trace, guard: _Guard) -> str:
    """The alias class of the load that a guard looks at, or ""."""
    for ref in guard.operands:
        made = trace.define(ref)
        if made is not None and made.op.startswith("LOAD"):
            found = re.search(r"\[(\w+)\]", made.cond)
            if found:
                return found[1]
    return ""


def _branch_reason(code: CodeType, slot: int) -> Reason | None:
    """What an exit to the other side of a branch says."""
    jumps = _Ops.of(code).jumps.get(slot, [])
    if not jumps:
        return None
    if len({jump.offset for jump in jumps}) > 1:
        ins = _Ops.of(code).at[slot]
        line = ins.positions.lineno if ins.positions is not None else None
        if all(jump.opname == "FOR_ITER" for jump in jumps):
            return Reason("the loop is over")
        return Reason(f"a condition goes the other way, on to line {line}")
    jump = jumps[0]
    place = jump.offset // 2
    line = jump.positions.lineno if jump.positions else None
    if jump.opname == "FOR_ITER":
        return Reason(f"the loop in line {line} is over")
    at = segment(code, place)
    return Reason(f"the condition `{at}` in line {line} goes the other way" if at else
                  f"the condition in line {line} goes the other way")  # fmt: skip


def _guard_reason(trace: Trace, guard: _Guard, exit: dict[str, Any], at: str, op: str) -> Reason:
    quoted = f"`{at}`" if at else "this line"
    memory = _memory_of(trace, guard)
    if op in ("BINARY_SUBSCR", "STORE_SUBSCR", "DELETE_SUBSCR") and guard.cond in (
        "ult", "uge", "lt", "ge", "ule", "ugt",
    ):  # fmt: skip
        return Reason(
            f"the index in {quoted} is out of range",
            "Where it happens often: compare with len() before.",
            True,
        )
    if op == "FOR_ITER":
        return Reason("the loop is over")
    if op == "UNPACK_SEQUENCE" and guard.cond == "eq":
        return Reason(f"{quoted} unpacks another number of values", "", True)
    if op == "BINARY_OP" and guard.cond == "ne" and "+0" in guard.operands:
        return Reason(f"division by zero in {quoted}", "", True)
    branch = None if memory in ("type", "func", "dicthdr") else _branch_reason(
        exit["code"], exit["slot"])  # fmt: skip
    if branch is not None and op not in ("LOAD_GLOBAL", "LOAD_ATTR", "LOAD_METHOD", "CALL"):
        return branch
    if memory in _MEMORY:
        text, hint = _MEMORY[memory]
        return Reason(f"{text}: {quoted}", hint, True)
    if op in ("PRECALL", "CALL", "KW_NAMES"):
        return Reason(f"another function is called, or with other arguments: {quoted}",
                      "Call the same function from one place.", True)  # fmt: skip
    if "JUMP" in op or op in ("COMPARE_OP", "IS_OP", "CONTAINS_OP"):
        return Reason(f"the condition {quoted} goes the other way")
    if op == "LOAD_FAST" and "NULL" in guard.operands:
        return Reason(f"{quoted} is not bound", "", True)
    return Reason(f"what was found in {quoted} when this was compiled does not hold any more",
                  "", True)  # fmt: skip


def exit_words(trace: Trace, exit: dict[str, Any]) -> Reason:
    """Why an exit of jit_traces(ir=True, code=True) is taken."""
    guard = trace.guard(exit["ref"])
    code, slot = exit["code"], exit["slot"]
    found = _Ops.of(code).at.get(slot)
    op = found.opname if found is not None else ""
    at = segment(code, slot)
    quoted = f"`{at}`" if at else "this line"
    if guard is None:
        return Reason(f"a check of {exit['guard']} failed")
    if guard.op == "GTYPE":
        return _type_reason(trace, guard, exit, at)
    if guard.op in ("ADDOV", "SUBOV", "MULOV"):
        return Reason(
            f"the result of {quoted} needs more than 64 bits",
            "Ints of up to 64 bits are fast: reduce (%, &) where that is meant.",
            True,
        )
    if guard.op == "UNBOXI":
        name = trace.variable(guard.operands[0], exit)
        what = f"`{name}`" if name else f"an int in {quoted}"
        return Reason(
            f"{what} has more than 60 bits",
            "Ints of up to 60 bits are fast: reduce (%, &) where that is meant.",
            True,
        )
    if guard.op == "F2I":
        return Reason(f"a float in {quoted} does not fit an int of 64 bits", "", True)
    if guard.op == "GUARD":
        return _guard_reason(trace, guard, exit, at, op)
    if guard.op == "DECREF":
        return Reason(
            f"an object dies at {quoted}, which may run code (__del__, weak reference)",
            "Objects without finalizers die in the trace.",
            True,
        )
    if guard.op == "CALL":
        call = guard.cond[1:]
        if op == "FOR_ITER":
            return Reason("the loop is over, or its iterator raises an exception")
        if call in _CALLS:
            return Reason(f"{_CALLS[call]}: {quoted}", "", True)
        if "error" in guard.flags:
            return Reason(
                f"{quoted} raises an exception", "Test before, where exceptions are the rule.", True
            )
        return Reason(f"{quoted} is a case that the fast way does not do ({call})", "", True)
    if guard.op == "GBREAK":
        return Reason("something is pending: a signal, a thread that waits, a collection")
    if guard.op == "GPOKE":
        return Reason("tracing or disable(), or the trace was thrown away while it ran")
    if guard.op in ("JEXIT", "JTRACE"):
        if "nohot" in guard.flags or op == "RETURN_VALUE":
            return Reason("the trace is at its end here: the function returns")
        return Reason("the trace ends at the head of a loop and goes on from there")
    if guard.op.startswith(("NEW", "BOX", "REBOX")):
        return Reason("a garbage collection is due, or memory is out")
    return Reason(f"a check of {guard.op} failed in {quoted}")
