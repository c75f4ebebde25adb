"""Loops over range() within hot code: short ones, nested ones."""


def short(n):
    s = 0
    for i in range(n):
        for j in range(3):
            s += i * 10 + j
    return s


def long(n):
    s = 0
    for i in range(n):
        for j in range(i):
            s += i * 10 + j
    return s


def steps(n):
    s = 0
    for i in range(n):
        for j in range(2, i):
            s += i * 10 + j
        for j in range(i, 0, -2):
            s += i * 100 + j
        for j in range(1, 20, 3):
            s += i * 1000 + j
    return s


def listcomps(n):
    s = 0
    for i in range(n):
        s += sum([x * i for x in range(3)])
        s += sum([x * i for x in range(i)])
    return s


def nested(n):
    s = 0
    for i in range(n):
        for j in range(3):
            for k in range(2):
                s += i * 10 + j * k
        if i == 40:
            s += 1
    return s


def inner(i):
    s = 0
    for j in range(i):
        s += j
    return s


def calls(n):
    s = 0
    for i in range(n):
        s += inner(i) + inner(3)
    return s


def leaves(n):
    out = []
    for i in range(n):
        for j in range(i % 5):
            if j * i == 12:
                out.append((i, j))
                break
        else:
            continue
        for k in range(4):
            if k == 2:
                continue
            out.append(k)
    return out


def raises(n):
    out = []
    for i in range(n):
        try:
            for j in range(i - 3, i):
                out.append(10 // (j - 7))
        except ZeroDivisionError as e:
            out.append((i, j, str(e)))
    return out


def locals_seen(n):
    import sys

    out = []
    for i in range(n):
        for j in range(3):
            for k in range(j, 3 * j, 2):
                if i % 9 == 8:
                    out.append(sorted(sys._getframe().f_locals.items(), key=lambda p: p[0])[:2])
                    out.append((i, j, k))
    return len(out), out[-1:]


def steps_that_change(n):
    s = 0
    for i in range(n):
        for step in (1, 3, -2, i + 1, -i - 1, 1 << 29):
            for j in range(i, 40, step):
                s += i * 10 + j
            for j in range(40, i, step):
                s -= i + j * 3
            for j in reversed(range(5, i + 5, step)):
                s = s * 3 % 1000003 + j
    return s


def no_step(n):
    out = []
    for i in range(n):
        try:
            for j in range(0, 9, 20 - i):
                out.append(j)
                if j == 6 and i % 11 == 3:
                    out.append(range(i, j, 20 - i))
        except ValueError as e:
            out.append((i, str(e)))
    return len(out), out[-30:]


def wide_steps(n):
    out = []
    for i in range(n):
        step = 1 << i % 70
        for j in range(-(1 << 40), 1 << 40, max(step, 1 << 33)):
            out.append(j % 97)
        for j in range(i, i + 3 * (1 << 29), min(step, 1 << 30) | 1 << 28):
            out.append(j % 97)
        for j in range(i, -i - 3 * (1 << 29), -(min(step, 1 << 31) | 1 << 28)):
            out.append(j % 97)
    return len(out), sum(out), out[-5:]


def float_step(n):
    out = []
    for i in range(n):
        step = 1.0 if i % 20 == 19 else True if i % 7 == 3 else 2
        try:
            for j in range(0, 4, step):
                out.append(j)
        except TypeError as e:
            out.append(str(e))
    return len(out), out[-9:]


def steps_seen(n):
    import sys

    out = []
    for i in range(n):
        step = i % 5 - 7
        for j in range(10, -10, step):
            if i % 9 == 8:
                out.append(sorted(sys._getframe().f_locals.items(), key=lambda p: p[0])[:2])
            for k in range(j, 3 * j, -step):
                if (i + k) % 17 == 3:
                    out.append((i, j, k))
    return len(out), out[-1:]


for g in (short, long, steps, listcomps, nested, calls, leaves, raises, locals_seen):
    for n in (3, 10, 60):
        print(g.__name__, n, g(n))


def complexes(n):
    out = []
    s = 0.0
    for i in range(n):
        x = i * 1.5
        z = complex(x, x)
        if i % 7 == 3:
            out.append(x)
        s += abs(z * z) + x
        if i % 11 == 5:
            out.append(z)
    return s, out


print(complexes(40), complexes(400)[0])

for g in (steps_that_change, no_step, wide_steps, float_step, steps_seen):
    for n in (3, 10, 75):
        print(g.__name__, n, g(n))
