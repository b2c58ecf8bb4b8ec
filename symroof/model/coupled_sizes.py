"""Sizes that change with another: those that a config defines as equal to it, and those in a fixed ratio to it."""

from sympy import Expr, Rational, Symbol

from symroof import symbols as s
from symroof.errors import UsageError, cure, shorten
from symroof.model.model import Model


def coupled_sizes(x: Symbol, ratios: tuple[str, ...], model: Model) -> dict[Symbol, Expr]:
    """The sizes that change with the unknown `x`, as formulas in it: by the config, and by ratios held constant.

    "H_q*h/d" holds H_q h / d constant, for the unknown d, by changing H_q. Raises UsageError.
    """
    coupled: dict[Symbol, Expr] = {s.symbol(name): x for name, of in model.architecture.origin.items() if of == str(x)}
    for ratio in (y.strip() for text in ratios for y in text.split(",") if y.strip()):
        changed = s.symbol(size_of_ratio(ratio, x, model))
        if changed in coupled:
            raise UsageError(f"--hold {shorten(ratio)}: {changed} is held already: begin with another size")
        coupled[changed] = Rational(model.sizes[changed], model.sizes[x]) * x
    return coupled


def size_of_ratio(ratio: str, x: Symbol, model: Model) -> str:
    """The size that changes to hold a ratio to `x` constant: its first one. Raises UsageError for other ratios."""
    above, _, below = (y.strip() for y in ratio.partition("/"))
    names = [y.strip() for y in above.split("*")]
    if below != str(x) or str(x) in names:
        raise UsageError(f"--hold {shorten(ratio)}: give ratios to the unknown, such as f/{x} or H_q*h/{x}")
    for name in names:
        if name not in model.architecture.sizes:
            hint = cure(name, model.architecture.sizes, "its sizes")
            raise UsageError(f"--hold {shorten(ratio)}: {shorten(name)!r} is not a size of {model.name}: {hint}")
    if x not in model.sizes:
        raise UsageError(f"--hold {shorten(ratio)}: {x} is not a size of the model")
    return names[0]
