"""Machine code: every op does what the IR interpreter does, and looks as it should."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from test_ir import CHECKS, IMPORT
from unit_child import ask_child, run_child

FRAME = "frame 0: code=<host> func=- parent=-1 kind=0 base=root offset=0 ref=- call=0 depth=0\n"
OFF = {"FULLSPEED_JIT": "0"}  # no traces but the tests' own
LIST = f"slots = {{0: ir_cases.numbers(7, 3, 1.5)}}\nOFF = {bytes.__basicsize__ - 1}\n"


@pytest.mark.parametrize("name", CHECKS)
def test_machine_code(name: str) -> None:
    done = run_child(IMPORT + f"ir_cases.main(True, 'check_{name}')", env=OFF)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("first", [0, 10000, 20000])
def test_random_traces(first: int) -> None:
    done = run_child(IMPORT + f"import asm_fuzz\nasm_fuzz.main({first}, 700)", env=OFF)
    assert done.returncode == 0, done.stderr[-4000:]


def disassemble(text: str, tmp_path: Path) -> dict[int, str]:
    """The instructions of a trace by their offset: 'add rax,rcx'."""
    if shutil.which("objdump") is None:
        pytest.skip("objdump (binutils) is not installed")
    code = ask_child(
        IMPORT + LIST + f"text = {text!r}.replace('@OFF', str(OFF))\n"
        "text = text.replace('@NEXT', str(OFF + 8))\n"
        "result = ir_cases.run(text, slots, machine=True)\n"
        "answer(result['code'][0].hex())",
        env=OFF,
    )
    file = tmp_path / "code"
    file.write_bytes(bytes.fromhex(code))
    listing = subprocess.run(
        ["objdump", "-D", "-b", "binary", "-m", "i386:x86-64", "-M", "intel", str(file)],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    rows = re.findall(r"^\s*([0-9a-f]+):\t[0-9a-f ]+\t(.*)$", listing, re.MULTILINE)
    return {int(at, 16): re.sub(r"\s+", " ", row.split("#")[0]).strip() for at, row in rows}


LOOP = (
    FRAME
    + """\
0001 OBJ SLOAD #0
0002 I64 LOAD.i64[const] 0001 #@OFF
0003 I64 LOAD.i64[const] 0001 #@NEXT
0004 -   LOOP
0005 I64 PHI 0002 0008
0006 I64 PHI 0003 0007
0007 I64 ADDOV 0006 0005 snap=1
0008 I64 ADDOV 0005 +1 snap=1
0009 B   CMP.lt 0008 +1000
0010 -   GUARD.eq 0009 true snap=2
0011 -   JLOOP
snap 1: frame 0 at 0 depth 5; 0:1 = 0005; 0:2 = 0006
snap 2: frame 0 at 0 depth 5; 0:1 = 0008; 0:2 = 0007
"""
)


def test_a_loop_is_tight(tmp_path: Path) -> None:
    """PHIs stay in their registers, the compare melts into its guard, all exits are out of line."""
    rows = disassemble(LOOP, tmp_path)
    end, jump = next((at, row) for at, row in rows.items() if row.startswith("jmp 0x"))
    start = int(jump.split()[1], 16)
    assert start % 32 == 0
    body = [row for at, row in rows.items() if start <= at <= end]
    names = [row.split()[0] for row in body]
    # The second addition's snapshot needs what the first one has replaced: one copy, and back.
    assert names.count("mov") <= 2, body
    assert [n for n in names if n != "mov"] == ["add", "jo", "add", "jo", "cmp", "jge", "jmp"], body


def test_undone_on_overflow(tmp_path: Path) -> None:
    """A checked addition in place: its exit subtracts again, the way on has no copy."""
    text = (
        FRAME
        + """\
0001 OBJ SLOAD #0
0002 I64 LOAD.i64[const] 0001 #@OFF
0003 I64 ADDOV 0002 +9223372036854775807 snap=1
0004 -   JEXIT snap=2
snap 1: frame 0 at 0 depth 5; 0:1 = 0002
snap 2: frame 0 at 0 depth 5; 0:1 = 0003
"""
    )
    rows = list(disassemble(text, tmp_path).values())
    add = next(i for i, row in enumerate(rows) if row.startswith("add "))
    assert rows[add + 1].startswith("jo ")
    assert any(row.startswith("sub ") for row in rows[add + 2 :]), rows
    answer = ask_child(
        IMPORT + LIST + f"text = {text!r}.replace('@OFF', str(OFF))\n"
        "answer([r['exit'] for r in [ir_cases.run(text, slots, machine=True)]] + "
        "[v for v in ir_cases.outs(ir_cases.run(text, slots, machine=True))])",
        env=OFF,
    )
    assert answer == [3, 7]


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("lt", ["jbe"]),
        ("le", ["jb"]),
        ("gt", ["jbe"]),
        ("ge", ["jb"]),
        ("eq", ["jne", "jp"]),
        ("ne", ["jp", "je"]),
        ("nlt", ["ja"]),
        ("nge", ["jae"]),
    ],
)
def test_guards_of_floats(condition: str, wanted: list[str], tmp_path: Path) -> None:
    """A compare and one jump (with parity for == and !=), no truth value in between."""
    text = (
        FRAME
        + f"""\
0001 OBJ SLOAD #0
0002 F64 LOAD.f64[const] 0001 #@OFF
0003 F64 LOAD.f64[const] 0001 #@NEXT
0004 B   CMP.{condition} 0002 0003
0005 -   GUARD.eq 0004 true snap=1
0006 -   JEXIT snap=1
snap 1: frame 0 at 0 depth 5; 0:1 = 0002
"""
    )
    rows = list(disassemble(text, tmp_path).values())
    at = next(i for i, row in enumerate(rows) if row.startswith("ucomisd"))
    assert [row.split()[0] for row in rows[at + 1 : at + 1 + len(wanted)]] == wanted
    assert not any(row.startswith("set") for row in rows)


def test_guards_of_memory(tmp_path: Path) -> None:
    """A number that is loaded for a guard alone is compared where it stands."""
    text = (
        FRAME
        + """\
0001 OBJ SLOAD #0
0002 I64 LOAD.i64[const] 0001 #@OFF
0003 -   GUARD.eq 0002 +7 snap=1
0004 I64 LOAD.u32[const] 0001 #@NEXT
0005 -   GUARD.ne 0004 +4000000000 snap=1
0006 I64 LOAD.i64[const] 0001 #@NEXT
0007 -   GUARD.ult 0006 +1000000000000 snap=1
0008 I64 LOAD.i64[const] 0001 #@NEXT
0009 -   GUARD.eq 0008 +3 snap=2
0010 -   JEXIT snap=1
snap 1: frame 0 at 0 depth 8
snap 2: frame 0 at 0 depth 9; 0:8 = 0008
"""
    )
    rows = list(disassemble(text, tmp_path).values())
    jumps = [row.split()[0] for row in rows if row.startswith("j") and not row.startswith("jmp")]
    assert jumps == ["jne", "je", "jbe", "jne"], rows
    compares = [row for row in rows if row.startswith("cmp")]
    assert [("PTR [" in row) for row in compares] == [True, True, True, False], rows
    assert ask_child(
        IMPORT + LIST + f"text = {text!r}.replace('@OFF', str(OFF))\n"
        "text = text.replace('@NEXT', str(OFF + 8))\n"
        "answer(ir_cases.run(text, slots, machine=True)['exit'])",
        env=OFF,
    ) == 10  # fmt: skip


HEADER = Path(__file__).resolve().parents[2] / "src" / "stencil" / "stencil_x86_64.h"


@pytest.mark.parametrize(
    ("name", "ins"),
    [
        ("list_append", "I64 CALL @list_append (0001 0002)"),
        ("list_pop", "OBJ CALL @list_pop (0001)"),
        ("dict_find_str", "OBJ CALL @dict_find (0001 <key>)"),
        ("take_tuple", "OBJ NEWTUPLE (None None)"),
        ("take_instance", "OBJ NEWINST <Pair> (None)"),
    ],
)
def test_stencils_are_copied(name: str, ins: str) -> None:
    """The bytes of the checked-in header stand in the trace, up to the first hole at least, and the
    way on does not call anything."""
    box = "{key: 1}" if "dict" in name else "[1]"
    text = FRAME + "0001 OBJ SLOAD #0\n0002 OBJ SLOAD #1\n"
    text += f"0003 {ins} snap=1\n0004 - JEXIT snap=1\nsnap 1: frame 0 at 0 depth 5\n"
    code = ask_child(
        IMPORT + "fullspeed.enable()\n[ir_cases.Pair() for _ in range(400)]\n"
        "key = 'key'; hash(key)\n"
        f"result = ir_cases.run({text!r}, {{0: {box}, 1: None}}, machine=True, key=key, "
        "Pair=ir_cases.Pair)\nanswer(result['code'][0].hex())",
        env=OFF,
    )
    header = HEADER.read_text()
    rows = re.search(rf"stencil_code_{name}\[\] = {{(.*?)}};", header, re.DOTALL)
    holes = re.search(rf"stencil_holes_{name}\[\] = {{\s*{{(\d+),", header)
    assert rows and holes
    stencil = bytes(int(byte, 16) for byte in re.findall(r"0x(\w\w)", rows[1]))
    start = bytes.fromhex(code).find(stencil[: int(holes[1])])
    assert start >= 0
    assert b"\xff\xd0" not in bytes.fromhex(code)[: start + len(stencil)]  # call rax


@pytest.mark.parametrize("power", ["2.0", "3.0", "0.5", "1.5", "-1.0", "-1.5"])
def test_powers_without_libm(power: str, tmp_path: Path) -> None:
    """What libm would give is made in registers; the call stands in cold code, behind the end."""
    if "fma" not in Path("/proc/cpuinfo").read_text().split():
        pytest.skip("the processor has no fused multiply-add")
    text = FRAME + "0001 OBJ SLOAD #0\n0002 - GTYPE 0001 <type float> snap=1\n"
    text += "0003 F64 UNBOXF 0001\n"
    text += f"0004 F64 CALL @float_pow (0003 {power})\n0005 - GUARD.lt 0004 7.0 snap=1\n"
    text += "0006 - JEXIT snap=1\nsnap 1: frame 0 at 0 depth 5\n"
    rows = list(disassemble(text, tmp_path).values())
    compared = [k for k, row in enumerate(rows) if row.startswith("ucomisd")]
    calls = [k for k, row in enumerate(rows) if row.startswith("call")]
    assert any(row.startswith("vf") for row in rows[: compared[0]])
    assert len(compared) == 2 and calls and calls[0] > compared[1]


def test_what_cannot_be_compiled_says_why() -> None:
    """Too many arguments of an allocation."""
    args = " ".join(["None"] * 100)
    text = FRAME + f"0001 OBJ NEWTUPLE ({args}) snap=1\n0002 - JEXIT snap=1\n"
    text += "snap 1: frame 0 at 0 depth 5\n"
    done = run_child(IMPORT + f"ir_cases.run({text!r}, {{}}, machine=True)", env=OFF)
    assert done.returncode == 1
    assert "cannot be compiled" in done.stderr


UNWIND = """
import ctypes
fullspeed.enable()
backtrace = ctypes.CDLL(None).backtrace
buffer = (ctypes.c_void_p * 200)()
def deep(n):
    return [backtrace(buffer, 200), buffer[0:6]] if n == 0 else deep(n - 1)
def hot(n):
    found = 0
    for i in range(n):
        found = backtrace(buffer, 200)
    return found
"""


def test_unwinders_go_through_machine_code() -> None:
    """backtrace() in a call from a trace finds its way to the bottom of the stack."""
    code = UNWIND + (
        "short = hot(1); bottom = buffer[short - 2]\n"
        "found = hot(500)\n"
        "jit = fullspeed._engine.stats()['jit']['alive']\n"
        "answer([found > 5, buffer[found - 2] == bottom, jit.get('loop', 0) > 0])\n"
    )
    assert ask_child(code, env={"FULLSPEED_JIT": "1"}) == [True, True, True]


def test_perf_map() -> None:
    """Every trace is a line: address, size, name."""
    code = """
import os
fullspeed.enable()
def hot(n):
    t = 0
    for i in range(n):
        t += i
    return t
hot(1000)
name = f"/tmp/perf-{os.getpid()}.map"
lines = open(name).read().splitlines()
os.remove(name)
answer([line.split(" ", 2) for line in lines])
"""
    rows = ask_child(code, env={"FULLSPEED_JIT": "1", "FULLSPEED_SYMBOLS": "perf"})
    mine = [row for row in rows if row[2] == "trace loop hot (<string>:8)"]
    assert len(mine) == 1, rows
    assert int(mine[0][0], 16) % 64 == 0
    assert 0 < int(mine[0][1], 16) < 10000


def test_gdb_knows_traces(tmp_path: Path) -> None:
    """gdb shows a trace's frame by its name, and what called it."""
    if shutil.which("gdb") is None:
        pytest.skip("gdb is not installed")
    script = tmp_path / "hot.py"
    script.write_text(
        "import fullspeed, os\nfullspeed.enable()\n"
        "def hot(n):\n    for i in range(n):\n        os.getppid()\nhot(2000)\n"
    )
    commands = ["set confirm off", "set breakpoint pending on", "break getppid", "ignore 1 1500",
                "run", "bt 12"]  # fmt: skip
    done = subprocess.run(
        ["gdb", "-q", "-nx", "-batch", *(f"-ex={c}" for c in commands), "--args",
         sys.executable, str(script)],
        env={**os.environ, "FULLSPEED_JIT": "1", "FULLSPEED_SYMBOLS": "gdb"},
        capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert "in trace loop hot (hot.py:" in done.stdout, done.stdout + done.stderr
    frames = done.stdout[done.stdout.index("in trace loop hot") :]
    assert "fs_jit_enter" in frames or "fs_eval" in frames, frames


DENIED = """
import ctypes
def deny():
    return ctypes.CDLL(None).prctl(65, 1, 0, 0, 0)  # PR_SET_MDWE: no more memory that is executable
def hot(n):
    t = 0
    for i in range(n):
        t += i
    return t
def other(n):
    t = 1.0
    for i in range(n):
        t += i
    return t
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_where_memory_cannot_become_executable(when: str) -> None:
    """The program runs on without machine code, or with what it has."""
    code = DENIED + {
        "before": "denied = deny()\nimport fullspeed._engine as e\nfullspeed.enable()\n",
        "after": "import fullspeed._engine as e\nfullspeed.enable()\nhot(2000)\ndenied = deny()\n",
    }[when]
    code += (
        "answer([denied, hot(2000), hot(2000), other(2000), other(2000), "
        "sum(e.stats()['jit']['traces'].values())])"
    )
    denied, *results, traces = ask_child(code, env={"FULLSPEED_JIT": "1"})
    if denied != 0:
        pytest.skip("this kernel has no PR_SET_MDWE (Linux 6.3)")
    assert results == [1999000, 1999000, 1999001.0, 1999001.0]
    assert (traces > 0) == (when == "after")
