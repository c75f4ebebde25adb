"""The guides for package authors and distributions, done as they are written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import guide_blocks
import pytest
import variant_tools as tools

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "guide"
AUTHORS = guide_blocks.read(GUIDES / "package-authors.md")


def shell(script: str, folder: Path) -> subprocess.CompletedProcess:
    path = f"{tools.FULLSPEED.parent}{os.pathsep}/usr/bin{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], env=tools.CLEAN | {"PATH": path, "CC": "gcc"},
        cwd=folder, capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("author")
    guide_blocks.write_files(AUTHORS, folder)
    return folder


def test_package_authors(project: Path, best: int) -> None:
    done = shell(guide_blocks.script(AUTHORS), project)
    (made,) = (project / "dist").iterdir()
    assert made.name == "dotted-1.0-cp311-cp311-linux_x86_64.whl"
    used = f"x86-64-v{best}.so"
    stub = f"_dot{tools.SUFFIX}"
    assert done.stdout.splitlines()[-1].startswith(stub) and used in done.stdout.splitlines()[-1]
    # The levels are what the text says that they are.
    for features, level in (("X86_V2", "baseline"), ("X86_V3", "x86-64-v2")):
        code = "import dotted; print([l for l in open('/proc/self/maps') if '/_dot.' in l])"
        done = subprocess.run(
            [project / "try" / "bin" / "python", "-c", code], capture_output=True, text=True,
            env=tools.CLEAN | {"FULLSPEED_DISABLE_CPU_FEATURES": features}, cwd="/",
        )  # fmt: skip
        assert f".{level}.so" in done.stdout, done.stderr


def test_distributions(tmp_path: Path, best: int) -> None:
    """The wheel in three packages; each combination of them works."""
    if best < 3:
        pytest.skip("this CPU has no x86-64-v3")
    blocks = guide_blocks.read(GUIDES / "distributions.md")
    guide_blocks.write_files([*AUTHORS, *blocks], tmp_path)
    shell(guide_blocks.script(blocks), tmp_path)

    def level(*packages: str) -> str:
        site = tmp_path / "site"
        shutil.rmtree(site, ignore_errors=True)
        for package in packages:
            shutil.copytree(tmp_path / package, site, dirs_exist_ok=True)
        code = (
            "import dotted\n"
            "print([l.split('.')[-2] for l in open('/proc/self/maps') if '/_dot.' in l])"
        )
        return tools.output(site, code, PYTHONDONTWRITEBYTECODE="1")

    base, v2, v3 = "root-dotted", "root-dotted_x86_64_v2", "root-dotted_x86_64_v3"
    assert "'baseline'" in level(base)
    assert "'x86-64-v2'" in level(base, v2)
    assert "'x86-64-v3'" in level(base, v3)
    assert "'x86-64-v3'" in level(base, v2, v3)
    generators = tmp_path / "root-generators" / "usr" / "lib" / "systemd"
    assert (generators / "system-environment-generators" / "60-fullspeed-hwcaps").exists()
    stub = f"_dot{tools.SUFFIX}"
    names = {path.name for path in (tmp_path / v3 / "dotted").iterdir()}
    assert (tmp_path / base / "dotted" / stub).exists()
    assert names == {stub.replace(".so", ".1.0.x86-64-v3.so")}


def test_hook_for_a_whole_python(tmp_path: Path, multi: dict[str, bytes], best: int) -> None:
    """The .pth file of the guide, in a site folder."""
    import fullspeed
    from test_loader import FOLDERS, lay_out

    blocks = guide_blocks.read(GUIDES / "distributions.md")
    site = lay_out(tmp_path / "site", multi, FOLDERS)
    guide_blocks.write_files([block for block in blocks if block.name == "variants.pth"], site)
    home = Path(fullspeed.__file__).parents[1]
    code = (
        f"import site, sys; sys.path.insert(0, {str(home)!r}); site.addsitedir({str(site)!r})\n"
        "from pack import _x; print(_x.level())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=tools.CLEAN, capture_output=True, text=True, cwd="/"
    )
    assert (done.returncode, done.stdout.strip()) == (0, f"v{best}"), done.stderr


def test_drop_in(tmp_path: Path) -> None:
    """systemd's own check takes the drop-in."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("there is no systemd-analyze")
    blocks = guide_blocks.read(GUIDES / "distributions.md")
    (drop_in,) = [block for block in blocks if block.name == "level.conf"]
    unit = tmp_path / "dotted.service"
    unit.write_text("[Service]\nType=oneshot\nExecStart=/bin/true\n")
    (tmp_path / "dotted.service.d").mkdir()
    (tmp_path / "dotted.service.d" / "level.conf").write_text(drop_in.text)
    done = subprocess.run([analyze, "--man=no", "verify", unit], capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    (tmp_path / "dotted.service.d" / "level.conf").write_text("[Service]\nEnvironment=a b\n")
    bad = subprocess.run([analyze, "--man=no", "verify", unit], capture_output=True, text=True)
    assert "level.conf" in bad.stderr  # it does read drop-ins
