"""The registry of functions with several targets, by a module that knows cpu_api.h alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from child_env import sanitizer

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
OK, UNKNOWN, NO_BASELINE, TAKEN, NOT_USABLE = 0, -1, -2, -3, -4


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the compiled example."""
    folder = tmp_path_factory.mktemp("dispatch")
    made = folder / f"dispatch_example{sysconfig.get_config_var('EXT_SUFFIX')}"
    words = ["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-O2", "-shared", "-fPIC",
             f"-I{ROOT / 'src' / 'cpu'}", f"-I{sysconfig.get_path('include')}",
             str(HERE / "dispatch_example.c"), "-o", str(made)]  # fmt: skip
    subprocess.run(words, check=True)
    return folder


def run(example: Path, code: str, **env: str) -> list:
    """The values that a child prints as JSON."""
    program = f"import sys, json; sys.path.insert(0, {str(example)!r})\n"
    program += "import dispatch_example as d, fullspeed.cpu as cpu\n"
    program += f"print(json.dumps([{code}]))"
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FULLSPEED", "GLIBC"))}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=kept | sanitizer() | {"FULLSPEED_TUNE": "0"} | env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_registering(example: Path) -> None:
    (codes,) = run(example, "d.add()")
    problems = [TAKEN, UNKNOWN, NO_BASELINE, NO_BASELINE, NO_BASELINE]
    assert codes == [OK, OK, OK, OK, *problems]


def test_has(example: Path) -> None:
    values = run(example, "d.has('sse2'), d.has('NEON'), d.has('AVX3'), d.has('')")
    assert values == [1, 0, UNKNOWN, UNKNOWN]


def test_the_best_usable_target_is_chosen(example: Path) -> None:
    has_it, _, answer, info = run(
        example,
        "d.has('FMA3') and d.has('AVX2'), d.add(), d.call(), cpu.opt_func_info('e_add', 'ddd')",
    )
    if not has_it:
        pytest.skip("this machine has no AVX2 with FMA3")
    row = info["example_add"]["ddd"]
    assert answer == "better"
    assert row["current"] == "FMA3__AVX2"
    assert row["available"].startswith("AVX512_KNM FMA3__AVX2 baseline(")
    assert row["chosen by"] == "features"


def test_variables_reach_dispatch(example: Path) -> None:
    code = "d.add(), d.call(), cpu.opt_func_info('example_add'), cpu.dispatch()"
    _, answer, info, targets = run(example, code, FULLSPEED_ENABLE_CPU_FEATURES="SSE3")
    assert answer == "plain"
    assert set(info) == {"example_add"} and set(info["example_add"]) == {"ddd", "fff"}
    least = f"baseline({' '.join(run(example, 'cpu.baseline()')[0])})"
    assert {row["current"] for row in info["example_add"].values()} == {least}


def test_another_target_may_be_chosen(example: Path) -> None:
    code = "d.add(), d.choose(2), d.call(), cpu.opt_func_info('example_add', 'ddd')"
    code += ", d.choose(0), d.choose(3), d.call()"
    _, chosen, answer, info, refused, beyond, still = run(example, code)
    assert (chosen, answer, refused, beyond, still) == (
        OK,
        "plain",
        NOT_USABLE,
        NOT_USABLE,
        "plain",
    )
    assert info["example_add"]["ddd"]["chosen by"] == "measured"


@pytest.mark.parametrize(
    ("name", "signature", "expected"),
    [
        ("example", None, {"example_add": ["ddd", "fff"], "example_absolute": ["Ff"]}),
        ("e_(add|abs)", "float64|complex64", {"example_add": ["ddd"], "example_absolute": ["Ff"]}),
        ("^example", "^float32", {"example_add": ["fff"], "example_absolute": ["Ff"]}),
        ("example.*bs", None, {"example_absolute": ["Ff"]}),
        ("example", "int", {}),
        ("nothing", None, {}),
    ],
)
def test_filters(example: Path, name: str | None, signature: str | None, expected: dict) -> None:
    _, info = run(
        example, f"d.add(), cpu.opt_func_info(func_name={name!r}, signature={signature!r})"
    )
    assert {key: sorted(rows) for key, rows in info.items()} == expected


def test_a_wrong_pattern_is_an_error(example: Path) -> None:
    import re

    from fullspeed import cpu

    with pytest.raises(re.error):
        cpu.opt_func_info("(")


def test_the_command_shows_functions(example: Path) -> None:
    _, text = run(example, "d.add(), cpu.as_text(cpu.collect())")
    parts = text[text.index("\n\n") :].split("\n\n")
    (part,) = [part for part in parts if "baseline, of AVX512_KNM FMA3__AVX2 baseline" in part
               or "FMA3__AVX2, of AVX512_KNM FMA3__AVX2 baseline" in part]  # fmt: skip
    assert "chosen by features:" in part and "example_add(ddd)" in part.split()
    assert any("example_absolute" in part.split() for part in parts)


# ---- the array kernels ----


def test_every_kernel_is_registered(example: Path) -> None:
    code = "cpu.opt_func_info(), array.kernel_ops(), array.kernel_targets(), cpu.dispatch()"
    code = f"*(lambda array: [{code}])(__import__('fullspeed._array')._array)"
    info, ops, usable, compiled = run(example, code)
    rows = {(name, letters): row for name, some in info.items() for letters, row in some.items()}
    assert ("fused_loop", "") in rows  # what is made of several ops
    assert len(rows) == len(ops) + 1 > 200
    for row in rows.values():
        words = row["available"].partition(" baseline(")[0].split()
        assert words == list(reversed(compiled)) or not compiled
        assert row["current"].partition("(")[0] == usable[-1]
        assert row["chosen by"] == "features"
    assert {"add", "sqrt", "exp", "where", "add.reduce"} <= set(info)
    assert set(info["add"]) == {"iii", "lll", "fff", "ddd", "DDD"}


def test_variables_reach_the_kernels(example: Path) -> None:
    code = "cpu.opt_func_info('^(add|exp)$', 'float64'), cpu.dispatch()"
    info, compiled = run(example, code, FULLSPEED_ENABLE_CPU_FEATURES="SSE2 SSE3 X86_V2")
    for name, letters in (("add", "ddd"), ("exp", "dd")):
        current = info[name][letters]["current"]
        assert current.startswith("baseline(") or current not in compiled
    if "X86_V4" in compiled:
        info, _ = run(example, code, FULLSPEED_DISABLE_CPU_FEATURES="AVX512F")
        assert info["exp"]["dd"]["current"] != "X86_V4"


def test_a_name_that_others_have_taken(example: Path) -> None:
    """Another project may have registered our kernels' names first: not shown, and no error."""
    (names,) = run(example, "sorted(cpu.opt_func_info('^(sin|cos)$'))")
    assert names == ["cos", "sin"]
    values = run(example, "d.steal(), sorted(cpu.opt_func_info('^(sin|cos)$', 'float64'))")
    assert values == [OK, ["cos", "sin"]]
    _, info = run(example, "d.steal(), cpu.opt_func_info('^sin$', 'float64')")
    assert info["sin"]["dd"]["available"].startswith("baseline(")


LIMIT = "cpu._cpu.limit('X86_V2')"


def test_limit(example: Path) -> None:
    """What nobody has asked for may be taken away; it is away for everybody then."""
    _, level, has, hidden = run(
        example, f"{LIMIT}, cpu.level(), d.has('AVX'), cpu._cpu.state()['hidden']"
    )
    assert (level, has) == ("x86-64-v2", 0)
    assert set(hidden.values()) <= {"FULLSPEED_ENABLE_CPU_FEATURES"}
    info = run(example, f"{LIMIT}, cpu.opt_func_info('^exp$', 'float64')")[1]
    assert info["exp"]["dd"]["current"].startswith("baseline(")


def test_limit_is_on_top_of_the_variables(example: Path) -> None:
    before, _, after = run(
        example,
        f"cpu._cpu.state()['usable'], {LIMIT}, cpu._cpu.state()['usable']",
        FULLSPEED_DISABLE_CPU_FEATURES="AES",
    )
    assert set(after) <= set(before)
    assert "AES" not in after


def test_limit_comes_too_late(example: Path) -> None:
    """Once somebody has asked, only what changes nothing."""
    ask = "d.has('AVX')", "d.add()", "cpu.opt_func_info('^exp$')"
    program = "[answer({0!r}), answer({1!r}), answer({0!r})]"
    helper = (
        "exec('def answer(names):\\n try: return cpu._cpu.limit(names)\\n"
        " except (RuntimeError, ValueError) as error: return str(error)', globals())"
    )
    for question in ask:
        text = program.format("X86_V2", "AVX9")
        first, _, (late, wrong, again) = run(example, f"{question}, {helper}, {text}")
        if run(example, "cpu.level()") == ["x86-64-v2"]:
            pytest.skip("this CPU has nothing to take away")
        assert "a module has asked for them already" in late and late == again
        assert "names 'AVX9', which is no CPU feature" in wrong
        all_of_it = "cpu._cpu.limit(' '.join(cpu._cpu.state()['usable']))"
        assert run(example, f"{question}, {all_of_it}")[1] is None
