"""AttributeError inside a property, descriptor or slot, with and without __getattr__, hot."""

# ruff: noqa - odd code on purpose


class Desc:
    def __get__(self, obj, kind=None):
        if obj is not None and obj.fails:
            raise AttributeError("from descriptor")
        return "descriptor"


class Data(Desc):
    def __set__(self, obj, value):
        raise AttributeError("set refused")


class Plain:
    __slots__ = ("fails", "slot", "__dict__")
    desc = Desc()
    data = Data()

    def __init__(self, fails):
        self.fails = fails

    @property
    def prop(self):
        if self.fails:
            raise AttributeError("from property")
        return "property"

    @property
    def outer(self):
        return self.prop.upper()

    @property
    def other(self):
        if self.fails:
            raise KeyError("other")
        return "other"

    def method(self):
        return "method"

    @property
    def callable_(self):
        if self.fails:
            raise AttributeError("callable")
        return lambda: "called"


class Fallback(Plain):
    __slots__ = ()

    def __getattr__(self, key):
        if key == "missing":
            raise AttributeError("really missing")
        return "fallback " + key


class Through(Plain):
    __slots__ = ()

    def __getattribute__(self, key):
        return object.__getattribute__(self, key)


class ThroughBoth(Fallback):
    __slots__ = ()

    def __getattribute__(self, key):
        if key == "gone":
            raise AttributeError("gone")
        return super().__getattribute__(key)


class Late(Plain):
    __slots__ = ()


def prop(o):
    return o.prop


def outer(o):
    return o.outer


def other(o):
    return o.other


def desc(o):
    return o.desc


def data(o):
    return o.data


def slot(o):
    return o.slot


def missing(o):
    return o.missing


def gone(o):
    return o.gone


def called(o):
    return o.callable_()


def method(o):
    return o.method()


def via_super(o):
    return super(Fallback, o).prop


def has(o):
    return hasattr(o, "prop"), hasattr(o, "slot"), getattr(o, "prop", "default"), getattr(o, "slot", 1)


def attempt(function, o):
    try:
        return function(o)
    except Exception as error:
        return f"{type(error).__name__}: {error} / {error.__context__!r}"


sites = [prop, outer, other, desc, data, slot, missing, gone, called, method, via_super, has]
kinds = [Plain, Fallback, Through, ThroughBoth, Late]
for round_ in range(3):
    for kind in kinds:
        for site in sites:
            results = []
            for turn in range(60):
                results.append(attempt(site, kind(turn % 20 > 15 or turn > 50)))
            print(round_, kind.__name__, site.__name__, [results[i] for i in (0, 18, 40, 59)])
    if round_ == 0:
        Late.__getattr__ = lambda self, key: "late " + key
    if round_ == 1:
        del Late.__getattr__
        Plain.__getattr__ = lambda self, key: "plain " + key
for turn in range(120):
    kind = kinds[turn // 3 % 5]
    if turn % 24 == 23:
        print([attempt(site, kind(turn % 2)) for site in sites])
for site in sites:
    print(site.__name__, [attempt(site, kinds[i % 5](i % 3)) for i in range(90)][-15:])
