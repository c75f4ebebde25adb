"""Variants of executables: `fullspeed hwcaps`.

    options.py  the options of the command
    command.py  the command: one function per action
    path.py     PATH for this CPU, in the forms of shells
    elf.py      which files may get variants
    files.py    changing a folder so that nothing is ever half there
    record.py   what is installed for an executable: record and journal
    install.py  installing and removing variants of an executable
    status.py   what is installed, and used here
    systemd.py  generators for systemd

The decisions (what this CPU may use, what turns variants off, which file is run) are those of two
small programs, src/hwcaps, which are installed beside this package: here they are asked.

What must stay true: nothing here runs when a variant is run.
"""

import os
import signal
import subprocess
from typing import NoReturn

from fullspeed.variants import PACKAGE, BuildError

PROGRAMS = os.path.join(PACKAGE, "hwcaps_bin")
TOOL = os.path.join(PROGRAMS, "fullspeed-hwcaps")
STUB = os.path.join(PROGRAMS, "fullspeed-hwcaps-stub")


class HwcapsError(BuildError):
    """Something that the user has to know; the message names it and the way out."""


def shown(path: str | os.PathLike[str]) -> str:
    """A path for people: without line breaks, control characters and broken encodings."""
    text = os.fspath(path)
    return text if text.isprintable() and text.isascii() else ascii(text)


def ask(*arguments: str, variables: dict[str, str] | None = None) -> tuple[str, list[str]]:
    """What the tool prints, and the lines that it has on stderr, each without "fullspeed: "."""
    try:
        done = subprocess.run(
            [TOOL, *arguments], capture_output=True, env=variables, stdin=subprocess.DEVNULL
        )
    except OSError as error:
        raise HwcapsError(
            f"{shown(TOOL)} cannot be run ({error}): install fullspeed anew"
        ) from None
    said = [os.fsdecode(line).removeprefix("fullspeed: ") for line in done.stderr.splitlines()]
    if done.returncode == 1:
        raise HwcapsError(" ".join(said) or f"{shown(TOOL)} failed")
    if done.returncode != 0:
        raise HwcapsError(f"{shown(TOOL)} ended with {done.returncode}: install fullspeed anew")
    return os.fsdecode(done.stdout), said


def state() -> dict[str, str | None]:
    """The level that variants may have here, and what turns them off; None: there is none."""
    lines = ask("state")[0].splitlines()
    return {name: value or None for name, _, value in (line.partition(" ") for line in lines)}


def _variables() -> dict[bytes, bytes]:
    """The environment as this process was given it: in the C locale Python adds to its own."""
    try:
        with open("/proc/self/environ", "rb") as file:
            words = [word.partition(b"=") for word in file.read().split(b"\0")]
    except OSError:
        return dict(os.environb)
    return {name: value for name, equals, value in words if name and equals}


def become(executable: str, arguments: list[str]) -> NoReturn:
    """This process becomes the best variant of an executable."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores these
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execve(TOOL, [TOOL, "exec", executable, *arguments], _variables())
    except OSError as error:
        raise HwcapsError(
            f"{shown(TOOL)} cannot be run ({error}): install fullspeed anew"
        ) from None
