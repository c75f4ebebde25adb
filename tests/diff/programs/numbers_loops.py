"""Numbers that are computed twice are two objects, whatever the trace has in registers: from turn to turn, and after the loop."""


def hoist(a, b, n):
    p = q = x = None
    r = []
    for i in range(n):
        q = p
        p = x
        x = a + b
        if i % 5 == 4:
            r.append((p is x, q is p, q is x))
    return r, p is x, q is p, p is q


def hoist2(a, b, n):
    p = x = 0.5
    s = 0.0
    for i in range(n):
        p = x
        x = a * b
        s += p + x
    return s, p is x


def two(n):
    x = y = 1.5
    s = 0
    for i in range(n):
        x = x + 1.0
        y = x
        s += i
    return x is y, s


def two_t(n):
    x = 1.5
    t = (x, x)
    for i in range(n):
        x = x + 1.0
        t = (x, x)
        u = t
    return t[0] is t[1], t is u, t[0] is x


def best(data):
    b = 0.0
    last = 0.0
    c = 0
    for d in data:
        e = d * 1.5
        if e > b:
            b = e
            c += 1
        last = e
    return b is last, c, b, last


def best2(data):
    b = 0.0
    e = 0.0
    c = 0
    same = 0
    for d in data:
        if e is b:
            same += 1
        e = d * 1.5
        if e > b:
            b = e
            c += 1
    return b is e, c, b, e, same


def swaps(n):
    a, b = 1000.5, 2000.5
    c = a
    for i in range(n):
        a, b = b, a
        if i % 3 == 0:
            c = a
    return a is c, b is c, a is b


def mm(n):
    r = []
    m = 1000
    k = 0
    for i in range(n):
        k = 1000 + i % 7
        m = max(m, k)
        w = min(k, 5000)
        v = abs(k)
        z = abs(-k)
        if i % 4 == 3:
            r.append((m is k, w is k, v is k, z is k))
    return r, m is k, w is k, v is k, z is k, v is w


def mod(n):
    r = []
    big = 1 << 45
    for i in range(n):
        x = (1 << 40) + i
        y = x % big
        z = x % 97
        w = (x + 1) % big
        if i % 4 == 3:
            r.append((y is x, z is x, w is x))
    return r, y is x, w is x


def loadmod(a, m, n):
    for i in range(n):
        x = a + i
        y = x % m
    return y is x


import array


def arr(n):
    A = array.array("d", [1.5, 2.5])
    r = []
    x = y = 0
    for i in range(n):
        x = A[0]
        y = A[0]
        if i % 4 == 3:
            r.append(x is y)
    return r, x is y


def lens(n):
    L = [0] * 1000
    r = []
    for i in range(n):
        x = len(L)
        y = len(L)
        if i % 4 == 3:
            r.append(x is y)
    return r, x is y


def cplx(n):
    z = 1.5 + 2.5j
    r = []
    for i in range(n):
        z = z * 1.0
        w = z
        v = z * 1.0
        a = z.real
        b = z.real
        if i % 4 == 3:
            r.append((w is z, v is z, a is b))
    return r, w is z, v is z, a is b, v is w


def outer(n):
    s = 0
    p = None
    for i in range(n):
        k = 1000 + i
        j = 0
        while j < 4:
            q = k
            m = k + 0
            j += 1
        if q is k:
            s += 1
        if m is k:
            s += 100
        if p is q:
            s += 10000
        p = q
    return s


class O:
    pass


def attrs(n):
    o = O()
    o.a = 1.5
    o.b = 2.5
    for i in range(n):
        o.a = o.a + 1.0
        o.b = o.a
        x = o.a
        y = o.b
    return o.a is o.b, x is y, x is o.a


def enum(n):
    r = []
    for i, j in enumerate(range(1000, 1000 + n), 1000):
        k = i
        if i % 4 == 3:
            r.append((i is j, k is i))
    return r, i is j, k is i


def g(n):
    for i in range(n):
        x = i + 1000
        yield x
        yield x


def gen(n):
    r = []
    p = None
    same = 0
    for v in g(n):
        if v is p:
            same += 1
        p = v
    return same


for n in (3, 7, 20, 300, 3000):
    print(n, hoist(1000, 7, n), hoist(1.5, 2.0, n), hoist2(1.5, 2.5, n), two(n), two_t(n))
    print(
        best([float(i * 37 % 101) for i in range(n)]),
        best2([float(i * 37 % 101) for i in range(n)]),
        best([float(i) for i in range(n)]),
        best2([float(i) for i in range(n)]),
    )
    print(
        swaps(n),
        mm(n),
        mod(n),
        loadmod(1 << 40, 1 << 50, n),
        loadmod(1000, 97, n),
        loadmod(5, 1 << 50, n),
        loadmod(1 << 40, 1 << 30, n),
        loadmod(1 << 40, 1 << 41, n),
    )
    print(arr(n), lens(n), cplx(n), outer(n), attrs(n), enum(n), gen(n))
