"""Runs one program of the corpus in this process, with or without the engine.

Usage: drive.py stock|engine PROGRAM [MODE [STATS_FILE]]

MODE makes life harder: gc (a collection at every allocation of a container), trace and profile
(hooks that do nothing), switch (a second thread takes the GIL as often as it can), or plain.

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


def set_mode(mode: str) -> None:
    """Make life as hard as `mode` says."""
    import gc
    import threading

    def tracer(*event: object) -> object:
        return tracer

    def spin() -> None:
        while True:
            pass

    if mode == "gc":
        gc.set_threshold(1, 1, 1)
    elif mode == "trace":
        sys.settrace(tracer)
    elif mode == "profile":
        sys.setprofile(tracer)
    elif mode == "switch":
        sys.setswitchinterval(1e-5)
        threading.Thread(target=spin, daemon=True).start()
    elif mode != "plain":
        raise SystemExit(f"no such mode: {mode}")


def main() -> None:
    """Run the program that the command line names."""
    side, program, mode, *rest = [*sys.argv[1:], "plain"][: max(3, len(sys.argv) - 1)]
    sys.argv[:] = [program]
    with open(program, encoding="utf-8") as stream:
        code = compile(stream.read(), program, "exec", dont_inherit=True)
    namespace = sys.modules["__main__"].__dict__
    for name in ("main", "write_stats", "atexit", "set_mode"):
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
    set_mode_kept(mode)
    exec(code, namespace)


atexit_register, write_stats_kept, set_mode_kept = atexit.register, write_stats, set_mode
main()
