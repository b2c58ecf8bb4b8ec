"""Formulas as sympy's users take them: solved, differentiated and expanded by sympy itself."""

import sympy as sp

import symroof
from symroof import symbols as s


def test_sympy_finds_roots_that_are_no_whole_numbers() -> None:
    model = symroof.load("llama-3.1-8b")
    gap = model.formula("cache_bytes", uniform=True) - model.formula("weight_bytes", uniform=True)
    bound = gap.subs({**model.sizes, **dict.fromkeys(s.WIDTHS, 2), s.B: 1, s.n: 1})
    assert sp.solve(bound, s.c) == [sp.Rational(916121, 8)]
    assert symroof.solve(model, "cache_bytes = weight_bytes", "c").crosses[0].exact == sp.Rational(916121, 8)


def test_every_symbol_is_real_and_its_entry_says_whether_it_is_whole() -> None:
    entries = s.VOCABULARY.values()
    assert all(x.symbol.is_nonnegative and x.symbol.is_integer is None for x in entries)
    assert {x.group for x in entries if x.whole} == {"size", "batch", "query", "rule", "parallel"}
    assert s.takes_whole_numbers(s.symbol("h_swa"))
    assert not s.takes_whole_numbers(s.W)
    assert not s.takes_whole_numbers(sp.Symbol("other"))
    assert s.takes_whole_numbers(sp.Symbol("other", integer=True))
