"""The build backend of this package: meson-python, with the C compiler chosen first.

How it works: pip calls these hooks (PEP 517). Each checks what the build needs, sets CC, and goes
on to meson-python. The tail-calling interpreter needs clang >= 19; where the user has set no CC,
has not asked for another dispatch, and such a clang is on PATH, it becomes the compiler.

An editable wheel of meson-python holds no commands, so `fullspeed` is added to it here: a short
shell script, since the command proper finds its files by where they are installed.

What must stay true: a CC from the user always wins, and whatever is missing is said in one
sentence before meson has written anything.
"""

import base64
import hashlib
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import mesonpy

OLDEST_CLANG = 19
NEWEST_CLANG = 40


def _stop(sentence: str) -> None:
    """End the build with one sentence."""
    sys.exit(f"fullspeed cannot be built: {sentence}")


def _clang_major(command: str) -> int:
    """Major version of a clang, 0 when it is none."""
    try:
        output = subprocess.run(
            [command, "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    match = re.search(r"clang version (\d+)\.", output)
    return int(match[1]) if match else 0


def _find_clang() -> "str | None":
    """The newest clang on PATH that can make the tail-calling interpreter."""
    names = [f"clang-{major}" for major in range(NEWEST_CLANG, OLDEST_CLANG - 1, -1)]
    for name in [*names, "clang"]:
        found = shutil.which(name)
        if found and _clang_major(found) >= OLDEST_CLANG:
            return found
    return None


def _wanted_dispatch(config_settings: "dict | None") -> str:
    """The -Ddispatch= that the user passes through to meson, else 'auto'."""
    setup_args = (config_settings or {}).get("setup-args", [])
    if isinstance(setup_args, str):
        setup_args = [setup_args]
    wanted = "auto"
    for argument in setup_args:
        match = re.fullmatch(r"(?:-D|--)\s*dispatch=(.+)", argument.strip())
        if match:
            wanted = match[1]
    return wanted


def _check_python() -> None:
    """Stop on a Python that the engine does not know, or one without its C headers."""
    name, version = platform.python_implementation(), platform.python_version()
    if name != "CPython" or sys.version_info[:2] != (3, 11):
        _stop(f"it needs CPython 3.11, and {sys.executable} is {name} {version}.")
    if sys.version_info < (3, 11, 0, "final"):
        _stop(f"it needs a finished CPython 3.11, and {sys.executable} is a preview, {version}.")
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "AMD64"):
        _stop(f"it runs on Linux on x86-64, not on {sys.platform} on {platform.machine()}.")
    include = Path(sysconfig.get_path("include"))
    if not (include / "internal" / "pycore_frame.h").is_file():
        _stop(
            f"the C headers of {sys.executable} are missing from {include} "
            "(on Debian and Ubuntu: apt install python3.11-dev)."
        )


def _choose_compiler(config_settings: "dict | None") -> str:
    """Set CC unless the user has, and say in words what was chosen."""
    cc = os.environ.get("CC")
    if cc:
        if not shutil.which(cc.split()[0]):
            _stop(f"the compiler {cc!r} from the environment variable CC is not on PATH.")
        return f"CC={cc} from the environment"
    wanted = _wanted_dispatch(config_settings)
    clang = _find_clang() if wanted != "computed-goto" else None
    if clang:
        os.environ["CC"] = clang
        return f"{clang} (clang >= {OLDEST_CLANG}: it can make the tail-calling interpreter)"
    for name in ("cc", "gcc", "clang"):
        found = shutil.which(name)
        if found:
            os.environ["CC"] = found
            return f"{found} (no clang >= {OLDEST_CLANG} on PATH, or not wanted)"
    _stop("no C compiler found; install gcc or clang-19, or set CC.")
    raise AssertionError


def _prepare(config_settings: "dict | None") -> str:
    _check_python()
    return _choose_compiler(config_settings)


def _cpu_report(wheel: Path) -> str:
    """What came of the options cpu-baseline and cpu-dispatch; an editable wheel has no report."""
    with zipfile.ZipFile(wheel) as files:
        for name in files.namelist():
            if name.endswith("fullspeed/_cpu_build.txt"):
                return files.read(name).decode()
    return ""


def _report(choice: str, wheel: Path) -> None:
    """Say at the end what became of the CPU options, and which compiler was used; meson's own
    summary has the dispatch."""
    print(_cpu_report(wheel), end="")
    print(f"fullspeed was built with {choice}; `fullspeed info` shows the dispatch.", flush=True)


def _editable_command() -> str:
    """The `fullspeed` of an editable install: the Python beside it, our start file of here."""
    start = Path(__file__).resolve().parents[2] / "python" / "fullspeed" / "_start.py"
    base = getattr(sys, "_base_executable", sys.executable)
    return (
        "#!/bin/sh\n"
        'here=$(readlink -f "$0")\n'
        "python=${here%/*}/python3.11\n"
        f'[ -x "$python" ] || python={shlex.quote(base)}\n'
        f'exec "$python" {shlex.quote(str(start))} "$@"\n'
    )


def _add_command(wheel: Path) -> None:
    """Put the editable command into a wheel, and into its list of files."""
    with zipfile.ZipFile(wheel) as old:
        (record,) = [name for name in old.namelist() if name.endswith(".dist-info/RECORD")]
        files = [(info, old.read(info)) for info in old.infolist()]
    command = zipfile.ZipInfo(record.replace(".dist-info/RECORD", ".data/scripts/fullspeed"))
    command.external_attr = 0o100755 << 16
    text = _editable_command().encode()
    digest = base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=").decode()
    row = f"{command.filename},sha256={digest},{len(text)}\n"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as new:
        new.writestr(command, text)
        for info, data in files:
            new.writestr(info, data + row.encode() if info.filename == record else data)


def get_requires_for_build_wheel(config_settings=None):
    """PEP 517 hook."""
    _prepare(config_settings)
    return mesonpy.get_requires_for_build_wheel(config_settings)


def get_requires_for_build_editable(config_settings=None):
    """PEP 660 hook."""
    _prepare(config_settings)
    return mesonpy.get_requires_for_build_editable(config_settings)


def get_requires_for_build_sdist(config_settings=None):
    """PEP 517 hook."""
    return mesonpy.get_requires_for_build_sdist(config_settings)


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """PEP 517 hook."""
    choice = _prepare(config_settings)
    name = mesonpy.build_wheel(wheel_directory, config_settings, metadata_directory)
    _report(choice, Path(wheel_directory) / name)
    return name


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    """PEP 660 hook."""
    choice = _prepare(config_settings)
    name = mesonpy.build_editable(wheel_directory, config_settings, metadata_directory)
    _add_command(Path(wheel_directory) / name)
    _report(choice, Path(wheel_directory) / name)
    return name


def build_sdist(sdist_directory, config_settings=None):
    """PEP 517 hook."""
    return mesonpy.build_sdist(sdist_directory, config_settings)
