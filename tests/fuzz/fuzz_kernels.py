"""Fuzzer of array kernels and of what executes them: the bytes of an input choose everything.

    tests/fuzz/fuzz_kernels.py --seconds 60 --seed 1     new inputs until the time is over
    tests/fuzz/fuzz_kernels.py --repeat 1/57             one of them again
    tests/fuzz/fuzz_kernels.py --file PATH               an input out of a file

The first byte is the dispatch target, the second the kind of trial:

  kernel   one kernel on blocks: op, length, places in memory, scalars, in place, values. It has to
           give NumPy's bits where array_ops.def says so, what is within its bound of a longer type
           where it has one, else what is near NumPy's; reproducible kernels the baseline's bits;
           nothing may be written beyond the result.
  program  a program of some instructions (or a reduction) on operands that lie oddly in memory,
           with out=, overlap, order, casting, threads, several callers. It has to give the bits of
           the same kernels called one after the other on whole contiguous arrays.
  call     a function as evaluate() has it, on operands of any types that lie oddly: it has to give
           what it gives for contiguous copies of them, be it an exception; of a reduction
           that rounds, whose order goes by where the items lie, within the error of any order.

How it works: there is one child process per target (fuzz_watch.py), in which the targets above are
switched off; each input is tried by the child of its first byte.
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "array"))

import fullspeed
import numpy as np
from fullspeed import _array
from fuzz_watch import Child, watch
from kernel_tools import (
    DTYPES,
    OPS,
    REDUCTIONS,
    TARGETS,
    as_bytes,
    call,
    numpy_answer,
    random_values,
    same,
    special_values,
)
from run_tools import Program

SIZE = 400
GUARD = 64
STEMS = {name: name.rsplit("_", 1)[0] for name in OPS}
KERNELS = sorted(OPS)
FOLDS = [name for name in KERNELS if STEMS[name] in REDUCTIONS]
# What a program may have: no strings as results.
STEPS = [name for name in KERNELS if name not in FOLDS and OPS[name][2] not in "su"]
PLAIN = [name for name in STEPS if STEMS[name] in ("ADD", "SUB", "MUL", "DIV", "NEG", "MULADD")]
SOURCES = "?bhilqBHILQefdgFD"


class Bytes:
    """Choices out of an input; when it is used up, all choices are the first."""

    def __init__(self, data: bytes) -> None:
        """Begin at the first byte."""
        self.data, self.at = data, 0

    def below(self, count: int) -> int:
        """A number from 0 to count - 1."""
        size = 1 if count <= 256 else 2 if count <= 65536 else 4
        piece = self.data[self.at : self.at + size]
        self.at += size
        return int.from_bytes(piece, "little") % count

    def choice(self, items: Sequence[Any]) -> Any:
        """One of some things."""
        return items[self.below(len(items))]

    def chance(self, of: int) -> bool:
        """True once in `of` times."""
        return self.below(of) == of - 1

    def generator(self) -> np.random.Generator:
        """For many numbers at once."""
        return np.random.default_rng(self.below(1 << 32))

    def values(self, letter: str, count: int) -> np.ndarray:
        """Values of a type: all over the place, of the edges, or of one edge."""
        rng, kind = self.generator(), self.below(4)
        edges = special_values(letter)
        if kind == 0:
            values = random_values(letter, count, rng)
        elif kind < 3:
            values = rng.choice(edges, count)
        else:
            values = np.resize(self.choice(edges), count)
        if kind == 2 and letter in "fd":  # any bits at all
            raw = rng.integers(0, 256, count * values.itemsize, "u1").view(values.dtype)
            values = np.where(rng.random(count) < 0.5, raw, values)
        return np.ascontiguousarray(values.astype(DTYPES[letter], copy=False))


# ---- kernels ----


def place(choices: Bytes, values: np.ndarray) -> np.ndarray:
    """A copy at an odd address, at the end of its memory."""
    step = 1 if values.dtype.kind in "SU" else values.dtype.alignment
    room = np.empty(values.nbytes + choices.below(9) * step, "u1")
    copy = room[len(room) - values.nbytes :].view(values.dtype)
    copy[:] = values
    return copy


def differ(got: np.ndarray, wanted: np.ndarray, right: np.ndarray, args: list) -> str | None:
    """The first item that is wrong, in words."""
    wrong = np.flatnonzero(~right)
    if not len(wrong):
        return None
    at = wrong[0]
    operands = [arg[at] if len(arg) == len(got) else arg[0] for arg in args]
    return f"{got[at]!r}, not {wanted[at]!r}, of {operands} at {at} ({len(wrong)} of {len(got)})"


def check_exact(op: str, got: np.ndarray, args: list[np.ndarray]) -> str | None:
    """NumPy's bits, but of equal zeros maximum and minimum may take either."""
    wanted = numpy_answer(op, args)
    if STEMS[op] in ("MAXIMUM", "MINIMUM"):
        got, wanted = got + 0, wanted + 0
    return differ(got, wanted, same(got, wanted), args)


def check_bound(op: str, got: np.ndarray, args: list[np.ndarray]) -> str | None:
    """Within so many units in the last place of a longer type's result."""
    from test_kernel_math import errors, reference

    exact = reference(op, args)
    zeros = (got == 0) & (exact == 0) & (np.signbit(got) != np.signbit(exact))
    return differ(got, exact, (errors(got, exact) <= OPS[op][4]) & ~zeros, args)


def check_complex(op: str, got: np.ndarray, args: list[np.ndarray]) -> str | None:
    """NumPy's result, or near it: it is some units away from the exact one itself."""
    from test_kernel_complex import answer

    wanted = answer(op, args)
    finite = np.isfinite(wanted.real) & np.isfinite(wanted.imag)
    bound = (max(OPS[op][4], 4) + 2) * np.finfo("f8").eps
    near = np.abs(got - wanted) <= bound * np.abs(wanted)
    right = np.where(finite, near | (np.abs(wanted) < 1e-290) | same(got, wanted), True)
    if op not in ("MUL_CCC", "POW_CCC"):  # NumPy's own infinities there depend on the machine
        right &= finite | same(got, wanted)
    return differ(got, wanted, right, args)


def check_fold(op: str, start: np.ndarray, got: np.ndarray, values: np.ndarray) -> str | None:
    """A fold of a block: exact, or as exact as its lanes."""
    ufunc, dtype = getattr(np, OPS[op][1].split(".")[0]), got.dtype
    whole = np.concatenate([start, values])
    if OPS[op][4] == 0:
        wanted = np.array([ufunc.reduce(whole, dtype=dtype)])
        return differ(got + 0, wanted + 0, same(got + 0, wanted + 0), [whole])
    wide = whole.astype("G" if dtype.kind == "c" else "g")
    sizes = np.abs(wide)
    wanted = np.array([ufunc.reduce(wide)])
    if STEMS[op] == "SUM":
        most, error = sizes.sum(), sizes.sum()
    else:
        most = np.multiply.reduce(np.maximum(sizes, 1))
        error = np.abs(wanted[0]) if np.multiply.reduce(np.minimum(sizes, 1)) > 1e-30 else np.inf
    if not most < np.finfo(dtype).max / 4:
        return None  # one order of them may overflow where another does not
    tolerance = error * np.finfo(dtype).eps * (len(whole) + 6) * 2
    return differ(got, wanted, np.abs(got - wanted) <= tolerance, [whole])


def kernel_operands(choices: Bytes, op: str) -> tuple[list[np.ndarray], int, int]:
    """Operands of a kernel, which of them are one value, and for how many."""
    letters = OPS[op][3]
    n = choices.choice([0, 1, 2, 3, 7, 8, 9, choices.below(70), choices.below(300), 1025, 4099])
    scalars = 0 if op in FOLDS or choices.below(3) else choices.below(1 << len(letters))
    if n == 0:
        scalars = 0
    args = [
        place(choices, choices.values(letter, 1 if scalars >> i & 1 else n))
        for i, letter in enumerate(letters)
    ]
    return args, scalars, n


def try_fold(choices: Bytes, target: str, op: str) -> str | None:
    """One reduction of a block."""
    (values,), _, n = kernel_operands(choices, op)
    start = choices.values(OPS[op][2], 1)
    results = []
    for name, reproducible in ((target, False), (target, True), (TARGETS[0], True)):
        out = start.copy()
        _array.call_kernel(name, op, reproducible, as_bytes(out), (as_bytes(values),), 0, n)
        results.append(out)
    if not (same(results[0], results[1]) & same(results[0], results[2])).all():
        return f"other bits on other targets: {results}"
    return check_fold(op, start, results[0], values)


def try_kernel(choices: Bytes, target: str) -> str | None:
    """One kernel."""
    op = choices.choice(KERNELS)
    if op in FOLDS:
        return try_fold(choices, target, op)
    letters, result = OPS[op][3], OPS[op][2]
    args, scalars, n = kernel_operands(choices, op)
    reproducible = bool(choices.below(2))
    whole = [np.repeat(arg, n) if scalars >> i & 1 else arg.copy() for i, arg in enumerate(args)]
    dtype = args[0].dtype if result in "su" else np.dtype(DTYPES[result])
    room = np.full(n * dtype.itemsize + 2 * GUARD, 0xA5, "u1")
    out = room[GUARD : len(room) - GUARD].view(dtype)
    own = [i for i, letter in enumerate(letters) if letter == result and not scalars >> i & 1]
    if own and result not in "su" and choices.chance(3):
        i = choices.choice(own)
        out[:] = args[i]
        args[i] = out
    _array.call_kernel(
        target, op, reproducible, as_bytes(out), tuple(map(as_bytes, args)), scalars, n
    )
    if not ((room[:GUARD] == 0xA5).all() and (room[len(room) - GUARD :] == 0xA5).all()):
        return "wrote beyond the result"
    if n and reproducible:
        least = call(TARGETS[0], op, whole, reproducible=True)
        if not same(out, least).all():
            return "reproducible: " + str(differ(out, least, same(out, least), whole))
    if not n:
        return None
    if OPS[op][4] == 0:
        return check_exact(op, out, whole)
    return (check_complex if "c" in letters else check_bound)(op, out, whole)


# ---- programs ----


def make_program(choices: Bytes) -> Program:
    """Instructions whose operands have values, of the right types."""
    inputs = [choices.choice("dddfilcbsu") for _ in range(choices.below(4) + 1)]
    constants = [choices.choice("dfil") for _ in range(choices.below(3))]
    types, steps, result = inputs + constants, [], "d"
    values = tuple(choices.values(letter, 1)[0].item() for letter in constants)
    leaves = len(types)
    reduce = choices.choice(["", "", "", "sum", "prod", "min", "max"])
    count = choices.below(7) + (not reduce)
    for number in range(count):
        known = set(types)
        some = PLAIN if choices.below(2) else STEPS
        some = [op for op in some if set(OPS[op][3]) <= known] or [
            op for op in STEPS if set(OPS[op][3]) <= known
        ]
        op = choices.choice(some)
        src = [
            choices.choice([i for i, letter in enumerate(types) if letter == wanted])
            for wanted in OPS[op][3]
        ]
        result = OPS[op][2]
        again = [i for i in range(leaves, len(types)) if types[i] == result]
        if number == count - 1 and not reduce:
            steps.append((op, -1, *src))
        elif again and choices.below(2):
            steps.append((op, choices.choice(again), *src))
        else:
            types.append(result)
            steps.append((op, len(types) - 1, *src))
    steps = [(op, len(types) if dst < 0 else dst, *src) for op, dst, *src in steps]
    source, axis = 0, -1
    if reduce:
        allowed = "ilfd" if reduce in ("min", "max") else "ilfdc"
        possible = [i for i, letter in enumerate(types) if letter in allowed]
        if not possible:
            return Program("d", 1, (("NEG_DD", 1, 0),), "d")
        source, axis = possible[-1 - choices.below(min(3, len(possible)))], choices.below(5) - 1
        result = types[source]
    return Program("".join(types), len(inputs), tuple(steps), result, values, reduce, axis, source)


def make_shape(choices: Bytes) -> tuple[int, ...]:
    """A shape of up to five dimensions, sometimes empty, sometimes large."""
    if choices.chance(12):
        return choices.choice([(70_001,), (300, 301), (3, 40_000), (40_000, 3), (20, 30, 101)])
    shape: list[int] = []
    for _ in range(choices.below(6)):
        n = choices.choice([1, 2, 3, 5, 8, 17, choices.below(60), choices.below(1000)])
        shape.append(n if int(np.prod(shape)) * n <= 6000 else 1)
    return tuple(shape)


def lay(choices: Bytes, values: np.ndarray) -> np.ndarray:
    """The same values, oddly in memory."""
    kind = choices.choice("plain fortran strided back swapped odd axes window".split())
    shape, dtype = values.shape, values.dtype
    if kind == "swapped":
        return values.astype(dtype.newbyteorder("S"))
    if not shape or kind == "plain":
        return values
    if kind == "fortran":
        return np.asfortranarray(values)
    if kind == "axes":
        axes = list(np.argsort([choices.below(100) for _ in shape]))
        return np.ascontiguousarray(values.transpose(axes)).transpose(np.argsort(axes))
    if kind == "odd":
        view = np.empty(values.nbytes + 1, "u1")[1:].view(dtype).reshape(shape)
    elif kind == "window":  # the last of some rows are not used
        view = np.empty((*shape[:-1], shape[-1] + 3), dtype)[..., : shape[-1]]
    else:
        step = 1 + choices.below(3) if kind == "strided" else -1
        big = np.empty([n * abs(step) for n in shape], dtype)
        view = big[tuple(slice(None, None, step) for _ in shape)]
    view[...] = values
    return view


def make_operand(choices: Bytes, letter: str, shape: tuple[int, ...]) -> np.ndarray:
    """An array that broadcasts to a shape, of a dtype that is cast to the register's."""
    if choices.chance(4):
        shape = tuple(1 if choices.below(2) else n for n in shape)
    if choices.chance(5):
        shape = shape[choices.below(len(shape) + 1) :]
    target = np.dtype(DTYPES[letter])
    count = int(np.prod(shape))
    dtype = target
    if letter not in "su" and choices.chance(3):
        able = [name for name in SOURCES if np.can_cast(name, target, "same_kind")]
        dtype = np.dtype(choices.choice(able))
        near = "b" if dtype.kind == "b" else "l" if dtype.kind in "iu" else letter
        values = choices.values(near, count).astype(dtype)
    else:
        values = choices.values(letter, count)
    return lay(choices, values.reshape(shape))


def make_out(
    choices: Bytes, arrays: list[np.ndarray], letter: str, shape: tuple[int, ...]
) -> np.ndarray | None:
    """Where the result goes: nowhere, an array of its own, or one that overlaps an operand."""
    kind, dtype = choices.below(4), np.dtype(DTYPES.get(letter, "f8"))
    if kind < 2 or letter in "su":
        return None
    if kind == 2:
        able = [name for name in SOURCES if np.can_cast(dtype, name, "same_kind")]
        return lay(choices, np.zeros(shape, choices.choice(able)))
    whole = [i for i, one in enumerate(arrays) if one.shape == shape and one.dtype == dtype]
    if not whole:
        return None
    i, shift = choices.choice(whole), choices.below(20)
    count = int(np.prod(shape))
    room = np.zeros(count + shift, dtype)
    first, second = room[:count].reshape(shape), room[shift:].reshape(shape)
    if choices.below(2):
        first, second = second, first
    if choices.chance(3):
        second = second[::-1] if shape else second
    first[...] = arrays[i]
    arrays[i] = first
    return second


def current_targets() -> dict[str, str]:
    """The target that each op's kernel in use is of: a measurement may have chosen another."""
    import re

    from fullspeed import cpu

    letters = dict(zip("bilfdcsu", "?ilfdDSU", strict=True))
    info, found = cpu.opt_func_info(), {}
    for name, numpy_name, result, args, _ in OPS.values():
        function = numpy_name or STEMS[name].lower()
        entry = info[function]["".join(letters[one] for one in args + result)]
        found[name] = re.sub(r"\([^)]*\)", "", entry["current"]).strip()
    return found


def one_by_one(
    program: Program,
    arrays: list[np.ndarray],
    shape: tuple[int, ...],
    reproducible: bool,
    targets: dict[str, str] | None = None,
) -> np.ndarray:
    """What the kernels give, one after the other, each on all there is."""
    count = int(np.prod(shape))
    registers: list[np.ndarray | None] = [None] * (len(program.types) + 1)
    for i, letter in enumerate(program.types[: program.inputs + len(program.constants)]):
        if i < program.inputs:
            dtype = arrays[i].dtype.newbyteorder("=") if letter in "su" else DTYPES[letter]
            one = np.broadcast_to(arrays[i].astype(dtype), shape)
        else:
            one = np.full(shape, program.constants[i - program.inputs], DTYPES[letter])
        registers[i] = np.ascontiguousarray(one).ravel()
    for op, dst, *src in program.instrs:
        target = TARGETS[0] if reproducible else (targets or {}).get(op, TARGETS[-1])
        args = [registers[i] for i in src]
        registers[dst] = (
            call(target, op, args, reproducible=reproducible)
            if count
            else np.zeros(0, DTYPES[OPS[op][2]])
        )
    return registers[program.source if program.reduce else -1].reshape(shape)


def check_reduction(
    reduce: str, axis: int | None, values: np.ndarray, got: np.ndarray
) -> str | None:
    """NumPy's result along the axis, or one as near as the order of the additions lets it be."""
    name = {"sum": "add", "prod": "multiply", "min": "minimum", "max": "maximum"}[reduce]
    ufunc = getattr(np, name)
    if values.dtype.kind in "bi" or reduce in ("min", "max"):
        wanted = np.asarray(ufunc.reduce(values, axis=axis, dtype=values.dtype))
        right = same(got.ravel() + 0, wanted.ravel() + 0)
        return differ(got.ravel(), wanted.ravel(), right, [])
    wide = values.astype("G" if values.dtype.kind == "c" else "g")
    sizes, eps = np.abs(wide), np.finfo(values.dtype).eps
    wanted = np.asarray(ufunc.reduce(wide, axis=axis))
    count = values.size // max(1, wanted.size) + 8
    if reduce == "sum":
        most = sizes.sum(axis=axis)
        error = most * eps * count
    else:
        most = np.multiply.reduce(np.maximum(sizes, 1), axis=axis)
        least = np.multiply.reduce(np.minimum(sizes, 1), axis=axis)
        error = np.where(least > 1e-30, np.abs(wanted) * eps * count * 4, np.inf)
    fine = most < np.finfo(values.dtype).max / 4  # else one order overflows, another does not
    near = np.abs(got - wanted) <= error
    return differ(got.ravel(), wanted.ravel(), (near | ~np.asarray(fine)).ravel(), [])


def callers(function: Callable[[], np.ndarray], count: int) -> list[Any]:
    """The results of some threads that call at the same time."""
    results: list[Any] = [None] * count

    def work(i: int) -> None:
        try:
            results[i] = function()
        except Exception as error:
            results[i] = error

    threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def try_program(choices: Bytes) -> str | None:
    """One program."""
    program = make_program(choices)
    shape = make_shape(choices)
    arrays = [make_operand(choices, letter, shape) for letter in program.types[: program.inputs]]
    if program.inputs > 1 and choices.chance(4) and program.types[0] == program.types[1]:
        arrays[1] = arrays[0]
    shape = np.broadcast_shapes(*[array.shape for array in arrays])
    reproducible, order = bool(choices.below(2)), choices.choice("KKACF")
    wanted = one_by_one(program, arrays, shape, reproducible)
    smaller = shape
    if program.reduce:
        if program.axis >= len(shape):
            return expect(program, arrays, "out of bounds")
        smaller = () if program.axis < 0 else tuple(np.delete(shape, program.axis))
        lost = wanted.size == 0 and int(np.prod(smaller)) != 0
        if lost and program.reduce in ("min", "max"):
            return expect(program, arrays, "zero-size")
    out = make_out(choices, arrays, program.result, smaller)
    options = {"order": order, "casting": "same_kind", "reproducible": reproducible}
    _array.set_num_threads(1 + choices.below(5))
    if out is None and choices.chance(8):
        results = callers(lambda: program(*arrays, **options), 3)
        odd = [one for one in results if isinstance(one, Exception)]
        if odd:
            raise odd[0]
        if any(one.tobytes() != results[0].tobytes() for one in results):
            return "several callers at once: other bits"
    result = program(*arrays, out=out, **options)
    if out is not None and result is not out:
        return "the result is not out"
    if result.shape != smaller:
        return f"a result of shape {result.shape}, not {smaller}"
    if program.reduce:
        return check_reduced(program, arrays, wanted, result, out, options, choices)
    if out is None and (order in "CF" and not result.flags[f"{order}_CONTIGUOUS"]):
        return f"not in order {order}"

    def problem(wanted: np.ndarray) -> str | None:
        cast = wanted.astype(result.dtype)
        right = same(result.ravel(), cast.ravel())
        return differ(result.ravel(), cast.ravel(), right, [])

    found = problem(wanted)
    if found and out is None and not reproducible:
        # The kernels in use may be those of other targets, where a measurement says so.
        found = problem(one_by_one(program, arrays, shape, False, current_targets()))
    return found


def check_reduced(
    program: Program,
    arrays: list[np.ndarray],
    wanted: np.ndarray,
    result: np.ndarray,
    out: np.ndarray | None,
    options: dict[str, Any],
    choices: Bytes,
) -> str | None:
    """A reduction: near NumPy's, and the same bits with another number of threads."""
    if out is not None and result.dtype != wanted.dtype:
        return None  # cast to something else: its error is that of the cast
    if out is None and options["reproducible"]:
        _array.set_num_threads(1 + choices.below(5))
        if program(*arrays, **options).tobytes() != result.tobytes():
            return "other bits with another number of threads"
    axis = None if program.axis < 0 else program.axis
    return check_reduction(program.reduce, axis, wanted, result)


def expect(program: Program, arrays: list[np.ndarray], words: str) -> str | None:
    """A ValueError that says so."""
    try:
        program(*arrays, casting="same_kind")
    except ValueError as error:
        return None if words in str(error) else f"a ValueError that says {error}"
    return f"no ValueError ({words})"


# ---- calls ----


def outcome(text: str, values: dict[str, np.ndarray], **options: Any) -> Any:
    """What evaluate() gives, or the class of its exception."""
    try:
        return fullspeed.evaluate(text, values, {}, **options)
    except (NotImplementedError, TypeError, ValueError) as error:
        return type(error)


def try_call(choices: Bytes) -> str | None:
    """One function, with something around it."""
    name, operation, count = choices.choice(_array.functions())
    shape, letters = make_shape(choices), "abc"[:count]
    values = {
        letter: make_operand(choices, choices.choice("bilfdcsu"), shape) for letter in letters
    }
    text = f"{name}({', '.join(letters)})"
    inner, axis = "", 3
    if operation in REDUCTIONS:
        axis = choices.below(4)
        inner = choices.choice(["a", "2*a", "-a", "a*a"])
        text = f"{name}({inner}{f', axis={axis}' * (axis < 3)})"
    else:
        text = choices.choice(["{}", "-{}", "2*{}", "1.5 + {}", "{0}*{0}", "abs({})"]).format(text)
    options = {
        "reproducible": operation in REDUCTIONS or bool(choices.below(2)),
        "optimization": choices.choice(["aggressive", "moderate", "none"]),
    }
    shape = np.broadcast_shapes(*[one.shape for one in values.values()])
    plain = {
        letter: np.array(np.broadcast_to(one, shape), one.dtype.newbyteorder("="), order="C")
        for letter, one in values.items()
    }
    _array.set_num_threads(1 + choices.below(5))
    wanted = outcome(text, plain, **options)
    _array.set_num_threads(1 + choices.below(5))
    got = outcome(text, values, **options)
    if isinstance(wanted, type) or isinstance(got, type):
        return None if wanted is got else f"{text}: {got}, for copies {wanted}"
    if got.dtype != wanted.dtype or got.shape != wanted.shape:
        return f"{text}: {got.dtype} {got.shape}, for copies {wanted.dtype} {wanted.shape}"
    if operation in REDUCTIONS and got.dtype.kind in "fc":
        items = outcome(inner, plain, **options).astype(got.dtype)
        found = check_reduction(name, axis if axis < 3 else None, items, got)
    else:
        got, wanted = got.ravel(), wanted.ravel()
        found = differ(got, wanted, same(got, wanted), [])
    return found and f"{text}, {[one.dtype for one in values.values()]}: {found}"


# ---- children ----


def try_input(data: bytes) -> str | None:
    """What is wrong with an input; the process has its target as the best one."""
    choices = Bytes(data)
    choices.below(256)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        kind = choices.below(5)
        if kind == 4:
            return try_call(choices)
        return try_program(choices) if kind < 2 else try_kernel(choices, TARGETS[-1])


def data_of(number: str) -> bytes:
    """The input of a number, seed/n."""
    return random.Random(number).randbytes(SIZE)


def work(options: argparse.Namespace) -> int:
    """The child of one target."""
    child, every = Child("fuzz_kernels", f"inputs on {TARGETS[-1]}", options.child), options.targets

    def one(number: str, data: bytes) -> None:
        if (data[:1] or b"\0")[0] % every == len(TARGETS) - 1:
            child.attempt(number, TARGETS[-1], lambda: try_input(data))

    if options.file:
        one(str(options.file), options.file.read_bytes())
    elif options.repeat:
        one(options.repeat, data_of(options.repeat))
    else:
        child.loop(options.seconds, options.seed, lambda number, _: one(number, data_of(number)))
    return child.end()


def main() -> int:
    """One child after the other, each with one target less."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--repeat", metavar="SEED/N", help="try one input again")
    parser.add_argument("--file", type=Path, help="try the input in a file")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--targets", type=int, default=len(TARGETS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return work(options)
    every, failed, tried = len(TARGETS), 0, 0
    mine = range(every)
    if options.repeat or options.file:
        data = options.file.read_bytes() if options.file else data_of(options.repeat)
        mine = [(data[:1] or b"\0")[0] % every]
    arguments = ["--seconds", str(options.seconds / every), "--seed", str(options.seed)]
    arguments += ["--targets", str(every)]
    arguments += ["--repeat", options.repeat] if options.repeat else []
    arguments += ["--file", str(options.file)] if options.file else []
    for i in mine:
        off = (
            {"FULLSPEED_DISABLE_CPU_FEATURES": " ".join(TARGETS[i + 1 :])} if i + 1 < every else {}
        )
        code, count = watch(__file__, arguments, options.seconds / every, **off)
        failed, tried = failed | code, tried + count
    print(f"fuzz_kernels: {tried} inputs tried on {len(mine)} targets")
    return failed


if __name__ == "__main__":
    sys.exit(main())
