"""Parses JSON by hand and answers queries over it: filter, join, group, order.

What back ends do all day, with a recursive-descent parser over characters, lazy
pipelines of generators, closures for conditions and dictionaries of groups.
"""

from __future__ import annotations

import operator
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Row = dict[str, Any]


class JSONError(ValueError):
    """Text that is no JSON, and where."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"{message} at {position}")
        self.position = position


class Parser:
    """A recursive-descent parser for JSON."""

    ESCAPES = {'"': '"', "\\": "\\", "/": "/", "n": "\n", "t": "\t", "r": "\r", "b": "\b"}

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def parse(self) -> Any:
        """The one value of the text."""
        value = self.value()
        self.space()
        if self.at != len(self.text):
            raise JSONError("more text", self.at)
        return value

    def space(self) -> str:
        """Skip blanks; returns the next character, '' at the end."""
        text, at = self.text, self.at
        while at < len(text) and text[at] in " \n\t\r":
            at += 1
        self.at = at
        return text[at] if at < len(text) else ""

    def value(self) -> Any:
        """Any value."""
        c = self.space()
        if c == "{":
            return self.object()
        if c == "[":
            return self.array()
        if c == '"':
            return self.string()
        if c == "-" or c.isdigit():
            return self.number()
        for word, value in (("true", True), ("false", False), ("null", None)):
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return value
        raise JSONError("no value", self.at)

    def expect(self, wanted: str) -> None:
        """Step over one character that must be there."""
        if self.space() != wanted:
            raise JSONError(f"no {wanted!r}", self.at)
        self.at += 1

    def object(self) -> Row:
        """{...}"""
        result: Row = {}
        self.at += 1
        if self.space() == "}":
            self.at += 1
            return result
        while True:
            if self.space() != '"':
                raise JSONError("no key", self.at)
            key = self.string()
            self.expect(":")
            result[key] = self.value()
            if self.space() != ",":
                break
            self.at += 1
        self.expect("}")
        return result

    def array(self) -> list[Any]:
        """[...]"""
        result: list[Any] = []
        self.at += 1
        if self.space() == "]":
            self.at += 1
            return result
        while True:
            result.append(self.value())
            if self.space() != ",":
                break
            self.at += 1
        self.expect("]")
        return result

    def string(self) -> str:
        """A string, with its escapes."""
        text, parts = self.text, []
        at = self.at + 1
        while True:
            if at >= len(text):
                raise JSONError("no end of string", self.at)
            c = text[at]
            if c == '"':
                break
            if c == "\\":
                at += 1
                if text[at] == "u":
                    c = chr(int(text[at + 1 : at + 5], 16))
                    at += 4
                else:
                    c = self.ESCAPES[text[at]]
            parts.append(c)
            at += 1
        self.at = at + 1
        return "".join(parts)

    def number(self) -> int | float:
        """An int, or a float when there is a point or an exponent."""
        text, start = self.text, self.at
        at, whole = start + 1, True
        while at < len(text):
            c = text[at]
            if c in ".eE":
                whole = False
            elif not (c.isdigit() or c in "+-"):
                break
            at += 1
        self.at = at
        return int(text[start:at]) if whole else float(text[start:at])


def dump(value: Any) -> Iterator[str]:
    """Write JSON, piece by piece."""
    if isinstance(value, dict):
        yield "{"
        for index, (key, item) in enumerate(value.items()):
            yield f'{", " if index else ""}"{key}": '
            yield from dump(item)
        yield "}"
    elif isinstance(value, list):
        yield "["
        for index, item in enumerate(value):
            if index:
                yield ", "
            yield from dump(item)
        yield "]"
    elif isinstance(value, str):
        yield '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    elif value is None:
        yield "null"
    elif value is True or value is False:
        yield "true" if value else "false"
    else:
        yield repr(value)


class Field:
    """A path into a row; comparisons make conditions."""

    def __init__(self, path: str) -> None:
        self.steps = path.split(".")

    def __call__(self, row: Row) -> Any:
        value: Any = row
        for step in self.steps:
            if value is None:
                return None
            value = value.get(step)
        return value

    def _compare(self, test: Callable[[Any, Any], bool], other: Any) -> Condition:
        def holds(row: Row) -> bool:
            value = self(row)
            return value is not None and test(value, other)

        return Condition(holds)

    def __lt__(self, other: Any) -> Condition:
        return self._compare(operator.lt, other)

    def __ge__(self, other: Any) -> Condition:
        return self._compare(operator.ge, other)

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return self._compare(operator.eq, other)

    __hash__ = None  # type: ignore[assignment]

    def has(self, item: Any) -> Condition:
        """Whether a list field holds an item."""
        return self._compare(operator.contains, item)


class Condition:
    """A test of a row; `&`, `|` and `~` combine them."""

    def __init__(self, holds: Callable[[Row], bool]) -> None:
        self.holds = holds

    def __and__(self, other: Condition) -> Condition:
        return Condition(lambda row: self.holds(row) and other.holds(row))

    def __or__(self, other: Condition) -> Condition:
        return Condition(lambda row: self.holds(row) or other.holds(row))

    def __invert__(self) -> Condition:
        return Condition(lambda row: not self.holds(row))


class Query:
    """A lazy pipeline over rows."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = rows

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def where(self, condition: Condition) -> Query:
        """Rows that meet a condition."""
        return Query(row for row in self.rows if condition.holds(row))

    def select(self, **fields: Callable[[Row], Any]) -> Query:
        """New rows, computed from the old ones."""
        return Query({name: get(row) for name, get in fields.items()} for row in self.rows)

    def join(self, other: Iterable[Row], here: Field, there: Field, name: str) -> Query:
        """Put the matching row of another table into each row."""
        index = {there(row): row for row in other}

        def joined() -> Iterator[Row]:
            for row in self.rows:
                match = index.get(here(row))
                if match is not None:
                    yield {**row, name: match}

        return Query(joined())

    def group(self, key: Field, **totals: Callable[[list[Row]], Any]) -> Query:
        """One row per value of a field, with totals."""
        groups: defaultdict[Any, list[Row]] = defaultdict(list)
        for row in self.rows:
            groups[key(row)].append(row)
        return Query(
            {"key": value, **{name: total(rows) for name, total in totals.items()}}
            for value, rows in groups.items()
        )

    def order(self, key: Callable[[Row], Any], limit: int) -> Query:
        """The first rows in descending order."""
        return Query(sorted(self.rows, key=key, reverse=True)[:limit])


def total(field: Field) -> Callable[[list[Row]], float]:
    """The sum of a field over the rows of a group."""
    return lambda rows: round(sum(field(row) for row in rows), 2)


def make_data(orders: int) -> str:
    """Two tables of a shop, as JSON text."""
    dice = random.Random(7)
    cities = ["Köln", 'New "York"', "Oslo", "Lima\n", "Pune"]
    customers = [
        {"id": i, "name": f"customer {i}", "address": {"city": dice.choice(cities), "zip": None}}
        for i in range(orders // 20 + 1)
    ]
    rows = [
        {
            "id": i,
            "customer": dice.randrange(len(customers) + 5),
            "price": round(dice.uniform(1, 500), 2),
            "count": dice.randint(1, 9),
            "tags": [dice.choice("abcdefgh") for _ in range(dice.randint(0, 4))],
            "paid": dice.random() < 0.8,
        }
        for i in range(orders)
    ]
    return "".join(dump({"customers": customers, "orders": rows}))


def main(orders: int = 40000) -> None:
    """Parse the tables and answer a few questions about them."""
    text = make_data(orders)
    data = Parser(text).parse()
    city, price, count = Field("customer_row.address.city"), Field("price"), Field("count")
    sums = 0.0
    for tag in "abcdefgh":
        wanted = Field("tags").has(tag) & (Field("paid") == True) & ~(price < 20.0)  # noqa: E712
        result = (
            Query(data["orders"])
            .where(wanted | (count >= 8))
            .join(data["customers"], Field("customer"), Field("id"), "customer_row")
            .select(city=city, worth=lambda row: price(row) * count(row), tags=Field("tags"))
            .group(Field("city"), orders=len, worth=total(Field("worth")))
            .order(lambda row: row["worth"], limit=3)
        )
        best = list(result)
        sums += sum(row["worth"] for row in best)
        print(tag, "".join(dump(best[0])))
    again = "".join(dump(data))
    assert again == text
    print(f"{len(text)} characters of JSON, {orders} orders, {sums:.2f} in the best cities")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
