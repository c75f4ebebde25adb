"""What the passes leave of traces: textual IR in, textual IR out, and runs of both.

How it works: a Trace of ir_cases writes the IR; `optimize` sends every instruction through
fs_opt_emit as if it were recorded and runs the passes. Loops are one recorded turn, with `slots`
lines for what the slots have at its end. Each check_* is called in a child with the engine.
"""

from __future__ import annotations

import itertools
import re
import sys
from typing import Any

import fullspeed._engine as engine
from ir_cases import (
    FLOAT_OPS,
    FLOATS,
    INT_OPS,
    INTS,
    LEAVES,
    UNARY_OPS,
    Trace,
    host,
    literal,
    load_number,
    numbers,
    outs,
    pairs,
    run,
    same,
)

ITER = type(iter(range(3)))


class Point:
    """An instance whose attributes traces read and write."""

    def __init__(self) -> None:
        self.x = 1.0
        self.y = 1


NAMES: dict[str, Any] = {"host": host, "ITER": ITER, "Point": Point}


def optimize(text: str, passes: str = "all", end: int = 0, **names: Any) -> str:
    """The text after the passes."""
    return str(engine._ir_optimize(text, passes, {**NAMES, **names}, end))


def ops(text: str, part: str = "all") -> list[str]:
    """Names of the ops in order: of all, the first turn, or the loop."""
    names = [m[1] for m in re.finditer(r"^\d{4} +\S+ +(\S+)", text, re.MULTILINE)]
    if part == "all":
        return names
    at = names.index("LOOP")
    return names[:at] if part == "turn" else names[at + 1 :]


def gone(text: str, *names: str, part: str = "all") -> None:
    """None of these ops is left."""
    left = [op for op in ops(text, part) if op.split(".")[0] in names or op in names]
    assert not left, (left, text)


def count(text: str, name: str, wanted: int, part: str = "all") -> None:
    """As many of an op are left."""
    found = [op for op in ops(text, part) if op == name or op.split(".")[0] == name]
    assert len(found) == wanted, (name, len(found), wanted, text)


# ---- folding ----


def fold_one(op: str, values: tuple[Any, ...], wanted: Any, where: str) -> None:
    """One op, optimised: the value that it has without."""
    t = Trace()
    base = t("OBJ SLOAD", "#0")
    refs = [
        load_number(t, base, i, v) if where[i] == "m" else literal(v) for i, v in enumerate(values)
    ]
    failed = t.snap()
    guards = op.endswith("OV") or op.endswith("F2I")
    ref = t(op, *refs, snap=failed if guards else 0)
    t("- JEXIT", snap=t.values(ref))
    try:
        text = optimize(t.text())
    except ValueError:
        assert wanted is LEAVES, (op, values, where)  # it can never hold
        return
    result = run(text, {0: numbers(*values)})
    if wanted is LEAVES:
        assert outs(result) == [], (op, values, where, text)
    else:
        assert len(outs(result)) == 1, (op, values, where, text)
        assert same(outs(result)[0], wanted), (op, values, where, result, text)


def check_folding_is_exact() -> None:
    """Every op with constants in every place."""
    for table, values in ((INT_OPS, INTS), (FLOAT_OPS, FLOATS)):
        for op, model in table.items():
            for a, b in pairs(op, values):
                for where in ("cc", "mc", "cm"):
                    fold_one(op, (a, b), model(a, b), where)
    for op, (unary_values, unary) in UNARY_OPS.items():
        for a in unary_values:
            fold_one(op, (a,), unary(a), "c")


def check_algebra() -> None:
    """What needs no instruction, and cheaper ones."""
    simple = {
        "ADD": ("+0", ""), "SUB": ("+0", ""), "MUL": ("+1", ""), "MULOV": ("+0", ""),
        "ADDOV": ("+0", ""), "AND": ("-1", ""), "OR": ("+0", ""), "XOR": ("+0", ""),
        "SHL": ("+0", ""), "DIV": ("+1", ""), "MOD": ("+1", ""), "MUL ": ("+8", "SHL"),
        "DIV ": ("+8", "SHR"), "MOD ": ("+8", "AND"), "SUBOV": ("+3", "ADDOV"),
    }  # fmt: skip
    for op, (operand, left) in simple.items():
        t = Trace()
        base = t("OBJ SLOAD", "#0")
        number = load_number(t, base, 0, 5)
        snap = t.snap() if op.strip().endswith("OV") else 0
        ref = t(f"I64 {op.strip()}", number, operand, snap=snap)
        t("- JEXIT", snap=t.values(ref))
        text = optimize(t.text())
        rest = [o for o in ops(text) if o not in ("SLOAD", "LOAD.i64[const]", "JEXIT")]
        assert rest == ([left] if left else []), (op, text)


def float_rest(op: str, operand: str) -> list[str]:
    """What is left of x op constant."""
    t = Trace()
    number = load_number(t, t("OBJ SLOAD", "#0"), 0, 5.0)
    t("- JEXIT", snap=t.values(t(f"F64 {op}", number, operand)))
    return [o for o in ops(optimize(t.text())) if o[0] == "F"]


def check_floats_keep_zeroes() -> None:
    """x + 0.0 is not x, x - 0.0 and x * 1.0 are."""
    assert float_rest("FADD", "0.0") == ["FADD"]
    assert float_rest("FADD", "-0.0") == []
    assert float_rest("FSUB", "0.0") == []
    assert float_rest("FSUB", "-0.0") == ["FSUB"]
    assert float_rest("FMUL", "1.0") == []
    assert float_rest("FMUL", "0.0") == ["FMUL"]
    assert float_rest("FDIV", "4.0") == ["FMUL"]
    assert float_rest("FDIV", "3.0") == ["FDIV"]


def check_guards_merge() -> None:
    """A guard on a comparison is a guard on what is compared."""
    for floats in (False, True):
        for negated in (False, True):
            t = Trace()
            base = t("OBJ SLOAD", "#0")
            a, b = (load_number(t, base, i, 1.5 if floats else 3) for i in range(2))
            flag = t("B CMP.lt", a, b)
            t("- GUARD." + ("eq" if negated else "ne"), flag, "false", snap=t.snap())
            t("- GUARD.eq", flag, "false" if negated else "true", snap=t.snap())
            t("- JEXIT", snap=t.snap())
            text = optimize(t.text())
            gone(text, "CMP")
            count(text, "GUARD", 1)
            count(text, "GUARD." + (("nlt" if floats else "ge") if negated else "lt"), 1)


def check_boxes_fold() -> None:
    """Boxes that are opened again, types that are known."""
    t = Trace()
    base = t("OBJ SLOAD", "#0")
    number, real = load_number(t, base, 0, 1), load_number(t, base, 1, 1.0)
    failed = t.snap()
    box = t("OBJ BOXI", number, snap=failed)
    fbox = t("OBJ BOXF", real, snap=failed)
    t("- GTYPE", box, "<type int>", snap=failed)
    t("- GTYPE", fbox, "<type float>", snap=failed)
    t("- GTYPE", "True", "<type bool>", snap=failed)
    one = t("I64 UNBOXI", box, snap=failed)
    two = t("F64 UNBOXF", fbox)
    three = t("I64 UNBOXI", "True", snap=failed)
    t("- DROPBOX", box)
    t("- DROPBOX", fbox)
    t("- JEXIT", snap=t.values(one, two, three))
    text = optimize(t.text())
    gone(text, "BOXI", "BOXF", "GTYPE", "UNBOXI", "UNBOXF", "DROPBOX")
    assert outs(run(text, {0: numbers(7, 2.5)})) == [7, 2.5, 1]


# ---- forwarding and sharing ----


def check_forwarding() -> None:
    """Loads that stores and loads before answer, and what stands against it."""
    t = Trace()
    a, b = t("OBJ SLOAD", "#0"), t("OBJ SLOAD", "#1")
    first = t("I64 LOAD.i64[misc]", a, "#16")
    t("I64 LOAD.i64[misc]", a, "#16")
    t("- STORE.i64[misc]", b, "+5", "#24")  # may be a itself, but another offset? misc: unknown
    again = t("I64 LOAD.i64[misc]", a, "#16")
    stored = t("I64 LOAD.i64[misc]", b, "#24")
    t("- JEXIT", snap=t.values(first, again, stored))
    text = optimize(t.text())
    count(text, "LOAD", 2)
    assert " = +5" in text, text

    t = Trace()
    a, b = t("OBJ SLOAD", "#0"), t("OBJ SLOAD", "#1")
    vals = [t("PTR LOAD.ptr[objhdr]", o, "#-32") for o in (a, b)]
    first = t("OBJ LOAD.obj[attr]", vals[0], "#0")
    t("- STORE.obj[attr]", vals[1], "<obj 0>", "#8")
    second = t("OBJ LOAD.obj[attr]", vals[0], "#0")  # another offset: another attribute
    t("- STORE.obj[attr]", vals[1], "<obj 0>", "#0")
    third = t("OBJ LOAD.obj[attr]", vals[0], "#0")  # may be the same instance
    t("- JEXIT", snap=t.values(first, second, third))
    text = optimize(t.text())
    count(text, "LOAD.obj[attr]", 2)


def check_one_frame() -> None:
    """Places in the frame are told apart by their base, so that there is one, whatever is on."""
    for passes in ("all", "forward", "fold,forward", "cse", ""):
        t = Trace()
        t("- STORE.obj[frame]", t("PTR FRAME"), "<obj 0>", "#104")
        for i in range(300):  # (more than searches look at)
            t("I64 AND", "+5", f"+{i}")
        t("- STORE.obj[frame]", t("PTR FRAME"), "NULL", "#104")
        loaded = t("OBJ LOAD.obj[frame]", t("PTR FRAME"), "#104")
        t("- JEXIT", snap=t.values(loaded))
        text = optimize(t.text(), passes)
        count(text, "FRAME", 1)
        assert "<obj 0>" not in text.split("JEXIT")[1], text


def check_escapes_forget() -> None:
    """A call that may run anything: loads and types of heap objects are asked for again."""
    t = Trace()
    a = t("OBJ SLOAD", "#0")
    failed = t.snap()
    for _ in range(2):
        t("- GTYPE", a, "<Point>", snap=failed)
        t("- GTYPE", a, "<Point>", snap=failed)
        vals = t("PTR LOAD.ptr[objhdr]", a, "#-32")
        x = t("OBJ LOAD.obj[attr]", vals, "#0")
        t("- GTYPE", x, "<type float>", snap=failed)
        t("OBJ CALL @call_vector", f"(<host> {x})", "!error", snap=failed)
        t("- GPOKE", snap=failed)
    t("- GTYPE", x, "<type float>", snap=failed)
    t("- JEXIT", snap=t.values(x))
    text = optimize(t.text())
    count(text, "LOAD", 4)
    assert len(re.findall("GTYPE .* <Point>", text)) == 2, text
    assert len(re.findall("GTYPE .* <type float>", text)) == 2, text


def check_fresh_objects() -> None:
    """What is in an object that the trace has made is known, and nothing else is in it."""
    t = Trace()
    a, b = t("OBJ SLOAD", "#0"), t("OBJ SLOAD", "#1")
    failed = t.snap()
    t("- INCREF", a)
    t("- INCREF", b)
    made = t("OBJ NEWTUPLE", f"({a} {b})", snap=failed)
    size = t("I64 LOAD.i64[const]", made, "#16")
    t("- GUARD.ult", "+1", size, snap=failed)
    item = t("OBJ LOAD.obj[const]", made, "#32")
    t("- GTYPE", made, "<type tuple>", snap=failed)
    t("- GTYPE", t("OBJ NEWINST", "<Point>", "()", "!sunk"), "<Point>", snap=failed)
    t("- JEXIT", snap=t.values(item, made))
    gone(optimize(t.text(), "fold"), "GTYPE")
    text = optimize(t.text())
    gone(text, "LOAD", "GUARD", "GTYPE")
    thing = object()
    assert outs(run(text, {0: 1, 1: thing})) == [thing, (1, thing)]


# ---- loops ----


def number_loop() -> tuple[str, int]:
    """while i < n: s += i * i; i += 1, recorded; its text and the number of the last snapshot."""
    t = Trace("slots 5")
    start = t.snap()
    values = []
    for slot in (0, 1, 2):
        o = t("OBJ SLOAD", f"#{slot}")
        t("- GTYPE", o, "<type int>", snap=start)
        values.append(t("I64 UNBOXI", o, snap=start))
    n, i, s = values
    t("- GUARD.lt", i, n, snap=start)
    square = t("I64 MULOV", i, i, snap=start)
    total = t("I64 ADDOV", s, square, snap=start)
    middle = t.snap(f"0:2 = {total} stale", at=5)
    up = t("I64 ADDOV", i, "+1", snap=middle)
    end = t.snap(f"0:2 = {total} stale", f"0:1 = {up} stale")
    t("- GBREAK", snap=end)
    t.heads += [
        f"slot 1: end={up} first={int(up) + 1} stale",
        f"slot 2: end={total} first={int(total) + 1} stale",
    ]
    return t.text(), end


def check_loop_of_numbers() -> None:
    """Nothing but arithmetic stays in the loop; slots are right wherever it leaves."""
    text, end = number_loop()
    text = optimize(text, end=end)
    gone(text, "GTYPE", "UNBOXI", "SLOAD", part="loop")
    count(text, "PHI", 2, part="loop")
    count(text, "ADDOV", 1, part="loop")  # i + 1 <= n cannot overflow
    for passes in ("all", "fold", "fold,forward,cse", "fold,dce", "loop,cse", ""):
        text = optimize(number_loop()[0], passes, end=end)
        for n in (1, 2, 10):
            result = run(text, {0: n, 1: 0, 2: 5})
            values = dict((slot, value) for _, slot, value in result["entries"])
            assert values == {1: n, 2: 5 + sum(i * i for i in range(n))}, (passes, result, text)


def check_carried_memory() -> None:
    """The position of an iterator and an attribute go from turn to turn in registers."""
    t = Trace("slots 5")
    start = t.snap()
    it = t("OBJ SLOAD", "#0")
    t("- GTYPE", it, "<ITER>", snap=start)
    index = t("I64 LOAD.i64[iter]", it, "#16")
    length = t("I64 LOAD.i64[iter]", it, "#40")
    t("- GUARD.lt", index, length, snap=start)
    t("- STORE.i64[iter]", it, t("I64 ADD", index, "+1"), "#16")
    me = t("OBJ SLOAD", "#1")
    middle = t.snap(f"0:2 = {index} stale", at=4)
    t("- GTYPE", me, "<Point>", snap=middle)
    vals = t("PTR LOAD.ptr[objhdr]", me, "#-32")
    old = t("OBJ LOAD.obj[attr]", vals, "#0")
    t("- GTYPE", old, "<type float>", snap=middle)
    new = t("F64 FADD", t("F64 UNBOXF", old), "1.5")
    t("- STORE.obj[attr]", vals, t("OBJ BOXF", new, snap=middle), "#0")
    t("- DECREF", old, snap=middle)
    t("- GBREAK", snap=middle)
    t.heads += [f"slot 2: end={index} first={int(me)} stale"]
    text = optimize(t.text(), end=middle)
    gone(text, "LOAD", "GTYPE", "UNBOXF", part="loop")
    count(text, "STORE", 2, part="loop")
    point = Point()
    result = run(text, {0: iter(range(100)), 1: point, 2: -1}, **NAMES)
    assert point.x == 1.0 + 1.5 * 100 and result["entries"] == [(0, 2, 99)], (result, text)


def check_changed_memory_is_loaded() -> None:
    """A load that something later in the turn changes is not taken out of the loop."""
    t = Trace("slots 5")
    start = t.snap()
    data, other = t("OBJ SLOAD", "#0"), t("OBJ SLOAD", "#1")
    here = t("PTR LOAD.ptr[arrayhdr]", data, "#40")
    there = t("PTR LOAD.ptr[arrayhdr]", other, "#40")
    n = t("I64 LOAD.i64[raw]", here, "#0")
    t("- GUARD.gt", n, "+0", snap=start)
    t("- STORE.i64[raw]", there, t("I64 SUB", n, "+1"), "#0")
    t("- GBREAK", snap=start)
    text = optimize(t.text(), end=start)
    count(text, "LOAD.i64[raw]", 1, part="loop")
    gone(text, "LOAD.ptr[arrayhdr]", part="loop")
    both = bytearray(numbers(50))
    run(text, {0: both, 1: both})
    assert both == numbers(0)


def check_unstable_types() -> None:
    """A slot whose type changes is given up."""
    t = Trace("slots 5")
    start = t.snap()
    o = t("OBJ SLOAD", "#0")
    t("- GTYPE", o, "<type int>", snap=start)
    real = t("F64 I2F", t("I64 UNBOXI", o, snap=start))
    t("- GBREAK", snap=t.snap(f"0:0 = {real} stale"))
    t.heads += [f"slot 0: end={real} first={int(real) + 1} stale"]
    try:
        text = optimize(t.text(), end=2)
    except ValueError:
        return
    raise AssertionError(text)


def check_invariant_values() -> None:
    """A slot that gets the same value in every turn has it without a PHI."""
    t = Trace("slots 5")
    start = t.snap()
    o = t("OBJ SLOAD", "#0")
    t("- GTYPE", o, "<type int>", snap=start)
    n = t("I64 UNBOXI", o, snap=start)
    twice = t("I64 MULOV", n, "+3", snap=start)
    t("- GBREAK", snap=t.snap(f"0:1 = {twice} stale", "0:2 = +7 stale"))
    first = int(twice) + 1
    t.heads += [f"slot 1: end={twice} first={first} stale", f"slot 2: end=+7 first={first} stale"]
    text = optimize(t.text(), end=2)
    assert ops(text, "loop") == ["GBREAK", "JLOOP"], text


def check_virtual_objects_in_loops() -> None:
    """A tuple that only exits need is taken apart over the turns."""
    t = Trace("slots 5")
    start = t.snap()
    o = t("OBJ SLOAD", "#0")
    t("- GTYPE", o, "<type int>", snap=start)
    i = t("I64 UNBOXI", o, snap=start)
    t("- GUARD.lt", i, "+10", snap=start)
    up = t("I64 ADDOV", i, "+1", snap=start)
    pair = t("OBJ NEWTUPLE", f"({i} {up})", "!sunk")
    end = t.snap(f"0:0 = {up} stale", f"0:1 = {pair} stale")
    t("- GBREAK", snap=end)
    t.heads += [
        f"slot 0: end={up} first={int(up) + 1} stale",
        f"slot 1: end={pair} first={int(pair) + 1} stale",
    ]
    text = optimize(t.text(), end=end)
    result = run(text, {0: 0})
    assert sorted(result["entries"]) == [(0, 0, 10), (0, 1, (9, 10))], (result, text)


# ---- side traces ----


def parent_trace(*, loop: bool) -> tuple[str, int]:
    """A trace that knows a type, a version and a constant when it leaves; the guard."""
    t = Trace()
    start = t.snap()
    me, it = t("OBJ SLOAD", "#0"), t("OBJ SLOAD", "#1")
    t("- GTYPE", me, "<Point>", snap=start)
    version = t("I64 LOAD.u32[type]", "<Point>", "#384")
    t("- GUARD.eq", version, "+7", snap=start)
    t("- GTYPE", it, "<ITER>", snap=start)
    step = t("I64 LOAD.i64[const]", it, "#32")
    if loop:
        t("- LOOP")
    index = t("I64 LOAD.i64[iter]", it, "#16")
    flag = t("B CMP.lt", index, step)
    left = t.snap(f"0:8 = {flag}", depth=9)
    guard = t("- GUARD.eq", flag, "true", snap=left)
    t("- STORE.i64[iter]", it, "+1", "#16")
    t("- JLOOP" if loop else "- JEXIT", snap=0 if loop else start)
    return t.text(), int(guard)


def side_trace(t: Trace, flag: str) -> int:
    """Asks for all that again; the number of its last snapshot."""
    snap = t.snap()
    frame = t("PTR FRAME")
    me = t("OBJ LOAD.obj[frame]", frame, "#72", "!nullable")
    t("- GUARD.ne", me, "NULL", snap=snap)
    t("- GTYPE", me, "<Point>", snap=snap)
    version = t("I64 LOAD.u32[type]", "<Point>", "#384")
    t("- GUARD.eq", version, "+7", snap=snap)
    t("- GUARD.eq", flag, "false", snap=snap)
    return snap


def check_side_traces_know() -> None:
    """What the parent had found out is not asked again, until something may have changed it."""
    for loop in (False, True):
        parent, guard = parent_trace(loop=loop)
        flag = re.search(r"^(\d+) B CMP", parent, re.MULTILINE)
        assert flag is not None
        for change in ("", "call"):
            t = Trace()
            taken = t("B PLOAD", f"#{int(flag[1])}")
            if change == "call":
                t("OBJ CALL @call_vector", "(<host> None)", "!error", snap=t.snap())
            t("- JEXIT", snap=side_trace(t, taken))
            text = engine._ir_optimize(t.text(), "all", NAMES, parent=parent, guard=guard)
            asked = [op for op in ops(text) if op[0] == "G"]
            assert len(asked) == (3 if change else 0), (change, text)


# ---- dead code, sinking, reference counts ----


def check_dead_code() -> None:
    """What nobody needs goes, guards for their values' sake too; stores and guards stay."""
    t = Trace()
    base = t("OBJ SLOAD", "#0")
    failed = t.snap()
    a = load_number(t, base, 0, 1)
    t("I64 ADDOV", a, a, snap=failed)
    t("I64 UNBOXI", t("OBJ SLOAD", "#1"), snap=failed)
    t("F64 I2F", a)
    t("OBJ NEWTUPLE", f"({a})", "!sunk")
    t("- GUARD.gt", a, "+0", snap=failed)
    t("- STORE.i64[misc]", base, a, "#100")
    t("- JEXIT", snap=failed)
    text = optimize(t.text())
    assert ops(text) == ["SLOAD", "LOAD.i64[const]", "GUARD.gt", "STORE.i64[misc]", "JEXIT"], text
    t = Trace()
    a, b = t("OBJ SLOAD", "#0"), t("OBJ SLOAD", "#1")
    t("- GTYPE", a, "<type dict>", snap=t.snap())
    t("OBJ CALL @dict_find", f"({a} {b})", snap=t.snap())  # leaves where there is no such key
    t("F64 CALL @math_sin", "(1.5)")
    t("- JEXIT", snap=t.snap())
    text = optimize(t.text())
    assert ops(text) == ["SLOAD", "SLOAD", "GTYPE", "CALL", "JEXIT"] and "@dict_find" in text, text
    assert run(text, {0: {1: 2}, 1: 3})["exit"] != run(text, {0: {1: 2}, 1: 1})["exit"]


def check_boxes_sink() -> None:
    """A box that only an exit needs is made there; one that memory gets is not."""
    for stored in (False, True):
        t = Trace()
        base = t("OBJ SLOAD", "#0")
        failed = t.snap()
        box = t("OBJ BOXF", load_number(t, base, 0, 2.5), snap=failed)
        t("- INCREF", box)
        if stored:
            frame = t("PTR FRAME")
            t("- STORE.obj[frame]", frame, box, f"#{72 + 8}")
        t("- JEXIT", snap=t.values(box))
        text = optimize(t.text())
        assert ("!sunk" in text) == (not stored), text
        count(text, "INCREF", int(stored))


def check_slices_that_are_stored() -> None:
    """A slice from back to front that is only stored is not made; one that is kept is."""
    for kept in (False, True):
        t = Trace()
        items = t("OBJ SLOAD", "#0")
        start = t.snap()
        t("- GTYPE", items, "<type list>", snap=start)
        made = t("OBJ CALL", f"@slice_back ({items} +3 -9223372036854775808)", snap=start)
        between = t.snap(f"0:8 = {made} owned")
        t("- GTYPE", made, "<type list>", snap=between)
        t("I64 CALL", f"@slice_swap ({items} +0 +4 {made})", snap=between)
        t("- DECREF", made, snap=t.snap(f"0:drop = {made} owned"))
        t("- JEXIT", snap=t.snap(f"0:8 = {made}") if kept else start)
        text = optimize(t.text())
        assert text.count("@slice_back") == int(kept), text
        assert text.count("@slice_turn") == int(not kept), text
        count(text, "DECREF", int(kept))
        if not kept:
            for machine in (False, True):
                items = list("abcdefg")
                assert run(text, {0: items}, machine=machine)["exit"] > 0
                assert items == list("dcbaefg")


def check_magnitudes_are_compared_squared() -> None:
    """hypot() is not asked where only its value's side of a limit matters."""
    for kept, cond in ((False, "ngt"), (False, "gt"), (True, "ngt")):
        t = Trace()
        base = t("OBJ SLOAD", "#0")
        failed = t.snap()
        x, y = load_number(t, base, 0, 2.5), load_number(t, base, 1, 2.5)
        size = t("F64 CALL", f"@hypot ({x} {y})")
        t("- GUARD.lt", size, "inf", snap=failed)
        t(f"- GUARD.{cond}", size, "2.0", snap=t.snap())
        t("- JEXIT", snap=t.values(size) if kept else t.values(x))
        text = optimize(t.text())
        count(text, "CALL", int(kept))
        count(text, "GUARD", 2 if kept or cond == "gt" else 1)
        count(optimize(t.text(), "fold,forward,cse,loop,dce"), "CALL", 1)
        for machine in (False, True):
            for pair in ((1.0, 1.0), (3.0, 1.0), (2.0, 0.0), (1e300, 1e300), (0.0, 0.0)):
                far = max(pair) > 2.0
                sure = pair not in ((2.0, 0.0), (1e300, 1e300))
                result = run(text, {0: numbers(*pair)}, machine=machine)
                passed = bool(result["entries"])
                assert passed == (sure and far == (cond == "gt")), (pair, cond, text, result)


def check_equal_numbers() -> None:
    """A COPY is only left where one exit has both: then it is another object there."""
    for both in (False, True):
        t = Trace()
        base = t("OBJ SLOAD", "#0")
        failed = t.snap()
        value = t("F64 FADD", load_number(t, base, 0, 2.5), "1000.0")
        other = t("F64 COPY", value)
        t("- GUARD.lt", t("F64 FMUL", other, other), "0.5", snap=failed)
        t("- GUARD.gt", value, "0.5", snap=t.values(other, other))
        t("- JEXIT", snap=t.values(value, other) if both else t.values(other, other))
        text = optimize(t.text())
        count(text, "COPY", int(both))
        count(optimize(t.text(), "fold,forward,cse,loop,sink,refs,dce"), "COPY", 1)


def check_equal_numbers_in_loops() -> None:
    """A number that is computed before the loop is another object after every turn; two slots
    that have one object have one PHI."""
    t = Trace("slots 6")
    start = t.snap()
    o, before = t("OBJ SLOAD", "#0"), t("OBJ SLOAD", "#1")
    t("- GTYPE", o, "<type int>", snap=start)
    t("- GTYPE", before, "<type int>", snap=start)
    n = t("I64 UNBOXI", o, snap=start)
    sum_ = t("I64 ADDOV", n, t("I64 UNBOXI", before, snap=start), snap=start)
    thrice = t("I64 MULOV", n, "+3", snap=start)
    t(
        "- GUARD.lt", sum_, "+1000000",
        snap=t.snap(f"0:1 = {thrice} stale", f"0:2 = {before} stale", f"0:4 = {sum_} stale"),
    )  # fmt: skip
    first = int(thrice) + 1
    t.heads += [f"slot {slot}: end={thrice} first={first} stale" for slot in (1, 3)]
    t.heads += [f"slot {slot}: end={sum_} first={first} stale" for slot in (4, 5)]
    text = optimize(t.text(), end=2)
    # 4 and 5 share a PHI; the product of the turn before is told apart from that of this one
    assert ops(text, "loop").count("PHI") <= 2, text
    assert "MULOV" not in ops(text, "loop"), text
    result = run(text, {0: 250000, 1: 5})
    assert sorted(result["entries"]) == [(0, 1, 750000), (0, 2, 750000), (0, 4, 1000000)], result
    assert text.split("snap 4:")[1].count("0008") == 1, text  # one of the two is the PHI


def check_boxes_are_used_again() -> None:
    """A number that takes another's place gets its box, if nobody else has it."""
    for shared, machine, wide in itertools.product((False, True), (False, True), ((), ("!wide",))):
        t = Trace()
        me = t("OBJ SLOAD", "#0")
        failed = t.snap()
        vals = t("PTR LOAD.ptr[objhdr]", me, "#-32")
        for kind, offset in (("float", "#0"), ("int", "#8")):
            letter = kind[0].upper()
            old = t("OBJ LOAD.obj[attr]", vals, offset)
            t("- GTYPE", old, f"<type {kind}>", snap=failed)
            if kind == "float":
                new = t("F64 FADD", t("F64 UNBOXF", old), "1.5")
            else:
                number = t("I64 UNBOXI", old, *wide, snap=failed)
                new = t("I64 ADDOV", number, "+1", snap=failed)
            t("- STORE.obj[attr]", vals, t(f"OBJ BOX{letter}", new, snap=failed), offset)
            t("- DROPBOX", old)
        t("- JEXIT", snap=failed)
        text = optimize(t.text())
        count(text, "REBOXF", 1)
        count(text, "REBOXI", 1)
        gone(text, "DROPBOX")
        for n in (1000, -1000, 4, 256, -7, 2**30 - 1, -(2**30), 2**40, -(2**40), 2**60 - 1):
            point = Point()
            point.x, point.y = float(n), int(str(n))
            kept = (point.x, point.y) if shared else ()
            ids = id(point.x), id(point.y)
            run(text, {0: point}, machine=machine)
            assert (point.x, point.y) == (n + 1.5, n + 1), (n, point.x, point.y)
            assert kept in ((), (float(n), n))
            assert (id(point.x) == ids[0]) == (not shared)
            small = -5 <= n + 1 <= 256 or -5 <= n <= 256
            if not small and abs(n + 1) < 2**30:
                assert (id(point.y) == ids[1]) == (not shared)
            assert not -5 <= n + 1 <= 256 or point.y is int(str(n + 1))


def element(t: Trace, of: str, offset: int) -> str:
    """An object of memory with a reference of the trace's own."""
    o = t("OBJ LOAD.obj[attr]", of, f"#{offset}")
    t("- INCREF", o)
    return o


def check_pairs_of_counts_go() -> None:
    """A reference that nobody can miss is not made; exits in between borrow."""
    t = Trace()
    me = t("OBJ SLOAD", "#0")
    vals = t("PTR LOAD.ptr[objhdr]", me, "#-32")
    x = element(t, vals, 0)
    y = element(t, vals, 8)
    both = t.snap(f"0:5 = {x} owned", f"0:6 = {y} owned", depth=7)
    t("- GTYPE", x, "<type float>", snap=both)
    t("- GTYPE", y, "<type float>", snap=both)
    total = t("F64 FADD", t("F64 UNBOXF", x), t("F64 UNBOXF", y))
    t("- DROPBOX", y)
    t("- DECREF", x, snap=t.snap(f"0:drop = {x}"))
    t("- JEXIT", snap=t.values(total))
    text = optimize(t.text())
    gone(text, "INCREF", "DECREF", "DROPBOX")
    assert "owned" not in text, text


def check_pairs_that_stay() -> None:
    """Where the keeper may lose the object in between, the reference is needed."""
    for what in ("call", "store", "container"):
        t = Trace()
        me, other = t("OBJ SLOAD", "#0"), t("OBJ SLOAD", "#1")
        vals, theirs = (t("PTR LOAD.ptr[objhdr]", o, "#-32") for o in (me, other))
        x = element(t, vals, 0)
        held = t.snap(f"0:5 = {x} owned", depth=6)
        if what == "call":
            t("OBJ CALL @call_vector", f"(<host> {me})", "!error", snap=held)
        elif what == "store":
            old = t("OBJ LOAD.obj[attr]", theirs, "#0")
            t("- STORE.obj[attr]", theirs, "<obj 0>", "#0")
            t("- DECREF", old, snap=t.snap(f"0:5 = {x} owned", f"0:drop = {old}", depth=6))
        else:
            t("- DECREF", me, snap=t.snap(f"0:5 = {x} owned", f"0:drop = {me}", depth=6))
        t("- DECREF", x, snap=t.snap(f"0:drop = {x}"))
        t("- JEXIT", snap=t.snap())
        text = optimize(t.text())
        count(text, "INCREF", 1)
        count(text, "DECREF", 1 if what == "call" else 2)


def check_stores_of_what_is_there() -> None:
    """An object that is put where it is already: neither the store nor its counts are left."""
    for between, stores in (("", 1), ("call", 2), ("other", 3)):
        t = Trace()
        me, old = t("OBJ SLOAD", "#0"), t("OBJ SLOAD", "#3")
        vals, frame = t("PTR LOAD.ptr[objhdr]", me, "#-32"), t("PTR FRAME")
        v = element(t, vals, 0)
        t("- STORE.obj[frame]", frame, v, "#96")
        t("- DECREF", old, snap=t.snap(f"0:drop = {old} owned"))
        last = v
        if between == "call":
            done = t("OBJ CALL @call_vector", f"(<host> {me})", "!error", snap=t.snap())
            t("- DECREF", done, snap=t.snap(f"0:drop = {done} owned"))
        elif between == "other":
            last = element(t, vals, 8)
            t("- STORE.obj[frame]", frame, last, "#96")
            t("- DECREF", v, snap=t.snap(f"0:drop = {v} owned"))
        t("- INCREF", v)
        t("- STORE.obj[frame]", frame, v, "#96")
        t("- DECREF", last, snap=t.snap(f"0:drop = {last} owned"))
        t("- JEXIT", snap=t.snap())
        text = optimize(t.text())
        count(text, "STORE.obj[frame]", stores)
        if between == "":
            count(text, "INCREF", 1)
            count(text, "DECREF", 1)


def check_counts_of_numbers_in_loops() -> None:
    """A PHI that is a float in every turn: dropping it takes nothing else along."""
    for known, wanted in ((True, 0), (False, 1)):
        t = Trace("slots 8", "slot 1: end=0004 first=7")
        box, before = t("OBJ SLOAD", "#0"), t("OBJ SLOAD", "#1")
        items = t("PTR LOAD.ptr[listhdr]", box, "#24")
        now = t("OBJ LOAD.obj[listitem]", items, "#0")
        assert now == "0004"
        t("- INCREF", now)
        t("- STORE.obj[frame]", t("PTR FRAME"), now, "#80")
        pair = element(t, items, 8)
        held = f"0:5 = {pair} owned"
        t("- DECREF", before, snap=t.snap(held, f"0:drop = {before} owned", depth=6))
        t("- DECREF", pair, snap=t.snap(f"0:drop = {pair} owned"))
        if known:
            t("- GTYPE", now, "<type float>", snap=t.snap())
        t("I64 CALL @list_append", f"({box} None)", snap=t.snap())
        end = t.snap()
        text = optimize(t.text(), end=end)
        counts = [op for op in ops(text, "loop") if op == "INCREF"]
        assert len(counts) == 1 + wanted, (known, text)


CHECKS = [value for name, value in list(globals().items()) if name.startswith("check_")]


def main(name: str) -> None:
    """Run one check."""
    engine.enable()
    globals()[name]()


if __name__ == "__main__":
    engine.enable()
    for check in CHECKS if len(sys.argv) == 1 else [globals()[n] for n in sys.argv[1:]]:
        check()
        print("ok", check.__name__)
