"""Every operator's cost against the operator itself, run on numbers that count what is done with them.

No figure below is computed by a formula: it is read off a tape (see counting.py). A mismatch is a bug in one of
the two.
"""

import math
from collections.abc import Iterable
from itertools import chain, combinations, product
from typing import Any

import counting
import numpy as np
import pytest
from counting import Num, Tally, Tape, value
from sympy import Integer, Symbol, sympify

import symroof
from symroof import masks, rules, workload
from symroof import symbols as s
from symroof.architecture import Attention, Experts, FeedForward
from symroof.cost import FIELDS, Cost
from symroof.model import Model
from symroof.ops import attention, dense, experts
from symroof.queries import Query

WIDTHS = {s.b_w: 101, s.b_e: 103, s.b_r: 107, s.b_emb: 109, s.b_head: 113, s.b_n: 127, s.b_a: 131, s.b_c: 137}
BYTES = {str(width).removeprefix("b_"): size for width, size in WIDTHS.items()}
STREAMED = ("a", "c")


def counted(tally: Tally, exact: bool) -> dict[str, int]:
    """The tally as the fields of a Cost; `exact`: with the additions of dot products that were executed."""
    products = tally.done["matmul", "mul"]
    weights = [role for role in BYTES if role not in STREAMED]
    return {
        "matmul": products + tally.done["matmul", "add"] if exact else 2 * products,
        "vector": tally.on("vector"),
        "weight_read": size(tally.read, weights),
        "cache_read": size(tally.read, "c"),
        "cache_write": size(tally.written, "c"),
        "act_read": size(tally.read, "a"),
        "act_write": size(tally.written, "a"),
        "weight_held": size(tally.kept, weights),
        "cache_held": size(tally.kept, "c"),
    }


def size(elements: Any, roles: Iterable[str]) -> int:
    return sum(elements[role] * BYTES[role] for role in roles)


def figures(cost: Cost, values: dict[Symbol, int]) -> dict[str, Any]:
    """Every field of a cost, all symbols bound."""
    numbers = {symbol: Integer(x) for symbol, x in {**WIDTHS, **values}.items()}
    found = {name: sympify(getattr(cost, name)).xreplace(numbers) for name in FIELDS}
    assert not set().union(*(x.free_symbols for x in found.values()))
    return found


def matches(cost: Cost, tally: Tally, values: dict[Symbol, int]) -> None:
    """Assert that the cost is what the tape counted, with and without the exact additions."""
    for sigma in (0, 1):
        found, wanted = (
            figures(cost, {s.phi: 1, s.delta: 1, s.sigma: sigma, **values}),
            counted(tally, exact=bool(sigma)),
        )
        assert found == wanted


def sums(batch: Iterable[tuple[int, int]], **sizes: int) -> dict[Symbol, int]:
    """What the standard rules make of queries of (new, cached) tokens."""
    known = {s.VOCABULARY[name].symbol: x for name, x in sizes.items()}
    return workload.batch([Query(*query) for query in batch], rules.STANDARD, known)


def rows(tape: Tape, *shape: int) -> Any:
    return tape.filled("a", *shape)


# One function an operator: run it, count, compare.


def check_lookup(tokens: list[int], d: int, V: int) -> None:
    tape = Tape()
    with tape.op("lookup") as tally:
        counting.lookup(tape, tape.table("emb", V, d), tokens)
    matches(dense.lookup(s.T, s.d, s.V), tally, {s.T: len(tokens), s.d: d, s.V: V})


def check_linear(T: int, d: int, f: int, bias: bool, role: str = "w") -> None:
    tape = Tape()
    with tape.op("linear") as tally:
        counting.linear(tape, rows(tape, T, d), f, role, bias)
    width = s.VOCABULARY[f"b_{role}"].symbol
    matches(dense.linear(s.T, s.d, s.f, width, bias), tally, {s.T: T, s.d: d, s.f: f})


def check_tied(T: int, d: int, V: int) -> None:
    tape = Tape()
    table = tape.filled("emb", V, d)
    with tape.op("logits") as tally:
        counting.linear(tape, rows(tape, T, d), V, weights=table)
    matches(dense.run(dense.linear(s.T, s.d, s.V, s.b_emb), s.delta, tied=True), tally, {s.T: T, s.d: d, s.V: V})


def check_rms_norm(T: int, d: int) -> None:
    tape = Tape()
    with tape.op("norm") as tally:
        counting.rms_norm(tape, rows(tape, T, d))
    matches(dense.rms_norm(s.T, s.d), tally, {s.T: T, s.d: d})


def check_l2_norm(T: int, heads: int, h: int) -> None:
    tape = Tape()
    with tape.op("norm") as tally:
        counting.l2_norm(tape, rows(tape, T, heads, h))
    matches(dense.l2_norm(s.T * s.H_q, s.h), tally, {s.T: T, s.H_q: heads, s.h: h})


def check_activate(T: int, f: int, act: str) -> None:
    tape = Tape()
    with tape.op("act") as tally:
        counting.gate(tape, rows(tape, T, 2 * f), act)
    matches(dense.activate(s.T, s.f, act), tally, {s.T: T, s.f: f})


def check_residual(T: int, d: int) -> None:
    tape = Tape()
    with tape.op("residual") as tally:
        counting.residual(tape, rows(tape, T, d), rows(tape, T, d))
    matches(dense.residual(s.T, s.d), tally, {s.T: T, s.d: d})


def check_rotate(T: int, heads: int, h: int) -> None:
    tape = Tape()
    with tape.op("rope") as tally:
        counting.rotate(tape, rows(tape, T, heads, h), start=3)
    matches(attention.rotate(s.T, s.H_q, s.h), tally, {s.T: T, s.H_q: heads, s.h: h})


def check_scale(T: int, heads: int, h: int) -> None:
    tape = Tape()
    with tape.op("temperature") as tally:
        counting.temper(tape, rows(tape, T, heads, h))
    matches(attention.scale(s.T, s.H_q, s.h), tally, {s.T: T, s.H_q: heads, s.h: h})


def causal(query: int, key: int) -> bool:
    return key <= query


def in_chunks(w: int) -> Any:
    return lambda query, key: key <= query and key // w == query // w


def check_attend(batch: list[tuple[int, int]], H_q: int, H_kv: int, h: int, w: int | None = None) -> None:
    """`batch`: (new, cached) tokens of each query; without `w`, causal."""
    tape = Tape()
    with tape.op("attend") as tally:
        for new, cached in batch:
            q, k, v = (rows(tape, new, heads, h) for heads in (H_q, H_kv, H_kv))
            cache = [(tape.filled("c", H_kv, h), tape.filled("c", H_kv, h)) for _ in range(cached)]
            counting.attend(tape, q, k, v, cache, in_chunks(w) if w else causal)
    mask = masks.MASKS["chunked" if w else "causal"]
    values = {s.H_q: H_q, s.H_kv: H_kv, s.h: h, **sums(batch, w=w or 1)}
    matches(attention.attend(s.T, mask, s.H_q, s.H_kv, s.h), tally, values)


def check_route(T: int, d: int, N_e: int, k: int) -> None:
    tape = Tape()
    with tape.op("router") as tally:
        counting.route(tape, rows(tape, T, d), N_e, k)
    matches(experts.route(s.T, s.d), tally, {s.T: T, s.d: d, s.N_e: N_e, s.k: k})


def check_dispatch(T: int, d: int, N_e: int, k: int) -> None:
    tape = Tape()
    x = rows(tape, T, d)
    scores, chosen = counting.route(tape, x, N_e, k)
    with tape.op("dispatch") as tally:
        counting.dispatch(tape, x, scores, chosen)
    matches(experts.dispatch(s.T, s.d), tally, {s.T: T, s.d: d, s.k: k, s.k_run: k, s.N_e: N_e})


def check_expert_linear(chosen: list[list[int]], d: int, f: int, N_e: int) -> None:
    """`chosen`: the experts of each token."""
    tape = Tape()
    T, k, touched = len(chosen), len(chosen[0]), len(set().union(*chosen))
    with tape.op("experts") as tally:
        counting.expert_linear(tape, rows(tape, T, k, d), chosen, N_e, f)
    values = {s.T: T, s.d: d, s.f: f, s.N_e: N_e, s.k_run: k, s.N_x: touched}
    matches(experts.expert_linear(s.T, s.d, s.f), tally, values)


def check_combine(T: int, d: int, k: int, shared: bool) -> None:
    tape = Tape()
    with tape.op("combine") as tally:
        counting.combine(tape, rows(tape, T, k, d), rows(tape, T, d) if shared else None)
    matches(experts.combine(s.T, s.d, shared), tally, {s.T: T, s.d: d, s.k_run: k})


ROWS = [1, 2, 5]


@pytest.mark.parametrize("tokens", [[4], [0, 6, 2]])
def test_lookup_copies_rows(tokens: list[int]) -> None:
    check_lookup(tokens, d=5, V=7)


@pytest.mark.parametrize("T", ROWS)
@pytest.mark.parametrize("bias", [False, True])
def test_linear_multiplies_every_row_with_every_column(T: int, bias: bool) -> None:
    check_linear(T, d=5, f=7, bias=bias)
    check_linear(T, d=1, f=3, bias=bias)


@pytest.mark.parametrize("role", ["w", "r", "emb", "head"])
def test_linear_reads_weights_of_the_role_it_is_given(role: str) -> None:
    check_linear(3, d=5, f=7, bias=True, role=role)


def test_a_tied_head_reads_a_table_it_does_not_keep() -> None:
    check_tied(3, d=5, V=11)


@pytest.mark.parametrize("T", ROWS)
@pytest.mark.parametrize("d", [1, 3, 7])
def test_rms_norm(T: int, d: int) -> None:
    check_rms_norm(T, d)


@pytest.mark.parametrize("T", ROWS)
def test_l2_norm_of_each_head(T: int) -> None:
    check_l2_norm(T, heads=3, h=5)


@pytest.mark.parametrize("T", ROWS)
@pytest.mark.parametrize("act", dense.ACTIVATIONS)
def test_gated_activation(T: int, act: str) -> None:
    check_activate(T, f=7, act=act)


@pytest.mark.parametrize("T", ROWS)
def test_residual(T: int) -> None:
    check_residual(T, d=7)


@pytest.mark.parametrize("T", ROWS)
@pytest.mark.parametrize("h", [2, 6])
def test_rotary_embedding(T: int, h: int) -> None:
    check_rotate(T, heads=3, h=h)


@pytest.mark.parametrize("T", ROWS)
def test_temperature(T: int) -> None:
    check_scale(T, heads=3, h=5)


HEADS = [(1, 1), (3, 3), (4, 2), (5, 1)]
BATCHES = [[(1, 0)], [(1, 7)], [(5, 0)], [(4, 3)], [(3, 6)], [(2, 5), (1, 0), (4, 4)]]


@pytest.mark.parametrize(("H_q", "H_kv"), HEADS)
@pytest.mark.parametrize("batch", BATCHES)
def test_causal_attention(batch: list[tuple[int, int]], H_q: int, H_kv: int) -> None:
    check_attend(batch, H_q, H_kv, h=3)


@pytest.mark.parametrize("w", [1, 2, 3, 5, 20])
@pytest.mark.parametrize("batch", BATCHES)
def test_chunked_attention(batch: list[tuple[int, int]], w: int) -> None:
    check_attend(batch, H_q=4, H_kv=2, h=3, w=w)


@pytest.mark.parametrize(("N_e", "k"), [(1, 1), (5, 1), (5, 2), (6, 6)])
def test_router_scores_chooses_and_squashes(N_e: int, k: int) -> None:
    check_route(3, d=5, N_e=N_e, k=k)


@pytest.mark.parametrize(("N_e", "k"), [(1, 1), (5, 2), (6, 6)])
def test_dispatch_scales_a_copy_for_each_expert(N_e: int, k: int) -> None:
    check_dispatch(3, d=5, N_e=N_e, k=k)


@pytest.mark.parametrize("chosen", [[[0]], [[2], [2], [2]], [[0, 1], [1, 3], [0, 3]], [[3, 2, 1, 0]]])
def test_experts_multiply_their_tokens_and_are_read_once(chosen: list[list[int]]) -> None:
    check_expert_linear(chosen, d=5, f=3, N_e=4)


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("shared", [False, True])
def test_combine_adds_the_experts_up(k: int, shared: bool) -> None:
    check_combine(3, d=5, k=k, shared=shared)


@pytest.mark.parametrize(("N_e", "k", "T"), [(1, 1, 2), (4, 1, 4), (4, 2, 3), (5, 4, 2), (3, 3, 2)])
def test_experts_touched_are_the_mean_over_all_routings(N_e: int, k: int, T: int) -> None:
    routings = list(product(combinations(range(N_e), k), repeat=T))
    touched = sum(len(set().union(*routing)) for routing in routings)
    expected = sympify(rules.STANDARD[s.N_x]).subs({s.N_e: N_e, s.k: k, s.T: T})
    assert expected * len(routings) == touched


# Whole decoders, operator by operator.

LLAMA = {
    "model_type": "llama", "hidden_size": 5, "intermediate_size": 7, "num_hidden_layers": 3, "vocab_size": 11,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 6, "torch_dtype": "bfloat16",
}  # fmt: skip
DECODERS = {
    "plain": LLAMA,
    "biased": LLAMA | {"attention_bias": True, "mlp_bias": True, "hidden_act": "gelu"},
    "tied": LLAMA | {"tie_word_embeddings": True, "hidden_act": "relu", "num_key_value_heads": 1},
    "routed": LLAMA | {
        "model_type": "llama4_text", "intermediate_size_mlp": 9, "num_hidden_layers": 4, "attention_chunk_size": 3,
        "num_local_experts": 5, "num_experts_per_tok": 2, "interleave_moe_layer_step": 2, "attention_bias": True,
    },
}  # fmt: skip


class Decoder:
    """One layer of each kind of a model's sublayers, run on a tape under the model's operator names."""

    def __init__(self, model: Model, new: int, cached: int) -> None:
        self.tape, self.structure, self.new, self.cached = Tape(), model.architecture.structure, new, cached
        self.z = dict(model.architecture.sizes)
        self.block, self.touched = "", 1
        self.run()

    def op(self, name: str, function: Any, *args: Any, **options: Any) -> Any:
        with self.tape.op(f"{self.block}/{name}"):
            return function(self.tape, *args, **options)

    def run(self) -> None:
        self.block = "embedding"
        with self.tape.op("embedding/lookup"):
            table = self.tape.table("emb", self.z["V"], self.z["d"])
            x = counting.lookup(self.tape, table, list(range(self.new)))
        kinds = {Attention: self.attention, FeedForward: self.feed_forward, Experts: self.experts}
        for kind in self.structure.sublayers:
            self.block = kind.name
            y = kinds[type(kind)](kind, self.op("norm", counting.rms_norm, x))
            x = self.op("residual", counting.residual, y, x)
        self.block = "head"
        last = self.op("norm", counting.rms_norm, x)[-1:]
        self.op("logits", counting.linear, last, self.z["V"], "head", weights=table if self.structure.tied else None)

    def attention(self, kind: Attention, x: list) -> list:
        z, chunked = self.z, kind.mask == "chunked"
        heads = z["H_q"] + 2 * z["H_kv"]
        flat = self.op("qkv", counting.linear, x, heads * z["h"], bias=kind.bias)
        split = [[row[i * z["h"] : (i + 1) * z["h"]] for i in range(heads)] for row in flat]
        qk, v = [row[: -z["H_kv"]] for row in split], [row[-z["H_kv"] :] for row in split]
        qk = self.op("rope", counting.rotate, qk, self.cached) if kind.rope else qk
        qk = self.op("qk_norm", counting.l2_norm, qk) if kind.qk_norm else qk
        q, k = [row[: z["H_q"]] for row in qk], [row[z["H_q"] :] for row in qk]
        q = self.op("temperature", counting.temper, q) if kind.temperature else q
        cache = [tuple(self.tape.filled("c", 2, z["H_kv"], z["h"])) for _ in range(self.cached)]
        y = self.op("attend", counting.attend, q, k, v, cache, in_chunks(z["w"]) if chunked else causal)
        return self.op("out", counting.linear, [list(chain(*row)) for row in y], z["d"], bias=kind.bias)

    def feed_forward(self, kind: FeedForward, x: list) -> list:
        return self.gated("", x, self.z[kind.width], kind.act, kind.bias)

    def gated(self, prefix: str, x: list, f: int, act: str, bias: bool = False) -> list:
        x = self.op(prefix + "gate_up", counting.linear, x, 2 * f, bias=bias)
        x = self.op(prefix + "act", counting.gate, x, act)
        return self.op(prefix + "down", counting.linear, x, self.z["d"], bias=bias)

    def experts(self, kind: Experts, x: list) -> list:
        z, f = self.z, self.z[kind.width]
        scores, chosen = self.op("router", counting.route, x, z["N_e"], z["k"])
        self.touched = len(set().union(*chosen))
        y = self.op("dispatch", counting.dispatch, x, scores, chosen)
        y = self.op("experts.gate_up", counting.expert_linear, y, chosen, z["N_e"], 2 * f)
        flat = self.op("experts.act", counting.gate, list(chain(*y)), kind.act)
        y = [flat[i : i + z["k"]] for i in range(0, len(flat), z["k"])]
        y = self.op("experts.down", counting.expert_linear, y, chosen, z["N_e"], z["d"])
        shared = self.gated("shared.", x, z[kind.shared], kind.act) if kind.shared else None
        return self.op("combine", counting.combine, y, shared)


def check_decoder(model: Model, new: int, cached: int) -> None:
    """Every operator of a model's graph against a run of the model."""
    run, sizes = Decoder(model, new, cached), model.sizes
    batch = sums([(new, cached)], w=model.architecture.sizes.get("w", 1))
    values = {**sizes, **batch, s.N_x: run.touched, s.k_run: sizes.get(s.k, 1)}
    graph = {path: op for path, _, op in model.graph().rows()}
    assert list(graph) == list(run.tape.tallies)
    for path, op in graph.items():
        matches(op.cost, run.tape.tallies[path], values)


@pytest.mark.parametrize("config", DECODERS.values(), ids=list(DECODERS))
@pytest.mark.parametrize(("new", "cached"), [(1, 0), (1, 4), (5, 0), (4, 5)])
def test_every_operator_of_a_decoder(config: dict[str, Any], new: int, cached: int) -> None:
    check_decoder(symroof.load(config), new, cached)


# The references are what they are called.


def plain(x: Any) -> Any:
    return np.array([plain(y) for y in x]) if isinstance(x, list) else value(x)


def test_reference_attention_agrees_with_arrays() -> None:
    tape = Tape()
    q, k, v = (rows(tape, 3, heads, 4) for heads in (4, 2, 2))
    cache = [(tape.filled("c", 2, 4), tape.filled("c", 2, 4)) for _ in range(2)]
    past = [(plain(a), plain(b)) for a, b in cache]
    y = plain(counting.attend(tape, q, k, v, cache, causal))
    keys = np.concatenate([np.array([a for a, _ in past]), plain(k)]).repeat(2, axis=1)
    values = np.concatenate([np.array([b for _, b in past]), plain(v)]).repeat(2, axis=1)
    scores = np.einsum("thi,mhi->htm", plain(q), keys) / 2 + np.triu(np.full((3, 5), -np.inf), 3)
    weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    np.testing.assert_allclose(y, np.einsum("htm,mhi->thi", weights, values))


def test_reference_softmax_sums_to_one() -> None:
    assert sum(plain(counting.softmax(Tape().filled("a", 5)))) == pytest.approx(1)


def test_reference_norm_leaves_a_mean_square_of_one() -> None:
    tape = Tape()
    assert (plain(counting.l2_norm(tape, rows(tape, 2, 3, 5))) ** 2).mean(-1) == pytest.approx(
        np.ones((2, 3)), abs=1e-3
    )


def test_reference_rotation_keeps_lengths() -> None:
    tape = Tape()
    x = rows(tape, 3, 2, 6)
    y = plain(counting.rotate(tape, x, start=5))
    np.testing.assert_allclose((y**2).sum(-1), (plain(x) ** 2).sum(-1))
    assert not np.allclose(y, plain(x))


@pytest.mark.parametrize("x", [-1.5, -0.1, 0.0, 0.7, 2.0])
def test_reference_gates_are_their_definitions(x: float) -> None:
    normal = x * (1 + math.erf(x / math.sqrt(2))) / 2
    wanted = {"silu": x / (1 + math.exp(-x)), "relu": max(x, 0.0), "gelu": normal, "gelu_tanh": normal}
    found = {name: value(function(Num(Tape(), x))) for name, function in counting.GATES.items()}
    assert found == pytest.approx(wanted, abs=1e-3)


def test_reference_router_sends_each_token_to_its_largest_scores() -> None:
    tape = Tape()
    scores, chosen = counting.route(tape, rows(tape, 4, 5), experts=6, k=3)
    assert all(list(np.argsort(-plain(row))[:3]) == sent for row, sent in zip(scores, chosen, strict=True))
