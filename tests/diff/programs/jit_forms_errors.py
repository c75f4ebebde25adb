"""Hot loops that enter with blocks and raise and catch exceptions, and look at them closely."""

import contextlib
import io
import sys
import threading

# ---- with ----


class Manager:
    def __init__(self):
        self.entered = self.left = 0

    def __enter__(self):
        self.entered += 1
        return self

    def __exit__(self, kind, value, tb):
        self.left += 1


class Swallows:
    def __init__(self):
        self.seen = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, value, tb):
        if kind is not None:
            self.seen += 1
        return kind is ValueError


@contextlib.contextmanager
def managed(log):
    log.append(1)
    try:
        yield 2
    finally:
        log.pop()


def loop_with(n):
    m = Manager()
    for i in range(n):
        with m:
            pass
        with m as k:
            k.entered += 1
    return m.entered, m.left


def loop_with_new(n):
    t = 0
    for i in range(n):
        with Manager() as m:
            t += m.entered
    return t


def loop_with_two(n):
    m = Manager()
    t = 0
    for i in range(n):
        with m as a, m as b:
            t += a.entered - b.left
    return t


def loop_with_lock(n):
    lock = threading.Lock()
    t = 0
    for i in range(n):
        with lock:
            t += i
    return t


def loop_with_rlock(n):
    lock = threading.RLock()
    t = 0
    for i in range(n):
        with lock:
            t += i
    return t


def loop_with_c(n):
    t = 0
    for i in range(n):
        with io.StringIO() as f:
            t += f.write("ab")
    return t


def loop_with_contextmanager(n):
    log = []
    t = 0
    for i in range(n):
        with managed(log) as v:
            t += v + len(log)
    return t


def loop_with_suppress(n):
    t = 0
    for i in range(n):
        with contextlib.suppress(KeyError):
            t += {}[i]
        t += 1
    return t


def loop_with_return(n):
    m = Manager()

    def inner(x):
        with m:
            return x + 1

    t = 0
    for i in range(n):
        t += inner(i)
    return t, m.left


def loop_with_continue(n):
    m = Manager()
    t = 0
    for i in range(n):
        with m:
            if i & 1:
                continue
            t += 1
    return t, m.left


def loop_with_raises(n):
    s = Swallows()
    t = 0
    for i in range(n):
        with s:
            raise ValueError(i)
        t += 1
    return t, s.seen


def loop_with_raises_through(n):
    s = Swallows()
    t = 0
    for i in range(n):
        try:
            with s:
                raise KeyError(i)
        except KeyError as e:
            t += e.args[0]
    return t, s.seen


# ---- raised here, caught here ----


class Mine(Exception):
    pass


class WithInit(Exception):
    def __init__(self, x):
        super().__init__(x)
        self.x = x


class Derived(Mine):
    pass


def loop_raise_class(n):
    t = 0
    for i in range(n):
        try:
            raise ValueError
        except ValueError:
            t += 1
    return t


def loop_raise_instance(n):
    t = 0
    for i in range(n):
        try:
            raise ValueError(i)
        except ValueError as e:
            t += e.args[0]
    return t


def loop_raise_mine(n):
    t = 0
    for i in range(n):
        try:
            raise Mine(i, 2)
        except Mine as e:
            t += e.args[1]
    return t


def loop_raise_with_init(n):
    t = 0
    for i in range(n):
        try:
            raise WithInit(i)
        except WithInit as e:
            t += e.x
    return t


def loop_raise_same(n):
    t = 0
    e = Mine()
    for i in range(n):
        try:
            raise e
        except Mine as x:
            t += x is e
            e.__traceback__ = None
    return t


def loop_except_base(n):
    t = 0
    for i in range(n):
        try:
            raise Derived(1)
        except Mine:
            t += 1
    return t


def loop_except_tuple(n):
    t = 0
    for i in range(n):
        try:
            raise Derived(1)
        except (KeyError, Mine):
            t += 1
    return t


def loop_except_chain(n):
    t = 0
    for i in range(n):
        try:
            raise Derived(1)
        except KeyError:
            t += 100
        except (ValueError, TypeError):
            t += 1000
        except Exception:
            t += 1
    return t


def loop_except_bare(n):
    t = 0
    for i in range(n):
        try:
            raise Derived(1)
        except:
            t += 1
    return t


def loop_finally(n):
    t = 0
    for i in range(n):
        try:
            t += 1
        finally:
            t += 2
    return t


def loop_finally_raises(n):
    t = 0
    for i in range(n):
        try:
            try:
                raise Mine(i)
            finally:
                t += 2
        except Mine:
            t += 3
    return t


def loop_else(n):
    t = 0
    for i in range(n):
        try:
            t += 1
        except Mine:
            t += 100
        else:
            t += 2
        finally:
            t += 3
    return t


def loop_reraise(n):
    t = 0
    for i in range(n):
        try:
            try:
                raise Mine(i)
            except Mine:
                t += 1
                raise
        except Mine as e:
            t += e.args[0]
    return t


def loop_raise_from(n):
    t = 0
    for i in range(n):
        try:
            try:
                raise Mine(i)
            except Mine as e:
                raise KeyError(2) from e
        except KeyError as e:
            t += e.__cause__.args[0] + (e.__context__ is e.__cause__)
    return t


def loop_raise_from_none(n):
    t = 0
    for i in range(n):
        try:
            try:
                raise Mine(i)
            except Mine:
                raise KeyError(2) from None
        except KeyError as e:
            t += e.__context__.args[0] + e.__suppress_context__
    return t


def loop_context(n):
    t = 0
    for i in range(n):
        try:
            try:
                raise Mine(i)
            except Mine:
                raise KeyError(2)
        except KeyError as e:
            t += e.__context__.args[0]
    return t


def loop_exc_info(n):
    t = 0
    for i in range(n):
        try:
            raise Mine(i)
        except Mine:
            kind, value, tb = sys.exc_info()
            t += (kind is Mine) + value.args[0] + tb.tb_lineno - tb.tb_frame.f_lineno
            tb = value = None
        t += sys.exc_info()[0] is None
    return t


# ---- out of what is called ----


def raises(x):
    raise Mine(x)


def deeper(x):
    return raises(x + 1)


def maybe(x):
    if x & 1:
        raise Mine(x)
    return x


def passes_on(x):
    try:
        return deeper(x)
    finally:
        LOG.append(x)
        LOG.pop()


LOG = []


def chain_of(tb):
    out = []
    while tb is not None:
        out.append((tb.tb_frame.f_code.co_name, tb.tb_lineno - tb.tb_frame.f_code.co_firstlineno))
        tb = tb.tb_next
    return out


def loop_called(n):
    t = 0
    for i in range(n):
        try:
            raises(i)
        except Mine as e:
            t += e.args[0]
    return t


def loop_called_deep(n):
    t = 0
    for i in range(n):
        try:
            t += passes_on(i)
        except Mine as e:
            t += e.args[0]
            last = chain_of(e.__traceback__)
    return t, last


def loop_called_sometimes(n):
    t = 0
    for i in range(n):
        try:
            t += maybe(i)
        except Mine as e:
            t -= e.args[0]
    return t


def loop_key_error(n):
    t = 0
    d = {1: 2}
    for i in range(n):
        try:
            t += d[-1 - i]
        except KeyError as e:
            t += e.args[0]
    return t


def loop_key_error_str(n):
    t = 0
    d = {"a": 2}
    for i in range(n):
        try:
            t += d["b"]
        except KeyError:
            t += 1
    return t


def loop_index_error(n):
    t = 0
    a = [1, 2]
    for i in range(n):
        try:
            t += a[i % 4]
        except IndexError as e:
            t += len(str(e))
    return t


def loop_index_error_tuple_str(n):
    t = 0
    for i in range(n):
        try:
            t += (1, 2)[i % 4]
            t += len("ab"[i % 3])
        except IndexError:
            t += 1
    return t


def loop_value_error(n):
    t = 0
    for i in range(n):
        try:
            t += int("12" if i & 1 else "x")
        except ValueError as e:
            t += len(str(e))
    return t


def loop_float_error(n):
    t = 0
    for i in range(n):
        try:
            t += float("x")
        except ValueError:
            t += 1
    return t


def loop_zero_division(n):
    t = 0
    for i in range(n):
        try:
            t += 7 // (i % 3)
            t += 1.5 / (i % 3 - 1)
        except ZeroDivisionError as e:
            t += len(str(e))
    return t


def loop_attribute_error(n):
    t = 0
    m = Manager()
    for i in range(n):
        try:
            t += m.missing
        except AttributeError as e:
            t += len(e.name)
    return t


def loop_type_error(n):
    t = 0
    for i in range(n):
        try:
            t += i + "a"
        except TypeError as e:
            t += len(str(e))
    return t


def loop_name_error(n):
    t = 0
    for i in range(n):
        try:
            t += not_there
        except NameError as e:
            t += len(e.name)
    return t


def loop_stop_iteration(n):
    t = 0
    for i in range(n):
        it = iter((1, 2))
        try:
            t += next(it)
            t += next(it)
            t += next(it)
        except StopIteration as e:
            t += e.value is None
    return t


def loop_unpack_error(n):
    t = 0
    for i in range(n):
        try:
            a, b = (1, 2, 3)
        except ValueError as e:
            t += len(str(e))
    return t


def loop_call_error(n):
    t = 0
    for i in range(n):
        try:
            maybe(1, 2)
        except TypeError as e:
            t += len(str(e))
    return t


def loop_pop_errors(n):
    t = 0
    for i in range(n):
        try:
            [].pop()
        except IndexError:
            t += 1
        try:
            {}.pop(i)
        except KeyError:
            t += 1
        try:
            [1].remove(i + 2)
        except ValueError:
            t += 1
        try:
            "abc".index("z")
        except ValueError:
            t += 1
    return t


def loop_assert(n):
    t = 0
    for i in range(n):
        try:
            assert i < 0, i
        except AssertionError as e:
            t += e.args[0]
    return t


# ---- order of things ----


class Dies:
    def __init__(self, log, name):
        self.log = log
        self.name = name

    def __del__(self):
        self.log.append((self.name, sys.exc_info()[0] is None))


def with_local(log, i):
    d = Dies(log, i)
    raise Mine(d.name)


def loop_finalizers(n):
    log = []
    for i in range(n):
        try:
            with_local(log, i)
        except Mine as e:
            log.append(("caught", e.args[0]))
        log.append("after")
    return log[:9], log[-9:], len(log)


def loop_finalizers_stack(n):
    log = []
    for i in range(n):
        try:
            [Dies(log, i), 1 // 0]
        except ZeroDivisionError:
            log.append("caught")
        log.append("after")
    return log[:9], log[-9:], len(log)


def loop_lines(n):
    out = set()
    for i in range(n):
        try:
            if i % 2:
                raise Mine
            else:
                {}[i]
        except (Mine, KeyError) as e:
            out.add((type(e).__name__, tuple(chain_of(e.__traceback__))))
    return sorted(out)


def loop_traceback_kept(n):
    kept = []
    for i in range(n):
        try:
            deeper(i)
        except Mine as e:
            kept.append(e)
    frames = [e.__traceback__.tb_next.tb_next.tb_frame for e in kept]
    return [f.f_locals for f in frames[:3]], [chain_of(e.__traceback__) for e in kept[-2:]]


def loop_nested_handlers(n):
    t = 0
    for i in range(n):
        try:
            raise Mine(i)
        except Mine as outer:
            try:
                raise KeyError(i)
            except KeyError as inner:
                t += (inner.__context__ is outer) + (sys.exc_info()[1] is inner)
            t += sys.exc_info()[1] is outer
    return t


def loop_generator_raises(n):
    def gen():
        yield 1
        raise Mine(2)

    t = 0
    for i in range(n):
        try:
            for v in gen():
                t += v
        except Mine as e:
            t += e.args[0]
    return t


def loop_groups(n):
    t = 0
    for i in range(n):
        try:
            raise ExceptionGroup("g", [Mine(i), KeyError(i)])
        except* Mine as g:
            t += len(g.exceptions)
        except* KeyError:
            t += 1
    return t


def loop_outer_handler(n):
    t = 0
    try:
        raise Mine(5)
    except Mine as outer:
        for i in range(n):
            try:
                raise KeyError(i)
            except KeyError as e:
                t += e.__context__ is outer
    return t


LOOPS = [f for name, f in list(globals().items()) if name.startswith("loop_")]


def main():
    for f in LOOPS:
        print(f.__name__, [f(n) for n in (3, 60, 60)])


if __name__ == "__main__":
    main()
