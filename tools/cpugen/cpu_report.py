"""The report at the end of a build: what came of cpu-baseline and cpu-dispatch.

How it works: report_data() makes plain data of a Plan and the groups of kernel sources, which the
build keeps in the package as JSON; report_text() writes the same for people.

What must stay true: the text is made of the data alone, so that the one in the package and the one
on the screen cannot differ; the names of the parts are those of NumPy's report.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cpu_options import IN_BASELINE, Plan, Target

VERSION = 1
_WIDTH = 14


@dataclass(frozen=True)
class Group:
    """Kernel sources with the same targets."""

    name: str
    targets: tuple[Target, ...]
    skipped: dict[str, str]
    files: tuple[str, ...]


def _rank(plan: Plan, features: Iterable[str]) -> list[int]:
    """For sorting targets, the least first."""
    order = {feature: index for index, feature in enumerate(plan.table.of(plan.arch))}
    return sorted((order[feature] for feature in features), reverse=True)


def _make_target(plan: Plan, text: str) -> Target | str:
    """The first of the alternatives that can be made; the baseline may have one of them."""
    made = [plan.target(part) for part in text.split("|")]
    if IN_BASELINE in made:
        return IN_BASELINE
    return next((target for target in made if isinstance(target, Target)), made[0])


def make_group(plan: Plan, name: str, wanted: Iterable[str], files: Iterable[str]) -> Group:
    """What a group of sources is compiled for, of the targets that it has code for.

    A target may have alternatives, with | between, the best one first: "X86_V3 | AVX2 FMA3".
    """
    targets: list[Target] = []
    skipped: dict[str, str] = {}
    for text in wanted:
        made = _make_target(plan, text)
        if isinstance(made, str):
            skipped[" ".join(text.split("|")[0].split())] = made
        elif made.name not in [target.name for target in targets]:
            targets.append(made)
    targets.sort(key=lambda target: _rank(plan, target.features))
    return Group(name, tuple(targets), skipped, tuple(files))


def report_data(title: str, plan: Plan, groups: Iterable[Group]) -> dict[str, Any]:
    """The report as plain data."""
    groups = list(groups)
    baseline, dispatch = plan.baseline, plan.dispatch
    generated: dict[str, dict[str, Any]] = {}
    for group in groups:
        for target in group.targets:
            entry = generated.setdefault(
                target.name,
                {
                    "features": list(target.features),
                    "implied": list(target.implied),
                    "flags": list(target.flags),
                    "extra_checks": list(target.checks),
                    "detect": list(target.detect),
                    "files": [],
                },
            )
            entry["files"] += group.files
    names = sorted(generated, key=lambda name: _rank(plan, generated[name]["features"]))
    return {
        "version": VERSION,
        "title": title,
        "platform": {
            "architecture": plan.table.arches[plan.arch].report,
            "compiler": plan.compiler,
        },
        "baseline": {
            "requested": baseline.requested,
            "native_by_cflags": baseline.is_native,
            "enabled": list(baseline.enabled),
            "features": list(baseline.features),
            "flags": list(baseline.flags),
            "extra_checks": list(baseline.checks),
            "skipped": dict(baseline.skipped),
        },
        "dispatch": {
            "requested": dispatch.requested,
            "enabled": list(dispatch.enabled),
            "skipped": dict(dispatch.skipped),
            "generated": {name: generated[name] for name in names},
            "not_generated": {
                f"{group.name}: {wanted}": why
                for group in groups
                for wanted, why in group.skipped.items()
            },
        },
    }


def _row(name: str, value: object, indent: str = "  ") -> str:
    return f"{indent}{name}".ljust(_WIDTH) + f": {value}".rstrip() + "\n"


def _list(values: Iterable[str]) -> str:
    return " ".join(values) or "none"


def _why(skipped: dict[str, str]) -> str:
    return "; ".join(f"{name} ({why})" for name, why in skipped.items())


def _target_text(name: str, entry: dict[str, Any]) -> str:
    """The lines of one target."""
    shown = name if len(entry["features"]) == 1 else "(" + " ".join(entry["features"]) + ")"
    lines = [_row("", ""), _row(shown, _list(entry["implied"]))]
    lines.append(_row("Flags", _list(entry["flags"])))
    lines.append(_row("Extra checks", _list(entry["extra_checks"])))
    lines.append(_row("Detect", _list(entry["detect"])))
    lines += [_row("", file) for file in entry["files"]]
    return "".join(lines)


def report_text(data: dict[str, Any]) -> str:
    """The report for people."""
    platform, baseline, dispatch = data["platform"], data["baseline"], data["dispatch"]
    native = " (native, by CFLAGS)" if baseline["native_by_cflags"] else ""
    lines = [
        f"########### {data['title']} ###########\n",
        _row("Platform", "", ""),
        _row("Architecture", platform["architecture"]),
        _row("Compiler", platform["compiler"]),
        "\n",
        _row("CPU baseline", "", ""),
        _row("Requested", repr(baseline["requested"]) + native),
        _row("Enabled", _list(baseline["enabled"])),
        _row("Flags", _list(baseline["flags"])),
        _row("Extra checks", _list(baseline["extra_checks"])),
    ]
    if baseline["skipped"]:
        lines.append(_row("Left out", _why(baseline["skipped"])))
    lines += [
        "\n",
        _row("CPU dispatch", "", ""),
        _row("Requested", repr(dispatch["requested"])),
        _row("Enabled", _list(dispatch["enabled"])),
    ]
    if dispatch["skipped"]:
        lines.append(_row("Left out", _why(dispatch["skipped"])))
    if dispatch["not_generated"]:
        lines.append(_row("Not made", _why(dispatch["not_generated"])))
    lines.append(_row("Generated", "" if dispatch["generated"] else "none"))
    lines += [_target_text(name, entry) for name, entry in dispatch["generated"].items()]
    return "".join(lines)
