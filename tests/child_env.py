"""What every test passes on to the environment of the processes that it starts."""

from __future__ import annotations

import os

SANITIZER = ("ASAN_", "UBSAN_", "LD_", "PYTHONMALLOC")


def sanitizer() -> dict[str, str]:
    """Return the variables that bring a sanitizer into a child (`make asan`)."""
    return {name: value for name, value in os.environ.items() if name.startswith(SANITIZER)}
