"""State spaces against runs of them on numbers that count, and laws of the models that are made of them."""

import math
from collections.abc import Iterable

import counting
import numpy as np
import pytest
from counting import Num, Tape, dot, value
from kinds import by_group
from test_operators import matches, rows, sums

import symroof
from symroof import symbols as s
from symroof.errors import ConfigError
from symroof.ops.recurrent import mamba

Batch = list[tuple[int, int]]
BATCHES = [[(1, 0)], [(5, 0)], [(1, 4)], [(3, 2)], [(2, 0), (1, 7), (4, 3)]]


def softplus(x: Num) -> Num:
    """log(1 + exp x)."""
    y = x.exp() + 1
    return y._result("log", math.log(y.value))


def grow(decayed: list, added: Num, by: list) -> list:
    """A row of a state plus a multiple of `by`, on the matmul unit."""
    tape = added.tape
    tape.unit = "matmul"
    row = [x + added * b for x, b in zip(decayed, by, strict=True)]
    tape.unit = "vector"
    return row


def selective(tape: Tape, lines: Iterable, state: list, rates: list, skip: list, shift: list) -> list:
    """One query's (x, r, z, B, C) of each token; B and C are [head][N], channels belong to heads in order."""
    out = []
    for x, r, z, B, C in lines:
        y = []
        for i, u in enumerate(x):
            head = i * len(B) // len(x)
            step = softplus(r[i] + shift[i])
            decayed = [(step * a).exp() * h for a, h in zip(rates[i], state[i], strict=True)]
            state[i] = grow(decayed, step * u, B[head])
            y.append((dot(C[head], state[i]) + skip[i] * u) * counting.silu(z[i]))
        out.append(y)
    return tape.store(out)


def dual(tape: Tape, lines: Iterable, state: list, rates: list, skip: list, shift: list) -> list:
    """One query's (x, r, B, C) of each token; x is [head][h], B and C [group][N]."""
    out = []
    for x, r, B, C in lines:
        y = []
        for m, head in enumerate(x):
            group = m * len(B) // len(x)
            step = softplus(r[m] + shift[m])
            decay = (step * rates[m]).exp()
            decayed = [[decay * h for h in row] for row in state[m]]
            state[m] = [grow(row, step * u, B[group]) for row, u in zip(decayed, head, strict=True)]
            y.append([dot(C[group], row) + skip[m] * u for row, u in zip(state[m], head, strict=True)])
        out.append(y)
    return tape.store(out)


def kept(tape: Tape, state: list) -> None:
    """Write a state back, which is kept."""
    flat = list(np.array(state, dtype=object).flat)
    tape.store(flat, "s")
    tape.tally.kept["s"] += len(flat)


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("batch", BATCHES)
def test_selective_scan(batch: Batch, heads: int) -> None:
    tape, d, N = Tape(), 4, 3
    with tape.op("scan") as tally:
        weights = tape.table("n", d, N), tape.table("n", d), tape.table("n", d)
        for new, cached in batch:
            state = tape.filled("s" if cached else "", d, N)
            parts = (rows(tape, new, *shape) for shape in ((d,), (d,), (d,), (heads, N), (heads, N)))
            selective(tape, zip(*parts, strict=True), state, *weights)
            kept(tape, state)
    cost = mamba.selective_scan(s.T, s.d_m, s.N_m, s.H_m) + mamba.scan_weights(s.d_m * (s.N_m + 2))
    matches(cost, tally, {s.d_m: d, s.N_m: N, s.H_m: heads, **sums(batch, cost)})


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("batch", BATCHES)
def test_dual_scan(batch: Batch, groups: int) -> None:
    tape, H, h, N = Tape(), 4, 2, 3
    with tape.op("scan") as tally:
        weights = tape.table("n", H), tape.table("n", H), tape.table("n", H)
        for new, cached in batch:
            state = tape.filled("s" if cached else "", H, h, N)
            parts = (rows(tape, new, *shape) for shape in ((H, h), (H,), (groups, N), (groups, N)))
            dual(tape, zip(*parts, strict=True), state, *weights)
            kept(tape, state)
    cost = mamba.dual_scan(s.T, s.H_m, s.h_m, s.N_m, s.G_m) + mamba.scan_weights(3 * s.H_m)
    matches(cost, tally, {s.H_m: H, s.h_m: h, s.N_m: N, s.G_m: groups, **sums(batch, cost)})


def test_reference_dual_scan_is_attention_with_decays() -> None:
    """y_t = sum over u <= t of exp(A sum of the steps after u) (C_t . B_u) s_u x_u, the dual form of the recurrence."""
    tape, T, H, h, N = Tape(), 5, 2, 3, 4
    x, r, B, C = (rows(tape, T, *shape) for shape in ((H, h), (H,), (1, N), (1, N)))
    A, D, b = (tape.filled("n", H) for _ in range(3))
    empty = [[[Num(tape, 0.0) for _ in range(N)] for _ in range(h)] for _ in range(H)]
    found = plain(dual(tape, zip(x, r, B, C, strict=True), empty, A, D, b))
    x, r, B, C, A, D, b = map(plain, (x, r, B, C, A, D, b))
    steps = np.log1p(np.exp(r + b))
    passed = np.cumsum(steps, axis=0)
    decay = np.tril(np.ones((T, T)))[:, :, None] * np.exp(A * (passed[:, None] - passed[None]))
    scores = np.einsum("tn,un->tu", C[:, 0], B[:, 0])
    np.testing.assert_allclose(found, np.einsum("tu,tum,um,umh->tmh", scores, decay, steps, x) + D[:, None] * x)


def plain(values: list) -> np.ndarray:
    return np.vectorize(value)(np.array(values, dtype=object)).astype(float)


@pytest.mark.parametrize(("T", "heads"), [(1, 1), (3, 1), (4, 2), (2, 3)])
def test_projection_of_each_head(T: int, heads: int) -> None:
    tape, d_in, d_out = Tape(), 3, 5
    x = rows(tape, T, heads * d_in)
    with tape.op("x") as tally:
        by_group(tape, x, heads, d_out)
    matches(mamba.head_linear(s.T, s.H_m, s.d, s.f), tally, {s.T: T, s.H_m: heads, s.d: d_in, s.f: d_out})


MAMBA = {
    "model_type": "mamba",
    "hidden_size": 8,
    "num_hidden_layers": 3,
    "vocab_size": 11,
    "state_size": 4,
    "expand": 2,
    "conv_kernel": 4,
}
MAMBA2 = {
    "model_type": "mamba2",
    "hidden_size": 8,
    "num_hidden_layers": 3,
    "vocab_size": 11,
    "state_size": 4,
    "expand": 2,
    "conv_kernel": 4,
    "num_heads": 4,
    "head_dim": 4,
    "n_groups": 2,
}
NEMOTRON = {
    "model_type": "nemotron_h",
    "hidden_size": 8,
    "vocab_size": 11,
    "hybrid_override_pattern": "M*-EM",
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 4,
    "intermediate_size": 9,
    "ssm_state_size": 4,
    "mamba_num_heads": 4,
    "mamba_head_dim": 3,
    "n_groups": 2,
    "conv_kernel": 4,
    "n_routed_experts": 5,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 3,
    "moe_shared_expert_intermediate_size": 7,
    "moe_latent_size": 6,
}
ZAMBA2 = {
    "model_type": "zamba2",
    "hidden_size": 8,
    "num_hidden_layers": 4,
    "vocab_size": 11,
    "mamba_d_state": 4,
    "mamba_expand": 2,
    "mamba_d_conv": 4,
    "n_mamba_heads": 4,
    "mamba_ngroups": 1,
    "num_attention_heads": 4,
    "intermediate_size": 9,
    "num_mem_blocks": 1,
    "adapter_rank": 2,
    "layers_block_type": ["mamba", "hybrid", "mamba", "hybrid"],
}
NAS = {
    "model_type": "nemotron-nas",
    "hidden_size": 96,
    "num_hidden_layers": 3,
    "vocab_size": 11,
    "num_attention_heads": 4,
    "block_configs": [
        {"attention": {"n_heads_in_group": 2}, "ffn": {"ffn_mult": 3.0}},
        {"attention": {"no_op": True}, "ffn": {"replace_with_linear": True}},
        {"attention": {"replace_with_linear": True}, "ffn": {"no_op": True}},
    ],
}
FORM = {"dtype": "bf16", "logits": "all"}


def flops(config: dict, new: int, cached: int = 0):
    return symroof.load(config).report(new, cached, **FORM).total.flops


@pytest.mark.parametrize("config", [MAMBA, MAMBA2, {**MAMBA, "model_type": "falcon_mamba"}])
def test_a_state_space_takes_token_by_token_what_it_takes_at_once(config):
    assert flops(config, 6) == sum(flops(config, 1, i) for i in range(6)) == flops(config, 4) + flops(config, 2, 4)
    assert flops(config, 60) == 10 * flops(config, 6) == 60 * flops(config, 1, 1000)


@pytest.mark.parametrize("config", [MAMBA, MAMBA2])
def test_what_a_state_space_keeps_does_not_grow(config):
    first, later = (symroof.load(config).report(1, cached, **FORM) for cached in (0, 1000))
    assert first.storage.cache == later.storage.cache == later.total.cache_read == first.total.cache_write
    assert first.total.cache_read == 0


def test_transformers_scans_prompts_in_chunks_only():
    model = symroof.load({**MAMBA2, "chunk_size": 4})
    core = [
        sum(
            x.all.matmul
            for x in model.report(*step, rules="transformers", dtype="bf16").rows
            if x.role == "recurrence_core"
        )
        for step in ((1, 0), (4, 0), (5, 0), (8, 0), (1, 9))
    ]
    assert core[0] == core[1] < core[2] == core[3]
    assert core[4] == 3 * 2 * 4 * 4 * 4  # layers, FLOP a product, heads, their size, that of the state


def test_a_shared_block_costs_at_each_call_and_is_held_once():
    twice, once = symroof.load(ZAMBA2), symroof.load({**ZAMBA2, "layers_block_type": ["mamba"] * 3 + ["hybrid"]})
    assert twice.parameters.by_role["attention"] == once.parameters.by_role["attention"]
    assert twice.parameters.by_role["other"] == 2 * once.parameters.by_role["other"]  # each layer's own
    for part in ("shared_attention", "shared_mlp", "adapters"):
        found = [
            sum(x.all.flops for x in model.report(3, 2, **FORM).rows if x.block == part) for model in (twice, once)
        ]
        assert found[0] == 2 * found[1] > 0
    apart = symroof.load({**ZAMBA2, "num_mem_blocks": 2}).parameters
    assert apart.by_role["attention"] == 2 * once.parameters.by_role["attention"]


def test_one_mixer_a_layer_by_letters_or_names():
    names = ["mamba", "attention", "mlp", "moe", "linear_attention"]
    listed = {**{k: v for k, v in NEMOTRON.items() if k != "hybrid_override_pattern"}, "layers_block_type": names}
    ours, theirs = symroof.load(NEMOTRON), symroof.load(listed)
    assert ours.parameters == theirs.parameters
    assert {x: n for x, n in ours.architecture.sizes.items() if x.startswith("L")} == {
        "L": 5,
        "L_mamba": 2,
        "L_attn": 1,
        "L_mlp": 1,
        "L_moe": 1,
    }
    assert ours.parameters.by_role["latent_proj"] == 2 * 8 * 6
    assert ours.parameters.by_role["routed_experts"] == 5 * 2 * 6 * 3
    assert symroof.load({**NEMOTRON, "tie_word_embeddings": True}).parameters == ours.parameters


def test_layers_of_a_search_have_their_own_sizes():
    found = symroof.load(NAS).parameters.by_role
    assert found["attention"] == 96 * (96 + 2 * 48) + 96 * 96 + 96 * 96
    assert found["ffn"] == 3 * 96 * 256 + 96 * 96  # 2 x 3.0 x 96 / 3 = 192, rounded up to a multiple of 256
    assert found["norm"] == 5 * 96


WRONG = [
    ({**NEMOTRON, "hybrid_override_pattern": "MX"}, "holds 'X': known here are M, \\*, -, E"),
    ({**NEMOTRON, "num_hidden_layers": 4}, "has 5 entries for 4 layers"),
    ({**MAMBA2, "head_dim": 5}, "num_heads=4 heads of 5 \\(head_dim\\) are not the width 16"),
    ({**MAMBA2, "n_groups": 3}, "num_heads=4 is not a multiple of n_groups=3"),
    ({**ZAMBA2, "layers_block_type": ["mamba", "other", "mamba", "hybrid"]}, "must say linear_attention or hybrid"),
    ({**ZAMBA2, "attention_hidden_size": 8}, "twice the hidden size 8"),
    ({**NAS, "num_hidden_layers": 4}, "has 3 entries for 4 layers"),
    (
        {
            **NAS,
            "num_hidden_layers": 1,
            "block_configs": [{"attention": {"n_heads_in_group": 2, "num_sink_tokens": 3}, "ffn": {"no_op": True}}],
        },
        "num_sink_tokens",
    ),
]


@pytest.mark.parametrize(("config", "told"), WRONG)
def test_a_contradiction_is_told(config, told):
    with pytest.raises(ConfigError, match=told):
        symroof.load(config)
