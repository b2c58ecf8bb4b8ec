"""Every operator of a kind against the kind written out on numbers that count: what one writes the next reads.

Of operators that run on numbers in files of their own only what they read and write is held here (see kinds.py).
"""

from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any

import kinds_attention as attention
import kinds_recurrent as recurrent
import kinds_streams as around
import pytest
import zoo
from decoder import RUNS
from kinds import Rows, Run
from sympy import Integer
from test_operators import counted, figures, matches, symbols_of

from symroof import symbols as s
from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.attention_variants import (
    ConvolvedAttention,
    DifferentialAttention,
    RelativeAttention,
    RoutedAttention,
)
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.latent_attention import CompressedAttention, LatentAttention
from symroof.architecture.kinds.linear_attention import DeltaNet, GatedRecurrence, LightningAttention, ShortConvolution
from symroof.architecture.kinds.recurrent import ChannelMix, Mamba, Mamba2, MatrixMemory, TimeMix
from symroof.architecture.kinds.shared import Adapters, CrossLayer, Cycle, Projection, Segments, Start
from symroof.architecture.kinds.streams import AltUp, DepthAttention, Laurel, LayerInput, LayerInputs, NGrams, Pointwise
from symroof.architecture.structure import Frame, Sublayer, Wiring
from symroof.blocks import decoder, mtp
from symroof.blocks.residual import hyper
from symroof.cost import batch_sums, rules
from symroof.cost.batch import Query
from symroof.cost.cost import Cost
from symroof.cost.graph import Op

# Sizes that differ, so that none is taken for another.
LATENT = {"H_q": 4, "r_kv": 7, "h_n": 12, "h_r": 6, "h_v": 9, "r_q": 11, "d": 8, "H_i": 2, "h_i": 10, "k_i": 1, "w": 5}
LATENT |= {"w_i": 3, "k_b": 13}
COMPRESSED = {"H_q": 4, "h": 10, "h_r": 6, "r_q": 5, "G_o": 8, "r_o": 7, "d": 9, "w": 11, "w_c": 3, "k_i": 1}
COMPRESSED |= {"H_i": 2, "h_i": 12}
HEADS = {"H_q": 4, "H_kv": 2, "h": 10, "h_r": 8, "d": 5, "d_b": 3, "e_b": 7, "k_c": 6, "k_g": 9, "w": 11}
DELTA = {"H_k": 2, "d_k": 3, "H_v": 4, "d_v": 6, "k_c": 5, "d": 7}
LINEAR = {"H_q": 2, "h": 6, "d": 5, "d_r": 8, "k_c": 4}
STATES = {"d_m": 6, "N_m": 4, "r_m": 7, "H_m": 3, "h_m": 10, "G_m": 2, "k_c": 5, "d": 8}
RWKV = {"H_q": 2, "h": 3, "d_r": 7, "d": 5, "f": 4, "H_v": 9, "d_k": 8, "d_v": 6}
STREAMS = {"A": 3, "m": 2, "d": 5, "L": 4, "d_p": 6, "V_p": 11, "r_l": 7, "r_s": 10, "r_g": 13, "r_a": 8, "f": 9}
STREAMS |= {"d_g": 28, "H_g": 14, "V_g": 71, "k_c": 15, "n_g": 16, "m_s": 17}

WRITTEN: dict[type, tuple[Callable[..., Any], dict[str, int]]] = {
    LatentAttention: (attention.latent_attention, LATENT),
    CompressedAttention: (attention.compressed_attention, COMPRESSED),
    RelativeAttention: (attention.relative_attention, HEADS),
    ConvolvedAttention: (attention.convolved_attention, HEADS),
    DeltaNet: (recurrent.delta_net, DELTA),
    LightningAttention: (recurrent.lightning, LINEAR),
    GatedRecurrence: (recurrent.gated_recurrence, LINEAR),
    ShortConvolution: (recurrent.short_convolution, LINEAR),
    Mamba: (recurrent.mamba, STATES),
    Mamba2: (recurrent.mamba2, STATES),
    MatrixMemory: (recurrent.matrix_memory, RWKV),
    TimeMix: (recurrent.time_mix, RWKV),
    ChannelMix: (recurrent.channel_mix, RWKV),
    LayerInputs: (around.layer_inputs, STREAMS),
    LayerInput: (around.layer_input, STREAMS),
    Laurel: (around.laurel, STREAMS),
    AltUp: (around.altup, STREAMS),
    Pointwise: (around.pointwise, STREAMS),
    NGrams: (around.ngrams, STREAMS),
    Adapters: (around.adapters, STREAMS),
    Projection: (around.projection, STREAMS),
    Start: (around.start, STREAMS),
    Segments: (around.segments, STREAMS),
    Cycle: (around.cycle, STREAMS),
}
KINDS = (
    LatentAttention(),
    LatentAttention(bias=True, out_bias=True, raw=True, key_norm=True, gate="full", sinks=True, temperature=True),
    LatentAttention(low_rank=False, rotary=False, gate="head", mask="sliding", tuned=True),
    LatentAttention(borrowed=True, gate="latent"),
    LatentAttention(mask="top", indexer="full", temperature=True),
    LatentAttention(mask="top", indexer="shared"),
    LatentAttention(mask="tail", indexer="full", low_rank=False),
    LatentAttention(mask="tail", indexer="full", rotary=False),
    *map(CompressedAttention, ("", "all", "selected")),
    RelativeAttention(clipped=True),
    RelativeAttention(clipped=True, dynamic=True, temperature=True, mask="sliding"),
    ConvolvedAttention(),
    ConvolvedAttention(bias=True, mask="sliding"),
    DeltaNet(),
    DeltaNet(decay="channel", bounded=True),
    DeltaNet(decay="low_rank", gate="low_rank", doubled=True, act="relu"),
    LightningAttention(act="relu"),
    GatedRecurrence(act="gelu"),
    ShortConvolution(),
    ShortConvolution(bias=True),
    Mamba(),
    Mamba(bias=True, conv_bias=False, norm="rms", act="relu"),
    Mamba(heads=True),
    Mamba2(),
    Mamba2(bias=True, out_bias=True, conv_bias=False, norm="", act="relu"),
    MatrixMemory(),
    MatrixMemory(bias=True),
    TimeMix(),
    TimeMix(heads=True),
    ChannelMix(),
    LayerInputs("layer"),
    LayerInput("silu"),
    Laurel("layer"),
    *(AltUp(x) for x in around.ALTUP),
    AltUp("correct", scaled=False),
    *map(Pointwise, ("scale", "shift", "add")),
    NGrams(),
    Adapters(),
    Adapters(attention=True),
    Projection(),
    Projection(role="ffn", bias=True),
    Start(),
    Segments(),
    Cycle("rms"),
)
SIZES = (LATENT, COMPRESSED, HEADS, DELTA, LINEAR, STATES, RWKV, STREAMS)
STEPS = [(1, 5), (5, 4)]  # each completes a block of three


def values(run: Run, costs: Iterable[Cost], rule: str) -> dict[Any, Any]:
    """Sizes, and what the rules make of the step."""
    sizes, layer = {s.symbol(x): n for x, n in run.sizes.items()}, rules.rule_layer(("standard", rule))
    used = symbols_of(*costs)
    chosen = {x: layer[x].xreplace({y: Integer(n) for y, n in sizes.items()}) for x in used & {s.u_c, s.H_c, s.k_run}}
    return sizes | batch_sums.sum_over_queries([Query(run.new, run.cached)], layer, sizes, used) | chosen


def check(ops: Iterable[Op], run: Run, rule: str = "latent-expanded") -> None:
    """Every operator against the run."""
    found = {op.name: op.cost for op in ops}
    assert list(found) == list(run.tape.tallies)
    known = values(run, found.values(), rule)
    for name, cost in found.items():
        tally = run.tape.tallies[name]
        if name in run.cores:
            wanted = counted(tally, exact=False)
            assert {x: figures(cost, choices() | known)[x] for x in MOVED} == {x: wanted[x] for x in MOVED}, name
        else:
            matches(cost, tally, known)


MOVED = ("act_read", "act_write")


def choices() -> dict[Any, int]:
    return {s.phi: 1, s.psi: 1, s.delta: 1, s.sigma: 0}


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize(("new", "cached"), STEPS)
def test_every_operator_of_a_kind(kind: Any, new: int, cached: int) -> None:
    written, sizes = WRITTEN[type(kind)]
    run = Run(new, cached, sizes)
    written(run, kind, run.rows(sizes["d"]))
    check(decoder.kind_operators(kind), run)


def test_sizes_differ() -> None:
    assert all(len(set(sizes.values())) == len(sizes) for sizes in (*SIZES, INDEXED, ROUTED))


# Kinds that other files write out, and test.
ELSEWHERE = {
    DifferentialAttention: "test_operators_dense",
    RoutedAttention: "test_operators_moe",
    DepthAttention: "test_operators_pooled",
    CrossLayer: "test_operators_streams",
}


def test_every_kind_is_written_out_under_each_of_its_flags() -> None:
    assert {*WRITTEN, *ELSEWHERE, *RUNS} == set(zoo.KINDS)
    for kind in WRITTEN:
        some = [x for x in KINDS if type(x) is kind]
        for field in fields(kind):
            assert any(getattr(x, field.name) != field.default for x in some), (kind, field.name)


# Around sublayers, and ahead of the layer of a module that predicts further ahead.


def streams(run: Run) -> Rows:
    return run.rows(run.sizes["m"], run.sizes["d"])


@pytest.mark.parametrize("how", ["mixed", "unmixed", "low_rank"])
def test_streams_made_one_before_a_sublayer(how: str) -> None:
    run = Run(3, 0, STREAMS)
    around.gather(run, how, streams(run))
    check(hyper.gather_operators(how), run)


@pytest.mark.parametrize("how", ["weighed", "mean", "low_rank"])
def test_streams_made_one_after_the_last_layer(how: str) -> None:
    run = Run(3, 0, STREAMS)
    around.gather(run, how, streams(run), head=True)
    check(hyper.head_operators(how), run)


def test_streams_from_the_embedding_and_a_gated_norm() -> None:
    run = Run(3, 0, STREAMS)
    around.copies(run, run.rows(run.sizes["d"]))
    around.norm_gate(run, run.rows(run.sizes["d"]))
    check([hyper.copy_operator(), *hyper.norm_gate_operators()], run)


@pytest.mark.parametrize("how", ["", "weighed"])
def test_stream_and_embedding_joined(how: str) -> None:
    run = Run(3, 0, STREAMS)
    around.join(run, bool(how), "rms")
    check(mtp.join_operators(Frame(streams=how)), run)


# Parts of kinds that decoder.py does not write out.

INDEXED = {"H_q": 4, "H_kv": 2, "h": 10, "h_r": 8, "H_i": 5, "h_i": 12, "w_i": 3, "k_b": 6, "d": 7, "w": 9}
ROUTED = {"d": 5, "r_r": 4, "N_e": 6, "k": 2, "f_e": 3}
PARTS = (
    (around.deep_router, Experts(router_deep=True), ROUTED),
    (around.deep_router, Experts(router_deep=True, router_handed=True), ROUTED),
    (around.scaled_scores, Experts(expert_scale=True), ROUTED),
    (attention.block_indexer, Attention("blocks", qk_norm="rms", indexer=True), INDEXED),
    (attention.block_indexer, Attention("blocks", "partial", qk_norm="layer", indexer=True), INDEXED),
    (attention.block_indexer, Attention("tail", qk_norm="rms", indexer=True), INDEXED),
    (attention.block_indexer, Attention("tail", "partial", qk_norm="rms", indexer=True), INDEXED),
    (attention.key_mask, Attention(dynamic=True, bias=True), INDEXED),
)


@pytest.mark.parametrize(("written", "kind", "sizes"), PARTS, ids=lambda x: getattr(x, "__name__", str(type(x))))
def test_every_operator_of_a_part(written: Callable[..., Any], kind: Any, sizes: dict[str, int]) -> None:
    run = Run(5, 4, sizes)
    written(run, kind, run.rows(sizes["d"]))
    check([op for op in decoder.kind_operators(kind) if op.name in run.tape.tallies], run)


def test_a_dilated_convolution_holds_what_later_outputs_read():
    run = Run(5, 4, STREAMS)
    k_c, n_g, m, d = run.z("k_c", "n_g", "m", "d")
    read_later = {i * n_g - t for t in range(k_c * n_g) for i in range(k_c) if i * n_g > t}  # tokens back from the next
    convolution = next(op for op in decoder.kind_operators(NGrams()) if op.name == "conv")
    held = convolution.cost.cache_held.xreplace({s.symbol(x): y for x, y in STREAMS.items()} | {s.B: 1, s.b_c: 1})
    assert held == len(read_later) * m * d


WIRINGS = (
    Wiring(gated=True, post="layer", scaled=True, weighed=True),
    Wiring(norm="", convolved=True),
    *(Wiring(blended=x) for x in ("constants", "gate", "shifted")),
    *(Wiring(streams=x) for x in ("mixed", "unmixed", "low_rank")),
)


@pytest.mark.parametrize("wiring", WIRINGS, ids=str)
def test_every_operator_around_a_sublayer(wiring: Wiring) -> None:
    run = Run(3, 2, STREAMS)
    around.sublayer(run, wiring, streams(run) if wiring.streams else run.rows(run.sizes["d"]))
    block = decoder.sublayer_block(Sublayer(Projection(), "projection", wiring=wiring))
    check(block.children, run)
