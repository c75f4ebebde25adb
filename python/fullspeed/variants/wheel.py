"""Several wheels of a project become one.

How it works: the baseline's wheel is copied file by file. Where it has an extension module that
is not the same at each level, the import stub takes its place, and the module as it was built for
the baseline and for each level goes beside it:

    pkg/_x.cpython-311-x86_64-linux-gnu.so                 the stub
    pkg/_x.cpython-311-x86_64-linux-gnu.baseline.so        what the project has without us
    pkg/_x.cpython-311-x86_64-linux-gnu.x86-64-v3.so       a variant

They stay in the module's folder, since RPATHs ($ORIGIN) and C code that looks for its own file
count on that; no import statement can reach a name with these dots in it.

What must stay true: names, tags, metadata and all other files are the baseline's, byte for byte;
RECORD has every file, so that `pip uninstall` leaves nothing; the result appears under its name
only when it is whole.
"""

import base64
import csv
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from fullspeed.variants import BuildError, elf, label

NOTES = "fullspeed-variants.json"
BASELINE = "baseline"


@dataclass
class Module:
    """An extension module of the wheels: its code by level, without those that change nothing."""

    path: str
    init: str
    baseline: bytes
    levels: dict[str, bytes] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """The path without .so."""
        return self.path.removesuffix(".so")


@dataclass
class Wheel:
    """A wheel's files, in order."""

    name: str
    files: dict[str, bytes]
    infos: dict[str, zipfile.ZipInfo]

    @property
    def dist_info(self) -> str:
        """The folder of its metadata."""
        (found,) = {
            name.partition("/")[0] for name in self.files if name.endswith(".dist-info/RECORD")
        }
        return found

    def seal(self) -> None:
        """Write RECORD anew, at the end; signatures of an older one go."""
        record = f"{self.dist_info}/RECORD"
        info = self.infos.pop(record)
        for path in (record, f"{record}.jws", f"{record}.p7s"):
            self.files.pop(path, None)
            self.infos.pop(path, None)
        self.files[record], self.infos[record] = _record(self.files, record), info


@dataclass
class Plain:
    """A file that is written beside wheels."""

    name: str
    data: bytes


def entry(name: str, like: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """What an archive says of a file that is new in it: as of another one."""
    info = zipfile.ZipInfo(name, like.date_time)
    info.external_attr = like.external_attr
    return info


def read(path: Path) -> Wheel:
    """Read a wheel; a BuildError if it is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = {info.filename: info for info in archive.infolist()}
            if len(infos) != len(archive.infolist()):
                raise BuildError(f"{path} has a file twice")
            files = {name: archive.read(name) for name in infos}
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise BuildError(f"{path} is no wheel: {error}") from None
    for name in files:
        if name.startswith("/") or ".." in PurePosixPath(name).parts or "\\" in name:
            raise BuildError(f"{path} has a file called {name!r}, outside of itself")
    if sum(name.endswith(".dist-info/RECORD") and name.count("/") == 1 for name in files) != 1:
        raise BuildError(f"{path} is no wheel: it has not one .dist-info/RECORD")
    return Wheel(path.name, files, infos)


def _init_name(path: str) -> str:
    """The init function that CPython looks for in a module of this file name (PEP 489)."""
    name = PurePosixPath(path).name.partition(".")[0]
    if name.isascii():
        return f"PyInit_{name}"
    return "PyInitU_" + name.encode("punycode").decode().replace("-", "_")


def modules(baseline: Wheel, levels: Mapping[str, Wheel]) -> tuple[list[Module], list[str]]:
    """The extension modules that have variants, and sentences about those that have none."""
    found, notes, libraries = [], [], {}
    for path, data in baseline.files.items():
        if data.startswith(elf.MAGIC):
            libraries[path] = elf.read(data, path)
            if libraries[path].machine != "EM_X86_64":
                raise BuildError(f"{path} is for {libraries[path].machine}: levels are x86-64's")
    linked = {name for library in libraries.values() for name in library.needed}
    for path, library in libraries.items():
        init = _init_name(path)
        if not path.endswith(".so") or init not in library.exported:
            notes.append(f"{path} is no extension module: the baseline's is for all levels")
            continue
        if PurePosixPath(path).name in linked:
            notes.append(f"{path} is linked with by other files: the baseline's is for all levels")
            continue
        module = Module(path, init, baseline.files[path])
        for level, wheel in levels.items():
            if path not in wheel.files:
                raise BuildError(f"the build for {level} made no {path}, the baseline's did")
            if wheel.files[path] != module.baseline:
                module.levels[level] = wheel.files[path]
        if module.levels:
            found.append(module)
        else:
            notes.append(f"{path} is the same at every level")
    return found, notes


def _record(files: Mapping[str, bytes], path: str) -> bytes:
    """The text of RECORD."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    for name, data in files.items():
        if name != path and not name.endswith("/"):
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            rows.writerow([name, f"sha256={digest}", len(data)])
    rows.writerow([path, "", ""])
    return text.getvalue().encode()


def merge(
    baseline: Wheel, chosen: list[Module], stubs: Mapping[str, bytes], notes: Mapping[str, object]
) -> Wheel:
    """The one wheel: stubs by the path of their module; notes go into its metadata."""
    record = f"{baseline.dist_info}/RECORD"
    by_path = {module.path: module for module in chosen}
    merged = Wheel(baseline.name, {}, {})

    def put(name: str, data: bytes, like: str) -> None:
        if name in merged.files or (name != like and name in baseline.files):
            raise BuildError(f"the project has a file of its own called {name}")
        merged.files[name], merged.infos[name] = data, entry(name, baseline.infos[like])

    for path, data in baseline.files.items():
        if path not in by_path:
            put(path, data, path)
            continue
        module = by_path[path]
        put(path, stubs[path], path)
        put(f"{module.stem}.{BASELINE}.so", module.baseline, path)
        for level, code in module.levels.items():
            put(f"{module.stem}.{label(level)}.so", code, path)
    text = json.dumps(notes, indent=2, sort_keys=True) + "\n"
    put(f"{baseline.dist_info}/{NOTES}", text.encode(), record)
    merged.seal()
    return merged


def _fill(wheel: Wheel | Plain, part: Path) -> None:
    """Write one file."""
    if isinstance(wheel, Plain):
        part.write_bytes(wheel.data)
        return
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in wheel.files.items():
            archive.writestr(wheel.infos[name], data, zipfile.ZIP_DEFLATED)


def write(wheels: Iterable[Wheel | Plain], folder: Path) -> list[Path]:
    """Write wheels into a folder: all of them, whole, or none."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = {folder / f".{one.name}.{os.getpid()}.part": one for one in wheels}
    try:
        for part, one in parts.items():
            _fill(one, part)
        for part, one in parts.items():
            os.replace(part, folder / one.name)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)
    return [folder / one.name for one in parts.values()]
