"""What the tests of `fullspeed hwcaps` share: programs are compiled once."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import hwcaps_tools as tools
from fullspeed import cpu


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a program at each level: baseline, v2, v3, v4."""
    folder = tmp_path_factory.mktemp("programs")
    for level in ("baseline", "v2", "v3", "v4"):
        tools.compile_program(folder / level, level)
    return folder


@pytest.fixture
def app(programs: Path, tmp_path: Path) -> Path:
    """An executable without variants, alone in its folder."""
    folder = tmp_path / "bin"
    folder.mkdir()
    shutil.copy2(programs / "baseline", folder / "app")
    return folder / "app"


@pytest.fixture
def installed(app: Path, programs: Path) -> Path:
    """An executable with variants for v2 and v3."""
    tools.done("install", app, f"--variant=v3={programs / 'v3'}", f"--variant=v2={programs / 'v2'}")
    return app


@pytest.fixture(scope="session")
def checked(tmp_path_factory: pytest.TempPathFactory) -> tools.Checked:
    """The tool with sanitizers and the real C library, and the files that it reads."""
    folder = tmp_path_factory.mktemp("checked")
    line, units = folder / "cmdline", folder / "units"
    flags = [f'-DHWCAPS_COMMAND_LINE="{line}"', f'-DHWCAPS_UNITS="{units}"']
    return tools.Checked(tools.compile_tool(folder / "tool", *flags), line, units)


@pytest.fixture(autouse=True)
def _no_files_of_other_tests(request: pytest.FixtureRequest) -> None:
    """What that tool reads is as the test itself says."""
    if "checked" in request.fixturenames:
        made = request.getfixturevalue("checked")
        made.line.unlink(missing_ok=True)
        made.units.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def best() -> int:
    """The number of the level that this CPU has."""
    return int(cpu.level()[-1])
