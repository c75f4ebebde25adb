"""Short generator expressions that a builtin takes at once, of one length: in traces neither they
nor their functions are made. What leaves in the middle of one, looks at it, or ends it early."""

import gc
import sys
import traceback


def warm(work, *args, n=60):
    return [work(*args) for _ in range(n)][-1]


def kinds(v, cols, t):
    out = []
    for k in range(40):
        out.append(len(set(v[i] + i for i in cols)))
        out.append(tuple(v[i] for i in cols))
        out.append(tuple((k, x) for x in t))
        out.append(sum(x + k for x in t))
        out.append(sum(x * 0.5 for x in t))
        out.append(any(x > k for x in t))
        out.append(all(x != k for x in t))
        out.append(tuple(x for x in ()))
        out.append(set(str(x) for x in t) == {"1", "2", "3"})
        out.append(frozenset(x for x in t) == {1, 2, 3})
    return out


def lengths():
    # another length than the one that was seen, longer and shorter
    out = []
    for k in range(400):
        n = 3 if k % 97 < 90 else k % 7
        out.append(tuple(i * k for i in range(n)))
        items = list(range(n))
        out.append(sum(i for i in items))
        out.append(len(set(i % 3 for i in items)))
    return out


def sizes():
    out = []
    for k in range(300):
        n = 3 if k < 250 else k % 13
        made = tuple(i for i in range(n))
        out.append((sys.getsizeof(made), made))
    return out[-60:]


class Odd:
    def __init__(self, n):
        self.n = n

    def __add__(self, other):
        raise ValueError(self.n, other)

    def __radd__(self, other):
        return other + self.n

    def __hash__(self):
        return self.n

    def __eq__(self, other):
        return self.n == getattr(other, "n", other)

    def __bool__(self):
        f = sys._getframe(1)
        return f.f_lineno > 0 and self.n > 1


def raised(work, *args):
    try:
        return work(*args)
    except Exception as e:
        lines = [(f.name, f.lineno, f.line) for f in traceback.extract_tb(e.__traceback__)]
        tb = e.__traceback__
        seen = []
        while tb:
            seen.append(sorted(tb.tb_frame.f_locals)[:3])
            tb = tb.tb_next
        return type(e).__name__, e.args, lines, seen


def middle(values):
    # values of other types in the middle of an expression, once it is followed
    return (
        sum(x + 1 for x in values),
        len(set(x for x in values)),
        tuple(x for x in values)[:2],
        any(x for x in values),
    )


def leaves():
    out = []
    plain = [1, 2, 3]
    odd = [
        [1, "a", 3],
        [1, 2.5, 3],
        [1, 1 << 70, 3],
        [1, True, 3],
        [1, None, 3],
        [[], 2, 3],
        [Odd(1), 2, 3],
        [1, 2, Odd(3)],
        [0, 0, Odd(1)],
        [1, 2],
        [1, 2, 3, 4],
        (1, 2, 3),
        {1: 2, 3: 4},
    ]
    for k in range(600):
        values = odd[k // 5 % len(odd)] if k % 5 == 0 and k > 200 else plain
        r = raised(middle, values)
        if values is not plain:
            out.append(repr(r)[:200].split(" object at")[0])
    return out


def deep(n):
    def inner(x):
        return sys._getframe(1).f_code.co_name if x == n else ""

    return tuple(inner(x) for x in (1, 2, 3))


def looked_at():
    out = [warm(deep, 2)]
    for k in range(100):
        frames = tuple(sys._getframe(0).f_back.f_code.co_name for x in (1, 2) if x)
        out.append(frames)
    return out[-2:], out[0]


class Prop:
    count = 0

    @property
    def p(self):
        self.count += 1
        return self.count

    def method(self, x):
        return x * self.count


def methods():
    a = Prop()
    out = []
    for k in range(200):
        out.append(tuple(a.method(x) for x in (1, 2, 3)))
        out.append(sum(a.p for x in (1, 2)))
        out.append(sum(a.method(y) for y in (x + 1 for x in (1, 2))))
        if k == 150:
            Prop.method = lambda self, x: -x
    return out[-12:], out[:9]


def closures():
    out = []
    fs = []
    total = 0
    for k in range(200):
        a, b = k, k + 1
        out.append(tuple(a * x + b for x in (1, 2, 3)))
        fs.append(lambda: (a, b))
        nested = tuple(tuple(a + x + y for y in (1, 2)) for x in (1, 2))
        total += nested[1][0]
        b = sum(b for x in (1, 2))
    return out[-3:], fs[3](), total, b


class Dies:
    log = []

    def __init__(self, n):
        self.n = n

    def __del__(self):
        Dies.log.append(self.n)


def deaths():
    Dies.log.clear()
    out = []
    for k in range(200):
        d = [Dies(k), Dies(k + 1000)]
        out.append(len(tuple(x.n for x in d)))
        out.append(any(x.n < 0 for x in (Dies(k + 2000),)))
        d = None
        out.append(len(Dies.log))
    return out[-6:], Dies.log[:12], len(Dies.log)


def ended_early():
    out = []
    for k in range(400):
        out.append(any(x == k % 4 for x in (0, 1, 2)))
        out.append(all(x != k % 5 for x in (0, 1, 2)))
    return out[-40:], sum(out)


def recursion(n):
    if n == 0:
        return 0
    return sum(recursion(n - 1) for _ in (1,)) + 1


def limits():
    out = [recursion(5) for _ in range(80)][-1]
    try:
        recursion(100000)
    except RecursionError as e:
        return out, str(e)


def stopping():
    out = []
    for k in range(200):
        it = iter([1, 2, 3])
        out.append(tuple(x + next(it) for x in (1, 2, 3)))
        try:
            out.append(tuple(next(it) if k > 150 else x for x in (1, 2)))
        except RuntimeError as e:
            out.append(str(e))
    return out[-4:], out[:2]


def kept():
    # an iterable that raises, or looks, while there is a function on the stack
    out = []

    def items(k):
        if k == 180:
            raise KeyError(k)
        if k % 50 == 7:
            out.append(sys._getframe(1).f_code.co_name)
            gc.collect()
        return [k, k + 1]

    for k in range(200):
        try:
            out.append(sum(x for x in items(k)))
        except KeyError as e:
            out.append(e.args)
    return out[-25:]


def collected():
    counts = []
    old = gc.get_threshold()
    gc.set_threshold(7, 2, 2)
    try:
        for k in range(300):
            cycle = [k]
            cycle.append(cycle)
            counts.append(tuple((k, x) for x in (1, 2, 3)))
            counts.append(len(set((x, k) for x in (1, 2))))
    finally:
        gc.set_threshold(*old)
    return counts[-4:]


def other_globals():
    code = compile("r = [sum(x + y for x in (1, 2)) for _ in range(100)][-1]", "m", "exec")
    out = []
    for k in range(20):
        space = {"y": k}
        exec(code, space)
        out.append(space["r"])
    space = {"y": 3, "__builtins__": {"sum": lambda g: list(g)[-1], "range": range}}
    exec(code, space)
    out.append(space["r"])
    return out


def no_name():
    # made where an exception is set already, in globals without a name
    code = """
def items(k):
    if k % 60 == 59:
        raise KeyError(k)
    return [k, k + 1]
r = []
for _ in range(4):
    for k in range(60):
        try:
            r.append(sum(x for x in items(k)))
        except KeyError as e:
            r.append(e.args)
"""
    space = {}
    exec(code, space)
    return space["r"][-3:]


print(no_name())
print(warm(kinds, [5, 1, 2, 3, 7, 4, 0, 6], range(8), (1, 2, 3), n=8)[-20:])
print(warm(kinds, [5, 1, 2, 3, 7, 4, 0, 6], [3, 4, 5], (1, 2, 3), n=8)[-20:])
r = lengths()
print(r[-30:], len(r), hash(tuple(r)) == hash(tuple(lengths())))
print(sizes())
for line in leaves()[:30]:
    print(line)
print(looked_at())
print(methods())
print(closures())
print(deaths())
print(ended_early())
print(limits())
print(stopping())
print(kept())
print(collected())
print(other_globals())
