"""Kernels that fold n values into one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from kernel_tools import DTYPES, OPS, REDUCTIONS, TARGETS, _array, as_bytes, random_values, same

FOLDS = [name for name in OPS if name.rsplit("_", 1)[0] in REDUCTIONS]


def fold(target: str, op: str, start, values: np.ndarray, reproducible: bool = False):
    """One value out of many, begun with `start`."""
    out = np.array([start], values.dtype)
    _array.call_kernel(target, op, reproducible, as_bytes(out), (as_bytes(values),), 0, len(values))
    return out[0]


def begin(op: str, dtype: str):
    if op.startswith(("SUM", "PROD")):
        return op.startswith("PROD")
    info = np.iinfo(dtype) if dtype[0] == "i" else np.finfo(dtype)
    low, high = (info.min, info.max) if dtype[0] == "i" else (-np.inf, np.inf)
    return high if op.startswith("MIN") else low


@pytest.mark.parametrize("op", [op for op in FOLDS if op[-1] in "IL" or op[:3] in ("MIN", "MAX")])
@pytest.mark.parametrize("target", TARGETS)
def test_exact(target, op):
    rng = np.random.default_rng(1)
    letter = OPS[op][3]
    ufunc, _ = OPS[op][1].split(".")
    for n in [*range(1, 140), 1000, 4097]:
        values = random_values(letter, n, rng)
        with np.errstate(all="ignore"):
            expected = getattr(np, ufunc).reduce(values, dtype=values.dtype)
        assert fold(target, op, begin(op, DTYPES[letter]), values) == expected
    assert fold(target, op, 5, values[:0]) == 5


@pytest.mark.parametrize("op", [op for op in FOLDS if op[-1] in "FD" and op[:3] in ("MIN", "MAX")])
@pytest.mark.parametrize("target", TARGETS)
def test_nan_wins(target, op):
    for n in (1, 2, 31, 32, 33, 100, 300):
        for at in {0, n // 2, n - 1}:
            values = np.ones(n, DTYPES[op[-1].lower()])
            values[at] = np.nan
            assert np.isnan(fold(target, op, 0, values))
    assert np.isnan(fold(target, op, np.nan, np.ones(3, values.dtype)))
    assert fold(target, op, 0, np.array([np.inf, -np.inf], values.dtype)) in (np.inf, -np.inf)


@pytest.mark.parametrize("op", [op for op in FOLDS if op[-1] in "FD" and op[:3] in ("MIN", "MAX")])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("large", [np.inf, "max"])
def test_values_whose_sum_is_no_number(target, op, large):
    """Infinities of both signs, or what adds up to them, are numbers all the same."""
    dtype = DTYPES[op[-1].lower()]
    large = np.finfo(dtype).max if large == "max" else large
    for n in (4, 33, 64, 129, 300):
        values = np.linspace(-1, 1, n).astype(dtype)
        values[n // 4 :: 2] = large
        values[n // 4 + 1 :: 2] = -large
        expected = -large if op.startswith("MIN") else large
        assert fold(target, op, begin(op, dtype), values) == expected
        values[n // 2] = np.nan
        assert np.isnan(fold(target, op, begin(op, dtype), values))


@pytest.mark.parametrize("op", ["SUM_FF", "SUM_DD", "SUM_CC"])
@pytest.mark.parametrize("target", TARGETS)
def test_sums(target, op):
    """Within the error of some additions per lane, far below that of one after the other."""
    rng = np.random.default_rng(2)
    dtype = DTYPES[op[-1].lower()]
    for n in [*range(0, 140), 1000, 4097]:
        values = rng.standard_normal(n).astype(dtype)
        if dtype == "c16":
            values.imag = rng.standard_normal(n)
        got = fold(target, op, 1, values)
        parts = [(got.real, values.real, 1.0), (got.imag, values.imag, 0.0)]
        for one, part, start in parts[: 2 if dtype == "c16" else 1]:
            exact = math.fsum([start, *map(float, part)])
            size = 1 + float(np.abs(part).sum())
            assert abs(float(one) - exact) <= size * np.finfo(dtype).eps * (n / 32 + 6) / 2
    assert math.copysign(1, fold(target, "SUM_DD", -0.0, np.full(70, -0.0))) == -1


@pytest.mark.parametrize("op", ["PROD_FF", "PROD_DD", "PROD_CC"])
@pytest.mark.parametrize("target", TARGETS)
def test_products(target, op):
    rng = np.random.default_rng(3)
    dtype = DTYPES[op[-1].lower()]
    for n in [*range(0, 100), 500]:
        values = (1 + rng.standard_normal(n) / 20).astype(dtype)
        if dtype == "c16":
            values.imag = rng.standard_normal(n) / 20
        exact = np.multiply.reduce(values.astype("G" if dtype == "c16" else "g"))
        got = fold(target, op, 1, values)
        assert abs(got - exact) <= abs(exact) * np.finfo(dtype).eps * (n + 1) * 2


@pytest.mark.parametrize("op", FOLDS)
def test_same_bits_on_each_target(op):
    """The order depends on the number of values alone."""
    rng = np.random.default_rng(4)
    for n in (1, 5, 31, 32, 33, 63, 64, 65, 1000, 1029):
        values = random_values(OPS[op][3], n, rng)
        with np.errstate(all="ignore"):
            results = [fold(target, op, 1, values, again) for target in TARGETS for again in (0, 1)]
        assert all(same(np.array([one]), np.array(results[:1]))[0] for one in results)
