"""`fullspeed pgo`: the commands, each a step of the same work folder.

What must stay true: stdout has a step's result and nothing else: the wheel's path, the gain, the
comparison; what is done stands on stderr. A step that fails takes nothing away.
"""

import argparse
import dataclasses
import json
import os
import shutil
import tempfile
import warnings
from pathlib import Path

from fullspeed.pgo import check, compilers, cpython, drift, flags, train, verify
from fullspeed.pgo import profile as profiles
from fullspeed.pgo.work import State, Work, check_compiler, counting_modules, open_compiler
from fullspeed.variants import BuildError, need, project, source
from fullspeed.variants.steps import build_folder, fresh, read_settings, say, step

UNPROFILED = "not-run.txt"
DRIFTED = 3


def _info(options: argparse.Namespace) -> int:
    """Compilers, tools, and the state of the work folder."""
    facts = {"compilers": [], "folder": str(options.dir), "state": None}
    names = [None, *(name for name in ("gcc", "clang") if shutil.which(name))]
    names += [f"clang-{n}" for n in range(30, 12, -1) if shutil.which(f"clang-{n}")]
    seen = set()
    for name in names:
        try:
            compiler = compilers.find(name)
        except BuildError as error:
            facts["compilers"].append({"command": name, "title": None, "missing": [str(error)]})
            continue
        if compiler.title in seen:
            continue
        seen.add(compiler.title)
        facts["compilers"].append({
            "command": " ".join(compiler.command), "title": compiler.title,
            "kind": compiler.kind, "version": compiler.version, "reader": compiler.reader,
            "missing": compilers.lacks(compiler),
        })  # fmt: skip
    facts["state"] = _state(options.dir)
    print(json.dumps(facts, indent=2) if options.json else _info_text(facts))
    return 0 if not facts["compilers"][0]["missing"] else 1


def _state(folder: Path) -> dict | None:
    """What there is in a work folder, without changing it."""
    if not (folder / "state.json").is_file():
        return None
    work = Work(folder.resolve(), project.Children())
    state = work.read_state()
    training = train.read_facts(work.profile)
    compiler = compilers.find(state.compiler)
    return {
        "project": state.what,
        "compiler": compiler.id,
        "modules": state.modules,
        "training": training and dataclasses.asdict(training),
        "optimised": (folder / "optimized" / "stamp").exists(),
        "variables for other processes": train.where_to(compiler, Path(state.raw), Path("FOLDER")),
    }


def _info_text(facts: dict) -> str:
    lines = []
    for number, row in enumerate(facts["compilers"]):
        used = "  (used, unless CC says otherwise)" if number == 0 else ""
        lines.append(f"{row['title'] or row['command']}{used}")
        if row["title"] is not None:
            lines.append(f"  command   {row['command']}")
            lines.append(f"  reader    {row['reader'] or '-'}")
        lines += [f"  missing   {text}" for text in row["missing"]]
        lines += [] if row["missing"] else ["  ready"]
    lines.append("")
    state = facts["state"]
    if state is None:
        lines.append(f"{facts['folder']}: nothing is built yet (fullspeed pgo build SRC)")
        return "\n".join(lines)
    lines.append(f"{facts['folder']}: {state['project']}, built with {state['compiler']}")
    lines.append(f"  counting  {' '.join(state['modules'])}")
    if state["training"] is None:
        lines.append("  profile   none yet (fullspeed pgo train -- COMMAND)")
    else:
        commands = "; ".join(" ".join(words) for words in state["training"]["commands"])
        lines.append(f"  profile   of {commands}")
        wheel = "built" if state["optimised"] else "not built yet (fullspeed pgo optimize)"
        lines.append(f"  wheel     {wheel}")
    words = " ".join(f"{k}={v}" for k, v in state["variables for other processes"].items())
    lines.append(f"  elsewhere, processes with the instrumented wheel write into FOLDER by {words}")
    return "\n".join(lines)


def _build(options: argparse.Namespace, work: Work) -> int:
    compiler = compilers.usable()
    unpacked = work.unpack(options)
    plan = work.plan(options, unpacked)
    made = work.instrumented(plan, compiler)
    counting, others = counting_modules(compiler, made)
    if not counting:
        shutil.rmtree(work.home / "instrumented")
        raise BuildError(
            f"nothing in {made.name} counts: the project has no extension module, or its build "
            "does not look at CFLAGS and LDFLAGS"
        )
    for name in others:
        say(f"{name} does not count: it stays as the project builds it")
    what = str(Path(options.what).resolve()) if source.is_local(options.what) else options.what
    work.write_state(State(
        what, " ".join(compiler.command), options.flags, options.config_setting,
        options.no_isolation, work.watched(what, unpacked), counting, str(work.home / flags.RAW),
    ))  # fmt: skip
    say(f"{', '.join(counting)} count now: `fullspeed pgo train -- COMMAND` is next")
    print(made)
    return 0


def _resume(
    options: argparse.Namespace, work: Work
) -> tuple[State, compilers.Compiler, project.Plan]:
    """What `pgo build` has left; options get what it was told."""
    state = work.read_state()
    for name in ("what", "flags", "config_setting", "no_isolation"):
        setattr(options, name, getattr(state, name))
    return state, open_compiler(state), work.plan(options, work.unpacked())


def _train(options: argparse.Namespace, work: Work) -> int:
    state, compiler, plan = _resume(options, work)
    target = options.output.resolve() if options.output else work.profile
    if options.output and target.exists() and not (target / train.FACTS).exists():
        if not target.is_dir() or any(target.iterdir()):
            raise BuildError(f"{target} is there, and is no profile: choose another --output")
    run = work.run(compiler, plan.digest, state.raw, state.modules)
    with step("making an environment with the instrumented wheel"):
        environment = train.make_environment(
            work.home / "environment", run.wheel, options.more, hook=True
        )
    try:
        with step("training"):
            train.collect(run, environment, options.arguments, target, options.add)
    finally:
        shutil.rmtree(environment.folder, ignore_errors=True)
    notes = profiles.read_notes(compiler, work.notes)
    read = profiles.read(compiler, target, notes)
    found = profiles.coverage(read, notes)
    ran = found.functions - len(found.not_run)
    (target / UNPROFILED).write_text(profiles.by_file(found.not_run))
    say(f"{ran} of {found.functions} functions ran; the others stand in {target / UNPROFILED}")
    if found.units_without:
        say(f"never loaded: {verify.some(found.units_without)}")
    if ran == 0:
        say("no function ran: the command imports the modules, and does nothing with them")
    print(target)
    return 0


def _optimize(options: argparse.Namespace, work: Work) -> int:
    state, compiler, plan = _resume(options, work)
    training = work.training()
    check_compiler(training, compiler)
    changed = work.changed(state)
    if changed and not options.stale:
        raise BuildError(
            f"{state.what} changed since `fullspeed pgo build`: {verify.some(changed)}. Build and "
            "train again, or say --stale: what still fits is used then"
        )
    if options.partial_training and compiler.kind != "gcc":
        raise BuildError(f"--partial-training is GCC's, and this is {compiler.id}")
    if changed:
        plan = work.plan(options, work.unpack(options))
    elif training.source != plan.digest:
        raise BuildError("the profile is of another source than the one that is built: train again")
    use = flags.Use(compiler, plan.source, work.profile, training.digest, options.partial_training)
    made, used = work.optimized(plan, use)
    read = profiles.read(compiler, work.profile, profiles.read_notes(compiler, work.notes))
    try:
        verify.refuse_unused(used, read)
    except BuildError:
        (work.home / "optimized" / "stamp").unlink()
        raise
    for sentence in verify.sentences(used):
        say(sentence)
    functions = sum(1 for counters in read.values() if any(counters))
    files = f"{used.units - len(used.without)} of {used.units} object files" if used.units else ""
    say(f"the profile was used: {files or 'all object files'}, {functions} functions that ran")
    options.output.mkdir(parents=True, exist_ok=True)
    part = options.output / f".{made.name}.{os.getpid()}.part"
    try:
        shutil.copyfile(made, part)
        os.replace(part, options.output / made.name)
    finally:
        part.unlink(missing_ok=True)
    print(options.output / made.name)
    return 0


def _check(options: argparse.Namespace, work: Work) -> int:
    _, compiler, plan = _resume(options, work)
    wheels = list((work.home / "optimized" / "dist").glob("*.whl"))
    if len(wheels) != 1 or not (work.home / "optimized" / "stamp").exists():
        raise BuildError(f"{work.home} has no optimised wheel: `fullspeed pgo optimize` makes it")
    plain = work.plain(plan, compiler)
    if verify.same_code(plain, wheels[0]):
        raise BuildError(
            "the optimised modules are the same as those without a profile, byte for byte: it was "
            "not used; does the project's build look at CFLAGS?"
        )
    with tempfile.TemporaryDirectory(prefix="fullspeed-pgo-") as folder:
        with step("making an environment with each wheel"):
            sides = [
                train.make_environment(Path(folder) / name, path, options.more)
                for name, path in (("plain", plain), ("optimised", wheels[0]))
            ]
        gain = check.measure(*sides, options.arguments, options.rounds, options.clock)
    facts = check.as_facts(gain, options.clock)
    (work.home / "check.json").write_text(json.dumps(facts, indent=2) + "\n")
    print(json.dumps(facts, indent=2) if options.json else check.as_text(gain, options.clock))
    if options.min_gain is not None and gain.ratio < 1 + options.min_gain:
        say(f"that is less than --min-gain {options.min_gain:.1%}")
        return 1
    return 0


def _drift(options: argparse.Namespace, work: Work) -> int:
    state, compiler, _ = _resume(options, work)
    training = work.training()
    check_compiler(training, compiler)
    folder = options.profile.resolve()
    facts = train.read_facts(folder)
    if facts is not None and facts.wheel != training.wheel:
        raise BuildError(
            f"{folder} is of another instrumented wheel than the training: counters mean the same "
            "places in one build only"
        )
    notes = profiles.read_notes(compiler, work.notes)
    old = profiles.read(compiler, work.profile, notes)
    if facts is None:
        if not folder.is_dir() or not profiles.find_raw(folder):
            raise BuildError(f"{folder} has no profile: no .gcda or .profraw files")
        copied = fresh(work.home / "other")
        shutil.copytree(folder, copied / flags.RAW)
        profiles.merge(compiler, copied)
        folder = copied
    new = profiles.read(compiler, folder, notes)
    if not profiles.shares(new):
        raise BuildError(f"{options.profile}: no function of {state.modules[0]} ran")
    found = drift.compare(old, new)
    if options.json:
        print(json.dumps(drift.as_facts(found, options.limit, options.profile), indent=2))
    else:
        print(drift.as_text(found, options.limit))
    if found.overlap < options.limit:
        say(f"the training is not like this run any more: train again, with a command that does "
            f"what this run did (overlap {found.overlap:.1%})")  # fmt: skip
        return DRIFTED
    return 0


STEPS = {
    "build": _build,
    "train": _train,
    "optimize": _optimize,
    "check": _check,
    "drift": _drift,
}
WITH_COMMAND = ("train", "check")


def _check_usage(options: argparse.Namespace) -> None:
    """Wrong usage is said before anything is done."""
    if options.step in WITH_COMMAND and not options.arguments:
        raise ValueError(f"pgo {options.step} wants a command behind --, as: -- python app.py")
    if options.step not in WITH_COMMAND and options.arguments:
        raise ValueError(f"pgo {options.step} takes no command")
    if options.step == "build":
        read_settings(options.config_setting)
    if options.step == "python":
        cpython.check_usage(options)
    if options.step == "check" and options.rounds < 2:
        raise ValueError(f"--rounds wants a number from 2, not {options.rounds}")


def run(options: argparse.Namespace) -> int:
    """The command; its exit code."""
    _check_usage(options)
    children = project.Children()
    try:
        if options.step == "info":
            return _info(options)
        if options.step == "python":
            return cpython.run(options, children)
        for name in ("build", "packaging", "elftools", *(["pyperf"] * (options.step == "check"))):
            need(name)
        hooks = need("pyproject_hooks")
        warnings.simplefilter("ignore", getattr(hooks, "BuildBackendWarning", ResourceWarning))
        if options.step != "build" and not (options.dir / "state.json").exists():
            Work(options.dir.resolve(), children).read_state()
        with build_folder(options.dir, "--dir") as home:
            return STEPS[options.step](options, Work(home, children))
    except BuildError as error:
        say(str(error))
        return 1
    except OSError as error:
        say(f"{error.filename or 'a file'}: {error.strerror or error}")
        return 1
    except KeyboardInterrupt:
        children.stop()
        say("stopped")
        return 130
