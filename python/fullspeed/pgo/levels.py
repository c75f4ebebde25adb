"""`fullspeed build --pgo CMD`: the builds of all levels are optimised with one profile.

How it works: one instrumented wheel is built, for the best of the wanted levels that this CPU has,
and CMD is run with it. Functions are counted as they stand in the source, before anything that
depends on the level is done with them; so the profile is as good for the other levels. Only code
that the project itself chooses by level (#ifdef __AVX2__) differs: functions that are different
at another level are built there without the profile, and named.

What must stay true: a level whose build did not use the profile at all fails.
"""

import argparse
import dataclasses
import shlex
import shutil

from fullspeed.pgo import compilers, flags, train, verify
from fullspeed.pgo import profile as profiles
from fullspeed.pgo.work import Work, counting_modules
from fullspeed.variants import BuildError, label, project
from fullspeed.variants.steps import say, step


def read_command(text: str) -> list[str]:
    """The words of --pgo."""
    words = shlex.split(text)
    if not words:
        raise ValueError("--pgo wants a command, as --pgo='python train.py'")
    return words


def _best(levels: list[str]) -> str | None:
    """The best of the levels that this CPU has; None: it has none of them."""
    from fullspeed import cpu

    return max((level for level in levels if label(level) <= cpu.level()), default=None)


def trained(
    plan: project.Plan, levels: list[str], options: argparse.Namespace, children: project.Children
) -> project.Plan:
    """The plan with a profile of the command."""
    compiler = compilers.usable()
    work = Work(plan.folder.resolve(), children)
    command = read_command(options.pgo)
    best = _best(levels)
    made = work.instrumented(plan, compiler, best)
    counting, _ = counting_modules(compiler, made)
    if not counting:
        raise BuildError(
            f"nothing in {made.name} counts: the project's build does not look at CFLAGS and "
            "LDFLAGS, so it cannot have --pgo"
        )
    run = work.run(compiler, plan.digest, str(work.home / flags.RAW), counting)
    old = train.read_facts(work.profile)
    if old is not None and (old.wheel, old.commands) == (run.wheel_digest, [command]):
        say("the profile is there already")
        digest = old.digest
    else:
        digest = _train(work, run, command, best, options.pgo_with)
    use = flags.Use(compiler, plan.source, work.profile, digest)
    return dataclasses.replace(plan, folder=work.home, profile=use)


def _train(
    work: Work, run: train.Run, command: list[str], best: str | None, more: list[str]
) -> str:
    """Run the command; returns the profile's digest."""
    with step("making an environment with the instrumented wheel"):
        environment = train.make_environment(work.home / "environment", run.wheel, more, hook=True)
    try:
        with step(f"training at {label(best) if best else 'the baseline'}"):
            return train.collect(run, environment, command, work.profile, False).digest
    finally:
        shutil.rmtree(environment.folder, ignore_errors=True)


def report(plan: project.Plan, levels: list[str]) -> None:
    """Say what became of the profile at each level; an error where it was not used at all."""
    use: flags.Use = plan.profile
    work = Work(plan.folder, project.Children())
    read = profiles.read(use.compiler, use.profile, profiles.read_notes(use.compiler, work.notes))
    ran = sum(1 for counters in read.values() if any(counters))
    for level in (None, *levels):
        name = level or "baseline"
        found = verify.read(use.compiler, plan.folder / name, use.profile)
        try:
            verify.refuse_unused(found, read)
        except BuildError as error:
            (plan.folder / name / "stamp").unlink(missing_ok=True)
            raise BuildError(f"{name}: {error}") from None
        for sentence in verify.sentences(found):
            say(f"{name}: {sentence}")
    say(f"the profile was used at all levels: {ran} functions that ran")
