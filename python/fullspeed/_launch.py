"""All of `fullspeed run`, and the way to the other commands.

How it works: the `fullspeed` command (src/run/run_command.c) starts python with the flags of
`run` and our _start.py, which comes here. `_run.run_main` then turns this very process into what
`python [flags] <target>` would have been. `python -m fullspeed run [flags]` comes here too late
for flags: this process becomes `python [flags] _start.py run <target>` by exec. All other
commands are in cli.py.

What must stay true: a program may see nothing of us, so this file uses built-in modules only
(with -S not even `os` has been imported), and `run` never touches argparse. `fullspeed run`
must start within 8 ms of `python`.
"""

import posix
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

EXIT_USAGE = 2
EXIT_LAUNCH_FAILED = 125


class _Split:
    """Arguments of `run`: interpreter flags and `tail`, which is the target with its arguments."""

    def __init__(self, args: "list[str]", kind: "str | None", at: int, letter: int) -> None:
        """The rest of what `_run.split` has begun."""
        self.kind = kind
        self.flags: list[str] = args[:at]
        self.tail: list[str] = args[at:]
        self.target: str | None = None
        if letter:  # -c command or -m module, which may stand behind flags: -Oc
            first = self.tail[0]
            if letter > 1:
                self.flags.append(first[:letter])
                self.tail[0] = "-" + first[letter:]
            rest = [*filter(None, [first[letter + 1 :]]), *self.tail[1:]]
            self.target = rest[0]
            self.argv = ["-" + first[letter], *rest[1:]]
            return
        self.argv: list[str] = self.tail[1:] if self.tail[:1] == ["--"] else self.tail
        if self.kind == "file":
            self.target = self.argv[0]
        else:
            self.argv = self.argv or [""]


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
    else:
        engine.after_import(("popen_spawn_posix", "popen_forkserver"), "fullspeed._children")


def _install_loader(run: "object") -> None:
    """Put the import hook in if FULLSPEED_LOADER=1, unless FULLSPEED=0."""
    config = run.config()
    if config["FULLSPEED_LOADER"][0] != "1" or config["FULLSPEED"][0] == "0":
        return
    try:
        from fullspeed import loader

        loader.install()
    except (ImportError, RuntimeError) as error:
        sys.stderr.write(f"fullspeed: running without the import hook: {error}\n")


def run(args: "list[str]", given: int, importers_before: "set[str]") -> "NoReturn":
    """`fullspeed run`: never returns; `given` is the number of our own arguments in all."""
    outer = _outer_flags(given)
    try:
        from fullspeed import _run
    except ImportError as error:  # an editable install under -S, for one
        _fail(f"its C part cannot be loaded: {error}")
    split = _Split(args, *_run.split(args))
    if split.kind is None:  # `python` itself must answer: --version, an unknown option ...
        _exec_python([*outer, *args])
    if split.flags:
        start = __file__.replace("_launch.py", "_start.py")
        _exec_python([*outer, *split.flags, start, "run", *split.tail])
    try:
        _turn_on(_run)
        _install_loader(_run)
    except ValueError as error:
        _fail(str(error))
    target = split.target
    if split.kind == "file":
        target = _absolute(target)
    elif split.kind == "command":
        target += "\n"
    _forget_own_imports(importers_before)
    _run.run_main(split.kind, target, split.argv, [sys.orig_argv[0], *outer, *args])


def main(importers_before: "set[str] | None" = None) -> None:
    """The `fullspeed` command; the set holds the folders looked into before fullspeed was."""
    if importers_before is None:
        importers_before = {*sys.path_importer_cache}
    _forget_own_path()
    args = sys.argv[1:]
    if args[:1] == ["run"] and args[1:2] not in (["-h"], ["--help"]):
        run(args[1:], len(args), importers_before)
    import signal

    from fullspeed import cli

    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `fullspeed info | head` ends quietly
    sys.exit(cli.main(args))
