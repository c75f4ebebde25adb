"""Variants that crash while they are loaded: marks that the last start left, and the probe."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import variant_tools as tools

IMPORT = "from pack import _x; print(_x.level())"
SIGNALS = ("SIGILL", "SIGSEGV", "SIGABRT")


class Start:
    """Starts of a program that imports the package; v3 is the best level."""

    def __init__(self, site: Path, cache: Path) -> None:
        self.site, self.cache = site, cache
        self.variables = {
            "FULLSPEED_DISABLE_CPU_FEATURES": "X86_V4",
            "XDG_CACHE_HOME": str(cache),
        }

    def __call__(
        self, *options: str, code: str = IMPORT, crash: str = "", how: str = "", **more: str
    ) -> subprocess.CompletedProcess:
        if crash:
            more |= {"VARIANT_CRASH": f"v3 {crash}", "VARIANT_HOW": how}
        return tools.python(self.site, code, *options, **self.variables | more)

    def level(self, *options: str, **more: str) -> str:
        """The level that is loaded; nothing is said of it."""
        done = self(*options, **more)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout.strip()

    def marks(self) -> list[Path]:
        return sorted(self.cache.rglob("*.crash"))


@pytest.fixture
def start(site: Path, tmp_path: Path, best: int) -> Start:
    if best < 3:
        pytest.skip("this CPU has no x86-64-v3")
    return Start(site, tmp_path / "cache")


@pytest.mark.parametrize("how", SIGNALS)
@pytest.mark.parametrize("where", ["load", "init", "exec"])
def test_mark_of_the_last_start(start: Start, where: str, how: str) -> None:
    done = start(crash=where, how=how)
    assert done.returncode == -signal.Signals[how]
    name = f"_x{tools.SUFFIX.removesuffix('.so')}.x86-64-v3.so"
    assert f"{name} crashed while it was loaded ({how}). The next start" in done.stderr
    (mark,) = start.marks()
    assert mark.read_text().splitlines()[1:] == [str(start.site / "pack" / name), how]
    assert start.level() == "v2"
    done = start("-Wdefault")
    assert f"{name}: it crashed when it was last loaded ({how}); FULLSPEED_PROBE=1" in done.stderr
    assert start.level(FULLSPEED_PROBE="0") == "v3" and start.marks() == [mark]
    assert start.level(FULLSPEED_PROBE="1") == "v3" and start.marks() == []
    assert start.level() == "v3"


@pytest.mark.parametrize("how", [*SIGNALS, "exit"])
@pytest.mark.parametrize("where", ["load", "init", "exec"])
def test_probe(start: Start, where: str, how: str) -> None:
    probe = {"FULLSPEED_PROBE": "1"}
    assert start.level(crash=where, how=how, **probe) == "v2"
    (mark,) = start.marks()
    reason = "it ended the process" if how == "exit" else how
    assert mark.read_text().splitlines()[2] == reason
    assert start.level() == "v2"  # the mark says it
    done = start("-Wdefault", crash=where, how=how, **probe)
    assert f"it crashed when it was tried in a child ({reason})" in done.stderr
    assert done.stdout.strip() == "v2"


def test_probe_of_good_code(start: Start) -> None:
    assert start.level(FULLSPEED_PROBE="1") == "v3"
    assert start.marks() == []
    code = "import threading, time\n" + (
        "threading.Thread(target=time.sleep, args=(0.5,)).start()\n" + IMPORT
    )
    assert start.level(code=code, FULLSPEED_PROBE="1") == "v3"


@pytest.mark.parametrize(("how", "level"), [("SIGILL", "v2"), ("", "v3")])
def test_probe_where_children_are_not_waited_for(start: Start, how: str, level: str) -> None:
    """The program has said that it does not want to know of its children's ends."""
    code = f"import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n{IMPORT}"
    crash = "exec" if how else ""
    assert start.level(code=code, crash=crash, how=how, FULLSPEED_PROBE="1") == level


def test_probe_in_a_sub_interpreter(start: Start) -> None:
    """No child can be made there: the variant is loaded all the same."""
    code = f"""
import _xxsubinterpreters as subs
sub = subs.create()
subs.run_string(sub, "import sys; sys.path.insert(0, {str(start.site)!r})\\n"
    "from pack import _x; assert _x.level() == 'v3'")
subs.destroy(sub)
print("done")
"""
    assert start.level(code=code, FULLSPEED_PROBE="1") == "done"


def test_off(start: Start) -> None:
    done = start(crash="exec", how="SIGILL", FULLSPEED_PROBE="0")
    assert (done.returncode, done.stderr) == (-signal.SIGILL, "")
    assert start.marks() == []


def test_wrong_value(start: Start) -> None:
    done = start(FULLSPEED_PROBE="yes")
    assert done.returncode == 1
    assert "ImportError: the environment has FULLSPEED_PROBE=yes; allowed values" in done.stderr


def test_nothing_is_written_without_a_crash(start: Start) -> None:
    code = """
def caught():
    return [line for line in open('/proc/self/status') if line.startswith(('SigCgt', 'SigIgn'))]
before = caught()
from pack import _x
assert caught() == before
print(_x.level())
"""
    assert start.level(code=code) == "v3"
    assert not start.cache.exists()


def test_exception_is_no_crash(stubs: object, start: Start, tmp_path: Path) -> None:
    code = tools.at_levels(tmp_path, "module_multi.c", "_bad", "-DFAILS")
    tools.install(tools.merge(stubs, f"_bad{tools.SUFFIX}", code), start.site)
    for value in ("", "1"):
        done = start(code="import _bad", FULLSPEED_PROBE=value)
        assert done.stderr.strip().endswith("ImportError: the module's own reason")
    assert start.marks() == []


def test_new_code_is_tried_again(start: Start) -> None:
    assert start(crash="init", how="SIGSEGV").returncode == -signal.SIGSEGV
    assert start.level() == "v2"
    (path,) = start.site.rglob("*.x86-64-v3.so")
    os.utime(path, (1_000_000_000, 1_000_000_000))  # as an installation would
    assert start.level() == "v3"


def test_other_level_after_another(start: Start) -> None:
    """Each of them in turn; the baseline is never passed over."""
    for level in ("v3", "v2"):
        more = {"VARIANT_CRASH": f"{level} exec", "VARIANT_HOW": "SIGILL"}
        assert start(**more).returncode == -signal.SIGILL
    assert start.level() == "baseline" and len(start.marks()) == 2
    for _ in range(2):
        done = start(VARIANT_CRASH="baseline exec", VARIANT_HOW="SIGILL")
        assert (done.returncode, done.stderr) == (-signal.SIGILL, "")
    assert len(start.marks()) == 2


def test_faulthandler(start: Start) -> None:
    """Its handler was there before, and has its say."""
    done = start("-Xfaulthandler", crash="exec", how="SIGSEGV")
    assert done.returncode == -signal.SIGSEGV
    assert "Fatal Python error: Segmentation fault" in done.stderr
    assert start.level() == "v2"
    done = start("-Xfaulthandler", crash="exec", how="SIGSEGV", FULLSPEED_PROBE="1")
    assert (done.stdout.strip(), done.stderr) == ("v2", "")


def test_mended(start: Start, tmp_path: Path) -> None:
    """A handler that was there before, and goes on: that was no crash."""
    source = tmp_path / "mend.c"
    source.write_text("""
#define _GNU_SOURCE
#include <signal.h>
#include <ucontext.h>
static void skip(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
}
void mend(void);
void mend(void)
{
    struct sigaction action = {.sa_sigaction = skip, .sa_flags = SA_SIGINFO};
    sigaction(SIGILL, &action, 0);
}
""")
    tools.compile_module(source, tmp_path / "mend.so")
    code = f"import ctypes; ctypes.CDLL({str(tmp_path / 'mend.so')!r}).mend()\n{IMPORT}"
    assert start.level(code=code, crash="exec", how="SIGILL") == "v3"
    assert start.marks() == [] and (start.cache / "fullspeed").exists()


def test_crash_of_another_thread(start: Start) -> None:
    done = start(crash="exec", how="thread")
    assert (done.returncode, done.stderr) == (-signal.SIGILL, "")
    assert start.marks() == []


def test_signal_that_somebody_sends(start: Start) -> None:
    text = f"import sys; sys.path.insert(0, {str(start.site)!r})\n{IMPORT}"
    env = tools.CLEAN | start.variables | {"VARIANT_CRASH": "v3 exec", "VARIANT_HOW": "wait"}
    command = [sys.executable, "-c", text]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "waiting\n"
        child.send_signal(signal.SIGSEGV)
        assert child.wait() == -signal.SIGSEGV
    assert start.marks() == []


@pytest.mark.parametrize("place", ["nowhere", "no home", "others may write"])
def test_no_place_for_a_mark(start: Start, tmp_path: Path, place: str) -> None:
    more = {"XDG_CACHE_HOME": "/proc/none"}
    if place == "no home":
        more = {"XDG_CACHE_HOME": "relative", "HOME": ""}
    elif place == "others may write":
        (start.cache / "fullspeed").mkdir(parents=True)
        (start.cache / "fullspeed").chmod(0o777)
        more = {}
    done = start(crash="exec", how="SIGILL", **more)
    assert done.returncode == -signal.SIGILL
    assert "No mark of it could be left; FULLSPEED_DISABLE_CPU_FEATURES" in done.stderr
    assert start.marks() == [] and start.level(**more) == "v3"


def test_home(start: Start, tmp_path: Path) -> None:
    more = {"XDG_CACHE_HOME": "", "HOME": str(tmp_path / "home")}
    (tmp_path / "home").mkdir()
    assert start(crash="exec", how="SIGILL", **more).returncode == -signal.SIGILL
    assert len(list((tmp_path / "home/.cache/fullspeed").glob("variant-*.crash"))) == 1
    assert start.level(**more) == "v2"


def test_many_at_once(start: Start) -> None:
    text = f"import sys; sys.path.insert(0, {str(start.site)!r})\n{IMPORT}"
    env = tools.CLEAN | start.variables | {"VARIANT_CRASH": "v3 exec", "VARIANT_HOW": "SIGILL"}
    command = [sys.executable, "-c", text]
    children = [
        subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in range(8)
    ]
    for child in children:
        out, _ = child.communicate()
        assert (child.returncode, out) in ((-signal.SIGILL, b""), (0, b"v2\n"))
    (mark,) = start.marks()
    assert mark.read_text().endswith("v3.so\nSIGILL\n")


def test_damaged_marks(start: Start) -> None:
    """Whatever stands in a mark, it is one, and none of it is shown that could not be."""
    start(crash="exec", how="SIGILL")
    (mark,) = start.marks()
    for text in (b"", b"\n\n\n", b"x" * 10000, b"a\nb\n\033[31m\n", b"a\nb\n" + b"y" * 5000):
        mark.write_bytes(text)
        done = start("-Wdefault")
        assert done.stdout.strip() == "v2" and "\033" not in done.stderr
        assert "it crashed when it was last loaded (" in done.stderr


def test_command_shows_it(start: Start) -> None:
    start(crash="load", how="SIGILL")
    more = start.variables | {"PYTHONPATH": str(start.site)}
    done = tools.command("variants", "pack", **more)
    assert "x86-64-v2.so" in done.stdout.partition("uses")[2].splitlines()[0]
    assert "it crashed when it was last loaded (SIGILL)" in done.stdout
    start.marks()[0].unlink()
    done = tools.command("variants", "pack", VARIANT_CRASH="v3 load", VARIANT_HOW="SIGILL", **more)
    assert done.returncode == 0 and "it crashed when it was last loaded" in done.stdout
