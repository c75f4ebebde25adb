"""The trace IR: its text, its verifier, and what every op does in the IR interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from unit_child import ask_child, run_child

HERE = str(Path(__file__).parent)
IMPORT = f"""
import sys
sys.path.insert(0, {HERE!r})
import fullspeed._engine as engine
import ir_cases
names = {{"host": ir_cases.host, "inner": ir_cases.inner}}
"""
CHECKS = [
    "arithmetic", "guards", "truths", "memory", "boxes", "deaths", "allocations", "collector",
    "calls", "pokes", "loops", "side_traces", "frames", "slots", "many_values",
    "instances_again", "stencils", "list_sums",
]  # fmt: skip


@pytest.mark.parametrize("name", CHECKS)
def test_interpreter(name: str) -> None:
    done = run_child(IMPORT + f"ir_cases.main(False, 'check_{name}')")
    assert done.returncode == 0, done.stderr


def test_random_traces() -> None:
    fuzzer = Path(HERE).parent / "fuzz" / "fuzz_ir.py"
    command = [sys.executable, str(fuzzer), "--machine", "--count=400", "--seconds=60"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_checks_are_run() -> None:
    names = ask_child(IMPORT + "answer([check.__name__ for check in ir_cases.CHECKS])")
    assert names == [f"check_{name}" for name in CHECKS]


EVERYTHING = """\
frame 0: code=<host> func=- parent=-1 kind=0 base=root offset=0 ref=- call=0 depth=0
frame 1: code=<inner> func=0001 parent=0 kind=1 base=dstack offset=12 ref=- call=7 depth=6
slots 6
slot 0: end=0008 first=4 stale
slot 2: end=+5 first=0
0001 OBJ SLOAD #0 !nullable
0002 -   GTYPE 0001 <type int> snap=1
0003 I64 UNBOXI 0001 snap=1
0004 PTR FRAME
0005 -   LOOP
0006 I64 PHI +9223372036854775807 0008
0007 F64 PHI 0.1 -0.0
0008 I64 ADDOV 0006 -1 snap=2
0009 F64 SELECT true 1e+300 inf
0010 F64 FADD 0009 nan:0x7ff8000000000001
0011 B   CMP.nge 0010 -2.5
0012 OBJ LOAD.obj[frame] 0004 #72
0013 I64 LOADX.u8[raw] 0004 0008 #-5
0014 -   STORE.obj[attr] 0004 None #8
0015 -   STOREX.f32[raw] 0004 +1 0009 #0
0016 OBJ NEWTUPLE () !sunk
0017 OBJ NEWTUPLE (0016 +5 True <builtin len> <int 7> NULL) !sunk
0018 OBJ NEWINST <type ValueError> (0001 - 0001) snap=2
0019 OBJ CALL @call_vector (0001 <host> <type dict>) !error snap=2
0020 -   GUARD.ult 0013 +10 !nohot snap=3
0022 PTR LEA ptr:0x1234 #16
0023 -   JLOOP
snap 1: frame 0 at 0 depth 5 start
snap 2: frame 0 at 12 depth 6; 0:0 = 0006 stale; 0:5 = 0001 owned; 0:3 = -; 0:drop = 0001 owned
snap 3: frame 0 at 12 depth 6; frame 1 at 2 depth 4 real; 1:0 = 0017; 0:1 = 1.0
"""


def test_text_round_trip() -> None:
    again, fault = ask_child(
        IMPORT + f"text = {EVERYTHING!r}\n"
        "answer([engine._ir_format(text, names), engine._ir_verify(text, names)])"
    )
    assert again == EVERYTHING
    assert fault is None


def test_unnamed_objects_round_trip() -> None:
    assert ask_child(
        IMPORT
        + """
def f(): pass
text = engine._ir_format(f"0001 B CMP.eq <obj {id(f):#x}> <obj {id(names):#x}>\\n")
answer([text.count("<obj 0x") == 2, "function" in text, engine._ir_format(text) == text])
"""
    ) == [True, True, True]


BAD_LINES = [
    ("0001 I64 ADD +1", "a 64 bits number"),
    ("0001 I64 NOSUCH", "no such op"),
    ("0001 I65 ADD +1 +1", "no such type"),
    ("0001 B CMP.less +1 +1", "no such condition"),
    ("0001 I64 LOAD.i65[raw] ptr:0x0 #0", "no such width"),
    ("0001 I64 LOAD.i64[here] ptr:0x0 #0", "no such alias class"),
    ("0001 OBJ CALL @nothing ()", "no such call"),
    ("0001 - GTYPE <nobody> None", "is not given"),
    ("0001 - GTYPE <type nobody> None", "no builtin"),
    ("0001 OBJ NEWTUPLE (None", "')' is wanted"),
    ("0001 - JLOOP !often", "no such flag"),
    ("0002 - NOP\n0001 - NOP", "comes too late"),
    ("snap 2: frame 0 at 0 depth 0", "snapshot 1 is wanted"),
    ("snap 1: frame 0 at 0", "'depth' is wanted"),
    ("slot 0: end=- first=0", "not in"),
    ("frame 0: code=<type int>", "function or code object"),
    ("0001 I64 ADD +1 +99999999999999999999", "64 bits"),
    ("0001 - JEXIT what", "is wanted"),
]


@pytest.mark.parametrize(("text", "message"), BAD_LINES)
def test_reader_names_line_and_fault(text: str, message: str) -> None:
    found = ask_child(
        IMPORT
        + f"""
try:
    engine._ir_format("\\n# a comment\\n" + {text!r}, names)
    answer("nothing")
except ValueError as e:
    answer(str(e))
"""
    )
    line = 3 + text.count("\n")
    assert found.startswith(f"line {line}: "), found
    assert message in found or message == "a 64 bits number", found


GOOD = """\
frame 0: code=<host> func=- parent=-1 kind=0 base=root offset=0 ref=- call=0 depth=0
0001 OBJ SLOAD #0
0002 I64 UNBOXI 0001 snap=1
0003 -   LOOP
0004 I64 PHI 0002 0005
0005 I64 ADDOV 0004 +1 snap=1
0006 OBJ BOXI 0005 !sunk
0007 -   JLOOP
snap 1: frame 0 at 0 depth 5; 0:0 = 0001
"""
FAULTS = [
    ("0002 I64 UNBOXI 0001 snap=1", "0002 I64 UNBOXI 0005 snap=1", "not defined yet"),
    ("0002 I64 UNBOXI 0001 snap=1", "0002 I64 UNBOXI 0003 snap=1", "not defined yet"),
    ("0005 I64 ADDOV 0004", "0005 I64 ADDOV 0003", "no value"),
    ("0005 I64 ADDOV 0004", "0005 I64 ADDOV 0001", "a is OBJ"),
    ("0005 I64 ADDOV 0004", "0005 I64 ADDOV -", "no such instruction"),
    ("0002 I64 UNBOXI", "0002 PTR UNBOXI", "type is wrong"),
    ("+1 snap=1", "+1", "no snapshot"),
    ("+1 snap=1", "+1 snap=4", "no such snapshot"),
    ("0007 -   JLOOP", "0007 -   NOP", "no end"),
    ("0007 -   JLOOP", "0007 - JLOOP\n0008 - JLOOP", "goes on behind"),
    ("0003 -   LOOP\n0004 I64 PHI 0002 0005\n", "0004 I64 ADD 0002 +1\n", "no LOOP"),
    ("0006 OBJ BOXI 0005 !sunk", "0006 - LOOP", "second LOOP"),
    ("0006 OBJ BOXI 0005 !sunk", "0006 I64 PHI 0002 0005", "behind LOOP"),
    ("0004 I64 PHI 0002 0005", "0004 I64 PHI 0002 2.0", "operands are I64 and F64"),
    ("0004 I64 PHI 0002 0005", "0004 I64 PHI 0006 0005", "not defined yet"),
    ("0006 OBJ BOXI 0005 !sunk", "0006 B CMP.ult 1.0 2.0", "condition"),
    ("0006 OBJ BOXI 0005 !sunk", "0006 B CMP.lt None None", "condition"),
    ("0006 OBJ BOXI 0005 !sunk", "0006 - STORE.f64[raw] 0001 +1 #0", "I64 stored as f64"),
    ("0006 OBJ BOXI 0005 !sunk", "0006 I64 LOAD.obj[raw] 0001 #0", "type is wrong"),
    ("0006 OBJ BOXI 0005 !sunk", "0006 F64 CALL @float_pow (1.0)", "1 arguments, not 2"),
    ("0006 OBJ BOXI 0005 !sunk", "0006 F64 CALL @float_pow (1.0 +1)", "argument 1 is I64"),
    ("0006 OBJ BOXI 0005 !sunk", "0006 OBJ NEWTUPLE (+1) snap=1", "argument 0 is I64"),
    ("0006 OBJ BOXI 0005 !sunk", "0006 OBJ NEWTUPLE (-) snap=1", "no such instruction"),
    ("0006 OBJ BOXI 0005 !sunk", "0006 I64 ADD +1 +1 (+1)", "has no arguments"),
    ("0006 OBJ BOXI 0005 !sunk", "0006 - PUSHFRAME #1", "no such frame"),
    ("0007 -   JLOOP", "0007 - INCREF 0006\n0008 - JLOOP", "only exits make"),
    ("0:0 = 0001", "0:0 = 0004", "not defined yet"),
    ("0:0 = 0001", "1:0 = 0001", "entry for frame 1"),
    ("0:0 = 0001", "0:-2 = 0001", "slot -2"),
    ("0:0 = 0001", "0:drop = -", "drops nothing"),
    ("0:0 = 0001", "0:drop = +1", "has a I64"),
    ("0:0 = 0001", "0:0 = ptr:0x1", "has a PTR"),
    ("frame 0 at 0 depth 5;", "", "outside of its arrays"),
    ("frame 0 at 0 depth 5;", "frame 1 at 0 depth 5;", "frame 1 at place 0"),
    (GOOD, "snap 1: frame 0 at 0 depth 0\n", "empty"),
]


def test_verifier_accepts_what_is_good() -> None:
    assert ask_child(IMPORT + f"answer(engine._ir_verify({GOOD!r}, names))") is None


@pytest.mark.parametrize(("part", "instead", "message"), FAULTS)
def test_verifier_finds(part: str, instead: str, message: str) -> None:
    assert GOOD.count(part) == 1
    text = GOOD.replace(part, instead)
    fault = ask_child(IMPORT + f"answer(engine._ir_verify({text!r}, names))")
    assert fault is not None
    assert message in fault
