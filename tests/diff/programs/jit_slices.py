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


class Item:
    """Something that says when it dies."""

    def __init__(self, n):
        self.n = n

    def __del__(self):
        deaths.append(self.n)


deaths = []


def reversed_prefixes(n):
    row = list(range(300, 312))
    for i in range(n):
        k = i % 12
        row[: k + 1] = row[k::-1]
    return row


def stored_and_named(n):
    row, other = [1, 2, 3, 4], [9, 8, 7]
    kept = []
    for i in range(n):
        x = row[:3] = other[::-1]
        row[1:] = y = row[2::-1]
        other[0] = i
        if i % 10 == 9:
            kept.append((x, y, list(row)))
    return kept[0], kept[-1], row


def stored_from_a_local(n):
    row = [0, 0, 0, 0]
    for i in range(n):
        values = [i, i + 1]
        row[1:3] = values
        values.append(row[2])
    return row, values


def stored_objects(n):
    row = [Item(i) for i in range(4)]
    for i in range(n):
        row[:3] = row[2::-1]
        if i % 7 == 5:
            row[1] = Item(i + 1000)
        if i % 50 == 49:
            row[:2] = [row[0], Item(i)]
    count = len(deaths)
    row[:] = row[::-1]
    return [o.n for o in row], count, len(deaths), deaths[:3], deaths[-2:]


def stored_the_same_object(n):
    row = [Item(1)] * 3
    numbers = [7, 8, 9]
    for i in range(n):
        row[:3] = numbers[::-1]
        if i % 20 == 13:
            row[:] = [Item(i)] * 3
    return row, len(deaths), deaths[-1]


def stored_sizes(n):
    row, out = list(range(10)), 0
    for i in range(n):
        row[: i % 4] = row[i % 3 :: -1]
        out += len(row)
        if len(row) > 30:
            del row[10:]
    return out, row


for f in (
    reversed_prefixes,
    stored_and_named,
    stored_from_a_local,
    stored_objects,
    stored_the_same_object,
    stored_sizes,
):
    deaths.clear()
    print(f.__name__, f(400))
