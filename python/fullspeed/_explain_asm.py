"""`fullspeed explain --asm`, FULLSPEED_DUMP=m: the machine code of traces, by capstone.

capstone is no dependency of ours (pip install capstone): without it the bytes are shown.
"""

from typing import Any


def _disassemble(code: bytes, address: int) -> list[str] | None:
    """Lines of assembly; None: capstone is not installed."""
    try:
        import capstone
    except ImportError:
        return None
    machine = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    lines = []
    end = 0
    for at, size, name, operands in machine.disasm_lite(code, address):
        lines.append(f"  {at:12x}  {name:<10} {operands}".rstrip())
        end = at + size - address
    if end < len(code):
        lines.append(f"  {len(code) - end} bytes of constants")
    return lines


def _hex(code: bytes, address: int) -> list[str]:
    """The bytes, 16 to a line."""
    return [f"  {address + i:12x}  {code[i : i + 16].hex(' ')}" for i in range(0, len(code), 16)]


def of_code(code: bytes, address: int) -> str:
    """Machine code at an address as text, for FULLSPEED_DUMP=m (called by src/jit/jit_log.c)."""
    return "\n".join(_disassemble(code, address) or _hex(code, address)) + "\n"


def of_trace(trace: dict[str, Any]) -> list[str]:
    """The machine code of one trace of jit_traces(machine_code=True), as lines."""
    code = trace["machine_code"]
    if code is None:
        return ["  (run by the IR interpreter: there is no machine code)"]
    return _disassemble(code, trace["address"]) or _hex(code, trace["address"])


def as_text(places: list[Any]) -> str:
    """The machine code of the living traces of places."""
    lines = []
    if _disassemble(b"\x90", 0) is None:
        lines += ["", "capstone is not installed (pip install capstone): bytes only."]
    for place in places:
        for trace in place.traces:
            if trace["died"] or trace["machine_code"] is None:
                continue
            title = f"trace {trace['id']} {trace['kind']} {trace['function']} line {trace['line']}"
            lines += ["", f"{title}: {trace['bytes']} bytes", *of_trace(trace)]
    return "\n".join(lines) + "\n"
