"""Attention through a latent, to selected keys and to compressed entries; hyper-connections: counted and by law."""

from functools import reduce
from itertools import product
from operator import add
from typing import Any

import counting
import pytest
from counting import Num, Tally, Tape, dot
from kinds import by_group, weighed_by_position
from sympy import Integer, sympify
from test_operators import matches, rows, sums, symbols_of

import symroof
from symroof import symbols as s
from symroof.architecture.kinds.latent_attention import CompressedAttention
from symroof.blocks.attention.compressed import build_compressed_attention
from symroof.cost import batch_sums, rules
from symroof.cost.batch import Query
from symroof.cost.cost import Cost
from symroof.cost.masks import MASKS
from symroof.errors import ConfigError
from symroof.ops.attention import compressed, grouped, latent
from symroof.ops.residual import hyper

BATCHES = [[(1, 0)], [(1, 7)], [(4, 0)], [(3, 5)], [(2, 4), (1, 0), (3, 3)]]
SIZES = {"H_q": 2, "r_kv": 5, "h_n": 3, "h_r": 6, "h_v": 7, "w": 4}  # all differ


def values(batch: list[tuple[int, int]], cost: Cost, base: str = "standard", **sizes: int) -> dict[Any, int]:
    """Sizes, and sums over the batch under some rules."""
    known = {s.symbol(name): x for name, x in sizes.items()}
    layer = rules.rule_layer(tuple(base.split(",")))
    return known | batch_sums.sum_over_queries([Query(*query) for query in batch], layer, known, symbols_of(cost))


# Attention through a latent, one way and the other.


def within(tape: Tape, tally: Tally) -> None:
    """Go on with an operator."""
    tape.tally = tally


def attend_expanded(tape: Tape, down: Tally, core: Tally, up: list, new: int, cache: list, window: int) -> None:
    """One query whose latents, new and cached, are projected to keys and values of every head."""
    h_n, h_r = SIZES["h_n"], SIZES["h_r"]
    queries, fresh = (
        rows(tape, new, SIZES["H_q"], h_n + h_r),
        [(rows(tape, SIZES["r_kv"]), rows(tape, h_r)) for _ in range(new)],
    )
    seen = cache[max(0, len(cache) - window + 1) :] + fresh
    within(tape, down)
    expanded = tape.store([[[dot(latent_, column) for column in head] for head in up] for latent_, _ in seen])
    within(tape, core)
    out = []
    for t in range(new):
        last = len(seen) - new + t + 1
        keys = range(max(0, last - window), last)
        out.append(
            [
                counting.softmax([dot(q, expanded[j][i][:h_n] + seen[j][1]) * 0.5 for j in keys])
                for i, q in enumerate(queries[t])
            ]
        )
        out[-1] = [
            [dot(a, [expanded[j][i][h_n + x] for j in keys]) for x in range(SIZES["h_v"])]
            for i, a in enumerate(out[-1])
        ]
    tape.store(out)
    tape.store([[*latent_, *rotated] for latent_, rotated in fresh], "c")


def attend_latent(tape: Tape, down: Tally, core: Tally, up: list, new: int, cache: list, window: int) -> None:
    """One query projected into the latent, which serves all heads as key and as value."""
    H, h_n, h_r, h_v, r = (SIZES[x] for x in ("H_q", "h_n", "h_r", "h_v", "r_kv"))
    queries, turned = rows(tape, new, H, h_n), rows(tape, new, H, h_r)
    fresh = [(rows(tape, r), rows(tape, h_r)) for _ in range(new)]
    seen = cache[max(0, len(cache) - window + 1) :] + fresh
    within(tape, down)
    inner = tape.store(
        [[[dot(q, [up[i][x][y] for x in range(h_n)]) for y in range(r)] for i, q in enumerate(row)] for row in queries]
    )
    within(tape, core)
    out = []
    for t in range(new):
        last = len(seen) - new + t + 1
        keys = range(max(0, last - window), last)
        weights = [
            counting.softmax([dot(q + p, seen[j][0] + seen[j][1]) * 0.5 for j in keys])
            for q, p in zip(inner[t], turned[t], strict=True)
        ]
        out.append([[dot(a, [seen[j][0][x] for j in keys]) for x in range(r)] for a in weights])
    out = tape.store(out)
    tape.store([[*latent_, *rotated] for latent_, rotated in fresh], "c")
    within(tape, down)
    tape.store([[[dot(y, up[i][h_n + x]) for x in range(h_v)] for i, y in enumerate(row)] for row in out])


@pytest.mark.parametrize(("batch", "mask"), [*product(BATCHES, ("causal", "sliding"))])
@pytest.mark.parametrize("way", ["latent-expanded", "latent-absorbed"])
def test_both_ways_are_the_operators_run_on_numbers_that_count(batch: Any, mask: str, way: str) -> None:
    tape, window = Tape(), SIZES["w"] if mask == "sliding" else 99
    H, r, h_n, h_r, h_v = (SIZES[x] for x in ("H_q", "r_kv", "h_n", "h_r", "h_v"))
    with tape.op("kv_b") as down:
        up = tape.table("w", H, h_n + h_v, r)
    core = Tally()
    for new, cached in batch:
        cache = [(tape.filled("c", r), tape.filled("c", h_r)) for _ in range(cached)]
        {"latent-expanded": attend_expanded, "latent-absorbed": attend_latent}[way](
            tape, down, core, up, new, cache, window
        )
        core.kept["c"] += min(new + cached, window) * (r + h_r)
    ways = latent.LATENT_SUMS[mask]
    project = latent.project_latent(ways, s.H_q, s.r_kv, s.h_n, s.h_v)
    attend = latent.latent_attention(ways, s.H_q, s.r_kv, s.h_n, s.h_r, s.h_v, Integer(0))
    for cost, tally in ((project, down), (attend, core)):
        matches(cost, tally, values(batch, cost, f"standard,{way}", **SIZES))


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("mask", latent.LATENT_SUMS)
def test_one_way_has_all_tokens_and_pairs_and_the_other_none(mask: str, batch: Any) -> None:
    ways, shown = latent.LATENT_SUMS[mask], MASKS[mask]
    every = MASKS["causal"] if mask in ("top", "tail") else shown  # keys that are not selected are expanded too
    absorbed = s.T, shown.pairs, shown.read, shown.held, 0, 0
    expanded = 0, 0, 0, shown.held, every.pairs, every.read
    for rule, wanted in (("latent-absorbed", absorbed), ("latent-expanded", expanded)):
        found = ways.tokens, ways.pairs, ways.read, ways.held, ways.pairs_expanded, ways.read_expanded
        step = [values(batch, Cost(*x), f"standard,{rule}", w=4, w_i=3, k_b=2, k_i=2) for x in (found, wanted)]
        assert [sympify(x).xreplace(step[0]) for x in found] == [sympify(x).xreplace(step[1]) for x in wanted]


@pytest.mark.parametrize("batch", BATCHES)
def test_an_indexer_scores_every_pair_and_selects(batch: Any) -> None:
    tape, H, h, most = Tape(), 3, 2, 4
    with tape.op("index") as tally:
        for new, cached in batch:
            queries, weights, fresh = rows(tape, new, H, h), rows(tape, new, H), rows(tape, new, h)
            keys = [tape.filled("c", h) for _ in range(cached)] + fresh
            for t in range(new):
                scores = [
                    dot(weights[t], [dot(q, key).larger(0) for q in queries[t]]) for key in keys[: cached + t + 1]
                ]
                chosen = sorted((x for x in scores if x.exceeds(0) or True), key=lambda x: -x.value)[:most]
                tally.written["a"] += len(chosen)
            tape.store(fresh, "c")
            tally.kept["c"] += (new + cached) * h
    cost = latent.index_tokens(s.H_i, s.h_i)
    matches(cost, tally, {s.H_i: H, s.h_i: h, **sums(batch, cost, k_i=most)})


def test_a_learned_factor_a_head() -> None:
    tape, T, H, h = Tape(), 3, 2, 5
    heads = rows(tape, T, H, h)
    with tape.op("temperature") as tally:
        weighed_by_position(tape, heads)
    matches(latent.scale_by_position(s.T, s.H_q, s.h), tally, {s.T: T, s.H_q: H, s.h: h})


# Compressed entries.

W_C = 3


def weighted(gates: list, biases: list, contents: list) -> Num:
    """One channel of an entry."""
    weights = counting.softmax([g + b for g, b in zip(gates, biases, strict=True)])
    return reduce(add, [a * x for a, x in zip(weights, contents, strict=True)])


def run_compressor(tape: Tape, new: int, cached: int, h: int, series: int, biases: list) -> list:
    """The entries completed by one query, whose cache holds tokens that wait and those the next entry overlaps.

    A token is `series` values and as many gates of each of h channels.
    """
    waiting = [tape.filled("c", 2, series, h) for _ in range(cached % W_C)]
    over = [tape.filled("c" if cached >= W_C else "", 2, h) for _ in range(W_C)] if series == 2 else []
    entries, stored = [], []
    for token in (rows(tape, 2, series, h) for _ in range(new)):
        waiting.append(token)
        stored.append(token)
        if len(waiting) == W_C:
            before = [[part[i] for part in x] for i in range(h) for x in over]
            slots = [
                [(before[i * len(over) + j][0], before[i * len(over) + j][1]) for j in range(len(over))]
                + [(x[0][-1][i], x[1][-1][i]) for x in waiting]
                for i in range(h)
            ]
            entries.append(
                [weighted([g for _, g in slots[i]], [b[i] for b in biases], [v for v, _ in slots[i]]) for i in range(h)]
            )
            over = [[x[0][0], x[1][0]] for x in waiting] if series == 2 else []
            waiting, stored = [], []
    tape.store(stored, "c")
    if entries:
        tape.store(over, "c")
    tape.tally.kept["c"] += len(waiting) * 2 * series * h + (len(over) * 2 * h if cached + new >= W_C else 0)
    return tape.store(entries)


@pytest.mark.parametrize("batch", [[(3, 0)], [(1, 5)], [(4, 4)], [(8, 1), (1, 0), (2, 9)], [(7, 6)]])
@pytest.mark.parametrize("series", [1, 2])
def test_entries_are_made_of_tokens_that_wait_for_one_another(batch: Any, series: int) -> None:
    tape, h = Tape(), 2
    with tape.op("compress") as tally:
        biases = tape.table("n", series * W_C, h)
        for new, cached in batch:
            run_compressor(tape, new, cached, h, series, biases)
    cost = compressed.compress(s.h, series == 2)
    matches(cost, tally, {s.h: h, s.w_c: W_C, **sums(batch, cost, w_c=W_C)})


def known_entries(tape: Tape, new: int, cached: int, h: int) -> tuple[list, list]:
    """Cached entries, and those that a query completes."""
    before, after = cached // W_C, (cached + new) // W_C
    return [tape.filled("c", h) for _ in range(before)], rows(tape, after - before, h)


@pytest.mark.parametrize("batch", BATCHES)
def test_entries_are_scored_and_selected(batch: Any) -> None:
    tape, H, h, most = Tape(), 2, 4, 1
    with tape.op("index") as tally:
        for new, cached in batch:
            old, fresh = known_entries(tape, new, cached, h)
            queries, weights = rows(tape, new, H, h), rows(tape, new, H)
            for t in range(new):
                seen = (old + fresh)[: (cached + t + 1) // W_C]
                scores = [
                    reduce(add, [dot(q, e).larger(0) * w for q, w in zip(queries[t], weights[t], strict=True)])
                    for e in seen
                ]
                tally.written["a"] += min(most, sum(x.exceeds(0) or True for x in scores))
            touch(queries, weights)
            tape.store(fresh, "c")
            tally.kept["c"] += (len(old) + len(fresh)) * h
            touch(old)
    cost = compressed.index_entries(s.H_i, s.h_i)
    matches(cost, tally, {s.H_i: H, s.h_i: h, **sums(batch, cost, w_c=W_C, k_i=most)})


def touch(*found: Any) -> None:
    """Read what lies in memory, as an operator does that loads whole blocks."""
    for x in found:
        touch(*x) if isinstance(x, list) else x.tape.tally.touch(x)


@pytest.mark.parametrize(("batch", "most"), [*product(BATCHES, [None]), ([(1, 8)], 2), ([(1, 13)], 2), ([(4, 0)], 9)])
def test_tokens_attend_to_a_window_and_to_entries(batch: Any, most: int | None) -> None:
    tape, H, h, w = Tape(), 2, 3, 4
    with tape.op("attend") as tally:
        for new, cached in batch:
            old, fresh = known_entries(tape, new, cached, h)
            queries, own = rows(tape, new, H, h), rows(tape, new, h)
            window = [tape.filled("c", h) for _ in range(cached)] + own
            for t in range(new):
                entries = (old + fresh)[: (cached + t + 1) // W_C][:most]
                keys = window[max(0, cached + t + 1 - w) : cached + t + 1] + entries
                weights = [counting.softmax([dot(q, k) * 0.5 for k in keys]) for q in queries[t]]
                tape.store([[dot(a, [k[i] for k in keys]) for i in range(h)] for a in weights])
                tally.read["a"] += len(entries) if most else 0
            tape.store([*own, *fresh], "c")
            touch(old[:most])
            tally.kept["c"] += (min(cached + new, w) + len(old) + len(fresh)) * h
    pairs, read, selected = (s.P_sel, s.C_sel, s.P_sel) if most else (s.P_comp, s.C_comp, Integer(0))
    cost = compressed.compressed_attention(s.H_q, s.h, pairs, read, s.T_comp, s.K_comp, selected)
    matches(cost, tally, {s.H_q: H, s.h: h, **sums(batch, cost, w=w, w_c=W_C, k_i=most or 1)})


def test_without_entries_it_is_attention_to_a_window_whose_keys_are_the_values() -> None:
    [window] = [x.cost for x in build_compressed_attention(CompressedAttention()) if x.name == "attend"]
    both = grouped.grouped_attention(s.T, MASKS["sliding"], s.H_q, Integer(1), s.h, s.h)
    for field in ("matmul", "vector", "act_write"):
        assert (getattr(window, field) - getattr(both, field)).expand() == 0
    for field in ("cache_read", "cache_write", "cache_held"):
        assert (2 * getattr(window, field) - getattr(both, field)).expand() == 0
    assert (both.act_read - window.act_read).expand() == s.T * s.h * s.b_a  # the values


def test_groups_are_projected_apart() -> None:
    tape, T, G, d_in, d_out = Tape(), 3, 2, 4, 5
    x = rows(tape, T, G * d_in)
    with tape.op("out_a") as tally:
        by_group(tape, x, G, d_out, "o")
    matches(compressed.grouped_linear(s.T, s.G_o, s.d, s.r_o), tally, {s.T: T, s.G_o: G, s.d: d_in, s.r_o: d_out})


# Hyper-connections.

STREAMS = {s.T: 3, s.m: 2, s.d: 5, s.m_s: 4}


def doubly(tape: Tape, matrix: list, times: int) -> list:
    """Rows through a softmax; columns, then rows and columns in turn, over their sums."""
    matrix = [[x + 1e-6 for x in counting.softmax(row)] for row in matrix]
    for step in range(2 * times - 1):
        turned = step % 2 == 0
        lines = [list(x) for x in zip(*matrix, strict=True)] if turned else matrix
        lines = [[x / total for x in line] for line in lines for total in [reduce(add, line) + 1e-6]]
        matrix = [list(x) for x in zip(*lines, strict=True)] if turned else lines
    return matrix


@pytest.mark.parametrize("mixing", [False, True])
def test_the_weights_of_streams_come_from_the_streams(mixing: bool) -> None:
    T, m, d, times = STREAMS.values()
    tape, vectors = Tape(), 2 * m
    flat = rows(tape, T, m * d)
    outputs = m * m + vectors if mixing else vectors
    with tape.op("weights") as tally:
        found = counting.linear(tape, flat, outputs, role="r")
        base, factors = tape.table("n", outputs), tape.table("n", 3 if mixing else 2)
        for row in found:
            z = [x * factors[min(i // m, len(factors) - 1)] + base[i] for i, x in enumerate(row)]
            for x in z[:vectors]:
                counting.sigmoid(x) + 1e-6
            if mixing:
                doubly(tape, [z[vectors + i * m : vectors + (i + 1) * m] for i in range(m)], times)
        tally.read["a"] -= T * outputs  # what a projection writes goes on within the operator
    matches(hyper.stream_weights(s.m**2 + 2 * s.m if mixing else 2 * s.m, 3 if mixing else 2, mixing), tally, STREAMS)


@pytest.mark.parametrize("mixing", [False, True])
def test_streams_are_gathered_and_spread(mixing: bool) -> None:
    T, m, d, _ = STREAMS.values()
    tape = Tape()
    streams, y, a, b, c = rows(tape, T, m, d), rows(tape, T, d), rows(tape, T, m), rows(tape, T, m), rows(tape, T, m, m)
    with tape.op("gather") as gathered:
        tape.store([[reduce(add, [a[t][i] * streams[t][i][j] for i in range(m)]) for j in range(d)] for t in range(T)])
    with tape.op("spread") as spread:
        for t, k, j in product(range(T), range(m), range(d)):
            column = [streams[t][i][j] for i in range(m)]
            kept = dot(c[t][k], column) if mixing else streams[t][k][j]
            tape.store(b[t][k] * y[t][j] + kept)
    matches(hyper.gather_streams(), gathered, STREAMS)
    matches(hyper.spread_to_streams(mixing), spread, STREAMS)


# Laws.

MLA = {
    "model_type": "deepseek_v3",
    "hidden_size": 32,
    "intermediate_size": 48,
    "moe_intermediate_size": 8,
    "vocab_size": 101,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "q_lora_rank": 12,
    "kv_lora_rank": 16,
    "qk_nope_head_dim": 6,
    "qk_rope_head_dim": 4,
    "v_head_dim": 5,
    "n_routed_experts": 6,
    "num_experts_per_tok": 2,
    "n_shared_experts": 1,
    "first_k_dense_replace": 1,
    "torch_dtype": "bfloat16",
}
DSA = MLA | {"model_type": "deepseek_v32", "index_topk": 5, "index_n_heads": 2, "index_head_dim": 8}
DOTS = DSA | {
    "model_type": "dots3_note_text",
    "num_hidden_layers": 6,
    "sliding_window": 4,
    "layer_types": ["indexed_attention", "sliding_attention", "full_attention"] * 2,
    "per_layer_config": {},
}
V4 = {
    "model_type": "deepseek_v4",
    "hidden_size": 32,
    "moe_intermediate_size": 8,
    "vocab_size": 101,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "head_dim": 16,
    "q_lora_rank": 12,
    "n_routed_experts": 6,
    "num_experts_per_tok": 2,
    "o_groups": 2,
    "o_lora_rank": 6,
    "index_n_heads": 2,
    "index_head_dim": 8,
    "index_topk": 2,
    "sliding_window": 4,
    "compress_ratios": [0, 4, 128, 4, 0],
    "compress_rate_hca": 6,
    "torch_dtype": "bfloat16",
}
STEPS = [(n, c) for n in (1, 2, 3, 7, 40) for c in (0, 1, 4, 9, 100)]


def core(model: Any, new: int, cached: int, names: str) -> dict[str, int]:
    """Matmul FLOP of what depends on the way, by block."""
    found: dict[str, int] = {}
    for row in model.report(new, cached, rules=names).rows:
        if row.op in ("kv_b", "attend"):
            found[row.block] = found.get(row.block, 0) + row.cost.matmul
    return found


@pytest.mark.parametrize("config", [MLA, DSA, DOTS], ids=lambda x: x["model_type"])
def test_each_query_takes_the_cheaper_way(config: dict[str, Any]) -> None:
    model, ways = symroof.load(config), set()
    for new, cached in STEPS:
        chosen, absorbed, expanded = (
            core(model, new, cached, x) for x in ("standard", "latent-absorbed", "latent-expanded")
        )
        assert chosen == {block: min(absorbed[block], expanded[block]) for block in chosen}
        ways |= {absorbed[x] < expanded[x] for x in chosen}
    assert ways == {True, False}


def test_each_query_of_a_batch_takes_its_own_way() -> None:
    model = symroof.load(MLA)
    batch = [(40, 0), (1, 100), (3, 9)]
    alone = [core(model, new, cached, "standard")["attention"] for new, cached in batch]
    report = model.report([n for n, _ in batch], [c for _, c in batch])
    assert sum(alone) == sum(x.cost.matmul for x in report.rows if x.op in ("kv_b", "attend"))


@pytest.mark.parametrize("config", [MLA, DSA], ids=lambda x: x["model_type"])
def test_in_the_latent_a_prefill_is_the_sum_of_its_decode_steps(config: dict[str, Any]) -> None:
    def figures(new: int, cached: int) -> list[tuple[str, Any]]:
        report = symroof.load(config).report(new, cached, rules="latent-absorbed", logits="all")
        return [(x.path, x.cost.matmul, x.cost.vector, x.cost.cache_write, x.cost.act_write) for x in report.rows]

    steps = [figures(1, c) for c in range(3, 10)]
    assert [(x[0][0], *map(sum, zip(*(y[1:] for y in x), strict=True))) for x in zip(*steps, strict=True)] == figures(
        7, 3
    )


def test_selecting_more_keys_than_there_are_is_attending_to_all() -> None:
    sparse, full = symroof.load(DSA | {"index_topk": 500}), symroof.load(MLA)
    for new, cached in STEPS:
        for names in ("standard", "latent-absorbed"):
            assert core(sparse, new, cached, names) == core(full, new, cached, names)


def test_selected_keys_bound_what_a_token_costs() -> None:
    model = symroof.load(DSA)
    assert core(model, 1, 100, "standard") == core(model, 1, 100000, "standard")
    near, far = (model.report(1, c) for c in (100, 1000))
    read = [{x.op: x.cost.cache_read for x in y.rows} for y in (near, far)]
    assert read[0]["attend"] == read[1]["attend"]
    assert 10 * read[0]["index"] == read[1]["index"]


def test_a_prefill_of_compressed_attention_is_the_sum_of_its_decode_steps() -> None:
    def work(new: int, cached: int) -> list[tuple[Any, ...]]:
        report = symroof.load(V4).report(new, cached, logits="all")
        return [(x.cost.matmul, x.cost.vector) for x in report.rows]

    steps = [work(1, c) for c in range(2, 31)]
    assert [tuple(map(sum, zip(*x, strict=True))) for x in zip(*steps, strict=True)] == work(29, 2)


@pytest.mark.parametrize("config", [MLA, DSA, DOTS, V4], ids=lambda x: x["model_type"])
def test_a_cache_holds_the_same_however_its_tokens_came(config: dict[str, Any]) -> None:
    model = symroof.load(config)
    for whole in (9, 40):
        kept = [{x.path: x.cost.cache_held for x in model.report(n, whole - n).rows} for n in (whole, 7, 1)]
        assert kept[0] == kept[1] == kept[2]


def test_what_compressed_attention_keeps_grows_by_entries() -> None:
    model = symroof.load(V4)
    kept = [model.report(n).storage.cache for n in range(40, 66)]
    assert kept[12] - kept[0] == kept[24] - kept[12] > 0


LONGCAT = {
    "model_type": "longcat_flash",
    "hidden_size": 32,
    "ffn_hidden_size": 48,
    "expert_ffn_hidden_size": 8,
    "num_layers": 2,
    "vocab_size": 101,
    "num_attention_heads": 4,
    "q_lora_rank": 12,
    "kv_lora_rank": 16,
    "qk_nope_head_dim": 6,
    "qk_rope_head_dim": 4,
    "v_head_dim": 5,
    "n_routed_experts": 6,
    "moe_topk": 3,
    "torch_dtype": "bfloat16",
}


def test_experts_that_do_nothing_spare_their_share() -> None:
    idle, busy = symroof.load(LONGCAT | {"zero_expert_num": 3}), symroof.load(LONGCAT | {"zero_expert_num": 0})
    some, all_ = ({x.op: x.cost for x in y.report(5).rows} for y in (idle, busy))
    assert 3 * some["experts.down"].matmul == 2 * all_["experts.down"].matmul
    assert some["experts.down"].weight_held == all_["experts.down"].weight_held
    assert 2 * some["router"].matmul == 3 * all_["router"].matmul
    assert some["experts.down"].weight_read < all_["experts.down"].weight_read
    for x in (x.cost for x in idle.report(1, dtype="fp8").rows if x.role == "routed_experts" and x.cost.weight_read):
        assert x.matmul == 2 * x.weight_read  # a token alone reads what it runs


@pytest.mark.parametrize("rule", ["experts-bound", "experts-k", "experts-all"])
@pytest.mark.parametrize("new", [1, 2, 3, 50])
def test_as_many_experts_are_read_as_if_those_that_do_nothing_were_never_chosen(new: int, rule: str) -> None:
    idle = symroof.load(LONGCAT | {"zero_expert_num": 3}).report(new, rules=rule)
    busy = symroof.load(LONGCAT | {"zero_expert_num": 0, "moe_topk": 2}).report(new, rules=rule)
    some, all_ = ({x.op: x.cost for x in y.rows if x.role == "routed_experts" and x.cost.matmul} for y in (idle, busy))
    assert some == all_


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (DSA | {"q_lora_rank": None}, "'q_lora_rank' is null: an indexer takes its queries from that rank"),
        (DSA | {"model_type": "glm_moe_dsa", "indexer_types": ["shared"] * 3}, "begins with 'shared'"),
        (DSA | {"model_type": "glm_moe_dsa", "indexer_types": ["full", "none", "full"]}, "holds 'none'"),
        (V4 | {"compress_ratios": [0, 5, 128, 4]}, "must be a list of 0, 4, 128"),
        (V4 | {"o_groups": 3}, "not a multiple of o_groups=3"),
        (V4 | {"mlp_layer_types": ["dense"] * 4}, "known here are moe, hash_moe"),
        (MLA | {"v_head_dim": None}, "key 'v_head_dim' is missing"),
        (MLA | {"model_type": "minicpm3", "v_head_dim": None, "num_attention_heads": 5}, "give v_head_dim"),
    ],
)
def test_what_cannot_be_is_told(config: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        symroof.load(config)
