"""Loops in loops, loops with several ways, values that are unboxed over their links."""
import sys


def nested(n):
    total = 0
    s = 0.0
    for i in range(n):
        for j in range(i):
            total += i * j
            if j % 3 == 0:
                s += 0.5
            for k in range(j % 4):
                total -= k
        s = s * 1.5 if i % 2 else s - total
    return total, s


print(nested(25))


def ways(n):
    a, b, c = 0, 0.0, "x"
    i = 0
    while i < n:
        i += 1
        if i % 2 == 0:
            a += 1
            continue
        if i % 3 == 0:
            b += a
        elif i % 5 == 0:
            a, b = b, a
        elif i % 7 == 0:
            c += "y"
            a = int(a)
        else:
            b = b - 1
            if b < -50:
                break
    return a, b, c, i


print(ways(400))


def types_flip(n):
    x = 0
    out = []
    for i in range(n):
        if i % 10 == 9:
            x = [0, 0.5, "s", None, 2**64][i // 10 % 5]
        elif isinstance(x, str):
            x = x + "t"
        elif x is not None:
            x = x + 1
        out.append(x)
    return out


print(types_flip(120)[::7])


def primes(n):
    found = []
    for i in range(2, n):
        for p in found:
            if p * p > i:
                found.append(i)
                break
            if i % p == 0:
                break
        else:
            found.append(i)
    return found


print(primes(200))


def collatz(limit):
    best = 0, 0
    for start in range(1, limit):
        n, steps = start, 0
        while n != 1:
            n = n // 2 if n % 2 == 0 else 3 * n + 1
            steps += 1
        best = max(best, (steps, start))
    return best


print(collatz(300))


def mandel(w):
    rows = []
    for y in range(w):
        row = ""
        for x in range(w):
            cr, ci = 3.0 * x / w - 2.0, 2.0 * y / w - 1.0
            zr = zi = 0.0
            for i in range(30):
                zr, zi = zr * zr - zi * zi + cr, 2.0 * zr * zi + ci
                if zr * zr + zi * zi > 4.0:
                    break
            row += chr(48 + i)
        rows.append(row)
    return rows


print("\n".join(mandel(24)))


def sieve(n):
    flags = [True] * n
    for i in range(2, n):
        if flags[i]:
            for j in range(i * i, n, i):
                flags[j] = False
    return sum(flags)


print(sieve(500))


def sort(items):
    items = list(items)
    for i in range(1, len(items)):
        x = items[i]
        j = i - 1
        while j >= 0 and items[j] > x:
            items[j + 1] = items[j]
            j -= 1
        items[j + 1] = x
    return items


print(sort([5, 2.5, 9, -1, 7] * 8), sort("the quick brown fox jumps"))


def overflow():
    x, y, out = 1, -1, []
    for i in range(80):
        x *= 3
        y = y * 2 - 1
        if i % 10 == 0:
            out.append((x, y, x + y, x - y))
    return out


print(overflow())


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


print([fib(i) for i in range(15)])


def queens(n):
    def place(row, cols, d1, d2):
        if row == n:
            return 1
        count = 0
        for c in range(n):
            if c not in cols and row + c not in d1 and row - c not in d2:
                count += place(row + 1, cols | {c}, d1 | {row + c}, d2 | {row - c})
        return count

    return place(0, frozenset(), frozenset(), frozenset())


print(queens(5))


class Vec:
    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x = x
        self.y = y

    def __add__(self, other):
        return Vec(self.x + other.x, self.y + other.y)

    def dot(self, other):
        return self.x * other.x + self.y * other.y


def vectors():
    a, s = Vec(0, 0.5), 0
    for i in range(60):
        a = a + Vec(i, i * 0.25)
        s += a.dot(Vec(1, i % 3))
        if i == 40:
            a.x = 2**62
    return a.x, a.y, s


print(vectors())


class Node:
    def __init__(self, value, next=None):
        self.value = value
        self.next = next


def linked(n):
    head = None
    for i in range(n):
        head = Node(i if i % 7 else float(i), head)
    total, node = 0, head
    while node is not None:
        total += node.value
        node = node.next
    back = None
    while head:
        head.next, back, head = back, head, head.next
    out = []
    while back:
        out.append(back.value)
        back = back.next
    return total, out


print(linked(50))


def words():
    counts = {}
    for word in ("the cat and the dog and the " * 5).split():
        counts[word] = counts.get(word, 0) + 1
        if word in counts and len(word) > 2:
            counts[word.upper()] = word
    return counts


print(words())


def unpacked(n):
    out = []
    for i, (a, b) in enumerate(zip(range(n), "abcdefghij" * 5)):
        x, *y = b, i, a
        (p, q), r = (a, b), i
        out.append((x, y, p is a, q, r))
    for k, v in {1: 2, "a": "b"}.items():
        out.append((k, v))
    return out[-4:]


print(unpacked(40))


def same_list():
    l = list(range(10))
    out = []
    for x in l:
        if x < 30:
            l.append(x + 7)
        if x == 20:
            l.pop()
        out.append(x)
    return out, l


print(same_list())


def shrink():
    d = {i: i for i in range(50)}
    try:
        for k in d:
            if k == 30:
                del d[3]
    except RuntimeError as error:
        return str(error), len(d)


print(shrink())


def slices():
    l, out = list(range(20)), []
    for i in range(30):
        l[i % 5 : i % 7] = [i] * (i % 3)
        out.append(l[-i:i])
        out.append(len(l[::2]))
    return l, out[-4:]


print(slices())


def inplace():
    a, b, c = [], "", (1,)
    for i in range(30):
        a += [i]
        b += str(i)
        c += (i,)
        alias = a
        alias *= 1 if i != 5 else 2
    return len(a), b, len(c), a is alias


print(inplace())


def chained(n):
    return [0 < x < 10 != x for x in range(-2, n)], [x in (1, 2.0, "a") for x in range(n)]


print(chained(14))


def big_loop_var():
    total = 0
    for i in range(2**62 - 5, 2**62 + 5):
        total += i
    for i in range(2**70, 2**70 + 20):
        total -= i
    for i in range(30, -30, -7):
        total += i
    return total


print(big_loop_var())


def lookups():
    out = []
    for i in range(40):
        out.append(sys.maxsize > i and sys.version_info[0])
        out.append("abc"[i % 3] + "x\u1234"[i % 2])
        out.append((i, i + 1)[i & 1])
    return out[-3:]


print(lookups())
