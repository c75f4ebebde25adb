"""`--bench`: the user's command, timed alternately with the baseline and with each level's code.

How it works: the wheel with all variants is installed into a throw-away environment. A first run
at each level is not counted: the dynamic loader writes down what it loads, so it is known that the
command uses the code of that level, and not some other copy of the package. Then come rounds: in
each the command runs once at every level, in an order that changes, each time as a new process.
What counts is the ratio of the two times within a round, since what disturbs a machine lasts
longer than that.

What must stay true: nothing is dropped or kept without having been measured; a command that
fails, does too little, or does not use the code is an error that says so; the raw times stay in
the build folder, for pyperf.
"""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fullspeed.variants import LEVELS, BuildError, label, need, project, report, wheel

SHORTEST = 0.2  # seconds; below, starting Python is most of what is measured
BATCH_SECONDS = 40.0
FEWEST, MOST = 9, 25  # rounds of a batch
LOOKS = 3  # batches, while there is no verdict
LOG_LINES = 15
DISABLE, ENABLE = "FULLSPEED_DISABLE_CPU_FEATURES", "FULLSPEED_ENABLE_CPU_FEATURES"
PROBE = "FULLSPEED_PROBE"


@dataclass(frozen=True)
class Request:
    """What --bench and the options beside it ask for."""

    command: tuple[str, ...]
    min_gain: float
    rounds: int | None  # None: as many as it takes
    requires: tuple[str, ...]


def read_gain(text: str) -> float:
    """The number of --min-gain: "3%" and "3" are 0.03."""
    try:
        gain = float(text.strip().removesuffix("%")) / 100
    except ValueError:
        gain = float("nan")
    if not -1 <= gain <= 100:
        raise ValueError(f"--min-gain wants a percentage, as 3%, not {text!r}")
    return gain


def read_request(options: object) -> Request | None:
    """What the options ask for; None: no --bench. A ValueError if they are wrong."""
    gain = read_gain(options.min_gain)
    if options.bench is None:
        return None
    command = tuple(shlex.split(options.bench))
    if not command:
        raise ValueError("--bench wants a command, as --bench 'python bench.py'")
    if options.bench_rounds is not None and options.bench_rounds < report.FEWEST_VALUES:
        raise ValueError(
            f"--bench-rounds wants a number from {report.FEWEST_VALUES}: fewer have no interval "
            f"of {report.CONFIDENCE:.0%} confidence"
        )
    return Request(command, gain, options.bench_rounds, tuple(options.bench_requires))


def check_levels(levels: list[str]) -> None:
    """A BuildError if this processor cannot run one of the levels."""
    from fullspeed import cpu

    best = (cpu.level() or label("v1")).rpartition("-")[2]
    beyond = [level for level in levels if level > best and best in LEVELS]
    if beyond:
        raise BuildError(
            f"--bench cannot measure {', '.join(beyond)}: this CPU, with the variables of this "
            f"environment, has {label(best) if best != 'v1' else 'x86-64'}. Take it out of "
            "--levels, or build where it is there."
        )


def variables(level: str | None, levels: tuple[str, ...] = LEVELS) -> dict[str, str]:
    """The environment in which an import takes this level at most."""
    above = levels[levels.index(level or "v1") + 1 :]
    taken = [os.environ.get(DISABLE, ""), f"X86_{above[0].upper()}" if above else ""]
    return {DISABLE: ",".join(word for word in taken if word)}


@contextlib.contextmanager
def environment(made: Path, requires: tuple[str, ...], log: Path) -> Iterator[dict[str, str]]:
    """A new environment with the wheel in it; gives the variables that lead programs there."""
    utils = need("packaging.utils")
    name = utils.parse_wheel_filename(made.name)[0]
    with contextlib.ExitStack() as stack:
        try:
            env = stack.enter_context(need("build.env").DefaultIsolatedEnv())
            env.install([f"{name} @ {made.resolve().as_uri()}", *requires])
        except subprocess.CalledProcessError as error:
            text = b"".join(part for part in (error.stdout, error.stderr) if part)
            log.write_bytes(text)
            lines = "\n".join(text.decode(errors="replace").strip().splitlines()[-LOG_LINES:])
            raise BuildError(
                f"{made.name} could not be installed into an environment of its own:\n{lines}"
            ) from None
        python = Path(env.python_executable)
        kept = {name: value for name, value in os.environ.items() if name != ENABLE}
        own = {"VIRTUAL_ENV": str(python.parents[1]), PROBE: "0"}  # a crash is an error here
        yield kept | dict(env.make_extra_environ()) | own


@dataclass
class Bench:
    """The command in its environment."""

    request: Request
    folder: Path
    env: dict[str, str]
    children: project.Children

    def time(self, level: str | None, **more: str) -> float:
        """Run the command at this level; the seconds that it took."""
        log = self.folder / "bench.log"
        env = self.env | variables(level) | more
        with open(log, "wb") as file:
            started = time.perf_counter()
            try:
                self.children.run(list(self.request.command), file, env=env)
            except OSError as error:
                raise BuildError(
                    f"the command of --bench cannot be run: {error.filename}: {error.strerror}"
                ) from None
            except subprocess.CalledProcessError as error:
                raise BuildError(self._failure(level, error.returncode, log)) from None
            return time.perf_counter() - started

    def _failure(self, level: str | None, code: int, log: Path) -> str:
        how = f"exit code {code}"
        if code < 0:
            how = f"ended by {signal.Signals(-code).name}"
        lines = log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        shown = "".join(f"\n  | {line}" for line in lines)
        return (
            f"the command of --bench ({shlex.join(self.request.command)}) failed with "
            f"{'the code for ' + label(level) if level else 'the baseline'}: {how}{shown}"
        )

    def loaded(self, level: str | None) -> str:
        """What the loader says when the command runs at this level."""
        trace = self.folder / f"loaded-{level or 'baseline'}"
        for old in trace.parent.glob(f"{trace.name}.*"):
            old.unlink()
        self.time(level, LD_DEBUG="files", LD_DEBUG_OUTPUT=str(trace))
        found = sorted(trace.parent.glob(f"{trace.name}.*"))
        text = "\n".join(path.read_text(errors="replace") for path in found)
        for path in found:
            path.unlink()
        return text


def _check_use(bench: Bench, chosen: list[wheel.Module], levels: list[str]) -> list[str]:
    """Run the command once at each level, and see that it uses the code of that level; returns
    the modules that it does not load."""
    wanted: set[str] = set()
    seen: set[str] = set()
    for level in [None, *levels]:
        text = bench.loaded(level)
        name = label(level) if level else wheel.BASELINE
        for module in chosen:
            if level is None or level in module.levels:
                wanted.add(module.path)
                if re.search(
                    rf"calling init: .*/{re.escape(module.stem)}\.{name}\.so$", text, re.M
                ):
                    seen.add(module.path)
                elif module.path in seen:
                    raise BuildError(
                        f"the command of --bench does not load the code of {module.path} for "
                        f"{name}: does it set {DISABLE} itself?"
                    )
        if not seen:
            raise BuildError(
                f"the command of --bench ({shlex.join(bench.request.command)}) loads none of the "
                f"modules that have variants ({', '.join(sorted(wanted)[:3])}): either it does "
                "not import them, or it finds another copy first, as one in its own folder. "
                "`python` in it has to be the one of the environment that the wheel is in."
            )
    return sorted(wanted - seen)


def _round(bench: Bench, sides: list[str | None], number: int) -> dict[str | None, float]:
    """Every side once, in an order that changes from round to round."""
    at = number // 2 % len(sides)
    order = sides[at:] + sides[:at]
    times = {side: bench.time(side) for side in (order if number % 2 == 0 else order[::-1])}
    if times[None] < SHORTEST:
        raise BuildError(
            f"the command of --bench ({shlex.join(bench.request.command)}) takes "
            f"{times[None]:.2f} s, much of which is Python's own start: let it do more, so that "
            f"it takes {SHORTEST} s at the least (better some seconds)"
        )
    return times


def measure(bench: Bench, levels: list[str], say: object) -> report.Measured:
    """Rounds, until there is a verdict on each level, or as many as were asked for."""
    sides: list[str | None] = [None, *levels]
    wanted, gain = bench.request.rounds, bench.request.min_gain
    looks = LOOKS if wanted is None else 1
    rows: list[dict[str | None, float]] = []
    batch = wanted or 0
    for look in range(looks):
        while not batch or len(rows) < batch * (look + 1):
            rows.append(_round(bench, sides, len(rows)))
            if not batch:
                seconds = sum(rows[0].values())
                batch = max(FEWEST, min(MOST, int(BATCH_SECONDS / seconds)))
                say(f"a round takes {seconds:.1f} s; {batch} rounds come first")
        measured = report.Measured(rows, looks)
        if all(measured.decided(level, gain) for level in levels):
            break
        if look + 1 < looks:
            say(f"no verdict on every level after {len(rows)} rounds; {batch} more")
    return measured


def run(
    request: Request, made: Path, chosen: list[wheel.Module], folder: Path,
    children: project.Children, say: object,
) -> report.Measured:  # fmt: skip
    """Measure the levels that the modules have."""
    levels = sorted({level for module in chosen for level in module.levels})
    folder.mkdir(parents=True, exist_ok=True)
    with environment(made, request.requires, folder / "install.log") as env:
        bench = Bench(request, folder, env, children)
        for path in _check_use(bench, chosen, levels):
            say(f"the command of --bench does not load {path}: the others speak for it")
        measured = measure(bench, levels, say)
    measured.keep(folder / "bench.json", shlex.join(request.command))
    measured.check_noise(levels, request.min_gain)
    return measured
