"""`fullspeed hwcaps path`: which folders it adds, and what turns it off."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import hwcaps_tools as tools
import pytest

LEVELS = ("x86-64-v4", "x86-64-v3", "x86-64-v2")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two folders: one with all levels, one with v2."""
    first, second = tmp_path / "first", tmp_path / "second"
    for level in LEVELS:
        (first / "glibc-hwcaps" / level).mkdir(parents=True)
    (second / "glibc-hwcaps" / "x86-64-v2").mkdir(parents=True)
    return first, second


def expected(folders: tuple[Path, Path], best: int) -> str:
    first, second = folders
    levels = [level for level in LEVELS if int(level[-1]) <= best]
    return ":".join(
        [str(first / "glibc-hwcaps" / level) for level in levels]
        + [str(first), "/usr/bin"]
        + [str(second / "glibc-hwcaps" / level) for level in levels if level[-1] == "2"]
        + [str(second)]
    )


def plain(folders: tuple[Path, Path]) -> str:
    return f"{folders[0]}:/usr/bin:{folders[1]}"


@pytest.mark.parametrize(
    ("variables", "most"),
    [
        ({}, 4),
        ({"FULLSPEED_HWCAPS": "1"}, 4),
        ({"FULLSPEED_HWCAPS": ""}, 4),
        ({"FULLSPEED_HWCAPS": "0"}, 1),
        ({"FULLSPEED_DISABLE_CPU_FEATURES": "X86_V4"}, 3),
        ({"FULLSPEED_DISABLE_CPU_FEATURES": "bmi2, avx512f"}, 2),
        ({"FULLSPEED_DISABLE_CPU_FEATURES": "X86_V2"}, 1),
        ({"FULLSPEED_ENABLE_CPU_FEATURES": "X86_V2"}, 2),
        ({"GLIBC_TUNABLES": "glibc.malloc.check=0:glibc.cpu.hwcaps=-AVX2_Usable,-ERMS"}, 2),
    ],
)  # fmt: skip
def test_levels(
    folders: tuple[Path, Path], best: int, variables: dict[str, str], most: int
) -> None:
    found = tools.done("path", **variables, PATH=plain(folders))
    assert found == expected(folders, min(best, most)) + "\n"
    assert tools.done("path", "--path", plain(folders), **variables) == found


def test_twice_is_once(folders: tuple[Path, Path]) -> None:
    """Also when the CPU, or what is turned off, has changed meanwhile."""
    once = tools.output(tools.TOOL, "path", plain(folders))
    assert tools.output(tools.TOOL, "path", once) == once
    less = {"FULLSPEED_DISABLE_CPU_FEATURES": "X86_V3"}
    assert "v3" not in tools.output(tools.TOOL, "path", once, **less)
    assert tools.output(tools.TOOL, "path", once, FULLSPEED_HWCAPS="0") == plain(folders)
    alone = f"/usr/bin:{folders[0]}/glibc-hwcaps/x86-64-v2"
    assert tools.output(tools.TOOL, "path", alone) == alone


@pytest.mark.parametrize("path", ["", ":", ".", "bin:./x", "::/usr/bin:", "/", "//", "relative"])
def test_left_as_it_is(path: str) -> None:
    assert tools.output(tools.TOOL, "path", path) == path


@pytest.mark.parametrize("value", ["SSE99", "SSE2", ","])
def test_wrong_list(value: str) -> None:
    said = tools.refused("FULLSPEED_DISABLE_CPU_FEATURES", "path",
                         FULLSPEED_DISABLE_CPU_FEATURES=value)  # fmt: skip
    assert "the environment's" in said


def test_wrong_switch() -> None:
    tools.refused("FULLSPEED_HWCAPS is neither 0 nor 1", "path", FULLSPEED_HWCAPS="yes")


def test_folders_of_others(folders: tuple[Path, Path], best: int) -> None:
    """A level folder into which more people can write than into the folder itself."""
    if best < 2:
        pytest.skip("this CPU has one level only")
    first = folders[0]
    level = first / "glibc-hwcaps" / "x86-64-v2"
    for path in (level, level.parent):
        for mode in (0o757, 0o775):
            path.chmod(mode)
            assert str(level) not in tools.output(tools.TOOL, "path", str(first)).split(":")
        path.chmod(0o755)
    assert str(level) in tools.output(tools.TOOL, "path", str(first)).split(":")
    first.chmod(0o1777)  # as /tmp: what lies in it is by whoever owns it
    assert str(level) in tools.output(tools.TOOL, "path", str(first)).split(":")
    if os.getuid() == 0:
        os.chown(level, 12345, 0)
        assert str(level) not in tools.output(tools.TOOL, "path", str(first)).split(":")


HOSTILE = [
    *("/a b", "/it's", '/"q"', "/$(echo x)", "/`x`", "/a\nb", "/!x", "/\\", "/*", "/é\udcff", "~")
]


@pytest.mark.parametrize(
    ("shell", "words"),
    [
        ("sh", ["sh", "-c"]),
        ("sh", ["bash", "-c"]),
        ("csh", ["tcsh", "-fc"]),
        ("fish", ["fish", "--no-config", "-c"]),
    ],
)
def test_shells(shell: str, words: list[str]) -> None:
    program = shutil.which(words[0])
    if program is None:
        pytest.skip(f"there is no {words[0]}")
    path = ":".join(HOSTILE)
    line = tools.done("path", "--shell", shell, "--path", path)
    made = tools.run(program, *words[1:], f"{line}\n/usr/bin/printenv PATH", PATH="/nowhere")
    assert os.fsdecode(made.stdout) == f"{path}\n", made.stderr


def test_systemd_form() -> None:
    path = "/a b:/$x:/\\:/`:/\""
    line = tools.done("path", "--shell", "systemd", "--path", path)
    assert line == 'PATH="/a b:/\\$x:/\\\\:/\\`:/\\""\n'
    assert tools.output(tools.TOOL, PATH=path) == line


def test_options() -> None:
    made = tools.command("path", "--shell", "cmd")
    assert made.returncode == 2 and b"invalid choice" in made.stderr
    assert tools.run(tools.TOOL, "nonsense").returncode == 2
    assert tools.run(tools.TOOL, "path").returncode == 2


def test_output_that_cannot_be_written() -> None:
    with open("/dev/full", "wb") as full:
        code = subprocess.run([tools.TOOL, "path", "/usr/bin"], stdout=full).returncode
    assert code == 1


# ---- the kernel's command line, and any bytes, under sanitizers ----


@pytest.mark.parametrize(
    ("line", "off"),
    [
        (None, False),
        ("", False),
        ("quiet fullspeed.hwcaps=0\n", True),
        ("fullspeed.hwcaps=0", True),
        ("fullspeed.hwcaps=0 ro", True),
        ("fullspeed.hwcaps=1", False),
        ("fullspeed.hwcaps=00", False),
        ("fullspeed.hwcaps", False),
        ("fullspeed.hwcaps=", False),
        ("xfullspeed.hwcaps=0", False),
        ("fullspeed.hwcaps=0 fullspeed.hwcaps=1", False),
        ("fullspeed.hwcaps=1\tfullspeed.hwcaps=0", True),
        ('init="a fullspeed.hwcaps=0 b"', False),
        ("x" * 20000, False),
        ("x" * 4000 + " fullspeed.hwcaps=0 " + "y" * 100, True),
    ],
)
def test_kernel(
    checked: tools.Checked, folders: tuple[Path, Path], best: int, line: str | None, off: bool
) -> None:
    tool, file = checked.tool, checked.line
    file.unlink(missing_ok=True)
    if line is not None:
        file.write_text(line)
    found = tools.output(tool, "path", plain(folders), FULLSPEED_HWCAPS="1")
    assert found == (plain(folders) if off else expected(folders, best))
    said = "off fullspeed.hwcaps=0 on the kernel's command line" if off else "off \n"
    assert said in tools.output(tool, "state")


def test_kernel_for_the_real_one(installed: Path, tmp_path: Path, best: int) -> None:
    """The programs as they are installed read /proc/cmdline."""
    line = tmp_path / "cmdline"
    line.write_text("quiet fullspeed.hwcaps=0\n")
    text = f"mount --bind {line} /proc/cmdline && exec {installed}"
    made = tools.run("unshare", "-m", "sh", "-c", text)
    if made.returncode != 0:
        pytest.skip(f"no mount namespace here: {os.fsdecode(made.stderr).strip()}")
    assert made.stdout == b"baseline"
    assert best == 1 or tools.output(installed) != "baseline"


def model(path: str, levels: list[str]) -> str:
    """What the tool should make of a list of folders, said once more, and plainly."""
    listed = path.split(":")
    bare = {re.sub(r"(?<=.)/+$", "", folder) for folder in listed} | set(listed)
    made = []
    for folder in listed:
        owner = re.fullmatch(r"(.+)/glibc-hwcaps/x86-64-v[1-9]", folder, re.DOTALL)
        if owner is not None and owner[1] in bare:
            continue
        if folder.startswith("/"):
            stem = folder.rstrip("/") + "/glibc-hwcaps/"
            made += [stem + level for level in levels if os.path.isdir(stem + level)]
        made.append(folder)
    return ":".join(made)


def test_fuzz(checked: tools.Checked, folders: tuple[Path, Path], best: int) -> None:
    """Any lists of folders: as the model says, nothing read or written that is not ours."""
    tool, file = checked.tool, checked.line
    file.unlink(missing_ok=True)
    drawn = random.Random(1)
    levels = [level for level in LEVELS if int(level[-1]) <= best]
    first, second = map(str, folders)
    parts = [first, second, f"{first}/", f"{first}//", "/usr/bin", "", ".", "x", "/", "/é",
             "/\udcff",
             f"{first}/glibc-hwcaps/x86-64-v3", f"{second}/glibc-hwcaps/x86-64-v9",
             "/glibc-hwcaps/x86-64-v2", "glibc-hwcaps/x86-64-v2", f"{first}/glibc-hwcaps/x86-64-v",
             f"{first}/glibc-hwcaps", "/" + "y" * 300, "/" + "z/" * 2100]  # fmt: skip
    for _ in range(150):
        path = ":".join(drawn.choice(parts) for _ in range(drawn.randrange(8)))
        found = tools.output(tool, "path", path)
        assert found == model(path, levels), path
        assert tools.output(tools.TOOL, "path", path) == found
