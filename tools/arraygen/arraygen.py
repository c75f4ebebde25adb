"""Writes the tables of docs/guide/array-functions.md out of src/array's own tables.

    arraygen.py docs PAGE [--check]     between two marks; --check: only say whether it is true

How it works: array_operation.def says what expressions can call, array_ops.def which kernels there
are and how exact they are; the names of the rows join the two. What an operation means in words
stands here, and an operation without words is an error.
What must stay true: the output depends on the two tables alone.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ARRAY = Path(__file__).resolve().parents[2] / "src" / "array"
BEGIN = "<!-- made by tools/arraygen: begin -->\n"
END = "<!-- made by tools/arraygen: end -->\n"
TYPES = {
    "BOOL": "bool", "INT": "int32", "LONG": "int64", "FLOAT": "float32", "DOUBLE": "float64",
    "COMPLEX": "complex128", "BYTES": "bytes", "STR": "str",
}  # fmt: skip
NUMBERS = ["BOOL", "INT", "LONG", "FLOAT", "DOUBLE", "COMPLEX"]
WORDS = {
    "COPY": "x itself",
    "ONES_LIKE": "1 everywhere",
    "NEG": "`-x`",
    "INVERT": "`~x`; every bit turned over, of bools: not",
    "ADD": "`x + y`; of bools: or",
    "SUB": "`x - y`",
    "MUL": "`x * y`; of bools: and",
    "DIV": "`x / y`",
    "FLOORDIV": "`x // y`; rounded down",
    "MOD": "`x % y`; with the sign of y",
    "POW": "`x ** y`",
    "LSHIFT": "`x << y`",
    "RSHIFT": "`x >> y`",
    "AND": "`x & y`",
    "OR": "`x | y`",
    "XOR": "`x ^ y`",
    "EQ": "`x == y`",
    "NE": "`x != y`",
    "GT": "`x > y`, `x < y`",
    "GE": "`x >= y`, `x <= y`",
    "WHERE": "x where the condition holds, else y",
    "CONTAINS": "whether the second string is in the first",
    "SQRT": "square root",
    "SIN": "sine",
    "COS": "cosine",
    "TAN": "tangent",
    "ARCSIN": "inverse sine",
    "ARCCOS": "inverse cosine",
    "ARCTAN": "inverse tangent",
    "SINH": "hyperbolic sine",
    "COSH": "hyperbolic cosine",
    "TANH": "hyperbolic tangent",
    "ARCSINH": "inverse hyperbolic sine",
    "ARCCOSH": "inverse hyperbolic cosine",
    "ARCTANH": "inverse hyperbolic tangent",
    "LOG": "natural logarithm",
    "LOG1P": "log(1 + x)",
    "LOG10": "logarithm to the base 10",
    "LOG2": "logarithm to the base 2",
    "EXP": "e to the x",
    "EXPM1": "exp(x) - 1",
    "ABSOLUTE": "without its sign; of complex numbers the size, as a complex number",
    "CONJUGATE": "the complex conjugate",
    "CEIL": "rounded up",
    "FLOOR": "rounded down",
    "TRUNC": "rounded towards zero",
    "ROUND": "rounded to the nearest, halves to the even one",
    "SIGN": "-1, 0 or 1; of complex numbers x / abs(x)",
    "FMOD": "remainder with the sign of x",
    "ARCTAN2": "angle of the point (y, x)",
    "HYPOT": "sqrt(x*x + y*y) without overflow",
    "NEXTAFTER": "the next number after x towards y",
    "COPYSIGN": "x with the sign of y",
    "MAXIMUM": "the larger one; nan where one is nan",
    "MINIMUM": "the smaller one; nan where one is nan",
    "REAL": "real part, also `x.real`",
    "IMAG": "imaginary part, also `x.imag`",
    "COMPLEX": "x + y*1j",
    "ISNAN": "whether it is nan",
    "ISFINITE": "whether it is neither inf nor nan",
    "ISINF": "whether it is inf or -inf",
    "SIGNBIT": "whether the sign is minus, of -0.0 too",
    "SUM": "all added up, or along `axis=`",
    "PROD": "all multiplied, or along `axis=`",
    "MIN": "the least one, or along `axis=`",
    "MAX": "the greatest one, or along `axis=`",
}


def operations() -> dict[str, tuple[str, int, str]]:
    """Operation -> what it is called ("" for operators), how many arguments it takes, its rule."""
    row = re.compile(r'^FS_ARRAY_OPERATION\((\w+), (NULL|"\w+"), (\d), (\w+), ', re.M)
    found = row.findall((ARRAY / "array_operation.def").read_text())
    return {
        name: ("" if word == "NULL" else word.strip('"'), int(count), rule)
        for name, word, count, rule in found
        if name != "CAST"
    }


def kernels() -> dict[str, dict[str, tuple[str, int]]]:
    """Operation -> type of its last argument -> type of the result, bound."""
    row = re.compile(
        r"^FS_ARRAY_OP\((\w+)_\w+, (\d), (\w+), (\w+), (\w+), (\w+), \w+, (-?\d+), ", re.M
    )
    found: dict[str, dict[str, tuple[str, int]]] = {}
    for name, count, result, *types, bound in row.findall((ARRAY / "array_ops.def").read_text()):
        found.setdefault(name, {})[types[int(count) - 1]] = (result, int(bound))
    return found


def cell(rows: dict[str, tuple[str, int]], kind: str) -> str:
    """What the table says of an operation on values of a type."""
    if kind not in rows:
        return ""
    result, bound = rows[kind]
    text = {0: "=", -1: "\\*"}.get(bound, str(bound))
    return text if result in (kind, "BOOL") else f"{text} ({TYPES[result]})"


def table(names: list[str], calls: dict[str, tuple[str, int, str]]) -> list[str]:
    """A table of operations on numbers."""
    lines, known = [], kernels()
    letters = {1: "x", 2: "x, y", 3: "condition, x, y"}
    for name in names:
        word, count, rule = calls[name]
        rows = dict(known.get(name, {}))
        if rule == "DIVIDE":  # what it is of integers, no expression asks for
            rows.pop("INT"), rows.pop("LONG")
        arguments = "y, x" if name == "ARCTAN2" else letters[count]
        sign, _, more = WORDS[name].partition("; ")
        first = [f"`{word}({arguments})`", WORDS[name]] if word else [sign, more]
        cells = [*first, *(cell(rows, kind) for kind in NUMBERS)]
        lines.append("| " + " | ".join(one.replace("|", "\\|") for one in cells) + " |")
    head = ["", "", *(TYPES[kind] for kind in NUMBERS)]
    return ["| " + " | ".join(head) + " |", "|---" * len(head) + "|", *lines, ""]


def tables() -> str:
    """What stands between the marks."""
    calls, known = operations(), kernels()
    if calls.keys() ^ WORDS.keys():
        sys.exit(f"arraygen: WORDS and array_operation.def differ: {calls.keys() ^ WORDS.keys()}")
    texts = [name for name in calls if {"BYTES", "STR"} & known[name].keys()]
    functions = [name for name, call in calls.items() if call[0] and name != "CONTAINS"]
    operators = [name for name, call in calls.items() if not call[0]]
    lines = ["### Functions", "", *table(functions, calls), "### Operators", ""]
    lines += [*table(operators, calls), "### Bytes and str", ""]
    lines += ["All exact: " + ", ".join(WORDS[name].partition("; ")[0] if not calls[name][0]
              else f"`{calls[name][0]}()`" for name in texts) + ".", ""]  # fmt: skip
    return "\n".join(lines)


def main() -> int:
    """Write the page anew, or check it."""
    if (
        len(sys.argv) not in (3, 4)
        or sys.argv[1] != "docs"
        or sys.argv[3:] not in ([], ["--check"])
    ):
        sys.exit(__doc__)
    page = Path(sys.argv[2])
    before, begin, rest = page.read_text().partition(BEGIN)
    old, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"arraygen: {page} has not the two marks {BEGIN.strip()} and {END.strip()}")
    new = tables()
    if sys.argv[3:]:
        if old != new:
            print(f"{page} is not up to date: run tools/arraygen/arraygen.py docs {page}")
        return int(old != new)
    page.write_text(before + begin + new + end + after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
