"""One code object run with many namespaces: plain dicts, copies of them, subclasses, odd builtins."""

# ruff: noqa - odd code on purpose

import types

LOOP = "def q():\n    return name\nfor i in range(40):\n    r = q()\n"
BUILTIN = "def q():\n    return len\nfor i in (1,) * 40:\n    r = q()\n"


class Asked(dict):
    """A namespace that answers for itself."""

    def __getitem__(self, key):
        return ("asked", key) if key in ("name", "len") else dict.__getitem__(self, key)


class Any:
    """Builtins that are no dict."""

    def __getitem__(self, key):
        return "any " + key


def run(code, namespace):
    """The result of a program in a namespace."""
    try:
        exec(code, namespace)
        return dict.get(namespace, "r")
    except Exception as error:
        return repr(error)


def name_user():
    return name


name = 1
for _ in range(40):
    name_user()
print(name_user(), eval(name_user.__code__, Asked(globals())), name_user())
print(types.FunctionType(name_user.__code__, {**globals(), "name": 2})())
del name
try:
    name_user()
except NameError as error:
    print(error)
name = 3
print(name_user())

code = compile(LOOP, "loop", "exec")
plain = {"name": 5}
print(run(code, plain), run(code, plain.copy()), run(code, Asked(plain)), run(code, Asked(name=7)))
print(run(code, {}), run(code, plain))

code = compile(BUILTIN, "builtin", "exec")
print(run(code, {"__builtins__": {"len": 3}}), run(code, {"__builtins__": Any()}))
print(run(code, {"__builtins__": Asked(len=1)}), run(code, {}), run(code, {"len": "own"}))
