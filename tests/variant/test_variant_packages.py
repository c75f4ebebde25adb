"""Packages per level, and variant wheels: names, metadata, and what never meets."""

from __future__ import annotations

import csv
import email
import io
import json
import re
from pathlib import Path

import pytest
import variant_tools as tools
from fullspeed.variants import BuildError, packages, wheel
from fullspeed.variants.stub import StubCompiler

PATH = f"pack/_x{tools.SUFFIX}"
STEM = PATH.removesuffix(".so")
IMPORT = "from pack import _x; print(_x.level())"
OTHERS = {
    "pack/__init__.py": b"",
    "pack-1.0.dist-info/licenses/LICENSE": b"do as you like\n",
}


def made(stubs: StubCompiler, code: dict[str, bytes], name: str = "") -> list[wheel.Wheel]:
    """The split wheels; name: another file name of the project's wheel."""
    baseline, chosen = tools.plain(PATH, code, **OTHERS)
    baseline.files["pack-1.0.dist-info/METADATA"] += b"License: mine\nClassifier: x\n\nlong text\n"
    baseline.name = name or baseline.name
    tag = packages.tag(baseline)
    stubs = {one.path: stubs.make(one.init, one.levels, tag) for one in chosen}
    return packages.split(baseline, chosen, stubs, {"version": 1})


def check_record(one: wheel.Wheel) -> None:
    rows = list(csv.reader(io.StringIO(one.files[f"{one.dist_info}/RECORD"].decode())))
    assert sorted(row[0] for row in rows) == sorted(one.files) == sorted(one.infos)


def test_split(stubs: StubCompiler, multi: dict[str, bytes]) -> None:
    base, *levels = made(stubs, multi)
    assert [one.name for one in levels] == [
        f"pack_x86_64_{level}-1.0-cp311-cp311-linux_x86_64.whl" for level in tools.LEVELS
    ]
    assert not any("x86-64" in path for path in base.files)
    assert base.files[f"{STEM}.baseline.so"] == multi["baseline"]
    v3 = levels[1]
    assert set(v3.files) == {
        f"{STEM}.1.0.x86-64-v3.so",
        *(f"pack_x86_64_v3-1.0.dist-info/{name}" for name in ("WHEEL", "METADATA", "RECORD")),
        "pack_x86_64_v3-1.0.dist-info/licenses/LICENSE",
    }
    for one in (base, *levels):
        check_record(one)
    facts = email.message_from_bytes(v3.files[f"{v3.dist_info}/METADATA"])
    assert facts["Name"] == "pack-x86-64-v3" and facts["Requires-Dist"] == "pack==1.0"
    assert (facts["Version"], facts["License"], facts["Classifier"]) == ("1.0", "mine", None)


def test_levels_that_are_installed(
    stubs: StubCompiler, multi: dict[str, bytes], best: int, tmp_path: Path
) -> None:
    base, v2, v3, _ = made(stubs, multi)
    site = tools.install(base, tmp_path)
    assert tools.output(site, IMPORT, "-Wdefault") == "baseline"
    if best >= 2:
        tools.install(v2, site)
        assert tools.output(site, IMPORT, "-Wdefault") == "v2"
    if best >= 3:
        tools.install(v3, site)
        assert tools.output(site, IMPORT, "-Wdefault") == "v3"
        path = site / f"{STEM}.1.0.x86-64-v3.so"
        path.write_bytes(path.read_bytes()[:1000])
        done = tools.python(site, IMPORT, "-Wdefault")
        assert done.stdout.strip() == "v2" and "v3.so: truncated" in done.stderr


def test_another_version_is_not_loaded(
    stubs: StubCompiler, multi: dict[str, bytes], tmp_path: Path
) -> None:
    site = tools.install(made(stubs, multi)[0], tmp_path)
    for one in made(stubs, multi, "pack-1.1-cp311-cp311-linux_x86_64.whl")[1:]:
        tools.install(one, site)
    assert len(list((site / "pack").glob("*1.1.x86-64-v*"))) == 3
    assert tools.output(site, IMPORT, "-Wdefault") == "baseline"


def test_hostile_version(stubs: StubCompiler, multi: dict[str, bytes]) -> None:
    with pytest.raises(BuildError, match="no version that could stand in a file's name"):
        made(stubs, multi, 'pack-1"+x-cp311-cp311-linux_x86_64.whl')


def test_variant_wheels(multi: dict[str, bytes]) -> None:
    baseline, chosen = tools.plain(PATH, multi, **OTHERS)
    plain, *levels, index = packages.variant_wheels(baseline, chosen, {"flags": {}})
    assert plain is baseline and index.name == "pack-1.0-variants.json"
    for level, one in zip(tools.LEVELS, levels, strict=True):
        head, _, label = one.name.removesuffix(".whl").rpartition("-")
        assert f"{head}.whl" == baseline.name and label == f"x86_64_{level}"
        assert re.fullmatch("[0-9a-z_.]{1,16}", label)
        assert one.files[PATH] == multi[level]
        facts = json.loads(one.files["pack-1.0.dist-info/variant.json"])
        assert facts["variants"] == {label: {"x86_64": {"level": [level]}}}
        assert facts["default-priorities"] == {"namespace": ["x86_64"]}
        assert set(facts) == {"$schema", "default-priorities", "variants"}
        check_record(one)
        everything = json.loads(index.data)
        assert everything["variants"][label] == facts["variants"][label]
        assert everything | {"variants": facts["variants"]} == facts
    assert list(everything["variants"]) == [f"x86_64_{level}" for level in tools.LEVELS]


def test_nothing_pays(stubs: StubCompiler, multi: dict[str, bytes]) -> None:
    baseline, _ = tools.plain(PATH, multi)
    assert packages.variant_wheels(baseline, [], {}) == [baseline]
    (alone,) = packages.split(baseline, [], {}, {})
    assert alone.files[PATH] == multi["baseline"]
