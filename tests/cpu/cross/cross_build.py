"""Building the CPU room outside of meson, for other processors: what the tests share."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CORE = [
    "src/cpu/cpu.c",
    "src/cpu/cpu_detect_hwcap_linux.c",
    "src/cpu/cpu_detect_riscv_linux.c",
    "src/cpu/cpu_detect_x86.c",
    "src/cpu/cpu_mask.c",
    "src/cpu/cpu_source_linux.c",
    "src/cpu/cpu_table.c",
    "src/base/base_config.c",
]
WARNINGS = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2"]


def must_have(program: str) -> str:
    """The path of a program; without it the test is left out (.ci/run has them all)."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"there is no {program} here: tools/setup.sh cross")
    return found


def call(*words: object, env: dict[str, str] | None = None) -> str:
    """Run a command; its output. What it says is in the error when it fails."""
    done = subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        timeout=120,
        env=None if env is None else os.environ | env,
    )
    assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout
