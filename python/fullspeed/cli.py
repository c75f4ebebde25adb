"""The `fullspeed` command, apart from `fullspeed run`, which _launch.py serves.

How it works: argparse, one function per command, each returns the exit code:
0 done, 1 it did not work (the reason is on stderr), 2 wrong usage or environment.
"""

import argparse
import sys
from collections.abc import Sequence

RUN_EPILOG = """\
[python's options] are those of `python` itself and stand before the program, for example
-O, -I, -W error, -X dev. Exit code: the program's; 125 if fullspeed could not start it.
"""


def _build_parser() -> argparse.ArgumentParser:
    import fullspeed

    parser = argparse.ArgumentParser(
        prog="fullspeed",
        description="Runs Python programs in this CPython, unchanged, with a faster interpreter.",
        epilog="Exit codes: 0 done, 1 failed, 2 wrong usage or environment; "
        "`run` gives the program's own, and 125 if it could not be started.",
    )
    parser.add_argument("--version", action="version", version=f"fullspeed {fullspeed.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)

    commands.add_parser(
        "run",
        help="run a program as `python` would, under the engine",
        usage="fullspeed run [python's options] (file | folder | zip | -m module | -c command | -) "
        "[arguments]",
        description="Runs a program exactly as `python` does, under the engine.",
        epilog=RUN_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    info = commands.add_parser(
        "info", help="show this build, the CPython under it and how that one was built"
    )
    info.add_argument("--json", action="store_true", help="print it as JSON")
    info.set_defaults(action=_info)

    cpu = commands.add_parser(
        "cpu", help="show what the processor can do, and what of it is used by what"
    )
    cpu.add_argument("--json", action="store_true", help="print it as JSON")
    cpu.set_defaults(action=_cpu)

    from fullspeed.hwcaps.options import add_actions

    hwcaps = commands.add_parser(
        "hwcaps",
        help="variants of executables for newer CPUs: search path, exec stub, systemd",
        description="Variants of executables: the PATH for this CPU, executables with several "
        "variants of which the best is run, and what systemd needs for that.",
    )
    add_actions(hwcaps)
    hwcaps.set_defaults(action=_hwcaps)

    explain = commands.add_parser(
        "explain",
        help="run a program with the JIT and say what became of its hot places",
        usage="fullspeed explain (file | -m module) [file:line] [options] [-- arguments]",
        description="Runs a program with the JIT on and says at its end (on stderr), for each hot "
        "loop and function, whether it is compiled, how often and why its traces are left or "
        "why there are none, and what would help.",
    )
    explain.add_argument("program", nargs="?", help="the script")
    explain.add_argument("where", nargs="?", metavar="file:line", help="only what is at this line")
    explain.add_argument("-m", dest="module", metavar="module", help="run a module")
    explain.add_argument("-o", "--output", metavar="FILE", help="write the report to a file")
    explain.add_argument("--html", metavar="FILE", help="write a page with the source annotated")
    explain.add_argument("--graph", metavar="FILE", help="write the traces as .svg or .dot")
    explain.add_argument("--asm", action="store_true", help="show the machine code of the traces")
    explain.add_argument("--all", action="store_true", help="show places in libraries, too")
    explain.set_defaults(action=_explain)

    from fullspeed.variants.options import add_options

    wheels = commands.add_parser(
        "build",
        help="build a project's wheel with variants of its extension modules for newer CPUs",
        description="Builds a project once for the baseline and once for each level of x86-64, "
        "and makes one ordinary wheel of them: where it is imported, the best variant for the CPU "
        "is loaded. The wheel does not need fullspeed. Its path is printed.",
    )
    add_options(wheels)
    wheels.set_defaults(action=_build)

    from fullspeed.pgo import options as pgo_options

    pgo = commands.add_parser(
        "pgo",
        help="build a project's wheel, optimised by a profile of your program",
        description="Builds a project's extension modules so that they count what runs, runs a "
        "command with them, builds them again with that profile, and measures what it gains.",
    )
    pgo_options.add_options(pgo)
    pgo.set_defaults(action=_pgo)

    variants = commands.add_parser(
        "variants", help="show what variants an installed distribution has and which are used here"
    )
    variants.add_argument("name", help="the distribution, as pip has it")
    variants.add_argument("--json", action="store_true", help="print it as JSON")
    variants.set_defaults(action=_variants)

    _add_cluster(commands)

    autoload = commands.add_parser(
        "autoload", help="turn the engine on in every process that has FULLSPEED=1"
    )
    actions = autoload.add_subparsers(dest="change", metavar="action", required=True)
    actions.add_parser("enable", help="install the autoload files into this environment")
    actions.add_parser("disable", help="remove them")
    actions.add_parser("status", help="say whether they are there; exit code 1 if not")
    autoload.set_defaults(action=_autoload)
    return parser


def _add_cluster(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `fullspeed cluster`."""
    parser = commands.add_parser(
        "cluster",
        help="show the CPU level of each worker of a cluster, or agree on a common one",
        usage="fullspeed cluster [agree] [--mpi | --dask ADDRESS | --folder DIR | FILE ...] "
        "[options] [-- command]",
        description="Shows the CPU level of the processes of a cluster. With `agree`, the highest "
        "that all have is settled on, and what forces it is printed as lines for a shell, or set "
        "for the command behind --.",
    )
    add = parser.add_argument
    add("words", nargs="*", metavar="FILE", help="reports of --json from elsewhere; - is stdin")
    add("--mpi", action="store_true", help="the ranks of this job (mpi4py), started by mpirun")
    add("--dask", metavar="ADDRESS", help="the workers of a Dask cluster, by its scheduler")
    add("--folder", metavar="DIR", help="processes that share an empty folder")
    add("--rank", type=int, metavar="N", help="of this process; else as mpirun or srun say")
    add("--size", type=int, metavar="N", help="how many processes there are; else as they say")
    add("--timeout", type=float, default=120.0, metavar="S", help="seconds to wait (120)")
    add("--json", action="store_true", help="print it as JSON")
    parser.set_defaults(action=_cluster)


def _info(options: argparse.Namespace) -> int:
    from fullspeed import _info

    facts = _info.collect()
    if options.json:
        import json

        print(json.dumps(facts, indent=2))
    else:
        print(_info.as_text(facts))
    return 0 if facts["engine"]["available"] else 1


def _cpu(options: argparse.Namespace) -> int:
    try:
        from fullspeed import cpu
    except ImportError as error:  # this processor is below the baseline: it names what it lacks
        print(f"fullspeed: {error}", file=sys.stderr)
        return 1

    facts = cpu.collect()
    if options.json:
        import json

        print(json.dumps(facts, indent=2))
    else:
        print(cpu.as_text(facts))
    return 0


def _hwcaps(options: argparse.Namespace) -> int:
    from fullspeed.hwcaps import command

    return command.run(options)


def _build(options: argparse.Namespace) -> int:
    from fullspeed.variants import build

    return build.run(options)


def _pgo(options: argparse.Namespace) -> int:
    from fullspeed.pgo import command

    return command.run(options)


def _variants(options: argparse.Namespace) -> int:
    from fullspeed.variants import BuildError, show

    try:
        facts = show.collect(options.name)
    except BuildError as error:
        print(f"fullspeed: {error}", file=sys.stderr)
        return 1
    if options.json:
        import json

        print(json.dumps(facts, indent=2))
    else:
        print(show.as_text(facts))
    return 0 if all(row["used"] is not None for row in facts["modules"].values()) else 1


def _cluster(options: argparse.Namespace) -> int:
    from fullspeed.cluster import _command

    return _command.run(options)


def _explain(options: argparse.Namespace) -> int:
    from fullspeed import _explain

    if options.module is not None:
        if options.program is not None and options.where is None:
            options.where, options.program = options.program, None
        target = ["-m", options.module]
    else:
        target = [options.program]
    if (options.program is None) == (options.module is None):
        print("fullspeed: explain wants one script or one module", file=sys.stderr)
        return 2
    if options.where is not None and not options.where.rpartition(":")[2].isdigit():
        print(f"fullspeed: {options.where} is not file:line", file=sys.stderr)
        return 2
    return _explain.run(options, target + options.arguments)


def _autoload(options: argparse.Namespace) -> int:
    from fullspeed import _autoload

    try:
        if options.change == "enable":
            for path in _autoload.enable():
                print(f"wrote {path}")
            print("Processes of this environment that have FULLSPEED=1 now run under the engine.")
            return 0
        if options.change == "disable":
            for path in _autoload.disable():
                print(f"removed {path}")
            print("Autoload is disabled.")
            return 0
    except _autoload.AutoloadError as error:
        print(f"fullspeed: {error}", file=sys.stderr)
        return 1
    status = _autoload.status()
    print(f"autoload is {status['state']}")
    for path in status["files"]:
        print(f"  {path}")
    if status["state"] == "damaged":
        print("`fullspeed autoload enable` repairs it.")
    return 0 if status["state"] == "enabled" else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    # What stands behind `hwcaps exec` is another program's.
    whole = "--" not in arguments or arguments[:2] == ["hwcaps", "exec"]
    end = len(arguments) if whole else arguments.index("--")
    try:
        parser = _build_parser()
    except ImportError as error:  # built for another processor, for one
        print(f"fullspeed: its C part cannot be loaded: {error}", file=sys.stderr)
        return 1
    options = parser.parse_args(arguments[:end])
    options.arguments = arguments[end + 1 :]
    try:
        return options.action(options)
    except ValueError as error:  # an environment variable with a value that is not allowed
        print(f"fullspeed: {error}", file=sys.stderr)
        return 2
