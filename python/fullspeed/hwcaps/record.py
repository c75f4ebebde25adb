"""What is installed for an executable: the record beside it, which is the journal, too.

How it works: for bin/app there is bin/.app.fullspeed-hwcaps, JSON. It is written, with what is
going to be there, before anything else is; "state" says whether that has been reached. Who finds
another state than "installed" finds the traces of a command that was ended in the middle.
"""

import json
import os
from dataclasses import dataclass, field

from fullspeed.hwcaps import HwcapsError, files, shown

SUFFIX = ".fullspeed-hwcaps"
BASELINE = "baseline"
LONGEST = 255  # NAME_MAX

INSTALLING, INSTALLED, REMOVING = "installing", "installed", "removing"


@dataclass
class Place:
    """An executable, and the names of all files that belong to it."""

    folder: str
    name: str

    @property
    def executable(self) -> str:
        """The executable itself; once installed, the stub."""
        return os.path.join(self.folder, self.name)

    @property
    def record(self) -> str:
        """The record."""
        return os.path.join(self.folder, f".{self.name}{SUFFIX}")

    @property
    def scratch(self) -> str:
        """A file on its way; only one at a time."""
        return self.record + ".new"

    def beside(self, label: str) -> str:
        """The file of a level, or the baseline."""
        return f"{self.executable}.{label}"


def place(path: str) -> Place:
    """Where an executable lies; links are followed but for the last part."""
    folder, name = os.path.split(path)
    if name in ("", ".", "..") or "\0" in path:
        raise HwcapsError(f"{shown(path)!r} is no name of a file")
    found = Place(os.path.realpath(folder or "."), name)
    if len(os.fsencode(os.path.basename(found.scratch))) > LONGEST:
        raise HwcapsError(f"the name {shown(name)} is too long: others are made of it")
    if len(os.fsencode(found.scratch)) > 4000:
        raise HwcapsError(f"the path {shown(found.executable)} is too long")
    return found


@dataclass
class Record:
    """What is, or is going to be, installed."""

    state: str
    original: str  # SHA-256 of the executable
    stub: str  # SHA-256
    variants: dict[str, str] = field(default_factory=dict)  # by level, as "v3": SHA-256


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64


def load(where: Place) -> Record | None:
    """The record; None: there is none."""
    try:
        with open(os.open(where.record, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            values = json.loads(file.read(1 << 20))
        record = Record(**{name: values[name] for name in Record.__dataclass_fields__})
        good = (
            values["version"] == 1
            and record.state in (INSTALLING, INSTALLED, REMOVING)
            and all(map(_is_digest, (record.original, record.stub, *record.variants.values())))
            and set(record.variants) <= {"v2", "v3", "v4"}
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise HwcapsError(f"{shown(where.record)} cannot be read: {error}") from None
    if not good:
        raise HwcapsError(f"{shown(where.record)} is damaged, or of a later fullspeed")
    return record


def save(where: Place, record: Record) -> None:
    """Write the record, all of it or nothing."""
    text = json.dumps({"version": 1, **record.__dict__}, indent=1) + "\n"
    files.replace(where.record, where.scratch, text.encode(), None)
