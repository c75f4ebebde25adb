"""The options of `fullspeed pgo`, apart from what it does."""

import argparse
from pathlib import Path

DIR = Path("fullspeed-pgo")
LIMIT = 0.5  # of drift
EPILOG = """\
The usual order:
  fullspeed pgo build SRC                   a wheel that counts what runs
  fullspeed pgo train -- python app.py      run your program with it
  fullspeed pgo optimize                    the wheel, optimised for that
  fullspeed pgo check -- python app.py      what it gains
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 drift beyond the limit, 130 interrupted.
"""


def percent(text: str) -> float:
    """A number like 5% or 0.05."""
    value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    if not 0 <= value <= 1:
        raise ValueError(text)
    return value


percent.__name__ = "percentage"  # in argparse's errors


def _command(steps: argparse._SubParsersAction, name: str, text: str, usage: str = "") -> object:
    made = steps.add_parser(
        name, help=text, description=text[0].upper() + text[1:] + ".",
        usage=f"fullspeed pgo {name} {usage}" if usage else None,
    )  # fmt: skip
    made.add_argument(
        "--dir", type=Path, default=DIR, metavar="DIR",
        help=f"the work folder (default: {DIR})",
    )  # fmt: skip
    return made


def _add_with(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--with", dest="more", action="append", default=[], metavar="NAME",
        help="also install this from the package index for the command; may stand several times",
    )  # fmt: skip


def add_options(parser: argparse.ArgumentParser) -> None:
    """The commands and their options."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    steps = parser.add_subparsers(dest="step", metavar="step", required=True)

    info = _command(steps, "info", "show the compilers and tools, what is missing, and the state")
    info.add_argument("--json", action="store_true", help="print it as JSON")

    build = _command(steps, "build", "build a project's wheel so that it counts what runs")
    build.add_argument(
        "what", metavar="SRC|NAME[==V]",
        help="a project's folder, a source archive, or a name on the package index",
    )  # fmt: skip
    build.add_argument(
        "--flags", default="", metavar="FLAGS", help="further compiler flags, as --flags=-O3"
    )
    build.add_argument(
        "-C", "--config-setting", action="append", default=[], metavar="KEY=VALUE",
        help="a setting for the project's build back end; several are a list",
    )  # fmt: skip
    build.add_argument(
        "--no-isolation", action="store_true",
        help="build with what is installed here, not in an environment of its own",
    )  # fmt: skip

    train = _command(
        steps, "train", "run a command with the instrumented wheel, and keep its profile",
        "[--dir DIR] [--add] [--output FOLDER] [--with NAME] -- COMMAND...",
    )  # fmt: skip
    train.add_argument(
        "--add", action="store_true", help="add to the profile that is there, instead of a new one"
    )
    train.add_argument(
        "--output", type=Path, metavar="FOLDER",
        help="put the profile there, for `pgo drift`, not where the training's is",
    )  # fmt: skip
    _add_with(train)

    optimize = _command(steps, "optimize", "build the wheel with the profile")
    optimize.add_argument(
        "-o", "--output", default=Path("dist"), type=Path, metavar="DIR",
        help="where the wheel goes (default: dist)",
    )  # fmt: skip
    optimize.add_argument(
        "--stale", action="store_true",
        help="build the source as it is now, although it changed since the training",
    )  # fmt: skip
    optimize.add_argument(
        "--partial-training", action="store_true",
        help="GCC: optimise what the training did not run for speed, too, not for size",
    )  # fmt: skip

    check = _command(
        steps, "check", "measure what the profile gains, in alternating runs of a command",
        "[--dir DIR] [--rounds N] [--clock wall|cpu] [--min-gain P%%] [--json] -- COMMAND...",
    )  # fmt: skip
    check.add_argument(
        "--rounds", type=int, default=15, metavar="N", help="pairs of runs (default: 15)"
    )
    check.add_argument(
        "--clock", choices=["wall", "cpu"], default="wall",
        help="what is measured: time, or CPU time of the command and its children",
    )  # fmt: skip
    check.add_argument(
        "--min-gain", type=percent, metavar="P%",
        help="exit code 1 if the gain is smaller",
    )  # fmt: skip
    check.add_argument("--json", action="store_true", help="print it as JSON")
    _add_with(check)

    drift = _command(steps, "drift", "compare another run's profile with the training's")
    drift.add_argument("profile", type=Path, help="a folder that `pgo train --output` made, or "
                       "that processes with the instrumented wheel wrote into")  # fmt: skip
    drift.add_argument(
        "--limit", type=percent, default=LIMIT, metavar="P%",
        help="exit code 3 if the overlap is smaller (default: 50%%)",
    )  # fmt: skip
    drift.add_argument("--json", action="store_true", help="print it as JSON")
    _add_python(steps)


def _add_python(steps: argparse._SubParsersAction) -> None:
    python = _command(
        steps, "python", "build CPython's own source, per level, with LTO and this training"
    )
    add = python.add_argument
    add("what", metavar="SRC", type=Path, help="CPython's source tree, unpacked, not built in")
    add(
        "--train", required=True, metavar="CMD",
        help="the command to train on, as --train='python train.py'; `python` is the one built",
    )  # fmt: skip
    add("--levels", default="v3", metavar="v3,v4", help="the levels of x86-64 (default: v3)")
    add(
        "--prefix", required=True, type=Path, metavar="DIR",
        help="where they go: DIR/x86-64-v3/bin/python3 and so on",
    )  # fmt: skip
    add("--jobs", type=int, default=1, metavar="N", help="what make does at once (default: 1)")
    add("--configure", default="", metavar="ARGS", help="more arguments for configure")
    add("--no-lto", action="store_true", help="without link-time optimisation")
    add("--keep", action="store_true", help="keep the build trees in the work folder")
