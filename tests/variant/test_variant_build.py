"""`fullspeed build` and `fullspeed variants` from the outside, with a project of meson-python."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
import variant_tools as tools
from variant_tools import FULLSPEED, command

FILES = {
    "pyproject.toml": '[build-system]\nrequires = ["meson-python"]\nbuild-backend = "mesonpy"\n'
    '[project]\nname = "tiny"\nversion = "1.5"\n',
    "meson.build": "project('tiny', 'c', default_options: ['buildtype=release'])\n"
    "py = import('python').find_installation(pure: false)\n"
    "py.extension_module('_tiny', 'tiny.c', c_args: get_option('more'),\n"
    "  install: true, subdir: 'tiny')\n"
    "py.install_sources('__init__.py', subdir: 'tiny')\n",
    "meson.options": "option('more', type: 'array', value: [])\n",
    "__init__.py": "from tiny._tiny import level\n",
    "tiny.c": """
#include <Python.h>
#if defined(__AVX512F__)
#define LEVEL "v4"
#elif defined(__AVX2__)
#define LEVEL "v3"
#elif defined(__SSE4_2__)
#define LEVEL "v2"
#else
#define LEVEL "baseline"
#endif
#ifdef FAIL_AT_V3
#ifdef __AVX2__
#error this level cannot be built
#endif
#endif
static PyObject *level(PyObject *m, PyObject *n)
{
    (void)m, (void)n;
    return PyUnicode_FromString(LEVEL);
}
static PyMethodDef methods[] = {{"level", level, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef def = {
    PyModuleDef_HEAD_INIT, "_tiny", NULL, 0, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit__tiny(void) { return PyModuleDef_Init(&def); }
""",
}  # fmt: skip


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    path = folder / "tiny-1.5.tar.gz"
    with tarfile.open(path, "w:gz") as made:
        for name in FILES:
            made.add(folder / name, f"tiny-1.5/{name}")
    return path


@pytest.fixture(scope="module")
def made(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel, and the build folder."""
    folder = tmp_path_factory.mktemp("made")
    done = command("build", archive, "--levels=v2,v3", "--no-isolation", "--jobs=2",
                   "-o", folder / "dist", "--build-dir", folder / "b")  # fmt: skip
    assert done.returncode == 0, done.stderr
    (path,) = (folder / "dist").iterdir()
    assert done.stdout == f"{path}\n"
    for part in ("the baseline", "for x86-64-v2", "for x86-64-v3"):
        assert f"building {part}: done in" in done.stderr
    return path, folder / "b"


def test_wheel(made: tuple[Path, Path], best: int, tmp_path: Path) -> None:
    path, _ = made
    assert path.name == "tiny-1.5-cp311-cp311-linux_x86_64.whl"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", tmp_path, path]
    subprocess.run(pip, check=True, capture_output=True)
    text = "import tiny; print(tiny.level())"
    assert tools.output(tmp_path, text) == f"v{min(best, 3)}"
    assert tools.output(tmp_path, text, FULLSPEED_DISABLE_CPU_FEATURES="X86_V2") == "baseline"
    done = command("variants", "tiny", PYTHONPATH=str(tmp_path))
    assert done.returncode == 0, done.stderr
    stem = f"_tiny{tools.SUFFIX.removesuffix('.so')}"
    assert f"uses  {stem}.x86-64-v{min(best, 3)}.so" in done.stdout
    done = command("variants", "Tiny", PYTHONPATH=str(tmp_path),
                   FULLSPEED_DISABLE_CPU_FEATURES="X86_V3")  # fmt: skip
    assert f"uses  {stem}.x86-64-v2.so" in done.stdout
    for file in (tmp_path / "tiny").glob("*.x86-64-v*.so"):
        file.write_bytes(file.read_bytes()[:2000])
    done = command("variants", "tiny", PYTHONPATH=str(tmp_path))
    assert f"uses  {stem}.baseline.so" in done.stdout and "truncated" in done.stdout
    (tmp_path / "tiny" / f"{stem}.baseline.so").unlink()
    done = command("variants", "tiny", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1 and "none can be used" in done.stdout


def test_build_folder_is_used_again(made: tuple[Path, Path], archive: Path, tmp_path: Path) -> None:
    path, folder = made
    again = ["build", archive, "--no-isolation", "--build-dir", folder, "-o", tmp_path]
    done = command(*again, "--levels=v2,v3")
    assert done.returncode == 0, done.stderr
    for part in ("baseline", "v2", "v3"):
        assert f"{part} is built already" in done.stderr
    with zipfile.ZipFile(path) as first, zipfile.ZipFile(tmp_path / path.name) as second:
        assert first.namelist() == second.namelist()
    done = command(*again, "--levels=v2", "--flags=-O1")  # a new stamp for v2, not for the baseline
    assert "baseline is built already" in done.stderr
    assert "building for x86-64-v2: done" in done.stderr


def pip_install(folder: Path, *wheels: str) -> None:
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--target", folder]
    subprocess.run([*pip, *wheels], check=True, capture_output=True)


def test_split(made: tuple[Path, Path], archive: Path, best: int, tmp_path: Path) -> None:
    done = command("build", archive, "--no-isolation", "--build-dir", made[1], "--levels=v2,v3",
                   "-o", tmp_path / "dist", "--split")  # fmt: skip
    assert done.returncode == 0, done.stderr
    base, v2, v3 = done.stdout.split()
    assert [Path(path).name for path in (base, v2, v3)] == [
        "tiny-1.5-cp311-cp311-linux_x86_64.whl",
        "tiny_x86_64_v2-1.5-cp311-cp311-linux_x86_64.whl",
        "tiny_x86_64_v3-1.5-cp311-cp311-linux_x86_64.whl",
    ]
    text = "import tiny; print(tiny.level())"
    pip_install(tmp_path / "base", base)
    assert tools.output(tmp_path / "base", text, "-Wdefault") == "baseline"
    shown = command("variants", "tiny", PYTHONPATH=str(tmp_path / "base"))
    assert shown.returncode == 0 and shown.stdout.count("KiB (not installed)") == 2
    pip_install(tmp_path / "all", base, v2, v3)
    assert tools.output(tmp_path / "all", text) == f"v{min(best, 3)}"
    shown = command("variants", "tiny", PYTHONPATH=str(tmp_path / "all"))
    assert "not installed" not in shown.stdout
    lonely = [sys.executable, "-m", "pip", "install", "--no-index", "--target", tmp_path / "x", v3]
    failed = subprocess.run(lonely, capture_output=True, text=True)
    assert failed.returncode != 0 and "tiny==1.5" in failed.stderr


def test_variant_wheels(made: tuple[Path, Path], archive: Path, best: int, tmp_path: Path) -> None:
    done = command("build", archive, "--no-isolation", "--build-dir", made[1], "--levels=v2,v3",
                   "-o", tmp_path / "dist", "--variant-wheels")  # fmt: skip
    assert done.returncode == 0, done.stderr
    paths = [Path(path) for path in done.stdout.split()]
    assert [path.name for path in paths] == [
        "tiny-1.5-cp311-cp311-linux_x86_64.whl",
        "tiny-1.5-cp311-cp311-linux_x86_64-x86_64_v2.whl",
        "tiny-1.5-cp311-cp311-linux_x86_64-x86_64_v3.whl",
        "tiny-1.5-variants.json",
    ]
    text = "import tiny; print(tiny.level())"
    pip_install(tmp_path / "base", paths[0])
    assert tools.output(tmp_path / "base", text) == "baseline"
    if best >= 3:
        with zipfile.ZipFile(paths[2]) as archived:
            archived.extractall(tmp_path / "v3")
        assert tools.output(tmp_path / "v3", text, FULLSPEED_DISABLE_CPU_FEATURES="X86_V2") == "v3"
    shown = command("variants", "tiny", PYTHONPATH=str(tmp_path / "v3"))
    assert shown.returncode == 0 and "this wheel is for x86-64-v3 alone" in shown.stdout
    both = command("build", archive, "--split", "--variant-wheels")
    assert both.returncode == 2 and "not allowed with" in both.stderr


def test_failing_level(archive: Path, tmp_path: Path) -> None:
    done = command("build", archive, "--levels=v2,v3", "--no-isolation", "-o", tmp_path / "dist",
                   "--build-dir", tmp_path / "b", CFLAGS="-DFAIL_AT_V3")  # fmt: skip
    assert done.returncode == 1 and done.stdout == ""
    assert "building for x86-64-v3 failed:" in done.stderr
    assert "this level cannot be built" in done.stderr and "build.log" in done.stderr
    assert not (tmp_path / "dist").exists()
    done = command("build", archive, "--levels=v2", "--no-isolation", "-o", tmp_path / "dist",
                   "--build-dir", tmp_path / "b", CFLAGS="-DFAIL_AT_V3")  # fmt: skip
    assert done.returncode == 0 and "v2 is built already" in done.stderr


def test_violation(archive: Path, tmp_path: Path) -> None:
    """A flag of the user's that goes beyond the level."""
    flags = "--flags=-mavx512f -mprefer-vector-width=512"
    source = tmp_path / "tiny-1.5"
    with tarfile.open(archive) as files:
        files.extractall(tmp_path)
    text = (source / "tiny.c").read_text()
    loop = (
        "\ndouble sums[64]; void add(void);\n"
        "void add(void) { for (int i = 0; i < 64; i++) sums[i] += 1; }\n"
    )
    (source / "tiny.c").write_text(text + loop)
    with tarfile.open(tmp_path / "tiny-1.5.tar.gz", "w:gz") as files:
        files.add(source, "tiny-1.5")
    done = command("build", tmp_path / "tiny-1.5.tar.gz", "--levels=v3", flags, "--no-isolation",
                   "-Csetup-args=-Dmore=-O3", "-o", tmp_path / "dist")  # fmt: skip
    assert done.returncode == 1
    assert "for x86-64-v3 has instructions that this level does not promise" in done.stderr
    assert "  add at 0x" in done.stderr and "(AVX512F)" in done.stderr
    assert not (tmp_path / "dist").exists()


def test_interrupt(archive: Path, tmp_path: Path) -> None:
    path = {"PATH": f"{FULLSPEED.parent}{os.pathsep}{os.environ['PATH']}", "CC": "gcc"}
    child = subprocess.Popen(
        [FULLSPEED, "build", archive, "--no-isolation", "-o", tmp_path / "dist",
         "--build-dir", tmp_path / "b"],
        env=tools.CLEAN | path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (tmp_path / "b" / "baseline" / "build.log").exists():
        assert time.monotonic() < deadline and child.poll() is None
        time.sleep(0.02)
    busy = command("build", archive, "--build-dir", tmp_path / "b", "-o", tmp_path)
    assert busy.returncode == 1 and "another build is using" in busy.stderr
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, out) == (130, "") and "stopped; no wheel was made" in err, err
    assert not (tmp_path / "dist").exists() and not (tmp_path / "b" / "baseline" / "stamp").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["build", "x", "--levels=v7"], 2, "--levels names 'v7'; levels are v2, v3, v4"),
        (["build", "x", "--jobs=0"], 2, "--jobs wants a number from 1"),
        (["build", "x", "-C", "word"], 2, "-C wants KEY=VALUE"),
        (["build", "-x"], 2, "required"),
        (["build", "no such thing"], 1, "'no such thing' is neither a folder or file"),
        (["build", "/etc/passwd"], 1, "/etc/passwd is no folder and no source archive"),
        (["build", "/etc"], 1, "/etc has neither pyproject.toml nor setup.py"),
        (["build", "/no/such"], 1, "/no/such is no folder"),
        (["variants", "no-such-thing"], 1, "there is no distribution 'no-such-thing'"),
        (["variants", "pytest"], 1, "has no variants: `fullspeed build pytest` makes a wheel"),
    ],
)
def test_wrong_use(tmp_path: Path, arguments: list[str], code: int, sentence: str) -> None:
    done = command(*arguments)
    assert (done.returncode, done.stdout) == (code, "") and sentence in done.stderr


def test_missing_library(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "capstone.py").write_text("raise ImportError('not here')\n")
    done = command("build", archive, PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "needs the library capstone" in done.stderr
    assert "-m pip install 'fullspeed[build]'" in done.stderr


def test_read_only_target(archive: Path, made: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = command("build", archive, "--levels=v2,v3", "--no-isolation",
                   "--build-dir", made[1], "-o", tmp_path / "file" / "dist")  # fmt: skip
    assert done.returncode == 1 and "file/dist: Not a directory" in done.stderr
