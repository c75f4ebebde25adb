"""Random hot loops for fuzz_jit.py: the text of one program from its seed.

How it works: these programs are nearly well typed, so that their loops turn often: locals of
ints, floats, strings, lists, dicts, tuples and objects, functions and methods that are small enough
to be followed, conditions that are rare, and values whose type changes on the way. What the
programs do besides, changes of classes and functions in the middle of a loop among it, is in
fuzz_hot_world.py.

What must stay true: the text depends on the seed alone, and every program ends soon.
"""

from __future__ import annotations

import random

import fuzz_hot_world as world

HEAD = (
    """\
import gc, sys
gc.disable()
log = []
class Loud:
    def __init__(self, n): self.n = n
    def __del__(self): log.append(("del", self.n))
    def __repr__(self): return f"Loud({self.n})"
class P:
    k = 3
    def __init__(self, x, y):
        self.x = x
        self.y = y
    def get(self): return self.x
    def put(self, v):
        old = self.x
        self.x = v
        return old
    def both(self, a, b=2): return (self.x, a, b)
    @property
    def prop(self): return self.y
    def __repr__(self): return f"P({self.x!r}, {self.y!r})"
class Q(P):
    k = 0.5
    def get(self): return self.y
class S:
    __slots__ = ("x", "y")
    def __init__(self, x, y):
        self.x = x
        self.y = y
    get = P.get
    put = P.put
    both = P.both
    prop = P.prop
    k = 7
    def __repr__(self): return f"S({self.x!r}, {self.y!r})"
"""
    + world.HEAD
    + """
token = object.__new__(P)
token.x = token.y = 1
g0, g1 = 1, 2.5
"""
)

TAIL = """
def counts():
    gc.collect()
    return [sys.getrefcount(o) for o in (token, P, Q, S, Loud, main)]
def once(n):
    try:
        return main(n)
    except Exception as error:
        tb = error.__traceback__
        lines = []
        while tb is not None:
            lines.append((tb.tb_frame.f_code.co_name, 0 if type(error) is UnboundLocalError else tb.tb_lineno))
            tb = tb.tb_next
        return type(error).__name__, str(error)[:100], lines
once(3)
before = None
for turn in range(4):
    g0, g1 = 1, 2.5
    r = once(25)
    print(repr(r)[:2000])
    del r
    print(log[-40:], len(log))
    log.clear()
    now = counts()
    if before is not None: print([a - b for a, b in zip(now, before)])
    before = now
"""

# Generators that catch what functions and methods raise that they have called.
GENERATORS = """
def h_bad(n):
    if n % 3 == 1: raise ValueError(n)
    return n
def gen2(n):
    for k in range(n):
        try: yield (k, h_bad(k))[1]
        except ValueError as e: yield e.args[0]
        finally: log.append(k) if k == 2 else None
def gen3(n):
    for k in range(n):
        try: yield from gen4(k)
        except ValueError: yield k
def gen4(k):
    yield [k, h_bad(k)][0]
class Items:
    def __init__(self, n): self.n = n
    def __getitem__(self, i):
        v = (5, 6, 7, 8)[:self.n][i]
        return v
    def __iter__(self):
        i = 0
        try:
            while True:
                v = self[i]
                yield v
                i += 1
        except IndexError:
            return"""


class Maker:
    """Makes one program."""

    def __init__(self, seed: int) -> None:
        self.r = random.Random(seed)
        self.lines: list[str] = []
        self.level = 0
        self.loops = 0
        self.louds = 0
        self.functions: list[tuple[str, int]] = []
        self.generators: list[str] = []

    def emit(self, text: str) -> None:
        self.lines.append("    " * self.level + text)

    def pick(self, *choices: str) -> str:
        return self.r.choice(choices)

    # ---- expressions ----

    def int_(self, depth: int = 2) -> str:
        r = self.r
        if depth <= 0 or r.random() < 0.25:
            return self.pick(
                "i0", "i1", "i2", "j", str(r.randint(-3, 9)), str(r.randint(200, 3000)), "g0"
            )
        a, b = self.int_(depth - 1), self.int_(depth - 1)
        return self.pick(
            f"({a} + {b})", f"({a} - {b})", f"({a} * {b} % 1009)", f"({a} & {b})", f"({a} | {b})",
            f"({a} ^ {b})", f"({a} // {r.randint(1, 7)})", f"({a} % {r.randint(2, 9)})", f"(-{a})",
            f"({a} << {r.randint(0, 5)}) % 65537", f"({a} >> {r.randint(0, 5)})", f"abs({a})", f"~{a}",
            f"min({a}, {b})", f"max({a}, {b})", "len(l0)", "len(t0)", "len(s0)", f"int({self.float_(0)} % 50)",
            f"({a} if {self.cond(1)} else {b})", "l1[j % 4]", f"l1[{r.randint(-4, 3)}]", "d0['a']",
            f"({a} ** 2 % 997)", f"({a}, {b})[{self.pick('0', '1', 'j & 1')}]", f"({a} < {b}) + 1",
            f"({a} * {b} * {r.randint(2**20, 2**33)} % {r.choice([2**31, 2**61 - 1, 2**64, 10**20])})",
        )  # fmt: skip

    def float_(self, depth: int = 2) -> str:
        r = self.r
        if depth <= 0 or r.random() < 0.25:
            return self.pick("f0", "f1", repr(round(r.uniform(-4, 9), 2)), "g1", "0.0", "-0.0")
        a = self.float_(depth - 1)
        b = self.pick(self.float_(depth - 1), self.int_(depth - 1))
        return self.pick(
            f"({a} + {b})", f"({b} - {a})", f"({a} * {b} % 100.5)", f"({a} / {r.randint(1, 5)})", f"(-{a})",
            f"abs({a})", f"({a} // 1.5)", f"({a} % 7.5)", f"max({a}, 1.5)", f"float({self.int_(0)})",
            f"({self.int_(1)} / {r.randint(2, 9)})", f"({a} if {self.cond(1)} else 0.5)",
        )  # fmt: skip

    def cond(self, depth: int = 2) -> str:
        r = self.r
        return self.pick(
            f"{self.int_(depth - 1)} {self.pick('<', '>', '==', '!=', '<=', '>=')} {self.int_(depth - 1)}",
            f"{self.float_(depth - 1)} {self.pick('<', '>', '==', '!=', '<=', '>=')} {self.float_(0)}",
            f"j % {r.randint(2, 5)} == {r.randint(0, 2)}", f"i0 % {r.randint(2, 7)}", "a0 is None",
            "a0 is not None", "isinstance(a0, int)", "isinstance(o0, Q)", "o0 is o1", f"not {self.int_(0)}",
            "'a' in d0", f"{self.int_(0)} in l1", "'b' in s0", "l0", "s0", "t0", "a0", "f0", "t0 is t1",
            "type(a0) is float", f"j > {r.randint(1, 10)}", f"turn_ > {r.randint(0, 2)}", "a0 == i0",
        )  # fmt: skip

    def any_(self, depth: int = 1) -> str:
        kind = self.r.randrange(9)
        if kind < 2:
            return self.int_(depth)
        if kind < 4:
            return self.float_(depth)
        return self.pick(
            "None", "True", "a0", "s0", "t0", "o0", "token", "l0", f"({self.int_(0)}, token)", "o0.x", "o1.y",
            "'s' + s0[:3]", "t0[0]", "o0.prop", "o1.get()", "c0", "b0[1]", f"o0.both({self.int_(0)})", "d0.get('b')",
            "(a0, a0)", f"{self.pick('P', 'Q', 'S', 'R')}({self.int_(0)}, token)", "x0", "l0[-1:]", "o1.k",
        )  # fmt: skip

    # ---- statements ----

    def block(self, depth: int) -> None:
        for _ in range(self.r.randint(1, 4 if depth > 0 else 2)):
            self.statement(depth)

    def nested(self, head: str, depth: int) -> None:
        self.emit(head)
        self.level += 1
        self.block(depth)
        self.level -= 1

    def statement(self, depth: int) -> None:
        r = self.r
        kind = r.randrange(130)
        if kind >= 100:
            self.other(kind, depth)
        elif kind < 14:
            self.emit(f"{self.pick('i0', 'i1', 'i2')} = {self.int_()}")
        elif kind < 22:
            self.emit(f"{self.pick('f0', 'f1')} = {self.float_()}")
        elif kind < 27:
            self.emit(f"{self.pick('i0', 'i1')} {self.pick('+', '-', '^')}= {self.int_(1)}")
        elif kind < 33:
            self.emit(f"{self.pick('a0', 'x0')} = {self.any_()}")
        elif kind < 70:
            self.emit(self.simple())
        elif depth <= 0:
            self.emit("pass")
        elif kind < 84:
            self.nested(f"if {self.cond()}:", depth - 1)
            if r.random() < 0.5:
                self.nested("else:", depth - 1)
        elif kind < 93 and self.loops < 3:
            self.loop(depth)
        elif kind < 96:
            self.tries(depth)
        else:
            self.emit(f"if {self.cond(1)}: {self.pick('continue', 'break', 'continue', 'del x0')}"
                      if self.loops else "pass")  # fmt: skip

    def other(self, kind: int, depth: int) -> None:
        """What fuzz_hot_world.py has."""
        r = self.r
        if kind >= 110 or depth <= 0:
            text = r.choice(world.SIMPLE)
        elif kind >= 106:
            text = f"if turn_ == {r.randint(4, 20)}: {r.choice(world.CHANGES)}"
        elif kind >= 103:
            self.nested(r.choice(world.WITH), depth - 1)
            self.level += 1
            self.emit(r.choice(world.RAISES))
            self.level -= 1
            return
        else:
            self.emit(f"match {self.pick('a0', 'x0', 't0', 'i0 % 4', 'd0')}:")
            self.level += 1
            for case in r.sample(world.CASES, 3):
                self.nested(f"case {case}:", 0)
            self.level -= 1
            return
        self.emit(text.replace("ANY", self.any_()).replace("INT", self.int_(1)))

    def simple(self) -> str:
        r = self.r
        call = "pass"
        if self.functions:
            name, n = r.choice(self.functions)
            args = ", ".join(self.any_(0) if r.random() < 0.3 else self.int_(1) for _ in range(n))
            call = f"{self.pick('i2', 'a0', 'x0', '_')} = {name}({args})"
        self.louds += 1
        return self.pick(
            call, call, call, call,
            f"l0.append({self.any_()})", "l0.append(j)", "if len(l0) > 5: l0.pop()", "if len(l0) > 9: l0.clear()",
            f"l1[{self.pick('j % 4', '0', '-1', 'i0 % 4')}] = {self.int_()}",
            f"if l0: l0[j % len(l0)] = {self.any_()}", f"d0['a'] = {self.int_()}", f"d0['b'] = {self.any_()}",
            f"d0[{self.pick('j', 's0[:2]')}] = {self.any_()}", "if len(d0) > 8: d0 = {'a': j}",
            f"t0 = ({self.any_()}, {self.int_(1)})", "t0, t1 = t1, t0", "i0, i1 = i1, i0", "o0, o1 = o1, o0",
            "a0, x0 = t0", "(i2, f1), a0 = (j, 0.5), x0", "t1 = t0", "t0 = (t0[0], 1, *t1[:1])[:2]",
            f"o0.x = {self.any_()}", f"o1.y = {self.any_()}", f"a0 = o0.put({self.any_()})", "i2 = o0.k",
            f"o0 = {self.pick('P', 'Q', 'S', 'R')}({self.any_()}, {self.any_(0)})", f"x0 = Loud({self.louds})",
            f"t0 = (Loud({self.louds}), x0)", f"o1.x = Loud({self.louds})", "x0 = None", "a0 = None",
            "s0 = s0 + 'ab'[j & 1]", "s0 = s0[-6:] + str(i0 % 10)", "if len(s0) > 20: s0 = 'b'", "s0 = f'{j}{f0:.1f}'[:8]",
            f"l1 = [v + 1 if v % 2 else v - {r.randint(0, 3)} for v in l1]", "l1[1:3] = [j, i0 % 9]", "l1.sort()",
            "a0 = sum(v for v in l1)", f"g0 = {self.int_(1)}", "g1 = f0", "n0 += 1", f"bump({self.int_(0)})",
            "log.append(repr(a0)[:30])", "o0.extra = j", "a0 = sorted(l1)[0]", "a0 = [k for k in d0][-1:]",
            "log.append(sys._getframe().f_lineno)", "log.append(sorted(locals())[:3])" if r.random() < 0.2 else "pass",
            f"a0 = [x0, {self.int_(0)}, (x0, o0)]", "f1 = a0 if isinstance(a0, float) else f1", "i2 = (i2 if isinstance(i2, int) else 3)",
            f"x0 = list({self.r.choice(self.generators)}(j % 4))" if self.generators else "pass",
            self.genexpr(), self.genexpr(),
            "a0 = next(gen, None)", "a0 = lambda: j", "if callable(a0): i1 = a0() if a0.__class__ is type(bump) and not a0.__name__ == 'bump' else 0",
        )  # fmt: skip

    def genexpr(self) -> str:
        """A short generator expression that a builtin takes at once."""
        where = self.pick("l1", "t0", "t1", "(1, 2, 3)", "range(3)", "l0[:2]", "[j, 2]", "(o0, o1)")
        value = self.pick(
            "v",
            "v",
            "(v, j)",
            "v is None",
            "n0",
            "(j, n0)",
            "str(v)[:3]",
            "[v]",
            "v == j",
            "Loud(v)",
        )
        number = self.pick("v + j", "v % 3", "v * 0.5", "n0", "j * v", "v > j", "abs(v)", "v", "1")
        kind = self.pick("l1", "range(4)", "(1, 2)", "(j, n0)", "[j, 3, 4]")
        return self.pick(
            f"a0 = tuple({value} for v in {where})", f"a0 = any({value} for v in {where})", f"a0 = all({value} for v in {where})",
            f"i2 = sum({number} for v in {kind})", f"i2 = len(set({number} for v in {kind}))", f"a0 = sum({number} for v in {where})",
            f"t0 = tuple({number} for v in {kind})[:2]", f"a0 = set({number} for v in {kind} if v != j)",
        )  # fmt: skip

    def loop(self, depth: int) -> None:
        r = self.r
        self.loops += 1
        v = self.pick("j", "j", "j2", "i2")
        head = self.pick(
            f"for {v} in range({r.randint(2, 9)}):", f"for {v} in range({r.randint(5, 12)}, 0, -{r.randint(1, 3)}):",
            f"for {v} in l1:", "for x0 in tuple(l0):", f"for j2, {v} in enumerate(l1):", "for x0, a0 in zip(l0[:6], l1 * 2):",
            "for x0 in list(d0):", "for x0, a0 in list(d0.items()):", "while_", f"for {v} in range(i0 % 9):",
            *([f"for {v} in {r.choice(self.generators)}({r.randint(1, 6)}):"] if self.generators else []),
        )  # fmt: skip
        if head == "while_":
            w = f"w{self.level}"
            self.emit(f"{w} = 0")
            self.emit(f"while {w} < {r.randint(3, 9)}:")
            self.level += 1
            self.emit(f"{w} += 1")
            self.block(depth - 1)
            self.level -= 1
        else:
            self.nested(head, depth - 1)
            if r.random() < 0.1:
                self.nested("else:", 0)
        self.emit("if not isinstance(i2, int): i2 = 2")
        self.loops -= 1

    def tries(self, depth: int) -> None:
        self.nested("try:", depth - 1)
        self.level += 1
        self.emit(self.pick(
            "if j % 5 == 3: raise ValueError(j)", "l1[j]", "10 // (j - 3)", "d0[j]", "x0.missing", "pass", "None + j",
            "if j == 4: 1 / (i0 - i0)",
        ))  # fmt: skip
        self.level -= 1
        if self.r.random() < 0.7:
            self.nested(self.pick("except Exception as e:", "except (ValueError, IndexError, TypeError, KeyError):",
                                  "except Exception:"), 0)  # fmt: skip
        else:
            self.nested("finally:", 0)

    def function(self, number: int) -> None:
        r = self.r
        name, n = f"h{number}", r.randint(1, 3)
        params = ["p", "q", "r"][:n]
        has_default = r.random() < 0.3
        self.emit(
            f"def {name}({', '.join(params[:-1] + [params[-1] + ('=4' if has_default else '')])}):"
        )
        self.level += 1
        body = self.pick(
            "return p", "return (p, p)", "t = (p, 1)\n    u = t\n    return u[0]", "return p if p else None",
            "if p is None: return 0\n    return p", "x = P(p, 1)\n    x.y = p\n    return x.y",
            "x = P(p, token)\n    return x", "return isinstance(p, int) and p + 1", "l = [p, token]\n    l.append(p)\n    return l",
            "x = Loud('h')\n    log.append('in')\n    return p", "return p == 3", "global g0\n    g0 = 5\n    return p",
            "return sys._getframe(1).f_lineno", "o = S(p, p)\n    o.x = (o.y, o)\n    return o.x[0]",
            "return h_rec(p if isinstance(p, int) else 2)", "raise KeyError(p) if p == 7 else ValueError(1)" if r.random() < 0.2 else "return p",
            "a = p\n    p = None\n    return a", "return 5 / (p if isinstance(p, int) else 1)", "return str(p)[:5]",
            "*a, b = (p, p, 1)\n    return a[0]", "t = (p, (p, token))\n    a, (b, c) = t\n    return b",
        )  # fmt: skip
        self.emit(body)
        self.level -= 1
        self.functions.append((name, n - (has_default and r.random() < 0.5) if n > 1 else n))

    def make(self) -> str:
        r = self.r
        self.lines = [HEAD]
        self.emit("def h_rec(n): return 0 if n <= 0 or n > 9 else 1 + h_rec(n - 1)")
        self.emit("def gen0(n):\n    for k in range(n): yield k")
        self.emit(
            "def gen1(n):\n    x = Loud('g')\n    yield n\n    for k in range(n): yield (k, x)[0]"
        )
        self.emit(GENERATORS)
        self.generators = ["gen0", "gen1", "gen2", "gen3", "Items"]
        for number in range(r.randint(1, 4)):
            self.function(number)
        self.emit("def main(n):")
        self.level = 1
        self.emit("global g0, g1")
        self.emit("i0, i1, i2, f0, f1, s0, j, j2, n0, turn_ = 1, 2, 3, 0.5, 1.5, 'ab', 0, 0, 0, 0")
        self.emit("l0, l1, d0, t0, t1 = [], [5, 6, 7, 8], {'a': 1}, (1, 2), (2.5, 3)")
        self.emit("o0, o1, a0, x0, gen = P(1, 2), Q(3.5, 4), None, 0, gen1(20)")
        self.emit(world.LOCALS)
        self.emit("def bump(k):\n        nonlocal n0\n        n0 += k if isinstance(k, int) else 1")
        self.emit("for turn_ in range(n):")
        self.level = 2
        self.loops = 1
        safe = r.random() < 0.7
        if safe:
            self.emit("try:")
            self.level = 3
        for _ in range(r.randint(4, 12)):
            self.statement(3)
        if safe:
            self.level = 2
            self.emit(
                "except Exception as e: log.append((type(e).__name__, 0 if type(e) is UnboundLocalError else e.__traceback__.tb_lineno))"
            )
        self.emit("if not isinstance(i2, int): i2 = 2")
        self.level = 1
        names = "i0 i1 i2 f0 f1 s0 j l0 l1 d0 t0 t1 o0 o1 a0 n0 c0 b0".split()
        self.emit("return repr([" + ", ".join(names) + "])")
        self.level = 0
        self.lines.append(TAIL)
        return "\n".join(self.lines)
