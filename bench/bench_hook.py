"""Runs at the start of every process of a benchmark, on both sides of the comparison.

A copy of this file lies in the benchmarks' virtual environment as
`fullspeed_bench_hook`, where one line in a .pth file imports it when
FULLSPEED_BENCH_SIDE is set; so it also reaches the processes that a benchmark starts.

It turns the engine on (side "fullspeed"), and at exit appends one line of JSON to the
file FULLSPEED_BENCH_LOG: whether the engine was really on, what it did, and the
process's peak memory. Nothing of it runs while a benchmark is being timed, and both
sides do the same apart from the engine itself.

Variables: FULLSPEED_BENCH_SIDE ("stock" or "fullspeed"), FULLSPEED_BENCH_ENGINE (the
folder to import fullspeed from), FULLSPEED_BENCH_LOG, FULLSPEED_BENCH_CLOCK ("wall",
or "cpu": time.perf_counter then counts the CPU seconds of this process and its children).
"""

import atexit
import os
import sys


def _peak_memory() -> int:
    """Peak resident memory of this process, in bytes."""
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/self/status has no VmHWM")


def _use_cpu_clock() -> None:
    """Make time.perf_counter count CPU seconds, of waited-for children too."""
    import resource
    import time

    own, usage, children = time.process_time, resource.getrusage, resource.RUSAGE_CHILDREN

    def perf_counter() -> float:
        used = usage(children)
        return own() + used.ru_utime + used.ru_stime

    time.perf_counter = perf_counter


def _engine_on() -> object:
    """Import fullspeed from where the measurement says and turn it on."""
    folder = os.environ["FULLSPEED_BENCH_ENGINE"]
    sys.path.insert(0, folder)
    try:
        import fullspeed
    finally:
        sys.path.remove(folder)
    fullspeed.enable()
    if not fullspeed.is_enabled():
        raise RuntimeError("fullspeed.enable() did not turn the engine on")
    return fullspeed


def _start(side: str) -> None:
    owner = os.getpid()
    if os.environ.get("FULLSPEED_BENCH_CLOCK") == "cpu":
        _use_cpu_clock()
    fullspeed = _engine_on() if side == "fullspeed" else None

    def report() -> None:
        if os.getpid() != owner:
            return
        peak = _peak_memory()
        import json

        line = {
            "pid": owner,
            "side": side,
            "argv": sys.argv[:2],
            "enabled": bool(fullspeed and fullspeed.is_enabled()),
            "stats": fullspeed.stats() if fullspeed else {},
            "peak": peak,
        }
        data = (json.dumps(line, default=str) + "\n").encode()
        log = os.open(os.environ["FULLSPEED_BENCH_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(log, data)
        os.close(log)

    atexit.register(report)


if "FULLSPEED_BENCH_SIDE" in os.environ:
    _start(os.environ["FULLSPEED_BENCH_SIDE"])
