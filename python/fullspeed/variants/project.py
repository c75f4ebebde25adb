"""One build of a project through its own back end (PEP 517), in a folder that can be used again.

How it works: each level has a folder with a copy of the source, a log, the wheel, and a stamp:
a digest of all that the wheel depends on. Where the stamp still fits, the wheel is taken as it is.
The stamp is written last.

What must stay true: a stamp without a whole wheel cannot be; builds of two levels share nothing
but the environment that the back end runs in, which they only read.
"""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fullspeed.variants import BuildError, label, need

FLAG_VARIABLES = ("CFLAGS", "CXXFLAGS", "FFLAGS", "LDFLAGS")
COMPILERS = {"CC": "cc", "CXX": "c++", "FC": "gfortran"}
LOG_LINES = 25
# Back ends that choose a random folder for object files, and the setting for it.
RANDOM_FOLDERS = {"mesonpy": "build-dir", "scikit_build_core.build": "build-dir"}


@dataclass
class Children:
    """The processes of back ends, so that an interrupt ends them, and all that they started."""

    running: set[subprocess.Popen] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopped: bool = False

    def run(self, command: list[str], log: object, **options: object) -> None:
        """Run one to its end; CalledProcessError if it fails."""
        with self.lock:
            if self.stopped:
                raise BuildError("stopped")
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **options,
            )
            self.running.add(child)
        code = child.wait()
        with self.lock:
            self.running.discard(child)
        if code != 0:
            raise subprocess.CalledProcessError(code, command)

    def stop(self) -> None:
        """End all of them."""
        with self.lock:
            self.stopped = True
            for child in self.running:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGTERM)


@dataclass(frozen=True)
class Plan:
    """What all builds of a project have in common."""

    source: Path  # unpacked; never built in
    folder: Path
    digest: str  # of the source
    flags: str  # the user's, for variants
    settings: Mapping[str, object]  # for the back end
    isolated: bool
    profile: Any = None  # pgo.flags.Use: what all builds are optimised with


@dataclass(frozen=True)
class Make:
    """One of a plan's builds."""

    name: str  # of its folder
    variables: Mapping[str, str]  # instead of the user's
    settings: Mapping[str, object]
    tree: Path  # where a copy of the source is built
    after: Callable[[Path], None] | None = None  # sees the tree when the wheel is made
    lock: Any = contextlib.nullcontext()  # held meanwhile


def tree_digest(folder: Path) -> str:
    """A digest of the names and contents of all files."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(
                f"{path.relative_to(folder)}\0{content}\0".encode(errors="surrogateescape")
            )
    return digest.hexdigest()


def back_end(source: Path) -> str:
    """The build back end that a project names; "" if it names none."""
    with contextlib.suppress(OSError, tomllib.TOMLDecodeError):
        system = tomllib.loads((source / "pyproject.toml").read_text()).get("build-system", {})
        return system.get("build-backend", "")
    return ""


def own_flags(source: Path) -> dict[str, str]:
    """What a project's back end compiles with where CFLAGS says nothing, and would lose if it did.

    setuptools has the flags that Python itself was compiled with, -O2 among them; CFLAGS replaces
    them. Meson and CMake add CFLAGS to what they have.
    """
    name = back_end(source)
    if name in RANDOM_FOLDERS or not (source / "setup.py").exists() and "setuptools" not in name:
        return {}
    flags = sysconfig.get_config_var("CFLAGS") or ""
    return {"CFLAGS": flags, "CXXFLAGS": flags}


def environment(level: str | None, flags: str, own: Mapping[str, str]) -> dict[str, str]:
    """The variables of a build: the user's flags, or the back end's own, and the level's."""
    if level is None:
        return {}
    added = f"-march={label(level)} {flags}".strip()
    return with_flags({}, dict.fromkeys(FLAG_VARIABLES, added), own)


def compilers(source: Path, level: str | None, flags: str) -> dict[str, str]:
    """The compilers of a build, with the level's flags, where the back end may not look at CFLAGS.

    A Meson project can have values of its own for c_args and the like; then those variables have
    none. What stands behind the compiler's name always counts.
    """
    if level is None or back_end(source) != "mesonpy":
        return {}
    added = f"-march={label(level)} {flags}".strip()
    return {name: f"{os.environ.get(name, usual)} {added}" for name, usual in COMPILERS.items()}


def with_flags(
    variables: Mapping[str, str], added: Mapping[str, str], own: Mapping[str, str]
) -> dict[str, str]:
    """The variables with more flags behind what they, the user or the back end have."""
    old = {name: variables.get(name, os.environ.get(name, own.get(name, ""))) for name in added}
    return {**variables, **{name: f"{old[name]} {added[name]}".strip() for name in added}}


def variant(plan: Plan, level: str | None) -> Make:
    """The build of one level, or of the baseline (None)."""
    name = level or "baseline"
    variables = environment(level, plan.flags, own_flags(plan.source))
    variables |= compilers(plan.source, level, plan.flags)
    make = Make(name, variables, plan.settings, plan.folder / name / "source")
    return make if plan.profile is None else plan.profile.applied(make)


def stamp_of(plan: Plan, make: Make) -> str:
    """All that a wheel depends on, as a digest."""
    names = ("CC", "CXX", "FC", "CPPFLAGS", "PATH", *FLAG_VARIABLES)
    facts = {
        "source": plan.digest,
        "python": [sys.version, sys.prefix],
        "environment": {name: os.environ.get(name) for name in names} | dict(make.variables),
        "settings": make.settings,
        "isolated": plan.isolated,
        "profile": plan.profile and plan.profile.digest,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def built(plan: Plan, level: str | None) -> Path | None:
    """The wheel of an earlier run, if it is still right."""
    return already_made(plan, variant(plan, level))


def already_made(plan: Plan, make: Make) -> Path | None:
    """The wheel that a build has made earlier, if it is still right."""
    folder = plan.folder / make.name
    wheels = list((folder / "dist").glob("*.whl"))
    with contextlib.suppress(FileNotFoundError):
        if (folder / "stamp").read_text() == stamp_of(plan, make) and len(wheels) == 1:
            return wheels[0]
    return None


def seconds(plan: Plan, level: str | None) -> float | None:
    """How long the build of a level took; None: nobody knows any more."""
    with contextlib.suppress(OSError, ValueError):
        return float((plan.folder / (level or "baseline") / "seconds").read_text())
    return None


@contextlib.contextmanager
def build_environment(plan: Plan, children: Children) -> Iterator[object]:
    """The environment that the back end runs in: None is this one, else a new one."""
    build = need("build")
    if not plan.isolated:
        yield None
        return
    with need("build.env").DefaultIsolatedEnv() as env, _told(plan.folder / "environment.log"):
        builder = build.ProjectBuilder.from_isolated_env(env, plan.source)
        env.install(builder.build_system_requires)
        with _log(plan.folder / "environment.log") as log:
            builder = _builder(plan.source, env, children, log, {})
            env.install(builder.get_requires_for_build("wheel", plan.settings))
        yield env


@contextlib.contextmanager
def _log(path: Path) -> Iterator[object]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab") as file:
        yield file


@contextlib.contextmanager
def _told(log: Path) -> Iterator[None]:
    """Turn failures of the back end into errors with the end of its log."""
    build = need("build")
    try:
        yield
    except (
        build.BuildException,
        build.BuildBackendException,
        subprocess.CalledProcessError,
    ) as error:
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        shown = "\n".join(f"  | {line}" for line in lines[-LOG_LINES:])
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BuildError(f"{reason}\n{shown}\n  all of it: {log}") from None


def _builder(source: Path, env: object, children: Children, log: object, extra: dict) -> object:
    """The project's back end, with our variables and our log."""

    def runner(
        command: list[str], cwd: str | None = None, extra_environ: dict | None = None
    ) -> None:
        variables = {**os.environ, **extra, **(extra_environ or {})}
        children.run(list(command), log, cwd=cwd, env=variables)

    builder = need("build").ProjectBuilder
    if env is None:
        return builder(source, runner=runner)
    return builder.from_isolated_env(env, source, runner)


def make_wheel(plan: Plan, level: str | None, env: object, children: Children) -> Path:
    """Build the wheel of one level, or of the baseline (None)."""
    return run_make(plan, variant(plan, level), env, children)


def run_make(plan: Plan, make: Make, env: object, children: Children) -> Path:
    """Do one build; returns the wheel."""
    with make.lock:
        return _run_make(plan, make, env, children)


def _run_make(plan: Plan, make: Make, env: object, children: Children) -> Path:
    folder = plan.folder / make.name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(make.tree, ignore_errors=True)
    (folder / "dist").mkdir(parents=True)
    started = time.monotonic()
    shutil.copytree(plan.source, make.tree, symlinks=True)
    path = folder / "build.log"
    with _told(path), _log(path) as log:
        builder = _builder(make.tree, env, children, log, dict(make.variables))
        if env is None:
            missing = builder.check_dependencies("wheel", make.settings)
            if missing:
                wants = ", ".join(sorted({parts[0] for parts in missing}))
                raise BuildError(
                    f"the project's build needs {wants}: install it, or leave out --no-isolation"
                )
        wheel = Path(builder.build("wheel", folder / "dist", make.settings))
    if make.after is not None:
        make.after(make.tree)
    shutil.rmtree(make.tree, ignore_errors=True)
    (folder / "seconds").write_text(f"{time.monotonic() - started:.3f}\n")
    (folder / "stamp").write_text(stamp_of(plan, make))
    return wheel


def make_source_archive(project: Path, folder: Path, isolated: bool, children: Children) -> Path:
    """The source archive of a project's folder."""
    if not any((project / name).exists() for name in ("pyproject.toml", "setup.py")):
        raise BuildError(f"{project} has neither pyproject.toml nor setup.py: not a Python project")
    build, path = need("build"), folder / "sdist.log"
    with contextlib.ExitStack() as stack:
        stack.enter_context(_told(path))
        log = stack.enter_context(_log(path))
        env = None
        if isolated:
            env = stack.enter_context(need("build.env").DefaultIsolatedEnv())
            env.install(build.ProjectBuilder.from_isolated_env(env, project).build_system_requires)
        builder = _builder(project, env, children, log, {})
        if env is not None:
            env.install(builder.get_requires_for_build("sdist"))
        return Path(builder.build("sdist", folder / "sdist"))
