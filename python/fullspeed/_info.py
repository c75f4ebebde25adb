"""Facts about this installation and about the CPython under it, for info() and the command line.

How it works: the engine's own facts come from `_engine.build_info()`. How the running CPython was
built is looked up in two places. sysconfig has configure's arguments, but a distribution may ship
those of another build (Debian: the arguments are the shared library's, the executable is another,
static one). So the layout of the running code counts first: compilers that were given a profile
put hot and cold functions of one source file far apart, and link-time optimization mixes the
functions of all files, while a plain build keeps each file's functions together.

What must stay true: nothing is guessed silently; `how` says where each answer came from, and
an answer that nobody knows is None.
"""

import ctypes
import os
import platform
import sys
import sysconfig
from typing import Any

# Exported functions, grouped by the source file that defines them.
_FAMILIES = {
    "PyDict_": "Size GetItem SetItem DelItem Keys Values Items Copy Merge Update Clear Next "
    "Contains New MergeFromSeq2 SetDefault",
    "PyList_": "New Size GetItem SetItem Insert Append GetSlice SetSlice Sort Reverse AsTuple",
    "PyUnicode_": "New FromString FromStringAndSize AsUTF8String DecodeUTF7 DecodeUTF32 Join "
    "Split RSplit Splitlines Partition Replace Count Find Concat Compare Translate Tailmatch",
    "PyLong_": "FromLong FromDouble AsLong AsLongLong FromString AsDouble AsVoidPtr AsSize_t",
    "PyBytes_": "FromString FromStringAndSize Size AsString Concat Repr FromObject FromFormat",
    "PySet_": "New Add Contains Discard Clear Pop Size",
    "PyObject_": "Repr Str GetAttr SetAttr Hash IsTrue RichCompare Dir Bytes ASCII Print Not",
    "PyTuple_": "New Size GetItem SetItem GetSlice Pack",
}


def _function_layout() -> "tuple[float, float]":
    """How far a file's functions are spread over the code (0..1), and how much files are mixed.

    The second value is the number of unbroken runs of one file's functions, per file: 1.0 when
    no file is split.
    """
    places: list[tuple[int, str]] = []
    for prefix, names in _FAMILIES.items():
        for name in names.split():
            function = getattr(ctypes.pythonapi, prefix + name, None)
            if function is not None:
                address = ctypes.cast(function, ctypes.c_void_p).value or 0
                places.append((address, prefix))
    places.sort()
    whole = places[-1][0] - places[0][0]
    spreads = []
    for prefix in _FAMILIES:
        own = [address for address, family in places if family == prefix]
        spreads.append((own[-1] - own[0]) / whole)
    runs = 1 + sum(a[1] != b[1] for a, b in zip(places, places[1:], strict=False))
    return sum(spreads) / len(spreads), runs / len(_FAMILIES)


def _sysconfig_fits() -> bool:
    """Whether sysconfig describes the build that runs here, and not its shared or static twin."""
    says_shared = bool(sysconfig.get_config_var("Py_ENABLE_SHARED"))
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            is_shared = any("/libpython" in line for line in maps)
    except OSError:
        return True
    return says_shared == is_shared


def python_build() -> dict[str, Any]:
    """How the CPython that runs here was built: PGO, LTO, debug, compiler."""
    spread, mixing = _function_layout()
    flags = " ".join(
        str(sysconfig.get_config_var(name) or "")
        for name in ("CONFIG_ARGS", "PY_CORE_CFLAGS", "PY_CORE_LDFLAGS")
    )
    trusted = _sysconfig_fits()
    pgo: bool | None = spread > 0.25
    how = "layout of the running code"
    if not pgo and trusted and ("--enable-optimizations" in flags or "-fprofile-use" in flags):
        pgo, how = True, "sysconfig"
    lto: bool | None
    lto_how = "sysconfig"
    if mixing > 4:
        lto, lto_how = True, "layout of the running code"
    elif trusted:
        lto = "--with-lto" in flags or "-flto" in flags
    else:
        lto, lto_how = None, "sysconfig describes another build than the one that runs"
    return {
        "version": platform.python_version(),
        "executable": sys.executable,
        "compiler": platform.python_compiler(),
        "build": " ".join(platform.python_build()),
        "pgo": pgo,
        "pgo_how": how,
        "lto": lto,
        "lto_how": lto_how,
        "debug": hasattr(sys, "gettotalrefcount"),
    }


def _engine_facts() -> dict[str, Any]:
    """The engine's build and whether it is on, or why it cannot be loaded."""
    try:
        import fullspeed._engine as engine
    except ImportError as error:
        return {"available": False, "error": str(error)}
    return {"available": True, "enabled": engine.is_enabled(), **engine.build_info()}


def collect() -> dict[str, Any]:
    """Everything that `fullspeed info` shows."""
    import fullspeed
    from fullspeed import _autoload, _run

    return {
        "fullspeed": {"version": fullspeed.__version__, "folder": os.path.dirname(__file__)},
        "engine": _engine_facts(),
        "python": python_build(),
        "autoload": _autoload.status(),
        "environment": {
            name: {"value": value, "allowed": list(allowed), "help": text}
            for name, (value, allowed, text) in _run.config().items()
        },
    }


def as_text(facts: dict[str, Any]) -> str:
    """The facts as lines for people."""
    engine, python = facts["engine"], facts["python"]
    words = {True: "yes", False: "no", None: "unknown"}
    rows = [("fullspeed", f"{facts['fullspeed']['version']} in {facts['fullspeed']['folder']}")]
    if engine["available"]:
        rows += [
            ("engine", "on in this process" if engine["enabled"] else "off in this process"),
            ("  dispatch", engine["dispatch"]),
            ("  compiler", engine["compiler"]),
            ("  built for", f"CPython {engine['python_built_for']}"),
        ]
    else:
        rows.append(("engine", f"cannot be loaded: {engine['error']}"))
    rows += [
        ("CPython", f"{python['version']} ({python['executable']})"),
        ("  compiler", python["compiler"]),
        ("  build", python["build"]),
        ("  PGO", f"{words[python['pgo']]} ({python['pgo_how']})"),
        ("  LTO", f"{words[python['lto']]} ({python['lto_how']})"),
        ("  debug", words[python["debug"]]),
        ("autoload", facts["autoload"]["state"]),
    ]
    for name, entry in facts["environment"].items():
        rows.append((name, entry["value"] or f"not set ({' or '.join(entry['allowed'])})"))
    return "\n".join(f"{name:<12} {value}" for name, value in rows)
