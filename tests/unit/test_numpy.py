"""NumPy's arrays and scalars in traces: the same results and warnings as stock, and loops compiled.

How it works: numpy_program.py runs under stock and on every rung (interpreter, IR interpreter,
machine code), with thresholds as they are and at their lowest; all that it prints must be equal.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "numpy_program.py"
# Functions of the program whose loops are recorded to the end: items and their operators.
COMPILED = ["dot", "last", "operators", "quotients", "integers", "compare", "truth", "convert"]
COMPILED += ["fill", "ramp", "copy", "histogram", "listed", "sweep", "cube", "length"]


def run(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("FULLSPEED", "PYTHON"))}
    return subprocess.run(
        [sys.executable, *words],
        env={**environ, "PYTHONHASHSEED": "0", **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


@pytest.fixture(scope="module")
def stock() -> str:
    done = run(str(PROGRAM), FULLSPEED="0")
    assert done.returncode == 0, done.stderr
    return done.stdout


ENGINE = ("-c", "import fullspeed, runpy, sys; fullspeed.enable(); runpy.run_path(sys.argv[1])")


@pytest.mark.parametrize("jit", ["0", "1", "ir"])
@pytest.mark.parametrize("thresholds", ["", "loop=2,exit=2,entry=2", "loop=7,exit=1,entry=9"])
def test_same_as_stock(stock: str, jit: str, thresholds: str) -> None:
    env = {"FULLSPEED_JIT_THRESHOLDS": thresholds} if thresholds else {}
    done = run(*ENGINE, str(PROGRAM), FULLSPEED_JIT=jit, **env)
    assert done.returncode == 0, done.stderr
    assert done.stdout == stock


def test_loops_are_compiled(tmp_path: Path) -> None:
    log = tmp_path / "log"
    env = {"FULLSPEED_JIT_THRESHOLDS": "loop=5,exit=5,entry=100000", "FULLSPEED_LOG": str(log)}
    done = run(*ENGINE, str(PROGRAM), FULLSPEED_JIT="1", **env)
    assert done.returncode == 0, done.stderr
    text = "".join(file.read_text() for file in tmp_path.iterdir())
    made = set(re.findall(r"\[trace \d+ loop numpy_program\.py:\d+ (\w+)", text))
    assert set(COMPILED) <= made
