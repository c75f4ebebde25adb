"""pandas' eval(), query() and operators of large frames, computed by us in NumExpr's place."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_pandas() -> None:
    """Everything is as with pandas' own engine, and it is us who were asked."""
    child = Path(__file__).resolve().parent / "pandas_child.py"
    done = subprocess.run(
        [sys.executable, str(child)], capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("fine ")
