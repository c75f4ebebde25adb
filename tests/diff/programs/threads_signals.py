"""Threads with locks, GIL switching in hot loops, signals raising in loops, async exceptions."""

# ruff: noqa - odd code on purpose

import _thread
import ctypes
import os
import queue
import signal
import sys
import threading
import time

sys.setswitchinterval(1e-4)
counter = 0
lock = threading.Lock()


def work(n):
    global counter
    for _ in range(n):
        with lock:
            counter += 1


threads = [threading.Thread(target=work, args=(5000,)) for _ in range(6)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(counter)


def spin_until(flag):
    n = 0
    while not flag:
        n += 1
    return n > 0


flag = []
t = threading.Thread(target=lambda: (time.sleep(0.02), flag.append(1)))
t.start()
print(spin_until(flag))
t.join()


def produce(q, n):
    for i in range(n):
        q.put(i)
    q.put(None)


def consume(q):
    total = 0
    while (item := q.get()) is not None:
        total += item
    return total


q = queue.Queue(10)
t = threading.Thread(target=produce, args=(q, 2000))
t.start()
print(consume(q))
t.join()
local = threading.local()


def use_local(results, i):
    local.value = i
    time.sleep(0.001)
    results.append(local.value == i)


results = []
threads = [threading.Thread(target=use_local, args=(results, i)) for i in range(10)]
[t.start() for t in threads]
[t.join() for t in threads]
print(all(results), len(results), hasattr(local, "value"))


def thread_fib(n):
    return n if n < 2 else thread_fib(n - 1) + thread_fib(n - 2)


answers = []
threads = [threading.Thread(target=lambda: answers.append(thread_fib(15))) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
print(answers)
sys.setswitchinterval(0.005)


def failing():
    raise ValueError("in a thread")


threading.excepthook = lambda args: print("hook", args.exc_type.__name__, args.exc_value)
t = threading.Thread(target=failing)
t.start()
t.join()


# Signals.
class Alarm(Exception):
    pass


def handler(signum, frame):
    raise Alarm(frame.f_code.co_name)


signal.signal(signal.SIGALRM, handler)


def while_true():
    while True:
        pass


def while_condition():
    x = 1
    while x:
        x += 1


def for_range():
    while True:
        for i in range(1000):
            i + i


def for_generator():
    def forever():
        while True:
            yield 1
    for _ in forever():
        pass


def calls():
    def f():
        return 1
    while f():
        f()


def nested_while():
    i = 0
    while i is not None:
        i = i + 1 if i < 100 else 0


def do_none():
    x = None
    while x is None:
        x = None


def try_loop():
    while True:
        try:
            pass
        finally:
            pass


def comprehension():
    [0 for _ in iter(int, 1)]


def recursion_loop():
    def r(n):
        return n and r(n - 1)
    while True:
        r(50)


def yield_from():
    def inner():
        while True:
            yield

    def outer():
        yield from inner()
    for _ in outer():
        pass


def with_loop():
    class M:
        def __enter__(self):
            return self

        def __exit__(self, *a):
            return None
    while True:
        with M():
            pass


for function in (while_true, while_condition, for_range, for_generator, calls, nested_while, do_none,
                 try_loop, comprehension, recursion_loop, yield_from, with_loop):
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    try:
        function()
    except Alarm:
        tb = sys.exc_info()[2]
        print(function.__name__, "interrupted", tb.tb_next.tb_frame.f_code.co_name)

hits = []
signal.signal(signal.SIGUSR1, lambda s, f: hits.append(f.f_lineno > 0))
for _ in range(50):
    os.kill(os.getpid(), signal.SIGUSR1)
    for _ in range(10):
        pass
print(len(hits), all(hits))
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    _thread.interrupt_main()
    for _ in range(10**7):
        pass
    print("no interrupt")
except KeyboardInterrupt:
    print("KeyboardInterrupt")


class Killed(Exception):
    pass


set_async = ctypes.pythonapi.PyThreadState_SetAsyncExc


def victim(loop, done, started):
    started.set()
    try:
        loop()
    except Killed:
        done.append("killed")


for loop in (while_true, for_range, for_generator, calls, do_none, try_loop):
    done, started = [], threading.Event()
    t = threading.Thread(target=victim, args=(loop, done, started))
    t.start()
    started.wait()
    time.sleep(0.005)
    set_async(ctypes.c_ulong(t.ident), ctypes.py_object(Killed))
    t.join(20)
    print(loop.__name__, done)
try:
    set_async(ctypes.c_ulong(threading.get_ident()), ctypes.py_object(Killed))
    for _ in range(10**6):
        pass
    print("never")
except Killed:
    print("self killed")

# Frames of other threads.
ready, go = threading.Event(), threading.Event()


def parked(mark):
    ready.set()
    go.wait()
    return mark


t = threading.Thread(target=parked, args=("m",))
t.start()
ready.wait()
time.sleep(0.02)
frames = []
f = sys._current_frames()[t.ident]
while f:
    frames.append(f.f_code.co_name)
    f = f.f_back
print(frames)
go.set()
t.join()

pid = os.fork()
if pid == 0:
    print("child", thread_fib(12), flush=True)
    os._exit(7)
print("status", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
timer = threading.Timer(0.01, lambda: print("timer"))
timer.start()
timer.join()
barrier = threading.Barrier(3)
order = []
threads = [threading.Thread(target=lambda: order.append(barrier.wait())) for _ in range(3)]
[t.start() for t in threads]
[t.join() for t in threads]
print(sorted(order))
