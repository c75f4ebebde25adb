"""Keeps what has been measured, so that Ctrl-C or a crash loses nothing.

One file of JSON lines per thing that is measured: the key is a digest of the engine's
files, the Python and the settings. The same command started again goes on where the
last one stopped; another engine or other settings start a file of their own. How often
each benchmark loops is found with stock Python, so all engines share it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench_worker import Sample, Settings


def engine_digest(engine: str | None) -> str:
    """Digest of the installed package that is measured ('none' without one)."""
    if engine is None:
        return "none"
    digest = hashlib.sha256()
    for path in sorted((Path(engine) / "fullspeed").rglob("*")):
        if path.is_file() and path.suffix in {".py", ".so"}:
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _digest(identity: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]


def _entries(path: Path) -> list[dict[str, Any]]:
    """The lines of a file; the last one may be torn, from a run that was killed."""
    found = []
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def _append(path: Path, entry: dict[str, Any]) -> None:
    with path.open("a") as file:
        file.write(json.dumps(entry) + "\n")


class Store:
    """All samples, failures and calibrations of one measurement."""

    def __init__(self, folder: Path, settings: Settings, fresh: bool = False) -> None:
        """Open the file of these settings, or start it."""
        folder.mkdir(parents=True, exist_ok=True)
        identity = asdict(settings) | {"engine": engine_digest(settings.engine)}
        stock = {name: identity[name] for name in ("python", "clock", "min_time")}
        self.path = folder / f"runs-{_digest(identity)}.jsonl"
        self.loops_path = folder / f"loops-{_digest(stock)}.jsonl"
        if fresh:
            self.path.unlink(missing_ok=True)
            self.loops_path.unlink(missing_ok=True)
        self.samples = [Sample(**entry) for entry in _entries(self.path)]
        self.loops = {entry["script"]: entry["tasks"] for entry in _entries(self.loops_path)}
        self.failures: dict[tuple[str, str], str] = {}

    def add(self, sample: Sample) -> None:
        """Keep one sample."""
        self.samples.append(sample)
        _append(self.path, sample.as_json())

    def add_calibration(self, script: str, tasks: list[dict[str, Any]]) -> None:
        """Keep the tasks of a script and their loops."""
        self.loops[script] = tasks
        _append(self.loops_path, {"script": script, "tasks": tasks})

    def fail(self, task: str, side: str, reason: str) -> None:
        """Note a failure: for this run's report only, so that the next run tries again."""
        self.failures[task, side] = reason

    def has(self, task: str, side: str, round_: int) -> bool:
        """Whether this sample is there already."""
        return any(s.task == task and s.side == side and s.round == round_ for s in self.samples)
