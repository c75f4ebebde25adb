"""Compares the results of the suite under stock and under the engine.

How it works: a difference is a file or a case that does better under stock. Those that
exceptions.toml explains are set apart; an entry there that explains nothing any more is
reported, so that the list cannot rot.

What must stay true: cases that fail under both sides, or that only pass under the engine, are
not failures of ours, but they are counted in the summary.
"""

from __future__ import annotations

import fnmatch
import tomllib
from dataclasses import dataclass
from pathlib import Path

from suite_run import FileResult

GOOD_FILE = {"passed", "skipped", "env-changed"}


@dataclass(frozen=True)
class Difference:
    """One file or case that is worse under the engine."""

    file: str
    case: str  # empty: the file as a whole
    stock: str
    engine: str
    message: str = ""


@dataclass
class Exemption:
    """One entry of exceptions.toml."""

    file: str
    case: str
    reason: str
    used: bool = False

    def covers(self, difference: Difference) -> bool:
        """Say whether this entry explains `difference`."""
        return self.file == difference.file and fnmatch.fnmatchcase(difference.case, self.case)


def load_exemptions(path: Path) -> list[Exemption]:
    """Read exceptions.toml; every entry must give a reason."""
    entries = []
    for row in tomllib.loads(path.read_text()).get("exception", []):
        if len(row.get("reason", "")) < 15:
            raise SystemExit(f"{path}: the entry {row} gives no reason")
        entries.append(Exemption(row["file"], row.get("case", "*"), row["reason"]))
    return entries


def compare(stock: FileResult, engine: FileResult) -> list[Difference]:
    """List what is worse in `engine`."""
    found = []
    for case, before in sorted(stock.cases.items()):
        after = engine.cases.get(case, "missing")
        if after != before and before in ("passed", "skipped"):
            if before == "skipped" and after == "passed":
                continue
            message = engine.messages.get(case, "")
            found.append(Difference(stock.name, case, before, after, message))
    fresh = [
        Difference(stock.name, case, "absent", after, engine.messages.get(case, ""))
        for case, after in sorted(engine.cases.items())
        if case not in stock.cases and after in ("failure", "error")
    ]
    found += fresh
    whole_worse = stock.status in GOOD_FILE and engine.status not in GOOD_FILE
    # A failed file is explained by its failed cases; a crash or a hang stands for itself.
    whole_worse &= engine.status != "failed" or not found
    whole_worse |= engine.status in ("crashed", "timeout") and stock.status != engine.status
    whole_worse |= stock.status == "passed" and engine.status in ("skipped", "env-changed")
    if whole_worse:
        tail = engine.output[-3000:]
        found.insert(0, Difference(stock.name, "", stock.status, engine.status, tail))
    return found
