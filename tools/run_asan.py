"""`make asan`: unit, differential, CPU and array tests and the fuzzers with ASan and UBSan.

Only our C core is instrumented; CPython is the distribution's. The sanitizers' runtime
is preloaded, and PYTHONMALLOC=malloc gives each Python object an allocation of its own,
so that a use after free of one is seen. Leaks are not looked for here (CPython keeps
what it pleases until exit): the reference-leak check among the unit tests does that.

    tools/run_asan.py                            all of it, each fuzzer for two minutes
    tools/run_asan.py 600 --only fuzz-kernels    one part
"""

from __future__ import annotations

import argparse
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


def parts(seconds: str) -> dict[str, list[str]]:
    """What is run, by name."""

    def pytest(folder: str, deselected: str = DESELECTED) -> list[str]:
        return ["-m", "pytest", "-q", "-k", deselected, folder]

    def fuzzer(name: str) -> list[str]:
        return [f"tests/fuzz/{name}.py", "--seconds", seconds, "--seed", "1"]

    return {
        "unit": pytest("tests/unit"),
        "diff": pytest("tests/diff"),
        "cpu": pytest("tests/cpu/module", DESELECTED + " and not qemu"),
        "array": pytest("tests/array", DESELECTED + " and not cheap"),
        "fuzz": fuzzer("fuzz"),
        "fuzz-jit": fuzzer("fuzz_jit"),
        "fuzz-array": fuzzer("fuzz_array"),
        "fuzz-kernels": fuzzer("fuzz_kernels"),
    }


def main() -> int:
    """Run the parts one after the other; the exit code is 1 when one fails."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("seconds", nargs="?", default="120", help="for each fuzzer")
    parser.add_argument("--only", action="append", choices=parts("1"), help="this part alone")
    options = parser.parse_args()
    env = os.environ | {
        "LD_PRELOAD": preload(),
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
        "PYTHONMALLOC": "malloc",
    }
    chosen = {
        name: arguments
        for name, arguments in parts(options.seconds).items()
        if not options.only or name in options.only
    }
    failed = []
    for name, arguments in chosen.items():
        print(f"asan: {name}", flush=True)
        if subprocess.run([str(PYTHON), *arguments], cwd=ROOT, env=env).returncode:
            failed.append(name)
    print(f"asan: {len(chosen) - len(failed)} passed, {len(failed)} failed {' '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
