"""`fullspeed explain --html`: the source of the program, coloured by what became of it.

One file without scripts: a table per source file with a row per line; a line that has something
to say can be opened. Green: runs as machine code. Yellow: traces are left here often. Red: a
place that is hot and not compiled, or where its recording stopped.
"""

import html
import linecache
from pathlib import Path
from typing import Any

from fullspeed import _explain_graph
from fullspeed import _explain_words as words

STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; margin: 2em; color: #1d1f21; background: #fff }
h1 { font-size: 1.4em } h2 { font-size: 1.1em; margin-top: 2em }
table.source { border-collapse: collapse; width: 100%; font: 12.5px/1.5 ui-monospace, monospace }
table.source td { padding: 0 .6em; vertical-align: top; white-space: pre-wrap }
td.number { color: #888; text-align: right; width: 3em; user-select: none }
tr.compiled td.code { background: #e2f3dc } tr.often td.code { background: #fbefc0 }
tr.no td.code { background: #f9d9d6 }
summary { cursor: pointer; list-style: none } summary::after { content: " \\25be"; color: #888 }
details p { margin: .1em 0 .1em 2em; font: 13px/1.45 system-ui, sans-serif; white-space: normal }
p.help { color: #235a8c }
.key span { padding: .1em .6em; margin-right: .6em }
.graph { overflow: auto; border: 1px solid #ddd; max-height: 40em }
table.places { border-collapse: collapse } table.places td, table.places th {
  padding: .15em .8em; text-align: left; border-bottom: 1px solid #eee }
""".strip()


class _Line:
    """What is known of a line of source."""

    def __init__(self) -> None:
        self.kind = ""  # "", "compiled", "often", "no"
        self.notes: list[tuple[str, str]] = []  # class, text

    def mark(self, kind: str) -> None:
        """The worst that is known of it counts."""
        order = ["", "compiled", "often", "no"]
        self.kind = max(self.kind, kind, key=order.index)

    def note(self, text: str, style: str = "") -> None:
        """One more sentence, once."""
        if text and (style, text) not in self.notes:
            self.notes.append((style, text))


def _lines_of(places: list[Any]) -> dict[str, dict[int, _Line]]:
    """{file: {line: what is known}}."""
    files: dict[str, dict[int, _Line]] = {}

    def at(file: str, line: int) -> _Line:
        return files.setdefault(file, {}).setdefault(line, _Line())

    for place in places:
        row = place.row
        head = at(row["file"], row["line"])
        for trace in place.traces:
            for file, line in words.lines_of(trace) if not trace["died"] else ():
                at(file, line).mark("compiled")
        if row["state"] == "compiled":
            head.note(f"{place.name}: compiled, entered {row['entries']} times, "
                      f"with {len(place.traces)} trace(s)")  # fmt: skip
        elif row["state"] == "rests":
            head.note(f"{place.name}: rests: {words.RESTS}")
        elif place.why.text:
            lines = [head]
            code = row["stop_code"]
            if row["stop_line"]:
                lines.append(at(code.co_filename if code else row["file"], row["stop_line"]))
            for line in lines:
                if place.why.costly:
                    line.mark("no")
                line.note(f"{place.name}: {place.state}: {place.why.text}")
                line.note(place.why.help, "help")
        for exit in place.exits:
            line = at(exit.file, exit.line)
            line.note(f"leaves here: {exit.reason.text}: {exit.words}")
            if exit in place.costly:
                line.mark("often")
                line.note(exit.reason.help, "help")
    return files


def _source(file: str, known: dict[int, _Line]) -> list[str]:
    """A file as a table."""
    rows = ['<table class="source">']
    source = linecache.getlines(file)
    for number, text in enumerate(source, 1):
        line = known.get(number, _Line())
        code = html.escape(text.rstrip("\n")) or " "
        if line.notes:
            hover = html.escape("\n".join(text for _, text in line.notes), quote=True)
            notes = "".join(f'<p class="{s}">{html.escape(t)}</p>' for s, t in line.notes)
            code = f'<details><summary title="{hover}">{code}</summary>{notes}</details>'
        rows.append(
            f'<tr class="{line.kind}" id="L{number}"><td class="number">{number}</td>'
            f'<td class="code">{code}</td></tr>'
        )
    return [*rows, "</table>"] if source else ["<p>The source is not there.</p>"]


def as_html(places: list[Any], report: Any) -> str:
    """The page."""
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        "<title>fullspeed explain</title>",
        f"<style>{STYLE}</style></head><body><h1>What became of hot code</h1>",
        '<p class="key"><span style="background:#e2f3dc">compiled</span>'
        '<span style="background:#fbefc0">left often</span>'
        '<span style="background:#f9d9d6">hot, not compiled</span>'
        "Lines with \N{BLACK DOWN-POINTING SMALL TRIANGLE} can be opened.</p>",
        '<table class="places"><tr><th>place<th>what<th>state<th>entered<th>traces</tr>',
    ]
    for place in places:
        row = place.row
        cells = [f"{Path(row['file']).name}:{row['line']}", place.name, place.state]
        cells += [str(row["entries"]), str(len(place.traces))]
        parts.append("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in cells) + "</tr>")
    parts.append("</table>")
    for file, known in sorted(_lines_of(places).items()):
        parts += [f"<h2>{html.escape(file)}</h2>", *_source(file, known)]
    parts += ["<h2>Traces</h2>", '<div class="graph">', _explain_graph.as_svg(report.traces)]
    return "\n".join([*parts, "</div></body></html>"]) + "\n"


def write(places: list[Any], report: Any, path: str) -> None:
    """Write the page to a file."""
    Path(path).write_text(as_html(places, report), encoding="utf-8")
