"""`fullspeed cluster` and `fullspeed cluster agree`.

How it works: wherever the answers come from (this process, MPI, Dask, a folder, files), they are
members as fullspeed.cluster has them; the report shows them, `agree` settles.
"""

import argparse
import json
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import Any

from fullspeed import cluster
from fullspeed.cluster import Agreement, ClusterError, Member


def _need(name: str) -> Any:
    """A module that not everybody has."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        library = name.partition(".")[0]
        raise ClusterError(
            f"this needs {library} ({error}): {sys.executable} -m pip install {library}"
        ) from None


def _read_files(paths: Sequence[str]) -> list[Member]:
    """Reports that `fullspeed cluster --json` wrote elsewhere, one per line."""
    found: list[Member] = []
    for path in paths:
        try:
            text = sys.stdin.read() if path == "-" else open(path, encoding="utf-8").read()
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        except OSError as error:
            raise ClusterError(f"cannot read {path}: {error.strerror}") from None
        except (ValueError, RecursionError):
            rows = [None]
        for row in rows:
            if not cluster.is_member(row):
                raise ClusterError(f"{path} is not what `fullspeed cluster --json` writes")
        found += rows
    return found


class _Source:
    """Where the members come from: `ask` for a report, `agree` for more."""

    def __init__(
        self, ask: Callable[[], list[Member]], agree: Callable[[], Agreement] | None = None
    ) -> None:
        """Without an agree of its own, it is settled what there is."""
        self.ask = ask
        self.agree = agree or (lambda: cluster.settle(ask()))
        self.shows = True  # whether this process is the one that prints
        self.complains = True  # and whether it prints errors
        self.close: Callable[[], object] = lambda: None


def _source(options: argparse.Namespace, files: Sequence[str]) -> _Source:
    """The source that the options name."""
    if options.mpi:
        world = _need("mpi4py.MPI").COMM_WORLD
        made = _Source(lambda: world.allgather(cluster.local(f"rank {world.Get_rank()}")))
        made.shows = made.complains = world.Get_rank() == 0  # all have the same error
        return made
    if options.dask is not None:
        distributed = _need("distributed")
        from fullspeed.cluster import _dask

        try:
            client = distributed.Client(options.dask, timeout=options.timeout)
        except (OSError, ValueError) as error:
            raise ClusterError(f"no scheduler of Dask's at {options.dask}: {error}") from None
        made = _Source(lambda: _dask.members(client), lambda: _dask.agree(client))
        made.close = client.close
        return made
    if options.folder is not None:
        from fullspeed.cluster._folder import Folder, rank_and_size

        rank, size = rank_and_size(options.rank, options.size)
        place = Folder(options.folder, rank, size, options.timeout)
        made = _Source(lambda: place.exchange(cluster.local(f"rank {rank}")))
        made.shows = rank == 0
        return made
    if files:
        return _Source(lambda: _read_files(files))
    return _Source(lambda: [cluster.local()])


def _table(members: Sequence[Member]) -> str:
    """The members as lines for people."""
    rows = [("worker", "host", "level", "engine", "CPU")]
    for member in members:
        level = member["level"] or f"none: {member['error']}"
        if member["level"] != member["cpu_level"] and member["level"]:
            words = ", ".join(member["disabled_by"])
            level += f" (the CPU: {member['cpu_level']}; {words})"
        engine = "on" if member["engine"] else "off"
        rows.append((member["where"], member["host"], level, engine, member["cpu"] or "unknown"))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append("  ".join([*cells, row[-1]]))
    return "\n".join(lines)


def _report(source: _Source, as_json: bool) -> int:
    """Each worker's level; 1 when one has none."""
    members = source.ask()
    if source.shows:
        if as_json:
            for member in members:
                print(json.dumps(member))
        else:
            print(_table(members))
    return 1 if any(member["error"] for member in members) else 0


def _agree(source: _Source, as_json: bool, command: Sequence[str]) -> int:
    """Settle; then print what forces it, or become the command."""
    agreement = source.agree()
    if command:
        sys.stdout.flush()
        environment = os.environ | agreement.environment
        try:
            os.execvpe(command[0], list(command), environment)
        except OSError as error:
            raise ClusterError(f"cannot run {command[0]}: {error.strerror}") from None
    if source.shows:
        hosts = len({member["host"] for member in agreement.members})
        print(
            f"fullspeed: {agreement.level} for {len(agreement.members)} processes on {hosts} "
            f"host{'s' * (hosts != 1)}",
            file=sys.stderr,
        )
        if as_json:
            print(json.dumps({"level": agreement.level, "environment": agreement.environment}))
        else:
            for name, value in agreement.environment.items():
                print(f"export {name}={shlex.quote(value) if value else ''}")
    return 0


def run(options: argparse.Namespace) -> int:
    """The command; its exit code."""
    agrees = options.words[:1] == ["agree"]
    files = options.words[1:] if agrees else options.words
    sources = [options.mpi, options.dask is not None, options.folder is not None, bool(files)]
    if sum(sources) > 1:
        raise ValueError("cluster wants one of --mpi, --dask, --folder, and files")
    if agrees and not any(sources):
        raise ValueError("cluster agree wants one of --mpi, --dask, --folder, or files")
    if options.arguments and not (agrees and (files or options.folder is not None)):
        raise ValueError("a command is run by `cluster agree` with --folder or files only")
    source = None
    try:
        source = _source(options, files)
        if agrees:
            return _agree(source, options.json, options.arguments)
        return _report(source, options.json)
    except ClusterError as error:
        if source is None or source.complains:
            print(f"fullspeed: {error}", file=sys.stderr)
        return 1
    finally:
        if source is not None:
            source.close()
