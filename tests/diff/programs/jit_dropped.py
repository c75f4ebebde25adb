"""Values that nobody looks at: what makes them may fail all the same, in the odd turn of a hot loop."""

# ruff: noqa - expressions for nothing, on purpose


def dict_item(d, k):
    d[k]


def dict_in(d, k):
    k in d


def set_in(d, k):
    k in {1, 2, "a"}


def list_in(d, k):
    k in [1, 2, "a"]


def str_in(d, k):
    k in "abc"


def str_item(d, k):
    "abc"[k]


def tuple_item(d, k):
    (1, 2, 3)[k]


def list_item(d, k):
    [1, 2, 3][k]


def add(d, k):
    1 + k


def less(d, k):
    k < 5


def negate(d, k):
    -k


def shift(d, k):
    1 << k


def divide(d, k):
    7 // k
    7 % k


def true_divide(d, k):
    7 / k


def power(d, k):
    0.0**k


def unpack(d, k):
    a, b = k


def iterate(d, k):
    iter(k)


def length(d, k):
    len(k)


def concat(d, k):
    "a" + k


def sliced(d, k):
    "abc"[k:]


def attribute(d, k):
    k.real


def method(d, k):
    k.bit_length


def called(d, k):
    k()


def text(d, k):
    f"{k:d}"


def to_int(d, k):
    int(k)


def to_float(d, k):
    float(k)


def get(d, k):
    d.get(k)


def unbound(d, k):
    if k == 1:
        x = 0
    x


def global_name(d, k):
    if k == "gone":
        globals().pop("present", None)
    elif k == "back":
        globals()["present"] = 1
    present


def lookup(d, k):
    try:
        return d[k]
    except KeyError:
        raise KeyError("nothing at %s" % (k,)) from None


def through(d, k):
    lookup(d, k)
    d["last"] = k


present = 1
FUNCTIONS = [
    dict_item, dict_in, set_in, list_in, str_in, str_item, tuple_item, list_item, add, less, negate, shift, divide,
    true_divide, power, unpack, iterate, length, concat, sliced, attribute, method, called, text, to_int, to_float,
    get, unbound, global_name, through,
]  # fmt: skip
USUAL = [1, 1, "a", 2, 1]
ODD = [[], "zz", 9, -4, 0, 10**30, -1, None, 2.5, (1, 2), {}, "gone", "back", b"", float("nan"), [1, 2], {1, 2}]


class Hash:
    def __hash__(self):
        raise RuntimeError("no hash")

    def __eq__(self, other):
        raise RuntimeError("no comparison")


def hot(f, usual, odd, n):
    seen, d = [], {1: "one", "a": "A", 2: None}
    for i in range(n):
        k = odd if i % 7 == 6 else usual
        try:
            f(d, k)
        except Exception as error:
            seen.append((i, type(error).__name__, str(error)))
    return seen


for f in FUNCTIONS:
    for usual in USUAL:
        for odd in [*ODD, Hash()]:
            present = 1
            seen = hot(f, usual, odd, 45)
            kinds = sorted({(name, text) for _, name, text in seen})
            print(f.__name__, usual, type(odd).__name__, len(seen), [i for i, *_ in seen][:3], kinds)


def to_int_for_nothing(values):
    made = failed = 0
    for value in values:
        try:
            int(value)
            made += 1
        except ValueError:
            failed += 1
    return made, failed


print(to_int_for_nothing([1.5] * 300 + [float("nan")] * 3 + [2.0] * 5))
