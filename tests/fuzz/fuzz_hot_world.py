"""What the hot loops of fuzz_hot.py do besides: operators and calls of classes in Python, `with`,
`match`, generators and coroutines, buffers, and changes of classes, functions and globals that
traces have assumptions about.

In the statements, INT and ANY stand for expressions that fuzz_hot.py fills in.
"""

# Behind the classes of fuzz_hot.HEAD.
HEAD = """
import array, contextlib
class R(Q):
    def __init__(self, x, y):
        super().__init__(x, y)
    def get(self): return (super().get(), 1)
    @classmethod
    def made(cls, x): return cls(x, cls.k)
    @staticmethod
    def twice(x): return (x, x)
class CM:
    def __init__(self, n, eats=False):
        self.n, self.eats = n, eats
    def __enter__(self):
        log.append(("in", self.n))
        return self
    def __exit__(self, kind, value, tb):
        log.append(("out", self.n, kind and kind.__name__, tb and tb.tb_lineno))
        return self.eats
@contextlib.contextmanager
def cm(n):
    log.append("on")
    try:
        yield n
    except KeyError:
        log.append("eaten")
    finally:
        log.append("off")
class V:
    def __init__(self, v): self.v = v
    def __add__(self, o): return V(self.v + (o.v if type(o) is V else o))
    def __radd__(self, o): return (o, self.v)
    def __iadd__(self, o):
        self.v = o
        return self
    def __eq__(self, o): return NotImplemented if o is None else self.v == o
    def __lt__(self, o): return self.v < (o.v if type(o) is V else o)
    __hash__ = None
    def __getitem__(self, k):
        if k > 5: raise IndexError(k)
        return (self.v, k)
    def __len__(self): return self.v % 5
    def __bool__(self): return self.v % 3 == 0
    def __contains__(self, k): return k == self.v
    def __call__(self, *a, k=1, **more): return (a, k, sorted(more))
    def __iter__(self):
        for k in range(self.v % 4): yield (self.v, k)
    def __getattr__(self, name):
        if name == "no": raise AttributeError(name)
        return name + "!"
    def __repr__(self): return f"V({self.v!r})"
def kw(a, b=2, *rest, c=3, **more): return (a, b, rest, c, sorted(more))
class Pause:
    def __init__(self, v): self.v = v
    def __await__(self):
        got = yield self.v
        return got
async def inner(n):
    if n > 2: raise LookupError(n)
    return (await Pause(n), n)
async def co(n):
    found = []
    for k in range(n):
        async with Span(k): found.append(await inner(k))
    async for k in aticks(n): found.append(k)
    return found
class Span:
    def __init__(self, n): self.n = n
    async def __aenter__(self): return await Pause(self.n)
    async def __aexit__(self, kind, value, tb): return kind is LookupError and self.n > 3
async def aticks(n):
    for k in range(n):
        await Pause(k)
        yield k
def drive(c):
    sent, seen = None, 0
    try:
        while True:
            sent = c.send(sent)
            seen += 1
    except StopIteration as stop:
        return (stop.value, seen)
def deleg(n):
    got = yield from gen0(n)
    x = Loud("d")
    yield (got, n)
    try:
        yield from gen1(n)
    finally:
        log.append("deleg ends")
def echo():
    got = None
    while True:
        try:
            got = yield got
        except ValueError as e:
            got = str(e)
def other_get(self): return ("other", self.x)
def other_init(self, x, y):
    self.y = y
    self.x = (x,)
"""

# At the start of main.
LOCALS = (
    "c0, b0, arr, mv, ec = 1 + 2j, bytearray(b'abcd'), array.array('d', [1, 2, 3, 4]), memoryview(array.array('q', [4, 5, 6, 7])), echo()\n"
    "    next(ec)"
)

SIMPLE = [
    "a0 = V(INT) + V(INT)", "a0 = V(INT) + 1", "a0 = 1 + V(INT)", "a0 = V(INT) == ANY", "a0 = V(INT) < V(INT)", "a0 = V(j)[j]",
    "i2 = len(V(INT))", "a0 = INT in V(j)", "if V(INT): a0 = j", "a0 = V(j)(INT, k=2)", "a0 = V(j)(1, z=INT, *t0)",
    "a0 = list(V(INT))", "a0 = V(1).some", "a0 = getattr(V(1), 'no', INT)", "a0 = V(2).no", "x0 = V(3); x0 += INT",
    "a0 = kw(j, b=INT)", "a0 = kw(*t0)", "a0 = kw(**{'a': 1, 'b': INT})", "a0 = kw(1, *l1[:2], z=ANY)", "a0 = kw(ANY, c=1)",
    "a0 = kw()", "a0 = kw(1, 2, 3, INT, q=0)", "a0 = drive(co(j % 5))", "a0 = drive(inner(j % 4))", "a0 = list(deleg(j % 4))",
    "a0 = ec.send(INT)", "a0 = ec.throw(ValueError('v'))", "i2 = b0[j % 4]", "b0[j & 3] = INT % 256", "b0[j] = 300 - j",
    "f1 = arr[j & 3]", "arr[j & 3] = f0", "i2 = mv[j & 3]", "mv[INT % 4] = INT", "mv[j] = 2 ** 62 + INT",
    "c0 = c0 * (f0 + 1j)", "c0 = c0 + INT", "a0 = abs(c0) if c0 == c0 else 0", "c0 = 1 + 2j", "a0 = list(map(abs, l1))",
    "a0 = max(map(str, l1))", "a0 = next(reversed(l1))", "a0 = any(v > INT for v in l1)", "a0 = all(v != 6 for v in l1)",
    "a0 = {v: k for k, v in enumerate(l1)}", "a0 = sorted({v % 3 for v in l1})", "a0 = isinstance(o0, (Q, S))", "i1 = (INT << 40) % 1000003",
    "i0 = 2 ** 62 + j", "i0 = i0 * i0 % 1000000007", "f0 = f1 * 1e200", "f0 = float('nan')", "f0 = 0.25", "a0 = f0 is f1",
    "a0 = R.made(INT)", "a0 = o1.twice(INT) if type(o1) is R else None", "o1 = R(INT, ANY)", "a0 = divmod(INT, 7)", "a0 = ','.join(map(str, l1))",
    "a0 = 's' in s0 + 'xs'", "a0 = s0.upper().find('B')", "a0 = (s0 * 2)[::2]", "a0 = s0[j % len(s0)] if s0 else ''", "a0 = f'{a0!r:>5}'[:20]",
    "a0 = [*t0, *l1][j % 4]", "a0 = {**d0, 'z': 1}.get('z')", "d0.setdefault('q', []).append(j) if type(d0.get('q', [])) is list and len(d0.get('q', [])) < 9 else 0",
    "a0 = d0.pop('b', None)", "l1.insert(0, l1.pop())", "l1.reverse()", "a0 = l1.index(l1[j & 3])", "a0 = tuple(l0[-2:])", "a0 = type(o0)(1, 2)",
    "a0 = hash((j, 's'))", "a0 = o0 == o1", "a0 = o0.both(a=1, b=INT)", "a0 = callable(ANY)", "del l0[:1]", "a0 = s0.split('a')[-1]",
    "gen = gen1(INT % 5)", "gen.close()", "a0 = [k for k in deleg(2)][-1]", "a0 = o0.__class__.__name__", "a0 = vars(o0).get('x') if type(o0) is not S else 0",
    "a0 = (lambda v, w=j: (v, w))(INT)", "a0 = min(l1, key=lambda v: -v)", "a0 = [h_rec(k) for k in range(j % 4)]", "a0 = int(str(INT))", "a0 = round(f0 if f0 == f0 and abs(f0) < 1e9 else 1.5)",
]  # fmt: skip

CHANGES = [
    "P.k = ANY", "Q.k = ANY", "P.get = other_get", "Q.get = other_get", "P.get = lambda self: self.y", "P.__init__ = other_init",
    "R.twice = staticmethod(lambda x: x)", "P.prop = property(lambda self: self.x)", "P.prop = 5", "P.late = INT",
    "P.__getattr__ = lambda self, name: name", "Q.both = lambda self, a, b=1: b", "P.put = lambda self, v: v",
    "h0.__code__ = other_get.__code__", "h0.__defaults__ = (INT, 2)", "globals()['len'] = lambda v: 3", "globals().pop('len', None)",
    "globals()['h0'] = lambda *a: a", "globals()['abs'] = lambda v: 'abs'", "globals().pop('abs', None)", "globals()['P'] = Q",
    "globals()['g0'] = ANY", "globals()['g1'] = INT", "o0.__class__ = Q", "o1.__class__ = R", "o0.__dict__['x'] = ANY", "del o0.x", "o0.__dict__ = {'x': 1, 'y': 2}",
    "V.__add__ = lambda self, o: 'added'", "V.__eq__ = lambda self, o: True", "V.__len__ = lambda self: 7", "V.__bool__ = lambda self: True",
    "V.__iter__ = lambda self: iter((1, 2))", "V.__call__ = kw", "V.__getitem__ = lambda self, k: k", "del V.__getattr__", "CM.__exit__ = lambda self, *a: True",
    "CM.__enter__ = lambda self: 1", "kw.__kwdefaults__ = {'c': INT}", "kw.__defaults__ = (1,)", "gen0.__code__ = gen1.__code__", "h_rec.__code__ = (lambda n: 5).__code__",
    "R.__bases__ = (P,)", "Pause.__await__ = lambda self: iter(())", "setattr(Q, '__eq__', lambda self, o: 'eq')", "sys.setrecursionlimit(500)", "gc.collect()",
    "o0 = S(1, 2); S.k = 'new'", "S.get = other_get", "Loud.__repr__ = lambda self: 'loud'", "main.__defaults__ = None", "f0 = 'text'", "l1 = [1.5, 2, 'x', 4]", "l1 = (1, 2, 3, 4)", "d0 = {'a': 'x', 1: 2}",
]  # fmt: skip

WITH = [
    "with CM(j):", "with CM(j, True) as a0:", "with CM(j, j % 3 == 0), CM('b') as x0:", "with cm(j) as a0:", "with cm(1), CM(2, True):", "with contextlib.suppress(KeyError):",
]  # fmt: skip

RAISES = [
    "if j % 4 == 1: raise KeyError(j)",
    "pass",
    "if j == 2: 1 // 0",
    "if j % 5 == 4: d0[(j, j)]",
    "if j == 3: continue",
    "a0 = j",
]

CASES = [
    "int()",
    "str() as x0",
    "(a0, 1)",
    "(x0, _)",
    "None",
    "{'a': a0}",
    "0 | 1",
    "P(x=a0)",
    "S()",
    "[x0, *_]",
    "float(f1)",
    "i0 if i0 == 3",
]
