"""Functions made anew each time while what their globals say changes."""

import builtins
import types


def make(i):
    def inner(x, y=i):
        return x + y

    return inner


def kinds(n):
    seen = set()
    for i in range(n):
        f = make(i)
        g = lambda: i
        seen.add(
            (
                f.__module__,
                g.__module__,
                f.__name__,
                g.__qualname__,
                f.__doc__,
                f.__closure__ is None,
            )
        )
        assert f(1) == i + 1 and g() == i
        if i == n // 2:
            globals()["__name__"] = "renamed"
        if i == n // 2 + 20:
            globals()["other"] = i
    return sorted(seen, key=repr)


SOURCE = '''
def comps(n):
    out = []
    for i in range(n):
        def f():
            """doc"""
            return len
        row = [j + i for j in range(3)]
        out.append((f.__module__, f()("abc"), sum(row), any(j > i for j in row), f.__doc__))
    return out
'''


def in_namespaces():
    code = compile(SOURCE, "made", "exec")
    result = []
    for k in range(6):
        space = {"__name__": f"space{k}"}
        if k == 2:
            space["__builtins__"] = {**vars(builtins), "len": lambda s: 100 + len(s)}
        if k == 3:
            space["__builtins__"] = types.ModuleType("own")
            vars(space["__builtins__"]).update(vars(builtins), len=lambda s: 200 + len(s))
        if k == 4:
            del space["__name__"]
        exec(code, space)
        rows = space["comps"](80)
        result.append((k, rows[0], rows[-1], len(set(r[:2] for r in rows))))
        space["__name__"] = "later"
        rows = space["comps"](80)
        result.append((k, rows[0], rows[-1], len(set(r[:2] for r in rows))))
    return result


print(kinds(200))
globals()["__name__"] = "__main__"
print(kinds(200))
for row in in_namespaces():
    print(row)
