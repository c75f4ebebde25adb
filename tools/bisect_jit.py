#!/usr/bin/env python3
"""Finds what the trace JIT does wrong with a program: code objects, recording, passes, back end.

How it works: the program is run by stock Python, and again and again under fullspeed with less
and less allowed to be compiled (FULLSPEED_JIT_ONLY), optimized (FULLSPEED_PASSES) and made into
machine code (FULLSPEED_JIT=ir), as long as its exit code or output differs from stock's. What is
left is printed, with the IR of the last recording: the guilty one, or the one that completes it.

(It cannot be called bisect.py: tools beside it import the module of that name.)

What must stay true: nothing is concluded from one run of a program whose output is not steady:
stock must say the same thing twice, and the fault must come back twice.

    tools/bisect_jit.py app.py a b              compares with stock: exit code and stdout
    tools/bisect_jit.py --stderr app.py         and stderr
    tools/bisect_jit.py --check CMD             CMD runs it itself; status 0: all is well
    tools/bisect_jit.py --thresholds loop=1,entry=1,exit=1 app.py

Exit status: 0 a fault was found and narrowed down, 1 there is no difference, 2 it cannot be said.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

PASSES = ("fold", "forward", "cse", "loop", "sink", "refs", "dce")
T = TypeVar("T")


class Unsteady(Exception):
    """Runs that should agree do not."""


@dataclass(frozen=True)
class Settings:
    """What one run may do."""

    mode: str = "1"  # FULLSPEED_JIT
    codes: tuple[str, ...] = ()  # code objects that may be compiled; (): all
    last: int | None = None  # the last recording that may be made
    without: tuple[str, ...] = ()  # passes that are off
    dump: str | None = None  # a file for log and IR

    def environment(self) -> dict[str, str]:
        """The variables that say so."""
        # A range is always given, so that the log has the numbers of recordings.
        last = "" if self.last is None else str(self.last)
        only = [*self.codes, f"1..{last}" if self.last != 0 else "0"]
        env = {"FULLSPEED_JIT": self.mode, "FULLSPEED_JIT_ONLY": ",".join(only)}
        if self.without:
            env["FULLSPEED_PASSES"] = ",".join("-" + name for name in self.without)
        if self.dump is not None:
            env |= {"FULLSPEED_LOG": self.dump, "FULLSPEED_DUMP": "ri"}
        return env


Faulty = Callable[[Settings], bool]


def first_faulty(n: int, faulty: Callable[[int], bool]) -> int:
    """The smallest number up to n for which faulty holds, if it holds from there on."""
    low, high = 0, n
    while high - low > 1:
        middle = (low + high) // 2
        if faulty(middle):
            high = middle
        else:
            low = middle
    return high


def smallest(items: Sequence[T], faulty: Callable[[tuple[T, ...]], bool]) -> tuple[T, ...]:
    """A part of the items that is faulty, and is not any more without any one of them."""
    kept = tuple(items)
    size = max(1, len(kept) // 2)
    while True:
        start = 0
        while start < len(kept) and len(kept) > 1:
            rest = kept[:start] + kept[start + size :]
            if rest and faulty(rest):
                kept = rest
            else:
                start += size
        if size == 1:
            return kept
        size = max(1, size // 2)


@dataclass
class Finding:
    """What is left of the fault."""

    backend: bool = False  # only machine code is wrong, the same IR interpreted is right
    codes: tuple[str, ...] = ()
    recording: int = 0
    passes: tuple[str, ...] = ()  # passes without which there is no fault
    least: Settings = field(default_factory=Settings)


def narrow(faulty: Faulty, list_codes: Callable[[Settings], tuple[list[str], int]]) -> Finding:
    """Reduce the fault; list_codes gives code objects and the number of recordings of a run."""
    found = Finding()
    found.backend = not faulty(Settings(mode="ir"))
    mode = "1" if found.backend else "ir"
    say(f"the IR interpreter is {'right: the back end' if found.backend else 'wrong, too'}")
    codes, _ = list_codes(Settings(mode=mode))
    found.codes = smallest(codes, lambda some: faulty(Settings(mode, some)))
    if not faulty(Settings(mode, found.codes)):
        found.codes = ()  # it takes all of them, in this order
    say(f"code objects: {', '.join(found.codes) or 'all'}")
    _, count = list_codes(Settings(mode, found.codes))
    found.recording = first_faulty(count, lambda last: faulty(Settings(mode, found.codes, last)))
    say(f"recording {found.recording} of {count} brings the fault")
    least = Settings(mode, found.codes, found.recording)
    if not faulty(least):
        raise Unsteady(f"it is not steady: {least.environment()} was faulty, and is not")
    if not faulty(Settings(mode, found.codes, found.recording, PASSES)):
        on = smallest(PASSES, lambda some: faulty(_with(least, some)))
        found.passes = on
        least = _with(least, on)
    say(f"passes: {', '.join(found.passes) or 'it is none of them'}")
    found.least = least
    return found


def _with(settings: Settings, passes: Sequence[str]) -> Settings:
    """The settings with these passes alone."""
    off = tuple(name for name in PASSES if name not in passes)
    return Settings(settings.mode, settings.codes, settings.last, off)


def say(text: str) -> None:
    """Tell how far it has come."""
    print(f"bisect: {text}", file=sys.stderr, flush=True)


# ---- running the program ----


class Runner:
    """Runs a program by stock Python and under fullspeed."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Remember what to run."""
        self.options = options
        self.expected: tuple[object, ...] | None = None

    def _run(self, command: Sequence[str], env: dict[str, str]) -> tuple[object, ...]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("FULLSPEED")}
        try:
            done = subprocess.run(
                command,
                env=clean | {"PYTHONHASHSEED": "0"} | env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self.options.timeout,
            )
        except subprocess.TimeoutExpired:
            return ("it took too long",)
        if self.options.check:
            return (done.returncode,)
        return (done.returncode, done.stdout, done.stderr if self.options.stderr else b"")

    def stock(self) -> None:
        """Run by stock Python, twice."""
        if self.options.check:
            self.expected = (0,)
            return
        command = [self.options.python, *self.options.program]
        self.expected = self._run(command, {})
        if self._run(command, {}) != self.expected:
            raise Unsteady("stock Python does not print the same thing twice")

    def ours(self, env: dict[str, str]) -> tuple[object, ...]:
        """Run under fullspeed."""
        # (Given thresholds: else what is compiled depends on the time that it takes.)
        env = env | {"FULLSPEED_JIT_THRESHOLDS": self.options.thresholds}
        if self.options.check:
            return self._run(["sh", "-c", self.options.check], env)
        start = [self.options.python, "-m", "fullspeed", "run"]
        return self._run([*start, *self.options.program], env)

    def faulty(self, settings: Settings) -> bool:
        """Whether a run differs from stock."""
        return self.ours(settings.environment()) != self.expected

    def log(self, settings: Settings) -> str:
        """Log and IR of a run."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "log"
            one = Settings(
                settings.mode, settings.codes, settings.last, settings.without, str(path)
            )
            self.ours(one.environment())
            return path.read_text(errors="replace") if path.exists() else ""

    def list_codes(self, settings: Settings) -> tuple[list[str], int]:
        """The code objects that recordings begin in, and the number of recordings."""
        found = re.findall(r", recording (\d+) of (=[^\]\n]*)\]", self.log(settings))
        numbers = [int(number) for number, _ in found]
        return list(dict.fromkeys(code for _, code in found)), max(numbers, default=0)


def last_recording(log: str, number: int) -> str:
    """What the log has of one recording: the IR as recorded and as optimized, its line."""
    parts = re.split(r"(?m)^(?=\[)", log)
    mine = [part for part in parts if re.match(rf"\[[^\n]*, recording {number} of ", part)]
    if not mine:
        return "(the log has nothing of it)\n"
    first = parts.index(mine[0])
    before = parts[first - 1] if first > 0 else log[: log.index(mine[0])]
    recorded = before[before.rfind("---- recorded") :] if "---- recorded" in before else ""
    return recorded + "".join(mine)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--python", default=sys.executable, help="a Python that has fullspeed")
    parser.add_argument("--stderr", action="store_true", help="compare stderr, too")
    parser.add_argument("--check", metavar="CMD", help="a shell command; status 0: all is well")
    parser.add_argument(
        "--thresholds",
        metavar="LIST",
        default="loop=64,entry=200,exit=16",
        help="FULLSPEED_JIT_THRESHOLDS",
    )
    parser.add_argument("--timeout", type=float, default=300, help="seconds for a run")
    parser.add_argument("program", nargs=argparse.REMAINDER, help="the program, arguments")
    options = parser.parse_args(arguments)
    if bool(options.program) == bool(options.check):
        parser.error("a program, or --check")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Find the fault, and print it."""
    runner = Runner(_options(arguments))
    try:
        runner.stock()
        if runner.faulty(Settings(mode="0")):
            print("It differs without the JIT: the interpreter (FULLSPEED_JIT=0) is at fault.")
            return 0
        differs = [runner.faulty(Settings()) for _ in range(2)]
        if differs == [False, False]:
            print("There is no difference.")
            return 1
        if not all(differs):
            raise Unsteady("it differs from stock in some runs only")
        found = narrow(runner.faulty, runner.list_codes)
    except Unsteady as fault:
        print(f"bisect: {fault}", file=sys.stderr)
        return 2
    least = found.least.environment()
    print("fault in     ", "the back end" if found.backend else "recorder, passes or runtime")
    print("code objects ", ", ".join(found.codes) or "all")
    print("recording    ", found.recording)
    print("passes       ", ", ".join(found.passes) or "none of them")
    print("reproduce by ", " ".join(f"'{k}={v}'" for k, v in least.items()))
    print()
    print(last_recording(runner.log(found.least), found.recording), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
