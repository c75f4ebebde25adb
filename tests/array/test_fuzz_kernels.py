"""The fuzzer of array kernels finds what is wrong: kernels and executions that were made wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fuzz"))

import fuzz_kernels


def faults(count: int) -> list[str]:
    """What the fuzzer says of some inputs."""
    found = [fuzz_kernels.try_input(fuzz_kernels.data_of(f"3/{n}")) for n in range(count)]
    return [problem for problem in found if problem]


def test_nothing_is_wrong() -> None:
    assert faults(60) == []


def test_wrong_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lowest bit of the last byte of each result is another one."""
    right = fuzz_kernels._array.call_kernel

    def wrong(target: str, op: str, reproducible: bool, out: np.ndarray, *rest: object) -> None:
        right(target, op, reproducible, out, *rest)
        if len(out):
            out.view("u1")[-1] ^= 1

    monkeypatch.setattr(fuzz_kernels._array, "call_kernel", wrong)
    assert len(faults(60)) > 10


def test_kernel_beyond_its_result(monkeypatch: pytest.MonkeyPatch) -> None:
    right = fuzz_kernels._array.call_kernel

    def wrong(target: str, op: str, reproducible: bool, out: np.ndarray, *rest: object) -> None:
        right(target, op, reproducible, out, *rest)
        base = out.base
        while isinstance(base, np.ndarray) and base.dtype != np.uint8:
            base = base.base
        if base is not None:
            base[0] = 0

    monkeypatch.setattr(fuzz_kernels._array, "call_kernel", wrong)
    assert any("beyond" in problem for problem in faults(60))


def test_wrong_execution(monkeypatch: pytest.MonkeyPatch) -> None:
    """One item of each result is another one."""
    right = fuzz_kernels._array.run_program

    def wrong(*arguments: object) -> np.ndarray:
        result = right(*arguments)
        if result.size and result.dtype.kind in "ifb":
            result.flat[0] = not result.flat[0]
        return result

    monkeypatch.setattr(fuzz_kernels._array, "run_program", wrong)
    assert len(faults(100)) > 10


@pytest.mark.parametrize("data", [b"", b"\0", b"\xff" * 10, bytes(400)])
def test_short_inputs(data: bytes) -> None:
    """Whatever the bytes are, and however few, they are an input."""
    assert fuzz_kernels.try_input(data) is None
