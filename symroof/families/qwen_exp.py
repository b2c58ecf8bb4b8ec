"""qwen4_exp_text: delta nets between layers of attention to blocks an indexer selects, in streams weighed an element.

Source: transformers 5.23.0, models/qwen4_exp.
"""

from collections.abc import Iterator
from itertools import count, islice
from math import isqrt

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.linear import DeltaNet
from symroof.architecture.kinds.streams import NGrams
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.qwen_next import FULL_INTERVAL, delta_sizes, every
from symroof.families.reading.layer_patterns import turned
from symroof.families.reading.parts import (
    HIDDEN,
    activation,
    attention,
    choose,
    decoder,
    experts,
    heads,
    layer_types,
    layers,
)

LINEAR, FULL, INDEXED = "linear_attention", "full_attention", "indexed_attention"
BARE = Wiring(norm="", residual=False)
WEIGHED = Wiring(norm="", streams="low_rank")


def qwen4_exp(config: Config) -> Architecture:
    """Experts beside a gated shared one; no norms but those of streams."""
    moe = Experts(activation(config), shared=True, shared_gate=True)
    ffn = experts(config, moe, shared=config.size("shared_expert_intermediate_size"), wiring=WEIGHED)
    frame = Frame(norm="", streams="low_rank")
    return decoder(
        config,
        "qwen4_exp_text",
        *several(config),
        mixers(config),
        ffn,
        frame=frame,
        m=config.size("hc_count", absent=4),
        r_s=config.size("hc_lowrank", absent=320),
    )


def several(config: Config) -> tuple[Pattern, ...]:
    """Embeddings of several tokens ahead of the layers, counted from 1, that ple_layer_ids lists; none where empty."""
    key = "ple_layer_ids"
    chosen, last = sorted(set(config.listed(key))), layers(config)
    if any(isinstance(i, bool) or not isinstance(i, int) or not 1 <= i <= last for i in chosen):
        raise config.wrong(key, f"a list of numbers from 1 to {last}")
    parts = {number - 1: ngrams(config, place) for place, number in enumerate(chosen)}
    return (Pattern([parts.get(i) for i in range(last)], key),) if chosen else ()


def ngrams(config: Config, place: int) -> Part:
    """Those of one layer, whose table has other numbers of rows than the `place` ones before it."""
    n_g, heads = config.number("ngram_size", absent=3, least=2), config.number("heads_per_ngram", absent=8)
    H_g, d_g = Size((n_g - 1) * heads, "heads_per_ngram"), config.size("ple_embed_dim", absent=config.size(*HIDDEN))
    if d_g % H_g:
        raise config.fail(f"{d_g.origin}={d_g} is no multiple of the {H_g} heads of ngram_size and heads_per_ngram")
    base, step = config.number("ngram_vocab_size_base", absent=20_000_000), "make_ngram_vocab_size_divisible_by"
    rows = sum(islice(primes(base), place * H_g, (place + 1) * H_g))
    V_g = Size(-(-rows // (padded := config.number(step, absent=128))) * padded, "ngram_vocab_size_base")
    k_c = config.size("ple_conv_kernel_size", absent=4)
    return Part.of(NGrams(), "ngrams", BARE, d_g=d_g, V_g=V_g, H_g=H_g, n_g=Size(n_g, "ngram_size"), k_c=k_c)


def primes(least: int) -> Iterator[int]:
    """The primes from `least` on."""
    return (n for n in count(max(least, 2)) if all(n % i for i in range(2, isqrt(n) + 1)))


def mixers(config: Config) -> Pattern:
    """Delta nets, and in every fourth layer attention; what configs call full attention is indexed."""
    interval = config.number("full_attention_interval", absent=FULL_INTERVAL)
    names, origin = layer_types(config, every(config, interval), "full_attention_interval")
    names = [INDEXED if name == FULL else name for name in names]
    parts = {}
    if LINEAR in names:
        parts[LINEAR] = Part.of(DeltaNet(activation(config)), LINEAR, WEIGHED, **delta_sizes(config))
    if INDEXED in names:
        parts[INDEXED] = indexed(config)
    return choose(config, names, parts, origin)


def indexed(config: Config) -> Part:
    """Gated attention to indexer_budget keys in blocks that an indexer selects by the means of their keys."""
    bias = config.flag("attention_bias", absent=False)
    kind = Attention("tail", bias=bias, out_bias=bias, qk_norm="rms", gate="full", indexer=True)
    kind, sizes = turned(config, kind, heads(config, absent=256))
    if config.number("indexer_kv_heads") != 1:
        raise config.wrong("indexer_kv_heads", "1")
    budget, w_i = config.size("indexer_budget"), config.size("indexer_compress_ratio")
    if budget % w_i:
        raise config.fail(f"indexer_budget={budget} is no multiple of indexer_compress_ratio={w_i}")
    k_b = Size(budget // w_i, "indexer_budget / indexer_compress_ratio")
    own = {"H_i": config.size("indexer_n_heads"), "h_i": config.size("indexer_head_dim"), "w_i": w_i, "k_b": k_b}
    return attention(kind, {**sizes, **own}, INDEXED, WEIGHED)


FAMILIES = {"qwen4_exp_text": qwen4_exp}
