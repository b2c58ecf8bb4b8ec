"""Long formulas in lines of few terms: names stand for sums within them, and for functions that recur."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from sympy import Add, Basic, Expr, Max, Min, Mul, Symbol, ceiling, floor, preorder_traversal

from symroof.algebra.fold import Table, fold, rebuilt_unevaluated

LINE = 12  # terms of a formula that is not split
SHORT = 3  # terms of the shortest sum that gets a name
FUNCTIONS = (Min, Max, floor, ceiling)
Names = Callable[[tuple[Expr, ...]], Symbol]  # the name of a sum, given the factors of the product it is in

_WRITTEN = Table({Basic: rebuilt_unevaluated})


@dataclass(frozen=True)
class NamedForm:
    """A formula in which names stand for sums, and their definitions in the order of their use."""

    expr: Expr
    where: Mapping[Symbol, Expr] = field(default_factory=dict)

    @property
    def whole(self) -> Expr:
        """The formula with all definitions in it, multiplied out."""
        expr = self.expr
        for name, form in self.where.items():
            expr = expr.xreplace({name: form})
        return expr.expand()


def term_count(expr: Basic) -> int:
    """The terms of a formula, counting those of sums within it: 3 of a (b + c) + d."""
    return 1 + _operators(expr)


def _operators(expr: Basic) -> int:
    return (len(expr.args) - 1 if isinstance(expr, Add) else 0) + sum(map(_operators, expr.args))


def name_long_sums(expr: Expr, names: Names, most: int = LINE) -> NamedForm:
    """A factored formula in lines of at most so many terms."""
    definitions: dict[Symbol, NamedForm] = {}
    while term_count(expr) > most and (part := longest_part(expr) or first_half(expr)):
        inner, factors = part
        name = names(factors)
        expr, definitions[name] = replaced(expr, inner, name), name_long_sums(inner, names, most)
    where = ({name: form.expr, **form.where} for name, form in definitions.items())
    return NamedForm(expr, in_order({name: form for x in where for name, form in x.items()}))


def name_functions(expr: Expr, names: Names) -> NamedForm:
    """A formula in which Min, Max and floors that recur, or are of sums of several terms, have names."""
    where: dict[Symbol, Expr] = {}
    while long := [x for x in expr.atoms(*FUNCTIONS) if _operators(x) and is_long_or_recurs(x, expr)]:
        part, name = max(long, key=lambda x: (term_count(x), str(x))), names(())
        expr, where[name] = replaced(expr, part, name), part
    return NamedForm(expr, where)


def is_long_or_recurs(x: Expr, expr: Expr) -> bool:
    """Whether a function is of more than a few terms, or is in an expression more than once."""
    return term_count(x) > SHORT or sum(y == x for y in preorder_traversal(expr)) > 1


def in_order(where: Mapping[Symbol, Expr]) -> dict[Symbol, Expr]:
    """Definitions, each ahead of those of the names in it."""
    ordered: dict[Symbol, Expr] = {}
    rest = dict(where)
    while rest:
        used = set().union(*(form.free_symbols for form in rest.values()))
        ordered |= (free := {name: form for name, form in rest.items() if name not in used})
        rest = {name: form for name, form in rest.items() if name not in free}
    return ordered


def longest_part(expr: Expr) -> tuple[Expr, tuple[Expr, ...]] | None:
    """The sum or function that saves most terms once it has a name, and the factors it is multiplied by."""
    uses: dict[Expr, list[tuple[Expr, ...]]] = {}
    for part, factors in inner_parts(expr):
        uses.setdefault(part, []).append(factors)
    saved = {x: _operators(x) * len(y) for x, y in uses.items() if is_worth_a_name(x, len(y))}
    if not saved:
        return None
    part = max(saved, key=lambda x: saved[x])
    return part, uses[part][0]


def is_worth_a_name(x: Expr, uses: int) -> bool:
    """Whether naming a sum or function makes the formula clearer: a long sum, or a function that recurs."""
    return term_count(x) >= SHORT if isinstance(x, Add) else uses > 1 and bool(_operators(x))


def inner_parts(expr: Expr, factors: tuple[Expr, ...] = ()) -> Iterator[tuple[Expr, tuple[Expr, ...]]]:
    """The sums and functions within an expression, the outermost first, each with the factors that multiply it."""
    for x in expr.args:
        outer = tuple(y for y in (*factors, *expr.args) if y is not x) if isinstance(expr, Mul) else factors
        if isinstance(x, (Add, *FUNCTIONS)):
            yield x, outer
        yield from inner_parts(x, outer if isinstance(x, Mul) or isinstance(expr, Mul) else ())


def first_half(expr: Expr) -> tuple[Expr, tuple[Expr, ...]] | None:
    """The first half of the terms of a sum; None for any other expression."""
    if not isinstance(expr, Add) or len(expr.args) <= SHORT:
        return None
    return Add(*expr.args[: len(expr.args) // 2], evaluate=False), ()


def replaced(expr: Expr, part: Expr, name: Symbol) -> Expr:
    """An expression with a name for a part of it, or for the first terms of a sum; nothing in it evaluated."""
    if isinstance(expr, Add) and isinstance(part, Add) and expr.args[: len(part.args)] == part.args:
        return Add(name, *expr.args[len(part.args) :], evaluate=False)
    return fold(expr, _WRITTEN, {part: name})
