"""Names of module and class bodies, hot, while the dicts behind them change shape."""

# ruff: noqa - odd code on purpose

import builtins
import sys

total = 0
for i in range(300):
    total += i
    if i == 50:
        del i
        i = 50
    if i == 80:
        globals()["total"] = 1000
    if i == 100:
        for j in range(200):
            globals()[f"extra{j}"] = j
    if i == 150:
        for j in range(200):
            del globals()[f"extra{j}"]
    if i == 200:
        vars(sys.modules[__name__]).update(total=-5) if __name__ in sys.modules else None
print(total, i, j)
for k in range(120):
    value = abs(k - 60)
    if k == 30:
        abs = lambda v: "global abs"
    if k == 60:
        del abs
    if k == 90:
        builtins.abs, kept_abs = (lambda v: "builtin replaced"), builtins.abs
    if k == 100:
        builtins.abs = kept_abs
    if k % 20 == 5:
        print(k, value)
for k in range(60):
    try:
        print(k, late) if k % 20 == 0 else late
    except NameError as error:
        if k % 20 == 0:
            print(k, error)
    if k == 25:
        late = "bound late"
    if k == 45:
        del late


class Body:
    n = 0
    for i in range(200):
        n += i
        if i == 60:
            locals()["n"] = 5
        if i == 100:
            locals()["len"] = lambda x: "class len"
        if i % 50 == 2:
            print(i, n, len("four"))
    del i
    try:
        print(i)
    except NameError as error:
        print(error)
    x = [n for n in range(3)]


print(Body.n, Body.x, sorted(k for k in vars(Body) if k[0] != "_"))


class Space(dict):
    def __setitem__(self, key, value):
        log.append(("set", key))
        dict.__setitem__(self, key, value)

    def __getitem__(self, key):
        if key == "magic":
            return "from __getitem__"
        return dict.__getitem__(self, key)

    def __delitem__(self, key):
        log.append(("del", key))
        dict.__delitem__(self, key)


class Meta(type):
    @classmethod
    def __prepare__(mcls, name, bases):
        return Space()


log = []
for turn in range(30):
    class Odd(metaclass=Meta):
        a = magic
        for b in range(3):
            a = b
        del b
print(Odd.a, log[-8:], len(log))
source = """
t = 0
for q in range(50):
    t += q
    if q == 20: t = t + 0.5
    if q == 30: s = 'made'
    if q > 30: u = s
"""
code = compile(source, "<shared>", "exec")
for turn in range(12):
    first = {"__builtins__": builtins}
    second = {f"pad{n}": n for n in range(turn * 3)} | {"t": "old", "s": "s"}
    locals_ = Space() if turn % 3 == 0 else {}
    exec(code, first)
    exec(code, second, locals_)
    exec(code, second)
    print(turn, first["t"], first["u"], second["t"], dict(locals_))
code = compile("[w := name1 + name2, name3]", "<expr>", "eval")
for turn in range(60):
    space = {"name1": turn, "name2": 2.5 if turn % 2 else 1, "name3": print}
    if turn % 5 == 4:
        del space["name3"]
    try:
        result = eval(code, space)
    except NameError as error:
        result = str(error)
    if turn % 10 > 7:
        print(result, space.get("w"))


def function():
    global counter
    for _ in range(100):
        counter += 1
        if counter == 40:
            del counter
            counter = 1000
    return counter


counter = 0
print(function(), counter)
order = {}
for name in ("z", "a", "m") * 20:
    order[name] = order.get(name, 0) + 1
    exec(f"{name}_made = {order[name]}")
print(z_made, a_made, m_made, [k for k in globals() if k.endswith("_made")])
