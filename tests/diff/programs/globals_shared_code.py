"""One code object run with many namespaces: plain dicts, copies of them, subclasses, odd builtins."""

# ruff: noqa - odd code on purpose

import gc
import types

# When the collector comes is no part of what is compared here: namespaces in cycles hold objects
# that print when they go.
gc.disable()

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


# ---- names of modules and class bodies, in loops ----

BODY = """
total = 0
seen = []
for i in range(60):
    total = total + i
    x = i
    if i == 20:
        del x
        x = "again"
    if i == 30:
        for k in range(50):
            ns["extra%d" % k] = k
    if i == 40:
        kept = dict(total=1, seen=["cleared"], i=i, ns=ns, Loud=Loud)
        (lambda names, values: (names.clear(), names.update(values)))(ns, kept)
        x = 5
    if i == 45:
        ns[7] = "not a string"
    if i == 59:
        x = Loud("first")
        x = Loud("second")
    seen.append((total, x if isinstance(x, (int, str)) else x.name, len(seen)))
"""


class Loud:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("del", self.name)


class Mapping(dict):
    """Every access is counted."""

    log = 0

    def __getitem__(self, key):
        Mapping.log += 1
        return dict.__getitem__(self, key)

    def __setitem__(self, key, value):
        Mapping.log += 1
        dict.__setitem__(self, key, value)


code = compile(BODY, "body", "exec")
for kind in (dict, dict, Mapping):
    ns = kind(Loud=Loud)
    ns["ns"] = ns
    exec(code, ns)
    print(ns["seen"], ns["x"].name, len(ns), Mapping.log)
local = {"ns": {}, "seen": None}
local["ns"] = local
exec(code, {"Loud": Loud}, local)
print(local["seen"], local["x"].name)
exec(code, {"Loud": Loud}, mapped := Mapping(ns={}))
print(mapped["seen"][-3:], Mapping.log)


class Body:
    count = 0
    for n in range(50):
        count += n
        if n == 30:
            del count
            count = 1
        label = len(str(count))

    def method(self):
        global written
        for value in range(60):
            written = value
            if value == 30:
                del written
                globals()["fresh_name"] = 1
        written = Loud("global one")
        written = Loud("global two")
        return written.name


print(Body.count, Body.n, Body.label, Body().method(), Body().method())
for attempt in range(60):
    try:
        maybe
    except NameError as error:
        if attempt % 20 == 0:
            print(error)
    if attempt == 25:
        maybe = 1
    if attempt == 50:
        del maybe
