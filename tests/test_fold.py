"""The one walk over expressions: rebuilding gives them back, tables of numbers agree with sympy, each node once."""

import math
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import (
    Add,
    Basic,
    Dummy,
    Float,
    Integer,
    Max,
    Min,
    Mul,
    Pow,
    Rational,
    Symbol,
    ceiling,
    floor,
    log,
    preorder_traversal,
    sin,
    sqrt,
)

from symroof import SymroofError
from symroof.algebra.codegen import exact_function
from symroof.algebra.fold import REBUILD, Table, fold, rebuilt
from symroof.algebra.multiprecision import evaluator
from symroof.algebra.points import Point
from symroof.algebra.unevaluated import rename_symbols, with_numbers

x, y = Symbol("x", integer=True, positive=True), Symbol("y", positive=True)
SIZES = Table({Basic: lambda _, sizes: 1 + sum(sizes)})  # of the expression written out


def pairs_of(exprs):
    pairs = st.tuples(exprs, exprs)
    return st.one_of(
        pairs.map(lambda z: z[0] + z[1]),
        pairs.map(lambda z: z[0] * z[1]),
        pairs.map(lambda z: Min(*z, evaluate=False)),
        pairs.map(lambda z: Max(*z, evaluate=False)),
        exprs.map(lambda z: floor(z / 3, evaluate=False)),
        exprs.map(lambda z: z**2),
        exprs.map(lambda z: 1 / (z + 1)),
    )


numbers = st.fractions(min_value=1, max_value=50, max_denominator=20).map(Rational)
expressions = st.recursive(st.sampled_from([x, y]) | numbers, pairs_of, max_leaves=8)
values = st.tuples(st.integers(1, 10**6), st.fractions(min_value=Fraction(1, 9), max_value=10**4, max_denominator=99))


@settings(deadline=None, max_examples=50)
@given(expressions)
def test_rebuilding_gives_the_expression_back(expr):
    assert fold(expr, REBUILD) is expr
    assert fold(expr, Table({Basic: rebuilt})) is expr


@settings(deadline=None, max_examples=50)
@given(expressions)
def test_renaming_there_and_back_gives_the_expression_back(expr):
    a, b = Dummy("a", integer=True, positive=True), Dummy("b", positive=True)
    there = rename_symbols(expr, {x: a, y: b})
    assert not there.has(x, y)
    assert rename_symbols(there, {a: x, b: y}) == expr


@settings(deadline=None, max_examples=50)
@given(expressions)
def test_every_node_reaches_the_table_with_the_values_of_its_arguments(expr):
    assert fold(expr, SIZES) == sum(1 for _ in preorder_traversal(expr))


@settings(deadline=None, max_examples=50)
@given(expressions, values)
def test_all_evaluations_agree_with_sympy(expr, at):
    bound = {x: Rational(at[0]), y: Rational(at[1])}
    number = expr.xreplace(bound).doit()
    expected = Fraction(int(number.p), int(number.q))
    assert Point({x: at[0], y: at[1]}).number(expr) == expected
    assert exact_function([expr], [x, y])(*at) == [expected]
    assert evaluator(expr.xreplace({y: bound[y]}), x)(at[0]) == expected
    assert with_numbers(expr, bound).doit() == number


@settings(deadline=None, max_examples=50)
@given(expressions, values)
def test_irrational_formulas_are_evaluated_to_forty_digits(expr, at):
    irrational = log(expr + 2) * sqrt(expr + 1) + Rational(7, 5) ** (1 / (expr + 1))
    expected = irrational.xreplace({x: Rational(at[0]), y: Rational(at[1])}).doit().evalf(50)
    found = evaluator(irrational.xreplace({y: Rational(at[1])}), x)(at[0])
    assert abs(Float(found, 50) / expected - 1) < Float("1e-39", 50)


@pytest.mark.parametrize(
    ("expr", "at", "expected"),
    [
        (floor(3 * sqrt(y) / 3) + 0 * log(y), 49, 7),
        (floor(Min(y, 3, evaluate=False) / 3) + y ** Rational(1, 3), 1000, 11),
        (ceiling(y ** Rational(1, 3) / 2), 10**18, 500_000),
        (log(y) / log(2) - 10, 1024, 0),
        (sqrt(y + 1) - sqrt(y), 10**30, pytest.approx(5e-16, rel=1e-15)),
    ],
)
def test_whole_numbers_and_equal_terms_are_met_exactly(expr, at, expected):
    assert evaluator(expr, y)(at) == expected


def test_a_node_that_is_shared_is_visited_once():
    visits = Counter()

    def visit(node, _):
        visits[node] += 1

    shared = expr = Max(x, y + 1, evaluate=False)
    for _ in range(60):  # 2^60 nodes, written out
        expr = Basic(expr, expr)
    fold(expr, Table({Basic: visit}))
    assert visits[shared] == 1
    assert set(visits.values()) == {1}
    assert fold(expr, SIZES) > 2**60


def test_values_that_are_known_are_not_visited_and_new_ones_are_added():
    known = {x: 7}
    assert fold(x + 2, Table({Integer: lambda n, _: int(n), Add: lambda _, args: sum(args)}), known) == 9
    assert known == {x: 7, Integer(2): 2, x + 2: 9}


def test_parts_replace_the_arguments():
    definitions = {x: 2 * y, y: Integer(3)}
    rules = Table({Symbol: lambda _, args: args[0], Integer: lambda n, _: int(n), Mul: lambda _, args: math.prod(args)})
    assert fold(x, rules, parts=lambda node: (definitions[node],) if node in definitions else node.args) == 6


def test_a_rule_serves_subclasses_unless_they_have_one():
    table = Table({Rational: lambda *_: "rational", Integer: lambda *_: "whole", Pow: lambda *_: "power"})
    assert [fold(z, table) for z in (Rational(1, 2), Rational(2, 7), Integer(0), Integer(12))] == [
        "rational",
        "rational",
        "whole",
        "whole",
    ]


def test_a_node_without_a_rule_is_named():
    table = Table({Symbol: lambda *_: 1, Add: lambda _, args: sum(args)})
    with pytest.raises(SymroofError, match=r"no rule for sin, in sin\(x\)"):
        fold(sin(x) + y, table)
    for evaluate in (
        lambda: evaluator(sin(x), x)(1),
        lambda: exact_function([sin(x)], [x]),
        lambda: Point({x: 1}).number(sin(x)),
    ):
        with pytest.raises(SymroofError, match="sin"):
            evaluate()
