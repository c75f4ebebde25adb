"""Code objects made by hand: unusual but survivable bytecode, odd tables, names, flags, constants."""

# ruff: noqa - odd code on purpose

import copy
import dis
import sys
import types

op = dis.opmap


def attempt(function, *args):
    try:
        return function(*args)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"


def base(a, b=2):
    return a


def build(*pairs, **changes):
    """Make a function from (name, argument) pairs, with the caches that each op wants."""
    raw = bytearray([op["RESUME"], 0])
    for name, arg in pairs:
        if arg > 255:
            raw += bytes([op["EXTENDED_ARG"], arg >> 8])
        raw += bytes([op[name], arg & 255])
        raw += bytes(2 * dis._inline_cache_entries[op[name]])
    code = base.__code__.replace(co_code=bytes(raw), co_stacksize=changes.pop("co_stacksize", 20),
                                 co_exceptiontable=changes.pop("co_exceptiontable", b""), **changes)
    return types.FunctionType(code, globals(), "made", (2,))


made = {
    "return a": build(("LOAD_FAST", 0), ("RETURN_VALUE", 0)),
    "nops": build(("NOP", 0), ("NOP", 255), ("LOAD_FAST", 1), ("RETURN_VALUE", 0)),
    "copy swap": build(("LOAD_FAST", 0), ("LOAD_FAST", 1), ("COPY", 2), ("SWAP", 3), ("BUILD_TUPLE", 3),
                       ("RETURN_VALUE", 0)),
    "swap 1": build(("LOAD_FAST", 0), ("SWAP", 1), ("COPY", 1), ("BUILD_LIST", 2), ("RETURN_VALUE", 0)),
    "swap 4": build(*[("LOAD_CONST", 0)] * 2, ("LOAD_FAST", 0), ("LOAD_FAST", 1), ("SWAP", 4),
                    ("SWAP", 2), ("BUILD_TUPLE", 4), ("RETURN_VALUE", 0)),
    "jump forward": build(("JUMP_FORWARD", 1), ("NOP", 0), ("LOAD_FAST", 0), ("RETURN_VALUE", 0)),
    "jump zero": build(("JUMP_FORWARD", 0), ("LOAD_FAST", 0), ("RETURN_VALUE", 0)),
    "if": build(("LOAD_FAST", 0), ("POP_JUMP_FORWARD_IF_TRUE", 2), ("LOAD_CONST", 0),
                ("RETURN_VALUE", 0), ("LOAD_FAST", 1), ("RETURN_VALUE", 0)),
    "if none": build(("LOAD_FAST", 0), ("POP_JUMP_FORWARD_IF_NONE", 2), ("LOAD_FAST", 0),
                     ("RETURN_VALUE", 0), ("LOAD_FAST", 1), ("RETURN_VALUE", 0)),
    "or pop": build(("LOAD_FAST", 0), ("JUMP_IF_TRUE_OR_POP", 1), ("LOAD_FAST", 1), ("RETURN_VALUE", 0)),
    "and pop": build(("LOAD_FAST", 0), ("JUMP_IF_FALSE_OR_POP", 1), ("LOAD_FAST", 1),
                     ("RETURN_VALUE", 0)),
    "binary all": [build(("LOAD_FAST", 0), ("LOAD_FAST", 1), ("BINARY_OP", n), ("RETURN_VALUE", 0))
                   for n in range(26)],
    "compare all": [build(("LOAD_FAST", 0), ("LOAD_FAST", 1), ("COMPARE_OP", n), ("RETURN_VALUE", 0))
                    for n in range(6)],
    "is": [build(("LOAD_FAST", 0), ("LOAD_FAST", 1), ("IS_OP", n), ("RETURN_VALUE", 0))
           for n in range(2)],
    "format": [build(("LOAD_FAST", 0), ("FORMAT_VALUE", n), ("RETURN_VALUE", 0)) for n in range(4)],
    "format spec": build(("LOAD_FAST", 0), ("LOAD_CONST", 1), ("FORMAT_VALUE", 4), ("RETURN_VALUE", 0),
                         co_consts=(None, "")),
    "build 0": [build((name, 0), ("RETURN_VALUE", 0)) for name in
                ("BUILD_TUPLE", "BUILD_LIST", "BUILD_SET", "BUILD_MAP", "BUILD_STRING")],
    "slice 2": build(("LOAD_FAST", 0), ("LOAD_FAST", 1), ("BUILD_SLICE", 2), ("RETURN_VALUE", 0)),
    "slice 3": build(("LOAD_FAST", 0), ("LOAD_FAST", 1), ("LOAD_FAST", 1), ("BUILD_SLICE", 3),
                     ("RETURN_VALUE", 0)),
    "unbound": build(("LOAD_FAST", 0), ("DELETE_FAST", 0), ("LOAD_FAST", 0), ("RETURN_VALUE", 0)),
    "delete twice": build(("DELETE_FAST", 1), ("DELETE_FAST", 1)),
    "unpack": build(("LOAD_FAST", 0), ("UNPACK_SEQUENCE", 2), ("BUILD_TUPLE", 2), ("RETURN_VALUE", 0)),
    "unpack ex": build(("LOAD_FAST", 0), ("UNPACK_EX", 1 + (1 << 8)), ("BUILD_TUPLE", 3),
                       ("RETURN_VALUE", 0)),
    "get len": build(("LOAD_FAST", 0), ("GET_LEN", 0), ("BUILD_TUPLE", 2), ("RETURN_VALUE", 0)),
    "match seq": build(("LOAD_FAST", 0), ("MATCH_SEQUENCE", 0), ("BUILD_TUPLE", 2), ("RETURN_VALUE", 0)),
    "match map": build(("LOAD_FAST", 0), ("MATCH_MAPPING", 0), ("BUILD_TUPLE", 2), ("RETURN_VALUE", 0)),
    "unary": [build(("LOAD_FAST", 0), (name, 0), ("RETURN_VALUE", 0)) for name in
              ("UNARY_POSITIVE", "UNARY_NEGATIVE", "UNARY_NOT", "UNARY_INVERT", "GET_ITER",
               "GET_YIELD_FROM_ITER")],
    "list to tuple": build(("BUILD_LIST", 0), ("LOAD_FAST", 0), ("LIST_EXTEND", 1),
                           ("LIST_TO_TUPLE", 0), ("RETURN_VALUE", 0)),
    "assertion": build(("LOAD_ASSERTION_ERROR", 0), ("RAISE_VARARGS", 1)),
    "raise from": build(("LOAD_ASSERTION_ERROR", 0), ("LOAD_ASSERTION_ERROR", 0), ("RAISE_VARARGS", 2)),
    "raise 0": build(("RAISE_VARARGS", 0)),
    "build class": build(("LOAD_BUILD_CLASS", 0), ("RETURN_VALUE", 0)),
    "kw names": build(("PUSH_NULL", 0), ("LOAD_GLOBAL", 0), ("LOAD_FAST", 0), ("LOAD_FAST", 1),
                      ("KW_NAMES", 1), ("PRECALL", 2), ("CALL", 2), ("RETURN_VALUE", 0),
                      co_consts=(None, ("b",)), co_names=("base",)),
    "global null": build(("LOAD_GLOBAL", 1), ("LOAD_FAST", 0), ("PRECALL", 1), ("CALL", 1),
                         ("RETURN_VALUE", 0), co_names=("repr",)),
    "method": build(("LOAD_FAST", 0), ("LOAD_METHOD", 0), ("PRECALL", 0), ("CALL", 0),
                    ("RETURN_VALUE", 0), co_names=("__repr__",)),
    "print expr": build(("LOAD_FAST", 0), ("PRINT_EXPR", 0), ("LOAD_CONST", 0), ("RETURN_VALUE", 0)),
    "dict update": build(("BUILD_MAP", 0), ("LOAD_FAST", 0), ("DICT_UPDATE", 1), ("RETURN_VALUE", 0)),
    "dict merge": build(("LOAD_FAST", 1), ("BUILD_MAP", 0), ("LOAD_FAST", 0), ("DICT_MERGE", 1),
                        ("SWAP", 2), ("POP_TOP", 0), ("RETURN_VALUE", 0)),
    "set update": build(("BUILD_SET", 0), ("LOAD_FAST", 0), ("SET_UPDATE", 1), ("RETURN_VALUE", 0)),
    "closure op": build(("LOAD_GLOBAL", 0), ("RETURN_VALUE", 0), co_names=("unknown_global",)),
    "const keys": build(("LOAD_FAST", 0), ("LOAD_FAST", 1), ("LOAD_CONST", 1),
                        ("BUILD_CONST_KEY_MAP", 2), ("RETURN_VALUE", 0), co_consts=(None, ("k", "l"))),
    "store name": build(("LOAD_FAST", 0), ("STORE_NAME", 0), ("LOAD_CONST", 0), ("RETURN_VALUE", 0)),
    "load name": build(("LOAD_NAME", 0), ("RETURN_VALUE", 0), co_names=("len",)),
    "setup annotations": build(("SETUP_ANNOTATIONS", 0), ("LOAD_CONST", 0), ("RETURN_VALUE", 0)),
}
arguments = [(1, 2), ([1, 2], 3), ("ab", "cd"), (None, 5), (0, 0), (2.5, 2), ({1: 2}, 1), ((), ()),
             (True, "x")]
for turn in range(2):
    for name, function in made.items():
        for number, f in enumerate(function if isinstance(function, list) else [function]):
            row = []
            for args in arguments:
                for _ in range(12):
                    result = attempt(f, *copy.deepcopy(args))
                row.append(str(result).split(" at 0x")[0])
            if turn:
                print(name, number, row)

# Exception table by hand: pop the exception and return b.


def varint(n, first):
    parts = [n >> 18 & 63, n >> 12 & 63, n >> 6 & 63, n & 63]
    while len(parts) > 1 and not parts[0]:
        parts.pop(0)
    parts = [p | 64 for p in parts[:-1]] + parts[-1:]
    parts[0] |= 128 if first else 0
    return bytes(parts)


def entry(start, length, target, depth, lasti):
    return (varint(start, True) + varint(length, False) + varint(target, False)
            + varint(depth << 1 | lasti, False))


# 0 RESUME 1 LOAD_FAST 2 UNARY_NEGATIVE 3 RETURN 4 PUSH_EXC_INFO 5 POP_TOP 6 POP_EXCEPT 7 LOAD 8 RETURN
body = (("LOAD_FAST", 0), ("UNARY_NEGATIVE", 0), ("RETURN_VALUE", 0), ("PUSH_EXC_INFO", 0),
        ("POP_TOP", 0), ("POP_EXCEPT", 0), ("LOAD_FAST", 1), ("RETURN_VALUE", 0))
handler = build(*body, co_exceptiontable=entry(1, 3, 4, 0, False))
print([attempt(handler, *a) for a in arguments for _ in range(5)][::5], sys.exc_info())
for table in (b"", entry(0, 1, 4, 0, False), entry(2, 1, 4, 0, False), entry(1, 1, 4, 0, False),
              entry(100, 5, 4, 0, False), entry(2, 1, 4, 0, False) * 2):
    f = build(*body, co_exceptiontable=table)
    print([attempt(f, *a) for a in arguments[:4] for _ in range(3)][::3])
with_lasti = build(("LOAD_FAST", 0), ("UNARY_NEGATIVE", 0), ("RETURN_VALUE", 0), ("PUSH_EXC_INFO", 0),
                   ("POP_TOP", 0), ("POP_EXCEPT", 0), ("RETURN_VALUE", 0),
                   co_exceptiontable=entry(2, 1, 4, 0, True))
print([attempt(with_lasti, "x") for _ in range(10)][-1])

# Other odd things that stock accepts.
f = types.FunctionType(base.__code__.replace(co_stacksize=5000), globals())
print(attempt(f, 1, 2))
print(attempt(lambda: types.FunctionType(base.__code__.replace(co_stacksize=2**30), globals())(1, 2)))
print(attempt(lambda: base.__code__.replace(co_code=b"x")), attempt(
    lambda: base.__code__.replace(co_stacksize=-1)),
      attempt(lambda: base.__code__.replace(co_argcount=50)), attempt(
          lambda: base.__code__.replace(co_nlocals=7)),
      attempt(lambda: base.__code__.replace(co_names=(5,))), attempt(
          lambda: base.__code__.replace(co_varnames=(5,))))
f = types.FunctionType(base.__code__.replace(co_linetable=b""), globals(), "f", (2,))


def raises(x):
    y = 1
    return x / 0


g = types.FunctionType(raises.__code__.replace(co_linetable=b""), globals())
for h in (f, g):
    try:
        print(h(1))
    except ZeroDivisionError as error:
        tb = error.__traceback__.tb_next
        print(tb.tb_lineno, tb.tb_lasti)
g = types.FunctionType(raises.__code__.replace(co_firstlineno=1000), globals())
try:
    g(1)
except ZeroDivisionError as error:
    print(error.__traceback__.tb_next.tb_lineno)


def genlike():
    yield 1
    return 2


flags = genlike.__code__.co_flags
print(list(types.FunctionType(genlike.__code__.replace(co_flags=flags & ~0x20 | 0x100), {})
           .__code__.co_name), hex(flags))
it = types.FunctionType(genlike.__code__.replace(co_flags=flags | 0x100), {})()
print(type(it).__name__, list(it))


def opt(a):
    return [a for _ in (1, 2)], locals()


no_newlocals = types.FunctionType(opt.__code__.replace(co_flags=opt.__code__.co_flags & ~2), globals())
print([attempt(no_newlocals, 3) for _ in range(10)][-1])
big_consts = base.__code__.replace(co_consts=tuple(range(70000)))
print(types.FunctionType(big_consts, {})(4, 5))
many = compile("\n".join(f"x{i} = {i}.5 + {i}" for i in range(700)) + "\ntotal = "
               + "+".join(f"x{i}" for i in range(700)), "<many>", "exec")
space = {}
for _ in range(10):
    exec(many, space)
print(space["total"])
source = "def f(flag):\n    n = 0\n    while flag:\n        n += 1\n" + "".join(
    f"        if n == {i}: n = n + {i % 3} - {i % 3}\n" for i in range(600)) + (
    "        if n > 40: break\n    else:\n        n = -1\n    return n\n")
space = {}
exec(source, space)
print([space["f"](v) for v in (1, 0, "x", None)], len(space["f"].__code__.co_code) > 20000)
sum_source = "def g(" + ", ".join(f"a{i}" for i in range(300)) + "):\n    return " + "+".join(
    f"a{i}" for i in range(300))
exec(sum_source, space)
print([space["g"](*range(300)) for _ in range(20)][-1])
print(space["g"](**{f"a{i}": i for i in range(300)}))
exec("def k():\n    return h(" + ", ".join(f"a{i}={i}" for i in range(300)) + ")\n"
     "def h(**kw):\n    return sum(kw.values())", space)
print([space["k"]() for _ in range(20)][-1])
nested = "1" + "+(1" * 80 + ")" * 80
print(eval(nested), eval("[" * 80 + "]" * 80))
