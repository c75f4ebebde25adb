# The first line must be a comment: `python -x` skips it.
"""Where the `fullspeed` command enters Python.

How it works: it is run as a script, by its path, with the flags that the program wants. Those may
hide our folder (-S, -I, -s), so fullspeed comes from the folder that this file lies in.
What must stay true: short, since Python compiles scripts anew at each start.
"""

import sys

importers = {*sys.path_importer_cache}
sys.path.insert(0, __file__.removesuffix("/fullspeed/_start.py"))
try:
    from fullspeed import _launch
finally:
    del sys.path[0]
_launch.main(importers)
