"""Slices from back to front that are stored at once, and what can go wrong between."""


def flips(n):
    out = []
    for i in range(n):
        p = list(range(i % 9 + 1))
        q = [1.5, "a", i, None, 7, 8, 9, 10, 11, 12]
        for k in (3, 5, 1, 0, 7, 2):
            p[: k + 1] = p[k::-1]
            if i % 4 == 0:
                q[: k + 1] = q[k::-1]
            q[1:k] = q[k - 1 : 0 : -1]
            if i % 5 == 3:
                q[:k] = p[k::-1]
        out.append((p, q))
    return out


def objs(n):
    a = [[i] for i in range(8)]
    b = [object() for i in range(8)]
    ids = [id(o) for o in b]
    for i in range(n):
        k = i % 8
        a[: k + 1] = a[k::-1]
        b[: k + 1] = b[k::-1]
        if i % 7 == 6:
            a[:k] = b[k::-1] if 0 else a[k::-1]
            a[8:] = []
            while len(a) < 8:
                a.append([i])
    return a, [ids.index(id(o)) for o in b]


def big(n):
    p = list(range(10))
    k = 5
    for i in range(n):
        p[: k + 1] = p[k::-1]
        k = p[0]
        if k == 0:
            p = p[3:] + p[:3]
            k = p[0] or 4
    return p


def exc(n):
    p = list(range(10))
    log = []
    for i in range(n):
        k = i % 12
        try:
            p[: k + 1] = p[k::-1]
            if i % 50 == 49:
                p[: z + 1] = p[k::-1]
        except NameError as e:
            log.append((str(e), i, p[:3]))
        if len(p) > 10:
            del p[10:]
    return p, log


for n in (5, 40, 400, 3000):
    print(n, flips(min(n, 400))[-3:], objs(n), big(n), exc(n))
