"""Which benchmarks there are, and to which group each belongs.

The benchmarks come from pyperformance's own manifest, so a new release of it brings
new ones without a change here. This file only adds what the manifest does not say:
what a benchmark spends its time in, and which ones are left out, each with its reason.

What must stay true: a name in the tables below that the manifest (or a benchmark
script) does not know is an error, so that no entry can go stale unseen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

PURE, C_BOUND, WAITING, MICRO = "pure Python", "C-bound", "waiting", "micro"
GROUPS = (PURE, C_BOUND, WAITING, MICRO)

# Benchmark scripts that are left out (name in the manifest -> reason).
LEFT_OUT = {
    **{
        f"async_tree_eager{variant}": "CPython 3.11 has no eager tasks: same run as without 'eager'"
        for variant in (
            "", "_cpu_io_mixed", "_cpu_io_mixed_tg", "_io", "_io_tg", "_memoization",
            "_memoization_tg", "_tg",
        )
    },
    "python_startup": "start-up has a table of its own, in milliseconds",
    "python_startup_no_site": "without site nothing turns the engine on; see the start-up table",
}  # fmt: skip

# Whole scripts whose time is mostly not spent in Python code (name -> group, reason).
_SCRIPTS: dict[str, tuple[str, str]] = {
    "coverage": (C_BOUND, "coverage's C tracer runs on each line: tracing is the work"),
    "gc_collect": (C_BOUND, "the garbage collector"),
    "gc_traversal": (C_BOUND, "the garbage collector"),
    "json_dumps": (C_BOUND, "the C encoder of json"),
    "json_loads": (C_BOUND, "the C scanner of json"),
    "pickle": (C_BOUND, "_pickle"),
    "pickle_dict": (C_BOUND, "_pickle"),
    "pickle_list": (C_BOUND, "_pickle"),
    "unpickle": (C_BOUND, "_pickle"),
    "unpickle_list": (C_BOUND, "_pickle"),
    "pidigits": (C_BOUND, "big integer arithmetic"),
    "telco": (C_BOUND, "_decimal"),
    "regex_dna": (C_BOUND, "the _sre matcher"),
    "regex_effbot": (C_BOUND, "the _sre matcher"),
    "regex_v8": (C_BOUND, "the _sre matcher"),
    "sqlite_synth": (C_BOUND, "SQLite"),
    "xml_etree": (C_BOUND, "expat and the C accelerator of ElementTree"),
    "asyncio_tcp": (WAITING, "copies bytes through sockets of the kernel"),
    "asyncio_tcp_ssl": (WAITING, "copies bytes through sockets, encrypts in OpenSSL"),
    "asyncio_websockets": (WAITING, "copies bytes through sockets of the kernel"),
    "async_tree_io": (WAITING, "sleeps 50 ms in each task"),
    "async_tree_io_tg": (WAITING, "sleeps 50 ms in each task"),
    "async_tree_cpu_io_mixed": (WAITING, "sleeps in half of the tasks"),
    "async_tree_cpu_io_mixed_tg": (WAITING, "sleeps in half of the tasks"),
    "async_tree_memoization": (WAITING, "sleeps in a tenth of the tasks"),
    "async_tree_memoization_tg": (WAITING, "sleeps in a tenth of the tasks"),
    "concurrent_imap": (WAITING, "hands items to processes and threads through pipes and locks"),
    "dask": (WAITING, "event loop and threads that wait for each other"),
    "fastapi": (WAITING, "HTTP over the loopback interface"),
    "tornado_http": (WAITING, "HTTP over the loopback interface"),
}

# Single tasks of a script that belong to another group than the rest of it.
_TASKS: dict[str, tuple[str, str]] = {
    "base64_small": (C_BOUND, "binascii"),
    "base64_large": (C_BOUND, "binascii"),
    "urlsafe_base64_small": (C_BOUND, "binascii and bytes.translate"),
    "base16_small": (C_BOUND, "binascii"),
    "base16_large": (C_BOUND, "binascii and re"),
}

# Scripts that take many seconds to prepare or for one value: not part of --fast.
_SLOW = {
    "asyncio_tcp_ssl", "bpe_tokeniser", "dask", "docutils", "mdp", "networkx",
    "networkx_connected_components", "networkx_k_core",
}  # fmt: skip

# Work done in child processes: CPU time is that of the children too.
_CHILDREN = {"2to3", "concurrent_imap"}


@dataclass(frozen=True)
class Script:
    """One program that holds one or more benchmarks (tasks, in pyperf's words)."""

    name: str
    path: Path
    options: tuple[str, ...] = ()
    slow: bool = False
    children: bool = False
    group: str = PURE
    reason: str = ""


@dataclass(frozen=True)
class Task:
    """One benchmark: a script, which of its tasks, and how often it loops per value."""

    script: Script
    index: int
    name: str
    loops: int
    value: float = field(compare=False, default=0.0)
    group: str = PURE


def group_of(script: Script, task: str) -> tuple[str, str]:
    """The group of one task, and the reason when it is not the pure Python one."""
    return _TASKS.get(task, (script.group, script.reason))


def scripts_from_manifest() -> list[Script]:
    """All benchmark scripts of pyperformance that are not left out, by name."""
    from pyperformance import _manifest

    known = {bench.name: bench for bench in _manifest.load_manifest(None).benchmarks}
    stale = (set(LEFT_OUT) | set(_SCRIPTS) | _SLOW | _CHILDREN) - set(known)
    if stale:
        raise LookupError(f"bench_catalog names unknown benchmarks: {', '.join(sorted(stale))}")
    scripts = []
    for name, bench in sorted(known.items()):
        if name in LEFT_OUT:
            continue
        group, reason = _SCRIPTS.get(name, (PURE, ""))
        scripts.append(
            Script(
                name=name,
                path=Path(bench.runscript),
                options=tuple(bench.extra_opts),
                slow=name in _SLOW,
                children=name in _CHILDREN,
                group=group,
                reason=reason,
            )
        )
    return scripts


def micro_scripts(folder: Path, names: list[str]) -> list[Script]:
    """Our micro benchmarks, as scripts of one task each."""
    runner = folder / "run_micro.py"
    return [
        Script(name=f"micro_{name}", path=runner, options=(name,), group=MICRO) for name in names
    ]
