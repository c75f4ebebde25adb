"""Runs batches of programs on both sides and finds the ones that differ.

How it works: `observe_side` feeds a batch to fuzz_child.py and starts it again behind a program
that killed it. `find_differences` compares the records; what differs is run again alone, twice
under stock, so that a program that is not even steady under stock is never reported.

What must stay true: a record is compared as a whole; only the kinds of difference are named.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import child_env

CHILD = Path(__file__).resolve().parent / "fuzz_child.py"
Record = dict[str, Any]


@dataclass
class Finding:
    """A program that does not do the same on both sides."""

    program: str
    kind: str
    stock: Record
    engine: Record
    seed: int = -1


@dataclass(frozen=True)
class Sides:
    """How to run either side."""

    python: str
    engine: str = "engine"  # "stock" to try out the fuzzer without an engine

    def environ(self) -> dict[str, str]:
        """Return the environment of the children."""
        return {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONHASHSEED": "0",
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONWARNINGS": "ignore",
            **child_env.sanitizer(),
            # How the engine is set, FULLSPEED_JIT and its thresholds for one.
            **{k: v for k, v in os.environ.items() if k.startswith("FULLSPEED_")},
        }


def observe_side(
    sides: Sides, side: str, programs: list[str], timeout: float = 600
) -> list[Record]:
    """Return one record per program."""
    records: list[Record] = [{} for _ in programs]
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        source, results = Path(scratch, "programs.json"), Path(scratch, "results.jsonl")
        source.write_text(json.dumps(programs))
        start = 0
        while start < len(programs):
            results.write_text("")
            command = [sides.python, str(CHILD), side, str(source), str(results), str(start)]
            try:
                done = subprocess.run(
                    command,
                    env=sides.environ(),
                    capture_output=True,
                    cwd=scratch,
                    timeout=timeout,
                    check=False,
                )
                code, errors = done.returncode, done.stderr.decode("utf-8", "replace")
            except subprocess.TimeoutExpired as error:
                code, errors = -1000, (error.stderr or b"").decode("utf-8", "replace")
            begun = start - 1
            for line in results.read_text().splitlines():
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue  # cut off by a crash
                if "begin" in entry:
                    begun = entry["begin"]
                else:
                    records[entry["index"]] = entry["record"]
            if begun < start:
                raise SystemExit(f"the child did not start ({code}):\n{errors[-3000:]}")
            if code == 0:
                break
            if not records[begun]:
                records[begun] = {"crash": code, "stderr": errors[-3000:]}
            elif begun == len(programs) - 1:  # fell over at exit
                records[begun] = {"crash at exit": code, "stderr": errors[-3000:]}
            start = begun + 1
    return records


def kind_of(stock: Record, engine: Record) -> str:
    """Name how two records differ; empty if they do not."""
    if stock == engine or "timeout" in stock or "timeout" in engine and "crash" not in stock:
        return "" if stock == engine or "timeout" in stock else "timeout"
    for key in ("crash", "crash at exit"):
        if key in engine or key in stock:
            return key if stock.get(key) != engine.get(key) else ""
    for key in ("log", "ending", "unraisable", "sentinels", "left"):
        if stock[key] != engine[key]:
            return key
    return ""


def judge_alone(sides: Sides, program: str, seed: int = -1) -> Finding | None:
    """Run one program alone on both sides; None if it is the same or unsteady under stock."""
    with ThreadPoolExecutor(2) as pool:
        sets = list(
            pool.map(
                lambda side: observe_side(sides, side, [program], 60)[0], ("stock", sides.engine)
            )
        )
    kind = kind_of(*sets)
    if not kind:
        return None
    again = observe_side(sides, "stock", [program], 60)[0]
    if again != sets[0]:
        return None
    return Finding(program, kind, sets[0], sets[1], seed)


def find_differences(sides: Sides, programs: list[str], seeds: list[int]) -> list[Finding]:
    """Compare a batch; every finding has been confirmed alone or in its batch."""
    with ThreadPoolExecutor(2) as pool:
        stock, engine = pool.map(
            lambda side: observe_side(sides, side, programs), ("stock", sides.engine)
        )
    found = []
    for program, seed, before, after in zip(programs, seeds, stock, engine):
        kind = kind_of(before, after)
        if not kind:
            continue
        finding = judge_alone(sides, program, seed)
        if finding is None:
            if again_differs(sides, programs, seeds.index(seed), kind):
                found.append(Finding(program, f"{kind} (only in its batch)", before, after, seed))
        else:
            found.append(finding)
    return found


def again_differs(sides: Sides, programs: list[str], index: int, kind: str) -> bool:
    """Say whether a difference that a lone run does not show comes back in the same batch."""
    batch = programs[: index + 1]
    first = observe_side(sides, "stock", batch)[index]
    second = observe_side(sides, "stock", batch)[index]
    return (
        first == second and kind_of(first, observe_side(sides, sides.engine, batch)[index]) == kind
    )


def describe(finding: Finding) -> str:
    """Explain a finding for people."""
    rows = [f"kind: {finding.kind}", f"seed: {finding.seed}", ""]
    stock, engine = finding.stock, finding.engine
    if finding.kind.startswith("log") and "log" in stock and "log" in engine:
        pairs = list(zip(stock["log"], engine["log"]))
        at = next((i for i, (a, b) in enumerate(pairs) if a != b), len(pairs))
        rows.append(f"first difference in the log at entry {at}:")
        rows += [f"    {line[:300]}" for line in stock["log"][max(0, at - 3) : at]]
        rows += [
            f"  stock:  {''.join(stock['log'][at : at + 1])[:1500]}",
            f"  engine: {''.join(engine['log'][at : at + 1])[:1500]}",
        ]
    else:
        for key in sorted(set(stock) | set(engine)):
            if stock.get(key) != engine.get(key) and key != "log":
                rows += [f"{key}:", f"  stock:  {stock.get(key)}", f"  engine: {engine.get(key)}"]
    return "\n".join(rows)
