"""`fullspeed build --bench`: what is measured and kept, and what is said where it cannot be."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import variant_tools as tools
from fullspeed.variants import BuildError, bench, build, project, report, wheel
from variant_tools import command

PATH = f"pack/_x{tools.SUFFIX}"
WORK = "import time, pack._x; time.sleep(0.21)"


def bench_of(site: Path, tmp_path: Path, *words: str) -> bench.Bench:
    """A bench of a package in a folder."""
    request = bench.Request(words, 0.03, 6, ())
    env = tools.CLEAN | {"PYTHONPATH": str(site)}
    return bench.Bench(request, tmp_path, env, project.Children())


def modules(levels: int) -> list[wheel.Module]:
    names = [f"v{number}" for number in range(2, levels + 1)]
    return [wheel.Module(PATH, "PyInit__x", b"", {name: b"" for name in names})]


@pytest.fixture
def levels(best: int) -> list[str]:
    if best < 2:
        pytest.skip("this CPU has one level only")
    return [f"v{number}" for number in range(2, best + 1)]


# ---- statistics ----


@pytest.mark.parametrize("count", [6, 7, 9, 15, 25, 75])
def test_interval_has_the_median(count: int) -> None:
    """Of a distribution that is not symmetrical, as times are not."""
    draw = random.Random(count)
    hits = 0
    for _ in range(1000):
        low, high = report.median_interval([draw.expovariate(1) for _ in range(count)], 0.95)
        hits += low <= 0.6931471805599453 <= high
    assert hits >= 935  # 950 is what is promised; its own spread is 7


def test_interval_of_few_values() -> None:
    with pytest.raises(ValueError, match="5 values are too few"):
        report.median_interval([1.0, 2.0, 3.0, 4.0, 5.0], 0.95)
    assert report.median_interval([3.0, 1.0, 2.0, 6.0, 5.0, 4.0], 0.95) == (1.0, 6.0)


def rounds(*gains: float) -> report.Measured:
    return report.Measured([{None: 1.0 + gain, "v3": 1.0} for gain in gains])


def test_verdicts() -> None:
    good = rounds(0.10, 0.11, 0.09, 0.12, 0.08, 0.10)
    assert good.verdict("v3", 0.03) == "kept" and good.decided("v3", 0.03)
    assert good.verdict("v3", 0.2) == "dropped: it gains less than 20 %"
    assert good.decided("v3", 0.2)
    small = rounds(0.01, 0.011, 0.012, 0.013, 0.01, 0.01)
    assert small.verdict("v3", 0.03) == "dropped: it gains less than 3 %"
    assert small.verdict("v3", 0) == "kept"
    wild = rounds(-0.2, 0.3, 0.2, -0.1, 0.05, 0.1)
    assert wild.verdict("v3", 0.03) == "dropped: the times vary too much to tell"
    assert not wild.decided("v3", 0.03)
    wild.check_noise(["v3"], 0.03)
    slow = rounds(-0.2, -0.21, -0.19, -0.2, -0.2, -0.2)
    assert slow.verdict("v3", 0.03).startswith("dropped") and slow.decided("v3", 0.03)
    assert slow.verdict("v3", -1) == "kept"


def test_gain_is_that_of_rounds() -> None:
    """What slows a whole round down changes nothing."""
    rows = [{None: 1.3 * slow, "v3": slow} for slow in (1, 2, 1.5, 3, 1, 5, 1)]
    gain, low, high = report.Measured(rows).gain("v3")
    assert [round(value, 9) for value in (gain, low, high)] == [0.3, 0.3, 0.3]


def test_noise() -> None:
    wild = rounds(-0.5, 3.0, 0.2, 2.0, 0.5, 0.1)
    with pytest.raises(BuildError, match=r"vary too much: v3 gains between -50.0 % and \+300.0 %"):
        wild.check_noise(["v3"], 0.03)
    far = rounds(1.5, 3.0, 2.2, 2.0, 4.5, 2.1)
    far.check_noise(["v3"], 0.03)  # wide, but beyond doubt


@pytest.mark.parametrize(
    ("text", "gain"), [("3%", 0.03), ("3", 0.03), ("2.5 %", 0.025), ("-100%", -1.0), ("0", 0.0)]
)
def test_read_gain(text: str, gain: float) -> None:
    assert bench.read_gain(text) == pytest.approx(gain)


@pytest.mark.parametrize("text", ["", "x", "nan", "-101", "1e9"])
def test_wrong_gain(text: str) -> None:
    with pytest.raises(ValueError, match="--min-gain wants a percentage"):
        bench.read_gain(text)


# ---- the command ----


def test_each_level_is_used(site: Path, tmp_path: Path, best: int, levels: list[str]) -> None:
    """The levels are what the command runs with, and the rounds are all there."""
    log = tmp_path / "levels"
    text = f"import pack._x as x; open({str(log)!r}, 'a').write(x.level() + ' '); {WORK}"
    made = bench_of(site, tmp_path, sys.executable, "-c", text)
    assert bench._check_use(made, modules(best), levels) == []
    assert log.read_text().split() == ["baseline", *levels]
    log.unlink()
    measured = bench.measure(made, levels, lambda _: None)
    assert len(measured.rounds) == 6
    seen = log.read_text().split()
    size = len(levels) + 1
    for at in range(0, len(seen), size):
        assert sorted(seen[at : at + size]) == sorted(["baseline", *levels])
    if size > 2:  # no order comes twice
        assert len({tuple(seen[at : at + size]) for at in range(0, len(seen), size)}) == 6
    assert 0.2 < measured.seconds(None) < 2


def test_unused_module(site: Path, tmp_path: Path, best: int, levels: list[str]) -> None:
    made = bench_of(site, tmp_path, sys.executable, "-c", WORK)
    other = wheel.Module("pack/_y.so", "PyInit__y", b"", {"v2": b""})
    assert bench._check_use(made, [*modules(best), other], levels) == ["pack/_y.so"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["-c", "pass"], "loads none of the modules that have variants (pack/_x"),
        (["-c", "import sys; print('reason'); sys.exit(3)"], "the baseline: exit code 3\n  | reas"),
        (["-c", "import os; os.kill(os.getpid(), 11)"], "the baseline: ended by SIGSEGV"),
        (
            ["-c", f"import os; os.environ['{bench.DISABLE}'] = 'X86_V2'; {WORK}"],
            "does not load the code of pack/_x",
        ),
    ],
)
def test_commands_that_cannot_be_measured(
    site: Path, tmp_path: Path, best: int, levels: list[str], words: list[str], sentence: str
) -> None:
    made = bench_of(site, tmp_path, sys.executable, *words)
    with pytest.raises(BuildError) as error:
        bench._check_use(made, modules(best), levels)
    assert sentence in str(error.value)


def test_no_such_command(site: Path, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="cannot be run: no-such-program: No such file"):
        bench_of(site, tmp_path, "no-such-program").time(None)


def test_too_short(site: Path, tmp_path: Path, levels: list[str]) -> None:
    made = bench_of(site, tmp_path, sys.executable, "-c", "import pack._x")
    with pytest.raises(BuildError, match=r"much of which is Python's own start"):
        bench.measure(made, levels, lambda _: None)


def test_failure_at_one_level(site: Path, tmp_path: Path, levels: list[str]) -> None:
    text = "import pack._x as x; assert x.level() == 'baseline', x.level()"
    made = bench_of(site, tmp_path, sys.executable, "-c", text)
    made.time(None)
    with pytest.raises(BuildError, match=r"the code for x86-64-v2: exit code 1(.|\n)*: v2"):
        made.time("v2")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--bench", ""], "--bench wants a command"),
        (["--bench", "x", "--min-gain", "lots"], "--min-gain wants a percentage"),
        (["--bench", "x", "--bench-rounds", "5"], "--bench-rounds wants a number from 6"),
    ],
)
def test_wrong_options(options: list[str], sentence: str) -> None:
    done = command("build", "x", *options)
    assert (done.returncode, done.stdout) == (2, "") and sentence in done.stderr


def test_level_beyond_this_cpu() -> None:
    one = {bench.DISABLE: "X86_V3"}
    done = command("build", ".", "--levels=v2,v3", "--bench", "python x", **one)
    assert done.returncode == 1
    assert "--bench cannot measure v3: this CPU, with the variables of this" in done.stderr


# ---- all of it ----

FILES = {
    "pyproject.toml": '[build-system]\nrequires = ["meson-python"]\nbuild-backend = "mesonpy"\n'
    '[project]\nname = "pace"\nversion = "2"\n',
    "meson.build": "project('pace', 'c')\n"
    "py = import('python').find_installation(pure: false)\n"
    "py.extension_module('pace', 'pace.c', install: true)\n",
    "pace.c": """
#include <Python.h>
#include <unistd.h>
#if defined(__AVX2__)
#define PAUSE 200000
#elif defined(__SSE4_2__)
#define PAUSE 900000
#else
#define PAUSE 700000
#endif
static PyObject *work(PyObject *m, PyObject *n)
{
    (void)m, (void)n;
    usleep(PAUSE);
    Py_RETURN_NONE;
}
static PyMethodDef methods[] = {{"work", work, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef def = {
    PyModuleDef_HEAD_INIT, "pace", NULL, 0, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_pace(void) { return PyModuleDef_Init(&def); }
""",
}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pace")
    path = folder / "pace-2.tar.gz"
    with tarfile.open(path, "w:gz") as made:
        for name, text in FILES.items():
            (folder / name).write_text(text)
            made.add(folder / name, f"pace-2/{name}")
    return path


def test_what_pays_is_kept(archive: Path, best: int, tmp_path: Path) -> None:
    """v3 takes less time, v2 more than the baseline."""
    if best < 3:
        pytest.skip("this CPU has no x86-64-v3")
    words = ["build", archive, "--levels=v2,v3", "--no-isolation", "--jobs=2", "--bench-rounds=6",
             "--build-dir", archive.parent / "b", "-o", tmp_path / "dist",
             "--bench", "python -c 'import pace; pace.work()'"]  # fmt: skip
    done = command(*words)
    assert done.returncode == 0, done.stderr
    assert "v3" in done.stderr and "kept" in done.stderr
    made = Path(done.stdout.strip())
    with zipfile.ZipFile(made) as archived:
        names = archived.namelist()
        notes = json.loads(archived.read("pace-2.dist-info/fullspeed-variants.json"))
    assert [name for name in names if "x86-64-v" in name] == [
        f"pace{tools.SUFFIX.removesuffix('.so')}.x86-64-v3.so"
    ]
    assert notes["levels"] == ["v3"]
    rows = notes["report"]["levels"]
    assert rows["v3"]["kept"] and 0.2 < rows["v3"]["low"] <= rows["v3"]["gain"] <= 2.5
    assert not rows["v2"]["kept"] and rows["v2"]["gain"] < 0
    assert notes["report"]["rounds"] == 6 and rows["v3"]["build seconds"] > 0.1
    raw = json.loads((archive.parent / "b" / "bench" / "bench.json").read_text())
    assert len(raw["benchmarks"]) == 3

    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target"]
    subprocess.run([*pip, tmp_path / "site", made], check=True, capture_output=True)
    shown = command("variants", "pace", PYTHONPATH=str(tmp_path / "site"))
    assert shown.returncode == 0, shown.stderr
    assert "import pace; pace.work()" in shown.stdout and "6 rounds on" in shown.stdout
    asked = command("variants", "pace", "--json", PYTHONPATH=str(tmp_path / "site"))
    assert json.loads(asked.stdout)["report"] == notes["report"]


def test_nothing_pays(multi: dict[str, bytes], tmp_path: Path) -> None:
    """The wheel is the baseline's, and says why."""
    baseline, chosen = tools.plain(PATH, multi, **{"pack/__init__.py": b""})
    seconds = {None: 1.0, **dict.fromkeys(chosen[0].levels, 1.0)}
    costs = {name or "baseline": {"bytes": 1, "build seconds": None} for name in seconds}
    found = report.make(report.Measured([seconds] * 6), 0.03, "my bench", "my cpu", costs)
    assert build.drop(chosen, found) == []
    merged = wheel.merge(baseline, [], {}, {"modules": {}, "report": found})
    site = tools.install(merged, tmp_path / "site")
    assert tools.output(site, "from pack import _x; print(_x.level())") == "baseline"
    assert merged.files[PATH] == multi["baseline"]
    shown = command("variants", "pack", PYTHONPATH=str(site))
    assert shown.returncode == 0 and "no level has paid" in shown.stdout
    assert shown.stdout.count("dropped: it gains less than 3 %") == 3


def test_failing_bench_leaves_no_wheel(archive: Path, best: int, tmp_path: Path) -> None:
    if best < 2:
        pytest.skip("this CPU has one level only")
    done = command("build", archive, "--levels=v2", "--no-isolation", "-o", tmp_path / "dist",
                   "--build-dir", archive.parent / "b",
                   "--bench", "python -c 'import pace, nowhere'")  # fmt: skip
    assert done.returncode == 1 and done.stdout == ""
    assert "No module named 'nowhere'" in done.stderr and not (tmp_path / "dist").exists()
