"""Real projects from the package index: how each is built, and how its own tests run.

The quick ones are part of `make test`; `make nightly-variants` has all of them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

import variant_tools as tools


@dataclass(frozen=True)
class Project:
    """One project."""

    name: str
    version: str
    kind: str  # of code and back end
    module: str  # one that has variants
    tests: tuple[str, ...]  # of python; {source}: the unpacked source archive
    small: str  # a program for slow emulators; prints the same at each level
    requires: tuple[str, ...] = ()  # for its tests
    env: dict[str, str] = field(default_factory=dict)  # for its build
    needs: str = ""  # a program
    quick: tuple[int, ...] = ()  # levels for `make test`
    slow: bool = False  # its tests take long on an emulator

    def __str__(self) -> str:
        return self.name


PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
PROJECTS = (
    Project(
        "markupsafe", "3.0.2", "C, setuptools", "markupsafe._speedups",
        (*PYTEST, "{source}/tests"),
        "import markupsafe._speedups as s; print(s._escape_inner('<a&b>' * 40))",
        quick=(2, 3),
    ),
    Project(
        "sgp4", "2.27", "C++, abi3, setuptools", "sgp4.vallado_cpp",
        ("-m", "sgp4.tests"),
        "from sgp4.vallado_cpp import Satrec\n"
        "a = '1 25544U 98067A   19343.69339541  .00001764  00000-0  38792-4 0  9991'\n"
        "b = '2 25544  51.6439 211.2001 0007417  17.6667  85.6398 15.50103472202482'\n"
        "print([round(x, 6) for x in Satrec.twoline2rv(a, b).sgp4(2458826.5, 0.5)[1]])",
        env={"PYTHON_SGP4_COMPILE": "always"},
        quick=(3,),
    ),
    Project(
        "murmurhash", "1.0.16", "Cython and C++, setuptools", "murmurhash.mrmr",
        (*PYTEST, "--pyargs", "murmurhash"),
        "from murmurhash.mrmr import hash_unicode; print(hash_unicode('abc', 7))",
        quick=(3,),
    ),
    Project(
        "apexpy", "2.1.1", "Fortran by f2py, meson-python", "apexpy.fortranapex",
        (*PYTEST, "{source}/apexpy/tests"),
        "import apexpy; a = apexpy.Apex(date=2015.3, refh=300)\n"
        "print([round(float(x), 4) for x in a.convert(60, 15, 'geo', 'apex', height=300)])",
        needs="gfortran",
        quick=(3,),
    ),
    Project(
        "ujson", "6.1.0", "C and C++, setuptools", "ujson",
        (*PYTEST, "{source}/tests"),
        "import ujson; print(ujson.loads(ujson.dumps({'a': [1.5, 'x', None] * 20})))",
    ),
    Project(
        "regex", "2026.11.15", "C, setuptools", "regex._regex",
        (*PYTEST, "{source}"),
        "import regex; print(regex.findall(r'(?r)(\\\\w)(?=\\\\d)', 'a1b2c3' * 9))",
    ),
    Project(
        "cytoolz", "1.2.0", "Cython, setuptools", "cytoolz.itertoolz",
        (*PYTEST, "--pyargs", "cytoolz"),
        "import cytoolz; print(cytoolz.frequencies('abracadabra'))",
        requires=("toolz",),
        slow=True,
    ),
    Project(
        "kiwisolver", "1.5.1", "C++, setuptools", "kiwisolver._cext",
        (*PYTEST, "{source}/py/tests"),
        "import kiwisolver as k; v = k.Variable('v'); s = k.Solver()\n"
        "s.addConstraint(v * 3 == 12); s.updateVariables(); print(v.value())",
    ),
    Project(
        "pywavelets", "1.10.0", "Cython and C, meson-python", "pywt._extensions._dwt",
        (*PYTEST, "--pyargs", "pywt"),
        "import pywt; print([round(float(x), 6) for x in pywt.dwt(range(64), 'db4')[0]])",
        slow=True,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Made:
    """A project that has been built and installed."""

    project: Project
    levels: tuple[int, ...]  # 1: the baseline
    wheel: Path
    site: Path
    source: Path

    def environment(self, level: int) -> dict[str, str]:
        """The variables with which this level is loaded."""
        above = {"FULLSPEED_DISABLE_CPU_FEATURES": f"X86_V{level + 1}"} if level < 4 else {}
        return {**above, "PYTHONPATH": str(self.site), "PYTHONDONTWRITEBYTECODE": "1"}

    def loaded(self, level: int) -> str:
        """The file of the module that is loaded at this level."""
        code = (
            f"import importlib; importlib.import_module({self.project.module!r})\n"
            "stem = " + repr(self.project.module.rpartition(".")[2]) + "\n"
            "print({line.split()[-1] for line in open('/proc/self/maps') if 'r-xp' in line\n"
            "       and line.split()[-1].rpartition('/')[2].startswith(stem + '.')\n"
            "       and ('.x86-64-v' in line or '.baseline.' in line)})"
        )
        done = tools.python(self.site, code, **self.environment(level))
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run_tests(
        self, level: int, folder: Path, cpu: str | None = None
    ) -> subprocess.CompletedProcess:
        """The project's own tests, on another processor if it is named; the folder has nothing of
        the project in it."""
        words = [word.format(source=self.source) for word in self.project.tests]
        emulator = ["qemu-x86_64", "-cpu", cpu] if cpu is not None else []
        return subprocess.run(
            [*emulator, sys.executable, *words], env=tools.CLEAN | self.environment(level),
            capture_output=True, text=True, cwd=folder,
        )  # fmt: skip

    def run_emulated(self, cpu: str) -> subprocess.CompletedProcess:
        """The small program on another processor."""
        paths = [str(self.site), *(path for path in sys.path if path.endswith("site-packages"))]
        code = f"import sys; sys.path[:0] = {paths!r}\n{self.project.small}"
        python = os.path.realpath(sys.executable)
        return subprocess.run(
            ["qemu-x86_64", "-cpu", cpu, python, "-IS", "-c", code],
            env=tools.CLEAN, capture_output=True, text=True, cwd="/",
        )  # fmt: skip


def make(project: Project, levels: tuple[int, ...], folder: Path) -> Made:
    """Build and install a project; what is built stays in the folder."""
    names = ",".join(f"v{level}" for level in levels)
    done = tools.command(
        "build", f"{project.name}=={project.version}", f"--levels={names}", "--jobs=2",
        "--build-dir", folder / "b", "-o", folder / "dist", **project.env,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for made in ("site", "source"):
        shutil.rmtree(folder / made, ignore_errors=True)
    (archive,) = (folder / "b" / "download").iterdir()
    with tarfile.open(archive) as files:
        files.extractall(folder / "source")
    (source,) = (folder / "source").iterdir()
    wheel = Path(done.stdout.strip())
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", folder / "site"]
    subprocess.run([*pip, wheel, *project.requires], check=True, capture_output=True)
    return Made(project, (1, *levels), wheel, folder / "site", source)
