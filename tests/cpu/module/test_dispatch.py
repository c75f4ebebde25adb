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
        env=kept | sanitizer() | env,
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
        "d.has('FMA3') and d.has('AVX2'), d.add(), d.call(), cpu.opt_func_info('^add$', 'ddd')",
    )
    if not has_it:
        pytest.skip("this machine has no AVX2 with FMA3")
    row = info["add"]["ddd"]
    assert answer == "better"
    assert row["current"] == "FMA3__AVX2"
    assert row["available"].startswith("AVX512_KNM FMA3__AVX2 baseline(")
    assert row["chosen by"] == "features"


def test_variables_reach_dispatch(example: Path) -> None:
    code = "d.add(), d.call(), cpu.opt_func_info('add'), cpu.dispatch()"
    _, answer, info, targets = run(example, code, FULLSPEED_ENABLE_CPU_FEATURES="SSE3")
    assert answer == "plain"
    assert set(info) == {"add"} and set(info["add"]) == {"ddd", "fff"}
    least = f"baseline({' '.join(run(example, 'cpu.baseline()')[0])})"
    assert {row["current"] for row in info["add"].values()} == {least}


def test_another_target_may_be_chosen(example: Path) -> None:
    code = "d.add(), d.choose(2), d.call(), cpu.opt_func_info('add', 'ddd')"
    code += ", d.choose(0), d.choose(3), d.call()"
    _, chosen, answer, info, refused, beyond, still = run(example, code)
    assert (chosen, answer, refused, beyond, still) == (
        OK,
        "plain",
        NOT_USABLE,
        NOT_USABLE,
        "plain",
    )
    assert info["add"]["ddd"]["chosen by"] == "measured"


@pytest.mark.parametrize(
    ("name", "signature", "expected"),
    [
        (None, None, {"add": ["ddd", "fff"], "absolute": ["Ff"]}),
        ("add|abs", "float64|complex64", {"add": ["ddd"], "absolute": ["Ff"]}),
        ("^a", "^float32", {"add": ["fff"], "absolute": ["Ff"]}),
        ("bs", None, {"absolute": ["Ff"]}),
        (None, "int", {}),
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
    table = text[text.index("\n\nfunction") :].split()
    assert {"absolute", "add", "AVX512_KNM", "FMA3__AVX2", "baseline", "features"} <= set(table)
