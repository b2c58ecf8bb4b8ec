"""What a comparison is solved for: a symbol, the numbers it may be, and the sizes that follow it."""

from typing import Any

from sympy import Integer, Symbol

from symroof import symbols as s
from symroof.algebra.points import Point
from symroof.architecture.structure import MAX_SIZE
from symroof.cost.batch import BATCH_SYMBOLS, LARGEST
from symroof.errors import UnknownName, UsageError, cure
from symroof.model.model import Model
from symroof.solving.scope import Scope

PARTS = (s.u_F, s.u_W)  # parts of a whole
WIDEST = 10**30  # of a real unknown


def domain(x: Symbol) -> tuple[Any, Any]:
    """The first and last number that are looked at: of a real unknown, without these."""
    if s.group(x) == "size":
        return 1, MAX_SIZE
    if x.is_integer:
        return int(x != s.c), LARGEST
    return Integer(0), Integer(1) if x in PARTS else Integer(WIDEST)


def asked_for(name: str, model: Model) -> Symbol:
    """The symbol that is solved for. Raises UsageError for one that stands for others."""
    sizes = model.architecture.sizes
    try:
        x = s.symbol(BATCH_SYMBOLS.get(name, name))
    except KeyError:
        known = [*BATCH_SYMBOLS, *sizes, *(y for y, e in s.VOCABULARY.items() if e.group in ("width", "machine"))]
        raise UnknownName("symbol to solve for", name, known) from None
    group = s.group(x)
    if group == "size" and str(x) not in sizes:
        raise UsageError(f"{x} is no size of {model.name}: {cure(name, sizes, 'it has')}")
    if group in ("batch", "rule", "step") and x != s.B:
        raise UsageError(f"{x} stands for other symbols ({s.entry(str(x)).meaning}): solve for B, n, c or a size")
    return x


def alone(x: Symbol, ratios: tuple[str, ...], model: Model) -> None:
    """Raise UsageError for a size that contradicts others whatever it is."""
    if s.group(x) != "size" or ratios:
        return
    faults = []
    for number in (model.sizes[x] * 2, model.sizes[x] + 1):
        try:
            model.with_sizes(**{str(x): number})
        except UsageError as error:
            faults.append(str(error))
    if len(faults) == 2:
        with_it = [name for name in model.architecture.sizes if name.startswith("L_")] if x == s.L else ["..."]
        cure = f"hold others to it, such as --hold {','.join(f'{name}/{x}' for name in with_it)}"
        raise UsageError(f"{x} cannot change alone ({faults[1]}): {cure}")


def possible(scope: Scope, value: int) -> bool:
    """Whether a model can have that size, with those that follow it."""
    point = Point({scope.unknown: value})
    sizes = {str(x): point.number(form) for x, form in scope.held.items()}
    try:
        scope.model.architecture.with_sizes({str(scope.unknown): value, **sizes})
    except UsageError:
        return False
    return True
