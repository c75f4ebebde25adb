"""Runs one program of the corpus in this process, with or without the engine.

Usage: drive.py stock|engine PROGRAM [STATS_FILE]

How it works: both sides go through this same file, so that the stack below the program, and
with it every traceback and recursion limit, is the same. With ``engine`` the engine is enabled
first, and its counts are written to STATS_FILE when the process ends.

What must stay true: nothing here may be visible to the program but `sys.argv` and the frames of
this module, which are equal on both sides.
"""

import atexit
import sys


def write_stats(path: str) -> None:
    """Write what the engine counted, as JSON (the globals are the program's by now)."""
    import io
    import json

    import fullspeed

    with io.open(path, "w", encoding="utf-8") as stream:  # noqa: UP020
        json.dump(fullspeed.stats(), stream)


def main() -> None:
    """Run the program that the command line names."""
    side, program, *rest = sys.argv[1:]
    sys.argv[:] = [program]
    with open(program, encoding="utf-8") as stream:
        code = compile(stream.read(), program, "exec", dont_inherit=True)
    namespace = sys.modules["__main__"].__dict__
    for name in ("main", "write_stats", "atexit"):
        del namespace[name]
    namespace["__file__"] = program
    namespace["__doc__"] = None
    if side == "engine":
        import fullspeed

        fullspeed.enable()
        if not fullspeed.is_enabled():
            raise SystemExit("the engine did not come on")
        if rest:
            atexit_register(write_stats_kept, rest[0])
    exec(code, namespace)


atexit_register, write_stats_kept = atexit.register, write_stats
main()
