"""Settling on a level, keeping to it, and the rendezvous in a folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cluster_tools import CLEAN, DISABLED
from fullspeed import cluster
from fullspeed.cluster import ClusterError, _folder


def member(**values: object) -> cluster.Member:
    return {**cluster.local(), **values}


# ---- settling ----


def test_the_highest_that_all_have() -> None:
    found = [member(level=f"x86-64-v{n}", baseline=["SSE2"]) for n in (4, 3, 4)]
    agreement = cluster.settle(found)
    assert agreement.level == "x86-64-v3" and agreement.members == found
    assert agreement.environment == {
        "FULLSPEED_DISABLE_CPU_FEATURES": "",
        "FULLSPEED_ENABLE_CPU_FEATURES": "X86_V3",
        "FULLSPEED_TUNE": "0",
        "FULLSPEED_REPRODUCIBLE": "1",
    }


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"where": "rank 7", "error": "no _cpu"}, "rank 7: no _cpu"),
        ({"fullspeed": "9.9"}, "different versions of fullspeed: .*, 9.9"),
        ({"level": "x86-64-v9"}, "'x86-64-v9', which is none of x86-64-v1, x86-64-v2"),
        ({"level": "armv9"}, "'armv9', which is none of"),
        ({"level": None}, "not what fullspeed writes"),
        ({"level": 3}, "not what fullspeed writes"),
        ({"baseline": [1]}, "not what fullspeed writes"),
    ],
)
def test_no_common_level(values: dict, reason: str) -> None:
    with pytest.raises(ClusterError, match=reason):
        cluster.settle([member(level="x86-64-v2"), member(**values)])


def test_a_build_for_more_than_the_level() -> None:
    rows = [
        member(where="rank 0", level="x86-64-v2", baseline=["SSE2"]),
        member(where="rank 1", level="x86-64-v4", baseline=["SSE2", "AVX2"]),
    ]
    with pytest.raises(ClusterError, match="rank 0 has x86-64-v2.*rank 1.*compiled for AVX2"):
        cluster.settle(rows)


def test_nobody() -> None:
    with pytest.raises(ClusterError, match="no process"):
        cluster.settle([])


# ---- keeping to it ----


def child(code: str, **env: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], env=CLEAN | env, capture_output=True, text=True, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_force(best: int) -> None:
    """The room, the kernels, stubs and children keep to it."""
    code = """
import subprocess, sys
import fullspeed.cluster as cluster, fullspeed.cpu as cpu
cluster.force("x86-64-v2")
print(cpu.level(), cpu.opt_func_info("^exp$", "float64")["exp"]["dd"]["current"].partition("(")[0])
ask = "import fullspeed.cpu as cpu; print(cpu.level())"
print(subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True).stdout.strip())
cluster.force("x86-64-v2")
"""
    expected = "x86-64-v2 baseline\nx86-64-v2"
    assert child(code) == expected
    assert child(code, FULLSPEED_DISABLE_CPU_FEATURES="X86_V4") == expected


def test_too_late(best: int) -> None:
    if best < 3:
        pytest.skip("this CPU has nothing to take away")
    code = """
import fullspeed, fullspeed.cluster as cluster
fullspeed.evaluate("a + 1", {"a": 1.5})
try:
    cluster.force("x86-64-v2")
except cluster.ClusterError as error:
    print(error)
cluster.force(cluster.local()["level"])
"""
    text = child(code, FULLSPEED_ENABLE_CPU_FEATURES=f"X86_V{best}")
    assert "a module has asked for them already" in text
    assert "start the process with FULLSPEED_ENABLE_CPU_FEATURES=X86_V2" in text


def test_more_than_there_is() -> None:
    code = """
import fullspeed.cluster as cluster
try:
    cluster.force("x86-64-v3")
except cluster.ClusterError as error:
    print(error)
"""
    text = child(code, FULLSPEED_ENABLE_CPU_FEATURES="X86_V2")
    assert text == "this process has x86-64-v2, and is to keep to x86-64-v3"


# ---- the folder ----


def start(folder: Path, rank: int, size: int, disabled: str, *more: str) -> subprocess.Popen:
    """One process that agrees and then says its level."""
    ask = "import fullspeed.cpu as cpu; print(cpu.level())"
    words = ["fullspeed", "cluster", "agree", "--folder", str(folder), "--timeout", "60", *more]
    env = CLEAN | {"OMPI_COMM_WORLD_RANK": str(rank), "OMPI_COMM_WORLD_SIZE": str(size)}
    if disabled:
        env["FULLSPEED_DISABLE_CPU_FEATURES"] = disabled
    return subprocess.Popen(
        [*words, "--", sys.executable, "-c", ask], env=env, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, cwd="/",
    )  # fmt: skip


def test_processes_in_any_order(tmp_path: Path, levels: list[str]) -> None:
    running = []
    for rank in (2, 0, 1):
        running.append(start(tmp_path, rank, 3, DISABLED[rank]))
        time.sleep(0.1)
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert out.strip() == levels[2]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1-0.json", "1-1.json", "1-2.json"]
    again = start(tmp_path, 1, 3, "")
    out, err = again.communicate(timeout=120)
    assert again.returncode == 1 and "every agreement needs an empty folder of its own" in err


def test_one_that_does_not_come(tmp_path: Path) -> None:
    process = start(tmp_path, 0, 3, "", "--timeout", "0.5")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "no answer in" in err and "from rank 1, 2 of 3 within 0.5 s" in err


def test_all_hear_of_an_error(tmp_path: Path) -> None:
    processes = [start(tmp_path, rank, 2, ("", "SSE99")[rank]) for rank in (0, 1)]
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 1 and out == ""
        assert process is processes[1] or "rank 1: ValueError: the environment's" in err


def test_all_hear_who_cannot_keep_to_it(tmp_path: Path, best: int) -> None:
    """By the API: rank 0 has used the kernels, rank 1 has less."""
    if best < 3:
        pytest.skip("this CPU has nothing to take away")
    code = """
import sys, fullspeed, fullspeed.cluster as cluster
if sys.argv[1] == "0":
    fullspeed.evaluate("a + 1", {"a": 1.5})
try:
    cluster.agree(folder=sys.argv[2], rank=int(sys.argv[1]), size=2, timeout=60)
except cluster.ClusterError as error:
    print(error)
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(rank), str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            env=CLEAN | ({"FULLSPEED_ENABLE_CPU_FEATURES": "X86_V2"} if rank else {}),
        )  # fmt: skip
        for rank in (0, 1)
    ]
    texts = [process.communicate(timeout=120)[0] for process in processes]
    assert texts[0] == texts[1]
    assert texts[0].startswith("x86-64-v2 cannot be kept to: rank 0: CPU features cannot be taken")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[" * 50000, b'"' + b"a" * 70000 + b'"']
)
def test_hostile_files(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "1-1.json").write_bytes(content)
    with pytest.raises(ClusterError, match="1-1.json is not what a process writes"):
        _folder.Folder(tmp_path, 0, 2, 5).exchange(1)


def test_hostile_places(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "1-1.json")
    with pytest.raises(ClusterError, match="1-1.json is no file"):
        _folder.Folder(tmp_path, 0, 2, 5).exchange(1)
    (tmp_path / "1-3.json").symlink_to("/etc/passwd")
    (tmp_path / "1-1.json").unlink()
    (tmp_path / "1-1.json").write_text("1")
    with pytest.raises(ClusterError, match="cannot read .*1-3.json"):
        _folder.Folder(tmp_path, 2, 4, 5).exchange(1)
    with pytest.raises(ClusterError, match="cannot write to"):
        _folder.Folder(tmp_path / "gone", 0, 1, 5).exchange(1)


def test_answers_that_are_no_members(tmp_path: Path) -> None:
    (tmp_path / "1-1.json").write_text('{"level": "x86-64-v4"}')
    with pytest.raises(ClusterError, match="not what fullspeed writes"):
        cluster.agree(folder=tmp_path, rank=0, size=2, timeout=5)


@pytest.mark.parametrize(
    ("rank", "size", "reason"),
    [(None, None, "cannot be told"), (3, 3, "no rank of 3"), (-1, 2, "no rank"), (0, 0, "no rank")],
)
def test_ranks(rank: int | None, size: int | None, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=reason):
        cluster.agree(folder=tmp_path, rank=rank, size=size)


def test_wrong_groups(tmp_path: Path) -> None:
    for arguments in ({}, {"group": 3}, {"group": 3, "folder": tmp_path}):
        with pytest.raises(ValueError, match="wants"):
            cluster.agree(**arguments)


# ---- the command ----


def test_report_and_files(run, tmp_path: Path, levels: list[str]) -> None:
    lines = []
    for disabled in DISABLED:
        env = {"FULLSPEED_DISABLE_CPU_FEATURES": disabled} if disabled else {}
        done = run("fullspeed", "cluster", "--json", **env)
        assert done.returncode == 0, done.stderr
        lines.append(done.stdout)
    assert [json.loads(line)["level"] for line in lines] == levels
    (tmp_path / "all").write_text("".join(lines[:2]))
    table = run("fullspeed", "cluster", tmp_path / "all", "-", stdin=lines[2]).stdout.splitlines()
    assert table[0].split() == ["worker", "host", "level", "engine", "CPU"]
    assert [level in line for level, line in zip(levels, table[1:], strict=True)] == [True] * 3
    assert "FULLSPEED_DISABLE_CPU_FEATURES" in table[3]
    agreed = run("fullspeed", "cluster", "agree", tmp_path / "all", "-", stdin=lines[2])
    assert agreed.stdout.splitlines() == [
        "export FULLSPEED_DISABLE_CPU_FEATURES=",
        f"export FULLSPEED_ENABLE_CPU_FEATURES=X86_V{levels[2][-1]}",
        "export FULLSPEED_TUNE=0",
        "export FULLSPEED_REPRODUCIBLE=1",
    ]
    assert agreed.stderr == f"fullspeed: {levels[2]} for 3 processes on 1 host\n"
    shell = f'eval "$(fullspeed cluster agree {tmp_path / "all"} -)"; fullspeed cluster'
    done = run("bash", "-c", shell, stdin=lines[2], FULLSPEED_DISABLE_CPU_FEATURES="X86_V4")
    assert levels[2] in done.stdout.splitlines()[1], done.stderr


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["agree"], 2, "wants one of --mpi, --dask, --folder, or files"),
        (["--mpi", "--folder", "x"], 2, "wants one of"),
        (["agree", "--mpi", "--", "true"], 2, "a command is run by"),
        (["gone.json"], 1, "cannot read gone.json: No such file"),
        (["agree", "/etc/passwd"], 1, "/etc/passwd is not what `fullspeed cluster --json` writes"),
        (["agree", "--folder", "/tmp"], 2, "say both, or start the processes by mpirun"),
    ],
)
def test_wrong_usage(run, words: list[str], code: int, reason: str) -> None:
    done = run("fullspeed", "cluster", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert reason in done.stderr


def test_command_that_is_not_there(run, tmp_path: Path) -> None:
    (tmp_path / "one").write_text(run("fullspeed", "cluster", "--json").stdout)
    done = run("fullspeed", "cluster", "agree", tmp_path / "one", "--", "no-such-program")
    assert done.returncode == 1 and "cannot run no-such-program" in done.stderr


# ---- variants of extension modules ----


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same module behind a stub, and in folders of levels."""
    import test_loader
    import variant_tools as tools
    from fullspeed.variants.stub import StubCompiler

    folder = tmp_path_factory.mktemp("packages")
    code = tools.at_levels(folder, "module_multi.c", "_x")
    stubs = StubCompiler(folder / "stubs")
    merged = tools.merge(stubs, f"stubbed/_x{tools.SUFFIX}", code, **{"stubbed/__init__.py": b""})
    site = tools.install(merged, folder / "site")
    return test_loader.lay_out(site, code, test_loader.FOLDERS, "hooked")


@pytest.mark.parametrize("package", ["stubbed", "hooked"])
def test_variants_keep_to_it(packages: Path, package: str, best: int) -> None:
    """Imported afterwards they are those of the level; before, it is too late for a lower one."""
    if best < 3:
        pytest.skip("this CPU has nothing to take away")
    head = f"import sys; sys.path.insert(0, {str(packages)!r})\n"
    head += "import fullspeed.loader, fullspeed.cluster as cluster; fullspeed.loader.install()\n"
    load = f"from {package} import _x; print(_x.level())\n"
    force = "cluster.force('x86-64-v2')\n"
    assert child(head + force + load) == "v2"
    late = "try:\n    cluster.force('x86-64-v2')\nexcept cluster.ClusterError as e:\n    print(e)\n"
    found, error = child(head + load + late).splitlines()
    assert found == f"v{best}"
    assert f"x86-64-v{best}" in error and "is loaded already, and is beyond x86-64-v2" in error
    assert f"{packages}/{package}/" in error
    assert child(head + load + f"cluster.force('x86-64-v{best}')") == found
