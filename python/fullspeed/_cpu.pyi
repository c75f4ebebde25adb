from typing import TypedDict

COMPILER: str
api: object

class State(TypedDict):
    arch: str | None
    brand: str | None
    model: str | None
    found: tuple[str, ...]
    usable: tuple[str, ...]
    baseline: tuple[str, ...]
    hidden: dict[str, str]
    found_level: str | None
    level: str | None
    warning: str

def names(arch: str | None = None) -> tuple[str, ...]: ...
def state() -> State: ...
def limit(names: str) -> None: ...
def detect(
    arch: str,
    cpuid: dict[tuple[int, int], tuple[int, int, int, int]] = ...,
    xcr0: int = 0,
    hwcap: int = 0,
    hwcap2: int = 0,
    hwprobe: dict[int, int] = ...,
) -> tuple[tuple[str, ...], str | None, str, str]: ...
def mask(
    arch: str,
    found: tuple[str, ...],
    baseline: tuple[str, ...],
    disable: bytes = ...,
    enable: bytes = ...,
    tunables: bytes = ...,
) -> State: ...
def functions() -> list[tuple[str, str, tuple[str, tuple[str, ...], tuple[bool, ...], str]]]: ...
