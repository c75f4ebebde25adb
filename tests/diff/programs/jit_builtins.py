"""Builtins and methods of CPython's own types in hot loops, with what makes them not quiet."""

import collections
import re


class Plain:
    kind = "plain"

    def __init__(self, n):
        self.n = n
        if n % 3 == 0:
            self.third = n

    def method(self):
        return self.n

    @property
    def half(self):
        return self.n // 2


class Slotted:
    __slots__ = ("n", "third")

    def __init__(self, n):
        self.n = n


class Asking:
    def __init__(self, n):
        self.n = n

    def __getattr__(self, name):
        if name.startswith("made"):
            return name
        raise AttributeError(name)


class Callable(Plain):
    def __call__(self):
        return "called"


class Meta(type):
    def __subclasscheck__(cls, other):
        return other.__name__ > "M"


class Odd(metaclass=Meta):
    pass


def attributes():
    objects = [Plain(i) for i in range(6)] + [Slotted(1), Asking(2), attributes, Plain, "text", 5]
    out = []
    for turn in range(30):
        for o in objects:
            out.append(hasattr(o, "third"))
            out.append(getattr(o, "kind", None))
            out.append(hasattr(o, "method"))
            out.append(getattr(o, "made_up", "missing") == "missing")
            name = f"{'th'}{'ird'}"
            out.append(getattr(o, name, turn))
            out.append(callable(o))
            out.append(hasattr(o, "half"))
        if turn == 20:
            Plain.third = "of the class"
            attributes.third = "of the function"
            objects[0].method = 7
    print(len(out), out[:14], out[-14:])
    total = 0
    for o in objects[:6] * 9:
        total += getattr(o, "method")() if callable(getattr(o, "method")) else o.method
        try:
            getattr(o, "nothing")
        except AttributeError as error:
            total += len(str(error))
    print(total)
    del Plain.third, attributes.third


def classes():
    pairs = [(int, object), (bool, int), (Plain, Callable), (Callable, Plain), (Odd, Odd)]
    found = []
    for _ in range(40):
        for a, b in pairs:
            found.append(issubclass(a, b))
            found.append(issubclass(a, (str, b)))
    print(found[-10:], found.count(True))
    try:
        for k in range(40):
            issubclass(5 if k == 39 else int, object)
    except TypeError as error:
        print(error)
    same = 0
    for _ in range(40):
        for o in (Plain(1), Callable(2), 5, "s", Slotted(3)):
            same += o.__class__ is type(o)
            same += id(o) == id(o)
    print(same, callable(Callable(1)))


class Lying:
    __class__ = int


def lies():
    print([x.__class__.__name__ for x in [Plain(1), Lying(), Plain(2)] * 10][-3:])


def bound():
    calls = []
    p = Plain(3)
    for k in range(60):
        f = p.method
        calls.append(f())
        if k == 40:
            p.method = lambda: "own"
        if k == 50:
            del p.method
            Plain.method = lambda self: "other"
    print(calls[30], calls[45], calls[-1], f.__self__ is p)


def texts():
    values = list(range(-12, 12)) + [2**29, 2**30, 2**31, -(2**31), 2**62, 2**63, -(2**63), 10**30]
    values += [True, False, None, 1.5, -0.0, "s", b"b"]
    out = []
    for _ in range(20):
        for v in values:
            out.append(str(v))
            out.append(f"{v}")
            out.append(f"<{v}|{v!r}>")
    print(len(out), out[-3 * len(values) :])
    total = 0
    for i in range(3000):
        total += len(str(i * 37 - 2000)) + len(f"{i}")
    print(total)

    class Text(str):
        def __str__(self):
            return "spoken"

    words = []
    for k in range(60):
        w = Text("written") if k % 7 == 6 else "plain"
        words.append(str(w))
        words.append("-".join([w, w] if k % 5 else (w, w, w)))
        words.append(w.startswith(("pl", "x")))
        words.append(w.endswith(("en", "x")))
    print(words[-30:])
    bad = 0
    for k in range(60):
        try:
            "".join(["a", 1] if k % 10 == 9 else ["a"])
            ord("ab" if k % 10 == 8 else "a")
        except TypeError:
            bad += 1
    print(bad, [ord(c) for c in "aZ\u00e9\u20ac\U0001f600" * 8][-5:])


def searches():
    out = []
    pool = ["a<b", "", "<", "\u20ac<", "plain", "\u00e9<\u00e9", "x" * 50 + "<"]
    for k in range(90):
        s = pool[k % len(pool)]
        t = s.replace("<", "&lt;").replace("&", "\u20ac").replace("", "-").replace("-x", "y")
        out.append(t)
        out.append(s.replace("plain", s) is s)
        out.append(s.startswith("<"))
        out.append(s.endswith("\u00e9"))
        out.append(s.startswith(""))
        out.append(s.endswith("<" if k % 2 else ("<", "n")))
        out.append(s.startswith(s + "x") or s.endswith(s))
        out.append(s.startswith("b", 2))
    print(len(out), out[-56:])


class Key:
    def __init__(self, n):
        self.n = n

    def __hash__(self):
        return hash("k1")

    def __eq__(self, other):
        eqs.append(self.n)
        return False


eqs = []


def containers():
    copies = []
    source = [1, "two", Plain(3)]
    for k in range(60):
        a, b, c = list(source), tuple(source), list(b"" if k == 50 else tuple(source))
        copies.append((len(a), len(b), len(c), a is source, list(), dict(), set()))
    print(copies[-1], copies[50])
    d = {"k%d" % i: i for i in range(8)}
    out = []
    for k in range(80):
        name = "k%d" % (k % 10)
        out.append(d.pop(name, None))
        out.append(d.setdefault(name, k))
        out.append(d.setdefault(name, -1))
        out.append(len(d.items()) + len(d.keys()) + len(d.values()))
        if k == 60:
            d[Key(1)] = 0
    print(out[-12:], sorted(map(str, d))[:3], len(eqs))
    seen = set()
    for k in range(80):
        seen.add("n%d" % (k % 7))
        seen.add(k % 5)
        if k == 70:
            seen.add(Key(2))
            seen.add("k1")
        if ("n%d" % k) in seen and k in (1, 2, 3, "x", 64) and k in [64, 2]:
            out.append(k)
    print(len(seen), out[-3:])
    gathered = []
    for k in range(40):
        gathered.extend([k, k + 1])
        gathered.extend((k,))
        if k == 30:
            gathered.extend(gathered)
    print(len(gathered), sum(gathered))
    popped = 0
    for k in range(40):
        try:
            popped += {"a": k}.pop("b" if k % 10 == 9 else "a")
        except KeyError as error:
            popped += len(str(error))
    print(popped)


class Loud:
    def __init__(self, log):
        self.log = log

    def __del__(self):
        self.log.append("gone")


def deques():
    q, short, log = collections.deque(), collections.deque(maxlen=3), []
    write = q.append
    got = []
    for k in range(100):
        write(k)
        q.append(-k)
        q.appendleft(k)
        got.append(q.popleft())
        if k % 3:
            got.append(q.pop())
        for one in (q, short):
            one.append(Loud(log) if k % 20 == 19 and one is short else k)
    print(len(q), sum(x for x in got if isinstance(x, int)), list(short), len(log))
    empty = 0
    for k in range(40):
        try:
            collections.deque([1] if k % 4 else []).pop()
        except IndexError:
            empty += 1
    print(empty)


def patterns():
    number, word = re.compile(r"(?P<n>\d+)(x)?"), re.compile("[a-z]+")
    out = []
    for k in range(80):
        m = number.match("%dx" % k if k % 3 else "none")
        if m is not None:
            out.append((m.group(), m.group("n"), m.group(1, 2), m.start(), m.end("n"), m.span(2)))
            out.append(m.string)
        out.append(word.search("12abc3", k % 4).group() if k % 4 < 3 else word.fullmatch("ab1"))
        if k % 20 == 19:
            try:
                m and m.group("missing")
            except IndexError as error:
                out.append(str(error))
    print(len(out), out[-6:])


def slices():
    got = [s.start if k % 2 else s.step for k, s in enumerate([slice(1), slice(2, 3, 4)] * 20)]
    print(got[-4:])


for test in (
    attributes,
    classes,
    lies,
    bound,
    texts,
    searches,
    containers,
    deques,
    patterns,
    slices,
):
    test()
