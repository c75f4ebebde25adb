"""Random Python expressions for the differential fuzzer.

How it works: `ExprMaker` draws from its own `random.Random`, so a seed names one program for ever.
Names are drawn from a `Scope`; some are unbound on purpose.

What must stay true: values may not blow up (powers and shifts have small right sides) and nothing
may show an address, an identity or the time: every difference must be the engine's.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

BINARY = ["+", "-", "*", "//", "%", "/", "&", "|", "^", "@"]
SAFE_SUBSCRIPT = ["[1, 2, 3]", "(4, 5, 6)", "'subscript'", "{0: 'z', 1: 'o', 2: 't'}", "b'bytes'"]
COMPARE = ["<", "<=", "==", "!=", ">", ">=", "in", "not in", "is", "is not"]
ATTRIBUTES = ["a0", "a1", "a2", "p0", "real", "c0"]
METHODS = ["m0", "m1", "m2"]
CONSTANTS = [
    "0",
    "1",
    "-1",
    "2",
    "3",
    "7",
    "255",
    "256",
    "257",
    "-6",
    "2**30",
    "2**30 - 1",
    "-2**30",
    "2**31",
    "2**62",
    "2**63",
    "2**63 - 1",
    "-2**63",
    "10**25",
    "0.0",
    "-0.0",
    "1.5",
    "2.0",
    "-3.25",
    "1e300",
    "float('inf')",
    "float('nan')",
    "True",
    "False",
    "None",
    "''",
    "'a'",
    "'abc'",
    "'é'",
    "'漢字'",
    "'k0'",
    "b'xy'",
    "()",
    "(1, 2)",
    "(3, 'x', None)",
    "[]",
    "[1, 2, 3]",
    "{}",
    "{'k0': 1, 1: 'one'}",
    "range(4)",
    "2j",
    "...",
    "frozenset({1})",
    "bytearray(b'q')",
    "[[1], [2, 3]]",
    "'%s'",
    "{1, 2}",
]
BUILTINS_ONE = [
    "len",
    "str",
    "int",
    "float",
    "bool",
    "abs",
    "list",
    "tuple",
    "repr",
    "iter",
    "hash_of",
    "sum",
    "max",
    "min",
    "sorted",
    "type_name",
    "ord",
    "reversed_list",
    "dict",
    "next",
]
STRING_METHODS = [
    "upper()",
    "split()",
    "join(['x', 'y'])",
    "replace('a', 'b')",
    "startswith('a')",
    "encode()",
    "strip()",
    "index('b')",
    "format(1, 2)",
]
LIST_METHODS = [
    "append(1)",
    "pop()",
    "copy()",
    "index(2)",
    "extend((4, 5))",
    "reverse()",
    "sort()",
    "insert(0, 9)",
    "clear()",
    "get('k0')",
    "keys()",
    "items()",
    "values()",
    "setdefault('k1', 5)",
    "update({'z': 1})",
    "pop('k0', None)",
    "count(1)",
]


@dataclass
class Scope:
    """The names that an expression may use."""

    names: list[str] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    generators: list[str] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    is_generator: bool = False
    is_async: bool = False
    in_class: bool = False
    has_self: bool = False


class ExprMaker:
    """Makes random expressions as source text."""

    def __init__(self, rnd: random.Random) -> None:
        self.rnd = rnd
        self.fresh = 0

    def name(self, scope: Scope) -> str:
        """Return a name that is probably bound."""
        if not scope.names or self.rnd.random() < 0.005:
            return self.rnd.choice(["unbound0", "g0", "g1", "len"])
        return self.rnd.choice(scope.names)

    def new_name(self, prefix: str) -> str:
        """Return a name that nothing else uses."""
        self.fresh += 1
        return f"{prefix}{self.fresh}"

    def constant(self) -> str:
        """Return a literal; small ints most often."""
        if self.rnd.random() < 0.6:
            return f"({self.rnd.randrange(-3, 12)})"
        return f"({self.rnd.choice(CONSTANTS)})"

    def expr(self, scope: Scope, depth: int = 3) -> str:
        """Return an expression."""
        roll = self.rnd.random()
        if depth <= 0 or roll < 0.18:
            return self.name(scope) if self.rnd.random() < 0.65 else self.constant()
        makers = [
            (26, self.binary),
            (10, self.compare),
            (8, self.call),
            (5, self.attribute),
            (4, self.subscript),
            (4, self.boolean),
            (4, self.ternary),
            (4, self.unary),
            (4, self.display),
            (4, self.comprehension),
            (3, self.fstring),
            (4, self.method),
            (6, self.builtin),
            (2, self.lambda_),
            (1, self.walrus),
            (2, self.power),
            (1, self.odd),
            (3, self.instance),
        ]
        if scope.is_generator or scope.is_async:
            makers.append((3, self.suspend))
        makes = self.rnd.choices([m for _, m in makers], [w for w, _ in makers])[0]
        return makes(scope, depth - 1)

    def binary(self, scope: Scope, depth: int) -> str:
        op = self.rnd.choices(BINARY, [12, 9, 7, 2, 2, 2, 2, 2, 2, 0.5])[0]
        return f"({self.expr(scope, depth)} {op} {self.expr(scope, depth)})"

    def power(self, scope: Scope, depth: int) -> str:
        left = self.expr(scope, depth)
        return self.rnd.choice(
            [
                f"({left} ** 2)",
                f"({left} << 3)",
                f"({left} >> 2)",
                f"({left} ** 0.5)",
                f"({left} ** -1)",
                f"(2 ** (small({left})))",
                f"({left} << small({self.name(scope)}))",
            ]
        )

    def compare(self, scope: Scope, depth: int) -> str:
        parts = [self.expr(scope, depth)]
        for _ in range(self.rnd.choice([1, 1, 1, 1, 2])):
            op = self.rnd.choices(COMPARE, [6, 3, 9, 3, 5, 3, 3, 1, 2, 2])[0]
            value = self.expr(scope, depth)
            if op.endswith("in") and self.rnd.random() < 0.9:
                value = f"as_items({value})"
            parts += [op, value]
        if "is" in parts or "is not" in parts:  # identity only against singletons: ids may vary
            op, other = self.rnd.choice(["is", "is not"]), self.rnd.choice(["None", "True"])
            return f"({parts[0]} {op} {other})"
        return f"({' '.join(parts)})"

    def boolean(self, scope: Scope, depth: int) -> str:
        op = self.rnd.choice(["and", "or"])
        return (
            "("
            + f" {op} ".join(self.expr(scope, depth) for _ in range(self.rnd.choice([2, 2, 3])))
            + ")"
        )

    def ternary(self, scope: Scope, depth: int) -> str:
        value, condition, other = (self.expr(scope, depth) for _ in range(3))
        return f"({value} if {condition} else {other})"

    def unary(self, scope: Scope, depth: int) -> str:
        op = self.rnd.choice(["-", "not ", "not ", "+", "~"])
        return f"({op}{self.expr(scope, depth)})"

    def arguments(self, scope: Scope, depth: int) -> str:
        """Return an argument list of any shape."""
        parts = [self.expr(scope, depth) for _ in range(self.rnd.choice([0, 1, 1, 2, 2, 3]))]
        roll = self.rnd.random()
        if roll < 0.08:
            parts.append(f"*as_items({self.expr(scope, depth)})")
        elif roll < 0.1:
            parts.append(f"*{self.expr(scope, depth)}")
        elif roll < 0.14:
            parts.append(f"*[{self.expr(scope, depth)}]")
        if self.rnd.random() < 0.1:
            names = self.rnd.sample(["x", "y", "z", "kw"], self.rnd.choice([1, 1, 2]))
            parts += [f"{n}={self.expr(scope, depth)}" for n in names]
        if self.rnd.random() < 0.05:
            parts.append("**{'y': " + self.expr(scope, depth) + "}")
        return ", ".join(parts)

    def call(self, scope: Scope, depth: int) -> str:
        roll = self.rnd.random()
        if scope.functions and roll < 0.75:
            return f"{self.rnd.choice(scope.functions)}({self.arguments(scope, depth)})"
        if scope.generators and roll < 0.9:
            call = f"{self.rnd.choice(scope.generators)}({self.arguments(scope, depth)})"
            return f"{self.rnd.choice(['list', 'sum', 'next', 'tuple', 'show', 'sorted'])}({call})"
        if roll < 0.98:
            return f"show({self.expr(scope, depth)})"
        return f"{self.name(scope)}({self.arguments(scope, depth)})"

    def instance(self, scope: Scope, depth: int) -> str:
        if not scope.classes:
            return self.constant()
        return f"{self.rnd.choice(scope.classes)}({self.arguments(scope, depth)})"

    def target_object(self, scope: Scope, depth: int) -> str:
        """Return an expression that is often an instance."""
        if scope.has_self and self.rnd.random() < 0.5:
            return "self"
        if scope.classes and self.rnd.random() < 0.7:
            return f"make({self.rnd.choice(scope.classes)})"
        return self.name(scope) if self.rnd.random() < 0.6 else self.instance(scope, depth)

    def attribute(self, scope: Scope, depth: int) -> str:
        return f"{self.target_object(scope, depth)}.{self.rnd.choice(ATTRIBUTES)}"

    def method(self, scope: Scope, depth: int) -> str:
        roll = self.rnd.random()
        if roll < 0.55:
            target = self.target_object(scope, depth)
            return f"{target}.{self.rnd.choice(METHODS)}({self.arguments(scope, depth)})"
        if roll < 0.75:
            return f"str({self.expr(scope, depth)}).{self.rnd.choice(STRING_METHODS)}"
        if roll < 0.8 and scope.has_self:
            return f"super().{self.rnd.choice(METHODS)}({self.arguments(scope, depth)})"
        return f"{self.name(scope)}.{self.rnd.choice(LIST_METHODS)}"

    def subscript(self, scope: Scope, depth: int) -> str:
        value = self.expr(scope, depth)
        roll = self.rnd.random()
        if roll < 0.35:
            return f"{self.rnd.choice(SAFE_SUBSCRIPT)}[small({self.expr(scope, 1)})]"
        if roll < 0.7:
            return f"{value}[{self.expr(scope, min(depth, 1))}]"
        if roll < 0.85:
            return f"{value}[{self.name(scope)}:]"
        return f"{value}[{self.rnd.choice(['1:', ':2', '::-1', '1:3', ':', '::2'])}]"

    def display(self, scope: Scope, depth: int) -> str:
        items = [self.expr(scope, depth) for _ in range(self.rnd.choice([1, 2, 2, 3]))]
        if self.rnd.random() < 0.15:
            items.append(f"*as_items({self.expr(scope, depth)})")
        kind = self.rnd.randrange(4)
        if kind == 0:
            return f"[{', '.join(items)}]"
        if kind == 1:
            return f"({', '.join(items)},)"
        if kind == 2:
            keys = [self.rnd.choice(["'k0'", "'k1'", "1", self.constant()]) for _ in items]
            rows = ["**{'k1': 3}" if i[0] == "*" else f"{k}: {i}" for k, i in zip(keys, items)]
            return "{" + ", ".join(rows) + "}"
        return "{" + ", ".join(str(self.rnd.randrange(20)) for _ in items) + "}"

    def comprehension(self, scope: Scope, depth: int) -> str:
        variable = self.new_name("c")
        source = self.rnd.choice(
            [
                "range(3)",
                "range(9)",
                "[1, 2.5, 'x']",
                "'abc'",
                "(1, None)",
                f"as_items({self.expr(scope, depth)})",
            ]
        )
        inner = Scope([*scope.names, variable], scope.functions, scope.generators, scope.classes)
        if scope.in_class:
            inner.names = [variable, "g0", "g1"]
        item = self.expr(inner, depth)
        condition = f" if {self.expr(inner, depth)}" if self.rnd.random() < 0.4 else ""
        second = ""
        if self.rnd.random() < 0.2:
            other = self.new_name("c")
            second = f" for {other} in {self.expr(inner, 1)}"
        tail = f" for {variable} in {source}{second}{condition}"
        return self.rnd.choice(
            [
                f"[{item}{tail}]",
                f"list(({item}{tail}))",
                f"{{show({variable}): {item}{tail}}}",
                f"len({{hash_of({item}){tail}}})",
            ]
        )

    def fstring(self, scope: Scope, depth: int) -> str:
        value = self.expr(scope, min(depth, 1)).replace("'", '"').replace("\\", "")
        conversion = self.rnd.choice(["", "!r", "!s", ":>6", "!r:>9", "!a"])
        return f"f'v={{show({value}){conversion}}}{{{self.name(scope)} if 0 else 1}}'"

    def builtin(self, scope: Scope, depth: int) -> str:
        roll = self.rnd.random()
        if roll < 0.5:
            function = self.rnd.choice(["str", "bool", "repr", "type_name", "small", "show"])
            return f"{function}({self.expr(scope, depth)})"
        if roll < 0.6:
            function = self.rnd.choice(["list", "tuple", "len", "iter", "reversed_list", "max"])
            return f"{function}(as_items({self.expr(scope, depth)}))"
        if roll < 0.7:
            return f"{self.rnd.choice(BUILTINS_ONE)}({self.expr(scope, depth)})"
        if roll < 0.8:
            return f"isinstance({self.expr(scope, depth)}, (int, str))"
        if roll < 0.9:
            return (
                f"getattr({self.expr(scope, depth)}, '{self.rnd.choice(ATTRIBUTES)}', "
                f"{self.expr(scope, depth)})"
            )
        return self.rnd.choice(
            [
                f"divmod({self.expr(scope, depth)}, {self.expr(scope, depth)})",
                f"list(zip({self.expr(scope, depth)}, {self.expr(scope, depth)}))",
                f"list(enumerate({self.expr(scope, depth)}))",
                f"eval('{self.name(scope)}')",
                f"list(map(str, {self.expr(scope, depth)}))",
                "sorted(locals())",
                "frame_info()",
                f"next(iter({self.expr(scope, depth)}), None)",
            ]
        )

    def lambda_(self, scope: Scope, depth: int) -> str:
        variable = self.new_name("l")
        inner = Scope([*scope.names, variable], scope.functions, scope.generators, scope.classes)
        if scope.in_class:
            inner.names = [variable, "g0"]
        parameter = self.rnd.choice(
            [variable, f"{variable}={self.expr(scope, 1)}", f"*{variable}", f"**{variable}"]
        )
        body = self.expr(inner, depth)
        return f"(lambda {parameter}: {body})({self.arguments(scope, min(depth, 1))})"

    def walrus(self, scope: Scope, depth: int) -> str:
        if scope.in_class or not scope.names:
            return self.constant()
        name = self.rnd.choice(scope.names)
        if name == "self" or name[0] in "cgl":  # comprehension variables cannot be rebound
            return self.constant()
        return (
            f"show({name} := {self.expr(scope, depth)})" if scope.is_generator else self.constant()
        )

    def suspend(self, scope: Scope, depth: int) -> str:
        if scope.is_async:
            return self.rnd.choice(
                [
                    f"(await Pause({self.expr(scope, depth)}))",
                    f"(await pausing({self.expr(scope, depth)}))",
                ]
            )
        return self.rnd.choice(
            [
                f"(yield {self.expr(scope, depth)})",
                "(yield)",
                f"(yield from as_items({self.expr(scope, depth)}))",
            ]
        )

    def odd(self, scope: Scope, depth: int) -> str:
        return self.rnd.choice(
            [
                "exc_name()",
                "gc_collect()",
                f"refs({self.name(scope)})",
                "S0",
                "S1",
                "refs(S0)",
                f"show({self.name(scope)})",
                "depth_now()",
            ]
        )
