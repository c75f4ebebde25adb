"""Hot loops over the forms of data: names, attributes, operators, subscripts, iteration, formats."""

import array
import collections
import dataclasses
import enum

COUNTER = 0
TABLE = {"a": 1, "b": 2}

# ---- numbers and operators ----


def loop_int(n):
    t = 0
    for i in range(1, n + 1):
        t += (i * 3 - 1) // 2 % 7 + (i << 2) + (i >> 1) + (i & 5 | 2 ^ i) - -i + ~i + i**2
    return t


def loop_int_wide(n):
    t = 1 << 70
    for i in range(n):
        t = t * 3 % (1 << 80) + i
    return t


def loop_float(n):
    t = 0.0
    for i in range(n):
        t += i / 3 * 1.5 - 2.0 + (i + 0.5) // 2 + (i + 0.5) % 2 + 1.5**2 - -1.0
    return repr(t)


def loop_power(n):
    t = 0.0
    for i in range(n):
        base = -1.5 if i % 7 == 3 else 0.5 + i
        t += abs(base**0.3) + base**2.0 + (-2.0) ** (i % 5)
    return repr(t)


def loop_bool(n):
    t = False
    for i in range(n):
        t = (t ^ True) | (i > 3 and i < 9) & (not t)
    return t


def loop_str(n):
    t = 0
    s = ""
    for i in range(n):
        s = s + "a" if len(s) < 10 else "b"
        s += "c"
        t += s < "b" or s == "ab" or "c" in s
    return t, s


def loop_complex(n):
    z = 0j
    for i in range(n):
        z = z * (0.5 + 0.25j) + i - 1j
        z = z / (1 + 1j) if abs(z) > 10 else z
    return repr(z)


def loop_compare(n):
    t = 0
    for i in range(n):
        t += (i < 5) + (i <= 5.5) + (1 < i < 9) + (None is None) + ((1, i) < (1, 2))
        t += ([i] == [3]) + ("a" != "b") + (b"a" == b"b") + ({1} <= {1, 2}) + ({"a": i} == {"a": 2})
    return t


class Vec:
    def __init__(self, x):
        self.x = x

    def __add__(self, other):
        return Vec(self.x + (other.x if isinstance(other, Vec) else other))

    def __radd__(self, other):
        return Vec(self.x + other)

    def __rsub__(self, other):
        return Vec(other - self.x)

    def __mul__(self, k):
        if not isinstance(k, int):
            return NotImplemented
        return Vec(self.x * k)

    __rmul__ = __mul__

    def __iadd__(self, other):
        self.x += other
        return self

    def __neg__(self):
        return Vec(-self.x)

    def __abs__(self):
        return abs(self.x)

    def __invert__(self):
        return Vec(~self.x)

    def __eq__(self, other):
        return self.x == other.x

    def __lt__(self, other):
        return self.x < other.x

    def __hash__(self):
        return hash(self.x)

    def __bool__(self):
        return self.x != 0

    def __len__(self):
        return 3

    def __contains__(self, v):
        return v == self.x

    def __getitem__(self, i):
        return self.x + i

    def __setitem__(self, i, v):
        self.x = v

    def __delitem__(self, i):
        self.x = 0

    def __iter__(self):
        return iter((self.x, 1))

    def __int__(self):
        return 7

    def __index__(self):
        return 1

    def __str__(self):
        return "vec"

    def __repr__(self):
        return f"Vec({self.x})"

    def __format__(self, spec):
        return spec or "v"

    def __divmod__(self, other):
        return (1, other)

    def __matmul__(self, other):
        return self.x * other.x


class Other(Vec):
    def __radd__(self, other):
        return Vec(100)


def loop_operator_methods(n):
    v = Vec(1)
    for i in range(n):
        v = v + Vec(i)
        v = v * 2
        v += 1
        v = -v
        v.x %= 1000
    return v.x


def loop_operator_reflected(n):
    t = 0
    v = Vec(1)
    for i in range(n):
        t += (3 + v).x + (10 - v).x + (2 * v).x + (v + Other(1)).x
    return t


def loop_operator_compare(n):
    t = 0
    v, w = Vec(1), Vec(2)
    for i in range(n):
        t += (v == w) + (v < w) + (v > w) + (v != w) + (not v)
        if v:
            t += 1
        while not w:
            t += 1
    return t


def loop_operator_containers(n):
    t = 0
    v = Vec(1)
    for i in range(n):
        t += v[i] + len(v) + (3 in v) + (i in v)
        v[i] = i & 7
        del v[0]
        for x in v:
            t += x
    return t


def loop_operator_conversions(n):
    t = 0
    v = Vec(1)
    for i in range(n):
        t += int(v) + len(str(v)) + len(repr(v)) + bool(v) + hash(v) + [1, 2, 3][v] + abs(v)
        t += (~v).x + len(f"{v}{v:abc}{v!r}") + divmod(v, 3)[1] + v @ v
    return t


# ---- names ----


def loop_global(n):
    global COUNTER
    for i in range(n):
        COUNTER += 1
        TABLE["a"] = i
    del TABLE["b"]
    TABLE["b"] = 2
    return COUNTER


def loop_cell(n):
    t = 0

    def get():
        return t

    for i in range(n):
        t = get() + i
    return t


def loop_delete_local(n):
    t = 0
    for i in range(n):
        x = i
        t += x
        del x
    return t


# ---- attributes ----


class Desc:
    def __get__(self, obj, cls):
        return 5 if obj is None else obj.v

    def __set__(self, obj, value):
        obj.v = value

    def __delete__(self, obj):
        obj.v = 0


class NonData:
    def __get__(self, obj, cls):
        return 6


class Thing:
    kind = 3
    desc = Desc()
    non_data = NonData()

    def __init__(self):
        self.v = 1
        self.w = 2

    @property
    def prop(self):
        return self.v

    @prop.setter
    def prop(self, value):
        self.v = value


class Fallback:
    def __init__(self):
        self.real = 1

    def __getattr__(self, name):
        return len(name)


class Every:
    def __init__(self):
        self.real = 1

    def __getattribute__(self, name):
        return object.__getattribute__(self, "real") + len(name)


class Sets:
    def __setattr__(self, name, value):
        object.__setattr__(self, name, value + 1)

    def __delattr__(self, name):
        object.__delattr__(self, name)


class Slotted:
    __slots__ = ("a", "b")


class Meta(type):
    level = 4

    @property
    def depth(cls):
        return 9

    def __call__(cls, *args):
        return super().__call__(*args)


class OfMeta(metaclass=Meta):
    def __init__(self, x=1):
        self.x = x


@dataclasses.dataclass
class Data:
    a: int
    b: int = 2


@dataclasses.dataclass(frozen=True)
class Frozen:
    a: int


class Color(enum.Enum):
    RED = 1
    BLUE = 2


Point = collections.namedtuple("Point", "x y")


def loop_attr_instance(n):
    o = Thing()
    t = 0
    for i in range(n):
        o.v = i
        o.w += 1
        t += o.v + o.w + o.kind
    return t


def loop_attr_new_and_delete(n):
    o = Thing()
    t = 0
    for i in range(n):
        o.extra = i
        t += o.extra
        del o.extra
    return t


def loop_attr_property(n):
    o = Thing()
    t = 0
    for i in range(n):
        o.prop = i
        t += o.prop
    return t


class Settable:
    def __init__(self):
        self._v = 0

    @property
    def v(self):
        return self._v

    @v.setter
    def v(self, v):
        self._v = v & 255


def loop_attr_setter(n):
    o = Settable()
    t = 0
    for i in range(n):
        o.v = i
        t += o.v
    return t


def loop_attr_descriptor(n):
    o = Thing()
    t = 0
    for i in range(n):
        o.desc = i
        t += o.desc + o.non_data + Thing.desc
        del o.desc
    return t


def loop_attr_class(n):
    t = 0
    for i in range(n):
        t += Thing.kind
        Thing.count = i
        t += Thing.count
    return t


def loop_attr_slots(n):
    o = Slotted()
    t = 0
    for i in range(n):
        o.a = i
        o.b = 1
        t += o.a + o.b
        del o.b
    return t


def loop_attr_fallback(n):
    o = Fallback()
    t = 0
    for i in range(n):
        t += o.real + o.missing
    return t


def loop_attr_every(n):
    o = Every()
    t = 0
    for i in range(n):
        t += o.real + o.missing
    return t


def loop_attr_set_method(n):
    o = Sets()
    t = 0
    for i in range(n):
        o.a = i
        t += o.a
        del o.a
    return t


def loop_attr_meta(n):
    t = 0
    for i in range(n):
        t += OfMeta.level + OfMeta.depth + OfMeta(i).x + OfMeta.__name__.count("O")
    return t


def loop_attr_module(n):
    t = 0
    for i in range(n):
        t += len(collections.__name__)
    return t


def loop_attr_builtin(n):
    t = 0
    for i in range(n):
        t += (3).real + (1.5).imag + i.numerator + (2j).imag
        t += len(Thing.__name__) + len(loop_int.__name__) + (Thing().__class__ is Thing)
        t += len(Thing().__dict__) + (loop_int.__code__.co_argcount) + (slice(1, 2).stop)
    return t


def loop_dataclass(n):
    t = 0
    for i in range(n):
        d = Data(i)
        t += d.a + d.b + (d == Data(3)) + len(repr(d)) + Frozen(i).a
    return t


def loop_namedtuple(n):
    t = 0
    for i in range(n):
        p = Point(i, 2)
        x, y = p
        t += p.x + p.y + x + y + p._replace(x=1).x + p[0]
    return t


def loop_enum(n):
    t = 0
    for i in range(n):
        t += Color.RED.value + (Color.RED is Color.BLUE) + Color(2).value + len(Color.RED.name)
        t += len(Color["RED"].name)
    return t


# ---- subscripts ----


def loop_sub_list(n):
    a = [1, 2, 3]
    t = 0
    for i in range(n):
        a[0] = i
        a[-1] += 1
        t += a[0] + a[-1] + a[i % 3] + len(a)
    return t


def loop_sub_delete(n):
    a = []
    d = {}
    t = 0
    for i in range(n):
        a.append(i)
        a.append(i)
        d[i] = 1
        d["k"] = 2
        del a[0]
        del d[i]
        t += len(a) + len(d)
        if len(a) > 20:
            del a[2:]
        del d["k"]
    return t


def loop_sub_dict(n):
    d = {"a": 1, 2: 3, (1, 2): 4, 1.5: 5, None: 6}
    t = 0
    for i in range(n):
        d["a"] = i
        d[2] += 1
        t += d["a"] + d[2] + d[(1, 2)] + d[1.5] + d[None]
        t += ("a" in d) + (7 not in d) + ((1, 2) in d)
    return t


def loop_sub_dict_kinds(n):
    dd = collections.defaultdict(int)
    od = collections.OrderedDict(a=1)
    co = collections.Counter("ab")
    dq = collections.deque([1], maxlen=5)
    t = 0
    for i in range(n):
        dd[i & 3] += 1
        od["a"] += 1
        co["a"] += 1
        dq.append(i)
        dq[0] = 1
        t += dd[0] + od["a"] + co["a"] + dq[-1] + co["zz"] + len(dq)
    return t


def loop_sub_tuple_str(n):
    a = (1, 2, 3)
    s = "abc\u1234"
    b = b"abc"
    t = 0
    for i in range(n):
        t += a[i % 3] + len(s[i % 4]) + b[i % 3] + ord(s[-1]) + b[-1] + len(s[-2])
    return t


def loop_sub_raw(n):
    b = bytearray(b"abcd")
    a = array.array("d", [1.0, 2.0])
    c = array.array("H", [1, 2])
    t = 0
    for i in range(n):
        b[i % 4] = i & 127
        a[0] += 0.5
        c[1] = i & 1023
        t += b[0] + b[-1] + a[0] + c[1] + len(a) + len(b) + (97 in b)
    return repr(t)


def loop_slices(n):
    a = [1, 2, 3, 4]
    s = "abcd"
    t = 0
    for i in range(n):
        t += len(a[1:]) + len(a[:-1]) + len(a[:]) + len(a[::-1]) + len(a[::2]) + a[1:3][0]
        t += len(s[1:3]) + len(s[::-1]) + len((1, 2, 3)[:2]) + len(b"abc"[1:]) + len(s[::2])
        a[1:2] = [9]
        a[1:3] = [7, 8]
        x = slice(1, 3)
        t += len(a[x]) + len(range(10)[2:5]) + len(bytearray(b"abc")[1:])
    return t, a


# ---- iteration ----


def loop_iter_kinds(n):
    d = {"a": 1, "b": 2}
    t = 0
    for i in range(n):
        for k in d:
            t += len(k)
        for k in d.keys():
            t += len(k)
        for v in d.values():
            t += v
        for k, v in d.items():
            t += v
        for v in (1, 2):
            t += v
        for v in [1, 2]:
            t += v
        for c in "ab":
            t += c == "a"
        for v in b"ab":
            t += v
        for v in {1}:
            t += v
    return t


def loop_iter_outer_dict(n):
    t = 0
    for k, v in dict.fromkeys(range(n), 2).items():
        t += k + v
    return t


def loop_iter_outer_values(n):
    t = 0
    for v in dict.fromkeys(range(n), 2).values():
        t += v
    return t


def loop_iter_outer_set(n):
    t = 0
    for v in set(range(n)):
        t += v
    return t


def loop_iter_outer_str(n):
    t = 0
    for c in "ab\u1234" * (n // 3):
        t += c == "a"
    return t


def loop_enumerate(n):
    t = 0
    for i, v in enumerate(list(range(n)), 1):
        t += i * v
    return t


def loop_enumerate_dict(n):
    t = 0
    for i, v in enumerate(dict.fromkeys(range(n))):
        t += i * v
    return t


def loop_zip(n):
    t = 0
    for a, b, c in zip(list(range(n)), range(n), "x" * n):
        t += a + b + len(c)
    return t


def loop_map(n):
    t = 0
    for v in map(abs, range(n)):
        t += v
    return t


def loop_map_python(n):
    t = 0
    for v in map(lambda x, y: x + y, range(n), list(range(n))):
        t += v
    return t


def loop_filter(n):
    t = 0
    for v in filter(lambda x: x & 1, range(n)):
        t += v
    return t


def loop_reversed(n):
    t = 0
    for v in reversed(list(range(n))):
        t += v
    for v in reversed(range(n)):
        t -= v
    return t


def loop_reversed_dict(n):
    t = 0
    for v in reversed(dict.fromkeys(range(n))):
        t += v
    return t


class Counting:
    def __init__(self, n):
        self.n = n
        self.i = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.i += 1
        if self.i > self.n:
            raise StopIteration
        return self.i


class ByIndex:
    def __init__(self, n):
        self.n = n

    def __getitem__(self, i):
        if i >= self.n:
            raise IndexError(i)
        return i


def loop_iter_class(n):
    t = 0
    for v in Counting(n):
        t += v
    return t


def loop_iter_class_inner(n):
    t = 0
    for i in range(n):
        for v in Counting(2):
            t += v
    return t


def loop_iter_by_index(n):
    t = 0
    for v in ByIndex(n):
        t += v
    return t


def loop_iter_sentinel(n):
    t = 0
    items = list(range(n + 1))
    for v in iter(items.pop, 0):
        t += v
    return t


def loop_next(n):
    t = 0
    it = iter(range(2 * n))
    for i in range(n):
        t += next(it) + next(it, 3)
    return t


def squares(n):
    for i in range(n):
        yield i * i


def nested(n):
    yield from squares(n)


def loop_generator(n):
    t = 0
    for v in squares(n):
        t += v
    return t


def loop_generator_inner(n):
    t = 0
    for i in range(n):
        for v in squares(2):
            t += v
    return t


def odd(values):
    for v in values:
        if v & 1:
            yield v


def tripled(values):
    for v in values:
        yield 3 * v


def numbered(values):
    i = 0
    for v in values:
        yield i, v
        i += 1


def summed(pairs):
    for i, v in pairs:
        yield i + v


def shifted(values):
    for v in values:
        yield v >> 1


def loop_generator_pipeline(n):
    t = 0
    for v in shifted(summed(numbered(tripled(odd(tripled(squares(n))))))):
        t += v
    return t


def loop_generator_expression(n):
    t = 0
    for v in (x + 1 for x in range(n)):
        t += v
    return t


def loop_comprehensions(n):
    t = 0
    for i in range(n):
        t += len([x for x in (1, 2)]) + len({x for x in (1, 2)}) + len({x: i for x in (1, 2)})
        t += sum(x for x in (1, 2)) + len([x for x in (1, 2) if x > 1])
    return t


def loop_comprehension_outer(n):
    return (
        sum([i * 2 for i in range(n)])
        + len({i for i in range(n)})
        + len({i: i for i in range(n)})
        + sum([i for i in range(n) if i % 3])
    )


def loop_unpack(n):
    t = 0
    for i in range(n):
        a, b = i, 1
        a, b = b, a
        (c, d), e = (1, 2), 3
        [f, g] = [4, 5]
        h, *j = [6, 7, 8]
        *k, m = (9, i)
        o, p = "ab"
        q, r = {"x": 1, "y": 2}
        s, u = range(2)
        v, w = {1: 2}.items(), (x for x in (1, 2))
        y, z = w
        t += (
            a + b + c + d + e + f + g + h + len(j) + len(k) + m + len(o + p + q + r) + s + u + y + z
        )
    return t


def loop_unpack_displays(n):
    t = 0
    for i in range(n):
        a = [*range(2), i, *(1, 2), *{3}, *"ab"]
        b = (*a, 1)
        c = {*a, 2}
        d = {**{"a": 1}, "b": i, **{"c": 2}}
        t += len(a) + len(b) + len(c) + len(d)
    return t


# ---- sets ----


def loop_deque_truth(n):
    d = collections.deque()
    t = 0
    for i in range(n):
        d.append(i)
        if d:
            t += d.popleft() + len(d)
    return t


def loop_set_ops(n):
    a, b = {1, 2, 3}, {2, 3, 4}
    f = frozenset((1, 9))
    t = 0
    for i in range(n):
        t += len(a | b) + len(a & b) + len(a - b) + len(a ^ b) + (a <= b) + (1 in a) + (i in b)
        t += len(a | f) + len({i, 2})
        a |= {5}
        a -= {5}
        t += len({"a": 1}.keys() & {"a"}) + len({"a": 1} | {"b": 2})
    return t


# ---- formats ----


def loop_format(n):
    t = 0
    name = "x"
    for i in range(n):
        t += len(f"{i}") + len(f"{name}={i}") + len(f"{i:>5}") + len(f"{1.5:.2f}") + len(f"{i!r}")
        t += (
            len(f"{name!r}")
            + len(f"{None}")
            + len(f"{[i]}")
            + len(f"{i:{3}}")
            + len(f"{name!s:>4}")
        )
        t += len(f"{name!a}") + len(f"{True}") + len(f"{(1, 2)}") + len(f"{i=}")
    return t


# ---- classes below list, identity ----


class Items(list):
    pass


class Alone:
    pass


def loop_list_class(n):
    items, t = Items(), 0
    for i in range(n):
        items.append(i)
        t += len(items) + items[-1]
        items[0] = 1
        if items and i & 3 == 3:
            t += items.pop(0) + items.pop()
    return t


def loop_identity(n):
    a, b, c, t = Alone(), Alone(), Alone(), 0
    for i in range(n):
        t += (b != a) + (b == None) * 5
        b = a if i & 1 else c
    return t


# ---- matching ----


def loop_match(n):
    t = 0
    values = (1, "a", (1, 2), {"k": 3}, Data(1, 2), None, [1, 2, 3], 2.5)
    for i in range(n):
        match values[i & 7]:
            case 1:
                t += 1
            case "a":
                t += 2
            case (1, b):
                t += b
            case {"k": k}:
                t += k
            case Data(a=a, b=b):
                t += a + b
            case None:
                t += 5
            case [_, *others]:
                t += len(others)
            case float(x):
                t += x
    return t


LOOPS = [f for name, f in list(globals().items()) if name.startswith("loop_")]


def main():
    for f in LOOPS:
        print(f.__name__, [f(n) for n in (3, 60, 60)])


if __name__ == "__main__":
    main()
