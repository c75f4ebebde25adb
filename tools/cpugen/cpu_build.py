"""Follows the build options cpu-baseline and cpu-dispatch for a Meson project.

    cpu_build.py resolve FOLDER --baseline=min --dispatch=max --family=x86_64 --endian=little
        --compiler=gcc [--cross] [--cflags=-O2 ...] --title=NAME
        [--group NAME "X86_V3 | AVX2 FMA3, AVX512_SKX" FILE ...] ... -- COMMAND OF THE COMPILER
    cpu_build.py report [--json] REPORT.json [COPY.json COPY.txt]

resolve writes into FOLDER
    cpu.conf                 for Meson's keyval module, lists with spaces between: targets_GROUP;
                             args_TARGET, flags and definitions for a kernel of a target, or of
                             "baseline"; flags_TARGET, the flags alone; least_flags, for code that
                             runs on every processor; all_flags, baseline_features
    GROUP_targets_gen.h      for C: which targets a group was compiled for, and what they need
    cpu_report.json          the report
report prints a report, and copies it as JSON and as text.

How it works: the parts are in cpu_options.py (rules), cpu_compiler.py (what the compiler can) and
cpu_report.py; src/cpu/meson.build, and other projects' meson.build (docs/guide/build-options.md),
run this.

What must stay true: the package has a copy of these files beside the table, so only the standard
library and files of this folder are imported; a file is written only when it changes, or
everything would be compiled anew.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import cpu_options
import cpu_table
from cpu_compiler import Compiler
from cpu_report import Group, make_group, report_data, report_text

MADE = "/* Made by cpu_build.py from the build options; changes here are lost. */\n"


def table_file() -> Path:
    """The table: beside this file in an installed package, in src/cpu of a checkout."""
    beside = Path(__file__).resolve().parent / "cpu_features.toml"
    return beside if beside.exists() else cpu_table.DEFAULT


def write(path: Path, text: str) -> None:
    """Write a file, unless it has this text already."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def defines(have: Iterable[str], checks: Iterable[str]) -> list[str]:
    """What tells C code which features it is compiled for."""
    found = [f"-DFS_CPU_HAVE_{name}=1" for name in have]
    return found + [f"-DFS_CPU_CHECK_{name}=1" for name in checks]


def least_flags(plan: cpu_options.Plan) -> list[str]:
    """Flags for code that has to run on any processor of the architecture, whatever CFLAGS say."""
    if plan.table.arches[plan.arch].family != "x86" or plan.compiler == "intel":
        return []
    sure = cpu_options.certain(plan.table, plan.arch)
    able = plan.maker.supported(plan.arch)
    flags = [
        flag
        for name in plan.table.of(plan.arch)
        if name in able and name not in sure
        for flag in plan.table.on(name, plan.arch, plan.compiler).flags
        if flag.startswith("-m") and "=" not in flag
    ]
    march = ["-march=x86-64"] if plan.arch == "x86_64" else []
    return march + [f"-mno-{flag[2:]}" for flag in flags]


def conf_text(plan: cpu_options.Plan, groups: Iterable[Group]) -> str:
    """cpu.conf."""
    baseline = plan.baseline
    beyond = set(baseline.features) - cpu_options.minimum(plan.table, plan.arch)
    values: dict[str, list[str]] = {
        "baseline_features": list(baseline.enabled),
        # For code that gains little by the features of MIN: none of them, but what is beyond.
        "all_flags": list(baseline.flags) if beyond else [],
        "least_flags": least_flags(plan),
        "flags_baseline": list(baseline.flags),
        "args_baseline": [
            *baseline.flags,
            "-DFS_CPU_TARGET=baseline",
            *defines(baseline.features, baseline.checks),
        ],
    }
    for group in groups:
        values[f"targets_{group.name}"] = [target.name for target in group.targets]
        for target in group.targets:
            macros = defines(target.have, (*baseline.checks, *target.checks))
            values[f"flags_{target.name}"] = list(target.flags)
            values[f"args_{target.name}"] = [
                *target.flags,
                f"-DFS_CPU_TARGET={target.name}",
                *macros,
            ]
    return "".join(f"{name}={' '.join(value)}\n" for name, value in values.items())


def header_text(plan: cpu_options.Plan, group: Group) -> str:
    """GROUP_targets_gen.h."""
    guard = f"{group.name.upper()}_TARGETS_GEN_H"
    rows = [
        f' \\\n    X({target.name}, "{" ".join(target.detect)}", __VA_ARGS__)'
        for target in group.targets
    ]
    return (
        f"{MADE}#ifndef {guard}\n#define {guard}\n\n"
        "/* What the processor must have for any of it. */\n"
        f'#define FS_CPU_BASELINE "{" ".join(plan.baseline.enabled)}"\n\n'
        "/* X(name of the target, the features that it needs besides, and what came behind X):\n"
        " * the best first, and the least first. */\n"
        f"#define FS_CPU_TARGETS(X, ...){''.join(reversed(rows))}\n\n"
        f"#define FS_CPU_TARGETS_UP(X, ...){''.join(rows)}\n\n#endif\n"
    )


def resolve(options: argparse.Namespace) -> None:
    """Write all files."""
    table = cpu_table.load(options.table)
    arch = table.arch_of(options.family, options.endian)
    if arch is None:
        known = ", ".join(sorted({name for a in table.arches.values() for name in a.meson}))
        raise cpu_options.OptionError(
            f"the processor family '{options.family}' ({options.endian}-endian) is not in the "
            f"table of CPU features; known are {known}"
        )
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    compiler = Compiler(
        table, options.compiler, options.command, options.cflags,
        cross=options.cross, cache=options.cache or folder / "cpu_compiler.json",
    )  # fmt: skip
    plan = cpu_options.resolve(table, arch.name, compiler, options.baseline, options.dispatch)
    groups = []
    for name, *rest in options.group:
        if not re.fullmatch(r"[A-Za-z_]\w*", name) or not rest:
            raise cpu_options.OptionError(f"--group {name}: wants a C name, targets and files")
        wanted = [text.strip() for text in rest[0].split(",") if text.strip()]
        groups.append(make_group(plan, name, wanted, rest[1:]))
    for group in groups:
        write(folder / f"{group.name}_targets_gen.h", header_text(plan, group))
    write(folder / "cpu.conf", conf_text(plan, groups))
    data = report_data(options.title, plan, groups)
    write(folder / "cpu_report.json", json.dumps(data, indent=1) + "\n")
    print(report_text(data), end="")


def report(options: argparse.Namespace) -> None:
    """Print a report, and copy it."""
    data = json.loads(options.report.read_text())
    text = report_text(data)
    as_json = json.dumps(data, indent=1) + "\n"
    if options.copies:
        json_copy, text_copy = options.copies
        json_copy.write_text(as_json)
        text_copy.write_text(text)
    print(as_json if options.json else text, end="", flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Do what was asked for."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    command: list[str] = []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, command = arguments[:at], arguments[at + 1 :]
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], allow_abbrev=False)
    ways = parser.add_subparsers(dest="what", required=True)
    way = ways.add_parser("resolve", allow_abbrev=False)
    way.add_argument("folder", type=Path)
    way.add_argument("--table", type=Path, default=table_file())
    way.add_argument("--baseline", default="min")
    way.add_argument("--dispatch", default="max")
    way.add_argument("--family", required=True)
    way.add_argument("--endian", default="little")
    way.add_argument("--compiler", required=True)
    way.add_argument("--cross", action="store_true")
    way.add_argument("--cflags", action="append", default=[])
    way.add_argument("--cache", type=Path)
    way.add_argument("--title", default="CPU OPTIMIZATION")
    way.add_argument("--group", nargs="+", action="append", default=[])
    way.set_defaults(run=resolve)
    way = ways.add_parser("report", allow_abbrev=False)
    way.add_argument("--json", action="store_true")
    way.add_argument("report", type=Path)
    way.add_argument("copies", type=Path, nargs="*")
    way.set_defaults(run=report)
    options = parser.parse_args(arguments)
    options.command = command
    if options.what == "resolve" and not command:
        parser.error("the compiler's command is missing: put it behind --")
    if options.what == "report" and len(options.copies) not in (0, 2):
        parser.error("report takes the copies as two files, JSON and text")
    try:
        options.run(options)
    except (cpu_options.OptionError, cpu_table.TableError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
