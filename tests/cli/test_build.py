"""The build: which compiler is chosen, and that whatever is missing is said in one sentence."""

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import types
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FAKE_CLANG = "#!/bin/sh\necho 'Some clang version {version}.1.7 (3)'\n"


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "tools" / "backend"))
    return importlib.import_module("fullspeed_backend")


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A PATH that holds nothing; CC is unset, and what the backend sets is undone."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("CC", "x")
    monkeypatch.delenv("CC")
    monkeypatch.setenv("PATH", f"{folder}:{tmp_path / 'none'}")
    return folder


def add_program(folder: Path, name: str, text: str = "#!/bin/sh\n") -> str:
    program = folder / name
    program.write_text(text)
    program.chmod(0o755)
    return str(program)


def add_clang(folder: Path, name: str, version: int) -> str:
    return add_program(folder, name, FAKE_CLANG.format(version=version))


def test_newest_clang_is_taken(backend: types.ModuleType, path: Path) -> None:
    add_program(path, "cc")
    add_clang(path, "clang-14", 14)
    add_clang(path, "clang-19", 19)
    newest = add_clang(path, "clang-21", 21)
    assert newest in backend._choose_compiler(None)
    assert os.environ["CC"] == newest


def test_plain_clang_counts_by_its_version(backend: types.ModuleType, path: Path) -> None:
    add_program(path, "cc")
    clang = add_clang(path, "clang", 18)
    backend._choose_compiler(None)
    assert os.environ["CC"] == str(path / "cc")
    del os.environ["CC"]
    add_clang(path, "clang", 20)
    backend._choose_compiler(None)
    assert os.environ["CC"] == clang


def test_compiler_of_the_user_wins(backend: types.ModuleType, path: Path) -> None:
    add_clang(path, "clang-19", 19)
    add_program(path, "my-gcc")
    os.environ["CC"] = "my-gcc -m64"
    assert backend._choose_compiler(None) == "CC=my-gcc -m64 from the environment"
    assert os.environ["CC"] == "my-gcc -m64"


@pytest.mark.parametrize(
    "setup_args", ["-Ddispatch=computed-goto", ["-Dx=y", "--dispatch=computed-goto"]]
)
def test_other_dispatch_needs_no_clang(
    backend: types.ModuleType, path: Path, setup_args: object
) -> None:
    add_clang(path, "clang-19", 19)
    gcc = add_program(path, "gcc")
    backend._choose_compiler({"setup-args": setup_args})
    assert os.environ["CC"] == gcc


def test_missing_compiler(backend: types.ModuleType, path: Path) -> None:
    with pytest.raises(SystemExit, match="no C compiler found; install gcc or clang-19, or set CC"):
        backend._choose_compiler(None)
    os.environ["CC"] = "no-such-compiler"
    with pytest.raises(SystemExit, match="'no-such-compiler' from the environment variable CC"):
        backend._choose_compiler(None)


def test_wrong_python(backend: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend.platform, "python_implementation", lambda: "PyPy")
    with pytest.raises(SystemExit, match=r"needs CPython 3.11, and .* is PyPy"):
        backend.build_wheel("nowhere")


def test_missing_headers(backend: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend.sysconfig, "get_path", lambda name: "/nowhere")
    with pytest.raises(SystemExit, match="python3.11-dev"):
        backend.get_requires_for_build_wheel()


def meson_setup(folder: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Configure the real build in a fresh folder."""
    return subprocess.run(
        [sys.executable, "-m", "mesonbuild.mesonmain", "setup", *args, str(folder), str(ROOT)],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **env},
        timeout=120,
    )


def error_line(result: subprocess.CompletedProcess[str]) -> str:
    (line,) = [line for line in result.stdout.splitlines() if "ERROR:" in line]
    assert result.returncode == 1
    return line


def dispatch_of(result: subprocess.CompletedProcess[str]) -> str:
    """The dispatch in the build's summary."""
    summary = result.stdout[result.stdout.index("C compiler ") :]
    return re.search(r"^ *dispatch *: (\S+)$", summary, re.MULTILINE)[1]


def test_meson_without_a_compiler(tmp_path: Path) -> None:
    result = meson_setup(tmp_path / "build", CC="no-such-compiler")
    assert "fullspeed needs a C compiler" in error_line(result)


def test_meson_dispatch_by_compiler(tmp_path: Path) -> None:
    if not shutil.which("gcc"):
        pytest.skip("needs gcc, which the set-up script installs")
    result = meson_setup(tmp_path / "goto", "-Ddispatch=computed-goto", CC="gcc")
    assert result.returncode == 0, result.stdout
    assert dispatch_of(result) == "computed-goto"
    tail = meson_setup(tmp_path / "tail", "-Ddispatch=tail-call", CC="gcc")
    if tail.returncode:  # gcc < 15
        assert "-Ddispatch=tail-call needs clang >= 19" in error_line(tail)
        auto = meson_setup(tmp_path / "auto", CC="gcc")
        assert dispatch_of(auto) == "computed-goto"


@pytest.mark.skipif(not shutil.which("clang-19"), reason="no clang-19 in this distribution")
def test_meson_chooses_tail_calls_with_clang(tmp_path: Path) -> None:
    result = meson_setup(tmp_path / "tail", CC="clang-19")
    assert result.returncode == 0, result.stdout
    assert dispatch_of(result) == "tail-call"


def test_meson_rejects_an_unknown_dispatch(tmp_path: Path) -> None:
    result = meson_setup(tmp_path / "build", "-Ddispatch=sideways")
    assert "tail-call" in error_line(result) and "sideways" in error_line(result)


def test_metadata_makes_pip_refuse_other_versions() -> None:
    from importlib.metadata import metadata

    assert set(metadata("fullspeed")["Requires-Python"].split(",")) == {">=3.11", "<3.12"}


def test_editable_wheel_has_the_command(backend: types.ModuleType, tmp_path: Path) -> None:
    wheel = tmp_path / "fullspeed-1-py3.whl"
    with zipfile.ZipFile(wheel, "w") as made:
        made.writestr("fullspeed-1.dist-info/METADATA", "Name: fullspeed\n")
        made.writestr("fullspeed-1.dist-info/RECORD", "fullspeed-1.dist-info/METADATA,,\n")
    backend._add_command(wheel)
    with zipfile.ZipFile(wheel) as result:
        name = "fullspeed-1.data/scripts/fullspeed"
        command = result.read(name)
        assert result.getinfo(name).external_attr >> 16 == 0o100755
        rows = result.read("fullspeed-1.dist-info/RECORD").decode().splitlines()
    assert len(rows) == 2 and rows[1].startswith(f"{name},sha256=")
    assert rows[1].endswith(f",{len(command)}")
    folder = tmp_path / "a venv" / "bin"
    folder.mkdir(parents=True)
    add_program(folder, "fullspeed", command.decode())
    add_program(folder, "python3.11", "#!/bin/sh\nprintf '<%s>' \"$@\"\n")
    result = subprocess.run(
        [folder / "fullspeed", "run", "a b"], capture_output=True, text=True, check=True
    )
    start = ROOT / "python" / "fullspeed" / "_start.py"
    assert start.exists() and result.stdout == f"<{start}><run><a b>"


@pytest.mark.parametrize("compiler", ["gcc", "clang-19"])
def test_warnings_are_errors_for_us_only(tmp_path: Path, compiler: str) -> None:
    if not shutil.which(compiler):
        pytest.skip(f"no {compiler} in this distribution")
    version = subprocess.run([compiler, "-dumpversion"], capture_output=True, text=True).stdout
    if version.strip().split(".")[0] not in ("12", "19"):
        pytest.skip(f"{compiler} {version} is not one that the project is tested with")
    for name, args in (("ours", ["-Dstrict=true"]), ("plain", [])):
        assert meson_setup(tmp_path / name, *args, CC=compiler).returncode == 0
        commands = json.loads((tmp_path / name / "compile_commands.json").read_text())
        flags = {word for entry in commands for word in entry["command"].split()}
        assert {"-Wall", "-Wextra"} <= flags
        assert ("-Werror" in flags) == (name == "ours")
    assert "set -- -Dstrict=true" in (ROOT / "tools" / "setup.sh").read_text()


def test_preview_of_the_right_version(
    backend: types.ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Ubuntu 22.04 has 3.11.0rc1.
    monkeypatch.setattr(backend.sys, "version_info", (3, 11, 0, "candidate", 1))
    with pytest.raises(SystemExit, match="needs a finished CPython 3.11, and .* is a preview"):
        backend.get_requires_for_build_wheel()


def test_the_user_names_the_python(tmp_path: Path) -> None:
    # `PYTHON=... make setup` reaches the set-up script as it is.
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "tools").mkdir()
    add_program(tmp_path / "tools", "setup.sh", '#!/bin/sh\necho "PYTHON is $PYTHON"\n')
    result = subprocess.run(
        ["make", "-C", str(tmp_path), "setup"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHON": "/a/python3.11"},
    )
    assert "PYTHON is /a/python3.11\n" in result.stdout
