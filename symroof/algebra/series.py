"""How formulas grow in one symbol: their leading terms, in closed form.

A formula on the branches that it is on far out is a sum of powers of the symbol, once a quotient and the power of an
expert's chance are expanded in its inverse: exact for polynomials, else to ORDERS below the leading term.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial, reduce

from sympy import Add, Basic, Expr, Integer, Mul, Pow, Symbol, factor_terms, sympify

from symroof.algebra.fold import Rule, Table, fold
from symroof.algebra.points import Number, Point, multiplied_out
from symroof.errors import SymroofError, shorten

FAR = 10**40  # where the branches of a limit are chosen: beyond any crossover of a model's sizes
SHORT = 30  # terms of a sum that is still factored
ORDERS = 3  # orders of a quotient that are computed

Series = dict[int, Expr]  # power of the symbol -> its coefficient


@dataclass(frozen=True)
class Leading:
    """The term of a quantity that outgrows the others: `coefficient` times the symbol to a power, and its number.

    The number is that of the coefficient, at the point; `shares` are those of the formulas that it is the sum of.
    """

    symbol: Symbol
    power: int
    coefficient: Expr
    number: Number
    shares: tuple[Expr, ...] = ()

    @property
    def expr(self) -> Expr:
        """The term itself."""
        return self.coefficient * self.symbol**self.power


def leading_term(exprs: Iterable[Expr], x: Symbol, at: Point) -> Leading:
    """The leading term of a sum as x grows, all other symbols as they are at the point."""
    far = at.moved({x: FAR}, x)
    each = [series(far.branch(sympify(expr, strict=True)), x, far) for expr in exprs]
    terms = sum_of_series(each)
    for order in sorted(terms, reverse=True):
        number = at.number(terms[order])
        if number != 0:
            shares = tuple(one.get(order, Integer(0)) for one in each)
            return Leading(x, order, factor_short_sum(terms[order]), number, shares)
    return Leading(x, 0, Integer(0), 0)


def factor_short_sum(expr: Expr) -> Expr:
    """A sum with what its terms have in common ahead of it; a long one as it is."""
    return factor_terms(expr) if len(Add.make_args(expr)) <= SHORT else expr


def leading_ratio(above: Leading, below: Leading, at: Point) -> Leading | None:
    """The leading term of a quotient; None where what is below comes to nothing."""
    if below.number == 0:
        return None
    coefficient = above.coefficient / below.coefficient
    return Leading(above.symbol, above.power - below.power, coefficient, at.number(coefficient))


def series(expr: Expr, x: Symbol, far: Point) -> Series:
    """The powers of x in a formula without Min, Max or floor of it."""

    def parts(y: Expr) -> tuple[Expr, ...]:
        return () if not y.has(x) else (y.base,) if isinstance(y, Pow) else y.args

    rules: dict[type, Rule] = {
        Add: lambda _, args: sum_of_series(args),
        Mul: lambda _, args: reduce(product_of_series, args),
        Pow: lambda y, args: _power_series(y, args[0], x, far),
        Symbol: lambda _, __: {1: Integer(1)},
        Basic: lambda y, _: _no_series(y, x),
    }
    table = Table({kind: partial(_unless_constant, x, rule) for kind, rule in rules.items()})
    return fold(expr, table, parts=parts)  # type: ignore[no-any-return]


def _unless_constant(x: Symbol, rule: Rule, y: Expr, args: list[Series]) -> Series:
    if args or y == x:
        return rule(y, args)  # type: ignore[no-any-return]
    return {0: y} if y != 0 else {}


def _power_series(y: Pow, base: Series, x: Symbol, far: Point) -> Series:
    if y.exp.is_Integer:
        return reduce(product_of_series, [base if y.exp > 0 else inverse(base)] * abs(int(y.exp)))
    if not y.exp.has(x):
        return binomial(base, y.exp)
    if not y.base.has(x) and 0 < far.number(y.base) < 1:
        return {}  # it decays faster than any power
    return _no_series(y, x)


def _no_series(y: Expr, x: Symbol) -> Series:
    raise SymroofError(f"{shorten(y)} has no leading term in {x} here")


def sum_of_series(many: Iterable[Series]) -> Series:
    """The sum of some series; terms that cancel are left out."""
    sums: dict[int, list[Expr]] = {}
    for one in many:
        for order, coefficient in one.items():
            sums.setdefault(order, []).append(coefficient)
    coefficients = {order: sum_of_coefficients(terms) for order, terms in sums.items()}
    return {order: term for order, term in coefficients.items() if term != 0}


def sum_of_coefficients(terms: list[Expr]) -> Expr:
    """The sum of some coefficients, multiplied out where some might cancel."""
    if len(terms) == 1:
        return terms[0]
    total = Add(*terms)
    return multiplied_out(total) if any(x.could_extract_minus_sign() for x in Add.make_args(total)) else total


def product_of_series(a: Series, b: Series) -> Series:
    """The product of two series."""
    return sum_of_series({i + j: y * z} for i, y in a.items() for j, z in b.items())


def inverse(base: Series) -> Series:
    """1 over a series, to ORDERS."""
    top = max(base)
    rest = {order - top: -coefficient / base[top] for order, coefficient in base.items() if order != top}
    powers = [{0: Integer(1)}]
    for _ in range(ORDERS if rest else 0):
        powers.append(product_of_series(powers[-1], rest))
    return product_of_series({-top: 1 / base[top]}, truncated(sum_of_series(powers)))


def binomial(base: Series, exponent: Expr) -> Series:
    """(1 + u)^e for a u that vanishes, to ORDERS."""
    if max(base) != 0 or base[0] != 1:
        raise SymroofError(f"a power of what does not tend to 1: {shorten(base)}")
    u = {order: coefficient for order, coefficient in base.items() if order != 0}
    terms: list[Series] = [{0: Integer(1)}]
    for i in range(ORDERS):
        terms.append(product_of_series(product_of_series(terms[-1], u), {0: (exponent - i) / (i + 1)}))
    return truncated(sum_of_series(terms))


def truncated(whole: Series) -> Series:
    """The terms down to ORDERS below the constant."""
    return {order: x for order, x in whole.items() if order >= -ORDERS}
