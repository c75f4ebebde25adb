"""Mutated code objects: what stock survives, the engine must survive.

Usage as a child: fuzz_bytecode.py stock|engine SEED COUNT (one line per mutant, flushed)
For people: fuzz_bytecode.py show SEED (what was changed in which function)

How it works: functions of a small zoo get single bytes, constants, tables, flags and sizes
changed through ``CodeType.replace``. Each mutant is called in a process of its own (a fork of
the child). Most mutants crash stock as well; only where stock ends in an orderly way is a crash
under the engine a finding.

What must stay true: outcomes other than crashes are not compared: nobody defined them.
"""

from __future__ import annotations

import difflib
import dis
import os
import random
import resource
import signal
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

ORDERLY = {"ok", "exception"}


def zoo() -> list[tuple[Callable[..., object], tuple[object, ...]]]:
    """Return functions to mutate, with arguments."""

    def loop(n, items=(1, 2)):
        total = 0
        for i in range(n):
            total += i if i in items else len(items)
        return total

    def handler(x):
        try:
            return x[0] / x[1]
        except (ZeroDivisionError, TypeError) as error:
            return str(error)
        finally:
            x = None

    def caller(a, *rest, k=1, **kw):
        return [f"{a}{k}", max(*rest, k), dict(kw, z=a), (lambda q: q + k)(2)]

    def generator(n):
        for i in range(n):
            got = yield i
            if got:
                return got

    def attributes(o):
        o.x = o.y = 1
        o.x += 2
        return o.x, o.__class__, [v for v in (o.x, o.y) if v]

    def matcher(v):
        match v:
            case [a, *b]:
                return a, b
            case {"k": c}:
                return c
        with open(os.devnull) as stream:
            return stream.read()

    def drive(n):
        return list(generator(n))

    return [
        (loop, (30,)),
        (handler, ([1, 0],)),
        (handler, (5,)),
        (caller, (1, 2, 3)),
        (drive, (9,)),
        (attributes, (types.SimpleNamespace(),)),
        (matcher, ([1, 2],)),
        (matcher, (3,)),
        (generator, (4,)),
    ]


def mutate(code: types.CodeType, rnd: random.Random) -> types.CodeType:
    """Return `code` with something small changed."""
    raw = bytearray(code.co_code)
    kind = rnd.randrange(12)
    if kind < 4:
        raw[rnd.randrange(0, len(raw), 2) + 1] = rnd.choice(
            [0, 1, 2, 3, 5, 255, rnd.randrange(256)]
        )
    elif kind < 7:
        raw[rnd.randrange(0, len(raw), 2)] = rnd.choice([9, 1, 83, 100, 124, rnd.randrange(180)])
    elif kind == 7:
        at = rnd.randrange(0, len(raw), 2)
        raw[at:at] = bytes([rnd.choice([9, 144, 1, 100]), rnd.randrange(4)])
    elif kind == 8:
        table = bytearray(code.co_exceptiontable or b"\x81\x02\x05\x00")
        table[rnd.randrange(len(table))] = rnd.randrange(256)
        return code.replace(co_exceptiontable=bytes(table))
    elif kind == 9:
        return code.replace(
            co_flags=code.co_flags ^ rnd.choice([1, 2, 4, 8, 0x20, 0x80, 0x100, 0x200])
        )
    elif kind == 10:
        return code.replace(
            co_consts=code.co_consts[::-1],
            co_stacksize=code.co_stacksize + rnd.choice([0, 1, 100, 10_000]),
        )
    else:
        table = bytearray(code.co_linetable)
        table[rnd.randrange(len(table))] = rnd.randrange(256)
        return code.replace(co_linetable=bytes(table))
    return code.replace(co_code=bytes(raw))


def make_mutant(seed: int) -> tuple[Callable[..., object], tuple[object, ...], types.CodeType]:
    """Return a function of the zoo, its arguments and a mutated version of its code."""
    rnd = random.Random(seed)
    function, args = rnd.choice(zoo())
    code = function.__code__
    for _ in range(rnd.choice([1, 1, 2])):
        code = mutate(code, rnd)
    return function, args, code


def list_units(raw: bytes) -> list[str]:
    """List code units without looking anything up: a mutant's arguments may point nowhere."""
    return [f"{i} {dis.opname[raw[i]]} {raw[i + 1]}" for i in range(0, len(raw), 2)]


def show_mutant(seed: int) -> None:
    """Print what a seed changes."""
    function, args, code = make_mutant(seed)
    before = function.__code__
    print(f"{function.__name__}{args}")
    for name in ("co_flags", "co_stacksize", "co_consts", "co_exceptiontable", "co_linetable"):
        if getattr(before, name) != getattr(code, name):
            print(f"{name}: {getattr(before, name)!r} -> {getattr(code, name)!r}")
    if before.co_code != code.co_code:
        old, new = (list_units(c.co_code) for c in (before, code))
        print(*difflib.unified_diff(old, new, "stock's", "mutant", lineterm=""), sep="\n")


def run_mutant(seed: int) -> str:
    """Call one mutant; return ok or exception."""
    try:
        function, args, code = make_mutant(seed)
        mutant = types.FunctionType(
            code,
            {"__builtins__": __builtins__, "os": os},
            "mutant",
            function.__defaults__,
            tuple(types.CellType(1) for _ in code.co_freevars),
        )
        mutant.__kwdefaults__ = function.__kwdefaults__
        for _ in range(20):
            result = mutant(*args)
        if isinstance(result, types.GeneratorType):
            list(result)
    except BaseException:
        return "exception"
    return "ok"


def child(side: str, seed: int, count: int) -> None:
    """Fork once per mutant and print how each ended."""
    if "ASAN_OPTIONS" not in os.environ:  # (it maps terabytes)
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if side == "engine":
        import fullspeed

        fullspeed.enable()
    for number in range(seed, seed + count):
        pid = os.fork()
        if pid == 0:
            signal.alarm(3)
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 1)
            os.dup2(null, 2)
            os._exit(0 if run_mutant(number) == "ok" else 1)
        status = os.waitpid(pid, 0)[1]
        code = os.waitstatus_to_exitcode(status)
        name = {0: "ok", 1: "exception", -signal.SIGALRM: "hang"}.get(code, f"crash {code}")
        print(number, name, flush=True)


def outcomes(python: str, side: str, seed: int, count: int, env: dict[str, str]) -> dict[int, str]:
    """Return how each mutant ended on one side."""
    done = subprocess.run(
        [python, str(Path(__file__).resolve()), side, str(seed), str(count)],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    rows = (line.split(" ", 1) for line in done.stdout.splitlines())
    return {int(number): name for number, name in rows}


def find_crashes(
    python: str, engine: str, seed: int, count: int, env: dict[str, str], repeat: int = 3
) -> list[tuple[int, str, str]]:
    """List (seed, stock's end, engine's end) where only the engine crashes or hangs."""
    stock = outcomes(python, "stock", seed, count, env)
    ours = outcomes(python, engine, seed, count, env)
    found = []
    for number, before in stock.items():
        after = ours.get(number, "missing")
        if before in ORDERLY and after not in ORDERLY:
            # Stock may have been lucky: bad memory need not crash each time.
            again = [outcomes(python, "stock", number, 1, env)[number] for _ in range(repeat)]
            if all(end in ORDERLY for end in again):
                found.append((number, before, after))
    return found


if __name__ == "__main__":
    if sys.argv[1] == "show":
        show_mutant(int(sys.argv[2]))
        raise SystemExit
    child(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
