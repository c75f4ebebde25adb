"""The options of `fullspeed build`, apart from what it does: every command reads them."""

import argparse
from pathlib import Path


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    add = parser.add_argument
    add(
        "what",
        metavar="SRC|NAME[==V]",
        help="a project's folder, a source archive, or a name on the package index",
    )
    add(
        "--levels",
        default="v2,v3,v4",
        metavar="v2,v3,v4",
        help="the levels of x86-64 that get variants (default: all three)",
    )
    add(
        "--flags",
        default="",
        metavar="FLAGS",
        help="further compiler flags for the variants, as --flags='-O3 -flto'",
    )
    add(
        "--pgo",
        metavar="CMD",
        help="optimise all builds with a profile of this command, as --pgo='python train.py'",
    )
    add(
        "--pgo-with",
        action="append",
        default=[],
        metavar="NAME",
        help="also install this from the package index for the command of --pgo",
    )
    add(
        "--bench",
        metavar="CMD",
        help="measure each level with this command, and leave out what does not pay",
    )
    add(
        "--min-gain",
        default="3%",
        metavar="PERCENT",
        help="what a level has to gain in --bench, to be kept (default: 3%%)",
    )
    add(
        "--bench-rounds",
        type=int,
        metavar="N",
        help="measure this often (default: until there is a verdict)",
    )
    add(
        "--bench-requires",
        action="append",
        default=[],
        metavar="NAME",
        help="a distribution that CMD needs beside the project and what that needs",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--split",
        action="store_true",
        help="make the variants of each level a package of their own",
    )
    form.add_argument(
        "--variant-wheels",
        action="store_true",
        help="make a wheel for each level, for installers that know PEP 825",
    )
    add(
        "-o",
        "--output",
        default="dist",
        metavar="DIR",
        type=Path,
        help="where the wheel goes (default: dist)",
    )
    add(
        "--jobs",
        type=int,
        default=1,
        metavar="N",
        help="how many levels are built at once (default: 1); not with --pgo",
    )
    add(
        "--build-dir",
        metavar="DIR",
        type=Path,
        help="keep what is built here, and use it again where nothing changed",
    )
    add(
        "-C",
        "--config-setting",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a setting for the project's build back end; several are a list",
    )
    add(
        "--no-isolation",
        action="store_true",
        help="build with what is installed here, not in an environment of its own",
    )
