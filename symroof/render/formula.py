"""Closed forms as people write them: `L (2 T d h (H_q + 2 H_kv) + 4 P h H_q)`."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sympy import Expr, Symbol

from symroof import symbols as s
from symroof.cost.notation import formula_text, symbol_order, term_order
from symroof.cost.quantities import Formula, FormulaPart
from symroof.model.model import Model
from symroof.units import iec, si

# What one unit of a batch sum is, where a coefficient is named after it.
UNITS_OF_SUMS = {
    "T": "new token",
    "P": "pair",
    "P_chunk": "chunked pair",
    "P_swa": "sliding pair",
    "C": "cached key read",
    "C_chunk": "cached key read by chunked layers",
    "C_swa": "cached key read by sliding layers",
    "K": "token cached",
    "K_chunk": "token cached by chunked layers",
    "K_swa": "token cached by sliding layers",
    "P_lat": "pair in the latent",
    "T_lat": "new token in the latent",
    "C_lat": "cached token read in the latent",
    "P_toplat": "selected pair in the latent",
    "P_topexp": "pair expanded and masked",
    "P_comp": "pair with a compressed entry",
    "P_sel": "pair with a selected entry",
    "R": "logit row",
    "N_x": "expert read",
    "B": "query",
}

# Where the definitions and the values of a group of symbols come from, unless from rules and config.
DEFINED_BY = {"batch": "each query adds"}
ORIGINS = {"query": "the batch", "width": "the precision", "machine": "the machine", "training": "the training run"}


def part_text(part: FormulaPart) -> str:
    """A block's count and its terms in dataflow order."""
    if len(part.terms) == 1:
        return formula_text(part.count * part.terms[0])
    inner = join_terms(map(formula_text, part.terms))
    return inner if part.count == 1 else f"{formula_text(part.count)} ({inner})"


def join_terms(terms: Iterable[str]) -> str:
    """Terms as a sum; a negative one is subtracted."""
    return " + ".join(terms).replace("+ -", "- ")


def coefficients_text(formula: Formula, values: Mapping[Symbol, Any]) -> str:
    """The coefficients with `values` bound: `per new token 13.96 G · T  +  per pair 524.29 k · P`."""
    unit = iec if formula.quantity.unit == "byte" else si
    coefficients = sorted(formula.coefficients(values).items(), key=lambda x: term_order(x[0]))
    terms = (f"{'-' if x < 0 else '+'}  {_coefficient_text(basis, unit(abs(x)))}" for basis, x in coefficients)
    return "  ".join(terms).removeprefix("+  ") or "0"


def _coefficient_text(basis: Expr, number: str) -> str:
    if basis == 1:
        return f"fixed {number}"
    per = UNITS_OF_SUMS.get(str(basis))
    return f"per {per} {number} · {basis}" if per else f"{number} · {formula_text(basis)}"


def symbol_rows(
    used: set[Symbol], model: Model, definitions: Mapping[Symbol, Expr], rates: Mapping[Symbol, Expr]
) -> Iterator[tuple[str, str, str, str]]:
    """(symbol, meaning, origin, value or definition) of every symbol used; `rates`: those of a machine."""
    sizes, known = model.architecture, {**model.known(), **rates}
    for symbol in sorted(used, key=lambda x: symbol_order(str(x))):
        name, entry = str(symbol), s.entry(str(symbol))
        if name in sizes.sizes:
            yield name, entry.meaning, sizes.origin[name], f"{sizes.sizes[name]:,}"
        elif symbol in definitions:
            yield name, entry.meaning, DEFINED_BY.get(entry.group, "counting rule"), formula_text(definitions[symbol])
        else:
            is_known = entry.group in ("width", "machine") and symbol in known
            yield name, entry.meaning, ORIGINS[entry.group], f"{float(known[symbol]):,g}" if is_known else ""
