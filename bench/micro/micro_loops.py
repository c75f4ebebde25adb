"""Loops, generators and comprehensions."""

from __future__ import annotations

from micro import micro


@micro(inner=50)
def for_range_empty(loops):
    for _ in range(loops):
        for _i in range(50):
            pass


@micro(inner=50)
def for_list(loops):
    items = list(range(50))
    for _ in range(loops):
        for _i in items:
            pass


@micro(inner=50)
def for_dict_items(loops):
    items = {i: i for i in range(50)}
    for _ in range(loops):
        for _k, _v in items.items():
            pass


@micro(inner=50)
def for_enumerate(loops):
    items = list(range(50))
    for _ in range(loops):
        for _i, _x in enumerate(items):
            pass


@micro(inner=50)
def for_zip(loops):
    items = list(range(50))
    for _ in range(loops):
        for _x, _y in zip(items, items):
            pass


@micro(inner=50)
def for_float(loops):
    for _ in range(loops):
        x = 0.0
        for _i in range(50):
            x = x * 0.5 + 1.5


@micro(inner=50)
def while_int(loops):
    for _ in range(loops):
        i = 0
        while i < 50:
            i += 1


@micro(inner=50)
def sum_of_squares(loops):
    for _ in range(loops):
        s = 0
        for i in range(50):
            s += i * i


@micro(inner=50)
def branches(loops):
    for _ in range(loops):
        a = b = c = 0
        for i in range(50):
            if i & 1:
                a += 1
            elif i & 2:
                b += 1
            else:
                c += 1


def _count(n):
    i = 0
    while i < n:
        yield i
        i += 1


def _delegate(n):
    yield from _count(n)


@micro(inner=50)
def generator(loops):
    for _ in range(loops):
        for _x in _count(50):
            pass


@micro(inner=50)
def generator_yield_from(loops):
    for _ in range(loops):
        for _x in _delegate(50):
            pass


@micro(inner=50)
def generator_send(loops):
    def echo():
        x = None
        while True:
            x = yield x

    g = echo()
    g.send(None)
    send = g.send
    for _ in range(loops):
        for i in range(50):
            send(i)


@micro(inner=50)
def generator_expression(loops):
    items = list(range(50))
    for _ in range(loops):
        sum(x for x in items)


@micro(inner=50)
def list_comprehension(loops):
    items = list(range(50))
    for _ in range(loops):
        [x + 1 for x in items if x]


@micro(inner=50)
def dict_comprehension(loops):
    items = list(range(50))
    for _ in range(loops):
        {x: x for x in items}


async def _answer():
    return 42


async def _await_many(n):
    for _ in range(n):
        await _answer()


@micro(inner=50)
def coroutine_await(loops):
    for _ in range(loops):
        try:
            _await_many(50).send(None)
        except StopIteration:
            pass


async def _async_count(n):
    for i in range(n):
        yield i


async def _async_for(n):
    async for _ in _async_count(n):
        pass


@micro(inner=50)
def async_generator(loops):
    for _ in range(loops):
        try:
            _async_for(50).send(None)
        except StopIteration:
            pass


@micro(inner=100)
def mandelbrot(loops):
    """Ten iterations of ten points, with floats."""
    for _ in range(loops):
        for k in range(10):
            cx, cy = k * 0.01, 0.1
            x = y = 0.0
            for _i in range(10):
                xx, yy = x * x, y * y
                if xx + yy > 4.0:
                    break
                y = 2.0 * x * y + cy
                x = xx - yy + cx
