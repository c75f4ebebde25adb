"""Measured dispatch: what is chosen by which times, and what becomes of the file that keeps them.

Choices are determined: children run with a clock that goes on by what the test says each target's
kernel takes (tune_fake). Each has a cache folder of the test's own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import fullspeed
import numpy as np
import pytest
from child_env import sanitizer
from fullspeed import _array, cpu
from more_rights import python_with_more_rights

COMPILED = ["baseline", *cpu.dispatch()]
USABLE = _array.kernel_targets()
pytestmark = pytest.mark.skipif(
    len(USABLE) < 2, reason="this processor or build has the baseline's kernels only"
)
three = pytest.mark.skipif(
    COMPILED != USABLE or len(USABLE) != 3, reason="needs X86_V3 and X86_V4 kernels"
)

PRELUDE = """
import json, sys
import numpy as np
import fullspeed as fs
import fullspeed.cpu as cpu
from fullspeed import _array

def fake(*costs):
    names = ["baseline", *cpu.dispatch()]
    _array.tune_fake(dict(zip(names, [*costs, *costs[-1:] * len(names)])))

def run(text="exp(a)", n=4096, **options):
    a = np.linspace(0.01, 0.99, n)
    return fs.evaluate(text, {"a": a}, **options)

def used(name="exp", letters="dd"):
    row = cpu.opt_func_info(f"^{name}$")[name][letters]
    return [row["current"].partition("(")[0], row["chosen by"]]

def times(op="EXP_DD"):
    return _array.tuning()["times"].get(op)
"""


def child(cache: Path | None, code: str, *words: str, **env: str) -> list:
    """What code puts into `out`, run with a cache folder."""
    kept = {
        name: value for name, value in os.environ.items()
        if not name.startswith(("FULLSPEED", "XDG_CACHE"))
    }  # fmt: skip
    if cache is not None:
        env = {"XDG_CACHE_HOME": str(cache)} | env
    program = f"{PRELUDE}\nout = []\n{code}\nprint(json.dumps(out))"
    done = subprocess.run(
        [*words, sys.executable, "-c", program],
        env=kept | sanitizer() | env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def file_of(cache: Path) -> Path:
    """The one file that was kept."""
    (path,) = (cache / "fullspeed").iterdir()
    return path


def lines_of(cache: Path) -> dict[str, dict[str, int]]:
    """The times in it."""
    found = {}
    for line in file_of(cache).read_text().splitlines()[3:]:
        op, *rest = line.split()
        found[op] = {name: int(value) for name, _, value in (word.partition("=") for word in rest)}
    return found


# ---- choices ----


@three
@pytest.mark.parametrize(
    ("costs", "chosen"),
    [
        ((300, 200, 100), "X86_V4"),
        ((300, 100, 200), "X86_V3"),
        ((100, 200, 300), "baseline"),
        ((300, 100, 104), "X86_V4"),  # hardly slower than the fastest: the best by its features
        ((300, 100, 106), "X86_V3"),
        ((100, 101, 102), "baseline"),  # but never slower than the baseline
        ((100, 100, 100), "X86_V4"),
        ((100, 300, 100), "X86_V4"),
        ((1000, 1001, 990), "X86_V4"),
    ],
)
def test_the_choice(tmp_path: Path, costs: tuple[int, ...], chosen: str) -> None:
    """And it is what evaluate() runs: the bits are those of the target's own kernel."""
    code = f"""
fake{costs}
result = run()
out += [used(), times()]
a, other = np.linspace(0.01, 0.99, 4096), np.empty(4096)
for name in _array.kernel_targets():
    _array.call_kernel(name, "EXP_DD", False, other, (a,), 0, 4096)
    out.append(other.tobytes() == result.tobytes())
"""
    seen, measured, *same = child(tmp_path, code)
    assert seen == [chosen, "measurement"]
    assert measured == dict(zip(COMPILED, costs, strict=True))
    assert same[COMPILED.index(chosen)]
    assert same[0] != same[1]  # the bits do tell the baseline from the others


def test_two_targets(tmp_path: Path) -> None:
    for costs, chosen in (((100, 90), USABLE[1]), ((100, 110), "baseline")):
        code = f"fake{costs}; run(); out += used()"
        disable = {"FULLSPEED_DISABLE_CPU_FEATURES": "AVX512F"} if len(USABLE) > 2 else {}
        assert child(tmp_path / chosen, code, **disable) == [chosen, "measurement"]


def test_only_what_runs_is_measured(tmp_path: Path) -> None:
    """Arithmetic that becomes a loop of machine code needs no kernel; reductions do."""
    code = """
fake(100, 50)
out.append(sorted(_array.tuning()["times"]))
run("sum(exp(a))")
out.append(sorted(_array.tuning()["times"]))
run("where(a > 0.5, a, sin(a))")
out.append(sorted(_array.tuning()["times"]))
"""
    before, first, second = child(tmp_path, code)
    assert before == []
    assert set(first) in ({"EXP_DD", "SUM_DD"}, {"ADD_DDD", "EXP_DD", "SUM_DD"})
    assert set(second) - set(first) == {"GT_BDD", "SIN_DD", "WHERE_DBDD"}


def test_small_evaluations_neither_measure_nor_read(tmp_path: Path) -> None:
    child(tmp_path, "fake(100, 300); run()")
    code = """
fake(300, 100)
run(n=2047)
out.append(_array.tuning()["spent"])
run("log(a)", n=2047)
out += [times("LOG_DD"), used("log")]
"""
    spent, log, how = child(tmp_path, code)
    assert (spent, log, how[1]) == (0, None, "features")


def test_reproducible_results_are_not_touched(tmp_path: Path) -> None:
    code = """
fake(100, 200)
before = run(reproducible=True).tobytes()
out += [_array.tuning()["times"], _array.tuning()["spent"]]
plain = run().tobytes()
out += [used()[0], before == run(reproducible=True).tobytes()]
other = np.empty(4096)
_array.call_kernel("baseline", "EXP_DD", False, other, (np.linspace(0.01, 0.99, 4096),), 0, 4096)
out.append(plain == other.tobytes())
"""
    assert child(tmp_path, code) == [{}, 0, "baseline", True, True]
    code = "fake(100, 200); run(); out += [times(), used()[1]]"
    assert child(tmp_path, code, FULLSPEED_REPRODUCIBLE="1") == [
        dict.fromkeys(USABLE, 0) | {"baseline": 100} | dict.fromkeys(USABLE[1:], 200),
        "measurement",
    ]  # what the first child kept
    assert child(tmp_path / "new", code, FULLSPEED_REPRODUCIBLE="1") == [None, "features"]


def test_strings_are_left_alone(tmp_path: Path) -> None:
    code = """
fake(100, 200)
words = np.array([b"a", b"b"] * 4096)
out.append(int(fs.evaluate("words == b'a'").sum()))
out += [_array.tuning()["times"], used("equal", "SS?")[1]]
"""
    assert child(tmp_path, code) == [4096, {}, "features"]


def test_the_time_it_takes_has_an_end(tmp_path: Path) -> None:
    """Kernels of a millisecond per block: nothing is said of them, and soon none is tried."""
    code = """
fake(4000000, 4000000)
for name in "sin cos tan exp log sinh cosh tanh arcsin arccos arctan log2 log10 expm1".split():
    run(f"{name}(a)")
    out.append(_array.tuning()["spent"])
out += [_array.tuning()["times"], used("sin")[1]]
"""
    *spent, times, how = child(tmp_path, code)
    each = 512 * 4000  # one call to see
    assert times == {} and how == "features"
    assert spent[0] == each and 20_000_000 <= spent[-1] <= 20_000_000 + each
    assert spent[-1] == spent[-2]


def test_the_real_clock(tmp_path: Path) -> None:
    code = """
for text in ("exp(a)", "a ** 1.5", "a % 0.3", "sum(a)", "max(a)", "arctan2(a, 0.5)", "a > 0.5"):
    run(text)
out += [_array.tuning(), cpu.opt_func_info()]
"""
    names = {"EXP_DD": "exp", "SUM_DD": "add.reduce", "MAX_DD": "maximum.reduce"}
    for _ in range(5):  # on a loaded machine a process may give up on a kernel; the next one tries
        tuning, info = child(tmp_path, code)
        if names.keys() <= tuning["times"].keys():
            break
    assert names.keys() <= tuning["times"].keys() and len(tuning["times"]) >= 6
    for op, name in names.items():
        times, row = tuning["times"][op], info[name]["dd"]
        chosen = row["current"].partition("(")[0]
        assert row["chosen by"] == "measurement" and set(times) == set(USABLE)
        assert times[chosen] <= times["baseline"]
        assert times[chosen] <= 1.05 * min(times.values())
    assert tuning["spent"] < 100_000_000
    assert lines_of(tmp_path).keys() == tuning["times"].keys()


# ---- the file ----


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder by whose times the baseline is the fastest."""
    cache = tmp_path_factory.mktemp("cache")
    child(cache, "fake(100, 150); run()")
    return cache


@pytest.fixture
def kept(whole: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(whole, tmp_path / "cache")


def test_kept_and_read_back(tmp_path: Path) -> None:
    code = "fake(100, 150); run(); out += [used(), _array.tuning()['file']]"
    chosen, file = child(tmp_path, code)
    assert chosen == ["baseline", "measurement"]
    assert file_of(tmp_path) == Path(file)
    assert file_of(tmp_path).stat().st_mode & 0o777 == 0o600
    assert file_of(tmp_path).parent.stat().st_mode & 0o777 == 0o700
    assert lines_of(tmp_path)["EXP_DD"]["baseline"] == 100
    code = """
out += [used(), _array.tuning()["spent"]]
fake(100, 50)
run()
out += [used(), _array.tuning()["spent"]]
"""
    assert child(tmp_path, code) == [chosen, 0, chosen, 0]
    # Before anything is reported, a large evaluation reads it, too.
    assert child(tmp_path, "fake(100, 50); run(); out += used()") == chosen
    # What comes later is put beside it.
    child(tmp_path, "fake(100, 50); run('log(a)')")
    assert set(lines_of(tmp_path)) == {"EXP_DD", "LOG_DD"}


def test_the_head_says_whose_it_is(tmp_path: Path) -> None:
    child(tmp_path, "fake(100, 50); run()")
    first, processor, build = file_of(tmp_path).read_text().splitlines()[:3]
    assert first == "fullspeed, times of kernels, 1"
    model = cpu._cpu.state()["model"]
    assert processor.startswith(f"processor: x86_64, {model}, ") and "SSE2" in processor.split()
    key, _, digits = build.partition(": ")
    assert key == "build" and len(digits) >= 16 and int(digits, 16) > 0


DAMAGE = {
    "empty": lambda text: b"",
    "bytes": lambda text: bytes(range(256)) * 40,
    "zeros": lambda text: bytes(len(text)),
    "half of the head": lambda text: text[:40].encode(),
    "another processor": lambda text: text.replace("processor: ", "processor: not ", 1).encode(),
    "another build": lambda text: text.replace("build: ", "build: 0", 1).encode(),
    "another version": lambda text: text.replace("kernels, 1", "kernels, 2", 1).encode(),
    "cut off": lambda text: text[:-3].encode(),
    "no numbers": lambda text: text.replace("=1", "=").encode(),
    "zero": lambda text: text.replace("baseline=100", "baseline=0").encode(),
    "negative": lambda text: text.replace("=1", "=-1").encode(),
    "too large": lambda text: text.replace("=1", "=99999999991").encode(),
    "a word behind": lambda text: (text[:-1] + " x\n").encode(),
    "no such op": lambda text: text.replace("EXP_DD", "EXP_DDD").encode(),
    "no such target": lambda text: text.replace("baseline=", "basement=").encode(),
    "endless": lambda text: (text + "\n" * 200_000).encode(),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_file_is_none(kept: Path, how: str) -> None:
    """It said the baseline; measured anew it is another, and the file is whole again."""
    path = file_of(kept)
    damaged = DAMAGE[how](path.read_text())
    assert damaged != path.read_bytes()
    path.write_bytes(damaged)
    chosen = child(kept, "fake(100, 50); run(); out += used()")
    assert chosen == [USABLE[-1], "measurement"]
    assert lines_of(kept)["EXP_DD"] == {name: 50 for name in USABLE} | {"baseline": 100}


@pytest.mark.parametrize("what", ["folder", "link", "pipe"])
def test_what_is_no_plain_file(kept: Path, tmp_path: Path, what: str) -> None:
    path = file_of(kept)
    aside = path.rename(tmp_path / "aside")
    if what == "folder":
        path.mkdir()
        (path / "x").touch()
    elif what == "link":
        path.symlink_to(aside)
    else:
        os.mkfifo(path)
    assert child(kept, "fake(100, 50); run(); out += used()") == [USABLE[-1], "measurement"]
    assert path.is_dir() == (what == "folder")
    if what == "link":
        assert not path.is_symlink() and "baseline=100" in aside.read_text()


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code = "fake(100, 50); run(); out += used(); out.append(_array.tuning()['file'])"
    for place in (tmp_path / "file", Path("/proc/no"), tmp_path / "a" / "b" / "c"):
        *chosen, file = child(place, code)
        assert chosen == [USABLE[-1], "measurement"]
        assert file.startswith(str(place)) and not os.path.exists(file)


def test_a_folder_of_others_is_not_believed(tmp_path: Path) -> None:
    child(tmp_path, "fake(100, 150); run()")
    path = file_of(tmp_path)
    before = path.read_bytes()
    again = "fake(100, 50); run(); out += used()"
    path.parent.chmod(0o777)
    assert child(tmp_path, again) == [USABLE[-1], "measurement"]
    assert path.read_bytes() == before
    path.parent.chmod(0o700)
    assert child(tmp_path, again) == ["baseline", "measurement"]
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(path, 65534, -1)
    assert child(tmp_path, again) == [USABLE[-1], "measurement"]
    assert path.stat().st_uid == 0
    os.chown(path.parent, 65534, -1)
    child(tmp_path, "fake(100, 50); run('log(a)')")
    assert set(lines_of(tmp_path)) == {"EXP_DD"}


def test_where_it_is(tmp_path: Path) -> None:
    code = "fake(100, 50); run(); out += [_array.tuning()[k] for k in ('file', 'problem')]"
    home = tmp_path / "home"
    home.mkdir()
    for cache in ({}, {"XDG_CACHE_HOME": "relative"}, {"XDG_CACHE_HOME": ""}):
        file, problem = child(None, code, HOME=str(home), **cache)
        assert Path(file).parent == home / ".cache" / "fullspeed" and Path(file).is_file()
        assert problem is None
        shutil.rmtree(home / ".cache")
    for nowhere in ("", "here"):
        file, problem = child(None, code, HOME=nowhere)
        assert file is None and "neither XDG_CACHE_HOME nor HOME" in problem


def test_programs_with_more_rights_have_no_file(tmp_path: Path) -> None:
    """A setgid Python of root's: the folder is the caller's, and is neither read nor written."""
    words, more = python_with_more_rights(tmp_path)
    cache = tmp_path / "cache"
    cache.mkdir()
    os.chown(cache, 65534, 65534)
    place = os.path.dirname(os.path.dirname(fullspeed.__file__))
    numpy_place = os.path.dirname(os.path.dirname(np.__file__))
    code = f"import sys; sys.path[:0] = {[place, numpy_place]}\n{PRELUDE}\nfake(100, 150); run()\n"
    code += "print(json.dumps([used(), _array.tuning()['file'], _array.tuning()['problem']]))"
    env = {"XDG_CACHE_HOME": str(cache), "PATH": os.environ["PATH"]}

    def run(python: str) -> list:
        done = subprocess.run(
            [*words, python, "-c", code], env=env, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    chosen, file, problem = run(str(more))
    assert chosen == ["baseline", "measurement"]
    assert file is None and "neither XDG_CACHE_HOME nor HOME" in problem
    assert list(cache.iterdir()) == []
    assert run(sys.executable)[1:] == [str(file_of(cache)), None]


def test_switched_off(tmp_path: Path) -> None:
    child(tmp_path, "fake(100, 150); run()")
    before = file_of(tmp_path).read_bytes()
    code = "fake(100, 50); run(); run('log(a)'); out += [used(), times(), _array.tuning()['on']]"
    seen = child(tmp_path, code, FULLSPEED_TUNE="0")
    assert seen == [[USABLE[-1], "features"], None, False]
    assert file_of(tmp_path).read_bytes() == before
    child(tmp_path / "none", code, FULLSPEED_TUNE="0")
    assert not (tmp_path / "none").exists()
    assert child(tmp_path, "out += used()", FULLSPEED_TUNE="1") == ["baseline", "measurement"]


@three
def test_disabled_features(tmp_path: Path) -> None:
    """Times of targets that are out of reach stay in the file, and choose nothing."""
    child(tmp_path, "fake(300, 200, 100); run()")
    disable = {"FULLSPEED_DISABLE_CPU_FEATURES": "AVX512F"}
    code = "fake(1, 1, 1); run(); run('log(a)'); out += [used(), times('LOG_DD')]"
    assert child(tmp_path, code, **disable) == [
        ["X86_V3", "measurement"],
        {"baseline": 1, "X86_V3": 1},
    ]
    assert lines_of(tmp_path)["EXP_DD"] == {"baseline": 300, "X86_V3": 200, "X86_V4": 100}
    assert lines_of(tmp_path)["LOG_DD"] == {"baseline": 1, "X86_V3": 1}
    # Where it is in reach, what is not known of it is measured.
    code = "fake(7, 6, 5); run('log(a)'); out += [used('log'), times('LOG_DD')]"
    seen, measured = child(tmp_path, code)
    assert seen == ["X86_V4", "measurement"]
    assert measured == lines_of(tmp_path)["LOG_DD"] == {"baseline": 7, "X86_V3": 6, "X86_V4": 5}
    none = {"FULLSPEED_ENABLE_CPU_FEATURES": "SSE2 X86_V2"}
    assert child(tmp_path, "run(); out += used()", **none) == ["baseline", "features"]


def test_written_at_once_and_at_the_end(tmp_path: Path) -> None:
    """Later times wait where writing is slow, and come with the end of the process."""
    code = """
import os
fake(100, 50)
for name in "exp log sin cos tan sinh cosh tanh arcsin arccos arctan log2 log10".split():
    run(f"{name}(a)")
    out.append(open(_array.tuning()["file"]).read().count("_DD "))
"""
    lines = child(tmp_path, code)
    assert lines[0] == 1 and lines == sorted(lines)
    assert len(lines_of(tmp_path)) == len(lines)


FUNCTIONS = "exp expm1 log log1p log2 log10 sin cos tan arcsin arccos arctan sinh cosh tanh".split()


def test_many_processes_at_once(tmp_path: Path) -> None:
    """Each sees a whole file or none; in the end everything is there, after a second turn."""
    program = PRELUDE + """
fake(100, 50)
for _ in range(3):
    for name in sys.argv[1:]:
        run(f"{name}(a)")
        assert used(name) == [_array.kernel_targets()[-1], "measurement"], name
"""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("FULLSPEED")}
    env = kept | sanitizer() | {"XDG_CACHE_HOME": str(tmp_path)}

    def turn() -> None:
        children = [
            subprocess.Popen([sys.executable, "-c", program, *FUNCTIONS[i::5]], env=env)
            for i in range(5)
        ]
        assert [process.wait(120) for process in children] == [0] * 5

    turn()
    wanted = {name: 50 for name in USABLE} | {"baseline": 100}
    assert all(row == wanted for row in lines_of(tmp_path).values())
    for name in FUNCTIONS:
        child(tmp_path, f"fake(100, 50); run('{name}(a)')")
    assert set(lines_of(tmp_path)) == {f"{name.upper()}_DD" for name in FUNCTIONS}


def test_after_a_fork(tmp_path: Path) -> None:
    code = """
import os
fake(100, 50)
run()
pid = os.fork()
if pid == 0:
    run("log(a)")
    os._exit(0 if used("log")[1] == "measurement" else 1)
out += [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])]
run("sin(a)")
"""
    assert child(tmp_path, code) == [0]
    assert {"EXP_DD", "SIN_DD"} <= set(lines_of(tmp_path)) <= {"EXP_DD", "LOG_DD", "SIN_DD"}


def test_what_is_in_quarantine_stays_there(tmp_path: Path) -> None:
    """Whatever was measured: FULLSPEED_VERIFY has found a kernel of the op wrong."""
    code = """
import warnings
warnings.simplefilter("ignore")
_array.spoil_kernel("EXP_DD", 50, 7)
_array.verify_every(1)
fake(300, 100)
for _ in range(2):
    run()
    out.append(used())
run("log(a)")
out.append(used("log"))
"""
    assert child(tmp_path, code) == [["baseline", "quarantine"]] * 2 + [[USABLE[-1], "measurement"]]


def test_the_command_shows_it(tmp_path: Path) -> None:
    child(tmp_path, "fake(100, 150); run()")
    (text,) = child(tmp_path, "out.append(cpu.as_text(cpu.collect()))")
    assert f"times of 1 kernels in {file_of(tmp_path)}" in " ".join(text.split())
    part = text[text.index("chosen by measurement:") :].split("\n\n")[0]
    assert "exp(dd)" in part.split()
    (text,) = child(tmp_path, "out.append(cpu.as_text(cpu.collect()))", FULLSPEED_TUNE="0")
    assert "off: FULLSPEED_TUNE is 0" in text and "chosen by measurement" not in text
