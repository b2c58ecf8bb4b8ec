"""Identities between formulas proved for all numbers of their symbols' domains, or disproved by an example.

A proof is by the normal form of steps: the difference cancels, or it does in every case of its Min, Max and floor that
can occur, which linear programming in exact fractions decides. A counterexample is computed in exact numbers.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any

from sympy import Add, Dummy, Expr, Float, Integer, Mul, Rational, Symbol, expand, fraction, sympify, together

from symroof.algebra.codegen import exact_function
from symroof.algebra.identities import steps as st
from symroof.algebra.unevaluated import without_pieces
from symroof.errors import SymroofError
from symroof.symbols import takes_whole_numbers

Case = tuple[Expr, tuple[Expr, ...]]  # a polynomial of steps, and polynomials that are known to be 0 or more

MOST_RESTS = 16  # of a quotient by a number, which are distinguished
EXAMPLES = 400  # numbers that a counterexample is looked for among
FRACTIONS = (Fraction(1, 2), Fraction(9, 16), Fraction(1), Fraction(3, 2), Fraction(2), Fraction(7, 3))


@dataclass(frozen=True)
class Proof:
    """Whether two formulas are equal wherever both have a value: True, False, or None where that is undecided.

    Where they are not, `counterexample` has numbers of all symbols, at which they come to `left` and `right`.
    """

    holds: bool | None
    counterexample: Mapping[Symbol, Any]
    left: Any = None
    right: Any = None

    def __bool__(self) -> bool:
        if self.holds is None:
            raise SymroofError("undecided: neither a proof nor a counterexample; look at `holds`, which is None")
        return self.holds

    def __str__(self) -> str:
        if self.holds is not False:
            return "undecided" if self.holds is None else "true"
        values = ", ".join(f"{x} = {value}" for x, value in self.counterexample.items())
        return f"false: {self.left} is not {self.right} at {values}" if values else f"false: {self.left}, {self.right}"


def prove(left: Expr, right: Expr) -> Proof:
    """Whether two formulas are equal for all numbers of their symbols: `prove(floor((c + w)/w), floor(c/w) + 1)`.

    A symbol takes whole numbers where the vocabulary, or its assumption `integer`, says so, else real ones, from 1 or 0
    where it is positive or nonnegative. Exact: a float in a formula is the binary fraction that it is, and none is
    computed. Undecided where neither a proof nor a counterexample turns up.
    """
    sides = exact_floats(left), exact_floats(right)
    if (example := counterexample(*sides)) is not None:
        return example
    try:
        proved = vanishes(st.stepwise(sides[0] - sides[1]), ())
    except SymroofError:  # too many cases
        proved = False
    return Proof(True if proved else None, {})


def exact_floats(expr: Any) -> Expr:
    """A formula with the binary fraction that each float in it is, and without Piecewise."""
    exact = without_pieces(sympify(expr, strict=True))
    return exact.xreplace({x: Rational(Fraction(float(x))) for x in exact.atoms(Float)})


def counterexample(left: Expr, right: Expr) -> Proof | None:
    """Numbers at which two formulas differ, computed exactly; None where none turn up."""
    symbols = sorted(left.free_symbols | right.free_symbols, key=str)
    try:
        run = exact_function((left, right), symbols)
    except SymroofError:  # a function without exact arithmetic
        return None
    for values in sample_values(symbols):
        try:
            one, other = run(*values)
        except ArithmeticError:
            continue
        if one != other and not isinstance(one, float) and not isinstance(other, float):
            return Proof(False, dict(zip(symbols, values, strict=True)), one, other)
    return None


def sample_values(symbols: Sequence[Symbol]) -> Iterator[tuple[Any, ...]]:
    """Numbers for symbols, small ones first; the same in every run."""
    random = Random(0)
    for i in range(EXAMPLES if symbols else 1):
        yield tuple(_sample(x, 2 + i // 8 if i % 5 else 5000, random) for x in symbols)


def _sample(x: Symbol, most: int, random: Random) -> Any:
    low = 1 if x.is_positive else 0 if x.is_nonnegative else -most
    return random.randint(low, most) if takes_whole_numbers(x) else random.choice((*FRACTIONS, low or 1, most))


def vanishes(expr: Expr, known: tuple[Expr, ...]) -> bool:
    """Whether a polynomial of steps is 0 wherever all that is `known` to be 0 or more is so."""
    if cancels(expr):
        return True
    steps = sorted(expr.atoms(st.STEP), key=lambda x: (len(x.args[0].args), str(x)))
    if not steps:
        return not is_possible(known) or any(
            all(vanishes(*case) for case in cases) for cases in quotient_cases(expr, known)
        )
    if known and not is_possible(known):
        return True
    y = steps[0].args[0]
    same = {x: offset for x in steps if (offset := expand(x.args[0] - y)).is_Rational}
    return all(
        vanishes(*_in_region(expr, {x: Integer(int(offset in on)) for x, offset in same.items()}, known, y, low, high))
        for low, high, on in regions(y, sorted({-offset for offset in same.values()}))
    )


def regions(y: Expr, ends: list[Expr]) -> Iterator[tuple[Expr | None, Expr | None, set[Expr]]]:
    """(least y, greatest y, offsets of the steps that are 1) of the stretches between the numbers at which steps begin.

    None for no bound. Of a y that is no whole number the greatest is the end itself, which is more than there is.
    """
    gap = 1 if st.is_whole_valued(y - y.as_coeff_Add()[0]) else 0
    stretches = [(None, ends[0] - gap), *((a, b - gap) for a, b in pairwise(ends)), (ends[-1], None)]
    for low, high in stretches:
        yield low, high, set() if low is None else {-end for end in ends if end <= low}


def _in_region(
    expr: Expr, values: Mapping[Expr, Expr], known: tuple[Expr, ...], y: Expr, low: Expr | None, high: Expr | None
) -> Case:
    """A polynomial of steps, and all that is known, where y is between two numbers."""
    inner = st.substituted(expr, values)
    if low is not None and low == high and (solved := solved_symbol(expand(y - low))):
        return eliminated(inner, known, *solved)
    ends = ([y - low] if low is not None else []) + ([high - y] if high is not None else [])
    return inner, (*known, *(expand(end) for end in ends))


def eliminated(expr: Expr, known: tuple[Expr, ...], x: Symbol, other: Expr) -> Case:
    """A polynomial of steps, and what is known, with something else for a symbol, which is in the symbol's domain."""
    facts = tuple(st.substituted(y, {x: other}) for y in known)
    domain = (expand(other - int(st.starts_at_one(x))),) if x.is_nonnegative else ()
    return st.substituted(expr, {x: other}), (*facts, *domain)


def quotient_cases(expr: Expr, known: tuple[Expr, ...]) -> Iterator[list[Case]]:
    """Lists of cases, one list enough: a quotient by its rests; or by whether that of the next number is one more."""
    floors = sorted(expr.atoms(st.QUOTIENT), key=str)
    for quotient in floors:
        above, below = quotient.args
        if below.is_Integer and below <= MOST_RESTS:
            rests = [eliminated_rest(expr, known, above, below, Integer(r)) for r in range(int(below))]
            if None not in rests:
                yield [case for case in rests if case]
        following = next((y for y in floors if y.args[1] == below and expand(y.args[0] - above) == 1), None)
        last = eliminated_rest(expr, known, above, below, below - 1)
        if following and last:
            inside = expand(below - 2 - above + below * quotient)
            yield [(st.substituted(expr, {following: quotient}), (*known, inside)), last]


def eliminated_rest(expr: Expr, known: tuple[Expr, ...], above: Expr, below: Expr, rest: Expr) -> Case | None:
    """A polynomial of floors where above = below q + rest, in q; None where no symbol can be eliminated for it."""
    q = Dummy("q", integer=True, nonnegative=True if st.is_nonnegative(above) else None)
    solved = solved_symbol(expand(above - below * q - rest), below.free_symbols | {q})
    return eliminated(expr, known, *solved) if solved and takes_whole_numbers(solved[0]) else None


def solved_symbol(y: Expr, fixed: Set[Symbol] = frozenset()) -> tuple[Symbol, Expr] | None:
    """A symbol that is linear in y with factor 1 or -1, and what it is where y is 0; None where there is none."""
    for x in sorted(y.free_symbols - fixed, key=str):
        factor = y.coeff(x)
        if factor in (1, -1) and x not in (rest := expand(y - factor * x)).free_symbols:
            return x, expand(-factor * rest)
    return None


def cancels(expr: Expr) -> bool:
    """Whether a polynomial, or a quotient of such, cancels."""
    return bool(expr == 0 or (not expr.atoms(st.STEP) and expand(fraction(together(expr))[0]) == 0))


def is_possible(known: Sequence[Expr]) -> bool:
    """Whether polynomials without steps can all be 0 or more, products of symbols taken for numbers by themselves."""
    from sympy.solvers.simplex import InfeasibleLPError, lpmin

    facts = [st.from_least(y) for y in (*known, *remainders(known))]
    products = sorted({Mul(*x.as_coeff_Mul()[1:]) for y in facts for x in Add.make_args(y)} - {Integer(1)}, key=str)
    names = {x: Dummy(nonnegative=True) for x in products}
    signed = {x: names[x] if _is_known_sign(x) else names[x] - Dummy(nonnegative=True) for x in products}
    lines = [Add(*(_linear(x, signed) for x in Add.make_args(y))) for y in facts]
    if any(y.is_number and y < 0 for y in lines):
        return False
    lines = [y for y in lines if not y.is_number]
    bounds = {x for y in lines for x in y.free_symbols}
    try:
        lpmin(Integer(0), [*(y >= 0 for y in lines), *(x >= 0 for x in bounds)])
    except InfeasibleLPError:
        return False
    return True


def _is_known_sign(product: Expr) -> bool:
    return all(st.is_nonnegative_factor(x) for x in Mul.make_args(product))


def _linear(term: Expr, names: Mapping[Expr, Expr]) -> Expr:
    number, rest = term.as_coeff_Mul()
    return number * names[rest] if rest != 1 else number


def remainders(known: Sequence[Expr]) -> Iterator[Expr]:
    """What is 0 or more of the floors in some polynomials: the rest, and the divisor less the rest, and less 1."""
    for x in set().union(*(y.atoms(st.QUOTIENT) for y in known)):
        above, below = x.args
        rest = expand(above - below * x)
        whole = st.is_whole_valued(above) and st.is_whole_valued(below)
        yield from (rest, expand(below - rest - int(whole)))
