"""Subclasses of int, str, list, dict, tuple, float, bytes, set in every hot operation."""

# ruff: noqa - odd code on purpose


class I(int):
    def __repr__(self):
        return f"I({int(self)})"


class LoudI(int):
    def __add__(self, other):
        return ("LoudI add", int(self), other)

    def __lt__(self, other):
        return "truthy" if int(self) < int(other) else ""

    def __index__(self):
        log.append("index")
        return int.__index__(self)

    def __hash__(self):
        log.append("hash")
        return int.__hash__(self)

    def __eq__(self, other):
        log.append("eq")
        return int.__eq__(self, other)

    def __bool__(self):
        log.append("bool")
        return False


class F(float):
    def __mul__(self, other):
        return ("F mul", float(self))


class S(str):
    def __eq__(self, other):
        log.append("S eq")
        return str.__eq__(self, other)

    def __hash__(self):
        log.append("S hash")
        return str.__hash__(self)

    def __add__(self, other):
        return S(str(self) + "+" + str(other))

    def __contains__(self, x):
        return "S contains"

    def __iter__(self):
        return iter("iterS")

    def __len__(self):
        return 77

    def __getitem__(self, k):
        return ("S item", k)


class L(list):
    def __len__(self):
        return 3

    def __bool__(self):
        return False

    def __iter__(self):
        yield from ("L", "iter")

    def __getitem__(self, k):
        return ("L item", k)

    def __contains__(self, x):
        return x == "magic"


class D(dict):
    def __getitem__(self, k):
        return ("D item", k)

    def __contains__(self, k):
        return k == "magic"

    def keys(self):
        return ["D", "keys"]

    def __iter__(self):
        return iter(["D", "iter"])


class T(tuple):
    def __getitem__(self, k):
        return ("T item", k)

    def __len__(self):
        return 9


class B(bytes):
    pass


class St(set):
    def __contains__(self, x):
        return True


def attempt(function, *args):
    try:
        return function(*args)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


log = []
operations = {
    "add": lambda a, b: a + b, "mul": lambda a, b: a * b, "sub": lambda a, b: a - b,
    "lt": lambda a, b: "yes" if a < b else "no", "eq": lambda a, b: "yes" if a == b else "no",
    "in": lambda a, b: b in a, "item": lambda a, b: a[b], "len": lambda a, b: len(a),
    "bool": lambda a, b: "yes" if a else "no", "iter": lambda a, b: [x for x in a],
    "star": lambda a, b: (lambda *x: x)(*a), "unpack": lambda a, b: (lambda: None) if False else
    [*a], "kw": lambda a, b: (lambda **k: k)(**a), "not": lambda a, b: not a,
    "slice": lambda a, b: a[0:1], "fmt": lambda a, b: f"{a}{a!r}", "and": lambda a, b: a and b,
    "dictmerge": lambda a, b: {**a}, "index": lambda a, b: [10, 20, 30][a],
    "key": lambda a, b: {1: "one", "x": "ex", 2.5: "f"}.get(a), "range": lambda a, b: list(range(a)),
    "sum": lambda a, b: sum([a, a]), "str": lambda a, b: str(a), "join": lambda a, b: "-".join(a),
    "pct": lambda a, b: "%s" % a, "shift": lambda a, b: a << 2, "neg": lambda a, b: -a,
    "hash": lambda a, b: hash(a) and None, "two": lambda a, b: (lambda: (a,))()[0] is a,
}
values = [1, I(1), LoudI(1), 2.5, F(2.5), "x", S("x"), [1, 2, 3], L([1, 2, 3]), {"x": 1}, D(x=1),
          (1, 2), T((1, 2)), B(b"ab"), {1}, St({1}), True]
others = [0, "magic", I(2), LoudI(3)]
for name, op in operations.items():
    for value in values:
        for other in others[:4 if name in ("add", "lt", "eq", "in", "item", "mul") else 1]:
            log.clear()
            results = [attempt(op, value, other) for _ in range(12)]
            print(name, type(value).__name__, type(other).__name__, str(results[-1])[:90],
                  len(log))
for name, op in operations.items():
    log.clear()
    results = [str(attempt(op, value, 0))[:30] for value in values for _ in range(10)]
    print(name, results[::10], len(log))


def for_unpack(pairs):
    return [(a, b) for a, b in pairs]


for pairs in ([(1, 2)], [T((1, 2))], [L([1, 2])], [S("ab")], {1: 2}.items(), [D(a=1)]):
    for _ in range(10):
        r = attempt(for_unpack, pairs)
    print(r)
d = {S("k"): 1, "j": 2, LoudI(5): 3}
log.clear()
print(d["k"], d[S("k")], d.get(5), 5 in d, S("j") in d, log)


class Space:
    pass


o = Space()
setattr(o, S("name"), 5)
print(o.name, vars(o), attempt(getattr, o, S("name")))
x = I(5)
for _ in range(60):
    x += 1
print(repr(x), type(x), repr(I(3) * I(4)), repr(-I(2)), repr(+I(2)), repr(I(7) // 2))
x = S("s")
for _ in range(3):
    x += "t"
print(type(x).__name__, str.__str__(x))
total = 0
for v in [1, I(2), 3, LoudI(4), True]:
    total = total + v if not isinstance(total, tuple) else total
print(total)


class IterDict(dict):
    def items(self):
        return [("fake", "items")]


print(dict(IterDict(a=1)), {**IterDict(a=1)}, [k for k in IterDict(a=1)], (lambda **k: k)(**IterDict(
    a=1)))


class Str2(str):
    __slots__ = ()


print("".join([Str2("a"), "b"]), type(Str2("a") + "b").__name__, Str2("a") == "a", Str2("a") is "a"  # noqa
      , {"a": 1}[Str2("a")], f"{Str2('q')}", type(f"{Str2('q')}").__name__)


class ListEq(list):
    def __eq__(self, o):
        return "list eq"
    __hash__ = None


print([1] == ListEq([1]), ListEq() == [], [ListEq()] == [ListEq()], [1, 2] < ListEq([1, 3]))
