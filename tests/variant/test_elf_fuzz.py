"""Hostile bytes: reading libraries in Python.

FULLSPEED_FUZZ_TURNS says how many turns (CI has few); the seed is the turn's number.
"""

from __future__ import annotations

import os
import random
import resource
import struct
import sysconfig
import time
from pathlib import Path

import pytest
from fullspeed.variants import BuildError, elf

TURNS = int(os.environ.get("FULLSPEED_FUZZ_TURNS", "1500"))
SECONDS = 10.0  # more than any file of some kilobytes may take; mostly it is a hundredth
ODD = [0, 1, 2, 7, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 63, (1 << 64) - 1]


def read(data: bytes) -> str:
    """Read it in bounded time; what came of it."""
    started = time.monotonic()
    try:
        library = elf.read(data, "bad.so", with_code=True)
    except BuildError as error:
        assert str(error).startswith("bad.so is a damaged ELF file: ")
        found = "refused"
    else:
        assert sum(len(code.data) for code in library.code) <= len(data)
        found = "read"
    assert time.monotonic() - started < SECONDS
    return found


@pytest.fixture(scope="module")
def whole(multi: dict[str, bytes]) -> bytes:
    return multi["v2"]


@pytest.fixture(autouse=True)
def less_memory() -> None:
    """A bomb ends in a MemoryError, which the test sees, and not in the machine's death."""
    old = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, old[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, old)


def spots(whole: bytes) -> list[tuple[int, int]]:
    """Where a change tells: all headers, symbols, the dynamic segment; start and length."""
    sections_at = struct.unpack_from("<Q", whole, 40)[0]
    count = struct.unpack_from("<H", whole, 60)[0]
    found = [(0, 64), (64, 56 * whole[56]), (sections_at, 64 * count)]
    for n in range(count):
        kind, offset, size = struct.unpack_from("<4xI16xQQ", whole, sections_at + 64 * n)
        if kind in (2, 3, 5, 6, 11, 0x6FFFFFF6) and size:
            found.append((offset, size))
    return found


def test_mutations(whole: bytes) -> None:
    places = spots(whole)
    results = {"refused": 0, "read": 0}
    for turn in range(TURNS):
        draw = random.Random(turn)
        data = bytearray(whole)
        for _ in range(draw.choice((1, 1, 2, 3, 8))):
            start, length = draw.choice(places)
            at = start + draw.randrange(length)
            width = draw.choice((1, 2, 4, 8))
            at -= at % width
            value = draw.choice(ODD) if draw.random() < 0.6 else draw.getrandbits(8 * width)
            data[at : at + width] = (value & ((1 << 8 * width) - 1)).to_bytes(width, "little")
        if draw.random() < 0.15:
            del data[draw.randrange(len(data)) :]
        results[read(bytes(data))] += 1
    assert min(results.values()) > TURNS // 50, results  # both ways are tried


def test_noise() -> None:
    for turn in range(TURNS // 5):
        draw = random.Random(turn)
        head = elf.MAGIC + bytes([draw.choice((1, 2, 2, 2)), draw.choice((1, 1, 2)), 1])
        assert read(head + draw.randbytes(draw.randrange(0, 3000))) in ("refused", "read")


def headers(whole: bytes) -> tuple[int, int]:
    return struct.unpack_from("<Q", whole, 40)[0], struct.unpack_from("<H", whole, 60)[0]


def section(whole: bytes, wanted: int) -> int:
    """Where the header of the first section of a kind is."""
    at, count = headers(whole)
    for n in range(count):
        if struct.unpack_from("<I", whole, at + 64 * n + 4)[0] == wanted:
            return at + 64 * n
    raise AssertionError(wanted)


def damaged(whole: bytes, *changes: tuple[int, str, int]) -> bytes:
    data = bytearray(whole)
    for at, form, value in changes:
        struct.pack_into(form, data, at, value)
    return bytes(data)


def test_endless_sections(whole: bytes) -> None:
    """The number in the first section, and headers of no length: one for ever."""
    at, _ = headers(whole)
    first = (at + 32, "<Q", 1 << 62)
    assert read(damaged(whole, (60, "<H", 0), first)) == "refused"
    assert read(damaged(whole, (60, "<H", 0), first, (58, "<H", 0))) == "refused"
    assert read(damaged(whole, (60, "<H", 65535), (58, "<H", 0))) == "refused"


def bomb(sections: list[tuple[int, int, int, int, int, int]], body: bytes) -> bytes:
    """A library of these sections (type, flags, offset, size, link, entry); the body is at 64."""
    head = elf.MAGIC + b"\2\1\1" + bytes(9)
    at = 64 + len(body)
    count = len(sections)
    head += struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 0, at, 0, 64, 0, 0, 64, count, 1)
    rows = [
        struct.pack("<IIQQQQIIQQ", 0, kind, flags, 0, offset, size, link, 0, 1, entry)
        for kind, flags, offset, size, link, entry in sections
    ]
    return head + body + b"".join(rows)


NULL = (0, 0, 0, 0, 0, 0)


def test_many_tables_of_the_same_bytes() -> None:
    """Hash tables, and the same code thousands of times."""
    body = bytes(1 << 18)
    strings = (3, 0, 64, len(body), 0, 0)
    for kind, flags in ((5, 0), (0x6FFFFFF6, 0), (1, 4), (6, 0)):
        many = [(kind, flags, 64, len(body), 1, 16)] * 5000
        assert read(bomb([NULL, strings, *many], body)) == "refused"


def test_names_without_an_end() -> None:
    """Each of many symbols names the same long text."""
    count = 20000
    symbols = struct.pack("<IBBHQQ", 0, 0x12, 0, 1, 64, 1) * count
    for text in (b"a" * (1 << 20), b"a" * (1 << 20) + b"\0"):
        body = symbols + text
        table = (11, 2, 64, len(symbols), 1, 24)
        strings = (3, 0, 64 + len(symbols), len(text), 0, 0)
        assert read(bomb([NULL, strings, table], body)) == "refused"


def test_compressed_code() -> None:
    import zlib

    packed = struct.pack("<IIQQ", 1, 0, 1 << 30, 1) + zlib.compress(bytes(1 << 24))
    strings = (3, 0, 64, 1, 0, 0)
    code = (1, 2 | 4 | 0x800, 65, len(packed), 0, 0)
    assert read(bomb([NULL, strings, code], b"\0" + packed)) == "refused"


def test_dynamic_without_an_end(whole: bytes) -> None:
    data = bytearray(whole)
    at = section(whole, 6)
    offset, size = struct.unpack_from("<QQ", whole, at + 24)
    for n in range(offset, offset + size, 16):
        struct.pack_into("<Q", data, n, 1)  # DT_NEEDED, to the last
    assert read(bytes(data)) == "refused"


def test_what_is_no_fault(whole: bytes) -> None:
    """Ordinary libraries of this machine pass."""
    folder = Path(sysconfig.get_path("stdlib"), "lib-dynload")
    files = sorted(folder.glob("*.so"))[:20]
    assert files and all(read(path.read_bytes()) == "read" for path in files)
    assert read(whole) == "read"
    foreign = elf.read(damaged(whole, (18, "<H", 183)), "a.so")
    assert foreign.machine == "EM_AARCH64"
    assert (
        elf.read(
            b"\x7fELF\1\1\1" + bytes(9) + struct.pack("<HH", 3, 40) + bytes(100), "a.so"
        ).machine
        == "EM_ARM"
    )
