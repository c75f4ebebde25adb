"""Turns samples into ratios, means and tables.

A ratio is stock time / fullspeed time: above 1 is faster. Each round ran one process of
either side next to each other, so ratios are taken per round, and the median of them is
the benchmark's ratio; the interval is the 95 % one of their mean (Student's t over
logarithms). Whether a difference is significant is pyperf's own test over all values.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyperf
from bench_catalog import C_BOUND, GROUPS, PURE, Task
from bench_worker import FULLSPEED, STOCK, Sample
from pyperf._compare import is_significant_benchs
from pyperf._utils import tdist95conf_level
from rich.console import Console
from rich.table import Table

# What the project promises: at least this ratio for each benchmark of a group, this
# geometric mean for the pure Python ones, and at most this factor of peak memory.
LEAST_RATIO = {PURE: 0.98, C_BOUND: 0.99}
GOAL_PURE_MEAN = 1.25
MOST_MEMORY = 1.10


@dataclass
class Result:
    """The comparison of one benchmark."""

    task: str
    group: str
    rounds: int
    stock: float
    fullspeed: float
    ratio: float
    best: float
    interval: float
    significant: bool
    stock_spread: float
    fullspeed_spread: float
    stock_peak: float
    fullspeed_peak: float
    handovers: dict[str, Any]

    @property
    def memory(self) -> float:
        """Peak memory, fullspeed / stock."""
        return self.fullspeed_peak / self.stock_peak


def benchmark_of(samples: Iterable[Sample], group: str) -> pyperf.Benchmark:
    """A pyperf benchmark object holding one side's samples."""
    return pyperf.Benchmark(
        [
            pyperf.Run(
                sample.values,
                metadata={"name": sample.task, "loops": sample.loops, "unit": "second",
                          "mem_max_rss": sample.peak, "tags": [group]},
                collect_metadata=False,
            )
            for sample in samples
        ]
    )  # fmt: skip


def _spread(values: list[float]) -> float:
    """Median absolute deviation relative to the median."""
    middle = statistics.median(values)
    return statistics.median(abs(value - middle) for value in values) / middle


def _interval(ratios: list[float]) -> float:
    """Half width of the 95 % interval of the mean ratio, relative; inf for one round."""
    if len(ratios) < 2:
        return math.inf
    logs = [math.log(ratio) for ratio in ratios]
    return tdist95conf_level(len(logs) - 1) * statistics.stdev(logs) / math.sqrt(len(logs))


def compare(task: Task, samples: list[Sample]) -> Result | None:
    """Compare the two sides of one benchmark; None while a side has no sample."""
    sides: dict[str, dict[int, Sample]] = {STOCK: {}, FULLSPEED: {}}
    for sample in samples:
        if sample.task == task.name:
            sides[sample.side][sample.round] = sample
    rounds = sorted(sides[STOCK].keys() & sides[FULLSPEED].keys())
    if not rounds:
        return None
    stock = [sides[STOCK][number] for number in rounds]
    full = [sides[FULLSPEED][number] for number in rounds]
    ratios = [
        statistics.median(a.values) / statistics.median(b.values)
        for a, b in zip(stock, full, strict=True)
    ]
    significant, _ = is_significant_benchs(
        benchmark_of(stock, task.group), benchmark_of(full, task.group)
    )
    stock_values = [value for sample in stock for value in sample.values]
    full_values = [value for sample in full for value in sample.values]
    return Result(
        task=task.name,
        group=task.group,
        rounds=len(rounds),
        stock=statistics.median(stock_values),
        fullspeed=statistics.median(full_values),
        ratio=statistics.median(ratios),
        best=min(stock_values) / min(full_values),
        interval=_interval(ratios),
        significant=significant and len(stock_values) > 1,
        stock_spread=_spread(stock_values),
        fullspeed_spread=_spread(full_values),
        stock_peak=statistics.median(sample.peak for sample in stock),
        fullspeed_peak=statistics.median(sample.peak for sample in full),
        handovers=full[-1].handovers,
    )


def geometric_mean(values: Iterable[float]) -> float:
    """The geometric mean; nan of nothing."""
    logs = [math.log(value) for value in values]
    return math.exp(math.fsum(logs) / len(logs)) if logs else math.nan


def seconds(value: float) -> str:
    """A duration with three digits and its unit."""
    for unit, factor in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def _colour(result: Result) -> str:
    least = LEAST_RATIO.get(result.group, 0.98)
    if result.ratio < least:
        return "red" if result.significant else "yellow"
    return "green" if result.ratio > 1.02 and result.significant else ""


def _group_table(group: str, results: list[Result]) -> Table:
    table = Table(title=f"{group} ({len(results)})", title_justify="left", pad_edge=False)
    numbers = ("stock", "fullspeed", "ratio", "95 %", "best", "spread", "memory", "n")
    for name in ("benchmark", *numbers):
        table.add_column(name, justify="left" if name == "benchmark" else "right", no_wrap=True)
    for result in results:
        mark = "" if result.significant else " ~"
        interval = "" if math.isinf(result.interval) else f"±{result.interval * 100:.1f} %"
        table.add_row(
            result.task,
            seconds(result.stock),
            seconds(result.fullspeed),
            f"{result.ratio:.3f}×{mark}",
            interval,
            f"{result.best:.3f}×",
            f"{result.stock_spread * 100:.1f}/{result.fullspeed_spread * 100:.1f} %",
            f"{result.memory:.2f}×",
            str(result.rounds),
            style=_colour(result),
        )
    mean = geometric_mean(result.ratio for result in results)
    memory = geometric_mean(result.memory for result in results)
    table.add_section()
    best = geometric_mean(result.best for result in results)
    table.add_row(
        "geometric mean", "", "", f"{mean:.3f}×", "", f"{best:.3f}×", "", f"{memory:.2f}×", ""
    )
    return table


def shortfalls(results: list[Result]) -> list[str]:
    """What misses the project's goals, one sentence each."""
    found = []
    for result in results:
        least = LEAST_RATIO.get(result.group)
        if least is not None and result.ratio < least:
            sure = "significant" if result.significant else "not significant"
            found.append(f"{result.task}: {result.ratio:.3f}×, goal {least}× ({sure})")
        if result.group != "micro" and result.memory > MOST_MEMORY:
            found.append(f"{result.task}: peak memory {result.memory:.2f}×, goal {MOST_MEMORY}×")
        unwanted = {why: ops for why, ops in result.handovers.items() if why != "tracing"}
        if unwanted:
            found.append(f"{result.task}: handed over to CPython: {unwanted}")
    pure = [result.ratio for result in results if result.group == PURE]
    if pure and geometric_mean(pure) < GOAL_PURE_MEAN:
        mean = geometric_mean(pure)
        found.append(f"pure Python, geometric mean: {mean:.3f}×, goal {GOAL_PURE_MEAN}×")
    return found


def print_results(console: Console, results: list[Result], failures: dict[Any, str]) -> None:
    """All tables, group by group, and what misses the goals."""
    for group in GROUPS:
        chosen = sorted((r for r in results if r.group == group), key=lambda r: r.task)
        if chosen:
            console.print(_group_table(group, chosen))
            console.print()
    console.print(
        "ratio = stock / fullspeed, above 1 is faster; ~ = no significant difference;\n"
        "best = smallest stock / smallest fullspeed value (least noisy on a busy machine); "
        "n = rounds;\n"
        "spread = median absolute deviation, stock/fullspeed; memory = peak, fullspeed / stock.",
        style="dim",
    )
    for (task, side), reason in sorted(failures.items()):
        console.print(f"FAILED {task} ({side}): {reason}", style="bold red", markup=False)
    missed = shortfalls(results)
    if missed:
        console.print("\nMisses a goal:", style="bold")
        for line in missed:
            console.print(f"  {line}", markup=False)
