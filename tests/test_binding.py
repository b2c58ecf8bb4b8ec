"""Definitions, in whatever order they come; exact numbers, and floats where exact ones would not end."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Float, Integer, Min, Rational, floor

import symroof
from symroof import Binding, SymroofError
from symroof import symbols as s
from symroof.algebra.arithmetic import EXACT_POWER
from symroof.algebra.codegen import exact_function


def test_definitions_are_substituted_whatever_their_order():
    assert Binding({s.f: 4 * s.d, s.d: s.H_q * s.h, s.h: 128})(s.f) == 512 * s.H_q
    assert Binding({s.h: 128}, {s.d: s.H_q * s.h}, {s.f: 4 * s.d})(s.f) == 512 * s.H_q


def test_a_later_layer_wins():
    assert Binding({s.d: 1}, {s.d: 2})(3 * s.d) == 6


def test_a_circle_is_told():
    with pytest.raises(SymroofError, match=r"circular definitions: [df] -> [df] -> [df]"):
        Binding({s.d: s.f, s.f: 2 * s.d})(s.d)


def test_what_is_open_stays_open():
    bound = Binding({s.d: 8, s.b_w: Rational(17, 32)})
    assert bound(s.T * s.d * s.b_w) == Rational(17, 4) * s.T
    assert bound(s.T) == s.T
    assert bound(5) == Integer(5)


def test_text_is_no_expression():
    with pytest.raises(Exception, match="SympifyError"):
        Binding({s.d: 1})("d + 1")


def test_compiled_functions_take_arrays():
    function = Binding({s.d: 3}).compile([s.d * s.n, floor(s.n / s.w), Min(s.n, s.w)], s.n, s.w)
    product, whole, least = function(np.array([1, 49, 50]), 49)
    assert product.tolist() == [3, 147, 150]
    assert whole.tolist() == [0, 1, 1]
    assert least.tolist() == [1, 49, 49]


def test_a_symbol_neither_bound_nor_free_is_told():
    with pytest.raises(SymroofError, match="neither bound nor free: f, h"):
        Binding({s.d: 3}).compile([s.d * s.f * s.h * s.n], s.n)


def test_a_free_symbol_wins_over_its_definition():
    assert Binding({s.n: 1, s.T: 2 * s.n}).compile([s.T + s.n], s.n)(5) == [15]


EXPERTS = s.N_e * (1 - (1 - s.k / s.N_e) ** s.T)


@pytest.mark.parametrize("tokens", [1, 2, EXACT_POWER])
def test_experts_are_exact_for_few_tokens(tokens):
    found = Binding({s.N_e: 7, s.k: 3, s.T: tokens})(EXPERTS)
    assert found == 7 * (1 - Rational(4, 7) ** tokens)
    assert found.is_Rational


@pytest.mark.parametrize("tokens", [EXACT_POWER + 1, 200_000, 10**18])
def test_experts_are_floats_for_many(tokens):
    for values in ({s.T: tokens}, {s.T: s.B * s.n, s.B: 1, s.n: tokens}):
        found = Binding({s.N_e: 7, s.k: 3}, values)(EXPERTS)
        assert isinstance(found, Float)
        assert float(found) == pytest.approx(7)


def test_experts_of_many_tokens_beside_what_is_open():
    model = symroof.load("llama-4-scout")
    weights = model.formula("weight_bytes", uniform=True)
    found = Binding(model.sizes, {s.B: 1, s.n: 200_000})(weights)
    assert found.coeff(s.b_e) == 16 * 3 * 5120 * 8192 * 48
    assert found.free_symbols == {s.b_w, s.b_o, s.b_e, s.b_sh, s.b_r, s.b_emb, s.b_head, s.b_n}


FORMS = (
    s.n * (2 * s.c + s.n + 1) / 2,
    floor(s.c / s.n) * s.n + s.c / 3,
    (s.c - 5) / (s.n + 1) + s.n**-2,
    Min(s.c, s.n - 1) - Rational(7, 3) * s.c,
)


@given(st.integers(1, 10**30), st.integers(0, 10**30))
def test_compiled_numbers_are_sympys(n, c):
    ours = exact_function(FORMS, [s.n, s.c])(n, c)
    sympys = [form.subs({s.n: n, s.c: c}) for form in FORMS]
    assert ours == [Fraction(int(x.p), int(x.q)) for x in sympys]
    assert isinstance(ours[0], int)
