"""Types of results: NumExpr's, for every operation and all its types, but for what a table says.

NumExpr itself is asked, from PyPI. Beside the types, values are compared where both compute.
"""

from __future__ import annotations

import itertools
import warnings

import fullspeed as ne
import numexpr
import numpy as np
import pytest

VALUES = {
    "b": np.array([True, False, True]),
    "i": np.array([1, 2, -3], "i4"),
    "l": np.array([1, 2, -3], "i8"),
    "f": np.array([1, 2.5, -3], "f4"),
    "d": np.array([1, 2.5, -3]),
    "c": np.array([0.3 + 0.7j, 2 - 0.5j, 3 + 1j]),
    "s": np.array([b"a", b"b", b""]),
}
ONE = (
    "copy ones_like sqrt sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh "
    "log log1p log10 log2 exp expm1 abs conj ceil floor trunc round sign real imag isnan isfinite "
    "isinf signbit sum prod min max"
).split()
TWO = "arctan2 fmod hypot nextafter copysign maximum minimum complex contains".split()
OPERATORS = "+ - * / // % ** << >> & | ^ < <= == != >= >".split()
EXPRESSIONS = [
    *(f"{name}(x)" for name in ONE),
    *("-x", "~x", "+x", "x.real", "x.imag", "x ** 2", "x ** 3", "x ** 0", "x ** 0.5", "x ** 2.0"),
    *("x ** -2.0", "x ** 1.5", "x ** 0.3", "x ** 60", "x * 2", "x * 2.0", "x + 1j", "x + True"),
    *("2 * x", "x / 2", "x % 2", "x + 5000000000", "where(m, x, 1)", "where(m, x, 2.5)"),
    *("where(True, x, 2.5)", "x == 1", "x < 2.5"),
]
PAIRS = [
    *(f"x {sign} y" for sign in OPERATORS),
    *(f"{name}(x, y)" for name in TWO),
    "where(m, x, y)",
]

# Where we differ, and why. Keys: what an expression starts with or is, letters of the types.
# "more": NumExpr raises an exception; "NumPy": NumPy's type, which holds the exact result.
DIFFERENT = {
    ("abs(x)", "i"): "NumPy",
    ("abs(x)", "l"): "NumPy",
    ("maximum(x, y)", "bi bl ib lb ii il li ll"): "NumPy",
    ("minimum(x, y)", "bi bl ib lb ii il li ll"): "NumPy",
    ("x ** 0", "b"): "more",
    ("x ** 0.5", "b"): "NumPy",
    ("x ** 1.5", "b"): "NumPy",
    ("x ** 2.0", "b i l"): "NumPy",
    ("ones_like(x)", "b"): "more",
    ("sum(x)", "b"): "more",
    ("prod(x)", "b"): "more",
    ("min(x)", "i"): "more",
    ("max(x)", "i"): "more",
    ("complex(x, y)", "bi bl ib il ii lb li ll"): "more",
}


def expected_difference(expression: str, letters: str) -> str | None:
    """What the table says."""
    for (known, types), why in DIFFERENT.items():
        if known == expression and letters in types.split():
            return why
    return None


def outcome(module: object, expression: str, values: dict, optimization: str) -> object:
    """The result of a module's evaluate(), or the class of its exception."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return module.evaluate(expression, values, optimization=optimization)
        except Exception as error:
            return type(error)


def compare(expression: str, letters: str, values: dict, optimization: str) -> None:
    """One expression on one set of types."""
    theirs = outcome(numexpr, expression, values, optimization)
    ours = outcome(ne, expression, values, optimization)
    why = expected_difference(expression, letters)
    both = f"{expression} of {letters}, {optimization}: {theirs!r}, ours {ours!r}"
    if isinstance(theirs, type) or isinstance(ours, type):
        if why == "more":
            assert isinstance(theirs, type) and not isinstance(ours, type), both
        else:
            # (strings where there is no operation on them: NumExpr stumbles with a ValueError)
            stumbles = {ValueError, NotImplementedError}
            if "**" in expression:
                stumbles.add(TypeError)
            known = "s" in letters and {theirs, ours} <= stumbles
            assert theirs is ours or known or (why and not isinstance(ours, type)), both
        return
    if why == "NumPy" and theirs.dtype != ours.dtype:
        assert ours.dtype.kind in "fi", both
    elif why != "more":
        assert theirs.dtype == ours.dtype, both
    if ours.dtype.kind == "c" and ours.shape:
        # (of zeros, complex quotients and powers are NumPy's, not NumExpr's)
        full = np.all([value != 0 for name, value in values.items() if name != "m"], axis=0)
        ours, theirs = ours[full], theirs[full]
    if ours.dtype.kind in "fc":
        assert np.allclose(ours, theirs, rtol=2e-6, equal_nan=True), both
    else:
        assert np.array_equal(ours, theirs), both


@pytest.mark.parametrize("optimization", ["none", "moderate", "aggressive"])
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_one(expression: str, optimization: str) -> None:
    """Functions and operators on one variable of each type."""
    for letter, value in VALUES.items():
        skip = expression == "x ** 60" and letter in "bil"  # NumExpr's own overflows
        if not skip:
            compare(expression, letter, {"x": value, "m": VALUES["b"]}, optimization)


@pytest.mark.parametrize("expression", PAIRS)
def test_two(expression: str) -> None:
    """Functions and operators on two variables, each of each type."""
    for (a, x), (b, y) in itertools.product(VALUES.items(), repeat=2):
        if expression == "x ** y" and a in "bil" and b in "bil":
            y = abs(y.astype("i8")).astype(y.dtype)  # negative powers of integers have no value
        compare(expression, a + b, {"x": x, "y": y, "m": VALUES["b"]}, "aggressive")


DTYPES = {
    "?": "bool", "i1": "int32", "u1": "int32", "i2": "int32", "u2": "int32", "i4": "int32",
    "u4": "int64", "i8": "int64", "u8": "int64", "f2": "float32", "f4": "float32", "f8": "float64",
    "g": "float64", "F": "complex128", "D": "complex128", "G": "complex128", "S3": "|S3",
}  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("swapped", [False, True])
def test_dtypes(dtype: str, swapped: bool) -> None:
    """What each dtype becomes; of either byte order."""
    value = np.array([0, 1, 2], "i1").astype(dtype)
    if swapped:
        value = value.astype(value.dtype.newbyteorder())
    result = ne.evaluate("x", {"x": value})
    assert result.dtype.name == np.dtype(DTYPES[dtype]).name
    assert np.array_equal(result, value.astype(result.dtype))
    assert numexpr.evaluate("x", {"x": value}).dtype == result.dtype


def test_condition_that_is_a_constant() -> None:
    """where() with a literal for the condition is the branch; the other one has a shape, too."""
    x = np.arange(3.0)
    assert np.array_equal(ne.evaluate("where(True, x, 2)"), np.where(True, x, 2))
    assert np.array_equal(ne.evaluate("where(0, x, 2)"), np.where(0, x, 2))


def test_unicode() -> None:
    """Beyond NumExpr: str arrays can be compared, with literals too."""
    u = np.array(["ä", "bc", ""])
    assert ne.evaluate("u == 'bc'").tolist() == [False, True, False]
    assert ne.evaluate("u >= 'b'").tolist() == [True, True, False]
    assert ne.evaluate("contains(u, 'c')").tolist() == [False, True, False]
    assert ne.evaluate("u").tolist() == u.tolist()


CONSTANTS = [
    "1", "2**40", "-3", "2.5", "1j", "True", "False", "1/2", "7//2", "-7//2", "-7%3", "7.5%2",
    "2**-1", "True+True", "~True", "-True", "~5", "5&3", "5|3", "5^3", "1<<20", "-1>>1", "3<4",
    "3.0==3", "1j==1", "0x1f", "0o17", "0b11", "1_000", "1e3", ".5", "5.", "1.5e-3j", "2**31",
    "-2**31", "2**31-1", "cos(1)", "sin(1)+1", "arctan2(1,2)", "where(True,1,2)", "sqrt(2)*3",
    "exp(1j)", "isnan(3)", "complex(1,2)", "1+2*3-4/5", "(1+2)*3", "2**3**2", "-2**2",
]  # fmt: skip


@pytest.mark.parametrize("expression", CONSTANTS)
def test_constants(expression: str) -> None:
    """Literals alone: Python's own results, in NumExpr's types."""
    theirs, ours = numexpr.evaluate(expression, {}), ne.evaluate(expression, {})
    assert ours.dtype == theirs.dtype and ours.shape == ()
    assert np.allclose(ours, theirs, rtol=1e-15, atol=0)


def test_integer_literals_have_no_width() -> None:
    """An int literal takes the type of what it meets; a large one makes int64 of int32."""
    i = np.array([1], "i4")
    assert ne.evaluate("i + 1").dtype == "i4"
    assert ne.evaluate("i + 2147483647").dtype == "i4"
    assert ne.evaluate("i + 2147483648").dtype == "i8"
    assert ne.evaluate("i * 1.0 + 2**70").tolist() == [1.0 + 2**70]


def test_functions_that_keep_integers() -> None:
    """What has an exact integer for its result gives that: no way through float64."""
    large = np.array([2**60 + 1, -(2**62) - 3, 5])
    small = np.array([7, -9, 2**31 - 1], "i4")
    for text in ("maximum(large, small)", "minimum(large, small)", "maximum(small, small - 1)",
                 "abs(large)", "sign(large)", "round(large)"):  # fmt: skip
        wanted = eval(text, vars(np) | {"large": large, "small": small})
        ours = ne.evaluate(text)
        assert ours.dtype == wanted.dtype and np.array_equal(ours, wanted), text


def test_float_power_of_integers_is_exact() -> None:
    """i ** 2.0 is a double, as in NumPy: no wrapping around of int32."""
    i = np.array([100_000, -3], "i4")
    assert ne.evaluate("i ** 2.0").tolist() == [1e10, 9.0]


@pytest.mark.parametrize("letter", "bilfdc")
@pytest.mark.parametrize("casting", ["no", "equiv", "safe", "same_kind", "unsafe"])
def test_casting(letter: str, casting: str) -> None:
    """casting= holds for what goes in and for what comes out, by NumPy's rules."""
    x = VALUES[letter]
    for target in VALUES:
        if target == "s":
            continue
        out = np.zeros(3, VALUES[target].dtype)
        allowed = np.can_cast(x.dtype, out.dtype, casting)
        if not allowed:
            with pytest.raises(TypeError):
                ne.evaluate("x", out=out, casting=casting)
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ne.evaluate("x", out=out, casting=casting)
            assert np.array_equal(out, x.astype(out.dtype))
