"""Random classes, instances and attribute sites, changed at random between hot runs.

Each seed makes a world: classes with all kinds of attributes, instances with values, dicts and
slots, sites that load, store, call and augment. Sites run a little or a lot on one owner or
several; then something changes. A digest of all that was seen is printed per seed; with a seed
as argument the program prints everything it saw.
"""

# ruff: noqa - odd code on purpose

import hashlib
import random
import sys

SEEDS = 30


def run(seed):
    R = random.Random(seed)
    out = []
    names = ["a", "b", "c", "m"]

    class Desc:
        def __get__(s, o, t=None):
            return ("get", o is None)

    class DDesc(Desc):
        def __set__(s, o, v):
            out.append(("dset", repr(v)[:9]))

    def mk(kind, n):
        if kind == "val":
            return n
        if kind == "func":
            return lambda self, *a: ("f", n)
        if kind == "static":
            return staticmethod(lambda *a: ("s", n))
        if kind == "cls":
            return classmethod(lambda cls, *a: ("c", n, cls.__name__))
        if kind == "prop":
            return property(lambda self: ("p", n), lambda self, v: out.append(("ps", n)))
        if kind == "ro":
            return property(lambda self: ("ro", n, self.zz))
        if kind == "desc":
            return Desc()
        if kind == "ddesc":
            return DDesc()
        if kind == "obj":
            return type("V", (), {})()
        if kind == "blt":
            return len

    kinds = ["val", "func", "static", "cls", "prop", "ro", "desc", "ddesc", "obj", "blt"]

    class Meta(type):
        pass

    classes = []

    def newclass(i):
        bases = tuple(R.sample(classes, k=min(len(classes), R.choice([0, 1, 1, 1])))) or R.choice(
            [(), (), (dict,), (Exception,), (list,)]
        )
        ns = {n: mk(R.choice(kinds), i) for n in names if R.random() < 0.3}
        if R.random() < 0.15:
            ns["__slots__"] = tuple(n for n in names if n not in ns and R.random() < 0.5)
        if R.random() < 0.15:
            ns["__getattr__"] = lambda self, name: (
                ("ga", name)
                if not name.startswith("__")
                else (_ for _ in ()).throw(AttributeError(name))
            )
        if R.random() < 0.05:
            ns["__setattr__"] = lambda self, n, v: (
                out.append(("sa", n)),
                object.__setattr__(self, n, v),
            )[0]
        if R.random() < 0.5:

            def __init__(self, *a):
                self.a = i
                self.b = a
        else:

            def __init__(self, *a):
                pass

        ns["__init__"] = __init__
        try:
            classes.append((Meta if R.random() < 0.2 else type)(f"K{i}", bases, ns))
        except TypeError as e:
            out.append(("cls", str(e)[:30]))

    for i in range(6):
        newclass(i)
    insts = []

    def newinst():
        try:
            insts.append(R.choice(classes)(1))
        except Exception as e:
            out.append(("new", type(e).__name__, str(e)[:60]))

    for i in range(8):
        newinst()
    g = {}
    src = ""
    for n in names:
        src += f"""
def ld_{n}(o): return o.{n}
def st_{n}(o,v): o.{n}=v
def stc_{n}(o,v): o.{n}=None
def ca_{n}(o): return o.{n}(1)
def au_{n}(o,v):
    o.{n}+=v
    return o.{n}
def lt_{n}(o): return (o,o.{n})[1]
def dl_{n}(o): del o.{n}
def gl_{n}(o):
    return G.{n}, G.{n}
def gm_{n}(o): return G.{n}(o,1)
"""
    exec(src, g)
    sites = [k for k in g if k[:2] in ("ld", "st", "ca", "au", "lt", "gl", "gm")]

    def show(v, d=0):
        t = type(v).__name__
        if isinstance(v, (int, str, type(None), float)):
            return v
        if isinstance(v, tuple):
            return tuple(show(x, d + 1) for x in v)
        return t + getattr(v, "__name__", "") if isinstance(v, type) else t

    for step in range(60):
        owners = R.sample(insts, k=min(len(insts), R.choice([1, 1, 2, 3, 5]))) + (
            [R.choice(classes)] if R.random() < 0.2 else []
        )
        for s in R.sample(sites, k=4):
            f = g[s]
            g["G"] = R.choice(classes + insts[:3])
            for rep in range(R.choice([1, 3, 12, 70])):
                for o in owners:
                    try:
                        r = (
                            f(o)
                            if f.__code__.co_argcount == 1
                            else f(o, R.choice([rep, "s", None, [1]]))
                        )
                        r = show(r)
                    except Exception as e:
                        r = (
                            type(e).__name__,
                            str(e)[:70].split(" at 0x")[0],
                            getattr(e, "name", 0),
                        )
                    if rep < 2 or rep > 60:
                        out.append((s, r))
        ev = R.randrange(16)
        c = R.choice(classes)
        n = R.choice(names)
        o = R.choice(insts)
        try:
            if ev < 3:
                setattr(c, n, mk(R.choice(kinds), step))
            elif ev < 5:
                delattr(c, n)
            elif ev == 5:
                vars(o)
            elif ev == 6:
                g["dl_" + n](o)
            elif ev == 7:
                newclass(100 + step)
            elif ev < 10:
                newinst()
            elif ev == 10:
                o.__class__ = c
            elif ev == 11:
                o.__dict__[n] = step
            elif ev == 12:
                o.__dict__ = {n: step, "q": 1}
            elif ev == 13:
                setattr(Meta, n, mk(R.choice(kinds), step)) if R.random() < 0.5 else delattr(
                    Meta, n
                )
            elif ev == 14:
                if R.random() < 0.5:
                    Desc.__set__ = lambda s, o, v: out.append("dyn")
                else:
                    del Desc.__set__
            elif ev == 15:
                if R.random() < 0.3:
                    c.__getattr__ = lambda self, name: ("late", name)
                elif R.random() < 0.5:
                    del c.__getattr__
                else:
                    object.__setattr__(o, "".join(["", n, ""]), step)
        except Exception as e:
            out.append(("ev", ev, type(e).__name__, str(e)[:60].split(" at 0x")[0]))
        try:
            out.append(
                [
                    sorted(k for k in vars(x) if isinstance(k, str)) if step % 7 else list(vars(x))
                    for x in insts
                    if hasattr(x, "__dict__")
                ][:4]
            )
        except Exception as e:
            out.append(repr(e)[:50])
    return out


def main():
    if len(sys.argv) > 1 and sys.argv[1].isdigit():
        for line in run(int(sys.argv[1])):
            print(line)
        return
    for seed in range(SEEDS):
        seen = run(seed)
        print(seed, len(seen), hashlib.md5(repr(seen).encode()).hexdigest())


main()
