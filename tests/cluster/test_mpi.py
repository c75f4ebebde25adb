"""Ranks of a real MPI job (Open MPI, mpi4py), each with other features, under the engine."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cluster_tools import DISABLED, HERE


def job(mpirun: list[str], *program: object) -> list[object]:
    """The words of a job with one rank per level."""
    words: list[object] = [*mpirun]
    for rank, disabled in enumerate(DISABLED):
        words += [":"] if rank else []
        words += ["-np", "1"]
        words += ["-x", f"FULLSPEED_DISABLE_CPU_FEATURES={disabled}"] if disabled else []
        words += program
    return words


def test_ranks_agree(run, mpirun: list[str], levels: list[str]) -> None:
    done = run(*job(mpirun, sys.executable, HERE / "mpi_program.py", "agree"))
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row[0] for row in rows] == [levels[2]] * 3
    assert [row[2] for row in rows] == [True] * 3  # the engine
    assert len({row[1] for row in rows}) == 1


def test_without_agreement_they_differ(run, mpirun: list[str], levels: list[str]) -> None:
    """Else the test above would show nothing."""
    done = run(*job(mpirun, sys.executable, HERE / "mpi_program.py", "alone"))
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row[0] for row in rows] == levels
    assert (len({row[1] for row in rows}) > 1) == (levels[0] != levels[2])


def test_commands(run, mpirun: list[str], levels: list[str]) -> None:
    done = run(*job(mpirun, "fullspeed", "cluster", "--mpi"))
    assert done.returncode == 0, done.stderr
    table = done.stdout.splitlines()[1:]
    assert [line.split()[:2] for line in table] == [["rank", str(rank)] for rank in range(3)]
    assert all(level in line for level, line in zip(levels, table, strict=True))
    done = run(*job(mpirun, "fullspeed", "cluster", "agree", "--mpi"))
    assert done.returncode == 0, done.stderr
    assert f"export FULLSPEED_ENABLE_CPU_FEATURES=X86_V{levels[2][-1]}" in done.stdout.splitlines()
    assert done.stdout.count("ENABLE") == 1


def test_agree_before_the_program(
    run, mpirun: list[str], levels: list[str], tmp_path: Path
) -> None:
    """The command finds its rank by itself, and the program may use MPI."""
    agree = ["fullspeed", "cluster", "agree", "--folder", tmp_path, "--"]
    done = run(*job(mpirun, *agree, sys.executable, HERE / "mpi_program.py", "alone"))
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row[0] for row in rows] == [levels[2]] * 3
    assert len({row[1] for row in rows}) == 1


def test_one_that_cannot(run, mpirun: list[str]) -> None:
    """All ranks end with the same error; none waits for ever."""
    words = job(mpirun, sys.executable, HERE / "mpi_program.py", "agree")
    words[words.index(f"FULLSPEED_DISABLE_CPU_FEATURES={DISABLED[1]}")] = (
        "FULLSPEED_DISABLE_CPU_FEATURES=SSE99"
    )
    done = run(*words)
    assert done.returncode != 0
    assert "rank 1: ValueError: the environment's FULLSPEED_DISABLE_CPU_FEATURES" in done.stderr
