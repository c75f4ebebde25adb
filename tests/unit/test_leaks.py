"""No references are lost or gained: programs run again and again hold no more memory than stock.

How it works: leak_child.py executes one program of the corpus repeatedly in one process and
reports the growth of allocated blocks and tracked objects per run, after collection.

What must stay true: the growth is compared with stock's own, since some programs keep things, and
on average over many runs: tables and free lists grow in leaps, and a leap is no leak. Nor is what
a new trace holds: code, classes and other constants, while traces are still being made. A leap (a
hundred blocks, when a trace is made or given up after a trial, at a time that nobody can tell) may
fall into the last runs; in three times as many it weighs a third, and a leak weighs the same.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import child_env
import pytest

# Runs, and how many of the last ones are judged; the next in order when these show a growth.
FEW = (9, 4)
MANY = ((45, 15), (135, 45))
ENOUGH = ((21, 8), (63, 24))
# A program whose few runs take this many seconds is run ENOUGH times, not MANY.
SLOW = 8
# What the average run may leave behind beyond stock's.
ALLOWED = {"objects": 1, "blocks": 6}
CHILD = Path(__file__).parent / "leak_child.py"
PROGRAMS = Path(__file__).parents[1] / "diff" / "programs"
# Programs that change the process for good, or end it, cannot be run twice in it.
NOT_AGAIN = {
    "globals_builtins": "replaces builtins on its way",
    "threads_signals": "forks, and sets signal handlers with pending alarms",
    "runtime_tools": "installs an audit hook that cannot be removed",
    "recursion_limits": "sets thread stack sizes and goes 500,000 deep",
    "threads_daemons_exit": "ends with daemon threads that go on for ever",
    "exceptions_flow": "ends with an uncaught exception on purpose",
    "known_objects": "registers a codec and installs an audit hook, which cannot be removed",
    "imports_modules": "leaves modules and path entries behind",
    "imports_known": "leaves modules, path entries and a folder behind",
}


def grow(side: str, program: Path, runs: int) -> dict[str, list[int]]:
    """Return the growth per run of one program."""
    done = subprocess.run(
        [sys.executable, str(CHILD), side, str(program), str(runs)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={
            "PATH": os.environ.get("PATH", ""),
            "PYTHONHASHSEED": "0",
            "LANG": "C.UTF-8",
            # The usual ones; given, so that time has no say in when traces (which keep what they
            # take for constant) are made.
            "FULLSPEED_JIT_THRESHOLDS": "loop=128,entry=2000,exit=16",
            # A sanitizer that the parent runs with is the child's, too (make asan).
            **child_env.sanitizer(),
        },
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "program",
    [p for p in sorted(PROGRAMS.glob("*.py")) if p.stem not in NOT_AGAIN],
    ids=lambda p: p.stem,
)
def test_no_growth(program: Path, engine: bool) -> None:
    """The last runs of a program allocate no more for keeps than under stock."""
    begun = time.perf_counter()
    found = growth(program, engine, *FEW)
    for more in MANY if time.perf_counter() - begun < SLOW else ENOUGH:
        found = found and growth(program, engine, *more)
    assert not found, found


def growth(program: Path, engine: bool, runs: int, judged: int) -> str:
    """Describe what the last of so many runs left behind more than stock; empty: nothing."""
    stock = grow("stock", program, runs)
    ours = grow("engine" if engine else "stock", program, runs)
    for what, allowed in ALLOWED.items():
        kept = sum(ours[what][-judged:]) - max(0, sum(stock[what][-judged:]))
        if kept > allowed * judged:
            return f"{what} per run: stock {stock[what]}, engine {ours[what]}"
    return ""


@pytest.mark.parametrize("every", [1, 5])
def test_a_leak_is_found(tmp_path: Path, every: int) -> None:
    """A program that keeps ten lists per run, only under the engine, is found out."""
    program = tmp_path / "leaks.py"
    program.write_text(
        f"""
import sys
kept = sys.__dict__.setdefault("kept_by_test", [0])
if "fullspeed" in sys.modules:
    kept[0] += 1
    if kept[0] % {every} == 0:
        kept.extend([n] for n in range({10 * every}))
"""
    )
    for runs in MANY:
        assert "objects per run" in growth(program, True, *runs)
