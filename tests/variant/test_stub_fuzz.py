"""Hostile variables, names and files: the stub's way to a variant, under sanitizers.

FULLSPEED_FUZZ_TURNS says how many turns (CI has few).
"""

from __future__ import annotations

import os
import subprocess
import sysconfig
from pathlib import Path

import variant_tools as tools
from fullspeed.variants.stub import FLAGS, LINK, SOURCES

TURNS = int(os.environ.get("FULLSPEED_FUZZ_TURNS", "1500"))

PROGRAM = """
import ctypes, sys
stub = ctypes.PyDLL(sys.argv[1])
stub.stub_fuzz.restype = ctypes.py_object
stub.stub_fuzz.argtypes = [ctypes.c_char_p, ctypes.c_long, ctypes.c_uint64]
print(stub.stub_fuzz(sys.argv[2].encode(), int(sys.argv[3]), int(sys.argv[4])))
"""


def test_the_stubs_lookup(multi: dict[str, bytes], best: int, tmp_path: Path) -> None:
    """Any variables, names, and files: an answer within what is allowed, or an error."""
    folder = tmp_path / "pack"
    folder.mkdir()
    for name in ("x", "%s%n", "\udcff\udcfe"):
        for level, code in multi.items():
            label = "baseline" if level == "baseline" else f"x86-64-{level}"
            (folder / f"{name}.{label}.so").write_bytes(code)
    (folder / "bad.baseline.so").write_bytes(multi["v2"][:3000])
    (folder / "bad.x86-64-v2.so").symlink_to("/etc/passwd")
    os.mkfifo(folder / "bad.x86-64-v3.so")
    (folder / "bad.x86-64-v4.so").mkdir()
    sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g"]
    flags = [flag for flag in FLAGS if flag != "-g0"]
    names = ["-DFS_VARIANT_INIT=PyInit__x", "-DFS_VARIANT_LEVELS=28u"]
    sources = [path for path in sorted(SOURCES.glob("*.c")) if path.name != "variant_stub.c"]
    made = tmp_path / "fuzz.so"
    subprocess.run(
        ["gcc", *flags, *sanitize, *names, f"-I{SOURCES}", f"-I{sysconfig.get_path('include')}",
         tools.HERE / "stub_fuzz.c", *sources, *LINK, "-o", made, "-ldl"], check=True,
    )  # fmt: skip
    asan = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True)
    env = {
        "LD_PRELOAD": asan.stdout.strip(),
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONMALLOC": "malloc",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    done = subprocess.run(
        ["/usr/bin/python3.11", "-S", "-c", PROGRAM, made, folder, str(2 * TURNS), "1"],
        env=tools.CLEAN | env, capture_output=True, text=True, cwd="/", timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    loaded, refused = eval(done.stdout)
    assert loaded + refused == 2 * TURNS
    assert loaded > TURNS // 20 and refused > TURNS // 20, done.stdout
