"""Vector math: its error bounds, its special values, the same bits where that is promised."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from kernel_tools import DTYPES, OPS, TARGETS, call

LONG = np.longdouble
# Ranges of arguments beside all values of the type, by op; one pair for both operands, or one each.
NEAR = [(-1, 1), (-0.01, 0.01), (-10, 10)]
RANGES = {
    "EXP": [*NEAR, (-745, 709.7), (-104, 88.7)],
    "EXPM1": [*NEAR, (-40, 709), (-20, 88)],
    "LOG": [(0.5, 2), (0.99, 1.01), (0, 100)],
    "LOG2": [(0.5, 2), (0.99, 1.01), (0, 100)],
    "LOG10": [(0.5, 2), (0.99, 1.01), (0, 100)],
    "LOG1P": [*NEAR, (-0.999, 3), (-1e-9, 1e-9), (0, 1e30)],
    "SIN": [*NEAR, (-1000, 1000), (-8000, 8000), (-4e6, 4e6), (4.2e6, 1e9)],
    "COS": [*NEAR, (-1000, 1000), (-8000, 8000), (-4e6, 4e6), (4.2e6, 1e9)],
    "TAN": [*NEAR, (-1000, 1000), (-8000, 8000), (-4e6, 4e6), (4.2e6, 1e9)],
    "ARCSIN": [(-1, 1), (-0.01, 0.01), (0.99, 1), (0.49, 0.51)],
    "ARCCOS": [(-1, 1), (-0.01, 0.01), (0.99, 1), (-1, -0.99), (0.49, 0.51)],
    "ARCTAN": [*NEAR, (0.4, 0.42), (2.4, 2.42), (-1e6, 1e6)],
    "SINH": [*NEAR, (-710, 710), (-89, 89)],
    "COSH": [*NEAR, (-710, 710), (-89, 89)],
    "TANH": [*NEAR, (-25, 25)],
    "ARCSINH": [*NEAR, (-1e3, 1e3)],
    "ARCCOSH": [(1, 1.01), (1, 5), (5, 1e6)],
    "ARCTANH": [(-1, 1), (-0.01, 0.01), (0.99, 1)],
    "POW": [
        ((0.1, 10), (-300, 300)),
        ((0.1, 10), (-36, 36)),
        ((0.99, 1.01), (-9e3, 9e3)),
        (0.5, 3),
    ],
    "ARCTAN2": [
        (-1, 1),
        ((-0.01, 0.01), (-3, 3)),
        ((-3, 3), (-0.01, 0.01)),
        ((-1e30, 1e30), (0, 1)),
    ],
    "HYPOT": [(-1, 1), ((-1e5, 1e5), (-1, 1))],
}
MATH = [name for name, row in OPS.items() if name.rsplit("_", 1)[0] in RANGES and row[2] in "fd"]
SPECIAL = [
    *(0.0, 1.0, 0.5, 2.0, 3.0, 4.0, 1e-10, 1e-40, 1e10, 1e22, 1e30, np.pi, np.pi / 2, 7.5),
    *(np.inf, np.nan, 5e-324, 1.4e-45, 2.2250738585072014e-308, 1.7976931348623157e308, 1e-320),
    *(709.78, 709.79, 745.1, 745.2, 708.0, 708.5, 88.7, 88.73, 103.0, 104.0, 86.0, 711.0, 3.4e38),
    *(1 + 2**-52, 1 - 2**-53, 1 + 2**-23, 1 - 2**-24, 0.1, 8192.0, 2.0**22, 2.0**22 + 1, 1e300),
]


def arguments(op: str) -> list[list[np.ndarray]]:
    """Sets of operands: special values (each with each), ranges, anything."""
    letters, dtype = OPS[op][3], DTYPES[OPS[op][2]]
    rng = np.random.default_rng(7)
    with np.errstate(over="ignore"):
        special = np.array([sign * value for value in SPECIAL for sign in (1, -1)], dtype)
    grids = np.meshgrid(*[special] * len(letters))
    sets = [[np.ascontiguousarray(grid.ravel()) for grid in grids]]
    for spec in RANGES[op.rsplit("_", 1)[0]]:
        pairs = spec if isinstance(spec[0], tuple) else [spec] * len(letters)
        sets.append([rng.uniform(low, high, 20000).astype(dtype) for low, high in pairs])
    if op.startswith("POW"):  # results of any size, of bases near 1: the logarithm's own error
        most = np.log(np.finfo(dtype).max).item()
        base = rng.uniform(0.4, 2.1, 20000).astype(dtype)
        power = rng.uniform(-most, most, 20000) / np.log(base.astype("f8"))
        sets.append([base, power.astype(dtype)])
    unsigned = np.dtype(f"u{np.dtype(dtype).itemsize}")
    top = np.iinfo(unsigned).max
    anything = [rng.integers(0, top, 20000, unsigned, endpoint=True) for _ in letters]
    return [*sets, [one.view(dtype) for one in anything]]


ARGUMENTS = {op: arguments(op) for op in MATH}


def reference(op: str, args: list[np.ndarray]) -> np.ndarray:
    """NumPy's answer in a longer type."""
    return getattr(np, OPS[op][1])(*[arg.astype(LONG) for arg in args])


def errors(got: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Distances in units in the last place; infinite where one is finite and the other is not."""
    rounded = exact.astype(got.dtype)
    finite = np.isfinite(rounded)
    unit = np.spacing(np.abs(np.where(finite, rounded, 1))).astype(LONG)
    distance = np.abs(got.astype(LONG) - exact) / unit
    matches = (got == rounded) | (np.isnan(got) & np.isnan(rounded))
    edge = np.finfo(got.dtype).max
    overflow = ~finite & (np.abs(got) == edge) | np.isinf(got) & (np.abs(rounded) == edge)
    return np.where(finite & np.isfinite(got), distance, np.where(matches | overflow, 0, np.inf))


@pytest.mark.skipif(np.finfo(LONG).nmant < 60, reason="no longer type to compare with")
@pytest.mark.parametrize("reproducible", [False, True])
@pytest.mark.parametrize("op", MATH)
@pytest.mark.parametrize("target", TARGETS)
def test_error_bound(target, op, reproducible):
    bound = OPS[op][4]
    assert 1 <= bound <= 4
    for args in ARGUMENTS[op]:
        with np.errstate(all="ignore"):
            got = call(target, op, args, reproducible=reproducible)
            exact = reference(op, args)
            error = errors(got, exact)
        worst = np.argmax(error)
        assert error[worst] <= bound, (
            f"{op}{tuple(arg[worst] for arg in args)} is {got[worst]!r}, not {exact[worst]!r}:"
            f" {error[worst]} ulp"
        )
        zeros = (got == 0) & (exact == 0)
        assert (np.signbit(got) == np.signbit(exact))[zeros].all(), "the sign of a zero"


@pytest.mark.parametrize("op", MATH)
@pytest.mark.parametrize("target", TARGETS)
def test_bits_depend_on_the_operands_alone(target, op):
    """Not on the place in the block, its length, its neighbours, or on scalars."""
    for reproducible in (False, True):
        for args in ARGUMENTS[op]:
            some = [arg[:300] for arg in args]
            whole = call(target, op, some, reproducible=reproducible)
            for n in (1, 7, 63, 64, 65, 129):
                for start in (0, 1, 150):
                    part = [arg[start : start + n].copy() for arg in some]
                    got = call(target, op, part, reproducible=reproducible)
                    assert same_bits(got, whole[start : start + len(got)])
            one = [arg[11:12] for arg in args]
            out = np.zeros(70, whole.dtype)
            mask = (1 << len(args)) - 1
            call(target, op, one, out=out, scalars=mask, reproducible=reproducible)
            assert same_bits(out, np.repeat(whole[11:12], 70))
            if len(args) == 2:
                mixed = call(target, op, [one[0], some[1]], scalars=1, reproducible=reproducible)
                full = [np.repeat(one[0], len(mixed)), some[1]]
                assert same_bits(mixed, call(target, op, full, reproducible=reproducible))
            copy = some[0].copy()
            call(target, op, [copy, *some[1:]], out=copy, reproducible=reproducible)
            assert same_bits(copy, whole)


def same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    nan = np.isnan(one) & np.isnan(other)
    return one.shape == other.shape and bool((nan | (bits(one) == bits(other))).all())


def bits(array: np.ndarray) -> np.ndarray:
    return array.view(f"u{array.itemsize}")


def test_lengths():
    """Short blocks write what they should and nothing else."""
    values = np.linspace(0.1, 0.9, 200)
    whole = call(TARGETS[-1], "EXP_DD", [values])
    for n in range(71):
        room = np.full(n + 9, 5.0)
        call(TARGETS[-1], "EXP_DD", [values[n : 2 * n]], out=room[3 : 3 + n])
        assert (room[3 : 3 + n] == whole[n : 2 * n]).all() and (room[:3] == 5).all()
        assert (room[3 + n :] == 5).all()


def digest() -> str:
    """One number over the reproducible results of all vector math on the best target."""
    whole = hashlib.sha256()
    for op in MATH:
        for args in ARGUMENTS[op]:
            got = call(TARGETS[-1], op, args, reproducible=True)
            whole.update(np.where(np.isnan(got), np.array(np.nan, got.dtype), got).tobytes())
    return whole.hexdigest()


@pytest.mark.parametrize("op", MATH)
def test_reproducible_on_each_target(op):
    for args in ARGUMENTS[op]:
        first = call(TARGETS[0], op, args, reproducible=True)
        for target in TARGETS[1:]:
            assert same_bits(first, call(target, op, args, reproducible=True)), target


@pytest.mark.parametrize("disabled", ["AVX512F", "avx2 fma3", "X86_V4, X86_V3"])
def test_reproducible_with_features_switched_off(disabled):
    """The same in a process that thinks that the processor has less."""
    code = "import test_kernel_math as t; print(len(t.TARGETS), t.digest())"
    environment = dict(os.environ, FULLSPEED_DISABLE_CPU_FEATURES=disabled)
    environment["PYTHONPATH"] = str(Path(__file__).parent)
    child = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    count, number = child.stdout.split()
    most = 2 if disabled == "AVX512F" else 1
    assert int(count) == min(most, len(TARGETS))
    assert number == digest()


def test_page_of_the_docs_has_these_bounds():
    """docs/internals/array-kernels.md, where the sources are at hand."""
    page = Path(__file__).parents[2] / "docs" / "internals" / "array-kernels.md"
    table = page.read_text().split("## Vector math")[1].split("Nanoseconds")[0]
    found = {}
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        for at in range(0, len(cells) - 2, 4):
            if cells[at + 1].isdigit():
                found[cells[at]] = (int(cells[at + 1]), int(cells[at + 2]))
    expected = {}
    for op in MATH:
        name, letter = OPS[op][1], OPS[op][2]
        pair = expected.get(name, (0, 0))
        expected[name] = (OPS[op][4], pair[1]) if letter == "d" else (pair[0], OPS[op][4])
    assert found == expected
