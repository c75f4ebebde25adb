"""What the C extension of array expressions offers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy
from numpy.typing import ArrayLike, NDArray

MAX_THREADS: int

class NumExpr:
    """A compiled expression."""

    input_names: tuple[str, ...]
    signature: bytes
    constsig: bytes
    tempsig: bytes
    fullsig: bytes
    constants: tuple[Any, ...]
    program: bytes
    def __new__(
        cls,
        ex: object,
        signature: Sequence[tuple[str, Any]] = ...,
        sanitize: bool | None = ...,
        *,
        optimization: str = ...,
        truediv: bool | str = ...,
    ) -> NumExpr: ...
    def __call__(
        self,
        *args: ArrayLike,
        out: NDArray[Any] | None = ...,
        order: str = ...,
        casting: str = ...,
        reproducible: bool | None = ...,
        ex_uses_vml: bool = ...,
    ) -> numpy.ndarray: ...
    run = __call__

def evaluate(
    ex: str,
    local_dict: Mapping[str, ArrayLike] | None = ...,
    global_dict: Mapping[str, ArrayLike] | None = ...,
    out: NDArray[Any] | None = ...,
    order: str = ...,
    casting: str = ...,
    sanitize: bool | None = ...,
    _frame_depth: int = ...,
    disable_cache: bool = ...,
    *,
    optimization: str = ...,
    truediv: bool | str = ...,
    reproducible: bool | None = ...,
) -> numpy.ndarray: ...
def validate(
    ex: str,
    local_dict: Mapping[str, ArrayLike] | None = ...,
    global_dict: Mapping[str, ArrayLike] | None = ...,
    out: NDArray[Any] | None = ...,
    order: str = ...,
    casting: str = ...,
    _frame_depth: int = ...,
    sanitize: bool | None = ...,
    *,
    optimization: str = ...,
    truediv: bool | str = ...,
    reproducible: bool | None = ...,
) -> Exception | None: ...
def re_evaluate(
    local_dict: Mapping[str, ArrayLike] | None = ...,
    global_dict: Mapping[str, ArrayLike] | None = ...,
    _frame_depth: int = ...,
) -> numpy.ndarray: ...
def disassemble(nex: NumExpr, /) -> list[list[Any]]: ...
def expression_names(ex: object, sanitize: bool = ..., /) -> list[str]: ...
def cache_info() -> dict[str, int]: ...
def cache_clear() -> None: ...
def set_num_threads(nthreads: int, /) -> int: ...
def get_num_threads() -> int: ...
def tuning() -> dict[str, Any]: ...
def detect_number_of_cores() -> int: ...
def detect_number_of_threads() -> int: ...
def _init_num_threads() -> int: ...
