"""Pages of the docs: their code runs and prints what they say; their tables are up to date."""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import sys
from pathlib import Path

import fullspeed as ne
import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guide"
CELL = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.M | re.S)


@pytest.mark.parametrize("page", ["array-notebook.md", "array-migration.md"])
def test_code_prints_what_the_page_says(page: str) -> None:
    """Cell by cell, in one space, as in a notebook."""
    cells = CELL.findall((GUIDE / page).read_text())
    space: dict[str, object] = {"__name__": "page"}
    assert len(cells) > 3
    for code, wanted in cells:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, page, "exec"), space)
        assert printed.getvalue() == wanted, code


def test_plots_are_there() -> None:
    """Each picture that a page shows is checked in, and small."""
    pictures = []
    for page in GUIDE.glob("*.md"):
        pictures += re.findall(r"!\[[^]]+\]\(([^)]+)\)", page.read_text())
    assert {"images/array-distances.svg", "images/array-mandelbrot.png"} <= set(pictures)
    for picture in pictures:
        path = GUIDE / picture
        assert path.suffix in (".svg", ".png") and 1000 < path.stat().st_size < 300_000


def test_table_of_functions_is_up_to_date() -> None:
    """It is made of array_ops.def and array_operation.def, by a tool."""
    tool = [sys.executable, str(ROOT / "tools/arraygen/arraygen.py"), "docs"]
    page = GUIDE / "array-functions.md"
    subprocess.run([*tool, str(page), "--check"], check=True, timeout=60)


def test_tool_finds_what_is_not_up_to_date(tmp_path: Path) -> None:
    """A bound that was changed by hand is found, and mended."""
    tool = [sys.executable, str(ROOT / "tools/arraygen/arraygen.py"), "docs"]
    page, text = tmp_path / "page.md", (GUIDE / "array-functions.md").read_text()
    page.write_text(text.replace("| `exp(x)` | e to the x |  |  |  | 2 |", "| `exp(x)` | e |"))
    assert page.read_text() != text
    check = subprocess.run([*tool, str(page), "--check"], capture_output=True, text=True)
    assert check.returncode == 1 and "not up to date" in check.stdout
    subprocess.run([*tool, str(page)], check=True)
    assert page.read_text() == text


def test_every_function_is_in_the_table() -> None:
    """With the number of arguments that it takes."""
    text = (GUIDE / "array-functions.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)\(([^)]*)\)` \|", text, re.M))
    from fullspeed import _array

    for name, operation, count in _array.functions():
        if operation == "CONTAINS":
            assert "`contains()`" in text
        else:
            assert len(rows[name].split(", ")) == count, name
    assert all(word in text for word in ("float32", "float64", "complex128"))
    assert ne.evaluate("exp(0)") == 1
