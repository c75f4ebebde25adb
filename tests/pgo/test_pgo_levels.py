"""`fullspeed build --pgo CMD`: one training, and every level's build uses it."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from pathlib import Path

import pgo_tools as tools
import pytest
from fullspeed import cpu

AVX2 = """
#ifdef __AVX2__
__attribute__((noinline)) long spin_extra(long n)
{
    long s = 0;
    while (n-- > 0) s += n % 3 ? n : 2;
    return s;
}
#else
__attribute__((noinline)) long spin_extra(long n)
{
    return n > 3 ? n * 3 : 5;
}
#endif
"""
CODE = "import tiny; tiny.spin(30000)"


def build(*arguments: object, cc: str) -> subprocess.CompletedProcess:
    path = {"PATH": f"{tools.FULLSPEED.parent}{os.pathsep}{os.environ['PATH']}", "CC": cc}
    return subprocess.run(
        [tools.FULLSPEED, "build", *map(str, arguments)], env=tools.CLEAN | path,
        capture_output=True, text=True, cwd="/", timeout=280,
    )  # fmt: skip


def test_levels(cc: str, tmp_path: Path) -> None:
    if int(cpu.level()[-1]) < 3:
        pytest.skip("this CPU has no x86-64-v3")
    count = tools.COUNT.replace("return odd;", "return odd + spin_extra(n);")
    project = tools.write_project(tmp_path / "p", **{
        "src/count.c": count.replace("long spin_count", "long spin_extra(long n);\nlong spin_count")
        + AVX2,
    })  # fmt: skip
    archive = tools.archive_of(project, tmp_path / "tiny-1.5.tar.gz")
    home = tmp_path / "b"
    arguments = [archive, "--levels=v2,v3", "--no-isolation", "--jobs=2", "--build-dir", home,
                 "--pgo", f"python -c '{CODE}'"]  # fmt: skip
    done = build(*arguments, "-o", tmp_path / "dist", cc=cc)
    assert done.returncode == 0, done.stderr
    assert "training at x86-64-v3: done" in done.stderr
    assert "the profile was used at all levels" in done.stderr
    lines = [line for line in done.stderr.splitlines() if "spin_extra" in line]
    assert len(lines) == 2 and "baseline: " in lines[0] and "v2: " in lines[1]  # not v3
    assert "spin_count" not in done.stderr
    (wheel,) = (tmp_path / "dist").iterdir()
    with zipfile.ZipFile(wheel) as files:
        notes = json.loads(files.read("tiny-1.5.dist-info/fullspeed-variants.json"))
        code = b"".join(files.read(name) for name in files.namelist())
    assert notes["pgo"] == f"python -c '{CODE}'"
    assert b"gcda" not in code and b"__llvm_prf" not in code
    done = build(*arguments, "-o", tmp_path / "dist", cc=cc)
    assert done.returncode == 0 and "the profile is there already" in done.stderr
    assert "v3 is built already" in done.stderr
    done = build(*arguments[:-1], "python -c 'import tiny; tiny.idle()'", "-o", tmp_path / "dist",
                 cc=cc)  # fmt: skip
    assert done.returncode == 0 and "building for x86-64-v3: done" in done.stderr


def test_errors(tmp_path: Path) -> None:
    project = tools.write_project(tmp_path / "p")
    archive = tools.archive_of(project, tmp_path / "tiny-1.5.tar.gz")
    done = build(archive, "--levels=v2", "--no-isolation", "-o", tmp_path / "dist",
                 "--build-dir", tmp_path / "b", "--pgo", "false", cc="gcc")  # fmt: skip
    assert done.returncode == 1 and "the command failed (exit code 1): false" in done.stderr
    assert not (tmp_path / "dist").exists()
    done = build(archive, "--pgo", "", cc="gcc")
    assert done.returncode == 2 and "--pgo wants a command" in done.stderr
