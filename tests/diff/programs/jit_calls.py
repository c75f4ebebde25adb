"""Calls from hot code to Python functions that have loops, call themselves or are long.

Such calls go from trace to trace, or from a trace into the interpreter and back: results,
tracebacks, depth of recursion, frames that look around, finalizers and tracing must be as ever.
"""

# ruff: noqa - odd code on purpose

import gc
import sys
import threading
import traceback

HOT = 300


def show(*what):
    print(*what)


def total(n):
    s = 0
    for i in range(n):
        s += i
    return s


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def call_loops(k):
    t = 0
    for i in range(k):
        t += total(i % 7)
    return t


show(call_loops(HOT), [fib(n) for n in range(18)])


# ---- recursion of all kinds ----


class Tree:
    def __init__(self, depth, value=1):
        self.value = value
        self.left = Tree(depth - 1, 2 * value) if depth else None
        self.right = Tree(depth - 1, 2 * value + 1) if depth else None

    def sum(self):
        s = self.value
        if self.left is not None:
            s += self.left.sum()
        if self.right is not None:
            s += self.right.sum()
        return s

    def each(self, f, depth=0, *, scale=1):
        f(self.value * scale + depth)
        for child in (self.left, self.right):
            if child is not None:
                child.each(f, depth + 1)


def is_even(n):
    return True if n == 0 else is_odd(n - 1)


def is_odd(n):
    return False if n == 0 else is_even(n - 1)


def ackermann(m, n):
    if m == 0:
        return n + 1
    if n == 0:
        return ackermann(m - 1, 1)
    return ackermann(m - 1, ackermann(m, n - 1))


def flatten(o, out):
    for item in o:
        if type(item) is list:
            flatten(item, out)
        else:
            out.append(item)
    return out


def permutations(items, k=0):
    if k == len(items):
        return 1
    n = 0
    for i in range(k, len(items)):
        items[k], items[i] = items[i], items[k]
        n += permutations(items, k + 1)
        items[k], items[i] = items[i], items[k]
    return n


def nested():
    def inner(n, factor):
        return factor if n == 0 else n * inner(n - 1, factor)

    return [inner(n % 12, n) for n in range(HOT)][-5:]


tree = Tree(7)
seen = []
tree.each(seen.append)
show(tree.sum(), len(seen), sum(seen), [is_even(n) for n in range(40)][-3:])
show(ackermann(2, 9), flatten([[1, [2, [3] * 3], 4], [[5]], 6] * 40, [])[-7:])
show(permutations(list(range(6))), nested())


# ---- errors on the way ----


def fails_at(n, k):
    s = 0
    for i in range(3):
        s += i
    if n == k:
        raise ValueError("here", n, s)
    return s


def calls_what_fails(k):
    out = []
    for i in range(HOT):
        out.append(fails_at(i, k))
    return len(out)


def deep_failure(n):
    if n == 0:
        return [][n]
    return deep_failure(n - 1) + 1


def tries(k):
    good = bad = 0
    for i in range(HOT):
        try:
            good += fails_at(i % 10, k)
        except ValueError as e:
            bad += e.args[1]
    return good, bad


def units(e):
    tb, out = e.__traceback__, []
    while tb is not None:
        out.append((tb.tb_frame.f_code.co_name, tb.tb_lineno, tb.tb_lasti))
        tb = tb.tb_next
    return out


for k in (HOT + 1, HOT - 20, 17):
    try:
        show(calls_what_fails(k))
    except ValueError as e:
        show(units(e))
        traceback.print_exc(file=sys.stdout)
for _ in range(40):
    try:
        deep_failure(12)
    except IndexError as e:
        last = units(e)
show(last)
show(tries(3), tries(99))


# ---- the depth of recursion ----


def depth(n):
    try:
        return depth(n + 1)
    except RecursionError:
        return n


def depth_by_loop(n):
    for i in range(1):
        try:
            return depth_by_loop(n + 1)
        except RecursionError:
            return n


def down(n):
    return 0 if n == 0 else 1 + down(n - 1)


limit = sys.getrecursionlimit()
for _ in range(30):
    down(50), depth(0), depth_by_loop(0)
show([depth(0) for _ in range(5)], [depth_by_loop(0) for _ in range(5)])
sys.setrecursionlimit(60_000)
show(down(55_000))
sys.setrecursionlimit(150)
show([depth(0) for _ in range(3)], [depth_by_loop(0) for _ in range(3)])
sys.setrecursionlimit(limit)


# ---- frames that look around ----


def looks(n, wanted):
    for i in range(2):
        pass
    if n != wanted:
        return None
    frame, out = sys._getframe(), []
    while frame is not None and frame.f_code.co_name != "<module>":
        names = sorted((k, v) for k, v in frame.f_locals.items() if isinstance(v, int))
        out.append((frame.f_code.co_name, frame.f_lineno, names))
        frame = frame.f_back
    return out


def asks(wanted):
    a, b = 1, 2.5
    for i in range(HOT):
        a = a + i
        r = looks(i, wanted)
        b = b * 0.5
        if r is not None:
            return r, a, b


def dives(n, wanted):
    return looks(n, wanted) if n == 0 else dives(n - 1, wanted)


show(asks(HOT - 3))
for _ in range(50):
    dives(6, 1)
show(dives(6, 0))


def keeps_frame(n):
    for i in range(2):
        pass
    return sys._getframe() if n % 50 == 49 else n


def kept():
    frames = []
    for i in range(HOT):
        r = keeps_frame(i)
        if type(r) is not int:
            frames.append(r)
    return [(f.f_lineno, f.f_locals, f.f_back is None) for f in frames]


show(kept())


# ---- finalizers ----


class Loud:
    log = []

    def __init__(self, n):
        self.n = n

    def __del__(self):
        Loud.log.append((self.n, sys._getframe(1).f_code.co_name))


def eats(o, n):
    other = Loud(-n)
    for i in range(2):
        n += i
    return n


def feeds():
    t = 0
    for i in range(HOT):
        t += eats(Loud(i), i)
    return t


show(feeds(), len(Loud.log), Loud.log[:3], Loud.log[-4:])
Loud.log.clear()


# ---- functions that change while they are called ----


def changes(n):
    for i in range(2):
        pass
    return ("old", n)


def replacement(n, *, key=3):
    for i in range(2):
        pass
    return ("new", n, key)


def other_body(n):
    return ("body", n)


def defaults(n, k=1):
    for i in range(2):
        n += k
    return n


def runs_changes():
    global changes
    out = []
    for i in range(4 * HOT):
        if i == HOT:
            changes.__code__ = other_body.__code__
        if i == 2 * HOT:
            changes = replacement
        if i == 3 * HOT:
            defaults.__defaults__ = (100,)
        out.append(changes(i))
        out.append(defaults(i))
    return [out[2 * k * HOT - 2 : 2 * k * HOT + 4] for k in (1, 2, 3)], out[-1]


show(runs_changes())


# ---- shapes of calls ----


def star(*args):
    for a in args:
        pass
    return len(args)


def keywords(a, b=2, *, c=3, **rest):
    for k in rest:
        pass
    return a, b, c, sorted(rest)


def yields(n):
    for i in range(n):
        yield i


def cells(n):
    def add(k):
        return n + k

    s = 0
    for i in range(2):
        s += add(i)
    return s


def shapes():
    out = []
    for i in range(HOT):
        out = [star(i, 1), star(), keywords(i), keywords(i, c=4, z=5), keywords(b=i, a=1)]
        out.append(sum(yields(i % 4)))
        out.append(cells(i))
        out.append(defaults(k=i, n=1))
    return out


show(shapes())


# ---- other things switched on in the callee ----


def traced(n, at):
    for i in range(2):
        pass
    if n == at:
        sys.setprofile(lambda frame, event, arg: events.append((frame.f_code.co_name, event)))
    if n == at + 2:
        sys.setprofile(None)
    return n


events = []


def profiles(at):
    t = 0
    for i in range(HOT):
        t += traced(i, at)
    return t


profiled = sys.getprofile()
if profiled is None and sys.gettrace() is None:
    show(profiles(HOT - 9), events)
    events.clear()
    show(profiles(5), events)


def signals_come():
    done = []
    timer = threading.Timer(0.02, lambda: done.append(1))
    timer.start()
    n = 0
    while not done or n == 0:
        n += fib(5) > 0
    timer.join()
    return n > 0


show(signals_come())


# ---- garbage that functions leave ----


def leaves_cycle(n):
    a = [n]
    a.append(a)
    for i in range(2):
        pass
    return len(a)


before = gc.isenabled()
gc.disable()
gc.collect()
t = 0
for i in range(HOT):
    t += leaves_cycle(i)
show(t, gc.collect() >= HOT)
if before:
    gc.enable()
