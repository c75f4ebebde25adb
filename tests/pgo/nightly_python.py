"""`make nightly-pgo-python`: `fullspeed pgo python` on Debian's source package of python3.11.

How it works: the source package is fetched and unpacked (dpkg-source checks its signature's
digests), built for one level with a training that is a mix of the demo's programs, runs CPython's
own tests, and is compared with the distribution's python3.11: the programs of the training, in
turns. It takes an hour on a small machine.

Exit code: 0 if the build's own tests pass.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from fullspeed.pgo import check

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "nightly-pgo-python"
FULLSPEED = Path(sys.executable).parent / "fullspeed"
LIBRARIES = ("libbz2-dev", "libexpat1-dev", "libffi-dev", "liblzma-dev", "libreadline-dev",
             "libsqlite3-dev", "libssl-dev", "zlib1g-dev")  # fmt: skip
LISTS = "deb-src http://deb.debian.org/debian {name} main\n"
# Tests that need what a machine for builds has not: a terminal, the network, a display.
LEFT_OUT = ["test_curses", "test_tk", "test_ttk_guionly", "test_idle", "test_gdb"]


@dataclass(frozen=True)
class Interpreter:
    """Somewhere that `python` comes from."""

    folder: Path

    def variables(self) -> dict[str, str]:
        """With its folder in front of PATH."""
        return {**os.environ, "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}"}


def installed(package: str) -> bool:
    """Whether the distribution has a package installed."""
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Status}", package], capture_output=True, text=True
    )
    return "ok installed" in done.stdout


def run(*words: object, cwd: Path | None = None) -> None:
    """Run a program; end with it if it fails."""
    print("+", *words, flush=True)
    done = subprocess.run([*map(str, words)], cwd=cwd)
    if done.returncode != 0:
        sys.exit(f"{words[0]} failed with exit code {done.returncode}")


def fetch() -> Path:
    """Debian's source package, unpacked, as upstream made it plus Debian's patches."""
    target = WORK / "source"
    if target.is_dir():
        return target
    name = subprocess.run(
        ["sh", "-c", ". /etc/os-release && echo $VERSION_CODENAME"], capture_output=True, text=True
    ).stdout.strip()
    lists = WORK / "apt"
    (lists / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (lists / "sources.list").write_text(LISTS.format(name=name))
    options = [
        f"-oDir::Etc::sourcelist={lists / 'sources.list'}", "-oDir::Etc::sourceparts=-",
        f"-oDir::State::lists={lists / 'lists'}", f"-oDir::Cache={lists}",
        "-oAPT::Sandbox::User=root",
    ]  # fmt: skip
    run("apt-get", *options, "update", "-q")
    run("apt-get", *options, "source", "--download-only", "python3.11", cwd=WORK)
    (description,) = WORK.glob("python3.11_*.dsc")
    run("dpkg-source", "-x", description.name, "source.part", cwd=WORK)
    (WORK / "source.part").rename(target)
    return target


def training(folder: Path) -> Path:
    """A program that runs the demo's programs."""
    path = folder / "train.py"
    programs = sorted(str(path) for path in (ROOT / "demo" / "programs").glob("[a-z]*.py"))
    path.write_text(
        "import subprocess, sys\n"
        f"for program in {programs!r}:\n"
        "    subprocess.run([sys.executable, program, *sys.argv[1:]], check=True,\n"
        "                   stdout=subprocess.DEVNULL)\n"
    )
    return path


def main() -> int:
    """All of it."""
    parser = argparse.ArgumentParser(description="CPython of Debian's source with LTO and PGO.")
    parser.add_argument("--level", default="v3")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--no-lto", action="store_true", help="quicker")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--tests", nargs="*", help="CPython's tests to run; all if not said")
    options = parser.parse_args()
    missing = [name for name in LIBRARIES if not installed(name)]
    if missing:
        sys.exit(f"CPython's own modules need: apt-get install {' '.join(missing)}")
    WORK.mkdir(parents=True, exist_ok=True)
    source, train, prefix = fetch(), training(WORK), WORK / "prefix"
    places = ("--prefix", prefix, "--dir", WORK / "work")
    run(FULLSPEED, "pgo", "python", source, "--train", f"python {train}",
        "--levels", options.level, "--jobs", options.jobs, *places,
        "--configure=--without-ensurepip",  # Debian's source has none that works
        *(["--no-lto"] if options.no_lto else []))  # fmt: skip
    made = prefix / f"x86-64-{options.level}" / "bin"
    shown = options.tests if options.tests is not None else ["-x", *LEFT_OUT]
    run(made / "python3", "-m", "test", f"-j{options.jobs}", "--timeout", "600", *shown, cwd=WORK)
    distribution = WORK / "distribution"
    distribution.mkdir(exist_ok=True)
    (distribution / "python3").unlink(missing_ok=True)
    (distribution / "python3").symlink_to("/usr/bin/python3.11")
    sides = Interpreter(distribution), Interpreter(made)
    gain = check.measure(*sides, ["python3", str(train)], options.rounds, "cpu")
    low, high = gain.bounds
    print(f"against the distribution's python3.11: {gain.ratio:.3f} times as fast "
          f"(95 %: {low:.3f} to {high:.3f})")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
