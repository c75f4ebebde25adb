"""What this processor can do, what of it may be used, and what uses it.

How it works: `fullspeed._cpu` asks the processor once, when it is imported; everything here turns
its answers into what people and programs read. The engine is not loaded.
What must stay true: the answers are those that dispatch itself goes by.

The environment may take features away: FULLSPEED_DISABLE_CPU_FEATURES, or all but some:
FULLSPEED_ENABLE_CPU_FEATURES (names, with commas, spaces or tabs between). A wrong one makes the
import of this module a ValueError.
"""

import os
import re
from typing import Any

from fullspeed import _cpu

__all__ = ["baseline", "build_report", "dispatch", "features", "level", "opt_func_info"]

# What the build says of its options, if it does (src/meson.build).
_HERE = os.path.dirname(os.path.abspath(__file__))
_REPORT = os.path.join(_HERE, "_cpu_build.json")

# The letters of signatures, and NumPy's names of these types.
_TYPES = {
    "?": "bool", "b": "int8", "B": "uint8", "h": "int16", "H": "uint16", "i": "int32",
    "I": "uint32", "l": "int64", "L": "uint64", "q": "int64", "Q": "uint64", "e": "float16",
    "f": "float32", "d": "float64", "g": "longdouble", "F": "complex64", "D": "complex128",
    "G": "clongdouble", "S": "bytes", "U": "str", "O": "object",
}  # fmt: skip


def features() -> dict[str, bool]:
    """Every feature of this architecture, and whether it may be used here."""
    usable = set(_cpu.state()["usable"])
    return {name: name in usable for name in _cpu.names()}


def level() -> str | None:
    """The highest level of the psABI that may be used, as "x86-64-v3"; None if there are none."""
    return _cpu.state()["level"]


def baseline() -> tuple[str, ...]:
    """The features that all code of this build may use; without them it cannot be imported."""
    return _cpu.state()["baseline"]


def build_report() -> dict[str, Any]:
    """What the build made of its options: platform, cpu-baseline and cpu-dispatch."""
    import json

    try:
        with open(_REPORT, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        platform = {"architecture": _cpu.state()["arch"], "compiler": _cpu.COMPILER}
        return {"platform": platform, "baseline": {"enabled": list(baseline())}, "dispatch": {}}


def dispatch() -> tuple[str, ...]:
    """The targets that this build has code for beside the baseline, the least first."""
    generated = build_report()["dispatch"].get("generated")
    if generated is not None:
        return tuple(generated)
    _load_kernels()
    found: dict[str, None] = {}
    for _, _, (_, targets, _, _) in _cpu.functions():
        found |= dict.fromkeys(reversed(targets[:-1]))
    return tuple(found)


def _matches(signature: str, pattern: "re.Pattern[str]") -> bool:
    """Whether the pattern is found in a signature, or in the name of one of its types."""
    names = [_TYPES.get(letter, "") for letter in signature]
    return any(pattern.search(text) for text in (signature, *names))


def _load_kernels() -> str | None:
    """Have the array kernels registered, and chosen by the times that were kept; why they cannot
    be, if so: there is no NumPy, for one."""
    try:
        from fullspeed import _array
    except ImportError as error:
        return str(error)
    _array.tuning()
    return None


def opt_func_info(
    func_name: str | None = None, signature: str | None = None
) -> dict[str, dict[str, dict[str, str]]]:
    """The target that each function uses, and those that there are.

    func_name and signature are regular expressions; a signature is one of letters, as "dd", and
    is found by the names of its types as well ("float64"). The result is as NumPy's function of
    this name gives it, {function: {signature: {"current": ..., "available": ...}}}, with a third
    key: "chosen by".
    """
    _load_kernels()
    functions = re.compile(func_name or "")
    signatures = re.compile(signature or "")
    least = f"baseline({' '.join(baseline())})"
    found: dict[str, dict[str, dict[str, str]]] = {}
    for name, letters, (current, targets, _, how) in sorted(_cpu.functions()):
        if functions.search(name) and _matches(letters, signatures):
            found.setdefault(name, {})[letters] = {
                "current": least if current == targets[-1] else current,
                "available": " ".join((*targets[:-1], least)),
                "chosen by": how,
            }
    return found


def _brand() -> str | None:
    """The processor's name; where it does not tell itself, as the kernel has it."""
    brand = _cpu.state()["brand"]
    if brand is not None:
        return brand
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() in ("model name", "Model Name", "cpu", "uarch", "processor 0"):
                    return value.strip()
    except OSError:
        pass
    return None


def _tuning() -> dict[str, Any] | None:
    """What measured dispatch of the array kernels knows; None: they cannot be loaded."""
    if _load_kernels() is not None:
        return None
    from fullspeed import _array

    return _array.tuning()


def collect() -> dict[str, Any]:
    """Everything that `fullspeed cpu` shows."""
    state = _cpu.state()
    found = set(state["found"])
    return {
        "cpu": _brand(),
        "architecture": state["arch"],
        "level": state["level"],
        "level of the cpu": state["found_level"],
        "found": list(state["found"]),
        "missing": [name for name in _cpu.names() if name not in found],
        "disabled": state["hidden"],
        "baseline": list(state["baseline"]),
        "dispatch": list(dispatch()),
        "functions": opt_func_info(),
        "functions are missing": _load_kernels(),
        "tuning": _tuning(),
        "warnings": state["warning"].splitlines(),
    }


def as_text(facts: dict[str, Any]) -> str:
    """The facts as lines for people."""
    import textwrap

    found = [name for name in facts["found"] if name not in facts["disabled"]]
    disabled: dict[str, list[str]] = {}
    for name, variable in facts["disabled"].items():
        disabled.setdefault(variable, []).append(name)
    level = facts["level"] or "none"
    if facts["level"] != facts["level of the cpu"]:
        level += f" (the CPU itself: {facts['level of the cpu']})"
    rows = [
        ("CPU", facts["cpu"] or "unknown"),
        ("architecture", facts["architecture"] or "not in the table of features"),
        ("level", level),
        ("features", " ".join(found) or "none"),
        ("missing", " ".join(facts["missing"]) or "none"),
    ]
    rows += [(f"disabled by {variable}", " ".join(names)) for variable, names in disabled.items()]
    rows += [
        ("baseline", " ".join(facts["baseline"]) or "none"),
        ("dispatch", " ".join(facts["dispatch"]) or "nothing beside the baseline"),
    ]
    if facts["tuning"]:
        rows.append(("tuning", _tuning_text(facts["tuning"])))
    width = 14
    lines = []
    for name, value in rows:
        head = f"{name:<{width - 1}} "
        if len(head) > width:
            lines.append(head.rstrip())
            head = " " * width
        lines += textwrap.wrap(
            value, 100, initial_indent=head, subsequent_indent=" " * width,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
    if facts["functions are missing"]:
        lines.append(f"kernels       cannot be loaded: {facts['functions are missing']}")
    return "\n".join(lines + _function_lines(facts["functions"]))


def _tuning_text(tuning: dict[str, Any]) -> str:
    """How far functions are chosen by measurement."""
    if not tuning["on"]:
        return "off: FULLSPEED_TUNE is 0"
    if tuning["file"] is None:
        return f"times are kept for this process only: {tuning['problem']}"
    return f"times of {len(tuning['times'])} kernels in {tuning['file']}"


def _function_lines(functions: dict[str, dict[str, dict[str, str]]]) -> list[str]:
    """What functions use: those which use the same together; with signatures where these differ."""
    import textwrap

    groups: dict[tuple[str, ...], dict[str, list[str]]] = {}
    for name, signatures in functions.items():
        for letters, row in signatures.items():
            key = tuple(re.sub(r"\(.*\)", "", value) for value in row.values())
            groups.setdefault(key, {}).setdefault(name, []).append(letters)
    lines = []
    for (current, available, how), names in groups.items():
        lines += ["", f"{current}, of {available}, chosen by {how}:"]
        words = [
            name if len(letters) == len(functions[name]) else f"{name}({','.join(letters)})"
            for name, letters in names.items()
        ]
        lines += textwrap.wrap(
            " ".join(words), 100, initial_indent=" " * 14, subsequent_indent=" " * 14,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
    return lines


def main(arguments: list[str] | None = None) -> int:
    """`python -m fullspeed.cpu`: what other projects ask when they are built."""
    import argparse

    parser = argparse.ArgumentParser(prog="python -m fullspeed.cpu", description=main.__doc__)
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--include", action="store_true", help="the folder of cpu_extension.h")
    way.add_argument("--meson-dir", action="store_true", help="the folder of cpu_build.py")
    way.add_argument("--report", action="store_true", help="what became of the build options")
    options = parser.parse_args(arguments)
    if options.report:
        with open(os.path.join(_HERE, "_cpu_build.txt"), encoding="utf-8") as file:
            print(file.read(), end="")
    else:
        print(os.path.join(_HERE, "include" if options.include else "cpu_build"))
    return 0


if __name__ == "__main__":
    import sys

    sys.exit(main())
