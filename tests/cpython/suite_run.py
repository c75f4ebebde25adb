"""Runs files of CPython's regression suite, each in a process of its own.

How it works: one ``python -m test`` per file writes a JUnit file, from which the outcome of
every test case is read. The result is one JSON document per file, kept in a folder that is
named by the engine's digest; a run that was broken off goes on where it stopped.

What must stay true: a file that crashes or hangs has a result too (``crashed``, ``timeout``)
with the end of its output, which holds the stack dump of faulthandler.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ET
from dataclasses import asdict, dataclass, field
from pathlib import Path

from suite_env import SuiteEnv, clean_environ

# What a test machine without network, display and 6 GB of spare disk per job can serve.
RESOURCES = "all,-network,-urlfetch,-gui,-audio,-largefile"
KEPT_LINES = 150
# Cases that hang on machines where stock itself cannot serve them, with the reason.
IGNORED_CASES = {
    "test.test_socket.ThreadedVSOCKSocketStreamTest.*": (
        "virtual sockets that accept and never answer"
    ),
}


@dataclass
class FileResult:
    """What one test file did."""

    name: str
    status: str  # passed, failed, skipped, crashed, timeout, env-changed
    seconds: float
    returncode: int
    cases: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    output: str = ""

    @classmethod
    def load(cls, path: Path) -> FileResult:
        """Read a result that `save` wrote."""
        return cls(**json.loads(path.read_text()))

    def save(self, path: Path) -> None:
        """Write the result so that a reader never sees half of it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(asdict(self), indent=1))
        part.replace(path)


def list_tests(env: SuiteEnv) -> list[str]:
    """Return the names of all files of the suite, as regrtest finds them."""
    done = subprocess.run(
        [env.python, "-m", "test", "--list-tests"],
        capture_output=True,
        text=True,
        check=True,
        env=clean_environ(),
        cwd="/",
    )
    return done.stdout.split()


def read_cases(xml: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return outcome and message per case id from a JUnit file of regrtest."""
    cases: dict[str, str] = {}
    messages: dict[str, str] = {}
    try:
        root = ET.parse(xml).getroot()
    except (OSError, ET.ParseError):
        return cases, messages
    for case in root.iter("testcase"):
        name = case.get("name")
        if name is None:  # a case whose sub-tests failed has no outcome of its own
            continue
        outcome = "passed"
        for tag in ("error", "failure", "skipped"):
            found = case.find(tag)
            if found is not None:
                outcome = tag
                messages[name] = (found.text or "")[-3000:]
        if cases.get(name) not in ("error", "failure"):
            cases[name] = outcome
    return cases, messages


def judge(returncode: int, timed_out: bool, output: str, cases: dict[str, str]) -> str:
    """Name the outcome of a whole file."""
    if timed_out or re.search(r"^Timeout \(\d+:\d\d:\d\d\)!", output, re.MULTILINE):
        return "timeout"
    if returncode < 0 or returncode > 3 or "Fatal Python error" in output and returncode:
        return "crashed"
    if returncode in (0, 3):
        if not cases and "test skipped" in output:
            return "skipped"
        return "passed" if returncode == 0 else "env-changed"
    return "failed"


def run_file(env: SuiteEnv, name: str, timeout: float, extra: list[str]) -> FileResult:
    """Run one file of the suite under `env`."""
    scratch = Path(tempfile.mkdtemp(prefix="fsc-"))
    xml = scratch / "out.xml"
    command = [
        str(env.python),
        "-m",
        "test",
        f"-u{RESOURCES}",
        "--junit-xml",
        str(xml),
        "--tempdir",
        str(scratch),
        "--timeout",
        str(timeout),
        "-v",
        *(word for case in IGNORED_CASES for word in ("--ignore", case)),
        *extra,
        name,
    ]
    log = scratch / "log"
    begun = time.monotonic()
    timed_out = False
    environ = clean_environ() | {"TMPDIR": str(scratch)}
    with log.open("wb") as stream:
        child = subprocess.Popen(
            command,
            env=environ,
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            child.wait(timeout + 30)
        except subprocess.TimeoutExpired:
            timed_out = True
        finally:
            kill_group(child)
    seconds = time.monotonic() - begun
    output = log.read_bytes().decode("utf-8", "replace")
    cases, messages = read_cases(xml)
    status = judge(child.returncode, timed_out, output, cases)
    if status not in ("passed", "skipped") and not cases:
        cases = cases_from_log(output)
    shutil.rmtree(scratch, ignore_errors=True)
    kept = "\n".join(output.splitlines()[-KEPT_LINES:])
    return FileResult(name, status, seconds, child.returncode, cases, messages, kept)


def cases_from_log(output: str) -> dict[str, str]:
    """Recover outcomes from the verbose log of a process that wrote no JUnit file."""
    cases: dict[str, str] = {}
    words = {"ok": "passed", "FAIL": "failure", "ERROR": "error", "skipped": "skipped"}
    for line in output.splitlines():
        head, mark, tail = line.rpartition(" ... ")
        if mark and "(" in head and tail.split(" ")[0] in words:
            case = head[head.index("(") + 1 :].rstrip(")")
            cases[case] = words[tail.split(" ")[0]]
    return cases


def kill_group(child: subprocess.Popen[bytes]) -> None:
    """End the process and what it left behind in its own session."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait()
