# ruff: noqa: E501 - a line per loop and per assumption
"""Child programs of test_jit_world: hot loops of all kinds, and things that traces take for granted.

What must stay true: `LOOPS` are functions of no arguments that go round until `stop` is true, each
hot in a trace of another kind; `ASSUMPTIONS` say how a number is read in a hot loop and how another
thread sets it, through something that traces guard or watch.
"""

from __future__ import annotations

STATE = """
import fullspeed._engine as engine
import builtins, os, signal, sys, threading, time, types
fullspeed.enable()
stop = False
class Box:
    def __init__(self, n): self.n = n
    def get(self): return self.n
    def bump(self): self.n = self.n + 1 & 1023
box = Box(1)
items, table = list(range(10)), {n: n for n in range(10)}
def plain(x): return x + 1
def deep(n): return 0 if n == 0 else deep(n - 1) + 1
def numbers(n):
    for k in range(n): yield k
class Manager:
    def __enter__(self): return self
    def __exit__(self, *what): return False
"""

# Name: body of a function that runs until `stop` is true.
LOOPS = {
    "while_int": "n = 0\nwhile not stop: n = n + 1 & 1023",
    "while_true_break": "n = 0\nwhile True:\n    n += 1.5\n    if stop: break\n    if n > 1e6: n = 0.0",
    "no_calls_inside": "while not stop:\n    for i in range(100_000):\n        n = i * 3 % 7",
    "for_list": "while not stop:\n    for x in items: y = x",
    "nested": "while not stop:\n    for i in range(50):\n        for j in range(50): k = i ^ j",
    "call": "n = 0\nwhile not stop: n = plain(n) & 255",
    "method": "while not stop:\n    box.bump(); box.get()",
    "recursion": "while not stop: deep(20)",
    "generator": "while not stop:\n    for x in numbers(100): y = x",
    "comprehension": "while not stop: [x + 1 for x in items]",
    "dict": "while not stop:\n    for k in table: table[k] = table[k] + 1 & 255",
    "builtin": "while not stop: len(items); abs(-3); max(2, 3); sorted(items)",
    "instances": "while not stop: Box(3).get()",
    "exceptions": "while not stop:\n    try: items[99]\n    except IndexError: pass",
    "with_": "while not stop:\n    with Manager(): pass",
    "many_ways": "n = 0\nwhile not stop:\n    n += 1\n    if n % 3 == 0: x = n\n    elif n % 5 == 1: x = 'a'\n"
    "    elif n % 7: x = 2.5\n    else: x = None\n    if n > 10 ** 6: n = 0",
    "big_numbers": "n = 1\nwhile not stop: n = n * 3 % (1 << 70)",
    "huge_numbers": "n = 3 ** 9000\nwhile not stop: n = n * n % (1 << 9000) | 1",
    "strings": "s = ''\nwhile not stop:\n    s = s + 'ab'\n    if len(s) > 200: s = s[:10]",
}

# Name: (set-up, expression that reads, statement that sets it to k).
ASSUMPTIONS = {
    "global": ("value = 0", "value", "globals()['value'] = k"),
    "builtin": ("builtins.value = 0", "value", "builtins.value = k"),
    "builtin_shadowed": ("", "len(())", "globals()['len'] = lambda x, k=k: k"),
    "module": ("m = types.ModuleType('m'); m.v = 0", "m.v", "m.v = k"),
    "class_attribute": ("class C: v = 0", "C.v", "C.v = k"),
    "inherited": ("class B: v = 0\nclass C(B): pass\no = C()", "o.v", "B.v = k"),
    "bases": (
        "class B: v = 0\nclass C(B): pass\no = C()",
        "o.v",
        "C.__bases__ = (type('B', (), {'v': k}),)",
    ),
    "method": (
        "class C:\n    def m(self): return 0\no = C()",
        "o.m()",
        "C.m = eval(f'lambda self: {k}')",
    ),
    "property": (
        "class C: p = property(lambda self: 0)\no = C()",
        "o.p",
        "C.p = property(lambda self, k=k: k)",
    ),
    "instance": ("class C: pass\no = C(); o.v = 0", "o.v", "o.v = k"),
    "instance_dict": ("class C: pass\no = C(); o.v = 0", "o.v", "o.__dict__ = {'v': k}"),
    "instance_hides_class": ("class C: v = 0\no = C()", "o.v", "o.v = k"),
    "slot": ("class C: __slots__ = 'v'\no = C(); o.v = 0", "o.v", "o.v = k"),
    "instance_class": (
        "class C: v = 0\no = C()",
        "o.v",
        "o.__class__ = type('C', (), {'v': k})",
    ),
    "getattr": (
        "class C:\n    def __getattr__(self, n): return 0\no = C()",
        "o.v",
        "C.__getattr__ = eval(f'lambda self, n: {k}')",
    ),
    "operator": (
        "class C:\n    def __add__(self, x): return 0\no = C()",
        "o + 1",
        "C.__add__ = eval(f'lambda self, x: {k}')",
    ),
    "call": (
        "class C:\n    def __call__(self): return 0\no = C()",
        "o()",
        "C.__call__ = eval(f'lambda self: {k}')",
    ),
    "init": (
        "class C:\n    def __init__(self): self.v = 0",
        "C().v",
        "exec(f'def __init__(self): self.v = {k}\\nC.__init__ = __init__')",
    ),
    "new": (
        "class C:\n    v = 0\n    def __new__(cls): return object.__new__(cls)",
        "C().v",
        "exec(f'def __new__(cls):\\n    o = object.__new__(cls)\\n    o.v = {k}\\n    return o\\nC.__new__ = __new__')",
    ),
    "metaclass": (
        "class M(type): v = 0\nclass C(metaclass=M): pass",
        "C.v",
        "M.v = k",
    ),
    "function": ("def f(): return 0", "f()", "exec(f'def f(): return {k}', globals())"),
    "code": ("def f(): return 0", "f()", "f.__code__ = eval(f'lambda: {k}').__code__"),
    "defaults": ("def f(a=0): return a", "f()", "f.__defaults__ = (k,)"),
    "kwdefaults": ("def f(*, a=0): return a", "f()", "f.__kwdefaults__ = {'a': k}"),
    "cell": (
        "def maker():\n    v = 0\n    def get(): return v\n    def put(k):\n        nonlocal v\n        v = k\n"
        "    return get, put\nget, put = maker()",
        "get()",
        "put(k)",
    ),
    "length": ("class C:\n    def __len__(self): return 0\no = C()", "len(o)", "C.__len__ = eval(f'lambda self: {k}')"),
    "truth": ("class C:\n    def __bool__(self): return False\no = C()\nlast = [0]",
              "last[0] if o else 0", "last[0] = k; C.__bool__ = lambda self: True"),
    "list_item": ("l = [0, 1]", "l[0]", "l[0] = k"),
    "list_length": ("l = []", "len(l)", "l.append(k) if len(l) < k else None"),
    "dict_item": ("d = {'v': 0}", "d['v']", "d['v'] = k"),
    "dict_new_keys": ("d = {}", "d.get('v', 0)", "d.update({str(k): 1, 'v': k})"),
    "isinstance": (
        "class A: pass\nclass M(type):\n    def __instancecheck__(cls, o): return False\n"
        "class C(metaclass=M): pass\no = A()\nlast = [0]",
        "last[0] if isinstance(o, C) else 0",
        "last[0] = k; M.__instancecheck__ = lambda cls, o: True",
    ),
    "generator": (
        "def g(): yield 0",
        "next(g())",
        "g.__code__ = eval(f'lambda: (yield {k})').__code__",
    ),
}  # fmt: skip


def loop(name: str) -> str:
    """The function `hot` that goes round until `stop`."""
    body = LOOPS[name].replace("\n", "\n    ")
    return STATE + f"\ndef hot():\n    {body}\n"
