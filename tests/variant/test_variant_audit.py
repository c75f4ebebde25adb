"""The audit: code beyond a level is found and named; code that any processor runs is not."""

from __future__ import annotations

from pathlib import Path

import pytest
import variant_tools as tools
from fullspeed.variants import BuildError, audit, build, elf, wheel

SUM = """
int plain(int x);
int plain(int x) { return x + 1; }
double total(const double *x, int n);
double total(const double *x, int n)
{
    double s = 0;
    for (int i = 0; i < n; i++) s += x[i] * x[i];
    return s;
}
"""


def library(tmp_path: Path, text: str, *flags: str) -> elf.Library:
    source = tmp_path / "a.c"
    source.write_text(text)
    data = tools.compile_module(source, tmp_path / "a.so", "-O3", "-ffast-math", *flags)
    return elf.read(data, "a.so", with_code=True)


@pytest.mark.parametrize("level", ["v1", "v2", "v3", "v4"])
def test_compilers_keep_to_levels(tmp_path: Path, level: str) -> None:
    march = "x86-64" if level == "v1" else f"x86-64-{level}"
    made = library(tmp_path, SUM, f"-march={march}", "-mprefer-vector-width=512")
    assert audit.findings(made, f"x86-64-{level}") == []


@pytest.mark.parametrize(
    ("made_for", "level", "features"),
    [
        ("x86-64-v3", "x86-64-v1", {"AVX", "FMA3"}),
        ("x86-64-v3", "x86-64-v2", {"AVX", "FMA3"}),
        ("x86-64-v4", "x86-64-v3", {"AVX512F"}),
    ],
)
def test_beyond_the_level(tmp_path: Path, made_for: str, level: str, features: set[str]) -> None:
    made = library(tmp_path, SUM, f"-march={made_for}", "-mprefer-vector-width=512")
    found = audit.findings(made, level)
    assert {row.function for row in found} == {"total"}
    assert {row.feature for row in found} >= features
    assert all(row.instruction.startswith("v") for row in found)


@pytest.mark.parametrize(
    ("text", "flag", "feature"),
    [
        ("int f(unsigned x) { return __builtin_popcount(x); }", "-mpopcnt", "POPCNT"),
        ("int f(unsigned x) { return __builtin_clz(x); }", "-mlzcnt", "LZCNT"),
        ("int f(int *p) { return __builtin_bswap32(*p); }", "-mmovbe", "MOVBE"),
        ("unsigned f(unsigned a, unsigned b) { return ~a & b; }", "-mbmi", "BMI"),
        ("unsigned f(unsigned a, unsigned b) { return a << b; }", "-mbmi2", "BMI2"),
    ],
)
def test_single_features(tmp_path: Path, text: str, flag: str, feature: str) -> None:
    made = library(tmp_path, text, flag)
    assert [(row.function, row.feature) for row in audit.findings(made, "x86-64-v1")] == [
        ("f", feature)
    ]
    assert audit.findings(made, "x86-64-v3") == []


@pytest.mark.parametrize(
    ("code", "features"),
    [
        ("vpermb %zmm0,%zmm1,%zmm2", {"AVX512F", "AVX512VBMI"}),
        ("vpdpbusd %zmm0,%zmm1,%zmm2", {"AVX512F", "AVX512VNNI"}),
        ("vdpbf16ps %zmm0,%zmm1,%zmm2", {audit.UNKNOWN}),
        ("vpopcntq %zmm0,%zmm1", {"AVX512F", "AVX512VPOPCNTDQ"}),
        ("vaesenc %ymm0,%ymm1,%ymm2", {"AVX", "VAES"}),
        ("vaesenc %xmm0,%xmm1,%xmm2", {"AVX", "AES"}),
        ("vpbroadcastd %xmm0,%ymm1", {"AVX", "AVX2"}),
        ("vcvtph2ps %xmm0,%ymm1", {"AVX", "F16C"}),
        ("kmovw %k1,%eax", {"AVX512F"}),
        ("vpaddd %xmm16,%xmm1,%xmm2", {"AVX512F", "AVX512VL"}),
        ("gf2p8mulb %xmm0,%xmm1", {"GFNI"}),
        ("cmpxchg16b (%rax)", {"CX16"}),
        ("crc32b %al,%ecx", {"SSE42"}),
        ("pshufb %xmm0,%xmm1", {"SSSE3"}),
        ("sha1msg1 %xmm0,%xmm1", {"SHA"}),
        ("rdrand %eax", {"RDRAND"}),
        ("andn %eax,%ebx,%ecx", {"BMI"}),
        ("prefetchw (%rax)", set()),
        ("fisttpll (%rax)", set()),
    ],
)
def test_single_instructions(tmp_path: Path, code: str, features: set[str]) -> None:
    made = library(tmp_path, f'void f(void); void f(void) {{ __asm__ volatile("{code}"); }}')
    found = {row.feature for row in audit.findings(made, "x86-64-v1")}
    assert found == features or (audit.UNKNOWN in features and found)


def test_ordinary_code_that_looks_new(tmp_path: Path) -> None:
    """GCC writes tzcnt as "rep bsf" for every processor."""
    made = library(tmp_path, "int f(unsigned x) { return x ? __builtin_ctz(x) : 7; }\n" + SUM)
    assert audit.findings(made, "x86-64-v1") == []


def dispatching(level: str) -> str:
    return (
        "__attribute__((target(\"avx2,fma\"))) double fast(const double *x, int n);\n"
        "__attribute__((target(\"avx2,fma\"))) double fast(const double *x, int n)\n"
        "{ double s = 0; for (int i = 0; i < n; i++) s += x[i] * x[i]; return s; }\n"
        f'const char *level(void);\nconst char *level(void) {{ return "{level}"; }}\n'
    )  # fmt: skip


def test_dispatch_of_the_project(tmp_path: Path) -> None:
    """Functions that the project itself has for newer processors are no violation."""
    init = "int PyInit_a(void) { return 1; }\n"
    wheels = {}
    for level, flag in (("v1", "-march=x86-64"), ("v2", "-march=x86-64-v2")):
        library(tmp_path, dispatching(level) + init + SUM, flag)
        wheels[level] = tools.make_wheel({"a.so": (tmp_path / "a.so").read_bytes()})
    (module,), _ = wheel.modules(wheels["v1"], {"v2": wheels["v2"]})
    stub = tools.compile_module(tmp_path / "a.c", tmp_path / "stub.so", "-Dtarget(x)=")
    (sentence,) = build.check_code(module, stub)
    assert "the baseline has code for" in sentence and "fast at 0x" in sentence
    # The same feature in a function that the baseline has without it is one.
    library(tmp_path, dispatching("v2") + init + SUM, "-march=x86-64-v3")
    module.levels["v2"] = (tmp_path / "a.so").read_bytes()
    with pytest.raises(BuildError, match=r"a.so for x86-64-v2 has instructions[^|]*total at 0x"):
        build.check_code(module, stub)


def test_baseline_for_newer_processors(tmp_path: Path) -> None:
    init = (
        "double a[8]; int PyInit_a(void)\n"
        "{ double s = 0; for (int i = 0; i < 8; i++) s += a[i]; return s; }\n"
    )
    library(tmp_path, init, "-march=x86-64-v3")
    code = (tmp_path / "a.so").read_bytes()
    stub = tools.compile_module(tmp_path / "a.c", tmp_path / "stub.so")
    module = wheel.Module("a.so", "PyInit_a", code, {})
    with pytest.raises(BuildError, match="needs more than x86-64-v1 from its first instruction"):
        build.check_code(module, stub)


def test_stripped(tmp_path: Path) -> None:
    """Without symbols it is still a violation, by address."""
    made = library(tmp_path, SUM, "-march=x86-64-v3", "-s", "-fvisibility=hidden")
    found = audit.findings(made, "x86-64-v2")
    assert found and {row.function for row in found} == {audit.NAMELESS}
    assert audit.split(found, found) == (found, [])
