"""`fullspeed explain`: runs a program with the JIT and says what became of its hot places.

How it works: the process becomes the program, as under `fullspeed run`, but for a function that
is called when Python exits: it turns the engine off, asks it for places and traces, and writes
the report. Traces of a loop form a tree (side traces, bridges, versions for other types); a place
is reported with all exits of its tree, by line and reason.

What must stay true: the engine keeps the code of hot places meanwhile (jit_watch), so nothing
of what was compiled is missing; that is the one thing that differs from a usual run.
"""

import atexit
import os
import shutil
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from fullspeed import _explain_words as words

OFTEN = 10  # times left that are worth mentioning


@dataclass
class Exit:
    """All exits of a place's traces at one line with one reason."""

    file: str
    line: int
    reason: words.Reason
    count: int = 0
    sides: list[int] = field(default_factory=list)
    open: bool = False  # some of them have no side trace
    failed: str = ""  # why none could be made

    @property
    def words(self) -> str:
        """How often, and what becomes of it."""
        more = "+" if self.sides else ""
        then = ""
        if self.sides:
            then = ", then compiled: trace " + ", ".join(map(str, self.sides[:6]))
            then += ", ..." if len(self.sides) > 6 else ""
        elif self.failed:
            then = f", not compiled from there: {self.failed}"
        return f"{self.count}{more}\N{MULTIPLICATION SIGN}{then}"


@dataclass
class Place:
    """A loop head or function entry that was hot."""

    row: dict[str, Any]
    traces: list[dict[str, Any]]
    exits: list[Exit]

    @property
    def name(self) -> str:
        """What it is, for people."""
        kind = "loop in" if self.row["kind"] == "loop" else "function"
        return f"{kind} {self.row['function']}"

    @property
    def why(self) -> words.Reason:
        """Why it has no trace, if it has none."""
        return words.abort_words(self.row)

    @property
    def costly(self) -> list[Exit]:
        """The exits that cost time and that somebody could do something about."""
        return [e for e in self.exits if e.reason.costly and e.open and e.count >= OFTEN]

    @property
    def state(self) -> str:
        """One word for table and colours."""
        if self.row["state"] == "rests":
            return "rests"
        if self.row["state"] == "compiled":
            return "leaves often" if self.costly else "compiled"
        if self.row["why"] is not None and not self.why.costly:
            return "left alone"
        if self.row["state"] == "counting" and self.row["why"] is not None:
            return "not compiled"
        return self.row["state"]


@dataclass
class Report:
    """What is known at the end of a run."""

    places: list[Place]
    traces: list[dict[str, Any]]  # the living ones
    dead: list[dict[str, Any]]
    stats: dict[str, Any]


def _exits_of(traces: Iterable[dict[str, Any]]) -> list[Exit]:
    """The exits of traces by line and reason, the most frequent first."""
    found: dict[tuple[str, int, str], Exit] = {}
    for row in traces:
        trace = words.Trace(row)
        for one in row["exits"]:
            reason = words.exit_words(trace, one)
            line = words.line_of(one["code"], one["slot"]) or row["line"]
            key = one["file"], line, reason.text
            exit = found.setdefault(key, Exit(one["file"], line, reason))
            exit.count += one["count"]
            if one["side"] is not None:
                exit.sides.append(one["side"])
            elif one["count"]:
                exit.open = True
                if one["state"] == "given up" or one["failures"] >= 3:
                    why = words.abort_words(_as_place(one)).text
                    exit.failed = why or "there are enough side traces here"
    return sorted(found.values(), key=lambda e: -e.count)


def _as_place(one: dict[str, Any]) -> dict[str, Any]:
    """An exit whose side trace came to nothing, in the form of a place."""
    return {
        "why": one["why"],
        "why_text": one["why_text"],
        "op": one["why_op"],
        "line": one["line"],
        "stop_line": one["why_line"],
        "kind": "side",
        "traces": 0,
    }


def collect() -> Report:
    """Ask the engine for everything; it must be off by now."""
    import fullspeed._engine as engine

    places = engine.jit_places()
    traces = engine.jit_traces(ir=True, code=True, machine_code=True)
    dead = engine.jit_dead_traces()
    for trace in traces:
        trace["died"] = False
    for trace in dead:
        trace["died"] = True
    roots = {t["id"]: t for t in [*dead, *traces]}
    by_place: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for trace in [*dead, *traces]:
        root = roots.get(trace["root"], trace)
        by_place.setdefault((id(root["code"]), root["slot"]), []).append(trace)
    result = []
    for row in places:
        own = by_place.get((id(row["code"]), row["slot"]), [])
        result.append(Place(row, own, _exits_of(own)))
    result.sort(key=lambda p: (p.row["file"], p.row["line"]))
    return Report(result, traces, dead, engine.stats()["jit"])


def _is_library(file: str) -> bool:
    """Whether a file belongs to Python, to an installed package, or to us."""
    paths = sysconfig.get_paths()
    folders = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    folders.append(os.path.dirname(__file__))
    return file.startswith("<frozen") or any(
        os.path.realpath(file).startswith(os.path.realpath(folder) + os.sep) for folder in folders
    )


def _is_file(path: str, name: str) -> bool:
    """Whether a path ends in a name that the user gave."""
    return path == name or path.endswith(os.sep + name.removeprefix("./"))


def _touches(place: Place, file: str, line: int) -> bool:
    """Whether a place is at a line, or runs it, or leaves there."""
    if any(e.line == line and _is_file(e.file, file) for e in place.exits):
        return True
    if _is_file(place.row["file"], file) and line in (place.row["line"], place.row["stop_line"]):
        return True
    return any(_is_file(f, file) and n == line for t in place.traces for f, n in words.lines_of(t))


def choose(report: Report, where: str | None, everything: bool) -> tuple[list[Place], int]:
    """The places to show, and how many are left out."""
    if where is not None:
        file, _, line = where.rpartition(":")
        shown = [p for p in report.places if _touches(p, file, int(line))]
        return shown, 0
    shown = [p for p in report.places if everything or not _is_library(p.row["file"])]
    return shown, len(report.places) - len(shown)


def _table(places: list[Place], width: int) -> list[str]:
    """One line per place."""
    rows = [("PLACE", "WHAT", "STATE", "ENTERED", "TRACES", "LEFT")]
    for p in places:
        left = sum(e.count for e in p.exits)
        file = os.path.basename(p.row["file"])
        rows.append(
            (
                f"{file}:{p.row['line']}",
                p.name,
                p.state,
                str(p.row["entries"]),
                str(len(p.traces)),
                str(left),
            )
        )
    sizes = [max(len(row[i]) for row in rows) for i in range(6)]
    sizes[1] = min(sizes[1], max(12, width - sum(sizes[:1] + sizes[2:]) - 10))
    lines = []
    for row in rows:
        cells = list(row)
        if len(row[1]) > sizes[1]:
            cells[1] = "\N{HORIZONTAL ELLIPSIS}" + row[1][1 - sizes[1] :]
        text = [cell.ljust(sizes[i]) for i, cell in enumerate(cells[:3])]
        text += [cell.rjust(sizes[i + 3]) for i, cell in enumerate(cells[3:])]
        lines.append("  ".join(text).rstrip())
    return lines


def _count(n: int, what: str) -> str:
    return f"{n} {what}" + ("" if n == 1 else "s")


def describe(place: Place, most: int = 6) -> list[str]:
    """What is to be said of one place, as lines."""
    row = place.row
    lines = [f"{row['file']}:{row['line']}  {place.name}: {place.state}"]
    why = place.why
    if row["state"] == "rests":
        lines.append(f"    rests: {words.RESTS}")
    if row["state"] not in ("compiled", "rests") and why.text:
        lines.append(f"    {place.state}: {why.text}")
        if why.help:
            lines.append(f"    helps: {why.help}")
    elif place.traces:
        alive = [t for t in place.traces if not t["died"]]
        size = sum(t["bytes"] for t in alive)
        made = _count(len(place.traces), "trace")
        gone = f", {row['died']} thrown away" if row["died"] else ""
        lines.append(f"    entered {row['entries']} times; {made}, {size} bytes{gone}")
    hints = []
    for exit in place.exits[:most]:
        at = f"line {exit.line}"
        if exit.file != row["file"]:
            at = f"{os.path.basename(exit.file)}:{exit.line}"
        lines.append(f"    {at}: {exit.reason.text}: {exit.words}")
        if exit in place.costly and exit.reason.help not in hints:
            hints.append(exit.reason.help)
    if len(place.exits) > most:
        lines.append(f"    and {len(place.exits) - most} more ways out")
    lines += [f"    helps: {hint}" for hint in hints if hint]
    return lines


def as_text(
    report: Report, where: str | None = None, everything: bool = False, width: int = 100
) -> str:
    """The whole report as text."""
    places, hidden = choose(report, where, everything)
    lines = []
    if not places:
        lines.append("Nothing was hot" + (f" at {where}." if where else "."))
    else:
        lines += _table(places, width)
        for place in places:
            if where or place.state != "left alone":
                lines += ["", *describe(place, 30 if where else 6)]
        alone = sum(place.state == "left alone" for place in places)
        if alone and not where:
            lines += ["", f"{_count(alone, 'place')} left alone: too short, or they mostly call; "
                      "file:line says which."]  # fmt: skip
    if hidden:
        lines += ["", f"{hidden} more in libraries: --all shows them."]
    stats = report.stats
    spent = (stats["record_us"] + stats["optimize_us"] + stats["compile_us"]) / 1000
    made, size = _count(len(report.traces), "trace"), stats["memory"] // 1024
    lines += ["", f"{made}, {size} KiB of machine code, made in {spent:.1f} ms."]
    return "\n".join(lines) + "\n"


def _finish(options: Any, process: int) -> None:
    """Write the report; called when the program has ended."""
    import fullspeed

    if os.getpid() != process:
        return  # a child of the program

    fullspeed.disable()
    report = collect()
    size = shutil.get_terminal_size((100, 0)).columns if options.output is None else 200
    text = as_text(report, options.where, options.all, size)
    if options.output is not None:
        with open(options.output, "w", encoding="utf-8") as file:
            file.write(text)
    else:
        sys.stdout.flush()
        sys.stderr.write("\n" + text)
    if options.asm:
        from fullspeed import _explain_asm

        places, _ = choose(report, options.where, options.all)
        sys.stderr.write(_explain_asm.as_text(places))
    if options.graph is not None:
        from fullspeed import _explain_graph

        _explain_graph.write(report, options.graph)
    if options.html is not None:
        from fullspeed import _explain_html

        places, _ = choose(report, options.where, options.all)
        _explain_html.write(places, report, options.html)


def run(options: Any, argv: list[str]) -> int:
    """Become the program. Returns only when that is not possible."""
    from fullspeed import _run

    os.environ["FULLSPEED"] = "1"
    if os.environ.get("FULLSPEED_JIT") not in ("1", "ir"):
        os.environ["FULLSPEED_JIT"] = "1"
    # The usual thresholds, but given: then traces are made whatever share of the time that takes.
    os.environ.setdefault("FULLSPEED_JIT_THRESHOLDS", "loop=64,entry=200,exit=16")
    _run.config()
    try:
        import fullspeed._engine as engine
    except ImportError as error:
        print(f"fullspeed: the engine cannot be loaded: {error}", file=sys.stderr)
        return 1
    if engine.jit_mode() == "off":
        if not engine.jit_is_available():
            print("fullspeed: there is no JIT for this machine", file=sys.stderr)
            return 1
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # loaded too early
    split = _run.split(argv)
    kind, at, letter = split
    if kind not in ("file", "module", "command") or at != 0:
        print("fullspeed: explain wants a script, -m module or -c command", file=sys.stderr)
        return 2
    target = os.path.abspath(argv[0]) if kind == "file" else argv[1]
    rest = argv if kind == "file" else [argv[0], *argv[2:]]
    if kind == "command":
        target += "\n"
    if kind == "file" and not os.path.exists(argv[0]):
        print(f"fullspeed: there is no file {argv[0]}", file=sys.stderr)
        return 1
    atexit.register(_finish, options, os.getpid())
    engine.jit_watch()
    engine.enable()
    _run.run_main(kind, target, rest, [sys.orig_argv[0], *argv])
    return 0
