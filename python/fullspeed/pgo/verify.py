"""Was the profile used? What the compiler said of it, and what it compiled.

How it works: GCC and clang warn of each file or function that has no profile, or one that does
not fit; those words are found in the build's log. Since a project may turn warnings off, the
object files that were built are also looked at: each should have a file of the profile under the
name that GCC looks for.

What must stay true: a profile that no object file and no function could use is an error, never a
wheel.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from fullspeed.pgo.compilers import Compiler
from fullspeed.pgo.flags import OBJECTS, RAW
from fullspeed.pgo.profile import Profile, find_raw, unit_of
from fullspeed.variants import BuildError, elf, wheel

SHOWN = 10
_NO_FILE = re.compile(r"[‘'](\S+\.gcda)[’'] profile count data file not found")
_FUNCTION = re.compile(
    r"(?:profile for function|the control flow of function|profile data for function|"
    r"profile for) [‘'](?P<name>.+?)[’'](?P<rest>.*)\[-W(?P<kind>missing-profile|"
    r"(?:error=)?coverage-mismatch)"
)
_CLANG_NONE = re.compile(r"no profile data available for function (\S+)")
_CLANG_OTHER = re.compile(r"(?:hash mismatch\)|number of counters mismatch\)?) (\S+)")


@dataclass
class Used:
    """What became of a profile in a build."""

    units: int = 0  # object files
    without: list[str] = field(default_factory=list)  # of them, that have no profile
    unknown: list[str] = field(default_factory=list)  # functions that it does not have
    changed: list[str] = field(default_factory=list)  # functions that it does not fit


def _names(found: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(found))


def read(compiler: Compiler, build: Path, folder: Path) -> Used:
    """What became of the profile in a folder, by what a build has left in its own."""
    log = (build / "build.log").read_text(errors="replace")
    return used(compiler, log, json.loads((build / OBJECTS).read_text()), folder)


def used(compiler: Compiler, log: str, objects: list[str], folder: Path) -> Used:
    """What became of the profile in a folder, by the log and the object files of a build."""
    if compiler.kind == "clang":
        return Used(
            len(objects), [], _names(_CLANG_NONE.findall(log)), _names(_CLANG_OTHER.findall(log))
        )
    raw = folder / RAW
    have = {unit_of(str(path.relative_to(raw))) for path in find_raw(raw)}
    units = [unit_of(name) for name in objects]
    without = {unit for unit in units if unit not in have}
    # Words of the compiler about files that are gone again are those of tests of itself.
    without |= {unit_of(Path(name).name) for name in _NO_FILE.findall(log)} & set(units)
    found = Used(len(units), sorted(without))
    for match in _FUNCTION.finditer(log):
        kind = found.unknown if match["kind"] == "missing-profile" else found.changed
        if match["name"] not in kind:
            kind.append(match["name"])
    return found


def refuse_unused(result: Used, profile: Profile) -> None:
    """An error if the profile was not used at all."""
    if result.units == 0:
        return  # the back end has cleaned up behind it
    functions = {name for _, name in profile}
    lost = set(result.unknown) | set(result.changed)
    if len(result.without) == result.units:
        raise BuildError(
            f"no object file found its profile (the first: {result.without[0]}): the project's "
            "build puts object files elsewhere each time, or does not look at CFLAGS"
        )
    if functions and functions <= lost:
        raise BuildError(
            "no function fits its profile: the project was compiled differently from how "
            "`fullspeed pgo build` compiled it"
        )


def some(words: list[str], shown: int = SHOWN) -> str:
    """Some of a list, for a sentence."""
    more = len(words) - shown
    return ", ".join(words[:shown]) + (f" and {more} more" if more > 0 else "")


def sentences(result: Used) -> list[str]:
    """What a user should know."""
    found = []
    if result.without:
        found.append(
            f"{len(result.without)} of {result.units} object files have no profile, the training "
            f"never loaded them: {some(result.without)}"
        )
    if result.unknown:
        found.append(
            f"{len(result.unknown)} functions are not in the profile: {some(result.unknown)}"
        )
    if result.changed:
        found.append(
            f"{len(result.changed)} functions are not as they were when the profile was made, and "
            f"are built without it: {some(result.changed)}"
        )
    return found


def same_code(one: Path, other: Path) -> bool:
    """Whether two wheels have modules of the same machine code, byte for byte."""
    code = [
        {
            name: [part.data for part in elf.read(data, name, with_code=True).code]
            for name, data in wheel.read(path).files.items()
            if data.startswith(elf.MAGIC)
        }
        for path in (one, other)
    ]
    return code[0] == code[1]
