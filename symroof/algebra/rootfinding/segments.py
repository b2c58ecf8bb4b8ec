"""A bound formula in one whole number as segments, each a polynomial on an arithmetic progression.

`read_terms` turns a formula into terms, or raises; `solve_segments` finds the segments: each operation combines
those of its terms, a floor splitting the range before, and breakpoints are solved for, never scanned.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from operator import index
from typing import Any

from sympy import Add, Basic, Expr, Float, Max, Min, Mul, Pow, Rational, Symbol, floor, sympify

from symroof.algebra.arithmetic import EXACT_POWER
from symroof.algebra.binding import exact_number
from symroof.algebra.fold import Rule, Table, fold
from symroof.algebra.rootfinding import quadratics as q
from symroof.algebra.rootfinding.quadratics import Polynomial, Segment
from symroof.errors import SymroofError, shorten

MOST = 2**16  # parts that floors may split a range into


@dataclass(frozen=True, eq=False)
class SegmentTerm:
    """A node of a formula: a `polynomial`, or what `kind` makes of `args`."""

    expr: Expr
    kind: str
    args: tuple["SegmentTerm", ...] = ()
    polynomial: Polynomial | None = None

    @cached_property
    def floors(self) -> tuple["SegmentTerm", ...]:
        """The floors in it, inner ones first."""
        itself = [self] if self.kind == "floor" else []
        return tuple(dict.fromkeys([*(inner for arg in self.args for inner in arg.floors), *itself]))


def read_terms(expr: Expr, x: Symbol) -> SegmentTerm:
    """A formula as terms, equal ones being the same object; raises SymroofError at what has no closed form."""
    expr = sympify(expr, strict=True)
    if left := expr.free_symbols - {x}:
        raise SymroofError(f"a formula solved for {x} leaves open {', '.join(sorted(map(str, left)))}: bind them")
    return fold(expr, TERMS)  # type: ignore[no-any-return]


def number_term(expr: Expr, _: Sequence[SegmentTerm]) -> SegmentTerm:
    """A number as a term."""
    return SegmentTerm(expr, "number", polynomial=q.constant_polynomial(exact_number(expr)))


def power_term(expr: Pow, args: Sequence[SegmentTerm]) -> SegmentTerm:
    """A whole power as a product."""
    if not expr.exp.is_Integer or not 0 < expr.exp <= EXACT_POWER:
        return no_term(expr, args)
    return SegmentTerm(expr, "mul", (args[0],) * int(expr.exp))


def floor_term(expr: floor, args: Sequence[SegmentTerm]) -> SegmentTerm:
    """A floor of exact numbers."""
    if expr.has(Float):
        raise SymroofError(f"a floor of floats, in {shorten(expr)}: give its numbers as fractions")
    return SegmentTerm(expr, "floor", tuple(args))


def no_term(expr: Expr, _: Sequence[SegmentTerm]) -> SegmentTerm:
    """Raises SymroofError."""
    raise SymroofError(
        f"{expr.func.__name__} has no closed form here, in {shorten(expr)}: "
        "only +, *, whole powers, Min, Max and floor do"
    )


def term_of_kind(kind: str) -> Rule:
    """A rule for what has a term of a kind."""
    return lambda expr, args: SegmentTerm(expr, kind, tuple(args))


def sum_term(expr: Add, args: Sequence[SegmentTerm]) -> SegmentTerm:
    """A sum; the arguments without floors are one term, to be added up only once."""
    plain = tuple(arg for arg in args if not arg.floors)
    if not 1 < len(plain) < len(args):
        return SegmentTerm(expr, "add", tuple(args))
    return SegmentTerm(expr, "add", (SegmentTerm(expr, "add", plain), *(arg for arg in args if arg.floors)))


TERMS = Table(
    {
        Symbol: lambda x, _: SegmentTerm(x, "line", polynomial=q.X),
        Rational: number_term,
        Float: number_term,
        Add: sum_term,
        Mul: term_of_kind("mul"),
        Pow: power_term,
        Min: term_of_kind("min"),
        Max: term_of_kind("max"),
        floor: floor_term,
        Basic: no_term,
    }
)


def flat_summands(term: SegmentTerm) -> Iterator[SegmentTerm]:
    """The terms that a sum is made of."""
    if term.kind != "add":
        yield term
    for arg in term.args if term.kind == "add" else ():
        yield from flat_summands(arg)


@dataclass(frozen=True)
class Stretch:
    """A progression of numbers, and the segments of the terms that are `known` on it: its floors before any other.

    What has no floor in it is computed once on the `full` range and cut to size.
    """

    first: int
    last: int
    step: int = 1
    full: "Stretch | None" = None
    known: dict[SegmentTerm, list[Segment]] = field(default_factory=dict)

    def segments(self, term: SegmentTerm) -> list[Segment]:
        """The pieces of a term, all of whose floors are known."""
        if term not in self.known:
            self.known[term] = self._new_segments(term)
        return self.known[term]

    def _new_segments(self, term: SegmentTerm) -> list[Segment]:
        if term.polynomial is not None:
            return [(self.first, self.last, term.polynomial)]
        if self.full is not None and not term.floors:
            return q.restrict(self.full.segments(term), self.first, self.last, self.step)
        return MADE[term.kind](term, [self.segments(arg) for arg in term.args], self.step)

    def lines(self, term: SegmentTerm) -> list[Segment]:
        """The segments of what the floor `term` is of, whose inner floors are known."""
        return [(a, b, linear_argument(term, p, a, b, self.step)) for a, b, p in self.segments(term.args[0])]

    def parts(self, term: SegmentTerm) -> int:
        """In how many parts `split` splits the stretch."""
        counts = [q.count_floor_lines(p, a, b, self.step) for a, b, p in self.lines(term)]
        return 1 if max(counts) == 1 else sum(counts)

    def split(self, term: SegmentTerm) -> Iterator["Stretch"]:
        """The stretch in parts, as few as will do, on each of which the floor `term` is a line and known."""
        if self.parts(term) == 1:
            lines = ((a, b, q.floor_line(p, a, self.step)) for a, b, p in self.lines(term))
            self.known[term] = q.join_segments(lines, self.step)
            yield self
            return
        floors = {x: segments for x, segments in self.known.items() if x.kind == "floor"}
        for a, b, p in self.lines(term):
            for first, last, step in q.floor_lines(p, a, b, self.step):
                known = {x: q.restrict(segments, first, last, step) for x, segments in floors.items()}
                known[term] = [(first, last, q.floor_line(p, first, step))]
                yield Stretch(first, last, step, self.full or self, known)


def linear_argument(term: SegmentTerm, p: Polynomial, first: int, last: int, step: int) -> Polynomial:
    """`p` as a linear function, whose floor has closed forms. Raises SymroofError for any other."""
    a, b, c, d = p
    if c:
        a, b, c = (*q.lowest_degree([a, b, c], first, last, step), 0, 0)[:3]
    if c:
        raise SymroofError(f"a floor of a square has no closed form, in {shorten(term.expr)}")
    return q.in_lowest_terms(a, b, 0, d)


def sum_segments(_: SegmentTerm, args: list[list[Segment]], step: int) -> list[Segment]:
    """The segments of a sum."""
    return reduce_pairwise(lambda f, g: [(a, b, q.add_polynomials(p, r)) for a, b, p, r in q.overlay(f, g)], args, step)


def extreme_segments(sign: int) -> Callable[[SegmentTerm, list[list[Segment]], int], list[Segment]]:
    """A function that makes the segments of a maximum, or of a minimum where `sign` is -1."""

    def chosen(_: SegmentTerm, args: list[list[Segment]], step: int) -> list[Segment]:
        return reduce_pairwise(lambda f, g: list(larger(f, g, step)), args, step)

    def larger(f: list[Segment], g: list[Segment], step: int) -> Iterator[Segment]:
        for first, last, p, r in q.overlay(f, g):
            excess = q.subtract_polynomials(p, r)
            for start, end in q.sign_stretches(excess, first, last, step):
                yield start, end, p if sign * q.numerator_at(excess, start) > 0 else r

    return chosen


def reduce_pairwise(
    operation: Callable[[list[Segment], list[Segment]], list[Segment]], args: list[list[Segment]], step: int
) -> list[Segment]:
    """What an operation of two makes of all arguments: of pairs, of pairs of pairs, ... since segments add up."""
    while len(args) > 1:
        pairs = [q.join_segments(operation(*args[i : i + 2]), step) for i in range(0, len(args) - 1, 2)]
        args = pairs + args[len(args) // 2 * 2 :]
    return args[0]


def product_segments(term: SegmentTerm, args: list[list[Segment]], step: int) -> list[Segment]:
    """The segments of a product; raises SymroofError where its degree is above 2."""
    factors: list[tuple[int, int, Any]] = [(first, last, (p,)) for first, last, p in args[0]]
    for arg in args[1:]:
        factors = [(first, last, (*p, r)) for first, last, p, r in q.overlay(factors, arg)]
    products = []
    for first, last, polynomials in factors:
        product = q.multiply_polynomials(polynomials, first, last, step)
        if product is None:
            raise SymroofError(f"{shorten(term.expr)} is of a degree above 2, which has no closed form here")
        products.append((first, last, product))
    return q.join_segments(products, step)


MADE = {"add": sum_segments, "mul": product_segments, "max": extreme_segments(1), "min": extreme_segments(-1)}


def solve_segments(term: SegmentTerm, first: int, last: int, step: int = 1) -> list[tuple[int, int, int, Polynomial]]:
    """(first, last, step, polynomial) of the pieces of a term, by their first numbers; none where first > last."""
    first, last = index(first), index(last)
    stretches = [Stretch(first, last - (last - first) % step, step)] if first <= last else []
    for inner in term.floors:
        if sum(stretch.parts(inner) for stretch in stretches) > MOST:
            raise SymroofError(f"{shorten(inner.expr)} would split the range into more than {MOST} parts")
        stretches = [part for stretch in stretches for part in stretch.split(inner)]
    classes = [(s.step, s.first % s.step, segment) for s in stretches for segment in s.segments(term)]
    classes.sort(key=lambda x: (x[0], x[1], x[2][0]))
    return sorted(
        (*segment[:2], step, segment[2])
        for (step, _), same in groupby(classes, key=lambda x: x[:2])
        for segment in q.join_segments((segment for *_, segment in same), step)
    )
