"""Decoders written out on a tape: one layer of each kind of a model's sublayers, under its operators' names."""

from collections.abc import Callable
from itertools import chain, pairwise
from typing import Any

import counting
from counting import Scores, Tape, Visible, split

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Sublayer
from symroof.model.model import Model

Rows = list[list[Any]]
MASKS: dict[str, Callable[[int], Visible]] = {
    "causal": lambda w: lambda query, key: key <= query,
    "chunked": lambda w: lambda query, key: key <= query and key // w == query // w,
    "sliding": lambda w: lambda query, key: query - w < key <= query,
}


class Decoder:
    """A run of one query of `new` tokens after `cached` ones."""

    def __init__(self, model: Model, new: int, cached: int) -> None:
        self.tape, self.structure, self.new, self.cached = Tape(), model.architecture.structure, new, cached
        self.sizes = model.architecture.sizes
        self.block = ""
        self.touched: dict[str, int] = {}  # experts, by block
        x = self.embed()
        for sublayer in self.structure.sublayers:
            x = self.sublayer(sublayer, x)
        self.head(x)

    def op(self, name: str, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        with self.tape.op(f"{self.block}/{name}"):
            return function(self.tape, *args, **options)

    def embed(self) -> Rows:
        self.block, frame, z = "embedding", self.structure.frame, self.sizes
        places = range(self.cached, self.cached + self.new)
        with self.tape.op("embedding/lookup"):
            rows = z["V"] + frame.spare_row + (z["V_x"] if frame.extra_rows else 0)
            self.table = self.tape.table("emb", rows, z["d_emb" if frame.projected else "d"])
            x = counting.lookup(self.tape, self.table, list(range(self.new)))
        x = self.op("project", counting.linear, x, z["d"]) if frame.projected else x
        if frame.positions:
            with self.tape.op("embedding/lookup.positions"):
                table = self.tape.table("emb", z["N_pos"], z["d"])
                x = counting.lookup_added(self.tape, x, table, list(places))
        x = self.op("scale", counting.scale, x, z["d"] ** 0.5) if frame.scaled else x
        waves = self.tape.filled("a", self.new, z["d"])
        x = self.op("positions", counting.residual, x, waves) if frame.sinusoidal else x
        return self.op("norm", counting.norm, x, frame.embedding_norm) if frame.embedding_norm else x

    def head(self, x: Rows) -> None:
        self.block, frame, z = "head", self.structure.frame, self.sizes
        x = self.op("norm", counting.norm, x, frame.norm) if frame.norm else x
        x = (self.op("project", counting.linear, x, z["d_emb"]) if frame.projected else x)[-1:]
        if frame.head_act:
            x = self.op("transform", counting.linear, x, z["d"], bias=frame.head_act_bias)
            x = self.op("act", counting.activate, x, frame.head_act, gated=False)
            x = self.op("act_norm", counting.norm, x, frame.norm)
        x = self.op(
            "logits",
            counting.linear,
            x,
            z["V"],
            "head",
            weights=self.table[: z["V"]] if frame.tied else None,
            aside="head/bias" if frame.head_bias else "",
        )
        x = self.op("scale", counting.scale, x, 0.5) if frame.head_scaled else x
        if frame.softcap:
            self.op("softcap", counting.cap, x)

    def sublayer(self, x: Sublayer, stream: Rows) -> Rows:
        self.block, wiring = x.name, x.wiring
        y = self.op("norm", counting.norm, stream, wiring.norm) if wiring.norm else stream
        y = RUNS[type(x.kind)](self, x, y)
        y = self.op("post_norm", counting.norm, y, wiring.post) if wiring.post else y
        y = self.op("scale", counting.scale, y, 0.5) if wiring.scaled else y
        return self.op("residual", counting.residual, y, stream) if wiring.residual else y

    def z(self, x: Sublayer, base: str) -> int:
        """A size of a sublayer."""
        return self.sizes[x.symbol(base)]


def attention(run: Decoder, x: Sublayer, rows: Rows) -> Rows:
    """Grouped-query attention with all that a kind may add to it."""
    kind: Attention = x.kind
    H_q, H_kv, h = (run.z(x, base) for base in ("H_q", "H_kv", "h"))
    h_v = run.z(x, "h_v") if kind.values else h
    if kind.doubled:
        embedded = run.tape.filled("a", run.new, run.sizes["d"])
        rows = run.op("norm", counting.norm, [a + b for a, b in zip(rows, embedded, strict=True)])
    q, k, v, gates = projected(run, x, rows, H_q, H_kv, h, h_v)
    if not kind.norm_last:
        q, k = normalised(run, kind, q, k)
    if kind.value_norm and kind.keys != "borrowed":
        v = run.op("v_norm", counting.norm_heads, v, kind.value_norm)
    if kind.rotary:
        part = run.z(x, "h_r") if kind.rotary == "partial" else None
        both = q if kind.keys == "borrowed" else [a + b for a, b in zip(q, k, strict=True)]
        both = run.op("rope", counting.rotate, both, run.cached, part)
        q, k = [row[:H_q] for row in both], [row[H_q:] or k[t] for t, row in enumerate(both)]
    if kind.norm_last:
        q, k = normalised(run, kind, q, k)
    q = run.op("temperature", counting.temper, q) if kind.temperature else q
    cache = [tuple(run.tape.filled("c", H_kv, size) for size in (h, h_v)) for _ in range(run.cached)]
    masks = run.op("mask", masks_of, [x for _, x in cache] + v, kind.bias) if kind.dynamic else None
    sinks = f"{run.block}/sinks" if kind.sinks else ""
    scores = Scores(kind.alibi, kind.softcap, sinks, kind.keys == "borrowed", masks)
    y = run.op("attend", counting.attend, q, k, v, cache, MASKS[kind.mask](run.sizes.get(x.symbol("w"), 1)), scores)
    y = run.op("inner_norm", counting.norm_heads, y, kind.inner_norm, kind.inner_over) if kind.inner_norm else y
    y = run.op("gated", counting.gate, y, gates, kind.softplus) if kind.gate else y
    return run.op("out", counting.linear, [list(chain(*row)) for row in y], run.sizes["d"], "o", kind.out_bias)


def masks_of(tape: Tape, values: Rows, bias: bool) -> Rows:
    """The masks of keys, by their values."""
    return counting.key_masks(tape, values, *counting.mask_weights(tape, len(values[0]), len(values[0][0]), bias))


def projected(run: Decoder, x: Sublayer, rows: Rows, H_q: int, H_kv: int, h: int, h_v: int) -> tuple[list, ...]:
    """Queries, keys, values and gates [token][head]; keys and values of another layer lie there already."""
    kind: Attention = x.kind
    widths = [run.z(x, "r_q") if kind.low_rank else H_q * h, H_q * h_v * (kind.gate == "full")]
    widths += [H_kv * h * (kind.keys != "borrowed"), H_kv * h_v * (kind.keys == "projected")]
    flat = run.op("qkv", counting.linear, rows, sum(widths), bias=kind.bias)
    flat = run.op("clip", counting.clamp, flat) if kind.clip else flat
    ends = [sum(widths[:i]) for i in range(5)]
    q, gates, k, v = ([row[a:b] for row in flat] for a, b in pairwise(ends))
    if kind.low_rank:
        q = run.op("q", counting.linear, run.op("q_norm", counting.norm, q), H_q * h)
    if kind.gate == "head":
        gates = run.op("gate", counting.linear, rows, H_q)
    if kind.gate == "separate":
        aside = f"{run.block}/gate_bias" if kind.gate_bias else ""
        gates = run.op("gate", counting.linear, rows, H_q * h_v, aside=aside, shared=h_v)
    if kind.gate in ("full", "separate"):
        gates = [split(row, H_q) for row in gates]
    if kind.keys == "borrowed":
        k, v = (run.tape.filled("a", run.new, H_kv * size) for size in (h, h_v))
    v = k if kind.keys == "values" else v
    return [split(row, H_q) for row in q], *([split(row, H_kv) for row in y] for y in (k, v)), gates


def normalised(run: Decoder, kind: Attention, q: list, k: list) -> tuple[list, list]:
    """Queries and, where they are not another layer's, keys after their norm."""
    if not kind.qk_norm:
        return q, k
    with run.tape.op(f"{run.block}/qk_norm"):
        q = counting.norm_heads(run.tape, q, kind.qk_norm, kind.qk_over)
        return q, k if kind.keys == "borrowed" else counting.norm_heads(run.tape, k, kind.qk_norm, kind.qk_over)


def feed_forward(run: Decoder, x: Sublayer, rows: Rows) -> Rows:
    """A dense network."""
    kind: FeedForward = x.kind
    name, f = ("gate_up" if kind.gated else "up"), run.z(x, "f")
    y = run.op(name, counting.linear, rows, 2 * f if kind.gated else f, "f", kind.bias)
    if kind.sparse:
        cut = run.op("cut", counting.cut, [row[:f] for row in y])
        y = [a + row[f:] for a, row in zip(cut, y, strict=True)]
    y = run.op("act", counting.activate, y, kind.act, kind.gated)
    y = run.op("inner_norm", counting.norm, y, kind.inner_norm) if kind.inner_norm else y
    y = run.op("down", counting.linear, y, run.sizes["d"], "f", kind.bias)
    return run.op("factor", counting.factor, y) if kind.factor else y


def experts(run: Decoder, x: Sublayer, rows: Rows) -> Rows:
    """Routed experts and a shared one."""
    kind: Experts = x.kind
    f, N_e, k = (run.z(x, base) for base in ("f_e", "N_e", "k"))
    x_r = run.op("router.norm", counting.norm, rows, kind.router_norm) if kind.router_norm else rows
    others = run.z(x, "N_s") if kind.shared_scored else 0
    form = counting.Router(kind.router_bias, kind.correction, others, kind.hashed)
    scores, chosen = run.op("router", counting.route, x_r, N_e, k, form)
    if kind.shared_scored:
        with run.tape.op(f"{run.block}/router.factor"):
            scores = counting.factor_scores(run.tape, scores, chosen, N_e)
    run.touched[run.block] = len(set().union(*chosen))
    y = run.op("latent.down", counting.linear, rows, run.z(x, "d_lat"), bias=kind.latent_bias) if kind.latent else rows
    y = run.op("latent.in_norm", counting.norm, y, kind.latent_in) if kind.latent_in else y
    width = len(y[0])
    y = run.op("dispatch", counting.dispatch, y, scores, chosen)
    name, both = ("experts.gate_up", 2 * f) if kind.gated else ("experts.up", f)
    y = run.op(name, counting.expert_linear, y, chosen, N_e, both, kind.bias)
    flat = run.op("experts.act", counting.activate, list(chain(*y)), kind.act, kind.gated)
    y = [flat[i : i + k] for i in range(0, len(flat), k)]
    y = run.op("experts.down", counting.expert_linear, y, chosen, N_e, width, kind.bias)
    y = run.op("experts.norm", counting.norm_heads, y, kind.each_norm) if kind.each_norm else y
    extra = shared(run, x, rows, [row[N_e:] for row in scores]) if kind.shared else None
    aside = f"{run.block}/bias" if kind.sum_bias else ""
    y = run.op("combine", counting.combine, y, None if kind.latent else extra, aside=aside)
    if kind.latent:
        y = run.op("latent.norm", counting.norm, y, kind.latent_norm) if kind.latent_norm else y
        y = run.op("latent.up", counting.linear, y, run.sizes["d"], bias=kind.latent_bias)
    return run.op("shared.add", counting.residual, y, extra) if kind.latent and extra else y


def shared(run: Decoder, x: Sublayer, rows: Rows, scores: Rows) -> Rows:
    """The shared expert, scaled where it has a gate; of several that have scores, each part by its own."""
    kind, f = x.kind, run.z(x, "f_s")
    name, act = ("gate_up" if kind.gated else "up"), kind.shared_act or kind.act
    y = run.op(f"shared.{name}", counting.linear, rows, 2 * f if kind.gated else f, "sh", kind.shared_bias)
    y = run.op("shared.act", counting.activate, y, act, kind.gated)
    y = run.op("shared.weighed", counting.weigh_parts, y, scores) if kind.shared_scored else y
    y = run.op("shared.down", counting.linear, y, run.sizes["d"], "sh", kind.shared_bias)
    if not kind.shared_gate:
        return y
    gates = run.op("shared.gate", counting.linear, rows, 1, "r")
    return [row[0] for row in run.op("shared.gated", counting.gate, [[row] for row in y], gates)]


RUNS: dict[type, Callable[[Decoder, Sublayer, Rows], Rows]] = {
    Attention: attention,
    FeedForward: feed_forward,
    Experts: experts,
}
