"""Child of the fuzzer: observes many programs in one process, with or without the engine.

Usage: fuzz_child.py stock|engine PROGRAMS.json RESULTS.jsonl START

How it works: a line ``{"begin": i}`` goes out before program i and its record after it, so that the
parent knows which program a crash belongs to.

What must stay true: both sides import and do the same, but for enabling the engine.
"""

import faulthandler
import json
import os
import resource
import signal
import sys

sys.path.insert(0, __file__.rpartition("/")[0])

import fuzz_world

# The engine is given longer: a program that stock only just ends may not count as one that hangs.
SECONDS_PER_PROGRAM = {"stock": 10, "engine": 30}
# Bytes on top of what the process has: who wants more meets MemoryError soon, not after seconds
# of page faults.
MEMORY = 1 << 30
WARM_UP = """
import math, os.path
log([x for x in exhaust(i for i in (1, 2))])
log(drive(ticker()) if 0 else f'{math.pi!r:>5}')
undefined
"""


class TookTooLong(BaseException):
    """Raised by the alarm."""


class Alarm:
    """Ends a program that hangs, and remembers it: what is raised may be caught on its way."""

    rang = False

    def __call__(self, signum: int, frame: object) -> None:
        """Note that time is over; raise."""
        self.rang = True
        raise TookTooLong


def main() -> None:
    """Observe the programs from START on."""
    side, programs_path, results_path, start = sys.argv[1:5]
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with open(programs_path, encoding="utf-8") as stream:
        programs = json.load(stream)
    alarm = Alarm()
    signal.signal(signal.SIGALRM, alarm)
    if side == "engine":
        import fullspeed

        fullspeed.enable()
        if not fullspeed.is_enabled():
            raise SystemExit("the engine did not come on")
    for _ in range(3):  # what the first program of a process leaves behind is not its own
        fuzz_world.observe(WARM_UP)
    if "ASAN_OPTIONS" not in os.environ:  # (it maps terabytes)
        with open("/proc/self/statm", encoding="ascii") as stream:
            limit = int(stream.read().split()[0]) * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    with open(results_path, "a", encoding="utf-8") as out:
        for index in range(int(start), len(programs)):
            print(json.dumps({"begin": index}), file=out, flush=True)
            alarm.rang = False
            signal.alarm(SECONDS_PER_PROGRAM[side])
            try:
                record = fuzz_world.observe(programs[index])
                signal.alarm(0)
            except TookTooLong:
                pass
            if alarm.rang:
                record = {"timeout": True}
            print(json.dumps({"index": index, "record": record}), file=out, flush=True)


main()
