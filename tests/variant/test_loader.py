"""fullspeed.loader: which variant an import takes, and that all else is as without the hook."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import variant_tools as tools

NAME = f"_x{tools.SUFFIX}"
INSTALL = "import fullspeed.loader as loader; assert loader.install()\n"
IMPORT = INSTALL + "from pack import _x; print(_x.level())"
FOLDERS = {f"glibc-hwcaps/x86-64-{level}/{NAME}": level for level in tools.LEVELS}
SUFFIXES = {f"{NAME}.avx2": "v3", f"{NAME}.avx512": "v4"}
V3 = {"FULLSPEED_DISABLE_CPU_FEATURES": "X86_V4"}


def lay_out(
    site: Path, code: dict[str, bytes], places: dict[str, str], package: str = "pack"
) -> Path:
    """A package with a module and its variants at some places."""
    folder = site / package if package else site
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    for name, level in {NAME: "baseline", **places}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(code[level])
    return site


@pytest.fixture
def site(multi: dict[str, bytes], tmp_path: Path) -> Path:
    """As glibc has it."""
    return lay_out(tmp_path / "site", multi, FOLDERS)


@pytest.fixture
def v3(site: Path, best: int) -> Path:
    """The variant that the tests of bad files damage."""
    if best < 3:
        pytest.skip("this CPU has no x86-64-v3")
    return site / "pack" / "glibc-hwcaps" / "x86-64-v3" / NAME


@pytest.mark.parametrize(
    ("variables", "most"),
    [
        ({}, 4),
        ({"FULLSPEED_DISABLE_CPU_FEATURES": "X86_V4"}, 3),
        ({"FULLSPEED_DISABLE_CPU_FEATURES": "avx512f"}, 3),
        ({"FULLSPEED_DISABLE_CPU_FEATURES": "FMA3"}, 2),
        ({"FULLSPEED_ENABLE_CPU_FEATURES": "X86_V2"}, 2),
        ({"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-ERMS"}, 2),
    ],
)
def test_level(site: Path, best: int, variables: dict[str, str], most: int) -> None:
    assert tools.output(site, IMPORT, **variables) == f"v{min(best, most)}"


@pytest.mark.parametrize(
    ("disabled", "found"),
    [
        ("", "v4"),
        ("AVX512BW", "v3"),
        ("AES", "v3"),
        ("PCLMULQDQ", "baseline"),
        ("BMI2", "baseline"),
    ],
)
def test_clear_linux(
    multi: dict[str, bytes], tmp_path: Path, best: int, disabled: str, found: str
) -> None:
    if best < 4:
        pytest.skip("this CPU has no x86-64-v4")
    site = lay_out(tmp_path / "site", multi, SUFFIXES)
    variables = {"FULLSPEED_DISABLE_CPU_FEATURES": disabled} if disabled else {}
    assert tools.output(site, IMPORT, **variables) == found


def test_order(multi: dict[str, bytes], tmp_path: Path, best: int) -> None:
    """The higher level first, of the same level glibc's folder first."""
    if best < 3:
        pytest.skip("this CPU has no x86-64-v3")
    marked = {**multi, "here": multi["v3"], "not": multi["v2"]}
    places = {f"glibc-hwcaps/x86-64-v3/{NAME}": "here", f"{NAME}.avx2": "not"}
    assert tools.output(lay_out(tmp_path / "a", marked, places), IMPORT, **V3) == "v3"
    places = {f"glibc-hwcaps/x86-64-v2/{NAME}": "not", f"{NAME}.avx2": "here"}
    assert tools.output(lay_out(tmp_path / "b", marked, places), IMPORT, **V3) == "v3"


def test_without_variants(multi: dict[str, bytes], tmp_path: Path) -> None:
    site = lay_out(tmp_path / "site", multi, {})
    assert tools.output(site, IMPORT + "; print(loader.loaded())") == "baseline\n{}"


def test_a_folder_alone_is_no_module(multi: dict[str, bytes], tmp_path: Path) -> None:
    """Nothing is found that would not be found without the hook."""
    site = lay_out(tmp_path / "site", multi, FOLDERS)
    (site / "pack" / NAME).unlink()
    done = tools.python(site, IMPORT)
    assert "ImportError: cannot import name '_x'" in done.stderr
    text = (
        INSTALL
        + "import pkgutil, pack; print([m.name for m in pkgutil.iter_modules(pack.__path__)])"
    )
    assert tools.output(site, text) == "[]"


def test_wrong_variable(site: Path) -> None:
    done = tools.python(site, IMPORT, FULLSPEED_DISABLE_CPU_FEATURES="SSE99")
    assert (
        "ValueError: the environment's FULLSPEED_DISABLE_CPU_FEATURES names 'SSE99'" in done.stderr
    )


LOOKS = """
import importlib.util, inspect, pkgutil, types
import pack
from pack import _x
spec = _x.__spec__
print(_x.__file__, spec.origin, spec.name, spec.has_location, spec.cached, spec.parent)
print(type(_x), _x.__name__, _x.__package__, sorted(vars(_x)), repr(_x))
loader_ = spec.loader
print(_x.__loader__ is loader_, loader_.name, loader_.path, loader_.is_package('_x'))
print(importlib.util.find_spec('pack._x').origin, inspect.getfile(_x))
print([(m.name, m.ispkg) for m in pkgutil.walk_packages(pack.__path__, 'pack.')])
print(_x.calls(), sys.modules['pack._x'] is _x)
"""


def test_module_looks_as_without(site: Path, best: int) -> None:
    text = INSTALL + LOOKS + "print(_x.level(), loader.loaded()['pack._x'][-len({0!r}):])"
    with_hook = tools.output(site, text.format(NAME)).splitlines()
    assert with_hook.pop() == f"v{best} {NAME}"
    assert with_hook == tools.output(site, LOOKS).splitlines()


def test_reload_and_caches(site: Path, multi: dict[str, bytes], best: int) -> None:
    late = site / "pack" / f"_late{tools.SUFFIX}"
    text = (
        INSTALL
        + f"""
import importlib, pack, shutil
from pack import _x
assert importlib.reload(_x) is _x and _x.level() == 'v{best}'
try:
    import pack._late
except ImportError as error:
    assert 'PyInit' not in str(error)
shutil.copy({str(site / "pack" / NAME)!r}, {str(late)!r})
importlib.invalidate_caches()
try:
    import pack._late          # found, and has another module's init function
except ImportError as error:
    print('PyInit__late' in str(error))
del sys.modules['pack._x'], pack._x
from pack import _x
print(_x.level(), _x.__file__ == {str(site / "pack" / NAME)!r})
"""
    )
    assert tools.output(site, text) == f"True\nv{best} True"


def test_single_phase_and_interpreters(tmp_path: Path, best: int) -> None:
    code = tools.at_levels(tmp_path, "module_single.c", "_x", "-DSIZE=-1")
    site = lay_out(tmp_path / "site", code, FOLDERS)
    text = IMPORT + (
        "\nimport importlib, pack; print(_x.__file__ == _x.__spec__.origin)\n"
        "importlib.reload(_x); print(_x.level(), _x.__file__ == _x.__spec__.origin)\n"
        "import _xxsubinterpreters as subs; sub = subs.create()\n"
        f"subs.run_string(sub, '''import sys; sys.path[:] = {{sys.path!r}}\n'''\n"
        "    .replace('{sys.path!r}', repr(sys.path)) + '''\n"
        "import fullspeed.loader as loader; assert not loader.is_installed() and loader.install()\n"
        f"from pack import _x; assert _x.level() == 'v{best}', _x.level()''')\n"
        "subs.destroy(sub); print('end')"
    )
    assert tools.output(site, text).split() == [f"v{best}", "True", f"v{best}", "True", "end"]


def test_package_in_machine_code(tmp_path: Path, best: int) -> None:
    """__init__ may be an extension module; it is a package, and its folder the variants'."""
    code = tools.at_levels(tmp_path, "module_multi.c", "deep")
    init = f"__init__{tools.SUFFIX}"
    places = {init: "baseline", f"glibc-hwcaps/x86-64-v2/{init}": "v2"}
    site = lay_out(tmp_path / "site", code, places, "deep")
    (site / "deep" / "__init__.py").unlink()
    (site / "deep" / "plain.py").write_text("x = 1\n")
    text = INSTALL + "import deep, deep.plain; print(deep.level(), deep.plain.x, deep.__path__)"
    assert tools.output(site, text) == f"v2 1 ['{site}/deep']"


def test_namespace_packages(multi: dict[str, bytes], tmp_path: Path, best: int) -> None:
    for half in ("a", "b"):
        lay_out(tmp_path / half, multi, FOLDERS if half == "a" else {}, "space/" + half)
    text = INSTALL + (
        f"sys.path.append({str(tmp_path / 'b')!r})\n"
        "import space.a._x, space.b._x\n"
        "print(space.a._x.level(), space.b._x.level(), space.__file__, len(space.__path__))"
    )
    assert tools.output(tmp_path / "a", text) == f"v{best} baseline None 2"


def test_zip_files(site: Path, tmp_path: Path, best: int) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("zipped.py", "where = __loader__.__class__.__name__\n")
    text = f"sys.path.insert(0, {str(tmp_path / 'a.zip')!r})\n{IMPORT}\n"
    assert tools.output(site, text + "import zipped; print(zipped.where)").split() == [
        f"v{best}",
        "zipimporter",
    ]


def test_other_hooks_come_first(site: Path) -> None:
    """Tools which put a hook in front of CPython's (checkers of types) keep their place."""
    text = """
import fullspeed.loader as loader
from importlib.machinery import FileFinder, SourceFileLoader, SOURCE_SUFFIXES
class Loader(SourceFileLoader):
    pass
mine = FileFinder.path_hook((Loader, SOURCE_SUFFIXES))
sys.path_hooks.insert(0, mine)
before = list(sys.path_hooks)
assert loader.install() and loader.install() and len(sys.path_hooks) == len(before) + 1
import pack
print(type(pack.__loader__).__name__)
assert loader.uninstall() and sys.path_hooks == before and not loader.uninstall()
sys.path_hooks.clear()
try:
    loader.install()
except RuntimeError as error:
    print(error)
"""
    lines = tools.output(site, text).splitlines()
    assert lines[0] == "Loader" and "is not in sys.path_hooks" in lines[1]


def test_uninstall(site: Path, best: int) -> None:
    text = IMPORT + (
        "; loader.uninstall(); del sys.modules['pack._x'], sys.modules['pack']\n"
        "import pack._x; print(pack._x.level(), loader.is_installed())\n"
        "print([p for p, f in sys.path_importer_cache.items() if 'Finder' in type(f).__name__ and "
        "type(f).__name__ != 'FileFinder'])"
    )
    assert tools.output(site, text).splitlines() == [f"v{best}", "baseline False", "[]"]


@pytest.mark.parametrize("variable", ["FULLSPEED", "FULLSPEED_LOADER"])
def test_off(site: Path, variable: str) -> None:
    text = "import fullspeed.loader as loader; print(loader.install(), loader.is_installed())\n"
    text += "from pack import _x; print(_x.level())"
    assert tools.output(site, text, **{variable: "0"}) == "False False\nbaseline"


def test_under_run(site: Path, best: int) -> None:
    """FULLSPEED_LOADER=1 is for programs that `fullspeed run` starts, and their children."""
    (site / "app.py").write_text(
        "import multiprocessing\n"
        "from pack import _x\n"
        "def level(_): return _x.level()\n"
        "if __name__ == '__main__':\n"
        "    print(_x.level())\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.map(level, [0])[0])\n"
    )
    found = {}
    for value in ("", "0", "1"):
        done = tools.command("run", "-m", "app", PYTHONPATH=str(site), FULLSPEED_LOADER=value)
        assert (done.returncode, done.stderr) == (0, "")
        found[value] = done.stdout.split()
    assert found == {"": ["baseline"] * 2, "0": ["baseline"] * 2, "1": [f"v{best}"] * 2}
    done = tools.command("run", "-m", "app", PYTHONPATH=str(site), FULLSPEED_LOADER="2")
    assert done.returncode == 125 and "FULLSPEED_LOADER" in done.stderr


EMBED = """
#include <Python.h>
int main(int count, char **words)
{
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    PyConfig_SetBytesString(&config, &config.program_name, words[1]);
    config.site_import = 0;
    if (PyStatus_Exception(Py_InitializeFromConfig(&config))) return 3;
    int failed = PyRun_SimpleString(words[2]);
    return Py_FinalizeEx() < 0 || failed || count != 3;
}
"""


def test_embedding(site: Path, tmp_path: Path, best: int) -> None:
    """An isolated interpreter in a C program, without site."""
    import fullspeed

    (tmp_path / "embed.c").write_text(EMBED)
    config = Path("/usr/bin/python3.11-config")
    if not config.exists():
        pytest.skip("there is no python3.11-config")
    words = subprocess.check_output(
        [config, "--includes", "--ldflags", "--embed"], text=True
    ).split()
    program = tmp_path / "embed"
    subprocess.run(["gcc", tmp_path / "embed.c", "-o", program, *words], check=True)
    home = Path(fullspeed.__file__).parents[1]
    text = f"import sys; sys.path += [{str(home)!r}, {str(site)!r}]\n{IMPORT}"
    done = subprocess.run(
        [program, "/usr/bin/python3.11", text], env=tools.CLEAN, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.strip()) == (0, f"v{best}"), done.stderr


def test_more_rights_than_the_user(site: Path, tmp_path: Path, best: int) -> None:
    """A program with more rights than its caller does not see the variables of features."""
    import fullspeed
    from more_rights import python_with_more_rights

    words, more = python_with_more_rights(tmp_path)
    home = Path(fullspeed.__file__).parents[1]
    text = f"import sys; sys.path += [{str(home)!r}, {str(site)!r}]\n{IMPORT}"
    done = subprocess.run(
        [*words, more, "-S", "-c", text],
        env=tools.CLEAN | {"FULLSPEED_DISABLE_CPU_FEATURES": "X86_V3"},
        capture_output=True, text=True, cwd="/",
    )  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, f"v{best}"), done.stderr


# ---- variants that cannot be loaded ----


def next_best(v3: Path, reason: str) -> None:
    """v2 is loaded, and a warning, which is not shown by itself, says why."""
    site = v3.parents[3]
    assert tools.output(site, IMPORT, **V3) == "v2"
    done = tools.python(site, IMPORT, "-Wdefault", **V3)
    assert done.stdout.strip() == "v2"
    assert f"ImportWarning: {site}/pack/{NAME} passed over a variant of itself: " in done.stderr
    assert f"glibc-hwcaps/x86-64-v3/{NAME}: {reason}" in done.stderr


def test_truncated(v3: Path) -> None:
    """At any length: the loader itself would die of SIGBUS."""
    whole = v3.read_bytes()
    for length in (0, 63, 64, 700, 5000):
        v3.write_bytes(whole[:length])
        assert tools.output(v3.parents[3], IMPORT, **V3) == "v2", length
    next_best(v3, "truncated")


def test_another_architecture(v3: Path) -> None:
    data = bytearray(v3.read_bytes())
    data[18:20] = b"\xb7\0"
    v3.write_bytes(data)
    next_best(v3, "built for another architecture")


def test_without_init(v3: Path, tmp_path: Path) -> None:
    source = tmp_path / "empty.c"
    source.write_text("int nothing(void); int nothing(void) { return 1; }\n")
    tools.compile_module(source, v3)
    next_best(v3, "dynamic module does not define module export function (PyInit__x)")


def test_undefined_symbol(v3: Path, tmp_path: Path) -> None:
    source = tmp_path / "lacks.c"
    source.write_text("int lacking(void); int PyInit__x(void) { return lacking(); }\n")
    tools.compile_module(source, v3)
    next_best(v3, "undefined symbol: lacking")


def test_not_a_file(v3: Path) -> None:
    v3.unlink()
    v3.mkdir()
    next_best(v3, "not a file")


def test_warning_as_error(v3: Path) -> None:
    v3.write_bytes(b"")
    done = tools.python(v3.parents[3], IMPORT, "-Werror::ImportWarning", **V3)
    assert done.returncode == 1 and "ImportWarning" in done.stderr


@pytest.mark.parametrize("what", ["file", "level", "hwcaps"])
def test_link_out_of_the_package(v3: Path, tmp_path: Path, what: str) -> None:
    """No link on the way to the variant may lead elsewhere."""
    place = {"file": v3, "level": v3.parent, "hwcaps": v3.parents[1]}[what]
    outside = tmp_path / "outside" / place.name
    outside.parent.mkdir()
    place.rename(outside)
    place.symlink_to(outside)
    if what == "hwcaps":
        assert tools.output(v3.parents[3], IMPORT, **V3) == "baseline"
    else:
        next_best(v3, "a link to another folder")


def test_link_to_nowhere(v3: Path) -> None:
    v3.unlink()
    v3.symlink_to("gone")
    next_best(v3, "a link to nowhere")


def test_all_files_are_links(v3: Path, tmp_path: Path) -> None:
    """As installers make them that keep one copy of all packages; and a link to the package."""
    site, cache = v3.parents[3], tmp_path / "cache"
    site.rename(cache)
    for path in [p for p in cache.rglob("*") if p.is_file()]:
        link = site / path.relative_to(cache)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
    assert tools.output(site, IMPORT, **V3) == "v3"
    other = tmp_path / "other"
    other.mkdir()
    (other / "pack").symlink_to(cache / "pack")
    assert tools.output(other, IMPORT, **V3) == "v3"


def test_error_of_the_module(tmp_path: Path, best: int) -> None:
    """Once code of a variant has run, no other is tried."""
    source = tmp_path / "raises.c"
    source.write_text(
        "#include <Python.h>\n"
        "PyMODINIT_FUNC PyInit__x(void)\n"
        '{ puts("ran " LEVEL); fflush(stdout);\n'
        '  PyErr_SetString(PyExc_ImportError, "the module\'s own reason"); return NULL; }\n'
    )
    code = {
        level: tools.compile_module(source, tmp_path / "x.so", f'-DLEVEL="{level}"')
        for level in ("baseline", *tools.LEVELS)
    }
    done = tools.python(lay_out(tmp_path / "site", code, FOLDERS), IMPORT)
    assert done.stdout.split() == ["ran", f"v{best}"]
    assert done.stderr.strip().endswith("ImportError: the module's own reason")


def test_choose(site: Path, best: int) -> None:
    module = site / "pack" / NAME
    text = f"""
import fullspeed.loader as loader
from pathlib import Path
choice = loader.choose(Path({str(module)!r}))
print(choice.module == {str(module)!r}, choice.used, choice.passed_over)
print(sorted(n for n in sys.modules if n.endswith('_x')))
"""
    used = f"{site}/pack/glibc-hwcaps/x86-64-v{best}/{NAME}"
    assert tools.output(site, text) == f"True {used} {{}}\n[]"


def test_command(v3: Path) -> None:
    site = v3.parents[3]
    v3.write_bytes(b"")
    done = subprocess.run(
        [sys.executable, "-m", "fullspeed.loader", "pack._x", "json", "gone.x"],
        env=tools.CLEAN | V3 | {"PYTHONPATH": str(site)}, capture_output=True, text=True, cwd="/",
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        f"pack._x: {site}/pack/glibc-hwcaps/x86-64-v2/{NAME}",
        f"  passed over {v3}: truncated",
    ]
    assert done.returncode == 1
    assert "fullspeed: json: not an extension module in a file" in done.stderr
    assert "fullspeed: gone.x: No module named 'gone'" in done.stderr
