"""Linear attention, gated recurrences, short convolutions, attention over depth and to blocks: counted and by law."""

from collections.abc import Iterator
from functools import reduce
from itertools import accumulate, product
from operator import add

import counting
import pytest
from counting import Num, Tape, dot
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Integer, sympify
from test_operators import matches, rows, sums

import symroof
from symroof import symbols as s
from symroof.architecture.kinds.linear_attention import DeltaNet, GatedRecurrence, LightningAttention, ShortConvolution
from symroof.blocks.recurrent import linear as blocks
from symroof.cost import batch_sums, rules
from symroof.cost.batch import Query
from symroof.cost.cost import sum_costs
from symroof.errors import ConfigError
from symroof.ops.attention import grouped
from symroof.ops.recurrent import linear
from symroof.ops.recurrent.convolution_and_state import convolve
from symroof.ops.residual import depth

BATCHES = [[(1, 0)], [(1, 7)], [(4, 0)], [(3, 5)], [(2, 4), (1, 0), (3, 3)]]


def state(tape: Tape, cached: int, *shape: int) -> list:
    """A state in memory where the query goes on from one, else zeros that are no elements of it."""
    return tape.filled("s" if cached else "", *shape)


def spans(batch: list[tuple[int, int]]) -> Iterator[tuple[range, int]]:
    """The rows of each query's new tokens, and its cached tokens."""
    starts = accumulate((new for new, _ in batch), initial=0)
    return ((range(start, start + new), cached) for start, (new, cached) in zip(starts, batch, strict=False))


def keep(tape: Tape, values: list, role: str = "s") -> None:
    """Write a state back and keep it."""
    before = tape.tally.written[role]
    tape.store(values, role)
    tape.tally.kept[role] += tape.tally.written[role] - before


def added(tape: Tape, old: Num, x: Num, y: Num) -> Num:
    """old + x y, on the matmul unit."""
    tape.unit = "matmul"
    result = old + x * y
    tape.unit = "vector"
    return result


def unit(tape: Tape, heads: list, shrink: bool) -> list:
    """Each head over its length, and over the root of its size where it shall `shrink`."""
    lengths = [[(reduce(add, [x * x for x in head]) + counting.EPS).sqrt() for head in row] for row in heads]
    out = [[[x / y for x in head] for head, y in zip(*pair, strict=True)] for pair in zip(heads, lengths, strict=True)]
    return [[[x * len(head) ** -0.5 for x in head] for head in row] for row in out] if shrink else out


@pytest.mark.parametrize("T", [1, 3])
def test_queries_and_keys_of_length_one(T: int) -> None:
    tape = Tape()
    q, k = rows(tape, T, 2, 5), rows(tape, T, 2, 5)
    with tape.op("qk_norm") as tally:
        tape.store([unit(tape, q, shrink=True), unit(tape, k, shrink=False)])
    matches(linear.normalize_queries_keys(s.T, s.H_k, s.d_k), tally, {s.T: T, s.H_k: 2, s.d_k: 5})


def softplus(x: Num) -> Num:
    """log(1 + exp(x)): 3 operations."""
    return (x.exp() + 1)._result("log", 0.5)


def decayed(y: Num, shift: Num, rate: Num, bounded: bool) -> Num:
    """exp(-A softplus(y + s)), the sign in A, or exp(m sigmoid(A (y + s)))."""
    if bounded:
        return (counting.sigmoid((y + shift) * rate) * -5.0).exp()
    return (softplus(y + shift) * rate).exp()


@pytest.mark.parametrize("T", [1, 3])
@pytest.mark.parametrize("each", [1, 4])
@pytest.mark.parametrize(("bounded", "doubled"), [(False, False), (False, True), (True, False)])
def test_decays_and_what_a_key_overwrites(T: int, each: int, bounded: bool, doubled: bool) -> None:
    tape, heads = Tape(), 3
    x, y = rows(tape, T, heads), rows(tape, T, heads * each)
    with tape.op("decay") as tally:
        rates, shifts = tape.table("n", heads), tape.table("n", heads * each)
        tape.store([[counting.sigmoid(b) * 2 if doubled else counting.sigmoid(b) for b in row] for row in x])
        tape.store([[decayed(a, shifts[i], rates[i // each], bounded) for i, a in enumerate(row)] for row in y])
    cost = linear.decay_rates(s.T, s.H_v, s.H_v * each, bounded, doubled)
    matches(cost, tally, {s.T: T, s.H_v: heads})


def delta_head(tape: Tape, S: list, q: list, k: list, v: list, a: list, b: Num) -> list:
    """One token of one head: the state [key][value] is decayed, corrected where the key points, and read."""
    S[:] = [[x * a[i % len(a)] for x in row] for i, row in enumerate(S)]
    told = [dot(k, list(column)) for column in zip(*S, strict=True)]
    wrong = [(x - y) * b for x, y in zip(v, told, strict=True)]
    S[:] = [[added(tape, x, k[i], y) for x, y in zip(row, wrong, strict=True)] for i, row in enumerate(S)]
    return [dot(q, list(column)) for column in zip(*S, strict=True)]


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize(("H_k", "H_v", "each"), [(1, 2, 1), (2, 2, 3), (2, 6, 1)])
def test_the_delta_rule_token_by_token(batch: list[tuple[int, int]], H_k: int, H_v: int, each: int) -> None:
    tape, d_k, d_v = Tape(), 3, 4
    T, out = sum(new for new, _ in batch), []
    q, k = rows(tape, T, H_k, d_k), rows(tape, T, H_k, d_k)
    v, a, b = rows(tape, T, H_v, d_v), rows(tape, T, H_v, each), rows(tape, T, H_v)
    with tape.op("scan") as tally:
        for tokens, cached in spans(batch):
            S = state(tape, cached, H_v, d_k, d_v)
            for t, m in product(tokens, range(H_v)):
                g = m * H_k // H_v
                out.append(delta_head(tape, S[m], q[t][g], k[t][g], v[t][m], a[t][m], b[t][m]))
            keep(tape, S)
        tape.store(out)
    cost = linear.delta_rule(s.T, s.H_k, s.H_v, s.d_k, s.d_v, s.H_v * each)
    matches(cost, tally, {s.H_k: H_k, s.H_v: H_v, s.d_k: d_k, s.d_v: d_v, **sums(batch, cost)})


@pytest.mark.parametrize("batch", BATCHES)
def test_lightning_attention_token_by_token(batch: list[tuple[int, int]]) -> None:
    tape, H, h, out = Tape(), 2, 3, []
    T = sum(new for new, _ in batch)
    q, k, v = (rows(tape, T, H, h) for _ in range(3))
    with tape.op("scan") as tally:
        for tokens, cached in spans(batch):
            S = tape.filled("c" if cached else "", H, h, h)
            for t, m in product(tokens, range(H)):
                decayed_rows = [[x * 0.5 for x in row] for row in S[m]]
                S[m] = [
                    [added(tape, x, k[t][m][i], y) for x, y in zip(row, v[t][m], strict=True)]
                    for i, row in enumerate(decayed_rows)
                ]
                out.append([dot(q[t][m], list(column)) for column in zip(*S[m], strict=True)])
            keep(tape, S, "c")
        tape.store(out)
    cost = linear.lightning_attention(s.T, s.H_q, s.h)
    matches(cost, tally, {s.H_q: H, s.h: h, **sums(batch, cost)})


@pytest.mark.parametrize(("T", "parts"), [(1, 1), (3, 2), (2, 3)])
def test_gates_in_blocks(T: int, parts: int) -> None:
    tape, d = Tape(), 6
    x = rows(tape, T, d)
    with tape.op("gates") as tally:
        size = d // parts
        for _ in range(2):
            weights, shift = tape.table("w", parts, size, size), tape.table("n", parts, size)
            tape.store(
                [
                    [
                        dot(part, weights[b][i]) + shift[b][i]
                        for b, part in enumerate(counting.split(row, parts))
                        for i in range(size)
                    ]
                    for row in x
                ]
            )
    matches(linear.block_gates(s.T, s.d_r, s.H_q), tally, {s.T: T, s.d_r: d, s.H_q: parts})


def complement(x: Num) -> Num:
    """1 - x."""
    return x._result("sub", abs(1 - x.value), 1)


@pytest.mark.parametrize("batch", BATCHES)
def test_a_gated_recurrence_token_by_token(batch: list[tuple[int, int]]) -> None:
    tape, d, out = Tape(), 3, []
    x, i, r = (rows(tape, sum(new for new, _ in batch), d) for _ in range(3))
    with tape.op("scan") as tally:
        rates = tape.table("n", d)
        for tokens, cached in spans(batch):
            h = state(tape, cached, d)
            for t in tokens:
                a = [(counting.sigmoid(y) * A).exp() for y, A in zip(r[t], rates, strict=True)]
                kept = [complement(y * y).sqrt() for y in a]
                put = [g * counting.sigmoid(j) * y for g, j, y in zip(kept, i[t], x[t], strict=True)]
                h = [y * z + u for y, z, u in zip(a, h, put, strict=True)]
                out.append(h)
            keep(tape, h)
        tape.store(out)
    cost = linear.gated_recurrence(s.T, s.d_r)
    matches(cost, tally, {s.d_r: d, **sums(batch, cost)})


@pytest.mark.parametrize("T", [1, 3])
def test_product(T: int) -> None:
    tape = Tape()
    x, y = rows(tape, T, 5), rows(tape, T, 5)
    with tape.op("product") as tally:
        tape.store([[a * b for a, b in zip(*pair, strict=True)] for pair in zip(x, y, strict=True)])
    matches(linear.multiply_elements(s.T, s.d), tally, {s.T: T, s.d: 5})


@pytest.mark.parametrize(("T", "terms"), [(1, [2]), (3, [2, 2, 3])])
def test_weighted_sums_over_depth(T: int, terms: list[int]) -> None:
    tape, d = Tape(), 4
    with tape.op("mix") as tally:
        for count in [0, *terms]:  # the first sum has one term and does not run; it has its weights all the same
            g, w = tape.table("n", d), tape.table("n", d)
            for x in [*g, *w]:
                tally.touch(x)
            for _ in range(T if count else 0):
                sources = rows(tape, count, d)
                keys = [[y * z for y, z in zip(counting.normalised(row), g, strict=True)] for row in sources]
                shares = counting.softmax([dot(key, w) for key in keys])
                tape.store([dot(shares, list(column)) for column in zip(*sources, strict=True)])
    cost = depth.sums_over_depth(s.T, s.d, s.N_mix, s.X_mix)
    matches(cost, tally, {s.T: T, s.d: d, s.N_mix: len(terms) + 1, s.X_mix: sum(terms)})


# Attention to blocks of keys.


def seen(position: int, w: int, k: int) -> int:
    """Keys a token sees: itself, those before it in its block, and k - 1 earlier whole blocks or all there are."""
    return position % w + 1 + min(k - 1, position // w) * w


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 9), st.integers(0, 40), st.integers(1, 4), st.integers(1, 4))
def test_pairs_of_attention_to_blocks(new: int, cached: int, w: int, k: int) -> None:
    sizes = {s.w_i: w, s.k_b: k}
    found = batch_sums.sum_over_queries([Query(new, cached)], rules.STANDARD, sizes, {s.P_block, s.C_block, s.K})
    assert found[s.P_block] == sum(seen(p, w, k) for p in range(cached, cached + new))
    assert found[s.K] == cached + new
    if new == 1:
        assert found[s.C_block] == seen(cached, w, k) - 1
    assert found[s.C_block] <= cached


@pytest.mark.parametrize(("new", "cached"), [(1, 0), (1, 6), (3, 4)])
def test_an_indexer_of_blocks(new: int, cached: int) -> None:
    tape, H, h = Tape(), 2, 3
    q, k = rows(tape, new, H, h), rows(tape, new, h)
    with tape.op("index") as tally:
        keys = [*tape.filled("c", cached, h), *k]
        for t, m in product(range(new), range(H)):
            scores = [dot(q[t][m], key) for key in keys[: cached + t + 1]]
            for score in scores:
                score.exceeds(0.0)
            tape.store([Num(tape, 0.0)] * 2)
        tape.store(k, "c")
        tally.kept["c"] += (cached + new) * h
    cost = grouped.index_blocks(s.T, s.H_i, s.h_i)
    matches(cost, tally, {s.H_i: H, s.h_i: h, s.k_b: 2, **sums([(new, cached)], cost)})


# Laws.

KINDS = {
    "delta": (blocks.build_delta_net(DeltaNet()), s.d, 0),
    "channels": (blocks.build_delta_net(DeltaNet(decay="channel", bounded=True)), s.d, 0),
    "low_rank": (blocks.build_delta_net(DeltaNet(decay="low_rank", doubled=True, gate="low_rank")), s.d, 0),
    "lightning": (blocks.build_lightning_attention(LightningAttention()), 2 * s.d, 0),
    "recurrence": (blocks.build_gated_recurrence(GatedRecurrence()), s.d, s.d_r),  # what it scans gates it as well
    "convolution": (blocks.build_short_convolution(ShortConvolution(bias=True)), s.d, 0),
}


@pytest.mark.parametrize("name", KINDS)
def test_what_one_operator_writes_the_next_reads(name: str) -> None:
    ops, stream, again = KINDS[name]
    read, written = (sum(getattr(op.cost, side) for op in ops) for side in ("act_read", "act_write"))
    assert (read - s.T * (stream + again) * s.b_a - (written - ops[-1].cost.act_write)).expand() == 0


@pytest.mark.parametrize("name", KINDS)
def test_a_mixer_is_linear_in_tokens_and_keeps_the_same_at_any_context(name: str) -> None:
    cost = sum_costs(op.cost for op in KINDS[name][0])
    moving = ("matmul", "vector", "act_read", "act_write")
    at = {
        n: batch_sums.sum_over_queries([Query(n, c)], rules.STANDARD, {}, batch_symbols()) for n, c in ((1, 0), (7, 0))
    }
    for part in moving:
        assert bound(getattr(cost, part), at[7]) == 7 * bound(getattr(cost, part), at[1])
    assert bound(cost.cache_held, at[7]) == bound(cost.cache_held, at[1]) != 0
    first, later = (batch_sums.sum_over_queries([Query(3, c)], rules.STANDARD, {}, batch_symbols()) for c in (0, 1000))
    assert bound(cost.matmul, first) == bound(cost.matmul, later)
    assert bound(cost.cache_read, first) == 0 != bound(cost.cache_read, later)


def batch_symbols() -> set:
    return {s.T, s.B, s.B_old, s.T_conv, s.T_delta, s.P_delta, s.P_light, s.T_lru}


def bound(expr, values: dict):
    """The expression at a step, each size a prime of its own."""
    sizes = {
        x: Integer(p)
        for x, p in zip(
            (s.d, s.H_k, s.H_v, s.d_k, s.d_v, s.d_r, s.H_q, s.h, s.k_c, s.u_c),
            (101, 3, 5, 7, 11, 13, 17, 19, 4, 3),
            strict=True,
        )
    }
    known = {**sizes, **{x: Integer(n) for x, n in values.items()}, s.phi: Integer(1), s.sigma: Integer(0)}
    return sympify(expr).xreplace(known)


CONFIG = {
    "model_type": "qwen3_next",
    "vocab_size": 11,
    "hidden_size": 8,
    "intermediate_size": 7,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 4,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 3,
    "linear_value_head_dim": 5,
    "moe_intermediate_size": 3,
    "shared_expert_intermediate_size": 2,
    "num_experts": 5,
    "num_experts_per_tok": 2,
    "torch_dtype": "bfloat16",
}


def linear_flops(config: dict, new: int, cached: int, **form) -> int:
    found = symroof.load(config).report(new, cached, **form)
    return sum(row.all.flops for row in found.rows if row.role in ("recurrence", "recurrence_core"))


def test_a_prefill_costs_what_its_decode_steps_cost_together() -> None:
    whole = linear_flops(CONFIG, 9, 0)
    assert whole == sum(linear_flops(CONFIG, 1, c) for c in range(9))
    assert whole == linear_flops(CONFIG, 4, 0) + linear_flops(CONFIG, 5, 4)


@pytest.mark.parametrize("tokens", [1, 63, 64, 65])
def test_transformers_pads_a_prompt_to_chunks_of_64(tokens: int) -> None:
    form = {"rules": "transformers"}
    padded = -(-tokens // 64) * 64
    cores = [
        sum(row.all.matmul for row in symroof.load(CONFIG).report(n, **form).rows if row.op == "scan")
        for n in (tokens, padded)
    ]
    assert cores[0] == cores[1] > 0
    assert not [row for row in symroof.load(CONFIG).report(1, 5, **form).rows if row.op == "scan" and row.all.flops]


def test_the_convolution_of_a_gated_recurrence_is_none_for_one_token() -> None:
    cost = convolve(s.d_r, positions=s.T_lru, columns=s.k_c - 1)
    for n, positions in ((1, 0), (2, 5), (6, 9)):
        found = batch_sums.sum_over_queries([Query(n, 3)], rules.TRANSFORMERS, {s.k_c: 4}, {s.T_lru})
        assert found[s.T_lru] == positions
    assert cost.cache_held == s.B * s.d_r * (s.k_c - 1) * s.b_c


# What configs say.


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"linear_num_value_heads": 3}, "value heads (linear_num_value_heads=3) are not a multiple of key heads"),
        ({"layer_types": ["linear_attention"] * 3 + ["conv"]}, "key 'layer_types' holds 'conv'"),
        ({"linear_key_head_dim": None}, "key 'linear_key_head_dim' is missing"),
    ],
)
def test_a_wrong_key_is_told(given: dict, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        symroof.load(CONFIG | given)
    assert told in str(caught.value)


KIMI = {
    "model_type": "kimi_linear",
    "vocab_size": 11,
    "hidden_size": 8,
    "intermediate_size": 7,
    "num_hidden_layers": 5,
    "num_attention_heads": 4,
    "kv_lora_rank": 6,
    "qk_nope_head_dim": 4,
    "qk_rope_head_dim": 2,
    "v_head_dim": 3,
    "num_experts": 5,
    "num_experts_per_token": 2,
    "num_shared_experts": 1,
    "moe_intermediate_size": 3,
    "linear_attn_config": {
        "head_dim": 3,
        "num_heads": 4,
        "short_conv_kernel_size": 4,
        "kda_layers": [1, 2, 4, 5],
        "full_attn_layers": [3],
    },
}


def test_layers_of_kimi_linear_are_listed_from_one() -> None:
    sizes = symroof.load(KIMI).architecture.sizes
    assert (sizes["L_lin"], sizes["L_full"], sizes["H_v"], sizes["d_k"]) == (4, 1, 4, 3)
    for listed, told in (
        ([1, 1, 2, 4], "must list each of the layers 1 to 5 once"),
        ([0, 1, 2, 4], "'kda_layers' lists 0: each must be a whole number from 1 to 5"),
    ):
        inner = {**KIMI["linear_attn_config"], "kda_layers": listed}
        with pytest.raises(ConfigError, match=told):
            symroof.load({**KIMI, "linear_attn_config": inner})


@pytest.mark.parametrize(("count", "step", "terms"), [(1, 1, 2 + 2), (3, 2, 2 + 2 + 2 + 2 + 3 + 3)])
def test_terms_of_sums_over_depth(count: int, step: int, terms: int) -> None:
    """Before attention: all complete blocks and the one begun, none ahead of the first; before networks; at the end."""
    inner = {**KIMI["linear_attn_config"], "kda_layers": list(range(1, count + 1)), "full_attn_layers": []}
    config = {**KIMI, "num_hidden_layers": count, "attn_res_block_size": step, "linear_attn_config": inner}
    sizes = symroof.load(config).architecture.sizes
    assert (sizes["N_mix"], sizes["X_mix"]) == (2 * count + 1, terms)


@pytest.mark.parametrize(
    ("given", "f"),
    [
        ({}, 512),
        ({"block_auto_adjust_ff_dim": False}, 600),
        ({"block_multiple_of": 8}, 400),
        ({"block_ffn_dim_multiplier": 1.5, "block_multiple_of": 7}, 602),
        ({"block_ffn_dim_multiplier": None}, 400),
    ],
)
def test_width_of_a_network_of_lfm2(given: dict, f: int) -> None:
    config = {
        "model_type": "lfm2",
        "vocab_size": 11,
        "hidden_size": 8,
        "intermediate_size": 600,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "conv_L_cache": 3,
        "layer_types": ["conv", "full_attention"],
    }
    assert symroof.load(config | given).architecture.sizes["f"] == f
