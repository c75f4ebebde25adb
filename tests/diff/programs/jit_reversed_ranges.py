"""reversed(range(...)) in loops, len() of sets, sums of lists: what traces do without a call."""

import gc
import pickle
import sys


def down(n):
    out = []
    for k in range(n):
        s = 0
        for i in reversed(range(k % 7)):
            s = s * 10 + i
        for i in reversed(range(k % 5, 20, 3)):
            s += i
            if i < k % 11:
                break
        for i in reversed(range(k % 9, -4, -2)):
            s -= i
        out.append(s)
    return out


def kept(n):
    """The iterator is more than a loop's."""
    out = []
    for k in range(n):
        it = reversed(range(k % 6))
        first = next(it, None)
        out.append(
            (
                first,
                pickle.loads(pickle.dumps(it)).__reduce__(),
                list(it),
                type(it).__name__,
                it.__length_hint__(),
            )
        )
        out.append(repr(reversed(range(2, k % 6, 2)).__reduce__()))
        out.append(list(reversed(range(k, k + 3)))[-1])
        out.append([*reversed(range(3)), *reversed([k, 2]), *reversed((1, k))])
    return out[-40:]


def left(n):
    """Errors and other ways out of such a loop."""
    out = []
    for k in range(n):
        try:
            for i in reversed(range(k % 5)):
                out.append(10 // (i - k % 3))
        except ZeroDivisionError as e:
            out.append(e.__traceback__.tb_lineno - left.__code__.co_firstlineno)
        for i in reversed(range(2**62 - 3, 2**62 + k % 4)):
            out.append(i)
        for i in reversed(range(-(2**63) + 1, -(2**63) + 2)):
            out.append(i)
    return out[-50:], len(out)


def other(n):
    """Other things by that name."""
    out = []
    global reversed
    for k in range(n):
        if k == n - 20:
            reversed = list
        if k == n - 10:
            del reversed
        for i in reversed(range(3)):
            out.append(i)
    return out[-70:]


def sets(n):
    out = []
    for k in range(n):
        s = {i % (k % 5 + 1) for i in range(6)}
        f = frozenset(s)
        before = len(s), len(f)
        s.add(k)
        s |= {k + 1}
        mid = len(s)
        s.discard(k)
        s.clear() if k % 7 == 6 else s.pop()
        out.append((before, mid, len(s), len(f)))
    return out[-25:]


class Gone:
    count = 0

    def __del__(self):
        Gone.count += 1


def lists(n):
    out = []
    for k in range(n):
        a = [k, Gone()] if k % 9 == 8 else [k]
        b = [k % 3] * (k % 4)
        c = a + b
        d = (c + c)[: k % 5] + a + []
        out.append((len(c), len(d), d[-1] is a[-1], sys.getsizeof(d), Gone.count))
        try:
            a + (k,) if k % 13 == 12 else None
        except TypeError as e:
            out.append(str(e))
        del a, c, d
        if k % 40 == 39:
            gc.collect()
    return out[-30:], Gone.count


class Mine(list):
    def __add__(self, other):
        return ("mine", len(other))

    def __radd__(self, other):
        return ("other", len(other))


def mixed(n):
    out = []
    for k in range(n):
        left = Mine([1]) if k % 8 == 7 else [k]
        right = Mine([2, 3]) if k % 6 == 5 else [2]
        out.append(left + right)
    return out[-24:]


for _ in range(2):
    print(down(120))
    print(kept(60))
    print(left(90))
    print(other(120))
    print(sets(90))
    print(lists(160))
    print(mixed(90))
