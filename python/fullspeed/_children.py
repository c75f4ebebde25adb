"""Children that multiprocessing starts by spawn or forkserver run under the engine as we do.

How it works: such a child is a new interpreter. The first thing that it unpickles is the data
from multiprocessing.spawn.get_preparation_data: settings by name, of which it ignores those that
it does not know. We add one whose unpickling calls arrive() there. `fullspeed run` asks the
engine to call install() when the program starts its first such child; before, nothing is changed.

What must stay true: a child without fullspeed, or with FULLSPEED=0, starts as ever; nothing of
this is imported in programs that start no such children.
"""

import sys

# The modules that start children; _launch.py has the same names, to save an import.
AWAITED = ("popen_spawn_posix", "popen_forkserver")
_HOME = __file__.removesuffix("/fullspeed/_children.py")
# The child may have been told to look into no folder of ours (-S, -I).
_ARRIVE = f"""\
import sys
known = {_HOME!r} in sys.path_importer_cache
sys.path.insert(0, {_HOME!r})
try:
    from fullspeed import _children
except ImportError:
    _children = None
del sys.path[0]
if not known:
    sys.path_importer_cache.pop({_HOME!r}, None)
if _children is not None:
    _children.arrive()
"""


class _Arrival:
    """Something that is unpickled by running _ARRIVE."""

    def __reduce__(self) -> "tuple[object, ...]":
        return exec, (_ARRIVE, {})


def _forget() -> None:
    """Leave no trace of this module's import."""
    sys.modules.pop(__name__, None)
    sys.path_importer_cache.pop(__file__.rpartition("/")[0], None)


def watch() -> None:
    """Be told when this process starts its first child."""
    import fullspeed._engine as engine

    engine.after_import(AWAITED, __name__)


def arrive() -> None:
    """In a child, before it imports the program's main module: turn the engine on."""
    from fullspeed import _autoload

    _autoload.start()
    if sys.modules["fullspeed"].is_enabled():
        watch()
    sys.modules.pop("fullspeed._autoload", None)
    _forget()


def install() -> None:
    """In the parent: let children know."""
    _forget()
    spawn = sys.modules.get("multiprocessing.spawn")
    if spawn is None:  # modules of these names, but not multiprocessing's
        watch()
        return
    prepare = spawn.get_preparation_data

    def get_preparation_data(name: str) -> "dict[str, object]":
        """Return what a child must know, fullspeed's part included."""
        return {**prepare(name), "fullspeed": _Arrival()}

    spawn.get_preparation_data = get_preparation_data
