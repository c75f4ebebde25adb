"""`make bench-pgo`: what a profile alone gains on real extension modules.

How it works: each project is built from its source archive by `fullspeed pgo`, trained on one
program and measured on the same program with other data, in turns with the build without a
profile. The steps are those that the guide has (docs/guide/pgo.md); nothing is special here.

    bench/pgo/run_pgo.py [--rounds N] [--min-gain P%] [project ...]

Exit code: 0 if one of the projects gains at least --min-gain.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORK = HERE.parents[1] / "build" / "bench-pgo"
FULLSPEED = Path(sys.executable).parent / "fullspeed"
# Project -> (what pip calls it, the program).
PROJECTS = {
    "regex": ("regex==2024.11.6", "lexer.py"),
    "ujson": ("ujson==5.10.0", "documents.py"),
}


def step(*words: object) -> str:
    """Run a step of `fullspeed pgo`; its output, or the end of this program."""
    done = subprocess.run([FULLSPEED, "pgo", *map(str, words)], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"fullspeed pgo {words[0]} failed")
    return done.stdout


def measure(project: str, rounds: int) -> dict:
    """Build, train, optimise and measure one project."""
    name, program = PROJECTS[project]
    folder = ("--dir", WORK / project)
    command = ("--", "python", HERE / program)
    step("build", *folder, name)
    step("train", *folder, *command, 0)
    step("optimize", *folder, "-o", WORK / "dist")
    return json.loads(
        step("check", *folder, "--clock=cpu", f"--rounds={rounds}", "--json", *command, 1)
    )


def main() -> int:
    """Measure all projects and print a table."""
    parser = argparse.ArgumentParser(description="What a profile gains on real extension modules.")
    parser.add_argument("project", nargs="*", help=f"of {', '.join(PROJECTS)}; all if none")
    parser.add_argument("--rounds", type=int, default=15, help="pairs of runs (default: 15)")
    parser.add_argument("--min-gain", type=float, default=5, metavar="P", help="in percent (5)")
    options = parser.parse_args()
    unknown = [name for name in options.project if name not in PROJECTS]
    if unknown:
        parser.error(f"no project {unknown[0]}: there are {', '.join(PROJECTS)}")
    os.environ.setdefault("CC", "gcc")
    found = {name: measure(name, options.rounds) for name in options.project or PROJECTS}
    print(f"{'project':10} {'times as fast':>14}  95 %")
    for name, facts in found.items():
        low, high = facts["interval"]
        print(f"{name:10} {facts['ratio']:14.3f}  {low:.3f} to {high:.3f}")
    return 0 if any(row["ratio"] >= 1 + options.min_gain / 100 for row in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
