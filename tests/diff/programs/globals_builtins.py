"""Globals and builtins changed at run time under hot loads; names of every scope; del; exec."""

# ruff: noqa - odd code on purpose

import builtins

counter = 0
value = "global"


def attempt(function, *args):
    try:
        return function(*args)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def read():
    return value


def read_len(x):
    return len(x)


def bump():
    global counter
    counter += 1
    return counter


out = []
for i in range(300):
    out.append((attempt(read), attempt(read_len, "four"), bump()))
    if i == 40:
        value = "changed"
    if i == 80:
        del value
    if i == 100:
        builtins.value = "builtin value"
    if i == 120:
        globals()["value"] = "via globals()"
    if i == 140:
        len = lambda x: "shadowed"  # noqa: E731
    if i == 160:
        del len
    if i == 180:
        builtins.len = lambda x: "builtin replaced"
    if i == 200:
        builtins.len = type(builtins.len)("len") if False else (lambda x: x.__len__())
    if i == 220:
        for n in range(500):
            globals()[f"filler{n}"] = n
    if i == 240:
        for n in range(500):
            del globals()[f"filler{n}"]
    if i == 260:
        del value
        del builtins.value
print([out[i] for i in range(0, 300, 10)])


def make(source, **extra):
    space = {"__builtins__": builtins, **extra}
    exec(source, space)
    return space


space = make("def f():\n    return a + b\n", a=1, b=2)
out = []
for i in range(120):
    out.append(attempt(space["f"]))
    if i == 30:
        space["a"] = 10
    if i == 60:
        del space["b"]
    if i == 90:
        space["b"] = 2.5
print(out[::29])
limited = {"__builtins__": {"len": lambda x: "limited len"}}
exec("def f(x):\n    return len(x)\ndef g():\n    return print\n", limited)
print([limited["f"]("abc") for _ in range(20)][-1], attempt(limited["g"]))
nothing = {"__builtins__": {}}
print(attempt(exec, "class X: pass", nothing), attempt(exec, "import os", nothing),
      attempt(exec, "assert 0", nothing))


class Names(dict):
    def __missing__(self, key):
        seen.append(key)
        if key == "nope":
            raise KeyError(key)
        return ("missing", key)


class BadNames(dict):
    def __getitem__(self, key):
        raise OSError(key)

    def __setitem__(self, key, value):
        raise MemoryError(key)

    def __delitem__(self, key):
        raise ValueError(key)


seen = []
print(eval("one, two", {}, Names()), attempt(eval, "nope", {}, Names()), seen)
print(attempt(eval, "x", {}, BadNames()), attempt(exec, "x = 1", {}, BadNames()),
      attempt(exec, "del x", {}, BadNames()))
print(attempt(exec, "del x", {}, Names()), attempt(exec, "del x"), attempt(exec, "global q; del q"))
print(eval("[x for x in (y, z)]", {}, Names()), eval("(lambda: value2)()", {"value2": 5}))
names = Names(x=1)
exec("y = x\nx += 1\nfor z in [1]: pass\nimport os as z2\ndef fn(): return 1\nclass K: pass\ndel x",
     {}, names)
print(sorted(names), names["fn"]())


class GlobalsDict(dict):
    def __getitem__(self, key):
        if key == "asked":
            return "asked through __getitem__"
        return dict.__getitem__(self, key)

    def __missing__(self, key):
        return "missing global " + key


g = GlobalsDict(known=1, __builtins__={"print": print})
exec("def f():\n    return known, unknown, asked\n", g)
print([attempt(dict.__getitem__(g, "f")) for _ in range(20)][-1])


def outer():
    x = 0
    y = []

    def inc():
        nonlocal x
        x += 1
        return x

    def read_unset():
        return later

    def delete():
        nonlocal x
        del x

    def sub():
        def subsub():
            nonlocal x
            x = x + 100 if "x" in dir() else 5
            y.append(x)
            return x
        return subsub()

    for _ in range(30):
        inc()
    first = attempt(read_unset)
    later = 5
    second = attempt(read_unset)
    print(x, first, second, sub(), y)
    delete()
    print(attempt(inc), attempt(delete), attempt(lambda: x))
    del later
    return read_unset


print(attempt(outer()))


def local_unbound(flag):
    if flag:
        x = 1
    try:
        return x
    finally:
        if flag:
            del x
            try:
                x
            except UnboundLocalError as error:
                print(error)
        try:
            del x
        except UnboundLocalError as error:
            print(error)


print(attempt(local_unbound, True), attempt(local_unbound, False))


def loop_closures():
    return [f() for f in [lambda: i for i in range(5)]], [f() for f in [
        lambda i=i: i for i in range(5)]]


print(loop_closures())


def make_adders():
    functions = []
    for n in range(50):
        def adder(x, *, m=n):
            return x + n + m
        functions.append(adder)
    return functions


print([f(1) for f in make_adders()][::10])


def comp_scopes(n):
    k = n * 2
    return ([i + k for i in range(3)], {i: k for i in range(2)}, {k + i for i in range(2)},
            list(i * k for i in range(3)), [[j * i + k for j in range(i)] for i in range(3)],
            [y := 5, y ** 2], [z for i in range(2) if (z := i + k)], sorted(locals()))


print([comp_scopes(n) for n in range(40)][-1])


class Body:
    k = 3
    squares = [i * i for i in range(k)]
    try:
        bad = [k for _ in range(1)]
    except NameError as error:
        message = str(error)
    value = [value for value in ["inner"]]


print(Body.squares, getattr(Body, "bad", "no"), Body.__dict__.get("message"), Body.value)

SINGLE = """
x_single = 5
x_single
[x_single, 'printed']
None
"""
exec(compile(SINGLE.strip().replace("\n", ";"), "<single>", "single"))
for line in SINGLE.strip().splitlines():
    exec(compile(line, "<single>", "single"))
import sys  # noqa: E402

old = sys.displayhook
sys.displayhook = lambda v: print("hook", v)
exec(compile("1+1", "<single>", "single"))
del sys.displayhook
print(attempt(exec, compile("1+1", "<single>", "single")))
sys.displayhook = old


def deleter():
    a = b = c = 1
    d = {1: 2}
    e = type("E", (), {"f": 1})
    del a, (b, [c]), d[1], e.f
    return sorted(locals()), d


print(deleter())


def delete_global():
    global short_lived
    short_lived = 1
    del short_lived
    try:
        del short_lived
    except NameError as error:
        return str(error), "short_lived" in globals()


print([delete_global() for _ in range(30)][-1])
