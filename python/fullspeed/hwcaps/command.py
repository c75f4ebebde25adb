"""The command `fullspeed hwcaps`: one function per action; each returns the exit code."""

import argparse
import os
import shutil
import sys

from fullspeed.hwcaps import become, path, shown
from fullspeed.variants import BuildError

FAILED = 126  # of exec, as for shells; 127: there is no such program


def _print(text: str) -> None:
    """Print a text that may have paths in any encoding."""
    sys.stdout.flush()
    sys.stdout.buffer.write(os.fsencode(text) + b"\n")
    sys.stdout.buffer.flush()


def _say(lines: list[str]) -> None:
    for line in lines:
        print(f"fullspeed: {line}", file=sys.stderr)


def _path(options: argparse.Namespace) -> int:
    _print(path.written(path.for_this_cpu(options.path), options.shell))
    return 0


def _install(options: argparse.Namespace) -> int:
    from fullspeed.hwcaps import elf, install

    variants = install.read_variants(options.variant)
    if options.audit:
        elf.audit(options.executable, variants)
    _say(install.install(options.executable, variants))
    _say([f"{shown(options.executable)} has variants now: {', '.join(variants)}"])
    return 0


def _remove(options: argparse.Namespace) -> int:
    from fullspeed.hwcaps import install

    _say(install.remove(options.executable))
    _say([f"{shown(options.executable)} has no variants any more"])
    return 0


def _status(options: argparse.Namespace) -> int:
    from fullspeed.hwcaps import status

    facts = status.collect(options.executables)
    if options.json:
        import json

        print(json.dumps(facts, indent=2))
    else:
        print(status.as_text(facts))
    return 1 if any(row["problem"] for row in facts["executables"]) else 0


def _exec(options: argparse.Namespace) -> int:
    words = options.words[1:] if options.words[:1] == ["--"] else options.words
    if not words:
        _say(["hwcaps exec wants an executable"])
        return 2
    name = words[0]
    found = name if "/" in name else shutil.which(name)
    if found is None or not os.path.exists(found):
        _say([f"there is no executable {shown(name)}"])
        return 127
    try:
        become(found, words)
    except BuildError as error:
        _say([str(error)])
        return FAILED


def _systemd(options: argparse.Namespace) -> int:
    from fullspeed.hwcaps import systemd

    wanted = systemd.Wanted(
        options.root,
        "usr/lib" if options.vendor else "etc",
        ("system", "user") if options.managers == "both" else (options.managers,),
        systemd.check_units(options.unit),
    )
    if options.what == "status":
        found = systemd.installed(wanted)
        _say([] if found else ["nothing is installed for systemd"])
    else:
        found = (systemd.install if options.what == "install" else systemd.remove)(wanted)
        _say([] if found else ["there was nothing to remove"])
    for file in found:
        _print(file)
    return 1 if options.what == "status" and not found else 0


ACTIONS = {
    "path": _path,
    "install": _install,
    "remove": _remove,
    "status": _status,
    "exec": _exec,
    "systemd": _systemd,
}


def run(options: argparse.Namespace) -> int:
    """Do what was asked for."""
    try:
        return ACTIONS[options.change](options)
    except BuildError as error:
        _say([str(error)])
        return 1
