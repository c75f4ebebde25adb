"""Traces in the world: signals, threads, pending calls, forks, sub-interpreters, changes by others.

How it works: the loops and assumptions are those of jit_world.py; each test is a child process.
Latencies are the least of several tries: other load on the machine only ever adds, and a loop that
never looks around never ends.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import jit_world
from unit_child import ask_child, run_child

CODE = {"FULLSPEED_JIT": "1", "FULLSPEED_JIT_THRESHOLDS": "loop=16,entry=50,exit=4"}
# Hot loops whose traces may be too slow, or not there yet: no matter, they have to hear of it.
MAY_BE_INTERPRETED = {"exceptions", "with_", "recursion"}
# Seconds within which a loop hears of what is pending, at best.
SOON = 0.005
# A timer of the process's own time is looked at in the kernel's ticks, and set a tick late: up to
# 10 ms each.
TICKS = {"signal": 0.02}
# Long arithmetic runs handlers by itself; what they raise comes by a pending call, and later.
LATER = {"big_numbers": 0.05, "huge_numbers": 0.05}

LATENCY = """
deadline = time.monotonic() + 30
def watch():
    while time.monotonic() < deadline: time.sleep(0.05)
    globals().update(stop=True)
def hot_until(arm):
    \"\"\"Runs the loop until what `arm` has set off stops it; when that was.\"\"\"
    try:
        arm()
        hot()
    except Stop:
        return time.perf_counter()
class Stop(BaseException): pass
def raise_stop(*args): raise Stop
def warm():
    time.sleep(0.1)
    globals().update(stop=True)
threading.Thread(target=warm).start()
hot()
threading.Thread(target=watch, daemon=True).start()
"""
# In the process's own time: while others have the processor, it can't hear of anything.
SIGNALS = """
signal.signal(signal.SIGPROF, raise_stop)
def arm():
    sent.append(time.process_time() + 0.01)
    signal.setitimer(signal.ITIMER_PROF, 0.01)
for _ in range(4):
    hot_until(arm)
    delays.append(time.process_time() - sent[-1])
"""
FROM_A_THREAD = """
def soon():
    time.sleep(0.01)
    sent.append(time.perf_counter())
    act()
for _ in range(4):
    delays.append(hot_until(threading.Thread(target=soon).start) - sent[-1])
"""
INTERRUPTS = (
    """
signal.signal(signal.SIGINT, raise_stop)
def act(): os.kill(os.getpid(), signal.SIGINT)
"""
    + FROM_A_THREAD
)
ASYNC = (
    """
import ctypes
main = threading.get_ident()
def act():
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(main), ctypes.py_object(Stop))
"""
    + FROM_A_THREAD
)
PENDING = """
import ctypes
@ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
def pending(_):
    delays.append(time.perf_counter() - sent[-1])
    return 0
def soon():
    for _ in range(4):
        time.sleep(0.01)
        sent.append(time.perf_counter())
        ctypes.pythonapi.Py_AddPendingCall(pending, None)
    globals().update(stop=True)
threading.Thread(target=soon).start()
hot()
"""
SWITCHES = """
sys.setswitchinterval(0.0005)
def others():
    for _ in range(10):
        due = time.perf_counter() + 0.003
        time.sleep(0.003)
        delays.append(time.perf_counter() - due)
    globals().update(stop=True)
threading.Thread(target=others).start()
hot()
"""
EVENTS = {
    "signal": SIGNALS,
    "interrupt": INTERRUPTS,
    "async_exception": ASYNC,
    "pending_call": PENDING,
    "gil": SWITCHES,
}


@pytest.mark.parametrize("name", jit_world.LOOPS)
def test_hot_loops_hear_of_it_soon(name: str) -> None:
    code = jit_world.loop(name) + LATENCY + "found = {}\n"
    for event, part in EVENTS.items():
        code += f"stop = False\nsent, delays = [], []\n{part}\nfound[{event!r}] = min(delays)\n"
    code += "answer([found, len(engine.jit_traces()) > 0])"
    late = dict.fromkeys(EVENTS, 1.0)
    for _ in range(4):
        found, traced = ask_child(code, env=CODE, timeout=60)
        assert traced or name in MAY_BE_INTERPRETED
        limit = LATER.get(name, SOON)
        late = {e: d for e, d in late.items() if found[e] >= limit + TICKS.get(e, 0)}
        if not late:
            return
    raise AssertionError(f"{name} hears late of {late}: {found}")


STALE = """
progress, stale = [0], 0
def reader(turns):
    bad = 0
    for _ in range(turns):
        before = progress[0]
        v = READ
        if v < before:
            bad += 1
    return bad
reader(200)
def change():
    for k in range(1, 121):
        SET
        progress[0] = k
        if k % 3 == 0: time.sleep(0.0005)
sys.setswitchinterval(1e-5)
thread = threading.Thread(target=change)
thread.start()
while thread.is_alive():
    stale += reader(500)
thread.join()
stale += reader(100)
seen = (READ) >= 120
answer([stale, seen, sum(engine.stats()['jit']['traces'].values())])
"""


@pytest.mark.parametrize("name", jit_world.ASSUMPTIONS)
def test_no_assumption_outlives_a_change_by_another_thread(name: str) -> None:
    start, read, change = jit_world.ASSUMPTIONS[name]
    code = jit_world.STATE + start + "\n"
    code += STALE.replace("READ", read).replace("SET", change)
    stale, seen, traces = ask_child(code, env=CODE)
    assert (stale, seen) == (0, True)
    assert traces > 0


def test_fork_in_hot_loops() -> None:
    """Children go on in traces that the parent was in, and make their own; threads stay behind."""
    code = (
        jit_world.STATE
        + """
def work(n, forks):
    total = 0
    for i in range(n):
        total += plain(i) * 3 % 7
        if forks and i % 700 == 699:
            pid = os.fork()
            if pid == 0:
                forks = None
                pids.clear()
            else:
                pids.append(pid)
    return total, forks
def others():
    while not stop:
        hot_other(50)
def hot_other(n):
    s = 0.5
    for i in range(n): s = s * 1.5 % 9.0
    return s
work(500, False)
pids = []
threads = [threading.Thread(target=others, daemon=True) for _ in range(2)]
for t in threads: t.start()
sys.setswitchinterval(1e-4)
total, forks = work(4000, True)
if forks is None:
    again = work(4000, False)[0]
    code = 0 if total == again and hot_other(10) > 0 else 1
    os._exit(code)
stop = True
codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
answer([codes, total == work(4000, False)[0], sum(engine.stats()['jit']['traces'].values()) > 0])
"""
    )
    codes, same, traced = ask_child(code, env=CODE)
    assert codes == [0] * len(codes) and len(codes) == 5
    assert same and traced


def test_traces_of_sub_interpreters() -> None:
    """Each has its own traces, of the same text too; they go with it, the others stay."""
    code = (
        jit_world.STATE
        + """
import _xxsubinterpreters as interpreters
script = '''
import sys
sys.path[:] = path.split("|")
import fullspeed, fullspeed._engine as engine
fullspeed.enable()
class P:
    def __init__(self, x): self.x = x
    def get(self): return self.x
def work(n):
    total = 0
    for i in range(n):
        total += P(i).get() % 7
    return total
print("SUB", work(3000), any(t["function"] == "work" for t in engine.jit_traces()), flush=True)
'''
def work(n):
    total = 0
    for i in range(n):
        total += Box(i).get() % 7
    return total
expected = work(3000)
alive = []
for turn in range(4):
    subs = [interpreters.create() for _ in range(3)]
    sys.stdout.flush()
    for sub in subs:
        interpreters.run_string(sub, script, shared={"path": "|".join(sys.path)})
        assert work(3000) == expected
    for sub in subs:
        interpreters.destroy(sub)
    assert work(3000) == expected
    alive.append(sum(engine.stats()["jit"]["alive"].values()))
print("EXPECTED", expected)
answer([alive[-1] <= alive[0] + 2])
"""
    )
    done = run_child(code, env=CODE)
    assert done.returncode == 0, done.stderr
    expected = done.stdout.split("EXPECTED ")[1].split()[0]
    assert done.stdout.count(f"SUB {expected} True\n") == 12, done.stdout
    assert "ANSWER [true]" in done.stdout


def test_code_is_freed_with_its_code_objects() -> None:
    code = """

import gc, fullspeed._engine as engine
fullspeed.enable()
def churn(n):
    for k in range(n):
        space = {}
        exec(f'''
def inner(x): return x * {k} % 7
def f(n):
    total = 0
    for i in range(n):
        total += inner(i)
        if i % 3 == 2: total -= 1
    return total
''', space)
        space["f"](300)
    gc.collect()
    jit = engine.stats()["jit"]
    return [sum(jit["traces"].values()), sum(jit["alive"].values()), jit["memory"]]
answer([churn(20), churn(300)])
"""
    (made, alive, memory), (made_later, alive_later, memory_later) = ask_child(code, env=CODE)
    assert made >= 20 and made_later >= made + 300
    assert alive_later <= alive + 2
    assert memory_later <= memory + 4096
