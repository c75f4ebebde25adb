"""Modules on processors below their baseline: an ImportError, and not one instruction too many.

A module is built with -march=haswell as the package would be, guard and core for x86-64-v1 as
src/cpu/meson.build builds them. qemu's Core 2 stops at any instruction that it does not have.
"""

from __future__ import annotations

import re
import sys
import sysconfig
from pathlib import Path

import cpu_build
import cpu_options
import pytest
from cpu_compiler import Compiler
from cpu_table import Table
from cross_build import CORE, ROOT, WARNINGS, call, must_have

MODULE = r"""
#include <Python.h>
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "_guarded", .m_size = 0};
__attribute__((visibility("hidden"))) PyObject *fs_module__guarded(void)
{
    __asm__ volatile("vzeroupper\n\tandn %%eax, %%eax, %%eax" ::: "eax");
    return PyModuleDef_Init(&definition);
}
"""
PYTHON = "/usr/bin/python3.11"


@pytest.fixture(scope="module", params=["gcc", "clang-19"])
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory,
    includes: list[str], table: Table,
) -> Path:  # fmt: skip
    """The folder of the module and of the objects that run before the check."""
    compiler = must_have(request.param)
    folder = tmp_path_factory.mktemp("guard")
    (folder / "module.c").write_text(MODULE)
    args = [
        "-march=haswell",
        *WARNINGS,
        "-O3",
        "-fPIC",
        *includes,
        f"-I{sysconfig.get_path('include')}",
    ]
    maker = Compiler(table, request.param.partition("-")[0], [compiler])
    least = cpu_build.least_flags(cpu_options.resolve(table, "x86_64", maker, "min", "none"))
    early = []
    for name in ("src/cpu/cpu_guard.c", *CORE):
        early.append(folder / (Path(name).stem + ".o"))
        call(compiler, *args, *least, "-DFS_GUARDED=_guarded", "-c", ROOT / name, "-o", early[-1])
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    call(compiler, *args, "-shared", folder / "module.c", ROOT / "src/cpu/cpu_baseline.c", *early,
         "-o", folder / f"_guarded{suffix}")  # fmt: skip
    return folder


def test_early_code_is_for_every_processor(built: Path) -> None:
    objects = list(built.glob("*.o"))
    assert len(objects) == len(CORE) + 1
    beyond = re.compile(r"\t(v[a-z]+|andn|bextr|bls\w+|[ls]a?[rhl]x|rorx|pdep|pext|mulx|movbe|lzcnt"
                        r"|tzcnt|popcnt|p\w+\s.*%[yz]mm)\b")  # fmt: skip
    for path in objects:
        code = call("objdump", "-d", "--no-show-raw-insn", path)
        found = [line for line in code.splitlines() if beyond.search(line)]
        # bsf with a prefix is tzcnt's encoding, and the same for numbers that are not 0.
        assert [line for line in found if "tzcnt" not in line] == [], path


CODE = "import sys; sys.path.insert(0, {!r}); import _guarded; print('imported')"


def test_below_the_baseline(built: Path) -> None:
    emulator = must_have("qemu-x86_64")
    code = CODE.format(str(built)).replace("import _guarded; print('imported')", """
try:
    import _guarded
except ImportError as error:
    print(error)
""")  # fmt: skip
    text = call(emulator, "-cpu", "core2duo", PYTHON, "-S", "-E", "-c", code)
    assert text.startswith("fullspeed._guarded was built for CPU features that this CPU, Intel(R) "
                           "Core(TM)2 Duo")  # fmt: skip
    missing = text[text.index("not have: ") : text.index(". It needs: ")].split()[2:]
    assert {"SSE41", "AVX", "AVX2", "FMA3", "BMI", "X86_V3"} <= set(missing)
    assert not {"SSE2", "SSSE3"} & set(missing)
    assert "-Dcpu-baseline" in text


def test_at_the_baseline(built: Path) -> None:
    emulator = must_have("qemu-x86_64")
    text = call(emulator, "-cpu", "Haswell", PYTHON, "-S", "-E", "-c", CODE.format(str(built)))
    assert text == "imported\n"
    from fullspeed import _cpu

    if "X86_V3" in _cpu.state()["found"]:
        assert call(sys.executable, "-c", CODE.format(str(built))) == "imported\n"
