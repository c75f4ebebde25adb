"""Measures array expressions against NumPy, NumExpr, Numba and C loops, side by side.

A round runs each side of a case once; the order within a round changes from round to round, so that
drifts of the machine meet all sides alike. What counts is the median over the rounds of the ratio
of a round's two times. The exit code is 1 when a bar is missed.

    python bench/array/run.py [--threads 1,2] [--only NAME] [--items 1e7] [--rounds 11]
    python bench/array/run.py --sizes            time per item over sizes 10 ... 10**8
    python bench/array/run.py --clock cpu        the own time of the process: for loaded machines

Started by run.py, in the peers' environment.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import fullspeed
import numba
import numexpr
import numpy as np
from bench_cases import CASES, MIX, Case, c_call, libraries

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
OURS = "fullspeed"
MEMORY_BOUND = 25  # GB/s read and written: from here on two threads wait for the memory


def measure(
    sides: dict[str, Callable[[], Any]],
    rounds: int,
    repeat: int,
    clock: Callable[[], float],
) -> dict[str, list[float]]:
    """Seconds of each side in each round."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for side in sides.values():
        side()
    for number in range(rounds):
        names = list(sides)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            side, start = sides[name], clock()
            for _ in range(repeat):
                side()
            times[name].append((clock() - start) / repeat)
    return times


def sides_of(case: Case, operands: dict[str, np.ndarray], threads: int) -> dict[str, Any]:
    """What is called for each side."""
    values = case.numpy(**operands)
    out = None if case.new or np.ndim(values) == 0 else np.empty_like(values)
    other = None if out is None else np.empty_like(values)
    names = {k: v for k, v in operands.items() if k in case.expression}
    sides: dict[str, Any] = {
        OURS: lambda: fullspeed.evaluate(case.expression, names, {}, out=out),
        "numexpr": lambda: numexpr.evaluate(case.expression, names, {}, out=other),
        "numpy": lambda: case.numpy(**operands),
    }
    np.testing.assert_allclose(sides[OURS](), values, rtol=1e-4 if values.dtype == "f4" else 1e-9)
    if case.loop:
        for compiler, library in libraries().items():
            if threads == 1 or compiler == "gcc":
                library.set_threads(threads)
                sides[f"C {compiler}"] = c_call(library, case, operands, other)
    if case.numba is not None:
        function, arrays = case.numba, [operands[k] for k in "abcdxyz" if k in operands]
        targets = [] if other is None else [other]
        sides["numba"] = lambda: function(*targets, *arrays)
    return sides


def ratios_of(times: dict[str, list[float]]) -> dict[str, float]:
    """How many times as fast we are; C: as the faster of the compilers."""
    ours = times[OURS]
    ratios = {
        name: statistics.median(their / our for their, our in zip(theirs, ours, strict=True))
        for name, theirs in times.items()
        if name != OURS
    }
    compilers = [ratio for name, ratio in ratios.items() if name.startswith("C ")]
    return ratios | ({"C": min(compilers)} if compilers else {})


def run_case(case: Case, items: int, threads: int, arguments: Any) -> dict[str, Any]:
    """One line of the table."""
    fullspeed.set_num_threads(threads)
    numexpr.set_num_threads(threads)
    numba.set_num_threads(threads)
    operands = case.operands(items)
    sides = sides_of(case, operands, threads)
    repeat = 10 if case.form == "points" else 1
    times = measure(sides, arguments.rounds, repeat, CLOCKS[arguments.clock])
    ratios = ratios_of(times)
    missed = {name: bar for name, bar in case.bars.items() if name in ratios and ratios[name] < bar}
    medians = {name: statistics.median(values) for name, values in times.items()}
    return {
        "case": case.name,
        "threads": threads,
        "items": items,
        "milliseconds": {name: value * 1e3 for name, value in medians.items()},
        "least": {name: min(values) * 1e3 for name, values in times.items()},
        "ratios": ratios,
        "bars": case.bars,
        "missed": missed,
    }


def show(line: dict[str, Any]) -> None:
    """Print a line of the table; a ratio below its bar has a mark and the bar."""
    cells = []
    for name in ("C", "numexpr", "numpy", "numba"):
        ratio, bar = line["ratios"].get(name), line["missed"].get(name)
        text = "" if ratio is None else f"{ratio:.2f}" + ("" if bar is None else f" <{bar:.2f}!")
        cells.append(f"{text:>13}")
    ours = f"{line['milliseconds'][OURS]:9.2f} {line['least'][OURS]:9.2f}"
    print(f"{line['case']:32} {line['threads']:2} {ours} {' '.join(cells)}", flush=True)


def run_scaling(arguments: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """Two threads against one, in turns, where it is the processors that count, not the memory."""
    lines, missed = [], []
    operands = CASES[0].operands(int(arguments.items))
    out = np.empty_like(operands["a"])
    for expression in ("a**b", "sin(cos(tanh(a)))", "tanh(a)", "exp(a)"):

        def evaluate(threads: int, expression: str = expression) -> None:
            fullspeed.set_num_threads(threads)
            fullspeed.evaluate(expression, operands, {}, out=out)

        sides = {"1": lambda: evaluate(1), "2": lambda: evaluate(2)}
        times = measure(sides, 2 * arguments.rounds, 1, CLOCKS[arguments.clock])
        ratio = statistics.median(a / b for a, b in zip(times["1"], times["2"], strict=True))
        moved = 2 * out.nbytes / statistics.median(times["2"]) / 1e9
        bar = 1.8 if moved < MEMORY_BOUND else None
        lines.append({"case": f"scaling {expression}", "ratio": ratio, "gigabytes": moved})
        print(
            f"{expression}: two threads are {ratio:.2f} times as fast as one, {moved:.0f} GB/s"
            + ("" if bar else " (the memory's speed, no bar)")
        )
        if bar and ratio < bar:
            missed.append(f"{expression}: two threads {ratio:.2f} < {bar}")
    return lines, missed


def run_sizes(arguments: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """Time per item over size, ours and NumPy's."""
    lines, missed = [], []
    clock = CLOCKS[arguments.clock]
    fullspeed.set_num_threads(max(arguments.threads))
    print(f"{'':16} {'items':>10} {'ns per item':>12} {'numpy':>9} {'ratio':>7}")
    cases = [case for case in CASES if case.name in ("mix", "a*b + c, new", "exp", "sum(a*b)")]
    for case in cases:
        for exponent in range(2, 17):
            items = int(10 ** (exponent / 2))
            operands = case.operands(items)
            names = {k: v for k, v in operands.items() if k in case.expression}
            sides = {
                OURS: lambda e=case.expression, names=names: fullspeed.evaluate(e, names, {}),
                "numpy": lambda case=case, operands=operands: case.numpy(**operands),
            }
            repeat = max(1, 300_000 // max(items, 300))
            times = measure(sides, max(3, min(arguments.rounds, 10**9 // items)), repeat, clock)
            ratio = ratios_of(times)["numpy"]
            line = {name: statistics.median(v) / items * 1e9 for name, v in times.items()}
            lines.append({"case": case.name, "items": items, "nanoseconds": line, "ratio": ratio})
            mark = " !" if ratio < 1 and items >= 1000 else ""
            print(f"{case.name:16} {items:10} {line[OURS]:12.3f} {line['numpy']:9.3f} "
                  f"{ratio:7.2f}{mark}", flush=True)  # fmt: skip
            if mark:
                missed.append(f"{case.name}, {items} items: {ratio:.2f} of numpy")
    return lines, missed


def parse() -> Any:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="bench/array/run.py", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("--threads", default="1,2", type=lambda t: [int(n) for n in t.split(",")])
    parser.add_argument("--only", action="append", help="cases whose name has this in it")
    parser.add_argument("--items", type=float, default=1e7)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--sizes", action="store_true", help="time per item over sizes")
    parser.add_argument("--json", help="where the numbers go as well")
    return parser.parse_args()


def main() -> int:
    """Measure and report."""
    arguments = parse()
    missed: list[str] = []
    if arguments.sizes:
        lines, missed = run_sizes(arguments)
    else:
        lines = []
        heads = " ".join(f"{name:>13}" for name in ("C", "numexpr", "numpy", "numba"))
        print(f"{'times as fast as':32} {'':2} {'ms':>9} {'least':>9} {heads}   (mix: {MIX})")
        for case in CASES:
            if arguments.only and not any(word in case.name for word in arguments.only):
                continue
            for threads in arguments.threads:
                lines.append(run_case(case, int(arguments.items), threads, arguments))
                show(lines[-1])
        for line in lines:
            missed += [
                f"{line['case']}, {line['threads']} threads: {line['ratios'][side]:.2f} of {side}, "
                f"at least {bar:.2f}"
                for side, bar in line["missed"].items()
            ]
        if arguments.threads == [1, 2] and not arguments.only:
            more, short = run_scaling(arguments)
            lines, missed = lines + more, missed + short
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(
                {"clock": arguments.clock, "lines": lines, "missed": missed},
                file,
                indent=1,
            )
    print(f"{len(missed)} bars missed" if missed else "all bars reached")
    for text in missed:
        print("  " + text)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
