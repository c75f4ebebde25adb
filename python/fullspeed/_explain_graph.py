"""`fullspeed explain --graph`: the traces and how they hang together, as SVG or for Graphviz.

How it works: side traces, versions and bridges hang on what they come from, so the graph is a
forest, with further edges to the loops that traces go on in. The SVG is drawn here: a column per
level, a row per leaf. A .dot file is for those who have Graphviz (`dot -Tsvg`) and many traces.
"""

import html
from pathlib import Path
from typing import Any

from fullspeed import _explain_words as words

COLOURS = {"loop": "#d7ebd0", "entry": "#d3e4f5", "side": "#f6ecc9", "bridge": "#e6e0ef"}
WIDTH, HEIGHT, GAP_X, GAP_Y = 210, 46, 150, 16


def _title(trace: dict[str, Any]) -> tuple[str, str]:
    """Two lines of text for a trace."""
    file = Path(trace["file"]).name
    entered = f", entered {trace['entries']} times" if trace["entries"] else ""
    return (
        f"{trace['id']} {trace['kind']} {trace['function']}",
        f"{file}:{trace['line']}, {trace['instructions']} ins{entered}",
    )


def _parents(traces: list[dict[str, Any]]) -> dict[int, tuple[int, str]]:
    """{trace: (what it hangs on, what the edge says)}."""
    by_id = {t["id"]: t for t in traces}
    found = {}
    for trace in traces:
        if trace["from"] is not None and trace["from"][0] in by_id:
            parent = by_id[trace["from"][0]]
            number = trace["from"][1]
            exit = next((e for e in parent["exits"] if e["number"] == number), None)
            label = ""
            if exit is not None:
                reason = words.exit_words(words.Trace(parent), exit).text
                label = f"line {exit['line']}: {reason}"
            found[trace["id"]] = (parent["id"], label)
        elif trace["kind"] == "bridge" and trace["goes_on_in"] in by_id:
            found[trace["id"]] = (trace["goes_on_in"], "a way in, for other types")
    return found


def as_dot(traces: list[dict[str, Any]]) -> str:
    """The graph in Graphviz' language."""

    def quote(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    lines = [
        "digraph traces {",
        '  rankdir=LR; node [shape=box, style=filled, fontname="sans-serif", fontsize=10];',
        '  edge [fontname="sans-serif", fontsize=8];',
    ]
    for trace in traces:
        label = quote("\n".join(_title(trace))).replace("\n", "\\n")
        lines.append(f'  t{trace["id"]} [label={label}, fillcolor="{COLOURS[trace["kind"]]}"];')
    for child, (parent, label) in _parents(traces).items():
        lines.append(f"  t{parent} -> t{child} [label={quote(label)}];")
    ids = {t["id"] for t in traces}
    for trace in traces:
        if trace["goes_on_in"] in ids:
            lines.append(f"  t{trace['id']} -> t{trace['goes_on_in']} [style=dashed];")
    return "\n".join([*lines, "}"]) + "\n"


def _layout(
    traces: list[dict[str, Any]], parents: dict[int, tuple[int, str]]
) -> dict[int, tuple[int, int]]:
    """Column and row of each trace: children stand right of what they hang on."""
    children: dict[int | None, list[int]] = {}
    for trace in traces:
        parent = parents.get(trace["id"], (None, ""))[0]
        children.setdefault(parent, []).append(trace["id"])
    places: dict[int, tuple[int, int]] = {}
    row = 0
    todo = [(trace, 0) for trace in reversed(children.get(None, []))]
    deeper = False
    while todo:
        trace, column = todo.pop()
        if not deeper and places:
            row += 1
        places[trace] = column, row
        below = children.get(trace, [])
        todo += [(child, column + 1) for child in reversed(below)]
        deeper = bool(below)
    return places


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "\N{HORIZONTAL ELLIPSIS}"


def as_svg(traces: list[dict[str, Any]]) -> str:
    """The graph as a picture that needs nothing else."""
    parents = _parents(traces)
    places = _layout(traces, parents)
    where = {
        trace: (20 + column * (WIDTH + GAP_X), 20 + row * (HEIGHT + GAP_Y))
        for trace, (column, row) in places.items()
    }
    right = max((x for x, _ in where.values()), default=0) + WIDTH + 20
    below = max((y for _, y in where.values()), default=0) + HEIGHT + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{right}" height="{below}" '
        f'viewBox="0 0 {right} {below}" font-family="sans-serif" font-size="11">',
        f'<rect width="{right}" height="{below}" fill="#fff"/>',
    ]
    for child, (parent, label) in parents.items():
        (x, y), (to_x, to_y) = where[parent], where[child]
        x, y, to_y = x + WIDTH, y + HEIGHT // 2, to_y + HEIGHT // 2
        middle = x + 14
        parts.append(
            f'<path d="M{x} {y}H{middle}V{to_y}H{to_x}" fill="none" stroke="#888">'
            f"<title>{html.escape(label)}</title></path>"
            f'<text x="{middle + 4}" y="{to_y - 3}" font-size="9" fill="#555">'
            f"{html.escape(_cut(label, 26))}<title>{html.escape(label)}</title></text>"
        )
    for trace in traces:
        x, y = where[trace["id"]]
        first, second = _title(trace)
        if trace["goes_on_in"] is not None and trace["kind"] != "bridge":
            second += f" \N{RIGHTWARDS ARROW} {trace['goes_on_in']}"
        parts.append(
            f'<g><rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="4" '
            f'fill="{COLOURS[trace["kind"]]}" stroke="#777"/>'
            f'<text x="{x + 8}" y="{y + 19}" font-weight="bold">'
            f"{html.escape(_cut(first, 32))}</text>"
            f'<text x="{x + 8}" y="{y + 35}">{html.escape(_cut(second, 36))}</text>'
            f"<title>{html.escape(first)}, {html.escape(second)}</title></g>"
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def write(report: Any, path: str) -> None:
    """Write the graph of the living traces to a .svg or .dot file."""
    text = as_dot(report.traces) if path.endswith((".dot", ".gv")) else as_svg(report.traces)
    Path(path).write_text(text, encoding="utf-8")
