"""Every operator's cost against the operator itself, run on numbers that count what is done with them.

No figure below is computed by a formula: it is read off a tape (see counting.py). A mismatch is a bug in one of
the two.
"""

import math
from collections.abc import Iterable
from itertools import combinations, count, product
from typing import Any

import counting
import numpy as np
import pytest
from counting import PLAIN, Num, Router, Scores, Tally, Tape, Visible, value
from sympy import Integer, Symbol, sympify

from symroof import symbols as s
from symroof.cost import batch_sums, masks, rules
from symroof.cost.batch import Query
from symroof.cost.cost import FIELDS, Cost
from symroof.ops import dense, experts
from symroof.ops.attention import grouped
from symroof.ops.recurrent import convolution_and_state

# A size of its own for every role, so that none is taken for another.
WIDTHS = dict(zip((x.symbol for x in s.VOCABULARY.values() if x.group == "width"), count(101, 2), strict=False))
BYTES = {str(width).removeprefix("b_"): size for width, size in WIDTHS.items()}
STREAMED, CACHED = ("a",), ("c", "s")


def counted(tally: Tally, exact: bool) -> dict[str, int]:
    """The tally as the fields of a Cost; `exact`: with the additions of dot products that were executed."""
    products = tally.done["matmul", "mul"]
    weights = [role for role in BYTES if role not in (*STREAMED, *CACHED)]
    return {
        "matmul": products + tally.done["matmul", "add"] if exact else 2 * products,
        "vector": tally.on("vector"),
        "weight_read": size(tally.read, weights),
        "cache_read": size(tally.read, CACHED),
        "cache_write": size(tally.written, CACHED),
        "act_read": size(tally.read, STREAMED),
        "act_write": size(tally.written, STREAMED),
        "weight_held": size(tally.kept, weights),
        "cache_held": size(tally.kept, CACHED),
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
            figures(cost, {s.phi: 1, s.psi: 1, s.delta: 1, s.sigma: sigma, **values}),
            counted(tally, exact=bool(sigma)),
        )
        assert found == wanted


def sums(batch: Iterable[tuple[int, int]], cost: Cost, **sizes: int) -> dict[Symbol, int]:
    """What the standard rules make of queries of (new, cached) tokens, for the sums that a cost has."""
    known = {s.symbol(name): x for name, x in sizes.items()}
    return batch_sums.sum_over_queries([Query(*query) for query in batch], rules.STANDARD, known, symbols_of(cost))


def symbols_of(*costs: Cost) -> set[Symbol]:
    return set().union(*(sympify(getattr(cost, name)).free_symbols for cost in costs for name in FIELDS))


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
    matches(dense.run_times(dense.linear(s.T, s.d, s.V, s.b_emb), s.delta, tied=True), tally, {s.T: T, s.d: d, s.V: V})


def check_norm(T: int, d: int, kind: str = "rms") -> None:
    tape = Tape()
    with tape.op("norm") as tally:
        counting.norm(tape, rows(tape, T, d), kind)
    matches(dense.norm(s.T, s.d, kind), tally, {s.T: T, s.d: d})


def check_activate(T: int, f: int, act: str, gated: bool = True) -> None:
    tape = Tape()
    with tape.op("act") as tally:
        counting.activate(tape, rows(tape, T, 2 * f if gated else f), act, gated)
    matches(dense.activate(s.T, s.f, act, gated), tally, {s.T: T, s.f: f})


def check_clamp(T: int, d: int) -> None:
    tape = Tape()
    with tape.op("clip") as tally:
        counting.clamp(tape, rows(tape, T, d))
    matches(dense.clamp(s.T, s.d), tally, {s.T: T, s.d: d})


def check_residual(T: int, d: int) -> None:
    tape = Tape()
    with tape.op("residual") as tally:
        counting.residual(tape, rows(tape, T, d), rows(tape, T, d))
    matches(dense.residual(s.T, s.d), tally, {s.T: T, s.d: d})


def check_rotate(T: int, heads: int, h: int) -> None:
    tape = Tape()
    with tape.op("rope") as tally:
        counting.rotate(tape, rows(tape, T, heads, h), start=3)
    matches(grouped.rotate(s.T, s.H_q, s.h), tally, {s.T: T, s.H_q: heads, s.h: h})


def check_scale(T: int, heads: int, h: int) -> None:
    tape = Tape()
    with tape.op("temperature") as tally:
        counting.temper(tape, rows(tape, T, heads, h))
    matches(grouped.scale_heads(s.T, s.H_q, s.h), tally, {s.T: T, s.H_q: heads, s.h: h})


def check_gate(T: int, heads: int, h: int, one_a_head: bool, softplus: bool = False) -> None:
    tape = Tape()
    x, gates = rows(tape, T, heads, h), rows(tape, T, heads) if one_a_head else rows(tape, T, heads, h)
    with tape.op("gated") as tally:
        counting.gate(tape, x, gates, softplus)
    matches(grouped.gate_heads(s.T, s.H_q, s.h, one_a_head, softplus), tally, {s.T: T, s.H_q: heads, s.h: h})


def causal(query: int, key: int) -> bool:
    return key <= query


def in_chunks(w: int) -> Visible:
    return lambda query, key: key <= query and key // w == query // w


def in_window(w: int) -> Visible:
    return lambda query, key: query - w < key <= query


SHOWN = {"causal": lambda w: causal, "chunked": in_chunks, "sliding": in_window}
Batch = list[tuple[int, int]]


def check_attend(
    batch: Batch, H_q: int, H_kv: int, h: int, w: int = 1, mask: str = "causal", h_v: int = 0, scores: Scores = PLAIN
) -> None:
    """`batch`: (new, cached) tokens of each query; `h_v`: size of a value, where it is not that of a key."""
    tape, h_v = Tape(), h_v or h
    with tape.op("attend") as tally:
        sinks = tape.filled("n", H_q) if scores.sinks else None
        for new, cached in batch:
            q, k, v = (rows(tape, new, *shape) for shape in ((H_q, h), (H_kv, h), (H_kv, h_v)))
            cache = [(tape.filled("c", H_kv, h), tape.filled("c", H_kv, h_v)) for _ in range(cached)]
            counting.attend(tape, q, k, v, cache, SHOWN[mask](w), scores, sinks)
    each = (2 if scores.alibi else 0) + (3 if scores.softcap else 0)
    cost = grouped.grouped_attention(s.T, masks.MASKS[mask], s.H_q, s.H_kv, s.h, s.h_v, each, scores.borrowed)
    values = {s.H_q: H_q, s.H_kv: H_kv, s.h: h, s.h_v: h_v, **sums(batch, cost, w=w)}
    matches(cost, tally, values)
    if scores.sinks:
        tape.tallies["sinks"].kept["n"] += H_q
        matches(grouped.attention_sink(s.T, s.H_q), tape.tallies["sinks"], values)


def check_route(T: int, d: int, N_e: int, k: int, form: Router) -> None:
    tape = Tape()
    with tape.op("router") as tally:
        counting.route(tape, rows(tape, T, d), N_e, k, form)
    others = s.N_s if form.others else 0
    cost = experts.route(s.T, s.d, form.bias, form.correction, others, form.hashed)
    matches(cost, tally, {s.T: T, s.d: d, s.N_e: N_e, s.k: k, s.N_s: form.others})


def check_dispatch(T: int, d: int, N_e: int, k: int) -> None:
    tape = Tape()
    x = rows(tape, T, d)
    scores, chosen = counting.route(tape, x, N_e, k)
    with tape.op("dispatch") as tally:
        counting.dispatch(tape, x, scores, chosen)
    matches(experts.dispatch(s.T, s.d), tally, {s.T: T, s.d: d, s.k: k, s.k_run: k, s.N_e: N_e})


def check_expert_linear(chosen: list[list[int]], d: int, f: int, N_e: int, bias: bool = False) -> None:
    """`chosen`: the experts of each token."""
    tape = Tape()
    T, k, touched = len(chosen), len(chosen[0]), len(set().union(*chosen))
    with tape.op("experts") as tally:
        counting.expert_linear(tape, rows(tape, T, k, d), chosen, N_e, f, bias)
    values = {s.T: T, s.d: d, s.f: f, s.N_e: N_e, s.k_run: k, s.N_x: touched}
    matches(experts.expert_linear(s.T, s.d, s.f, bias), tally, values)


def check_combine(T: int, d: int, k: int, shared: bool) -> None:
    tape = Tape()
    with tape.op("combine") as tally:
        counting.combine(tape, rows(tape, T, k, d), rows(tape, T, d) if shared else None)
    matches(experts.combine(s.T, s.d, shared), tally, {s.T: T, s.d: d, s.k_run: k})


def check_convolve(batch: Batch, channels: int, k: int, bias: bool) -> None:
    tape = Tape()
    past = [tape.filled("c" if cached else "", k - 1, channels) for _, cached in batch]
    new = [rows(tape, new, channels) for new, _ in batch]
    with tape.op("conv") as tally:
        counting.convolve(tape, list(zip(new, past, strict=True)), k, bias)
    cost = convolution_and_state.convolve(s.d, bias)
    columns = rules.STANDARD[s.u_c].subs(s.k_c, k)
    matches(cost, tally, {s.d: channels, s.k_c: k, s.u_c: columns, **sums(batch, cost)})


def check_state(batch: Batch, elements: int) -> None:
    """A state read where there is one, written and kept."""
    tape = Tape()
    with tape.op("state") as tally:
        for _, cached in batch:
            state = tape.filled("s" if cached else "", elements)
            tape.store(state, "s")
            tally.kept["s"] += elements
    cost = convolution_and_state.state(s.d)
    matches(cost, tally, {s.d: elements, **sums(batch, cost)})


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
@pytest.mark.parametrize("kind", dense.NORMS)
def test_norm(T: int, d: int, kind: str) -> None:
    check_norm(T, d, kind)


@pytest.mark.parametrize("T", ROWS)
@pytest.mark.parametrize("gated", [True, False])
@pytest.mark.parametrize("act", dense.ACTIVATIONS)
def test_activation(T: int, act: str, gated: bool) -> None:
    if gated or act not in counting.PAIRED:
        check_activate(T, f=7, act=act, gated=gated)


@pytest.mark.parametrize("T", ROWS)
def test_clamp(T: int) -> None:
    check_clamp(T, d=7)


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


@pytest.mark.parametrize("T", ROWS)
@pytest.mark.parametrize("one_a_head", [True, False])
@pytest.mark.parametrize("softplus", [True, False])
def test_gate(T: int, one_a_head: bool, softplus: bool) -> None:
    check_gate(T, heads=3, h=5, one_a_head=one_a_head, softplus=softplus)


HEADS = [(1, 1), (3, 3), (4, 2), (5, 1)]
SCORES = [
    PLAIN,
    Scores(alibi=True),
    Scores(softcap=True),
    Scores(sinks="sinks"),
    Scores(borrowed=True),
    Scores(alibi=True, softcap=True, sinks="sinks", borrowed=True),
]
BATCHES = [[(1, 0)], [(1, 7)], [(5, 0)], [(4, 3)], [(3, 6)], [(2, 5), (1, 0), (4, 4)]]


@pytest.mark.parametrize(("H_q", "H_kv"), HEADS)
@pytest.mark.parametrize("batch", BATCHES)
def test_causal_attention(batch: Batch, H_q: int, H_kv: int) -> None:
    check_attend(batch, H_q, H_kv, h=3)


@pytest.mark.parametrize("mask", ["chunked", "sliding"])
@pytest.mark.parametrize("w", [1, 2, 3, 5, 20])
@pytest.mark.parametrize("batch", BATCHES)
def test_attention_within_a_window(batch: Batch, w: int, mask: str) -> None:
    check_attend(batch, H_q=4, H_kv=2, h=3, w=w, mask=mask)


@pytest.mark.parametrize("mask", ["causal", "sliding"])
@pytest.mark.parametrize("scores", SCORES, ids=str)
@pytest.mark.parametrize("batch", BATCHES)
def test_attention_with_scores_and_values_of_its_own(batch: Batch, scores: Scores, mask: str) -> None:
    check_attend(batch, H_q=4, H_kv=2, h=3, w=3, mask=mask, h_v=5, scores=scores)


ROUTERS = [
    Router(),
    Router(bias=True),
    Router(correction=True),
    Router(others=2),
    Router(hashed=True),
    Router(bias=True, correction=True, others=3),
]


@pytest.mark.parametrize("form", ROUTERS, ids=str)
@pytest.mark.parametrize(("N_e", "k"), [(1, 1), (5, 1), (5, 2), (6, 6)])
def test_router_scores_chooses_and_squashes(N_e: int, k: int, form: Router) -> None:
    check_route(3, d=5, N_e=N_e, k=k, form=form)


@pytest.mark.parametrize(("N_e", "k"), [(1, 1), (5, 2), (6, 6)])
def test_dispatch_scales_a_copy_for_each_expert(N_e: int, k: int) -> None:
    check_dispatch(3, d=5, N_e=N_e, k=k)


@pytest.mark.parametrize("chosen", [[[0]], [[2], [2], [2]], [[0, 1], [1, 3], [0, 3]], [[3, 2, 1, 0]]])
@pytest.mark.parametrize("bias", [False, True])
def test_experts_multiply_their_tokens_and_are_read_once(chosen: list[list[int]], bias: bool) -> None:
    check_expert_linear(chosen, d=5, f=3, N_e=4, bias=bias)


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("shared", [False, True])
def test_combine_adds_the_experts_up(k: int, shared: bool) -> None:
    check_combine(3, d=5, k=k, shared=shared)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize("batch", BATCHES)
def test_causal_convolution(batch: Batch, k: int, bias: bool) -> None:
    check_convolve(batch, channels=3, k=k, bias=bias)


@pytest.mark.parametrize("batch", BATCHES)
def test_state(batch: Batch) -> None:
    check_state(batch, elements=7)


@pytest.mark.parametrize(("N_e", "k", "T"), [(1, 1, 2), (4, 1, 4), (4, 2, 3), (5, 4, 2), (3, 3, 2)])
def test_experts_touched_are_the_mean_over_all_routings(N_e: int, k: int, T: int) -> None:
    routings = list(product(combinations(range(N_e), k), repeat=T))
    touched = sum(len(set().union(*routing)) for routing in routings)
    expected = sympify(rules.STANDARD[s.N_x]).subs({s.N_e: N_e, s.k: k, s.T: T})
    assert expected * len(routings) == touched


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


@pytest.mark.parametrize("kind", ["rms_plain", "layer_plain"])
def test_reference_norm_leaves_a_mean_square_of_one(kind: str) -> None:
    tape = Tape()
    y = plain(counting.norm_heads(tape, rows(tape, 2, 3, 5), kind))
    assert (y**2).mean(-1) == pytest.approx(np.ones((2, 3)), abs=1e-3)
    assert np.allclose(y.mean(-1), 0) == (kind == "layer_plain")


@pytest.mark.parametrize("over", ["head", "heads", "width"])
def test_reference_norm_weighs_and_shifts(over: str) -> None:
    tape = Tape()
    x = rows(tape, 4, 3, 5)
    with tape.op("norm") as tally:
        y = plain(counting.norm_heads(tape, x, "layer", over))
    axes = (-2, -1) if over == "width" else -1
    z = plain(x) - plain(x).mean(axes, keepdims=True)
    z = z / np.sqrt((z**2).mean(axes, keepdims=True) + counting.EPS)
    slope = (y[1:] - y[:1]) / (z[1:] - z[:1])  # of the line that each element's weight and shift draw
    np.testing.assert_allclose(slope, slope[:1].repeat(3, axis=0))
    assert np.allclose(slope, slope[:, :1]) == (over == "head")
    assert tally.kept["n"] == 2 * (5 if over == "head" else 15)


def test_reference_rotation_keeps_lengths() -> None:
    tape = Tape()
    x = rows(tape, 3, 2, 6)
    y = plain(counting.rotate(tape, x, start=5))
    np.testing.assert_allclose((y**2).sum(-1), (plain(x) ** 2).sum(-1))
    assert not np.allclose(y, plain(x))


@pytest.mark.parametrize("x", [-1.5, -0.1, 0.0, 0.7, 2.0])
def test_reference_gates_are_their_definitions(x: float) -> None:
    normal = x * (1 + math.erf(x / math.sqrt(2))) / 2
    wanted = {
        "silu": x / (1 + math.exp(-x)),
        "relu": max(x, 0.0),
        "relu2": max(x, 0.0) ** 2,
        "gelu": normal,
        "gelu_tanh": normal,
        "xielu": 0.5 * x + (0.8 * x**2 if x > 0 else 0.3 * (math.exp(x) - 1 - x)),
    }
    found = {
        name: value(function(Num(Tape(), x), *(0.8, 0.3)[: counting.LEARNED.get(name, 0)]))
        for name, function in counting.GATES.items()
    }
    assert found == pytest.approx(wanted, abs=1e-3)


def test_reference_router_sends_each_token_to_its_largest_scores() -> None:
    tape = Tape()
    scores, chosen = counting.route(tape, rows(tape, 4, 5), experts=6, k=3)
    assert all(list(np.argsort(-plain(row))[:3]) == sent for row, sent in zip(scores, chosen, strict=True))


def test_reference_router_of_corrected_scores_keeps_the_scores() -> None:
    tape = Tape()
    scores, chosen = counting.route(tape, rows(tape, 4, 5), experts=6, k=3, form=Router(bias=True, correction=True))
    for row, sent in zip(scores, chosen, strict=True):
        assert all((0 < value(x) < 1) == (e in sent) for e, x in enumerate(row))


def test_reference_rotation_of_a_part_leaves_the_rest() -> None:
    tape = Tape()
    x = rows(tape, 3, 2, 6)
    y = counting.rotate(tape, x, start=5, part=4)
    whole = plain(counting.rotate(tape, [[head[:4] for head in row] for row in x], start=5))
    np.testing.assert_allclose(plain(y)[..., :4], whole)
    assert all(y[t][m][i] is x[t][m][i] for t, m, i in product(range(3), range(2), (4, 5)))


@pytest.mark.parametrize("scores", SCORES, ids=str)
def test_reference_scores_agree_with_arrays(scores: Scores) -> None:
    tape = Tape()
    q, k, v, sinks = rows(tape, 3, 2, 4), rows(tape, 3, 2, 4), rows(tape, 3, 2, 5), tape.filled("n", 2)
    with tape.op("attend"):
        y = plain(counting.attend(tape, q, k, v, [], causal, scores, sinks if scores.sinks else None))
    logits = np.einsum("thi,mhi->htm", plain(q), plain(k)) / 2
    logits = 50 * np.tanh(logits / 50) if scores.softcap else logits
    far = np.arange(3)[:, None] - np.arange(3)
    logits = (logits - 0.5 * far if scores.alibi else logits) + np.triu(np.full((3, 3), -np.inf), 1)
    below = np.exp(logits).sum(-1) + (np.exp(plain(sinks))[:, None] if scores.sinks else 0)
    np.testing.assert_allclose(y, np.einsum("htm,mhi,ht->thi", np.exp(logits), plain(v), 1 / below))


def test_reference_gate_scales_by_sigmoids_or_softplus() -> None:
    tape = Tape()
    x, by_element, by_head = rows(tape, 2, 3, 4), rows(tape, 2, 3, 4), rows(tape, 2, 3)
    np.testing.assert_allclose(plain(counting.gate(tape, x, by_element)), plain(x) / (1 + np.exp(-plain(by_element))))
    y = plain(counting.gate(tape, x, by_head))
    np.testing.assert_allclose(y, plain(x) / (1 + np.exp(-plain(by_head)[..., None])))
    y = plain(counting.gate(tape, x, by_element, soft=True))
    np.testing.assert_allclose(y, plain(x) * np.log1p(np.exp(plain(by_element))))


def test_reference_convolution_agrees_with_arrays() -> None:
    tape = Tape()
    new, past = rows(tape, 5, 3), tape.filled("c", 2, 3)
    weights: list[Any] = []
    tape.table = lambda role, *shape: weights.append(tape.filled(role, *shape)) or weights[-1]  # type: ignore
    y = plain(counting.convolve(tape, [(new, past)], k=3))
    line, w = np.concatenate([plain(past), plain(new)]), plain(weights[0])
    np.testing.assert_allclose(y, [[line[t : t + 3, i] @ w[i] for i in range(3)] for t in range(5)])
