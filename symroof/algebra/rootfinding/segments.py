"""A bound formula in one whole number as segments, each a polynomial on an arithmetic progression.

`read` turns a formula into terms, and refuses what is none; `solved` finds the segments: each operation makes those of
its terms into its own, a floor splitting the range before, and breakpoints are solved for, never scanned.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from operator import index
from typing import Any

from sympy import Add, Expr, Float, Max, Min, Mul, Pow, Symbol, floor, sympify

from symroof.algebra.arithmetic import EXACT_POWER
from symroof.algebra.binding import exact_number
from symroof.algebra.rootfinding import quadratics as q
from symroof.algebra.rootfinding.quadratics import Polynomial, Segment
from symroof.errors import SymroofError, shorten

MOST = 2**16  # parts that floors may split a range into


@dataclass(frozen=True, eq=False)
class Term:
    """A node of a formula: a `polynomial`, or what `kind` makes of `args`."""

    expr: Expr
    kind: str
    args: tuple["Term", ...] = ()
    polynomial: Polynomial | None = None

    @cached_property
    def floors(self) -> tuple["Term", ...]:
        """The floors in it, inner ones first."""
        own = [self] if self.kind == "floor" else []
        return tuple(dict.fromkeys([*(inner for arg in self.args for inner in arg.floors), *own]))


KINDS = {Add: "add", Mul: "mul", Min: "min", Max: "max", floor: "floor"}


def read(expr: Expr, x: Symbol) -> Term:
    """A formula as terms, equal ones being the same object; raises SymroofError at what has no closed form."""
    expr = sympify(expr, strict=True)
    if left := expr.free_symbols - {x}:
        raise SymroofError(f"a formula solved for {x} leaves open {', '.join(sorted(map(str, left)))}: bind them")
    return term_of(expr, x, {})


def term_of(expr: Expr, x: Symbol, known: dict[Expr, Term]) -> Term:
    """The term of a part of a formula; `known` has those made so far."""
    if expr not in known:
        known[expr] = new_term(expr, x, known)
    return known[expr]


def new_term(expr: Expr, x: Symbol, known: dict[Expr, Term]) -> Term:
    """The term of a part of a formula that is met for the first time."""
    if expr == x:
        return Term(expr, "line", polynomial=q.X)
    if expr.is_Rational or expr.is_Float:
        return Term(expr, "number", polynomial=q.constant(exact_number(expr)))
    if isinstance(expr, Pow) and expr.exp.is_Integer and 0 < expr.exp <= EXACT_POWER:
        return Term(expr, "mul", (term_of(expr.base, x, known),) * int(expr.exp))
    if expr.func not in KINDS:
        raise SymroofError(
            f"{expr.func.__name__} has no closed form here, in {shorten(expr)}: "
            f"only +, *, whole powers, Min, Max and floor of {x} do"
        )
    if expr.func is floor and expr.has(Float):
        raise SymroofError(f"a floor of floats, in {shorten(expr)}: give its numbers as fractions")
    return Term(expr, KINDS[expr.func], grouped(expr, tuple(term_of(arg, x, known) for arg in expr.args)))


def grouped(expr: Expr, args: tuple[Term, ...]) -> tuple[Term, ...]:
    """The arguments of a term; of a sum, those without floors are one of their own, to be added up only once."""
    plain = tuple(arg for arg in args if not arg.floors)
    if expr.func is not Add or not 1 < len(plain) < len(args):
        return args
    return (Term(expr, "add", plain), *(arg for arg in args if arg.floors))


def summands(term: Term) -> Iterator[Term]:
    """The terms that a sum is made of."""
    if term.kind != "add":
        yield term
    for arg in term.args if term.kind == "add" else ():
        yield from summands(arg)


@dataclass(frozen=True)
class Stretch:
    """A progression of numbers, and the segments of the terms that are `known` on it: its floors before any other.

    What has no floor in it is found once on the `full` range and cut to size.
    """

    first: int
    last: int
    step: int = 1
    full: "Stretch | None" = None
    known: dict[Term, list[Segment]] = field(default_factory=dict)

    def segments(self, term: Term) -> list[Segment]:
        """The pieces of a term, all of whose floors are known."""
        if term not in self.known:
            self.known[term] = self._found(term)
        return self.known[term]

    def _found(self, term: Term) -> list[Segment]:
        if term.polynomial is not None:
            return [(self.first, self.last, term.polynomial)]
        if self.full is not None and not term.floors:
            return q.restricted(self.full.segments(term), self.first, self.last, self.step)
        return MADE[term.kind](term, [self.segments(arg) for arg in term.args], self.step)

    def lines(self, term: Term) -> list[Segment]:
        """The segments of what the floor `term` is of, whose own floors are known."""
        return [(a, b, line(term, p, a, b, self.step)) for a, b, p in self.segments(term.args[0])]

    def parts(self, term: Term) -> int:
        """In how many parts `split` splits the stretch."""
        counts = [q.in_how_many(p, a, b, self.step) for a, b, p in self.lines(term)]
        return 1 if max(counts) == 1 else sum(counts)

    def split(self, term: Term) -> Iterator["Stretch"]:
        """The stretch in parts, as few as will do, on each of which the floor `term` is a line and known."""
        if self.parts(term) == 1:
            lines = ((a, b, q.floor_line(p, a, self.step)) for a, b, p in self.lines(term))
            self.known[term] = q.joined(lines, self.step)
            yield self
            return
        floors = {x: found for x, found in self.known.items() if x.kind == "floor"}
        for a, b, p in self.lines(term):
            for first, last, step in q.in_lines(p, a, b, self.step):
                known = {x: q.restricted(found, first, last, step) for x, found in floors.items()}
                known[term] = [(first, last, q.floor_line(p, first, step))]
                yield Stretch(first, last, step, self.full or self, known)


def line(term: Term, p: Polynomial, first: int, last: int, step: int) -> Polynomial:
    """`p` as a line, whose floor has closed forms; raises SymroofError where it is none."""
    a, b, c, d = p
    if c:
        a, b, c = (*q.lowered([a, b, c], first, last, step), 0, 0)[:3]
    if c:
        raise SymroofError(f"a floor of a square has no closed form, in {shorten(term.expr)}")
    return q.reduced(a, b, 0, d)


def added(_: Term, args: list[list[Segment]], step: int) -> list[Segment]:
    """The segments of a sum."""
    return folded(lambda f, g: [(a, b, q.plus(p, r)) for a, b, p, r in q.overlaid(f, g)], args, step)


def extreme(sign: int) -> Callable[[Term, list[list[Segment]], int], list[Segment]]:
    """A function that makes the segments of a maximum, or of a minimum where `sign` is -1."""

    def chosen(_: Term, args: list[list[Segment]], step: int) -> list[Segment]:
        return folded(lambda f, g: list(larger(f, g, step)), args, step)

    def larger(f: list[Segment], g: list[Segment], step: int) -> Iterator[Segment]:
        for first, last, p, r in q.overlaid(f, g):
            excess = q.minus(p, r)
            for start, end in q.runs(excess, first, last, step):
                yield start, end, p if sign * q.above(excess, start) > 0 else r

    return chosen


def folded(
    operation: Callable[[list[Segment], list[Segment]], list[Segment]], args: list[list[Segment]], step: int
) -> list[Segment]:
    """What an operation of two makes of all arguments: of pairs, of pairs of pairs, ... since segments add up."""
    while len(args) > 1:
        pairs = [q.joined(operation(*args[i : i + 2]), step) for i in range(0, len(args) - 1, 2)]
        args = pairs + args[len(args) // 2 * 2 :]
    return args[0]


def multiplied(term: Term, args: list[list[Segment]], step: int) -> list[Segment]:
    """The segments of a product; raises SymroofError where its degree is above 2."""
    factors: list[tuple[int, int, Any]] = [(first, last, (p,)) for first, last, p in args[0]]
    for arg in args[1:]:
        factors = [(first, last, (*p, r)) for first, last, p, r in q.overlaid(factors, arg)]
    found = []
    for first, last, polynomials in factors:
        product = q.times(polynomials, first, last, step)
        if product is None:
            raise SymroofError(f"{shorten(term.expr)} is of a degree above 2, which has no closed form here")
        found.append((first, last, product))
    return q.joined(found, step)


MADE = {"add": added, "mul": multiplied, "max": extreme(1), "min": extreme(-1)}


def solved(term: Term, first: int, last: int, step: int = 1) -> list[tuple[int, int, int, Polynomial]]:
    """(first, last, step, polynomial) of the pieces of a term, by their first numbers; none where first > last."""
    first, last = index(first), index(last)
    stretches = [Stretch(first, last - (last - first) % step, step)] if first <= last else []
    for inner in term.floors:
        if sum(stretch.parts(inner) for stretch in stretches) > MOST:
            raise SymroofError(f"{shorten(inner.expr)} would split the range into more than {MOST} parts")
        stretches = [part for stretch in stretches for part in stretch.split(inner)]
    found = [(s.step, s.first % s.step, segment) for s in stretches for segment in s.segments(term)]
    found.sort(key=lambda x: (x[0], x[1], x[2][0]))
    return sorted(
        (*segment[:2], step, segment[2])
        for (step, _), same in groupby(found, key=lambda x: x[:2])
        for segment in q.joined((segment for *_, segment in same), step)
    )
