"""What the tests of the CPU room share: the table of features."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "cpugen"))

import cpu_table  # noqa: E402


@pytest.fixture(scope="session")
def table() -> cpu_table.Table:
    """The table of the tree."""
    return cpu_table.load()
