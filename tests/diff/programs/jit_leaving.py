"""Leaving traces: what an exit makes real, in every combination, with few values and with many.

Loops that run hot with one path and then leave by another, again and again: nothing that the trace
had only in registers may differ, nor be made twice, lost or dropped too early.
"""

import gc
import sys

WARM = 300


def show(name, *values):
    print(name, *values)


def number_and_its_names(n, seen):
    # the same number in several slots: one object
    i = 1000
    while i < 1000 + n:
        i += 1
        j = i
        k = i + 1
        if i % 7 == 3:
            seen.append((i is j, i + 1 == k, i, j, k))
    return i


def floats_borrowed(n):
    # old is the box that x had before: it must outlive x's slot
    x, old, out = 1.5, 0.5, []
    for i in range(n):
        old = x
        x = x * 1.25 + i
        if i % 11 == 5:
            out.append((old, x, old is x))
            x = old
    return out, old, x


def all_types(n):
    i, f, b, s, c, nothing, big = 0, 0.5, True, "s", 1 + 2j, None, 10**12
    out = []
    while i < n:
        i += 1
        f += 0.25
        b = i % 3 == 1
        c = c * (0.5 + 0.5j) + 1
        big += 10**9
        t = (i, f, (b, s))
        if i % 13 == 6:
            out.append((i, f, b, s, c, nothing, big, t, t[2]))
            del t
        elif i % 17 == 3:
            b = None
    return out[-3:], len(out), i, f, b, c, big


def unbound(n):
    out = []
    for i in range(n):
        if i % 5 == 4:
            kept = i
        if i % 5 == 2:
            try:
                out.append(kept)
                del kept
            except UnboundLocalError as e:
                out.append(str(e))
    return out[:4], len(out)


class Point:
    def __init__(self, x, y, z=None):
        self.x = x
        self.y = y
        self.z = z

    def __repr__(self):
        return f"Point({self.x}, {self.y}, {self.z})"


def parts(n, kept):
    # objects that are only made when the loop leaves, their parts in one another
    for i in range(n):
        p = Point(i, i * 0.5)
        q = Point(p, (p, i), [i, i])
        pair = p, q
        if i % 9 == 7:
            kept.append((p, q, pair[0] is p, q.x is p, q.y[0] is p, pair, sys.getrefcount(p)))
    return p.x, q.y[1], pair[1] is q


def deep(n, out):
    def third(v, w):
        if v % 10 == 9:
            out.append(sys._getframe().f_back.f_lineno - third.__code__.co_firstlineno)
            return -v
        return v + w

    def second(v, *, scale=2):
        both = v, v * scale
        t = third(v, both[1])
        return t - both[0]

    def first(v):
        total = 0.0
        for k in (1, 2):
            total += second(v + k)
        return total

    total = 0
    for i in range(n):
        total += first(i)
    return total


def many(n):
    a = b = c = d = e = f = g = h = 0
    k = m = o = p = q = r = s = t = 0.0
    u, v, w, x, y, z = 1, 2, 3, 4, 5, 6
    out = []
    for i in range(n):
        a, b, c, d, e, f, g, h = a + 1, b + 2, c + 3, d + 4, e + 5, f + 6, g + 7, h + 8
        k, m, o, p = k + 0.5, m + 1.5, o + 2.5, p + 3.5
        q, r, s, t = q + 4.5, r + 5.5, s + 6.5, t + 7.5
        u, v, w, x, y, z = v, w, x, y, z, u
        if i % 19 == 18:
            out.append((a, b, c, d, e, f, g, h, k, m, o, p, q, r, s, t, u, v, w, x, y, z))
    return out[-1], len(out), u, v, w, x, y, z


source = ["def hundreds(n):"]
source += [f"    v{i} = {i}" for i in range(130)]
source += ["    out = []", "    for i in range(n):"]
source += [f"        v{i} += {i % 3 or '0.5'}" for i in range(130)]
source += ["        if i % 23 == 20:"]
source += ["            out.append((" + ", ".join(f"v{i}" for i in range(130)) + "))"]
source += ["    return out[-1], len(out), " + " + ".join(f"v{i}" for i in range(130))]
exec("\n".join(source))


class Loud:
    alive = 0

    def __init__(self, i):
        self.i = i
        Loud.alive += 1

    def __del__(self):
        Loud.alive -= 1
        events.append(self.i)


events = []


def dropped(n):
    for i in range(n):
        o = Loud(i) if i % 6 == 5 else None
        pair = o, i
        if i % 12 == 11:
            events.append(("kept", pair[1], Loud.alive))
    return Loud.alive


def generators(n):
    def numbers(k):
        x = 0.0
        while k:
            k -= 1
            x += 0.5
            got = yield k, x
            if got is not None:
                x = got

    out = []
    for i in range(n):
        total = 0
        for k, x in numbers(i % 4 + 2):
            total += k + x
            if total > 8.5:
                out.append((i, k, x, total))
                break
    return out[-4:], len(out)


def raised(n):
    bad = 0
    for i in range(n):
        value = i * 0.25
        try:
            if i % 8 == 3:
                bad += (i, value)[2]
            bad += 1
        except IndexError as e:
            lines = [e.__traceback__.tb_lineno - raised.__code__.co_firstlineno, str(e)]
            bad -= i
    return bad, value, lines


def left_each_time(n):
    # the exit is taken in every turn of an outer loop that is not compiled with it
    total = 0
    for i in range(n):
        k = i % 5
        while k:
            k -= 1
            total += k * 0.5
    return total, k


for n in (WARM, WARM):
    seen = []
    number_and_its_names(n, seen)
    show("names", seen[0], seen[-1], len(seen))
    show("borrowed", *[repr(part)[-60:] for part in floats_borrowed(n)])
    show("types", all_types(n))
    show("unbound", unbound(n))
    kept = []
    show("parts", parts(n, kept), kept[0], kept[-1], len(kept))
    out = []
    show("deep", deep(n, out), out[:3], len(out))
    show("many", many(n))
    show("hundreds", hash(hundreds(n)))
    events.clear()
    show("dropped", dropped(n), len(events), events[:6], events[-4:])
    show("generators", generators(n))
    show("raised", raised(n))
    show("each time", left_each_time(n))
    del kept, seen, out
    gc.collect()
