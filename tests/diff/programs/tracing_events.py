"""Event logs of sys.settrace and sys.setprofile, opcode events, jumps, tracing turned on midway."""

# ruff: noqa - odd code on purpose

import sys
import threading


def helper(x):
    if x > 2:
        return x * 2
    y = x + 1
    return y


class C:
    def __init__(self, v):
        self.v = v

    @property
    def p(self):
        return self.v

    def __add__(self, o):
        return C(self.v + o)

    def __iter__(self):
        yield 1
        yield 2

    def __enter__(self):
        return self

    def __exit__(self, *a):
        return True


def gen(n):
    for i in range(n):
        got = yield i
        if got:
            return "early"


async def coro():
    return 5


async def outer_coro():
    async with Async():
        return await coro()


class Async:
    async def __aenter__(self):
        return 1

    async def __aexit__(self, *a):
        return False


def body():
    total = 0
    for i in range(4):
        total += helper(i)
    c = C(1) + 2
    total += c.p
    for v in C(0):
        total += v
    with C(0):
        raise ValueError("swallowed")
    try:
        1 / 0
    except ZeroDivisionError:
        total += 1
    finally:
        total += 1
    g = gen(3)
    next(g)
    try:
        g.send(1)
    except StopIteration:
        pass
    g = gen(3)
    next(g)
    try:
        g.throw(KeyError("k"))
    except KeyError:
        pass
    total += sum(x for x in [1, 2])
    total += len([y for y in range(3)])
    k = (lambda q: q + 1)(5)
    while total > 100:
        total -= 50
    match k:
        case 6:
            k = 0
        case _:
            k = 1

    class Local:
        attribute = 1

        def m(self):
            return 2
    Local().m()
    sorted([3, 1], key=lambda z: z)
    try:
        outer_coro().send(None)
    except StopIteration as stop:
        total += stop.value
    exec("a = 1\nb = 2")
    return total


log = []


def tracer(frame, event, arg):
    name = frame.f_code.co_name
    if frame.f_code.co_filename not in (__file__, "<string>"):
        return None
    line = frame.f_lineno
    if event == "exception":
        arg = arg[0].__name__
    elif event == "return" and not isinstance(arg, (int, str, type(None))):
        arg = type(arg).__name__
    log.append((event, name, line - frame.f_code.co_firstlineno, arg))
    return tracer


def show(title):
    print("==", title, len(log))
    for entry in log:
        print(entry)
    log.clear()


for _ in range(30):
    body()
sys.settrace(tracer)
body()
sys.settrace(None)
show("settrace")


def opcode_tracer(frame, event, arg):
    if frame.f_code.co_name not in ("helper", "opcodes"):
        return None
    frame.f_trace_opcodes = True
    if event == "opcode":
        log.append((frame.f_code.co_name, frame.f_lasti))
    return opcode_tracer


def opcodes(n):
    t = 0
    for i in range(n):
        t += helper(i)
        if t > 3:
            t = 0
    return [t for _ in range(2)]


for _ in range(30):
    opcodes(5)
sys.settrace(opcode_tracer)
opcodes(3)
sys.settrace(None)
show("opcodes")


def no_lines(frame, event, arg):
    frame.f_trace_lines = False
    log.append((event, frame.f_code.co_name))
    return no_lines


sys.settrace(no_lines)
helper(1)
helper(5)
sys.settrace(None)
show("no lines")


def profiler(frame, event, arg):
    if frame.f_code.co_filename != __file__:
        return
    name = arg.__name__ if event.startswith("c_") else frame.f_code.co_name
    log.append((event, name, frame.f_lineno - frame.f_code.co_firstlineno))


def profiled():
    items = [3, 1]
    items.append(len(items))
    items.sort()
    try:
        items.pop(100)
    except IndexError:
        pass
    isinstance(items, list), str(5), max(items)
    helper(1)
    C(5) + 1
    list(gen(2))
    "x".upper()
    dict(a=1)
    return sum(map(helper, [1, 2]))


for _ in range(30):
    profiled()
sys.setprofile(profiler)
profiled()
body()
sys.setprofile(None)
show("setprofile")


def midway(n):
    for i in range(n):
        if i == 5:
            sys.settrace(tracer)
            sys._getframe().f_trace = tracer
        if i == 8:
            sys.settrace(None)
        helper(i)
    return n


midway(60)
log.clear()
midway(10)
show("midway")


def midway_profile(n):
    for i in range(n):
        if i == 5:
            sys.setprofile(profiler)
        if i == 8:
            sys.setprofile(None)
        helper(i)
        len("x")


midway_profile(10)
show("midway profile")


def deep_on(n):
    if n == 0:
        sys.settrace(tracer)
        return 0
    value = deep_on(n - 1)
    helper(value)
    return n


deep_on(5)
sys.settrace(None)
show("turned on in a callee")


def jumper(frame, event, arg):
    if frame.f_code.co_name != "jumps":
        return None
    if event == "line" and frame.f_lineno - frame.f_code.co_firstlineno == 4:
        frame.f_lineno = frame.f_code.co_firstlineno + 6
    return jumper


def jumps():
    out = []
    out.append(1)
    out.append(2)
    out.append("skipped")
    out.append("skipped too")
    out.append(3)
    return out


for _ in range(30):
    jumps()
sys.settrace(jumper)
print(jumps())
sys.settrace(None)


def bad_jumper(frame, event, arg):
    if event == "line":
        try:
            frame.f_lineno = 10**6
        except ValueError as error:
            log.append(str(error))
    return bad_jumper


sys.settrace(bad_jumper)
helper(1)
sys.settrace(None)
show("bad jump")
try:
    sys._getframe().f_lineno = 3
except ValueError as error:
    print(error)


def raising_tracer(frame, event, arg):
    if event == "line" and frame.f_code.co_name == "helper":
        raise RuntimeError("from tracer")
    return raising_tracer


sys.settrace(raising_tracer)
try:
    helper(3)
except RuntimeError as error:
    print(error, sys.gettrace())
sys.settrace(None)


def local_locals(frame, event, arg):
    if frame.f_code.co_name == "changed" and event == "line":
        frame.f_locals["x"] = "by tracer"
    return local_locals


def changed():
    x = 1
    y = x
    return x, y


for _ in range(20):
    changed()
sys.settrace(local_locals)
print(changed())
sys.settrace(None)
print(changed())


def in_thread():
    log.append(("in thread", helper(1)))


threading.settrace(tracer)
t = threading.Thread(target=in_thread)
t.start()
t.join()
threading.settrace(None)
show("threading.settrace")

generator = gen(5)
next(generator)
sys.settrace(tracer)
next(generator)
sys.settrace(None)
next(generator)
sys.settrace(tracer)
generator.close()
sys.settrace(None)
show("generator half traced")


def traced_exception_through():
    def inner():
        raise KeyError("deep")

    def middle():
        inner()
    try:
        middle()
    except KeyError:
        pass
    for i in range(2):
        try:
            continue
        finally:
            pass


sys.settrace(tracer)
traced_exception_through()
sys.settrace(None)
show("exceptions")


def recursion(n):
    return n and recursion(n - 1)


sys.settrace(tracer)
recursion(3)
sys.settrace(None)
show("recursion")
import bdb  # noqa: E402
import cProfile  # noqa: E402
import pstats  # noqa: E402

profile = cProfile.Profile()
profile.enable()
body()
profiled()
profile.disable()
stats = pstats.Stats(profile)
print(sorted((k[2], v[:2]) for k, v in stats.stats.items() if k[0] == __file__))
print(sorted((k[2], v[:2]) for k, v in stats.stats.items() if k[0] == "~"))


class Debugger(bdb.Bdb):
    def user_line(self, frame):
        print("user_line", frame.f_code.co_name, frame.f_lineno - frame.f_code.co_firstlineno)
        self.set_step()

    def user_return(self, frame, value):
        print("user_return", frame.f_code.co_name, value)

    def user_exception(self, frame, info):
        print("user_exception", frame.f_code.co_name, info[0].__name__)


debugger = Debugger(skip=["bdb"])
debugger.runcall(helper, 1)
debugger.runcall(recursion, 2)
import trace  # noqa: E402

counter = trace.Trace(count=1, trace=0)
counter.runfunc(opcodes, 4)
print(sorted(v for k, v in counter.results().counts.items() if k[0] == __file__))
