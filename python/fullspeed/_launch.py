# The first line must be a comment: `python -x` skips it when this file is run as a script.
"""The start of the `fullspeed` command, and all of `fullspeed run`.

How it works: `run` splits its arguments as `python` does into interpreter flags and a target.
Flags must be known when an interpreter starts, so if there are any, this process becomes
`python <flags> _launch.py run <target>` by exec. Without flags `_run.run_main` turns this very
process into what `python <target>` would have been. All other commands are in cli.py.

What must stay true: a program may see nothing of us, so this file uses built-in modules only
(with -S not even `os` has been imported), and `run` never touches argparse. `fullspeed run`
must start within 8 ms of `python`.
"""

import posix
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

# python's own one-letter options, by what they need.
_PLAIN_FLAGS = "bBdEiIOPqRsStuvx"
_FLAGS_WITH_VALUE = "WX"
_TARGETS = {"c": "command", "m": "module"}

EXIT_USAGE = 2
EXIT_LAUNCH_FAILED = 125


class _Passthrough(Exception):
    """Arguments that `python` itself must answer: --version, an unknown option, a missing value."""


def _split_target(args: "list[str]") -> "tuple[list[str], str, str | None, list[str]]":
    """Split arguments into interpreter flags, kind of target, target, and sys.argv."""
    flags: "list[str]" = []
    at = 0
    while at < len(args):
        arg = args[at]
        if arg == "--":
            at += 1
            break
        if arg == "-" or not arg.startswith("-"):
            break
        at += 1
        if arg.startswith("--"):
            if arg != "--check-hash-based-pycs" or at == len(args):
                raise _Passthrough
            flags += [arg, args[at]]
            at += 1
            continue
        for place in range(1, len(arg)):
            letter = arg[place]
            if letter in _PLAIN_FLAGS:
                continue
            if letter not in _FLAGS_WITH_VALUE and letter not in _TARGETS:
                raise _Passthrough
            attached = arg[place + 1 :]
            if not attached and at == len(args):
                raise _Passthrough
            value = attached or args[at]
            at += not attached
            if letter in _TARGETS:
                if place > 1:
                    flags.append(arg[:place])
                return flags, _TARGETS[letter], value, ["-" + letter, *args[at:]]
            flags += [arg] if attached else [arg, value]
            break
        else:
            flags.append(arg)
    rest = args[at:]
    if rest and rest[0] != "-":
        return flags, "file", rest[0], rest
    return flags, "stdin", None, rest or [""]


def _join_target(kind: str, target: "str | None", argv: "list[str]") -> "list[str]":
    """The arguments that _split_target splits into this target without flags."""
    if kind in ("command", "module"):
        return [argv[0], target, *argv[1:]]
    if argv == [""]:
        return []
    return ["--", *argv] if argv[0].startswith("-") and kind == "file" else argv


def _outer_flags(arg_count: int) -> "list[str]":
    """The interpreter flags that this process was started with."""
    head = sys.orig_argv[1 : len(sys.orig_argv) - arg_count]
    if sys.modules["__main__"].__spec__ is None:  # python [flags] script
        return head[:-1]
    if head[-1:] == ["fullspeed"]:  # python [flags] -m fullspeed, or -Om fullspeed
        head.pop()
        last = head.pop()[:-1]
    else:  # python [flags] -mfullspeed
        last = head.pop().removesuffix("mfullspeed")
    return head if last == "-" else [*head, last]


def _absolute(path: str) -> str:
    """A script's path as `python` writes it into __file__."""
    if path.startswith("/"):
        return path
    try:
        here = posix.getcwd()
    except OSError:
        return path
    return here if path in ("", ".") else f"{here}/{path}"


def _forget_own_path() -> None:
    """Take back the sys.path entry that CPython inserted for our own start."""
    if sys.flags.safe_path or not sys.path:
        return
    if sys.modules["__main__"].__spec__ is not None:  # -m: the working directory, if it has one
        try:
            inserted = sys.path[0] == posix.getcwd()
        except OSError:
            inserted = False
        if not inserted:
            return
    own = sys.path.pop(0)
    if own not in sys.path:
        sys.path_importer_cache.pop(own, None)


def _import_run() -> "object":
    """Our `_run` extension, also where flags such as -S or -I hide our own folder."""
    try:
        from fullspeed import _run
    except ModuleNotFoundError:
        sys.modules.pop("fullspeed", None)
        home = __file__.rpartition("/fullspeed/")[0]
        sys.path.insert(0, home)
        try:
            from fullspeed import _run
        finally:
            sys.path.remove(home)
    return _run


def _set_environment(name: str, value: str) -> None:
    """Set a variable for this process and its children, without importing `os`."""
    os = sys.modules.get("os")
    if os is not None:
        os.environ[name] = value
    else:
        posix.environ[name.encode()] = value.encode()
        posix.putenv(name, value)


def _fail(message: str) -> "NoReturn":
    """End the process: fullspeed could not start the program."""
    sys.stderr.write(f"fullspeed: {message}\n")
    sys.exit(EXIT_LAUNCH_FAILED)


def _exec_python(args: "list[str]") -> "NoReturn":
    """Become `python` with these arguments."""
    if not sys.executable:
        _fail("cannot find the Python executable (sys.executable is empty)")
    try:
        posix.execv(sys.executable, [sys.executable, *args])
    except OSError as error:
        _fail(f"cannot execute {sys.executable}: {error.strerror}")


def _turn_on(run: "object") -> None:
    """Enable the engine unless FULLSPEED=0, and let children know."""
    if run.config()["FULLSPEED"][0] == "0":
        return
    _set_environment("FULLSPEED", "1")
    try:
        from fullspeed import _engine
    except ImportError as error:
        _fail(f"the engine cannot be loaded: {error}")
    try:
        _engine.enable()
    except RuntimeError as error:
        sys.stderr.write(f"fullspeed: running without the engine: {error}\n")


def run(args: "list[str]", given: int) -> "NoReturn":
    """`fullspeed run`: never returns; `given` is the number of our own arguments in all."""
    outer = _outer_flags(given)
    try:
        flags, kind, target, argv = _split_target(args)
    except _Passthrough:
        _exec_python([*outer, *args])
    if flags:
        _exec_python([*outer, *flags, __file__, "run", *_join_target(kind, target, argv)])
    run_module = _import_run()
    try:
        _turn_on(run_module)
    except ValueError as error:
        _fail(str(error))
    if kind == "file":
        target = _absolute(target)
    elif kind == "command":
        target += "\n"
    run_module.run_main(kind, target, argv, [sys.orig_argv[0], *outer, *args])


def main() -> None:
    """The `fullspeed` command."""
    _forget_own_path()
    args = sys.argv[1:]
    if args[:1] == ["run"] and args[1:2] not in (["-h"], ["--help"]):
        run(args[1:], len(args))
    _import_run()
    from fullspeed import cli

    sys.exit(cli.main(args))


if __name__ == "__main__":
    main()
