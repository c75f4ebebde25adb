"""Allocations that fail, one after the other: a MemoryError each, no crash, and all goes on.

CPython's own hook for tests (`_testcapi.set_nomemory`) makes the n-th allocation of a call fail,
for each n, until a call needs fewer than n. Debian has it in a package of its own, which
tools/setup.sh installs.
"""

from __future__ import annotations

import pytest
from run_tools import child

SETUP = """
import _testcapi, numpy as np, fullspeed as ne
A, B, T = np.arange(5.0), np.ones(5), np.array([b"x", b"yy"] * 5)
given = {"A": A, "B": B, "T": T}
def valid(error):
    if error is not None:
        raise error
def each(call, allowed=(), lasting=False):
    calm = 0
    for n in range(1, 4000):
        ne.cache_clear()
        _testcapi.set_nomemory(n, 0 if lasting else n + 1)
        try:
            call()
            calm += 1
        except MemoryError:
            calm = 0
        except allowed:
            calm += 1
        finally:
            _testcapi.remove_mem_hooks()
        # (Python itself can do without some: go on a little)
        if calm > 20:
            break
    assert calm > 20 and n > 21, n
    assert np.array_equal(ne.evaluate("A*2 + B"), A * 2 + B)
"""
# Where all allocations from one on fail, CPython 3.11 itself falls over: PyContextVar_Set(), which
# remembers the last expression, and whoever normalizes an exception. So that is tried only where
# neither is done.
CALLS = {
    "evaluate": 'each(lambda: ne.evaluate("2*A + sin(B)*3.5 - A**3 + (A > 1)", given))',
    "strings": "each(lambda: ne.evaluate(\"contains(T, b'y') | (T == 'x')\", given))",
    "reduction": 'each(lambda: ne.evaluate("sum(A*B + 2, axis=0)", given))',
    "fold": 'each(lambda: ne.evaluate("A*(2**40 + 1//3 + 0x1f) + (7 > 3)", given))',
    "casts": 'each(lambda: ne.evaluate("A*2 + B", {"A": [1, 2], "B": 3}, out=np.zeros(2, ">f8")))',
    "uncached": 'each(lambda: ne.evaluate("2*A + B**3", given, disable_cache=True), lasting=True)',
    "object": 'each(lambda: ne.NumExpr("a*b", [("b", np.int32), ("a", float)])([1], [2.0]))',
    "call": 'nex = ne.NumExpr("2*a + sin(b)")\neach(lambda: nex(A, B), lasting=True)',
    "e": "each(lambda: ne.NumExpr(ne.E.a * 2 + ne.E.b)(A, B))",
    "disassemble": 'each(lambda: ne.disassemble(ne.NumExpr("a*b + where(a > 2, a, 1)")))',
    "names": 'each(lambda: ne.expression_names("a*b + zz"), lasting=True)',
    "again": 'ne.evaluate("A + B", given)\neach(lambda: ne.re_evaluate(given), lasting=True)',
    "syntax": 'each(lambda: ne.evaluate("A + * B", given), SyntaxError)',
    "forbidden": 'each(lambda: ne.evaluate("A.foo + 1", given), ValueError)',
    "unknown": 'each(lambda: ne.evaluate("A + nothing", given), KeyError)',
    "types": 'each(lambda: ne.evaluate("~A", given), NotImplementedError)',
    "shapes": 'each(lambda: ne.evaluate("A + B", {"A": A, "B": B[:3]}), ValueError)',
    "validate": 'each(lambda: valid(ne.validate("A + 1", given)))',
}


@pytest.mark.parametrize("name", CALLS)
def test_each_allocation_fails(name: str) -> None:
    """In a process of its own: what crashes is known."""
    assert child(SETUP + CALLS[name] + "\nprint('fine')", timeout=200) == "fine\n"
