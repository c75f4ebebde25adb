"""What the tests of clusters share: environments of workers with different levels."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "variant"))

from cluster_tools import CLEAN  # noqa: E402
from fullspeed import cpu  # noqa: E402


@pytest.fixture(scope="session")
def best() -> int:
    """The number of the level that this CPU has."""
    return int(cpu.level()[-1])


@pytest.fixture(scope="session")
def levels(best: int) -> list[str]:
    """The levels of workers that have DISABLED taken away."""
    return [f"x86-64-v{min(best, most)}" for most in (4, 3, 2)]


@pytest.fixture
def run() -> Callable[..., subprocess.CompletedProcess]:
    """Run a command among our programs."""

    def start(*words: object, cwd: Path | str = "/", stdin: str = "", **env: str):
        return subprocess.run(
            [*map(str, words)], env=CLEAN | env, cwd=cwd, input=stdin, capture_output=True,
            text=True, timeout=240,
        )  # fmt: skip

    return start


@pytest.fixture(scope="session")
def mpirun() -> list[str]:
    """The words that start several ranks here."""
    import shutil

    pytest.importorskip("mpi4py", reason="there is no mpi4py (tools/setup.sh cluster installs it)")
    if shutil.which("mpirun") is None:
        pytest.skip("there is no mpirun (tools/setup.sh cluster installs it)")
    return ["mpirun", "--oversubscribe", "--allow-run-as-root"]
