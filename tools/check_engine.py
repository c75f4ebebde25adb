"""Checks that this environment runs the engine that it is meant to run.

Given the way of dispatch that is expected (`tail-call` or `computed-goto`). On a
machine without clang 19 the best build is computed goto too; that is said, not hidden.
"""

from __future__ import annotations

import shutil
import subprocess
import sys


def main() -> int:
    """Compare what is expected with what runs; the exit code is 1 when they differ."""
    expected = sys.argv[1]
    import fullspeed
    from fullspeed import _engine

    got = _engine.build_info()["dispatch"]
    fullspeed.enable()
    try:
        enabled = fullspeed.is_enabled()
        exec("def f():\n return 1\nfor _ in range(3): f()", {})
        frames = fullspeed.stats()["frames"]
    finally:
        fullspeed.disable()
    print(f"dispatch {got}, enabled {enabled}, {frames} frames run")
    if not enabled or frames == 0:
        print("the engine does not run")
        return 1
    if got == expected:
        return 0
    if expected == "tail-call" and shutil.which("clang-19") is None:
        compiler = subprocess.run(["cc", "--version"], capture_output=True, text=True).stdout
        print(f"no clang-19 here, so computed goto is the best build: {compiler.splitlines()[0]}")
        return 0
    print(f"expected dispatch by {expected}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
