"""What the verifier takes and what it leaves to CPython: compiled code, and code changed by hand.

The changed functions are findings of tests/fuzz/fuzz_bytecode.py that crashed the engine once.
"""

import dis
import glob
import marshal
import subprocess
import sys
import sysconfig
import types
import warnings
from collections.abc import Iterator
from pathlib import Path

import fullspeed._engine as engine
import pytest


def walk(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from walk(const)


def test_all_code_of_the_standard_library_is_ours() -> None:
    refused, seen = [], 0
    for path in glob.glob(f"{sysconfig.get_path('stdlib')}/**/*.py", recursive=True):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                module = compile(Path(path).read_bytes(), path, "exec")
        except (SyntaxError, ValueError):  # data of lib2to3's tests
            continue
        for code in walk(module):
            seen += 1
            if not engine.is_translatable(code):
                refused.append(code)
    assert seen > 20_000 and not refused


def calls(x):
    try:
        return str(x[0], *[]) + max(x, 2, key=id)
    except (ZeroDivisionError, TypeError) as error:
        return str(error)


def generates(n):
    for i in range(n):
        got = yield i
        if got:
            return got


def changed(function, old: str, new: tuple[str, int], which: int = 0) -> types.CodeType:
    """The function's code with the which-th op of a name replaced."""
    raw = bytearray(function.__code__.co_code)
    at = [i.offset for i in dis.get_instructions(function) if i.opname == old][which]
    raw[at : at + 2] = bytes([dis.opmap[new[0]], new[1]])
    return function.__code__.replace(co_code=bytes(raw))


REFUSED = {
    "CALL with another argument": changed(calls, "CALL", ("CALL", 1)),
    "CALL without PRECALL": changed(calls, "PRECALL", ("NOP", 0)),
    "PRECALL without CALL": changed(calls, "CALL", ("POP_TOP", 0)),
    "KW_NAMES without PRECALL": changed(calls, "PRECALL", ("NOP", 0), 0),
    "KW_NAMES of no names": changed(calls, "KW_NAMES", ("KW_NAMES", 0)),
    "generator that is not made": changed(generates, "RETURN_GENERATOR", ("LOAD_CONST", 0)),
    "generator made twice": changed(generates, "POP_TOP", ("RETURN_GENERATOR", 0)),
    "yield in a function": generates.__code__.replace(
        co_flags=generates.__code__.co_flags & ~0x20
    ),
    "generator without a yield": calls.__code__.replace(co_flags=calls.__code__.co_flags | 0x20),
}


@pytest.mark.parametrize("name", REFUSED)
def test_left_to_cpython(name: str) -> None:
    assert not engine.is_translatable(REFUSED[name])


CHILD = """
import dis, sys, types
import fullspeed, fullspeed._engine as engine
def handler(x):
    try:
        return x[0] / x[1]
    except (ZeroDivisionError, TypeError) as error:
        return str(error)
    finally:
        x = None
raw = bytearray(handler.__code__.co_code)
(at,) = [i.offset for i in dis.get_instructions(handler) if i.opname == "CHECK_EXC_MATCH"]
raw[at] = dis.opmap["LOAD_CONST"]  # the depth is right, but POP_EXCEPT finds a tuple
code = handler.__code__.replace(co_code=bytes(raw), co_stacksize=20)
mutant = types.FunctionType(code, globals())
assert engine.is_translatable(code)
if sys.argv[1] == "engine":
    fullspeed.enable()
try:
    mutant(5)
except:  # what is raised is no exception
    sys.stdout.write("raised")
if sys.argv[1] == "engine":
    sys.stderr.write(str("odd_code" in engine.stats()["handovers"]))
sys.stdout.flush()
sys.stderr.flush()
import os
os._exit(0)  # the odd exception would be printed at the end
"""


def test_values_that_no_compiler_leaves() -> None:
    results = [
        subprocess.run([sys.executable, "-c", CHILD, side], capture_output=True, text=True)
        for side in ("stock", "engine")
    ]
    stock, ours = results
    assert stock.returncode == 0
    assert (ours.stdout, ours.returncode, ours.stderr) == (stock.stdout, 0, "True")


def test_cache_as_an_op_is_an_error_where_it_is_reached() -> None:
    # Stock has no answer to it: what happens is up to the C compiler.
    reached = changed(calls, "LOAD_GLOBAL", ("CACHE", 0))
    padded = calls.__code__.replace(co_code=calls.__code__.co_code + bytes(6))
    assert engine.is_translatable(padded)
    assert not engine.is_translatable(reached)  # its stack does not fit
    raw = calls.__code__.co_code
    code = calls.__code__.replace(co_code=raw[:2] + bytes(2) + raw[2:], co_exceptiontable=b"")
    assert engine.is_translatable(code)
    script = (
        "import fullspeed, marshal, sys, types; fullspeed.enable()\n"
        "f = types.FunctionType(marshal.loads(sys.stdin.buffer.read()), {})\n"
        "try: f(1)\nexcept SystemError as error: print(error)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], input=marshal.dumps(code), capture_output=True
    )
    assert (result.returncode, result.stderr) == (0, b"") and result.stdout == b"unknown opcode\n"


OUTSIDE = """
import dis, sys, types
import fullspeed
def function(a, b=2):
    return [a, b]
def made(pairs, size):
    raw = b"".join(bytes([dis.opmap[name], arg]) for name, arg in pairs)
    return types.FunctionType(function.__code__.replace(co_code=raw, co_stacksize=size), {})
fullspeed.enable()
for f in (
    made([("RESUME", 0), *[("LOAD_FAST", 0)] * 9, ("BUILD_LIST", 9), ("RETURN_VALUE", 0)], 3),
    made([("RESUME", 0), ("LOAD_FAST", 0), ("BUILD_LIST", 2), ("RETURN_VALUE", 0)], 3),
    made([("RESUME", 0), ("LOAD_FAST", 0), ("BINARY_OP", 0), ("CACHE", 0), ("RETURN_VALUE", 0)], 3),
    made([("RESUME", 0), ("POP_TOP", 0), ("LOAD_FAST", 0), ("RETURN_VALUE", 0)], 3),
    made([("RESUME", 0), ("LOAD_FAST", 0), ("COPY", 0), ("RETURN_VALUE", 0)], 3),
):
    try:
        print(f(1, 2))
    except SystemError as error:
        print(str(error).rpartition(">: ")[2])
"""


def test_code_that_leaves_its_stack_is_an_error() -> None:
    result = subprocess.run([sys.executable, "-c", OUTSIDE], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "it leaves its locals or its stack\n" * 5
