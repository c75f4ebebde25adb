"""The Python API: enable, disable, pause, stats, and FULLSPEED."""

import subprocess
import sys
import textwrap

import pytest
from conftest import make_environment


def run_code(code: str, engine: str | None = None, *flags: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter."""
    return subprocess.run(
        [sys.executable, *flags, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        env=make_environment(engine),
        timeout=60,
    )


def output(code: str, engine: str | None = None) -> str:
    """What code prints, when all went well."""
    result = run_code(code, engine)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


# Takes the evaluator slot with a function of its own that goes on to CPython's.
HOLDER = """
import ctypes
api = ctypes.pythonapi
state = api.PyInterpreterState_Get; state.restype = ctypes.c_void_p
default = api._PyEval_EvalFrameDefault
evaluator = ctypes.CFUNCTYPE(
    ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, use_errno=False
)
get = api._PyInterpreterState_GetEvalFrameFunc
get.restype, get.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
put = api._PyInterpreterState_SetEvalFrameFunc
put.restype, put.argtypes = None, [ctypes.c_void_p, ctypes.c_void_p]
# Any function of the right shape that is not the default one: here the default's address
# inside a trampoline that jumps to it.
import mmap
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
target = ctypes.cast(default, ctypes.c_void_p).value
page.write(b"\\x48\\xb8" + target.to_bytes(8, "little") + b"\\xff\\xe0")
trampoline = ctypes.addressof(ctypes.c_char.from_buffer(page))
def take():
    put(state(), trampoline)
def holder():
    return "default" if get(state()) == target else \\
        "trampoline" if get(state()) == trampoline else "other"
"""


def test_on_and_off() -> None:
    assert output(
        """
        import fullspeed
        print(fullspeed.is_enabled())
        fullspeed.enable(); fullspeed.enable()
        print(fullspeed.is_enabled())
        fullspeed.disable(); fullspeed.disable()
        print(fullspeed.is_enabled())
        """
    ).split() == ["False", "True", "False"]


def test_enable_takes_and_disable_returns_the_slot() -> None:
    code = HOLDER + (
        "import fullspeed\nprint(holder())\nfullspeed.enable(); print(holder())\n"
        "fullspeed.disable(); print(holder())\n"
    )
    assert output(code).split() == ["default", "other", "default"]


def test_running_function_goes_on_after_a_change() -> None:
    assert (
        output(
            """
        import fullspeed
        def f(n):
            total = 0
            for i in range(n):
                total += i
                if i == 1000: fullspeed.enable()
                if i == 3000: fullspeed.disable()
                if i == 5000: fullspeed.enable()
            return total
        print(f(10000), fullspeed.is_enabled())
        """
        )
        == f"{sum(range(10000))} True\n"
    )


def test_from_another_thread() -> None:
    assert output(
        """
        import fullspeed, threading
        def turn(): fullspeed.enable()
        thread = threading.Thread(target=turn); thread.start(); thread.join()
        print(fullspeed.is_enabled())
        thread = threading.Thread(target=fullspeed.disable); thread.start(); thread.join()
        print(fullspeed.is_enabled())
        """
    ).split() == ["True", "False"]


def test_pause() -> None:
    assert output(
        """
        import fullspeed
        fullspeed.enable()
        with fullspeed.pause():
            a = fullspeed.is_enabled()
            with fullspeed.pause():
                b = fullspeed.is_enabled()
            c = fullspeed.is_enabled()
        d = fullspeed.is_enabled()
        try:
            with fullspeed.pause(): 1 / 0
        except ZeroDivisionError:
            e = fullspeed.is_enabled()
        with fullspeed.pause(): fullspeed.disable()
        f = fullspeed.is_enabled()
        with fullspeed.pause(): pass
        print(a, b, c, d, e, f, fullspeed.is_enabled())
        """
    ).split() == ["False", "False", "False", "True", "True", "False", "False"]


def test_pauses_of_two_threads_overlap() -> None:
    assert output(
        """
        import fullspeed, threading
        fullspeed.enable()
        inside, leave = threading.Event(), threading.Event()
        def other():
            with fullspeed.pause():
                inside.set(); leave.wait()
        thread = threading.Thread(target=other)
        with fullspeed.pause():
            thread.start(); inside.wait()
        a = fullspeed.is_enabled()
        leave.set(); thread.join()
        print(a, fullspeed.is_enabled())
        """
    ).split() == ["False", "True"]


def test_stats_count_frames() -> None:
    assert (
        output(
            """
        import fullspeed
        def f(): return 1
        fullspeed.enable()
        before = fullspeed.stats()["frames"]
        for _ in range(100): f()
        list(map(lambda x: f(), range(100)))
        print(fullspeed.stats()["frames"] - before >= 100, sorted(fullspeed.stats())[:0])
        """
        )
        == "True []\n"
    )


def test_switched_off_by_the_environment() -> None:
    code = HOLDER + "import fullspeed\nfullspeed.enable()\nprint(fullspeed.is_enabled(), holder())"
    assert output(code, "0") == "False default\n"
    assert output(code, "1") == "True other\n"
    assert output(code, "") == "True other\n"


def test_wrong_value_in_the_environment() -> None:
    result = run_code("import fullspeed; fullspeed.enable()", "banana")
    assert result.returncode == 1
    assert "FULLSPEED=banana" in result.stderr and "0, 1" in result.stderr
    assert "ValueError" in result.stderr


def test_slot_held_by_someone_else() -> None:
    code = HOLDER + (
        "import fullspeed\ntake()\n"
        "try: fullspeed.enable()\nexcept RuntimeError as error: print(error)\n"
        "print(holder(), fullspeed.is_enabled())\n"
        "fullspeed.disable(); print(holder())"
    )
    lines = output(code).splitlines()
    assert "evaluator" in lines[0] or "slot" in lines[0]
    assert lines[1:] == ["trampoline False", "trampoline"]


def test_slot_taken_later_by_someone_else() -> None:
    code = HOLDER + (
        "import fullspeed\nfullspeed.enable()\n"
        "def f(n): return n if n < 2 else f(n - 1) + f(n - 2)\n"
        "def g():\n    take()\n    return f(15)\n"
        "print(g(), holder(), fullspeed.is_enabled())\n"
        "fullspeed.disable(); print(holder(), f(10))"
    )
    assert output(code).splitlines() == ["610 trampoline False", "trampoline 55"]


def test_import_is_cheap() -> None:
    assert (
        output(
            """
        import sys
        before = set(sys.modules)
        import fullspeed
        print(sorted(set(sys.modules) - before))
        """
        )
        == "['fullspeed']\n"
    )


def test_info_has_the_facts() -> None:
    assert (
        output(
            """
        import fullspeed, json
        facts = fullspeed.info()
        json.dumps(facts)
        print(sorted(facts), facts["engine"]["dispatch"] in ("tail-call", "computed-goto"))
        """
        )
        == "['autoload', 'engine', 'environment', 'fullspeed', 'python'] True\n"
    )


def test_version_and_unknown_names() -> None:
    from importlib.metadata import version

    assert output("import fullspeed; print(fullspeed.__version__)").strip() == version("fullspeed")
    assert "no attribute 'nonsense'" in run_code("import fullspeed; fullspeed.nonsense").stderr


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("sys.implementation.name = 'pypy'", "needs CPython 3.11; this is pypy 3.11"),
        ("sys.version_info = (3, 12, 1)", "needs CPython 3.11; this is cpython 3.12"),
        ("sys.platform = 'darwin'", "runs on Linux only; this is darwin"),
    ],
)
def test_unsupported_python_is_refused_at_import(change: str, sentence: str) -> None:
    result = run_code(f"import sys; {change}; import fullspeed")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("ImportError: fullspeed ")
    assert sentence in result.stderr.splitlines()[-1]
