"""What a described decoder does to 37 tokens besides matmuls, in the terms of tests/truth/measure_facts.py.

Written off what the flags say, without the package's operators: how many rows are normalised, numbers rotated,
passed through which activation, added to the stream, and pairs shown by masks.
"""

from collections import Counter
from typing import Any

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.attention_variants import DifferentialAttention, RelativeAttention, RoutedAttention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.latent_attention import LatentAttention
from symroof.architecture.kinds.linear_attention import DeltaNet, GatedRecurrence, LightningAttention
from symroof.architecture.kinds.recurrent import ChannelMix, Mamba, Mamba2, TimeMix
from symroof.architecture.kinds.shared import Cycle
from symroof.architecture.kinds.streams import Laurel, LayerInput, LayerInputs, Pointwise
from symroof.architecture.structure import Architecture, Frame, Sublayer, Wiring

T = 37


def facts(x: Architecture) -> dict[str, int]:
    """All facts of a decoder."""
    found = frame(x.structure.frame, x.sizes)
    for sublayer in x.structure.sublayers:
        times = x.sizes[sublayer.layers] if sublayer.layers else 1
        for name, n in layer(sublayer, x.sizes).items():
            found[name] += times * n
    return {name: n for name, n in sorted(found.items()) if n}


class Sizes:
    """The sizes of a sublayer by base symbol."""

    def __init__(self, x: Sublayer, sizes: Any) -> None:
        self.x, self.sizes = x, sizes

    def __getattr__(self, base: str) -> int:
        return int(self.sizes[self.x.symbol(base)])


def layer(x: Sublayer, sizes: Any) -> Counter[str]:
    """Those of one layer of a sublayer."""
    z = Sizes(x, sizes)
    found = wiring(x.wiring, z)
    if type(x.kind) in KINDS:
        found.update(KINDS[type(x.kind)](x.kind, z))
    return found


def norm(kind: str, rows: int) -> dict[str, int]:
    """Rows normalised."""
    return {kind.partition("_")[0]: rows} if kind else {}


def wiring(w: Wiring, z: Sizes) -> Counter[str]:
    found: Counter[str] = Counter()
    for kind in (w.norm, w.post):
        found.update(norm(kind, T))
    if w.residual and not w.streams:
        found["added"] += T * z.d
    if w.streams in ("mixed", "unmixed"):
        found["rms"] += T
        found["sigmoid"] += T * 2 * z.m
    if w.blended == "constants":
        found["scaled"] += 2 * T * z.d
    if w.scaled:
        found["scaled"] += T * z.d
    if w.convolved:
        found["added"] += T * z.d
    if w.gated:
        found["silu"] += T * z.r_g
        found["sigmoid"] += T * z.d
    return found


def frame(f: Frame, sizes: Any) -> Counter[str]:
    found: Counter[str] = Counter(norm(f.norm, T))
    found.update(norm(f.embedding_norm, T))
    if f.head_act:
        found.update(passed(f.head_act, T * sizes["d"]))
        found.update(norm(f.norm, T))
    if f.streams == "weighed":
        found["rms"] += T
        found["sigmoid"] += T * sizes["m"]
    if f.scaled:
        found["embedding_scaled"] += T * sizes["d"]
    if f.head_scaled:
        found["logits_scaled"] += T * sizes["V"]
    if f.softcap:
        found["tanh"] += T * sizes["V"]
        found["logits_scaled"] += 2 * T * sizes["V"]
    found["added"] += T * sizes["d"] * (f.positions + f.sinusoidal)
    return found


def shown(mask: str, z: Sizes) -> int:
    """Pairs that a mask shows, one by one."""

    def sees(t: int) -> int:
        if mask == "prompt":
            return T
        if mask in ("sliding", "local"):
            return min(t + 1, z.w)
        if mask == "chunked":
            return t % z.w + 1
        if mask == "top":
            return min(t + 1, z.k_i)
        if mask == "blocks":
            return min(t + 1, (z.k_b - 1) * z.w_i + t % z.w_i + 1)
        return t + 1

    return sum(map(sees, range(T)))


def attention(k: Attention, z: Sizes) -> Counter[str]:
    own = k.keys != "borrowed"
    h_v = z.h_v if k.values else z.h
    heads = z.H_q + (z.H_kv if own else 0)
    found: Counter[str] = Counter({"pairs": z.H_q * shown(k.mask, z)})
    if k.rotary:
        found["rotated"] += T * heads * (z.h_r if k.rotary == "partial" else z.h)
    if k.qk_norm:
        found.update(norm(k.qk_norm, T * ((2 if own else 1) if k.qk_over == "width" else heads)))
    if own:
        found.update(norm(k.value_norm, T * z.H_kv))
    found.update(norm(k.inner_norm, T * (z.H_q if k.inner_over == "head" else 1)))
    found["rms"] += T * (k.low_rank + k.doubled)
    if k.gate:
        found["softplus" if k.softplus else "sigmoid"] += T * z.H_q * (1 if k.gate == "head" else h_v)
    if k.dynamic:
        found["softplus"] += T * z.H_kv
    if k.softcap:
        found["tanh"] += T * T * z.H_q
    if k.clip:
        found["clamped"] += T * (z.H_q * z.h + z.H_kv * (z.h + h_v))
    found["tempered"] += k.temperature
    found["slopes"] += k.alibi
    if k.indexer:
        found["rotated"] += T * (z.H_i + 1) * (z.h_r if k.rotary == "partial" else z.h_i)
        found.update(norm(k.qk_norm, T * (z.H_i + 1)))
    return found


def passed(act: str, n: int) -> Counter[str]:
    """Numbers passed through an activation, in the operations it is made of."""
    if act == "situ":
        return Counter({"tanh": 2 * n, "sigmoid": n})
    if act == "silu_limited":
        return Counter({"silu": n, "limited": 2 * n})
    return Counter({act: n, "limited": 2 * n} if act == "silu_clamped" else {act: n})


def routed(k: RoutedAttention, z: Sizes) -> Counter[str]:
    heads = z.k * z.H_kv
    return Counter({"pairs": heads * shown("causal", z), "rotated": T * (heads + z.H_kv) * z.h})


def time_mix(k: TimeMix, z: Sizes) -> Counter[str]:
    return Counter({"added": 3 * T * z.d, "sigmoid": T * z.d_r})


def channel_mix(k: ChannelMix, z: Sizes) -> Counter[str]:
    return Counter({"added": 2 * T * z.d, "sigmoid": T * z.d, "relu2": T * z.f})


def differential(k: DifferentialAttention, z: Sizes) -> Counter[str]:
    return Counter(
        {"pairs": 2 * z.H_q * shown("causal", z), "rotated": T * (3 * z.H_q + z.H_kv) * z.h, "rms": T * z.H_q // 2}
    )


def latent(k: LatentAttention, z: Sizes) -> Counter[str]:
    found: Counter[str] = Counter({"pairs": z.H_q * shown(k.mask, z)})
    own = not k.borrowed
    if k.rotary:
        found["rotated"] += T * (z.H_q + own) * z.h_r
    found["rms"] += T * (k.low_rank + own + (own and k.key_norm))
    found["tempered"] += k.temperature + k.tuned
    if k.indexer == "full":
        found["tempered"] += k.temperature
        found["layer"] += T * (1 + (not k.low_rank))
        found["rotated"] += T * (z.H_i + 1) * z.h_r if k.rotary else 0
    if k.gate:
        found["sigmoid"] += T * z.H_q * (1 if k.gate == "head" else z.h_v)
    return found


def relative(k: RelativeAttention, z: Sizes) -> Counter[str]:
    return Counter({"pairs": 2 * z.H_q * shown(k.mask, z), "rms": T * (z.H_q + z.H_kv), "tempered": int(k.temperature)})


def pointwise(k: Pointwise, z: Sizes) -> Counter[str]:
    return Counter({"scaled" if k.operation == "scale" else "added": T * z.d})


def feed_forward(k: FeedForward, z: Sizes) -> Counter[str]:
    return Counter({"relu": T * z.f if k.sparse else 0}) + passed(k.act, T * z.f) + Counter(norm(k.inner_norm, T))


def experts(k: Experts, z: Sizes) -> Counter[str]:
    found = passed(k.act, T * z.k_hf * z.f_e)
    found.update(norm(k.router_norm, T))
    found.update(norm(k.latent_norm, T))
    found.update(norm(getattr(k, "latent_in", ""), T))
    found.update(norm(getattr(k, "each_norm", ""), T * z.k))
    if k.shared:
        found.update(passed(k.shared_act or k.act, T * z.f_s))
        found["added"] += T * z.d
    found["hashed"] += k.hashed
    if k.shared_gate:
        found["sigmoid"] += T
    return found


def delta_net(k: DeltaNet, z: Sizes) -> Counter[str]:
    keys, values = z.H_k * z.d_k, z.H_v * z.d_v
    found = passed(k.act, T * (2 * keys + values))
    found["rms"] += T * z.H_v * (3 if k.decay == "head" else 1)  # a root of another name divides otherwise
    found["silu" if k.decay == "head" else "sigmoid"] += T * values
    found["sigmoid"] += T * z.H_v + (T * z.H_v * z.d_k if k.bounded else 0)
    found["doubled"] += T * z.H_v if k.doubled else 0
    return found


def lightning(k: LightningAttention, z: Sizes) -> Counter[str]:
    width = z.H_q * z.h
    return passed(k.act, 3 * T * width) + Counter({"rms": T, "sigmoid": T * width})


def recurrence(k: GatedRecurrence, z: Sizes) -> Counter[str]:
    return passed(k.act, T * z.d_r) + Counter({"sigmoid": 2 * T * z.d_r})


def mamba(k: Mamba, z: Sizes) -> Counter[str]:
    return passed(k.act, T * z.d_m) + passed("silu", T * z.d_m) + Counter(norm(k.norm, 3 * T))


def mamba2(k: Mamba2, z: Sizes) -> Counter[str]:
    width = z.H_m * z.h_m
    found = passed(k.act, T * (width + 2 * z.G_m * z.N_m))
    found["silu"] += T * width
    found.update(norm(k.norm, T * z.G_m))
    return found


def layer_inputs(k: LayerInputs, z: Sizes) -> Counter[str]:
    return Counter(norm(k.norm, T * z.L))


def layer_input(k: LayerInput, z: Sizes) -> Counter[str]:
    return passed(k.act, T * z.d_p)


def laurel(k: Laurel, z: Sizes) -> Counter[str]:
    return Counter(norm(k.norm, T)) + Counter({"added": T * z.d})


def cycle(k: Cycle, z: Sizes) -> Counter[str]:
    return Counter(norm(k.norm, T)) + Counter({"added": T * z.d})


KINDS: dict[type, Any] = {
    Attention: attention,
    RoutedAttention: routed,
    TimeMix: time_mix,
    ChannelMix: channel_mix,
    DifferentialAttention: differential,
    LatentAttention: latent,
    RelativeAttention: relative,
    FeedForward: feed_forward,
    Experts: experts,
    DeltaNet: delta_net,
    LightningAttention: lightning,
    GatedRecurrence: recurrence,
    Mamba: mamba,
    Mamba2: mamba2,
    LayerInputs: layer_inputs,
    LayerInput: layer_input,
    Laurel: laurel,
    Cycle: cycle,
    Pointwise: pointwise,
}
