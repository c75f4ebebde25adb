"""`fullspeed hwcaps install`, `remove`, `status`: what is refused, and that all comes back."""

from __future__ import annotations

import fcntl
import json
import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import hwcaps_tools as tools
import pytest
from hwcaps_tools import refused


def beside(app: Path, label: str) -> Path:
    return app.with_name(f"{app.name}.{label}")


def words(app: Path, programs: Path) -> list[str]:
    return [
        "install", str(app), f"--variant=v3={programs / 'v3'}", f"--variant=v2={programs / 'v2'}"
    ]  # fmt: skip


# ---- there and back ----


def test_there_and_back(app: Path, programs: Path) -> None:
    before = tools.tree(app.parent)
    made = tools.command(*words(app, programs))
    assert made.returncode == 0 and made.stdout == b""
    assert made.stderr.decode() == f"fullspeed: {app} has variants now: v2, v3\n"
    names = {path.name for path in app.parent.iterdir()}
    assert names == {
        "app", "app.baseline", "app.x86-64-v2", "app.x86-64-v3", ".app.fullspeed-hwcaps"
    }  # fmt: skip
    assert app.read_bytes() == tools.STUB.read_bytes()
    assert beside(app, "x86-64-v3").read_bytes() == (programs / "v3").read_bytes()
    made = tools.command("remove", app)
    assert made.returncode == 0
    assert tools.tree(app.parent) == before
    refused("no variants of", "remove", app)


def test_rights_and_owner(app: Path, programs: Path) -> None:
    app.chmod(0o754)
    with_attributes = True
    if os.getuid() == 0:
        os.chown(app, 1234, 2345)
    try:
        os.setxattr(app, "user.note", b"kept")
    except OSError:
        with_attributes = False
    before = tools.tree(app.parent)
    tools.done(*words(app, programs))
    for path in (app, beside(app, "x86-64-v2"), beside(app, "baseline")):
        info = path.stat()
        assert info.st_mode & 0o7777 == 0o754
        if os.getuid() == 0:
            assert (info.st_uid, info.st_gid) == (1234, 2345)
        if with_attributes:
            assert os.getxattr(path, "user.note") == b"kept"
    tools.done("remove", app)
    assert tools.tree(app.parent) == before


def test_by_another_name(app: Path, programs: Path, tmp_path: Path) -> None:
    """Relative, with dots, by a link to its folder; variants by links."""
    before = tools.tree(app.parent)
    (tmp_path / "link").symlink_to(app.parent)
    (tmp_path / "v2").symlink_to(programs / "v2")
    path = f"{tmp_path}/x/../link/./app"
    (tmp_path / "x").mkdir()
    tools.done("install", path, f"--variant=v2={tmp_path / 'v2'}")
    assert not beside(app, "x86-64-v2").is_symlink()
    tools.done("remove", app)
    assert tools.tree(app.parent) == before


@pytest.mark.parametrize(
    "name", ["a b", "-rf", "--", "new\nline", "é", "\udcff\udcfe", "'\"$(x)`", "a=b",
             "app.baseline", "%s%n", "x" * 233, ".hidden"],
)  # fmt: skip
def test_hostile_names(app: Path, programs: Path, name: str, best: int) -> None:
    folder = app.parent / "sub"
    folder.mkdir()
    odd = folder / name
    app.rename(odd)
    before = tools.tree(folder)
    made = tools.command("install", odd, f"--variant=v2={programs / 'v2'}")
    assert made.returncode == 0 and made.stderr.count(b"\n") == 1, made.stderr
    assert tools.output(odd) == ("v2" if best > 1 else "baseline")
    status = json.loads(tools.done("status", folder, "--json"))
    assert [row["executable"] for row in status["executables"]] == [str(odd)]
    assert tools.done("status", odd).count("\n") == 6
    tools.done("remove", odd)
    assert tools.tree(folder) == before


# ---- what is refused ----


@pytest.fixture
def unchanged(app: Path) -> object:
    """Whatever the test does, the folder is as it was."""
    yield
    names = {path.name for path in app.parent.iterdir()}
    assert not any("fullspeed" in name or "x86-64" in name for name in names), names


def one(app: Path, programs: Path) -> list[object]:
    return ["install", app, f"--variant=v2={programs / 'v2'}"]


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        (0o4755, "is setuid"),
        (0o2755, "is setgid"),
        (0o644, "is not executable"),
        (0o711, "cannot be read by all"),
    ],
)
def test_rights(app: Path, programs: Path, mode: int, reason: str) -> None:
    app.chmod(mode)
    refused(reason, *one(app, programs))
    app.chmod(0o755)
    shutil.copy2(programs / "v2", app.parent / "other")
    (app.parent / "other").chmod(mode)
    refused(reason, "install", app, f"--variant=v2={app.parent / 'other'}")


@pytest.mark.usefixtures("unchanged")
def test_capabilities(app: Path, programs: Path) -> None:
    try:
        # Version 2, effective: cap_net_bind_service.
        os.setxattr(app, "security.capability", bytes.fromhex("0100000200040000") + bytes(12))
    except OSError as error:
        pytest.skip(f"no file capabilities here: {error}")
    refused("file capabilities", *one(app, programs))


@pytest.mark.usefixtures("unchanged")
def test_kinds(app: Path, programs: Path) -> None:
    link = app.parent / "link"
    link.symlink_to("app")
    refused(f"is a symbolic link: say {app}", *one(link, programs))
    refused("is not a file", *one(app.parent, programs))
    refused("No such file", *one(app.parent / "none", programs))
    refused("is no name of a file", *one(Path(f"{app}"), programs)[:1], f"{app}/", "--variant=v2=x")
    whole = app.read_bytes()
    script = app.parent / "script"
    for data, reason in (
        (b"#!/bin/sh\necho\n", "is a script"),
        (b"", "is not an ELF executable"),
        (b"\x7fEL", "is not an ELF executable"),
        (whole[:3000], "truncated"),
        (whole[:20], "is damaged or truncated"),
        (whole[:4] + b"\1" + whole[5:], "is "),  # 64 bits as 32
        (whole[:18] + b"\xb7\0" + whole[20:], "is for another architecture (EM_AARCH64, 64 bits)"),
        (whole[:16] + b"\1\0" + whole[18:], "is not an executable (ET_REL)"),
    ):
        script.write_bytes(data)
        script.chmod(0o755)
        refused(reason, *one(script, programs))
        refused(reason, "install", app, f"--variant=v2={script}")
        script.unlink()


@pytest.mark.usefixtures("unchanged")
def test_32_bits(app: Path, programs: Path) -> None:
    head = bytearray(52 + 32)
    head[:7] = b"\x7fELF\1\1\1"
    head[16:20] = b"\2\0\3\0"
    head[28] = 52
    head[40:48] = b"\x34\0\x20\0\1\0\0\0"
    app.write_bytes(head)
    refused("is for another architecture (EM_386, 32 bits)", *one(app, programs))


@pytest.mark.usefixtures("unchanged")
def test_libraries(app: Path, programs: Path) -> None:
    library = app.parent / "lib.so"
    (app.parent / "lib.c").write_text("int x;\n")
    subprocess.run(["gcc", "-shared", app.parent / "lib.c", "-o", library], check=True)
    refused("is a shared library", *one(library, programs))


@pytest.mark.usefixtures("unchanged")
def test_static(app: Path, programs: Path) -> None:
    """A static variant of a dynamic program is for another C library, or none."""
    static = tools.compile_program(app.parent / "static", "v2", "-static")
    refused("for different C libraries", "install", app, f"--variant=v2={static}")


@pytest.mark.usefixtures("unchanged")
def test_variant_that_needs_more(app: Path) -> None:
    """The linker's own note says which level a file needs."""
    more = tools.compile_program(app.parent / "more", "v3", "-Wl,-z,x86-64-v3")
    refused("says that it needs x86-64-v3", "install", app, f"--variant=v2={more}")
    tools.done("install", app, f"--variant=v3={more}")
    tools.done("remove", app)


def test_audit_of_variants(app: Path) -> None:
    """A variant for v2 that was compiled for v3 names the function and the instruction."""
    source = app.with_name("wide.c")
    source.write_text(
        "double a[64], b[64];\n"
        "__attribute__((noinline)) void add(void) { for (int i = 0; i < 64; i++) a[i] += b[i]; }\n"
        "int main(void) { add(); return (int)a[0]; }\n"
    )
    for level in ("v2", "v3"):
        subprocess.run(["gcc", "-O3", f"-march=x86-64-{level}", source, "-o",
                        app.with_name(level)], check=True)  # fmt: skip
    wide, narrow = app.with_name("v3"), app.with_name("v2")
    before = tools.tree(app.parent)
    said = refused("does not promise", "install", app, f"--variant=v2={wide}", "--audit")
    assert re.search(r"promise: (add|main) at 0x[0-9a-f]+: v\w+ .*\(AVX\)", said), said
    assert tools.tree(app.parent) == before
    tools.done("install", app, f"--variant=v2={narrow}", f"--variant=v3={wide}", "--audit")
    tools.done("remove", app)
    source.chmod(0o755)
    refused("is not an ELF executable", "install", app, f"--variant=v2={source}", "--audit")


@pytest.mark.usefixtures("unchanged")
def test_usage(app: Path, programs: Path) -> None:
    v2 = programs / "v2"
    for variants in ([], ["v2"], ["v2="], ["v1=x"], ["v5=x"], [f"={v2}"], [f"v2={v2}", f"v2={v2}"]):
        options = [f"--variant={word}" for word in variants]
        made = tools.command("install", app, *options)
        assert made.returncode == 2 and made.stderr.startswith(b"fullspeed: "), made.stderr
    refused("is ", "install", app, f"--variant=v2={app}")
    refused("No such file", "install", app, "--variant=v2=/nowhere/x")


def test_long_name(app: Path, programs: Path) -> None:
    long = app.with_name("x" * 250)
    app.rename(long)
    refused("is too long", *one(long, programs))
    assert [path.name for path in app.parent.iterdir()] == [long.name]


def test_names_that_are_taken(app: Path, programs: Path) -> None:
    for label in ("baseline", "x86-64-v2", "x86-64-v4"):
        beside(app, label).write_text("somebody's")
        before = tools.tree(app.parent)
        refused("is there already", *one(app, programs))
        assert tools.tree(app.parent) == before
        beside(app, label).unlink()


def test_installed_already(installed: Path, programs: Path, tmp_path: Path) -> None:
    before = tools.tree(installed.parent)
    refused("has variants already (v2, v3)", *one(installed, programs))
    refused("is a stub itself", "install", programs / "v4", f"--variant=v2={installed}")
    shutil.copy2(installed, tmp_path / "copy")
    refused("is a stub of", *one(tmp_path / "copy", programs))
    assert tools.tree(installed.parent) == before


@pytest.mark.usefixtures("unchanged")
def test_folder_like_tmp(app: Path, programs: Path) -> None:
    app.parent.chmod(0o1777)
    refused("is a folder like /tmp", *one(app, programs))


@pytest.mark.usefixtures("unchanged")
def test_two_at_once(app: Path, programs: Path) -> None:
    file = os.open(app.parent, os.O_RDONLY)
    fcntl.flock(file, fcntl.LOCK_EX)
    refused("another `fullspeed hwcaps` is at work", *one(app, programs))
    os.close(file)


def test_many_at_once(app: Path, programs: Path) -> None:
    """One of them does it, the others say why they did not."""
    command = [tools.FULLSPEED, "hwcaps", *words(app, programs)]
    started = [subprocess.Popen(command, env=tools.CLEAN, stderr=subprocess.PIPE) for _ in range(6)]
    said = [process.communicate()[1].decode() for process in started]
    codes = sorted(process.returncode for process in started)
    assert codes == [0, 1, 1, 1, 1, 1]
    assert all("has variants" in text or "at work" in text for text in said)
    assert tools.done("status", app)
    tools.done("remove", app)
    assert [path.name for path in app.parent.iterdir()] == ["app"]


def test_read_only(app: Path, programs: Path) -> None:
    """A folder that may not be written to."""
    app.parent.chmod(0o555)
    before = tools.tree(app.parent)
    code = (
        "import sys, os\n"
        "if os.getuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "from fullspeed.cli import main\nsys.exit(main(sys.argv[1:]))"
    )
    if os.getuid() == 0:
        folders = [app.parents[1], *app.parents[1].parents[:2], programs, *programs.parents[:1]]
        for folder in folders:
            folder.chmod(0o755)
    made = tools.run(sys.executable, "-c", code, "hwcaps", *one(app, programs))
    assert made.returncode == 1 and b"Permission denied" in made.stderr, made.stderr
    assert tools.tree(app.parent) == before
    app.parent.chmod(0o755)


@pytest.mark.parametrize("size", [0, 100, 5000, 17000])
def test_disk_full(app: Path, programs: Path, size: int) -> None:
    """No file may be longer than that: the first that is ends it all."""
    before = tools.tree(app.parent)
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))  # noqa: E731
    command = [tools.FULLSPEED, "hwcaps", *words(app, programs)]
    variables = tools.CLEAN | {"PYTHONDONTWRITEBYTECODE": "1"}  # it would be cut off, too
    made = subprocess.run(command, env=variables, capture_output=True, preexec_fn=limit)
    assert made.returncode == 1 and b"File too large" in made.stderr, made.stderr
    assert tools.tree(app.parent) == before


def test_disk_that_is_full(programs: Path, tmp_path: Path) -> None:
    """A file system of its own, so small that the second variant has no room."""
    script = f"""set -e
mount -t tmpfs -o size=64k,mode=755 none {tmp_path}
cp {programs}/baseline {tmp_path}/app
set +e
cd {programs}
{tools.FULLSPEED} hwcaps install {tmp_path}/app --variant v2=v2 --variant v3=v3
echo "code $?"
ls -A {tmp_path}
{tmp_path}/app
"""
    made = tools.run("unshare", "-m", "sh", "-c", script)
    if b"code" not in made.stdout:
        pytest.skip(f"no mount namespace here: {os.fsdecode(made.stderr).strip()}")
    assert made.stdout.decode() == "code 1\napp\nbaseline", made
    assert b"No space left on device" in made.stderr


# ---- ended in the middle ----

KILLED = """
import os, signal, sys
from fullspeed.hwcaps import install
EVENTS = {"os.rename", "os.link", "os.remove", "open", "os.chmod", "os.chown", "os.setxattr"}
left = int(sys.argv[1])
def hook(event, values):
    global left
    if event not in EVENTS or FOLDER not in os.fsdecode(values[0] if isinstance(values[0], (str, bytes)) else b""):
        if not (event in ("os.chmod", "os.chown")):
            return
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
FOLDER = os.path.dirname(sys.argv[2])
variants = install.read_variants(sys.argv[4:])
sys.addaudithook(hook)
if sys.argv[3] == "install":
    install.install(sys.argv[2], variants)
else:
    install.remove(sys.argv[2])
print("done")
"""  # noqa: E501


def steps(app: Path, programs: Path, what: str) -> object:
    """Run a command again and again, killed before each thing that it does to the folder."""
    variants = [f"v3={programs / 'v3'}", f"v2={programs / 'v2'}"]
    for number in range(1, 200):
        made = tools.run(sys.executable, "-c", KILLED, str(number), app, what, *variants)
        if made.returncode == 0:
            assert made.stdout == b"done\n"
            assert number > 12, "there are more steps than that"
            return
        assert made.returncode == -9, made.stderr
        yield number


def test_killed_while_installing(app: Path, programs: Path) -> None:
    """The executable can be run at any moment, and all comes back: by remove, or by install."""
    before = tools.tree(app.parent)
    for number in steps(app, programs, "install"):
        assert tools.output(app) in ("baseline", "v2", "v3")
        if number % 2:
            made = tools.command("remove", app)
            assert made.returncode == 0 or b"no variants of" in made.stderr, (number, made)
        else:
            made = tools.command(*words(app, programs))
            if b"has variants already" not in made.stderr:  # it was killed when all was done
                assert made.returncode == 0, (number, made)
            tools.done("remove", app)
        assert tools.tree(app.parent) == before, number


def test_killed_while_removing(app: Path, programs: Path) -> None:
    before = tools.tree(app.parent)
    tools.done(*words(app, programs))
    for number in steps(app, programs, "remove"):
        assert tools.output(app) in ("baseline", "v2", "v3")
        status = tools.command("status", app, "--json")
        row = json.loads(status.stdout)["executables"][0]
        assert row["state"] in ("installed", "removing", None)
        made = tools.command("remove", app)
        assert made.returncode == 0 or row["state"] is None, (number, made)
        assert tools.tree(app.parent) == before, number
        tools.done(*words(app, programs))


def test_interrupted(app: Path, programs: Path) -> None:
    """Ctrl-C at each step: the command itself brings all back."""
    before = tools.tree(app.parent)
    text = KILLED.replace("os.kill(os.getpid(), signal.SIGKILL)", "raise KeyboardInterrupt")
    variants = [f"v2={programs / 'v2'}"]
    for number in range(1, 200):
        made = tools.run(sys.executable, "-c", text, str(number), app, "install", *variants)
        if made.returncode == 0:
            break
        assert b"KeyboardInterrupt" in made.stderr
        assert tools.tree(app.parent) == before, (number, made.stderr)
    assert number > 10
    tools.done("remove", app)


def test_status_of_half_an_installation(app: Path, programs: Path) -> None:
    for number in steps(app, programs, "install"):
        if (app.parent / ".app.fullspeed-hwcaps").exists():
            made = tools.command("status", app)
            assert made.returncode == 1 and b"ended in the middle" in made.stdout
            return
    pytest.fail("no step had a record")


# ---- changed since ----


def test_package_replaced_it(installed: Path, programs: Path) -> None:
    """A new version of the executable: the stub is gone, and the new version stays."""
    shutil.copy2(programs / "v4", installed.with_name("new"))
    installed.with_name("new").rename(installed)
    made = tools.command("status", installed)
    assert made.returncode == 1 and b"replaced since" in made.stdout
    refused("has variants already", *one(installed, programs))
    made = tools.command("remove", installed)
    assert made.returncode == 0 and b"was replaced since" in made.stderr
    assert installed.read_bytes() == (programs / "v4").read_bytes()
    assert [path.name for path in installed.parent.iterdir()] == ["app"]


def test_stub_of_another_version(installed: Path, programs: Path) -> None:
    """Put there by hand: it is a stub all the same, and the executable comes back."""
    installed.write_bytes(tools.STUB.read_bytes() + b"another")
    tools.done("remove", installed)
    assert installed.read_bytes() == (programs / "baseline").read_bytes()
    assert [path.name for path in installed.parent.iterdir()] == ["app"]


def test_deleted_by_hand(installed: Path, programs: Path) -> None:
    installed.unlink()
    tools.done("remove", installed)
    assert installed.read_bytes() == (programs / "baseline").read_bytes()
    assert [path.name for path in installed.parent.iterdir()] == ["app"]


def test_baseline_is_missing(installed: Path, programs: Path) -> None:
    """Nothing is removed then, and the way out works."""
    beside(installed, "baseline").unlink()
    made = tools.command("status", installed)
    assert made.returncode == 1 and b"missing" in made.stdout
    refused("cannot be brought back", "remove", installed)
    assert beside(installed, "x86-64-v2").exists()
    installed.unlink()
    shutil.copy2(programs / "baseline", installed)
    tools.done("remove", installed)
    assert [path.name for path in installed.parent.iterdir()] == ["app"]


def test_changed_files_stay(installed: Path) -> None:
    beside(installed, "x86-64-v2").write_bytes(b"somebody's work")
    beside(installed, "x86-64-v3").unlink()
    beside(installed, "x86-64-v3").mkdir()
    made = tools.command("remove", installed)
    assert made.returncode == 0 and made.stderr.count(b"was changed since; it stays") == 2
    assert beside(installed, "x86-64-v2").read_bytes() == b"somebody's work"


def test_executable_became_a_link(installed: Path) -> None:
    installed.unlink()
    installed.symlink_to("/bin/true")
    tools.done("remove", installed)
    assert os.readlink(installed) == "/bin/true"
    assert [path.name for path in installed.parent.iterdir()] == ["app"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"version": 1}', '{"version": 2, "state": "installed"}', "\0"]
)
def test_damaged_record(installed: Path, programs: Path, text: str) -> None:
    record = installed.with_name(".app.fullspeed-hwcaps")
    record.write_text(text)
    before = tools.tree(installed.parent)
    for action in (["remove", installed], one(installed, programs)):
        refused(".app.fullspeed-hwcaps", *action)
    made = tools.command("status", installed)
    assert made.returncode == 1 and b"problem" in made.stdout
    assert tools.tree(installed.parent) == before


def test_status(installed: Path, programs: Path, best: int) -> None:
    facts = json.loads(tools.done("status", "--json", PATH=f"/nowhere:{installed.parent}"))
    (row,) = facts["executables"]
    assert row["executable"] == str(installed) and row["problem"] is None
    assert set(row["files"]) == {"baseline", "x86-64-v2", "x86-64-v3"}
    assert row["used"].endswith({1: "baseline", 2: "v2"}.get(best, "v3"))
    text = tools.done("status", installed, FULLSPEED_HWCAPS="0")
    assert text.startswith("off: FULLSPEED_HWCAPS=0") and "uses       app.baseline" in text
    made = tools.command("status", programs / "v2")
    assert made.returncode == 1 and b"no variants of" in made.stdout
    assert json.loads(tools.done("status", "--json", PATH="/nowhere"))["executables"] == []


# ---- exec ----


def test_exec(app: Path, programs: Path, best: int) -> None:
    """Variants beside, and in the folders of levels; the executable itself where there are none."""
    assert tools.done("exec", app) == "baseline"
    level = app.parent / "glibc-hwcaps" / "x86-64-v2"
    level.mkdir(parents=True)
    shutil.copy2(programs / "v2", level / "app")
    expected = "v2" if best > 1 else "baseline"
    assert tools.done("exec", app) == expected
    assert tools.done("exec", "app", PATH=f"{app.parent}:{os.environ['PATH']}") == expected
    assert tools.done("exec", "--", app) == expected
    assert tools.done("exec", app, FULLSPEED_HWCAPS="0") == "baseline"
    assert tools.command("exec", app, "exit", "9").returncode == 9
    script = app.with_name("script")
    script.write_text("#!/bin/sh\necho \"$@\"\n")
    script.chmod(0o755)
    assert tools.done("exec", script, "--", "-x", "--help") == "-- -x --help\n"
    refused("there is no executable none", "exec", "none", code=127)
    refused("there is no executable", "exec", app.with_name("none"), code=127)
    refused("wants an executable", "exec", code=2)
    refused("no permission", "exec", app.parent, code=126)


def test_exec_hands_over_what_it_was_given(app: Path) -> None:
    """Python's own doings with signals and the environment are not seen."""
    seen = []
    for words in ([app], [tools.FULLSPEED, "hwcaps", "exec", app]):
        made = subprocess.run(
            [*words, "all", "a"], env={"LANG": "C", "X": "\udcff"}, capture_output=True, cwd="/"
        )
        kept = [line for line in made.stdout.split(b"\0") if not line.startswith(b"file ")]
        seen.append(kept)
    assert seen[0] == seen[1]


def test_fuzz_the_elf_reader(programs: Path, tmp_path: Path) -> None:
    """Whatever stands in a file: an answer or a sentence."""
    import random

    from fullspeed.hwcaps import HwcapsError, elf

    whole, drawn = (programs / "v2").read_bytes(), random.Random(1)
    path, good = tmp_path / "odd", 0
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(drawn.randrange(1, 6)):
            at = drawn.randrange(0, 1200)
            data[at : at + drawn.randrange(1, 9)] = drawn.randbytes(drawn.randrange(1, 9))
        path.write_bytes(data[: drawn.choice([len(data), drawn.randrange(len(data))])])
        try:
            elf.read(str(path))
            good += 1
        except HwcapsError as error:
            assert "\n" not in str(error)
    assert 0 < good < 400


