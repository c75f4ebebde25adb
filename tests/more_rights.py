"""A Python with more rights than its caller, for tests of what such programs must not believe."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from child_env import sanitizer


def python_with_more_rights(folder: Path) -> tuple[list[str], Path]:
    """Make a copy of Python that is setgid root; words that run a command as nobody, and the copy.

    The test is left out where that cannot be.
    """
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0 or setpriv is None or sanitizer():
        pytest.skip("needs root, setpriv, and no sanitizer")
    if os.statvfs(folder).f_flag & os.ST_NOSUID:
        pytest.skip("the file system gives nobody more rights")
    copy = folder / "python"
    shutil.copy(os.path.realpath(sys.executable), copy)
    os.chown(copy, 0, 0)
    os.chmod(copy, 0o2755)
    for place in (folder, *folder.parents):
        if place.stat().st_uid == 0 and place != place.parent:
            os.chmod(place, place.stat().st_mode | 0o055)
    words = [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups"]
    plain = subprocess.run([*words, sys.executable, "-c", ""], capture_output=True, text=True)
    if plain.returncode != 0:
        pytest.skip(f"nobody cannot run Python here: {plain.stderr.splitlines()[-1]}")
    return words, copy
