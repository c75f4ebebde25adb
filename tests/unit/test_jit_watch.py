"""What can be seen of the JIT: notes of places, reasons at exits, selection of what is compiled."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from unit_child import ask_child, run_child

ENV = {"FULLSPEED_JIT": "1", "FULLSPEED_JIT_THRESHOLDS": "loop=64,entry=200,exit=16"}
HELPERS = """
import gc, sys, weakref
fullspeed.enable()
import fullspeed._engine as engine

def places(name):
    return [p for p in engine.jit_places() if p["function"] == name]

def one(n):
    t = 0
    for i in range(n):
        t += i
    return t

def two(n):
    t = 1.0
    for i in range(n):
        t *= 1.5
    return t

def steady(n, f):
    for i in range(n):
        f(30)
"""


def ask(code: str, **env: str) -> object:
    return ask_child(HELPERS + code, env=ENV | env)


def test_a_place_that_is_compiled() -> None:
    code = """
for k in range(5): one(1000)
p, = places("one")
answer([p["kind"], p["state"], p["traces"] >= 1, p["entries"] > 0, p["why"],
        p["line"] - one.__code__.co_firstlineno, p["code"] is one.__code__])
"""
    assert ask(code) == ["loop", "compiled", True, True, None, 2, True]


def test_a_place_that_is_given_up_and_where_it_stopped() -> None:
    code = """
def bad(n):
    for i in range(n):
        x = one(1)
        raise_it()
def raise_it():
    try:
        raise ValueError
    except ValueError:
        pass
engine.jit_watch()
for k in range(60): bad(2000)
found = places("bad")
answer([(p["state"], p["why"], sum(p["aborts"].values()) > 0, p["stop_line"] > 0) for p in found])
"""
    answer = ask(code, FULLSPEED_JIT_SKIP="raise_it,bad")
    assert answer == [["given up", "not_selected", True, False]]


def test_notes_go_with_their_code() -> None:
    code = """
names = {}
exec("def gone(n):\\n    t = 0\\n    for i in range(n): t += i\\n    return t", names)
for k in range(5): names["gone"](1000)
before = len(places("gone"))
names.clear(); gc.collect()
answer([before, len(places("gone"))])
"""
    assert ask(code) == [1, 0]


def test_while_watched_the_code_and_the_dead_are_kept() -> None:
    code = """
engine.jit_watch()
names = {}
exec("def gone(n):\\n    t = 0\\n    for i in range(n): t += i\\n    return t", names)
for k in range(5): names["gone"](1000)
names.clear(); gc.collect()
answer([len(places("gone")), len([t for t in engine.jit_traces() if t["function"] == "gone"]) > 0])
"""
    assert ask(code) == [1, True]


def test_traces_that_are_older_than_the_watch() -> None:
    code = """
names = {}
exec("def inner(x):\\n    return x + 1\\n"
     "def gone(n, inner):\\n    t = 0\\n    for i in range(n): t += inner(i)\\n    return t", names)
for k in range(5): names["gone"](1000, names["inner"])
engine.jit_watch()
names.clear(); gc.collect()
answer([len(places("gone")), len([t for t in engine.jit_traces() if t["function"] == "gone"]),
        len(engine.jit_dead_traces())])
"""
    assert ask(code) == [0, 0, 0]


def test_evicted_traces_are_kept_as_they_were() -> None:
    code = """
engine.jit_watch()
for k in range(900):
    names = {}
    exec(f"def f{k}(n):\\n    t = {k}\\n    for i in range(n): t += i * {k} + (i & {k})\\n    "
         "return t", names)
    names[f"f{k}"](300)
dead = engine.jit_dead_traces()
evicted = engine.stats()["jit"]["evicted"]
answer([len(dead) > 0, all(t["ir"] and t["code"] for t in dead), evicted > 0])
"""
    assert ask(code, FULLSPEED_JIT_MEMORY="256K") == [True, True, True]


def test_exits_say_where_and_why() -> None:
    code = """
def add(values):
    total = 0
    for v in values:
        total = total + v
    return total
for k in range(10): add([1] * 100)
for k in range(5): add([1.5] * 100)
first = add.__code__.co_firstlineno
rows = [(e["guard"], e["line"] - first, e["code"] is add.__code__, e["count"] > 0)
        for t in engine.jit_traces(code=True) if t["function"] == "add" for e in t["exits"]]
answer([["GTYPE", 3, True, True] in [list(r) for r in rows],
        engine.jit_traces()[0]["code"] is None, engine.jit_traces()[0]["ir"] is None,
        engine.jit_traces()[0]["machine_code"] is None,
        [len(t["machine_code"]) == t["bytes"] for t in engine.jit_traces(machine_code=True)][0]])
"""
    assert ask(code) == [True, True, True, True, True]


SELECTED = """
for k in range(5):
    one(1000); two(500)
answer(sorted({t["function"] for t in engine.jit_traces()} & {"one", "two"}))
"""


@pytest.mark.parametrize(
    ("only", "skip", "expected"),
    [
        ("one", "", ["one"]),
        ("", "one", ["two"]),
        ("one,two", "", ["one", "two"]),
        ("one,two", "two", ["one"]),
        ("=<string>:9:one", "", []),
        ("<string>:", "", ["one", "two"]),
        ("0", "", []),
        ("1..", "", ["one", "two"]),
        ("..1,one", "", ["one"]),
        ("2..,one", "", []),
        ("one,two,..1", "", ["one"]),
    ],
)
def test_selection(only: str, skip: str, expected: list[str]) -> None:
    env = {"FULLSPEED_JIT_ONLY": only, "FULLSPEED_JIT_SKIP": skip}
    assert ask(SELECTED, **{k: v for k, v in env.items() if v}) == expected


def test_an_exact_name() -> None:
    code = "import inspect\n" + SELECTED
    line = (HELPERS.split("def one")[0]).count("\n") + 2  # (a prelude of two lines stands before)
    name = f"=<string>:{line + 1}:one"
    assert ask(code, FULLSPEED_JIT_ONLY=name) == ["one"]


def test_the_log_has_the_numbers() -> None:
    env = ENV | {"FULLSPEED_JIT_ONLY": "1..", "FULLSPEED_LOG": "-"}
    done = run_child(HELPERS + SELECTED, env=env)
    assert ", recording 1 of =<string>:" in done.stderr
    done = run_child(HELPERS + SELECTED, env=ENV | {"FULLSPEED_LOG": "-"})
    assert ", recording" not in done.stderr
