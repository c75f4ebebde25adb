"""The JIT's runtime: what exits restore, counters, deaths of traces, fork, threads, settings.

Most tests put a trace of their own making (textual IR, run by the IR interpreter) at a loop head:
that fixes what is left, where and with which values, whatever recorder and passes do.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from unit_child import ask_child, run_child

ENV = {"FULLSPEED_JIT": "ir", "FULLSPEED_JIT_THRESHOLDS": "loop=1,entry=1000000,exit=1000000"}
# (With thresholds of one's own, traces are made whatever time that takes.)
CODE = {"FULLSPEED_JIT": "1", "FULLSPEED_JIT_THRESHOLDS": "loop=64,entry=200,exit=16"}
HELPERS = '''
import dis, gc, os, sys, threading, weakref
fullspeed.enable()
import fullspeed._engine as engine

def head(f):
    """Slot of the target of the first backward jump."""
    return next(i.argval for i in dis.get_instructions(f) if "JUMP_BACKWARD" in i.opname) // 2

def slot_of(f, opname, nth=0):
    """Slot of an instruction."""
    return [i.offset for i in dis.get_instructions(f) if i.opname == opname][nth] // 2

def local(f, name):
    return f.__code__.co_varnames.index(name)

ROOT = "frame 0: code=<f> func=- parent=-1 kind=0 base=root offset=0 ref=- call=0 depth=0\\n"

def inline(f, g, depth, number=1, name="g"):
    """The description of a frame of g that f's first CALL makes."""
    return (f"frame {number}: code=<{name}> func=<{name}> parent={number - 1} kind=0 base=dstack "
            f"offset=0 ref=- call={slot_of(f, 'CALL') + 4} depth={depth}\\n")

def install(f, text, **names):
    names["f"] = f
    text = text.replace(";\\n", "; ")  # (a snapshot is one line)
    engine._keep = getattr(engine, "_keep", []) + [names]
    return engine._jit_install(f.__code__, head(f), text, names)

def traces(f):
    return [t for t in engine.jit_traces() if t["function"] == f.__qualname__]
'''


def ask(code: str, **env: str) -> object:
    """The answer of a child that runs `code` behind the helpers."""
    return ask_child(HELPERS + code, env=ENV | env)


def test_unboxed_values_are_boxed_and_stale_memory_is_dropped() -> None:
    code = """
def f(n):
    i = 1000; a = 1.5; b = 2000; c = 3; d = 4; k = 0
    while k != n:
        k += 1
    return i, a, b, c, d
n = len(f.__code__.co_varnames)
at = head(f)
install(f, ROOT + f'''
snap 1: frame 0 at {at} depth {n}; 0:{local(f, "i")} = +12345678901 stale;
0:{local(f, "a")} = 2.25 stale; 0:{local(f, "b")} = true stale; 0:{local(f, "d")} = +7 stale
0001 - JEXIT snap=1
''')
results = [f(3) for _ in range(3)]
answer([repr(results[0]), traces(f)[0]["entries"] > 0])
"""
    assert ask(code) == ["(12345678901, 2.25, True, 3, 7)", True]


def test_an_unbound_local() -> None:
    code = """
def f(n):
    i = 1000; k = 0
    while k != n:
        k += 1
    return i
install(f, ROOT + f'''
snap 1: frame 0 at {head(f)} depth 3; 0:{local(f, "i")} = - stale
0001 - JEXIT snap=1
''')
try:
    f(3)
except UnboundLocalError as error:
    answer(str(error))
"""
    assert "'i'" in str(ask(code))


VIRTUAL = """
def g(a, b):
    x = a + b
    if x < 0:
        raise ValueError(x)
    return x, len(names())

def names():
    return [sys._getframe(d).f_code.co_name for d in range(1, 3)]

def f(n):
    out = []
    k = 0
    while k != n:
        out.append(g(k, 10))
        k += 1
    return out

first = head(f)
call = slot_of(f, "CALL")
load_g = slot_of(f, "LOAD_GLOBAL")
depth = 3 + 4  # append, out, NULL, g and two arguments were there; the call has taken them
"""


def test_a_virtual_frame_becomes_real() -> None:
    code = (
        VIRTUAL
        + """
# At the loop head the trace has called out.append's g already: stack [append, out].
# Reaching it needs the method on the stack, so the exit lists it.
append = list.append
text = ROOT + inline(f, g, 5) + f'''
snap 1: frame 0 at {call + 4} depth 5; frame 1 at 1 depth 3; 0:3 = <append>; 0:4 = 0001;
1:0 = +40; 1:1 = +2; 1:2 = -
0001 OBJ SLOAD #{local(f, "out")}
0002 - JEXIT snap=1
'''
install(f, text, g=g, append=append)
out = f(3)
answer([out, sys.getrefcount(g) < 50])
"""
    )
    assert ask(code) == [[[0 + 10, 2], [42, 2], [42, 2]], True]


def test_a_virtual_frame_that_raises_has_stocks_traceback() -> None:
    code = (
        VIRTUAL
        + """
import traceback
text = ROOT + inline(f, g, 5) + f'''
snap 1: frame 0 at {call + 4} depth 5; frame 1 at 1 depth 3; 0:3 = <append>; 0:4 = 0001;
1:0 = -40; 1:1 = +2; 1:2 = -
0001 OBJ SLOAD #{local(f, "out")}
0002 - JEXIT snap=1
'''
install(f, text, g=g, append=list.append)
try:
    f(3)
except ValueError as error:
    rows = [(r.name, r.line) for r in traceback.extract_tb(error.__traceback__)]
    tb = error.__traceback__.tb_next
    lines = [tb.tb_lineno, tb.tb_next.tb_lineno]
    start = f.__code__.co_firstlineno, g.__code__.co_firstlineno
    answer([[r[0] for r in rows], lines[0] - start[0], lines[1] - start[1]])
"""
    )
    assert ask(code) == [["<module>", "f", "g"], 4, 3]


def test_recursion_depth_is_kept() -> None:
    code = (
        VIRTUAL
        + """
def dive(n):
    try:
        return dive(n + 1)
    except RecursionError:
        return n
before = dive(0)
text = ROOT + inline(f, g, 5) + f'''
snap 1: frame 0 at {call + 4} depth 5; frame 1 at 1 depth 3; 0:3 = <append>; 0:4 = 0001;
1:0 = +1; 1:1 = +2; 1:2 = -
0001 OBJ SLOAD #{local(f, "out")}
0002 - JEXIT snap=1
'''
install(f, text, g=g, append=list.append)
for _ in range(50):
    f(10)
answer(dive(0) - before)
"""
    )
    assert ask(code) == 0


SUNK = """
class P:
    def __init__(self, x, y):
        self.x = x
        self.y = y
for _ in range(20):
    P(1, 2).x

def f(n):
    a = b = c = None; k = 0
    while k != n:
        k += 1
    return a, b, c
depth = len(f.__code__.co_varnames)
A, B, C = (local(f, name) for name in "abc")
"""


def test_sunk_allocations_are_made_once() -> None:
    code = (
        SUNK
        + """
text = ROOT + f'''
snap 1: frame 0 at {head(f)} depth {depth}; 0:{A} = 0003 owned stale; 0:{B} = 0003 stale;
0:{C} = 0002 stale
0001 OBJ NEWTUPLE (+1000 2.5 true) !sunk
0002 OBJ NEWINST <P> (+7 0001) !sunk
0003 OBJ NEWTUPLE (0002 0001) !sunk
0004 - JEXIT snap=1
'''
install(f, text, P=P)
a, b, c = f(2)
answer([a is b, a[0] is c, c.y is a[1], c.x, repr(a[1]), list(vars(c)),
        sys.getrefcount(a), sys.getrefcount(c), sys.getrefcount(c.y), gc.is_tracked(a)])
"""
    )
    # a: a, b and the argument; c: c, a[0], the argument; c.y: c.__dict__, a[1], the argument.
    assert ask(code) == [True, True, True, 7, "(1000, 2.5, True)", ["x", "y"], 3, 3, 3, True]


def test_a_collection_does_not_run_before_all_is_real() -> None:
    code = (
        SUNK
        + """
text = ROOT + f'''
snap 1: frame 0 at {head(f)} depth {depth}; 0:{A} = 0001 stale; 0:{B} = 0002 stale;
0:{C} = 0003 stale
0001 OBJ NEWINST <P> (+7 +8) !sunk
0002 OBJ NEWTUPLE (+1 0001) !sunk
0003 OBJ NEWLIST (+1 0002) !sunk
0004 - JEXIT snap=1
'''
install(f, text, P=P)
seen = []
gc.callbacks.append(lambda phase, info: seen.append(sys._getframe(1).f_code.co_name))
gc.set_threshold(1)
keep = []
for _ in range(100):
    a, b, c = f(2)
    keep.append([a, b, c])
gc.set_threshold(700)
answer([bool(seen), type(a).__name__, b[1] is a, c[1] is b])
"""
    )
    assert ask(code) == [True, "P", True, True]


def test_borrowed_and_owned_references() -> None:
    code = (
        SUNK
        + """
thing = object()
text = ROOT + f'''
snap 1: frame 0 at {head(f)} depth {depth}; 0:{A} = <thing> stale;
0:{B} = <thing> owned stale; 0:{C} = <thing> owned stale
0001 - INCREF <thing>
0002 - INCREF <thing>
0003 - JEXIT snap=1
'''
install(f, text, thing=thing)
before = sys.getrefcount(thing)
f(2)
f(200)
answer([sys.getrefcount(thing) - before, f(3) == (thing,) * 3])
"""
    )
    # (each entry makes references of its own; the slots' old ones are dropped as stale: not boxes,
    # but nothing that runs code either)
    assert ask(code) == [0, True]


def test_what_is_dropped_sees_real_frames() -> None:
    code = """
seen = []
class D:
    def __del__(self):
        frame = sys._getframe(1)
        line = frame.f_lineno - frame.f_code.co_firstlineno
        seen.append((frame.f_code.co_name, frame.f_locals["x"], line))
def f(d, n):
    x = 5; k = 0
    while k != n:
        k += 1
    return x
# The trace takes the reference of the local `d` over: its memory becomes empty.
text = ROOT + f'''
snap 1: frame 0 at {head(f)} depth 4; 0:{local(f, "x")} = +99 stale; 0:{local(f, "d")} = -;
0:drop = 0001
0001 OBJ SLOAD #{local(f, "d")} !nullable
0002 - JEXIT snap=1
'''
install(f, text)
def main():
    return f(D(), 2)  # (called by our loop, which hands its reference over)
answer([main(), seen])
"""
    result, seen = ask(code)  # type: ignore[misc]
    assert result == 99
    assert len(seen) == 1
    assert seen[0][:2] == ["f", 99]
    assert seen[0][2] in (1, 2, 3)


def test_an_exception_leaves_at_its_line() -> None:
    code = """
def boom():
    raise KeyError("boom")
def f(n):
    k = 0
    try:
        while k != n:
            k += 1
    except KeyError as error:
        tb = error.__traceback__
        return [tb.tb_lineno - f.__code__.co_firstlineno, tb.tb_next.tb_frame.f_code.co_name, k]
text = ROOT + f'''
snap 1: frame 0 at {head(f)} depth {len(f.__code__.co_varnames)}; 0:{local(f, "k")} = +17 stale
0001 OBJ CALL @call_vector (<boom>) !error snap=1
0002 - JEXIT snap=1
'''
install(f, text, boom=boom)
answer(f(5))
"""
    assert ask(code) == [4, "boom", 17]


CALLER = """
def f(n):
    k = 0
    while k < n:
        k += 1
    return k
def trace_calling(callback, rest=""):
    # Turns until k is 1000 (the interpreter makes one more): the call, GPOKE.
    return ROOT + f'''
snap 1: frame 0 at {head(f)} depth 2; 0:{local(f, "k")} = 0003 stale
snap 2: frame 0 at {head(f)} depth 2; 0:{local(f, "k")} = 0005 stale
0001 OBJ SLOAD #{local(f, "k")}
0002 I64 UNBOXI 0001 snap=3
0003 I64 ADD 0002 +0
0004 - LOOP
0005 I64 PHI 0003 0007
0006 - GUARD.lt 0005 +1000 snap=2
0007 I64 ADD 0005 +1
0008 OBJ CALL @call_vector (<callback>) !error snap=2
0009 - DECREFNZ 0008
0010 - GPOKE snap=4
0011 - JLOOP
''' .replace("0002 I64 UNBOXI", f'''snap 3: frame 0 at {head(f)} depth 2
snap 4: frame 0 at {head(f)} depth 2; 0:{local(f, "k")} = 0007 stale
0002 I64 UNBOXI''')
"""


def test_is_active_and_disable_inside_a_trace() -> None:
    code = (
        CALLER
        + """
seen = []
def callback():
    seen.append(engine.jit_is_active())
    if len(seen) == 5:
        fullspeed.disable()
def active():
    seen.append(engine.jit_is_active())
install(f, trace_calling(callback), callback=callback)
result = f(1000)
answer([result, len(seen), traces(f)[0]["entries"], fullspeed.is_enabled()])
"""
    )
    assert ask(code) == [1000, 5, 1, False]


def test_is_active_is_true_in_what_a_trace_calls() -> None:
    code = (
        CALLER
        + """
install(f, trace_calling(None), callback=engine.jit_is_active)
before = engine.jit_is_active()
f(1000)
answer([before, traces(f)[0]["entries"] >= 1])
"""
    )
    assert ask(code) == [False, True]


def test_tracing_leaves_a_trace() -> None:
    code = (
        CALLER
        + """
events = []
calls = 0
def tracer(frame, event, arg):
    events.append((frame.f_code.co_name, event))
    return tracer
def callback():
    global calls
    calls += 1
    if calls == 3:
        sys.settrace(tracer)
        sys._getframe(1).f_trace = tracer
    return None
install(f, trace_calling(callback), callback=callback)
result = f(20)
sys.settrace(None)
answer([calls, ("f", "line") in events])
"""
    )
    assert ask(code) == [3, True]


def test_code_that_dies_takes_its_traces_along() -> None:
    code = """
def f(n):
    k = 0
    while k < n:
        k += 1
    return k
space = {}
exec("def g(a):\\n    return a\\n", space)
text = ROOT + ROOT.replace("0: code=<f> func=-", "1: code=<g> func=<g>") + f'''
snap 1: frame 0 at {head(f)} depth 2
0001 - JEXIT snap=1
'''
engine._jit_install(f.__code__, head(f), text, {"f": f, "g": space["g"]})
f(5)
before = len(traces(f))
space.clear()
gc.collect()
after = len(traces(f))
answer([before, after, f(7), engine.stats()["jit"]["killed"]])
"""
    assert ask(code) == [1, 0, 7, 1]


def test_a_trace_dies_while_it_runs() -> None:
    code = (
        CALLER
        + """
space = {}
exec("def g(a):\\n    return a\\n", space)
calls = 0
def callback():
    global calls
    calls += 1
    if calls == 4:
        space.clear()
        gc.collect()
text = trace_calling(callback).replace(ROOT, ROOT +
    "frame 1: code=<g> func=<g> parent=0 kind=0 base=dstack offset=0 ref=- call=0 depth=0\\n")
names = {"f": f, "callback": callback, "g": space["g"]}
mine = engine._jit_install(f.__code__, head(f), text, names)
del names["g"]
result = f(50)
answer([result, calls, mine in [t["id"] for t in traces(f)]])
"""
    )
    assert ask(code) == [50, 4, False]


def test_side_trace_and_its_death_with_the_root() -> None:
    code = """
space = {}
exec("def f(n):\\n k = 0; x = 1\\n while k < n:\\n  k += 1\\n return x\\n", space)
f = space["f"]
at = head(f)
root = engine._jit_install(f.__code__, at, ROOT + f'''
snap 1: frame 0 at {at} depth 3
0001 - GUARD.eq +1 +2 snap=1
0002 - JEXIT snap=1
''', {"f": f})
side = engine._jit_install(f.__code__, at, ROOT + f'''
parent snap=1
snap 1: frame 0 at {at} depth 3; 0:{local(f, "x")} = +55 stale
0001 - JEXIT snap=1
''', {"f": f}, parent=root, guard=1)
value = f(3)
kinds = [(t["kind"], t["from"], t["root"] == root) for t in traces(f)]
space.clear()
del f
gc.collect()
left = [t for t in engine.jit_traces() if t["id"] in (root, side)]
answer([value, kinds, kinds[1][1][0] == root, left])
"""
    value, kinds, hangs_on_root, left = ask(code)  # type: ignore[misc]
    assert value == 55
    assert [(kind, is_root) for kind, _, is_root in kinds] == [("loop", True), ("side", True)]
    assert hangs_on_root
    assert left == []


def test_fork_inside_a_trace() -> None:
    code = (
        CALLER
        + """
calls = 0
pids = []
def callback():
    global calls
    calls += 1
    if calls == 3:
        pids.append(os.fork())
install(f, trace_calling(callback), callback=callback)
thread = threading.Thread(target=lambda: f(1))
thread.start()
thread.join()
result = f(200)
if pids[0] == 0:
    os._exit(0 if result == 1001 else 1)
status = os.waitstatus_to_exitcode(os.waitpid(pids[0], 0)[1])
answer([status, result])
"""
    )
    assert ask(code) == [0, 1001]


def test_threads_in_one_trace() -> None:
    code = (
        CALLER
        + """
import time
calls = 0
def callback():
    global calls
    calls += 1
    if calls % 50 == 0:
        time.sleep(0)
install(f, trace_calling(callback), callback=callback)
sys.setswitchinterval(1e-5)
results = []
threads = [threading.Thread(target=lambda: results.append(f(1000))) for _ in range(6)]
for t in threads: t.start()
for t in threads: t.join()
answer([results, calls > 5000])
"""
    )
    assert ask(code) == [[1001] * 6, True]


COUNT = """
def f(n):
    k = 0
    while k < n:
        k += 1
    for j in range(n):
        if j % 2:
            continue
        k -= 1
    x = n
    while x:
        x -= 1
    return k
def ops():
    return [name for _, name, _ in engine.disassemble(f.__code__) if "JIT" in name]
"""


def test_no_counting_op_without_the_jit() -> None:
    code = HELPERS + COUNT + "f(10)\nanswer([ops(), engine.jit_mode()])"
    assert ask_child(code, env={"FULLSPEED_JIT": "0"}) == [[], "off"]


def test_places_that_are_given_up_get_their_plain_ops_back() -> None:
    code = (
        HELPERS
        + COUNT
        + """
f(10)
first = ops()
for _ in range(3000):
    f(100)
answer([len(first) >= 4, engine.stats()["jit"]["mode"], f(101)])
"""
    )
    thresholds = {"FULLSPEED_JIT_THRESHOLDS": "loop=2,entry=2,exit=2"}
    assert ask_child(code, env=ENV | thresholds) == [True, "ir", 50]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("FULLSPEED_JIT", "2", "0, 1, ir"),
        ("FULLSPEED_JIT_MEMORY", "64X", "K, M or G"),
        ("FULLSPEED_JIT_MEMORY", "1K", "256K"),
        ("FULLSPEED_JIT_THRESHOLDS", "loop=0", "from 1"),
        ("FULLSPEED_JIT_THRESHOLDS", "loop=5,turns=3", "exit=N"),
        ("FULLSPEED_PASSES", "sink", "-sink"),
        ("FULLSPEED_DUMP", "q", "letters"),
    ],
)
def test_complaints_about_settings(name: str, value: str, says: str) -> None:
    done = run_child("fullspeed.enable()", env={name: value})
    assert done.returncode == 1
    assert f"{name}={value}" in done.stderr
    assert says in done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FULLSPEED_JIT_MEMORY", "1M"),
        ("FULLSPEED_JIT_MEMORY", "2G"),
        ("FULLSPEED_JIT_MEMORY", "300000"),
        ("FULLSPEED_JIT_THRESHOLDS", "exit=1,loop=1000000"),
        ("FULLSPEED_PASSES", "-sink,-loop,-fold"),
        ("FULLSPEED_DUMP", "ri:part of a name"),
    ],
)
def test_settings_that_are_fine(name: str, value: str) -> None:
    done = run_child("fullspeed.enable()", env={name: value})
    assert done.returncode == 0, done.stderr


def test_memory_limit_is_taken() -> None:
    code = "import fullspeed._engine as e\nanswer(e.stats()['jit']['memory_limit'])"
    assert ask_child(code, env={"FULLSPEED_JIT_MEMORY": "3M"}) == 3 << 20
    assert ask_child(code, env={}) == 64 << 20


def test_the_jit_module() -> None:
    code = """
import fullspeed.jit
fullspeed.enable()
jit = fullspeed.jit
answer([type(jit.is_available()).__name__, jit.is_enabled(), jit.is_active()])
"""
    assert ask_child(code, env={"FULLSPEED_JIT": "0"}) == ["bool", False, False]
    assert ask_child(code, env={"FULLSPEED_JIT": "ir"}) == ["bool", True, False]


MANY = """
fullspeed.enable()
import fullspeed._engine as engine, sys, threading
space = {}
for k in range(400):
    exec(f'''
def f{k}(n):
    total = 0
    for i in range(n):
        total += i * {k} % 7
        if i % 50 == 49:
            total -= {k}
        for j in range(2):
            total ^= j
    return total
''', space)
def expected(k, n):
    total = 0
    for i in range(n):
        total += i * k % 7 - (k if i % 50 == 49 else 0)
        for j in range(2):
            total ^= j
    return total
"""


@pytest.mark.parametrize("threads", [1, 4])
def test_memory_is_limited_by_eviction(threads: int) -> None:
    code = (
        MANY
        + f"""
wrong = []
def work(start):
    for turn in range(2):
        for k in range(start, 400):
            if space[f"f{{k}}"](300) != expected(k, 300):
                wrong.append(k)
sys.setswitchinterval(1e-4)
threads = [threading.Thread(target=work, args=(k,)) for k in range({threads})]
for t in threads: t.start()
for t in threads: t.join()
jit = engine.stats()["jit"]
answer([wrong, jit["evicted"] > 0, jit["memory"] <= jit["memory_limit"], jit["memory"] > 0,
        sum(jit["alive"].values()) == len(engine.jit_traces())])
"""
    )
    env = {**CODE, "FULLSPEED_JIT_MEMORY": "256K"}
    assert ask_child(code, env=env) == [[], True, True, True, True]


def test_the_log_has_a_line_per_trace_and_per_failure(tmp_path: Path) -> None:
    log = tmp_path / "traces.txt"
    code = """
fullspeed.enable()
def summed(n):
    total = 0
    for i in range(n):
        total += i
    return total
def classes(n):
    for i in range(n):
        class C: pass
summed(1000); classes(300)
import fullspeed._engine as engine
answer([[t["id"], t["line"]] for t in engine.jit_traces() if t["function"] == "summed"])
"""
    env = {**CODE, "FULLSPEED_LOG": str(log), "FULLSPEED_DUMP": "ibm:summed"}
    traces = ask_child(code, env=env)
    text = log.read_text()
    for number, line in traces:
        assert f"[trace {number} loop <string>:{line} summed " in text
    assert re.search(
        r"\[abort loop <string>:\d+ classes: an op that .* \(LOAD_BUILD_CLASS\)\]", text
    )
    assert "---- optimized <string>:" in text
    assert re.search(r"^---- machine code <string>:\d+ summed\n[0-9a-f]{20,}$", text, re.M)
    numbers = "|".join(str(number) for number, _ in traces)
    found = re.findall(rf"^---- machine code of trace (?:{numbers})\n(.+)$", text, re.M)
    assert found and all(re.match(r"  [0-9a-f]+  \S", line) for line in found)
    assert " SLOAD #" in text


def test_dumps_keep_what_is_raised(tmp_path: Path) -> None:
    """A side trace ends at the op that has just raised, and its text is written."""
    code = """
fullspeed.enable()
def f(v, t):
    a = v * 3 + 1
    b = a * a - v
    c = (a + b) * 2 - a * 5 + b * 7
    d = c - a + b * (c + 1) - (a - c) * 2
    if v % 3:
        return a + b + c + d
    e = [a, b, c]
    e.append(d)
    return len(e) + int(t) + a
raised = 0
for i in range(60):
    try:
        f(i, "x")
    except ValueError:
        raised += 1
answer(raised)
"""
    env = {
        **CODE,
        "FULLSPEED_JIT_ONLY": "f",
        "FULLSPEED_JIT_THRESHOLDS": "loop=2,entry=2,exit=2",
        "FULLSPEED_LOG": str(tmp_path / "log"),
        "FULLSPEED_DUMP": "i",
    }
    assert ask_child(code, env=env) == 20
    assert " side " in (tmp_path / "log").read_text()


def test_ir_of_old_traces_can_be_asked_for() -> None:
    code = """
fullspeed.enable()
import gc
import fullspeed._engine as engine
class Old:
    def get(self): return 5
def f(n, thing):
    total = 0
    for i in range(n):
        total += thing.get()
    return total
f(1000, Old())
del Old
gc.collect()
answer([len(t["ir"]) > 100 for t in engine.jit_traces(ir=True) if t["function"] == "f"])
"""
    assert all(ask_child(code, env=CODE))


def test_short_loops_are_unrolled_without_their_ranges() -> None:
    code = """
fullspeed.enable()
import fullspeed._engine as engine
def f(rows, n):
    total = 0.0
    for i in range(n):
        row = rows[i]
        for k in range(3):
            total += row[k]
    return total
rows = [[1.0, 2.0, 3.0] for _ in range(2000)]
answer([f(rows, 2000), [t["ir"] for t in engine.jit_traces(ir=True) if t["function"] == "f"]])
"""
    total, (text,) = ask_child(code, env=CODE)
    assert total == 12000.0
    loop = text.split(" LOOP", 1)[1].split("snap ", 1)[0]
    assert "CALL" not in loop
    assert "[iter]" in loop  # that of the outer loop, made by the interpreter
    assert loop.count("[iter]") == 1
    assert loop.count("FADD") == 3
    assert loop.count("GTYPE") == 4  # the row and its items


def test_short_generator_expressions_are_not_made() -> None:
    """They are unrolled where a builtin takes them at once."""
    code = """
fullspeed.enable()
import fullspeed._engine as engine
def f(row, n):
    total = 0
    for i in range(n):
        total += sum(row[k] * i for k in range(3))
        total += len(tuple(x for x in row)) + len(set(x for x in row)) + any(x > i for x in row)
    return total
f([1, 2, 3], 3000)
traces = [t for t in engine.jit_traces(ir=True) if t["function"] == "f" and t["kind"] == "loop"]
answer([f([1, 2, 3], 3000), [t["ir"] for t in traces]])
"""
    total, (text,) = ask_child(code, env=CODE)
    assert total == 6 * sum(range(3000)) + 6 * 3000 + 3
    loop = text.split(" LOOP", 1)[1].split("snap ", 1)[0]
    assert "make_function" not in loop and "make_generator" not in loop and "@consume " not in loop
    assert "NEWGEN" in loop  # for exits
    assert loop.count("@consume_key") == 3


def test_function_around_a_short_loop_is_first() -> None:
    code = """
fullspeed.enable()
import fullspeed._engine as engine
def f(x):
    total = 0
    for k in (1, 2, 3):
        total += x * k
    return total
kinds = []
for _ in range(100):
    total = sum(map(f, range(3000)))
    kinds = [t["kind"] for t in engine.jit_traces() if t["function"] == "f"]
    if kinds:
        break
answer([total, kinds])
"""
    total, kinds = ask_child(code, env={"FULLSPEED_JIT": "1"})
    assert total == 6 * 2999 * 1500
    assert kinds[0] == "entry"


def test_making_traces_takes_a_share_of_the_time() -> None:
    code = (
        MANY.replace("range(400)", "range(1000)")
        + """
import time
begun = time.perf_counter()
for k in range(1000):
    space[f"f{k}"](140)
whole = time.perf_counter() - begun
jit = engine.stats()["jit"]
spent = (jit["record_us"] + jit["optimize_us"] + jit["compile_us"]) / 1e6
answer([sum(jit["traces"].values()), spent, whole])
"""
    )
    traces, spent, whole = ask_child(code, env={"FULLSPEED_JIT": "1"})
    assert traces > 5
    assert spent < 0.01 + whole / 3
    traces_at_once, _, _ = ask_child(code, env=CODE)
    assert traces_at_once > traces


def test_a_recording_that_waits_is_overtaken() -> None:
    code = """
fullspeed.enable()
import threading, time
import fullspeed._engine as engine
gate = threading.Lock()
def waiting(n):
    for i in range(n):
        if i >= 64:
            gate.acquire()
            gate.release()
def busy(n):
    total = 0
    for i in range(n):
        total += i
    return total
gate.acquire()
thread = threading.Thread(target=waiting, args=(70,))
thread.start()
time.sleep(0.2)
busy(100000)
made = [t["function"] for t in engine.jit_traces() if t["function"] == "busy"]
gate.release()
thread.join()
answer([made, engine.stats()["jit"]["aborts"].get("overtaken")])
"""
    made, overtaken = ask_child(code, env=CODE)
    assert made[:1] == ["busy"]
    assert overtaken == 1


def test_sums_of_lists_hand_their_items_over() -> None:
    """What only the stack has is taken; a local's list is not, and no frame has to be real."""
    code = """
def f(items, n):
    for i in range(n):
        at = i % 5
        items[:] = items[at:at + 1] + items[0:at] + items[at + 1:]
        kept = items[1:]
        more = kept + items[:1]
    return items, kept, more
f(list(range(1000, 1010)), 500)
(text,) = [t["ir"] for t in engine.jit_traces(ir=True) if t["function"] == "f"][:1]
body = text.split(" LOOP\\n")[1]
answer([re.findall(r"@list_add .*?[+](\\d)[)]", body), "@slice_take" in body, "@binary " in body,
        "PUSHFRAME" in body])
"""
    got = ask_child("import re\n" + HELPERS + code, env=CODE)
    assert got == [["3", "3", "2"], True, False, False], got


def test_a_loop_that_is_left_in_each_turn_rests() -> None:
    """What is on the way to the exit is not worth entering for."""
    code = """
def f(n):
    k = 0
    while k != n:
        k += 1
    return k
install(f, ROOT + f'''
snap 1: frame 0 at {head(f)} depth 2
0001 - JEXIT snap=1
''')
turns = f(100000)
answer([turns, [t["entries"] for t in traces(f)]])
"""
    alone = {"FULLSPEED_JIT": "1", "FULLSPEED_JIT_SKIP": "f"}
    turns, entries = ask_child(HELPERS + code, env=alone)
    assert turns == 100000
    assert 0 < entries[0] < 20000, entries
