"""Instances that had no dict when a loop was compiled, and get one; classes whose bases change."""


class Error(Exception):
    kind = "class"

    def what(self):
        return "method"


def loads(e, n):
    seen = set()
    for _ in range(n):
        seen.add(e.kind)
        seen.add(e.what())
        seen.add(getattr(e, "more", "none"))
        seen.add(hasattr(e, "more"))
        seen.add(getattr(e, "what")())
    return sorted(map(str, seen))


def has(e, n):
    t = 0
    for _ in range(n):
        t += hasattr(e, "__notes__") + (getattr(e, "__notes__", None) is None) * 10
    return t


for kind in (Error, ValueError, KeyError, OSError, ImportError):
    plain = kind("x")
    print(kind.__name__, has(plain, 60))
    noted = kind("y")
    noted.add_note("a note")
    print(kind.__name__, has(noted, 60), has(plain, 60))
    del noted.__notes__
    print(kind.__name__, has(noted, 60))

e = Error()
print(loads(e, 60))
e.kind = "instance"
print(loads(e, 60))
e.more = "more"
print(loads(e, 60))
e.what = lambda: "own"
print(loads(e, 60), loads(Error(), 60))
del e.what, e.more
print(loads(e, 60))


def changes(e, n):
    """The dict comes in the middle of the loop, from a call."""
    out = []
    for k in range(n):
        if k == n // 2:
            e.add_note("now")
        if k == n // 2 + 5:
            setattr(e, "kind", k)
        out.append((getattr(e, "__notes__", 0), e.kind))
    return out[:2], out[n // 2 - 1 : n // 2 + 8]


for _ in range(3):
    print(changes(Error(), 80))


class A:
    pass


class B:
    pass


class C(A):
    pass


def below(n):
    return [(issubclass(C, A), issubclass(C, B), isinstance(C(), B)) for _ in range(n)][-1]


print(below(80))
C.__bases__ = (B,)
print(below(80))
C.__bases__ = (B, A)
print(below(80))
