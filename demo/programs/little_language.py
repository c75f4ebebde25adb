"""An interpreter for a little language: tokenizer, parser, resolver, tree walker.

The kind of program that is all method calls, small objects, dictionaries and
exceptions as control flow. It runs programs of the little language: sieve, sorting,
closures, string building.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

PROGRAM = """
fun sieve(n) {
  let marks = list(n + 1, true);
  let found = 0;
  let i = 2;
  while (i <= n) {
    if (marks[i]) {
      found = found + 1;
      let j = i * i;
      while (j <= n) { marks[j] = false; j = j + i; }
    }
    i = i + 1;
  }
  return found;
}

fun counter(step) {
  let value = 0;
  fun next() { value = value + step; return value; }
  return next;
}

fun sort(items) {
  let n = len(items);
  let gap = n / 2;
  while (gap > 0) {
    let i = gap;
    while (i < n) {
      let held = items[i];
      let j = i;
      while (j >= gap and items[j - gap] > held) {
        items[j] = items[j - gap];
        j = j - gap;
      }
      items[j] = held;
      i = i + 1;
    }
    gap = gap / 2;
  }
  return items;
}

fun fib(n) { if (n < 2) { return n; } return fib(n - 1) + fib(n - 2); }

let seed = 42;
fun random(limit) { seed = (seed * 1103515245 + 12345) % 2147483648; return seed % limit; }

print("primes", sieve(SIZE * 10));
let next = counter(3);
let total = 0;
let k = 0;
while (k < SIZE) { total = total + next(); k = k + 1; }
print("total", total);
let items = list(SIZE, 0);
k = 0;
while (k < SIZE) { items[k] = random(100000); k = k + 1; }
sort(items);
print("sorted", items[0], items[SIZE / 2], items[SIZE - 1]);
print("fib", fib(16));
let text = "";
k = 0;
while (k < SIZE) { if (k % 3 == 0 or not (k % 5)) { text = text + "x"; } k = k + 1; }
print("text", len(text));
"""


class LanguageError(Exception):
    """An error in a program of the little language."""


class Token(NamedTuple):
    """One token and the line where it stands."""

    kind: str
    text: str
    line: int


KEYWORDS = {"fun", "let", "while", "if", "else", "return", "true", "false", "and", "or", "not"}
PAIRS = {"<=", ">=", "==", "!="}


def tokenize(source: str) -> Iterator[Token]:
    """All tokens of a program."""
    at, line, end = 0, 1, len(source)
    while at < end:
        c = source[at]
        if c == "\n":
            line += 1
            at += 1
        elif c in " \t":
            at += 1
        elif c.isalpha() or c == "_":
            start = at
            while at < end and (source[at].isalnum() or source[at] == "_"):
                at += 1
            word = source[start:at]
            yield Token(word if word in KEYWORDS else "name", word, line)
        elif c.isdigit():
            start = at
            while at < end and source[at].isdigit():
                at += 1
            yield Token("number", source[start:at], line)
        elif c == '"':
            stop = source.index('"', at + 1)
            yield Token("string", source[at + 1 : stop], line)
            at = stop + 1
        elif source[at : at + 2] in PAIRS:
            yield Token(source[at : at + 2], source[at : at + 2], line)
            at += 2
        elif c in "+-*/%<>=(){}[],;":
            yield Token(c, c, line)
            at += 1
        else:
            raise LanguageError(f"line {line}: unknown character {c!r}")
    yield Token("end", "", line)


class Scope:
    """Names and values, and the scope around it."""

    __slots__ = ("names", "outer")

    def __init__(self, outer: Scope | None = None) -> None:
        self.names: dict[str, Any] = {}
        self.outer = outer

    def find(self, name: str) -> dict[str, Any]:
        """The dictionary that holds a name."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names
            scope = scope.outer
        raise LanguageError(f"unknown name {name}")


class Returned(Exception):
    """Carries the value of a return statement."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Node:
    """A node of the program's tree."""

    def run(self, scope: Scope) -> Any:
        """Run or evaluate the node."""
        raise NotImplementedError


@dataclass(slots=True)
class Literal(Node):
    """A constant."""

    value: Any

    def run(self, scope: Scope) -> Any:
        return self.value


@dataclass(slots=True)
class Name(Node):
    """A variable."""

    name: str

    def run(self, scope: Scope) -> Any:
        return scope.find(self.name)[self.name]


@dataclass(slots=True)
class Binary(Node):
    """An operator with two sides."""

    function: Callable[[Any, Any], Any]
    left: Node
    right: Node

    def run(self, scope: Scope) -> Any:
        return self.function(self.left.run(scope), self.right.run(scope))


@dataclass(slots=True)
class Logic(Node):
    """`and` and `or`, which may not look at their right side."""

    stop: bool
    left: Node
    right: Node

    def run(self, scope: Scope) -> Any:
        value = self.left.run(scope)
        return value if bool(value) is self.stop else self.right.run(scope)


@dataclass(slots=True)
class Not(Node):
    """`not`."""

    operand: Node

    def run(self, scope: Scope) -> Any:
        return not self.operand.run(scope)


@dataclass(slots=True)
class Item(Node):
    """An item of a list."""

    items: Node
    index: Node

    def run(self, scope: Scope) -> Any:
        return self.items.run(scope)[self.index.run(scope)]


@dataclass(slots=True)
class Call(Node):
    """A call."""

    callee: Node
    arguments: list[Node]

    def run(self, scope: Scope) -> Any:
        callee = self.callee.run(scope)
        return callee(*[argument.run(scope) for argument in self.arguments])


@dataclass(slots=True)
class Let(Node):
    """A new variable."""

    name: str
    value: Node

    def run(self, scope: Scope) -> None:
        scope.names[self.name] = self.value.run(scope)


@dataclass(slots=True)
class Assign(Node):
    """A new value for a variable."""

    name: str
    value: Node

    def run(self, scope: Scope) -> None:
        value = self.value.run(scope)
        scope.find(self.name)[self.name] = value


@dataclass(slots=True)
class AssignItem(Node):
    """A new value for an item of a list."""

    target: Item
    value: Node

    def run(self, scope: Scope) -> None:
        self.target.items.run(scope)[self.target.index.run(scope)] = self.value.run(scope)


@dataclass(slots=True)
class Block(Node):
    """Statements in a scope of their own."""

    body: list[Node]

    def run(self, scope: Scope) -> None:
        inner = Scope(scope)
        for node in self.body:
            node.run(inner)


@dataclass(slots=True)
class While(Node):
    """A loop."""

    test: Node
    body: Node

    def run(self, scope: Scope) -> None:
        while self.test.run(scope):
            self.body.run(scope)


@dataclass(slots=True)
class If(Node):
    """A choice."""

    test: Node
    then: Node
    other: Node | None

    def run(self, scope: Scope) -> None:
        if self.test.run(scope):
            self.then.run(scope)
        elif self.other is not None:
            self.other.run(scope)


@dataclass(slots=True)
class Return(Node):
    """The end of a function."""

    value: Node

    def run(self, scope: Scope) -> None:
        raise Returned(self.value.run(scope))


@dataclass(slots=True)
class Function(Node):
    """A definition: makes a closure over the scope it runs in."""

    name: str
    parameters: list[str]
    body: Block

    def run(self, scope: Scope) -> None:
        def closure(*values: Any) -> Any:
            if len(values) != len(self.parameters):
                raise LanguageError(f"{self.name} takes {len(self.parameters)} values")
            inner = Scope(scope)
            inner.names.update(zip(self.parameters, values, strict=True))
            try:
                self.body.run(inner)
            except Returned as returned:
                return returned.value
            return None

        scope.names[self.name] = closure


OPERATORS: list[dict[str, Callable[[Any, Any], Any]]] = [
    {"==": lambda a, b: a == b, "!=": lambda a, b: a != b},
    {"<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
     ">": lambda a, b: a > b, ">=": lambda a, b: a >= b},
    {"+": lambda a, b: a + b, "-": lambda a, b: a - b},
    {"*": lambda a, b: a * b, "/": lambda a, b: a // b, "%": lambda a, b: a % b},
]  # fmt: skip


class Parser:
    """A recursive-descent parser with one token of look-ahead."""

    def __init__(self, tokens: Iterator[Token]) -> None:
        self.tokens = tokens
        self.token = next(tokens)

    def take(self, kind: str | None = None) -> Token:
        """Step over a token, of a kind that is demanded or any."""
        token = self.token
        if kind is not None and token.kind != kind:
            raise LanguageError(f"line {token.line}: {token.text!r} instead of {kind!r}")
        self.token = next(self.tokens, token)
        return token

    def accept(self, kind: str) -> bool:
        """Step over a token if it is of a kind."""
        if self.token.kind == kind:
            self.take()
            return True
        return False

    def program(self) -> list[Node]:
        """A whole program."""
        body = []
        while self.token.kind != "end":
            body.append(self.statement())
        return body

    def block(self) -> Block:
        """Statements in braces."""
        self.take("{")
        body = []
        while not self.accept("}"):
            body.append(self.statement())
        return Block(body)

    def statement(self) -> Node:
        """Any statement."""
        match self.token.kind:
            case "fun":
                return self.function()
            case "while":
                self.take()
                return While(self.in_parentheses(), self.block())
            case "if":
                self.take()
                test, then = self.in_parentheses(), self.block()
                return If(test, then, self.block() if self.accept("else") else None)
            case "{":
                return self.block()
        node = self.simple()
        self.take(";")
        return node

    def simple(self) -> Node:
        """A statement that ends in a semicolon."""
        if self.accept("return"):
            return Return(self.expression())
        if self.accept("let"):
            name = self.take("name").text
            self.take("=")
            return Let(name, self.expression())
        left = self.expression()
        if not self.accept("="):
            return left
        if isinstance(left, Name):
            return Assign(left.name, self.expression())
        if isinstance(left, Item):
            return AssignItem(left, self.expression())
        raise LanguageError(f"line {self.token.line}: this is nothing to assign to")

    def function(self) -> Function:
        """The definition of a function."""
        self.take("fun")
        name = self.take("name").text
        self.take("(")
        parameters = []
        while not self.accept(")"):
            parameters.append(self.take("name").text)
            self.accept(",")
        return Function(name, parameters, self.block())

    def in_parentheses(self) -> Node:
        """A condition."""
        self.take("(")
        node = self.expression()
        self.take(")")
        return node

    def expression(self) -> Node:
        """Any expression."""
        node = self.conjunction()
        while self.accept("or"):
            node = Logic(True, node, self.conjunction())
        return node

    def conjunction(self) -> Node:
        """Expressions between `or`s."""
        node = self.binary(0)
        while self.accept("and"):
            node = Logic(False, node, self.binary(0))
        return node

    def binary(self, level: int) -> Node:
        """Operators of one level of precedence, and all that bind more tightly."""
        if level == len(OPERATORS):
            return self.unary()
        node = self.binary(level + 1)
        while (function := OPERATORS[level].get(self.token.kind)) is not None:
            self.take()
            node = Binary(function, node, self.binary(level + 1))
        return node

    def unary(self) -> Node:
        """`not`, a primary, and what follows it in brackets."""
        if self.accept("not"):
            return Not(self.unary())
        node = self.primary()
        while True:
            if self.accept("("):
                arguments = []
                while not self.accept(")"):
                    arguments.append(self.expression())
                    self.accept(",")
                node = Call(node, arguments)
            elif self.accept("["):
                node = Item(node, self.expression())
                self.take("]")
            else:
                return node

    def primary(self) -> Node:
        """A name, a constant, or something in parentheses."""
        if self.token.kind == "(":
            return self.in_parentheses()
        token = self.take()
        match token.kind:
            case "name":
                return Name(token.text)
            case "number":
                return Literal(int(token.text))
            case "string":
                return Literal(token.text)
            case "true" | "false":
                return Literal(token.kind == "true")
        raise LanguageError(f"line {token.line}: {token.text!r} begins no expression")


def main(size: int = 16000) -> None:
    """Run the little program."""
    scope = Scope()
    scope.names.update(SIZE=size, print=print, len=len, list=lambda count, value: [value] * count)
    for node in Parser(tokenize(PROGRAM)).program():
        node.run(scope)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
