"""The evaluator slot is shared politely: a holder is named, a later holder is left in peace."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from unit_child import ask_child

FOREIGN = r"""
#include <Python.h>
#include <internal/pycore_frame.h>
static long seen;
static long named;
PyObject *foreign_evaluator(PyThreadState *ts, struct _PyInterpreterFrame *frame, int flag)
{
    seen++;
    if (PyUnicode_CompareWithASCIIString(frame->f_code->co_name, "watched") == 0) {
        named++;
    }
    return _PyEval_EvalFrameDefault(ts, frame, flag);
}
void foreign_install(void)
{
    _PyInterpreterState_SetEvalFrameFunc(PyInterpreterState_Get(), foreign_evaluator);
}
void foreign_remove(void)
{
    _PyInterpreterState_SetEvalFrameFunc(PyInterpreterState_Get(), _PyEval_EvalFrameDefault);
}
int foreign_holds(void)
{
    return _PyInterpreterState_GetEvalFrameFunc(PyInterpreterState_Get()) == foreign_evaluator;
}
long foreign_seen(void) { return seen; }
long foreign_named(void) { return named; }
"""
LOAD = """
import ctypes
foreign = ctypes.PyDLL({path!r})
foreign.foreign_seen.restype = foreign.foreign_named.restype = ctypes.c_long
"""


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build a small library that installs another evaluator; return the code that loads it."""
    folder = tmp_path_factory.mktemp("foreign")
    source, library = folder / "foreign.c", folder / "libforeign.so"
    source.write_text(FOREIGN)
    subprocess.run(
        [
            "cc",
            "-shared",
            "-fPIC",
            "-O1",
            "-DPy_BUILD_CORE",
            "-DNDEBUG",
            f"-I{sysconfig.get_path('include')}",
            str(source),
            "-o",
            str(library),
        ],
        check=True,
    )
    return LOAD.format(path=str(library))


def test_enable_names_the_holder(foreign: str) -> None:
    code = (
        foreign
        + """
foreign.foreign_install()
try:
    fullspeed.enable()
    text = "no error"
except RuntimeError as error:
    text = str(error)
answer([text, bool(foreign.foreign_holds()), fullspeed.is_enabled()])
"""
    )
    text, holds, enabled = ask_child(code)
    assert "foreign_evaluator" in text
    assert "libforeign.so" in text
    assert holds
    assert not enabled


def test_enable_works_after_the_holder_left(foreign: str) -> None:
    code = (
        foreign
        + """
foreign.foreign_install()
try:
    fullspeed.enable()
except RuntimeError:
    pass
foreign.foreign_remove()
fullspeed.enable()
answer(fullspeed.is_enabled())
"""
    )
    assert ask_child(code) is True


def test_later_holder_sees_every_frame(foreign: str) -> None:
    code = (
        foreign
        + """
def watched(x):
    return x + 1
def run(n):
    total = 0
    for i in range(n):
        if i == 500:
            foreign.foreign_install()
        total = watched(total)
    return total
fullspeed.enable()
run(400)
total = run(1000)
answer([total, foreign.foreign_named(), fullspeed.is_enabled(), bool(foreign.foreign_holds())])
"""
    )
    total, named, enabled, holds = ask_child(code)
    assert total == 1000
    assert named >= 499, "calls after the take-over never reached the new holder"
    assert not enabled
    assert holds


def test_disable_leaves_a_later_holder_alone(foreign: str) -> None:
    code = (
        foreign
        + """
fullspeed.enable()
foreign.foreign_install()
fullspeed.disable()
with fullspeed.pause():
    pass
def watched():
    return 1
before = foreign.foreign_named()
list(map(lambda x: watched(), range(10)))
answer([bool(foreign.foreign_holds()), foreign.foreign_named() > before])
"""
    )
    assert ask_child(code) == [True, True]


def test_take_over_deep_in_calls_and_generators(foreign: str) -> None:
    code = (
        foreign
        + """
def deep(n):
    if n == 0:
        foreign.foreign_install()
        return 0
    return deep(n - 1) + 1
def gen(n):
    for i in range(n):
        if i == 50:
            foreign.foreign_install()
        yield i
def catching(n):
    try:
        deep(n)
        raise ValueError(n)
    except ValueError as error:
        return error.args[0]
results = []
for function in (lambda: deep(100), lambda: sum(gen(100)), lambda: catching(60)):
    fullspeed.enable()
    results.append(function())
    foreign.foreign_remove()
answer(results)
"""
    )
    assert ask_child(code) == [100, 4950, 60]
