"""Checks the order of the rooms of src/: who may include whom.

How it works: reads every #include of every file in src/ and compares the room of the
included file with the table below; also checks that files are named after their room,
that names are unique, that only the named rooms see CPython's internal headers, that no
file is longer than it may be, and that no generated file is checked in.

What must stay true: a room that is not in the table is an error, so that a new room
cannot come in without a decision about its place.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"

# Room -> the rooms that it may include, besides itself.
MAY_KNOW: dict[str, set[str]] = {
    "base": set(),
    "cpu": {"base"},
    # The exec stub of `fullspeed hwcaps`, and its tool: programs without Python.
    "hwcaps": {"base", "cpu", "variant"},
    # Of pyrt only pyrt_frame.h: the caller's variables.
    "array": {"base", "cpu", "pyrt"},
    # What goes into modules that count; it stands alone.
    "pgo": set(),
    # The import stub that goes into other projects' wheels.
    "variant": {"base", "cpu"},
    "pyrt": {"base"},
    "sem": {"base", "pyrt"},
    # What an op does and what it remembers: two halves, each of which needs the other.
    "spec": {"base", "pyrt", "sem", "interp", "jit"},
    "interp": {"base", "pyrt", "sem", "spec", "jit"},
    # The IR's interpreter stands in for machine code, and calls what that calls.
    "ir": {"base", "pyrt", "interp", "jit", "opt"},
    "opt": {"base", "pyrt", "interp", "ir"},
    # Stencils are compiled apart from all else; the back end has their bytes.
    "stencil": {"base", "interp"},
    "asm": {"base", "pyrt", "interp", "ir", "opt", "jit", "stencil"},
    "record": {"base", "pyrt", "sem", "spec", "interp", "ir", "opt", "jit"},
    "jit": {"base", "pyrt", "sem", "spec", "interp", "ir", "opt", "asm", "record"},
    # The collector is told of by nobody but CPython's.
    "gc": {"base", "pyrt"},
    "run": {"base"},
    # The module that Python imports: puts the rooms together.
    "engine": {
        "base",
        "pyrt",
        "sem",
        "spec",
        "interp",
        "run",
        "ir",
        "opt",
        "asm",
        "jit",
        "record",
        "gc",
    },
    # Op definitions are the generator's input and include nothing.
    "ops": set(),
}
SEES_INTERNALS = {"pyrt", "interp", "spec", "sem", "jit", "stencil", "gc"}
SEES_PYTHON = SEES_INTERNALS | {"engine", "run", "array", "variant", "cpu"}
# Files whose names need not begin with their room, and why.
OTHER_NAMES = {
    "base/config.def": "the table of environment variables, called as the design calls it",
}
# Rooms whose files have a shorter name in front.
SHORT_NAMES = {"record": "rec"}
# Files that may be longer than the limit, and why.
LONGER: dict[str, str] = {}
LINE_LIMIT = 850
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
GENERATED = re.compile(r"(_gen\.(h|inc|c)|\.stencils\.h)$")


def source_files() -> list[Path]:
    """All files of the C core that the layering is about."""
    kinds = {".c", ".h", ".def", ".ops"}
    return sorted(path for path in SOURCE.rglob("*") if path.suffix in kinds)


def room_of(path: Path) -> str:
    """The room that a file of src/ lies in."""
    return path.relative_to(SOURCE).parts[0]


def check_include(path: Path, quote: str, target: str, homes: dict[str, str]) -> str | None:
    """What is wrong with one #include, None if nothing is."""
    room, name = room_of(path), Path(target).name
    where = path.relative_to(ROOT)
    if target.startswith("internal/") or name.startswith("pycore_"):
        if room not in SEES_INTERNALS:
            return f"{where}: {room} may not see CPython's internals ({target})"
        return None
    if target in ("Python.h", "frameobject.h", "structmember.h", "opcode.h"):
        return None if room in SEES_PYTHON else f"{where}: {room} may not see CPython ({target})"
    if GENERATED.search(name):
        return (
            None
            if room in ("interp", "spec", "cpu", "array")
            else f"{where}: {room} may not use {target}"
        )
    home = homes.get(name)
    if home is None:
        return None if quote == "<" else f"{where}: {target} is in no room of src/"
    if home != room and home not in MAY_KNOW[room]:
        allowed = ", ".join(sorted(MAY_KNOW[room])) or "no other room"
        return f"{where}: {room} may not know {home} ({target}); allowed: {allowed}"
    return None


def check_names(files: list[Path]) -> list[str]:
    """Files are named after their room, once, and are not too long."""
    problems = []
    for path in files:
        inside, room = str(path.relative_to(SOURCE)), room_of(path)
        names = rf"({room}|{SHORT_NAMES.get(room, room)})[_.]"
        if not re.match(names, path.name) and inside not in OTHER_NAMES:
            problems.append(f"src/{inside}: the name does not begin with the room, {room}")
        lines = len(path.read_text().splitlines())
        if lines > LINE_LIMIT and inside not in LONGER:
            problems.append(f"src/{inside}: {lines} lines, the limit is {LINE_LIMIT}")
    for name, number in Counter(path.name for path in files).items():
        if number > 1:
            problems.append(f"src: {number} files are called {name}")
    for table in (OTHER_NAMES, LONGER):
        problems += [
            f"check_layers.py: stale entry {name}" for name in table if not (SOURCE / name).exists()
        ]
    return problems


def checked_in_generated() -> list[str]:
    """Generated files under version control."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True
    ).stdout.splitlines()
    names = listed or [str(path.relative_to(ROOT)) for path in SOURCE.rglob("*")]
    return [f"{name}: generated, but checked in" for name in names if GENERATED.search(name)]


def main() -> int:
    """Print all problems; the exit code is 1 when there are any."""
    files = source_files()
    if not files:
        print("check_layers: there is nothing in src/")
        return 1
    unknown = sorted({room_of(path) for path in files} - MAY_KNOW.keys())
    if unknown:
        print(f"check_layers: rooms without a place in the order: {', '.join(unknown)}")
        return 1
    homes = {path.name: room_of(path) for path in files}
    problems = check_names(files) + checked_in_generated()
    includes = 0
    for path in files:
        for quote, target in INCLUDE.findall(path.read_text()):
            includes += 1
            problem = check_include(path, quote, target, homes)
            if problem:
                problems.append(problem)
    for problem in problems:
        print(problem)
    print(f"check_layers: {len(files)} files, {includes} includes, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
