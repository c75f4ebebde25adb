"""with: enter, exit, suppression, exceptions in both, several managers, missing methods."""

# ruff: noqa - odd code on purpose

import contextlib
import traceback


class Manager:
    def __init__(self, name, swallow=False, fail_enter=False, fail_exit=False):
        self.name, self.swallow = name, swallow
        self.fail_enter, self.fail_exit = fail_enter, fail_exit

    def __enter__(self):
        log.append("enter " + self.name)
        if self.fail_enter:
            raise KeyError("enter")
        return self

    def __exit__(self, kind, value, tb):
        log.append(("exit " + self.name, kind and kind.__name__, str(value), tb is not None))
        if self.fail_exit:
            raise OSError("exit")
        return self.swallow


def body(kind, *managers):
    for i in range(2):
        with managers[0] as first, managers[1] as second:
            log.append((first.name, second.name))
            if kind == "raise":
                raise ValueError(i)
            if kind == "return":
                return i
            if kind == "break":
                break
            if kind == "continue":
                continue
        log.append("after with")
    return "end"


for turn in range(20):
    for kind in ("none", "raise", "return", "break", "continue"):
        for options in ({}, {"swallow": True}, {"fail_enter": True}, {"fail_exit": True},
                        {"swallow": [1]}):
            log = []
            try:
                result = body(kind, Manager("a"), Manager("b", **options))
            except Exception as error:
                result = (repr(error), repr(error.__context__))
            if turn == 19:
                print(kind, options, result, log)


class NoExit:
    def __enter__(self):
        return 1


class NoEnter:
    def __exit__(self, *args):
        return True


class BadBool:
    def __bool__(self):
        raise ZeroDivisionError("bool")


class ExitBadBool:
    def __enter__(self):
        pass

    def __exit__(self, *args):
        return BadBool()


class AsyncOnly:
    async def __aenter__(self):
        pass

    async def __aexit__(self, *args):
        pass


class Dynamic:
    def __getattr__(self, name):
        raise AssertionError("instance lookup")


for manager in (NoExit(), NoEnter(), ExitBadBool(), 5, AsyncOnly(), Dynamic()):
    try:
        with manager:
            raise ValueError("inside")
    except Exception as error:
        print(type(error).__name__, error, repr(error.__context__))

with contextlib.suppress(KeyError), contextlib.ExitStack() as stack:
    stack.callback(print, "callback")
    stack.enter_context(contextlib.closing(open("/dev/null")))
    raise KeyError


@contextlib.contextmanager
def generated(tag):
    print("setup", tag)
    try:
        yield tag
    except ValueError as error:
        print("swallowed", error)
    finally:
        print("teardown", tag)


for i in range(3):
    with generated(i) as got:
        if i == 1:
            raise ValueError(got)
try:
    with generated("x"):
        raise KeyError("not swallowed")
except KeyError as error:
    print(error)


@generated("decorated")
def decorated():
    return "inside"


print(decorated())


def in_generator():
    with generated("in generator"):
        yield 1
        yield 2


for value in in_generator():
    print(value)
    break

with (open("/dev/null") as f, Manager("paren") as (target)):
    print(f.closed, target.name)
print(f.closed)

holder = {}
with Manager("sub") as holder["x"], Manager("attr") as Manager.last:
    print(holder["x"].name, Manager.last.name)


class Pair:
    def __enter__(self):
        return (1, [2, 3])

    def __exit__(self, *args):
        pass


with Pair() as (a, (b, *c)):
    print(a, b, c)
try:
    with Pair() as (a, b, c):
        pass
except ValueError:
    print(traceback.format_exc())


def deep(n):
    with Manager(str(n)):
        if n:
            return deep(n - 1)
        raise LookupError("deep")


log = []
try:
    deep(30)
except LookupError:
    print(traceback.format_exc())
print(len(log), log[-1])
