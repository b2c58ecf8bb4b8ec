"""Sums as people write them, what terms share ahead of them: `2 L B n (d f + h (H_q + H_kv))`.

A formula becomes a polynomial in its symbols and in its powers, Min, Max and floors, which is factored greedily: first
what all terms share, then the symbol that most terms share, and so on within. The result is made of sums and products
that sympy does not evaluate, as it would multiply a number into a sum; `doit` or `expand` evaluate it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache, reduce
from math import gcd, lcm
from typing import Any, NamedTuple

from sympy import Add, Basic, Expr, Float, Mul, Number, Pow, Rational, Symbol

from symroof.algebra.fold import Table, fold

Powers = frozenset[tuple[Expr, int]]  # of a monomial: its factors and their exponents
Polynomial = Mapping[Powers, Any]  # monomial -> its coefficient: a Fraction, or a float
NO_POWERS: Powers = frozenset()
LARGEST_POWER = 4  # exponent of a sum that is multiplied out
FEW = 4  # terms that are brought to a common denominator


class Product(NamedTuple):
    """A number times powers times sums of products."""

    number: Any
    powers: Powers
    sums: "tuple[frozenset[Product], ...]" = ()


class Factoring(NamedTuple):
    """How formulas are factored.

    `rank`: of factors that as many terms share, the one of the lowest rank goes first. `outermost`: kinds of factors
    that terms are grouped by before all others, such as the rates of machines.
    """

    rank: Callable[[Expr], Any] = str
    outermost: tuple[Callable[[Expr], bool], ...] = ()

    def __call__(self, expr: Expr) -> Expr:
        """A formula factored, also within Min, Max, floor and exponents."""
        return self.expr(self.product(self.polynomial(expr)))

    def shared(self, above: Expr, below: Expr) -> Expr:
        """The number and powers that a numerator and a denominator share, what is left of their numbers being whole."""
        one, other = (self.product(self.polynomial(x)) for x in (above, below))
        ours, theirs = dict(one.powers), dict(other.powers)
        powers = frozenset((x, min(n, theirs[x])) for x, n in ours.items() if x in theirs)
        number = one.number / (one.number / other.number).numerator if one.number else other.number
        return self.expr(Product(number, powers))

    def polynomial(self, expr: Expr) -> Polynomial:
        """A formula as a polynomial in its symbols and in what is neither a sum nor a product."""
        table = Table(
            {
                Number: lambda x, _: {NO_POWERS: Fraction(x.p, x.q) if x.is_Rational else float(x)} if x else {},
                Add: lambda _, args: _sum(args),
                Mul: lambda _, args: reduce(_product, args),
                Pow: self._power,
                Basic: self._function,
            }
        )
        return fold(expr, table)  # type: ignore[no-any-return]

    def _function(self, x: Expr, args: Sequence[Polynomial]) -> Polynomial:
        """Min, Max, floor or a power as a factor, what it is of factored; a symbol as it is."""
        inner = [self.expr(self.product(y)) for y in args]
        return _monomial(x.func(*inner, evaluate=False) if inner else x)

    def _power(self, x: Pow, args: Sequence[Polynomial]) -> Polynomial:
        if not x.exp.is_Integer:
            return self._function(x, args)
        base, exponent = args[0], int(x.exp)
        if 0 < exponent <= LARGEST_POWER:
            return reduce(_product, [base] * exponent)
        number, powers, sums = self.product(base)
        inside = [(self.expr(Product(Fraction(1), NO_POWERS, (y,))), 1) for y in sums]
        return {frozenset((y, n * exponent) for y, n in (*powers, *inside)): number**exponent}

    def product(self, terms: Polynomial) -> Product:
        """A polynomial as a product: what its terms share, and the sum that is left."""
        if not terms:
            return Product(Fraction(0), NO_POWERS)
        number, powers = _common_number(list(terms.values())), self._common_powers(terms)
        rest = {_times(x, powers, -1): y / number for x, y in terms.items()}
        inner = self._summands(rest)
        if len(inner) > 1:
            return Product(number, powers, (frozenset(inner),))
        return Product(number * inner[0].number, _times(powers, inner[0].powers), inner[0].sums)

    def _common_powers(self, terms: Polynomial) -> Powers:
        """The powers that all terms share."""
        first, *others = map(dict, terms)
        shared = (x for x in first if all(x in powers for powers in others))
        return frozenset((x, min(powers[x] for powers in (first, *others))) for x in shared)

    def _summands(self, terms: Polynomial) -> list[Product]:
        """The products that a polynomial is the sum of, its terms sharing nothing."""
        x = self._most_shared(terms)
        if x is None:
            return [Product(number, powers) for powers, number in terms.items()]
        inside = {powers: number for powers, number in terms.items() if _has(x, powers)}
        outside = self.product({powers: number for powers, number in terms.items() if powers not in inside})
        return self._merged([self.product(inside), *_multiplied_in(outside)])

    def _most_shared(self, terms: Polynomial) -> Expr | None:
        """The factor that most terms have, an outermost one if there is any; None where no two terms share one."""
        counts = Counter(x for powers in terms for x, _ in powers)
        shared = [x for x, count in counts.items() if count > 1]
        outermost = next((some for chosen in self.outermost if (some := [x for x in shared if chosen(x)])), shared)
        return min(outermost, key=lambda x: (-counts[x], self._order_of_factor(x)), default=None)

    def _merged(self, products: Iterable[Product]) -> list[Product]:
        """Products of the same sum as one product of two sums: a (c + d) + b (c + d) is (a + b) (c + d)."""
        by_sums: dict[tuple[frozenset[Product], ...], dict[Powers, Any]] = {}
        for x in products:
            by_sums.setdefault(x.sums, {})[x.powers] = x.number
        plain = [Product(number, powers) for powers, number in by_sums.pop((), {}).items()]
        outer = ((sums, self.product(terms)) for sums, terms in by_sums.items())
        return [*plain, *(x._replace(sums=x.sums + sums) for sums, x in outer)]

    def expr(self, x: Product) -> Expr:
        """A product as an expression, nothing in it evaluated."""
        sums = [_unevaluated(Add, [*map(self.expr, sorted(y, key=self._order))]) for y in sorted(x.sums, key=len)]
        powers = [y**n for y, n in sorted(x.powers, key=lambda power: self._order_of_factor(power[0]))]
        number = [] if x.number == 1 and (powers or sums) else [_sympy_number(x.number)]
        return _unevaluated(Mul, [*number, *powers, *sums])

    def _order(self, x: Product) -> tuple[Any, ...]:
        """The place of a product in a sum: by its factors, then by those of its sums."""
        inner = sorted(self._order(z) for y in x.sums for z in y)
        return sorted(self._order_of_factor(y) for y, _ in x.powers), inner, x.number

    def _order_of_factor(self, x: Expr) -> tuple[Any, str]:
        return self.rank(x), _text(x)


def coefficients(expr: Expr, x: Symbol) -> dict[int, Expr] | None:
    """The coefficient of each power of x in a formula, multiplied out; None where it is no polynomial in x."""
    terms: dict[int, list[Expr]] = {}
    for powers, number in Factoring().polynomial(expr).items():
        factors = dict(powers)
        degree = factors.pop(x, 0)
        if degree < 0 or any(y.has(x) for y in factors):
            return None
        terms.setdefault(degree, []).append(_sympy_number(number) * Mul(*(y**n for y, n in factors.items())))
    return {degree: Add(*some) for degree, some in terms.items()}


def difference_quotient(expr: Expr, x: Symbol, after: Symbol) -> Expr | None:
    """What a formula gains as x becomes `after`, over after - x; None where it is no polynomial in x."""
    terms = coefficients(expr, x)
    if terms is None:
        return None
    return Add(*(y * Add(*(x**i * after ** (n - 1 - i) for i in range(n))) for n, y in terms.items()))


@lru_cache(4096)
def _text(x: Expr) -> str:
    return str(x)


def _unevaluated(kind: type[Expr], args: Sequence[Expr]) -> Expr:
    return args[0] if len(args) == 1 else kind(*args, evaluate=False)


def _sympy_number(x: Any) -> Expr:
    return Float(x) if isinstance(x, float) else Rational(x.numerator, x.denominator)


def _monomial(x: Expr) -> Polynomial:
    return {frozenset([(x, 1)]): Fraction(1)}


def _has(x: Expr, powers: Powers) -> bool:
    return any(x == y for y, _ in powers)


def _multiplied_in(x: Product) -> Sequence[Product]:
    """A number times a sum as the terms of that sum; any other product as it is, and nothing for 0."""
    if x.powers or len(x.sums) != 1:
        return [x] if x.number else []
    return [y._replace(number=x.number * y.number) for y in x.sums[0]]


def _times(a: Powers, b: Powers, exponent: int = 1) -> Powers:
    """The product of a monomial and a power of another."""
    powers = dict(a)
    for x, n in b:
        powers[x] = powers.get(x, 0) + exponent * n
    return frozenset((x, n) for x, n in powers.items() if n)


def _sum(polynomials: Iterable[Polynomial]) -> Polynomial:
    terms: dict[Powers, Any] = {}
    for powers, number in (term for x in polynomials for term in x.items()):
        terms[powers] = terms.get(powers, 0) + number
    return {powers: number for powers, number in terms.items() if number}


def _product(a: Polynomial, b: Polynomial) -> Polynomial:
    return _sum({_times(x, y): i * j} for x, i in a.items() for y, j in b.items())


def _common_number(numbers: Sequence[Any]) -> Any:
    """The number that terms share; with a minus where all have one."""
    sign = 1 if max(numbers) > 0 else -1
    if len(numbers) == 1 or any(isinstance(x, float) for x in numbers):
        return numbers[0] if len(numbers) == 1 else Fraction(sign)
    denominators = lcm if len(numbers) <= FEW else gcd
    return sign * Fraction(gcd(*(x.numerator for x in numbers)), denominators(*(x.denominator for x in numbers)))
