"""Makes a differing program small while it still differs in the same way.

How it works: candidates are syntax trees with something taken away: statements removed in halves
and one by one, compound statements replaced by their bodies, expressions by one of their parts or
by a constant. A candidate is kept if it compiles and the sides still differ with the same kind.

What must stay true: every kept candidate has been seen to differ; the result is never guessed.
"""

from __future__ import annotations

import ast
import copy
import time
import warnings
from collections.abc import Callable, Iterator

from fuzz_run import Finding, Sides, kind_of, observe_side


def differs_alike(sides: Sides, text: str, kind: str) -> bool:
    """Say whether `text` differs between the sides with `kind`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "<fuzz>", "exec")
    except (SyntaxError, ValueError, RecursionError):
        return False
    engine = observe_side(sides, sides.engine, [text], 40)[0]
    if kind.startswith("crash") and not any(k.startswith("crash") for k in engine):
        return False
    stock = observe_side(sides, "stock", [text], 40)[0]
    return kind_of(stock, engine) == kind


def bodies(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    """Yield every statement list, outer ones first."""
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            value = getattr(node, field, None)
            if isinstance(value, list) and value:
                yield value


def shrink_statements(tree: ast.Module, keep: Callable[[ast.Module], bool]) -> ast.Module:
    """Remove statements from every list, in chunks that get smaller."""
    index = 0
    while index < len(list(bodies(tree))):
        size = len(list(bodies(tree))[index])
        while size >= 1:
            start = 0
            while start < len(list(bodies(tree))[index]):
                candidate = copy.deepcopy(tree)
                target = list(bodies(candidate))[index]
                removed = target[start : start + size]
                del target[start : start + size]
                if not target and isinstance(removed[0], ast.stmt):
                    target.append(ast.Pass())
                if ast.dump(candidate) != ast.dump(tree) and keep(candidate):
                    tree = candidate
                    if index >= len(list(bodies(tree))):
                        return tree
                else:
                    start += size
            size //= 2
        index += 1
    return tree


def unwrap_compounds(tree: ast.Module, keep: Callable[[ast.Module], bool]) -> ast.Module:
    """Replace compound statements by what is inside them."""
    changed = True
    while changed:
        changed = False
        for index, body in enumerate(list(bodies(tree))):
            for at, statement in enumerate(body):
                inner = getattr(statement, "body", None)
                if not isinstance(inner, list) or isinstance(
                    statement, ast.FunctionDef | ast.ClassDef
                ):
                    continue
                candidate = copy.deepcopy(tree)
                target = list(bodies(candidate))[index]
                target[at : at + 1] = target[at].body
                if keep(candidate):
                    tree, changed = candidate, True
                    break
            if changed:
                break
    return tree


def expression_slots(tree: ast.AST) -> Iterator[tuple[ast.AST, str, int | None]]:
    """Yield every place that holds an expression."""
    for node in ast.walk(tree):
        for field, value in ast.iter_fields(node):
            if isinstance(value, ast.expr):
                yield node, field, None
            elif isinstance(value, list):
                for at, item in enumerate(value):
                    if isinstance(item, ast.expr):
                        yield node, field, at


def simpler(expression: ast.expr) -> Iterator[ast.expr]:
    """Yield smaller stand-ins for an expression."""
    if isinstance(expression, ast.Constant | ast.Name):
        return
    yield ast.Constant(1)
    for child in ast.iter_child_nodes(expression):
        if isinstance(child, ast.expr):
            yield child


def shrink_expressions(tree: ast.Module, keep: Callable[[ast.Module], bool]) -> ast.Module:
    """Replace expressions by parts of themselves."""
    index = 0
    while index < len(list(expression_slots(tree))):
        node, field, at = list(expression_slots(tree))[index]
        current = getattr(node, field) if at is None else getattr(node, field)[at]
        replaced = False
        for number, _ in enumerate(simpler(current)):
            candidate = copy.deepcopy(tree)
            place, name, position = list(expression_slots(candidate))[index]
            old = getattr(place, name) if position is None else getattr(place, name)[position]
            new = list(simpler(old))[number]
            if position is None:
                setattr(place, name, new)
            else:
                getattr(place, name)[position] = new
            if keep(candidate):
                tree, replaced = candidate, True
                break
        if not replaced:
            index += 1
    return tree


def minimise(sides: Sides, finding: Finding, seconds: float = 90) -> str:
    """Return a small program that still differs like `finding`."""
    end = time.monotonic() + seconds

    def keep(tree: ast.Module) -> bool:
        if time.monotonic() > end:
            return False
        try:
            text = ast.unparse(ast.fix_missing_locations(tree))
        except (ValueError, AttributeError, RecursionError):
            return False
        return differs_alike(sides, text, finding.kind)

    tree = ast.parse(finding.program)
    if not keep(tree):
        return finding.program  # layout matters, or it only differs in its batch
    before = ""
    while before != (before := ast.dump(tree)) and time.monotonic() < end:
        tree = shrink_statements(tree, keep)
        tree = unwrap_compounds(tree, keep)
        tree = shrink_expressions(tree, keep)
        if before == ast.dump(tree):
            break
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"
