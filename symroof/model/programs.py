"""The formulas of a structure under some rules, compiled once to plain Python and cached; evaluated without sympy.

A compiled module has

    sums, steps, known   names of the sums over a batch, of the values a step derives from them, of sizes and widths
    rows                 path, role, width symbol and operands of each operator, as in `Op`
    weights              role of each operator's weights, and whether tokens are multiplied by them
    per_query(n, c, *known)               what one query adds to each sum
    per_step(*sums, *known)               the values of `steps`
    per_operator(*sums, *steps, *known)   for each operator: number of layers, fields of its cost per layer
    weight_elements(*known)               for each operator: elements of weights stored, and read by one token
"""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from symroof.algebra.arithmetic import definitions_in
from symroof.architecture.structure import Structure
from symroof.model import formula_cache
from symroof.records import frozen

if TYPE_CHECKING:
    from symroof.cost.graph import Block

Run = Callable[..., tuple[Any, ...]]


@frozen
class Program:
    """The names that a module of compiled formulas defines."""

    sums: tuple[str, ...]
    steps: tuple[str, ...]
    known: tuple[str, ...]
    rows: tuple[tuple[str, str, str, tuple[str, ...]], ...]
    weights: tuple[tuple[str, bool], ...]
    per_query: Run
    per_step: Run
    per_operator: Run
    weight_elements: Run
    text: str


@lru_cache(512)
def program(structure: Structure, names: tuple[str, ...], custom: "Block | None" = None) -> Program:
    """The formulas of a structure under named rules; or of a `custom` graph, which are not cached on disk."""
    if custom is not None:
        return load_program(compiled_source(structure, names, custom))
    key = f"{','.join(names)} {canonical_text(structure)}"
    text = formula_cache.read_cached(key)
    if text is None:
        text = compiled_source(structure, names)
        formula_cache.write_cached(key, text)
    return load_program(text)


def compiled_source(structure: Structure, names: tuple[str, ...], custom: "Block | None" = None) -> str:
    """The source of the module, compiled from the formulas. Imports sympy."""
    from symroof.model import compiler

    return compiler.program_source(structure, names, custom)


def load_program(text: str) -> Program:
    """The program of a module's source, which can call arithmetic functions only."""
    space = definitions_in(text)
    return Program(**{x.name: space[x.name] for x in fields(Program) if x.name in space}, text=text)


def canonical_text(x: Any) -> str:
    """A description as text: equal descriptions have equal texts, different ones different texts."""
    if is_dataclass(x):
        values = (f"{field.name}={canonical_text(getattr(x, field.name))}" for field in fields(x))
        return f"{type(x).__name__}({', '.join(values)})"
    if isinstance(x, tuple):
        return f"({''.join(f'{canonical_text(y)}, ' for y in x)})"
    if x is None or type(x) in (str, int, bool):
        return repr(x)
    raise TypeError(f"{type(x).__name__} cannot be part of a structure")
