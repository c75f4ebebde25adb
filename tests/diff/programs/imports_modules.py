"""Imports in every form, star imports, failures, __import__ replaced, packages made on the fly."""

# ruff: noqa - odd code on purpose

import builtins
import os
import sys
import tempfile
import textwrap


def attempt(function, *args):
    try:
        return function(*args)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"


folder = tempfile.mkdtemp()
files = {
    "pkg_a/__init__.py": "print('init a')\nvalue = 1\n__all__ = ['value', 'sub']\n",
    "pkg_a/sub.py": "print('sub', __name__, __package__)\nfrom . import value\nfrom .other import *\n",
    "pkg_a/other.py": "from .. import nothing" if False else "_hidden = 1\nshown = 2\n",
    "pkg_a/deep/__init__.py": "from ..sub import shown as up\nfrom ... import x\n",
    "circle_one.py": "import circle_two\nx = 1\n",
    "circle_two.py": "from circle_one import x\n",
    "circle_ok.py": "import circle_ok2 as c\ny = 1\n",
    "circle_ok2.py": "import circle_ok\ndef f():\n    return circle_ok.y\n",
    "raises.py": "a = 1\nraise ValueError('while importing')\n",
    "syntax_bad.py": "x = = 1\n",
    "star_source.py": "public = 1\n_private = 2\nimport sys\n",
    "star_bad_all.py": "__all__ = ['missing']\n",
    "star_odd_all.py": "__all__ = [5]\n",
    "star_lazy.py": "__all__ = ['lazy']\ndef __getattr__(name):\n    return 'lazy ' + name\n",
    "hot_mod.py": textwrap.dedent("""
        counter = 0
        def bump():
            global counter
            counter += 1
            return counter
        class K:
            total = [bump() for _ in range(50)][-1]
    """),
}
for name, text in files.items():
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
sys.path.insert(0, folder)
sys.dont_write_bytecode = True

import pkg_a.sub  # noqa: E402
import pkg_a.sub as psub  # noqa: E402
from pkg_a import sub, value as v  # noqa: E402, F401
from pkg_a.sub import *  # noqa: E402, F403
from star_source import *  # noqa: E402, F403

print(pkg_a.value, psub.shown, v, "public" in globals(), "_private" in globals())
import hot_mod  # noqa: E402

print(hot_mod.K.total, hot_mod.bump())




def c1():
    import pkg_a.deep


def c2():
    import circle_one


def c3():
    import circle_ok
    return circle_ok.c.f()


def c4():
    import raises


def c5():
    import syntax_bad


def c6():
    from star_source import nothing_there


def c7():
    import no.such.module


def c8():
    import star_source.sub


def c9():
    from . import relative


def c11():
    exec("from star_bad_all import *", {})


def c12():
    exec("from star_odd_all import *", {})


def c13():
    space = {}
    exec("from star_lazy import *", space)
    return space["lazy"]


def c14():
    import os.path as p, sys as s
    return p is os.path, s is sys


def c15():
    exec("from os import *", {})
    import xml.dom.minidom as m
    from xml.dom import minidom
    return m is minidom


for _ in range(3):
    for function in (c1, c2, c3, c4, c5, c6, c7, c8, c9, c11, c12, c13, c14, c15):
        print(function.__name__, str(attempt(function)).replace(folder, "<folder>"))
print("raises" in sys.modules, "circle_one" in sys.modules)


def hot_import():
    import os.path
    from sys import path
    return os.path.sep, path is sys.path


print([hot_import() for _ in range(50)][-1])
real = builtins.__import__
log = []


def fake(name, globals=None, locals=None, fromlist=(), level=0):
    log.append((name, fromlist, level))
    if name == "invented":
        return type("Invented", (), {"x": "from invented"})
    return real(name, globals, locals, fromlist, level)


def uses_import():
    import invented
    from invented import x
    import os.path as p
    return invented.x, x, p is os.path


print(attempt(uses_import))
builtins.__import__ = fake
print(attempt(uses_import), log)
builtins.__import__ = real
print(attempt(uses_import))
saved = builtins.__import__
del builtins.__import__
print(attempt(hot_import))
builtins.__import__ = saved
sys.modules["blocked"] = None
print(attempt(exec, "import blocked"))
sys.modules["odd_object"] = 5
exec("import odd_object\nprint(odd_object)\nfrom odd_object import real\nprint(real)")
print(attempt(exec, "from odd_object import nope"))
print(attempt(__import__, ""), attempt(__import__, "os", None, None, [], -1), attempt(__import__, 5))
print(attempt(exec, "from . import x", {"__package__": "nowhere", "__name__": "x"}),
      attempt(exec, "from . import x", {"__package__": 5}), attempt(exec, "from .x import y", {}))
