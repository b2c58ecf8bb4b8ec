"""Sums in closed form, proofs and leading terms, against brute force; prefill as the sum of its decode steps."""

from random import Random
from time import perf_counter

import pytest
import sympy as sp
from sympy import Integer, Rational, Symbol

import symroof
from symroof import symbols as s
from symroof.algebra.binding import Binding
from symroof.algebra.codegen import exact_function
from symroof.algebra.unevaluated import Max, Min, floor
from symroof.cost import masks, rules
from symroof.errors import SymroofError, UsageError

c, n, w = s.c, s.n, s.w
CHANCE = (1 - s.k / s.N_e) ** c


def value(expr, **numbers):
    known = {s.symbol(name): number for name, number in numbers.items()}
    free = sorted(expr.free_symbols, key=str)
    return exact_function((expr,), free)(*(known[x] for x in free))[0]


def random_formula(random, depth):
    if depth == 0 or random.random() < 0.15:
        return random.choice([c, n, w, c + random.randint(-3, 3), c - w, c + n, n - w, Integer(random.randint(0, 4))])
    a, b = random_formula(random, depth - 1), random_formula(random, depth - 1)
    made = [a + b, a - b, a * b, Min(a, b), Max(a, b), floor(a / random.choice([w, Integer(2), Integer(3)]))]
    return random.choice(made)


RANDOM = [random_formula(Random(seed), 3) for seed in range(60)]


# --- sums -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("expr", RANDOM, ids=range(len(RANDOM)))
def test_closed_sums_are_those_of_the_terms(expr):
    random = Random(str(expr))
    for first, last in ((Integer(2), Integer(7)), (c, c + n - 1), (Integer(1), n)):
        total = symroof.sum_over(expr, c, first, last)
        if total.has(sp.Sum):
            continue
        for _ in range(4):
            numbers = {"c": random.randint(0, 7), "n": random.randint(1, 6), "w": random.randint(1, 5)}
            ends = (int(value(x, **numbers)) for x in (first, last))
            low, high = ends
            terms = (value(expr, **{**numbers, "c": x}) for x in range(low, high + 1))
            assert value(total, **numbers) == sum(terms), (first, last, numbers)


@pytest.mark.parametrize(
    "expr",
    [c, c**5, Min(c, w), Max(c - w, 0) ** 2, floor(c / w), c * floor((c + 1) / w) ** 2, Min(c, n * w), Max(3 * c, n)],
    ids=str,
)
def test_sums_of_windows_and_chunks_have_closed_forms(expr):
    total = symroof.sum_over(expr, c, 0, n)
    assert not total.has(sp.Sum)
    assert c not in total.free_symbols
    for numbers in ({"n": 1, "w": 1}, {"n": 9, "w": 4}, {"n": 20, "w": 3}):
        assert value(total, **numbers) == sum(value(expr, c=x, **numbers) for x in range(numbers["n"] + 1))


def test_what_has_no_closed_form_stays_a_sum_of_its_terms():
    total = symroof.sum_over(s.N_e * CHANCE + 2 * c, c, 1, n)
    (left,) = total.atoms(sp.Sum)
    assert sp.expand(total - left - n * (n + 1)) == 0
    assert left.function.has(s.N_e)


def test_bounds_are_whole_and_in_order():
    assert symroof.sum_over(c, c, 5, 4) == 0
    with pytest.raises(UsageError, match="lower end first"):
        symroof.sum_over(c, c, 5, 2)
    with pytest.raises(UsageError, match="1/2"):
        symroof.sum_over(c, c, Rational(1, 2), n)


# --- proofs ---------------------------------------------------------------------------------------------------------

TRUE = [
    (floor((c + w) / w), floor(c / w) + 1),
    (Max(c, w) + Min(c, w), c + w),
    (Max(c - w, 0) * Max(w - c, 0), Integer(0)),
    (Max(c + 1 - w, 0) * (Max(c + 1 - w, 0) - 1), Max(c - w, 0) * (Max(c - w, 0) + 1)),
    (Min(1, Max(0, c)), Min(c, 1)),
    (Max(c - n, 0) * Max(n - 2 * c - 1, 0), Integer(0)),
    (Min(Max(c, w), n), Max(Min(c, n), Min(w, n))),
    (floor(c / 2) + floor((c + 1) / 2), c),
    (floor((c + 1) / w) * (w - 1 - c + w * floor(c / w)), floor(c / w) * (w - 1 - c + w * floor(c / w))),
    ((1 - s.k / s.N_e) ** (c + n), CHANCE * (1 - s.k / s.N_e) ** n),
    ((c**2 - 1) / (c + 1), c - 1),
    (Max(s.b_w - 1, 0) + Min(s.b_w, 1), s.b_w),
    (0.5 * c, c / 2),
]
FALSE = [
    (Max(c, 1), c),
    (floor(c / w), c / w),
    (Max(c + 1 - w, 0), Max(c - w, 0)),
    (Min(s.b_w, 1), s.b_w),
    (CHANCE, 1 - c * s.k / s.N_e),
]


@pytest.mark.parametrize(("left", "right"), TRUE, ids=str)
def test_identities_are_proved(left, right):
    proof = symroof.prove(left, right)
    assert (proof.holds, bool(proof), str(proof), proof.counterexample) == (True, True, "true", {})


@pytest.mark.parametrize(("left", "right"), FALSE, ids=str)
def test_what_is_false_has_a_counterexample(left, right):
    proof = symroof.prove(left, right)
    assert proof.holds is False
    assert not proof
    numbers = {str(x): number for x, number in proof.counterexample.items()}
    assert (value(left, **numbers), value(right, **numbers)) == (proof.left, proof.right)
    assert proof.left != proof.right
    assert all(f"{x} = {number}" in str(proof) for x, number in numbers.items())


def test_what_is_neither_proved_nor_disproved_is_undecided():
    proof = symroof.prove(sp.log(c + 1) * 2, sp.log((c + 1) ** 2))
    assert (proof.holds, str(proof)) == (None, "undecided")
    with pytest.raises(SymroofError, match="undecided"):
        bool(proof)


@pytest.mark.parametrize("seed", range(40))
def test_nothing_false_is_proved(seed):
    """A formula less itself with one number changed, which few of its arguments tell from it."""
    random = Random(seed)
    expr = random_formula(random, 3)
    other = expr.xreplace({w: Max(w, random.randint(2, 4)), n: Min(n, random.randint(4, 6))})
    grid = [(x, y, z) for x in range(8) for y in range(1, 9) for z in range(1, 6)]
    equal = all(value(expr, c=x, n=y, w=z) == value(other, c=x, n=y, w=z) for x, y, z in grid)
    assert symroof.prove(expr, other).holds in ((True, None) if equal else (False, None))


# --- leading terms --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expr",
    [
        Min(c, w) + 2 * c,
        masks.SLIDING.prefix(c),
        masks.CHUNKED.prefix(c),
        masks.BLOCKS.prefix(c),
        (c + n) * (c + 3) / (2 * c + w),
        floor(c / w) * n - Max(n, c),
        Integer(7) * n + w / c,
    ],
    ids=str,
)
def test_leading_terms_are_the_limit_of_the_quotient(expr):
    numbers = {"n": 3, "w": 5, "w_i": 4, "k_b": 3, "c": 10**30}
    lead = symroof.asymptote(expr, c, {n: 3, w: 5})
    names = {str(x) for x in expr.free_symbols | lead.free_symbols}
    numbers = {name: number for name, number in numbers.items() if name in names}
    assert abs(value(expr, **numbers) / value(lead, **numbers) - 1) < 1e-25


def test_a_leading_term_that_depends_on_numbers_needs_them():
    branches = Max(s.d * c, s.f * c)
    with pytest.raises(SymroofError, match="depends on d, f"):
        symroof.asymptote(branches, c)
    assert symroof.asymptote(branches, c, {s.d: 3, s.f: 4}) == s.f * c
    assert symroof.asymptote(5 * CHANCE + c, c, {s.k: 2, s.N_e: 8}) == c
    assert symroof.asymptote(c - c, c) == 0


# --- a prefill is the sum of its decode steps -----------------------------------------------------------------------


def steps_and_whole(whole):
    """The sum over decode steps of what a query of n new tokens after c takes at once, and that."""
    return symroof.sum_over(whole.xreplace({n: Integer(1)}), c, c, c + n - 1), whole


ADDITIVE = [mask.pairs for mask in masks.MASKS.values() if mask.pairs != s.P_prompt] + [
    s.P_comp, s.P_sel, s.T_comp, s.P_pool, s.P_score, s.T_pool, s.T_conv, s.T_ssd, s.T_delta, s.T_lru, s.T_read
]  # fmt: skip


@pytest.mark.parametrize("pairs", ADDITIVE, ids=str)
def test_pairs_of_every_mask_are_those_of_its_steps(pairs):
    whole = Binding(rules.STANDARD)(pairs)
    assert symroof.prove(*steps_and_whole(whole))


LINEAGES = [
    "llama-3.1-8b", "gemma-3-12b", "llama-4-scout", "gpt-oss-120b", "deepseek-v3", "deepseek-v3.2", "deepseek-v4-flash",
    "kimi-k2", "mamba-codestral-7b", "nemotron-3-nano-30b-a3b", "qwen3-next-80b-a3b", "jamba-v0.1",
]  # fmt: skip


@pytest.mark.parametrize("name", LINEAGES)
def test_flop_of_a_prefill_are_those_of_its_decode_steps(name):
    begin = perf_counter()
    whole = symroof.load(name).formula("flops", rules="latent-absorbed", logits="all", uniform=True)
    assert symroof.prove(*steps_and_whole(whole))
    assert perf_counter() - begin < 30  # 3 s on a free core


def test_logits_of_the_last_token_alone_are_no_sum_of_steps():
    whole = symroof.load("llama-3.1-8b").formula("flops", uniform=True)
    total, _ = steps_and_whole(whole)
    assert symroof.prove(total, whole).holds is False
    assert symroof.prove(total - whole, (n - 1) * sp.expand(whole).coeff(s.V) * s.V)


def test_expanded_latents_are_projected_again_at_every_step():
    model = symroof.load("deepseek-v3")
    options = {"rules": "latent-expanded", "logits": "all"}
    total, whole = steps_and_whole(model.formula("flops", uniform=True, **options))
    assert symroof.prove(total, whole).holds is False
    per_cached_token = sp.expand(model.formula("flops", **options)).coeff(s.C)
    again = symroof.sum_over(c, c, c, c + n - 1) - c
    assert symroof.prove(total - whole, s.B * per_cached_token * again)


def test_transformers_scans_of_whole_chunks_are_no_sum_of_steps():
    whole = symroof.load("mamba-codestral-7b").formula("flops", rules="transformers", uniform=True)
    assert symroof.prove(*steps_and_whole(whole)).holds is False


# --- formulas of several models -------------------------------------------------------------------------------------


def test_symbols_of_two_models_do_not_mix():
    one, other = (symroof.namespaced(name) for name in ("llama-3.1-8b", "gemma-3-12b"))
    gap = one.formula("cache_bytes", uniform=True) - other.formula("cache_bytes", uniform=True)
    values = {s.B: 2, c: 5000, n: 1}
    expected = [
        x.model.formula("cache_bytes", uniform=True).xreplace({**x.model.known(), **values}) for x in (one, other)
    ]
    assert gap.xreplace({**one.values, **other.values, **values}) == expected[0] - expected[1]
    assert one.names[s.f] != other.names[s.f]
    assert {s.B, c, n} <= gap.free_symbols
    assert not gap.free_symbols & {s.h, s.H_kv, s.b_c}


def test_symbols_of_a_model_are_in_the_vocabulary():
    named = symroof.namespaced("deepseek-v3")
    for x, y in named.names.items():
        old, new = s.entry(str(x)), s.entry(str(y))
        assert (new.base, new.group, new.unit, new.whole) == (old.base, old.group, old.unit, old.whole)
        assert s.takes_whole_numbers(x) == s.takes_whole_numbers(y)
    assert sp.latex(named.names[s.r_kv]) == "r_{kv deepseek v3}"
    assert s.N_x in named.names
    assert s.T not in named.names
    assert named.definitions()[named.names[s.N_x]].free_symbols == {named.names[s.N_e], named.names[s.k], s.T}


def test_a_models_name_that_reads_like_an_index_is_set_off():
    from symroof.analysis.namespace import symbol_of_model

    assert symbol_of_model(s.f, "e-5") == Symbol("f_of_e_5", positive=True)
    assert s.entry("f_of_e_5").base == "f"
