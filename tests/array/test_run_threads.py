"""Threads: how many, several callers at once, fork, Ctrl-C, and no memory."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from fullspeed import _array
from run_tools import MULADD, Program, child, product

N = 1_000_000


def test_several_python_threads_at_once() -> None:
    arrays = [np.full(N, float(k)) for k in range(6)]
    wrong: list[int] = []

    def work(k: int) -> None:
        for _ in range(10):
            result = MULADD(arrays[k], arrays[k], arrays[k])
            total = product("sum")(arrays[k], arrays[k])
            if not (result == k * k + k).all() or total != k * k * N:
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_lock_is_given_up() -> None:
    a = np.ones(3_000_000)
    program = Program(
        "dd", 1, (("SQRT_DD", 1, 0), *[("DIV_DDD", 1, 1, 0)] * 300, ("COPY_DD", 2, 1)), "d"
    )
    ticks, stop = [0], threading.Event()

    def tick() -> None:
        while not stop.wait(0.001):
            ticks[0] += 1

    ticker = threading.Thread(target=tick)
    ticker.start()
    program(a)
    stop.set()
    ticker.join()
    assert ticks[0] > 3


FORK = """
import os, threading, numpy as np
from run_tools import MULADD
a = np.ones(1_000_000)
stop = False
def work():
    while not stop:
        MULADD(a, a, a)
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(20):
    pid = os.fork()
    if pid == 0:
        good = all((MULADD(a, a, a) == 2).all() for _ in range(5))
        os._exit(0 if good else 1)
    assert os.waitpid(pid, 0)[1] == 0
stop = True
for thread in threads:
    thread.join()
print((MULADD(a, a, a) == 2).all())
"""


@pytest.mark.parametrize("threads", ["1", "2", "5"])
def test_fork_while_threads_run(threads: str) -> None:
    assert child(FORK, FULLSPEED_NUM_THREADS=threads) == "True\n"


INTERRUPT = """
import os, signal, threading, time, numpy as np
from run_tools import Program
a = np.ones(20_000_000)
steps = (("SQRT_DD", 1, 0), *[("DIV_DDD", 1, 1, 0)] * 2000, ("COPY_DD", 2, 1))
program = Program("dd", 1, steps, "d")
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
start = time.monotonic()
try:
    program(a)
except KeyboardInterrupt:
    print("interrupted", time.monotonic() - start < 8)
# and all goes on
print((program(a[:1000]) == 1).all())
"""


@pytest.mark.parametrize("threads", ["1", "3"])
def test_ctrl_c(threads: str) -> None:
    assert child(INTERRUPT, FULLSPEED_NUM_THREADS=threads) == "interrupted True\nTrue\n"


FORK_IN_HANDLER = """
import os, signal, numpy as np
from run_tools import Program
a = np.ones(20_000_000)
steps = (("SQRT_DD", 1, 0), *[("DIV_DDD", 1, 1, 0)] * 100, ("COPY_DD", 2, 1))
program, child, parent = Program("dd", 1, steps, "d"), [], os.getpid()
def handler(*_):
    if not child:
        child.append(os.fork())
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.15)
try:
    good = bool((program(a) == 1).all())
except RuntimeError as error:
    good = "forked" in str(error) and os.getpid() != parent
    good &= bool((program(a[:1000_000]) == 1).all())
if os.getpid() != parent:
    os._exit(0 if good else 1)
print(bool(child), good, os.waitpid(child[0], 0)[1])
"""


@pytest.mark.parametrize("threads", ["1", "3"])
def test_fork_in_a_signal_handler(threads: str) -> None:
    """The child has none of the helpers: what they had begun is an error there, not left out."""
    assert child(FORK_IN_HANDLER, FULLSPEED_NUM_THREADS=threads) == "True True 0\n"


@pytest.mark.parametrize("threads", ["1", "3"])
def test_threads_that_compute_when_python_ends(threads: str) -> None:
    code = """
import threading, time, numpy as np
from run_tools import Program
a = np.ones(20_000_000)
steps = (("SQRT_DD", 1, 0), *[("DIV_DDD", 1, 1, 0)] * 2000, ("COPY_DD", 2, 1))
program = Program("dd", 1, steps, "d")
for _ in range(2):
    threading.Thread(target=program, args=(a,), daemon=True).start()
time.sleep(0.3)
print("end")
"""
    assert child(code, FULLSPEED_NUM_THREADS=threads) == "end\n"


@pytest.mark.parametrize("threads", ["1", "2", "64", "10000"])
def test_numbers_of_threads(threads: str) -> None:
    code = """
import os, numpy as np
from run_tools import MULADD
a = np.arange(3e6)
assert (MULADD(a, a, a) == a * a + a).all()
print(len(os.listdir('/proc/self/task')) <= 70)
"""
    assert child(code, FULLSPEED_NUM_THREADS=threads) == "True\n"


@pytest.mark.parametrize("value", ["0", "-3", "many", "1.5", "2x"])
def test_bad_numbers_of_threads(value: str) -> None:
    code = """
import numpy as np
from run_tools import MULADD
try:
    a = np.arange(3e6)
    MULADD(a, a, a)
except ValueError as error:
    print(error)
"""
    said = child(code, FULLSPEED_NUM_THREADS=value)
    assert f"FULLSPEED_NUM_THREADS={value}" in said and "whole number" in said


def test_threads_that_cannot_be_started() -> None:
    code = """
import resource, os, numpy as np
from run_tools import MULADD
a = np.arange(3e6)
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
if os.getuid() == 0:
    os.setgid(65534); os.setuid(65534)
print((MULADD(a, a, a) == a * a + a).all())
"""
    assert child(code, FULLSPEED_NUM_THREADS="4") == "True\n"


def test_memory_exhausted() -> None:
    code = """
import resource, numpy as np
from run_tools import MULADD, product
a = np.ones(1 << 22)
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
held = []
try:
    while True:
        held.append(MULADD(a, a, a))
except MemoryError:
    print('MemoryError', len(held) > 3)
held.clear()
wide = np.broadcast_to(a, (1 << 12, 1 << 22))
for call in (lambda: MULADD(wide, wide, wide), lambda: MULADD(wide, a, a)):
    try:
        call()
    except MemoryError:
        print('again')
print((MULADD(a, a, a) == 2).all(), float(product('sum')(a, a)))
"""
    said = child(code, FULLSPEED_NUM_THREADS="2")
    assert said == f"MemoryError True\nagain\nagain\nTrue {float(1 << 22)}\n"


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """Where files of the kernel are made up."""
    (tmp_path / "proc/self").mkdir(parents=True)
    return tmp_path


def groups(system: Path, cgroup: str, mounts: str, files: dict[str, str]) -> int:
    """The processors that a made-up system leaves of 16."""
    (system / "proc/self/cgroup").write_text(cgroup)
    (system / "proc/self/mountinfo").write_text(mounts)
    for name, text in files.items():
        path = system / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return _array.processors(str(system), 16)


V2 = "30 20 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = "33 25 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"


@pytest.mark.parametrize(
    "limit, expected",
    [
        ("max 100000", 16),
        ("150000 100000", 2),
        ("50000 100000", 1),
        ("800000 100000", 8),
        ("nonsense", 16),
        ("", 16),
    ],
)
def test_cgroup_2(system: Path, limit: str, expected: int) -> None:
    files = {"sys/fs/cgroup/a/b/cpu.max": limit + "\n"}
    assert groups(system, "0::/a/b\n", V2, files) == expected


def test_cgroup_2_of_a_parent(system: Path) -> None:
    files = {
        "sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
        "sys/fs/cgroup/a/cpu.max": "300000 100000\n",
    }
    assert groups(system, "0::/a/b\n", V2, files) == 3


def test_cgroup_1(system: Path) -> None:
    files = {
        "sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us": "400000\n",
        "sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us": "100000\n",
    }
    assert groups(system, "5:cpuset:/\n4:cpu,cpuacct:/x\n0::/\n", V1, files) == 4
    files["sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us"] = "-1\n"
    assert groups(system, "4:cpu,cpuacct:/x\n", V1, files) == 16


def test_cgroup_1_of_a_container(system: Path) -> None:
    """The container sees its own group at the place of the root."""
    mounts = V1.replace(" / /sys", " /docker/abc /sys")
    files = {
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
    }
    assert groups(system, "4:cpu,cpuacct:/docker/abc\n", mounts, files) == 2
    assert groups(system, "4:cpu,cpuacct:/\n", mounts, files) == 2


def test_no_cgroups(system: Path) -> None:
    assert _array.processors(str(system), 16) == 16
    assert _array.processors(str(system / "nowhere"), 3) == 3
    assert groups(system, "garbage\n::\n0::" + "x" * 5000, "more\n - \n", {}) == 16


def test_affinity_counts() -> None:
    code = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
import numpy as np
from run_tools import MULADD
a = np.arange(3e6)
MULADD(a, a, a)
print(len(os.listdir('/proc/self/task')))
"""
    own = int(
        child(
            code.replace("MULADD(a, a, a)", ""),
            FULLSPEED_NUM_THREADS="",
            OMP_NUM_THREADS="1",
            OPENBLAS_NUM_THREADS="1",
        )
    )
    assert (
        int(child(code, FULLSPEED_NUM_THREADS="", OMP_NUM_THREADS="", OPENBLAS_NUM_THREADS="1"))
        == own
    )


def test_signals_go_to_the_main_thread() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda *_: seen.append(threading.get_ident()))
    try:
        a = np.ones(N)
        for _ in range(50):
            MULADD(a, a, a)
            os.kill(os.getpid(), signal.SIGUSR1)
            time.sleep(0)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert len(seen) >= 1 and set(seen) == {threading.main_thread().ident}
