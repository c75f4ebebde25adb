"""Blocks of a guide that say what a reader should write and run, so that tests can do just that.

A comment that nobody sees stands above a block: `<!-- file: NAME -->`, `<!-- run -->`, or
`<!-- run: TAG -->`. What must stay true: a comment without a block is an error, and so is a guide
without any.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(
    r"^<!-- (file|run)(?:: (\S+))? -->\n```\w*\n(.*?)^```$", re.DOTALL | re.MULTILINE
)


@dataclass
class Block:
    """One block: "file" or "run", the file's name or the tag, the text."""

    kind: str
    name: str
    text: str


def read(path: Path) -> list[Block]:
    """All marked blocks of a guide."""
    text = path.read_text()
    found = [Block(kind, name, body) for kind, name, body in BLOCK.findall(text)]
    marks = len(re.findall(r"^<!-- (?:file|run)\b", text, re.MULTILINE))
    assert found and len(found) == marks, f"{path}: {marks} marks, {len(found)} blocks"
    return found


def write_files(blocks: list[Block], folder: Path) -> None:
    """Write the files that the guide has."""
    for block in blocks:
        if block.kind == "file":
            path = folder / block.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)


def script(blocks: list[Block], tag: str = "") -> str:
    """What is to be run, in order."""
    return "".join(block.text for block in blocks if block.kind == "run" and block.name == tag)
