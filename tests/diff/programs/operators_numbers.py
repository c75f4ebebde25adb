"""Arithmetic over all built-in number kinds at their limits, with types changing mid-loop."""

# ruff: noqa - odd code on purpose

import fractions
import operator
import sys

ops = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
    "/": lambda a, b: a / b, "//": lambda a, b: a // b, "%": lambda a, b: a % b,
    "**": lambda a, b: a ** b, "<<": lambda a, b: a << b, ">>": lambda a, b: a >> b,
    "&": lambda a, b: a & b, "|": lambda a, b: a | b, "^": lambda a, b: a ^ b,
    "@": lambda a, b: a @ b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b, ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b, "is": lambda a, b: a is b, "in": lambda a, b: a in b,
    "not in": lambda a, b: a not in b, "and": lambda a, b: a and b, "or": lambda a, b: a or b,
}
inplace = {
    "+=": lambda a, b: operator.iadd(a, b), "-=": lambda a, b: operator.isub(a, b),
}


def attempt(function, *args):
    try:
        return repr(function(*args))[:80]
    except Exception as error:
        return f"{type(error).__name__}: {error}"


inf, nan = float("inf"), float("nan")
D = 1 << 30
ints = [0, 1, -1, 2, -2, 5, 256, 257, -5, -6, D - 1, D, D + 1, -D, -D + 1, D * D - 1, D * D,
        2**31 - 1, 2**31, 2**32, 2**62, 2**63 - 1, 2**63, -2**63, -2**63 - 1, 2**64 - 1, 2**64,
        10**40, -10**40]
floats = [0.0, -0.0, 1.0, -1.5, 0.1, 1e308, -1e308, 5e-324, inf, -inf, nan, 2.0**53, 1e16]
others = [True, False, 1j, 2 + 3j, fractions.Fraction(1, 3), "s", "", b"b", [1], (1,), None, {1: 2},
          {1}]
for name, op in ops.items():
    for a in ints:
        row = []
        for b in ints:
            if name in ("**", "<<", ">>") and (abs(b) > 200 or name == "**" and b < 0 and a == 0):
                continue
            row.append(attempt(op, a, b))
        print(name, a, hash(tuple(row)), row[:9])
for name, op in ops.items():
    row = [attempt(op, a, b) for a in floats for b in floats]
    print(name, hash(tuple(row)), row[::9])
    row = [attempt(op, a, b) for a in floats[:6] for b in ints[:12]]
    row += [attempt(op, b, a) for a in floats[:6] for b in ints[:12]]
    print(name, hash(tuple(row)), row[::11])
    mixed = others + [3, 2.5]
    for a in mixed:
        print(name, [attempt(op, a, b) for b in mixed])
for value in ints + floats + others:
    print([attempt(f, value) for f in (operator.neg, operator.pos, operator.invert,
                                       operator.not_, abs, bool, int, float)],
          hash(value) if value == value and not isinstance(value, (list, dict, set)) else "")


def mixed_loop(values):
    total = 0
    for v in values:
        total = total + v
        total = total * 2 - v
        if total > 10**6:
            total = total % 1000
    return total


for values in ([1] * 50, [1.5] * 50, [1, 2.5] * 30, [True, 1, 1.0] * 20, [D] * 40, [2**70] * 20,
               [1] * 40 + [2**64] * 3 + [0.5] * 30, [-1, 1j][:1] * 30):
    print(mixed_loop(values))


def power_tower():
    x = 1
    out = []
    for i in range(200):
        x = x * 3
        if i % 20 == 0:
            out.append(x)
    for i in range(200):
        x //= 3
    return out, x


print(power_tower())


def accumulate(n, step):
    total = 0
    for _ in range(n):
        total += step
    return total


print([accumulate(100, s) for s in (1, D // 10, D - 1, 2**61, 2**62, -2**62, 0.1, -0.0, 1j, True)])
print([accumulate(200, s) for s in (2**56, 2**57, -2**57)])


def shrink(start):
    out = []
    x = start
    while x:
        x >>= 7
        out.append(x)
    return out[-8:]


print(shrink(10**50))
x = 5
x += 1; x -= 2; x *= 7; x //= 3; x **= 3; x %= 100; x <<= 3; x >>= 1; x &= 0xFF; x |= 1; x ^= 3  # noqa
print(x)
y = 7
y /= 2
print(y, -y, +y, not y, 7 // -2, -7 // 2, 7 % -3, -7 % 3, -7.5 // 2, 7.5 % -2, -0.0 + 0, 0.0 * -1)


def compare_chain(a, b, c):
    return a < b <= c, a == b == c, a is b is not c, a < b > c != a


print([compare_chain(*t) for t in ((1, 2, 3), (1, 1, 1), (2.0, 2, 5), (nan, nan, nan), ("a", "b", "c"))
       for _ in range(20)][::20])
small = [(i, i is int(str(i))) for i in range(-10, 261, 15)]
print(small)
same = []
for i in range(300):
    a = i - 10
    b = a + 1000
    same.append((b - 1000) is a)
print(same.index(False), sum(same))
print(sys.int_info.bits_per_digit, (2**30).__sizeof__(), (2**30 - 1).__sizeof__())
print(attempt(lambda: 10**5000 and str(10**5000)), attempt(lambda: int("9" * 4301)))
print(attempt(lambda: 1 << 10**20), attempt(lambda: 2.0 ** 5000), attempt(lambda: (-8) ** (1 / 3)))
print(attempt(lambda: 0 ** -1), attempt(lambda: 0.0 ** -1), attempt(lambda: 1 % 0),
      attempt(lambda: 1.0 % 0), attempt(lambda: 1 // 0), attempt(lambda: 1.0 // 0.0),
      attempt(lambda: 1 / 0), attempt(lambda: 1j / 0), attempt(lambda: 1 << -1),
      attempt(lambda: divmod(1, 0)), attempt(lambda: 5 @ 5))
