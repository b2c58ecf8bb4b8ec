"""Closed forms of sums and inverses against brute force, and against identities where no force would do."""

import math
import time
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sympy import Add, Float, Integer, Max, Min, Mul, Pow, Rational, Symbol, ceiling, exp, floor, log, pi, sqrt

from symroof import SymroofError
from symroof import symbols as s
from symroof.algebra.binding import Binding
from symroof.algebra.rootfinding import quadratics
from symroof.algebra.rootfinding.piecewise import first_at_least, last_at_most, polynomial_pieces, total_over
from symroof.cost.rules import LAYERS

x = Symbol("x", integer=True, nonnegative=True)
FAR = 10**15
SLACK = 3  # a busy machine


DONE = {
    Add: sum,
    Mul: math.prod,
    Min: min,
    Max: max,
    floor: lambda args: math.floor(args[0]),
    Pow: lambda args: args[0] ** args[1],
}


def function(expr):
    """A formula of sympy's in one symbol as a function, by walking its tree for each number."""

    def value(part, v):
        if part.is_Symbol:
            return v
        if part.is_Number:
            return float(part) if part.is_Float else Fraction(int(part.p), int(part.q))
        return DONE[part.func]([value(arg, v) for arg in part.args])

    return lambda v: value(expr, v)


def made(join, *args):
    """A formula of formulas, left as it is put: sympy's own simplification takes a thousand times longer than ours."""
    return join(*args, evaluate=False)


numbers = st.builds(Rational, st.integers(-30, 30), st.integers(1, 7))
lines = st.one_of(
    st.just(x), numbers, st.builds(lambda a, b: made(Add, made(Mul, a, x), Integer(b)), numbers, st.integers(-40, 40))
)


def grown(inner):
    return st.one_of(
        st.builds(made, st.sampled_from([Add, Min, Max]), inner, inner),
        st.builds(lambda a, f: made(floor, made(Mul, a, f)), numbers, inner),
        st.builds(lambda a, f: made(Mul, a, f), numbers, inner),
    )


bent = st.recursive(lines, grown, max_leaves=5)  # of degree 1, floors and corners in one another
squares = st.one_of(
    st.builds(lambda f, g: made(Mul, f, g), bent, bent), st.builds(lambda f: made(Pow, f, Integer(2)), lines)
)
clamp = st.builds(lambda f: made(Min, Integer(1), made(Max, Integer(0), made(floor, f))), lines)
curved = st.recursive(
    squares,
    lambda inner: st.one_of(
        st.builds(made, st.sampled_from([Add, Min, Max]), inner, st.one_of(inner, bent)),
        st.builds(lambda f, g: made(Mul, f, g), clamp, inner),
    ),
    max_leaves=3,
)


def listed(found):
    """Every number of the pieces with its value, in order."""
    return sorted((v, piece.at(v)) for piece in found for v in range(piece.first, piece.last + 1, piece.step))


@settings(derandomize=True, deadline=None, max_examples=400)
@given(
    st.one_of(bent, curved),
    st.integers(-50, 60),
    st.sampled_from([0, 1, 2, 7, 40, 120]),
    st.integers(0, 120),
    st.sampled_from([0, -1, Fraction(1, 3)]),
)
def test_every_answer_is_that_of_trying_every_number(expr, first, length, near, beside):
    at, last = function(expr), first + length
    true = {v: at(v) for v in range(first, last + 1)}
    found = polynomial_pieces(expr, x, first, last)
    assert listed(found) == list(true.items())
    assert [piece.first for piece in found] == sorted(piece.first for piece in found)
    for piece in found:
        assert (piece.last - piece.first) % piece.step == 0
        assert piece.total == sum(true[v] for v in range(piece.first, piece.last + 1, piece.step))
    assert total_over(expr, x, first, last) == sum(true.values())
    bound = true[first + near % (length + 1)] + beside
    assert first_at_least(expr, x, bound, first, last) == next((v for v in true if true[v] >= bound), None)
    exceeded = next((v for v in true if true[v] > bound), last + 1)
    assert last_at_most(expr, x, bound, first, last) == (exceeded - 1 if exceeded > first else None)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.one_of(bent, curved), st.integers(-50, 60), st.sampled_from([-1, 0, 5, 40, 120]), st.integers(2, 12))
def test_every_so_manyth_number(expr, first, length, step):
    at, last = function(expr), first + length
    true = {v: at(v) for v in range(first, last + 1, step)}
    assert listed(polynomial_pieces(expr, x, first, last, step)) == list(true.items())
    assert total_over(expr, x, first, last, step) == sum(true.values())


SIZES = {
    s.w: 24,
    s.k_i: 20,
    s.w_i: 8,
    s.k_b: 3,
    s.w_c: 4,
    s.w_s: 16,
    s.k_c: 4,
    s.k_g: 3,
    s.r_kv: 48,
    s.h_n: 16,
    s.h_r: 8,
    s.h_v: 16,
    s.H_q: 8,
    s.H_kv: 2,
}


@pytest.mark.parametrize("rules", ["standard", "transformers"])
@pytest.mark.parametrize(("variable", "other"), [(s.n, {s.c: 30}), (s.c, {s.n: 5})], ids=["prompt", "context"])
def test_every_sum_of_the_rules_is_solved(rules, variable, other):
    """Windows, chunks, blocks, entries and choices of latent attention, as they are."""
    layer = {**LAYERS["standard"], **LAYERS[rules]}
    bound = Binding(layer, SIZES, other)
    found = {name: bound(name) for name in layer if s.group(name) == "batch"}
    solved = {name: expr for name, expr in found.items() if expr.free_symbols == {variable}}
    assert len(solved) > 20
    for expr in solved.values():
        true = [(v, function(expr)(v)) for v in range(1, 101)]
        assert listed(polynomial_pieces(expr, variable, 1, 100)) == true
        assert total_over(expr, variable, 1, 100) == sum(value for _, value in true)


@pytest.mark.parametrize("step", [1, 3])
@pytest.mark.parametrize("height", [-5, 0, 1, 24, 99, 1000, 2000, 2475, 2499, 2500, 2501])
def test_parabolas_cross_a_level_twice(height, step):
    for sign in (1, -1):
        parabola = made(Mul, Integer(sign), x * (100 - x) - height) + step * floor(x / step)
        for expr in (made(Max, parabola, x), made(Min, parabola, x - 1)):
            at = function(expr)
            assert listed(polynomial_pieces(expr, x, 2, 130)) == [(v, at(v)) for v in range(2, 131)]


few = st.lists(st.tuples(st.integers(1, 4), *[st.integers(-1, 1)] * 3, st.booleans()), min_size=1, max_size=8)


@settings(derandomize=True, deadline=None, max_examples=400)
@given(few, st.sampled_from([1, 5]))
@example([(4, 0, 0, 0, False), (3, -24, 10, -1, False)], 1)  # 0, 1, 0 after zeros
def test_joining_keeps_every_value(parts, step):
    segments, at = [], 0
    for points, a, b, c, gap in parts:
        segments.append((at, at + (points - 1) * step, (a, b, c, 1)))
        at += (points + gap) * step

    def values(segments):
        return [(v, a + b * v + c * v * v) for f, e, (a, b, c, _) in segments for v in range(f, e + 1, step)]

    joined = quadratics.join_segments(segments, step)
    assert values(joined) == values(segments)
    assert all(e + step < f or p != q for (_, e, p), (f, _, q) in pairwise(joined))


@pytest.mark.parametrize(
    ("expr", "found"),
    [
        (Min(x + 1, 128), [(0, 127, (1, 1, 0)), (128, FAR, (128, 0, 0))]),
        (Min(1, Max(0, x - 5)), [(0, 5, (0, 0, 0)), (6, FAR, (1, 0, 0))]),
        (Max(x**2, 10 * x, 5), [(0, 0, (5, 0, 0)), (1, 10, (0, 10, 0)), (11, FAR, (0, 0, 1))]),
        (made(Max, made(Min, x, Integer(7)), x), [(0, FAR, (0, 1, 0))]),
        (floor((FAR - x) / FAR), [(0, 0, (1, 0, 0)), (1, FAR, (0, 0, 0))]),
        (floor(x * (FAR - 1) / FAR) - x, [(0, 0, (0, 0, 0)), (1, FAR, (-1, 0, 0))]),
    ],
    ids=str,
)
def test_pieces_are_as_few_as_can_be(expr, found):
    assert [(p.first, p.last, p.coefficients) for p in polynomial_pieces(expr, x, 0, FAR)] == found


def test_residues_only_where_the_floor_rises():
    got = polynomial_pieces(floor(Min(x, 4096) / 128) + 2 * x, x, 0, FAR)
    assert [p.step for p in got] == [1] * 33
    got = polynomial_pieces(floor(Min(x, 4096 * 128) / 128), x, 0, FAR)
    assert sorted(p.step for p in got) == [1] + [128] * 128
    assert next(p for p in got if p.step == 1).coefficients == (4096, 0, 0)


@pytest.mark.parametrize("last", [10**3, 10**6, 10**15, 10**18])
def test_cost_does_not_grow_with_the_range(last):
    corners = Add(*(Max(3 * x + k, Min(k * x, 10 * k) + k**2) for k in range(1, 20)))
    chunks = floor(x / 8) * Min(x, 40) + floor((x + 7) / 8)
    assert len(polynomial_pieces(corners, x, 0, last)) == len(polynomial_pieces(corners, x, 0, 10**3))
    assert len(polynomial_pieces(chunks, x, 0, last)) == len(polynomial_pieces(chunks, x, 0, 10**3)) < 64


@pytest.mark.parametrize(
    ("expr", "sum_to_far"),
    [
        (x, FAR * (FAR + 1) // 2),
        (x * (x + 1) / 2, math.comb(FAR + 2, 3)),  # each of the triangles, one more tetrahedron
        (Max(x, FAR - x), 2 * math.comb(FAR + 1, 2) - (FAR // 2) ** 2),
        (Min(x, FAR - x), (FAR // 2) ** 2),
        (floor(x / 10), 10 * math.comb(FAR // 10, 2) + FAR // 10),
        (x - 10 * floor(x / 10), 45 * FAR // 10),
        (floor(x / 10) + floor(-x / 10), FAR // 10 - FAR),
        (Rational(1, 3) * x, Fraction(FAR * (FAR + 1), 6)),
        (Max(x**2, FAR * x) - FAR * x, 0),
        (Min(1, Max(0, x**2 - FAR)), FAR - math.isqrt(FAR)),
        (floor(floor(x / 2) / 5) - floor(x / 10), 0),
    ],
    ids=str,
)
def test_sums_too_long_for_force(expr, sum_to_far):
    assert total_over(expr, x, 0, FAR) == sum_to_far
    assert sum(piece.total for piece in polynomial_pieces(expr, x, 0, FAR)) == sum_to_far


@pytest.mark.parametrize("cut", [1, 63, 64, 65, 4095, 10**9, FAR - 1])
def test_a_sum_is_that_of_its_parts(cut):
    expr = Max(7 * x + floor(x / 64), Min(x * (x + 1) / 2, 4096 * x) / 3)
    assert total_over(expr, x, 0, FAR) == total_over(expr, x, 0, cut) + total_over(expr, x, cut + 1, FAR)


@pytest.mark.parametrize("bound", [0, 1, 10**6, Fraction(7, 3), 10**20])
@pytest.mark.parametrize(
    "expr",
    [x / 7, x * (x + 1) / 2, floor(x / 128) * 5, Max(x / 9, x**2 - 50 * x), 3 * Min(x, 4096) + floor(x / 16) / 3],
    ids=str,
)
def test_inverses_far_out_are_where_the_formula_passes_the_bound(expr, bound):
    at = function(expr)
    reached = first_at_least(expr, x, bound, 0, 10**24)
    assert at(reached) >= bound
    assert reached == 0 or at(reached - 1) < bound
    held = last_at_most(expr, x, bound, 0, 10**24)
    assert at(held) <= bound < at(held + 1)


def test_inverses_of_what_goes_up_and_down():
    hill = x * (100 - x)  # 2500 at 50
    assert first_at_least(hill, x, 2500, 0, FAR) == 50
    assert first_at_least(hill, x, 2501, 0, FAR) is None
    assert first_at_least(hill, x, 2400, 45, FAR) == 45
    assert last_at_most(hill, x, 2499, 0, FAR) == 49
    assert last_at_most(hill, x, 2500, 0, FAR) == FAR
    assert last_at_most(hill, x, 2499, 50, FAR) is None
    sawtooth = x - 16 * floor(x / 16)
    assert first_at_least(sawtooth, x, 15, 20, FAR) == 31


FLOATS = [
    Max(Float(3.1e-9) * x + Float(2e-3), Float(1.7e-6) * Min(x + 1, 4096)),
    Float(0.1) * x * (x + 1) / 2 + Float(1e-3) * floor(x / 128),
    Max(x**2 * Float(1e-12), x * Float(3e-9)) + Max(Float(0.25), x / Float(989e12)),
]


@pytest.mark.parametrize("expr", FLOATS, ids=str)
def test_floats_agree_with_adding_up(expr):
    at = function(expr)
    values = [at(v) for v in range(3, 9001)]
    got = total_over(expr, x, 3, 9000)
    assert isinstance(got, float)
    assert got == pytest.approx(math.fsum(values), rel=1e-12)
    found = polynomial_pieces(expr, x, 3, 9000)
    assert sum(piece.total for piece in found) == pytest.approx(got, rel=1e-12)
    for piece in found:
        assert all(isinstance(a, float) for a in piece.coefficients)
        assert piece.at(piece.first) == pytest.approx(values[piece.first - 3], rel=1e-12)
        assert piece.at(piece.last) == pytest.approx(values[piece.last - 3], rel=1e-12)
    for bound in (values[0], values[4000] * 1.0001, values[-1]):
        first = first_at_least(expr, x, bound * (1 - 1e-15), 3, 9000)
        assert first == pytest.approx(next(i for i, v in enumerate(values, 3) if v >= bound), abs=1)


def test_exact_numbers_stay_exact_and_types_tell():
    thirds = Rational(1, 3) * Min(x, 5)
    assert polynomial_pieces(thirds, x, 0, 9)[0].coefficients == (0, Fraction(1, 3), 0)
    assert isinstance(total_over(thirds, x, 0, 3), int)
    assert total_over(thirds, x, 0, 4) == Fraction(10, 3)
    assert total_over(Float(0.1) * x, x, 0, 10**6) == float(Fraction(0.1) * (10**6 * (10**6 + 1) // 2))
    # The difference of two large numbers keeps its digits: only the result is rounded.
    assert total_over(Float(0.1) * x**2 - Float(0.1) * (x**2 - 1), x, 1, 10**9) == float(Fraction(0.1) * 10**9)


def test_one_number_and_none():
    assert total_over(x**2, x, 7, 7) == 49
    assert [(p.first, p.last) for p in polynomial_pieces(x**2, x, 7, 7)] == [(7, 7)]
    assert polynomial_pieces(Integer(5), x, 0, 9)[0].coefficients == (5, 0, 0)
    assert total_over(5, x, 1, 10) == 50
    assert (first_at_least(x, x, 7, 7, 7), last_at_most(x, x, 7, 7, 7)) == (7, 7)
    assert (total_over(x, x, 8, 7), polynomial_pieces(x, x, 8, 7)) == (0, ())
    assert (first_at_least(x, x, 0, 8, 7), last_at_most(x, x, 99, 8, 7)) == (None, None)
    assert total_over(floor(x / 3), x, 8, 7) == 0


@pytest.mark.parametrize(
    ("expr", "told"),
    [
        (log(x + 1), r"log has no closed form here, in log\(x \+ 1\)"),
        (3 + 2 * exp(x), "exp has no closed form"),
        (Max(1 / (x + 1), 0), r"Pow has no closed form here, in 1/\(x \+ 1\)"),
        (sqrt(x), "Pow has no closed form"),
        (Rational(1, 2) ** x, "Pow has no closed form"),
        (pi * x, "Pi has no closed form"),
        (ceiling(x / 2), "ceiling has no closed form"),
        (x + s.f * s.h, "leaves open f, h: bind them"),
        (x**3, "degree above 2"),
        (x**2 * Min(x, 9), "degree above 2"),
        (floor(x**2 / 3), "a floor of a square"),
        (floor(Float(0.3) * x), "a floor of floats"),
        (floor(x / (2**16 + 1)), "more than 65536 parts"),
        (floor(x / 300) * floor(x / 301), "more than 65536 parts"),
    ],
    ids=str,
)
@pytest.mark.parametrize("ask", [polynomial_pieces, total_over, lambda *args: first_at_least(args[0], x, 1, *args[2:])])
def test_what_has_no_closed_form_is_told(expr, told, ask):
    with pytest.raises(SymroofError, match=told) as error:
        ask(expr, x, 0, 10**18)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("bound", [math.inf, math.nan])
def test_a_bound_is_finite(bound):
    with pytest.raises(SymroofError, match="give a finite"):
        first_at_least(x, x, bound, 0, 9)


def test_higher_degrees_on_few_numbers_are_no_obstacle():
    """A choice that is 0 or 1 times pairs: between the two it is a square, but on no more than three numbers."""
    choice = Min(1, Max(0, (x**2 - 100) / 70))
    expr = choice * x * (x + 1)
    assert total_over(expr, x, 0, 99) == sum(
        min(1, max(0, Fraction(v * v - 100, 70))) * v * (v + 1) for v in range(100)
    )


def test_wide_sums_take_milliseconds():
    wide = Add(*(Max((k * x + Min(x, 50 * k)) / 989, (Min(x, 9 * k**2) + 7**k % 1000) / 3) for k in range(1, 61)))
    narrow = Add(*(k * Max(floor((x + k) / 128), x / 100) for k in range(1, 9)))
    for expr, seconds in ((wide, 0.05), (wide + narrow, 3)):
        for ask in (total_over, polynomial_pieces):
            took = []
            for _ in range(2):
                start = time.process_time()
                ask(expr, x, 0, FAR)
                took.append(time.process_time() - start)
            assert min(took) < seconds * SLACK, (ask, took)
