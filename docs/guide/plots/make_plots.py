"""Makes the plots of docs/guide/array-notebook.md, out of the code of that page.

    pip install matplotlib
    python docs/guide/plots/make_plots.py [FOLDER]     default: docs/guide/images

How it works: the page's code is run, and what its variables hold is drawn.
What must stay true: the same code gives the same files, so that they can be checked in: no dates,
no random names within.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")
matplotlib.rcParams["svg.hashsalt"] = "fullspeed"

import matplotlib.pyplot as plt  # noqa: E402

GUIDE = Path(__file__).resolve().parents[1]


def run_page(page: Path) -> dict[str, Any]:
    """The variables that a page's code leaves behind."""
    space: dict[str, Any] = {"__name__": "page"}
    for block in re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.M | re.S):
        exec(compile(block, str(page), "exec"), space)
    return space


def plot_distances(space: dict[str, Any], target: Path) -> None:
    """Histograms of all distances and of those to the nearest point."""
    figure, axes = plt.subplots(1, 2, figsize=(8, 2.8), layout="constrained")
    pairs = space["distances"]
    axes[0].hist(pairs[pairs > 0], bins=60, color="#4477aa")
    axes[0].set(title="all pairs", xlabel="distance", ylabel="pairs")
    axes[1].hist(space["nearest"], bins=60, color="#cc6677")
    axes[1].set(title="nearest point", xlabel="distance", ylabel="points")
    figure.savefig(target, metadata={"Date": None})
    plt.close(figure)


def plot_mandelbrot(space: dict[str, Any], target: Path) -> None:
    """The set, one pixel per point."""
    plt.imsave(target, space["count"] ** 0.5, cmap="magma", metadata={"Software": None})


def main() -> None:
    """Run the page and draw."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else GUIDE / "images"
    folder.mkdir(parents=True, exist_ok=True)
    space = run_page(GUIDE / "array-notebook.md")
    plot_distances(space, folder / "array-distances.svg")
    plot_mandelbrot(space, folder / "array-mandelbrot.png")


if __name__ == "__main__":
    main()
