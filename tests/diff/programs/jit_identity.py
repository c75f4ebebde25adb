"""Which numbers are one object, and which are equal only, in and behind hot loops."""


def same_after_exit():
    out = []
    for i in range(1000, 1060):
        x = i * 3
        y = x
        f = x * 0.5
        g = f
        t = (x, f)
        if i % 5 == 0:
            out.append((x is y, f is g, t[0] is x, t[1] is g))
        if i % 7 == 3:
            z = [x, y, t]
            out.append((z[0] is z[1], z[2][0] is x))
    return out, x is y, f is g, t[0] is y


print(same_after_exit())


def loop_var():
    kept = []
    for i in range(1000, 1030):
        j = i
        kept.append(i)
        if i % 4 == 0:
            kept.append(j)
    return kept[0] is kept[1], sum(a is b for a, b in zip(kept, kept[1:])), i is j


print(loop_var())


def through_calls():
    def ident(v):
        return v

    out = []
    for i in range(2000, 2040):
        k = i + 1
        out.append(ident(k) is k)
        m = max(k, 5)
        out.append(m is k)
        if i % 3 == 0:
            out.append((ident(k) is k, int(k) is k, m is k))
    return set(out)


print(through_calls())


class C:
    pass


def through_attributes():
    c, out = C(), []
    for i in range(3000, 3040):
        k = i * 2
        c.v = k
        l = [k]
        d = {"k": k}
        if i % 3 == 0:
            out.append((c.v is k, l[0] is k, d["k"] is k, c.v is l[0]))
    return set(out), c.v is d["k"]


print(through_attributes())


def not_a_number(inf):
    out = []
    for i in range(30):
        n = inf - inf
        m = n
        if i % 4 == 0:
            out.append((n == m, n is m, n in [m], [n] == [m], (n, m).count(n)))
    return set(out)


print(not_a_number(float("inf")))
