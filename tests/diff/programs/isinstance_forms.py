"""isinstance() hot: metaclasses, tuples, lies about __class__, and all of them changed meanwhile."""

# ruff: noqa - odd code on purpose
import abc
import collections.abc
import sys
import traceback


class Meta(type):
    pass


class Base(metaclass=Meta):
    pass


class Left(Base):
    pass


class Right(Base):
    pass


class Root:
    pass


class Plain(Root):
    pass


class Liar:
    @property
    def __class__(self):
        return Left


class Moody:
    def __getattribute__(self, name):
        if name == "__class__":
            raise KeyError("no class")
        return object.__getattribute__(self, name)


def is_base(x):
    return isinstance(x, Base)


def is_either(x):
    return isinstance(x, (Left, Plain))


def branch(x, cls):
    if isinstance(x, cls):
        return "yes"
    return "no"


def negated(x, cls):
    if not isinstance(x, cls):
        return "no"
    return "yes"


def chosen(x, cls):
    return isinstance(x, cls) or isinstance(x, str) and "text"


THINGS = [Base(), Left(), Right(), Plain(), Liar(), 1, "s", None, Base, Meta, type, int]


def survey(label):
    for _ in range(30):
        rows = [
            (is_base(x), is_either(x), branch(x, Left), negated(x, Meta), chosen(x, type))
            for x in THINGS
        ]
    print(label, rows)


survey("fresh")
Meta.__instancecheck__ = lambda cls, x: "truthy" if cls is Base else []
survey("own check")
del Meta.__instancecheck__
survey("check gone")
Plain.__bases__ = (Liar,)
survey("plain lies")
Plain.__bases__ = (Root,)
survey("plain again")
Right.__bases__ = (Left,)
survey("right is left")
Right.__bases__ = (Base,)
survey("right is right")
THINGS[3].__class__ = Liar
survey("class assigned")


class Counting(type):
    calls = 0

    def __instancecheck__(cls, x):
        Counting.calls += 1
        if x == 13:
            raise ValueError("thirteen")
        return x == 7


class Counted(metaclass=Counting):
    pass


for n in range(40):
    try:
        branch(n, (Plain, (Left, Counted)))
    except ValueError as error:
        traceback.print_exc(file=sys.stdout)
print(Counting.calls, [n for n in range(20) if n != 13 and isinstance(n, Counted)])

for bad in (3, (int, 3), ("x",), (str, (3,)), None):
    for x in (5, Moody(), "s"):
        try:
            for _ in range(10):
                print(branch(x, bad), end=" ")
        except (TypeError, KeyError) as error:
            print(type(error).__name__, error)

for _ in range(20):
    try:
        branch(Moody(), Left)
    except KeyError as error:
        last = error
print("moody", last, isinstance(Moody(), Moody))


class Abstract(abc.ABC):
    pass


class Concrete:
    pass


for n in range(60):
    got = [branch(x, Abstract) for x in (Concrete(), 1)]
    got += [branch(x, collections.abc.Sized) for x in (Concrete(), [], 1)]
    got += [branch(x, int | Concrete) for x in (Concrete(), 1, "s")]
    if n in (0, 29, 59):
        print(n, got)
    if n == 30:
        Abstract.register(Concrete)


def fresh(n):
    """Classes that die: an address may come again."""
    made = Meta("Made%d" % n, (Left if n % 3 else Plain,), {})
    return [isinstance(x, made) for x in (made(), THINGS[1], 4)] + [is_base(made())]


print([fresh(n) for n in range(50)][-4:])


class Dies:
    count = 0

    def __del__(self):
        Dies.count += 1


def temporary(cls):
    return [isinstance(Dies(), cls), Dies.count]


print([temporary(cls) for cls in (Dies, int, (str, Dies), Base) for _ in range(6)])
values = [Left(), 5]
before = [sys.getrefcount(v) for v in (*values, Left, int, isinstance)]
for _ in range(200):
    for v in values:
        branch(v, Left), negated(v, int), chosen(v, Base), is_either(v)
print(before == [sys.getrefcount(v) for v in (*values, Left, int, isinstance)])


def deep(n):
    isinstance(n, (Left, (Base, Right)))
    isinstance(n, Base)
    return deep(n + 1)


for _ in range(3):
    try:
        deep(0)
    except RecursionError as error:
        print(type(error).__name__)


def match(x):
    match x:
        case Left():
            return "left"
        case Base():
            return "base"
        case int(n):
            return n
    return "other"


print([[match(x) for x in THINGS] for _ in range(20)][-1])
