"""Solves sudokus and exact-cover puzzles by constraint propagation and search.

Classes with small methods, sets, recursion and backtracking, attribute access all over.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator


class Contradiction(Exception):
    """A grid that has no solution."""


class Cell:
    """One cell: what it may still be, and the cells that it excludes."""

    __slots__ = ("column", "options", "peers", "row")

    def __init__(self, row: int, column: int) -> None:
        self.row, self.column = row, column
        self.options = set(range(1, 10))
        self.peers: list[Cell] = []

    @property
    def solved(self) -> bool:
        """Whether only one number is left."""
        return len(self.options) == 1

    @property
    def box(self) -> tuple[int, int]:
        """Which of the nine boxes."""
        return self.row // 3, self.column // 3

    def sees(self, other: Cell) -> bool:
        """Whether two cells may not be equal."""
        return self is not other and (
            self.row == other.row or self.column == other.column or self.box == other.box
        )


class Sudoku:
    """A grid of cells that propagates what is known."""

    def __init__(self) -> None:
        self.cells = [Cell(row, column) for row in range(9) for column in range(9)]
        for cell in self.cells:
            cell.peers = [other for other in self.cells if cell.sees(other)]
        self.units = [
            unit
            for k in range(9)
            for unit in (
                [cell for cell in self.cells if cell.row == k],
                [cell for cell in self.cells if cell.column == k],
                [cell for cell in self.cells if cell.box == (k // 3, k % 3)],
            )
        ]
        self.steps = 0

    def load(self, text: str) -> None:
        """Set all cells from 81 characters."""
        for cell in self.cells:
            cell.options = set(range(1, 10))
        for cell, c in zip(self.cells, text, strict=True):
            if c != ".":
                self.assign(cell, int(c))

    def assign(self, cell: Cell, number: int) -> None:
        """Fix a cell and follow the consequences."""
        if number not in cell.options:
            raise Contradiction(f"{number} in {cell.row}, {cell.column}")
        for other in list(cell.options):
            if other != number:
                self.eliminate(cell, other)

    def eliminate(self, cell: Cell, number: int) -> None:
        """Take a number from a cell and follow the consequences."""
        options = cell.options
        if number not in options:
            return
        self.steps += 1
        options.discard(number)
        if not options:
            raise Contradiction(f"nothing in {cell.row}, {cell.column}")
        if len(options) == 1:
            (last,) = options
            for peer in cell.peers:
                self.eliminate(peer, last)

    def hidden_singles(self) -> bool:
        """Fix numbers that have only one place left in a unit; whether there were any."""
        found = False
        for unit in self.units:
            places: dict[int, list[Cell]] = {}
            for cell in unit:
                for number in cell.options:
                    places.setdefault(number, []).append(cell)
            if len(places) < 9:
                raise Contradiction("a number has no place")
            for number, cells in places.items():
                if len(cells) == 1 and not cells[0].solved:
                    self.assign(cells[0], number)
                    found = True
        return found

    def solutions(self) -> Iterator[str]:
        """All solutions."""
        try:
            while self.hidden_singles():
                pass
        except Contradiction:
            return
        open_cells = [cell for cell in self.cells if not cell.solved]
        if not open_cells:
            yield "".join(str(next(iter(cell.options))) for cell in self.cells)
            return
        cell = min(open_cells, key=lambda c: (len(c.options), c.row, c.column))
        saved = [set(c.options) for c in self.cells]
        for number in sorted(cell.options):
            try:
                self.assign(cell, number)
                yield from self.solutions()
            except Contradiction:
                pass
            for c, options in zip(self.cells, saved, strict=True):
                c.options = set(options)


class ExactCover:
    """Knuth's algorithm X over dictionaries: here, places queens and counts."""

    def __init__(self, rows: dict[str, list[str]], optional: set[str]) -> None:
        self.rows = rows
        self.optional = optional
        self.columns: dict[str, set[str]] = {}
        for name, columns in rows.items():
            for column in columns:
                self.columns.setdefault(column, set()).add(name)

    def count(self) -> int:
        """The number of exact covers."""
        needed = [column for column in self.columns if column not in self.optional]
        if not needed:
            return 1
        column = min(needed, key=lambda name: len(self.columns[name]))
        total = 0
        for row in sorted(self.columns[column]):
            removed = self.select(row)
            total += self.count()
            self.restore(row, removed)
        return total

    def select(self, row: str) -> list[set[str]]:
        """Take a row: remove its columns and all rows that clash with it."""
        removed = []
        for column in self.rows[row]:
            for clash in self.columns[column]:
                for other in self.rows[clash]:
                    if other != column:
                        self.columns[other].discard(clash)
            removed.append(self.columns.pop(column))
        return removed

    def restore(self, row: str, removed: list[set[str]]) -> None:
        """Undo select."""
        for column in reversed(self.rows[row]):
            self.columns[column] = removed.pop()
            for clash in self.columns[column]:
                for other in self.rows[clash]:
                    if other != column:
                        self.columns[other].add(clash)


def queens(size: int) -> ExactCover:
    """The queens puzzle as an exact cover."""
    rows, optional = {}, set()
    for r in range(size):
        for c in range(size):
            diagonals = [f"d{r + c}", f"u{r - c}"]
            optional.update(diagonals)
            rows[f"{r},{c}"] = [f"r{r}", f"c{c}", *diagonals]
    return ExactCover(rows, optional)


def make_puzzle(dice: random.Random, clues: int) -> str:
    """A solvable sudoku with some clues left."""
    base = [[(3 * (r % 3) + r // 3 + c) % 9 + 1 for c in range(9)] for r in range(9)]
    bands = [3 * b + r for b in dice.sample(range(3), 3) for r in dice.sample(range(3), 3)]
    stacks = [3 * b + c for b in dice.sample(range(3), 3) for c in dice.sample(range(3), 3)]
    numbers = dice.sample(range(1, 10), 9)
    text = [str(numbers[base[r][c] - 1]) for r in bands for c in stacks]
    for index in dice.sample(range(81), 81 - clues):
        text[index] = "."
    return "".join(text)


def main(puzzles: int = 950) -> None:
    """Solve sudokus, then count the ways to place queens."""
    dice, grid, solved, checksum = random.Random(9), Sudoku(), 0, 0
    for _ in range(puzzles):
        grid.load(make_puzzle(dice, 27))
        for solution, _limit in zip(grid.solutions(), range(4), strict=False):
            solved += 1
            checksum = (checksum * 31 + int(solution)) % 1_000_000_007
    print(f"{puzzles} sudokus, {solved} solutions, {grid.steps} eliminations, {checksum}")
    size = 8 if puzzles >= 100 else 5
    print(f"{size} queens: {queens(size).count()} ways")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
