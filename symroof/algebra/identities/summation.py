"""Sums of formulas over a whole symbol in closed form, between bounds that may be symbols.

A formula is a polynomial of the symbol, of floors floor((x + s) / w) and of steps [x >= t]; the sum of each term is
a polynomial of its ends and of their floors, from Faulhaber's formulas.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from sympy import (
    Add,
    Dummy,
    Expr,
    Integer,
    Max,
    Min,
    Poly,
    Rational,
    Sum,
    Symbol,
    bernoulli,
    binomial,
    expand,
    floor,
    sympify,
)

from symroof.algebra import unevaluated
from symroof.algebra.fold import REBUILD, Table, fold
from symroof.algebra.identities import steps as st
from symroof.algebra.points import multiplied_out
from symroof.errors import SymroofError, UsageError

Term = tuple[frozenset[Expr], Expr]  # where its steps begin, and the polynomial of floors that they multiply


def sum_over(expr: Expr, x: Symbol, first: Any, last: Any) -> Expr:
    """The sum of a formula over the whole numbers x from `first` to `last`, in closed form.

    Min, Max and floor of x are summed exactly, for symbolic bounds too, which may contain x itself. A term that has no
    closed form here, such as a power with x in its exponent, stays a sympy Sum. `last` is `first` - 1 or more, where
    the sum is 0. Raises UsageError for bounds that are no whole numbers, or the wrong way round.
    """
    ends = whole_bound(first), whole_bound(last)
    if st.is_negative(expand(ends[1] - ends[0] + 1)):
        raise UsageError(f"a sum from {ends[0]} to {ends[1]}: give the lower end first")
    counter = Dummy(str(x), integer=True, nonnegative=True if st.is_nonnegative(st.stepwise(ends[0])) else None)
    body, constants = without_constants(
        unevaluated.without_pieces(sympify(expr, strict=True)).xreplace({x: counter}), counter
    )
    groups, rest = grouped_terms(multiplied_out(body), counter)
    closed = (_difference(inner, counter, starts, ends[0], ends[1] + 1) for starts, inner in groups)
    return Add(*closed, *(Sum(term, (counter, *ends)) for term in rest)).xreplace(constants)


def whole_bound(end: Any) -> Expr:
    """A bound of a sum. Raises UsageError where it is plainly no whole number."""
    bound = sympify(end, strict=True)
    if bound.is_number and not bound.is_Integer:
        raise UsageError(f"a sum from or to {bound}: give a whole number or a formula of such")
    return bound


def without_constants(expr: Expr, x: Symbol) -> tuple[Expr, dict[Symbol, Expr]]:
    """A formula with symbols for each Min, Max and floor that does not depend on x, and what they stand for."""
    names: dict[Symbol, Expr] = {}

    def name(y: Expr, args: list[Expr]) -> Expr:
        if y.has(x):
            return rebuild(y, args)
        polynomial = st.stepwise(y)
        symbol = Dummy(
            integer=st.is_whole_valued(polynomial) or None, nonnegative=st.is_nonnegative(polynomial) or None
        )
        names[symbol] = y
        return symbol

    rebuild = REBUILD[Max]
    inner = fold(expr, Table({**REBUILD, **dict.fromkeys((Min, Max, floor), name)}))
    return inner, {symbol: y.xreplace(names) for symbol, y in names.items()}


def grouped_terms(expr: Expr, x: Symbol) -> tuple[Sequence[Term], Sequence[Expr]]:
    """A formula as terms with closed sums, those whose steps begin at the same numbers added up; and all others."""
    groups: dict[frozenset[Expr], Expr] = defaultdict(lambda: Integer(0))
    rest = []
    for moving, constant in coefficients_of(expr, x).items():
        try:
            parts = [part for y in Add.make_args(st.stepwise(moving)) for part in terms_by_start(y, x)]
            _ = [antidifference(y, x) for _, inner in parts for y in coefficients_of(inner, x)]
        except SymroofError:
            rest.append(constant * moving)
            continue
        for starts, inner in parts:
            groups[starts] += constant * inner
    regrouped: dict[frozenset[Expr], Expr] = defaultdict(lambda: Integer(0))
    for starts, inner in groups.items():
        regrouped[normal_starts(starts, inner, x)] += inner
    return list(regrouped.items()), rest


def coefficients_of(expr: Expr, x: Symbol) -> dict[Expr, Expr]:
    """The factors of a sum's terms that depend on x, and by what each is multiplied."""
    coefficients: dict[Expr, list[Expr]] = defaultdict(list)
    for term in Add.make_args(expr):
        constant, moving = term.as_independent(x, as_Add=False)
        coefficients[moving].append(constant)
    return {moving: Add(*terms) for moving, terms in coefficients.items()}


def normal_starts(starts: frozenset[Expr], term: Expr, x: Symbol) -> frozenset[Expr]:
    """The numbers at which steps begin; y instead of y - 1 where the term that they multiply is 0 there."""
    if len(starts) != 1:
        return starts
    (start,) = starts
    before = start.as_coeff_Add()[0] == -1 and st.substituted(term, {x: start}) == 0
    return frozenset({start + 1}) if before else starts


def terms_by_start(term: Expr, x: Symbol) -> Iterable[Term]:
    """A product as terms with the numbers at which their steps begin. Raises SymroofError where one has none."""
    rest, steps = st.split_product(term, st.STEP)
    terms: list[Term] = [(frozenset(), rest)]
    for y in steps:
        start, rising = beginning(y.args[0], x)
        begun = [(starts | {start}, inner) for starts, inner in terms]
        terms = begun if rising else [*terms, *((starts, -inner) for starts, inner in begun)]
    return terms


def beginning(y: Expr, x: Symbol) -> tuple[Expr, bool]:
    """The least whole x at which y >= 0 begins to hold, or ceases to; and which. Raises SymroofError without one."""
    slope, rest = linear_parts(y, x)
    if st.is_negative(-slope):
        return expand(-st.whole_part(rest / slope)), True
    if st.is_negative(slope):
        return expand(st.whole_part(-rest / slope) + 1), False
    raise SymroofError(f"no telling where {y} begins to be positive")


def linear_parts(y: Expr, x: Symbol) -> tuple[Expr, Expr]:
    """Slope and rest of a linear polynomial. Raises SymroofError for any other."""
    slope = y.coeff(x)
    rest = expand(y - slope * x)
    if slope == 0 or rest.has(x):
        raise SymroofError(f"{y} is not linear in {x}")
    return slope, rest


def _difference(terms: Expr, x: Symbol, starts: frozenset[Expr], first: Expr, end: Expr) -> Expr:
    """The sum of some terms from where their steps have begun to before `end`."""
    low, high = (largest_of([y, *sorted(starts, key=str)]) for y in (first, end))
    sums = ((a, antidifference(y, x)) for y, a in coefficients_of(expand(terms), x).items())
    total = st.plain_formula(Add(*(a * (before(high) - before(low)) for a, before in sums)))
    names = {y: Dummy() for y in total.atoms(Max, floor)}
    return expand(total.xreplace(names)).xreplace({name: y for y, name in names.items()})


def largest_of(numbers: Iterable[Expr]) -> Expr:
    """The Max of some formulas, without those that plainly are no more than another one."""
    left: list[Expr] = []
    for y in numbers:
        if not any(st.is_nonnegative(expand(z - y)) for z in left):
            left = [*(z for z in left if not st.is_nonnegative(expand(y - z))), y]
    plain = [st.plain_formula(y) for y in left]
    return unevaluated.Max(*plain) if len(plain) > 1 else plain[0]


@lru_cache(256)
def antidifference(term: Expr, x: Symbol) -> Callable[[Expr], Expr]:
    """A function F of a whole m with F(m + 1) - F(m) the term at m. Raises SymroofError where it has no closed form."""
    _, floors = st.split_product(term, st.QUOTIENT)
    if not floors:
        total = power_sum(term, x, Integer(0), x)
        return lambda m: total.xreplace({x: m})
    if len(floors) > 1:
        raise SymroofError(f"a product of different floors: {term}")
    (quotient,) = floors
    slope, shift = linear_parts(quotient.args[0], x)
    width = quotient.args[1]
    if slope != 1 or width.has(x) or not st.is_whole_valued(width) or not st.is_whole_valued(shift):
        raise SymroofError(f"a floor of steps that are no whole numbers: {term}")
    return _sum_by_blocks(term, x, quotient, shift, width)


def _sum_by_blocks(term: Expr, x: Symbol, quotient: Expr, shift: Expr, width: Expr) -> Callable[[Expr], Expr]:
    """The sum of a term before m, as a function of m: by blocks on which its floor is the same, m in the last one."""
    block, place, blocks = (Dummy(name, integer=True) for name in ("block", "place", "blocks"))
    within = term.xreplace({quotient: block}).xreplace({x: width * block + place - shift})
    whole = power_sum(power_sum(within, place, Integer(0), width), block, Integer(0), blocks)
    last = power_sum(within.xreplace({block: blocks}), place, Integer(0), place)
    ahead = 1 if shift.as_coeff_Add()[0] >= 1 else 0  # the term at m spares the sum a floor((m + 1) / w)
    total = whole + last + (within.xreplace({block: blocks}) if ahead else 0)

    def before(m: Expr) -> Expr:
        at = m + shift - ahead
        complete = st.plain_formula(st.whole_part(at / width))
        return total.xreplace({blocks: complete, place: at - width * complete})

    return before


def power_sum(term: Expr, x: Symbol, first: Expr, end: Expr) -> Expr:
    """The sum of a polynomial of x from `first` to before `end`."""
    coefficients = polynomial_in(term, x).all_coeffs()[::-1]
    return Add(*(a * (faulhaber(k, end) - faulhaber(k, first)) for k, a in enumerate(coefficients)))


def polynomial_in(term: Expr, x: Symbol) -> Poly:
    """A formula as a polynomial of x. Raises SymroofError where it is none."""
    if not term.is_polynomial(x):
        raise SymroofError(f"{term} is no polynomial of {x}")
    return Poly(term, x)


def faulhaber(k: int, end: Expr) -> Expr:
    """The sum of j^k over whole j from 0 to before `end`."""
    terms = (binomial(k + 1, i) * _bernoulli(i) * end ** (k + 1 - i) for i in range(k + 1))
    return Add(*terms) / (k + 1)


@lru_cache
def _bernoulli(i: int) -> Rational:
    return Rational(-1, 2) if i == 1 else bernoulli(i)
