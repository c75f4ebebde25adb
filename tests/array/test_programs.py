"""What the compiler makes of an expression, seen through disassemble()."""

from __future__ import annotations

import fullspeed as ne
import numpy as np
import pytest

D = np.float64


def rows(expression: object, *signature: tuple, **options: object) -> list[tuple]:
    """The instructions, without what only fills up a row."""
    found = ne.disassemble(ne.NumExpr(expression, list(signature), **options))
    return [tuple(part for part in row if part is not None) for row in found]


def names(expression: str, *signature: tuple, **options: object) -> list[str]:
    """The operations only."""
    found = rows(expression, *signature, **options)
    return [row[0].decode() for row in found if row[0] != b"noop"]


def test_equal_parts_are_computed_once() -> None:
    """Common subexpressions, also with the two sides of a sum exchanged; not of a difference."""
    assert names("(a + b) * (a + b)") == ["add_ddd", "mul_ddd"]
    assert names("(a + b) * (b + a)") == ["add_ddd", "mul_ddd"]
    assert names("(a - b) * (b - a)") == ["sub_ddd", "sub_ddd", "mul_ddd"]
    assert names("sin(a*2) + cos(2*a)").count("mul_ddd") == 1


def test_equal_constants_are_one() -> None:
    """Of the same type and with the same bits."""
    assert ne.NumExpr("a + 1 + (b + 1)").constants == (1.0,)
    assert ne.NumExpr("a + 1 + (b + 1.0)").constants == (1.0,)
    zeros = ne.NumExpr("where(a > 0, 0.0, -0.0)").constants
    assert [str(value) for value in zeros] == ["0.0", "-0.0"]
    mixed = ne.NumExpr("(i + 1) * (a + 1)", [("i", np.int32), ("a", D)])
    assert [type(value) for value in mixed.constants] == [int, float]


def test_what_is_not_needed_is_dropped() -> None:
    """A branch that is never chosen costs nothing."""
    assert names("where(True, a, sin(b))") == ["copy_dd"]


def test_literals_are_folded() -> None:
    """Operations on literals alone are done when compiling."""
    assert rows("a + 2*3**2/4 - 1")[0] == (b"add_ddd", b"r0", b"r1[a]", b"c2[4.5]")
    assert ne.NumExpr("(1 + 2) * a").constants == (3.0,)


def test_temporaries_are_used_again() -> None:
    """Register use grows with what is alive, not with the length."""
    assert len(ne.NumExpr("+".join(f"sin(a*{k})" for k in range(1, 100))).tempsig) <= 3
    assert ne.NumExpr("sin(a) + cos(a*1j).real", [("a", D)]).tempsig.count(b"c") == 1


POWERS = [
    ("a**0", ["ones_like_dd"]),
    ("a**1", ["copy_dd"]),
    ("a**2", ["mul_ddd"]),
    ("a**3", ["mul_ddd"] * 2),
    ("a**4", ["mul_ddd"] * 2),
    ("a**7", ["mul_ddd"] * 4),
    ("a**50", ["mul_ddd"] * 7),
    ("a**51", ["pow_ddd"]),
    ("a**-1", ["div_ddd"]),
    ("a**-2", ["mul_ddd", "div_ddd"]),
    ("a**0.5", ["sqrt_dd"]),
    ("a**1.5", ["sqrt_dd", "mul_ddd"]),
    ("a**-0.5", ["sqrt_dd", "div_ddd"]),
    ("a**0.3", ["pow_ddd"]),
    ("a**b", ["pow_ddd"]),
    ("2**a", ["pow_ddd"]),
]


@pytest.mark.parametrize("expression, wanted", POWERS)
def test_powers_aggressive(expression: str, wanted: list[str]) -> None:
    """Whole and half powers up to 50 are multiplications."""
    assert names(expression) == wanted
    a = np.array([0.5, 1.0, 2.25, 3.0])
    values = {"a": a, "b": a}
    exact = eval(expression, {}, {name: value.astype("g") for name, value in values.items()})
    assert np.allclose(ne.evaluate(expression, values), exact.astype(D), rtol=2e-14, atol=0)


def test_powers_of_other_optimizations() -> None:
    """moderate: -1, 0, 0.5, 1, 2; none: nothing."""
    for expression, moderate in [
        ("a**2", "mul_ddd"), ("a**0.5", "sqrt_dd"), ("a**-1", "div_ddd"), ("a**1", "copy_dd"),
        ("a**0", "ones_like_dd"), ("a**3", "pow_ddd"), ("a**1.5", "pow_ddd"),
    ]:  # fmt: skip
        assert names(expression, optimization="moderate") == [moderate]
        assert names(expression, optimization="none") == ["pow_ddd"]


def test_powers_of_integers() -> None:
    """They wrap around as multiplications do."""
    i = np.array([3, -5, 70_000], "i4")
    with np.errstate(over="ignore"):
        assert np.array_equal(ne.evaluate("i**3"), i * i * i)
    assert names("i**3", ("i", np.int32)) == ["mul_iii", "mul_iii"]


def test_division_by_a_power_of_two() -> None:
    """It is a multiplication where that is exactly the same; not else, and not with 'none'."""
    assert names("a / 4") == ["mul_ddd"]
    assert names("a / 3") == ["div_ddd"]
    assert names("a / 4", optimization="none") == ["div_ddd"]
    assert names("a / 0.0") == ["div_ddd"]
    tiny = np.array([5e-324, 1.5, -3e-320, 1e308])
    with np.errstate(over="ignore"):
        f = tiny.astype("f4")
    for by in ("2", "0.5", "1024.0", "1e300", "3", "7.1"):
        with np.errstate(over="ignore"):
            wanted = tiny / float(by)
        assert np.array_equal(ne.evaluate(f"tiny / {by}"), wanted)
        kind = np.float32 if by.isdigit() else np.float64
        assert np.array_equal(ne.evaluate(f"f / {by}"), f / kind(by))


def test_products_in_sums() -> None:
    """A product that only one sum needs is computed with it, and rounded as if it were alone."""
    # NumExpr's instructions are shown, which are two; the temporaries tell that there is one.
    assert names("a*b + c") == ["mul_ddd", "add_ddd"] and ne.NumExpr("a*b + c").tempsig == b""
    assert ne.NumExpr("(a*b + c) * (a*b)").tempsig == b"dd"
    rng = np.random.default_rng(1)
    a, b, c = rng.standard_normal((3, 5000))
    f, g, h = (value.astype("f4") for value in (a, b, c))
    for text in ("a*b+c", "c+a*b", "a*b-c", "c-a*b", "a*b+b*c", "a*b-b*c", "a*b+a*b", "f*g+h",
                 "h-f*g", "f*g-h", "a*a+a"):  # fmt: skip
        assert np.array_equal(ne.evaluate(text), eval(text))


def test_comparisons_are_turned_around() -> None:
    """There are kernels for > and >= only."""
    assert rows("a < b") == [(b"gt_bdd", b"r0", b"r2[b]", b"r1[a]")]
    assert rows("a <= 1") == [(b"ge_bdd", b"r0", b"c2[1.0]", b"r1[a]")]


def test_casts_are_direct() -> None:
    """One cast, whatever is between the types; one per variable, however often it is used."""
    assert rows("i*2.0 + i", ("i", np.int32))[0][:1] == (b"cast_di",)
    assert names("i*2.0 + i", ("i", np.int32)).count("cast_di") == 1
    assert names("b*1j", ("b", bool)) == ["cast_cb", "mul_ccc"]


def test_rows_of_reductions() -> None:
    """The axis stands at the end; nothing is computed for a plain sum."""
    assert ne.disassemble(ne.NumExpr("sum(a)")) == [[b"sum_ddn", b"r0", b"r1[a]", None]]
    assert ne.disassemble(ne.NumExpr("max(a, 3)")) == [[b"max_ddn", b"r0", b"r1[a]", 3]]
    assert ne.disassemble(ne.NumExpr("min(a, axis=None)"))[0][3] is None
    assert names("sum(a > 0)") == ["gt_bdd", "cast_lb", "sum_lln"]


def test_attributes() -> None:
    """Those of NumExpr's objects."""
    nex = ne.NumExpr("2*i + sin(a)*f", [("a", D), ("i", np.int32), ("f", float)])
    assert nex.input_names == ("a", "i", "f")
    assert nex.signature == b"dif" and nex.constants == (2,) and nex.constsig == b"i"
    assert nex.fullsig == b"d" + b"dif" + b"i" + nex.tempsig
    assert isinstance(nex.program, bytes) and len(nex.program) > 0
    assert "2*i + sin(a)*f" in repr(nex)
    with pytest.raises(AttributeError):
        nex.program = b""


def test_signatures() -> None:
    """Types as Python, NumPy and NumExpr name them; the names have to be the expression's."""
    for kind, letter in [
        (bool, "b"), (np.int32, "i"), (np.int64, "l"), (int, "l"), (float, "f"), (np.float32, "f"),
        (D, "d"), (complex, "c"), (bytes, "s"), (str, "s"), ("f8", "d"), (np.dtype("i2"), "i"),
    ]:  # fmt: skip
        assert ne.NumExpr("a", [("a", kind)]).signature == letter.encode()
    assert ne.NumExpr("b + a").input_names == ("a", "b")
    for wrong in ([("a", D)], [("a", D), ("c", D)], [("a", D), ("b", D), ("c", D)], [("a", D)] * 2):
        with pytest.raises(ValueError, match="input names"):
            ne.NumExpr("a + b", wrong)
    with pytest.raises(ValueError, match="unknown type"):
        ne.NumExpr("a", [("a", "M8")])
    with pytest.raises(TypeError, match="pairs"):
        ne.NumExpr("a", [3])
    with pytest.raises(ValueError, match="E objects"):
        ne.NumExpr(3)


def test_disassemble_wants_an_object() -> None:
    """Not a string."""
    with pytest.raises(TypeError, match="NumExpr object"):
        ne.disassemble("a")
