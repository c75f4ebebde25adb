"""The kernels as fullspeed.cpu shows them, and as the variables leave them."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from fullspeed import cpu
from kernel_tools import OPS, TARGETS

NUMPY_LETTERS = dict(zip("bilfdcsu", "?ilfdDSU", strict=True))


def plain(targets: str) -> list[str]:
    """Names of targets, without the features that stand behind the baseline."""
    return re.sub(r"\([^)]*\)", "", targets).split()


def test_each_op_is_registered():
    info = cpu.opt_func_info()
    for name, numpy_name, result, args, _ in OPS.values():
        function = numpy_name or name.rsplit("_", 1)[0].lower()
        letters = "".join(NUMPY_LETTERS[letter] for letter in args)
        entry = info[function][letters + NUMPY_LETTERS[result]]
        assert plain(entry["current"]) == TARGETS[-1:]
        assert plain(entry["available"]) == TARGETS[::-1]


def test_by_name_and_signature():
    info = cpu.opt_func_info(func_name="^(exp|log1p)$", signature="dd")
    assert set(info) == {"exp", "log1p"}
    assert set(info["exp"]) == {"dd"}


@pytest.mark.skipif(len(TARGETS) < 2, reason="the processor has the baseline only")
def test_features_that_are_switched_off():
    code = (
        "from fullspeed import _array, cpu\n"
        "print(cpu.opt_func_info(func_name='^exp$', signature='dd')['exp']['dd']['current'])\n"
        "print(*_array.kernel_targets())"
    )
    environment = dict(os.environ, FULLSPEED_DISABLE_CPU_FEATURES=TARGETS[1])
    child = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert plain(child.stdout) == ["baseline", "baseline"]
