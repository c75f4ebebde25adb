"""Autoload: turns the engine on in every process of an environment that has FULLSPEED=1.

How it works: `enable` puts two small files into the environment's site-packages. CPython up to
3.14 executes the import line of the .pth file at its start; later versions call the function
that the .start file names (PEP 829) and then ignore that line. Both come to start(), and only if
FULLSPEED is set, so that other processes pay for one look into the environment.

What must stay true: a Python start never fails, and never prints a traceback, because of us;
with fullspeed uninstalled the files do nothing. Files are replaced atomically. start() is on
the path of every process: no import at the top of this file but sys.
"""

import sys

NAME = "fullspeed_autoload"
_PTH_CODE = """\
try:
    from fullspeed._autoload import start
except ModuleNotFoundError:
    pass
except Exception as error:
    import sys
    if sys.stderr is not None: print("fullspeed: autoload: not loaded:", error, file=sys.stderr)
else:
    start()
"""
_PTH = f'import os; os.environ.get("FULLSPEED") and exec({_PTH_CODE!r})\n'
_START = "fullspeed._autoload:start\n"
_CONTENTS = {".start": _START, ".pth": _PTH}


_started = False


class AutoloadError(Exception):
    """Autoload could not be changed; the text says why."""


def start() -> None:
    """Enable the engine if FULLSPEED=1, put the import hook in if FULLSPEED_LOADER=1 as well; any
    trouble becomes one line on stderr."""
    global _started
    if _started:  # site reads a virtual environment's folder twice
        return
    _started = True
    what = "engine"
    try:
        from fullspeed import _run

        config = _run.config()
        if config["FULLSPEED"][0] == "1":
            import fullspeed

            fullspeed.enable()
            if config["FULLSPEED_LOADER"][0] == "1":
                what = "import hook"
                from fullspeed import loader

                loader.install()
    except Exception as error:
        if sys.stderr is not None:
            sys.stderr.write(f"fullspeed: autoload: running without the {what}: {error}\n")


def _folder() -> str:
    """The site-packages of this environment: where fullspeed is, if that is a site folder."""
    import os
    import site
    import sysconfig

    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    folders = site.getsitepackages()
    if site.ENABLE_USER_SITE:
        folders.append(site.getusersitepackages())
    return home if home in folders else sysconfig.get_path("purelib")


def _paths() -> "dict[str, str]":
    """The files of autoload and what they must contain."""
    import os

    folder = _folder()
    return {os.path.join(folder, NAME + end): text for end, text in _CONTENTS.items()}


def _write(path: str, text: str) -> None:
    """Put a file in place atomically, readable by all."""
    import os
    import tempfile

    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".fullspeed-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def enable() -> "list[str]":
    """Write the files; returns their paths."""
    paths = _paths()
    for path, text in paths.items():
        try:
            _write(path, text)
        except OSError as error:
            raise AutoloadError(
                f"cannot write {path}: {error.strerror}; use a virtual environment, "
                "or a user who may write there"
            ) from error
    return list(paths)


def disable() -> "list[str]":
    """Remove the files; returns the paths that were there."""
    import os

    removed = []
    for path in _paths():
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise AutoloadError(f"cannot remove {path}: {error.strerror}") from error
        removed.append(path)
    return removed


def status() -> "dict[str, object]":
    """State ('enabled', 'disabled' or 'damaged') and the files."""
    right = found = 0
    paths = _paths()
    for path, text in paths.items():
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                found += 1
                right += file.read() == text
        except FileNotFoundError:
            continue
        except OSError:
            found += 1
    state = "enabled" if right == len(paths) else "damaged" if found else "disabled"
    return {"state": state, "files": list(paths)}
