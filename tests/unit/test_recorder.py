"""The second dispatch table: recording logs every op, changes no result, and costs little."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from unit_child import ask_child, run_child

LOOP = """
import fullspeed._engine as engine
import time
fullspeed.enable()
def step(x):
    return x + 1
def work(n):
    total = 0
    for i in range(n):
        total = step(total) if i % 3 else total - 1
        total += [i, 2][1]
    return total
for _ in range(20):
    work(100)
"""


def test_records_the_ops_in_order() -> None:
    code = (
        LOOP
        + """
def tiny(a):
    b = a
    return b
for _ in range(50):
    tiny(1)
engine.record_start(1000)
tiny(5)
count, names = engine.record_stop()
answer([count, names])
"""
    )
    count, names = ask_child(code)
    assert count == len(names) >= 3
    text = " ".join(names)
    assert "RETURN" in text
    assert "LOAD_FAST" in text


def test_same_result_while_recording() -> None:
    code = (
        LOOP
        + """
plain = work(5000)
engine.record_start(100)
recorded = work(5000)
count, names = engine.record_stop()
answer([plain == recorded, count > 30000, len(names)])
"""
    )
    assert ask_child(code) == [True, True, 100]


def test_exceptions_generators_and_calls_while_recording() -> None:
    code = (
        LOOP
        + """
def gen(n):
    try:
        for i in range(n):
            yield i
    finally:
        log.append("closed")
def mixed():
    out = []
    for i in gen(5):
        try:
            out.append(1 // (i - 2))
        except ZeroDivisionError as error:
            out.append(str(error))
    it = gen(3)
    next(it)
    del it
    return out, sorted([3, 1], key=lambda x: -x)
log = []
first = mixed()
engine.record_start(10)
second = mixed()
engine.record_stop()
answer([first == second, log])
"""
    )
    assert ask_child(code) == [True, ["closed"] * 4]


def test_recording_costs_at_most_4_5_times() -> None:
    # The interpreter's own pace (no traces), in processor time, both sides by turns: what else
    # the machine does comes over both alike, and the least of many short runs has least of it.
    code = (
        LOOP
        + """
def once(n):
    begun = time.process_time()
    work(n)
    return time.process_time() - begun
plain, recorded = [], []
for _ in range(40):
    plain.append(once(5000))
    engine.record_start(1000)
    recorded.append(once(5000))
    engine.record_stop()
answer([min(plain), min(recorded)])
"""
    )
    for _ in range(3):
        plain, recorded = ask_child(code, env={"FULLSPEED_JIT": "0"})
        if recorded <= 4.5 * plain:
            return
    raise AssertionError(f"{recorded * 1e3:.3f} ms against {plain * 1e3:.3f} ms")


def test_stop_without_start_and_bad_size() -> None:
    done = run_child(LOOP + "engine.record_start(0)")
    assert done.returncode == 1
    assert "ValueError" in done.stderr
    done = run_child(LOOP + "print(engine.record_stop())\nprint(work(10))")
    assert done.returncode in (0, 1), done.stderr
