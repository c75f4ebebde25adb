"""Counts instructions per operation of the micro benchmarks under valgrind.

Hardware counters are often not to be had on virtual machines, and times are noisy on
shared ones; callgrind counts every instruction, the same ones each time. Each benchmark
runs twice with different numbers of loops, and the difference divided by the difference
of loops is what one operation costs, without start-up, warm-up and everything else.
With a fixed hash seed and without address randomisation the counts repeat to the digit.
"""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from bench_worker import FULLSPEED, STOCK, Settings, environment

FEW, MANY = 100, 600


@functools.cache
def _fixed_addresses() -> list[str]:
    """The command prefix that switches address randomisation off, where that is allowed."""
    prefix = ["setarch", "-R"]
    allowed = shutil.which("setarch") and not subprocess.run([*prefix, "true"]).returncode
    return prefix if allowed else []


def _instructions(settings: Settings, script: Path, name: str, side: str, loops: int) -> int:
    """All instructions of one process that runs a micro benchmark."""
    with tempfile.TemporaryDirectory(prefix="fullspeed-callgrind-") as folder:
        env = environment(settings, side, Path(folder) / "log", seed=0)
        done = subprocess.run(
            [*_fixed_addresses(), "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
             settings.python, str(script), name, "--count", str(loops)],
            env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not found:
        raise RuntimeError(f"valgrind {name} ({side}) failed: {done.stderr[-500:]}")
    return int(found[1])


def count(settings: Settings, script: Path, name: str, inner: int, side: str) -> float:
    """Instructions per operation of one micro benchmark on one side."""
    few = _instructions(settings, script, name, side, FEW)
    many = _instructions(settings, script, name, side, MANY)
    return (many - few) / (MANY - FEW) / inner


def count_both(
    settings: Settings, script: Path, name: str, inner: int
) -> tuple[float, float | None]:
    """Instructions per operation, stock and fullspeed (None without an engine)."""
    if shutil.which("valgrind") is None:
        raise RuntimeError("--callgrind needs valgrind (apt-get install valgrind)")
    stock = count(settings, script, name, inner, STOCK)
    full = count(settings, script, name, inner, FULLSPEED) if settings.engine else None
    return stock, full
