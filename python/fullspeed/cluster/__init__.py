"""A common CPU level for the processes of a cluster: `fullspeed cluster`, `fullspeed.cluster`.

    import fullspeed.cluster
    fullspeed.cluster.agree(MPI.COMM_WORLD)         # before the first array expression

How it works: every process says what it can do (`local`), all of them hear all (MPI, Dask, a
shared folder), each comes to the same result (`settle`: the highest level that all have), and takes
the rest away from itself (`force`): in the CPU room, if nobody has asked it yet, and in the
environment, for stubs and children. Then all say whether that went well.

    _folder.py   processes that share nothing but a folder
    _dask.py     workers of Dask
    dask.py      what `dask worker --preload` names
    _command.py  the command

What must stay true: `local` never fails, since whoever does not answer makes the others wait; what
goes between processes is plain dicts of JSON's types; all processes end with the same level or with
the same error. No import here that a worker might not have.
"""

import os
import socket
import sys
from collections.abc import Callable, Iterable
from typing import Any, TypedDict

__all__ = ["Agreement", "ClusterError", "Member", "agree", "force", "local", "settle"]

LEVEL = "x86-64-v"


class ClusterError(Exception):
    """Processes could not agree, or this one cannot keep to what was agreed; the text says why."""


class Member(TypedDict):
    """What one process says of itself."""

    where: str  # "rank 3", an address of Dask's, or host:pid
    host: str
    pid: int
    fullspeed: str  # its version
    cpu: str | None
    architecture: str | None
    level: str | None  # the highest that may be used, as "x86-64-v3"
    cpu_level: str | None  # what the processor itself has
    disabled_by: list[str]  # the variables that took features away
    baseline: list[str]  # what fullspeed is compiled for there
    engine: bool
    error: str | None  # why there is no level


class Agreement:
    """What the processes settled on."""

    def __init__(self, level: str, members: list[Member]) -> None:
        """The level, as "x86-64-v3", and who takes part."""
        self.level = level
        self.members = members

    @property
    def environment(self) -> dict[str, str]:
        """The variables that force it, for processes that are started from now on.

        FULLSPEED_DISABLE_CPU_FEATURES is empty, which is as if it were not there: what it took
        away is not in the level, and both together are an error.
        """
        return {
            "FULLSPEED_DISABLE_CPU_FEATURES": "",
            "FULLSPEED_ENABLE_CPU_FEATURES": feature_of(self.level),
            "FULLSPEED_TUNE": "0",
            "FULLSPEED_REPRODUCIBLE": "1",
        }

    def __repr__(self) -> str:
        """The level, and how many there are."""
        return f"Agreement({self.level!r}, {len(self.members)} processes)"


def feature_of(level: str) -> str:
    """The name that a level has among the features."""
    return f"X86_V{level.removeprefix(LEVEL)}"


def local(where: str | None = None) -> Member:
    """What this process has. It never fails: an error is part of the answer."""
    import fullspeed

    host = socket.gethostname()
    member: Member = {
        "where": where or f"{host}:{os.getpid()}",
        "host": host,
        "pid": os.getpid(),
        "fullspeed": "",
        "cpu": None,
        "architecture": None,
        "level": None,
        "cpu_level": None,
        "disabled_by": [],
        "baseline": [],
        "engine": fullspeed.is_enabled(),
        "error": None,
    }
    try:
        from fullspeed import _cpu

        state = _cpu.state()
        member["fullspeed"] = fullspeed.__version__
        member["cpu"] = state["brand"]
        member["architecture"] = state["arch"]
        member["level"] = state["level"]
        member["cpu_level"] = state["found_level"]
        member["disabled_by"] = sorted(set(state["hidden"].values()))
        member["baseline"] = list(state["baseline"])
        if state["level"] is None:
            member["error"] = f"there are no levels of {state['arch'] or 'this architecture'}"
    except Exception as error:  # whatever it is, the others wait for an answer
        member["error"] = f"{type(error).__name__}: {error}"
    return member


def _levels() -> list[str]:
    """All levels that the table has."""
    from fullspeed import _cpu

    names = [name for name in _cpu.names("x86_64") if name.startswith("X86_V")]
    return [f"{LEVEL}{name.removeprefix('X86_V')}" for name in names]


def features_of(level: str) -> set[str]:
    """All features that a level stands for."""
    from fullspeed import _cpu

    enabled = feature_of(level).encode()
    return set(_cpu.mask("x86_64", _cpu.names("x86_64"), (), enable=enabled)["usable"])


def is_member(row: object) -> bool:
    """Whether something that came from elsewhere is what `local` returns."""
    if not isinstance(row, dict):
        return False
    kinds = {
        str: (str,),
        int: (int,),
        bool: (bool,),
        list[str]: (list,),
        str | None: (str, type(None)),
    }
    for name, kind in Member.__annotations__.items():
        value = row.get(name, ...)
        if not isinstance(value, kinds[kind]):
            return False
        if isinstance(value, list) and not all(isinstance(word, str) for word in value):
            return False
    return row["error"] is not None or row["level"] is not None


def _problems(members: list[Member]) -> list[str]:
    """What keeps the processes from agreeing at all."""
    found = [f"{member['where']}: {member['error']}" for member in members if member["error"]]
    versions: dict[str, str] = {}
    for member in members:
        versions.setdefault(member["fullspeed"], member["where"])
    if not found and len(versions) > 1:
        words = ", ".join(f"{version} ({where})" for version, where in versions.items())
        found.append(f"they have different versions of fullspeed: {words}")
    return found


def settle(members: Iterable[Member]) -> Agreement:
    """The highest level that all of them have. A ClusterError names who stands in the way."""
    members = list(members)
    if not members:
        raise ClusterError("there is no process that could agree on anything")
    if not all(map(is_member, members)):
        raise ClusterError("no common level: one of the answers is not what fullspeed writes")
    problems = _problems(members)
    if problems:
        raise ClusterError(f"no common level: {'; '.join(problems)}")
    for member in members:
        if member["level"] not in _levels():
            raise ClusterError(
                f"no common level: {member['where']} has {member['level']!r}, which is none of "
                f"{', '.join(_levels())}"
            )
    level = min(member["level"] for member in members)
    promised = features_of(level)
    for member in members:
        beyond = [name for name in member["baseline"] if name not in promised]
        if beyond:
            lowest = next(other for other in members if other["level"] == level)
            raise ClusterError(
                f"no common level: {lowest['where']} has {level}, and {member['where']}'s "
                f"fullspeed is compiled for {' '.join(beyond)} besides: build it with a lower "
                "-Dcpu-baseline, or leave that machine out"
            )
    return Agreement(level, members)


def _variants_beyond(level: str) -> list[str]:
    """Variants of extension modules that are in this process and beyond the level."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as file:
            mapped = {line.split(maxsplit=5)[-1].rstrip("\n") for line in file if "/" in line}
    except OSError:
        return []
    found = []
    levels = [f"{LEVEL}{n}" for n in range(int(level.removeprefix(LEVEL)) + 1, 10)]
    of_stubs = [file for file in mapped if file.endswith(tuple(f".{x}.so" for x in levels))]
    suffixes = [".avx512"] * (level < f"{LEVEL}4") + [".avx2"] * (level < f"{LEVEL}3")
    for module in list(sys.modules.values()):
        path = getattr(module, "__dict__", {}).get("__file__")  # lazy modules stay lazy
        if not isinstance(path, str) or not path.endswith(".so"):
            continue
        folder, _, name = path.rpartition("/")
        stem = os.path.realpath(path).removesuffix("so")
        found += [file for file in of_stubs if file.startswith(stem)]
        files = [f"{folder}/glibc-hwcaps/{higher}/{name}" for higher in levels]
        files += [f"{path}{suffix}" for suffix in suffixes]
        found += [file for file in files if os.path.realpath(file) in mapped]
    return found


def force(level: str) -> None:
    """Keep this process, and the children that it starts from now on, to a level.

    A ClusterError says why that cannot be: the processor has not got it, or features beyond it
    are in use already.
    """
    feature = feature_of(level)
    way_out = (
        f"agree before that, or start the process with FULLSPEED_ENABLE_CPU_FEATURES={feature}"
    )
    try:
        from fullspeed import _cpu

        found = _cpu.state()["level"]
        if found is None or found < level:
            raise ClusterError(f"this process has {found}, and is to keep to {level}")
        loaded = _variants_beyond(level)
        if loaded:
            raise ClusterError(f"{loaded[0]} is loaded already, and is beyond {level}: {way_out}")
        _cpu.limit(feature)
    except (ImportError, ValueError) as error:
        raise ClusterError(str(error)) from None
    except RuntimeError as error:
        raise ClusterError(f"{error}: {way_out}") from None
    loader = sys.modules.get("fullspeed.loader")
    if loader is not None:
        loader.forget_features()
    os.environ.update(Agreement(level, []).environment)


def _agree_by(where: str | None, exchange: Callable[[Any], list[Any]]) -> Agreement:
    """Agree with all who take part in an exchange of values."""
    agreement = settle(exchange(local(where)))
    fault = None
    try:
        force(agreement.level)
    except ClusterError as error:
        fault = f"{where or local()['where']}: {error}"
    faults = [text for text in exchange(fault) if text is not None]
    if faults:
        raise ClusterError(f"{agreement.level} cannot be kept to: {'; '.join(faults)}")
    return agreement


def agree(
    group: Any = None,
    *,
    folder: "str | os.PathLike[str] | None" = None,
    rank: int | None = None,
    size: int | None = None,
    timeout: float = 120.0,
) -> Agreement:
    """Settle on a level with other processes, and keep to it from now on.

    group is a communicator of mpi4py's, in which all ranks call this, or a client of Dask's: then
    its workers agree, those that come later keep to it, and the client's process is left alone.

    With folder instead, size processes call this with ranks from 0 to size - 1 and the same, empty
    folder; what is not said of rank and size is taken from the variables of mpirun, srun or
    torchrun.

    Raises ClusterError, in all processes, when one of them cannot keep to a common level.
    """
    if (group is None) == (folder is None):
        raise ValueError("agree() wants a communicator, a client, or a folder")
    if folder is not None:
        from fullspeed.cluster._folder import Folder, rank_and_size

        own, count = rank_and_size(rank, size)
        return _agree_by(f"rank {own}", Folder(folder, own, count, timeout).exchange)
    if hasattr(group, "allgather"):
        return _agree_by(f"rank {group.Get_rank()}", group.allgather)
    if hasattr(group, "register_plugin"):
        from fullspeed.cluster import _dask

        return _dask.agree(group)
    raise ValueError(f"agree() wants mpi4py's communicator or Dask's client, not {group!r}")
