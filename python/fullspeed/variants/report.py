"""What each level costs and gains: from the times of --bench to the report that a wheel carries.

How it works: a round gives one ratio of the baseline's time to the level's. The gain is the median
of these, less one. Its interval is that of order statistics: whatever the times' distribution, the
number of ratios below the true median is that of heads in as many throws of a coin. Who looks
several times, and stops when content, has to ask for more at each look (Bonferroni).

What must stay true: no distribution of the times is assumed, since they have none of the known
ones; a level is kept only if its gain reaches what was asked for and is surely above zero.
"""

import math
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fullspeed.variants import BuildError, need

CONFIDENCE = 0.95
FEWEST_VALUES = 6  # below, no order statistic has that confidence
NOISE = 0.25  # an interval half as wide as this says nothing at all


def median_interval(values: list[float], confidence: float) -> tuple[float, float]:
    """The narrowest interval of order statistics that has the median, with this confidence."""
    ordered = sorted(values)
    cut, tails = 0, 0.0
    while cut < len(ordered) // 2:
        tails += 2 * math.comb(len(ordered), cut) / 2 ** len(ordered)
        if tails > 1 - confidence:
            break
        cut += 1
    if cut == 0:
        raise ValueError(f"{len(ordered)} values are too few for {confidence:.1%} confidence")
    return ordered[cut - 1], ordered[-cut]


@dataclass
class Measured:
    """The times of all rounds: seconds by level, None being the baseline."""

    rounds: list[dict[str | None, float]]
    looks: int = 1  # how often somebody asked whether it is enough, at most

    def seconds(self, level: str | None) -> float:
        """The median time."""
        return statistics.median(row[level] for row in self.rounds)

    def gain(self, level: str) -> tuple[float, float, float]:
        """The gain, and its interval."""
        gains = [row[None] / row[level] - 1 for row in self.rounds]
        low, high = median_interval(gains, 1 - (1 - CONFIDENCE) / self.looks)
        return statistics.median(gains), low, high

    def decided(self, level: str, wanted: float) -> bool:
        """Would more rounds change nothing any more?"""
        _, low, high = self.gain(level)
        return low > max(wanted, 0) or high < wanted

    def verdict(self, level: str, wanted: float) -> str:
        """Whether it is "kept", or why not."""
        gain, low, high = self.gain(level)
        if gain >= wanted and (low > 0 or wanted <= 0):
            return "kept"
        if low <= 0 and high >= wanted:
            return "dropped: the times vary too much to tell"
        return f"dropped: it gains less than {percent(wanted)}"

    def check_noise(self, levels: list[str], wanted: float) -> None:
        """A BuildError if the times say nothing."""
        for level in levels:
            gain, low, high = self.gain(level)
            if not self.decided(level, wanted) and (high - low) / 2 > NOISE * (1 + gain):
                raise BuildError(
                    f"the times of --bench vary too much: {level} gains between {signed(low)} and "
                    f"{signed(high)} after {len(self.rounds)} rounds. Let nothing else run on "
                    "this machine, or let the command do the same amount of work each time, and "
                    "for longer."
                )

    def keep(self, path: Path, command: str) -> None:
        """Write the raw times for `python -m pyperf compare_to` and the like."""
        pyperf = need("pyperf")
        runs = {}
        for level in self.rounds[0]:
            facts = {"name": f"{command} [{level or 'baseline'}]", "unit": "second"}
            times = [row[level] for row in self.rounds]
            runs[level] = pyperf.Benchmark(
                [pyperf.Run([value], metadata=facts, collect_metadata=False) for value in times]
            )
        pyperf.BenchmarkSuite(list(runs.values())).dump(str(path), replace=True)


def percent(value: float) -> str:
    """0.03 as 3 %."""
    return f"{100 * value:.3g} %"


def signed(value: float) -> str:
    """0.031 as +3.1 %."""
    return f"{100 * value:+.1f} %"


def make(
    measured: Measured, wanted: float, command: str, cpu: str, costs: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """The report as it stands in a wheel's metadata; costs by level and "baseline"."""
    levels = {}
    for level in (level for level in measured.rounds[0] if level is not None):
        gain, low, high = measured.gain(level)
        verdict = measured.verdict(level, wanted)
        levels[level] = costs[level] | {
            "seconds": measured.seconds(level),
            "gain": gain,
            "low": low,
            "high": high,
            "kept": verdict == "kept",
            "verdict": verdict,
        }
    return {
        "command": command,
        "cpu": cpu,
        "rounds": len(measured.rounds),
        "confidence": CONFIDENCE,
        "min gain": wanted,
        "baseline": costs["baseline"] | {"seconds": measured.seconds(None)},
        "levels": levels,
    }


def as_text(facts: dict[str, Any]) -> str:
    """The report as a table for people."""
    rows = [("level", "size", "build", "run", "gain", f"{facts['confidence']:.0%} interval", "")]
    for name, row in [("baseline", facts["baseline"]), *facts["levels"].items()]:
        built = row.get("build seconds")
        cells = [
            name,
            f"{row['bytes'] / 1024:.0f} KiB",
            f"{built:.1f} s" if built is not None else "?",
            f"{row['seconds']:.3f} s",
        ]
        if "gain" in row:
            cells += [signed(row["gain"]), f"{signed(row['low'])} to {signed(row['high'])}"]
            cells.append(row["verdict"])
        rows.append((*cells, *[""] * (7 - len(cells))))
    widths = [max(len(row[column]) for row in rows) for column in range(7)]
    lines = [f"{facts['command']}: {facts['rounds']} rounds on {facts['cpu'] or 'this CPU'}"]
    for row in rows:
        cells = [
            cell.ljust(width) if column in (0, 6) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines)
