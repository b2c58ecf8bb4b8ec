"""Formulas with Min, Max and floor as polynomials of steps and whole parts of a quotient.

A step is 1 where a polynomial y is 0 or more, else 0: Max(u, v) = v + (u - v) step(u - v). A quotient is floor(u / w).
Both are written in one form each, so that most identities cancel when they are multiplied out. Symbols
take the numbers of their domain: whole ones where the vocabulary says so, from 1 where they are positive.
"""

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from functools import lru_cache, reduce
from math import gcd, lcm

from sympy import (
    Add,
    Basic,
    Expr,
    Float,
    Function,
    Integer,
    Max,
    Min,
    Mul,
    Pow,
    Rational,
    Symbol,
    ceiling,
    expand,
    floor,
    fraction,
    sympify,
    together,
)

from symroof.algebra import unevaluated
from symroof.algebra.fold import Table, fold, rebuilt
from symroof.errors import SymroofError, shorten
from symroof.symbols import takes_whole_numbers

STEP, QUOTIENT = Function("step"), Function("quotient")
MOST_BRANCHES = 10  # steps that one Min, Max, floor or power may depend on


def stepwise(expr: Expr) -> Expr:
    """A formula as a polynomial of symbols, steps and floors, and of any other function as it is."""
    return fold(sympify(expr, strict=True), STEPWISE)


def plain_formula(expr: Expr) -> Expr:
    """A polynomial without steps, its whole parts as floors."""
    return fold(expr, PLAIN)


def substituted(expr: Expr, values: Mapping[Expr, Expr]) -> Expr:
    """A polynomial of steps with other formulas for symbols or steps."""
    return multiplied(fold(expr, RENEWED, dict(values)))


def multiplied(expr: Expr) -> Expr:
    """A polynomial of steps multiplied out, without steps that others of the same product imply."""
    return Add(*(_without_implied(term) for term in Add.make_args(expand(expr))))


def _without_implied(term: Expr) -> Expr:
    rest, steps = split_product(term, STEP)
    return Mul(rest, *strongest_steps(frozenset(steps))) if steps else term


def split_product(term: Expr, kind: type) -> tuple[Expr, set[Expr]]:
    """A product without its factors of a kind, and these, without their powers."""
    inner: set[Expr] = set()
    rest = []
    for factor in Mul.make_args(term):
        base = factor.base if isinstance(factor, Pow) else factor
        if isinstance(base, kind):
            inner.add(base)
        else:
            rest.append(factor)
    return Mul(*rest), inner


@lru_cache(4096)
def strongest_steps(steps: frozenset[Expr]) -> tuple[Expr, ...]:
    """Steps without those that another one implies; of equal ones the first."""
    ordered = sorted(steps, key=str)
    implied = {
        weak
        for weak in ordered
        for strong in ordered
        if weak != strong and is_nonnegative(expand(weak.args[0] - strong.args[0]))
    }
    return tuple(x for x in ordered if x not in implied)


def on_branches(function: Callable[..., Expr], *args: Expr) -> Expr:
    """A function of polynomials of steps, branch by branch: each of their steps 1 and 0."""
    steps = sorted(set().union(*(x.atoms(STEP) for x in args)), key=str)
    if len(steps) > MOST_BRANCHES:
        raise SymroofError(f"more than {MOST_BRANCHES} cases in {shorten(args[0])}")
    if not steps:
        return function(*args)
    one, zero = (on_branches(function, *(substituted(x, {steps[0]: Integer(y)}) for x in args)) for y in (1, 0))
    return multiplied(steps[0] * one + (1 - steps[0]) * zero)


def larger(a: Expr, b: Expr) -> Expr:
    """The larger of two."""
    return multiplied(b + on_branches(positive_part, multiplied(a - b)))


def positive_part(y: Expr) -> Expr:
    """Max(y, 0) of a polynomial without steps."""
    return expand(y - y * step(-y) if y.could_extract_minus_sign() else y * step(y))


def step(y: Expr) -> Expr:
    """1 where a polynomial without steps is 0 or more, else 0: in one form for all that are so together."""
    y = normal_argument(expand(y))
    if is_nonnegative(y):
        return Integer(1)
    if is_negative(y):
        return Integer(0)
    if y.could_extract_minus_sign() and is_whole_valued(y):
        return 1 - STEP(-y - 1)
    return STEP(y)


def normal_argument(y: Expr) -> Expr:
    """A polynomial without its common factor, with the same sign; a whole one has a whole constant."""
    terms = [term.as_coeff_Mul() for term in Add.make_args(y)]
    numbers = [x for x, rest in terms if rest != 1]
    if not numbers or not all(x.is_Rational for x, _ in terms):
        return y
    below = lcm(*(int(x.q) for x in numbers))
    common = Rational(gcd(*(int(x * below) for x in numbers)), below)
    scaled = expand(y / common)
    constant = scaled.as_coeff_Add()[0]
    return scaled - constant + floor(constant) if is_whole_valued(scaled - constant) else scaled


def whole_part(z: Expr) -> Expr:
    """The floor of a quotient of polynomials without steps: what divides ahead of it, the rest as one quotient."""
    above, below = fraction(together(z))
    above, below = expand(above), expand(below)
    if not is_nonnegative(below):
        return unevaluated.floor(z)
    whole, rest = divided(above, below)
    for more in (0, -1):  # the rest may be -1
        if is_nonnegative(expand(rest - more * below)) and is_negative(expand(rest - (more + 1) * below)):
            return expand(whole + more)
    return expand(whole + QUOTIENT(rest, below))


def divided(above: Expr, below: Expr) -> tuple[Expr, Expr]:
    """The whole-valued part of a quotient, and the rest that is still to divide."""
    whole, rest = [], []
    for term in Add.make_args(above):
        number, factors = (term / below).as_coeff_Mul()
        if not number.is_Rational or not is_whole_valued(factors):
            rest.append(term)
            continue
        whole.append(floor(number) * factors)
        rest.append((number - floor(number)) * factors * below)
    return Add(*whole), expand(Add(*rest))


def is_whole_valued(y: Expr) -> bool:
    """Whether a polynomial is plainly a whole number at any numbers of its symbols' domains."""
    return all(_is_whole_product(term) for term in Add.make_args(y))


def _is_whole_product(term: Expr) -> bool:
    number, rest = term.as_coeff_Mul()
    return bool(number.is_Integer) and all(_is_whole_factor(x) for x in Mul.make_args(rest))


def _is_whole_factor(x: Expr) -> bool:
    if isinstance(x, Pow):
        return bool(x.exp.is_Integer and x.exp > 0) and _is_whole_factor(x.base)
    return x == 1 or isinstance(x, QUOTIENT | floor | STEP) or (isinstance(x, Symbol) and takes_whole_numbers(x))


@lru_cache(8192)
def is_nonnegative(y: Expr) -> bool:
    """Whether a polynomial is plainly 0 or more: has no negative coefficient in what its symbols exceed their least."""
    return all(_is_nonnegative_product(term) for term in Add.make_args(from_least(y)))


def is_negative(y: Expr) -> bool:
    """Whether a polynomial is plainly less than 0."""
    opposite = from_least(-y)
    constant = opposite.as_coeff_Add()[0]
    return bool(constant > 0) and is_nonnegative(-y)


def from_least(y: Expr) -> Expr:
    """A polynomial in what its symbols exceed 1, for those that are whole and positive."""
    least = {x: x + 1 for x in y.free_symbols if starts_at_one(x)}
    return expand(fold(y, SHIFTED, dict(least)))


def starts_at_one(x: Symbol) -> bool:
    """Whether a symbol takes positive whole numbers alone."""
    return bool(x.is_positive) and takes_whole_numbers(x)


def _is_nonnegative_product(term: Expr) -> bool:
    number, rest = term.as_coeff_Mul()
    return bool(number >= 0) and all(is_nonnegative_factor(x) for x in Mul.make_args(rest))


def is_nonnegative_factor(x: Expr) -> bool:
    """Whether a generator of a polynomial is plainly 0 or more."""
    if isinstance(x, Pow) and x.exp.is_Integer:
        return bool(x.exp % 2 == 0) or is_nonnegative_factor(x.base)
    if isinstance(x, QUOTIENT):
        return is_nonnegative(x.args[0])
    return isinstance(x, STEP) or bool(x.is_nonnegative)


def _power(x: Expr, args: list[Expr]) -> Expr:
    base, exponent = args
    if exponent.is_Integer and exponent > 0:
        return reduce(lambda a, b: multiplied(a * b), [base] * int(exponent))
    return on_branches(lambda a, b: rebuilt(x, (a, b)), base, exponent)


def _exact(x: Float, _: list[Expr]) -> Expr:
    return Rational(Fraction(float(x)))


def _sum(_: Expr, args: Iterable[Expr]) -> Expr:
    return multiplied(Add(*args))


STEPWISE = Table(
    {
        Add: _sum,
        Mul: lambda _, args: reduce(lambda a, b: multiplied(a * b), args),
        Pow: _power,
        Max: lambda _, args: reduce(larger, args),
        Min: lambda _, args: multiplied(-reduce(larger, [expand(-x) for x in args])),
        floor: lambda _, args: on_branches(whole_part, args[0]),
        ceiling: lambda _, args: expand(-on_branches(whole_part, expand(-args[0]))),
        Float: _exact,
        Basic: lambda x, args: on_branches(lambda *y: rebuilt(x, y), *args) if args else x,
    }
)
RENEWED = Table(
    {
        STEP: lambda _, args: on_branches(step, args[0]),
        QUOTIENT: lambda _, args: on_branches(lambda u, w: whole_part(u / w), *args),
        Basic: rebuilt,
    }
)
SHIFTED = Table({Basic: rebuilt, QUOTIENT: lambda x, _: x, STEP: lambda x, _: x})
PLAIN = Table({QUOTIENT: lambda _, args: unevaluated.floor(args[0] / args[1]), Basic: rebuilt})
