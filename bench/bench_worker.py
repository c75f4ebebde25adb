"""Starts one process of one benchmark and brings back what it measured.

pyperf normally runs a benchmark through a manager process that calibrates and starts
its workers one after the other. Here the workers are started directly (pyperf's own
--worker options), so that stock and fullspeed processes can take turns, with the same
number of loops and the same hash seed on both sides.

What must stay true: a sample counts only if the process's log proves that the engine
was on and ran frames (side "fullspeed"), or was not there at all (side "stock").
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyperf
from bench_catalog import MICRO, Script, Task, group_of

STOCK, FULLSPEED = "stock", "fullspeed"
HEAVY = 1.0  # seconds of one value, of which one is enough
KEPT = ("LANG", "LC_ALL", "PATH", "HOME", "TMPDIR", "TERM", "USER", "LD_LIBRARY_PATH")


class WorkerFailed(Exception):
    """A benchmark process that failed, or did not run on the side it was meant to."""


@dataclass
class Settings:
    """What all processes of one measurement have in common."""

    python: str
    engine: str | None
    clock: str = "wall"
    values: int = 4
    warm_time: float = 2.0
    warm_time_micro: float = 0.3
    min_time: float = 0.1
    cold_time: float = 0.5
    cold_rounds: int = 3
    timeout: float = 600.0
    null: bool = False

    def runs_as(self, side: str) -> str:
        """The side that a process is really started as: with --null all are stock."""
        return STOCK if self.null else side


@dataclass
class Sample:
    """What one process measured: seconds per loop, and its peak memory.

    `cold`: seconds of each loop of another process, from its first one on. `trace_us`: the
    median time that making a trace took (0: none was made).
    """

    task: str
    side: str
    round: int
    values: list[float]
    loops: int
    peak: int
    seconds: float
    frames: int = 0
    handovers: dict[str, Any] = field(default_factory=dict)
    cold: list[float] = field(default_factory=list)
    trace_us: int = 0

    def as_json(self) -> dict[str, Any]:
        """For the store."""
        return asdict(self)


def environment(settings: Settings, side: str, log: Path, seed: int) -> dict[str, str]:
    """The whole environment of one benchmark process."""
    env = {name: os.environ[name] for name in KEPT if name in os.environ}
    env["PYTHONHASHSEED"] = str(seed)
    side = settings.runs_as(side)
    env["FULLSPEED_BENCH_SIDE"] = side
    env["FULLSPEED_BENCH_LOG"] = str(log)
    env["FULLSPEED_BENCH_CLOCK"] = settings.clock
    if side == FULLSPEED:
        if settings.engine is None:
            raise WorkerFailed("there is no engine to measure")
        env["FULLSPEED_BENCH_ENGINE"] = settings.engine
    return env


def _launch(
    settings: Settings, script: Script, side: str, options: list[str], seed: int
) -> tuple[pyperf.Benchmark | None, list[dict[str, Any]], float]:
    """Run one process; returns its benchmark (None: no such task), the log, the seconds."""
    with tempfile.TemporaryDirectory(prefix="fullspeed-bench-") as folder:
        output, log = Path(folder) / "out.json", Path(folder) / "log.jsonl"
        command = [settings.python, str(script.path), *script.options, "--worker"]
        command += [*options, "--output", str(output)]
        started = time.monotonic()
        process = subprocess.Popen(
            command,
            env=environment(settings, side, log, seed),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd=folder,
            start_new_session=True,
        )
        try:
            text, _ = process.communicate(timeout=settings.timeout)
        except subprocess.TimeoutExpired:
            _stop(process)
            raise WorkerFailed(f"no end after {settings.timeout:.0f} s") from None
        except BaseException:
            _stop(process)
            raise
        if process.returncode != 0:
            tail = " | ".join(text.strip().splitlines()[-3:])
            raise WorkerFailed(f"exit code {process.returncode}: {tail}")
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        _check_side(lines, process.pid, settings.runs_as(side))
        bench = pyperf.Benchmark.load(str(output)) if output.exists() else None
        return bench, lines, time.monotonic() - started


def _stop(process: subprocess.Popen[str]) -> None:
    """End a benchmark process and everything that it has started."""
    try:
        os.killpg(process.pid, 9)
    except ProcessLookupError:
        pass
    process.wait()


def _check_side(lines: list[dict[str, Any]], pid: int, side: str) -> None:
    """Raise unless each process of the benchmark ran as its side demands."""
    if not any(line["pid"] == pid for line in lines):
        raise WorkerFailed("the benchmark's process left no log: its engine is not proven")
    for line in lines:
        if line["side"] != side or line["enabled"] != (side == FULLSPEED):
            raise WorkerFailed(f"process {line['argv']} did not run as {side}: {line}")
        if side == FULLSPEED and not line["stats"].get("frames"):
            raise WorkerFailed(f"the engine was on in {line['argv']} but ran no frame")


def calibrate(settings: Settings, script: Script) -> list[Task]:
    """Find the tasks of a script and their number of loops, with stock Python."""
    tasks: list[Task] = []
    while True:
        options = [f"--worker-task={len(tasks)}", "--calibrate-loops", "-w0", "-n1"]
        options.append(f"--min-time={settings.min_time}")
        bench, _, _ = _launch(settings, script, STOCK, options, seed=0)
        if bench is None:
            return tasks
        run = bench.get_runs()[-1]
        loops, value = run.warmups[-1]
        value *= run.get_metadata().get("inner_loops", 1)  # (pyperf divides by them)
        name = bench.get_name()
        group, _ = group_of(script, name)
        tasks.append(Task(script, len(tasks), name, loops, value, group))


def measure_cold(settings: Settings, task: Task, side: str, round_: int) -> list[float]:
    """Seconds of each single loop in a fresh process: the warm-up as a user has it."""
    count = max(2, min(200, int(settings.cold_time / task.value)))
    options = [f"--worker-task={task.index}", "--loops=1", "-w0", f"-n{count}"]
    bench, _, _ = _launch(settings, task.script, side, options, seed=round_)
    return list(bench.get_values()) if bench is not None else []


def warm_options(settings: Settings, task: Task) -> list[str]:
    """The worker's options of a warm process: how often, what is not counted, what is.

    Both sides do the same loops: as many as take stock `warm_time` are not counted, so that
    what is measured is the steady state. (`cold` has what comes before it.)
    """
    one = task.value * task.loops
    warm_time = settings.warm_time_micro if task.group == MICRO else settings.warm_time
    warmups = max(1, math.ceil(warm_time / one))
    values = settings.values if one < HEAVY else 1
    return [f"--worker-task={task.index}", f"--loops={task.loops}", f"-w{warmups}", f"-n{values}"]


def measure(settings: Settings, task: Task, side: str, round_: int) -> Sample:
    """Run the processes of a task on one side: a warm one, and in the first rounds a cold one."""
    cold = measure_cold(settings, task, side, round_) if round_ <= settings.cold_rounds else []
    options = warm_options(settings, task)
    bench, lines, seconds = _launch(settings, task.script, side, options, seed=round_)
    if bench is None or bench.get_name() != task.name:
        raise WorkerFailed(f"task {task.index} of {task.script.name} is not {task.name}")
    handovers: dict[str, Any] = {}
    for line in lines:
        for reason, ops in line["stats"].get("handovers", {}).items():
            for op, count in ops.items():
                counts = handovers.setdefault(reason, {})
                counts[op] = counts.get(op, 0) + count
    return Sample(
        task=task.name,
        side=side,
        round=round_,
        values=list(bench.get_values()),
        loops=task.loops,
        peak=max(line["peak"] for line in lines),
        seconds=seconds,
        frames=sum(line["stats"].get("frames", 0) for line in lines),
        handovers=handovers,
        cold=cold,
        trace_us=max(line["stats"].get("jit", {}).get("median_us", 0) for line in lines),
    )
