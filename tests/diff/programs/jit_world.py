"""What comes from outside into hot loops: signals, threads, the collector, finalizers that write,
functions that change their callers' frames, weak references with callbacks, audit of counts."""
import gc
import signal
import sys
import threading
import weakref

log = []


class Node:
    def __init__(self, v):
        self.v = v


def on_signal(number, frame):
    log.append(frame.f_code.co_name)
    log.append(sorted(k for k in frame.f_locals if k in "ix"))


def with_signals():
    signal.signal(signal.SIGUSR1, on_signal)
    x = 0
    for i in range(60):
        x += i * 0.5
        if i % 20 == 10:
            signal.raise_signal(signal.SIGUSR1)
    return x


print(with_signals(), log)
del log[:]


def raising_handler(number, frame):
    raise KeyboardInterrupt("now")


def interrupted():
    signal.signal(signal.SIGUSR1, raising_handler)
    total = i = 0
    try:
        for i in range(100):
            total += i
            if i == 50:
                signal.raise_signal(signal.SIGUSR1)
    except KeyboardInterrupt as error:
        return i, total, str(error)


print(interrupted())


def counting(out, n):
    total = 0
    for i in range(n):
        total += i & 3
        out[0] = total
    out[1] = "done"


def threads():
    outs = [[0, 0] for _ in range(4)]
    workers = [threading.Thread(target=counting, args=(out, 3000 + k)) for k, out in enumerate(outs)]
    for w in workers:
        w.start()
    counting(outs[0][:], 3000)
    for w in workers:
        w.join()
    return outs


old = sys.getswitchinterval()
sys.setswitchinterval(1e-5)
print(threads())
sys.setswitchinterval(old)


class Writer:
    """Its end changes what the loop works with."""

    def __init__(self, target, i):
        self.target = target
        self.i = i

    def __del__(self):
        self.target.v = ("gone", self.i)
        items.append(self.i)


items = []


def written():
    node = Node(0)
    seen = []
    for i in range(30):
        w = Writer(node, i)
        node.v = i
        w = None
        seen.append(node.v)
        seen.append(len(items))
    return seen[-4:], node.v


print(written())


def shrinks():
    data = [Writer(Node(1), 100 + i) for i in range(20)]
    out = []
    i = 0
    while i < len(data):
        data[i] = i
        out.append(len(items))
        if i % 7 == 6:
            data.pop()
        i += 1
    return out[-5:], len(data)


print(shrinks())


def collected():
    got = []
    gc.callbacks.append(lambda phase, info: got.append(phase))
    keep = []
    for i in range(3000):
        n = Node(i)
        n.me = n
        keep.append((n, [i], {i: n}))
        if len(keep) > 20:
            keep.clear()
    gc.callbacks.pop()
    return len(got) > 4, set(got)


print(collected())


def weak_callbacks():
    dead = []
    for i in range(30):
        n = Node(i)
        r = weakref.ref(n, lambda r, i=i: dead.append(i))
        p = weakref.proxy(n)
        v = p.v
        del n
        dead.append(r() is None)
    return dead[-4:], v


print(weak_callbacks())


class Meta(type):
    def __call__(cls, *args):
        return ("meta", args)


class Made(metaclass=Meta):
    pass


class WithNew:
    def __new__(cls, v):
        return v if v % 3 else object.__new__(cls)

    def __init__(self, v):
        self.v = v


class Getter:
    def __getattr__(self, name):
        if name == "no":
            raise AttributeError(name)
        return name

    def __setattr__(self, name, value):
        log.append((name, value))

    def __getitem__(self, i):
        if i > 5:
            raise IndexError(i)
        return i * 2

    def __contains__(self, x):
        return "odd" if x % 2 else ""

    def __call__(self, x):
        return [x]

    def __iadd__(self, other):
        log.append("iadd")
        return self

    def __eq__(self, other):
        return [] if other == 3 else [1]

    def __len__(self):
        return self.size

    def __bool__(self):
        return log != []

    size = 3
    __hash__ = None


def odd_objects():
    del log[:]
    g, out = Getter(), []
    for i in range(25):
        out.append(Made(i))
        out.append(type(WithNew(i)).__name__)
        out.append(g.some)
        out.append(hasattr(g, "no"))
        g.attr = i
        out.append(list(g))
        out.append((i in g, g(i), len(g), g == i, not g))
        g += i
        if g:
            out.append("t")
        if g == 3:
            out.append("three")
        while g and len(log) > 12:
            del log[:]
    return out[-14:], len(out), log[-3:]


print(odd_objects())


def recursive_repr(n):
    a = []
    for i in range(n):
        a.append(a if i % 4 == 3 else (i, a[-1:]))
    return len(repr(a)) > 0, len(a)


print(recursive_repr(12))


def swap_code():
    def f(x):
        return x + 1

    def g(x):
        return x * 100

    out = []
    for i in range(40):
        out.append(f(i))
        if i == 20:
            f.__code__ = g.__code__
        if i == 30:
            f = g
    return out[18:23], out[-1]


print(swap_code())


def evals():
    out = []
    for i in range(30):
        out.append(eval("i * 2"))
        exec("q = i")
        out.append(locals().get("q"))
        out.append([i for _ in range(2)])
    return out[-3:]


print(evals())


class Slots:
    __slots__ = ("a", "b")


def slots():
    s, out = Slots(), []
    for i in range(40):
        if i % 10 == 0 and i:
            del s.a
        try:
            out.append(s.a)
        except AttributeError as error:
            out.append(str(error))
        s.a = i
        s.b = s.a
    return out[9:13], s.b


print(slots())


def del_attr():
    n, out = Node(0), []
    for i in range(40):
        n.v += 1
        n.w = i
        if i % 9 == 8:
            del n.w
            n.__dict__["z"] = i
        if i == 30:
            n.__dict__ = {"v": 5.5}
        out.append(sorted(n.__dict__))
    return out[28:33], n.v


print(del_attr())
