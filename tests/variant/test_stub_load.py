"""The import stub: which variant it loads, and that the module is what it would be without."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import variant_tools as tools

IMPORT = "from pack import _x; print(_x.level())"


def name_of(level: int) -> str:
    return f"v{level}" if level > 1 else "baseline"


@pytest.mark.parametrize(
    ("variables", "most"),
    [
        ({}, 4),
        ({"FULLSPEED_DISABLE_CPU_FEATURES": "X86_V4"}, 3),
        ({"FULLSPEED_DISABLE_CPU_FEATURES": "avx512f"}, 3),
        ({"FULLSPEED_DISABLE_CPU_FEATURES": "AVX512CD,\tX86_V3"}, 2),
        ({"FULLSPEED_DISABLE_CPU_FEATURES": "SSE42"}, 1),
        ({"FULLSPEED_DISABLE_CPU_FEATURES": "x86_v2"}, 1),
        ({"FULLSPEED_ENABLE_CPU_FEATURES": "X86_V2"}, 2),
        ({"GLIBC_TUNABLES": "glibc.malloc.check=0:glibc.cpu.hwcaps=-AVX2,-ERMS"}, 2),
        ({"GLIBC_TUNABLES": "glibc.cpu.hwcaps=AVX2"}, 4),
    ],
)  # fmt: skip
def test_level(site: Path, best: int, variables: dict[str, str], most: int) -> None:
    assert tools.output(site, IMPORT, **variables) == name_of(min(best, most))


@pytest.mark.parametrize(
    ("cpu", "found"),
    [("core2duo", "baseline"), ("Nehalem", "v2"), ("Haswell", "v3"), ("Haswell,-bmi2", "v2")],
)
def test_emulated_processors(site: Path, cpu: str, found: str) -> None:
    """What the stub itself runs is no more than such a processor has."""
    qemu = shutil.which("qemu-x86_64")
    if qemu is None:
        pytest.skip("there is no qemu-x86_64 (tools/setup.sh cross installs it)")
    text = f"import sys; sys.path.insert(0, {str(site)!r})\n{IMPORT}"
    python = os.path.realpath(sys.executable)
    done = subprocess.run(
        [qemu, "-cpu", cpu, python, "-IS", "-c", text],
        env=tools.CLEAN, capture_output=True, text=True, cwd="/",
    )  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, found), done.stderr


@pytest.mark.parametrize("value", ["SSE99", "SSE2", ","])
def test_wrong_variable(site: Path, value: str) -> None:
    done = tools.python(site, IMPORT, FULLSPEED_DISABLE_CPU_FEATURES=value)
    assert done.returncode == 1
    assert "ImportError: the environment's FULLSPEED_DISABLE_CPU_FEATURES" in done.stderr


def test_module_looks_as_without(site: Path) -> None:
    code = """
import importlib, os
from pack import _x
path = os.path.join(sys.path[0], 'pack', '_x' + %r)
assert _x.__file__ == _x.__spec__.origin == path, (_x.__file__, path)
assert _x.__name__ == 'pack._x' and _x.__package__ == 'pack'
assert type(_x.__loader__).__name__ == 'ExtensionFileLoader'
assert _x.calls() == 0 and _x.level() == _x.level() and _x.calls() == 2
assert importlib.reload(_x) is _x
del sys.modules['pack._x'], sys.modules['pack'].__dict__['_x']
again = importlib.import_module('pack._x')
assert again is not _x and again.calls() == 0
import pkgutil, pack
assert [m.name for m in pkgutil.iter_modules(pack.__path__)] == ['_x']
"""
    tools.output(site, code % tools.SUFFIX)


@pytest.mark.parametrize(
    ("name", "suffix", "source", "flags"),
    [
        ("_one", tools.SUFFIX, "module_single.c", ["-DSIZE=-1"]),
        ("_one", tools.SUFFIX, "module_single.c", ["-DSIZE=0"]),
        ("_one", ".abi3.so", "module_single.c", ["-DSIZE=0", "-DPy_LIMITED_API=0x03020000"]),
        ("_one", ".so", "module_single.c", ["-DSIZE=-1"]),
        ("_one", tools.SUFFIX, "module_multi.c", ["-xc++", "-fpermissive"]),
    ],
)  # fmt: skip
def test_kinds(
    stubs: object, best: int, tmp_path: Path, name: str, suffix: str, source: str, flags: list[str]
) -> None:
    compiler = "g++" if "-xc++" in flags else "gcc"
    code = tools.at_levels(tmp_path, source, name, *flags, compiler=compiler)
    site = tools.install(tools.merge(stubs, f"{name}{suffix}", code), tmp_path / "site")
    text = f"""
import importlib
import {name}
first = {name}.level()
assert {name}.__file__.endswith({name + suffix!r})
del sys.modules[{name!r}]
assert importlib.import_module({name!r}).level() == first
print(first)
"""
    assert tools.output(site, text) == name_of(best)
    one = {"FULLSPEED_DISABLE_CPU_FEATURES": "X86_V2"}
    assert tools.output(site, text, **one) == "baseline"


def test_name_beyond_ascii(stubs: object, best: int, tmp_path: Path) -> None:
    flags = ["-DINIT_PREFIX=PyInitU_"]
    code = tools.at_levels(tmp_path, "module_multi.c", "schnr_mua", *flags)  # PEP 489
    site = tools.install(tools.merge(stubs, f"schnör{tools.SUFFIX}", code), tmp_path / "site")
    assert tools.output(site, "import schnör; print(schnör.level())") == name_of(best)


@pytest.mark.parametrize(("source", "own"), [("module_multi.c", True), ("module_single.c", False)])
def test_sub_interpreters(stubs: object, best: int, tmp_path: Path, source: str, own: bool) -> None:
    code = tools.at_levels(tmp_path, source, "_sub", "-DSIZE=0")
    site = tools.install(tools.merge(stubs, f"_sub{tools.SUFFIX}", code), tmp_path / "site")
    text = f"""
import _xxsubinterpreters as subs
import _sub
_sub.level()
for _ in range(3):
    sub = subs.create()
    subs.run_string(sub, "import sys; sys.path.insert(0, {str(site)!r}); import _sub\\n"
        "assert not {own} or _sub.calls() == 0\\n"
        "assert _sub.level() == {name_of(best)!r}")
    subs.destroy(sub)
print(_sub.level())
"""
    assert tools.output(site, text) == name_of(best)


@pytest.mark.parametrize(("flag", "seen"), [("os.RTLD_LOCAL", False), ("os.RTLD_GLOBAL", True)])
def test_dlopen_flags(site: Path, flag: str, seen: bool) -> None:
    text = f"""
import ctypes, os
sys.setdlopenflags(os.RTLD_NOW | {flag})
from pack import _x
print(hasattr(ctypes.CDLL(None), 'variant_symbol'))
"""
    assert tools.output(site, text) == str(seen)


def test_error_of_the_module(stubs: object, tmp_path: Path) -> None:
    code = tools.at_levels(tmp_path, "module_multi.c", "_bad", "-DFAILS")
    site = tools.install(tools.merge(stubs, f"_bad{tools.SUFFIX}", code), tmp_path / "site")
    done = tools.python(site, "import _bad")
    assert done.returncode == 1
    assert done.stderr.strip().endswith("ImportError: the module's own reason")


def test_threads(site: Path, best: int) -> None:
    text = """
import threading, importlib.util, glob, os
path = glob.glob(os.path.join(sys.path[0], 'pack', '_x*linux-gnu.so'))[0]
def load():
    spec = importlib.util.spec_from_file_location('_x', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found.append(module.level())
found = []
threads = [threading.Thread(target=load) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(found) == 8 and len(set(found)) == 1
print(found[0])
"""
    assert tools.output(site, text) == name_of(best)


def test_more_rights_than_the_user(site: Path, best: int, tmp_path: Path) -> None:
    """In a setuid program the environment chooses nothing."""
    if os.getuid() != 0:
        pytest.skip("only root can make a setuid program of another user's")
    if best == 1:
        pytest.skip("this CPU has one level only")
    program = tmp_path / "python"
    shutil.copy(os.path.realpath(sys.executable), program)
    os.chown(program, 1, 1)
    program.chmod(0o4755)
    for folder in (tmp_path, *tmp_path.parents[:2]):  # pytest's are for their owner only
        folder.chmod(0o755)
    text = (
        f"import sys, os; sys.path.insert(0, {str(site)!r})\n"
        "assert os.geteuid() != os.getuid(), 'nosuid'\n" + IMPORT
    )
    variables = tools.CLEAN | {"FULLSPEED_DISABLE_CPU_FEATURES": "X86_V2", "FULLSPEED_PROBE": "x"}
    done = subprocess.run(
        [program, "-S", "-c", text], env=variables, capture_output=True, text=True, cwd="/"
    )
    if "nosuid" in done.stderr:
        pytest.skip("the file system does not let programs be setuid")
    assert done.stdout.strip() == name_of(best), done.stderr
