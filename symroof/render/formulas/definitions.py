"""What the symbols of formulas stand for: sums over masks as differences of prefix sums, their inner parts named."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sympy import Add, Expr, Function, Integer, Max, Min, Symbol, floor, preorder_traversal

from symroof import symbols as s
from symroof.algebra.binding import reachable_symbols
from symroof.cost.notation import formula_text, symbol_order
from symroof.cost.rules import Layer

X = Symbol("x", nonnegative=True)  # the argument of prefix sums
LETTERS = {floor: "quv", Max: "yz", Min: "ij", Add: "rp"}  # no symbols of the vocabulary
SHARED = "ego"  # for what several definitions have
BENT = (floor, Max, Min)
SHORT_PART = 14  # characters of the longest part that several definitions write out
SHORT = 44  # characters of the longest sum that is written out


@dataclass(frozen=True)
class Definition:
    """A symbol, or a function of X, and what it is; `parts` are names of what its value has several times."""

    name: Expr
    value: Expr
    parts: tuple[tuple[Symbol, Expr], ...] = ()


def definitions_of(exprs: Iterable[Expr], layer: Layer) -> list[Definition]:
    """The definitions of all symbols that formulas reach, and of the functions in those, each once."""
    used = sorted(reachable_symbols(exprs, layer) & layer.keys(), key=lambda x: symbol_order(str(x)))
    prefixes = {x: g for x in used if (g := prefix_sum(layer[x])) is not None}
    names = function_names(prefixes)
    values = {x: _difference(names[prefixes[x]]) if x in prefixes else layer[x] for x in used}
    shared = shared_parts(values.values())
    functions = (Definition(f(X), *named_parts(g)) for g, f in names.items())
    parts = (Definition(letter, x.func(*(y.xreplace(shared) for y in x.args))) for x, letter in shared.items())
    return [*(Definition(x, y.xreplace(shared)) for x, y in values.items()), *parts, *functions]


def shared_parts(exprs: Iterable[Expr]) -> dict[Expr, Symbol]:
    """Long floors, Max and Min that several formulas have -> their letters."""
    counts = Counter(x for expr in exprs for x in {y for y in preorder_traversal(expr) if isinstance(y, BENT)})
    often = (x for x, times in counts.items() if times > 1 and len(formula_text(x)) > SHORT_PART)
    parts = sorted(often, key=lambda x: (x.count_ops(), str(x)))
    return {x: Symbol(letter, nonnegative=True) for x, letter in zip(parts, SHARED, strict=False)}


def prefix_sum(definition: Expr) -> Expr | None:
    """g(X), where a long definition is g(c + n) - g(c)."""
    if len(formula_text(definition)) <= SHORT or not {s.n, s.c} <= definition.free_symbols:
        return None
    g = definition.xreplace({s.n: X, s.c: Integer(0)})
    return g if g.xreplace({X: s.c + s.n}) - g.xreplace({X: s.c}) == definition else None


def function_names(prefixes: Mapping[Symbol, Expr]) -> dict[Expr, Function]:
    """Prefix sum -> its function: S where there is one, else S_ and what tells its symbol from others."""
    first: dict[Expr, Symbol] = {}
    for x, g in prefixes.items():
        first.setdefault(g, x)
    suffixes = {g: str(x) if not str(x).startswith("P_") else str(x)[2:] for g, x in first.items()}
    return {g: Function("S" if len(first) == 1 else f"S_{suffixes[g]}") for g in first}


def _difference(f: Function) -> Expr:
    """f(c + n) - f(c)."""
    return f(s.c + s.n) - f(s.c)


def named_parts(expr: Expr) -> tuple[Expr, tuple[tuple[Symbol, Expr], ...]]:
    """An expression with letters for what it has several times, and what they stand for."""
    free = {kind: iter(letters) for kind, letters in LETTERS.items()}
    parts: dict[Symbol, Expr] = {}
    while (part := _part_to_name(expr)) is not None and (letter := next(free[part.func], None)):
        name = Symbol(letter, nonnegative=True)
        parts = {x: y.xreplace({part: name}) for x, y in parts.items()} | {name: part}
        expr = expr.xreplace({part: name, part + 1: name + 1})
    return expr, tuple(parts.items())


def _part_to_name(expr: Expr) -> Expr | None:
    """The largest floor, Max or Min that occurs twice; else a sum that occurs with 1 added too."""
    nodes = list(preorder_traversal(expr))
    bent = {x for x in nodes if isinstance(x, BENT) and nodes.count(x) > 1}
    sums = {x for x in nodes if isinstance(x, Add) and len(x.free_symbols) > 1 and x + 1 in nodes}
    return max(bent or sums, key=lambda x: (x.count_ops(), str(x)), default=None)
