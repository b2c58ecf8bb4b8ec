"""Where a formula in one whole number changes its sign: solved for by pieces, or bracketed where that is no way."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Pow, Symbol, floor

from symroof import piecewise
from symroof.errors import SymroofError
from symroof.source import compiled

FAR = 10**12  # numbers beyond it are answered by "never"
MOST = 8  # changes of sign that are looked for


@dataclass(frozen=True)
class Signs:
    """The sign (-1, 0, 1) of a formula at the first number of its range, and each number from which it has another.

    Where it is not `solved` (the formula has floors, or is no polynomial), signs were looked for at numbers an eighth
    apart and bracketed. MOST changes are looked for.
    """

    first: int
    flips: tuple[tuple[int, int], ...]
    solved: bool = True


def signs(gap: Expr, x: Symbol, least: int, far: int = FAR) -> Signs:
    """The signs of a formula of x, all else bound, from `least` to `far`."""
    now = first = sign(compiled((gap,), (x,))(least)[0])
    flips: list[tuple[int, int]] = []
    here, exact = least, True
    while gap.free_symbols and len(flips) < MOST:
        found = following(gap, x, here, now, far)
        if found is None:
            break
        here, now, solved = found
        flips.append((here, now))
        exact = exact and solved
    return Signs(first, tuple(flips), exact)


def at_least(gap: Expr, x: Symbol, least: int, far: int = FAR) -> tuple[int | None, bool]:
    """The first number at which a formula is 0 or more, None where there is none; and whether it is solved for."""
    if sign(compiled((gap,), (x,))(least)[0]) >= 0:
        return least, True
    found = following(gap, x, least, -1, far) if gap.free_symbols else None
    return (None, True) if found is None else (found[0], found[2])


def following(gap: Expr, x: Symbol, here: int, now: int, far: int) -> tuple[int, int, bool] | None:
    """(number, sign from there on, whether it was solved for) of the first one after `here` whose sign is not `now`."""
    if not gap.has(floor) and not any(power.exp.free_symbols for power in gap.atoms(Pow)):
        with suppress(SymroofError):  # a degree above 2
            return min(following_piece(gap, x, here, now, far), default=None)
    return bracketed(gap, x, here, now, far)


def following_piece(gap: Expr, x: Symbol, here: int, now: int, far: int) -> list[tuple[int, int, bool]]:
    """The same for each other sign, by pieces."""
    found = ((piecewise.earliest(gap, x, 0, (here + 1, far), PASSES[other]), other) for other in PASSES if other != now)
    return [(at, other, True) for at, other in found if at is not None]


PASSES: dict[int, Callable[[int], bool]] = {-1: lambda x: x < 0, 0: lambda x: x == 0, 1: lambda x: x > 0}


def bracketed(gap: Expr, x: Symbol, here: int, now: int, far: int) -> tuple[int, int, bool] | None:
    """The same, of signs that differ between numbers an eighth apart."""
    run = compiled((gap,), (x,))
    while here < far:
        ahead = min(here + max(1, here // 8), far)
        if (other := sign(run(ahead)[0])) != now:
            while ahead - here > 1:
                middle = (here + ahead) // 2
                here, ahead = (here, middle) if sign(run(middle)[0]) == other else (middle, ahead)
            return ahead, other, False
        here = ahead
    return None


def sign(x: Any) -> int:
    """-1, 0 or 1."""
    return int(x > 0) - int(x < 0)
