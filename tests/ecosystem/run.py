#!/usr/bin/env python3.11
"""Runs third-party test suites under stock and under the engine, and compares test by test.

Examples:
    tests/ecosystem/run.py                  all of them
    tests/ecosystem/run.py attrs jinja2 --jobs 2
    tests/ecosystem/run.py attrs --thresholds loop=2,entry=2,exit=2

How it works: suites.toml says what to fetch (source distributions, through pip or apt) and how to
test it. Each project gets one virtual environment with its needs and a copy of the fullspeed under
test; a ``.pth`` file enables the engine where FULLSPEED_ECOSYSTEM=engine is set, so both sides
run in the same environment, and child processes too. Outcomes come from pytest's JUnit file.

What must stay true: a test that passes under stock passes under the engine; what differs is run a
second time under both before it is called a difference.

Exit codes: 0 no difference, 1 differences, 2 could not run. Writes build/ecosystem-results.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import time
import tomllib
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests" / "cpython"))

from suite_env import KEPT_SUFFIXES, find_package, jit_environ, make_venv  # noqa: E402

PTH_LINE = (
    "import os; os.environ.get('FULLSPEED_ECOSYSTEM') == 'engine'"
    " and __import__('fullspeed').enable()\n"
)
PYTEST = ["pytest==8.3.4", "pytest-timeout==2.3.1", "wheel", "setuptools<80"]
DEBIAN_SOURCE = "deb-src http://deb.debian.org/debian bookworm main\n"


@dataclass
class Result:
    """What one side of one suite did."""

    cases: dict[str, str] = field(default_factory=dict)
    returncode: int = 0
    seconds: float = 0.0
    tail: str = ""

    def count(self, outcome: str) -> int:
        """Count the cases with an outcome."""
        return sum(value == outcome for value in self.cases.values())


def call(command: list[str], **options: Any) -> None:
    """Run a command quietly; show its output if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}"[-3000:])


def fetch_pypi(name: str, version: str, folder: Path, python: Path) -> Path:
    """Download the sdist of a project."""
    call(
        [
            str(python),
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "--no-binary",
            name,
            "-d",
            str(folder),
            f"{name}=={version}",
        ]
    )
    return next(folder.glob(f"{name}-{version}.tar.*"))


def fetch_debian(name: str, version: str, folder: Path, python: Path) -> Path:
    """Download a Debian source package, with package lists of our own."""
    (folder / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    sources = folder / "sources.list"
    sources.write_text(DEBIAN_SOURCE)
    apt = [
        "apt-get",
        "-q",
        "-o",
        f"Dir::Etc::sourcelist={sources}",
        "-o",
        "Dir::Etc::sourceparts=/dev/null",
        "-o",
        f"Dir::State::lists={folder / 'lists'}",
    ]
    call([*apt, "update"])
    call([*apt, "source", "--download-only", name], cwd=folder)
    return next(folder.glob(f"{name}_{version}.orig.tar.*"))


def prepare(name: str, suite: dict[str, Any], options: argparse.Namespace) -> tuple[Path, Path]:
    """Fetch, unpack and install; return the Python and the source folder."""
    folder = options.build / "ecosystem" / f"{name}-{suite['version']}"
    python = make_venv(folder / "venv", options.base_python, with_pip=True)
    source = folder / "source"
    if not (folder / "ready").exists():
        shutil.rmtree(source, ignore_errors=True)
        call([str(python), "-m", "pip", "install", "-q", *PYTEST, *suite["needs"]])
        fetch = fetch_pypi if suite["source"] == "pypi" else fetch_debian
        archive = fetch(name, suite["version"], folder, python)
        with tarfile.open(archive) as tar:
            names = tar.getnames()  # 3.11.2 has no extraction filters yet
            if any(n.startswith("/") or ".." in n.split("/") for n in names):
                raise RuntimeError(f"{archive} wants to write outside its folder")
            tar.extractall(folder / "unpacked")
        next((folder / "unpacked").iterdir()).rename(source)
        (folder / "ready").write_text("")
    site = folder / "venv" / "lib" / "python3.11" / "site-packages"
    shutil.rmtree(site / "fullspeed", ignore_errors=True)
    for path, inside in find_package(options.package_python):
        assert path.suffix in KEPT_SUFFIXES
        (site / inside).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, site / inside)
    (site / "zz_fullspeed_ecosystem.pth").write_text(PTH_LINE)
    return python, source


def run_side(
    side: str, python: Path, source: Path, suite: dict[str, Any], options: argparse.Namespace
) -> Result:
    """Run a suite once."""
    xml = source.parent / f"{side}.xml"
    xml.unlink(missing_ok=True)
    command = [
        str(python),
        "-m",
        "pytest",
        "-q",
        "-x" if options.stop else "-q",
        "--junitxml",
        str(xml),
        "-p",
        "no:cacheprovider",
        "--timeout",
        "300",
        "--tb",
        "short",
        *suite["options"],
        *suite["tests"],
    ]
    env = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "FULLSPEED_ECOSYSTEM": side,
        "PYTHONFAULTHANDLER": "1",
        "TERM": "xterm",
        "PYTHONDONTWRITEBYTECODE": "1",
        **jit_environ(),
    }
    begun = time.monotonic()
    try:
        done = subprocess.run(
            command,
            cwd=source,
            env=env,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=options.timeout,
            stdin=subprocess.DEVNULL,
        )
        code, text = done.returncode, done.stdout + done.stderr
    except subprocess.TimeoutExpired as error:
        code, text = -1000, f"more than {options.timeout} s\n{error.stdout or b''!r}"[-3000:]
    result = Result(returncode=code, seconds=time.monotonic() - begun, tail=text[-6000:])
    if xml.exists():
        result.cases = read_cases(xml)
    return result


def read_cases(xml: Path) -> dict[str, str]:
    """Read the outcome of each test from a JUnit file."""
    cases = {}
    for case in ET.parse(xml).getroot().iter("testcase"):
        outcome = next((c.tag for c in case if c.tag in ("failure", "error", "skipped")), "passed")
        cases[f"{case.get('classname')}::{case.get('name')}"] = outcome
    return cases


def worse(stock: Result, engine: Result) -> list[str]:
    """List the tests that pass under stock and do not under the engine."""
    found = [
        f"{case}: {before} → {engine.cases.get(case, 'missing')}"
        for case, before in sorted(stock.cases.items())
        if before == "passed" and engine.cases.get(case) != "passed"
    ]
    if stock.returncode >= 0 > engine.returncode:
        found.insert(0, f"the process ended with {engine.returncode}\n```\n{engine.tail}\n```")
    return found


def examine(name: str, suite: dict[str, Any], options: argparse.Namespace) -> list[str]:
    """Run one suite under both sides; return the lines of its part of the summary."""
    python, source = prepare(name, suite, options)
    kept = source.parent / "stock.xml"
    if options.keep_stock and kept.exists():
        stock = Result(cases=read_cases(kept))
    else:
        stock = run_side("stock", python, source, suite, options)
    if not stock.cases:
        raise RuntimeError(f"{name}: no test ran under stock\n{stock.tail}")
    engine = run_side("engine", python, source, suite, options)
    differences = worse(stock, engine)
    if differences:
        again = run_side("engine", python, source, suite, options)
        second = set(worse(run_side("stock", python, source, suite, options), again))
        differences = [d for d in differences if d in second]
    rows = [
        f"| {name} {suite['version']} | {stock.count('passed')} | {engine.count('passed')} | "
        f"{stock.count('failure') + stock.count('error')} | "
        f"{engine.count('failure') + engine.count('error')} | {stock.seconds:.0f} | "
        f"{engine.seconds:.0f} | {len(differences)} |"
    ]
    if differences:
        (options.build / "ecosystem" / f"{name}.log").write_text(engine.tail)
    return rows + [f"- {name}: {d}" for d in differences]


def main() -> int:
    """Run the suites that the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    suites = tomllib.loads((HERE / "suites.toml").read_text())
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(suites))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=3600, help="seconds per suite and side")
    parser.add_argument("--stop", action="store_true", help="stop a suite at its first failure")
    parser.add_argument(
        "--keep-stock", action="store_true", help="compare with stock's results of an earlier run"
    )
    parser.add_argument("--base-python", default="/usr/bin/python3.11")
    parser.add_argument("--package-python", type=Path, default=Path(sys.executable))
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--jit", choices=("0", "1", "ir"), help="FULLSPEED_JIT for the engine")
    parser.add_argument("--thresholds", help="FULLSPEED_JIT_THRESHOLDS for the engine")
    options = parser.parse_args()
    if options.jit is not None:
        os.environ["FULLSPEED_JIT"] = options.jit
    if options.thresholds is not None:
        os.environ["FULLSPEED_JIT_THRESHOLDS"] = options.thresholds
    names = options.names or list(suites)
    if unknown := set(names) - set(suites):
        parser.error(f"name some of {', '.join(suites)}, not {', '.join(unknown)}")
    rows = [
        "# Third-party test suites under the engine",
        "",
        time.strftime("Run of %Y-%m-%d %H:%M UTC", time.gmtime()),
        "",
        "| suite | passed, stock | passed, engine | failed, stock | failed, engine | s, stock | "
        "s, engine | differences |",
        "|---|---|---|---|---|---|---|---|",
    ]
    notes: list[str] = []
    broken = False
    with ThreadPoolExecutor(options.jobs) as pool:
        waiting = [pool.submit(examine, name, suites[name], options) for name in names]
        for name, future in zip(names, waiting):
            try:
                row, *differences = future.result()
                rows.append(row)
                notes += differences
                print(row, *differences, sep="\n", flush=True)
            except (RuntimeError, StopIteration, OSError) as error:
                broken = True
                rows.append(f"| {name} | could not run: {str(error).splitlines()[0]} | | | | | | |")
                print(f"{name}: {error}", file=sys.stderr, flush=True)
    (options.build / "ecosystem-results.md").write_text("\n".join([*rows, "", *notes]) + "\n")
    return 2 if broken else 1 if notes else 0


if __name__ == "__main__":
    raise SystemExit(main())
