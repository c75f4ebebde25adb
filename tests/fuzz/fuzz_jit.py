#!/usr/bin/env python3.11
"""Fuzzer of traces: random hot loops must do the same in traces as under stock.

Examples:
    tests/fuzz/fuzz_jit.py --seconds 60
    tests/fuzz/fuzz_jit.py --seed 100 --count 20
    tests/fuzz/fuzz_jit.py --show 123              print the program of a seed
    FULLSPEED_JIT_MEMORY=256K tests/fuzz/fuzz_jit.py    traces are thrown out all the time

How it works: fuzz_hot.py makes programs whose loops turn often. What can be seen of them: the
values, exceptions with their lines, the order in which objects die, and reference counts at the
end.

Exit codes: 0 nothing found, 1 findings.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import child_env
from fuzz_hot import Maker

DRIVE = Path(__file__).resolve().parents[1] / "diff" / "drive.py"
ADDRESS = re.compile(r"0x[0-9a-f]+")
MODES = [
    {"FULLSPEED_JIT": "ir", "FULLSPEED_JIT_THRESHOLDS": "loop=1,entry=1,exit=1"},
    {"FULLSPEED_JIT": "1", "FULLSPEED_JIT_THRESHOLDS": "loop=2,entry=3,exit=2"},
]
# One pass is off in some programs, by the seed.
PASSES = [
    "",
    "",
    "",
    "-fold",
    "-forward",
    "-cse",
    "-loop",
    "-magnitude",
    "-slices",
    "-identity",
    "-sink",
    "-refs",
    "-dce",
]


def run(python: str, side: str, path: str, more: dict[str, str]) -> tuple[str, str, int]:
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONHASHSEED": "0",
        "PYTHONFAULTHANDLER": "1",
        **child_env.sanitizer(),
    }
    env |= {k: v for k, v in os.environ.items() if k.startswith("FULLSPEED_")} | more
    try:
        done = subprocess.run(
            [python, str(DRIVE), side, path],
            env=env,
            capture_output=True,
            text=True,
            timeout=15 if side == "stock" else 90,
        )
    except subprocess.TimeoutExpired:
        return "", "TIMEOUT", -1000
    out, err = (ADDRESS.sub("0x", text) for text in (done.stdout, done.stderr[-3000:]))
    return out, err, done.returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--count", type=int, default=10**9)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--show", type=int)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--out", type=Path, default=Path("build/fuzz"))
    options = parser.parse_args()
    if options.show is not None:
        print(Maker(options.show).make())
        return 0
    options.out.mkdir(parents=True, exist_ok=True)
    end, found, n = time.time() + options.seconds, 0, 0
    while time.time() < end and n < options.count and found < 10:
        seed = options.seed + n
        n += 1
        text = Maker(seed).make()
        path = options.out / f"jit{seed}.py"
        path.write_text(text)
        stock = run(options.python, "stock", str(path), {})
        if stock[2] == -1000:
            path.unlink()
            continue  # values that grow and grow
        bad = []
        for mode in MODES:
            passes = PASSES[seed % len(PASSES)]
            env = mode | ({"FULLSPEED_PASSES": passes} if passes else {})
            ours = run(options.python, "engine", str(path), env)
            if ours != stock:
                what = "too slow" if ours[2] == -1000 else f"exit {ours[2]}"
                bad.append((mode["FULLSPEED_JIT"], passes, what))
        if bad:
            found += 1
            print(f"seed {seed}: differs under {bad}: {path}", flush=True)
        else:
            path.unlink()
    print(f"{n} programs from seed {options.seed}: {found} findings")
    return found > 0


if __name__ == "__main__":
    sys.exit(main())
