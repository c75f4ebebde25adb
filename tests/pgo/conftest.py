"""What the tests of `fullspeed pgo` share: an instrumented build per compiler."""

from __future__ import annotations

import functools
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import pgo_tools as tools
from fullspeed.pgo import compilers

CLANG = next((name for name in ("clang-19", "clang") if shutil.which(name)), None)


@dataclass(frozen=True)
class Built:
    """A work folder in which the project was built so that it counts."""

    cc: str
    home: Path
    project: Path


def lacking(cc: str | None) -> str | None:
    """Why a compiler cannot be tried."""
    if cc is None:
        return "there is no clang (tools/setup.sh)"
    missing = compilers.lacks(compilers.find(cc))
    return "; ".join(missing) + " (tools/setup.sh cross)" if missing else None


@pytest.fixture(scope="session", params=["gcc", "clang"])
def cc(request: pytest.FixtureRequest) -> str:
    """Each compiler."""
    name = "gcc" if request.param == "gcc" else CLANG
    if reason := lacking(name):
        pytest.skip(reason)
    return name


@functools.cache
def build_with(cc: str, folder: Path) -> Built:
    """The project, built by a compiler so that it counts."""
    project = tools.write_project(folder / "project")
    home = folder / "work"
    archive = tools.archive_of(project, folder / "tiny-1.5.tar.gz")
    done = tools.works("build", archive, "--no-isolation", "--dir", home, cc=cc)
    assert "tiny._other, tiny._tiny count now" in done.stderr
    assert done.stdout == f"{home}/instrumented/dist/tiny-1.5-cp311-cp311-linux_x86_64.whl\n"
    return Built(cc, home, project)


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each compiler's build."""
    return {name: tmp_path_factory.mktemp("built") for name in ("gcc", "clang")}


def copy(built: Built, folder: Path) -> Built:
    """A work folder of one's own. Instrumented wheels can be used anywhere."""
    shutil.copytree(built.home, folder)
    return Built(built.cc, folder, built.project)


@pytest.fixture
def copied(cc: str, places: dict[str, Path], tmp_path: Path) -> Built:
    """A work folder with the project, built by each compiler."""
    return copy(build_with(cc, places["gcc" if cc == "gcc" else "clang"]), tmp_path / "work")


@pytest.fixture
def gcc(places: dict[str, Path], tmp_path: Path) -> Built:
    """A work folder with the project, built by GCC: for what is the same for all compilers."""
    return copy(build_with("gcc", places["gcc"]), tmp_path / "work")
