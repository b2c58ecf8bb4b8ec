"""Closed forms as people write them: `L (2 T d h (H_q + 2 H_kv) + 4 P h H_q)`."""

from collections.abc import Iterable, Iterator, Mapping

from sympy import Expr, Symbol

from symroof import symbols as s
from symroof.cost.notation import formula_text, symbol_order
from symroof.model.model import Model

# Where the definitions and the values of a group of symbols come from, unless from rules and config.
DEFINED_BY = {"batch": "each query adds"}
ORIGINS = {"query": "the batch", "width": "the precision", "machine": "the machine", "training": "the training run"}


def join_terms(terms: Iterable[str]) -> str:
    """Terms as a sum; a negative one is subtracted."""
    return " + ".join(terms).replace("+ -", "- ")


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
