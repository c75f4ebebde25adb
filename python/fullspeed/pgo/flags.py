"""What the compiler is told: to count, and later to use what was counted.

How it works: both come as flags in CFLAGS, CXXFLAGS, FFLAGS and LDFLAGS of a build through the
project's back end, as everything in fullspeed.variants does. Profiles are found by names:

- GCC writes a file per object file, called after the object's path. The flag
  -fprofile-prefix-path takes off the folder of the build, so that a work folder can be moved.
- clang has one file, by functions; those that are static have the source file in front, as it
  stands on the command line.
- Some projects have absolute paths in their build files, which get into both. So all builds of a
  work folder take place in one folder, one after the other, each with a fresh copy of the source.
- Back ends of meson and CMake build in a folder with a random name, unless they are told one.

What must stay true: what both builds compile is the same, flag for flag, but for these; -Werror of
a project, or in a test of its configuration, must not turn words about profiles into errors.
"""

import dataclasses
import json
import os
import re
import shlex
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

from fullspeed.pgo.compilers import Compiler
from fullspeed.variants import PACKAGE, BuildError
from fullspeed.variants.project import RANDOM_FOLDERS, Make, back_end, own_flags, with_flags

RUNTIME = Path(PACKAGE) / "pgo_runtime" / "pgo_flush.c"
RAW = "raw"
MERGED = "merged.profdata"
OBJECTS = "objects.json"  # of a build with a profile
ENGLISH = {"LC_ALL": "C.UTF-8"}  # the compiler's words are read
COMPILED = ("CFLAGS", "CXXFLAGS")
BUILD_DIR = "build-pgo"
_ONE_TREE = threading.Lock()


def check_path(folder: Path) -> None:
    """Refuse a folder whose name would be several flags."""
    if re.search(r"[\s\"'\\$`]", str(folder)):
        raise BuildError(
            f"{folder} has a blank or a quote in its name, and flags are split there: choose "
            "another folder with --dir"
        )


def compile_runtime(compiler: Compiler, folder: Path) -> Path:
    """Compile what is linked into modules that count."""
    made = folder / "pgo_flush.o"
    if not RUNTIME.is_file():
        raise BuildError(f"fullspeed is installed without {RUNTIME}: install it anew")
    command = [*compiler.command, "-O2", "-fPIC", "-g0", "-fno-lto", "-c", str(RUNTIME)]
    done = subprocess.run([*command, "-o", str(made)], capture_output=True, text=True)
    if done.returncode != 0:
        raise BuildError(f"{RUNTIME.name} does not compile with {compiler.id}:\n{done.stderr}")
    return made


def _compilers(compiler: Compiler, variables: Mapping[str, str]) -> dict[str, str]:
    """CC, and CXX where it follows from a CC that is clang."""
    found = {"CC": shlex.join(compiler.command)}
    if compiler.kind == "clang" and "CXX" not in os.environ:
        name = re.sub(r"clang(?=(-[0-9.]+)?$)", "clang++", compiler.command[0])
        found["CXX"] = shlex.join([name, *compiler.command[1:]])
    return {**variables, **found}


def _settings(make: Make, source: Path) -> dict[str, object]:
    """The back end's settings, with a folder for object files that is the same each time."""
    settings = dict(make.settings)
    key = RANDOM_FOLDERS.get(back_end(source))
    if key is not None and key not in settings and "builddir" not in settings:
        settings[key] = BUILD_DIR
    return settings


def plain(compiler: Compiler, make: Make, source: Path) -> Make:
    """The build without profile, by the same compiler: what a gain is measured against."""
    return dataclasses.replace(
        make,
        variables=_compilers(compiler, make.variables),
        settings=_settings(make, source),
        tree=make.tree.parents[1] / "tree" / "source",
        lock=_ONE_TREE,
    )


def counting(compiler: Compiler, make: Make, source: Path, home: Path, runtime: Path) -> Make:
    """A build whose modules count; a process that knows no better writes into home/RAW."""
    same = plain(compiler, make, source)
    flags = [f"-fprofile-generate={home / RAW}", "-fprofile-update=atomic"]
    added = {}
    if compiler.kind == "gcc":
        # The notes of -ftest-coverage have the functions' names; the code is the same.
        flags += [f"-fprofile-prefix-path={same.tree}", "-ftest-coverage"]
        added["FFLAGS"] = " ".join(flags)
    for name in COMPILED:
        added[name] = " ".join(flags)
    added["LDFLAGS"] = f"{flags[0]} {runtime}"
    own = own_flags(source)
    return dataclasses.replace(same, variables=with_flags(same.variables, added, own))


def objects_of(tree: Path) -> list[str]:
    """The object files in a build's tree."""
    kinds = (".o", ".os", ".lo", ".obj")
    return sorted(
        str(path.relative_to(tree))
        for path in tree.rglob("*")
        if path.suffix in kinds and "meson-private" not in path.parts
    )


@dataclasses.dataclass(frozen=True)
class Use:
    """A profile that builds are optimised with."""

    compiler: Compiler
    source: Path  # unpacked
    profile: Path  # the folder with RAW and, for clang, MERGED
    digest: str
    partial: bool = False  # what the training did not run is optimised as if there were no profile

    def applied(self, make: Make) -> Make:
        """A build with this profile; it leaves in its folder what verify.py reads."""
        folder = make.tree.parent

        def keep_objects(tree: Path) -> None:
            (folder / OBJECTS).write_text(json.dumps(objects_of(tree)))

        variables = {**make.variables, **ENGLISH}
        make = dataclasses.replace(make, variables=variables, after=keep_objects)
        same = plain(self.compiler, make, self.source)
        if self.compiler.kind == "gcc":
            flags = [
                f"-fprofile-use={self.profile / RAW}", f"-fprofile-prefix-path={same.tree}",
                "-fprofile-correction", "-Wmissing-profile", "-Wno-error=missing-profile",
                "-Wno-error=coverage-mismatch",
            ]  # fmt: skip
            if self.partial:
                flags.append("-fprofile-partial-training")
        else:
            flags = [
                f"-fprofile-use={self.profile / MERGED}", "-Wno-error=backend-plugin",
                "-mllvm", "-pgo-warn-missing-function",
            ]  # fmt: skip
        names = (*COMPILED, "FFLAGS") if self.compiler.kind == "gcc" else COMPILED
        added, own = dict.fromkeys(names, " ".join(flags)), own_flags(self.source)
        return dataclasses.replace(same, variables=with_flags(same.variables, added, own))
