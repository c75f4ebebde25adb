"""The table of CPU features, src/cpu/cpu_features.toml, for everything that is made from it.

How it works: load() reads the file with tomllib and checks it; a Table answers what a feature
implies, what a compiler needs for it, and what stands for a name. Answers are for one
architecture (a key of Table.arches), since both implications and flags differ between them, and
where it matters for one compiler (a key of Table.compilers, as meson calls them).

What must stay true: nothing but the standard library, since the build imports this; every list
of features is in the order of interest, which is the order of the table.

    table = load()
    table.implied(["AVX2"], "x86_64")              # what it stands on, and itself
    table.flags(["AVX2"], "x86_64", "gcc")         # ("-msse", "-msse2", ..., "-mavx2")
    table.implied_by(["AVX"], "x86_64")            # what has to go without it, and itself
    table.find("fma").name                         # "FMA3"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

DEFAULT = Path(__file__).resolve().parents[2] / "src" / "cpu" / "cpu_features.toml"
REGISTERS = ("eax", "ebx", "ecx", "edx")
# What a feature may say, and what may be said about one architecture or one compiler.
_DETECTION = {"cpuid", "hwcap", "hwcap2", "hwcap2_any", "hwprobe"}
_FIELDS = {"name", "aliases", "on", "implies", "gathers", "option", "flags", "state", "compiled",
           "probe", "checks", "arch", "with", *_DETECTION}  # fmt: skip
_ARCH_FIELDS = {"implies", "gathers", "flags", *_DETECTION}
_COMPILER_FIELDS = {"implies", "flags", "unsupported"}


class TableError(ValueError):
    """The table says something that cannot be."""


@dataclass(frozen=True)
class Cpuid:
    """Where CPUID tells of a feature."""

    leaf: int
    subleaf: int
    register: str
    bit: int


@dataclass(frozen=True)
class Arch:
    """An architecture: its name here, in build reports, and in meson; what MIN means on it."""

    name: str
    title: str
    report: str
    family: str
    header: str
    min: tuple[str, ...]
    meson: tuple[str, ...]
    min_new: tuple[str, ...] = ()
    endian: str = ""


@dataclass(frozen=True)
class Compiler:
    """A compiler: meson's name of it, other names, whose flags it takes, its native flag."""

    name: str
    title: str
    native: str
    like: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Level:
    """A level of the psABI, and the feature that stands for it."""

    name: str
    arch: str
    feature: str
    number: int


@dataclass(frozen=True)
class Feature:
    """A feature, or a group of them, as it is on one architecture."""

    name: str
    aliases: tuple[str, ...] = ()
    on: tuple[str, ...] = ()
    implies: tuple[str, ...] = ()
    gathers: tuple[str, ...] = ()
    option: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    cpuid: Cpuid | None = None
    state: int = 0
    hwcap: tuple[int, ...] = ()
    hwcap2: tuple[int, ...] = ()
    hwcap2_any: tuple[int, ...] = ()
    hwprobe: tuple[int, int] | None = None
    compiled: str = ""
    probe: str = ""
    checks: dict[str, str] = field(default_factory=dict)
    arch: dict[str, dict[str, Any]] = field(default_factory=dict)
    with_compiler: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def is_group(self) -> bool:
        """Whether it is only what its members are."""
        return bool(self.gathers)

    @property
    def needs(self) -> tuple[str, ...]:
        """Everything it cannot be without, directly: what it implies, and its members."""
        return self.implies + self.gathers


def _tuple(values: dict[str, Any]) -> dict[str, Any]:
    """The values with tuples in place of lists, and detection parsed."""
    made = {
        key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
    }
    if "cpuid" in made:
        leaf, subleaf, register, bit = made["cpuid"].split(".")
        made["cpuid"] = Cpuid(int(leaf, 0), int(subleaf, 0), register, int(bit))
        if register not in REGISTERS or not 0 <= made["cpuid"].bit < 32:
            raise TableError(f"cpuid = {values['cpuid']!r} is not leaf.subleaf.register.bit")
    if "hwprobe" in made:
        key, bit = made["hwprobe"].split(".")
        made["hwprobe"] = (int(key), int(bit))
    return made


def _known(what: str, given: Iterable[str], allowed: set[str]) -> None:
    """Raise a TableError when a key is not one of the allowed ones."""
    wrong = sorted(set(given) - allowed)
    if wrong:
        raise TableError(f"{what}: unknown key {', '.join(wrong)}")


@dataclass(frozen=True)
class Table:
    """All of the table."""

    features: dict[str, Feature]
    arches: dict[str, Arch]
    compilers: dict[str, Compiler]
    levels: tuple[Level, ...]
    states: dict[str, int]

    # ---- names ----

    @cached_property
    def _spellings(self) -> dict[str, str]:
        """Every name and alias, in capitals, and the feature's name."""
        found: dict[str, str] = {}
        for feature in self.features.values():
            for name in (feature.name, *feature.aliases):
                if (
                    found.setdefault(name.upper(), feature.name) != feature.name
                    or name != name.upper()
                ):
                    raise TableError(f"{name} of {feature.name} is taken, or not in capitals")
        return found

    def find(self, name: str) -> Feature | None:
        """The feature of a name or alias, in any case; None if there is none."""
        return self.features.get(self._spellings.get(name.upper(), ""))

    def compiler(self, name: str) -> Compiler:
        """The compiler of a name, meson's or another; KeyError if it is not known."""
        for compiler in self.compilers.values():
            if name in (compiler.name, *compiler.names):
                return compiler
        raise KeyError(name)

    def arch_of(self, meson_family: str, endian: str = "little") -> Arch | None:
        """The architecture that meson's host_machine describes; None if it is not in the table."""
        for arch in self.arches.values():
            if meson_family in arch.meson and arch.endian in ("", endian):
                return arch
        return None

    # ---- features of an architecture ----

    def has(self, name: str, arch: str) -> bool:
        """Whether the architecture knows the feature (not: whether a CPU has it)."""
        on = self.features[name].on
        return arch in on or self.arches[arch].family in on

    def on(self, name: str, arch: str, compiler: str = "") -> Feature:
        """The feature with what differs on the architecture, and with the compiler, put in."""
        feature = self.features[name]
        changes = dict(feature.arch.get(arch, {}))
        for kin in reversed(self._kin(compiler)):
            given = feature.with_compiler.get(kin, {})
            changes |= {key: given[key] for key in ("implies", "flags") if key in given}
        return replace(feature, **_tuple(changes)) if changes else feature

    def of(self, arch: str) -> tuple[str, ...]:
        """The names of an architecture's features, in the order of interest."""
        return tuple(name for name in self.features if self.has(name, arch))

    def options(self, arch: str, generation: str = "") -> tuple[str, ...]:
        """The names that cpu-baseline and cpu-dispatch take; of "old" or "new" NumPy's only."""
        return tuple(
            name
            for name in self.of(arch)
            if (generation or "old") in self.features[name].option
            or (not generation and self.features[name].option)
        )

    def ordered(self, names: Iterable[str], arch: str) -> tuple[str, ...]:
        """The names in the order of interest, each once."""
        chosen = set(names)
        return tuple(name for name in self.of(arch) if name in chosen)

    def implied(self, names: Iterable[str], arch: str, compiler: str = "") -> tuple[str, ...]:
        """The features, their members, and everything they stand on."""
        found: set[str] = set()
        waiting = [name for name in names if self.has(name, arch)]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self.on(name, arch, compiler).needs
        return self.ordered(found, arch)

    def implied_by(self, names: Iterable[str], arch: str, compiler: str = "") -> tuple[str, ...]:
        """The features, and everything that stands on one of them."""
        gone = set(names)
        return tuple(
            name for name in self.of(arch) if gone & set(self.implied([name], arch, compiler))
        )

    def complete(self, names: Iterable[str], arch: str) -> tuple[str, ...]:
        """The features of the set whose needs are in it too, and the groups that they make up."""
        have = set(names)
        while True:
            groups = {name for name in self.of(arch) if self.on(name, arch).is_group}
            now = {
                name
                for name in have | groups
                if self.has(name, arch) and set(self.on(name, arch).needs) <= have
            }
            if now == have:
                return self.ordered(have, arch)
            have = now

    def leaves(self, name: str, arch: str) -> tuple[str, ...]:
        """The feature itself, or the members of a group, theirs in place of groups among them."""
        on = self.on(name, arch)
        if not on.is_group:
            return (name,)
        return self.ordered({leaf for part in on.gathers for leaf in self.leaves(part, arch)}, arch)

    def without(
        self, names: Iterable[str], gone: Iterable[str], arch: str, kept: Iterable[str] = ()
    ) -> tuple[str, ...]:
        """A set of features without some of them and what implies these; a group takes its members
        along. What is in `kept` stays."""
        leaves = {leaf for name in gone if self.has(name, arch) for leaf in self.leaves(name, arch)}
        return self.complete(set(names) - (leaves - set(kept)), arch)

    def level(self, names: Iterable[str], arch: str) -> Level | None:
        """The highest level that a complete set of features reaches."""
        have = set(names)
        reached = [level for level in self.levels if level.arch == arch and level.feature in have]
        return reached[-1] if reached else None

    # ---- what compilers need ----

    def _kin(self, compiler: str) -> list[str]:
        """The compiler, the one that it is like, and so on."""
        found: list[str] = []
        while compiler:
            found.append(compiler)
            compiler = self.compilers[compiler].like
        return found

    def unsupported(self, name: str, arch: str, compiler: str) -> str:
        """Why the compiler cannot make code for the feature; "" if nothing is known against it.

        Nothing known does not say that it can: compile Feature.probe with the flags for that.
        """
        for part in self.implied([name], arch, compiler):
            for kin in self._kin(compiler):
                reason = self.features[part].with_compiler.get(kin, {}).get("unsupported")
                if reason:
                    return f"{part}: {reason}"
        return ""

    def flags(self, names: Iterable[str], arch: str, compiler: str) -> tuple[str, ...]:
        """The compiler's flags for the features and everything that they imply.

        Of options that have one value (-march=, -mcpu=, -mfpu=, Intel's -x) the last one stays;
        extensions behind a + of an earlier -march= are kept.
        """
        found: list[str] = []
        for name in self.implied(names, arch, compiler):
            for flag in self.on(name, arch, compiler).flags:
                found = _add_flag(found, flag)
        return tuple(found)

    def probe_head(self, arch: str) -> str:
        """What stands before probes."""
        return f"#include <stddef.h>\n#include <stdint.h>\n#include <{self.arches[arch].header}>\n"

    def probes(self, name: str, arch: str) -> dict[str, str]:
        """Pieces of C that compile only where the compiler can do the feature: its own or its
        members', by the name of whose it is; each one a translation unit."""
        own = self.on(name, arch)
        parts = [own.name, *own.gathers]
        head = self.probe_head(arch)
        return {
            part: head + self.features[part].probe + "\n"
            for part in parts
            if self.features[part].probe
        }

    def extra_checks(self, name: str, arch: str) -> dict[str, str]:
        """The extra checks of a feature, as probes()."""
        head = self.probe_head(arch)
        return {check: head + text + "\n" for check, text in self.features[name].checks.items()}


def _flag_class(flag: str) -> str:
    """Flags of one class stand in for each other."""
    for option in ("-march=", "-mcpu=", "-mfpu="):
        if flag.startswith(option):
            return option
    return "-march=" if flag.startswith("-x") else flag


def _add_flag(flags: list[str], flag: str) -> list[str]:
    """The list with one more flag, without those that it replaces."""
    kind = _flag_class(flag)
    before = [old for old in flags if _flag_class(old) == kind]
    base, *extensions = flag.split("+")
    for old in before:
        if old.startswith("-march="):
            kept = [part for part in old.split("+")[1:] if part not in extensions]
            extensions = kept + extensions
    joined = "+".join([base, *extensions]) if base.startswith("-march=") else flag
    return [old for old in flags if old not in before] + [joined]


# ---- reading ----


def _read_feature(values: dict[str, Any], states: dict[str, int]) -> Feature:
    """One [[feature]]."""
    name = values.get("name", "?")
    _known(name, values, _FIELDS)
    values = dict(values)
    with_compiler = values.pop("with", {})
    for compiler, given in with_compiler.items():
        _known(f"{name} with {compiler}", given, _COMPILER_FIELDS)
    for arch, given in values.get("arch", {}).items():
        _known(f"{name} on {arch}", given, _ARCH_FIELDS)
    if "state" in values:
        values["state"] = states[values["state"]]
    return Feature(with_compiler=with_compiler, **_tuple(values))


def _check(table: Table) -> None:
    """Raise a TableError when something does not fit together."""
    known = set(table.features)
    for name, feature in table.features.items():
        if not set(feature.option) <= {"old", "new"}:
            raise TableError(f"{name}: option is of 'old' and 'new'")
        if not name.replace("_", "").isalnum() or name in (
            "NONE",
            "MIN",
            "MAX",
            "NATIVE",
            "DETECT",
        ):
            raise TableError(f"{name} is no name for a feature")
        _known(name, feature.arch, set(table.arches))
        _known(name, feature.with_compiler, set(table.compilers))
        for place in feature.on:
            if place not in table.arches and place not in {a.family for a in table.arches.values()}:
                raise TableError(f"{name}: there is no architecture {place}")
    for arch in table.arches:
        order = {name: index for index, name in enumerate(table.of(arch))}
        _known(f"min of {arch}", (*table.arches[arch].min, *table.arches[arch].min_new), set(order))
        for name in order:
            on = table.on(name, arch)
            _known(f"{name} on {arch}", on.needs, known & set(order))
            has_way = on.cpuid or on.hwcap or on.hwcap2 or on.hwcap2_any or on.hwprobe
            if bool(has_way) == on.is_group or bool(on.compiled) == on.is_group:
                raise TableError(
                    f"{name} on {arch}: wants a way to detect it, and compiled; or members"
                )
            for need in on.needs:
                if order[need] > order[name] and name not in table.implied([need], arch):
                    raise TableError(f"{name} on {arch} stands before {need}, which it implies")
    for level in table.levels:
        _known(level.name, [level.feature], set(table.of(level.arch)))


def load(path: str | Path = DEFAULT) -> Table:
    """Read and check the table; a TableError says what is wrong with it."""
    with open(path, "rb") as file:
        data = tomllib.load(file)
    _known(str(path), data, {"state", "compiler", "arch", "level", "feature"})
    features: dict[str, Feature] = {}
    for values in data["feature"]:
        feature = _read_feature(values, data["state"])
        if feature.name in features:
            raise TableError(f"{feature.name} is there twice")
        features[feature.name] = feature
    levels = [
        Level(values["name"], arch, values["feature"], number)
        for arch in data["arch"]
        for number, values in enumerate((v for v in data["level"] if arch in v["on"]), 1)
    ]
    table = Table(
        features,
        {name: Arch(name, **_tuple(values)) for name, values in data["arch"].items()},
        {name: Compiler(name, **_tuple(values)) for name, values in data["compiler"].items()},
        tuple(levels),
        data["state"],
    )
    _check(table)
    table.find("")  # checks that no two features have the same spelling
    return table
