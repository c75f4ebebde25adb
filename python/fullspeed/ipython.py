"""IPython and Jupyter: `%load_ext fullspeed` adds the magics %fullspeed and %%fullspeed.

How it works: the cell magic turns the engine on, runs the cell as the shell itself would, and
puts the engine back into the state it had. The line magic switches it for all later cells.
Loading the extension alone turns nothing on.
"""

from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class

import fullspeed


@magics_class
class FullspeedMagics(Magics):
    """The %fullspeed line magic and the %%fullspeed cell magic."""

    @line_cell_magic
    def fullspeed(self, line: str, cell: str | None = None) -> None:
        """Switch the engine or run one cell under it.

        `%fullspeed on`, `%fullspeed off`, `%fullspeed` or `%fullspeed status`: for all cells.
        `%%fullspeed` at the top of a cell: for that cell.
        """
        word = line.strip()
        if cell is not None:
            if word:
                raise UsageError(f"%%fullspeed takes no argument, not {word!r}")
            self._run_cell(cell)
        elif word == "on":
            fullspeed.enable()
        elif word == "off":
            fullspeed.disable()
        elif word in ("", "status"):
            print("fullspeed is", "on" if fullspeed.is_enabled() else "off")
        else:
            raise UsageError(f"%fullspeed takes on, off or status, not {word!r}")

    def _run_cell(self, cell: str) -> None:
        """Run a cell under the engine."""
        was_enabled = fullspeed.is_enabled()
        fullspeed.enable()
        try:
            self.shell.run_cell(cell)
        finally:
            if not was_enabled:
                fullspeed.disable()


def load(shell: Any) -> None:
    """Register the magics."""
    shell.register_magics(FullspeedMagics)


def unload(shell: Any) -> None:
    """Remove the magics and turn the engine off."""
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("fullspeed", None)
    fullspeed.disable()
