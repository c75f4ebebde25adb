"""Checks the machine code of the tail-calling interpreter's op handlers.

A handler is a function called fs_op_*. Its fast path is every way through it, from its
first instruction to an indirect jump (the dispatch of the next op), on which it calls
nothing. On a fast path a handler may not touch the stack: a push there means that the
compiler saves registers for a slow part that the usual run never reaches, and costs as
much as the op itself. And a handler goes on to the next op by a jump only: never by a
call through the dispatch table, and never by returning, unless it ends the run.

How it works: objdump's disassembly is read into a list of instructions per handler, and
the ways through it are followed from the entry. Exceptions stand in
handlers_exceptions.toml, each with its reason; an exception that is no longer needed is
an error, too.

    tools/check_handlers.py                 the engine that is installed in .venv
    tools/check_handlers.py path/to/_engine.so [--verbose]
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXCEPTIONS = Path(__file__).resolve().parent / "handlers_exceptions.toml"
HEADER = re.compile(r"^[0-9a-f]+ <(\S+)>:$")
LINE = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")
TARGET = re.compile(r"^([0-9a-f]+) <")
PREFIXES = {"notrack", "bnd", "rep", "repz", "lock", "data16", "cs"}
RULES = ("push", "return", "call-dispatch", "no-dispatch")


@dataclass(frozen=True)
class Instruction:
    """One machine instruction."""

    address: int
    name: str
    operands: str

    @property
    def target(self) -> int | None:
        """The address that a direct jump goes to."""
        found = TARGET.match(self.operands)
        return int(found[1], 16) if found else None

    @property
    def touches_stack(self) -> bool:
        """Whether it makes room on the stack."""
        return self.name.startswith("push") or (
            self.name.startswith("sub") and self.operands.endswith(",%rsp")
        )

    @property
    def is_indirect(self) -> bool:
        """Whether its target comes from a register or from memory."""
        return self.operands.startswith("*")


@dataclass
class Finding:
    """A handler that breaks a rule."""

    handler: str
    rule: str
    detail: str


def disassemble(library: Path) -> dict[str, list[Instruction]]:
    """All handlers of a shared library and their instructions."""
    done = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", "-w", "-M", "att", str(library)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    handlers: dict[str, list[Instruction]] = {}
    current: list[Instruction] | None = None
    for line in done.stdout.splitlines():
        header = HEADER.match(line)
        if header:
            name = header[1]
            is_handler = re.fullmatch(r"fs_op_[A-Z][A-Z0-9_]*(\.\w+)*", name)
            current = handlers.setdefault(name, []) if is_handler else None
            continue
        found = LINE.match(line) if current is not None else None
        if found and current is not None:
            name, operands = found[2], found[3].partition("#")[0].strip()
            while name in PREFIXES and operands:
                name, _, operands = operands.partition(" ")
                operands = operands.strip()
            current.append(Instruction(int(found[1], 16), name, operands))
    return handlers


def fast_path_with_push(code: list[Instruction]) -> Instruction | None:
    """The stack instruction of a call-free way to the dispatch, None if there is none."""
    index_of = {instruction.address: index for index, instruction in enumerate(code)}
    work: list[tuple[int, Instruction | None]] = [(0, None)]
    seen: set[tuple[int, bool]] = set()
    while work:
        index, pushed = work.pop()
        while index < len(code) and (index, pushed is not None) not in seen:
            seen.add((index, pushed is not None))
            instruction = code[index]
            name = instruction.name
            if name.startswith(("call", "ret", "ud2")):
                break
            if name == "jmp":
                if instruction.is_indirect:
                    if pushed is not None:
                        return pushed
                    break
                target = index_of.get(instruction.target or -1)
                if target is None:
                    break
                index = target
                continue
            if name.startswith("j"):
                target = index_of.get(instruction.target or -1)
                if target is not None:
                    work.append((target, pushed))
            elif instruction.touches_stack and pushed is None:
                pushed = instruction
            index += 1
    return None


def check_handler(name: str, code: list[Instruction]) -> list[Finding]:
    """Everything that is wrong with one handler."""
    findings = []
    push = fast_path_with_push(code)
    if push is not None:
        text = f"{push.name} {push.operands} at {push.address:#x} on a fast path"
        findings.append(Finding(name, "push", text))
    inside = {instruction.address for instruction in code}
    leaves = False
    for instruction in code:
        at = f"at {instruction.address:#x}"
        if instruction.name.startswith("ret"):
            findings.append(Finding(name, "return", f"returns {at}"))
        if instruction.name.startswith("call") and re.match(r"\*.*,8\)$", instruction.operands):
            findings.append(Finding(name, "call-dispatch", f"{instruction.operands} {at}"))
        if instruction.name == "jmp" and instruction.target not in inside:
            leaves = True
    if not leaves and not any(f.rule == "return" for f in findings):
        findings.append(Finding(name, "no-dispatch", "there is no jump out of it"))
    return findings


def load_exceptions() -> dict[tuple[str, str], str]:
    """The exceptions: (handler, rule) -> reason."""
    if not EXCEPTIONS.exists():
        return {}
    exceptions = {}
    for rule, entries in tomllib.loads(EXCEPTIONS.read_text()).items():
        if rule not in RULES:
            sys.exit(f"{EXCEPTIONS.name}: unknown rule {rule}; allowed: {', '.join(RULES)}")
        for handler, reason in entries.items():
            if not reason.strip():
                sys.exit(f"{EXCEPTIONS.name}: {rule}.{handler} has no reason")
            exceptions[f"fs_op_{handler}", rule] = reason
    return exceptions


def installed_engine() -> Path:
    """The engine that the project's environment would import."""
    code = "import fullspeed._engine as e; print(e.__file__)"
    python = ROOT / ".venv" / "bin" / "python"
    done = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, cwd="/")
    if done.returncode:
        sys.exit("check_handlers: fullspeed is not installed in .venv: run `make setup`")
    return Path(done.stdout.strip())


def main() -> int:
    """Check one library; the exit code is 1 when a handler breaks a rule."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("library", nargs="?", type=Path, help="default: the installed engine")
    parser.add_argument("--verbose", action="store_true", help="show the exceptions, too")
    arguments = parser.parse_args()
    library = arguments.library or installed_engine()
    handlers = disassemble(library)
    if not handlers:
        print(f"check_handlers: {library} has no handlers: not the tail-calling interpreter, "
              "or its symbols were stripped")  # fmt: skip
        return 1
    exceptions, used, bad = load_exceptions(), set(), 0
    for name, code in sorted(handlers.items()):
        for finding in check_handler(name, code):
            key = (name.partition(".")[0], finding.rule)
            if key in exceptions:
                used.add(key)
                if arguments.verbose:
                    print(f"excepted: {name}: {finding.detail} ({exceptions[key]})")
                continue
            bad += 1
            print(f"{name}: {finding.rule}: {finding.detail}")
    for name, rule in sorted(exceptions.keys() - used):
        bad += 1
        print(f"{EXCEPTIONS.name}: {rule}.{name.removeprefix('fs_op_')} is needed no more")
    print(f"check_handlers: {len(handlers)} handlers, {len(used)} exceptions, {bad} problems")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
