"""Throw-away virtual environments in which CPython's own tests run.

How it works: two environments are made from the same ``python3.11``. ``stock`` is bare.
``engine`` holds a frozen copy of the installed fullspeed package and a ``.pth`` file that
enables it, so that every process of that environment (children started with ``-I`` or ``-E``
included) runs under the engine; only ``-S`` children and embedded interpreters stay stock.

What must stay true: the two environments differ in nothing but those files, and the copy is
taken once per engine build (named by a digest), so a rebuild never disturbs a running suite.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

PTH_NAME = "zz_fullspeed_under_test.pth"
PTH_LINE = "import os; os.environ.get('FULLSPEED') == '0' or __import__('fullspeed').enable()\n"
KEPT_SUFFIXES = {".py", ".so", ".pyi", ".typed"}


@dataclass(frozen=True)
class SuiteEnv:
    """One environment: its name, its Python and the digest of the engine in it."""

    name: str
    python: Path
    digest: str


def clean_environ() -> dict[str, str]:
    """Return the variables that a test process gets, the same for both sides."""
    kept = ("PATH", "HOME", "USER", "LOGNAME", "SHELL")
    env = {name: os.environ[name] for name in kept if name in os.environ}
    env["LANG"] = "C.UTF-8"
    env["TERM"] = "xterm"
    return env | jit_environ()


def jit_environ() -> dict[str, str]:
    """Return how the JIT is set up, which stock does not look at."""
    return {name: v for name, v in os.environ.items() if name.startswith("FULLSPEED_JIT") and v}


def find_package(python: Path) -> list[tuple[Path, str]]:
    """List the files of the fullspeed that `python` imports, with their place in the package."""
    code = (
        "import fullspeed, fullspeed._engine as e;"
        "print('\\n'.join([e.__file__, *fullspeed.__path__]))"
    )
    done = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=False, cwd="/"
    )
    if done.returncode:
        raise SystemExit(f"{python} cannot import fullspeed:\n{done.stderr}")
    engine, *folders = done.stdout.split("\n")[:-1]
    found = {f"fullspeed/{Path(engine).name}": Path(engine)}
    for folder in map(Path, folders):
        if not folder.is_dir():
            continue
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix in KEPT_SUFFIXES and "__pycache__" not in path.parts:
                found.setdefault(f"fullspeed/{path.relative_to(folder)}", path)
    return [(path, inside) for inside, path in sorted(found.items())]


def digest_files(files: list[tuple[Path, str]]) -> str:
    """Return a short digest of the names and contents of `files`."""
    total = hashlib.sha256()
    for path, inside in files:
        total.update(inside.encode())
        total.update(path.read_bytes())
    return total.hexdigest()[:12]


def make_venv(folder: Path, base_python: str, with_pip: bool = False) -> Path:
    """Make a virtual environment in `folder` unless it is there; return its Python."""
    python = folder / "bin" / "python"
    if not python.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        without = [] if with_pip else ["--without-pip"]
        subprocess.run([base_python, "-m", "venv", *without, str(folder)], check=True)
    return python


def make_stock(root: Path, base_python: str) -> SuiteEnv:
    """Return the bare environment."""
    return SuiteEnv("stock", make_venv(root / "venv-stock", base_python), "stock")


def make_engine(root: Path, base_python: str, package_python: Path) -> SuiteEnv:
    """Return the environment that runs every process under the engine of `package_python`."""
    files = find_package(package_python)
    digest = digest_files(files)
    folder = root / f"venv-{digest}"
    python = make_venv(folder, base_python)
    site = folder / "lib" / "python3.11" / "site-packages"
    if not (site / PTH_NAME).exists():
        for path, inside in files:
            target = site / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
        (site / PTH_NAME).write_text(PTH_LINE)
    check_engine_on(python)
    settings = "".join(f"-{name[13:].lower()}={v}" for name, v in sorted(jit_environ().items()))
    return SuiteEnv("engine", python, digest + settings.replace("/", "_"))


def check_engine_on(python: Path) -> None:
    """Stop unless every kind of child of that environment has the engine on."""
    code = "import fullspeed, sys; sys.exit(not fullspeed.is_enabled())"
    for flags in ([], ["-I"], ["-E"], ["-s"], ["-B", "-O"]):
        done = subprocess.run(
            [python, *flags, "-c", code],
            env=clean_environ(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"the engine is not on under {python} {flags}:\n{done.stderr}")
