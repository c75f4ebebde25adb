"""When a trace function switches tracing off, what is called from then on comes back to us."""

import subprocess
import sys

PROGRAM = """
import sys
import fullspeed, fullspeed._engine as engine

class Tracer:
    def __init__(self, lines):
        self.left = lines
    def __call__(self, frame, event, arg):
        self.left -= event == "line"
        if self.left == 0:
            sys.settrace(None)
        return self

def callee(n):
    return n + 1

def calls():
    n = 0
    for _ in range(50):
        n = callee(n)
    return n

def traced(lines):
    sys.settrace(Tracer(lines))
    result = inner()
    sys.settrace(None)
    return result

def inner():
    a = 1
    b = 2
    c = 3
    before = engine.stats()["frames"]
    return calls(), engine.stats()["frames"] - before

def deep(n):
    return deep(n - 1) if n else calls()

def deepest():
    sys.settrace(Tracer(3))
    a = 1
    b = 2
    c = 3
    return deep(20)

fullspeed.enable()
print(traced(2), sys.gettrace(), fullspeed.is_enabled())
print(traced(10**6)[0], sys.gettrace(), fullspeed.is_enabled())
print(traced(2)[0], fullspeed.is_enabled())
print(deepest(), sys.gettrace())

# Switched on again in a frame that has come back, and the engine switched off under a loan.
def again():
    sys.settrace(Tracer(2))
    a = 1
    b = 2
    calls()
    seen = []
    def tracer(frame, event, arg):
        seen.append((event, frame.f_code.co_name))
        return tracer
    sys.settrace(tracer)
    callee(1)
    sys.settrace(None)
    fullspeed.disable()
    return seen, calls(), fullspeed.is_enabled()
print(again())
fullspeed.enable()
print(calls(), fullspeed.is_enabled())
"""


def test_frames_come_back_when_the_tracer_ends_tracing() -> None:
    result = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    ours = eval(lines[0].split(") ")[0] + ")")
    assert ours == (50, 1)  # calls() entered our loop, which makes its calls itself
    assert lines[0].endswith("None True")
    assert lines[1:4] == ["50 None True", "50 True", "50 None"]
    seen, n, enabled = eval(lines[4])
    assert seen == [
        ("call", "callee"),
        ("line", "callee"),
        ("return", "callee"),
    ]
    assert (n, enabled) == (50, False)
    assert lines[5] == "50 True"
