"""Instructions that a level does not promise: whoever has only that would die of SIGILL.

How it works: capstone goes over all code. Features of the table (src/cpu/cpu_features.toml) follow
from how an instruction is encoded (EVEX, VEX), from capstone's groups, and, where it has none, from
the name; whatever the level does not imply is noted, by function. Code behind a dispatch of the
project's own (NumPy's kernels, a cpuid test) looks the same from here, so functions which go beyond
the level in the *baseline's* library, too, by the same features, are taken for that.

What must stay true: encodings that older processors run as something harmless are no violation,
or compilers' most ordinary code would be one (tzcnt, which they emit where bsf does as well).
"""

import bisect
from collections.abc import Iterable
from dataclasses import dataclass

from fullspeed.variants import need, table
from fullspeed.variants.elf import Library

ARCH = "x86_64"
NAMELESS = "code without a name"  # of stripped libraries
# capstone's names of groups that are not the table's names or aliases.
GROUPS = {
    "SSE1": "SSE", "AVX512": "AVX512F", "CDI": "AVX512CD", "DQI": "AVX512DQ", "BWI": "AVX512BW",
    "VLX": "AVX512VL", "ERI": "AVX512ER", "PFI": "AVX512PF", "PCLMUL": "PCLMULQDQ", "FMA": "FMA3",
}  # fmt: skip
# Groups that say nothing of a feature that could lack.
NO_FEATURE = {
    "JUMP", "CALL", "RET", "INT", "IRET", "PRIVILEGE", "BRANCH_RELATIVE", "VM", "INVALID",
    "MODE32", "MODE64", "16BITMODE", "NOT64BITMODE", "NOVLX", "FPU", "CMOV", "MMX",
}  # fmt: skip
# Beginnings of the names of instructions that capstone has no group for.
NAMED = {
    "POPCNT": ("popcnt",),
    "LZCNT": ("lzcnt",),
    "MOVBE": ("movbe",),
    "CX16": ("cmpxchg16b",),
    "FMA3": ("vfmadd", "vfmsub", "vfnmadd", "vfnmsub"),
    "GFNI": ("gf2p8", "vgf2p8"),
    "AVX512VBMI": ("vpermb", "vpermi2b", "vpermt2b", "vpmultishiftqb"),
    "AVX512VBMI2": ("vpcompressb", "vpcompressw", "vpexpandb", "vpexpandw", "vpshld", "vpshrd"),
    "AVX512VNNI": ("vpdpbusd", "vpdpwssd"),
    "AVX512VPOPCNTDQ": ("vpopcntd", "vpopcntq"),
    "AVX512BITALG": ("vpopcntb", "vpopcntw", "vpshufbitqmb"),
    "AVX512IFMA": ("vpmadd52",),
    "AVX512BF16": ("vcvtne2ps2bf16", "vcvtneps2bf16", "vdpbf16ps"),
    "RDRAND": ("rdrand",),
    "RDSEED": ("rdseed",),
}
# Wider than the instruction of the same name that the group is about.
WIDE = {"VAES": "vaes", "VPCLMULQDQ": "vpclmul"}
HARMLESS = {"tzcnt", "pause", "endbr64", "endbr32", "prefetchw"}
LEGACY = bytes.fromhex("66f2f32e363e26646567f0")  # prefixes that stand before the others
UNKNOWN = "unknown to the disassembler"


@dataclass(frozen=True)
class Finding:
    """An instruction beyond the level: the first of its feature in a function."""

    function: str
    address: int
    instruction: str
    feature: str

    def __str__(self) -> str:
        """As errors have it."""
        return f"{self.function} at 0x{self.address:x}: {self.instruction} ({self.feature})"


def promised(level: str) -> set[str]:
    """The features of a level, as "x86-64-v3"."""
    (found,) = [row for row in table().levels if row.name == level]
    return set(table().implied([found.feature], ARCH))


def _feature(group: str) -> str | None:
    """The feature that a group of capstone's stands for; None: none."""
    if group in NO_FEATURE:
        return None
    known = table().find(GROUPS.get(group, group))
    return known.name if known is not None else group


def _groups() -> dict[int, str]:
    """The features of capstone's groups, by number."""
    found = {}
    for name, number in vars(need("capstone.x86_const")).items():
        if name.startswith("X86_GRP_") and name != "X86_GRP_ENDING":
            feature = _feature(name.removeprefix("X86_GRP_"))
            if feature is not None:
                found[number] = feature
    return found


def _by_name(name: str, operands: str) -> set[str]:
    """The features that an instruction's name stands for."""
    found = {feature for feature, names in NAMED.items() if name.startswith(names)}
    if "ymm" in operands or "zmm" in operands:
        found |= {feature for feature, begin in WIDE.items() if name.startswith(begin)}
    return found


def _by_encoding(code: bytes, name: str, features: set[str]) -> set[str]:
    """The feature that the encoding itself stands for."""
    first = code.lstrip(LEGACY)[:1]
    if first == b"\x62":  # EVEX
        return {"AVX512F"}
    if first in (b"\xc4", b"\xc5"):  # VEX; mask registers; BMI has it, too, without AVX
        return (
            {"AVX512F"}
            if name.startswith("k")
            else set()
            if features & {"BMI", "BMI2"}
            else {"AVX"}
        )
    return set()


def _function_at(library: Library, address: int) -> str:
    """The name of the function at an address."""
    at = bisect.bisect_right(library.functions, (address, float("inf"), "")) - 1
    if at >= 0:
        start, size, name = library.functions[at]
        if address < start + max(size, 1):
            return name
    return NAMELESS


def _features(instruction: object, groups: dict[int, str]) -> set[str]:
    """Everything that a processor must have for an instruction."""
    code, name = bytes(instruction.bytes), instruction.mnemonic
    if instruction.id == 0:  # bytes that capstone does not know
        return {UNKNOWN} if code[:1] in (b"\x62", b"\xc4", b"\xc5") else set()
    if name in HARMLESS:
        return set()
    found = {groups[number] for number in instruction.groups if number in groups}
    found |= _by_name(name, instruction.op_str)
    return found | _by_encoding(code, name, found)


def findings(library: Library, level: str) -> list[Finding]:
    """What goes beyond the level, once for each function and feature, by address."""
    capstone = need("capstone")
    groups, allowed = _groups(), promised(level)
    machine = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    machine.detail = True
    machine.skipdata = True
    found: dict[tuple[str, str], Finding] = {}
    for code in library.code:
        for instruction in machine.disasm(code.data, code.address):
            beyond = _features(instruction, groups) - allowed
            if beyond:
                function = _function_at(library, instruction.address)
                text = f"{instruction.mnemonic} {instruction.op_str}".strip()
                for feature in beyond:
                    row = Finding(function, instruction.address, text, feature)
                    found.setdefault((function, feature), row)
    return sorted(found.values(), key=lambda row: (row.address, row.feature))


def split(
    found: Iterable[Finding], baseline: Iterable[Finding]
) -> tuple[list[Finding], list[Finding]]:
    """Violations, and what the baseline has as well: dispatch of the project's own."""

    def key(row: Finding) -> tuple[str, str]:
        return row.function.partition(".")[0], row.feature  # without .constprop.0 and the like

    known = {key(row) for row in baseline if row.function != NAMELESS}
    violations: list[Finding] = []
    dispatch: list[Finding] = []
    for row in found:
        (dispatch if key(row) in known else violations).append(row)
    return violations, dispatch
