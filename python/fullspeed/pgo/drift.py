"""Is the training still like production? Two profiles of the same code, compared.

How it works: the measure is the overlap of counters (profile.overlap): each counter's part of all
counts, the smaller of the two, summed up. Beside it stand the functions whose parts differ most,
and how much of production's counts lies in functions that the training never ran: those were built
for size, not for speed.

What must stay true: only profiles of the same instrumented build are compared; counters of another
one mean other places.
"""

from dataclasses import dataclass
from pathlib import Path

from fullspeed.pgo.profile import Key, Profile, overlap, shares

SHOWN = 10


@dataclass(frozen=True)
class Drift:
    """How a production run's profile differs from the training's."""

    overlap: float
    untrained: float  # part of production's counts in functions that the training did not run
    functions: list[tuple[Key, float, float]]  # that differ most: parts in training, in production


def compare(training: Profile, production: Profile) -> Drift:
    """Compare two profiles."""
    old, new = shares(training), shares(production)
    rows = [(key, old.get(key, 0.0), new.get(key, 0.0)) for key in old.keys() | new.keys()]
    rows.sort(key=lambda row: (-abs(row[1] - row[2]), row[0]))
    untrained = sum(part for key, part in new.items() if key not in old)
    return Drift(overlap(training, production), untrained, rows[:SHOWN])


def as_text(drift: Drift, limit: float) -> str:
    """The comparison as lines for people."""
    lines = [
        f"overlap of counters  {drift.overlap:7.1%}   (the limit is {limit:.0%})",
        f"never trained        {drift.untrained:7.1%}   of what this run did",
        "",
        "training   this run   function",
    ]
    for (unit, name), old, new in drift.functions:
        lines.append(f"{old:8.1%}   {new:8.1%}   {name}" + (f" ({unit})" if unit else ""))
    return "\n".join(lines)


def as_facts(drift: Drift, limit: float, folder: Path) -> dict[str, object]:
    """The comparison as JSON has it."""
    return {
        "profile": str(folder),
        "limit": limit,
        "overlap": drift.overlap,
        "untrained": drift.untrained,
        "functions": [
            {"unit": unit, "function": name, "training": old, "this run": new}
            for (unit, name), old, new in drift.functions
        ],
    }
