"""The passes over the trace IR: what each leaves, and that what it leaves does the same."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from unit_child import ask_child, run_child

HERE = str(Path(__file__).parent)
IMPORT = f"""
import sys
sys.path.insert(0, {HERE!r})
import opt_cases, opt_fuzz
"""
CHECKS = [
    "folding_is_exact", "algebra", "floats_keep_zeroes", "guards_merge", "boxes_fold",
    "forwarding", "one_frame", "escapes_forget", "fresh_objects", "loop_of_numbers",
    "carried_memory",
    "changed_memory_is_loaded", "unstable_types", "invariant_values",
    "virtual_objects_in_loops", "side_traces_know", "dead_code", "boxes_sink",
    "slices_that_are_stored", "magnitudes_are_compared_squared", "equal_numbers",
    "equal_numbers_in_loops",
    "boxes_are_used_again", "pairs_of_counts_go", "pairs_that_stay",
    "stores_of_what_is_there", "counts_of_numbers_in_loops",
]  # fmt: skip


@pytest.mark.parametrize("name", CHECKS)
def test_pass(name: str) -> None:
    done = run_child(IMPORT + f"opt_cases.main('check_{name}')")
    assert done.returncode == 0, done.stderr


def test_all_checks_are_run() -> None:
    names = ask_child(IMPORT + "answer([check.__name__ for check in opt_cases.CHECKS])")
    assert names == [f"check_{name}" for name in CHECKS]


@pytest.mark.parametrize("seed", range(4))
def test_random_turns(seed: int) -> None:
    done = run_child(IMPORT + f"opt_fuzz.main({seed * 1000}, 150)")
    assert done.returncode == 0, done.stderr
