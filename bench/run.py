"""`make bench`: prepares the benchmarks' own virtual environment, then measures in it.

The benchmarks need old versions of many packages, so they live in build/venv-bench,
made from the distribution's python3.11. fullspeed itself is not installed there: the
measurement imports the build of the project's environment by path (bench_hook.py).
All options are those of bench_main.py; this file only sees to the environment, with
nothing but the standard library, and replaces itself by bench_main.py.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
REQUIREMENTS = HERE / "requirements.txt"
HOOK = HERE / "bench_hook.py"
PTH_LINE = (
    'import os; "FULLSPEED_BENCH_SIDE" in os.environ and __import__("fullspeed_bench_hook")\n'
)


def base_python(arguments: list[str]) -> str:
    """The Python that is measured: --python PATH, else the distribution's python3.11."""
    for index, argument in enumerate(arguments):
        if argument == "--python" and index + 1 < len(arguments):
            return arguments[index + 1]
        if argument.startswith("--python="):
            return argument.partition("=")[2]
    return "/usr/bin/python3.11"


def make_environment(python: str) -> Path:
    """Create or refresh the virtual environment for one base Python; returns its python."""
    real = Path(python).resolve()
    if not real.exists():
        sys.exit(f"bench: there is no {python}")
    name = "venv-bench"
    if real != Path("/usr/bin/python3.11"):
        name += "-" + hashlib.sha256(str(real).encode()).hexdigest()[:8]
    venv = ROOT / "build" / name
    stamp = venv / ".stamp-requirements"
    wanted = REQUIREMENTS.read_text()
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"bench: installing the benchmarks' packages into {venv} (about a minute)")
        shutil.rmtree(venv, ignore_errors=True)
        subprocess.run([python, "-m", "venv", str(venv)], check=True)
        pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "-q"]
        options = ["--disable-pip-version-check", "-r", str(REQUIREMENTS)]
        if subprocess.run(pip + options).returncode:
            sys.exit("bench: pip could not install bench/requirements.txt (see above)")
        stamp.write_text(wanted)
    (site,) = (venv / "lib").glob("python3.*/site-packages")
    for path, text in (
        (site / "fullspeed_bench_hook.py", HOOK.read_text()),
        (site / "fullspeed_bench.pth", PTH_LINE),
    ):
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
    return venv / "bin" / "python"


def main() -> None:
    """Prepare the environment and go on in it."""
    python = make_environment(base_python(sys.argv[1:]))
    os.execv(python, [str(python), str(HERE / "bench_main.py"), *sys.argv[1:]])


if __name__ == "__main__":
    main()
