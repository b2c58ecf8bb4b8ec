"""How formulas grow in one symbol: their leading terms, in closed form.

A formula on the branches that it is on far out is a sum of powers of the symbol, once quotients and the power of an
expert's chance are expanded in its inverse: exact for polynomials, else to ORDERS below the leading term.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

from sympy import Add, Expr, Integer, Mul, Pow, Symbol, factor_terms, sympify

from symroof.algebra.points import Number, Point, multiplied_out
from symroof.errors import SymroofError, shorten

FAR = 10**40  # where the branches of a limit are chosen: beyond any crossover of a model's sizes
SHORT = 30  # terms of a sum that is still factored
ORDERS = 3  # orders of a quotient that are kept

Series = dict[int, Expr]  # power of the symbol -> its coefficient


@dataclass(frozen=True)
class Leading:
    """The term of a quantity that outgrows the others: `coefficient` times the symbol to a power, and its number.

    The number is that of the coefficient, at the point.
    """

    symbol: Symbol
    power: int
    coefficient: Expr
    number: Number

    @property
    def expr(self) -> Expr:
        """The term itself."""
        return self.coefficient * self.symbol**self.power


def leading(exprs: Iterable[Expr], x: Symbol, at: Point) -> Leading:
    """The leading term of a sum as x grows, all other symbols as they are at the point."""
    far = at.moved({x: FAR}, x)
    found = merged(series(far.branch(sympify(expr, strict=True)), x, far) for expr in exprs)
    for order in sorted(found, reverse=True):
        number = at.number(found[order])
        if number != 0:
            return Leading(x, order, factored(found[order]), number)
    return Leading(x, 0, Integer(0), 0)


def factored(expr: Expr) -> Expr:
    """A sum with what its terms have in common ahead of it; a long one as it is."""
    return factor_terms(expr) if len(Add.make_args(expr)) <= SHORT else expr


def ratio(above: Leading, below: Leading, at: Point) -> Leading | None:
    """The leading term of a quotient; None where what is below comes to nothing."""
    if below.number == 0:
        return None
    coefficient = above.coefficient / below.coefficient
    return Leading(above.symbol, above.power - below.power, coefficient, at.number(coefficient))


def series(expr: Expr, x: Symbol, far: Point) -> Series:
    """The powers of x in a formula without Min, Max or floor of it."""
    if not expr.has(x):
        return {0: expr} if expr != 0 else {}
    if expr == x:
        return {1: Integer(1)}
    if isinstance(expr, Add):
        return merged(series(arg, x, far) for arg in expr.args)
    if isinstance(expr, Mul):
        return reduce(product, (series(arg, x, far) for arg in expr.args))
    if isinstance(expr, Pow) and expr.exp.is_Integer:
        base = series(expr.base, x, far)
        return reduce(product, [base if expr.exp > 0 else inverse(base)] * abs(int(expr.exp)))
    if isinstance(expr, Pow) and not expr.exp.has(x):
        return binomial(series(expr.base, x, far), expr.exp)
    if isinstance(expr, Pow) and not expr.base.has(x) and 0 < far.number(expr.base) < 1:
        return {}  # it decays faster than any power
    raise SymroofError(f"{shorten(expr)} has no leading term in {x} here")


def merged(found: Iterable[Series]) -> Series:
    """The sum of some series; terms that cancel are left out."""
    sums: dict[int, list[Expr]] = {}
    for part in found:
        for order, coefficient in part.items():
            sums.setdefault(order, []).append(coefficient)
    added = {order: cancelled(terms) for order, terms in sums.items()}
    return {order: term for order, term in added.items() if term != 0}


def cancelled(terms: list[Expr]) -> Expr:
    """The sum of some coefficients, multiplied out where some might cancel."""
    if len(terms) == 1:
        return terms[0]
    total = Add(*terms)
    return multiplied_out(total) if any(x.could_extract_minus_sign() for x in Add.make_args(total)) else total


def product(a: Series, b: Series) -> Series:
    """The product of two series."""
    return merged({i + j: y * z} for i, y in a.items() for j, z in b.items())


def inverse(base: Series) -> Series:
    """1 over a series, to ORDERS."""
    top = max(base)
    rest = {order - top: -coefficient / base[top] for order, coefficient in base.items() if order != top}
    powers = [{0: Integer(1)}]
    for _ in range(ORDERS if rest else 0):
        powers.append(product(powers[-1], rest))
    return product({-top: 1 / base[top]}, kept(merged(powers)))


def binomial(base: Series, exponent: Expr) -> Series:
    """(1 + u)^e for a u that vanishes, to ORDERS."""
    if max(base) != 0 or base[0] != 1:
        raise SymroofError(f"a power of what does not tend to 1: {shorten(base)}")
    u = {order: coefficient for order, coefficient in base.items() if order != 0}
    terms: list[Series] = [{0: Integer(1)}]
    for i in range(ORDERS):
        terms.append(product(product(terms[-1], u), {0: (exponent - i) / (i + 1)}))
    return kept(merged(terms))


def kept(found: Series) -> Series:
    """The terms down to ORDERS below the constant."""
    return {order: x for order, x in found.items() if order >= -ORDERS}
