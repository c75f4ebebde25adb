"""Imports inside functions, hot, while modules, specs, packages and sys.modules change."""

# ruff: noqa - odd code on purpose
import builtins
import importlib
import os
import sys
import types
import warnings

ROOT = os.path.join(os.getcwd(), "tree")
FILES = {
    "pkg/__init__.py": "here = 'pkg'\n",
    "pkg/plain.py": "value = 1\nother = 2\n",
    "pkg/lazy.py": "asked = []\ndef __getattr__(name):\n    asked.append(name)\n"
    "    if name.startswith('__'):\n        raise AttributeError(name)\n    return 'lazy ' + name\n",
    "pkg/late.py": "late = True\n",
    "pkg/sub/__init__.py": "here = 'sub'\n",
    "pkg/sub/deep.py": """
def one(): 
    from .. import here
    return here
def two():
    from ..plain import value, other
    return value, other
def three():
    from . import here as mine, deep
    return mine, deep.__name__
def four():
    from .missing import nothing
def five():
    from ....too import far
def six():
    from .. import sub, plain
    return sub.__name__, plain.__name__
""",
}
for path, text in FILES.items():
    full = os.path.join(ROOT, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w") as stream:
        stream.write(text)
sys.path.insert(0, ROOT)


def absolute():
    from pkg.plain import value

    return value


def dotted():
    import pkg.sub.deep

    return pkg.here, pkg.sub.here, pkg.sub.deep.__name__


def renamed():
    import pkg.sub.deep as deep
    import pkg.plain as plain

    return deep.__name__, plain.value


def several():
    from pkg import here, plain, sub

    return here, plain.value, sub.here


def submodule():
    from pkg import late

    return late.late


def lazily():
    from pkg.lazy import anything, asked

    return anything, len(asked)


def missing():
    from pkg.plain import nothing


def no_module():
    import pkg.nowhere


def own():
    from pkg.plain import __name__ as name, __dict__ as space, __class__ as kind

    return name, "value" in space, kind


def hot(*functions):
    for function in functions:
        for _ in range(12):
            try:
                got = function()
            except (ImportError, KeyError, AttributeError, TypeError, ValueError) as error:
                got = type(error).__name__, str(error).replace(ROOT, "")
        print(function.__name__, got)


absolute(), dotted()
from pkg.sub import deep

BASIC = (absolute, dotted, renamed, several, submodule, lazily, missing, no_module, own)
DEEP = (deep.one, deep.two, deep.three, deep.four, deep.five, deep.six)
hot(*BASIC, *DEEP)

print("-- changed values and modules")
sys.modules["pkg.plain"].value = 5
hot(absolute, renamed, deep.two)
del sys.modules["pkg"].late
hot(submodule)
del sys.modules["pkg.plain"]
hot(absolute, deep.two, several)
sys.modules["pkg.plain"] = None
hot(absolute, deep.two)
sys.modules["pkg.plain"] = types.SimpleNamespace(value="space", other="space")
hot(absolute, deep.two, own)


class Odd(types.ModuleType):
    def __getattribute__(self, name):
        if name == "value":
            return "computed"
        return super().__getattribute__(name)


sys.modules["pkg.plain"] = Odd("pkg.plain")
sys.modules["pkg.plain"].other = 3
hot(absolute, deep.two, own)
sys.modules["pkg.plain"] = types.ModuleType("pkg.plain")
hot(absolute, own)
sys.modules["pkg.plain"].value = "bare"
hot(absolute, own)
del sys.modules["pkg.plain"]

print("-- specs")
spec = sys.modules["pkg.sub.deep"].__spec__
for attribute, wrong in (("name", "a.b"), ("submodule_search_locations", []), ("name", 3)):
    kept = getattr(spec, attribute)
    setattr(spec, attribute, wrong)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        hot(deep.one, deep.two)
    print(attribute, len(seen), seen and str(seen[-1].message))
    setattr(spec, attribute, kept)
hot(deep.one)


class Spec:
    asked = 0

    def __getattr__(self, name):
        Spec.asked += 1
        return getattr(spec, name)


sys.modules["pkg.sub.deep"].__spec__ = Spec()
hot(deep.one, dotted)
print(Spec.asked)
sys.modules["pkg.sub.deep"].__spec__ = None
hot(deep.one, dotted)
sys.modules["pkg.sub.deep"].__spec__ = spec
deep.__package__ = "pkg"
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    hot(deep.two, deep.three)
print(len(seen))
deep.__package__ = "pkg.sub"
hot(deep.two)

print("-- importlib and __import__ replaced")
bootstrap = importlib._bootstrap
handle = bootstrap._handle_fromlist
calls = []


def handler(module, fromlist, import_, **more):
    calls.append(fromlist)
    return handle(module, fromlist, import_, **more)


bootstrap._handle_fromlist = handler
hot(several)
bootstrap._handle_fromlist = handle
hot(several)
print(len(calls))
real = builtins.__import__


def importer(name, *rest):
    calls.append(name)
    return real(name, *rest)


builtins.__import__ = importer
hot(absolute, several, deep.one)
builtins.__import__ = real
hot(absolute)
print(len(calls))


def many():
    """Relative names and packages beyond what is remembered."""
    out = []
    for n in range(600):
        space = {"__package__": "pkg.sub"[:] + "", "__name__": "pkg.sub.made"}
        exec("def f():\n    from .. import here as h%d\n    return h%d" % (n, n), space)
        out.append(space["f"]() + space["f"]())
    return set(out), len(out)


print(many())
module = sys.modules["pkg.plain"]
before = sys.getrefcount(module), sys.getrefcount(module.value)
for _ in range(300):
    absolute(), renamed(), several(), deep.two()
print(before == (sys.getrefcount(module), sys.getrefcount(module.value)))
