"""Where a model's costs on a machine pass one another: closed forms, and the whole number each comes to."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sympy import Expr, Integer, Symbol

from symroof import symbols as s
from symroof.algebra.binding import Binding
from symroof.algebra.rootfinding import roots
from symroof.cost.batch import LARGEST
from symroof.cost.cost import Cost, total
from symroof.hardware.platform import Place, placed
from symroof.model.model import Model, Rules


@dataclass(frozen=True)
class Crossover:
    """The smallest `symbol` at which `left` reaches `right`, two closed forms in it and the machine's rates.

    `value` is None where it never does; `solution` is it in closed form before it is rounded up, None where the
    equation has none that is simple. Where `approximate`, the forms are no polynomials and a root was bracketed.
    """

    name: str
    told: str
    symbol: Symbol
    left: Expr
    right: Expr
    solution: Expr | None
    value: int | None
    approximate: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The crossover as JSON has it, its closed forms as Python expressions."""
        forms = {"left": str(self.left), "right": str(self.right)}
        return {"name": self.name, "told": self.told, "symbol": str(self.symbol), "value": self.value, **forms}


def crossovers(
    model: Model,
    on: Place,
    cached: int = 0,
    batch_size: int = 1,
    rules: Rules = "standard",
    logits: str | None = None,
    **formats: Any,
) -> tuple[Crossover, ...]:
    """Where decode turns compute-bound, where cache bytes pass weight bytes, where a prompt turns compute-bound.

    Matmuls against weights and cache, as in the lower bound of a roofline: units overlap, activations stay on chip.
    """
    platform = placed(on)
    precision, rates = model.precision(**formats), {s.W: Fraction(platform.machine.bandwidth)}

    def open_in(given: dict[Symbol, int]) -> tuple[Expr, Cost]:
        rows = model.uniform({x: Integer(y) for x, y in given.items()}, rules, logits, **formats)
        computing = Integer(0)
        for row in rows:
            if row.cost.matmul != 0:
                for name, share in platform.formats(row.width, precision).items():
                    peak = s.symbol(f"F_{name}")
                    rates[peak] = Fraction(platform.machine.peak(name))
                    computing += row.layers * row.cost.matmul * share / peak
        return computing, total(row.all for row in rows)

    computing, cost = open_in({s.n: 1, s.c: cached})
    cache = cost.cache_read + cost.cache_write
    found = [
        crossing(
            "decode turns compute-bound",
            f"{cached:,} tokens cached",
            s.B,
            computing,
            (cost.weight_read + cache) / s.W,
            rates,
        )
    ]
    computing, cost = open_in({s.n: 1, s.B: batch_size})
    found.append(
        crossing(
            "cache read passes weights read",
            f"decode, batch {batch_size:,}",
            s.c,
            cost.cache_read,
            cost.weight_read,
            rates,
        )
    )
    computing, cost = open_in({s.c: 0, s.B: batch_size})
    moving = (cost.weight_read + cost.cache_read + cost.cache_write) / s.W
    found.append(crossing("prefill turns compute-bound", f"batch {batch_size:,}", s.n, computing, moving, rates))
    return tuple(found)


def crossing(name: str, told: str, x: Symbol, left: Expr, right: Expr, rates: dict[Symbol, Any]) -> Crossover:
    """The smallest whole x from which `left` is no smaller than `right`."""
    least = 0 if x == s.c else 1
    gap = Binding(rates)(left - right)
    signs = roots.whole(gap, x, least, LARGEST)
    return Crossover(name, told, x, left, right, solved(x, left, right), signs.reached, not signs.solved)


def solved(x: Symbol, left: Expr, right: Expr) -> Expr | None:
    """Where two straight lines in x meet; None where they are not straight, or never meet."""
    gap = (left - right).expand()
    if not gap.is_polynomial(x) or gap.has(x) is False:
        return None
    slope, offset = gap.coeff(x, 1), gap.coeff(x, 0)
    return -offset / slope if (gap - slope * x - offset).expand() == 0 else None
