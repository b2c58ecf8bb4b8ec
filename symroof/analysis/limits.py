"""Asymptotic costs of a step: leading terms for long context, large batch, long prompt and many experts.

`to_dict` and `limits --json` are one schema, SCHEMA; a key's meaning never changes within a version:

    schema, symroof      name of the schema, version of the package
    model                name, family
    machine, setting     as `symroof roofline --json` has them; null without a machine
    rules                their names
    held                 {symbol: number} of B, n and c where they do not grow
    limits               symbol, title, and rows: name, unit, power (of the symbol), coefficient (Python expression),
                         number (the coefficient's, at the model's sizes and the batch held; null where it has none)
    passings             name, "told" (the condition), symbol, value (the first number at which left is at least right;
                         null for never), left, right, solution (Python expressions; null without a simple one), given
                         ({symbol: number} of the others), solved (exactly; else bracketed)
    warnings             those of a report of the model

A leading term is coefficient times symbol to the power; the terms left out are smaller by a factor of the symbol. A
floor of the symbol is replaced by its trend, so that a quantity that swings between bounds has its mean here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer, Rational, Symbol

from symroof import symbols as s
from symroof.algebra.points import Point, exact_number_or_infinity, multiplied_out
from symroof.algebra.rootfinding import roots
from symroof.algebra.series import Leading, factor_short_sum, leading_ratio, leading_term, series
from symroof.algebra.unevaluated import with_numbers
from symroof.cost.batch import LARGEST
from symroof.cost.quantities import quantity
from symroof.errors import SymroofError
from symroof.hardware.platform import Place, Platform, as_platform
from symroof.model import operator_formulas
from symroof.model.keywords import check_keywords
from symroof.model.model import Model, Rules, Source, as_model, rules_with_logits
from symroof.model.operator_formulas import OperatorFormula
from symroof.model.report import json_number
from symroof.results import Result, header

SCHEMA = "symroof.limits/1"
TITLES = {s.c: "long context", s.B: "large batch", s.n: "long prompt"}
FFN = ("ffn", "routed_experts", "shared_experts")  # roles of weights of feed-forward blocks
# Names of rows in the JSON schema, which Limit.__getitem__ accepts too.
SCHEMA_NAMES = {"cache kept": "cache size", "cache a token": "cache per token", "weights kept": "weight size"}
NAMES_IN_SCHEMA = {name: key for key, name in SCHEMA_NAMES.items()}


@dataclass(frozen=True)
class LimitRow:
    """A quantity in a limit: its name, unit, and leading term; None where it is a quotient by 0."""

    name: str
    unit: str
    leading: Leading | None

    def to_dict(self) -> dict[str, Any]:
        """The schema's row."""
        term = self.leading
        power, coefficient, number = (
            (None, None, None) if term is None else (term.power, str(term.coefficient), json_number(term.number))
        )
        name = NAMES_IN_SCHEMA.get(self.name, self.name)
        return {"name": name, "unit": self.unit, "power": power, "coefficient": coefficient, "number": number}


@dataclass(frozen=True)
class Limit:
    """The leading terms of a step's costs as a symbol grows without bound."""

    symbol: Symbol
    title: str
    rows: tuple[LimitRow, ...]

    def __getitem__(self, name: str) -> Leading | None:
        """The leading term of a quantity, by its name."""
        return {row.name: row.leading for row in self.rows}[SCHEMA_NAMES.get(name, name)]

    def to_dict(self) -> dict[str, Any]:
        """The schema's limit."""
        return {"symbol": str(self.symbol), "title": self.title, "rows": [row.to_dict() for row in self.rows]}


@dataclass(frozen=True)
class Passing:
    """The smallest `symbol` at which `left` is at least `right`; None where it never is.

    `condition` says what else holds there. `solution` is the value in closed form before rounding up; None without a
    simple one on its branch.
    """

    name: str
    condition: str
    symbol: Symbol
    left: Expr
    right: Expr
    given: Mapping[str, int]
    solution: Expr | None
    value: int | None
    solved: bool

    def to_dict(self) -> dict[str, Any]:
        """The schema's passing."""
        solution = None if self.solution is None else str(self.solution)
        forms = {"left": str(self.left), "right": str(self.right), "solution": solution}
        return {
            "name": self.name,
            "told": self.condition,
            "symbol": str(self.symbol),
            "value": self.value,
            **forms,
            "given": dict(self.given),
            "solved": self.solved,
        }


@dataclass(frozen=True, repr=False)
class Limits(Result):
    """The leading terms of a model's costs, and where attention costs as much as the feed-forward networks."""

    model: Model
    rules: tuple[str, ...]
    point: Point
    limits: tuple[Limit, ...]
    passings: tuple[Passing, ...]
    platform: Platform | None = None

    def __getitem__(self, name: str) -> Limit:
        """The limit in a symbol, by its name."""
        return {str(x.symbol): x for x in self.limits}[name]

    def to_dict(self) -> dict[str, Any]:
        """The limits in the schema that this module documents."""
        return {
            **header(SCHEMA),
            "model": {"name": self.model.name, "family": self.model.family},
            "machine": self.platform and self.platform.machine.to_dict(),
            "setting": self.platform and self.platform.to_dict(),
            "rules": list(self.rules),
            "held": {str(x): self.point.values[x] for x in (s.B, s.n, s.c)},
            "limits": [x.to_dict() for x in self.limits],
            "passings": [x.to_dict() for x in self.passings],
            "warnings": list(self.model.warnings),
        }

    def closed_forms(self) -> dict[str, Any]:
        """Leading terms, by growing symbol and quantity."""
        return {f"{x.title}: {row.name}": row.leading.expr for x in self.limits for row in x.rows if row.leading}

    def __repr__(self) -> str:
        return f"<symroof limits of {self.model.name} in {', '.join(str(x.symbol) for x in self.limits)}>"


def limits(
    model: Model | Source,
    on: Place | None = None,
    new: int = 1,
    cached: int = 0,
    batch_size: int | None = None,
    rules: Rules = "standard",
    logits: str | None = None,
    **formats: str | None,
) -> Limits:
    """The leading terms of a step's FLOP, bytes, cache and intensity, and of its time on a machine.

    `new`, `cached` and `batch_size` are held constant where they do not grow.
    """
    check_keywords(limits, formats)
    model = as_model(model)
    names, operators = rules_with_logits(rules, logits), operator_formulas.operator_formulas(model, rules, logits)
    at = operator_formulas.model_point(model, operator_formulas.batch_values(new, cached, batch_size), **formats)
    times: list[Expr] = []
    platform = None if on is None else as_platform(on)
    if platform:
        precision = model.precision(**formats)
        at = at.moved(operator_formulas.rate_values(platform, precision, operators))
        times = [operator_formulas.time_on_platform(x, platform, precision) for x in operators]
    rows = tuple(limit(x, title, operators, times, at) for x, title in growing_symbols(operators))
    return Limits(model, names, at, rows, tuple(passings(operators, at)), platform)


def growing_symbols(operators: Iterable[OperatorFormula]) -> Iterator[tuple[Symbol, str]]:
    """The symbols that grow, and the title of each limit."""
    yield from TITLES.items()
    used = operator_formulas.total_formula(operators, quantity("weight_size")).free_symbols
    experts = sorted((x for x in used if s.entry(str(x)).base == "N_e"), key=str)
    yield from ((x, f"many experts, {x} of them, the same number run") for x in experts)


def limit(x: Symbol, title: str, operators: Sequence[OperatorFormula], times: Sequence[Expr], at: Point) -> Limit:
    """The leading terms in one symbol."""

    def term(name: str) -> Leading:
        return leading_term((form.of(quantity(name)) for form in operators), x, at)

    flops, moved = term("flops"), term("bytes")
    rows = [LimitRow("FLOP", "FLOP", flops), LimitRow("bytes", "byte", moved)]
    if x in TITLES:
        rows += cache_rows(x, operators, term("cache_size"), at)
    else:
        rows.append(LimitRow("weight size", "byte", term("weight_size")))
    rows.append(LimitRow("intensity", "FLOP/B", leading_ratio(flops, moved, at)))
    if x in TITLES:
        rows.append(LimitRow("cache share", "", leading_ratio(term("cache_bytes"), moved, at)))
    if times:
        rows.append(LimitRow("time", "s", leading_term(times, x, at)))
    return Limit(x, title, tuple(rows))


def cache_rows(x: Symbol, operators: Sequence[OperatorFormula], size: Leading, at: Point) -> Iterator[LimitRow]:
    """The size of the cache and, where it grows with the context, the bytes that each token of a query adds."""
    yield LimitRow("cache size", "byte", size)
    if x == s.c and size.power:
        per_query = leading_term((form.of(quantity("cache_size")) / s.B for form in operators), x, at)
        yield LimitRow("cache per token", "byte", Leading(x, 0, per_query.coefficient, per_query.number))


def passings(operators: Sequence[OperatorFormula], at: Point) -> Iterator[Passing]:
    """Where attention costs as much as the feed-forward networks; nothing for a model that lacks one of them."""
    attention = {x.block for x in operators if x.role == "attention_core"}
    networks = {x.block for x in operators if x.role in FFN} - attention
    left, right = ([x for x in operators if x.block in blocks] for blocks in (attention, networks))
    if not left or not right:
        return
    B = at.values[s.B]
    for phase, x, others in (("decode", s.c, {s.n: 1, s.B: B}), ("prompt", s.n, {s.c: 0, s.B: B})):
        for unit, name, condition in (("FLOP", "flops", phase), ("bytes", "bytes", f"{phase}, batch {B:,}")):
            sides = (
                operator_formulas.total_formula(left, quantity(name)),
                operator_formulas.total_formula(right, quantity(name)),
            )
            yield passing(f"attention passes the FFN in {unit}", condition, x, sides, others, at)


def passing(
    name: str, condition: str, x: Symbol, sides: tuple[Expr, Expr], given: Mapping[Symbol, int], at: Point
) -> Passing:
    """The smallest x at which one formula is at least another, at the numbers `given`."""
    least, (left, right) = (0 if x == s.c else 1), sides
    numbers = {y: Rational(exact_number_or_infinity(value)) for y, value in {**at.values, **given}.items() if y != x}
    signs = roots.whole_signs(with_numbers(left - right, numbers), x, least, LARGEST)
    value, step = signs.reached, {y: Integer(z) for y, z in given.items() if y != s.B}
    solution = None
    if value not in (None, least):
        solution = closed_form_root(left - right, step, x, at.moved({**given, x: value}, x))
    return Passing(
        name, condition, x, left, right, {str(y): z for y, z in given.items()}, solution, value, signs.solved
    )


def closed_form_root(gap: Expr, step: Mapping[Symbol, Expr], x: Symbol, at: Point) -> Expr | None:
    """The root of a gap that is linear in x on its branch at the point, in closed form; None unless it is near x."""
    try:
        terms = series(at.branch(gap).xreplace(step), x, at)
        low = min(terms)
        if set(terms) != {low, low + 1}:
            return None
        solution, value = factor_short_sum(multiplied_out(-terms[low])) / factor_short_sum(terms[low + 1]), at.values[x]
        return solution if abs(at.number(solution) - value) <= 1 + 1e-9 * value else None
    except (SymroofError, ValueError, ZeroDivisionError):
        return None
