"""Calls from traces to functions that they do not follow: who is called, and how it comes back."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from unit_child import ask_child

THRESHOLDS = {"FULLSPEED_JIT_THRESHOLDS": "loop=20,entry=40,exit=4"}
HELPERS = """
fullspeed.enable()
import fullspeed._engine as engine

def loops(n):
    t = 0
    for i in range(n):
        t += i
    return t

def caller(k):
    t = 0
    for i in range(k):
        t += loops(i & 7)
    return t

def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

def traces(name, kind):
    found = engine.jit_traces(ir=True)
    return [t for t in found if t["function"] == name and t["kind"] == kind]
"""


@pytest.fixture(params=["1", "ir"])
def env(request: pytest.FixtureRequest) -> dict[str, str]:
    """Machine code, and the IR interpreter."""
    return THRESHOLDS | {"FULLSPEED_JIT": request.param}


def test_a_loop_calls_the_trace_of_a_function(env: dict[str, str]) -> None:
    """The caller pushes the frame, the callee's trace takes it off, nobody else is asked."""
    code = """
for _ in range(40):
    caller(64)
before = engine.stats()["jit"]["entries"], traces("loops", "entry")[0]["entries"]
caller(6400)
after = engine.stats()["jit"]["entries"], traces("loops", "entry")[0]["entries"]
ir = traces("caller", "loop")[0]["ir"]
answer([caller(64), "@call_root" in ir, "PUSHFRAME" in ir,
        6300 < after[1] - before[1] <= 6400, MACHINE and after[0] - before[0] < 100])
"""
    machine = env["FULLSPEED_JIT"] == "1"
    answer = ask_child(HELPERS + f"MACHINE = {machine}\n" + code, env=env)
    assert answer == [448, True, True, True, machine]


def test_recursion_stays_in_machine_code(env: dict[str, str]) -> None:
    """A function that calls itself ends in RET; only the outermost call is entered from outside."""
    code = """
for _ in range(60):
    fib(10)
root = traces("fib", "entry")[0]
exits = sum(t["ir"].count(" RET ") for t in engine.jit_traces(ir=True) if t["function"] == "fib")
before = engine.stats()["jit"]["exits"]
result = fib(15)
answer([result, exits > 0, "GCALLED" in "".join(t["ir"] for t in engine.jit_traces(ir=True)),
        engine.stats()["jit"]["exits"] - before < 20])
"""
    assert ask_child(HELPERS + code, env=env) == [610, True, True, True]


def test_a_function_that_is_made_anew_is_called_by_its_code(env: dict[str, str]) -> None:
    """The traces of the first one follow it; those of the next one do for all that come later."""
    code = """
def outer(n):
    def inner(k):
        return k if k < 2 else inner(k - 1) + inner(k - 2)
    return inner(n)

def made(n):
    add = lambda x: x + n
    return sum([add(i) for i in range(100)])

def count(name):
    return len([t for t in engine.jit_traces() if t["function"].split(".")[0] == name])

def both(n):
    return [sum(outer(11) for _ in range(n)), sum(map(made, range(n)))]

answer(both(300) + [count("outer") < 10, count("made") < 10])
"""
    expected = [89 * 300, sum(100 * n + 4950 for n in range(300)), True, True]
    assert ask_child(HELPERS + code, env=env) == expected


def test_what_only_traces_call_is_not_entered_by_the_interpreter() -> None:
    """A short function's trace costs the interpreter more than it saves."""
    code = """
def short(n):
    while n < 0:
        n += 1
    return n

def calls(k):
    t = 0
    for i in range(k):
        t += short(i)
    return t

for _ in range(60):
    calls(50)
before = traces("short", "entry")[0]["entries"]
list(map(short, range(1000)))
between = traces("short", "entry")[0]["entries"]
calls(500)
after = traces("short", "entry")[0]["entries"]
answer([between - before, 400 < after - between <= 500])
"""
    env = THRESHOLDS | {"FULLSPEED_JIT": "1"}
    assert ask_child(HELPERS + code, env=env) == [0, True]


def test_a_callee_that_leaves_its_trace_comes_back(env: dict[str, str]) -> None:
    """The interpreter ends the callee's frame, and the caller's trace goes on."""
    code = """
def odd(n):
    for i in range(2):
        pass
    return n if n % 97 else [n]

def asks(k):
    t = n = 0
    for i in range(k):
        r = odd(i)
        if type(r) is list:
            n += 1
        else:
            t += r
    return t, n

for _ in range(20):
    asks(96)
answer([asks(970), asks(970)])
"""
    wanted = [sum(n for n in range(970) if n % 97), 10]
    assert ask_child(HELPERS + code, env=env) == [wanted, wanted]


def test_traces_that_die_while_they_wait_for_a_call(env: dict[str, str]) -> None:
    """A callee that drops its own and its callers' traces returns into code that is still there."""
    code = """
import gc

def makes():
    space = {}
    exec('''
def inner(n, act):
    for i in range(2):
        pass
    act(n)
    return n + 1

def outer(k, act):
    t = 0
    for i in range(k):
        t += inner(i, act)
    return t
''', space)
    return space

total = 0
for _ in range(5):
    space = makes()
    def act(n):
        if n == 70:
            space["inner"].__code__ = (lambda n, act: 1000).__code__
        if n == 71:
            space.clear()
            gc.collect()
    outer = space["outer"]
    total += outer(80, act)
    del outer
    gc.collect()
answer(total)
"""
    wanted = 5 * (sum(n + 1 for n in range(71)) + 9 * 1000)
    assert ask_child(HELPERS + code, env=env) == wanted
