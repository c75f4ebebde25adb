"""Runs in a process of its own, under test_pandas.py: pandas with fullspeed in NumExpr's place."""

import sys

from fullspeed.array import stand_in_for_numexpr

stand_in_for_numexpr()

import numexpr  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from pandas.core.computation import expressions  # noqa: E402
from pandas.core.computation.check import NUMEXPR_INSTALLED  # noqa: E402

assert NUMEXPR_INSTALLED and "fullspeed._array" in sys.modules

calls = []
plain = numexpr.evaluate


def counted(*args: object, **keywords: object) -> object:
    """Count what pandas has us compute."""
    calls.append(args[0])
    return plain(*args, **keywords)


numexpr.evaluate = counted
rng = np.random.default_rng(5)
COUNT = 2000
frame = pd.DataFrame(
    {
        "a": rng.standard_normal(COUNT),
        "b": rng.standard_normal(COUNT),
        "i": rng.integers(-5, 5, COUNT),
        "f": rng.standard_normal(COUNT).astype("f4"),
        "t": rng.integers(0, 2, COUNT).astype(bool),
    }
)

EVALS = [
    "a + b", "2*a - b/3", "a ** 2 + b ** 3", "i % 3", "i // 2", "a > b", "(a > 0) & (b < 0)",
    "(a > 0) | t", "~t", "-a", "a > 0 and b > 0", "sin(a) + cos(b)", "arctan2(a, b)", "f * 2",
    "f + a", "abs(a)", "sqrt(abs(b))", "0 < a < 1", "i == 2", "a != a",
]  # fmt: skip
for text in EVALS:
    before = len(calls)
    ours = frame.eval(text, engine="numexpr")
    assert len(calls) == before + 1, text
    python = frame.eval(text, engine="python")
    assert ours.dtype == python.dtype, (text, ours.dtype, python.dtype)
    assert np.allclose(ours, python, rtol=1e-6, equal_nan=True), text

limit = 0.5
for text in ["a > @limit", "a < b and i in [1, 2, 3]", "t", "(a + b > 1) | (i == 3)", "not t"]:
    before = len(calls)
    ours = frame.query(text, engine="numexpr")
    assert ours.equals(frame.query(text, engine="python")), text
assert calls

part = frame[["a", "b"]]
other = part * 2
before = len(calls)
assert pd.eval("part + other", engine="numexpr").equals(part + other)
assert len(calls) == before + 1

# Operators on large frames come to us without being asked to.
large = pd.DataFrame(rng.standard_normal((200_000, 6)))
expressions.set_use_numexpr(True)
before = len(calls)
summed = large + large
products = large * 3.0
smaller = large > 0
assert len(calls) > before
expressions.set_use_numexpr(False)
assert summed.equals(large + large)
assert products.equals(large * 3.0)
assert smaller.equals(large > 0)
print("fine", len(calls))
