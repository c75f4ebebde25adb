"""`fullspeed hwcaps systemd`: PATH of services and sessions, by systemd's own ways.

    /etc/systemd/system-environment-generators/60-fullspeed-hwcaps   PATH of the system's services
    /etc/systemd/user-environment-generators/60-fullspeed-hwcaps     PATH in users' sessions
    /etc/systemd/system-generators/fullspeed-hwcaps                  drop-ins of single services
    /etc/fullspeed/hwcaps-units                                      which, for the one above

How it works: all three generators are copies of one static program (src/hwcaps), which needs
nothing of Python and nothing beside it; systemd runs them at boot and at `daemon-reload`.

What must stay true: nothing that is not ours is overwritten or removed.
"""

import errno
import os
import re
from dataclasses import dataclass

from fullspeed.hwcaps import TOOL, HwcapsError, files, shown

MARK = b"fullspeed hwcaps tool"
UNITS = "etc/fullspeed/hwcaps-units"
UNITS_HEAD = (
    "# Services that find variants of executables; written by `fullspeed hwcaps systemd`.\n"
)
ENVIRONMENT = {
    "system": "systemd/system-environment-generators/60-fullspeed-hwcaps",
    "user": "systemd/user-environment-generators/60-fullspeed-hwcaps",
}
GENERATOR = "systemd/system-generators/fullspeed-hwcaps"


@dataclass
class Wanted:
    """What is to be there."""

    root: str
    base: str  # "etc", or "usr/lib" for a distribution's packages
    managers: tuple[str, ...]
    units: tuple[str, ...]

    def file(self, name: str) -> str:
        """A file below the root."""
        return os.path.join(os.path.abspath(self.root), name)

    def programs(self) -> list[str]:
        """The copies of the program."""
        names = [f"{self.base}/{ENVIRONMENT[manager]}" for manager in self.managers]
        names += [f"{self.base}/{GENERATOR}"] if self.units else []
        return [self.file(name) for name in names]


def check_units(units: list[str]) -> tuple[str, ...]:
    """The names of services, each once, with .service."""
    made: dict[str, None] = {}
    for unit in units:
        name = unit if unit.endswith(".service") else f"{unit}.service"
        if not re.fullmatch(r"[A-Za-z0-9:_@\\-][A-Za-z0-9:_.@\\-]*", name) or len(name) > 253:
            raise ValueError(f"--unit wants the name of a service, not {shown(unit)!r}")
        made[name] = None
    return tuple(made)


def _is_ours(path: str) -> bool:
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            data = file.read(1 << 20)
    except OSError:
        return False
    return MARK in data or data.startswith(UNITS_HEAD.encode())


def _write(path: str, content: str | bytes, mode: int) -> None:
    """Write one of our files."""
    if os.path.lexists(path) and not _is_ours(path):
        raise HwcapsError(f"{shown(path)} is there already, and is not ours: move it away")
    # The name of the file on its way must not be one that systemd runs.
    scratch = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.new")
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        files.remove(scratch)
        files.write(scratch, content, None)
        os.chmod(scratch, mode)
        os.rename(scratch, path)
        files.sync_folder(os.path.dirname(path))
    except OSError as error:
        try:
            files.remove(scratch)
        except OSError:
            pass
        raise HwcapsError(f"{shown(path)} could not be written: {error.strerror}") from None


def install(wanted: Wanted) -> list[str]:
    """Put the files there; returns their paths."""
    listed = wanted.file(UNITS)
    for path in (*wanted.programs(), *([listed] if wanted.units else ())):
        if os.path.lexists(path) and not _is_ours(path):
            raise HwcapsError(f"{shown(path)} is there already, and is not ours: move it away")
    made = []
    if wanted.units:
        units = dict.fromkeys((*_listed(listed), *wanted.units))
        _write(listed, (UNITS_HEAD + "".join(f"{unit}\n" for unit in units)).encode(), 0o644)
        made.append(listed)
    for path in wanted.programs():
        _write(path, TOOL, 0o755)
        made.append(path)
    return made


def _listed(path: str) -> list[str]:
    """The services that are listed already."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return [line.strip() for line in file if line.strip() and not line.startswith("#")]
    except FileNotFoundError:
        return []


def _all(wanted: Wanted) -> list[str]:
    """Every file that may be ours."""
    names = [f"{wanted.base}/{name}" for name in (*ENVIRONMENT.values(), GENERATOR)]
    return [wanted.file(name) for name in (*names, UNITS)]


def installed(wanted: Wanted) -> list[str]:
    """Our files that are there."""
    return [path for path in _all(wanted) if _is_ours(path)]


def remove(wanted: Wanted) -> list[str]:
    """Remove our files; returns their paths."""
    found = installed(wanted)
    for path in found:
        try:
            os.unlink(path)
            files.sync_folder(os.path.dirname(path))
        except OSError as error:
            raise HwcapsError(f"{shown(path)} could not be removed: {error.strerror}") from None
    try:
        os.rmdir(os.path.dirname(wanted.file(UNITS)))
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST):
            raise HwcapsError(f"{shown(str(error.filename))}: {error.strerror}") from None
    return found
