"""A real Dask cluster: a scheduler, workers with other features each, under the engine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_tools import BIN, CLEAN, DISABLED

pytest.importorskip(
    "distributed", reason="there is no distributed (tools/setup.sh cluster installs it)"
)
QUIET = {"DASK_DISTRIBUTED__DIAGNOSTICS__NVML": "False"}
CONNECT = """
import json, sys
from distributed import Client
import cluster_work, fullspeed.cluster
client = Client(scheduler_file=sys.argv[1], timeout=60)
client.wait_for_workers(int(sys.argv[2]), timeout=90)
def rows():
    futures = {w: client.submit(cluster_work.row, workers=[w], pure=False)
               for w in client.scheduler_info(n_workers=-1)["workers"]}
    return sorted(map(list, client.gather(list(futures.values()))))
"""


class Cluster:
    """A scheduler and its workers, as their commands start them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "scheduler.json"
        self.running: list[subprocess.Popen] = []
        self.start("scheduler", "--port", "0", "--host", "127.0.0.1", "--no-dashboard")

    def start(self, what: str, *words: str, **env: str) -> subprocess.Popen:
        log = open(self.folder / f"{what}-{len(self.running)}.log", "w")
        process = subprocess.Popen(
            [BIN / "dask", what, "--scheduler-file", self.file, *words],
            env=CLEAN | QUIET | env, stdout=log, stderr=subprocess.STDOUT, cwd=self.folder,
            start_new_session=True,
        )  # fmt: skip
        self.running.append(process)
        return process

    def worker(self, disabled: str, *words: str) -> subprocess.Popen:
        env = {"FULLSPEED_DISABLE_CPU_FEATURES": disabled} if disabled else {}
        words = words or ("--no-nanny",)
        more = ("--preload", "fullspeed.cluster.dask", "--nthreads", "2", "--no-dashboard")
        return self.start("worker", *words, *more, **env)

    def client(self, workers: int, code: str) -> list:
        """What a client prints as JSON."""
        done = subprocess.run(
            [sys.executable, "-c", CONNECT + code, self.file, str(workers)],
            env=CLEAN | QUIET, capture_output=True, text=True, timeout=200, cwd=self.folder,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr + self.logs()
        return json.loads(done.stdout.splitlines()[-1])

    def logs(self) -> str:
        return "\n".join(
            f"== {path.name}\n{path.read_text()}" for path in sorted(self.folder.glob("*.log"))
        )

    def stop(self) -> None:
        for process in reversed(self.running):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    yield made
    made.stop()


def test_workers_agree(cluster: Cluster, levels: list[str]) -> None:
    for disabled in DISABLED:
        cluster.worker(disabled)
    code = """
before = sorted(m["level"] for m in client.run(fullspeed.cluster.local).values())
agreement = fullspeed.cluster.agree(client)
print(json.dumps([before, agreement.level, rows()]))
"""
    before, level, rows = cluster.client(3, code)
    assert before == sorted(levels) and level == levels[2]
    assert [row[0] for row in rows] == [levels[2]] * 3
    assert [row[2] for row in rows] == [True] * 3
    assert len({row[1] for row in rows}) == 1
    # Those that come later keep to it, too; with a nanny, as workers have one by default.
    cluster.worker("", "--nanny")
    rows = cluster.client(4, "print(json.dumps(rows()))")
    assert [row[0] for row in rows] == [levels[2]] * 4
    assert len({row[1] for row in rows}) == 1
    assert f"fullspeed: {levels[0]}, engine on" in cluster.logs()


def test_without_agreement_they_differ(cluster: Cluster, levels: list[str], run) -> None:
    """Else the test above would show nothing; and the command, which then comes too late."""
    for disabled in DISABLED[::2]:
        cluster.worker(disabled)
    rows = cluster.client(2, "print(json.dumps(rows()))")
    assert [row[0] for row in rows] == sorted(levels[::2])
    assert (rows[0][1] != rows[1][1]) == (levels[0] != levels[2])
    address = json.loads(cluster.file.read_text())["address"]
    report = run("fullspeed", "cluster", "--dask", address)
    assert report.returncode == 0, report.stderr
    assert [line.split()[0][:6] for line in report.stdout.splitlines()[1:]] == ["tcp://"] * 2
    if levels[0] != levels[2]:
        late = run("fullspeed", "cluster", "agree", "--dask", address)
        assert (late.returncode, late.stdout) == (1, "")
        assert "a module has asked for them already" in late.stderr


def test_a_worker_that_has_less(cluster: Cluster, levels: list[str]) -> None:
    """It comes after the others have agreed, and gets no task."""
    if levels[0] == levels[2]:
        pytest.skip("this CPU has one level only")
    cluster.worker("")
    assert (
        cluster.client(1, "print(json.dumps(fullspeed.cluster.agree(client).level))") == levels[0]
    )
    for nanny in ("--no-nanny", "--nanny"):
        cluster.worker(DISABLED[2], nanny).wait(timeout=60)
    assert f"is to keep to {levels[0]}" in cluster.logs()
    time.sleep(0.5)
    rows = cluster.client(1, "print(json.dumps(rows()))")
    assert [row[0] for row in rows] == [levels[0]]


def test_no_scheduler(run) -> None:
    done = run("fullspeed", "cluster", "--dask", "tcp://127.0.0.1:1", "--timeout", "1")
    assert done.returncode == 1
    assert "fullspeed: no scheduler of Dask's at tcp://127.0.0.1:1" in done.stderr
