"""Says which CPython this is and how it was built; without PGO it is no baseline.

A Python built without profile-guided optimisation is 10–25 % slower than a
distribution's, so whatever is compared with it looks better than it is. How a build is
recognised is `fullspeed info`'s business (python/fullspeed/_info.py); this file asks it
for the Python that runs here, whether fullspeed is installed in it or not.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INFO = Path(__file__).resolve().parent.parent / "python" / "fullspeed" / "_info.py"


@dataclass(frozen=True)
class PythonBuild:
    """What is known about how a CPython was built; None is unknown."""

    path: str
    version: str
    compiler: str
    pgo: bool | None
    lto: bool | None
    debug: bool

    def describe(self) -> str:
        """One line for reports."""
        traits = [_say(self.pgo, "PGO"), _say(self.lto, "LTO")]
        if self.debug:
            traits.append("debug build")
        return f"CPython {self.version} ({self.path}; {', '.join(traits)}; {self.compiler})"

    @property
    def is_baseline(self) -> bool:
        """Whether comparing with it says anything about other machines' Pythons."""
        return self.pgo is True and not self.debug


def _say(known: bool | None, name: str) -> str:
    return {True: name, False: f"NOT built with {name}", None: f"{name} unknown"}[known]


def _facts() -> dict[str, Any]:
    """What `fullspeed info` finds out about the running Python's build."""
    spec = importlib.util.spec_from_file_location("_fullspeed_info", INFO)
    if spec is None or spec.loader is None:
        raise ImportError(f"{INFO} is missing")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.python_build()


def this_python() -> PythonBuild:
    """Describe the Python that runs this."""
    facts = _facts()
    base = getattr(sys, "_base_executable", sys.executable)
    return PythonBuild(
        path=str(Path(base).resolve()),
        version=facts["version"],
        compiler=facts["compiler"],
        pgo=facts["pgo"],
        lto=facts["lto"],
        debug=bool(facts["debug"]),
    )
