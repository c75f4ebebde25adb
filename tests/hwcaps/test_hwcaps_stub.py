"""The exec stub: which variant it becomes, that nothing else changes, and what it refuses."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import hwcaps_tools as tools
import pytest
from fullspeed.variants import audit, elf

V3 = {"FULLSPEED_DISABLE_CPU_FEATURES": "X86_V4"}
LIMIT = 20_000  # bytes


def name_of(level: int) -> str:
    return f"v{level}" if level > 1 else "baseline"


def beside(app: Path, label: str) -> Path:
    return app.with_name(f"{app.name}.{label}")


@pytest.fixture
def v3(installed: Path, best: int) -> Path:
    """The v3 variant's file; the tests have it as the first choice."""
    if best < 3:
        pytest.skip("this CPU has no x86-64-v3")
    return beside(installed, "x86-64-v3")


# ---- the choice ----


@pytest.mark.parametrize(
    ("variables", "most"),
    [
        ({}, 3),
        ({"FULLSPEED_HWCAPS": "1"}, 3),
        ({"FULLSPEED_HWCAPS": "0"}, 1),
        ({"FULLSPEED_DISABLE_CPU_FEATURES": "avx512f"}, 3),
        ({"FULLSPEED_DISABLE_CPU_FEATURES": "AVX512CD,\tX86_V3"}, 2),
        ({"FULLSPEED_DISABLE_CPU_FEATURES": "SSE42"}, 1),
        ({"FULLSPEED_ENABLE_CPU_FEATURES": "X86_V2"}, 2),
        ({"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-ERMS"}, 2),
    ],
)
def test_level(installed: Path, best: int, variables: dict[str, str], most: int) -> None:
    assert tools.output(installed, **variables) == name_of(min(best, most))
    assert tools.done("exec", installed, **variables) == name_of(min(best, most))


@pytest.mark.parametrize(
    ("cpu", "found"),
    [("core2duo", "baseline"), ("Nehalem", "v2"), ("Haswell", "v3"), ("Haswell,-bmi2", "v2")],
)
def test_emulated_processors(installed: Path, cpu: str, found: str) -> None:
    """What the stub itself runs is no more than such a processor has."""
    qemu = shutil.which("qemu-x86_64")
    if qemu is None:
        pytest.skip("there is no qemu-x86_64 (tools/setup.sh cross installs it)")
    made = tools.run(qemu, "-cpu", cpu, tools.TOOL, "which", installed)
    assert made.stdout.decode().rpartition(".")[2].replace("x86-64-", "") == found, made.stderr
    made = tools.run(qemu, "-cpu", cpu, installed)
    assert (made.returncode, made.stdout.decode()) == (0, found), made.stderr


@pytest.mark.parametrize(
    "variables", [{"FULLSPEED_DISABLE_CPU_FEATURES": "SSE99"}, {"FULLSPEED_HWCAPS": "no"}]
)
def test_wrong_variable(installed: Path, variables: dict[str, str]) -> None:
    """The baseline, since who takes a feature away wants it not to be used."""
    made = tools.run(installed, **variables)
    (name,) = variables
    assert (made.returncode, made.stdout) == (0, b"baseline")
    assert made.stderr.startswith(f"fullspeed: the environment's {name}".encode())
    assert made.stderr.endswith(b"; the baseline is run\n")


# ---- nothing else changes ----


def start(program: Path, name: str = "name", **options: object) -> list[str]:
    """How a program sees its start."""
    made = subprocess.run(
        [name, "all", "", "a b", "\udcff"], executable=program, capture_output=True, **options
    )
    assert made.returncode == 0 and made.stderr == b""
    return sorted(os.fsdecode(made.stdout).split("\0"))


def ignore_signals() -> None:
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGRTMIN + 3])
    os.umask(0o027)
    os.nice(3)
    os.setsid()


@pytest.mark.parametrize("name", ["name", "", "-bash", "/else/where"])
def test_start_is_the_same(installed: Path, tmp_path: Path, name: str) -> None:
    """Arguments, environment, files, signals, folder: as without a stub."""
    with open(installed, "rb") as first, open(os.devnull, "wb") as second:
        first.seek(7)
        options = {
            "name": name,
            "env": {"A": "1", "": "odd", "B": "x=\udcfe", "LC_ALL": "C", "PATH": "/nowhere"},
            "cwd": tmp_path,
            "stdin": second,
            "pass_fds": (first.fileno(), second.fileno()),
            "preexec_fn": ignore_signals,
        }
        seen = start(installed, **options)
        first.seek(7)
        assert seen == start(beside(installed, "baseline"), **options)
    assert f"argument {name}" in seen and "argument \udcff" in seen
    assert "ignored 10" in seen and "blocked 15" in seen


def test_closed_files(installed: Path) -> None:
    """Also when 0, 1 and 2 are free: the files that the stub opens are closed again."""
    for program in (installed, beside(installed, "baseline")):
        made = tools.run("sh", "-c", f"exec <&- 2>&-; exec {program} all")
        assert b"file 0:" not in made.stdout and b"file 2:" not in made.stdout
        assert b"file 3:" not in made.stdout


def test_exit_codes(installed: Path) -> None:
    for code in (0, 1, 77, 126, 255):
        assert tools.run(installed, "exit", str(code)).returncode == code
    for number in (signal.SIGTERM, signal.SIGSEGV, signal.SIGKILL):
        assert tools.run(installed, "kill", str(int(number))).returncode == -number


def test_long_arguments(installed: Path) -> None:
    """As much as the kernel takes; when it is too much, that is the caller's error."""
    word = "x" * 100_000
    made = subprocess.run([installed, "level", *[word] * 15], capture_output=True, env={})
    assert made.returncode == 0 and made.stdout in (b"v3", b"v2", b"baseline")
    with pytest.raises(OSError, match="Argument list too long"):
        subprocess.run([installed, *[word] * 40], capture_output=True, env={})


def test_links_and_path(installed: Path, tmp_path: Path, best: int) -> None:
    """By a link, by a link to its folder, by PATH, from its folder."""
    link = tmp_path / "link"
    link.symlink_to(installed)
    (tmp_path / "folder").symlink_to(installed.parent)
    expected = name_of(min(best, 3))
    assert tools.output(link) == expected
    assert tools.output(tmp_path / "folder" / "app") == expected
    assert tools.output("/bin/sh", "-c", "app", PATH=str(installed.parent)) == expected
    assert tools.output("sh", "-c", f"cd {installed.parent} && ./app") == expected
    (tmp_path / "moved").mkdir()
    for path in installed.parent.iterdir():
        path.rename(tmp_path / "moved" / path.name)
    assert tools.output(tmp_path / "moved" / "app") == expected


def test_origin(tmp_path: Path, best: int) -> None:
    """A program that finds its library by where it lies itself."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "lib").mkdir()
    library = tmp_path / "lib" / "libthing.so"
    (tmp_path / "thing.c").write_text("int thing(void); int thing(void) { return 41; }\n")
    (tmp_path / "main.c").write_text("int thing(void); int main(void) { return thing() + MORE; }\n")
    subprocess.run(["gcc", "-shared", "-fPIC", tmp_path / "thing.c", "-o", library], check=True)
    for name, more in (("app", 0), ("v2", 1)):
        command = ["gcc", f"-DMORE={more}", tmp_path / "main.c", library, "-o",
                   tmp_path / "bin" / name, "-Wl,-rpath,$ORIGIN/../lib"]  # fmt: skip
        subprocess.run(command, check=True)
    app = tmp_path / "bin" / "app"
    tools.done("install", app, f"--variant=v2={tmp_path / 'bin' / 'v2'}")
    assert tools.run(app).returncode == (42 if best > 1 else 41)
    assert tools.run(app, FULLSPEED_HWCAPS="0").returncode == 41


def test_python(tmp_path: Path) -> None:
    """A Python finds its prefix and its virtual environments by argv[0] and by where it lies."""
    base = Path(os.path.realpath(sys.executable))
    code = "import sys; print(sys.executable, sys.prefix, sys.base_prefix, sys.path, sep='\\n')"
    (tmp_path / "bin").mkdir()
    (tmp_path / "lib").mkdir()
    library = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    (tmp_path / "lib" / library).symlink_to(os.path.dirname(os.__file__))
    python = tmp_path / "bin" / "python3.11"
    shutil.copy2(base, python)
    shutil.copy2(base, tmp_path / "other")
    tools.run(python, "-m", "venv", "--without-pip", tmp_path / "env")
    plain = [tools.output(path, "-c", code)
             for path in (python, tmp_path / "env" / "bin" / "python")]  # fmt: skip
    assert plain[0].splitlines()[1] == str(tmp_path)
    assert plain[1].splitlines()[1] == str(tmp_path / "env")
    tools.done("install", python, f"--variant=v2={tmp_path / 'other'}")
    again = [tools.output(path, "-c", code)
             for path in (python, tmp_path / "env" / "bin" / "python")]  # fmt: skip
    assert again == plain
    shutil.rmtree(tmp_path / "env")
    tools.output(python, "-m", "venv", "--without-pip", tmp_path / "env")
    assert tools.output(tmp_path / "env" / "bin" / "python", "-c", code) == plain[1]


# ---- variants that cannot be run ----


def next_best(v3: Path, reason: str) -> None:
    """v2 is run, and `fullspeed hwcaps exec` and `status` know why."""
    app = v3.with_name("app")
    assert tools.output(app, **V3) == "v2"
    assert tools.output(tools.TOOL, "exec", app, "app", **V3) == "v2"
    made = tools.run(tools.TOOL, "which", app, **V3)
    assert made.stdout.decode() == str(beside(app, "x86-64-v2"))
    assert f"{v3.name}: {reason}".encode() in made.stderr


def test_missing(v3: Path) -> None:
    v3.unlink()
    assert tools.output(v3.with_name("app"), **V3) == "v2"


def test_truncated(v3: Path) -> None:
    """At any length: the kernel itself would end the process."""
    whole = v3.read_bytes()
    needed = max(
        int.from_bytes(whole[at + 8 : at + 16], "little")
        + int.from_bytes(whole[at + 32 : at + 40], "little")
        for at in range(64, 64 + 56 * whole[56], 56)
        if whole[at : at + 4] == b"\1\0\0\0"  # PT_LOAD
    )
    for length in (0, 1, 16, 63, 64, 100, 700, 4096, needed // 2, needed - 1):
        v3.write_bytes(whole[:length])
        assert tools.output(v3.with_name("app"), **V3) == "v2", length
    next_best(v3, "truncated")


@pytest.mark.parametrize(
    ("at", "value", "reason"),
    [
        (0, b"\x7fELG", "not an ELF file"),
        (4, b"\1", "built for another architecture"),  # 32 bits
        (5, b"\2", "built for another architecture"),  # big endian
        (18, b"\xb7\0", "built for another architecture"),  # AArch64
        (16, b"\1\0", "not an executable"),  # an object file
        (54, b"\0\0", "its program headers are damaged"),
        (56, b"\xff\xff", "its program headers are damaged"),
        (32, b"\xff" * 8, "truncated"),  # where program headers are
    ],
)
def test_damaged(v3: Path, at: int, value: bytes, reason: str) -> None:
    data = bytearray(v3.read_bytes())
    data[at : at + len(value)] = value
    v3.write_bytes(data)
    next_best(v3, reason)


def test_what_the_kernel_refuses(v3: Path) -> None:
    """Only execve itself finds out: no loader, no right to execute."""
    data = v3.read_bytes()
    v3.write_bytes(data.replace(b"/lib64/ld-linux-x86-64.so.2", b"/lib64/ld-nowhere-x86-64.so"))
    assert tools.output(v3.with_name("app"), **V3) == "v2"
    v3.write_bytes(data)
    v3.chmod(0o644)
    assert tools.output(v3.with_name("app"), **V3) == "v2"


def test_not_a_file(v3: Path) -> None:
    v3.unlink()
    v3.mkdir()
    next_best(v3, "not a file")
    v3.rmdir()
    os.mkfifo(v3)  # opening it would wait for ever
    next_best(v3, "not a file")


def test_link(v3: Path) -> None:
    v3.rename(v3.with_name("else"))
    v3.symlink_to("else")
    next_best(v3, "a link")


def test_of_somebody_else(v3: Path) -> None:
    v3.chmod(0o757)
    next_best(v3, "everybody may change it")
    v3.chmod(0o4755)
    next_best(v3, "it is setuid or setgid")
    v3.chmod(0o755)
    if os.getuid() == 0:
        os.chown(v3, 12345, 12345)
        next_best(v3, "it belongs to somebody else")


def test_nothing_left(installed: Path) -> None:
    for path in installed.parent.iterdir():
        if path != installed:
            path.unlink()
    made = tools.run(installed)
    assert (made.returncode, made.stdout) == (126, b"")
    said = made.stderr.decode()
    assert f"{installed} is a stub of `fullspeed hwcaps`, and nothing beside it can be run" in said
    assert "app.baseline: missing" in said and said.count("\n") == 1


def test_copied_alone(installed: Path, tmp_path: Path) -> None:
    shutil.copy2(installed, tmp_path / "copy")
    made = tools.run(tmp_path / "copy")
    assert made.returncode == 126 and b"copy.baseline: missing" in made.stderr


def test_replaced_while_it_starts(installed: Path, tmp_path: Path) -> None:
    """The stub's file is gone when it asks where it lies: what is there now is run."""
    script = (
        "import os, sys\n"
        "app = sys.argv[1]\n"
        "file = os.open(app, os.O_RDONLY)\n"
        "os.rename(app + '.baseline', app)\n"
        "os.execve(file, ['app'], {})\n"
    )
    made = tools.run(sys.executable, "-c", script, installed)
    assert (made.returncode, made.stdout) == (0, b"baseline"), made.stderr


def test_name_that_looks_deleted(programs: Path, tmp_path: Path, best: int) -> None:
    app = tmp_path / "app (deleted)"
    shutil.copy2(programs / "baseline", app)
    tools.done("install", app, f"--variant=v2={programs / 'v2'}")
    assert tools.output(app) == name_of(min(best, 2))


def test_without_proc(tmp_path: Path, best: int) -> None:
    """In a root folder that has nothing but the program."""
    if os.getuid() != 0:
        pytest.skip("only root can change its root folder")
    (tmp_path / "root").mkdir()
    app = tools.compile_program(tmp_path / "root" / "app", "baseline", "-static")
    tools.compile_program(tmp_path / "v2", "v2", "-static")
    tools.done("install", app, f"--variant=v2={tmp_path / 'v2'}")
    for word in ("/app", "./app"):
        made = subprocess.run(
            [word], executable=word, env={}, capture_output=True,
            preexec_fn=lambda: (os.chroot(app.parent), os.chdir("/")),
        )  # fmt: skip
        assert made.stdout.decode() == name_of(min(best, 2)), made.stderr


def test_fuzz_variants(v3: Path, checked: tools.Checked) -> None:
    """Any bytes may stand in a variant: the choice is the same under sanitizers, and v2 is run when
    it is not v3."""
    app, whole, drawn = v3.with_name("app"), v3.read_bytes(), random.Random(1)
    seen = set()
    for _ in range(200):
        data = bytearray(whole)
        for _ in range(drawn.randrange(1, 5)):
            at = drawn.randrange(0, 900)
            data[at : at + 8] = drawn.choice([drawn.randbytes(8), b"\xff" * 8, bytes(8)])
        v3.write_bytes(data[: drawn.choice([len(data), drawn.randrange(len(data))])])
        made = [tools.run(tool, "which", app, **V3) for tool in (checked.tool, tools.TOOL)]
        assert made[0].stdout == made[1].stdout and made[0].stderr == made[1].stderr, made
        seen.add(made[0].stderr)
        if not made[0].stdout.endswith(b"v3"):
            assert tools.output(app, **V3) == "v2"
    assert len(seen) > 4, seen


def test_our_library_is_as_the_real_one(installed: Path, checked: tools.Checked) -> None:
    """Strings, formats, environment: the tool says the same with our few functions and with it."""
    drawn = random.Random(2)
    words = ["X86_V3", "avx2", "SSE4_2", "nonsense", "", " ", "\t", ",,", "AVX512F" * 20, "é", "-",
             "x" * 3000, "%s%n%u", "BMI", "\udcff", "SSE2", "X86_V9"]  # fmt: skip
    names = ["FULLSPEED_DISABLE_CPU_FEATURES", "FULLSPEED_ENABLE_CPU_FEATURES", "GLIBC_TUNABLES",
             "FULLSPEED_HWCAPS", "FULLSPEED_HWCAP", "FULLSPEED_HWCAPSX"]  # fmt: skip
    seen = set()
    for _ in range(200):
        value = drawn.choice([", ", ",", " "]).join(drawn.choices(words, k=drawn.randrange(4)))
        tunables = f"glibc.cpu.hwcaps=-{value},-AVX2:glibc.cpu.hwcaps={value}:"
        name = drawn.choice(names)
        variables = {name: tunables if name == "GLIBC_TUNABLES" else value}
        for arguments in (["state"], ["which", installed]):
            made = [tools.run(tool, *arguments, **variables)
                    for tool in (checked.tool, tools.TOOL)]  # fmt: skip
            ours, real = [(one.returncode, one.stdout, one.stderr) for one in made]
            assert ours == real, variables
            seen.add(real)
    assert len(seen) > 20


# ---- more rights than the user ----


@pytest.fixture
def nobody(tmp_path: Path) -> dict[str, int]:
    """Options of subprocess for a user without rights, who can come into the folder."""
    if os.getuid() != 0:
        pytest.skip("only root can become somebody else")
    for folder in (tmp_path, *tmp_path.parents[:2]):  # pytest's are for their owner only
        folder.chmod(0o755)
    return {"user": 65534, "group": 65534, "extra_groups": []}


def test_made_setuid(installed: Path, nobody: dict[str, int]) -> None:
    """Afterwards, by somebody: it runs nothing, under no name."""
    installed.chmod(0o4755)
    made = subprocess.run([installed], capture_output=True, **nobody)
    if made.returncode == 0:
        pytest.skip("the file system does not let programs be setuid")
    assert made.returncode == 126 and b"was made setuid" in made.stderr
    # Not from another folder either, by a second name.
    other = installed.parent.parent / "theirs"
    other.mkdir()
    os.link(installed, other / "app")
    shutil.copy2(beside(installed, "baseline"), other / "app.baseline")
    assert subprocess.run([other / "app"], capture_output=True, **nobody).returncode == 126


def test_called_by_a_setuid_program(installed: Path, nobody: dict[str, int], best: int) -> None:
    """The environment chooses nothing, and the program is run."""
    source = installed.parent / "caller.c"
    source.write_text("#include <unistd.h>\n"
                      "int main(int c, char **v) { (void)c; execv(v[1], v + 1); return 99; }\n")
    caller = tools.compile_program(installed.parent / "caller", "-", source=str(source))
    os.chown(caller, 1, 1)
    caller.chmod(0o4755)
    made = subprocess.run([caller, installed], capture_output=True,
                          env={"FULLSPEED_HWCAPS": "0"}, **nobody)  # fmt: skip
    if made.stdout == b"baseline":
        pytest.skip("the file system does not let programs be setuid")
    assert made.stdout.decode() == name_of(min(best, 3)), made.stderr


# ---- the file itself ----


def test_size_and_kind() -> None:
    """Static, small, no writable code, nothing for the loader to do."""
    size = tools.STUB.stat().st_size
    assert size < LIMIT, size
    from elftools.elf.elffile import ELFFile

    for path in (tools.STUB, tools.TOOL):
        with path.open("rb") as file:
            parts = list(ELFFile(file).iter_segments())
            kinds = {part["p_type"] for part in parts}
            assert "PT_INTERP" not in kinds and "PT_DYNAMIC" not in kinds
            assert all(part["p_flags"] & 3 != 3 for part in parts), "writable code"
            (stack,) = [part for part in parts if part["p_type"] == "PT_GNU_STACK"]
            assert stack["p_flags"] & 1 == 0


def test_audit() -> None:
    """No instruction that not every x86-64 processor has."""
    for path in (tools.STUB, tools.TOOL):
        library = elf.read(path.read_bytes(), path.name, with_code=True)
        assert library.code
        assert audit.findings(library, "x86-64-v1") == []


def test_memory(installed: Path) -> None:
    """The stub runs where there is hardly any memory."""
    made = subprocess.run(
        [tools.TOOL, "state"], capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 20, 1 << 20)),
    )  # fmt: skip
    assert made.returncode == 0 and made.stdout.startswith(b"level ")
