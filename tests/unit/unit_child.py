"""Runs a piece of Python in a fresh child with the engine importable, for the unit tests.

What must stay true: every test that switches the engine does so in a child, never in pytest itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from typing import Any

PRELUDE = "import json, sys, fullspeed\ndef answer(value): print('ANSWER', json.dumps(value))\n"


class ChildFailed(AssertionError):
    """The child did not end with exit code 0."""


def run_child(
    code: str,
    *,
    env: dict[str, str] | None = None,
    python: str = sys.executable,
    timeout: float = 120,
    flags: tuple[str, ...] = (),
) -> subprocess.CompletedProcess[str]:
    """Run `code` after a prelude that imports fullspeed; never raises for its exit code."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("FULLSPEED", "PYTHON"))}
    environ |= {"PYTHONFAULTHANDLER": "1", **(env or {})}
    return subprocess.run(
        [python, *flags, "-c", PRELUDE + textwrap.dedent(code)],
        env=environ,
        timeout=timeout,
        capture_output=True,
        text=True,
        check=False,
    )


def ask_child(code: str, **options: Any) -> Any:
    """Run `code` and return what it handed to `answer`."""
    done = run_child(code, **options)
    if done.returncode:
        raise ChildFailed(f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    lines = [line for line in done.stdout.splitlines() if line.startswith("ANSWER ")]
    if len(lines) != 1:
        raise ChildFailed(f"{len(lines)} answers\n{done.stdout}\n{done.stderr}")
    return json.loads(lines[0].removeprefix("ANSWER "))
