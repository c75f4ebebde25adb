"""What the commands that build share: saying what is done, folders, where the source comes from.

How it works: each step says on stderr what it does and how long it took; on stdout stands a
command's result, and nothing else.

What must stay true: a folder that builds are made in belongs to one process at a time.
"""

import argparse
import contextlib
import fcntl
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from fullspeed.variants import BuildError, project, source


def say(text: str) -> None:
    """A line for whoever waits."""
    print(f"fullspeed: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def step(text: str) -> Iterator[None]:
    """Say what is done, and how long it took."""
    say(text)
    started = time.monotonic()
    yield
    say(f"{text}: done in {time.monotonic() - started:.1f} s")


def read_settings(words: list[str]) -> dict[str, object]:
    """The settings of -C, as PEP 517 has them."""
    settings: dict[str, object] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not key or not equals:
            raise ValueError(f"-C wants KEY=VALUE, not {word!r}")
        old = settings.get(key)
        if old is None:
            settings[key] = value
        else:
            settings[key] = [*old, value] if isinstance(old, list) else [old, value]
    return settings


@contextlib.contextmanager
def build_folder(wanted: Path | None, option: str = "--build-dir") -> Iterator[Path]:
    """The build folder, ours alone while we use it; the option names it in errors."""
    if wanted is None:
        with tempfile.TemporaryDirectory(prefix="fullspeed-build-") as made:
            yield Path(made)
        return
    wanted.mkdir(parents=True, exist_ok=True)
    with open(wanted / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BuildError(
                f"another build is using {wanted}: wait for it, or choose another {option}"
            ) from None
        yield wanted.resolve()


def source_archive(options: argparse.Namespace, folder: Path, children: project.Children) -> Path:
    """The source archive of what is to be built."""
    isolated = not options.no_isolation
    if not source.is_local(options.what):
        with step(f"downloading {options.what}"):
            return source.download(options.what, folder / "download", isolated)
    path = Path(options.what)
    if path.is_dir():
        with step(f"making a source archive of {path}"):
            return project.make_source_archive(path.resolve(), folder, isolated, children)
    if not path.is_file() or not path.name.endswith(source.ARCHIVES):
        raise BuildError(
            f"{path} is no folder and no source archive ({', '.join(source.ARCHIVES)})"
        )
    return path


def fresh(folder: Path) -> Path:
    """A path at which there is nothing any more."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder
