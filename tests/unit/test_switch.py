"""enable, disable, pause: from a running program, mid-loop, mid-generator and from threads."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from unit_child import ask_child, run_child


def test_off_until_enabled() -> None:
    assert ask_child("answer(fullspeed.is_enabled())") is False


def test_enable_disable_is_enabled() -> None:
    code = """
    seen = [fullspeed.is_enabled()]
    fullspeed.enable(); seen.append(fullspeed.is_enabled())
    fullspeed.enable(); seen.append(fullspeed.is_enabled())
    fullspeed.disable(); seen.append(fullspeed.is_enabled())
    fullspeed.disable(); seen.append(fullspeed.is_enabled())
    fullspeed.enable(); seen.append(fullspeed.is_enabled())
    answer(seen)
    """
    assert ask_child(code) == [False, True, True, False, False, True]


def test_frames_run_in_our_loop_only_while_enabled() -> None:
    code = """
    import fullspeed._engine as engine
    def f(n):
        t = 0
        for i in range(n):
            t += i
        return t
    def frames(use):
        engine.reset_stats()
        sorted([3, 1, 2], key=lambda x: use(x))
        return fullspeed.stats()["frames"]
    off = frames(f)
    fullspeed.enable()
    on = frames(f)
    fullspeed.disable()
    again_off = frames(f)
    answer([off, on > 0, again_off])
    """
    assert ask_child(code) == [0, True, 0]


def test_switching_in_a_hot_loop_changes_no_result() -> None:
    code = """
    def g(x):
        return x * 2
    def loop(n):
        total = 0
        for i in range(n):
            if i % 50 == 10:
                fullspeed.enable()
            if i % 50 == 35:
                fullspeed.disable()
            total += g(i)
        return total
    answer([loop(2000), sum(i * 2 for i in range(2000))])
    """
    got, wanted = ask_child(code)
    assert got == wanted


def test_running_frame_leaves_at_a_safe_point() -> None:
    code = """
    def inner(n):
        return n + 1
    def outer():
        fullspeed.disable()
        before = fullspeed.stats()
        for i in range(100):
            inner(i)
        after = fullspeed.stats()
        return [sum(before["handovers"]["disabled"].values()), after["frames"] - before["frames"]]
    fullspeed.enable()
    for _ in range(50):
        inner(1)
    answer(outer())
    """
    handed_over, frames = ask_child(code)
    assert handed_over > 0
    assert frames == 0


def test_pause_nests_and_restores() -> None:
    code = """
    seen = []
    fullspeed.enable()
    with fullspeed.pause():
        seen.append(fullspeed.is_enabled())
        with fullspeed.pause():
            seen.append(fullspeed.is_enabled())
        seen.append(fullspeed.is_enabled())
    seen.append(fullspeed.is_enabled())
    try:
        with fullspeed.pause():
            raise ValueError
    except ValueError:
        seen.append(fullspeed.is_enabled())
    fullspeed.disable()
    with fullspeed.pause():
        seen.append(fullspeed.is_enabled())
    seen.append(fullspeed.is_enabled())
    answer(seen)
    """
    assert ask_child(code) == [False, False, False, True, True, False, False]


def test_pause_in_generator_and_coroutine() -> None:
    code = """
    fullspeed.enable()
    def gen(n):
        for i in range(n):
            if i == 3:
                with fullspeed.pause():
                    yield ("paused", i)
            else:
                yield i
    async def coro(n):
        with fullspeed.pause():
            return sum(i for i in range(n))
    try:
        coro(10).send(None)
    except StopIteration as stop:
        total = stop.value
    answer([list(gen(6)), total, fullspeed.is_enabled()])
    """
    assert ask_child(code) == [[0, 1, 2, ["paused", 3], 4, 5], 45, True]


def test_switch_from_another_thread() -> None:
    code = """
    import threading, time
    stop = []
    counts = []
    def work():
        n = 0
        def step(x):
            return x + 1
        while not stop:
            n = step(n)
        counts.append(n > 0)
    threads = [threading.Thread(target=work) for _ in range(3)]
    [t.start() for t in threads]
    for _ in range(200):
        fullspeed.enable(); time.sleep(0.0005); fullspeed.disable()
    stop.append(1)
    [t.join() for t in threads]
    answer(counts)
    """
    assert ask_child(code) == [True, True, True]


def test_enable_in_one_thread_serves_all() -> None:
    code = """
    import threading
    import fullspeed._engine as engine
    t = threading.Thread(target=fullspeed.enable)
    t.start(); t.join()
    seen = [fullspeed.is_enabled()]
    def f(): return 1
    engine.reset_stats()
    t = threading.Thread(target=f)
    t.start(); t.join()
    answer([*seen, fullspeed.stats()["frames"] > 0])
    """
    assert ask_child(code) == [True, True]


def test_fullspeed_0_is_plain_cpython() -> None:
    code = "fullspeed.enable(); answer([fullspeed.is_enabled(), '_engine' in str(sys.modules)])"
    enabled, _ = ask_child(code, env={"FULLSPEED": "0"})
    assert enabled is False


def test_unknown_value_names_itself_and_the_allowed_ones() -> None:
    done = run_child("fullspeed.enable()", env={"FULLSPEED": "yes please"})
    assert done.returncode != 0
    for word in ("FULLSPEED", "yes please", "0", "1"):
        assert word in done.stderr


def test_sub_interpreters_switch_alone() -> None:
    code = """
import _xxsubinterpreters as interpreters
import fullspeed._engine as engine
fullspeed.enable()
sub = interpreters.create()
script = '''
import sys
sys.path[:] = path.split("|")
import fullspeed
def f(x): return x + 1
before = fullspeed.is_enabled()
fullspeed.enable()
total = 0
for i in range(1000): total = f(total)
print("SUB", before, fullspeed.is_enabled(), total)
fullspeed.disable()
for i in range(1000): total = f(total)
print("SUB", fullspeed.is_enabled(), total, flush=True)
'''
sys.stdout.flush()
interpreters.run_string(sub, script, shared={"path": "|".join(sys.path)})
interpreters.destroy(sub)
def g(x): return x + 1
engine.reset_stats()
list(map(g, range(100)))
answer([fullspeed.is_enabled(), fullspeed.stats()["frames"] >= 100])
"""
    done = run_child(code)
    assert done.returncode == 0, done.stderr
    assert "SUB False True 1000\n" in done.stdout
    assert "SUB False 2000\n" in done.stdout
    assert "ANSWER [true, true]" in done.stdout


def test_fork_keeps_the_engine() -> None:
    code = """
    import os
    fullspeed.enable()
    def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
    fib(10)
    pid = os.fork()
    if pid == 0:
        os._exit(int(fullspeed.is_enabled()) * 10 + (fib(12) == 144))
    answer(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    """
    assert ask_child(code) == 11


def test_enable_during_finalization_of_generators_and_at_exit() -> None:
    code = """
    import atexit
    def gen():
        try:
            yield 1
        finally:
            sum(i for i in range(10))
            print("closed")
    g = gen(); next(g)
    fullspeed.enable()
    h = gen(); next(h)
    @atexit.register
    def last():
        fullspeed.disable()
        fullspeed.enable()
        print("atexit", [i for i in range(3)])
    """
    done = run_child(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("closed") == 2
    assert "atexit [0, 1, 2]" in done.stdout


def test_tracing_right_after_switching() -> None:
    code = """
    def log(values):
        return [v for v in values]
    results = []
    for switch in (fullspeed.enable, fullspeed.disable, fullspeed.enable):
        switch()
        for hook in (sys.settrace, sys.setprofile):
            hook(lambda *a: None)
            results.append(log((1, 2, 3)))
            hook(None)
    answer(results)
    """
    assert ask_child(code, timeout=20) == [[1, 2, 3]] * 6


def test_deep_recursion_while_tracing() -> None:
    code = """
    fullspeed.enable()
    sys.setrecursionlimit(10**6)
    def down(n):
        return n and down(n - 1)
    results = []
    for hook in (sys.settrace, sys.setprofile):
        hook(lambda *a: None)
        results.append(down(100_000))
        hook(None)
    answer(results)
    """
    assert ask_child(code) == [0, 0]
