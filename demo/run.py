"""`make demo`: real programs, stock CPython against fullspeed, side by side.

Each program runs whole, as its user would start it, start-up included: once under
`python`, once under `fullspeed run`, in turns, with the same hash seed. Everything that
it prints and its exit code must be the same on both sides, or the demo fails.
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "bench"))

from python_build import this_python  # noqa: E402

PYTHON = Path(sys.executable)
COMMAND = PYTHON.parent / "fullspeed"

# Program -> (what it is, the size that makes it short for --quick).
PROGRAMS = {
    "markdown_site": ("Markdown and templates to HTML", 60),
    "json_query": ("JSON parser and query engine", 500),
    "puzzle_solver": ("sudokus and exact cover", 15),
    "clinic_simulation": ("event simulation with generators", 6),
    "little_language": ("interpreter of a little language", 300),
    "async_pipeline": ("asyncio pipeline with queues", 60),
}


@dataclass
class Run:
    """One process: how long it took by the clock and in CPU time, and all that it said."""

    seconds: float
    cpu: float
    output: bytes
    errors: bytes
    code: int

    def same_as(self, other: Run) -> bool:
        """Whether two runs cannot be told apart but by their time."""
        return (self.output, self.errors, self.code) == (other.output, other.errors, other.code)


@dataclass
class Comparison:
    """All runs of one program."""

    name: str
    stock: list[Run] = field(default_factory=list)
    fullspeed: list[Run] = field(default_factory=list)
    differs: str = ""

    @property
    def ratio(self) -> float:
        """Median of stock / fullspeed over the pairs: above 1 is faster."""
        pairs = zip(self.stock, self.fullspeed, strict=True)
        return statistics.median(a.seconds / b.seconds for a, b in pairs)

    @property
    def cpu_ratio(self) -> float:
        """The same for CPU time, which other users of the machine disturb less."""
        pairs = zip(self.stock, self.fullspeed, strict=True)
        return statistics.median(a.cpu / b.cpu for a, b in pairs)


def children_cpu() -> float:
    """CPU seconds of all processes that have been waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(command: list[str], seed: int) -> Run:
    """Run one process to its end."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("FULLSPEED")}
    env["PYTHONHASHSEED"] = str(seed)
    used, started = children_cpu(), time.perf_counter()
    done = subprocess.run(command, env=env, capture_output=True, stdin=subprocess.DEVNULL)
    seconds, cpu = time.perf_counter() - started, children_cpu() - used
    return Run(seconds, cpu, done.stdout, done.stderr, done.returncode)


def compare(comparison: Comparison, arguments: list[str], seed: int) -> None:
    """Run a program once on either side and compare what it says."""
    script = str(HERE / "programs" / f"{comparison.name}.py")
    commands = {
        "stock": [str(PYTHON), script, *arguments],
        "fullspeed": [str(COMMAND), "run", script, *arguments],
    }
    for side in ("stock", "fullspeed") if seed % 2 else ("fullspeed", "stock"):
        getattr(comparison, side).append(run(commands[side], seed))
    stock, full = comparison.stock[-1], comparison.fullspeed[-1]
    if stock.code != 0:
        comparison.differs = f"stock failed with exit code {stock.code}: {stock.errors[-300:]!r}"
    elif not stock.same_as(full):
        comparison.differs = (
            f"stock said {stock.output[-300:]!r}, fullspeed said {full.output[-300:]!r}; "
            f"exit code {full.code}, stderr {full.errors[-300:]!r}"
        )


def check_engine() -> str:
    """Make sure that `fullspeed run` really runs our engine; returns how it was built."""
    code = (
        "import fullspeed, fullspeed._engine as e; i = e.build_info(); "
        "print(fullspeed.is_enabled(), i['version'], 'dispatch by', i['dispatch'], i['compiler'])"
    )
    if not COMMAND.exists():
        sys.exit("demo: fullspeed is not installed in .venv: run `make setup`")
    done = run([str(COMMAND), "run", "-c", code], seed=0)
    enabled, _, built = done.output.decode().strip().partition(" ")
    if done.code or enabled != "True":
        sys.exit(f"demo: `fullspeed run` does not run our engine: {done.errors.decode()}")
    return built


def spread(runs: list[Run]) -> float:
    """Median absolute deviation relative to the median."""
    values = [one.seconds for one in runs]
    middle = statistics.median(values)
    return statistics.median(abs(value - middle) for value in values) / middle


def table_of(comparisons: list[Comparison]) -> Table:
    """The result."""
    table = Table(pad_edge=False)
    left = {"program", "what it is", "output"}
    for name in (
        "program",
        "what it is",
        "stock",
        "fullspeed",
        "ratio",
        "CPU ratio",
        "spread",
        "output",
    ):
        table.add_column(name, justify="left" if name in left else "right", no_wrap=True)
    for one in comparisons:
        table.add_row(
            one.name,
            PROGRAMS[one.name][0],
            f"{statistics.median(r.seconds for r in one.stock):.2f} s",
            f"{statistics.median(r.seconds for r in one.fullspeed):.2f} s",
            f"{one.ratio:.2f}×",
            f"{one.cpu_ratio:.2f}×",
            f"{spread(one.stock):.1%} / {spread(one.fullspeed):.1%}",
            "[red]DIFFERS[/red]" if one.differs else "[green]same[/green]",
        )
    mean = math.exp(statistics.fmean(math.log(one.ratio) for one in comparisons))
    cpu_mean = math.exp(statistics.fmean(math.log(one.cpu_ratio) for one in comparisons))
    table.add_section()
    table.add_row(
        "geometric mean", "", "", "", f"[bold]{mean:.2f}×[/bold]", f"{cpu_mean:.2f}×", "", ""
    )
    return table


def main() -> int:
    """Run the demo; the exit code is 1 when any output differs."""
    parser = argparse.ArgumentParser(prog="demo/run.py", description=__doc__)
    parser.add_argument("--pairs", type=int, default=5, help="runs per side (default 5)")
    parser.add_argument("--only", action="append", choices=PROGRAMS, help="only this program")
    parser.add_argument("--quick", action="store_true", help="one short pair: compare output only")
    arguments = parser.parse_args()
    console = Console()
    if not console.is_terminal:
        console = Console(width=120)
    built, build = check_engine(), this_python()
    console.print(f"stock:     {build.describe()}", highlight=False, soft_wrap=True)
    console.print(f"fullspeed: {built}", highlight=False, soft_wrap=True)
    if not build.is_baseline:
        console.print("THE BASELINE WAS NOT BUILT WITH PGO: the ratios flatter fullspeed.",
                      style="bold red")  # fmt: skip
    comparisons = [Comparison(name) for name in arguments.only or PROGRAMS]
    pairs = 1 if arguments.quick else arguments.pairs
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip
    with progress:
        bar = progress.add_task("", total=pairs * len(comparisons))
        for number in range(1, pairs + 1):
            for one in comparisons:
                progress.update(bar, description=f"pair {number}/{pairs}: {one.name}")
                size = [str(PROGRAMS[one.name][1])] if arguments.quick else []
                compare(one, size, seed=number)
                progress.advance(bar)
    if not arguments.quick:
        console.print(table_of(comparisons))
        console.print(
            f"medians of {pairs} runs per side in turns, start-up included; ratio = stock / "
            "fullspeed, the median over the pairs;\nCPU ratio = the same in CPU seconds (for busy "
            "machines); spread = median absolute deviation, stock / fullspeed",
            style="dim",
        )
    different = [one for one in comparisons if one.differs]
    for one in different:
        console.print(f"{one.name}: {one.differs}", style="red", markup=False)
    passed = len(comparisons) - len(different)
    console.print(f"{passed} passed, {len(different)} failed", highlight=False)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
