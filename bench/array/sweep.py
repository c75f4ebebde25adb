"""Every function and operator of array expressions, by type and size, beside NumPy and NumExpr.

Each line is one operation on arrays of one type and size, into a new array, on one thread. A round
runs the three sides one after the other, the first of them another one each round; the ratios are
medians over the rounds. What is slower than NumPy, or less than twice as fast as NumExpr, has a
mark, and the exit code is 1. Some operations have nothing to save where memory is all that counts:
the marks are where to look, the bars of the project stand in bench_cases.py.

    python bench/array/sweep.py [--only exp,log] [--types f8,f4] [--sizes 1e3,1e5,1e7]
                                [--rounds 15] [--clock cpu] [--marked] [--json FILE]

Runs in any environment that has fullspeed, NumPy and NumExpr: the project's own (.venv) does.
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
import numexpr
import numpy as np

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
REAL, WHOLE, NUMBERS = ("f8", "f4"), ("i8", "i4"), ("f8", "f4", "i8", "i4")
ANY, UNIT, FROM_ONE, POSITIVE = (-10, 10), (-0.99, 0.99), (1, 20), (0.1, 20)
INTEGERS = (1, 1000)
SMALL = (0, 9)

# Expression, types, from where to where the operands a, b, c lie. NumPy's side is the expression
# itself with NumPy's functions, but for the names below.
OPERATIONS: list[tuple[str, tuple[str, ...], tuple[float, float]]] = [
    ("a + b", (*NUMBERS, "c16"), INTEGERS),
    ("a - b", (*NUMBERS, "c16"), INTEGERS),
    ("a * b", (*NUMBERS, "c16"), INTEGERS),
    ("a / b", (*NUMBERS, "c16"), INTEGERS),
    ("a // b", NUMBERS, INTEGERS),
    ("a % b", NUMBERS, INTEGERS),
    ("a // 7", WHOLE, INTEGERS),
    ("a % 7", WHOLE, INTEGERS),
    ("a * b + c", NUMBERS, INTEGERS),
    ("a * b + c * 2 - 1", NUMBERS, INTEGERS),
    ("a ** b", REAL, POSITIVE),
    ("a ** b", WHOLE, SMALL),
    ("a ** 3", NUMBERS, SMALL),
    ("a ** 0.7", REAL, POSITIVE),
    ("-a", NUMBERS, INTEGERS),
    ("abs(a)", (*NUMBERS, "c16"), ANY),
    ("sqrt(a)", REAL, POSITIVE),
    *[(f"{name}(a)", REAL, ANY) for name in ("exp", "expm1", "sin", "cos", "tan", "sinh", "cosh")],
    *[(f"{name}(a)", REAL, ANY) for name in ("tanh", "arctan", "arcsinh", "floor", "ceil")],
    *[(f"{name}(a)", REAL, ANY) for name in ("trunc", "round", "sign", "isnan", "isfinite")],
    *[(f"{name}(a)", REAL, POSITIVE) for name in ("log", "log2", "log10", "log1p")],
    *[(f"{name}(a)", REAL, UNIT) for name in ("arcsin", "arccos", "arctanh")],
    ("arccosh(a)", REAL, FROM_ONE),
    *[(f"{name}(a, b)", REAL, ANY) for name in ("arctan2", "hypot", "fmod", "copysign")],
    *[(f"{name}(a, b)", REAL, ANY) for name in ("maximum", "minimum", "nextafter")],
    *[(f"a {sign} b", NUMBERS, INTEGERS) for sign in (">", ">=", "==", "!=")],
    ("(a > 300) & (b < 600)", NUMBERS, INTEGERS),
    ("where(a > b, a, b)", NUMBERS, INTEGERS),
    ("where(a > b, a * 2, b + c)", NUMBERS, INTEGERS),
    ("where(m, a, b)", NUMBERS, INTEGERS),
    *[(f"a {sign} b", WHOLE, SMALL) for sign in ("&", "|", "^", "<<", ">>")],
    ("~a", WHOLE, INTEGERS),
    ("i + a", ("f8",), INTEGERS),
    ("i * 0.5", ("i8", "i4"), INTEGERS),
    ("sum(a)", (*NUMBERS, "c16"), INTEGERS),
    ("prod(a)", REAL, (0.9999, 1.0001)),
    *[(f"{name}(a)", NUMBERS, INTEGERS) for name in ("min", "max")],
    *[(f"{name}(a)", ("c16",), UNIT) for name in ("exp", "log", "sqrt", "sin", "cos", "tanh")],
]
NUMPY_NAMES = {"abs": np.absolute, "round": np.round}


def operands_of(dtype: str, items: int, span: tuple[float, float]) -> dict[str, np.ndarray]:
    """a, b, c of the type; m of truth values; i of integers."""
    rng = np.random.default_rng(1)
    low, high = span
    arrays = {}
    for name in "abc":
        values = rng.uniform(low, high, items)
        arrays[name] = values.astype(dtype)
        if dtype == "c16":
            arrays[name].imag = rng.uniform(low, high, items)
    arrays["m"] = rng.random(items) < 0.5
    kind = dtype if dtype in WHOLE else "i4"
    arrays["i"] = rng.integers(1, 1000, items).astype(kind)
    return arrays


def sides_of(expression: str, operands: dict[str, np.ndarray]) -> dict[str, Callable[[], Any]]:
    """The three sides; NumExpr only where it has the operation."""
    code = compile(expression, expression, "eval")
    names = {name: operands[name] for name in code.co_names if name in operands}
    function = eval(  # the table's own text
        f"lambda {', '.join(names) or '_'}: {expression}",
        {n: NUMPY_NAMES.get(n, getattr(np, n, None)) for n in code.co_names},
    )
    sides: dict[str, Callable[[], Any]] = {
        "fullspeed": lambda: fullspeed.evaluate(expression, names, {}),
        "numpy": lambda: function(**names),
        "numexpr": lambda: numexpr.evaluate(expression, names, {}),
    }
    with np.errstate(all="ignore"):
        expected = np.asarray(sides["numpy"]())
        ours = np.asarray(sides["fullspeed"]())
        if expected.dtype == "f4" and ours.dtype == "f8":  # NumExpr's functions for doubles only
            sides["numpy"] = lambda: function(**{n: v.astype("f8") for n, v in names.items()})
            expected = np.asarray(sides["numpy"]())
    tolerance = 1e-3 if expected.dtype == "f4" else 1e-9
    np.testing.assert_allclose(ours, expected, rtol=tolerance)
    try:
        sides["numexpr"]()
    except Exception:  # it has not got it, each time with another exception
        del sides["numexpr"]
    return sides


def measure(
    sides: dict[str, Callable[[], Any]], items: int, rounds: int, clock: Callable[[], float]
) -> dict[str, list[float]]:
    """Nanoseconds per item, of each side in each round."""
    repeat = max(1, 200_000 // items)
    names, times = list(sides), {name: [] for name in sides}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            side = sides[name]
            side()
            start = clock()
            for _ in range(repeat):
                side()
            times[name].append((clock() - start) / repeat / items * 1e9)
    return times


def run_line(expression: str, dtype: str, items: int, span: Any, arguments: Any) -> dict[str, Any]:
    """One line of the table."""
    sides = sides_of(expression, operands_of(dtype, items, span))
    with np.errstate(all="ignore"):
        times = measure(sides, items, arguments.rounds, CLOCKS[arguments.clock])
    ours = times["fullspeed"]
    ratios = {
        name: statistics.median(theirs / own for theirs, own in zip(values, ours, strict=True))
        for name, values in times.items()
        if name != "fullspeed"
    }
    marks = [name for name, bar in (("numpy", 1), ("numexpr", 2)) if ratios.get(name, bar) < bar]
    return {
        "expression": expression,
        "type": dtype,
        "items": items,
        "nanoseconds": {name: statistics.median(values) for name, values in times.items()},
        "ratios": ratios,
        "marks": marks,
    }


def show(line: dict[str, Any]) -> None:
    """Print it; a ratio that is too small has a mark."""
    cells = [f"{line['nanoseconds']['fullspeed']:9.3f}"]
    for name in ("numpy", "numexpr"):
        time_, ratio = line["nanoseconds"].get(name), line["ratios"].get(name)
        mark = "!" if name in line["marks"] else " "
        cells.append(" " * 18 if ratio is None else f"{time_:9.3f} {ratio:7.2f}{mark}")
    head = f"{line['expression']:28} {line['type']:4} {line['items']:9}"
    print(head, " ".join(cells), flush=True)


def parse() -> Any:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="bench/array/sweep.py", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("--only", help="operations that have one of these words, by commas")
    parser.add_argument("--types", help="f8, f4, i8, i4, c16")
    sizes = lambda text: [int(float(n)) for n in text.split(",")]  # noqa: E731
    parser.add_argument("--sizes", default=[1000, 100_000, 10_000_000], type=sizes)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--marked", action="store_true", help="show lines with a mark only")
    parser.add_argument("--json", help="where the numbers go as well")
    return parser.parse_args()


def main() -> int:
    """Measure and report."""
    arguments = parse()
    fullspeed.set_num_threads(1)
    numexpr.set_num_threads(1)
    words = arguments.only.split(",") if arguments.only else [""]
    types = arguments.types.split(",") if arguments.types else None
    heads = (f"{name:>9}   times " for name in ("numpy", "numexpr"))
    print(f"{'nanoseconds per item':43} {'fullspeed':>9}", *heads)
    lines = []
    for expression, dtypes, span in OPERATIONS:
        if not any(word in expression for word in words):
            continue
        for dtype in dtypes:
            for items in arguments.sizes if types is None or dtype in types else []:
                line = run_line(expression, dtype, items, span, arguments)
                lines.append(line)
                if line["marks"] or not arguments.marked:
                    show(line)
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump({"clock": arguments.clock, "lines": lines}, file, indent=1)
    slow = {name: sum(name in line["marks"] for line in lines) for name in ("numpy", "numexpr")}
    print(f"{len(lines)} lines; slower than NumPy: {slow['numpy']}; "
          f"less than twice as fast as NumExpr: {slow['numexpr']}")  # fmt: skip
    return 1 if any(slow.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
