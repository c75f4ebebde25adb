"""One load of an attribute that meets many classes, forms and changes of both."""

# ruff: noqa - odd code on purpose
import sys
import traceback
import types


class Meta(type):
    @property
    def field(cls):
        return "of the metaclass"


class Descriptor:
    def __get__(self, owner, kind):
        return "descriptor", owner is None


def make(n):
    form = n % 11
    space = {"__init__": lambda self: None}
    if form == 0:
        space["__init__"] = lambda self: setattr(self, "field", n)
    elif form == 1:
        space["__slots__"] = ("field",)
        space["__init__"] = lambda self: setattr(self, "field", n)
    elif form == 2:
        space["field"] = property(lambda self: ("property", n))
    elif form == 3:
        space["field"] = "class %d" % n
    elif form == 4:
        space["field"] = lambda self: n
    elif form == 5:
        space["__getattr__"] = lambda self, name: (name, n)
    elif form == 6:
        space["field"] = Descriptor()
    elif form == 7:
        space["__slots__"] = ("field",)
    elif form == 8:
        space["field"] = staticmethod(len)
    elif form == 9:
        space["field"] = classmethod(lambda cls: cls.__name__)
    elif form == 10:
        space["field"] = "hidden"
        space["__init__"] = lambda self: self.__dict__.update(field=n)
    return type("C%d" % n, (), space)


CLASSES = [make(n) for n in range(66)]
THINGS = [cls() for cls in CLASSES] + CLASSES[:11] + [Meta("WithMeta", (), {"field": 1})]
module = types.ModuleType("made")
module.field = "of the module"
THINGS += [module, 5, None, types.SimpleNamespace(field="space")]


def load(x):
    return x.field


def show(got):
    if callable(got):
        return type(got).__name__
    return got


def survey(label):
    for _ in range(8):
        rows = []
        for thing in THINGS:
            try:
                rows.append(show(load(thing)))
            except AttributeError as error:
                rows.append(str(error))
    print(label, len(rows), rows)


survey("first")
for cls in CLASSES[3::11]:
    cls.field = "changed"
survey("class values")
for cls in CLASSES[2::11]:
    del cls.field
survey("properties gone")
for thing in THINGS[3:66:11]:
    thing.field = "own"
survey("own values")
for thing in THINGS[0:66:11]:
    del thing.field
survey("values gone")
for thing in THINGS[1:66:11]:
    del thing.field
survey("slots empty")
for cls in CLASSES[5::11]:
    del cls.__getattr__
    cls.field = property(lambda self: {}["key"])


def failing():
    for thing in THINGS[5:66:11]:
        try:
            load(thing)
        except KeyError:
            traceback.print_exc(file=sys.stdout)


failing()
for cls in CLASSES[5::11]:
    cls.__getattribute__ = lambda self, name: ("all", name)
survey("own getattribute")
for cls in CLASSES[5::11]:
    del cls.__getattribute__
    del cls.field
survey("bare")


def short_lived(n):
    """Names and classes that die: their places come again."""
    space = {}
    exec("def get(x):\n    return x.name_%d, x.again" % n, space)
    cls = type("Short", (), {"name_%d" % n: n, "again": property(lambda self: -n)})
    things = [cls()] + [type("S%d" % k, (cls,), {})() for k in range(12)]
    return {space["get"](thing) for _ in range(4) for thing in things}


print([short_lived(n) for n in range(40)][::13])


class Alternates:
    """One class, whose instances keep the name in several ways."""

    field = "default"


both = [Alternates() for _ in range(6)]
both[1].field = both[4].field = "own"
both[2].__dict__["field"] = "in the dict"
both[3].__dict__
print([[load(thing) for thing in both] for _ in range(150)][-1])
before = [sys.getrefcount(thing) for thing in THINGS[:66]], sys.getrefcount("field")
for _ in range(50):
    for thing in THINGS[:66]:
        try:
            load(thing)
        except AttributeError:
            pass
print(before == ([sys.getrefcount(thing) for thing in THINGS[:66]], sys.getrefcount("field")))
