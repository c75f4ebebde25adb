"""`fullspeed hwcaps install` and `remove`: the stub in the place of an executable, and back.

    record (installing) ─▶ app.x86-64-v3 ... ─▶ app.baseline = app ─▶ stub over app ─▶ installed
    record (removing)   ─▶ app.baseline over app ─▶ no app.x86-64-v3 ... ─▶ no record

How it works: the baseline is a second name (a hard link) of the executable, so bringing it back is
one rename of the very same file. Every arrow is one step that is on the disk before the next.

What must stay true: at any moment `app` can be run; a command that was ended at any moment is
undone by `remove`, or by the next `install`; nothing that is not ours is overwritten or removed.
"""

import errno
import os
import stat

from fullspeed.hwcaps import STUB, HwcapsError, elf, files, record, shown
from fullspeed.hwcaps.record import BASELINE, INSTALLED, INSTALLING, REMOVING, Place, Record
from fullspeed.variants import LEVELS, label

MARK = b"fullspeed hwcaps exec stub"


def is_stub(path: str) -> bool:
    """Is the file a stub, of whatever version?"""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            return MARK in file.read(1 << 16)
    except OSError:
        return False


def read_variants(words: list[str]) -> dict[str, str]:
    """The files of --variant v3=PATH, by level."""
    found: dict[str, str] = {}
    for word in words:
        level, equals, path = word.partition("=")
        level = level.strip().removeprefix("x86-64-")
        if not equals or not path or level not in LEVELS[1:]:
            raise ValueError(
                f"--variant wants LEVEL=PATH with LEVEL one of {', '.join(LEVELS[1:])}, not "
                f"{shown(word)!r}"
            )
        if level in found:
            raise ValueError(f"--variant names {level} twice")
        found[level] = path
    if not found:
        raise ValueError("there is nothing to install: say --variant v3=PATH")
    return dict(sorted(found.items()))


# ---- checks ----


def _check_folder(where: Place) -> None:
    """A folder in which others may put files beside ours is no place for variants."""
    info = os.stat(where.folder)
    if info.st_mode & stat.S_ISVTX and info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise HwcapsError(
            f"{shown(where.folder)} is a folder like /tmp, where others may add files: variants "
            "there could be theirs"
        )


def _check_executable(where: Place) -> elf.Program:
    path = where.executable
    try:
        info = os.lstat(path)
    except OSError as error:
        raise HwcapsError(f"{shown(path)}: {error.strerror}") from None
    elf.check_mode(path, info)
    if is_stub(path):
        raise HwcapsError(
            f"{shown(path)} is a stub of `fullspeed hwcaps`, without its record: it lies beside "
            "the stub where that was installed"
        )
    return elf.read(path)


def _check_variant(level: str, path: str, own: elf.Program, where: Place) -> None:
    """Can the file be a variant of the executable?"""
    try:
        info = os.stat(path)
        if os.path.samestat(info, os.stat(where.executable)):
            raise HwcapsError(f"the variant for {level} is {shown(where.executable)} itself")
    except OSError as error:
        raise HwcapsError(f"the variant for {level}, {shown(path)}: {error.strerror}") from None
    elf.check_mode(os.path.realpath(path), info)
    if is_stub(os.path.realpath(path)):
        raise HwcapsError(f"the variant for {level}, {shown(path)}, is a stub itself")
    program = elf.read(path)
    if program.level > int(level[1:]):
        raise HwcapsError(
            f"the variant for {level}, {shown(path)}, says that it needs "
            f"{label(f'v{program.level}')}"
        )
    if program.loader != own.loader:
        raise HwcapsError(
            f"the variant for {level}, {shown(path)}, is started by {program.loader or 'nothing'}, "
            f"and {shown(where.executable)} by {own.loader or 'nothing (it is static)'}: they are "
            "for different C libraries"
        )


def _check_names(where: Place, levels: list[str]) -> None:
    for name in (BASELINE, *map(label, LEVELS[1:])):
        path = where.beside(name)
        if os.path.lexists(path):
            raise HwcapsError(
                f"{shown(path)} is there already, and no `fullspeed hwcaps install` made it: "
                "move it away"
            )


# ---- install ----


def install(path: str, variants: dict[str, str]) -> list[str]:
    """Install variants of an executable; returns what else is worth saying."""
    where = record.place(path)
    said = []
    with files.locked(where.folder):
        old = record.load(where)
        if old is not None and old.state != INSTALLED:
            said += ["an earlier command had been ended in the middle: undone", *_undo(where, old)]
        elif old is not None:
            raise HwcapsError(
                f"{shown(where.executable)} has variants already ({', '.join(old.variants)}): "
                f"`fullspeed hwcaps remove` first"
            )
        _check_folder(where)
        own = _check_executable(where)
        for level, file in variants.items():
            _check_variant(level, file, own, where)
        _check_names(where, list(variants))
        try:
            made = Record(
                INSTALLING,
                files.digest(where.executable),
                files.digest(STUB),
                {level: files.digest(os.path.realpath(file)) for level, file in variants.items()},
            )
        except OSError as error:
            raise _failure(where, error) from None
        _place_all(where, made, variants)
    return said


def _place_all(where: Place, made: Record, variants: dict[str, str]) -> None:
    """Do all of it, or nothing."""
    try:
        record.save(where, made)
        for level, file in variants.items():
            source = os.path.realpath(file)
            got = files.put(where.beside(label(level)), where.scratch, source, where.executable)
            if got != made.variants[level]:
                raise HwcapsError(f"{shown(file)} was changed while it was copied")
        os.link(where.executable, where.beside(BASELINE), follow_symlinks=False)
        files.sync_folder(where.folder)
        if files.digest(where.beside(BASELINE)) != made.original:
            raise HwcapsError(f"{shown(where.executable)} was changed meanwhile")
        files.replace(where.executable, where.scratch, STUB, where.executable)
        made.state = INSTALLED
        record.save(where, made)
    except BaseException as error:
        _undo_failed(where, made)
        if isinstance(error, OSError):
            raise _failure(where, error) from None
        raise


def _undo_failed(where: Place, made: Record) -> None:
    """Undo an installation that did not come to its end."""
    try:
        _undo(where, made)
    except OSError as error:
        if os.path.lexists(where.record):
            raise HwcapsError(
                f"{shown(where.executable)}: what was begun could not be undone: {error.strerror}; "
                "say `fullspeed hwcaps remove` when that is mended"
            ) from None


def _failure(where: Place, error: OSError) -> HwcapsError:
    """What went wrong, in words."""
    return HwcapsError(
        f"{shown(where.executable)} is as it was; this could not be done: "
        f"{error.strerror}{f' ({shown(error.filename)})' if error.filename else ''}"
    )


# ---- remove ----


def remove(path: str) -> list[str]:
    """Bring the executable back; returns what else is worth saying."""
    where = record.place(path)
    with files.locked(where.folder):
        old = record.load(where)
        if old is None:
            files.remove(where.scratch)  # of an install that was ended before it did anything
            raise HwcapsError(f"no variants of {shown(where.executable)} are installed")
        try:
            return _undo(where, old)
        except OSError as error:
            raise HwcapsError(
                f"{shown(where.executable)}: not all could be removed: {error.strerror}; say the "
                "same again when that is mended"
            ) from None


def _digest(path: str) -> str | None:
    """SHA-256 of a file; None: there is none; empty: it is a link, or a folder."""
    try:
        return files.digest(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            return ""
        raise


def _undo(where: Place, old: Record) -> list[str]:
    """From whatever state to the one before `install`; returns what is worth saying."""
    said: list[str] = []
    if old.state != REMOVING:
        old.state = REMOVING
        _mark(where, old)
    _restore(where, old, said)
    for level, digest in old.variants.items():
        _remove_own(where.beside(label(level)), digest, said)
    files.remove(where.scratch)
    files.sync_folder(where.folder)
    files.remove(where.record)
    files.sync_folder(where.folder)
    return said


def _mark(where: Place, old: Record) -> None:
    """On a full disk the record stays as it is: "installing" says enough, and so does what is
    there."""
    try:
        record.save(where, old)
    except OSError:
        files.remove(where.scratch)


def _restore(where: Place, old: Record, said: list[str]) -> None:
    """Put the executable back under its name, if it is not there."""
    baseline = where.beside(BASELINE)
    here, kept = _digest(where.executable), _digest(baseline)
    if kept is None:
        if here == old.stub or is_stub(where.executable):
            raise HwcapsError(
                f"{shown(baseline)} is missing, so {shown(where.executable)} cannot be brought "
                "back: put the executable there (from its package, for one), and say this again"
            )
        return
    if here in (None, old.stub) or is_stub(where.executable):
        if kept != old.original:
            said.append(f"{shown(baseline)} was changed since; it is the executable now")
        os.rename(baseline, where.executable)
    elif here == old.original:
        _remove_own(baseline, old.original, said)
    else:
        said.append(
            f"{shown(where.executable)} was replaced since (a new version of its package?): it "
            "stays as it is"
        )
        _remove_own(baseline, old.original, said)
    files.sync_folder(where.folder)


def _remove_own(path: str, digest: str, said: list[str]) -> None:
    """Remove a file, if it is what we put there."""
    found = _digest(path)
    if found == digest:
        files.remove(path)
    elif found is not None:
        said.append(f"{shown(path)} was changed since; it stays")
