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


class _Split:
    """Arguments of `run`: interpreter flags and `tail`, which is the target with its arguments."""

    flags: "list[str]"
    tail: "list[str]"
    kind: str
    target: "str | None"
    argv: "list[str]"

    def __init__(self, args: "list[str]") -> None:
        """Split as `python` itself does."""
        self.flags = []
        at = 0
        while at < len(args) and args[at] != "-" and args[at].startswith("-"):
            if args[at] == "--":
                break
            at = self._take_flag(args, at)
            if at < 0:
                return
        self.tail = args[at:]
        self.argv = self.tail[1:] if self.tail[:1] == ["--"] else self.tail
        if self.argv and self.argv[0] != "-":
            self.kind, self.target = "file", self.argv[0]
        else:
            self.kind, self.target = "stdin", None
            self.argv = self.argv or [""]

    def _take_flag(self, args: "list[str]", at: int) -> int:
        """Take the argument at `at`; returns the next place, or -1 after -c or -m."""
        arg = args[at]
        rest = args[at + 1 :]
        if arg.startswith("--"):
            if arg != "--check-hash-based-pycs" or not rest:
                raise _Passthrough
            self.flags += [arg, rest[0]]
            return at + 2
        for place in range(1, len(arg)):
            letter = arg[place]
            if letter in _PLAIN_FLAGS:
                continue
            attached = arg[place + 1 :]
            if letter not in _FLAGS_WITH_VALUE + "cm" or not (attached or rest):
                raise _Passthrough
            if letter in _FLAGS_WITH_VALUE:
                self.flags += [arg] if attached else [arg, rest[0]]
                return at + (1 if attached else 2)
            if place > 1:
                self.flags.append(arg[:place])
            if attached:
                self.tail = ["-" + arg[place:], *rest]
            else:
                self.tail = ["-" + letter, *rest]
                attached = rest.pop(0)
            self.kind, self.target = _TARGETS[letter], attached
            self.argv = ["-" + letter, *rest]
            return -1
        self.flags.append(arg)
        return at + 1


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
    """Take back what CPython put into sys.path for our own start."""
    script = sys.modules["__main__"]
    if script.__spec__ is None:
        sys.path_importer_cache.pop(script.__file__, None)
    if sys.flags.safe_path or not sys.path:
        return
    if script.__spec__ is not None:  # -m: the working directory, if there is one
        try:
            inserted = sys.path[0] == posix.getcwd()
        except OSError:
            inserted = False
        if not inserted:
            return
    own = sys.path.pop(0)
    if own not in sys.path:
        sys.path_importer_cache.pop(own, None)


def _forget_own_imports(importers_before: "set[str]") -> None:
    """Leave only `fullspeed` and its extensions behind, and no folder that we alone looked into."""
    sys.modules.pop("fullspeed._launch", None)
    for folder in {*sys.path_importer_cache} - importers_before:
        del sys.path_importer_cache[folder]
    for folder in sys.modules["fullspeed"].__path__:
        sys.path_importer_cache.pop(folder, None)


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
        import fullspeed._engine as engine
    except ImportError as error:
        _fail(f"the engine cannot be loaded: {error}")
    try:
        engine.enable()
    except RuntimeError as error:
        sys.stderr.write(f"fullspeed: running without the engine: {error}\n")


def run(args: "list[str]", given: int) -> "NoReturn":
    """`fullspeed run`: never returns; `given` is the number of our own arguments in all."""
    outer = _outer_flags(given)
    try:
        split = _Split(args)
    except _Passthrough:
        _exec_python([*outer, *args])
    if split.flags:
        _exec_python([*outer, *split.flags, __file__, "run", *split.tail])
    importers_before = {*sys.path_importer_cache}
    run_module = _import_run()
    try:
        _turn_on(run_module)
    except ValueError as error:
        _fail(str(error))
    target = split.target
    if split.kind == "file":
        target = _absolute(target)
    elif split.kind == "command":
        target += "\n"
    _forget_own_imports(importers_before)
    run_module.run_main(split.kind, target, split.argv, [sys.orig_argv[0], *outer, *args])


def main() -> None:
    """The `fullspeed` command."""
    _forget_own_path()
    args = sys.argv[1:]
    if args[:1] == ["run"] and args[1:2] not in (["-h"], ["--help"]):
        run(args[1:], len(args))
    _import_run()
    import signal

    from fullspeed import cli

    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `fullspeed info | head` ends quietly
    sys.exit(cli.main(args))


if __name__ == "__main__":
    main()
