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
from dataclasses import dataclass, replace
from typing import Any

from sympy import Add, Expr, Integer, Rational, Symbol

from symroof import symbols as s
from symroof.algebra.points import Point, exact_number_or_infinity, multiplied_out
from symroof.algebra.rootfinding import roots
from symroof.algebra.series import Leading, factor_short_sum, leading_ratio, leading_term, series, sum_of_series
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
    """A quantity in a limit: its name, unit, and leading term; None where it is a quotient by 0.

    `parts`: what each block adds to the leading term; of a quotient, to what is above.
    """

    name: str
    unit: str
    leading: Leading | None
    parts: Mapping[str, Expr]

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
class Root:
    """A root in closed form: the sum of `parts`, by block, over `slope`."""

    value: Expr
    parts: Mapping[str, Expr]
    slope: Expr


@dataclass(frozen=True)
class Passing:
    """The smallest `symbol` at which `left` is at least `right`; None where it never is.

    `condition` says what else holds there. `root` is the value before rounding up; None without a simple closed form on
    its branch.
    """

    name: str
    condition: str
    symbol: Symbol
    left: Expr
    right: Expr
    given: Mapping[str, int]
    root: Root | None
    value: int | None
    solved: bool

    @property
    def solution(self) -> Expr | None:
        """The value in closed form before it is rounded up."""
        return self.root and self.root.value

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

    def row(name: str, unit: str, term: Leading) -> LimitRow:
        return LimitRow(name, unit, term, parts_by_block(term, operators))

    flops, moved, size = term("flops"), term("bytes"), term("cache_size" if x in TITLES else "weight_size")
    rows = [row("FLOP", "FLOP", flops), row("bytes", "byte", moved)]
    rows.append(row("cache size" if x in TITLES else "weight size", "byte", size))
    if x == s.c and size.power:
        rows.append(cache_per_token(operators, at))
    rows.append(LimitRow("intensity", "FLOP/B", leading_ratio(flops, moved, at), parts_by_block(flops, operators)))
    if x in TITLES:
        cache = term("cache_bytes")
        rows.append(LimitRow("cache share", "", leading_ratio(cache, moved, at), parts_by_block(cache, operators)))
    if times:
        rows.append(row("time", "s", leading_term(times, x, at)))
    return Limit(x, title, tuple(rows))


def parts_by_block(term: Leading, operators: Sequence[OperatorFormula]) -> dict[str, Expr]:
    """A leading term of a sum over operators, as one of their blocks; none where it is 0."""
    shares = zip(operators, term.shares, strict=True) if term.shares else ()
    return operator_formulas.block_sums((x.block, share * term.symbol**term.power) for x, share in shares)


def cache_per_token(operators: Sequence[OperatorFormula], at: Point) -> LimitRow:
    """The bytes of cache that each token of a query adds."""
    term = leading_term((form.of(quantity("cache_size")) / s.B for form in operators), s.c, at)
    constant = replace(term, power=0)
    return LimitRow("cache per token", "byte", constant, parts_by_block(constant, operators))


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
            sides = [operator_formulas.block_sums((y.block, y.of(quantity(name))) for y in z) for z in (left, right)]
            yield passing(f"attention passes the FFN in {unit}", condition, x, sides, others, at)


def passing(
    name: str,
    condition: str,
    x: Symbol,
    sides: Sequence[Mapping[str, Expr]],
    given: Mapping[Symbol, int],
    at: Point,
) -> Passing:
    """The smallest x at which one sum of formulas by block is at least another, at the numbers `given`."""
    least, (left, right) = (0 if x == s.c else 1), (Add(*side.values()) for side in sides)
    numbers = {y: Rational(exact_number_or_infinity(value)) for y, value in {**at.values, **given}.items() if y != x}
    signs = roots.whole_signs(with_numbers(left - right, numbers), x, least, LARGEST)
    value, step = signs.reached, {y: Integer(z) for y, z in given.items() if y != s.B}
    root = None
    if value not in (None, least):
        gaps = {**sides[0], **{block: -expr for block, expr in sides[1].items()}}
        root = closed_form_root(gaps, step, x, at.moved({**given, x: value}, x))
    return Passing(name, condition, x, left, right, {str(y): z for y, z in given.items()}, root, value, signs.solved)


def closed_form_root(gaps: Mapping[str, Expr], step: Mapping[Symbol, Expr], x: Symbol, at: Point) -> Root | None:
    """The root of a sum of gaps that is linear in x on its branch at the point; None unless it is near x."""
    try:
        each = {block: series(at.branch(gap).xreplace(step), x, at) for block, gap in gaps.items()}
        terms = sum_of_series(each.values())
        low = min(terms)
        if set(terms) != {low, low + 1}:
            return None
        parts = {block: -one[low] for block, one in each.items() if low in one}
        root, value = factor_short_sum(multiplied_out(-terms[low])) / factor_short_sum(terms[low + 1]), at.values[x]
        return Root(root, parts, terms[low + 1]) if abs(at.number(root) - value) <= 1 + 1e-9 * value else None
    except (SymroofError, ValueError, ZeroDivisionError):
        return None
