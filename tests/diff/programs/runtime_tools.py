"""Sub-interpreters, tracemalloc, faulthandler, pickle, copy, inspect, dis, audit, warnings."""

# ruff: noqa - odd code on purpose

import _xxsubinterpreters as interpreters
import contextlib
import copy
import dis
import faulthandler
import inspect
import io
import os
import pickle
import sys
import tempfile
import textwrap
import tracemalloc
import types
import warnings


class Data:
    def __init__(self, a, b=2):
        self.a, self.b = a, b

    def __eq__(self, other):
        return vars(self) == vars(other)

    def method(self):
        return self.a


class Reduced:
    def __init__(self, x):
        self.x = x

    def __reduce__(self):
        return Reduced, (self.x + 1,)


class State:
    __slots__ = ("p",)

    def __getstate__(self):
        return {"p": self.p}

    def __setstate__(self, state):
        self.p = state["p"] * 2


class NewArgs(tuple):
    def __new__(cls, a, b):
        return super().__new__(cls, (a, b))

    def __getnewargs__(self):
        return tuple(self)


def module_function(x):
    return x


d = Data(1, [1, 2])
for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    for _ in range(5):
        again = pickle.loads(pickle.dumps([d, Reduced(5), module_function, d.method, NewArgs(1, 2)],
                                          protocol))
    print(again[0] == d, again[1].x, again[2] is module_function, again[3](), again[4])
s = State()
s.p = 4
print(pickle.loads(pickle.dumps(s)).p, copy.copy(s).p, copy.deepcopy(d) == d, copy.deepcopy(
    {"k": [d, d]})["k"][0].b)
try:
    pickle.dumps(lambda: 1)
except Exception as error:
    print(type(error).__name__, str(error)[:30])
try:
    pickle.dumps(x for x in ())
except TypeError as error:
    print(error)
generator = (x for x in range(3))
try:
    copy.copy(generator)
except TypeError as error:
    print(error)

# Code is the same object as far as anyone can see, however hot it is.


def hot(n, seq=(1, 2)):
    total = 0
    for i in range(n):
        total += i * 2
        if i in seq:
            total -= len("x")
    return total


raw = hot.__code__.co_code
text = io.StringIO()
dis.dis(hot, file=text)
for _ in range(100):
    hot(50)
after = io.StringIO()
dis.dis(hot, file=after)
print(raw == hot.__code__.co_code, text.getvalue() == after.getvalue())
print(text.getvalue())
print(hash(hot.__code__) == hash(hot.__code__.replace()), hot.__code__ == hot.__code__.replace())
print(list(hot.__code__.co_lines())[:3], list(hot.__code__.co_positions())[:3])
print(hot.__code__.co_stacksize, hot.__code__.co_flags, hot.__code__.co_varnames)
print(inspect.getsource(hot)[:20], inspect.signature(hot), inspect.isgeneratorfunction(hot))
print(inspect.getclosurevars(hot).builtins.keys())
clone = types.FunctionType(hot.__code__, {"range": lambda n: [1, 2]}, "clone", ((5,),))
print(clone(3), clone.__name__)
print(types.FunctionType(hot.__code__.replace(co_name="renamed"), globals())(3, (1,)))

# tracemalloc sees the line that allocates.
tracemalloc.start(5)


def allocates():
    kept = [bytearray(1000) for _ in range(20)]
    return kept


for _ in range(20):
    data = allocates()
snap = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, __file__)])
top = snap.statistics("lineno")[0]
first = hot.__code__.co_firstlineno
print(top.count >= 20, top.traceback[0].lineno - allocates.__code__.co_firstlineno)
trace = tracemalloc.get_object_traceback(data[0])
print([t.lineno - allocates.__code__.co_firstlineno for t in trace][-2:])
tracemalloc.stop()


def dumper():
    with tempfile.TemporaryFile("w+") as f:
        faulthandler.dump_traceback(f, all_threads=False)
        f.seek(0)
        return f.read()


def dump_inner():
    return [dumper() for _ in range(1)][0]


for _ in range(20):
    dumped = dump_inner()
print("\n".join(line for line in dumped.splitlines() if "runtime_tools" in line))


def warns(level):
    warnings.warn("careful", stacklevel=level)


def calls_warn(level):
    warns(level)


with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for level in (1, 2, 3):
        for _ in range(10):
            calls_warn(level)
        print(caught[-1].lineno - warns.__code__.co_firstlineno, os.path.basename(caught[-1].filename),
              len(caught))
with warnings.catch_warnings():
    warnings.simplefilter("error")
    try:
        calls_warn(1)
    except UserWarning as error:
        print(repr(error))
with contextlib.redirect_stderr(io.StringIO()) as err:
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        for _ in range(3):
            calls_warn(1)
        exec("import warnings\nwarnings.warn('in exec')", {"__name__": "odd"})
print(err.getvalue().replace(os.path.dirname(__file__), ""))

# Sub-interpreters.
script = textwrap.dedent("""
    import sys
    def fib(n):
        return n if n < 2 else fib(n - 1) + fib(n - 2)
    class C:
        def __init__(self, x):
            self.x = x
        def m(self):
            return self.x
    total = 0
    for i in range(200):
        total += C(i).m()
    def g():
        yield from range(5)
    print("sub", fib(14), total, sum(g()), shared, flush=True)
    try:
        1 / 0
    except ZeroDivisionError as e:
        print(repr(e), flush=True)
""")
sys.stdout.flush()
for turn in range(3):
    sub = interpreters.create()
    interpreters.run_string(sub, script, shared={"shared": f"turn {turn}"})
    try:
        interpreters.run_string(sub, "raise KeyError('in sub')")
    except interpreters.RunFailedError as error:
        print(error, flush=True)
    interpreters.destroy(sub)
print(hot(20))

# Audit hooks see code objects executed.
events = []


def audit(event, args):
    if recording and event in ("exec", "compile", "sys._getframe", "object.__getattr__", "import"):
        events.append(event)


recording = False
sys.addaudithook(audit)
recording = True
exec("1 + 1")
sys._getframe()
hot.__code__
import wave  # noqa: E402, F401

recording = False
print(events[:4], "import" in events)
sys.audit("own.event", 1)
print(sys.call_tracing(hot, (5,)))
print(sys.getsizeof(hot.__code__) > 100, sys.intern("x") is sys.intern("x"))
context = __import__("contextvars").copy_context()
print(context.run(hot, 10))


class Descr(types.SimpleNamespace):
    pass


print(repr(Descr(a=1)), types.MethodType(lambda s, x: (s, x), 5)(6))
bound = types.MethodType(hot, 30)
print([bound() for _ in range(20)][-1], bound.__self__, bound.__func__ is hot)
print(types.coroutine(lambda: 1).__name__, types.DynamicClassAttribute(lambda s: 1).fget(0))
