"""Detection on other processors: compiled by Debian's cross compilers, run under qemu-user.

What an emulated processor has stands here after the models' documents, as far as this qemu has it:
Debian 12's 7.2 knows no riscv_hwprobe() and no LSX, and does not tell programs of VXE2.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from cpu_table import Table
from cross_build import CORE, ROOT, WARNINGS, call, must_have

HERE = Path(__file__).parent
BASIC = "NEON NEON_FP16 NEON_VFPV4 ASIMD"
# Architecture: compiler, emulator, {processor: (what is found, what must be among it)}.
MACHINES = {
    "aarch64": ("aarch64-linux-gnu-gcc", "qemu-aarch64"),
    "arm": ("arm-linux-gnueabihf-gcc", "qemu-arm"),
    "ppc64le": ("powerpc64le-linux-gnu-gcc", "qemu-ppc64le"),
    "s390x": ("s390x-linux-gnu-gcc", "qemu-s390x"),
    "riscv64": ("riscv64-linux-gnu-gcc", "qemu-riscv64"),
    "x86_64": ("gcc", "qemu-x86_64"),
}
PROCESSORS = [
    ("aarch64", "cortex-a57", BASIC),
    ("aarch64", "a64fx", BASIC + " ASIMDHP SVE"),
    ("aarch64", "neoverse-n1", BASIC + " ASIMDHP ASIMDDP"),
    ("aarch64", "max", BASIC + " ASIMDHP ASIMDDP ASIMDFHM SVE SVE2"),
    ("arm", "cortex-a8", "NEON"),
    ("arm", "cortex-a7", "NEON NEON_FP16 NEON_VFPV4"),
    ("arm", "max", BASIC),
    ("ppc64le", "power8", "VSX VSX2"),
    ("ppc64le", "power9", "VSX VSX2 VSX3"),
    ("ppc64le", "power10", "VSX VSX2 VSX3 VSX4"),
    ("s390x", "z900", ""),
    ("s390x", "max", "VX VXE"),
    ("riscv64", "rv64", ""),
]
V1 = "FPU CX8 CMOV MMX FXSR SSE SSE2 X86_V1"
NEHALEM = V1 + " SSE3 SSSE3 CX16 LAHF SSE41 POPCNT SSE42 X86_V2"
HASWELL = NEHALEM + " AES PCLMULQDQ AVX F16C FMA3 AVX2 BMI BMI2 LZCNT MOVBE X86_V3"
PROCESSORS += [
    ("x86_64", "core2duo", V1 + " SSE3 SSSE3 CX16 LAHF"),
    ("x86_64", "Nehalem", NEHALEM),
    ("x86_64", "Haswell", HASWELL),
    ("x86_64", "Haswell,-xsave", NEHALEM + " AES PCLMULQDQ BMI BMI2 LZCNT MOVBE"),
]


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory, includes: list[str]) -> dict[str, Path]:
    """The programs that were made so far, by architecture."""
    return {}


def report(
    arch: str, reports: dict[str, Path], includes: list[str], folder: Path, *flags: str
) -> Path:
    """The program for an architecture."""
    compiler = must_have(MACHINES[arch][0])
    key = " ".join((arch, *flags))
    if key not in reports:
        made = folder / f"report-{len(reports)}"
        sources = [ROOT / name for name in (*CORE, "src/cpu/cpu_baseline.c")]
        call(compiler, *WARNINGS, *flags, *includes, "-static", HERE / "cpu_report.c", *sources,
             "-o", made)  # fmt: skip
        reports[key] = made
    return reports[key]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where programs go."""
    return tmp_path_factory.mktemp("cross")


def run(arch: str, cpu: str, program: Path, **env: str) -> dict[str, str]:
    """What the program says under the emulator."""
    emulator = must_have(MACHINES[arch][1])
    lines = call(emulator, "-cpu", cpu, program, env=env).splitlines()
    return {key: value for key, _, value in (line.partition(" ") for line in lines)}


@pytest.mark.parametrize(("arch", "cpu", "expected"), PROCESSORS)
def test_processors(
    arch: str, cpu: str, expected: str, reports: dict, includes: list[str], folder: Path
) -> None:
    said = run(arch, cpu, report(arch, reports, includes, folder))
    assert said["arch"] == arch
    assert set(said["found"].split()) == set(expected.split())
    assert said["usable"] == said["found"]
    assert said["below"] == said["error"] == ""


def test_variables_elsewhere(reports: dict, includes: list[str], folder: Path) -> None:
    program = report("ppc64le", reports, includes, folder)
    env = {"FULLSPEED_DISABLE_CPU_FEATURES": "vsx3"}
    said = run("ppc64le", "power10", program, **env)
    assert said["usable"] == "VSX VSX2" and said["found"].endswith("VSX4")
    env = {"FULLSPEED_DISABLE_CPU_FEATURES": "VSX"}
    said = run("ppc64le", "power10", program, **env)
    assert "names VSX, which cannot be disabled" in said["error"]
    program = report("aarch64", reports, includes, folder)
    said = run("aarch64", "max", program, FULLSPEED_ENABLE_CPU_FEATURES="SVE")
    assert said["usable"] == BASIC + " ASIMDHP SVE"


@pytest.mark.parametrize(
    ("arch", "name", "cpu", "below"),
    [
        ("x86_64", "X86_V3", "Nehalem", "AVX F16C FMA3 AVX2 BMI BMI2 LZCNT MOVBE X86_V3"),
        ("x86_64", "X86_V3", "Haswell", ""),
        ("ppc64le", "VSX3", "power8", "VSX3"),
        ("s390x", "VXE", "max", ""),
        ("aarch64", "ASIMDDP", "cortex-a57", "ASIMDDP"),
    ],
)
def test_baseline_by_the_tables_flags(
    table: Table, arch: str, name: str, cpu: str, below: str,
    reports: dict, includes: list[str], folder: Path,
) -> None:  # fmt: skip
    """cpu_baseline.c compiled with a feature's flags: the baseline has it, and what it implies."""
    compiler = must_have(MACHINES[arch][0])
    flags = table.flags([name], arch, "gcc")
    data = folder / f"baseline-{arch}-{name}.o"
    call(compiler, *WARNINGS, *flags, *includes, "-c", ROOT / "src/cpu/cpu_baseline.c", "-o", data)
    made = folder / f"report-{arch}-{name}"
    call(compiler, *WARNINGS, *includes, "-static", HERE / "cpu_report.c",
         *(ROOT / path for path in CORE), data, "-o", made)  # fmt: skip
    said = run(arch, cpu, made)
    assert set(table.implied([name], arch)) <= set(said["baseline"].split())
    assert set(below.split()) == set(said["below"].split())
    assert said["least"] == "0"


def test_loongarch_compiles(includes: list[str], folder: Path) -> None:
    """Debian 12 has no compiler with a C library for it: clang, with another library's headers."""
    clang = must_have("clang-19")
    headers = Path("/usr/aarch64-linux-gnu/include")
    if not headers.exists():
        must_have("aarch64-linux-gnu-gcc")
    for name in (*CORE, "src/cpu/cpu_baseline.c"):
        call(clang, "--target=loongarch64-linux-gnu", *WARNINGS, *includes, "-isystem", headers,
             "-c", ROOT / name, "-o", folder / "loongarch.o")  # fmt: skip


@pytest.mark.parametrize("arch", ["aarch64", "arm", "ppc64le", "s390x"])
def test_probes_of_other_architectures(table: Table, arch: str, folder: Path) -> None:
    """Each feature's piece of C compiles with its flags."""
    compiler = must_have(MACHINES[arch][0])
    for name in table.of(arch):
        flags = table.flags([name], arch, "gcc")
        pieces = table.probes(name, arch) | table.extra_checks(name, arch)
        for part, text in pieces.items():
            source = folder / f"probe-{arch}-{part}.c"
            source.write_text(text)
            call(compiler, *flags, "-Werror=implicit-function-declaration", "-c", source,
                 "-o", folder / "probe.o")  # fmt: skip
