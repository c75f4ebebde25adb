"""Hot loops over objects that a trace keeps apart: reference counts, identity, order of deaths."""
import gc
import sys
import weakref

gc.collect()
gc.disable()
log = []


class M:
    pass


class Loud:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        log.append(self.name)


m = M()


def rest(*args):
    return args


def same_tuple(x):
    t = (x, x)
    u = t
    v = (t, u, t)
    return v[0] is v[1] and v[1] is t, t[0] is t[1]


def unused_tuple(x):
    t = (x, 1)
    u = t
    return None


def swapped(a, b):
    a, b = b, a
    a, b = (b, a)
    return a, b


class Pair:
    def __init__(self, left, right):
        self.left = left
        self.right = right


def pair_of(x):
    p = Pair(x, x)
    q = p
    p.left = q.right
    return p.left


def pair_kept(x, out):
    p = Pair(x, (x, x))
    out.append(p)
    return p.right[0] is x, p is out[-1]


def set_on_new(x):
    Pair(1, 2).left = x
    return x


def nested(i):
    inner = Pair(i, i + 1)
    outer = Pair(inner, (inner, inner))
    ok = outer.right[0] is outer.left
    inner.left = 5000 + i
    return ok, outer.left.left, outer.right[1].left


def counts():
    return sys.getrefcount(m), sys.getrefcount(()), sys.getrefcount(None) > 1000


def loops():
    out = []
    for i in range(40):
        rest(m)
        rest(m, m)
        rest()
        same_tuple(m)
        unused_tuple(m)
        swapped(m, out)
        pair_of(m)
        set_on_new(m)
        pair_kept(m, out)
        if len(out) > 5:
            out.clear()
    out.clear()
    for i in range(40):
        t = rest(m, i)
        u = t[0], t
        w = nested(i)
    return u[0] is m, u[1] is t, w, same_tuple(i)


base = sys.getrefcount(m)
for _ in range(5):
    print(loops(), sys.getrefcount(m) - base)


def identity():
    seen = []
    for i in range(1000, 1040):
        x = i * 3
        y = x
        t = (x, y)
        seen.append((x is y, t[0] is t[1], t[0] is x))
        z = [x, t]
        seen.append((z[0] is x, z[1] is t))
        f = x * 0.5
        g = f
        seen.append(((f, g)[0] is g,))
    return set(seen)


print(identity())


def deaths():
    log.clear()
    for i in range(12):
        x = Loud(("x", i))
        y = (Loud(("y", i)), x)
        x = None
        log.append("mid")
        y = None
        log.append("end")
    del x, y
    return log[-8:], len(log)


print(deaths())


def deaths_in_calls():
    log.clear()

    def callee(a, b):
        c = a
        a = None
        log.append("in")
        return b

    for i in range(12):
        callee(Loud(("a", i)), Loud(("b", i)))
        log.append("out")
    return log[-5:], len(log)


print(deaths_in_calls())


def weak():
    refs = []
    dead = []
    for i in range(20):
        o = Pair(i, None)
        refs.append(weakref.ref(o))
        dead.append(sum(r() is None for r in refs))
    return dead[-3:], sum(r() is None for r in refs)


print(weak())


def cycles():
    total = 0
    for i in range(20):
        a = Pair(None, i)
        a.left = a
        b = Pair(a, a)
        a = b = None
        if i % 5 == 4:
            total += gc.collect()
    return total


print(cycles(), cycles())


def attributes():
    out = []
    for i in range(30):
        p = Pair(i, i)
        p.extra = m
        p.left = p.right = (i, m)
        out.append(list(p.__dict__))
        if i % 3 == 0:
            del p.left
        out.append(sorted(vars(p)))
        p.later = i
        out.append(list(vars(p)))
    return out[-6:], sys.getrefcount(m) - base


print(attributes())


class Order:
    def __init__(self, flip):
        if flip:
            self.b = 1
            self.a = 2
        else:
            self.a = 1
            self.b = 2
        self.c = flip


def order():
    return [list(Order(i % 3 == 0).__dict__) for i in range(12)]


print(order())


class Init:
    def __init__(self, v):
        if v == 17:
            return 5
        self.v = v


def wrong_init():
    n = 0
    for i in range(20):
        try:
            n += Init(i).v
        except TypeError as error:
            n += 1000
            print(error)
    return n


print(wrong_init())
