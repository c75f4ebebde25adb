"""Attribute access of every kind, hot, with classes and instances changed while in use."""

# ruff: noqa - odd code on purpose

import types


class Plain:
    kind = "class attribute"

    def __init__(self, x):
        self.x = x
        self.y = x + 1

    def method(self, z=0):
        return self.x + z

    @property
    def prop(self):
        return self.x * 10

    @prop.setter
    def prop(self, value):
        self.x = value

    @classmethod
    def cm(cls):
        return cls.__name__

    @staticmethod
    def sm():
        return "static"


class Slots:
    __slots__ = ("x", "y", "__weakref__")

    def __init__(self, x):
        self.x = x


class SlotChild(Slots):
    pass


class Getattr:
    def __getattr__(self, name):
        if name == "bad":
            raise AttributeError("bad name")
        return "getattr " + name


class Getattribute:
    x = "hidden"

    def __getattribute__(self, name):
        if name == "miss":
            return object.__getattribute__(self, name)
        return "getattribute " + name


class Both(Getattribute):
    def __getattr__(self, name):
        return "fallback " + name


class Data:
    def __init__(self, name):
        self.name = name

    def __get__(self, obj, kind=None):
        return ("data get", obj is None, kind.__name__)

    def __set__(self, obj, value):
        if value == "bad":
            raise ValueError("data set")
        log.append((self.name, value))

    def __delete__(self, obj):
        log.append("data delete")


class NonData:
    def __get__(self, obj, kind=None):
        return ("non data", obj is None)


class Described:
    data = Data("d")
    non = NonData()


class SetAttr:
    def __setattr__(self, name, value):
        log.append(("setattr", name, value))
        object.__setattr__(self, name, value)

    def __delattr__(self, name):
        log.append(("delattr", name))
        object.__delattr__(self, name)


class DictOnly(dict):
    pass


def attempt(function, *args):
    try:
        return function(*args)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


log = []


def get_x(obj):
    return obj.x


def set_x(obj, value):
    obj.x = value


def del_x(obj):
    del obj.x


def call_method(obj):
    return obj.method(1)


class Meta(type):
    meta_attr = "meta"

    @property
    def x(cls):
        return "meta x"


class WithMeta(metaclass=Meta):
    y = 1


module = types.ModuleType("module")
module.x = "module x"
d = DictOnly()
d.x = "dict subclass x"
function = lambda: None  # noqa: E731
function.x = "function x"
targets = [Plain(1), Slots(2), SlotChild(3), Getattr(), Getattribute(), Both(), WithMeta, module,
           d, function, types.SimpleNamespace(x="ns"), 5, Plain, None, Described(), Plain(9),
           types.ModuleType("empty"), super(SlotChild, SlotChild(1))]
results = []
for turn in range(3):
    for target in targets:
        for i in range(30):
            value = attempt(get_x, target)
        results.append(str(value).split(" at ")[0])
print(results)
results = []
for turn in range(2):
    for target in targets:
        for i in range(30):
            value = attempt(set_x, target, i)
        results.append((str(value).split(" at ")[0]))
print(results)
results = []
for target in targets:
    value = [attempt(del_x, target), attempt(del_x, target)]
    results.append(str(value))
print(results)

# Methods.
obj = Plain(1)
out = []
for i in range(400):
    out.append(call_method(obj))
    if i == 50:
        Plain.method = lambda self, z: ("replaced", self.x, z)
    elif i == 100:
        obj.method = lambda z: ("instance", z)
    elif i == 150:
        del obj.method
    elif i == 200:
        obj = Plain(7)
    elif i == 250:
        Plain.method = len
    elif i == 251:
        Plain.method = staticmethod(lambda z: ("static", z))
    elif i == 280:
        Plain.method = classmethod(lambda cls, z: ("cm", cls.__name__, z))
    elif i == 300:
        Plain.method = property(lambda self: lambda z: ("prop", z))
    elif i == 330:
        class Other(Plain):
            def method(self, z):
                return ("other", self.x, z)
        obj.__class__ = Other
    elif i == 360:
        obj.__dict__ = {"x": "fresh dict"}
    elif i == 380:
        obj.__dict__["method"] = lambda z: ("property wins?", z)
    if i == 250:
        out.append(attempt(call_method, obj))
        Plain.method = lambda self, z: "ok"
print([out[i] for i in range(0, 400, 10)])

# Properties, class attributes, shadowing.
p = Plain(3)
out = []
for i in range(200):
    p.prop = i
    out.append((p.prop, p.kind, p.cm(), p.sm(), Plain.kind))
    if i == 40:
        Plain.kind = "changed"
    if i == 80:
        p.kind = "instance kind"
    if i == 120:
        del p.kind
    if i == 150:
        Plain.prop = property(lambda self: "get only")
        out.append(attempt(setattr, p, "prop", 1))
        Plain.prop = Data("late")
print(out[::15], out[-1], log[-1])
log.clear()

desc = Described()
for i in range(60):
    desc.data = i
    first = (desc.data, desc.non, Described.data, Described.non)
    if i == 30:
        desc.__dict__["data"] = "not seen"
        desc.__dict__["non"] = "seen"
print(first, log[-1], attempt(setattr, desc, "data", "bad"), attempt(delattr, desc, "data"), log[-1])
s = SetAttr()
log.clear()
for i in range(40):
    s.a = i
del s.a
print(log[-2:], attempt(delattr, s, "a"))

# Key-sharing dicts and their ends.
class Shared:
    pass


objs = []
for i in range(60):
    o = Shared()
    o.a = i
    if i % 3 == 0:
        o.b = 1
        o.c = 2
    else:
        o.c = 3
        o.b = 4
    if i % 7 == 0:
        del o.a
        o.a = "back"
    if i % 11 == 0:
        o.__dict__["extra"] = i
    if i % 13 == 0:
        del o.b
    objs.append(o)
print([sum(hash((k, str(v))) != 0 for k, v in vars(o).items()) for o in objs])
print([list(vars(o)) for o in objs[:15]])
print([getattr(o, "b", "gone") for o in objs])
many = Shared()
for i in range(80):
    setattr(many, f"attr{i}", i)
print(sum(getattr(many, f"attr{i}") for i in range(80)))


def read_all(obj):
    return obj.a, obj.c


print([attempt(read_all, o) for o in objs][-4:])
for o in objs:
    o.__dict__.clear()
print(attempt(read_all, objs[0]))


class Growing:
    def __init__(self, n):
        for i in range(n):
            self.__dict__[f"k{i}"] = i
        self.last = n


print([Growing(n % 40).last for n in range(100)][-1])


# Attribute names that are not found, with suggestions left to the traceback.
class Late:
    pass


def late(obj):
    return obj.value


o = Late()
out = []
for i in range(120):
    out.append(attempt(late, o))
    if i == 30:
        Late.value = "class"
    if i == 60:
        o.value = "instance"
    if i == 90:
        Late.value = property(lambda self: "property")
print(sorted(set(out)), out[::29])


class Slotted:
    __slots__ = ("a", "b")


sl = Slotted()
out = []
for i in range(90):
    if i % 3 == 0:
        sl.a = i
    if i % 3 == 2:
        del sl.a
    out.append(attempt(lambda: sl.a))
print(out[:6], attempt(lambda: sl.c), attempt(setattr, sl, "c", 1), attempt(delattr, sl, "b"))
slot = Slotted.a
Slotted.a = 5
print(sl.a, attempt(setattr, sl, "a", 1), slot.__get__.__name__)
print(attempt(slot.__get__, 5), attempt(slot.__set__, 5, 1))

import math  # noqa: E402

out = []
for i in range(90):
    out.append(attempt(lambda: math.pi))
    if i == 30:
        math.pi = 3
    if i == 60:
        del math.pi
print(out[::30], out[-1])


class ModuleSub(types.ModuleType):
    @property
    def computed(self):
        return "computed"

    def __getattr__(self, name):
        return "mod getattr " + name


m = ModuleSub("m")
print([(m.computed, m.zzz, m.__name__) for _ in range(20)][-1])
plain_module = types.ModuleType("pm")
plain_module.__getattr__ = lambda name: "PEP 562 " + name
print([plain_module.q for _ in range(20)][-1])
