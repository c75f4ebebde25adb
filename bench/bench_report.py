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
from bench_catalog import C_BOUND, GROUPS, MICRO, PURE, WAITING, Task
from bench_worker import FULLSPEED, STOCK, Sample
from pyperf._compare import is_significant_benchs
from pyperf._utils import tdist95conf_level
from rich.console import Console
from rich.table import Table

# What the project promises: at least this ratio for each benchmark of a group, these
# geometric means over all of them (steady, and of the first loop), at most this factor of peak
# memory, and this median time to make a trace.
LEAST_RATIO = {PURE: 0.97, C_BOUND: 0.97, WAITING: 0.97}
GOAL_MEAN = 2.2
GOAL_FIRST = 1.2
MOST_MEMORY = 1.25
MOST_TRACE_US = 200


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
    first: float = math.nan  # of a fresh process: stock / fullspeed
    even: int | None = None  # loops after which fullspeed has taken less in all; None: not seen
    even_seconds: float = math.nan
    trace_us: float = 0.0

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


def _warm_up(stock: list[Sample], full: list[Sample]) -> dict[str, Any]:
    """First loop and break-even point, from the medians over the rounds of each loop's time."""
    colds = [[s.cold for s in side if s.cold] for side in (stock, full)]
    if not all(colds):
        return {}
    curves = [[statistics.median(at) for at in zip(*cold, strict=False)] for cold in colds]
    behind, spent, even, even_seconds = 0.0, 0.0, 1, 0.0
    for number, (one, other) in enumerate(zip(*curves, strict=False), 1):
        behind += other - one
        spent += other
        if behind > 0:
            even, even_seconds = number + 1, spent
    seen = even <= min(map(len, curves))
    return {
        "first": curves[0][0] / curves[1][0],
        "even": even if seen else None,
        "even_seconds": even_seconds if seen else math.nan,
    }


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
        trace_us=statistics.median(sample.trace_us for sample in full),
        **_warm_up(stock, full),
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


def _firsts(results: list[Result]) -> list[float]:
    return [result.first for result in results if not math.isnan(result.first)]


def _even(result: Result) -> str:
    if math.isnan(result.first):
        return ""
    if result.even is None:
        return "not seen"
    return "at once" if result.even == 1 else f"{result.even}, {seconds(result.even_seconds)}"


def _colour(result: Result) -> str:
    least = LEAST_RATIO.get(result.group, 0.98)
    if result.ratio < least:
        return "red" if result.significant else "yellow"
    return "green" if result.ratio > 1.02 and result.significant else ""


def _group_table(group: str, results: list[Result]) -> Table:
    table = Table(title=f"{group} ({len(results)})", title_justify="left", pad_edge=False)
    numbers = (
        "stock", "fullspeed", "ratio", "95 %", "best", "spread", "memory", "first", "even", "trace",
        "n",
    )  # fmt: skip
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
            "" if math.isnan(result.first) else f"{result.first:.2f}×",
            _even(result),
            f"{result.trace_us:.0f} µs" if result.trace_us else "",
            str(result.rounds),
            style=_colour(result),
        )
    mean = geometric_mean(result.ratio for result in results)
    memory = geometric_mean(result.memory for result in results)
    table.add_section()
    best = geometric_mean(result.best for result in results)
    firsts = _firsts(results)
    first = f"{geometric_mean(firsts):.2f}×" if firsts else ""
    made = [result.trace_us for result in results if result.trace_us]
    trace = f"{statistics.median(made):.0f} µs" if made else ""
    table.add_row(
        "geometric mean", "", "", f"{mean:.3f}×", "", f"{best:.3f}×", "", f"{memory:.2f}×", first,
        "", trace, "",
    )  # fmt: skip
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
    programs = [result for result in results if result.group != MICRO]
    mean = geometric_mean(result.ratio for result in programs)
    if mean < GOAL_MEAN:
        found.append(f"all programs, geometric mean: {mean:.3f}×, goal {GOAL_MEAN}×")
    first = geometric_mean(_firsts(programs))
    if first < GOAL_FIRST:
        found.append(f"first loop, geometric mean: {first:.3f}×, goal {GOAL_FIRST}×")
    made = [result.trace_us for result in programs if result.trace_us]
    if made and statistics.median(made) > MOST_TRACE_US:
        found.append(f"a trace takes {statistics.median(made):.0f} µs, goal {MOST_TRACE_US} µs")
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
        "spread = median absolute deviation, stock/fullspeed; memory = peak, fullspeed / stock;\n"
        "first = first loop of a fresh process, stock / fullspeed; even = loops and seconds after\n"
        "which fullspeed has taken less time in all (of those measured); trace = median time to\n"
        "make one trace.",
        style="dim",
    )
    for (task, side), reason in sorted(failures.items()):
        console.print(f"FAILED {task} ({side}): {reason}", style="bold red", markup=False)
    missed = shortfalls(results)
    if missed:
        console.print("\nMisses a goal:", style="bold")
        for line in missed:
            console.print(f"  {line}", markup=False)
