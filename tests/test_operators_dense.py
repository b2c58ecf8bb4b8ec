"""Differential attention and an activation with weights against runs of them on numbers that count; laws of types."""

from itertools import chain
from typing import Any

import counting
import pytest
from counting import Num, Tape, split
from test_operators import matches, rows, sums

import symroof
from symroof import symbols as s
from symroof.architecture.kinds.attention_variants import DifferentialAttention
from symroof.blocks.attention import differential
from symroof.cost.cost import sum_costs
from symroof.ops import dense

SMALL = {
    "model_type": "llama",
    "hidden_size": 8,
    "intermediate_size": 7,
    "num_hidden_layers": 4,
    "vocab_size": 11,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 2,
    "torch_dtype": "bfloat16",
}


def causal(query: int, key: int) -> bool:
    return key <= query


def minus(first: list, second: list, factor: Num) -> list:
    """Half of the heads less a multiple of the others."""
    return [[x - y * factor for x, y in zip(*pair, strict=True)] for pair in zip(first, second, strict=True)]


class Differential:
    """Differential attention, one operator after the other: both calls of attention share the first one's cache."""

    def __init__(self, new: int, cached: int, d: int, H_q: int, H_kv: int, h: int, bias: bool) -> None:
        self.tape = tape = Tape()
        x = rows(tape, new, d)
        with tape.op("qkv"):
            flat = counting.linear(tape, x, (H_q + 2 * H_kv) * h, bias=bias)
        heads = [split(row, H_q + 2 * H_kv) for row in flat]
        with tape.op("rope"):
            turned = counting.rotate(tape, [row[: H_q + H_kv] for row in heads], cached)
        q, k, v = [row[:H_q] for row in turned], [row[H_q:] for row in turned], [row[H_q + H_kv :] for row in heads]
        with tape.op("attend"):
            y = self.attend(q, k, v, cached)
        with tape.op("subtract"):
            factor = self.factor(h)
            y = tape.store([minus(row[: H_q // 2], row[H_q // 2 :], factor) for row in y])
        with tape.op("head_norm"):
            y = [counting.norm(tape, row, "rms_plain") for row in y]
        with tape.op("scale"):
            y = [counting.scale(tape, row, 0.2) for row in y]
        with tape.op("out"):
            counting.linear(tape, [list(chain(*row)) for row in y], d, "o", bias)

    def attend(self, q: list, k: list, v: list, cached: int) -> list:
        """Two calls of attention, [token][query head] of both outputs side by side."""
        tape, H_kv, h = self.tape, len(k[0]), len(k[0][0])
        cache = [tuple(tape.filled("c", 2, H_kv, h)) for _ in range(cached)]
        halves = []
        for part in (slice(0, H_kv // 2), slice(H_kv // 2, H_kv)):
            tape.tally.touched.clear()  # a second kernel reads again
            past = [(keys, values[part] * 2) for keys, values in cache]
            kept = dict(tape.tally.kept), dict(tape.tally.written)
            halves.append(counting.attend(tape, q, k, [row[part] * 2 for row in v], past, causal))
            if part.start:  # the first call wrote the cache, keys and as many values
                tape.tally.kept["c"], tape.tally.written["c"] = kept[0]["c"], kept[1]["c"]
        return [[a + b for a, b in zip(*pair, strict=True)] for pair in zip(*halves, strict=True)]

    def factor(self, h: int) -> Num:
        """The factor of the heads that are subtracted, from four vectors that are read."""
        vectors = self.tape.table("n", 4, h)
        for x in chain(*vectors):
            self.tape.tally.touch(x)
        return Num(self.tape, 0.3)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("new", "cached"), [(1, 0), (4, 0), (1, 3), (3, 5)])
def test_differential_attention(new: int, cached: int, bias: bool) -> None:
    z = {"d": 5, "H_q": 4, "H_kv": 2, "h": 6}
    run = Differential(new, cached, **z, bias=bias)
    ops = {op.name: op.cost for op in differential.build_differential_attention(DifferentialAttention(bias))}
    assert list(ops) == list(run.tape.tallies)
    for name, cost in ops.items():
        values = {s.symbol(x): n for x, n in z.items()} | sums([(new, cached)], sum_costs([cost]))
        matches(cost, run.tape.tallies[name], values)


def xielu(x: Num, a: Num, c: Num) -> Num:
    straight = x * 0.5
    above, below = x * x * a + straight, (x.exp() - 1 - x) * c + straight
    return above if x.exceeds(0) else below


def test_an_activation_with_weights() -> None:
    tape = Tape()
    x = rows(tape, 3, 5)
    with tape.op("act"):
        a, c = tape.table("n", 2)
        tape.store([[xielu(y, a, c) for y in row] for row in x])
    matches(dense.activate(s.T, s.f, "xielu", gated=False), tape.tallies["act"], {s.T: 3, s.f: 5})


TYPES: dict[str, dict[str, Any]] = {
    "diffllama": {},
    "apertus": {},
    "gemma2": {"sliding_window": 3},
    "gemma3_text": {"sliding_window": 3, "sliding_window_pattern": 2},
    "cohere2": {"sliding_window": 3},
    "exaone4": {"sliding_window": 3},
    "smollm3": {"sliding_window": 3, "use_sliding_window": True},
    "granite": {"residual_multiplier": 0.2, "logits_scaling": 8, "embedding_multiplier": 12},
    "modernbert-decoder": {"local_attention": 6},
    "baichuan": {},
}


def figures(config: dict[str, Any], new: int, cached: int = 0) -> tuple[int, int]:
    cost = symroof.load(config).report(new, cached, logits="all").total
    return cost.matmul, cost.vector


@pytest.mark.parametrize("name", TYPES)
def test_a_prefill_is_as_much_work_as_its_tokens_one_by_one_or_in_chunks(name: str) -> None:
    config = SMALL | {"model_type": name} | TYPES[name]
    for steps in ([(1, i) for i in range(7)], [(4, 0), (3, 4)]):
        done = [figures(config, *step) for step in steps]
        assert tuple(map(sum, zip(*done, strict=True))) == figures(config, 7)


def test_attending_twice_costs_twice_the_scores_and_no_cache() -> None:
    once, twice = (symroof.load(SMALL | {"model_type": x}).report(5, 3) for x in ("llama", "diffllama"))
    core = [sum(row.all.matmul for row in x.rows if row.role == "attention_core") for x in (once, twice)]
    assert core[1] == 2 * core[0]
    assert once.storage.cache == twice.storage.cache
