"""What is measured: expressions, their operands, what the peers do for them, and the bars."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numba
import numpy as np

LOOPS = Path(os.environ["FULLSPEED_BENCH_LOOPS"])


@dataclass
class Case:
    """One line of the table. `bars`: how many times as fast as a side we have to be."""

    name: str
    expression: str
    numpy: Callable[..., Any]
    operands: Callable[[int], dict[str, np.ndarray]]
    bars: dict[str, float]
    loop: str = ""  # the C function
    form: str = "map"  # how it is called
    new: bool = False  # into a new array; else into one that is there
    numba: Callable[..., Any] | None = None
    shape: tuple[int, ...] = field(default=())


def random(names: str, dtype: str = "f8", low: float = 0.5, high: float = 1.5) -> Callable:
    """Operands of n items between two numbers."""

    def make(n: int) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(1)
        return {name: (rng.random(n) * (high - low) + low).astype(dtype) for name in names}

    return make


def matrices(rows: int) -> Callable:
    """Two matrices of n items and so many rows, with both signs."""

    def make(n: int) -> dict[str, np.ndarray]:
        flat = random("ab", low=-1, high=1)(n // rows * rows)
        return {name: array.reshape(rows, -1) for name, array in flat.items()}

    return make


def points(n: int) -> dict[str, np.ndarray]:
    """Coordinates of 1,000 points, as columns and rows."""
    rng = np.random.default_rng(1)
    x, y, z = rng.random((3, 1000))
    return {"x": x, "y": y, "z": z} | {
        name + k: array[index]
        for name, array in (("x", x), ("y", y), ("z", z))
        for k, index in (("1", (slice(None), None)), ("2", (None, slice(None))))
    }


@numba.njit(parallel=True, fastmath=True)
def numba_mix(r, a, b, c, d):  # noqa: D103
    for i in numba.prange(r.size):
        r[i] = 2 * a[i] + 3 * b[i] * np.sin(c[i]) - np.sqrt(d[i])


@numba.njit(parallel=True, fastmath=True)
def numba_muladd(r, a, b, c):  # noqa: D103
    for i in numba.prange(r.size):
        r[i] = a[i] * b[i] + c[i]


@numba.njit(parallel=True, fastmath=True)
def numba_dot(a, b):  # noqa: D103
    total = 0.0
    for i in numba.prange(a.size):
        total += a[i] * b[i]
    return total


@numba.njit(parallel=True, fastmath=True)
def numba_distances(r, x, y, z):  # noqa: D103
    for i in numba.prange(x.size):
        for j in range(x.size):
            u, v, w = x[i] - x[j], y[i] - y[j], z[i] - z[j]
            r[i, j] = np.sqrt(u * u + v * v + w * w)


MAIN = {"C": 0.95, "numexpr": 3, "numpy": 3}
REDUCE = {"C": 0.95, "numexpr": 3}
USUAL = {"numexpr": 2, "numpy": 1}
MIX = "2*a + 3*b*sin(c) - sqrt(d)"


def usual(name: str, expression: str, function: Callable, loop: str = "", **more: Any) -> Case:
    """A function or form that has to be twice as fast as NumExpr, and no slower than NumPy."""
    operands = more.pop("operands", random("abc"))
    return Case(name, expression, function, operands, USUAL, loop, **more)


CASES = [
    Case("mix", MIX, lambda a, b, c, d: 2 * a + 3 * b * np.sin(c) - np.sqrt(d), random("abcd"),
         MAIN, "mix", numba=numba_mix),
    Case("a*b + c", "a*b + c", lambda a, b, c: a * b + c, random("abc"), {"C": 0.95}, "muladd",
         numba=numba_muladd),
    Case("a*b + c, new", "a*b + c", lambda a, b, c: a * b + c, random("abc"), {"numexpr": 1.2},
         new=True),
    Case("sum(a*b)", "sum(a*b)", lambda a, b: np.sum(a * b), random("ab"), REDUCE, "sum_product",
         "fold", numba=numba_dot),
    Case("max(abs(a-b))", "max(abs(a-b))", lambda a, b: np.max(np.abs(a - b)), random("ab"), REDUCE,
         "max_difference", "fold"),
    *[
        Case(f"{word}, axis={axis}, {rows} rows", f"{word[:-1]}, axis={axis})",
             lambda a, b, f=function, axis=axis: f(a, b, axis), matrices(rows), REDUCE,
             f"{loop}_{'columns' if axis == 0 else 'rows'}", "axis")
        for rows in (1000, 10_000)
        for axis in (0, 1)
        for word, loop, function in (
            ("sum(a*b)", "sum_product", lambda a, b, axis: np.sum(a * b, axis)),
            ("max(abs(a-b))", "max_difference", lambda a, b, axis: np.max(np.abs(a - b), axis)),
        )
    ],
    usual("exp", "exp(a)", lambda a, b, c: np.exp(a), "exp_d"),
    usual("log", "log(b)", lambda a, b, c: np.log(b), "log_d"),
    usual("log1p", "log1p(b)", lambda a, b, c: np.log1p(b), "log1p_d"),
    usual("expm1", "expm1(a)", lambda a, b, c: np.expm1(a), "expm1_d"),
    usual("pow", "b**a", lambda a, b, c: b**a, "pow_d"),
    usual("tanh", "tanh(a)", lambda a, b, c: np.tanh(a), "tanh_d"),
    usual("arctan2", "arctan2(a, b)", lambda a, b, c: np.arctan2(a, b), "arctan2_d"),
    usual("where", "where(a > c, a, b)", lambda a, b, c: np.where(a > c, a, b), "where_d"),
    usual("sin", "sin(a)", lambda a, b, c: np.sin(a), "sin_d"),
    usual("int32", "a*b + c", lambda a, b, c: a * b + c, "muladd_i",
          operands=random("abc", "i4", 0, 1000)),
    usual("int64", "a*b + c", lambda a, b, c: a * b + c, "muladd_l",
          operands=random("abc", "i8", 0, 1000)),
    usual("float32", "a*b + c", lambda a, b, c: a * b + c, "muladd_f",
          operands=random("abc", "f4")),
    usual("float32 mix", MIX, lambda a, b, c, d: 2 * a + 3 * b * np.sin(c) - np.sqrt(d), "mix_f",
          operands=random("abcd", "f4")),
    usual("float32 exp", "exp(a)", lambda a, b, c: np.exp(a), "exp_f",
          operands=random("abc", "f4")),
    Case("distances", "sqrt((x1-x2)**2 + (y1-y2)**2 + (z1-z2)**2)",
         lambda x1, x2, y1, y2, z1, z2, **_: np.sqrt((x1 - x2) ** 2 + (y1 - y2) ** 2
                                                     + (z1 - z2) ** 2),
         points, {"C": 1 / 1.3, "numexpr": 1}, "distances", "points", numba=numba_distances,
         shape=(1000, 1000)),
]  # fmt: skip


def libraries() -> dict[str, ctypes.CDLL]:
    """The C loops, by compiler."""
    loaded = {path.stem[6:]: ctypes.CDLL(str(path)) for path in sorted(LOOPS.glob("loops-*.so"))}
    for library in loaded.values():
        library.sum_product.restype = library.max_difference.restype = ctypes.c_double
    return loaded


def c_call(
    library: ctypes.CDLL,
    case: Case,
    operands: dict[str, np.ndarray],
    out: np.ndarray | None,
) -> Callable[[], Any]:
    """A call of the case's C loop."""
    function = getattr(library, case.loop)

    def pointer(array: np.ndarray | None) -> ctypes.c_void_p:
        return ctypes.c_void_p(array.ctypes.data if array is not None else None)

    size = ctypes.c_ssize_t
    if case.form == "fold":
        a, b = (operands[k] for k in "ab")
        arguments: tuple[Any, ...] = (pointer(a), pointer(b), size(a.size))
    elif case.form == "axis":
        a, b = (operands[k] for k in "ab")
        arguments = (
            pointer(out),
            pointer(a),
            pointer(b),
            size(a.shape[0]),
            size(a.shape[1]),
        )
    elif case.form == "points":
        arguments = (pointer(out), *(pointer(operands[k]) for k in "xyz"), size(1000))
    else:
        arguments = (
            pointer(out),
            *(pointer(operands.get(k)) for k in "abcd"),
            size(out.size),
        )
    return lambda: function(*arguments)
