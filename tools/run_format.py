"""Formats the C and Python sources in place, or with --check says what is not formatted.

C by clang-format 19 (from PyPI, so that all machines agree) after .clang-format; Python
by ruff. Only files under version control or new and not ignored are looked at.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
# Python files that are laid out by hand: programs that a test reads by line number.
PYTHON_FOLDERS = ("bench", "demo", "tools", "python")
C_FOLDERS = ("examples", "src", "tests")


def c_files() -> list[str]:
    """All C sources; without git every one that is there."""
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *C_FOLDERS],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    names = done.stdout.splitlines() or [
        str(path.relative_to(ROOT)) for folder in C_FOLDERS for path in (ROOT / folder).rglob("*")
    ]
    made = "src/stencil/stencil_x86_64.h"  # as its generator writes it
    return sorted(
        n for n in names if n.endswith((".c", ".h")) and n != made and (ROOT / n).exists()
    )


def main() -> int:
    """Format or check; the exit code is 1 when a check finds something."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing")
    check = parser.parse_args().check
    if not (ROOT / ".clang-format").exists():
        print("there is no .clang-format")
        return 1
    c_options = ["--dry-run", "--Werror"] if check else ["-i"]
    c_command = [str(BIN / "clang-format"), *c_options, *c_files()]
    c_code = subprocess.run(c_command, cwd=ROOT).returncode
    ruff = [sys.executable, "-m", "ruff", "format", *(["--check"] if check else [])]
    folders = [name for name in PYTHON_FOLDERS if (ROOT / name).exists()]
    python_code = subprocess.run([*ruff, *folders], cwd=ROOT).returncode
    return 1 if c_code or python_code else 0


if __name__ == "__main__":
    sys.exit(main())
