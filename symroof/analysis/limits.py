"""What a step costs far out: leading terms for long context, large batch, long prompt and many experts.

`to_dict` and `limits --json` are one schema, SCHEMA; a key's meaning never changes within a version:

    schema, symroof      name of the schema, version of the package
    model                name, family
    machine, setting     as `symroof roofline --json` has them; null without a machine
    rules                their names
    held                 {symbol: number} of B, n and c where they do not grow
    limits               symbol, title, and rows: name, unit, power (of the symbol), coefficient (Python expression),
                         number (the coefficient's, at the model's sizes and the batch held; null where it has none)
    passings             name, told, symbol, value (the first number at which left is no less than right; null for
                         never), left, right, solution (Python expressions; null where none is simple), given
                         ({symbol: number} of the others), solved (exactly; else bracketed)

A leading term is coefficient times symbol to the power, and what is left out is smaller by a factor of the symbol. A
floor of the symbol is followed by its trend, so that what swings between bounds is told by its mean.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer, Rational, Symbol

from symroof import symbols as s
from symroof.algebra.points import Numbers, Point, exact, multiplied_out
from symroof.algebra.rootfinding import roots
from symroof.algebra.series import Leading, factored, leading, ratio, series
from symroof.cost.batch import LARGEST
from symroof.cost.quantities import quantity
from symroof.errors import SymroofError
from symroof.hardware.platform import Place, Platform, placed
from symroof.model import uniform
from symroof.model.model import Model, Rules, chosen
from symroof.model.report import plain
from symroof.model.uniform import Form, total
from symroof.version import __version__

SCHEMA = "symroof.limits/1"
TITLES = {s.c: "long context", s.B: "large batch", s.n: "long prompt"}
FFN = ("ffn", "routed_experts", "shared_experts")  # roles of weights of feed-forward blocks


@dataclass(frozen=True)
class Row:
    """A quantity far out: its name, unit, and leading term; None where it is a quotient by nothing."""

    name: str
    unit: str
    leading: Leading | None

    def to_dict(self) -> dict[str, Any]:
        """The schema's row."""
        found = self.leading
        form = None if found is None else str(found.coefficient)
        number = None if found is None else plain(found.number)
        return {
            "name": self.name,
            "unit": self.unit,
            "power": found and found.power,
            "coefficient": form,
            "number": number,
        }


@dataclass(frozen=True)
class Limit:
    """What a step costs as a symbol grows without bound."""

    symbol: Symbol
    title: str
    rows: tuple[Row, ...]

    def __getitem__(self, name: str) -> Leading | None:
        """The leading term of a quantity, by its name."""
        return {row.name: row.leading for row in self.rows}[name]

    def to_dict(self) -> dict[str, Any]:
        """The schema's limit."""
        return {"symbol": str(self.symbol), "title": self.title, "rows": [row.to_dict() for row in self.rows]}


@dataclass(frozen=True)
class Passing:
    """The smallest `symbol` at which `left` is no less than `right`; None where it never is.

    `solution` is it in closed form before it is rounded up, None where the branch it is on has none that is simple.
    """

    name: str
    told: str
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
            "told": self.told,
            "symbol": str(self.symbol),
            "value": self.value,
            **forms,
            "given": dict(self.given),
            "solved": self.solved,
        }


@dataclass(frozen=True, repr=False)
class Limits:
    """A model's costs far out, and where attention passes the feed-forward networks."""

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
        machine = self.platform and {**self.platform.machine.to_dict(), "count": self.platform.machine.count}
        return {
            "schema": SCHEMA,
            "symroof": __version__,
            "model": {"name": self.model.name, "family": self.model.family},
            "machine": machine,
            "setting": self.platform and self.platform.to_dict(),
            "rules": list(self.rules),
            "held": {str(x): self.point.values[x] for x in (s.B, s.n, s.c)},
            "limits": [x.to_dict() for x in self.limits],
            "passings": [x.to_dict() for x in self.passings],
        }

    def __repr__(self) -> str:
        return f"<symroof limits of {self.model.name} in {', '.join(str(x.symbol) for x in self.limits)}>"

    def __str__(self) -> str:
        from symroof.render.results.limits import render

        return render(self)


def limits(
    model: Model,
    on: Place | None = None,
    new: int = 1,
    cached: int = 0,
    batch_size: int | None = None,
    rules: Rules = "standard",
    logits: str | None = None,
    **formats: str | None,
) -> Limits:
    """The leading terms of a step's FLOP, bytes, cache and intensity, and of its time on a platform.

    `new`, `cached` and `batch_size` are held where they do not grow.
    """
    names, found = chosen(rules, logits), uniform.forms(model, rules, logits)
    at = uniform.point(model, uniform.uniform(new, cached, batch_size), **formats)
    times: list[Expr] = []
    platform = None if on is None else placed(on)
    if platform:
        precision = model.precision(**formats)
        at = at.moved(uniform.rates(platform, precision, found))
        times = [uniform.seconds(x, platform, precision) for x in found]
    grown = [limit(x, title, found, times, at) for x, title in growing(found)]
    return Limits(model, names, at, tuple(grown), tuple(passings(found, at)), platform)


def growing(found: Iterable[Form]) -> Iterator[tuple[Symbol, str]]:
    """The symbols that grow, and what it is called."""
    yield from TITLES.items()
    used = uniform.total(found, quantity("weight_size")).free_symbols
    many = sorted((x for x in used if s.entry(str(x)).base == "N_e"), key=str)
    yield from ((x, f"many experts, {x} of them, the same number run") for x in many)


def limit(x: Symbol, title: str, found: Sequence[Form], times: Sequence[Expr], at: Point) -> Limit:
    """The leading terms in one symbol."""

    def of(name: str) -> Leading:
        return leading((form.of(quantity(name)) for form in found), x, at)

    flops, moved = of("flops"), of("bytes")
    rows = [Row("FLOP", "FLOP", flops), Row("bytes", "byte", moved)]
    if x in TITLES:
        kept = of("cache_size")
        rows.append(Row("cache kept", "byte", kept))
        if x == s.c and kept.power:
            a_token = leading((form.of(quantity("cache_size")) / s.B for form in found), x, at)
            rows.append(Row("cache a token", "byte", Leading(x, 0, a_token.coefficient, a_token.number)))
    else:
        rows.append(Row("weights kept", "byte", of("weight_size")))
    rows.append(Row("intensity", "FLOP/B", ratio(flops, moved, at)))
    rows += [Row("cache share", "", ratio(of("cache_bytes"), moved, at))] if x in TITLES else []
    return Limit(x, title, (*rows, *([Row("time", "s", leading(times, x, at))] if times else [])))


def passings(found: Sequence[Form], at: Point) -> Iterator[Passing]:
    """Where attention takes as much as the feed-forward networks; nothing for a model that lacks one of them."""
    attention = [x.block for x in found if x.role == "attention_core"]
    left = [x for x in found if x.block in attention]
    right = [x for x in found if x.block in {y.block for y in found if y.role in FFN} - set(attention)]
    if not left or not right:
        return
    B = at.values[s.B]
    flops, moved = quantity("flops"), quantity("bytes")
    batch = f"batch {B:,}"
    for name, told, x, named, given in (
        ("FLOP", "decode", s.c, flops, {s.n: 1, s.B: B}),
        ("bytes", f"decode, {batch}", s.c, moved, {s.n: 1, s.B: B}),
        ("FLOP", "prompt", s.n, flops, {s.c: 0, s.B: B}),
        ("bytes", f"prompt, {batch}", s.n, moved, {s.c: 0, s.B: B}),
    ):
        sides = total(left, named), total(right, named)
        yield passing(f"attention passes the FFN in {name}", told, x, sides, given, at)


def passing(
    name: str, told: str, x: Symbol, sides: tuple[Expr, Expr], given: Mapping[Symbol, int], at: Point
) -> Passing:
    """The smallest x at which one closed form is no less than another, of the numbers `given`."""
    least, (left, right) = (0 if x == s.c else 1), sides
    numbers = {y: Rational(exact(value)) for y, value in {**at.values, **given}.items() if y != x}
    signs = roots.whole(Numbers(numbers)(left - right), x, least, LARGEST)
    value = signs.reached
    put = {y: Integer(z) for y, z in given.items() if y != s.B}
    solution = None if value in (None, least) else root(left - right, put, x, at.moved({**given, x: value}, x))
    return Passing(name, told, x, left, right, {str(y): z for y, z in given.items()}, solution, value, signs.solved)


def root(gap: Expr, put: Mapping[Symbol, Expr], x: Symbol, at: Point) -> Expr | None:
    """Where a gap that is a line closes, in closed form, on its branch at the point; None unless it closes there."""
    try:
        found = series(at.branch(gap).xreplace(put), x, at)
        low = min(found)
        if set(found) != {low, low + 1}:
            return None
        solution, value = factored(multiplied_out(-found[low])) / factored(found[low + 1]), at.values[x]
        return solution if abs(at.number(solution) - value) <= 1 + 1e-9 * value else None
    except (SymroofError, ValueError, ZeroDivisionError):
        return None
