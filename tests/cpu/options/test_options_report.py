"""The report at the end of a build, and the files for Meson and C."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cpu_build
import pytest
from cpu_options import Plan
from cpu_report import make_group, report_data, report_text
from options_tools import plan

EXPECTED = """\
########### EXT COMPILER OPTIMIZATION ###########
Platform      :
  Architecture: x64
  Compiler    : gcc

CPU baseline  :
  Requested   : 'sse sse2 sse3'
  Enabled     : SSE SSE2 SSE3
  Flags       : -msse -msse2 -msse3
  Extra checks: none

CPU dispatch  :
  Requested   : 'avx2 fma3 avx512_skx neon'
  Enabled     : SSSE3 SSE41 POPCNT SSE42 AVX F16C FMA3 AVX2 AVX512F AVX512CD AVX512_SKX
  Left out    : NEON (x86_64 does not have it)
  Not made    : loops: SSE3 (the baseline has it)
  Generated   :
              :
  AVX2        : SSE SSE2 SSE3 SSSE3 SSE41 POPCNT SSE42 AVX F16C
  Flags       : -msse -msse2 -msse3 -mssse3 -msse4.1 -mpopcnt -msse4.2 -mavx -mf16c -mavx2
  Extra checks: none
  Detect      : SSSE3 SSE41 POPCNT SSE42 AVX F16C AVX2
              : loops.dispatch.c
              :
  (FMA3 AVX2) : SSE SSE2 SSE3 SSSE3 SSE41 POPCNT SSE42 AVX F16C
  Flags       : -msse -msse2 -msse3 -mssse3 -msse4.1 -mpopcnt -msse4.2 -mavx -mf16c -mfma -mavx2
  Extra checks: none
  Detect      : SSSE3 SSE41 POPCNT SSE42 AVX F16C FMA3 AVX2
              : more.dispatch.c
              :
  AVX512_SKX  : SSE SSE2 SSE3 SSSE3 SSE41 POPCNT SSE42 AVX F16C FMA3 AVX2 AVX512F AVX512CD
  Flags       : -msse -msse2 -msse3 -mssse3 -msse4.1 -mpopcnt -msse4.2 -mavx -mf16c -mfma -mavx2 \
-mavx512f -mavx512cd -mavx512vl -mavx512bw -mavx512dq
  Extra checks: AVX512F_REDUCE AVX512BW_MASK AVX512DQ_MASK
  Detect      : SSSE3 SSE41 POPCNT SSE42 AVX F16C FMA3 AVX2 AVX512F AVX512CD AVX512_SKX
              : loops.dispatch.c
              : more.dispatch.c
"""


def data_of(made: Plan) -> dict:
    """Two groups of sources, as an extension may have them."""
    groups = [
        make_group(made, "loops", ["AVX512_SKX", "AVX2", "SSE3"], ["loops.dispatch.c"]),
        make_group(made, "more", ["AVX2 FMA3", "FMA3 AVX2", "AVX512_SKX"], ["more.dispatch.c"]),
    ]
    return report_data("EXT COMPILER OPTIMIZATION", made, groups)


def test_the_report_is_as_numpys() -> None:
    assert report_text(data_of(plan("sse sse2 sse3", "avx2 fma3 avx512_skx neon"))) == EXPECTED


def test_the_text_is_made_of_the_json_alone() -> None:
    data = data_of(plan("min", "max -avx512_icl", lacks=["AVX512F"]))
    assert report_text(json.loads(json.dumps(data))) == report_text(data)
    assert list(data["dispatch"]["generated"]) == ["AVX2", "FMA3__AVX2"]
    assert data["dispatch"]["not_generated"] == {
        "loops: AVX512_SKX": "AVX512_SKX: the compiler does not have it",
        "loops: SSE3": "the baseline has it",
        "more: AVX512_SKX": "AVX512_SKX: the compiler does not have it",
    }


def test_nothing_generated() -> None:
    data = data_of(plan("none", "none"))
    text = report_text(data)
    assert re.search(r"Enabled +: none\n  Flags +: none", text)
    assert re.search(r"Generated +: none\n$", text)


def test_native_by_cflags_is_said() -> None:
    text = report_text(data_of(plan("min", "max", host=["AVX2"], says_native=True)))
    assert "Requested   : 'min' (native, by CFLAGS)" in text


def run(folder: Path, *options: str, command: tuple[str, ...] = ("gcc",)) -> int:
    return cpu_build.main(
        ["resolve", str(folder), "--family=x86_64", "--compiler=gcc", *options,
         "--group", "demo", "AVX2 FMA3, AVX512_SKX, VSX3", "a.c", "b.c", "--", *command]
    )  # fmt: skip


def read_conf(folder: Path) -> dict[str, list[str]]:
    rows = [row.split("=", 1) for row in (folder / "cpu.conf").read_text().splitlines()]
    return {name: value.split() for name, value in rows}


def test_the_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path) == 0
    conf = read_conf(tmp_path)
    assert conf["targets_demo"] == ["FMA3__AVX2", "AVX512_SKX"]
    assert conf["flags_FMA3__AVX2"][-2:] == ["-mfma", "-mavx2"]
    assert {"-DFS_CPU_HAVE_AVX2=1", "-DFS_CPU_HAVE_SSE42=1"} <= set(conf["args_FMA3__AVX2"])
    assert "-DFS_CPU_CHECK_AVX512F_REDUCE=1" in conf["args_AVX512_SKX"]
    assert "-DFS_CPU_TARGET=baseline" in conf["args_baseline"]
    assert "-msse4.2" in conf["flags_baseline"] and conf["all_flags"] == []
    header = (tmp_path / "demo_targets_gen.h").read_text()
    assert 'X(FMA3__AVX2, "AVX F16C FMA3 AVX2", __VA_ARGS__)' in header
    best_first = header[header.index("FS_CPU_TARGETS(") : header.index("FS_CPU_TARGETS_UP")]
    assert best_first.index("AVX512_SKX") < best_first.index("FMA3__AVX2")
    data = json.loads((tmp_path / "cpu_report.json").read_text())
    assert data["dispatch"]["generated"]["AVX512_SKX"]["files"] == ["a.c", "b.c"]
    assert capsys.readouterr().out == report_text(data)
    # Nothing is written anew, so that nothing is compiled anew.
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert run(tmp_path) == 0
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    copies = [str(tmp_path / "copy.json"), str(tmp_path / "copy.txt")]
    assert cpu_build.main(["report", str(tmp_path / "cpu_report.json"), *copies]) == 0
    assert (tmp_path / "copy.txt").read_text() == report_text(data)
    assert json.loads((tmp_path / "copy.json").read_text()) == data


def test_a_baseline_beyond_min_is_for_all_code(tmp_path: Path) -> None:
    assert run(tmp_path, "--baseline=avx2 fma3") == 0
    conf = read_conf(tmp_path)
    assert conf["all_flags"] == conf["flags_baseline"] and conf["targets_demo"] == ["AVX512_SKX"]
    assert run(tmp_path, "--baseline=sse3") == 0
    assert read_conf(tmp_path)["all_flags"] == []


def test_errors_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options, words in (
        (["--baseline=avx3"], "cpu-baseline: 'avx3' is neither"),
        (["--dispatch=max -"], "cpu-dispatch: '-' stands before nothing"),
        (["--family=vax"], "the processor family 'vax'"),
        (["--compiler=tcc"], "the compiler 'tcc'"),
    ):
        assert run(tmp_path, *options) == 1
        out, err = capsys.readouterr()
        assert out == "" and err.startswith(words) and err.count("\n") == 1
