"""What the tests of the kernels share: operands of each type, calls by name, NumPy's answers."""

from __future__ import annotations

import warnings

import numpy as np
from fullspeed import _array

TARGETS = _array.kernel_targets()
OPS = {row[0]: row for row in _array.kernel_ops()}
DTYPES = {"b": "?", "i": "i4", "l": "i8", "f": "f4", "d": "f8", "c": "c16", "s": "S5", "u": "U5"}
REDUCTIONS = ("SUM", "PROD", "MIN", "MAX")

_INT = [0, 1, -1, 2, -2, 3, 7, -7, 10, 31, 32, 33, 63, 64, 65, 100, -100]
_REAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -1.5, 2.5, 3.0, -3.0, 7.25, 1e-3, np.pi, -np.e]


def special_values(letter: str) -> np.ndarray:
    """Values of a type at which something may go wrong."""
    if letter == "b":
        return np.array([False, True])
    if letter in "il":
        info = np.iinfo(DTYPES[letter])
        ends = [info.min, info.min + 1, info.max, info.max - 1, info.max // 2, info.min // 3]
        return np.array(_INT + ends, DTYPES[letter])
    if letter in "fd":
        info = np.finfo(DTYPES[letter])
        ends = [info.max, -info.max, info.tiny, -info.tiny, info.smallest_subnormal, info.eps]
        odd = [np.nan, np.inf, -np.inf, info.max / 3, info.tiny / 3, 2.0**52, 2.0**53 + 2, 1e15]
        return np.array(_REAL + ends + odd, DTYPES[letter])
    if letter == "c":
        real = np.array([0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan, 1e-300, 3e200, 0.3])
        return complex_of(np.repeat(real, len(real)), np.tile(real, len(real)))
    words = ["", "a", "b", "ab", "aba", "b\0a", "abcde", "zzzzz", "\xe9"]
    if letter == "s":
        return np.array([word.encode("latin-1") for word in words], "S5")
    return np.array([*words, "\U0001f600", "\u0100"], "U5")


def random_values(letter: str, count: int, rng: np.random.Generator) -> np.ndarray:
    """Values of a type, of all sizes."""
    if letter == "b":
        return rng.integers(0, 2, count).astype(bool)
    if letter in "il":
        bits = 32 if letter == "i" else 64
        wide = rng.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), count, dtype=DTYPES[letter])
        return wide >> rng.integers(0, bits, count).astype(DTYPES[letter])
    if letter in "fd":
        return (rng.standard_normal(count) * 10.0 ** rng.integers(-6, 7, count)).astype(
            DTYPES[letter]
        )
    if letter == "c":
        return random_values("d", count, rng) + 1j * random_values("d", count, rng)
    return rng.choice(special_values(letter), count)


def operands(letters: str, count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """One array per argument: pairs of special values as far as `count` allows, then random."""
    specials = [special_values(letter) for letter in letters]
    if letters == "c" or "c" not in letters:
        grids = np.meshgrid(*specials, indexing="ij") if len(letters) < 3 else specials
        flat = [np.resize(grid.ravel(), count // 2) for grid in grids]
    else:
        flat = [rng.choice(special, count // 2) for special in specials]
    return [
        np.concatenate([one, random_values(letter, count - len(one), rng)]).astype(
            DTYPES[letter], copy=False
        )
        for one, letter in zip(flat, letters, strict=True)
    ]


def call(target: str, op: str, args: list[np.ndarray], *, reproducible=False, out=None, scalars=0):
    """The kernel's result on arrays; of bit i of `scalars`, args[i] is one value."""
    row = OPS[op]
    sizes = [len(arg) for i, arg in enumerate(args) if not scalars >> i & 1]
    n = sizes[0] if sizes else (1 if out is None else len(out))
    if out is None:
        out = np.full(n, 77, DTYPES[row[2]]) if row[2] not in "su" else np.zeros(n, args[0].dtype)
    _array.call_kernel(
        target, op, reproducible, as_bytes(out), tuple(map(as_bytes, args)), scalars, n
    )
    return out


def as_bytes(array: np.ndarray):
    """An array as the hook takes it: bytes whose itemsize is right, whatever the dtype."""
    return array.view(f"V{array.dtype.itemsize}")


def numpy_answer(op: str, args: list[np.ndarray]) -> np.ndarray:
    """What NumPy has for an exact op."""
    name, numpy_name, result, letters, _ = OPS[op]
    stem = name.rsplit("_", 1)[0]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        if stem in SPECIAL:
            value = SPECIAL[stem](*args)
        else:
            value = getattr(np, numpy_name)(*args)
        return np.asarray(value).astype(args[0].dtype if result in "su" else DTYPES[result])


def _truncated(x, y):
    q = np.abs(x.astype(object)) // np.where(y == 0, 1, np.abs(y.astype(object)))
    q = np.where((x < 0) != (y < 0), -q, q)
    wrapped = [(int(v) + 2**63) % 2**64 - 2**63 for v in np.where(y == 0, 0, q)]
    return np.array(wrapped, "i8")


def _power(x, y):
    power = np.power(x, np.maximum(y, 0))
    return np.where(
        y >= 0, power, np.where(x == 1, 1, np.where(x == -1, np.where(y & 1, -1, 1), 0))
    )


def _contains(x, y):
    return np.strings.find(x, y) >= 0


SPECIAL = {
    "COPY": lambda x: x,
    "ONES_LIKE": np.ones_like,
    "CAST": lambda x: x,
    "ROUND": lambda x: np.rint(x) if x.dtype.kind in "fc" else x,
    "DIV": lambda x, y: np.divide(x, y) if x.dtype.kind in "fc" else _truncated(x, y),
    "POW": _power,
    "CONTAINS": _contains,
    "COMPLEX": lambda re, im: complex_of(re, im),
    "MULADD": lambda x, y, z: x * y + z,
    "MULSUB": lambda x, y, z: x * y - z,
    "SUBMUL": lambda x, y, z: x - y * z,
}


def complex_of(re: np.ndarray, im: np.ndarray) -> np.ndarray:
    """Complex numbers of their parts, as they are."""
    both = np.zeros(len(re), "c16")
    both.real, both.imag = re, im
    return both


def same(got: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Where two arrays hold the same: any NaN is any other, the signs of zeros count."""
    if got.dtype.kind == "c":
        return same(got.real, expected.real) & same(got.imag, expected.imag)
    equal = got == expected
    if got.dtype.kind == "f":
        equal &= np.signbit(got) == np.signbit(expected)
        equal |= np.isnan(got) & np.isnan(expected)
    return equal
