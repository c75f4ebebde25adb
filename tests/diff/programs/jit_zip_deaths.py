"""zip() and big containers that die in hot code: what dies with them, and when."""


class Loud:
    def __init__(self, log, name):
        self.log, self.name = log, name

    def __del__(self):
        self.log.append(self.name)


class Plain:
    def __init__(self, v):
        self.v = v


def pairs(n):
    words = [[bytes([b]) for b in b"abcdef"[: i % 7]] for i in range(n)]
    seen = {}
    for word in words:
        for pair in zip(word[:-1], word[1:]):
            seen[pair] = seen.get(pair, 0) + 1
    return sorted(seen.items())


def loud(n):
    log = []
    for i in range(n):
        row = [Loud(log, (i, k)) for k in range(3)]
        for a, b in zip(row[:-1], row[1:]):
            if i % 5 == 4:
                del row
                break
        log.append("end")
        row = a = b = None
        log.append("next")
    return log


def only_in_slices(n):
    log = []
    for i in range(n):
        for a in zip([Loud(log, i), 1, 2][:2], (Loud(log, -i), 3)):
            a = None
        log.append("end")
    return log


def nested(n):
    log = []
    for i in range(n):
        inner = [Plain(i), Plain(i + 1), [Plain(2), Loud(log, i) if i % 7 == 6 else None]]
        for a, b, c in zip(inner, inner[1:], tuple(inner[::-1])):
            c = None
        del inner
        log.append(1)
        a = b = None
        log.append(2)
    return log


class Row(list):
    pass


class Named(tuple):
    pass


def subclasses(n):
    out = []
    for i in range(n):
        for a, b in zip(Row([1, i]), Named((i, "x"))):
            out.append((a, b))
        z = zip([i], {i: 1}, "ab", range(3))
        out.append(next(z))
        z = None
    return out[-5:], len(out)


def kept(n):
    out = []
    last = None
    for i in range(n):
        z = zip([[i], [i + 1]], [(i,), (i,)])
        for pair in z:
            last = pair
        z = None
        out.append(last)
    return out[-2:]


def big(n):
    log = []
    out = 0
    for i in range(n):
        rows = [[bytes([k % 256]) * 2 for k in range(j % 9)] for j in range(300)]
        objects = [Plain(k) for k in range(200)] * 2
        if i % 6 == 5:
            rows[17].append(Loud(log, i))
        if i % 9 == 8:
            objects[3].other = Loud(log, -i)
        out += len(rows) + len(objects)
        rows = None
        log.append("rows")
        objects = None
        log.append("objects")
    return out, log


for n in (3, 12, 60):
    for f in (pairs, loud, only_in_slices, nested, subclasses, kept, big):
        print(f.__name__, n, f(n))
