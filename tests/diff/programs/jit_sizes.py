"""Truth and length of deques, sets and bytearrays, which grow and shrink in the trace."""

from collections import deque


def deques(n):
    d = deque()
    counts = [0] * 4
    for i in range(n):
        if i % 3:
            d.append(i)
        elif d:
            d.popleft()
        counts[0] += 1 if d else 0
        counts[1] += len(d)
        while len(d) > 10:
            d.pop()
        x = d or None
        counts[2] += x is d
        if i % 50 == 49:
            d.clear()
        if not d:
            counts[3] += 1
            d.extend("abc")
    return counts


def queue(n):
    d = deque()
    out = []
    for i in range(n):
        d.append(i)
        if i % 4 == 3:
            while d:
                out.append(d.popleft())
    return len(out), out[:9], len(d)


def bounded(n):
    d = deque(maxlen=3)
    total = 0
    for i in range(n):
        d.append(i)
        total += len(d) if d else 100
    return total


def others(n):
    s = set()
    frozen = (frozenset(), frozenset([1]))
    b = bytearray()
    counts = [0] * 5
    for i in range(n):
        if i % 5 == 0:
            s.add(i % 11)
        elif i % 7 == 0 and s:
            s.pop()
        if not s:
            counts[0] += 1
        if frozen[i & 1]:
            counts[1] += 1
        counts[2] += 1 if (s and b) else 2
        if b:
            counts[3] += len(b)
            b.clear()
        else:
            b.append(i & 255)
        counts[4] += len(s)
    return counts


class Sub(deque):
    def __len__(self):
        return 3 if deque.__len__(self) else 0


def classes(n):
    values = [deque(), Sub(), deque([1]), Sub([1]), set(), {1}, bytearray(b"x"), bytearray()]
    total = 0
    for i in range(n):
        v = values[i & 7]
        total += 1 if v else 0
        total += len(v) * 10
    return total


def main():
    for f in (deques, queue, bounded, others, classes):
        print(f.__name__, f(5), f(700))


if __name__ == "__main__":
    main()
