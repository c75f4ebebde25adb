"""Classes that change all the time: counters among their attributes, methods and slots that come
and go while the same loops run on.

Everything that is kept by a class's version has to be looked at again after each change, and must
hold exactly as long as nothing that matters has changed.
"""


class Node:
    count = 0
    alive = 0

    def __init__(self, value):
        self.value = value
        Node.count += 1

    def get(self):
        return self.value

    def bump(self):
        Node.count += 1
        self.value += 1
        return self.value

    @classmethod
    def total(cls):
        cls.alive += 1
        return cls.count + cls.alive

    @staticmethod
    def plain(n):
        Node.alive -= 1
        return n + 1


class Leaf(Node):
    def __init__(self, value, other=3):
        super().__init__(value)
        self.other = other


class Slotted:
    __slots__ = ("a", "b")
    made = 0

    def __init__(self, a):
        self.a = a
        self.b = Slotted.made
        Slotted.made += 1

    def sum(self):
        return self.a + self.b


def make(cls, n):
    total = 0
    for i in range(n):
        node = cls(i)
        total += node.get() + node.bump() + cls.plain(i) + cls.total()
    return total, Node.count, Node.alive


def slotted(n):
    total = 0
    for i in range(n):
        total += Slotted(i).sum()
    return total, Slotted.made


def attributes(node, n):
    total = 0
    for i in range(n):
        Node.count = i
        node.value += 1
        total += node.value + Node.count + node.count
    return total


for _ in range(3):
    print(make(Node, 400), make(Leaf, 400), slotted(400), attributes(Node(1), 400))


# ---- the method changes while the class changes anyway ----


def first(self):
    return self.value


def second(self):
    return -self.value


def swap(n):
    node, total = Node(1), []
    for i in range(n):
        Node.count += 1
        if i % 97 == 50:
            Node.get = second if Node.get is first else first
        total.append(node.get())
    return sum(total), total[40:60]


print(swap(500))
Node.get = first


# ---- something of the class comes before what the instance has, or no longer ----


def shadow(n):
    node, seen = Node(7), []
    for i in range(n):
        Node.count = i
        if i == n // 4:
            Node.value = 100  # behind the instance's own
        if i == n // 2:
            Node.value = property(lambda self: -1, lambda self, v: seen.append(v))
        if i == 3 * n // 4:
            del Node.value
        node.value = node.value + 1
        if i % 50 == 0:
            seen.append(node.value)
    return seen, node.__dict__


print(shadow(400))


# ---- the instance has one of its own ----


def own_method(n):
    node, total = Node(5), 0
    for i in range(n):
        Node.count += 1
        if i == n // 2:
            node.get = lambda: 1000
        if i == 3 * n // 4:
            del node.get
        total += node.get()
    return total


print(own_method(400))


# ---- how instances are made, read and written ----


def make_otherwise(n):
    log = []

    class Thing:
        made = 0

        def __init__(self, a):
            Thing.made += 1
            self.a = a

    def init(self, a):
        Thing.made += 10
        self.a = a * 2

    def new(cls, a):
        thing = object.__new__(cls)
        thing.new = True
        return thing

    def getattribute(self, name):
        return (name, Thing.made)

    def setattribute(self, name, value):
        object.__setattr__(self, name, value + 1)

    for i in range(n):
        if i == n // 6:
            Thing.__init__ = init
        if i == 2 * n // 6:
            Thing.__new__ = new
        if i == 3 * n // 6:
            Thing.__setattr__ = setattribute
        if i == 4 * n // 6:
            Thing.__getattribute__ = getattribute
        if i == 5 * n // 6:
            del Thing.__getattribute__, Thing.__setattr__
            Thing.__getattr__ = lambda self, name: name
        thing = Thing(i)
        if i % 29 == 0:
            log.append((thing.a, Thing.made, thing.b if i >= 4 * n // 6 else None))
        else:
            thing.a
    return log


for row in make_otherwise(360):
    print(row)


# ---- classes that are made anew at the same places in memory ----


def anew(n):
    total = 0
    for i in range(n):

        class Short:
            k = 0

            def __init__(self, v):
                if i % 2:
                    self.other = 1
                self.v = v
                Short.k += v

            def get(self):
                return self.v + Short.k

        for j in range(5):
            total += Short(j).get()
        del Short
    return total


print(anew(200))


# ---- a metaclass, and a counter that is something else in the middle ----


class Meta(type):
    hits = 0

    def __call__(cls, *args):
        Meta.hits += 1
        return super().__call__(*args)


class Counted(metaclass=Meta):
    k = 0

    def __init__(self, a):
        self.a = a
        Counted.k += 1


def metas(n):
    for i in range(n):
        Counted(i)
        if i == n // 2:
            Counted.k = 0.5
        if i == 3 * n // 4:
            Counted.k = "text"
            try:
                Counted(i)
            except TypeError as error:
                print(error)
            Counted.k = 10**30
    return Meta.hits, Counted.k


print(metas(400))
