"""Fixtures for building the CPU room outside of meson."""

from __future__ import annotations

import sys

import pytest
from cross_build import ROOT, call


@pytest.fixture(scope="session")
def includes(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options that find the headers, the generated ones too."""
    made = tmp_path_factory.mktemp("generated")
    call(sys.executable, ROOT / "tools/cpugen/cpugen.py", "c", made)
    return [f"-I{made}", f"-I{ROOT}/src/cpu", f"-I{ROOT}/src/base"]
