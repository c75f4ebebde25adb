"""What is wrong with an expression is said with the right class of exception, and at the place."""

from __future__ import annotations

import itertools
import traceback
import warnings

import fullspeed as ne
import numpy as np
import pytest

D = np.arange(4.0)
VALUES = {
    "a": D,
    "b": D + 1,
    "c": D * 2,
    "i": np.arange(4, dtype="i4"),
    "s": np.array([b"x", b"yy", b"", b"z"]),
    "u": np.array(["x", "yy", "", "z"]),
    "t": D > 1,
    "when": np.zeros(4, "M8[s]"),
    "thing": np.array([None] * 4),
}

# Expression, class, what the carets stand under (None: the end).
CASES = [
    ("a.foo", ValueError, "foo"),
    ("a. foo", ValueError, "foo"),
    ("(3+1).ᵇit_length()", ValueError, "ᵇit_length"),
    ("a + b.real.T", ValueError, "T"),
    ("__import__('os')", ValueError, "__import__"),
    ("a + __builtins__", ValueError, "__builtins__"),
    ("a[0]", ValueError, "["),
    ("a + [1, 2]", ValueError, "["),
    ("lambda x: x", ValueError, ":"),
    ("(x := 3)", ValueError, ":"),
    ("a; b", ValueError, ";"),
    ("import os;", ValueError, ";"),
    ("f'{a}'", ValueError, "f"),
    ('a + F"{b}"', ValueError, "F"),
    ("a\0b", ValueError, "\0"),
    ("i ** -1", ValueError, "**"),
    ("sum(a, axis=-1)", ValueError, "1"),
    ("sum(a, axis=300)", ValueError, "300"),
    ("when + 1", ValueError, "when"),
    ("b + thing", ValueError, "thing"),
    ("a and b", TypeError, "and"),
    ("a or b", TypeError, "or"),
    ("not a", TypeError, "not"),
    ("a if b else c", TypeError, "if"),
    ("a < b < c", TypeError, "<"),
    ("a in b", TypeError, "in"),
    ("a is b", TypeError, "is"),
    ("foo(a)", TypeError, "foo"),
    ("sin + a", TypeError, "sin"),
    ("sin(a, b)", TypeError, "sin"),
    ("arctan2(a)", TypeError, "arctan2"),
    ("where(t, a)", TypeError, "where"),
    ("a(b)", TypeError, "a"),
    ("(a)(b)", TypeError, "("),
    ("sum(a, foo=3)", TypeError, "foo"),
    ("sin(a, axis=3)", TypeError, "axis"),
    ("sum(a, axis=1.0)", TypeError, "1.0"),
    ("sum(a, axis=b)", TypeError, "b"),
    ("a @ b", TypeError, "@"),
    ("(a, b)", TypeError, ","),
    ("a, b", TypeError, ","),
    ("()", TypeError, "("),
    ("{}", TypeError, "{"),
    ("None", TypeError, "None"),
    ("a + None", TypeError, "None"),
    ("a + s", TypeError, "+"),
    ("s + 'x'", NotImplementedError, "+"),
    ("s > 1", NotImplementedError, ">"),
    ("u == b'x'", NotImplementedError, "=="),
    ("t - t", NotImplementedError, "-"),
    ("a & b", NotImplementedError, "&"),
    ("~a", NotImplementedError, "~"),
    ("(a * 1j) < b", NotImplementedError, "<"),
    ("where(i, a, b)", NotImplementedError, "where"),
    ("max(a * 1j)", NotImplementedError, "max"),
    ("sum(a) + 1", RuntimeError, "sum"),
    ("a * sum(sum(b))", RuntimeError, "sum"),
    ("1 / 0", ZeroDivisionError, "/"),
    ("a + 5 // 0", ZeroDivisionError, "//"),
    ("i + 2**64", OverflowError, "**"),
    ("2**10**10", OverflowError, "**"),
    ("1 << 1000000", OverflowError, "<<"),
    ("i + 99999999999999999999", OverflowError, "99999999999999999999"),
    ("", SyntaxError, None),
    ("a +", SyntaxError, None),
    ("a b", SyntaxError, "b"),
    ("(a + b", SyntaxError, "("),
    ("a + b)", SyntaxError, ")"),
    ("a = b", SyntaxError, "="),
    ("a <> b", SyntaxError, "<>"),
    ("a -> b", SyntaxError, "->"),
    ("a ? b", SyntaxError, "?"),
    ("a $ b", SyntaxError, "$"),
    ("`a`", SyntaxError, "`"),
    ("2a", SyntaxError, "2a"),
    ("1.5.2", SyntaxError, ".2"),
    ("0123", SyntaxError, "0123"),
    ("1__0", SyntaxError, "_"),
    ("0x", SyntaxError, "0x"),
    ("0x__1", SyntaxError, "_"),
    ("0b1_", SyntaxError, "_"),
    ("bb'x'", SyntaxError, "'x'"),
    ("ub'x'", SyntaxError, "'x'"),
    ("rur'x'", SyntaxError, "'x'"),
    ("a + and", SyntaxError, "and"),
    ("a + not b", SyntaxError, "not"),
    ("sin(a - if)", SyntaxError, "if"),
    ("a * in", SyntaxError, "in"),
    ("'abc", SyntaxError, "'"),
    ("'\\x1'", SyntaxError, "'\\x1'"),
    ("b'é'", SyntaxError, "é"),
    ("a + yield", SyntaxError, "yield"),
    ("a +\nb", SyntaxError, None),
    ("*a", SyntaxError, "*"),
    ("a ** ", SyntaxError, None),
    ("sin(a", SyntaxError, None),
    ("sin(a b)", SyntaxError, "b"),
    ("€ + a", SyntaxError, "€"),
]


def pointed_at(error: BaseException, expression: str) -> str | None:
    """What an exception's carets stand under; None when that is the end."""
    if isinstance(error, SyntaxError):
        line = expression.split("\n")[error.lineno - 1]
        start, end = error.offset - 1, error.end_offset - 1
    else:
        _, line, carets = str(error).rsplit("\n", 2)
        start, end = len(carets) - len(carets.lstrip()), len(carets)
    return line[start:end] if line[start:end].strip() else None


@pytest.mark.parametrize("expression, kind, place", CASES, ids=[repr(case[0]) for case in CASES])
def test_place(expression: str, kind: type, place: str | None) -> None:
    """The class is right, and the carets are where the fault is."""
    with pytest.raises(kind) as caught:
        ne.evaluate(expression, VALUES)
    assert type(caught.value) is kind
    wanted = None if place is None else place.replace("\0", "?")
    assert pointed_at(caught.value, expression) == wanted


def test_every_case_also_comes_from_validate() -> None:
    """validate() gives the same exception back."""
    for expression, kind, _ in CASES:
        assert type(ne.validate(expression, VALUES)) is kind


def test_unknown_name() -> None:
    """A KeyError has the name as its only argument, and says the place in a note."""
    with pytest.raises(KeyError) as caught:
        ne.evaluate("a + zz * 2", VALUES)
    assert caught.value.args == ("zz",)
    text = "".join(traceback.format_exception(caught.value))
    assert "    a + zz * 2\n        ^^" in text


def test_python_shows_the_place_of_syntax_errors() -> None:
    """A SyntaxError is printed with line and caret, as Python's own are."""
    with pytest.raises(SyntaxError) as caught:
        ne.evaluate("a + * b", VALUES)
    assert "    a + * b\n        ^" in "".join(traceback.format_exception_only(caught.value))


def test_surrogates() -> None:
    """A text that is no text."""
    for text in ("a + '\ud800'", "\udfff"):
        with pytest.raises(UnicodeEncodeError):
            ne.evaluate(text, VALUES)


ESCAPES = [
    r"'\t\x41\u00e9'", r"r'\t'", r"'\é'", r"'\\\é\\'", r"'\\é'", r"'''é\n\N{DIGIT ONE}'''",
    r"Rb'\x'", "u'é'", r"b'\x00\1'",
]  # fmt: skip


@pytest.mark.parametrize("text", ESCAPES)
def test_escapes(text: str) -> None:
    """Strings mean what Python's mean."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = eval(text)
        assert ne.NumExpr(f"x == {text}", [("x", np.array(wanted).dtype)]).constants == (wanted,)


def test_escapes_that_are_wrong() -> None:
    """A warning that is an error is one of the text, as for Python's own compiler."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(SyntaxError, match="escape"):
            ne.evaluate(r"u == '\d'", VALUES)


def test_sanitize_off() -> None:
    """Without sanitize, what is hostile is still refused: as wrong syntax, or what it is."""
    with pytest.raises(SyntaxError):
        ne.evaluate("import os;", VALUES, sanitize=False)
    with pytest.raises(TypeError):
        ne.evaluate("a[0]", VALUES, sanitize=False)
    with pytest.raises(AttributeError):
        ne.evaluate("a.T", VALUES, sanitize=False)
    with pytest.raises(KeyError):
        ne.evaluate("__nothing__", VALUES, sanitize=False)


def test_sanitize_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """NUMEXPR_SANITIZE=0 is the default for sanitize=None; True and False win over it."""
    monkeypatch.setenv("NUMEXPR_SANITIZE", "0")
    with pytest.raises(SyntaxError):
        ne.evaluate("import os;", VALUES)
    with pytest.raises(ValueError):
        ne.evaluate("import os;", VALUES, sanitize=True)


def test_long_lines_are_cut() -> None:
    """The message shows a part of a long expression, with the place in it."""
    expression = " + ".join(["a"] * 5000) + " + a.bad + " + " + ".join(["a"] * 5000)
    with pytest.raises(ValueError) as caught:
        ne.evaluate(expression, VALUES)
    message = str(caught.value)
    assert len(message) < 400 and pointed_at(caught.value, expression) == "bad"


def test_long_names_are_cut() -> None:
    """A message does not repeat a name of any length."""
    name = "é" * 100_000
    values = {name: D, name + "1": D[:3]}
    for text in (f"{name}(a)", f"a.{name}", f"__{name}__", f"{name} + {name}1", f"{name} & {name}"):
        error = ne.validate(text, values)
        if error is None:
            with pytest.raises(ValueError) as caught:
                ne.evaluate(text, values)
            error = caught.value
        assert len(str(error)) < 600, text[-20:]


def test_place_in_the_right_line() -> None:
    """Of several lines, the one with the fault is shown, tabs and all."""
    with pytest.raises(ValueError) as caught:
        ne.evaluate("(a +\n\tb.bad +\n c)", VALUES)
    assert str(caught.value).endswith("\n     b.bad +\n       ^^^")


@pytest.mark.parametrize("count", [199, 201, 5000, 100_000])
def test_nesting_is_bounded(count: int) -> None:
    """Brackets nest to a depth; beyond it is an error, and never a crash."""
    deep = "(" * count + "a" + ")" * count
    if count < 200:
        assert np.array_equal(ne.evaluate(deep, VALUES), D)
    else:
        with pytest.raises(SyntaxError, match="nested"):
            ne.evaluate(deep, VALUES)


def test_other_recursions_are_bounded() -> None:
    """Powers, calls and signs nest as well."""
    for text in ("a**" * 5000 + "a", "sin(" * 5000 + "a" + ")" * 5000):
        with pytest.raises(SyntaxError, match="nested"):
            ne.evaluate(text, VALUES)
    assert np.array_equal(ne.evaluate("-" * 10_000 + "a", VALUES), D)


def test_lengths_are_bounded() -> None:
    """Texts, numbers and registers have limits that are said."""
    with pytest.raises(ValueError, match="longer than"):
        ne.evaluate("a" + " " * 2_000_000, VALUES)
    with pytest.raises(ValueError, match="digits"):
        ne.evaluate("1" * 10_000, VALUES)
    many = " + ".join(f"a * {number}.5" for number in range(66_000))
    with pytest.raises(ValueError, match="more than 65000"):
        ne.evaluate(many, VALUES)


def test_ten_thousand_terms() -> None:
    """Long sums, of names, of constants and of products."""
    assert np.array_equal(ne.evaluate("+".join(["a"] * 10_000), VALUES), D * 10_000)
    terms = "+".join(f"a*{number}" for number in range(10_000))
    assert np.array_equal(ne.evaluate(terms, VALUES), D * sum(range(10_000)))
    names = {f"v{number}": D + number for number in range(300)}
    total = sum(names.values())
    assert np.allclose(ne.evaluate("+".join(names), names), total)


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_values_that_are_no_names(value: str) -> None:
    """`nan` and `inf` are names like any other; values of arrays and of literals pass through."""
    with pytest.raises(KeyError):
        ne.evaluate(f"a + {value}", VALUES)
    array = np.array([float(value), 1.0])
    assert np.array_equal(ne.evaluate("x * 2", {"x": array}), array * 2, equal_nan=True)
    assert np.isinf(ne.evaluate("1e400"))


def test_wrong_arguments() -> None:
    """Parameters are checked, each with its own name."""
    for expected, kind, keywords in [
        ("must specify expression as a string", ValueError, {"ex": 3}),
        ("Unknown keyword argument 'foo'", ValueError, {"foo": 1}),
        ("'optimization' must be one of", ValueError, {"optimization": "x"}),
        ("'truediv' must be one of", ValueError, {"truediv": 3}),
        ("order must be one of", ValueError, {"order": "Q"}),
        ("casting must be one of", ValueError, {"casting": "x"}),
        ("out must be a NumPy array", TypeError, {"out": 3}),
        ("not deep enough", ValueError, {"_frame_depth": 10_000}),
    ]:
        with pytest.raises(kind, match=expected):
            ne.evaluate(**{"ex": "a", "local_dict": VALUES, **keywords})
    with pytest.raises(TypeError, match="at most 9 positional"):
        ne.evaluate("a", *[None] * 9)
    with pytest.raises(TypeError, match="multiple values"):
        ne.evaluate("a", VALUES, local_dict=VALUES)


def test_shapes_and_outputs() -> None:
    """What only the arrays can say."""
    values = {"a": D, "x": np.zeros(3), "one": 1.0}
    with pytest.raises(ValueError, match="broadcast.*'x' does not go with 'a'") as caught:
        ne.evaluate("a*one + x", values)
    assert pointed_at(caught.value, "a*one + x") == "x"
    with pytest.raises(ValueError, match="broadcast") as caught:
        ne.NumExpr("x - a", [("x", np.float64), ("a", np.float64)])(values["x"], D)
    assert pointed_at(caught.value, "x - a") == "a"
    with pytest.raises(ValueError, match="axis") as caught:
        ne.evaluate("sum(a * 2, axis=1)", values)
    assert pointed_at(caught.value, "sum(a * 2, axis=1)") == "sum"
    with pytest.raises(ValueError):
        ne.evaluate("a + b", VALUES, out=np.zeros(3))
    with pytest.raises(TypeError):
        ne.evaluate("a + b", VALUES, out=np.zeros(4, "i4"))
    frozen = np.zeros(4)
    frozen.flags.writeable = False
    with pytest.raises(ValueError):
        ne.evaluate("a + b", VALUES, out=frozen)
    with pytest.raises(TypeError):
        ne.evaluate("x", {"x": np.array([1], "u8")}, casting="safe")
    with pytest.raises(ValueError):
        ne.evaluate("sum(a, axis=1)", VALUES)


def test_hostile_texts_do_nothing(tmp_path: object) -> None:
    """No piece of an expression is ever run as Python."""
    marker = []

    class Trap:
        def __getattr__(self, name: str) -> object:
            marker.append(name)
            raise AttributeError(name)

        def __array__(self, *args: object, **keywords: object) -> np.ndarray:
            return D

    texts = [
        "trap.real", "trap.x", "trap()", "trap[0]", "getattr(trap, 'x')", "eval('trap')",
        "exec('trap')", "'%s' % trap", "'{}'.format(trap)", "trap if trap else trap",
        "[trap for trap in trap]", "trap.__class__", "().__class__.__bases__", "vars()['trap']",
    ]  # fmt: skip
    for text, sanitize in itertools.product(texts, [True, False]):
        try:
            ne.evaluate(text, {"trap": Trap()}, sanitize=sanitize)
        except (ValueError, TypeError, SyntaxError, AttributeError, KeyError):
            pass
    assert not [name for name in marker if not name.startswith("__array")]
