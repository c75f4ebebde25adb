"""Runs one micro benchmark: `run_micro.py NAME` with pyperf's own options.

The benchmarks are the functions marked @micro in the micro_*.py files next to this one.
`--list` prints their names; `NAME --count N` just runs N loops (for callgrind).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from micro import REGISTRY, Micro


def load_all() -> dict[str, Micro]:
    """Import all files of benchmarks; returns them by name."""
    for path in sorted(Path(__file__).resolve().parent.glob("micro_*.py")):
        import_module(path.stem)
    return REGISTRY


def timed(function: Callable[[int], object]) -> Callable[[int], float]:
    """A function that returns how long a number of loops takes."""

    def time_loops(loops: int) -> float:
        clock = time.perf_counter
        started = clock()
        function(loops)
        return clock() - started

    return time_loops


def main() -> None:
    """Run the benchmark that the first argument names."""
    known = load_all()
    if sys.argv[1:] == ["--list"]:
        for name, entry in known.items():
            print(name, entry.inner)
        return
    if len(sys.argv) < 2 or sys.argv[1] not in known:
        sys.exit(f"run_micro.py: say one of {', '.join(known)}")
    name = sys.argv.pop(1)
    entry = known[name]
    if sys.argv[1:2] == ["--count"]:
        entry.function(int(sys.argv[2]))
        return
    import pyperf

    runner = pyperf.Runner()
    runner.bench_time_func(f"micro_{name}", timed(entry.function), inner_loops=entry.inner)


if __name__ == "__main__":
    main()
