"""id(), getattr(), hasattr(), issubclass(), callable() and quiet functions of C in hot loops."""

import codecs
import copy
import io
import math
import struct
import sys
import time
from abc import ABC


class Plain:
    shared = "class"

    def method(self):
        return self.own

    def __init__(self, own):
        self.own = own


class Slots:
    __slots__ = ("own",)


class Asks:
    """Has a __getattr__."""

    def __getattr__(self, name):
        if name == "missing":
            raise AttributeError(name)
        return "asked for " + name


class Computed:
    @property
    def own(self):
        return "computed"

    @property
    def missing(self):
        raise AttributeError("missing")


class Meta(type):
    through = "meta"


class Made(metaclass=Meta):
    pass


class Base(ABC):
    pass


class Callable:
    def __call__(self):
        return 1


def ids(things):
    seen = {}
    for thing in things:
        seen[id(thing)] = seen.get(id(thing), 0) + 1
    return sorted(seen.values())


def ids_of_numbers(n):
    """Two numbers of the same value are two objects, one is one."""
    same = different = 0
    for i in range(n):
        a = i + 100_000
        b = i + 100_000
        same += id(a) == id(a)
        different += id(a) != id(b)
        keep = (a, b)
        same += id(keep[0]) == id(a)
    return same, different


def ids_of_made(n):
    right = 0
    for i in range(n):
        one = Plain(i)
        two = Plain(i)
        pair = (one, two)
        right += id(one) != id(two)
        right += id(pair[0]) == id(one)
        right += id(pair) == id(pair)
    return right


def attributes(things):
    out = []
    for thing in things:
        out.append(getattr(thing, "own", "none"))
        out.append(getattr(thing, "missing", None))
        out.append(getattr(thing, "shared", 0))
        out.append(getattr(thing, "through", 1.5))
        out.append(hasattr(thing, "own"))
        out.append(hasattr(thing, "missing"))
        out.append(hasattr(thing, "method"))
        out.append(hasattr(thing, "__deepcopy__"))
        method = getattr(thing, "method", None)
        out.append(None if method is None else type(method).__name__)
        reduce = getattr(thing, "__reduce_ex__", None)
        out.append(reduce.__name__)
    return out


def raises(things):
    out = 0
    for thing in things:
        try:
            getattr(thing, "nowhere")
        except AttributeError as e:
            out += len(str(e))
    return out


def classes(pairs):
    out = []
    for cls, base in pairs:
        try:
            out.append(issubclass(cls, base))
        except TypeError as e:
            out.append(str(e))
        out.append(callable(cls))
    return out


def calls(things):
    return [callable(thing) for thing in things]


def quiet(n):
    out = []
    for i in range(n):
        out.append(chr(i + 40))
        out.append(ord(chr(i + 40)))
        out.append(hash(str(i)) == hash(str(i)))
        out.append(repr(i / 3))
        out.append(hex(i) + bin(i) + oct(i))
        out.append(divmod(i, 7))
        out.append(round(i / 7, 2))
        out.append(struct.pack("<I", i))
        out.append(struct.unpack("<I", struct.pack("<I", i)))
        out.append(math.gcd(i, 12))
        out.append(math.floor(i))
        out.append(time.time() > 0)
    return out


def quiet_fails(n):
    failed = 0
    for i in range(n):
        try:
            divmod(i, i % 3)
            chr(-(i % 2))
            struct.pack("<B", i * 2)
        except (ZeroDivisionError, ValueError, struct.error):
            failed += 1
    return failed


class Index:
    def __init__(self, log):
        self.log = log

    def __index__(self):
        self.log.append(sys._getframe(1).f_code.co_name)
        return 65


def not_quiet(n):
    log = []
    out = [chr(Index(log)) for i in range(n)]
    return "".join(out), log


def views(n):
    d = {i: str(i) for i in range(5)}
    total = 0
    for i in range(n):
        for key, value in d.items():
            total += key + len(value)
        total += len(d.keys()) + sum(map(len, d.values()))
    return total


def changes(n):
    """A class gets an attribute, and loses it, while a loop looks."""
    thing, out = Plain(1), []
    for i in range(n):
        if i == n // 3:
            Plain.late = "late"
        if i == n // 2:
            thing.late = "own"
        if i == n - 3:
            del Plain.late, thing.late
        out.append(getattr(thing, "late", None))
        out.append(hasattr(thing, "late"))
    return out


def subclass_changes(n):
    class One:
        pass

    class Two:
        pass

    class Three(One):
        pass

    out = []
    for i in range(n):
        if i == n // 2:
            Three.__bases__ = (Two,)
        out.append((issubclass(Three, One), issubclass(Three, Two)))
    return out


def deaths(n):
    """Dicts of dicts and instances with dicts die, some of them loudly."""
    log = []

    class Loud:
        def __init__(self, i):
            self.i = i

        def __del__(self):
            log.append((self.i, sys._getframe(1).f_code.co_name))

    for i in range(n):
        d = {"a": {"b": [i, {"c": (i, str(i))}]}, i: Plain([i])}
        d[i].__dict__["more"] = {"x": d["a"]}
        if i % 5 == 0:
            d["a"]["b"].append(Loud(i))
        d = {"kept": d["a"] if i % 3 else d}
    del d
    return log


def copies(n):
    data = {"list": [1, 2, 3, 43], "t": (1, 2, 3), "str": "hello", "sub": {"a": True}}
    thing = Plain(data)
    thing.both = [data, thing]
    out = 0
    for _ in range(n):
        new = copy.deepcopy(thing)
        out += new.own == data and new.own is not data
        out += new.both[1] is new and new.both[0] is new.own
    return out


class Writer:
    """Its methods are kept, bound, and called later."""

    def __init__(self, file):
        self.file = file
        self.write = file.write

    def put(self, data):
        if self.file.tell() < 1_000_000:
            self.file.write(data)

    def text(self):
        put = self.put
        for part in ("a", "b", 3):
            try:
                put(part)
            except TypeError as e:
                self.failed = str(e)
        return self.file.getvalue()


def files(n):
    out, closed = [], 0
    for i in range(n):
        for file in (io.BytesIO(), io.StringIO()):
            writer = Writer(file)
            writer.put("34" if isinstance(file, io.StringIO) else b"12")
            out.append((writer.text(), file.tell(), writer.failed, file.seek(0), file.read(1)))
            if i == n - 2:
                file.close()
            try:
                file.write("x" if isinstance(file, io.StringIO) else b"x")
            except ValueError:
                closed += 1
    view = io.BytesIO(b"12345")
    held = view.getbuffer()
    try:
        for i in range(n):
            view.seek(0)
            view.write(b"123456789" if i > n // 2 else b"ok")
    except BufferError as e:
        out.append((str(e), bytes(held), i))
    return out[-12:], len(out), closed


def codecs_of(n):
    """Codecs in Python see the frames of who asks for them."""
    names = []

    def search(name):
        if name != "own_codec":
            return None

        def encode(text, errors="strict"):
            names.append(sys._getframe(1).f_code.co_name)
            return text.encode("utf-8"), len(text)

        return codecs.CodecInfo(encode, lambda b, e="strict": (bytes(b).decode(), len(b)))

    codecs.register(search)
    out = []
    for i in range(n):
        text = chr(200 + i) * 3
        out.append(text.encode("own_codec") == text.encode() == text.encode("utf-8", "surrogatepass"))
        out.append(text.encode("ascii", "replace").decode("latin-1"))
        try:
            out.append(text.encode("ascii"))
        except UnicodeEncodeError as e:
            out.append((e.start, e.reason))
    return out[-6:], names[-3:], len(names)


def audited(n):
    """Who listens hears of each id()."""
    heard, on = [], [True]

    def hook(event, args):
        if on[0] and event == "builtins.id":
            heard.append(args[0] - before)

    thing = Plain(1)
    before = id(thing)
    for i in range(n):
        if i == n // 2:
            sys.addaudithook(hook)
        id(thing)
    on[0] = False
    return heard


THINGS = [Plain(1), Slots(), Asks(), Computed(), Made, Plain, 3, "text", 2.5, None, sys, Made()]
print(ids(THINGS * 4))
print(ids_of_numbers(60), ids_of_made(60))
for group in [[thing] * 6 for thing in THINGS] + [THINGS] * 4:
    print(attributes(group))
    print(raises(group[:2]) if group[0] is not THINGS[2] and group is not THINGS else "")
print(classes([(bool, int), (int, bool), (Plain, object), (Base, Plain), (Plain, Base)] * 8))
print(classes([(3, int), (int, 3), (Made, Meta), (Meta, type)] * 8))
print(calls([Plain(1), Callable(), print, len, Plain, 3, None] * 8))
print(quiet(40))
print(quiet_fails(200))
print(not_quiet(30))
print(views(40))
print(changes(60))
print(subclass_changes(60))
print(deaths(60))
print(copies(50))
print(files(60))
print(codecs_of(60))
print(audited(40))
