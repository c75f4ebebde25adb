"""What stats() says: frames, translated code and its end, hand-overs by reason, build facts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from unit_child import ask_child, run_child


def test_no_handover_without_tracing() -> None:
    code = """
    fullspeed.enable()
    def f(*a, k=1, **kw):
        try:
            with open("/dev/null") as s:
                return [x async for x in a] if 0 else [y for y in a]
        finally:
            pass
    class C:
        def __init__(self): self.x = 1
    for i in range(300):
        f(i, i, k=2, z=3); C().x
        {**{1: 2}}, f"{i!r:>3}", (lambda: i)()
    answer({k: v for k, v in fullspeed.stats()["handovers"].items() if v})
    """.replace("[x async for x in a] if 0 else ", "")
    assert ask_child(code) == {}


@pytest.mark.parametrize("hook", ["settrace", "setprofile"])
def test_tracing_is_counted_by_op(hook: str) -> None:
    code = f"""
    fullspeed.enable()
    def f(x):
        for i in range(3):
            x += i
        return x
    def run():
        sys.{hook}(lambda *a: None)
        f(1)
        sys.{hook}(None)
    run()
    handovers = fullspeed.stats()["handovers"]
    answer([sum(handovers["tracing"].values()), sorted(handovers["tracing"]),
            sum(sum(v.values()) for k, v in handovers.items() if k != "tracing")])
    """
    count, ops, others = ask_child(code)
    assert others == 0
    if count:  # nothing needs handing over when the engine serves the tracer itself
        assert all(isinstance(op, str) and op for op in ops)


def test_translated_code_is_freed_with_its_code_object() -> None:
    code = """
    import gc
    fullspeed.enable()
    def make(n):
        space = {}
        exec(f"def f(x):\\n    return [x + {n} for _ in range(3)]", space)
        return space["f"]
    for n in range(20):
        make(n)(1)
    gc.collect()
    before = fullspeed.stats()
    functions = [make(n) for n in range(500)]
    for f in functions:
        f(1)
    during = fullspeed.stats()
    del functions, f
    gc.collect()
    after = fullspeed.stats()
    answer([[s["code_objects"], s["code_bytes"]] for s in (before, during, after)])
    """
    before, during, after = ask_child(code)
    assert during[0] >= before[0] + 500
    assert during[1] > before[1]
    assert after[0] <= before[0] + 5
    assert after[1] <= before[1] + 20_000


def test_memory_does_not_grow_with_code_that_comes_and_goes() -> None:
    code = """
    import gc, resource
    fullspeed.enable()
    def churn(turns):
        for n in range(turns):
            space = {}
            exec(f"class K:\\n    def m(self, x={n}):\\n        return [x, self, {n}]\\n"
                 "for i in range(30): K().m()\\n", space)
    churn(300)
    gc.collect()
    first = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    churn(3000)
    gc.collect()
    answer(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - first)
    """
    grown_kb = ask_child(code)
    assert grown_kb < 4000, f"{grown_kb} KB more after 3000 short-lived classes"


def test_reset_sets_counters_to_zero() -> None:
    code = """
    import fullspeed._engine as engine
    fullspeed.enable()
    list(map(lambda x: x, range(100)))
    some = fullspeed.stats()["frames"]
    fullspeed.disable()
    engine.reset_stats()
    answer([some > 0, fullspeed.stats()["frames"]])
    """
    assert ask_child(code) == [True, 0]


def test_specialisation_and_misses_are_counted() -> None:
    code = """
    fullspeed.enable()
    def add(a, b):
        return a + b
    for i in range(500):
        add(i, i)
    first = fullspeed.stats()
    for i in range(500):
        add("a", 1.5 if i == 10**9 else "b")
        add(i, 1.5)
    second = fullspeed.stats()
    answer([first["specialized"] > 0, second["misses"] > first["misses"]])
    """
    assert ask_child(code) == [True, True]


def test_build_info() -> None:
    code = """
    import fullspeed._engine as engine
    answer(engine.build_info())
    """
    info = ask_child(code)
    assert info["dispatch"] in ("tail-call", "computed-goto")
    assert info["python_built_for"] == "3.11"
    assert info["compiler"].split()[0] in ("clang", "gcc")
    assert info["version"]


def test_stats_before_enable_and_with_everything_off() -> None:
    assert run_child("fullspeed.stats()", env={"FULLSPEED": "0"}).returncode == 0
    assert run_child("fullspeed.stats()").returncode == 0
