"""Every way to call a Python function, hot, with the callee changing under the call site."""

# ruff: noqa - odd code on purpose

import functools


def plain(a, b):
    return ("plain", a, b)


def defaults(a, b=2, c=3):
    return ("defaults", a, b, c)


def kwonly(a, *, k=10, req):
    return ("kwonly", a, k, req)


def posonly(a, b=5, /, c=6, *, d=7):
    return ("posonly", a, b, c, d)


def varargs(*args):
    return ("varargs", args)


def kwargs(**kw):
    return ("kwargs", kw)


def everything(a, b=1, /, c=2, *rest, d, e=4, **kw):
    return ("everything", a, b, c, rest, d, e, sorted(kw.items()))


def make_closure(n):
    def inner(x, y=n):
        return ("closure", x, y, n)

    return inner


class Callable:
    def __call__(self, *args, **kw):
        return ("Callable", args, sorted(kw.items()))

    def method(self, a, b=2):
        return ("method", a, b)

    @classmethod
    def cls_method(cls, a, b=2):
        return ("cls_method", cls.__name__, a, b)

    @staticmethod
    def static(a, b=2):
        return ("static", a, b)


class WithInit:
    def __init__(self, a, b=3, *c, d=5, **e):
        self.all = (a, b, c, d, sorted(e.items()))


class WithNew:
    def __new__(cls, *args):
        self = super().__new__(cls)
        self.args = args
        return self

    def __init__(self, *args):
        self.again = args


class NewOther:
    def __new__(cls, x):
        return x * 2

    def __init__(self, x):
        raise AssertionError("never called")


class BadInit:
    def __init__(self):
        return 3


def attempt(label, function):
    try:
        print(label, function())
    except Exception as error:
        print(label, type(error).__name__, error)


c = Callable()
closure = make_closure(99)
for turn in range(60):
    results = [
        plain(1, 2), plain(1, b=2), plain(b=1, a=2), plain(*(1, 2)), plain(**{"a": 1, "b": 2}),
        defaults(1), defaults(1, 5), defaults(1, c=9), defaults(1, 2, 3), defaults(c=1, a=2),
        kwonly(1, req=2), kwonly(1, req=2, k=3), kwonly(*[1], **{"req": 5}),
        posonly(1), posonly(1, 2), posonly(1, 2, 3), posonly(1, c=4, d=5), posonly(1, 2, c=3, d=4),
        varargs(), varargs(1), varargs(1, 2, 3), varargs(*range(5)), varargs(1, *[2, 3], 4, *"ab"),
        kwargs(), kwargs(a=1), kwargs(**{"x": 1}, y=2), kwargs(a=1, **{"z": 3}, **{"w": 4}),
        everything(1, d=2), everything(1, 2, 3, 4, 5, d=6, e=7, f=8), everything(1, d=1, a=5, b=6),
        everything(*range(4), **{"d": 1, "q": 2}),
        closure(1), closure(1, 2), closure(x=4), closure(*[1]),
        c(), c(1, 2), c(a=1), c(*[1], **{"b": 2}),
        c.method(1), c.method(1, 3), c.method(a=1, b=4), Callable.method(c, 7),
        c.cls_method(1), Callable.cls_method(1, 3), c.static(1), Callable.static(1, b=9),
        WithInit(1).all, WithInit(1, 2, 3, 4, d=6, f=7).all, WithInit(*(1,), **{"b": 2}).all,
        WithNew(1, 2).args, WithNew().again, NewOther(21),
        functools.partial(plain, 1)(2), functools.partial(defaults, c=8)(1, b=2),
        (lambda: 5)(), (lambda *a, k=1, **kw: (a, k, kw))(1, 2, k=3, z=4),
        (lambda x, /: x)(3),
    ]
    if turn in (0, 59):
        for result in results:
            print(result)

# The callee changes under one call site.
callees = [plain, defaults, varargs, c, c.method, Callable.static, WithNew, max, divmod, complex,
           functools.partial(defaults, 1), make_closure(5), lambda p, q: ("lambda", p, q)]
log = []
for index in range(400):
    callee = callees[(index // 20) % len(callees)]
    value = callee(3, 4)
    if index % 20 in (0, 19):
        log.append(value.args if isinstance(value, WithNew) else value)
print(log)

# Defaults, keyword defaults, code and names changed while the call site is hot.
log = []
for index in range(200):
    try:
        log.append(defaults(index % 3)[1:])
    except TypeError as error:
        log.append(str(error))
    if index == 60:
        defaults.__defaults__ = (20, 30)
    if index == 100:
        defaults.__defaults__ = ("only c",)
    if index == 101:
        defaults.__defaults__ = (1, 2)
    if index == 120:
        defaults.__code__ = plain.__code__
        defaults.__defaults__ = ("new b",)
    if index == 160:
        defaults.__code__ = (lambda a, b=0, *c: ("replaced", a, b, c)).__code__
print(log)
log = []
for index in range(90):
    log.append(kwonly(1, req=index)[2])
    if index == 30:
        kwonly.__kwdefaults__ = {"k": "changed"}
    if index == 60:
        kwonly.__kwdefaults__["k"] = "again"
print(log)
kwonly.__kwdefaults__ = None
attempt("no kwdefaults", lambda: kwonly(1, req=2))

errors = {
    "missing 1": lambda: plain(1), "missing 2": lambda: plain(), "too many": lambda: plain(1, 2, 3),
    "unexpected": lambda: plain(1, 2, c=3), "twice": lambda: plain(1, 2, a=3),
    "kwonly missing": lambda: (lambda *, a, b: 0)(), "kwonly as pos": lambda: kwonly(1, 2, req=3),
    "posonly as kw": lambda: posonly(a=1), "posonly two as kw": lambda: posonly(1, b=2),
    "posonly in kwargs": lambda: everything(a=1, d=2),
    "star not iterable": lambda: varargs(*5), "kw not mapping": lambda: kwargs(**5),
    "kw not str": lambda: kwargs(**{1: 2}), "dup in **": lambda: kwargs(a=1, **{"a": 2}),
    "dup in two **": lambda: kwargs(**{"a": 1}, **{"a": 2}),
    "not callable": lambda: (5)(), "None callable": lambda: None(1),
    "bad init": lambda: BadInit(), "init args": lambda: WithInit(),
    "object args": lambda: object(1), "class no init": lambda: Callable(1),
    "method too many": lambda: c.method(1, 2, 3), "method none": lambda: Callable.method(),
    "builtin too many": lambda: len(1, 2), "builtin kw": lambda: len(obj=1),
    "defaults too many": lambda: posonly(1, 2, 3, 4), "lambda": lambda: (lambda a, b=1: 0)(),
    "missing 3": lambda: (lambda a, b, c, *, d: 0)(), "kwonly too many": lambda: kwonly(1, 2, 3),
    "close name": lambda: plain(1, bb=2),
}
for _ in range(3):
    for name, function in errors.items():
        attempt(name, function)


class Meta(type):
    def __call__(cls, *args, **kw):
        return ("Meta call", cls.__name__, args, kw)


class ViaMeta(metaclass=Meta):
    def __init__(self):
        raise AssertionError("never")


print([ViaMeta(i, k=i) for i in range(3)])


class Mapping:
    def keys(self):
        return ["m1", "m2"]

    def __getitem__(self, key):
        return key.upper()


print(kwargs(**Mapping()), kwargs(z=1, **Mapping()))


class BadKeys:
    def keys(self):
        raise ValueError("no keys")

    def __getitem__(self, key):
        return 1


class BadItem(Mapping):
    def __getitem__(self, key):
        raise KeyError("odd")


attempt("bad keys", lambda: kwargs(**BadKeys()))
attempt("bad item", lambda: kwargs(**BadItem()))


def many(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, *c, **d):
    return locals()


print(many(*range(25), k=1))
print(many(*range(15), **{f"b{i}": i for i in range(5, 10)}))


def order(tag):
    print("eval", tag, end=" ")
    return tag


print(everything(order("a"), *[order("b"), order("c")], d=order("d"), **{"z": order("z")}))
