"""Calls of C functions by every calling convention, types, and methods of built-in types."""

# ruff: noqa - odd code on purpose

import collections
import operator
import struct


def attempt(function, *args, **kw):
    try:
        return function(*args, **kw)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


class Sub(int):
    pass


log = []
values = [3, "three", [1, 2, 3], (1, 2), {1: 2}, {1, 2}, 2.5, None, True, b"xy", range(4), Sub(7)]
for index in range(600):
    v = values[(index // 40) % len(values)]
    row = (
        attempt(len, v), attempt(isinstance, v, int), attempt(isinstance, v, (str, list)),
        attempt(type, v).__name__, attempt(str, v), attempt(repr, v), attempt(tuple, v)
        if not isinstance(v, (set, dict)) else None, attempt(abs, v), attempt(ord, v),
        attempt(hash, v) if isinstance(v, (int, float, tuple)) else None,
        attempt(callable, v), attempt(bool, v), attempt(sorted, v), attempt(sum, v),
        attempt(max, v), attempt(max, 1, v), attempt(round, v), attempt(divmod, v, 2),
        attempt(pow, v, 2), attempt(pow, v, 2, 5), attempt(getattr, v, "real", "none"),
        attempt(hasattr, v, "append"), attempt(float, v), attempt(int, v), attempt(list, v)
        if not isinstance(v, set) else None, attempt(iter, v).__class__.__name__,
    )
    if index % 40 in (0, 39):
        log.append(row)
for row in log:
    print(row)

text = "a,b,c"
for index in range(120):
    parts = text.split(",")
    joined = "-".join(parts)
    upper = joined.upper().lower().title().center(11, "*")
    start = upper.startswith("*")
    found = upper.find("B", 1)
    replaced = upper.replace("*", "")
    formatted = "{:>5}|{x!r}".format(index, x=replaced)
    encoded = formatted.encode("utf-8")
    if index == 60:
        text = "d,é,ø,漢"
    if index in (0, 61, 119):
        print(parts, joined, upper, start, found, replaced, formatted, encoded)

numbers = []
for index in range(100):
    numbers.append(index)
    if index % 3 == 0:
        numbers.pop()
    if index % 7 == 0:
        numbers.insert(0, -index)
    if index % 11 == 0:
        numbers.extend([index, index])
    if index % 13 == 0:
        numbers.reverse()
    numbers.sort(key=lambda x: -x, reverse=index % 2 == 0)
print(numbers, numbers.count(12), attempt(numbers.index, 1000), attempt(numbers.pop, 10**30))

mapping = {}
for index in range(100):
    mapping.setdefault(index % 10, []).append(index)
    mapping.get(index)
    mapping.get(index, None)
    if index % 17 == 0:
        mapping.pop(index % 10, None)
    mapping.update({"k": index}, z=index)
print(mapping, attempt(mapping.pop, "missing"), attempt(mapping.popitem))


class ListSub(list):
    def append(self, item):
        super().append(("sub", item))


lists = [[], ListSub(), collections.deque()]
for index in range(90):
    target = lists[index // 30]
    target.append(index)
print([list(item)[-2:] for item in lists])

unbound = [list.append, ListSub.append, str.upper, int.bit_length, dict.get]
print([attempt(function, *args) for function in unbound
       for args in ((), ([],), ([], 1), ("x",), (5,), ({}, 1))])

print(attempt(operator.itemgetter(1), [1, 2]), operator.attrgetter("real")(5),
      operator.methodcaller("upper")("x"), struct.pack("<ih", 1, 2), struct.unpack("<i", b"abcd"))
print(int("12", base=3), int("zz", 36), attempt(int, "9", 8), attempt(int, "1" * 5000)[:60])
print(print("out", "to", sep="-", end="|\n"), type("T", (), {"x": 1}).x, attempt(type, 1, 2))
print(dict(a=1, **{"b": 2}), dict([("x", 1)], y=2), attempt(dict, 5), attempt(dict, [(1,)]))
print(bytes(3), bytes([1, 2]), attempt(bytes, -1), attempt(bytes, "x"), bytearray(b"ab") + b"c")
print(list(zip("ab", [1, 2, 3])), attempt(list, zip("ab", [1], strict=True)))
print(list(map(max, [1, 5], [3, 2])), list(filter(None, [0, 1, "", "x"])))
print(attempt(len), attempt(len, 5), attempt(isinstance, 1), attempt(isinstance, 1, 2))
print(attempt(ord, "ab"), attempt(chr, -1), attempt(next, iter([])), next(iter([]), "default"))
print(attempt(getattr, 5, "nope"), attempt(setattr, 5, "x", 1), attempt(delattr, 5, "x"))
print(attempt(sum, ["a"]), attempt(sum, [[1], [2]], []), attempt(min, []), min([], default=4))
print(attempt(str, b"x", "ascii"), attempt(str, 5, "ascii"), str(b"x"), str(object=3))
print(attempt(eval, "1 +"), attempt(eval, "1+1"), attempt(exec, "x ="), attempt(__import__, "nope"))


class Len:
    def __init__(self, value):
        self.value = value

    def __len__(self):
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


for value in (0, 5, -1, 1.5, 2**70, KeyError("len"), True):
    print([attempt(f, Len(value)) for f in (len, bool, reversed)][:2])


class Inst(type):
    def __instancecheck__(cls, instance):
        return instance == 5

    def __subclasscheck__(cls, sub):
        return sub is int


class Odd(metaclass=Inst):
    pass


print([isinstance(v, Odd) for v in (4, 5, 6)], issubclass(int, Odd), issubclass(str, Odd))
