"""Items of memoryview in hot loops: formats, bounds, readonly, released, strides, changing kinds."""

from __future__ import annotations

import traceback
from array import array


def attempt(function, *args):
    try:
        return function(*args)
    except BaseException as error:
        frames = traceback.extract_tb(error.__traceback__)
        return type(error).__name__, str(error), [(f.name, f.lineno) for f in frames]


def total(view, n):
    result = 0
    for i in range(n):
        result += view[i]
    return result


def backwards(view, n):
    result = []
    for i in range(1, n + 1):
        result.append(view[-i])
    return result


def fill(view, n, step):
    for i in range(n):
        view[i] = i * step
    return view[0], view[n - 1]


def sizes(view, n):
    length = 0
    for _ in range(n):
        length += len(view)
    return length


def release_at(view, n, at):
    result = 0
    for i in range(n):
        if i == at:
            view.release()
        result += view[i % 8]
    return result


def length_then_release(view, n, at):
    result = 0
    for i in range(n):
        if i == at:
            view.release()
        result += len(view)
    return result


N = 60
print("kinds")
for code in "bBhHiIlqfd":
    data = array(code, range(N))
    view = memoryview(data)
    print(code, attempt(total, view, N), attempt(backwards, view, 9), sizes(view, N))
    print(code, attempt(fill, view, N, 2), data[:5].tolist(), attempt(fill, view, N, 1.5))
    wrong = [attempt(fill, view, N, step) for step in (2**40, -1, "x")]
    print(code, wrong)
    print(code, attempt(total, view, N + 1), attempt(total, view[5:], N - 5))
    print(code, attempt(total, view[::2], N // 2), attempt(total, view[::-1], N))
for code in "LQ":
    view = memoryview(array(code, [2**63 + i for i in range(N)]))
    print(code, attempt(total, view, N), attempt(fill, view, N, 3), attempt(fill, view, N, -3))

print("bytes")
print(attempt(total, memoryview(bytes(range(N))), N), attempt(fill, memoryview(bytes(N)), N, 1))
print(attempt(total, memoryview(bytearray(range(N))), N))
print(attempt(fill, memoryview(bytearray(N)), N, 4), attempt(fill, memoryview(bytearray(N)), N, 5))
print(attempt(total, memoryview(bytearray(N)).toreadonly(), N))
print(attempt(fill, memoryview(bytearray(N)).toreadonly(), N, 1))

print("casts")
raw = memoryview(bytearray(range(240)))
for code in "bBhHiIlLqQnNfd?c":
    cast = raw.cast(code)
    print(code, attempt(total, cast, 6), attempt(backwards, cast, 5), len(cast))
for code in ("@d", "@B", "@i"):
    print(code, attempt(total, raw.cast(code), 6), attempt(fill, raw.cast(code), 6, 3))
grid = raw.cast("B", (12, 20))
print(attempt(total, grid, 3), sizes(grid, N), attempt(fill, grid, 3, 1))
print(attempt(sizes, memoryview(bytearray(1)).cast("B", ()), 4))

print("one site, several kinds")
views = [memoryview(bytearray(range(N))), memoryview(array("d", range(N))), memoryview(bytes(N))]
views += [memoryview(array("h", range(N))), memoryview(array("i", range(N)))[::2], raw.cast("I")]
for turn in range(4):
    for view in views:
        print(turn, attempt(total, view, 25), attempt(sizes, view, 5))

print("released")
print(attempt(release_at, memoryview(bytearray(range(8))), N, 40))
print(attempt(length_then_release, memoryview(bytearray(8)), N, 40))
base = memoryview(bytearray(range(8)))
part = base[2:]
part.release()
print(attempt(total, part, 3), attempt(total, base, 8), attempt(sizes, part, 3))

print("the same bytes through several views")
shared = bytearray(16)
as_bytes, as_ints = memoryview(shared), memoryview(shared).cast("I")


def mixed(n):
    result = 0
    for i in range(n):
        as_bytes[i % 16] = i % 256
        result += as_ints[i % 4]
        shared[(i + 1) % 16] = 7
        as_ints[(i + 2) % 4] = i
        result += as_bytes[(i + 1) % 16] + shared[i % 16]
    return result


print(mixed(200), bytes(shared))
print(attempt(shared.extend, b"x"))
