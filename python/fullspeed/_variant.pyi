import os

def check(
    module: str | bytes | os.PathLike[str],
    below: str | bytes,
    variant: str | bytes | os.PathLike[str],
) -> bool | str | None: ...
