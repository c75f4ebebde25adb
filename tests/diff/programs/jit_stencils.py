"""Objects made and ended in hot loops: what is in them, and what is counted of them."""

import gc
import sys
import tracemalloc
import weakref


class Vector:
    def __init__(self, x, y, z):
        self.x = x
        self.y = y
        self.z = z

    def plus(self, other):
        return Vector(self.x + other.x, self.y + other.y, self.z + other.z)


class Slots:
    __slots__ = ("a", "b", "c")

    def __init__(self, a, b):
        self.a = a
        self.b = b


class Watched:
    """With __weakref__, and something that is told of an end."""

    log = []

    def __init__(self, name):
        self.name = name
        self.held = None

    def __del__(self):
        self.log.append(self.name)


class Sub(Vector):
    def __init__(self, x):
        super().__init__(x, x, x)
        self.extra = [x]


keep = [None] * 8


def vectors(n):
    total = Vector(0, 0.5, 1)
    step = Vector(1, 1.5, 2)
    for i in range(n):
        total = total.plus(step)
        keep[i & 7] = total
    return total.x, total.y, total.z, list(vars(total))


def slots(n):
    last = None
    for i in range(n):
        s = Slots(i, (i, last))
        keep[i & 7] = s
        last = i
    try:
        s.c
    except AttributeError as e:
        print(type(e).__name__, e)
    return s.a, s.b


def late_attributes(n):
    """Values that are set out of order, left out, deleted."""
    out = []
    for i in range(n):
        v = Vector(i, i, i)
        if i % 50 == 0:
            v.later = i
        if i % 70 == 0:
            del v.y
        keep[i & 7] = v
        if i % 100 == 0:
            out.append(list(vars(v).items()))
    return out


def subclasses(n):
    for i in range(n):
        keep[i & 7] = Sub(i)
    return [vars(v) for v in keep if isinstance(v, Sub)][:2]


def nested(n):
    """Instances that hold instances, tuples, lists, one object twice."""
    count = 0
    shared = Vector(0, 0, 0)
    for i in range(n):
        a = Slots(Vector(i, shared, None), [shared, shared, i])
        b = Slots(a, (a, a.a, shared))
        keep[i & 7] = b
        count += len(b.b)
    keep[:] = [None] * 8
    return count, sys.getrefcount(shared)


def watched(n):
    """Ends that run code, and ends of what holds what runs code."""
    Watched.log.clear()
    seen = []
    for i in range(n):
        w = Watched(i)
        w.held = Vector(i, w.name, None)
        box = Slots(w, None)
        keep[i & 7] = box
        if i % 40 == 0:
            seen.append(list(Watched.log[-2:]))
    keep[:] = [None] * 8
    return seen, len(Watched.log)


def weak(n):
    """Weak references are told."""
    told = []
    for i in range(n):
        v = Vector(i, i, i)
        if i % 30 == 0:
            keep[7] = weakref.ref(v, lambda r: told.append(1))
        keep[0] = v
    keep[0] = None
    return len(told), keep[7]()


def tuples(n):
    out = []
    for i in range(n):
        t = (i, i * 0.5, str(i))
        keep[i & 7] = t
        if i % 60 == 0:
            out.append(t)
    return out


def lists(n):
    out = []
    for i in range(n):
        out.append((i, -i))
        if i % 3 == 0:
            out.pop()
    while len(out) > n // 4:
        out.pop()
    return len(out), out[-1], sys.getsizeof(out)


def dicts(n):
    d = {"alpha": 1, "beta": 2.5, "gamma": "g"}
    total = 0
    for i in range(n):
        total += d["alpha"] + d["beta"]
        if i % 90 == 0:
            d[i] = i
        if i % 100 == 0:
            d["gamma"] = d["gamma"] + "."
    try:
        for i in range(n):
            if i == n - 2:
                del d["beta"]
            total += d["beta"]
    except KeyError as e:
        print("KeyError", e)
    return total, d["gamma"]


def characters(n):
    s = "ab\xe9\xffz"
    out = []
    for i in range(n):
        out.append(s[i % 5])
    return "".join(out[:10]), out[0] is s[0]


def many_alive(n):
    return [Vector(i, i, i) for i in range(n)]


for turn in range(3):
    for function in (
        vectors,
        slots,
        late_attributes,
        subclasses,
        nested,
        watched,
        weak,
        tuples,
        lists,
        dicts,
        characters,
    ):
        print(function.__name__, function(300))

# The collector counts instances and sees them.
gc.collect()
gc.disable()
print([type(k).__name__ for k in keep])
keep[:] = [None] * 8
before = gc.get_count()[0]
alive = many_alive(200)
print("made", 200 <= gc.get_count()[0] - before < 230)
objects = gc.get_objects()
print("seen", sum(1 for o in objects if type(o) is Vector))
del objects
print("tracked", all(gc.is_tracked(v) for v in alive))
del alive
print("gone", gc.get_count()[0] - before < 30)
gc.enable()
types = sys.getrefcount(Vector), sys.getrefcount(Slots)
for turn in range(5):
    vectors(200)
    slots(100)
    keep[:] = [None] * 8
print("types", types == (sys.getrefcount(Vector), sys.getrefcount(Slots)))

# Collections come when they came.
runs = []
gc.callbacks.append(lambda phase, info: runs.append(phase))
gc.set_threshold(50, 1000, 1000)
alive = many_alive(1000)
gc.set_threshold(700, 10, 10)
gc.callbacks.clear()
print("collections", runs.count("start") in range(15, 25))
del alive

# tracemalloc sees every instance that is made while it runs.
vectors(300)
keep[:] = [None] * 8
tracemalloc.start()
alive = many_alive(100)
print("traced", sum(tracemalloc.get_object_traceback(v) is not None for v in alive))
del alive
tracemalloc.stop()
vectors(300)

# Blocks do not pile up.
sys.getallocatedblocks()
vectors(500)
keep[:] = [None] * 8
first = sys.getallocatedblocks()
for turn in range(5):
    vectors(500)
    slots(200)
    keep[:] = [None] * 8
print("blocks", abs(sys.getallocatedblocks() - first) < 250)

# The body of a class is looked at again when it has changed.
Vector.__del__ = lambda self: Watched.log.append("vector")
Watched.log.clear()
vectors(50)
keep[:] = [None] * 8
print(len(Watched.log))
del Vector.__del__
vectors(100)
print(len(Watched.log))


# Strings that are the same object, equal, or differ by length, hash, kind or content.
def compared(turns):
    fresh = ["a", "b", "ab", "ba", "", "\u00e9", "\u20ac", "e" * 300, "e" * 299 + "f", "\u20ac" * 2]
    known = {}
    counts = [0] * 6
    for turn in range(turns):
        for s in fresh:
            t = "".join([s[:1], s[1:]])
            u = t[::-1]
            if turn % 3 == 0:
                known[t] = turn
                known[u] = turn
            x = 1.5 * turn
            counts[0] += s == t
            counts[1] += t == u
            counts[2] += s != "ab"
            counts[3] += "e" != u
            counts[4] += t == fresh[turn % 10]
            counts[5] += (s == "ba" or u == "\u20ac") and x >= 0.0
    return counts, len(known)


print(compared(60), compared(200))


class Text(str):
    def __eq__(self, other):
        return True

    __hash__ = str.__hash__


def mixed(turns):
    return sum(s == "b" for s in ["a", "b", Text("c"), 5, None] * turns)


print(mixed(40))
