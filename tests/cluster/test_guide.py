"""The guide for clusters, done as it is written."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import guide_blocks
import pytest
from cluster_tools import CLEAN

GUIDE = guide_blocks.read(Path(__file__).resolve().parents[2] / "docs" / "guide" / "cluster.md")
ROOT = {  # what a test has to add to what a user has: it may be root, and have few processors
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    guide_blocks.write_files(GUIDE, tmp_path)
    return tmp_path


def shell(script: str, folder: Path) -> list[str]:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], env=CLEAN | ROOT, cwd=folder,
        capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_mpi(folder: Path, mpirun: list[str], levels: list[str]) -> None:
    lines = shell(guide_blocks.script(GUIDE, "mpi"), folder)
    assert lines == [f"{levels[0]} True"] * 3


def test_plain(folder: Path, levels: list[str]) -> None:
    lines = shell(guide_blocks.script(GUIDE, "plain"), folder)
    assert f"export FULLSPEED_ENABLE_CPU_FEATURES=X86_V{levels[0][-1]}" in lines
    assert lines[-1] == levels[0]


def test_dask(folder: Path, levels: list[str]) -> None:
    pytest.importorskip("distributed", reason="tools/setup.sh cluster installs it")
    running = []
    env = CLEAN
    try:
        for block in GUIDE:
            if block.name == "dask-background":
                log = open(folder / f"{len(running)}.log", "w")
                running.append(
                    subprocess.Popen(
                        ["bash", "-c", block.text], env=env, cwd=folder, stdout=log,
                        stderr=subprocess.STDOUT, start_new_session=True,
                    )
                )  # fmt: skip
        lines = shell(guide_blocks.script(GUIDE, "dask"), folder)
    finally:
        for process in running:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    logs = "".join(path.read_text() for path in folder.glob("*.log"))
    assert lines[0].endswith(f" {levels[0]} True"), logs
    assert lines[-1] == f"{levels[0]} 45"
    assert f"fullspeed: {levels[0]}, engine on" in logs
