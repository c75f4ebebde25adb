"""`fullspeed pgo` from the outside: counters are exact over threads and processes, and are used."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pgo_tools as tools
import pytest
from conftest import Built
from fullspeed.pgo import compilers, profile

SPINS = 40_000
PROGRAMS = {
    "one process": "for _ in range(4): tiny.spin(N)",
    "threads": """
import threading
threads = [threading.Thread(target=tiny.spin, args=(N,)) for _ in range(4)]
for t in threads: t.start()
for t in threads: t.join()
""",
    "children": """
import multiprocessing, os, subprocess, sys
tiny.spin(N)
child = multiprocessing.get_context("fork").Process(target=tiny.spin, args=(N,))
child.start(); child.join(); assert child.exitcode == 0
subprocess.run([sys.executable, "-c", f"import tiny, os; tiny.spin({N}); os._exit(0)"], check=True)
if os.fork() == 0:
    tiny.spin(N)
    os.execv(sys.executable, [sys.executable, "-c", "pass"])
assert os.wait()[1] == 0
""",
    "at the same time": """
import subprocess, sys
code = f"import tiny; tiny.spin({N})"
children = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]
assert [child.wait() for child in children] == [0] * 4
""",
}


def counters(built: Built, folder: Path) -> dict[str, list[int]]:
    """The counters of the functions in count.c."""
    compiler = compilers.find(built.cc)
    read = profile.read(compiler, folder, profile.read_notes(compiler, built.home / "notes"))
    return {name: row for (_, name), row in read.items() if name in ("spin_count", "spin_never")}


def test_counters_are_exact(copied: Built, tmp_path: Path) -> None:
    """However the work is spread, the same is counted."""
    found = {}
    for number, (name, text) in enumerate(PROGRAMS.items()):
        program = f"import tiny\nN = {SPINS}\n{text}"
        target = tmp_path / f"profile{number}"
        done = tools.works("train", "--dir", copied.home, "--output", target,
                           "--", "python", "-c", program, cc=copied.cc)  # fmt: skip
        assert done.stdout == f"{target}\n"
        found[name] = counters(copied, target)
    first = found["one process"]
    assert max(first["spin_count"]) in (4 * SPINS, 2 * SPINS)
    assert not any(first["spin_never"])
    for name, rows in found.items():
        assert rows["spin_count"] == first["spin_count"], name


def test_flow(copied: Built, tmp_path: Path) -> None:
    """Train, optimise, check and drift; each says what it did."""
    home, cc = ("--dir", copied.home), copied.cc
    spin = f"import tiny; tiny.spin({SPINS * 50})"
    done = tools.works("train", *home, "--", "python", "-c", spin, cc=cc)
    assert "spin_never" in (copied.home / "profile" / "not-run.txt").read_text()
    assert "spin_count" not in (copied.home / "profile" / "not-run.txt").read_text()
    first = counters(copied, copied.home / "profile")["spin_count"]
    tools.works("train", *home, "--add", "--", "python", "-c", spin, cc=cc)
    assert counters(copied, copied.home / "profile")["spin_count"] == [2 * n for n in first]

    done = tools.works("optimize", *home, "-o", tmp_path / "dist", cc=cc)
    (made,) = (tmp_path / "dist").iterdir()
    assert done.stdout == f"{made}\n"
    assert "the profile was used:" in done.stderr
    assert "_other" in done.stderr  # never imported: has no profile, and that is said
    assert "count.c" not in done.stderr and "spin_count" not in done.stderr
    with zipfile.ZipFile(made) as files:
        files.extractall(tmp_path / "site")
        code = b"".join(files.read(name) for name in files.namelist() if name.endswith(".so"))
    assert b"gcda" not in code and b"__llvm_prf" not in code and b"fullspeed" not in code
    test = f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); import tiny\n"
    test += "print(tiny.spin(10), tiny.idle())"
    out = subprocess.run([sys.executable, "-c", test], capture_output=True, text=True, cwd="/")
    assert (out.stdout, out.stderr) == ("22 5\n", "")

    done = tools.works("optimize", *home, "-o", tmp_path / "dist", cc=cc)
    assert "the optimised wheel is built already" in done.stderr

    done = tools.works("check", *home, "--rounds=3", "--clock=cpu", "--json",
                       "--", "python", "-c", spin, cc=cc)  # fmt: skip
    facts = json.loads(done.stdout)
    assert len(facts["seconds with"]) == len(facts["seconds without"]) == 3
    low, high = facts["interval"]
    assert low <= facts["ratio"] <= high and facts["clock"] == "cpu"
    assert "round 3 of 3" in done.stderr

    info = json.loads(tools.works("info", *home, "--json", cc=cc).stdout)
    assert info["state"]["training"]["commands"] == [["python", "-c", spin]] * 2
    assert info["compilers"][0]["missing"] == [] and info["state"]["optimised"]
    text = tools.works("info", *home, cc=cc).stdout
    assert "tiny._tiny" in text and "ready" in text


def test_drift(copied: Built, tmp_path: Path) -> None:
    home, cc = ("--dir", copied.home), copied.cc
    spin = f"import tiny; tiny.spin({SPINS})"
    idle = "import tiny\nfor _ in range(9999): tiny.idle()"
    tools.works("train", *home, "--", "python", "-c", spin, cc=cc)
    for name, code in (("same", f"{spin}\n{spin}"), ("other", idle)):
        tools.works("train", *home, "--output", tmp_path / name, "--", "python", "-c", code, cc=cc)
    done = tools.works("drift", *home, tmp_path / "same", "--json", cc=cc)
    facts = json.loads(done.stdout)
    assert facts["overlap"] > 0.99 and facts["untrained"] < 0.01
    done = tools.pgo("drift", *home, tmp_path / "other", cc=cc)
    assert done.returncode == 3
    assert "the training is not like this run any more" in done.stderr
    assert "spin_never" in done.stdout and "spin_count" in done.stdout
    assert tools.pgo("drift", *home, tmp_path / "other", "--limit=0", cc=cc).returncode == 0


def test_drift_of_processes_elsewhere(copied: Built, tmp_path: Path) -> None:
    """Processes that `pgo train` did not start, by the variables that `pgo info` shows."""
    home, cc = ("--dir", copied.home), copied.cc
    spin = f"import tiny; tiny.spin({SPINS})"
    tools.works("train", *home, "--", "python", "-c", spin, cc=cc)
    info = json.loads(tools.works("info", *home, "--json", cc=cc).stdout)
    variables = {
        name: value.replace("FOLDER", str(tmp_path / "there"))
        for name, value in info["state"]["variables for other processes"].items()
    }
    (wheel,) = (copied.home / "instrumented" / "dist").iterdir()
    with zipfile.ZipFile(wheel) as files:
        files.extractall(tmp_path / "site")
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); {spin}"
    subprocess.run([sys.executable, "-c", code], check=True, cwd="/", env=tools.CLEAN | variables)
    done = tools.works("drift", *home, tmp_path / "there", "--json", cc=cc)
    assert json.loads(done.stdout)["overlap"] > 0.99


def commit(project: Path) -> None:
    """meson-python makes source archives of what is committed."""
    git = ["git", "-C", str(project), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *words], check=True, env=tools.CLEAN)


def test_stale(cc: str, tmp_path: Path) -> None:
    """The source changed since: refused; with --stale what still fits is used, and said."""
    project = tools.write_project(tmp_path / "project")
    commit(project)
    home = ("--dir", tmp_path / "w")
    tools.works("build", project, "--no-isolation", *home, cc=cc)
    state = json.loads((tmp_path / "w" / "state.json").read_text())
    assert set(state["watched"]) == set(tools.FILES)
    spin = f"import tiny; tiny.spin({SPINS})"
    tools.works("train", *home, "--", "python", "-c", spin, cc=cc)
    text = (project / "src/count.c").read_text()
    (project / "src/count.c").write_text(text.replace("if (i & 1)", "if (i & 1 || i % 77 == 5)"))
    done = tools.pgo("optimize", *home, "-o", tmp_path / "dist", cc=cc)
    assert done.returncode == 1 and not (tmp_path / "dist").exists()
    assert f"{project} changed since `fullspeed pgo build`: src/count.c." in done.stderr
    commit(project)
    done = tools.works("optimize", *home, "--stale", "-o", tmp_path / "dist", cc=cc)
    assert "functions are not as they were when the profile was made" in done.stderr
    assert "spin_count" in done.stderr
    assert len(list((tmp_path / "dist").iterdir())) == 1


@pytest.mark.parametrize("partial", [False, True])
def test_partial_training(copied: Built, tmp_path: Path, partial: bool) -> None:
    home, cc = ("--dir", copied.home), copied.cc
    more = ["--partial-training"] if partial else []
    tools.works("train", *home, "--", "python", "-c", "import tiny; tiny.spin(99)", cc=cc)
    done = tools.pgo("optimize", *home, *more, "-o", tmp_path, cc=cc)
    if partial and cc != "gcc":
        assert done.returncode == 1 and "--partial-training is GCC's" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    log = (copied.home / "optimized" / "build.log").read_text()
    assert "error" not in log
