"""Reading profiles, comparing them, and the numbers of a measurement."""

from __future__ import annotations

import math

import pytest
from fullspeed.pgo import check, compilers, drift, profile, verify
from fullspeed.pgo.options import percent


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("build#temp.linux-x86_64#src#a.gcda", "build/temp.linux-x86_64/src/a"),
        ("build/temp.linux-x86_64/src/a.o", "build/temp.linux-x86_64/src/a"),
        ("b#_x.so.p#a.c.gcda", "b/_x.so.p/a.c"),
        ("b/_x.so.p/a.c.o", "b/_x.so.p/a.c"),
        ("b#.#x#^#a.gcno", "b/a"),
        ("b/./x/../a.lo", "b/a"),
    ],
)  # fmt: skip
def test_units(name: str, unit: str) -> None:
    assert profile.unit_of(name) == unit


def test_overlap() -> None:
    one = {("a", "f"): [10, 30], ("a", "g"): [0, 60]}
    assert profile.overlap(one, one) == pytest.approx(1)
    double = {key: [2 * n for n in row] for key, row in one.items()}
    assert profile.overlap(one, double) == pytest.approx(1)
    other = {("a", "f"): [30, 10], ("a", "h"): [60]}
    assert profile.overlap(one, other) == pytest.approx(0.2)
    assert profile.overlap(other, one) == pytest.approx(0.2)
    assert profile.overlap(one, {("a", "f"): [1]}) == 0  # another version's function
    assert profile.overlap(one, {}) == profile.overlap(one, {("a", "g"): [0, 0]}) == 0


def test_drift() -> None:
    found = drift.compare({("a", "f"): [9], ("a", "g"): [1]}, {("a", "f"): [5], ("", "h"): [5]})
    assert found.overlap == pytest.approx(0.5) and found.untrained == pytest.approx(0.5)
    assert [row[0][1] for row in found.functions] == ["h", "f", "g"]
    text = drift.as_text(found, 0.6)
    assert "overlap of counters    50.0%   (the limit is 60%)" in text
    assert "   90.0%      50.0%   f (a)" in text and "    0.0%      50.0%   h\n" in text


def test_coverage() -> None:
    notes = {"a": {"1": "f", "2": "g"}, "b": {"1": "h"}, "c": {}}
    read = {("a", "f"): [1], ("a", "g"): [0]}
    found = profile.coverage(read, notes)
    assert (found.units_without, found.functions) == (["b"], 3)
    assert found.not_run == [("a", "g"), ("b", "h")]
    assert profile.by_file(found.not_run) == "a\n    g\nb\n    h\n"
    assert profile.coverage(read, {}).not_run == [("a", "g")]  # clang's


GCC_LOG = """\
b/x.c: In function ‘f’:
b/x.c:9:1: warning: ‘/w/profile/raw/b#x.gcda’ profile count data file not found [-Wmissing-profile]
b/a.c:3:5: warning: profile for function ‘g’ not found in profile data [-Wmissing-profile]
b/a.c:4:5: warning: the control flow of function 'h' does not match its profile data (counter 'arcs') [-Wcoverage-mismatch]
b/a.c:4:5: warning: number of counters in profile data for function ‘k’ does not match its profile data (counter ‘arcs’, expected 4 and have 5) [-Wcoverage-mismatch]
"""  # noqa: E501
CLANG_LOG = """\
warning: a.c: no profile data available for function g Hash = 12 [-Wbackend-plugin]
warning: a.c: function control flow change detected (hash mismatch) h Hash = 3 up to 5 count discarded [-Wbackend-plugin]
"""  # noqa: E501


def compiler(kind: str) -> compilers.Compiler:
    return compilers.Compiler(kind, (kind,), "12.2.0", kind, None)


def test_words_of_compilers(tmp_path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "b#a.gcda").write_text("")
    found = verify.used(compiler("gcc"), GCC_LOG, ["b/a.o", "b/x.o"], tmp_path)
    assert (found.units, found.without) == (2, ["b/x"])
    assert (found.unknown, found.changed) == (["g"], ["h", "k"])
    assert len(verify.sentences(found)) == 3
    found = verify.used(compiler("clang"), CLANG_LOG, ["b/a.o"], tmp_path)
    assert (found.unknown, found.changed) == (["g"], ["h"])


def test_gain() -> None:
    gain = check.Gain([1.0, 1.1, 1.2, 1.0], [0.5, 0.55, 0.6, 0.5])
    assert gain.ratio == pytest.approx(2) and gain.significant
    assert gain.bounds == pytest.approx((2, 2))
    logs = [math.log(1.1), math.log(0.9), math.log(1.0)]
    gain = check.Gain([1.1, 0.9, 1.0], [1.0, 1.0, 1.0])
    mean = sum(logs) / 3
    half = 4.303 * math.sqrt(sum((x - mean) ** 2 for x in logs) / 2 / 3)  # t of two degrees, 95 %
    low, high = gain.bounds
    assert math.log(high) - math.log(low) == pytest.approx(2 * half, rel=1e-3)
    assert not gain.significant and "not significant" in check.as_text(gain, "cpu")


def test_percent() -> None:
    assert percent("5%") == pytest.approx(0.05) and percent("0.05") == 0.05
    for text in ("", "x", "-1%", "200%"):
        with pytest.raises(ValueError):
            percent(text)
