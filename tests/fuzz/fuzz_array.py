"""Fuzzer of array expressions: texts of four kinds, each through the whole front end and executed.

    tests/fuzz/fuzz_array.py --seconds 60 --seed 1

Kinds: sentences of the grammar, which are compared with NumPy's own result; the same with a few
characters changed; soups of tokens; soups of characters. Whatever is wrong with a text has to come
out as one of a few exceptions with its place in it; a crash, another exception, a wrong value or a
wrong type is a fault, printed with the seed that repeats it.

How it works: a child process does the work (fuzz_watch.py).
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
import warnings
from pathlib import Path

from fuzz_watch import Child, watch

ALLOWED = (
    SyntaxError, ValueError, TypeError, KeyError, NotImplementedError, OverflowError,
    ZeroDivisionError, RuntimeError, AttributeError,
)  # fmt: skip
NAMES = ["a", "b", "f", "i", "l", "t", "z"]
EXACT_FUNCTIONS = ["abs", "sqrt", "ceil", "floor", "trunc"]
ROUGH_FUNCTIONS = ["sin", "cos", "exp", "log1p", "tanh", "arctan", "expm1", "log", "arcsinh"]
TOKENS = [
    *NAMES, "sin", "where", "sum", "axis", "1", "2.5", "1e3", "3j", "0x1f", "'x'", "b'y'", "True",
    "None", "lambda", "and", "not", "if", "else", "in", "__class__", "real", "imag", "$0", "(", ")",
    "[", "]", "{", "}", ",", ".", ":", ";", "+", "-", "*", "/", "**", "//", "%", "<<", ">>", "<",
    "<=", "==", "!=", ">", ">=", "&", "|", "^", "~", "=", "!", "@", "\\", "\n", "#", "\t", " ",
    "\0", "é", "ᵇ", "١", "\U0001f600", "'", '"', "'''", "\\N{DIGIT ONE}", "0b", "1_0", "1__0",
    "9" * 30,
]  # fmt: skip


class Grammar:
    """Sentences that have a value, and that NumPy computes to the same."""

    def __init__(self, rng: random.Random) -> None:
        """All choices come from `rng`."""
        self.rng = rng

    def number(self, depth: int) -> str:
        """A number, real and not too large."""
        rng = self.rng
        kind = rng.randrange(10) if depth > 0 else rng.randrange(3)
        if kind == 0:
            return rng.choice(["1", "2", "0.5", "3.25", "7", "1e-3", "0.1"])
        if kind < 3:
            return rng.choice(["a", "b", "f", "i", "l"])
        if kind < 7:
            sign = rng.choice(["+", "-", "*", "/", "+", "-", "*"])
            gap = rng.choice(["", " "])
            return f"({self.number(depth - 1)}{gap}{sign}{gap}{self.number(depth - 1)})"
        if kind == 7:
            return f"where({self.truth(depth - 1)}, {self.number(depth - 1)}, a)"
        if kind == 8:
            return f"-{self.number(depth - 1)}"
        function = rng.choice(EXACT_FUNCTIONS + ROUGH_FUNCTIONS)
        return f"{function}({self.number(depth - 1)})"

    def truth(self, depth: int) -> str:
        """A truth value."""
        rng = self.rng
        if depth <= 0 or rng.random() < 0.2:
            return rng.choice(["t", "(a > 0)", "(i != 2)"])
        if rng.random() < 0.4:
            sign = rng.choice(["&", "|", "^"])
            return f"({self.truth(depth - 1)} {sign} {self.truth(depth - 1)})"
        sign = rng.choice(["<", "<=", "==", "!=", ">", ">="])
        return f"({self.number(depth - 1)} {sign} {self.number(depth - 1)})"

    def whole(self, depth: int) -> str:
        """A whole number, which wraps around as NumPy's do."""
        rng = self.rng
        kind = rng.randrange(8) if depth > 0 else rng.randrange(3)
        if kind == 0:
            return rng.choice(["1", "2", "3", "7", "0", "0x1f"])
        if kind < 3:
            return rng.choice(["i", "l"])
        if kind < 6:
            sign = rng.choice(["+", "-", "*", "//", "%", "&", "|", "^"])
            return f"({self.whole(depth - 1)} {sign} {self.whole(depth - 1)})"
        if kind == 6:
            return rng.choice(["-", "~", "+"]) + self.whole(depth - 1)
        a, b, c = (self.whole(depth - 1) for _ in range(3))
        return f"where({a} > {b}, {c}, i)"

    def sentence(self) -> str:
        """One expression."""
        kind = self.rng.randrange(4)
        if kind == 0:
            return self.whole(self.rng.randrange(1, 6))
        if kind == 1:
            reduction = self.rng.choice(["sum", "prod", "min", "max"])
            return f"{reduction}({self.whole(self.rng.randrange(4))})"
        return self.number(self.rng.randrange(1, 6))


def mutate(rng: random.Random, text: str) -> str:
    """A few characters or tokens of a text changed, repeated or left out."""
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text) + 1)
        to = min(len(text), at + rng.randrange(4))
        new = rng.choice(["", rng.choice(TOKENS), chr(rng.randrange(1, 0x250)), text[at:to] * 2])
        text = text[:at] + new + text[to:]
    return text


def make(rng: random.Random) -> tuple[str, bool]:
    """A text, and whether it is a sentence of the grammar."""
    kind = rng.randrange(10)
    if kind < 4:
        return Grammar(rng).sentence(), True
    if kind < 7:
        return mutate(rng, Grammar(rng).sentence()), False
    if kind < 9:
        gap = rng.choice(["", " "])
        return gap.join(rng.choice(TOKENS) for _ in range(rng.randrange(1, 25))), False
    letters = [chr(rng.choice([rng.randrange(128), rng.randrange(0xD800)])) for _ in range(30)]
    return "".join(letters), False


class Trial:
    """The values that expressions are tried on, in both our and NumPy's hands."""

    def __init__(self) -> None:
        """Small arrays with all that is odd in them."""
        import fullspeed as ne
        import numpy as np

        self.np, self.ne = np, ne
        self.values = {
            "a": np.array([0.0, -0.0, 1.5, -2.25, 1e300, -1e-300, np.inf, np.nan, 3.0]),
            "b": np.array([2.0, 1.0, -0.5, 0.0, 4.0, 1e10, -np.inf, 2.0, np.nan]),
            "f": np.linspace(-3, 5, 9, dtype="f4"),
            "i": np.arange(-4, 5, dtype="i4"),
            "l": np.arange(9, dtype="i8") * 3 - 7,
            "t": np.arange(9) % 3 == 0,
            "z": np.exp(1j * np.arange(9)),
        }
        names = [*EXACT_FUNCTIONS, *ROUGH_FUNCTIONS, "where", "sum", "prod", "min", "max"]
        self.space = {name: getattr(np, name) for name in names} | self.values

    def is_whole(self, text: str) -> bool:
        """Whether a sentence has whole numbers only."""
        return not set(re.findall(r"[a-z]\w*|[.]", text)) & {"a", "b", "f", "."}

    def compare(self, text: str) -> str | None:
        """What is wrong with the value of a sentence; NumPy's differs in types of float32 only."""
        np, ne = self.np, self.ne
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            wide = self.values
            if not self.is_whole(text):
                wide = {name: value.astype("f8") if value.dtype.kind in "fi" else value
                        for name, value in self.values.items()}  # fmt: skip
            try:
                wanted = eval(text, self.space | wide)
            except ZeroDivisionError:
                wanted = None
            except OverflowError:
                return None  # NumPy has no wider type for a literal
            try:
                found = ne.evaluate(text, wide)
            except ZeroDivisionError:
                return None if wanted is None else "ZeroDivisionError"
            if wanted is None:
                return "no ZeroDivisionError"
            plain = ne.evaluate(text, wide, optimization="none")
            ne.evaluate(text, self.values)
        if not np.array_equal(found, plain, equal_nan=True):
            return f"{found} with optimization, {plain} without"
        if any(name in text for name in ROUGH_FUNCTIONS):
            # A difference of one bit may become any difference: by cancelling, in a comparison.
            return None
        wanted = np.asarray(wanted).astype(found.dtype)
        same = np.array_equal(np.broadcast_to(found, wanted.shape), wanted, equal_nan=True)
        return None if same else f"{found}, NumPy has {wanted}"

    def attempt(self, text: str, valid: bool) -> str | None:
        """What is wrong with how a text is taken; None: nothing."""
        ne = self.ne
        if valid:
            return self.compare(text)
        for options in ({}, {"sanitize": False}, {"optimization": "none"}):
            error = ne.validate(text, self.values, {}, **options)
            if error is None:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    try:
                        ne.evaluate(text, self.values, {}, **options)
                    except ALLOWED:
                        pass
                continue
            if not isinstance(error, ALLOWED):
                return f"{type(error).__name__}: {error}"
            if isinstance(error, SyntaxError):
                if error.lineno is None or error.offset is None or error.offset < 1:
                    return f"no place in {error!r}"
            elif not isinstance(error, KeyError) and "\n" not in str(error):
                return f"no place in {error!r}"
            if len(str(error)) > 1000:
                return "a message that is too long"
        return None


def work(seconds: float, seed: int, progress: Path) -> int:
    """The child: try texts until the time is over. 1 when something is wrong."""
    warnings.simplefilter("ignore")  # wrong escapes in strings
    trial, child = Trial(), Child("fuzz_array", "texts", progress)

    def one(number: str, rng: random.Random) -> None:
        text, valid = make(rng)
        child.attempt(number, ascii(text), lambda: trial.attempt(text, valid))

    child.loop(seconds, seed, one)
    return child.end()


def main() -> int:
    """Run the child, and say what it died of."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return work(options.seconds, options.seed, options.child)
    arguments = ["--seconds", str(options.seconds), "--seed", str(options.seed)]
    code, _ = watch(__file__, arguments, options.seconds)
    return code


if __name__ == "__main__":
    sys.exit(main())
