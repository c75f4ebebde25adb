"""What the tests of variants share: stubs are compiled once, each module once per level."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import variant_tools as tools
from fullspeed import cpu
from fullspeed.variants.stub import StubCompiler


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--nightly`: all real projects (test_variant_real.py reads it)."""
    parser.addoption("--nightly", action="store_true")


@pytest.fixture(scope="session")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> StubCompiler:
    """The compiler of stubs; warnings are errors."""
    return StubCompiler(tmp_path_factory.mktemp("stubs"), ["-Werror"])


@pytest.fixture(scope="session")
def multi(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The code of a multi-phase module, by level."""
    return tools.at_levels(tmp_path_factory.mktemp("multi"), "module_multi.c", "_x")


@pytest.fixture
def site(stubs: StubCompiler, multi: dict[str, bytes], tmp_path: Path) -> Path:
    """A folder with the package of that module."""
    files = {"pack/__init__.py": b""}
    merged = tools.merge(stubs, f"pack/_x{tools.SUFFIX}", multi, **files)
    return tools.install(merged, tmp_path / "site")


@pytest.fixture(scope="session")
def best() -> int:
    """The number of the level that this CPU has."""
    return int(cpu.level()[-1])
