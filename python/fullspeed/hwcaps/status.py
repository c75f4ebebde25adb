"""`fullspeed hwcaps status`: which executables have variants, and which of these are used here."""

import os
from typing import Any

from fullspeed.hwcaps import HwcapsError, ask, files, record, shown, state
from fullspeed.hwcaps.record import BASELINE, INSTALLED, SUFFIX, Place
from fullspeed.variants import label


def places(folder: str) -> list[Place]:
    """The executables of a folder that have a record."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    real = os.path.realpath(folder)
    return [
        Place(real, name[1 : -len(SUFFIX)])
        for name in names
        if name.startswith(".") and name.endswith(SUFFIX) and len(name) > len(SUFFIX) + 1
    ]


def search(words: list[str]) -> list[Place]:
    """The executables that were asked for: files, or all of folders; nothing: those of PATH."""
    found: dict[str, Place] = {}
    for word in words or os.environ.get("PATH", os.defpath).split(":"):
        if os.path.isdir(word):
            found |= {where.executable: where for where in places(word)}
        elif words:
            where = record.place(word)
            found[where.executable] = where
    return list(found.values())


def _is(path: str, digest: str) -> bool:
    try:
        return files.digest(path) == digest
    except OSError:
        return False


def _files(where: Place, old: record.Record) -> dict[str, dict[str, Any]]:
    """The files that should be there: sizes, and whether they are as they were installed."""
    rows = {}
    wanted = {**{label(level): digest for level, digest in old.variants.items()}}
    for name, digest in {BASELINE: old.original, **wanted}.items():
        path = where.beside(name)
        size = os.lstat(path).st_size if os.path.lexists(path) else None
        rows[name] = {"size": size, "whole": _is(path, digest)}
    return rows


def facts_of(where: Place) -> dict[str, Any]:
    """Everything about one executable."""
    facts: dict[str, Any] = {"executable": where.executable, "state": None, "problem": None}
    try:
        old = record.load(where)
        if old is None:
            raise HwcapsError(f"no variants of {shown(where.executable)} are installed")
        facts["state"] = old.state
        facts["files"] = _files(where, old)
        if old.state != INSTALLED:
            facts["problem"] = "a command was ended in the middle: `remove` brings all back"
        elif not _is(where.executable, old.stub):
            facts["problem"] = "replaced since: `remove`, then `install` anew"
        elif not all(row["whole"] for row in facts["files"].values()):
            facts["problem"] = "files are missing or were changed since: `remove`, `install` anew"
        else:
            facts["used"], facts["passed over"] = ask("which", where.executable)
    except HwcapsError as error:
        facts["problem"] = str(error)
    return facts


def collect(words: list[str]) -> dict[str, Any]:
    """Everything that the command shows."""
    here = state()
    return {
        "level": here["level"],
        "off": here["off"],
        "executables": [facts_of(where) for where in search(words)],
    }


def as_text(facts: dict[str, Any]) -> str:
    """The facts as lines for people."""
    if facts["off"] is not None:
        lines = [f"off: {facts['off']}"]
    else:
        lines = [f"level {facts['level'] or 'none: the baseline is used'}"]
    for row in facts["executables"]:
        lines += ["", shown(row["executable"])]
        for name, one in row.get("files", {}).items():
            size = "missing" if one["size"] is None else f"{one['size'] / 1024:.0f} KiB"
            lines.append(f"  {name:<10} {size}{'' if one['whole'] else ', not as installed'}")
        if row["problem"]:
            lines.append(f"  problem    {row['problem']}")
        else:
            lines.append(f"  uses       {shown(os.path.basename(row['used']))}")
            lines += [f"  passed over: {text}" for text in row["passed over"]]
    return "\n".join(lines)
