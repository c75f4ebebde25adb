"""Changing a folder so that nothing is ever half there.

How it works: new content goes to a temporary name, to the disk, and then under its name: by a
link, which never replaces anything, or by a rename, which replaces in one step. The folder itself
is what is locked, so that no lock file is left.

What must stay true: after each of these functions the change is on the disk; whatever stops one,
a file under its own name is whole.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
from collections.abc import Iterator

from fullspeed.hwcaps import HwcapsError, shown

BLOCK = 1 << 20


@contextlib.contextmanager
def locked(folder: str) -> Iterator[None]:
    """Nobody else changes what is installed in this folder meanwhile."""
    try:
        file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise HwcapsError(f"{shown(folder)} cannot be opened: {error.strerror}") from None
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise HwcapsError(
                    f"another `fullspeed hwcaps` is at work in {shown(folder)}: try again when it "
                    "is done"
                ) from None
            raise HwcapsError(
                f"{shown(folder)} cannot be locked ({error.strerror}): do this on a file system "
                "that has locks"
            ) from None
        yield
    finally:
        os.close(file)


def sync_folder(folder: str) -> None:
    """Names of this folder are on the disk."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def digest(path: str) -> str:
    """SHA-256 of a file; no link is followed."""
    made = hashlib.sha256()
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(file, "rb") as opened:
        while block := opened.read(BLOCK):
            made.update(block)
    return made.hexdigest()


def remove(path: str) -> None:
    """Remove a file, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def write(path: str, source: str | bytes, like: str | None) -> str:
    """A new file with the content of another, or these bytes; returns the SHA-256.

    Owner, rights and extended attributes are those of the file `like`, or what is usual.
    """
    made = hashlib.sha256()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(path, flags, 0o600), "wb") as file:
        if isinstance(source, bytes):
            file.write(source)
            made.update(source)
        else:
            with open(source, "rb") as content:
                while block := content.read(BLOCK):
                    file.write(block)
                    made.update(block)
        file.flush()
        _dress(file.fileno(), like)
        os.fsync(file.fileno())
    return made.hexdigest()


def _dress(file: int, like: str | None) -> None:
    """Owner, rights and attributes."""
    if like is None:
        mask = os.umask(0o022)
        os.umask(mask)
        os.fchmod(file, 0o644 & ~mask)
        return
    info = os.stat(like, follow_symlinks=False)
    own = os.fstat(file)
    if (own.st_uid, own.st_gid) != (info.st_uid, info.st_gid):
        os.fchown(file, info.st_uid, info.st_gid)
    for name in os.listxattr(like, follow_symlinks=False):
        if name != "security.capability":
            with contextlib.suppress(OSError):  # some are the system's business
                os.setxattr(file, name, os.getxattr(like, name, follow_symlinks=False))
    os.fchmod(file, info.st_mode & 0o777)


def put(path: str, scratch: str, source: str | bytes, like: str | None) -> str:
    """A new file under its name, which must be free; returns the SHA-256."""
    remove(scratch)
    made = write(scratch, source, like)
    os.link(scratch, path, follow_symlinks=False)
    os.unlink(scratch)
    sync_folder(os.path.dirname(path))
    return made


def replace(path: str, scratch: str, source: str | bytes, like: str | None) -> str:
    """The file under this name is a new one, from one moment to the next; returns the SHA-256."""
    remove(scratch)
    made = write(scratch, source, like)
    os.rename(scratch, path)
    sync_folder(os.path.dirname(path))
    return made
