"""Differences of two models as text: by cause, in closed form and in numbers; and where signs change."""

from collections.abc import Iterator, Sequence

from sympy import Add, Expr, Symbol

from symroof import symbols as s
from symroof.algebra.points import Number
from symroof.algebra.rootfinding.signs import Signs
from symroof.analysis.model_diff import Contribution, Differences, QuantityDifference, number_on_batch
from symroof.cost.notation import formula_text, term_order
from symroof.cost.quantities import collect_terms
from symroof.render.long_sums import NOT_PRINTED, formula_by_factors, with_unit, wrap_formulas
from symroof.render.phrases import uniform_batch, warning_notes
from symroof.render.text_columns import hanging_columns, wrap_line, wrap_lines
from symroof.units import iec, si

SHORT_FORMULA = 120  # characters of the longest formula that is printed in the form it has
LONGEST_FORMULA = 240  # characters of the longest formula that is printed
MOST_SIGN_CHANGES = 8  # changes of sign that are printed
GROUPS = {"structure": "structure", "sizes": "sizes", "formats": "formats (bytes per element)"}


def differences_text(differences: Differences, width: int = 0) -> str:
    """Each quantity's difference by cause, wrapped at `width`; 0 never wraps."""
    one, other = differences.one.name, differences.other.name
    batch = uniform_batch(*(differences.batch[x] for x in (s.B, s.n, s.c)))
    note = (
        "Parts add up to the difference: the structure is changed first, flag by flag, then sizes, then formats, in "
        "this order; each part depends on those before it. Formulas without numbers are closed forms in the symbols "
        f"of symroof, at the sizes of {one}."
    )
    sections = (difference_text(x, differences, width) for x in differences.quantities.values())
    notes = wrap_lines([note, *warning_notes(differences.warnings)], width)
    return "\n".join([wrap_line(f"{other} minus {one}: {batch}", width), "", *sections, notes]) + "\n"


def difference_text(x: QuantityDifference, differences: Differences, width: int) -> str:
    """A quantity: its difference, the parts of it, and where its sign changes."""
    unit = x.named.unit
    form = [("", polynomial_text(x.expr, unit))] if x.expr.free_symbols else []
    head = f"{x.named.title}: {signed_number(x.number, unit)}\n" + wrap_formulas(form, width, "")
    groups = (group_text(group, x, differences, width) for group in GROUPS)
    signs = ((f"as {y} grows", sign_changes(y, z, differences)) for y, z in x.flips.items() if x.expr.has(y))
    return head + "".join(groups) + hanging_columns([*signs], width)


def group_text(group: str, x: QuantityDifference, differences: Differences, width: int) -> str:
    """The parts of a group under its title; empty where there are none."""
    parts = [part for part in x.parts if part.group == group]
    return f"  {GROUPS[group]}\n" + "".join(part_lines(parts, x, differences, width)) if parts else ""


def part_lines(
    parts: Sequence[Contribution], x: QuantityDifference, differences: Differences, width: int
) -> Iterator[str]:
    """Each part's name and number, and below it its closed form."""
    names = [f"{part.name}{before_after(part)}" for part in parts]
    numbers = [signed_number(number_on_batch(part.expr, differences.batch), x.named.unit) for part in parts]
    longest_name, longest_number = max(map(len, names)), max(map(len, numbers))
    for part, name, number in zip(parts, names, numbers, strict=True):
        yield f"    {name.ljust(longest_name)}  {number.rjust(longest_number)}\n"
        if part.formula is not None or part.expr.free_symbols:
            yield wrap_formulas([("", part_formula(part, x.named.unit))], width, "   ")


def before_after(part: Contribution) -> str:
    """` 32 -> 36`; empty where the part is not a change of a value."""
    return f" {part.before} -> {part.after}" if part.before or part.after else ""


def part_formula(part: Contribution, unit: str) -> str:
    """A structural part in the model's symbols where that is short; else in B, n and c."""
    if part.formula is not None:
        text = formula_text(part.formula)
        if len(text) <= SHORT_FORMULA or (text := formula_by_factors(part.formula, LONGEST_FORMULA)) != NOT_PRINTED:
            return text
    return polynomial_text(part.expr, unit)


def polynomial_text(expr: Expr, unit: str) -> str:
    """A sum over B, n and c with its coefficients as numbers."""
    terms = sorted(collect_terms(Add.make_args(expr)), key=lambda x: term_order(x.as_coeff_Mul()[1]))
    text = " ".join(signed_term(term, unit) for term in terms).removeprefix("+ ") or "0"
    return text if len(text) <= LONGEST_FORMULA else NOT_PRINTED


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
