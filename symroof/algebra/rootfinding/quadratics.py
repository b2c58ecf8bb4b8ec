"""Polynomials of degree 2 at most on arithmetic progressions of whole numbers, in whole-number arithmetic.

A polynomial is (a, b, c, d) for (a + b x + c x^2) / d, with d > 0 and in lowest terms. A segment is (first, last,
polynomial); where segments form a list, they cover one progression from its first number to its last, in order.
"""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from math import gcd, isqrt, lcm
from typing import Any

Polynomial = tuple[int, int, int, int]
Segment = tuple[int, int, Polynomial]
X: Polynomial = (0, 1, 0, 1)


def constant_polynomial(value: int | Fraction | float) -> Polynomial:
    """A number as a polynomial; a float is taken as the binary fraction that it is."""
    above, below = value.as_integer_ratio()
    return above, 0, 0, below


def in_lowest_terms(a: int, b: int, c: int, d: int) -> Polynomial:
    """The polynomial in lowest terms."""
    common = gcd(a, b, c, d)
    return (a, b, c, d) if common == 1 else (a // common, b // common, c // common, d // common)


def numerator_at(p: Polynomial, x: int) -> int:
    """The numerator of p(x), which has its sign."""
    return p[0] + x * (p[1] + x * p[2])


def add_polynomials(p: Polynomial, q: Polynomial) -> Polynomial:
    """p + q."""
    d = lcm(p[3], q[3])
    m, n = d // p[3], d // q[3]
    return in_lowest_terms(m * p[0] + n * q[0], m * p[1] + n * q[1], m * p[2] + n * q[2], d)


def subtract_polynomials(p: Polynomial, q: Polynomial) -> Polynomial:
    """p - q."""
    return add_polynomials(p, (-q[0], -q[1], -q[2], q[3]))


def multiply_polynomials(factors: Iterable[Polynomial], first: int, last: int, step: int) -> Polynomial | None:
    """The product of `factors` on a progression, or None where it takes a degree above 2."""
    numerators, d = [1], 1
    for a, b, c, e in factors:
        numerators, d = product_coefficients(numerators, [a, b, c] if c else [a, b] if b else [a]), d * e
    a, b, c, *more = [*lowest_degree(numerators, first, last, step), 0, 0]
    return None if any(more) else in_lowest_terms(a, b, c, d)


def product_coefficients(p: Sequence[int], q: Sequence[int]) -> list[int]:
    """The coefficients of the product of two polynomials, given by theirs."""
    result = [0] * (len(p) + len(q) - 1)
    for i, m in enumerate(p):
        for j, n in enumerate(q):
            result[i + j] += m * n
    return result


def lowest_degree(numerators: list[int], first: int, last: int, step: int) -> list[int]:
    """Coefficients of the polynomial of least degree with the same values, where a progression has 1 to 3 points.

    It is the remainder after division by the product of (x - point).
    """
    points = (last - first) // step + 1
    if points > 3 or len(numerators) <= points:
        return numerators
    divisor = [1]
    for i in range(points):
        divisor = product_coefficients(divisor, [-first - i * step, 1])
    rest = list(numerators)
    while len(rest) > points:
        lead = rest.pop()
        for i in range(points):
            rest[i - points] -= lead * divisor[i]
    return rest


def floors_of_roots(a: int, b: int, c: int) -> list[int]:
    """The real roots of a t^2 + b t + c, each rounded down, in order; none where it is a constant."""
    if a == 0:
        return [-c // b] if b else []
    if a < 0:
        a, b, c = -a, -b, -c
    square = b * b - 4 * a * c
    if square < 0:
        return []
    root = isqrt(square)
    return [(-b - root - (root * root < square)) // (2 * a), (-b + root) // (2 * a)]


def sign_stretches(p: Polynomial, first: int, last: int, step: int) -> Iterator[tuple[int, int]]:
    """The progression in stretches on each of which p keeps its sign; it is 0 at most at the last number of one."""
    _, b, c, _ = p
    start, end = 0, (last - first) // step
    for root in floors_of_roots(c * step * step, (b + 2 * c * first) * step, numerator_at(p, first)):
        if start <= root < end:
            yield first + start * step, first + root * step
            start = root + 1
    yield first + start * step, last


def overlay(f: Sequence[tuple[int, int, Any]], g: Sequence[Segment]) -> Iterator[tuple[int, int, Any, Polynomial]]:
    """(first, last, polynomial of f, polynomial of g) for each stretch on which neither changes."""
    i = j = 0
    while i < len(f):
        (f_first, f_last, p), (g_first, g_last, q) = f[i], g[j]
        last = min(f_last, g_last)
        yield max(f_first, g_first), last, p, q
        i, j = i + (f_last == last), j + (g_last == last)


def join_segments(segments: Iterable[Segment], step: int) -> list[Segment]:
    """The segments with neighbours made one where one polynomial serves both."""
    result: list[Segment] = []
    for first, last, p in segments:
        if result and result[-1][1] + step == first:
            start, end, q = result[-1]
            if same_values(p, q, first, last, step):
                result[-1] = (start, last, q)
                continue
            if same_values(p, q, start, end, step):
                result[-1] = (start, last, p)
                continue
        result.append((first, last, p))
    return result


def same_values(p: Polynomial, q: Polynomial, first: int, last: int, step: int) -> bool:
    """Whether two polynomials are the same, or have the same values at the one or two numbers of a progression."""
    if p == q or last - first > step:
        return p == q
    return all(numerator_at(p, x) * q[3] == numerator_at(q, x) * p[3] for x in (first, last))


def restrict(segments: Iterable[Segment], first: int, last: int, step: int) -> list[Segment]:
    """What segments are on a progression that is part of theirs."""
    parts = []
    for start, end, p in segments:
        if start <= last and end >= first:
            begin = max(first, start + (first - start) % step)
            stop = min(last, end - (end - first) % step)
            if begin <= stop:
                parts.append((begin, stop, p))
    return parts


def floor_line(p: Polynomial, first: int, step: int) -> Polynomial:
    """The line from floor(p) at `first` on that rises in a step by the whole number nearest to what the line p does."""
    rise, start = rise_of(p, step), numerator_at(p, first) // p[3]
    return in_lowest_terms(start * step - rise * first, rise, 0, step)


def floor_excess(p: Polynomial, first: int, last: int, step: int) -> int:
    """By how much floor(p) ends above that line; where it is 0 they are the same on the whole progression."""
    rises = rise_of(p, step) * ((last - first) // step)
    return numerator_at(p, last) // p[3] - numerator_at(p, first) // p[3] - rises


def rise_of(p: Polynomial, step: int) -> int:
    """The whole number nearest to what the line p rises by in a step."""
    _, b, _, d = p
    return (2 * b * step + d) // (2 * d)


def floor_lines(p: Polynomial, first: int, last: int, step: int) -> Iterator[tuple[int, int, int]]:
    """A progression in parts (first, last, step) on each of which floor(p) is a line, for a line p: as few as will do.

    They are the residue classes modulo the denominator of what p rises by in a step, or the stretches between jumps.
    """
    classes = classes_of(p, step)
    fewer = classes <= abs(floor_excess(p, first, last, step))
    return residues(first, last, step, classes) if fewer else between_jumps(p, first, last, step)


def count_floor_lines(p: Polynomial, first: int, last: int, step: int) -> int:
    """The number of parts that `floor_lines` splits a progression into."""
    return min(classes_of(p, step), abs(floor_excess(p, first, last, step)) + 1)


def classes_of(p: Polynomial, step: int) -> int:
    """The denominator of what the line p rises by in a step."""
    return p[3] // gcd(p[1] * step, p[3])


def residues(first: int, last: int, step: int, classes: int) -> Iterator[tuple[int, int, int]]:
    """Every `classes`-th number of a progression that has at least so many, from each of its first ones on."""
    size = classes * step
    return ((x, last - (last - x) % size, size) for x in range(first, first + size, step))


def between_jumps(p: Polynomial, first: int, last: int, step: int) -> Iterator[tuple[int, int, int]]:
    """The stretches of a progression on each of which the floor of the line p, less its usual rise, is the same."""
    _, b, _, d = p
    now, more = numerator_at(p, first), b * step - rise_of(p, step) * d
    level, jumped, x = now // d, floor_excess(p, first, last, step), first
    for bound in range(level, level + jumped, 1 if jumped > 0 else -1):
        index = ((bound + 1) * d - 1 - now) // more if more > 0 else (now - bound * d) // -more
        yield x, first + index * step, step
        x = first + (index + 1) * step
    yield x, last, step


def power_sums(first: int, last: int, step: int) -> tuple[int, int, int]:
    """The sums of 1, x and x^2 over a progression, by Faulhaber's formulas."""
    n = (last - first) // step + 1
    squares = n * first**2 + first * step * n * (n - 1) + step**2 * ((n - 1) * n * (2 * n - 1) // 6)
    return n, n * (first + last) // 2, squares


def sum_over_progression(first: int, last: int, step: int, p: Polynomial) -> Fraction:
    """The sum of a polynomial over a progression."""
    sums = power_sums(first, last, step)
    return Fraction(sum(a * x for a, x in zip(p, sums, strict=False)), p[3])
