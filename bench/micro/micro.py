"""The register of micro benchmarks."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Micro(NamedTuple):
    """A function that runs a number of loops, and how many operations one loop holds."""

    function: Callable[[int], object]
    inner: int


REGISTRY: dict[str, Micro] = {}


def micro(inner: int) -> Callable[[Callable[[int], object]], Callable[[int], object]]:
    """Register a function under its name; `inner` is the number of operations per loop."""

    def register(function: Callable[[int], object]) -> Callable[[int], object]:
        if function.__name__ in REGISTRY:
            raise ValueError(f"two micro benchmarks are called {function.__name__}")
        REGISTRY[function.__name__] = Micro(function, inner)
        return function

    return register
