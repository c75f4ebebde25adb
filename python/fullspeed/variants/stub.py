"""Compiling the import stub for the modules of a wheel.

How it works: its sources (src/variant, and the CPU room) are installed with fullspeed. All but
one are the same for every module and compiled once; variant_stub.c has the module's name in it.

What must stay true: the stub runs on the oldest processor: no flag of the user's or the project's
gets into it, and the audit goes over it like over everything else.
"""

import os
import re
import shlex
import subprocess
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from fullspeed.variants import PACKAGE, BuildError

SOURCES = Path(PACKAGE) / "variant_stub"
FLAGS = [
    *("-std=gnu11", "-O2", "-fPIC", "-fvisibility=hidden", "-ffunction-sections", "-fno-lto"),
    *("-fdata-sections", "-g0", "-DFS_CPU_ONLY", "-DFS_CPU_ONLY_x86_64", "-Wall", "-Wextra"),
]
# Small and lazy: all of it is paid for at each import.
LINK = [
    *("-shared", "-Wl,--gc-sections", "-Wl,--as-needed", "-Wl,-s", "-Wl,-z,relro"),
    *("-Wl,-z,lazy", "-Wl,-z,noseparate-code"),
]


def compiler() -> list[str]:
    """The C compiler: CC, or the one that made this Python."""
    command = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    return [command[0], *(word for word in command[1:] if not word.startswith("-m"))]


class StubCompiler:
    """Compiles stubs in a folder of its own."""

    def __init__(self, folder: Path, extra: Iterable[str] = ()) -> None:
        """Compile what all stubs share; extra are further flags (sanitizers, in tests)."""
        self.folder = folder
        self.command = compiler()
        self.flags = [*FLAGS, *extra, f"-I{SOURCES}", f"-I{sysconfig.get_path('include')}",
                      "-march=x86-64", "-mtune=generic"]  # fmt: skip
        self.link = [*LINK, *extra]
        folder.mkdir(parents=True, exist_ok=True)
        if not SOURCES.is_dir():
            raise BuildError(f"fullspeed is installed without {SOURCES}: install it anew")
        shared = sorted(path for path in SOURCES.glob("*.c") if path.name != "variant_stub.c")
        self.objects = [folder / f"{path.stem}.o" for path in shared]
        self._run([*self.flags, "-c", *map(str, shared)])

    def _run(self, arguments: list[str]) -> None:
        try:
            done = subprocess.run(
                [*self.command, *arguments], cwd=self.folder, capture_output=True, text=True
            )
        except OSError as error:
            raise BuildError(
                f"the C compiler {self.command[0]} cannot be run ({error}): install one, or set CC"
            ) from None
        if done.returncode != 0:
            raise BuildError(
                f"the import stub does not compile with {self.command[0]}:\n{done.stderr}"
            )

    def make(self, init: str, levels: Iterable[str], tag: str = "") -> bytes:
        """The stub of a module with this init function, and with variants of these levels; with a
        tag they are packages of their own, and have it in their names (packages.py)."""
        if not re.fullmatch(r"PyInitU?_[A-Za-z0-9_]+", init):
            raise BuildError(f"{init!r} is no name of a module's init function")
        bits = sum(1 << int(level.removeprefix("v")) for level in levels)
        made = self.folder / "stub.so"
        self._run([
            *self.flags, f"-DFS_VARIANT_INIT={init}", f"-DFS_VARIANT_LEVELS={bits}u",
            f'-DFS_VARIANT_TAG="{tag}"',
            str(SOURCES / "variant_stub.c"), *map(str, self.objects), *self.link, "-o", str(made),
            "-ldl",
        ])  # fmt: skip
        return made.read_bytes()
