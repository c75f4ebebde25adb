"""Unpacking (all forms, all errors), f-strings, string building, slicing, comparisons of str."""

import sys

# ruff: noqa - odd code on purpose


def attempt(function, *args):
    try:
        return function(*args)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def two(v):
    a, b = v
    return a, b


def three(v):
    (a, (b, c)), d = v
    return a, b, c, d


def star(v):
    a, *b, c = v
    return a, b, c


def star_first(v):
    *a, b = v
    return a, b


def star_only(v):
    *a, = v
    return a


def bracket(v):
    [a, b, c] = v
    return c


class Iter:
    def __init__(self, n, fail=None):
        self.n, self.fail = n, fail

    def __iter__(self):
        return self

    def __next__(self):
        if self.fail == self.n:
            raise KeyError("next failed")
        self.n -= 1
        if self.n < 0:
            raise StopIteration
        return self.n


class BadIter:
    def __iter__(self):
        return 5


class TupleSub(tuple):
    def __iter__(self):
        return iter(["from", "iter"])


def makers():
    return [(1, 2), [3, 4], "xy", {5: 1, 6: 2}, range(2), (1,), [1, 2, 3], "", Iter(2), Iter(3),
            Iter(5, 4), Iter(1), BadIter(), 5, None, TupleSub((1, 2, 3)), (i for i in range(2)), {1, 2},
            b"ab", ("é", "漢"), (x for x in ()), ((1, (2, 3)), 4), [[1, "ab"], 2], (1, 2, 3)]


out = []
for turn in range(25):
    for value in range(len(makers())):
        for f in (two, three, star, star_first, star_only, bracket):
            out.append(str(attempt(f, makers()[value])))
    if turn < 24:
        out.clear()
print("\n".join(out))

a = b, c = [d, *e] = (1, 2)
print(a, b, c, d, e)
x = [0, 1]
i = 0
i, x[i] = 1, 2
print(i, x)
p = q = 0
for p, (q, *r) in [(1, "abc"), (2, [3])]:
    print(p, q, r)
a, b = 1, 2
for _ in range(100):
    a, b = b, a
    a, b, c = c, a, b
print(a, b, c)


class Fmt:
    def __format__(self, spec):
        return f"<{spec}>"

    def __str__(self):
        return "str"

    def __repr__(self):
        return "rep\u00e9\u6f22"


class BadFmt:
    def __format__(self, spec):
        return 5

    def __str__(self):
        raise ValueError("str")

    def __repr__(self):
        return 7


class StrSub(str):
    def __str__(self):
        return "sub str"

    def __format__(self, spec):
        return "sub format " + spec


def fmt(v, w=10):
    return (f"{v}", f"{v!r}", f"{v!s}", f"{v!a}", f"a{v}b{w}c", f"{v=}", f"{w:>{w}}{v!s:>{w}}",
            f"{{}}{v!r:^{w}.{w - 5}}")


for v in (1, "text", 2.5, None, [1, "x"], Fmt(), StrSub("z"), True, 10**20, "漢", b"b"):
    for _ in range(15):
        r = attempt(fmt, v)
    print(ascii(r))
print([attempt(f, BadFmt()) for f in (lambda v: f"{v}", lambda v: f"{v!s}", lambda v: f"{v!r}",
                                      lambda v: f"{v!a}")], attempt(lambda: f"{5:zz}"),
      attempt(lambda: f"{'s':d}"), attempt(lambda: f"{5:{{}}}"), attempt(lambda: f"{None:5}"))
value = 3.14159
print(f"{value:.2f} {value:10.3e} {1000000:,} {255:#x} {-5:+05d} {'s':*^7} {value!r:>10}")
print(f"{'nested ' + f'{value:.1f}'}" f"{lambda_:=^9}" if (lambda_ := 5) else "")
print("%s %r %5.2f %d %%" % ("s", "r", 1.5, 7), attempt(lambda: "%d" % "x"), "%(k)s" % {"k": 1})
print("{0} {1[0]} {2.real} {k}".format(1, [2], 3, k=4), attempt("{}".format), attempt("{x}".format))

text = ""
for i in range(200):
    text += chr(ord("a") + i % 26)
    if i == 100:
        text += "é"
    if i == 150:
        text += "漢"
    if i == 180:
        text += "😀"
    kept = text if i % 50 == 0 else None
print(text, len(text), kept is None)


def concat_local(n):
    s = "x"
    alias = s
    for i in range(n):
        s += "y"
        if i == 5:
            alias = s
    s = s + alias
    cell = [s]
    cell[0] += "z"
    return s[-8:], alias, cell[0][-3:]


print(concat_local(30))


def concat_cell():
    s = "a"

    def inner():
        nonlocal s
        s += "b"
        return s
    return [inner() for _ in range(20)][-1], s


print(concat_cell())


class Holder:
    s = "c"


for _ in range(20):
    Holder.s += "d"
print(Holder.s, attempt(lambda: "a" + 1), attempt(lambda: "a" + None), "ab" * 3, attempt(
    lambda: "a" * 2.0), "a" * -1)
seq = ["hello world", list(range(10)), tuple(range(5)), b"bytes here", range(20), "é漢字"]
for s in seq:
    for _ in range(20):
        r = (s[1:3], s[:], s[::-1], s[-2:], s[5:1], s[::2], s[None:None], s[-100:100], s[1:4:2])
    print(r)
print(attempt(lambda: "abc"[1.5:]), attempt(lambda: [1][::0]), attempt(lambda: "a"[2**80:]))
words = ["b", "a", "a", "", "ab", "é", "漢", "b"]
print([(x < y, x == y, x is y, x in y, x != y) for x in words for y in words][::7])
lower, upper = [], []
for i in range(300):
    s = ("k" + str(i % 7)) if i % 3 else "k1"
    (lower if s == "k1" else upper).append(s <= "k3")
print(sum(lower), sum(upper))
n = 0
for ch in "some longer text é" * 5:
    if ch in "aeiou":
        n += 1
    elif ch == " " or ch not in {"s", "t"}:
        n += 100
print(n)


# Straight into many locals: the old values die one by one, in order, and may change the list.
class Dying:
    def __init__(self, name, target):
        self.name, self.target = name, target

    def __del__(self):
        frame = sys._getframe(1)
        seen = {k: v for k, v in frame.f_locals.items() if isinstance(v, int)}
        print("died", self.name, frame.f_lineno, seen)
        self.target.clear()


def many_locals(seq):
    a, b, c, d, e = seq
    a, b, c, d, e = seq
    return [a, b, c, d, e]


def dying_locals(shared):
    a = Dying("a", shared)
    b = Dying("b", shared)
    c = d = e = Dying("cde", shared)
    a, b, c, d, e = shared
    return a, b, c, d, e


def twice_the_same(seq):
    a, a, b, a, b = seq
    return a, b


for _ in range(5):
    for seq in ((1, 2, 3, 4, 5), [1.5, 2.5, 3.5, 4.5, 5.5], "abcde", range(5), {1, 2, 3, 4, 5}):
        print(many_locals(seq), twice_the_same(seq))
    print(dying_locals([10, 20, 30, 40, 50]))
    for seq in ((1, 2, 3, 4), [1] * 6, "abc", 7, iter(range(6))):
        try:
            many_locals(seq)
        except Exception as error:
            print(type(error).__name__, error, error.__traceback__.tb_next.tb_lineno)
