"""Operators of RWKV, xLSTM and others of no large family against runs of them on numbers that count, and laws."""

from functools import reduce
from operator import add

import counting
import pytest
from counting import Num, Tape, dot
from kinds_streams import weighed_sum
from test_operators import matches, rows, sums

import symroof
from symroof import symbols as s
from symroof.cost.masks import MASKS
from symroof.ops import dense
from symroof.ops.attention import grouped
from symroof.ops.recurrent import rwkv, xlstm

BATCHES = [[(3, 0)], [(1, 4)], [(2, 0), (1, 3), (3, 2)]]
EPS = 1e-6

RWKV = {
    "model_type": "rwkv",
    "hidden_size": 6,
    "attention_hidden_size": 8,
    "intermediate_size": 7,
    "num_hidden_layers": 3,
    "vocab_size": 11,
    "torch_dtype": "bfloat16",
}
RWKV5 = {**RWKV, "model_type": "rwkv5", "head_size": 4}
XLSTM = {
    "model_type": "xlstm",
    "hidden_size": 8,
    "num_heads": 2,
    "num_hidden_layers": 3,
    "vocab_size": 11,
    "torch_dtype": "bfloat16",
}
HRM = {
    "model_type": "hrm_text",
    "hidden_size": 8,
    "num_attention_heads": 2,
    "head_dim": 4,
    "intermediate_size": 7,
    "num_hidden_layers": 2,
    "vocab_size": 11,
    "torch_dtype": "bfloat16",
}
FALCON = {
    "hidden_size": 8,
    "n_head": 4,
    "n_layer": 3,
    "vocab_size": 11,
    "parallel_attn": True,
    "torch_dtype": "bfloat16",
}


def logarithm(x: Num) -> Num:
    return x.sqrt()  # one operation all the same


def states(tape: Tape, cached: int, *shape: int, role: str = "s") -> list:
    """A state, in memory where there is one."""
    return tape.filled(role if cached else "", *shape)


def keep(tape: Tape, state: list, role: str = "s") -> None:
    tape.store(state, role)
    tape.tally.kept[role] += count(state)


def count(nested: list) -> int:
    return sum(map(count, nested)) if isinstance(nested, list) else 1


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("ways", [2, 3])
def test_mix(batch: list, ways: int) -> None:
    tape, d = Tape(), 5
    with tape.op("mix") as tally:
        weights = tape.table("n", ways, d)
        for new, cached in batch:
            last = states(tape, cached, d, role="c")
            for row in rows(tape, new, d):
                steps = [x - y for x, y in zip(row, last, strict=True)]
                tape.store([[y + m * z for y, m, z in zip(last, ms, steps, strict=True)] for ms in weights])
                last = row
            tape.tally.written["c"] += d
            tape.tally.kept["c"] += d
    cost = rwkv.token_shift(s.T, s.d, ways)
    matches(cost, tally, {s.d: d, **sums(batch, cost)})


@pytest.mark.parametrize("batch", BATCHES)
def test_channels(batch: list) -> None:
    tape, d = Tape(), 5
    with tape.op("wkv") as tally:
        u, w = tape.table("n", 2, d)
        for new, cached in batch:
            kept = states(tape, cached, d, 3)
            for keys, values in rows(tape, new, 2, d):
                done = [channel(*each) for each in zip(u, w, keys, values, kept, strict=True)]
                tape.store([y for y, _ in done])
                kept = [state for _, state in done]
            keep(tape, kept)
    cost = rwkv.wkv_by_channel(s.T, s.d)
    matches(cost, tally, {s.d: d, **sums(batch, cost)})


def channel(u: Num, w: Num, key: Num, v: Num, state: list) -> tuple[Num, list]:
    """A step of one channel; exponentials stay small as they are taken from the largest exponent so far."""
    a, b, p = state
    x = u + key
    q = p.larger(x)
    old, new = (p - q).exp(), (x - q).exp()
    y = (old * a + new * v) / (old * b + new)
    faded = p - w
    top = faded.larger(key)
    old, new = (faded - top).exp(), (key - top).exp()
    return y, [old * a + new * v, old * b + new, top]


@pytest.mark.parametrize("batch", BATCHES)
def test_heads(batch: list) -> None:
    tape, H, h = Tape(), 2, 3
    with tape.op("wkv") as tally:
        u, w = tape.table("n", 2, H, h)
        for new, cached in batch:
            kept = states(tape, cached, H, h, h)
            for r, k, v in rows(tape, new, 3, H, h):
                done = [head(*each) for each in zip(u, w, r, k, v, kept, strict=True)]
                tape.store([y for y, _ in done])
                kept = [state for _, state in done]
            keep(tape, kept)
    cost = rwkv.wkv_by_head(s.T, s.H_q, s.h)
    matches(cost, tally, {s.H_q: H, s.h: h, **sums(batch, cost)})


def head(u: list, w: list, r: list, k: list, v: list, state: list) -> tuple[list, list]:
    own = dot(r, [x * y for x, y in zip(u, k, strict=True)])
    read = [dot(r, column) for column in zip(*state, strict=True)]
    y = [x + own * z for x, z in zip(read, v, strict=True)]
    faded = [[x * rate for x in row] for row, rate in zip(state, w, strict=True)]
    return y, written(faded, k, v)


def written(state: list, k: list, v: list) -> list:
    """The state plus the product of key and value, on the matmul unit."""
    tape = k[0].tape
    tape.unit = "matmul"
    new = [[x * y for y in v] for x in k]
    tape.unit = "vector"
    tape.tally.done["matmul", "add"] += len(k) * len(v)
    return [[Num(tape, x.value + y.value) for x, y in zip(*each, strict=True)] for each in zip(state, new, strict=True)]


@pytest.mark.parametrize("batch", BATCHES)
def test_memory(batch: list) -> None:
    tape, H, d_k, d_v = Tape(), 2, 3, 4
    with tape.op("scan") as tally:
        for new, cached in batch:
            kept = [[states(tape, cached, n, role="c") for n in (d_k * d_v, d_k, 1)] for _ in range(H)]
            for _ in range(new):
                done = [remember(*(rows(tape, n) for n in (d_k, d_k, d_v, 2)), *state) for state in kept]
                tape.store([y for y, _ in done])
                kept = [state for _, state in done]
            keep(tape, kept, "c")
    cost = xlstm.matrix_memory(s.T, s.H_v, s.d_k, s.d_v)
    matches(cost, tally, {s.H_v: H, s.d_k: d_k, s.d_v: d_v, **sums(batch, cost)})


def remember(q: list, k: list, v: list, gates: list, C: list, n: list, m: list) -> tuple[list, list]:
    """A step of one head; the root of d_k is a constant."""
    log_f = -logarithm((-gates[0]).exp() + 1)
    carried = log_f + m[0]
    top = carried.larger(gates[1])
    f, i = (carried - top).exp(), (gates[1] - top).exp()
    key = [x * i for x in k]
    matrix = [[f * x for x in C[j * len(v) : (j + 1) * len(v)]] for j in range(len(k))]
    matrix = written(matrix, key, v)
    n = [f * x + y for x, y in zip(n, key, strict=True)]
    q = [x * (len(k) ** -0.5) for x in q]
    norm = -dot(q, n)  # stands for the absolute value: one operation
    norm = norm.larger((-top).exp()) + EPS
    return [dot(q, column) / norm for column in zip(*matrix, strict=True)], [reduce(add, matrix), n, [top]]


@pytest.mark.parametrize("d", [1, 6])
def test_cap(d: int) -> None:
    tape = Tape()
    with tape.op("cap") as tally:
        tape.store([[(x / 15.0).tanh() * 15.0 for x in row] for row in rows(tape, 3, d)])
    matches(xlstm.softcap(s.T, s.d), tally, {s.T: 3, s.d: d})


@pytest.mark.parametrize("d", [1, 6])
def test_a_weighed_residual(d: int) -> None:
    tape = Tape()
    with tape.op("residual") as tally:
        weighed_sum(tape, *rows(tape, 2, 3, d))
    matches(dense.residual(s.T, s.d, weighed=True), tally, {s.T: 3, s.d: d})


def test_broadcast() -> None:
    tape, T, d = Tape(), 3, 5
    with tape.op("start") as tally:
        vector = tape.table("n", d)
        for _ in range(T):
            tape.store(vector)
    matches(dense.broadcast(s.T, s.d), tally, {s.T: T, s.d: d})


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize(("mask", "bias"), [("sliding", False), ("sliding", True), ("top", False)])
def test_key_mask(batch: list, mask: str, bias: bool) -> None:
    tape, H, h, w = Tape(), 2, 3, 3
    with tape.op("mask") as tally:
        learned = counting.mask_weights(tape, H, h, bias)
        for new, cached in batch:
            seen = min(cached, w - 1) if mask == "sliding" else cached
            values = [tape.filled("c", H, h) for _ in range(seen)] + rows(tape, new, H, h)
            masks = counting.key_masks(tape, values, *learned)
            for position in range(new if mask == "top" else 0):
                for x in (x for row in masks[: cached + position + 1] for x in row):
                    Num(tape, x.value).exceeds(0.5)  # before it is written
    cost = grouped.key_mask(s.T, MASKS[mask], s.H_kv, s.h, bias)
    matches(cost, tally, {s.H_kv: H, s.h: h, **sums(batch, cost, w=w)})


@pytest.mark.parametrize("config", [RWKV, RWKV5, XLSTM], ids=lambda x: x["model_type"])
def test_a_recurrent_model_is_linear_in_tokens_and_constant_in_context(config: dict) -> None:
    model = symroof.load(config)
    whole, first, rest = (model.report(new, cached) for new, cached in ((7, 0), (4, 0), (3, 4)))
    body = [sum(row.all.flops for row in x.rows if row.block != "head") for x in (whole, first, rest)]
    assert body[0] == body[1] + body[2]
    assert whole.storage.cache == first.storage.cache == rest.storage.cache > 0


def test_runs_of_a_stack_share_its_weights_and_keep_keys_of_their_own() -> None:
    once, twice = (symroof.load({**HRM, "L_cycles": 1, "H_cycles": times}) for times in (1, 2))
    assert once.parameters.total == twice.parameters.total
    assert 2 * once.report(3, 0).storage.cache == twice.report(3, 0).storage.cache


def test_falcon_has_the_same_parts_under_its_first_names() -> None:
    old = symroof.load({**FALCON, "model_type": "RefinedWeb", "n_head_kv": 2})
    new = symroof.load({**FALCON, "model_type": "falcon", "new_decoder_architecture": True, "num_kv_heads": 2})
    assert old.architecture.structure == new.architecture.structure
    assert old.parameters.by_role == new.parameters.by_role
    old = symroof.load({**FALCON, "model_type": "RefinedWebModel", "multi_query": True})
    new = symroof.load({**FALCON, "model_type": "falcon"})
    assert old.parameters.by_role == new.parameters.by_role


def test_transformers_caches_falcons_keys_once_a_query_head() -> None:
    config = {**FALCON, "model_type": "falcon", "new_decoder_architecture": True, "num_kv_heads": 2}
    kept = [symroof.load(config).report(5, 0, rules=rules).storage.cache for rules in ("standard", "transformers")]
    assert kept[1] == 2 * kept[0]


def test_local_attention_is_windowed_by_standard_rules_alone() -> None:
    config = {
        "model_type": "gpt_neo",
        "hidden_size": 8,
        "num_heads": 2,
        "num_layers": 2,
        "window_size": 3,
        "vocab_size": 11,
        "attention_types": [[["global", "local"], 1]],
        "max_position_embeddings": 16,
        "torch_dtype": "bfloat16",
    }
    kept = [symroof.load(config).report(5, 0, rules=rules).storage.cache for rules in ("standard", "transformers")]
    assert kept[0] * 10 == kept[1] * 8
