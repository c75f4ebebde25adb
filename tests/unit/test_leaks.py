"""No references are lost or gained: programs run again and again hold no more memory than stock.

How it works: leak_child.py executes one program of the corpus repeatedly in one process and
reports the growth of allocated blocks and tracked objects per run, after collection.

What must stay true: the growth is compared with stock's own, since some programs keep things.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import child_env
import pytest

RUNS, RUNS_UNTIL_SETTLED = 8, 40
CHILD = Path(__file__).parent / "leak_child.py"
PROGRAMS = Path(__file__).parents[1] / "diff" / "programs"
# Programs that change the process for good, or end it, cannot be run twice in it.
NOT_AGAIN = {
    "globals_builtins": "replaces builtins on its way",
    "threads_signals": "forks, and sets signal handlers with pending alarms",
    "runtime_tools": "installs an audit hook that cannot be removed",
    "recursion_limits": "sets thread stack sizes and goes 500,000 deep",
    "exceptions_flow": "ends with an uncaught exception on purpose",
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
    found = growth(program, engine, RUNS)
    # The engine keeps some free blocks: how many settles later in a few programs.
    assert not found or not growth(program, engine, RUNS_UNTIL_SETTLED), found


def growth(program: Path, engine: bool, runs: int) -> str:
    """Describe what the last of so many runs left behind more than stock; empty: nothing."""
    stock = grow("stock", program, runs)
    ours = grow("engine" if engine else "stock", program, runs)
    for what in ("objects", "blocks"):
        allowed = max(0, min(stock[what][-3:])) + (2 if what == "objects" else 12)
        if min(ours[what][-3:]) > allowed:
            return f"{what} per run: stock {stock[what]}, engine {ours[what]}"
    return ""
