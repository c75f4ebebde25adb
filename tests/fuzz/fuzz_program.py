"""Random Python programs for the differential fuzzer: statements, functions, classes, a hot main.

How it works: a program has global values, classes with special methods that log and raise,
functions, generators and coroutines, and a main part that calls them in loops long enough to
specialise, with arguments whose types change on the way. Every loop and function pays a unit of
fuel (`tick`), so every program ends.

What must stay true: the text depends on the seed alone; `fuzz_world` supplies every helper.
"""

from __future__ import annotations

import random
import warnings

from fuzz_expr import ATTRIBUTES, METHODS, ExprMaker, Scope

EXCEPTIONS = [
    "ValueError",
    "KeyError",
    "TypeError",
    "ZeroDivisionError",
    "AttributeError",
    "IndexError",
    "Exception",
    "(ValueError, TypeError)",
    "LookupError",
    "NameError",
    "ArithmeticError",
    "StopIteration",
    "RuntimeError",
    "OwnError",
    "BaseException",
]
RAISED = [
    "ValueError('v')",
    "AttributeError('a')",
    "KeyError('k')",
    "TypeError",
    "OwnError(1, 2)",
    "IndexError(3)",
    "StopIteration(4)",
    "OwnError",
    "RuntimeError('r')",
    "ExceptionGroup('g', [ValueError(1), KeyError(2)])",
]
SPECIAL_BINARY = [
    "add",
    "radd",
    "iadd",
    "sub",
    "rsub",
    "mul",
    "eq",
    "lt",
    "gt",
    "le",
    "and",
    "or",
    "mod",
    "truediv",
    "floordiv",
    "matmul",
    "rmul",
    "imul",
]


class ProgramMaker(ExprMaker):
    """Makes one random program from a seed."""

    def __init__(self, seed: int) -> None:
        super().__init__(random.Random(seed))
        self.lines: list[str] = []
        self.level = 0
        self.functions: list[str] = []
        self.generators: list[str] = []
        self.coroutines: list[str] = []
        self.classes: list[str] = []
        self.globals: list[str] = []

    def emit(self, text: str) -> None:
        """Add a line at the present indentation."""
        self.lines.append("    " * self.level + text)

    def make(self) -> str:
        """Return the text of a whole program."""
        rnd = self.rnd
        for i in range(rnd.randrange(2, 5)):
            self.globals.append(f"g{i}")
            value = self.rnd.choice([str(self.rnd.randrange(20)), "2.5", self.constant()])
            self.emit(f"g{i} = {value}")
        for _ in range(rnd.randrange(0, 4)):
            self.class_(Scope(list(self.globals)))
        for _ in range(rnd.randrange(2, 6)):
            kind = rnd.choices(["plain", "generator", "coroutine", "closure"], [5, 3, 2, 2])[0]
            self.function(kind)
        for _ in range(rnd.randrange(1, 4)):
            self.hot_main()
        return "\n".join(self.lines) + "\n"

    def scope(self, names: list[str], **kinds: bool) -> Scope:
        """Return a scope with everything that is global added to `names`."""
        return Scope(
            [*names, *names, *self.globals],
            list(self.functions),
            list(self.generators),
            list(self.classes),
            **kinds,
        )

    # Definitions

    def parameters(self, scope: Scope) -> tuple[str, list[str]]:
        """Return a parameter list and the names it binds."""
        if self.rnd.random() < 0.65:  # takes any call, so that programs get somewhere
            parts = [f"{n}={self.constant()}" for n in "xyz"]
            return ", ".join(
                [
                    *parts,
                    *self.rnd.choice([[], ["*rest"], ["*rest", "kw=5"], ["*_", "kw=6", "**more"]]),
                ]
            ), ["x", "y", "z"]
        names = self.rnd.sample(["x", "y", "z"], self.rnd.choice([0, 1, 1, 2, 2, 3]))
        parts = []
        defaulted = False
        for name in names:
            defaulted = defaulted or self.rnd.random() < 0.4
            parts.append(f"{name}={self.constant()}" if defaulted else name)
        if names and self.rnd.random() < 0.1:
            parts.insert(self.rnd.randrange(1, len(parts) + 1), "/")
        if self.rnd.random() < 0.15:
            parts.append("*rest")
            names.append("rest")
        elif self.rnd.random() < 0.1:
            parts.append("*")
            parts.append(f"kw={self.constant()}")
            names.append("kw")
        if self.rnd.random() < 0.12:
            parts.append("**more")
            names.append("more")
        return ", ".join(parts), names

    def function(self, kind: str) -> None:
        """Emit a function of the given kind."""
        prefix = {"plain": "f", "generator": "gen", "coroutine": "co", "closure": "f"}[kind]
        name = self.new_name(prefix)
        params, names = self.parameters(self.scope([]))
        start = "async def" if kind == "coroutine" else "def"
        self.emit(f"{start} {name}({params}):")
        self.level += 1
        self.emit("tick()")
        scope = self.scope(
            [*names, "v0"], is_generator=kind == "generator", is_async=kind == "coroutine"
        )
        if self.rnd.random() < 0.2:
            self.emit(f"global {self.rnd.choice(self.globals)}")
        self.emit(f"v0 = {self.constant()}")
        if self.rnd.random() < 0.6:
            self.emit(f"v1 = v2 = {self.constant()}")
            self.emit(f"v3, v4 = {self.constant()}, {self.constant()}")
        if kind == "closure":
            self.closure_body(scope)
        else:
            self.block(scope, self.rnd.randrange(2, 5), 2)
        if kind == "generator":
            self.emit(f"yield {self.expr(scope, 1)}")
        self.emit(f"return {self.expr(scope, 2)}")
        self.level -= 1
        if kind == "generator":
            self.generators.append(name)
        elif kind == "coroutine":
            self.coroutines.append(name)
        else:
            self.functions.append(name)

    def closure_body(self, scope: Scope) -> None:
        """Emit an inner function over cells, and calls of it."""
        inner = self.new_name("inner")
        params, names = self.parameters(scope)
        self.emit(f"def {inner}({params}):")
        self.level += 1
        self.emit("nonlocal v0")
        self.emit("tick()")
        inside = self.scope([*names, "v0", *scope.names[:2]])
        self.block(inside, 2, 1)
        self.emit(f"v0 = lim({self.expr(inside, 2)})")
        self.emit(f"return {self.expr(inside, 2)}")
        self.level -= 1
        scope.functions.append(inner)
        self.emit(f"for i in range({self.rnd.choice([3, 20, 40])}):")
        self.level += 1
        self.emit(
            f"log({inner}({self.arguments(scope, 1)}))"
            if self.rnd.random() < 0.5
            else f"v0 = lim({inner}({self.arguments(scope, 1)}))"
        )
        self.level -= 1
        self.block(scope, 2, 1)

    def class_(self, scope: Scope) -> None:
        """Emit a class with attributes, methods and special methods."""
        rnd = self.rnd
        name = self.new_name("C")
        base = rnd.choice(["", "", "int", "list", "dict", "str", *self.classes, *self.classes])
        slots = not base and rnd.random() < 0.2
        meta = rnd.random() < 0.12
        self.emit(f"class {name}({base}{', ' if base and meta else ''}{'metaclass=Meta' * meta}):")
        self.level += 1
        if slots:
            self.emit("__slots__ = ('a0', 'a1')")
        self.emit(f"c0 = {self.constant()}")
        if rnd.random() < 0.8 and base not in ("int", "str"):
            params, names = self.parameters(scope)
            params = f"self, {params}" if params else "self"
            self.emit(f"def __init__({params}):")
            self.level += 1
            inside = self.scope([n for n in names], has_self=True)
            self.emit(f"self.a0 = {self.expr(inside, 1)}")
            if rnd.random() < 0.6:
                self.emit(f"self.a1 = {self.expr(inside, 1)}")
            self.level -= 1
        if not base and rnd.random() < 0.15:
            self.emit("def __new__(cls, *args, **kw):")
            self.emit("    tick()")
            self.emit(
                f"    return {rnd.choice(['object', 'super()'])}.__new__(cls) if chance() or 1"
                f" else {self.constant()}"
            )
        if rnd.random() < 0.2 and not slots:
            self.emit(
                f"{rnd.choice(['a1', 'a2', 'p0'])} = Descriptor({rnd.choice(['1', '2', '0'])})"
            )
        for method in rnd.sample(METHODS, rnd.randrange(1, 4)):
            self.method_def(method)
        if rnd.random() < 0.4:
            self.special("@property", "p0(self)")
            if rnd.random() < 0.4:
                self.special("@p0.setter", "p0(self, value)", "log('set', {})", ["value"])
        if rnd.random() < 0.25:
            self.special("", "__del__(self)", f"log('del {name}')")
        for special in rnd.sample(SPECIAL_BINARY, rnd.randrange(0, 5)):
            self.special("", f"__{special}__(self, other)", names=["other"])
        for special, text in (
            ("__len__(self)", "return small({})"),
            ("__bool__(self)", None),
            ("__getitem__(self, key)", None),
            ("__call__(self, *rest)", None),
            ("__iter__(self)", "return iter([{}, 1])"),
            ("__contains__(self, key)", None),
            ("__getattr__(self, name)", None),
            ("__enter__(self)", None),
            ("__setitem__(self, key, value)", None),
            ("__exit__(self, kind, value, tb)", "return small({}) == 1"),
            ("__neg__(self)", None),
            ("__getattribute__(self, name)", None),
            ("__setattr__(self, name, value)", "object.__setattr__(self, name, value); log(name)"),
            ("__index__(self)", "return small({})"),
        ):
            rare = {"__getattribute__(self, name)": 0.02, "__getattr__(self, name)": 0.1}
            if rnd.random() < rare.get(special, 0.18 if "setattr" not in special else 0.02):
                self.special("", special, text)
        self.emit("def __hash__(self): return 7")
        self.level -= 1
        self.classes.append(name)

    def method_def(self, name: str) -> None:
        """Emit an ordinary method."""
        decorator = self.rnd.choices(["", "@staticmethod", "@classmethod"], [8, 1, 1])[0]
        if decorator:
            self.emit(decorator)
        params, names = self.parameters(self.scope([]))
        first = [] if decorator == "@staticmethod" else ["self"]
        self.emit(f"def {name}({', '.join(first + ([params] if params else []))}):")
        self.level += 1
        self.emit("tick()")
        inside = self.scope([*names, *first], has_self=bool(first))
        self.block(inside, self.rnd.randrange(1, 3), 1)
        self.emit(f"return {self.expr(inside, 2)}")
        self.level -= 1

    def special(
        self, decorator: str, head: str, text: str | None = None, names: list[str] | None = None
    ) -> None:
        """Emit a special method or property that logs, computes, and sometimes raises."""
        if decorator:
            self.emit(decorator)
        self.emit(f"def {head}:")
        self.level += 1
        self.emit("tick()")
        if self.rnd.random() < 0.3:
            self.emit(f"log('{head.split('(')[0]}')")
        if self.rnd.random() < 0.08:
            self.emit(f"if chance(): raise {self.rnd.choice(RAISED)}")
        own = {"key": ["key"], "value": ["value"], "rest": ["rest"]}
        bound = [n for k, n in own.items() if k in head for n in n] + (names or [])
        # Whole objects of the program stay out of here, or the special methods never end.
        inside = Scope([*bound, *self.globals[:2]])
        value = self.expr(inside, 1)
        self.emit((text or "return {}").format(value))
        self.level -= 1

    # Statements

    def block(self, scope: Scope, count: int, depth: int, in_loop: bool = False) -> None:
        """Emit `count` statements."""
        for _ in range(max(1, count)):
            self.statement(scope, depth, in_loop)

    def nested(self, scope: Scope, depth: int, in_loop: bool, count: int = 0) -> None:
        """Emit an indented block."""
        self.level += 1
        self.block(scope, count or self.rnd.choice([1, 1, 2]), depth - 1, in_loop)
        self.level -= 1

    def statement(self, scope: Scope, depth: int, in_loop: bool) -> None:
        """Emit one statement."""
        simple = [
            (14, self.assign),
            (6, self.augment),
            (6, self.log_),
            (3, self.unpack),
            (4, self.store),
            (1, self.delete),
            (2, self.expression),
            (1, self.raise_),
            (1, self.mutate),
            (1, self.assert_),
            (1, self.import_),
            (2, self.local_class),
            (2, self.bound),
        ]
        if in_loop:
            simple.append((2, self.leave))
        if scope.is_generator:
            simple.append((5, self.yield_))
        compound = [
            (6, self.if_),
            (5, self.for_),
            (2, self.while_),
            (6, self.try_),
            (3, self.with_),
            (2, self.match_),
            (1, self.try_star),
        ]
        if scope.is_async:
            compound += [(4, self.async_for), (3, self.async_with)]
        makers = simple + (compound if depth > 0 else [])
        if self.rnd.random() < 0.12:
            self.emit("try:")
            self.level += 1
            self.rnd.choices([m for _, m in simple], [w for w, _ in simple])[0](scope, 0, False)
            self.level -= 1
            self.emit("except Exception as e:")
            self.emit("    log(tb(e))")
            return
        makes = self.rnd.choices([m for _, m in makers], [w for w, _ in makers])[0]
        makes(scope, depth, in_loop)

    def local(self, scope: Scope) -> str:
        """Return a name to bind, new or old."""
        if self.rnd.random() < 0.5 or not scope.names:
            name = f"v{self.rnd.randrange(5)}"
            if name not in scope.names:
                scope.names.append(name)
            return name
        names = [n for n in scope.names if n[0] in "vxyz"]
        return self.rnd.choice(names) if names else "v1"

    def assign(self, scope: Scope, depth: int, in_loop: bool) -> None:
        value = self.expr(scope, 3)
        name = self.local(scope)
        if in_loop:
            self.emit(f"{name} = {value}")
            self.emit(f"{name} = lim({name})")
        elif self.rnd.random() < 0.1:
            self.emit(f"{name} = {self.local(scope)} = {value}")
        else:
            self.emit(f"{name} = {value}")

    def augment(self, scope: Scope, depth: int, in_loop: bool) -> None:
        op = self.rnd.choices(
            ["+", "-", "*", "//", "%", "&", "|", "^", "/", "@"], [9, 5, 3, 2, 2, 1, 1, 1, 1, 1]
        )[0]
        roll = self.rnd.random()
        target = self.local(scope)
        if roll < 0.1:
            target = f"{self.target_object(scope, 0)}.{self.rnd.choice(ATTRIBUTES[:3])}"
        elif roll < 0.15:
            target = f"{self.name(scope)}[{self.expr(scope, 1)}]"
        value = self.expr(scope, 2)
        self.emit(f"{target} {op}= {value}")
        if in_loop and target.isidentifier():
            self.emit(f"{target} = lim({target})")

    def log_(self, scope: Scope, depth: int, in_loop: bool) -> None:
        self.emit(f"log({self.expr(scope, 3)})")

    def expression(self, scope: Scope, depth: int, in_loop: bool) -> None:
        self.emit(self.expr(scope, 3))

    def unpack(self, scope: Scope, depth: int, in_loop: bool) -> None:
        first, second = self.local(scope), self.local(scope)
        form = self.rnd.choice(
            ["{0}, {1}", "{0}, *{1}", "*{0}, {1}", "({0}, {1}), v0", "[{0}, {1}]"]
        )
        if self.rnd.random() < 0.6:
            value = f"{self.expr(scope, 1)}, {self.expr(scope, 1)}"
        else:
            value = f"as_items({self.expr(scope, 2)}) * 2"
        self.emit(f"{form.format(first, second)} = {value}")

    def bound(self, scope: Scope, depth: int, in_loop: bool) -> None:
        """Emit calls through a method that was fetched before, or through its class."""
        name, target = self.local(scope), self.target_object(scope, 1)
        method = self.rnd.choice(METHODS)
        self.emit(f"{name} = {target}.{method}")
        call = self.rnd.choice([name, name, f"{name}.__call__", f"type({target}).{method}"])
        self.emit(f"log({call}({self.arguments(scope, 1)}))")
        self.emit(f"{name} = 0")

    def local_class(self, scope: Scope, depth: int, in_loop: bool) -> None:
        """Emit a class that is made anew each time, and a use of it."""
        name = self.new_name("K")
        base = self.rnd.choice(["", "", *scope.classes])
        inner = Scope([*self.globals, *(n for n in scope.names if n != "self")])
        self.emit(f"class {name}({base}):")
        self.level += 1
        self.emit(f"a0 = {self.expr(inner, 1)}")
        self.emit(f"b0 = {self.expr(Scope(['a0', 'a0', *self.globals]), 2)}")
        self.emit(f"for a1 in range({self.rnd.choice([1, 9])}): b0 = lim([b0, a1, a0])")
        if self.rnd.random() < 0.4:
            self.emit(f"def __init__(self, x=1, *rest, **more): self.a2 = {self.rnd.choice('x1')}")
        self.emit(f"def m0(self, x={self.constant()}, *rest, **more):")
        self.emit("    return show([self.a0, x, __class__])")
        if self.rnd.random() < 0.3:
            self.emit("a0 = Descriptor('a0')")
        self.level -= 1
        self.emit(f"log({name}({self.arguments(scope, 0)}).m0({self.arguments(scope, 0)}))")
        self.emit(f"log({name}.b0, {name}().a0)")

    def store(self, scope: Scope, depth: int, in_loop: bool) -> None:
        if self.rnd.random() < 0.5:
            target = f"{self.target_object(scope, 1)}.{self.rnd.choice(ATTRIBUTES)}"
        else:
            target = f"{self.name(scope)}[{self.expr(scope, 1)}]"
        self.emit(f"{target} = lim({self.expr(scope, 2)})")

    def delete(self, scope: Scope, depth: int, in_loop: bool) -> None:
        name = self.name(scope)
        self.emit(
            self.rnd.choice(
                [
                    f"del {self.local(scope)}",
                    f"del {name}.a0",
                    f"del {name}[0]",
                    f"del {name}['k0']",
                    f"del {name}[:1]",
                ]
            )
        )

    def raise_(self, scope: Scope, depth: int, in_loop: bool) -> None:
        what = self.rnd.choice([*RAISED, "", self.name(scope)])
        cause = (
            f" from {self.rnd.choice([*RAISED, 'None', self.name(scope)])}"
            if (what and self.rnd.random() < 0.2)
            else ""
        )
        self.emit(f"if chance(): raise {what}{cause}")

    def assert_(self, scope: Scope, depth: int, in_loop: bool) -> None:
        self.emit(f"assert {self.expr(scope, 2)}, {self.expr(scope, 1)}")

    def import_(self, scope: Scope, depth: int, in_loop: bool) -> None:
        self.emit(
            self.rnd.choice(
                [
                    "import math as v1",
                    "from math import floor as v2",
                    "import os.path",
                    "from sys import maxsize as v3",
                    "from math import nothing_such",
                ]
            )
        )

    def yield_(self, scope: Scope, depth: int, in_loop: bool) -> None:
        self.emit(
            self.rnd.choice(
                [
                    f"yield {self.expr(scope, 2)}",
                    f"{self.local(scope)} = yield {self.expr(scope, 2)}",
                    f"yield from as_items({self.expr(scope, 2)})",
                ]
            )
        )

    def leave(self, scope: Scope, depth: int, in_loop: bool) -> None:
        self.emit(f"if {self.expr(scope, 2)}: {self.rnd.choice(['break', 'continue'])}")

    def mutate(self, scope: Scope, depth: int, in_loop: bool) -> None:
        """Emit a change of a class, a function or a global behind the engine's caches."""
        rnd = self.rnd
        choices = [
            f"globals()['{rnd.choice(self.globals)}'] = {self.constant()}",
            "globals()['len'] = lambda *a: 5",
            "globals().pop('len', None)",
            "gc_collect()",
            "trace_some()",
        ]
        if scope.functions:
            f = rnd.choice(scope.functions)
            g = rnd.choice(scope.functions)
            choices += [
                f"{f}.__defaults__ = ({self.constant()},)",
                f"{f}.__code__ = {g}.__code__",
                f"globals()['{f}'] = {g}",
                f"{f}.__kwdefaults__ = {{'kw': 3}}",
            ]
        if scope.classes:
            c, d = rnd.choice(scope.classes), rnd.choice(scope.classes)
            choices += [
                f"{c}.{rnd.choice(METHODS)} = lambda *a, **k: len(a)",
                f"{c}.c0 = {self.constant()}",
                f"del {c}.{rnd.choice(METHODS)}",
                f"{c}.a0 = {self.constant()}",
                f"{self.name(scope)}.__class__ = {d}",
                f"{c}.p0 = property(lambda self: {self.constant()})",
                f"{self.name(scope)}.__dict__ = {{'a0': {self.constant()}}}",
                f"{c}.__add__ = {d}.m0",
                f"{c}.{rnd.choice(METHODS)} = {d}",
                f"{c}.__bool__ = lambda self: {rnd.choice(['True', 'False', '3'])}",
            ]
        self.emit(rnd.choice(choices))

    def if_(self, scope: Scope, depth: int, in_loop: bool) -> None:
        self.emit(f"if {self.expr(scope, 2)}:")
        self.nested(scope, depth, in_loop)
        if self.rnd.random() < 0.3:
            self.emit(f"elif {self.expr(scope, 2)}:")
            self.nested(scope, depth, in_loop)
        if self.rnd.random() < 0.5:
            self.emit("else:")
            self.nested(scope, depth, in_loop)

    def for_(self, scope: Scope, depth: int, in_loop: bool) -> None:
        n = self.rnd.choice([2, 5, 30] if not in_loop else [2, 3])
        name = self.local(scope)
        sources = [
            f"range({n})",
            f"range({n}, 0, -1)",
            f"enumerate('abc' * {n})",
            f"zip(range({n}), 'abcdefghij')",
            f"[1, 2.5, 'x', None] * {n}",
            f"as_items({self.expr(scope, 2)})",
            "{'k0': 1, 'k1': 2}.items()",
            "dict.fromkeys('abc', 1)",
            self.name(scope),
        ]
        if scope.generators:
            sources.append(f"{self.rnd.choice(scope.generators)}({self.arguments(scope, 1)})")
        target = self.rnd.choice([name, name, name, f"{name}, v4"])
        self.emit(f"for {target} in {self.rnd.choice(sources)}:")
        self.level += 1
        self.emit("tick()")
        self.block(scope, self.rnd.randrange(1, 4), depth - 1, True)
        self.level -= 1
        if self.rnd.random() < 0.15:
            self.emit("else:")
            self.nested(scope, depth, in_loop)

    def while_(self, scope: Scope, depth: int, in_loop: bool) -> None:
        counter = self.new_name("w")
        self.emit(f"{counter} = {self.rnd.choice([3, 25])}")
        condition = self.rnd.choice(
            [
                f"{counter} > 0",
                counter,
                f"{counter} > 0 and {self.expr(scope, 1)}",
                f"{counter} is not None",
                "True",
            ]
        )
        self.emit(f"while {condition}:")
        self.level += 1
        self.emit(f"{counter} = {counter} - 1 if {counter} else None")
        self.emit(f"if not {counter}: break")
        self.emit("tick()")
        self.block(scope, 2, depth - 1, True)
        self.level -= 1
        if self.rnd.random() < 0.2:
            self.emit("else:")
            self.nested(scope, depth, in_loop)

    def try_(self, scope: Scope, depth: int, in_loop: bool) -> None:
        self.emit("try:")
        self.nested(scope, depth, in_loop, self.rnd.choice([1, 2, 3]))
        handlers = self.rnd.choice([0, 1, 1, 1, 2])
        for _ in range(handlers):
            bound = self.rnd.random() < 0.6
            self.emit(f"except {self.rnd.choice(EXCEPTIONS)}{' as e' if bound else ''}:")
            self.level += 1
            if bound:
                self.emit(self.rnd.choice(["log(tb(e))", "log(e)", "log(exc_name())"]))
            if self.rnd.random() < 0.15:
                self.emit(
                    self.rnd.choice(
                        ["raise", "raise OwnError('again')", "raise OwnError('again') from None"]
                    )
                )
            self.level -= 1
            self.nested(scope, depth, in_loop)
        if handlers and self.rnd.random() < 0.25:
            self.emit("else:")
            self.nested(scope, depth, in_loop)
        if not handlers or self.rnd.random() < 0.35:
            self.emit("finally:")
            self.level += 1
            self.emit("log(exc_name())")
            if self.rnd.random() < 0.08 and in_loop:
                self.emit(self.rnd.choice(["break", "continue"]))
            self.level -= 1
            self.nested(scope, depth, in_loop)

    def try_star(self, scope: Scope, depth: int, in_loop: bool) -> None:
        self.emit("try:")
        self.nested(scope, depth, in_loop)
        for kind in self.rnd.sample(
            ["ValueError", "KeyError", "TypeError", "OwnError"], self.rnd.choice([1, 2])
        ):
            self.emit(f"except* {kind} as e:")
            self.level += 1
            self.emit("log(e)")
            if self.rnd.random() < 0.3:
                self.emit(self.rnd.choice(["raise", "raise OwnError('star')"]))
            self.level -= 1

    def with_(self, scope: Scope, depth: int, in_loop: bool) -> None:
        managers = [
            "manager('a')",
            "manager('b', True)",
            self.name(scope),
            "manager('c', fail=True)",
        ]
        if scope.classes:
            managers.append(f"{self.rnd.choice(scope.classes)}()")
        chosen = self.rnd.choices(managers, k=self.rnd.choice([1, 1, 2]))
        items = [f"{m} as {self.local(scope)}" if self.rnd.random() < 0.4 else m for m in chosen]
        self.emit(f"with {', '.join(items)}:")
        self.nested(scope, depth, in_loop, 2)

    def match_(self, scope: Scope, depth: int, in_loop: bool) -> None:
        patterns = [
            "0 | 1",
            "int(v1)",
            "str()",
            "[v1, *v2]",
            "(v1, v2)",
            "{'k0': v1, **v2}",
            "None",
            "float() | complex()",
            "[]",
            "True",
            "[int(v1), _]",
            "{}",
            "bool(v2)",
            "-1",
            "'abc'",
            "[[v1], *_]",
        ]
        patterns += [f"{c}()" for c in scope.classes] + [f"{c}(a0=v1)" for c in scope.classes]
        self.emit(f"match {self.expr(scope, 2)}:")
        self.level += 1
        for pattern in self.rnd.sample(patterns, self.rnd.randrange(1, 4)):
            guard = f" if {self.expr(scope, 1)}" if self.rnd.random() < 0.2 else ""
            self.emit(f"case {pattern}{guard}:")
            self.nested(scope, depth, in_loop)
        if self.rnd.random() < 0.5:
            self.emit("case v3:")
            self.nested(scope, depth, in_loop)
        self.level -= 1

    def async_for(self, scope: Scope, depth: int, in_loop: bool) -> None:
        if self.rnd.random() < 0.3:
            self.emit(
                f"log([x async for x in Ticker({self.rnd.randrange(4)}) if {self.expr(scope, 1)}])"
            )
            return
        self.emit(
            f"async for {self.local(scope)} in {self.rnd.choice(['Ticker(3)', 'ticking(4)'])}:"
        )
        self.nested(scope, depth, True, 2)

    def async_with(self, scope: Scope, depth: int, in_loop: bool) -> None:
        self.emit(f"async with amanager('am', {self.rnd.choice(['True', 'False'])}):")
        self.nested(scope, depth, in_loop, 2)

    # The hot part

    def hot_main(self) -> None:
        """Emit a loop that drives the definitions with arguments of changing types."""
        rnd = self.rnd
        values = [self.constant() for _ in range(rnd.randrange(2, 5))]
        values += [f"{c}" if rnd.random() < 0.1 else f"make({c})" for c in self.classes]
        name = self.new_name("values")
        self.emit(f"{name} = [{', '.join(values)}]")
        switch = rnd.choice([1, 7, 20, 45])
        scope = self.scope(["i", "v", "v0"])
        count = rnd.choice([40, 90, 150])
        self.emit("v0 = 0")
        self.emit(f"for i in range({count}):")
        self.level += 1
        self.emit("refuel(60)")
        self.emit(f"v = {name}[(i // {switch}) % len({name})]")
        self.emit("try:")
        self.level += 1
        for _ in range(rnd.randrange(1, 4)):
            roll = rnd.random()
            if self.coroutines and roll < 0.2:
                self.emit(f"log(drive({rnd.choice(self.coroutines)}({self.arguments(scope, 1)})))")
            elif self.generators and roll < 0.45:
                self.emit(
                    f"log({rnd.choice(['exhaust', 'poke', 'half'])}("
                    f"{rnd.choice(self.generators)}({self.arguments(scope, 1)})))"
                )
            elif self.functions and roll < 0.75:
                f = rnd.choice(self.functions)
                self.emit(f"log({f}({rnd.choice(['v', 'v, i', 'i', 'v, v, i', 'x=v'])}))")
            else:
                self.statement(scope, 1, True)
        if rnd.random() < 0.3:
            self.emit(f"if i == {rnd.randrange(count)}:")
            self.level += 1
            self.mutate(scope, 1, True)
            self.level -= 1
        self.level -= 1
        self.emit("except Exception as error:")
        self.emit("    log(tb(error))")
        self.level -= 1


def make_program(seed: int) -> str:
    """Return the program of `seed`; seeds whose text does not compile give the next one's."""
    while True:
        text = ProgramMaker(seed).make()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compile(text, "<fuzz>", "exec")
            return text
        except SyntaxError:
            seed += 1_000_003
