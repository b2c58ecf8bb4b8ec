"""Differences of two models as text: by cause, in closed form and in numbers; and where signs change."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from sympy import Add, Expr, Mul, Symbol

from symroof import symbols as s
from symroof.algebra.cases import by_case, sides
from symroof.algebra.named_sums import NamedForm, name_functions
from symroof.algebra.points import Number, multiplied_out
from symroof.algebra.rootfinding.signs import Signs
from symroof.analysis.model_diff import (
    Contribution,
    Differences,
    QuantityDifference,
    number_on_batch,
)
from symroof.cost.notation import formula_text, term_order
from symroof.cost.quantities import collect_terms
from symroof.render.long_sums import FormulaRow, form_rows, readable, sum_names, with_unit, wrap_formulas
from symroof.render.phrases import uniform_batch, warning_notes
from symroof.render.text_columns import hanging_columns, wrap_line, wrap_lines
from symroof.units import iec, si

MOST_DEFINITIONS = 6  # in a formula that is printed instead of one in numbers
MOST_SIGN_CHANGES = 8  # changes of sign that are printed
GROUPS = {"structure": "structure", "sizes": "sizes", "formats": "formats (bytes per element)"}


def differences_text(differences: Differences, width: int = 0, full: bool = False) -> str:
    """Each quantity's difference by cause, wrapped at `width`; 0 never wraps notes.

    `full`: no sum in a formula is named.
    """
    one, other = differences.one.name, differences.other.name
    batch = uniform_batch(*(differences.batch[x] for x in (s.B, s.n, s.c)))
    sections = (difference_text(x, differences, width, full) for x in differences.quantities.values())
    notes = wrap_lines([*differences_notes(differences), *warning_notes(differences.warnings)], width)
    return "\n".join([wrap_line(f"{other} minus {one}: {batch}", width), "", *sections, notes]) + "\n"


def differences_notes(differences: Differences) -> Iterator[str]:
    """What the parts are and what symbols stand for; where latent attention is absorbed."""
    yield (
        "Parts add up to the difference: the structure is changed first, flag by flag, then sizes, then formats, in "
        "this order; each part depends on those before it. Formulas without numbers are closed forms in the symbols "
        f"of symroof, at the sizes of {differences.one.name} but for those changed before; x' is a size x after its "
        "change."
    )
    exprs = (y for x in differences.quantities.values() for y in (x.expr, *(part.expr for part in x.parts)))
    gaps = dict.fromkeys(" > ".join(map(formula_text, sides(x.gap))) for x in map(by_case, exprs) if x)
    if gaps:
        yield f"Latent attention is absorbed where {', or '.join(gaps)}; else it is expanded."


def difference_text(x: QuantityDifference, differences: Differences, width: int, full: bool) -> str:
    """A quantity: its difference, the parts of it, and where its sign changes."""
    unit = x.named.unit
    form = numeric_rows(x.expr, unit, full) if x.expr.free_symbols else ()
    head = f"{x.named.title}: {signed_number(x.number, unit)}\n" + wrap_formulas(form, width, "   ")
    groups = (group_text(group, x, differences, width, full) for group in GROUPS)
    signs = ((f"as {y} grows", sign_changes(y, z, differences)) for y, z in x.flips.items() if x.expr.has(y))
    return head + "".join(groups) + hanging_columns([*signs], width)


def group_text(group: str, x: QuantityDifference, differences: Differences, width: int, full: bool) -> str:
    """The parts of a group under its title; empty where there are none."""
    parts = [part for part in x.parts if part.group == group]
    return f"  {GROUPS[group]}\n" + "".join(part_lines(parts, x, differences, width, full)) if parts else ""


def part_lines(
    parts: Sequence[Contribution], x: QuantityDifference, differences: Differences, width: int, full: bool
) -> Iterator[str]:
    """Each part's name and number, and below it its closed form."""
    names = [f"{part.name}{before_after(part)}" for part in parts]
    numbers = [signed_number(number_on_batch(part.expr, differences.batch), x.named.unit) for part in parts]
    longest_name, longest_number = max(map(len, names)), max(map(len, numbers))
    for part, name, number in zip(parts, names, numbers, strict=True):
        yield f"    {name.ljust(longest_name)}  {number.rjust(longest_number)}\n"
        yield wrap_formulas(contribution_rows(part, x.named.unit, full), width, "      ")


def before_after(part: Contribution) -> str:
    """` 32 -> 36`; empty where the part is not a change of a value."""
    return f" {part.before} -> {part.after}" if part.before or part.after else ""


def contribution_rows(part: Contribution, unit: str, full: bool) -> Iterator[FormulaRow]:
    """A part in the model's symbols where it is a polynomial in what changes and not very long; else in B, n and c."""
    symbolic = part.formula if part.slope is None else part.slope
    rows = [] if symbolic is None else [*rows_by_case(symbolic, lambda expr: symbolic_rows(expr, part, full))]
    if rows and (full or sum(row.where for row in rows) <= MOST_DEFINITIONS):
        yield from rows
    elif part.expr.free_symbols:
        yield from numeric_rows(part.expr, unit, full)


def symbolic_rows(expr: Expr, part: Contribution, full: bool) -> Iterator[FormulaRow]:
    """The formula of a structural part; of a size, what it adds over x' - x, times that."""
    form = readable(expr, full)
    if part.slope is not None:
        change = Symbol(f"({part.name}' - {part.name})")  # printed ahead of sums
        form = replace(form, expr=Mul(change, *Mul.make_args(form.expr), evaluate=False))
    return form_rows("", form)


def numeric_rows(expr: Expr, unit: str, full: bool) -> Iterator[FormulaRow]:
    """A sum over B, n and c with its coefficients as numbers."""
    return rows_by_case(expr, lambda x: polynomial_rows(x, unit, full))


def rows_by_case(expr: Expr, rows: Callable[[Expr], Iterable[FormulaRow]]) -> Iterator[FormulaRow]:
    """The rows of a formula, or of each case of it, where latent attention is absorbed and where it is expanded."""
    cases = by_case(expr)
    if cases is None:
        yield from rows(expr)
    else:
        for name, case in (("absorbed", cases.above), ("expanded", cases.below)):
            first, *more = rows(case)
            yield from (first._replace(name=name), *more)


def polynomial_rows(expr: Expr, unit: str, full: bool) -> Iterator[FormulaRow]:
    """The terms of a sum, numbers with their prefixes; Min, Max and floors that recur have names, unless `full`."""
    terms = multiplied_out(expr)
    form = NamedForm(terms) if full else name_functions(terms, sum_names())
    terms = sorted(collect_terms(Add.make_args(form.expr)), key=lambda x: term_order(x.as_coeff_Mul()[1]))
    text = " ".join(signed_term(term, unit) for term in terms).removeprefix("+ ") or "0"
    return (row._replace(text=row.text if row.where else text) for row in form_rows("", form))


def signed_term(term: Expr, unit: str) -> str:
    """A term with a space after its sign: `- 66.19 M · B n`."""
    coefficient, basis = term.as_coeff_Mul()
    number = iec(abs(coefficient)) if unit == "byte" else si(abs(coefficient))
    return f"{'-' if coefficient < 0 else '+'} {number}{'' if basis == 1 else f' · {formula_text(basis)}'}"


def signed_number(x: Number, unit: str) -> str:
    """A number with its sign."""
    return f"{'-' if x < 0 else '+'}{with_unit(abs(x), unit)}" if x else with_unit(x, unit)


def sign_changes(x: Symbol, signs: Signs, differences: Differences) -> str:
    """Which model needs more as a symbol grows: `a more; b more from c = 8`."""
    changes = [f"{larger_model(sign, differences)} from {x} = {at:,}" for at, sign in signs.flips[:MOST_SIGN_CHANGES]]
    more = ["and so on"] if len(signs.flips) > MOST_SIGN_CHANGES else []
    first = larger_model(signs.first, differences) + ("" if changes else " throughout")
    return "; ".join([first, *changes, *more]) + ("" if signs.solved else " (bracketed)")


def larger_model(sign: int, differences: Differences) -> str:
    """The model that needs more."""
    return {1: f"{differences.other.name} more", -1: f"{differences.one.name} more", 0: "alike"}[sign]
