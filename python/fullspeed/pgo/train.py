"""The user's command, in a throw-away environment that has a certain build of the project.

How it works: a virtual environment is made in which the wheel is installed, and where everything
that is installed here can be imported behind it; what the wheel needs and is not here, pip
installs there. The command finds that environment's `python` first on its PATH. In a training, a
hook (a .pth file of that environment) has the counters written where a process ends by os._exit()
or becomes another program, which the compilers' libraries do not notice. Processes write when they
end, each into the same folder; the libraries add what others have written, under locks.

What must stay true: a profile takes the place of the last one only if the command succeeded and
something was counted; nothing is installed outside of the environment.
"""

import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from fullspeed.pgo import profile as profiles
from fullspeed.pgo.compilers import Compiler
from fullspeed.pgo.flags import RAW
from fullspeed.variants import BuildError, need, wheel

FACTS = "training.json"
HOOK = '''\
"""Written by `fullspeed pgo train`: counters are written before os._exit() and exec."""
import os

PREFIX = {prefix!r}


def write():
    import ctypes

    with open("/proc/self/maps") as maps:
        paths = {{line.split(maxsplit=5)[-1].rstrip() for line in maps if PREFIX in line}}
    for path in paths:
        if ".so" in path:
            try:
                library = ctypes.CDLL(path, mode=os.RTLD_NOLOAD)
                library.fullspeed_pgo_write()
            except (OSError, AttributeError):
                pass


def wrapped(old):
    def new(*arguments, **named):
        write()
        return old(*arguments, **named)

    return new


for name in ("_exit", "execv", "execve"):
    setattr(os, name, wrapped(getattr(os, name)))
'''


@dataclass(frozen=True)
class Environment:
    """A virtual environment with a wheel."""

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        """Where it has packages."""
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        return self.folder / "lib" / version / "site-packages"

    def variables(self) -> dict[str, str]:
        """What a process of it has in its environment."""
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        kept = {key: value for key, value in os.environ.items() if key != "PYTHONHOME"}
        return {**kept, "PATH": path, "VIRTUAL_ENV": str(self.folder)}


def _pip(python: Path, *arguments: str) -> None:
    # The option comes before the command, so that pip here installs there.
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    command += ["--disable-pip-version-check", "--no-warn-script-location"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        lines = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise BuildError(f"pip could not install into the throw-away environment:\n{lines}")


def _needed(path: Path) -> list[str]:
    """What a wheel needs, in pip's words, without extras."""
    requirements = need("packaging.requirements")
    read = wheel.read(path)
    text = read.files[f"{read.dist_info}/METADATA"].decode(errors="replace").partition("\n\n")[0]
    words = [line.partition(":")[2].strip() for line in text.splitlines()
             if line.lower().startswith("requires-dist:")]  # fmt: skip
    found = [requirements.Requirement(word) for word in words]
    return [str(one) for one in found if one.marker is None or one.marker.evaluate({"extra": ""})]


def make_environment(folder: Path, path: Path, more: list[str], hook: bool = False) -> Environment:
    """A new environment with a wheel, and with more from the package index."""
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise BuildError(
            f"no virtual environment could be made ({done.stderr.strip() or done.stdout.strip()}): "
            "on Debian, install python3-venv"
        )
    made = Environment(folder)
    here = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    lines = [name for name in [*here, *_user_packages()] if os.path.isdir(name)]
    (made.packages / "zz_packages_of_the_maker.pth").write_text("".join(f"{x}\n" for x in lines))
    _pip(made.python, "--no-deps", "--ignore-installed", "--no-index", str(path))
    wanted = [*_needed(path), *more]
    if wanted:
        _pip(made.python, *wanted)
    if hook:
        (made.packages / "fullspeed_pgo_hook.py").write_text(HOOK.format(prefix=str(folder)))
        (made.packages / "fullspeed_pgo_hook.pth").write_text("import fullspeed_pgo_hook\n")
    return made


def _user_packages() -> list[str]:
    import site

    return [site.getusersitepackages()] if site.ENABLE_USER_SITE else []


class Side(Protocol):
    """Where a command runs."""

    def variables(self) -> dict[str, str]:
        """What it has in its environment."""


def run(
    environment: Side, command: list[str], variables: Mapping[str, str], quiet: bool = False
) -> None:
    """Run the user's command; a BuildError if it fails. Its output goes to stderr."""
    out = subprocess.DEVNULL if quiet else sys.stderr
    try:
        done = subprocess.run(
            command, env={**environment.variables(), **variables}, stdout=out,
            executable=shutil.which(command[0], path=environment.variables()["PATH"]),
        )  # fmt: skip
    except OSError as error:
        raise BuildError(f"{command[0]}: {error.strerror}; it is no command") from None
    if done.returncode != 0:
        code = done.returncode
        how = f"exit code {code}" if code > 0 else f"signal {-code}"
        raise BuildError(f"the command failed ({how}): {shlex.join(command)}")


def where_to(compiler: Compiler, raw: Path, folder: Path) -> dict[str, str]:
    """The variables by which processes with instrumented modules write into a folder; raw is where
    they would write without."""
    if compiler.kind == "clang":
        return {"LLVM_PROFILE_FILE": str(folder / "%4m.profraw")}
    strip = len(raw.parts) - 1
    return {"GCOV_PREFIX": str(folder), "GCOV_PREFIX_STRIP": str(strip)}


@dataclass
class Training:
    """What is known of a profile."""

    compiler: str
    source: str  # digest
    wheel: str  # digest of the instrumented wheel
    commands: list[list[str]]
    seconds: float
    digest: str


def read_facts(folder: Path) -> Training | None:
    """What is known of the profile in a folder; None: there is none."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return Training(**json.loads((folder / FACTS).read_text()))
    return None


def nothing_written(command: list[str], names: list[str]) -> BuildError:
    """The error for a training that counted nothing."""
    return BuildError(
        f"the command wrote no profile: {shlex.join(command)}\n"
        f"It has to import {' or '.join(names)} with the `python` that it finds on PATH (so "
        "`python -m pytest` instead of `pytest`), not from the source folder, and end by itself: "
        "a process that a signal ends writes nothing."
    )


@dataclass(frozen=True)
class Run:
    """A training: what is run where."""

    compiler: Compiler
    raw: Path  # where the modules write if nothing tells them otherwise
    source: str
    wheel: Path  # instrumented
    wheel_digest: str
    modules: list[str]  # that count


def collect(
    run_: Run, environment: Environment, command: list[str], target: Path, add: bool
) -> Training:
    """Run the command and put its profile into the target folder, instead of what is there."""
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    before = read_facts(target) if add else None
    if before is not None:
        if (before.source, before.compiler) != (run_.source, run_.compiler.id):
            raise BuildError(
                f"the profile in {target} is of another source or compiler: leave out --add"
            )
        shutil.copytree(target, part)
    (part / RAW).mkdir(parents=True, exist_ok=True)
    old = profiles.digest(part / RAW)
    started = time.monotonic()
    run(environment, command, where_to(run_.compiler, run_.raw, part / RAW))
    seconds = time.monotonic() - started
    new = profiles.digest(part / RAW)
    if new == old:
        shutil.rmtree(part, ignore_errors=True)
        raise nothing_written(command, run_.modules)
    profiles.merge(run_.compiler, part)
    commands = [*(before.commands if before else []), command]
    training = Training(
        run_.compiler.id, run_.source, run_.wheel_digest, commands, round(seconds, 2), new
    )
    (part / FACTS).write_text(json.dumps(asdict(training), indent=2) + "\n")
    shutil.rmtree(target, ignore_errors=True)
    part.rename(target)
    return training
