"""Operator overloading: all special methods, reflected, in-place, NotImplemented, subclasses."""

# ruff: noqa - odd code on purpose

names = ("add sub mul truediv floordiv mod pow lshift rshift and or xor matmul divmod").split()
log = []


def make(tag, answer=True, reflected=True, inplace=True, base=object):
    space = {"__init__": lambda self, *a: setattr(self, "tag", tag)} if base is object else {}

    def binary(name):
        def method(self, other, *rest):
            log.append((tag, name))
            return f"{tag}.{name}" if answer else NotImplemented
        return method
    for name in names:
        space[f"__{name}__"] = binary(name)
        if reflected:
            space[f"__r{name}__"] = binary("r" + name)
        if inplace:
            space[f"__i{name}__"] = binary("i" + name)
    for name in ("lt", "le", "eq", "ne", "gt", "ge"):
        space[f"__{name}__"] = binary(name)
    space["__hash__"] = lambda self: 1
    for name in ("neg", "pos", "invert", "abs"):
        space[f"__{name}__"] = (lambda n: lambda self: f"{tag}.{n}")(name)
    return type(tag, (base,), space)


A = make("A")
B = make("B")
N = make("N", answer=False)
R = make("R", inplace=False)
Sub = make("Sub", base=A)
IntSub = make("IntSub", base=int, inplace=False)
FloatSub = make("FloatSub", base=float)
StrSub = make("StrSub", base=str)
NSub = make("NSub", answer=False, base=int)


def attempt(function, *args):
    try:
        return function(*args)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def add(a, b):
    return a + b


def all_binary(a, b):
    return [attempt(f, a, b) for f in (
        add, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / b, lambda a, b: a // b,
        lambda a, b: a % b, lambda a, b: a ** b, lambda a, b: a << b, lambda a, b: a >> b,
        lambda a, b: a & b, lambda a, b: a | b, lambda a, b: a ^ b, lambda a, b: a @ b, divmod,
        lambda a, b: a < b, lambda a, b: a <= b, lambda a, b: a == b, lambda a, b: a != b,
        lambda a, b: a > b, lambda a, b: a >= b, pow)]


def iadd(a, b):
    a += b
    return a


def imul(a, b):
    a *= b
    a **= b
    return a


values = [A(), B(), N(), R(), Sub(), IntSub(3), FloatSub(2.5), StrSub("s"), NSub(4), 7, 1.5, "text",
          [1], None]
for left in values:
    for right in values:
        log.clear()
        result = all_binary(left, right)
        print(type(left).__name__, type(right).__name__, result, len(log))
        print([attempt(iadd, left, right) if left != [1] else "-", attempt(imul, left, right)
               if left != [1] else "-"])
log.clear()
out = []
for i in range(len(values) * 40):
    out.append(str(attempt(add, values[i // 40], values[(i // 40 + 1) % len(values)])))
print(out[::20])
print([attempt(f, v) for v in values[:9] for f in (lambda x: -x, lambda x: +x, lambda x: ~x, abs)])


class Bool:
    def __init__(self, v):
        self.v = v

    def __bool__(self):
        if isinstance(self.v, Exception):
            raise self.v
        return self.v


def truth(v):
    if v:
        return "T"
    return "not " + str(not v)


def loop(v):
    while v:
        return "loop"
    return "no loop"


def logic(a, b):
    return [x if isinstance(x, str) else type(x).__name__ for x in (a and b, a or b)]


for v in (Bool(True), Bool(False), Bool(5), Bool(None), Bool(ValueError("bool"))):
    for _ in range(20):
        r = (attempt(truth, v), attempt(loop, v), attempt(logic, v, "other"))
    print(r)


class Compare:
    def __eq__(self, other):
        return Bool(False)

    def __lt__(self, other):
        return [other]

    __hash__ = None


c = Compare()
print(attempt(lambda: c < 5), attempt(lambda: 5 > c), attempt(lambda: c > 5),
      attempt(lambda: (c == 1) is True), attempt(hash, c), attempt(lambda: {c}),
      attempt(lambda: c in [c]), attempt(lambda: c < 1 < 2))


class Container:
    def __init__(self):
        self.items = {}

    def __getitem__(self, key):
        log.append(("get", key))
        return self.items[key]

    def __setitem__(self, key, value):
        log.append(("set", key))
        self.items[str(key) if isinstance(key, slice) else key] = value

    def __delitem__(self, key):
        log.append(("del", key))
        del self.items[key]

    def __contains__(self, key):
        return Bool(key in self.items) and key

    def __len__(self):
        return len(self.items)

    def __iter__(self):
        return iter(sorted(self.items, key=str))

    def __reversed__(self):
        return "reversed"


box = Container()
for i in range(40):
    box[i] = i
    box[i] += 1
    box[i, i] = 0
    box[i:i + 1:2] = 0 if i == 0 else 1
    if i % 2:
        del box[i]
    log.append((i in box, i not in box))
print(len(box), log[-6:], reversed(box), attempt(lambda: box["none"]), attempt(lambda: box[::2]))


class OldIter:
    def __getitem__(self, i):
        if i > 5:
            raise IndexError
        return i * i


print(list(OldIter()), 16 in OldIter(), [*OldIter()][-1], attempt(lambda: 99 in OldIter()))


class Missing(dict):
    def __missing__(self, key):
        return ("missing", key)


class GetSub(dict):
    def __getitem__(self, key):
        return ("sub", key)


class ListSub(list):
    def __getitem__(self, key):
        return ("list sub", key)

    def __setitem__(self, key, value):
        super().__setitem__(key, ("set", value))


def sub(o, k):
    return o[k]


out = []
for o, k in [({1: 2}, 1), (Missing(), 5), (GetSub(), 6), ([9, 8], 1), (ListSub([1]), 0), ((4, 5), -1),
             ("str", 1), (b"by", 0), (range(10), 3), ([1], 5), ({}, "k"), ((1,), 7), ([1], True),
             ([1], 1.0), ({1: "one"}, 1.0), ({True: "t"}, 1), ([1, 2, 3], slice(1)), ([1], "x"),
             (5, 0), (None, 0), (int, 0), (list, int), ([0], -2**70), ([0], IntSub(0)),
             (type("I", (), {"__index__": lambda s: 1})(), 0), ([0, 1], type(
                 "I", (), {"__index__": lambda s: 1})()), ({}, []), ("é漢😀", 2), ("", 0)]:
    for _ in range(30):
        r = attempt(sub, o, k)
    out.append(str(r))
print(out)
ls = ListSub([1, 2])
ls[0] = 5
ls[1:] = [3]
print(list(ls))


class Matrix:
    def __matmul__(self, other):
        return "matmul"

    def __imatmul__(self, other):
        return "imatmul"


m = Matrix()
print(m @ 1)
m @= 2
print(m)


class Call:
    def __getattr__(self, name):
        return lambda *a: (name, a)


class Reflect:
    def __radd__(self, other):
        return ("radd", other)

    def __rsub__(self, other):
        raise KeyError("rsub")

    def __iadd__(self, other):
        return NotImplemented


r = Reflect()
print([attempt(add, v, r) for v in (1, 1.5, "s", [1], (1,), None, {})], attempt(lambda: 1 - r),
      attempt(iadd, r, 1), attempt(lambda: Call() + 1))


class NI:
    def __eq__(self, other):
        return NotImplemented


ni = NI()
print(ni == 5, ni != 5, ni == ni, attempt(lambda: ni < ni), [ni == v for v in (1, None, ni)])
