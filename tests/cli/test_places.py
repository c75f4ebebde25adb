"""The `fullspeed` command finds its Python and its files wherever installers put it.

How it works: the installed package and command are copied into fresh trees that look like what
pip, pipx and others make.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import fullspeed as package
import pytest
from conftest import COMMAND, make_environment

SHOW = "import sys, fullspeed; print(sys.executable, sys.prefix, fullspeed.__file__, sep='\\n')"
FLAGS = [[], ["-O"], ["-I"], ["-S", "-s"]]
LIBRARY = "lib/python3.11/site-packages"


def copy_files(tree: Path, library: str = LIBRARY) -> Path:
    """Copy package and command into a tree; returns the command."""
    folder = tree / library / "fullspeed"
    shutil.copytree(Path(package.__file__).parent, folder)
    (tree / "bin").mkdir(exist_ok=True)
    return Path(shutil.copy(COMMAND, tree / "bin" / "fullspeed"))


def show(command: Path, *flags: str, **environment: str) -> list[str]:
    """What a program sees of its place: executable, prefix, our package."""
    result = subprocess.run(
        [command, "run", *flags, "-c", SHOW],
        capture_output=True,
        text=True,
        env=make_environment(None, environment),
        cwd="/",
    )
    assert (result.stderr, result.returncode) == ("", 0)
    return result.stdout.splitlines()


@pytest.fixture
def spaced(tmp_path: Path) -> Path:
    """A virtual environment whose path has spaces, with our files in it."""
    tree = tmp_path / "my projects" / "a venv"
    base = getattr(sys, "_base_executable", sys.executable)
    subprocess.run([base, "-m", "venv", "--without-pip", str(tree)], check=True)
    copy_files(tree)
    return tree


@pytest.mark.parametrize("flags", FLAGS, ids=" ".join)
def test_virtual_environment_with_spaces(spaced: Path, flags: list[str]) -> None:
    executable, prefix, file = show(spaced / "bin" / "fullspeed", *flags)
    assert executable == str(spaced / "bin" / "python")
    assert prefix == str(spaced) or "-S" in flags
    assert file == str(spaced / LIBRARY / "fullspeed" / "__init__.py")


def test_link_to_the_command(spaced: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    link = tmp_path / "bin" / "fullspeed"
    link.symlink_to(spaced / "bin" / "fullspeed")
    assert show(link, "-O")[:2] == [str(spaced / "bin" / "python"), str(spaced)]
    found = subprocess.run(
        ["fullspeed", "info"], env={"PATH": str(tmp_path / "bin")}, capture_output=True, text=True
    )
    assert found.returncode == 0 and str(spaced) in found.stdout


@pytest.mark.parametrize("flags", FLAGS, ids=" ".join)
@pytest.mark.parametrize("library", [LIBRARY, "lib/python3.11/dist-packages", "."])
def test_no_python_beside_it(tmp_path: Path, library: str, flags: list[str]) -> None:
    # pip install --user, --target, and Debian's /usr/local.
    command = copy_files(tmp_path, library)
    executable, _, file = show(command, *flags, PYTHONUSERBASE=str(tmp_path))
    assert os.path.samefile(executable, getattr(sys, "_base_executable", sys.executable))
    assert os.path.samefile(file, tmp_path / library / "fullspeed" / "__init__.py")


def test_python_of_the_same_folder(tmp_path: Path) -> None:
    command = copy_files(tmp_path)
    fake = tmp_path / "bin" / "python3.11"
    fake.write_text("#!/bin/sh\nprintf '<%s>' \"$@\"\n")
    fake.chmod(0o755)
    start = tmp_path / LIBRARY / "fullspeed" / "_start.py"

    def given(*args: str) -> str:
        return subprocess.run([command, *args], capture_output=True, text=True).stdout

    def words(*expected: object) -> str:
        return "".join(f"<{word}>" for word in expected)

    assert given() == words(start)
    assert given("info", "--json") == words(start, "info", "--json")
    assert given("run", "--help") == words(start, "run", "--help")
    assert given("run") == words(start, "run")
    assert given("run", "x.py", "-O") == words(start, "run", "x.py", "-O")
    assert given("run", "-OBWerror", "-X", "dev", "--", "-x") == words(
        "-OBWerror", "-X", "dev", start, "run", "--", "-x"
    )
    assert given("run", "-Om", "mod", "-c") == words("-O", start, "run", "-m", "mod", "-c")
    assert given("run", "-OBcpass", "a b") == words("-OB", start, "run", "-cpass", "a b")
    assert given("run", "-c", "", "x") == words(start, "run", "-c", "", "x")
    assert given("run", "-O", "-V") == words("-O", "-V")
    assert given("run", "-W") == words("-W")
    assert given("run", "-") == words(start, "run", "-")


def test_lost_command_says_so(tmp_path: Path) -> None:
    lost = shutil.copy(COMMAND, tmp_path / "fullspeed")
    result = subprocess.run([lost, "run", "-c", "1"], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (125, "")
    assert result.stderr.startswith("fullspeed: cannot find fullspeed/_start.py: ")
    assert result.stderr.count("\n") == 1
