"""The import stub where variants are missing, damaged, foreign, or not what they seem."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import variant_tools as tools
from fullspeed.variants.stub import StubCompiler

IMPORT = "from pack import _x; print(_x.level())"
V3 = {"FULLSPEED_DISABLE_CPU_FEATURES": "X86_V4"}


@pytest.fixture
def v3(site: Path, best: int) -> Path:
    """The v3 variant's file; the tests have it as the first choice."""
    if best < 3:
        pytest.skip("this CPU has no x86-64-v3")
    return site / "pack" / f"_x{tools.SUFFIX[:-3]}.x86-64-v3.so"


def next_best(v3: Path, reason: str) -> None:
    """v2 is loaded, and a warning, which is not shown by itself, says why."""
    site = v3.parents[1]
    assert tools.output(site, IMPORT, **V3) == "v2"
    done = tools.python(site, IMPORT, "-Wdefault", **V3)
    assert done.stdout.strip() == "v2"
    assert f"ImportWarning: {site}" in done.stderr and f"{v3.name}: {reason}" in done.stderr


def test_missing(v3: Path) -> None:
    v3.unlink()
    next_best(v3, "No such file")


def test_warning_as_error(v3: Path) -> None:
    v3.unlink()
    done = tools.python(v3.parents[1], IMPORT, "-Werror", **V3)
    assert done.returncode == 1 and "ImportWarning" in done.stderr


def test_truncated(v3: Path) -> None:
    """At any length: the loader itself would die of SIGBUS."""
    whole = v3.read_bytes()
    needed = max(
        int.from_bytes(whole[at + 8 : at + 16], "little")
        + int.from_bytes(whole[at + 32 : at + 40], "little")
        for at in range(64, 64 + 56 * whole[56], 56)
        if whole[at : at + 4] == b"\1\0\0\0"  # PT_LOAD
    )
    for length in (0, 1, 16, 63, 64, 100, 700, 4096, 5000, needed // 2, needed - 1):
        v3.write_bytes(whole[:length])
        assert tools.output(v3.parents[1], IMPORT, **V3) == "v2", length
    next_best(v3, "truncated")


@pytest.mark.parametrize(
    ("at", "value", "reason"),
    [
        (0, b"\x7fELG", "not an ELF file"),
        (4, b"\1", "built for another architecture"),  # 32 bits
        (5, b"\2", "built for another architecture"),  # big endian
        (18, b"\xb7\0", "built for another architecture"),  # AArch64
        (16, b"\2\0", "not a shared library"),
        (54, b"\0\0", "its program headers are damaged"),
        (56, b"\xff\xff", "its program headers are damaged"),
        (32, b"\xff" * 8, "truncated"),  # where program headers are
    ],
)
def test_damaged(v3: Path, at: int, value: bytes, reason: str) -> None:
    data = bytearray(v3.read_bytes())
    data[at : at + len(value)] = value
    v3.write_bytes(data)
    next_best(v3, reason)


def test_not_a_file(v3: Path) -> None:
    v3.unlink()
    v3.mkdir()
    next_best(v3, "not a file")
    v3.rmdir()
    os.mkfifo(v3)  # opening it would wait for ever
    next_best(v3, "not a file")


def test_text(v3: Path) -> None:
    v3.write_text("#!/bin/sh\n" * 100)
    next_best(v3, "not an ELF file")


def test_without_init(v3: Path, tmp_path: Path) -> None:
    source = tmp_path / "empty.c"
    source.write_text("int nothing(void); int nothing(void) { return 1; }\n")
    tools.compile_module(source, v3)
    next_best(v3, "it has no PyInit__x")


def test_undefined_symbol(v3: Path, tmp_path: Path) -> None:
    source = tmp_path / "lacks.c"
    source.write_text("int lacking(void); int PyInit__x(void) { return lacking(); }\n")
    tools.compile_module(source, v3)
    done = tools.python(v3.parents[1], IMPORT, "-Wdefault", **V3)
    assert done.stdout.strip() == "v2" and "undefined symbol: lacking" in done.stderr


def test_link_out_of_the_folder(v3: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    v3.rename(outside / v3.name)
    for target in (outside / v3.name, Path("..", "..", "outside", v3.name)):
        v3.symlink_to(target)
        next_best(v3, "a link to another folder")
        v3.unlink()
    v3.symlink_to(v3)
    next_best(v3, "a link to nowhere")


def test_all_files_are_links(v3: Path, tmp_path: Path) -> None:
    """As installers make them that keep one copy of all packages."""
    cache = tmp_path / "cache"
    (v3.parents[1]).rename(cache)
    v3.parent.mkdir(parents=True)
    for path in (cache / "pack").iterdir():
        (v3.parent / path.name).symlink_to(path)
    assert tools.output(v3.parents[1], IMPORT, **V3) == "v3"


def test_nothing_left(site: Path) -> None:
    for path in (site / "pack").glob("*.so"):
        if path.name != f"_x{tools.SUFFIX}":
            path.unlink()
    done = tools.python(site, IMPORT)
    assert done.returncode == 1
    assert "is an import stub, and none of the variants of the module beside it" in done.stderr
    assert "baseline.so: No such file" in done.stderr and "Install the" in done.stderr


def test_other_folder(site: Path) -> None:
    """Where the process is, and what is on the loader's path, is of no matter."""
    (site / "pack" / f"_x{tools.SUFFIX[:-3]}.baseline.so").unlink()
    (site / "pack" / f"_x{tools.SUFFIX[:-3]}.x86-64-v2.so").rename(
        site / f"_x{tools.SUFFIX[:-3]}.baseline.so"
    )
    text = f"import os; os.chdir({str(site)!r})\n{IMPORT}"
    variables = {"FULLSPEED_DISABLE_CPU_FEATURES": "X86_V2", "LD_LIBRARY_PATH": str(site)}
    assert tools.python(site, text, **variables).returncode == 1


def test_fuzz_the_head(multi: dict[str, bytes], tmp_path: Path) -> None:
    """Any bytes may stand where a library's head should be."""
    room = tools.HERE.parents[1] / "src" / "variant"
    program, library = tmp_path / "fuzz", tmp_path / "whole.so"
    library.write_bytes(multi["v2"])
    flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", f"-I{room}", "-g"]
    sources = [tools.HERE / "elf_fuzz.c", room / "variant_elf.c"]
    subprocess.run(["gcc", *flags, *sources, "-o", program], check=True)
    done = subprocess.run(
        [program, library, tmp_path / "bad.so", "5000", "1"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    libraries, programs = map(int, done.stdout.split()[:2])
    assert 0 < libraries <= programs < 4000, done.stdout


def test_sanitizers(v3: Path, tmp_path: Path) -> None:
    """The stub under AddressSanitizer and UBSan, with good and bad variants."""
    found = subprocess.run(
        ["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True
    ).stdout.strip()
    flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    stub = StubCompiler(tmp_path / "asan", flags).make("PyInit__x", ["v2", "v3", "v4"])
    (v3.parent / f"_x{tools.SUFFIX}").write_bytes(stub)
    asan = {"LD_PRELOAD": found, "ASAN_OPTIONS": "detect_leaks=0", "PYTHONMALLOC": "malloc"}
    assert tools.output(v3.parents[1], IMPORT, **V3, **asan) == "v3"
    whole = v3.read_bytes()
    for bad in (b"", whole[:100], whole[:56] + b"\xff" + whole[57:], whole[:5000]):
        v3.write_bytes(bad)
        assert tools.output(v3.parents[1], IMPORT, **V3, **asan) == "v2"
    tunables = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-," + "-AVX2" * 300 + ":glibc.cpu.hwcaps="}
    assert tools.output(v3.parents[1], IMPORT, **tunables, **asan) in ("v2", "v4")
