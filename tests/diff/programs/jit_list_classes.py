# Classes below list that leave things to it, and objects that are compared by identity, in hot loops;
# then the classes change.


class Coll(list):
    pass


class Slotted(list):
    __slots__ = ()


class Named(list):
    def __init__(self, name):
        super().__init__()
        self.name = name


def queue(coll, n):
    out = 0
    for i in range(n):
        coll.append(i)
        coll.append(i + 1)
        out += coll.pop(0)
        out += len(coll)
        if coll:
            out += coll[-1] + coll[0]
            coll[0] = out % 7
        if i % 5 == 0:
            out += coll.pop()
        if not coll:
            out += 1000
    return out, len(coll), list(coll)[-3:]


def walk(coll, n):
    total = 0
    for i in range(n):
        for v in coll:
            total += v
        if i % 3:
            total -= len(coll)
    return total


def run(title, make):
    print(title, queue(make(), 60), walk(make(), 60))


for cls in (Coll, Slotted, list):
    run(cls.__name__, cls)
    print(walk(cls([1, 2, 3]), 100))
print(queue(Named("a"), 100), walk(Named("b"), 10))


def errors(coll, n):
    seen = []
    for i in range(n):
        try:
            if i % 4 == 0:
                coll.pop(0)
            elif i % 4 == 1:
                coll[i]
            else:
                coll.append(i)
        except IndexError as e:
            seen.append(str(e))
    return len(seen), sorted(set(seen))


print(errors(Coll(), 100))


# an instance with a method of its own
class Shadow(list):
    pass


def shadowed(colls):
    out = []
    for c in colls:
        c.append(1)
        out.append(len(c))
    return out


plain = [Shadow() for _ in range(60)]
print(sum(shadowed(plain)))
plain[30].append = lambda v: out2.append(v)
out2 = []
plain[31].other = 5
print(shadowed(plain)[28:34], out2)
del plain[30].append
print(shadowed(plain)[28:34])


# changes of the class in the middle of a loop
class Later(list):
    pass


def changed(n, at, what):
    coll = Later([1, 2, 3])
    out = []
    for i in range(n):
        if i == at:
            what()
        coll.append(i)
        out.append(len(coll))
        out.append(coll[0])
        out.append(bool(coll))
        for v in coll:
            out.append(v)
            break
        if len(out) % 7 == 3:
            coll.pop(0)
    return sum(map(int, out)), out[-6:]


def set_later(name, value):
    return lambda: setattr(Later, name, value)


print(changed(80, -1, None))
for name, value in [
    ("__len__", lambda self: 7),
    ("__getitem__", lambda self, k: 40 + k),
    ("__bool__", lambda self: False),
    ("__iter__", lambda self: iter([9])),
    ("append", lambda self, v: list.append(self, v + 1)),
    ("pop", lambda self, k: list.pop(self)),
]:
    print(name, changed(80, 50, set_later(name, value)))
    print(name, changed(80, -1, None))
    delattr(Later, name)
print(changed(80, -1, None))


# ---- identity ----
class Thing:
    def __init__(self, k):
        super().__init__()
        self.k = k


class Other:
    pass


def others(things, one):
    n = 0
    for t in things:
        if t != one:
            n += 1
        if t == one:
            n += 100
        if t == None:
            n += 10000
        if None != t:
            n += 3
    return n


things = [Thing(k) for k in range(50)]
print(others(things, things[20]), others(things, None), others(things, Other()), others(things, 5))
print(others([None] * 40, None), others([Other()] * 40 + things, things[3]))


class Meta(type):
    pass


class Odd(metaclass=Meta):
    pass


print(others([Odd, Thing, Odd] * 20, Odd), others([others, len, None] * 20, len))


def with_eq(n, at):
    n_equal = 0
    a, b = Thing(1), Thing(1)
    for i in range(n):
        if i == at:
            Thing.__eq__ = lambda self, other: True
        if a == b:
            n_equal += 1
        if a != b:
            n_equal += 1000
    return n_equal


print(with_eq(80, -1), with_eq(80, 50), with_eq(80, -1))
del Thing.__eq__
print(with_eq(80, -1))
Thing.__ne__ = lambda self, other: 5
print(with_eq(80, -1))
del Thing.__ne__


class Right:
    def __eq__(self, other):
        return "yes"


def compared(a, b, n):
    out = []
    for _ in range(n):
        out.append(a == b)
    return out[-1], len(set(map(str, out)))


print(compared(Thing(1), Right(), 60), compared(Right(), Thing(1), 60))


# object.__init__ of classes with more to say
class Base:
    def __init__(self):
        super(Base, self).__init__()
        self.v = 1


class Both(Base):
    def __init__(self):
        super().__init__()
        object.__init__(self)
        self.w = 2


def build(n):
    s = 0
    for _ in range(n):
        o = Both()
        s += o.v + o.w
    return s


print(build(100))


class Takes:
    def __init__(self, v):
        try:
            super().__init__(v)
        except TypeError as e:
            self.v = str(e)


print({Takes(k).v for k in range(60)})
