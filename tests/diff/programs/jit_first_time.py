"""Ops that run in their general form, the first time or because types change, while they are
recorded: what the recorder follows into a frame is then run by C, and what it was done with is gone.
"""


class Slotted:
    __slots__ = ("_value",)

    def __init__(self, value):
        self._value = value

    @property
    def value(self):
        return self._value

    @value.setter
    def value(self, value):
        self._value = value

    def __getitem__(self, key):
        return self._value

    def __len__(self):
        return self._value & 7

    def __add__(self, other):
        return self._value

    def __eq__(self, other):
        return self._value

    def __contains__(self, item):
        return self._value

    def __getattr__(self, name):
        return self._value

    def __call__(self):
        return self._value

    def __iter__(self):
        return iter((self._value,))

    def __enter__(self):
        return self._value

    def __exit__(self, *what):
        return self._value


class Other(Slotted):
    __slots__ = ()

    @Slotted.value.getter
    def value(self):
        return self._value


class Third(Slotted):
    @Slotted.value.getter
    def value(self):
        return self._value


class Fourth(Slotted):
    __slots__ = ("__dict__",)

    def __init__(self, value):
        self.first = self
        self.second = [value]
        self._mine = value
        self._value = value
        self.first = None

    @Slotted.value.getter
    def value(self):
        return self._mine


SOURCE = """
def whole(make, n): return make(n).value, n
def item(make, n): return make(n)[0], n
def size(make, n): return len(make(n)), n
def added(make, n): return make(n) + 1, n
def same(make, n): return (make(n) == 1), n
def inside(make, n): return (1 in make(n)), n
def hook(make, n): return make(n).other, n
def called(make, n): return make(n)(), n
def truth(make, n): return "yes" if make(n) else "no"
def taken(make, n): return [*make(n)], n
def entered(make, n):
    with make(n) as got: pass
    return got, n
def stored(make, n):
    make(n).value = n
    return n
"""
NAMES = (
    "whole", "item", "size", "added", "same", "inside", "hook", "called", "truth", "taken",
    "entered", "stored",
)  # fmt: skip


def make(n):
    return (Slotted, Other, Third, Fourth)[n % 4](n)


# Each time the functions are new, and so are their ops.
for turn in range(6):
    made = {}
    exec(SOURCE, made)
    for name in NAMES:
        function = made[name]
        if turn & 1:
            print(name, [function(make, 1000 * turn + k) for k in range(turn + 1)])
        else:  # called by C
            print(name, list(map(function, [make] * 9, range(1000 * turn, 1001 * turn + 1))))
        print(name, [function(lambda n: (Fourth, Third, Other, Slotted)[n % 4](n * 2**40), k) for k in range(turn)])
