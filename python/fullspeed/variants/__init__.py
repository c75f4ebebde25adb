"""Wheels with variants of their extension modules: `fullspeed build`, `fullspeed variants`.

    source.py   what to build: a folder, an archive, a name on the package index
    project.py  one build through the project's own back end, into a folder that can be used again
    elf.py      reading shared libraries
    audit.py    instructions that a level does not promise
    stub.py     compiling the import stub (src/variant)
    wheel.py    several wheels become one
    packages.py the other forms: a package per level, variant wheels
    bench.py    timing a command with each level
    report.py   what each level gains and costs
    options.py  the options of the command
    build.py    the command: all of it in order
    show.py     `fullspeed variants`: what is installed and used here

What must stay true: nothing here runs in a user's program; the libraries that it needs are an
extra of the distribution (`fullspeed[build]`), imported where they are used, by `need()`.
"""

import functools
import importlib
import importlib.util
import os
import sys
from types import ModuleType
from typing import Any

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LEVELS = ("v1", "v2", "v3", "v4")  # as the options have them; the table has their features


class BuildError(Exception):
    """Something that the user has to know; the message names it and the way out."""


def need(name: str) -> ModuleType:
    """A module of a library of the extra."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise BuildError(
            f"this command needs the library {name.partition('.')[0]} ({error}): "
            f"{sys.executable} -m pip install 'fullspeed[build]'"
        ) from None


@functools.cache
def table() -> Any:
    """The table of CPU features; it is installed beside its reader, for builds of projects."""
    folder = os.path.join(PACKAGE, "cpu_build")
    spec = importlib.util.spec_from_file_location(
        "fullspeed._cpu_table", os.path.join(folder, "cpu_table.py")
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look for it there
    spec.loader.exec_module(module)
    return module.load(os.path.join(folder, "cpu_features.toml"))


def label(level: str) -> str:
    """The name that a level, as "v3", has in file names and for compilers."""
    return f"x86-64-{level}"
