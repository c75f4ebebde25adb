"""The other forms of the result: a package per level (--split), and variant wheels (PEP 825).

How it works: with --split the project's own package has the stubs and the baseline, and each level
is a package that puts its variants beside them:

    ujson-6.1.0-cp311-cp311-linux_x86_64.whl            ujson: stubs, baseline, all other files
    ujson_x86_64_v3-6.1.0-cp311-cp311-linux_x86_64.whl  ujson-x86-64-v3: variants for v3

Variant wheels have no stub: an installer that knows PEP 825 chooses among

    ujson-6.1.0-cp311-cp311-linux_x86_64.whl            for the others
    ujson-6.1.0-cp311-cp311-linux_x86_64-x86_64_v3.whl  modules as built for v3
    ujson-6.1.0-variants.json                           what the labels mean; for the index

What must stay true: a level's package never meets stubs of another version: its variants have the
version in their names, and only those stubs that were made with them look for it.
"""

import email
import json
import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from fullspeed.variants import BuildError, label, wheel

SCHEMA = "https://variants-schema.wheelnext.dev/peps/825/v0.1.0.json"
NAMESPACE, FEATURE = "x86_64", "level"
# What a level's package has in its metadata as the project has it.
SAME = (
    "License", "License-Expression", "License-File", "Home-page", "Project-URL", "Author",
    "Author-email", "Maintainer", "Maintainer-email", "Platform", "Requires-Python",
)  # fmt: skip


def tag(baseline: wheel.Wheel) -> str:
    """What the names of a level's variants begin with where they are packages of their own."""
    version = baseline.name.split("-")[1]
    if not re.fullmatch(r"[A-Za-z0-9.!+_]+", version):
        raise BuildError(f"{baseline.name} has no version that could stand in a file's name")
    return f"{version}."


def _levels(chosen: Iterable[wheel.Module]) -> list[str]:
    return sorted({level for module in chosen for level in module.levels})


def _metadata(baseline: wheel.Wheel, level: str) -> tuple[str, bytes]:
    """The name, and the metadata, of a level's package."""
    own = email.message_from_bytes(baseline.files[f"{baseline.dist_info}/METADATA"])
    name = f"{own['Name']}-{label(level)}"
    lines = [f"Metadata-Version: {own['Metadata-Version']}", f"Name: {name}"]
    lines.append(f"Version: {own['Version']}")
    lines.append(f"Summary: The extension modules of {own['Name']}, for {label(level)}")
    lines += [f"{key}: {value}" for key, value in own.items() if key in SAME]
    lines.append(f"Requires-Dist: {own['Name']}=={own['Version']}")
    return name, ("\n".join(lines) + "\n").encode(errors="surrogateescape")


def _package(baseline: wheel.Wheel, chosen: list[wheel.Module], level: str) -> wheel.Wheel:
    """The package of one level."""
    name, metadata = _metadata(baseline, level)
    parts = baseline.name.split("-")
    parts[0] += "_" + label(level).replace("-", "_")
    info = f"{parts[0]}-{parts[1]}.dist-info"
    made = wheel.Wheel("-".join(parts), {}, {})

    def put(path: str, data: bytes, like: str) -> None:
        made.files[path] = data
        made.infos[path] = wheel.entry(path, baseline.infos[like])

    for module in chosen:
        if level in module.levels:
            path = f"{module.stem}.{tag(baseline)}{label(level)}.so"
            put(path, module.levels[level], module.path)
    for path, data in baseline.files.items():
        folder, _, rest = path.partition("/")
        if folder == baseline.dist_info and (
            rest == "WHEEL" or rest.startswith(("licenses/", "LICEN", "COPYING", "NOTICE"))
        ):
            put(f"{info}/{rest}", data, path)
    record = f"{baseline.dist_info}/RECORD"
    put(f"{info}/METADATA", metadata, record)
    put(f"{info}/RECORD", b"", record)
    made.seal()
    return made


def split(
    baseline: wheel.Wheel,
    chosen: list[wheel.Module],
    stubs: dict[str, bytes],
    notes: dict[str, Any],
) -> list[wheel.Wheel]:
    """The project's package, and those of the levels."""
    bare = [wheel.Module(module.path, module.init, module.baseline) for module in chosen]
    made = [_package(baseline, chosen, level) for level in _levels(chosen)]
    notes = notes | {"tag": tag(baseline)} if made else notes
    return [wheel.merge(baseline, bare, stubs, notes), *made]


def _variant_json(levels: list[str]) -> bytes:
    """What the labels of levels mean, as PEP 825 has it."""
    facts = {
        "$schema": SCHEMA,
        "default-priorities": {"namespace": [NAMESPACE]},
        "variants": {f"{NAMESPACE}_{level}": {NAMESPACE: {FEATURE: [level]}} for level in levels},
    }
    return (json.dumps(facts, indent=2) + "\n").encode()


def variant_wheels(
    baseline: wheel.Wheel, chosen: list[wheel.Module], notes: dict[str, Any]
) -> list[wheel.Wheel | wheel.Plain]:
    """The project's wheel as it is, a wheel for each level, and the file for the index."""
    made: list[wheel.Wheel | wheel.Plain] = [baseline]
    levels = _levels(chosen)
    for level in levels:
        code = {module.path: module.levels.get(level, module.baseline) for module in chosen}
        name = f"{baseline.name.removesuffix('.whl')}-{NAMESPACE}_{level}.whl"
        files = {path: code.get(path, data) for path, data in baseline.files.items()}
        one = wheel.Wheel(name, files, dict(baseline.infos))
        own = notes | {"modules": {}, "levels": [level], "variant wheel": level}
        for extra, data in (
            ("variant.json", _variant_json([level])),
            (wheel.NOTES, (json.dumps(own, indent=2, sort_keys=True) + "\n").encode()),
        ):
            path = str(PurePosixPath(baseline.dist_info) / extra)
            one.files[path] = data
            one.infos[path] = wheel.entry(path, baseline.infos[f"{baseline.dist_info}/RECORD"])
        one.seal()
        made.append(one)
    if levels:
        name, version = baseline.name.split("-")[:2]
        made.append(wheel.Plain(f"{name}-{version}-variants.json", _variant_json(levels)))
    return made
