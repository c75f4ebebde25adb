"""The C compiler, GCC or clang, and what profiles need beside it.

How it works: the compiler is CC, or the one that made this Python. It is asked who it is. GCC's
library for counting comes with it; clang's is a package of its own on most distributions, and so
are the programs that read profiles, which have to be of the compiler's version. Whether counting
works is not guessed: a small library is linked.
"""

import os
import re
import shlex
import shutil
import subprocess
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

from fullspeed.variants import BuildError

GCC_AT_LEAST = 12  # -fprofile-prefix-path
CLANG_AT_LEAST = 13  # -fprofile-update=atomic beside IR profiles


@dataclass(frozen=True)
class Compiler:
    """A C compiler."""

    kind: str  # "gcc" or "clang"
    command: tuple[str, ...]
    version: str  # "12.2.0"
    title: str  # the first line of --version
    reader: str | None  # gcov-dump, llvm-profdata: reads profiles

    @property
    def major(self) -> int:
        """The number that profiles' format goes by."""
        return int(self.version.partition(".")[0])

    @property
    def reader_name(self) -> str:
        """What the program that reads profiles is called."""
        return "gcov-dump" if self.kind == "gcc" else "llvm-profdata"

    @property
    def id(self) -> str:
        """Who makes the same profiles."""
        return f"{self.kind} {self.version}"


def _ask(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise BuildError(
            f"{command[0]} cannot be run ({error.strerror}): install gcc or clang, or set CC"
        ) from None
    return done.stdout.strip() if done.returncode == 0 else ""


def _reader(kind: str, command: list[str], major: int) -> str | None:
    """The program that reads profiles of this compiler; None: there is none of its version."""
    if kind == "gcc":
        names = [re.sub(r"(gcc|cc|g\+\+)(?=(-[0-9.]+)?$)", "gcov-dump", command[0])]
        names += [f"gcov-dump-{major}", "gcov-dump"]
    else:
        names = [_ask(*command, "-print-prog-name=llvm-profdata"), f"llvm-profdata-{major}"]
        names.append(str(Path(shutil.which(command[0]) or "x").resolve().parent / "llvm-profdata"))
        names.append("llvm-profdata")
    for name in names:
        path = shutil.which(name) if name and name != command[0] else None
        if path is None:
            continue
        option = ["--version"] if kind == "gcc" else ["merge", "--version"]
        found = re.search(r"(?:version|gcov-dump)\D* (\d+)\.\d", _ask(path, *option))
        if found is not None and int(found[1]) == major:
            return path
    return None


def find(cc: str | None = None) -> Compiler:
    """The compiler: cc, CC, or the one that made this Python."""
    text = cc or os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    command = shlex.split(text)
    if not command:
        raise BuildError(f"CC={text!r} names no compiler")
    title = _ask(*command, "--version").partition("\n")[0]
    kind = "clang" if "clang" in title else "gcc" if _is_gcc(command) else ""
    if not kind:
        raise BuildError(
            f"{command[0]} ({title or 'no answer to --version'}) is neither GCC nor clang: "
            "set CC to one of them"
        )
    version = _ask(*command, "-dumpfullversion" if kind == "gcc" else "-dumpversion")
    if not re.match(r"\d+\.", version):
        raise BuildError(f"{command[0]} has a version that is not understood: {version!r}")
    major = int(version.partition(".")[0])
    return Compiler(kind, tuple(command), version, title, _reader(kind, command, major))


def _is_gcc(command: list[str]) -> bool:
    """Whether a compiler defines __GNUC__, as GCC and those that are like it do."""
    macros = _ask(*command, "-dM", "-E", "-x", "c", "/dev/null")
    return "#define __GNUC__ " in macros and "__clang__" not in macros


def counting_fails(compiler: Compiler) -> str | None:
    """What the compiler says when it cannot make a library that counts; None: it can."""
    with tempfile.TemporaryDirectory(prefix="fullspeed-pgo-") as folder:
        source = Path(folder) / "a.c"
        source.write_text("int one(int x); int one(int x) { return x + 1; }\n")
        done = subprocess.run(
            [*compiler.command, "-shared", "-fPIC", f"-fprofile-generate={folder}", str(source),
             "-o", str(Path(folder) / "a.so")],
            capture_output=True, text=True, cwd=folder,
        )  # fmt: skip
    if done.returncode == 0:
        return None
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return lines[0] if lines else f"exit code {done.returncode}"


def lacks(compiler: Compiler) -> list[str]:
    """What is missing for PGO with this compiler, and how to get it, as sentences."""
    found = []
    least = GCC_AT_LEAST if compiler.kind == "gcc" else CLANG_AT_LEAST
    if compiler.major < least:
        found.append(
            f"{compiler.id} is too old for `fullspeed pgo`: install {compiler.kind} {least} or "
            "newer, and set CC to it"
        )
    reason = counting_fails(compiler)
    if reason is not None:
        package = (
            f"libclang-rt-{compiler.major}-dev (Fedora: compiler-rt)"
            if compiler.kind == "clang"
            else f"libgcc-{compiler.major}-dev, libgcov.a is part of it"
        )
        found.append(f"{compiler.id} cannot link code that counts: {reason}; install {package}")
    if compiler.reader is None:
        package = (
            f"llvm-{compiler.major} (Fedora: llvm)"
            if compiler.kind == "clang"
            else f"gcc-{compiler.major}, it comes with gcov"
        )
        found.append(
            f"there is no {compiler.reader_name} of version {compiler.major}: install {package}"
        )
    return found


def usable(cc: str | None = None) -> Compiler:
    """The compiler, if nothing is missing."""
    compiler = find(cc)
    missing = lacks(compiler)
    if missing:
        raise BuildError("; ".join(missing))
    return compiler
