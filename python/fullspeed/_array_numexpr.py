"""A package `numexpr` made of fullspeed, for programs that import it by that name.

What must stay true: an imported NumExpr is never replaced: others may hold its functions already.
"""

from __future__ import annotations

import sys
import types

import fullspeed
from fullspeed import _array, _array_nodes, array


def get_expr_names(text: object, context: dict, sanitize: bool = True) -> tuple[list[str], bool]:
    """The names in an expression, and whether VML computes it (never)."""
    return _array.expression_names(text, sanitize), False


def _module(name: str, doc: str, **contents: object) -> types.ModuleType:
    """A module with some contents, known to the import system."""
    module = types.ModuleType(name, doc)
    module.__dict__.update(contents)
    module.__fullspeed__ = True
    sys.modules[name] = module
    return module


def install() -> types.ModuleType:
    """Make the modules, or return the one that is there already."""
    known = sys.modules.get("numexpr")
    if known is not None and not hasattr(known, "__fullspeed__"):
        raise RuntimeError(
            "numexpr is imported already: call stand_in_for_numexpr() before whatever imports it"
        )
    if known is not None:
        return known
    names = {name: getattr(array, name) for name in array.__all__}
    threads = {
        name: getattr(array, name)
        for name in (*(name for name in names if "threads" in name or "vml" in name),
                     "detect_number_of_cores", "MAX_THREADS")
    }  # fmt: skip
    top = _module(
        "numexpr",
        "fullspeed's array expressions under NumExpr's name.",
        **names,
        __version__=array.NUMEXPR_VERSION,
        __path__=[],
        is_cpu_amd_intel=False,
        __BLOCK_SIZE1__=1024,
    )
    nodes = {name: getattr(_array_nodes, name) for name in _array_nodes.__all__}
    top.version = _module(
        "numexpr.version", "", version=array.NUMEXPR_VERSION, __version__=array.NUMEXPR_VERSION
    )
    top.expressions = _module("numexpr.expressions", "", **nodes)
    top.utils = _module("numexpr.utils", "", **threads)
    top.interpreter = _module(
        "numexpr.interpreter",
        "",
        NumExpr=array.NumExpr,
        MAX_THREADS=array.MAX_THREADS,
        use_vml=False,
        _set_num_threads=array.set_num_threads,
        _get_num_threads=array.get_num_threads,
    )
    top.necompiler = _module(
        "numexpr.necompiler",
        "",
        **{name: names[name] for name in ("NumExpr", "disassemble", "evaluate", "re_evaluate")},
        validate=array.validate,
        getExprNames=get_expr_names,
        use_vml=False,
    )
    top.fullspeed = fullspeed
    return top
