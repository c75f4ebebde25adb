"""`make asan`: unit tests, differential tests and the fuzzer with ASan and UBSan.

Only our C core is instrumented; CPython is the distribution's. The sanitizers' runtime
is preloaded, and PYTHONMALLOC=malloc gives each Python object an allocation of its own,
so that a use after free of one is seen. Leaks are not looked for here (CPython keeps
what it pleases until exit): the reference-leak check among the unit tests does that.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / "build" / "venv-asan" / "bin" / "python"
# Tests of the set-up, of memory or of time, which the sanitizers make untrue.
DESELECTED = "not memory and not timing"


def preload() -> str:
    """The sanitizers' shared libraries, as gcc names them."""
    names = []
    for library in ("libasan.so", "libubsan.so"):
        done = subprocess.run(
            ["gcc", f"-print-file-name={library}"], capture_output=True, text=True, check=True
        )
        path = done.stdout.strip()
        if not Path(path).is_absolute():
            sys.exit(f"asan: gcc has no {library}: install libgcc's sanitizers (package gcc)")
        names.append(path)
    return " ".join(names)


def main() -> int:
    """Run the parts one after the other; the exit code is 1 when one fails."""
    seconds = sys.argv[1] if len(sys.argv) > 1 else "120"
    env = os.environ | {
        "LD_PRELOAD": preload(),
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
        "PYTHONMALLOC": "malloc",
    }
    parts = {
        "unit": ["-m", "pytest", "-q", "-k", DESELECTED, "tests/unit"],
        "diff": ["-m", "pytest", "-q", "-k", DESELECTED, "tests/diff"],
        "fuzz": ["tests/fuzz/fuzz.py", "--seconds", seconds, "--seed", "1"],
        "fuzz-jit": ["tests/fuzz/fuzz_jit.py", "--seconds", seconds, "--seed", "1"],
    }
    failed = []
    for name, arguments in parts.items():
        print(f"asan: {name}", flush=True)
        if subprocess.run([str(PYTHON), *arguments], cwd=ROOT, env=env).returncode:
            failed.append(name)
    print(f"asan: {len(parts) - len(failed)} passed, {len(failed)} failed {' '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
