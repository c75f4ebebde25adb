"""`fullspeed hwcaps systemd`: the generators under their contract, and what systemd says."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import hwcaps_tools as tools
import pytest
from hwcaps_tools import refused

ENVIRONMENT = "etc/systemd/{}-environment-generators/60-fullspeed-hwcaps"
UNIT = """[Unit]
Description=a service whose program has variants
[Service]
ExecStart=app exit 0
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of programs with variants for all levels."""
    for level in (2, 3, 4):
        (tmp_path / "bin" / "glibc-hwcaps" / f"x86-64-v{level}").mkdir(parents=True)
    return tmp_path / "bin"


def levels(folder: Path, best: int) -> str:
    """The folder with those of levels in front."""
    found = [f"{folder}/glibc-hwcaps/x86-64-v{level}" for level in range(best, 1, -1)]
    return ":".join([*found, str(folder)])


def test_files(tmp_path: Path) -> None:
    root = tmp_path / "root"
    made = tools.done("systemd", "install", "--root", root).splitlines()
    wanted = [str(root / ENVIRONMENT.format(manager)) for manager in ("system", "user")]
    assert made == wanted
    for path in wanted:
        assert Path(path).read_bytes() == tools.TOOL.read_bytes() and os.access(path, os.X_OK)
    assert tools.done("systemd", "status", "--root", root).splitlines() == wanted
    tools.done("systemd", "install", "--root", root, "--unit", "a", "--unit", "b@1.service")
    tools.done("systemd", "install", "--root", root, "--unit", "a.service", "--unit", "c")
    listed = (root / "etc/fullspeed/hwcaps-units").read_text().splitlines()
    assert listed[1:] == ["a.service", "b@1.service", "c.service"]
    assert len(tools.done("systemd", "remove", "--root", root).splitlines()) == 4
    assert [path for path in root.rglob("*") if path.is_file()] == []
    assert not (root / "etc/fullspeed").exists()
    refused("nothing is installed", "systemd", "status", "--root", root)


def test_vendor_and_user(tmp_path: Path) -> None:
    made = tools.done("systemd", "install", "--root", tmp_path, "--vendor", "--for", "user")
    name = "usr/lib/systemd/user-environment-generators/60-fullspeed-hwcaps"
    assert made == f"{tmp_path / name}\n"


@pytest.mark.parametrize("unit", ["../x", "a/b", "", "a b", "a\n", "é", "x" * 300, ".x"])
def test_hostile_units(tmp_path: Path, unit: str) -> None:
    made = tools.command("systemd", "install", "--root", tmp_path, "--unit", unit)
    assert made.returncode == 2 and b"--unit wants the name of a service" in made.stderr
    assert list(tmp_path.iterdir()) == []


def test_files_of_others_stay(tmp_path: Path) -> None:
    path = tmp_path / ENVIRONMENT.format("user")
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    refused("is not ours", "systemd", "install", "--root", tmp_path)
    assert not (tmp_path / ENVIRONMENT.format("system")).exists()
    tools.command("systemd", "remove", "--root", tmp_path)
    assert path.read_text() == "#!/bin/sh\n"


def test_environment_generator(tmp_path: Path, folder: Path, best: int) -> None:
    """Its contract: no arguments, lines of environment.d on stdout."""
    tools.done("systemd", "install", "--root", tmp_path)
    generator = tmp_path / ENVIRONMENT.format("system")
    path = f"/usr/bin:{folder}"
    line = f'PATH="/usr/bin:{levels(folder, best)}"\n'
    assert tools.output(generator, PATH=path) == line
    assert tools.output(generator, PATH=path, FULLSPEED_HWCAPS="0") == f'PATH="{path}"\n'
    less = {"FULLSPEED_DISABLE_CPU_FEATURES": "X86_V2"}
    assert tools.output(generator, PATH=path, **less) == f'PATH="{path}"\n'
    made = subprocess.run([generator], env={}, capture_output=True)
    assert (made.returncode, made.stdout, made.stderr) == (0, b"", b"")
    made = tools.run(generator, FULLSPEED_HWCAPS="x")
    assert (made.returncode, made.stdout) == (1, b"") and b"FULLSPEED_HWCAPS" in made.stderr


def generate(tool: Path, folder: Path, **variables: str) -> subprocess.CompletedProcess:
    """Run as a unit generator: three folders, of which the first is ours."""
    places = [folder / name for name in ("normal", "early", "late")]
    shutil.rmtree(folder, ignore_errors=True)
    for place in places:
        place.mkdir(parents=True)
    made = tools.run(tool, *places, **variables)
    assert list(places[1].iterdir()) == list(places[2].iterdir()) == []
    return made


def test_unit_generator(
    checked: tools.Checked, folder: Path, tmp_path: Path, best: int
) -> None:
    if best < 2:
        pytest.skip("this CPU has one level only")
    tool, units = checked.tool, checked.units
    units.write_text("# a comment\na.service\n\nb@.service\n")
    path = f"/usr/bin:/with space:{folder}:/100%:relative:/q\"uote"
    made = generate(tool, tmp_path / "out", PATH=path)
    assert (made.returncode, made.stdout, made.stderr) == (0, b"", b"")
    found = {path.relative_to(tmp_path / "out" / "normal"): path
             for path in (tmp_path / "out").rglob("*.conf")}  # fmt: skip
    assert sorted(map(str, found)) == [
        f"{unit}.d/60-fullspeed-hwcaps.conf" for unit in ("a.service", "b@.service")
    ]
    for drop_in in found.values():
        assert drop_in.read_text().splitlines()[1:] == [
            "[Service]", f"ExecSearchPath=/usr/bin:{levels(folder, best)}"
        ]  # fmt: skip
    for variables in ({"FULLSPEED_HWCAPS": "0"}, {"PATH": "/usr/bin"}):
        made = generate(tool, tmp_path / "out", **{"PATH": path, **variables})
        assert made.returncode == 0 and list((tmp_path / "out" / "normal").iterdir()) == []
    units.unlink()
    made = generate(tool, tmp_path / "out", PATH=path)
    assert made.returncode == 0 and list((tmp_path / "out" / "normal").iterdir()) == []


def test_hostile_lists_of_units(
    checked: tools.Checked, folder: Path, tmp_path: Path, best: int
) -> None:
    """No name leads out of the folder, and good names beside bad ones count."""
    if best < 2:
        pytest.skip("this CPU has one level only")
    tool, units = checked.tool, checked.units
    bad = ["../x.service", "/x.service", "a b.service", ".service", "..service", "a.socket", "\0",
           "x" * 254 + ".service", "é.service", "a.service/"]  # fmt: skip
    for name in bad:
        units.write_text(f"{name}\ngood.service")
        made = generate(tool, tmp_path / "out", PATH=str(folder))
        assert made.returncode == 1 and b"is no name of a service" in made.stderr, name
        names = [path.name for path in (tmp_path / "out" / "normal").iterdir()]
        assert names == ["good.service.d"], name
    units.write_bytes(b"\n" * 70000 + b"a.service\n")
    assert generate(tool, tmp_path / "out", PATH=str(folder)).returncode == 0
    (tmp_path / "file").write_text("")
    units.write_text("a.service\n")
    made = tools.run(tool, tmp_path / "file", "/", "/", PATH=str(folder))
    assert made.returncode == 1 and b"could not be written" in made.stderr


def test_systemd_verifies_the_drop_in(
    checked: tools.Checked, folder: Path, tmp_path: Path, best: int
) -> None:
    """systemd-analyze has nothing to say of the drop-in, and would have of a wrong one."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("there is no systemd-analyze")
    if best < 2:
        pytest.skip("this CPU has one level only")
    tool, units = checked.tool, checked.units
    units.write_text("fullspeed-test.service\n")
    unit = tmp_path / "units" / "fullspeed-test.service"
    unit.parent.mkdir()
    unit.write_text(UNIT.replace("ExecStart=app", "ExecStart=/bin/true"))
    assert generate(tool, tmp_path / "out", PATH=f"/usr/bin:{folder}").returncode == 0
    shutil.copytree(tmp_path / "out" / "normal", unit.parent, dirs_exist_ok=True)
    command = [analyze, "verify", "--man=no", unit]
    made = tools.run(*command, SYSTEMD_LOG_TARGET="console")
    assert (made.returncode, made.stderr) == (0, b"")
    (drop_in,) = unit.parent.rglob("60-fullspeed-hwcaps.conf")
    drop_in.write_text(drop_in.read_text().replace("=/usr/bin", "=usr/bin"))
    assert b"is not absolute" in tools.run(*command, SYSTEMD_LOG_TARGET="console").stderr


def test_systemd_runs_the_generators(
    checked: tools.Checked, folder: Path, tmp_path: Path, best: int
) -> None:
    """systemd's own test run: PATH from one generator, ExecSearchPath from the other."""
    systemd = shutil.which("systemd", path="/usr/lib/systemd:/lib/systemd:/usr/bin")
    if systemd is None or os.getuid() != 0:
        pytest.skip("there is no systemd, or nobody else to run its test as")
    if best < 2:
        pytest.skip("this CPU has one level only")
    tool, listed = checked.tool, checked.units
    listed.write_text("fullspeed-test.service\n")
    tools.done("systemd", "install", "--root", tmp_path)
    generators = (tmp_path / ENVIRONMENT.format("user")).parent
    scripts = {
        "50-path": f"echo PATH=/usr/bin:/bin:{folder}",
        "70-show": f'echo "$PATH" >{tmp_path}/seen/path',
    }
    for name, text in scripts.items():  # they are run one after the other, by name
        (generators / name).write_text(f"#!/bin/sh\n{text}\n")
        (generators / name).chmod(0o755)
    for name in ("seen", "home", "run", "units", "generators"):
        (tmp_path / name).mkdir()
        os.chown(tmp_path / name, 65534, 65534)
    (tmp_path / "units" / "fullspeed-test.service").write_text(UNIT)
    shutil.copy2(tool, tmp_path / "generators" / "fullspeed-hwcaps")
    for place in (tmp_path, *tmp_path.parents[:2], listed.parent):
        place.chmod(0o755)
    variables = {
        "SYSTEMD_ENVIRONMENT_GENERATOR_PATH": str(generators), "HOME": str(tmp_path / "home"),
        "SYSTEMD_GENERATOR_PATH": str(tmp_path / "generators"),
        "SYSTEMD_UNIT_PATH": f"{tmp_path / 'units'}:", "XDG_RUNTIME_DIR": str(tmp_path / "run"),
    }  # fmt: skip
    made = subprocess.run(
        [systemd, "--test", "--user", "--log-target=console", "--unit=fullspeed-test.service"],
        env=variables, capture_output=True, timeout=60, user=65534, group=65534, extra_groups=[],
    )  # fmt: skip
    seen = tmp_path / "seen" / "path"
    if not seen.exists():
        pytest.skip(f"systemd --test runs no generators here: {os.fsdecode(made.stderr)[-300:]}")
    path = f"/usr/bin:/bin:{levels(folder, best)}"
    assert seen.read_text() == f"{path}\n"
    assert f"ExecSearchPath: {path.replace(':', ' ')}\n" in made.stdout.decode(), made.stderr
