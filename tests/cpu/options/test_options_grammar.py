"""The grammar of cpu-baseline and cpu-dispatch: words, signs, separators, mistakes."""

from __future__ import annotations

import re
from dataclasses import replace

import cpu_options
import pytest
from cpu_options import OptionError, Term, read
from hypothesis import given, settings
from hypothesis import strategies as st
from options_tools import ARCHES, TABLE, FakeMaker, baseline, plan


@pytest.mark.parametrize(
    "text, words",
    [
        ("", ""),
        ("  ,, + ", ""),
        ("min", "+MIN"),
        ("SSE41 avx2 FMA3", "+SSE41 +AVX2 +FMA3"),
        ("avx2,avx512f", "+AVX2 +AVX512F"),
        ("avx2, avx512f", "+AVX2 +AVX512F"),
        ("avx2+avx512f", "+AVX2 +AVX512F"),
        ("avx2 + avx512f", "+AVX2 +AVX512F"),
        ("+avx2", "+AVX2"),
        ("max -avx512f -avx512cd", "+MAX -AVX512F -AVX512CD"),
        ("max - avx512f", "+MAX -AVX512F"),
        ("max-avx512f-avx512cd", "+MAX -AVX512F -AVX512CD"),
        ("max,-avx512f,+sse", "+MAX -AVX512F +SSE"),
        ("max -xop fma4", "+MAX -XOP +FMA4"),  # a sign is for one name only
        ("min+-sse3", "+MIN -SSE3"),
        ("\tmin\n-sse3 ", "+MIN -SSE3"),
        ("sse4.1 SSE4_2", "+SSE4.1 +SSE4_2"),
        ("x86-64-v3", "+X86-64-V3"),
        ("max -X86-64-v4", "+MAX -X86-64-V4"),
        ("max-x86-64-v4+sse", "+MAX -X86-64-V4 +SSE"),
    ],
)
def test_read(text: str, words: str) -> None:
    terms = [Term(word[1:], word[0] == "+") for word in words.split()]
    assert list(read("cpu-dispatch", text)) == terms


@pytest.mark.parametrize("text", ["max -", "-", "max - -avx", "max --avx", "max -+avx", "max -,"])
def test_a_minus_before_nothing_is_an_error(text: str) -> None:
    with pytest.raises(OptionError) as error:
        read("cpu-dispatch", text)
    assert "cpu-dispatch" in str(error.value) and repr(text) in str(error.value)


@pytest.mark.parametrize(
    "word, hint",
    [
        ("avx3", "AVX2"),
        ("avx512skx", "AVX512_SKX"),
        ("nativ", "NATIVE"),
        ("x86_v33", "X86_V3"),
        ("sse4", "SSE41"),
        ("neon", ""),  # of another architecture: no error
        ("x86-64-v9", "AVX2"),  # nothing near: all are listed
        ("$(touch x)", "AVX2"),
        ("é", "AVX2"),
    ],
)
def test_unknown_words_are_named(word: str, hint: str) -> None:
    if not hint:
        assert plan(word).baseline.skipped == {"NEON": "x86_64 does not have it"}
        return
    for option in ("baseline", "dispatch"):
        with pytest.raises(OptionError) as error:
            plan(**{option: f"min {word}"})
        bad = re.split(r"[\s-]", word)[0]
        assert bad in str(error.value) and hint in str(error.value)
        assert f"cpu-{option}" in str(error.value)


def test_a_member_of_a_group_names_the_group() -> None:
    with pytest.raises(OptionError, match="AVX512VBMI cannot be chosen by itself.*AVX512_CNL"):
        plan(dispatch="avx512vbmi")
    with pytest.raises(OptionError, match="GFNI cannot be chosen by itself$"):
        plan(dispatch="gfni")


@pytest.mark.parametrize(
    "alias, name",
    [("fma", "FMA3"), ("sse4.1", "SSE41"), ("SSE4_2", "SSE42"), ("pni", "SSE3")],
)
def test_other_spellings(alias: str, name: str) -> None:
    assert baseline(alias) == baseline(name) != ""


def test_levels_are_names() -> None:
    for number in (2, 3, 4):
        other = plan(f"X86_V{number}").baseline
        assert plan(f"x86-64-v{number}").baseline == replace(other, requested=f"x86-64-v{number}")
    assert baseline("x86-64-v1") == "SSE SSE2"
    assert plan("x86-64-v3", arch="aarch64").baseline.skipped


OPTIONS = st.sampled_from(TABLE.options("x86_64"))
SEPARATORS = st.sampled_from([" ", ",", ", ", " + ", "+", "\t", "  "])


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str]:
    """One request, written in two ways: order, case and separators differ."""
    adds = draw(st.lists(st.one_of(OPTIONS, st.sampled_from(["MIN", "MAX", "NONE"])), max_size=6))
    gone = draw(st.lists(OPTIONS, max_size=4))
    terms = [(word, "") for word in adds] + [(word, "-") for word in gone]

    def written(order: list[tuple[str, str]]) -> str:
        text = draw(st.sampled_from(["", " ", ","]))
        for word, sign in order:
            case = draw(st.sampled_from([str.upper, str.lower, str.title]))
            gap = draw(SEPARATORS)
            if sign and gap.strip() == "+":
                gap = " "
            text += gap + sign + draw(st.sampled_from(["", " "])) * bool(sign) + case(word)
        return text + draw(st.sampled_from(["", " ", ", "]))

    return written(terms), written(draw(st.permutations(terms)))


@settings(deadline=None, max_examples=50)
@given(requests())
def test_order_case_and_separators_do_not_matter(pair: tuple[str, str]) -> None:
    one, other = (plan(text, text) for text in pair)
    assert one.baseline.enabled == other.baseline.enabled
    assert one.baseline.flags == other.baseline.flags
    assert one.dispatch.enabled == other.dispatch.enabled


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=40))
def test_any_text_is_followed_or_is_an_option_error(text: str) -> None:
    for arguments in ((text, "max"), ("min", text)):
        try:
            plan(*arguments, host=["AVX2"])
        except OptionError as error:
            assert str(error)


@pytest.mark.parametrize(
    ("text", "has", "lacks"),
    [
        ("avx512_knl -avx512_knl", "AVX512CD", "AVX512PF AVX512_KNL"),
        ("avx512_knm -avx512_knl", "AVX512CD", "AVX512ER AVX5124FMAPS AVX512_KNL AVX512_KNM"),
        ("avx512_icl -avx512_knm", "AVX512_ICL AVX512VPOPCNTDQ", "AVX512_KNM"),
        ("avx512_icl avx512_knm -avx512_icl", "AVX512_KNM AVX512VPOPCNTDQ", "AVX512VBMI2"),
    ],
)
def test_a_group_goes_with_what_only_it_has(text: str, has: str, lacks: str) -> None:
    features = set(plan(text, "none").baseline.features)
    assert set(has.split()) <= features and not features & set(lacks.split())


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(ARCHES), st.data())
def test_what_holds_on_every_architecture(arch: str, data: st.DataObject) -> None:
    options = TABLE.options(arch)
    added = data.draw(st.lists(st.sampled_from(options), max_size=5)) if options else []
    gone = data.draw(st.lists(st.sampled_from(options), max_size=3)) if options else []
    lacks = data.draw(st.lists(st.sampled_from(TABLE.of(arch)), max_size=3))
    compiler = data.draw(st.sampled_from(list(TABLE.compilers)))
    maker = FakeMaker(compiler, lacks)
    text = " ".join([*added, *(f"-{name}" for name in gone)])
    made = cpu_options.resolve(TABLE, arch, maker, text, "max")
    enabled = set(made.baseline.features)
    # Closed: nothing without what it stands on; nothing that was taken away; nothing unsupported.
    assert enabled == set(TABLE.implied(enabled, arch))
    assert not enabled & set(gone)
    assert not enabled & set(TABLE.implied_by(lacks, arch, compiler))
    assert set(made.dispatch.enabled).isdisjoint(enabled)
    # What was asked for is there, or the report says why not, or it was taken away.
    away = set(TABLE.implied_by(gone, arch, compiler))
    levels = [name for name in gone if TABLE.on(name, arch).is_group]
    if not levels:
        assert set(added) - away <= enabled | set(made.baseline.skipped)
