"""What a call costs, in all the shapes that calls have."""

from __future__ import annotations

from micro import micro


def _empty():
    pass


def _one(a):
    return a


def _defaults(a, b=1, c=2):
    return a


def _keyword_only(*, a, b):
    return a


def _star(*args, **kwargs):
    return args


class _Thing:
    def __init__(self, value):
        self.value = value

    def method(self):
        return self

    @classmethod
    def class_method(cls):
        return cls

    @staticmethod
    def static_method():
        return None

    @property
    def prop(self):
        return 1

    def __call__(self):
        return self

    def __getitem__(self, key):
        return key

    def __eq__(self, other):
        return True

    def __len__(self):
        return 1


class _Derived(_Thing):
    def method(self):
        return super().method()


@micro(inner=10)
def call_empty(loops):
    f = _empty
    for _ in range(loops):
        f()
        f()
        f()
        f()
        f()
        f()
        f()
        f()
        f()
        f()


@micro(inner=10)
def call_one_argument(loops):
    f, x = _one, 1
    for _ in range(loops):
        f(x)
        f(x)
        f(x)
        f(x)
        f(x)
        f(x)
        f(x)
        f(x)
        f(x)
        f(x)


@micro(inner=10)
def call_defaults(loops):
    f, x = _defaults, 1
    for _ in range(loops):
        f(x)
        f(x)
        f(x)
        f(x)
        f(x)
        f(x)
        f(x)
        f(x)
        f(x)
        f(x)


@micro(inner=5)
def call_keyword(loops):
    f, x = _defaults, 1
    for _ in range(loops):
        f(x, c=x)
        f(x, c=x)
        f(x, c=x)
        f(x, c=x)
        f(x, c=x)


@micro(inner=5)
def call_keyword_only(loops):
    f, x = _keyword_only, 1
    for _ in range(loops):
        f(a=x, b=x)
        f(a=x, b=x)
        f(a=x, b=x)
        f(a=x, b=x)
        f(a=x, b=x)


@micro(inner=5)
def call_star(loops):
    f, x = _star, 1
    for _ in range(loops):
        f(x, x)
        f(x, x)
        f(x, x)
        f(x, x)
        f(x, x)


@micro(inner=5)
def call_spread(loops):
    f, args = _one, (1,)
    for _ in range(loops):
        f(*args)
        f(*args)
        f(*args)
        f(*args)
        f(*args)


@micro(inner=5)
def call_closure(loops):
    x = 1

    def f():
        return x

    for _ in range(loops):
        f()
        f()
        f()
        f()
        f()


@micro(inner=5)
def call_method(loops):
    o = _Thing(1)
    for _ in range(loops):
        o.method()
        o.method()
        o.method()
        o.method()
        o.method()


@micro(inner=5)
def call_bound_method(loops):
    m = _Thing(1).method
    for _ in range(loops):
        m()
        m()
        m()
        m()
        m()


@micro(inner=5)
def call_class_method(loops):
    c = _Thing
    for _ in range(loops):
        c.class_method()
        c.class_method()
        c.class_method()
        c.class_method()
        c.class_method()


@micro(inner=5)
def call_static_method(loops):
    c = _Thing
    for _ in range(loops):
        c.static_method()
        c.static_method()
        c.static_method()
        c.static_method()
        c.static_method()


@micro(inner=5)
def call_super(loops):
    o = _Derived(1)
    for _ in range(loops):
        o.method()
        o.method()
        o.method()
        o.method()
        o.method()


@micro(inner=5)
def call_class(loops):
    c = _Thing
    for _ in range(loops):
        c(1)
        c(1)
        c(1)
        c(1)
        c(1)


@micro(inner=5)
def call_instance(loops):
    o = _Thing(1)
    for _ in range(loops):
        o()
        o()
        o()
        o()
        o()


@micro(inner=5)
def call_property(loops):
    o = _Thing(1)
    for _ in range(loops):
        o.prop
        o.prop
        o.prop
        o.prop
        o.prop


@micro(inner=5)
def call_special_methods(loops):
    o = _Thing(1)
    for _ in range(loops):
        o[1]
        o[2]
        o == 3
        o == 4
        len(o)


@micro(inner=5)
def call_builtin_len(loops):
    x = (1, 2)
    for _ in range(loops):
        len(x)
        len(x)
        len(x)
        len(x)
        len(x)


@micro(inner=5)
def call_builtin_isinstance(loops):
    x = 1
    for _ in range(loops):
        isinstance(x, int)
        isinstance(x, str)
        isinstance(x, int)
        isinstance(x, str)
        isinstance(x, int)


@micro(inner=5)
def call_c_method(loops):
    text = "a b"
    for _ in range(loops):
        text.startswith("a")
        text.startswith("b")
        text.startswith("a")
        text.startswith("b")
        text.startswith("a")


@micro(inner=4)
def call_types(loops):
    for _ in range(loops):
        int("1")
        str(1)
        tuple("a")
        float(1)


def _fib(n):
    return n if n < 2 else _fib(n - 1) + _fib(n - 2)


@micro(inner=177)
def fib(loops):
    for _ in range(loops):
        _fib(10)
