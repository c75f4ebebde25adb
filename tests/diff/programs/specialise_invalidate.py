"""Sites driven hot by one type, then another, then back, many rounds; classes rebuilt under them."""

# ruff: noqa - odd code on purpose

import random

rnd = random.Random(7)


class A:
    def __init__(self, v):
        self.v = v

    def get(self):
        return self.v

    def __add__(self, o):
        return A(self.v + getattr(o, "v", o))

    def __radd__(self, o):
        return A(self.v - o)

    def __lt__(self, o):
        return self.v < getattr(o, "v", o)

    def __eq__(self, o):
        return self.v == getattr(o, "v", o)

    __hash__ = None

    def __getitem__(self, k):
        return (self.v, k)

    def __setitem__(self, k, v):
        self.v = v if isinstance(v, int) else 0

    def __len__(self):
        return 4

    def __iter__(self):
        return iter((self.v, 2))

    def __contains__(self, x):
        return x == self.v

    def __call__(self, x):
        return ("called", self.v, x)

    def __bool__(self):
        return self.v % 2 == 0


def attempt(function, *args):
    try:
        return function(*args)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def s_add(a, b):
    return a + b


def s_radd(a, b):
    return b + a


def s_sub(a, b):
    return a - b


def s_mul(a, b):
    return a * b


def s_div(a, b):
    return (a / 3, a // 3, a % 3)


def s_lt(a, b):
    if a < b:
        return "lt"
    return "ge"


def s_eq(a, b):
    return "eq" if a == b else "ne"


def s_item(a, b):
    return a[1]


def s_len(a, b):
    return len(a)


def s_iter(a, b):
    return [x for x in a]


def s_unpack(a, b):
    x, y = a
    return y, x


def s_in(a, b):
    return 1 in a


def s_call(a, b):
    return a(1)


def s_attr(a, b):
    return a.real


def s_method(a, b):
    return a.get()


def s_bool(a, b):
    if not a:
        return "falsy"
    while a:
        return "truthy"


def s_iadd(a, b):
    x = a
    x += b
    x += b
    return x


def s_fmt(a, b):
    return f"{a!s:.3}" if not isinstance(a, A) else "A"


def s_none(a, b):
    if a is None:
        return "none"
    if a is not None and b is None:
        return "b none"
    return "some"


def s_neg(a, b):
    return -a


sites = [s_add, s_radd, s_sub, s_mul, s_div, s_lt, s_eq, s_item, s_len, s_iter, s_unpack, s_in,
         s_call, s_attr, s_method, s_bool, s_iadd, s_fmt, s_none, s_neg]
pool = [lambda: 1, lambda: -7, lambda: 2**40, lambda: 1.5, lambda: -0.0, lambda: "xy", lambda: "é1",
        lambda: [1, 2], lambda: (3, 1), lambda: {1: 2, 0: 5}, lambda: {1, 5}, lambda: None,
        lambda: True, lambda: A(3), lambda: A(4), lambda: range(2), lambda: b"ab", lambda: len,
        lambda: A, lambda: iter([1, 2]), lambda: (x for x in (1, 2)), lambda: 2j]


def plain(value):
    if isinstance(value, A):
        return ("A", value.v)
    if type(value).__name__ in ("list_iterator", "generator"):
        return type(value).__name__
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


total = []
for round_ in range(60):
    make_a, make_b = rnd.choice(pool), rnd.choice(pool)
    length = rnd.choice((1, 3, 8, 20, 70))
    for site in sites:
        for _ in range(length):
            r = attempt(site, make_a(), make_b())
        total.append((site.__name__, str(plain(r))[:70]))
    if round_ % 10 == 9:
        A.get = lambda self, n=round_: (n, self.v)
for row in total:
    print(*row)

# Functions redefined while their caller is hot; classes redefined too.
out = []
for generation in range(12):
    source = f"""
class K:
    {'__slots__ = ("v", "w")' if generation % 3 == 1 else 'c = 1'}
    def __init__(self, v):
        self.v = v
        {'self.w = v' if generation % 2 else 'self.v += 1'}
    def m(self, x={generation}):
        return self.v + x
    {'@property' if generation % 4 == 3 else ''}
    def p(self):
        return self.v
def f(x):
    k = K(x)
    return k.m() + k.m(2) + {'k.p' if generation % 4 == 3 else 'k.p()'}
"""
    space = {} if generation % 2 else globals()
    exec(source, space)
    f = space["f"]
    out.append(sum(f(i) for i in range(80)))
print(out)


def caller(fn, n):
    t = 0
    for i in range(n):
        t += fn(i)
    return t


fns = [lambda x: x, lambda x, y=2: x * y, lambda *a: len(a), int, abs, A(2).v.__add__,
       [0, 5].count, type("Q", (), {"__call__": lambda s, x: x + 1})(), bool, float]
print([caller(fns[i % len(fns)], 5 + i * 7) for i in range(40)])

# __class__ assignment, deletion of methods and of the class attribute behind a cache.


class P:
    def who(self):
        return "P"


class Q(P):
    def who(self):
        return "Q"


class R(P):
    pass


obj = P()
seen = []
for i in range(300):
    obj.__class__ = (P, Q, R)[(i // 25) % 3]
    seen.append(obj.who())
    if i == 150:
        R.who = lambda self: "R now"
    if i == 200:
        del R.who
    if i == 220:
        P.who = lambda self: "P changed"
    if i == 260:
        del Q.who
print(seen[::10])
numbers = []
for i in range(5000):
    numbers.append(rnd.choice((1, 2.5, 2**31, -4, True, 2**62)))
acc = 0
for n in numbers:
    acc = (acc + n) * 3 % 1000003
    if acc > 500000:
        acc -= n
print(acc)
