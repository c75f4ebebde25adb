"""Detection on x86: real processors as recorded, and systems and hypervisors that hide things.

What is expected stands here by hand, from what the vendors document, in steps: each processor is
another one and more. recorded.toml has what CPUID answers and where that is from.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from cpu_table import REGISTERS, Table
from fullspeed import _cpu

RECORDED = {
    cpu["name"]: cpu
    for cpu in tomllib.loads((Path(__file__).parent / "recorded.toml").read_text())["cpu"]
}

V1 = "FPU CX8 CMOV MMX FXSR SSE SSE2 X86_V1"
CORE2 = V1 + " SSE3 SSSE3 CX16 LAHF"
NEHALEM = CORE2 + " SSE41 POPCNT SSE42 X86_V2"
SANDY = NEHALEM + " AES PCLMULQDQ AVX"
HASWELL = SANDY + " F16C FMA3 AVX2 BMI BMI2 LZCNT MOVBE X86_V3"
KNL = HASWELL + " AVX512F AVX512CD AVX512ER AVX512PF AVX512_KNL"
SKX = HASWELL + " AVX512F AVX512CD AVX512VL AVX512BW AVX512DQ AVX512_SKX X86_V4"
CLX = SKX + " AVX512VNNI AVX512_CLX"
CNL = SKX + " AVX512IFMA AVX512VBMI AVX512_CNL"
ICL = f"{CLX} {CNL} AVX512VBMI2 AVX512BITALG AVX512VPOPCNTDQ AVX512_ICL GFNI VAES VPCLMULQDQ"
BULLDOZER = SANDY + " XOP FMA4 LZCNT"
EXPECTED = {
    "Core 2 (Conroe)": (CORE2, 1),
    "Nehalem (Bloomfield)": (NEHALEM, 2),
    "Sandy Bridge": (SANDY, 2),
    "Haswell": (HASWELL, 3),
    "Skylake-X": (SKX, 4),
    "Cascade Lake": (CLX, 4),
    "Cannon Lake": (CNL, 4),
    "Ice Lake": (ICL, 4),
    "Sapphire Rapids": (ICL + " AVX512BF16 AVX512FP16 AVX512_SPR", 4),
    "Alder Lake": (HASWELL + " GFNI VAES VPCLMULQDQ", 3),
    "Knights Landing": (KNL, 3),
    "Knights Mill": (KNL + " AVX5124FMAPS AVX5124VNNIW AVX512VPOPCNTDQ AVX512_KNM", 3),
    "K8 (Sledgehammer)": (V1, 1),
    # It has POPCNT and not SSSE3: what stands on a thing that is not there is not used.
    "K10 (Barcelona)": (V1 + " SSE3 CX16 LAHF LZCNT", 1),
    "Bulldozer (Zambezi)": (BULLDOZER, 2),
    "Piledriver (Vishera)": (BULLDOZER + " F16C FMA3 BMI", 2),
    "Zen 1": (HASWELL, 3),
    "Zen 2 (Matisse)": (HASWELL, 3),
    "Zen 3 (Milan)": (HASWELL + " VAES VPCLMULQDQ", 3),
    "Zen 4 (Raphael)": (ICL + " AVX512BF16", 4),
    "Zen 5 (Granite Ridge)": (ICL + " AVX512BF16", 4),
    "Zhaoxin KX-7000": (HASWELL, 3),
}


def answers(cpu: dict[str, Any]) -> dict[tuple[int, int], list[int]]:
    """A recorded processor's leaves."""
    return {
        tuple(int(part, 16) for part in key.split("_")): [int(word, 16) for word in text.split()]
        for key, text in cpu["cpuid"].items()
    }


def detect(
    cpuid: dict[tuple[int, int], list[int]], xcr0: int, arch: str = "x86_64"
) -> tuple[set[str], str | None, str]:
    """What the C core finds."""
    leaves = {key: tuple(regs) for key, regs in cpuid.items()}
    features, level, brand, _ = _cpu.detect(arch, cpuid=leaves, xcr0=xcr0)
    return set(features), level, brand


def test_all_that_is_recorded_is_expected() -> None:
    assert RECORDED.keys() == EXPECTED.keys()
    assert len(RECORDED) >= 12


@pytest.mark.parametrize("name", EXPECTED)
def test_real_processors(name: str) -> None:
    cpu = RECORDED[name]
    features, level, _ = detect(answers(cpu), cpu["xcr0"])
    expected, number = EXPECTED[name]
    assert features == set(expected.split())
    assert level == f"x86-64-v{number}"


@pytest.mark.parametrize("name", EXPECTED)
def test_in_32_bits(name: str, table: Table) -> None:
    """The same without what 64 bits alone have; no levels."""
    cpu = RECORDED[name]
    features, level, _ = detect(answers(cpu), cpu["xcr0"], "x86")
    expected = set(EXPECTED[name][0].split()) & set(table.of("x86"))
    assert (features, level) == (expected, None)


def test_brands() -> None:
    brands = {name: detect(answers(cpu), 0)[2] for name, cpu in RECORDED.items()}
    assert brands["Skylake-X"] == "Intel(R) Core(TM) i9-7900X CPU @ 3.30GHz"
    assert brands["Core 2 (Conroe)"] == "Intel(R) Core(TM)2 CPU X6800 @ 2.93GHz"
    assert brands["Zhaoxin KX-7000"] == "ZHAOXIN KaiXian KX-7000"
    assert brands["Zen 5 (Granite Ridge)"] == "AMD Ryzen 9 9950X 16-Core Processor"
    assert brands["Knights Mill"] == ""  # no such leaves


def test_models() -> None:
    """Vendor, family, model and stepping, as the vendors' documents and Linux count them."""
    models = {
        name: _cpu.detect("x86_64", cpuid={k: tuple(v) for k, v in answers(cpu).items()})[3]
        for name, cpu in RECORDED.items()
    }
    assert models["Skylake-X"] == "GenuineIntel 6-85-4"
    assert models["Cascade Lake"] == "GenuineIntel 6-85-7"
    assert models["Core 2 (Conroe)"] == "GenuineIntel 6-15-6"
    assert models["K8 (Sledgehammer)"] == "AuthenticAMD 15-5-1"
    assert models["Zen 4 (Raphael)"] == "AuthenticAMD 25-97-2"
    assert models["Zhaoxin KX-7000"] == "CentaurHauls 7-107-1"
    assert len(set(models.values())) == len(models)


# ---- systems and hypervisors ----

OSXSAVE, AVX, XSAVE = 1 << 27, 1 << 28, 1 << 26
NO_WIDE = set(NEHALEM.split()) | set("AES PCLMULQDQ BMI BMI2 LZCNT MOVBE".split())


def test_a_virtual_machine_without_xsave() -> None:
    """The hypervisor passes AVX's bits on, but the guest never switches XGETBV on."""
    cpuid = answers(RECORDED["Haswell"])
    cpuid[1, 0][2] &= ~OSXSAVE
    features, level, _ = detect(cpuid, 7)  # what XGETBV would say is not asked
    assert (features, level) == (NO_WIDE, "x86-64-v2")


@pytest.mark.parametrize("xcr0", [0, 1, 3, 5])
def test_a_system_that_does_not_save_ymm(xcr0: int) -> None:
    features, level, _ = detect(answers(RECORDED["Haswell"]), xcr0)
    assert (features, level) == (NO_WIDE, "x86-64-v2")


@pytest.mark.parametrize("xcr0", [0x07, 0x27, 0x67, 0xA7, 0xC7])
def test_a_system_that_masks_avx512(xcr0: int) -> None:
    """AVX-512 needs all three of its states, and AVX's."""
    features, level, _ = detect(answers(RECORDED["Skylake-X"]), xcr0)
    assert (features, level) == (set(HASWELL.split()), "x86-64-v3")


def test_zmm_without_ymm_is_nothing() -> None:
    features, level, _ = detect(answers(RECORDED["Skylake-X"]), 0xE0)
    assert (features, level) == (NO_WIDE, "x86-64-v2")


def test_a_hypervisor_that_hides_one_flag() -> None:
    """AVX2 shown and AVX hidden; a baseline of nothing else; one of AVX-512's parts hidden."""
    cpuid = answers(RECORDED["Ice Lake"])
    cpuid[1, 0][2] &= ~AVX
    features, level, _ = detect(cpuid, 0xE7)
    assert (features, level) == (NO_WIDE | {"GFNI"}, "x86-64-v2")
    cpuid = answers(RECORDED["Ice Lake"])
    cpuid[7, 0][1] &= ~(1 << 17)  # AVX512DQ
    features, level, _ = detect(cpuid, 0xE7)
    assert level == "x86-64-v3"
    gone = "AVX512DQ AVX512_SKX X86_V4 AVX512_CLX AVX512_CNL AVX512_ICL"
    assert features == set(ICL.split()) - set(gone.split())


def test_leaves_beyond_the_highest_are_not_believed() -> None:
    """Intel's processors answer those with the highest one; a BIOS may limit the number to 3."""
    full = answers(RECORDED["Haswell"])
    full[0, 0][0] = 3
    features, level, _ = detect(full, 7)
    assert level == "x86-64-v2" and not features & {"AVX2", "BMI", "BMI2"}
    assert {"AVX", "F16C", "FMA3"} <= features
    full = answers(RECORDED["Sapphire Rapids"])
    full[7, 0][0] = 0  # no subleaf 1
    features, _, _ = detect(full, 0xE7)
    assert "AVX512BF16" not in features and "AVX512_SPR" in features
    full = answers(RECORDED["Haswell"])
    full[0x80000000, 0][0] = 0
    features, level, brand = detect(full, 7)
    assert level == "x86-64-v1" and not features & {"LAHF", "LZCNT"} and brand == ""


def test_a_machine_that_answers_nothing() -> None:
    assert _cpu.detect("x86_64") == ((), None, "", "")


def test_any_answers_give_a_whole_set(table: Table) -> None:
    """Whatever a hypervisor makes up: nothing without what it needs, every group that is whole."""
    import random

    chance = random.Random(4)
    for _ in range(300):
        cpuid = {
            key: [chance.getrandbits(32) | chance.getrandbits(32) for _ in range(4)]
            for key in ((1, 0), (7, 0), (7, 1), (0x80000001, 0))
        }
        cpuid[7, 0][0] = chance.randrange(3)
        cpuid[0, 0] = [7, 0, 0, 0]
        cpuid[0x80000000, 0] = [0x80000004, 0, 0, 0]
        xcr0 = chance.choice([0, 7, 0xE7, chance.getrandbits(8)])
        features, level, _ = detect(cpuid, xcr0)
        raw = set()
        saved = xcr0 if cpuid[1, 0][2] & OSXSAVE else 0
        for name in table.of("x86_64"):
            where = table.features[name].cpuid
            state = table.features[name].state
            if where is None or (where.subleaf == 1 and cpuid[7, 0][0] == 0):
                continue
            regs = cpuid[where.leaf, where.subleaf]
            register = regs[REGISTERS.index(where.register)]
            if register >> where.bit & 1 and saved & state == state:
                raw.add(name)
        whole = table.complete(raw, "x86_64")
        assert features == set(whole)
        reached = table.level(whole, "x86_64")
        assert level == (reached.name if reached else None)
