"""Calls of bound methods of ever other functions: state machines, callbacks, errors in them."""

from collections import deque


class Machine:
    def __init__(self):
        self.state = self.one
        self.counts = [0] * 9

    def one(self):
        self.counts[1] += 1
        self.state = self.two
        return True

    def two(self):
        self.counts[2] += 1
        self.state = self.three
        return True

    def three(self, x=1):
        self.counts[3] += x
        self.state = self.four
        return True

    def four(self, *args):
        self.counts[4] += 1 + len(args)
        self.state = self.five
        return True

    def five(self, **kwargs):
        self.counts[5] += 1 + len(kwargs)
        self.state = self.six
        return True

    def six(self):
        self.counts[6] += 1
        self.state = self.seven
        return True

    def seven(self):
        self.counts[7] += 1
        self.state = lambda: self.eight()
        return True

    def eight(self):
        self.counts[8] += 1
        self.state = self.one
        if self.counts[8] % 40 == 0:
            raise KeyError(self.counts[8])
        return self.counts[8] < 200


def machine(n):
    m = Machine()
    turns = caught = 0
    while m.counts[8] < n:
        try:
            while m.state():
                turns += 1
            break
        except KeyError as e:
            caught += e.args[0]
            frame = e.__traceback__.tb_next.tb_frame
            caught += frame.f_lineno - frame.f_code.co_firstlineno
    return turns, caught, m.counts


def callbacks(n):
    m = Machine()
    calls = [m.two, len, str.upper, m.four, Machine.three, int, [].append, m.six]
    calls += [lambda x=3: x, deque().append, Machine().one, Machine.__repr__, m.three]
    out = set()
    total = 0
    for i in range(n):
        call = calls[i % len(calls)]
        try:
            v = call()
        except TypeError as e:
            out.add(str(e))
            continue
        total += v if isinstance(v, int) else len(v)
    return total, sorted(out), m.counts


class Owner:
    def __init__(self, log, k):
        self.log = log
        self.k = k

    def __del__(self):
        self.log.append(self.k)

    def a(self, x):
        return x + self.k

    def b(self, x):
        return x - self.k

    def c(self, x):
        return x * self.k

    def d(self, x, y=2):
        return x * y

    def e(self, x):
        return [x][self.k % 5]


def last_references(n):
    """The bound method is all that keeps its object."""
    log = []
    names = "abcde"
    total = 0
    for i in range(n):
        bound = [getattr(Owner(log, i), names[i % 5])]
        try:
            total += bound.pop()(i)
        except IndexError:
            total += 7
        log.append(total % 10)
    return total, len(log), log[:40], log[-10:]


def keywords(n):
    m = Machine()
    calls = [m.three, m.five, Owner([], 3).d, m.four]
    named = ["x", "k", "y", "z"]
    total = 0
    for i in range(n):
        k = i & 3
        call, name = calls[k], named[k]
        try:
            if k == 0:
                total += call(x=i)
            elif k == 1:
                total += call(k=i, j=2)
            elif k == 2:
                total += call(i, y=3)
            else:
                total += call(1, 2, 3)
            total += call(5)
        except TypeError as e:
            total += len(str(e)) + len(name)
    return total, m.counts


def main():
    print(machine(20), machine(190))
    for f in (callbacks, last_references, keywords):
        print(f.__name__, f(6), f(600))


if __name__ == "__main__":
    main()
