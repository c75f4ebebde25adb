"""Small programs at several levels, and the commands that the tests of `fullspeed hwcaps` share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import fullspeed.hwcaps as hwcaps

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FULLSPEED = Path(sys.executable).parent / "fullspeed"
STUB, TOOL = Path(hwcaps.STUB), Path(hwcaps.TOOL)
CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("FULLSPEED", "GLIBC_TUNABLES", "PYTHON", "LD_"))
}
# What the tool is made of, without the C library of our own: tests build it with the real one.
SOURCES = [
    *("hwcaps/hwcaps_path.c", "hwcaps/hwcaps_search.c", "hwcaps/hwcaps_switch.c"),
    *("hwcaps/hwcaps_tool.c", "hwcaps/hwcaps_unit.c", "variant/variant_elf.c", "cpu/cpu.c"),
    *("cpu/cpu_baseline.c", "cpu/cpu_detect_hwcap_linux.c", "cpu/cpu_detect_riscv_linux.c"),
    *("cpu/cpu_detect_x86.c", "cpu/cpu_mask.c", "cpu/cpu_source_linux.c", "cpu/cpu_table.c"),
]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1"]


class Checked(NamedTuple):
    """The tool as the tests compile it."""

    tool: Path
    line: Path  # what it takes for the kernel's command line
    units: Path  # and for the list of units


def compile_program(made: Path, level: str, *flags: str, source: str = "program.c") -> Path:
    """Compile a program that says which level it is of."""
    command = ["gcc", "-O1", f'-DLEVEL="{level}"', str(HERE / source), "-o", str(made), *flags]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return made


def compile_tool(made: Path, *flags: str) -> Path:
    """The tool with the real C library and sanitizers; flags are -D of files that it reads."""
    generated = made.parent / "gen"
    generated.mkdir(exist_ok=True)
    table = ROOT / "src" / "cpu" / "cpu_features.toml"
    maker = ROOT / "tools" / "cpugen" / "cpugen.py"
    subprocess.run([sys.executable, maker, "c", generated, table], check=True)
    folders = [ROOT / "src" / room for room in ("hwcaps", "variant", "cpu", "base")]
    include = [f"-I{folder}" for folder in (*folders, generated)]
    sources = [str(ROOT / "src" / name) for name in SOURCES]
    common = ["-std=gnu11", "-DFS_CPU_ONLY", "-DFS_CPU_ONLY_x86_64", "-march=x86-64"]
    command = ["gcc", *common, *SANITIZE, *flags, *include, *sources, "-o", str(made)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return made


def run(*words: object, **variables: str) -> subprocess.CompletedProcess:
    """Run a program with a clean environment and these variables."""
    return subprocess.run(
        [os.fspath(word) if isinstance(word, Path) else word for word in words],
        env=CLEAN | variables, capture_output=True, cwd="/", timeout=120,
    )  # fmt: skip


def output(*words: object, **variables: str) -> str:
    """The output of a program that works and says nothing on stderr."""
    done = run(*words, **variables)
    assert (done.returncode, done.stderr) == (0, b""), done.stderr
    return os.fsdecode(done.stdout)


def command(*words: object, **variables: str) -> subprocess.CompletedProcess:
    """Run `fullspeed hwcaps`."""
    return run(FULLSPEED, "hwcaps", *words, **variables)


def done(*words: object, **variables: str) -> str:
    """What `fullspeed hwcaps` prints when it succeeds."""
    made = command(*words, **variables)
    assert made.returncode == 0, made.stderr
    return os.fsdecode(made.stdout)


def refused(reason: str, *words: object, code: int = 1, **variables: str) -> str:
    """What `fullspeed hwcaps` says when it refuses, in one line."""
    made = command(*words, **variables)
    said = os.fsdecode(made.stderr)
    assert (made.returncode, made.stdout) == (code, b""), (made, said)
    assert said.startswith("fullspeed: ") and said.count("\n") == 1, said
    assert reason in said, said
    return said


def tree(folder: Path) -> dict[str, tuple]:
    """Everything of a folder that must be as it was: content, rights, time, and the very file."""
    found = {}
    for path in sorted(folder.rglob("*")):
        info = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else None
        found[os.fsdecode(bytes(path.relative_to(folder)))] = (
            info.st_ino, info.st_mode, info.st_uid, info.st_gid,
            info.st_mtime_ns if content is not None else None, content,
        )  # fmt: skip
    return found
