"""The unknown of a comparison: a symbol and the range of its values."""

from collections.abc import Mapping
from typing import Any

from sympy import Expr, Integer, Symbol, ceiling, floor

from symroof import symbols as s
from symroof.algebra.points import Point
from symroof.architecture.layer_counts import kinds_of_layers
from symroof.architecture.structure import MAX_SIZE
from symroof.cost.batch import BATCH_SYMBOLS, LARGEST
from symroof.errors import UnknownName, UsageError, cure
from symroof.model.model import Model
from symroof.solving.scope import SolveScope

FRACTIONS = (s.u_F, s.u_W)  # from 0 to 1
WIDEST = 10**30  # the end of the domain of a real unknown


def unknown_domain(x: Symbol) -> tuple[Any, Any]:
    """The first and last number of the domain; that of a real unknown is open."""
    if s.group(x) == "size":
        return 1, MAX_SIZE
    if s.takes_whole_numbers(x):
        return int(x != s.c), LARGEST
    return Integer(0), Integer(1) if x in FRACTIONS else Integer(WIDEST)


def where_sizes_are_positive(scope: SolveScope, first: Any, last: Any) -> tuple[Any, Any]:
    """The part of a domain where the sizes that change with the unknown, linear in it, are above 0."""
    for form in scope.held.values():
        slope, offset = form.coeff(scope.unknown, 1), form.coeff(scope.unknown, 0)
        if slope > 0:
            first = max(first, int(floor(-offset / slope)) + 1)
        elif slope < 0:
            last = min(last, int(ceiling(-offset / slope)) - 1)
    return first, last


def unknown_symbol(name: str, model: Model) -> Symbol:
    """The symbol of a name. Raises UsageError where it cannot be solved for."""
    sizes = model.architecture.sizes
    try:
        x = model.symbol(BATCH_SYMBOLS.get(name, name))
    except KeyError:
        known = [*BATCH_SYMBOLS, *sizes, *(y for y, e in s.VOCABULARY.items() if e.group in ("width", "machine"))]
        raise UnknownName("symbol to solve for", name, known) from None
    group = s.group(x)
    if group == "size" and str(x) not in sizes:
        raise UsageError(f"{x} is not a size of {model.name}: {cure(name, sizes, 'it has')}")
    if group in ("batch", "rule", "step") and x != s.B:
        raise UsageError(f"{x} is defined by other symbols ({s.entry(str(x)).meaning}): solve for B, n, c or a size")
    return x


def require_variable(x: Symbol, held: Mapping[Symbol, Expr], model: Model) -> None:
    """Raise UsageError for a size that cannot change without others, where no others are coupled to it."""
    if s.group(x) != "size" or held:
        return
    faults = []
    for number in (model.sizes[x] * 2, model.sizes[x] + 1):
        try:
            model.with_sizes(**{str(x): number})
        except UsageError as error:
            faults.append(str(error))
    if len(faults) == 2:
        kinds = ",".join(kinds_of_layers(model.architecture, str(x)))
        cure = f"couple others to it, such as --hold .../{x}"
        if kinds:
            cure = f"add --hold L, so that {kinds} changes, or --hold {kinds}, so that L changes"
        raise UsageError(f"{x} cannot change alone ({faults[1]}): {cure}")


def is_valid_size(scope: SolveScope, value: int) -> bool:
    """Whether a model can have that value of the unknown, with the sizes coupled to it."""
    point = Point({scope.unknown: value})
    sizes = {str(x): point.number(form) for x, form in scope.held.items()}
    try:
        scope.model.architecture.with_sizes({str(scope.unknown): value, **sizes})
    except UsageError:
        return False
    return True
