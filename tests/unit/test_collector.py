"""The cyclic garbage collector: what survives is found by us, and nobody can tell."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from unit_child import ask_child, run_child

FUZZ = Path(__file__).parents[1] / "fuzz" / "fuzz_gc.py"
COUNTS = """
import gc
def counts():
    return fullspeed.stats()["gc"]
"""
ENABLE = "fullspeed.enable()\n"


def ask(code: str, first: str = ENABLE, **env: str) -> Any:
    """Return a child's answer; `first` says whether it runs under the engine."""
    return ask_child(first + COUNTS + textwrap.dedent(code), env=env)


@pytest.mark.parametrize("seed", [1, 41])
def test_random_graphs(seed: int) -> None:
    done = subprocess.run(
        [sys.executable, FUZZ, "--seed", str(seed), "--seeds", "6"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_collections_are_ours() -> None:
    code = """
    before = counts()["ours"]
    gc.collect(0), gc.collect(1), gc.collect()
    made = [[i] for i in range(5000)]
    after = counts()
    answer([after["ours"] - before >= 9, after["left"]])
    """
    assert ask(code, FULLSPEED_GC="1") == [True, 0]


def test_what_does_not_pay_is_left_to_cpython() -> None:
    code = """
    gc.collect()
    first = counts()["ours"]
    gc.collect()
    second = counts()["ours"]
    gc.disable()
    before, simulated = counts()["left"], counts()["simulated"]
    for _ in range(4):  # each list stands before the one that refers to it
        rows = [[]]
        for _ in range(50):
            rows = [rows]
        gc.collect(0)
    answer([first, second, counts()["simulated"] - simulated, counts()["left"] - before])
    """
    assert ask(code) == [0, 1, 2, 2]


def test_switch() -> None:
    code = "gc.collect(); answer([counts()[name] for name in ('ours', 'left', 'simulated')])"
    assert ask(code, FULLSPEED_GC="0") == [0, 0, 0]
    assert ask(code, FULLSPEED_GC="1")[0] == 1


def test_debugging_is_left_to_cpython() -> None:
    code = """
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    knot = []
    knot.append(knot)
    del knot
    found = gc.collect()
    gc.set_debug(0)
    answer([found, len(gc.garbage), counts()["left"]])
    """
    assert ask(code, FULLSPEED_GC="1") == [1, 1, 1]


def test_disable_gives_it_back() -> None:
    code = """
    mine = gc.callbacks
    gc.collect()
    fullspeed.disable()
    before = counts()["ours"]
    gc.collect()
    seen = [counts()["ours"] - before]
    fullspeed.enable()
    gc.collect()
    answer(seen + [counts()["ours"] - before, gc.callbacks is mine, mine])
    """
    assert ask(code) == [0, 1, True, []]


def test_callbacks_are_the_programs_own() -> None:
    code = """
    mine = gc.callbacks
    del sys.modules["gc"]
    import gc as again
    again.collect()  # (what imports left behind depends on when collections come by themselves)
    seen = [again is not gc, again.callbacks is mine, len(mine), sys.getrefcount(mine)]
    log = []
    def failing(phase, info):
        log.append((phase, sorted(info.items())))
        if phase == "stop":
            mine.remove(failing)
            mine.append(last)
            raise ValueError
    def last(phase, info):
        log.append(("last", phase))
    mine += [failing, lambda phase, info: info.update(generation=77)]
    sys.unraisablehook = lambda args: log.append(type(args.exc_value).__name__)
    garbage = []
    garbage.append(garbage)
    del garbage
    again.collect(1)
    seen.append(log)
    answer(seen)
    """
    stock = ask(code, "")
    ours = ask(code)
    assert ours == stock
    assert ours[:3] == [True, True, 0]


def test_module_made_before_and_after() -> None:
    code = """
    assert "gc" not in sys.modules
    fullspeed.enable()
    import gc
    answer([gc.callbacks, "gc" in sys.modules, gc.collect() >= 0, gc.get_count()[1:]])
    """
    assert ask_child(code) == [[], True, True, [0, 0]]


def test_counts_after_a_collection() -> None:
    code = """
    gc.disable()
    seen = []
    for generation in (2, 2, 0, 1, 0, 2):
        kept = [{} for i in range(90)]
        del kept
        kept = [{} for i in range(80)]
        gc.collect(generation)
        one = gc.get_count()
        few = [{}, {}, {}]
        seen.append((one, gc.get_count(), len(gc.get_objects(0))))
        del few, kept
    answer(seen)
    """
    assert ask(code) == ask(code, FULLSPEED_GC="0")


def test_switched_off_by_a_callback() -> None:
    code = """
    log = []
    def off(phase, info):
        log.append(phase)
        fullspeed.disable() if phase == "start" else fullspeed.enable()
    gc.collect()
    gc.callbacks.append(off)
    knot = []
    knot.append(knot)
    del knot
    found = gc.collect()
    gc.callbacks.remove(off)
    answer([found, log, gc.callbacks, gc.collect(), counts()["ours"] >= 1])
    """
    assert ask(code) == [1, ["start", "stop"], [], 0, True]


def test_switched_off_by_a_finalizer() -> None:
    code = """
    class Off:
        def __del__(self):
            fullspeed.disable()
            self.seen = [len(gc.get_objects()) > 1000]
            gc.kept = self
    for turn in range(3):
        fullspeed.enable()
        knot = Off()
        knot.knot = knot
        del knot
        gc.collect()
    fullspeed.enable()
    answer([gc.kept.seen, gc.collect(), len(gc.get_objects()) > 1000])
    """
    assert ask(code) == ask(code, FULLSPEED_GC="0") == [[True], 2, True]


KNOTS = """
import ctypes, io, weakref
class Node:
    pass
class Loud(Node):
    def __del__(self):
        log.append(("end", gc.get_count(), len(gc.get_objects()) - before, self.n))
class Closes(io.BytesIO):
    def close(self):
        log.append("closed")
log = []
before = 0
def knot(what, n=1):
    for _ in range(n):
        node = Node()
        node.me = node
        node.it = what()
"""


def ask_knots(code: str, **env: str) -> Any:
    """Return a child's answer; it knows KNOTS."""
    return ask(code, ENABLE + KNOTS, **env)


def test_plain_garbage_is_cleared_at_once() -> None:
    code = """
    gc.collect()
    def suspended():
        made = (i for i in "ab")
        next(made)
        return made
    def ended():
        made = (i for i in "")
        list(made)
        return made
    def own_close():
        made = io.BytesIO(b"text")
        made.close = lambda: log.append("mine")
        return made
    seen = []
    for what in (int, ended, lambda: io.BytesIO(b"text"), io.StringIO, lambda: weakref.ref(Node()),
                 lambda: weakref.ref(Node, print), suspended, Closes, own_close):
        cleared = counts()["cleared"]
        knot(what, 3)
        found = gc.collect(), gc.get_stats()[2]["collected"]
        seen.append((found[0], counts()["cleared"] - cleared))
    answer([seen, log])
    """
    seen, log = ask_knots(code)
    theirs = ask_knots(code, FULLSPEED_GC="0")[0]
    assert [found for found, _ in seen] == [found for found, _ in theirs]
    assert [bool(cleared) for _, cleared in seen] == [True] * 6 + [False] * 3
    assert all(cleared in (0, found) for found, cleared in seen)
    assert log == ["closed"] * 3 + ["mine"] * 3


def test_what_runs_while_garbage_is_cleared() -> None:
    code = """
    gc.collect()
    def loud(n):
        made = Loud()
        made.n = n
        return made
    class Holds:
        pass
    def callback(ref):
        log.append(("back", ref(), gc.get_count(), len(gc.get_objects()) - before))
        kept.append([ref])
        if len(kept) % 2:
            refs.remove(ref)
    kept, refs = [], []
    before = len(gc.get_objects())
    for n in range(40):
        node = Node()
        node.me = node
        refs.append(weakref.ref(node, callback))
        refs.append(weakref.ref(node))
        node.dropped = [loud(n)]
        del node
        if n % 8 == 7:
            log.append(gc.collect(n // 8 % 3))
            log.append((gc.get_count(), [s["collected"] for s in gc.get_stats()]))
            log.append([len(gc.get_objects(i)) - before for i in range(3)])
    collections = gc.get_stats()[0]["collections"]
    for n in range(3000):
        knot(lambda: [], 1)
        if n % 100 == 0:
            log.append((gc.get_count(), [tuple(s.values()) for s in gc.get_stats()]))
    answer([log, gc.get_stats()[0]["collections"] - collections > 5])
    """
    assert ask_knots(code) == ask_knots(code, FULLSPEED_GC="0")


def test_how_much_was_found_by_c() -> None:
    code = """
    collect = ctypes.pythonapi.PyGC_Collect
    collect.restype = ctypes.c_ssize_t
    seen = []
    for n in (1, 5):
        knot(int, n)
        seen.append(collect())
    gc.set_threshold(10)
    knot(int, 3)
    gc.disable()
    knot(int, 20)
    seen.append(collect())
    answer([seen, gc.collect()])
    """
    assert ask_knots(code) == ask_knots(code, FULLSPEED_GC="0")


def test_callbacks_are_told_how_much_was_cleared() -> None:
    code = """
    gc.collect()
    gc.callbacks.append(lambda phase, info: log.append((phase, list(info.items()))))
    knot(int, 7)
    cleared = counts()["cleared"]
    found = gc.collect(1)
    gc.callbacks.clear()
    answer([found, log, counts()["cleared"] - cleared])
    """
    found, log, cleared = ask_knots(code)
    assert [found, log] == ask_knots(code, FULLSPEED_GC="0")[:2]
    assert cleared == found > 0


def test_threads() -> None:
    code = """
    import threading
    gc.set_threshold(5, 2, 2)
    sys.setswitchinterval(1e-5)
    def work():
        kept = []
        for i in range(3000):
            a = {"n": [i]}
            a["a"] = a
            kept.append((a, i))
            if i % 100 == 0:
                kept.clear()
                gc.collect(i // 100 % 3)
    threads = [threading.Thread(target=work) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    gc.collect()
    answer(gc.collect())
    """
    assert ask(code) == 0


def test_the_end_of_the_interpreter() -> None:
    code = """
    class Loud:
        def __del__(self):
            print("end of", self.n, gc.get_count()[2])
    loud = Loud()
    loud.n, loud.knot = 1, loud
    other = Loud()
    other.n = 2
    def callback(phase, info, other=other):
        pass
    gc.callbacks.append(callback)
    del loud, other, callback
    """
    stock, ours = (run_child(first + COUNTS + textwrap.dedent(code)) for first in ("", ENABLE))
    assert (ours.returncode, ours.stdout, ours.stderr) == (0, stock.stdout, stock.stderr)
    assert "end of 1" in ours.stdout


def test_other_interpreters_and_frozen_objects() -> None:
    code = """
    import _xxsubinterpreters as subinterpreters
    other = subinterpreters.create()
    run = "import gc; x = []; x.append(x); del x; assert gc.collect() >= 1"
    subinterpreters.run_string(other, run)
    kept = [[{}]]
    seen = [gc.collect() >= 0]
    subinterpreters.destroy(other)
    gc.freeze()
    kept.append([kept])
    knot = [kept]
    knot.append(knot)
    del knot
    seen += [gc.collect(), gc.get_freeze_count() > 1000]
    gc.unfreeze()
    answer(seen + [gc.collect(), gc.get_freeze_count()])
    """
    assert ask(code) == [True, 1, True, 0, 0]


def test_a_long_list() -> None:
    code = """
    class Node:
        pass
    first = last = Node()
    nodes = [first]
    for i in range(30000):
        node = Node()
        node.back = last
        node.items = (i, [i], {"i": (i,)})
        last = node
        nodes.append(node)
    seen = [gc.collect(), gc.is_tracked(last.items), gc.is_tracked(last.items[2]), counts()["left"]]
    del nodes, last
    node.first = first
    first.node = node
    del first, node
    answer(seen + [gc.collect()])
    """
    expected = [0, True, False, 0, 90002]
    assert ask(code, FULLSPEED_GC="1") == ask(code, FULLSPEED_GC="0") == expected


def test_roots_come_and_go() -> None:
    """Objects that were held from outside for several full collections are so no more."""
    code = """
    import ctypes, random
    hold, drop = ctypes.pythonapi.Py_IncRef, ctypes.pythonapi.Py_DecRef
    hold.argtypes = drop.argtypes = [ctypes.py_object]
    class Node:
        def __init__(self, i):
            self.i, self.to = i, []
        def __del__(self):
            ends.append(self.i)
    gc.collect()
    dice, ends, seen = random.Random(17), [], []
    nodes = [Node(i) for i in range(3000)]
    held = []
    for turn in range(40):
        for node in dice.sample(nodes, 300):
            node.to = dice.sample(nodes, dice.randrange(4))
            node.own = {"list": [node.to]} if dice.random() < 0.5 else (node.to, node)
        for node in dice.sample(nodes, 20):
            hold(node)
            held.append(node)
        if turn % 6 == 5:
            dice.shuffle(held)
            for node in held[:60]:
                drop(node)
            del held[:60]
        if turn % 10 == 9: # what the list had is held by others that stand behind it
            nodes[:] = dice.sample(nodes, len(nodes) * 3 // 4)
            nodes += [Node(10000 * turn + i) for i in range(300)]
            dice.shuffle(nodes)
        ids = [id(node) for node in held]
        nodes.append(Node(turn))
        if turn % 7 == 6:
            nodes = list(nodes)
        node = None
        seen.append(gc.collect())
        seen.append(hash(tuple(o.i for o in gc.get_objects() if type(o) is Node)))
    answer([seen, ends])
    """
    ours = ask(code, FULLSPEED_GC="1")
    assert ours == ask(code, FULLSPEED_GC="0")
    assert len(ours[1]) > 500


def test_more_references_than_are_written_down() -> None:
    code = """
    class Node:
        pass
    gc.collect()
    nodes = [Node() for i in range(1000)]
    lists = [nodes[i:] + nodes[:i] for i in range(1000)]
    for i, node in enumerate(nodes):
        node.i = i
        node.lists = lists[i:i + 3]
    lists = lists[::7]
    rows = []
    for turn in range(4):
        lists = [lists[-1]] + lists[:-1]
        nodes = [*nodes]
        rows.append(gc.collect(turn % 3))
        rows.append(hash(tuple(o.i for o in gc.get_objects() if type(o) is Node)))
    node = None
    del nodes, lists
    answer(rows + [gc.collect()])
    """
    ours = ask(code, FULLSPEED_GC="1")
    assert ours == ask(code, FULLSPEED_GC="0")
    assert ours[-1] >= 2000


def test_arrays_are_kept_for_the_next_collection() -> None:
    """After a collection of many, of very many, and of few; no new memory the second time."""
    code = """
    import resource
    class Node:
        pass
    def links(n):
        nodes = [Node() for _ in range(n)]
        for i, node in enumerate(nodes):
            node.to = nodes[i - 1]
        nodes[0].all = nodes
    gc.disable()
    found = []
    for n in (10, 40000, 300000, 10, 40000, 40000):
        links(n)
        found.append(gc.collect())
    nodes = [[] for _ in range(60000)]
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        gc.collect()
    answer([found, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before])
    """
    found, faults = ask(code, FULLSPEED_GC="1")
    assert found == ask(code, FULLSPEED_GC="0")[0]
    assert found[-1] >= 40001
    assert faults < 100
