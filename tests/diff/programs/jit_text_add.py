"""str + str and bytes + bytes in hot loops: chains, whose first sum may grow in place, and who else has it."""

import sys

WORDS = [
    "",
    "a",
    "bc",
    "def",
    "0123456",
    "x" * 14,
    "y" * 15,
    "z" * 16,
    "w" * 17,
    "v" * 300,
    "é",
    "漢字",
    "😀b",
]
PARTS = [word.encode() for word in WORDS]


def chains(words):
    out = []
    for i in range(len(words)):
        for j in range(len(words)):
            a, b, c = words[i], words[j], words[(i * 7 + j * 3) % len(words)]
            out.append(a + b + c)
            out.append(a + (b + c))
            out.append(a + b + c + a + b)
    return out


def kept(words):
    """The first sum is seen by others: it must stay as it is."""
    out = []
    for a in words:
        for b in words:
            first = a + b
            second = first + b
            third = (first + a) + first
            pair = (a + b, a + b + a)
            out.append((first, second, third, pair, [a + b][0] + a))
            x = y = a + b
            x = x + a
            out.append((x, y, x is y))
    return out


def hashed(words):
    """A hash that was asked for before and after."""
    out = {}
    for a in words:
        for b in words:
            out[a + b] = 1
            key = a + b + a
            out[key] = out.get(key, 0) + 1
            out.get((a + b) + b)
            seen = {a + b}
            out[(a + b + b) in seen] = hash(a + b + b) == hash(a + (b + b))
    return out


def interned(words):
    out = []
    for a in words:
        for b in words:
            name = sys.intern(a + b)
            out.append((name + b, name, sys.intern(a + b) + a))
    return out


def same(words):
    """Empty operands: which object it is."""
    out = []
    empty = words[0]
    for a in words:
        long = a + a + a
        out.append((empty + long is long, long + empty is long, empty + empty is empty))
        out.append(long + long)
        t = a + a
        t += t
        t += a + t
        out.append(t)
    return out


def mixed(values):
    out = []
    for a in values:
        for b in values:
            try:
                out.append(a + a[:1] + b)
            except TypeError as error:
                out.append(str(error))
    return out


def finally_raises(words):
    out = []
    for n in range(120):
        try:
            a = words[n % 8]
            out.append(a + words[n % 5] + (words[3] if n % 17 else None))
        except TypeError as error:
            out.append(str(error))
    return out


for _ in range(6):
    for kind in (WORDS, PARTS):
        results = [chains(kind), kept(kind), hashed(kind), same(kind), finally_raises(kind)]
    interned(WORDS)
print(chains(WORDS)[:300], kept(PARTS)[-5:])
print(*[f(k) == f(k) for f in (chains, kept, hashed, same, finally_raises) for k in (WORDS, PARTS)])
for f in (chains, kept, same, finally_raises):
    print([repr(item) for item in f(WORDS)][::7])
    print([repr(item) for item in f(PARTS)][::5])
print(hashed(WORDS), hashed(PARTS))
print(interned(WORDS)[::3])
for _ in range(9):
    result = mixed(["ab", b"cd", "e", b"f", [1], ["x"], "é"])
print(result)
