"""Operands of every form against NumPy: shapes, strides, byte order, alignment, casts, outputs."""

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest
from run_tools import DTYPES, MULADD, Program, odd_shape, odd_view

COPY = {
    letter: Program(letter, 1, ((f"COPY_{letter.upper() * 2}", 1, 0),), letter) for letter in DTYPES
}


@pytest.mark.parametrize("seed", range(8))
def test_odd_operands(seed: int) -> None:
    pick, rng = random.Random(seed), np.random.default_rng(seed)
    for _ in range(250):
        shape = odd_shape(pick)
        a, b, c = (odd_view(rng, pick, shape, np.float64) for _ in range(3))
        expected = np.asarray(np.float64(1) * a * b + c)
        order = pick.choice("ACFK")
        result = MULADD(a, b, c, order=order)
        assert result.dtype == np.float64 and result.shape == expected.shape
        np.testing.assert_array_equal(result, expected)
        assert order != "C" or result.flags.c_contiguous
        assert order != "F" or result.flags.f_contiguous
        out = odd_view(rng, pick, expected.shape, np.float64)
        if out.shape != expected.shape or not out.flags.writeable or out.dtype.kind != "f":
            out = np.empty(expected.shape, ">f8")
        if out.dtype.itemsize == 8:
            assert MULADD(a, b, c, out=out) is out
            np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("order", "ACFK")
def test_layout_of_new_results_is_numpys(order: str) -> None:
    pick, rng = random.Random(7), np.random.default_rng(7)
    for _ in range(300):
        shape = odd_shape(pick, 2000)
        a = odd_view(rng, pick, shape, np.float64)
        result = COPY["d"](a, order=order)
        expected = np.positive(
            a.astype("f8", order="K") if a.dtype != np.float64 else a, order=order
        )
        assert result.shape == expected.shape
        if 0 not in shape:  # strides of axes of one item mean nothing
            for n, mine, numpys in zip(a.shape, result.strides, expected.strides, strict=True):
                assert n == 1 or mine == numpys, (a.shape, a.strides)


@pytest.mark.parametrize("letter", DTYPES)
def test_every_dtype_that_casts_safely(letter: str) -> None:
    target = np.dtype(DTYPES[letter])
    for name in "?bhilqBHILQefdgFDG":
        source = (np.arange(300) % 7 + 0.5).astype(name)
        if np.can_cast(source.dtype, target, "safe"):
            for array in (source, source[::-2], source.astype(source.dtype.newbyteorder("S"))):
                np.testing.assert_array_equal(COPY[letter](array), array.astype(target))
        else:
            with pytest.raises(TypeError, match="according to the rule 'safe'"):
                COPY[letter](source)


@pytest.mark.parametrize("letter", DTYPES)
@pytest.mark.parametrize("casting", ["safe", "same_kind", "unsafe"])
def test_every_dtype_of_an_output(letter: str, casting: str) -> None:
    source = (np.arange(5000) % 11).astype(DTYPES[letter]).reshape(50, 100)
    for name in "?bhilqBHILQefdgFDG":
        out = np.zeros((50, 200), np.dtype(name).newbyteorder("S"))[:, ::2]
        if np.can_cast(source.dtype, out.dtype, casting):
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
                assert COPY[letter](source, out=out, casting=casting) is out
                np.testing.assert_array_equal(out, source.astype(name))
        else:
            with pytest.raises(TypeError, match=f"according to the rule '{casting}'"):
                COPY[letter](source, out=out, casting=casting)


def test_exact_casts_of_halves_and_bools() -> None:
    halves = np.arange(65536, dtype=np.uint16).view(np.float16)
    np.testing.assert_array_equal(COPY["f"](halves), halves.astype("f4"))
    np.testing.assert_array_equal(COPY["d"](halves), halves.astype("f8"))
    bools = np.arange(256, dtype=np.uint8).view(bool)
    np.testing.assert_array_equal(COPY["i"](bools), bools.astype("i4"))


def test_output_that_overlaps_inputs() -> None:
    for n in (10, 1000, 100_000):
        big = np.arange(n + 2.0)
        expected = big[:-2] * big[2:] + big[1:-1]
        for out_at in range(3):
            work = big.copy()
            out = work[out_at : n + out_at]
            assert MULADD(work[:-2], work[2:], work[1:-1], out=out) is out
            np.testing.assert_array_equal(out, expected)
        work = big.copy()
        expected = work[::-1] * work + work
        np.testing.assert_array_equal(MULADD(work[::-1], work, work, out=work), expected)
        square = np.arange(90.0 * 90).reshape(90, 90)
        expected = square.T * square + square[0]
        np.testing.assert_array_equal(MULADD(square.T, square, square[0], out=square), expected)


def test_output_in_place_without_a_copy() -> None:
    a = np.arange(1e5)
    expected = a * a + a
    assert MULADD(a, a, a, out=a) is a
    np.testing.assert_array_equal(a, expected)


def test_output_larger_than_the_inputs() -> None:
    out = np.zeros((4, 5))
    MULADD(np.arange(5.0), np.array(2.0), np.ones((4, 1)), out=out)
    np.testing.assert_array_equal(out, np.broadcast_to(np.arange(5) * 2 + 1, (4, 5)))


def test_errors_of_shapes_and_outputs() -> None:
    a = np.zeros((3, 4))
    with pytest.raises(
        ValueError, match=r"operands could not be broadcast .* \(3, 4\) \(3,\) \(3, 4\)"
    ):
        MULADD(a, np.zeros(3), a)
    with pytest.raises(
        ValueError, match=r"output operand with shape \(4,\) doesn't match .* \(3, 4\)"
    ):
        MULADD(a, a, a, out=np.zeros(4))
    with pytest.raises(ValueError, match="output array is read-only"):
        out = np.zeros((3, 4))
        out.flags.writeable = False
        MULADD(a, a, a, out=out)
    with pytest.raises(TypeError, match="cannot cast"):
        MULADD(a, a, a, out=np.zeros((3, 4), int))
    with pytest.raises(TypeError, match="cannot cast from dtype"):
        MULADD(a, a, np.zeros((3, 4), "S3"))


def test_more_items_than_can_be() -> None:
    a = np.broadcast_to(np.array(1.0), (1 << 40, 1))
    b = np.broadcast_to(np.array(1.0), (1, 1 << 40))
    with pytest.raises(ValueError, match="more items than an array can have"):
        Program("ddd", 2, (("MUL_DDD", 2, 0, 1),), "d", reduce="sum", source=2)(a, b)
    with pytest.raises(ValueError, match="more items than an array can have"):
        MULADD(a, b, a)


@pytest.mark.parametrize("kind", ["S", "U"])
def test_strings_of_no_characters(kind: str) -> None:
    """Fields of records can have them; new arrays cannot."""
    nothing = np.zeros(500, [("a", f"{kind}0"), ("b", "i4")])["a"]
    assert nothing.dtype.itemsize == 0
    letter = {"S": "s", "U": "u"}[kind]
    copy = Program(letter, 1, ((f"COPY_{letter.upper() * 2}", 1, 0),), letter)
    result = copy(nothing)
    assert result.dtype == np.dtype(f"{kind}1") and not result.astype(bool).any()
    assert copy(nothing.reshape(5, 100)).shape == (5, 100)
    equal = Program(letter * 2, 2, ((f"EQ_B{letter.upper() * 2}", 2, 0, 1),), "b")
    other = np.array(["", "x"] * 250, f"{kind}2")
    np.testing.assert_array_equal(equal(nothing, other), other == other[0])


def test_many_dimensions_and_nothing() -> None:
    deep = np.arange(2.0**10).reshape((1, 2) * 10)
    np.testing.assert_array_equal(MULADD(deep, deep.T, deep), deep * deep.T + deep)
    for shape in ((0,), (3, 0), (0, 3), (2, 0, 5)):
        assert MULADD(np.zeros(shape), np.zeros(shape[-1:]), np.zeros(())).shape == shape
    assert MULADD(np.array(3.0), np.array(4.0), np.array(5.0)) == 17.0


def test_constants_alone() -> None:
    program = Program("dd", 0, (("ADD_DDD", 2, 0, 1),), "d", constants=(1.5, 2.0))
    assert program() == 3.5 and program().shape == ()
    np.testing.assert_array_equal(program(out=np.zeros((2, 3))), np.full((2, 3), 3.5))


@pytest.mark.parametrize("kind", ["S", "U"])
def test_strings(kind: str) -> None:
    letter = {"S": "s", "U": "u"}[kind]
    values = np.array(["a", "bcd", "", "bc\0d", "bcde"] * 400, f"{kind}5")
    other = np.array(["bcd"], f"{kind}3")
    equal = Program(letter * 2, 2, ((f"EQ_B{letter.upper() * 2}", 2, 0, 1),), "b")
    copy = Program(letter, 1, ((f"COPY_{letter.upper() * 2}", 1, 0),), letter)
    for array in (values, values[::-1], values[::3], values.reshape(40, 50).T):
        np.testing.assert_array_equal(equal(array, other), array == other)
        np.testing.assert_array_equal(copy(array), array)
    swapped = values.astype(values.dtype.newbyteorder("S"))
    np.testing.assert_array_equal(equal(swapped, other), values == other)
    pairs = values[:999].reshape(333, 3)
    np.testing.assert_array_equal(equal(pairs, values[:3]), pairs == values[:3])
    out = np.zeros(2000, f"{kind}9")
    np.testing.assert_array_equal(copy(values, out=out), values)


def test_large_results_are_made_of_memory_that_is_kept() -> None:
    from fullspeed import _array

    a = np.ones(1 << 21)
    first = MULADD(a, a, a)
    address, kept = first.ctypes.data, _array.memory_kept()
    copy = first.copy()
    first.resize(10)
    first.resize(1 << 20)
    assert (first[:10] == 2).all() and (first[10:] == 0).all()
    del first
    second = MULADD(a, a, a)
    np.testing.assert_array_equal(second, copy)
    del second
    third = MULADD(a, a, a)
    assert _array.memory_kept() <= 1 << 29 and kept <= 1 << 29 and address and (third == 2).all()
