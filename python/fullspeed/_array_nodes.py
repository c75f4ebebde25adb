"""Expressions that are written as Python code: `E.a + 2 * E.b`, for `NumExpr()`.

How it works: an object holds the expression's text, in which a mark stands for each constant, and
the constants in the order of their marks; an operator joins texts and constants. The compiler gets
`(text, constants)` from `__array_expression__()`, the marks replaced by $0, $1, ...
What must stay true: text needs parentheses only where Python's grammar does, so that a long sum
does not nest.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy

__all__ = ["ConstantNode", "E", "Expression", "ExpressionNode", "VariableNode", "functions"]

_MARK = "\ue000"
_ALONE = 10
_CONSTANTS = (bool, int, float, complex, bytes, str, numpy.generic)


def _kind(value: object) -> str:
    """NumExpr's name for the type of a constant."""
    if isinstance(value, bool | numpy.bool_):
        return "bool"
    if isinstance(value, int | numpy.integer):
        wide = isinstance(value, numpy.int64) or not -(2**31) <= int(value) < 2**31
        return "long" if wide else "int"
    if isinstance(value, numpy.float32 | numpy.float16):
        return "float"
    if isinstance(value, float | numpy.floating):
        return "double"
    if isinstance(value, complex | numpy.complexfloating):
        return "complex"
    if isinstance(value, bytes | str):
        return "bytes"
    raise TypeError(f"a constant must be a number, bytes or str, not {type(value).__name__}")


def _node(value: object) -> ExpressionNode:
    """The node that stands for an operand."""
    if isinstance(value, ExpressionNode):
        return value
    if isinstance(value, _CONSTANTS):
        return ConstantNode(value)
    raise TypeError(f"unsupported object type: {type(value)}")


def _binary(sign: str, rank: int, right: bool = False) -> Callable:
    """A method for an operator; `right`: of what stands behind it."""

    def method(self: ExpressionNode, other: object) -> ExpressionNode:
        if not isinstance(other, (ExpressionNode, *_CONSTANTS)):
            return NotImplemented
        first, second = (_node(other), self) if right else (self, _node(other))
        # `**` goes from right to left, comparisons do not chain, all others go from left to right.
        left = first._within(rank if rank not in (1, 9) else rank + 1)
        text = f"{left} {sign} {second._within(rank + 1)}"
        return ExpressionNode(text, rank, first._constants + second._constants)

    return method


def _unary(sign: str) -> Callable:
    """A method for a sign in front."""

    def method(self: ExpressionNode) -> ExpressionNode:
        return ExpressionNode(f"{sign}{self._within(8)}", 8, self._constants)

    return method


class ExpressionNode:
    """A part of an expression. `rank`: how strongly its outermost operator binds."""

    __slots__ = ("_constants", "_rank", "_text")
    __hash__ = object.__hash__

    def __init__(self, text: str, rank: int, constants: tuple = ()) -> None:
        """Made by operators, not by hand."""
        self._text, self._rank, self._constants = text, rank, constants

    def _within(self, rank: int) -> str:
        """The text as an operand of an operator."""
        return self._text if self._rank >= rank else f"({self._text})"

    def __array_expression__(self) -> tuple[str, tuple]:
        """What the compiler reads: the text and its constants."""
        pieces = self._text.split(_MARK)
        marked = [f"{piece}${number}" for number, piece in enumerate(pieces[:-1])]
        return "".join(marked) + pieces[-1], self._constants

    @property
    def real(self) -> ExpressionNode:
        """The real part."""
        return ExpressionNode(f"{self._within(_ALONE)}.real", _ALONE, self._constants)

    @property
    def imag(self) -> ExpressionNode:
        """The imaginary part."""
        return ExpressionNode(f"{self._within(_ALONE)}.imag", _ALONE, self._constants)

    def __repr__(self) -> str:
        """The expression, constants as they are."""
        pieces = self._text.split(_MARK)
        both = [f"{piece}{value!r}" for piece, value in zip(pieces, self._constants, strict=False)]
        return "".join(both) + pieces[-1]

    def __bool__(self) -> bool:
        """Refused: an array has no one truth value."""
        raise TypeError("use & for 'and', | for 'or' and ~ for 'not' in array expressions")

    __array_ufunc__ = None  # NumPy's scalars leave operators to us
    __eq__, __ne__ = _binary("==", 1), _binary("!=", 1)
    __lt__, __le__ = _binary("<", 1), _binary("<=", 1)
    __gt__, __ge__ = _binary(">", 1), _binary(">=", 1)
    __or__, __ror__ = _binary("|", 2), _binary("|", 2, right=True)
    __xor__, __rxor__ = _binary("^", 3), _binary("^", 3, right=True)
    __and__, __rand__ = _binary("&", 4), _binary("&", 4, right=True)
    __lshift__, __rlshift__ = _binary("<<", 5), _binary("<<", 5, right=True)
    __rshift__, __rrshift__ = _binary(">>", 5), _binary(">>", 5, right=True)
    __add__, __radd__ = _binary("+", 6), _binary("+", 6, right=True)
    __sub__, __rsub__ = _binary("-", 6), _binary("-", 6, right=True)
    __mul__, __rmul__ = _binary("*", 7), _binary("*", 7, right=True)
    __truediv__, __rtruediv__ = _binary("/", 7), _binary("/", 7, right=True)
    __floordiv__, __rfloordiv__ = _binary("//", 7), _binary("//", 7, right=True)
    __mod__, __rmod__ = _binary("%", 7), _binary("%", 7, right=True)
    __pow__, __rpow__ = _binary("**", 9), _binary("**", 9, right=True)
    __neg__, __pos__, __invert__ = _unary("-"), _unary("+"), _unary("~")


class VariableNode(ExpressionNode):
    """A variable: an input of the expression."""

    __slots__ = ("astKind", "value")
    astType = "variable"

    def __init__(self, value: str, kind: str = "double") -> None:
        """A variable by its name."""
        super().__init__(value, _ALONE)
        self.value, self.astKind = value, kind


class ConstantNode(ExpressionNode):
    """A constant, with its type as NumPy sees it: numpy.float32(1) is a float32."""

    __slots__ = ("astKind", "value")
    astType = "constant"

    def __init__(self, value: object) -> None:
        """A constant by its value."""
        super().__init__(_MARK, _ALONE, (value,))
        self.value, self.astKind = value, _kind(value)


class Expression:
    """`E`: each attribute is the variable of that name."""

    def __getattr__(self, name: str) -> VariableNode:
        """Name a variable."""
        if name.startswith("_"):
            raise AttributeError(name)
        return VariableNode(name)


E = Expression()


def _function(name: str) -> Callable:
    """A function of array expressions, on E objects."""

    def call(*args: object) -> ExpressionNode:
        nodes = [_node(arg) for arg in args]
        text = f"{name}({', '.join(node._text for node in nodes)})"
        return ExpressionNode(text, _ALONE, sum((node._constants for node in nodes), ()))

    call.__name__ = call.__qualname__ = name
    return call


_NAMES = (
    "copy ones_like where contains sqrt sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh "
    "arccosh arctanh log log1p log10 log2 exp expm1 abs conj ceil floor trunc round sign fmod "
    "arctan2 hypot nextafter copysign maximum minimum real imag complex "
    "isnan isfinite isinf signbit"
)
functions = {name: _function(name) for name in _NAMES.split()}
