"""`fullspeed hwcaps path`: PATH with the level folders for this CPU, in the forms of shells.

What must stay true: whatever bytes stand in PATH, what is printed sets a variable, and nothing
else, when a shell reads it.
"""

import os

from fullspeed.hwcaps import ask

SHELLS = ("plain", "sh", "csh", "fish", "systemd")


def _quoted(text: str) -> str:
    """As one word of sh and csh."""
    return "'" + text.replace("'", "'\\''") + "'"


def _csh(text: str) -> str:
    """Also inside of quotes csh replaces ! and wants line breaks marked."""
    return _quoted(text).replace("!", "\\!").replace("\n", "\\\n")


def _fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _systemd(text: str) -> str:
    """As files of environment.d have it."""
    return '"' + "".join("\\" + byte if byte in '"\\$`' else byte for byte in text) + '"'


def written(path: str, shell: str) -> str:
    """PATH as a line that the shell reads."""
    if shell == "sh":
        return f"PATH={_quoted(path)}; export PATH"
    if shell == "csh":
        return f"setenv PATH {_csh(path)}"
    if shell == "fish":
        return f"set -gx PATH {' '.join(_fish(folder) for folder in path.split(':'))}"
    if shell == "systemd":
        return f"PATH={_systemd(path)}"
    return path


def for_this_cpu(path: str | None = None) -> str:
    """PATH, or another list of folders, with the level folders that this CPU may use."""
    return ask("path", os.environ.get("PATH", os.defpath) if path is None else path)[0]
