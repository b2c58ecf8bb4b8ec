"""Closed forms as a person writes them: `L (2 T d h (H_q + 2 H_kv) + 4 P h H_q)`."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sympy import Expr, Symbol

from symroof import symbols as s
from symroof.cost.notation import place, rank, text
from symroof.cost.quantities import Formula, Part
from symroof.model.model import Model
from symroof.units import iec, si

# What one unit of a sum is, where a coefficient is named after it.
PER = {
    "T": "new token",
    "P": "pair",
    "P_chunk": "chunked pair",
    "P_swa": "sliding pair",
    "C": "cached key read",
    "C_chunk": "cached key read by chunked layers",
    "C_swa": "cached key read by sliding layers",
    "K": "token kept",
    "K_chunk": "token kept by chunked layers",
    "K_swa": "token kept by sliding layers",
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


def part_text(part: Part) -> str:
    """A block's share: its count, and its terms in dataflow order."""
    if len(part.terms) == 1:
        return text(part.count * part.terms[0])
    inner = summed(map(text, part.terms))
    return inner if part.count == 1 else f"{text(part.count)} ({inner})"


def summed(terms: Iterable[str]) -> str:
    """Terms as a sum, a minus in place of the plus before a negative one."""
    return " + ".join(terms).replace("+ -", "- ")


# Where values of a group come from that neither config nor rules say.
FROM = {"query": "the batch", "width": "the precision", "machine": "the machine", "training": "the training run"}


def numbers(formula: Formula, values: Mapping[Symbol, Any]) -> str:
    """The coefficients once `values` are bound: `per new token 13.96 G · T  +  per pair 524.29 k · P`."""
    unit = iec if formula.quantity.unit == "byte" else si
    found = sorted(formula.coefficients(values).items(), key=lambda x: rank(x[0]))
    terms = (("-" if number < 0 else "+", _coefficient(basis, unit(abs(number)))) for basis, number in found)
    return "  ".join(f"{sign}  {term}" for sign, term in terms).removeprefix("+  ") or "0"


def _coefficient(basis: Expr, number: str) -> str:
    if basis == 1:
        return f"fixed {number}"
    per = PER.get(str(basis))
    return f"per {per} {number} · {basis}" if per else f"{number} · {text(basis)}"


def legend(used: set[Symbol], model: Model, definitions: Mapping[Symbol, Expr]) -> Iterator[tuple[str, str, str, str]]:
    """(symbol, meaning, where it comes from, value or definition) of every symbol used."""
    sizes, known = model.architecture, model.known()
    for symbol in sorted(used, key=lambda x: place(str(x))):
        name, entry = str(symbol), s.entry(str(symbol))
        value = f"{float(known[symbol]):,g}" if entry.group == "width" and symbol in known else ""
        if name in sizes.sizes:
            yield name, entry.meaning, sizes.origin[name], f"{sizes.sizes[name]:,}"
        elif symbol in definitions:
            origin = "each query adds" if entry.group == "batch" else "counting rule"
            yield name, entry.meaning, origin, text(definitions[symbol])
        else:
            yield name, entry.meaning, FROM[entry.group], value
