"""Keeps what has been measured, so that Ctrl-C or a crash loses nothing.

One file of JSON lines per thing that is measured: the key is a digest of the engine's
files, the Python and the settings. The same command started again goes on where the
last one stopped; another engine or other settings start a file of their own.
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


class Store:
    """All samples, failures and calibrations of one measurement."""

    def __init__(self, folder: Path, settings: Settings, fresh: bool = False) -> None:
        """Open the file of these settings, or start it."""
        identity = asdict(settings) | {"engine": engine_digest(settings.engine)}
        key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"samples-{key}.jsonl"
        self.samples: list[Sample] = []
        self.failures: dict[tuple[str, str], str] = {}
        self.loops: dict[str, list[dict[str, Any]]] = {}
        if fresh:
            self.path.unlink(missing_ok=True)
        elif self.path.exists():
            self._read()

    def _read(self) -> None:
        for line in self.path.read_text().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # the last line of a run that was killed while writing
            if "sample" in entry:
                self.samples.append(Sample(**entry["sample"]))
            elif "calibration" in entry:
                self.loops[entry["calibration"]] = entry["tasks"]

    def _write(self, entry: dict[str, Any]) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(entry) + "\n")

    def add(self, sample: Sample) -> None:
        """Keep one sample."""
        self.samples.append(sample)
        self._write({"sample": sample.as_json()})

    def add_calibration(self, script: str, tasks: list[dict[str, Any]]) -> None:
        """Keep the tasks of a script and their loops."""
        self.loops[script] = tasks
        self._write({"calibration": script, "tasks": tasks})

    def fail(self, task: str, side: str, reason: str) -> None:
        """Note a failure: for this run's report only, so that the next run tries again."""
        self.failures[task, side] = reason

    def has(self, task: str, side: str, round_: int) -> bool:
        """Whether this sample is there already."""
        return any(s.task == task and s.side == side and s.round == round_ for s in self.samples)
