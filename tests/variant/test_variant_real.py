"""A real project from the package index, built as a user would: its own tests at each level."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import variant_tools as tools
from variant_tools import command

PROJECT, VERSION = "markupsafe", "3.0.2"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed wheel in site, the project's source beside it."""
    folder = tmp_path_factory.mktemp("real")
    done = command("build", f"{PROJECT}=={VERSION}", "--levels=v2,v3", "--jobs=2",
                   "--build-dir", folder / "b", "-o", folder / "dist")  # fmt: skip
    assert done.returncode == 0, done.stderr
    (archive,) = (folder / "b" / "download").iterdir()
    with tarfile.open(archive) as files:
        files.extractall(folder)
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", folder / "site"]
    subprocess.run([*pip, done.stdout.strip()], check=True, capture_output=True)
    return folder


def test_flags(installed: Path) -> None:
    """A level's flags stand behind those that the project has without us, and replace none."""
    lines = {}
    for name in ("baseline", "v2", "v3"):
        log = (installed / "b" / name / "build.log").read_text().splitlines()
        (lines[name],) = [line.split() for line in log if " -c " in line]
    wanted = [word for word in lines["baseline"] if word.startswith(("-O", "-D", "-f"))]
    assert "-O2" in wanted
    for level in ("v2", "v3"):
        found = [word for word in lines[level] if word.startswith(("-O", "-D", "-f"))]
        assert found == wanted and f"-march=x86-64-{level}" in lines[level]


@pytest.mark.parametrize(("number", "without"), [(3, "X86_V4"), (2, "X86_V3"), (1, "X86_V2")])
def test_own_tests(installed: Path, best: int, number: int, without: str) -> None:
    if best < number:
        pytest.skip(f"this CPU has no x86-64-v{number}")
    (project,) = installed.glob("markupsafe-*")
    variables = {
        "FULLSPEED_DISABLE_CPU_FEATURES": without,
        "PYTHONPATH": str(installed / "site"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    used = "import markupsafe._speedups as s; print([l.split()[-1] for l in open('/proc/self/maps')"
    code = f"{used} if '_speedups' in l and 'r-xp' in l])"
    name = tools.output(installed / "site", code, **variables)
    assert (f"x86-64-v{number}.so" if number > 1 else "baseline.so") in name
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", project / "tests"],
        env=tools.CLEAN | variables, capture_output=True, text=True, cwd=project,
    )  # fmt: skip
    assert done.returncode == 0 and " passed" in done.stdout, done.stdout + done.stderr
