"""A compiler for the tests of the build options that can what it is told to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import cpu_options
import cpu_table

TABLE = cpu_table.load()
X86_OLD = "SSE SSE2 SSE3 SSSE3 SSE41 POPCNT SSE42".split()
ARCHES = list(TABLE.arches)
COMPILERS = list(TABLE.compilers)


@dataclass
class FakeMaker:
    """Supports everything that the architecture has, but some features."""

    compiler: str = "gcc"
    lacks: Iterable[str] = ()
    own: Iterable[str] = ()
    host: Iterable[str] | None = None
    says_native: bool = False
    passes: Iterable[str] = field(
        default_factory=lambda: [c for f in TABLE.features.values() for c in f.checks]
    )

    def supported(self, arch: str) -> set[str]:
        """Everything, without what it lacks."""
        return set(TABLE.of(arch)) - set(TABLE.implied_by(self.lacks, arch))

    def detected(self, arch: str) -> set[str]:
        """What every compiler of the architecture uses, what the flags say, the machine's."""
        sure = cpu_options.certain(TABLE, arch)
        own = set(self.host or ()) if self.says_native else set()
        return set(TABLE.complete(sure | set(TABLE.implied({*self.own, *own}, arch)), arch))

    def native(self, arch: str) -> set[str]:
        """The machine's features."""
        if self.host is None:
            raise cpu_options.OptionError("the compiler has no flag for it")
        return set(TABLE.complete(TABLE.implied(self.host, arch), arch))

    def is_native(self) -> bool:
        """Whether the user's flags say so."""
        return self.says_native

    def checks(self, names: tuple[str, ...], arch: str) -> tuple[str, ...]:
        """Those of its checks that the features have."""
        able = set(self.passes)
        return tuple(c for name in names for c in TABLE.features[name].checks if c in able)


def plan(
    baseline: str = "min", dispatch: str = "max", arch: str = "x86_64", **maker: object
) -> cpu_options.Plan:
    """Resolve two options for a fake compiler."""
    return cpu_options.resolve(TABLE, arch, FakeMaker(**maker), baseline, dispatch)


def baseline(text: str, arch: str = "x86_64", **maker: object) -> str:
    """The enabled features of a baseline, without the levels, as one text."""
    return names(plan(text, "none", arch, **maker).baseline.enabled)


def dispatch(text: str, base: str = "min", arch: str = "x86_64", **maker: object) -> str:
    """The enabled features of a dispatch list, without the levels, as one text."""
    return names(plan(base, text, arch, **maker).dispatch.enabled)


def names(features: Iterable[str]) -> str:
    """As one text, without the names that only the newer NumPy has for levels."""
    return " ".join(name for name in features if not name.startswith("X86_V"))
