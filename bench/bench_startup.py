"""How long Python takes to start and end, stock and under fullspeed, in milliseconds.

Processes of all ways take turns, so that a slow moment of the machine meets each.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Start:
    """The start-up time of one way of starting."""

    name: str
    median: float
    spread: float
    extra: float


def ways(project_python: Path) -> dict[str, list[str]]:
    """The ways to start that can be measured here; the first one is the baseline."""
    python, found = str(project_python), {}
    found["python -c pass"] = [python, "-c", "pass"]
    command = project_python.parent / "fullspeed"
    if command.exists():
        found["fullspeed run -c pass"] = [str(command), "run", "-c", "pass"]
        found["python -m fullspeed run -c pass"] = [python, "-m", "fullspeed", "run", "-c", "pass"]
    found["python -c 'import fullspeed; fullspeed.enable()'"] = [
        python,
        "-c",
        "import fullspeed; fullspeed.enable()",
    ]
    return found


def _once(command: list[str], env: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, env=env, check=True, stdin=subprocess.DEVNULL)
    return time.perf_counter() - started


def measure_startup(project_python: Path, rounds: int) -> list[Start]:
    """Time all ways, in turns."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("FULLSPEED")}
    commands = ways(project_python)
    times: dict[str, list[float]] = {name: [] for name in commands}
    for command in commands.values():
        _once(command, env)  # fills the page cache and writes the .pyc files
    for _ in range(rounds):
        for name, command in commands.items():
            times[name].append(_once(command, env) * 1000)
    baseline = statistics.median(next(iter(times.values())))
    result = []
    for name, values in times.items():
        middle = statistics.median(values)
        spread = statistics.median(abs(value - middle) for value in values)
        result.append(Start(name, middle, spread, middle - baseline))
    return result
