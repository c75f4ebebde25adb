"""fullspeed: runs Python programs in stock CPython, unchanged, with a faster interpreter.

How it works: everything here is thin. The engine is the C extension `fullspeed._engine`; it is
imported by the first call that needs it, so that `import fullspeed` costs next to nothing.
What must stay true: no import here beyond built-in modules, since autoload and `fullspeed run`
come through this file in every process.
"""

import _thread
import sys

__all__ = ["disable", "enable", "info", "is_enabled", "pause", "stats"]

if sys.implementation.name != "cpython" or sys.version_info[:2] != (3, 11):
    raise ImportError(
        f"fullspeed needs CPython 3.11; this is {sys.implementation.name} "
        f"{sys.version_info[0]}.{sys.version_info[1]}"
    )
if sys.version_info < (3, 11, 0, "final"):
    raise ImportError(
        "fullspeed needs a finished CPython 3.11; this is a preview of it, "
        f"{sys.version.split()[0]}"
    )
if sys.platform != "linux":
    raise ImportError(f"fullspeed runs on Linux only; this is {sys.platform}")

_pause_lock = _thread.allocate_lock()
_pause_depth = 0
_pause_resumes = False


def _switched_off() -> bool:
    """Whether FULLSPEED=0 asks for plain CPython."""
    from fullspeed import _run

    return _run.config()["FULLSPEED"][0] == "0"


def enable() -> None:
    """Turn the engine on in this interpreter, for all its threads.

    Does nothing when it is on already, or when the environment says FULLSPEED=0.
    Raises RuntimeError, which names the holder, when something else has taken CPython's
    evaluator slot (PEP 523).
    """
    global _pause_resumes
    if _switched_off():
        return
    import fullspeed._engine as engine

    engine.enable()
    _pause_resumes = True


def disable() -> None:
    """Turn the engine off in this interpreter; running frames leave it at their next safe point."""
    global _pause_resumes
    _pause_resumes = False
    if is_enabled():
        import fullspeed._engine as engine

        engine.disable()


def is_enabled() -> bool:
    """Whether the engine runs this interpreter's code."""
    engine = sys.modules.get("fullspeed._engine")
    return engine is not None and engine.is_enabled()


class pause:
    """Context manager that turns the engine off inside and back on after the last one has left.

    The evaluator belongs to the interpreter, so this pauses all threads. Pauses may nest and
    overlap between threads. The engine stays off afterwards if it was off before, or if
    disable() was called meanwhile.
    """

    def __enter__(self) -> None:
        """Turn the engine off."""
        global _pause_depth, _pause_resumes
        with _pause_lock:
            _pause_depth += 1
            if is_enabled():
                import fullspeed._engine as engine

                engine.disable()
                _pause_resumes = True
            elif _pause_depth == 1:
                _pause_resumes = False

    def __exit__(self, *exc_info: object) -> None:
        """Turn the engine on again if this was the last pause."""
        global _pause_depth
        with _pause_lock:
            _pause_depth -= 1
            if _pause_depth == 0 and _pause_resumes:
                enable()


def stats() -> "dict[str, object]":
    """What the engine has done so far in this process: frames, hand-overs, caches, code."""
    import fullspeed._engine as engine

    return engine.stats()


def info() -> "dict[str, object]":
    """What runs here: fullspeed's build, the CPython under it and how that one was built."""
    from fullspeed import _info

    return _info.collect()


def load_ipython_extension(shell: "object") -> None:
    """Hook of IPython's `%load_ext fullspeed`: adds the `fullspeed` magics."""
    from fullspeed import ipython

    ipython.load(shell)


def unload_ipython_extension(shell: "object") -> None:
    """Hook of IPython's `%unload_ext fullspeed`."""
    from fullspeed import ipython

    ipython.unload(shell)


# What `import fullspeed as ne` offers of NumExpr's names: looked up in fullspeed.array, which
# imports NumPy, when one of them is asked for.
_ARRAY_NAMES = frozenset(
    """
    E MAX_THREADS NumExpr cache_clear cache_info detect_number_of_cores detect_number_of_threads
    disassemble evaluate expression_names get_num_threads get_vml_num_threads get_vml_version
    ncores nthreads print_versions re_evaluate set_num_threads set_vml_accuracy_mode
    set_vml_num_threads stand_in_for_numexpr use_vml validate _init_num_threads
    """.split()
)


def __getattr__(name: str) -> "object":
    """`__version__`, `cpu`, `_cpu`, `loader`, `cluster`, array expressions: when somebody asks."""
    if name in ("cpu", "_cpu", "loader", "cluster"):  # _cpu: for C modules, by PyCapsule_Import()
        import importlib

        return importlib.import_module(f"fullspeed.{name}")
    if name == "__version__":
        from fullspeed import _run

        return _run.VERSION
    if name in _ARRAY_NAMES or name == "array":
        import importlib

        array = importlib.import_module("fullspeed.array")
        if name == "array":
            return array
        value = globals()[name] = getattr(array, name)
        return value
    raise AttributeError(f"module 'fullspeed' has no attribute {name!r}")


def __dir__() -> "list[str]":
    """All names, also those that are looked up later."""
    return sorted({*globals(), *_ARRAY_NAMES, "__version__", "array", "cluster", "cpu", "loader"})
