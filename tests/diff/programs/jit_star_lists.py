"""func(*list, **kwargs) in hot loops: lists that change, functions that change, what they raise."""

import functools
import sys
import traceback


def plain(a, b=2, *rest, c=3, **more):
    return a, b, rest, c, more


def decorated(func):
    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        args = list(args)
        args[0] = str(args[0])
        return func(*args, **kwargs)

    return wrapper


@decorated
def shown(text):
    return text + "!"


@decorated
def counted(text, n=1):
    if n > 3:
        raise ValueError(text)
    return len(text) + n


held = []


def changes(a, b):
    held[0] = None
    held.append(b)
    return a, b


class Loud:
    def __init__(self, n):
        self.n = n

    def __del__(self):
        dead.append(self.n)


dead = []


def takes(one, two):
    held.clear()
    return one.n + two.n + len(dead)


def generated(a, b):
    yield a
    yield b


def where(*args):
    return sys._getframe(1).f_lineno, len(args)


def sizes():
    out = []
    for k in range(60):
        args = [k] * (1 + k % 3 if k > 30 else 2)
        out.append(plain(*args))
        out.append(plain(*args, **{}))
        out.append(plain(*args, **({"c": 4} if k % 10 == 9 else {})))
        out.append(where(*args))
    print(out[-8:], len(out))


def wrappers():
    total = 0
    for k in range(80):
        total += len(shown(k))
        try:
            total += counted(k, k % 5)
        except ValueError as error:
            total += len(str(error)) + len(traceback.extract_tb(error.__traceback__))
        try:
            total += counted(k, n=k % 2)
            counted()
        except IndexError:
            total += 1
    print(total)


def mutations():
    global held
    out = []
    for k in range(50):
        held = [object if k % 7 else k, k]
        out.append(changes(*held)[1])
        out.append(len(held))
    print(out[-6:])
    for k in range(50):
        held = [Loud(k), Loud(-k)]
        out.append(takes(*held))
        out.append(len(dead))
    print(out[-6:], dead[:6])


def others():
    out = []
    functions = [plain, generated, max, Loud, lambda *a: a[::-1]]
    for k in range(60):
        args = [k, k + 1]
        f = functions[k // 12]
        try:
            r = f(*args)
        except TypeError as error:
            r = str(error)
        out.append(sum(r) if f is generated else r)
    print(out[::7])
    for k in range(40):
        try:
            plain(*[] if k % 8 == 7 else [k])
        except TypeError as error:
            out.append(str(error))
    print(out[-1], len(out))


for test in (sizes, wrappers, mutations, others):
    test()
