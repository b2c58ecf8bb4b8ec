"""Where a formula of one symbol changes its sign: looked for on a grid, each change bracketed by halving."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

from sympy import Expr, Symbol

from symroof.algebra.multiprecision import evaluator
from symroof.algebra.rootfinding.signs import Run, sign

HALVINGS = 100
At = Callable[[Any], int | None]


def sign_function(expr: Expr, x: Symbol) -> At:
    """A function of a number that returns the formula's sign to many digits; None where it has no value.

    Floats would not do: where terms cancel within a function or a power they tell no sign.
    """

    run = evaluator(expr, x)

    def at(y: Any) -> int | None:
        value = run(y)
        return None if value is None else sign(value)

    return at


def grid_points(first: int, last: int) -> list[int]:
    """Whole numbers to look at: the first ones, then in steps of a tenth, and the last."""
    points = list(range(first, min(first + 300, last + 1)))
    while points[-1] * 11 // 10 < last:
        points.append(max(points[-1] * 11 // 10, points[-1] + 1))
    return points if points[-1] == last else [*points, last]


def bracket_runs(expr: Expr, x: Symbol, points: Sequence[Any], by_one: bool) -> Iterator[Run]:
    """The runs of a formula whose changes of sign between points of a grid are bracketed: to 1, or to many digits."""
    at = sign_function(expr, x)
    start, here, now = points[0], points[0], at(points[0])
    for point in points[1:]:
        target = at(point)
        while now != target:
            low, high = bisect(at, here, point, now, by_one)
            yield Run(start, low, now)
            if not by_one:
                yield Run(low, low, None if None in (now, target) else 0)
                start, now = low, target
                break
            start, here, now = high, high, at(high)
        here = point
    yield Run(start, points[-1], now)


def bisect(at: At, low: Any, high: Any, now: int | None, by_one: bool) -> tuple[Any, Any]:
    """The last number with a sign and the first with another, for a change between two numbers."""
    while by_one and high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if at(middle) == now else (low, middle)
    if by_one:
        return low, high
    low, high = Fraction(low), Fraction(high)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if at(middle) == now else (low, middle)
    return low, high
