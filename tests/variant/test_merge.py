"""Several wheels become one: names, RECORD, what is left alone, and bad input."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import stat
import zipfile
from pathlib import Path

import pytest
import variant_tools as tools
from fullspeed.variants import BuildError, elf, source, wheel
from fullspeed.variants.build import read_levels, read_settings

PATH = f"pack/_x{tools.SUFFIX}"


def test_names_and_record(stubs: object, multi: dict[str, bytes], tmp_path: Path) -> None:
    others = {"pack/data,1.txt": b"data", "pack/__init__.py": b""}
    merged = tools.merge(stubs, PATH, multi, **others)
    stem = PATH.removesuffix(".so")
    assert merged.files[f"{stem}.baseline.so"] == multi["baseline"]
    for level in tools.LEVELS:
        assert merged.files[f"{stem}.x86-64-{level}.so"] == multi[level]
    assert elf.read(merged.files[PATH], PATH).inits == ["PyInit__x"]
    (path,) = wheel.write([merged], tmp_path / "new" / "dist")
    assert list(path.parent.iterdir()) == [path]
    assert path.name == "pack-1.0-cp311-cp311-linux_x86_64.whl"
    with zipfile.ZipFile(path) as archive:
        rows = list(csv.reader(io.StringIO(archive.read("pack-1.0.dist-info/RECORD").decode())))
        assert sorted(row[0] for row in rows) == sorted(archive.namelist())
        assert archive.namelist()[-1] == "pack-1.0.dist-info/RECORD"
        for name, digest, size in rows[:-1]:
            data = archive.read(name)
            sha = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            assert (digest, size) == (f"sha256={sha}", str(len(data)))
        info = archive.getinfo(f"{stem}.x86-64-v3.so")
        assert stat.S_IMODE(info.external_attr >> 16) == 0o644
    assert wheel.read(path).files == merged.files


def test_what_is_left_alone(multi: dict[str, bytes], tmp_path: Path) -> None:
    """Libraries that are no modules, modules that others are linked with or that do not differ."""
    plain = tmp_path / "plain.c"
    plain.write_text("int plain(void); int plain(void) { return 1; }\n")
    library = tools.compile_module(plain, tmp_path / "libplain.so")
    linked = tmp_path / "linked.so"
    flags = [f"-L{tmp_path}", "-Wl,--no-as-needed", "-l:_base.so", "-Wl,-soname,linked.so"]
    base = tools.compile_module(
        tools.HERE / "module_multi.c", tmp_path / "_base.so", '-DLEVEL="b"', "-DNAME=_base"
    )
    tools.compile_module(plain, linked, *flags)
    files = {
        "pack/libplain.so": library,
        "pack/_base.so": base,
        "pack/linked.so": linked.read_bytes(),
        "pack/_x.so": multi["baseline"],
    }
    same = {level: tools.make_wheel(files) for level in tools.LEVELS}
    chosen, notes = wheel.modules(tools.make_wheel(files), same)
    assert chosen == []
    assert "pack/libplain.so is no extension module" in notes[0]
    assert "pack/_base.so is linked with by other files" in notes[1]
    assert "pack/_x.so is the same at every level" in notes[3]
    one = tools.make_wheel(files | {"pack/_x.so": multi["v3"]})
    chosen, _ = wheel.modules(tools.make_wheel(files), same | {"v3": one})
    assert [(module.path, list(module.levels)) for module in chosen] == [("pack/_x.so", ["v3"])]


def test_levels_differ(multi: dict[str, bytes]) -> None:
    baseline = tools.make_wheel({PATH: multi["baseline"]})
    with pytest.raises(BuildError, match="the build for v3 made no pack/_x"):
        wheel.modules(baseline, {"v3": tools.make_wheel({})})


def test_foreign_and_damaged_code(multi: dict[str, bytes]) -> None:
    data = bytearray(multi["baseline"])
    data[18:20] = b"\xb7\0"
    with pytest.raises(BuildError, match="EM_AARCH64"):
        wheel.modules(tools.make_wheel({PATH: bytes(data)}), {})
    for length in (4, 20, 64, 1000, len(data) - 100):
        with pytest.raises(BuildError, match="_x.* is a damaged ELF file"):
            wheel.modules(tools.make_wheel({PATH: multi["baseline"][:length]}), {})


def test_name_is_taken(stubs: object, multi: dict[str, bytes]) -> None:
    taken = PATH.removesuffix(".so") + ".baseline.so"
    with pytest.raises(BuildError, match="the project has a file of its own called"):
        tools.merge(stubs, PATH, multi, **{taken: b"x"})


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "a\\b"])
def test_hostile_names_in_a_wheel(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bad.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bad-1.dist-info/RECORD", "")
        archive.writestr(name, "x")
    with pytest.raises(BuildError, match="outside of itself"):
        wheel.read(path)


def test_no_wheel(tmp_path: Path) -> None:
    path = tmp_path / "x.whl"
    path.write_bytes(b"PK\3\4 nothing")
    with pytest.raises(BuildError, match="is no wheel"):
        wheel.read(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.py", "")
    with pytest.raises(BuildError, match="RECORD"):
        wheel.read(path)


def test_nothing_half_written(stubs: object, multi: dict[str, bytes], tmp_path: Path) -> None:
    merged = tools.merge(stubs, PATH, multi)
    merged.files["late"] = None  # writing it fails
    merged.infos["late"] = zipfile.ZipInfo("late")
    with pytest.raises(TypeError):
        wheel.write([tools.make_wheel({}, "first"), merged], tmp_path)
    assert list(tmp_path.iterdir()) == []


def tar_with(path: Path, name: str, **attributes: object) -> Path:
    import tarfile

    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo(name)
        for key, value in attributes.items():
            setattr(member, key, value)
        archive.addfile(member, io.BytesIO())
    return path


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("../x", {}),
        ("/x", {}),
        ("p/x", {"type": b"2", "linkname": "../../x"}),
        ("p/x", {"type": b"2", "linkname": "/etc/passwd"}),
        ("p/x", {"type": b"1", "linkname": "../x"}),
        ("p/x", {"type": b"6"}),
    ],
)
def test_hostile_archives(tmp_path: Path, name: str, attributes: dict) -> None:
    path = tar_with(tmp_path / "p.tar.gz", name, **attributes)
    with pytest.raises(BuildError):
        source.unpack(path, tmp_path / "out")
    assert not (tmp_path / "x").exists()


def test_damaged_archive(tmp_path: Path) -> None:
    path = tmp_path / "p.tar.gz"
    path.write_bytes(b"\x1f\x8b\x08nothing")
    with pytest.raises(BuildError, match="is damaged"):
        source.unpack(path, tmp_path / "out")


def test_options() -> None:
    assert read_levels("v3, x86-64-v2,v3") == ["v2", "v3"]
    assert read_settings(["a=1", "b=x=y", "a=2", "a=3"]) == {"a": ["1", "2", "3"], "b": "x=y"}
    for text in ("v1", "v5", "", "v2;v3"):
        with pytest.raises(ValueError, match="levels are v2, v3, v4"):
            read_levels(text)
    with pytest.raises(ValueError, match="KEY=VALUE"):
        read_settings(["x"])
