"""NumExpr's own tests, run against fullspeed under the name `numexpr`.

The tests come from NumExpr's source distribution, which pip downloads into build/ when it is not
there. A test that is left out stands in LEFT_OUT with its reason; one that is in the table and
passes is a failure of the table.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

VERSION = "2.14.2"
HERE = Path(__file__).resolve().parent
pytestmark = pytest.mark.timeout(800)
STORE = HERE.parents[1] / "build" / f"numexpr-{VERSION}"

# Test id (class::name) -> why it cannot be expected of us. None is left out today.
LEFT_OUT: dict[str, str] = {}


def fetch() -> Path:
    """NumExpr's test file, downloaded once."""
    wanted = STORE / "test_numexpr_own.py"
    if wanted.exists():
        return wanted
    command = [
        sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps",
        "--no-binary", "numexpr", "--dest", str(STORE), f"numexpr=={VERSION}",
    ]  # fmt: skip
    STORE.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, f"pip could not download NumExpr's source:\n{done.stderr}"
    with tarfile.open(STORE / f"numexpr-{VERSION}.tar.gz") as archive:
        member = f"numexpr-{VERSION}/numexpr/tests/test_numexpr.py"
        text = archive.extractfile(member).read()
    part = wanted.with_suffix(f".part{os.getpid()}")
    part.write_bytes(text)
    part.replace(wanted)
    return wanted


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """How each test of the suite ended: passed, failed or skipped."""
    folder = tmp_path_factory.mktemp("numexpr")
    report = folder / "report.xml"
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    thread_unsafe: NumExpr's own\n")
    env = {key: value for key, value in os.environ.items() if "NUM_THREADS" not in key}
    env["PYTHONPATH"] = str(HERE / "shim")
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "pytest.ini",
        f"--junitxml={report}", str(fetch()),
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=560
    )
    assert report.exists(), done.stdout[-3000:] + done.stderr[-3000:]
    found = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}"
        kinds = {child.tag for child in case}
        found[name] = (
            "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds
            else "passed"
        )  # fmt: skip
    return found


def test_whole(outcomes: dict[str, str]) -> None:
    """The suite ran, as large as it is, and against us."""
    assert len(outcomes) > 6000
    assert sum(how == "passed" for how in outcomes.values()) > 5900


def test_nothing_fails(outcomes: dict[str, str]) -> None:
    """Every test passes, or is left out for a reason."""
    failed = {name for name, how in outcomes.items() if how == "failed"}
    assert failed <= LEFT_OUT.keys(), sorted(failed - LEFT_OUT.keys())


def test_table_is_true(outcomes: dict[str, str]) -> None:
    """Nothing is in the table that passes or does not exist."""
    stale = {name for name in LEFT_OUT if outcomes.get(name) != "failed"}
    assert not stale


def test_skips_are_numexprs(outcomes: dict[str, str]) -> None:
    """What is skipped is what NumExpr itself has no kernels for: the same tests, by expression."""
    skipped = sorted(name for name, how in outcomes.items() if how == "skipped")
    assert all(name.startswith("test_numexpr_own::test_expressions[") for name in skipped), skipped
