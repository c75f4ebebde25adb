"""The stencils that are checked in are those that the sources make, and the generator refuses what
a stencil must not do."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "stencilgen" / "stencilgen.py"


@pytest.fixture
def stencilgen() -> ModuleType:
    spec = importlib.util.spec_from_file_location("stencilgen", TOOL)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["stencilgen"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def compiler(stencilgen: ModuleType) -> str:
    """The clang that makes stencils, of the version that has made those checked in."""
    version = stencilgen.compiler_version()
    if version is None:
        pytest.skip("clang-19 is not installed")
    return version


def test_the_digest_is_that_of_the_inputs(stencilgen: ModuleType) -> None:
    assert stencilgen.recorded("digest") == stencilgen.digest()


def test_every_input_counts(stencilgen: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another byte in any of the inputs is another digest."""
    names = {path.name for path in stencilgen.inputs()}
    assert {"stencilgen.py", "stencil.h", "stencil_alloc.c", "interp_pool.h"} <= names
    before, read = stencilgen.digest(), Path.read_bytes
    for changed in stencilgen.inputs():
        monkeypatch.setattr(
            Path, "read_bytes", lambda self, c=changed: read(self) + b" " * (self == c)
        )
        assert stencilgen.digest() != before, changed


def test_the_header_is_what_the_sources_make(stencilgen: ModuleType, compiler: str) -> None:
    made = stencilgen.recorded("compiler").removeprefix("clang ")
    if compiler != made:
        pytest.skip(f"the stencils are made by clang {made}, here is {compiler}")
    assert stencilgen.make(compiler) == stencilgen.HEADER.read_text()


BODY = """
#include "stencil/stencil.h"
extern void other(void);
CONVENTION void stranger(REGISTERS);
STENCIL(thing, RAX, {free})
{{
    {code}
    GO_ON(thing);
}}
"""
MANY = "\n    ".join(f"word v{i} = ((word *)rdi)[{i}];" for i in range(12))
SUM = " ^ ".join(f"v{i} * v{(i + 3) % 12}" for i in range(12))


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("other();", "must not have: (call|push)"),
        (f"{MANY}\n    rax = {SUM};", "must not have: push"),
        ("xmm0 = xmm0 * *(double *)rdi + *(double *)rsi / xmm0;", "must not have: .*xmm[12]"),
        ('__asm__ volatile("" ::: "rbx");', "must not have: push"),
        ("if (rax) { HAND_ON(stranger, NONE); }", "a jump to .*stranger"),
    ],
)  # fmt: skip
def test_what_a_stencil_must_not_do(
    stencilgen: ModuleType, compiler: str, tmp_path: Path, code: str, complaint: str
) -> None:
    source = tmp_path / "stencil_bad.c"
    source.write_text(BODY.format(code=code, free="NONE"))
    with pytest.raises(stencilgen.StencilError, match=complaint):
        stencilgen.compile_source(source, tmp_path)


def test_holes_and_what_is_lost(stencilgen: ModuleType, compiler: str, tmp_path: Path) -> None:
    """Jumps to holes are direct, the last one is not there, constants are 64 bits wide."""
    source = tmp_path / "stencil_good.c"
    source.write_text(BODY.format(
        code="if (UNLIKELY(*(word *)rdi == VALUE(1))) { ASIDE(thing); }\n"
             "if (UNLIKELY(rsi < 9)) { LEAVE(thing); }\nrax = VALUE(0);",
        free="RCX | RDX"))  # fmt: skip
    (stencil,), _ = stencilgen.compile_source(source, tmp_path)
    assert stencil.clobbers == 0b111
    assert [(hole.kind, hole.what) for hole in stencil.holes] == [
        ("ABS64", "value1"), ("REL32", "aside"), ("REL32", "leave"), ("ABS64", "value0"),
    ]  # fmt: skip
    for hole in stencil.holes:
        if hole.kind == "REL32":  # jcc with a distance of four bytes
            assert stencil.code[hole.at - 2] == 0x0F and stencil.code[hole.at - 1] & 0xF0 == 0x80
