#!/usr/bin/env python3.11
"""Differential fuzzer: random programs must do the same under the engine as under stock.

Examples:
    tests/fuzz/fuzz.py --seconds 300 --jobs 2
    tests/fuzz/fuzz.py --seed 1000 --count 500
    tests/fuzz/fuzz.py --show 1234                 print the program of a seed
    tests/fuzz/fuzz.py --minimise build/fuzz/1234.py
    tests/fuzz/fuzz.py --bytecode --seconds 60     mutated code objects

How it works: fuzz_program makes programs, fuzz_run observes batches of them on both sides
(fuzz_child, fuzz_world), fuzz_minimise makes findings small, fuzz_bytecode is the part about
mutated code objects. Reproducers go to build/fuzz/: the program, the small one, and what differs.

Exit codes: 0 nothing found, 1 findings, 2 could not run.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent)]

from fuzz_bytecode import find_crashes  # noqa: E402
from fuzz_minimise import minimise  # noqa: E402
from fuzz_program import make_program  # noqa: E402
from fuzz_run import Finding, Sides, describe, find_differences, judge_alone  # noqa: E402


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--count", type=int, help="number of programs (default: as time allows)")
    parser.add_argument("--seed", type=int, help="first seed (default: from the clock, printed)")
    parser.add_argument(
        "--jobs", type=int, default=1, help="batches at a time; each uses two cores"
    )
    parser.add_argument("--batch", type=int, default=50, help="programs per process")
    parser.add_argument("--python", default=sys.executable, help="with the engine installed")
    parser.add_argument("--no-engine", action="store_true", help="stock against stock")
    parser.add_argument("--max-findings", type=int, default=10, help="stop after so many")
    parser.add_argument("--minimise-seconds", type=float, default=60, help="per finding; 0: do not")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "fuzz")
    parser.add_argument("--minimise", type=Path, metavar="FILE", help="make this program small")
    parser.add_argument("--show", type=int, metavar="SEED", help="print a program and stop")
    parser.add_argument("--bytecode", action="store_true", help="mutate code objects instead")
    return parser.parse_args()


def write_finding(options: argparse.Namespace, sides: Sides, finding: Finding, name: str) -> None:
    """Keep a finding in the output folder, made small."""
    options.out.mkdir(parents=True, exist_ok=True)
    base = options.out / name
    base.with_suffix(".py").write_text(finding.program)
    base.with_suffix(".txt").write_text(describe(finding) + "\n")
    print(f"found: {finding.kind}, {base.with_suffix('.py')}", flush=True)
    if options.minimise_seconds:
        small = minimise(sides, finding, options.minimise_seconds)
        base.with_suffix(".min.py").write_text(small)
        again = judge_alone(sides, small)
        if again is not None:
            base.with_suffix(".txt").write_text(describe(again) + "\n")
        print(f"small ({len(small.splitlines())} lines):\n{small[:3000]}", flush=True)
        if again is not None:
            print(describe(again)[:3000], flush=True)


def fuzz_programs(options: argparse.Namespace, sides: Sides, seed: int) -> int:
    """Run batches until the time, the count or the patience is used up."""
    end = time.monotonic() + options.seconds
    done = found = 0
    seen: set[str] = set()
    waiting: dict[Future[list[Finding]], int] = {}
    with ThreadPoolExecutor(options.jobs) as pool:
        while found < options.max_findings:
            more = time.monotonic() < end and (options.count is None or done < options.count)
            while more and len(waiting) < options.jobs:
                size = min(options.batch, (options.count or 10**9) - done)
                if size <= 0:
                    break
                seeds = list(range(seed + done, seed + done + size))
                programs = [make_program(s) for s in seeds]
                waiting[pool.submit(find_differences, sides, programs, seeds)] = size
                done += size
            if not waiting:
                break
            ready, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in ready:
                del waiting[future]
                for finding in future.result():
                    if found >= options.max_findings:
                        break
                    found += 1
                    seen.add(finding.kind)
                    write_finding(options, sides, finding, str(finding.seed))
    print(f"{done} programs from seed {seed}: {found} findings {sorted(seen) or ''}")
    return 1 if found else 0


def fuzz_bytecode(options: argparse.Namespace, sides: Sides, seed: int) -> int:
    """Mutate code objects until the time is used up."""
    end = time.monotonic() + options.seconds
    done = 0
    found: list[tuple[int, str, str]] = []
    while time.monotonic() < end and len(found) < options.max_findings:
        size = min(200, (options.count or 10**9) - done)
        if size <= 0:
            break
        for number, before, after in find_crashes(
            sides.python, sides.engine, seed + done, size, sides.environ()
        ):
            found.append((number, before, after))
            print(
                f"mutant {number}: stock {before}, engine {after}; try "
                f"{sides.python} {HERE / 'fuzz_bytecode.py'} engine {number} 1",
                flush=True,
            )
        done += size
    if found:
        options.out.mkdir(parents=True, exist_ok=True)
        rows = [f"{number} stock: {before} engine: {after}" for number, before, after in found]
        (options.out / "bytecode.txt").write_text("\n".join(rows) + "\n")
    print(f"{done} mutants from seed {seed}: {len(found)} findings")
    return 1 if found else 0


def main() -> int:
    """Do what the command line asks for."""
    options = parse_arguments()
    if options.show is not None:
        print(make_program(options.show), end="")
        return 0
    sides = Sides(options.python, "stock" if options.no_engine else "engine")
    if options.minimise:
        finding = judge_alone(sides, options.minimise.read_text())
        if finding is None:
            print("this program does the same on both sides")
            return 0
        write_finding(options, sides, finding, options.minimise.stem + ".again")
        return 1
    seed = int(time.time()) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    run = fuzz_bytecode if options.bytecode else fuzz_programs
    return run(options, sides, seed)


if __name__ == "__main__":
    raise SystemExit(main())
