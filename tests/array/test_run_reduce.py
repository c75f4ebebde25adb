"""Reductions over all items and along any axis against NumPy; the same bits however they run."""

from __future__ import annotations

import random

import numpy as np
import pytest
from run_tools import DTYPES, Program, child, odd_shape, odd_view, product

NUMPY = {"sum": np.sum, "prod": np.prod, "min": np.min, "max": np.max}


@pytest.mark.parametrize("seed", range(8))
def test_odd_operands(seed: int) -> None:
    pick, rng = random.Random(seed), np.random.default_rng(seed)
    for _ in range(250):
        letter = pick.choice("dflic")
        reduce = pick.choice(["sum", "sum", "min", "max"] if letter != "c" else ["sum"])
        shape = odd_shape(pick)
        a, b = (odd_view(rng, pick, shape, DTYPES[letter]) for _ in range(2))
        if any(x.dtype.newbyteorder("=") != DTYPES[letter] for x in (a, b)):
            continue
        values = np.asarray(a * b)
        axis = pick.choice([-1, *range(values.ndim)])
        program = product(reduce, axis, letter)
        keywords = {"dtype": DTYPES[letter]} if reduce == "sum" else {}
        try:
            expected = NUMPY[reduce](values, axis=None if axis < 0 else axis, **keywords)
        except ValueError:
            with pytest.raises(ValueError, match="zero-size array to reduction"):
                program(a, b)
            continue
        result = program(a, b)
        assert result.shape == np.shape(expected) and result.dtype == DTYPES[letter]
        np.testing.assert_allclose(result, expected, rtol=1e-4 if letter == "f" else 1e-11)
        out = np.zeros((*result.shape, 2), DTYPES[letter])[..., 0]
        assert program(a, b, out=out) is out
        np.testing.assert_array_equal(out, result)


@pytest.mark.parametrize(
    "shape",
    [
        (3_000_000,),
        (4, 700_000),
        (700_000, 4),
        (30, 40, 900),
        (900, 40, 30),
        (2, 3, 100_000),
        (100_000, 2, 3),
    ],
)
def test_large(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=shape), rng.normal(size=shape)
    for axis in (-1, *range(len(shape))):
        for reduce in ("sum", "max"):
            expected = NUMPY[reduce](a * b, axis=None if axis < 0 else axis)
            np.testing.assert_allclose(product(reduce, axis)(a, b), expected, rtol=1e-9, atol=1e-9)


def test_nothing() -> None:
    empty = np.zeros((0, 3))
    assert product("sum")(empty, empty) == 0 and product("prod")(empty, empty) == 1
    np.testing.assert_array_equal(product("sum", 0)(empty, empty), np.zeros(3))
    assert product("max", 1)(empty, empty).shape == (0,)
    with pytest.raises(ValueError, match="zero-size"):
        product("max", 0)(empty, empty)


def test_bad_axis_and_output() -> None:
    a = np.zeros((3, 4))
    with pytest.raises(ValueError, match="axis is out of bounds: axis=2, .* 2 dimensions"):
        product("sum", 2)(a, a)
    with pytest.raises(ValueError, match=r"shape \(4,\) doesn't match the broadcast shape \(3,\)"):
        product("sum", 1)(a, a, out=np.zeros(4))


def test_not_a_number_wins() -> None:
    a = np.arange(100_000.0)
    a[77_777] = np.nan
    for reduce in ("min", "max"):
        assert np.isnan(product(reduce)(a, np.ones(1)))


def test_single_items_and_constants() -> None:
    program = Program("dd", 1, (), "d", constants=(2.0,), reduce="sum", source=1)
    assert program(np.zeros(1000)) == 2000.0
    total = Program("d", 1, (), "d", reduce="sum")
    assert total(np.broadcast_to(np.array(0.5), (300, 300))) == 45_000.0
    assert total(np.array(3.5)) == 3.5
    row = Program("dd", 2, (("ADD_DDD", 2, 0, 1),), "d", reduce="sum", axis=1, source=0)
    row = Program("d", 1, (), "d", reduce="sum", axis=1)
    wide = np.broadcast_to(np.arange(5.0)[:, None], (5, 1000))
    np.testing.assert_array_equal(row(wide), np.arange(5.0) * 1000)


def test_sums_are_accurate() -> None:
    values = np.full(10_000_000, 0.1)
    total = Program("d", 1, (), "d", reduce="sum")
    assert abs(float(total(values)) - 1e6) < 1e-7
    single = Program("f", 1, (), "f", reduce="sum")
    assert abs(float(single(values.astype("f4"))) - 1e6) < 1


BITS = """
import numpy as np
from run_tools import MULADD, product
rng = np.random.default_rng(5)
for shape in ((1_000_003,), (1000, 1001), (7, 150_001), (150_001, 7), (60, 70, 80)):
    a, b = rng.normal(size=shape), rng.normal(size=shape)
    for axis in (-1, *range(len(shape))):
        print(product('sum', axis)(a, b, reproducible=True).tobytes().hex()[:4000])
"""


def test_the_same_bits_with_any_number_of_threads_and_on_any_target() -> None:
    first = child(BITS, FULLSPEED_NUM_THREADS="1")
    for threads in ("2", "7"):
        assert child(BITS, FULLSPEED_NUM_THREADS=threads) == first
    assert child(BITS, FULLSPEED_DISABLE_CPU_FEATURES="X86_V4") == first
    assert child(BITS, FULLSPEED_DISABLE_CPU_FEATURES="X86_V3") == first
    assert child(BITS, FULLSPEED_ARRAY_FUSE="0") == first
