"""The package itself with other options: configured by Meson, and as much of it built as shows that
the options get there and that a CPU below the baseline is told so."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fullspeed import _cpu

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent
PYTHON = "/usr/bin/python3.11"


def env(**variables: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("FULLSPEED")}
    own["PATH"] = f"{BIN}{os.pathsep}{own['PATH']}"
    own["CC"] = "gcc"
    return own | variables


def setup(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Configure the package in a folder."""
    return subprocess.run(
        [BIN / "meson", "setup", folder, ROOT, *options],
        env=env(), capture_output=True, text=True, cwd="/",
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("build") / "meson"
    done = setup(made, "-Dcpu-baseline=avx2 fma3", "-Dcpu-dispatch=max -avx512_icl")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    return made


def commands(folder: Path) -> dict[str, list[str]]:
    """How each object is compiled, by its path."""
    rows = json.loads((folder / "compile_commands.json").read_text())
    return {row["output"]: row["command"].split() for row in rows}


def test_the_report(folder: Path) -> None:
    (path,) = folder.rglob("_cpu_build_options.json")
    data = json.loads(path.read_text())
    assert data["baseline"]["requested"] == "avx2 fma3"
    assert {"AVX2", "FMA3", "SSE42"} <= set(data["baseline"]["enabled"])
    assert data["dispatch"]["requested"] == "max -avx512_icl"
    assert "AVX512_CNL" in data["dispatch"]["enabled"]
    assert not {"AVX512_ICL", "AVX512_SPR", "AVX2"} & set(data["dispatch"]["enabled"])
    assert list(data["dispatch"]["generated"]) == ["X86_V4"]
    assert data["dispatch"]["not_generated"] == {"array: X86_V3": "the baseline has it"}
    files = data["dispatch"]["generated"]["X86_V4"]["files"]
    assert files and all((ROOT / file).is_file() for file in files)


def test_each_source_once_per_target(folder: Path) -> None:
    kernels = {out: words for out, words in commands(folder).items() if "arith.dispatch" in out}
    by_target = {
        next(word for word in words if word.startswith("-DFS_ARRAY_TARGET=")): words
        for words in kernels.values()
    }
    assert set(by_target) == {"-DFS_ARRAY_TARGET=baseline", "-DFS_ARRAY_TARGET=X86_V4"}
    assert "-mavx512bw" in by_target["-DFS_ARRAY_TARGET=X86_V4"]
    baseline = by_target["-DFS_ARRAY_TARGET=baseline"]
    assert "-mavx2" in baseline and "-mavx512f" not in baseline
    # The baseline has fused multiply-add: so it needs kernels of its own for the same bits.
    assert any("baseline_same" in out for out in commands(folder))


def test_a_baseline_beyond_min_is_for_all_code_but_the_guard(folder: Path) -> None:
    engine = [words for out, words in commands(folder).items() if "interp_eval" in out]
    assert engine and all("-mavx2" in words and "-mfma" in words for words in engine)
    early = [words for out, words in commands(folder).items() if "cpu_guard" in out]
    assert len(early) >= 4
    for words in early:
        assert words.index("-mno-avx2") > words.index("-mavx2")


@pytest.fixture(scope="module")
def package(folder: Path) -> Path:
    """As much of the package as `import fullspeed.cpu` needs."""
    (target,) = [
        row["filename"][0]
        for row in json.loads((folder / "meson-info" / "intro-targets.json").read_text())
        if Path(row["filename"][0]).name.startswith("_cpu.cpython")
    ]
    done = subprocess.run(
        [BIN / "ninja", "-C", folder, os.path.relpath(target, folder)],
        env=env(), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    made = folder.parent / "package" / "fullspeed"
    shutil.copytree(ROOT / "python" / "fullspeed", made, ignore=shutil.ignore_patterns("__pyc*"))
    shutil.copy(target, made)
    return made.parent


CODE = """
import sys
sys.path.insert(0, {!r})
try:
    import fullspeed.cpu
except ImportError as error:
    print("ImportError:", error)
else:
    print(*fullspeed.cpu.baseline())
"""


def test_import_on_this_cpu(package: Path) -> None:
    if not {"AVX2", "FMA3"} <= set(_cpu.state()["found"]):
        pytest.skip("needs a CPU with AVX2 and FMA3")
    done = subprocess.run(
        [PYTHON, "-S", "-E", "-c", CODE.format(str(package))], capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {"AVX2", "FMA3"} <= set(done.stdout.split())
    assert "AVX512F" not in done.stdout.split()


@pytest.mark.parametrize("model, missing", [("Nehalem", "AVX F16C FMA3 AVX2"),
                                            ("SandyBridge", "F16C FMA3 AVX2")])  # fmt: skip
def test_import_below_the_baseline(package: Path, model: str, missing: str) -> None:
    emulator = shutil.which("qemu-x86_64")
    if emulator is None:
        pytest.skip("needs qemu-user (tools/setup.sh cross)")
    done = subprocess.run(
        [emulator, "-cpu", model, PYTHON, "-S", "-E", "-c", CODE.format(str(package))],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ImportError: fullspeed._cpu was built for CPU features")
    assert "does not have" in done.stdout and f": {missing}." in done.stdout


@pytest.mark.parametrize(
    "option, words",
    [
        ("-Dcpu-baseline=avx3", "cpu-baseline: 'avx3' is neither a CPU feature nor one of"),
        ("-Dcpu-dispatch=max -", "cpu-dispatch: '-' stands before nothing in 'max -'"),
    ],
)
def test_wrong_options_stop_the_build(tmp_path: Path, option: str, words: str) -> None:
    done = setup(tmp_path / "meson", option)
    assert done.returncode != 0
    assert words in done.stdout + done.stderr
