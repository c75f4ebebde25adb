"""The options of `fullspeed hwcaps`, apart from what it does: every command reads them."""

import argparse


def add_actions(parser: argparse.ArgumentParser) -> None:
    """The actions of the command, with their options."""
    actions = parser.add_subparsers(dest="change", metavar="action", required=True)
    _add_path(actions)
    _add_install(actions)
    _add_exec(actions)
    _add_systemd(actions)


def _add_path(actions: argparse._SubParsersAction) -> None:
    path = actions.add_parser(
        "path",
        help="print PATH for this CPU",
        description="Prints PATH with glibc-hwcaps/x86-64-vN in front of each folder that has it, "
        "for the levels that this CPU may use.",
    )
    path.add_argument(
        "--shell",
        default="plain",
        choices=("plain", "sh", "csh", "fish", "systemd"),
        help="print a line that sets it (default: plain, the value alone)",
    )
    path.add_argument("--path", metavar="FOLDERS", help="another list than $PATH")


def _add_install(actions: argparse._SubParsersAction) -> None:
    install = actions.add_parser(
        "install",
        help="give an executable variants: the best for the CPU is run",
        description="Puts the variants beside the executable, and a small program in its place "
        "that runs the best one for the CPU; the executable itself stays, as EXE.baseline.",
    )
    install.add_argument("executable", metavar="EXE", help="the executable")
    install.add_argument(
        "--variant",
        action="append",
        default=[],
        metavar="v3=PATH",
        help="the same program, built for a level: v2, v3, v4; for each one",
    )
    install.add_argument(
        "--audit",
        action="store_true",
        help="disassemble all first, and refuse a variant with instructions beyond its level",
    )
    remove = actions.add_parser("remove", help="bring an executable back as it was")
    remove.add_argument("executable", metavar="EXE", help="the executable")
    status = actions.add_parser(
        "status",
        help="show executables with variants; exit code 1 if something is wrong with one",
    )
    status.add_argument(
        "executables", nargs="*", metavar="EXE|FOLDER", help="default: the folders of $PATH"
    )
    status.add_argument("--json", action="store_true", help="print it as JSON")


def _add_exec(actions: argparse._SubParsersAction) -> None:
    run = actions.add_parser(
        "exec",
        help="run the best variant of an executable",
        usage="fullspeed hwcaps exec EXE [arguments]",
        description="Becomes EXE.x86-64-vN, or glibc-hwcaps/x86-64-vN/EXE in its folder, for the "
        "highest level that this CPU may use; else EXE itself. EXE without a slash is looked for "
        "in $PATH.",
    )
    run.add_argument("words", nargs=argparse.REMAINDER, metavar="EXE [arguments]")


def _add_systemd(actions: argparse._SubParsersAction) -> None:
    systemd = actions.add_parser(
        "systemd",
        help="let services and sessions find variants, by generators of systemd's",
        description="Puts generators where systemd finds them: they set PATH for the CPU that the "
        "machine has when it starts. `systemctl daemon-reload` afterwards.",
    )
    systemd.add_argument("what", choices=("install", "remove", "status"))
    systemd.add_argument(
        "--for",
        dest="managers",
        default="both",
        choices=("system", "user", "both"),
        help="whose PATH: the system's services, users' sessions (default: both)",
    )
    systemd.add_argument(
        "--unit",
        action="append",
        default=[],
        metavar="SERVICE",
        help="also ExecSearchPath of this service, for names without a slash in its ExecStart",
    )
    systemd.add_argument("--root", default="/", metavar="DIR", help="as if this were /")
    systemd.add_argument(
        "--vendor", action="store_true", help="into /usr/lib instead of /etc: for packages"
    )
