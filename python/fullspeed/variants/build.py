"""`fullspeed build`: a project once for every level, and one wheel of all.

    source ─▶ unpack ─▶ build baseline, v2, v3 ... ─▶ stubs ─▶ audit ─▶ merge ─▶ wheel
                                                                │
                          with --bench: drop levels ◀─ measure ◀┘

How it works: each step says on stderr what it does and how long it took; on stdout stands the
path of the wheel, or one path a line, and nothing else. Everything happens in the build folder;
the wheel comes under its name at the very end.

What must stay true: a failing level, a violation, an interrupt leave no wheel; what was built
stays in the build folder, if the user named one, and is used by the next run.
"""

import argparse
import contextlib
import os
import shlex
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fullspeed.pgo import levels as pgo
from fullspeed.variants import (
    LEVELS,
    BuildError,
    audit,
    bench,
    elf,
    label,
    need,
    packages,
    project,
    report,
    source,
    wheel,
)
from fullspeed.variants.steps import build_folder, read_settings, source_archive
from fullspeed.variants.steps import fresh as _fresh
from fullspeed.variants.steps import say as _say
from fullspeed.variants.steps import step as _step
from fullspeed.variants.stub import StubCompiler

SHOWN = 10  # findings of the audit


def read_levels(text: str) -> list[str]:
    """The levels of --levels, each once, the lowest first."""
    words = [word.strip().removeprefix("x86-64-") for word in text.split(",")]
    wrong = [word for word in words if word not in LEVELS[1:]]
    if wrong:
        raise ValueError(f"--levels names {wrong[0]!r}; levels are {', '.join(LEVELS[1:])}")
    return sorted(set(words))


def _build_all(
    plan: project.Plan, levels: list[str], jobs: int, children: project.Children
) -> dict[str | None, Path]:
    """The wheel of every level, and of the baseline (None)."""
    wanted: list[str | None] = [None, *levels]
    done = {level: project.built(plan, level) for level in wanted}
    for level, path in done.items():
        if path is not None:
            _say(f"{level or 'baseline'} is built already")
    missing = [level for level in wanted if done[level] is None]
    if not missing:
        return done
    with contextlib.ExitStack() as stack:
        if plan.isolated:
            with _step("installing what the project's build needs"):
                env = stack.enter_context(project.build_environment(plan, children))
        else:
            env = stack.enter_context(project.build_environment(plan, children))

        def make(level: str | None) -> Path:
            what = f"building for {label(level)}" if level else "building the baseline"
            with _step(what):
                try:
                    return project.make_wheel(plan, level, env, children)
                except BuildError as error:
                    raise BuildError(f"{what} failed: {error}") from None

        with ThreadPoolExecutor(max(1, jobs)) as pool:
            futures = {level: pool.submit(make, level) for level in missing}
            try:
                for level, future in futures.items():
                    done[level] = future.result()
            except BaseException:
                children.stop()
                pool.shutdown(cancel_futures=True)
                raise
    return done


def check_code(module: wheel.Module, stub: bytes) -> list[str]:
    """Audit a module's code at all levels; a BuildError at a violation. What else is worth
    knowing is returned as sentences."""
    sentences = []
    lowest = label("v1")
    if audit.findings(elf.read(stub, "the import stub", with_code=True), lowest):
        raise BuildError("the import stub has code beyond x86-64-v1: does CC have a -march=?")
    baseline = audit.findings(elf.read(module.baseline, module.path, with_code=True), lowest)
    at_start = [row for row in baseline if row.function == module.init]
    if at_start:
        raise BuildError(
            f"the baseline of {module.path} needs more than x86-64-v1 from its first instruction: "
            f"{at_start[0]}. The project's build, or CFLAGS, have a -march= or the like: take it "
            "out, or the wheel would not run everywhere."
        )
    if baseline:
        features = sorted({row.feature for row in baseline})
        sentences.append(
            f"{module.path}: the baseline has code for {' '.join(features)} in "
            f"{len({row.function for row in baseline})} functions ({baseline[0]}); that is right "
            "only if the project asks the processor itself before it calls them"
        )
    for level, code in module.levels.items():
        library = elf.read(code, module.path, with_code=True)
        violations, _ = audit.split(audit.findings(library, label(level)), baseline)
        if violations:
            more = len(violations) - SHOWN
            lines = "\n".join(f"  {row}" for row in violations[:SHOWN])
            raise BuildError(
                f"{module.path} for {label(level)} has instructions that this level does not "
                f"promise:\n{lines}\n"
                + (f"  and {more} more\n" if more > 0 else "")
                + "Take the flag for them out of --flags, CFLAGS or the project's build files."
            )
    return sentences


def _notes(
    options: argparse.Namespace, chosen: list[wheel.Module], found: dict[str, Any] | None
) -> dict[str, Any]:
    """What is kept in the wheel's metadata; found: the report of --bench."""
    import fullspeed

    levels = sorted({level for module in chosen for level in module.levels})
    notes = {
        "version": 1,
        "made by": f"fullspeed {fullspeed.__version__}",
        "levels": levels,
        "pgo": options.pgo,
        "flags": {
            level: project.environment(level, options.flags, {})["CFLAGS"] for level in levels
        },
        "modules": {
            module.path: {
                "baseline": len(module.baseline),
                **{level: len(code) for level, code in module.levels.items()},
            }
            for module in chosen
        },
    }
    return notes if found is None else notes | {"report": found}


def _stubs(chosen: list[wheel.Module], folder: Path, tag: str = "") -> dict[str, bytes]:
    """The import stubs by the path of their module; tag: as of packages.py."""
    if not chosen:
        return {}
    with _step(f"compiling {len(chosen)} import stubs"):
        compiler = StubCompiler(_fresh(folder / "stubs"))
        return {module.path: compiler.make(module.init, module.levels, tag) for module in chosen}


def _measure(
    request: bench.Request, plan: project.Plan, merged: wheel.Wheel, chosen: list[wheel.Module],
    children: project.Children,
) -> dict[str, Any]:  # fmt: skip
    """The report of --bench."""
    from fullspeed import cpu

    folder = _fresh(plan.folder / "bench")
    (made,) = wheel.write([merged], folder / "dist")
    with _step("measuring every level"):
        measured = bench.run(request, made, chosen, folder, children, _say)
    costs = {
        level or "baseline": {
            "bytes": sum(len(m.levels.get(level, b"") if level else m.baseline) for m in chosen),
            "build seconds": project.seconds(plan, level),
        }
        for level in measured.rounds[0]
    }
    command = shlex.join(request.command)
    found = report.make(measured, request.min_gain, command, cpu.collect()["cpu"], costs)
    _say(report.as_text(found))
    return found


def drop(chosen: list[wheel.Module], found: dict[str, Any]) -> list[wheel.Module]:
    """The modules with what the report has as kept, without those that nothing is left of."""
    for module in chosen:
        module.levels = {
            level: code for level, code in module.levels.items() if found["levels"][level]["kept"]
        }
    return [module for module in chosen if module.levels]


def _make(options: argparse.Namespace, folder: Path, children: project.Children) -> list[Path]:
    """All steps; returns the paths of the wheels."""
    levels, request = read_levels(options.levels), bench.read_request(options)
    if request is not None:
        bench.check_levels(levels)
    archive = source_archive(options, folder, children)
    unpacked = source.unpack(archive, _fresh(folder / "source"))
    plan = project.Plan(
        unpacked, folder, project.tree_digest(unpacked), options.flags,
        read_settings(options.config_setting), not options.no_isolation,
    )  # fmt: skip
    if options.pgo is not None:
        plan = pgo.trained(plan, levels, options, children)
    paths = _build_all(plan, levels, options.jobs, children)
    if options.pgo is not None:
        pgo.report(plan, levels)
    wheels = {level: wheel.read(path) for level, path in paths.items()}
    baseline = wheels.pop(None)
    chosen, sentences = wheel.modules(baseline, wheels)
    for sentence in sentences:
        _say(sentence)
    if not chosen:
        raise BuildError(
            f"{baseline.name} has no extension module that differs between the levels: it has "
            "none at all, or its build does not look at CFLAGS. pip's own wheel is as good."
        )
    stubs, found = _stubs(chosen, folder), None
    with _step("checking the instructions of every variant"):
        for module in chosen:
            for sentence in check_code(module, stubs[module.path]):
                _say(sentence)
    if request is not None:
        merged = wheel.merge(baseline, chosen, stubs, _notes(options, chosen, None))
        found = _measure(request, plan, merged, chosen, children)
        chosen = drop(chosen, found)
        if not chosen:
            _say("no level pays: the wheel has the baseline only")
    return wheel.write(_results(options, baseline, chosen, stubs, found, folder), options.output)


def _results(
    options: argparse.Namespace, baseline: wheel.Wheel, chosen: list[wheel.Module],
    stubs: dict[str, bytes], found: dict[str, Any] | None, folder: Path,
) -> list[wheel.Wheel | wheel.Plain]:  # fmt: skip
    """What is written, in the form that was asked for."""
    notes = _notes(options, chosen, found)
    if options.variant_wheels:
        return packages.variant_wheels(baseline, chosen, notes)
    if options.split:
        stubs = _stubs(chosen, folder, packages.tag(baseline))
        return packages.split(baseline, chosen, stubs, notes)
    if found is not None:  # levels may have gone
        stubs = _stubs(chosen, folder)
    return [wheel.merge(baseline, chosen, stubs, notes)]


def run(options: argparse.Namespace) -> int:
    """The command; its exit code."""
    children = project.Children()
    read_levels(options.levels), read_settings(options.config_setting)  # wrong usage: at once
    bench.read_request(options)
    shlex.split(options.flags)
    if options.pgo is not None:
        pgo.read_command(options.pgo)
    if options.jobs < 1:
        raise ValueError(f"--jobs wants a number from 1, not {options.jobs}")
    if os.uname().machine != "x86_64":
        _say(f"levels are x86-64's, and this is {os.uname().machine}")
        return 1
    try:
        for name in ("build", "packaging", "elftools", "capstone"):
            need(name)
        if options.bench is not None:
            need("pyperf")
        # What back ends warn their developers of; it is no matter of whoever builds.
        hooks = need("pyproject_hooks")
        warnings.simplefilter("ignore", getattr(hooks, "BuildBackendWarning", ResourceWarning))
        with build_folder(options.build_dir) as folder:
            paths = _make(options, folder, children)
    except BuildError as error:
        _say(str(error))
        return 1
    except OSError as error:
        _say(f"{error.filename or 'a file'}: {error.strerror or error}")
        return 1
    except KeyboardInterrupt:
        children.stop()
        _say("stopped; no wheel was made")
        return 130
    for path in paths:
        print(path)
    return 0
