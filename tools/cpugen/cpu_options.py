"""The build options cpu-baseline and cpu-dispatch: their grammar, and what comes of them.

How it works: read() takes an option apart into terms; resolve() asks the table of features what
they stand for and a Maker (a compiler, or a test's fake of one) what it can do, and gives a Plan:
the baseline, and the features that may be dispatched to. Plan.target() says what a kernel source
has to be compiled with for some features, or why it is not compiled for them.

The rules are NumPy's, of both generations of names (docs/guide/build-options.md):
  - names, groups, levels and the words NONE NATIVE MIN MAX DETECT, in any case, with spaces,
    commas or + between them; - takes away the one behind it. The order does not matter: first all
    is added, then all that is to go is taken away;
  - what is added brings along all that it implies; -FEATURE takes along all that implies it;
  - what the architecture or the compiler does not have is left out, and said in the report;
  - what the compiler does anyway (CFLAGS, its own default) is in the baseline, whatever was asked.

What must stay true: only the standard library; no compiler is run here; every list of features is
in the table's order.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from cpu_table import Table

WORDS = ("NONE", "NATIVE", "MIN", "MAX", "DETECT")
IN_BASELINE = "the baseline has it"
NOT_ASKED = "cpu-dispatch does not ask for it"
OPTIONS = {"baseline": "cpu-baseline", "dispatch": "cpu-dispatch"}
_TOKEN = re.compile(r"(?P<level>x86-64-v\d+)(?![\w.-])|(?P<sign>[+-])|(?P<word>[^\s,+-]+)", re.I)


class OptionError(ValueError):
    """A build option that cannot be followed; the text names the option and the bad word."""


class Maker(Protocol):
    """What resolve() wants to know about a compiler."""

    compiler: str
    """Its name in the table."""

    def supported(self, arch: str) -> set[str]:
        """The features that it can make code for, each for itself."""

    def detected(self, arch: str) -> set[str]:
        """The features that it uses with the user's own flags."""

    def native(self, arch: str) -> set[str]:
        """The features that it uses with its native flag; OptionError if it has none."""

    def is_native(self) -> bool:
        """Whether the user's own flags say native."""

    def checks(self, names: tuple[str, ...], arch: str) -> tuple[str, ...]:
        """The extra checks of the features that it passes."""


@dataclass(frozen=True)
class Term:
    """One word of an option, in capitals, and whether it is added or taken away."""

    word: str
    adds: bool = True


# ---- grammar ----


def read(option: str, text: str) -> tuple[Term, ...]:
    """Take an option apart; an OptionError when a - stands before nothing."""
    terms: list[Term] = []
    sign = ""
    for match in _TOKEN.finditer(text):
        if match["sign"]:
            if sign == "-":
                raise OptionError(
                    f"{option}: '-' stands before '{match['sign']}' in {text!r}; it takes away "
                    "the one name behind it, as in 'max -avx512f'"
                )
            sign = match["sign"]
            continue
        terms.append(Term((match["level"] or match["word"]).upper(), sign != "-"))
        sign = ""
    if sign == "-":
        raise OptionError(
            f"{option}: '-' stands before nothing in {text!r}; it takes away the one name behind it"
        )
    return tuple(terms)


def _near(table: Table, arch: str, word: str) -> str:
    """What the user may have meant."""
    names = {name: name for name in (*WORDS, *table.options(arch))}
    for name in table.options(arch):
        names |= dict.fromkeys(table.features[name].aliases, name)
    near = difflib.get_close_matches(word, names, 4, 0.6)
    return ", ".join(dict.fromkeys(names[name] for name in near))


def feature_of(table: Table, arch: str, option: str, word: str) -> str:
    """The feature that a word is; "" when only other architectures have it."""
    for level in table.levels:
        if word == level.name.upper():
            return level.feature if level.arch == arch else ""
    feature = table.find(word)
    if feature is None:
        near = _near(table, arch, word)
        meant = f"did you mean {near}?" if near else f"known are {', '.join(table.options(arch))}"
        raise OptionError(
            f"{option}: '{word.lower()}' is neither a CPU feature nor one of {', '.join(WORDS)}; "
            + meant
        )
    if not feature.option:
        options = table.options(arch)
        groups = [name for name in options if feature.name in table.on(name, arch).needs]
        way = f"; take {' or '.join(groups)}, which has it" if groups else ""
        raise OptionError(f"{option}: {feature.name} cannot be chosen by itself{way}")
    return feature.name if table.has(feature.name, arch) else ""


# ---- resolving ----


@dataclass(frozen=True)
class Baseline:
    """What all code is compiled for."""

    requested: str
    enabled: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    is_native: bool = False
    skipped: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Dispatch:
    """What kernels may be compiled for besides."""

    requested: str
    enabled: tuple[str, ...] = ()
    skipped: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """One more way to compile a source: as a name in C, what it needs, and with which flags."""

    name: str
    features: tuple[str, ...]
    implied: tuple[str, ...]
    detect: tuple[str, ...]
    flags: tuple[str, ...]
    have: tuple[str, ...]
    checks: tuple[str, ...]


def minimum(table: Table, arch: str) -> set[str]:
    """What MIN stands for: the newer of NumPy's two, where they differ."""
    given = table.arches[arch].min_new or table.arches[arch].min
    return set(table.implied(given, arch))


def certain(table: Table, arch: str) -> set[str]:
    """What every processor of the architecture has, and each compiler uses unasked."""
    first = [level.feature for level in table.levels if level.arch == arch]
    return set(table.implied(first[:1] or table.arches[arch].min, arch))


def _why_not(table: Table, arch: str, compiler: str, name: str) -> str:
    """Why the compiler cannot do a feature."""
    return table.unsupported(name, arch, compiler) or "the compiler does not have it"


class _Resolver:
    """One table, architecture and compiler."""

    def __init__(self, table: Table, arch: str, maker: Maker) -> None:
        self.table, self.arch, self.maker = table, arch, maker
        self._needs: dict[str, set[str]] = {}
        self.supported = self._supported()

    def closure(self, names: Iterable[str]) -> set[str]:
        """The features with all that they stand on."""
        found: set[str] = set()
        for name in names:
            if name not in self._needs:
                needs = self.table.implied([name], self.arch, self.maker.compiler)
                self._needs[name] = set(needs)
            found |= self._needs[name]
        return found

    def ordered(self, names: Iterable[str]) -> tuple[str, ...]:
        """All of them, in the table's order."""
        return self.table.ordered(names, self.arch)

    def shown(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those that the options know, in the table's order."""
        options = set(self.table.options(self.arch))
        return self.ordered(set(names) & options)

    def _supported(self) -> set[str]:
        """What the compiler can do, with all that it stands on."""
        able = self.maker.supported(self.arch)
        return {
            name
            for name in self.table.of(self.arch)
            if not self.table.unsupported(name, self.arch, self.maker.compiler)
            and self.closure([name]) <= able
        }

    def word(self, option: str, word: str) -> set[str] | None:
        """What one of the five words stands for; None for any other."""
        if word not in WORDS:
            return None
        if word == "NONE":
            return set()
        if word == "MIN":
            return minimum(self.table, self.arch)
        if word == "MAX":
            return self.closure(set(self.table.options(self.arch)) & self.supported)
        try:
            return set(
                self.maker.native(self.arch) if word == "NATIVE" else self.maker.detected(self.arch)
            )
        except OptionError as error:
            raise OptionError(f"{option}: {word.lower()}: {error}") from None

    def takes_away(self, name: str) -> set[str]:
        """What goes with a feature: all that implies it; a level takes its members along."""
        members = set(self.table.on(name, self.arch).gathers) & set(self.table.options(self.arch))
        gone = {name, *members}
        return {other for other in self.table.of(self.arch) if gone & self.closure([other])}

    def select(self, option: str, text: str) -> tuple[set[str], dict[str, str]]:
        """The features that an option asks for, and what of it the architecture does not have."""
        added: set[str] = set()
        gone: set[str] = set()
        skipped: dict[str, str] = {}
        for term in read(option, text):
            found = self.word(option, term.word)
            if found is None:
                name = feature_of(self.table, self.arch, option, term.word)
                if not name:
                    if term.adds:
                        skipped[term.word] = f"{self.arch} does not have it"
                    continue
                found = self.closure([name]) if term.adds else self.takes_away(name)
            if term.adds:
                added |= found
            else:
                gone |= found
        return self._left(added - gone, gone), skipped

    def _left(self, kept: set[str], gone: set[str]) -> set[str]:
        """Without those members of groups which went that only these have: they make the group."""
        options = set(self.table.options(self.arch))
        members = {part for name in gone for part in self.table.on(name, self.arch).gathers}
        return kept - (members - options - self.closure(kept & options))

    def baseline(self, text: str) -> Baseline:
        """What all code is compiled for."""
        is_native = self.maker.is_native()
        wanted, skipped = self.select(OPTIONS["baseline"], text)
        if is_native:
            wanted, skipped = set(self.maker.native(self.arch)), {}
        wanted = self.closure(wanted)
        for name in self.shown(wanted - self.supported):
            skipped[name] = _why_not(self.table, self.arch, self.maker.compiler, name)
        own = set(self.maker.detected(self.arch)) - certain(self.table, self.arch)
        if is_native:  # what the machine lacks must not come in by what something implies
            own &= wanted
        features = (wanted | self.closure(own)) & self.supported
        features = set(self.table.complete(features, self.arch))
        return Baseline(
            text,
            self.shown(features),
            self.ordered(features),
            self.table.flags(features, self.arch, self.maker.compiler),
            self.maker.checks(self.ordered(features), self.arch),
            is_native,
            skipped,
        )

    def dispatch(self, text: str, baseline: Baseline) -> Dispatch:
        """What kernels may be compiled for besides."""
        wanted, skipped = self.select(OPTIONS["dispatch"], text)
        wanted -= set(baseline.features)
        for name in self.shown(wanted - self.supported):
            skipped[name] = _why_not(self.table, self.arch, self.maker.compiler, name)
        return Dispatch(text, self.shown(wanted & self.supported), skipped)


@dataclass(frozen=True)
class Plan:
    """The two options, resolved for one architecture and one compiler."""

    table: Table
    arch: str
    compiler: str
    baseline: Baseline
    dispatch: Dispatch
    maker: Maker
    supported: frozenset[str]
    """What the compiler can do, with all that it stands on."""

    def target(self, text: str) -> Target | str:
        """What `text`, one or more features, is compiled with; or why no code is made for it."""
        option = "dispatch target"
        names: set[str] = set()
        for term in read(option, text):
            if not term.adds or term.word in WORDS:
                raise OptionError(f"{option} {text!r}: only features can stand here")
            name = feature_of(self.table, self.arch, option, term.word)
            if not name:
                return f"{self.arch} does not have {term.word}"
            names.add(name)
        if not names:
            raise OptionError(f"{option} {text!r} names no feature")
        return self._target(names)

    def _target(self, names: set[str]) -> Target | str:
        """As target(), of names that the architecture has."""
        table, arch, base = self.table, self.arch, set(self.baseline.features)
        for name in table.ordered(names, arch):
            others = {other for other in names - {name} if other not in self._closure([name])}
            if name in self._closure(others) and others:
                names = names - {name}
        names -= base
        if not names:
            return IN_BASELINE
        missing = table.ordered(names - set(self.dispatch.enabled), arch)
        if missing:
            asked = missing[0] in self.supported
            return f"{missing[0]}: {NOT_ASKED if asked else self.why_not(missing[0])}"
        features = table.ordered(names, arch)
        closure = self._closure(names)
        options = set(table.options(arch))
        return Target(
            "__".join(features),
            features,
            table.ordered((closure - names) & options, arch),
            table.ordered((closure - base) & options, arch),
            table.flags(closure | base, arch, self.compiler),
            table.ordered(closure | base, arch),
            self.maker.checks(table.ordered(closure - base, arch), arch),
        )

    def why_not(self, name: str) -> str:
        """Why the compiler cannot do a feature."""
        return _why_not(self.table, self.arch, self.compiler, name)

    def _closure(self, names: Iterable[str]) -> set[str]:
        return set(self.table.implied(names, self.arch, self.compiler))


def resolve(table: Table, arch: str, maker: Maker, baseline: str, dispatch: str) -> Plan:
    """Follow the two options; an OptionError says what is wrong with them."""
    resolver = _Resolver(table, arch, maker)
    base = resolver.baseline(baseline)
    chosen = resolver.dispatch(dispatch, base)
    return Plan(table, arch, maker.compiler, base, chosen, maker, frozenset(resolver.supported))
