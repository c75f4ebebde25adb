"""Truth, None and identity of locals with a jump behind: bound, unbound, dying, and jumped into."""

# ruff: noqa - odd code on purpose
import sys
import traceback


class Falsy:
    def __bool__(self):
        return False


class Sized:
    def __len__(self):
        return 3


class Broken:
    def __bool__(self):
        raise ValueError("no truth")


class Plain:
    pass


class SubList(list):
    def __bool__(self):
        return True


def truth(v):
    out = []
    if v:
        out.append("if")
    if not v:
        out.append("not")
    if v is None:
        out.append("none")
    if v is not None:
        out.append("some")
    while v:
        out.append("while")
        v = False
    out.append("yes" if v else "no")
    return out


def truths():
    values = [
        None, True, False, 0, 1, -5, 1 << 70, 0.0, 2.5, "", "x", b"", b"y", [], [0], (), (1,),
        {}, {1: 2}, set(), {3}, Falsy(), Sized(), SubList(), Plain(), frozenset(), bytearray(), bytearray(b'z'), print, sys, object, range(0), range(3), 0j,
    ]  # fmt: skip
    for _ in range(40):
        for v in values:
            truth(v)
    for v in values:
        print(type(v).__name__, truth(v))
    for _ in range(3):
        try:
            truth(Broken())
        except ValueError as e:
            print(e, [f.lineno for f in traceback.extract_tb(e.__traceback__)][-1] > 0)


def changed():
    plain = Plain()
    print(truth(plain), [plain] and 1, 2 if plain else 3)
    Plain.__len__ = lambda self: 0
    print(truth(plain), 2 if plain else 3)
    Plain.__bool__ = lambda self: True
    print(truth(plain), 2 if plain else 3)
    del Plain.__len__
    Plain.__bool__ = lambda self: 0
    for _ in range(2):
        try:
            truth(plain)
        except TypeError as e:
            print(e)
    del Plain.__bool__
    print(truth(plain), 2 if plain else 3)
    print([len(v) for v in (b"", b"abc", bytes(300), bytearray(2), [], "xy", {1}, {1: 2}, (3,))])


def identity(v, w):
    out = []
    if v is w:
        out.append("is")
    if v is not w:
        out.append("is not")
    if not v is w:
        out.append("not is")
    x = v
    if x is w:
        out.append("stored")
    while v is not w:
        out.append("loop")
        v = w
    return out


def identities():
    a, b = [1], [1]
    for _ in range(60):
        identity(a, b), identity(a, a)
    print(identity(a, b), identity(a, a), identity(None, None), identity(a, None))
    before = sys.getrefcount(a), sys.getrefcount(None) > 100
    for _ in range(100):
        identity(a, b), identity(a, a), identity(b, a)
    print(before == (sys.getrefcount(a), sys.getrefcount(None) > 100))


def unbound(n):
    if n == 1:
        del n
        if n:
            return 1
    if n == 2:
        del n
        if n is None:
            return 2
    if n == 3:
        del n
        if n is not None:
            return 3
    if n == 4:
        m = n
        del n
        if m is n:
            return 4
    if n == 5:
        m = n
        del m
        if m is n:
            return 5
    if n == 6:
        del n
        if not n:
            return 6
    return 0


def unbounds():
    for _ in range(20):
        for n in range(8):
            try:
                got = unbound(n)
            except UnboundLocalError as e:
                got = str(e), e.__traceback__.tb_next.tb_lineno - unbound.__code__.co_firstlineno
            if _ == 19:
                print(n, got)


class Loud:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        frame = sys._getframe(1)
        print("gone", self.name, frame.f_code.co_name, frame.f_locals.get("x", "no x") is None)


def stored(values):
    x = Loud("first")
    out = []
    for v in values:
        x = v
        if x is None:
            out.append("none")
        x = Loud(len(out)) if v is None else None
        if x is not None:
            out.append("loud")
        y = x
        if x is None:
            out.append("x")
        if y is not x:
            out.append("never")
    return out


def jumps(n):
    # The tests are jumped to from elsewhere.
    v = n % 3
    w = None
    while True:
        if v:
            v -= 1
            continue
        if w is None:
            w = n
            continue
        if w is v:
            return "same", w, v
        return "other", w, v


truths()
changed()
identities()
unbounds()
for _ in range(30):
    stored([1, 2])
print(stored([None, 1, None]))
print([jumps(n) for n in range(40)])
