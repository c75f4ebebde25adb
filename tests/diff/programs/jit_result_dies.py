"""Results of calls to C functions that nobody takes: containers that end at once, with whatever
has to run when they do."""

import _pickle
import functools
import operator
import sys
import weakref

LOG = []


class Loud:
    """Says where it ends."""

    def __init__(self, n):
        self.n = n

    def __del__(self):
        frame = sys._getframe(1)
        LOG.append((self.n, frame.f_code.co_name, frame.f_lineno - frame.f_code.co_firstlineno))


class Meddler:
    """Changes a caller's global and its own class when it ends."""

    value = 0

    def __del__(self):
        Meddler.value += 1
        globals()["SEEN"] = Meddler.value


SEEN = 0
DATA = _pickle.dumps([[list(range(10)), (1, "a"), {"k": {1.5, 2}}] for _ in range(5)], 5)


def plain(n):
    """Nothing to be seen: only memory goes."""
    loads = _pickle.loads
    i = 0
    for i in range(n):
        loads(DATA)
        loads(DATA)
    return i


def loud(n, make):
    """Finalizers run between this op and the next, with the right line."""
    for i in range(n):
        make(Loud, [i, -i])
        LOG.append("next")


def meddled(n, make):
    """What a finalizer changes is known at once after it."""
    total = 0
    for _ in range(n):
        make()
        total += SEEN + Meddler.value
    return total


def inner(make, n):
    """The same in a frame that the trace made."""
    make(Loud, [n])
    return SEEN


def nested(n, make):
    """Calls it."""
    total = 0
    for i in range(n):
        total += inner(make, i)
    return total


class Raises:
    """Its end fails: that is told, not raised."""

    def __del__(self):
        raise ValueError("not seen")


def raising(n, make):
    """Goes on after it."""
    told = []
    hook, sys.unraisablehook = sys.unraisablehook, lambda u: told.append(str(u.exc_value))
    try:
        for _ in range(n):
            make()
    finally:
        sys.unraisablehook = hook
    return told


def shared(n):
    """Some results belong to somebody else now and then."""
    kept = []
    call = operator.call
    for i in range(n):
        call(lambda i=i: kept if i % 3 else [i])
        call(lambda i=i: {i: [i]} if i % 2 else None)
    return kept, sys.getrefcount(kept)


def weakly(n, make):
    """Weak references that call back."""
    said = []
    for _ in range(n):
        make(said)
        said.append("after")
    return said


def weak_list(said):
    """A list whose set has a weak reference that outlives it."""
    s = {1, 2}
    said.append(weakref.ref(s, lambda _: said.append("gone")))
    return [s]


make_all = functools.partial(lambda cls, ns: [cls(n) for n in ns])


def main():
    """All."""
    print(plain(300))
    loud(60, make_all)
    print(len(LOG), LOG[:8], LOG[-8:])
    print(meddled(100, functools.partial(lambda: [Meddler()])))
    print(nested(100, functools.partial(lambda c, n: (c(n[0]), [1]))), LOG[-3:])
    print(raising(40, functools.partial(lambda: {"x": Raises()})))
    print(shared(100))
    said = weakly(60, functools.partial(weak_list))
    print([x if isinstance(x, str) else x() for x in said][:12], len(said))


main()
