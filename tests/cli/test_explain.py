"""`fullspeed explain`: what it says of compiled, left and given-up places; page, graph, code."""

import os
import struct
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest
from conftest import make_environment

# (Given thresholds: else what is compiled depends on the time that it takes.)
JIT = {"FULLSPEED_JIT": "1", "FULLSPEED_JIT_THRESHOLDS": "loop=64,entry=200,exit=16"}

PROGRAM = """\
import sys

def mixed(values):
    total = 0
    for value in values:
        total = total + value
    return total

def index(items, n):
    total = 0
    for i in range(n):
        total += items[i % 7]
    return total

def branch(n):
    c = 0
    for i in range(n):
        if i % 5 == 0:
            c += 1
        else:
            c -= 2
    return c

def numbers(n):
    for i in range(n):
        yield i

def main():
    for k in range(40):
        mixed([1, 2, 3] * 50)
        mixed([1.5, 2] * 50)
        try:
            index([1] * 6, 100)
        except IndexError:
            pass
        branch(300)
        sum(numbers(300))

main()
print("done", sys.argv[1:])
sys.exit(3)
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


def explain(
    fullspeed: list[str], *args: str | Path, cwd: Path, **env: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*fullspeed, "explain", *map(str, args)],
        cwd=cwd,
        env=make_environment(None, env),
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_program_runs_as_it_would(fullspeed: list[str], script: Path) -> None:
    done = explain(fullspeed, script, "--", "a", "-b", cwd=script.parent)
    assert done.returncode == 3
    assert done.stdout == "done ['a', '-b']\n"
    assert "PLACE" in done.stderr


def test_text(fullspeed: list[str], script: Path) -> None:
    text = explain(fullspeed, script.name, cwd=script.parent, FULLSPEED_JIT_SKIP="numbers").stderr
    assert "loop in mixed" in text
    assert "type of `total` is not int any more in `total + value`" in text
    assert "the index in `items[i % 7]` is out of range" in text
    assert "the condition `i % 5 == 0` in line 18 goes the other way" in text
    assert "loop in numbers: given up" in text
    assert "FULLSPEED_JIT_SKIP leaves it out" in text
    assert "helps: FULLSPEED_JIT_ONLY and" in text
    assert "Traceback" not in text


def test_one_place(fullspeed: list[str], script: Path) -> None:
    text = explain(fullspeed, script, "program.py:12", cwd=script.parent).stderr
    assert "loop in index" in text
    assert "loop in branch" not in text


def test_output_file_and_module(fullspeed: list[str], script: Path) -> None:
    done = explain(fullspeed, "-m", "program", "-o", "report.txt", cwd=script.parent)
    assert done.returncode == 3
    assert "loop in mixed" in (script.parent / "report.txt").read_text()
    assert "PLACE" not in done.stderr


class Page(HTMLParser):
    """Classes of lines, what lines can be opened to, addresses of other files."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, str] = {}
        self.outside: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag not in ("meta", "br", "rect", "path"):
            self.open.append(tag)
        if tag == "tr" and "id" in known:
            self.lines[known["id"] or ""] = known["class"] or ""
        self.outside += [v or "" for k, v in attrs if k in ("src", "href")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass


def test_page(fullspeed: list[str], script: Path) -> None:
    done = explain(
        fullspeed, script, "--html", "out.html", cwd=script.parent, FULLSPEED_JIT_SKIP="numbers"
    )
    text = (script.parent / "out.html").read_text()
    page = Page()
    page.feed(text)
    assert not page.outside
    assert "<script" not in text
    assert page.lines["L18"] == "compiled"
    assert page.lines["L12"] == "often"
    assert page.lines["L25"] == "no"
    assert page.lines["L1"] == ""
    assert "is not int any more" in text
    assert done.returncode == 3


def test_graphs(fullspeed: list[str], script: Path) -> None:
    explain(fullspeed, script, "--graph", "out.svg", cwd=script.parent)
    tree = ElementTree.parse(script.parent / "out.svg")
    text = "".join(tree.getroot().itertext())
    assert "loop mixed" in text
    explain(fullspeed, script, "--graph", "out.dot", cwd=script.parent)
    dot = (script.parent / "out.dot").read_text()
    assert dot.startswith("digraph") and dot.endswith("}\n")
    assert " -> " in dot


def test_machine_code(fullspeed: list[str], script: Path) -> None:
    text = explain(fullspeed, script, "program.py:17", "--asm", cwd=script.parent).stderr
    assert "loop branch line 17" in text
    try:
        import capstone  # noqa: F401
    except ImportError:
        assert "capstone is not installed" in text
    else:
        assert " jmp " in text


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        ([], 2, "explain wants one script"),
        (["missing.py"], 1, "there is no file missing.py"),
        (["program.py", "program.py"], 2, "is not file:line"),
    ],
)
def test_wrong_usage(
    fullspeed: list[str], script: Path, args: list[str], code: int, message: str
) -> None:
    done = explain(fullspeed, *args, cwd=script.parent)
    assert done.returncode == code
    assert message in done.stderr


def test_nothing_hot_and_the_ir_interpreter(fullspeed: list[str], script: Path) -> None:
    (script.parent / "quiet.py").write_text("print(1)\n")
    done = explain(fullspeed, "quiet.py", cwd=script.parent)
    assert done.returncode == 0
    assert "Nothing was hot." in done.stderr
    done = explain(fullspeed, script, cwd=script.parent, FULLSPEED_JIT="ir")
    assert "loop in mixed: compiled" in done.stderr or "loop in mixed: leaves" in done.stderr


def test_names_and_unwinding(fullspeed: list[str], tmp_path: Path) -> None:
    """libgcc's unwinder passes through a trace that calls out; perf's files name traces."""
    script = tmp_path / "unwind.py"
    script.write_text(UNWIND)
    done = subprocess.run(
        [*fullspeed, "run", script],
        cwd=tmp_path,
        env=make_environment(
            None,
            JIT | {"FULLSPEED_SYMBOLS": "jitdump", "JITDUMPDIR": str(tmp_path)},
        ),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    inside, beyond = map(int, done.stdout.split())
    assert inside > 100
    assert beyond > 5
    (dump,) = tmp_path.glob("jit-*.dump")
    data = dump.read_bytes()
    assert data[:4] == b"DTiJ"
    assert b"loop walked" in data or b"walked (unwind.py" in data
    assert b"unwind.py" in data
    check_unwinding(data)


def check_unwinding(data: bytes) -> None:
    """Each trace's record has one before it that tells perf how to unwind through the code."""
    at, sizes = int.from_bytes(data[8:12], "little"), None
    seen = 0
    while at < len(data):
        kind, total = struct.unpack_from("<II", data, at)
        if kind == 4:
            size, header, mapped = struct.unpack_from("<QQQ", data, at + 16)
            info = data[at + 40 : at + 40 + size]
            assert mapped == size and info[size - header :][:4] == b"\x01\x1b\x03\x3b"
            frames, count, code, entry = struct.unpack_from("<iIii", info, size - header + 4)
            assert (size - header + 4 + frames, count) == (0, 1)
            fde = size - header + entry  # its range stands 12 bytes into it
            sizes = (size - header + code, struct.unpack_from("<I", info, fde + 12)[0])
        elif kind == 0:
            (length,) = struct.unpack_from("<Q", data, at + 16 + 24)
            assert sizes == (-((length + 7) // 8 * 8), length)
            seen += 1
        at += total
    assert seen > 0


@pytest.mark.skipif(not os.path.exists("/usr/bin/perf"), reason="perf is not installed")
def test_perf_unwinds_through_traces(fullspeed: list[str], tmp_path: Path) -> None:
    """`perf script` shows a trace by its name, and who has called it."""
    script = tmp_path / "sums.py"
    script.write_text(
        "def powers(n):\n    t = 0\n    for i in range(n):\n        t += pow(i, 3, 1000)\n"
        "powers(3000000)\n"
    )
    env = make_environment(
        None, JIT | {"FULLSPEED_SYMBOLS": "jitdump", "JITDUMPDIR": str(tmp_path)}
    )
    record = ["perf", "record", "-q", "-k", "mono", "-e", "cpu-clock", "-F", "499", "-o", "a.data",
              "--call-graph", "dwarf,16384", *fullspeed, "run", script]  # fmt: skip
    options = {"cwd": tmp_path, "env": env, "capture_output": True, "text": True, "timeout": 120}
    if subprocess.run(record, **options).returncode:
        pytest.skip("perf may not record here")
    inject = ["perf", "inject", "--jit", "-i", "a.data", "-o", "b.data"]
    assert subprocess.run(inject, **options).returncode == 0
    shown = subprocess.run(["perf", "script", "-i", "b.data", "-F", "ip,sym"], **options).stdout
    stacks = [stack for stack in shown.split("\n\n") if "trace loop powers" in stack]
    assert len(stacks) > 5
    if not any("fs_jit_enter" in stack for stack in stacks):
        pytest.skip("this perf cannot unwind")
    assert sum("fs_eval" in stack for stack in stacks) > len(stacks) // 2


UNWIND = """\
import ctypes
import fullspeed._engine as engine

CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
gcc = ctypes.CDLL("libgcc_s.so.1")
gcc._Unwind_GetIP.restype = ctypes.c_void_p
gcc._Unwind_GetIP.argtypes = [ctypes.c_void_p]
gcc._Unwind_Backtrace.argtypes = [CALLBACK, ctypes.c_void_p]
stacks = []

def walk(x):
    places = []
    @CALLBACK
    def visit(context, unused):
        places.append(gcc._Unwind_GetIP(context) or 0)
        return 0
    gcc._Unwind_Backtrace(visit, None)
    stacks.append(places)
    return x

def walked(n, often):
    total = 0
    for i in range(n):
        total += i
        if often and i % 20 == 5:
            total += len(sorted([1], key=walk))
    return total

for k in range(3):
    walked(2000, False)
for k in range(10):
    walked(2000, True)
traces = [t for t in engine.jit_traces() if t["address"]]
inside = beyond = 0
for places in stacks:
    for number, place in enumerate(places):
        if any(t["address"] <= place < t["address"] + t["bytes"] for t in traces):
            inside += 1
            beyond = max(beyond, len(places) - number)
            break
print(inside, beyond)
"""

GDB_PROGRAM = """\
def powers(n, also):
    total = 0
    for i in range(n):
        total += i * 3 - (i & 7)
        if also and i % 10 == 3:
            total += pow(3, i & 3)
    return total

for k in range(3):
    powers(2000, False)
for k in range(3):
    powers(2000, True)
"""


@pytest.mark.skipif(not os.path.exists("/usr/bin/gdb"), reason="gdb is not installed")
def test_gdb_names_traces(python: str, tmp_path: Path) -> None:
    script = tmp_path / "gdb.py"
    script.write_text(GDB_PROGRAM)
    commands = [
        "set pagination off",
        "set debuginfod enabled off",
        "break PyNumber_Power",
        "ignore 1 400",
        "run",
        "backtrace 14",
    ]
    done = subprocess.run(
        ["gdb", "-nx", "-batch", *[f"-ex={c}" for c in commands]]
        + ["--args", os.path.realpath(python), "-m", "fullspeed", "run", str(script)],
        env=make_environment(None, JIT | {"FULLSPEED_SYMBOLS": "gdb"})
        | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    if "#0" not in done.stdout:
        pytest.skip("gdb could not run the program")
    names = [line for line in done.stdout.splitlines() if "powers (gdb.py:" in line]
    assert names, done.stdout
    after = done.stdout.split(names[0])[1]
    assert "fs_jit_enter" in after  # and on behind it
