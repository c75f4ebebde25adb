"""Every program of the corpus does the same under stock and under the engine.

How it works: one test per program and per Python; FULLSPEED_DIFF_PYTHONS (paths, separated by
colons) adds Pythons with other builds of the engine installed, for example the computed-goto one.

What must stay true: the corpus contains every opcode that CPython 3.11 can run
(test_corpus_has_every_opcode), and no program leaves our loop but for tracing.
"""

from __future__ import annotations

import ast
import dis
import os
import sys
import types
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from diff_harness import Outcome, forbidden_handovers, run_side

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.py"))
EXTRA_PYTHONS = os.environ.get("FULLSPEED_DIFF_PYTHONS", "")
PYTHONS = [sys.executable, *filter(None, EXTRA_PYTHONS.split(":"))]
# Programs that a mode has no sense for, with the reason.
ODD_LINES = "an empty line table, read out of bounds by stock's own tracing"
NOT_STRESSED = {
    ("handmade_code", "trace"): ODD_LINES,
    ("handmade_code", "profile"): ODD_LINES,
    (
        "runtime_tools",
        "switch",
    ): "a sub-interpreter and a spinning thread starve each other: minutes",
}
# How traces are run, and from how many turns and exits on they are made.
JIT_MODES = {
    "ir": {"FULLSPEED_JIT": "ir", "FULLSPEED_JIT_THRESHOLDS": "loop=1,exit=1"},
    "code": {"FULLSPEED_JIT": "1", "FULLSPEED_JIT_THRESHOLDS": "loop=2,exit=2"},
    # Traces are evicted all the time.
    "little": {
        "FULLSPEED_JIT": "1",
        "FULLSPEED_JIT_THRESHOLDS": "loop=2,entry=2,exit=2",
        "FULLSPEED_JIT_MEMORY": "256K",
    },
}
# dis does not list it, and nothing executes it.
NOT_COMPILED = {"CACHE"}


@cache
def stock_outcome(program: Path) -> Outcome:
    """Run `program` under stock, once per session."""
    return run_side(sys.executable, "stock", program)


@pytest.mark.parametrize("python", PYTHONS, ids=[f"python{i}" for i in range(len(PYTHONS))])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.stem)
def test_same_as_stock(program: Path, python: str, engine: bool, tmp_path: Path) -> None:
    """Output, errors and exit code are those of stock, and nothing was handed over."""
    stats = tmp_path / "stats.json" if engine else None
    got = run_side(python, "engine" if engine else "stock", program, stats)
    difference = stock_outcome(program).differs(got)
    assert not difference, difference
    if stats is not None:
        # Only hand-made bytecode that breaks the compiler's promises may be left to stock.
        odd = frozenset({"odd_code"} if program.stem == "handmade_code" else ())
        assert not forbidden_handovers(stats, odd)


@pytest.mark.parametrize("mode", ["gc", "trace", "profile", "switch"])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.stem)
def test_same_as_stock_under_stress(program: Path, mode: str, engine: bool) -> None:
    """The same holds with collections everywhere, with hooks set, with a thread that competes."""
    if (reason := NOT_STRESSED.get((program.stem, mode))) is not None:
        pytest.skip(reason)
    stock = run_side(sys.executable, "stock", program, mode=mode)
    got = run_side(sys.executable, "engine" if engine else "stock", program, mode=mode)
    difference = stock.differs(got)
    assert not difference, difference


@pytest.mark.parametrize("jit", JIT_MODES)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.stem)
def test_same_as_stock_in_traces(program: Path, jit: str, engine: bool) -> None:
    """The same holds when next to everything that loops is traced, interpreted or compiled."""
    if not engine:
        pytest.skip("traces are the engine's")
    got = run_side(sys.executable, "engine", program, more=JIT_MODES[jit])
    difference = stock_outcome(program).differs(got)
    assert not difference, difference


def walk_code(code: types.CodeType) -> Iterator[types.CodeType]:
    """Yield `code` and all code objects inside it."""
    yield code
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from walk_code(const)


def compiled(program: Path) -> Iterator[types.CodeType]:
    """Yield all code of a program, its SINGLE text compiled as at the prompt included."""
    tree = ast.parse(program.read_text())
    yield from walk_code(compile(tree, str(program), "exec"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SINGLE":
            for line in ast.literal_eval(node.value).strip().splitlines():
                yield from walk_code(compile(line, str(program), "single"))


def test_corpus_has_every_opcode() -> None:
    """The compiled corpus holds every opcode of this Python."""
    seen = {
        instruction.opname
        for program in PROGRAMS
        for code in compiled(program)
        for instruction in dis.get_instructions(code)
    }
    missing = set(dis.opmap) - seen - NOT_COMPILED
    assert not missing, f"no program of the corpus compiles to {sorted(missing)}"


def test_corpus_has_every_operator() -> None:
    """Every BINARY_OP, COMPARE_OP, call shape bit and FORMAT_VALUE argument occurs."""
    wanted = {("BINARY_OP", n) for n in range(26)} | {("COMPARE_OP", n) for n in range(6)}
    wanted |= {("IS_OP", 0), ("IS_OP", 1), ("CONTAINS_OP", 0), ("CONTAINS_OP", 1)}
    wanted |= {
        ("CALL_FUNCTION_EX", 0),
        ("CALL_FUNCTION_EX", 1),
        ("BUILD_SLICE", 2),
        ("BUILD_SLICE", 3),
        ("RAISE_VARARGS", 0),
        ("RAISE_VARARGS", 1),
        ("RAISE_VARARGS", 2),
    }
    wanted |= {("MAKE_FUNCTION", n) for n in (0, 1, 2, 3, 4, 8, 9, 10)}
    wanted |= {("FORMAT_VALUE", n) for n in range(8)}
    seen = {
        (instruction.opname, instruction.arg)
        for program in PROGRAMS
        for code in compiled(program)
        for instruction in dis.get_instructions(code)
    }
    assert not wanted - seen, sorted(wanted - seen)
