"""`fullspeed autoload`: in a virtual environment of its own, with a copy of the package."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import make_environment

SHOW = (
    "import sys; m = sys.modules.get('fullspeed._engine'); print(bool(m) and m.is_enabled(), "
    "[n for n in sys.modules if n.startswith('fullspeed')])"
)
PLAIN = "False []\n"


class Environment:
    """A virtual environment that holds fullspeed and nothing else."""

    def __init__(self, folder: Path) -> None:
        import fullspeed

        base = getattr(sys, "_base_executable", sys.executable)
        subprocess.run([base, "-m", "venv", "--without-pip", str(folder)], check=True)
        self.python = folder / "bin" / "python"
        self.site = folder / "lib" / "python3.11" / "site-packages"
        self.package = self.site / "fullspeed"
        shutil.copytree(Path(fullspeed.__file__).parent, self.package)
        self.pth = self.site / "fullspeed_autoload.pth"
        self.start = self.site / "fullspeed_autoload.start"

    def run(self, *args: str, engine: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.python), *args],
            capture_output=True,
            text=True,
            env=make_environment(engine),
            timeout=60,
        )

    def autoload(self, action: str) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "fullspeed", "autoload", action)

    def show(self, engine: str | None, *flags: str) -> str:
        result = self.run(*flags, "-c", SHOW, engine=engine)
        assert result.returncode == 0 and result.stderr == "", result.stderr
        return result.stdout


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path / "venv")


def test_cycle(environment: Environment) -> None:
    result = environment.autoload("status")
    assert (result.returncode, result.stdout.splitlines()[0]) == (1, "autoload is disabled")
    assert environment.show("1") == PLAIN
    assert environment.autoload("enable").returncode == 0
    assert environment.autoload("enable").returncode == 0
    assert sorted(os.listdir(environment.site)) == [
        "fullspeed",
        "fullspeed_autoload.pth",
        "fullspeed_autoload.start",
    ]
    result = environment.autoload("status")
    assert (result.returncode, result.stdout.splitlines()[0]) == (0, "autoload is enabled")
    assert environment.show("1").startswith("True ")
    assert environment.show("1", "-I").startswith("True ")
    assert environment.show("0") == environment.show("0", "-I")
    assert environment.show("0").startswith("False ")
    assert environment.show(None) == environment.show("") == PLAIN
    assert environment.show("1", "-S") == PLAIN
    assert environment.autoload("disable").returncode == 0
    assert os.listdir(environment.site) == ["fullspeed"]
    assert environment.autoload("disable").returncode == 0
    assert environment.show("1") == PLAIN


def test_children_have_it(environment: Environment, tmp_path: Path) -> None:
    environment.autoload("enable")
    (tmp_path / "program.py").write_text(
        "import multiprocessing as mp, subprocess, sys, fullspeed\n"
        "def work(_): return fullspeed.is_enabled()\n"
        "if __name__ == '__main__':\n"
        "    for method in ('fork', 'spawn', 'forkserver'):\n"
        "        with mp.get_context(method).Pool(1) as pool: print(method, pool.map(work, [1]))\n"
        "    code = 'import fullspeed; print(fullspeed.is_enabled())'\n"
        "    print(subprocess.check_output([sys.executable, '-c', code], text=True))\n"
    )
    program = str(tmp_path / "program.py")
    expected = ["fork [True]", "spawn [True]", "forkserver [True]", "True", ""]
    assert environment.run(program, engine="1").stdout.splitlines() == expected
    assert environment.run("-m", "fullspeed", "run", program).stdout.splitlines() == expected
    off = environment.run(program, engine="0").stdout
    assert off.splitlines() == [line.replace("True", "False") for line in expected]


def test_files_are_readable_by_all(environment: Environment) -> None:
    environment.autoload("enable")
    for path in (environment.pth, environment.start):
        assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_start_file_names_a_function_that_exists(environment: Environment) -> None:
    environment.autoload("enable")
    (entry,) = environment.start.read_text().splitlines()
    code = f"import pkgutil; f = pkgutil.resolve_name({entry!r}); print(f()); {SHOW}"
    result = environment.run(
        "-S", "-c", f"import sys; sys.path.append({str(environment.site)!r}); " + code, engine="1"
    )
    assert result.stdout.startswith("None\nTrue "), result.stderr


def test_pth_has_only_import_lines(environment: Environment) -> None:
    environment.autoload("enable")
    lines = environment.pth.read_text().splitlines()
    assert len(lines) == 1 and lines[0].startswith("import ")


def test_uninstalled_package_does_no_harm(environment: Environment) -> None:
    environment.autoload("enable")
    shutil.rmtree(environment.package)
    assert environment.show("1") == PLAIN
    assert environment.show(None) == PLAIN


@pytest.mark.parametrize(
    "file", ["__init__.py", "_autoload.py", "_run.cpython-311-x86_64-linux-gnu.so"]
)
def test_broken_package_does_no_harm(environment: Environment, file: str) -> None:
    environment.autoload("enable")
    shutil.rmtree(environment.package / "__pycache__", ignore_errors=True)
    (environment.package / file).write_text("this is neither python nor an ELF file\n")
    result = environment.run("-c", "print('ran')", engine="1")
    assert (result.returncode, result.stdout) == (0, "ran\n")
    # site reads a virtual environment's folder twice, so the one line may stand there twice.
    (line,) = set(result.stderr.splitlines())
    assert line.startswith("fullspeed: autoload: ")
    assert environment.run("-c", "print('ran')").stderr == ""


def test_wrong_value_is_named_and_does_no_harm(environment: Environment) -> None:
    environment.autoload("enable")
    result = environment.run("-c", "print('ran')", engine="yes")
    assert (result.returncode, result.stdout) == (0, "ran\n")
    assert result.stderr.count("\n") == 1
    assert "FULLSPEED=yes" in result.stderr and "0, 1" in result.stderr


def test_damaged_files_are_reported_and_repaired(environment: Environment) -> None:
    environment.autoload("enable")
    environment.pth.write_text("")
    result = environment.autoload("status")
    assert result.returncode == 1 and "damaged" in result.stdout
    environment.autoload("enable")
    assert environment.autoload("status").returncode == 0
    environment.start.unlink()
    assert "damaged" in environment.autoload("status").stdout


def test_unwritable_folder(environment: Environment) -> None:
    # Also root cannot write through a name that is taken by a folder.
    environment.pth.mkdir()
    result = environment.autoload("enable")
    assert result.returncode == 1
    assert result.stderr.startswith("fullspeed: cannot write ") and "Traceback" not in result.stderr
    assert [n for n in os.listdir(environment.site) if n.startswith(".")] == []
    result = environment.autoload("disable")
    assert result.returncode == 1 and result.stderr.startswith("fullspeed: cannot remove ")


def test_cost_for_others_is_nothing(environment: Environment) -> None:
    environment.autoload("enable")
    code = "import sys; print(sorted(sys.modules))"
    with_autoload = environment.run("-c", code).stdout
    environment.autoload("disable")
    assert environment.run("-c", code).stdout == with_autoload


LOADER = (
    "import sys; m = sys.modules.get('fullspeed.loader'); e = sys.modules['fullspeed']; "
    "print(m is not None and m.is_installed(), e.is_enabled())"
)


@pytest.mark.parametrize(
    ("variables", "expected", "error"),
    [
        ({}, "False True\n", ""),
        ({"FULLSPEED_LOADER": "1"}, "True True\n", ""),
        ({"FULLSPEED_LOADER": "0"}, "False True\n", ""),
        (
            {"FULLSPEED_LOADER": "1", "FULLSPEED_DISABLE_CPU_FEATURES": "SSE99"},
            "False True\n",
            "fullspeed: autoload: running without the import hook: the environment's",
        ),
        (
            {"FULLSPEED_LOADER": "yes"},
            "False False\n",
            "fullspeed: autoload: running without the engine: the environment has FULLSPEED_LOADER",
        ),
    ],
)
def test_import_hook(
    environment: Environment, variables: dict[str, str], expected: str, error: str
) -> None:
    """FULLSPEED_LOADER=1 brings the hook in beside the engine; Python starts whatever happens."""
    assert environment.autoload("enable").returncode == 0
    done = subprocess.run(
        [str(environment.python), "-c", LOADER],
        capture_output=True,
        text=True,
        env=make_environment("1", variables),
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, expected)
    assert done.stderr.startswith(error) and done.stderr.count("\n") == (1 if error else 0)
