"""What the JIT is doing, in the style of `sys._jit` of newer Pythons.

How it works: three questions, all answered by the engine. FULLSPEED_JIT says whether there is a
JIT; it is read when the engine is loaded.
"""

__all__ = ["is_active", "is_available", "is_enabled"]

from fullspeed._engine import jit_is_active as is_active
from fullspeed._engine import jit_is_available as is_available
from fullspeed._engine import jit_mode as _mode


def is_enabled() -> bool:
    """Whether hot code is compiled in this process while the engine is on."""
    return _mode() != "off"
