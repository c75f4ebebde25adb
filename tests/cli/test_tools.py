"""Debuggers, tracers, coverage and multiprocessing behave as under `python`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Same = Callable[..., object]

PROGRAM = """\
import sys
def square(x):
    y = x * x
    return y
def total(values):
    result = 0
    for value in values:
        if value > 2:
            result += square(value)
    return result
print("total", total(range(5)), sys.argv)
"""

WORKERS = """\
import multiprocessing as mp, os, sys, warnings
def work(x):
    return x * x, __name__, sys.argv, sys.flags.optimize, os.path.basename(__file__)
class Thing:
    def __init__(self, value): self.value = value
    def __repr__(self): return f"Thing({self.value})"
def make(queue):
    queue.put([Thing(1), mp.current_process().name, mp.get_start_method()])
if __name__ == "__main__":
    mp.set_start_method(sys.argv[1])
    with mp.Pool(2) as pool:
        print(pool.map(work, range(4)))
    queue = mp.Queue()
    process = mp.Process(target=make, args=(queue,))
    process.start()
    print(queue.get())
    process.join()
    print(process.exitcode)
    failing = mp.Process(target=sys.exit, args=(3,))
    failing.start(); failing.join()
    print(failing.exitcode)
    from concurrent.futures import ProcessPoolExecutor
    with ProcessPoolExecutor(1) as executor:
        print(executor.submit(work, 7).result())
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(same: Same, tmp_path: Path, method: str) -> None:
    (tmp_path / "workers.py").write_text(WORKERS)
    result = same("workers.py", method)
    assert b"(9, '__mp" in result.stdout or b"(9, '__main__'" in result.stdout
    same("-O", "workers.py", method)
    same("-m", "workers", method)


def test_multiprocessing_from_a_folder(same: Same, tmp_path: Path) -> None:
    # Functions of a folder's __main__ cannot be sent to a spawned child, not by `python` either.
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "workers.py").write_text("import sys\n" + WORKERS[: WORKERS.index("if ")])
    body = WORKERS[WORKERS.index("if ") :]
    (tmp_path / "app" / "__main__.py").write_text(
        "import multiprocessing as mp, sys\nfrom workers import make, work, Thing\n" + body
    )
    assert b"(9, 'workers'" in same("app", "spawn").stdout


def test_fork_by_hand(same: Same) -> None:
    code = (
        "import os, sys\n"
        "pid = os.fork()\n"
        "if not pid:\n    print('child', len(sys.argv), flush=True); sys.exit(6)\n"
        "print('parent', os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    assert b"parent 6" in same("-c", code).stdout


def test_child_that_is_python(same: Same) -> None:
    code = (
        "import os, subprocess, sys\n"
        "child = 'import os, sys; print(os.environ[\"FULLSPEED\"], sys.argv)'\n"
        "words = [sys.executable, '-c', child, 'x']\n"
        "print(subprocess.run(words, capture_output=True, text=True))\n"
    )
    same("-c", code)


PDB_SCRIPT = b"""\
b square
c
where
p x, y if 'y' in dir() else None
n
n
p y
up
p value, result
down
c
c
longlist
until
return
!y = 1000
c
q
"""


def test_pdb(same: Same, program: Path) -> None:
    result = same("-m", "pdb", "program.py", "arg", stdin=PDB_SCRIPT)
    assert b"(Pdb)" in result.stdout and b"square(value)" in result.stdout
    same("-m", "pdb", "-c", "tbreak total", "-c", "continue", "program.py", stdin=b"s\ns\nw\nq\n")


def test_breakpoint(same: Same, tmp_path: Path) -> None:
    (tmp_path / "stops.py").write_text(
        "def f(x):\n    breakpoint()\n    return x + 1\nprint(f(1))\nprint(f(2))\n"
    )
    result = same("stops.py", stdin=b"w\np x\nx = 40\nn\nc\nq\n")
    assert b"-> return x + 1" in result.stdout
    same("stops.py", env={"PYTHONBREAKPOINT": "0"})


def test_post_mortem(same: Same) -> None:
    code = "import pdb\ntry:\n    [][1]\nexcept IndexError:\n    pdb.post_mortem()\n"
    same("-c", code, stdin=b"w\nq\n")


def test_trace_and_profile(same: Same, program: Path) -> None:
    assert b"square" in same("-m", "trace", "--listfuncs", "program.py").stdout
    same("-m", "trace", "--count", "--missing", "-C", "counts", "program.py")
    same("-m", "trace", "--trace", "program.py")
    code = (
        "import cProfile, program, pstats\n"
        "p = cProfile.Profile(); p.runcall(program.total, range(50))\n"
        "print(sorted((k[2], v[0], v[1]) for k, v in pstats.Stats(p).stats.items()))\n"
    )
    assert b"('square', 47, 47)" in same("-c", code).stdout


def test_settrace_events(same: Same, tmp_path: Path) -> None:
    (tmp_path / "events.py").write_text(
        PROGRAM.replace("print(", "total(range(4)); print(") + "def tracer(frame, event, arg):\n"
        "    print(event, frame.f_code.co_name, frame.f_lineno, frame.f_lasti)\n"
        "    return tracer\n"
        "sys.settrace(tracer); total([1, 5]); sys.settrace(None)\n"
        "sys.setprofile(tracer); total([1, 5]); sys.setprofile(None)\n"
    )
    assert b"line square 3" in same("events.py").stdout


def test_coverage(both: Callable, program: Path) -> None:
    stock, ours = both("-m", "coverage", "run", "--branch", "-p", "program.py", "x")
    assert stock.stdout == ours.stdout == b"total 25 ['program.py', 'x']\n"
    data_files = list(program.parent.glob(".coverage.*"))
    assert len(data_files) == 2
    reports = []
    for data in data_files:
        both("-m", "coverage", "json", f"--data-file={data}", "-o", "report.json")
        reports.append(json.loads((program.parent / "report.json").read_text())["files"])
    assert reports[0] == reports[1]
    assert reports[0]["program.py"]["executed_lines"] == list(range(1, 12))


def test_unittest(both: Callable, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import unittest\nclass T(unittest.TestCase):\n"
        "    def test_a(self): self.assertEqual(1, 1)\n"
        "    def test_b(self): self.assertEqual({'a': [1]}, {'a': [2]})\n"
    )
    stock, ours = (
        [line for line in result.stderr.splitlines() if not line.startswith(b"Ran ")]
        for result in both("-m", "unittest", "-v", "test_it")
    )
    assert ours == stock
    assert any(b"AssertionError" in line for line in stock)
