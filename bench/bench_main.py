"""The benchmark runner: stock CPython against fullspeed, process by process in turns.

A measurement is a number of rounds; in each round every benchmark runs once on either
side, one process next to the other (which side goes first alternates). So all
benchmarks have results after the first round, slow drifts of the machine meet both
sides alike, and Ctrl-C only costs precision: the same command goes on where it stopped.

Started by run.py, in the benchmarks' own virtual environment.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyperf
from bench_callgrind import count_both
from bench_catalog import LEFT_OUT, MICRO, Script, Task, micro_scripts, scripts_from_manifest
from bench_report import (
    Result,
    benchmark_of,
    compare,
    geometric_mean,
    print_results,
)
from bench_startup import Start, measure_startup
from bench_store import Store, engine_digest
from bench_worker import FULLSPEED, STOCK, Settings, WorkerFailed, calibrate, measure
from python_build import PythonBuild, this_python
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PROJECT_PYTHON = ROOT / ".venv" / "bin" / "python"
RESULTS = ROOT / "build" / "bench"
MICRO_FOLDER = HERE / "micro"


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench/run.py", description=__doc__.split("\n\n")[0])
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--fast", action="store_true", help="3 rounds, slow ones left out: 1 h")
    size.add_argument("--full", action="store_true", help="15 rounds of everything: 5 hours")
    parser.add_argument("--rounds", type=int, help="number of rounds (default 6)")
    parser.add_argument(
        "--only",
        action="append",
        metavar="NAME",
        help="only benchmarks that match NAME (wildcards; may be repeated)",
    )
    parser.add_argument(
        "--group", choices=["pyperformance", "micro", "startup"], help="only this part"
    )
    parser.add_argument(
        "--clock",
        choices=["wall", "cpu"],
        default="wall",
        help="cpu: CPU seconds, for machines that others use too",
    )
    parser.add_argument(
        "--engine",
        metavar="DIR",
        help="folder to import fullspeed from (default: the project's .venv)",
    )
    parser.add_argument("--python", metavar="PATH", help="another stock CPython 3.11")
    parser.add_argument(
        "--null", action="store_true", help="stock against stock: shows the noise of this machine"
    )
    parser.add_argument(
        "--callgrind",
        action="store_true",
        help="count instructions of the micro benchmarks with valgrind",
    )
    parser.add_argument("--json", metavar="FILE", help="write the results to FILE")
    parser.add_argument("--fresh", action="store_true", help="do not go on with an earlier run")
    parser.add_argument("--list", action="store_true", help="list the benchmarks and their groups")
    return parser.parse_args()  # fmt: skip


def find_engine(given: str | None) -> str:
    """The folder that holds the fullspeed package to be measured."""
    if given:
        if not (Path(given) / "fullspeed").is_dir():
            sys.exit(f"bench: there is no folder 'fullspeed' in {given}")
        return str(Path(given).resolve())
    code = "import fullspeed._engine as e; print(e.__file__)"
    done = subprocess.run(
        [str(PROJECT_PYTHON), "-I", "-c", code], capture_output=True, text=True, cwd="/"
    )
    if done.returncode:
        sys.exit("bench: fullspeed is not installed in .venv: run `make setup` "
                 "(or measure the machine's noise with --null)")  # fmt: skip
    return str(Path(done.stdout.strip()).parent.parent)


def micro_names() -> list[tuple[str, int]]:
    """Names of the micro benchmarks and operations per loop."""
    done = subprocess.run(
        [sys.executable, str(MICRO_FOLDER / "run_micro.py"), "--list"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [(name, int(inner)) for name, inner in map(str.split, done.stdout.splitlines())]


def choose_scripts(arguments: argparse.Namespace) -> list[Script]:
    """The benchmark programs that were asked for."""
    scripts: list[Script] = []
    if arguments.group in (None, "pyperformance"):
        scripts += [s for s in scripts_from_manifest() if not (arguments.fast and s.slow)]
    if arguments.group in (None, "micro"):
        scripts += micro_scripts(MICRO_FOLDER, [name for name, _ in micro_names()])
    return scripts


def wanted(name: str, patterns: list[str] | None) -> bool:
    """Whether a benchmark matches one of the --only patterns."""
    return not patterns or any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


class Measurement:
    """One run of the whole thing."""

    def __init__(self, arguments: argparse.Namespace, console: Console) -> None:
        """Choose what to measure."""
        self.arguments, self.console = arguments, console
        engine = None if arguments.null else find_engine(arguments.engine)
        self.settings = Settings(
            python=sys.executable, engine=engine, clock=arguments.clock, null=arguments.null
        )
        self.store = Store(RESULTS, self.settings, arguments.fresh)
        default = 3 if arguments.fast else 15 if arguments.full else 6
        self.rounds = arguments.rounds or default
        self.tasks: list[Task] = []

    def calibrate(self, progress: Progress) -> None:
        """Find all tasks and their loops; quick when that has been done before."""
        scripts = choose_scripts(self.arguments)
        if self.arguments.only:
            # A task may be named otherwise than its script: calibrated ones are known.
            scripts = [s for s in scripts if self._may_match(s)]
        bar = progress.add_task("calibrating", total=len(scripts))
        for script in scripts:
            progress.update(bar, description=f"calibrating {script.name}")
            if script.name not in self.store.loops:
                try:
                    tasks = calibrate(self.settings, script)
                except WorkerFailed as error:
                    self.store.fail(script.name, STOCK, str(error))
                    progress.advance(bar)
                    continue
                entries = [
                    {"index": t.index, "name": t.name, "loops": t.loops, "value": t.value,
                     "group": t.group} for t in tasks
                ]  # fmt: skip
                self.store.add_calibration(script.name, entries)
            self.tasks += [Task(script, **entry) for entry in self.store.loops[script.name]]
            progress.advance(bar)
        progress.remove_task(bar)
        if self.arguments.only:
            self.tasks = [
                t for t in self.tasks
                if wanted(t.name, self.arguments.only) or wanted(t.script.name, self.arguments.only)
            ]  # fmt: skip

    def _may_match(self, script: Script) -> bool:
        known = self.store.loops.get(script.name)
        names = [script.name, *([t["name"] for t in known] if known else [])]
        if any(wanted(name, self.arguments.only) for name in names):
            return True
        return known is None and not any(
            wanted(other.name, self.arguments.only) for other in choose_scripts(self.arguments)
        )

    def run(self, progress: Progress) -> None:
        """Run all rounds, skipping what an earlier run has left."""
        bar = progress.add_task("measuring", total=self.rounds * len(self.tasks) * 2)
        for number in range(1, self.rounds + 1):
            for task in self.tasks:
                sides = (STOCK, FULLSPEED) if number % 2 else (FULLSPEED, STOCK)
                progress.update(bar, description=f"round {number}/{self.rounds} {task.name}")
                for side in sides:
                    self._measure_one(task, side, number)
                    progress.advance(bar)
            if not self.console.is_terminal:
                ratios = [r.ratio for r in self.results() if r.group != MICRO]
                self.console.print(
                    f"{time.strftime('%H:%M:%S')} round {number}/{self.rounds} done, geometric "
                    f"mean so far (all groups but micro) {geometric_mean(ratios):.3f}×"
                )
        progress.remove_task(bar)

    def _measure_one(self, task: Task, side: str, number: int) -> None:
        if (task.name, side) in self.store.failures or self.store.has(task.name, side, number):
            return
        try:
            self.store.add(measure(self.settings, task, side, number))
        except WorkerFailed as error:
            self.store.fail(task.name, side, str(error))
            self.console.print(f"{task.name} ({side}) failed: {error}", style="red", markup=False)

    def results(self) -> list[Result]:
        """What is known so far."""
        found = (compare(task, self.store.samples) for task in self.tasks)
        return [result for result in found if result is not None]


def print_header(console: Console, build: PythonBuild, measurement: Measurement) -> None:
    """Say what is compared with what; loudly if the baseline is none."""
    settings = measurement.settings
    console.print(f"baseline: {build.describe()}", markup=False, highlight=False)
    if settings.null:
        console.print("against: the same (--null): all ratios should be 1", style="yellow")
    else:
        digest = engine_digest(settings.engine)[:12]
        built = engine_build(settings)
        console.print(f"against: fullspeed of {settings.engine} ({digest}), {built}")
    console.print(f"clock: {settings.clock}; samples in {measurement.store.path}", highlight=False)
    if not build.is_baseline:
        console.rule(style="bold red")
        console.print("THE BASELINE WAS NOT BUILT WITH PGO: these ratios flatter fullspeed.",
                      style="bold red")  # fmt: skip
        console.print("Use the distribution's python3.11 for numbers to be shown to anyone.",
                      style="bold red")  # fmt: skip
        console.rule(style="bold red")
    load, _, _ = os.getloadavg()
    if load > 0.5 and settings.clock == "wall":
        console.print(f"the machine is busy (load {load:.1f}): expect noise, or use --clock cpu",
                      style="yellow")  # fmt: skip


def engine_build(settings: Settings) -> str:
    """How the engine was built, in its own words."""
    code = ("import sys; sys.path.insert(0, sys.argv[1]); import fullspeed._engine as e; "
            "i = e.build_info(); print(i['version'], i['dispatch'], i['compiler'])")  # fmt: skip
    done = subprocess.run([sys.executable, "-I", "-c", code, str(settings.engine)],
                          capture_output=True, text=True)  # fmt: skip
    if done.returncode:
        sys.exit(f"bench: the engine does not load: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout.strip()


def startup_table(starts: list[Start]) -> Table:
    """The table of start-up times."""
    table = Table(title="start-up", title_justify="left", pad_edge=False)
    for name in ("how", "median", "spread", "more than python"):
        table.add_column(name, justify="left" if name == "how" else "right")
    for start in starts:
        style = "red" if start.extra > 8 else ""
        table.add_row(start.name, f"{start.median:.1f} ms", f"±{start.spread:.1f} ms",
                      f"{start.extra:+.1f} ms", style=style)  # fmt: skip
    return table


def write_json(
    path: Path, measurement: Measurement, build: PythonBuild, starts: list[Start]
) -> None:
    """Write the results, and next to them one pyperf file per side for pyperf's own tools."""
    results = measurement.results()
    groups = {group: geometric_mean(r.ratio for r in results if r.group == group)
              for group in {r.group for r in results}}  # fmt: skip
    content: dict[str, Any] = {
        "baseline": asdict(build),
        "settings": asdict(measurement.settings),
        "engine": engine_digest(measurement.settings.engine),
        "results": [asdict(result) | {"memory": result.memory} for result in results],
        "geometric means": groups,
        "startup": [asdict(start) for start in starts],
        "failures": [f"{task} ({side}): {why}"
                     for (task, side), why in measurement.store.failures.items()],
        "left out": LEFT_OUT,
    }  # fmt: skip
    path.write_text(json.dumps(content, indent=1) + "\n")
    for side in (STOCK, FULLSPEED):
        names = {result.task: result.group for result in results}
        benchmarks = [
            benchmark_of([s for s in measurement.store.samples if (s.task, s.side) == (name, side)],
                         group)
            for name, group in names.items()
        ]  # fmt: skip
        if benchmarks:
            target = path.with_suffix(f".{side}.json")
            pyperf.BenchmarkSuite(benchmarks).dump(str(target), replace=True)


def list_benchmarks(console: Console, arguments: argparse.Namespace) -> None:
    """Print all scripts, their groups and why, and what is left out and why."""
    for script in choose_scripts(arguments):
        console.print(f"{script.name:32} {script.group:12} {script.reason}", highlight=False)
    for name, reason in LEFT_OUT.items():
        console.print(f"{name:32} left out: {reason}", highlight=False)


def run_callgrind(console: Console, measurement: Measurement) -> None:
    """Count instructions instead of seconds; a line is printed as soon as it is known."""
    console.print(f"{'instructions per operation':34} {'stock':>9} {'fullspeed':>9}   ratio")
    script, ratios = MICRO_FOLDER / "run_micro.py", []
    for name, inner in micro_names():
        if not wanted(f"micro_{name}", measurement.arguments.only):
            continue
        stock, full = count_both(measurement.settings, script, name, inner)
        line = f"{name:34} {stock:9.1f}"
        if full is not None:
            ratios.append(stock / full)
            line += f" {full:9.1f}  {stock / full:5.2f}×"
        console.print(line, highlight=False)
    if ratios:
        console.print(f"{'geometric mean':54}  {geometric_mean(ratios):5.2f}×", highlight=False)


def main() -> int:
    """Measure and report; the exit code is 1 when a benchmark failed."""
    arguments, console = parse_arguments(), Console()
    if not console.is_terminal:
        console = Console(width=140)
    if arguments.list:
        list_benchmarks(console, arguments)
        return 0
    build, measurement = this_python(), Measurement(arguments, console)
    print_header(console, build, measurement)
    if arguments.callgrind:
        run_callgrind(console, measurement)
        return 0
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TimeRemainingColumn(), console=console, disable=not console.is_terminal,
    )  # fmt: skip
    interrupted, starts = False, []
    try:
        with progress:
            if arguments.group != "startup":
                measurement.calibrate(progress)
                measurement.run(progress)
        if not arguments.null and arguments.group in (None, "startup") and not arguments.only:
            starts = measure_startup(PROJECT_PYTHON, rounds=10 * measurement.rounds)
    except KeyboardInterrupt:
        interrupted = True
    results = measurement.results()
    print_results(console, results, measurement.store.failures)
    if starts:
        console.print(startup_table(starts))
    if arguments.json:
        write_json(Path(arguments.json), measurement, build, starts)
    if interrupted:
        console.print("interrupted; nothing is lost: the same command goes on from here")
        return 130
    if arguments.only and not results:
        console.print(f"no benchmark matches {', '.join(arguments.only)}; see --list", style="red")
        return 1
    return 1 if measurement.store.failures else 0


if __name__ == "__main__":
    sys.exit(main())
