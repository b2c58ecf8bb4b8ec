"""Counting choices that give a quoted number, as text: the nearest with its formula and parts, then the others."""

from collections.abc import Iterator, Mapping
from typing import Any

from symroof.analysis.match import Guess, Match
from symroof.cost.notation import formula_text
from symroof.render.text_columns import hanging_columns, join_paragraphs, wrap_line, wrap_lines
from symroof.units import si

AGREEING = {
    0: "No combination of counting choices gives the quoted digits; the nearest are listed.",
    1: "One combination of counting choices gives the quoted digits, the first; the others are the nearest.",
}


def match_text(match: Match, width: int = 0) -> str:
    """The nearest combination with its formula and parts, then the others; lines wrapped at `width`, 0 never wraps."""
    quoted = f"{match.quoted.written} {match.quoted.counts}"
    title = f"{match.model} ({match.family}): which count gives {quoted}? n = {match.sequence:,} tokens per sequence"
    parts = "where\n" + hanging_columns([*part_rows(match)], width)
    best, agreement = wrap_lines(best_guess(match), width), wrap_line(agreement_text(match.agreeing), width)
    guesses, note = guesses_text(match, width), wrap_line(combinations_note(match), width)
    return join_paragraphs([wrap_line(title, width), best, parts, agreement, guesses, note])


def best_guess(match: Match) -> Iterator[str]:
    """The nearest combination: formula, number, ratio to the quoted number."""
    quoted, best = match.quoted, match.guesses[0]
    yield f"{quoted.quantity} = {formula_text(best.formula)}"
    yield f"  = {number_in_full(best.value)}"
    yield f"  = {quoted.ratio(best.value):.6f} of {quoted.written}"


def part_rows(match: Match) -> Iterator[tuple[str, str]]:
    """Formulas and numbers of the parts in the nearest combination."""
    for x, formula in match.parts.items():
        if x in match.guesses[0].formula.free_symbols:
            yield str(x), f"= {formula_text(formula)} = {number_in_full(match.values[x])}"


def number_in_full(value: Any) -> str:
    """All digits of a whole number; two decimals of others."""
    return f"{value:,}" if isinstance(value, int) else f"{float(value):,.2f}"


def agreement_text(count: int) -> str:
    """How many combinations agree with the quoted digits."""
    several = (
        f"{count} combinations of counting choices give the quoted digits and are listed first, the most usual ahead; "
        "then the nearest."
    )
    return AGREEING.get(count, several)


def guesses_text(match: Match, width: int) -> str:
    """One row per combination: its ratio to the quoted number, its number, its choices."""
    rows = [
        (f"{match.quoted.ratio(x.value):.4f}  {si(x.value):>9}", choices_text(x, match.usual)) for x in match.guesses
    ]
    return hanging_columns([("ratio      number", "counted"), *rows], width)


def choices_text(x: Guess, usual: Mapping[str, str]) -> str:
    """A convention by name; else the choices that are not the usual ones."""
    if "convention" in x.choices:
        return f"{x.choices['convention']}, {x.choices['pass']}"
    unusual = [f"{title} {name}" for title, name in x.choices.items() if usual.get(title, name) != name]
    return "; ".join(unusual) or "all choices as usual"


def combinations_note(match: Match) -> str:
    """How many numbers were compared, and the usual choices."""
    usual = "; ".join(f"{title} {name}" for title, name in match.usual.items())
    defaults = f" Choices that a row does not name are the usual ones: {usual}." if usual else ""
    return f"Distinct numbers over all combinations: {match.tried:,}.{defaults}"
