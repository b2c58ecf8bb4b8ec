"""What a cost hangs on: by how many percent it changes for one percent of each size, width, batch or machine symbol.

`to_dict` and `knobs --json` are one schema, SCHEMA; a key's meaning never changes within a version:

    schema, symroof      name of the schema, version of the package
    model                name, family
    quantity, unit       what the elasticities are those of: time (s), or a quantity of `symroof formula`
    machine, setting     as `symroof roofline --json` has them; null without a machine
    rules, batch         names of the rules; {B, n, c}
    value                of the quantity
    formula, on_branch   its closed form on the branches that it is on here, a Python expression, and what that comes
                         to: the value, but for floors, whose trend it follows
    bounds               operators by what bounds them, {compute: paths, memory: paths}; empty without a machine
    knobs                symbol, group, meaning, value, elasticity and effect (of one percent more to first order, in
                         the unit), the largest elasticity first

An elasticity is (x / y) dy/dx: the derivative is exact, of the formula on the branch that each Min and Max is on at
the batch asked for; a floor is followed by its trend. Each symbol is varied by itself, also where an architecture
ties sizes to one another.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sympy import Add, Expr, Integer, Min, Symbol, floor

from symroof import symbols as s
from symroof.algebra.arithmetic import over
from symroof.algebra.points import Number, Point, combined
from symroof.errors import UsageError
from symroof.hardware.platform import Place, Platform, placed
from symroof.model import uniform
from symroof.model.model import Model, Rules, chosen
from symroof.model.report import plain
from symroof.performance import capacity
from symroof.version import __version__

SCHEMA = "symroof.knobs/1"


@dataclass(frozen=True)
class Knob:
    """A symbol, its value, a quantity's derivative by it there, and its elasticity."""

    symbol: Symbol
    value: Number
    slope: Number
    elasticity: Number

    @property
    def effect(self) -> Number:
        """What one percent more adds to the quantity, to first order."""
        return over(self.value * self.slope, 100)

    @property
    def meaning(self) -> str:
        """What the symbol stands for."""
        return s.entry(str(self.symbol)).meaning

    def to_dict(self) -> dict[str, Any]:
        """The schema's knob."""
        return {
            "symbol": str(self.symbol),
            "group": s.group(self.symbol),
            "meaning": self.meaning,
            "value": plain(self.value),
            "elasticity": plain(self.elasticity),
            "effect": plain(self.effect),
        }


@dataclass(frozen=True, repr=False)
class Knobs:
    """The elasticities of a quantity of one step, the largest first; `parts` is its closed form, block by block."""

    model: Model
    name: str
    title: str
    unit: str
    rules: tuple[str, ...]
    point: Point
    value: Number
    parts: Mapping[str, Expr]
    bounds: Mapping[str, tuple[str, ...]]
    knobs: tuple[Knob, ...]
    bent: bool = False  # whether it has branches besides those of the operators' times
    platform: Platform | None = None

    @property
    def formula(self) -> Expr:
        """The quantity on the branches that it is on at the point."""
        return Add(*self.parts.values())

    def __getitem__(self, name: str) -> Knob:
        """The knob of a symbol, by its name."""
        return {str(x.symbol): x for x in self.knobs}[name]

    @property
    def on_branch(self) -> Number:
        """What the formula comes to: the value, but for floors."""
        return sum(map(self.point.number, self.parts.values()))

    def derivative(self, name: str) -> Expr:
        """The formula's derivative by a symbol, as a formula."""
        return Add(*(part.diff(s.symbol(name)) for part in self.parts.values()))

    def to_dict(self) -> dict[str, Any]:
        """The knobs in the schema that this module documents."""
        machine = self.platform and {**self.platform.machine.to_dict(), "count": self.platform.machine.count}
        return {
            "schema": SCHEMA,
            "symroof": __version__,
            "model": {"name": self.model.name, "family": self.model.family},
            "quantity": self.name,
            "unit": self.unit,
            "machine": machine,
            "setting": self.platform and self.platform.to_dict(),
            "rules": list(self.rules),
            "batch": {str(x): self.point.values[x] for x in (s.B, s.n, s.c)},
            "value": plain(self.value),
            "formula": str(self.formula),
            "on_branch": plain(self.on_branch),
            "bounds": {name: list(paths) for name, paths in self.bounds.items()},
            "knobs": [x.to_dict() for x in self.knobs],
        }

    def __repr__(self) -> str:
        first = ", ".join(str(x.symbol) for x in self.knobs[:5])
        return f"<symroof knobs of {self.name} of {self.model.name}: {first}, ...>"

    def __str__(self) -> str:
        from symroof.render.results.sensitivity import render

        return render(self)


def knobs(
    model: Model,
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
    """The elasticities of a step's time on a platform, or of another quantity.

    Time is that of one operator after another. Raises DoesNotFit where the step does not fit the machine, unless
    `anyway`.
    """
    if (on is None) == (quantity is None):
        raise UsageError("knobs of what: of the time on a machine (--on), or of a --quantity such as flops; name one")
    batch, names = uniform.uniform(new, cached, batch_size), chosen(rules, logits)
    found = uniform.forms(model, rules, logits)
    at = uniform.point(model, batch, **formats)
    if on is None:
        named = uniform.untimed(str(quantity))
        costs = {x.path: x.of(named) for x in found}
        return measured(model, (named.name, named.title, named.unit), names, at, costs)
    platform = placed(on)
    if not anyway:
        step = {"new": new, "cached": cached, "batch_size": batch_size, "rules": names, **formats}
        capacity.check(model, platform.machine, [step])
    precision = model.precision(**formats)
    at = at.moved(uniform.rates(platform, precision, found))
    times = {x.path: uniform.seconds(x, platform, precision) for x in found}
    return measured(model, ("time", "time of one operator after another", "s"), names, at, times, platform)


def measured(
    model: Model,
    told: tuple[str, str, str],
    rules: tuple[str, ...],
    at: Point,
    costs: Mapping[str, Expr],
    platform: Platform | None = None,
) -> Knobs:
    """The knobs of a quantity that is the sum of some formulas, by operator."""
    value = sum(map(at.number, costs.values()))
    active = {path: at.branch(expr) for path, expr in costs.items()}
    parts: dict[str, Expr] = {}
    for path, expr in active.items():
        block = path.partition("/")[0]
        parts[block] = parts.get(block, Integer(0)) + expr
    trend, slopes = sum(map(at.number, parts.values())), combined((1, at.slopes(x)) for x in parts.values())
    symbols = set().union(*(x.free_symbols for x in costs.values()))
    found = [knob(x, at.values[x], slopes.get(x, 0), trend) for x in symbols]
    ranked = tuple(sorted(found, key=lambda x: (-abs(x.elasticity), str(x.symbol))))
    bounds = bounding(active) if platform else {}
    bent = any(x.has(Min, floor) for x in costs.values())
    kept = {name: part for name, part in parts.items() if part != 0}
    return Knobs(model, *told, rules, at, value, kept, bounds, ranked, bent, platform)


def knob(x: Symbol, value: Number, slope: Number, total: Number) -> Knob:
    """The knob of a symbol in a quantity that comes to `total`."""
    return Knob(x, value, slope, over(value * slope, total) if total else 0)


def bounding(active: Mapping[str, Expr]) -> dict[str, tuple[str, ...]]:
    """Operators by what bounds their time, given on its branch."""
    bound = {path: "memory" if expr.has(s.W) else "compute" for path, expr in active.items()}
    return {name: tuple(path for path in bound if bound[path] == name) for name in ("compute", "memory")}
