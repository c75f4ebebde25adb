"""Reading profiles: which function of which file ran how often.

How it works: gcov-dump and llvm-profdata, which belong to the compiler, print what stands in
their files; that text is read, since the files' own format changes with each version. GCC's
profiles know functions by numbers only; the names stand in the notes (.gcno) that the
instrumented build left, under the same numbers.

A profile is a dict: (unit, function) to counters. A unit is an object file's path in the project
without its ending; clang's profiles have no units but for static functions, whose unit is the
source file.

What must stay true: the files come from other processes, possibly from other machines; whatever
stands in them, the result is a profile or a BuildError.
"""

import collections
import hashlib
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fullspeed.pgo.compilers import Compiler
from fullspeed.pgo.flags import MERGED, RAW
from fullspeed.variants import BuildError

Key = tuple[str, str]
Profile = dict[Key, list[int]]
LIMIT = 200  # files for one call of gcov-dump
_FUNCTION = re.compile(
    r"01000000: *\d+:FUNCTION ident=(\d+), lineno_checksum=(0x\w+), cfg_checksum=(0x\w+)"
    r"(?:, `([^']*)')?"
)
_ARCS = re.compile(r"01a10000: *\d+:COUNTERS arcs (\d+) counts(?: \(all zero\))?:?((?: -?\d+)*)")


def unit_of(name: str) -> str:
    """The unit that a file of GCC's is about: "build#a.gcda", or the path of "build/a.o"."""
    parts: list[str] = []
    for part in re.split(r"[#/]", re.sub(r"\.(gcda|gcno|o|os|lo|obj)$", "", name)):
        if part in ("^", "..") and parts:
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def find_raw(folder: Path) -> list[Path]:
    """The files that processes have written."""
    return sorted(path for path in folder.rglob("*") if path.suffix in (".gcda", ".profraw"))


def digest(folder: Path) -> str:
    """A digest of the files that processes have written."""
    found = hashlib.sha256()
    for path in find_raw(folder):
        found.update(f"{path.relative_to(folder)}\0".encode(errors="surrogateescape"))
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise BuildError(f"{Path(command[0]).name} cannot read the profile: {lines[-1]}")
    return done.stdout


def _dumped(compiler: Compiler, paths: list[Path], *options: str) -> Iterable[tuple[Path, str]]:
    """The lines that gcov-dump has for files."""
    for at in range(0, len(paths), LIMIT):
        some = paths[at : at + LIMIT]
        rest = iter(some)
        path = next(rest)
        for line in _run([compiler.reader, *options, *map(str, some)]).splitlines():
            while not line.startswith(f"{path}:"):  # file by file, in order
                path = next(rest, None)
                if path is None:
                    raise BuildError(f"{compiler.reader} says what is not understood: {line[:200]}")
            text = line[len(str(path)) + 1 :]
            if "warning:current version" in text or "not a gcov file" in text:
                raise BuildError(
                    f"{path} was not written by code of {compiler.id}: train again with "
                    "`fullspeed pgo build` and `fullspeed pgo train`"
                )
            if "read error" in text or "record size mismatch" in text:
                raise BuildError(f"{path} is damaged: train again with `fullspeed pgo train`")
            yield path, text


def read_notes(compiler: Compiler, folder: Path) -> dict[str, dict[str, str]]:
    """The functions' names by unit and number; empty for clang."""
    found: dict[str, dict[str, str]] = {}
    if compiler.kind != "gcc" or not folder.is_dir():
        return found
    for path, line in _dumped(compiler, sorted(folder.rglob("*.gcno"))):
        functions = found.setdefault(unit_of(str(path.relative_to(folder))), {})
        function = _FUNCTION.search(line)
        if function is not None and function[4]:
            functions[function[1]] = function[4]
    return found


def _read_gcc(compiler: Compiler, folder: Path, notes: Mapping[str, Mapping[str, str]]) -> Profile:
    found: Profile = {}
    paths = [path for path in find_raw(folder) if path.suffix == ".gcda"]
    key: Key | None = None
    for path, line in _dumped(compiler, paths, "-l", "-r"):
        unit = unit_of(str(path.relative_to(folder)))
        function = _FUNCTION.search(line)
        if function is not None:
            key = unit, notes.get(unit, {}).get(function[1], f"function {function[1]}")
            continue
        arcs = _ARCS.search(line)
        if arcs is not None and key is not None:
            found[key] = [int(word) for word in arcs[2].split()] or [0] * int(arcs[1])
            key = None
    return found


def merge(compiler: Compiler, profile: Path) -> None:
    """What clang wants to have: one file of all that processes have written."""
    if compiler.kind == "clang":
        raw = [str(path) for path in find_raw(profile / RAW) if path.suffix == ".profraw"]
        (profile / "raw.txt").write_text("".join(f"{path}\n" for path in raw))
        _run([compiler.reader, "merge", f"--input-files={profile / 'raw.txt'}",
              "-o", str(profile / MERGED)])  # fmt: skip


def _read_clang(compiler: Compiler, path: Path) -> Profile:
    found: Profile = {}
    for block in _run([compiler.reader, "merge", "--text", str(path), "-o", "-"]).split("\n\n"):
        lines = block.splitlines()
        while lines and lines[1:2] != ["# Func Hash:"]:  # what stands at the head of the file
            del lines[0]
        if lines[3:4] != ["# Num Counters:"]:
            continue
        unit, _, name = lines[0].rpartition(";")
        count = int(lines[4])
        found[unit, name] = [int(line) for line in lines[6 : 6 + count]]
    return found


def read(compiler: Compiler, profile: Path, notes: Mapping[str, Mapping[str, str]]) -> Profile:
    """Read the profile in a folder, as train.py leaves it."""
    if compiler.kind == "gcc":
        return _read_gcc(compiler, profile / RAW, notes)
    return _read_clang(compiler, profile / MERGED)


@dataclass(frozen=True)
class Coverage:
    """What of a project a profile has."""

    units_without: list[str]  # never loaded
    functions: int
    not_run: list[Key]


def coverage(profile: Profile, notes: Mapping[str, Mapping[str, str]]) -> Coverage:
    """What of a project a profile has."""
    counted = {unit for unit, _ in profile}
    without = sorted(unit for unit, functions in notes.items() if functions and unit not in counted)
    functions = set(profile) | {(unit, name) for unit in notes for name in notes[unit].values()}
    not_run = sorted(key for key in functions if not any(profile.get(key, ())))
    return Coverage(without, len(functions), not_run)


def shares(profile: Profile) -> dict[Key, float]:
    """What part of all counts each function has."""
    total = sum(sum(counters) for counters in profile.values())
    if total == 0:
        return {}
    return {key: sum(counters) / total for key, counters in profile.items() if any(counters)}


def overlap(one: Profile, other: Profile) -> float:
    """How alike two profiles are: the sum over all counters of the smaller of their shares.

    1: every place has the same part of all counts in both; 0: no place was run in both. Functions
    whose counters differ in number are another version's, and have nothing in common.
    """
    sums = [sum(sum(counters) for counters in profile.values()) for profile in (one, other)]
    if 0 in sums:
        return 0.0
    found = 0.0
    for key, counters in one.items():
        others = other.get(key, [])
        if len(others) == len(counters):
            found += sum(
                min(a / sums[0], b / sums[1]) for a, b in zip(counters, others, strict=True)
            )
    return found


def by_file(keys: Iterable[Key]) -> str:
    """Functions as lines of a report, by file."""
    files = collections.defaultdict(list)
    for unit, name in keys:
        files[unit].append(name)
    return "".join(
        f"{unit or '(all files)'}\n" + "".join(f"    {name}\n" for name in sorted(files[unit]))
        for unit in sorted(files)
    )
