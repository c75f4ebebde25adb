"""The helpers that generated programs call, and what is observed of one program.

How it works: `observe` runs a program's text in a fresh namespace and returns a JSON-able record:
everything it logged, the traceback it ended with, finalizer order (classes log in ``__del__``),
reference counts of sentinels, and how many objects of each type it left behind.

What must stay true: nothing recorded may depend on addresses, time or hash order; sets are shown
sorted, objects by their type's name.
"""

from __future__ import annotations

import contextlib
import gc
import linecache
import re
import sys
import traceback
import types
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from typing import Any

ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
FILE = "<fuzz>"


class OutOfFuel(BaseException):
    """Ends a program that has run long enough."""


class OwnError(Exception):
    """An exception type of the programs' own."""


class Sentinel:
    """An object whose reference count is compared."""


def show(value: Any, depth: int = 0) -> str:
    """Describe a value without identities; never raises for what the programs make."""
    kind = type(value)
    if kind in (
        int,
        float,
        str,
        bytes,
        bool,
        complex,
        type(None),
        range,
        slice,
        type(...),
        bytearray,
    ):
        if kind is int and (value > 1 << 200 or value < -(1 << 200)):
            return f"int of {value.bit_length()} bits, {value % 1000003}"
        return repr(value)[:200]
    if depth > 3:
        return "…"
    if kind in (list, tuple):
        inner = ", ".join(show(v, depth + 1) for v in value[:12])
        return f"[{inner}]{len(value)}" if kind is list else f"({inner}){len(value)}"
    if kind in (set, frozenset):
        return f"{kind.__name__}{sorted(show(v, depth + 1) for v in value)[:12]}"
    if kind is dict:
        return (
            "{"
            + ", ".join(
                f"{show(k, depth + 1)}: {show(v, depth + 1)}" for k, v in list(value.items())[:12]
            )
            + "}"
        )
    if isinstance(value, BaseException):
        subs = [show(v, depth + 1) for v in getattr(value, "exceptions", ())]
        return f"{kind.__name__}({', '.join(show(v, depth + 1) for v in value.args)}){subs or ''}"
    if isinstance(value, type):
        return f"<class {type.__getattribute__(value, '__name__')}>"
    if isinstance(value, types.FunctionType):
        return f"<function {value.__code__.co_name}>"
    return f"<{type.__getattribute__(kind, '__name__')}>"


class World:
    """One run of one program: its log, its fuel and the namespace with the helpers."""

    def __init__(self, fuel: int = 40_000) -> None:
        self.records: list[str] = []
        self.fuel = 4_000
        self.total = fuel
        self.chances = 0
        self.sentinels = [Sentinel(), Sentinel()]

    def log(self, *values: Any) -> None:
        """Record values."""
        if len(self.records) < 20_000:
            self.records.append(" ".join([show(v) for v in values]))

    def tick(self) -> None:
        """Pay for one loop turn or call."""
        self.fuel -= 1
        self.total -= 1
        if self.fuel < 0:
            raise RuntimeError("out of fuel")
        if self.total < 0:
            raise OutOfFuel

    def refuel(self, amount: int) -> None:
        """Allow `amount` further units."""
        self.fuel = amount * 3

    def chance(self) -> bool:
        """Be true now and then, in a fixed pattern."""
        self.chances += 1
        return self.chances % 3 == 0

    def namespace(self) -> dict[str, Any]:
        """Return the globals of the program."""
        names: dict[str, Any] = {
            "__name__": "fuzz",
            "log": self.log,
            "tick": self.tick,
            "refuel": self.refuel,
            "chance": self.chance,
            "S0": self.sentinels[0],
            "S1": self.sentinels[1],
            "show": show,
            "OwnError": OwnError,
            "tb": trace_of,
            "manager": self.manager,
            "drive": drive,
            "amanager": self.amanager,
        }
        names |= {
            f.__name__: f
            for f in (
                lim,
                small,
                hash_of,
                type_name,
                reversed_list,
                as_items,
                exc_name,
                refs,
                depth_now,
                exhaust,
                poke,
                half,
                make,
                gc_collect,
                frame_info,
                trace_some,
                pausing,
                ticking,
            )
        }
        return names | {c.__name__: c for c in (Pause, Ticker, Meta, Descriptor)}

    @contextlib.contextmanager
    def manager(self, name: str, swallow: bool = False, fail: bool = False) -> Iterator[str]:
        """Log what happens in a with statement, swallow or fail."""
        self.log("enter", name)
        try:
            yield name
        except Exception as error:
            self.log("in manager", error)
            if not swallow:
                raise
        finally:
            self.log("exit", name)
            if fail:
                raise OwnError("exit failed")

    @contextlib.asynccontextmanager
    async def amanager(self, name: str, swallow: bool) -> Any:
        """Do the same for async with."""
        self.log("aenter", name)
        try:
            yield await Pause(name)
        except Exception as error:
            self.log("in amanager", error)
            if not swallow:
                raise


def lim(value: Any) -> Any:
    """Keep values from growing without bound."""
    kind = type(value)
    if kind is int and (value > 1 << 70 or value < -(1 << 70)):
        return value % 1000003
    if kind in (str, list, tuple, bytes, bytearray) and len(value) > 60:
        return value[:7]
    if kind in (dict, set) and len(value) > 60:
        return kind()
    return value


def small(value: Any) -> int:
    """Make a small index of anything."""
    if type(value) in (int, bool):
        return value % 3
    return len(value) % 3 if type(value) in (str, list, tuple, dict) else 0


def hash_of(value: Any) -> int:
    """Hash what has a hash of its own."""
    if type(value) in (int, float, bool, str, bytes, tuple) and value == value:
        return hash(show(value)) % 1000
    raise TypeError("no steady hash")


def type_name(value: Any) -> str:
    """Name a value's type."""
    return type(value).__name__


def reversed_list(value: Any) -> list[Any]:
    """Reverse through the protocol."""
    return list(reversed(value))


def as_items(value: Any) -> Any:
    """Make something that can be iterated of anything."""
    return value if type(value) in (list, tuple, str, dict, range) else [value]


def exc_name() -> str | None:
    """Name the exception that is being handled."""
    kind = sys.exc_info()[0]
    return kind and kind.__name__


def refs(value: Any) -> int:
    """Return a reference count, unless the object is immortal in practice."""
    return sys.getrefcount(value) if type(value) in (Sentinel, list, dict) else 0


def depth_now() -> int:
    """Return how deep the stack of the program is."""
    frame, depth = sys._getframe(1), 0
    while frame is not None and frame.f_code.co_filename == FILE:
        depth, frame = depth + 1, frame.f_back
    return depth


def frame_info() -> tuple[str, int, str, list[str]]:
    """Return what a caller's frame shows."""
    frame = sys._getframe(1)
    place = position(frame.f_code, frame.f_lasti)
    return frame.f_code.co_name, frame.f_lineno, place, sorted(frame.f_locals)[:9]


def position(code: types.CodeType, lasti: int) -> str:
    """Name the place of an instruction in the source.

    Not its offset: stock's own moves between PRECALL and CALL as a call site specialises.
    """
    positions = list(code.co_positions())
    return ",".join(map(str, positions[lasti // 2])) if lasti // 2 < len(positions) else "none"


def trace_of(error: BaseException) -> str:
    """Describe an exception with its traceback and contexts, positions included."""
    parts = []
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in seen and len(seen) < 5:
        seen.append(current)
        places = []
        tb = current.__traceback__
        while tb is not None and len(places) < 30:
            code = tb.tb_frame.f_code
            if code.co_filename == FILE:
                places.append(f"{code.co_name}:{tb.tb_lineno}:{position(code, tb.tb_lasti)}")
            tb = tb.tb_next
        if isinstance(current, UnboundLocalError) and places:
            # Stock names the instruction before, once it has fused the two into one.
            places[-1] = places[-1].partition(":")[0]
        parts.append(f"{show(current)} at {' '.join(places)}")
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )
    return " <- ".join(parts)


def exhaust(generator: Generator[Any, Any, Any]) -> list[str]:
    """Take up to forty values."""
    return [show(v) for v, _ in zip(generator, range(40))]


def poke(generator: Generator[Any, Any, Any]) -> list[str]:
    """Drive a generator by send, throw and close."""
    out = []
    try:
        out.append(show(next(generator)))
        out.append(show(generator.send("sent")))
        out.append(show(generator.throw(OwnError("thrown"))))
        out.append(show(generator.send(None)))
    except Exception as error:
        out.append(trace_of(error))
    generator.close()
    return out


def half(generator: Generator[Any, Any, Any]) -> list[str]:
    """Take one value and drop the generator."""
    return [show(next(generator, "ended"))]


def make(kind: type) -> Any:
    """Instantiate with one, two or no arguments, whatever works."""
    for args in ((1,), (), (1, 2), (1, 2, 3)):
        try:
            return kind(*args)
        except TypeError:
            continue
    return None


def gc_collect() -> None:
    """Collect garbage (what it finds depends on when it ran before)."""
    gc.collect()


def trace_some() -> None:
    """Trace the next forty events of all frames, then stop."""
    left = [40]

    def tracer(frame: types.FrameType, event: str, arg: Any) -> Callable[..., Any] | None:
        left[0] -= 1
        if left[0] < 0:
            sys.settrace(None)
            return None
        return tracer

    sys.settrace(tracer)


class Meta(type):
    """A metaclass with attributes of its own."""

    kinds = 0

    def __call__(cls, *args: Any, **kw: Any) -> Any:
        """Count and make."""
        Meta.kinds += 1
        return super().__call__(*args, **kw)

    @property
    def p0(cls) -> str:
        """Give classes what their instances have as well."""
        return "p0 of Meta"

    def m2(cls, *args: Any) -> int:
        """Give classes a method."""
        return len(args)


class Descriptor:
    """A descriptor; odd ones are data descriptors."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Answer without looking at the instance."""
        return ("descriptor", self.kind, instance is None)

    def __set__(self, instance: Any, value: Any) -> None:
        """Store under another name, or refuse."""
        if self.kind == 2:
            raise AttributeError("read-only descriptor")
        instance.__dict__["stored"] = value


class Pause:
    """An awaitable that suspends once."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __await__(self) -> Generator[Any, Any, Any]:
        """Suspend, then return the value."""
        got = yield "pause"
        return self.value if got is None else got


async def pausing(value: Any) -> Any:
    """Suspend one level deeper."""
    return await Pause(value)


class Ticker:
    """An async iterator."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __aiter__(self) -> Ticker:
        return self

    async def __anext__(self) -> int:
        self.n -= 1
        if self.n < 0:
            raise StopAsyncIteration
        await Pause(self.n)
        return self.n


async def ticking(n: int) -> Any:
    """Yield n values as an async generator."""
    for i in range(n):
        await Pause(i)
        yield i


def drive(coroutine: Any) -> list[str]:
    """Run a coroutine, sending a value now and then."""
    out = []
    try:
        for turn in range(40):
            out.append(show(coroutine.send(None if turn % 4 else None)))
        coroutine.close()
    except StopIteration as stop:
        out.append("returned " + show(stop.value))
    return out


def count_objects() -> Counter[str]:
    """Count the tracked objects per type."""
    return Counter(type(o).__name__ for o in gc.get_objects())


def describe_ending(error: BaseException) -> str:
    """Describe the exception that ended a program, with the traceback as people read it."""
    if isinstance(error, RecursionError):
        return "RecursionError"
    short = trace_of(error)
    if "UnboundLocalError" in short:
        return short
    lines = traceback.format_exception(type(error), error, error.__traceback__, limit=-8)
    return short + "\n" + "".join(lines)[-4000:]


def observe(text: str) -> dict[str, Any]:
    """Run a program and describe everything that can be seen of it."""
    linecache.cache[FILE] = (len(text), None, text.splitlines(True), FILE)
    world = World()
    ending = ""
    namespace = world.namespace()
    gc.collect()
    before = count_objects()
    limit = sys.getrecursionlimit()
    unraisable: list[str] = []
    hook = sys.unraisablehook
    sys.unraisablehook = lambda info: unraisable.append(
        trace_of(info.exc_value) if info.exc_value else "none"
    )
    try:
        sys.setrecursionlimit(250)
        exec(compile(text, FILE, "exec"), namespace)
    except BaseException as error:
        sys.settrace(None)
        ending = describe_ending(error)
        error.__traceback__ = None
    finally:
        sys.settrace(None)
        sys.setrecursionlimit(limit)
    world.log("end")
    namespace.clear()
    gc.collect()
    sys.unraisablehook = hook
    world.log("collected")
    after = count_objects()
    left = {k: v - before[k] for k, v in after.items() if v != before[k]}
    return {
        "log": [ADDRESS.sub("0x…", r) for r in world.records],
        "ending": ADDRESS.sub("0x…", ending),
        "sentinels": [sys.getrefcount(s) for s in world.sentinels],
        "unraisable": unraisable,
        "left": {
            k: v
            for k, v in sorted(left.items())
            if k
            in (
                "list",
                "dict",
                "tuple",
                "frame",
                "generator",
                "cell",
                "function",
                "coroutine",
                "traceback",
                "method",
            )
            or k.startswith("C")
        },
    }
