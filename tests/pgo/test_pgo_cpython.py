"""`fullspeed pgo python`, with a source tree that has CPython's makefile targets and one C file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pgo_tools as tools
import pytest

CONFIGURE = """\
#!/bin/sh
here=$(dirname "$0")
for word in "$@"; do
    case "$word" in --prefix=*) prefix=${word#--prefix=};; --fail) exit 3;; esac
done
sed -e "s,@prefix@,$prefix,; s,@srcdir@,$here,; s,@CC@,$CC,; s,@NODIST@,$CFLAGS_NODIST," \\
    "$here/Makefile.in" > Makefile
echo "$@" > config-args
"""
# What the real one does, in the same order, with the same names.
MAKEFILE = """\
CC = @CC@
CFLAGS_NODIST = @NODIST@
PROFILE_TASK = -m test --pgo
all: profile-opt
build_all: python
python: prog.o
\t$(CC) $(CFLAGS_NODIST) -o $@ prog.o
prog.o: @srcdir@/prog.c
\t$(CC) -O2 $(CFLAGS_NODIST) -c -o $@ @srcdir@/prog.c
profile-gen-stamp:
\t$(MAKE) build_all CFLAGS_NODIST="$(CFLAGS_NODIST) -fprofile-generate"
\ttouch $@
profile-run-stamp:
\t$(MAKE) profile-gen-stamp
\t./python $(PROFILE_TASK) || true
\t./python $(PROFILE_TASK)
\trm -f *.o python
\ttouch $@
profile-opt: profile-run-stamp
\t$(MAKE) build_all CFLAGS_NODIST="$(CFLAGS_NODIST) -fprofile-use -fprofile-correction"
install:
\tmkdir -p $(DESTDIR)@prefix@/bin
\tcp python $(DESTDIR)@prefix@/bin/python3.99
\tln -s python3.99 $(DESTDIR)@prefix@/bin/python3
\tcp config-args $(DESTDIR)@prefix@/
"""
# Becomes the real python, so that it can run anything; says at which level it was compiled.
PROGRAM = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
volatile long sum;
int main(int argc, char **argv)
{
#ifdef __AVX2__
    setenv("FAKE_LEVEL", "v3", 1);
#elif defined(__SSE4_2__)
    setenv("FAKE_LEVEL", "v2", 1);
#endif
    for (int i = 0; i < 1000; i++)
        sum += i * argc;
    pid_t child = fork();
    if (child == 0) {
        argv[0] = "@python@";
        execv(argv[0], argv);
        _exit(126);
    }
    int status;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "src"
    (folder / "Include").mkdir(parents=True)
    (folder / "Include" / "patchlevel.h").write_text('#define PY_VERSION  "3.99.1"\n')
    (folder / "configure").write_text(CONFIGURE)
    (folder / "configure").chmod(0o755)
    (folder / "Makefile.in").write_text(MAKEFILE)
    (folder / "prog.c").write_text(PROGRAM.replace("@python@", sys.executable))
    return folder


def build(source: Path, train: str, *more: str):
    prefix = source.parent / "opt"
    return tools.pgo("python", source, "--train", train, "--prefix", prefix,
                     "--dir", source.parent / "w", *more)  # fmt: skip


def test_levels(source: Path) -> None:
    out = source.parent / "trained"
    before = sorted(path.name for path in source.iterdir())
    train = f"python -c \"import os; open('{out}', 'a').write(os.environ['FAKE_LEVEL'] + ' ')\""
    done = build(source, train, "--levels=v2,v3", "--configure=--with-x='a b'")
    assert done.returncode == 0, done.stderr
    prefix = source.parent / "opt"
    assert done.stdout == f"{prefix}/x86-64-v2\n{prefix}/x86-64-v3\n"
    assert out.read_text() == "v2 v3 "  # once each, although the makefile runs its task twice
    for level in ("v2", "v3"):
        target = prefix / f"x86-64-{level}"
        code = "import os; print(os.environ['FAKE_LEVEL'])"
        ran = subprocess.run(
            [target / "bin" / "python3", "-c", code], capture_output=True, text=True
        )
        assert ran.stdout.strip() == level
        facts = json.loads((target / "fullspeed-pgo.json").read_text())
        assert facts["object files"] == 1 and facts["object files without a profile"] == []
        words = (target / "config-args").read_text()
        assert words == f"--prefix={target} --enable-optimizations --with-lto --with-x=a b\n"
        assert b"gcda" not in (target / "bin" / "python3.99").read_bytes()
    assert sorted(path.name for path in source.iterdir()) == before
    assert list((source.parent / "w").glob("python-*")) == []
    assert sorted(path.name for path in prefix.iterdir()) == ["x86-64-v2", "x86-64-v3"]


def test_failures_leave_what_is_there(source: Path) -> None:
    assert build(source, "python -c pass", "--levels=v2").returncode == 0
    target = source.parent / "opt" / "x86-64-v2"
    before = (target / "bin" / "python3.99").read_bytes()
    for train, more, sentence in (
        ("python -c 'raise SystemExit(9)'", [], "the command failed (exit code 9): python -c"),
        ("no-such-thing", [], "No such file or directory: 'no-such-thing'): no-such-thing"),
        ("python -c pass", ["--configure=--fail"], "configure --prefix="),
    ):
        done = build(source, train, "--levels=v2", *more)
        assert (done.returncode, done.stdout) == (1, "") and sentence in done.stderr, done.stderr
        assert (target / "bin" / "python3.99").read_bytes() == before
    (source / "prog.c").write_text("int main(void) { wrong }\n")
    done = build(source, "python -c pass", "--levels=v2")
    assert done.returncode == 1 and "make -j1 failed" in done.stderr and "prog.c" in done.stderr
    (source / "Makefile.in").write_text(MAKEFILE.replace("./python $(PROFILE_TASK)", "true"))
    (source / "prog.c").write_text("int main(void) { return 0; }\n")
    done = build(source, "python -c pass", "--levels=v2")
    assert done.returncode == 1 and "did not run its PROFILE_TASK" in done.stderr
    assert os.listdir(target.parent) == ["x86-64-v2"]


def test_refused(source: Path, tmp_path: Path) -> None:
    cases = [
        ([tmp_path / "none"], 1, "is no source tree of CPython: it has no configure"),
        ([source, "--levels=v9"], 2, "--levels names 'v9'"),
        ([source, "--jobs=0"], 2, "--jobs wants a number from 1"),
    ]
    for arguments, code, sentence in cases:
        done = tools.pgo("python", *arguments, "--train", "x", "--prefix", tmp_path / "o")
        assert (done.returncode, done.stdout) == (code, "") and sentence in done.stderr
    foreign = tmp_path / "opt" / "x86-64-v2"
    foreign.mkdir(parents=True)
    done = build(source, "python -c pass", "--levels=v2")
    assert done.returncode == 1 and "was not made by this command" in done.stderr
    shutil.rmtree(foreign)
    arguments = [source, "--train", "python -c pass", "--levels=v3", "--prefix", tmp_path / "opt"]
    done = tools.pgo("python", *arguments, FULLSPEED_DISABLE_CPU_FEATURES="X86_V3")
    assert done.returncode == 1 and "a training at x86-64-v3 cannot run here" in done.stderr
    (source / "pyconfig.h").write_text("")
    done = build(source, "python -c pass", "--levels=v2")
    assert done.returncode == 1 and "has been built in: run `make distclean`" in done.stderr
