"""Says which CPython this is and how it was built; without PGO it is no baseline.

A Python built without profile-guided optimisation is 10–25 % slower than a
distribution's, so whatever is compared with it looks better than it is. Debian and
Ubuntu build with PGO and LTO in their packaging rules, but what sysconfig then reports
is the configuration of the shared library: it does not mention it. So the packages are
known by where the file comes from; any other Python has to say so in its configuration.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PythonBuild:
    """What is known about how a CPython was built."""

    path: str
    version: str
    compiler: str
    pgo: bool
    lto: bool
    debug: bool
    source: str

    def describe(self) -> str:
        """One line for reports."""
        traits = [
            "PGO" if self.pgo else "NOT built with PGO",
            "LTO" if self.lto else "no LTO",
            *(["debug build"] if self.debug else []),
        ]
        details = f"{', '.join(traits)}; {self.compiler}; {self.source}"
        return f"CPython {self.version} ({self.path}; {details})"

    @property
    def is_baseline(self) -> bool:
        """Whether comparing with it says anything about other machines' Pythons."""
        return self.pgo and not self.debug


def _owner(path: Path) -> str:
    """The Debian or Ubuntu package that installed a file, '' if none did."""
    if shutil.which("dpkg-query") is None:
        return ""
    done = subprocess.run(["dpkg-query", "-S", str(path)], capture_output=True, text=True)
    return done.stdout.partition(":")[0] if done.returncode == 0 else ""


def this_python() -> PythonBuild:
    """Describe the Python that runs this."""
    executable = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    config = sysconfig.get_config_var("CONFIG_ARGS") or ""
    flags = " ".join(
        str(sysconfig.get_config_var(name) or "") for name in ("PY_CORE_CFLAGS", "PY_CORE_LDFLAGS")
    )
    package = _owner(executable)
    if package:
        pgo = lto = True
        source = f"distribution package {package}"
    else:
        pgo = "--enable-optimizations" in config or "-fprofile-use" in flags
        lto = "--with-lto" in config or "-flto" in flags
        source = "not from a distribution package"
    return PythonBuild(
        path=str(executable),
        version=platform.python_version(),
        compiler=platform.python_compiler(),
        pgo=pgo,
        lto=lto,
        debug=hasattr(sys, "gettotalrefcount"),
        source=source,
    )
