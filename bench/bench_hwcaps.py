"""How much later a program starts behind the exec stub of `fullspeed hwcaps`, in microseconds.

How it works: a program that does nothing is started directly and through the stub (as v3, else v2,
else the baseline), in turns, so that a slow moment of the machine meets both; the difference is
taken pair by pair. Needs gcc.

    python bench/bench_hwcaps.py [--rounds 2000]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT = 300  # what the stub may cost


def prepare(folder: Path) -> tuple[str, str]:
    """The program with the stub, and the same file as the stub runs it."""
    from fullspeed.hwcaps import ask, install

    source, app, variant = folder / "app.c", folder / "app", folder / "variant"
    source.write_text("int main(void) { return 0; }\n")
    for made in (app, variant):
        subprocess.run(["gcc", "-O1", source, "-o", made], check=True)
    install.install(str(app), {"v2": str(variant), "v3": str(variant)})
    return str(app), ask("which", str(app))[0]


def once(program: str) -> float:
    """Start, run and end, in microseconds."""
    started = time.perf_counter()
    process = os.posix_spawn(program, [program], {})
    code = os.waitpid(process, 0)[1]
    ended = time.perf_counter()
    if code != 0:
        raise SystemExit(f"{program} ended with {code}")
    return (ended - started) * 1e6


def main() -> int:
    """Measure and print; the exit code is 1 where the stub costs more than it may."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=2000)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(dir=os.environ.get("HOME", "/")) as folder:
        stub, direct = prepare(Path(folder))
        pairs = []
        for turn in range(rounds + 20):
            first, second = (stub, direct) if turn % 2 else (direct, stub)
            times = {first: once(first), second: once(second)}
            if turn >= 20:
                pairs.append((times[direct], times[stub]))
    plain = statistics.median(pair[0] for pair in pairs)
    added = [pair[1] - pair[0] for pair in pairs]
    low, middle, high = statistics.quantiles(added, n=4)
    print(f"{os.path.basename(direct)}: {plain:.0f} us directly")
    print(f"the stub adds {middle:.0f} us (half of {rounds} pairs: {low:.0f} to {high:.0f})")
    return 0 if middle <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
