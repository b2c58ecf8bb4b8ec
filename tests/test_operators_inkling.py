"""Attention with biases by distance, convolutions added to their input, shared experts that the router weighs."""

import math
from functools import reduce
from operator import add

import counting
import pytest
from counting import Tape, dot
from kinds import Run
from kinds_streams import convolved_and_added
from test_operators import matches, rows, sums

import symroof
from symroof import symbols as s
from symroof.architecture.kinds.attention_variants import RelativeAttention
from symroof.blocks.attention import relative
from symroof.cost.cost import sum_costs
from symroof.ops import dense, experts
from symroof.ops.recurrent import convolution_and_state

INKLING = {
    "model_type": "inkling_text",
    "hidden_size": 6,
    "intermediate_size": 7,
    "num_hidden_layers": 4,
    "vocab_size": 11,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 4,
    "swa_num_attention_heads": 2,
    "swa_num_key_value_heads": 1,
    "swa_head_dim": 3,
    "sliding_window_size": 3,
    "d_rel": 2,
    "rel_extent": 5,
    "layer_types": ["hybrid", "hybrid_sliding", "hybrid_sliding", "hybrid"],
    "moe_intermediate_size": 3,
    "mlp_layer_types": ["dense", "sparse", "sparse", "sparse"],
    "n_routed_experts": 5,
    "num_experts_per_tok": 2,
    "n_shared_experts": 2,
    "torch_dtype": "bfloat16",
}


def convolved(tape: Tape, new: list, cached: int, k: int) -> list:
    """A causal convolution of one query's rows, added to them."""
    return convolved_and_added(tape, Run(len(new), cached, {}), new, k)


@pytest.mark.parametrize(("new", "cached"), [(1, 0), (1, 7), (5, 0), (3, 4)])
def test_a_convolution_added_to_its_input(new: int, cached: int) -> None:
    tape = Tape()
    x = rows(tape, new, 3)
    with tape.op("conv") as tally:
        convolved(tape, x, cached, 4)
    cost = convolution_and_state.convolve_added(s.d)
    matches(cost, tally, {s.d: 3, s.k_c: 4, s.u_c: 3, **sums([(new, cached)], cost)})


@pytest.mark.parametrize("T", [1, 3])
def test_one_learned_factor(T: int) -> None:
    tape = Tape()
    x = rows(tape, T, 5)
    with tape.op("factor") as tally:
        [g] = tape.table("n", 1)
        tape.store([[g * y for y in row] for row in x])
    matches(dense.scale_by_number(s.T, s.d), tally, {s.T: T, s.d: 5})


@pytest.mark.parametrize(("N_e", "k", "others"), [(4, 2, 1), (3, 1, 2)])
def test_a_router_that_weighs_shared_experts(N_e: int, k: int, others: int) -> None:
    tape = Tape()
    x = rows(tape, 3, 5)
    with tape.op("router") as tally:
        weights = tape.table("r", N_e + others, 5)
        logits = [[dot(row, column) for column in weights] for row in x]
        chosen = [counting.best(row[:N_e], k) for row in logits]
        tape.store(
            [
                [counting.sigmoid(y) if e in sent or e >= N_e else 0.0 for e, y in enumerate(row)]
                for row, sent in zip(logits, chosen, strict=True)
            ]
        )
    cost = experts.route(s.T, s.d, others=s.N_s)
    matches(cost, tally, {s.T: 3, s.d: 5, s.N_e: N_e, s.k: k, s.N_s: others})


def biased(query: list, keys: list, values: list, biases: list, position: int) -> list:
    """One query head: a bias for each of the last keys is added to its score, 0 to those farther back."""
    scores = [dot(query, key) * (1 / math.sqrt(len(query))) for key in keys]
    far = [position - m for m in range(len(keys))]
    weights = counting.softmax([x + (biases[i] if i < len(biases) else 0.0) for x, i in zip(scores, far, strict=True)])
    return [dot(weights, column) for column in zip(*values, strict=True)]


def run(new: int, cached: int, d: int, H_q: int, H_kv: int, h: int, d_b: int, e_b: int, k_c: int) -> Tape:
    tape = Tape()
    x = rows(tape, new, d)
    with tape.op("qkvr"):
        flat = counting.linear(tape, x, H_q * (h + d_b) + 2 * H_kv * h)
    q, r = [row[: H_q * h] for row in flat], [row[H_q * h : H_q * (h + d_b)] for row in flat]
    with tape.op("conv"):
        kv = convolved(tape, [row[H_q * (h + d_b) :] for row in flat], cached, k_c)
    kv = [counting.split(row, 2 * H_kv) for row in kv]
    with tape.op("qk_norm"):
        q = counting.norm_heads(tape, [counting.split(row, H_q) for row in q], "rms")
        k = counting.norm_heads(tape, [row[:H_kv] for row in kv], "rms")
    with tape.op("relative"):
        flat = counting.linear(tape, [part for row in r for part in counting.split(row, H_q)], e_b)
    biases = [flat[i : i + H_q] for i in range(0, len(flat), H_q)]
    with tape.op("temperature"):
        both = [[[*a, *b] for a, b in zip(*pair, strict=True)] for pair in zip(q, biases, strict=True)]
        both = counting.temper(tape, both)
    with tape.op("attend") as tally:
        keys, values = tape.filled("c", cached, H_kv, h) + k, tape.filled("c", cached, H_kv, h) + [y[H_kv:] for y in kv]
        group = H_q // H_kv
        out = [
            [
                biased(
                    head[:h],
                    [y[i // group] for y in keys[: cached + t + 1]],
                    [y[i // group] for y in values[: cached + t + 1]],
                    head[h:],
                    cached + t,
                )
                for i, head in enumerate(row)
            ]
            for t, row in enumerate(both)
        ]
        tape.store([keys[cached:], values[cached:]], "c")
        tally.kept["c"] += 2 * (cached + new) * H_kv * h
        y = tape.store(out)
    with tape.op("out"):
        counting.linear(tape, [reduce(add, row) for row in y], d, "o")
    return tape


@pytest.mark.parametrize(("new", "cached"), [(1, 3), (4, 5)])
def test_attention_with_biases_by_distance(new: int, cached: int) -> None:
    sizes = {"d": 5, "H_q": 4, "H_kv": 2, "h": 3, "d_b": 2, "e_b": 3, "k_c": 4}
    tape = run(new, cached, **sizes)
    ops = {op.name: op.cost for op in relative.build_relative_attention(RelativeAttention(temperature=True))}
    assert list(ops) == list(tape.tallies)
    values = {s.symbol(name): x for name, x in sizes.items()} | {s.u_c: sizes["k_c"] - 1}
    for name, cost in ops.items():
        matches(cost, tape.tallies[name], values | sums([(new, cached)], sum_costs([cost])))


def test_a_prefill_is_as_much_work_as_its_tokens_one_by_one() -> None:
    def work(new: int, cached: int) -> tuple[int, int]:
        cost = symroof.load(INKLING).report(new, cached, logits="all").total
        return cost.matmul, cost.vector

    assert tuple(map(sum, zip(*(work(1, i) for i in range(7)), strict=True))) == work(7, 0)
