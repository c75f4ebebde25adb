"""Lists, dicts and sets changed while they are iterated, unpacked, sorted or subscripted."""

# ruff: noqa - odd code on purpose


def attempt(function, *args):
    try:
        return function(*args)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def list_grow():
    items = [1, 2, 3]
    for x in items:
        if len(items) < 40:
            items.append(x * 2)
    return items[-3:], len(items)


def list_shrink():
    items = list(range(50))
    seen = []
    for x in items:
        seen.append(x)
        items.pop()
        if x % 3 == 0:
            del items[0]
    return seen, items


def list_clear():
    items = list(range(10))
    out = []
    for x in items:
        out.append(x)
        if x == 4:
            items.clear()
    items.append(5)
    return out, items


def list_reassign():
    items = [1, 2, 3]
    out = []
    for x in items:
        items = [9]
        out.append(x)
    return out, items


def exhausted_iterator():
    items = [1]
    it = iter(items)
    out = list(it)
    items.append(2)
    return out, list(it)


def dict_grow():
    d = {i: i for i in range(5)}
    for k in d:
        d[k + 100] = 1
    return d


def dict_shrink():
    d = {i: i for i in range(5)}
    for k in d:
        del d[k]


def dict_same_size():
    d = {i: i for i in range(5)}
    seen = []
    for k in d:
        seen.append(k)
        if k < 3:
            del d[k]
            d[k + 50] = 1
        if len(seen) > 30:
            break
    return seen


def dict_replace_values():
    d = {i: i for i in range(60)}
    for k in d:
        d[k] = -k
    for k, v in d.items():
        d[k] = v * 2
    return sum(d.values())


def items_grow():
    d = {i: i for i in range(5)}
    for k, v in d.items():
        d[str(k)] = v


def values_shrink():
    d = {i: i for i in range(5)}
    for v in d.values():
        d.popitem()


def set_change():
    s = {1, 2, 3}
    for x in s:
        s.add(x + 10)


def held_items():
    d = {i: str(i) for i in range(5)}
    pairs = []
    for pair in d.items():
        pairs.append(pair)
    again = [id(p) for p in pairs]
    return pairs, len(set(again))


def held_enumerate():
    kept = [p for p in enumerate("abc")]
    kept += [p for p in zip("abc", range(3))]
    return kept


def sort_mutates():
    items = [3, 1, 2]
    items.sort(key=lambda x: items.append(x))


class EvilEq:
    def __init__(self, target):
        self.target = target

    def __eq__(self, other):
        self.target.clear()
        return False

    __hash__ = object.__hash__


def evil_contains():
    items = [1, 2]
    items.append(EvilEq(items))
    items.append(7)
    return 7 in items, items


class EvilKey:
    def __init__(self, d):
        self.d = d

    def __hash__(self):
        return 1

    def __eq__(self, other):
        self.d.clear()
        return True


def evil_dict():
    d = {}
    d[EvilKey(d)] = "v"
    return attempt(lambda: d[EvilKey(d)]), len(d)


class Del:
    def __init__(self, items):
        self.items = items

    def __del__(self):
        self.items.append("del")


def del_during_store():
    items = []
    items.append(Del(items))
    items[0] = 5
    d = {"k": Del(items)}
    d["k"] = 1
    local = Del(items)
    local = 2
    t = (Del(items), local)
    del t
    return items


class EvilIndex:
    def __init__(self, items):
        self.items = items

    def __index__(self):
        self.items.clear()
        return 1


def evil_index():
    items = [1, 2, 3]
    return attempt(lambda: items[EvilIndex(items)]), items


def evil_slice():
    items = list(range(10))
    return items[:EvilIndex(items)], attempt(items.__setitem__, slice(EvilIndex(items), 5), [9])


class EvilIter:
    def __init__(self, items):
        self.items = items

    def __iter__(self):
        return self

    def __next__(self):
        if len(self.items) < 20:
            self.items.append(1)
            return 5
        raise StopIteration


def evil_extend():
    items = []
    items.extend(EvilIter(items))
    items += EvilIter(items)
    other = [*EvilIter(items), *items]
    return len(items), len(other)


functions = [list_grow, list_shrink, list_clear, list_reassign, exhausted_iterator, dict_grow,
             dict_shrink, dict_same_size, dict_replace_values, items_grow, values_shrink,
             set_change, held_items, held_enumerate, sort_mutates, evil_contains, evil_dict,
             del_during_store, evil_index, evil_slice, evil_extend]
for turn in range(20):
    results = [attempt(f) for f in functions]
for f, r in zip(functions, results):
    print(f.__name__, r)


# Subscript stores and deletes over changing containers.
def store(c, k, v):
    c[k] = v


def delete(c, k):
    del c[k]


class D(dict):
    def __setitem__(self, k, v):
        super().__setitem__(k, ("D", v))


containers = [[0] * 5, {}, D(), bytearray(5), (1, 2), "s", None, memoryview(bytearray(5)), {1}]
out = []
for i in range(len(containers) * 40):
    c = containers[i // 40]
    out.append(attempt(store, c, i % 5, i % 256))
    if i % 40 == 39:
        out.append((attempt(store, c, 10**25, 1), attempt(store, c, -1, 1),
                    attempt(store, c, "x", "y"), attempt(store, c, [], 1),
                    attempt(store, c, slice(0, 2), [7, 8]), attempt(delete, c, 0),
                    attempt(delete, c, -99), attempt(delete, c, slice(None))))
        print(type(c).__name__, out[-2:], list(c) if c is not None else "")
# Unhashable and odd keys.
d = {}
for k in (1, 1.0, True, "1", b"1", (1, 2), frozenset([1]), None, ..., 2**70, float("inf")):
    d[k] = k
print(d, [attempt(lambda: d[k]) for k in ([], {}, set(), (1, []))])
print({**{1: 2}, **{1: 3, 2: 4}}, {1: 2} | {2: 3}, [*range(3), *"ab"], {*[1, 2], *(2, 3)}, (*[1], 2))
print(attempt(lambda: [*5]), attempt(lambda: {*5}), attempt(lambda: {**5}), attempt(lambda: (*None,)))
print(attempt(lambda: {**[1]}), attempt(lambda: {[]: 1}), attempt(lambda: {[] for _ in [1]}),
      attempt(lambda: {[]: 1 for _ in [1]}))
keys = [f"k{i}" for i in range(200)]
big = {}
for k in keys:
    big[k] = len(big)
for k in keys[::2]:
    del big[k]
for k in keys[::3]:
    big[k] = "again"
print(list(big.items())[:12], len(big), list(reversed(big))[:3])
