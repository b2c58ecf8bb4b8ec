"""Small mistakes in formulas: where one can be made, and a module's syntax tree with one made.

A place is a sign, a factor, a constant, a symbol, a flag, a condition or two arguments in the modules that formulas are
in. Types, indexes, text and what is raised are no places.
"""

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SHORT = 90  # characters
COUNTED = ("batch_sums", "cost", "flops", "graph", "masks", "rules")  # of symroof/cost


@dataclass(frozen=True)
class Slot:
    """Where a node hangs in a syntax tree: a field of its parent, and the index where that is a list."""

    parent: ast.AST
    field: str
    index: int | None

    @property
    def node(self) -> ast.AST:
        """What hangs there."""
        found = getattr(self.parent, self.field)
        return found if self.index is None else found[self.index]

    def put(self, node: ast.AST) -> None:
        """Hang another node there."""
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


@dataclass(frozen=True, eq=False)
class Place:
    """Where a mistake can be made, and what can be put there; all places of a module share its tree."""

    tree: ast.Module
    module: str  # the file, from the root
    scope: str  # the function, or the name that is assigned
    number: int  # of the places in that scope
    line: int
    slot: Slot
    others: tuple[ast.AST, ...]


@dataclass(frozen=True, eq=False)
class Mutant:
    """One mistake at a place."""

    place: Place
    node: ast.AST

    def tree(self) -> ast.Module:
        """The module's tree with the mistake in it, for good: to be called in a process of its own."""
        self.place.slot.put(self.node)
        return ast.fix_missing_locations(self.place.tree)

    @property
    def change(self) -> str:
        """What is there and what is put there, with the expression around it where that is short."""
        slot, old = self.place.slot, self.place.slot.node
        short = isinstance(slot.parent, ast.expr | ast.keyword) and len(ast.unparse(slot.parent)) < SHORT
        before = ast.unparse(slot.parent if short else old)
        slot.put(self.node)
        after = ast.unparse(slot.parent if short else self.node)
        slot.put(old)
        return f"{before} -> {after}"

    def __str__(self) -> str:
        return f"{self.place.module}: {self.place.scope}: {self.change}"


def modules() -> list[Path]:
    """The files that formulas are in."""
    package = ROOT / "symroof"
    counted = (package / "cost" / f"{name}.py" for name in COUNTED)
    return sorted([*package.glob("ops/**/*.py"), *package.glob("blocks/**/*.py"), *counted])


def every_place() -> list[Place]:
    """All places of all modules."""
    return [place for path in modules() for place in places(path)]


# What is there, and what can be put there.

SWAPS: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
LISTS = (ast.List, ast.ListComp, ast.Tuple, ast.Dict, ast.Set, ast.Starred)
SKIPPED_FIELDS = {"annotation", "returns", "decorator_list", "slice", "keys"}
SKIPPED_NODES = (ast.Raise, ast.JoinedStr, ast.Import, ast.ImportFrom)


@dataclass(frozen=True)
class Known:
    """The symbols of a module, and the sizes of the function at hand: what one of them can be mistaken for."""

    symbols: tuple[str, ...]
    sizes: tuple[str, ...] = ()


def places(path: Path) -> Iterator[Place]:
    """Every place of a module."""
    tree = ast.parse(path.read_text())
    symbols = {x.attr for x in ast.walk(tree) if is_symbol(x)}
    aliases = {name for x in tree.body if isinstance(x, ast.Assign) for name in symbol_names(x)}
    where, numbers = (tree, str(path.relative_to(ROOT))), Counter[str]()
    for slot, scope, known in slots(tree, "", Known(tuple(sorted(symbols)), tuple(sorted(aliases)))):
        if others := tuple(mistakes(slot, known)):
            numbers[scope] += 1
            yield Place(*where, scope, numbers[scope], slot.node.lineno, slot, others)


@cache
def vocabulary() -> set[str]:
    """The symbols that are declared."""
    tree = ast.parse((ROOT / "symroof" / "symbols.py").read_text())
    calls = [x for x in tree.body if isinstance(x, ast.Assign) and isinstance(x.value, ast.Call) and x.value.args]
    return {ast.unparse(x.targets[0]) for x in calls if ast.unparse(x.value.args[0]) == repr(ast.unparse(x.targets[0]))}


def is_symbol(node: ast.AST) -> bool:
    """Whether it is s.X, for a symbol X of the vocabulary."""
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
        return False
    return node.value.id == "s" and node.attr in vocabulary()


def symbol_names(x: ast.Assign) -> Iterator[str]:
    """The names that an assignment gives to symbols."""
    target = x.targets[0]
    several = isinstance(x.value, ast.Tuple) and isinstance(target, ast.Tuple)
    for name, value in zip(target.elts, x.value.elts, strict=True) if several else [(target, x.value)]:
        if isinstance(name, ast.Name) and is_symbol(value):
            yield name.id


def slots(parent: ast.AST, scope: str, known: Known) -> Iterator[tuple[Slot, str, Known]]:
    """Every node below, with the scope it is in and what is known there."""
    for field, value in ast.iter_fields(parent):
        if field in SKIPPED_FIELDS:
            continue
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(node, ast.AST) and not isinstance(node, SKIPPED_NODES):
                inner, more = scope_of(node, scope), known_in(node, known)
                yield Slot(parent, field, index), inner, more
                yield from slots(node, inner, more)


def scope_of(node: ast.AST, scope: str) -> str:
    """The scope at a node: a function's or class's name, or at the outermost level what is assigned."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return f"{scope}.{node.name}" if scope else node.name
    if isinstance(node, ast.Assign | ast.AnnAssign) and not scope:
        return ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
    return scope


def known_in(node: ast.AST, known: Known) -> Known:
    """What is known at a node: in a function also the sizes that it is given."""
    if not isinstance(node, ast.FunctionDef):
        return known
    given = {x.arg for x in node.args.args if x.annotation and "Expr" in ast.unparse(x.annotation)}
    return Known(known.symbols, tuple(sorted({*known.sizes, *given})))


def mistakes(slot: Slot, known: Known) -> Iterator[ast.AST]:
    """What can be put in the place of a node."""
    for kind, of in MISTAKES.items():
        if isinstance(slot.node, kind):
            yield from of(slot.node, known)
    if slot.field == "test":
        yield ast.UnaryOp(ast.Not(), slot.node)


def operations(node: ast.BinOp, known: Known) -> Iterator[ast.AST]:
    """Another operator; a term or a factor left out."""
    both = node.left, node.right
    if type(node.op) not in SWAPS or any(isinstance(x, ast.Constant) and isinstance(x.value, str) for x in both):
        return
    if not any(isinstance(x, LISTS) for x in both):
        yield ast.BinOp(node.left, SWAPS[type(node.op)](), node.right)
    yield from both if isinstance(node.op, ast.Add | ast.Mult) else (node.left,)


def constants(node: ast.Constant, known: Known) -> Iterator[ast.AST]:
    """One more; the other truth value."""
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node.value, int):
        yield ast.Constant(node.value + 1)


def comparisons(node: ast.Compare, known: Known) -> Iterator[ast.AST]:
    """The other comparison."""
    yield ast.Compare(node.left, [SWAPS[type(node.ops[0])](), *node.ops[1:]], node.comparators)


def symbols(node: ast.Attribute, known: Known) -> Iterator[ast.AST]:
    """Another symbol that the module uses."""
    if is_symbol(node):
        yield from (ast.Attribute(node.value, x, ast.Load()) for x in known.symbols if x != node.attr)


def sizes(node: ast.Name, known: Known) -> Iterator[ast.AST]:
    """Another size that the function knows."""
    if isinstance(node.ctx, ast.Load) and node.id in known.sizes:
        yield from (ast.Name(x, ast.Load()) for x in known.sizes if x != node.id)


def arguments(node: ast.Call, known: Known) -> Iterator[ast.AST]:
    """Two sizes in each other's place."""
    for i, pair in enumerate(pairwise(node.args)):
        if all(is_size(x, known) for x in pair) and ast.dump(pair[0]) != ast.dump(pair[1]):
            yield ast.Call(node.func, [*node.args[:i], *reversed(pair), *node.args[i + 2 :]], node.keywords)


def is_size(node: ast.AST, known: Known) -> bool:
    """Whether it is made of symbols and sizes, and calls nothing."""
    found = list(ast.walk(node))
    named = any(is_symbol(x) or (isinstance(x, ast.Name) and x.id in known.sizes) for x in found)
    return named and not any(isinstance(x, ast.Call | ast.Constant) and not is_number(x) for x in found)


def is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int


MISTAKES: dict[type, Callable[[Any, Known], Iterator[ast.AST]]] = {
    ast.BinOp: operations,
    ast.Constant: constants,
    ast.Compare: comparisons,
    ast.Attribute: symbols,
    ast.Name: sizes,
    ast.Call: arguments,
    ast.BoolOp: lambda node, _: iter([ast.BoolOp(SWAPS[type(node.op)](), node.values)]),
    ast.UnaryOp: lambda node, _: iter([node.operand] if isinstance(node.op, ast.Not | ast.USub) else []),
}
