"""Hot loops whose types, classes, globals, builtins and functions change under way."""
import builtins
import sys
import types


def add_all(items):
    total = 0
    for item in items:
        total = total + item
    return total


print(add_all(range(50)), add_all([1.5] * 20 + [2] * 20), add_all([1] * 30 + [2**70] + [1] * 5))
print(add_all([True] * 20 + [3] * 3 + [0.25] * 4 + [1j]))
print(add_all([2**59] * 40), add_all([-(2**62)] * 5), add_all([2**30] * 10))
try:
    add_all([1] * 20 + ["x"])
except TypeError as error:
    print(error)

value = 1


def helper(x):
    return x + value


def use_globals(n):
    global value, helper
    out = []
    for i in range(n):
        out.append(helper(i))
        if i == 20:
            value = 2.5
        if i == 25:
            value = 2**65
        if i == 30:

            def helper(x):
                return -x

        if i == 35:
            helper = len
        if i == 36:
            helper = helper_class
    return out


class helper_class:
    def __init__(self, x):
        self.x = x

    def __repr__(self):
        return f"H({self.x})"


try:
    print(use_globals(45))
except TypeError as error:
    print(error)
    helper = helper_class
    print(use_globals(5))


class A:
    k = 1

    def f(self, x):
        return x + self.k

    @property
    def p(self):
        return self.k * 2

    @classmethod
    def c(cls, x):
        return cls.k + x

    @staticmethod
    def s(x):
        return x


class B(A):
    k = 10


def use_class(objs, n):
    out = []
    for i in range(n):
        o = objs[i % len(objs)]
        out.append(o.f(i) + o.p + o.c(1) + o.s(2) + o.k)
        if i == 12:
            A.k = 100
        if i == 15:
            A.f = lambda self, x: -x
        if i == 18:
            objs[0].f = lambda x: x * 1000
        if i == 21:
            A.p = 7
        if i == 24:
            objs[0].__class__ = B
        if i == 27:
            objs[-1].k = 0.5
        if i == 30:
            del objs[-1].k
        if i == 33:
            A.__getattr__ = lambda self, name: 3  # (B is one, too)
            del A.p
    return out


print(use_class([A()], 40))
A.k, A.p = 1, property(lambda self: 5)
print(use_class([A(), B(), A()], 40))


def use_builtins(n):
    out = []
    for i in range(n):
        out.append(len((1, 2)) + abs(-i) + max(i, 3) + min(1.5, 2.5))
        if i == 10:
            builtins.len = lambda x: 100
        if i == 14:
            del builtins.len
            builtins.len = saved
        if i == 18:
            builtins.abs = lambda x: x
        if i == 22:
            builtins.abs = saved_abs
    return out


saved, saved_abs = len, abs
print(use_builtins(30))


def shadow(n):
    out = []
    for i in range(n):
        out.append(len([1]))
        if i == 10:
            globals()["len"] = lambda x: "shadow"
        if i == 15:
            del globals()["len"]
    return out


print(shadow(20))


def defaults(x, y=1, *, z=2):
    return x, y, z


def use_defaults(n):
    out = []
    for i in range(n):
        out.append(defaults(i))
        if i == 8:
            defaults.__defaults__ = (5,)
        if i == 12:
            defaults.__kwdefaults__ = {"z": 9}
        if i == 13:
            defaults.__kwdefaults__["z"] = 10
        if i == 16:
            defaults.__code__ = (lambda x, y=3, *, z=0: "code").__code__
    return out


print(use_defaults(20))


def make(n):
    def inner():
        return n

    def bump(k):
        nonlocal n
        n += k

    return inner, bump


def closures():
    inner, bump = make(0)
    out = []
    for i in range(30):
        bump(i if i < 20 else 0.5)
        out.append(inner())
        if i == 25:
            inner, bump = make("s")
            bump("t")
            break
    return out, inner()


print(closures())


def containers():
    d, l, t = {}, [0] * 10, (1, 2.0, "c")
    out = []
    for i in range(60):
        d["k"] = d.get("k", 0) + 1
        l[i % 10] += i
        l[-1] = t[i % 3]
        if i == 30:
            d[5] = 1
        if i == 40:
            d = types.MappingProxyType({"k": 7}) and {"k": 7.5}
        if i == 50:
            l = dict.fromkeys(range(-1, 10), 2)
        try:
            out.append(l[i % 12])
        except (IndexError, KeyError) as error:
            out.append(repr(error))
    return d, l, out[-15:]


try:
    print(containers())
except TypeError as error:
    print(error)


def strings():
    s, out = "", []
    for i in range(40):
        s += "ab" if i % 2 else "\u20ac" * (i % 5)
        out.append(s[i // 2 : i] if i else s)
        if s == out[-1]:
            out.append(s[-1:] in s)
    return s, len(out), out[-1]


print(strings())


def unbound(n):
    out = []
    for i in range(n):
        if i % 7 == 3:
            x = i
        try:
            out.append(x)
        except UnboundLocalError as error:
            out.append(str(error))
        if i % 7 == 5:
            del x
    return out


print(unbound(30))


def truth(items):
    return ["y" if x else "n" for x in items], [x and 1 for x in items], [not x for x in items]


class Odd:
    def __init__(self, v):
        self.v = v

    def __bool__(self):
        return self.v > 2


class Sized:
    def __len__(self):
        return 0


print(truth([1, 0, 2.0, 0.0, "", "a", None, [], [0], (), {}, {1: 2}, Sized, 5, True, False] * 3)[0])
print(truth([Odd(i) for i in range(6)] + [Sized()] * 3)[0])


def compare(items):
    out = []
    for a in items:
        for b in items:
            try:
                out.append((a < b, a == b, a != b, a >= b))
            except TypeError:
                out.append("T")
    return out


print(hash(tuple(compare([1, 2.5, 2**60, 2**63, float("nan"), -1, True, "a", "b", float(2**53), 2**53 + 1]))))


def arith():
    out = []
    for a in [7, -7, 0, 2**31, 2**62, -(2**63), 3.5, -0.0, True, float("inf")]:
        for b in [3, -3, 1, 0, 2.0, -0.5, 2**40, 63, False]:
            for f in ops:
                try:
                    out.append(f(a, b))
                except (ArithmeticError, ValueError, TypeError) as error:
                    out.append(type(error).__name__)
    return out


ops = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / b,
    lambda a, b: a // b,
    lambda a, b: a % b,
    lambda a, b: a & b,
    lambda a, b: a | b,
    lambda a, b: a ^ b,
    lambda a, b: -a,
    lambda a, b: ~a,
    lambda a, b: a >> (b & 63),
    lambda a, b: a << (b & 15),
    lambda a, b: abs(a),
    lambda a, b: max(a, b),
    lambda a, b: min(a, b),
    lambda a, b: int(a) + float(b),
    lambda a, b: bool(a) == b,
]
print([repr(x) for x in arith()])
print(sys.getrefcount(2**70) < 10)
