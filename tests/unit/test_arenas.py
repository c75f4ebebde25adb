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


def test_memory_of_long_lists_is_used_again() -> None:
    """Three lists of 800 kB that are made and dropped together come without new pages."""
    code = """
import resource
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def lists():
    first = [None] * 100000
    second = first[:]
    return len(second[:])
fullspeed.enable()
lists(), lists()
before = faults()
for _ in range(5):
    lists()
answer(faults() - before)
"""
    assert ask_child(code) < 300


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


HUGE = """
import os, resource
def huge():
    lines = open("/proc/self/smaps_rollup").read().split("\\n")
    return next(int(line.split()[1]) >> 10 for line in lines if line.startswith("AnonHugePages"))
def build(n):
    return [[k] for k in range(n)]
"""
KERNEL = Path("/sys/kernel/mm/transparent_hugepage/enabled")
HAS_HUGE = KERNEL.exists() and "[never]" not in KERNEL.read_text()


@pytest.mark.skipif(not HAS_HUGE, reason="the kernel makes no huge pages for programs that ask")
def test_a_larger_heap_is_on_huge_pages() -> None:
    code = HUGE + """
fullspeed.enable()
build(10000)
small = huge()
big = build(1000000)
answer([small, huge()])
"""
    small, big = ask_child(code)
    assert small <= 2
    assert big >= 30
    assert ask_child(code, env={"FULLSPEED_HUGE_PAGES": "0"})[1] <= 2


def test_address_space_that_is_limited() -> None:
    """No more room for pairs: arenas come from CPython as they did; then there is none at all."""
    code = HUGE + """
fullspeed.enable()
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + (60 << 20), -1))
rows, failed = [], 0
try:
    while True:
        rows.append(build(1000))
except MemoryError:
    failed = len(rows)
    rows.clear()
resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
answer([failed, len(build(100000))])
"""
    failed, after = ask_child(code)
    stock = ask_child(code.replace("fullspeed.enable()", ""))[0]
    assert failed > stock * 0.6
    assert after == 100000


def test_pairs_come_and_go() -> None:
    """Arenas that stay in use here and there, chunks that go, a child that goes on with them."""
    code = HUGE + """
fullspeed.enable()
def mapped():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() >> 20
sums = []
for turn in range(4):
    rows = [build(20000) for _ in range(60)]
    most = mapped()
    kept = [row[i] for row in rows[turn::7] for i in range(0, 20000, 4000)]
    del rows[turn::3]
    more = [build(20000) for _ in range(30)]
    sums.append(sum(x[0] for row in rows + more for x in row) + sum(x[0] for x in kept))
    child = os.fork()
    if child == 0:
        rows = [build(20000) for _ in range(30)]
        os._exit(len(rows) if sum(x[0] for row in rows for x in row) == 30 * 199990000 else 1)
    sums.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    del rows, more, kept
answer([sums, most - mapped()])
"""
    sums, freed = ask_child(code)
    assert sums == ask_child(code.replace("fullspeed.enable()", ""))[0]
    assert freed > 60
