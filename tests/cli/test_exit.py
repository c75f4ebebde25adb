"""Exit codes, signals, tracebacks and the end of the process are those of `python`."""

import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Launcher, make_environment, only_command

Same = Callable[..., object]

EXITS = {
    "falls off the end": "pass",
    "number": "import sys; sys.exit(7)",
    "large number": "import sys; sys.exit(256 + 9)",
    "negative number": "import sys; sys.exit(-1)",
    "text": "import sys; sys.exit('some reason')",
    "object": "raise SystemExit(['a', 'list'])",
    "none": "raise SystemExit",
    "true": "raise SystemExit(True)",
    "error": "1/0",
    "own class": "class E(Exception): pass\nraise E('text')",
    "base exception": "class E(BaseException): pass\nraise E('text')",
    "keyboard interrupt": "raise KeyboardInterrupt",
    "keyboard interrupt subclass": "class K(KeyboardInterrupt): pass\nraise K('mine')",
    "hard exit": "import os, sys; sys.stdout.flush(); os._exit(11)",
    "abort": "import os, resource\nresource.setrlimit(resource.RLIMIT_CORE, (0, 0))\nos.abort()",
    "exit in atexit": "import atexit, sys\natexit.register(sys.exit, 5)\n",
    "error in atexit": "import atexit\natexit.register(lambda: 1/0)\nprint('body')",
    "error in excepthook": "import sys\nsys.excepthook = lambda *a: 1/0\nraise ValueError(3)",
    "own excepthook": "import sys\nsys.excepthook = lambda *a: print(a[0])\nraise ValueError(3)",
    "closed stdout": "import os\nprint('lost')\nos.close(1)",
    "syntax error": "def f(:\n  pass",
    "indentation error": "if 1:\n    x\n  y",
    "null byte": "x = 1\0",
    "bad encoding": "# coding: nonsense\nprint(1)",
    "recursion": "def f(): f()\nf()",
}


@only_command
@pytest.mark.parametrize("name", EXITS)
def test_exit_code_and_traceback(same: Same, tmp_path: Path, name: str) -> None:
    (tmp_path / "program.py").write_text(EXITS[name])
    same("program.py", stdin=b"")
    if name != "null byte":  # no argument can hold one
        same("-c", EXITS[name])


def test_exit_codes_are_the_expected_ones(both: Callable) -> None:
    _, ours = both("-c", "import sys; sys.exit(7)")
    assert ours.returncode == 7
    _, ours = both("-c", "1/0")
    assert ours.returncode == 1 and b'File "<string>", line 1, in <module>' in ours.stderr
    _, ours = both("-c", "raise KeyboardInterrupt")
    assert ours.returncode == -signal.SIGINT
    _, ours = both("-c", "import os; os.kill(os.getpid(), 11)")
    assert ours.returncode == -signal.SIGSEGV


def test_missing_things(same: Same) -> None:
    assert same("no-such-file.py").returncode == 2
    same("-m", "no_such_module")
    same("-m", "no.such.module")
    same("-m", "json")
    same("-c", "import no_such_module")
    same("/dev/null")
    same("/")


TRACEBACK = """\
import helper
def outer(x):
    try:
        helper.fail(x)
    except ValueError as error:
        raise RuntimeError("outer") from error
class C:
    def __del__(self):
        raise OSError("in finalizer")
C()
try:
    outer(1)
except RuntimeError:
    import traceback
    traceback.print_exc()
traceback.print_stack()
import warnings, logging
def warn():
    for level in range(1, 6):
        warnings.warn(f"level {level}", UserWarning, stacklevel=level)
warn()
logging.basicConfig(format="%(filename)s:%(lineno)d:%(funcName)s:%(message)s")
logging.error("logged", stack_info=True)
logging.warning("deep", stacklevel=4)
import inspect
def stack():
    return [(f.filename, f.lineno, f.function) for f in inspect.stack()]
print(stack(), (lambda: stack())())
import sys, threading
print([f.f_code.co_name for f in sys._current_frames().values()])
t = threading.Thread(target=lambda: print(stack()))
t.start(); t.join()
import faulthandler
faulthandler.dump_traceback(file=sys.stderr, all_threads=False)
def depth(n=1):
    try:
        return depth(n + 1)
    except RecursionError:
        return n
print("recursion", depth())
sys.setrecursionlimit(5000)
print("recursion", depth())
raise ExceptionGroup("group", [ValueError(1), outer.__class__ and TypeError(2)])
"""


def test_stack_and_traceback(same: Same, tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("def fail(x):\n    raise ValueError(x)\n")
    (tmp_path / "program.py").write_text(TRACEBACK)
    result = same("program.py")
    assert b"direct cause" in result.stderr and b"ExceptionGroup" in result.stderr
    assert b"fullspeed" not in result.stderr.replace(str(tmp_path).encode(), b"")
    same("-c", TRACEBACK)
    same("-m", "program")
    same(stdin=TRACEBACK.encode())


FINALIZERS = """\
import atexit, sys, threading, time, weakref
class Noisy:
    def __init__(self, name): self.name = name
    def __del__(self): print("del", self.name, sys.modules is not None)
a, b, c = Noisy("a"), Noisy("b"), Noisy("c")
b.loop = b
atexit.register(print, "atexit 1"); atexit.register(print, "atexit 2")
weakref.finalize(c, print, "finalize c")
def late():
    time.sleep(0.05)
    print("thread ends")
threading.Thread(target=late).start()
print("main ends", end="")
"""


def test_end_of_process(same: Same, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(FINALIZERS)
    result = same("program.py")
    assert b"thread ends" in result.stdout and b"del b" in result.stdout


def _wait_until_asleep(pid: int) -> None:
    """Wait until a process sleeps, seen five times in a row."""
    seen = 0
    for _ in range(1000):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        seen = seen + 1 if state == "S" else 0
        if seen == 5:
            return
        time.sleep(0.01)
    raise AssertionError("the program never went to sleep")


def _default_signals() -> None:
    """In a child before its program: no signal is ignored or blocked, as from a plain shell.

    (Whoever starts the tests with nohup or in the background ignores some for all below.)
    """
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _interrupt(
    words: list[str], engine: str | None, number: int, code: str, *, asleep: bool = True
) -> tuple[int, bytes, bytes]:
    """Start code, send a signal once it has said "ready", and return how it ended."""
    process = subprocess.Popen(
        [*words, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=make_environment(engine),
        preexec_fn=_default_signals,
    )
    assert process.stdout.readline() == b"ready\n"
    if asleep:
        _wait_until_asleep(process.pid)
    else:
        time.sleep(0.1)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


SIGNAL_PROGRAMS = {
    "sleeping": "import time\nprint('ready', flush=True)\ntime.sleep(30)",
    "handled": "import time\nprint('ready', flush=True)\ntry: time.sleep(30)\n"
    "except KeyboardInterrupt: print('caught'); raise SystemExit(4)",
    "own handler": "import signal, time\n"
    "signal.signal(signal.SIGTERM, lambda n, f: print('frame', f.f_code.co_name, f.f_back))\n"
    "signal.signal(signal.SIGINT, signal.SIG_DFL)\nprint('ready', flush=True)\ntime.sleep(0.8)",
}


@only_command
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("name", SIGNAL_PROGRAMS)
def test_signals(launcher: Launcher, python: str, name: str, number: int) -> None:
    code = SIGNAL_PROGRAMS[name]
    stock = _interrupt([python], "0", number, code)
    assert _interrupt(launcher.words, launcher.engine, number, code) == stock
    if name == "sleeping":
        assert stock[0] == -number


def test_signal_in_a_busy_loop(launcher: Launcher, python: str) -> None:
    code = "print('ready', flush=True)\nn = 0\nwhile True:\n    n += 1\n"
    stock = _interrupt([python], "0", signal.SIGINT, code, asleep=False)
    ours = _interrupt(launcher.words, launcher.engine, signal.SIGINT, code, asleep=False)
    assert stock[0] == ours[0] == -signal.SIGINT
    assert stock[2].splitlines()[0] == ours[2].splitlines()[0]
    assert ours[2].splitlines()[-1] == b"KeyboardInterrupt"


def _terminal(words: list[str], engine: str | None, typed: list[bytes]) -> str:
    """What a terminal shows when these lines are typed at the prompt."""
    child, terminal = pty.fork()
    if child == 0:
        _default_signals()
        env = make_environment(engine, {"TERM": "dumb", "PYTHONSTARTUP": ""})
        os.execve(words[0], words, env)
    shown = b""
    # What is typed before the prompt stands there is echoed by the terminal instead of the prompt.
    for line in typed:
        seen, deadline = len(shown), time.monotonic() + 60
        while not shown[seen:].endswith(b">>> "):
            assert time.monotonic() < deadline, shown
            if select.select([terminal], [], [], 0.2)[0]:
                shown += os.read(terminal, 4096)
        os.write(terminal, line)
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.waitpid(child, 0)
    os.close(terminal)
    return shown.decode().replace("\r", "")


def test_prompt(launcher: Launcher, python: str) -> None:
    typed = [b"x = 6 * 7\n", b"x\n", b"1/0\n", b"import sys; sys.argv, sys.path[0]\n", b"exit()\n"]
    stock = _terminal([python], "0", typed)
    assert "\n42\n" in stock and "ZeroDivisionError" in stock and "on linux" in stock
    assert _terminal(launcher.words, launcher.engine, typed) == stock
