"""Calls at every depth, so that frames of compiled functions, which compiled code calls, are the
first of a new chunk of the data stack; and then frames of others fill the old one to its end.
"""


def tree(depth, leaf):
    for i in range(depth):
        leaf = [i, leaf] if i % 3 else (leaf, i, i)
    return leaf


def make_compare():
    def compare(a, b, missing=object()):
        if type(a) is not type(b):
            return False
        if isinstance(a, (list, tuple)):
            for one, other in zip(a, b, strict=True):
                if not compare(one, other):
                    return False
            return True
        return a == b

    return compare


def many_locals(n, a=1, b=2, c=3, d=4, e=5, f=6, g=7, h=8):
    i = j = k = m = o = p = q = r = n
    if n:
        return many_locals(n - 1, b, c, d, e, f, g, h, a) + i + j + k + m + o + p + q + r
    return a + b + c + d + e + f + g + h


def few(n, then):
    return then(n) if n == 0 else few(n - 1, then) + 1


def either(n):
    return many_locals(n) if n % 2 else few(n, lambda k: many_locals(k + 3))


def pick(functions, n):
    total = 0
    for function in functions:
        total += function(n)
    return total


for turn in range(3):
    compare = make_compare()
    print([compare(tree(depth, 1), tree(depth, 1 + (depth % 17 == 0))) for depth in range(0, 300, 7)])
    print([many_locals(n) for n in range(0, 160, 3)])
    print([few(n, many_locals) + either(n) for n in range(0, 160, 3)])
    print([pick([many_locals, either, lambda k: few(k, either)], n) for n in range(0, 200, 5)])
