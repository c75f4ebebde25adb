"""Where things are, and what processes of the tests have in their environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("FULLSPEED", "GLIBC_TUNABLES", "PYTHON", "OMPI_", "PMI", "SLURM"))
} | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(HERE)}

# One worker as the machine is, others below it; in that order.
DISABLED = ("", "X86_V4", "X86_V3")
