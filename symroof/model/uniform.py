"""A step's operators in closed form, in sizes, widths, B, n and c; the point that a model, batch and formats are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, Integer, Rational, Symbol

from symroof import symbols as s
from symroof.algebra.binding import symbols_of
from symroof.algebra.points import Point, exact
from symroof.cost import batch_sums, timing
from symroof.cost import rules as counting
from symroof.cost.batch import queries
from symroof.cost.cost import FIELDS, Cost
from symroof.cost.graph import Op
from symroof.cost.quantities import TIMED, Named, quantity
from symroof.errors import UsageError
from symroof.hardware.platform import Platform
from symroof.model.model import Model, Rules, chosen
from symroof.quantization.precision import Precision


@dataclass(frozen=True)
class Form:
    """One operator: path, role and the width symbol of its weights, by name; layers, and cost of one, as formulas."""

    path: str
    role: str
    width: str
    layers: Expr
    cost: Cost

    @property
    def block(self) -> str:
        """The block it stands in."""
        return self.path.partition("/")[0]

    @cached_property
    def symbols(self) -> frozenset[Symbol]:
        """The symbols in any of its figures."""
        return frozenset(symbols_of([self.layers, *(getattr(self.cost, x) for x in FIELDS)]))

    def of(self, named: Named) -> Expr:
        """A quantity of all its layers."""
        return self.layers * named.of(self.cost)


def forms(model: Model, rules: Rules = "standard", logits: str | None = None) -> tuple[Form, ...]:
    """The operators of a step of B queries of n new and c cached tokens each."""
    layer = counting.layer(chosen(rules, logits), model.architecture.structure)
    return formed(model.graph(rules).rows(), layer)


def formed(rows: Iterable[tuple[str, Any, Op]], layer: counting.Layer) -> tuple[Form, ...]:
    """Operators in sizes, widths, B, n and c, under the definitions of some rules."""
    found = list(rows)
    bound = batch_sums.bound(layer, (getattr(op.cost, x) for _, _, op in found for x in FIELDS))
    return tuple(
        Form(path, op.role, op.width, bound(count), Cost(*(bound(getattr(op.cost, x)) for x in FIELDS)))
        for path, count, op in found
    )


def total(found: Iterable[Form], named: Named) -> Expr:
    """A quantity of all operators."""
    return sum((x.of(named) for x in found), Integer(0))


def untimed(name: str) -> Named:
    """The quantity of that name. Raises UnknownName, or UsageError for one that needs a machine."""
    found = quantity(name)
    if found.name in TIMED:
        raise UsageError(f"quantity {found.name} is that of a machine: ask for FLOP, bytes or what is kept")
    return found


def uniform(new: Any, cached: Any, batch_size: int | None) -> dict[Symbol, int]:
    """B, n and c of a batch whose queries are alike. Raises UsageError for any other."""
    asked = queries(new, cached, batch_size)
    if len(asked) > 1:
        raise UsageError("closed forms in B, n and c are those of queries that are alike: give one number for all")
    return {s.B: asked[0].count, s.n: asked[0].new, s.c: asked[0].cached}


def point(model: Model, batch: Mapping[Symbol, int], **formats: str | None) -> Point:
    """A model's sizes, the widths of its formats, and a batch."""
    return Point({**model.sizes, **widths(model.precision(**formats)), **batch})


def widths(kept: Precision) -> dict[Symbol, Any]:
    """Bytes an element, by symbol."""
    return {s.symbol(name): exact(x) for name, x in kept.widths().items()}


def seconds(form: Form, platform: Platform, precision: Precision) -> Expr:
    """The time of an operator in all its layers, in the machine's rates: F_bf16, ..., F_v, W and t_0."""
    rates = platform.rates(form.role, form.cost.matmul, form.width, precision)
    shares = platform.formats(form.width, precision) if form.cost.matmul != 0 else {}
    known = {s.u_F: rational(rates["u_F"]), s.u_W: rational(rates["u_W"])}
    if not platform.overhead:
        known[s.t_0] = Integer(0)
    if shares:
        known[s.F] = 1 / sum(rational(share) / s.symbol(f"F_{name}") for name, share in shares.items())
    cost = form.cost if platform.machine.vector is not None else Cost(**{**vars(form.cost), "vector": 0})
    return form.layers * timing.time(cost, lambda x: x.xreplace(known))


def rational(x: Any) -> Expr:
    """A part as an exact number of sympy's."""
    return Rational(exact(x))


def rates(platform: Platform, precision: Precision, found: Iterable[Form]) -> dict[Symbol, Any]:
    """The machine's symbols that the times of operators have, and their numbers."""
    machine = platform.machine
    names = {name for x in found if x.cost.matmul != 0 for name in platform.formats(x.width, precision)}
    peaks = {s.symbol(f"F_{name}"): exact(machine.peak(name)) for name in sorted(names)}
    vector = {} if machine.vector is None else {s.F_v: exact(machine.vector)}
    launch = {s.t_0: exact(platform.overhead)} if platform.overhead else {}
    return {**peaks, **vector, s.W: exact(machine.bandwidth), **launch}
