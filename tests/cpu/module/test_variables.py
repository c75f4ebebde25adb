"""FULLSPEED_DISABLE_CPU_FEATURES, FULLSPEED_ENABLE_CPU_FEATURES and GLIBC_TUNABLES.

mask() is the C core's own code on a described machine; the rules stand here by hand, and the
fuzzer has them as a model. Child processes show that the environment gets there.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from child_env import sanitizer
from cpu_table import Table
from fullspeed import _cpu
from hypothesis import given, settings
from hypothesis import strategies as st
from more_rights import python_with_more_rights

NAMES = (
    "FULLSPEED_DISABLE_CPU_FEATURES",
    "FULLSPEED_ENABLE_CPU_FEATURES",
    "GLIBC_TUNABLES",
)
V1 = ("FPU", "CX8", "CMOV", "MMX", "FXSR", "SSE", "SSE2", "X86_V1")


@pytest.fixture(scope="module")
def skx(table: Table) -> tuple[str, ...]:
    """A Skylake-X."""
    return table.complete(table.implied(["X86_V4"], "x86_64"), "x86_64")


def usable(found: tuple[str, ...], baseline: tuple[str, ...] = V1, **variables: bytes) -> set[str]:
    """What the variables leave."""
    state = _cpu.mask("x86_64", found, baseline, **variables)
    assert set(state["found"]) == set(found)
    assert set(state["hidden"]) == set(found) - set(state["usable"])
    return set(state["usable"])


def test_nothing_set(skx: tuple[str, ...]) -> None:
    assert usable(skx) == set(skx)
    assert usable(skx, tunables=b"glibc.malloc.check=1:glibc.cpu.hwcaps=:") == set(skx)


@pytest.mark.parametrize("separator", [",", " ", "\t", ", ", " \t,,"])
def test_separators_case_and_aliases(skx: tuple[str, ...], separator: str, table: Table) -> None:
    text = separator.join(["avx512f", "Fma", "AVX2"])
    for value in (text, separator + text + separator):
        left = usable(skx, disable=value.encode())
        assert left == set(table.without(skx, ["AVX2", "FMA3"], "x86_64"))
        assert "F16C" in left and not {"FMA3", "AVX2", "X86_V3", "AVX512CD"} & left


def test_what_stands_on_it_goes_too(skx: tuple[str, ...]) -> None:
    left = usable(skx, disable=b"SSE41")
    assert left == set(V1) | set("SSE3 SSSE3 CX16 LAHF BMI BMI2 LZCNT MOVBE".split())


def test_a_group_takes_its_members(skx: tuple[str, ...]) -> None:
    assert not {"AVX512VL", "AVX512BW", "AVX512DQ", "X86_V4"} & usable(skx, disable=b"AVX512_SKX")
    assert "AVX512CD" in usable(skx, disable=b"AVX512_SKX")
    assert not {"AVX", "BMI", "AVX512F"} & usable(skx, disable=b"x86_v3")


def test_only_some(skx: tuple[str, ...], table: Table) -> None:
    assert usable(skx, enable=b"AVX2") == set(V1) | set(table.implied(["AVX2"], "x86_64"))
    assert usable(skx, enable=b"SSE2") == set(V1)
    assert usable(skx, enable=b"BMI,BMI2") == {*V1, "BMI", "BMI2"}
    assert usable(skx, enable=b"x86_v3") == set(table.implied(["X86_V3"], "x86_64"))
    # The baseline stays, and naming it is no error.
    base = table.implied(["AVX2"], "x86_64")
    assert usable(skx, base, enable=b"sse3") == set(base)


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"disable": b"AVX2", "enable": b"AVX2"}, "has both FULLSPEED_DISABLE_CPU_FEATURES and"),
        ({"disable": b"AVX3"}, "DISABLE_CPU_FEATURES names 'AVX3', which is no CPU feature"),
        ({"enable": b"AVX2;FMA3"}, "ENABLE_CPU_FEATURES names 'AVX2;FMA3', which is no"),
        ({"disable": b"AVX2\nFMA3"}, r"names 'AVX2\?FMA3'"),
        ({"disable": b"-AVX2"}, "names '-AVX2'"),
        ({"disable": "\u00e4".encode()}, r"names '\?\?'"),
        ({"disable": b"x" * 5000}, r"names 'x{40}\.\.\.', which"),
        ({"disable": b"AVX2,SSE2"}, r"names SSE2, which cannot be disabled.*baseline: FPU .*SSE2"),
        ({"disable": b"X86_V1"}, "names X86_V1, which cannot be disabled"),
        ({"disable": b" ,\t"}, "names no feature"),
        ({"enable": b","}, "names no feature"),
    ],
)  # fmt: skip
def test_errors(skx: tuple[str, ...], variables: dict[str, bytes], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        usable(skx, **variables)


def test_what_the_cpu_lacks_is_a_warning(skx: tuple[str, ...]) -> None:
    state = _cpu.mask("x86_64", skx, V1, disable=b"XOP,NEON,AVX512F,xop")
    assert state["warning"].splitlines() == [
        f"the environment's {NAMES[0]} names {name}, which this CPU does not have"
        for name in ("XOP", "NEON")
    ]
    assert "AVX512F" not in state["usable"] and "AVX2" in state["usable"]


def test_glibcs_tunable(skx: tuple[str, ...], table: Table) -> None:
    expected = set(table.without(skx, ["AVX2", "BMI2"], "x86_64"))
    for text in (
        b"glibc.cpu.hwcaps=-AVX2,-BMI2",
        b"glibc.cpu.hwcaps=-AVX2_Usable,AVX512F,-BMI2,-ERMS,-Prefer_No_VZEROUPPER,-",
        b"glibc.malloc.check=3:glibc.cpu.hwcaps=-BMI2:glibc.cpu.hwcaps=-AVX2:",
    ):
        state = _cpu.mask("x86_64", skx, V1, tunables=text)
        assert set(state["usable"]) == expected
        assert set(state["hidden"].values()) == {"GLIBC_TUNABLES"}
    # It is not ours: what cannot be taken away stays, without a word.
    state = _cpu.mask("x86_64", skx, V1, tunables=b"glibc.cpu.hwcaps=-SSE2,-NoSuchThing")
    assert set(state["usable"]) == set(skx) and state["warning"] == ""
    # And with ours.
    state = _cpu.mask("x86_64", skx, V1, tunables=b"glibc.cpu.hwcaps=-AVX512F", disable=b"FMA3")
    assert state["hidden"]["AVX512CD"] == "GLIBC_TUNABLES"
    assert state["hidden"]["X86_V3"] == "FULLSPEED_DISABLE_CPU_FEATURES"


# ---- any bytes ----

WORDS = st.sampled_from(
    [b"AVX2", b"avx512f", b"X86_V3", b"SSE2", b"fma", b"XOP", b"NEON", b"AVX3", b"", b"-AVX2",
     b"\xff", b"AVX512_SKX", b"glibc.cpu.hwcaps=", b"BMI_Usable", b"popcnt", b"sse4.1", b"-BMI"]
)  # fmt: skip
TEXTS = st.one_of(
    st.binary(max_size=80).map(lambda text: text.replace(b"\0", b"")),
    st.lists(st.tuples(WORDS, st.sampled_from([b",", b" ", b"\t", b":", b"=", b"-"])), max_size=9)
    .map(lambda parts: b"".join(word + end for word, end in parts)),
)  # fmt: skip


def model(table: Table, found: tuple[str, ...], text: bytes, enable: bool) -> set[str] | None:
    """What a variable leaves, after the rules; None: it is an error."""
    words = text.replace(b",", b" ").replace(b"\t", b" ").split(b" ")
    words = [word for word in words if word]
    names = []
    for word in words:
        feature = table.find(word.decode("ascii", "replace")) if word.isascii() else None
        if feature is None or (not enable and feature.name in V1):
            return None
        if feature.name in found:
            names.append(feature.name)
    if not words:
        return None
    if enable:
        keep = {*V1, *table.implied(names, "x86_64")} & set(found)
        return set(table.complete(keep, "x86_64"))
    return set(table.without(found, names, "x86_64", kept=V1))


@settings(max_examples=1500, deadline=None)
@given(text=TEXTS, enable=st.booleans())
def test_fuzz_of_our_variables(
    table: Table, skx: tuple[str, ...], text: bytes, enable: bool
) -> None:
    expected = model(table, skx, text, enable)
    variables = {"enable" if enable else "disable": text}
    if expected is None:
        with pytest.raises(ValueError, match="the environment's FULLSPEED_"):
            usable(skx, **variables)
    else:
        assert usable(skx, **variables) == expected


@settings(max_examples=800, deadline=None)
@given(text=TEXTS)
def test_fuzz_of_glibcs_variable(table: Table, skx: tuple[str, ...], text: bytes) -> None:
    """Never an error, never less than the baseline, never an incomplete set."""
    left = usable(skx, tunables=b"glibc.cpu.hwcaps=" + text)
    assert set(V1) <= left <= set(skx)
    assert left == set(table.complete(left, "x86_64"))


# ---- the environment itself ----

def child(code: str, env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python code with some variables."""
    kept = {name: value for name, value in os.environ.items() if name not in NAMES}
    return subprocess.run(
        [*words, sys.executable, "-c", code],
        env=kept | sanitizer() | env,
        capture_output=True,
        text=True,
        timeout=60,
    )


SHOW = "from fullspeed import _cpu; print(*_cpu.state()['usable'])"


def test_the_environment_counts() -> None:
    whole = child(SHOW, {}).stdout.split()
    if "AVX2" not in whole:
        pytest.skip("this machine has no AVX2")
    for env in (
        {"FULLSPEED_DISABLE_CPU_FEATURES": "avx2"},
        {"FULLSPEED_ENABLE_CPU_FEATURES": "AVX"},
        {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2"},
    ):
        left = child(SHOW, env).stdout.split()
        assert "AVX" in left and "AVX2" not in left, env
    assert child(SHOW, dict.fromkeys(NAMES, "")).stdout.split() == whole


def test_errors_and_warnings_at_import() -> None:
    wrong = child(SHOW, {"FULLSPEED_DISABLE_CPU_FEATURES": "AVX2,nonsense"})
    assert wrong.returncode == 1
    assert wrong.stderr.splitlines()[-1].startswith(
        "ValueError: the environment's FULLSPEED_DISABLE_CPU_FEATURES names 'nonsense', which is no"
    )
    warned = child(SHOW, {"FULLSPEED_DISABLE_CPU_FEATURES": "NEON"})
    assert warned.returncode == 0
    assert warned.stderr.count("RuntimeWarning") == 1
    assert "names NEON, which this CPU does not have" in warned.stderr
    loud = child("import warnings; warnings.simplefilter('error')\n" + SHOW,
                 {"FULLSPEED_DISABLE_CPU_FEATURES": "NEON"})  # fmt: skip
    assert loud.returncode == 1 and "RuntimeWarning" in loud.stderr


def test_programs_with_more_rights_do_not_look(tmp_path) -> None:
    """A setgid Python of root's: the variables are the caller's, and are not believed."""
    state = _cpu.state()
    if "AVX" not in state["usable"] or "AVX" in state["baseline"]:
        pytest.skip("needs a feature beyond the baseline")
    words, copy = python_with_more_rights(tmp_path)
    import fullspeed

    places = [os.path.dirname(os.path.dirname(fullspeed.__file__))]
    code = f"import sys; sys.path[:0] = {places}\n" + SHOW
    env = {"FULLSPEED_DISABLE_CPU_FEATURES": "AVX", "PATH": os.environ["PATH"]}
    plain = subprocess.run(
        [*words, sys.executable, "-c", code], env=env, capture_output=True, text=True
    )
    assert plain.returncode == 0, plain.stderr
    more = subprocess.run([*words, str(copy), "-c", code], env=env, capture_output=True, text=True)
    assert "AVX" not in plain.stdout.split()
    assert more.returncode == 0, more.stderr
    assert "AVX" in more.stdout.split()
