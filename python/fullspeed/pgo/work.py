"""The work folder of `fullspeed pgo`, and the builds in it.

    state.json     what is built, and how: what `pgo build` was told
    source/        the project, unpacked
    instrumented/  plain/  optimized/      the builds: log, stamp, wheel
    notes/         GCC's names of functions
    profile/       the training: raw/ as processes wrote it, training.json, clang's merged.profdata

How it works: `pgo build` writes state.json; the other commands read it, so nothing has to be said
twice. All builds go through fullspeed.variants.project, each with the flags of flags.py. A build
that is there already, with the same source, flags and compiler, is taken as it is.

What must stay true: all builds of a work folder are of one source, with one compiler.
"""

import argparse
import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
from pathlib import Path

from fullspeed.pgo import compilers, flags, train, verify
from fullspeed.pgo.compilers import Compiler
from fullspeed.variants import BuildError, elf, project, source, wheel
from fullspeed.variants.steps import fresh, read_settings, say, source_archive, step

STATE = "state.json"
MARKS = {"gcc": b".gcda\0", "clang": b"__llvm_prf_"}  # what modules that count have in them


@dataclasses.dataclass
class State:
    """What `pgo build` was told."""

    what: str
    compiler: str  # CC
    flags: str
    config_setting: list[str]
    no_isolation: bool
    watched: dict[str, str]  # files of the project's folder, and their digests
    modules: list[str]  # that count
    raw: str  # where they write if nothing tells them otherwise


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Work:
    """A work folder."""

    def __init__(self, home: Path, children: project.Children) -> None:
        """Of a folder that is ours alone."""
        flags.check_path(home)
        self.home, self.children = home, children
        self.profile = home / "profile"
        self.notes = home / "notes"

    def read_state(self) -> State:
        """What `pgo build` has left."""
        try:
            return State(**json.loads((self.home / STATE).read_text()))
        except FileNotFoundError:
            raise BuildError(
                f"{self.home} has no instrumented build: begin with `fullspeed pgo build SRC`, or "
                "say --dir"
            ) from None
        except (ValueError, TypeError):
            raise BuildError(
                f"{self.home / STATE} is damaged: begin anew with `fullspeed pgo build`"
            ) from None

    def write_state(self, state: State) -> None:
        """For the other commands."""
        part = self.home / f".{STATE}.part"
        part.write_text(json.dumps(dataclasses.asdict(state), indent=2) + "\n")
        os.replace(part, self.home / STATE)

    def unpack(self, options: argparse.Namespace) -> Path:
        """Unpack what is to be built into source/; returns the project's folder in it."""
        archive = source_archive(options, self.home, self.children)
        return source.unpack(archive, fresh(self.home / "source"))

    def unpacked(self) -> Path:
        """The project's folder in source/."""
        found = [path for path in (self.home / "source").glob("*") if path.is_dir()]
        if len(found) != 1:
            raise BuildError(
                f"{self.home} has lost its source: begin anew with `fullspeed pgo build`"
            )
        return found[0]

    def plan(self, options: argparse.Namespace, unpacked: Path) -> project.Plan:
        """What all builds have in common."""
        return project.Plan(
            unpacked, self.home, project.tree_digest(unpacked), options.flags,
            read_settings(options.config_setting), not options.no_isolation,
        )  # fmt: skip

    def watched(self, what: str, unpacked: Path) -> dict[str, str]:
        """The files that are the same in the project's folder as in its archive."""
        found, folder = {}, Path(what)
        for path in unpacked.rglob("*") if folder.is_dir() else ():
            name = str(path.relative_to(unpacked))
            if path.is_file() and (folder / name).is_file():
                digest = _digest(path)
                if _digest(folder / name) == digest:
                    found[name] = digest
        return found

    def changed(self, state: State) -> list[str]:
        """The files of the project's folder that are no more as they were at `pgo build`."""
        folder = Path(state.what)
        return sorted(
            name
            for name, digest in state.watched.items()
            if not (folder / name).is_file() or _digest(folder / name) != digest
        )

    def make(self, name: str, plan: project.Plan) -> project.Make:
        """A build of this work folder, without any flags for profiles."""
        added = dict.fromkeys(project.FLAG_VARIABLES, plan.flags) if plan.flags else {}
        variables = project.with_flags(flags.ENGLISH, added, project.own_flags(plan.source))
        return project.Make(name, variables, plan.settings, self.home / name / "source")

    def build(self, plan: project.Plan, make: project.Make, what: str) -> Path:
        """Do a build, unless it is done; returns the wheel."""
        done = project.already_made(plan, make)
        if done is not None:
            say(f"the {what} is built already")
            return done
        with contextlib.ExitStack() as stack:
            if plan.isolated:
                with step("installing what the project's build needs"):
                    env = stack.enter_context(project.build_environment(plan, self.children))
            else:
                env = stack.enter_context(project.build_environment(plan, self.children))
            with step(f"building the {what}"):
                return project.run_make(plan, make, env, self.children)

    def keep_notes(self, tree: Path) -> None:
        """Copy GCC's names of functions out of a build's tree."""
        fresh(self.notes)
        for path in tree.rglob("*.gcno"):
            target = self.notes / path.relative_to(tree)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)

    def instrumented(
        self, plan: project.Plan, compiler: Compiler, level: str | None = None
    ) -> Path:
        """Build the wheel whose modules count; for a level, if one is named."""
        runtime = flags.compile_runtime(compiler, self.home)
        make = self.make("instrumented", plan)
        if level is not None:
            own = project.own_flags(plan.source)
            variables = project.environment(level, plan.flags, own)
            make = dataclasses.replace(make, variables=variables)
        make = flags.counting(compiler, make, plan.source, self.home, runtime)
        make = dataclasses.replace(make, after=self.keep_notes)
        fresh(self.home / flags.RAW)
        made = self.build(plan, make, "instrumented wheel")
        fresh(self.home / flags.RAW)  # what tests of the compiler have written
        return made

    def optimized(self, plan: project.Plan, use: flags.Use) -> tuple[Path, verify.Used]:
        """Build the wheel with a profile; returns it, and what became of the profile."""
        make = use.applied(self.make("optimized", plan))
        path = self.build(dataclasses.replace(plan, profile=use), make, "optimised wheel")
        return path, verify.read(use.compiler, self.home / "optimized", self.profile)

    def plain(self, plan: project.Plan, compiler: Compiler) -> Path:
        """Build the wheel without a profile."""
        make = flags.plain(compiler, self.make("plain", plan), plan.source)
        return self.build(plan, make, "wheel without a profile")

    def training(self) -> train.Training:
        """What is known of the profile."""
        found = train.read_facts(self.profile)
        if found is None:
            raise BuildError(
                f"{self.home} has no profile: make one with `fullspeed pgo train -- COMMAND`"
            )
        return found

    def run(
        self, compiler: Compiler, source_digest: str, raw: str, modules: list[str]
    ) -> train.Run:
        """What a training needs to know."""
        wheels = list((self.home / "instrumented" / "dist").glob("*.whl"))
        if len(wheels) != 1 or not (self.home / "instrumented" / "stamp").exists():
            raise BuildError(
                f"{self.home} has no instrumented wheel: begin with `fullspeed pgo build`"
            )
        return train.Run(compiler, Path(raw), source_digest, wheels[0], _digest(wheels[0]), modules)


def counting_modules(compiler: Compiler, path: Path) -> tuple[list[str], list[str]]:
    """The modules of a wheel that count, as they are imported, and the files that do not."""
    counting, others = [], []
    for name, data in wheel.read(path).files.items():
        if data.startswith(elf.MAGIC):
            if MARKS[compiler.kind] in data:
                counting.append(name.partition(".")[0].replace("/", "."))
            else:
                others.append(name)
    return sorted(counting), sorted(others)


def open_compiler(state: State) -> Compiler:
    """The compiler of the instrumented build; an error if it is not the one that is here now."""
    compiler = compilers.usable(state.compiler)
    now = os.environ.get("CC")
    if now is not None and compilers.find(now).id != compiler.id:
        raise BuildError(
            f"CC is {compilers.find(now).id} now, and `fullspeed pgo build` had {compiler.id}: "
            "profiles are of one compiler; unset CC, or build and train again"
        )
    return compiler


def check_compiler(training: train.Training, compiler: Compiler) -> None:
    """Refuse a profile of another compiler."""
    if training.compiler != compiler.id:
        raise BuildError(
            f"the profile was made by {training.compiler}, and {compiler.command[0]} is "
            f"{compiler.id} now: build and train again"
        )
