"""What a profile gains: the user's command with the one wheel and with the other, in turns.

How it works: each round runs the command once with each, and the order changes from round to
round, so that neither what else the machine does nor a processor that gets warm favours one side.
A round gives a ratio; the gain is their geometric mean, with the interval of Student's t at 95 %
(pyperf's table). Whether it is significant is pyperf's own test over all times.

What must stay true: both sides run the same command in the same way; times of a command that
failed are never used.
"""

import math
import resource
import shlex
import time
from dataclasses import dataclass

from fullspeed.pgo import train
from fullspeed.variants import need
from fullspeed.variants.steps import say

SHORT = 0.2  # seconds: below, the start of Python is most of it


@dataclass(frozen=True)
class Gain:
    """The result: times in seconds, ratios plain / optimised."""

    plain: list[float]
    optimised: list[float]

    @property
    def logs(self) -> list[float]:
        """The logarithms of the rounds' ratios."""
        return [math.log(a / b) for a, b in zip(self.plain, self.optimised, strict=True)]

    @property
    def ratio(self) -> float:
        """How many times as fast."""
        return math.exp(sum(self.logs) / len(self.logs))

    @property
    def bounds(self) -> tuple[float, float]:
        """The interval of the ratio at 95 %."""
        logs = self.logs
        mean = sum(logs) / len(logs)
        variance = sum((one - mean) ** 2 for one in logs) / (len(logs) - 1)
        factor = need("pyperf._utils").tdist95conf_level(len(logs) - 1)
        half = factor * math.sqrt(variance / len(logs))
        return math.exp(mean - half), math.exp(mean + half)

    @property
    def significant(self) -> bool:
        """Whether the difference is, by pyperf's test."""
        pyperf = need("pyperf")
        facts = {"metadata": {"name": "command"}, "collect_metadata": False}
        made = [
            pyperf.Benchmark([pyperf.Run([value], **facts) for value in values])
            for values in (self.plain, self.optimised)
        ]
        return bool(need("pyperf._compare").is_significant_benchs(*made)[0])


def _once(environment: train.Side, command: list[str], clock: str) -> float:
    """The seconds that one run of the command takes."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    train.run(environment, command, {}, quiet=True)
    wall = time.perf_counter() - started
    if clock == "wall":
        return wall
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return max(now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime, 1e-6)


def measure(
    plain: train.Side,
    optimised: train.Side,
    command: list[str],
    rounds: int,
    clock: str,
) -> Gain:
    """Run the command in both environments in turns."""
    sides = (plain, optimised)
    first = [_once(side, command, clock) for side in sides]  # files are read, caches filled
    if min(first) < SHORT:
        say(f"{shlex.join(command)} takes {min(first):.2f} s only, and starting Python is in it: "
            "a longer one tells more")  # fmt: skip
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        order = (0, 1) if number % 2 == 0 else (1, 0)
        for side in order:
            times[side].append(_once(sides[side], command, clock))
        ratio = times[0][-1] / times[1][-1]
        say(f"round {number + 1} of {rounds}: {times[0][-1]:.3f} s without, {times[1][-1]:.3f} s "
            f"with the profile: {ratio:.3f} times as fast")  # fmt: skip
    return Gain(*times)


def as_text(gain: Gain, clock: str) -> str:
    """The result as lines for people."""
    low, high = gain.bounds
    kinds = {"wall": "time", "cpu": "CPU time"}
    rows = [
        (f"{name:22}", sum(values) / len(values), math.dist(values, [sum(values) / len(values)]
         * len(values)) / math.sqrt(len(values) - 1))
        for name, values in (("without the profile", gain.plain), ("with it", gain.optimised))
    ]  # fmt: skip
    lines = [f"{name} {mean:.4f} s ± {spread:.4f} s {kinds[clock]}" for name, mean, spread in rows]
    sure = "significant" if gain.significant else "not significant"
    lines.append(
        f"the profile makes it {gain.ratio:.3f} times as fast "
        f"(95 %: {low:.3f} to {high:.3f}; {len(gain.plain)} pairs; {sure})"
    )
    return "\n".join(lines)


def as_facts(gain: Gain, clock: str) -> dict[str, object]:
    """The result as JSON has it."""
    return {
        "clock": clock,
        "seconds without": gain.plain,
        "seconds with": gain.optimised,
        "ratio": gain.ratio,
        "interval": list(gain.bounds),
        "significant": gain.significant,
    }
