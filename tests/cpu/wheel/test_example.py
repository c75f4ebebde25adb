"""examples/dispatch: built by pip against the installed fullspeed, installed into a scratch
environment, and used with each of its targets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from fullspeed import _cpu

ROOT = Path(__file__).resolve().parents[3]
USE = """
import array, json, dispatch_example, fullspeed.cpu
x = array.array("d", [i / 7 for i in range(1003)])
y = array.array("d", [1.0] * 1003)
dispatch_example.axpy(3.0, x, y)
info = fullspeed.cpu.opt_func_info(func_name="^dispatch_example")
print(json.dumps([info["dispatch_example.axpy"]["ddd"], [v.hex() for v in y]]))
"""


def child_env(**variables: str) -> dict[str, str]:
    """An environment without variables of ours but these."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("FULLSPEED")}
    return own | variables


def build(folder: Path, *options: str, **variables: str) -> Path:
    """Make a scratch environment that has the example."""
    python = folder / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    purelib = Path(sysconfig.get_path("purelib"))
    (folder / "lib" / "python3.11" / "site-packages" / "here.pth").write_text(f"{purelib}\n")
    search = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = child_env(PATH=search, **variables)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "-v", "--no-deps",
         "--no-build-isolation", "--disable-pip-version-check", "--no-index",
         f"-Cbuild-dir={folder / 'build'}", *(f"-Csetup-args={option}" for option in options),
         ROOT / "examples" / "dispatch"],
        env=env, capture_output=True, text=True, cwd="/",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "DISPATCH EXAMPLE" in done.stdout + done.stderr  # its report, in the log
    return python


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("example"))


def use(python: Path, **variables: str) -> tuple[dict[str, str], list[str]]:
    """Run it in a child."""
    done = subprocess.run(
        [python, "-c", USE], env=child_env(**variables), capture_output=True, text=True, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_target_can_be_forced(python: Path) -> None:
    usable = set(_cpu.state()["usable"])
    best = [name for name in ("X86_V4", "X86_V3") if name in usable]
    info, values = use(python)
    assert info["available"].split(" baseline(")[0] == "X86_V4 X86_V3"
    assert info["current"] == (best or [info["available"][len("X86_V4 X86_V3 ") :]])[0]
    assert info["chosen by"] == "features"
    seen = {info["current"]}
    for disabled in best:
        info, again = use(python, FULLSPEED_DISABLE_CPU_FEATURES=disabled)
        seen.add(info["current"])
        assert again == values
    assert len(seen) == len(best) + 1 and info["current"].startswith("baseline(")


def test_it_is_right(python: Path) -> None:
    _, values = use(python)
    assert values == [(1.0 + 3.0 * (i / 7)).hex() for i in range(1003)]


def test_each_target_has_its_own_code(python: Path) -> None:
    (module,) = python.parents[1].glob("lib/python3.11/site-packages/dispatch_example*.so")
    code = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", "-j", ".text", module],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "%zmm" in code and "%ymm" in code


def test_its_own_options(tmp_path: Path) -> None:
    python = build(
        tmp_path, "-Dcpu-baseline=avx2 fma3", "-Dcpu-dispatch=max -avx512f"
    )
    report = json.loads((tmp_path / "build" / "cpu_report.json").read_text())
    assert report["baseline"]["requested"] == "avx2 fma3"
    assert "AVX2" in report["baseline"]["enabled"]
    assert list(report["dispatch"]["generated"]) == []
    assert report["dispatch"]["not_generated"]["axpy: X86_V3"] == "the baseline has it"
    if {"AVX2", "FMA3"} <= set(_cpu.state()["usable"]):
        assert use(python)[0]["available"].startswith("baseline(")
        done = subprocess.run(
            [python, "-c", USE], env=child_env(FULLSPEED_DISABLE_CPU_FEATURES="AVX2"),
            capture_output=True, text=True, cwd="/",
        )  # fmt: skip
        assert done.returncode != 0
        assert "ImportError: dispatch_example was built for CPU features" in done.stderr
        assert "may not be used here: AVX2." in done.stderr


def test_march_native_in_cflags(tmp_path: Path) -> None:
    build(tmp_path, CFLAGS="-O2 -march=native")
    report = json.loads((tmp_path / "build" / "cpu_report.json").read_text())
    assert report["baseline"]["requested"] == "min" and report["baseline"]["native_by_cflags"]
    usable = set(_cpu.state()["usable"])
    assert set(report["baseline"]["enabled"]) <= usable
    assert "SSE42" in report["baseline"]["enabled"]
    enabled = report["dispatch"]["enabled"]
    assert not set(report["baseline"]["enabled"]) & set(enabled)


def test_the_package_has_what_it_needs() -> None:
    for option, wanted in (("--include", "cpu_extension.h"), ("--meson-dir", "cpu_build.py")):
        done = subprocess.run(
            [sys.executable, "-m", "fullspeed.cpu", option], env=child_env(),
            capture_output=True, text=True, cwd="/",
        )  # fmt: skip
        assert (Path(done.stdout.strip()) / wanted).is_file(), done
