"""The table of CPU features against what NumPy's documents say, and against real compilers.

The names, what they imply and what they gather stand here once more, by hand, in the form in
which NumPy's build options document them: the table may not drift from that.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cpu_table import Table, TableError, load

OLD_X86 = "SSE SSE2 SSE3 SSSE3 SSE41 POPCNT SSE42 AVX XOP FMA4 F16C FMA3 AVX2 AVX512F AVX512CD"
# Name: (what it implies, what it gathers); "..." is what the name behind it implies, with itself.
X86 = {
    "SSE": ("SSE2", ""),
    "SSE2": ("SSE", ""),
    "SSE3": ("SSE SSE2", ""),
    "SSSE3": ("SSE SSE2 SSE3", ""),
    "SSE41": ("SSE SSE2 SSE3 SSSE3", ""),
    "POPCNT": ("SSE SSE2 SSE3 SSSE3 SSE41", ""),
    "SSE42": ("SSE SSE2 SSE3 SSSE3 SSE41 POPCNT", ""),
    "AVX": ("SSE SSE2 SSE3 SSSE3 SSE41 POPCNT SSE42", ""),
    "XOP": ("SSE SSE2 SSE3 SSSE3 SSE41 POPCNT SSE42 AVX", ""),
    "FMA4": ("SSE SSE2 SSE3 SSSE3 SSE41 POPCNT SSE42 AVX", ""),
    "F16C": ("SSE SSE2 SSE3 SSSE3 SSE41 POPCNT SSE42 AVX", ""),
    "FMA3": ("SSE SSE2 SSE3 SSSE3 SSE41 POPCNT SSE42 AVX F16C", ""),
    "AVX2": ("SSE SSE2 SSE3 SSSE3 SSE41 POPCNT SSE42 AVX F16C", ""),
    "AVX512F": ("SSE SSE2 SSE3 SSSE3 SSE41 POPCNT SSE42 AVX F16C FMA3 AVX2", ""),
    "AVX512CD": ("... AVX512F", ""),
    "AVX512_KNL": ("... AVX512CD", "AVX512ER AVX512PF"),
    "AVX512_KNM": ("... AVX512_KNL", "AVX5124FMAPS AVX5124VNNIW AVX512VPOPCNTDQ"),
    "AVX512_SKX": ("... AVX512CD", "AVX512VL AVX512BW AVX512DQ"),
    "AVX512_CLX": ("... AVX512_SKX", "AVX512VNNI"),
    "AVX512_CNL": ("... AVX512_SKX", "AVX512IFMA AVX512VBMI"),
    "AVX512_ICL": ("... AVX512_CLX AVX512_CNL", "AVX512VBMI2 AVX512BITALG AVX512VPOPCNTDQ"),
    "AVX512_SPR": ("... AVX512_ICL", "AVX512FP16"),
}
OTHERS = {
    "ppc64": {"VSX": "", "VSX2": "VSX", "VSX3": "VSX VSX2", "VSX4": "VSX VSX2 VSX3"},
    "ppc64le": {"VSX": "VSX2", "VSX2": "VSX", "VSX3": "VSX VSX2", "VSX4": "VSX VSX2 VSX3"},
    "arm": {
        "NEON": "",
        "NEON_FP16": "NEON",
        "NEON_VFPV4": "NEON NEON_FP16",
        "ASIMD": "NEON NEON_FP16 NEON_VFPV4",
        "ASIMDHP": "NEON NEON_FP16 NEON_VFPV4 ASIMD",
        "ASIMDDP": "NEON NEON_FP16 NEON_VFPV4 ASIMD",
        "ASIMDFHM": "NEON NEON_FP16 NEON_VFPV4 ASIMD ASIMDHP",
    },
    "aarch64": {
        "NEON": "NEON_FP16 NEON_VFPV4 ASIMD",
        "NEON_FP16": "NEON NEON_VFPV4 ASIMD",
        "NEON_VFPV4": "NEON NEON_FP16 ASIMD",
        "ASIMD": "NEON NEON_FP16 NEON_VFPV4",
        "ASIMDHP": "NEON NEON_FP16 NEON_VFPV4 ASIMD",
        "ASIMDDP": "NEON NEON_FP16 NEON_VFPV4 ASIMD",
        "ASIMDFHM": "NEON NEON_FP16 NEON_VFPV4 ASIMD ASIMDHP",
    },
    "s390x": {"VX": "", "VXE": "VX", "VXE2": "VX VXE"},
}
LEVELS = {
    "x86-64-v1": "CMOV CX8 FPU FXSR MMX SSE SSE2",
    "x86-64-v2": "CX16 LAHF POPCNT SSE3 SSE41 SSE42 SSSE3",
    "x86-64-v3": "AVX AVX2 BMI BMI2 F16C FMA3 LZCNT MOVBE",
    "x86-64-v4": "AVX512F AVX512BW AVX512CD AVX512DQ AVX512VL",
}


def expected_x86(name: str) -> set[str]:
    """Every option name that a name implies, itself included, after the table above."""
    found = {name}
    for word in X86[name][0].replace("...", "").split():
        found |= {word} if "..." not in X86[name][0] else expected_x86(word)
    return found


@pytest.mark.parametrize("name", X86)
@pytest.mark.parametrize("arch", ["x86", "x86_64"])
def test_x86_implies_as_documented(table: Table, arch: str, name: str) -> None:
    implied = set(table.implied([name], arch)) & X86.keys()
    assert implied == expected_x86(name)
    assert set(table.on(name, arch).gathers) == set(X86[name][1].split())


@pytest.mark.parametrize("arch", OTHERS)
def test_others_imply_as_documented(table: Table, arch: str) -> None:
    for name, implied in OTHERS[arch].items():
        assert set(table.implied([name], arch)) == {name, *implied.split()}, name


def test_options_of_both_generations(table: Table) -> None:
    assert set(table.options("x86_64", "old")) == set(X86)
    new = {"X86_V2", "X86_V3", "X86_V4", "AVX512_ICL", "AVX512_SPR"}
    assert new <= set(table.options("x86_64", "new"))
    assert not {"AVX512_KNL", "AVX512_KNM"} & set(table.options("x86_64", "new"))
    assert set(table.options("x86_64")) == set(X86) | new
    assert table.options("riscv64") == ("RVV",)
    assert table.options("loongarch64") == ("LSX", "LASX")
    assert "X86_V4" not in table.options("x86")


def test_min_as_documented(table: Table) -> None:
    least = {name: " ".join(arch.min) for name, arch in table.arches.items()}
    assert least == {
        "x86": "SSE SSE2",
        "x86_64": "SSE SSE2 SSE3",
        "arm": "",
        "aarch64": "NEON NEON_FP16 NEON_VFPV4 ASIMD",
        "ppc64": "",
        "ppc64le": "VSX VSX2",
        "s390x": "",
        "riscv64": "",
        "loongarch64": "",
    }
    assert table.arches["x86_64"].min_new == ("X86_V2",)


def test_levels_are_those_of_the_psabi(table: Table) -> None:
    below: set[str] = set()
    for level in table.levels:
        below |= set(LEVELS[level.name].split())
        leaves = {
            name
            for name in table.implied([level.feature], level.arch)
            if not table.on(name, level.arch).is_group
        }
        assert leaves == below, level.name
        assert table.level(table.complete(below, "x86_64"), "x86_64") == level
    assert [level.number for level in table.levels] == [1, 2, 3, 4]


def test_names_are_found_in_any_spelling(table: Table) -> None:
    spellings = {"avx2": "AVX2", "Fma": "FMA3", "sse4_1": "SSE41", "SSE4.2": "SSE42",
                 "avx512_vnni": "AVX512VNNI", "abm": "LZCNT", "x86_v3": "X86_V3"}  # fmt: skip
    for spelling, name in spellings.items():
        found = table.find(spelling)
        assert found is not None and found.name == name
    for wrong in ("", "AVX3", "AVX 2", "MAX"):
        assert table.find(wrong) is None


def test_what_goes_with_a_feature(table: Table) -> None:
    whole = table.implied(["AVX512_SPR", "X86_V4"], "x86_64")
    assert "AVX512_SPR" in whole and "X86_V4" in whole
    without = table.without(whole, ["AVX512BW"], "x86_64")
    assert {"AVX512F", "AVX512DQ", "AVX512VL"} <= set(without)
    assert not {"AVX512BW", "AVX512_SKX", "X86_V4", "AVX512VBMI", "AVX512_SPR"} & set(without)
    # A group goes with its members, or it would still be there.
    without = table.without(whole, ["X86_V3"], "x86_64")
    assert set(without) == set(table.complete(table.implied(["X86_V2"], "x86_64"), "x86_64"))
    # What is built in stays.
    kept = table.without(whole, ["SSE2"], "x86_64", kept=table.implied(["SSE2"], "x86_64"))
    assert kept == whole


def test_incomplete_sets_are_made_true(table: Table) -> None:
    # A hypervisor that shows AVX2 and hides AVX; and all parts of a group.
    assert table.complete(["SSE", "SSE2", "AVX2", "FMA3"], "x86_64") == ("SSE", "SSE2")
    assert "AVX512_SKX" in table.complete(
        [*table.implied(["AVX512CD"], "x86"), "AVX512VL", "AVX512BW", "AVX512DQ"], "x86"
    )


SSE = "-msse -msse2 -msse3 -mssse3 -msse4.1"
FLAGS = [
    ("AVX2", "x86_64", "gcc", f"{SSE} -mpopcnt -msse4.2 -mavx -mf16c -mavx2"),
    ("SSE3", "x86_64", "clang", "-msse -msse2 -msse3"),
    ("SSE3", "x86", "intel-llvm", "-msse -msse2 -msse3"),
    ("AVX512_CLX", "x86_64", "intel", f"{SSE} -msse4.2 -mavx -xCASCADELAKE"),
    ("NEON", "aarch64", "gcc", ""),
    ("ASIMDFHM", "aarch64", "gcc", "-march=armv8.2-a+fp16+fp16fml"),
    ("NEON_VFPV4", "arm", "gcc", "-mfp16-format=ieee -mfpu=neon-vfpv4"),
    ("NEON_VFPV4", "arm", "clang", "-mfpu=neon-vfpv4"),
    ("VSX3", "ppc64le", "gcc", "-mvsx -mcpu=power9"),
    ("VSX2", "ppc64", "clang", "-maltivec -mvsx -mcpu=power8"),
    ("VXE2", "s390x", "gcc", "-march=arch13 -mzvector"),
    ("RVV", "riscv64", "gcc", "-march=rv64gcv"),
    ("LASX", "loongarch64", "gcc", "-mlsx -mlasx"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arch", "compiler", "flags"), FLAGS)
def test_flags(table: Table, name: str, arch: str, compiler: str, flags: str) -> None:
    assert " ".join(table.flags([name], arch, compiler)) == flags


def test_what_intels_compiler_ties_together(table: Table) -> None:
    assert "FMA3" in table.implied(["AVX2"], "x86_64", "intel")
    assert "AVX2" in table.implied(["FMA3"], "x86_64", "intel")
    assert "AVX512CD" in table.implied(["AVX512F"], "x86_64", "intel")
    assert "FMA3" not in table.implied(["AVX2"], "x86_64", "intel-llvm")
    for name in ("XOP", "FMA4", "AVX512_SPR"):
        assert table.unsupported(name, "x86_64", "intel")
        assert not table.unsupported(name, "x86_64", "gcc")
    assert table.compiler("icx").name == "intel-llvm"


def test_architectures_by_mesons_names(table: Table) -> None:
    cases = [("x86_64", "little", "x86_64"), ("ppc64", "big", "ppc64")]
    for family, endian, name in [*cases, ("ppc64", "little", "ppc64le"), ("arm", "little", "arm")]:
        arch = table.arch_of(family, endian)
        assert arch is not None and arch.name == name
    assert table.arch_of("sparc64", "big") is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('name = "AVX2"', 'name = "AVX"'), "AVX is there twice"),
        (('implies = ["SSE42"]', 'implies = ["SSE43"]'), "SSE43"),
        (('implies = ["SSE2"]\nflags = ["-maes"]', 'implies = ["BMI"]'), "stands before BMI"),
        (('cpuid = "7.0.ebx.5"', 'cpuid = "7.0.esi.5"'), "leaf.subleaf.register.bit"),
        (('cpuid = "7.0.ebx.5"', ""), "AVX2 on x86: wants a way to detect it"),
        (('aliases = ["FMA"]', 'aliases = ["AVX2"]'), "is taken"),
        (('state = "YMM"', 'stat = "YMM"'), "unknown key stat"),
        (('feature = "X86_V4"', 'feature = "X86_V5"'), "X86_V5"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    from cpu_table import DEFAULT

    text = DEFAULT.read_text()
    assert change[0] in text
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(text.replace(change[0], change[1], 1))
    with pytest.raises(TableError, match=says):
        load(wrong)


def test_the_page_is_as_the_table_says() -> None:
    root = Path(__file__).resolve().parents[3]
    words = [root / "tools/cpugen/cpugen.py", "docs", root / "docs/guide/cpu.md", "--check"]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# ---- compilers: few files, since the header of all intrinsics is long ----


def compile_errors(compiler: str, flags: tuple[str, ...], source: str) -> str:
    """What the compiler has against a source; "" if it makes an object file of it."""
    words = [compiler, *flags, "-Werror=implicit-function-declaration", "-ferror-limit=0",
             "-x", "c", "-c", "-o", "/dev/null", "-"]  # fmt: skip
    if compiler == "gcc":
        words.remove("-ferror-limit=0")
    done = subprocess.run(words, input=source, capture_output=True, text=True)
    return done.stderr if done.returncode != 0 else ""


def all_probes(table: Table, names: tuple[str, ...]) -> tuple[dict[str, str], str]:
    """The pieces of C that belong to features, each as a function of its own name, and all."""
    head, parts = "", {}
    for name in names:
        pieces = table.probes(name, "x86_64") | table.extra_checks(name, "x86_64")
        for part, text in pieces.items():
            lines = text.splitlines(keepends=True)
            head += "".join(line for line in lines if line.startswith("#"))
            body = "".join(line for line in lines if not line.startswith("#"))
            parts[part] = body.replace(" probe(", f" probe_{part}(", 1)
    return parts, head + "".join(parts.values())


@pytest.fixture(params=["gcc", "clang-19"])
def compiler(request: pytest.FixtureRequest) -> str:
    """A compiler that is here."""
    if shutil.which(request.param) is None:
        pytest.skip(f"there is no {request.param} here")
    return request.param


def test_no_probe_compiles_without_flags(table: Table) -> None:
    if shutil.which("clang-19") is None:  # GCC stops at the first function that it refuses
        pytest.skip("there is no clang-19 here")
    parts, source = all_probes(table, table.of("x86_64"))
    lines = source.splitlines()
    # Each stage of the compiler refuses what it can, and only the rest comes to the next one.
    while errors := compile_errors("clang-19", (), "\n".join(lines)):
        places = {int(number) - 1 for number in re.findall(r"<stdin>:(\d+):\d+: error", errors)}
        refused = {part for part in parts if any(f" probe_{part}(" in lines[at] for at in places)}
        assert refused, errors
        lines = ["" if at in places else line for at, line in enumerate(lines)]
        parts = {part: body for part, body in parts.items() if part not in refused}
    assert set(parts) == {"SSE", "SSE2"}


TOPS = "XOP FMA4 AVX512_SPR X86_V4 AVX512_KNM VAES VPCLMULQDQ GFNI AVX512BF16"
WHOLE = tuple(TOPS.split())


@pytest.mark.parametrize("name", ["SSE42", "F16C", "AVX2", "AVX512F", "AVX512_SKX", *WHOLE])
def test_flags_are_enough(table: Table, compiler: str, name: str) -> None:
    """Everything that a feature implies compiles with its flags, and the macros say so."""
    flags = table.flags([name], "x86_64", compiler.partition("-")[0])
    if refused := compile_errors(compiler, (*flags, "-Werror"), "int x;"):
        assert name in ("AVX512_KNM", "AVX512_SPR"), refused
        pytest.skip(f"{compiler} does not know a flag: {refused.splitlines()[0]}")
    implied = table.implied([name], "x86_64")
    _, source = all_probes(table, implied)
    for part in implied:
        compiled = table.features[part].compiled
        if compiled:
            source += f"#if !({compiled})\n#error {part} is not allowed\n#endif\n"
    assert compile_errors(compiler, flags, source) == ""


def test_every_feature_is_compiled_by_some_flags(table: Table) -> None:
    assert set(table.implied(WHOLE, "x86_64")) == set(table.of("x86_64"))
