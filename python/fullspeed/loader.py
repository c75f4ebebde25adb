"""An import hook for extension modules that have variants in level folders, without a stub.

    pkg/_x.cpython-311-x86_64-linux-gnu.so                              the module
    pkg/glibc-hwcaps/x86-64-v3/_x.cpython-311-x86_64-linux-gnu.so       its variant for x86-64-v3
    pkg/_x.cpython-311-x86_64-linux-gnu.so.avx2, ....so.avx512          as Clear Linux has them

    import fullspeed.loader
    fullspeed.loader.install()      # imports from here on take the best variant for this CPU

How it works: a path hook in front of CPython's own, whose finders are CPython's with another
loader for extension modules. So a module without machine code costs nothing more, and namespace
packages, zip files, pkgutil, reload() and invalidate_caches() are CPython's. Which features may be
used is the CPU room's answer (fullspeed._cpu), whether a file may be loaded is the import stub's
(fullspeed._variant).

What must stay true: nothing is found that would not be found without the hook; a variant lies in
its module's own folder; `__file__` and `__spec__` are those of the module without variants; once
code of a variant has run, no other is tried. This file is imported early in programs: it imports
nothing that every Python does not have anyway.
"""

import sys
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
    SourcelessFileLoader,
)

from fullspeed import _variant

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from types import ModuleType

__all__ = ["Choice", "VariantLoader", "choose", "install", "is_installed", "loaded", "uninstall"]

# Clear Linux compiles these for Haswell and for Skylake's servers: a level, and what compilers use
# of such processors besides.
_SUFFIXES = {".avx512": ("X86_V4", "AES", "PCLMULQDQ"), ".avx2": ("X86_V3", "PCLMULQDQ")}

# (folder below the module's, suffix of the file) that may be used here, the best first; None: not
# asked yet.
_places: "list[tuple[str, str]] | None" = None
# The variants that were loaded, by the module's name.
_loaded: "dict[str, str]" = {}


class Choice:
    """What an import of an extension module would load."""

    def __init__(self, module: str, used: str, passed_over: "dict[str, str]") -> None:
        """The module's own file; the file that is loaded; reasons against better ones, by file."""
        self.module = module
        self.used = used
        self.passed_over = passed_over

    def __repr__(self) -> str:
        """All of it."""
        return f"Choice({self.module!r}, used={self.used!r}, passed_over={self.passed_over!r})"


def _usable_places() -> "list[tuple[str, str]]":
    """Where variants for this CPU, and for what the environment leaves of it, may lie."""
    try:
        from fullspeed import _cpu
    except ImportError as error:  # this CPU has not even what fullspeed._cpu is compiled for
        _warn(f"extension modules are loaded without their variants: {error}")
        return []
    usable = set(_cpu.state()["usable"])
    places: list[tuple[str, str]] = []
    for level in reversed(_cpu.names()):
        if not level.startswith("X86_V") or level == "X86_V1" or level not in usable:
            continue
        places.append((f"glibc-hwcaps/x86-64-{level[4:].lower()}/", ""))
        places += [
            ("", suffix)
            for suffix, needs in _SUFFIXES.items()
            if needs[0] == level and usable.issuperset(needs)
        ]
    return places


def _read_places() -> "list[tuple[str, str]]":
    global _places
    if _places is None:
        _places = _usable_places()
    return _places


def forget_features() -> None:
    """Ask again what may be used: fullspeed.cluster has taken features away."""
    global _places
    _places = None


def _warn(text: str) -> None:
    import warnings

    warnings.warn(text, ImportWarning, stacklevel=2)


def _warn_of(module: str, passed_over: "dict[str, str]") -> None:
    """Say what was passed over, if anything was, in the words of the import stub."""
    if passed_over:
        folder = module.rpartition("/")[0] + "/"
        faults = [f"{path.removeprefix(folder)}: {why}" for path, why in passed_over.items()]
        _warn(f"{module} passed over a variant of itself: {'; '.join(faults)}")


def _variants(module: str) -> "Iterator[tuple[str, bool | str]]":
    """The variants that there are of a module's file, the best first: True, or why not."""
    folder, slash, name = module.rpartition("/")
    for below, suffix in _read_places():
        path = f"{folder}{slash}{below}{name}{suffix}"
        state = _variant.check(module, below, path)
        if state is not None:
            yield path, state


class VariantLoader(ExtensionFileLoader):
    """Loads an extension module from the best variant of its file; `path` is the file itself."""

    def create_module(self, spec: ModuleSpec) -> "ModuleType":
        """Load a variant, or the file itself; both as CPython does it."""
        passed_over: dict[str, str] = {}
        module = None
        for path, state in _variants(self.path):
            if state is not True:
                passed_over[path] = state
                continue
            try:
                module = super().create_module(_spec_at(spec, path))
            except ImportError as error:
                if error.path != path:  # the module's own: its code has run
                    raise
                passed_over[path] = str(error).removeprefix(f"{path}: ")
                continue
            _loaded[spec.name] = path
            if getattr(module, "__file__", None) == path:
                module.__file__ = self.path
            break
        if module is None:
            module = super().create_module(spec)
        _warn_of(self.path, passed_over)
        return module


def _spec_at(spec: ModuleSpec, path: str) -> ModuleSpec:
    """The spec of a module with another file."""
    made = ModuleSpec(spec.name, spec.loader, origin=path, loader_state=spec.loader_state)
    made.submodule_search_locations = spec.submodule_search_locations
    made.has_location = True
    return made


class _Finder(FileFinder):
    """CPython's finder for a folder, under a name that tells it from CPython's own."""


_hook = _Finder.path_hook(
    (VariantLoader, EXTENSION_SUFFIXES),
    (SourceFileLoader, SOURCE_SUFFIXES),
    (SourcelessFileLoader, BYTECODE_SUFFIXES),
)


def _place_of_stock_hook() -> int:
    """Where CPython's own hook for folders is: the last one of its kind. What other tools have put
    in front of it takes folders before us, too."""
    name = FileFinder.path_hook().__qualname__
    for at in range(len(sys.path_hooks) - 1, -1, -1):
        if getattr(sys.path_hooks[at], "__qualname__", None) == name:
            return at
    raise RuntimeError(
        "fullspeed.loader: CPython's own hook for folders is not in sys.path_hooks, so there is "
        "nothing to stand in for"
    )


def _forget_finders(kind: type) -> None:
    """Have folders looked at anew; modules that are loaded stay."""
    for path, finder in list(sys.path_importer_cache.items()):
        if type(finder) is kind:
            sys.path_importer_cache.pop(path, None)


def install() -> bool:
    """Put the hook in, for this interpreter; False: FULLSPEED=0 or FULLSPEED_LOADER=0 forbids it.

    Raises ValueError when a variable of CPU features is wrong, RuntimeError when sys.path_hooks
    has nothing that this could stand in for.
    """
    from fullspeed import _run

    config = _run.config()
    if config["FULLSPEED"][0] == "0" or config["FULLSPEED_LOADER"][0] == "0":
        return False
    if not is_installed():
        _read_places()  # whatever is wrong is said here, and not at some import
        sys.path_hooks.insert(_place_of_stock_hook(), _hook)
        _forget_finders(FileFinder)
    return True


def uninstall() -> bool:
    """Take the hook out; whether it was in. Modules that are loaded stay as they are."""
    if not is_installed():
        return False
    sys.path_hooks.remove(_hook)
    _forget_finders(_Finder)
    return True


def is_installed() -> bool:
    """Whether the hook is in, for this interpreter."""
    return _hook in sys.path_hooks


def choose(path: "str | os.PathLike[str]") -> Choice:
    """What an import of the extension module in this file would load; nothing is loaded.

    The dynamic loader may still refuse a variant that is named here, for want of a library.
    """
    from os import fspath

    module = fspath(path)
    passed_over: dict[str, str] = {}
    for variant, state in _variants(module):
        if state is True:
            return Choice(module, variant, passed_over)
        passed_over[variant] = state
    return Choice(module, module, passed_over)


def loaded() -> "dict[str, str]":
    """The modules that were loaded from a variant, and its file."""
    return {name: path for name, path in _loaded.items() if name in sys.modules}


def main(arguments: "list[str] | None" = None) -> int:
    """`python -m fullspeed.loader NAME...`: which file the hook loads for each module."""
    import argparse
    import importlib.util

    parser = argparse.ArgumentParser(prog="python -m fullspeed.loader", description=main.__doc__)
    parser.add_argument("names", nargs="+", metavar="NAME", help="an extension module")
    failed = False
    for name in parser.parse_args(arguments).names:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError) as error:
            spec, why = None, str(error)
        else:
            why = "there is no such module"
        if spec is not None and not isinstance(spec.loader, ExtensionFileLoader):
            spec, why = None, "not an extension module in a file"
        if spec is None:
            print(f"fullspeed: {name}: {why}", file=sys.stderr)
            failed = True
            continue
        choice = choose(spec.origin)
        print(f"{name}: {choice.used}")
        for variant, reason in choice.passed_over.items():
            print(f"  passed over {variant}: {reason}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
