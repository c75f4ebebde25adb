"""Every form of the language that the recorder follows, each in a hot loop, becomes a trace that
stays in.

The loops are those of tests/diff/programs/jit_forms_*.py, whose results the diff tests compare.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from unit_child import ask_child

PROGRAMS = Path(__file__).parent.parent / "diff" / "programs"
ENV = {"FULLSPEED_JIT": "1", "FULLSPEED_JIT_THRESHOLDS": "loop=16,exit=4,entry=1000000"}
TURNS = 2000

# Loops that are left in (nearly) every turn, or have no trace, and why.
OTHERS = {
    "loop_made_function": "the closure of a new function is another one in each turn",
    "loop_any_all": "any() steps the generator, in C",
    "loop_attr_class": "a class that changes in each turn",
    "loop_comprehensions": "comprehensions and generators are loops of their own, called from here",
    "loop_power": "one power of seven is a complex number, which is another loop's affair",
    "loop_match": "eight kinds of values by turns: one side trace for each",
    "loop_unpack": "a generator that is unpacked in C",
    "loop_groups": "except* is left to the interpreter",
    "loop_with_contextmanager": "next() goes on in the generator's frame, whose end raises there",
    "loop_called_deep": "a loop over the traceback's entries in each turn",
}

ASK = """
import importlib, sys
import fullspeed._engine as engine
fullspeed.enable()
sys.path.insert(0, {path!r})
module = importlib.import_module({name!r})
found = []
for f in module.LOOPS:
    for _ in range(3):
        f({turns})
    before = fullspeed.stats()["jit"]["entries"]
    f({turns})
    entries = fullspeed.stats()["jit"]["entries"] - before
    mine = [t for t in engine.jit_traces() if t["kind"] == "loop" and t["file"] == module.__file__
            and t["function"].split(".")[0] == f.__name__]
    if not mine or entries * 20 > {turns}:
        found.append([f.__name__, len(mine), entries])
answer([len(module.LOOPS), found])
"""


@pytest.mark.parametrize("name", sorted(p.stem for p in PROGRAMS.glob("jit_forms_*.py")))
def test_every_form_becomes_a_trace_that_stays_in(name: str) -> None:
    code = ASK.format(path=str(PROGRAMS), name=name, turns=TURNS)
    count, found = ask_child(code, env=ENV)
    assert count >= 50
    left = [what for what in found if what[0] not in OTHERS]
    assert left == [], f"no trace, or left in every turn: {left}"


QUIET = """
import collections, json, re
import fullspeed._engine as engine
fullspeed.enable()

class C:
    kind = 1
    def __init__(self):
        self.n = 2
    def method(self):
        return 3

FORMS = FORMS_HERE
o, q, s, d, rows = C(), collections.deque(), set(), {"k": 1}, ["a", "b"]
pattern, piece = re.compile("a+"), slice(1, 2, 3)
bound = q.append
found = []
for k, form in enumerate(FORMS):
    scope = dict(globals())
    exec(f"def f{k}(n, o, q, s, d, rows, pattern, piece, bound, word):\\n"
         f"    for i in range(n):\\n        r = {form}\\n    return r", scope)
    f = scope[f"f{k}"]
    for _ in range(3):
        f(400, o, q, s, d, rows, pattern, piece, bound, "aab")
    irs = [t["ir"] for t in engine.jit_traces(ir=True) if t["function"] == f"f{k}"]
    loud = [what for ir in irs for what in
            ("@call_vector", "@getattr ", "@load_method", "@contains") if what in ir]
    if len(irs) == 0 or loud:
        found.append([form, len(irs), loud])
answer(found)
"""


def test_builtins_that_run_no_code_are_quiet_calls() -> None:
    forms = [
        "hasattr(o, 'n')",
        "hasattr(o, 'none')",
        "getattr(o, 'kind', None)",
        "getattr(o, 'method')",
        "o.method",
        "o.__class__",
        "piece.start",
        "callable(o)",
        "issubclass(bool, int)",
        "id(o)",
        "ord('a')",
        "str(i)",
        "str(word)",
        "list(rows)",
        "tuple(rows)",
        "dict()",
        "', '.join(rows)",
        "word.replace('a', 'b')",
        "word.startswith('a')",
        "word.endswith(('a', 'b'))",
        "d.items()",
        "d.pop('x', None)",
        "d.setdefault('k', 2)",
        "s.add(word)",
        "[].extend(rows)",
        "q.append(i)",
        "bound(i)",
        "pattern.match(word)",
        "f'{i}-{word}'",
        "i in (1, 2, 3)",
    ]
    found = ask_child(QUIET.replace("FORMS_HERE", repr(forms)), env=ENV)
    assert found == [], f"a loop without a trace, or with a call that may run code: {found}"
