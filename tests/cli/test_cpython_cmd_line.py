"""CPython's own tests of its command line pass when every interpreter they start is ours.

How it works: the tests start sys.executable with all kinds of options; here sys.executable is a
small script that goes on to `fullspeed run`. The same tests with the plain interpreter must have
the same outcome, test by test.
"""

import re
import subprocess
from pathlib import Path

import pytest
from conftest import make_environment

RUNNER = """\
import sys, unittest
sys.executable = sys.argv.pop(1)
unittest.main(module=None, argv=["unittest", "-v", *sys.argv[1:]])
"""


def outcomes(python: str, executable: str, module: str, folder: Path) -> dict[str, str]:
    """Result of each test of a module, by the test's name."""
    environment = make_environment(None)
    environment.pop("PYTHONUNBUFFERED", None)
    result = subprocess.run(
        [python, "-c", RUNNER, executable, module],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        timeout=300,
    )
    found = re.findall(r"^(test_\w+) \(.*\)(?:\n.*)?? \.\.\. (\w+)", result.stderr, re.MULTILINE)
    assert found, result.stderr
    return dict(found)


@pytest.mark.parametrize("module", ["test.test_cmd_line", "test.test_cmd_line_script"])
def test_cpython_cmd_line(python: str, fullspeed: list[str], tmp_path: Path, module: str) -> None:
    wrapper = tmp_path / "python"
    wrapper.write_text(f'#!/bin/sh\nexec "{fullspeed[0]}" run "$@"\n')
    wrapper.chmod(0o755)
    stock = outcomes(python, python, module, tmp_path)
    assert len(stock) > 30 and "ok" in stock.values()
    assert outcomes(python, str(wrapper), module, tmp_path) == stock
