"""Hot loops over the forms of calls, one each: every one of them becomes a trace that stays in."""

import abc
import array
import functools
import math
import operator

# ---- functions in Python ----


def plus(a, b=2, *, c=3):
    return a + b + c


def rest(first, *args):
    return first + len(args) + args[-1]


def named(a, **kwargs):
    return a + len(kwargs)


def both(*args, **kwargs):
    return args[0] + kwargs["k"]


def loop_defaults(n):
    t = 0
    for i in range(n):
        t += plus(i)
    return t


def loop_keywords(n):
    t = 0
    for i in range(n):
        t += plus(i, c=i, b=1)
    return t


def loop_closure(n):
    step = n

    def add(x):
        nonlocal t
        t += x + step

    t = 0
    for i in range(n):
        add(i)
    return t


def loop_rest(n):
    t = 0
    for i in range(n):
        t += rest(i, 1, i)
    return t


def loop_star_tuple(n):
    t = 0
    args = (1, 2)
    for i in range(n):
        t += plus(*args) + i
    return t


def loop_star_list(n):
    t = 0
    args = [1, 2]
    for i in range(n):
        t += plus(*args) + i
    return t


def loop_star_mixed(n):
    t = 0
    args = (1, 2)
    for i in range(n):
        t += rest(i, *args)
    return t


def loop_star_to_rest(n):
    t = 0
    args = (1, 2, 3)
    for i in range(n):
        t += rest(*args) + i
    return t


def loop_star_star(n):
    t = 0
    kwargs = {"b": 5, "c": 6}
    for i in range(n):
        t += plus(i, **kwargs)
    return t


def loop_star_both(n):
    t = 0
    args = (4,)
    kwargs = {"c": 6}
    for i in range(n):
        t += plus(*args, **kwargs) + i
    return t


def loop_kwargs_callee(n):
    t = 0
    for i in range(n):
        t += named(i, x=1, y=i)
    return t


def loop_kwargs_callee_none(n):
    t = 0
    for i in range(n):
        t += named(i)
    return t


def loop_both_callee(n):
    t = 0
    for i in range(n):
        t += both(i, k=i)
    return t


def forward(*args, **kwargs):
    return plus(*args, **kwargs)


def loop_forwarded(n):
    t = 0
    for i in range(n):
        t += forward(i, 3, c=1)
    return t


def loop_lambda(n):
    t = 0
    f = lambda x, y=1: x + y
    for i in range(n):
        t += f(i)
    return t


def loop_partial(n):
    t = 0
    f = functools.partial(plus, 1, c=3)
    for i in range(n):
        t += f(i)
    return t


def deco(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        return f(*args, **kwargs)

    return wrapper


@deco
def decorated(a, b=1):
    return a * b


def loop_decorated(n):
    t = 0
    for i in range(n):
        t += decorated(i, b=2)
    return t


@functools.lru_cache
def cached(x):
    return x * 2


def loop_lru_cache(n):
    t = 0
    for i in range(n):
        t += cached(i & 7)
    return t


def loop_made_function(n):
    t = 0
    for i in range(n):

        def f(x):
            return x + i

        t += f(1)
    return t


# ---- classes ----


class Plain:
    def __init__(self, x, y=1):
        self.x = x
        self.y = y

    def total(self):
        return self.x + self.y

    @classmethod
    def of(cls, x):
        return cls(x)

    @staticmethod
    def twice(x):
        return x * 2

    @property
    def sum(self):
        return self.x + self.y

    @sum.setter
    def sum(self, value):
        self.x = value - self.y


class New:
    def __new__(cls, x):
        self = object.__new__(cls)
        self.x = x
        return self


class NewSuper:
    def __new__(cls, x):
        self = super().__new__(cls)
        return self

    def __init__(self, x):
        self.x = x


class Bare:
    pass


class Slots:
    __slots__ = ("a", "b")

    def __init__(self, a):
        self.a = a
        self.b = 1


class Callable:
    def __init__(self):
        self.n = 0

    def __call__(self, x):
        self.n += x
        return self.n


class SubInt(int):
    pass


class SubList(list):
    def __init__(self, items):
        super().__init__(items)
        self.k = 1


class SubTuple(tuple):
    def __new__(cls, *items):
        return tuple.__new__(cls, items)


def loop_class(n):
    t = 0
    for i in range(n):
        t += Plain(i).total()
    return t


def loop_class_keyword(n):
    t = 0
    for i in range(n):
        t += Plain(i, y=2).y
    return t


def loop_class_new(n):
    t = 0
    for i in range(n):
        t += New(i).x
    return t


def loop_class_new_super(n):
    t = 0
    for i in range(n):
        t += NewSuper(i).x
    return t


def loop_class_bare(n):
    t = 0
    for i in range(n):
        b = Bare()
        b.x = i
        t += b.x
    return t


def loop_class_slots(n):
    t = 0
    for i in range(n):
        t += Slots(i).a
    return t


def loop_class_kept(n):
    out = []
    for i in range(n):
        out.append(Plain(i))
    return sum(p.x for p in out)


def loop_class_of_int(n):
    t = 0
    for i in range(n):
        t += SubInt(i)
    return t


def loop_class_of_list(n):
    t = 0
    for i in range(n):
        t += SubList([i, 2])[0]
    return t


def loop_class_of_tuple(n):
    t = 0
    for i in range(n):
        t += SubTuple(i, 2)[0]
    return t


def loop_call_instance(n):
    c = Callable()
    t = 0
    for i in range(n):
        t += c(i)
    return t


def loop_classmethod(n):
    t = 0
    for i in range(n):
        t += Plain.of(i).x
    return t


def loop_staticmethod(n):
    p = Plain(1)
    t = 0
    for i in range(n):
        t += p.twice(i) + Plain.twice(i)
    return t


def loop_bound_method(n):
    m = Plain(1).total
    t = 0
    for i in range(n):
        t += m()
    return t


def loop_unbound_method(n):
    p = Plain(1)
    t = 0
    for i in range(n):
        t += Plain.total(p)
    return t


class Child(Plain):
    def __init__(self, x):
        super().__init__(x, 3)

    def total(self):
        return super().total() + 1


def loop_super(n):
    t = 0
    for i in range(n):
        t += Child(i).total()
    return t


# ---- C functions and types ----


def loop_len(n):
    t = 0
    items = ([1], (1, 2), {1: 2}, "abc", {1, 2}, frozenset((1,)), b"ab", bytearray(b"a"), range(4))
    for i in range(n):
        a, b, c, d, e, f, g, h, r = items
        t += len(a) + len(b) + len(c) + len(d) + len(e) + len(f) + len(g) + len(h) + len(r)
    return t


def loop_range_made(n):
    t = 0
    for i in range(n):
        for j in range(3):
            t += j
    return t


class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self): ...


class Square(Shape):
    def area(self):
        return 4


@Shape.register
class Registered:
    def area(self):
        return 5


def loop_isinstance_tuple(n):
    t = 0
    for i in range(n):
        t += isinstance(i, (str, int)) + isinstance("a", (float, (list, str)))
        t += isinstance(i, (str, bytes))
    return t


def loop_isinstance_union(n):
    t = 0
    for i in range(n):
        t += isinstance(i, str | int)
    return t


def loop_isinstance_abc(n):
    t = 0
    things = (Square(), Registered(), 3)
    for i in range(n):
        a, b, c = things
        t += isinstance(a, Shape) + isinstance(b, Shape) + isinstance(c, Shape)
    return t


def loop_issubclass(n):
    t = 0
    for i in range(n):
        t += issubclass(bool, int) + issubclass(Square, Shape) + issubclass(str, (int, float))
    return t


def loop_type(n):
    t = 0
    for i in range(n):
        t += type(i) is int
        t += type(i) == int
    return t


def loop_abs_min_max(n):
    t = 0
    for i in range(n):
        t += abs(-i) + min(i, 3) + max(i, 7) + min(1.5, 2.5) + max(i, 2, 3) + min((i, 1))
    return t


def loop_min_max_key(n):
    t = 0
    items = [3, 1, 2]
    for i in range(n):
        t += min(items) + max(items, key=lambda v: -v) + min(items, default=3)
    return t


def loop_sum_sorted(n):
    t = 0
    items = [3, 1, 2]
    for i in range(n):
        t += sum(items) + sum(items, i) + sorted(items)[0] + sorted(items, key=lambda v: -v)[0]
        t += sorted(items, reverse=True)[0]
    return t


def loop_any_all(n):
    t = 0
    items = [0, 1]
    for i in range(n):
        t += any(items) + all(items) + any(v > 3 for v in items)
    return t


def loop_convert(n):
    t = 0
    for i in range(n):
        t += int(1.5) + int("12") + int(True) + len(str(i)) + int(str(i)) + float(i) + bool(i)
        t += float("1.5") + len(repr(i)) + len(repr("a")) + len(str(1.5)) + len(str("b"))
        t += int("ff", 16) + len(ascii("x")) + len(hex(i)) + len(bin(3)) + ord("a") + len(chr(97))
    return t


def loop_containers_made(n):
    t = 0
    for i in range(n):
        t += len(list((1, 2))) + len(tuple([1])) + len(dict(a=1)) + len(set([1, 1])) + len(dict())
        t += len(list()) + len(tuple()) + len(set()) + len(frozenset((1, 2))) + len(bytes(2))
        t += len(list("ab")) + len(dict([(1, 2)])) + len(bytearray(3)) + len(list(range(3)))
    return t


def loop_math(n):
    t = 0.0
    for i in range(n):
        x = i * 0.001
        t += math.sqrt(x) + math.sin(x) + math.cos(x) + math.exp(-x) + math.atan(x)
        t += math.floor(x) + math.ceil(x) + math.fabs(-x) + math.log(x + 1)
    return repr(t)


def loop_math_more(n):
    t = 0.0
    for i in range(n):
        x = 0.25
        t += math.atan2(x, 2.0) + math.hypot(x, 1.0) + math.pow(x, 2.0) + math.asin(x)
        t += math.acos(x) + math.sinh(x) + math.cosh(x) + math.tanh(x) + math.log2(x + 1)
        t += math.log10(x + 1) + math.degrees(x) + math.radians(x) + math.trunc(x)
        t += math.copysign(x, -1.0) + math.fmod(x, 0.2) + math.isnan(x) + math.isinf(x)
        t += math.gcd(i, 6) + math.isqrt(i) + math.log(x + 1, 2) + math.floor(i) + math.modf(x)[0]
    return repr(t)


def loop_list_methods(n):
    out = [1, 2]
    t = 0
    for i in range(n):
        out.append(i)
        out.extend((1, 2))
        out.insert(0, i)
        out.pop(0)
        out.reverse()
        t += out.index(2) + out.count(2)
        out.remove(1)
        out.sort()
        c = out.copy()
        c.clear()
        if len(out) > 50:
            del out[2:]
        t += out.pop() + len(c)
        out.append(2)
    return t, out


def loop_dict_methods(n):
    d = {"a": 1}
    t = 0
    for i in range(n):
        t += d.get("a") + d.get("z", 2) + len(d.keys()) + len(d.values()) + len(d.items())
        d.setdefault("b", 2)
        t += d.pop("b") + d.pop("y", 3)
        d.update({"c": i})
        d.update(e=1)
        t += len(d.copy())
        d["k"] = 1
        d.popitem()
    return t, sorted(d)


def loop_set_methods(n):
    s = set()
    t = 0
    for i in range(n):
        s.add(i & 15)
        s.discard(3)
        s.add(5)
        s.remove(5)
        s.update((7, 8))
        t += len(s.union((1, 2))) + len(s.intersection({7})) + len(s.difference({7}))
        t += s.issubset({1}) + s.issuperset({7}) + len(s.copy())
    return t, sorted(s)


def loop_str_methods(n):
    t = 0
    for i in range(n):
        s = "Ab,cd"
        t += len(s.upper()) + len(s.split(",")) + s.startswith("A") + s.endswith(("x", "d"))
        t += s.find("c") + len(s.strip()) + len(s.replace("b", "xx")) + s.isdigit() + s.count("c")
        t += len(",".join(["a", "b"])) + len("-".join(("a", "b"))) + len(s.partition(",")[0])
        t += len(s.encode()) + len("{} {a}".format(i, a=1)) + len("%d %s" % (i, s)) + s.index("c")
        t += len(s.lower()) + len(s.title()) + len(s.center(9)) + len(s.zfill(7)) + s.isalpha()
        t += len(s.splitlines()) + len(s.rsplit(",", 1)) + len(s.lstrip("A")) + len(s.ljust(8))
        t += len("%s" % i) + len("%.2f" % 1.5) + len("a" * 3) + len(s.translate({65: 66}))
    return t


def loop_bytes_methods(n):
    t = 0
    for i in range(n):
        s = b"Ab,cd"
        t += len(s.upper()) + len(s.split(b",")) + s.startswith(b"A") + s.find(b"c")
        t += (
            len(s.decode())
            + len(b",".join([b"a", b"b"]))
            + len(s.hex())
            + len(s.replace(b"b", b""))
        )
        t += int.from_bytes(s, "big") & 15
        t += len((i & 255).to_bytes(2, "little")) + (i).bit_length() + s[0] + len(s[1:3])
    return t


def loop_bytearray_methods(n):
    b = bytearray()
    for i in range(n):
        b.append(i & 255)
        b.extend(b"ab")
        b += b"c"
        b.pop()
        if len(b) > 60:
            b.clear()
    return bytes(b)


def loop_array_methods(n):
    a = array.array("l")
    for i in range(n):
        a.append(i)
        if len(a) > 40:
            a.pop()
    return sum(a)


def loop_operator(n):
    t = 0
    item = operator.itemgetter(1)
    attr = operator.attrgetter("x")
    p = Plain(3)
    for i in range(n):
        t += item((1, 2)) + attr(p) + operator.add(i, 1)
    return t


def loop_attr_builtins(n):
    p = Plain(1)
    t = 0
    for i in range(n):
        t += getattr(p, "x") + getattr(p, "nope", 4) + hasattr(p, "y") + hasattr(p, "z")
        setattr(p, "x", 1)
        t += callable(p) + (id(p) > 0) + (hash(i) == i) + divmod(7, 2)[1] + pow(2, 3) + round(1.6)
        t += round(1.234, 1) > 1
        t += next(iter((1, 2))) + next(iter(()), 5) + len(vars(p))
    return t


def loop_compose(n):
    t = 0
    for i in range(n):
        for v in map(abs, (1, -2)):
            t += v
        for v in map(lambda q: q + 1, (1, 2)):
            t += v
        for v in filter(None, (0, 2)):
            t += v
    return t


LOOPS = [f for name, f in list(globals().items()) if name.startswith("loop_")]


def main():
    for f in LOOPS:
        print(f.__name__, [f(n) for n in (3, 60, 60)])


if __name__ == "__main__":
    main()
