"""CFLAGS of a build: what is put there must not take away what the back end has without it."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest
from fullspeed.variants import project

OWN = sysconfig.get_config_var("CFLAGS")


@pytest.mark.parametrize(
    ("system", "setup", "has_own"),
    [
        (None, True, True),  # as before PEP 517: setuptools
        ('build-backend = "setuptools.build_meta"', False, True),
        ('build-backend = "_own"\nbackend-path = ["x"]', True, True),
        ('build-backend = "mesonpy"', True, False),
        ('build-backend = "scikit_build_core.build"', False, False),
        ("not toml", True, True),
        (None, False, False),
    ],
)
def test_own_flags(tmp_path: Path, system: str | None, setup: bool, has_own: bool) -> None:
    if system is not None:
        (tmp_path / "pyproject.toml").write_text(f"[build-system]\nrequires = []\n{system}\n")
    if setup:
        (tmp_path / "setup.py").write_text("")
    found = project.own_flags(tmp_path)
    assert found == ({"CFLAGS": OWN, "CXXFLAGS": OWN} if has_own else {})
    assert "-O2" in OWN.split() or "-O3" in OWN.split()


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"CFLAGS": "-O2 -g", "CXXFLAGS": "-O2"}
    for name in project.FLAG_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert project.environment(None, "-O3", own) == {}
    march = "-march=x86-64-v3"
    assert project.environment("v3", "-O3", own) == {
        "CFLAGS": f"-O2 -g {march} -O3",
        "CXXFLAGS": f"-O2 {march} -O3",
        "FFLAGS": f"{march} -O3",
        "LDFLAGS": f"{march} -O3",
    }
    monkeypatch.setenv("CFLAGS", "-Os")  # the user's own wins
    assert project.environment("v3", "", own)["CFLAGS"] == f"-Os {march}"
    assert project.with_flags({"CFLAGS": "x"}, {"CFLAGS": "y"}, own) == {"CFLAGS": "x y"}


def test_compilers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Meson projects with c_args of their own do not look at CFLAGS."""
    for name in project.COMPILERS:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "setup.py").write_text("")
    assert project.compilers(tmp_path, "v3", "") == {}
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["meson-python"]\nbuild-backend = "mesonpy"\n'
    )
    assert project.compilers(tmp_path, None, "") == {}
    monkeypatch.setenv("CC", "clang -v")
    assert project.compilers(tmp_path, "v3", "-O3") == {
        "CC": "clang -v -march=x86-64-v3 -O3",
        "CXX": "c++ -march=x86-64-v3 -O3",
        "FC": "gfortran -march=x86-64-v3 -O3",
    }
