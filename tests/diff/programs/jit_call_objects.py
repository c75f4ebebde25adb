# Objects with a __call__ in Python, called from hot loops: arguments, defaults, errors, lives of
# operands, depth of recursion, changes of the class.
import sys
import traceback
import weakref


class Poly:
    def __init__(self, *c):
        self.c = c

    def __call__(self, x, shift=0, *, scale=1):
        t = 0
        for c in self.c:
            t = t * x + c
        return (t + shift) * scale


def plain(n):
    p, s = Poly(1, 2, 3), 0
    for i in range(n):
        s += p(i)
        s -= p(i, 2)
        s += p(i & 3, shift=i)
        s += p(1, scale=i)
    return s


print(plain(200))


class Small:
    def __call__(self, a):
        return a + 1


def small(n):
    f, s = Small(), 0
    for i in range(n):
        s = f(s) + f(i)
        s += Small()(i)
    return s


print(small(200))


class Raises:
    def __init__(self, at):
        self.at = at

    def __call__(self, i):
        for k in range(2):
            if i == self.at:
                raise ValueError(i)
        return i


def errors(n):
    out = []
    for at in (10, 150, 3):
        f, s = Raises(at), 0
        for i in range(n):
            try:
                s += f(i)
            except ValueError as e:
                frames = [(x.name, x.lineno) for x in traceback.extract_tb(e.__traceback__)]
                out.append((s, str(e), frames))
    return out


print(errors(200))


def wrong(n):
    f, out = Poly(1), set()
    for i in range(n):
        try:
            f() if i % 2 else f(1, 2, 3)
        except TypeError as e:
            out.add(str(e))
    return sorted(out)


print(wrong(100))


# the caller's stack keeps the operands until the call is over
class Noisy:
    log = []

    def __init__(self, name):
        self.name = name

    def __del__(self):
        Noisy.log.append("del " + self.name)


class Takes(Noisy):
    def __call__(self, v):
        r = weakref.ref(v)
        del v
        for _ in range(2):
            pass
        Noisy.log.append("in " + str(r() is not None))
        return 1


def lives(n):
    for _ in range(n):
        Takes("t")(Noisy("v"))
    log = Noisy.log[:]
    Noisy.log.clear()
    return len(log), log[-8:], len({tuple(log[k : k + 3]) for k in range(0, len(log), 3)})


print(lives(100))


# depth
class Deep:
    def __call__(self, n):
        for _ in range(1):
            if n:
                return 1 + self(n - 1)
        return 0


def depth(limit):
    sys.setrecursionlimit(limit)
    f, low, high = Deep(), 0, limit
    try:
        while low < high - 1:
            middle = (low + high) // 2
            try:
                f(middle)
                low = middle
            except RecursionError:
                high = middle
    finally:
        sys.setrecursionlimit(1000)
    return low


print([depth(k) for k in (150, 300, 150)])


# the class changes
class Later:
    def __call__(self, i):
        for _ in range(2):
            i += 1
        return i


def changed(n, what):
    f, s = Later(), []
    for i in range(n):
        if i == n // 2:
            what(f)
        s.append(f(i))
    return sum(s), s[-3:]


def other(self, i):
    for _ in range(3):
        i -= 1
    return -i


print(changed(100, lambda f: None))
print(changed(100, lambda f: setattr(f, "__call__", lambda i: 0)))
kept = Later.__call__
print(changed(100, lambda f: setattr(Later, "__call__", other)))
Later.__call__ = kept
print(changed(100, lambda f: setattr(Later, "__call__", staticmethod(lambda i: 5))))
Later.__call__ = kept
code = kept.__code__
print(changed(100, lambda f: setattr(kept, "__code__", other.__code__)))
kept.__code__ = code
print(changed(100, lambda f: delattr(f.__class__, "x") if hasattr(f, "x") else None))


def mixed(fs, n):
    s = 0
    for i in range(n):
        s += fs[i % len(fs)](i)
    return s


print(mixed([Later(), Small(), Poly(2, 1), len("a").__add__, abs], 300))


# closures and cells
class Cells:
    def __init__(self):
        self.k = 3

    def __call__(self, n):
        t = [self.k + i + n for i in range(self.k)]
        return sum(t)


def cells(n):
    f, s = Cells(), 0
    for i in range(n):
        s += f(i)
    return s


print(cells(200))
