"""Small extension modules at several levels, made into a package as `fullspeed build` would."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

from fullspeed.variants import wheel
from fullspeed.variants.stub import StubCompiler

HERE = Path(__file__).resolve().parent
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
FULLSPEED = Path(sys.executable).parent / "fullspeed"
LEVELS = ("v2", "v3", "v4")
CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("FULLSPEED", "GLIBC_TUNABLES", "PYTHON"))
}


def compile_module(source: Path, made: Path, *flags: str, compiler: str = "gcc") -> bytes:
    """Compile one C file into a shared library; returns its bytes."""
    include = f"-I{sysconfig.get_path('include')}"
    command = [compiler, "-shared", "-fPIC", "-O1", include, *flags, str(source), "-o", str(made)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return made.read_bytes()


def at_levels(folder: Path, source: str, name: str, *flags: str, compiler: str = "gcc") -> dict:
    """A module's code by level; each says which it is."""
    return {
        level: compile_module(
            HERE / source,
            folder / f"{level}.so",
            f'-DLEVEL="{level}"',
            f"-DNAME={name}",
            *flags,
            compiler=compiler,
        )
        for level in ("baseline", *LEVELS)
    }


def make_wheel(files: dict[str, bytes], name: str = "pack") -> wheel.Wheel:
    """A wheel with these files, in memory."""
    info = f"{name}-1.0.dist-info"
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nTag: cp311-cp311-linux_x86_64\n",
        f"{info}/RECORD": b"",
    }
    infos = {path: zipfile.ZipInfo(path) for path in files}
    for one in infos.values():
        one.external_attr = 0o100644 << 16
    return wheel.Wheel(f"{name}-1.0-cp311-cp311-linux_x86_64.whl", files, infos)


def merge(stubs: StubCompiler, path: str, code: dict[str, bytes], **others: bytes) -> wheel.Wheel:
    """One wheel of the module's code at all levels."""
    plain = {level: make_wheel({path: data}) for level, data in code.items()}
    baseline = make_wheel({path: code["baseline"], **others})
    del plain["baseline"]
    chosen, _ = wheel.modules(baseline, plain)
    made = {module.path: stubs.make(module.init, module.levels) for module in chosen}
    notes = {
        "version": 1,
        "levels": list(LEVELS),
        "flags": {},
        "modules": {module.path: {"baseline": len(module.baseline)} for module in chosen},
    }
    return wheel.merge(baseline, chosen, made, notes)


def plain(path: str, code: dict[str, bytes], **others: bytes) -> tuple[wheel.Wheel, list]:
    """The baseline's wheel of a module, and the module with its code at all levels."""
    levels = {level: make_wheel({path: data}) for level, data in code.items()}
    baseline = make_wheel({path: levels.pop("baseline").files[path], **others})
    return baseline, wheel.modules(baseline, levels)[0]


def install(merged: wheel.Wheel, site: Path) -> Path:
    """Unpack a wheel into a folder."""
    for name, data in merged.files.items():
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return site


def python(site: Path, code: str, *options: str, **variables: str) -> subprocess.CompletedProcess:
    """Run code in a stock Python that finds the folder's modules."""
    text = f"import sys; sys.path.insert(0, {str(site)!r})\n{code}"
    command = [sys.executable, *options, "-c", text]
    return subprocess.run(
        command, env=CLEAN | variables, capture_output=True, text=True, cwd="/", timeout=120
    )


def output(site: Path, code: str, *options: str, **variables: str) -> str:
    """The output of code that works, without a word on stderr."""
    done = python(site, code, *options, **variables)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout.strip()


def command(*arguments: object, **variables: str) -> subprocess.CompletedProcess:
    """Run `fullspeed`."""
    path = {"PATH": f"{FULLSPEED.parent}{os.pathsep}{os.environ['PATH']}", "CC": "gcc"}
    return subprocess.run(
        [FULLSPEED, *map(str, arguments)], env=CLEAN | path | variables,
        capture_output=True, text=True, cwd="/",
    )  # fmt: skip
