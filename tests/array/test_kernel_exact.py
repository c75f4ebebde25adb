"""Kernels whose results are exactly NumPy's: types, special values, targets, lengths, places."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_tools import (
    DTYPES,
    OPS,
    REDUCTIONS,
    TARGETS,
    _array,
    call,
    numpy_answer,
    operands,
    random_values,
    same,
)

EXACT = [
    name for name, row in OPS.items() if row[4] == 0 and name.rsplit("_", 1)[0] not in REDUCTIONS
]
TEXT = "su"
# Of equal zeros NumPy's vectors pick either.
ZEROS_EITHER = ("MAXIMUM", "MINIMUM")


def assert_same(op: str, got: np.ndarray, args: list[np.ndarray]) -> None:
    expected = numpy_answer(op, args)
    if op.startswith(ZEROS_EITHER):
        got, expected = got + 0, expected + 0
    wrong = np.flatnonzero(~same(got, expected))
    if len(wrong):
        i = wrong[0]
        raise AssertionError(
            f"{op}{tuple(arg[i] for arg in args)!r} is {got[i]!r}, not {expected[i]!r}"
            f" ({len(wrong)} of {len(got)})"
        )


def test_all_targets_are_tested():
    assert TARGETS[0] == "baseline" and len(TARGETS) == len(set(TARGETS))


@pytest.mark.parametrize("op", EXACT)
@pytest.mark.parametrize("target", TARGETS)
def test_values(target, op):
    args = operands(OPS[op][3], 4000, np.random.default_rng(1))
    for reproducible in (False, True):
        assert_same(op, call(target, op, args, reproducible=reproducible), args)


@pytest.mark.parametrize("op", [op for op in EXACT if OPS[op][2] not in TEXT])
@pytest.mark.parametrize("target", TARGETS)
def test_lengths_and_places(target, op):
    """Each length up to 70, at addresses that are aligned to the item only; nothing beyond."""
    letters, result = OPS[op][3], DTYPES[OPS[op][2]]
    args = operands(letters, 200, np.random.default_rng(2))
    for n in range(71):
        shifted = [shift(arg[100 : 100 + n], n + i) for i, arg in enumerate(args)]
        room = np.full(n + 12, 1, result)
        out = room[n % 5 : n % 5 + n]
        call(target, op, shifted, out=out)
        assert_same(op, out, shifted)
        rest = np.delete(room, np.s_[n % 5 : n % 5 + n])
        assert (rest == 1).all()


def shift(array: np.ndarray, by: int) -> np.ndarray:
    """A copy of an array at an address that is odd in items (strings: in bytes)."""
    step = 1 if array.dtype.kind in "SU" else array.dtype.itemsize
    room = np.zeros(array.nbytes + 16 * step, "u1")
    start = by % 7 * step
    copy = np.frombuffer(room.data, array.dtype, len(array), start)
    copy[:] = array
    return copy


@pytest.mark.parametrize("op", [op for op in EXACT if not set(OPS[op][3]) & set(TEXT)])
@pytest.mark.parametrize("target", TARGETS)
def test_long_blocks_at_any_address(target, op):
    """So long that stores begin at a border; with single values as well."""
    letters, result = OPS[op][3], DTYPES[OPS[op][2]]
    n = 20000 // np.dtype(result).itemsize
    args = operands(letters, n, np.random.default_rng(6))
    expected = numpy_answer(op, args)
    for place in range(0, 9, 2):
        room = np.full(n + 12, 1, result)
        out = room[place : place + n]
        call(target, op, args, out=out)
        got = (out + 0, expected + 0) if op.startswith(ZEROS_EITHER) else (out, expected)
        assert same(*got).all(), op
        assert (np.delete(room, np.s_[place : place + n]) == 1).all()
    for mask in range(1, (1 << len(letters)) - 1):
        some = [arg[5:6] if mask >> i & 1 else arg for i, arg in enumerate(args)]
        whole = [np.repeat(arg, n) if len(arg) == 1 else arg for arg in some]
        out = np.full(n + 1, 1, result)[1:]
        assert_same(op, call(target, op, some, out=out, scalars=mask), whole)


@pytest.mark.parametrize("op", [op for op in EXACT if not set(OPS[op][3]) & set(TEXT)])
@pytest.mark.parametrize("target", TARGETS)
def test_scalars(target, op):
    rng = np.random.default_rng(3)
    letters = OPS[op][3]
    for n in (1, 2, 37, 300):
        args = operands(letters, n + 50, rng)
        for mask in range(1, 1 << len(letters)):
            some = [arg[7:8] if mask >> i & 1 else arg[:n] for i, arg in enumerate(args)]
            whole = [np.repeat(one, n) if len(one) == 1 and n > 1 else one for one in some]
            out = np.zeros(n, DTYPES[OPS[op][2]])
            assert_same(op, call(target, op, some, out=out, scalars=mask), whole)


@pytest.mark.parametrize(
    "op", [op for op in EXACT if OPS[op][2] in OPS[op][3] and OPS[op][2] not in TEXT]
)
@pytest.mark.parametrize("target", TARGETS)
def test_in_place(target, op):
    """The result may be one of the operands, or all."""
    letters, result = OPS[op][3], OPS[op][2]
    args = operands(letters, 333, np.random.default_rng(4))
    for i, letter in enumerate(letters):
        if letter == result:
            copies = [arg.copy() for arg in args]
            assert_same(op, call(target, op, copies, out=copies[i]), args)
    if set(letters) == {result}:
        one = args[0].copy()
        call(target, op, [one] * len(letters), out=one)
        assert_same(op, one, [args[0]] * len(letters))


@pytest.mark.parametrize("op", [op for op in EXACT if set(OPS[op][3]) & set(TEXT)])
@pytest.mark.parametrize("target", TARGETS)
def test_strings_of_other_sizes(target, op):
    letters = OPS[op][3]
    rng = np.random.default_rng(5)
    wide, narrow = DTYPES[letters[0]][0] + "9", DTYPES[letters[0]][0] + "2"
    for dtypes in ((wide, narrow), (narrow, wide)):
        args = [
            random_values(letter, 300, rng).astype(dtype)
            for letter, dtype in zip(letters, dtypes, strict=False)
        ]
        if len(args) == 1:
            out = np.zeros(300, dtypes[1])
            call(target, op, args, out=out)
            assert (out == args[0].astype(dtypes[1])).all()
        else:
            assert_same(op, call(target, op, args), args)


def test_hook_refuses_what_it_cannot_do():
    one = np.zeros(3)
    with pytest.raises(ValueError, match="no target 'nowhere'"):
        _array.call_kernel("nowhere", "ADD_DDD", False, one, (one, one), 0, 3)
    with pytest.raises(ValueError, match="no op 'ADD_XXX'"):
        _array.call_kernel("baseline", "ADD_XXX", False, one, (one, one), 0, 3)
    with pytest.raises(ValueError, match="24 bytes holds no 4 values of type 'd'"):
        _array.call_kernel("baseline", "ADD_DDD", False, one, (one, one), 0, 4)
    with pytest.raises(ValueError, match="takes 2 operands"):
        _array.call_kernel("baseline", "ADD_DDD", False, one, (one,), 0, 3)
