"""`make test`: runs every quick test, with both builds of the interpreter.

The steps stand in the tables below. Those of the two builds (tail calls in .venv,
computed goto in build/venv-goto) are two lanes that run next to each other when there
are two processors; each step's output goes to a log of its own and, when it fails, to
the terminal. The last line says `N passed, N failed` over all tests of all steps.

What must stay true: a step that cannot run, times out, or reports no test at all is a
failure; nothing is left out silently.

    tools/run_tests.py                     everything
    tools/run_tests.py --only lint --only unit
    tools/run_tests.py --build goto
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "test-logs"
VENVS = {"tail": ROOT / ".venv", "goto": ROOT / "build" / "venv-goto"}
DISPATCH = {"tail": "tail-call", "goto": "computed-goto"}
PRINTING = threading.Lock()


@dataclass(frozen=True)
class Step:
    """One command; {python} and {jobs} are filled in.

    `counted`: "last", the tests are those of the last `N passed, N failed` that it prints; "once",
    it is one test, and its last line, which says how much was tried, is shown beside.
    """

    name: str
    command: tuple[str, ...]
    minutes: float
    pytest: bool = False
    counted: str = ""
    paths: tuple[str, ...] = ()


def pytest_step(name: str, path: str, minutes: float, *options: str) -> Step:
    """A step that is a folder of pytest tests."""
    command = ("{python}", "-m", "pytest", path, "-q", "--timeout=300", *options)
    return Step(name, command, minutes, pytest=True, paths=(path,))


# Once, not per build.
LINT = (
    Step("ruff", ("{python}", "-m", "ruff", "check", "."), 1),
    Step("clang-format", ("{python}", "tools/run_format.py", "--check"), 1),
    Step("layers", ("{python}", "tools/check_layers.py"), 1),
    pytest_step("tools", "tests/tools", 2),
    pytest_step("cpu-table", "tests/cpu/table", 4),
    pytest_step("cpu-options", "tests/cpu/options", 8),
    pytest_step("cpu-cross", "tests/cpu/cross", 4),
)
# For each build.
COMMON = (
    Step("engine", ("{python}", "tools/check_engine.py", "{dispatch}"), 1),
    pytest_step("unit", "tests/unit", 10),
    pytest_step("cpu", "tests/cpu/module", 3),
    pytest_step("array", "tests/array", 15),
    Step(
        "fuzz-array",
        ("{python}", "tests/fuzz/fuzz_array.py", "--seconds", "20", "--seed", "1"),
        3,
        counted="once",
    ),
    Step(
        "fuzz-kernels",
        ("{python}", "tests/fuzz/fuzz_kernels.py", "--seconds", "20", "--seed", "1"),
        3,
        counted="once",
    ),
    pytest_step("cli", "tests/cli", 15),
    pytest_step("diff", "tests/diff", 10),
    Step("demo", ("{python}", "demo/run.py", "--quick"), 2, counted="last"),
    Step(
        "fuzz-smoke",
        ("{python}", "tests/fuzz/fuzz.py", "--seconds", "45", "--seed", "1", "--jobs", "{jobs}"),
        5,
    ),
)
# For each build, but one after the other: they share what is known about stock Python.
LAST = (
    Step("cpython-quick", ("{python}", "tests/cpython/run.py", "--quick", "--jobs", "{jobs}"), 25),
)
ONLY_TAIL = (
    Step("handlers", ("{python}", "tools/check_handlers.py"), 1),
    pytest_step("hwcaps", "tests/hwcaps", 5),
    pytest_step("cpu-wheel", "tests/cpu/wheel", 8),
    pytest_step("pgo", "tests/pgo", 10),
    pytest_step("variant", "tests/variant", 10),
    pytest_step("cluster", "tests/cluster", 6),
)
GROUPS = {"lint": {"ruff", "clang-format", "layers", "handlers"}}


@dataclass
class Outcome:
    """How one step went."""

    step: Step
    build: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    log: Path = field(default_factory=Path)
    reason: str = ""
    note: str = ""


def steps_of(build: str, first: bool) -> list[Step]:
    """The steps of a build that need no order among the builds."""
    return [*(LINT if first else ()), *(ONLY_TAIL if build == "tail" else ()), *COMMON]


def count_junit(path: Path) -> tuple[int, int, int]:
    """Passed, failed and skipped tests of a pytest run."""
    passed = failed = skipped = 0
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        left_out = int(suite.get("skipped", 0))
        passed += int(suite.get("tests", 0)) - bad - left_out
        failed += bad
        skipped += left_out
    return passed, failed, skipped


def run_step(step: Step, build: str, jobs: int) -> Outcome:
    """Run one step to its end, or to the end of its time."""
    outcome = Outcome(step, build, log=LOGS / f"{build}-{step.name}.log")
    values = {
        "python": str(VENVS[build] / "bin" / "python"),
        "jobs": str(jobs),
        "dispatch": DISPATCH[build],
    }
    command = [part.format(**values) for part in step.command]
    junit = outcome.log.with_suffix(".xml")
    junit.unlink(missing_ok=True)
    if step.pytest:
        command.append(f"--junitxml={junit}")
    missing = [path for path in step.paths if not (ROOT / path).exists()]
    started = time.monotonic()
    code = -1
    if missing:
        outcome.reason = f"there is no {', '.join(missing)}"
    else:
        code = run_command(command, outcome, step.minutes * 60)
    outcome.seconds = time.monotonic() - started
    count(outcome, code, junit)
    return outcome


def run_command(command: list[str], outcome: Outcome, limit: float) -> int:
    """Run a command with a time limit, its output into the log; returns its exit code."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("FULLSPEED")}
    with outcome.log.open("w") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=log,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            return process.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            outcome.reason = f"no end after {limit / 60:.0f} minutes"
            return -1
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def count(outcome: Outcome, code: int, junit: Path) -> None:
    """Fill in how many tests passed and failed."""
    if outcome.step.pytest and junit.exists():
        outcome.passed, outcome.failed, outcome.skipped = count_junit(junit)
    elif outcome.step.counted == "last" and outcome.log.exists():
        found = re.findall(r"(\d+) passed, (\d+) failed", outcome.log.read_text(errors="replace"))
        if found:
            outcome.passed, outcome.failed = map(int, found[-1])
    elif code == 0:
        outcome.passed = 1
    if outcome.step.counted == "once" and outcome.log.exists():
        outcome.note = outcome.log.read_text(errors="replace").rstrip().rpartition("\n")[2]
    if code != 0:
        outcome.failed = max(outcome.failed, 1)
        outcome.reason = outcome.reason or f"exit code {code}"
    elif outcome.passed + outcome.failed == 0:
        outcome.failed, outcome.reason = 1, "ran no test at all"


def report(outcome: Outcome) -> None:
    """One line for a step, and its output when it failed."""
    state = "FAILED" if outcome.failed else "ok"
    counts = f"{outcome.passed} passed, {outcome.failed} failed, {outcome.skipped} skipped"
    name = f"{outcome.build}/{outcome.step.name}"
    with PRINTING:
        print(f"{name:22} {state:7} {outcome.seconds:6.0f} s  {counts}", flush=True)
        if outcome.note:
            print(f"{'':22} {outcome.note}", flush=True)
        if outcome.failed:
            print(f"  {outcome.reason}; all of the output is in {outcome.log}")
            if outcome.log.exists():
                for line in outcome.log.read_text(errors="replace").splitlines()[-60:]:
                    print(f"  | {line}")
            sys.stdout.flush()


def run_lane(build: str, steps: list[Step], jobs: int) -> list[Outcome]:
    """All steps of one build, in order."""
    outcomes = []
    for step in steps:
        outcomes.append(run_step(step, build, jobs))
        report(outcomes[-1])
    return outcomes


def main() -> int:
    """Run what was asked for; the exit code is 1 when a test failed."""
    names = {step.name for step in (*LINT, *COMMON, *ONLY_TAIL, *LAST)}
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    choices = sorted(names | GROUPS.keys())
    parser.add_argument("--only", action="append", choices=choices, default=[])
    parser.add_argument("--build", action="append", choices=list(VENVS), default=[])
    arguments = parser.parse_args()
    # A shell starts what runs in the background with SIGINT ignored, and tests of Ctrl-C would
    # inherit that: what has a handler here has the default in children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    only = {name for given in arguments.only for name in GROUPS.get(given, {given})} or names
    builds = arguments.build or (["tail"] if arguments.only == ["lint"] else list(VENVS))
    LOGS.mkdir(parents=True, exist_ok=True)
    processors = os.cpu_count() or 1
    width = len(builds) if processors > 1 else 1
    started = time.monotonic()
    outcomes: list[Outcome] = []
    with ThreadPoolExecutor(width) as pool:
        futures = []
        for build in builds:
            steps = [step for step in steps_of(build, build == builds[0]) if step.name in only]
            futures.append(pool.submit(run_lane, build, steps, max(1, processors // width)))
        for future in futures:
            outcomes += future.result()
    for build in builds:
        outcomes += run_lane(build, [step for step in LAST if step.name in only], processors)
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    skipped = sum(outcome.skipped for outcome in outcomes)
    minutes, seconds = divmod(int(time.monotonic() - started), 60)
    if not outcomes:
        print("no step was chosen")
        failed = 1
    for outcome in outcomes:
        if outcome.failed:
            print(f"FAILED {outcome.build}/{outcome.step.name}: {outcome.reason}")
    print(f"{skipped} skipped, each with its reason in {LOGS.relative_to(ROOT)}; "
          f"took {minutes}:{seconds:02}")  # fmt: skip
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
