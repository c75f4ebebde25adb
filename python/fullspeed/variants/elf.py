"""Reading shared libraries: which module is it, what is it linked with, where is its code.

What must stay true: the files come from somebody else's build; whatever stands in them, the
result is an answer or a BuildError.
"""

import io
from dataclasses import dataclass, field

from fullspeed.variants import BuildError, need

MAGIC = b"\x7fELF"


@dataclass
class Code:
    """A section of machine code."""

    address: int
    data: bytes


@dataclass
class Library:
    """What we want to know of a shared library."""

    machine: str
    exported: set[str] = field(default_factory=set)
    needed: list[str] = field(default_factory=list)
    code: list[Code] = field(default_factory=list)
    functions: list[tuple[int, int, str]] = field(default_factory=list)  # sorted by address

    @property
    def inits(self) -> list[str]:
        """The functions by which CPython begins a module."""
        return sorted(name for name in self.exported if name.startswith(("PyInit_", "PyInitU_")))


def read(data: bytes, name: str, with_code: bool = False) -> Library:
    """Read a library; name is for errors."""
    elffile = need("elftools.elf.elffile")
    try:
        return _read(elffile.ELFFile(io.BytesIO(data)), with_code)
    except BuildError:
        raise
    except Exception as error:  # the library has many kinds of errors for damaged files
        raise BuildError(f"{name} is a damaged ELF file: {type(error).__name__} {error}") from None


def _read(elf: object, with_code: bool) -> Library:
    library = Library(elf["e_machine"])
    dynamic = elf.get_section_by_name(".dynsym")
    for symbol in dynamic.iter_symbols() if dynamic is not None else ():
        if symbol["st_shndx"] != "SHN_UNDEF" and symbol["st_info"]["bind"] != "STB_LOCAL":
            library.exported.add(symbol.name)
    for segment in elf.iter_segments("PT_DYNAMIC"):
        library.needed += [tag.needed for tag in segment.iter_tags("DT_NEEDED")]
    if with_code:
        for section in elf.iter_sections():
            if section["sh_flags"] & 4 and section["sh_type"] == "SHT_PROGBITS":  # SHF_EXECINSTR
                library.code.append(Code(section["sh_addr"], section.data()))
        table = elf.get_section_by_name(".symtab") or dynamic
        library.functions = sorted(
            {
                (symbol["st_value"], symbol["st_size"], symbol.name)
                for symbol in (table.iter_symbols() if table is not None else ())
                if symbol["st_info"]["type"] == "STT_FUNC" and symbol["st_value"]
            }
        )
    return library
