"""What a program sees of its start is the same under `python` and under `fullspeed run`."""

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Launcher, only_command

Same = Callable[..., object]

FLAGS = [
    ["-O"],
    ["-OO"],
    ["-I"],
    ["-E"],
    ["-s"],
    ["-S"],
    ["-P"],
    ["-B"],
    ["-b"],
    ["-bb"],
    ["-q"],
    ["-u"],
    ["-d"],
    ["-W", "error"],
    ["-Wignore::DeprecationWarning", "-W", "default"],
    ["-X", "dev"],
    ["-Xutf8", "-X", "importlib=thing"],
    ["-X", "faulthandler"],
    ["-X", "tracemalloc=3"],
    ["-X", "int_max_str_digits=700"],
    ["-BsE"],
    ["-OBWerror"],
    ["-OBW", "error"],
    ["--check-hash-based-pycs", "always"],
    ["-I", "-O", "--"],
]


@pytest.fixture
def script(tmp_path: Path, probe: str) -> Path:
    path = tmp_path / "program.py"
    path.write_text(probe)
    return path


def _write_package(folder: Path, probe: str) -> None:
    package = folder / "pack" / "inner"
    package.mkdir(parents=True)
    (folder / "pack" / "__init__.py").write_text("import sys; print('pack', sys.argv)\n")
    (folder / "pack" / "__main__.py").write_text(probe)
    (package / "__init__.py").write_text("")
    (package / "module.py").write_text(probe)


def test_script(same: Same, script: Path) -> None:
    result = same("program.py", "a", "-b", "--c=d", "")
    assert b"argv ['program.py', 'a', '-b', '--c=d', '']" in result.stdout
    assert b"depth 0" in result.stdout


def test_script_by_absolute_path(same: Same, script: Path, tmp_path_factory) -> None:
    same(str(script), "x", cwd=tmp_path_factory.mktemp("elsewhere"))


def test_script_by_symlink(same: Same, script: Path) -> None:
    folder = script.parent / "links"
    folder.mkdir()
    (folder / "link.py").symlink_to("../program.py")
    result = same("links/link.py")
    assert f"path ['{script.parent}'".encode() in result.stdout


def test_script_with_odd_names(same: Same, tmp_path: Path, probe: str) -> None:
    os.mkdir(tmp_path / "ü b")
    (tmp_path / "ü b" / "-dash.py").write_text(probe)
    same("ü b/-dash.py", "ä", b"\xff\xfe")


def test_script_that_starts_with_a_dash(same: Same, tmp_path: Path, probe: str) -> None:
    (tmp_path / "-dash.py").write_text(probe)
    same("--", "-dash.py", "--", "x")
    same("-O", "--", "-dash.py", "x")


def test_script_in_a_deleted_folder(both: Callable, tmp_path: Path, script: Path) -> None:
    gone = tmp_path / "gone"
    code = f"import os, subprocess, sys; os.mkdir({str(gone)!r}); os.chdir({str(gone)!r}); "
    code += "os.rmdir(os.getcwd()); print(sys.path[0]); exec(open(sys.argv[1]).read())"
    stock, ours = both("-c", code, str(script))
    assert stock.returncode == 0 and ours.stdout == stock.stdout


def test_module(same: Same, tmp_path: Path, probe: str) -> None:
    _write_package(tmp_path, probe)
    result = same("-m", "pack", "a", "-m", "b")
    assert b"ModuleSpec" in result.stdout
    same("-m", "pack.inner.module", "x")
    same("-mpack.inner.module", "x")
    same("-O", "-m", "pack", "x")
    (tmp_path / "small.py").write_text("import sys; print(sys.argv, sys.flags.optimize)")
    assert b" 1\n" in same("-Om", "small", "x").stdout
    same("-I", "-m", "json.tool", "--help")


def test_command(same: Same, probe: str) -> None:
    result = same("-c", probe, "a", "-c", "b")
    assert b"argv ['-c', 'a', '-c', 'b']" in result.stdout
    same("-c" + probe)
    same("-E", "-c", probe, "-O")
    assert b"-O" in same("-Ec", "import sys; print(sys.argv)", "-O").stdout
    same("-c", "print('\xe4\u20ac', __file__)")


def test_stdin(same: Same, probe: str) -> None:
    result = same("-", "a", "b", stdin=probe.encode())
    assert b"argv ['-', 'a', 'b']" in result.stdout
    same(stdin=probe.encode())
    same("-I", stdin=probe.encode())
    same("-O", "-", "x", stdin=probe.encode())


def test_stdin_is_left_to_the_program(same: Same, tmp_path: Path) -> None:
    (tmp_path / "echo.py").write_text("import sys; print(sys.stdin.read().upper())")
    assert b"SOME WORDS" in same("echo.py", stdin=b"some words").stdout


def test_folder_and_zip(same: Same, tmp_path: Path, probe: str) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "__main__.py").write_text("import helper\n" + probe)
    (folder / "helper.py").write_text("print('helper', __name__, __file__)\n")
    same("app", "x", "y")
    same("-I", "app", "x")
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        for file in folder.iterdir():
            if file.suffix == ".py":
                archive.write(file, file.name)
    result = same("app.zip", "x")
    assert b"zipimporter" in result.stdout
    (tmp_path / "empty").mkdir()
    assert same("empty").returncode == 1


def test_compiled_file(same: Same, tmp_path: Path, script: Path) -> None:
    import py_compile

    py_compile.compile(str(script), cfile=str(tmp_path / "program.pyc"), doraise=True)
    same("program.pyc", "x")


@only_command
@pytest.mark.parametrize("flags", FLAGS, ids=" ".join)
def test_flags(same: Same, script: Path, flags: list[str]) -> None:
    result = same(*flags, "program.py", "arg")
    assert b"flags" in result.stdout


def test_some_flags_by_each_launcher(same: Same, script: Path) -> None:
    same("-OI", "-X", "dev", "-Werror", "program.py", "arg")
    same("-V")


def test_flag_that_skips_the_first_line(same: Same, tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text("this is no python\nprint('line 2')\n")
    assert same("-x", "odd.py").stdout == b"line 2\n"


def test_verbose_flag(both: Callable, script: Path) -> None:
    stock, ours = both("-v", "program.py")
    assert b"import 'site'" in stock.stderr and b"import 'site'" in ours.stderr
    assert ours.stdout == stock.stdout


def test_environment_variables(same: Same, script: Path) -> None:
    same("program.py", env={"PYTHONOPTIMIZE": "2", "PYTHONWARNINGS": "error", "PYTHONUTF8": "1"})
    same("program.py", env={"PYTHONPATH": "/nowhere:/tmp", "PYTHONSAFEPATH": "1"})
    same("program.py", env={"PYTHONMALLOC": "debug"})
    same("-E", "program.py", env={"PYTHONPATH": "/nowhere", "PYTHONOPTIMIZE": "1"})


@only_command
@pytest.mark.parametrize(
    "args", [["-V"], ["--version"], ["-VV"], ["-c"], ["-m"], ["-W"], ["-Z"], ["--nonsense"]]
)
def test_what_python_itself_answers(same: Same, args: list[str]) -> None:
    same(*args)


def test_interactive_flag(same: Same, script: Path) -> None:
    (script.parent / "small.py").write_text("x = 41\nimport sys; sys.exit(3)\n")
    result = same("-i", "small.py", stdin=b"print('x is', x + 1)\n1/0\n")
    assert b"x is 42" in result.stdout and b"ZeroDivisionError" in result.stderr
    same("small.py", stdin=b"print(x)\n", env={"PYTHONINSPECT": "1"})
    same("-i", stdin=b"print(6 * 7)\n")
    same("-qi", stdin=b"import sys\nprint(sys.ps1, __name__)\n")


def test_shadowing_files_do_no_harm(launcher: Launcher, same: Same, tmp_path: Path) -> None:
    for name in ("posix", "argparse", "runpy", "_run", "_launch", "fullspeed"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong ' + __name__)\n")
    (tmp_path / "program.py").write_text("import sys; print(sys.path[0], __name__)\n")
    if "-m" in launcher.words:  # `python -m fullspeed` itself takes what the folder has
        (tmp_path / "fullspeed.py").unlink()
        (tmp_path / "runpy.py").unlink()
    assert b"__main__" in same("program.py").stdout
    same("-O", "program.py")


def test_nothing_of_ours_is_left(both: Callable, tmp_path: Path) -> None:
    code = (
        "import sys; print([m for m in sys.modules if m.startswith('fullspeed')]); import gc; "
        "print('argparse' in sys.modules, 're' in sys.modules)"
    )
    stock, ours = both("-c", code)
    ours_modules = ours.stdout.splitlines()[0].decode()
    allowed = {"fullspeed", "fullspeed._run", "fullspeed._engine"}
    assert set(eval(ours_modules)) <= allowed
    assert ours.stdout.splitlines()[1] == stock.stdout.splitlines()[1]
