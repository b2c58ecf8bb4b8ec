"""Sizes that follow another: those that a config ties to it, and those held in a ratio to it."""

from sympy import Expr, Rational, Symbol

from symroof import symbols as s
from symroof.errors import UsageError, cure, shorten
from symroof.model.model import Model


def held(x: Symbol, ratios: tuple[str, ...], model: Model) -> dict[Symbol, Expr]:
    """The sizes that follow the unknown: those that are it by the config, and those in ratios that are held.

    "H_q*h/d" holds H_q h / d, for an unknown d, by changing H_q. Raises UsageError.
    """
    sizes, follow = model.sizes, {}
    for name, of in model.architecture.origin.items():
        if of == str(x):
            follow[s.symbol(name)] = x
    for ratio in (y.strip() for text in ratios for y in text.split(",") if y.strip()):
        above, _, below = (y.strip() for y in ratio.partition("/"))
        names = [y.strip() for y in above.split("*")]
        if below != str(x) or str(x) in names:
            raise UsageError(f"--hold {shorten(ratio)}: give ratios to the unknown, such as f/{x} or H_q*h/{x}")
        for name in names:
            if name not in model.architecture.sizes:
                told = cure(name, model.architecture.sizes, "its sizes")
                raise UsageError(f"--hold {shorten(ratio)}: {shorten(name)!r} is no size of {model.name}: {told}")
        if x not in sizes:
            raise UsageError(f"--hold {shorten(ratio)}: {x} is no size of the model")
        changed = s.symbol(names[0])
        if changed in follow:
            raise UsageError(f"--hold {shorten(ratio)}: {changed} is held already: begin with another size")
        follow[changed] = Rational(sizes[changed], sizes[x]) * x
    return follow
