"""tools/bisect_jit.py: its searches, by made-up faults, and a program that notices traces."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "bisect_jit.py"


@pytest.fixture(scope="module")
def bisect():
    spec = importlib.util.spec_from_file_location("fullspeed_bisect", TOOL)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # (dataclasses look there)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("guilty", [1, 2, 7, 63, 64])
def test_the_first_faulty_number(bisect, guilty: int) -> None:
    assert bisect.first_faulty(64, lambda n: n >= guilty) == guilty


@pytest.mark.parametrize("guilty", [{3}, {0, 9}, {1, 2, 8}, set(range(10))])
def test_the_smallest_set(bisect, guilty: set[int]) -> None:
    assert set(bisect.smallest(range(10), lambda some: guilty <= set(some))) == guilty


CODES = [f"=app.py:{n}:f{n}" for n in range(1, 9)]


@pytest.mark.parametrize(
    ("backend", "codes", "recording", "passes"),
    [
        (True, {CODES[2]}, 5, set()),
        (False, {CODES[0], CODES[7]}, 1, {"sink"}),
        (False, {CODES[4]}, 12, {"cse", "loop"}),
    ],
)
def test_made_up_faults(bisect, backend, codes, recording, passes) -> None:
    def faulty(settings) -> bool:
        last = 12 if settings.last is None else settings.last
        return (
            (settings.mode == "1" or not backend)
            and (not settings.codes or codes <= set(settings.codes))
            and last >= recording
            and not passes & set(settings.without)
        )

    found = bisect.narrow(faulty, lambda settings: (CODES, 12))
    assert found.backend == backend
    assert set(found.codes) == codes
    assert found.recording == recording
    assert set(found.passes) == passes
    assert faulty(found.least)


NOTICES = """\
from fullspeed._engine import jit_is_active

def good(n):
    t = 0
    for i in range(n):
        t += i * 2
    return t

def bad(n):
    t = 0
    for i in range(n):
        t += i
        if jit_is_active():
            t = 0
    return t

def other(n):
    t = 1.0
    for i in range(n):
        t = t * 1.0001
    return t

for k in range(3):
    print(good(500), bad(500), other(500))
"""


def run(*args: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, TOOL, "--python", sys.executable, *map(str, args)],
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_a_program_that_notices_traces(tmp_path: Path) -> None:
    script = tmp_path / "notices.py"
    script.write_text(NOTICES)
    done = run(script)
    assert done.returncode == 0, done.stderr
    assert "recorder, passes or runtime" in done.stdout
    assert "=notices.py:9:bad" in done.stdout
    assert "=notices.py:3:good" not in done.stdout
    assert "---- recorded notices.py" in done.stdout
    assert "---- optimized notices.py" in done.stdout
    assert "LOOP" in done.stdout


def test_no_difference_and_no_steadiness(tmp_path: Path) -> None:
    script = tmp_path / "fine.py"
    script.write_text("print(sum(i for i in range(1000)))\n")
    done = run(script)
    assert (done.returncode, done.stdout) == (1, "There is no difference.\n")
    script.write_text("import time; print(time.perf_counter_ns())\n")
    done = run(script)
    assert done.returncode == 2
    assert "twice" in done.stderr


CHECK = """\
import subprocess, sys
out = subprocess.run([sys.executable, "-m", "fullspeed", "run", sys.argv[1]], capture_output=True)
sys.exit(b" 0 " in out.stdout or b"124750" not in out.stdout.splitlines()[-1])
"""


def test_a_command_of_ones_own(tmp_path: Path) -> None:
    script = tmp_path / "notices.py"
    script.write_text(NOTICES)
    check = tmp_path / "check.py"
    check.write_text(CHECK)
    done = run("--check", f"{sys.executable} {check} {script}")
    assert done.returncode == 0, done.stderr
    assert "=notices.py:9:bad" in done.stdout
