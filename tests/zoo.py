"""Small models put together from parts, so that every flag of a kind is set in some of them.

A flag needs no model of its own: set it where it fits, or add a model to MAKERS. Sizes of a part differ, so that
none is taken for another.
"""

from importlib import import_module
from pkgutil import iter_modules

from symroof.architecture import kinds
from symroof.architecture.assembly import assemble
from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.linear_attention import DeltaNet, GatedRecurrence, LightningAttention, ShortConvolution
from symroof.architecture.kinds.recurrent import Mamba, Mamba2
from symroof.architecture.structure import Architecture, Frame, Kind, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.model.model import Model

KINDS = [
    kind
    for module in iter_modules(kinds.__path__, f"{kinds.__name__}.")
    for kind in vars(import_module(module.name)).values()
    if isinstance(kind, type) and kind.__module__ == module.name
]
PLAIN, BARE, SANDWICH = Wiring(), Wiring(norm=""), Wiring(post="rms")


def model(layers: int, *slots: Part | Pattern, frame: Frame | None = None, once: tuple[Part, ...] = (), **sizes: int):
    """A decoder of these parts, of vocabulary 17 and width 5 unless told otherwise."""
    whole = {name: Size(n, name) for name, n in {"d": 5, "V": 17, **sizes}.items()}
    return of(assemble("zoo", Size(layers, "layers"), slots, frame or Frame(), once, **whole))


def of(architecture: Architecture) -> Model:
    """A model whose config says nothing but the format of its elements."""
    assert not architecture.contradiction()
    return Model(Config({"torch_dtype": "bfloat16"}, "a model of the zoo", "the zoo"), architecture)


def part(kind: Kind, name: str, wiring: Wiring | None = None, distinct: int | None = None, **sizes: int) -> Part:
    """A part; `k_hf` follows k unless told otherwise."""
    told = {x: Size(n, x) for x, n in sizes.items()}
    if "k" in told:
        told.setdefault("k_hf", Size(told["k"], "k"))
    return Part.of(kind, name, wiring, None if distinct is None else Size(distinct, "sets"), **told)


def attention(kind: Attention, name: str = "attention", wiring: Wiring | None = None, **sizes: int) -> Part:
    """4 query heads on 2 KV heads of size 6, unless told otherwise."""
    return part(kind, name, wiring, **{"H_q": 4, "H_kv": 2, "h": 6, **sizes})


def mlp(kind: FeedForward, f: int = 7, name: str = "mlp", wiring: Wiring | None = None) -> Part:
    """A network of width 7, unless told otherwise."""
    return part(kind, name, wiring, f=f)


def experts(kind: Experts, **sizes: int) -> Part:
    """2 of 5 experts of width 3 and, where there is one, a shared one of width 8, unless told otherwise."""
    return part(kind, "moe", **{"f_e": 3, "N_e": 5, "k": 2, **({"f_s": 8} if kind.shared else {}), **sizes})


def by(letters: str, **parts: Part) -> Pattern:
    """The part of each layer by its letter; none where no part has it."""
    return Pattern([parts.get(x) for x in letters], "letters")


def layer_norms() -> Model:
    """Layer norms, biases, learned positions, plain networks; the table is projected, normalised and tied."""
    frame = Frame(norm="layer", tied=True, head_bias=True, positions=True, embedding_norm="layer", projected=True)
    return model(
        3,
        attention(Attention(rotary="", bias=True, out_bias=True, inner_norm="layer")),
        mlp(FeedForward(act="gelu_tanh", gated=False, bias=True, inner_norm="layer")),
        frame=frame,
        N_pos=19,
        d_emb=3,
    )


def sandwiches() -> Model:
    """Norms on both sides; windows and whole contexts have heads of other sizes, keys that serve as values."""
    norms = {"qk_norm": "rms", "value_norm": "rms_plain"}
    window = attention(Attention("sliding", softcap=True, **norms), "sliding_attention", SANDWICH, w=3)
    whole = attention(Attention(rotary="partial", keys="values", **norms), "full_attention", h=8, H_kv=1, h_r=2)
    return model(
        5,
        by("sswss", s=window, w=whole),
        mlp(FeedForward("gelu_tanh"), wiring=SANDWICH),
        frame=Frame(scaled=True, softcap=True),
    )


def borrowers() -> Model:
    """Layers that read the keys and values of others; networks of two widths."""
    norms = {"qk_norm": "rms", "value_norm": "rms_plain"}
    attentions = by(
        "sfsgtg",
        s=attention(Attention("sliding", **norms), "sliding_attention", w=3),
        f=attention(Attention(**norms), "full_attention"),
        t=attention(Attention("sliding", keys="borrowed", **norms), "borrowed_sliding", w=3),
        g=attention(Attention(keys="borrowed", **norms), "borrowed_full"),
    )
    return model(6, attentions, by("aaabbb", a=mlp(FeedForward()), b=mlp(FeedForward("relu2"), f=11)))


def gated_heads() -> Model:
    """Gates of each element and of each head, values of their own size, sinks; every head has its own norm."""
    full = Attention(
        rotary="partial", qk_norm="layer_unbiased", qk_over="heads", values=True, gate="full", inner_norm="rms"
    )
    window = Attention("sliding", qk_norm="rms", qk_over="width", values=True, gate="head", softplus=True, sinks=True)
    apart = Attention(
        values=True, gate="separate", gate_bias=True, clip=True, repeated=True, inner_norm="rms", inner_over="head"
    )
    attentions = by(
        "fwawfw",
        f=attention(full, "full_attention", h_v=10, h_r=2),
        w=attention(window, "sliding_attention", h_v=10, w=3),
        a=attention(apart, h_v=10),
    )
    return model(6, attentions, mlp(FeedForward("relu", inner_norm="rms")), frame=Frame(spare_row=True))


def slopes() -> Model:
    """Biases by distance, norms after the rotation, sines added to the embedding."""
    slope = attention(Attention(rotary="", alibi=True, temperature=True))
    last = attention(Attention(low_rank=True, qk_norm="rms_plain", norm_last=True), "last", r_q=3)
    return model(
        4,
        by("llsl", s=slope, l=last),
        mlp(FeedForward("relu2", gated=False, factor=True)),
        mlp(FeedForward("gelu", sparse=True), name="sparse"),
        frame=Frame(norm="layer_plain", sinusoidal=True, tied=True, extra_rows=True),
        V_x=3,
    )


def routed() -> Model:
    """Experts with all biases beside others with none, that are fewer, after dense layers."""
    biased = Experts(bias=True, router_bias=True, correction=True, shared=True, shared_bias=True, shared_gate=True)
    networks = by(
        "dbbpbcblsh",
        d=mlp(FeedForward()),
        b=experts(biased, k_hf=5),
        p=experts(Experts("gelu", gated=False), f_e=4, N_e=3, k=1),
        c=experts(Experts("silu_clamped", bias=True), f_e=4),
        l=experts(Experts(latent=True, latent_bias=True, latent_in="layer", latent_norm="rms", shared=True), d_lat=4),
        s=experts(Experts(router_norm="rms_plain", shared=True, shared_scored=True, shared_act="relu"), N_s=2),
        h=experts(Experts(hashed=True, sum_bias=True, each_norm="rms")),
    )
    return model(10, attention(Attention()), networks)


def parallel() -> Model:
    """Networks that read the stream as attention does, before its residual; one is normalised after."""
    return model(
        2,
        attention(Attention(bias=True)),
        mlp(FeedForward(), wiring=BARE),
        mlp(FeedForward(), name="late", wiring=Wiring(norm="", post="rms")),
        frame=Frame(norm="layer_unbiased"),
    )


def scaled() -> Model:
    """Sublayers and logits times a constant; a network ahead of the logits."""
    times = Wiring(post="rms", scaled=True)
    return model(
        2,
        attention(Attention(), wiring=times),
        mlp(FeedForward(), wiring=times),
        frame=Frame(norm="layer", head_scaled=True, head_act="gelu", head_act_bias=True),
    )


def windows() -> Model:
    """Two windows, two chunks and none."""
    attentions = by(
        "abaecdaeb",
        a=attention(Attention("sliding"), "near", w=2),
        b=attention(Attention("sliding"), "far", w=5),
        c=attention(Attention("chunked"), "chunked_attention", w=3),
        d=attention(Attention("chunked"), "wide_chunks", w=5),
        e=attention(Attention(), "full_attention"),
    )
    return model(9, attentions, mlp(FeedForward()))


def shared_weights() -> Model:
    """Layers that share two sets of weights, layers without a part, a network ahead of all."""
    shared = part(Attention(doubled=True), "shared_attention", BARE, distinct=2, H_q=4, H_kv=2, h=6)
    return model(
        6,
        by("x.xx.x", x=shared),
        by("mm..nn", m=mlp(FeedForward()), n=mlp(FeedForward(), f=9)),
        frame=Frame(norm=""),
        once=(mlp(FeedForward(), f=13, name="first", wiring=Wiring(norm="", residual=False)),),
    )


def recurrences() -> Model:
    """States of constant size in place of caches that grow, in some layers."""
    mixers = by(
        "dlgscmna",
        d=part(DeltaNet(), "delta_net", H_k=2, d_k=3, H_v=4, d_v=6, k_c=4),
        l=part(LightningAttention(), "lightning", H_q=4, h=6, w_s=8),
        g=part(GatedRecurrence(), "gated_recurrence", d_r=8, H_q=4, k_c=3),
        s=part(ShortConvolution(bias=True), "short_convolution", k_c=3),
        c=part(DeltaNet(decay="channel", gate="low_rank"), "channels", H_k=2, d_k=3, H_v=2, d_v=6, k_c=4),
        m=part(Mamba(), "mamba", d_m=10, N_m=3, r_m=2, k_c=4),
        n=part(Mamba2(), "mamba2", H_m=4, h_m=3, N_m=5, G_m=2, k_c=4, w_s=8),
        a=attention(Attention()),
    )
    return model(8, mixers, mlp(FeedForward()))


def masked() -> Model:
    """A mask of each key by its value; of no use to laws on all that attention computes."""
    masks = by("bp", b=attention(Attention(dynamic=True, bias=True)), p=attention(Attention(dynamic=True), "plain"))
    return model(2, masks, mlp(FeedForward()))


MAKERS = (
    layer_norms,
    sandwiches,
    borrowers,
    gated_heads,
    slopes,
    routed,
    parallel,
    scaled,
    windows,
    shared_weights,
    recurrences,
)
MODELS: dict[str, Model] = {make.__name__: make() for make in MAKERS}
