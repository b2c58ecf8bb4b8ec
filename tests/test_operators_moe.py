"""Routed heads of attention against a run of them on numbers that count, and laws of models with experts."""

from itertools import chain

import counting
import pytest
from counting import Num, Tape
from test_operators import matches, rows, sums

import symroof
from symroof import symbols as s
from symroof.architecture.kinds.attention_variants import RoutedAttention
from symroof.blocks.attention import routed
from symroof.cost.cost import sum_costs

JETMOE = {
    "model_type": "jetmoe",
    "hidden_size": 6,
    "intermediate_size": 7,
    "num_hidden_layers": 3,
    "vocab_size": 11,
    "num_key_value_heads": 2,
    "kv_channels": 4,
    "num_local_experts": 5,
    "num_experts_per_tok": 2,
    "torch_dtype": "bfloat16",
}
LAGUNA = {
    "model_type": "laguna",
    "hidden_size": 6,
    "intermediate_size": 7,
    "num_hidden_layers": 4,
    "vocab_size": 11,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 4,
    "moe_intermediate_size": 3,
    "shared_expert_intermediate_size": 5,
    "num_experts": 6,
    "num_experts_per_tok": 2,
    "sliding_window": 3,
    "layer_types": ["full_attention", "sliding_attention", "sliding_attention", "full_attention"],
    "num_attention_heads_per_layer": [4, 2, 6, 4],
    "torch_dtype": "bfloat16",
}
MIXTRAL = {
    "model_type": "mixtral",
    "hidden_size": 6,
    "intermediate_size": 7,
    "num_hidden_layers": 2,
    "vocab_size": 11,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_local_experts": 1,
    "num_experts_per_tok": 1,
    "head_dim": 4,
    "torch_dtype": "bfloat16",
}


class Heads:
    """Attention with routed heads, one operator after the other."""

    def __init__(self, new: int, cached: int, d: int, H_kv: int, h: int, N_e: int, k: int) -> None:
        self.tape = tape = Tape()
        x = rows(tape, new, d)
        with tape.op("router"):
            scores, chosen = counting.route(tape, x, N_e, k)
        with tape.op("dispatch"):
            copies = tape.store([[row] * k for row in x])
        with tape.op("experts.q"):
            q = counting.expert_linear(tape, copies, chosen, N_e, H_kv * h)
        with tape.op("kv"):
            kv = [counting.split(row, 2 * H_kv) for row in counting.linear(tape, x, 2 * H_kv * h)]
        q = [list(chain.from_iterable(counting.split(part, H_kv) for part in row)) for row in q]
        with tape.op("rope"):
            turned = counting.rotate(tape, [a + b[:H_kv] for a, b in zip(q, kv, strict=True)], cached)
        keys, values = [row[k * H_kv :] for row in turned], [row[H_kv:] for row in kv]
        cache = [tuple(tape.filled("c", 2, H_kv, h)) for _ in range(cached)]
        with tape.op("attend"):
            y = counting.attend(tape, [row[: k * H_kv] for row in turned], keys, values, cache, lambda i, j: True)
        y = [[list(chain(*part)) for part in counting.split(row, k)] for row in y]
        with tape.op("experts.out"):
            y = counting.expert_linear(tape, y, chosen, N_e, d)
        with tape.op("combine"):
            y = [weighed(row, [scores[t][e] for e in chosen[t]]) for t, row in enumerate(y)]
            with tape.aside("bias"):
                y = counting.shifted(tape, y)
            tape.store(y)
        self.touched = len(set(chain(*chosen)))


def weighed(parts: list, weights: list[Num]) -> list:
    """The sum of parts, each times its weight."""
    summed = [x * weights[0] for x in parts[0]]
    for part, weight in zip(parts[1:], weights[1:], strict=True):
        summed = [y + x * weight for y, x in zip(summed, part, strict=True)]
    return summed


@pytest.mark.parametrize(("new", "cached"), [(1, 0), (4, 0), (3, 5)])
@pytest.mark.parametrize(("N_e", "k"), [(1, 1), (4, 2)])
def test_routed_heads(new: int, cached: int, N_e: int, k: int) -> None:
    z = {"d": 5, "H_kv": 2, "h": 4, "N_e": N_e, "k": k}
    run = Heads(new, cached, 5, 2, 4, N_e, k)
    ops = {op.name: op.cost for op in routed.build_routed_attention(RoutedAttention(sum_bias=True))}
    assert list(ops) == list(run.tape.tallies)
    values = {s.symbol(name): x for name, x in z.items()} | {s.k_run: k, s.N_x: run.touched}
    for name, cost in ops.items():
        matches(cost, run.tape.tallies[name], values | sums([(new, cached)], sum_costs([cost])))


def figures(config: dict, new: int, cached: int = 0) -> tuple:
    cost = symroof.load(config).report(new, cached, logits="all").total
    return cost.matmul, cost.vector


@pytest.mark.parametrize("config", [JETMOE, LAGUNA, MIXTRAL])
def test_a_prefill_is_as_much_work_as_its_tokens_one_by_one(config: dict) -> None:
    steps = [figures(config, 1, i) for i in range(7)]
    assert tuple(map(sum, zip(*steps, strict=True))) == figures(config, 7)


@pytest.mark.parametrize("config", [JETMOE, LAGUNA, MIXTRAL])
def test_a_prefill_in_chunks_is_as_much_work_as_in_one(config: dict) -> None:
    steps = [figures(config, 4), figures(config, 3, 4)]
    assert tuple(map(sum, zip(*steps, strict=True))) == figures(config, 7)


def test_one_expert_is_a_dense_network() -> None:
    dense = {**MIXTRAL, "model_type": "llama", "num_hidden_layers": 2}
    ours, theirs = symroof.load(MIXTRAL), symroof.load(dense)
    routers = 2 * MIXTRAL["hidden_size"]
    assert ours.parameters.total == theirs.parameters.total + routers
    assert figures(MIXTRAL, 5)[0] == figures(dense, 5)[0] + 2 * 5 * routers


def test_heads_of_one_expert_are_those_of_plain_attention() -> None:
    one = {**JETMOE, "num_local_experts": 1, "num_experts_per_tok": 1}
    plain = {**one, "model_type": "mixtral", "num_attention_heads": 2, "head_dim": 4, "tie_word_embeddings": True}
    extra = one["num_hidden_layers"] * one["hidden_size"]
    assert symroof.load(one).parameters.total == symroof.load(plain).parameters.total + 3 * extra
    assert figures(one, 5)[0] == figures(plain, 5)[0] + 2 * 5 * extra


def test_layers_that_differ_in_heads_hold_what_each_needs() -> None:
    held = symroof.load(LAGUNA).report(9, 0, dtype="bf16").storage.cache
    assert held == 2 * 2 * 2 * 4 * (2 * 9 + 2 * 3)  # bytes, keys and values, KV heads, head size, tokens by layer
