"""Shadow verification: nothing is found where nothing is wrong; a kernel that is wrong is reported,
put in quarantine, and the results are right all the same. In children, as quarantine stays."""

from __future__ import annotations

import random

import numpy as np
import pytest
from fullspeed import _array
from kernel_tools import OPS, REDUCTIONS, operands
from run_tools import Program, child

FUSES = len(_array.kernel_targets()) > 1

BEGIN = """
import warnings
import fullspeed, numpy as np
from fullspeed import _array, cpu

def checked(expression, names, **options):
    "The result, and the one warning."
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        result = fullspeed.evaluate(expression, names, {}, **options)
    assert len(found) <= 1, found
    assert not found or found[0].category is RuntimeWarning
    return result, str(found[0].message) if found else ""

def state(function, signature):
    return cpu.opt_func_info("^" + function + "$")[function][signature]

rng = np.random.default_rng(1)
target = _array.kernel_targets()[-1]
_array.verify_every(1)
"""


def found(code: str, **environment: str) -> str:
    """What a child prints that runs this."""
    return child(BEGIN + code + "\nprint('done')", **environment).removesuffix("done\n")


# ---- nothing wrong ----


def one_op(op: str, seed: int) -> None:
    """An op on special and other values, in a program of its own."""
    _, _, result, args, _ = OPS[op]
    rng = np.random.default_rng(seed)
    inputs = operands(args, 3000, rng)
    if op.split("_")[0] in REDUCTIONS:
        reduce = op.split("_")[0].lower()
        for axis in (-1, 0, 1):
            shaped = inputs[0].reshape(60, 50)
            Program(args, 1, (), result, reduce=reduce, axis=axis)(shaped)
            Program(args, 1, (), result, reduce=reduce, axis=axis)(shaped.T)
        return
    count = len(args)
    program = Program(args, count, ((op, count, *range(count)),), result)
    for reproducible in (False, True):
        with np.errstate(all="ignore"):
            program(*inputs, reproducible=reproducible)
            if count > 1:
                program(inputs[0][7:8], *inputs[1:], reproducible=reproducible)


def every_op() -> None:
    """All ops, each evaluation checked."""
    _array.verify_every(1)
    for seed, op in enumerate(OPS):
        one_op(op, seed)


def some_programs(first: int, last: int) -> None:
    """Random programs and operands, each evaluation checked."""
    import test_run_fuse
    import test_run_operands
    import test_run_reduce

    _array.verify_every(1)
    test_run_fuse.compare(first, last)
    test_run_operands.test_odd_operands(first)
    test_run_operands.test_output_that_overlaps_inputs()
    test_run_reduce.test_odd_operands(first)
    for kind in "SU":
        test_run_operands.test_strings(kind)


@pytest.mark.parametrize("call", ["every_op()", "some_programs(0, 150)", "some_programs(150, 300)"])
@pytest.mark.parametrize("off", ["", "X86_V4"])
def test_nothing_is_found_where_nothing_is_wrong(call: str, off: str) -> None:
    code = f"""
import warnings
import test_verify
warnings.filterwarnings("error", "FULLSPEED_VERIFY")
test_verify.{call}
"""
    child(code, timeout=400, FULLSPEED_DISABLE_CPU_FEATURES=off, FULLSPEED_NUM_THREADS="3")


def test_several_threads_at_once() -> None:
    found("""
import threading
wrong = []
def work(k):
    a = np.full(300_000, k + 1.0)
    for _ in range(20):
        result, said = fullspeed.evaluate("sqrt(a)*a + sin(a)", {"a": a}, {}), ""
        total = fullspeed.evaluate("sum(a*a)", {"a": a}, {})
        if not np.allclose(result, np.sqrt(a) * a + np.sin(a)) or total != a.size * (k + 1) ** 2:
            wrong.append(k)
warnings.filterwarnings("error", "FULLSPEED_VERIFY")
threads = [threading.Thread(target=work, args=(k,)) for k in range(5)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not wrong
""", FULLSPEED_NUM_THREADS="3")  # fmt: skip


# ---- something wrong ----


def test_a_wrong_kernel_is_reported_and_not_used_again() -> None:
    said = found("""
a, b = rng.random(5000), rng.random(5000)
before = state("sin", "dd")["current"]
_array.spoil_kernel("SIN_DD", 50, 7)
result, said = checked("2*a + sin(b)", {"a": a, "b": b})
np.testing.assert_allclose(result, 2*a + np.sin(b), rtol=1e-15)
assert "'2*a + sin(b)'" in said and f"sin, SIN_DD of the target {target} makes " in said, said
assert f" of ({b[7].item()!r},), the baseline " in said, said
assert "Item (7,) of the result was " in said, said
values = [array[7].item() for array in (result, a, b)]
assert "instead of {!r}, with a={!r}, b={!r}.".format(*values) in said, said
now = state("sin", "dd")
assert now["current"][:8] == "baseline" and now["chosen by"] == "quarantine", now
assert state("cos", "dd")["current"] == before
_array.spoil_kernel("SIN_DD", 50, 7)            # what is in quarantine stays there
for shape in ((5000,), (50, 100)):
    result, said = checked("2*a + sin(b)", {"a": a.reshape(shape), "b": b.reshape(shape)})
    assert not said, said
    np.testing.assert_allclose(result, 2*a.reshape(shape) + np.sin(b.reshape(shape)), rtol=1e-15)
""")
    assert said == ""


def test_bounds_are_the_documented_ones() -> None:
    """One unit in the last place is allowed a sine, not a product, nor what is reproducible."""
    found("""
a, b = rng.random(500), rng.random(500)
_array.spoil_kernel("SIN_DD", 0, 3)
result, said = checked("sin(a)", {"a": a})
assert not said, said
result, said = checked("sin(a)", {"a": a}, reproducible=True)
assert "SIN_DD" in said and "Item (3,)" in said, said
_array.spoil_kernel("MUL_DDD", 0, 3)
result, said = checked("a*b", {"a": a, "b": b})
assert "multiply, MUL_DDD" in said and f"({a[3].item()!r}, {b[3].item()!r})" in said, said
np.testing.assert_array_equal(result, a*b)
f = a.astype("f4")
_array.spoil_kernel("EXP_FF", 1, 3)
assert not checked("exp(a)", {"a": f})[1]
_array.spoil_kernel("EXP_FF", 5, 3)
assert "EXP_FF" in checked("exp(a)", {"a": f})[1]
z = a + 1j*b
_array.spoil_kernel("SQRT_CC", 64, 3)
assert not checked("sqrt(z)", {"z": z})[1]
_array.spoil_kernel("SQRT_CC", 64 + 40, 3)
result, said = checked("sqrt(z)", {"z": z})
assert "SQRT_CC" in said and f"z={z[3].item()!r}" in said, said
np.testing.assert_allclose(result, np.sqrt(z))
""")


@pytest.mark.parametrize(
    "op, expression, expected",
    [
        ("SUM_DD", "sum(a)", "np.sum(a)"),
        ("SUM_DD", "sum(a, axis=1)", "np.sum(a, 1)"),
        ("MUL_DDD", "prod(a, axis=0)", "np.prod(a, 0)"),
        ("ADD_DDD", "sum(a, axis=0)", "np.sum(a, 0)"),
        ("MAX_DD", "max(abs(a))", "np.max(abs(a))"),
        ("MIN_DD", "min(a)", "np.min(a)"),
    ],
)
def test_reductions(op: str, expression: str, expected: str) -> None:
    found(f"""
a = rng.random((40, 45)) + 0.5
_array.spoil_kernel("{op}", 51, 0)
result, said = checked("{expression}", {{"a": a}})
np.testing.assert_allclose(result, {expected}, rtol=1e-12)
assert "{op}" in said and "'{expression}'" in said, said
assert ("values" in said) == ("{op}"[-3] == "_"), said
result, said = checked("{expression}", {{"a": a}})
assert not said, said
np.testing.assert_allclose(result, {expected}, rtol=1e-12)
""")


def test_strings() -> None:
    found("""
names = np.array(["ab", "c", "", "abcdefgh"] * 50, "S8")
words = names.astype("U8")
_array.spoil_kernel("EQ_BSS", 0, 5)
result, said = checked("a == b'c'", {"a": names})
np.testing.assert_array_equal(result, names == b"c")
assert "EQ_BSS" in said and "of (b'c', b'c'), the baseline True" in said, said
assert "Item (5,) of the result was False instead of True, with a=b'c'" in said, said
_array.spoil_kernel("EQ_BUU", 0, 4)
result, said = checked("a == 'ab'", {"a": words})
np.testing.assert_array_equal(result, words == "ab")
assert "EQ_BUU" in said and "of ('ab', 'ab'), the baseline True" in said, said
_array.spoil_kernel("COPY_SS", 1, 3)
result, said = checked("a", {"a": names})
np.testing.assert_array_equal(result, names)
assert "COPY_SS" in said and "b'abcdefgh'" in said, said
""")


def test_output_that_overlaps_inputs() -> None:
    found("""
a, b = rng.random(3000), rng.random(3000)
first = a.copy()
_array.spoil_kernel("MUL_DDD", 52, 11)
result, said = checked("a*b", {"a": a, "b": b}, out=a)
assert result is a
np.testing.assert_array_equal(a, first * b)
assert f"with a={first[11].item()!r}, b={b[11].item()!r}." in said, said
big = rng.random(3001)
before = big.copy()
_array.spoil_kernel("ADD_DDD", 52, 11)
result, said = checked("a + b", {"a": big[:-1], "b": big[1:]}, out=big[1:])
np.testing.assert_array_equal(big[1:], before[:-1] + before[1:])
assert f"with a={before[11].item()!r}, b={before[12].item()!r}." in said, said
swapped = np.zeros(3000, ">f4")[::-1]
_array.spoil_kernel("SUB_DDD", 60, 11)
result, said = checked("b - 0.5", {"b": b}, out=swapped)
np.testing.assert_array_equal(swapped, (b - 0.5).astype("f4"))
assert "Item (11,)" in said, said
""")


@pytest.mark.skipif(not FUSES, reason="the processor has no vectors that loops are made of")
def test_a_wrong_loop_of_machine_code() -> None:
    found("""
a, b = rng.random((2, 100_000))
expected = a*b + a - b*b
_array.verify_every(0)
np.testing.assert_array_equal(checked("a*b + a - b*b", {"a": a, "b": b})[0], expected)
assert _array.spoil_loops() > 0
out = np.zeros_like(a)
assert checked("a*b + a - b*b", {"a": a, "b": b}, out=out)[0][5] == 0
_array.verify_every(1)
result, said = checked("a*b + a - b*b", {"a": a, "b": b}, out=out)
np.testing.assert_array_equal(out, expected)
assert "fused_loop" in said and "Item (0,) of the result was 0.0 instead of " in said, said
now = state("fused_loop", "")
assert now["current"][:8] == "baseline" and now["chosen by"] == "quarantine", now
out[...] = 0
assert not checked("a*b + a - b*b", {"a": a, "b": b}, out=out)[1]
np.testing.assert_array_equal(out, expected)
""", FULLSPEED_NUM_THREADS="2")  # fmt: skip


def test_threads_with_a_wrong_kernel() -> None:
    found("""
import threading
a = rng.random(200_000)
right, found = np.exp(a), []
_array.spoil_kernel("EXP_DD", 55, 3)
wrong = []
def work():
    for _ in range(10):
        if not np.allclose(fullspeed.evaluate("exp(a)", {"a": a}, {}), right, rtol=1e-14):
            wrong.append(1)
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
assert not wrong
assert 1 <= len(found) <= 4 and all("EXP_DD" in str(one.message) for one in found), found
""", FULLSPEED_NUM_THREADS="2")  # fmt: skip


def test_warnings_that_are_errors() -> None:
    found("""
a = rng.random(1000)
_array.spoil_kernel("MUL_DDD", 52, 11)
warnings.simplefilter("error")
try:
    fullspeed.evaluate("a*a", {"a": a}, {})
except RuntimeWarning as warning:
    assert "MUL_DDD" in str(warning)
else:
    raise AssertionError
np.testing.assert_array_equal(fullspeed.evaluate("a*a", {"a": a}, {}), a*a)
""")


# ---- how often ----


def test_one_in_so_many() -> None:
    said = child(
        """
import warnings
import fullspeed, numpy as np
from fullspeed import _array
a = np.arange(100.0)
evaluate = lambda: fullspeed.evaluate("a*a", {"a": a}, {})
evaluate()
_array.spoil_kernel("MUL_DDD", 52, 11)
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    wrong = 0
    while not found:
        wrong += evaluate()[11] != 121
print(wrong < 40, (evaluate() == a*a).all())
""",
        FULLSPEED_VERIFY="20",
    )
    assert said == "True True\n"


@pytest.mark.parametrize("value", ["", "0"])
def test_never(value: str) -> None:
    code = """
import warnings
import fullspeed, numpy as np
from fullspeed import _array
warnings.simplefilter("error")
_array.spoil_kernel("MUL_DDD", 52, 11)
a = np.arange(100.0)
print(sum(fullspeed.evaluate("a*a", {"a": a}, {})[11] != 121 for _ in range(100)))
"""
    assert child(code, FULLSPEED_VERIFY=value) == "100\n"


@pytest.mark.parametrize("value", ["often", "-1", "1.5", "3x"])
def test_what_is_no_number(value: str) -> None:
    code = """
import warnings
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    from fullspeed import _array
print(found[0].message)
"""
    said = child(code, FULLSPEED_VERIFY=value)
    assert f"FULLSPEED_VERIFY={value}, which is not a whole number" in said


def test_odd_results_are_compared_in_c_order() -> None:
    """The number of the first wrong item, of results that lie oddly in memory."""
    pick = random.Random(3)
    for _ in range(3):
        shape = tuple(pick.randrange(2, 9) for _ in range(3))
        found(f"""
a = rng.random({shape}).transpose(2, 0, 1)
_array.spoil_kernel("COS_DD", 60, 17)
result, said = checked("cos(a)", {{"a": a}}, order="{pick.choice('CFK')}")
np.testing.assert_allclose(result, np.cos(a))
index = said.partition("Item (")[2].partition(")")[0]
index = tuple(int(n) for n in index.split(","))
assert f"with a={{a[index].item()!r}}." in said and len(index) == 3, said
""")
