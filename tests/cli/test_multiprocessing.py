"""Children of multiprocessing behave as with `python`, and run under the engine as their parent."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Launcher, only_command

PROGRAM = """\
import concurrent.futures, multiprocessing, os, sys, warnings

def enabled():
    engine = sys.modules.get("fullspeed._engine")
    return engine is not None and engine.is_enabled()

def facts(where):
    # What a child can see of its start; the parent's modules are its own business.
    return [where, __name__, sys.argv, tuple(sys.flags), sys.warnoptions, sys.orig_argv[-1][:30],
            sys.executable, os.path.basename(sys.modules["__main__"].__file__), sys.path,
            sorted(p for p in sys.path_importer_cache if "fullspeed" in p),
            [m for m in sys.modules if m in ("argparse", "fullspeed._autoload", "runpy")],
            getattr(sys.modules.get("multiprocessing.spawn"), "get_executable", list)(),
            multiprocessing.current_process().name]

def child(queue, method, depth):
    queue.put((facts(method), enabled()))
    if depth:
        start(queue, method, depth - 1)

def start(queue, method, depth):
    process = multiprocessing.get_context(method).Process(target=child, args=(queue, method, depth))
    process.start()
    process.join()
    assert process.exitcode == 0

def fail(n):
    return 1 // n

if __name__ == "__main__":
    method, report = sys.argv[1:]
    context = multiprocessing.get_context(method)
    queue = context.SimpleQueue()
    start(queue, method, 1)
    states = []
    for _ in range(2):
        seen, state = queue.get()
        print(seen)
        states.append(state)
    with context.Pool(2) as pool:
        print(pool.map(abs, range(-3, 3)))
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as executor:
        try:
            executor.submit(fail, 0).result()
        except ZeroDivisionError as error:
            print(error.__cause__)
        states.append(executor.submit(enabled).result())
    with open(report, "a") as stream:
        print(states, file=stream)
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    (tmp_path / "program.py").write_text(PROGRAM)
    return tmp_path / "program.py"


@only_command
@pytest.mark.parametrize("flags", [[], ["-I", "-O"], ["-S", "-W", "error"]], ids=" ".join)
@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_children(
    same: Callable, launcher: Launcher, program: Path, method: str, flags: list[str]
) -> None:
    report = program.with_name("report")
    result = same(*flags, program, method, "report")
    assert (result.returncode, result.stderr) == (0, b"")
    stock, ours = report.read_text().splitlines()
    assert stock == "[False, False, False]"
    assert ours == (stock if launcher.engine == "0" else "[True, True, True]")


def test_program_may_switch_children_off(same: Callable, tmp_path: Path) -> None:
    code = """\
        import multiprocessing, os, sys
        def child():
            print("fullspeed._engine" in sys.modules, flush=True)
        if __name__ == "__main__":
            os.environ["FULLSPEED"] = "0"
            multiprocessing.set_start_method("spawn")
            process = multiprocessing.Process(target=child)
            process.start()
            process.join()
    """
    (tmp_path / "off.py").write_text(textwrap.dedent(code))
    assert same("off.py").stdout == b"False\n"


def test_modules_of_the_same_names(same: Callable, tmp_path: Path) -> None:
    (tmp_path / "popen_spawn_posix.py").write_text("Popen = 1\n")
    code = "from popen_spawn_posix import Popen; import sys; print(Popen, sorted(sys.modules)[:3])"
    same("-c", code)


def test_processes_of_subprocess_are_plain(both: Callable, tmp_path: Path) -> None:
    child = "import sys; print(sys.modules.get('fullspeed'))"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    _, ours = both("-c", code)
    assert ours.stdout == b"None\n"
