"""Sizes that change with another: by the config, by its number of layers, in a ratio or sum that is held constant."""

from collections.abc import Iterable, Mapping
from typing import Any

from sympy import Expr, Rational, Symbol, sympify

from symroof import symbols as s
from symroof.architecture.layer_counts import following_counts, kinds_of_layers
from symroof.errors import UsageError, listed_names, shorten
from symroof.model.model import Model


def coupled_sizes(x: Symbol, hold: Iterable[str], model: Model) -> dict[Symbol, Expr]:
    """The sizes that change with the unknown `x`, as formulas in it: by the config, and by what is held constant.

    With L, the numbers of layers of its kinds change: see `following_counts`. "H_q*h/d" holds H_q h / d constant, for
    the unknown d, by changing H_q; "L" the sum of the kinds of layers, for the unknown L_full. Raises UsageError.
    """
    ratios, sums = ratios_and_sums(hold)
    coupled = sizes_in_ratio(x, ratios, model)
    return coupled | layers_that_follow({x: x} | coupled, layers_of_sum(sums, x, model), model)


def ratios_and_sums(hold: Iterable[str]) -> tuple[list[str], list[str]]:
    """What is held constant, in texts with commas: ratios such as f/d, and names of numbers of layers."""
    held = [y.strip() for text in hold for y in text.split(",") if y.strip()]
    return [y for y in held if "/" in y], [y for y in held if "/" not in y]


def sizes_in_ratio(x: Symbol, ratios: Iterable[str], model: Model) -> dict[Symbol, Expr]:
    """The sizes that the config defines as equal to `x`, and those in constant ratios to it. Raises UsageError."""
    coupled: dict[Symbol, Expr] = {s.symbol(name): x for name, of in model.architecture.origin.items() if of == str(x)}
    for ratio in ratios:
        changed = s.symbol(size_of_ratio(ratio, x, model))
        if changed in coupled:
            raise UsageError(f"--hold {shorten(ratio)}: {changed} is held already: begin with another size")
        coupled[changed] = Rational(model.sizes[changed], model.sizes[x]) * x
    return coupled


def layers_that_follow(moved: Mapping[Symbol, Expr], summed: Mapping[str, Any], model: Model) -> dict[Symbol, Expr]:
    """The numbers of layers that change with L, or with one kind's where `summed` says what is held."""
    by_name = {**{str(x): form for x, form in moved.items()}, **summed}
    if "L" not in by_name:
        return {}
    counts = {**summed, **following_counts(model.architecture, by_name)}
    return {s.symbol(name): sympify(form) for name, form in counts.items() if name != "L" or form != model.sizes[s.L]}


def layers_of_sum(names: list[str], x: Symbol, model: Model) -> dict[str, Any]:
    """L and kinds of layers where the unknown is a kind's number: L held, or L as the sum with all other kinds held.

    Raises UsageError for other sizes.
    """
    if not names:
        return {}
    kinds, sizes = kinds_of_layers(model.architecture, str(x)), model.architecture.sizes
    named = [y if y in sizes else model.symbol_of_key(y) or y for y in names]
    if unknown := [y for y in named if y != "L" and y not in kinds] or (named if not kinds else []):
        raise UsageError(f"--hold {shorten(unknown[0])}: {held_cure(x, kinds)}")
    constant = {y: sizes[y] for y in named}
    if "L" in constant and len(constant) <= len(kinds):
        return constant
    if set(constant) == set(kinds):
        return {**constant, "L": x + sum(constant.values())}
    raise UsageError(f"--hold {shorten(','.join(named))}: {held_cure(x, kinds)}")


def held_cure(x: Symbol, kinds: Iterable[str]) -> str:
    """What can be held constant when the unknown changes."""
    if not kinds:
        return f"give ratios to the unknown, such as f/{x} or H_q*h/{x}"
    others = listed_names(kinds)
    return f"give L, so that {others} change, or {others.replace(' ', '')}, so that L changes, or ratios to {x}"


def size_of_ratio(ratio: str, x: Symbol, model: Model) -> str:
    """The size that changes to hold a ratio to `x` constant: its first one. Raises UsageError for other ratios."""
    above, _, below = (y.strip() for y in ratio.partition("/"))
    if x not in model.sizes:
        raise UsageError(f"--hold {shorten(ratio)}: {x} is not a size of the model")
    try:
        names = [model.size_name(y.strip()) for y in above.split("*")]
        base = model.size_name(below)
    except UsageError as error:
        raise UsageError(f"--hold {shorten(ratio)}: {error}") from error
    if base != str(x) or str(x) in names:
        raise UsageError(f"--hold {shorten(ratio)}: {held_cure(x, ())}")
    return names[0]
