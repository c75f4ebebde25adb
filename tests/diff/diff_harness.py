"""Runs programs under stock and under the engine and compares what can be seen of them.

How it works: `run_side` starts drive.py in a child with a fixed environment and returns its
output, errors and exit code, with addresses and times that cannot be equal taken out.
`allowed_handovers` judges the engine's own counts.

What must stay true: a crash is an outcome like any other (a negative exit code), so a crash under
the engine is a difference.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import child_env

HERE = Path(__file__).resolve().parent
DRIVE = HERE / "drive.py"
SANITIZER_PROCESS = re.compile(r"^==\d+==", re.MULTILINE)
ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
OBJECT_ID = re.compile(r"(thread|ident|id)[ =:]+\d{6,}")
# Reasons in the engine's counts for which a frame may leave our loop.
ALLOWED_REASONS = {"tracing", "disabled"}


@dataclass(frozen=True)
class Outcome:
    """What a program did, as far as its user can tell."""

    stdout: str
    stderr: str
    returncode: int

    def differs(self, other: Outcome) -> str:
        """Describe the first difference, or return an empty string."""
        if self.returncode != other.returncode:
            return (
                f"exit code {self.returncode} against {other.returncode}\n"
                f"stderr here:\n{self.stderr[-3000:]}\nstderr there:\n{other.stderr[-3000:]}"
            )
        for name in ("stdout", "stderr"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                return f"{name} differs\n" + first_difference(mine, theirs)
        return ""


def first_difference(mine: str, theirs: str) -> str:
    """Show the first line that differs, with what stands before it."""
    left, right = mine.splitlines(), theirs.splitlines()
    for number, (a, b) in enumerate(zip(left, right)):
        if a != b:
            before = "\n".join(f"    {line[:300]}" for line in left[max(0, number - 5) : number])
            at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
            start = max(0, at - 150)
            return (
                f"line {number + 1}, column {at + 1}\n{before}\n  stock:  "
                f"{a[start : start + 400]}\n  engine: {b[start : start + 400]}"
            )
    longer, name = (left, "stock") if len(left) > len(right) else (right, "engine")
    rest = "\n".join(longer[min(len(left), len(right)) :][:10])
    return f"only under {name}, from line {min(len(left), len(right)) + 1}:\n{rest}"


def normalise(raw: bytes) -> str:
    """Take out what no two runs have in common."""
    text = raw.decode("utf-8", "backslashreplace")
    return SANITIZER_PROCESS.sub("==…==", OBJECT_ID.sub(r"\1 …", ADDRESS.sub("0x…", text)))


def run_side(
    python: str,
    side: str,
    program: Path,
    stats: Path | None = None,
    timeout: float = 120,
    flags: tuple[str, ...] = (),
    mode: str = "plain",
    more: dict[str, str] | None = None,
) -> Outcome:
    """Run `program` under `python` on one side, in a mode of drive.py; `more`: environment."""
    env = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONFAULTHANDLER": "1",
        "COLUMNS": "80",
        # A sanitizer that the parent runs with is the child's, too (make asan).
        **child_env.sanitizer(),
        **(more or {}),
    }
    command = [python, *flags, str(DRIVE), side, str(program), mode]
    if stats is not None:
        command.append(str(stats))
    with tempfile.TemporaryDirectory() as scratch:
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                env=env,
                cwd=scratch,
                timeout=timeout,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired as error:
            return Outcome(normalise(error.stdout or b""), "TIMEOUT", -1000)
    return Outcome(normalise(done.stdout), normalise(done.stderr), done.returncode)


def forbidden_handovers(
    stats: Path, also_allowed: frozenset[str] = frozenset()
) -> dict[str, dict[str, int]]:
    """Return the counted handovers whose reason is not that of a tracer or a switch-off."""
    if not stats.exists():
        return {}  # the program ended by os._exit or by a signal
    handovers = json.loads(stats.read_text())["handovers"]
    allowed = ALLOWED_REASONS | also_allowed
    return {
        reason: ops
        for reason, ops in handovers.items()
        if reason not in allowed and sum(ops.values())
    }
