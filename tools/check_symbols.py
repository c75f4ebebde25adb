#!/usr/bin/env python3
"""Check that every symbol our C core leaves open is one that somebody exports.

How it works: the undefined symbols of the given object files or shared libraries are
looked up in what the Python executable exports (and the libraries it is linked with),
in the other files given, and in the system libraries. CPython's headers declare many
functions that its build hides; a call to one of those links, and fails only at import
(or, bound lazily, in the middle of a program). This finds it at build time.

What must stay true: exit status 0 means that every symbol was found; 1 names each one
that was not, with the file that wants it; 2 means that the check itself could not run.

    tools/check_symbols.py --python /usr/bin/python3.11 build/src/*.o
    tools/check_symbols.py build/_engine.cpython-311-x86_64-linux-gnu.so
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

#: Libraries that an extension module may use besides Python itself.
SYSTEM_LIBRARIES = ("libc.so.6", "libm.so.6", "libgcc_s.so.1", "libpthread.so.0", "libdl.so.2")
#: Supplied by the linker or the start-up code, exported by nobody.
LINKER_SYMBOLS = frozenset({"_GLOBAL_OFFSET_TABLE_", "__dso_handle", "_DYNAMIC"})


class CheckError(Exception):
    """The check could not be carried out."""


def run(*command: str) -> str:
    """Return the output of a command; a failure is a CheckError."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        raise CheckError(f"{command[0]} is not installed (apt install binutils)") from None
    except subprocess.CalledProcessError as error:
        raise CheckError(f"{' '.join(command)}: {error.stderr.strip()}") from None
    return done.stdout


def is_shared(path: Path) -> bool:
    """Tell a linked file (library or program) from an object file."""
    return bool(re.search(r"Type:\s+(DYN|EXEC)", run("readelf", "-h", str(path))))


def symbols(path: Path) -> tuple[set[str], set[str]]:
    """Return the (undefined, defined) symbols of a file; weak undefined ones need no owner."""
    options = ["-D"] if is_shared(path) else []
    undefined: set[str] = set()
    defined: set[str] = set()
    for line in run("nm", "-P", *options, str(path)).splitlines():
        fields = line.split()
        if len(fields) < 2:
            continue
        name, kind = fields[0].split("@")[0], fields[1]
        if kind == "U":
            undefined.add(name)
        elif kind.isupper() or kind in "uvi":
            defined.add(name)
    return undefined, defined


def linked_libraries(path: Path) -> list[Path]:
    """Return the shared libraries that the dynamic linker loads for a file."""
    if not is_shared(path):
        return []
    return [Path(found) for found in re.findall(r"=> (/\S+)", run("ldd", str(path)))]


def system_libraries() -> list[Path]:
    """Return where the dynamic linker finds SYSTEM_LIBRARIES."""
    listing = run("/sbin/ldconfig", "-p")
    found = []
    for name in SYSTEM_LIBRARIES:
        match = re.search(rf"^\s*{re.escape(name)} \(libc6,x86-64[^)]*\) => (\S+)", listing, re.M)
        if match:
            found.append(Path(match[1]))
    return found


def exported_by(files: Iterable[Path]) -> set[str]:
    """Return everything that the given files define for others."""
    return set().union(*(symbols(path)[1] for path in files))


def find_missing(files: list[Path], python: Path) -> dict[str, list[str]]:
    """Return {symbol: files that want it} for the symbols that nobody exports."""
    python = python.resolve()
    exporters = {python, *linked_libraries(python), *system_libraries(), *files}
    for path in files:
        exporters.update(linked_libraries(path))
    known = exported_by(exporters) | LINKER_SYMBOLS
    missing: dict[str, list[str]] = {}
    for path in files:
        for name in symbols(path)[0] - known:
            missing.setdefault(name, []).append(str(path))
    return missing


def main(argv: list[str] | None = None) -> int:
    """Run the check from the command line."""
    parser = argparse.ArgumentParser(description="check that all undefined symbols are exported")
    parser.add_argument("files", nargs="+", type=Path, help="object files or shared libraries")
    parser.add_argument(
        "--python",
        type=Path,
        default=Path(sys.executable),
        help="the Python executable that will load them (default: the running one)",
    )
    options = parser.parse_args(argv)
    try:
        missing = find_missing(options.files, options.python)
    except CheckError as error:
        print(f"check_symbols: {error}", file=sys.stderr)
        return 2
    for name, wanted_by in sorted(missing.items()):
        print(f"{name} is not exported by {options.python}; wanted by {', '.join(wanted_by)}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
