"""Array expressions: NumExpr's interface, computed by fullspeed.

    import fullspeed as ne
    ne.evaluate("2*a + 3*b*sin(c) - sqrt(d)")

How it works: everything that computes is in the C extension `fullspeed._array`; this file gives it
the names that NumExpr's users know. `fullspeed` itself hands these names on, and imports this file
(and with it NumPy) only when one of them is asked for.
"""

import platform as _platform
import sys as _sys
import types as _types

from fullspeed._array import (
    MAX_THREADS,
    NumExpr,
    _init_num_threads,
    cache_clear,
    cache_info,
    detect_number_of_cores,
    detect_number_of_threads,
    disassemble,
    evaluate,
    expression_names,
    get_num_threads,
    re_evaluate,
    set_num_threads,
    validate,
)
from fullspeed._array_nodes import E

__all__ = [
    "E",
    "MAX_THREADS",
    "NumExpr",
    "cache_clear",
    "cache_info",
    "detect_number_of_cores",
    "detect_number_of_threads",
    "disassemble",
    "evaluate",
    "expression_names",
    "get_num_threads",
    "get_vml_num_threads",
    "get_vml_version",
    "ncores",
    "nthreads",
    "print_versions",
    "re_evaluate",
    "set_num_threads",
    "set_vml_accuracy_mode",
    "set_vml_num_threads",
    "stand_in_for_numexpr",
    "use_vml",
    "validate",
    "_init_num_threads",
]

# The release of NumExpr whose interface this is.
NUMEXPR_VERSION = "2.14.2"

use_vml = False
ncores = detect_number_of_cores()
nthreads = get_num_threads()


def get_vml_version() -> None:
    """Nothing: Intel's VML is not used."""


def get_vml_num_threads() -> None:
    """Nothing: Intel's VML is not used."""


def set_vml_num_threads(nthreads: int) -> None:
    """Do nothing: Intel's VML is not used."""


def set_vml_accuracy_mode(mode: "str | None") -> None:
    """Do nothing: Intel's VML is not used; `reproducible=True` is our own setting."""
    if mode not in (None, "high", "low", "fast"):
        raise ValueError("mode argument must be one of: None, 'high', 'low', 'fast'")


def print_versions() -> None:
    """Print what computes here."""
    import numpy

    import fullspeed

    print(f"fullspeed {fullspeed.__version__} (NumExpr's interface of {NUMEXPR_VERSION})")
    print(f"NumPy {numpy.__version__}, Python {_sys.version}")
    print(f"{_platform.system()} on {_platform.machine()}")
    print(f"{get_num_threads()} threads, {ncores} processors, at most {MAX_THREADS} threads")


def stand_in_for_numexpr() -> _types.ModuleType:
    """Make `import numexpr` find this module, for packages that import it (pandas, PyTables).

    Call it before such a package is imported. Returns the module `numexpr`, which has NumExpr's
    submodules as far as others use them.
    """
    from fullspeed import _array_numexpr

    return _array_numexpr.install()
