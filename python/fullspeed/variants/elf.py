"""Reading shared libraries: which module is it, what is it linked with, where is its code.

How it works: pyelftools reads; before it does, everything that it would follow is held against the
length of the file: it believes what stands there, and a few bytes could keep it busy for hours.

What must stay true: the files come from somebody else's build; whatever stands in them, the
result is an answer or a BuildError, in time and memory that go by the length of the file.
"""

import io
import struct
from collections import Counter
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
        is_ours = data[:6] == MAGIC + b"\2\1"  # 64 bits, little endian
        if is_ours:
            _check(data)
        elf = elffile.ELFFile(io.BytesIO(data))
        return _read(elf, with_code) if is_ours else Library(str(elf["e_machine"]))
    except _Damaged as error:
        raise BuildError(f"{name} is a damaged ELF file: {error}") from None
    except BuildError:
        raise
    except Exception as error:  # the library has many kinds of errors for damaged files
        raise BuildError(f"{name} is a damaged ELF file: {type(error).__name__} {error}") from None


# ---- what pyelftools may be given ----

MOST_SEGMENTS = 128  # as the stub has it; libraries have about ten
MOST_SECTIONS = 0xFFFF  # libraries have about forty
MOST_TAGS = 4096  # of the dynamic segment
MOST_TABLES = 4  # of each kind of section that is read when it is found
MOST_NAME = 4096  # of a file's name
HEAD, SECTION, SEGMENT, SYMBOL, TAG = (
    struct.Struct("<" + form)
    for form in ("16xHHIQQQIHHHHHH", "IIQQQQIIQQ", "IIQQQQQQ", "IBBHQQ", "QQ")
)
# Kinds of sections that may be there in any number: NULL, PROGBITS, STRTAB, RELA, NOTE, NOBITS,
# REL, the arrays of functions, GROUP.
PLAIN = {0, 1, 3, 4, 7, 8, 9, 14, 15, 16, 17}
NOBITS, SYMBOL_TABLES, PT_DYNAMIC, DT_NULL = 8, {2, 11}, 2, 0
ALLOCATED, EXECUTABLE, COMPRESSED = 2, 4, 0x800  # flags of sections


class _Damaged(Exception):
    """What is wrong with a file."""


@dataclass
class _Section:
    """A section as its header has it."""

    name: int
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry: int


def _has(data: bytes, offset: int, size: int) -> bool:
    return offset <= len(data) and size <= len(data) - offset


def _sections(data: bytes, offset: int, entry: int, count: int) -> list[_Section]:
    """The headers of all sections, each of which lies in the file."""
    if offset == 0:
        return []
    if entry != SECTION.size or not _has(data, offset, SECTION.size):
        raise _Damaged("its section headers are no section headers")
    if count == 0:  # too many for the field: the first one has the number
        count = _Section(*SECTION.unpack_from(data, offset)).size
    if count > MOST_SECTIONS:
        raise _Damaged("it has too many sections")
    if not _has(data, offset, count * SECTION.size):
        raise _Damaged("its section headers are truncated")
    rows = data[offset : offset + count * SECTION.size]
    found = [_Section(*row) for row in SECTION.iter_unpack(rows)]
    for section in found[1:]:
        if section.type not in (0, NOBITS) and not _has(data, section.offset, section.size):
            raise _Damaged("one of its sections is truncated")
    return found


def _name_length(data: bytes, table: _Section, at: int) -> int:
    """The length of a name in a table of strings."""
    start = table.offset + at
    end = data.find(b"\0", start, table.offset + table.size)
    if end < 0:
        raise _Damaged("a name in it has no end")
    return end - start


def _check_sections(data: bytes, sections: list[_Section], names_at: int) -> None:
    """Nothing in the sections is read twice over, or unpacked."""
    kinds = Counter(section.type for section in sections if section.type not in PLAIN)
    if any(number > MOST_TABLES for number in kinds.values()):
        raise _Damaged("it has the same table several times")
    if any(s.flags & COMPRESSED and s.flags & ALLOCATED for s in sections):
        raise _Damaged("code or tables in it are compressed")
    if sum(s.size for s in sections if s.flags & EXECUTABLE and s.type == 1) > len(data):
        raise _Damaged("sections of its code overlap")
    names = [(names_at, section.name) for section in sections]
    for section in sections:
        if section.type in SYMBOL_TABLES:
            if section.entry != SYMBOL.size or section.flags & COMPRESSED:
                raise _Damaged("its table of symbols is none")
            end = section.offset + section.size // SYMBOL.size * SYMBOL.size
            rows = SYMBOL.iter_unpack(data[section.offset : end])
            names += [(section.link, row[0]) for row in rows]
    left = 4 * len(data)
    for table, at in names:
        if table >= len(sections):
            raise _Damaged("it names a table of names that is not there")
        left -= _name_length(data, sections[table], at)
        if left < 0:
            raise _Damaged("its names are longer than the file")


def _check_segments(data: bytes, offset: int, entry: int, count: int) -> None:
    """The segments lie in the file, and the dynamic one has an end."""
    if count == 0:
        return
    if count > MOST_SEGMENTS or entry != SEGMENT.size:
        raise _Damaged("its program headers are no program headers")
    if not _has(data, offset, count * SEGMENT.size):
        raise _Damaged("its program headers are truncated")
    rows = SEGMENT.iter_unpack(data[offset : offset + count * SEGMENT.size])
    dynamic = [(row[2], row[5]) for row in rows if row[0] == PT_DYNAMIC]
    if len(dynamic) > 1:
        raise _Damaged("it has several dynamic segments")
    for start, size in dynamic:
        size = size // TAG.size * TAG.size
        if not _has(data, start, size) or size > MOST_TAGS * TAG.size:
            raise _Damaged("its dynamic segment is truncated")
        if not any(tag == DT_NULL for tag, _ in TAG.iter_unpack(data[start : start + size])):
            raise _Damaged("its dynamic segment has no end")


def _check(data: bytes) -> None:
    """All that is read of a library lies in the file, once."""
    if len(data) < 64:
        raise _Damaged("it is truncated")
    _, _, _, _, segments_at, sections_at, _, _, *fields = HEAD.unpack_from(data)
    segment_size, segment_count, section_size, section_count, names_at = fields
    sections = _sections(data, sections_at, section_size, section_count)
    if names_at == 0xFFFF and sections:  # too large for the field
        names_at = sections[0].link
    if sections:
        _check_sections(data, sections, names_at)
    _check_segments(data, segments_at, segment_size, segment_count)


# ---- reading ----


def _read(elf: object, with_code: bool) -> Library:
    library = Library(elf["e_machine"])
    dynamic = elf.get_section_by_name(".dynsym")
    for symbol in dynamic.iter_symbols() if dynamic is not None else ():
        if symbol["st_shndx"] != "SHN_UNDEF" and symbol["st_info"]["bind"] != "STB_LOCAL":
            library.exported.add(symbol.name)
    for segment in elf.iter_segments("PT_DYNAMIC"):
        for tag in segment.iter_tags("DT_NEEDED"):
            if len(tag.needed) > MOST_NAME:
                raise _Damaged("the name of a library that it needs has no end")
            library.needed.append(tag.needed)
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
