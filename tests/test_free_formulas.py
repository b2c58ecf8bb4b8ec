"""Formulas as sympy's users take them: solved, differentiated and expanded by sympy itself."""

import pytest
import sympy as sp

import symroof
from symroof import symbols as s
from symroof.algebra.codegen import exact_function
from symroof.algebra.unevaluated import Max, Min, floor
from symroof.errors import UsageError


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


QUESTIONS = [
    ("llama-3.1-8b", "cache_bytes", "c", 10**10), ("llama-3.1-8b", "cache_bytes", "B", 10**10 + 1),
    ("llama-3.1-8b", "flops", "c", 10**12 + 7), ("llama-3.1-8b", "flops", "n", 10**14),
    ("llama-3.1-8b", "flops", "B", 3 * 10**13), ("llama-3.1-8b", "matmul_flops", "n", 10**13 + 1),
    ("llama-3.1-8b", "weight_bytes", "b_f", 2 * 10**10), ("llama-3.1-8b", "weight_bytes", "f", 10**11),
    ("llama-3.1-8b", "weight_bytes", "V", 10**11 + 1), ("llama-3.1-8b", "cache_bytes", "b_c", 10**9),
    ("llama-3.1-8b", "bytes", "c", 10**11), ("llama-3.1-8b", "input_bytes", "n", 10**12),
    ("deepseek-v3", "cache_bytes", "c", 10**9), ("deepseek-v3", "cache_size", "c", 10**9),
    ("deepseek-v3", "cache_size", "B", 10**12 + 1), ("deepseek-v3", "weight_bytes", "b_e", 10**12),
    ("deepseek-v3", "weight_bytes", "V", 10**12), ("deepseek-v3", "vector_flops", "n", 10**12),
    ("gemma-3-12b", "cache_size", "B", 10**12 + 1), ("gemma-3-12b", "weight_bytes", "f", 10**12),
    ("gemma-3-12b", "weight_bytes", "b_w", 10**12), ("llama-4-scout", "weight_bytes", "b_e", 10**12),
    ("llama-4-scout", "cache_bytes", "B", 10**12 + 1), ("mamba-codestral-7b", "flops", "n", 10**15 + 3),
    ("mamba-codestral-7b", "flops", "B", 10**15 + 3), ("mamba-codestral-7b", "weight_bytes", "V", 10**12),
    ("qwen3-next-80b-a3b", "flops", "c", 10**13), ("qwen3-next-80b-a3b", "flops", "n", 10**13 + 1),
    ("qwen3-next-80b-a3b", "weight_bytes", "b_e", 10**12 + 1), ("gpt-oss-120b", "weight_bytes", "b_head", 10**12),
]  # fmt: skip


def bound_formula(name: str, quantity: str, unknown: str) -> sp.Expr:
    """A quantity in one unknown: of one query of a new token after a thousand, at the widths of bf16."""
    model = symroof.load(name)
    batch = {s.B: 1, s.n: 1, s.c: 1000}
    values = {**model.sizes, **dict.fromkeys(s.WIDTHS, 2), **batch}
    formula = model.formula(quantity, uniform=True, rules="latent-absorbed")
    return formula.xreplace({x: sp.Integer(y) for x, y in values.items() if str(x) != unknown})


@pytest.mark.parametrize(("name", "quantity", "unknown", "number"), QUESTIONS)
def test_sympy_solves_what_symroof_does(name: str, quantity: str, unknown: str, number: int) -> None:
    gap = bound_formula(name, quantity, unknown) - number
    roots = sp.solve(gap, s.symbol(unknown))
    assert roots
    assert all(sp.simplify(gap.xreplace({s.symbol(unknown): x})) == 0 for x in roots)
    assert symroof.solve(gap, unknown) == sp.FiniteSet(*roots)
    formats = {"weights": "bf16", "cache": "bf16", "activations": "bf16"}
    question = f"{quantity} = {number}"
    solution = symroof.solve(name, question, unknown, cached=1000, rules="latent-absorbed", **formats)
    assert len(roots) == 1
    found = solution.crosses[0].exact if solution.crosses else solution.exact_answer
    assert sp.simplify(sp.sympify(found) - roots[0]) == 0


@pytest.mark.parametrize("name", ["gemma-3-12b", "llama-4-scout", "deepseek-v3.2"])
def test_sympy_raises_where_it_cannot_solve_and_symroof_answers(name: str) -> None:
    gap = bound_formula(name, "cache_size", "c") - 10**9 - 1
    gap = gap if gap.has(sp.Min, sp.floor) else bound_formula(name, "flops", "c") - 10**14
    with pytest.raises(NotImplementedError):
        sp.solve(gap, s.c)
    runs = symroof.solve(gap >= 0, s.c)
    first = int(sp.ceiling(runs.inf))
    at = exact_function((gap,), (s.c,))
    assert at(first)[0] >= 0 > at(first - 1)[0]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (sp.Lt(8 * s.c, 63), sp.Interval.Ropen(0, sp.Rational(63, 8))),
        (Min(s.c, 1024) - 1024, sp.Interval(1024, sp.oo)),
        (Min(s.c, 1024) + s.c - 5000, sp.FiniteSet(3976)),
        (floor(s.c / 4) - 5, sp.Range(20, 24)),
        (sp.Ge(floor(s.c / 4) + s.c, 5), sp.Range(4, sp.oo)),
        (sp.Eq(s.d * s.f * s.c + 3, s.w), sp.FiniteSet((s.w - 3) / (s.d * s.f))),
        (s.c**2 - 2, sp.FiniteSet(sp.sqrt(2))),
        (s.c + 1, sp.EmptySet),
        (sp.Le(s.c**2, 3 * s.c), sp.Interval(0, 3)),
        (sp.Gt(Max(0, s.c - 3) / (s.c - 5), 0), sp.Interval.open(5, sp.oo)),
        (1.5 * s.c - 4, sp.FiniteSet(sp.Rational(8, 3))),
    ],
    ids=str,
)
def test_free_formulas_are_solved_as_sets_of_real_numbers(question: sp.Basic, answer: sp.Set) -> None:
    assert symroof.solve(question, s.c) == symroof.solve(question, "c") == answer


@pytest.mark.parametrize(
    ("question", "unknown", "message"),
    [
        (Min(s.c, s.w) - s.d, "c", "depends on d, w"),
        (s.c - 1, "w", "w is not in it: solve for one of c"),
        (sp.Ne(s.c, 1), "c", "give a formula, or a sympy relation"),
        (floor(s.b_w) - 1, "b_w", "no whole number"),
        (Max(sp.Symbol("x"), 0) - 2, "x", "may be negative"),
        (s.c + sp.exp(s.c) + sp.log(s.c + 2) - 9, "c", "no closed form"),
    ],
    ids=str,
)
def test_free_formulas_without_an_exact_answer_are_errors(question: sp.Basic, unknown: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        symroof.solve(question, unknown)


@pytest.mark.parametrize("name", ["llama-3.1-8b", "deepseek-v3", "gemma-3-12b", "mamba-codestral-7b"])
def test_limits_derivatives_and_functions_are_right(name: str) -> None:
    cost = bound_formula(name, "flops", "c")
    at = exact_function((cost,), (s.c,))
    run = sp.lambdify(s.c, cost)
    assert all(run(x) == at(x)[0] for x in (0, 1, 1023, 1024, 5000, 10**6))
    slope = sp.diff(cost, s.c).xreplace({s.c: sp.Integer(10**6)}).doit()
    assert slope == at(10**6 + 1)[0] - at(10**6)[0]
    assert symroof.asymptote(cost, s.c) == (slope * s.c or cost)
    if not cost.has(Min, sp.Min, sp.Max):
        assert sp.limit(cost / (s.c + 1), s.c, sp.oo) == slope
        assert sp.series(cost, s.c, sp.oo, 3).removeO() == sp.expand(cost)


def test_formulas_in_two_cases_are_solved_compared_and_followed_far_out() -> None:
    model = symroof.load("deepseek-v3")
    flops = model.formula("flops", uniform=True, bind=True).subs(s.B, 1)
    assert flops.has(sp.Piecewise)
    one = flops.subs(s.n, 1)
    root = next(iter(symroof.solve(sp.Eq(one, 10**11), s.c)))
    assert sp.solve(one - 10**11, s.c) == [root]
    assert [model.report(cached=c).total.flops < 10**11 for c in (int(root), int(root) + 1)] == [True, False]
    assert symroof.solve(one >= 10**11, s.c).inf == int(root) + 1
    lead = symroof.asymptote(flops, s.c, {s.n: 1})
    assert lead.subs({s.n: 1, s.c: 1}) == symroof.limits(model)["c"]["FLOP"].number
    absorbed = model.formula("flops", rules="latent-absorbed", uniform=True, bind=True).subs({s.B: 1, s.n: 1})
    assert symroof.prove(one, absorbed).holds is False  # at c = 0 keys are expanded
    assert symroof.prove(one.subs(s.c, s.c + 1), absorbed.subs(s.c, s.c + 1)).holds is True
    with pytest.raises(symroof.SymroofError, match="one under a condition"):
        symroof.asymptote(sp.Piecewise((s.c, s.c > 1), (2, s.c > 0), (3, True)), s.c)
