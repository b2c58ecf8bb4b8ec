"""Arithmetic of compiled formulas: whole numbers and fractions as long as they last, floats beyond; plain Python."""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

EXACT_POWER = 64  # powers above this are floats: an exact (15/16)^200000 takes seconds to reduce


def exact_power(base: Any, exponent: Any) -> Any:
    """base ** exponent: exact for whole exponents up to EXACT_POWER, a float beyond."""
    if isinstance(exponent, int) and abs(exponent) <= EXACT_POWER:
        return Fraction(base) ** exponent if exponent < 0 else base**exponent
    return float(base) ** float(exponent)


def exact_quotient(above: Any, below: Any) -> Any:
    """above / below, exactly: an int where it divides, else a Fraction; a float where one is."""
    if isinstance(above, float) or isinstance(below, float):
        return above / below
    quotient, rest = divmod(above, below)
    return Fraction(above) / below if rest else quotient


def int_if_whole(x: Any) -> Any:
    """`x` as an int where it is a whole Fraction."""
    return x.numerator if isinstance(x, Fraction) and x.denominator == 1 else x


class Unknown:
    """A number that is not known: so is what is computed from it; to compare or convert it raises its error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def _unknown(self, *_: object) -> "Unknown":
        return self

    def _raise(self, *_: object) -> Any:
        raise self.error

    def __divmod__(self, _: object) -> tuple["Unknown", int]:
        return self, 0

    __rdivmod__ = __divmod__
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __neg__ = _unknown
    __truediv__ = __rtruediv__ = __pow__ = _unknown
    __bool__ = __float__ = __int__ = __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __hash__ = _raise


# All that compiled formulas may call.
SPACE: dict[str, Any] = {
    "over": exact_quotient,
    "power": exact_power,
    "floor": math.floor,
    "Fraction": Fraction,
    "__builtins__": {"min": min, "max": max},
}


def definitions_in(text: str, space: Mapping[str, Any] = SPACE) -> dict[str, Any]:
    """The namespace of a module of compiled formulas: what it defines, and what it may call."""
    namespace = dict(space)
    exec(compile(text, "<formulas>", "exec"), namespace)
    return namespace
