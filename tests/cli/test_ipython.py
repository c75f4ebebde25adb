"""%load_ext fullspeed and the %fullspeed and %%fullspeed magics, in a real IPython shell."""

import subprocess
import sys
import textwrap
from pathlib import Path

from conftest import make_environment

START = r"""
import os, re, sys
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
shell = InteractiveShell.instance()
import fullspeed
def cell(source):
    with capture_output() as seen:
        result = shell.run_cell(source)
    return result, re.sub(r"\x1b\[[0-9;]*m", "", seen.stdout)
def on():
    return fullspeed.is_enabled()
"""


def run_shell(code: str, folder: Path, engine: str | None = None) -> str:
    result = subprocess.run(
        [sys.executable, "-c", START + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        env=make_environment(engine, {"IPYTHONDIR": str(folder), "HOME": str(folder)}),
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_cell_magic(tmp_path: Path) -> None:
    assert run_shell(
        """
        cell("%load_ext fullspeed")
        print(on())
        shell.user_ns["fullspeed"] = fullspeed
        _, seen = cell("%%fullspeed\\nx = fullspeed.is_enabled()\\nprint('in', x)\\nx")
        print(seen.split("\\n")[0], "Out" in seen, on(), shell.user_ns["x"])
        """,
        tmp_path,
    ).splitlines() == ["False", "in True True False True"]


def test_cell_magic_with_an_error(tmp_path: Path) -> None:
    assert run_shell(
        """
        cell("%load_ext fullspeed")
        _, seen = cell("%%fullspeed\\ndef f():\\n    return 1 / 0\\nf()")
        print("ZeroDivisionError" in seen, "return 1 / 0" in seen, on())
        cell("%%fullspeed\\nimport asyncio\\nawait asyncio.sleep(0)\\ny = 5")
        print(shell.user_ns["y"], on())
        """,
        tmp_path,
    ).splitlines() == ["True True False", "5 False"]


def test_line_magic(tmp_path: Path) -> None:
    assert run_shell(
        """
        cell("%load_ext fullspeed")
        cell("%fullspeed on"); print(on(), cell("%fullspeed")[1].strip())
        cell("%%fullspeed\\n1"); print(on())
        cell("%fullspeed off"); print(on(), cell("%fullspeed status")[1].strip())
        print("takes on, off or status" in cell("%fullspeed sideways")[1] + str(
            cell("%fullspeed sideways")[0].error_in_exec))
        """,
        tmp_path,
    ).splitlines() == ["True fullspeed is on", "True", "False fullspeed is off", "True"]


def test_unload(tmp_path: Path) -> None:
    assert run_shell(
        """
        cell("%load_ext fullspeed"); cell("%fullspeed on")
        cell("%unload_ext fullspeed")
        print(on(), shell.find_line_magic("fullspeed"), shell.find_cell_magic("fullspeed"))
        cell("%load_ext fullspeed"); cell("%fullspeed on"); print(on())
        """,
        tmp_path,
    ).splitlines() == ["False None None", "True"]


def test_switched_off(tmp_path: Path) -> None:
    assert (
        run_shell(
            """
        cell("%load_ext fullspeed"); cell("%fullspeed on"); print(on())
        """,
            tmp_path,
            "0",
        )
        == "False\n"
    )
