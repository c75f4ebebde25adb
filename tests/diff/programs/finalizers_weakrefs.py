"""Order of finalizers, weakref callbacks, gc, resurrected objects, reference counts of locals."""

# ruff: noqa - odd code on purpose

import gc
import sys
import weakref


class Loud:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("del", self.name)

    def __repr__(self):
        return f"<{self.name}>"


def scope_order():
    a = Loud("a")
    b = Loud("b")
    c = Loud("c")
    print("end of scope")
    return None


def return_one():
    a = Loud("ra")
    b = Loud("rb")
    return a


def overwritten():
    x = Loud("first")
    x = Loud("second")
    print("overwritten")
    x = None
    print("none")
    del x
    y = Loud("y")
    del y
    print("deleted")


def temporaries():
    Loud("temp")
    print("after temp", Loud("arg").name)
    [Loud("l1"), Loud("l2")][1].name
    print((Loud("t1"), Loud("t2"))[0].name)
    if Loud("cond"):
        print("in if")
    for _ in [Loud("iter")]:
        print("in for")
        break
    print("after for")
    Loud("left") == Loud("right")
    {Loud("key"): Loud("value")}
    f"{Loud('formatted')}"


def exceptional():
    held = Loud("held")
    try:
        inner = Loud("inner")
        raise ValueError(Loud("argument"))
    except ValueError as error:
        print("caught", error)
    print("after except")
    del inner


def raising():
    a = Loud("unwound a")
    b = Loud("unwound b")
    raise KeyError("x")


def call_args(a, b, *rest, k=None):
    print("called")
    a = None
    print("a gone")
    rest = None
    print("rest gone")


def loop_variable():
    for x in (Loud(f"loop{i}") for i in range(3)):
        print("body", x)
    print("after loop", x)


def star_args():
    call_args(*[Loud("s1"), Loud("s2"), Loud("s3")], **{"k": Loud("s4")})


def generator_order():
    def g():
        local = Loud("gen local")
        yield Loud("gen value")
        yield 2
    it = g()
    next(it)
    print("advanced")
    del it
    print("dropped")


def closure_cells():
    x = Loud("cell")

    def inner():
        return x
    f = inner
    del x
    return "ok", f


def unpack_drop():
    a, b = Loud("u1"), Loud("u2")
    a, b = b, a
    print("swapped")
    (a, b) = (1, 2)
    print("replaced")


def binary():
    class V(Loud):
        def __add__(self, other):
            return V(self.name + other.name)
    V("p") + V("q") + V("r")
    print("sum done")
    v = V("v")
    v += V("w")
    print("iadd done")


def attribute():
    o = Loud("owner")
    o.child = Loud("child")
    o.child = Loud("child2")
    print("replaced child")
    m = o.__repr__
    del o
    print("method holds")


def subscript():
    items = [Loud("i0"), Loud("i1")]
    items[0] = Loud("i0 new")
    print("stored")
    items[:] = []
    print("cleared")
    d = {"k": Loud("v0")}
    d["k"] = Loud("v1")
    del d["k"]
    print("dict done")


def with_statement():
    class M(Loud):
        def __enter__(self):
            return Loud("entered")

        def __exit__(self, *a):
            print("exit")
    with M("manager") as e:
        print("inside", e)
    print("after with")


def comprehension():
    values = [Loud(f"c{i}").name for i in range(3)]
    return values


def match_it():
    match Loud("subject"):
        case Loud(name="no"):
            pass
        case Loud(name=n):
            print("matched", n)
    print("after match")


for turn in range(3):
    for f in (scope_order, return_one, overwritten, temporaries, exceptional, star_args,
              loop_variable, generator_order, closure_cells, unpack_drop, binary, attribute,
              subscript, with_statement, comprehension, match_it):
        print("--", f.__name__)
        print(f())
    try:
        raising()
    except KeyError:
        print("in handler")
    print("handler done")


class Quiet:
    pass


def callbacks():
    log = []
    objs = [Quiet() for _ in range(3)]
    refs = [weakref.ref(o, lambda r, i=i: log.append(i)) for i, o in enumerate(objs)]
    proxy = weakref.proxy(objs[0])
    proxy.x = 5
    del objs[1]
    log.append("mid")
    objs.pop()
    print(log, [r() is None for r in refs], proxy.x)
    final = weakref.finalize(objs[0], log.append, "finalize")
    table = weakref.WeakValueDictionary(k=objs[0])
    objs.clear()
    print(log, final.alive, dict(table))
    try:
        proxy.x
    except ReferenceError as error:
        print(error)


for _ in range(10):
    callbacks()


class Phoenix:
    kept = []

    def __del__(self):
        Phoenix.kept.append(self)


for _ in range(5):
    Phoenix()
print(len(Phoenix.kept))


class Node:
    def __init__(self, name):
        self.name = name
        self.me = self

    def __del__(self):
        print("cycle del", self.name)


gc.collect()
gc.disable()
for i in range(3):
    Node(i)
print("collect", gc.collect() > 0)
gc.enable()


def func_cycle():
    def f():
        return f
    return weakref.ref(f)


r = func_cycle()
gc.collect()
print(r() is None)


def refcounts(a, b):
    local = a
    before = sys.getrefcount(a)
    items = [a] * 10
    mid = sys.getrefcount(a)
    del items, local
    return before, mid, sys.getrefcount(a), sys.getrefcount(b)


obj = object()
print([refcounts(obj, obj) for _ in range(30)][-1], sys.getrefcount(obj))


def args_count(*args, **kw):
    return sys.getrefcount(args), sys.getrefcount(kw), sys.getrefcount(args[0])


print([args_count(obj, k=obj) for _ in range(30)][-1])
print(sys.getrefcount(obj), (lambda x: sys.getrefcount(x))(obj))


class Method:
    def m(self):
        return sys.getrefcount(self)

    @property
    def p(self):
        return sys.getrefcount(self)

    def __call__(self):
        return sys.getrefcount(self)

    def __getitem__(self, k):
        return sys.getrefcount(self), sys.getrefcount(k)

    def __add__(self, o):
        return sys.getrefcount(self), sys.getrefcount(o)

    def __len__(self):
        return sys.getrefcount(self)

    def __iter__(self):
        return iter([sys.getrefcount(self)])

    def __contains__(self, x):
        print(sys.getrefcount(self), sys.getrefcount(x))
        return True

    def __enter__(self):  # stock holds one reference more here, in a bound method
        return "entered"

    def __exit__(self, *a):
        print("exit", sys.getrefcount(self))


m = Method()
for _ in range(25):
    row = (m.m(), m.p, m(), m[obj], m + obj, len(m), [*m], Method.m(m), Method().m(),
           Method()(), Method().p, Method()[obj], Method() + Method())
print(row, obj in m)
with m as n:
    print(n)


def gen_count(x):
    yield sys.getrefcount(x)
    yield sys.getrefcount(x)


print([list(gen_count(obj)) for _ in range(20)][-1])
blocks = []
for turn in range(6):
    for f in (comprehension, unpack_drop):
        pass
    junk = [[i] for i in range(1000)]
    del junk
    blocks.append(sys.getallocatedblocks())
print(blocks[-1] - blocks[-2] < 50)
last = Loud("at exit")
