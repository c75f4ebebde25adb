"""try/except/else/finally in all nestings, except*, raise forms, contexts, tracebacks."""

# ruff: noqa - odd code on purpose

import sys
import traceback


def flow(kind, log):
    for i in range(3):
        try:
            log.append(f"try{i}")
            if kind == "break":
                break
            if kind == "continue":
                continue
            if kind == "return":
                return "returned"
            if kind == "raise":
                raise ValueError(i)
            if kind == "other":
                raise KeyError(i)
        except ValueError as error:
            log.append(f"except {error}")
            if i == 1:
                raise
        else:
            log.append("else")
        finally:
            log.append("finally")
            if kind == "swallow":
                return "from finally"
    else:
        log.append("loop else")
    return "end"


for kind in ("none", "break", "continue", "return", "raise", "other", "swallow") * 3:
    log = []
    try:
        print(kind, flow(kind, log), log)
    except Exception as error:
        print(kind, repr(error), log)


def finally_overrides():
    for i in range(4):
        try:
            try:
                raise ValueError(i)
            finally:
                if i == 0:
                    continue
                if i == 1:
                    raise KeyError(i)
                if i == 2:
                    break
        except KeyError as error:
            print(repr(error), repr(error.__context__))
    try:
        return "try value"
    finally:
        print("finally after return")


print(finally_overrides())


def nested(depth):
    if not depth:
        raise ZeroDivisionError("bottom")
    try:
        nested(depth - 1)
    except ZeroDivisionError as error:
        raise ValueError(depth) from error
    except ValueError as error:
        try:
            raise KeyError(depth)
        except KeyError:
            raise RuntimeError(depth) from None
        finally:
            del error
    except RuntimeError:
        raise LookupError(depth)


for depth in range(1, 6):
    try:
        nested(depth)
    except Exception:
        print(traceback.format_exc())


def show(function):
    try:
        function()
    except BaseException as error:
        print(type(error).__name__, error, "| cause", repr(error.__cause__), "| context",
              repr(error.__context__), error.__suppress_context__)


def raise_class():
    raise ValueError


def raise_bad():
    raise 5


def raise_none():
    raise None


def raise_bad_cause():
    raise ValueError from 5


def raise_cause_class():
    raise ValueError from KeyError


def raise_nothing():
    raise


def raise_from_none():
    try:
        raise KeyError
    except KeyError:
        raise ValueError from None


class BadException(Exception):
    def __init__(self, *args):
        raise OSError("in init")


class NotReally(Exception):
    def __new__(cls):
        return 5


def raise_bad_init():
    raise BadException


def raise_not_really():
    raise NotReally


def bad_except_type():
    try:
        raise ValueError
    except 5:
        pass


def bad_except_tuple():
    try:
        raise ValueError
    except (KeyError, "x"):
        pass


def tuple_except():
    try:
        raise ValueError("t")
    except (KeyError, (TypeError,), ValueError) as error:
        print("in tuple", error)


def unbound_after():
    try:
        raise ValueError
    except ValueError as error:
        pass
    return error


def self_context():
    error = ValueError("self")
    try:
        raise error
    except ValueError:
        raise error


def cycle():
    first = ValueError("first")
    try:
        raise first
    except ValueError:
        try:
            raise KeyError("second")
        except KeyError:
            raise first


for function in (raise_class, raise_bad, raise_none, raise_bad_cause, raise_cause_class,
                 raise_nothing, raise_from_none, raise_bad_init, raise_not_really,
                 bad_except_type, bad_except_tuple, tuple_except, unbound_after, self_context,
                 cycle) * 2:
    show(function)


def star(*errors, message="eg"):
    try:
        try:
            if errors:
                raise ExceptionGroup(message, errors)
            raise ValueError("naked")
        except* ValueError as group:
            print("ValueError", group.exceptions)
        except* (KeyError, TypeError) as group:
            print("Key/Type", group.exceptions)
            raise RuntimeError("from star")
        except* OSError:
            raise
        else:
            print("star else")
        finally:
            print("star finally")
    except BaseException as error:
        print(repr(error), repr(error.__context__))
        traceback.print_exception(error, file=sys.stdout)


for _ in range(2):
    star()
    star(ValueError(1))
    star(ValueError(1), ValueError(2), KeyError(3))
    star(OSError(1), ValueError(2))
    star(OSError(1), KeyError(2))
    star(IndexError(1))
    star(ExceptionGroup("inner", [ValueError(1), IndexError(2)]), ValueError(3))


def star_flow(n):
    for i in range(n):
        try:
            if i % 3:
                raise ExceptionGroup("g", [ValueError(i)])
        except* ValueError:
            total.append(i)
        else:
            total.append(-i)
    return "star_flow"


total = []
print(star_flow(60), total)


def star_bad():
    try:
        raise ValueError
    except* ExceptionGroup:
        pass


def star_bad_two():
    try:
        raise ExceptionGroup("x", [ValueError()])
    except* 5:
        pass


def star_nothing_raised():
    try:
        pass
    except* ValueError:
        print("no")
    return "nothing"


show(star_bad)
show(star_bad_two)
print(star_nothing_raised())


def hot(n):
    caught = {}
    for i in range(n):
        try:
            if i % 5 == 0:
                [].pop()
            elif i % 5 == 1:
                {}["k"]
            elif i % 5 == 2:
                1 / 0
            elif i % 5 == 3:
                None.nope
            else:
                int("x")
        except IndexError:
            caught["I"] = caught.get("I", 0) + 1
        except (KeyError, ZeroDivisionError) as error:
            caught[type(error).__name__] = caught.get(type(error).__name__, 0) + 1
        except AttributeError as error:
            caught["A"] = error.name
        except Exception as error:
            caught["E"] = error.args
        finally:
            caught["F"] = i
    return caught


print(hot(300))


def exc_info_stack():
    seen = [sys.exc_info()[0]]
    try:
        raise ValueError
    except ValueError:
        seen.append(sys.exc_info()[0])
        try:
            raise KeyError
        except KeyError:
            seen.append(sys.exc_info()[0])
        seen.append(sys.exc_info()[0])
        try:
            pass
        finally:
            seen.append(sys.exc_info()[0])
    seen.append(sys.exc_info()[0])
    return [s and s.__name__ for s in seen]


print(exc_info_stack())


def tb_lines():
    try:
        (lambda: [x for x in (y for y in [1, 0]) if 1 / x])()
    except ZeroDivisionError as error:
        tb = error.__traceback__
        out = []
        while tb:
            code = tb.tb_frame.f_code
            out.append((code.co_name, tb.tb_lineno, tb.tb_lasti,
                        list(code.co_positions())[tb.tb_lasti // 2]))
            tb = tb.tb_next
        return out


print(tb_lines())


class Exit(Exception):
    pass


def loops(n):
    out = []
    for i in range(n):
        while True:
            try:
                try:
                    if i % 4 == 0:
                        raise Exit
                    if i % 4 == 1:
                        break
                finally:
                    out.append(i)
                if i % 4 == 2:
                    return_value = i
                    raise KeyError(return_value)
                break
            except Exit:
                i += 1
                continue
            except KeyError as e:
                out.append(("k", e.args[0]))
                break
    return out


print(loops(40))

try:
    assert 1 == 2, "message"
except AssertionError as error:
    print(repr(error))
try:
    assert []
except AssertionError as error:
    print(repr(error))

error = ValueError("noted")
error.add_note("a note")
try:
    raise error
except ValueError:
    print(traceback.format_exc())
try:
    raise error.with_traceback(None)
except ValueError as e:
    print(e.__traceback__.tb_next)

sys.stdout.flush()


def final():
    try:
        raise ValueError("the end")
    finally:
        print("last words")


final()
