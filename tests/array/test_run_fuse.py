"""Loops of several operations give what the kernels give, bit for bit, on each target."""

from __future__ import annotations

import os
import random
import sys

import numpy as np
import pytest
from run_tools import DTYPES, Program, child

REAL = "ADD2 SUB2 MUL2 DIV2 NEG1 ABSOLUTE1 SQRT1 MULADD3 MULSUB3 SUBMUL3 CEIL1".split()
REAL += ["MAXIMUM2", "MINIMUM2"]
OPS = {
    "d": REAL,
    "f": REAL,
    "l": "ADD2 SUB2 MUL2 AND2 OR2 XOR2 ABSOLUTE1".split(),
    "i": "ADD2 SUB2 MUL2 AND2 OR2 XOR2 SIGN1".split(),
}


def random_program(pick: random.Random, letter: str) -> Program:
    """Instructions in any order on few temporaries, so that they are written again and again."""
    inputs, constants, temporaries = pick.randrange(1, 8), pick.randrange(4), pick.randrange(1, 6)
    base = inputs + constants
    written = list(range(base))
    instrs = []
    for left in reversed(range(pick.choice([1, 2, 3, 5, 10, 40, 60]))):
        op = pick.choice(OPS[letter])
        source = [pick.choice(written) for _ in range(int(op[-1]))]
        if left == 0:
            source[0] = pick.choice([w for w in written if w >= base] or [0])
        target = base + (pick.randrange(temporaries) if left else temporaries)
        instrs.append((f"{op[:-1]}_{letter.upper() * (len(source) + 1)}", target, *source))
        if target not in written:
            written.append(target)
    values = tuple(DTYPES[letter](pick.uniform(-5, 5)).item() for _ in range(constants))
    program = Program(letter * (base + temporaries), inputs, tuple(instrs), letter, values)
    if pick.random() < 0.25:
        program.reduce = pick.choice(["sum", "max", "min", "prod"])
        program.axis = pick.choice([-1, 0])
        program.source = base
        program.instrs = (*instrs[:-1], (instrs[-1][0], base, *instrs[-1][2:]))
    return program


def random_inputs(
    pick: random.Random, rng: np.random.Generator, letter: str, number: int
) -> list[np.ndarray]:
    """Long enough that loops are made; single items, rows and columns among them."""
    shape: tuple[int, ...] = (pick.choice([2048, 2049, 2055, 3001, 5000, 20_000]),)
    if pick.random() < 0.4:
        shape = (pick.choice([20, 50]), pick.choice([130, 200, 513, 1000]))
    arrays = []
    for k in range(number):
        one = shape
        if k and pick.random() < 0.5:
            one = tuple(pick.choice([1, n]) for n in shape)
        array = (rng.normal(size=one) * 100).astype(DTYPES[letter])
        arrays.append(np.repeat(array, 2, -1)[..., ::2] if pick.random() < 0.1 else array)
    return arrays


def compare(first: int, last: int) -> None:
    """Run programs with loops and without."""
    for seed in range(first, last):
        pick, rng = random.Random(seed), np.random.default_rng(seed)
        letter = pick.choice("ddfil")
        program = random_program(pick, letter)
        inputs = random_inputs(pick, rng, letter, program.inputs)
        if program.reduce and inputs[0].ndim == 2:
            program.axis = pick.choice([-1, 0, 1])
        results = []
        for fuse in "01":
            os.environ["FULLSPEED_ARRAY_FUSE"] = fuse
            results.append(program(*inputs))
        plain, fused = results
        same = (plain == fused) | ((plain != plain) & (fused != fused))
        zeros = np.signbit(plain) == np.signbit(fused) if letter in "df" else True
        assert np.all(same) and np.all(zeros | (plain != plain)), (seed, program)


@pytest.mark.parametrize("target", ["best", "AVX2"])
def test_random_programs(target: str) -> None:
    off = {"best": "", "AVX2": "X86_V4"}[target]
    code = "import test_run_fuse; test_run_fuse.compare(0, 1500)"
    child(code, FULLSPEED_DISABLE_CPU_FEATURES=off)


def test_every_tail() -> None:
    program = Program(
        "dddd", 2, (("MUL_DDD", 3, 0, 1), ("NEG_DD", 2, 3), ("SUB_DDD", 4, 2, 1)), "d"
    )
    room = np.zeros(2300)
    for n in range(2048, 2100):
        a, b = np.linspace(-1, 1, n), np.linspace(2, 5, n)
        room[...] = 7
        program(a, b, out=room[50 : 50 + n])
        np.testing.assert_array_equal(room[50 : 50 + n], -(a * b) - b)
        assert (room[:50] == 7).all() and (room[50 + n :] == 7).all()


@pytest.mark.parametrize("letter", "df")
def test_signs_in_one_loop(letter: str) -> None:
    """Turned and left out, of zeros, infinities and numbers."""
    kinds = letter.upper() * 3
    program = Program(
        letter * 4,
        2,
        (
            (f"NEG_{kinds[:2]}", 2, 0),
            (f"ABSOLUTE_{kinds[:2]}", 3, 1),
            (f"MUL_{kinds}", 4, 2, 3),
        ),
        letter,
    )
    values = np.array([0.0, -0.0, 1.5, -2.5, np.inf, -np.inf, 1e-40], DTYPES[letter])
    a, b = np.resize(values, 2100), np.repeat(values, 300)
    with np.errstate(invalid="ignore"):
        got, expected = program(a, b), -a * np.abs(b)
    np.testing.assert_array_equal(got, expected)
    number = expected == expected
    assert (np.signbit(got) == np.signbit(expected))[number].all()


@pytest.mark.parametrize("letter", "df")
def test_results_that_go_past_the_caches(letter: str) -> None:
    """Large outputs at any address, alone and behind vector math in short blocks."""
    items = (17 << 20) // np.dtype(DTYPES[letter]).itemsize + 3
    rng = np.random.default_rng(0)
    a, b, c = (rng.random(items).astype(DTYPES[letter]) for _ in range(3))
    kinds = letter.upper() * 4
    simple = Program(letter * 3, 3, ((f"MULADD_{kinds}", 3, 0, 1, 2),), letter)
    slow = Program(
        letter * 4,
        3,
        ((f"EXP_{kinds[:2]}", 3, 0), (f"MULADD_{kinds}", 4, 3, 1, 2)),
        letter,
    )
    rooms = [np.full(items + 100, 7, DTYPES[letter]) for _ in range(2)]
    plain = slow(a, b, c, out=rooms[1][50 : 50 + items]).copy()
    np.testing.assert_allclose(plain, np.exp(a) * b + c, rtol=1e-5)
    for offset in (0, 1, 2, 3, 5, 8, 9, 15, 17):
        for program, expected in ((simple, a * b + c), (slow, plain)):
            room = rooms[0]
            room[...] = 7
            program(a, b, c, out=room[offset : offset + items])
            np.testing.assert_array_equal(room[offset : offset + items], expected)
            assert (room[:offset] == 7).all() and (room[offset + items :] == 7).all()


def test_many_expressions_at_once() -> None:
    """More than are kept, while others run."""
    a = np.linspace(0, 1, 4096)
    for round in range(2):
        for k in range(600):
            instrs = [("ADD_DDD", 4, 0, 1 + k % 3), ("MUL_DDD", 4, 4, 1)]
            instrs += [
                ("SUB_DDD", 4, 4, 2) if k >> bit & 1 else ("ADD_DDD", 4, 4, 3) for bit in range(10)
            ]
            instrs += [("ADD_DDD", 5, 4, 0)]
            program = Program("d" * 5, 1, tuple(instrs), "d", (1.0, 2.0, 3.0))
            expected = (a + [1.0, 2.0, 3.0][k % 3]) * 1.0
            for bit in range(10):
                expected = expected - 2.0 if k >> bit & 1 else expected + 3.0
            np.testing.assert_array_equal(program(a), expected + a)


if __name__ == "__main__":
    compare(int(sys.argv[1]), int(sys.argv[2]))
