"""What the fuzzers of array expressions share: a child process that works, a parent that watches.

How it works: the child writes each input to a file before it tries it, so that what kills it, or
what never ends, is known. Input number n of a seed is made from `random.Random("seed/n")` alone:
`seed/n` is all that is needed to try it again.

What must stay true: the number of inputs that were tried stands in the last line; none tried is a
failure.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

MOST_FAULTS = 5


class Child:
    """The child's side: its loop, and the note of what it is at."""

    def __init__(self, name: str, what: str, progress: Path) -> None:
        """`name`: the fuzzer's; `what`: what its inputs are called."""
        self.name, self.what, self.count, self.faults = name, what, 0, 0
        self.file = progress.open("w", encoding="utf-8")

    def note(self, text: str) -> None:
        """Say what is tried now."""
        self.file.seek(0)
        self.file.write(text + "\n")
        self.file.flush()

    def attempt(self, number: str, shown: str, trial: Callable[[], str | None]) -> None:
        """Try one input; an exception is a fault, too."""
        self.note(f"{number}: {shown}")
        try:
            problem = trial()
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
        if problem:
            print(f"{self.name}: {number}: {shown}: {problem}", flush=True)
            self.faults += 1
        self.count += 1

    def loop(self, seconds: float, seed: int, one: Callable[[str, random.Random], None]) -> None:
        """Call one(number, rng) for input after input until the time is over."""
        end, n = time.monotonic() + seconds, 0
        while time.monotonic() < end and self.faults < MOST_FAULTS:
            one(f"{seed}/{n}", random.Random(f"{seed}/{n}"))
            n += 1

    def end(self) -> int:
        """The last line, and the exit code."""
        print(f"{self.name}: {self.count} {self.what} tried, {self.faults} faults", flush=True)
        self.note(str(self.count))
        return 1 if self.faults or not self.count else 0


def watch(script: str, arguments: list[str], seconds: float, **environment: str) -> tuple[int, int]:
    """Run a fuzzer's child (`--child FILE` is added), and say what it died of.

    Returns the exit code, and how many inputs it tried.
    """
    name = Path(script).stem
    with tempfile.TemporaryDirectory() as folder:
        progress = Path(folder) / "input"
        command = [sys.executable, "-X", "faulthandler", script, *arguments, "--child", progress]
        try:
            code = subprocess.run(
                command,
                env=os.environ | {"PYTHONHASHSEED": "0"} | environment,
                timeout=seconds * 2 + 120,
            ).returncode
        except subprocess.TimeoutExpired:
            code = "no end"
        last = progress.read_text("utf-8").split("\n")[0] if progress.exists() else "nothing"
        if code not in (0, 1) or not last.isdigit():
            print(f"{name}: the child died ({code}) of {last}")
            return 1, 0
        return code, int(last)
