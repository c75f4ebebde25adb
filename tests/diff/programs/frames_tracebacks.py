"""Frames as seen from inside: _getframe, f_locals, f_lineno, f_lasti, traceback text, inspect."""

# ruff: noqa - odd code on purpose

import gc
import inspect
import sys
import traceback


def attempt(function, *args):
    try:
        return function(*args)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"


def where(depth=0):
    f = sys._getframe(depth + 1)
    return f.f_code.co_name, f.f_lineno - f.f_code.co_firstlineno, f.f_lasti


def stack():
    f = sys._getframe()
    out = []
    while f:
        out.append(f.f_code.co_name)
        if f.f_code.co_name == "<module>":
            break
        f = f.f_back
    return out


class C:
    def __init__(self):
        self.stack = stack()

    def __add__(self, other):
        return stack()

    def __getattr__(self, name):
        return stack()

    def __getitem__(self, key):
        return stack()

    def __iter__(self):
        yield stack()

    def __len__(self):
        print(stack())
        return 1

    def __bool__(self):
        print(stack())
        return True

    def __enter__(self):
        return stack()

    def __exit__(self, *args):
        print(stack())

    def __eq__(self, other):
        return stack()

    def __hash__(self):
        print(stack())
        return 1

    def __contains__(self, x):
        print(stack())
        return True

    def __set_name__(self, owner, name):
        print(stack())

    def __call__(self):
        return stack()

    def __format__(self, spec):
        return str(stack())

    @property
    def prop(self):
        return stack()

    @classmethod
    def cm(cls):
        return stack()


def generator():
    yield stack()
    yield from generator2()


def generator2():
    yield stack()


for turn in range(20):
    c = C()
    rows = [c.stack, c + 1, c.dynamic, c[0], list(c), c == 1, c(), f"{c}", c.prop, c.cm(), c.__call__(),
            list(generator()), [stack() for _ in range(1)], list(map(lambda x: stack(), [1])),
            sorted([1], key=lambda x: stack()), (lambda: stack())(), list(stack() for _ in [1]),
            max([1, 2], key=lambda x: len(stack())), type("T", (), {"c": 1}).c]
for row in rows:
    print(row)
len(c), bool(c), hash(c), 1 in c, {c: 1}
with c as s:
    print(s)
if c:
    pass


class Owner:
    field = c
    here = stack()


print(Owner.here)


def locals_seen(a, b=2, *args, k=3, **kw):
    x = 1
    f = sys._getframe()
    snap = dict(f.f_locals)
    y = 2
    again = f.f_locals
    del x
    third = dict(f.f_locals)
    return sorted(snap), "y" in again, sorted(third), again is f.f_locals, locals() is again


print([locals_seen(1, 2, 3, z=4) for _ in range(20)][-1])


def cells_seen():
    x = 1

    def inner():
        nonlocal x
        x += 1
        return sys._getframe().f_locals, sys._getframe(1).f_locals["x"]
    return inner(), locals()["x"]


print([cells_seen() for _ in range(20)][-1])


def lines():
    out = [where()]
    out.append(where())
    out += [where() for _ in range(2)]
    out.append(
        where(
            0
        )
    )
    for _ in range(2): out.append(where())
    return out


print([lines() for _ in range(30)][-1])


def kept():
    local = ["alive"]
    return sys._getframe(), lambda: local


frame, f = kept()
gc.collect()
print(frame.f_locals["local"], frame.f_back is None, frame.f_lineno - frame.f_code.co_firstlineno)
frame.f_locals["local"] = "written to the dict only"
print(f(), frame.f_locals["local"])
frame.clear()
print(frame.f_locals)
print(attempt(sys._getframe().clear))
print(attempt(sys._getframe, 10**6))


def modify_caller():
    sys._getframe(1).f_locals["x"] = "changed"


def modified():
    x = "original"
    modify_caller()
    return x, locals()["x"]


print(modified())
exec("x_mod = 1\nmodify_caller()\nprint(x)", {"modify_caller": modify_caller})


def deep(n, mode):
    if n == 0:
        if mode == "raise":
            raise ValueError("deep error")
        if mode == "stack":
            return [(f.name, f.lineno) for f in traceback.extract_stack()][-6:]
        if mode == "inspect":
            return [(f.function, f.lineno, f.positions) for f in inspect.stack()[:4]]
        if mode == "frame":
            return sys._getframe(3).f_locals, sys._getframe(n + 5).f_lineno
        return traceback.format_stack()[-3:]
    return deep(n - 1, mode)


for mode in ("stack", "inspect", "frame", "text"):
    for _ in range(5):
        r = deep(20, mode)
    print(r)
for n in (1, 2, 3, 5, 50):
    try:
        deep(n, "raise")
    except ValueError:
        print(traceback.format_exc())


def operations(kind):
    a, b, n, d = 1, 0, None, {}
    if kind == 0:
        return a + 1 + (a / b) + 2
    if kind == 1:
        return n.attr.other
    if kind == 2:
        return d["key"]["other"]
    if kind == 3:
        return n(1, 2,
                 3)
    if kind == 4:
        return undefined_thing
    if kind == 5:
        return [1, 2, 3][5]
    if kind == 6:
        n[0] = 1
    if kind == 7:
        n.x = 1
    if kind == 8:
        del d["gone"]
    if kind == 9:
        for x in 5:
            pass
    if kind == 10:
        x, y = 1, 2, 3
    if kind == 11:
        with 5:
            pass
    if kind == 12:
        return -"x" + ~1.5
    if kind == 13:
        return (a < "x")
    if kind == 14:
        import no_such_module_at_all
    if kind == 15:
        from os import no_such_name_at_all
    if kind == 16:
        assert a == 2, f"{a}"
    if kind == 17:
        return f"{a:zz}"
    if kind == 18:
        return [x / y for x in (1,) for y in (0,)]
    if kind == 19:
        return (lambda: 1 / 0)()
    if kind == 20:
        return max(1, "x", key=lambda v: v + 1)
    if kind == 21:
        return operations(*5)
    if kind == 22:
        class X(5, metaclass=int):
            pass
    if kind == 23:
        return d.nope()
    if kind == 24:
        return "abc".uper()
    if kind == 25:
        return sys.versio
    if kind == 26:
        return kin + 1
    if kind == 27:
        return operation(1)
    if kind == 28:
        d.x.y.z = 1
    if kind == 29:
        a += "x"
    if kind == 30:
        return operations(kind + 1)
    if kind == 31:
        return operations(1, 2)
    if kind == 32:
        raise KeyError("explicit") from ValueError("cause")
    if kind == 33:
        print(*5)
    if kind == 34:
        return a if b else n + 1
    if kind == 35:
        del unbound_local
        unbound_local = 1
    if kind == 36:
        yield_ = (i for i in range(1 // 0))
    if kind == 37:
        return sum(x / 0 for x in [1])
    if kind == 38:
        return a in 5
    if kind == 39:
        return {**5}
    if kind == 40:
        return dict(**{"a": 1}, **{"a": 2})


for kind in range(41):
    for _ in range(3):
        try:
            operations(kind)
        except Exception as error:
            text = traceback.format_exc()
    print(text)


class Suggest:
    attribute_name = 1
    _private = 2

    def methodical(self):
        return selfish

    def local(self):
        attribute = 1
        return self.attribut_name


for code in ("Suggest().atribute_name", "Suggest.methodica", "Suggest().methodical()", "Suggets",
             "Suggest().local()", "pritn", "sys.exut", "import sys; sys.stdoot", "Suggest()._privat",
             "int.form_bytes", "[].appendd", "len2", "trace_back", "from sys import exti"):
    try:
        exec(code)
    except Exception as error:
        print("".join(traceback.format_exception_only(error)), getattr(error, "name", "-"),
              type(getattr(error, "obj", None)).__name__)


def recursive(n):
    return recursive(n + 1)


try:
    recursive(0)
except RecursionError as error:
    text = traceback.format_exc()
    print(error, len(text.splitlines()), text[:300])
f = inspect.currentframe()
print(f.f_code.co_name, f.f_globals is globals(), f.f_builtins["len"] is len, f.f_trace)
print(inspect.getframeinfo(f).lineno, inspect.getargvalues(f).args)
print(inspect.signature(locals_seen), inspect.getsource(where).splitlines()[0])
