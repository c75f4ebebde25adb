"""The state in many threads and across forks; the registry in many threads."""

from __future__ import annotations

from pathlib import Path

import pytest
from cross_build import CORE, ROOT, WARNINGS, call, must_have

SANITIZERS = ["", "-fsanitize=thread", "-fsanitize=address,undefined"]


@pytest.mark.parametrize("sanitizer", SANITIZERS, ids=["plain", "tsan", "asan-ubsan"])
def test_threads_and_forks(sanitizer: str, includes: list[str], tmp_path: Path) -> None:
    made = tmp_path / "threads"
    flags = [sanitizer] if sanitizer else []
    sources = [ROOT / name for name in (*CORE, "src/cpu/cpu_baseline.c", "src/cpu/cpu_dispatch.c")]
    call(must_have("gcc"), *WARNINGS, "-g", *flags, *includes, Path(__file__).parent /
         "cpu_threads.c", *sources, "-o", made, "-lpthread")  # fmt: skip
    for _ in range(20):
        assert call(made) == "64 functions, 0 failures\n"
