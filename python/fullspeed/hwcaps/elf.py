"""Which files may get variants, and which may be one.

What must stay true: whatever stands in a file, the result is an answer or a HwcapsError.
"""

import os
import stat
from dataclasses import dataclass

from fullspeed.hwcaps import HwcapsError, shown
from fullspeed.variants import label, need

MAGIC = b"\x7fELF"
PIE = 0x08000000  # DF_1_PIE
# The bits of GNU_PROPERTY_X86_ISA_1_NEEDED: what the linker was told that a file needs.
NEEDED = {1: 1, 2: 2, 4: 3, 8: 4}


@dataclass
class Program:
    """What we want to know of an executable."""

    loader: str | None  # PT_INTERP; None: it is static
    level: int  # which the linker says that it needs; 0: nothing is said


def check_mode(path: str, info: os.stat_result) -> None:
    """Refuse what is no plain executable, and what has more rights than who starts it."""
    name = shown(path)
    if stat.S_ISLNK(info.st_mode):
        target = shown(os.path.realpath(path))
        raise HwcapsError(f"{name} is a symbolic link: say {target}, where it leads to")
    if not stat.S_ISREG(info.st_mode):
        raise HwcapsError(f"{name} is not a file")
    if info.st_mode & (stat.S_ISUID | stat.S_ISGID):
        kind = "setuid" if info.st_mode & stat.S_ISUID else "setgid"
        raise HwcapsError(f"{name} is {kind}: programs with more rights get no variants")
    if _has_capabilities(path):
        raise HwcapsError(
            f"{name} has file capabilities (getcap): programs with more rights get no variants"
        )
    if not info.st_mode & 0o111:
        raise HwcapsError(f"{name} is not executable (chmod +x)")
    if info.st_mode & 0o111 & ~(info.st_mode >> 2):
        raise HwcapsError(
            f"{name} cannot be read by all who may run it, and the stub has to look into the files "
            "that it runs (chmod a+r)"
        )


def _has_capabilities(path: str) -> bool:
    try:
        return bool(os.getxattr(path, "security.capability", follow_symlinks=False))
    except OSError:  # there are none, or the file system knows no such thing
        return False


def read(path: str) -> Program:
    """Read an executable of this architecture."""
    elffile = need("elftools.elf.elffile")
    name = shown(path)
    try:
        with open(path, "rb") as file:
            head = file.read(4)
            if head[:2] == b"#!":
                raise HwcapsError(f"{name} is a script: its interpreter can have variants, not it")
            if head != MAGIC:
                raise HwcapsError(f"{name} is not an ELF executable")
            file.seek(0)
            return _read(elffile.ELFFile(file), name, os.fstat(file.fileno()).st_size)
    except HwcapsError:
        raise
    except OSError as error:
        raise HwcapsError(f"{name} cannot be read: {error.strerror}") from None
    except Exception as error:  # the library has many kinds of errors for damaged files
        raise HwcapsError(
            f"{name} is damaged or truncated: {type(error).__name__} {error}".rstrip()
        ) from None


def _read(elf: object, name: str, size: int) -> Program:
    if elf["e_machine"] != "EM_X86_64" or elf.elfclass != 64 or not elf.little_endian:
        raise HwcapsError(
            f"{name} is for another architecture ({elf['e_machine']}, {elf.elfclass} bits): there "
            "are levels of x86-64 only"
        )
    if elf["e_type"] not in ("ET_EXEC", "ET_DYN"):
        raise HwcapsError(f"{name} is not an executable ({elf['e_type']})")
    if elf["e_phentsize"] != 56 or elf["e_phoff"] + 56 * elf["e_phnum"] > size:
        raise HwcapsError(f"{name} is truncated")
    loader, is_pie, has_code, level = None, False, False, 0
    for segment in elf.iter_segments():
        kind = segment["p_type"]
        if kind in ("PT_LOAD", "PT_INTERP") and segment["p_offset"] + segment["p_filesz"] > size:
            raise HwcapsError(f"{name} is truncated")
        if kind == "PT_LOAD":
            has_code = True
        elif kind == "PT_INTERP":
            loader = segment.get_interp_name()
        elif kind == "PT_DYNAMIC":
            is_pie = any(tag["d_val"] & PIE for tag in segment.iter_tags("DT_FLAGS_1"))
        elif kind == "PT_NOTE":
            level = max(level, _needed(segment))
    if not has_code:
        raise HwcapsError(f"{name} is not an executable: it has no code")
    if elf["e_type"] == "ET_DYN" and loader is None and not is_pie:
        raise HwcapsError(f"{name} is a shared library: `fullspeed build` is for these")
    return Program(loader, level)


def audit(executable: str, variants: dict[str, str]) -> None:
    """Refuse a variant with instructions that its level, as "v3", does not promise.

    What the executable itself has beyond the first level, by the same functions, asks the processor
    before: the C library's memcpy in a static program, for one.
    """
    from fullspeed.variants import audit as code

    own = code.findings(_code(executable), label("v1"))
    for level, path in variants.items():
        violations, _ = code.split(code.findings(_code(path), label(level)), own)
        if violations:
            more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
            raise HwcapsError(
                f"the variant for {level}, {shown(path)}, has instructions that the level does not "
                f"promise: {violations[0]}{more}"
            )


def _code(path: str) -> object:
    """The machine code of an executable."""
    from fullspeed.variants import elf

    read(path)
    with open(path, "rb") as file:
        return elf.read(file.read(), shown(path), with_code=True)


def _needed(segment: object) -> int:
    """The level that a file's notes say that it needs."""
    level = 0
    for note in segment.iter_notes():
        if note["n_type"] != "NT_GNU_PROPERTY_TYPE_0":
            continue
        for row in note["n_desc"]:
            if row["pr_type"] == "GNU_PROPERTY_X86_ISA_1_NEEDED":
                bits = row["pr_data"]
                level = max([level, *(n for bit, n in NEEDED.items() if bits & bit)])
    return level
