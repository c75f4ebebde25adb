"""Numbers that are computed twice are two objects, whatever the trace has in registers: in one expression, by algebra, through places."""


def f(a, b, n):
    r = []
    for i in range(n):
        x = a + b
        y = a + b
        r.append((x is y, x is x, (x, y)[0] is (x, y)[1], id(x) == id(y), x is not y))
        z = x
        r.append((z is x, z is y, [x][0] is x, [y][-1] is x))
    return r


def g(a, n):
    r = []
    for i in range(n):
        k = a * 1.5
        r.append(
            (
                abs(k) is k,
                +k is k,
                k.__float__() is k if i % 2 else 0,
                float(k) is k,
                k.real is k,
                k.conjugate() is k,
            )
        )
    return r


def h(a, n):
    r = []
    for i in range(n):
        k = a + i
        r.append(
            (
                abs(k) is k,
                +k is k,
                int(k) is k,
                k.real is k,
                k.conjugate() is k,
                round(k) is k,
                k.__index__() is k,
                (-k) is (-k),
                k | 0 is k,
                (k * 1) is k,
                k + 0 is k,
                k - 0 is k,
                k << 0 is k,
                k >> 0 is k,
                k // 1 is k,
                k & k is k,
                k**1 is k,
                min(k, k + 1) is k,
                max(k, k) is k,
            )
        )
    return r


def h2(a, n):
    r = []
    for i in range(n):
        k = a + i
        m = k + 0
        q = k - 0
        s = k | 0
        t = k * 1
        u = k << 0
        v = k >> 0
        w = k // 1
        x = k & k
        y = k & -1
        z = k ^ 0
        r.append([o is k for o in (m, q, s, t, u, v, w, x, y, z)])
        r.append((m is k, q is k, s is k, t is k, u is k, v is k, w is k, x is k, y is k, z is k))
    return r


def h3(a, n):
    r = []
    for i in range(n):
        k = a + i
        m = k - 0.0
        q = k * 1.0
        s = k / 1.0
        t = k**1.0
        u = -(-k)
        v = +k
        w = abs(k)
        x = float(k)
        r.append((m is k, q is k, s is k, t is k, u is k, v is k, w is k, x is k))
    return r


class C:
    pass


def attr(a, n):
    r = []
    c = C()
    for i in range(n):
        c.x = a + i
        c.y = c.x
        d = c.x
        r.append((c.x is c.y, d is c.x, c.x is c.x))
        c.y = c.x + 1
        c.x = d + 1
        r.append(c.x is c.y)
    return r


def lst(a, n):
    r = []
    l = [0] * 4
    for i in range(n):
        l[0] = a + i
        l[1] = l[0]
        d = l[0]
        l[2] = d * 2
        l[3] = l[0] * 2
        r.append((l[0] is l[1], d is l[0], l[2] is l[3], l[2] is l[2]))
        p, q = l[0], l[1]
        r.append(p is q)
    return r


def carry(a, n):
    r = []
    x = y = a
    for i in range(n):
        r.append(x is y)
        x = x + 1
        y = y + 1
        r.append(x is y)
        if i % 3 == 0:
            y = x
    return r


def tup(a, n):
    r = []
    for i in range(n):
        t = (a + i, a + i)
        u, v = t
        r.append((u is v, t[0] is u, t[1] is u, u is t[0]))
    return r


def con(n):
    r = []
    for i in range(n):
        x = 1000000.0 if i else 2
        y = 1000000.0
        z = million = 1000000
        r.append((x is y, z is million))
        k = z
        r.append(k is z)
    return r


def unpk(n, s):
    r = []
    p = q = None
    for i in range(n):
        v = s[i % len(s)]
        w = s[i % len(s)]
        r.append((v is w, v is p, v is q))
        q = p
        p = v
    return r


def ids(a, n):
    r = []
    for i in range(n):
        x = a + i
        y = a + i
        r.append((id(x) == id(y), id(x) == id(x)))
        s = {id(x), id(y)}
        r.append(len(s))
    return r


def rng(n):
    r = []
    for i in range(1000, 1000 + n):
        j = i
        r.append((i is j, i is i, j is i + 0))
    for i in range(250, 250 + n):
        j = i + 1
        k = i + 1
        r.append(j is k)
    return r


def cmp_in(a, n):
    nan = float("nan")
    r = []
    for i in range(n):
        x = nan + a
        y = nan + a
        r.append(
            (
                x in [y],
                x in [x],
                x == x,
                [x] == [x],
                [x] == [y],
                (x,) == (x,),
                (x,) == (y,),
                x in (x,),
                x in {x},
                {x: 1}.get(x),
                {x: 1}.get(y),
            )
        )
    return r


def clos(a, n):
    r = []
    for i in range(n):
        x = a + i

        def f():
            return x

        r.append((f() is x, f() is f()))
    return r


def deflt(a, n):
    def g(x, y):
        return x is y

    def same(x):
        return x

    r = []
    for i in range(n):
        x = a + i
        y = a + i
        r.append((g(x, y), g(x, x), same(x) is x, same(x) is same(y)))
    return r


for a in (5, 3.5, 1 << 40, 1 << 70, 300):
    for b in (7, 1.25, 1 << 35):
        print("f", a, b, f(a, b, 6))
    for fn in (h, h2) if not isinstance(a, float) else ():
        print(fn.__name__, a, fn(a, 6))
    for fn in (attr, lst, carry, tup, ids, clos, deflt, cmp_in):
        print(fn.__name__, a, fn(a, 7))
for a in (2.5, -2.5):
    print("g", g(a, 6))
    print("h3", h3(a, 6))
print(con(6))
print(rng(10))
print(unpk(12, [1.5, 2.5, 1.5]))
print(unpk(12, [1000, 1.5, 1000]))
v = float("1.5")
print(unpk(12, (v, v, 1.5)))
