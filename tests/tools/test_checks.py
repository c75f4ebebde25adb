"""The checks of layering and machine code find what they are made to find."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = load("check_layers")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "SOURCE", tmp_path / "src")
    monkeypatch.setattr(module, "OTHER_NAMES", {})
    for name, text in {
        "base/base.h": "#include <stdint.h>\n",
        "pyrt/pyrt.h": '#include "base/base.h"\n#include <internal/pycore_code.h>\n',
        "interp/interp.h": '#include "pyrt/pyrt.h"\n#include "ops_enum_gen.h"\n',
    }.items():
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
    return module


def test_layers_accept_the_right_order(
    layers: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert layers.main() == 0
    assert "3 files, 5 includes, 0 problems" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("base/base_x.c", '#include "pyrt/pyrt.h"', "base may not know pyrt"),
        ("pyrt/pyrt_x.c", '#include "interp.h"', "pyrt may not know interp"),
        ("engine/engine_x.c", "#include <internal/pycore_code.h>", "may not see CPython's"),
        ("base/base_x.c", "#include <Python.h>", "base may not see CPython"),
        ("pyrt/pyrt_x.c", '#include "ops_enum_gen.h"', "pyrt may not use"),
        ("pyrt/other.c", "", "does not begin with the room"),
        ("pyrt/pyrt_x.c", "\n" * 2000, "lines, the limit is"),
        ("interp/interp_x_gen.h", "", "generated, but checked in"),
        ("attic/attic.c", "", "rooms without a place"),
        ("interp/interp_x.c", '#include "nowhere.h"', "in no room"),
    ],
)
def test_layers_complain(
    layers: ModuleType, capsys: pytest.CaptureFixture[str], name: str, text: str, complaint: str
) -> None:
    path = layers.SOURCE / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    assert layers.main() == 1
    assert complaint in capsys.readouterr().out


ASSEMBLER = """
.text
fs_op_GOOD:
    movq (%rdi), %rax
    testq %rax, %rax
    je 1f
    jmp *(%rsi,%rax,8)
1:  pushq %rbx
    call slow
    popq %rbx
    jmp *(%rsi,%rax,8)
.size fs_op_GOOD, .-fs_op_GOOD
fs_op_PUSHES:
    pushq %rbx
    testq %rax, %rax
    je 1f
    popq %rbx
    jmp *%rax
1:  call slow
    popq %rbx
    jmp *%rax
.size fs_op_PUSHES, .-fs_op_PUSHES
fs_op_MAKES_ROOM:
    testq %rax, %rax
    jne 2f
    jmp *%rax
2:  subq $8, %rsp
    addq $8, %rsp
    jmp *%rax
.size fs_op_MAKES_ROOM, .-fs_op_MAKES_ROOM
fs_op_RETURNS:
    testq %rax, %rax
    je 1f
    jmp *%rax
1:  ret
.size fs_op_RETURNS, .-fs_op_RETURNS
fs_op_CALLS:
    call *(%rsi,%rax,8)
    jmp fs_op_GOOD
.size fs_op_CALLS, .-fs_op_CALLS
slow:
    ret
.size slow, .-slow
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("handlers")
    source, built = folder / "handlers.s", folder / "handlers.so"
    source.write_text(ASSEMBLER)
    subprocess.run(["gcc", "-shared", "-nostdlib", "-o", built, source], check=True)
    return built


def run_handlers(
    monkeypatch: pytest.MonkeyPatch, library: Path, exceptions: Path | None
) -> tuple[int, ModuleType]:
    module = load("check_handlers")
    monkeypatch.setattr(module, "EXCEPTIONS", exceptions or library.with_name("none.toml"))
    monkeypatch.setattr(sys, "argv", ["check_handlers", str(library)])
    return module.main(), module


def test_handlers_find_each_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], library: Path
) -> None:
    code, _ = run_handlers(monkeypatch, library, None)
    lines = capsys.readouterr().out.splitlines()
    found = [tuple(text.split(": ")[:2]) for text in lines[:-1]]
    assert code == 1
    assert found == [
        ("fs_op_CALLS", "call-dispatch"),
        ("fs_op_MAKES_ROOM", "push"),
        ("fs_op_PUSHES", "push"),
        ("fs_op_RETURNS", "return"),
    ]


def test_handlers_want_each_exception_to_be_needed(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    library: Path,
    tmp_path: Path,
) -> None:
    exceptions = tmp_path / "exceptions.toml"
    text = '[push]\nPUSHES = "a"\nMAKES_ROOM = "b"\n[return]\nRETURNS = "c"\n'
    exceptions.write_text(text + '[call-dispatch]\nCALLS = "d"\n')
    assert run_handlers(monkeypatch, library, exceptions)[0] == 0
    exceptions.write_text(text + '[call-dispatch]\nCALLS = "d"\nGOOD = "stale"\n')
    assert run_handlers(monkeypatch, library, exceptions)[0] == 1
    assert "call-dispatch.GOOD is needed no more" in capsys.readouterr().out
    exceptions.write_text("[pushes]\n")
    with pytest.raises(SystemExit):
        run_handlers(monkeypatch, library, exceptions)


def test_a_library_without_handlers_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source, built = tmp_path / "empty.c", tmp_path / "empty.so"
    source.write_text("int nothing;\n")
    subprocess.run(["gcc", "-shared", "-o", built, source], check=True)
    assert run_handlers(monkeypatch, built, None)[0] == 1
