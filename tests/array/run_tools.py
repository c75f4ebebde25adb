"""Programs written by hand, for the tests of the execution of array expressions."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from fullspeed import _array

# NumPy's numbers of orders and rules of casting.
ORDERS = {"A": -1, "C": 0, "F": 1, "K": 2}
CASTING = {"no": 0, "equiv": 1, "safe": 2, "same_kind": 3, "unsafe": 4}
REDUCE = {"": 0, "sum": 1, "prod": 2, "min": 3, "max": 4}
DTYPES = {
    "b": np.bool_,
    "i": np.int32,
    "l": np.int64,
    "f": np.float32,
    "d": np.float64,
    "c": np.complex128,
}


@dataclass
class Program:
    """A program; the registers are numbered as in array_program.h."""

    types: str
    inputs: int
    instrs: tuple[tuple[Any, ...], ...]
    result: str
    constants: tuple[Any, ...] = ()
    reduce: str = ""
    axis: int = -1
    source: int = 0

    def __call__(
        self,
        *arrays: np.ndarray,
        out: np.ndarray | None = None,
        order: str = "K",
        casting: str = "safe",
        reproducible: bool = False,
    ) -> np.ndarray:
        """Execute it."""
        assert len(arrays) == self.inputs
        temporaries = len(self.types) - self.inputs - len(self.constants)
        return _array.run_program(
            self.types, arrays, self.constants, temporaries, self.instrs, self.result,
            REDUCE[self.reduce], self.axis, self.source, out, ORDERS[order], CASTING[casting],
            reproducible,
        )  # fmt: skip


MULADD = Program("dddd", 3, (("MUL_DDD", 3, 0, 1), ("ADD_DDD", 4, 3, 2)), "d")


def product(reduce: str, axis: int = -1, letter: str = "d") -> Program:
    """A reduction of a * b."""
    op = f"MUL_{letter.upper() * 3}"
    return Program(letter * 3, 2, ((op, 2, 0, 1),), letter, reduce=reduce, axis=axis, source=2)


def odd_view(rng: np.random.Generator, pick: random.Random, shape: tuple[int, ...], dtype: Any):
    """An array of this shape, or one that broadcasts to it, that lies oddly in memory."""
    if pick.random() < 0.3:
        shape = tuple(1 if pick.random() < 0.3 else n for n in shape)
    if pick.random() < 0.2 and len(shape) > 1:
        shape = shape[1:]
    base = np.array(rng.integers(-50, 50, size=shape)).astype(dtype)
    kind = pick.choice("plain fortran strided backwards swapped unaligned cast zero axes".split())
    if kind == "swapped":
        return base.astype(np.dtype(dtype).newbyteorder(">"))
    if kind == "cast" and dtype is np.float64:
        other = pick.choice("bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 f4 f2".split())
        return np.asarray((abs(base) if other[0] == "u" else base).astype(other))
    if not shape or kind == "plain":
        return base
    if kind == "fortran":
        return np.asfortranarray(base)
    if kind == "strided":
        big = np.zeros([2 * n for n in shape], dtype)
        view = big[tuple(slice(None, None, 2) for _ in shape)]
        view[...] = base
        return view
    if kind == "backwards":
        return base[tuple(slice(None, None, pick.choice([-1, -1, 1])) for _ in shape)]
    if kind == "unaligned":
        view = np.zeros(base.nbytes + 1, np.uint8)[1:].view(dtype).reshape(shape)
        view[...] = base
        return view
    if kind == "zero" and shape[-1]:
        return np.broadcast_to(base[..., :1], shape)
    if kind == "axes":
        axes = list(range(len(shape)))
        pick.shuffle(axes)
        return np.ascontiguousarray(base.transpose(axes)).transpose(np.argsort(axes))
    return base


def odd_shape(pick: random.Random, most: int = 60_000) -> tuple[int, ...]:
    """A shape of 0 to 5 dimensions, now and then with nothing in it."""
    longest = pick.choice([3, 8, 40, 200, 3000])
    shape: list[int] = []
    for _ in range(pick.randrange(6)):
        n = pick.choice([1, 2, 3, 5, pick.randrange(1, longest + 1)])
        shape.append(1 if int(np.prod(shape)) * n > most else n)
    if shape and pick.random() < 0.05:
        shape[pick.randrange(len(shape))] = 0
    return tuple(shape)


def child(code: str, timeout: float = 120, **environment: str) -> str:
    """What a fresh Python prints that runs this code."""
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)} | environment,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout
