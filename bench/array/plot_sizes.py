"""Measures the time per item over sizes from 10 to 10**8, and draws it.

    python bench/array/plot_sizes.py [OPTIONS OF run.py]     measure, then draw (some minutes)
    python bench/array/plot_sizes.py --draw                  draw what was measured before

Writes docs/guide/images/array-sizes.json and array-sizes.svg, and what stands between the two marks
of docs/guide/array-sizes.md. run.py measures; matplotlib comes from PyPI into an
environment of its own (build/venv-plot).
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
GUIDE = ROOT / "docs" / "guide"
DATA = GUIDE / "images" / "array-sizes.json"
VENV = ROOT / "build" / "venv-plot"
BEGIN = "<!-- made by bench/array/plot_sizes.py: begin -->\n"
END = "<!-- made by bench/array/plot_sizes.py: end -->\n"
SIDES = {"fullspeed": "#4477aa", "numpy": "#cc6677"}


def processor() -> str:
    """The processor's name, as Linux has it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def measure(arguments: list[str]) -> None:
    """Have run.py measure, and add what it was measured on."""
    command = [sys.executable, str(HERE / "run.py"), "--sizes", "--json", str(DATA), *arguments]
    subprocess.run(command)  # (1: somewhere NumPy is faster: the numbers are there all the same)
    found = json.loads(DATA.read_text())
    DATA.write_text(json.dumps(found | {"processor": processor()}, indent=1) + "\n")


def table(lines: list[dict]) -> str:
    """Nanoseconds per item, and how many times as fast as NumPy."""
    sizes = [10**exponent for exponent in range(1, 9)]
    rows = ["| | " + " | ".join(f"10{'⁰¹²³⁴⁵⁶⁷⁸'[len(str(n)) - 1]}" for n in sizes) + " |"]
    rows.append("|---" * (len(sizes) + 1) + "|")
    for name in dict.fromkeys(line["case"] for line in lines):
        own = {line["items"]: line for line in lines if line["case"] == name}
        cells = [
            f"{own[n]['nanoseconds']['fullspeed']:.3g} ({own[n]['ratio']:.2f})" if n in own else ""
            for n in sizes
        ]
        rows.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def write_page(found: dict) -> None:
    """The table, between the marks of the page."""
    page = GUIDE / "array-sizes.md"
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"plot_sizes: {page} has not the two marks")
    words = f"![Nanoseconds per item over size](images/{DATA.stem}.svg)\n\n"
    words += f"Nanoseconds per item (times as fast as NumPy), on {found['processor']}:\n\n"
    page.write_text(before + begin + words + table(found["lines"]) + end + after)


def draw(found: dict) -> None:
    """One picture per case: both sides over size."""
    import matplotlib

    matplotlib.use("agg")
    matplotlib.rcParams["svg.hashsalt"] = "fullspeed"
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(line["case"] for line in found["lines"]))
    columns = 2
    rows = -(-len(names) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(9, 3 * rows), layout="constrained", sharex=True, squeeze=False
    )
    for axis, name in zip(axes.flat, names, strict=False):
        own = [line for line in found["lines"] if line["case"] == name]
        for side, colour in SIDES.items():
            times = [line["nanoseconds"][side] for line in own]
            axis.loglog([line["items"] for line in own], times, ".-", color=colour, label=side)
        axis.set(title=name, xlabel="items", ylabel="ns per item")
        axis.grid(alpha=0.3)
        axis.legend()
    figure.savefig(DATA.with_suffix(".svg"), metadata={"Date": None})


def main() -> None:
    """Measure and draw; the drawing in the environment that has matplotlib."""
    arguments = sys.argv[1:]
    if arguments == ["--draw-here"]:
        found = json.loads(DATA.read_text())
        draw(found)
        write_page(found)
        return
    if arguments != ["--draw"]:
        measure(arguments)
    python = VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "matplotlib"]
    subprocess.run(pip, check=True)
    subprocess.run([str(python), __file__, "--draw-here"], check=True)


if __name__ == "__main__":
    main()
