"""Asking a compiler: real ones, ones that lack something, and broken ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cpu_build
import pytest
from cpu_compiler import Compiler
from cpu_options import OptionError, resolve
from options_tools import TABLE

CLANG = next((c for c in ("clang-19", "clang") if shutil.which(c)), None)
REAL = [("gcc", "gcc"), pytest.param("clang", CLANG, marks=pytest.mark.skipif(
    CLANG is None, reason="there is no clang here"))]  # fmt: skip


def script(path: Path, text: str) -> list[str]:
    """A compiler that is a shell script."""
    path.write_text("#!/bin/bash\n" + text)
    path.chmod(0o755)
    return [str(path)]


@pytest.fixture(scope="module")
def gcc(tmp_path_factory: pytest.TempPathFactory) -> Compiler:
    return Compiler(TABLE, "gcc", ["gcc"], cache=tmp_path_factory.mktemp("gcc") / "cache.json")


@pytest.mark.parametrize("name, command", REAL)
def test_real_compilers_have_the_common_features(name: str, command: str) -> None:
    compiler = Compiler(TABLE, name, [command])
    able = compiler.supported("x86_64")
    assert {"SSE42", "AVX2", "AVX512_SKX", "AVX512_ICL", "GFNI"} <= able
    made = resolve(TABLE, "x86_64", compiler, "min", "max")
    assert {"X86_V3", "X86_V4", "AVX512_ICL"} <= set(made.dispatch.enabled)
    assert compiler.detected("x86_64") >= {"SSE", "SSE2"}
    assert "AVX" not in compiler.detected("x86_64")
    assert compiler.runs < 40


@pytest.mark.parametrize("name, command", REAL)
def test_flags_of_the_user_are_seen(name: str, command: str) -> None:
    compiler = Compiler(TABLE, name, [command], ["-O2", "-mavx2", "-g"])
    found = compiler.detected("x86_64")
    assert "AVX2" in found and "FMA3" not in found and not compiler.is_native()
    haswell = Compiler(TABLE, name, [command], ["-march=haswell"])
    assert {"X86_V3", "BMI2"} <= haswell.detected("x86_64")
    native = Compiler(TABLE, name, [command], ["-march=native"])
    assert native.is_native()
    assert native.detected("x86_64") == native.native("x86_64")


def test_each_feature_alone_as_together(gcc: Compiler) -> None:
    """One file with everything in it must not let a feature pass that cannot stand alone."""
    for name in ("SSE3", "POPCNT", "F16C", "FMA3", "AVX512VL", "AVX512_ICL", "VAES"):
        assert gcc._able([name], "x86_64") == [name]


@pytest.mark.parametrize(
    "rejects, gone, kept",
    [
        ("-mavx512*", "AVX512F", "AVX2"),
        ("-mfma", "FMA3", "AVX2"),
        ("-mavx", "AVX", "SSE42"),
    ],
)
def test_a_compiler_that_lacks_a_flag(tmp_path: Path, rejects: str, gone: str, kept: str) -> None:
    command = script(
        tmp_path / "cc",
        f'for a; do case $a in {rejects}) echo "what is $a?" >&2; exit 1;; esac; done\n'
        'exec gcc "$@"\n',
    )
    made = resolve(TABLE, "x86_64", Compiler(TABLE, "gcc", command), "max", "none").baseline
    assert kept in made.enabled
    assert not set(TABLE.implied_by([gone], "x86_64")) & set(made.features)


def test_a_compiler_that_ignores_a_flag_does_not_have_the_feature(tmp_path: Path) -> None:
    command = script(
        tmp_path / "cc",
        'for a; do case $a in -mavx512f|-mavx512v*) ;; *) set -- "$@" "$a";; esac; shift; done\n'
        'exec gcc "$@"\n',
    )
    able = Compiler(TABLE, "gcc", command).supported("x86_64")
    assert "AVX512VL" not in able and "AVX2" in able


def test_native_is_fatal_where_it_cannot_be(tmp_path: Path) -> None:
    command = script(
        tmp_path / "cc",
        'for a; do [ "$a" != -march=native ] || { echo "bad value native" >&2; exit 1; }; done\n'
        'exec gcc "$@"\n',
    )
    with pytest.raises(OptionError, match="cpu-baseline: native: .*does not take -march=native"):
        resolve(TABLE, "x86_64", Compiler(TABLE, "gcc", command), "native", "none")
    cross = Compiler(TABLE, "gcc", ["gcc"], cross=True)
    with pytest.raises(OptionError, match="cpu-dispatch: native: this is a cross build"):
        resolve(TABLE, "x86_64", cross, "min", "native")


def test_broken_compilers_are_errors(tmp_path: Path) -> None:
    broken = script(tmp_path / "cc", 'echo "no licence" >&2; exit 1\n')
    with pytest.raises(OptionError, match="cannot compile an empty file: no licence"):
        Compiler(TABLE, "gcc", broken).supported("x86_64")
    with pytest.raises(OptionError, match="cannot compile an empty file"):
        Compiler(TABLE, "gcc", ["gcc"], ["-fno-such-option"]).detected("x86_64")
    with pytest.raises(OptionError, match="does not run"):
        Compiler(TABLE, "gcc", [str(tmp_path / "nothing")]).supported("x86_64")
    with pytest.raises(OptionError, match="'tcc' is not known.*gcc, clang, intel-llvm, intel"):
        Compiler(TABLE, "tcc", ["tcc"])


def test_answers_are_kept_until_something_changes(tmp_path: Path) -> None:
    cache = tmp_path / "cache.json"

    def asked(*flags: str, command: tuple[str, ...] = ("gcc",)) -> Compiler:
        compiler = Compiler(TABLE, "gcc", command, flags, cache=cache)
        resolve(TABLE, "x86_64", compiler, "min", "max native")
        compiler.target = resolve(TABLE, "x86_64", compiler, "min", "max").target("AVX512_SKX")
        return compiler

    first = asked()
    assert first.runs > 0
    again = asked()
    assert again.runs == 0 and again.target == first.target
    assert asked("-O1").runs > 0
    assert asked("-O1").runs == 0
    other = tuple(script(tmp_path / "cc", 'exec gcc "$@"\n'))
    assert asked(command=other).runs > 0
    cache.write_text("{ not json")
    assert asked().runs > 0
    cache.write_text(json.dumps({"key": json.loads(cache.read_text())["key"], "answers": 3}))
    assert asked().runs > 0


def test_least_flags_undo_what_cflags_say() -> None:
    """What runs before the processor is known must not use more than every processor has."""
    for name, command in (("gcc", "gcc"), ("clang", CLANG)):
        if command is None:
            continue
        compiler = Compiler(TABLE, name, [command])
        plan = resolve(TABLE, "x86_64", compiler, "min", "max")
        least = cpu_build.least_flags(plan)
        for flags in (["-march=native"], ["-march=sapphirerapids"], ["-mavx2", "-mbmi2"]):
            found = Compiler(TABLE, name, [command], [*flags, *least]).detected("x86_64")
            assert found == set(TABLE.implied(["X86_V1"], "x86_64")), (name, flags)
