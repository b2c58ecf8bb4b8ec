"""What makes one model cost more than another: differences of structure, sizes and formats, each with its part.

One model is turned into the other step by step, and each step's part is what it changes, so that parts add up to the
difference: first the structure, one flag or sublayer at a time; then the sizes; then the bytes an element; both in the
order of the vocabulary. A part depends on the steps before it. Sizes that only the other model has come with the
structure that needs them; a sublayer that is one of another name there keeps its sizes until theirs are changed.

`to_dict` and `compare --symbolic --json` are one schema, SCHEMA; a key's meaning never changes within a version:

    schema, symroof      name of the schema, version of the package
    models               names of the one and of the other; differences are the other's less the one's
    rules, batch         names of the rules; {B, n, c}
    quantities           name, unit, ours, theirs, difference (numbers on the batch); formula (of the difference in
                         B, n and c, a Python expression); causes: group (structure, sizes, formats), name, before,
                         after, number, in_batch (its part in B, n and c) and formula (of a structural one, in the
                         vocabulary; else null); flips: symbol -> {first: sign (-1, 0, 1) of the difference at its
                         smallest number, flips: [[number, sign from there on], ...], solved (exactly; else bracketed),
                         complete (false where there are more flips than these)}, the others as asked
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from sympy import Add, Expr, Integer, Rational, Symbol

from symroof import symbols as s
from symroof.algebra.points import Number, Numbers, Point, exact, multiplied_out
from symroof.algebra.rootfinding import roots
from symroof.algebra.rootfinding.signs import Signs
from symroof.architecture.structure import Structure, Sublayer
from symroof.blocks import decoder
from symroof.cost import rules as counting
from symroof.cost.batch import LARGEST
from symroof.cost.notation import place
from symroof.cost.quantities import Named
from symroof.errors import UsageError
from symroof.model import uniform
from symroof.model.model import Model, Rules, chosen
from symroof.model.report import plain
from symroof.model.uniform import Form
from symroof.reference_tools import registry
from symroof.version import __version__

SCHEMA = "symroof.differences/1"
USUAL = ("flops", "bytes", "parameters", "cache_size")
VALUED = ("kind", "wiring")  # fields of a sublayer that have flags; the others are names of its symbols

Values = Mapping[Symbol, Expr]


@dataclass(frozen=True)
class Step:
    """One difference: group, name, what it was and is, the operators that change, the sizes before and after."""

    group: str
    name: str
    before: str
    after: str
    old: tuple[Form, ...]
    new: tuple[Form, ...]
    values: tuple[Values, Values]

    def part(self, named: Named, known: dict[Any, Expr]) -> "Part":
        """What it changes of a quantity."""
        left, right = (uniform.total(x, named) for x in (self.old, self.new))
        earlier, later = self.values
        bound = multiplied_out(Numbers(later, known)(right)) - multiplied_out(Numbers(earlier, known)(left))
        formula = self.formula(named) if self.group == "structure" else None
        return Part(self.group, self.name, self.before, self.after, bound, formula)

    def formula(self, named: Named) -> Expr:
        """The same of a structural one, operators that stay as they are left out."""
        left, right = ({place_of(x, side): x.of(named) for x in side} for side in (self.old, self.new))
        terms = [multiplied_out(right[x] - left[x]) for x in left.keys() & right.keys() if left[x] != right[x]]
        gone, come = (Add(*(a[x] for x in a.keys() - b.keys())) for a, b in ((left, right), (right, left)))
        return Add(*terms) + come - gone


@dataclass(frozen=True)
class Part:
    """A difference's part of a quantity: in B, n and c; that of a structural one in the vocabulary, too."""

    group: str
    name: str
    before: str
    after: str
    expr: Expr
    formula: Expr | None

    def to_dict(self, batch: Values) -> dict[str, Any]:
        """The schema's cause."""
        formula = None if self.formula is None else str(self.formula)
        return {
            "group": self.group,
            "name": self.name,
            "before": self.before,
            "after": self.after,
            "number": plain(number(self.expr, batch)),
            "in_batch": str(self.expr),
            "formula": formula,
        }


@dataclass(frozen=True)
class Difference:
    """A quantity of one model less that of another: its parts, which add up to it, and where its sign changes."""

    named: Named
    ours: Number
    theirs: Number
    expr: Expr
    parts: tuple[Part, ...]
    flips: Mapping[Symbol, Signs]

    @property
    def number(self) -> Number:
        """The difference on the batch."""
        return self.theirs - self.ours

    def to_dict(self, batch: Values) -> dict[str, Any]:
        """The schema's quantity."""
        flips = {
            str(x): {"first": y.first, "flips": [list(z) for z in y.flips], "solved": y.solved, "complete": y.complete}
            for x, y in self.flips.items()
        }
        return {
            "name": self.named.name,
            "unit": self.named.unit,
            "ours": plain(self.ours),
            "theirs": plain(self.theirs),
            "difference": plain(self.number),
            "formula": str(self.expr),
            "causes": [x.to_dict(batch) for x in self.parts],
            "flips": flips,
        }


@dataclass(frozen=True, repr=False)
class Differences:
    """Two models, a batch of B queries of n new and c cached tokens, and the difference of each quantity."""

    one: Model
    other: Model
    rules: tuple[str, ...]
    batch: Mapping[Symbol, int]
    found: Mapping[str, Difference]

    def __getitem__(self, name: str) -> Difference:
        """The difference of a quantity."""
        return self.found[name]

    def to_dict(self) -> dict[str, Any]:
        """The differences in the schema that this module documents."""
        return {
            "schema": SCHEMA,
            "symroof": __version__,
            "models": [self.one.name, self.other.name],
            "rules": list(self.rules),
            "batch": {str(x): value for x, value in self.batch.items()},
            "quantities": [x.to_dict(self.batch) for x in self.found.values()],
        }

    def __repr__(self) -> str:
        return f"<symroof differences of {self.other.name} less {self.one.name}: {', '.join(self.found)}>"

    def __str__(self) -> str:
        from symroof.render.results.model_diff import render

        return render(self)


def compare(
    one: Model,
    other: Model,
    quantities: Sequence[str] = USUAL,
    new: int = 1,
    cached: int = 0,
    batch_size: int | None = None,
    rules: Rules = "standard",
    logits: str | None = None,
    **formats: str | None,
) -> Differences:
    """What `other` costs more than `one`, as expressions by cause."""
    names = chosen(rules, logits)
    if registry.tool(names):
        raise UsageError(f"rules {names[0]} are those of another tool: differences are told under ours")
    if mine := [x.name for x in (one, other) if x.own]:
        raise UsageError(f"{mine[0]} has a graph of its own: differences are told of structures; compare its formulas")
    named = [uniform.untimed(x) for x in quantities]
    batch = uniform.uniform(new, cached, batch_size)
    ends = [uniform.forms(x, rules, logits) for x in (one, other)]
    values = [rationals(x, **formats) for x in (one, other)]
    found = list(steps(one, other, values[0], values[1], names, ends[1]))
    told = {x.name: difference(x, ends, values, found, batch) for x in named}
    return Differences(one, other, names, batch, told)


def rationals(model: Model, **formats: str | None) -> dict[Symbol, Expr]:
    """A model's sizes and widths as exact numbers of sympy's."""
    return {x: Rational(exact(y)) for x, y in uniform.point(model, {}, **formats).values.items()}


def difference(
    named: Named,
    ends: Sequence[tuple[Form, ...]],
    values: Sequence[Values],
    found: Sequence[Step],
    batch: Mapping[Symbol, int],
) -> Difference:
    """A quantity's difference, its parts and where its sign changes."""
    known: dict[Any, Expr] = {}  # what is put for symbols once is so for all parts
    left, right = (
        multiplied_out(Numbers(y, known)(uniform.total(x, named))) for x, y in zip(ends, values, strict=True)
    )
    gap = right - left
    parts = tuple(part for part in (step.part(named, known) for step in found) if part.expr != 0)
    flips = {
        x: roots.whole(Numbers({y: Integer(z) for y, z in batch.items() if y != x})(gap), x, least, LARGEST)
        for x, least in ((s.c, 0), (s.n, 1), (s.B, 1))
    }
    return Difference(named, number(left, batch), number(right, batch), gap, parts, flips)


def number(expr: Expr, batch: Mapping[Symbol, int]) -> Number:
    """What an expression in B, n and c comes to on the batch."""
    return Point(batch).number(expr)


def steps(
    one: Model, other: Model, ours: Values, theirs: Values, names: tuple[str, ...], end: tuple[Form, ...]
) -> Iterator[Step]:
    """The steps from one model to the other, in order."""
    values = dict(ours)
    left, right = one.architecture.structure, other.architecture.structure
    for told, old, new, carried in changes(left, right):
        earlier = dict(values)
        known = {s.symbol(x): values[s.symbol(y)] for x, y in carried.items() if s.symbol(y) in values}
        values = {**theirs, **known, **values}
        yield Step("structure", *told, operators(old, names), operators(new, names), (earlier, dict(values)))
    used = set().union(*(form.symbols for form in end))
    for group in ("size", "width"):
        for x in sorted((x for x in used if s.group(x) == group), key=lambda x: place(str(x))):
            if values.get(x) != theirs[x]:
                before, values = dict(values), {**values, x: theirs[x]}
                touched = tuple(form for form in end if x in form.symbols)
                numbers = (shown(before.get(x)), shown(theirs[x]))
                yield Step(
                    f"{group}s" if group == "size" else "formats",
                    str(x),
                    *numbers,
                    touched,
                    touched,
                    (before, dict(values)),
                )


def place_of(form: Form, side: Sequence[Form]) -> str:
    """An operator's path; without its block's name where that is the only one."""
    return form.path.partition("/")[2] if all(x.block == form.block for x in side) else form.path


def shown(x: Expr | None) -> str:
    """A size or width as text."""
    return "none" if x is None else f"{int(x):,}" if x.is_Integer else f"{float(x):g}"


def operators(structure: Structure | None, names: tuple[str, ...]) -> tuple[Form, ...]:
    """The operators of a part of a structure: one sublayer, or what stands around them."""
    if structure is None:
        return ()
    layer = counting.layer(names, structure)
    if structure.sublayers:
        found = [decoder.block(x) for x in structure.sublayers]
        rows = ((f"{x.name}/{path}", count, op) for x in found for path, count, op in x.rows())
        return uniform.formed(rows, layer)
    return uniform.formed(decoder.graph(structure).rows(), layer)


Told = tuple[str, str, str]  # name, before, after
Change = tuple[Told, Structure | None, Structure | None, dict[str, str]]


def changes(left: Structure, right: Structure) -> Iterator[Change]:
    """What turns a structure into another: (what is told, part before, part after, symbol -> one it follows)."""
    around, goal = replace(left, sublayers=()), replace(right, sublayers=())
    for name, before, after in flags(around.frame, goal.frame):
        following = replace(around, frame=replace(around.frame, **{name: getattr(goal.frame, name)}))
        yield (f"model: {name}", before, after), around, following, {}
        around = following
    if around != goal:
        yield ("multi-token prediction", "", ""), around, goal, {}
    for x, y in pairs(left, right):
        yield from sublayer_changes(x, y)


def pairs(left: Structure, right: Structure) -> list[tuple[Sublayer | None, Sublayer | None]]:
    """Sublayers that stand for one another: of one name, else of one slot and kind, else of one slot."""
    ours, theirs = list(left.sublayers), list(right.sublayers)
    found: list[tuple[Sublayer | None, Sublayer | None]] = []
    for alike in ALIKE:
        for x in list(ours):
            if y := next((y for y in theirs if alike(y) == alike(x)), None):
                found.append((x, y))
                ours.remove(x)
                theirs.remove(y)
    return [*found, *((x, None) for x in ours), *((None, y) for y in theirs)]


ALIKE: tuple[Callable[[Sublayer], Any], ...] = (lambda x: x.name, lambda x: (x.slot, type(x.kind)), lambda x: x.slot)


def sublayer_changes(x: Sublayer | None, y: Sublayer | None) -> Iterator[Change]:
    """What turns a sublayer into another, one flag at a time where they are of a kind."""
    if x is None or y is None or type(x.kind) is not type(y.kind):
        before, after = (z.name if z else "none" for z in (x, y))
        if x and y and before == after:
            before, after = (type(z.kind).__name__ for z in (x, y))
        yield ("sublayers", before, after), alone(x), alone(y), {}
        return
    named = replace(y, kind=x.kind, wiring=x.wiring)
    if named != x:
        bases = {base for base, _ in (*x.own, *y.own)}
        carried = {y.symbol(base): x.symbol(base) for base in bases} | {y.layers: x.layers, y.distinct: x.distinct}
        told_names = (x.name, y.name) if x.name != y.name else ("", "")
        yield (f"{y.name}: symbols", *told_names), alone(x), alone(named), {a: b for a, b in carried.items() if a and b}
    for field in VALUED:
        for name, before, after in flags(getattr(x, field), getattr(y, field)):
            changed = replace(getattr(named, field), **{name: getattr(getattr(y, field), name)})
            following = replace(named, **{field: changed})
            yield (f"{y.name}: {name}", before, after), alone(named), alone(following), {}
            named = following


def alone(x: Sublayer | None) -> Structure | None:
    """A structure of one sublayer."""
    return None if x is None else Structure((x,))


def flags(x: Any, y: Any) -> Iterator[tuple[str, str, str]]:
    """The fields in which two records of a type differ, as text."""
    for field in fields(x):
        before, after = (getattr(z, field.name) for z in (x, y))
        if before != after:
            yield field.name, word(before), word(after)


def word(x: Any) -> str:
    """A flag as text."""
    return {True: "yes", False: "no", "": "none"}.get(x, str(x))


def added(parts: Sequence[Part]) -> Expr:
    """What parts come to together."""
    return Add(*(x.expr for x in parts))
