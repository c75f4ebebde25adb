"""Detection where the kernel tells: fake machines of every architecture but x86.

The bits stand here by hand, from the kernel's own headers (arch/*/include/uapi/asm/hwcap.h and
cputable.h), and the machines after what their kernels report.
"""

from __future__ import annotations

import pytest
from fullspeed import _cpu

A64_FP, A64_ASIMD, A64_FPHP, A64_ASIMDHP, A64_ASIMDDP = 0, 1, 9, 10, 20
A64_SVE, A64_ASIMDFHM, A64_SVE2 = 22, 23, 1
A32_NEON, A32_VFPV3, A32_VFPV4, A32_FPHP, A32_ASIMDHP = 12, 13, 16, 22, 23
A32_ASIMDDP, A32_ASIMDFHM, A32_CRC32 = 24, 25, 4
PPC_VSX, PPC_207, PPC_300, PPC_310 = 7, 31, 23, 18
S390_VX, S390_VXE, S390_VXE2 = 11, 13, 15
LOONG_FPU, LOONG_LSX, LOONG_LASX = 3, 4, 5


def bits(*places: int) -> int:
    """Bits as a number."""
    return sum(1 << place for place in places)


BASIC = "NEON NEON_FP16 NEON_VFPV4 ASIMD"
MACHINES = {
    # architecture, HWCAP, HWCAP2, what is there
    "Cortex-A72": ("aarch64", bits(A64_FP, A64_ASIMD), 0, BASIC),
    "Graviton 2": (
        "aarch64",
        bits(A64_FP, A64_ASIMD, A64_FPHP, A64_ASIMDHP, A64_ASIMDDP),
        0,
        BASIC + " ASIMDHP ASIMDDP",
    ),
    "A64FX": (
        "aarch64",
        bits(A64_FP, A64_ASIMD, A64_FPHP, A64_ASIMDHP, A64_SVE),
        0,
        BASIC + " ASIMDHP SVE",
    ),
    "Neoverse N2": (
        "aarch64",
        bits(A64_FP, A64_ASIMD, A64_FPHP, A64_ASIMDHP, A64_ASIMDDP, A64_SVE, A64_ASIMDFHM),
        bits(A64_SVE2),
        BASIC + " ASIMDHP ASIMDDP ASIMDFHM SVE SVE2",
    ),
    "a kernel without SVE on a Neoverse": (
        "aarch64",
        bits(A64_FP, A64_ASIMD, A64_FPHP, A64_ASIMDHP),
        bits(A64_SVE2),
        BASIC + " ASIMDHP",
    ),
    "half precision in scalars only": ("aarch64", bits(A64_ASIMD, A64_FPHP), 0, BASIC),
    "nothing on A64": ("aarch64", 0, 0, ""),
    "ARM11": ("arm", 0, 0, ""),
    "Cortex-A8": ("arm", bits(A32_NEON, A32_VFPV3), 0, "NEON"),
    "Cortex-A7": ("arm", bits(A32_NEON, A32_VFPV3, A32_VFPV4), 0, "NEON NEON_FP16 NEON_VFPV4"),
    "VFPv4 without NEON": ("arm", bits(A32_VFPV4), bits(A32_CRC32), ""),
    "Cortex-A53 in 32 bits": ("arm", bits(A32_NEON, A32_VFPV4), bits(A32_CRC32), BASIC),
    "Cortex-A55 in 32 bits": (
        "arm",
        bits(A32_NEON, A32_VFPV4, A32_FPHP, A32_ASIMDHP, A32_ASIMDDP, A32_ASIMDFHM),
        bits(0, 1, 2, 3, 4),
        BASIC + " ASIMDHP ASIMDDP ASIMDFHM",
    ),
    "POWER7": ("ppc64", bits(PPC_VSX), 0, "VSX"),
    "POWER8 big-endian": ("ppc64", bits(PPC_VSX), bits(PPC_207), "VSX VSX2"),
    "POWER8": ("ppc64le", bits(PPC_VSX), bits(PPC_207), "VSX VSX2"),
    "POWER9": ("ppc64le", bits(PPC_VSX), bits(PPC_207, PPC_300), "VSX VSX2 VSX3"),
    "POWER10": ("ppc64le", bits(PPC_VSX), bits(PPC_207, PPC_300, PPC_310), "VSX VSX2 VSX3 VSX4"),
    "POWER10 without VSX": ("ppc64le", 0, bits(PPC_207, PPC_300, PPC_310), ""),
    "z12": ("s390x", 0, 0, ""),
    "z13": ("s390x", bits(S390_VX), 0, "VX"),
    "z14": ("s390x", bits(S390_VX, S390_VXE), 0, "VX VXE"),
    "z15": ("s390x", bits(S390_VX, S390_VXE, S390_VXE2), 0, "VX VXE VXE2"),
    "3A4000": ("loongarch64", bits(LOONG_FPU), 0, ""),
    "2K1000LA": ("loongarch64", bits(LOONG_FPU, LOONG_LSX), 0, "LSX"),
    "3A5000": ("loongarch64", bits(LOONG_FPU, LOONG_LSX, LOONG_LASX), 0, "LSX LASX"),
    "LASX without LSX": ("loongarch64", bits(LOONG_LASX), 0, ""),
}


@pytest.mark.parametrize("name", MACHINES)
def test_machines(name: str) -> None:
    arch, hwcap, hwcap2, expected = MACHINES[name]
    features, *others = _cpu.detect(arch, hwcap=hwcap, hwcap2=hwcap2)
    assert features == tuple(expected.split())
    assert others == [None, "", ""]


IMA_EXT_0, IMA_V = 4, 1 << 2


@pytest.mark.parametrize(
    ("hwcap", "hwprobe", "expected"),
    [
        (0, {IMA_EXT_0: 0b11}, ()),  # no vectors
        (1 << 21, {IMA_EXT_0: 0b11 | IMA_V}, ("RVV",)),
        (1 << 21, {}, ()),  # version 0.7, on a vendor's kernel: no riscv_hwprobe()
        (1 << 21, {3: IMA_V}, ()),  # another key
    ],
)
def test_risc_v(hwcap: int, hwprobe: dict[int, int], expected: tuple[str, ...]) -> None:
    assert _cpu.detect("riscv64", hwcap=hwcap, hwprobe=hwprobe) == (expected, None, "", "")


def test_an_unknown_architecture_is_an_error() -> None:
    with pytest.raises(ValueError, match="no architecture vax"):
        _cpu.detect("vax")


def test_all_architectures_of_the_table(table) -> None:
    for arch in table.arches:
        assert _cpu.names(arch) == table.of(arch)
        everything = (1 << 64) - 1
        probe = {key: everything for key in range(16)}
        found, *_ = _cpu.detect(
            arch,
            cpuid={},
            hwcap=everything,
            hwcap2=everything,
            hwprobe=probe,
        )
        assert found == (() if arch.startswith("x86") else table.of(arch))
