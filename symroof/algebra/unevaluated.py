"""Min, Max and floor as they are written: comparing all their arguments, as sympy does, takes most of a start."""

from collections.abc import Mapping
from functools import partial

import sympy
from sympy import Basic, Symbol

Min = partial(sympy.Min, evaluate=False)
Max = partial(sympy.Max, evaluate=False)
floor = partial(sympy.floor, evaluate=False)
KEPT = (sympy.Min, sympy.Max, sympy.floor)


def renamed(expr: Basic, names: Mapping[Symbol, Symbol]) -> Basic:
    """A formula in other symbols, nothing evaluated for it."""
    made: dict[Basic, Basic] = dict(names)

    def tell(x: Basic) -> Basic:
        if x not in made:
            args = [tell(y) for y in x.args]
            same = all(a is b for a, b in zip(args, x.args, strict=True))
            made[x] = x if same else x.func(*args, evaluate=False) if isinstance(x, KEPT) else x.func(*args)
        return made[x]

    return tell(expr)
