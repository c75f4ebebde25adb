"""Slices that are read and written at once, and methods of lists, in traces."""

import sys


class Dies:
    def __init__(self, n):
        self.n = n

    def __del__(self):
        print("d%d" % self.n, end=" ")


def flips(n):
    perm = list(range(9))
    insert, pop = perm.insert, perm.pop
    total = 0
    for i in range(n):
        k = perm[0]
        perm[: k + 1] = perm[k::-1]
        insert(i % 9, pop(i % 3))
        total += perm[4]
    return total, perm


def grows(n):
    a = [1, 2, 3]
    for i in range(n):
        a[1:2] = [i, i + 1]
        if len(a) > 20:
            a[3:-3] = []
        a[-1:] = (i,)
    return a


def texts(n):
    s, b, t = "hello wörld", b"some bytes", (1, 2, 3, 4)
    out = []
    for i in range(n):
        j = i % 5
        out.append(s[j : j + 3] + s[-j:] + s[:j])
        out.append(b[j:-1] + b[:j])
        out.append(t[j:] + t[::-1] + t[j::-1] + t[None:j])
    return out[-6:], hash(tuple(out))


def dying(n):
    a = [Dies(1), 2, 3]
    for i in range(n):
        a[0:1] = [i]
        if i % 40 == 5:
            a[0:2] = [Dies(i), Dies(i + 1)]
    return len(a)


def fails(n):
    a = [1, 2, 3]
    for i in range(n):
        a[1:2] = [i] if i < n - 1 else i
    return a


def methods(n):
    a = []
    held = object()
    before = sys.getrefcount(held)
    for i in range(n):
        a.append(held)
        a.insert(0, i)
        a.insert(-1, held)
        a.reverse()
        b = a.copy()
        if a.pop(-1) is held:
            a.pop(0)
        a.pop()
        if len(a) > 30:
            a.pop(100 if i == n - 1 else 3)
    return len(a), len(b), sys.getrefcount(held) - before


def others(n):
    lists = [[1], [2, 3], [4, 5, 6]]
    total = 0
    for i in range(n):
        x = lists[i % 3]
        append = x.append if i % 2 else x.remove if i % 5 == 0 and i in x else x.insert
        if append == x.insert:
            append(0, i)
        else:
            append(i)
        total += len(x)
    return total


for size in (30, 500):
    print(flips(size), grows(size), texts(size), dying(size), others(size))
    for function in (fails, methods):
        try:
            print(function(size))
        except (TypeError, IndexError) as error:
            print(error, error.__traceback__.tb_next.tb_lineno)
