"""The formulas of a structure under some rules, compiled once to plain Python and kept; run without sympy.

A module of them has

    sums, steps, known   names of the sums over a batch, of what a step makes of the model, of sizes and widths
    rows                 path, role and width symbol of each operator
    weights              role of each operator's weights, and whether a token is multiplied by them
    added(n, c, *known)              what one query adds to each sum
    stepped(*sums, *known)           the step's numbers
    counted(*sums, *steps, *known)   of each operator its layers, and the fields of its cost in one of them
    weighed(*known)                  of each operator the weights it keeps and those that one token reads, in elements
"""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from symroof.algebra.arithmetic import module
from symroof.architecture.structure import Structure
from symroof.model import cache
from symroof.records import frozen

if TYPE_CHECKING:
    from symroof.cost.graph import Block

Run = Callable[..., tuple[Any, ...]]


@frozen
class Program:
    """What a module of compiled formulas defines."""

    sums: tuple[str, ...]
    steps: tuple[str, ...]
    known: tuple[str, ...]
    rows: tuple[tuple[str, str, str], ...]
    weights: tuple[tuple[str, bool], ...]
    added: Run
    stepped: Run
    counted: Run
    weighed: Run
    text: str


@lru_cache(512)
def program(structure: Structure, names: tuple[str, ...], own: "Block | None" = None) -> Program:
    """The formulas of a structure under named rules; of one's `own` graph where there is one, which are not kept."""
    if own is not None:
        return loaded(source(structure, names, own))
    key = f"{','.join(names)} {canonical(structure)}"
    text = cache.read(key)
    if text is None:
        text = source(structure, names)
        cache.write(key, text)
    return loaded(text)


def source(structure: Structure, names: tuple[str, ...], own: "Block | None" = None) -> str:
    """The module, made anew."""
    from symroof.model import compiler

    return compiler.source(structure, names, own)


def loaded(text: str) -> Program:
    """The program of a module's source, which may call nothing but the arithmetic it needs."""
    space = module(text)
    return Program(**{x.name: space[x.name] for x in fields(Program) if x.name in space}, text=text)


def canonical(x: Any) -> str:
    """A description as text that is the same for equal ones alone."""
    if is_dataclass(x):
        told = (f"{field.name}={canonical(getattr(x, field.name))}" for field in fields(x))
        return f"{type(x).__name__}({', '.join(told)})"
    if isinstance(x, tuple):
        return f"({''.join(f'{canonical(y)}, ' for y in x)})"
    if x is None or type(x) in (str, int, bool):
        return repr(x)
    raise TypeError(f"{type(x).__name__} is nothing that a structure is described by")
