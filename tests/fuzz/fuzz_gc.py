"""Fuzzes the cyclic garbage collector: random graphs of objects, with CPython's collector and ours.

Examples:
    tests/fuzz/fuzz_gc.py --seeds 200 --seed 1
    tests/fuzz/fuzz_gc.py --seed 17 --seeds 1 --show
    tests/fuzz/fuzz_gc.py --jit 1          (at low thresholds, or those of FULLSPEED_JIT_THRESHOLDS)

How it works: a child process makes, links and drops objects of many types as a seed says, lets the
collector run, and prints all that can be seen of it: the order of finalizers and of weak references'
callbacks, the order of the generations' lists, counts, statistics, what was untracked, what is in
gc.garbage. It runs twice under the engine, with FULLSPEED_GC=0 and without; nothing may differ.
(That the engine with FULLSPEED_GC=0 is like stock is for the other tests.) Objects that were there
before are not looked at: where they stand depends on addresses, as sets of classes do.

What must stay true: what a child prints depends on the seed alone. So thresholds are given, since otherwise time decides
which traces are made, and traces decide which objects the collector gets to see.

Exit codes: 0 no difference, 1 differences, 2 could not run.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import contextvars
import ctypes
import functools
import gc
import io
import itertools
import os
import random
import subprocess
import sys
import types
import weakref
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import child_env

try:
    from _testcapi import with_tp_del
except ImportError:  # (it is not in every distribution)
    with_tp_del = None

there: list[Any] = []
there_ids: set[int] = set()
stats_before: list[dict[str, int]] = []
log: list[Any] = []
roots: list[Any] = []


class Plain:
    """An instance with values; its hash is the same in every run."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __hash__(self) -> int:
        return 7 * self.n


class Loud(Plain):
    """It logs its end."""

    def __del__(self) -> None:
        log.append(("del", self.n, gc.get_count()[1:], len(gc.get_objects(2)) - len(there)))


class Raising(Plain):
    """Its finalizer fails."""

    def __del__(self) -> None:
        log.append(("raise", self.n))
        raise ValueError(self.n)


class Phoenix(Plain):
    """It comes back from the dead, once."""

    def __del__(self) -> None:
        log.append(("back", self.n))
        roots.append(self)


class Busy(Plain):
    """Its finalizer makes and drops containers, and asks for a collection inside one."""

    def __del__(self) -> None:
        made = [{"a": [i]} for i in range(5)]
        log.append(("busy", self.n, len(made), gc.collect(), gc.get_count()[0]))


class Slots:
    """Only slots."""

    __slots__ = ("__weakref__", "n", "x", "y")

    def __init__(self, n: int) -> None:
        self.n = n

    def __hash__(self) -> int:
        return 5 * self.n


class MoreSlots(Slots):
    """Slots, and slots that it comes from, and a dict."""

    __slots__ = ("__dict__", "z")


class OwnDict(dict):
    """A dict with attributes."""


class OwnList(list):
    """A list with attributes."""


class OwnTuple(tuple):
    """A tuple with attributes."""


class OwnError(Exception):
    """An exception with attributes."""


class OwnStr(str):
    """A string with attributes: with a collector's head, that is."""


class Meta(type):
    """A class of classes."""


class OwnTask(asyncio.Task):  # type: ignore[type-arg]
    """A task; asyncio has a set of all, which must have the same order in every run."""

    n = 0

    def __hash__(self) -> int:
        return 3 * self.n


class Structure(ctypes.Structure):
    """An object with a tp_traverse that nobody here knows."""

    _fields_ = [("p", ctypes.py_object), ("q", ctypes.py_object)]


KINDS = (Plain, Plain, Plain, Loud, Raising, Phoenix, Busy)
TAKES = (list, OwnList, collections.deque, set, dict, OwnDict, collections.defaultdict,
         collections.OrderedDict, types.SimpleNamespace, Plain, Slots)  # fmt: skip


def generator(*held: object) -> Iterator[object]:
    """Hold something while suspended."""
    try:
        mine = [held]
        yield mine
        yield held
    finally:
        log.append("generator ends")


async def coroutine(*held: object) -> None:
    """Hold something while suspended."""
    mine = (held, [])
    try:
        await Awaitable()
    finally:
        log.append(("coroutine ends", len(mine)))


class Awaitable:
    """Suspends a coroutine."""

    def __await__(self) -> Iterator[None]:
        yield None


def ended(values: Iterator[object]) -> Any:
    """Return a generator that has nothing left to do."""
    made = (value for value in values)
    list(made)
    return made


class OwnFile(io.BytesIO):
    """A file whose end is told."""

    def close(self) -> None:
        log.append(("closed", len(gc.get_objects(1)) % 7919))


def runs_code(made: object) -> bool:
    """Tell whether an object has a finalizer that runs code."""
    if isinstance(made, types.GeneratorType):
        return made.gi_frame is not None
    kinds = (Loud, Raising, Phoenix, Busy, OwnFile, types.CoroutineType, asyncio.Future)
    return isinstance(made, kinds) or (with_tp_del is not None and isinstance(made, Legacy))


def raised(*held: object) -> BaseException:
    """Return an exception with a traceback, whose frame holds something."""
    try:
        raise OwnError(*held[:1])
    except OwnError as error:
        error.more = held
        return error


class World:
    """One run: a seed's objects and what is done with them."""

    def __init__(self, seed: int) -> None:
        self.r = random.Random(seed)
        self.n = 0
        self.loop = asyncio.new_event_loop()
        self.refs: list[Any] = []
        self.quiet = self.r.random() < 0.5  # nothing with a finalizer that could run code

    def any(self) -> Any:
        """Return some object that is there."""
        return self.r.choice(roots) if roots and self.r.random() < 0.9 else self.r.randrange(5)

    def make(self) -> Any:
        """Return a new object of some type that refers to others."""
        a, b, self.n = self.any(), self.any(), self.n + 1
        n = self.n
        makers: list[Callable[[], Any]] = [
            lambda: [a, b], lambda: [a] * 9, lambda: (a, b), lambda: (n, (n, "x"), ()), lambda: ((a,), n),
            lambda: {"a": a, "b": b}, lambda: {n: a, a if a.__hash__ else 1: b} if hashed(a) else {n: b},
            lambda: {"n": n}, lambda: {"t": (n, n)}, lambda: {(n, n): (n,)},
            lambda: {x for x in (a, b, n) if hashed(x)}, lambda: frozenset(x for x in (a, b) if hashed(x)),
            lambda: self.r.choice(KINDS)(n), lambda: self.r.choice(KINDS)(n), lambda: self.fill(Plain(n)),
            lambda: self.fill(Slots(n)), lambda: self.fill(MoreSlots(n)), lambda: self.fill(Loud(n)),
            lambda: self.fill(OwnDict(a=a)), lambda: self.fill(OwnList([a, b])), lambda: OwnTuple((a, b)),
            lambda: self.fill(OwnTuple((n,))), lambda: self.fill(OwnStr(n)), lambda: raised(a, b),
            lambda: (lambda: (a, b)), lambda: (lambda x=a, *, y=b: n), lambda: Plain(n).__init__,
            lambda: [a].append, lambda: functools.partial(print, a, k=b), lambda: collections.deque([a, b]),
            lambda: started(generator(a, b)), lambda: generator(a), lambda: started(coroutine(a, b)),
            lambda: iter([a, b]), lambda: itertools.chain([a], (b,)), lambda: zip([a], (b,)), lambda: map(print, [a]),
            lambda: property(a, b), lambda: staticmethod(a), lambda: types.MappingProxyType({"a": a}),
            lambda: Meta("Made", (Plain,), {"a": a, "f": lambda self: b})(n), lambda: Meta("Bare", (), {"b": b}),
            lambda: types.SimpleNamespace(a=a, b=b), lambda: self.future(a), lambda: sys._getframe(),
            lambda: Structure(a, b), lambda: self.weak(a), lambda: self.weak(b), lambda: slice(a, b),
            lambda: enumerate([a]), lambda: {"a": a}.items(), lambda: types.ModuleType("made", a),
            lambda: collections.defaultdict(list, a=a), lambda: collections.OrderedDict(a=a, b=b),
            lambda: super(Loud, Loud(n)), lambda: memoryview(bytearray(8)), lambda: (a, [b], {"c": a}),
            lambda: iter(self.future(a)), contextvars.copy_context, lambda: classmethod(a),
            lambda: contextlib.ExitStack(), lambda: list[a if isinstance(a, type) else int],
            lambda: ended(iter((a, b))), lambda: self.buffer(a),
        ]  # fmt: skip
        if with_tp_del is not None:
            makers.append(lambda: self.fill(Legacy(n)))
        try:
            made = self.r.choice(makers)()
        except TypeError:  # (a ctypes structure is particular)
            return [a, b]
        return [a, b] if self.quiet and runs_code(made) else made

    def buffer(self, held: object) -> Any:
        """Return a file in memory, which has a finalizer that runs no code, mostly."""
        file = io.BytesIO(b"text") if self.r.random() < 0.5 else OwnFile()
        if isinstance(file, OwnFile) or self.r.random() < 0.2:
            file.held = held  # type: ignore[union-attr]
        return file

    def future(self, held: object) -> Any:
        """Return a future or a task that has something."""
        if self.r.random() < 0.5:
            future = self.loop.create_future()
            future.held = held  # type: ignore[attr-defined]
            return future
        task = OwnTask.__new__(OwnTask)
        task.n = self.n
        task.__init__(coroutine(held), loop=self.loop)  # type: ignore[misc]
        return task

    def weak(self, target: object) -> Any:
        """Return a weak reference to a target, if it can have one."""
        n = self.n
        call = (
            None
            if self.r.random() < 0.4
            else lambda ref: log.append(("weak", n, len(gc.get_objects(1)) % 7919))
        )
        try:
            return weakref.ref(target, call)
        except TypeError:
            return weakref.ref(Plain)

    def fill(self, thing: Any) -> Any:
        """Let an object refer to others, or to itself."""
        for name in self.r.sample("xyz", 2):
            with contextlib.suppress(AttributeError):
                setattr(
                    thing, name, self.r.choice((self.any, lambda: thing, lambda: (self.any(), 1)))()
                )
        return thing

    def link(self) -> None:
        """Put one object into another."""
        to, what = self.any(), self.any()
        with contextlib.suppress(AttributeError, TypeError, RuntimeError, ValueError):
            if isinstance(to, (list, collections.deque)):
                to.append(what)
            elif isinstance(to, (dict, OwnDict)):
                to[f"k{self.r.randrange(4)}"] = what
            elif isinstance(to, set) and hashed(what):
                to.add(what)
            elif not isinstance(to, (type, types.FunctionType, int)):
                self.fill(to)

    def unlink(self) -> None:
        """Empty a container, or give values up again that made it tracked."""
        to = self.any()
        if type(to) in (list, dict, set, OwnDict, OwnList, collections.deque) and to is not roots:
            to.clear()
        elif type(to) is dict:
            for key in to:
                to[key] = 1

    def step(self) -> None:
        """Do something."""
        what = self.r.random()
        if what < 0.62:
            roots.append(self.make())
        elif what < 0.8:
            self.link()
        elif what < 0.84:
            self.unlink()
        elif what < 0.88:
            self.refs.append(self.weak(self.any()))
        elif what < 0.96:
            for _ in range(self.r.randrange(1, 9)):
                if roots:
                    roots.pop(self.r.randrange(len(roots)))
        elif what < 0.962:
            roots.clear()
            self.refs[:] = self.refs[-5:]
        elif what < 0.966:
            gc.freeze()
            log.append(("freeze", gc.get_freeze_count()))
        elif what < 0.970:
            gc.unfreeze()
        elif what < 0.973:
            gc.set_debug(self.r.choice((0, 0, gc.DEBUG_SAVEALL)))
        elif what < 0.976:
            gc.callbacks[:] = self.r.choice(([], [callback], [callback, failing, callback]))
        elif what < 0.98:
            gc.garbage.clear()
        else:
            log.append(("collect", gc.collect(self.r.randrange(3))))

    def seen(self) -> None:
        """Print what can be seen of the collector now."""
        lists = [[o for o in gc.get_objects(i) if id(o) not in there_ids] for i in range(3)]
        marks = [zlib.crc32(" ".join(mark(o) for o in objects).encode()) for objects in lists]
        stats = [
            tuple(now - then for now, then in zip(s.values(), t.values()))
            for s, t in zip(gc.get_stats(), stats_before)
        ]
        tracked = [gc.is_tracked(o) for o in roots].count(True)
        ended = [gc.is_finalized(o) for o in roots].count(True)
        print(self.n, [len(o) for o in lists], marks, stats, gc.get_count(), len(gc.garbage), tracked, ended,
              [type(o).__name__ for o in gc.garbage[:9]], log[:300])  # fmt: skip
        log.clear()


if with_tp_del is not None:

    @with_tp_del
    class Legacy(Plain):
        """An object with the finalizer of old, which hinders its collection."""

        def __tp_del__(self) -> None:
            log.append(("tp_del", self.n))


def hashed(thing: object) -> bool:
    """Whether a thing may be a key whose hash is the same in every run."""
    return type(thing) in (int, Plain, Slots, Loud)


def started(thing: Any) -> Any:
    """Run a generator or coroutine to where it is suspended."""
    thing.send(None)
    return thing


def callback(phase: str, info: dict[str, int]) -> None:
    """Log a collection's start or stop."""
    log.append((phase, tuple(info.items()), gc.get_count()[1:]))


def failing(phase: str, info: dict[str, int]) -> None:
    """Fail when a collection starts."""
    if phase == "start":
        raise KeyError(phase)


def mark(thing: object) -> str:
    """Describe an object by its type, and its number if it has one."""
    kind = type(thing)
    if issubclass(kind, (Plain, Slots)):
        with contextlib.suppress(AttributeError):
            return f"{kind.__name__}{thing.n}"  # type: ignore[attr-defined]
    return f"{kind.__name__}{len(thing) if kind in (list, tuple, dict, set) else ''}"  # type: ignore[arg-type]


def run_child(first: int, seeds: int) -> None:
    """Run the worlds of some seeds."""
    import fullspeed

    fullspeed.enable()
    gc.collect()
    there.extend(gc.get_objects())
    there_ids.update(map(id, there))
    stats_before.extend(gc.get_stats())
    sys.unraisablehook = lambda args: log.append(("unraisable", repr(args.exc_value)))
    for seed in range(first, first + seeds):
        print("seed", seed)
        world = World(seed)
        gc.set_threshold(
            world.r.choice((7, 50, 700)), world.r.choice((2, 10)), world.r.choice((1, 3))
        )
        size = world.r.choice((300, 900, 3000))
        for i in range(size):
            world.step()
            if i % (size // 10) == 0:
                world.seen()
        gc.set_debug(0)
        gc.callbacks.clear()
        world.loop.close()
        roots.clear()
        world.refs.clear()
        gc.unfreeze()
        gc.garbage.clear()
        world.seen()
        log.append(gc.collect())
        world.seen()


def child(first: int, seeds: int, mode: str, jit: str) -> list[str]:
    """Return the lines that a child prints."""
    env = child_env.sanitizer() | {
        "PATH": os.environ["PATH"],
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        **{k: v for k, v in os.environ.items() if k.startswith("FULLSPEED_")},
        "FULLSPEED_GC": mode,
        "FULLSPEED_JIT": jit,
        "FULLSPEED_JIT_THRESHOLDS": os.environ.get(
            "FULLSPEED_JIT_THRESHOLDS", "loop=2,entry=2,exit=2"
        ),
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, "--child", "--seed", str(first), "--seeds", str(seeds)],
        capture_output=True, text=True, env=env, errors="replace",
    )  # fmt: skip
    tail = [] if done.returncode == 0 else [f"exit code {done.returncode}", done.stderr[-2000:]]
    return done.stdout.splitlines() + tail


def main() -> int:
    """Compare seed by seed; the exit code is 1 when one differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--batch", type=int, default=10, help="seeds per process")
    parser.add_argument("--jit", default="0", help="FULLSPEED_JIT of the children")
    parser.add_argument("--show", action="store_true", help="print what the children print")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        run_child(args.seed, args.seeds)
        return 0
    bad = 0
    for first in range(args.seed, args.seed + args.seeds, args.batch):
        n = min(args.batch, args.seed + args.seeds - first)
        theirs, ours = (child(first, n, mode, args.jit) for mode in "01")
        if args.show:
            print("\n".join(ours))
        seed = "?"
        for a, b in itertools.zip_longest(theirs, ours, fillvalue="<end>"):
            seed = a if a.startswith("seed") else seed
            if a != b or a.startswith("exit code"):
                print(
                    f"DIFFERENT in the batch from {first}, {seed}:\n  CPython's: {a[:900]}\n  ours:      {b[:900]}"
                )
                bad += 1
                break
    print(f"{args.seeds} seeds, {bad} different")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
