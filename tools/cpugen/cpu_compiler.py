"""Asks a C compiler what it can do for which CPU feature.

How it works: a feature is supported when a file compiles, with the flags of the feature and of all
that it implies, that uses it (Feature.probe) and finds the compiler's own macro for it
(Feature.compiled). All features are tried in one file first; when that fails, in halves. What a
compiler uses with some flags is read from the same macros, by the preprocessor. Answers are kept
in a file, by all that they depend on: the compiler's files and version, its flags, the table, and
for native the processor.

What must stay true: only the standard library; a compiler that cannot even compile an empty file
is an error that shows its words, never "supports nothing".
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from cpu_options import OptionError
from cpu_table import Table

_LIMIT = 120  # seconds for one run of a compiler


class Compiler:
    """A compiler with the user's flags: the Maker of cpu_options."""

    def __init__(
        self,
        table: Table,
        compiler: str,
        command: Iterable[str],
        flags: Iterable[str] = (),
        *,
        cross: bool = False,
        cache: Path | None = None,
    ) -> None:
        """`compiler`: meson's name of it; `flags`: what the user compiles everything with."""
        self.table = table
        try:
            self.compiler = table.compiler(compiler).name
        except KeyError:
            known = ", ".join(table.compilers)
            raise OptionError(
                f"the compiler '{compiler}' is not known to the table of CPU features; "
                f"known are {known}"
            ) from None
        self.command, self.flags = tuple(command), tuple(flags)
        self.cross, self.cache_file = cross, cache
        self.runs = 0
        self._answers: dict[str, list[str]] = {}
        self._read_cache()

    # ---- the answers ----

    def supported(self, arch: str) -> set[str]:
        """The features that it can make code for."""
        return set(self._answer(f"supported {arch}", lambda: self._find_supported(arch)))

    def detected(self, arch: str) -> set[str]:
        """The features that it uses with the user's own flags, without what they imply."""
        found = self._answer(f"detected {arch}", lambda: self._macros(arch, ()))
        return {*found, *self.table.complete(found, arch)}

    def native(self, arch: str) -> set[str]:
        """The features of the machine that builds."""
        flag = self.table.compilers[self.compiler].native
        if not flag:
            raise OptionError(f"the compiler '{self.compiler}' has no flag for it")
        if self.cross:
            raise OptionError(
                "this is a cross build: the processor that builds is not the one that will run it"
            )
        if not self._answer("native works", lambda: ["yes"] if self._takes(flag) else []):
            raise OptionError(
                f"{shlex.join(self.command)} does not take {flag}: name the features instead"
            )
        key = f"native {arch} {_processor()}"
        found = self._answer(key, lambda: self._macros(arch, (flag,)))
        return set(self.table.complete(found, arch))

    def is_native(self) -> bool:
        """Whether the user's own flags say native."""
        return self.table.compilers[self.compiler].native in self.flags

    def checks(self, names: tuple[str, ...], arch: str) -> tuple[str, ...]:
        """The extra checks of the features that it passes."""
        found: list[str] = []
        for name in names:
            for check, text in self.table.extra_checks(name, arch).items():
                flags = self.table.flags([name], arch, self.compiler)
                key = f"check {arch} {check}"
                if self._answer(key, lambda: ["yes"] if self._compiles(text, flags) else []):  # noqa: B023
                    found.append(check)
        return tuple(found)

    # ---- how they are found ----

    def _takes(self, flag: str) -> bool:
        return self._compiles("int probe;\n", ("-Werror", flag))

    def _text(self, names: Iterable[str], arch: str) -> str:
        """A file that compiles only where all the features can be used."""
        parts = [self.table.probe_head(arch)]
        for name in names:
            feature = self.table.on(name, arch)
            if feature.compiled:
                parts.append(f"#if !({feature.compiled})\n#error {name}\n#endif\n")
            if feature.probe:
                parts.append(f"#define probe probe_{name}\n{feature.probe}\n#undef probe\n")
        return "".join(parts)

    def _find_supported(self, arch: str) -> list[str]:
        self._check_it_works()
        names = [
            name
            for name in self.table.of(arch)
            if not self.table.unsupported(name, arch, self.compiler)
        ]
        flags = self.table.flags(names, arch, self.compiler)
        if self._run("", ("-E", *flags)).returncode == 0:  # spares many runs where some are gone
            known = self.table.complete(self._macros(arch, flags), arch)
            names = [name for name in names if name in known]
        return self._able(names, arch)

    def _able(self, names: list[str], arch: str) -> list[str]:
        """Those of the features that can be used: all of them at once, or by halves."""
        if not names:
            return []
        flags = self.table.flags(names, arch, self.compiler)
        if self._compiles(self._text(names, arch), flags):
            return names
        if len(names) == 1:
            return []
        half = len(names) // 2
        return self._able(names[:half], arch) + self._able(names[half:], arch)

    def _check_it_works(self) -> None:
        done = self._run("int probe;\n", ("-c",))
        if done.returncode:
            words = (done.stderr or done.stdout).strip().splitlines()[:5]
            raise OptionError(
                f"{shlex.join((*self.command, *self.flags))} cannot compile an empty file: "
                + " / ".join(words)
            )

    def _macros(self, arch: str, more: tuple[str, ...]) -> list[str]:
        """The features that the compiler uses with the user's flags and some more."""
        lines = []
        for name in self.table.of(arch):
            compiled = self.table.on(name, arch).compiled
            if compiled:
                lines.append(f"#if {compiled}\nfs_has {name}\n#endif\n")
        done = self._run("".join(lines), ("-E", *more))
        if done.returncode:
            self._check_it_works()
            raise OptionError(f"{shlex.join((*self.command, *more))} fails: {done.stderr.strip()}")
        found = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("fs_has")]
        return found

    def _compiles(self, text: str, flags: Iterable[str]) -> bool:
        return self._run(text, ("-c", *flags)).returncode == 0

    def _run(self, text: str, flags: Iterable[str]) -> subprocess.CompletedProcess[str]:
        """Run the compiler on a file."""
        self.runs += 1
        with tempfile.TemporaryDirectory(prefix="cpu-probe-") as folder:
            source = Path(folder) / "probe.c"
            source.write_text(text)
            flags = list(flags)
            out = [] if "-E" in flags else ["-o", str(source.with_suffix(".o"))]
            try:
                return subprocess.run(
                    [*self.command, *self.flags, *flags, str(source), *out],
                    capture_output=True,
                    text=True,
                    errors="replace",
                    timeout=_LIMIT,
                    stdin=subprocess.DEVNULL,
                )
            except (OSError, subprocess.SubprocessError) as error:
                raise OptionError(f"{shlex.join(self.command)} does not run: {error}") from None

    # ---- the answers, kept ----

    def _answer(self, question: str, find: Callable[[], list[str]]) -> list[str]:
        if question not in self._answers:
            self._answers[question] = find()
            self._write_cache()
        return self._answers[question]

    def _identity(self) -> str:
        """Everything that answers depend on."""
        digest = hashlib.sha256()
        for part in self.command:
            path = shutil.which(part)
            if path:
                real = os.path.realpath(path)
                state = os.stat(real)
                digest.update(f"{real} {state.st_size} {state.st_mtime_ns}".encode())
        version = subprocess.run(
            [*self.command, "--version"], capture_output=True, text=True, errors="replace",
            stdin=subprocess.DEVNULL, timeout=_LIMIT,
        ).stdout  # fmt: skip
        # Flags that only name files and definitions do not matter, but are rarely many.
        asked = (self.compiler, self.command, self.flags, self.cross, version, _own_files())
        digest.update(repr((asked, self.table)).encode())
        return digest.hexdigest()

    def _read_cache(self) -> None:
        self._key = ""
        if self.cache_file is None:
            return
        try:
            self._key = self._identity()
            kept = json.loads(self.cache_file.read_text())
            if kept.get("key") == self._key:
                self._answers = dict(kept["answers"])
        except (OSError, subprocess.SubprocessError):  # no file; or a compiler that does not run
            return
        except (ValueError, KeyError, AttributeError, TypeError):
            self._answers = {}

    def _write_cache(self) -> None:
        if self.cache_file is None or not self._key:  # a compiler that does not even run
            return
        text = json.dumps({"key": self._key, "answers": self._answers}, indent=1)
        with tempfile.NamedTemporaryFile(
            "w", dir=self.cache_file.parent, prefix=".cpu-", delete=False
        ) as file:
            file.write(text)
        os.replace(file.name, self.cache_file)


def _own_files() -> str:
    """A digest of this program: other questions are other answers."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()


def _processor() -> str:
    """Which processor this is, for what is native to it."""
    lines = []
    try:
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if not line.strip():
                break
            if line.split(":")[0].strip() in ("model name", "flags", "Features", "cpu", "features"):
                lines.append(line)
    except OSError:
        pass
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
