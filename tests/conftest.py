"""Options and fixtures that all Python tests share.

`--no-engine` compares stock with stock: it shows that a test is steady on this machine before
the engine is blamed. The default is `--engine`, and a missing engine is then a failure.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# The kernels of array expressions are those that the features allow, whatever is measured here, and
# nothing is kept in the user's cache folder; tests/array/test_tune.py has folders of its own.
os.environ["FULLSPEED_TUNE"] = "0"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --engine and --no-engine."""
    parser.addoption(
        "--engine",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="run the engine side under the engine (default), or under stock too",
    )


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> bool:
    """Say whether the engine side runs under the engine."""
    return bool(request.config.getoption("--engine"))


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the root of the source tree."""
    return ROOT


@pytest.fixture(scope="session")
def python() -> str:
    """Return the Python that the engine under test is installed in."""
    return sys.executable
