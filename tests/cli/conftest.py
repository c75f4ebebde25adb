"""Fixtures of the command line's tests: run a program under `python` and under `fullspeed run`.

How it works: `both` starts the same arguments with the plain interpreter and with one of our
launchers, and `same` asserts that exit code, stdout and stderr are equal, byte for byte. The plain
side uses the interpreter beside the `fullspeed` command, so that even sys.executable and error
messages must agree.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).parent / "fullspeed"
PYTHON = str(COMMAND.with_name("python"))


@dataclass
class Launcher:
    """A way to start a program: the words before it, and what FULLSPEED is set to."""

    words: list[str]
    engine: str | None


def make_environment(engine: str | None, extra: dict[str, str] | None = None) -> dict[str, str]:
    """This process's environment without anything that would turn fullspeed on or off."""
    kept = {k: v for k, v in os.environ.items() if k not in ("FULLSPEED", "PYTHONPATH")}
    if engine is not None:
        kept["FULLSPEED"] = engine
    return kept | (extra or {})


@pytest.fixture(
    params=["command", "module", "command-off"],
    ids=["fullspeed-run", "python-m-fullspeed-run", "switched-off"],
)
def launcher(request: pytest.FixtureRequest) -> Launcher:
    """Each way to start a program with fullspeed."""
    if request.param == "module":
        return Launcher([PYTHON, "-m", "fullspeed", "run"], None)
    return Launcher([str(COMMAND), "run"], "0" if request.param == "command-off" else None)


@pytest.fixture
def python() -> str:
    """The plain interpreter to compare with."""
    return PYTHON


@pytest.fixture
def fullspeed() -> list[str]:
    """The `fullspeed` command itself."""
    return [str(COMMAND)]


# For the longer matrices: what they look at does not depend on how the launcher was started.
only_command = pytest.mark.parametrize(
    "launcher", ["command"], indirect=True, ids=["fullspeed-run"]
)

Result = subprocess.CompletedProcess[bytes]
Both = Callable[..., tuple[Result, Result]]


@pytest.fixture
def both(launcher: Launcher, python: str, tmp_path: Path) -> Both:
    """Run the same arguments plain and with fullspeed, in tmp_path; returns both results."""

    def run(
        *args: str | bytes,
        stdin: bytes = b"",
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 60,
    ) -> tuple[Result, Result]:
        results = []
        # The plain side gets FULLSPEED too, so that a program that prints its environment agrees.
        plain_engine = "1" if launcher.engine is None else launcher.engine
        for words, engine in (([python], plain_engine), (launcher.words, launcher.engine)):
            results.append(
                subprocess.run(
                    [*words, *args],
                    input=stdin,
                    capture_output=True,
                    cwd=cwd or tmp_path,
                    env=make_environment(engine, env),
                    timeout=timeout,
                )
            )
        return results[0], results[1]

    return run


def _text(output: bytes) -> str:
    """Output for comparison; addresses differ from process to process."""
    return re.sub(r"\b0x[0-9a-f]{6,}", "0xADDRESS", output.decode(errors="replace"))


@pytest.fixture
def same(both: Both) -> Callable[..., Result]:
    """Assert that both results are equal; returns the plain one for further checks."""

    def check(*args: str | bytes, **options: object) -> Result:
        stock, ours = both(*args, **options)
        assert _text(ours.stderr) == _text(stock.stderr)
        assert _text(ours.stdout) == _text(stock.stdout)
        assert ours.returncode == stock.returncode
        return stock

    return check


PROBE = '''\
"""A program that prints what a program can see of how it was started."""
import sys
def shown(value):
    kind = type(value).__name__
    if kind == "ModuleSpec":
        return (kind, value.name, value.origin, type(value.loader).__name__)
    if kind in ("SourceFileLoader", "zipimporter"):
        return (kind, getattr(value, "path", None), getattr(value, "archive", None))
    return value if isinstance(value, (str, type(None), dict, type)) else kind
for key in list(globals()):
    if key not in ("shown", "sys"):
        print("global", key, shown(globals()[key]))
print("argv", sys.argv)
print("orig_argv", sys.orig_argv)
print("path", sys.path)
print("executable", sys.executable, sys.prefix, sys.exec_prefix)
print("flags", sys.flags, sys.warnoptions, sys._xoptions)
modules = [m for m in sys.modules if not m.startswith("fullspeed") and m not in HIDDEN]
print("main", sys.modules["__main__"].__dict__ is globals(), modules)
print("importers", sorted(p for p in sys.path_importer_cache if p.split("/")[-1] not in HIDDEN))
print("meta_path", [getattr(f, "__name__", type(f)) for f in sys.meta_path], len(sys.path_hooks))
print("hooks", sys.excepthook is sys.__excepthook__, sys.gettrace(), sys.getprofile())
print("exc_info", sys.exc_info())
depth = 0
while True:
    try:
        sys._getframe(depth + 1)
    except ValueError:
        break
    depth += 1
print("depth", depth, sys.getrecursionlimit())
import os
print("environ", sorted(i for i in os.environ.items() if i[0].startswith(("PYTHON", "FULLSPEED"))))
'''

# `python -m fullspeed` has imported these before any program; they stay in sys.modules.
RUNPY_MODULES = (
    "runpy importlib._abc importlib.util importlib contextlib collections keyword operator "
    "_operator reprlib itertools _collections functools _functools types enum importlib.machinery "
    "importlib._bootstrap importlib._bootstrap_external warnings _weakref _weakrefset"
).split()


@pytest.fixture
def probe(launcher: Launcher) -> str:
    """The probe's source, which leaves out the modules that this launcher's start needs.

    `-X dev` imports encodings.ascii with the first extension module, which is ours.
    """
    hidden = ["encodings.ascii", *(RUNPY_MODULES if "-m" in launcher.words else [])]
    return PROBE.replace("HIDDEN", repr(hidden))
