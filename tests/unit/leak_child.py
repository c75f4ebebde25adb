"""Child of test_leaks: runs a program many times and prints what each run leaves behind.

Usage: leak_child.py stock|engine PROGRAM RUNS
"""

import contextlib
import gc
import io
import json
import random
import sys


def main() -> None:
    """Run the program, count, print JSON."""
    side, program, runs = sys.argv[1:4]
    if side == "engine":
        import fullspeed

        fullspeed.enable()
    with open(program, encoding="utf-8") as stream:
        code = compile(stream.read(), program, "exec", dont_inherit=True)
    sys.argv[:] = [program]
    blocks, objects = [], []
    for _ in range(int(runs)):
        namespace = {"__name__": "__main__", "__file__": program, "__builtins__": __builtins__}
        random.seed(1)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            try:
                exec(code, namespace)
            except SystemExit:
                pass
        namespace.clear()
        del namespace
        for _ in range(3):
            gc.collect()
        sys._clear_type_cache()
        blocks.append(sys.getallocatedblocks())
        objects.append(len(gc.get_objects()))
    print(
        json.dumps(
            {
                "blocks": [b - a for a, b in zip(blocks, blocks[1:])],
                "objects": [b - a for a, b in zip(objects, objects[1:])],
            }
        )
    )


main()
