"""A rendezvous of processes that share nothing but a folder.

How it works: rank n writes its value as n.json of the round into the folder, and waits until those
of all ranks are there. A file comes under its name when it is whole (a link, which fails where the
name is taken, on network file systems too); so a folder that has been used is refused instead of
believed.

What must stay true: whatever lies in the folder, the end is a value of every rank or a
ClusterError, within the time limit; nothing is waited for but files.
"""

import contextlib
import json
import os
import stat
import time
from pathlib import Path
from typing import Any

from fullspeed.cluster import ClusterError

MOST_BYTES = 1 << 16
# Where launchers tell a process its rank and how many there are.
LAUNCHERS = (
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMI_RANK", "PMI_SIZE"),
    ("SLURM_PROCID", "SLURM_NTASKS"),
    ("RANK", "WORLD_SIZE"),
)


def rank_and_size(rank: int | None, size: int | None) -> tuple[int, int]:
    """What is not given, from the environment; ValueError when it is not there or is no rank."""
    for rank_name, size_name in LAUNCHERS:
        found = os.environ.get(rank_name), os.environ.get(size_name)
        if all(text is not None and text.isascii() and text.isdigit() for text in found):
            rank = int(found[0]) if rank is None else rank
            size = int(found[1]) if size is None else size
            break
    if rank is None or size is None:
        raise ValueError(
            "the rank of this process and how many there are cannot be told: say both, or start "
            "the processes by mpirun, srun or torchrun"
        )
    if not 0 <= rank < size:
        raise ValueError(f"{rank} is no rank of {size} processes: they are 0 to {size - 1}")
    return rank, size


class Folder:
    """One process's place in the rendezvous."""

    def __init__(
        self, folder: "str | os.PathLike[str]", rank: int, size: int, timeout: float
    ) -> None:
        """This process is `rank` of `size`; each exchange takes at most `timeout` seconds."""
        self.folder = Path(folder)
        self.rank = rank
        self.size = size
        self.timeout = timeout
        self.round = 0

    def exchange(self, value: Any) -> list[Any]:
        """Give a value to all; the values of all, by rank."""
        self.round += 1
        self._write(json.dumps(value).encode())
        values: dict[int, Any] = {}
        pause, end = 0.005, time.monotonic() + self.timeout
        while True:
            for rank in range(self.size):
                if rank not in values:
                    data = self._read(rank)
                    if data is not None:
                        values[rank] = data[0]
            if len(values) == self.size:
                return [values[rank] for rank in range(self.size)]
            if time.monotonic() > end:
                missing = [str(rank) for rank in range(self.size) if rank not in values]
                raise ClusterError(
                    f"no answer in {self.folder} from rank {', '.join(missing[:20])} of "
                    f"{self.size} within {self.timeout:g} s: is it started, and does it see this "
                    "folder?"
                )
            time.sleep(pause)
            pause = min(pause * 1.5, 0.5)

    def _path(self, rank: int) -> Path:
        return self.folder / f"{self.round}-{rank}.json"

    def _write(self, data: bytes) -> None:
        """Put our own value into the folder."""
        path = self._path(self.rank)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with open(temporary, "xb") as file:
                file.write(data)
            os.link(temporary, path)
        except FileExistsError:
            raise ClusterError(
                f"{path} is there already: every agreement needs an empty folder of its own, and "
                "every process a rank of its own"
            ) from None
        except OSError as error:
            raise ClusterError(f"cannot write to {self.folder}: {error.strerror}") from None
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()

    def _read(self, rank: int) -> list[Any] | None:
        """The value of a rank, in a list; None: not there yet."""
        path = self._path(rank)
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ClusterError(f"cannot read {path}: {error.strerror}") from None
        with open(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise ClusterError(f"{path} is no file")
            data = file.read(MOST_BYTES + 1)
        try:
            if len(data) > MOST_BYTES:
                raise ValueError("it is too long")
            return [json.loads(data)]
        except (ValueError, RecursionError) as error:
            raise ClusterError(f"{path} is not what a process writes: {error}") from None
