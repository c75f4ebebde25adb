"""A small extension project, and running `fullspeed pgo` on it."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

FULLSPEED = Path(sys.executable).parent / "fullspeed"
CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("FULLSPEED", "GCOV", "LLVM_PROFILE", "PYTHON", "CC", "CXX", "CFLAGS"))
}
SPIN = """
#include <Python.h>
#include "spin.h"
static PyObject *spin(PyObject *m, PyObject *n)
{
    (void)m;
    long count = PyLong_AsLong(n), found;
    if (count == -1 && PyErr_Occurred()) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    found = spin_count(count);
    Py_END_ALLOW_THREADS
    return PyLong_FromLong(found);
}
static PyObject *idle(PyObject *m, PyObject *n)
{
    (void)m, (void)n;
    return PyLong_FromLong(spin_never(3));
}
static PyMethodDef methods[] = {
    {"spin", spin, METH_O, NULL}, {"idle", idle, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef def = {
    PyModuleDef_HEAD_INIT, "_tiny", NULL, 0, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit__tiny(void) { return PyModuleDef_Init(&def); }
"""
COUNT = """
#include "spin.h"
static long helper(long i) { return i % 7 == 3 ? i / 3 : i + 1; }
long spin_count(long n)
{
    long odd = 0;
    for (long i = 0; i < n; i++) {
        if (i & 1)
            odd += helper(i);
        else
            odd -= 1;
    }
    return odd;
}
long spin_never(long n)
{
    long s = 0;
    while (n-- > 0)
        s += helper(n) ^ n;
    return s;
}
"""
FILES = {
    "pyproject.toml": '[build-system]\nrequires = ["meson-python"]\nbuild-backend = "mesonpy"\n'
    '[project]\nname = "tiny"\nversion = "1.5"\n',
    "meson.build": "project('tiny', 'c', default_options: ['buildtype=release'])\n"
    "py = import('python').find_installation(pure: false)\n"
    "py.extension_module('_tiny', 'tiny.c', 'src/count.c', include_directories: 'src',\n"
    "  install: true, subdir: 'tiny')\n"
    "py.extension_module('_other', 'other.c', install: true, subdir: 'tiny')\n"
    "py.install_sources('__init__.py', subdir: 'tiny')\n",
    "__init__.py": "from tiny._tiny import idle, spin\n",
    "tiny.c": SPIN,
    "src/count.c": COUNT,
    "src/spin.h": "long spin_count(long n);\nlong spin_never(long n);\n",
    "other.c": SPIN.split("static PyObject *spin")[0].replace('#include "spin.h"', "")
    + "static struct PyModuleDef def = {PyModuleDef_HEAD_INIT, \"_other\", NULL, 0, NULL, NULL,\n"
    "  NULL, NULL, NULL};\n"
    "PyMODINIT_FUNC PyInit__other(void) { return PyModuleDef_Init(&def); }\n",
}  # fmt: skip


def write_project(folder: Path, **more: str) -> Path:
    """Write the project into a folder."""
    for name, text in {**FILES, **more}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def archive_of(project: Path, path: Path) -> Path:
    """A source archive of a project, as its back end would make it."""
    with tarfile.open(path, "w:gz") as made:
        for file in sorted(project.rglob("*")):
            if file.is_file():
                made.add(file, f"tiny-1.5/{file.relative_to(project)}")
    return path


def pgo(step: str, *arguments: object, cc: str = "gcc", **variables: str):
    """Run a step of `fullspeed pgo`."""
    path = {"PATH": f"{FULLSPEED.parent}{os.pathsep}{os.environ['PATH']}", "CC": cc}
    return subprocess.run(
        [FULLSPEED, "pgo", step, *map(str, arguments)], env=CLEAN | path | variables,
        capture_output=True, text=True, cwd="/", timeout=280,
    )  # fmt: skip


def works(step: str, *arguments: object, cc: str = "gcc", **variables: str):
    """Run a step that has to work."""
    done = pgo(step, *arguments, cc=cc, **variables)
    assert done.returncode == 0, done.stderr
    return done
