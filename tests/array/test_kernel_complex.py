"""Kernels of complex numbers: NumPy's results but for some units in the last place."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_tools import OPS, TARGETS, call, complex_of, operands, same

COMPLEX = [name for name, row in OPS.items() if "c" in row[3] and row[4] != 0]
COMPLEX = [name for name in COMPLEX if not name.startswith(("SUM", "PROD"))]


def answer(op: str, args: list[np.ndarray]) -> np.ndarray:
    with np.errstate(all="ignore"):
        value = getattr(np, OPS[op][1])(*args)
    return np.asarray(value, "c16")


def cases(op: str) -> list[list[np.ndarray]]:
    rng = np.random.default_rng(11)
    sets = [operands(OPS[op][3], 4000, rng)]
    for size in (1, 20, 600):
        sets.append([complex_of(*rng.uniform(-size, size, (2, 4000))) for _ in OPS[op][3]])
    angle, size = rng.uniform(-np.pi, np.pi, (2, 4000)), 1 + rng.normal(0, 1e-3, 4000)
    sets.append(
        [complex_of(size * np.cos(one), size * np.sin(one)) for one in angle][: len(OPS[op][3])]
    )
    return sets


def test_there_are_some():
    assert {"EXP_CC", "POW_CCC", "MUL_CCC", "ABSOLUTE_CC", "SIGN_CC"} <= set(COMPLEX)


@pytest.mark.parametrize("op", COMPLEX)
@pytest.mark.parametrize("target", TARGETS)
def test_values(target, op):
    """Parts that are infinite or not numbers are NumPy's, the others near, measured by the size."""
    for args in cases(op):
        got, expected = call(target, op, args), answer(op, args)
        finite = np.isfinite(expected.real) & np.isfinite(expected.imag)
        # NumPy's own result is some units away from the exact one, too.
        bound = max(OPS[op][4], 4) + 2
        with np.errstate(all="ignore"):
            near = np.abs(got - expected) <= bound * np.finfo("f8").eps * np.abs(expected)
            tiny = np.abs(expected) < 1e-290
        right = np.where(finite, near | tiny | same(got, expected), same(got, expected))
        if op in ("MUL_CCC", "POW_CCC"):
            # NumPy's vector code fuses products, and so has other infinities and NaN.
            right |= ~(np.isfinite(got.real) & np.isfinite(got.imag)) | ~finite
        wrong = np.flatnonzero(~right)
        assert not len(wrong), (
            f"{op}{tuple(arg[wrong[0]] for arg in args)} is {got[wrong[0]]}, not"
            f" {expected[wrong[0]]} ({len(wrong)})"
        )


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 60, reason="no longer type to compare with")
@pytest.mark.parametrize("op", [op for op in COMPLEX if OPS[op][4] > 0])
@pytest.mark.parametrize("target", TARGETS)
def test_error_bound(target, op):
    """Measured against a longer type, in 2^-52 of the size."""
    for args in cases(op)[1:]:
        with np.errstate(all="ignore"):
            exact = np.asarray(getattr(np, OPS[op][1])(*[arg.astype("G") for arg in args]), "G")
            for reproducible in (False, True):
                got = call(target, op, args, reproducible=reproducible)
                error = np.abs(got.astype("G") - exact) / np.abs(exact) / np.finfo("f8").eps
                error[~np.isfinite(exact) | (np.abs(exact) > 1e300)] = 0
                assert error.max() <= OPS[op][4], (op, [arg[error.argmax()] for arg in args])


@pytest.mark.parametrize("op", COMPLEX)
def test_reproducible(op):
    for args in cases(op):
        results = [call(target, op, args, reproducible=True) for target in TARGETS]
        for result in results:
            assert same(result, results[0]).all()


@pytest.mark.parametrize("op", COMPLEX)
@pytest.mark.parametrize("target", TARGETS)
def test_scalars_and_in_place(target, op):
    args = [arg[:50] for arg in cases(op)[2]]
    whole = call(target, op, args)
    copy = args[-1].copy()
    call(target, op, [*args[:-1], copy], out=copy)
    assert same(copy, whole).all()
    for mask in range(1, 1 << len(args)):
        some = [arg[3:4] if mask >> i & 1 else arg for i, arg in enumerate(args)]
        full = [np.repeat(arg, 50) if len(arg) == 1 else arg for arg in some]
        out = np.zeros(50, "c16")
        call(target, op, some, out=out, scalars=mask)
        assert same(out, call(target, op, full)).all()
