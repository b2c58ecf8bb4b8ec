"""Sensitivity of a cost: by how many percent it changes for one percent of each size, width, batch or machine symbol.

`to_dict` and `knobs --json` are one schema, SCHEMA; a key's meaning never changes within a version:

    schema, symroof      name of the schema, version of the package
    model                name, family
    quantity, unit       the quantity whose elasticities these are: time (s), or one of `symroof formula`
    machine, setting     as `symroof roofline --json` has them; null without a machine
    rules, batch         names of the rules; {B, n, c}
    value                of the quantity
    formula, on_branch   its closed form on the branches active here, a Python expression, and the number that this
                         gives: the value, but with floors replaced by their trend
    bounds               operators by what bounds them, {compute: paths, memory: paths}; empty without a machine
    knobs                symbol, group, meaning, value, elasticity and effect (of one percent more to first order, in
                         the unit), the largest elasticity first
    warnings             those of a report of the model

An elasticity is (x / y) dy/dx. The derivative is exact, of the formula on the branch of each Min and Max that is active
at the given batch; a floor is replaced by its trend. Each symbol is varied by itself, also where an architecture ties
sizes to one another.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sympy import Add, Expr, Min, Symbol, floor

from symroof import symbols as s
from symroof.algebra.points import Number, Point, weighted_sum
from symroof.errors import UsageError
from symroof.hardware.platform import Place, Platform, as_platform
from symroof.model import operator_formulas
from symroof.model.keywords import check_keywords
from symroof.model.model import Model, Rules, Source, as_model, rules_with_logits
from symroof.model.report import json_number
from symroof.performance import capacity
from symroof.results import ExactFloat, Result, exact_value, header, int_or_float

SCHEMA = "symroof.knobs/1"
TIME = ("time", "time of one operator after another", "s")


@dataclass(frozen=True)
class Knob:
    """A symbol, its value, and a quantity's derivative by it and elasticity at that value."""

    symbol: Symbol
    value: int | ExactFloat
    slope: int | ExactFloat
    elasticity: ExactFloat

    @property
    def effect(self) -> ExactFloat:
        """What one percent more adds to the quantity, to first order."""
        return ExactFloat(Fraction(exact_value(self.value)) * Fraction(exact_value(self.slope)) / 100)

    @property
    def meaning(self) -> str:
        """The meaning of the symbol."""
        return s.entry(str(self.symbol)).meaning

    def to_dict(self) -> dict[str, Any]:
        """The schema's knob."""
        return {
            "symbol": str(self.symbol),
            "group": s.group(self.symbol),
            "meaning": self.meaning,
            "value": json_number(self.value),
            "elasticity": int_or_float(self.elasticity.exact),
            "effect": int_or_float(self.effect.exact),
        }


@dataclass(frozen=True, repr=False)
class Knobs(Result):
    """The elasticities of a quantity of one step, the largest first; `parts` is its closed form, block by block."""

    model: Model
    name: str
    title: str
    unit: str
    rules: tuple[str, ...]
    point: Point
    value: int | ExactFloat
    parts: Mapping[str, Expr]
    bounds: Mapping[str, tuple[str, ...]]
    knobs: tuple[Knob, ...]
    has_branches: bool = False  # other than max(compute, memory) of each operator
    platform: Platform | None = None

    @property
    def formula(self) -> Expr:
        """The quantity on the branches that are active at the point."""
        return Add(*self.parts.values())

    def __getitem__(self, name: str) -> Knob:
        """The knob of a symbol, by its name or that of a key of the config."""
        by_name = {str(x.symbol): x for x in self.knobs}
        return by_name[name if name in by_name else self.model.symbol_of_key(name) or name]

    @property
    def on_branch(self) -> Number:
        """The number of the formula at the point: the value, but with floors replaced by their trend."""
        return sum(map(self.point.number, self.parts.values()))

    def derivative(self, name: str) -> Expr:
        """The formula's derivative by a symbol, as a formula."""
        x = self.model.symbol(name)
        return Add(*(part.diff(x) for part in self.parts.values()))

    def to_dict(self) -> dict[str, Any]:
        """The knobs in the schema that this module documents."""
        return {
            **header(SCHEMA),
            "model": {"name": self.model.name, "family": self.model.family},
            "quantity": self.name,
            "unit": self.unit,
            "machine": self.platform and self.platform.machine.to_dict(),
            "setting": self.platform and self.platform.to_dict(),
            "rules": list(self.rules),
            "batch": {str(x): self.point.values[x] for x in (s.B, s.n, s.c)},
            "value": json_number(self.value),
            "formula": str(self.formula),
            "on_branch": json_number(self.on_branch),
            "bounds": {name: list(paths) for name, paths in self.bounds.items()},
            "knobs": [x.to_dict() for x in self.knobs],
            "warnings": list(self.model.warnings),
        }

    def closed_forms(self) -> dict[str, Any]:
        """The quantity, block by block."""
        return dict(self.parts)

    def __repr__(self) -> str:
        first = ", ".join(str(x.symbol) for x in self.knobs[:5])
        return f"<symroof knobs of {self.name} of {self.model.name}: {first}, ...>"


def knobs(
    model: Model | Source,
    on: Place | None = None,
    quantity: str | None = None,
    new: int = 1,
    cached: int = 0,
    batch_size: int | None = None,
    rules: Rules = "standard",
    logits: str | None = None,
    anyway: bool = False,
    **formats: str | None,
) -> Knobs:
    """The elasticities of a step's time on a machine, or of another quantity.

    Time is that of one operator after another. Raises DoesNotFit where the step does not fit the machine, unless
    `anyway`.
    """
    check_keywords(knobs, formats)
    model = as_model(model)
    if (on is None) == (quantity is None):
        raise UsageError("knobs need either a machine (--on) or a --quantity such as flops: name one")
    batch, names = operator_formulas.batch_values(new, cached, batch_size), rules_with_logits(rules, logits)
    operators = operator_formulas.operator_formulas(model, rules, logits)
    precision = model.precision(**formats)
    at = operator_formulas.known_point(model, batch, precision)
    if on is None:
        named = operator_formulas.quantity_without_time(str(quantity))
        costs = {x.path: operator_formulas.check_widths(x.of(named), precision) for x in operators}
        return knobs_of_formulas(model, (named.name, named.title, named.unit), names, at, costs)
    precision.widths()
    platform = as_platform(on)
    if not anyway:
        step = {"new": new, "cached": cached, "batch_size": batch_size, "rules": names, **formats}
        capacity.check_fits(model, platform.machine, [step])
    times = {x.path: operator_formulas.time_on_platform(x, platform, precision) for x in operators}
    at = at.moved(operator_formulas.rate_values(platform, precision, operators))
    return knobs_of_formulas(model, TIME, names, at, times, platform)


def knobs_of_formulas(
    model: Model,
    quantity: tuple[str, str, str],
    rules: tuple[str, ...],
    at: Point,
    costs: Mapping[str, Expr],
    platform: Platform | None = None,
) -> Knobs:
    """The knobs of a quantity (name, title, unit) that is the sum of one formula per operator."""
    active = {path: at.branch(expr) for path, expr in costs.items()}
    parts = operator_formulas.block_sums((path.partition("/")[0], expr) for path, expr in active.items())
    return Knobs(
        model,
        *quantity,
        rules,
        at,
        value=int_or_float(sum(map(at.number, costs.values()))),
        parts=parts,
        bounds=operators_by_bound(active) if platform else {},
        knobs=ranked_knobs(set().union(*(x.free_symbols for x in costs.values())), parts.values(), at),
        has_branches=any(x.has(Min, floor) for x in costs.values()),
        platform=platform,
    )


def ranked_knobs(symbols: Iterable[Symbol], parts: Collection[Expr], at: Point) -> tuple[Knob, ...]:
    """The knobs of the symbols in the sum of some formulas, the largest elasticity first."""
    total, slopes = sum(map(at.number, parts)), weighted_sum((1, at.slopes(x)) for x in parts)
    knobs = (knob(x, at.values[x], slopes.get(x, 0), total) for x in symbols)
    return tuple(sorted(knobs, key=lambda x: (-abs(x.elasticity.exact), str(x.symbol))))


def knob(x: Symbol, value: Number, slope: Number, total: Number) -> Knob:
    """The knob of a symbol in a quantity whose value is `total`."""
    elasticity = Fraction(value) * Fraction(slope) / Fraction(total) if total else 0
    return Knob(x, int_or_float(value), int_or_float(slope), ExactFloat(elasticity))


def operators_by_bound(active: Mapping[str, Expr]) -> dict[str, tuple[str, ...]]:
    """Operators by what bounds their time, given the active branch of each."""
    bound = {path: "memory" if expr.has(s.W) else "compute" for path, expr in active.items()}
    return {name: tuple(path for path in bound if bound[path] == name) for name in ("compute", "memory")}
