"""Makes what the C core and the documentation have of src/cpu/cpu_features.toml.

    cpugen.py c FOLDER TABLE       cpu_features_gen.h (the enum), cpu_rows_gen.inc (the tables),
                                   cpu_baseline_gen.inc (what the compiler was allowed to use)
    cpugen.py docs PAGE [--check]  the tables in docs/guide/cpu.md, between two marks

How it works: cpu_table.py reads and checks the table; here is only how things are written.
What must stay true: the output depends on the table alone, so that a build can be repeated.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from cpu_table import REGISTERS, Feature, Table, TableError, load

MADE = "/* Made by tools/cpugen from src/cpu/cpu_features.toml: change it there. */\n"
BEGIN = "<!-- made by tools/cpugen: begin -->"
END = "<!-- made by tools/cpugen: end -->"
HOW = {"x86": "FS_CPU_BY_CPUID", "riscv": "FS_CPU_BY_HWPROBE"}  # else FS_CPU_BY_HWCAP
KIND_WORDS = {"cpuid": "CPUID", "hwcap": "HWCAP", "hwcap2": "HWCAP2", "hwprobe": "riscv_hwprobe"}


# ---- C ----


def number(table: Table, name: str) -> int:
    """The value of a feature in the enum."""
    return list(table.features).index(name) + 1


def words(table: Table) -> int:
    """How many 64-bit words a set of features has."""
    return len(table.features) // 64 + 1


def mask(table: Table, names: Iterable[str]) -> str:
    """A set of features as an initialiser of struct fs_cpu_set."""
    bits = sum(1 << number(table, name) for name in set(names))
    parts = [f"0x{bits >> (64 * i) & (1 << 64) - 1:x}u" for i in range(words(table))]
    return "{{" + ", ".join(parts) + "}}"


def bits(places: Iterable[int]) -> str:
    """Bits as a mask in C."""
    return f"0x{sum(1 << place for place in places):x}u"


def enum_text(table: Table) -> str:
    """cpu_features_gen.h."""
    rows = "".join(f"    FS_CPU_{name},\n" for name in table.features)
    return (
        f"{MADE}#ifndef FS_CPU_FEATURES_GEN_H\n#define FS_CPU_FEATURES_GEN_H\n\n"
        f"#define FS_CPU_SET_WORDS {words(table)}\n\n"
        f"enum fs_cpu_feature {{\n    FS_CPU_NONE,\n{rows}    FS_CPU_FEATURE_COUNT\n}};\n\n#endif\n"
    )


def row_text(table: Table, arch: str, feature: Feature) -> str:
    """One feature of one architecture."""
    parts = [f".feature = FS_CPU_{feature.name}"]
    if feature.cpuid is not None:
        where = feature.cpuid
        parts.append(
            f".leaf = 0x{where.leaf:x}u, .subleaf = {where.subleaf}, "
            f".reg = {REGISTERS.index(where.register)}, .bit = {where.bit}"
        )
    if feature.state:
        parts.append(f".state = 0x{feature.state:x}")
    for key in ("hwcap", "hwcap2", "hwcap2_any"):
        if getattr(feature, key):
            parts.append(f".{key} = {bits(getattr(feature, key))}")
    if feature.hwprobe is not None:
        key, bit = feature.hwprobe
        parts.append(f".probe_key = {key}, .probe_mask = {bits([bit])}")
    if feature.is_group:
        parts.append(f".leaves = {mask(table, table.leaves(feature.name, arch))}")
        parts.append(".is_group = true")
    parts.append(f".needs = {mask(table, feature.needs)}")
    return "    {" + ", ".join(parts) + "},\n"


def only(arch: str) -> str:
    """The beginning of what -DFS_CPU_ONLY_<another> leaves out: where size matters, and one
    architecture is enough."""
    return f"#if defined(FS_CPU_ONLY_{arch}) || !defined(FS_CPU_ONLY)\n"


def rows_text(table: Table) -> str:
    """cpu_rows_gen.inc."""
    out = [MADE, "static const struct fs_cpu_name cpu_names[FS_CPU_FEATURE_COUNT] = {\n"]
    for name, feature in table.features.items():
        aliases = " ".join(feature.aliases)
        out.append(f'    [FS_CPU_{name}] = {{"{name}", "{aliases}"}},\n')
    out.append("};\n")
    for arch in table.arches:
        out.append(f"\n{only(arch)}static const struct fs_cpu_row cpu_rows_{arch}[] = {{\n")
        out += [row_text(table, arch, table.on(name, arch)) for name in table.of(arch)]
        out.append("};\n#endif\n")
    out.append("\nstatic const struct fs_cpu_level cpu_levels[] = {\n")
    for level in table.levels:
        out.append(
            f'    {{"{level.arch}", "{level.name}", FS_CPU_{level.feature}, {level.number}}},\n'
        )
    out.append("};\n\nstatic const struct fs_cpu_arch cpu_arches[] = {\n")
    for name, arch in table.arches.items():
        how = HOW.get(arch.family, "FS_CPU_BY_HWCAP")
        row = f'    {{"{name}", {how}, cpu_rows_{name}, {len(table.of(name))}}},\n'
        out.append(f"{only(name)}{row}#endif\n")
    out.append("};\n")
    return "".join(out)


def baseline_text(table: Table) -> str:
    """cpu_baseline_gen.inc: entries of an array of flags, by feature."""
    out = [MADE]
    for name, feature in table.features.items():
        if feature.compiled:
            out.append(f"#if {feature.compiled}\n    [FS_CPU_{name}] = 1,\n#endif\n")
    return "".join(out)


def write_c(folder: Path, table: Table) -> None:
    """The three files of the C core."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cpu_features_gen.h").write_text(enum_text(table))
    (folder / "cpu_rows_gen.inc").write_text(rows_text(table))
    (folder / "cpu_baseline_gen.inc").write_text(baseline_text(table))


# ---- documentation ----


def detection_words(feature: Feature, states: dict[str, int]) -> str:
    """Where a feature is found, for people."""
    parts = []
    if feature.cpuid is not None:
        where = feature.cpuid
        leaf = f"{where.leaf:x}h" if where.leaf > 9 else str(where.leaf)
        if where.leaf == 7:
            leaf += f".{where.subleaf}"
        parts.append(f"CPUID {leaf} {where.register.upper()} bit {where.bit}")
    state = {value: name for name, value in states.items()}.get(feature.state)
    if state:
        parts.append(f"{state} state saved")
    for key in ("hwcap", "hwcap2"):
        if getattr(feature, key):
            places = ", ".join(str(bit) for bit in getattr(feature, key))
            parts.append(f"{KIND_WORDS[key]} bit {places}")
    if feature.hwcap2_any:
        parts.append("HWCAP2, one of bits " + ", ".join(str(bit) for bit in feature.hwcap2_any))
    if feature.hwprobe is not None:
        parts.append("riscv_hwprobe key {} bit {}".format(*feature.hwprobe))
    return ", ".join(parts)


def arch_table(table: Table, arch: str) -> Iterator[str]:
    """The lines of one architecture's table."""
    yield f"\n### {table.arches[arch].title}\n\n"
    yield "| name | also | implies | members | GCC's flags | found by |\n"
    yield "|---|---|---|---|---|---|\n"
    for name in table.of(arch):
        feature = table.on(name, arch)
        code = [f"`{flag}`" for flag in feature.flags]
        shown = f"**{name}**" if feature.option else name
        cells = [
            shown,
            " ".join(feature.aliases),
            " ".join(feature.implies),
            " ".join(feature.gathers),
            " ".join(code),
            detection_words(feature, table.states),
        ]
        yield "| " + " | ".join(cells) + " |\n"
    least = " ".join(table.arches[arch].min_new or table.arches[arch].min) or "nothing"
    yield f"\n`MIN` stands for {least}.\n"


def docs_text(table: Table) -> str:
    """All of the tables."""
    parts = []
    for arch in table.arches:
        if arch == "x86":  # as x86_64, but for these
            continue
        parts += arch_table(table, arch)
    only = [name for name in table.of("x86_64") if not table.has(name, "x86")]
    parts.append(f"\n32-bit x86 has all of x86-64 but {', '.join(only)}.\n")
    parts.append("\n### Levels\n\n| level | stands for |\n|---|---|\n")
    for level in table.levels:
        members = " ".join(table.on(level.feature, level.arch).gathers)
        parts.append(f"| {level.name} | {level.feature}: {members} |\n")
    parts.append("\n### Compilers\n\n| compiler | what is different |\n|---|---|\n")
    for compiler in table.compilers.values():
        parts.append(
            f"| {compiler.title} (`{compiler.name}`) | {differences(table, compiler.name)} |\n"
        )
    return "".join(parts).lstrip("\n")


def differences(table: Table, compiler: str) -> str:
    """What a compiler does otherwise than the columns say."""
    like = table.compilers[compiler].like
    parts = [f"as {table.compilers[like].title}"] if like else []
    for name, feature in table.features.items():
        given = feature.with_compiler.get(compiler, {})
        if "unsupported" in given:
            parts.append(f"no {name} ({given['unsupported']})")
        if "implies" in given:
            parts.append(f"{name} implies {' '.join(given['implies'])}")
        if given.get("flags"):
            parts.append(f"{name} by " + " ".join(f"`{flag}`" for flag in given["flags"]))
    return "; ".join(parts) or "nothing"


def put_docs(page: Path, text: str, check: bool) -> int:
    """Write the tables into the page, or say whether they are there; returns the exit code."""
    old = page.read_text()
    before, found, rest = old.partition(BEGIN + "\n")
    _, found_end, after = rest.partition(END)
    if not found or not found_end:
        print(f"{page} has not the marks {BEGIN} and {END}", file=sys.stderr)
        return 2
    new = f"{before}{BEGIN}\n{text}{END}{after}"
    if check:
        if new != old:
            print(f"{page} is not as the table says: python tools/cpugen/cpugen.py docs {page}")
        return int(new != old)
    page.write_text(new)
    return 0


def main() -> int:
    """Make what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("what", choices=["c", "docs"])
    parser.add_argument("where", type=Path)
    parser.add_argument("table", type=Path, nargs="?")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    try:
        table = load(options.table) if options.table else load()
    except TableError as error:
        print(f"cpugen: {error}", file=sys.stderr)
        return 1
    if options.what == "docs":
        return put_docs(options.where, docs_text(table), options.check)
    write_c(options.where, table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
