"""Array expressions against NumPy, NumExpr, Numba and C loops: prepares all that, then measures.

Makes build/venv-bench-array with the peers (requirements.txt), compiles the C loops with GCC and,
where there is one, clang, and replaces itself by bench_array.py in that environment. fullspeed is
the build of the project's own environment, seen by path. All options are bench_array.py's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FOLDER = ROOT / "build" / "bench-array"
FLAGS = ["-O3", "-march=native", "-ffast-math", "-shared", "-fPIC"]
COMPILERS = {
    # Debian's clang has no libomp: its loops are for one thread.
    "gcc": [["gcc"], ["-fopenmp"]],
    "clang": [
        ["clang-19", "clang"],
        ["-fopenmp-simd", "-fveclib=libmvec", "-Wno-pass-failed"],
    ],
}


def environment() -> Path:
    """The peers' own Python."""
    venv = ROOT / "build" / "venv-bench-array"
    stamp, wanted = (
        venv / ".stamp-requirements",
        (HERE / "requirements.txt").read_text(),
    )
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"bench: installing NumPy, NumExpr and Numba into {venv}")
        shutil.rmtree(venv, ignore_errors=True)
        subprocess.run(["/usr/bin/python3.11", "-m", "venv", str(venv)], check=True)
        pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "-q"]
        options = ["--disable-pip-version-check", "-r", str(HERE / "requirements.txt")]
        if subprocess.run(pip + options).returncode:
            sys.exit("bench: pip could not install bench/array/requirements.txt (see above)")
        stamp.write_text(wanted)
    return venv / "bin" / "python"


def compile_loops() -> None:
    """The C loops, by each compiler that is there."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    source = HERE / "bench_loops.c"
    for name, (commands, flags) in COMPILERS.items():
        target = FOLDER / f"loops-{name}.so"
        command = next((c for c in commands if shutil.which(c)), None)
        if command is None or (target.exists() and target.stat().st_mtime > source.stat().st_mtime):
            continue
        subprocess.run(
            [command, *FLAGS, *flags, "-o", str(target), str(source), "-lmvec", "-lm"],
            check=True,
        )
    if not (FOLDER / "loops-gcc.so").exists():
        sys.exit("bench: there is no gcc for the C loops")


def main() -> None:
    """Prepare, and go on in the peers' environment."""
    built = list((ROOT / ".venv/lib").glob("python3.*/site-packages/fullspeed"))
    if not built:
        sys.exit("bench: fullspeed is not built here: run tools/setup.sh first")
    compile_loops()
    link = FOLDER / "site" / "fullspeed"
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(built[0])
    python = str(environment())
    settings = os.environ | {
        "PYTHONPATH": str(link.parent),
        "FULLSPEED_BENCH_LOOPS": str(FOLDER),
        # OpenMP's threads wait in a loop for some milliseconds, in the turn of whoever is next: let
        # them do so between two calls of their own, and then sleep as everyone's else.
        "GOMP_SPINCOUNT": "20000",
    }
    os.execve(python, [python, str(HERE / "bench_array.py"), *sys.argv[1:]], settings)


if __name__ == "__main__":
    main()
