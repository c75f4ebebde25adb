"""`fullspeed variants NAME`: what an installed distribution's modules have, and what is used here.

How it works: the list stands in the metadata of the distribution (wheel.py writes it). What is
used is not computed but asked: a child process loads the stub of each module and has it choose,
as an import would; the module is not initialised. A child, since code that cannot run here might
end the process.
"""

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from fullspeed.variants import LEVELS, BuildError, label, report
from fullspeed.variants.wheel import BASELINE, NOTES

ASK = """
import ctypes, sys, warnings
warnings.simplefilter("always", ImportWarning)
stub = ctypes.PyDLL(sys.argv[1])
stub.fullspeed_variant_path.restype = ctypes.py_object
print(stub.fullspeed_variant_path())
"""


def ask(stub: str) -> dict[str, Any]:
    """The variant that a stub chooses: "used" its path, or None and "error"; "passed over"."""
    for _ in LEVELS:  # what crashes is passed over the next time
        done = subprocess.run([sys.executable, "-c", ASK, stub], capture_output=True, text=True)
        if done.returncode >= 0:
            break
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    passed = [line.partition("ImportWarning: ")[2] for line in lines if "ImportWarning: " in line]
    if done.returncode == 0:
        return {"used": done.stdout.strip(), "passed over": passed, "error": None}
    error = lines[-1] if lines else f"the process ended by signal {-done.returncode}"
    return {"used": None, "passed over": passed, "error": error}


def collect(name: str) -> dict[str, Any]:
    """Everything that the command shows."""
    try:
        distribution = importlib.metadata.distribution(name)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        raise BuildError(f"there is no distribution {name!r} in {sys.prefix}") from None
    text = distribution.read_text(NOTES)
    if text is None:
        raise BuildError(
            f"{name} {distribution.version} has no variants: `fullspeed build {name}` makes a "
            "wheel that has"
        )
    try:
        notes = json.loads(text)
        modules = {path: dict(sizes) for path, sizes in notes["modules"].items()}
        if notes.get("report") is not None:
            report.as_text(notes["report"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BuildError(f"{name}'s {NOTES} is damaged: install {name} anew") from None
    return {
        "name": distribution.metadata["Name"],
        "version": distribution.version,
        "flags": notes.get("flags", {}),
        "pgo": notes.get("pgo"),
        "variant wheel": notes.get("variant wheel"),
        "report": notes.get("report"),
        "modules": {
            path: {
                "sizes": sizes,
                "missing": _missing(distribution, path, sizes, notes.get("tag", "")),
                **ask(str(Path(distribution.locate_file(path)))),
            }
            for path, sizes in modules.items()
        },
    }


def _missing(
    distribution: importlib.metadata.Distribution, path: str, sizes: dict[str, int], tag: str
) -> list[str]:
    """The levels whose files are not there."""
    stem = path.removesuffix(".so")
    files = {
        level: f"{stem}.{level}.so" if level == BASELINE else f"{stem}.{tag}{label(level)}.so"
        for level in sizes
    }
    return [
        level for level, file in files.items() if not Path(distribution.locate_file(file)).exists()
    ]


def as_text(facts: dict[str, Any]) -> str:
    """The facts as lines for people."""
    lines = [f"{facts['name']} {facts['version']}"]
    lines += [f"  {level}: {flags}" for level, flags in facts["flags"].items()]
    if facts["pgo"] is not None:
        lines.append(f"  optimised by a profile of: {facts['pgo']}")
    if facts["report"] is not None:
        lines += ["", "measured when it was built: " + report.as_text(facts["report"])]
    if facts["variant wheel"] is not None:
        lines += ["", f"this wheel is for {label(facts['variant wheel'])} alone"]
    elif not facts["modules"]:
        lines += ["", "no level has paid: the modules are the baseline's"]
    for path, row in facts["modules"].items():
        sizes = ", ".join(
            f"{name} {size / 1024:.0f} KiB" + " (not installed)" * (name in row["missing"])
            for name, size in row["sizes"].items()
        )
        lines += ["", path, f"  has   {sizes}"]
        if row["used"] is None:
            lines.append(f"  none can be used: {row['error']}")
        else:
            lines.append(f"  uses  {Path(row['used']).name}")
        lines += [f"  passed over: {text}" for text in row["passed over"]]
    return "\n".join(lines)
