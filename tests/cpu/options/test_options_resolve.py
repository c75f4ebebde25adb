"""What the options mean: every example and table of NumPy's document on its CPU build options,
the words, and what the newer NumPy changed."""

from __future__ import annotations

import cpu_options
import pytest
from cpu_options import OptionError
from options_tools import TABLE, X86_OLD, FakeMaker, baseline, dispatch, names, plan

SSE42 = " ".join(X86_OLD)
AVX2 = SSE42 + " AVX F16C AVX2"
FMA3 = SSE42 + " AVX F16C FMA3"
BOTH = SSE42 + " AVX F16C FMA3 AVX2"
AVX512F = BOTH + " AVX512F"
CD = AVX512F + " AVX512CD"

# Name, what it implies (with itself), from the document's tables.
IMPLIES = {
    "x86_64": {
        "SSE": "SSE SSE2",
        "SSE2": "SSE SSE2",
        "SSE3": "SSE SSE2 SSE3",
        "SSSE3": "SSE SSE2 SSE3 SSSE3",
        "SSE41": "SSE SSE2 SSE3 SSSE3 SSE41",
        "POPCNT": "SSE SSE2 SSE3 SSSE3 SSE41 POPCNT",
        "SSE42": SSE42,
        "AVX": SSE42 + " AVX",
        "XOP": SSE42 + " AVX XOP",
        "FMA4": SSE42 + " AVX FMA4",
        "F16C": SSE42 + " AVX F16C",
        "FMA3": FMA3,
        "AVX2": AVX2,
        "AVX512F": AVX512F,
        "AVX512CD": CD,
        "AVX512_KNL": CD + " AVX512_KNL",
        "AVX512_KNM": CD + " AVX512_KNL AVX512_KNM",
        "AVX512_SKX": CD + " AVX512_SKX",
        "AVX512_CLX": CD + " AVX512_SKX AVX512_CLX",
        "AVX512_CNL": CD + " AVX512_SKX AVX512_CNL",
        "AVX512_ICL": CD + " AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL",
        "AVX512_SPR": CD + " AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR",
    },
    "ppc64": {
        "VSX": "VSX",
        "VSX2": "VSX VSX2",
        "VSX3": "VSX VSX2 VSX3",
        "VSX4": "VSX VSX2 VSX3 VSX4",
    },
    "ppc64le": {
        "VSX": "VSX VSX2",
        "VSX2": "VSX VSX2",
        "VSX3": "VSX VSX2 VSX3",
        "VSX4": "VSX VSX2 VSX3 VSX4",
    },
    "arm": {
        "NEON": "NEON",
        "NEON_FP16": "NEON NEON_FP16",
        "NEON_VFPV4": "NEON NEON_FP16 NEON_VFPV4",
        "ASIMD": "NEON NEON_FP16 NEON_VFPV4 ASIMD",
        "ASIMDHP": "NEON NEON_FP16 NEON_VFPV4 ASIMD ASIMDHP",
        "ASIMDDP": "NEON NEON_FP16 NEON_VFPV4 ASIMD ASIMDDP",
        "ASIMDFHM": "NEON NEON_FP16 NEON_VFPV4 ASIMD ASIMDHP ASIMDFHM",
    },
    "aarch64": {
        "NEON": "NEON NEON_FP16 NEON_VFPV4 ASIMD",
        "NEON_FP16": "NEON NEON_FP16 NEON_VFPV4 ASIMD",
        "NEON_VFPV4": "NEON NEON_FP16 NEON_VFPV4 ASIMD",
        "ASIMD": "NEON NEON_FP16 NEON_VFPV4 ASIMD",
        "ASIMDHP": "NEON NEON_FP16 NEON_VFPV4 ASIMD ASIMDHP",
        "ASIMDDP": "NEON NEON_FP16 NEON_VFPV4 ASIMD ASIMDDP",
        "ASIMDFHM": "NEON NEON_FP16 NEON_VFPV4 ASIMD ASIMDHP ASIMDFHM",
    },
    "s390x": {"VX": "VX", "VXE": "VX VXE", "VXE2": "VX VXE VXE2"},
}


@pytest.mark.parametrize(
    "arch, name, enabled",
    [(arch, name, text) for arch, rows in IMPLIES.items() for name, text in rows.items()],
)
def test_baseline_combines_all_implied_features(arch: str, name: str, enabled: str) -> None:
    assert baseline(name.lower(), arch) == enabled


@pytest.mark.parametrize(
    "name, members",
    [
        ("AVX512_KNL", "AVX512ER AVX512PF"),
        ("AVX512_KNM", "AVX5124FMAPS AVX5124VNNIW AVX512VPOPCNTDQ"),
        ("AVX512_SKX", "AVX512VL AVX512BW AVX512DQ"),
        ("AVX512_CLX", "AVX512VNNI"),
        ("AVX512_CNL", "AVX512IFMA AVX512VBMI"),
        ("AVX512_ICL", "AVX512VBMI2 AVX512BITALG AVX512VPOPCNTDQ"),
        ("AVX512_SPR", "AVX512FP16"),
    ],
)
def test_a_group_brings_its_members(name: str, members: str) -> None:
    made = plan(name).baseline
    assert set(members.split()) <= set(made.features)
    flags = {flag for member in members.split() for flag in TABLE.features[member].flags}
    assert flags <= set(made.flags)


@pytest.mark.parametrize(
    "arch, enabled",
    [
        ("x86", "SSE SSE2"),
        ("x86_64", SSE42),  # as since NumPy 2.4; SSE SSE2 SSE3 before
        ("ppc64", ""),
        ("ppc64le", "VSX VSX2"),
        ("arm", ""),
        ("aarch64", "NEON NEON_FP16 NEON_VFPV4 ASIMD"),
        ("s390x", ""),
        ("riscv64", ""),
        ("loongarch64", ""),
    ],
)
def test_min(arch: str, enabled: str) -> None:
    assert baseline("min", arch) == enabled


def test_min_of_x86_64_is_the_level() -> None:
    assert plan("min").baseline.enabled[-1] == "X86_V2"
    assert {"CX16", "LAHF"} <= set(plan("min").baseline.features)


# ---- the document's examples ----


def test_native_and_nothing_else() -> None:
    host = ["AVX512_ICL", "BMI", "BMI2", "LZCNT", "MOVBE", "CX16", "LAHF", "FPU", "CX8", "CMOV",
            "MMX", "FXSR", "GFNI"]  # fmt: skip
    made = plan("native", "none", host=host)
    assert made.baseline.enabled[-1] == "AVX512_ICL" and "X86_V4" in made.baseline.enabled
    assert "-mgfni" in made.baseline.flags  # also what no option knows
    assert made.dispatch.enabled == ()


@pytest.mark.parametrize("option", ["baseline", "dispatch"])
def test_native_that_the_platform_lacks_is_fatal(option: str) -> None:
    with pytest.raises(OptionError, match=f"cpu-{option}: native: the compiler has no flag"):
        plan(**{option: "max native"})


def test_baseline_avx_f16c() -> None:
    assert baseline("avx f16c") == SSE42 + " AVX F16C"
    assert "-mavx -mf16c" in " ".join(plan("avx f16c").baseline.flags)


def test_baseline_vsx2() -> None:
    assert baseline("vsx2", "ppc64") == "VSX VSX2"


AVX512_ALL = (
    "max -avx512f -avx512cd -avx512_knl -avx512_knm -avx512_skx -avx512_clx -avx512_cnl -avx512_icl"
)


@pytest.mark.parametrize("text", [AVX512_ALL, "max -avx512f"])
def test_dispatch_without_avx512(text: str) -> None:
    assert dispatch(text) == "AVX XOP FMA4 F16C FMA3 AVX2"


def test_the_option_of_the_report() -> None:
    enabled = dispatch("max -xop -fma4", "sse sse2 sse3", lacks=["AVX512_SPR"])
    assert enabled == (
        "SSSE3 SSE41 POPCNT SSE42 AVX F16C FMA3 AVX2 AVX512F AVX512CD AVX512_KNL AVX512_KNM "
        "AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL"
    )


def test_baseline_sse42_is_all_below() -> None:
    assert baseline("sse42") == baseline("sse sse2 sse3 ssse3 sse41 popcnt sse42") == SSE42


def test_order_does_not_matter() -> None:
    assert dispatch("SSE41 AVX2 FMA3") == dispatch("FMA3 AVX2 SSE41")
    assert dispatch("max -avx512f") == dispatch("-avx512f max")
    assert baseline("-sse3 avx") == baseline("avx -sse3") == "SSE SSE2"


def test_baseline_skips_what_the_compiler_lacks() -> None:
    made = plan("avx2 fma3", lacks=["AVX"]).baseline
    assert names(made.enabled) == SSE42
    assert list(made.skipped) == ["AVX", "F16C", "FMA3", "AVX2"]
    assert made.skipped["AVX2"] == "the compiler does not have it"


def test_baseline_skips_what_the_platform_lacks() -> None:
    made = plan("vsx4 avx", arch="x86_64").baseline
    assert names(made.enabled) == SSE42 + " AVX"
    assert made.skipped == {"VSX4": "x86_64 does not have it"}


def test_dispatch_skips_baseline_and_unsupported_without_error() -> None:
    made = plan("avx2", "sse42 avx2 fma3 avx512f neon", lacks=["AVX512F"]).dispatch
    assert names(made.enabled) == "FMA3"
    assert set(made.skipped) == {"NEON", "AVX512F"}


def test_dispatch_combines_since_numpy_2_4() -> None:
    assert dispatch("avx2,fma3") == "AVX F16C FMA3 AVX2"
    assert dispatch("ssse3,sse41,sse42,avx,avx2,fma3", "sse3") == (
        "SSSE3 SSE41 POPCNT SSE42 AVX F16C FMA3 AVX2"
    )


def test_aarch64_neon_is_asimd() -> None:
    assert baseline("neon", "aarch64") == baseline("neon neon_fp16 neon_vfpv4 asimd", "aarch64")


@pytest.mark.parametrize("name", ["avx2", "fma3"])
def test_intel_couples_avx2_and_fma3(name: str) -> None:
    assert baseline(name, compiler="intel") == baseline("avx2 fma3", compiler="intel") == BOTH
    assert "-march=core-avx2" in plan(name, compiler="intel").baseline.flags


def test_intel_couples_avx512f_and_cd() -> None:
    assert baseline("avx512f", compiler="intel") == CD


@pytest.mark.parametrize("name", ["XOP", "FMA4", "AVX512_SPR"])
def test_intel_lacks(name: str) -> None:
    made = plan(name, compiler="intel").baseline
    assert name not in made.enabled and name in made.skipped
    assert made.skipped[name] != "the compiler does not have it"  # the table knows more


# ---- the words ----


@pytest.mark.parametrize("text", ["none", "", "-none", "none none", "NONE,"])
def test_none(text: str) -> None:
    made = plan(text, text)
    assert made.baseline.enabled == made.baseline.flags == made.dispatch.enabled == ()


def test_none_adds_nothing_and_takes_nothing() -> None:
    assert baseline("none avx2") == baseline("avx2 -none") == AVX2


def test_max_is_all_that_the_compiler_has() -> None:
    enabled = plan("none", "max", lacks=["AVX512FP16"]).dispatch.enabled
    assert set(enabled) == set(TABLE.options("x86_64")) - {"AVX512_SPR"}


def test_detect_is_what_the_flags_say() -> None:
    assert baseline("detect", own=["AVX2"]) == AVX2
    assert baseline("none") == "" and baseline("detect") == "SSE SSE2"


def test_flags_of_the_user_are_in_the_baseline_whatever_was_asked() -> None:
    for text in ("none", "min", "min -avx2", "sse3"):
        assert set(AVX2.split()) <= set(baseline(text, own=["AVX2"]).split())


def test_march_native_makes_the_baseline_native() -> None:
    host = ["AVX2", "FMA3"]
    by_flag = plan("min", host=host, says_native=True).baseline
    assert by_flag.is_native and by_flag.requested == "min"
    assert by_flag.enabled == plan("native", host=host).baseline.enabled
    assert "AVX512F" not in plan("avx512f", host=host, says_native=True).baseline.enabled


def test_minus_a_word_takes_just_that() -> None:
    assert dispatch("max -native", "none", host=["AVX2", "FMA3"]).startswith("XOP FMA4 AVX512F")


# ---- minus, and the newer names ----


@pytest.mark.parametrize(
    "gone, left",
    [
        ("avx512_icl", "AVX XOP FMA4 F16C FMA3 AVX2 AVX512F AVX512CD AVX512_KNL AVX512_KNM "
                       "AVX512_SKX AVX512_CLX AVX512_CNL"),
        ("avx512_knm", "AVX XOP FMA4 F16C FMA3 AVX2 AVX512F AVX512CD AVX512_KNL "
                       "AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"),
        ("avx512_skx", "AVX XOP FMA4 F16C FMA3 AVX2 AVX512F AVX512CD AVX512_KNL AVX512_KNM"),
        ("x86_v4", "AVX XOP FMA4 F16C FMA3 AVX2"),
        ("x86-64-v4", "AVX XOP FMA4 F16C FMA3 AVX2"),
        ("x86_v3", ""),
        ("avx2", "AVX XOP FMA4 F16C FMA3"),
        ("fma3", "AVX XOP FMA4 F16C AVX2"),
        ("sse", ""),
    ],
)  # fmt: skip
def test_minus_takes_along_what_implies_it(gone: str, left: str) -> None:
    enabled = dispatch(f"max -{gone}")
    assert enabled == left or (left == "" and not set(enabled.split()) & {"AVX", "AVX2", "AVX512F"})


def test_levels_imply_their_features() -> None:
    made = plan("x86_v3").baseline
    assert names(made.enabled) == BOTH
    assert {"BMI", "BMI2", "LZCNT", "MOVBE"} <= set(made.features)
    assert plan("none", "x86_v4").dispatch.enabled[-1] == "X86_V4"


@pytest.mark.parametrize("arch, name", [("aarch64", "SVE"), ("riscv64", "RVV"),
                                        ("loongarch64", "LASX")])  # fmt: skip
def test_new_names_of_other_architectures(arch: str, name: str) -> None:
    assert plan(name, arch=arch).baseline.enabled[-1] == name


# ---- targets of sources ----


def test_a_target_is_named_as_numpy_names_it() -> None:
    target = plan("sse sse2 sse3").target("AVX2 FMA3")
    assert target.name == "FMA3__AVX2"
    assert target.implied == tuple((SSE42 + " AVX F16C").split())
    assert target.detect == tuple("SSSE3 SSE41 POPCNT SSE42 AVX F16C FMA3 AVX2".split())
    assert " ".join(target.flags) == (
        "-msse -msse2 -msse3 -mssse3 -msse4.1 -mpopcnt -msse4.2 -mavx -mf16c -mfma -mavx2"
    )


def test_a_target_of_avx512() -> None:
    target = plan("min").target("avx512_skx")
    assert (target.name, target.features) == ("AVX512_SKX", ("AVX512_SKX",))
    assert target.checks == ("AVX512F_REDUCE", "AVX512BW_MASK", "AVX512DQ_MASK")
    assert target.flags[-5:] == tuple(
        "-mavx512f -mavx512cd -mavx512vl -mavx512bw -mavx512dq".split()
    )
    assert {"AVX512VL", "CX16", "X86_V2"} <= set(target.have)


def test_an_implied_name_is_left_out_of_the_targets_name() -> None:
    assert plan().target("AVX2 AVX512F").name == "AVX512F"
    assert plan(compiler="intel").target("AVX2 FMA3").name == "FMA3__AVX2"


@pytest.mark.parametrize(
    "base, wanted, text, why",
    [
        ("avx2 fma3", "max", "AVX2 FMA3", "the baseline has it"),
        ("min", "none", "AVX2", "AVX2: cpu-dispatch does not ask for it"),
        ("min", "max -avx512_icl", "AVX512_ICL", "AVX512_ICL: cpu-dispatch does not ask for it"),
        ("min", "max", "VSX3", "x86_64 does not have VSX3"),
    ],
)
def test_targets_that_are_not_made(base: str, wanted: str, text: str, why: str) -> None:
    assert plan(base, wanted).target(text) == why


def test_a_target_without_what_the_baseline_has() -> None:
    assert plan("fma3").target("FMA3 AVX2").name == "AVX2"


def test_a_target_of_what_the_compiler_lacks() -> None:
    made = plan(dispatch="avx512f", lacks=["AVX512F"])
    assert made.target("AVX512F") == "AVX512F: the compiler does not have it"


@pytest.mark.parametrize("text", ["", "max", "-avx2", "avx2 nope"])
def test_wrong_targets(text: str) -> None:
    with pytest.raises(OptionError, match="dispatch target"):
        plan().target(text)


def test_every_option_can_be_a_target_with_every_compiler() -> None:
    for compiler in TABLE.compilers:
        for arch in TABLE.arches:
            made = cpu_options.resolve(TABLE, arch, FakeMaker(compiler), "none", "max")
            for name in made.dispatch.enabled:
                target = made.target(name)
                assert isinstance(target, cpu_options.Target), (compiler, arch, name)
                assert name in target.features and name in target.detect
