"""Traces that do not pay are left alone, and dropped in the end; those that pay are not."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from unit_child import ask_child

ENV = {"FULLSPEED_JIT": "1"}
HELPERS = """
fullspeed.enable()
import fullspeed._engine as engine

def short(n):
    t = 0
    for i in (n, n):
        t += i
    return t

def long(n):
    t = 0
    for i in range(200):
        t += i & n
    return t

# (C calls the functions: traces that did would make traces of the whole functions)
def place(name):
    return next(p for p in engine.jit_places() if p["function"] == name and p["kind"] == "loop")
"""


def assert_by_the_clock(code: str, expected: list) -> None:
    """The judgement is one by time, and on a busy machine some are wrong: one of four is right."""
    answers = []
    while expected not in answers:
        assert len(answers) < 4, answers
        answers.append(ask_child(HELPERS + code, env=ENV))


def test_a_loop_of_two_turns_is_left_alone() -> None:
    """Each entry does next to nothing: the interpreter enters ever more seldom."""
    code = """
t = sum(map(short, range(60000)))
p = place("short")
answer([t, p["state"], p["rests"] >= 3, 1000 <= p["entries"] < 20000])
"""
    assert_by_the_clock(code, [60000 * 59999, "rests", True, True])


def test_it_is_dropped_in_the_end() -> None:
    """Its memory is given back, and it is not made again."""
    code = """
t = sum(map(short, range(1500000)))
p, stats = place("short"), engine.stats()["jit"]
answer([p["state"], p["died"], p["why"], stats["alive"].get("loop", 0)])
"""
    assert_by_the_clock(code, ["given up", 1, "no_gain", 0])


def test_what_pays_is_entered_each_time() -> None:
    """A loop of many turns is no loss, though it is entered as often."""
    code = """
t = sum(map(long, range(20000)))
p = place("long")
answer([p["state"], p["rests"]])
"""
    assert_by_the_clock(code, ["compiled", 0])


def test_thresholds_for_tests_switch_it_off() -> None:
    """Who sets the thresholds wants traces to be entered."""
    code = """
t = sum(map(short, range(60000)))
answer(place("short")["rests"])
"""
    env = ENV | {"FULLSPEED_JIT_THRESHOLDS": "loop=64"}
    assert ask_child(HELPERS + code, env=env) == 0


def test_all_that_traces_have_is_counted_and_limited() -> None:
    """Machine code is the smaller part; the limit is that of all of it."""
    code = """
def make(k):
    names = {}
    exec(f"def f(n):\\n t = 0\\n for i in range(n):\\n  t += i * {k} & 255\\n return t", names)
    return names["f"]

functions, most = [make(k) for k in range(200)], 0
for function in functions * 2:
    function(300)
    most = max(most, engine.stats()["jit"]["memory"])
jit = engine.stats()["jit"]
answer([jit["memory"] > 2 * jit["machine_code"] > 0, most <= jit["memory_limit"],
        jit["evicted"] > 0, 0 < jit["median_us"] < 1000])
"""
    env = ENV | {"FULLSPEED_JIT_THRESHOLDS": "loop=64", "FULLSPEED_JIT_MEMORY": "512K"}
    assert ask_child(HELPERS + code, env=env) == [True, True, True, True]


def test_long_ways_are_left_to_the_interpreter() -> None:
    """Machine code of thousands of ops in a row is no faster, and needs much memory."""
    code = """
def make(lines):
    names = {}
    exec("def f(n):\\n t = 0\\n for i in range(n):\\n" + "  t += i & 3\\n" * lines
         + " return t", names)
    return names["f"]

def state(lines):
    make(lines)(400)
    jit = engine.stats()["jit"]
    return [jit["alive"].get("loop", 0), jit["aborts"].get("too_long", 0) > 0]

answer([state(200), state(1000)])
"""
    env = ENV | {"FULLSPEED_JIT_THRESHOLDS": "loop=64"}
    assert ask_child(HELPERS + code, env=env) == [[1, False], [1, True]]


def test_ops_that_only_move_values_do_not_make_a_way_long() -> None:
    """Unpacking and storing into locals makes hardly any code (pyperformance's unpack_sequence)."""
    code = """
names = {}
exec("def f(n, t):\\n for i in range(n):\\n" + "  a, b, c, d, e, g, h, j = t\\n" * 400
     + " return a + j", names)
sums = [names["f"](400, (1, 2, 3, 4, 5, 6, 7, 8)), names["f"](400, [1, 2, 3, 4, 5, 6, 7, 8])]
jit = engine.stats()["jit"]
answer([sums, jit["alive"].get("loop", 0), jit["aborts"].get("too_long", 0)])
"""
    env = ENV | {"FULLSPEED_JIT_THRESHOLDS": "loop=64"}
    assert ask_child(HELPERS + code, env=env) == [[9, 9], 1, 0]


def test_a_loop_whose_turns_nobody_counts_is_not_left_alone() -> None:
    """Its second way round is a side trace that goes back to the loop's start."""
    code = """
def ways(words, fold):
    out = []
    for w in words:
        out.append(b"" if fold and not w else PARTS[w % 5] + PARTS[w % 3])
    return out

PARTS = [b"a", b"bc", b"def", b"gh", b"i"]
words = list(range(1, 2000))
for fold in (True, False):
    t = sum(map(len, map(ways, [words] * 3000, [fold] * 3000)))
p = place("ways")
answer([t, p["state"], p["rests"], p["entries"] > 4000])
"""
    assert_by_the_clock(code, [3000 * 1999, "compiled", 0, True])


def test_a_loop_that_waits_for_its_other_types_is_not_judged() -> None:
    """It was recorded for ints and gets floats when there is no time to make the other way.

    Before, it was put to rest in the two milliseconds until there was; then its float turns, which
    go round in a bridge, counted for nothing."""
    code = """
def value(i, j):
    return 1.0 / ((i + j) * (i + j + 1) // 2 + i + 1)

def row(i, numbers):
    t = 0
    for j, u in enumerate(numbers):
        t += value(i, j) * u
    return t

def waste(k):
    names = {}
    lines = "".join(f"  t = (t ^ {k + n}) + (i & {n + 1})\\n" for n in range(40))
    exec("def w():\\n t = 0\\n for i in range(2000):\\n" + lines + " return t", names)
    return names["w"]()

ones = sum(map(row, range(30), [[1] * 200] * 30))
was = place("row")["state"]
for k in range(30):
    waste(k)
more = sum(map(row, range(3000), [[1.0] * 200] * 3000))
p = place("row")
again = sum(map(row, range(30), [[1.0] * 200] * 30))
answer([ones == again, more > ones, was, p["state"], p["rests"]])
"""
    assert_by_the_clock(code, [True, True, "compiled", "compiled", 0])
