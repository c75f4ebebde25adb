"""`fullspeed pgo python`: CPython's own source tree, per level, with LTO and PGO on a command.

    configure ─▶ make profile-run-stamp ─▶ make ─▶ make install DESTDIR=... ─▶ rename
                   instrumented, training    optimised

How it works: CPython's makefile knows PGO itself; what it trains on is PROFILE_TASK, arguments of
the instrumented python. That is a runner of ours, which runs the user's command with a folder in
front of PATH where `python` and `python3` are the instrumented one. The makefile does not mind
whether the task failed; so the runner writes down how it ended, and we look before we go on. The
level's flags are in CFLAGS_NODIST: modules that are built by that Python later do not get them.

What must stay true: a level that fails leaves what was installed before as it was; the source tree
is not written to; a command that failed, or that left no profile, is an error.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from fullspeed.pgo import compilers, flags
from fullspeed.pgo.compilers import Compiler
from fullspeed.variants import BuildError, label, project
from fullspeed.variants.build import read_levels
from fullspeed.variants.steps import build_folder, fresh, say, step

FACTS = "fullspeed-pgo.json"
LOG_LINES = 25
RUNNER = '''\
"""Written by `fullspeed pgo python`: the makefile's PROFILE_TASK; runs the command to train on."""
import json, os, subprocess, sys

result, command = {result!r}, {command!r}
if os.path.exists(result):  # Debian's makefile runs its task twice
    sys.exit(0)
tools = os.path.join(os.path.dirname(result), "bin")
os.makedirs(tools, exist_ok=True)
for name in ("python", "python3"):
    path = os.path.join(tools, name)
    with open(path, "w") as script:
        script.write('#!/bin/sh\\nexec "%s" "$@"\\n' % os.path.abspath(sys.executable))
    os.chmod(path, 0o755)
variables = dict(os.environ, PATH=tools + os.pathsep + os.environ.get("PATH", os.defpath))
for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
    variables.pop(name, None)
try:
    code, reason = subprocess.call(command, env=variables, cwd={cwd!r}), ""
except OSError as error:
    code, reason = 127, str(error)
with open(result, "w") as file:
    json.dump([code, reason], file)
'''


@dataclass(frozen=True)
class Job:
    """The build of one level."""

    level: str
    source: Path
    folder: Path  # where it is built
    prefix: Path
    command: list[str]
    configure: list[str]
    lto: bool
    jobs: int
    compiler: Compiler
    children: project.Children

    @property
    def log(self) -> Path:
        """Everything that the build says."""
        return self.folder / "build.log"

    @property
    def tree(self) -> Path:
        """Where configure and make run."""
        return self.folder / "tree"

    def environment(self) -> dict[str, str]:
        """The variables of configure and make."""
        march = f"-march={label(self.level)}"
        cflags = f"{os.environ.get('CFLAGS_NODIST', '')} {march}".strip()
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        found = {**kept, "CC": shlex.join(self.compiler.command), "CFLAGS_NODIST": cflags}
        if self.compiler.kind == "clang":
            found["LLVM_PROFDATA"] = self.compiler.reader
        return {**found, **flags.ENGLISH}

    def run(self, *command: str) -> None:
        """Run a step of the build in its tree."""
        with open(self.log, "ab") as log:
            try:
                self.children.run(list(command), log, cwd=self.tree, env=self.environment())
            except subprocess.CalledProcessError as error:
                raise BuildError(_failed(command, error.returncode, self.log)) from None
            except FileNotFoundError:
                raise BuildError(f"there is no {command[0]} here: install it") from None


def _failed(command: tuple[str, ...], code: int, log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-LOG_LINES:]
    shown = "\n".join(f"  | {line}" for line in lines)
    words = " ".join(command[:2])
    return f"{words} failed (exit code {code})\n{shown}\n  all of it: {log}"


def check_source(source: Path) -> str:
    """Refuse what is no source tree of CPython; returns its version."""
    header = source / "Include" / "patchlevel.h"
    for path in (source / "configure", header):
        if not path.is_file():
            raise BuildError(f"{source} is no source tree of CPython: it has no {path.name}")
    if any((source / name).exists() for name in ("Makefile", "pyconfig.h", "pybuilddir.txt")):
        raise BuildError(
            f"{source} has been built in: run `make distclean` there, or unpack the source anew"
        )
    found = re.search(r'#define\s+PY_VERSION\s+"([^"]+)"', header.read_text(errors="replace"))
    if found is None:
        raise BuildError(f"{header} does not say which version it is of")
    return found[1]


def check_levels(levels: list[str]) -> None:
    """Refuse levels that the training could not run at."""
    from fullspeed import cpu

    beyond = [level for level in levels if label(level) > cpu.level()]
    if beyond:
        raise BuildError(
            f"this CPU has {cpu.level()}: a training at {label(beyond[0])} cannot run here; take "
            f"{beyond[0]} out of --levels, or build on a CPU that has it"
        )


def _train(job: Job) -> float:
    """Build the instrumented tree and run the command with it; returns the seconds of make."""
    result = job.folder / "training-result.json"
    runner = job.folder / "runner.py"
    runner.write_text(RUNNER.format(result=str(result), command=job.command, cwd=os.getcwd()))
    started = time.monotonic()
    job.run("make", f"-j{job.jobs}", "profile-run-stamp", f"PROFILE_TASK={runner}")
    if not result.is_file():
        raise BuildError(
            "the makefile did not run its PROFILE_TASK: is this CPython 3.6 or newer? See "
            f"{job.log}"
        )
    code, reason = json.loads(result.read_text())
    if code != 0:
        raise BuildError(
            f"the command failed ({reason or f'exit code {code}'}): {shlex.join(job.command)}; "
            f"what it said stands in {job.log}"
        )
    return time.monotonic() - started


def _profiled(job: Job) -> set[str]:
    """The files of the profile; an error if there are none."""
    kinds = ("*.gcda",) if job.compiler.kind == "gcc" else ("*.profclangd",)
    found = {str(path.relative_to(job.tree)) for kind in kinds for path in job.tree.rglob(kind)}
    if not found:
        raise BuildError(f"the training wrote no profile: see {job.log}")
    return found


def _without(job: Job, profiled: set[str]) -> tuple[int, list[str]]:
    """How many object files there are, and those that have no profile."""
    units = sorted(
        str(path.relative_to(job.tree).with_suffix("")) for path in job.tree.rglob("*.o")
    )
    if job.compiler.kind != "gcc":
        return len(units), []
    return len(units), [unit for unit in units if f"{unit}.gcda" not in profiled]


def build_level(job: Job) -> dict[str, object]:
    """Build and install one level; returns what is known of it."""
    fresh(job.folder)
    job.tree.mkdir(parents=True)
    target = job.prefix / label(job.level)
    words = [str(job.source / "configure"), f"--prefix={target}", "--enable-optimizations"]
    words += ["--with-lto"] if job.lto else []
    with step(f"{label(job.level)}: configuring"):
        job.run(*words, *job.configure)
    with step(f"{label(job.level)}: building instrumented, and training"):
        seconds = _train(job)
    profiled = _profiled(job)
    with step(f"{label(job.level)}: building with the profile"):
        job.run("make", f"-j{job.jobs}")
    objects, without = _without(job, profiled)
    if objects and len(without) == objects:
        raise BuildError(f"no object file of the build found its profile: see {job.log}")
    if without:
        say(f"{len(without)} of {objects} object files have no profile, as {without[0]}.o: "
            "they have no code, or the training never loaded it")  # fmt: skip
    facts = {
        "level": label(job.level),
        "command": job.command,
        "compiler": job.compiler.id,
        "configure": words[1:] + job.configure,
        "seconds of instrumented build and training": round(seconds, 1),
        "object files": objects,
        "object files without a profile": without,
    }
    with step(f"{label(job.level)}: installing into {target}"):
        _install(job, target, facts)
    return facts


def _install(job: Job, target: Path, facts: dict[str, object]) -> None:
    """Install aside, and put it into place at once."""
    stage = fresh(job.folder / "stage")
    job.run("make", "install", f"DESTDIR={stage}")
    made = stage / target.relative_to("/")
    programs = sorted((made / "bin").glob("python3.*")) if made.is_dir() else []
    if not programs:
        raise BuildError(f"`make install` made no {target}/bin/python3.x: see {job.log}")
    (made / FACTS).write_text(json.dumps(facts, indent=2) + "\n")
    job.prefix.mkdir(parents=True, exist_ok=True)
    part = job.prefix / f".{target.name}.{os.getpid()}.part"
    old = job.prefix / f".{target.name}.{os.getpid()}.old"
    try:
        shutil.copytree(made, part, symlinks=True)
        if target.exists():
            target.rename(old)
        try:
            part.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(stage, ignore_errors=True)


def _starts(target: Path) -> str:
    """What the installed interpreter says of itself; an error if it does not start."""
    program = next(
        path for path in sorted((target / "bin").glob("python3.*")) if "config" not in path.name
    )
    command = [str(program), "-I", "-c", "import sys; print(sys.version.replace(chr(10), ' '))"]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    kept["LD_LIBRARY_PATH"] = os.pathsep.join(
        filter(None, [str(target / "lib"), kept.get("LD_LIBRARY_PATH")])
    )
    done = subprocess.run(command, capture_output=True, text=True, env=kept)
    if done.returncode != 0:
        raise BuildError(f"{program} does not start: {done.stderr.strip()}")
    return done.stdout.strip()


def check_usage(options: argparse.Namespace) -> None:
    """Wrong usage is said before anything is done."""
    read_levels(options.levels)
    if not shlex.split(options.train):
        raise ValueError("--train wants a command, as --train='python train.py'")
    if options.jobs < 1:
        raise ValueError(f"--jobs wants a number from 1, not {options.jobs}")


def run(options: argparse.Namespace, children: project.Children) -> int:
    """The command; its exit code."""
    levels = read_levels(options.levels)
    source = options.what.resolve()
    version = check_source(source)
    check_levels(levels)
    compiler = compilers.usable()
    prefix = options.prefix.absolute()
    flags.check_path(source)
    flags.check_path(prefix)
    for level in levels:
        target = prefix / label(level)
        if target.exists() and not (target / FACTS).is_file():
            raise BuildError(f"{target} is there, and was not made by this command: not replaced")
    with build_folder(options.dir, "--dir") as home:
        flags.check_path(home)
        say(f"CPython {version} by {compiler.id}, trained on: {options.train}")
        for level in levels:
            job = Job(
                level, source, home / f"python-{level}", prefix, shlex.split(options.train),
                shlex.split(options.configure), not options.no_lto, options.jobs, compiler,
                children,
            )  # fmt: skip
            build_level(job)
            say(f"{label(level)}: {_starts(prefix / label(level))}")
            print(prefix / label(level), flush=True)
            if not options.keep:
                shutil.rmtree(job.folder, ignore_errors=True)
    return 0
