"""Empty arenas stay mapped for a while: what a program makes and drops again and again does not
come from the kernel each time."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from unit_child import ask_child

CODE = """
import resource
def many():
    return len([[k] for k in range(100000)])
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    many()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
def least():
    return min(faults() for _ in range(6))
"""


@pytest.mark.parametrize("jit", ["0", "1"])
def test_memory_of_small_objects_is_used_again(jit: str) -> None:
    code = CODE + "plain = least()\nfor _ in range(2): fullspeed.enable()\nanswer([plain, least()])"
    plain, kept = ask_child(code, env={"FULLSPEED_JIT": jit})
    assert plain > 1500  # (else this says nothing)
    assert kept < plain / 3


def test_no_more_memory_than_some_arenas_is_kept() -> None:
    code = CODE + """
def mapped():
    return int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
fullspeed.enable()
many()
before = mapped()
big = [[k] for k in range(2000000)]
with_big = mapped()
del big
answer([with_big - before, mapped() - before])
"""
    most, after = ask_child(code)
    assert most > 150 << 20
    assert after < 60 << 20


def test_other_allocators_and_forks() -> None:
    """The hooks of PYTHONMALLOC leave it alone; a forked child goes on."""
    code = """
import os
fullspeed.enable()
for _ in range(3):
    rows = [[k] for k in range(200000)]
    del rows
child = os.fork()
if child == 0:
    rows = [[k] for k in range(200000)]
    del rows
    os._exit(7)
answer(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    for allocator in ("", "pymalloc_debug", "malloc"):
        assert ask_child(code, env={"PYTHONMALLOC": allocator}) == 7
