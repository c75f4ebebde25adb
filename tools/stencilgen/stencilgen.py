"""Makes src/stencil/stencil_x86_64.h: the stencils of src/stencil, compiled, with their holes.

    stencilgen.py            write the header
    stencilgen.py --check    compare it with what clang makes now; the exit code is 1 if they differ
    stencilgen.py --digest   compare the digest of the inputs only (needs no clang)

How it works: clang-19 makes assembly of each file. In that text a jump to a block that only jumps
to a hole becomes a jump to the hole, and the jump to what follows goes from the end. The rest is
assembled; pyelftools finds each stencil's bytes, and the holes by their relocations.

What must stay true: a stencil neither calls nor touches the stack, nor any register that traces
have a fixed use for (rbx, rbp) or xmm registers but xmm0: a stencil that does is an error here.
The digest is over everything that the bytes depend on, but for CPython's headers: what a stencil
takes from those it names by LAYOUT, and the header asserts it in every build.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = ROOT / "src"
FOLDER = SOURCE / "stencil"
HEADER = FOLDER / "stencil_x86_64.h"
CLANG = "clang-19"
FLAGS = (
    "-O2", "-std=gnu17", "--target=x86_64-linux-gnu", "-fno-pic", "-mcmodel=medium",
    "-mlarge-data-threshold=0",
    "-fno-asynchronous-unwind-tables", "-fomit-frame-pointer", "-Xclang",
    "-mframe-pointer=reserved", "-ffp-contract=off", "-fno-math-errno", "-fno-stack-protector",
    "-fcf-protection=none", "-fno-jump-tables", "-mno-red-zone", "-ffreestanding",
    "-mno-implicit-float", "-fno-strict-aliasing", "-ffunction-sections", "-fdata-sections",
    "-fno-ident", "-DNDEBUG", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter",
)  # fmt: skip
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
MANGLED = "__regcall3__"  # what clang puts in front of regcall functions
JUMP = re.compile(r"^\tj(\w+)\t(\S+)$")
LABEL = re.compile(r"^(\.LBB\w+):")
FORBIDDEN = re.compile(r"\bcall|\bpush|\bpop|\bret\b|%[re]?(?:sp|bp|bx|bl)\b|%[xyz]mm(?:[1-9]|1\d)")


class StencilError(Exception):
    """A stencil that cannot be used, and why."""


@dataclass
class Hole:
    """A place in the code that is filled in."""

    at: int
    kind: str
    what: str
    addend: int


@dataclass
class Stencil:
    """The code of one op."""

    name: str
    code: bytes
    clobbers: int
    holes: list[Hole] = field(default_factory=list)


def sources() -> list[Path]:
    """The files that have stencils."""
    return sorted(FOLDER.glob("*.c"))


def inputs() -> list[Path]:
    """All of the project's files that the header is made from."""
    found = {Path(__file__).resolve()}
    todo = sources()
    while todo:
        path = todo.pop()
        if path not in found:
            found.add(path)
            todo += [SOURCE / name for name in INCLUDE.findall(path.read_text())]
    return sorted(found)


def digest() -> str:
    """Of the names and contents of all inputs."""
    total = hashlib.sha256()
    for path in inputs():
        content = path.read_bytes()
        total.update(f"{path.relative_to(ROOT)} {len(content)}\n".encode() + content)
    return total.hexdigest()


def compiler_version() -> str | None:
    """Version of the clang that makes stencils; None: it is not installed."""
    try:
        text = subprocess.run([CLANG, "--version"], capture_output=True, text=True).stdout
    except FileNotFoundError:
        return None
    found = re.search(r"version (\d+\.\d+\.\d+)", text)
    return found.group(1) if found else None


def run_clang(*arguments: str) -> None:
    """Compile, or say what is wrong."""
    done = subprocess.run([CLANG, *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise StencilError(done.stderr)


# ---- assembly text ----


def is_hole(target: str) -> bool:
    """Whether a jump's target is a hole and not a label."""
    return target.startswith(MANGLED + "fs_hole_")


def direct_jumps(lines: list[str]) -> list[str]:
    """Jumps to blocks that only jump to a hole go to the hole."""
    blocks: dict[str, str] = {}
    for number, line in enumerate(lines):
        label = LABEL.match(line)
        behind = next((x for x in lines[number + 1 :] if not x.lstrip().startswith(("#", "."))), "")
        jump = JUMP.match(strip(behind))
        if label and jump and jump[1] == "mp" and is_hole(jump[2]):
            blocks[label[1]] = jump[2]
    result = []
    for line in lines:
        jump = JUMP.match(strip(line))
        if jump and jump[2] in blocks:
            line = f"\tj{jump[1]}\t{blocks[jump[2]]}"
        result.append(line)
    return drop_unused(result, set(blocks))


def drop_unused(lines: list[str], labels: set[str]) -> list[str]:
    """Without the blocks that nothing leads to any more."""
    result: list[str] = []
    skipping = False
    for line in lines:
        label = LABEL.match(line)
        if label:
            jumped_to = any(JUMP.match(strip(x)) and x.rstrip().endswith("\t" + label[1])
                            for x in lines)  # fmt: skip
            before = next((strip(x) for x in reversed(result) if is_code(x)), "")
            falls_in = not before.startswith("\tjmp")
            skipping = label[1] in labels and not jumped_to and not falls_in
        elif not line.startswith("\t") or line.startswith("\t."):
            skipping = skipping and line.startswith("\t.p2align")
        if not skipping:
            result.append(line)
    return result


def strip(line: str) -> str:
    """Without a comment behind the instruction."""
    return re.sub(r"\s+#.*$", "", line)


def is_code(line: str) -> bool:
    """Whether the line is an instruction."""
    return line.startswith("\t") and not line.startswith(("\t.", "\t#"))


def functions(lines: list[str]) -> list[tuple[int, int]]:
    """First and last line of each stencil's body."""
    found, start = [], None
    for number, line in enumerate(lines):
        if line.startswith(f"{MANGLED}fs_stencil_") and line.split("#")[0].rstrip().endswith(":"):
            start = number
        elif line.startswith(".Lfunc_end") and start is not None:
            found.append((start, number))
            start = None
    return found


def edit(text: str) -> str:
    """The assembly as the stencils want it; an error if a stencil does what it must not."""
    lines = text.splitlines()
    for start, end in reversed(functions(lines)):
        body = direct_jumps(lines[start + 1 : end])
        code = [number for number, line in enumerate(body) if is_code(line)]
        if not code:
            raise StencilError(f"{lines[start]} is empty")
        for number in code:
            if FORBIDDEN.search(strip(body[number])):
                raise StencilError(f"{lines[start]} must not have: {body[number].strip()}")
        if strip(body[code[-1]]) == f"\tjmp\t{MANGLED}fs_hole_next":
            del body[code[-1]]
        lines[start + 1 : end] = body
    return "\n".join(lines) + "\n"


# ---- object files ----


def symbol_bytes(elf, symbol) -> bytes:
    """What stands at a symbol, as many bytes as it has."""
    section = elf.get_section(symbol["st_shndx"])
    start = symbol["st_value"]
    return section.data()[start : start + symbol["st_size"]]


def read_holes(elf, section_index: int) -> list[Hole]:
    """The relocations of a section."""
    from elftools.elf.enums import ENUM_RELOC_TYPE_x64 as types
    from elftools.elf.relocation import RelocationSection

    kinds = {
        types["R_X86_64_64"]: "ABS64",
        types["R_X86_64_PLT32"]: "REL32",
        types["R_X86_64_PC32"]: "REL32",
    }
    holes = []
    for section in elf.iter_sections():
        if not isinstance(section, RelocationSection) or section["sh_info"] != section_index:
            continue
        symbols = elf.get_section(section["sh_link"])
        for entry in section.iter_relocations():
            name = symbols.get_symbol(entry["r_info_sym"]).name
            kind = kinds.get(entry["r_info_type"])
            if kind is None:
                raise StencilError(f"a relocation of type {entry['r_info_type']} for {name}")
            what = name.removeprefix(MANGLED).removeprefix("fs_hole_")
            if kind == "REL32" and (what not in ("next", "aside", "leave") or
                                    entry["r_addend"] != -4):  # fmt: skip
                raise StencilError(f"a jump to {name}")
            addend = 0 if kind == "REL32" else entry["r_addend"]
            holes.append(Hole(entry["r_offset"], kind, what, addend))
    return sorted(holes, key=lambda hole: hole.at)


def read_object(path: Path) -> tuple[list[Stencil], dict[str, int]]:
    """The stencils of an object file, and the layout that they rely on."""
    from elftools.elf.elffile import ELFFile

    with path.open("rb") as file:
        elf = ELFFile(file)
        symbols = list(elf.get_section_by_name(".symtab").iter_symbols())
        by_name = {symbol.name: symbol for symbol in symbols}
        stencils, layout = [], {}
        for name, symbol in by_name.items():
            if name.startswith("fs_layout_"):
                offset = int.from_bytes(symbol_bytes(elf, symbol), "little")
                layout[name.removeprefix("fs_layout_")] = offset
            elif name.startswith(f"{MANGLED}fs_stencil_"):
                short = name.removeprefix(f"{MANGLED}fs_stencil_")
                clobbers = symbol_bytes(elf, by_name[f"fs_clobbers_{short}"])
                code = elf.get_section(symbol["st_shndx"]).data()
                holes = read_holes(elf, symbol["st_shndx"])
                stencils.append(Stencil(short, code, int.from_bytes(clobbers, "little"), holes))
    return stencils, layout


def compile_source(path: Path, folder: Path) -> tuple[list[Stencil], dict[str, int]]:
    """One file of stencils."""
    assembly, edited, made = (folder / (path.stem + end) for end in (".s", ".edited.s", ".o"))
    include = sysconfig.get_paths()["include"]
    run_clang(*FLAGS, f"-I{SOURCE}", f"-isystem{include}", "-S", "-o", str(assembly), str(path))
    edited.write_text(edit(assembly.read_text()))
    run_clang("--target=x86_64-linux-gnu", "-c", "-o", str(made), str(edited))
    return read_object(made)


# ---- the header ----


def hex_rows(code: bytes) -> str:
    """Bytes as lines of an initializer."""
    rows = [code[at : at + 16] for at in range(0, len(code), 16)]
    return "\n".join("    " + " ".join(f"0x{byte:02x}," for byte in row) for row in rows)


def hole_text(hole: Hole, addresses: list[str]) -> str:
    """A hole as an initializer; objects of C are numbered."""
    if hole.what in ("next", "aside", "leave") or hole.what.startswith("value"):
        return f"{{{hole.at}, FS_HOLE_{hole.kind}, FS_HOLE_{hole.what.upper()}, {hole.addend}}}"
    if hole.what not in addresses:
        addresses.append(hole.what)
    number = addresses.index(hole.what)
    return f"{{{hole.at}, FS_HOLE_{hole.kind}, FS_HOLE_ADDRESS + {number}, {hole.addend}}}"


def stencil_text(stencil: Stencil, addresses: list[str]) -> str:
    """The arrays of one stencil."""
    holes = ", ".join(hole_text(hole, addresses) for hole in stencil.holes)
    return (
        f"static const uint8_t stencil_code_{stencil.name}[] = {{\n{hex_rows(stencil.code)}\n}};\n"
        f"static const fs_stencil_hole stencil_holes_{stencil.name}[] = {{\n    {holes},\n}};\n"
    )


def make(version: str) -> str:
    """The header's text."""
    stencils: list[Stencil] = []
    layout: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        for path in sources():
            more, needs = compile_source(path, Path(folder))
            stencils += sorted(more, key=lambda stencil: stencil.name)
            layout |= needs
    addresses: list[str] = []
    bodies = [stencil_text(stencil, addresses) for stencil in stencils]
    rows = [f"STENCIL_ROW({s.name}, 0x{s.clobbers:x})" for s in stencils]
    asserts = [
        f"STENCIL_LAYOUT({name.replace('__', ', ', 1)}, {offset});"
        for name, offset in sorted(layout.items())
    ]
    names = " ".join(f"X({s.name})" for s in stencils)
    return "\n".join([
        "/* The stencils of src/stencil for x86-64: made by tools/stencilgen/stencilgen.py, not",
        " * to be edited. To be included once (asm/asm_x86_64_stencil.c).",
        " *",
        f" * compiler: clang {version}",
        f" * digest: {digest()}",
        " */",
        "/* clang-format off */",
        f"#define FS_STENCILS(X) {names}",
        *asserts,
        "static const void *const stencil_addresses[] = {",
        *(f"    &{name}," for name in addresses),
        "};",
        *bodies,
        "static const fs_stencil stencil_rows[] = {",
        *(f"    {row}," for row in rows),
        "};",
        "",
    ])  # fmt: skip


def recorded(label: str) -> str:
    """What the checked-in header says of itself."""
    found = re.search(rf"^ \* {label}: (.*)$", HEADER.read_text(), re.MULTILINE)
    return found.group(1) if found else ""


def main() -> int:
    """Make the header, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--digest", action="store_true")
    arguments = parser.parse_args()
    if arguments.digest:
        same = recorded("digest") == digest()
        print("stencilgen: the digest is right" if same else "stencilgen: the inputs have changed")
        return 0 if same else 1
    version = compiler_version()
    if version is None:
        print(f"stencilgen: {CLANG} is not installed")
        return 2
    try:
        text = make(version)
    except StencilError as error:
        print(f"stencilgen: {error}")
        return 1
    if arguments.check:
        same = HEADER.exists() and HEADER.read_text() == text
        print("stencilgen: the header is right" if same else "stencilgen: the header differs")
        return 0 if same else 1
    HEADER.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
