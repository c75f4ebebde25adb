"""What `fullspeed pgo` says when something is wrong, and that it takes nothing away."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pgo_tools as tools
import pytest
from conftest import CLANG, Built, lacking
from fullspeed.pgo import compilers
from fullspeed.variants import BuildError


def train(built: Built, *command: str):
    return tools.pgo("train", "--dir", built.home, "--", *command, cc=built.cc)


def test_training_that_fails(gcc: Built) -> None:
    """The profile from before stays, and no environment is left."""
    assert train(gcc, "python", "-c", "import tiny; tiny.spin(9)").returncode == 0
    before = (gcc.home / "profile" / "training.json").read_bytes()
    for command, reason in (
        (["python", "-c", "import tiny; tiny.spin(9); raise SystemExit(7)"], "exit code 7"),
        (["python", "-c", "import tiny, os; os.kill(os.getpid(), 9)"], "signal 9"),
        (["no-such-program"], "no-such-program: No such file"),
        (["python", "-c", "pass"], "the command wrote no profile: python -c pass"),
    ):
        done = train(gcc, *command)
        assert done.returncode == 1 and done.stdout == "" and reason in done.stderr, done.stderr
    assert "import tiny._other or tiny._tiny with the `python`" in done.stderr
    assert (gcc.home / "profile" / "training.json").read_bytes() == before
    assert not (gcc.home / "environment").exists()


def test_order_of_steps(gcc: Built, tmp_path: Path) -> None:
    home = ("--dir", gcc.home)
    done = tools.pgo("optimize", *home)
    assert done.returncode == 1 and "has no profile: make one with" in done.stderr
    done = tools.pgo("check", *home, "--", "python")
    assert done.returncode == 1 and "has no optimised wheel" in done.stderr
    done = tools.pgo("train", "--dir", tmp_path / "none", "--", "python")
    assert done.returncode == 1 and "has no instrumented build: begin with" in done.stderr
    assert not (tmp_path / "none").exists()


def test_another_compiler(gcc: Built, tmp_path: Path) -> None:
    assert train(gcc, "python", "-c", "import tiny; tiny.spin(9)").returncode == 0
    if not lacking(CLANG):
        done = tools.pgo("optimize", "--dir", gcc.home, "-o", tmp_path / "dist", cc=CLANG)
        assert done.returncode == 1 and "profiles are of one compiler" in done.stderr
    facts = gcc.home / "profile" / "training.json"
    facts.write_text(facts.read_text().replace('"gcc 1', '"gcc 9'))
    done = tools.pgo("optimize", "--dir", gcc.home, "-o", tmp_path / "dist")
    assert done.returncode == 1 and "the profile was made by gcc 9" in done.stderr
    assert not (tmp_path / "dist").exists()


def test_damaged_profile(gcc: Built, tmp_path: Path) -> None:
    assert train(gcc, "python", "-c", "import tiny; tiny.spin(9)").returncode == 0
    shutil.copytree(gcc.home / "profile", tmp_path / "other")
    (path,) = (tmp_path / "other" / "raw").glob("*count*.gcda")
    whole = path.read_bytes()
    for data in (b"", b"nothing", whole[:40], whole[:-9], whole[:8] + b"\0\0" + whole[10:]):
        path.write_bytes(data)
        done = tools.pgo("drift", "--dir", gcc.home, tmp_path / "other")
        assert "Traceback" not in done.stderr
        assert done.returncode in (0, 1)
    path.write_bytes(whole[:4] + b"*01A" + whole[8:])
    done = tools.pgo("drift", "--dir", gcc.home, tmp_path / "other")
    assert done.returncode == 1 and "was not written by code of gcc" in done.stderr
    (gcc.home / "state.json").write_text("{")
    done = tools.pgo("drift", "--dir", gcc.home, tmp_path / "other")
    assert done.returncode == 1 and "state.json is damaged" in done.stderr


def test_drift_of_another_build(gcc: Built, tmp_path: Path) -> None:
    assert train(gcc, "python", "-c", "import tiny; tiny.spin(9)").returncode == 0
    shutil.copytree(gcc.home / "profile", tmp_path / "other")
    facts = json.loads((tmp_path / "other" / "training.json").read_text())
    (tmp_path / "other" / "training.json").write_text(json.dumps({**facts, "wheel": "x"}))
    done = tools.pgo("drift", "--dir", gcc.home, tmp_path / "other")
    assert done.returncode == 1 and "of another instrumented wheel" in done.stderr
    done = tools.pgo("drift", "--dir", gcc.home, gcc.project)
    assert done.returncode == 1 and "has no profile: no .gcda or .profraw" in done.stderr


def test_nothing_counts(tmp_path: Path) -> None:
    """A project that does not look at CFLAGS."""
    text = tools.FILES["meson.build"].split("py.ext")[0] + "py.install_sources('__init__.py')\n"
    project = tools.write_project(tmp_path / "p", **{"meson.build": text.replace(", 'c'", "")})
    archive = tools.archive_of(project, tmp_path / "tiny-1.5.tar.gz")
    done = tools.pgo("build", archive, "--no-isolation", "--dir", tmp_path / "w")
    assert done.returncode == 1 and done.stdout == "" and "counts" in done.stderr
    assert not (tmp_path / "w" / "state.json").exists()


def test_a_build_that_does_not_use_it(gcc: Built, tmp_path: Path) -> None:
    """Object files that have no profile under their name: nothing is made."""
    assert train(gcc, "python", "-c", "import tiny; tiny.spin(9)").returncode == 0
    for path in (gcc.home / "profile" / "raw").iterdir():
        path.rename(path.with_name(f"elsewhere#{path.name}"))
    done = tools.pgo("optimize", "--dir", gcc.home, "-o", tmp_path / "dist")
    assert done.returncode == 1 and "no object file found its profile" in done.stderr
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["train"], 2, "pgo train wants a command behind --"),
        (["check", "--rounds=1", "--", "x"], 2, "--rounds wants a number from 2"),
        (["check", "--min-gain=much", "--", "x"], 2, "invalid percentage value: 'much'"),
        (["build", "x", "-C", "word"], 2, "-C wants KEY=VALUE"),
        (["build", ".", "--", "x"], 2, "pgo build takes no command"),
        (["no-such-step"], 2, "invalid choice"),
        (["build", "/etc/passwd"], 1, "/etc/passwd is no folder and no source archive"),
    ],
)
def test_wrong_use(tmp_path: Path, arguments: list[str], code: int, sentence: str) -> None:
    at = arguments.index("--") if "--" in arguments else len(arguments)
    done = tools.pgo(arguments[0], *arguments[1:at], "--dir", tmp_path / "w", *arguments[at:])
    assert (done.returncode, done.stdout) == (code, "") and sentence in done.stderr, done.stderr


@pytest.mark.parametrize("step", ["info", "build", "train", "optimize", "check", "drift", "python"])
def test_help(step: str) -> None:
    done = tools.pgo(step, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: fullspeed pgo {step} [") and "--dir" in done.stdout


def test_blank_in_the_name(tmp_path: Path) -> None:
    done = tools.pgo("build", "/etc/passwd", "--dir", tmp_path / "a b")
    assert done.returncode == 1 and "choose another folder with --dir" in done.stderr


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_compilers(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="no-such-cc cannot be run"):
        compilers.find("no-such-cc")
    other = program(tmp_path / "tcc", "echo tcc version 0.9")
    with pytest.raises(BuildError, match="is neither GCC nor clang"):
        compilers.find(str(other))
    real = shutil.which("gcc")
    old = program(
        tmp_path / "gcc",
        f'case "$*" in *-dumpfullversion*) echo 9.4.0;; *-shared*) echo "ld: no -lgcov" >&2; '
        f'exit 1;; *) exec {real} "$@";; esac',
    )
    missing = compilers.lacks(compilers.find(str(old)))
    assert len(missing) == 3
    assert "gcc 9.4.0 is too old" in missing[0]
    assert "cannot link code that counts: ld: no -lgcov" in missing[1]
    assert "there is no gcov-dump of version 9" in missing[2]
    with pytest.raises(BuildError, match="too old.*no gcov-dump"):
        compilers.usable(str(old))
    done = tools.pgo("info", "--dir", tmp_path / "w", cc=str(old))
    assert done.returncode == 1 and "missing   gcc 9.4.0 is too old" in done.stdout
    found = compilers.find("gcc")
    assert found.kind == "gcc" and os.path.basename(found.reader).startswith("gcov-dump")
    assert compilers.lacks(found) == []


def test_missing_library(tmp_path: Path) -> None:
    (tmp_path / "pyperf.py").write_text("raise ImportError('not here')\n")
    done = tools.pgo("check", "--dir", tmp_path / "w", "--", "x", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1 and "needs the library pyperf" in done.stderr
