"""Generates the interpreter's C from the op definitions in src/ops/*.ops.

One definition per op gives: the handler for the tail-calling build, the same
body as a label for the computed-goto build, both dispatch tables, and the
metadata (name, length, family, stack effect, what it can do).

A definition is

    KIND NAME [: WHOLE [PART ...]] (inputs -- outputs) [property, ...]
    {
        C body, in the vocabulary of src/interp/interp_macros.h
    }

KIND   op      an opcode of CPython; its cache length comes from CPython
       spec    a specialised form of the one op named after the colon
       super   stands in the first slot of the ops named, does all of them
       pseudo  never translated from CPython: error paths, continuations
Properties: escapes (can run arbitrary Python), raises, calls (can push a
frame), jumps, leaves (can end the activation), adaptive (tries to specialise),
cold (not a fast path: exempt from the check of the generated code), if_true
and back (which way a conditional jump goes).

`%for A B in x:y z:w` ... `%end` repeats definitions with $A and $B replaced.

Usage: opgen.py OUTDIR HOT.txt FILE.ops...   (HOT.txt: names of ops, the most used first)
"""

from __future__ import annotations

import dataclasses
import opcode
import pathlib
import re
import sys

HEAD = re.compile(
    r"^(?P<kind>op|spec|super|pseudo)\s+(?P<name>\w+)"
    r"(?:\s*:\s*(?P<parts>\w+(?:\s+\w+)*))?"
    r"\s*\((?P<effect>[^)]*)\)\s*(?P<props>[\w ,]*)$"
)
PROPERTIES = (
    "escapes",
    "raises",
    "calls",
    "jumps",
    "leaves",
    "adaptive",
    "cold",
    "if_true",
    "back",
)


@dataclasses.dataclass
class Op:
    """One definition: where it stands, how long it is, what it does."""

    kind: str
    name: str
    parts: list[str]
    effect: str
    props: list[str]
    body: str
    path: str
    line: int
    length: int = 0


def cpython_length(name: str) -> int:
    """Slots of a CPython op: itself and its inline cache."""
    return 1 + opcode._inline_cache_entries[opcode.opmap[name]]


def expand(lines: list[tuple[int, str]], path: pathlib.Path) -> list[tuple[int, str]]:
    """Expands `%for VAR... in VALUE[:VALUE]... ` to `%end`, which nest; keeps line numbers."""
    out: list[tuple[int, str]] = []
    i = 0
    while i < len(lines):
        number, text = lines[i]
        if not text.startswith("%for "):
            if text.startswith("%"):
                raise SystemExit(f"{path}:{number}: {text!r} without %for")
            out.append(lines[i])
            i += 1
            continue
        depth, end = 1, i + 1
        while end < len(lines):
            depth += lines[end][1].startswith("%for ") - (lines[end][1] == "%end")
            if depth == 0:
                break
            end += 1
        else:
            raise SystemExit(f"{path}:{number}: %for without %end")
        names, _, rows = text[5:].partition(" in ")
        for row in rows.split():
            values = row.split(":")
            pairs = sorted(zip(names.split(), values, strict=True), key=lambda p: -len(p[0]))
            body = lines[i + 1 : end]
            for name, value in pairs:
                body = [(n, t.replace("$" + name, value)) for n, t in body]
            out += expand(body, path)
        i = end + 1
    return out


def parse(path: pathlib.Path) -> list[Op]:
    """Reads the definitions of one file; raises SystemExit with file and line on bad input."""
    ops: list[Op] = []
    numbered = expand(list(enumerate(path.read_text().splitlines(), 1)), path)
    lines = [text for _, text in numbered]
    i = 0
    while i < len(lines):
        text = lines[i]
        if not text.strip() or text.startswith(("//", "/*", " *")):
            i += 1
            continue
        match = HEAD.match(text)
        if match is None or i + 1 >= len(lines) or lines[i + 1] != "{":
            raise SystemExit(f"{path}:{numbered[i][0]}: not an op definition: {text!r}")
        end = i + 2
        while end < len(lines) and lines[end] != "}":
            end += 1
        if end == len(lines):
            raise SystemExit(f"{path}:{numbered[i][0]}: no closing brace in column 0")
        props = [p.strip() for p in match["props"].split(",") if p.strip()]
        for prop in props:
            if prop not in PROPERTIES:
                raise SystemExit(f"{path}:{numbered[i][0]}: unknown property {prop!r}")
        ops.append(
            Op(
                match["kind"],
                match["name"],
                (match["parts"] or "").split(),
                match["effect"],
                props,
                "\n".join(lines[i + 2 : end]),
                str(path),
                numbered[i][0] + 2,
            )
        )
        i = end + 1
    return ops


def check(ops: list[Op]) -> None:
    """Gives every op its length; refuses doubles, unknown parts, missing opcodes."""
    by_name: dict[str, Op] = {}
    for op in ops:
        if op.name in by_name:
            raise SystemExit(f"{op.path}:{op.line}: {op.name} is defined twice")
        by_name[op.name] = op
    for op in ops:
        if op.kind == "op":
            if op.name not in opcode.opmap:
                raise SystemExit(f"{op.path}:{op.line}: {op.name} is no opcode of this CPython")
            op.length = cpython_length(op.name)
    for op in ops:
        if op.kind == "super":
            for part in op.parts:
                if part not in opcode.opmap:
                    raise SystemExit(f"{op.path}:{op.line}: {part} is no opcode")
            op.length = sum(cpython_length(part) for part in op.parts)
    for op in ops:
        if op.kind == "spec":
            if len(op.parts) != 1 or by_name.get(op.parts[0], op).kind not in ("op", "super"):
                raise SystemExit(f"{op.path}:{op.line}: {op.name} needs one op or super it is of")
            op.length = by_name[op.parts[0]].length
    missing = [n for n in opcode.opmap if n not in by_name]
    if missing:
        raise SystemExit(f"opcodes without a definition: {', '.join(sorted(missing))}")


def emit(ops: list[Op], out: pathlib.Path) -> None:
    """Writes the generated files."""
    enum = ["/* Generated by tools/opgen from src/ops. */", "enum fs_opcode {"]
    enum += [f"    FS_OP_{op.name}," for op in ops]
    enum += ["    FS_OP_COUNT", "};"]
    (out / "ops_enum_gen.h").write_text("\n".join(enum) + "\n")

    meta = ["/* Generated by tools/opgen from src/ops. */"]
    meta += ["const fs_op_meta fs_ops[FS_OP_COUNT] = {"]
    for op in ops:
        flags = " | ".join(f"FS_OPF_{p.upper()}" for p in op.props) or "0"
        base = op.parts[0] if op.kind == "spec" else op.name
        meta.append(
            f'    [FS_OP_{op.name}] = {{"{op.name}", "{op.effect.strip()}", {op.length}, {flags}, '
            f"FS_OP_{base}, FS_OPK_{op.kind.upper()}}},"
        )
    meta += ["};", "const uint16_t fs_op_of_cpython[256] = {"]
    meta += [
        f"    [{opcode.opmap[op.name]}] = FS_OP_{op.name} + 1," for op in ops if op.kind == "op"
    ]
    meta += ["};", ""]
    (out / "ops_meta_gen.inc").write_text("\n".join(meta))

    tail, goto = [], []
    for op in ops:
        head = f"    enum {{ OPLEN FS_UNUSED = {op.length} }};\n"
        head += f'#line {op.line} "{op.path}"\n{op.body}\n'
        attr = "FS_COLD" if "cold" in op.props else "FS_NOINLINE"
        tail.append(f"{attr} static FS_CC PyObject *fs_op_{op.name}(FS_PARAMS)\n{{\n{head}}}\n")
        goto.append(f"L_{op.name}: {{\n{head}}}\n")
    protos = [f"static FS_CC PyObject *fs_op_{op.name}(FS_PARAMS);" for op in ops]
    table = [f"    [FS_OP_{op.name}] = {{fs_op_{op.name}}}," for op in ops]
    (out / "ops_tail_protos_gen.inc").write_text("\n".join(protos) + "\n")
    (out / "ops_tail_gen.inc").write_text("\n".join(tail))
    (out / "ops_tail_table_gen.inc").write_text("\n".join(table) + "\n")
    (out / "ops_goto_gen.inc").write_text("\n".join(goto))
    (out / "ops_goto_table_gen.inc").write_text(
        "\n".join(f"    [FS_OP_{op.name}] = {{&&L_{op.name}}}," for op in ops) + "\n"
    )


def by_heat(ops: list[Op], path: pathlib.Path) -> list[Op]:
    """Orders the ops: number 0, then the hot ones that the file names, then the others."""
    lines = path.read_text().splitlines()
    hot = [line for line in lines if line and not line.startswith("#")]
    unknown = set(hot) - {op.name for op in ops}
    if unknown:
        raise SystemExit(f"{path}: no such ops: {', '.join(sorted(unknown))}")
    rank = {name: number for number, name in enumerate(hot)}
    return ops[:1] + sorted(ops[1:], key=lambda op: rank.get(op.name, len(hot)))


def main() -> None:
    """Command line: OUTDIR, the list of hot ops, then the .ops files."""
    if len(sys.argv) < 4:
        raise SystemExit(__doc__)
    ops = [op for name in sys.argv[3:] for op in parse(pathlib.Path(name))]
    check(ops)
    emit(by_heat(ops, pathlib.Path(sys.argv[2])), pathlib.Path(sys.argv[1]))


if __name__ == "__main__":
    main()
