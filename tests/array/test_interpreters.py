"""Several interpreters in a process, and processes that are forked while evaluations run."""

from __future__ import annotations

import textwrap

import pytest
from run_tools import child

# What another interpreter of the same process says: a result, or the ImportError of NumPy, which
# does not load twice, in words of ours. Nothing else, and no crash, now or at the end.
OTHER = """
import _xxsubinterpreters as interpreters
import os, sys
SCRIPT = '''
import os, sys
sys.path[:] = PATH.split("|")
try:
    import fullspeed
    said = "result %s" % fullspeed.evaluate("x * 2 + 1", {"x": 3})
    fullspeed.re_evaluate({"x": 4})
    fullspeed.NumExpr("a + 1")(2.0)
except ImportError as error:
    said = "ImportError %s" % error
os.write(W, (said + chr(10)).encode())
'''
read, write = os.pipe()
def other():
    one = interpreters.create()
    try:
        path = "|".join(sys.path)
        interpreters.run_string(one, SCRIPT.replace("PATH", repr(path)).replace("W,", f"{write},"))
    finally:
        interpreters.destroy(one)
    said = os.read(read, 9000).decode()
    assert said == "result 7\\n" or said.startswith("ImportError"), said
    numpys = "cannot load module more than once" in said or "numpy" in said.lower()
    assert not said.startswith("ImportError") or numpys, said
    return said
"""
MAIN = """
import gc, numpy as np, fullspeed as ne
a = np.arange(4.0)
def check():
    assert ne.evaluate("a * 2 + 1").tolist() == [1, 3, 5, 7]
    assert ne.re_evaluate().tolist() == [1, 3, 5, 7]
    assert ne.NumExpr("a + b")(a, a).tolist() == [0, 2, 4, 6]
    gc.collect()
"""


@pytest.mark.parametrize(
    "order",
    [
        pytest.param("{main}\ncheck()\nother()\ncheck()\nother()\ncheck()", id="main first"),
        pytest.param("other()\nother()\n{main}\ncheck()\nother()\ncheck()", id="other first"),
        pytest.param("import fullspeed\nother()\n{main}\ncheck()\nother()\ncheck()", id="between"),
    ],
)
def test_sub_interpreters(order: str) -> None:
    """Whoever imports first; the main interpreter goes on afterwards if NumPy does."""
    code = OTHER + order.replace("{main}", GUARDED) + "\nprint('fine')"
    assert child(code).endswith("fine\n")


# NumPy itself cannot be imported by the main interpreter after another one has: nothing of ours.
GUARDED = "try:\n    import numpy\nexcept ImportError:\n    print('fine')\n    sys.exit()\n" + MAIN


FORK = """
import os, threading, numpy as np, fullspeed as ne
a = np.ones(300_000)
stop, errors = False, []
assert ne.evaluate("sum(a)") == 300_000  # (imports, whose locks no child of a fork could get)
def work(k):
    while not stop:
        if ne.evaluate(f"sum(a*{k % 50} + a)") != (k % 50 + 1) * 300_000:
            errors.append(k)
        k += 1
threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
for thread in threads:
    thread.start()
for _ in range(15):
    pid = os.fork()
    if pid == 0:
        # the cache, the last expression and the threads are this process's own now
        good = all(ne.evaluate(f"a*{k} + a")[-1] == k + 1 for k in range(60))
        good &= ne.re_evaluate()[0] == 60 and ne.cache_info()["texts"] >= 60
        ne.set_num_threads(3)
        good &= bool((ne.evaluate("a + 1") == 2).all())
        os._exit(0 if good else 1)
    assert os.waitpid(pid, 0)[1] == 0
stop = True
for thread in threads:
    thread.join()
print(errors, bool((ne.evaluate("a + 1") == 2).all()))
"""


@pytest.mark.parametrize("threads", ["1", "4"])
def test_fork_while_evaluations_run(threads: str) -> None:
    """The child of a fork evaluates, with threads of its own."""
    assert child(textwrap.dedent(FORK), FULLSPEED_NUM_THREADS=threads) == "[] True\n"


FORK_POOL = """
import multiprocessing, numpy as np, fullspeed as ne
a = np.arange(200_000.0)
ne.evaluate("a * 2")
def work(k):
    return float(ne.evaluate("sum(a * k)"))
if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(4) as pool:
        print(pool.map(work, range(20)) == [a.sum() * k for k in range(20)])
"""


def test_pool_of_forked_processes() -> None:
    """multiprocessing's workers, made after the parent's threads."""
    assert child(FORK_POOL, FULLSPEED_NUM_THREADS="3") == "True\n"
