"""The package `numexpr` that NumExpr's own tests import: fullspeed."""

import sys

del sys.modules["numexpr"]
from fullspeed.array import stand_in_for_numexpr  # noqa: E402

stand_in_for_numexpr()
